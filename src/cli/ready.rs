//! Whether the software may be changed now: no sale is on its way and no result waits for the till.
//!
//! Read beside a running daemon, or without one. It writes nothing but the file that says that an
//! update is under way. What waits for Klarna is kept across versions and is no reason to wait.

use crate::payment::state::State;
use crate::payment::{Engine, Payment};
use crate::store::Reader;
use anyhow::Context as _;
use serde_json::{Value, json};
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// While a file of this name stands beside the database, the terminal shows that it is being
/// updated and begins no sale.
const UPDATING: &str = "updating";
/// A sale that the daemon was about to record when the file was made is in the journal by then, on
/// a slow card as well.
const SETTLED_AFTER: Duration = Duration::from_secs(3);
/// Exit code: it could not be found out.
const EXIT_UNKNOWN: u8 = 2;

/// Which terminal, and whether the update begins now.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code 0: no payment is open, the software may be changed now; 1: not ready;
2: it could not be found out.

With --begin no sale can begin any more once it was 0, until --cancel:

  until klarna-terminald ready-for-update --begin --config FILE; do sleep 30; done")]
pub(super) struct Arguments {
    #[command(flatten)]
    database: super::Database,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
    /// First make the file `updating` beside the database; take it away again when not ready
    #[arg(long, conflicts_with = "cancel")]
    begin: bool,
    /// Take the file `updating` away
    #[arg(long)]
    cancel: bool,
}

/// What was found.
struct Found {
    open: Vec<Open>,
    waiting: u64,
    refused: u64,
    is_updating: bool,
}

/// A payment that is not at its end.
struct Open {
    number: String,
    state: &'static str,
    words: &'static str,
    since: String,
}

/// Looks, and says by its exit code what was found.
pub(super) fn run(asked: Arguments) -> ExitCode {
    let Arguments { database, json, begin, cancel } = asked;
    let told = database.path().and_then(|store| {
        let updating = store.with_file_name(UPDATING);
        match (cancel, begin) {
            (true, _) => removed(&updating).map(|()| None),
            (false, true) => begun(&store, &updating).map(Some),
            (false, false) => look(&store).map(Some),
        }
    });
    match told {
        Ok(Some(found)) => found.tell(json),
        Ok(None) => {
            match json {
                true => println!("{}", json!({ "updating": false })),
                false => println!("the update is cancelled; sales may begin again"),
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            match json {
                true => {
                    println!("{}", json!({ "ready": Value::Null, "error": format!("{error:#}") }))
                }
                false => eprintln!("klarna-terminald: it could not be found out: {error:#}"),
            }
            ExitCode::from(EXIT_UNKNOWN)
        }
    }
}

/// Keeps new sales out first, and only then looks: nothing can begin in between.
fn begun(store: &Path, updating: &Path) -> anyhow::Result<Found> {
    Reader::open(store)?;
    let made = File::options().write(true).create_new(true).open(updating);
    let is_ours = match made {
        Ok(_) => true,
        // Somebody else has begun: it is theirs to take away.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
        Err(error) => {
            return Err(error).with_context(|| format!("cannot make {}", updating.display()));
        }
    };
    let found = look(store).and_then(|found| match found.is_ready() {
        true => {
            std::thread::sleep(SETTLED_AFTER);
            look(store)
        }
        false => Ok(found),
    });
    if is_ours && !found.as_ref().is_ok_and(Found::is_ready) {
        removed(updating)?;
    }
    found.map(|found| Found { is_updating: updating.exists(), ..found })
}

fn removed(updating: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(updating) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", updating.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn look(store: &Path) -> anyhow::Result<Found> {
    let reader = Reader::open(store)?;
    let engine = Engine::for_reading(reader.installation()?, &reader.open_records()?)?;
    let open: Vec<Open> = engine.payments().filter_map(Open::of).collect();
    anyhow::ensure!(open.is_empty() != engine.is_busy(), "the journal contradicts itself");
    let is_updating = store.with_file_name(UPDATING).exists();
    let backlog = reader.backlog()?;
    Ok(Found { open, waiting: backlog.queued, refused: backlog.refused, is_updating })
}

impl Open {
    fn of(payment: &Payment) -> Option<Self> {
        Some(Self {
            number: payment.id.to_string(),
            state: payment.state.name(),
            words: words(&payment.state)?,
            since: payment.started.iso8601(),
        })
    }
}

/// Where a payment is that keeps the terminal; none where it does not.
fn words(state: &State) -> Option<&'static str> {
    match state {
        State::Creating => Some("Klarna is being asked"),
        State::AwaitingShopper { .. } => Some("a shopper is to scan the code"),
        State::ShopperPaying { .. } => Some("the shopper is paying"),
        State::Confirming { .. } => Some("it is being confirmed, nobody knows the outcome yet"),
        State::Authorised { .. } => Some("paid, and the till has not acknowledged it"),
        State::Settling { .. }
        | State::Abandoning { .. }
        | State::NotPaid { .. }
        | State::Voiding { .. }
        | State::Voided { .. }
        | State::Free => None,
    }
}

impl Found {
    fn is_ready(&self) -> bool {
        self.open.is_empty()
    }

    fn tell(&self, is_json: bool) -> ExitCode {
        match is_json {
            true => println!("{}", self.json()),
            false => self.lines().iter().for_each(|line| println!("{line}")),
        }
        match self.is_ready() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    }

    fn json(&self) -> Value {
        let open = self.open.iter().map(|open| {
            let Open { number, state, words, since } = open;
            json!({ "number": number, "state": state, "text": words, "since": since })
        });
        json!({
            "ready": self.is_ready(),
            "open": open.collect::<Vec<_>>(),
            "waiting": self.waiting,
            "refused": self.refused,
            "updating": self.is_updating,
        })
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![match self.open.len() {
            0 => "ready: no payment is open, the software may be changed now".to_owned(),
            count => format!("not ready: {count} payment(s) open"),
        }];
        lines.extend(
            self.open
                .iter()
                .map(|open| format!("  {}  {}, since {}", open.number, open.words, open.since)),
        );
        if self.waiting > 0 {
            lines.push(format!(
                "{} call(s) wait for Klarna; they are kept across versions",
                self.waiting
            ));
        }
        if self.is_updating {
            lines.push("no sale can begin: `ready-for-update --cancel` ends that".to_owned());
        }
        lines
    }
}
