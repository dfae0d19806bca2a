//! What an order says: which one it is, for whom, until when, and what is to be done.

use crate::broker::Account;
use crate::clock::Wall;
use crate::id::{ADDRESS_PART_LEN_MAX, Address, is_address_part};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::time::Duration;

/// How much of a text that names nobody is repeated, in characters: as long as a name can be.
const TOLD_LEN_MAX: usize = 2 * ADDRESS_PART_LEN_MAX + 1;

/// For how long an order can be carried out at most, in hours: a month, as terminals are away.
pub const HOURS_MAX: u16 = 720;
/// How far apart the clocks of a terminal and of the machine that signs may be.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(24 * 3600);

/// The number of an order: greater than those of all earlier ones. Operators take milliseconds
/// since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Serial(u64);

impl Serial {
    /// The order with this number.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Whom an order is for. Written as `S12/T3`, `S12/*` or `*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum To {
    /// One terminal.
    One(Address),
    /// All of a store.
    Store(String),
    /// All.
    All,
}

impl To {
    /// Whether `me` is meant.
    pub fn means(&self, me: &Address) -> bool {
        match self {
            Self::One(one) => one == me,
            Self::Store(store) => store == me.store(),
            Self::All => true,
        }
    }
}

impl TryFrom<String> for To {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let to = match text.split_once('/') {
            None if text == "*" => Some(Self::All),
            Some((store, "*")) if is_address_part(store) => Some(Self::Store(store.to_owned())),
            Some((store, terminal)) => Address::new(store, terminal).map(Self::One),
            None => None,
        };
        let shown = text.chars().take(TOLD_LEN_MAX).collect::<String>();
        to.ok_or_else(|| format!("{shown:?} is neither STORE/TERMINAL nor STORE/* nor *"))
    }
}

impl std::str::FromStr for To {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(text.to_owned())
    }
}

impl From<To> for String {
    fn from(to: To) -> Self {
        to.to_string()
    }
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(address) => address.fmt(f),
            Self::Store(store) => write!(f, "{store}/*"),
            Self::All => f.write_str("*"),
        }
    }
}

/// How many of a hundred terminals take part, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Canary(u8);

impl Canary {
    /// All terminals.
    pub const ALL: Self = Self(100);

    /// Whether `me` takes part in the order with this serial. It is the same whenever it is asked,
    /// and others take part with another serial: the first 8 bytes of the SHA-256 of
    /// `serial/store/terminal`, big endian, modulo 100, is below the percentage.
    pub fn picks(self, serial: Serial, me: &Address) -> bool {
        let hash = Sha256::digest(format!("{serial}/{me}"));
        let number = hash.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        number % 100 < u64::from(self.0)
    }
}

impl TryFrom<u8> for Canary {
    type Error = String;

    fn try_from(percent: u8) -> Result<Self, String> {
        match percent {
            0..=100 => Ok(Self(percent)),
            _ => Err(format!("{percent} is no percentage: 0 to 100")),
        }
    }
}

impl From<Canary> for u8 {
    fn from(canary: Canary) -> Self {
        canary.0
    }
}

/// Settings from afar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// They lie over the terminal's own file; those of an earlier order do not count any more.
    pub toml: String,
    /// How many take part.
    pub canary: Canary,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Deed {
    /// Try at once what pauses before it is sent to Klarna again.
    SyncNow,
    /// End as soon as no payment is open, for whoever starts the program again.
    RestartWhenIdle,
    /// Take these settings.
    Configure(Change),
}

/// Orders whose serials are compared with one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// [`Deed::SyncNow`].
    SyncNow,
    /// [`Deed::RestartWhenIdle`].
    RestartWhenIdle,
    /// [`Deed::Configure`].
    Configure,
}

impl Deed {
    /// What kind of order it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::SyncNow => Kind::SyncNow,
            Self::RestartWhenIdle => Kind::RestartWhenIdle,
            Self::Configure(_) => Kind::Configure,
        }
    }
}

impl Kind {
    /// A word for the audit journal and for people.
    pub fn code(self) -> &'static str {
        match self {
            Self::SyncNow => "sync_now",
            Self::RestartWhenIdle => "restart_when_idle",
            Self::Configure => "configure",
        }
    }
}

/// One order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Its number.
    pub serial: Serial,
    /// Klarna's account of the terminals that it is for: two accounts may name theirs alike.
    pub account: Account,
    /// For whom.
    pub to: To,
    /// From then on it is too late (RFC 3339).
    pub until: jiff::Timestamp,
    /// What.
    #[serde(rename = "do")]
    pub deed: Deed,
}

impl Order {
    /// Until when it may be carried out.
    pub(super) fn until(&self) -> Wall {
        Wall::from_millis(self.until.as_millisecond())
    }

    /// Whether a clock has numbered or dated it that is further ahead of `now` than clocks are.
    pub(super) fn is_too_far_ahead(&self, now: Wall) -> bool {
        let latest = now.after(CLOCKS_APART_MAX);
        let longest = Duration::from_secs(u64::from(HOURS_MAX) * 3600);
        let serial_max = u64::try_from(latest.millis()).unwrap_or(0);
        self.serial.number() > serial_max || self.until() > latest.after(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_means_whom_it_names() {
        let me = Address::new("S12", "T3").expect("fits");
        for (to, means) in
            [("S12/T3", true), ("S12/*", true), ("*", true), ("S12/T4", false), ("S1/*", false)]
        {
            let to: To = to.parse().expect(to);
            assert_eq!(to.means(&me), means, "{to}");
        }
        for wrong in ["", "S12", "S12/", "/T3", "*/T3", "*/*", "S12/T3/x", "S 12/T3", "#", "+/T3"] {
            assert!(wrong.parse::<To>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn canaries_are_about_as_many_as_asked_for_and_others_each_time() {
        let terminals: Vec<Address> =
            (0..1000).filter_map(|n| Address::new("S1", &format!("T{n}"))).collect();
        let picked = |percent: u8, serial: u64| -> Vec<&Address> {
            let canary = Canary::try_from(percent).expect("a percentage");
            let serial = Serial::new(serial);
            terminals.iter().filter(|me| canary.picks(serial, me)).collect()
        };
        assert_eq!((picked(0, 7).len(), picked(100, 7).len()), (0, 1000));
        assert!((20..=80).contains(&picked(5, 7).len()), "{}", picked(5, 7).len());
        assert_ne!(picked(5, 7), picked(5, 8));
        // Whoever takes part in a few takes part in more.
        assert!(picked(5, 7).iter().all(|me| picked(50, 7).contains(me)));
        assert!(Canary::try_from(101).is_err());
    }
}
