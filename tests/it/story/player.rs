//! The language of the stories. Each input is a line; a `## ` line begins a new shop.
//!
//! ```text
//! policy capture=manual sale_timeout=60s
//! > sell R1 EUR 10.00              sale, the shopper pays, the till hears it and acknowledges
//! > till sale|abort|status|ack|refund|... as in the scenarios;   till unplugged|plugged
//! > shopper opens|approves|declines|leaves R1
//! > line down|up|down for 60d|down at confirm (its answer is on the way)
//!                                      storm 20: up for two seconds, down for one, 20 times
//! > lose 3 capture requests|answers        conflict confirm: it works, and the answer is a 409
//! > answers arrive                 from now on again
//! > push R1                        Klarna tells the state; without it, only reading does
//! > wait 25h                       until R1 approved|outbox empty within 30s
//! > restart    power cut [for 60d]         power cut in refunded at write 3
//! > power cut at capture           after Klarna has carried it out, before its answer
//! > clock 1970    clock back 10h    upgrade v1_fifty_refunds.sql
//! > repeat 20 over 5: till refund C# R@ EUR 1.00       # counts to 20, @ to 5 again and again
//! > expect klarna ...              expect outbox ...   expect till R1 ...   expect screen ...
//! > expect at least 19 Send capture        expect exactly 0 ReadFirst
//! ```

use super::books;
use crate::scenario::script::{configured, request_of, span};
use crate::world::shop::run::{Act, Disturbance, Shop, show};
use crate::world::shop::terminal::Death;
use crate::world::shop::till::{Commanded, Sold};
use crate::world::shop::{Settings, close, judge};
use klarna_terminald::id::{PosReference, RequestId};
use klarna_terminald::payment::effect::{Outcome, Refusal, RefusalReason};
use klarna_terminald::payment::event::Event;
use klarna_terminald::payment::vocabulary::{Request, SaleName, SaleOutcome};
use klarna_terminald::payment::{Input, Policy};
use std::collections::BTreeSet;

/// Both ways of the network.
const ROUND_TRIP: u64 = 200;
/// A line that is down until somebody repairs it.
const FOR_EVER: u64 = u64::MAX;
/// Lines that are told of one command.
const TOLD_MAX: usize = 40;
const HOUR: u64 = 3_600_000;
/// How long each half of a sale may take.
const SALE_WAIT: u64 = 30_000;
/// How long a call may take to be sent: two minutes after a start nothing old is.
const SEND_WAIT: u64 = 300_000;

/// What came of a file.
pub struct Played {
    pub transcript: String,
    /// Expectations that were not met, and what the judge says.
    pub wrongs: Vec<String>,
}

/// Plays all stories of a script.
pub fn run(script: &str) -> Played {
    let mut played = Played { transcript: String::new(), wrongs: Vec::new() };
    let mut player: Option<Player> = None;
    for line in script.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            finish(player.take(), &mut played);
            player = Some(Player::new(title, configured("")));
        } else if let Some(settings) = line.strip_prefix("policy ") {
            let title = player.take().map(|player| player.title).unwrap_or_default();
            player = Some(Player::new(&title, configured(settings)));
        }
        if line.starts_with("  ") {
            continue;
        }
        played.transcript += &format!("{line}\n");
        if let (Some(input), Some(player)) = (line.strip_prefix("> "), &mut player) {
            player.play(input);
            played.transcript += &player.news();
        }
    }
    finish(player, &mut played);
    played
}

/// Everything works again until nothing moves; then the three books are compared.
fn finish(player: Option<Player>, played: &mut Played) {
    let Some(mut player) = player else { return };
    player.shop.disturbances.clear();
    close(&mut player.shop);
    let (judged, _) = judge(&player.shop);
    let wrongs = player.shop.wrongs.iter().chain(&judged);
    let wrongs = wrongs.map(|(number, wrong)| format!("payment {number}: {wrong}"));
    let all = player.wrongs.iter().cloned().chain(wrongs);
    played.wrongs.extend(all.map(|wrong| format!("{}: {wrong}", player.title)));
}

struct Player {
    title: String,
    shop: Shop,
    wrongs: Vec<String>,
    /// Lines of the shop's story that were told.
    told: usize,
    /// Where the first of many repetitions ended.
    shown: Option<usize>,
}

impl Player {
    fn new(title: &str, policy: Policy) -> Self {
        let settings = Settings { faulty_disk: true, ..Settings::default() };
        let mut shop = Shop::by_the_book(policy, ROUND_TRIP, &settings);
        shop.polls = true;
        let told = shop.story.lines.len();
        Self { title: title.to_owned(), shop, wrongs: Vec::new(), told, shown: None }
    }

    /// What has happened since it was last asked, each thing once.
    fn news(&mut self) -> String {
        let mut seen = BTreeSet::new();
        let all = self.shop.story.lines.len();
        let end = self.shown.take().unwrap_or(all);
        let lines = &self.shop.story.lines[self.told..end];
        let mut out = String::new();
        for (payment, _, line) in lines {
            if seen.len() >= TOLD_MAX {
                out += "  and so on\n";
                break;
            }
            let asked = line.starts_with("till asks") || line.starts_with("the line is down");
            if asked || !seen.insert((payment, line)) {
                continue;
            }
            let line = line.replace("recorded ", "journal ").replace("till hears ", "till ");
            match payment {
                0 | &u32::MAX => out += &format!("  {line}\n"),
                number => out += &format!("  {number} {line}\n"),
            }
        }
        if end < all {
            out += "  and so on\n";
        }
        self.told = all;
        out
    }

    fn play(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["sell", name, currency, amount] => self.sell(name, currency, amount),
            ["till", "unplugged"] => self.shop.till_down_until = FOR_EVER,
            ["till", "plugged"] => self.shop.till_down_until = self.shop.t,
            ["till", ref words @ ..] => self.ask(request_of(words)),
            ["shopper", act, name] => self.shopper(act, name),
            ["line", "down", "for", time] => self.outage(millis(time)),
            ["line", "down", "at", operation] => {
                self.until_carried_out(operation);
                self.shop.line_down_until = FOR_EVER;
            }
            ["line", "down"] => self.shop.line_down_until = FOR_EVER,
            ["line", "up"] => self.shop.line_down_until = self.shop.t,
            ["storm", times] => self.storm(times.parse().expect("a number")),
            ["lose", count, operation, what] => self.lose(count, operation, what == "answers"),
            ["answers", "arrive"] => self.shop.disturbances.clear(),
            ["conflict", operation] => self.conflict(operation),
            ["push", name] => self.push(name),
            ["wait", time] => self.wait(millis(time)),
            ["until", ref what @ .., "within", time] => self.until(&what.join(" "), millis(time)),
            ["restart"] => self.dies(Death::Process, 3_000),
            ["power", "cut"] => self.dies(Death::PowerAndClock, 30_000),
            ["power", "cut", "for", time] => self.dies(Death::PowerAndClock, millis(time)),
            ["power", "cut", "at", operation] => {
                self.until_carried_out(operation);
                self.dies(Death::PowerAndClock, 30_000);
            }
            ["power", "cut", "in", event, "at", "write", number] => {
                self.shop.dark = 30_000;
                self.shop.cut_at = Some((event.to_owned(), number.parse().expect("a number")));
            }
            ["clock", "back", time] => {
                let by = i64::try_from(millis(time)).expect("a time");
                self.shop.terminal.set_wall(-by);
            }
            ["clock", "1970"] => {
                let wall = self.shop.terminal.now(self.shop.t).wall.millis();
                self.shop.terminal.set_wall(-wall);
            }
            ["upgrade", file] => super::upgrade::begin(&mut self.shop, file),
            ["repeat", count, "over", every, ..] => {
                let every = every.trim_end_matches(':').parse().expect("a number");
                let (_, what) = line.split_once(": ").expect("what is repeated");
                self.repeat(count.parse().expect("a number"), every, what);
            }
            ["expect", "at", "least", count, ..] => {
                self.counts(line, count, |is, least| is >= least)
            }
            ["expect", "exactly", count, ..] => {
                self.counts(line, count, |is, exactly| is == exactly)
            }
            ["expect", what, ref words @ ..] => self.expect(what, words),
            _ => panic!("a story does not say {line:?}"),
        }
    }

    fn wrong(&mut self, what: String) {
        self.wrongs.push(what);
    }

    // -- the till --------------------------------------------------------------------------------

    fn ask(&mut self, request: Request) {
        match &request {
            Request::Sale(sale) => {
                let sold = Sold { amount: sale.amount.minor(), ..Sold::default() };
                self.shop.till.sales.entry(sale.reference.to_string()).or_insert(sold);
            }
            Request::Capture(asked)
            | Request::Refund(asked)
            | Request::Void(asked)
            | Request::Release(asked) => {
                let SaleName::Till(_) = &asked.sale else {
                    panic!("a till names its own sales here")
                };
                let command = Commanded::default();
                self.shop.till.commands.entry(asked.reference.to_string()).or_insert(command);
            }
            _ => {}
        }
        self.shop.ask(request);
        self.wait(0);
    }

    fn sell(&mut self, name: &str, currency: &str, amount: &str) {
        self.play(&format!("till sale {name} {currency} {amount}"));
        let limit = self.shop.t + SALE_WAIT;
        while self.request(name).is_none() && self.shop.t < limit {
            self.wait(100);
        }
        // The code is on the screen as soon as the answer is there.
        self.wait(ROUND_TRIP);
        self.shopper("approves", name);
        self.until(&format!("{name} approved"), SALE_WAIT);
        self.play(&format!("till ack {name}"));
    }

    /// What the till was told last of a sale.
    fn outcome(&self, name: &str) -> String {
        let told = self.shop.till.sales.get(name).and_then(|sold| sold.told.last());
        match told.map(|(outcome, _)| *outcome) {
            None => "nothing".to_owned(),
            Some(SaleOutcome::Approved) => "approved".to_owned(),
            Some(SaleOutcome::NotPaid(_)) => "not_paid".to_owned(),
            Some(SaleOutcome::Voided(_)) => "voided".to_owned(),
        }
    }

    // -- the shopper and Klarna ------------------------------------------------------------------

    fn request(&self, name: &str) -> Option<String> {
        let of = self.shop.terminal.disk.records.iter().rev().find_map(|record| {
            match &record.event {
                Event::SaleRequested { sale, payment_reference }
                    if sale.reference.as_str() == name =>
                {
                    Some(payment_reference.to_string())
                }
                _ => None,
            }
        })?;
        let mut requests = self.shop.klarna.requests.iter();
        requests.find(|(_, request)| request.of == of).map(|(id, _)| id.clone())
    }

    fn shopper(&mut self, act: &str, name: &str) {
        let act = match act {
            "opens" => Act::Opens,
            "approves" => Act::Approves,
            "declines" => Act::Declines,
            "leaves" => Act::Leaves,
            other => panic!("a shopper does not {other}"),
        };
        let id = self.request(name).expect("Klarna has a request for it");
        self.shop.shopper(&id, act);
    }

    fn push(&mut self, name: &str) {
        let id = self.request(name).expect("Klarna has a request for it");
        let state = self.shop.klarna.read(self.shop.t, &id);
        let sale = PosReference::new(name).expect("a reference");
        let found = self.shop.terminal.engine.payments().find(|p| p.sale.reference == sale);
        let payment = found.expect("it is running").id;
        let request = RequestId::new(id).expect("an id");
        self.shop.input(Input::Observed { payment, request, state });
        self.wait(0);
    }

    fn lose(&mut self, count: &str, operation: &str, arrives: bool) {
        for _ in 0..count.parse().expect("a number") {
            self.disturb(operation, arrives, None);
        }
    }

    fn conflict(&mut self, operation: &str) {
        let refusal = Refusal::new(RefusalReason::NotAllowed, "CONFLICT", "409");
        self.disturb(operation, true, Some(Outcome::Refused(refusal)));
    }

    fn disturb(&mut self, operation: &str, arrives: bool, answer: Option<Outcome>) {
        let known = ["create", "cancel", "confirm", "capture", "refund", "void"];
        let operation = known.into_iter().find(|known| *known == operation);
        let operation = operation.expect("an operation");
        self.shop.disturbances.push(Disturbance { operation, arrives, answer });
    }

    fn storm(&mut self, times: u32) {
        for _ in 0..times {
            self.shop.line_down_until = self.shop.t;
            self.wait(2_050);
            self.shop.line_down_until = FOR_EVER;
            self.wait(950);
        }
    }

    /// In the long run a call takes an hour to find that the line is down, only to save the
    /// simulation's time: keys grow as old as they would with a try every 15 seconds.
    fn outage(&mut self, time: u64) {
        self.shop.line_down_until = FOR_EVER;
        let hasty = time.min(2 * HOUR);
        self.shop.stall = HOUR;
        self.wait(time - hasty);
        self.shop.stall = 50;
        self.wait(hasty);
        self.shop.line_down_until = self.shop.t;
    }

    // -- time ------------------------------------------------------------------------------------

    fn wait(&mut self, time: u64) {
        let until = self.shop.t + time;
        self.shop.run_until(until);
    }

    fn until(&mut self, what: &str, within: u64) {
        let limit = self.shop.t + within;
        let pace = if within > 600_000 { 10_000 } else { 100 };
        let is_so = |player: &Self| match what.split_once(' ') {
            Some(("outbox", rest)) => books::outbox(&player.shop) == rest,
            Some((name, outcome)) => player.outcome(name) == outcome,
            None => panic!("nothing to wait for in {what:?}"),
        };
        while !is_so(self) && self.shop.t < limit {
            self.wait(pace);
        }
        if !is_so(self) {
            let (outbox, now) = (books::outbox(&self.shop), self.shop.t);
            self.wrong(format!("not {what} within {within} ms (outbox {outbox}, {now})"));
        }
    }

    fn dies(&mut self, death: Death, dark: u64) {
        self.shop.dark = dark;
        self.shop.dies(death);
        self.wait(dark);
    }

    /// Until Klarna has carried out the next such call; its answer is on the way.
    fn until_carried_out(&mut self, operation: &str) {
        let carried_out = format!("klarna Send {operation}");
        let before = books::times(&self.shop, &carried_out);
        let limit = self.shop.t + SEND_WAIT;
        while books::times(&self.shop, &carried_out) == before && self.shop.step(limit) {}
        if books::times(&self.shop, &carried_out) == before {
            self.wrong(format!("no {operation} was sent"));
        }
    }

    /// Told once: what comes after is the same with other numbers.
    fn repeat(&mut self, count: u32, every: u32, what: &str) {
        for number in 0..count {
            let line = what.replace('#', &(number + 1).to_string());
            self.play(&line.replace('@', &(number % every + 1).to_string()));
            self.shown.get_or_insert(self.shop.story.lines.len());
        }
    }

    // -- expectations ----------------------------------------------------------------------------

    fn counts(&mut self, line: &str, count: &str, holds: impl Fn(usize, usize) -> bool) {
        let (_, what) = line.split_once(&format!(" {count} ")).expect("what is counted");
        let (is, count) = (books::times(&self.shop, what), count.parse().expect("a number"));
        if !holds(is, count) {
            self.wrong(format!("{line}: it is {is}"));
        }
    }

    fn expect(&mut self, what: &str, words: &[&str]) {
        let expected = words.join(" ");
        let is = match what {
            "klarna" => books::klarna(&self.shop),
            "outbox" => books::outbox(&self.shop),
            "screen" => {
                show::screen(&self.shop.terminal.engine.screen(self.shop.terminal.now(self.shop.t)))
            }
            "till" => self.status(words[0]),
            other => panic!("nothing is known of {other}"),
        };
        if is != expected {
            self.wrong(format!("expected {what} {expected}\n  but it is {is}"));
        }
    }

    /// What the till hears when it asks.
    fn status(&mut self, name: &str) -> String {
        let before = self.shop.story.lines.len();
        self.ask(Request::Status { reference: PosReference::new(name).expect("a reference") });
        let heard = self.shop.story.lines[before..].iter();
        let answer = heard.rev().find_map(|(_, _, line)| line.strip_prefix("till hears "));
        let answer = answer.unwrap_or("no answer").replace(&format!("{name} status "), "");
        let again = format!("{name} ");
        format!("{name} {}", answer.strip_prefix(&again).unwrap_or(&answer))
    }
}

fn millis(text: &str) -> u64 {
    u64::try_from(span(text).as_millis()).expect("a time")
}
