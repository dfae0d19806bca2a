//! The signature of a notice: HMAC-SHA256 (RFC 2104) over its bytes, keyed with the text of a
//! signing key (Integration Guidelines: Verify HMAC signature).
//!
//! The guidelines don't say how it is written in the header; both usual ways can be had.

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt::Write as _;

/// How `Klarna-Signature` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureEncoding {
    /// 64 hexadecimal digits.
    #[default]
    Hex,
    /// RFC 4648 with padding.
    Base64,
}

/// The header's value for `body`.
pub(super) fn sign(secret: &str, body: &str, encoding: SignatureEncoding) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body.as_bytes());
    let bytes = mac.finalize().into_bytes();
    match encoding {
        SignatureEncoding::Base64 => base64::engine::general_purpose::STANDARD.encode(bytes),
        SignatureEncoding::Hex => bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").ok();
            text
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_rfc_4231() {
        let text = "what do ya want for nothing?";
        let hex = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(sign("Jefe", text, SignatureEncoding::Hex), hex);
        let base64 = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=";
        assert_eq!(sign("Jefe", text, SignatureEncoding::Base64), base64);
    }
}
