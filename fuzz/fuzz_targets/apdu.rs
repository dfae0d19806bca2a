//! Bytes of a TCP connection: the same APDUs come out however they are cut, and every message that
//! can be read from them, of either side, means the same when it is written again.
#![no_main]

use klarna_terminald::pos::zvt::apdu::Apdu;
use klarna_terminald::pos::zvt::charset::Charset;
use klarna_terminald::pos::zvt::message::{Answer, Command};
use klarna_terminald::pos::zvt::stream::{Received, Splitter};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let whole = Splitter::new().feed(bytes);
    let mut splitter = Splitter::new();
    let single: Vec<Received> = bytes.chunks(1).flat_map(|byte| splitter.feed(byte)).collect();
    assert_eq!(whole, single);
    for received in whole {
        if let Received::Apdu(bytes) = received {
            let apdu = Apdu::parse(&bytes).expect("the splitter has counted its bytes");
            command(&apdu);
            answer(&apdu);
        }
    }
});

fn command(apdu: &Apdu<'_>) {
    let Ok(command) = Command::parse(apdu) else { return };
    // Without the bitmaps that say nothing to us, a password may look like the others.
    if matches!(command, Command::StatusEnquiry(enquiry) if enquiry.password.is_some()) {
        return;
    }
    let again = command.encode().expect("what was read fits");
    let again = Apdu::parse(&again).expect("what is written is whole");
    assert_eq!(Command::parse(&again), Ok(command));
}

fn answer(apdu: &Apdu<'_>) {
    for charset in [Charset::Cp437, Charset::Utf8, Charset::SevenBit] {
        let Ok(answer) = Answer::parse(apdu, charset) else { continue };
        let Ok(first) = answer.encode(charset) else { continue };
        let apdu = Apdu::parse(&first).expect("what is written is whole");
        let answer = Answer::parse(&apdu, charset).expect("what is written is read");
        let second = answer.encode(charset).expect("what was read fits");
        assert_eq!(first, second);
    }
}
