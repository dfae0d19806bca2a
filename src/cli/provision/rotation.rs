//! `provision signing-keys rotate`: a new key is stored beside the old one before any webhook uses
//! it, and the old one goes only when nothing can be signed with it any more (Integration
//! Guidelines: Create and manage signing keys).
//!
//! Every step is noted before it is taken, so that the command can be given again after a crash.

use super::Counter;
use super::signing_keys::{is_known, make, must_have_room, save};
use super::vault::{self, Intent};
use crate::acquirer::klarna::webhook::SigningKeys;
use crate::acquirer::klarna::{ListedKey, Status, Webhook, WebhookChange};
use anyhow::bail;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;
use uuid::Uuid;

/// What Klarna tries again is signed as at first, for up to about 22 hours after the event
/// (Integration Guidelines: Retry mechanism: 10 s, 2 min, 15 min, 3 h, 6 h, 12 h).
const OLD_KEY_LIFE: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Delete the keys that nothing uses any more; a day after the webhooks were moved
    #[arg(long)]
    finish: bool,
    /// Move every webhook of the account, also those whose key is not in the file
    #[arg(long)]
    all: bool,
    /// Have Klarna send a notice to each moved webhook; in the test environment only
    #[arg(long)]
    validate: bool,
}

/// What is noted beside the file of keys.
#[derive(Debug, Serialize, Deserialize)]
struct Rotation {
    /// The new key.
    to: String,
    /// When the last webhook was moved; none while that goes on.
    moved_at: Option<Timestamp>,
}

fn record(file: &Path) -> PathBuf {
    vault::beside(file, ".rotation")
}

pub(super) async fn run(counter: &Counter, file: &Path, asked: &Arguments) -> anyhow::Result<()> {
    match asked.finish {
        true => finish(counter, file).await,
        false => rotate(counter, file, asked).await,
    }
}

async fn rotate(counter: &Counter, file: &Path, asked: &Arguments) -> anyhow::Result<()> {
    if asked.validate && counter.is_live() {
        bail!("--validate is for the test environment: Klarna simulates nothing where money is");
    }
    let known = SigningKeys::load(file)?;
    let keys = counter.management.signing_keys().await?;
    let webhooks = counter.management.webhooks().await?;
    let (ours, others): (Vec<Webhook>, Vec<Webhook>) = webhooks
        .into_iter()
        .partition(|webhook| asked.all || is_known(&known, &webhook.signing_key_id));
    let begun = begun(file, &known, &keys)?;
    let what = match &begun {
        Some(to) => format!("go on: point {} webhook(s) at the signing key {to}", ours.len()),
        None => format!("make a signing key and point {} webhook(s) at it", ours.len()),
    };
    if begun.is_none() {
        must_have_room(keys.len())?;
    }
    if !counter.may_after_all(&what)? {
        return Ok(());
    }
    let to = match begun {
        Some(to) => to,
        None => begin(counter, file).await?,
    };
    Intent::close(file)?;
    let moved = move_all(counter, &ours, &to).await?;
    vault::note(&record(file), &Rotation { to: to.clone(), moved_at: Some(Timestamp::now()) })?;
    if asked.validate {
        validate(counter, &ours).await?;
    }
    let left: Vec<&str> = others.iter().map(|webhook| webhook.id.as_str()).collect();
    let json = json!({"signing_key": to, "moved": moved, "left_alone": left, "file": file});
    counter.tell(&json, || tell(&to, moved, &left, file));
    Ok(())
}

fn tell(to: &str, moved: usize, left: &[&str], file: &Path) {
    println!("{moved} webhook(s) are signed with {to} from now on");
    for webhook in left {
        println!("left alone, its key is not in {}: {webhook}", file.display());
    }
    println!("the old keys stay for what Klarna tries again; in 24 hours give");
    println!("  klarna-terminald provision signing-keys rotate --finish");
}

/// The key of a rotation that was interrupted, if it can still be used.
fn begun(file: &Path, known: &SigningKeys, keys: &[ListedKey]) -> anyhow::Result<Option<String>> {
    let noted: Option<Rotation> = vault::noted(&record(file))?;
    let unfinished = noted.filter(|rotation| rotation.moved_at.is_none());
    Ok(unfinished
        .map(|rotation| rotation.to)
        .filter(|to| is_known(known, to) && keys.iter().any(|key| key.id == *to)))
}

/// Makes the key, stores it, and notes that webhooks are to be moved to it.
async fn begin(counter: &Counter, file: &Path) -> anyhow::Result<String> {
    let key = make(counter, file).await?;
    vault::note(&record(file), &Rotation { to: key.id.clone(), moved_at: None })?;
    Ok(key.id)
}

async fn move_all(counter: &Counter, webhooks: &[Webhook], to: &str) -> anyhow::Result<usize> {
    let change = WebhookChange { signing_key_id: Some(to.to_owned()), ..WebhookChange::default() };
    let mut moved = 0;
    for webhook in webhooks.iter().filter(|webhook| webhook.signing_key_id != to) {
        counter.management.update_webhook(&webhook.id, &change, Uuid::new_v4()).await?;
        moved += 1;
    }
    Ok(moved)
}

/// Klarna sends a notice to each; whether the receiver takes it stands in the receiver's log.
async fn validate(counter: &Counter, webhooks: &[Webhook]) -> anyhow::Result<()> {
    for webhook in webhooks.iter().filter(|webhook| webhook.status == Status::Enabled) {
        match super::webhooks::example(&webhook.event_types) {
            Some(event) => {
                counter.management.simulate(&webhook.id, event, Uuid::new_v4()).await?;
                eprintln!("{} is sent {event}; look at its log", webhook.id);
            }
            None => eprintln!("{} takes no event that is known here", webhook.id),
        }
    }
    Ok(())
}

async fn finish(counter: &Counter, file: &Path) -> anyhow::Result<()> {
    let mut known = SigningKeys::load(file)?;
    let keys = counter.management.signing_keys().await?;
    let webhooks = counter.management.webhooks().await?;
    let used = |id: &str| webhooks.iter().any(|webhook| webhook.signing_key_id == id);
    let moved_at = moved_at(file, &known, &keys, used)?;
    let now = Timestamp::now();
    if let Some(until) = moved_at.map(|at| at + OLD_KEY_LIFE).filter(|until| *until > now) {
        bail!("what Klarna tries again may still need the old keys; come back after {until:.0}");
    }
    let gone = |id: &str, at: Option<&str>| !used(id) && is_old(at, now);
    let ids = known.iter().filter(|key| gone(&key.id, key.created_at.as_deref()));
    let ids: Vec<String> = ids.map(|key| key.id.clone()).collect();
    if ids.is_empty() {
        counter.tell(&json!({"deleted": []}), || println!("there is no old key to delete"));
        return Ok(());
    }
    if !counter.may_after_all(&format!("delete the signing key(s) {}", ids.join(", ")))? {
        return Ok(());
    }
    for id in &ids {
        // At Klarna first: a key that is only in the file does no harm.
        counter.management.delete_signing_key(id).await?;
        known.remove(id);
        save(&known, file)?;
    }
    Intent::close(file)?;
    vault::remove(&record(file))?;
    counter.tell(&json!({"deleted": ids}), || {
        ids.iter().for_each(|id| println!("deleted {id}"));
    });
    Ok(())
}

/// When the webhooks were moved for the last time: as it is noted, or else not before the newest
/// key that is in use was made.
fn moved_at(
    file: &Path,
    known: &SigningKeys,
    keys: &[ListedKey],
    used: impl Fn(&str) -> bool,
) -> anyhow::Result<Option<Timestamp>> {
    let noted: Option<Rotation> = vault::noted(&record(file))?;
    match noted {
        Some(Rotation { moved_at: None, .. }) => {
            bail!("a rotation is under way; give `rotate` without --finish again first")
        }
        Some(Rotation { moved_at, .. }) => Ok(moved_at),
        None => {
            let made = |key: &ListedKey| {
                let in_file = known.iter().find(|one| one.id == key.id);
                let at = in_file.map_or(key.created_at.as_deref(), |one| one.created_at.as_deref());
                at.and_then(|at| at.parse::<Timestamp>().ok())
            };
            Ok(keys.iter().filter(|key| used(&key.id)).filter_map(made).max())
        }
    }
}

/// A webhook is about to leave its key in another way: the old key is needed for a day as well.
pub(super) fn leave_key(file: &Path) -> anyhow::Result<()> {
    let noted: Option<Rotation> = vault::noted(&record(file))?;
    match noted {
        // A rotation that is under way notes the time itself.
        Some(Rotation { moved_at: None, .. }) => Ok(()),
        _ if !file.exists() => Ok(()),
        other => {
            let to = other.map(|rotation| rotation.to).unwrap_or_default();
            vault::note(&record(file), &Rotation { to, moved_at: Some(Timestamp::now()) })
        }
    }
}

/// Made more than a day ago. Nobody knows how old a key without a time is.
fn is_old(created_at: Option<&str>, now: Timestamp) -> bool {
    let made = created_at.and_then(|at| at.parse::<Timestamp>().ok());
    made.is_some_and(|made| made + OLD_KEY_LIFE <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_old_after_a_day() {
        let now: Timestamp = "2024-01-02T12:00:00Z".parse().expect("a time");
        assert!(is_old(Some("2024-01-01T12:00:00.000000000Z"), now));
        assert!(!is_old(Some("2024-01-01T12:00:01Z"), now));
        assert!(!is_old(Some("yesterday"), now) && !is_old(None, now));
    }
}
