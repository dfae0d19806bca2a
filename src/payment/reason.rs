//! Why money is given back: what the terminal decides by itself, and what somebody in the shop says
//! about a return. Klarna is not told.
//!
//! Knows nothing of who may give money back.

use super::event::NotPaid;
use crate::id::{Label, TextError, check_text};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest note, in characters: what fits into a line of the audit journal's page.
pub const NOTE_LEN_MAX: usize = 200;

/// Why the shop gives money back. Displayed as `damaged`, or with a note as `damaged: a scratch`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnReason {
    /// Which of the reasons that there are.
    pub why: Why,
    /// What else there is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Label>,
}

/// A reason to give money back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The goods came back.
    Returned,
    /// The goods are damaged.
    Damaged,
    /// The price was wrong.
    WrongPrice,
    /// Nothing is wrong; the shop is kind.
    Goodwill,
    /// Whatever the note says.
    Other,
}

impl Why {
    /// Every one of them.
    pub const ALL: [Self; 5] =
        [Self::Returned, Self::Damaged, Self::WrongPrice, Self::Goodwill, Self::Other];

    /// Its word in journals and on the command line.
    pub fn code(self) -> &'static str {
        match self {
            Self::Returned => "returned",
            Self::Damaged => "damaged",
            Self::WrongPrice => "wrong_price",
            Self::Goodwill => "goodwill",
            Self::Other => "other",
        }
    }
}

impl ReturnReason {
    /// The reason with this code and a note, which may be empty; `None` if there is no such reason
    /// or the note cannot be kept.
    pub fn new(code: &str, note: &str) -> Option<Self> {
        let why = Why::ALL.into_iter().find(|why| why.code() == code)?;
        match note {
            "" => Some(Self { why, note: None }),
            note => Some(Self { why, note: Some(checked(note).ok()?) }),
        }
    }

    /// The reason that `text` names by its code; of any other text it is the note.
    ///
    /// # Errors
    /// [`TextError`] if it is no text for a journal, or longer than 200 characters.
    pub fn read(text: &str) -> Result<Self, TextError> {
        match Self::new(text, "") {
            Some(reason) => Ok(reason),
            None => Ok(Self { why: Why::Other, note: Some(checked(text)?) }),
        }
    }
}

fn checked(note: &str) -> Result<Label, TextError> {
    check_text(note, NOTE_LEN_MAX)?;
    Label::new(note)
}

impl fmt::Display for ReturnReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.note {
            Some(note) => write!(f, "{}: {note}", self.why.code()),
            None => f.write_str(self.why.code()),
        }
    }
}

/// Why an authorisation is given back as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoidReason {
    /// The till never acknowledged the result.
    NotAcknowledged,
    /// The till asked for it.
    RequestedByTill,
    /// The till had been told "not paid" for this reason before the authorisation was seen.
    LatePayment(NotPaid),
}

impl VoidReason {
    /// The code that the till gets.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAcknowledged => "not_acknowledged",
            Self::RequestedByTill => "requested_by_till",
            Self::LatePayment(_) => "late_payment",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_of_five_or_a_note() {
        let read = |text: &str| ReturnReason::read(text).map(|reason| reason.to_string());
        for why in Why::ALL {
            assert_eq!(read(why.code()).as_deref(), Ok(why.code()));
        }
        assert_eq!(read("the cat sat on it").as_deref(), Ok("other: the cat sat on it"));
        assert_eq!(read("Damaged").as_deref(), Ok("other: Damaged"), "a code is written as it is");
        assert_eq!(read(&"x".repeat(NOTE_LEN_MAX + 1)), Err(TextError::TooLong(201, 200)));
        for none in ["", " ", "a\nb", "<b>"] {
            read(none).expect_err(none);
        }
        assert_eq!(ReturnReason::new("stolen", ""), None);
        assert_eq!(ReturnReason::new("damaged", "a\nb"), None);
    }

    #[test]
    fn it_is_kept_as_json() {
        let json = r#"{"why":"wrong_price","note":"EUR 5 too much"}"#;
        let reason: ReturnReason = serde_json::from_str(json).expect("a reason");
        assert_eq!(serde_json::to_string(&reason).expect("JSON"), json);
        let bare: ReturnReason = serde_json::from_str(r#"{"why":"other"}"#).expect("a reason");
        assert_eq!(bare, ReturnReason { why: Why::Other, note: None });
    }
}
