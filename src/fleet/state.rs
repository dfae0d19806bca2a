//! What a terminal keeps of its orders: the last one of each kind, the settings from afar, and
//! those that are on their way in.
//!
//! ```text
//! order ─▶ staged ──no payment is open──▶ trial ──120 s as well as before──▶ kept
//!             └─ refused                    └─ worse, or two starts ──▶ rolled back
//! ```
//! It is pure: times, files and the terminal's health are others'. Each change is one value that is
//! written as a whole, so a power cut leaves the one before or the one after it.

use super::order::{Kind, Serial};
use super::refused::Refused;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long settings from afar are on trial where nothing else is configured: a till and Klarna are
/// heard of again by then.
pub const TRIAL: Duration = Duration::from_secs(120);
/// The trial has failed with this start of the program within it: it has ended twice.
const STARTS_MAX: u32 = 2;
/// How much is kept of why something was refused, in characters.
const WHY_LEN_MAX: usize = 500;

/// How the terminal stood when settings were staged: what a trial has to come up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Before {
    /// Shoppers could be shown something.
    pub display: bool,
    /// A till was connected.
    pub till: bool,
    /// Klarna could be reached.
    pub klarna: bool,
}

impl Before {
    /// What was well here or there.
    fn or(self, other: Self) -> Self {
        Self {
            display: self.display || other.display,
            till: self.till || other.till,
            klarna: self.klarna || other.klarna,
        }
    }
}

/// How the terminal stands at the end of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signs {
    /// The journal can be written.
    pub journal: bool,
    /// Shoppers can be shown something.
    pub display: bool,
    /// A till has been connected during the trial.
    pub till: bool,
    /// Klarna can be reached.
    pub klarna: bool,
}

impl Signs {
    /// What is worse than `before`; nothing if all is as well.
    pub fn worse_than(self, before: Before) -> Option<&'static str> {
        if !self.journal {
            return Some("the journal could not be written");
        }
        if before.display && !self.display {
            return Some("nothing could be shown to shoppers");
        }
        if before.till && !self.till {
            return Some("the till did not come back");
        }
        (before.klarna && !self.klarna).then_some("Klarna could not be reached")
    }
}

/// Settings that do not count for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Next {
    serial: Serial,
    toml: String,
    before: Before,
    /// How often the program was started during the trial.
    #[serde(default)]
    starts: u32,
}

/// What has become of settings from afar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Accepted; they count once no payment is open.
    Staged,
    /// They count, for now.
    Trial,
    /// They count for good.
    Kept,
    /// The terminal's configuration would be wrong with them.
    Refused,
    /// The terminal was worse with them, and has those of before.
    RolledBack,
}

/// What the operator is told of the last settings that were for this terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Of the order that brought them.
    pub serial: Serial,
    /// What has become of them.
    pub state: Stage,
    /// Why they do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Everything that outlives the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    v: u32,
    serials: BTreeMap<Kind, Serial>,
    /// The settings from afar that count for good.
    overlay: Option<String>,
    staged: Option<Next>,
    trial: Option<Next>,
    report: Option<Report>,
    /// Whether the report stands in the audit journal.
    is_noted: bool,
}

impl State {
    /// No order was ever accepted; `overlay` is what is found all the same.
    pub fn new(overlay: Option<String>) -> Self {
        Self {
            v: 1,
            serials: BTreeMap::new(),
            overlay,
            staged: None,
            trial: None,
            report: None,
            is_noted: true,
        }
    }

    pub(super) fn is_understood(&self) -> bool {
        self.v == 1
    }

    /// The serial of the last order of this kind that was accepted.
    pub fn last(&self, kind: Kind) -> Option<Serial> {
        self.serials.get(&kind).copied()
    }

    /// Whether the order is newer than all of its kind.
    ///
    /// # Errors
    /// [`Refused::Replayed`].
    pub fn is_new(&self, kind: Kind, given: Serial) -> Result<(), Refused> {
        match self.last(kind) {
            Some(last) if last >= given => Err(Refused::Replayed { given, last }),
            Some(_) | None => Ok(()),
        }
    }

    /// Accepts an order: neither it nor an earlier one of its kind is accepted from here on. After
    /// a later one was accepted nothing changes.
    pub fn admit(&mut self, kind: Kind, serial: Serial) {
        let last = self.serials.entry(kind).or_insert(serial);
        *last = serial.max(*last);
    }

    /// Accepts settings that were checked; they take the place of others that wait. Those may be
    /// on trial and have done damage by now: what was well before them has to be well again.
    pub fn stage(&mut self, serial: Serial, toml: String, before: Before) {
        self.admit(Kind::Configure, serial);
        let others = [&self.trial, &self.staged].into_iter().flatten();
        let before = others.fold(before, |sum, other| sum.or(other.before));
        self.staged = Some(Next { serial, toml, before, starts: 0 });
        self.tell(serial, Stage::Staged, None);
    }

    /// Accepts an order whose settings cannot be, or cannot be any more. The operator is told
    /// unless there is something to be told of later ones.
    pub fn refuse(&mut self, serial: Serial, why: &str) {
        self.admit(Kind::Configure, serial);
        self.staged = self.staged.take().filter(|staged| staged.serial != serial);
        if self.report.as_ref().is_none_or(|report| report.serial <= serial) {
            self.tell(serial, Stage::Refused, Some(why));
        }
    }

    /// The settings that wait for the next moment without a payment.
    pub fn staged(&self) -> Option<(Serial, &str)> {
        self.staged.as_ref().map(|staged| (staged.serial, staged.toml.as_str()))
    }

    /// Begins the trial of the settings that were staged with `serial`.
    pub fn begin_trial(&mut self, serial: Serial) {
        if let Some(staged) = self.staged.take_if(|staged| staged.serial == serial) {
            self.trial = Some(staged);
            self.tell(serial, Stage::Trial, None);
        }
    }

    /// The program starts. It has ended in a trial if there is one, and that has failed if this is
    /// the second time.
    pub fn start(&mut self) {
        let Some(trial) = &mut self.trial else { return };
        trial.starts += 1;
        if trial.starts >= STARTS_MAX {
            let serial = trial.serial;
            self.conclude(serial, Some("the terminal ended twice with them"));
        }
    }

    /// What is on trial, and what it has to come up to.
    pub fn trial(&self) -> Option<(Serial, Before)> {
        self.trial.as_ref().map(|trial| (trial.serial, trial.before))
    }

    /// The trial of `serial` is over: well, or with what was `worse`. Nothing happens if that is
    /// not on trial any more.
    pub fn conclude(&mut self, serial: Serial, worse: Option<&str>) {
        let Some(trial) = self.trial.take_if(|trial| trial.serial == serial) else { return };
        match worse {
            None => {
                self.overlay = Some(trial.toml);
                self.tell(serial, Stage::Kept, None);
            }
            Some(why) => self.tell(serial, Stage::RolledBack, Some(why)),
        }
    }

    /// The settings from afar that count now.
    pub fn in_force(&self) -> Option<&str> {
        self.trial.as_ref().map(|trial| trial.toml.as_str()).or(self.overlay.as_deref())
    }

    /// What the operator is told.
    pub fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }

    /// What does not stand in the audit journal yet.
    pub fn unnoted(&self) -> Option<&Report> {
        self.report.as_ref().filter(|_| !self.is_noted)
    }

    /// It does now.
    pub fn noted(&mut self) {
        self.is_noted = true;
    }

    fn tell(&mut self, serial: Serial, state: Stage, why: Option<&str>) {
        let why = why.map(|why| why.chars().take(WHY_LEN_MAX).collect());
        (self.report, self.is_noted) = (Some(Report { serial, state, why }), false);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::fleet) const WELL: Before = Before { display: true, till: true, klarna: true };

    /// `word [serial]` per line; what comes of it after `->` is serial and stage of the report, and
    /// what is in force.
    fn check(script: &str) {
        let mut state = State::new(Some("local".to_owned()));
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (told, expected) = line.split_once("->").expect("what comes of it");
            let mut words = told.split_whitespace();
            let word = words.next().expect("a word");
            let serial =
                Serial::new(words.next().map_or(0, |text| text.parse().expect("a number")));
            match word {
                "stage" => state.stage(serial, format!("s{serial}"), WELL),
                "refuse" => state.refuse(serial, "wrong"),
                "begin" => state.begin_trial(serial),
                "start" => state.start(),
                "well" => state.conclude(serial, None),
                "worse" => state.conclude(serial, Some("worse")),
                _ => panic!("{word}"),
            }
            let report = state.report().map_or("-".to_owned(), |report| {
                let stage = serde_json::to_value(report.state).expect("JSON");
                format!("{} {}", report.serial, stage.as_str().expect("a word"))
            });
            let found = format!("{report} {}", state.in_force().unwrap_or("-"));
            assert_eq!(found, expected.trim(), "{line}");
            let json = serde_json::to_string(&state).expect("JSON");
            assert_eq!(serde_json::from_str::<State>(&json).expect("reads back"), state);
        }
    }

    #[test]
    fn settings_are_staged_tried_and_kept() {
        check(
            "start   -> - local
             stage 1 -> 1 staged local
             start   -> 1 staged local
             begin 2 -> 1 staged local
             begin 1 -> 1 trial s1
             begin 1 -> 1 trial s1
             well 2  -> 1 trial s1
             well 1  -> 1 kept s1
             worse 1 -> 1 kept s1
             start   -> 1 kept s1",
        );
    }

    #[test]
    fn a_trial_that_fails_or_dies_twice_leaves_what_was_before() {
        check(
            "stage 1 -> 1 staged local
             begin 1 -> 1 trial s1
             worse 1 -> 1 rolled_back local
             start   -> 1 rolled_back local
             stage 2 -> 2 staged local
             begin 2 -> 2 trial s2
             start   -> 2 trial s2
             start   -> 2 rolled_back local
             well 2  -> 2 rolled_back local
             stage 3 -> 3 staged local
             begin 3 -> 3 trial s3
             start   -> 3 trial s3
             well 3  -> 3 kept s3
             start   -> 3 kept s3
             start   -> 3 kept s3",
        );
    }

    #[test]
    fn later_settings_take_the_place_of_those_that_wait_or_are_tried() {
        check(
            "stage 1  -> 1 staged local
             stage 2  -> 2 staged local
             begin 1  -> 2 staged local
             refuse 3 -> 3 refused local
             begin 2  -> 2 trial s2
             stage 4  -> 4 staged s2
             begin 4  -> 4 trial s4
             well 2   -> 4 trial s4
             worse 4  -> 4 rolled_back local
             stage 5  -> 5 staged local
             refuse 5 -> 5 refused local
             begin 5  -> 5 refused local",
        );
    }

    #[test]
    fn a_serial_counts_once_and_for_its_kind() {
        let mut state = State::new(None);
        let serial = Serial::new;
        assert!(state.is_new(Kind::SyncNow, serial(0)).is_ok());
        state.admit(Kind::SyncNow, serial(5));
        for (given, is_new) in [(4, false), (5, false), (6, true)] {
            assert_eq!(state.is_new(Kind::SyncNow, serial(given)).is_ok(), is_new, "{given}");
        }
        assert!(state.is_new(Kind::RestartWhenIdle, serial(1)).is_ok());
        state.refuse(serial(9), &"x".repeat(10_000));
        let refused = Refused::Replayed { given: serial(9), last: serial(9) };
        assert_eq!(state.is_new(Kind::Configure, serial(9)), Err(refused));
        let why = state.report().and_then(|report| report.why.as_deref());
        assert_eq!(why.map(str::len), Some(WHY_LEN_MAX));
    }

    #[test]
    fn serials_never_go_back_and_an_earlier_refusal_says_nothing_of_a_later_order() {
        let serial = Serial::new;
        let mut state = State::new(None);
        state.stage(serial(5), "five".to_owned(), WELL);
        // One in which this terminal takes no part.
        state.admit(Kind::Configure, serial(6));
        state.refuse(serial(5), "wrong");
        assert_eq!(state.last(Kind::Configure), Some(serial(6)));
        assert!(state.is_new(Kind::Configure, serial(6)).is_err());
        let told = state.report().map(|report| (report.serial, report.state));
        assert_eq!(told, Some((serial(5), Stage::Refused)), "nothing was told of the other one");
        state.stage(serial(7), "seven".to_owned(), WELL);
        state.refuse(serial(5), "wrong");
        state.admit(Kind::Configure, serial(6));
        assert_eq!(state.last(Kind::Configure), Some(serial(7)));
        assert_eq!(state.staged(), Some((serial(7), "seven")));
        let told = state.report().map(|report| (report.serial, report.state));
        assert_eq!(told, Some((serial(7), Stage::Staged)));
    }

    #[test]
    fn settings_that_follow_others_do_not_pass_for_as_good_by_their_damage() {
        let ill = Before { display: false, till: false, klarna: false };
        let serial = Serial::new;
        let mut state = State::new(None);
        state.stage(serial(1), String::new(), Before { display: true, ..ill });
        state.stage(serial(2), String::new(), Before { till: true, ..ill });
        state.begin_trial(serial(2));
        let sum = Before { display: true, till: true, klarna: false };
        assert_eq!(state.trial(), Some((serial(2), sum)), "others that waited");
        state.stage(serial(3), String::new(), ill);
        state.begin_trial(serial(3));
        assert_eq!(state.trial(), Some((serial(3), sum)), "others on trial");
        state.conclude(serial(3), Some("worse"));
        state.stage(serial(4), String::new(), ill);
        state.begin_trial(serial(4));
        assert_eq!(state.trial(), Some((serial(4), ill)), "others whose trial is over");
    }

    #[test]
    fn a_trial_asks_for_no_more_than_there_was() {
        let all = Signs { journal: true, display: true, till: true, klarna: true };
        let none = Signs { journal: true, display: false, till: false, klarna: false };
        let ill = Before { display: false, till: false, klarna: false };
        assert_eq!(all.worse_than(WELL), None);
        assert_eq!(none.worse_than(ill), None);
        assert!(Signs { journal: false, ..all }.worse_than(ill).is_some());
        assert!(Signs { display: false, ..all }.worse_than(WELL).is_some());
        assert!(Signs { till: false, ..all }.worse_than(WELL).is_some());
        assert!(Signs { klarna: false, ..all }.worse_than(WELL).is_some());
    }
}
