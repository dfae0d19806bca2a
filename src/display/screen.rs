//! Draws every [`Screen`] on any embedded-graphics `DrawTarget`, in any size and colour depth.
//!
//! Pure: no device, no file, no clock. The layout is finished before the first pixel, so a screen
//! that does not fit leaves the target as it was. What moves on a screen, the time and the
//! language, is drawn again by itself; everything else, the QR code above all, stays untouched.

use super::Frame;
use super::content::{Content, Left, Time};
use super::layout::{Align, Item, LayoutError, Role, Room, Shape, plan};
use super::paint::{self, Ground};
use super::qr::{Fit, QUIET_ZONE, QrMatrix};
use super::text::{Block, width};
use super::theme::Theme;
use crate::clock::Mono;
use crate::payment::screen::Screen;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;
use embedded_graphics::primitives::Rectangle;
use std::time::Duration;

/// What moves is not drawn more often than this.
const PACE_MAX: Duration = Duration::from_millis(50);

/// Why a screen was not drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrawError<E> {
    /// The panel is too small for it.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The target failed.
    #[error("the display refused pixels: {0}")]
    Target(E),
}

/// What was drawn where.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Every element with the pixels that it owns; no two of them share one.
    pub elements: Vec<Element>,
    /// How the QR code came out, when there is one.
    pub qr: Option<Fit>,
    /// Text from outside was too long and has been cut.
    pub elided: bool,
}

/// One element of a drawn screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element {
    /// What it is for.
    pub role: Role,
    /// The pixels it owns; letters that reach over their line are included.
    pub bounds: Rectangle,
}

/// Draws `screen` as it is at `now` over the whole target.
///
/// # Errors
/// [`DrawError::Layout`] before anything is drawn, [`DrawError::Target`] from the target.
pub fn draw<D>(
    target: &mut D,
    screen: &Screen,
    frame: &Frame,
    now: Mono,
) -> Result<Drawn, DrawError<D::Error>>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    let size = target.bounding_box().size;
    let mut scene = Scene::new(screen, frame, size, now)?;
    scene.draw(target, now).map_err(DrawError::Target)
}

/// A screen in its layout: drawn once as a whole, then only where it moves.
#[derive(Debug, Clone)]
pub struct Scene {
    items: Vec<Item>,
    time: Option<Time>,
    theme: Theme,
    since: Mono,
    alternate: Option<Duration>,
    shown: Option<Moving>,
    /// Pixels beside an item that letters may reach into.
    bleed: i32,
}

/// Everything about a scene that depends on the time.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Moving {
    face: usize,
    left: Option<Left>,
    filled: u32,
}

impl Scene {
    /// Lays `screen` out on a panel of `size`; `now` is when its first language begins.
    ///
    /// # Errors
    /// [`LayoutError`] when the panel is too small.
    pub fn new(screen: &Screen, frame: &Frame, size: Size, now: Mono) -> Result<Self, LayoutError> {
        let is_for_shopper = matches!(screen, Screen::Scan { .. } | Screen::ShopperPaying { .. });
        let second = frame.second_lang.filter(|lang| is_for_shopper && *lang != frame.lang);
        let langs = [Some(frame.lang), second].into_iter().flatten();
        let contents: Vec<Content<'_>> =
            langs.map(|lang| Content::new(screen, frame, lang)).collect();
        let short_link = frame.short_link.as_deref();
        let room = Room { size, large_text: frame.large_text, short_link };
        Ok(Self {
            items: plan(&contents, &room)?,
            time: contents.first().and_then(|content| content.time.clone()),
            theme: frame.theme,
            since: now,
            alternate: second.map(|_| frame.alternate),
            shown: None,
            bleed: if size.width.min(size.height) < 120 { 1 } else { 2 },
        })
    }

    /// How the QR code comes out, when there is one.
    pub fn qr(&self) -> Option<Fit> {
        self.items.iter().find_map(|item| match item.faces.first() {
            Some(Shape::Qr(_, fit)) => Some(*fit),
            _ => None,
        })
    }

    /// Draws everything.
    ///
    /// # Errors
    /// The target's own.
    pub fn draw<D>(&mut self, target: &mut D, now: Mono) -> Result<Drawn, D::Error>
    where
        D: DrawTarget,
        D::Color: From<Rgb888>,
    {
        let area = target.bounding_box();
        let moving = self.at(now);
        let mut painter = Painter::new(target, &self.theme, &moving);
        paint::fill(painter.target, &area, self.theme.background)?;
        let mut drawn = Drawn { elements: Vec::new(), qr: self.qr(), elided: false };
        for item in &self.items {
            if let Some(Shape::Text(block, _)) = moving.face_of(item) {
                drawn.elided |= block.elided;
            }
            if let Some(bounds) = painter.item(item)? {
                drawn.elements.push(Element { role: item.role, bounds });
            }
        }
        self.shown = Some(moving);
        Ok(drawn)
    }

    /// Draws what has moved since it was drawn last; returns the rectangles that were touched.
    ///
    /// # Errors
    /// The target's own.
    pub fn advance<D>(&mut self, target: &mut D, now: Mono) -> Result<Vec<Rectangle>, D::Error>
    where
        D: DrawTarget,
        D::Color: From<Rgb888>,
    {
        let moving = self.at(now);
        let shown = self.shown;
        let mut painter = Painter::new(target, &self.theme, &moving);
        let mut touched = Vec::new();
        for item in self.items.iter().filter(|item| moving.moves(item, shown.as_ref())) {
            // Letters may reach over the sides of their line.
            let bleed = Point::new(self.bleed, 0);
            let size = item.area.size + Size::new(2 * self.bleed.unsigned_abs(), 0);
            let area = Rectangle::new(item.area.top_left - bleed, size);
            paint::fill(painter.target, &area, self.theme.background)?;
            painter.item(item)?;
            touched.push(area);
        }
        self.shown = Some(moving);
        Ok(touched)
    }

    /// How long until something moves; `None` when nothing will.
    pub fn next(&self, now: Mono) -> Option<Duration> {
        let second = self.time.as_ref().and_then(|time| time.until_next_second(now));
        let bar = self.time.as_ref().filter(|_| second.is_some()).and_then(|time| {
            let width = self.bar_width().filter(|width| *width > 0)?;
            Some(Duration::from_secs(u64::from(time.limit_s)) / width)
        });
        let language = self.alternate.filter(|pace| !pace.is_zero()).map(|pace| {
            let gone = now.left(self.since).as_nanos() % pace.as_nanos();
            pace.saturating_sub(Duration::from_nanos(u64::try_from(gone).unwrap_or_default()))
        });
        [second, bar, language].into_iter().flatten().min().map(|wait| wait.max(PACE_MAX))
    }

    fn at(&self, now: Mono) -> Moving {
        let pace = self.alternate.map_or(0, |pace| pace.as_millis());
        let gone = now.left(self.since).as_millis().checked_div(pace).unwrap_or_default();
        let left = self.time.as_ref().map(|time| time.left(now));
        let width = self.bar_width().unwrap_or_default();
        let filled = left.map_or(0, |left| (left.fraction * width as f32).ceil() as u32);
        Moving { face: usize::from(!gone.is_multiple_of(2)), left, filled }
    }

    fn bar_width(&self) -> Option<u32> {
        let bar = self.items.iter().find(|item| item.role == Role::Bar)?;
        Some(bar.area.size.width)
    }
}

impl Moving {
    /// What an item shows now.
    fn face_of<'i>(&self, item: &'i Item) -> Option<&'i Shape> {
        item.faces.get(self.face).or(item.faces.first())
    }

    /// Whether an item looks different from when it was `before`.
    fn moves(&self, item: &Item, before: Option<&Self>) -> bool {
        let Some(before) = before else { return true };
        let urgent = |at: &Self| at.left.is_some_and(|left| left.is_urgent);
        let seconds = |at: &Self| at.left.map(|left| left.seconds);
        let face = item.faces.len() > 1 && self.face != before.face;
        let warned = urgent(self) != urgent(before);
        face || match item.role {
            Role::Time => warned || seconds(self) != seconds(before),
            Role::Bar => warned || self.filled != before.filled,
            Role::TimeLabel => warned,
            _ => false,
        }
    }
}

struct Painter<'a, D> {
    target: &'a mut D,
    theme: &'a Theme,
    ground: Ground,
    moving: &'a Moving,
}

impl<'a, D> Painter<'a, D>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    fn new(target: &'a mut D, theme: &'a Theme, moving: &'a Moving) -> Self {
        Self { target, theme, ground: Ground::of(theme), moving }
    }

    /// Draws one item; returns the pixels that it owns, none where it shows nothing.
    fn item(&mut self, item: &Item) -> Result<Option<Rectangle>, D::Error> {
        let theme = self.theme;
        let urgent = self.moving.left.is_some_and(|left| left.is_urgent);
        match self.moving.face_of(item) {
            None => return Ok(None),
            Some(Shape::Text(block, align)) => {
                return self.text(&item.area, block, *align, self.color(item.role)).map(Some);
            }
            Some(Shape::Label { calm, urgent: hurry }) => {
                let color = self.color(item.role);
                return self.label(&item.area, if urgent { hurry } else { calm }, urgent, color);
            }
            Some(Shape::Time(weight, px)) => {
                let text = self.moving.left.map(|left| left.text()).unwrap_or_default();
                let color = if urgent { theme.alert } else { self.color(item.role) };
                let block = Block {
                    lines: vec![text],
                    weight: *weight,
                    px: *px,
                    elided: false,
                    broken: false,
                };
                return self.text(&item.area, &block, Align::Right, color).map(Some);
            }
            Some(Shape::Icon(icon, tone)) => {
                let colors = theme.tone(*tone);
                let shape = |x, y| icon.distance(x, y);
                paint::disc(self.target, &item.area, shape, colors, self.ground)?;
            }
            Some(Shape::Logo(logo)) => {
                logo.draw(self.target, &item.area, theme.background)?;
            }
            Some(Shape::Qr(matrix, fit)) => self.qr(&item.area, matrix, *fit)?,
            Some(Shape::Bar) => {
                let fill = if urgent { theme.alert } else { theme.accent };
                let colors = (fill, theme.neutral_soft);
                paint::bar(self.target, &item.area, self.moving.filled, colors, self.ground)?;
            }
        }
        Ok(Some(item.area))
    }

    /// Returns the pixels of the lines themselves, which may be narrower than their column.
    fn text(
        &mut self,
        area: &Rectangle,
        block: &Block,
        align: Align,
        color: Rgb888,
    ) -> Result<Rectangle, D::Error> {
        let mut bounds: Option<Rectangle> = None;
        for (index, line) in block.lines.iter().enumerate() {
            let room = area.size.width as f32 - width(line, block.weight, block.px);
            let indent = match align {
                Align::Left => 0.0,
                Align::Centre => room / 2.0,
                Align::Right => room,
            };
            let down = block.line_height() as i32 * index as i32;
            let origin = area.top_left + Point::new(indent.round() as i32, down);
            let line = (line.as_str(), block.weight, block.px);
            let ink = paint::line(self.target, origin, line, color, self.ground)?;
            bounds = union(bounds, ink);
        }
        Ok(bounds.unwrap_or(Rectangle::new(area.top_left, Size::zero())))
    }

    /// The words beside the time; once it is nearly over after a sign that needs no colour.
    fn label(
        &mut self,
        area: &Rectangle,
        block: &Option<Block>,
        urgent: bool,
        color: Rgb888,
    ) -> Result<Option<Rectangle>, D::Error> {
        let height = area.size.height;
        let mut bounds = None;
        let mut indent = 0;
        if urgent {
            let side = height * 9 / 10;
            let corner = area.top_left + Point::new(0, (height - side) as i32 / 2);
            let sign = Rectangle::new(corner, Size::new_equal(side));
            let center = Point::new_equal(side as i32 / 2);
            let radius = Size::new_equal(side / 2).width as f32;
            let shape = |x: f32, y: f32| {
                let icon = super::icon::Icon::Warning;
                icon.distance(
                    (x - center.x as f32) / radius * 0.7,
                    (y - center.y as f32) / radius * 0.7,
                ) * radius
            };
            let layer = paint::Layer { color: self.theme.alert, distance: &shape };
            paint::layers(self.target, &sign, self.ground, &[layer])?;
            bounds = Some(sign);
            indent = (height + height / 3) as i32;
        }
        if let Some(block) = block {
            // Smaller letters than those of the time stand on the same line.
            let down = (height.saturating_sub(block.height()) / 2) as i32;
            let origin = area.top_left + Point::new(indent, down);
            let color = if urgent { self.theme.alert } else { color };
            let room = Rectangle::new(origin, Size::new(block.width(), block.height()));
            bounds = union(bounds, Some(self.text(&room, block, Align::Left, color)?));
        }
        Ok(bounds)
    }

    fn color(&self, role: Role) -> Rgb888 {
        match role {
            Role::Name | Role::Title | Role::Amount | Role::Code | Role::Link | Role::Fact => {
                self.theme.ink
            }
            Role::Warning => self.theme.alert,
            Role::Merchant | Role::Lead | Role::Body | Role::Time | Role::TimeLabel => {
                self.theme.muted
            }
            Role::Icon | Role::Logo | Role::Qr | Role::Bar => self.theme.accent,
        }
    }

    /// Black on a white card with round corners, which may be larger than the code with its quiet
    /// zone; the corners stay outside the inner half of that.
    fn qr(&mut self, area: &Rectangle, matrix: &QrMatrix, fit: Fit) -> Result<(), D::Error> {
        let radius = fit.module_px as f32 * 2.0;
        paint::rounded(self.target, area, radius, Rgb888::WHITE, self.ground)?;
        let white = (area.size.width.saturating_sub(fit.side_px)) / 2;
        let corner = area.top_left + Point::new_equal((white + fit.module_px * QUIET_ZONE) as i32);
        for y in 0..matrix.width() {
            for (x, length) in matrix.dark_runs(y) {
                let offset = Point::new((x * fit.module_px) as i32, (y * fit.module_px) as i32);
                let size = Size::new(length * fit.module_px, fit.module_px);
                let run = Rectangle::new(corner + offset, size);
                paint::fill(self.target, &run, Rgb888::BLACK)?;
            }
        }
        Ok(())
    }
}

fn union(one: Option<Rectangle>, other: Option<Rectangle>) -> Option<Rectangle> {
    match (one, other) {
        (Some(one), Some(other)) => {
            let corner = |area: Rectangle| area.bottom_right().unwrap_or(area.top_left);
            let low = one.top_left.component_min(other.top_left);
            Some(Rectangle::with_corners(low, corner(one).component_max(corner(other))))
        }
        (some, None) | (None, some) => some,
    }
}
