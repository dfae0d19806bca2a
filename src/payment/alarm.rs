//! What a shop has to be told about its queue before it costs money: calls that wait for too long
//! or are too many, calls that need a person, authorisations that will lapse uncaptured.

use super::Payment;
use crate::clock::Wall;
use std::time::Duration;

/// From when on something is an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A call that waits for longer.
    pub queue_age: Duration,
    /// More calls waiting than this.
    pub queue_length: u64,
    /// How long Klarna keeps an authorisation; set by contract, 28 days is usual (klarna-api.md,
    /// 5.1: authorisation life).
    pub authorisation_life: Duration,
    /// An authorisation that has less of its life left.
    pub authorisation_left: Duration,
}

impl Default for Limits {
    /// A day, 200 calls, and three of 28 days.
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        Self {
            queue_age: days(1),
            queue_length: 200,
            authorisation_life: days(28),
            authorisation_left: days(3),
        }
    }
}

/// What the outbox holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Calls that wait for Klarna.
    pub queued: u64,
    /// Calls that were refused and wait for a person.
    pub refused: u64,
    /// When the oldest of those that wait for Klarna was decided.
    pub oldest: Option<Wall>,
}

/// How a terminal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// The outbox.
    pub backlog: Backlog,
    /// For how long the oldest call has waited; zero when the clock cannot tell.
    pub oldest_age: Duration,
    /// Authorised sales of this terminal that are not captured as a whole.
    pub uncaptured: u64,
    /// Those among them that are about to lapse, or have lapsed.
    pub expiring: u64,
}

/// A reason to look at the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// A call has waited for too long.
    QueueIsOld,
    /// Too many calls wait.
    QueueIsLong,
    /// A refused call waits for a person.
    NeedsPerson,
    /// An authorisation will lapse before it is captured.
    AuthorisationsLapse,
}

impl Alarm {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::QueueIsOld, Self::QueueIsLong, Self::NeedsPerson, Self::AuthorisationsLapse];

    /// One word for logs and metrics.
    pub fn code(self) -> &'static str {
        match self {
            Self::QueueIsOld => "queue_is_old",
            Self::QueueIsLong => "queue_is_long",
            Self::NeedsPerson => "needs_person",
            Self::AuthorisationsLapse => "authorisations_lapse",
        }
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::QueueIsOld | Self::QueueIsLong => {
                "calls wait for Klarna; look at the network and at `outbox list`"
            }
            Self::NeedsPerson => "a call was refused; see `outbox list`, then retry or resolve it",
            Self::AuthorisationsLapse => {
                "authorised sales are about to lapse uncaptured; capture or release them"
            }
        }
    }
}

impl Health {
    /// How a terminal with these open payments stands at `now`.
    pub fn of<'a>(
        now: Wall,
        backlog: Backlog,
        payments: impl Iterator<Item = &'a Payment>,
        limits: &Limits,
    ) -> Self {
        let oldest_age = backlog.oldest.and_then(|at| now.since(at)).unwrap_or_default();
        let lapses = |at: Wall| {
            let age = now.since(at).unwrap_or_default();
            age + limits.authorisation_left >= limits.authorisation_life
        };
        let mut health = Self { backlog, oldest_age, uncaptured: 0, expiring: 0 };
        for (at, _) in payments.filter_map(Payment::uncaptured) {
            health.uncaptured += 1;
            health.expiring += u64::from(lapses(at));
        }
        health
    }

    /// Whether `alarm` is raised.
    pub fn raises(&self, alarm: Alarm, limits: &Limits) -> bool {
        match alarm {
            Alarm::QueueIsOld => self.oldest_age > limits.queue_age,
            Alarm::QueueIsLong => self.backlog.queued > limits.queue_length,
            Alarm::NeedsPerson => self.backlog.refused > 0,
            Alarm::AuthorisationsLapse => self.expiring > 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn alarms_follow_the_limits() {
        let limits = Limits {
            queue_age: DAY,
            queue_length: 10,
            authorisation_life: 28 * DAY,
            authorisation_left: 3 * DAY,
        };
        let now = Wall::from_millis(0).after(100 * DAY);
        let check = |queued, refused, days: u32, expected: &[Alarm]| {
            let oldest = Some(Wall::from_millis(0).after(100 * DAY - days * DAY));
            let backlog = Backlog { queued, refused, oldest };
            let health = Health::of(now, backlog, std::iter::empty(), &limits);
            let raised = Alarm::ALL.into_iter().filter(|alarm| health.raises(*alarm, &limits));
            assert_eq!(raised.collect::<Vec<_>>(), expected);
        };
        check(1, 0, 1, &[]);
        check(10, 0, 2, &[Alarm::QueueIsOld]);
        check(11, 1, 0, &[Alarm::QueueIsLong, Alarm::NeedsPerson]);
        let unset = Backlog { oldest: Some(now.after(DAY)), ..Backlog::default() };
        let health = Health::of(now, unset, std::iter::empty(), &limits);
        assert_eq!(health.oldest_age, Duration::ZERO, "a clock that was set back cannot tell");
    }
}
