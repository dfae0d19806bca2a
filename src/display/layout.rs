//! Where everything on a screen goes: computed from the size of the panel, for any size.
//!
//! Portrait stacks everything in one column; landscape puts the icon or code beside the words.
//! Nothing overlaps because every piece gets its own rectangle before anything is drawn. Knows no
//! colours and draws nothing.

use super::content::{Content, Time, Tone, Visual, Words};
use super::icon::Icon;
use super::qr::{Fit, MODULE_PX_GOOD, MODULE_PX_MIN, QrError, QrMatrix};
use super::text::{Block, Limits, Weight, fit, width};
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;

/// Letters smaller than this are not legible at arm's length on a 2.4 inch panel, in pixels.
const PX_MIN: f32 = 12.0;
/// Amounts may go below that before a larger panel is asked for.
const AMOUNT_PX_MIN: f32 = 10.0;
/// Sizes of text and icons that are tried, largest first.
const SCALES: [f32; 7] = [1.0, 0.92, 0.85, 0.78, 0.7, 0.62, 0.55];
/// A code of good size does not make text smaller than this; the code gives way first.
const SCALE_BESIDE_GOOD_QR: f32 = 0.85;
/// Most of the long side that the QR code takes.
const QR_SHARE: f32 = 0.67;
/// Where a column of text sits in its free room: a little above the middle.
const OPTICAL_MIDDLE: f32 = 0.46;

/// What a rectangle on the screen is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The shop's name.
    Merchant,
    /// Small words above the title.
    Lead,
    /// The shop's name where it is the message.
    Name,
    /// What is going on.
    Title,
    /// How much.
    Amount,
    /// What to do.
    Body,
    /// What must not be done.
    Warning,
    /// A code for staff.
    Code,
    /// The icon.
    Icon,
    /// The QR code with its quiet zone.
    Qr,
    /// Minutes and seconds left.
    Time,
    /// The bar that runs out.
    Bar,
}

/// Where lines start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// At the left edge.
    Left,
    /// Around the middle.
    Centre,
    /// At the right edge.
    Right,
}

/// What is drawn in a rectangle.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Lines of text.
    Text(Block, Align),
    /// An icon on its disc.
    Icon(Icon, Tone),
    /// A QR code.
    Qr(QrMatrix, Fit),
    /// A bar, filled to this fraction.
    Bar(f32),
}

/// One thing on the screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What it is for.
    pub role: Role,
    /// The pixels it owns.
    pub area: Rectangle,
    /// What is drawn there.
    pub shape: Shape,
}

/// Why a screen cannot be laid out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// The QR code does not fit.
    #[error(transparent)]
    Qr(#[from] QrError),
    /// The words do not fit.
    #[error("a panel of {width} x {height} pixels is too small for this screen")]
    TooSmall {
        /// Width of the panel, in pixels.
        width: u32,
        /// Height of the panel, in pixels.
        height: u32,
    },
}

/// Lays a screen out on a panel of `size`.
///
/// # Errors
/// [`LayoutError`] when the panel is too small; nothing is ever clipped instead.
pub fn plan(content: &Content<'_>, size: Size) -> Result<Vec<Item>, LayoutError> {
    let page = Page::new(size);
    let too_small = LayoutError::TooSmall { width: size.width, height: size.height };
    let Visual::Qr(url) = content.visual else {
        let icon = |scale| page.arrange(content, page.icon(content.visual, scale), scale);
        return SCALES.into_iter().find_map(icon).ok_or(too_small);
    };
    let matrix = QrMatrix::new(url)?;
    let largest = matrix.fit(page.qr_side_max())?.module_px;
    for module_px in (MODULE_PX_MIN..=largest).rev() {
        let fit = matrix.fit(module_px * matrix.width_with_quiet_zone())?;
        let good = module_px > MODULE_PX_GOOD;
        for scale in SCALES.into_iter().filter(|s| !good || *s >= SCALE_BESIDE_GOOD_QR) {
            let code = Piece::square(Role::Qr, fit.side_px, Shape::Qr(matrix.clone(), fit));
            if let Some(items) = page.arrange(content, Some(code), scale) {
                return Ok(items);
            }
        }
    }
    Err(too_small)
}

/// A thing with a size that has no place yet.
struct Piece {
    role: Role,
    size: Size,
    shape: Shape,
}

impl Piece {
    fn square(role: Role, side: u32, shape: Shape) -> Self {
        Self { role, size: Size::new_equal(side), shape }
    }

    fn at(self, x: i32, y: i32) -> Item {
        Item {
            role: self.role,
            area: Rectangle::new(Point::new(x, y), self.size),
            shape: self.shape,
        }
    }
}

/// Type sizes and limits of one role, relative to the short side of the panel.
struct Style {
    ratio: f32,
    px_min: f32,
    weight: Weight,
    lines_portrait: usize,
    lines_landscape: usize,
    gap_before: f32,
}

impl Style {
    fn of(role: Role) -> Self {
        let (ratio, weight, lines_portrait, lines_landscape, gap_before) = match role {
            Role::Merchant => (0.046, Weight::SemiBold, 1, 2, 0.0),
            Role::Lead => (0.056, Weight::Regular, 1, 2, 0.0),
            Role::Name => (0.1, Weight::SemiBold, 3, 4, 0.01),
            Role::Title => (0.072, Weight::SemiBold, 3, 4, 0.025),
            Role::Amount => (0.135, Weight::SemiBold, 1, 1, 0.015),
            Role::Body => (0.052, Weight::Regular, 4, 6, 0.035),
            Role::Warning => (0.06, Weight::SemiBold, 4, 6, 0.045),
            Role::Code => (0.046, Weight::SemiBold, 1, 2, 0.05),
            Role::Time => (0.05, Weight::SemiBold, 1, 1, 0.0),
            Role::Icon | Role::Qr | Role::Bar => (0.0, Weight::Regular, 0, 0, 0.07),
        };
        let px_min = if role == Role::Amount { AMOUNT_PX_MIN } else { PX_MIN };
        Self { ratio, px_min, weight, lines_portrait, lines_landscape, gap_before }
    }
}

/// The panel and the measures that follow from its size.
struct Page {
    size: Size,
    short: f32,
    margin: u32,
    landscape: bool,
}

impl Page {
    fn new(size: Size) -> Self {
        let short = size.width.min(size.height);
        let margin = (short / 20).max(8);
        Self { size, short: short as f32, margin, landscape: size.width > size.height }
    }

    fn qr_side_max(&self) -> u32 {
        let long = self.size.width.max(self.size.height) as f32;
        let short = (self.short as u32).saturating_sub(2 * self.margin);
        short.min((long * QR_SHARE) as u32)
    }

    fn icon(&self, visual: Visual<'_>, scale: f32) -> Option<Piece> {
        let share = if self.landscape { 0.44 } else { 0.34 };
        match visual {
            Visual::Icon(icon, tone) => {
                let side = (self.short * share * scale) as u32;
                Some(Piece::square(Role::Icon, side, Shape::Icon(icon, tone)))
            }
            Visual::Qr(_) => None,
        }
    }

    /// Everything in its place at this scale, or none when something does not fit.
    fn arrange(
        &self,
        content: &Content<'_>,
        visual: Option<Piece>,
        scale: f32,
    ) -> Option<Vec<Item>> {
        let inside = self.inside()?;
        match visual {
            Some(visual) if self.landscape => {
                let (item, column) = self.beside(visual, inside)?;
                let mut items = self.column(content, None, column, Align::Left, scale)?;
                items.push(item);
                Some(items)
            }
            visual => self.column(content, visual, inside, Align::Centre, scale),
        }
    }

    fn inside(&self) -> Option<Rectangle> {
        let width = self.size.width.checked_sub(2 * self.margin)?;
        let height = self.size.height.checked_sub(2 * self.margin)?;
        Some(Rectangle::new(Point::new_equal(self.margin as i32), Size::new(width, height)))
    }

    /// The icon or code at the left, and the column that remains for the words.
    fn beside(&self, visual: Piece, inside: Rectangle) -> Option<(Item, Rectangle)> {
        let tight = visual.role == Role::Qr;
        let share = if tight { 0.0 } else { 0.36 };
        let left = visual.size.width.max((inside.size.width as f32 * share) as u32);
        let gap = self.margin;
        let width = inside.size.width.checked_sub(left + gap)?;
        let x = inside.top_left.x + (left - visual.size.width) as i32 / 2;
        let y = (self.size.height as i32 - visual.size.height as i32) / 2;
        let top_left = inside.top_left + Point::new((left + gap) as i32, 0);
        let column = Rectangle::new(top_left, Size::new(width, inside.size.height));
        Some((visual.at(x, y), column))
    }

    /// The shop's name at the top, the time at the bottom, everything else between them.
    fn column(
        &self,
        content: &Content<'_>,
        visual: Option<Piece>,
        column: Rectangle,
        align: Align,
        scale: f32,
    ) -> Option<Vec<Item>> {
        let mut items = Vec::new();
        let (left, mut top) = (column.top_left.x, column.top_left.y);
        let mut bottom = top + column.size.height as i32;
        let gap = self.gap(0.03, scale);
        if let Some(merchant) = &content.merchant {
            let piece = self.words(Role::Merchant, merchant, column.size.width, align, scale)?;
            top += piece.size.height as i32 + gap;
            items.push(piece.at(left, column.top_left.y));
        }
        if let Some(time) = &content.time {
            let footer = self.footer(time, &column, scale)?;
            bottom = footer.iter().map(|item| item.area.top_left.y).min()? - gap;
            items.extend(footer);
        }
        let stack = self.stack(content, visual, column.size.width, align, scale)?;
        let taken: i32 = stack.iter().map(|(gap, piece)| gap + piece.size.height as i32).sum();
        let free = bottom - top - taken;
        if free < 0 {
            return None;
        }
        let mut y = top + (free as f32 * OPTICAL_MIDDLE) as i32;
        for (gap, piece) in stack {
            y += gap;
            let indent = (column.size.width - piece.size.width) as i32 / 2;
            let height = piece.size.height as i32;
            items.push(piece.at(left + indent, y));
            y += height;
        }
        Some(items)
    }

    /// The pieces between top and bottom with the gap before each, in the order of reading.
    fn stack(
        &self,
        content: &Content<'_>,
        visual: Option<Piece>,
        width: u32,
        align: Align,
        scale: f32,
    ) -> Option<Vec<(i32, Piece)>> {
        let name = content.lead.is_some();
        let title = Some((if name { Role::Name } else { Role::Title }, &content.title));
        let amount = content.amount.as_ref().map(|words| (Role::Amount, words));
        let scan = matches!(content.visual, Visual::Qr(_));
        let (first, second) = if scan { (amount, title) } else { (title, amount) };
        let lead = content.lead.as_ref().map(|words| (Role::Lead, words));
        let body = content.body.as_ref().map(|words| (Role::Body, words));
        let warning = content.warning.as_ref().map(|words| (Role::Warning, words));
        let code = content.code.as_ref().map(|words| (Role::Code, words));
        let mut pieces = Vec::new();
        for (role, words) in [lead, first, second, body, warning, code].into_iter().flatten() {
            pieces.push(self.words(role, words, width, align, scale)?);
        }
        if let Some(visual) = visual {
            let place = if scan { pieces.len() } else { 0 };
            pieces.insert(place, visual);
        }
        Some(self.with_gaps(pieces, scale))
    }

    fn with_gaps(&self, pieces: Vec<Piece>, scale: f32) -> Vec<(i32, Piece)> {
        let mut above: Option<Role> = None;
        let mut stack = Vec::new();
        for piece in pieces {
            let ratio = match (above, piece.role) {
                (None, _) => 0.0,
                (Some(Role::Icon), _) => Style::of(Role::Icon).gap_before,
                (Some(_), Role::Qr) => 0.035,
                (Some(_), role) => Style::of(role).gap_before,
            };
            above = Some(piece.role);
            stack.push((self.gap(ratio, scale), piece));
        }
        stack
    }

    /// A bar that runs out, and the time at its right.
    fn footer(&self, time: &Time, column: &Rectangle, scale: f32) -> Option<[Item; 2]> {
        let words = Words { text: time.text.clone(), foreign: false };
        let mut text = self.words(Role::Time, &words, column.size.width, Align::Right, scale)?;
        let Shape::Text(block, _) = &text.shape else { return None };
        // As wide as with zeros only, so that the bar keeps its length from second to second.
        let zeros: String = time.text.chars().map(|c| if c == ':' { c } else { '0' }).collect();
        let reserved = width(&zeros, block.weight, block.px).ceil() as u32 + 2;
        text.size.width = reserved.max(block.width());
        let bar_height = ((self.short * 0.014) as u32).max(4);
        let bar_width = column.size.width.checked_sub(text.size.width + self.margin)?;
        let (left, height) = (column.top_left.x, text.size.height as i32);
        let bottom = column.top_left.y + column.size.height as i32;
        let size = Size::new(bar_width, bar_height);
        let bar = Piece { role: Role::Bar, size, shape: Shape::Bar(time.fraction) };
        let text_x = left + (column.size.width - text.size.width) as i32;
        let bar_y = bottom - (height + bar_height as i32) / 2;
        Some([bar.at(left, bar_y), text.at(text_x, bottom - height)])
    }

    /// Words as a piece as wide as their column; none when our own words would be elided.
    fn words(
        &self,
        role: Role,
        words: &Words,
        width: u32,
        align: Align,
        scale: f32,
    ) -> Option<Piece> {
        let style = Style::of(role);
        let limits = Limits {
            weight: style.weight,
            px_max: (self.short * style.ratio * scale).round(),
            px_min: style.px_min,
            width,
            lines_max: if self.landscape { style.lines_landscape } else { style.lines_portrait },
        };
        let block = fit(&words.text, &limits);
        if block.elided && !words.foreign {
            return None;
        }
        let size = Size::new(width, block.height());
        Some(Piece { role, size, shape: Shape::Text(block, align) })
    }

    fn gap(&self, ratio: f32, scale: f32) -> i32 {
        (self.short * ratio * scale).round() as i32
    }
}
