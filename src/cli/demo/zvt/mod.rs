//! The demo with a till that speaks ZVT: ours, with everything that is said decoded, or one of the
//! visitor's own.

mod listen;
mod prompt;
mod script;

use super::Arguments;
use super::shop::{Shop, line};
use crate::cli::till::connection::Connection;
use crate::cli::till::link::Link;
use crate::cli::till::operation::Settings;
use crate::display::Output;
use crate::money::Currency;
use crate::pos::zvt::charset::Charset;
use crate::pos::zvt::message::{Command, StatusEnquiry};
use crate::pos::zvt::till::{Event, Till};
use crate::pos::zvt::trace::Words;
use anyhow::Context as _;
use clap::{Args as _, FromArgMatches as _};
use std::time::Duration;
use tokio::time::timeout;

/// How long a terminal that has just been switched on may take to answer one enquiry, and how many
/// are made.
const ENQUIRY_PAUSE: Duration = Duration::from_millis(300);
const ENQUIRIES_MAX: u32 = 50;

/// Runs the demo with a till of our own, or waits for another one.
pub(super) async fn run(arguments: Arguments, at_terminal: bool) -> anyhow::Result<()> {
    match (&arguments.listen, at_terminal && !arguments.script) {
        (Some(address), _) => listen::run(&arguments, address).await,
        (None, true) => prompt::run(arguments).await,
        (None, false) => script::run(arguments).await,
    }
}

/// The line about how to bring a till of one's own.
const OWN_TILL: &str = "\
A till of your own instead: --listen 127.0.0.1:20007 (TCP), or --listen pty (a serial device).";

/// The settings of `[till]` but its line.
const TILL: &str = "protocol = \"zvt\"\nterminal_id = \"12345678\"\n";

/// Opens the shop with our till on a serial line.
async fn open(arguments: &Arguments, output: Option<Output>) -> anyhow::Result<Shop<Connection>> {
    let (ours, port) = line()?;
    let settings = format!("{TILL}link = \"serial\"\nport = {port:?}\n");
    let shop = Shop::without_till(arguments, output, &settings).await?;
    let mut connection = Connection::new(Till::serial(Charset::Cp437), Link::of(ours)?);
    until_answered(&mut connection).await?;
    Ok(shop.with(connection))
}

/// Asks until the terminal answers: one that has just been switched on loses what is sent.
async fn until_answered(connection: &mut Connection) -> anyhow::Result<()> {
    let enquiry = StatusEnquiry { password: None, service: None, tlv: None };
    for _ in 0..ENQUIRIES_MAX {
        connection.begin_anew(Till::serial(Charset::Cp437));
        connection.begin(&Command::StatusEnquiry(enquiry))?;
        let answered = async { while !matches!(connection.next().await, Event::Ended(_)) {} };
        if timeout(ENQUIRY_PAUSE, answered).await.is_ok() {
            // Earlier enquiries may be answered now.
            let _ = timeout(ENQUIRY_PAUSE, connection.next()).await;
            connection.begin_anew(Till::serial(Charset::Cp437));
            return Ok(());
        }
    }
    anyhow::bail!("the terminal does not answer on its serial line")
}

/// What `till` assumes when nothing else is said.
fn settings() -> anyhow::Result<Settings> {
    let command = Settings::augment_args(clap::Command::new("till").no_binary_name(true));
    let matches = command.try_get_matches_from(["--connect", "pty"])?;
    Ok(Settings::from_arg_matches(&matches)?)
}

fn words() -> anyhow::Result<Words> {
    let currency = Currency::new("EUR").context("EUR is a currency")?;
    Ok(Words { charset: Charset::Cp437, currency })
}
