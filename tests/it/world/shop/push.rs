//! Pushes: after each of the shopper's acts, and out of nowhere. On time, late, doubled, lost and
//! forged; the terminal reads Klarna and does nothing else. Where there are pushes, it reads by
//! itself less often, however badly they do.

use super::Millis;
use super::canary::Canary;
use super::faults::{HOUR, SECOND};
use super::random::Random;
use super::run::{Happening, Shop};
use klarna_terminald::id::{EventId, EventType, TransactionId};
use klarna_terminald::payment::effect::RequestState;
use klarna_terminald::payment::notice::{Concern, Notice};
use klarna_terminald::payment::{Input, Payment};

/// Between two reads that no push asks for.
const PACE: Millis = 15 * SECOND;
/// Makes the chances of pushes others than those of the rest of the run.
const SEED: u64 = 0x7075_7368;

/// A shop that gets pushes, and how badly; rates per thousand.
pub struct Pushes {
    random: Random,
    lost: u64,
    late: u64,
    doubled: u64,
    forged: u64,
}

impl Pushes {
    /// Half of all shops have some.
    pub fn draw(seed: u64) -> Option<Self> {
        let mut random = Random::new(seed ^ SEED);
        let has_some = random.chance(500);
        let (lost, late) = (random.pick(&[0, 50, 300, 1000]), random.pick(&[0, 100, 500]));
        let (doubled, forged) = (random.pick(&[0, 100, 500]), random.pick(&[0, 100, 500]));
        has_some.then_some(Self { random, lost, late, doubled, forged })
    }

    fn strikes(&mut self, rate: u64) -> bool {
        self.random.chance(rate)
    }
}

impl Shop {
    /// How long until a request is read again without a push.
    pub(super) fn read_pace(&self, every: Millis) -> Millis {
        if self.pushes.is_some() { every.max(PACE) } else { every }
    }

    /// Klarna tells that something has happened to `id`.
    pub(super) fn pushes(&mut self, id: &str) {
        let Some(mut pushes) = self.pushes.take() else { return };
        let copies = match (pushes.strikes(pushes.lost), pushes.strikes(pushes.doubled)) {
            (true, _) => 0,
            (false, true) => pushes.random.between(2, 5),
            (false, false) => 1,
        };
        for _ in 0..copies {
            let late = pushes.strikes(pushes.late);
            let wait = pushes.random.between(50, if late { HOUR } else { 2 * SECOND });
            let request = id.to_owned();
            self.after(wait, Happening::Pushed { request, is_forged: false });
        }
        if pushes.strikes(pushes.forged) {
            let wait = pushes.random.between(1, 60 * SECOND);
            let request = id.to_owned();
            self.after(wait, Happening::Pushed { request, is_forged: true });
        }
        let not_as_it_should = copies != 1 || pushes.forged > 0;
        self.faults_met += u64::from(not_as_it_should);
        self.pushes = Some(pushes);
    }

    /// It has come: whatever it says, Klarna is read.
    pub(super) fn pushed(&mut self, id: &str, is_forged: bool) {
        if is_forged && self.terminal.on {
            self.disputes();
        }
        let watches = self.terminal.engine.watches();
        let watch = watches.into_iter().find(|watch| watch.request.as_str() == id);
        let Some(watch) = watch.filter(|_| self.terminal.on) else { return };
        let (payment, request) = (watch.payment, watch.request);
        if is_forged && self.canary == Some(Canary::BelievesPushes) {
            let transaction = TransactionId::new("forged").expect("an id");
            let state = RequestState::Authorised { transaction };
            return self.input(Input::Observed { payment, request, state });
        }
        self.story.tell(self.t, payment.number(), "a push".to_owned());
        self.looks_at(self.terminal.incarnation, payment, request);
    }

    /// Somebody says that Klarna has told of a dispute about whatever is in memory, and once about
    /// nobody's.
    fn disputes(&mut self) {
        let newest = self.terminal.engine.payments().filter_map(Payment::transaction).last();
        let strangers = TransactionId::new("forged").expect("an id");
        for transaction in [newest.cloned(), Some(strangers), None] {
            let name = transaction.as_ref().map_or("none", |id| id.as_str());
            let notice = Notice {
                id: EventId::new(format!("{name}-{}", self.t / HOUR)).expect("an id"),
                concern: Concern::Dispute,
                kind: EventType::new("payment.dispute.state-change.initiated").expect("words"),
                transaction,
                dispute: None,
                occurred_at: None,
            };
            self.input(Input::Noted { notice, is_ours: true });
        }
    }
}
