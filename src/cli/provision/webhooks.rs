//! `provision webhooks`: who is told of events.

use super::{Counter, rotation};
use crate::acquirer::klarna::webhook::SigningKeys;
use crate::acquirer::klarna::{Status, Webhook, WebhookChange, WebhookOrder};
use crate::cli::table::{Side, Table};
use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use std::path::Path;
use uuid::Uuid;

/// What a receiver for terminals needs to hear.
const EVENTS: &str = "payment.request.*,payment.transaction.*,payment.dispute.*,settlement.*,\
                      partner.account.*";

/// Events to try a webhook with; harmless for whoever takes them seriously.
const EXAMPLES: [&str; 3] = [
    "payment.request.state-change.in-progress",
    "payment.transaction.captured",
    "payment.dispute.state-change.closed",
];

#[derive(Debug, Default, clap::Subcommand)]
pub(super) enum Action {
    /// List the webhooks of the account
    #[default]
    List,
    /// Make a webhook; nothing happens if there is one like it
    Create {
        /// Where notices go: https, port 443 or 8443
        #[arg(long, value_name = "URL")]
        url: String,
        /// Event types and wildcards
        #[arg(long, value_name = "EVENTS", value_delimiter = ',', default_value = EVENTS)]
        events: Vec<String>,
        /// The signing key; the newest in the file when absent
        #[arg(long, value_name = "ID")]
        key: Option<String>,
    },
    /// Change a webhook; what is being delivered already stays as it was
    Update {
        /// The webhook's id
        #[arg(value_name = "ID")]
        id: String,
        /// Another address
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// Other events, in place of all before
        #[arg(long, value_name = "EVENTS", value_delimiter = ',')]
        events: Option<Vec<String>>,
        /// Another signing key
        #[arg(long, value_name = "ID")]
        key: Option<String>,
        /// Tell it of events
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Tell it nothing until further notice
        #[arg(long)]
        disable: bool,
    },
    /// Delete a webhook
    Delete {
        /// The webhook's id
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Have Klarna send a notice with data of nobody; in the test environment only
    Simulate {
        /// The webhook's id
        #[arg(value_name = "ID")]
        id: String,
        /// The event; one that the webhook takes when absent
        #[arg(long, value_name = "EVENT")]
        event: Option<String>,
    },
}

pub(super) async fn run(counter: &Counter, asked: Action, file: &Path) -> anyhow::Result<()> {
    match asked {
        Action::List => list(counter).await,
        Action::Create { url, events, key } => {
            let signing_key_id = key_for(counter, file, key)?;
            create(counter, &WebhookOrder { url, event_types: events, signing_key_id }).await
        }
        Action::Update { id, url, events, key, enable, disable } => {
            let key = key.map(|key| key_for(counter, file, Some(key))).transpose()?;
            let enabled = (enable || disable).then_some(enable);
            let change = WebhookChange { url, event_types: events, signing_key_id: key, enabled };
            update(counter, file, &id, &change).await
        }
        Action::Delete { id } => delete(counter, file, &id).await,
        Action::Simulate { id, event } => simulate(counter, &id, event).await,
    }
}

/// The key that is named, or the newest in the file. A key that is not in the file may be in that
/// of another receiver, so it is only said.
fn key_for(counter: &Counter, file: &Path, named: Option<String>) -> anyhow::Result<String> {
    let keys = SigningKeys::load(file)?;
    let newest = keys.iter().last().map(|key| key.id.clone());
    match named {
        Some(id) => {
            if !keys.iter().any(|key| key.id == id) && !counter.how.json {
                eprintln!(
                    "{} does not hold {id}: who reads it refuses the notices",
                    file.display()
                );
            }
            Ok(id)
        }
        None => newest.with_context(|| {
            let file = file.display();
            format!("{file} holds no signing key; `provision signing-keys create` makes one")
        }),
    }
}

fn as_json(webhook: &Webhook) -> Value {
    json!({
        "id": webhook.id,
        "url": webhook.url,
        "events": webhook.event_types,
        "signing_key": webhook.signing_key_id,
        "status": webhook.status.word(),
    })
}

async fn list(counter: &Counter) -> anyhow::Result<()> {
    let webhooks = counter.management.webhooks().await?;
    let json: Vec<Value> = webhooks.iter().map(as_json).collect();
    counter.tell(&json!({ "webhooks": json }), || {
        if webhooks.is_empty() {
            println!("no webhooks yet; `provision webhooks create --url URL` makes one");
            return;
        }
        let columns = ["status", "url", "events", "signing key", "id"];
        let mut table = Table::new(&columns.map(|name| (name, Side::Left)));
        for webhook in webhooks {
            let status = webhook.status.word().to_ascii_lowercase();
            let (events, key) = (webhook.event_types.join(" "), webhook.signing_key_id);
            table.row([status, webhook.url, events, key, webhook.id]);
        }
        table.print();
    });
    Ok(())
}

async fn create(counter: &Counter, order: &WebhookOrder) -> anyhow::Result<()> {
    if !order.url.starts_with("https://") && !is_near(&order.url) {
        bail!("{:?} does not begin with https://: Klarna sends notices no other way", order.url);
    }
    if let Some(webhook) = like(counter, order).await? {
        return exists(counter, &webhook);
    }
    let events = order.event_types.join(", ");
    if !counter
        .may(&format!("tell {} of {events}, signed with {}", order.url, order.signing_key_id))?
    {
        return Ok(());
    }
    match counter.management.create_webhook(order, Uuid::new_v4()).await {
        Ok(webhook) => {
            counter.tell(&json!({"created": as_json(&webhook)}), || {
                println!("made the webhook {}", webhook.id);
            });
            Ok(())
        }
        // Somebody else was faster, or the answer to an earlier try was lost.
        Err(error) if error.is_conflict() => match like(counter, order).await? {
            Some(webhook) => exists(counter, &webhook),
            None => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    }
}

/// The simulator's receivers are near; Klarna itself refuses their addresses.
fn is_near(url: &str) -> bool {
    ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"].iter().any(|s| url.starts_with(s))
}

/// The webhook with this address and these events.
async fn like(counter: &Counter, order: &WebhookOrder) -> anyhow::Result<Option<Webhook>> {
    let sorted = |events: &[String]| {
        let mut events = events.to_vec();
        events.sort_unstable();
        events
    };
    let wanted = sorted(&order.event_types);
    let found = counter.management.webhooks().await?.into_iter();
    let mut found = found.filter(|one| one.url == order.url && sorted(&one.event_types) == wanted);
    Ok(found.next())
}

fn exists(counter: &Counter, webhook: &Webhook) -> anyhow::Result<()> {
    if webhook.status != Status::Enabled {
        let (id, status) = (&webhook.id, webhook.status.word());
        bail!("it exists as {id} and is {status}; `provision webhooks update {id} --enable`");
    }
    counter.tell(&json!({"exists": as_json(webhook)}), || {
        println!("it exists as {}; nothing to do", webhook.id);
    });
    Ok(())
}

async fn update(
    counter: &Counter,
    file: &Path,
    id: &str,
    change: &WebhookChange,
) -> anyhow::Result<()> {
    if *change == WebhookChange::default() {
        bail!("change what? name --url, --events, --key, --enable or --disable");
    }
    if !counter.may(&format!("change the webhook {id}"))? {
        return Ok(());
    }
    if change.signing_key_id.is_some() {
        rotation::leave_key(file)?;
    }
    let webhook = counter.management.update_webhook(id, change, Uuid::new_v4()).await?;
    counter.tell(&json!({"updated": as_json(&webhook)}), || println!("changed {id}"));
    Ok(())
}

async fn delete(counter: &Counter, file: &Path, id: &str) -> anyhow::Result<()> {
    if !counter.may_after_all(&format!("delete the webhook {id}"))? {
        return Ok(());
    }
    rotation::leave_key(file)?;
    if !counter.management.delete_webhook(id).await? {
        bail!("there is no webhook {id}; `provision webhooks list` shows them");
    }
    counter.tell(&json!({"deleted": id}), || println!("deleted {id}"));
    Ok(())
}

async fn simulate(counter: &Counter, id: &str, event: Option<String>) -> anyhow::Result<()> {
    let event = match event {
        Some(event) => event,
        None => {
            let webhooks = counter.management.webhooks().await?;
            let webhook = webhooks.iter().find(|webhook| webhook.id == id);
            let webhook = webhook.with_context(|| format!("there is no webhook {id}"))?;
            let event = example(&webhook.event_types);
            event.with_context(|| format!("name --event: one that {id} takes"))?.to_owned()
        }
    };
    if !counter.may(&format!("send {event} to the webhook {id}"))? {
        return Ok(());
    }
    counter.management.simulate(id, &event, Uuid::new_v4()).await?;
    counter.tell(&json!({"webhook": id, "simulated": event}), || {
        println!("Klarna sends {event} to {id}; the receiver's log says whether it was taken");
    });
    Ok(())
}

/// An event that a webhook with these patterns takes.
pub(super) fn example(patterns: &[String]) -> Option<&str> {
    let whole = patterns.iter().map(String::as_str).find(|pattern| !pattern.contains('*'));
    let below = || {
        EXAMPLES.into_iter().find(|event| {
            let beginnings = patterns.iter().filter_map(|pattern| pattern.strip_suffix('*'));
            beginnings.into_iter().any(|beginning| event.starts_with(beginning))
        })
    };
    whole.or_else(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_one_that_the_webhook_takes() {
        let example = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
            super::example(&patterns).map(str::to_owned)
        };
        assert_eq!(example(&["payment.request.*"]).as_deref(), Some(EXAMPLES[0]));
        assert_eq!(example(&["payment.dispute.*", "*.odd"]).as_deref(), Some(EXAMPLES[2]));
        assert_eq!(example(&["settlement.*", "a.b"]).as_deref(), Some("a.b"));
        assert_eq!(example(&["settlement.*"]), None);
    }
}
