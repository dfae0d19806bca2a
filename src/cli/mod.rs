//! The command line: one command per role of the binary, and what people at a desk need.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong command line, 78 wrong configuration (`EX_CONFIG`).

#[cfg(feature = "simulator")]
mod demo;
mod list;
#[cfg(feature = "simulator")]
mod simulate;

use crate::config::{Config, ConfigError};
use crate::store::{Reader, Store};
use crate::{daemon, telemetry};
use anyhow::Context as _;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// `EX_CONFIG` of sysexits.h.
const EXIT_CONFIG: u8 = 78;

/// A payment-terminal daemon: takes Klarna payments at the till with a QR code.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "\
Try it without a till, a terminal or an account at Klarna:
  klarna-terminald demo

This is independent software; it is not made, endorsed or supported by Klarna."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the terminal: serve the till, show QR codes, keep the queue in sync with Klarna
    Run {
        /// The configuration file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Check a configuration file and say in one screen what it will do
    CheckConfig {
        /// The configuration file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// List the newest payments of the journal, or show one with all that has happened
    Payments {
        #[command(flatten)]
        database: Database,
        /// Show this payment's journal
        #[arg(value_name = "NUMBER")]
        number: Option<u32>,
        /// How many to list
        #[arg(long, default_value_t = 20)]
        count: u32,
    },
    /// List the calls that wait to be sent to Klarna, and those that were refused and need a person
    Outbox {
        #[command(flatten)]
        database: Database,
        /// Say that the books have been compared after the journal was restored from a snapshot;
        /// the daemon must be stopped for it
        #[arg(long)]
        acknowledge_restore: bool,
    },
    /// Play Klarna: an API as strict as the real one, and a shopper's page in the browser
    #[cfg(feature = "simulator")]
    Simulate(simulate::Arguments),
    /// Take a payment here and now: till, terminal, shopper and a simulated Klarna in one program
    #[cfg(feature = "simulator")]
    Demo(demo::Arguments),
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Database {
    /// The configuration file that names the database
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database itself
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
}

impl Database {
    fn path(self) -> anyhow::Result<PathBuf> {
        match (self.database, self.config) {
            (Some(path), _) => Ok(path),
            (None, Some(config)) => Ok(Config::load(&config)?.store_path),
            (None, None) => anyhow::bail!("name a database or a configuration file"),
        }
    }
}

/// Runs the command of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("klarna-terminald: {error:#}");
            match error.downcast_ref::<ConfigError>() {
                Some(_) => ExitCode::from(EXIT_CONFIG),
                None => ExitCode::FAILURE,
            }
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run { config } => {
            let config = Config::load(&config)?;
            telemetry::start(config.log_format, &config.log_filter)?;
            runtime()?.block_on(async {
                let shutdown = daemon::terminated().context("signals cannot be handled")?;
                daemon::run(config, shutdown).await
            })
        }
        Command::CheckConfig { config } => {
            print!("{}", Config::load(&config)?.summary());
            Ok(())
        }
        Command::Payments { database, number, count } => {
            list::payments(&database.path()?, number, count)
        }
        Command::Outbox { database, acknowledge_restore } => {
            let path = database.path()?;
            if acknowledge_restore {
                Reader::open(&path)?;
                Store::open(&path)?.acknowledge_restore()?;
            }
            list::outbox(&path)
        }
        #[cfg(feature = "simulator")]
        Command::Simulate(arguments) => runtime()?.block_on(simulate::run(arguments)),
        #[cfg(feature = "simulator")]
        Command::Demo(arguments) => runtime()?.block_on(demo::run(arguments)),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("terminald")
        .enable_all()
        .build()
        .context("the runtime cannot be started")
}
