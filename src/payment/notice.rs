//! What the acquirer tells beside payments: disputes, settlements, the account. For people to know;
//! nothing is ever done because of it, and no sum changes.

use super::draft::Draft;
use super::event::{Event, Record};
use super::state::IllegalEvent;
use super::vocabulary::SaleName;
use crate::clock::Wall;
use crate::id::{DisputeId, EventId, EventType, TransactionId};
use std::time::Duration;

/// Notices that one payment keeps; a dispute has some five states.
pub const NOTICES_OF_PAYMENT_MAX: usize = 32;
/// Notices of the terminal itself within 24 hours; an account has some two a day.
pub const NOTICES_A_DAY_MAX: usize = 64;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concern {
    /// A shopper has objected to a payment, or that has moved on.
    Dispute,
    /// A settlement report or a payout.
    Settlement,
    /// The account, or a product of it.
    Account,
}

impl Concern {
    /// By its word.
    pub fn named(word: &str) -> Option<Self> {
        [Self::Dispute, Self::Settlement, Self::Account]
            .into_iter()
            .find(|concern| concern.word() == word)
    }

    /// One word for logs, messages and pages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dispute => "dispute",
            Self::Settlement => "settlement",
            Self::Account => "account",
        }
    }
}

/// Something that the acquirer has told.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Notice {
    /// Names what has happened; the same when it is told again.
    pub id: EventId,
    /// What it is about.
    pub concern: Concern,
    /// What has happened, in the acquirer's words.
    pub kind: EventType,
    /// The transaction that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<TransactionId>,
    /// The dispute that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute: Option<DisputeId>,
    /// When it happened, by the acquirer's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Wall>,
}

/// Notices of late, so that none is kept twice and nobody can fill the journal with them.
#[derive(Debug, Clone, Default)]
pub(super) struct Notices(Vec<(Wall, EventId)>);

impl Notices {
    /// Takes note of one that was recorded at `at`.
    pub(super) fn note(&mut self, notice: &Notice, at: Wall) {
        if self.0.len() >= NOTICES_A_DAY_MAX {
            self.0.remove(0);
        }
        self.0.push((at, notice.id.clone()));
    }

    /// Whether one is new at `now`, and not one too many.
    fn take(&self, notice: &Notice, now: Wall) -> bool {
        let is_full = self.0.len() >= NOTICES_A_DAY_MAX;
        let oldest = self.0.first().filter(|_| is_full);
        let apart = |at: Wall| now.since(at).or_else(|| at.since(now)).unwrap_or_default();
        // One that a wrong clock has put into another year is not in the way.
        let has_room = oldest.is_none_or(|(at, _)| apart(*at) > DAY);
        has_room && self.0.iter().all(|(_, known)| *known != notice.id)
    }
}

impl Draft<'_> {
    /// Records a notice with its payment, or with the terminal. What everybody was told
    /// (`is_ours` is false) of a payment that is not known here is somebody else's.
    pub(super) fn noted(&mut self, notice: Notice, is_ours: bool) -> Result<(), IllegalEvent> {
        let name = notice.transaction.clone().map(SaleName::Transaction);
        match (name.as_ref().and_then(|name| self.engine.named(name)), &name) {
            (Some(payment), _) => {
                let (id, known) = (payment.id, payment.notices());
                let is_new = known.iter().all(|known| known.id != notice.id);
                if is_new && known.len() < NOTICES_OF_PAYMENT_MAX {
                    self.record(id, Event::Noted { notice })?;
                }
            }
            (None, Some(_)) if !is_ours => {}
            (None, _) => {
                let at = self.step.now().wall;
                if self.engine.notices.take(&notice, at) {
                    let event = Event::Noted { notice };
                    self.step.records.push(Record { payment: None, at, event });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(id: usize) -> Notice {
        Notice {
            id: EventId::new(format!("event-{id}")).expect("printable"),
            concern: Concern::Settlement,
            kind: EventType::new("settlement.report.created").expect("printable"),
            transaction: None,
            dispute: None,
            occurred_at: None,
        }
    }

    #[test]
    fn a_concern_has_one_word_everywhere() {
        for concern in [Concern::Dispute, Concern::Settlement, Concern::Account] {
            assert_eq!(Concern::named(concern.word()), Some(concern));
            let json = serde_json::to_string(&concern).expect("JSON");
            assert_eq!(json, format!("{:?}", concern.word()));
        }
        assert_eq!(Concern::named("payout"), None);
    }

    #[test]
    fn a_day_has_so_many_notices_and_none_twice() {
        let mut notices = Notices::default();
        let at = |hours: i64| Wall::from_millis(Wall::SET_FROM.millis() + hours * 3_600_000);
        for id in 0..NOTICES_A_DAY_MAX {
            assert!(notices.take(&notice(id), at(0)));
            notices.note(&notice(id), at(0));
            assert!(!notices.take(&notice(id), at(0)), "it is there");
        }
        assert!(!notices.take(&notice(1000), at(24)), "that is too many");
        assert!(!notices.take(&notice(1000), at(-1)), "a clock that was set back is no new day");
        assert!(notices.take(&notice(1000), at(25)));
        assert!(notices.take(&notice(1000), at(-25)), "those were of a clock that was wrong");
        notices.note(&notice(1000), at(25));
        assert!(!notices.take(&notice(1001), at(24)));
        assert!(!notices.take(&notice(1), at(50)), "it is still among the newest");
    }
}
