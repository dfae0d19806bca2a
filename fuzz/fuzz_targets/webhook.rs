//! A notice and its headers: whatever they are, they are read or refused; what is signed is found
//! again, with whitespace or without, and nothing secret is kept of it.
#![no_main]

use klarna_terminald::acquirer::klarna::webhook::{
    self, Forged, SigningKey, SigningKeys, minified, sign, verify,
};
use klarna_terminald::id::Address;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut keys = SigningKeys::default();
    let key = SigningKey { id: "id".to_owned(), secret: "secret".into(), created_at: None };
    keys.add(key.clone()).expect("room for one");
    let (head, body) = match bytes.split_first() {
        Some((length, rest)) => rest.split_at(usize::from(*length).min(rest.len())),
        None => (bytes, bytes),
    };
    for id in [None, Some(&b"id"[..]), Some(head)] {
        // Who does not know the key cannot sign.
        assert!(verify(&keys, id, Some(head), body).is_err());
    }
    assert!(matches!(verify(&keys, None, None, body), Err(Forged::Unsigned)));
    let bare = minified(body);
    let code = sign(&key, bare.as_deref().unwrap_or(body));
    assert!(verify(&keys, Some(b"id"), Some(code.as_bytes()), body).is_ok());
    read(body, bare.as_deref().unwrap_or(body));
});

fn read(body: &[u8], bare: &[u8]) {
    let Ok(notice) = webhook::parse(body) else { return };
    assert_eq!(webhook::parse(bare).as_ref(), Ok(&notice));
    let Some(address) = notice.reference.and_then(|it| Address::of(it.as_str())) else { return };
    let name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    assert!(name(address.store()) && name(address.terminal()));
}
