//! The `provision` command: what an account at Klarna needs before notices come, and how its
//! secrets are changed without losing one.
//!
//! A secret goes from Klarna's answer into a file of its owner and nowhere else. Whatever makes one
//! can be repeated after a crash at any point: `vault` remembers what is under way.

mod credentials;
mod rotation;
mod signing_keys;
mod vault;
mod webhooks;

use crate::acquirer::klarna::{ManageError, Management};
use crate::cli::desk::confirm;
use crate::config::{Config, Environment};
use anyhow::bail;
use serde_json::Value;
use std::path::PathBuf;

/// Webhooks, signing keys and API keys.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Set up notices, once per account:
  klarna-terminald provision signing-keys create --config FILE
  klarna-terminald provision webhooks create --url https://relay.example/klarna --config FILE

Change the signing key; the receiver reads the file again by itself or with its next start:
  1. provision signing-keys rotate --config FILE
     makes a key, stores it beside the old one, then points the webhooks at it
  2. wait for 24 hours: what Klarna tries again is signed with the old key
  3. provision signing-keys rotate --finish --config FILE
     deletes the old key, at Klarna and in the file
A rotation that was interrupted goes on where it stopped: give the same command again.

With --dry-run it says what it would change, and only reads.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// The keys that Klarna signs notices with
    SigningKeys {
        #[command(subcommand)]
        action: Option<signing_keys::Action>,
        #[command(flatten)]
        file: KeysFile,
    },
    /// Who is told of events
    Webhooks {
        #[command(subcommand)]
        action: Option<webhooks::Action>,
        #[command(flatten)]
        file: KeysFile,
    },
    /// The API keys of the account
    Credentials(credentials::Arguments),
}

#[derive(Debug, clap::Args)]
struct How {
    /// The configuration file that says which account, and with which API key
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Print one line of JSON
    #[arg(long, global = true)]
    json: bool,
    /// Change nothing, say what would be changed
    #[arg(long, global = true)]
    dry_run: bool,
    /// Do it without asking
    #[arg(long, short, global = true)]
    yes: bool,
    /// Needed for changes when klarna.environment is "live"
    #[arg(long, global = true)]
    live: bool,
}

/// A file with the signing keys, for all that need one.
#[derive(Debug, Clone, clap::Args)]
struct KeysFile {
    /// The file with the signing keys, which the receiver reads
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        default_value = "/var/lib/klarna-terminald/signing-keys.json"
    )]
    keys: PathBuf,
}

/// A client, and how to ask and tell.
struct Counter {
    config: Config,
    management: Management,
    how: How,
}

/// Runs one of them.
pub(super) async fn run(asked: Arguments) -> anyhow::Result<()> {
    let Some(path) = &asked.how.config else {
        bail!("which account? name --config FILE");
    };
    let config = Config::load(path)?;
    let management = Management::new(config.klarna.clone())?;
    let counter = Counter { config, management, how: asked.how };
    match asked.what {
        What::SigningKeys { action, file } => {
            signing_keys::run(&counter, action.unwrap_or_default(), &file.keys).await
        }
        What::Webhooks { action, file } => {
            webhooks::run(&counter, action.unwrap_or_default(), &file.keys).await
        }
        What::Credentials(arguments) => credentials::run(&counter, arguments).await,
    }
}

impl Counter {
    /// Prints the answer as JSON, or what `print` makes of it.
    fn tell(&self, json: &Value, print: impl FnOnce()) {
        match self.how.json {
            true => println!("{json}"),
            false => print(),
        }
    }

    /// Whether something may be changed; otherwise it is said what would be. Live accounts are
    /// changed only by those who say so.
    fn may(&self, what: &str) -> anyhow::Result<bool> {
        if self.how.dry_run {
            self.tell(&serde_json::json!({"dry_run": true, "would": what}), || {
                println!("would {what}");
            });
            return Ok(false);
        }
        if self.is_live() && !self.how.live {
            bail!("this is a live account; to {what}, add --live");
        }
        Ok(true)
    }

    /// As [`Counter::may`] for what is hard to undo: somebody says yes, for a live account twice.
    fn may_after_all(&self, what: &str) -> anyhow::Result<bool> {
        if !self.may(what)? {
            return Ok(false);
        }
        let mut question = what.to_owned();
        if let Some(first) = question.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        confirm(&question, self.how.yes)?;
        if self.is_live() {
            confirm("This is a live account. Really", self.how.yes)?;
        }
        Ok(true)
    }

    fn is_live(&self) -> bool {
        match self.config.environment {
            Environment::Live => true,
            Environment::Test | Environment::Custom => false,
        }
    }
}

/// What is left to do when something that was made cannot be stored: it goes away again. The text
/// says how it stands.
fn taken_back(gone: Result<bool, ManageError>, what: &str, id: &str) -> String {
    match gone {
        Ok(_) => format!("{what} {id} was made and could not be stored; it is deleted again"),
        Err(error) => format!(
            "{what} {id} was made and could be neither stored nor deleted ({error}); give the same \
             command again within 23 hours, or delete it by its id"
        ),
    }
}
