//! The cashier's prompt: the terminal's screen above, live; below it what till and terminal say.

use super::Arguments;
use super::script::shopper;
use super::shop::Shop;
use super::till::in_words;
use crate::display::Output;
use crate::display::ansi::Ansi;
use crate::money::{Amount, Currency};
use crate::simulator::ShopperAction;
use anyhow::Context as _;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, channel};

/// Rows below the screen for the conversation: as many as it likes, and as few as it can do with.
const TALK_ROWS: u16 = 9;
const TALK_ROWS_MIN: u16 = 3;
/// Rows that the QR code of a host on this computer needs.
const SCREEN_ROWS: u16 = 21;
/// How often the queue's length is looked at.
pub(super) const QUEUE_LOOK: Duration = Duration::from_millis(500);

const HELP: &str = "\
12.34             sell for EUR 12.34          abort             stop the sale
approve, decline  what the shopper does       status [REF]      ask what has become of a sale
refund 5 [REF]    give EUR 5.00 back          queue             what waits for Klarna
offline, online   cut and mend the network    quit              close the shop";

/// Runs until the cashier quits.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let (screen, window) = Window::divide()?;
    let shop = Shop::open(&arguments, Some(screen)).await?;
    let mut cashier = Cashier { shop, last: None, sales: 0, commands: 0, queued: 0 };
    window.greet(HELP);
    println!("The shopper's page: {} (or scan the code)", cashier.shop.page());
    println!("The screen in a browser: {}", cashier.shop.mirror());
    println!("The store manager's pages: {}", cashier.shop.console());
    let result = cashier.serve(typed_lines()).await;
    let closed = cashier.shop.close().await;
    window.leave();
    result.and(closed)
}

/// The window: the screen has its upper part, so many rows are left to talk in.
pub(super) struct Window {
    rows: u16,
    talk: u16,
}

impl Window {
    /// Makes room for the screen.
    pub(super) fn divide() -> anyhow::Result<(Output, Self)> {
        let (columns, rows) = size();
        let talk = rows.saturating_sub(SCREEN_ROWS).clamp(TALK_ROWS_MIN, TALK_ROWS);
        let above = rows.saturating_sub(talk).max(1);
        let screen = Ansi::new(Box::new(Above::default()), columns, above);
        print!("\x1b[2J\x1b[{};{rows}r\x1b[{};1H", above + 1, above + 1);
        io::stdout().flush()?;
        Ok((Output::Ansi(screen), Self { rows, talk }))
    }

    /// Says what can be typed, if there is room.
    pub(super) fn greet(&self, help: &str) {
        if self.talk == TALK_ROWS {
            println!("{help}");
        } else {
            println!("Type an amount such as 12.34, or help. A taller window shows more.");
        }
    }

    /// Gives the whole window back.
    pub(super) fn leave(self) {
        println!("\x1b[r\x1b[{};1H", self.rows);
    }
}

/// What shopper and network do at a word, and what waits; none for any other word.
pub(super) fn around<T>(shop: &Shop<T>, word: &str) -> Option<anyhow::Result<()>> {
    Some(match word {
        "approve" => shopper(shop, ShopperAction::Approve),
        "decline" => shopper(shop, ShopperAction::Decline),
        "open" => shopper(shop, ShopperAction::Open),
        "close" => shopper(shop, ShopperAction::Close),
        "offline" => {
            shop.simulator.set_offline(true);
            Ok(())
        }
        "online" => {
            shop.simulator.set_offline(false);
            Ok(())
        }
        "queue" => print_queue(shop),
        _ => return None,
    })
}

fn print_queue<T>(shop: &Shop<T>) -> anyhow::Result<()> {
    let journal = shop.journal()?;
    let (queued, refused) = (journal.queued()?, journal.refused()?);
    for row in &queued {
        let (operation, amount) = (row.call.kind.operation(), row.call.kind.amount());
        println!("  {} {operation} of {amount} waits", row.call.id);
    }
    for row in &refused {
        println!("  {} needs a person: {}", row.call.id, row.refusal.text);
    }
    if queued.is_empty() && refused.is_empty() {
        println!("  nothing waits");
    }
    Ok(())
}

struct Cashier {
    shop: Shop,
    /// Reference of the newest sale.
    last: Option<String>,
    sales: u32,
    commands: u32,
    queued: usize,
}

impl Cashier {
    async fn serve(&mut self, mut typed: Receiver<String>) -> anyhow::Result<()> {
        let mut look = tokio::time::interval(QUEUE_LOOK);
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
                message = self.shop.till.next() => {
                    let message = message.context("the serial line to the terminal is broken")?;
                    self.hear(&message)?;
                }
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
                let reference = self.newest()?;
                self.shop.till.send(&json!({ "op": "abort", "ref": reference }))
            }
            ["status", rest @ ..] => {
                let reference = self.reference(rest)?;
                self.shop.till.send(&json!({ "op": "status", "ref": reference }))
            }
            ["refund", amount, rest @ ..] => {
                let (sale, amount) = (self.reference(rest)?, minor_units(amount)?);
                self.commands += 1;
                let reference = format!("REFUND-{}", self.commands);
                let refund = json!({ "op": "refund", "ref": reference, "sale": sale,
                    "amount": amount });
                self.shop.till.send(&refund)
            }
            [amount] => {
                let amount = minor_units(amount)?;
                self.sales += 1;
                let reference = format!("SALE-{}", self.sales);
                self.last = Some(reference.clone());
                self.shop.till.send(&json!({ "op": "sale", "ref": reference, "amount": amount }))
            }
            _ => anyhow::bail!("type an amount such as 12.34, or help"),
        }
    }

    /// Prints what the terminal says; an approved result is acknowledged, as every till must.
    fn hear(&mut self, message: &Value) -> anyhow::Result<()> {
        println!("\r\x1b[2K< {}", in_words(message));
        if message["ack_required"] == true && message["event"] == "result" {
            self.shop.till.send(&json!({ "op": "ack", "ref": message["ref"] }))?;
        }
        Ok(())
    }

    fn newest(&self) -> anyhow::Result<String> {
        self.last.clone().context("there was no sale yet; type an amount such as 12.34")
    }

    fn reference(&self, given: &[&str]) -> anyhow::Result<String> {
        match given.first() {
            Some(reference) => Ok((*reference).to_owned()),
            None => self.newest(),
        }
    }
}

fn minor_units(text: &str) -> anyhow::Result<i64> {
    let euro = Currency::new("EUR").context("EUR is a currency")?;
    let amount = Amount::parse(&text.replace(',', "."), euro);
    Ok(amount.map_err(|error| anyhow::anyhow!("{error}; or type help"))?.minor())
}

/// Says how many calls wait for Klarna, if that is not what was said last.
pub(super) fn queue_changed<T>(shop: &Shop<T>, said: &mut usize) -> anyhow::Result<bool> {
    let queued = shop.journal()?.queued()?.len();
    let changed = queued != *said;
    if changed {
        println!("\r\x1b[2K  {queued} call(s) wait for Klarna");
    }
    *said = queued;
    Ok(changed)
}

pub(super) fn prompt() {
    print!("\r\x1b[2K\x1b[?25htill> ");
    // A terminal that is gone ends the program by the end of its input.
    let _ = io::stdout().flush();
}

/// Lines from the keyboard, read on a thread that ends with the program.
pub(super) fn typed_lines() -> Receiver<String> {
    let (sender, receiver) = channel(16);
    std::thread::spawn(move || {
        for line in io::stdin().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn size() -> (u16, u16) {
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        Ok(_) | Err(_) => (80, 24),
    }
}

/// Draws above the conversation: each frame goes out whole, with the cursor kept where it was.
#[derive(Default)]
struct Above {
    frame: Vec<u8>,
}

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(b"\x1b7")?;
        out.write_all(&std::mem::take(&mut self.frame))?;
        out.write_all(b"\x1b8\x1b[?25h")?;
        out.flush()
    }
}
