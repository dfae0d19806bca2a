//! Bytes of a serial line: the same frames come out however they are cut, and what comes out goes
//! back in.
#![no_main]

use klarna_terminald::pos::zvt::frame::{Deframer, Received, encode};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let whole = Deframer::new().feed(bytes);
    let mut deframer = Deframer::new();
    let single: Vec<Received> = bytes.chunks(1).flat_map(|byte| deframer.feed(byte)).collect();
    assert_eq!(whole, single);
    for received in whole {
        if let Received::Apdu(apdu) = received {
            assert_eq!(Deframer::new().feed(&encode(&apdu)), [Received::Apdu(apdu)]);
        }
    }
});
