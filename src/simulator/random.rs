//! Numbers that look random and can be repeated: one seed gives one run. For ids, for the order of
//! JSON keys and rows.
//!
//! It knows nothing of payments, and it is no source of secrets.

use uuid::Uuid;

/// SplitMix64: eight bytes of state, no dependency, good enough to shuffle with.
pub(super) struct Random(u64);

impl Random {
    /// Starts at `seed`, or somewhere unpredictable without one.
    pub(super) fn new(seed: Option<u64>) -> Random {
        Random(seed.unwrap_or_else(|| Uuid::new_v4().as_u64_pair().1))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// A version 4 UUID.
    pub(super) fn uuid(&mut self) -> Uuid {
        let (high, low) = (u128::from(self.next()), u128::from(self.next()));
        uuid::Builder::from_random_bytes(((high << 64) | low).to_be_bytes()).into_uuid()
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
