//! Words for shoppers, cashiers and receipts, and how numbers and dates are written, in every
//! language a terminal can speak.
//!
//! One exhaustive match per language: a text that is missing does not compile. Knows nothing of
//! screens, receipts, clocks or fonts; of ours it reads only `money` and the fields of a date.

mod date;
pub mod latin;
mod number;
mod text;
mod words;

pub use date::{date_time, time_of_day};
pub use number::amount;
pub use text::{LANGS, Lang, PRINTED, Printed, TEXTS, Text};

const NO_BREAK: &str = "\u{a0}";

impl Lang {
    /// The language of a BCP 47 tag such as `sv-SE` or `nb_NO`; English when it is none of ours.
    ///
    /// `no` and `nn` are read as Norwegian Bokmål, the withdrawn `mo` as Romanian.
    pub fn from_tag(tag: &str) -> Self {
        let primary = tag.split(['-', '_', '.']).next().unwrap_or_default().to_ascii_lowercase();
        match primary.as_str() {
            "no" | "nn" => Lang::Nb,
            "mo" => Lang::Ro,
            tag => LANGS.into_iter().find(|lang| lang.tag() == tag).unwrap_or(Lang::En),
        }
    }

    /// The ISO 639-1 code, such as `sv`.
    pub fn tag(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::De => "de",
            Lang::Sv => "sv",
            Lang::Nb => "nb",
            Lang::Da => "da",
            Lang::Fi => "fi",
            Lang::Fr => "fr",
            Lang::Nl => "nl",
            Lang::It => "it",
            Lang::Es => "es",
            Lang::Pl => "pl",
            Lang::Pt => "pt",
            Lang::Cs => "cs",
            Lang::Hu => "hu",
            Lang::Ro => "ro",
            Lang::El => "el",
            Lang::Sk => "sk",
            Lang::Et => "et",
            Lang::Lv => "lv",
            Lang::Lt => "lt",
        }
    }

    /// The language's name in itself, for people who choose theirs: `Deutsch`, `Ελληνικά`.
    pub fn own_name(self) -> &'static str {
        match self {
            Lang::En => "English",
            Lang::De => "Deutsch",
            Lang::Sv => "Svenska",
            Lang::Nb => "Norsk",
            Lang::Da => "Dansk",
            Lang::Fi => "Suomi",
            Lang::Fr => "Français",
            Lang::Nl => "Nederlands",
            Lang::It => "Italiano",
            Lang::Es => "Español",
            Lang::Pl => "Polski",
            Lang::Pt => "Português",
            Lang::Cs => "Čeština",
            Lang::Hu => "Magyar",
            Lang::Ro => "Română",
            Lang::El => "Ελληνικά",
            Lang::Sk => "Slovenčina",
            Lang::Et => "Eesti",
            Lang::Lv => "Latviešu",
            Lang::Lt => "Lietuvių",
        }
    }

    /// The words for `text`, ready to be shown or spoken.
    pub fn text(self, text: Text) -> &'static str {
        words::text(self, text)
    }

    /// The words for `word`, ready to be printed; they may be wider than the paper.
    pub fn printed(self, word: Printed) -> &'static str {
        words::printed(self, word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_find_their_language() {
        let found = ["sv-SE", "nb_NO", "no", "nn-NO", "de-AT", "DE", "de_DE.UTF-8", "xx", "", "é"];
        let langs = found.map(|tag| Lang::from_tag(tag).tag());
        assert_eq!(langs, ["sv", "nb", "nb", "nb", "de", "de", "de", "en", "en", "en"]);
        assert_eq!(
            ["mo", "pt-BR", "el-CY"].map(|tag| Lang::from_tag(tag).tag()),
            ["ro", "pt", "el"]
        );
        for lang in LANGS {
            assert_eq!(Lang::from_tag(lang.tag()), lang);
        }
    }

    #[test]
    fn words_are_clean() {
        for lang in LANGS {
            let texts = TEXTS.map(|text| lang.text(text));
            let printed = PRINTED.map(|word| lang.printed(word));
            for words in texts.into_iter().chain(printed).chain([lang.own_name()]) {
                assert!(!words.is_empty() && words.trim() == words, "{lang:?}: {words:?}");
                assert!(!words.contains("  "), "{lang:?}: {words:?}");
                // Cedillas below s and t are Turkish, and combining marks have no glyphs.
                let wrong = |c: char| "şţŞŢ".contains(c) || ('\u{300}'..='\u{36f}').contains(&c);
                assert!(!words.contains(wrong), "{lang:?}: {words:?}");
            }
        }
    }

    /// A stop only where there are two sentences.
    #[test]
    fn full_stops_part_sentences() {
        for lang in LANGS {
            for text in TEXTS {
                let words = lang.text(text);
                let stops = words.matches('.').count();
                assert!(matches!(stops, 0 | 2), "{lang:?}: {words:?}");
                assert_eq!(stops == 2, words.ends_with('.'), "{lang:?}: {words:?}");
            }
        }
    }
}
