//! A shop without a till: the visitor brings one, and here is everything else. The shopper acts by
//! the amount.

use super::super::Arguments;
use super::super::script::say;
use super::super::shop::{SCREEN, Shop, free_address, line};
use super::TILL;
use crate::console::api::describe;
use crate::simulator::ShopperAction;
use anyhow::Context as _;
use serialport::TTYPort;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::thread;
use std::time::Duration;
use tokio::time::Instant;

/// How long the shopper takes.
const SHOPPER: Duration = Duration::from_secs(2);
/// Between two looks at the shop.
const LOOK: Duration = Duration::from_millis(100);
/// Between two looks at an end of the cable that nobody has open.
const REOPEN_PAUSE: Duration = Duration::from_millis(20);
/// Minor units of amounts that are declined, and of those at which the shopper leaves.
const DECLINED: i64 = 66;
const LEFT: i64 = 67;

/// Runs until Ctrl-C.
pub(super) async fn run(arguments: &Arguments, address: &str) -> anyhow::Result<()> {
    crate::telemetry::start(crate::config::LogFormat::Text, "warn")?;
    let (settings, place) = match address {
        "pty" => {
            let cable = Cable::new()?;
            let settings = format!("link = \"serial\"\nport = {:?}\n", cable.terminal);
            (settings, format!("on the serial device {}", cable.till))
        }
        address => {
            let address = address.parse().with_context(|| {
                format!("--listen {address}: not an address such as 127.0.0.1:20007")
            })?;
            let address = free_address(address)?;
            (format!("link = \"tcp\"\nlisten = \"{address}\"\n"), format!("at {address}, TCP"))
        }
    };
    let shop = Shop::without_till(arguments, None, &format!("{TILL}{settings}")).await?;
    println!("The terminal waits for your till {place}: ZVT, any password, EUR.");
    println!("Its screen is drawn into {}", shop.directory.join(SCREEN).display());
    println!("and can be seen in a browser at {}", shop.mirror());
    println!("The store manager's pages are at {}", shop.console());
    println!("Klarna is played at {}", shop.simulator.control_url());
    println!("The shopper approves after 2 s, is declined at .66, and leaves at .67.");
    println!("Stop with Ctrl-C.");
    let watched = tokio::select! {
        watched = watch(&shop) => watched,
        ended = tokio::signal::ctrl_c() => ended.context("signals cannot be handled"),
    };
    shop.close().await?;
    watched
}

/// Tells what is recorded, and plays the shopper.
async fn watch(shop: &Shop<()>) -> anyhow::Result<()> {
    let mut told = 0;
    // When the shopper of a request acts; none once that has happened.
    let mut shoppers: HashMap<String, Option<Instant>> = HashMap::new();
    loop {
        tokio::time::sleep(LOOK).await;
        anyhow::ensure!(!shop.is_closed(), "the terminal has stopped");
        // The terminal may not have made its journal yet.
        let records = shop.journal().and_then(|journal| Ok(journal.all_records()?));
        for record in records.unwrap_or_default().iter().skip(told) {
            told += 1;
            if let Some(payment) = record.payment {
                say("terminal", &format!("{payment} {}", describe(&record.event)));
            }
        }
        for request in shop.simulator.requests() {
            let comes = Instant::now() + SHOPPER;
            let due = shoppers.entry(request.id.clone()).or_insert(Some(comes));
            if due.take_if(|due| *due <= Instant::now()).is_some() {
                let (action, words) = match request.amount % 100 {
                    DECLINED => (ShopperAction::Decline, "is declined"),
                    LEFT => (ShopperAction::Close, "leaves"),
                    _ => (ShopperAction::Approve, "approves"),
                };
                // The till may have given up meanwhile.
                let acted = shop.simulator.shopper(&request.id, action);
                say("shopper", if acted.is_ok() { words } else { "is too late" });
            }
        }
    }
}

/// Two pseudo terminals and what carries bytes between them.
struct Cable {
    /// The terminal's end.
    terminal: String,
    /// The till's end.
    till: String,
}

impl Cable {
    fn new() -> anyhow::Result<Self> {
        let ((ours, terminal), (theirs, till)) = (line()?, line()?);
        // As long as somebody has it open, it stays as it is now: without echo.
        let held = File::options().read(true).write(true).open(&till)?;
        let mut modes = rustix::termios::tcgetattr(&held)?;
        modes.make_raw();
        rustix::termios::tcsetattr(&held, rustix::termios::OptionalActions::Now, &modes)?;
        let (back, forth) = (theirs.try_clone_native()?, ours.try_clone_native()?);
        thread::spawn(move || carry(ours, back));
        thread::spawn(move || {
            carry(theirs, forth);
            drop(held);
        });
        Ok(Self { terminal, till })
    }
}

/// As long as the program runs.
fn carry(mut from: TTYPort, mut to: TTYPort) {
    let mut buffer = [0; 1024];
    loop {
        match from.read(&mut buffer) {
            // What nobody takes is lost, as on a real line.
            Ok(count) => drop(to.write_all(&buffer[..count])),
            Err(_) => thread::sleep(REOPEN_PAUSE),
        }
    }
}
