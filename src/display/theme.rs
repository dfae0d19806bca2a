//! The colours of a screen, and the measure that keeps them readable.
//!
//! One neutral background, one ink, one accent, one alert; the tests of this file hold every text
//! colour to a contrast of 7:1 (WCAG 2.2, success criterion 1.4.6).

use super::content::Tone;
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
    };
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
        for theme in [Theme::LIGHT, Theme::DARK] {
            let texts = [
                (theme.ink, theme.background),
                (theme.muted, theme.background),
                (theme.accent, theme.background),
                (theme.alert, theme.background),
                (theme.on_fill, theme.accent),
                (theme.on_fill, theme.alert),
                (theme.ink, theme.neutral_soft),
            ];
            for (front, back) in texts {
                assert!(contrast(front, back) >= 7.0, "{front:?} on {back:?}");
            }
            assert!(contrast(theme.accent, theme.accent_soft) >= 4.5, "icons");
        }
    }
}
