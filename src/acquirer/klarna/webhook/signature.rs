//! Whether a notice is Klarna's: HMAC-SHA256 over its body, under a key that Klarna has made for us
//! (Integration Guidelines: Verify HMAC signature).
//!
//! The guidelines sign the JSON without its whitespace, later documents the body as it is sent. So
//! the body is tried as it came, then without the whitespace between its tokens. It is never
//! written anew from what was read: order and numbers would change. How the signature is written
//! in its header is not documented; hexadecimal and base64 are both taken.

use super::keys::{SigningKey, SigningKeys};
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret as _;
use sha2::Sha256;
use std::cell::LazyCell;

/// Header of the signature; HTTP compares such names without case.
pub const SIGNATURE_HEADER: &str = "klarna-signature";
/// Header of the signing key's id.
pub const KEY_ID_HEADER: &str = "klarna-signing-key-id";
/// Largest body that is looked at, in bytes; Klarna's samples are about 1 kB.
pub const BODY_LEN_MAX: usize = 64 * 1024;
/// Bytes of a SHA-256 code.
const CODE_LEN: usize = 32;
/// Longest key id that an error repeats, in characters; Klarna's have about 90.
const TOLD_LEN_MAX: usize = 100;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: [GeneralPurpose; 2] =
    [GeneralPurpose::new(&STANDARD, LENIENT), GeneralPurpose::new(&URL_SAFE, LENIENT)];

/// Why a notice is not taken for Klarna's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Forged {
    /// There is no signature.
    #[error("there is no {SIGNATURE_HEADER} header")]
    Unsigned,
    /// The signature is neither 64 hexadecimal digits nor base64 of 32 bytes.
    #[error("{SIGNATURE_HEADER} is neither hexadecimal nor base64 of {CODE_LEN} bytes")]
    Unreadable,
    /// More than [`BODY_LEN_MAX`] bytes.
    #[error("the body has {0} bytes, more than the {BODY_LEN_MAX} that are looked at")]
    TooLong(usize),
    /// No key here has this id; cut, and without what could harm a log.
    #[error("no signing key {0:?} is known; is it in the file of keys?")]
    UnknownKey(String),
    /// The key fits its id, the signature does not fit the body.
    #[error("the signature does not fit the body")]
    Mismatch,
    /// No key is named, and none of those that are known fits.
    #[error("there is no {KEY_ID_HEADER} header, and no key that is known fits")]
    NoKeyFits,
}

impl Forged {
    /// Whether a key that is not known yet would help.
    pub fn may_be_a_new_key(&self) -> bool {
        match self {
            Self::UnknownKey(_) | Self::NoKeyFits => true,
            Self::Unsigned | Self::Unreadable | Self::TooLong(_) | Self::Mismatch => false,
        }
    }
}

/// Which key has signed `body`. `key_id` and `signature` are the values of [`KEY_ID_HEADER`] and
/// [`SIGNATURE_HEADER`]. Without a key id every key is tried: the guidelines do not name that
/// header, and there are at most [`super::KEYS_MAX`]. Codes are compared in constant time.
///
/// # Errors
/// The first [`Forged`] that applies.
pub fn verify<'k>(
    keys: &'k SigningKeys,
    key_id: Option<&[u8]>,
    signature: Option<&[u8]>,
    body: &[u8],
) -> Result<&'k SigningKey, Forged> {
    let code = code(signature.ok_or(Forged::Unsigned)?).ok_or(Forged::Unreadable)?;
    if body.len() > BODY_LEN_MAX {
        return Err(Forged::TooLong(body.len()));
    }
    let bare = LazyCell::new(|| minified(body));
    let fits = |key: &&SigningKey| {
        has_signed(key, body, &code)
            || bare.as_ref().is_some_and(|bare| has_signed(key, bare, &code))
    };
    match key_id.map(<[u8]>::trim_ascii) {
        None => keys.iter().find(fits).ok_or(Forged::NoKeyFits),
        Some(id) => {
            let key = keys.iter().find(|key| key.id.as_bytes() == id);
            let key = key.ok_or_else(|| Forged::UnknownKey(printable(id)))?;
            Some(key).filter(fits).ok_or(Forged::Mismatch)
        }
    }
}

/// The code with which `key` signs `body`, in hexadecimal digits: what Klarna's side does.
pub fn sign(key: &SigningKey, body: &[u8]) -> String {
    use std::fmt::Write as _;
    mac(key, body).finalize().into_bytes().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn has_signed(key: &SigningKey, body: &[u8], code: &[u8; CODE_LEN]) -> bool {
    mac(key, body).verify_slice(code).is_ok()
}

/// The key is the text itself, not what it stands for as a UUID.
fn mac(key: &SigningKey, body: &[u8]) -> Hmac<Sha256> {
    let secret = key.secret.expose_secret().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(body);
    mac
}

fn code(header: &[u8]) -> Option<[u8; CODE_LEN]> {
    let text = header.trim_ascii();
    if text.len() == 2 * CODE_LEN {
        return hexadecimal(text);
    }
    // 32 bytes are 43 digits and one character that fills up.
    let is_base64 = (43..=44).contains(&text.len());
    let decoded = |engine: &GeneralPurpose| engine.decode(text).ok()?.try_into().ok();
    is_base64.then(|| BASE64.iter().find_map(decoded)).flatten()
}

fn hexadecimal(text: &[u8]) -> Option<[u8; CODE_LEN]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut code = [0; CODE_LEN];
    for (byte, pair) in code.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(code)
}

/// `json` without the whitespace between its tokens; `None` where there is none. What is within
/// strings stays, and so does everything that is no whitespace of JSON (RFC 8259, section 2).
pub fn minified(json: &[u8]) -> Option<Vec<u8>> {
    let (mut in_string, mut is_escaped) = (false, false);
    let stays = |byte: &u8| {
        if in_string {
            in_string = is_escaped || *byte != b'"';
            is_escaped = !is_escaped && *byte == b'\\';
            return true;
        }
        in_string = *byte == b'"';
        !matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
    };
    let bare: Vec<u8> = json.iter().copied().filter(stays).collect();
    (bare.len() < json.len()).then_some(bare)
}

fn printable(id: &[u8]) -> String {
    let shown = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '?' };
    id.iter().take(TOLD_LEN_MAX).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::{
        BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD,
    };
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn key(id: &str, secret: &str) -> SigningKey {
        SigningKey { id: id.to_owned(), secret: secret.into(), created_at: None }
    }

    fn keys(of: &[(&str, &str)]) -> SigningKeys {
        let mut keys = SigningKeys::default();
        for (id, secret) in of {
            keys.add(key(id, secret)).expect("room");
        }
        keys
    }

    fn check(
        id: Option<&str>,
        signature: Option<&str>,
        body: &[u8],
    ) -> Result<&'static str, Forged> {
        let keys = keys(&[("old", "secret 1"), ("new", "secret 2")]);
        let (id, signature) = (id.map(str::as_bytes), signature.map(str::as_bytes));
        let found = verify(&keys, id, signature, body)?;
        Ok(if found.id == "old" { "old" } else { "new" })
    }

    /// RFC 4231, test case 2: the code of others, not ours.
    #[test]
    fn a_published_code_is_ours_too() {
        let keys = keys(&[("rfc", "Jefe")]);
        let code = b"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let body = b"what do ya want for nothing?";
        let found = verify(&keys, Some(b"rfc"), Some(code), body).expect("signed");
        assert_eq!(found.id, "rfc");
        assert_eq!(sign(found, body).as_bytes(), code);
    }

    #[test]
    fn the_key_is_chosen_by_its_id_and_without_one_by_its_fit() {
        let body = br#"{"a": 1}"#;
        let code = sign(&key("new", "secret 2"), body);
        assert_eq!(check(Some("new"), Some(&code), body), Ok("new"));
        assert_eq!(check(None, Some(&code), body), Ok("new"));
        assert_eq!(check(Some(" new "), Some(&code), body), Ok("new"));
        assert_eq!(check(Some("old"), Some(&code), body), Err(Forged::Mismatch));
        let unknown = Forged::UnknownKey("NEW".to_owned());
        assert_eq!(check(Some("NEW"), Some(&code), body), Err(unknown));
        assert_eq!(check(None, Some(&code), b"{}"), Err(Forged::NoKeyFits));
        assert_eq!(check(None, None, body), Err(Forged::Unsigned));
        for wrong in ["", "00", &code[1..], &format!("{code}0"), &code.replace(&code[..1], "g")] {
            assert_eq!(check(None, Some(wrong), body), Err(Forged::Unreadable), "{wrong}");
        }
        let long = vec![b' '; BODY_LEN_MAX + 1];
        assert_eq!(check(None, Some(&code), &long), Err(Forged::TooLong(BODY_LEN_MAX + 1)));
    }

    #[test]
    fn an_unknown_id_cannot_harm_a_log() {
        let id = format!("\x1b[31m\n{}", "ü".repeat(300));
        let Err(Forged::UnknownKey(told)) = check(Some(&id), Some(&"0".repeat(64)), b"") else {
            panic!("no such key");
        };
        assert!(told.starts_with("?[31m???") && told.len() == TOLD_LEN_MAX, "{told}");
    }

    #[test]
    fn one_changed_bit_is_found() {
        let body = br#"{"a":"b c"}"#;
        let code = sign(&key("new", "secret 2"), body);
        for at in 0..body.len() * 8 {
            let mut changed = body.to_vec();
            changed[at / 8] ^= 1 << (at % 8);
            assert_eq!(check(Some("new"), Some(&code), &changed), Err(Forged::Mismatch), "{at}");
        }
    }

    #[test]
    fn only_whitespace_between_tokens_goes() {
        let minified = |text: &str| minified(text.as_bytes()).map(String::from_utf8);
        let bare = |text: &str| minified(text).map(|bare| bare.expect("UTF-8"));
        assert_eq!(bare(r#"{"a":"b  c"}"#), None);
        assert_eq!(bare("{ \"a\\\" b\" :\r\n\t[ 1 , 2 ] }").as_deref(), Some(r#"{"a\" b":[1,2]}"#));
        assert_eq!(bare(r#" "\\" "#).as_deref(), Some(r#""\\""#));
        assert_eq!(bare("1\u{a0}2"), None, "a no-break space is none of JSON's");
        assert_eq!(bare("\"open  "), None);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,8}|[ \"\\\\\n\t]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let list = prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from);
            let entry = ("[ a-z\"\\\\]{0,4}", inner);
            let map = prop::collection::vec(entry, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect()));
            prop_oneof![list, map]
        })
    }

    proptest! {
        #[test]
        fn what_is_read_stays_the_same_without_whitespace(value in any_json()) {
            let pretty = serde_json::to_vec_pretty(&value).expect("JSON");
            let bare = minified(&pretty).unwrap_or(pretty);
            prop_assert_eq!(serde_json::to_vec(&value).expect("JSON"), bare);
        }

        #[test]
        fn what_can_be_read_means_the_same_without_whitespace(
            text in "[ \t\n\r{}\\[\\]:,\"\\\\a1-]{0,24}"
        ) {
            if let Ok(value) = serde_json::from_str::<Value>(&text)
                && let Some(bare) = minified(text.as_bytes())
            {
                prop_assert_eq!(serde_json::from_slice::<Value>(&bare).expect("JSON"), value);
            }
        }

        #[test]
        fn anything_is_verified_or_refused(
            id in prop::option::of(prop::collection::vec(any::<u8>(), 0..120)),
            signature in prop::option::of("[0-9a-fA-F]{62,66}|[A-Za-z0-9+/=_-]{42,45}|\\PC{0,9}"),
            body in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let keys = keys(&[("a", "b")]);
            let signature = signature.as_ref().map(String::as_bytes);
            prop_assert!(verify(&keys, id.as_deref(), signature, &body).is_err());
        }

        #[test]
        fn a_signature_is_found_in_all_its_spellings(secret in "\\PC{1,90}", value in any_json()) {
            let keys = keys(&[("other", "other"), ("id", &secret)]);
            let body = serde_json::to_vec(&json!({ "value": value })).expect("JSON");
            let key = keys.iter().last().expect("a key");
            let hexadecimal = sign(key, &body);
            let code = code(hexadecimal.as_bytes()).expect("a code");
            let spellings = [
                hexadecimal.to_uppercase(),
                format!(" {hexadecimal} "),
                BASE64_STANDARD.encode(code),
                BASE64_STANDARD_NO_PAD.encode(code),
                BASE64_URL_SAFE.encode(code),
                BASE64_URL_SAFE_NO_PAD.encode(code),
            ];
            let pretty = serde_json::to_vec_pretty(&json!({ "value": value })).expect("JSON");
            for (spelling, body) in
                spellings.iter().flat_map(|spelling| [(spelling, &body), (spelling, &pretty)])
            {
                for id in [None, Some(&b"id"[..])] {
                    let found = verify(&keys, id, Some(spelling.as_bytes()), body);
                    prop_assert_eq!(&found.expect("signed").id, "id");
                }
            }
        }
    }
}
