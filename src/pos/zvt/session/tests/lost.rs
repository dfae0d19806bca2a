//! Tills that have not heard how something ended, and tills that ask at the wrong moment.

use super::*;
use crate::payment::shift::ShiftReport;

const REFUND: &str = "06 31 0D 12 34 56 04 00 00 00 00 04 00 87 00 10";
const REPEAT: &str = "06 20 05 12 34 56 03 03";

fn refunded(reference: &PosReference) -> OperationResult {
    OperationResult {
        reference: reference.clone(),
        sale: reference.clone(),
        transaction: None,
        kind: OperationKind::Refund,
        amount: euro(400),
        progress: OperationProgress::Done,
    }
}

/// A refund that the till has asked for: its reference.
fn refund(till: &mut Till) -> PosReference {
    let asked = till.say(REFUND);
    let [Request::Refund(refund)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(till.hear(), [ACK]);
    refund.reference.clone()
}

#[test]
fn a_refund_whose_end_was_not_heard_is_not_done_twice() {
    let mut till = Till::registered("06");
    let first = refund(&mut till);
    till.reply(Reply::Operation(Box::new(refunded(&first))));
    let told = till.hear();
    // The connection is cut before the till has acknowledged it, and the terminal is restarted.
    till.session.keep();
    let events = till.session.down(till.now);
    let [TillEvent::Registered(kept), TillEvent::Lost] = &events[..] else { panic!("{events:?}") };
    let mut till = Till::new();
    till.session.names.seed = Uuid::from_u128(8);
    till.session.remember(kept);

    // It asks what became of it.
    let asked = till.say(REPEAT);
    assert_eq!(asked, [Request::Status { reference: first.clone() }]);
    assert_eq!(till.hear(), [ACK]);
    let status = Status::Operation(Box::new(refunded(&first)));
    till.reply(Reply::Status { reference: first.clone(), status });
    assert_eq!(till.hear(), told, "byte for byte");
    requests(till.session.down(till.now));
    till.session.up(till.now);

    // It sells something, and its last result is that sale.
    let reference = till.sale();
    till.reply(result(&reference, SaleOutcome::NotPaid(NotPaid::Declined)));
    till.take(&[&failure("05", "Abgelehnt"), "06 1E 01 05"]);
    let asked = till.say(REPEAT);
    assert!(matches!(&asked[..], [Request::Last { .. }]), "{asked:?}");
    requests(till.session.down(till.now));
    till.session.up(till.now);

    // It says the same again: the core is asked under the same reference.
    assert_eq!(refund(&mut till), first);
    till.reply(Reply::Operation(Box::new(refunded(&first))));
    assert_eq!(till.hear(), told);
    till.say(ACK);
    till.take(&[DONE]);

    // Now that it has acknowledged that, the same is another refund.
    assert_ne!(refund(&mut till), first);
}

#[test]
fn a_refund_that_klarna_has_refused_may_be_tried_again() {
    let mut till = Till::registered("06");
    let first = refund(&mut till);
    let refusal = crate::payment::effect::Refusal::new(
        crate::payment::effect::RefusalReason::NotAllowed,
        "REFUND_NOT_ALLOWED",
        "no",
    );
    let progress = OperationProgress::Refused(refusal);
    till.reply(Reply::Operation(Box::new(OperationResult { progress, ..refunded(&first) })));
    let text = "Nicht moeglich, Beleg und Betrag pruefen";
    till.take(&[&failure("B5", text), "06 1E 01 B5"]);
    assert_ne!(refund(&mut till), first);
}

#[test]
fn a_command_that_comes_again_is_kept_again() {
    let mut till = Till::registered("06");
    for _ in 0..2 {
        let events = till.session.receive(till.now, &hex::bytes(REFUND));
        let [TillEvent::Registered(_), TillEvent::Request(_)] = &events[..] else {
            panic!("the disk may have been full: {events:?}")
        };
    }
}

#[test]
fn a_closing_whose_end_was_not_heard_is_told_again() {
    let mut till = Till::registered("06");
    let asked = till.say("06 50 03 12 34 56");
    let [Request::EndShift { reference, .. }] = &asked[..] else { panic!("{asked:?}") };
    let report = ShiftReport {
        reference: reference.clone(),
        shift: 1,
        totals: Vec::new(),
        captures_queued: 0,
        payments: None,
        at: None,
    };
    till.hear();
    till.reply(Reply::Shift(Box::new(report.clone())));
    assert_eq!(till.hear().len(), 1);
    assert_eq!(till.say("06 50 03 12 34 56"), asked, "under the same reference");
    till.hear();
    till.reply(Reply::Shift(Box::new(report)));
    till.hear();
    till.say(ACK);
    till.take(&[DONE]);
    let asked = till.say(REPEAT);
    assert!(matches!(&asked[..], [Request::Last { .. }]), "the last payment: {asked:?}");
}

#[test]
fn without_its_status_information_a_repetition_ends_as_the_sale_did() {
    for (outcome, end) in
        [(SaleOutcome::Approved, DONE), (SaleOutcome::NotPaid(NotPaid::Declined), "06 1E 01 05")]
    {
        let mut till = Till::registered("06");
        let asked = till.say("06 20 03 12 34 56");
        let [Request::Last { reference, .. }] = &asked[..] else { panic!("{asked:?}") };
        assert_eq!(till.hear(), [ACK]);
        let sale = PosReference::new("zvt-1").expect("reference");
        let status = done(sale_result(&sale, outcome));
        till.reply(Reply::Status { reference: reference.clone(), status });
        till.take(&[end]);
    }
}

#[test]
fn only_what_leaves_the_sale_ends_it() {
    let mut till = Till::registered("06");
    let reference = till.sale();
    for (command, answer) in [
        ("06 70 00", "84 9C 00"),
        ("06 10 03 12 34 56", "84 9C 00"),
        ("06 30 06 12 34 56 87 00 10", "84 9C 00"),
        ("0F 11 00", "84 83 00"),
    ] {
        assert_eq!(till.say(command), [], "{command}");
        assert_eq!(till.hear(), [answer], "{command}");
    }
    for command in ["06 00 06 12 34 56 06 09 78", "06 02 00", "06 18 00"] {
        let mut till = Till::registered("06");
        let reference = till.sale();
        assert!(is_abort_of(&till.say(command), &reference), "{command}");
    }
    till.reply(result(&reference, SaleOutcome::Approved));
    assert_eq!(till.hear(), [APPROVED]);
}

#[test]
fn a_till_that_never_acknowledges_the_end_is_answered_at_once() {
    let mut till = Till::registered("06");
    assert_eq!(till.say("06 70 00"), []);
    assert_eq!(till.hear(), [ACK, DONE]);
    for _ in 0..3 {
        till.say("05 01 02 03 02");
        assert_eq!(till.hear(), [ACK, "06 0F 01 00"]);
    }
    let reference = till.approved();
    let asked = till.say(ACK);
    assert!(matches!(&asked[..], [Request::Acknowledge { reference: r }] if *r == reference));
}

#[test]
fn a_till_that_asks_and_asks_and_acknowledges_nothing_hears_its_result() {
    let mut till = Till::registered("06");
    let reference = till.sale();
    for _ in 0..20 {
        till.say("05 01 02 03 02");
        assert_eq!(till.hear(), [ACK, "06 0F 01 9C"]);
        till.wait(Duration::from_secs(2));
    }
    till.reply(result(&reference, SaleOutcome::Approved));
    assert_eq!(till.hear(), [""; 0], "the last answer is on its way");
    till.say("05 01 02 03 02");
    assert_eq!(till.hear(), [ACK, APPROVED]);
    assert!(matches!(&till.say(ACK)[..], [Request::Acknowledge { .. }]));
    assert_eq!(till.hear(), ["06 0F 01 9C"]);
}

#[test]
fn a_refund_is_done_once_whatever_was_refused_in_between() {
    let mut till = Till::registered("06");
    let first = refund(&mut till);
    till.reply(Reply::Operation(Box::new(refunded(&first))));
    till.hear();
    let asked = till.say("06 30 06 12 34 56 87 99 99");
    till.hear();
    till.reply(refused(asked[0].reference(), Problem::NotAllowed("no such sale".to_owned())));
    till.hear();
    till.say(ACK);
    till.hear();
    till.say(ACK);
    assert_eq!(refund(&mut till), first);
}

#[test]
fn a_terminal_with_an_unresolved_sale_is_not_ready() {
    let mut till = Till::registered("06");
    let asked = till.say("06 01 07 04 00 00 00 00 11 00");
    let earlier = PosReference::new("zvt-earlier").expect("reference");
    till.reply(refused(asked[0].reference(), Problem::Busy(earlier.clone())));
    till.wait(Duration::from_secs(4));
    assert_eq!(till.hear(), ["84 9C 00"]);
    let asked = till.say("06 01 07 04 00 00 00 00 11 00");
    assert!(
        matches!(&asked[..], [Request::Retry { call: None, .. }, Request::Sale(_)]),
        "{asked:?}"
    );
    till.reply(refused(asked[1].reference(), Problem::Busy(earlier.clone())));
    till.wait(Duration::from_secs(4));
    assert_eq!(till.hear(), ["84 9C 00"]);
    till.say("05 01 02 03 02");
    assert_eq!(till.hear(), [ACK, "06 0F 01 9C"]);
    till.say(ACK);
    till.reply(result(&earlier, SaleOutcome::NotPaid(NotPaid::AbortedByTill)));
    till.say("05 01 02 03 02");
    assert_eq!(till.hear(), [ACK, "06 0F 01 00"]);
}

#[test]
fn a_till_that_hears_nothing_is_told_before_it_gives_up_even_if_nobody_knows() {
    let mut till = Till::registered("06");
    let reference = till.sale();
    assert!(is_abort_of(&till.wait(SILENT_SALE_MAX), &reference));
    till.reply(progress(&reference, Stage::Completing));
    assert_eq!(till.hear(), [""; 0]);
    assert_eq!(till.wait(SILENT_END), []);
    assert_eq!(till.take(&FAILED_6C), []);
    // What is approved after that is nobody's.
    assert!(is_void_of(&till.reply(result(&reference, SaleOutcome::Approved)), &reference));
}

#[test]
fn what_is_no_message_is_refused_and_answers_are_never_answered() {
    let mut till = Till::with(Profile::Standard, Line::Serial);
    for (bytes, answer) in [("06 01 07 04", Some("84 9A 00")), ("84 00 07", None), ("80", None)] {
        let frame = crate::pos::zvt::frame::encode(&hex::bytes(bytes));
        assert_eq!(till.say(&hex::text(&frame)), []);
        assert_eq!(till.hear(), ["06"]);
        till.wait(Duration::from_millis(50));
        let answer =
            answer.map(|apdu| hex::text(&crate::pos::zvt::frame::encode(&hex::bytes(apdu))));
        assert_eq!(till.hear(), Vec::from_iter(answer), "{bytes}");
        till.say("06");
        till.wait(Duration::from_secs(7));
    }
}
