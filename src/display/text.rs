//! Text as lines that fit: cleaned of what cannot be shown, wrapped by words, shrunk, elided last.
//!
//! Owns the embedded fonts (Inter, SIL OFL 1.1, see `font/OFL.txt`). Knows no screens and no
//! colours; foreign text of any length and script comes out short and drawable.

use fontdue::{Font, FontSettings};
use std::sync::LazyLock;

/// Most characters of any text that are looked at; far more than a screen can hold.
pub const TEXT_LEN_MAX: usize = 300;
/// The parts of a line above and below the baseline, in em; they hold every glyph of the subset.
const ASCENT: f32 = 0.985;
const DESCENT: f32 = 0.26;
/// Letters stand closer from this size on, in pixels, as the designer of Inter advises.
const TRACKING_FROM_PX: f32 = 20.0;
const TRACKING: f32 = -0.018;
/// Each attempt to fit is this much smaller than the one before.
const SHRINK: f32 = 0.95;
const ELLIPSIS: char = '…';

static REGULAR: LazyLock<Font> = LazyLock::new(|| parse(include_bytes!("font/Inter-Regular.otf")));
static SEMI_BOLD: LazyLock<Font> =
    LazyLock::new(|| parse(include_bytes!("font/Inter-SemiBold.otf")));

fn parse(bytes: &'static [u8]) -> Font {
    Font::from_bytes(bytes, FontSettings::default()).expect("a test parses the embedded fonts")
}

/// How heavy letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// For explanations.
    Regular,
    /// For amounts and titles.
    SemiBold,
}

impl Weight {
    fn font(self) -> &'static Font {
        match self {
            Weight::Regular => &REGULAR,
            Weight::SemiBold => &SEMI_BOLD,
        }
    }
}

/// What a text may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Weight of the letters.
    pub weight: Weight,
    /// Size that is tried first, in pixels.
    pub px_max: f32,
    /// Size below which text is elided rather than shrunk.
    pub px_min: f32,
    /// Pixels in a line.
    pub width: u32,
    /// Most lines.
    pub lines_max: usize,
}

/// Lines that fit the limits they were made with.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// The lines, top to bottom.
    pub lines: Vec<String>,
    /// Weight of the letters.
    pub weight: Weight,
    /// Size of the letters, in pixels.
    pub px: f32,
    /// Something was left out and an ellipsis put in its place.
    pub elided: bool,
    /// A line ends inside a word.
    pub broken: bool,
}

impl Block {
    /// Pixels from one line to the next.
    pub fn line_height(&self) -> u32 {
        (self.px * ASCENT).ceil() as u32 + (self.px * DESCENT).ceil() as u32
    }

    /// Pixels of all lines.
    pub fn height(&self) -> u32 {
        self.line_height() * self.lines.len() as u32
    }

    /// Pixels of the widest line.
    pub fn width(&self) -> u32 {
        let widest = self.lines.iter().map(|line| width(line, self.weight, self.px));
        widest.fold(0.0, f32::max).ceil() as u32
    }
}

/// Lays `text` out: as large as the limits allow, on lines of about equal length.
///
/// `text` is expected to have been through [`clean`].
pub fn fit(text: &str, limits: &Limits) -> Block {
    let mut px = limits.px_max.max(limits.px_min);
    loop {
        let lines = wrap(text, limits.weight, px, limits.width);
        if let Some(lines) = lines.filter(|lines| lines.len() <= limits.lines_max) {
            let lines = balance(lines, text, px, limits);
            return Block {
                lines,
                weight: limits.weight,
                px,
                elided: text.contains(ELLIPSIS),
                broken: false,
            };
        }
        if px <= limits.px_min {
            return elide(text, limits);
        }
        px = (px * SHRINK).max(limits.px_min);
    }
}

/// Lays a text without spaces out, such as a link: broken anywhere, as large as the limits allow.
///
/// `None` when it does not fit at the smallest size; a link with a part left out is worth nothing.
pub fn fit_anywhere(text: &str, limits: &Limits) -> Option<Block> {
    let weight = limits.weight;
    let mut px = limits.px_max.max(limits.px_min);
    loop {
        let lines = break_anywhere(text, weight, px, limits.width);
        if lines.len() <= limits.lines_max {
            return Some(Block { lines, weight, px, elided: false, broken: true });
        }
        if px <= limits.px_min {
            return None;
        }
        px = (px * SHRINK).max(limits.px_min);
    }
}

fn break_anywhere(text: &str, weight: Weight, px: f32, limit: u32) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0.0;
    for c in text.chars() {
        let next = advance(c, weight, px);
        if used + next > limit as f32 && used > 0.0 {
            lines.push(String::new());
            used = 0.0;
        }
        lines.last_mut().expect("there is always a line").push(c);
        used += next;
    }
    lines
}

/// Text that can be drawn: white space collapsed, controls, marks and direction signs dropped,
/// pictures left out, each run of letters without a glyph replaced by one ellipsis,
/// [`TEXT_LEN_MAX`] at most.
///
/// Empty when nothing legible is left, so that a caller can use its own words instead.
pub fn clean(text: &str) -> String {
    let mut clean = String::new();
    let mut kept = 0;
    for c in text.chars().take(TEXT_LEN_MAX * 4).filter(|c| !is_invisible(*c)) {
        let c = if c.is_control() || (c.is_whitespace() && !is_no_break(c)) { ' ' } else { c };
        // Pictures go without a trace; letters of another script leave one.
        if !has_glyph(c) && !c.is_alphanumeric() {
            continue;
        }
        let c = if has_glyph(c) { c } else { ELLIPSIS };
        let repeated = matches!(c, ' ' | ELLIPSIS) && clean.ends_with(c);
        if kept >= TEXT_LEN_MAX || repeated || (c == ' ' && clean.is_empty()) {
            continue;
        }
        clean.push(c);
        kept += 1;
    }
    let legible = clean.chars().any(char::is_alphanumeric);
    if legible { clean.trim_end().to_owned() } else { String::new() }
}

/// Pixels that `text` takes on one line.
pub fn width(text: &str, weight: Weight, px: f32) -> f32 {
    text.chars().map(|c| advance(c, weight, px)).sum()
}

/// Calls `dot(x, y, coverage)` for every pixel that a line touches, relative to the top left of
/// its line box; coverage is 1 to 255.
pub fn draw_line(text: &str, weight: Weight, px: f32, mut dot: impl FnMut(i32, i32, u8)) {
    let baseline = (px * ASCENT).ceil() as i32;
    let mut pen = 0.0_f32;
    for c in text.chars() {
        let (metrics, coverage) = weight.font().rasterize(c, px);
        let left = pen.round() as i32 + metrics.xmin;
        let top = baseline - metrics.ymin - metrics.height as i32;
        for (index, value) in coverage.into_iter().enumerate().filter(|(_, value)| *value > 0) {
            dot(left + (index % metrics.width) as i32, top + (index / metrics.width) as i32, value);
        }
        pen += advance(c, weight, px);
    }
}

fn advance(c: char, weight: Weight, px: f32) -> f32 {
    let tracking = if px >= TRACKING_FROM_PX { TRACKING * px } else { 0.0 };
    weight.font().metrics(c, px).advance_width + tracking
}

fn has_glyph(c: char) -> bool {
    c == ELLIPSIS || REGULAR.has_glyph(c)
}

fn is_no_break(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{202f}')
}

/// Combining marks, zero-width characters, direction signs and other format characters.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Lines broken at spaces, or none when a single word is too wide.
fn wrap(text: &str, weight: Weight, px: f32, limit: u32) -> Option<Vec<String>> {
    let limit = limit as f32;
    let space = advance(' ', weight, px);
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0.0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let wide = width(word, weight, px);
        if wide > limit {
            return None;
        }
        match lines.last_mut() {
            Some(line) if used + space + wide <= limit => {
                line.push(' ');
                line.push_str(word);
                used += space + wide;
            }
            Some(_) | None => {
                lines.push(word.to_owned());
                used = wide;
            }
        }
    }
    Some(lines)
}

/// The same number of lines in the narrowest column that gives it: no lonely last word.
fn balance(lines: Vec<String>, text: &str, px: f32, limits: &Limits) -> Vec<String> {
    let (mut narrow, mut wide, mut best) = (0, limits.width, lines);
    while best.len() > 1 && wide - narrow > 1 {
        let middle = narrow + (wide - narrow) / 2;
        match wrap(text, limits.weight, px, middle).filter(|lines| lines.len() <= best.len()) {
            Some(lines) => (wide, best) = (middle, lines),
            None => narrow = middle,
        }
    }
    best
}

/// As much as fits at the smallest size, broken inside words where needed, with an ellipsis.
fn elide(text: &str, limits: &Limits) -> Block {
    let (weight, px) = (limits.weight, limits.px_min);
    let room = limits.width as f32 - width("…", weight, px);
    let mut lines = vec![String::new()];
    let mut used = 0.0;
    let mut elided = false;
    for c in text.chars() {
        let next = advance(c, weight, px);
        if used + next > room {
            if lines.len() >= limits.lines_max {
                elided = true;
                break;
            }
            let rest = carry_over(lines.last_mut().expect("there is always a line"));
            used = width(&rest, weight, px);
            lines.push(rest);
        }
        lines.last_mut().expect("there is always a line").push(c);
        used += next;
    }
    let last = lines.last_mut().expect("there is always a line");
    if elided {
        last.truncate(last.trim_end().trim_end_matches(ELLIPSIS).len());
        last.push(ELLIPSIS);
    }
    for line in &mut lines {
        *line = line.trim().to_owned();
    }
    Block { lines, weight, px, elided, broken: true }
}

/// Takes the unfinished last word off a line, unless the word is most of the line.
fn carry_over(line: &mut String) -> String {
    match line.rfind(' ') {
        Some(space) if space > line.len() / 2 => line.split_off(space).trim_start().to_owned(),
        Some(_) | None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::{LANGS, amount};
    use crate::money::{Amount, Currency};
    use proptest::prelude::*;

    fn limits(px: f32, width: u32, lines_max: usize) -> Limits {
        Limits { weight: Weight::Regular, px_max: px, px_min: 12.0, width, lines_max }
    }

    #[test]
    fn foreign_text_comes_out_drawable() {
        let table = [
            ("  Café\t\n Nord ", "Café Nord"),
            ("Cafe\u{301}", "Cafe"),
            ("東京 Ramen", "… Ramen"),
            ("Café 🥐 & 🍰 Söhne", "Café & Söhne"),
            ("متجر", ""),
            ("a\u{202e}b\u{200b}c\u{1b}[2J", "abc [2J"),
            ("…", ""),
            ("", ""),
        ];
        for (foreign, drawable) in table {
            assert_eq!(clean(foreign), drawable, "{foreign:?}");
        }
        assert!(clean(&"x".repeat(10_000)).chars().count() <= TEXT_LEN_MAX);
    }

    #[test]
    fn both_fonts_have_every_glyph_that_money_needs() {
        for currency in Currency::all() {
            for lang in LANGS {
                let text = amount(Amount::new(-123_456_789, currency), lang);
                assert_eq!(clean(&text), text);
                assert!(text.chars().all(|c| SEMI_BOLD.has_glyph(c)), "{text}");
            }
        }
    }

    #[test]
    fn wraps_by_words_and_balances() {
        let block = fit("Scan to pay with Klarna", &limits(20.0, 150, 2));
        assert_eq!(block.lines, ["Scan to pay", "with Klarna"]);
        assert!(!block.elided);
    }

    #[test]
    fn shrinks_before_it_elides() {
        let shrunk = fit("Bestätigen", &limits(40.0, 100, 1));
        assert!(shrunk.px < 40.0 && !shrunk.elided);
        let elided = fit("Donaudampfschifffahrtsgesellschaft", &limits(40.0, 100, 1));
        assert!(elided.elided && elided.lines[0].ends_with('…'), "{elided:?}");
    }

    #[test]
    fn every_glyph_stays_in_its_line() {
        for (weight, px) in [(Weight::Regular, 12.0), (Weight::SemiBold, 67.0)] {
            let block = Block { lines: vec![], weight, px, elided: false, broken: false };
            for c in weight.font().chars().keys() {
                let inside = |_: i32, y: i32, _: u8| {
                    assert!((0..block.line_height() as i32).contains(&y), "{c:?} at {px}: {y}");
                };
                draw_line(&c.to_string(), weight, px, inside);
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_fits(text in "\\PC{0,80}", width in 60_u32..400, lines_max in 1_usize..5) {
            let block = fit(&clean(&text), &limits(30.0, width, lines_max));
            prop_assert!(block.lines.len() <= lines_max);
            prop_assert!(block.width() <= width, "{:?}", block);
        }
    }
}
