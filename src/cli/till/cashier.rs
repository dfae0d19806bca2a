//! The cashier: one operation after the other over one connection, from the command line or from a
//! prompt.

use super::connection::Connection;
use super::link::Link;
use super::operation::{Operation, Settings, abilities};
use super::words::{Paper, Verdict};
use crate::cli::desk::confirm;
use crate::pos::zvt::charset::Charset;
use crate::pos::zvt::till::{Event, Till};
use crate::pos::zvt::trace::{Recorder, Words};
use anyhow::Context as _;
use clap::Parser as _;
use std::fs::File;
use std::io::{self, Write};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Lines that were typed and not read yet.
const INPUTS_MAX: usize = 16;

/// What the person at the till does.
#[derive(Debug)]
pub(in crate::cli) enum Input {
    /// A line.
    Typed(String),
    /// Ctrl-C.
    Interrupt,
    /// Nothing will be typed any more.
    End,
}

/// A line at the prompt.
#[derive(Debug, clap::Parser)]
#[command(no_binary_name = true, disable_help_flag = true, help_template = "{subcommands}")]
struct Line {
    #[command(subcommand)]
    operation: Operation,
}

/// One operation of the command line.
pub(super) async fn once(settings: Settings, operation: &Operation) -> anyhow::Result<Verdict> {
    operation.command(&settings, &[])?;
    if let Some(what) = operation.moves_money(settings.currency) {
        confirm(&what, settings.yes)?;
    }
    let (_, mut inputs) = interrupts()?;
    let mut cashier = Cashier::connect(settings)?;
    cashier.perform(operation, &mut inputs).await
}

/// Operations until the cashier leaves.
pub(super) async fn prompt(settings: Settings) -> anyhow::Result<Verdict> {
    let (sender, mut inputs) = interrupts()?;
    std::thread::spawn(move || read_lines(&sender));
    let mut cashier = Cashier::connect(settings)?;
    println!("connected; type pay 10.10, or help");
    if !cashier.settings.no_register {
        cashier.perform(&Operation::Register, &mut inputs).await?;
    }
    loop {
        print!("till> ");
        io::stdout().flush()?;
        let line = match cashier.idle(&mut inputs).await {
            Some(Input::Typed(line)) => line,
            Some(Input::Interrupt | Input::End) | None => break,
        };
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [] => {}
            ["quit" | "exit"] => break,
            words => {
                if let Err(error) = cashier.obey(words, &mut inputs).await {
                    println!("{error:#}");
                }
            }
        }
        if cashier.left {
            return Ok(Verdict::Unknown);
        }
    }
    println!();
    Ok(Verdict::Done)
}

/// Ctrl-C as an input like any other.
fn interrupts() -> anyhow::Result<(Sender<Input>, Receiver<Input>)> {
    let (sender, inputs) = channel(INPUTS_MAX);
    let interrupt = sender.clone();
    let mut signals = signal(SignalKind::interrupt()).context("signals cannot be handled")?;
    tokio::spawn(async move {
        while signals.recv().await.is_some() {
            if interrupt.send(Input::Interrupt).await.is_err() {
                return;
            }
        }
    });
    Ok((sender, inputs))
}

/// Lines from the keyboard, read on a thread that ends with the program.
fn read_lines(inputs: &Sender<Input>) {
    for line in io::stdin().lines() {
        let Ok(line) = line else { break };
        if inputs.blocking_send(Input::Typed(line)).is_err() {
            return;
        }
    }
    let _ = inputs.blocking_send(Input::End);
}

/// A cashier at a till that is connected.
pub(in crate::cli) struct Cashier {
    settings: Settings,
    connection: Connection,
    registered: bool,
    /// Nobody waits for the end of the command any more.
    left: bool,
}

impl Cashier {
    fn connect(settings: Settings) -> anyhow::Result<Self> {
        let link = Link::open(&settings.connect, settings.baud, settings.format)?;
        let words = Words { charset: Charset::Cp437, currency: settings.currency };
        let (till, recorder) = match settings.connect.is_serial() {
            true => (Till::serial(words.charset), Recorder::serial(words)),
            false => (Till::tcp(words.charset), Recorder::tcp(words)),
        };
        let mut connection = Connection::new(till, link);
        if let Some(path) = &settings.trace {
            let out: Box<dyn Write + Send> = match path.to_str() {
                Some("-") => Box::new(io::stderr()),
                _ => {
                    let file = File::options().create(true).append(true).open(path);
                    Box::new(file.with_context(|| format!("cannot write {}", path.display()))?)
                }
            };
            connection.record(recorder, out);
        }
        Ok(Self { settings, connection, registered: false, left: false })
    }

    /// What is typed next. What the terminal says meanwhile was not asked for and is refused.
    async fn idle(&mut self, inputs: &mut Receiver<Input>) -> Option<Input> {
        loop {
            tokio::select! {
                input = inputs.recv() => return input,
                _ = self.connection.next() => {}
            }
        }
    }

    async fn obey(
        &mut self,
        words: &[&str],
        inputs: &mut Receiver<Input>,
    ) -> anyhow::Result<Verdict> {
        let operation = match Line::try_parse_from(words) {
            Ok(line) => line.operation,
            Err(error) => {
                // Help, or what is wrong with the line.
                print!("{}", error.render());
                return Ok(Verdict::Not);
            }
        };
        operation.command(&self.settings, &[])?;
        if let Some(what) = operation.moves_money(self.settings.currency)
            && !self.settings.yes
        {
            print!("{what}? [y/N] ");
            io::stdout().flush()?;
            match inputs.recv().await {
                Some(Input::Typed(answer)) if is_yes(&answer) => {}
                _ => anyhow::bail!("nothing was done"),
            }
        }
        if self.connection.is_gone() {
            *self = Self { registered: self.registered, ..Self::connect(self.settings.clone())? };
        }
        self.perform(&operation, inputs).await
    }

    /// Registers if that is needed, then does it.
    async fn perform(
        &mut self,
        operation: &Operation,
        inputs: &mut Receiver<Input>,
    ) -> anyhow::Result<Verdict> {
        if operation.sells() && !self.registered && !self.settings.no_register {
            let verdict = self.carry_out(&Operation::Register, inputs).await?;
            if verdict != Verdict::Done {
                println!("NOT PAID: the till is not registered; nobody was asked to pay");
                return Ok(Verdict::Not);
            }
        }
        self.carry_out(operation, inputs).await
    }

    async fn carry_out(
        &mut self,
        operation: &Operation,
        inputs: &mut Receiver<Input>,
    ) -> anyhow::Result<Verdict> {
        let container = abilities(self.settings.width)?;
        let command = operation.command(&self.settings, &container)?;
        self.connection.begin(&command)?;
        let mut paper = Paper::new(usize::from(self.settings.width));
        let (mut aborted, mut listening) = (false, true);
        loop {
            tokio::select! {
                event = self.connection.next() => {
                    paper.lines(&event).iter().for_each(|line| println!("{line}"));
                    if let Event::Ended(outcome) = event {
                        let currency = self.settings.currency;
                        let (line, verdict) = paper.verdict(operation, &outcome, currency);
                        if self.settings.composes_receipts() {
                            paper.composed(&outcome, currency).iter()
                                .for_each(|line| println!("{line}"));
                        }
                        println!("{line}");
                        self.registered |=
                            *operation == Operation::Register && verdict == Verdict::Done;
                        self.registered &= *operation != Operation::LogOff;
                        return Ok(verdict);
                    }
                    if event == Event::Taken && operation.sells() {
                        println!("waiting for the shopper; Ctrl-C aborts");
                    }
                }
                input = inputs.recv(), if listening => match input {
                    Some(Input::Interrupt) if aborted => {
                        self.left = true;
                        println!("\nUNKNOWN: left before the end{}", operation.advice());
                        return Ok(Verdict::Unknown);
                    }
                    Some(Input::Interrupt) => {
                        aborted = true;
                        println!("\nasking the terminal to abort; Ctrl-C once more leaves");
                        self.connection.abort();
                    }
                    Some(Input::Typed(line)) if line.trim() == "abort" => self.connection.abort(),
                    Some(Input::Typed(line)) if line.trim().is_empty() => {}
                    Some(Input::Typed(_)) => println!("please wait, or type abort"),
                    Some(Input::End) | None => listening = false,
                },
            }
        }
    }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}
