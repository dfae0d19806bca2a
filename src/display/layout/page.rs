//! One panel: its measures, and pieces put in their places.

use super::style::Style;
use super::{Align, Item, Role, Room, Shape, said};
use crate::display::content::{Content, Visual, Words};
use crate::display::text::{Block, Limits, fit, fit_anywhere};
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;

/// Most of the long side that the QR code takes.
const QR_SHARE: f32 = 0.67;
/// Where a column of text sits in its free room: a little above the middle.
const OPTICAL_MIDDLE: f32 = 0.46;
/// Below this short side, in pixels, words are few and letters small.
const TINY_BELOW: u32 = 120;
/// How much larger letters are where large ones are asked for.
const LARGE: f32 = 1.35;
/// The widest time that is ever shown; the room for it does not change from second to second.
const WIDEST_TIME: &str = "00:00";

/// A thing with a size that has no place yet.
pub(super) struct Piece {
    role: Role,
    size: Size,
    faces: Vec<Shape>,
}

impl Piece {
    pub(super) fn new(role: Role, size: Size, shape: Shape) -> Self {
        Self { role, size, faces: vec![shape] }
    }

    fn at(self, x: i32, y: i32) -> Item {
        Item {
            role: self.role,
            area: Rectangle::new(Point::new(x, y), self.size),
            faces: self.faces,
        }
    }
}

/// The panel and the measures that follow from its size.
pub(super) struct Page {
    size: Size,
    short: f32,
    margin: u32,
    is_landscape: bool,
    is_tiny: bool,
    enlarged: f32,
}

impl Page {
    pub(super) fn new(room: &Room<'_>) -> Self {
        let size = room.size;
        let short = size.width.min(size.height);
        let is_tiny = short < TINY_BELOW;
        Self {
            size,
            short: short as f32,
            margin: if is_tiny { 2 } else { (short / 20).max(8) },
            is_landscape: size.width > size.height,
            is_tiny,
            enlarged: if room.large_text { LARGE } else { 1.0 },
        }
    }

    /// The screen as it is; on a tiny panel also with fewer and fewer words.
    pub(super) fn editions<'s>(&self, contents: &[Content<'s>]) -> Vec<Vec<Content<'s>>> {
        let levels = if self.is_tiny { 0..5 } else { 0..1 };
        levels
            .map(|level| contents.iter().map(|content| content.shortened(level)).collect())
            .collect()
    }

    pub(super) fn qr_side_max(&self) -> u32 {
        let long = self.size.width.max(self.size.height) as f32;
        let short = (self.short as u32).saturating_sub(2 * self.margin);
        short.min((long * QR_SHARE) as u32)
    }

    /// The icon or logo.
    pub(super) fn picture(&self, visual: &Visual<'_>, scale: f32) -> Option<Piece> {
        let share = match (self.is_tiny, self.is_landscape) {
            (true, _) => 0.62,
            (false, true) => 0.44,
            (false, false) => 0.34,
        };
        let side = (self.short * share * scale) as u32;
        match visual {
            Visual::Icon(icon, tone) => {
                let size = Size::new_equal(side);
                Some(Piece::new(Role::Icon, size, Shape::Icon(*icon, *tone)))
            }
            Visual::Logo(logo) => {
                let inside = self.inside()?.size.width;
                let wide = if self.is_landscape { side } else { inside.min(side * 2) };
                let size = logo.fit(Size::new(wide, side));
                Some(Piece::new(Role::Logo, size, Shape::Logo((*logo).clone())))
            }
            Visual::Qr(_) | Visual::Support(_) => None,
        }
    }

    /// A link over the whole width, broken where the line ends.
    pub(super) fn link(&self, link: &str, scale: f32) -> Option<Piece> {
        let width = self.inside()?.size.width;
        let block = fit_anywhere(link, &self.limits(Role::Link, width, scale))?;
        let size = Size::new(width, block.height());
        Some(Piece::new(Role::Link, size, Shape::Text(block, Align::Centre)))
    }

    /// Everything in its place at this scale, or none when something does not fit.
    pub(super) fn arrange(
        &self,
        contents: &[Content<'_>],
        visual: Option<Piece>,
        scale: f32,
    ) -> Option<Vec<Item>> {
        let inside = self.inside()?;
        match visual {
            Some(visual) if self.is_landscape && visual.role != Role::Link => {
                let (item, column) = self.beside(visual, inside)?;
                let mut items = self.column(contents, None, column, Align::Left, scale)?;
                items.push(item);
                Some(items)
            }
            visual => self.column(contents, visual, inside, Align::Centre, scale),
        }
    }

    fn inside(&self) -> Option<Rectangle> {
        let width = self.size.width.checked_sub(2 * self.margin)?;
        let height = self.size.height.checked_sub(2 * self.margin)?;
        Some(Rectangle::new(Point::new_equal(self.margin as i32), Size::new(width, height)))
    }

    /// The icon or code at the left, and the column that remains for the words.
    fn beside(&self, visual: Piece, inside: Rectangle) -> Option<(Item, Rectangle)> {
        let tight = visual.role == Role::Qr || self.is_tiny;
        let share = if tight { 0.0 } else { 0.36 };
        let left = visual.size.width.max((inside.size.width as f32 * share) as u32);
        let gap = self.margin;
        let width = inside.size.width.checked_sub(left + gap)?;
        let x = inside.top_left.x + (left - visual.size.width) as i32 / 2;
        let y = (self.size.height.checked_sub(visual.size.height)? / 2) as i32;
        let top_left = inside.top_left + Point::new((left + gap) as i32, 0);
        let column = Rectangle::new(top_left, Size::new(width, inside.size.height));
        Some((visual.at(x, y), column))
    }

    /// The shop's name at the top, the time at the bottom, everything else between them.
    fn column(
        &self,
        contents: &[Content<'_>],
        visual: Option<Piece>,
        column: Rectangle,
        align: Align,
        scale: f32,
    ) -> Option<Vec<Item>> {
        let mut items = Vec::new();
        let (left, mut top) = (column.top_left.x, column.top_left.y);
        let mut bottom = top + column.size.height as i32;
        let gap = self.gap(0.03, scale);
        if let Some(merchant) = said(contents, |content| content.merchant.as_ref()) {
            let piece = self.words(Role::Merchant, &merchant, column.size.width, align, scale)?;
            top += piece.size.height as i32 + gap;
            items.push(piece.at(left, column.top_left.y));
        }
        if contents.first().is_some_and(|content| content.time.is_some()) {
            let footer = self.footer(contents, &column, scale)?;
            bottom = footer.iter().map(|item| item.area.top_left.y).min()? - gap;
            items.extend(footer);
        }
        if visual.as_ref().is_some_and(|visual| visual.size.width > column.size.width) {
            return None;
        }
        let stack = self.stack(contents, visual, column.size.width, align, scale)?;
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
        contents: &[Content<'_>],
        visual: Option<Piece>,
        width: u32,
        align: Align,
        scale: f32,
    ) -> Option<Vec<(i32, Piece)>> {
        let first = contents.first()?;
        let is_scan = matches!(first.visual, Visual::Qr(_) | Visual::Support(_));
        let title = if first.lead.is_some() { Role::Name } else { Role::Title };
        let title = (title, said(contents, |content| Some(&content.title)));
        let amount = (Role::Amount, said(contents, |content| content.amount.as_ref()));
        let (second, third) = if is_scan { (amount, title) } else { (title, amount) };
        let mut pieces = Vec::new();
        for (role, words) in [
            (Role::Lead, said(contents, |content| content.lead.as_ref())),
            second,
            third,
            (Role::Body, said(contents, |content| content.body.as_ref())),
            (Role::Warning, said(contents, |content| content.warning.as_ref())),
            (Role::Code, said(contents, |content| content.code.as_ref())),
        ] {
            if let Some(words) = words {
                pieces.push(self.words(role, &words, width, align, scale)?);
            }
        }
        for index in 0..first.facts.len() {
            let fact = said(contents, |content| content.facts.get(index))?;
            pieces.push(self.words(Role::Fact, &fact, width, align, scale)?);
        }
        if let Some(visual) = visual {
            let place = if is_scan { pieces.len() } else { 0 };
            pieces.insert(place, visual);
        }
        Some(self.with_gaps(pieces, scale))
    }

    fn with_gaps(&self, pieces: Vec<Piece>, scale: f32) -> Vec<(i32, Piece)> {
        let mut above: Option<Role> = None;
        let mut stack = Vec::new();
        for piece in pieces {
            let before = |role| Style::of(role, self.is_tiny).gap_before;
            let ratio = match (above, piece.role) {
                (None, _) => 0.0,
                (Some(Role::Icon | Role::Logo), _) => before(Role::Icon),
                (Some(Role::Title), Role::Fact) => before(Role::Body),
                (Some(_), Role::Qr) => 0.035,
                (Some(_), role) => before(role),
            };
            above = Some(piece.role);
            stack.push((self.gap(ratio, scale), piece));
        }
        stack
    }

    /// A line that says how much time is left, above a bar that runs out.
    fn footer(
        &self,
        contents: &[Content<'_>],
        column: &Rectangle,
        scale: f32,
    ) -> Option<Vec<Item>> {
        let widest = Words { text: WIDEST_TIME.to_owned(), foreign: false };
        let Size { width: room, height: _ } = column.size;
        let block = self.block(Role::Time, &widest, room, scale)?;
        let height = block.height();
        let time_width = block.width() + 1;
        let label_width = room.checked_sub(time_width)?.saturating_sub(self.margin);
        let label = self.label(contents, label_width, height, scale);
        let is_bare =
            contents.iter().any(|content| content.time.as_ref().is_some_and(|t| t.is_bare));
        let bar_height = ((self.short * 0.014) as u32).max(if self.is_tiny { 3 } else { 4 });
        let gap = self.gap(0.012, scale).max(1);
        let left = column.top_left.x;
        let bottom = column.top_left.y + column.size.height as i32;
        let bar_y = bottom - bar_height as i32;
        let bar = Piece::new(Role::Bar, Size::new(room, bar_height), Shape::Bar);
        let bar = bar.at(left, bar_y);
        if is_bare {
            return Some(vec![bar]);
        }
        let row_y = bar_y - gap - height as i32;
        let time = Shape::Time(block.weight, block.px);
        let time = Piece::new(Role::Time, Size::new(time_width, height), time);
        let mut items = vec![bar, time.at(left + (room - time_width) as i32, row_y)];
        items.extend(label.map(|label| label.at(left, row_y)));
        Some(items)
    }

    /// The words beside the time in each language, left out where they do not fit.
    fn label(&self, contents: &[Content<'_>], room: u32, height: u32, scale: f32) -> Option<Piece> {
        let block = |text: &str, room: Option<u32>| {
            let words = Words { text: text.to_owned(), foreign: false };
            let block = self.block(Role::TimeLabel, &words, room?, scale)?;
            (block.height() <= height).then_some(block)
        };
        let face = |content: &Content<'_>| {
            let time = content.time.as_ref()?;
            let calm = block(time.label, Some(room));
            let urgent = block(time.nearly_up, room.checked_sub(height + height / 3));
            Some(Shape::Label { calm, urgent })
        };
        let mut faces: Vec<Shape> = contents.iter().map(face).collect::<Option<_>>()?;
        // A label that only one of two languages has room for would come and go.
        let all = |has: fn(&Shape) -> bool| faces.iter().all(has);
        let has_calm = all(|face| matches!(face, Shape::Label { calm: Some(_), .. }));
        let has_urgent = all(|face| matches!(face, Shape::Label { urgent: Some(_), .. }));
        for face in &mut faces {
            if let Shape::Label { calm, urgent } = face {
                calm.take_if(|_| !has_calm);
                urgent.take_if(|_| !has_urgent);
            }
        }
        faces.dedup();
        let size = Size::new(room, height);
        (room >= height).then_some(Piece { role: Role::TimeLabel, size, faces })
    }

    /// Words as a piece as wide as their column; none when our own words would be elided.
    fn words(
        &self,
        role: Role,
        words: &[&Words],
        width: u32,
        align: Align,
        scale: f32,
    ) -> Option<Piece> {
        let block = |words: &&Words| self.block(role, words, width, scale);
        let mut blocks: Vec<Block> = words.iter().map(block).collect::<Option<_>>()?;
        blocks.dedup();
        let height = blocks.iter().map(Block::height).max()?;
        let faces = blocks.into_iter().map(|block| Shape::Text(block, align)).collect();
        Some(Piece { role, size: Size::new(width, height), faces })
    }

    fn block(&self, role: Role, words: &Words, width: u32, scale: f32) -> Option<Block> {
        let block = fit(&words.text, &self.limits(role, width, scale));
        (words.foreign || !(block.elided || block.broken)).then_some(block)
    }

    fn limits(&self, role: Role, width: u32, scale: f32) -> Limits {
        let style = Style::of(role, self.is_tiny);
        let lines_max =
            if self.is_landscape { style.lines_landscape } else { style.lines_portrait };
        Limits {
            weight: style.weight,
            px_max: (self.short * style.ratio * scale * self.enlarged).round(),
            px_min: style.px_min.max(self.short * style.ratio_min),
            width,
            lines_max,
        }
    }

    fn gap(&self, ratio: f32, scale: f32) -> i32 {
        (self.short * ratio * scale).round() as i32
    }
}
