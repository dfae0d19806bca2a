//! Draws every [`Screen`] on any embedded-graphics `DrawTarget`, in any size and colour depth.
//!
//! Pure: no device, no file, no clock. The layout is finished before the first pixel, so a screen
//! that does not fit leaves the target as it was.

use super::Frame;
use super::content::Content;
use super::layout::{Align, Item, LayoutError, Role, Shape, plan};
use super::paint;
use super::qr::{Fit, QUIET_ZONE, QrMatrix};
use super::text::{Block, width};
use super::theme::Theme;
use crate::payment::screen::Screen;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;
use embedded_graphics::primitives::Rectangle;

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

/// Draws `screen` over the whole target.
///
/// # Errors
/// [`DrawError::Layout`] before anything is drawn, [`DrawError::Target`] from the target.
pub fn draw<D>(target: &mut D, screen: &Screen, frame: &Frame) -> Result<Drawn, DrawError<D::Error>>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    let area = target.bounding_box();
    let items = plan(&Content::new(screen, frame), area.size)?;
    let mut painter = Painter { target, theme: &frame.theme };
    painter.all(&area, items).map_err(DrawError::Target)
}

struct Painter<'a, D> {
    target: &'a mut D,
    theme: &'a Theme,
}

impl<D> Painter<'_, D>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    fn all(&mut self, area: &Rectangle, items: Vec<Item>) -> Result<Drawn, D::Error> {
        let mut drawn = Drawn { elements: Vec::new(), qr: None, elided: false };
        paint::fill(self.target, area, self.theme.background)?;
        for mut item in items {
            item.area.top_left += area.top_left;
            let mut bounds = item.area;
            match &item.shape {
                Shape::Text(block, align) => {
                    drawn.elided |= block.elided;
                    bounds = self.text(&item, block, *align)?;
                }
                Shape::Icon(icon, tone) => {
                    let (front, disc) = self.theme.tone(*tone);
                    let colors = (front, disc, self.theme.background);
                    paint::disc(self.target, &item.area, |x, y| icon.distance(x, y), colors)?;
                }
                Shape::Qr(matrix, fit) => {
                    drawn.qr = Some(*fit);
                    self.qr(&item.area, matrix, *fit)?;
                }
                Shape::Bar(fraction) => {
                    let theme = self.theme;
                    let colors = (theme.accent, theme.neutral_soft, theme.background);
                    paint::bar(self.target, &item.area, *fraction, colors)?;
                }
            }
            drawn.elements.push(Element { role: item.role, bounds });
        }
        Ok(drawn)
    }

    /// Returns the pixels of the lines themselves, which may be narrower than their column.
    fn text(&mut self, item: &Item, block: &Block, align: Align) -> Result<Rectangle, D::Error> {
        let color = self.color(item.role);
        let mut bounds: Option<Rectangle> = None;
        for (index, line) in block.lines.iter().enumerate() {
            let room = item.area.size.width as f32 - width(line, block.weight, block.px);
            let indent = match align {
                Align::Left => 0.0,
                Align::Centre => room / 2.0,
                Align::Right => room,
            };
            let down = block.line_height() as i32 * index as i32;
            let origin = item.area.top_left + Point::new(indent.round() as i32, down);
            let line = (line.as_str(), block.weight, block.px);
            let ink = paint::line(self.target, origin, line, color, self.theme.background)?;
            bounds = union(bounds, ink);
        }
        Ok(bounds.unwrap_or(Rectangle::new(item.area.top_left, Size::zero())))
    }

    fn color(&self, role: Role) -> Rgb888 {
        match role {
            Role::Name | Role::Title | Role::Amount | Role::Code => self.theme.ink,
            Role::Warning => self.theme.alert,
            Role::Merchant | Role::Lead | Role::Body | Role::Time => self.theme.muted,
            Role::Icon | Role::Qr | Role::Bar => self.theme.accent,
        }
    }

    /// Black on a white card with round corners; the corners stay outside the inner half of the
    /// quiet zone.
    fn qr(&mut self, area: &Rectangle, matrix: &QrMatrix, fit: Fit) -> Result<(), D::Error> {
        let radius = fit.module_px as f32 * 2.0;
        paint::rounded(self.target, area, radius, Rgb888::WHITE, self.theme.background)?;
        let corner = area.top_left + Point::new_equal((fit.module_px * QUIET_ZONE) as i32);
        for y in 0..matrix.width() {
            for (x, length) in dark_runs(matrix, y) {
                let offset = Point::new((x * fit.module_px) as i32, (y * fit.module_px) as i32);
                let size = Size::new(length * fit.module_px, fit.module_px);
                let run = Rectangle::new(corner + offset, size);
                paint::fill(self.target, &run, Rgb888::BLACK)?;
            }
        }
        Ok(())
    }
}

/// Start and length of each run of dark modules in a row: far fewer fills than modules.
fn dark_runs(matrix: &QrMatrix, y: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
    let starts = (0..matrix.width())
        .filter(move |x| matrix.is_dark(*x, y) && (*x == 0 || !matrix.is_dark(x - 1, y)));
    starts.map(move |start| {
        let length = (start..).take_while(|x| matrix.is_dark(*x, y)).count();
        (start, length as u32)
    })
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
