//! `provision signing-keys`: list, make, delete. What `rotate` does stands in `rotation`.

use super::vault::{self, Intent};
use super::{Counter, rotation, taken_back};
use crate::acquirer::klarna::webhook::{KEYS_MAX, SigningKey, SigningKeys};
use crate::acquirer::klarna::{ListedKey, Webhook};
use crate::cli::table::{Side, Table, second};
use anyhow::{Context as _, bail};
use serde_json::json;
use std::path::Path;

#[derive(Debug, Default, clap::Subcommand)]
pub(super) enum Action {
    /// List the keys, and which webhooks use them
    #[default]
    List,
    /// Make a key and store it in the file
    Create,
    /// Make a key, store it, and point the webhooks at it; --finish ends it a day later
    Rotate(rotation::Arguments),
    /// Delete a key, at Klarna and in the file
    Delete {
        /// The key's id
        #[arg(value_name = "ID")]
        id: String,
        /// Even if a webhook uses it: whatever it sends is refused from then on
        #[arg(long)]
        in_use: bool,
    },
}

pub(super) async fn run(counter: &Counter, asked: Action, file: &Path) -> anyhow::Result<()> {
    match asked {
        Action::List => list(counter, file).await,
        Action::Create => create(counter, file).await,
        Action::Rotate(asked) => rotation::run(counter, file, &asked).await,
        Action::Delete { id, in_use } => delete(counter, file, &id, in_use).await,
    }
}

async fn list(counter: &Counter, file: &Path) -> anyhow::Result<()> {
    let known = SigningKeys::load(file)?;
    let keys = counter.management.signing_keys().await?;
    let webhooks = counter.management.webhooks().await?;
    let row = |key: &ListedKey| {
        let used_by = webhooks.iter().filter(|webhook| webhook.signing_key_id == key.id).count();
        (key.clone(), is_known(&known, &key.id), used_by)
    };
    let rows: Vec<(ListedKey, bool, usize)> = keys.iter().map(row).collect();
    let json = rows.iter().map(|(key, in_file, used_by)| {
        json!({"id": key.id, "created_at": key.created_at, "in_file": in_file,
            "webhooks": used_by})
    });
    counter.tell(&json!({"signing_keys": json.collect::<Vec<_>>()}), || {
        if rows.is_empty() {
            println!("no signing keys yet; `provision signing-keys create` makes one");
            return;
        }
        let columns = [("webhooks", Side::Right), ("in file", Side::Left)];
        let columns = [columns[0], columns[1], ("made (UTC)", Side::Left), ("id", Side::Left)];
        let mut table = Table::new(&columns);
        for (key, in_file, used_by) in rows {
            let in_file = if in_file { "yes" } else { "no" }.to_owned();
            let at = second(key.created_at.as_deref().unwrap_or("-")).to_owned();
            table.row([used_by.to_string(), in_file, at, key.id]);
        }
        table.print();
    });
    Ok(())
}

async fn create(counter: &Counter, file: &Path) -> anyhow::Result<()> {
    let count = counter.management.signing_keys().await?.len();
    must_have_room(count)?;
    if !counter.may(&format!("make a signing key and store it in {}", file.display()))? {
        return Ok(());
    }
    let key = make(counter, file).await?;
    Intent::close(file)?;
    counter.tell(&json!({"created": key.id, "file": file}), || {
        println!("made the signing key {}", key.id);
        println!("it is stored in {}", file.display());
    });
    Ok(())
}

/// Makes a key and stores it beside the others; on the disk when this returns. The intent stays
/// until the caller has noted what the key is for.
pub(super) async fn make(counter: &Counter, file: &Path) -> anyhow::Result<SigningKey> {
    let mut keys = SigningKeys::load(file)?;
    if keys.iter().count() >= KEYS_MAX {
        bail!("{} holds {KEYS_MAX} keys; `rotate --finish` removes old ones", file.display());
    }
    vault::must_be_writable(file)?;
    let intent = Intent::open(file)?;
    let key = counter.management.create_signing_key(intent.nonce).await?;
    let stored = keys.add(key.clone()).map_err(Into::into).and_then(|()| save(&keys, file));
    if let Err(error) = stored {
        let gone = counter.management.delete_signing_key(&key.id).await;
        if gone.is_ok() {
            // Under this intent Klarna would name the deleted key again.
            Intent::close(file).ok();
        }
        return Err(error.context(taken_back(gone, "the signing key", &key.id)));
    }
    Ok(key)
}

/// Writes the file; on the disk when this returns, and still of whom it was.
pub(super) fn save(keys: &SigningKeys, file: &Path) -> anyhow::Result<()> {
    keys.save(file)?;
    vault::sync_folder(file).with_context(|| format!("{} cannot be synced", file.display()))
}

async fn delete(counter: &Counter, file: &Path, id: &str, in_use: bool) -> anyhow::Result<()> {
    let webhooks = counter.management.webhooks().await?;
    let users: Vec<&Webhook> = webhooks.iter().filter(|w| w.signing_key_id == id).collect();
    if let (Some(user), false) = (users.first(), in_use) {
        bail!("the webhook {} uses it; `rotate` first, or add --in-use", user.id);
    }
    if !counter.may_after_all(&format!("delete the signing key {id}"))? {
        return Ok(());
    }
    let was_there = counter.management.delete_signing_key(id).await?;
    let mut keys = SigningKeys::load(file)?;
    let was_in_file = keys.remove(id);
    if was_in_file {
        save(&keys, file)?;
    }
    // An unfinished creation could otherwise name the key that is gone.
    Intent::close(file)?;
    if !was_there && !was_in_file {
        bail!("there is no signing key {id}; `provision signing-keys list` shows them");
    }
    counter.tell(&json!({"deleted": id}), || println!("deleted {id}"));
    Ok(())
}

/// One more key fits into the account.
pub(super) fn must_have_room(count: usize) -> anyhow::Result<()> {
    if count >= KEYS_MAX {
        bail!(
            "the account has {count} signing keys, and Klarna allows {KEYS_MAX}; delete unused ones"
        );
    }
    Ok(())
}

/// Whether the file holds the key.
pub(super) fn is_known(keys: &SigningKeys, id: &str) -> bool {
    keys.iter().any(|key| key.id == id)
}
