//! Which terminal something is about, and the one rule for names of stores and terminals.
//!
//! Klarna hands our reference back in its notices. Whatever is not exactly such a reference is
//! nobody's: an address becomes part of a topic, so no `/`, `+` or `#` may ever be in one.

use super::PaymentId;
use std::fmt;

/// Longest name of a store or terminal, in bytes; configuration allows no longer one.
pub const ADDRESS_PART_LEN_MAX: usize = 20;
/// `yyyymmdd`.
const DATE_LEN: usize = 8;
/// Hexadecimal digits of the installation ([`super::Installation::short`]).
const INSTALLATION_LEN: usize = 8;

/// A terminal of a store, each with a name by the rule of [`is_address_part`]. Displayed as
/// `S12/T3`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    store: String,
    terminal: String,
}

impl Address {
    /// The terminal with these names; `None` where one of them cannot be such a name.
    pub fn new(store: &str, terminal: &str) -> Option<Self> {
        let are_names = is_address_part(store) && is_address_part(terminal);
        are_names.then(|| Self { store: store.to_owned(), terminal: terminal.to_owned() })
    }

    /// Whose payment has the reference `{store}-{terminal}-{yyyymmdd}-{number}-{installation}`;
    /// `None` for every text that no terminal would have made.
    pub fn of(reference: &str) -> Option<Self> {
        let mut parts = reference.split('-');
        let (store, terminal) = (parts.next()?, parts.next()?);
        let (date, number, installation) = (parts.next()?, parts.next()?, parts.next()?);
        let is_ours = parts.next().is_none()
            && is_date(date)
            && is_number(number)
            && is_installation(installation);
        is_ours.then(|| Self::new(store, terminal)).flatten()
    }

    /// The store's name.
    pub fn store(&self) -> &str {
        &self.store
    }

    /// The terminal's name within the store.
    pub fn terminal(&self) -> &str {
        &self.terminal
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.store, self.terminal)
    }
}

/// Whether a store or a terminal can have this name: 1 to [`ADDRESS_PART_LEN_MAX`] ASCII letters,
/// digits or `_`.
pub fn is_address_part(text: &str) -> bool {
    (1..=ADDRESS_PART_LEN_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_date(text: &str) -> bool {
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<u8>().ok();
    text.len() == DATE_LEN
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && part(4..6).is_some_and(|month| (1..=12).contains(&month))
        && part(6..8).is_some_and(|day| (1..=31).contains(&day))
}

/// Exactly as a payment's number is printed.
fn is_number(text: &str) -> bool {
    let number = text.parse().ok().map(PaymentId::new);
    number.is_some_and(|number| number >= PaymentId::FIRST && number.to_string() == text)
}

fn is_installation(text: &str) -> bool {
    text.len() == INSTALLATION_LEN
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_reference_names_its_terminal_and_nothing_else_does() {
        let of = |text: &str| Address::of(text).map(|address| address.to_string());
        let ours = "S12-T_3-20260131-000001-0a1b2c3d";
        assert_eq!(of(ours).as_deref(), Some("S12/T_3"));
        assert!(of("S12-T3-20260131-4294967295-0a1b2c3d").is_some());
        let name = "x".repeat(ADDRESS_PART_LEN_MAX);
        assert!(of(&format!("{name}-{name}-20260131-000001-0a1b2c3d")).is_some());
        for foreign in [
            "",
            "partner-payref-1234",
            "09e7a0f1-4207-4abe-b472-64559b14cc80",
            "S12-T3-20260131-000001",
            "S12-T3-20260131-000001-0a1b2c3d-",
            "-T3-20260131-000001-0a1b2c3d",
            "S12--20260131-000001-0a1b2c3d",
            "S12/x-T3-20260131-000001-0a1b2c3d",
            "+-T3-20260131-000001-0a1b2c3d",
            "S12-#-20260131-000001-0a1b2c3d",
            "S12-T3\0-20260131-000001-0a1b2c3d",
            "S12-Ü-20260131-000001-0a1b2c3d",
            "S12-T3-20261331-000001-0a1b2c3d",
            "S12-T3-20260100-000001-0a1b2c3d",
            "S12-T3-2026013-000001-0a1b2c3d",
            "S12-T3-20260131-00001-0a1b2c3d",
            "S12-T3-20260131-0000001-0a1b2c3d",
            "S12-T3-20260131-+00001-0a1b2c3d",
            "S12-T3-20260131-000000-0a1b2c3d",
            "S12-T3-20260131-4294967296-0a1b2c3d",
            "S12-T3-20260131-000001-0A1B2C3D",
            "S12-T3-20260131-000001-0a1b2c3",
            " S12-T3-20260131-000001-0a1b2c3d",
        ] {
            assert_eq!(of(foreign), None, "{foreign}");
        }
        assert_eq!(of(&format!("{name}x-T3-20260131-000001-0a1b2c3d")), None);
    }

    proptest! {
        #[test]
        fn an_address_is_fit_for_a_topic(text in "[A-Za-z0-9_/+#.$ -]{0,40}|\\PC{0,60}") {
            let wrapped = format!("{text}-20260131-000001-0a1b2c3d");
            for reference in [text, wrapped] {
                let Some(address) = Address::of(&reference) else { continue };
                for part in [address.store(), address.terminal()] {
                    prop_assert!(is_address_part(part));
                }
                let name = format!("{}-{}-", address.store(), address.terminal());
                prop_assert!(reference.starts_with(&name));
            }
        }
    }
}
