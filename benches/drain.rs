//! A long queue of captures against Klarna's quota of 50 a second: how much of the quota is used,
//! how often it is overstepped, and what a sale notices of it.
//!
//! First in virtual time: the real engine and schedule, 10 000 captures, and a Klarna that refuses
//! the 51st call in any window of a second. Then in real time: store, `sync::run` and HTTPS against
//! the simulator, for about 20 seconds.

#[path = "common/policy.rs"]
mod policy;
#[path = "common/terminal.rs"]
mod terminal;

use klarna_terminald::acquirer::klarna::Klarna;
use klarna_terminald::acquirer::{Acquirer, Quotas};
use klarna_terminald::clock::{Mono, Now, SystemClock, Wall};
use klarna_terminald::config::{Config, Overrides};
use klarna_terminald::id::{
    CallId, ConfirmationToken, DistributionUrl, Installation, PaymentId, PosReference, RequestId,
    TransactionId,
};
use klarna_terminald::money::{Amount, Currency};
use klarna_terminald::payment::effect::{
    Call, CallKind, Delay, Effect, Line, OutboxChange, Outcome, QueuedCall, RequestState, Scope,
};
use klarna_terminald::payment::event::Sale;
use klarna_terminald::payment::shift::Turnover;
use klarna_terminald::payment::vocabulary::Request;
use klarna_terminald::payment::{CapturePolicy, Engine, Input, Step, Wanted};
use klarna_terminald::simulator::{Options, ShopperAction, Simulator};
use klarna_terminald::store::Store;
use klarna_terminald::sync::schedule::{Page, Schedule};
use klarna_terminald::sync::{self, Report};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

/// Klarna's quota of captures per second.
const QUOTA: u32 = 50;
/// Captures of the virtual run and of the real one.
const VIRTUAL: u32 = 10_000;
const REAL: u32 = 1_000;
/// Until a call arrives, and until its answer is back, at least and at most.
const THERE: Duration = Duration::from_millis(100);
const BACK_MS: (u64, u64) = (100, 200);
/// How long the simulator takes to answer.
const ANSWER: Duration = Duration::from_millis(250);

fn main() {
    println!("klarna-terminald, figures of a long queue (quota {QUOTA} captures/s)\n");
    virtual_time(0);
    virtual_time(10);
    virtual_time(20);
    real_time();
}

/// How the queue was drained.
struct Figures {
    /// When each capture arrived, in order.
    arrived: Vec<Duration>,
    too_many: usize,
    /// From the commit of a sale to the arrival of its create call, without the way there.
    sale: Duration,
}

impl Figures {
    fn print(&self, title: &str) {
        let took = self.arrived[self.arrived.len() - 1] - self.arrived[0];
        let rate = (self.arrived.len() - 1) as f64 / took.as_secs_f64();
        println!("{title}");
        println!("  captures                     {:>9}", self.arrived.len());
        println!("  captures/s                   {rate:>9.2}");
        println!("  of the quota                 {:>9.1} %", 100.0 * rate / f64::from(QUOTA));
        println!("  refused with 429             {:>9}", self.too_many);
        println!("  a sale's create call, after  {:>9.1} ms", self.sale.as_secs_f64() * 1e3);
    }
}

// -- the shop ------------------------------------------------------------------------------------

/// The engine, and where its steps go.
struct Shop<C> {
    engine: Engine,
    commit: C,
}

impl<C: FnMut(&Step)> Shop<C> {
    /// Decides and commits; returns the calls that are new.
    fn input(&mut self, now: Now, input: Input) -> Vec<Call> {
        let step = self.engine.handle(now, input).expect("a legal input");
        (self.commit)(&step);
        let queued = step.outbox.iter().filter_map(|change| match change {
            OutboxChange::Queue(call) => Some(call.clone()),
            OutboxChange::Close(_)
            | OutboxChange::Refuse(..)
            | OutboxChange::Resolve(_)
            | OutboxChange::Retry(_)
            | OutboxChange::Rekey(_) => None,
        });
        let queued = queued.collect();
        self.engine.accept(step);
        queued
    }

    fn outcome(&mut self, now: Now, call: CallId, outcome: Outcome) -> Vec<Call> {
        self.input(now, Input::Outcome { call, attempts: 1, outcome })
    }

    /// A whole sale, up to the capture that it leaves in the queue.
    fn sell(
        &mut self,
        now: impl Fn() -> Now,
        number: u32,
        klarna: &mut impl FnMut(&Call) -> Outcome,
        approve: &mut impl FnMut(&RequestId) -> ConfirmationToken,
    ) {
        let create = self.input(now(), sale(number)).remove(0);
        let created = klarna(&create);
        let Outcome::Done(Effect::Created { request, .. }) = created.clone() else {
            panic!("no payment request: {created:?}");
        };
        self.outcome(now(), create.id, created);
        let (payment, token) = (create.id.payment, approve(&request));
        let state = RequestState::PendingConfirmation { token };
        let confirm = self.input(now(), Input::Observed { payment, request, state }).remove(0);
        let confirmed = klarna(&confirm);
        self.outcome(now(), confirm.id, confirmed);
        let acknowledge = Request::Acknowledge { reference: reference(number) };
        let capture = self.input(now(), Input::Till(acknowledge, Turnover::default()));
        assert!(matches!(capture[..], [Call { kind: CallKind::Capture { .. }, .. }]));
    }
}

fn sale(number: u32) -> Input {
    let sale = Sale {
        reference: reference(number),
        amount: Amount::new(4990, Currency::new("EUR").expect("EUR")),
        merchant_reference: None,
        line_items: Vec::new(),
        locale: None,
        reserved: false,
    };
    Input::Till(Request::Sale(sale), Turnover::default())
}

fn reference(number: u32) -> PosReference {
    PosReference::new(format!("B-{number}")).expect("a reference")
}

// -- virtual time --------------------------------------------------------------------------------

fn virtual_time(jitter_ms: u64) {
    let begun = Instant::now();
    let mut outbox: BTreeMap<CallId, QueuedCall> = BTreeMap::new();
    let mut commits = VecDeque::new();
    let installation = Installation::new(uuid::Uuid::from_u128(1));
    let engine =
        Engine::new(installation, policy::usual(CapturePolicy::OnTillAck), PaymentId::new(0));
    let commit = |step: &Step| commits.push_back((step.outbox.clone(), step.now().wall));
    let mut shop = Shop { engine, commit };
    for number in 1..=VIRTUAL {
        shop.sell(|| at(Duration::ZERO), number, &mut answer_sale, &mut |_| token());
    }
    let Shop { engine, .. } = shop;
    commits.drain(..).for_each(|(changes, wall)| apply(&mut outbox, &changes, wall));
    assert_eq!(outbox.len(), VIRTUAL as usize);
    let prepared = begun.elapsed();
    let (figures, looks) = drain(engine, outbox, jitter_ms);
    figures.print(&format!("virtual time, strict quota, way there differs by {jitter_ms} ms"));
    let busy = begun.elapsed() - prepared;
    println!("  looks at the queue           {looks:>9}");
    println!("  computed in                  {:>9.1} s\n", busy.as_secs_f64());
}

fn drain(
    engine: Engine,
    mut outbox: BTreeMap<CallId, QueuedCall>,
    jitter_ms: u64,
) -> (Figures, u32) {
    let quotas = Quotas { captures_per_s: QUOTA, management_per_s: 200 };
    let mut schedule = Schedule::new(at(Duration::ZERO), None, quotas);
    let mut klarna = StrictKlarna::default();
    let mut under_way: BTreeMap<(Duration, CallId), (QueuedCall, Outcome)> = BTreeMap::new();
    let mut shop = Shop { engine, commit: |_: &Step| {} };
    let (mut now, mut looks, mut sold, mut sale_after) = (Duration::ZERO, 0, None, None);
    while !outbox.is_empty() {
        if sold.is_none() && now > Duration::from_secs(60) {
            sold = Some(now);
            let create = shop.input(at(now), sale(VIRTUAL + 1)).remove(0);
            outbox.insert(create.id, QueuedCall { call: create, first_attempt: at(now).wall });
        }
        let page = schedule.page(at(now));
        let due = schedule.due(at(now), rows(&outbox, page));
        looks += 1;
        for (row, _) in due.calls {
            klarna.count += 1;
            let jitter = Duration::from_millis(klarna.count * 7907 % (jitter_ms + 1));
            let (wait, outcome) = klarna.answer(now + THERE + jitter, &row.call);
            if let (CallKind::Create { .. }, Some(sold)) = (&row.call.kind, sold) {
                sale_after = Some(now - sold);
            }
            under_way.insert((now + THERE + jitter + wait, row.call.id), (row, outcome));
        }
        let look = now + due.look_again.left(Mono::new(now));
        now = under_way.first_key_value().map_or(look, |((back, _), _)| look.min(*back));
        while let Some(first) = under_way.first_entry().filter(|first| first.key().0 <= now) {
            let (row, outcome) = first.remove();
            schedule.came_back(at(now), &row, &outcome);
            let queued = shop.outcome(at(now), row.call.id, outcome);
            assert!(queued.is_empty(), "a capture is the end");
            if !outbox_keeps(&shop.engine, row.call.id) {
                outbox.remove(&row.call.id);
            }
        }
    }
    let (arrived, too_many) = (klarna.arrived, klarna.too_many);
    (Figures { arrived, too_many, sale: sale_after.expect("the sale was sent") }, looks)
}

fn outbox_keeps(engine: &Engine, call: CallId) -> bool {
    let payment = engine.payment(call.payment);
    payment.is_some_and(|payment| payment.open_calls().any(|(id, _)| id == call))
}

fn apply(outbox: &mut BTreeMap<CallId, QueuedCall>, changes: &[OutboxChange], wall: Wall) {
    for change in changes {
        match change {
            OutboxChange::Queue(call) | OutboxChange::Rekey(call) | OutboxChange::Retry(call) => {
                outbox.insert(call.id, QueuedCall { call: call.clone(), first_attempt: wall });
            }
            OutboxChange::Close(id) | OutboxChange::Refuse(id, _) | OutboxChange::Resolve(id) => {
                outbox.remove(id);
            }
        }
    }
}

/// What the store would show.
fn rows(outbox: &BTreeMap<CallId, QueuedCall>, page: Page) -> Vec<QueuedCall> {
    let newest = outbox.values().next_back().filter(|row| row.call.kind.is_urgent());
    let from = CallId { payment: page.from, sequence: 0 };
    let others = outbox.range(from..).map(|(_, row)| row);
    let others = others.filter(|row| !row.call.kind.is_urgent()).take(page.limit);
    newest.into_iter().chain(others).cloned().collect()
}

/// It refuses what would be one too many in any window of a second that ends now.
#[derive(Default)]
struct StrictKlarna {
    window: VecDeque<Duration>,
    arrived: Vec<Duration>,
    too_many: usize,
    count: u64,
}

impl StrictKlarna {
    fn answer(&mut self, arrives: Duration, call: &Call) -> (Duration, Outcome) {
        let span = BACK_MS.1 - BACK_MS.0 + 1;
        let back = Duration::from_millis(BACK_MS.0 + self.count * 7919 % span);
        if !matches!(call.kind, CallKind::Capture { .. }) {
            return (back, answer_sale(call));
        }
        while self.window.front().is_some_and(|at| *at + Duration::from_secs(1) <= arrives) {
            self.window.pop_front();
        }
        if self.window.len() >= QUOTA as usize {
            self.too_many += 1;
            let because = Delay::because("HTTP 429");
            let line = Line::Up;
            let scope = Scope::Quota;
            return (
                back,
                Outcome::Retry(Delay { at_least_ms: Some(1000), scope, line, ..because }),
            );
        }
        self.window.push_back(arrives);
        self.arrived.push(arrives);
        (back, Outcome::Done(Effect::Captured { capture: None }))
    }
}

fn answer_sale(call: &Call) -> Outcome {
    let number = call.id.payment.number();
    match call.kind {
        CallKind::Confirm { .. } => {
            let transaction = TransactionId::new(format!("t-{number}")).expect("an id");
            Outcome::Done(Effect::Authorised { transaction })
        }
        _ => {
            let request = RequestId::new(format!("r-{number}")).expect("an id");
            let url = DistributionUrl::new("https://localhost/r", &["localhost".to_owned()]);
            let url = url.expect("a URL");
            Outcome::Done(Effect::Created { request, url, descriptor: None })
        }
    }
}

fn token() -> ConfirmationToken {
    ConfirmationToken::new("token").expect("a token")
}

fn at(now: Duration) -> Now {
    let millis = i64::try_from(now.as_millis()).expect("a short time");
    Now { mono: Mono::new(now), wall: Wall::from_millis(1_772_359_200_000 + millis) }
}

// -- real time -----------------------------------------------------------------------------------

fn real_time() {
    let runtime = Runtime::new().expect("a runtime");
    let directory = TempDir::new().expect("a directory");
    let options = Options {
        captures_per_second: QUOTA,
        management_per_second: 100_000,
        ..Options::default()
    };
    let simulator = runtime.block_on(Simulator::start(options)).expect("simulator");
    let acquirer = Arc::new(acquirer(directory.path(), &simulator));
    let clock = SystemClock::start();
    let mut store = Store::open(&directory.path().join("terminal.sqlite")).expect("a store");
    let reader = store.reader().expect("a reader");
    let engine = Engine::new(
        store.installation(),
        policy::usual(CapturePolicy::OnTillAck),
        PaymentId::new(0),
    );
    let commit = |step: &Step| store.commit(step).expect("a commit");
    let mut shop = Shop { engine, commit };
    let mut klarna = |call: &Call| runtime.block_on(acquirer.execute(call));
    let mut approve = |request: &RequestId| {
        for act in [ShopperAction::Open, ShopperAction::Approve] {
            simulator.shopper(request.as_str(), act).expect("the shopper acts");
        }
        let amount = Amount::new(4990, Currency::new("EUR").expect("EUR"));
        match runtime.block_on(acquirer.read(request, amount)) {
            Ok(RequestState::PendingConfirmation { token }) => token,
            other => panic!("not approved: {other:?}"),
        }
    };
    for number in 1..=REAL {
        shop.sell(|| clock.now(), number, &mut klarna, &mut approve);
    }
    assert_eq!(reader.queued().expect("rows").len(), REAL as usize);
    simulator.set_delay(ANSWER);
    let (wanted, wanted_out) = watch::channel(shop.engine.wanted());
    let (reports_in, reports) = mpsc::channel(sync::REPORTS_MAX);
    runtime.spawn(sync::run(
        reader,
        acquirer.clone(),
        clock,
        None,
        wanted_out,
        sync::Hints::none(),
        reports_in,
    ));
    let sold = runtime.block_on(attend(&mut shop, clock, &wanted, reports));
    let figures = real_figures(&simulator, sold);
    figures.print(&format!("real time, HTTPS, an answer after {} ms", ANSWER.as_millis()));
    runtime.block_on(simulator.shutdown());
}

/// What the daemon does; a sale comes in after half of the queue. Returns when, by the wall clock.
async fn attend<C: FnMut(&Step)>(
    shop: &mut Shop<C>,
    clock: SystemClock,
    wanted: &watch::Sender<Wanted>,
    mut reports: mpsc::Receiver<Report>,
) -> Wall {
    let (mut captured, mut sold) = (0, None);
    while captured < REAL || sold.is_none() {
        let report = reports.recv().await.expect("sync runs");
        let Report::Outcome { call, attempts, outcome, .. } = report else { continue };
        captured += u32::from(matches!(outcome, Outcome::Done(Effect::Captured { .. })));
        shop.input(clock.now(), Input::Outcome { call, attempts, outcome });
        wanted.send_replace(shop.engine.wanted());
        if captured == REAL / 2 && sold.is_none() {
            let now = clock.now();
            shop.input(now, sale(REAL + 1));
            wanted.send_replace(shop.engine.wanted());
            sold = Some(now.wall);
        }
    }
    sold.expect("a sale came in")
}

/// As the simulator has seen it.
fn real_figures(simulator: &Simulator, sold: Wall) -> Figures {
    let calls = simulator.calls();
    let captures = || calls.iter().filter(|call| call.route.ends_with("/capture"));
    let since = |wall_ms: i64| Duration::from_millis(u64::try_from(wall_ms).unwrap_or_default());
    let arrived = captures().filter(|call| call.status.is_some_and(|status| status < 300));
    let arrived = arrived.map(|call| since(call.at.as_millisecond())).collect();
    let too_many = captures().filter(|call| call.status == Some(429)).count();
    let create = calls
        .iter()
        .rfind(|call| call.method == "POST" && call.route.ends_with("/payment/requests"));
    let create = create.expect("the sale was sent").at.as_millisecond();
    Figures { arrived, too_many, sale: since(create - sold.millis()) }
}

fn acquirer(directory: &Path, simulator: &Simulator) -> Acquirer {
    let quotas = format!("captures_per_s = {QUOTA}\nmanagement_per_s = 200");
    let text = terminal::configuration(directory, simulator, 9100, &quotas);
    let file = directory.join("terminal.toml");
    let config = Config::from_text(&text, &file, &Overrides::default()).expect("configuration");
    Acquirer::Klarna(Klarna::new(config.klarna).expect("a client"))
}
