//! How fast patient calls may follow each other: a token bucket for each of the acquirer's quotas,
//! and the pauses that the acquirer asks for.
//!
//! Pure: time is an argument, and nothing waits here.

use crate::acquirer::Quotas;
use crate::clock::Mono;
use crate::payment::effect::{CallKind, Delay, Scope};
use crate::payment::retry::Plan;
use std::collections::VecDeque;
use std::time::Duration;

/// Most calls of one quota under way at once: 50 in a second stay possible while each of them takes
/// up to 640 ms.
const PLACES: usize = 32;
/// Share of a quota that is used, in percent.
const USED_PERCENT: u32 = 99;
/// Calls that are sent late, because nobody woke up in time, are made up for within this time.
const LATE_MAX: Duration = Duration::from_millis(200);
/// In any time of this length at most the quota is sent. What exceeds a second is for the ways
/// there, which are not all alike.
const WINDOW: Duration = Duration::from_millis(1005);
/// A patient call may cost two exchanges (a refusal is checked by a read), so a quarter of the
/// quota for these calls is at most half of the quota; the rest belongs to sales.
const MANAGEMENT_SHARE: u32 = 4;
/// Longest pause of a whole quota.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Each pause of a quota makes the time between its calls this much longer, in percent: others may
/// share the quota, or the ways to where it is counted differ from call to call.
const SLOWER_PERCENT: u32 = 2;
/// At most this often, so that a quota is never given up: a fifth of the pace is left.
const SLOWER_MAX: u32 = 200;
/// After this long without a pause calls get faster again by one step.
const FASTER_AFTER: Duration = Duration::from_secs(60);

/// Which of the acquirer's quotas a call counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quota {
    Capture,
    Management,
}

impl Quota {
    /// What a look for an earlier effect costs is a read.
    pub(super) fn of(kind: &CallKind, plan: Plan) -> Self {
        match (kind, plan) {
            (CallKind::Capture { .. }, Plan::Send) => Self::Capture,
            (
                CallKind::Capture { .. }
                | CallKind::Create { .. }
                | CallKind::Cancel { .. }
                | CallKind::Confirm { .. }
                | CallKind::Refund { .. }
                | CallKind::Void { .. }
                | CallKind::Update { .. }
                | CallKind::Check { .. },
                Plan::Send | Plan::ReadFirst,
            ) => Self::Management,
        }
    }
}

/// Both lanes of patient calls.
#[derive(Debug)]
pub(super) struct Lanes {
    capture: Lane,
    management: Lane,
}

impl Lanes {
    pub(super) fn new(quotas: Quotas, now: Mono) -> Self {
        let share = quotas.management_per_s.div_ceil(MANAGEMENT_SHARE);
        Self { capture: Lane::new(quotas.captures_per_s, now), management: Lane::new(share, now) }
    }

    pub(super) fn of(&self, quota: Quota) -> &Lane {
        match quota {
            Quota::Capture => &self.capture,
            Quota::Management => &self.management,
        }
    }

    pub(super) fn of_mut(&mut self, quota: Quota) -> &mut Lane {
        match quota {
            Quota::Capture => &mut self.capture,
            Quota::Management => &mut self.management,
        }
    }

    /// A call of `quota` was asked to wait, and others with it. If it had to wait before, since
    /// `asked`, and others were answered well meanwhile, it speaks for itself alone: one call must
    /// not stop all others for ever.
    pub(super) fn pause(&mut self, now: Mono, wish: Wish, quota: Quota, asked: Option<Mono>) {
        let lanes = match (wish.scope, quota) {
            (Scope::Call, _) => return,
            (Scope::Quota, Quota::Capture) => vec![&mut self.capture],
            (Scope::Quota, Quota::Management) => vec![&mut self.management],
            (Scope::Account, _) => vec![&mut self.capture, &mut self.management],
        };
        let proven = lanes.iter().filter_map(|lane| lane.proven).max();
        if asked.is_some() && proven >= asked {
            return;
        }
        for lane in lanes {
            lane.pause(now, wish);
        }
    }
}

/// The acquirer wants quiet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    until: Mono,
    scope: Scope,
}

impl Wish {
    /// What `delay` asks of others than its call, if anything. A call that is asked to wait for
    /// longer than such pauses last does so by itself.
    pub(super) fn of(delay: &Delay, now: Mono) -> Option<Self> {
        let wait = Duration::from_millis(delay.at_least_ms?).min(PAUSE_MAX);
        (delay.scope != Scope::Call).then(|| Self { until: now.after(wait), scope: delay.scope })
    }
}

/// The patient calls of one quota: their pace, and the pause that the acquirer has asked for. After
/// a pause one call goes ahead of all others and finds out whether it is over.
#[derive(Debug)]
pub(super) struct Lane {
    bucket: Bucket,
    /// Until when the acquirer wants quiet; stays until a later call is answered well.
    paused: Option<Mono>,
    /// When the latest call was sent that was answered well.
    proven: Option<Mono>,
    /// By how many steps it goes slower than the quota allows, and when by one less.
    slower: u32,
    faster_at: Mono,
}

impl Lane {
    fn new(per_second: u32, now: Mono) -> Self {
        let bucket = Bucket::new(per_second, now);
        Self { bucket, paused: None, proven: None, slower: 0, faster_at: now }
    }

    /// When the next call may be sent; `None` while `under_way` calls have to come back first.
    pub(super) fn opens(&self, under_way: usize) -> Option<Mono> {
        let places = if self.paused.is_some() { 1 } else { PLACES };
        let opens = self.bucket.opens();
        let opens = self.paused.map_or(opens, |paused| paused.max(opens));
        (under_way < places).then_some(opens)
    }

    /// Whether one call is to find out if a pause is over.
    pub(super) fn probes(&self) -> bool {
        self.paused.is_some()
    }

    /// A call is sent.
    pub(super) fn take(&mut self, now: Mono) {
        if self.faster_at <= now {
            self.slower = self.slower.saturating_sub(1);
            self.faster_at = now.after(FASTER_AFTER);
        }
        self.bucket.take(now, self.slower);
    }

    fn pause(&mut self, now: Mono, wish: Wish) {
        if wish.scope == Scope::Quota && self.paused.is_none() {
            self.slower = (self.slower + 1).min(SLOWER_MAX);
            self.faster_at = now.after(FASTER_AFTER);
        }
        self.paused = self.paused.max(Some(wish.until));
    }

    /// A call that was sent at `sent` was answered, and not with a wish for quiet. What was not
    /// sent during a pause is not made up for.
    pub(super) fn answered_well(&mut self, now: Mono, sent: Mono) {
        self.proven = self.proven.max(Some(sent));
        if self.paused.is_some_and(|until| until <= sent) {
            self.paused = None;
            self.bucket.next = self.bucket.next.max(now);
        }
    }
}

/// A token bucket, kept as the point in time at which its next token is there, and the times at
/// which the last calls were sent.
///
/// The bucket fills at 99 % of the quota, so the first and the 51st call of a quota of 50 are 1010
/// ms apart. Only calls that make up for late ones come closer, and then the times see to it that
/// no window of a second holds more than the quota, wherever it begins.
#[derive(Debug)]
struct Bucket {
    /// Calls per second; 0 for no limit.
    quota: u32,
    /// Between two tokens.
    every: Duration,
    next: Mono,
    /// At most as many as the quota.
    sent: VecDeque<Mono>,
}

impl Bucket {
    /// A bucket with one token; 0 means no limit.
    fn new(quota: u32, now: Mono) -> Self {
        let every = Duration::from_secs(100).checked_div(quota.saturating_mul(USED_PERCENT));
        Self { quota, every: every.unwrap_or(Duration::ZERO), next: now, sent: VecDeque::new() }
    }

    fn opens(&self) -> Mono {
        let full = self.sent.len() >= self.quota as usize;
        let oldest = self.sent.front().filter(|_| full);
        oldest.map_or(self.next, |oldest| self.next.max(oldest.after(WINDOW)))
    }

    /// The next token comes `slower` steps later than the quota demands.
    fn take(&mut self, now: Mono, slower: u32) {
        if self.quota == 0 {
            return;
        }
        let every = self.every * (100 + slower * SLOWER_PERCENT) / 100;
        let earliest = Mono::new(now.left(Mono::new(LATE_MAX)));
        self.next = self.next.max(earliest).after(every);
        self.sent.push_back(now);
        if self.sent.len() > self.quota as usize {
            self.sent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends as soon as there is a token, but `late(n)` later; the times of what was sent.
    fn sent(per_second: u32, late: impl Fn(u32) -> Duration) -> Vec<Mono> {
        let mut bucket = Bucket::new(per_second, Mono::default());
        let mut now = Mono::default();
        let end = Mono::new(Duration::from_secs(60));
        let mut sent = Vec::new();
        while now < end {
            bucket.take(now, 0);
            sent.push(now);
            now = now.max(bucket.opens()).after(late(u32::try_from(sent.len()).expect("few")));
        }
        sent
    }

    /// Whether no window of one second, both ends counted, sees more than `quota` calls.
    fn obeys(sent: &[Mono], quota: u32) -> bool {
        let spans = sent.windows(quota as usize + 1).map(|span| span[span.len() - 1].left(span[0]));
        spans.min().is_some_and(|shortest| shortest > Duration::from_secs(1))
    }

    #[test]
    fn no_second_sees_more_than_the_quota_and_hardly_one_sees_less() {
        for quota in [1, 2, 12, 50, 200] {
            for late_ms in [0, 30] {
                // Late about once in a second, as timers are, and one time for a whole second.
                let late = |n: u32| match n {
                    30 => Duration::from_secs(1),
                    n if n % (quota + 7) == 0 => Duration::from_millis(late_ms),
                    _ => Duration::ZERO,
                };
                let sent = sent(quota, late);
                assert!(obeys(&sent, quota), "{quota}/s, {late_ms} ms late");
                let reached = 100.0 * sent.len() as f64 / f64::from(quota) / 59.2;
                assert!(reached >= 98.0, "{quota}/s, {late_ms} ms late: {reached} %");
            }
        }
        let unlimited = Bucket::new(0, Mono::default());
        assert_eq!(unlimited.every, Duration::ZERO);
    }

    #[test]
    fn a_quota_that_is_shared_is_shared() {
        let quotas = Quotas { captures_per_s: 50, management_per_s: 0 };
        let mut lanes = Lanes::new(quotas, Mono::default());
        let mut now = Mono::default();
        let every = |lanes: &mut Lanes, now: Mono| {
            lanes.capture.bucket.next = now;
            lanes.capture.take(now);
            lanes.capture.bucket.next.left(now)
        };
        let alone = every(&mut lanes, now);
        let scope = Scope::Quota;
        for _ in 0..50 {
            lanes.pause(now, Wish { until: now, scope }, Quota::Capture, None);
            lanes.pause(now, Wish { until: now, scope }, Quota::Capture, None);
            lanes.capture.answered_well(now, now);
        }
        assert_eq!(every(&mut lanes, now), alone * 2, "two terminals, half each");
        for _ in 0..50 {
            now = now.after(FASTER_AFTER);
            every(&mut lanes, now);
        }
        assert_eq!(every(&mut lanes, now), alone);
    }
}
