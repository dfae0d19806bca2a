//! Every state meets every event: what is legal stands in `tests/fixtures/transitions.txt`, a line
//! per pair, and everything else is an [`IllegalEvent`].

use super::*;
use crate::id::{EffectReference, Label, PosReference};
use crate::money::{Amount, Currency};
use crate::payment::effect::Ended;
use crate::payment::effect::RefusalReason;
use crate::payment::event::Event;
use crate::payment::shift::ShiftReport;
use std::collections::BTreeSet;

/// A line per legal pair; the scenarios are held to the same list.
const TRANSITIONS: &str = include_str!("../../../tests/fixtures/transitions.txt");

fn eur(minor: i64) -> Amount {
    Amount::new(minor, Currency::new("EUR").expect("EUR"))
}

fn sale() -> Sale {
    Sale {
        reference: PosReference::new("R1").expect("reference"),
        amount: eur(1000),
        merchant_reference: None,
        line_items: Vec::new(),
        locale: None,
        reserved: false,
    }
}

fn refusal() -> Refusal {
    Refusal::new(RefusalReason::NotAllowed, "NO", "no")
}

fn refused_call() -> RefusedCall {
    RefusedCall::new(1, &refusal())
}

fn request() -> OpenRequest {
    let hosts = ["pay.klarna.com".to_owned()];
    let url = DistributionUrl::new("https://pay.klarna.com/1", &hosts).expect("URL");
    OpenRequest { id: request_id(), url, descriptor: None }
}

fn request_id() -> RequestId {
    RequestId::new("request").expect("id")
}

fn token() -> ConfirmationToken {
    ConfirmationToken::new("token").expect("token")
}

fn transaction() -> TransactionId {
    TransactionId::new("transaction").expect("id")
}

fn label_7() -> Label {
    Label::new("7").expect("a label")
}

fn update() -> Event {
    Event::UpdateQueued { merchant_reference: label_7(), operation: sale().reference }
}

fn found() -> Found {
    Found {
        transaction: transaction(),
        authorised: eur(1000),
        capturable: eur(1000),
        captures: Vec::new(),
        refunds: Vec::new(),
        closed: false,
        merchant_reference: None,
        payment_reference: None,
    }
}

fn payment_reference() -> PaymentReference {
    PaymentReference::new("S1-T1").expect("reference")
}

/// Ledgers after these events; their calls have the sequences 1, 2, ...
fn ledger(events: &[Event]) -> Ledger {
    let (sale, payment_reference) = (sale(), payment_reference());
    let about = About { sale: &sale, payment_reference: &payment_reference };
    let mut ledger = Ledger::new(sale.amount);
    let mut calls = 0;
    for event in events {
        let todo = ledger.record(event, &transaction(), &about).expect("a legal ledger");
        if matches!(todo, Todo::Queue(_)) {
            calls += 1;
            ledger.number_last(calls);
        }
    }
    ledger
}

/// Every state, with all that may differ in it.
fn states() -> Vec<State> {
    let (reason, told) = (NotPaid::TimedOut, VoidReason::LatePayment(NotPaid::TimedOut));
    let confirming = |doubted, refused| State::Confirming {
        request: request(),
        token: token(),
        doubted,
        refused,
    };
    let abandoning = |request, refused| State::Abandoning { reason, request, refused };
    let settling = |ledger| State::Settling { transaction: transaction(), ledger };
    let voiding = |reason, acknowledged, refused| {
        let transaction = transaction();
        State::Voiding { transaction, reason, acknowledged, refused }
    };
    let queued = || Event::CaptureQueued { amount: eur(1000), operation: None };
    let captured = || Event::Captured { sequence: 1, amount: eur(1000), capture: None };
    let refund = || Event::RefundQueued {
        amount: eur(1000),
        operation: sale().reference,
        capture: None,
        why: None,
    };
    let refunded = || Event::Refunded { sequence: 2, amount: eur(1000), refund: None };
    let part = || Event::CaptureQueued { amount: eur(400), operation: None };
    let refused_event = || Event::CallRefused { sequence: 1, refusal: refusal() };
    let release = || Event::ReleaseQueued { amount: eur(600), operation: sale().reference };
    vec![
        State::Creating,
        State::AwaitingShopper { request: request(), again: false },
        State::AwaitingShopper { request: request(), again: true },
        State::ShopperPaying { request: request() },
        confirming(false, None),
        confirming(true, None),
        confirming(false, Some(refusal())),
        confirming(true, Some(refusal())),
        State::Authorised { transaction: transaction() },
        settling(ledger(&[])),
        settling(ledger(&[queued()])),
        settling(ledger(&[queued(), captured()])),
        settling(ledger(&[queued(), captured(), refund()])),
        settling(ledger(&[queued(), captured(), refund(), refunded()])),
        settling(ledger(&[part()])),
        settling(ledger(&[part(), release()])),
        settling(ledger(&[queued(), refused_event()])),
        settling(ledger(&[Event::CheckQueued])),
        settling(ledger(&[update()])),
        abandoning(None, None),
        abandoning(Some(request_id()), None),
        abandoning(Some(request_id()), Some(refused_call())),
        State::NotPaid { reason },
        voiding(told, false, None),
        voiding(VoidReason::RequestedByTill, true, None),
        voiding(VoidReason::NotAcknowledged, false, Some(refused_call())),
        State::Voided {
            transaction: transaction(),
            reason: told,
            acknowledged: false,
            by_person: false,
        },
        State::Free,
    ]
}

/// Every event, with every sequence that a ledger above knows.
fn events() -> Vec<Event> {
    let (request, transaction, amount) = (request(), transaction(), eur(1000));
    let report = ShiftReport {
        reference: sale().reference,
        shift: 1,
        totals: Vec::new(),
        captures_queued: 0,
        payments: None,
        at: None,
    };
    let mut events = vec![
        Event::SaleRequested { sale: sale(), payment_reference: payment_reference() },
        Event::Created { request: request.id.clone(), url: request.url, descriptor: None },
        Event::Unavailable { request: request.id },
        Event::CreateRefused { refusal: refusal() },
        Event::ShopperOpened,
        Event::ShopperLeft,
        Event::Approved { token: token() },
        Event::ConfirmDoubted,
        Event::ConfirmRefused { refusal: refusal() },
        Event::Authorised { transaction, amount },
        Event::Acknowledged,
        Event::GivenUp { reason: NotPaid::AbortedByTill },
        Event::RequestEnded { ended: Ended::Expired },
        Event::VoidDecided { reason: VoidReason::RequestedByTill, operation: None, why: None },
        Event::Voided { amount },
        Event::CaptureQueued { amount, operation: None },
        Event::RefundQueued { amount, operation: sale().reference, capture: None, why: None },
        Event::ReleaseQueued { amount: eur(600), operation: sale().reference },
        update(),
        Event::CheckQueued,
        Event::Adopted { found: found(), payment_reference: payment_reference() },
        Event::ShiftEnded { report },
    ];
    for sequence in 1..=2 {
        events.push(Event::Released { sequence, amount: eur(600) });
        events.push(Event::Captured { sequence, amount, capture: None });
        events.push(Event::Refunded { sequence, amount, refund: None });
        events.push(Event::CallRefused { sequence, refusal: refusal() });
        events.push(Event::Rekeyed { sequence });
        events.push(Event::Updated { sequence });
        events.push(Event::Checked { sequence });
        events.push(Event::NotCompared { sequence });
        events.push(Event::CallRetried { sequence });
        events.push(Event::CallResolved { sequence, reason: label_7() });
    }
    events
}

/// As the transcripts name it.
fn label(state: &State) -> String {
    let mark = match state {
        State::Confirming { refused: Some(_), .. }
        | State::Abandoning { refused: Some(_), .. }
        | State::Voiding { refused: Some(_), .. } => "(refused)",
        State::Confirming { doubted: true, .. } => "(doubted)",
        State::Abandoning { request: None, .. } => "(no request)",
        _ => "",
    };
    format!("{}{mark}", state.name())
}

#[test]
fn exactly_the_listed_pairs_are_legal() {
    let (sale, payment_reference) = (sale(), payment_reference());
    let about = About { sale: &sale, payment_reference: &payment_reference };
    let mut legal = BTreeSet::new();
    for state in states() {
        for event in events() {
            match state.clone().on(&event, &about) {
                Ok(_) => {
                    legal.insert(format!("{} + {}\n", label(&state), event.name()));
                }
                Err(illegal) => {
                    assert_eq!((illegal.state, illegal.event), (state.name(), event.name()));
                }
            }
        }
    }
    let legal: String = legal.into_iter().collect();
    assert_eq!(legal, TRANSITIONS, "the list of transitions is\n{legal}");
}

#[test]
fn a_ledger_refuses_what_contradicts_it() {
    let (sale, payment_reference) = (sale(), payment_reference());
    let about = About { sale: &sale, payment_reference: &payment_reference };
    let queued = Event::CaptureQueued { amount: eur(1000), operation: None };
    let ledger = ledger(std::slice::from_ref(&queued));
    for event in [
        queued,
        Event::RefundQueued {
            amount: eur(1001),
            operation: sale.reference.clone(),
            capture: None,
            why: None,
        },
        Event::Captured { sequence: 1, amount: eur(999), capture: None },
        Event::Captured { sequence: 2, amount: eur(1000), capture: None },
        Event::Refunded { sequence: 1, amount: eur(1000), refund: None },
        Event::CallRefused { sequence: 2, refusal: refusal() },
        Event::Rekeyed { sequence: 2 },
        Event::VoidDecided { reason: VoidReason::RequestedByTill, operation: None, why: None },
    ] {
        let state = State::Settling { transaction: transaction(), ledger: ledger.clone() };
        assert!(state.on(&event, &about).is_err(), "{event:?}");
    }
}

#[test]
fn the_references_of_a_transaction_s_effects_differ() {
    let (sale, payment_reference) = (sale(), payment_reference());
    let about = About { sale: &sale, payment_reference: &payment_reference };
    let reference = |letter, number| about.effect_reference(letter, number);
    assert_eq!(reference('C', 1), EffectReference::new("S1-T1-C1").expect("reference"));
    let all: BTreeSet<_> =
        ('C'..='C').chain('R'..='R').flat_map(|l| (1..=200).map(move |n| (l, n))).collect();
    let names: BTreeSet<_> = all.iter().map(|(l, n)| reference(*l, *n)).collect();
    assert_eq!(names.len(), all.len());
}
