//! Names of topics: `klarna/<account>/<store>/<terminal>/...`.
//!
//! What stands in them is checked, so that no reference of Klarna's or of ours becomes a wildcard
//! or another's topic.

use crate::id::{ADDRESS_PART_LEN_MAX, is_address_part};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest account name in a topic, in bytes; Klarna's are 8 to 36.
const ACCOUNT_LEN_MAX: usize = 64;

/// How the topic of relays' signs of life ends.
const ALIVE: &str = "/alive";

/// Whether somebody who was away wants to hear what was said at `topic` meanwhile.
#[cfg_attr(not(feature = "push"), allow(dead_code, reason = "without a line nobody is away"))]
pub(super) fn is_of_use_later(topic: &str) -> bool {
    !topic.ends_with(ALIVE)
}

/// Why something cannot stand in a topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// The account.
    #[error("{0:?} cannot be an account in a topic: 1 to 64 letters, digits, - or _")]
    Account(String),
    /// A store or terminal.
    #[error(
        "{0:?} cannot be a store or terminal in a topic: 1 to {ADDRESS_PART_LEN_MAX} letters, \
         digits or _"
    )]
    Name(String),
}

/// The last part of Klarna's account id: `LWT2XJSE` of `krn:partner:global:account:live:LWT2XJSE`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Account(String);

impl Account {
    /// Of a whole id or its last part.
    ///
    /// # Errors
    /// When the last part is empty, too long, or has other characters than letters, digits, `-` and
    /// `_`.
    pub fn of(id: &str) -> Result<Self, TopicError> {
        let tail = id.rsplit(':').next().unwrap_or_default();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        match (1..=ACCOUNT_LEN_MAX).contains(&tail.len()) && tail.bytes().all(fits) {
            true => Ok(Self(tail.to_owned())),
            false => Err(TopicError::Account(id.chars().take(ACCOUNT_LEN_MAX).collect())),
        }
    }

    /// Where relays say that they are there.
    pub fn alive(&self) -> String {
        format!("klarna/{}{ALIVE}", self.0)
    }

    /// What concerns all terminals: the account, settlements, disputes of nobody knows whose
    /// payment. Only relays write there.
    pub fn notices(&self) -> String {
        format!("klarna/{}/notices", self.0)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Account {
    type Error = TopicError;

    fn try_from(id: String) -> Result<Self, TopicError> {
        Self::of(&id)
    }
}

impl From<Account> for String {
    fn from(account: Account) -> Self {
        account.0
    }
}

/// The topics of one terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    prefix: String,
    alive: String,
    notices: String,
}

impl Topics {
    /// Of the terminal `terminal` in `store`.
    ///
    /// # Errors
    /// When one of them cannot have its name ([`is_address_part`]).
    pub fn of(account: &Account, store: &str, terminal: &str) -> Result<Self, TopicError> {
        if let Some(wrong) = [store, terminal].into_iter().find(|name| !is_address_part(name)) {
            return Err(TopicError::Name(wrong.chars().take(ADDRESS_PART_LEN_MAX).collect()));
        }
        let prefix = format!("klarna/{account}/{store}/{terminal}");
        Ok(Self { prefix, alive: account.alive(), notices: account.notices() })
    }

    /// A payment request of this terminal may have changed. Only relays write there.
    pub fn changed(&self) -> String {
        self.named("changed")
    }

    /// How the terminal stands; kept by the broker. Only the terminal writes there.
    pub fn status(&self) -> String {
        self.named("status")
    }

    /// What the fleet's operator asks for, signed.
    pub fn order(&self) -> String {
        self.named("order")
    }

    /// The configuration that the fleet's operator wants here, signed; kept by the broker.
    pub fn config(&self) -> String {
        self.named("config")
    }

    /// Where relays say that they are there.
    pub fn alive(&self) -> &str {
        &self.alive
    }

    /// What concerns all terminals of the account.
    pub fn notices(&self) -> &str {
        &self.notices
    }

    fn named(&self, what: &str) -> String {
        format!("{}/{what}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_the_last_part_of_its_id() {
        for id in ["krn:partner:global:account:live:LWT2XJSE", "LWT2XJSE"] {
            assert_eq!(Account::of(id).expect("an account").to_string(), "LWT2XJSE");
        }
        for id in ["", "krn:", "a/b", "krn:+", "#", "a b", &"x".repeat(65)] {
            assert!(Account::of(id).is_err(), "{id}");
        }
    }

    #[test]
    fn topics_are_of_one_terminal_and_no_name_reaches_beyond() {
        let account = Account::of("krn:partner:global:account:test:SIMULATOR").expect("fits");
        let topics = Topics::of(&account, "S12", "T3").expect("fits");
        assert_eq!(topics.changed(), "klarna/SIMULATOR/S12/T3/changed");
        assert_eq!(topics.alive(), "klarna/SIMULATOR/alive");
        assert!(!is_of_use_later(topics.alive()) && is_of_use_later(&topics.changed()));
        assert_eq!(topics.notices(), "klarna/SIMULATOR/notices");
        for name in ["", "+", "#", "T/3", "../T4", "T 3", "Tü", &"x".repeat(21)] {
            assert!(Topics::of(&account, "S12", name).is_err(), "{name}");
            assert!(Topics::of(&account, name, "T3").is_err(), "{name}");
        }
    }
}
