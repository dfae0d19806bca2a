//! An order as it travels: the order itself, who says that it is theirs, and the signature.
//!
//! What is signed is the order's bytes as they are, so that nobody has to agree on how JSON is
//! written. It knows no state: whether an order is new is said elsewhere.

use super::Settings;
use super::key::{KeyName, PrivateKey};
use super::order::Order;
use super::refused::Refused;
use crate::clock::Wall;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// Longest envelope that is looked at, in bytes: the longest message of the broker.
pub const ENVELOPE_LEN_MAX: usize = 64 * 1024;
/// What is signed begins with this, so that a signature for something else is none for an order.
const CONTEXT: &[u8] = b"klarna-terminald order 1\n";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    v: u32,
    order: String,
    key: String,
    signature: String,
}

/// An order that one of the known keys has signed, for this terminal, in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What is ordered.
    pub order: Order,
    /// The name of the key that has signed it.
    pub key: KeyName,
}

/// Looks at an order: size, form, key, signature, for whom, until when, and that no clock
/// that is far ahead has made it; in this order.
///
/// # Errors
/// Every [`Refused`] but [`Refused::Replayed`].
pub fn open(bytes: &[u8], settings: &Settings, now: Wall) -> Result<Signed, Refused> {
    if bytes.len() > ENVELOPE_LEN_MAX {
        return Err(Refused::TooLong(bytes.len()));
    }
    // The types bound how deep it may be.
    let envelope: Envelope =
        serde_json::from_slice(bytes).map_err(|error| Refused::Form(error.to_string()))?;
    if envelope.v != 1 {
        return Err(Refused::Form(format!("version {}; this one knows 1", envelope.v)));
    }
    let decoded = |name: &str, text: &str| {
        let bytes = STANDARD.decode(text);
        bytes.map_err(|error| Refused::Form(format!("{name} is no base64: {error}")))
    };
    let order = decoded("order", &envelope.order)?;
    let signature = decoded("signature", &envelope.signature)?;
    let key = settings.keys.iter().find(|key| key.name().as_str() == envelope.key);
    let key = key.ok_or(Refused::UnknownKey)?;
    if !key.has_signed(&signed_bytes(&order), &signature) {
        return Err(Refused::Signature);
    }
    let order: Order =
        serde_json::from_slice(&order).map_err(|error| Refused::Form(error.to_string()))?;
    if order.account != settings.account {
        return Err(Refused::OtherAccount(order.account));
    }
    if !order.to.means(&settings.me) {
        return Err(Refused::NotForUs);
    }
    if !now.is_plausible() {
        return Err(Refused::ClockNotSet);
    }
    if now >= order.until() {
        return Err(Refused::Expired);
    }
    if order.is_too_far_ahead(now) {
        let Order { serial, until, .. } = order;
        return Err(Refused::TooFarAhead { serial, until, now });
    }
    Ok(Signed { order, key: key.name() })
}

/// Signs `order`, for terminals that know the key's public one.
pub fn seal(order: &Order, key: &PrivateKey) -> Vec<u8> {
    seal_bytes(&serde_json::to_vec(order).expect("an order is always JSON"), key)
}

fn seal_bytes(order: &[u8], key: &PrivateKey) -> Vec<u8> {
    let envelope = Envelope {
        v: 1,
        order: STANDARD.encode(order),
        key: key.public().name().to_string(),
        signature: STANDARD.encode(key.sign(&signed_bytes(order))),
    };
    serde_json::to_vec(&envelope).expect("strings and numbers are always JSON")
}

fn signed_bytes(order: &[u8]) -> Vec<u8> {
    [CONTEXT, order].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Account;
    use crate::fleet::TRIAL;
    use crate::id::Address;
    use serde_json::Value;

    const NOW: Wall = Wall::from_millis(1_790_000_000_000);
    const LATER: &str = "2026-10-01T00:00:00Z";

    fn key() -> PrivateKey {
        PrivateKey::from_pem(&PrivateKey::random_pem().expect("random bytes")).expect("a key")
    }

    fn settings(keys: &[&PrivateKey]) -> Settings {
        let account = Account::of("LWT2XJSE").expect("fits");
        let me = Address::new("S12", "T3").expect("fits");
        let keys = keys.iter().map(|key| key.public()).collect();
        Settings { keys, account, me, trial: TRIAL }
    }

    fn order(to: &str, until: &str, deed: &str) -> String {
        let head = r#"{"serial":7,"account":"LWT2XJSE""#;
        format!(r#"{head},"to":"{to}","until":"{until}","do":{deed}}}"#)
    }

    fn with(envelope: &[u8], name: &str, value: Value) -> Vec<u8> {
        let mut json: Value = serde_json::from_slice(envelope).expect("JSON");
        json[name] = value;
        serde_json::to_vec(&json).expect("JSON")
    }

    fn code(bytes: &[u8], settings: &Settings, now: Wall) -> &'static str {
        open(bytes, settings, now).map_or_else(|refused| refused.code(), |_| "taken")
    }

    #[test]
    fn an_order_is_taken_from_each_of_several_keys() {
        let (old, new) = (key(), key());
        let settings = settings(&[&old, &new]);
        for key in [&old, &new] {
            let text = order("S12/*", LATER, r#"{"configure":{"toml":"a=1","canary":5}}"#);
            let order: Order = serde_json::from_str(&text).expect("an order");
            let signed = open(&seal(&order, key), &settings, NOW).expect("taken");
            assert_eq!(signed, Signed { order, key: key.public().name() });
        }
    }

    #[test]
    fn what_is_not_in_order_is_refused_and_it_is_said_why() {
        let (ours, theirs) = (key(), key());
        let settings = settings(&[&ours]);
        let sealed = |text: &str| seal_bytes(text.as_bytes(), &ours);
        let text = order("S12/T3", LATER, "\"sync_now\"");
        let good = sealed(&text);
        let other = sealed(&order("S12/T3", LATER, "\"restart_when_idle\""));
        let foreign = seal_bytes(order("S12/T3", LATER, "\"sync_now\"").as_bytes(), &theirs);
        let name = |key: &PrivateKey| Value::from(key.public().name().as_str());
        let of = |bytes: &[u8], name: &str| -> Value {
            serde_json::from_slice::<Value>(bytes).expect("JSON")[name].clone()
        };
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let cases: Vec<(&str, Vec<u8>, &str)> = vec![
            ("as it is", good.clone(), "taken"),
            ("too long", vec![b' '; ENVELOPE_LEN_MAX + 1], "too_long"),
            ("nothing", Vec::new(), "not_understood"),
            ("no JSON", b"order".to_vec(), "not_understood"),
            ("deep", deep.clone().into_bytes(), "not_understood"),
            ("more than there is", with(&good, "more", 1.into()), "not_understood"),
            ("of tomorrow", with(&good, "v", 2.into()), "not_understood"),
            ("no base64", with(&good, "order", "%%%".into()), "not_understood"),
            ("a signature that is none", with(&good, "signature", "x".into()), "not_understood"),
            ("a stranger's", foreign.clone(), "unknown_key"),
            ("in our name", with(&foreign, "key", name(&ours)), "wrong_signature"),
            ("of another order", with(&good, "order", of(&other, "order")), "wrong_signature"),
            ("no signature", with(&good, "signature", "".into()), "wrong_signature"),
            ("signed nonsense", sealed("{}"), "not_understood"),
            ("signed depth", sealed(&deep), "not_understood"),
            (
                "an unknown deed",
                sealed(&order("*", LATER, r#"{"run":{"program":"sh"}}"#)),
                "not_understood",
            ),
            (
                "too many canaries",
                sealed(&order("*", LATER, r#"{"configure":{"toml":"","canary":101}}"#)),
                "not_understood",
            ),
            ("a time that is none", sealed(&order("*", "soon", "\"sync_now\"")), "not_understood"),
            ("of another account", sealed(&text.replace("LWT2", "LWT3")), "other_account"),
            ("of no account", sealed(&text.replace("LWT2XJSE", "*")), "not_understood"),
            ("for whatever account", sealed(&text.replace("account", "bank")), "not_understood"),
            ("for another", sealed(&order("S12/T4", LATER, "\"sync_now\"")), "not_for_us"),
            ("of another store", sealed(&order("S13/*", LATER, "\"sync_now\"")), "not_for_us"),
            ("old", sealed(&order("*", "2026-01-01T00:00:00Z", "\"sync_now\"")), "expired"),
        ];
        for (what, bytes, expected) in cases {
            assert_eq!(code(&bytes, &settings, NOW), expected, "{what}");
        }
        assert_eq!(code(&good, &settings, Wall::from_millis(0)), "clock_not_set");
        assert_eq!(code(&good, &self::settings(&[]), NOW), "unknown_key");
    }

    #[test]
    fn an_order_of_a_clock_that_is_far_ahead_locks_nobody_out() {
        let ours = key();
        let settings = settings(&[&ours]);
        // NOW is 2026-09-21T14:13:20Z.
        for (serial, until, expected) in [
            ("1790000000000", "2026-10-22T14:13:20Z", "taken"),
            ("1790086400000", LATER, "taken"),
            ("1790000000000", "2026-10-22T14:13:20.001Z", "too_far_ahead"),
            ("1790086400001", LATER, "too_far_ahead"),
            ("1790000000000", "9999-12-30T22:00:00Z", "too_far_ahead"),
            ("18446744073709551615", LATER, "too_far_ahead"),
        ] {
            let text = order("*", until, "\"sync_now\"");
            let text = text.replace(r#""serial":7"#, &format!(r#""serial":{serial}"#));
            let envelope = seal_bytes(text.as_bytes(), &ours);
            assert_eq!(code(&envelope, &settings, NOW), expected, "{serial} until {until}");
            let unset = code(&envelope, &settings, Wall::from_millis(0));
            assert_eq!(unset, "clock_not_set", "{serial} until {until}");
        }
    }

    #[test]
    fn no_single_changed_byte_is_believed() {
        let ours = key();
        let settings = settings(&[&ours]);
        let good = seal_bytes(order("*", LATER, "\"sync_now\"").as_bytes(), &ours);
        let taken = open(&good, &settings, NOW).expect("taken");
        for place in 0..good.len() {
            let mut bytes = good.clone();
            bytes[place] ^= 1;
            if let Ok(signed) = open(&bytes, &settings, NOW) {
                assert_eq!(signed, taken, "byte {place}");
            }
        }
    }
}
