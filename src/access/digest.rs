//! SHA-256 over fields, so that no two lists of fields have the same bytes.
//!
//! Knows nothing of what the fields mean.

use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::hint::black_box;
use std::str::FromStr;

/// Bytes of a SHA-256.
pub(super) const HASH_LEN: usize = 32;

/// A SHA-256. Displayed as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; HASH_LEN]);

impl Hash {
    /// What stands before the first link of a chain.
    pub(super) const NONE: Self = Self([0; HASH_LEN]);

    pub(super) fn new(bytes: [u8; HASH_LEN]) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8; HASH_LEN] {
        &self.0
    }

    /// Whether both are the same, in a time that does not tell where they differ.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let differs = self.0.iter().zip(&other.0).fold(0, |all, (a, b)| black_box(all | (a ^ b)));
        differs == 0
    }
}

/// The hash of `fields`, each with its length before it; `purpose` keeps hashes for one thing from
/// standing for another.
pub(super) fn digest(purpose: &str, fields: &[&[u8]]) -> Hash {
    let mut sha = Sha256::new();
    for field in [purpose.as_bytes()].iter().chain(fields) {
        sha.update((field.len() as u64).to_be_bytes());
        sha.update(field);
    }
    Hash(sha.finalize().into())
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that is no SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a head of the journal has 64 hexadecimal digits; copy all of it")]
pub struct BadHash;

impl FromStr for Hash {
    type Err = BadHash;

    fn from_str(text: &str) -> Result<Self, BadHash> {
        let is_hex = text.len() == 2 * HASH_LEN && text.bytes().all(|b| b.is_ascii_hexdigit());
        let mut bytes = [0; HASH_LEN];
        for (index, byte) in bytes.iter_mut().enumerate().filter(|_| is_hex) {
            let digits = &text[2 * index..2 * index + 2];
            *byte = u8::from_str_radix(digits, 16).map_err(|_| BadHash)?;
        }
        if is_hex { Ok(Self(bytes)) } else { Err(BadHash) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_cannot_run_into_one_another() {
        assert_ne!(digest("x", &[b"ab", b"c"]), digest("x", &[b"a", b"bc"]));
        assert_ne!(digest("x", &[b"ab"]), digest("xab", &[]));
        assert_ne!(digest("x", &[]), digest("x", &[b""]));
    }

    #[test]
    fn a_hash_is_sha_256_over_lengths_and_fields() {
        let expected = Sha256::digest(b"\0\0\0\0\0\0\0\x01x\0\0\0\0\0\0\0\x03abc");
        assert_eq!(digest("x", &[b"abc"]).bytes()[..], expected[..]);
    }

    #[test]
    fn a_hash_is_written_as_it_is_read() {
        let hash = digest("x", &[b"y"]);
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert!(hash.is_same(&hash) && !hash.is_same(&Hash::NONE));
        assert_eq!("ab".parse::<Hash>(), Err(BadHash));
        assert_eq!("g".repeat(64).parse::<Hash>(), Err(BadHash));
    }

    proptest! {
        #[test]
        fn any_text_is_a_hash_or_refused(text in ".{0,80}") {
            let _ = text.parse::<Hash>();
        }
    }
}
