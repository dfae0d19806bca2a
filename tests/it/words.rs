//! Every word in every language can be drawn in the embedded fonts and fits the smallest panel.

use fontdue::{Font, FontSettings};
use klarna_terminald::clock::Civil;
use klarna_terminald::i18n::{self, LANGS, Lang, PRINTED, Printed, TEXTS, Text};
use klarna_terminald::money::{Amount, Currency};
use std::collections::BTreeSet;

const FONTS: [&[u8]; 2] = [
    include_bytes!("../../src/display/font/Inter-Regular.otf"),
    include_bytes!("../../src/display/font/Inter-SemiBold.otf"),
];
/// The narrowest panel without its margins, and the smallest letters on it, in pixels.
const WIDTH: f32 = 216.0;
const PX: f32 = 12.0;
/// Most lines that a text may take there.
const LINES_MAX: usize = 4;
/// What stands beside a value, or is one.
const LABELS: [Text; 12] = [
    Text::Code,
    Text::TimeLeft,
    Text::TerminalInformation,
    Text::Version,
    Text::Terminal,
    Text::Network,
    Text::Online,
    Text::Offline,
    Text::Waiting,
    Text::LastSync,
    Text::Never,
    Text::Support,
];

fn fonts() -> [Font; 2] {
    FONTS.map(|bytes| Font::from_bytes(bytes, FontSettings::default()).unwrap())
}

/// Everything of ours that is shown or printed in `lang`.
fn said(lang: Lang) -> Vec<String> {
    let mut said: Vec<String> = TEXTS.map(|text| lang.text(text).to_owned()).to_vec();
    said.extend(PRINTED.map(|word| lang.printed(word).to_owned()));
    said.push(lang.own_name().to_owned());
    for month in 1..=12 {
        let zone = String::new();
        let at = Civil { year: 2026, month, day: 31, hour: 9, minute: 8, second: 47, zone };
        said.push(i18n::date_time(&at, lang));
    }
    said.extend(Currency::all().map(|c| i18n::amount(Amount::new(-1_234_567_890, c), lang)));
    said
}

fn lines(text: &str, font: &Font) -> usize {
    let width =
        |text: &str| -> f32 { text.chars().map(|c| font.metrics(c, PX).advance_width).sum() };
    let (mut lines, mut used) = (1, 0.0);
    for word in text.split(' ') {
        let wide = width(word);
        assert!(wide <= WIDTH, "{word:?} is {wide} pixels wide");
        if used + width(" ") + wide > WIDTH {
            (lines, used) = (lines + 1, wide);
        } else {
            used += if used > 0.0 { width(" ") + wide } else { wide };
        }
    }
    lines
}

#[test]
fn every_word_is_drawable() {
    for font in fonts() {
        let mut missing = BTreeSet::new();
        for lang in LANGS {
            for text in said(lang) {
                missing.extend(text.chars().filter(|c| font.lookup_glyph_index(*c) == 0));
            }
        }
        assert!(missing.is_empty(), "no glyphs in {:?} for {missing:?}", font.name());
    }
}

#[test]
fn every_text_fits_the_smallest_panel() {
    for font in fonts() {
        for lang in LANGS {
            for text in TEXTS.map(|text| lang.text(text)) {
                assert!(lines(text, &font) <= LINES_MAX, "{lang:?}: {text:?}");
            }
        }
    }
}

#[test]
fn labels_are_short() {
    let [_, semi_bold] = fonts();
    for lang in LANGS {
        for label in LABELS.map(|text| lang.text(text)) {
            assert!(label.split(' ').count() <= 3, "{lang:?}: {label:?}");
            assert_eq!(lines(label, &semi_bold), 1, "{lang:?}: {label:?}");
        }
    }
}

/// What is printed by a till that speaks ZVT has letters in its code page, plain ones if need be,
/// Latin ones for Greek.
#[test]
fn printed_words_have_letters_in_every_code_page() {
    use klarna_terminald::pos::zvt::charset::{Charset, without_greek};
    let charsets = [Charset::Cp437, Charset::Latin1, Charset::Latin9, Charset::SevenBit];
    for lang in LANGS {
        let words = PRINTED.map(|word| lang.printed(word));
        for text in words.into_iter().chain([lang.text(Text::Terminal)]) {
            for charset in charsets {
                let bytes = charset.encode(&without_greek(text));
                assert!(!bytes.contains(&b'?'), "{lang:?}, {charset:?}: {text:?}");
            }
        }
        for money in Currency::all().map(|c| i18n::amount(Amount::new(-1_234_567, c), lang)) {
            assert!(!Charset::SevenBit.encode(&money).contains(&b'?'), "{lang:?}: {money:?}");
        }
    }
}

/// A screen or a receipt says several of these at a time; two that are the same would say nothing.
#[test]
fn no_two_texts_are_the_same() {
    for lang in LANGS {
        let texts = TEXTS.map(|text| lang.text(text)).to_vec();
        let printed = PRINTED.map(|word| lang.printed(word)).to_vec();
        for mut texts in [texts, printed] {
            texts.sort_unstable();
            let twins: Vec<_> = texts.windows(2).filter(|pair| pair[0] == pair[1]).collect();
            assert!(twins.is_empty(), "{lang:?}: {twins:?}");
        }
    }
}

/// A line that was copied and never translated is found, words that are borrowed aside.
#[test]
fn nothing_was_left_in_english() {
    let borrowed = [
        Text::Code,
        Text::Updating,
        Text::Version,
        Text::Terminal,
        Text::Online,
        Text::Offline,
        Text::Console,
    ];
    for lang in LANGS.into_iter().filter(|lang| *lang != Lang::En) {
        for text in TEXTS.into_iter().filter(|text| !borrowed.contains(text)) {
            assert_ne!(lang.text(text), Lang::En.text(text), "{lang:?}: {text:?}");
        }
        // The Danish word is the English one.
        for word in PRINTED.into_iter().filter(|word| *word != Printed::Reference) {
            assert_ne!(lang.printed(word), Lang::En.printed(word), "{lang:?}: {word:?}");
        }
    }
}
