//! What the QR code on a receipt says: by which names any terminal of the shop finds the sale
//! again.
//!
//! A name, no key: whoever shows it can have nothing done that the till does not ask for.

use crate::id::{PaymentReference, TextError, TransactionId};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::fmt;
use std::str::FromStr;

/// Longest return code, in bytes: our own are about 100 long, and this is a QR code of 97 modules,
/// the largest that a printer of 48 columns prints well.
pub const RETURN_CODE_LEN_MAX: usize = 512;

/// What every code begins with; the number counts versions.
const PREFIX: &str = "KTD1:";
/// Characters of a wrong code that are told.
const TOLD_MAX: usize = 40;
/// What is escaped in a reference: a colon ends it.
const IN_REFERENCE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
/// What is escaped in a transaction id, which goes to the end and may have colons.
const IN_TRANSACTION: &AsciiSet = &IN_REFERENCE.remove(b':');

/// The names of a sale, written as `KTD1:<payment reference>` or
/// `KTD1:<payment reference>:<transaction id>`.
///
/// Everything but letters, digits and `-_.` (and the colons of the transaction id) is
/// percent-encoded, so the first colon after the version always ends the reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnCode {
    /// Our name of the payment.
    pub payment_reference: PaymentReference,
    /// Klarna's id, by which terminals find it that have not sold it.
    pub transaction: Option<TransactionId>,
}

/// Why a text is no return code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReturnCodeError {
    /// It begins with something else.
    #[error(
        "{0:?} is no code of a receipt of ours; if it was scanned from one, the scanner types with \
         another keyboard layout: set it to the layout of this computer"
    )]
    NotOurs(String),
    /// More bytes than any of ours has.
    #[error(
        "a code of {0} bytes is no code of a receipt of ours, they have at most {1}; scan again"
    )]
    TooLong(usize, usize),
    /// A part of it cannot be a name.
    #[error(
        "the {part} in the code {wrong}; scan again, and if that does not help set the scanner to \
         the keyboard layout of this computer, or type the reference from the receipt"
    )]
    Name {
        /// The reference or the transaction id.
        part: &'static str,
        /// What is wrong with it.
        wrong: TextError,
    },
    /// A part of it has a character that codes do not have.
    #[error(
        "the code has {0:?} in it, which codes of receipts do not have; the scanner types with \
         another keyboard layout: set it to the layout of this computer"
    )]
    Character(char),
    /// An escaped character is incomplete.
    #[error("the code is damaged after a percent sign; scan again")]
    Escape,
}

impl ReturnCode {
    /// The code of a sale; `None` when it would be longer than [`RETURN_CODE_LEN_MAX`].
    pub fn new(
        payment_reference: PaymentReference,
        transaction: Option<TransactionId>,
    ) -> Option<Self> {
        let code = Self { payment_reference, transaction };
        (code.to_string().len() <= RETURN_CODE_LEN_MAX).then_some(code)
    }
}

impl fmt::Display for ReturnCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reference = utf8_percent_encode(self.payment_reference.as_str(), IN_REFERENCE);
        write!(f, "{PREFIX}{reference}")?;
        match &self.transaction {
            Some(id) => write!(f, ":{}", utf8_percent_encode(id.as_str(), IN_TRANSACTION)),
            None => Ok(()),
        }
    }
}

impl FromStr for ReturnCode {
    type Err = ReturnCodeError;

    /// As it is scanned; spaces and line ends around it, which scanners add, are ignored.
    ///
    /// # Errors
    /// The first [`ReturnCodeError`] that applies.
    fn from_str(text: &str) -> Result<Self, ReturnCodeError> {
        let text = text.trim();
        if text.len() > RETURN_CODE_LEN_MAX {
            return Err(ReturnCodeError::TooLong(text.len(), RETURN_CODE_LEN_MAX));
        }
        let Some(names) = text.strip_prefix(PREFIX) else {
            return Err(ReturnCodeError::NotOurs(text.chars().take(TOLD_MAX).collect()));
        };
        if let Some(foreign) = names.chars().find(|character| !is_of_codes(*character)) {
            return Err(ReturnCodeError::Character(foreign));
        }
        let (reference, transaction) = match names.split_once(':') {
            Some((reference, transaction)) => (reference, Some(transaction)),
            None => (names, None),
        };
        let named = |part| move |wrong| ReturnCodeError::Name { part, wrong };
        let payment_reference = PaymentReference::new(unescaped(reference)?);
        let transaction = transaction.map(unescaped).transpose()?.map(TransactionId::new);
        Ok(Self {
            payment_reference: payment_reference.map_err(named("reference"))?,
            transaction: transaction.transpose().map_err(named("transaction id"))?,
        })
    }
}

fn is_of_codes(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_.:%".contains(character)
}

/// Every percent sign stands before two hexadecimal digits, and all is UTF-8.
fn unescaped(text: &str) -> Result<String, ReturnCodeError> {
    let whole = text.split('%').skip(1).all(|rest| {
        rest.get(..2).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    });
    let decoded = percent_decode_str(text).decode_utf8().ok().filter(|_| whole);
    decoded.map(|text| text.into_owned()).ok_or(ReturnCodeError::Escape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &str) {
        let told = match text.parse::<ReturnCode>() {
            Ok(code) => {
                format!("{} | {:?}", code.payment_reference, code.transaction.map(String::from))
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(told, expected, "{text:?}");
    }

    #[test]
    fn codes_are_read_as_they_are_printed() {
        check("KTD1:S1-T1-20261121-000007-a1b2c3d4", "S1-T1-20261121-000007-a1b2c3d4 | None");
        check(" KTD1:S1-7:krn:pay:6c58\r\n", "S1-7 | Some(\"krn:pay:6c58\")");
        check("KTD1:a%3Ab:krn", "a:b | Some(\"krn\")");
    }

    #[test]
    fn what_a_wrong_keyboard_layout_makes_of_a_code_is_told() {
        let layout = "set it to the layout of this computer";
        let german = "KTD1ÖS1ßT1ß20261121ß000007ßa1b2c3d4";
        let told = german.parse::<ReturnCode>().expect_err("no code").to_string();
        assert!(told.starts_with("\"KTD1ÖS1ß") && told.ends_with(layout), "{told}");
        let told = "KTD1:S1'T1".parse::<ReturnCode>().expect_err("no code").to_string();
        assert!(told.starts_with("the code has '\\'' in it") && told.ends_with(layout), "{told}");
    }

    #[test]
    fn hostile_codes_are_refused() {
        for text in ["", "KTD1", "ktd1:x", "KTD2:x", "https://evil.example", "4006381333931"] {
            assert!(matches!(text.parse::<ReturnCode>(), Err(ReturnCodeError::NotOurs(_))));
        }
        for text in ["KTD1:%", "KTD1:%4", "KTD1:%zz", "KTD1:%ff", "KTD1:a:%C3"] {
            assert_eq!(text.parse::<ReturnCode>(), Err(ReturnCodeError::Escape), "{text}");
        }
        for text in ["KTD1:", "KTD1::x", "KTD1:x:", "KTD1:%00", "KTD1:x:%3Cb"] {
            let told = text.parse::<ReturnCode>();
            assert!(matches!(told, Err(ReturnCodeError::Name { .. })), "{text}: {told:?}");
        }
        let long = format!("KTD1:{}", "x".repeat(10_000_000));
        assert_eq!(long.parse::<ReturnCode>(), Err(ReturnCodeError::TooLong(10_000_005, 512)));
    }

    #[test]
    fn a_name_that_is_too_long_has_no_code() {
        let name = |text: &str| PaymentReference::new(text.repeat(255)).expect("a reference");
        assert!(ReturnCode::new(name("x"), None).is_some());
        assert!(ReturnCode::new(name("漢"), None).is_none());
    }

    proptest! {
        #[test]
        fn every_code_comes_back(reference in "\\PC{1,60}", transaction in "\\PC{1,60}") {
            let Ok(reference) = PaymentReference::new(reference) else { return Ok(()) };
            for id in [None, TransactionId::new(transaction).ok()] {
                if let Some(code) = ReturnCode::new(reference.clone(), id) {
                    prop_assert!(code.to_string().chars().all(is_of_codes));
                    prop_assert_eq!(code.to_string().parse::<ReturnCode>(), Ok(code));
                }
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*", names in "[%:a-fA-F0-9]{0,20}") {
            for text in [text, format!("KTD1:{names}")] {
                if let Ok(code) = text.parse::<ReturnCode>() {
                    prop_assert_eq!(code.to_string().parse(), Ok(code));
                }
            }
        }
    }
}
