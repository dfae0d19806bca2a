//! Keys of calls: what makes Klarna take the same call only once, however often it is sent.
//!
//! They are made of names alone, so the same call has the same key after every restart. It does not
//! know when a key is too old to be used again.

use super::CallId;
use crate::money::Amount;
use std::fmt;
use uuid::Uuid;

/// A random number made once with the journal: two journals never make the same key, so a wiped
/// terminal cannot be answered with an old payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Installation(Uuid);

impl Installation {
    /// From the bytes stored with the journal.
    pub fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// As stored.
    pub fn uuid(self) -> Uuid {
        self.0
    }

    /// Eight hexadecimal digits for references that people read.
    pub fn short(self) -> String {
        self.0.simple().to_string()[..8].to_owned()
    }
}

/// The value of `Klarna-Idempotency-Key`: a UUIDv5 (Klarna: Integration resilience, Idempotency).
///
/// Klarna compares the key alone and not the body, so everything that makes two calls different is
/// in the key's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct IdempotencyKey(Uuid);

impl IdempotencyKey {
    /// The key of `operation`, the `generation`-th try with a key of its own (from 0).
    pub fn new(
        installation: Installation,
        call: CallId,
        operation: &str,
        amount: Amount,
        generation: u32,
    ) -> Self {
        let name = format!("{call}|{operation}|{amount}|{generation}");
        Self(Uuid::new_v5(&installation.0, name.as_bytes()))
    }

    /// The key of a call that belongs to no payment. Whoever calls keeps the random `nonce` until
    /// it knows the result, and so can ask again.
    pub fn of_management(nonce: Uuid, operation: &str) -> Self {
        Self(Uuid::new_v5(&nonce, operation.as_bytes()))
    }

    /// The key as a UUID.
    pub fn uuid(&self) -> Uuid {
        self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PaymentId;
    use crate::money::Currency;

    #[test]
    fn keys_are_version_5_and_differ_in_all_that_matters() {
        let one = Installation::new(Uuid::from_u128(1));
        let two = Installation::new(Uuid::from_u128(2));
        let call = |sequence| CallId { payment: PaymentId::new(7), sequence };
        let eur = |minor| Amount::new(minor, Currency::new("EUR").expect("EUR"));
        let first = IdempotencyKey::new(one, call(1), "capture", eur(100), 0);
        assert_eq!(first.uuid().get_version_num(), 5);
        assert_eq!(first, IdempotencyKey::new(one, call(1), "capture", eur(100), 0));
        for other in [
            IdempotencyKey::new(two, call(1), "capture", eur(100), 0),
            IdempotencyKey::new(one, call(2), "capture", eur(100), 0),
            IdempotencyKey::new(one, call(1), "refund", eur(100), 0),
            IdempotencyKey::new(one, call(1), "capture", eur(101), 0),
            IdempotencyKey::new(one, call(1), "capture", eur(100), 1),
        ] {
            assert_ne!(first, other);
        }
    }
}
