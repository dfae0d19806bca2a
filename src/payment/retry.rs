//! May this call be sent again, and when? The only place that answers it.
//!
//! Klarna honours an idempotency key for 24 h (Klarna: Integration resilience, Idempotency). A key
//! that may be older protects nothing: then the acquirer is read before anything is written.

use super::effect::{CallKind, Delay, QueuedCall};
use crate::clock::Wall;
use crate::id::IdempotencyKey;
use std::time::Duration;

/// How long a key is relied on after its first attempt; an hour less than Klarna's 24 h, because
/// Klarna's clock is not ours.
pub const KEY_LIFE: Duration = Duration::from_secs(23 * 3600);

/// Before a call's effect is looked for, its last attempt must be over on the other side as well:
/// an attempt that is still being processed would not be found, and be sent again.
pub const SETTLED_AFTER: Duration = Duration::from_secs(120);

/// First and longest pause when a shopper or cashier is waiting.
const URGENT: (Duration, Duration) = (Duration::from_millis(400), Duration::from_secs(5));
/// First and longest pause when nobody is waiting.
const PATIENT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(120));

/// What to do with an outbox row that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Send it with the key it has.
    Send,
    /// Its key may have been forgotten: look for its effect first.
    ReadFirst,
}

/// Whether `row` may be sent at wall time `now` with the key it has. Everything attempted before
/// `distrusted_until` counts as old, because the wall clock has jumped since.
pub fn plan(row: &QueuedCall, now: Wall, distrusted_until: Option<Wall>) -> Plan {
    let fresh = now.since(row.first_attempt).is_some_and(|age| age < KEY_LIFE);
    let trusted = distrusted_until.is_none_or(|until| row.first_attempt >= until);
    match &row.call.kind {
        CallKind::Capture { .. } | CallKind::Refund { .. } if !(fresh && trusted) => {
            Plan::ReadFirst
        }
        // Repeating these is harmless at any age: a request that nobody sees lapses, a confirmation
        // is idempotent by its token, closing, releasing or naming twice is doing it once, and a
        // check is a read.
        CallKind::Capture { .. }
        | CallKind::Refund { .. }
        | CallKind::Create { .. }
        | CallKind::Cancel { .. }
        | CallKind::Confirm { .. }
        | CallKind::Update { .. }
        | CallKind::Check { .. }
        | CallKind::Void { .. } => Plan::Send,
    }
}

/// As [`plan`] for a capture or refund whose key was renewed at most `age` ago by a clock that is
/// never set.
pub fn plan_renewed(age: Duration) -> Plan {
    if age < KEY_LIFE { Plan::Send } else { Plan::ReadFirst }
}

/// How long to wait after the `attempts`-th failure in a row (from 1): doubling, with a jitter of
/// up to a half that differs by key, and never less than the acquirer asked for.
pub fn pause(kind: &CallKind, key: &IdempotencyKey, attempts: u32, delay: &Delay) -> Duration {
    let (first, longest) = if kind.is_urgent() { URGENT } else { PATIENT };
    let doubled = first.saturating_mul(1_u32 << attempts.saturating_sub(1).min(16)).min(longest);
    let jitter = doubled * u32::from(spread(key, attempts)) / 512;
    let asked = Duration::from_millis(delay.at_least_ms.unwrap_or(0));
    (doubled - jitter).max(asked + jitter.min(Duration::from_secs(1)))
}

/// A number from 0 to 255 that differs by key and attempt; the core knows no randomness.
fn spread(key: &IdempotencyKey, attempts: u32) -> u8 {
    let bytes = key.uuid().into_bytes();
    let index = usize::try_from(attempts).unwrap_or(0) % bytes.len();
    bytes[index].wrapping_mul(31).wrapping_add(attempts.to_le_bytes()[0].wrapping_mul(97))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{CallId, EffectReference, Installation, PaymentId, TransactionId};
    use crate::money::{Amount, Currency};
    use crate::payment::effect::Call;

    fn row(first_attempt: i64) -> QueuedCall {
        let eur = Amount::new(100, Currency::new("EUR").expect("EUR"));
        let id = CallId { payment: PaymentId::new(1), sequence: 3 };
        let installation = Installation::new(uuid::Uuid::from_u128(1));
        let kind = CallKind::Capture {
            transaction: TransactionId::new("t").expect("id"),
            amount: eur,
            reference: EffectReference::new("c").expect("reference"),
        };
        let key = IdempotencyKey::new(installation, id, "capture", eur, 0);
        let call = Call { id, kind, key, generation: 0 };
        QueuedCall { call, first_attempt: Wall::from_millis(first_attempt) }
    }

    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_key_is_relied_on_for_less_than_24_hours() {
        let at = |millis| plan(&row(0), Wall::from_millis(millis), None);
        assert_eq!(at(0), Plan::Send);
        assert_eq!(at(23 * HOUR - 1), Plan::Send);
        assert_eq!(at(23 * HOUR), Plan::ReadFirst);
        assert_eq!(at(60 * 24 * HOUR), Plan::ReadFirst);
    }

    #[test]
    fn a_wall_clock_that_jumped_counts_as_old() {
        let set_back = plan(&row(HOUR), Wall::from_millis(0), None);
        assert_eq!(set_back, Plan::ReadFirst);
        let distrusted = Some(Wall::from_millis(2 * HOUR));
        assert_eq!(plan(&row(HOUR), Wall::from_millis(2 * HOUR), distrusted), Plan::ReadFirst);
        assert_eq!(plan(&row(2 * HOUR), Wall::from_millis(2 * HOUR), distrusted), Plan::Send);
    }

    #[test]
    fn pauses_double_up_to_a_bound_and_obey_the_acquirer() {
        let row = row(0);
        let pause_after =
            |attempts, delay: &Delay| pause(&row.call.kind, &row.call.key, attempts, delay);
        let none = Delay::because("x");
        for attempts in 1..60 {
            let doubled = Duration::from_secs(1_u64 << (attempts - 1).min(7)).min(PATIENT.1);
            let pause = pause_after(attempts, &none);
            assert!(pause <= doubled && pause * 2 >= doubled, "{attempts}: {pause:?}");
        }
        let asked = Delay { at_least_ms: Some(30_000), ..Delay::because("429") };
        assert!(pause_after(1, &asked) >= Duration::from_secs(30));
    }
}
