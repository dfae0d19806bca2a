//! A power cut after every commit of every scenario: what the store holds then must be enough for
//! the payment to end, at most one effect each, and the till told what is true.
//!
//! After each cut the world goes on in many ways: the calls under way may have reached Klarna or
//! not, their keys may be forgotten, the shopper pays or leaves, the till acknowledges or is gone.

mod klarna;

use crate::scenario::disk::Disk;
use crate::scenario::script::{Player, scenarios};
use crate::scenario::world::{World, installation};
use crate::scenario::{fixtures, label};
use klarna::{Klarna, Transaction};
use klarna_terminald::clock::{Now, Wall};
use klarna_terminald::id::{
    CallId, ConfirmationToken, IdempotencyKey, PaymentId, PosReference, TransactionId,
};
use klarna_terminald::payment::effect::{CallKind, Ended, RequestState};
use klarna_terminald::payment::event::{Event, Record};
use klarna_terminald::payment::retry::{Plan, plan};
use klarna_terminald::payment::state::State;
use klarna_terminald::payment::vocabulary::{Reply, Request, SaleOutcome, Status};
use klarna_terminald::payment::{Engine, Input, Payment, Policy};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;
use tempfile::TempDir;

/// Rounds of till, outbox and reads until nothing may be open any more.
const ROUNDS_MAX: usize = 60;

/// How the world goes on.
#[derive(Debug, Clone, Copy)]
struct Future {
    /// The calls under way have reached Klarna; their answers were lost.
    executed: bool,
    /// How long it takes until the terminal is on again.
    off: Off,
    /// Whoever can still pay does.
    shopper_pays: bool,
    /// The till acknowledges; otherwise it only asks.
    till_acknowledges: bool,
    /// What a refused confirmation turns out to be.
    refused_is: Truth,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Off {
    Shortly,
    /// Klarna has forgotten the keys.
    ForADay,
    /// The same, and the terminal's clock has stood still meanwhile.
    ForADayWithoutClock,
}

const OFF: [Off; 3] = [Off::Shortly, Off::ForADay, Off::ForADayWithoutClock];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    Lapsed,
    StillWaiting,
    ApprovedAnew,
    Authorised,
    Expired,
    Forgotten,
}

const TRUTHS: [Truth; 6] = [
    Truth::Lapsed,
    Truth::StillWaiting,
    Truth::ApprovedAnew,
    Truth::Authorised,
    Truth::Expired,
    Truth::Forgotten,
];

fn futures() -> impl Iterator<Item = Future> {
    let bit = |number: usize, bit: usize| number >> bit & 1 == 1;
    let one = move |number: usize, refused_is| Future {
        executed: bit(number, 0),
        off: OFF[number / 8],
        shopper_pays: bit(number, 1),
        till_acknowledges: bit(number, 2),
        refused_is,
    };
    (0..8 * OFF.len()).flat_map(move |number| TRUTHS.iter().map(move |truth| one(number, *truth)))
}

/// What a power cut leaves, and what the till had been told before.
struct Cut {
    name: String,
    files: Option<TempDir>,
    now: Now,
    policy: Policy,
    told: BTreeMap<String, Vec<(SaleOutcome, Vec<u8>)>>,
}

/// One cut after each commit of the scenario.
fn cuts(title: &str, policy: &Policy, inputs: &[String]) -> Vec<Cut> {
    let mut disk = Disk::with_store();
    disk.album = Some(Vec::new());
    let mut player = Player::new(policy.clone(), disk);
    let mut cuts = Vec::new();
    for input in inputs {
        let told = player.world.told.clone();
        let _ = player.play(input);
        for files in player.world.disk.album.replace(Vec::new()).into_iter().flatten() {
            let name = format!("{title}, cut after {input:?}");
            let (now, policy, told) = (player.world.now, policy.clone(), told.clone());
            cuts.push(Cut { name, files: Some(files), now, policy, told });
        }
    }
    cuts
}

#[test]
fn every_payment_ends_after_every_power_cut() {
    let mut seen = BTreeSet::new();
    let mut finished = 0_usize;
    for (_, script) in fixtures() {
        for (title, policy, inputs) in scenarios(&script) {
            for mut cut in cuts(&title, &policy, &inputs) {
                let files = cut.files.take().expect("each cut has its files");
                let disk = Disk::after_power_cut(files);
                let events: Vec<_> = disk.records.iter().map(|r| (r.payment, &r.event)).collect();
                if !seen.insert(format!("{:?} {events:?}", cut.policy)) {
                    continue;
                }
                let refused = is_refused(&disk, &cut.policy);
                let possible = |f: &Future| refused || f.refused_is == Truth::Lapsed;
                let mut futures: Vec<Future> = futures().filter(possible).collect();
                // The real store goes along into one of them, each time another.
                let turn = seen.len() % futures.len();
                futures.rotate_left(turn);
                let with_store = futures.pop().expect("there is a future");
                let past = past_of_klarna(&cut.policy, &disk.records);
                let worlds = futures.into_iter().map(|future| (disk.copy(), future));
                let worlds: Vec<(Disk, Future)> = worlds.collect();
                for (disk, future) in worlds.into_iter().chain([(disk, with_store)]) {
                    let world = World::new(cut.policy.clone(), disk);
                    Recovery::new(world, &past, &cut, future).finish();
                    finished += 1;
                }
            }
        }
    }
    assert!(finished > 1000, "only {finished} recoveries were tried");
}

fn is_refused(disk: &Disk, policy: &Policy) -> bool {
    let engine = replayed(policy, &disk.records);
    engine.payments().any(|payment| label(&payment.state) == "confirming(refused)")
}

fn replayed(policy: &Policy, records: &[Record]) -> Engine {
    let now = Now {
        mono: Default::default(),
        wall: records.last().map_or(Wall::from_millis(0), |r| r.at),
    };
    let mut engine = Engine::new(installation(), policy.clone(), PaymentId::new(0));
    engine.replay(now, records).expect("the journal is whole");
    engine
}

/// A terminal that starts again, and all it talks to.
struct Recovery<'a> {
    world: World,
    klarna: Klarna,
    future: Future,
    name: &'a str,
    /// The calls, with their keys, that were under way when the terminal started. Nobody can tell
    /// how old they are: the clock may have stood still while the terminal was off.
    inherited: HashSet<(CallId, IdempotencyKey)>,
}

impl<'a> Recovery<'a> {
    fn new(mut world: World, past: &Klarna, cut: &'a Cut, future: Future) -> Self {
        let mut klarna = past.clone();
        reveal(&mut klarna, &world, future.refused_is);
        if future.executed {
            for row in world.disk.sendable() {
                let _ = klarna.execute(&row.call);
            }
        }
        world.now = cut.now;
        if future.off != Off::Shortly {
            klarna.forget_keys();
        }
        if future.off == Off::ForADay {
            world.now = cut.now.after(Duration::from_secs(25 * 3600));
        }
        world.told = cut.told.clone();
        world.restart();
        let rows = world.disk.queued.values();
        let inherited = rows.map(|row| (row.call.id, row.call.key)).collect();
        Self { world, klarna, future, name: &cut.name, inherited }
    }

    fn finish(mut self) {
        for _ in 0..ROUNDS_MAX {
            self.ask_as_till();
            self.send();
            self.read();
            self.shop();
            if self.is_quiet() {
                return self.judge();
            }
            let due = self.world.engine.poll_timeout();
            let left = due.map_or(Duration::ZERO, |due| due.left(self.world.now.mono));
            let working = !self.world.disk.queued.is_empty();
            self.world.wait(if working { Duration::from_secs(1).min(left) } else { left });
        }
        let states: Vec<_> = self.world.engine.payments().map(|p| label(&p.state)).collect();
        panic!("{}, {:?}: still open: {states:?}", self.name, self.future);
    }

    fn is_quiet(&self) -> bool {
        let engine = &self.world.engine;
        let quiet = self.world.disk.queued.is_empty() && engine.watches().is_empty();
        quiet && !engine.is_busy() && engine.poll_timeout().is_none()
    }

    fn ask_as_till(&mut self) {
        for reference in self.world.disk.sales() {
            let acknowledge = self.future.till_acknowledges && self.is_unacknowledged(&reference);
            let request = Request::Status { reference: reference.clone() };
            self.world.till(request).expect("a till never brings about an illegal event");
            if acknowledge {
                let request = Request::Acknowledge { reference };
                self.world.till(request).expect("a till never brings about an illegal event");
            }
        }
    }

    fn is_unacknowledged(&self, reference: &PosReference) -> bool {
        let authorised = |p: &&Payment| matches!(p.state, State::Authorised { .. });
        let mut waiting = self.world.engine.payments().filter(authorised);
        waiting.any(|payment| payment.sale.reference == *reference)
    }

    fn send(&mut self) {
        for row in self.world.disk.sendable() {
            self.may_be_sent(&row.call.kind, row.call.id.payment);
            let inherited = self.inherited.contains(&(row.call.id, row.call.key));
            let distrusted = inherited.then_some(Wall::from_millis(i64::MAX));
            let outcome = match plan(&row, self.world.now.wall, distrusted) {
                Plan::Send => self.klarna.execute(&row.call),
                Plan::ReadFirst => self.klarna.find(&row.call.kind),
            };
            let input = Input::Outcome { call: row.call.id, attempts: 1, outcome };
            self.world.input(input).expect("Klarna answers what it was asked");
        }
    }

    /// Money moves only while the till may still be told that it was paid.
    fn may_be_sent(&self, kind: &CallKind, payment: PaymentId) {
        let outcome = self.world.engine.payment(payment).expect("in memory").outcome();
        let right = match kind {
            CallKind::Confirm { .. } => outcome.is_none(),
            CallKind::Capture { .. } | CallKind::Refund { .. } => {
                outcome == Some(SaleOutcome::Approved)
            }
            CallKind::Void { .. } | CallKind::Cancel { .. } => outcome.is_some(),
            CallKind::Create { .. } | CallKind::Update { .. } | CallKind::Check { .. } => true,
        };
        assert!(right, "{}: {} while the outcome is {outcome:?}", self.name, kind.operation());
    }

    fn read(&mut self) {
        for watch in self.world.engine.watches() {
            let state = self.klarna.read(&watch.request);
            let input = Input::Observed { payment: watch.payment, request: watch.request, state };
            self.world.input(input).expect("a read is never illegal");
        }
    }

    fn shop(&mut self) {
        if !self.future.shopper_pays {
            return;
        }
        for request in self.klarna.requests() {
            if request.state == RequestState::Submitted {
                let token = ConfirmationToken::new(format!("late {}", request.of)).unwrap();
                request.state = RequestState::PendingConfirmation { token };
            }
        }
    }

    /// What the till is told in the end is what is true at Klarna.
    fn judge(&mut self) {
        for reference in self.world.disk.sales() {
            let request = Request::Status { reference };
            let replies = self.world.till(request).expect("a status query");
            let [Reply::Status { status: Status::Done(result, money), .. }] = &replies[..] else {
                panic!("{}, {:?}: {replies:?}", self.name, self.future);
            };
            let of = &result.payment_reference;
            let ours = self.klarna.transactions.values().filter(|found| found.of == *of);
            let ours: Vec<&Transaction> = ours.collect();
            assert!(ours.len() <= 1, "{}: authorised twice", self.name);
            let truth = ours.first().map(|found| {
                (found.amount.minor(), found.captured(), found.refunded(), found.voided)
            });
            let (captured, refunded) = (money.captured.minor(), money.refunded.minor());
            let known = (money.authorised.minor(), captured, refunded, money.voided);
            let case = format!("{}, {:?}: told {result:?}", self.name, self.future);
            if money.refused == 0 {
                assert_eq!(truth.unwrap_or_default(), known, "{case}");
            }
            match result.outcome {
                SaleOutcome::Approved => {
                    assert!(truth.is_some() || result.amount.is_zero(), "{case}");
                }
                SaleOutcome::NotPaid(_) | SaleOutcome::Voided(_) => {
                    let by_hand = ours.first().is_some_and(|found| found.by_hand);
                    let gone = truth.is_none_or(|(_, captured, _, voided)| {
                        captured == 0 && (voided || by_hand)
                    });
                    assert!(gone || money.refused > 0, "{case}");
                }
            }
        }
    }
}

/// Klarna as the journal knows it.
fn past_of_klarna(policy: &Policy, records: &[Record]) -> Klarna {
    let mut klarna = Klarna::default();
    for (index, record) in records.iter().enumerate() {
        let Some(id) = record.payment else { continue };
        let before = replayed(policy, &records[..index]);
        tell_klarna(&mut klarna, before.payment(id), &record.event);
    }
    klarna
}

/// What the journal cannot know of a refused confirmation.
fn reveal(klarna: &mut Klarna, world: &World, refused_is: Truth) {
    let engine = replayed(&world.policy, &world.disk.records);
    for payment in engine.payments() {
        if let State::Confirming { request, token, refused: Some(_), .. } = &payment.state {
            let approved = |token: ConfirmationToken| RequestState::PendingConfirmation { token };
            let anew = ConfirmationToken::new("anew").unwrap();
            let state = match refused_is {
                Truth::Lapsed => RequestState::Submitted,
                Truth::StillWaiting => approved(token.clone()),
                Truth::ApprovedAnew => approved(anew),
                Truth::Authorised => {
                    klarna.authorise(&request.id, TransactionId::new("tx-lost").unwrap());
                    continue;
                }
                Truth::Expired => RequestState::Ended(Ended::Expired),
                Truth::Forgotten => RequestState::Ended(Ended::Unknown),
            };
            klarna.request(&request.id).state = state;
        }
    }
}

/// One step of the past, as Klarna has seen it.
fn tell_klarna(klarna: &mut Klarna, before: Option<&Payment>, event: &Event) {
    if let Event::Adopted { found, payment_reference } = event {
        klarna.know_of(found, payment_reference);
    }
    let Some(payment) = before else { return };
    let call = |number: u32| payment.open_calls().find(|(id, _)| id.sequence == number);
    let request = match &payment.state {
        State::AwaitingShopper { request, .. }
        | State::ShopperPaying { request }
        | State::Confirming { request, .. } => Some(request.id.clone()),
        State::Abandoning { request, .. } => request.clone(),
        _ => None,
    };
    match event {
        Event::Created { request, .. } | Event::Unavailable { request } => {
            klarna.know(request, &payment.reference, payment.sale.amount);
        }
        Event::Approved { token } => {
            let state = RequestState::PendingConfirmation { token: token.clone() };
            klarna.request(&request.expect("a request")).state = state;
        }
        Event::ShopperLeft => {
            klarna.request(&request.expect("a request")).state = RequestState::Submitted;
        }
        Event::RequestEnded { ended } => {
            klarna.request(&request.expect("a request")).state = RequestState::Ended(*ended);
        }
        Event::Authorised { transaction, .. } => {
            klarna.authorise(&request.expect("a request"), transaction.clone());
        }
        Event::Captured { sequence, .. }
        | Event::Refunded { sequence, .. }
        | Event::Released { sequence, .. } => {
            let (_, kind) = call(*sequence).expect("an answer to an open call");
            let _ = klarna.apply(kind);
        }
        Event::CallResolved { .. } => {
            if let State::Voiding { transaction, refused: Some(_), .. } = &payment.state {
                klarna.release_by_hand(transaction);
            }
        }
        Event::Voided { .. } => {
            let (_, kind) = payment.open_calls().next().expect("the void");
            let _ = klarna.apply(kind);
        }
        _ => {}
    }
}

#[test]
fn every_prefix_of_every_journal_can_be_replayed() {
    let mut prefixes = 0;
    for (_, script) in fixtures() {
        for (_, policy, inputs) in scenarios(&script) {
            let mut player = Player::new(policy.clone(), Disk::model());
            for input in &inputs {
                let _ = player.play(input);
            }
            let records = &player.world.disk.records;
            for length in 0..=records.len() {
                let engine = replayed(&policy, &records[..length]);
                let payable = |p: &&Payment| p.state.occupies_terminal();
                assert!(engine.payments().filter(payable).count() <= 1);
                prefixes += 1;
            }
        }
    }
    assert!(prefixes > 500, "only {prefixes} prefixes");
}
