//! The `till` command: a cash register over ZVT for engineers who roll out terminals, ours or
//! others'. It sells, gives back, and writes down what is said.
//!
//! Exit codes: 0 paid or done, 1 not paid or refused, 2 wrong command line, 3 unknown.

mod cashier;
pub(super) mod connection;
pub(super) mod link;
pub(super) mod operation;
pub(super) mod words;

use clap::CommandFactory as _;
use operation::{Operation, Settings};
use std::io::IsTerminal as _;
use std::process::ExitCode;
use words::Verdict;

/// Nobody knows whether it was paid.
const EXIT_UNKNOWN: u8 = 3;

/// Arguments of `till`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a command, at a terminal: a prompt that takes the same commands. Ctrl-C aborts a payment,
once more leaves.

Exit codes: 0 paid or done, 1 not paid or refused, 2 wrong command line, 3 unknown: ask with
repeat.")]
pub(super) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    operation: Option<Operation>,
}

/// Does what was asked, or gives a prompt.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { settings, operation } = arguments;
    let verdict = match operation {
        Some(operation) => cashier::once(settings, &operation).await?,
        None if std::io::stdin().is_terminal() => cashier::prompt(settings).await?,
        None => super::Arguments::command()
            .error(
                clap::error::ErrorKind::MissingSubcommand,
                "what shall the till do? there is a prompt only at a terminal; see till --help",
            )
            .exit(),
    };
    Ok(match verdict {
        Verdict::Done => ExitCode::SUCCESS,
        Verdict::Not => ExitCode::FAILURE,
        Verdict::Unknown => ExitCode::from(EXIT_UNKNOWN),
    })
}
