//! Reservations, partial deliveries, sums, profiles, and the line's rate.

use super::*;
use crate::payment::shift::{ShiftReport, ShiftTotal};

fn operation(asked: &Request, kind: OperationKind, progress: OperationProgress) -> Reply {
    let amount = euro(400);
    let (reference, sale) = (asked.reference().clone(), asked.reference().clone());
    let result = OperationResult { reference, sale, transaction: None, kind, amount, progress };
    Reply::Operation(Box::new(result))
}

#[test]
fn a_reservation_is_a_sale_that_is_not_captured_by_itself() {
    let mut till = Till::registered("06");
    let asked = till.say("06 22 0A 04 00 00 00 00 10 10 49 09 78");
    let [Request::Sale(sale)] = &asked[..] else { panic!("{asked:?}") };
    assert!(sale.reserved);
    let reference = sale.reference.clone();
    till.reply(progress(&reference, Stage::Checking));
    assert_eq!(till.hear(), [ACK]);
    till.reply(result(&reference, SaleOutcome::Approved));
    assert_eq!(till.hear(), [APPROVED]);
    assert!(matches!(&till.say(ACK)[..], [Request::Acknowledge { .. }]));
}

#[test]
fn bookings_name_their_reservation_by_its_receipt() {
    for (command, kind) in [
        ("06 24 0A 04 00 00 00 00 04 00 87 00 10", OperationKind::Capture),
        ("06 23 0A 04 00 00 00 00 06 10 87 00 10", OperationKind::Capture),
        ("06 25 03 87 00 10", OperationKind::Void),
    ] {
        let mut till = Till::registered("06");
        let asked = till.say(command);
        let (is_right, amount) = match &asked[..] {
            [Request::Book(book)] => (command.starts_with("06 24"), book.amount),
            [Request::PartialReversal(rest)] => (command.starts_with("06 23"), rest.amount),
            [Request::Void(void)] => (command.starts_with("06 25"), void.amount),
            _ => (false, None),
        };
        assert!(is_right, "{command}: {asked:?}");
        assert_eq!(asked[0].sale(), Some(&SaleName::Receipt(10)));
        assert_eq!(amount.is_some(), command.contains(" 04 00 00"), "{command}");
        till.reply(operation(&asked[0], kind, OperationProgress::Done));
        let told = till.hear();
        assert_eq!((told.len(), &told[0][..]), (2, ACK));
        assert!(told[1].starts_with("04 0F") && told[1].contains("27 00 04 00 00 00 00 04 00"));
        assert!(told[1].contains("87 00 10"), "{told:?}");
        till.say(ACK);
        assert_eq!(till.hear(), [DONE]);
    }
    let mut till = Till::registered("06");
    let asked = till.say("06 24 0A 04 00 00 00 00 04 00 87 00 10");
    till.reply(refused(asked[0].reference(), Problem::NotAllowed("not paid".to_owned())));
    let text = "Reservierung nicht gefunden, oder schon gebucht";
    assert_eq!(till.hear(), [ACK, &failure("B8", text)]);
    till.say(ACK);
    till.take(&["06 1E 01 B8"]);
}

#[test]
fn a_till_may_ask_which_reservation_is_open() {
    for (is_open, answer) in [(true, "06 1E 04 B8 87 00 10"), (false, "06 1E 04 B8 87 FF FF")] {
        let mut till = Till::registered("06");
        let asked = till.say("06 23 03 87 FF FF");
        let [Request::Reservation { reference }] = &asked[..] else { panic!("{asked:?}") };
        let result = sale_result(reference, SaleOutcome::Approved);
        let status = if is_open { done(result) } else { Status::NotKnown };
        assert_eq!(till.hear(), [ACK]);
        till.reply(Reply::Status { reference: reference.clone(), status });
        till.take(&[answer]);
    }
}

#[test]
fn only_what_was_handed_over_is_taken() {
    let mut till = Till::registered("06");
    let reference = till.approved();
    let asked = till.say("84 9D 07 04 00 00 00 00 04 00");
    let [Request::Book(book)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((&book.sale, book.amount), (&SaleName::Till(reference.clone()), Some(euro(400))));
    let again = till.wait(RECORD_AGAIN);
    assert_eq!(again, asked, "until the core has recorded it, under the same reference");
    till.reply(Reply::Acknowledged { reference });
    till.take(&[DONE]);
    // More than was paid, or nothing, is no delivery.
    for amount in ["10 11", "00 00"] {
        let mut till = Till::registered("06");
        let reference = till.approved();
        let asked = till.say(&format!("84 9D 07 04 00 00 00 00 {amount}"));
        assert!(is_void_of(&asked, &reference), "{asked:?}");
    }
}

#[test]
fn a_part_that_is_not_recorded_yet_is_never_taken_as_the_whole() {
    let mut till = Till::registered("06");
    let reference = till.approved();
    let booked = till.say("84 9D 07 04 00 00 00 00 04 00");
    let full = Problem::OutOfService("disk".to_owned());
    till.reply(refused(booked[0].reference(), full));
    let asked = till.say("06 01 07 04 00 00 00 00 11 00");
    let [Request::Sale(sale)] = &asked[..] else { panic!("{asked:?}") };
    let sale = sale.reference.clone();
    assert_eq!(till.reply(refused(&sale, Problem::Unacknowledged(reference))), booked);
}

#[test]
fn the_sums_of_a_shift_are_told_and_printed() {
    let total = ShiftTotal {
        sales: euro(5000),
        sales_count: 3,
        voided: euro(1000),
        voided_count: 1,
        refunds: euro(500),
        refunds_count: 1,
        released: None,
    };
    let none = ["00 00 00 00 00 00 00"; 6].join(" ");
    let sums = format!(
        "04 0F 4A 27 00 04 00 00 00 00 35 00 29 12 34 56 78 49 09 78 60 F0 F5 F3 00 07 00 21 \
         {none} 02 00 00 00 00 35 00"
    );
    for (command, is_told) in [("06 50", true), ("06 10", true), ("06 12", false)] {
        let mut till = Till::registered("84");
        let asked = till.say(&format!("{command} 03 12 34 56"));
        let reference = asked[0].reference().clone();
        let report = ShiftReport {
            reference,
            shift: 3,
            totals: vec![total.clone()],
            captures_queued: 0,
            payments: Some((PaymentId::new(7), PaymentId::new(10_021))),
            at: None,
        };
        assert_eq!(till.hear(), [ACK]);
        till.reply(match command {
            "06 50" => Reply::Shift(Box::new(report)),
            _ => Reply::Totals(Box::new(report)),
        });
        if is_told {
            assert_eq!(till.hear(), [&sums[..]], "{command}");
            till.say(ACK);
        }
        for _ in 0..9 {
            let line = till.hear();
            assert!(line[0].starts_with("06 D1"), "{command}: {line:?}");
            till.say(ACK);
        }
        assert_eq!(till.hear(), [DONE], "{command}");
    }
}

#[test]
fn a_minimal_till_hears_results_and_nothing_else() {
    let mut till = Till::with(Profile::Minimal, Line::Tcp);
    till.say("06 00 06 12 34 56 BE 09 78");
    till.hear();
    till.say(ACK);
    let reference = till.sale();
    assert_eq!(till.wait(Duration::from_secs(20)), []);
    assert_eq!(till.hear(), [""; 0], "no intermediate state");
    till.reply(result(&reference, SaleOutcome::Approved));
    assert_eq!(till.hear(), [APPROVED]);
    till.say(ACK);
    till.reply(Reply::Acknowledged { reference });
    till.take(&[DONE]);
    let reference = till.sale();
    till.reply(result(&reference, SaleOutcome::NotPaid(NotPaid::Declined)));
    till.take(&["04 0F 07 27 05 29 12 34 56 78", "06 1E 01 05"]);
}

#[test]
fn card_complete_hears_that_it_goes_on_and_reads_latin_1() {
    let mut till = Till::with(Profile::CardComplete, Line::Tcp);
    till.say("06 00 06 12 34 56 06 09 78");
    till.hear();
    till.say(ACK);
    let asked = till.say("06 01 07 04 00 00 00 00 11 00");
    till.reply(progress(asked[0].reference(), Stage::Checking));
    assert_eq!(till.hear(), [ACK, "04 FF 01 17"]);
    assert_eq!(till.session.charset(), Charset::Latin1);
}

#[test]
fn a_rich_result_has_a_container() {
    let mut till = Till::with(Profile::Rich, Line::Tcp);
    till.say("06 00 06 12 34 56 06 09 78");
    till.hear();
    till.say(ACK);
    let reference = till.sale();
    till.reply(result(&reference, SaleOutcome::Approved));
    let told = till.hear();
    assert!(told[0].ends_with("06 0A 2F 08 1F 10 01 00 1F 11 01 01"), "{told:?}");
}

#[test]
fn a_refund_may_name_the_payment_in_a_container() {
    let mut till = Till::registered("06");
    let name = hex::text(b"S1-T1-20261121-000010-a1b2c3d4");
    let asked =
        till.say(&format!("06 31 2E 12 34 56 04 00 00 00 00 04 00 06 22 1F 80 10 1E {name}"));
    let [Request::Refund(refund)] = &asked[..] else { panic!("{asked:?}") };
    assert!(matches!(&refund.sale, SaleName::Payment(_)), "{refund:?}");
    assert_eq!(refund.amount, Some(euro(400)));
}

#[test]
fn the_line_changes_its_rate_two_seconds_after_the_till_has_heard_so() {
    let mut till = Till::with(Profile::Standard, Line::Serial);
    till.say(&hex::text(&crate::pos::zvt::frame::encode(&hex::bytes("08 40 01 07"))));
    assert_eq!(till.hear(), ["06"]);
    till.wait(Duration::from_millis(50));
    assert_eq!(till.hear(), ["10 02 80 00 00 10 03 F5 1F"]);
    assert_eq!(till.session.poll_rate(till.now), None);
    till.wait(Duration::from_secs(2));
    assert_eq!(till.session.poll_rate(till.now), Some(Rate::Baud(115_200)));
    till.say("FF FE 00 11");
    till.wait(Duration::from_secs(3));
    assert_eq!(till.session.poll_rate(till.now), None, "it may have been a disturbance");
    till.say("FF FE 00 11");
    assert_eq!(till.session.poll_rate(till.now), Some(Rate::Configured));
}
