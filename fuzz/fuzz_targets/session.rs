//! A whole dialogue: a till, a line and a core that do anything in any order. No panic, no timer
//! that is always due, bounded memory, and no sale is acknowledged to the core but after a result
//! that says so was written and the till has answered something.
#![no_main]

use klarna_terminald::clock::{Mono, Wall, Zone};
use klarna_terminald::id::{PaymentId, PaymentReference, PosReference};
use klarna_terminald::money::{Amount, Currency};
use klarna_terminald::payment::event::{NotPaid, OperationProgress};
use klarna_terminald::payment::vocabulary::{
    OperationKind, OperationResult, Problem, Reply, Request, SaleOutcome, SaleResult, Stage,
};
use klarna_terminald::pos::TillEvent;
use klarna_terminald::pos::zvt::bcd::TerminalId;
use klarna_terminald::pos::zvt::frame;
use klarna_terminald::pos::zvt::session::{Line, Profile, Session, Settings};
use std::time::Duration;

/// What a till may well say, so that dialogues come about.
const SAID: [&[u8]; 16] = [
    &[0x80, 0x00, 0x00],
    &[0x84, 0x00, 0x00],
    &[0x84, 0x9C, 0x00],
    &[0x84, 0x66, 0x00],
    &[0x84, 0x9D, 0x07, 0x04, 0, 0, 0, 0, 0x04, 0x00],
    &[0x06, 0xB0, 0x00],
    &[0x05, 0x01, 0x00],
    &[0x06, 0x01, 0x07, 0x04, 0, 0, 0, 0, 0x10, 0x10],
    &[0x06, 0x22, 0x07, 0x04, 0, 0, 0, 0, 0x11, 0x00],
    &[0x06, 0x00, 0x08, 0, 0, 0, 0xBE, 0x09, 0x78, 0x06, 0x00],
    &[0x06, 0x20, 0x05, 0, 0, 0, 0x03, 0x03],
    &[0x06, 0x30, 0x06, 0, 0, 0, 0x87, 0x00, 0x10],
    &[0x06, 0x24, 0x0A, 0x04, 0, 0, 0, 0, 0x04, 0x00, 0x87, 0x00, 0x10],
    &[0x06, 0x50, 0x03, 0, 0, 0],
    &[0x08, 0x40, 0x01, 0x07],
    &[0x06, 0x02, 0x00],
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, mut rest)) = bytes.split_first() else { return };
    let mut shop = Shop::new(*first);
    while let Some((act, after)) = rest.split_first() {
        rest = after;
        let argument = after.first().copied().unwrap_or_default();
        match act % 8 {
            0 | 1 => shop.say(SAID[usize::from(act / 8) % SAID.len()]),
            2 => {
                let noise = after.get(1..).unwrap_or_default();
                let noise = &noise[..noise.len().min(usize::from(argument % 64))];
                rest = &after[(noise.len() + 1).min(after.len())..];
                shop.hear(noise);
            }
            3 | 4 => shop.reply(act / 8),
            5 => shop.wait(u64::from(argument) * 40),
            6 => shop.wait(u64::from(argument) * 400),
            _ => shop.cable(act / 8 % 2 == 0),
        }
        shop.settle();
    }
});

struct Shop {
    session: Session,
    serial: bool,
    now: Mono,
    last: Option<Request>,
    /// An approved result was written.
    told: bool,
    answered: bool,
}

impl Shop {
    fn new(first: u8) -> Self {
        let serial = first & 1 == 0;
        let profiles =
            [Profile::Standard, Profile::Minimal, Profile::CardComplete, Profile::Rich];
        let settings = Settings {
            terminal: TerminalId::new(12_345_678).expect("eight digits"),
            currency: Currency::new("EUR").expect("EUR"),
            password: None,
            card_type: 120,
            profile: profiles[usize::from(first >> 1) % 4],
            merchant: "Example Store".to_owned(),
            zone: Zone::UTC,
        };
        let line = if serial { Line::Serial } else { Line::Tcp };
        let mut session = Session::new(settings, line, uuid::Uuid::from_u128(7));
        session.remember(&[first, 0x09, 0x78]);
        let now = Mono::new(Duration::from_secs(1));
        session.up(now);
        Self { session, serial, now, last: None, told: false, answered: false }
    }

    fn say(&mut self, apdu: &[u8]) {
        match self.serial {
            true => self.hear(&frame::encode(apdu)),
            false => self.hear(apdu),
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.answered |= self.told && !bytes.is_empty();
        let events = self.session.receive(self.now, bytes);
        self.note(events);
    }

    fn wait(&mut self, millis: u64) {
        self.now = self.now.after(Duration::from_millis(millis));
        let events = self.session.tick(self.now);
        self.note(events);
    }

    fn cable(&mut self, up: bool) {
        let events = if up { self.session.up(self.now) } else { self.session.down(self.now) };
        self.note(events);
    }

    fn note(&mut self, events: Vec<TillEvent>) {
        assert!(events.len() < 64, "bounded");
        for event in events {
            let TillEvent::Request(request) = event else { continue };
            if matches!(request, Request::Acknowledge { .. } | Request::Book(_)) {
                let booked = matches!(&request, Request::Book(book) if book.amount.is_some());
                assert!(booked || self.told && self.answered, "{request:?}");
            }
            self.last = Some(request);
        }
    }

    fn reply(&mut self, kind: u8) {
        let Some(request) = self.last.clone() else { return };
        let reference = request.reference().clone();
        let operation = |progress| {
            Reply::Operation(Box::new(OperationResult {
                reference: reference.clone(),
                sale: reference.clone(),
                transaction: None,
                kind: OperationKind::Void,
                amount: euro(1010),
                progress,
            }))
        };
        let reply = match kind % 9 {
            0 | 1 => Reply::Progress { reference, stage: Stage::AwaitingShopper },
            2 => Reply::Progress { reference, stage: Stage::Completing },
            3 => result(reference, SaleOutcome::Approved),
            4 => result(reference, SaleOutcome::NotPaid(NotPaid::AbortedByTill)),
            5 => Reply::Acknowledged { reference },
            6 => operation(OperationProgress::Queued),
            7 => operation(OperationProgress::Done),
            _ => {
                let problem = Problem::Busy(reference.clone());
                Reply::Refused { reference: Some(reference), problem }
            }
        };
        let events = self.session.reply(self.now, &reply);
        self.note(events);
    }

    /// Writes what is due, and lets no timer be due for ever.
    fn settle(&mut self) {
        for _ in 0..100 {
            let mut written = 0;
            while let Some(bytes) = self.session.poll_write(self.now) {
                let approved = bytes.windows(2).any(|two| two == [0x27, 0x00]);
                self.told |= approved && bytes.windows(2).any(|two| two == [0x04, 0x0F]);
                written += 1;
                assert!(written < 1000, "bounded");
            }
            self.session.poll_rate(self.now);
            if self.session.poll_timeout().is_none_or(|due| due > self.now) {
                return;
            }
            let events = self.session.tick(self.now);
            self.note(events);
        }
        panic!("a timer is always due");
    }
}

fn euro(minor: i64) -> Amount {
    Amount::new(minor, Currency::new("EUR").expect("EUR"))
}

fn result(reference: PosReference, outcome: SaleOutcome) -> Reply {
    Reply::Result(Box::new(SaleResult {
        reference,
        outcome,
        amount: euro(1010),
        number: PaymentId::new(10),
        payment_reference: PaymentReference::new("S1-T1-1-a1b2c3d").expect("reference"),
        merchant_reference: None,
        transaction: None,
        at: Wall::from_millis(1_700_000_000_123),
        locale: None,
        receipt: vec!["BEZAHLT".to_owned()],
    }))
}
