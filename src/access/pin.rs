//! PINs and their hashes: what a good one is, and what is kept of it.
//!
//! Argon2id (RFC 9106) with the parameters of the OWASP Password Storage Cheat Sheet. Knows nothing
//! of users. At most two hashes are made at once, so that guessing costs the payment path nothing.

use super::AccessError;
use super::guessed;
use argon2::password_hash::Error as HashError;
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Fewest digits of a PIN: a million of them, against a few hundred tries a day.
pub const PIN_LEN_MIN: usize = 6;
/// Most digits of a PIN.
pub const PIN_LEN_MAX: usize = 12;
/// Digits of a PIN that an admin hands over.
const FIRST_PIN_LEN: usize = 8;
/// Memory of one hash, in KiB (OWASP: 19 MiB with two passes and one lane).
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes of one hash.
const PASSES: u32 = 2;
/// Lanes of one hash: a terminal has no cores to spare.
const LANES: u32 = 1;
/// A row may ask for this many KiB at most, so that a changed file cannot exhaust the memory.
const MEMORY_KIB_MAX: u32 = 64 * 1024;
/// A row may ask for this many passes at most.
const PASSES_MAX: u32 = 16;
/// Hashes made at once: 38 MiB and two cores at most.
const HASHES_MAX: usize = 2;
/// Random bytes in each hash (RFC 9106 §3.1).
const SALT_LEN: usize = 16;

/// A good PIN; never shown.
#[derive(Debug, Clone)]
pub struct Pin(SecretString);

/// Why a PIN is too easily guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPin {
    /// Something else than digits.
    #[error("a PIN has digits only; choose another")]
    NotDigits,
    /// Too short or too long.
    #[error("a PIN has {PIN_LEN_MIN} to {PIN_LEN_MAX} digits; choose another")]
    Length,
    /// Such as 777777.
    #[error("a PIN of one digit is guessed first; choose digits without an order")]
    SameDigit,
    /// Such as 123456 or 135791.
    #[error("digits that count are guessed first; choose digits without an order")]
    Run,
    /// Such as 121212, 12341234 or 112122.
    #[error("digits that come again are guessed first; choose digits without an order")]
    Repeated,
    /// Such as 241284 or 24121984.
    #[error("dates are guessed first; choose digits that are no day, month or year")]
    Date,
    /// Such as 147896 or 159357.
    #[error("ways over the keys are guessed first; choose digits that do not lie side by side")]
    Keys,
    /// Such as 557799, 405162 or 573375.
    #[error("patterns are guessed first; choose digits without an order")]
    Pattern,
    /// The terminal's number, or digits of the user's name.
    #[error("numbers of the shop or of a name are guessed first; choose other digits")]
    Known,
}

impl Pin {
    /// Takes `text` if it is 6 to 12 ASCII digits that are not among the first guesses.
    ///
    /// # Errors
    /// [`WeakPin`] says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, WeakPin> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(WeakPin::NotDigits);
        }
        if !is_shaped(text) {
            return Err(WeakPin::Length);
        }
        let digits: Vec<u8> = text.bytes().map(|byte| byte - b'0').collect();
        match guessed::weakness(&digits) {
            Some(weak) => Err(weak),
            None => Ok(Self(SecretString::from(text))),
        }
    }

    /// The same, and not one that can be read in `known`: the user's name, the terminal's number.
    ///
    /// # Errors
    /// As [`Pin::new`], and [`WeakPin::Known`].
    pub fn apart_from(text: &str, known: &[&str]) -> Result<Self, WeakPin> {
        let pin = Self::new(text)?;
        match known.iter().any(|known| guessed::is_in(text, known)) {
            true => Err(WeakPin::Known),
            false => Ok(pin),
        }
    }

    pub(super) fn text(&self) -> &str {
        self.0.expose_secret()
    }
}

fn is_shaped(text: &str) -> bool {
    let is_long_enough = (PIN_LEN_MIN..=PIN_LEN_MAX).contains(&text.len());
    is_long_enough && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A random PIN that an admin hands over: shown once, good for seven days, to be changed at the
/// first sign-in.
pub struct FirstPin(Pin);

impl FirstPin {
    pub(super) fn random() -> Result<Self, AccessError> {
        loop {
            let digits: String = random_digits()?.into_iter().map(char::from).collect();
            if let Ok(pin) = Pin::new(&digits) {
                return Ok(Self(pin));
            }
        }
    }

    /// The digits, to be shown to the one who hands them over.
    pub fn expose(&self) -> &str {
        self.0.text()
    }
}

impl fmt::Debug for FirstPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FirstPin(..)")
    }
}

fn random_digits() -> Result<[u8; FIRST_PIN_LEN], AccessError> {
    let mut digits = [0; FIRST_PIN_LEN];
    for digit in &mut digits {
        // From 250 on, the first digits would be likelier than the last ones.
        let byte = loop {
            let [byte] = random()?;
            if byte < 250 {
                break byte;
            }
        };
        *digit = b'0' + byte % 10;
    }
    Ok(digits)
}

/// `N` bytes that nobody can guess.
pub(super) fn random<const N: usize>() -> Result<[u8; N], AccessError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| AccessError::NoRandomness(error.to_string()))?;
    Ok(bytes)
}

/// What a new hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// What every terminal uses.
    pub(super) const TODAY: Self = Self { memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES };

    fn of(hash: &PasswordHash) -> Result<Self, AccessError> {
        let params = Params::try_from(hash).map_err(failed)?;
        let (memory_kib, passes) = (params.m_cost(), params.t_cost());
        match memory_kib <= MEMORY_KIB_MAX && passes <= PASSES_MAX && params.p_cost() == LANES {
            true => Ok(Self { memory_kib, passes, lanes: params.p_cost() }),
            false => Err(AccessError::BadHash(format!("m={memory_kib} t={passes} is too much"))),
        }
    }

    fn argon2(self) -> Result<Argon2<'static>, AccessError> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, None);
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params.map_err(failed)?))
    }
}

fn failed(error: impl fmt::Display) -> AccessError {
    AccessError::BadHash(error.to_string())
}

/// Makes hashes, two at a time.
#[derive(Debug)]
pub(super) struct Hashing {
    cost: Cost,
    /// What a PIN is compared with where there is no user: nobody knows one that fits.
    nobody: String,
    busy: AtomicUsize,
}

impl Hashing {
    pub(super) fn new(cost: Cost) -> Result<Self, AccessError> {
        let text = |bytes: &[u8]| BASE64_STANDARD_NO_PAD.encode(bytes);
        let (salt, output) = (text(&random::<SALT_LEN>()?), text(&random::<32>()?));
        let Cost { memory_kib, passes, lanes } = cost;
        let nobody = format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${output}");
        Ok(Self { cost, nobody, busy: AtomicUsize::new(0) })
    }

    /// Leave to make hashes, for as long as it is held; none while two others have it.
    pub(super) fn permit(&self) -> Option<Permit<'_>> {
        let more = |busy: usize| (busy < HASHES_MAX).then_some(busy + 1);
        let taken = self.busy.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        // A permit that was never given must not be given back.
        taken.is_ok().then(|| Permit(self))
    }
}

/// Leave to make hashes, one after the other.
#[derive(Debug)]
pub(super) struct Permit<'a>(&'a Hashing);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Permit<'_> {
    /// The PHC string that is kept of `pin`.
    pub(super) fn hash(&self, pin: &str) -> Result<String, AccessError> {
        let argon2 = self.0.cost.argon2()?;
        let salt = random::<SALT_LEN>()?;
        let hash = argon2.hash_password_with_salt(pin.as_bytes(), &salt).map_err(failed)?;
        Ok(hash.to_string())
    }

    /// Whether `typed` is the PIN that `kept` was made of. Takes the same time where there is
    /// nobody to compare it with, and whatever was typed.
    pub(super) fn is_right(&self, typed: &str, kept: Option<&str>) -> Result<bool, AccessError> {
        let typed = if is_shaped(typed) { typed } else { "" };
        let kept = PasswordHash::new(kept.unwrap_or(&self.0.nobody)).map_err(failed)?;
        let argon2 = Cost::of(&kept)?.argon2()?;
        match argon2.verify_password(typed.as_bytes(), &kept) {
            Ok(()) => Ok(!typed.is_empty()),
            Err(HashError::PasswordInvalid) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    /// Whether `kept` was made with other parameters than today's.
    pub(super) fn is_outdated(&self, kept: &str) -> bool {
        let cost = PasswordHash::new(kept).ok().and_then(|kept| Cost::of(&kept).ok());
        cost != Some(self.0.cost)
    }
}

#[cfg(test)]
impl Cost {
    /// So cheap that tests may make thousands.
    pub(super) const CHEAP: Self = Self { memory_kib: 8, passes: 1, lanes: 1 };
    /// Cheap, but another one.
    pub(super) const FORMER: Self = Self { memory_kib: 16, passes: 1, lanes: 1 };
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_guessed_first_is_refused() {
        let weak = |text: &str| Pin::new(text).err();
        for good in ["483920", "903217", "246107", "90321748", "902748163529"] {
            assert_eq!(weak(good), None, "{good}");
        }
        let refused = [
            ("", WeakPin::Length),
            ("13579", WeakPin::Length),
            ("1357913579135", WeakPin::Length),
            ("13579a", WeakPin::NotDigits),
            ("13579 ", WeakPin::NotDigits),
            ("١٢٣٤٥٦", WeakPin::NotDigits),
            ("000000", WeakPin::SameDigit),
            ("777777777777", WeakPin::SameDigit),
            ("123456", WeakPin::Run),
            ("567890", WeakPin::Run),
            ("789012", WeakPin::Run),
            ("987654", WeakPin::Run),
            ("321098", WeakPin::Run),
            ("121212", WeakPin::Repeated),
            ("1212121", WeakPin::Repeated),
            ("123123", WeakPin::Repeated),
            ("55155155", WeakPin::Repeated),
        ];
        for (text, why) in refused {
            assert_eq!(weak(text), Some(why), "{text}");
        }
    }

    #[test]
    fn what_stands_on_the_terminal_or_in_a_name_is_no_pin() {
        let pin = |known: &[&str]| Pin::apart_from("483920", known).err();
        assert_eq!(pin(&["anna", "S12 / T3"]), None);
        assert_eq!(pin(&["anna", "S4839 / T3"]), Some(WeakPin::Known));
        assert_eq!(pin(&["anna4839", "S12 / T3"]), Some(WeakPin::Known));
        assert_eq!(Pin::apart_from("123456", &[]).err(), Some(WeakPin::Run));
    }

    proptest! {
        #[test]
        fn any_text_is_a_pin_or_refused(text in ".*") {
            let _ = Pin::new(&text);
        }

        #[test]
        fn any_digits_are_a_pin_or_weak(text in "[0-9]{0,14}") {
            prop_assert_ne!(Pin::new(&text).err(), Some(WeakPin::NotDigits));
        }
    }

    #[test]
    fn a_pin_is_never_shown() {
        let pin = Pin::new("483920").expect("good");
        let first = FirstPin::random().expect("random");
        assert!(!format!("{pin:?}").contains("483920"));
        assert!(!format!("{first:?}").contains(first.expose()));
        assert_eq!(first.expose().len(), 8);
        assert_ne!(first.expose(), FirstPin::random().expect("random").expose());
    }

    #[test]
    fn the_parameters_are_those_recommended() {
        let hashing = Hashing::new(Cost::TODAY).expect("random");
        let permit = hashing.permit().expect("idle");
        let kept = permit.hash("483920").expect("hashed");
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(permit.is_right("483920", Some(&kept)).expect("compared"));
        assert!(!permit.is_right("483921", Some(&kept)).expect("compared"));
        assert!(!permit.is_outdated(&kept));
        assert_ne!(kept, permit.hash("483920").expect("hashed"), "salted");
    }

    #[test]
    fn nobody_is_compared_with_a_hash_of_todays_cost() {
        let hashing = Hashing::new(Cost::CHEAP).expect("random");
        let permit = hashing.permit().expect("idle");
        let nobody = PasswordHash::new(&hashing.nobody).expect("a PHC string");
        assert_eq!(Cost::of(&nobody).expect("parameters"), Cost::CHEAP);
        let lengths = |hash: &PasswordHash| {
            (hash.salt.as_ref().map(|s| s.len()), hash.hash.as_ref().map(|h| h.len()))
        };
        let real = PasswordHash::new(&permit.hash("483920").expect("hashed")).expect("PHC");
        assert_eq!(lengths(&nobody), lengths(&real));
        for typed in ["483920", "", "x", &"1".repeat(1_000_000)] {
            assert!(!permit.is_right(typed, None).expect("compared"));
        }
    }

    #[test]
    fn other_parameters_are_honoured_within_bounds() {
        let former = Hashing::new(Cost::FORMER).expect("random");
        let kept = former.permit().expect("idle").hash("483920").expect("hashed");
        let today = Hashing::new(Cost::CHEAP).expect("random");
        let permit = today.permit().expect("idle");
        assert!(permit.is_outdated(&kept));
        assert!(permit.is_right("483920", Some(&kept)).expect("compared"));
        for greedy in ["m=4194304,t=1,p=1", "m=8,t=4000000,p=1", "m=1024,t=1,p=64"] {
            let kept = kept.replace("m=16,t=1,p=1", greedy);
            assert!(matches!(permit.is_right("483920", Some(&kept)), Err(AccessError::BadHash(_))));
        }
        assert!(matches!(permit.is_right("483920", Some("")), Err(AccessError::BadHash(_))));
    }

    #[test]
    fn a_third_one_is_told_at_once() {
        let hashing = Hashing::new(Cost::CHEAP).expect("random");
        let (first, second) = (hashing.permit(), hashing.permit());
        assert!(first.is_some() && second.is_some());
        for _ in 0..3 {
            assert!(hashing.permit().is_none());
        }
        drop(first);
        let first = hashing.permit();
        assert!(first.is_some() && hashing.permit().is_none());
    }
}
