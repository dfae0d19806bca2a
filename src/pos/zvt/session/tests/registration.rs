//! What comes before and after payments: registrations, repeated results, reversals.

use super::*;

#[test]
fn the_last_result_is_told_again_as_it_was() {
    let mut till = Till::registered("82");
    let asked = till.say("06 20 05 12 34 56 03 03");
    let [Request::Last { reference, .. }] = &asked[..] else { panic!("{asked:?}") };
    let sale = PosReference::new("zvt-1").expect("reference");
    let status = done(sale_result(&sale, SaleOutcome::Approved));
    assert_eq!(till.hear(), [ACK]);
    till.reply(Reply::Status { reference: reference.clone(), status });
    assert_eq!(till.take(&[APPROVED, DONE]), []);

    let asked = till.say("06 20 03 12 34 56");
    assert_eq!(till.hear(), [ACK]);
    let reference = asked[0].reference().clone();
    till.reply(Reply::Status { reference, status: Status::NotKnown });
    till.take(&["06 1E 01 83"]);
}

#[test]
fn what_is_not_recorded_yet_is_not_repeated_as_paid() {
    let mut till = Till::registered("06");
    let sale = till.approved();
    till.say(ACK);
    till.reply(refused(&sale, Problem::OutOfService("disk".to_owned())));
    let approved = |reference: &PosReference| {
        let status = done(sale_result(&sale, SaleOutcome::Approved));
        Reply::Status { reference: reference.clone(), status }
    };
    let asked = till.say("06 20 05 12 34 56 03 03");
    let [Request::Acknowledge { .. }, Request::Last { reference, .. }] = &asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!(till.hear(), [ACK]);
    till.reply(refused(&sale, Problem::OutOfService("disk".to_owned())));
    let asked_again = till.reply(approved(reference));
    till.reply(approved(asked_again[0].reference()));
    till.take(&["06 1E 01 A0"]);
    let asked = till.say("06 20 05 12 34 56 03 03");
    assert_eq!(till.hear(), [ACK]);
    till.reply(Reply::Acknowledged { reference: sale.clone() });
    till.reply(approved(asked[1].reference()));
    till.take(&[APPROVED, DONE]);
}

#[test]
fn a_reversal_names_its_receipt() {
    let mut till = Till::registered("06");
    let asked = till.say("06 30 06 12 34 56 87 00 10");
    let [Request::Refund(refund)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((&refund.sale, refund.amount), (&SaleName::Receipt(10), None));
    assert_eq!(till.hear(), [ACK]);
    let done = |progress| {
        Reply::Operation(Box::new(OperationResult {
            reference: refund.reference.clone(),
            sale: refund.reference.clone(),
            transaction: None,
            kind: OperationKind::Refund,
            amount: euro(1010),
            progress,
        }))
    };
    till.reply(done(OperationProgress::Queued));
    assert_eq!(till.hear(), [""; 0]);
    till.reply(done(OperationProgress::Done));
    let told = till.hear();
    assert!(told[0].starts_with("04 0F 36 27 00 04 00 00 00 00 10 10 19 60 29"), "{told:?}");
    till.say(ACK);
    till.take(&[DONE]);

    let asked = till.say("06 30 06 12 34 56 87 00 10");
    assert_eq!(till.hear(), [ACK]);
    till.reply(refused(asked[0].reference(), Problem::NothingLeft("all is back".to_owned())));
    till.take(&[&failure("B4", "Schon ganz gebucht oder zurueckgegeben"), "06 1E 01 B4"]);
}

#[test]
fn a_serial_line_goes_on_where_it_was() {
    let settings = Till::new().session.settings;
    let session = Session::new(settings, Line::Serial, Uuid::from_u128(7));
    let mut till = Till { session, now: Mono::new(Duration::from_secs(100)) };
    till.session.up(till.now);
    till.say("10 02 06 00 04 12 34 56 06 10 03 1F 2A");
    assert_eq!(till.hear(), ["15"], "a wrong checksum");
    till.now = till.now.after(Duration::from_secs(1));
    let register = crate::pos::zvt::frame::encode(&hex::bytes("06 00 04 12 34 56 06"));
    till.say(&hex::text(&register));
    assert_eq!(till.hear(), ["06"]);
    till.wait(Duration::from_millis(50));
    assert_eq!(till.hear(), ["10 02 80 00 00 10 03 F5 1F"]);
    till.session.down(till.now);
    till.wait(Duration::from_secs(2));
    assert_eq!(till.hear(), [""; 0]);
    till.session.up(till.now);
    assert_eq!(till.hear(), ["10 02 80 00 00 10 03 F5 1F"], "the till has not acknowledged it");
    till.say("06");
    let completion = crate::pos::zvt::frame::encode(&hex::bytes("06 0F 07 19 00 29 12 34 56 78"));
    assert_eq!(till.hear(), [hex::text(&completion)]);
}

#[test]
fn a_payment_that_is_asked_for_twice_with_nothing_in_between_is_one() {
    let settings = Till::new().session.settings;
    let mut session = Session::new(settings, Line::Serial, Uuid::from_u128(7));
    session.remember(&[0x06]);
    let mut till = Till { session, now: Mono::new(Duration::from_secs(100)) };
    till.session.up(till.now);
    let sale = crate::pos::zvt::frame::encode(&hex::bytes("06 01 07 04 00 00 00 00 10 10"));
    let asked = till.say(&hex::text(&sale));
    till.reply(progress(asked[0].reference(), Stage::Checking));
    assert_eq!(till.hear(), ["06"]);
    till.wait(Duration::from_millis(50));
    assert_eq!(till.hear(), ["10 02 80 00 00 10 03 F5 1F"]);
    till.say("06");
    till.wait(Duration::from_secs(5));
    assert_eq!(till.say(&hex::text(&sale)), [], "what was acknowledged was something else");
    assert_eq!(till.hear(), ["06"]);
    till.wait(Duration::from_millis(50));
    assert_eq!(till.hear(), ["10 02 80 00 00 10 03 F5 1F"], "its answer once more");
}

#[test]
fn a_registration_is_handed_back_after_a_restart() {
    let mut till = Till::new();
    let bytes = hex::bytes("06 00 0D 12 34 56 8E 09 78 06 05 26 03 0A 01 D3");
    let events = till.session.receive(till.now, &bytes);
    let [TillEvent::Registered(said)] = &events[..] else { panic!("{events:?}") };
    let text = String::from_utf8_lossy(said);
    assert!(text.starts_with("{\"registration\":[142,9,120,6,5,"), "no password: {text}");
    let mut later = Till::new();
    later.session.remember(said);
    assert_eq!(later.session.registration, till.session.registration);
    let before = later.session.registration.clone();
    later.sale();
    let events = till.session.receive(till.now, &hex::bytes("06 02 00"));
    assert!(matches!(&events[..], [TillEvent::Registered(_)]), "{events:?}");
    assert_eq!(till.session.receive(till.now, &hex::bytes("06 02 00")), [], "nothing new");
    later.session.remember(&hex::bytes("8E 09 78 06 05 26 03 0A 01 D3"));
    assert_eq!(later.session.registration, before, "as it was kept once");
    later.session.remember(&[0x86, 0x09]);
    assert!(later.session.registration.done, "what cannot be read changes nothing");
}

#[test]
fn a_till_that_reads_containers_is_told_what_to_do() {
    let mut till = Till::new();
    till.say("06 00 08 12 34 56 8E 09 78 06 00");
    assert_eq!(till.hear()[0], ACK);
    till.say(ACK);
    let asked = till.say("06 01 07 04 00 00 00 00 11 00");
    till.reply(progress(asked[0].reference(), Stage::Checking));
    let text = hex::text(b"Bitte warten");
    assert_eq!(till.hear(), [ACK, &format!("04 FF 14 17 03 06 10 24 0E 07 0C {text}")]);
    assert_eq!(till.say(ACK), []);
    till.reply(progress(asked[0].reference(), Stage::AwaitingShopper));
    let text = hex::text(b"Bitte QR-Code scannen");
    assert_eq!(till.hear(), [format!("04 FF 1D 17 03 06 19 24 17 07 15 {text}")]);
    assert_eq!(till.say(ACK), []);
    till.reply(progress(asked[0].reference(), Stage::ShopperPaying));
    let text = hex::text(b"Kunde bezahlt am Telefon");
    assert_eq!(till.hear(), [format!("04 FF 20 17 03 06 1C 24 1A 07 18 {text}")]);
    // The result does not overtake the block that is on its way.
    till.reply(result(asked[0].reference(), SaleOutcome::Approved));
    assert_eq!(till.hear(), [""; 0]);
    assert_eq!(till.say(ACK), []);
    assert_eq!(till.hear(), [APPROVED]);
}
