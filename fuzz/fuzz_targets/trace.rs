//! Records of dialogues: any text is read or refused, what was read is written and read again as the
//! same messages, and what is hidden stays hidden.
#![no_main]

use klarna_terminald::money::Currency;
use klarna_terminald::pos::zvt::charset::Charset;
use klarna_terminald::pos::zvt::trace::{Words, parse, write};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(entries) = parse(text) else { return };
    let currency = Currency::new("EUR").expect("a currency");
    let words = Words { charset: Charset::Cp437, currency };
    let hidden = parse(&write(&entries, words)).expect("own text is read");
    let again = parse(&write(&hidden, words)).expect("own text is read");
    assert_eq!(hidden.len(), entries.len());
    assert_eq!(again, hidden);
});
