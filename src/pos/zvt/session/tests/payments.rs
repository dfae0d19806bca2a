//! Payments, aborts, and what a till makes of a result.

use super::*;

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
