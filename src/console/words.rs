//! What the console says to staff: English, German, Swedish and French; English for everybody else.
//!
//! All languages of a phrase stand side by side, so that none can be missing. `{}` is where a value
//! goes.

use crate::i18n::Lang;

/// Languages that staff can choose.
pub(super) const LANGUAGES: [Lang; 4] = [Lang::En, Lang::De, Lang::Sv, Lang::Fr];
/// The cookie in which a browser keeps the choice; it is no secret.
pub(super) const COOKIE: &str = "__Host-console-language";
/// Longest header that is looked through.
const ACCEPT_LEN_MAX: usize = 500;

/// The language of a browser: chosen, or the first one of its list that the console speaks.
pub(super) fn language<'a>(
    accepted: Option<&str>,
    cookies: impl Iterator<Item = (&'a str, &'a str)>,
) -> Option<Lang> {
    let known = |tag: &str| {
        let primary = tag.trim().split(['-', ';']).next().unwrap_or_default();
        LANGUAGES.into_iter().find(|lang| lang.tag().eq_ignore_ascii_case(primary))
    };
    let chosen = cookies.filter(|(name, _)| *name == COOKIE).find_map(|(_, value)| known(value));
    let accepted = accepted.unwrap_or_default();
    let accepted = accepted.get(..ACCEPT_LEN_MAX).unwrap_or(accepted);
    chosen.or_else(|| accepted.split(',').find_map(known))
}

macro_rules! phrases {
    ($($name:ident: $en:literal, $de:literal, $sv:literal, $fr:literal;)+) => {
        /// Everything that the console says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Say {
            $($name,)+
        }

        impl Say {
            /// In `lang`, as far as the console speaks it.
            pub(super) fn of(self, lang: Lang) -> &'static str {
                match self {
                    $(Self::$name => match lang {
                        Lang::De => $de,
                        Lang::Sv => $sv,
                        Lang::Fr => $fr,
                        _ => $en,
                    },)+
                }
            }
        }

        #[cfg(test)]
        const ALL: &[Say] = &[$(Say::$name,)+];
    };
}

include!("words/phrases.in");

impl Say {
    /// The same with `values` in the places of `{}`, in their order.
    pub(super) fn with(self, lang: Lang, values: &[&dyn std::fmt::Display]) -> String {
        let mut parts = self.of(lang).split("{}");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for (index, part) in parts.enumerate() {
            if let Some(value) = values.get(index) {
                text.push_str(&value.to_string());
            }
            text.push_str(part);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_answered_in_the_first_language_that_is_spoken() {
        let check = |accepted: &str, cookie: &str, expected| {
            let cookies = [("x", "fr"), (COOKIE, cookie)].into_iter();
            assert_eq!(language(Some(accepted), cookies), expected, "{accepted} {cookie}");
        };
        check("de-AT,de;q=0.9,en;q=0.8", "", Some(Lang::De));
        check("nl,sv;q=0.5", "", Some(Lang::Sv));
        check("de", "fr", Some(Lang::Fr));
        check("de", "../../etc", Some(Lang::De));
        check("", "", None);
        check(&"é".repeat(1000), "", None);
    }

    #[test]
    fn every_language_has_the_same_places_for_values() {
        let places = |text: &str| text.matches("{}").count();
        for say in ALL {
            for lang in LANGUAGES {
                let (text, english) = (say.of(lang), say.of(Lang::En));
                assert_eq!(places(text), places(english), "{lang:?} {say:?}");
                assert!(!text.trim().is_empty() && text.trim() == text, "{lang:?} {say:?}");
                assert_eq!(text.ends_with('.'), english.ends_with('.'), "{lang:?} {say:?}");
            }
        }
    }
}
