//! The colours of a screen, and the measure that keeps them readable.
//!
//! One neutral background, one ink, one accent, one alert; the tests of this file hold every text
//! colour to a contrast of 7:1 (WCAG 2.2, success criterion 1.4.6).

use super::content::Tone;
use super::paint::mix;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;

/// A set of colours; the QR code does not ask it, that is always black on white.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Behind everything.
    pub background: Rgb888,
    /// Amounts and titles.
    pub ink: Rgb888,
    /// Merchant name, explanations, time left.
    pub muted: Rgb888,
    /// Success and progress; also a fill, under [`Theme::on_fill`].
    pub accent: Rgb888,
    /// Quiet fill behind an icon of the accent colour.
    pub accent_soft: Rgb888,
    /// Quiet fill behind an icon of the ink colour, and the track of the time bar.
    pub neutral_soft: Rgb888,
    /// What needs a person; also a fill, under [`Theme::on_fill`].
    pub alert: Rgb888,
    /// On top of accent and alert fills.
    pub on_fill: Rgb888,
    /// How edges come out.
    pub edges: Edges,
}

/// How the edges of letters and shapes come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edges {
    /// Mixed with what is behind them.
    Smooth,
    /// Each pixel is one colour or the other, for panels that know only two.
    Sharp,
}

/// Colours of a shop in place of a theme's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Colors {
    /// Behind everything.
    pub background: Option<Rgb888>,
    /// Amounts and titles.
    pub ink: Option<Rgb888>,
    /// Merchant name, explanations, time left.
    pub muted: Option<Rgb888>,
    /// Success and progress.
    pub accent: Option<Rgb888>,
    /// What needs a person.
    pub alert: Option<Rgb888>,
}

impl Theme {
    /// Dark ink on a warm, almost white background: the default.
    pub const LIGHT: Self = Self {
        background: Rgb888::new(0xF7, 0xF5, 0xF1),
        ink: Rgb888::new(0x17, 0x19, 0x1E),
        muted: Rgb888::new(0x47, 0x4A, 0x52),
        accent: Rgb888::new(0x0B, 0x56, 0x4C),
        accent_soft: Rgb888::new(0xDC, 0xEB, 0xE4),
        neutral_soft: Rgb888::new(0xE7, 0xE3, 0xDB),
        alert: Rgb888::new(0x86, 0x2A, 0x10),
        on_fill: Rgb888::WHITE,
        edges: Edges::Smooth,
    };

    /// Light ink on near black, for dim rooms.
    pub const DARK: Self = Self {
        background: Rgb888::new(0x14, 0x16, 0x1A),
        ink: Rgb888::new(0xF6, 0xF4, 0xEF),
        muted: Rgb888::new(0xB9, 0xBC, 0xC4),
        accent: Rgb888::new(0x7F, 0xD8, 0xBF),
        accent_soft: Rgb888::new(0x1D, 0x3A, 0x34),
        neutral_soft: Rgb888::new(0x2C, 0x2F, 0x36),
        alert: Rgb888::new(0xFF, 0xB3, 0x8F),
        on_fill: Rgb888::new(0x14, 0x16, 0x1A),
        edges: Edges::Smooth,
    };

    /// White and yellow on black, for people who see badly.
    pub const CONTRAST: Self = Self {
        background: Rgb888::BLACK,
        ink: Rgb888::WHITE,
        muted: Rgb888::WHITE,
        accent: Rgb888::new(0xFF, 0xE1, 0x4D),
        accent_soft: Rgb888::new(0x2E, 0x2A, 0x10),
        neutral_soft: Rgb888::new(0x33, 0x33, 0x33),
        alert: Rgb888::new(0xFF, 0xC2, 0xA6),
        on_fill: Rgb888::BLACK,
        edges: Edges::Smooth,
    };

    /// White on black without any shade, for panels of one bit.
    pub const MONO: Self = Self {
        background: Rgb888::BLACK,
        ink: Rgb888::WHITE,
        muted: Rgb888::WHITE,
        accent: Rgb888::WHITE,
        accent_soft: Rgb888::BLACK,
        neutral_soft: Rgb888::BLACK,
        alert: Rgb888::WHITE,
        on_fill: Rgb888::BLACK,
        edges: Edges::Sharp,
    };

    /// This theme in a shop's own colours; quiet fills follow from them.
    ///
    /// # Errors
    /// A sentence for every pair of colours with a contrast below [`CONTRAST_MIN`].
    pub fn with(self, colors: &Colors) -> Result<Self, Vec<String>> {
        if *colors == Colors::default() {
            return Ok(self);
        }
        let background = colors.background.unwrap_or(self.background);
        let ink = colors.ink.unwrap_or(self.ink);
        let accent = colors.accent.unwrap_or(self.accent);
        let alert = colors.alert.unwrap_or(self.alert);
        let worse = |on: Rgb888| contrast(on, accent).min(contrast(on, alert));
        let on_fill = [background, ink, Rgb888::WHITE, Rgb888::BLACK]
            .into_iter()
            .max_by(|one, other| worse(*one).total_cmp(&worse(*other)));
        let theme = Self {
            background,
            ink,
            muted: colors.muted.or(colors.ink).unwrap_or(self.muted),
            accent,
            accent_soft: mix(background, accent, 32),
            neutral_soft: mix(background, ink, 20),
            alert,
            on_fill: on_fill.unwrap_or(self.on_fill),
            edges: self.edges,
        };
        let wrong = theme.faint();
        if wrong.is_empty() { Ok(theme) } else { Err(wrong) }
    }

    /// What is too faint to read. Texts on fills come second: they follow from the others.
    fn faint(&self) -> Vec<String> {
        let (ink, background) = (("ink", self.ink), ("background", self.background));
        let (accent, alert) = (("accent", self.accent), ("alert", self.alert));
        let on_fill = ("the text on fills", self.on_fill);
        let quiet = ("the quiet fill behind icons", self.neutral_soft);
        let first = [ink, ("muted", self.muted), accent, alert].map(|front| (front, background));
        let second = [(on_fill, accent), (on_fill, alert), (ink, quiet)];
        let wrong = complaints(&first);
        if wrong.is_empty() { complaints(&second) } else { wrong }
    }
}

type Named = (&'static str, Rgb888);

fn complaints(pairs: &[(Named, Named)]) -> Vec<String> {
    let faint = pairs.iter().filter(|((_, one), (_, other))| contrast(*one, *other) < CONTRAST_MIN);
    faint
        .map(|((front, one), (back, other))| {
            format!(
                "{front} {} on {back} {} has a contrast of {:.1}:1, {CONTRAST_MIN}:1 is needed: \
                 make one of them lighter or darker",
                hex(*one),
                hex(*other),
                contrast(*one, *other)
            )
        })
        .collect()
}

/// Least contrast of text (WCAG 2.2, success criterion 1.4.6).
pub const CONTRAST_MIN: f64 = 7.0;

/// A colour from `#rrggbb`.
pub fn parse(text: &str) -> Option<Rgb888> {
    let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.is_ascii())?;
    let value = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
    let [_, r, g, b] = value.to_be_bytes();
    Some(Rgb888::new(r, g, b))
}

fn hex(color: Rgb888) -> String {
    format!("#{:02x}{:02x}{:02x}", color.r(), color.g(), color.b())
}

impl Theme {
    /// Front and disc colour of an icon.
    pub(super) fn tone(&self, tone: Tone) -> (Rgb888, Rgb888) {
        match tone {
            Tone::Active => (self.accent, self.accent_soft),
            Tone::Done => (self.on_fill, self.accent),
            Tone::Neutral => (self.ink, self.neutral_soft),
            Tone::Alert => (self.on_fill, self.alert),
        }
    }
}

impl Default for Theme {
    fn default() -> Self {
        Self::LIGHT
    }
}

/// The contrast of two colours, 1 to 21 (WCAG 2.2, contrast ratio).
pub fn contrast(one: Rgb888, other: Rgb888) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(color: Rgb888) -> f64 {
    let linear = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_the_standard_one() {
        assert!((contrast(Rgb888::BLACK, Rgb888::WHITE) - 21.0).abs() < 0.001);
        let grey = Rgb888::new(0x77, 0x77, 0x77);
        assert!((contrast(grey, Rgb888::WHITE) - 4.48).abs() < 0.01);
    }

    #[test]
    fn every_text_colour_reaches_seven_to_one() {
        for theme in [Theme::LIGHT, Theme::DARK, Theme::CONTRAST, Theme::MONO] {
            assert_eq!(theme.faint(), Vec::<String>::new());
        }
        for theme in [Theme::LIGHT, Theme::DARK, Theme::CONTRAST, Theme::MONO] {
            assert!(contrast(theme.accent, theme.accent_soft) >= 4.5, "icons");
        }
    }

    #[test]
    fn a_shops_colours_are_taken_or_refused_with_a_reason() {
        let colors = Colors { accent: parse("#003366"), ..Colors::default() };
        let theme = Theme::LIGHT.with(&colors).expect("dark blue on white");
        assert_eq!((theme.accent, theme.on_fill), (Rgb888::new(0, 0x33, 0x66), Rgb888::WHITE));
        let faint = Colors { accent: parse("#ffb3c7"), ..Colors::default() };
        let wrong = Theme::LIGHT.with(&faint).expect_err("pink on white");
        assert!(wrong[0].starts_with("accent #ffb3c7 on background #f7f5f1 has a contrast of"));
        let close = Colors { accent: parse("#777777"), alert: parse("#555555"), ..colors };
        assert_eq!(Theme::LIGHT.with(&close).expect_err("grey on white").len(), 2);
        for text in ["003366", "#0033", "#00336g", "#+03366", "#é3366", ""] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
