//! The audit journal from the command line: who did what, asked of the running daemon; and whether
//! it is as it was written, read from its file whether a daemon runs or not.

use super::client::{Client, Told};
use super::table::{Progress, Side, Table, second};
use crate::access::{Hash, verify_telling};
use crate::console::access_beside;
use crate::console::api::AuditPage;
use anyhow::{Context as _, bail};
use serde_json::json;
use std::path::Path;

/// The audit journal, and what to do with it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a command it lists the newest entries. Each is chained to the one before
by a hash, so that a change shows:

  klarna-terminald audit verify --config FILE

Note the head that this prints in another place. With --head it shows later that
nothing up to it was changed, which the file alone cannot.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    database: super::Database,
    /// How many entries to list, at most 1000
    #[arg(long, default_value_t = 50)]
    count: u32,
    /// Begin with the entry of this number instead of the newest
    #[arg(long, value_name = "NUMBER")]
    from: Option<i64>,
    /// Print one line of JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Check every entry against its hash; exit code 1 when one was changed or is missing
    Verify {
        /// A head that was noted earlier and must still be in the chain
        #[arg(long, value_name = "HASH")]
        head: Option<Hash>,
    },
}

/// Runs one of them.
pub(super) fn run(asked: Arguments) -> anyhow::Result<()> {
    let Arguments { action, database, count, from, json } = asked;
    let database = database.path()?;
    match action {
        Some(Action::Verify { head }) => verify(&access_beside(&database), head, json),
        None => list(&Client::of(&database)?, count, from, json),
    }
}

fn list(client: &Client, count: u32, from: Option<i64>, json: bool) -> anyhow::Result<()> {
    let from = from.map(|from| format!("&from={from}")).unwrap_or_default();
    let told: Told<AuditPage> = client.get(&format!("/v1/audit?count={count}{from}"))?;
    if json {
        println!("{}", told.json);
        return Ok(());
    }
    let mut table = Table::new(&[
        ("number", Side::Right),
        ("time (UTC)", Side::Left),
        ("who", Side::Left),
        ("from", Side::Left),
        ("what", Side::Left),
        ("details", Side::Left),
    ]);
    for entry in &told.value.entries {
        table.row([
            entry.number.to_string(),
            second(&entry.at).to_owned(),
            entry.actor.clone(),
            entry.peer.clone().unwrap_or_default(),
            entry.action.clone(),
            entry.detail.to_string(),
        ]);
    }
    table.print();
    if let Some(older) = told.value.older {
        println!("`audit --from {older}` lists older ones");
    }
    Ok(())
}

fn verify(file: &Path, head: Option<Hash>, json: bool) -> anyhow::Result<()> {
    let name = file.display();
    if let Err(why) = std::fs::File::open(file) {
        bail!(
            "there is no audit journal to read at {name} ({why}); the daemon makes it when it \
             starts, for its own user alone"
        );
    }
    let mut progress = Progress::new();
    let verified = verify_telling(file, head, |entries| {
        progress.tell(&format!("{entries} entries are as they were written"));
    });
    drop(progress);
    let whole = verified.with_context(|| {
        format!(
            "the audit journal {name} is not what was written. Copy the file away before anything \
             else, do not restore over it, and compare the copy with a backup"
        )
    })?;
    let (first, last) = (whole.first.iso8601(), whole.last.iso8601());
    let head = whole.head.to_string();
    if json {
        let entries = whole.entries;
        println!("{}", json!({ "entries": entries, "head": head, "first": first, "last": last }));
        return Ok(());
    }
    let (first, last) = (second(&first), second(&last));
    println!("the audit journal is whole: {} entries from {first} to {last} UTC", whole.entries);
    println!("head: {head}");
    Ok(())
}
