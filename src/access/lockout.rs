//! How long to wait after wrong PINs: counted per user name and per address, before any hashing.
//!
//! Time is monotonic. What is written down of a lock-out counts again from the start of the
//! process, so it lasts at most its own length after a restart, whatever the wall clock says.
//! Knows nothing of PINs, and of users only whether a name is one.

use super::AccessError;
use super::actor::Net;
use super::digest::{HASH_LEN, Hash, digest};
use super::user::UserName;
use crate::clock::Mono;
use rusqlite::{Connection, params};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Wrong tries before anybody waits.
pub(super) const FREE_TRIES: u32 = 3;
/// The first wait; each one after it is twice as long.
const WAIT_FIRST: Duration = Duration::from_secs(2);
/// The longest wait: a hundred tries a day, and a manager is back after a coffee.
pub const WAIT_MAX: Duration = Duration::from_secs(15 * 60);
/// From here on waits do not grow: 2 s doubled nine times is more than the longest wait.
const FAILURES_MAX: u32 = FREE_TRIES + 9;
/// An address forgets one wrong try in this time.
const ADDRESS_FORGETS: Duration = Duration::from_secs(60);
/// Addresses that are remembered; the one used least recently is forgotten first.
const ADDRESSES_MAX: usize = 1024;
/// Names that are no user's and are remembered all the same, so that waits tell nobody which names
/// are; the one tried least recently is forgotten first.
const STRANGE_NAMES_MAX: usize = 1024;

/// How long to wait after so many wrong tries.
fn wait_after(failures: u32) -> Duration {
    match failures.min(FAILURES_MAX).checked_sub(FREE_TRIES) {
        None => Duration::ZERO,
        Some(doublings) => WAIT_MAX.min(WAIT_FIRST * 2_u32.pow(doublings)),
    }
}

/// What is kept of a name that was typed: it may have been a PIN.
pub(super) fn name_key(typed: &str) -> Hash {
    match UserName::new(typed) {
        Ok(name) => digest("name", &[name.as_str().as_bytes()]),
        Err(_) => digest("no name", &[typed.as_bytes()]),
    }
}

/// Whose tries are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Name {
    pub(super) key: Hash,
    /// An address from which this user has signed in; none stands for all others together.
    pub(super) known_place: Option<Hash>,
}

/// One try.
#[derive(Debug, Clone, Copy)]
pub(super) struct Try {
    /// None where no name is asked for.
    pub(super) name: Option<Name>,
    /// Whether there is a user of that name.
    pub(super) is_user: bool,
    pub(super) net: Net,
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    failures: u32,
    /// No try before.
    free_from: Mono,
    /// Up to when the address has forgotten; when the name was last tried.
    touched: Mono,
    is_user: bool,
}

impl Counter {
    fn new(now: Mono, is_user: bool) -> Self {
        Self { failures: 0, free_from: now, touched: now, is_user }
    }

    fn fail(&mut self, now: Mono) {
        self.failures = FAILURES_MAX.min(self.failures + 1);
        self.free_from = now.after(wait_after(self.failures));
    }

    fn take_back(&mut self, now: Mono) {
        self.failures = self.failures.saturating_sub(1);
        self.free_from = now;
    }

    /// An address forgets one try a minute.
    fn forget(&mut self, now: Mono) {
        let minutes = now.left(self.touched).as_secs() / ADDRESS_FORGETS.as_secs();
        let minutes = u32::try_from(minutes).unwrap_or(u32::MAX);
        if minutes >= self.failures {
            (self.failures, self.touched) = (0, now);
        } else {
            self.failures -= minutes;
            self.touched = self.touched.after(ADDRESS_FORGETS * minutes);
        }
    }
}

/// What has to be written down after a try was counted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// So many wrong tries make this name wait.
    Failures(Name, u32),
    /// It was forgotten for want of room.
    Forgotten(Name),
}

/// All that is counted.
#[derive(Debug)]
pub(super) struct Lockout {
    names: HashMap<Name, Counter>,
    addresses: HashMap<Net, Counter>,
}

impl Lockout {
    /// What was written down, to be waited for from the start of the process.
    pub(super) fn load(
        connection: &Connection,
        users: &HashSet<Hash>,
    ) -> Result<Self, AccessError> {
        let mut names = HashMap::new();
        let mut statement = connection.prepare("SELECT name, place, failures FROM lockout")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (key, place): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let hash = |bytes: Vec<u8>| <[u8; HASH_LEN]>::try_from(bytes).ok().map(Hash::new);
            // A row that nobody has written stands for nobody.
            let Some(key) = hash(key) else { continue };
            let name = Name { key, known_place: hash(place) };
            let failures = u32::try_from(row.get::<_, i64>(2)?).unwrap_or(FAILURES_MAX);
            let failures = failures.min(FAILURES_MAX);
            let start = Mono::default();
            let free_from = start.after(wait_after(failures));
            let is_user = users.contains(&key);
            names.insert(name, Counter { failures, free_from, touched: start, is_user });
        }
        Ok(Self { names, addresses: HashMap::new() })
    }

    /// How long the address has to wait before it may try anything.
    pub(super) fn wait_of_address(&self, now: Mono, net: Net) -> Option<Duration> {
        left(now, self.addresses.get(&net))
    }

    /// How long the name has to wait at that place.
    pub(super) fn wait_of_name(&self, now: Mono, name: &Name) -> Option<Duration> {
        left(now, self.names.get(name))
    }

    /// Counts a try as a wrong one before it is known to be: tries made at once are all counted.
    pub(super) fn charge(&mut self, now: Mono, tried: &Try) -> Vec<Write> {
        if !self.addresses.contains_key(&tried.net) && self.addresses.len() >= ADDRESSES_MAX {
            let oldest = self.addresses.iter().min_by_key(|(_, counter)| counter.touched);
            if let Some(oldest) = oldest.map(|(net, _)| *net) {
                self.addresses.remove(&oldest);
            }
        }
        let address = self.addresses.entry(tried.net).or_insert(Counter::new(now, false));
        address.forget(now);
        address.fail(now);
        tried.name.map(|name| self.charge_name(now, name, tried.is_user)).unwrap_or_default()
    }

    fn charge_name(&mut self, now: Mono, name: Name, is_user: bool) -> Vec<Write> {
        let mut writes = Vec::new();
        if !is_user && !self.names.contains_key(&name) {
            writes.extend(self.make_room().map(Write::Forgotten));
        }
        let counter = self.names.entry(name).or_insert(Counter::new(now, is_user));
        counter.fail(now);
        (counter.touched, counter.is_user) = (now, is_user);
        if counter.failures >= FREE_TRIES {
            writes.push(Write::Failures(name, counter.failures));
        }
        writes
    }

    fn make_room(&mut self) -> Option<Name> {
        let strange = || self.names.iter().filter(|(_, counter)| !counter.is_user);
        if strange().count() < STRANGE_NAMES_MAX {
            return None;
        }
        let oldest = *strange().min_by_key(|(_, counter)| counter.touched)?.0;
        self.names.remove(&oldest);
        Some(oldest)
    }

    /// The try was right: it never counted, and the name begins anew at that place.
    pub(super) fn take_back(&mut self, now: Mono, tried: &Try) {
        if let Some(address) = self.addresses.get_mut(&tried.net) {
            address.take_back(now);
        }
        if let Some(name) = &tried.name {
            self.names.remove(name);
        }
    }

    /// The name begins anew everywhere.
    pub(super) fn lift(&mut self, key: &Hash) {
        self.names.retain(|name, _| name.key != *key);
    }
}

fn left(now: Mono, counter: Option<&Counter>) -> Option<Duration> {
    counter.map(|counter| counter.free_from.left(now)).filter(|left| !left.is_zero())
}

fn place(name: &Name) -> Vec<u8> {
    name.known_place.map(|place| place.bytes().to_vec()).unwrap_or_default()
}

/// Writes down what outlives the process; durable once the transaction is committed.
pub(super) fn write(connection: &Connection, writes: &[Write]) -> Result<(), AccessError> {
    for write in writes {
        match write {
            Write::Failures(name, failures) => {
                let mut statement = connection.prepare_cached(
                    "INSERT INTO lockout (name, place, failures) VALUES (?1, ?2, ?3)
                     ON CONFLICT (name, place) DO UPDATE SET failures = excluded.failures",
                )?;
                statement.execute(params![name.key.bytes(), place(name), failures])?;
            }
            Write::Forgotten(name) => clear(connection, name)?,
        }
    }
    Ok(())
}

/// Forgets what was written down for the name at that place.
pub(super) fn clear(connection: &Connection, name: &Name) -> Result<(), AccessError> {
    let sql = "DELETE FROM lockout WHERE name = ?1 AND place = ?2";
    connection.prepare_cached(sql)?.execute(params![name.key.bytes(), place(name)])?;
    Ok(())
}

/// Forgets what was written down for the name anywhere.
pub(super) fn clear_all(connection: &Connection, key: &Hash) -> Result<(), AccessError> {
    connection.execute("DELETE FROM lockout WHERE name = ?1", [key.bytes()])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Lockout {
        Lockout { names: HashMap::new(), addresses: HashMap::new() }
    }

    fn at(seconds: u64) -> Mono {
        Mono::new(Duration::from_secs(seconds))
    }

    fn tried(name: &str, net: u8, is_user: bool) -> Try {
        let name = Name { key: name_key(name), known_place: None };
        Try { name: Some(name), is_user, net: Net::V4([192, 0, 2, net]) }
    }

    #[test]
    fn three_are_free_then_waits_double_to_a_quarter_of_an_hour() {
        let waits: Vec<u64> = (0..16).map(|failures| wait_after(failures).as_secs()).collect();
        let expected = [0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900];
        assert_eq!(waits, expected);
        assert_eq!(wait_after(u32::MAX), WAIT_MAX);
    }

    #[test]
    fn an_address_forgets_one_try_a_minute() {
        let mut lockout = empty();
        let try_ = Try { name: None, ..tried("", 1, false) };
        for _ in 0..3 {
            assert_eq!(lockout.charge(at(100), &try_), []);
        }
        let wait = |lockout: &Lockout, now| lockout.wait_of_address(at(now), try_.net);
        assert_eq!(wait(&lockout, 100), Some(Duration::from_secs(2)));
        assert_eq!(wait(&lockout, 102), None);
        lockout.charge(at(159), &try_);
        assert_eq!(wait(&lockout, 159), Some(Duration::from_secs(4)), "nothing forgotten yet");
        lockout.charge(at(220), &try_);
        assert_eq!(wait(&lockout, 220), Some(Duration::from_secs(2)), "two forgotten, one more");
        lockout.charge(at(9_999), &try_);
        assert_eq!(wait(&lockout, 9_999), None, "all forgotten");
    }

    #[test]
    fn what_was_right_never_counted_for_the_address() {
        let mut lockout = empty();
        for _ in 0..50 {
            lockout.charge(at(1), &tried("anna", 1, true));
            lockout.take_back(at(1), &tried("anna", 1, true));
        }
        for _ in 0..2 {
            lockout.charge(at(1), &tried("bert", 1, true));
        }
        lockout.charge(at(1), &tried("anna", 1, true));
        assert!(lockout.wait_of_address(at(1), Net::V4([192, 0, 2, 1])).is_some());
        lockout.take_back(at(1), &tried("anna", 1, true));
        lockout.charge(at(1), &tried("bert", 1, true));
        let bert = tried("bert", 1, true).name.expect("a name");
        assert!(lockout.wait_of_name(at(1), &bert).is_some(), "anna's success is not bert's");
    }

    #[test]
    fn strange_names_and_addresses_are_bounded_and_push_no_user_out() {
        let mut lockout = empty();
        let anna = tried("anna", 0, true);
        for _ in 0..5 {
            lockout.charge(at(0), &anna);
        }
        let mut forgotten = 0;
        for number in 0..3_000_u32 {
            let [_, _, high, low] = number.to_be_bytes();
            let name = tried(&format!("x{number}"), 0, false).name;
            let net = Net::V4([10, 0, high, low]);
            let try_ = Try { name, is_user: false, net };
            forgotten += lockout.charge(at(1 + u64::from(number)), &try_).len();
        }
        assert_eq!((lockout.names.len(), lockout.addresses.len()), (1 + 1024, 1024));
        assert_eq!(forgotten, 3_000 - 1024);
        let anna = anna.name.expect("a name");
        assert_eq!(lockout.wait_of_name(at(0), &anna), Some(Duration::from_secs(8)));
    }

    #[test]
    fn a_name_is_the_same_however_it_is_typed() {
        assert_eq!(name_key(" Anna"), name_key("anna"));
        assert_ne!(name_key("anna"), name_key("bert"));
        assert_ne!(name_key("än"), name_key("ön"));
    }
}
