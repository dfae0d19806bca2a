//! The language of the scripts. Each input is a line; a `## ` line begins a new world.
//!
//! ```text
//! policy capture=manual sale_timeout=60s
//! > till sale R1 EUR 12.34 [lines 10.00 2.34]    abort|status|ack R1, back
//! > till capture|refund C1 R1 [EUR 5.00]         void V1 R1, release, end_shift Z1
//! > till refund F1 tx:TX, payment:NAME            update U1 R1 order 7
//! > till reserve R1 EUR 50.00   book B1 R1 [EUR 5.00]   reverse B1 R1 [EUR 5.00]   reservation Q1
//! > till totals X1
//! > till retry Q1 [1.2]                           resolve Q1 1.2 what was done
//! > found TX EUR 50.00 captured 20.00 refunded 5.00 [closed], not_found, offline
//! > create done|unavailable|refused CODE|retry|unknown|offline|absent    [of 2]
//! > cancel done|expired|gone|authorised TX|refused CODE|...
//! > confirm done TX   capture done   refund done   void done
//! > seen submitted|in_progress|pending TOKEN|authorised TX|cancelled|expired|declined|gone|OTHER
//! > noted dispute|settlement|account EVENT [TX] [everybody]
//! > wait 300s   restart   start   clock -10y
//! ```
//! `of 2` means payment 2; otherwise it is the newest that such a call or request belongs to.

use super::disk::Disk;
use super::world::{World, policy};
use klarna_terminald::id::{
    CallId, CaptureId, ConfirmationToken, DistributionUrl, EffectReference, EventId, EventType,
    Label, PaymentId, PaymentReference, PosReference, RefundId, RequestId, TransactionId,
};
use klarna_terminald::money::{Amount, Currency};
use klarna_terminald::payment::effect::{
    Delay, Effect, Ended, Outcome, Refusal, RefusalReason, RequestState,
};
use klarna_terminald::payment::event::{LineItem, Sale};
use klarna_terminald::payment::found::{Found, FoundCapture, FoundRefund, NotFound};
use klarna_terminald::payment::notice::{Concern, Notice};
use klarna_terminald::payment::state::IllegalEvent;
use klarna_terminald::payment::vocabulary::{Operation, Request, SaleName};
use klarna_terminald::payment::{CapturePolicy, Input, Policy};
use std::collections::BTreeMap;
use std::time::Duration;

/// Runs all scenarios of a script; returns the whole transcript.
pub fn run(script: &str) -> String {
    let mut out = String::new();
    let mut player = Player::new(policy(), Disk::with_store());
    for line in script.lines() {
        if line.starts_with("## ") {
            player = Player::new(policy(), Disk::with_store());
        } else if let Some(settings) = line.strip_prefix("policy ") {
            player = Player::new(configured(settings), Disk::with_store());
        } else if let Some(input) = line.strip_prefix("> ") {
            out += &format!("{line}\n");
            let _ = player.play(input);
            for line in std::mem::take(&mut player.world.lines) {
                out += &format!("  {line}\n");
            }
            continue;
        }
        if !line.starts_with("  ") {
            out += &format!("{line}\n");
        }
    }
    out
}

/// A script's scenarios, each with its policy: the inputs alone.
pub fn scenarios(script: &str) -> Vec<(String, Policy, Vec<String>)> {
    let mut found = Vec::new();
    for line in script.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            found.push((title.to_owned(), policy(), Vec::new()));
            continue;
        }
        let Some((_, policy, inputs)) = found.last_mut() else { continue };
        if let Some(settings) = line.strip_prefix("policy ") {
            *policy = configured(settings);
        } else if let Some(input) = line.strip_prefix("> ") {
            inputs.push(input.to_owned());
        }
    }
    found
}

/// A policy as a `policy` line says.
pub fn configured(settings: &str) -> Policy {
    let mut policy = policy();
    for setting in settings.split_whitespace() {
        let (name, value) = setting.split_once('=').expect("name=value");
        match name {
            "capture" => {
                policy.capture = match value {
                    "on_till_ack" => CapturePolicy::OnTillAck,
                    "manual" => CapturePolicy::Manual,
                    "end_of_shift" => CapturePolicy::EndOfShift,
                    other => panic!("no capture policy {other}"),
                }
            }
            "refund_offline" => policy.refund_offline = value == "true",
            "sale_timeout" => policy.sale_timeout = span(value),
            "acknowledge_patience" => policy.acknowledge_patience = span(value),
            "linger" => policy.linger = Some(span(value)),
            other => panic!("no setting {other}"),
        }
    }
    policy
}

/// A world that is played by lines of text.
pub struct Player {
    pub world: World,
    attempts: BTreeMap<CallId, u32>,
    /// The newest call of each kind, so that a late answer finds its call.
    newest: BTreeMap<&'static str, CallId>,
    newest_request: u32,
}

impl Player {
    pub fn new(policy: Policy, disk: Disk) -> Self {
        let world = World::new(policy, disk);
        Self { world, attempts: BTreeMap::new(), newest: BTreeMap::new(), newest_request: 0 }
    }

    /// Plays one line.
    pub fn play(&mut self, line: &str) -> Result<(), IllegalEvent> {
        let played = self.understand(line);
        let rows = self.world.disk.queued.values();
        self.newest.extend(rows.map(|row| (row.call.kind.operation(), row.call.id)));
        played
    }

    fn understand(&mut self, line: &str) -> Result<(), IllegalEvent> {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        let of = words.iter().position(|word| *word == "of");
        let of = of.map(|at| words.split_off(at)[1].parse().expect("a payment's number"));
        match words[..] {
            ["till", "back"] => self.world.input(Input::TillReturned).map(drop),
            ["till", ref request @ ..] => self.world.till(request_of(request)).map(drop),
            ["seen", ref seen @ ..] => self.seen(seen, of),
            ["noted", concern, id, ref rest @ ..] => {
                let is_ours = !rest.contains(&"everybody");
                let transaction = rest.iter().find(|word| **word != "everybody");
                self.world.noted(notice(concern, id, transaction.copied()), is_ours).map(drop)
            }
            ["wait", time] => {
                self.world.wait(span(time));
                Ok(())
            }
            ["start"] => self.world.input(Input::Started).map(drop),
            ["found", ref words @ ..] => {
                let found = found(words);
                self.world.looked(Ok(found)).map(drop)
            }
            ["not_found"] => self.world.looked(Err(NotFound::Unknown)).map(drop),
            ["offline"] => {
                let why = "no route".to_owned();
                self.world.looked(Err(NotFound::Unreachable(why))).map(drop)
            }
            ["restart"] => {
                self.world.restart();
                self.attempts.clear();
                Ok(())
            }
            ["clock", jump] => {
                self.jump(jump);
                Ok(())
            }
            [operation, ref outcome @ ..] => self.outcome(operation, outcome, of),
            [] => panic!("an empty line"),
        }
    }

    fn jump(&mut self, jump: &str) {
        let (back, length) = jump.strip_prefix('-').map_or((false, jump), |rest| (true, rest));
        let millis = i64::try_from(span(length.trim_start_matches('+')).as_millis()).unwrap();
        let wall = self.world.now.wall.millis();
        let wall = if back { wall - millis } else { wall + millis };
        self.world.now.wall = klarna_terminald::clock::Wall::from_millis(wall);
    }

    fn seen(&mut self, seen: &[&str], of: Option<u32>) -> Result<(), IllegalEvent> {
        let state = match seen {
            ["submitted"] => RequestState::Submitted,
            ["in_progress"] => RequestState::InProgress,
            ["pending", token] => {
                RequestState::PendingConfirmation { token: ConfirmationToken::new(*token).unwrap() }
            }
            ["authorised", id] => {
                RequestState::Authorised { transaction: TransactionId::new(*id).unwrap() }
            }
            ["cancelled"] => RequestState::Ended(Ended::Cancelled),
            ["expired"] => RequestState::Ended(Ended::Expired),
            ["declined"] => RequestState::Ended(Ended::Declined),
            ["gone"] => RequestState::Ended(Ended::Unknown),
            [other] => RequestState::Other((*other).to_owned()),
            other => panic!("cannot see {other:?}"),
        };
        let number = of.unwrap_or(self.newest_request);
        let payment = PaymentId::new(number);
        let request = request_id(number);
        self.world.input(Input::Observed { payment, request, state }).map(drop)
    }

    fn outcome(
        &mut self,
        operation: &str,
        words: &[&str],
        of: Option<u32>,
    ) -> Result<(), IllegalEvent> {
        let is_it = |number: u32| of.is_none_or(|of| of == number);
        let rows = self.world.disk.sendable();
        let row = rows.iter().rev().find(|row| {
            row.call.kind.operation() == operation && is_it(row.call.id.payment.number())
        });
        let call = match row {
            Some(row) => row.call.id,
            None => {
                let newest = self.newest.get(operation).copied();
                let waits = |call| self.world.disk.queued.contains_key(&call);
                let (note, late) = match newest {
                    None => ("there is no such call", None),
                    Some(call) if waits(call) => ("that call waits for another", None),
                    Some(call) => ("a late answer", Some(call)),
                };
                self.world.lines.push(format!("({note})"));
                let Some(call) = late else { return Ok(()) };
                call
            }
        };
        let outcome = self.outcome_of(operation, words, call);
        let attempts = self.attempts.entry(call).or_default();
        *attempts += 1;
        let attempts = *attempts;
        self.world.input(Input::Outcome { call, attempts, outcome }).map(drop)
    }

    fn outcome_of(&mut self, operation: &str, words: &[&str], call: CallId) -> Outcome {
        let effect = |effect| Outcome::Done(effect);
        let number = call.payment.number();
        let id = format!("{operation}-{number}.{}", call.sequence);
        match (operation, words) {
            (_, ["retry"]) => Outcome::Retry(Delay::because("429")),
            (_, ["offline"]) => Outcome::Retry(Delay::offline("no route")),
            (_, ["unknown"]) => Outcome::Unknown(Delay::because("time-out")),
            (_, ["absent"]) => Outcome::Absent,
            (_, ["refused", code]) => {
                let reason = match *code {
                    "NOT_AVAILABLE" => RefusalReason::NotAvailable,
                    "CONTRADICTION" => RefusalReason::Contradiction,
                    _ => RefusalReason::NotAllowed,
                };
                Outcome::Refused(Refusal::new(reason, code, "as the script says"))
            }
            ("create", ["done"]) => {
                self.newest_request = number;
                let hosts = ["pay.klarna.com".to_owned()];
                let url = format!("https://pay.klarna.com/{number}");
                let url = DistributionUrl::new(&url, &hosts).unwrap();
                effect(Effect::Created { request: request_id(number), url, descriptor: None })
            }
            ("create", ["unavailable"]) => {
                effect(Effect::CreatedUnavailable { request: request_id(number) })
            }
            ("cancel", ["done"]) => effect(Effect::Ended(Ended::Cancelled)),
            ("cancel", ["expired"]) => effect(Effect::Ended(Ended::Expired)),
            ("cancel", ["gone"]) => effect(Effect::Ended(Ended::Unknown)),
            ("cancel", ["authorised", id]) | ("confirm", ["done", id]) => {
                effect(Effect::Authorised { transaction: TransactionId::new(*id).unwrap() })
            }
            ("capture", ["done"]) => {
                effect(Effect::Captured { capture: Some(CaptureId::new(id).unwrap()) })
            }
            ("refund", ["done"]) => {
                effect(Effect::Refunded { refund: Some(RefundId::new(id).unwrap()) })
            }
            ("void", ["done"]) => effect(Effect::Voided),
            ("update", ["done"]) => effect(Effect::Updated),
            ("check", ["done"]) => effect(Effect::Checked),
            ("check", ["silent"]) => effect(Effect::NotComparable("no sums".to_owned())),
            other => panic!("no outcome {other:?}"),
        }
    }
}

fn notice(concern: &str, id: &str, transaction: Option<&str>) -> Notice {
    Notice {
        id: EventId::new(id).unwrap(),
        concern: Concern::named(concern).expect("a concern"),
        kind: EventType::new(format!("{concern}.news")).unwrap(),
        transaction: transaction.map(|id| TransactionId::new(id).unwrap()),
        dispute: None,
        occurred_at: None,
    }
}

/// A transaction as Klarna would describe it: each `captured` and `refunded` is a row of its own,
/// and a refund is of the newest capture before it.
fn found(words: &[&str]) -> Found {
    let [id, currency, authorised, rows @ ..] = words else { panic!("not found: {words:?}") };
    let authorised = money(currency, authorised);
    let mut found = Found {
        transaction: TransactionId::new(*id).unwrap(),
        authorised,
        capturable: authorised,
        captures: Vec::new(),
        refunds: Vec::new(),
        closed: rows.contains(&"closed"),
        merchant_reference: None,
        payment_reference: None,
    };
    for row in rows.chunks(2).filter(|row| row.len() == 2) {
        if row[0] == "name" {
            found.payment_reference = PaymentReference::new(row[1]).ok();
            continue;
        }
        let (amount, reference) = row[1].split_once('/').unwrap_or((row[1], ""));
        let reference = EffectReference::new(reference).ok();
        let amount = money(currency, amount);
        let number = found.captures.len();
        match row[0] {
            "captured" => {
                let id = CaptureId::new(format!("{id}:capture:{}", number + 1)).ok();
                found.captures.push(FoundCapture { id, reference, amount });
                found.capturable = found.capturable.checked_sub(amount).unwrap();
            }
            "refunded" => {
                let capture = CaptureId::new(format!("{id}:capture:{number}")).ok();
                let refund = RefundId::new(format!("{id}:refund:{}", found.refunds.len() + 1)).ok();
                found.refunds.push(FoundRefund { id: refund, capture, reference, amount });
            }
            "left" => found.capturable = amount,
            "nameless" => {
                found.refunds.push(FoundRefund {
                    id: None,
                    capture: None,
                    reference: None,
                    amount,
                });
            }
            "ours" => {
                let id = RefundId::new(row[1].split_once('/').expect("an id").1).ok();
                let capture = CaptureId::new(format!("{id:?}")).ok();
                found.refunds.push(FoundRefund { id, capture, reference: None, amount });
            }
            other => panic!("no row {other}"),
        }
    }
    found
}

pub fn request_id(number: u32) -> RequestId {
    RequestId::new(format!("krn:request:{number}")).unwrap()
}

pub fn request_of(words: &[&str]) -> Request {
    let name = |text: &str| PosReference::new(text).unwrap();
    let operation = |reference: &str, sale: &str, amount: &[&str]| Operation {
        reference: name(reference),
        sale: sale_name(sale),
        amount: amount.first().map(|currency| money(currency, amount[1])),
        why: None,
    };
    match words {
        ["sale", reference, currency, amount, lines @ ..] => Request::Sale(Sale {
            line_items: lines.iter().skip(1).map(|total| line(total, currency)).collect(),
            ..sale(name(reference), money(currency, amount))
        }),
        ["abort", reference] => Request::Abort { reference: name(reference) },
        ["status", reference] => Request::Status { reference: name(reference) },
        ["last", reference] => Request::Last { reference: name(reference), prefix: "R" },
        ["ack", reference] => Request::Acknowledge { reference: name(reference) },
        ["capture", reference, sale, amount @ ..] => {
            Request::Capture(operation(reference, sale, amount))
        }
        ["refund", reference, sale, amount @ ..] => {
            Request::Refund(operation(reference, sale, amount))
        }
        ["void", reference, sale, amount @ ..] => Request::Void(operation(reference, sale, amount)),
        ["release", reference, sale, amount @ ..] => {
            Request::Release(operation(reference, sale, amount))
        }
        ["update", reference, sale, label @ ..] => Request::Update {
            reference: name(reference),
            sale: sale_name(sale),
            merchant_reference: Label::new(label.join(" ")).unwrap(),
        },
        ["find", reference, sale] => {
            Request::Find { reference: name(reference), sale: sale_name(sale) }
        }
        ["retry", reference] => Request::Retry { reference: name(reference), call: None },
        ["retry", reference, call] => {
            Request::Retry { reference: name(reference), call: Some(call.parse().unwrap()) }
        }
        ["resolve", reference, call, reason @ ..] => Request::Resolve {
            reference: name(reference),
            call: call.parse().unwrap(),
            reason: Label::new(reason.join(" ")).unwrap(),
        },
        ["reserve", reference, currency, amount] => {
            let (reference, amount) = (name(reference), money(currency, amount));
            Request::Sale(Sale { reserved: true, ..sale(reference, amount) })
        }
        ["book", reference, sale, amount @ ..] => Request::Book(operation(reference, sale, amount)),
        ["reverse", reference, sale, amount @ ..] => {
            Request::PartialReversal(operation(reference, sale, amount))
        }
        ["reservation", reference] => Request::Reservation { reference: name(reference) },
        ["totals", reference] => Request::Totals { reference: name(reference) },
        ["end_shift", reference] => Request::EndShift { reference: name(reference), shift: None },
        ["end_shift", reference, shift] => {
            Request::EndShift { reference: name(reference), shift: Some(shift.parse().unwrap()) }
        }
        other => panic!("a till does not say {other:?}"),
    }
}

fn sale(reference: PosReference, amount: Amount) -> Sale {
    let (merchant_reference, line_items, locale) = (None, Vec::new(), None);
    Sale { reference, amount, merchant_reference, line_items, locale, reserved: false }
}

/// `R1`, `payment:S1-...` or `tx:krn...`.
fn sale_name(text: &str) -> SaleName {
    match text.split_once(':') {
        Some(("number", number)) => SaleName::Number(PaymentId::new(number.parse().unwrap())),
        Some(("receipt", digits)) => SaleName::Receipt(digits.parse().unwrap()),
        Some(("trace", digits)) => SaleName::Trace(digits.parse().unwrap()),
        Some(("payment", name)) => SaleName::Payment(PaymentReference::new(name).unwrap()),
        Some(("tx", id)) => SaleName::Transaction(TransactionId::new(id).unwrap()),
        _ => SaleName::Till(PosReference::new(text).unwrap()),
    }
}

/// `5.00`, or `SEK:5.00` in a currency of its own.
fn line(total: &str, currency: &str) -> LineItem {
    let (currency, total) = total.split_once(':').unwrap_or((currency, total));
    LineItem { name: Label::new("thing").unwrap(), quantity: 1, total: money(currency, total) }
}

fn money(currency: &str, amount: &str) -> Amount {
    Amount::parse(amount, Currency::new(currency).expect("a currency")).expect("an amount")
}

pub fn span(text: &str) -> Duration {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number: u64 = text[..text.len() - unit.len()].parse().expect("a number");
    let seconds = match unit {
        "ms" => return Duration::from_millis(number),
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "y" => 365 * 86_400,
        other => panic!("no unit {other}"),
    };
    Duration::from_secs(number * seconds)
}
