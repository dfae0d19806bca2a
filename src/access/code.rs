//! The code with which the first admin is made: shown on the terminal, so only who stands before it
//! can become the admin.

use super::AccessError;
use super::digest::digest;
use super::pin::random;

/// Characters of a code: 50 bits.
const CODE_LEN: usize = 10;
/// Longest text that is looked at, in bytes: a code with blanks and dashes.
const TYPED_LEN_MAX: usize = 64;
/// Crockford's base 32: no I, L, O and U.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A random code; kept in memory for as long as there is nobody who may do everything.
#[derive(Clone)]
pub(super) struct SetUpCode(String);

impl SetUpCode {
    pub(super) fn random() -> Result<Self, AccessError> {
        let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
        Ok(Self(random::<CODE_LEN>()?.into_iter().map(letter).collect()))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Whether `typed` is this code, in a time that does not tell how much of it is.
    pub(super) fn is(&self, typed: &str) -> bool {
        let read = if typed.len() <= TYPED_LEN_MAX { read(typed) } else { String::new() };
        let hash = |text: &str| digest("code", &[text.as_bytes()]);
        hash(&read).is_same(&hash(&self.0))
    }
}

impl std::fmt::Debug for SetUpCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SetUpCode(..)")
    }
}

/// As it was meant: people write small letters, blanks and dashes, and take 0 and 1 for letters.
fn read(typed: &str) -> String {
    let kept = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
    let meant = kept.map(|c| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    });
    meant.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_ten_letters_that_cannot_be_confused() {
        let code = SetUpCode::random().expect("random");
        assert_eq!(code.text().len(), CODE_LEN);
        assert!(code.text().bytes().all(|letter| LETTERS.contains(&letter)));
        assert_ne!(code.text(), SetUpCode::random().expect("random").text());
        assert!(!format!("{code:?}").contains(code.text()));
    }

    #[test]
    fn a_code_is_read_as_it_was_meant() {
        let code = SetUpCode("01ABCDEFGH".to_owned());
        for typed in ["01ABCDEFGH", "oiabc defgh", " OL-ABCDE-FGH\n", "0lAbCdEfGh"] {
            assert!(code.is(typed), "{typed}");
        }
        for typed in ["", "01ABCDEFG", "01ABCDEFGHH", "01ABCDEFGJ", &"0".repeat(9_999)] {
            assert!(!code.is(typed), "{typed}");
        }
    }
}
