//! The command line: one command per role of the binary, and what people at a desk need.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong command line, 78 wrong configuration (`EX_CONFIG`); `till`
//! has one more, and `ready-for-update` ends with 2 as well when it cannot tell.

mod audit;
mod backup;
mod client;
#[cfg(feature = "simulator")]
mod demo;
mod desk;
mod doctor;
#[cfg(feature = "relay")]
mod fleet;
mod health;
mod list;
#[cfg(feature = "relay")]
mod provision;
mod ready;
#[cfg(feature = "relay")]
mod relay;
mod shift;
#[cfg(feature = "simulator")]
mod simulate;
mod table;
mod till;
mod users;

use crate::config::{Books, Config, ConfigError};
use crate::id::CallId;
use crate::payment::alarm::Limits;
use crate::store::{Reader, Store};
use crate::{daemon, telemetry};
use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};
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
    /// Receive Klarna's notices and tell terminals behind a broker that something may have changed
    #[cfg(feature = "relay")]
    Relay(relay::Arguments),
    /// Check a configuration file and say in one screen what it will do
    CheckConfig {
        /// The configuration file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// List the newest payments of the journal, search it, or show one with all that has happened
    Payments {
        #[command(flatten)]
        database: Database,
        #[command(flatten)]
        which: list::Which,
    },
    /// List the calls that wait for Klarna and those that need a person, and see to them
    Outbox {
        #[command(subcommand)]
        action: Option<Outbox>,
        #[command(flatten)]
        database: Database,
        /// Say that the books have been compared after the journal was restored from a snapshot;
        /// the daemon must be stopped for it
        #[arg(long)]
        acknowledge_restore: bool,
        /// Print lists and calls as one line of JSON
        #[arg(long, global = true)]
        json: bool,
    },
    /// Show what was sold since the last closing, close the shift, and list earlier ones
    Shift(shift::Arguments),
    /// List the users of the manager's pages, add some, and change what they may do
    Users(users::Arguments),
    /// Show who did what at the manager's pages and commands, and check that nothing was changed
    Audit(audit::Arguments),
    /// Check the journal as a whole and copy it, beside a running daemon; exit code 1: damaged
    Backup {
        #[command(flatten)]
        database: Database,
        /// Also put the copy into this folder, such as a mounted stick
        #[arg(long, value_name = "FOLDER")]
        to: Option<PathBuf>,
    },
    /// Say how the terminal stands; exit code 1 when there is an alarm
    Health {
        #[command(flatten)]
        database: Database,
    },
    /// Set up the account at Klarna: webhooks, the keys they are signed with, and API keys
    #[cfg(feature = "relay")]
    Provision(provision::Arguments),
    /// Look at everything that the terminal needs, and say what is wrong and what to do about it
    Doctor(doctor::Arguments),
    /// Say whether the software may be changed now; exit code 1 while a payment is open
    ReadyForUpdate(ready::Arguments),
    /// Take authorised money of a sale, all or a part
    Capture(desk::Money),
    /// Give captured money of a sale back, all or a part; also of another terminal's or the web
    /// shop's sale
    Refund(desk::Refund),
    /// Give a whole authorisation back before anything is captured
    Void(desk::Whole),
    /// Give back what is left of an authorisation after captures
    Release(desk::Whole),
    /// Give a sale another merchant reference (order number)
    Update(desk::Update),
    /// Give orders and settings to many terminals over the broker, and see how they stand
    #[cfg(feature = "relay")]
    Fleet(fleet::Arguments),
    /// Be a till: sell over ZVT at this terminal or another one, and see what is said
    Till(till::Arguments),
    /// Play Klarna: an API as strict as the real one, and a shopper's page in the browser
    #[cfg(feature = "simulator")]
    Simulate(simulate::Arguments),
    /// Take a payment here and now: till, terminal, shopper and a simulated Klarna in one program
    #[cfg(feature = "simulator")]
    Demo(demo::Arguments),
}

#[derive(Debug, Subcommand)]
enum Outbox {
    /// List what waits for Klarna and what needs a person
    List,
    /// Show one call and the journal of its payment
    Show {
        /// The call's number, such as 000012.3
        #[arg(value_name = "CALL")]
        call: CallId,
    },
    /// Send a refused call again, after a look whether it took effect after all; or let every call
    /// that pauses be sent now
    Retry {
        /// The refused call's number; all that pause when it is absent
        #[arg(value_name = "CALL")]
        call: Option<CallId>,
    },
    /// Take a refused call off the list, because somebody has seen to it in another way
    Resolve {
        /// The call's number
        #[arg(value_name = "CALL")]
        call: CallId,
        /// What was done about it; it stays in the journal
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Do it without asking
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Debug, Clone, clap::Args)]
struct Database {
    /// The configuration file that names the database
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "database")]
    config: Option<PathBuf>,
    /// The database itself
    #[arg(long, value_name = "FILE", global = true)]
    database: Option<PathBuf>,
}

impl Database {
    fn path(self) -> anyhow::Result<PathBuf> {
        match (self.database, self.config) {
            (Some(path), _) => Ok(path),
            (None, Some(config)) => Ok(Books::load(&config)?.store_path),
            // A required argument cannot be one of all subcommands in clap.
            (None, None) => Arguments::command()
                .error(
                    clap::error::ErrorKind::MissingRequiredArgument,
                    "which terminal? name --config FILE or --database FILE",
                )
                .exit(),
        }
    }
}

/// Runs the command of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("klarna-terminald: {error:#}");
            match error.downcast_ref::<ConfigError>() {
                Some(_) => ExitCode::from(EXIT_CONFIG),
                None => ExitCode::FAILURE,
            }
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let done = match command {
        Command::Till(arguments) => return runtime()?.block_on(till::run(arguments)),
        Command::Doctor(asked) => return doctor::run(&asked),
        Command::ReadyForUpdate(asked) => return Ok(ready::run(asked)),
        Command::Run { config: path } => {
            let loaded = daemon::last_good::load(&path)?;
            telemetry::start(loaded.config.log_format, &loaded.config.log_filter)?;
            runtime()?.block_on(daemon::serve(&path, loaded))
        }
        #[cfg(feature = "relay")]
        Command::Relay(asked) => relay::run(&asked),
        Command::CheckConfig { config } => {
            print!("{}", Config::load(&config)?.summary());
            Ok(())
        }
        Command::Payments { database, which } => list::payments(&database.path()?, &which),
        Command::Outbox { action, database, acknowledge_restore, json } => {
            let path = database.path()?;
            if acknowledge_restore {
                Reader::open(&path)?;
                Store::open(&path)?.acknowledge_restore()?;
            }
            match action.unwrap_or(Outbox::List) {
                Outbox::List => list::outbox(&path, json),
                Outbox::Show { call } => list::show(&path, call, json),
                Outbox::Retry { call } => desk::retry(&path, call),
                Outbox::Resolve { call, reason, yes } => desk::resolve(&path, call, &reason, yes),
            }
        }
        #[cfg(feature = "relay")]
        Command::Provision(asked) => runtime()?.block_on(provision::run(asked)),
        Command::Shift(asked) => shift::run(asked),
        Command::Users(asked) => users::run(asked),
        Command::Audit(asked) => audit::run(asked),
        Command::Backup { database, to } => backup::backup(&database.path()?, to.as_deref()),
        Command::Health { database } => {
            let limits = match &database.config {
                Some(config) => Books::load(config)?.alarms,
                None => Limits::default(),
            };
            match health::health(&database.path()?, &limits)? {
                true => anyhow::bail!("the terminal needs somebody to look at it"),
                false => Ok(()),
            }
        }
        Command::Capture(asked) => desk::capture(&asked),
        Command::Refund(asked) => desk::refund(&asked),
        Command::Void(asked) => desk::whole("void", &asked),
        Command::Release(asked) => desk::whole("release", &asked),
        Command::Update(asked) => desk::update(&asked),
        #[cfg(feature = "relay")]
        Command::Fleet(asked) => fleet::run(asked),
        #[cfg(feature = "simulator")]
        Command::Simulate(arguments) => runtime()?.block_on(simulate::run(arguments)),
        #[cfg(feature = "simulator")]
        Command::Demo(arguments) => runtime()?.block_on(demo::run(arguments)),
    };
    done.map(|()| ExitCode::SUCCESS)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("terminald")
        .enable_all()
        .build()
        .context("the runtime cannot be started")
}
