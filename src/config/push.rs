//! The `[push]` section: the broker that brings hints from Klarna to this terminal.

use super::check::Problems;
use super::raw::RawPush;
use crate::broker::{self, Account, Files, Topics};
use crate::fleet::{self, KEYS_MAX, PublicKey, TRIAL};
use crate::id::Address;
use crate::push::Settings;
use std::ops::RangeInclusive;
use std::time::Duration;

/// MQTT over TLS (IANA: secure-mqtt).
const PORT: u16 = 8883;
/// Between two reads while hints are relied on: a lost one costs a shopper no more than this.
const POLL_MS: Rule = (15_000, 1_000..=60_000);
/// Relays say that they are there every 20 s.
const ALIVE_S: Rule = (60, 30..=600);
/// Ten thousand terminals that come back within five minutes are 33 a second.
const RECONNECT_MAX_S: Rule = (300, 1..=3_600);
/// Settings from afar prove themselves for this long; a till may take a minute to come back.
const TRIAL_S: Rule = (TRIAL.as_secs(), 5..=3_600);
/// How long the broker keeps what was said while the line was down: a shop may be closed for some
/// days, and its disputes have deadlines. Hints expire much sooner.
const SESSION: Duration = Duration::from_secs(7 * 24 * 3600);

/// Without the section there are no hints, and Klarna is read as often as `klarna.poll_ms` says.
pub(super) fn check(
    raw: Option<RawPush>,
    account: Option<&str>,
    store: Option<&str>,
    terminal: Option<&str>,
    problems: &mut Problems,
) -> Option<Settings> {
    let raw = raw?;
    let pace = within("push.poll_ms", raw.poll_ms, &POLL_MS, problems);
    let alive = within("push.alive_s", raw.alive_s, &ALIVE_S, problems);
    let client_id = format!("{}-{}", store.unwrap_or_default(), terminal.unwrap_or_default());
    let broker = line(&raw, "push", client_id, SESSION, problems);
    let trial = within("push.trial_s", raw.trial_s, &TRIAL_S, problems);
    let keys = fleet_keys(raw.fleet_keys.unwrap_or_default(), problems);
    let (account, store, terminal) = (account?, store?, terminal?);
    let named = Account::of(account).and_then(|account| {
        let topics = Topics::of(&account, store, terminal)?;
        Ok((account, topics))
    });
    let (account, topics) = named.inspect_err(|error| problems.add("push", error)).ok()?;
    let me = Address::new(store, terminal)?;
    Some(Settings {
        broker: broker?,
        topics,
        pace: Duration::from_millis(pace),
        alive_within: Duration::from_secs(alive),
        orders: (!keys.is_empty()).then(|| {
            let trial = Duration::from_secs(trial);
            fleet::Settings { keys, account, me, trial }
        }),
    })
}

/// A line to the broker of the section called `section`.
pub(super) fn line(
    raw: &RawPush,
    section: &str,
    client_id: String,
    session: Duration,
    problems: &mut Problems,
) -> Option<broker::Settings> {
    let key = |name: &str| format!("{section}.{name}");
    let reconnect =
        within(&key("reconnect_max_s"), raw.reconnect_max_s, &RECONNECT_MAX_S, problems);
    let address_key = key(if section == "push" { "broker" } else { "address" });
    let address = problems.need(&address_key, raw.broker.as_deref(), "broker.example:8883");
    let (certificate, private) = (raw.certificate_file.clone(), raw.key_file.clone());
    let certificate =
        problems.need(&key("certificate_file"), certificate, "/etc/klarna-terminald/device.pem");
    let private = problems.need(&key("key_file"), private, "/etc/klarna-terminald/device.key");
    let (host, port) = host_and_port(&address_key, address?, problems)?;
    // Whether they can be used is for `doctor` and the log to say: no sale waits for them.
    let files = Files { ca: raw.ca_file.clone(), certificate: certificate?, key: private? };
    let reconnect_max = Duration::from_secs(reconnect);
    Some(broker::Settings { host, port, client_id, files, reconnect_max, session })
}

/// A number with its default and its bounds.
type Rule = (u64, RangeInclusive<u64>);

fn within(key: &str, value: Option<u64>, (default, range): &Rule, problems: &mut Problems) -> u64 {
    let value = value.unwrap_or(*default);
    if !range.contains(&value) {
        let (least, most) = (range.start(), range.end());
        problems.add(key, format!("{value} is not between {least} and {most}"));
    }
    value
}

fn fleet_keys(texts: Vec<String>, problems: &mut Problems) -> Vec<PublicKey> {
    if texts.len() > KEYS_MAX {
        problems.add("push.fleet_keys", format!("{} keys; at most {KEYS_MAX}", texts.len()));
    }
    let mut keys = Vec::new();
    for text in texts.iter().take(KEYS_MAX) {
        match PublicKey::parse(text) {
            Ok(key) => keys.push(key),
            Err(wrong) => problems.add("push.fleet_keys", wrong),
        }
    }
    keys
}

/// `host`, `host:port` or `[v6]:port`.
fn host_and_port(key: &str, address: &str, problems: &mut Problems) -> Option<(String, u16)> {
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse()),
        Some(_) | None => (address, Ok(PORT)),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':');
    match (port, !host.is_empty() && host.bytes().all(fits)) {
        (Ok(port), true) if port > 0 => Some((host.to_owned(), port)),
        _ => {
            problems.add(key, format!("{address:?} is no host:port; leave out mqtts://"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Settings>, Problems) {
        let mut problems = Problems::default();
        let raw = toml::from_str(text).expect("TOML");
        let account = Some("krn:partner:global:account:test:SIMULATOR");
        let settings = check(Some(raw), account, Some("S12"), Some("T3"), &mut problems);
        (settings, problems)
    }

    #[test]
    fn a_broker_and_two_files_are_enough() {
        let text = "certificate_file = \"c.pem\"\nkey_file = \"c.key\"\nbroker = ";
        for (address, host, port) in [
            ("broker.example", "broker.example", 8883),
            ("broker.example:443", "broker.example", 443),
            ("192.0.2.1:8883", "192.0.2.1", 8883),
            ("[2001:db8::1]:443", "2001:db8::1", 443),
        ] {
            let (settings, problems) = read(&format!("{text}{address:?}"));
            let settings = settings.expect(address);
            assert!(problems.0.is_empty(), "{:?}", problems.0);
            assert_eq!((settings.broker.host.as_str(), settings.broker.port), (host, port));
            assert_eq!(settings.broker.client_id, "S12-T3");
            assert_eq!(settings.topics.changed(), "klarna/SIMULATOR/S12/T3/changed");
            assert_eq!(settings.pace, Duration::from_secs(15));
        }
        for address in ["", ":8883", "mqtts://broker", "broker:0", "broker:x", "bro ker"] {
            let (settings, problems) = read(&format!("{text}{address:?}"));
            assert!(settings.is_none() && problems.0.len() == 1, "{address}: {:?}", problems.0);
        }
    }

    #[test]
    fn orders_are_taken_only_where_a_key_is_named() {
        let text = "certificate_file = \"c.pem\"\nkey_file = \"c.key\"\nbroker = \"b\"\n";
        let (settings, _) = read(text);
        assert_eq!(settings.expect("settings").orders, None);
        let key = "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
        let (settings, problems) = read(&format!("{text}fleet_keys = [{key:?}, {key:?}]"));
        let orders = settings.and_then(|settings| settings.orders).expect("orders");
        assert_eq!((orders.keys.len(), orders.me.to_string().as_str()), (2, "S12/T3"));
        assert!(problems.0.is_empty(), "{:?}", problems.0);
        let (_, problems) = read(&format!("{text}fleet_keys = [\"AAAA\", {key:?}]"));
        assert!(problems.0[0].starts_with("push.fleet_keys: \"AAAA\""), "{:?}", problems.0);
        let (_, problems) = read(&format!("{text}fleet_keys = {:?}", vec![key; 9]));
        assert_eq!(problems.0, ["push.fleet_keys: 9 keys; at most 8"]);
    }

    #[test]
    fn what_is_missing_or_out_of_bounds_is_said_at_once() {
        let (settings, problems) = read("poll_ms = 10\nalive_s = 1\nreconnect_max_s = 0");
        assert!(settings.is_none());
        assert_eq!(problems.0.len(), 6, "{:?}", problems.0);
    }
}
