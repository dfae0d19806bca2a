//! Letters for paper whose code page lacks some: the nearest ones that it has.
//!
//! Digits, signs and separators of amounts are ASCII and stay what they are. A letter becomes one
//! that looks like it; currency signs become their ISO 4217 codes, Greek becomes Latin.

use crate::i18n::latin::GREEK;

/// Letters with marks and what is left without these.
const UNMARKED: &[(&str, &str)] = &[
    ("ÀÁÂÃÄÅĀĂĄ", "A"),
    ("Æ", "AE"),
    ("ÇĆĊČ", "C"),
    ("ĎĐÐ", "D"),
    ("ÈÉÊËĒĖĘĚ", "E"),
    ("ĞĢ", "G"),
    ("ÌÍÎÏĪĮİ", "I"),
    ("Ķ", "K"),
    ("ĹĻĽŁ", "L"),
    ("ÑŃŅŇ", "N"),
    ("ÒÓÔÕÖØŌŐ", "O"),
    ("Œ", "OE"),
    ("ŔŖŘ", "R"),
    ("ŚŞŠȘ", "S"),
    ("ŢŤȚ", "T"),
    ("ÙÚÛÜŪŮŰŲ", "U"),
    ("ÝŸ", "Y"),
    ("ŹŻŽ", "Z"),
    ("Þ", "Th"),
    ("àáâãäåāăą", "a"),
    ("æ", "ae"),
    ("çćċč", "c"),
    ("ďđð", "d"),
    ("èéêëēėęě", "e"),
    ("ğģ", "g"),
    ("ìíîïīįı", "i"),
    ("ķ", "k"),
    ("ĺļľł", "l"),
    ("ñńņň", "n"),
    ("òóôõöøōő", "o"),
    ("œ", "oe"),
    ("ŕŗř", "r"),
    ("śşšș", "s"),
    ("ß", "ss"),
    ("ẞ", "SS"),
    ("ţťț", "t"),
    ("ùúûüūůűų", "u"),
    ("ýÿ", "y"),
    ("źżž", "z"),
    ("þ", "th"),
    ("„“”«»", "\""),
    ("‚‘’‹›´`", "'"),
    ("–—‐‑−\u{ad}", "-"),
    ("…", "..."),
    ("•·", "*"),
    ("×", "x"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("¥", "JPY"),
    ("©", "(c)"),
    ("®", "(R)"),
];

/// `text` in letters for which `has` is true. ASCII that can be printed always is; every space and
/// control character becomes a space, and what has no likeness a question mark.
pub(super) fn spelled(text: &str, has: impl Fn(char) -> bool) -> String {
    let mut spelled = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if character.is_whitespace() || character.is_control() {
            spelled.push(' ');
        } else if matches!(character, ' '..='~') || has(character) {
            spelled.push(character);
        } else if has(with_cedilla(character)) {
            spelled.push(with_cedilla(character));
        } else {
            let next = rest.peek().copied().unwrap_or(' ');
            spelled.push_str(&likeness(character, before, next));
        }
        before = character;
    }
    spelled
}

/// Old code pages have Romanian letters with a cedilla in place of the comma.
fn with_cedilla(character: char) -> char {
    match character {
        'Ș' => 'Ş',
        'ș' => 'ş',
        'Ț' => 'Ţ',
        'ț' => 'ţ',
        other => other,
    }
}

/// In Latin letters and signs of ASCII; the letters beside it tell how it is spelled.
fn likeness(character: char, before: char, next: char) -> String {
    let find = |rows: &[(&str, &'static str)], wanted| {
        rows.iter().find(|(letters, _)| letters.contains(wanted)).map(|(_, plain)| *plain)
    };
    if let Some(plain) = find(UNMARKED, character) {
        return plain.to_owned();
    }
    let small = character.to_lowercase().next().unwrap_or(character);
    let after_o = matches!(before, 'ο' | 'Ο') && matches!(small, 'υ' | 'ύ');
    let latin = if after_o { Some("u") } else { find(GREEK, small) };
    match latin {
        Some(latin) if small == character => latin.to_owned(),
        Some(latin) if next.is_lowercase() => capitalised(latin),
        Some(latin) => latin.to_ascii_uppercase(),
        None => "?".to_owned(),
    }
}

fn capitalised(latin: &str) -> String {
    let (first, rest) = latin.split_at(1);
    format!("{}{rest}", first.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::{self, LANGS, PRINTED, TEXTS};
    use crate::money::{Amount, Currency};
    use proptest::prelude::*;

    #[test]
    fn what_is_missing_looks_alike() {
        let ascii = |text: &str| spelled(text, |_| false);
        assert_eq!(
            ascii("Käse – „Čapek“ 12,50 €… ßøœ 漢\n"),
            "Kase - \"Capek\" 12,50 EUR... ssooe ? "
        );
        assert_eq!(ascii("ΠΛΗΡΩΘΗΚΕ του ΤΟΥ Καφέ Χρεώσεις"), "PLIROTHIKE tou TOU Kafe Chreoseis");
        assert_eq!(spelled("Referință", |c| "ţă".contains(c)), "Referinţă");
        assert_eq!(spelled("a\u{1b}@\u{7}b\u{a0}c", |_| true), "a @ b c");
    }

    #[test]
    fn every_word_of_ours_can_be_said_in_ascii() {
        for lang in LANGS {
            let words = TEXTS.map(|text| lang.text(text)).into_iter();
            for words in words.chain(PRINTED.map(|word| lang.printed(word))) {
                assert!(!spelled(words, |_| false).contains('?'), "{lang:?}: {words:?}");
            }
        }
    }

    #[test]
    fn an_amount_keeps_every_digit_and_says_its_currency() {
        for (lang, currency) in LANGS.iter().flat_map(|lang| Currency::all().map(|c| (*lang, c))) {
            for minor in [0, 1, -1, 1_234_567, i64::MIN, i64::MAX] {
                let amount = i18n::amount(Amount::new(minor, currency), lang);
                let plain = spelled(&amount, |_| false);
                let digits = |text: &str| -> String {
                    text.chars().filter(|c| c.is_ascii_digit() || "-.,".contains(*c)).collect()
                };
                assert_eq!(digits(&plain), digits(&amount), "{lang:?} {currency}");
                assert!(plain.is_ascii() && !plain.contains('?'), "{lang:?}: {plain:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_becomes_printable(text in ".*") {
            prop_assert!(spelled(&text, |_| false).chars().all(|c| matches!(c, ' '..='~')));
        }
    }
}
