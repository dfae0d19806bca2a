//! Smooth shapes and letters on any `DrawTarget`, over a background that is known.
//!
//! Colours are mixed before they reach the target, so the target is never read. Knows no screens.

use super::icon::{dot, rounded_box};
use super::text::{self, Weight};
use super::theme::{Edges, Theme};
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;
use embedded_graphics::primitives::{PointsIter, Rectangle};

/// One shape in a pile of shapes.
pub struct Layer<'a> {
    /// Its colour.
    pub color: Rgb888,
    /// Distance in pixels from a point to it, negative inside; (0, 0) is the area's top left.
    pub distance: &'a dyn Fn(f32, f32) -> f32,
}

/// What is behind a shape, and how its edges meet it.
#[derive(Debug, Clone, Copy)]
pub struct Ground {
    /// The colour behind.
    pub color: Rgb888,
    /// Mixed with it, or not.
    pub edges: Edges,
}

impl Ground {
    /// The ground of a screen in `theme`.
    pub fn of(theme: &Theme) -> Self {
        Self { color: theme.background, edges: theme.edges }
    }

    fn mix(&self, below: Rgb888, above: Rgb888, coverage: u8) -> Rgb888 {
        match self.edges {
            Edges::Smooth => mix(below, above, coverage),
            Edges::Sharp if coverage >= SHARP_FROM => above,
            Edges::Sharp => below,
        }
    }
}

/// Coverage from which a pixel of a sharp edge is inside.
const SHARP_FROM: u8 = 112;

/// Fills `area` with one colour.
///
/// # Errors
/// The target's own.
pub fn fill<D>(target: &mut D, area: &Rectangle, color: Rgb888) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    target.fill_solid(area, color.into())
}

/// Fills `area` with the ground and the layers on it, first one lowest.
///
/// # Errors
/// The target's own.
pub fn layers<D>(
    target: &mut D,
    area: &Rectangle,
    ground: Ground,
    layers: &[Layer<'_>],
) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    let colors = area.points().map(|point| {
        let offset = point - area.top_left;
        let (x, y) = (offset.x as f32 + 0.5, offset.y as f32 + 0.5);
        let color = layers.iter().fold(ground.color, |below, layer| {
            let coverage = (0.5 - (layer.distance)(x, y)).clamp(0.0, 1.0);
            ground.mix(below, layer.color, (coverage * 255.0) as u8)
        });
        color.into()
    });
    target.fill_contiguous(area, colors)
}

/// Writes one line of text with the top left of its line box at `origin`; returns the pixels it
/// touched, if any.
///
/// # Errors
/// The target's own.
pub fn line<D>(
    target: &mut D,
    origin: Point,
    line: (&str, Weight, f32),
    color: Rgb888,
    ground: Ground,
) -> Result<Option<Rectangle>, D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    let (text, weight, px) = line;
    let mut dots = Vec::new();
    text::draw_line(text, weight, px, |x, y, coverage| dots.push((Point::new(x, y), coverage)));
    let Some(bounds) = bounds(&dots) else { return Ok(None) };
    // Neighbouring letters may share a pixel: the stronger one wins, nobody erases anybody.
    let mut mask = vec![0_u8; bounds.size.width as usize * bounds.size.height as usize];
    for (point, coverage) in dots {
        let at = point - bounds.top_left;
        let index = at.y as usize * bounds.size.width as usize + at.x as usize;
        mask[index] = mask[index].max(coverage);
    }
    let area = Rectangle::new(bounds.top_left + origin, bounds.size);
    let colors = mask.into_iter().map(|coverage| ground.mix(ground.color, color, coverage).into());
    target.fill_contiguous(&area, colors)?;
    Ok(Some(area))
}

/// A rectangle with rounded corners over the ground.
///
/// # Errors
/// The target's own.
pub fn rounded<D>(
    target: &mut D,
    area: &Rectangle,
    radius: f32,
    color: Rgb888,
    ground: Ground,
) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    let half = (area.size.width as f32 / 2.0, area.size.height as f32 / 2.0);
    fill(target, area, color)?;
    // Only the corners are worth the arithmetic of a smooth edge.
    let side = (radius.ceil() as u32).min(area.size.width / 2).min(area.size.height / 2);
    let (right, bottom) = (area.size.width - side, area.size.height - side);
    for (left, top) in [(0, 0), (right, 0), (0, bottom), (right, bottom)] {
        let offset = Point::new(left as i32, top as i32);
        let corner = Rectangle::new(area.top_left + offset, Size::new_equal(side));
        let shape = |x: f32, y: f32| {
            rounded_box((x + left as f32 - half.0, y + top as f32 - half.1), half, radius)
        };
        layers(target, &corner, ground, &[Layer { color, distance: &shape }])?;
    }
    Ok(())
}

/// A bar with round ends that is filled from the left for `filled` pixels.
///
/// # Errors
/// The target's own.
pub fn bar<D>(
    target: &mut D,
    area: &Rectangle,
    filled: u32,
    (fill, track): (Rgb888, Rgb888),
    ground: Ground,
) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    let half = (area.size.width as f32 / 2.0, area.size.height as f32 / 2.0);
    let end = half.1.max(filled.min(area.size.width) as f32 / 2.0);
    let whole = |x: f32, y: f32| rounded_box((x - half.0, y - half.1), half, half.1);
    let part = |x: f32, y: f32| rounded_box((x - end, y - half.1), (end, half.1), half.1);
    let track = Layer { color: track, distance: &whole };
    let fill = Layer { color: fill, distance: &part };
    layers(target, area, ground, &[track, fill][..if filled == 0 { 1 } else { 2 }])
}

/// A disc that fills the square `area`, with a shape on it in the coordinates of the disc.
///
/// # Errors
/// The target's own.
pub fn disc<D>(
    target: &mut D,
    area: &Rectangle,
    shape: impl Fn(f32, f32) -> f32,
    (front, disc): (Rgb888, Rgb888),
    ground: Ground,
) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    let radius = area.size.width as f32 / 2.0;
    let round = |x: f32, y: f32| dot((x, y), (radius, radius), radius);
    let shape = |x: f32, y: f32| shape(x / radius - 1.0, y / radius - 1.0) * radius;
    let disc = Layer { color: disc, distance: &round };
    layers(target, area, ground, &[disc, Layer { color: front, distance: &shape }])
}

fn bounds(dots: &[(Point, u8)]) -> Option<Rectangle> {
    let (first, _) = dots.first()?;
    let grow = |(low, high): (Point, Point), (point, _): &(Point, u8)| {
        (low.component_min(*point), high.component_max(*point))
    };
    let (low, high) = dots.iter().fold((*first, *first), grow);
    Some(Rectangle::with_corners(low, high))
}

/// `above` over `below`, where it covers `coverage` of 255.
pub fn mix(below: Rgb888, above: Rgb888, coverage: u8) -> Rgb888 {
    let share = u32::from(coverage);
    let channel = |below: u8, above: u8| {
        let sum = u32::from(below) * (255 - share) + u32::from(above) * share;
        ((sum + 127) / 255) as u8
    };
    Rgb888::new(
        channel(below.r(), above.r()),
        channel(below.g(), above.g()),
        channel(below.b(), above.b()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixing_keeps_its_ends() {
        let (below, above) = (Rgb888::new(10, 20, 30), Rgb888::new(250, 0, 30));
        assert_eq!(mix(below, above, 0), below);
        assert_eq!(mix(below, above, 255), above);
        assert_eq!(mix(below, above, 128), Rgb888::new(130, 10, 30));
    }
}
