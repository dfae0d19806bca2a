//! The cashier's prompt with a till that speaks ZVT: the terminal's screen above, live; below it
//! what a cashier reads. With `--dir` the dialogue is written down there.

use super::super::Arguments;
use super::super::prompt::{QUEUE_LOOK, Window, around, prompt, queue_changed, typed_lines};
use super::super::shop::Shop;
use super::{OWN_TILL, open, settings, words};
use crate::cli::till::connection::Connection;
use crate::cli::till::operation::{Operation, Settings, abilities};
use crate::cli::till::words::Paper;
use crate::pos::zvt::bcd::Receipt;
use crate::pos::zvt::till::Event;
use crate::pos::zvt::trace::Recorder;
use anyhow::{Context as _, ensure};
use std::fs::File;
use tokio::sync::mpsc::Receiver;

/// The dialogue, in the shop's directory.
const TRACE: &str = "dialogue.txt";

const HELP: &str = "\
12.34             sell for EUR 12.34          abort             stop the sale
approve, decline  what the shopper does       reverse 1         undo the payment of receipt 1
repeat            the last result again       refund 5 1        give EUR 5.00 of receipt 1 back
offline, online   cut and mend the network    end               close the shift
queue             what waits for Klarna       quit              close the shop";

/// Runs until the cashier quits.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let (screen, window) = Window::divide()?;
    let mut shop = open(&arguments, Some(screen)).await?;
    if arguments.dir.is_some() {
        let trace = File::create(shop.directory.join(TRACE))?;
        shop.till.record(Recorder::serial(words()?), Box::new(trace));
    }
    let mut cashier = Cashier { shop, settings: settings()?, running: None, queued: 0 };
    window.greet(HELP);
    println!("{OWN_TILL}");
    println!("The shopper's page: {} (or scan the code)", cashier.shop.page());
    println!("The screen in a browser: {}", cashier.shop.mirror());
    println!("The store manager's pages: {}", cashier.shop.console());
    let result = cashier.serve(typed_lines()).await;
    let closed = cashier.shop.close().await;
    window.leave();
    result.and(closed)
}

struct Cashier {
    shop: Shop<Connection>,
    settings: Settings,
    /// What the terminal is carrying out.
    running: Option<(Operation, Paper)>,
    queued: usize,
}

impl Cashier {
    async fn serve(&mut self, mut typed: Receiver<String>) -> anyhow::Result<()> {
        let mut look = tokio::time::interval(QUEUE_LOOK);
        self.begin(Operation::Register)?;
        prompt();
        loop {
            tokio::select! {
                line = typed.recv() => match line.as_deref().map(str::trim) {
                    None | Some("quit" | "exit") => return Ok(()),
                    Some(line) => {
                        if let Err(error) = self.obey(line) {
                            println!("{error:#}");
                        }
                    }
                },
                event = self.shop.till.next() => self.hear(&event),
                _ = look.tick() => {
                    if !queue_changed(&self.shop, &mut self.queued)? {
                        continue;
                    }
                }
            }
            prompt();
        }
    }

    fn obey(&mut self, line: &str) -> anyhow::Result<()> {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [word] = words.as_slice()
            && let Some(done) = around(&self.shop, word)
        {
            return done;
        }
        match words.as_slice() {
            [] => Ok(()),
            ["help"] => {
                println!("{HELP}");
                Ok(())
            }
            ["abort"] => {
                ensure!(self.running.is_some(), "there is nothing to abort");
                self.shop.till.abort();
                Ok(())
            }
            ["repeat"] => self.begin(Operation::Repeat),
            ["end"] => self.begin(Operation::EndOfDay),
            ["totals"] => self.begin(Operation::Totals),
            ["reverse", receipt] => self.begin(Operation::Reverse { receipt: number(receipt)? }),
            ["refund", amount, receipt] => {
                let receipt = number(receipt)?;
                self.begin(Operation::Refund { amount: (*amount).to_owned(), receipt })
            }
            [amount] => self.begin(Operation::Pay { amount: (*amount).to_owned() }),
            _ => anyhow::bail!("type an amount such as 12.34, or help"),
        }
    }

    fn begin(&mut self, operation: Operation) -> anyhow::Result<()> {
        ensure!(self.running.is_none(), "the terminal is busy; wait, or type abort");
        let container = abilities(self.settings.width)?;
        let command = operation.command(&self.settings, &container).context("or type help")?;
        self.shop.till.begin(&command)?;
        self.running = Some((operation, Paper::new(usize::from(self.settings.width))));
        Ok(())
    }

    fn hear(&mut self, event: &Event) {
        let Some((operation, paper)) = &mut self.running else { return };
        for line in paper.lines(event) {
            println!("\r\x1b[2K{line}");
        }
        if let Event::Ended(outcome) = event {
            let (line, _) = paper.verdict(operation, outcome, self.settings.currency);
            println!("\r\x1b[2K{line}");
            self.running = None;
        }
    }
}

fn number(text: &str) -> anyhow::Result<Receipt> {
    let number = text.parse().ok().and_then(|number| Receipt::new(number).ok());
    number.with_context(|| format!("{text:?} is no receipt number"))
}
