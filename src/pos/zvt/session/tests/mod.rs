//! Dialogues byte for byte, with a core that says what the test says.

use super::*;
use crate::clock::{Wall, Zone};
use crate::id::{PaymentId, PaymentReference};
use crate::money::{Amount, Currency};
use crate::payment::event::{NotPaid, OperationProgress, VoidReason};
use crate::payment::vocabulary::{
    OperationKind, OperationResult, Problem, SaleOutcome, SaleResult, Stage,
};
use crate::pos::zvt::bcd::{Password, TerminalId};
use crate::pos::zvt::hex;

mod lost;
mod random;
mod registration;
mod serial;
mod settling;

struct Till {
    session: Session,
    now: Mono,
}

const ACK: &str = "80 00 00";
const DONE: &str = "06 0F 00";
const FAILED_6C: [&str; 2] = [
    "04 0F 26 27 6C 29 12 34 56 78 3C F0 F2 F7 41 62 67 65 62 72 6F 63 68 65 6E 2C 20 6E 69 63 68 \
     74 73 20 62 65 7A 61 68 6C 74",
    "06 1E 01 6C",
];
const APPROVED: &str = "04 0F 4B 27 00 04 00 00 00 00 10 10 0B 00 00 10 0C 22 13 20 0D 11 14 19 60 \
    29 12 34 56 78 3C F0 F2 F2 4B 6C 61 72 6E 61 20 53 31 2D 54 31 2D 31 2D 61 31 62 32 63 33 64 \
    49 09 78 87 00 10 88 00 00 10 8A 78 8B F0 F7 4B 6C 61 72 6E 61 00";

fn euro(minor: i64) -> Amount {
    Amount::new(minor, Currency::new("EUR").expect("EUR"))
}

impl Till {
    fn new() -> Self {
        Self::with(Profile::Standard, Line::Tcp)
    }

    fn with(profile: Profile, line: Line) -> Self {
        let settings = Settings {
            terminal: TerminalId::new(12_345_678).expect("eight digits"),
            currency: Currency::new("EUR").expect("EUR"),
            password: Some(Password::new(123_456).expect("six digits")),
            card_type: 120,
            profile,
            merchant: "Example Store".to_owned(),
            zone: Zone::UTC,
        };
        let session = Session::new(settings, line, Uuid::from_u128(7));
        let mut till = Self { session, now: Mono::new(Duration::from_secs(100)) };
        assert_eq!(till.session.up(till.now), [TillEvent::Returned]);
        till
    }

    /// Registered with `config`, and nothing on its way.
    fn registered(config: &str) -> Self {
        let mut till = Self::new();
        assert!(till.say(&format!("06 00 06 12 34 56 {config} 09 78")).is_empty());
        assert_eq!(till.hear(), [ACK, "06 0F 0A 19 00 29 12 34 56 78 49 09 78"]);
        till.say(ACK);
        till
    }

    fn say(&mut self, bytes: &str) -> Vec<Request> {
        let events = self.session.receive(self.now, &hex::bytes(bytes));
        requests(events)
    }

    fn reply(&mut self, reply: Reply) -> Vec<Request> {
        requests(self.session.reply(self.now, &reply))
    }

    /// Everything that is written now.
    fn hear(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.session.poll_write(self.now)).map(|b| hex::text(&b)).collect()
    }

    /// Hears `blocks` one after the other, acknowledging each.
    fn take(&mut self, blocks: &[&str]) -> Vec<Request> {
        let mut asked = Vec::new();
        for block in blocks {
            assert_eq!(self.hear(), [*block]);
            asked.extend(self.say(ACK));
        }
        assert_eq!(self.hear(), [""; 0], "nothing more");
        asked
    }

    fn wait(&mut self, wait: Duration) -> Vec<Request> {
        self.now = self.now.after(wait);
        requests(self.session.tick(self.now))
    }

    /// A sale that the core has taken, acknowledged to the till.
    fn sale(&mut self) -> PosReference {
        let asked = self.say("06 01 0A 04 00 00 00 00 10 10 49 09 78");
        let [Request::Sale(sale)] = &asked[..] else { panic!("{asked:?}") };
        assert_eq!(sale.amount, euro(1010));
        assert_eq!(self.hear(), [""; 0], "not before the core has taken it");
        let reference = sale.reference.clone();
        self.reply(progress(&reference, Stage::Checking));
        assert_eq!(self.hear()[0], ACK);
        reference
    }

    /// As [`Self::sale`], approved and told.
    fn approved(&mut self) -> PosReference {
        let reference = self.sale();
        assert_eq!(self.reply(result(&reference, SaleOutcome::Approved)), []);
        assert_eq!(self.hear(), [APPROVED]);
        reference
    }
}

fn requests(events: Vec<TillEvent>) -> Vec<Request> {
    let request = |event| match event {
        TillEvent::Request(request) => Some(request),
        TillEvent::Returned | TillEvent::Lost | TillEvent::Registered(_) => None,
    };
    events.into_iter().filter_map(request).collect()
}

/// `04 0F` with a code, the terminal and a text.
fn failure(code: &str, text: &str) -> String {
    let (tens, ones) = (text.len() / 10, text.len() % 10);
    let body =
        format!("27 {code} 29 12 34 56 78 3C F0 F{tens} F{ones} {}", hex::text(text.as_bytes()));
    format!("04 0F {:02X} {body}", body.split(' ').count())
}

fn progress(reference: &PosReference, stage: Stage) -> Reply {
    Reply::Progress { reference: reference.clone(), stage }
}

fn sale_result(reference: &PosReference, outcome: SaleOutcome) -> SaleResult {
    SaleResult {
        reference: reference.clone(),
        outcome,
        amount: euro(1010),
        number: PaymentId::new(10),
        payment_reference: PaymentReference::new("S1-T1-1-a1b2c3d").expect("reference"),
        merchant_reference: None,
        transaction: None,
        at: Wall::from_millis(1_700_000_000_123),
        locale: None,
        receipt: vec!["BEZAHLT".to_owned()],
    }
}

fn result(reference: &PosReference, outcome: SaleOutcome) -> Reply {
    Reply::Result(Box::new(sale_result(reference, outcome)))
}

fn refused(reference: &PosReference, problem: Problem) -> Reply {
    Reply::Refused { reference: Some(reference.clone()), problem }
}

fn is_void_of(asked: &[Request], sale: &PosReference) -> bool {
    matches!(asked, [Request::Void(operation)] if operation.sale == SaleName::Till(sale.clone()))
}

fn is_abort_of(asked: &[Request], sale: &PosReference) -> bool {
    matches!(asked, [Request::Abort { reference }] if reference == sale)
}

#[test]
fn a_payment_is_final_once_the_till_has_acknowledged_it() {
    let mut till = Till::registered("06");
    let reference = till.approved();
    let asked = till.say(ACK);
    assert!(matches!(&asked[..], [Request::Acknowledge { reference: r }] if *r == reference));
    assert_eq!(till.hear(), [""; 0], "the core has not recorded it yet");
    till.reply(Reply::Acknowledged { reference: reference.clone() });
    till.take(&[DONE]);
    assert_eq!(till.reply(result(&reference, SaleOutcome::Approved)), [], "told already");
}

#[test]
fn receipts_are_printed_before_the_end() {
    let mut till = Till::registered("82");
    let reference = till.approved();
    till.say(ACK);
    till.reply(Reply::Acknowledged { reference });
    let line = |attribute: &str, text: &str| {
        format!("06 D1 {:02X} {attribute} {}", text.len() + 1, hex::text(text.as_bytes()))
    };
    for copy in ["HAENDLERBELEG", "KUNDENBELEG"] {
        for text in [copy, "BEZAHLT", "Terminal-ID     12345678", "Beleg-Nr.           0010"] {
            assert_eq!(till.hear(), [line("00", text)]);
            till.say(ACK);
        }
        assert_eq!(till.hear(), [line("80", "Trace-Nr.         000010")]);
        till.say(ACK);
    }
    assert_eq!(till.hear(), [DONE]);
}

#[test]
fn a_result_that_is_refused_or_unanswered_is_given_back() {
    for refusal in [Some("84 66 00"), None] {
        let mut till = Till::registered("06");
        let reference = till.approved();
        let asked = match refusal {
            Some(refusal) => till.say(refusal),
            None => till.wait(Duration::from_secs(5)),
        };
        assert!(is_void_of(&asked, &reference), "{asked:?}");
        assert_eq!(till.say(ACK), [], "too late");
        assert_eq!(till.hear(), [""; 0]);
        let voided = SaleOutcome::Voided(VoidReason::RequestedByTill);
        till.reply(result(&reference, voided));
        assert_eq!(till.take(&FAILED_6C), []);
    }
}

#[test]
fn a_result_is_sent_again_when_the_till_asks_for_it_but_not_for_ever() {
    let mut till = Till::registered("06");
    let reference = till.approved();
    for _ in 0..3 {
        assert_eq!(till.say("84 9C 00"), []);
        assert_eq!(till.hear(), [""; 0]);
        assert_eq!(till.wait(Duration::from_secs(2)), []);
        assert_eq!(till.hear(), [APPROVED]);
    }
    assert!(is_void_of(&till.say("84 9C 00"), &reference));
}

#[test]
fn a_new_command_is_no_acknowledgement() {
    let mut till = Till::registered("06");
    let reference = till.approved();
    let asked = till.say("06 01 07 04 00 00 00 00 11 00");
    assert!(is_void_of(&asked[..1], &reference), "{asked:?}");
    let [_, Request::Sale(sale)] = &asked[..] else { panic!("{asked:?}") };
    let sale = sale.reference.clone();
    assert_eq!(till.hear(), [""; 0]);
    till.reply(refused(&sale, Problem::Unacknowledged(reference)));
    assert_eq!(till.hear(), [""; 0], "what is open is resolved first");
    let asked = till.wait(ASK_AGAIN);
    assert!(matches!(&asked[..], [Request::Sale(again)] if again.reference == sale));
    till.reply(progress(&sale, Stage::Checking));
    assert_eq!(till.hear(), [ACK]);
}

#[test]
fn what_cannot_be_resolved_makes_the_till_wait() {
    let mut till = Till::registered("06");
    let asked = till.say("06 01 07 04 00 00 00 00 11 00");
    let [Request::Sale(sale)] = &asked[..] else { panic!("{asked:?}") };
    let desk = PosReference::new("desk-1").expect("reference");
    assert_eq!(till.reply(refused(&sale.reference, Problem::Busy(desk))), []);
    let asked = till.wait(Duration::from_secs(4));
    assert!(is_abort_of(&asked, &sale.reference), "{asked:?}");
    assert_eq!(till.hear(), ["84 9C 00"]);
}

#[test]
fn stray_acknowledgements_confirm_nothing() {
    let mut till = Till::registered("06");
    assert_eq!(till.say("80 00 00 84 00 00 80 01 00 84 66 00"), []);
    let reference = till.sale();
    assert_eq!(till.say(ACK), []);
    till.reply(result(&reference, SaleOutcome::Approved));
    // Before it is written, nothing can have acknowledged it.
    assert_eq!(till.say(ACK), []);
    assert_eq!(till.hear(), [APPROVED]);
    assert_eq!(till.say(ACK).len(), 1);
}

#[test]
fn a_sale_is_aborted_by_the_till() {
    let mut till = Till::registered("06");
    let reference = till.sale();
    assert!(is_abort_of(&till.say("06 B0 00"), &reference));
    assert_eq!(till.hear(), [""; 0]);
    till.reply(result(&reference, SaleOutcome::NotPaid(NotPaid::AbortedByTill)));
    assert_eq!(till.hear(), [ACK]);
    assert_eq!(till.say(ACK), [], "as some tills answer it");
    till.wait(ABORT_DRAIN);
    assert_eq!(till.take(&FAILED_6C), []);
}

#[test]
fn an_abort_may_come_too_late() {
    let mut till = Till::registered("06");
    let reference = till.sale();
    till.say("06 B0 00");
    till.reply(progress(&reference, Stage::Completing));
    assert_eq!(till.hear(), ["84 83 00"]);
    till.reply(result(&reference, SaleOutcome::Approved));
    assert_eq!(till.say(ACK), [], "it answers the refusal");
    till.wait(ABORT_DRAIN);
    assert_eq!(till.hear(), [APPROVED]);
    assert_eq!(till.say("06 B0 00"), []);
    assert_eq!(till.hear(), ["84 83 00"]);
    assert_eq!(till.say(ACK).len(), 1, "it is acknowledged");
}

#[test]
fn failures_have_their_codes() {
    for (reason, code, text) in [
        (NotPaid::Declined, "05", "Abgelehnt"),
        (NotPaid::TimedOut, "6C", "Abgebrochen, nichts bezahlt"),
        (NotPaid::NoConnection, "A3", "Keine Verbindung zu Klarna"),
        (NotPaid::Refused, "E4", "Klarna nimmt dieses Terminal nicht an"),
    ] {
        let mut till = Till::registered("06");
        let reference = till.sale();
        till.reply(result(&reference, SaleOutcome::NotPaid(reason)));
        till.take(&[&failure(code, text), &format!("06 1E 01 {code}")]);
    }
    let mut till = Till::registered("06");
    let asked = till.say("06 01 07 04 00 00 00 00 16 16");
    till.reply(refused(asked[0].reference(), Problem::OutOfService("disk".to_owned())));
    assert_eq!(till.hear(), [ACK, &failure("FF", "Terminal kann nichts aufzeichnen")]);
}

#[test]
fn what_is_wrong_with_a_command_is_said_at_once() {
    let mut till = Till::new();
    for (command, answers) in [
        ("06 01 07 04 00 00 00 00 10 10", &[ACK, "06 1E 01 6B"][..]),
        ("06 00 06 65 43 21 06 09 78", &["84 37 00"]),
        ("06 00 06 12 34 56 06 07 56", &["84 1E 03 6F 09 78"]),
        ("06 C0 00", &["84 83 00"]),
        ("06 01 00", &["84 9A 00"]),
        ("06 00 04 12 34 56 06", &[ACK, "06 0F 07 19 00 29 12 34 56 78"]),
        ("06 01 0A 04 00 00 00 00 10 10 49 07 56", &[ACK, &failure("6F", "Falsche Waehrung")]),
        ("06 01 07 04 00 00 00 00 00 00", &[ACK, &failure("C8", "Betrag fehlt")]),
        (
            "06 31 0A 12 34 56 04 00 00 00 00 10 10",
            &[ACK, &failure("B5", "Beleg-Nr. der Zahlung angeben")],
        ),
        ("06 1B 08 12 34 56 29 12 34 56 78", &[ACK, DONE]),
        ("06 1B 08 12 34 56 29 87 65 43 21", &["84 83 00"]),
        ("06 23 03 87 00 10", &["84 9A 00"]),
        ("06 25 03 87 FF FF", &["84 83 00"]),
        ("08 40 01 03", &["84 FD 00"]),
        ("08 40 01 07", &[ACK]),
        ("06 70 00", &[ACK, DONE]),
        ("06 02 00", &[ACK]),
        ("06 E0 00", &[ACK]),
        ("06 B0 00", &[ACK]),
        ("05 01 02 03 02", &[ACK, "06 0F 01 00"]),
    ] {
        assert_eq!(till.say(command), [], "{command}");
        till.now = till.now.after(Duration::from_secs(1));
        till.session.tick(till.now);
        assert_eq!(till.hear(), answers, "{command}");
        till.say(ACK);
        till.hear();
        till.say(ACK);
        till.now = till.now.after(Duration::from_secs(1));
        till.session.tick(till.now);
    }
}

#[test]
fn a_till_that_asked_for_it_hears_every_eight_seconds_that_it_goes_on() {
    let mut till = Till::registered("8E");
    let reference = till.sale();
    assert_eq!(till.say(ACK), []);
    for _ in 0..3 {
        assert_eq!(till.wait(Duration::from_secs(7)), []);
        assert_eq!(till.hear(), [""; 0]);
        assert_eq!(till.wait(Duration::from_secs(1)), []);
        assert_eq!(till.hear(), ["04 FF 01 17"]);
        assert_eq!(till.say(ACK), []);
    }
    assert_eq!(till.wait(Duration::from_secs(200)), [], "the core decides");
    drop(reference);
}

#[test]
fn a_till_that_hears_nothing_gets_its_answer_within_its_patience() {
    let mut till = Till::registered("06");
    let reference = till.sale();
    assert_eq!(till.wait(Duration::from_secs(149)), []);
    assert!(is_abort_of(&till.wait(Duration::from_secs(1)), &reference));
    till.reply(result(&reference, SaleOutcome::NotPaid(NotPaid::AbortedByTill)));
    till.take(&FAILED_6C);
}

#[test]
fn a_cut_connection_keeps_no_money() {
    let mut till = Till::registered("06");
    let reference = till.approved();
    assert!(is_void_of(&requests(till.session.down(till.now)), &reference));
    assert_eq!(till.session.up(till.now), [TillEvent::Returned]);
    assert_eq!(till.reply(result(&reference, SaleOutcome::Approved)), [], "once is enough");
    let reference = till.sale();
    assert!(is_abort_of(&requests(till.session.down(till.now)), &reference));
}

#[test]
fn what_a_restart_has_left_behind_is_resolved() {
    let mut till = Till::registered("06");
    let reference = PosReference::new("zvt-of-before").expect("reference");
    assert!(is_void_of(&till.reply(result(&reference, SaleOutcome::Approved)), &reference));
    let running = PosReference::new("zvt-running").expect("reference");
    assert!(is_abort_of(&till.reply(progress(&running, Stage::AwaitingShopper)), &running));
    assert_eq!(till.reply(progress(&running, Stage::Completing)), []);
    let desk = PosReference::new("desk-1").expect("reference");
    assert_eq!(till.reply(result(&desk, SaleOutcome::Approved)), [], "not ours");
}

#[test]
fn a_late_answer_to_something_else_acknowledges_no_result() {
    for answers in [2, 1] {
        let mut till = Till::registered("8E");
        let reference = till.sale();
        assert_eq!(till.wait(Duration::from_secs(5)), [], "the intermediate state is not answered");
        till.reply(result(&reference, SaleOutcome::Approved));
        assert_eq!(till.hear(), [APPROVED]);
        assert_eq!(till.say(ACK), [], "it may be the answer to the intermediate state");
        if answers == 1 {
            assert_eq!(till.wait(Duration::from_secs(5)), []);
            assert_eq!(till.hear(), [APPROVED]);
        }
        let asked = till.say(ACK);
        assert!(matches!(&asked[..], [Request::Acknowledge { .. }]), "{asked:?}");
    }
}
