//! `provision credentials`: API keys are listed, made, changed and deleted (Integration Guidelines:
//! Account credential management).
//!
//! A new key is tried before it takes the place of the old one, and the old one is deleted with the
//! new one.

use super::vault::{self, Intent};
use super::{Counter, taken_back};
use crate::acquirer::klarna::{Credential, Management, NewCredential};
use crate::cli::table::{Side, Table, second};
use crate::config::KeySource;
use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Change the API key of a running terminal:
  1. provision credentials rotate --config FILE
     makes a key, tries it, and puts it into the key file; the old one stays beside it as .old
  2. the daemon takes it with its next start: klarna-terminald-key.path sends SIGUSR1 as soon as
     the file changes, and the daemon then ends as soon as no payment is open
  3. provision credentials rotate --finish --config FILE
     deletes the old key at Klarna
Klarna disables a key that nobody uses for two months.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the API keys of the account
    List,
    /// Make a further API key and store it in a file of its own
    Create {
        /// The file for the key; it must not exist yet
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// What it is for; Klarna's lists show it
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Put a new API key into the place of the old one; --finish ends it later
    Rotate {
        /// The key file; klarna.api_key_file when absent
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        /// What it is for; Klarna's lists show it
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// Delete the old key at Klarna, once the terminal works with the new one
        #[arg(long)]
        finish: bool,
        /// The old key's id; needed once, if the account has more than one
        #[arg(long, value_name = "ID", requires = "finish")]
        old: Option<String>,
    },
    /// Delete an API key: whoever uses it is refused from then on
    Delete {
        /// The key's id
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// What is noted beside the key file.
#[derive(Debug, Serialize, Deserialize)]
struct Rotation {
    /// The id of the key in the file.
    current: String,
    /// What its predecessor can be; empty when there is nothing left to delete.
    previous: Vec<String>,
}

pub(super) async fn run(counter: &Counter, asked: Arguments) -> anyhow::Result<()> {
    match asked.action.unwrap_or(Action::List) {
        Action::List => list(counter).await,
        Action::Create { to, description } => create(counter, &to, description).await,
        Action::Rotate { to, description, finish, old } => {
            let file = key_file(counter, to)?;
            match finish {
                true => self::finish(counter, &file, old).await,
                false => rotate(counter, &file, description).await,
            }
        }
        Action::Delete { id } => delete(counter, &id).await,
    }
}

fn key_file(counter: &Counter, named: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    match (named, &counter.config.key_source) {
        (Some(path), _) => Ok(path),
        (None, KeySource::File(path)) => Ok(path.clone()),
        (None, KeySource::Credential(_) | KeySource::Environment) => {
            bail!("the configuration names no key file; name it with --to FILE")
        }
    }
}

fn record(file: &Path) -> PathBuf {
    vault::beside(file, ".rotation")
}

async fn list(counter: &Counter) -> anyhow::Result<()> {
    let rows = counter.management.credentials().await?;
    let json = rows.iter().map(|row| {
        json!({"id": row.id, "description": row.description, "status": row.status,
            "created_at": row.created_at})
    });
    counter.tell(&json!({"credentials": json.collect::<Vec<_>>()}), || {
        let columns = ["status", "made (UTC)", "description", "id"];
        let mut table = Table::new(&columns.map(|name| (name, Side::Left)));
        for Credential { id, description, status, created_at } in rows {
            let at = second(created_at.as_deref().unwrap_or("-")).to_owned();
            let status = status.unwrap_or_else(|| "-".to_owned()).to_ascii_lowercase();
            table.row([status, at, description.unwrap_or_default(), id]);
        }
        table.print();
    });
    Ok(())
}

/// What Klarna's lists show for a key that nobody has described.
fn described(counter: &Counter, description: Option<String>) -> String {
    description.unwrap_or_else(|| counter.config.terminal.clone())
}

async fn create(counter: &Counter, to: &Path, description: Option<String>) -> anyhow::Result<()> {
    if to.exists() {
        bail!("{} exists; `rotate --to` changes the key in it", to.display());
    }
    if !counter.may(&format!("make an API key and store it in {}", to.display()))? {
        return Ok(());
    }
    let made = make(counter, to, &described(counter, description)).await?;
    if let Err(error) = vault::write(to, line(&made.key).as_bytes()) {
        return Err(error.context(take_back(counter, to, &made.id).await));
    }
    Intent::close(to)?;
    counter.tell(&json!({"created": made.id, "file": to}), || {
        println!("made the API key {}", made.id);
        println!("it is stored in {}", to.display());
    });
    Ok(())
}

async fn make(counter: &Counter, to: &Path, description: &str) -> anyhow::Result<NewCredential> {
    vault::must_be_writable(to)?;
    let intent = Intent::open(to)?;
    Ok(counter.management.create_credential(description, intent.nonce).await?)
}

async fn take_back(counter: &Counter, to: &Path, id: &str) -> String {
    let gone = counter.management.delete_credential(id).await;
    if gone.is_ok() {
        // Under this intent Klarna would name the deleted key again.
        Intent::close(to).ok();
    }
    taken_back(gone, "the API key", id)
}

fn line(key: &SecretString) -> String {
    format!("{}\n", key.expose_secret())
}

async fn rotate(counter: &Counter, file: &Path, description: Option<String>) -> anyhow::Result<()> {
    let before: Option<Rotation> = vault::noted(&record(file))?;
    if before.as_ref().is_some_and(|rotation| !rotation.previous.is_empty()) {
        bail!("the last rotation is not finished; give `rotate --finish` first");
    }
    let old = vault::read(file)?.with_context(|| format!("{} is missing", file.display()))?;
    let previous = match before {
        Some(rotation) => vec![rotation.current],
        None => counter.management.credentials().await?.into_iter().map(|row| row.id).collect(),
    };
    let what = format!("make an API key and put it into {}", file.display());
    if !counter.may_after_all(&what)? {
        return Ok(());
    }
    let made = make(counter, file, &described(counter, description)).await?;
    let key = line(&made.key);
    let kept_file = vault::beside(file, ".old");
    works(counter, &made.key).await.context(
        "the new key does not work yet; nothing was replaced, give the same command again",
    )?;
    // After a crash behind this step the file holds the new key already.
    if old != key {
        let stored = vault::write(&kept_file, old.as_bytes());
        if let Err(error) = stored.and_then(|()| vault::write(file, key.as_bytes())) {
            return Err(error.context(take_back(counter, file, &made.id).await));
        }
    }
    let previous: Vec<String> = previous.into_iter().filter(|id| *id != made.id).collect();
    vault::note(&record(file), &Rotation { current: made.id.clone(), previous })?;
    Intent::close(file)?;
    let json = json!({"current": made.id, "file": file, "old": kept_file});
    counter.tell(&json, || {
        println!("{} holds the API key {} now; it works", file.display(), made.id);
        println!("the daemon takes it with its next start (klarna-terminald-key.path, SIGUSR1)");
        println!("then: klarna-terminald provision credentials rotate --finish");
    });
    Ok(())
}

/// A read with this key and no other.
async fn works(counter: &Counter, key: &SecretString) -> anyhow::Result<Management> {
    let mut settings = counter.config.klarna.clone();
    settings.api_key = key.clone();
    let management = Management::new(settings)?;
    management.credentials().await?;
    Ok(management)
}

async fn finish(counter: &Counter, file: &Path, old: Option<String>) -> anyhow::Result<()> {
    let noted: Option<Rotation> = vault::noted(&record(file))?;
    let Some(rotation) = noted.filter(|rotation| !rotation.previous.is_empty()) else {
        counter.tell(&json!({"deleted": null}), || println!("there is no old key to delete"));
        return Ok(());
    };
    let old = match (old, rotation.previous.as_slice()) {
        (Some(id), _) if id == rotation.current => bail!("{id} is the new key"),
        (Some(id), _) => id,
        (None, [id]) => id.clone(),
        (None, ids) => {
            bail!("which was the old key? name it with --old ID, one of: {}", ids.join(", "))
        }
    };
    if !counter.may_after_all(&format!("delete the API key {old}"))? {
        return Ok(());
    }
    let key = vault::read(file)?.with_context(|| format!("{} is missing", file.display()))?;
    let key = SecretString::from(key.trim().to_owned());
    let management = works(counter, &key).await.context("the new key does not work")?;
    management.delete_credential(&old).await?;
    vault::remove(&vault::beside(file, ".old"))?;
    vault::note(&record(file), &Rotation { current: rotation.current, previous: Vec::new() })?;
    counter.tell(&json!({"deleted": old}), || println!("deleted {old}"));
    Ok(())
}

async fn delete(counter: &Counter, id: &str) -> anyhow::Result<()> {
    if let KeySource::File(file) = &counter.config.key_source {
        let noted: Option<Rotation> = vault::noted(&record(file))?;
        if noted.is_some_and(|rotation| rotation.current == id) {
            bail!("{id} is the key that this terminal works with; `rotate` first");
        }
    }
    if !counter.may_after_all(&format!("delete the API key {id}"))? {
        return Ok(());
    }
    if !counter.management.delete_credential(id).await? {
        bail!("there is no API key {id}; `provision credentials list` shows them");
    }
    // Whoever deletes the key of this terminal hears of it here, not at the next sale.
    let still = counter.management.credentials().await;
    still.context("deleted; but now this terminal's own key is refused: give it another one")?;
    counter.tell(&json!({"deleted": id}), || println!("deleted {id}"));
    Ok(())
}
