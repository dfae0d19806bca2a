//! Dialogues byte for byte, with a core that says what the test says: the till and the core.

use super::*;
use crate::clock::{Wall, Zone};
use crate::id::{PaymentId, PaymentReference};
use crate::money::{Amount, Currency};
use crate::payment::event::{NotPaid, OperationProgress, VoidReason};
use crate::payment::vocabulary::{
    MoneySoFar, OperationKind, OperationResult, Problem, SaleOutcome, SaleResult, Stage, Status,
};
use crate::pos::zvt::bcd::{Password, TerminalId};
use crate::pos::zvt::hex;

mod lost;
mod payments;
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

/// The status of a sale with this result.
fn done(sale: SaleResult) -> Status {
    let none = euro(0);
    let money = MoneySoFar {
        authorised: euro(1010),
        captured: none,
        refunded: none,
        voided: false,
        released: none,
        queued: 0,
        refused: 0,
    };
    Status::Done(Box::new(sale), money)
}

fn is_void_of(asked: &[Request], sale: &PosReference) -> bool {
    matches!(asked, [Request::Void(operation)] if operation.sale == SaleName::Till(sale.clone()))
}

fn is_abort_of(asked: &[Request], sale: &PosReference) -> bool {
    matches!(asked, [Request::Abort { reference }] if reference == sale)
}
