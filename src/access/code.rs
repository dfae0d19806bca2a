//! The code with which the first admin is made: shown on the terminal, so only who stands before it
//! can become the admin.

use super::AccessError;
use super::digest::digest;
use super::pin::random;
use crate::clock::Mono;
use std::time::Duration;

/// How long a code is good from when it was first shown: time to walk to another room and to type
/// a name and a PIN there (OWASP ASVS 5.0.0, 6.5.5: 10 minutes at most).
pub const CODE_LASTS: Duration = Duration::from_secs(10 * 60);

/// Characters of a code: 50 bits.
const CODE_LEN: usize = 10;
/// Longest text that is looked at, in bytes: a code with blanks and dashes.
const TYPED_LEN_MAX: usize = 64;
/// Crockford's base 32: no I, L, O and U.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A random code; kept in memory for as long as there is nobody who may do everything.
#[derive(Clone)]
pub(super) struct SetUpCode {
    text: String,
    /// When it was first shown, if it was.
    shown: Option<Mono>,
}

impl SetUpCode {
    pub(super) fn random() -> Result<Self, AccessError> {
        let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
        let text = random::<CODE_LEN>()?.into_iter().map(letter).collect();
        Ok(Self { text, shown: None })
    }

    /// The code to be shown now; another one if this one is no longer good.
    pub(super) fn show(&mut self, now: Mono) -> Result<String, AccessError> {
        if self.shown.is_some_and(|shown| is_over(shown, now)) {
            *self = Self::random()?;
        }
        self.shown.get_or_insert(now);
        Ok(self.text.clone())
    }

    /// Whether `typed` is this code and that is good now, in a time that does not tell how much of
    /// it is.
    pub(super) fn is(&self, now: Mono, typed: &str) -> bool {
        let is_good = self.shown.is_some_and(|shown| !is_over(shown, now));
        let read = if typed.len() <= TYPED_LEN_MAX { read(typed) } else { String::new() };
        let hash = |text: &str| digest("code", &[text.as_bytes()]);
        hash(&read).is_same(&hash(&self.text)) && is_good
    }
}

impl std::fmt::Debug for SetUpCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SetUpCode(..)")
    }
}

fn is_over(shown: Mono, now: Mono) -> bool {
    shown.after(CODE_LASTS).left(now).is_zero()
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
        assert_eq!(code.text.len(), CODE_LEN);
        assert!(code.text.bytes().all(|letter| LETTERS.contains(&letter)));
        assert_ne!(code.text, SetUpCode::random().expect("random").text);
        assert!(!format!("{code:?}").contains(&code.text));
    }

    #[test]
    fn a_code_is_read_as_it_was_meant() {
        let now = Mono::default();
        let code = SetUpCode { text: "01ABCDEFGH".to_owned(), shown: Some(now) };
        for typed in ["01ABCDEFGH", "oiabc defgh", " OL-ABCDE-FGH\n", "0lAbCdEfGh"] {
            assert!(code.is(now, typed), "{typed}");
        }
        for typed in ["", "01ABCDEFG", "01ABCDEFGHH", "01ABCDEFGJ", &"0".repeat(9_999)] {
            assert!(!code.is(now, typed), "{typed}");
        }
    }

    #[test]
    fn a_code_is_good_for_ten_minutes_from_when_it_was_first_shown() {
        let at = |minutes: u64| Mono::new(Duration::from_secs(60 * minutes));
        let mut code = SetUpCode::random().expect("random");
        let unseen = code.text.clone();
        assert!(!code.is(at(0), &unseen), "nobody can know it");
        let first = code.show(at(90)).expect("shown");
        assert_eq!(first, unseen);
        assert_eq!(code.show(at(99)).expect("shown"), first, "the same again");
        assert!(code.is(at(99), &first) && !code.is(at(100), &first));
        let second = code.show(at(200)).expect("shown");
        assert_ne!(second, first);
        assert!(code.is(at(209), &second) && !code.is(at(209), &first));
    }
}
