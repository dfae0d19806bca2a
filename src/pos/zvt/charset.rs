//! Texts for tills: code pages (PA00P015: registration, tags 14 and 27). CP437 is what a till
//! understands that has asked for nothing.
//!
//! What a code page does not have is written in plain letters or as `?`. A control character
//! becomes a space: a text is one line, and NUL ends one.

use crate::i18n::latin::GREEK;

/// How a text's characters are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    /// IBM code page 437, the default.
    #[default]
    Cp437,
    /// ISO-8859-1.
    Latin1,
    /// ISO-8859-15: Latin-1 with the euro sign.
    Latin9,
    /// UTF-8; only for a till that has asked for it.
    Utf8,
    /// Seven bits, with the German letters in place of brackets and braces.
    SevenBit,
}

/// The upper half of code page 437.
const CP437: &str = concat!(
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ",
    "áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}"
);
/// Where ISO-8859-15 differs from ISO-8859-1.
const LATIN9: &[(u8, char)] = &[
    (0xA4, '€'),
    (0xA6, 'Š'),
    (0xA8, 'š'),
    (0xB4, 'Ž'),
    (0xB8, 'ž'),
    (0xBC, 'Œ'),
    (0xBD, 'œ'),
    (0xBE, 'Ÿ'),
];
/// Where the seven-bit set differs from ASCII.
const SEVEN_BIT: &[(u8, char)] =
    &[(b'[', 'Ä'), (b'\\', 'Ö'), (b']', 'Ü'), (b'{', 'ä'), (b'|', 'ö'), (b'}', 'ü'), (b'~', 'ß')];

/// Plain letters for what a code page lacks: letters of the languages that tills are used in, and
/// the punctuation of typeset texts.
const PLAIN: &[(&str, &str)] = &[
    ("ÀÁÂÃÅĀĂĄ", "A"),
    ("ÄÆ", "Ae"),
    ("ÇĆĈĊČ", "C"),
    ("ĎĐÐ", "D"),
    ("ÈÉÊËĒĔĖĘĚ", "E"),
    ("ĜĞĠĢ", "G"),
    ("ĤĦ", "H"),
    ("ÌÍÎÏĨĪĬĮİ", "I"),
    ("Ĵ", "J"),
    ("Ķ", "K"),
    ("ĹĻĽĿŁ", "L"),
    ("ÑŃŅŇŊ", "N"),
    ("ÒÓÔÕŌŎŐ", "O"),
    ("ÖØŒ", "Oe"),
    ("ŔŖŘ", "R"),
    ("ŚŜŞŠȘ", "S"),
    ("ŢŤŦȚ", "T"),
    ("ÙÚÛŨŪŬŮŰŲ", "U"),
    ("Ü", "Ue"),
    ("Ŵ", "W"),
    ("ÝŶŸ", "Y"),
    ("ŹŻŽ", "Z"),
    ("Þ", "Th"),
    ("àáâãåāăą", "a"),
    ("äæ", "ae"),
    ("çćĉċč", "c"),
    ("ďđð", "d"),
    ("èéêëēĕėęě", "e"),
    ("ĝğġģ", "g"),
    ("ĥħ", "h"),
    ("ìíîïĩīĭįı", "i"),
    ("ĵ", "j"),
    ("ķ", "k"),
    ("ĺļľŀł", "l"),
    ("ñńņňŋ", "n"),
    ("òóôõōŏő", "o"),
    ("öøœ", "oe"),
    ("ŕŗř", "r"),
    ("śŝşšș", "s"),
    ("ßẞ", "ss"),
    ("ţťŧț", "t"),
    ("ùúûũūŭůűų", "u"),
    ("ü", "ue"),
    ("ŵ", "w"),
    ("ýŷÿ", "y"),
    ("źżž", "z"),
    ("þ", "th"),
    ("„“”«»", "\""),
    ("‚‘’‹›´`", "'"),
    ("–—‐‑−", "-"),
    ("…", "..."),
    ("•·∙×", "*"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("©", "(c)"),
    ("®", "(r)"),
    ("[{", "("),
    ("]}", ")"),
    ("\\|", "/"),
    ("~", "-"),
    ("\u{a0}\u{2009}\u{202f}", " "),
];

/// A Greek text in Latin letters, for code pages without Greek: of CP437's few letters no word can
/// be made. Other texts stay as they are.
pub fn without_greek(text: &str) -> String {
    let mut latin = String::with_capacity(text.len());
    let mut before = ' ';
    for character in text.chars() {
        let small = character.to_lowercase().next().unwrap_or(character);
        let row = GREEK.iter().find(|(letters, _)| letters.contains(small));
        let pair = matches!(before, 'ο' | 'Ο') && matches!(small, 'υ' | 'ύ');
        let spelled = row.map(|(_, spelled)| if pair { "u" } else { spelled });
        match spelled {
            None => latin.push(character),
            Some(spelled) if small == character => latin.push_str(spelled),
            Some(spelled) => latin.push_str(&spelled.to_ascii_uppercase()),
        }
        before = character;
    }
    latin
}

impl Charset {
    /// The code page of a registration's tag 14, if it is one of ours: `01` and `0F` are parts of
    /// ISO 8859, `FE` is UTF-8, `FF` is CP437.
    pub fn from_tag(value: u8) -> Option<Self> {
        match value {
            0xFF => Some(Self::Cp437),
            0x01 => Some(Self::Latin1),
            // Part 15 as a number or as two digits; there is no part 21.
            0x0F | 0x15 => Some(Self::Latin9),
            0xFE => Some(Self::Utf8),
            _ => None,
        }
    }

    /// A text as bytes. Never fails: what cannot be said is said more plainly.
    pub fn encode(self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(text.len());
        for character in text.chars() {
            let character = if character.is_control() { ' ' } else { character };
            if self == Self::Utf8 {
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            } else if let Some(byte) = self.byte(character) {
                bytes.push(byte);
            } else {
                bytes.extend_from_slice(plain(character).as_bytes());
            }
        }
        bytes
    }

    /// As much of a text as fits `len_max` bytes, cut between characters.
    pub fn encode_to(self, text: &str, len_max: usize) -> Vec<u8> {
        let mut bytes = self.encode(text);
        let mut len = len_max.min(bytes.len());
        let inside = |byte: Option<&u8>| byte.is_some_and(|byte| byte & 0xC0 == 0x80);
        while self == Self::Utf8 && inside(bytes.get(len)) {
            len -= 1;
        }
        bytes.truncate(len);
        bytes
    }

    /// Bytes as a text; what is not UTF-8 in UTF-8 becomes U+FFFD.
    pub fn decode(self, bytes: &[u8]) -> String {
        match self {
            Self::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            _ => bytes.iter().map(|byte| self.character(*byte)).collect(),
        }
    }

    fn byte(self, character: char) -> Option<u8> {
        let row = self.changes().iter().find(|(_, changed)| *changed == character);
        if let Some((byte, _)) = row {
            return Some(*byte);
        }
        let same = u8::try_from(character).ok().filter(|byte| self.character(*byte) == character);
        let upper = || CP437.chars().zip(0x80..=0xFF).find(|(known, _)| *known == character);
        match self {
            Self::Cp437 => same.or_else(|| upper().map(|(_, byte)| byte)),
            Self::Utf8 | Self::Latin1 | Self::Latin9 | Self::SevenBit => same,
        }
    }

    fn character(self, byte: u8) -> char {
        let row = self.changes().iter().find(|(changed, _)| *changed == byte);
        match (self, row) {
            (_, Some((_, character))) => *character,
            (Self::Cp437, None) if byte >= 0x80 => {
                CP437.chars().nth(usize::from(byte - 0x80)).unwrap_or('?')
            }
            // The eighth bit is parity or noise there.
            (Self::SevenBit, None) if byte >= 0x80 => '?',
            (_, None) => char::from(byte),
        }
    }

    fn changes(self) -> &'static [(u8, char)] {
        match self {
            Self::Latin9 => LATIN9,
            Self::SevenBit => SEVEN_BIT,
            Self::Cp437 | Self::Latin1 | Self::Utf8 => &[],
        }
    }
}

fn plain(character: char) -> &'static str {
    PLAIN.iter().find(|(letters, _)| letters.contains(character)).map_or("?", |(_, plain)| plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pos::zvt::hex;
    use proptest::prelude::*;

    const ALL: [Charset; 5] =
        [Charset::Cp437, Charset::Latin1, Charset::Latin9, Charset::Utf8, Charset::SevenBit];

    #[test]
    fn greek_is_spelled_in_latin_letters() {
        assert_eq!(without_greek("ΠΛΗΡΩΜΗ Ώρα: 10,00 €"), "PLIROMI Ora: 10,00 €");
        assert_eq!(without_greek("του ΤΟΥ Καφέ Øst ß"), "tou TOU Kafe Øst ß");
    }

    #[test]
    fn german_letters_in_every_code_page() {
        for (charset, bytes) in [
            (Charset::Cp437, "84 94 81 E1 8E 99 9A"),
            (Charset::Latin1, "E4 F6 FC DF C4 D6 DC"),
            (Charset::Latin9, "E4 F6 FC DF C4 D6 DC"),
            (Charset::SevenBit, "7B 7C 7D 7E 5B 5C 5D"),
            (Charset::Utf8, "C3 A4 C3 B6 C3 BC C3 9F C3 84 C3 96 C3 9C"),
        ] {
            assert_eq!(hex::text(&charset.encode("äöüßÄÖÜ")), bytes, "{charset:?}");
            assert_eq!(charset.decode(&hex::bytes(bytes)), "äöüßÄÖÜ");
        }
    }

    #[test]
    fn what_is_missing_is_said_plainly() {
        let text = "Ærø – „Čapek“ 12,50 €… [x]~ 漢\n";
        let plainly = |charset: Charset| charset.decode(&charset.encode(text));
        assert_eq!(plainly(Charset::Cp437), "Æroe - \"Capek\" 12,50 EUR... [x]~ ? ");
        assert_eq!(plainly(Charset::Latin1), "Ærø - \"Capek\" 12,50 EUR... [x]~ ? ");
        assert_eq!(plainly(Charset::Latin9), "Ærø - \"Capek\" 12,50 €... [x]~ ? ");
        assert_eq!(plainly(Charset::SevenBit), "Aeroe - \"Capek\" 12,50 EUR... (x)- ? ");
        assert_eq!(plainly(Charset::Utf8), text.replace('\n', " "));
    }

    #[test]
    fn plain_letters_are_ascii() {
        assert!(PLAIN.iter().all(|(_, plain)| plain.is_ascii()));
        assert_eq!(CP437.chars().count(), 128);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(Charset::Utf8.encode_to("aäb", 2), b"a");
        assert_eq!(Charset::Utf8.encode_to("aäb", 3), "aä".as_bytes());
        assert_eq!(Charset::Cp437.encode_to("aäb", 2), [b'a', 0x84]);
        assert_eq!(Charset::Cp437.encode_to("ab", 9), b"ab");
    }

    #[test]
    fn tags_name_code_pages() {
        assert_eq!(Charset::from_tag(0xFF), Some(Charset::Cp437));
        assert_eq!(Charset::from_tag(0xFE), Some(Charset::Utf8));
        assert_eq!(Charset::from_tag(0x01), Some(Charset::Latin1));
        assert_eq!(Charset::from_tag(0x0F), Some(Charset::Latin9));
        assert_eq!(Charset::from_tag(0x07), None);
    }

    #[test]
    fn every_byte_that_prints_comes_back() {
        for charset in ALL.into_iter().filter(|charset| *charset != Charset::Utf8) {
            let last = if charset == Charset::SevenBit { 0x7E } else { 0xFF };
            for byte in (0x20..=last).filter(|byte| !charset.character(*byte).is_control()) {
                let text = charset.decode(&[byte]);
                assert_eq!(charset.encode(&text), [byte], "{charset:?} {byte:02X} {text}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_bytes_and_stays_the_same_from_then_on(text in ".*", len in 0_usize..40) {
            for charset in ALL {
                let bytes = charset.encode(&text);
                prop_assert_eq!(charset.encode(&charset.decode(&bytes)), bytes);
                let cut = charset.encode_to(&text, len);
                prop_assert!(cut.len() <= len);
                prop_assert_eq!(charset.encode(&charset.decode(&cut)), cut);
            }
        }

        #[test]
        fn any_bytes_are_a_text(bytes: Vec<u8>) {
            for charset in ALL {
                prop_assert!(charset.decode(&bytes).chars().count() <= bytes.len());
            }
        }
    }
}
