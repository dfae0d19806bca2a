//! Sizes of letters and gaps, relative to the short side of the panel.

use super::Role;
use crate::display::text::Weight;

/// Letters smaller than this are not legible at arm's length on a 2.4 inch panel, in pixels.
const PX_MIN: f32 = 12.0;
/// Amounts may go below that before a larger panel is asked for.
const AMOUNT_PX_MIN: f32 = 10.0;
/// The shop's name is the largest on its screen, even if only a part of it fits.
const NAME_RATIO_MIN: f32 = 0.055;
/// Sharp letters on a panel of an inch, read from close by.
const TINY_PX_MIN: f32 = 9.0;
/// A link has to be typed in one way or another.
const TINY_LINK_PX_MIN: f32 = 8.0;

/// Type sizes and limits of one role.
pub(super) struct Style {
    /// Size of letters as a share of the short side.
    pub ratio: f32,
    /// Smallest size, in pixels.
    pub px_min: f32,
    /// Smallest size as a share of the short side; what is longer is cut.
    pub ratio_min: f32,
    pub weight: Weight,
    pub lines_portrait: usize,
    pub lines_landscape: usize,
    /// Room above, as a share of the short side.
    pub gap_before: f32,
}

impl Style {
    pub(super) fn of(role: Role, is_tiny: bool) -> Self {
        if is_tiny { Self::tiny(role) } else { Self::regular(role) }
    }

    fn regular(role: Role) -> Self {
        let (ratio, weight, lines_portrait, lines_landscape, gap_before) = match role {
            Role::Merchant => (0.046, Weight::SemiBold, 1, 2, 0.0),
            Role::Lead => (0.056, Weight::Regular, 1, 2, 0.0),
            Role::Name => (0.1, Weight::SemiBold, 3, 4, 0.01),
            Role::Title => (0.072, Weight::SemiBold, 3, 4, 0.025),
            Role::Amount => (0.135, Weight::SemiBold, 1, 1, 0.015),
            Role::Body => (0.052, Weight::Regular, 4, 6, 0.035),
            Role::Warning => (0.06, Weight::SemiBold, 4, 6, 0.045),
            Role::Code => (0.046, Weight::SemiBold, 1, 2, 0.05),
            Role::Fact => (0.042, Weight::Regular, 2, 2, 0.012),
            Role::Link => (0.052, Weight::SemiBold, 6, 6, 0.04),
            Role::Time => (0.05, Weight::SemiBold, 1, 1, 0.0),
            Role::TimeLabel => (0.042, Weight::Regular, 1, 1, 0.0),
            Role::Icon | Role::Logo | Role::Qr | Role::Bar => (0.0, Weight::Regular, 0, 0, 0.07),
        };
        let px_min = if role == Role::Amount { AMOUNT_PX_MIN } else { PX_MIN };
        let ratio_min = if role == Role::Name { NAME_RATIO_MIN } else { 0.0 };
        Self { ratio, px_min, ratio_min, weight, lines_portrait, lines_landscape, gap_before }
    }

    fn tiny(role: Role) -> Self {
        let (ratio, weight, lines) = match role {
            Role::Amount | Role::Name => (0.25, Weight::SemiBold, 2),
            Role::Title | Role::Warning => (0.19, Weight::SemiBold, 3),
            Role::Link => (0.15, Weight::SemiBold, 4),
            Role::Merchant
            | Role::Lead
            | Role::Body
            | Role::Code
            | Role::Fact
            | Role::Time
            | Role::TimeLabel => (0.155, Weight::SemiBold, 3),
            Role::Icon | Role::Logo | Role::Qr | Role::Bar => (0.0, Weight::Regular, 0),
        };
        let gap_before = if ratio > 0.0 { 0.0 } else { 0.03 };
        let lines_max = if matches!(role, Role::Amount | Role::Time) { 1 } else { lines };
        Self {
            ratio,
            px_min: if role == Role::Link { TINY_LINK_PX_MIN } else { TINY_PX_MIN },
            ratio_min: 0.0,
            weight,
            lines_portrait: lines_max,
            lines_landscape: lines_max,
            gap_before,
        }
    }
}
