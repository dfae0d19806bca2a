//! The terminal: the real engine and the real schedule, its disk, its clocks, and how it dies.

use super::Millis;
use super::faulty::Faulty;
// The scenarios' disk; by its path, because the tool has no scenarios.
#[path = "../../scenario/disk.rs"]
#[allow(dead_code, clippy::duplicate_mod)]
mod disk;

pub use disk::Disk;
use klarna_terminald::acquirer::Quotas;
use klarna_terminald::clock::{Boot, Mono, Now, Wall};
use klarna_terminald::id::{CallId, Installation, PaymentId};
use klarna_terminald::money::Currency;
use klarna_terminald::payment::{CapturePolicy, Engine, Payment, Policy};
use klarna_terminald::sync::schedule::Schedule;
use std::collections::BTreeSet;
use std::time::Duration;

/// 2026-03-01T10:00:00Z.
const BEGIN: i64 = 1_772_359_200_000;
/// How long it takes from power to the process.
const BOOT: Millis = 20_000;

pub struct Terminal {
    pub engine: Engine,
    pub schedule: Schedule,
    pub disk: Disk,
    /// The real store beside the model, on a disk that fails.
    pub faulty: Option<Faulty>,
    pub policy: Policy,
    /// What Klarna allows, as the terminal was told.
    pub quotas: Quotas,
    /// How often calls that pause were to be sent at once.
    pub hurried: u64,
    pub on: bool,
    /// Which run of the process it is; what was under way in an earlier one is lost.
    pub incarnation: u32,
    /// The wall clock's lead over true time.
    wall_lead: i64,
    process_started: Millis,
    machine_started: Millis,
    machine_runs: u32,
    noted: Option<Boot>,
}

/// How a run of the terminal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// The process alone.
    Process,
    /// The machine; its wall clock went on.
    Power,
    /// The machine, and its wall clock stood still.
    PowerAndClock,
}

impl Terminal {
    pub fn new(policy: Policy, disk: Disk) -> Self {
        let now = Now { mono: Mono::default(), wall: Wall::from_millis(BEGIN) };
        Self {
            engine: Engine::new(installation(), policy.clone(), PaymentId::new(0)),
            schedule: Schedule::new(now, None, Quotas::default()),
            disk,
            faulty: None,
            policy,
            quotas: Quotas::default(),
            hurried: 0,
            on: false,
            incarnation: 0,
            wall_lead: BEGIN,
            process_started: 0,
            machine_started: 0,
            machine_runs: 0,
            noted: None,
        }
    }

    pub fn now(&self, t: Millis) -> Now {
        let mono = Mono::new(Duration::from_millis(t - self.process_started));
        Now { mono, wall: Wall::from_millis(self.wall_lead + signed(t)) }
    }

    /// True time of a point on this run's monotonic clock, never too early.
    pub fn at(&self, mono: Mono) -> Millis {
        let since = mono.left(Mono::default());
        let millis = u64::try_from(since.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        self.process_started.saturating_add(millis)
    }

    pub fn set_wall(&mut self, by: i64) {
        self.wall_lead += by;
    }

    /// The process ends as `death` says; `seed` is for what becomes of an unsynced disk.
    pub fn die(&mut self, death: Death, seed: u64) {
        match &mut self.faulty {
            Some(faulty) if death == Death::Process => faulty.kill(),
            Some(faulty) => faulty.cut_now(seed),
            None => {}
        }
        self.on = false;
        self.incarnation += 1;
    }

    /// Starts as the daemon does; `off` is how long it was dead.
    pub fn start(&mut self, t: Millis, death: Death, off: Millis, trusting: bool) {
        if death != Death::Process {
            self.machine_started = t.saturating_sub(BOOT);
            self.machine_runs += 1;
        }
        if death == Death::PowerAndClock {
            self.wall_lead -= signed(off);
        }
        self.process_started = t;
        self.disk.reopen();
        if let Some(faulty) = &mut self.faulty {
            faulty.reopen(&mut self.disk);
        }
        let now = self.now(t);
        let rows = self.disk.queued.values().map(|row| row.first_attempt);
        let newest = rows.chain([now.wall]).max().expect("there is one");
        let boot = self.boot(t).following(self.noted.as_ref(), newest);
        let distrusted_until = boot.distrusted_until().filter(|_| !trusting);
        self.noted = Some(boot);
        self.engine = Engine::new(installation(), self.policy.clone(), self.disk.last_payment());
        self.engine.replay(now, &self.disk.open_records()).expect("the journal is whole");
        self.check_outbox();
        self.schedule = Schedule::new(now, distrusted_until, self.quotas);
        self.hurried = 0;
        self.on = true;
    }

    /// As the kernel would tell it.
    fn boot(&self, t: Millis) -> Boot {
        let up = signed(t - self.machine_started);
        let started_ms = self.now(t).wall.millis() - up;
        let told =
            serde_json::json!({"id": self.machine_runs.to_string(), "started_ms": started_ms});
        serde_json::from_value(told).expect("a boot")
    }

    fn check_outbox(&self) {
        let open = |payment: &Payment| payment.open_calls().map(|(id, _)| id).collect::<Vec<_>>();
        let replayed: BTreeSet<CallId> = self.engine.payments().flat_map(open).collect();
        let queued: BTreeSet<CallId> = self.disk.queued.keys().copied().collect();
        assert_eq!(replayed, queued, "journal and outbox after a start");
    }
}

pub fn policy(capture: CapturePolicy, read_pace: Duration) -> Policy {
    Policy {
        currencies: vec![Currency::new("EUR").expect("a currency")],
        capture,
        create_patience: Duration::from_secs(15),
        sale_timeout: Duration::from_secs(300),
        paying_extension: Duration::from_secs(120),
        confirm_patience: Duration::from_secs(3000),
        acknowledge_patience: Duration::from_secs(60),
        linger: Some(Duration::from_secs(10)),
        refund_offline: true,
        read_pace,
        reference_prefix: "S1-T1".to_owned(),
    }
}

fn installation() -> Installation {
    Installation::new(uuid::Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef))
}

fn signed(millis: Millis) -> i64 {
    i64::try_from(millis).expect("a run is short of the end of time")
}
