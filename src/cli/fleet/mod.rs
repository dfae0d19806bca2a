//! The fleet from the operator's desk: a key to sign with, orders, and how terminals stand.
//!
//! It speaks to the broker and to nothing else. Whoever holds the key decides; a terminal looks at
//! each order for itself.

mod give;
mod line;
mod status;

use crate::fleet::PrivateKey;
use anyhow::Context as _;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The fleet, and what to do with it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A terminal takes orders that are signed with a key whose public half stands in its
own configuration, push.fleet_keys. The key is the operator's: it is on no terminal.

  klarna-terminald fleet key operator.pem
      makes it, and prints the line for push.fleet_keys

  klarna-terminald fleet status --broker broker.example:8883 --certificate operator.crt \\
      --key-file operator.key --account LWT2XJSE
      how all terminals stand

  klarna-terminald fleet order --to S12/T3 --key operator.pem --broker ... sync-now
      one terminal tries at once what waits for Klarna

  klarna-terminald fleet order --to '*' --key ... configure --toml theme.toml --canary 5
      five of a hundred take these settings, once no payment is open; `fleet status`
      says when they are kept or were rolled back. Then the same with --canary 100.

What may be set from afar and how a trial goes is in docs/fleet.md.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a key that signs orders, and print its public half
    Key {
        /// Where the private key goes; never over a file that is there
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Sign an order and give it to terminals
    Order(give::Arguments),
    /// Show how terminals stand
    Status(status::Arguments),
}

/// Runs one of them.
pub(super) fn run(asked: Arguments) -> anyhow::Result<()> {
    match asked.action {
        Action::Key { file } => key(&file),
        Action::Order(asked) => super::runtime()?.block_on(give::run(asked)),
        Action::Status(asked) => super::runtime()?.block_on(status::run(asked)),
    }
}

fn key(path: &Path) -> anyhow::Result<()> {
    let pem = PrivateKey::random_pem()?;
    let file = File::options().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("cannot make {}", path.display()))?;
    file.write_all(pem.as_bytes())?;
    file.sync_all()?;
    let public = PrivateKey::from_pem(&pem)?.public();
    println!("fleet_keys = [\"{public}\"]   # key {}", public.name());
    eprintln!(
        "{} is the private key. Keep it where only the operator is; with that line under [push]",
        path.display()
    );
    eprintln!("a terminal does what it signs.");
    Ok(())
}

fn read_key(path: &Path) -> anyhow::Result<PrivateKey> {
    let pem = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the key {}", path.display()))?;
    PrivateKey::from_pem(&pem).with_context(|| path.display().to_string())
}
