//! The schedule against a clock and a Klarna that are only numbers.

use super::*;
use crate::id::{EffectReference, Installation, PaymentReference, PosReference, TransactionId};
use crate::money::{Amount, Currency};
use crate::payment::effect::{Call, CallKind, Delay, Effect, Scope};
use crate::payment::event::Sale;
use std::collections::BTreeMap;

fn at(mono_s: u64, wall_s: i64) -> Now {
    let mono = Mono::new(Duration::from_secs(mono_s));
    Now { mono, wall: Wall::from_millis(wall_s * 1000) }
}

fn row(payment: u32, first_attempt_s: i64, kind: CallKind) -> QueuedCall {
    let id = CallId { payment: PaymentId::new(payment), sequence: 1 };
    let installation = Installation::new(uuid::Uuid::from_u128(1));
    let key = IdempotencyKey::new(installation, id, kind.operation(), kind.amount(), 0);
    let first_attempt = Wall::from_millis(first_attempt_s * 1000);
    QueuedCall { call: Call { id, kind, key, generation: 0 }, first_attempt }
}

fn euro() -> Amount {
    Amount::new(100, Currency::new("EUR").expect("EUR"))
}

fn transaction() -> TransactionId {
    TransactionId::new("t").expect("id")
}

fn capture(payment: u32, first_attempt_s: i64) -> QueuedCall {
    let reference = EffectReference::new("c").expect("reference");
    let kind = CallKind::Capture { transaction: transaction(), amount: euro(), reference };
    row(payment, first_attempt_s, kind)
}

fn void(payment: u32) -> QueuedCall {
    row(payment, 0, CallKind::Void { transaction: transaction(), amount: euro(), rest: false })
}

fn create(payment: u32) -> QueuedCall {
    let sale = Sale {
        reference: PosReference::new("A-1").expect("a reference"),
        amount: euro(),
        merchant_reference: None,
        line_items: Vec::new(),
        locale: None,
        reserved: false,
    };
    let payment_reference = PaymentReference::new("S1-T1-1").expect("a reference");
    row(payment, 0, CallKind::Create { sale, payment_reference })
}

#[test]
fn a_jump_in_either_direction_is_noticed_and_drift_is_not() {
    let mut schedule = Schedule::new(at(0, 1_000_000), None, Quotas::default());
    let mut distrusted = |now| {
        schedule.compare_clocks(now);
        schedule.distrusted_until
    };
    assert_eq!(distrusted(at(3600, 1_003_601)), None);
    let before = at(3700, 1_003_700).wall;
    assert!(distrusted(at(3700, 0)).is_some_and(|until| until >= before));
    assert!(distrusted(at(3800, 100)).is_some_and(|until| until >= before));
    let forth = at(3900, 9_000_000);
    assert_eq!(distrusted(forth), Some(forth.wall));
}

#[test]
fn an_answer_that_is_not_recorded_is_asked_for_again() {
    let mut schedule = Schedule::new(at(0, 0), None, Quotas::default());
    let row = capture(1, 0);
    assert_eq!(schedule.due(at(0, 0), vec![row.clone()]).calls.len(), 1);
    assert!(schedule.due(at(1, 1), vec![row.clone()]).calls.is_empty(), "it is under way");
    schedule.came_back(at(2, 2), &row, &Outcome::Done(Effect::Captured { capture: None }));
    assert!(schedule.due(at(3, 3), vec![row.clone()]).calls.is_empty(), "it is settling");
    assert_eq!(schedule.due(at(8, 8), vec![row]).calls.len(), 1, "the disk was full, say");
}

#[test]
fn offline_one_call_asks_for_all_and_then_all_go() {
    let mut schedule = Schedule::new(at(0, 0), None, Quotas::default());
    let rows: Vec<QueuedCall> = (1..=5).map(|payment| capture(payment, 0)).collect();
    assert_eq!(schedule.line(at(0, 0), Line::Down), Some(false));
    let probe = schedule.due(at(2, 2), rows.clone());
    assert_eq!(probe.calls.len(), 1);
    let offline = Outcome::Retry(Delay::offline("no route"));
    let back = schedule.came_back(at(2, 2), &probe.calls[0].0, &offline);
    assert_eq!(back.reachable, None);
    assert!(schedule.due(at(3, 3), rows.clone()).calls.is_empty());
    assert_eq!(schedule.line(at(4, 4), Line::Up), Some(true));
    assert_eq!(schedule.due(at(4, 4), rows).calls.len(), 5);
}

#[test]
fn a_clock_that_was_set_back_does_not_make_an_old_key_young_when_it_has_caught_up() {
    let hours = |hours: i64| hours * 3600;
    let mut schedule = Schedule::new(at(0, hours(100)), None, Quotas::default());
    let row = capture(1, hours(100));
    let offline = Outcome::Retry(Delay::offline("no route"));
    assert!(matches!(
        schedule.due(at(0, hours(100)), vec![row.clone()]).calls[..],
        [(_, Plan::Send)]
    ));
    schedule.came_back(at(1, hours(100) + 1), &row, &offline);
    let caught_up = at(32 * 3600, hours(122));
    let due = schedule.due(caught_up, vec![row.clone()]);
    assert!(matches!(due.calls[..], [(_, Plan::ReadFirst)]), "it is 32 hours old, not 22");
    schedule.came_back(caught_up, &row, &Outcome::Absent);
    let mut renewed = capture(1, hours(90));
    renewed.call.key = capture(2, 0).call.key;
    let due = schedule.due(caught_up, vec![renewed]);
    assert!(matches!(due.calls[..], [(_, Plan::Send)]), "its new key is new whatever the clock");
}

#[test]
fn an_old_key_is_looked_up_only_once_its_last_attempt_is_over() {
    let day = 86_400;
    let mut schedule = Schedule::new(at(0, 2 * day), None, Quotas::default());
    let due = schedule.due(at(0, 2 * day), vec![capture(1, 0)]);
    assert!(due.calls.is_empty());
    assert_eq!(due.look_again, at(30, 0).mono);
    let due = schedule.due(at(120, 2 * day + 120), vec![capture(1, 0)]);
    assert!(matches!(due.calls[..], [(_, Plan::ReadFirst)]));
}

/// A Klarna with its own way there and back, and an outbox in memory.
struct Drain<F> {
    schedule: Schedule,
    now: Duration,
    queued: BTreeMap<CallId, QueuedCall>,
    under_way: BTreeMap<(Duration, CallId), (QueuedCall, Outcome)>,
    /// What was sent, and when.
    sent: Vec<(Duration, CallId)>,
    /// The outcome of the n-th call, when it is that time.
    answer: F,
    looks: usize,
}

const QUOTAS: Quotas = Quotas { captures_per_s: 50, management_per_s: 200 };
/// There and back; it differs from call to call.
const LATENCY_MS: [u64; 5] = [200, 300, 250, 290, 210];

fn captured() -> Outcome {
    Outcome::Done(Effect::Captured { capture: None })
}

fn asked(scope: Scope, wait_ms: u64) -> Outcome {
    let because = Delay::because("wait");
    Outcome::Retry(Delay { at_least_ms: Some(wait_ms), scope, line: Line::Up, ..because })
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl<F: FnMut(Duration, &QueuedCall) -> Outcome> Drain<F> {
    fn of(captures: u32, answer: F) -> Self {
        let rows = (1..=captures).map(|payment| capture(payment, 0));
        Self {
            schedule: Schedule::new(at(0, 0), None, QUOTAS),
            now: Duration::ZERO,
            queued: rows.map(|row| (row.call.id, row)).collect(),
            under_way: BTreeMap::new(),
            sent: Vec::new(),
            answer,
            looks: 0,
        }
    }

    fn now(&self) -> Now {
        let millis = i64::try_from(self.now.as_millis()).expect("a short time");
        Now { mono: Mono::new(self.now), wall: Wall::from_millis(millis) }
    }

    fn queue(&mut self, row: QueuedCall) {
        self.queued.insert(row.call.id, row);
    }

    /// What the store shows.
    fn rows(&self, page: Page) -> Vec<QueuedCall> {
        let urgent = self.queued.values().rev().take(50).filter(|row| row.call.kind.is_urgent());
        let from = CallId { payment: page.from, sequence: 0 };
        let others = self.queued.range(from..).map(|(_, row)| row).take(page.limit);
        urgent.chain(others.filter(|row| !row.call.kind.is_urgent())).cloned().collect()
    }

    fn until(&mut self, end: Duration) {
        while self.now < end && !(self.queued.is_empty() && self.under_way.is_empty()) {
            let page = self.schedule.page(self.now());
            let due = self.schedule.due(self.now(), self.rows(page));
            self.looks += 1;
            for (row, _) in due.calls {
                let back = LATENCY_MS[self.sent.len() % LATENCY_MS.len()];
                let outcome = (self.answer)(self.now, &row);
                self.sent.push((self.now, row.call.id));
                let back = self.now + Duration::from_millis(back);
                self.under_way.insert((back, row.call.id), (row, outcome));
            }
            let look = self.now + due.look_again.left(Mono::new(self.now));
            let next =
                self.under_way.first_key_value().map_or(look, |((back, _), _)| look.min(*back));
            self.now = next.min(end);
            while let Some(first) = self.under_way.first_entry().filter(|e| e.key().0 <= self.now) {
                let (row, outcome) = first.remove();
                self.schedule.came_back(self.now(), &row, &outcome);
                if !matches!(outcome, Outcome::Retry(_) | Outcome::Unknown(_)) {
                    self.queued.remove(&row.call.id);
                }
            }
        }
    }

    fn sent_between(&self, from: Duration, to: Duration) -> usize {
        self.sent.iter().filter(|(at, _)| (from..to).contains(at)).count()
    }
}

#[test]
fn a_long_queue_drains_at_the_quota_and_no_second_sees_more() {
    let mut drain = Drain::of(3000, |_, _| captured());
    drain.until(seconds(120));
    assert!(drain.queued.is_empty());
    assert_eq!(drain.sent.len(), 3000, "each once");
    let fast = drain.sent.windows(51).filter(|span| span[50].0 - span[0].0 <= seconds(1)).count();
    assert_eq!(fast, 0, "51 captures within a second");
    let took = drain.sent[2999].0.as_secs_f64();
    assert!(2999.0 / took >= 0.98 * 50.0, "{took} s");
    assert!(drain.looks < 3 * 3000, "{} looks", drain.looks);
}

#[test]
fn a_sale_is_sent_at_once_in_the_middle_of_it() {
    let mut drain = Drain::of(3000, |_, _| captured());
    drain.until(seconds(5));
    let sale = create(5000);
    drain.queue(sale.clone());
    let begun = drain.now;
    drain.until(seconds(6));
    let sent = drain.sent.iter().find(|(_, call)| *call == sale.call.id).expect("it is sent");
    assert_eq!(sent.0, begun);
}

#[test]
fn captures_and_refunds_have_lanes_of_their_own() {
    let mut drain = Drain::of(1000, |_, _| captured());
    for payment in 2001..3000 {
        drain.queue(void(payment));
    }
    drain.until(seconds(10));
    let voids = drain.sent.iter().filter(|(_, call)| call.payment.number() > 2000).count();
    let captures = drain.sent.len() - voids;
    assert!((490..=500).contains(&captures), "{captures} captures");
    assert!(voids <= 500, "{voids} voids: a quarter of the quota of 200");
}

#[test]
fn a_429_holds_back_its_quota_and_nothing_else() {
    let limited = seconds(4)..seconds(5);
    let mut drain = Drain::of(1000, |now, row: &QueuedCall| {
        let hit = limited.contains(&now) && row.call.kind.operation() == "capture";
        if hit { asked(Scope::Quota, 3000) } else { captured() }
    });
    for payment in 2001..3000 {
        drain.queue(void(payment));
    }
    drain.until(seconds(4));
    let before = drain.sent.len();
    drain.until(seconds(9));
    let since = drain.sent[before..].iter();
    let captures: Vec<Duration> =
        since.filter(|(_, call)| call.payment.number() <= 1000).map(|(at, _)| *at).collect();
    // The first answer takes 300 ms at most; 15 captures are on their way by then.
    let early = captures.iter().filter(|at| **at < Duration::from_millis(7100)).count();
    assert!(early <= 16, "{early} captures were sent all the same");
    let probe = captures.get(early..early + 2).expect("it goes on");
    assert!(probe[1] - probe[0] >= Duration::from_millis(200), "one goes ahead: {probe:?}");
    let voids = drain.sent_between(seconds(5), seconds(7));
    assert!(voids >= 95, "{voids} voids in 2 s");
}

#[test]
fn a_refused_key_holds_back_everything_but_sales() {
    let mut drain = Drain::of(1000, |now, _| match now < seconds(60) {
        true => asked(Scope::Account, 30_000),
        false => captured(),
    });
    drain.queue(void(2001));
    drain.until(seconds(20));
    let sale = create(5000);
    drain.queue(sale.clone());
    drain.until(seconds(29));
    assert!(drain.sent_between(Duration::ZERO, seconds(1)) < 20);
    let later = drain.sent_between(seconds(1), seconds(29));
    let sales = drain.sent.iter().filter(|(_, call)| *call == sale.call.id).count();
    assert!(sales >= 1 && later == sales, "{later} calls, {sales} of the sale");
    drain.until(seconds(600));
    assert!(drain.queued.is_empty());
    let wasted = drain.sent_between(seconds(29), seconds(60));
    assert!(wasted <= 6, "{wasted} calls with a key that is refused");
}

#[test]
fn calls_that_are_always_told_to_wait_do_not_stop_the_others() {
    for (scope, bad) in [(Scope::Account, 3), (Scope::Quota, 3), (Scope::Call, 500)] {
        let mut drain =
            Drain::of(1000, |_, row: &QueuedCall| match row.call.id.payment.number() <= bad {
                true => asked(scope, 3_600_000),
                false => captured(),
            });
        drain.until(seconds(300));
        assert_eq!(drain.queued.len(), bad as usize, "{scope:?}");
        assert!(drain.looks < 20_000, "{} looks", drain.looks);
    }
}

#[test]
fn calls_without_an_answer_do_not_stop_the_others_however_many() {
    let lost = Outcome::Unknown(Delay { line: Line::Up, ..Delay::because("HTTP 500") });
    let mut drain =
        Drain::of(600, |_, row: &QueuedCall| match row.call.id.payment.number() <= 400 {
            true => lost.clone(),
            false => captured(),
        });
    drain.until(seconds(60));
    assert_eq!(drain.queued.len(), 400);
    let bad: HashSet<CallId> = drain.queued.keys().copied().collect();
    for call in &bad {
        let times = drain.sent.iter().filter(|(_, sent)| sent == call).count();
        assert!(times >= 3, "{call} was sent {times} times in a minute");
    }
    assert!(drain.looks < 10_000, "{} looks", drain.looks);
    let old = CallId { payment: PaymentId::new(1), sequence: 2 };
    drain.queued.clear();
    let mut row = void(1);
    row.call.id = old;
    drain.queue(row);
    let begun = drain.now;
    drain.until(begun + seconds(3));
    let noticed = drain.sent.iter().any(|(at, call)| *at >= begun && *call == old);
    assert!(noticed, "a new call at the head of the queue");
}

#[test]
fn a_lone_call_finds_out_soon_that_the_line_is_back() {
    let mut schedule = Schedule::new(at(0, 0), None, Quotas::default());
    let row = capture(1, 0);
    let offline = Outcome::Retry(Delay::offline("no route"));
    let mut now = 0;
    for _ in 0..20 {
        let due = schedule.due(at(now, 0), vec![row.clone()]);
        if due.calls.is_empty() {
            now += 1;
            continue;
        }
        let back = schedule.came_back(at(now, 0), &row, &offline);
        assert!(back.pause.is_some_and(|pause| pause <= OFFLINE_PAUSE_MAX), "{back:?}");
        now += 16;
    }
    assert!(now > 200, "it was sent again and again");
}

#[test]
fn somebody_in_a_hurry_ends_the_pauses_that_nobody_has_asked_for() {
    let mut schedule = Schedule::new(at(0, 0), None, Quotas::default());
    let (capture, void) = (capture(1, 0), void(2));
    let rows = vec![capture.clone(), void.clone()];
    assert_eq!(schedule.due(at(0, 0), rows.clone()).calls.len(), 2);
    let no_answer = Outcome::Unknown(Delay::because("no answer"));
    for _ in 0..9 {
        schedule.came_back(at(0, 0), &capture, &no_answer);
    }
    schedule.came_back(at(0, 0), &void, &asked(Scope::Quota, 60_000));
    assert!(schedule.due(at(1, 1), rows.clone()).calls.is_empty());
    schedule.hurry(at(2, 2));
    let due = schedule.due(at(2, 2), rows);
    let sent: Vec<CallId> = due.calls.iter().map(|(row, _)| row.call.id).collect();
    assert_eq!(sent, [capture.call.id], "Klarna has asked for quiet about the other one");
}
