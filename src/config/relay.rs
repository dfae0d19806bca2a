//! A relay's own file: `[relay]`, `[webhook]`, `[broker]`, `[log]`; an example of it is
//! `firmware-config/broker/relay.toml`.

use super::check::Problems;
use super::raw::{Environment, LogFormat, RawLog, RawPush, RawWebhook};
use super::{ConfigError, located, text_of};
use crate::broker::{self, Account};
use crate::relay;
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

/// Its name at the broker, unless there are several relays.
const CLIENT_ID: &str = "relay";

/// Everything that a relay is told.
#[derive(Debug, Clone)]
pub struct RelayConfig {
    /// Where notices come in.
    pub receiver: relay::Settings,
    /// Where messages go out.
    pub broker: broker::Settings,
    /// Whose terminals are told.
    pub account: Account,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines there are.
    pub log_filter: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawRelayFile {
    relay: RawRelay,
    webhook: RawWebhook,
    broker: RawBroker,
    log: RawLog,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawRelay {
    account_id: Option<String>,
    environment: Option<Environment>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawBroker {
    address: Option<String>,
    ca_file: Option<std::path::PathBuf>,
    certificate_file: Option<std::path::PathBuf>,
    key_file: Option<std::path::PathBuf>,
    client_id: Option<String>,
    reconnect_max_s: Option<u64>,
}

impl RelayConfig {
    /// Reads `path`.
    ///
    /// # Errors
    /// Every [`ConfigError`] but that of the environment, which is not looked at.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = text_of(path)?;
        let raw: RawRelayFile = toml::from_str(&text).map_err(|error| ConfigError::Syntax {
            path: path.to_owned(),
            why: located(&text, &error),
        })?;
        let mut problems = Problems::default();
        match (check(raw, &mut problems), problems.0.is_empty()) {
            (Some(config), true) => Ok(config),
            (_, _) => Err(ConfigError::Invalid(problems.0)),
        }
    }
}

fn check(raw: RawRelayFile, problems: &mut Problems) -> Option<RelayConfig> {
    let environment = problems.need("relay.environment", raw.relay.environment, "test");
    let account = problems.need("relay.account_id", raw.relay.account_id, "krn:partner:global:...");
    let account = account.and_then(|id| {
        Account::of(&id).inspect_err(|error| problems.add("relay.account_id", error)).ok()
    });
    let receiver = super::webhook::check(raw.webhook, environment, None, problems);
    let push = RawPush {
        broker: raw.broker.address,
        ca_file: raw.broker.ca_file,
        certificate_file: raw.broker.certificate_file,
        key_file: raw.broker.key_file,
        reconnect_max_s: raw.broker.reconnect_max_s,
        ..RawPush::default()
    };
    let client_id = raw.broker.client_id.unwrap_or_else(|| CLIENT_ID.to_owned());
    let broker = super::push::line(&push, "broker", client_id, Duration::ZERO, problems);
    Some(RelayConfig {
        receiver: receiver?,
        broker: broker?,
        account: account?,
        log_format: raw.log.format.unwrap_or(LogFormat::Text),
        log_filter: raw.log.filter.unwrap_or_else(|| "info".to_owned()),
    })
}

impl RelayConfig {
    /// What it means, in a few lines.
    pub fn summary(&self) -> String {
        let (receiver, broker) = (&self.receiver, &self.broker);
        let certificate = match &receiver.certificate {
            Some(files) => format!("certificate {}", files.chain.display()),
            None => "no TLS of its own: for a proxy in front of it".to_owned(),
        };
        let callers = match &receiver.policy.callers {
            Some(callers) => format!("{} addresses of Klarna", callers.len()),
            None => "any address, as signatures decide".to_owned(),
        };
        let operations =
            receiver.operations.map_or_else(|| "nowhere".to_owned(), |at| format!("http://{at}"));
        format!(
            "notices    {}{}, {certificate}\ncallers    {callers}\nkeys       {}\ndatabase   {}\n\
             broker     {}:{} as {:?}\ntopics     klarna/{}/STORE/TERMINAL/changed\n\
             metrics    {operations}/metrics\nlog        {:?}, {}\n",
            receiver.listen,
            receiver.path,
            receiver.keys.display(),
            receiver.database.display(),
            broker.host,
            broker.port,
            broker.client_id,
            self.account,
            self.log_format,
            self.log_filter,
        )
    }
}
