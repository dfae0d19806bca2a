//! What a serial line makes of answers without numbers: each is awaited until its last repetition.

use super::*;
use crate::pos::zvt::frame;

const WAITING: &str = "04 FF 01 17";
const SALE: &str = "06 01 07 04 00 00 00 00 10 10";

fn framed(apdu: &str) -> String {
    hex::text(&frame::encode(&hex::bytes(apdu)))
}

impl Till {
    /// On a serial line, registered with intermediate states.
    fn serial() -> Self {
        let mut till = Self::with(Profile::Standard, Line::Serial);
        till.session.remember(&[0x8E]);
        till
    }

    /// Says a frame, and hears its acknowledgement.
    fn frame(&mut self, apdu: &str) -> Vec<Request> {
        let asked = self.say(&framed(apdu));
        assert_eq!(self.hear(), ["06"]);
        asked
    }

    /// Hears a frame after the pause before each.
    fn hears_frame(&mut self, apdu: &str) {
        self.wait(Duration::from_millis(50));
        assert_eq!(self.hear(), [framed(apdu)]);
        self.say("06");
    }

    /// A sale whose first intermediate state has arrived.
    fn serial_sale(&mut self) -> PosReference {
        let asked = self.frame(SALE);
        self.reply(progress(asked[0].reference(), Stage::Checking));
        self.hears_frame(ACK);
        assert_eq!(self.hear(), [framed(WAITING)]);
        self.say("06");
        asked[0].reference().clone()
    }
}

#[test]
fn a_repeated_answer_to_an_intermediate_state_acknowledges_no_result() {
    let mut till = Till::serial();
    let reference = till.serial_sale();
    till.reply(result(&reference, SaleOutcome::Approved));
    till.wait(Duration::from_millis(10_100));
    assert_eq!(till.hear(), [""; 0], "the answer may come for the third time");
    assert_eq!(till.frame(ACK), []);
    till.hears_frame(APPROVED);
    till.wait(Duration::from_secs(1));
    let asked = till.frame(ACK);
    assert!(matches!(&asked[..], [Request::Acknowledge { reference: r }] if *r == reference));
}

#[test]
fn a_result_is_told_once_no_earlier_answer_can_come() {
    let mut till = Till::serial();
    let reference = till.serial_sale();
    till.reply(result(&reference, SaleOutcome::Approved));
    till.wait(Duration::from_millis(15_499));
    assert_eq!(till.hear(), [""; 0]);
    till.wait(Duration::from_millis(1));
    till.hears_frame(APPROVED);
    assert_eq!(till.wait(Duration::from_millis(15_499)), []);
    assert!(is_void_of(&till.wait(Duration::from_millis(1)), &reference));
}

#[test]
fn a_result_of_which_only_the_answer_arrives_has_arrived() {
    let mut till = Till::serial();
    let reference = till.serial_sale();
    till.frame(ACK);
    till.reply(result(&reference, SaleOutcome::Approved));
    till.wait(Duration::from_millis(50));
    for _ in 0..3 {
        assert_eq!(till.hear(), [framed(APPROVED)]);
        assert_eq!(till.wait(Duration::from_secs(5)), []);
    }
    assert_eq!(till.hear(), [""; 0]);
    let asked = till.frame("84 00 00");
    assert!(matches!(&asked[..], [Request::Acknowledge { reference: r }] if *r == reference));
}

#[test]
fn a_result_whose_answer_counts_as_a_repetition_is_told_again() {
    let mut till = Till::serial();
    let reference = till.serial_sale();
    till.frame(ACK);
    till.reply(result(&reference, SaleOutcome::Approved));
    till.wait(Duration::from_millis(50));
    assert_eq!(till.hear(), [framed(APPROVED)]);
    till.wait(Duration::from_secs(1));
    assert_eq!(till.frame(ACK), [], "its ACK was lost");
    till.wait(Duration::from_secs(4));
    till.hears_frame(APPROVED);
    till.wait(Duration::from_millis(15_500));
    till.hears_frame(APPROVED);
    let asked = till.frame(ACK);
    assert!(matches!(&asked[..], [Request::Acknowledge { reference: r }] if *r == reference));
}

#[test]
fn after_a_cut_an_intermediate_state_is_not_said_twice() {
    let mut till = Till::serial();
    till.serial_sale();
    till.session.down(till.now);
    till.wait(Duration::from_secs(2));
    till.session.up(till.now);
    till.wait(Duration::from_secs(3));
    assert_eq!(till.hear(), [""; 0], "a second answer would be the next block's");
    till.frame(ACK);
    till.wait(Duration::from_secs(4));
    till.hears_frame(WAITING);
}

#[test]
fn a_payment_is_the_same_as_long_as_its_result_is_not_on_its_way() {
    let mut till = Till::serial();
    let reference = till.serial_sale();
    till.reply(result(&reference, SaleOutcome::Approved));
    till.wait(Duration::from_secs(5));
    assert_eq!(till.frame(SALE), [], "its answer was lost");
    till.frame(ACK);
    till.hears_frame(ACK);
    assert_eq!(till.hear(), [framed(APPROVED)]);
}

#[test]
fn an_answer_may_wait_behind_a_command_of_the_tills() {
    let mut till = Till::serial();
    let reference = till.serial_sale();
    till.frame(ACK);
    till.frame("05 01 00");
    till.hears_frame(ACK);
    till.wait(Duration::from_secs(8));
    let report = till.hear();
    assert_eq!(report.len(), 1, "{report:?}");
    till.say("06");
    till.reply(result(&reference, SaleOutcome::Approved));
    till.wait(Duration::from_secs(16));
    assert_eq!(till.hear(), [""; 0], "our ACK of its question may have been lost");
    till.frame(ACK);
    till.wait(Duration::from_millis(50));
    assert_eq!(till.hear(), [framed(APPROVED)]);
}
