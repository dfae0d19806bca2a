//! Containers: bounded depth, and what is read is the same when it is written again.
#![no_main]

use klarna_terminald::pos::zvt::tlv::{DEPTH_MAX, Item, items, push, walk};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = walk(bytes, &mut |depth, _| assert!(depth < DEPTH_MAX));
    let read: Result<Vec<Item>, _> = items(bytes).collect();
    let Ok(read) = read else { return };
    let mut written = Vec::new();
    for item in &read {
        push(&mut written, item.tag.0, item.value).expect("it was no longer than this");
    }
    let again: Result<Vec<Item>, _> = items(&written).collect();
    assert_eq!(again.as_ref(), Ok(&read));
});
