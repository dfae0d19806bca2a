//! What has changed between two frames, as few rectangles.
//!
//! Pure. Most frames differ from the one before in a number or a bar, and a slow panel takes only
//! these. Knows neither screens nor devices.

use super::canvas::Canvas;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::primitives::Rectangle;

/// Most rectangles of one frame: beyond that, the two that lie closest become one.
pub const RECTANGLES_MAX: usize = 16;

/// Unchanged pixels that are written for the sake of one rectangle less: about 1 % of a panel of
/// 800 x 480.
const WASTE_MAX: u32 = 4096;

/// Rectangles that cover every pixel in which the frames differ, from top to bottom; no two of
/// them share a row. At most [`RECTANGLES_MAX`], the whole of `after` when the sizes differ, none
/// when the frames are equal.
pub fn damage(before: &Canvas, after: &Canvas) -> Vec<Rectangle> {
    let size = after.size();
    if before.size() != size {
        return vec![Rectangle::new(Point::zero(), size)];
    }
    let mut found: Vec<Rectangle> = Vec::new();
    for y in 0..size.height {
        let Some(row) = changed_in_row(before.row(y), after.row(y), y) else { continue };
        match found.last_mut() {
            Some(last) if waste(last, &row) <= WASTE_MAX => *last = envelope(last, &row),
            Some(_) | None => found.push(row),
        }
        if found.len() > RECTANGLES_MAX {
            join_closest(&mut found);
        }
    }
    found
}

/// From the first to the last pixel that differs.
fn changed_in_row(before: &[Rgb888], after: &[Rgb888], y: u32) -> Option<Rectangle> {
    if before == after {
        return None;
    }
    let mut pairs = before.iter().zip(after);
    let first = pairs.clone().position(|(before, after)| before != after)?;
    let last = pairs.rposition(|(before, after)| before != after)?;
    let size = Size::new((last - first + 1) as u32, 1);
    Some(Rectangle::new(Point::new(first as i32, y as i32), size))
}

/// How many pixels more the two have as one. Neither shares a row with the other.
fn waste(one: &Rectangle, other: &Rectangle) -> u32 {
    let pixels = |area: &Rectangle| area.size.width.saturating_mul(area.size.height);
    pixels(&envelope(one, other)).saturating_sub(pixels(one) + pixels(other))
}

/// The smallest rectangle around both, neither of which is empty.
fn envelope(one: &Rectangle, other: &Rectangle) -> Rectangle {
    let corner = |area: &Rectangle| area.bottom_right().unwrap_or(area.top_left);
    let low = one.top_left.component_min(other.top_left);
    Rectangle::with_corners(low, corner(one).component_max(corner(other)))
}

/// Makes one of the two neighbours that waste least as one.
fn join_closest(found: &mut Vec<Rectangle>) {
    let pairs = found.windows(2).enumerate();
    let cheapest = pairs.min_by_key(|(_, pair)| waste(&pair[0], &pair[1])).map(|(index, _)| index);
    if let Some(index) = cheapest {
        let second = found.remove(index + 1);
        found[index] = envelope(&found[index], &second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_graphics::Pixel;
    use embedded_graphics::draw_target::DrawTarget;
    use embedded_graphics::prelude::RgbColor;
    use proptest::prelude::*;

    fn area(x: i32, y: i32, width: u32, height: u32) -> Rectangle {
        Rectangle::new(Point::new(x, y), Size::new(width, height))
    }

    fn filled(before: &Canvas, areas: &[Rectangle]) -> Canvas {
        let mut canvas = before.clone();
        for area in areas {
            canvas.fill_solid(area, Rgb888::WHITE).expect("infallible");
        }
        canvas
    }

    #[test]
    fn nothing_everything_and_another_size() {
        let before = Canvas::new(300, 200);
        assert_eq!(damage(&before, &before), []);
        assert_eq!(damage(&Canvas::new(1, 1), &before), [area(0, 0, 300, 200)]);
        let all = filled(&before, &[area(0, 0, 300, 200)]);
        assert_eq!(damage(&before, &all), [area(0, 0, 300, 200)]);
        assert_eq!(damage(&Canvas::new(0, 0), &Canvas::new(0, 0)), []);
    }

    #[test]
    fn what_lies_far_apart_stays_apart() {
        let before = Canvas::new(300, 200);
        let number = area(200, 10, 80, 20);
        let bar = area(10, 190, 280, 4);
        assert_eq!(damage(&before, &filled(&before, &[number, bar])), [number, bar]);
        let letters = [area(200, 10, 20, 20), area(230, 12, 20, 20)];
        assert_eq!(damage(&before, &filled(&before, &letters)), [area(200, 10, 50, 22)]);
    }

    #[test]
    fn rectangles_are_few() {
        let before = Canvas::new(1000, 1000);
        let stripes: Vec<Rectangle> = (0..40).map(|i| area(0, i * 25, 1000, 1)).collect();
        let found = damage(&before, &filled(&before, &stripes));
        assert_eq!(found.len(), RECTANGLES_MAX);
    }

    fn canvas(size: Size, dots: &[(u8, u8, bool)]) -> Canvas {
        let mut canvas = Canvas::new(size.width, size.height);
        for (x, y, large) in dots {
            let point = Point::new(i32::from(*x), i32::from(*y));
            let side = if *large { 70 } else { 1 };
            let dot = Rectangle::new(point, Size::new(side, side));
            let color = Rgb888::new(*x, *y, side as u8);
            canvas.fill_solid(&dot, color).expect("infallible");
        }
        canvas
    }

    proptest! {
        #[test]
        fn painting_the_damage_gives_the_new_frame(
            (width, height) in (1_u32..260, 1_u32..260),
            before in proptest::collection::vec(any::<(u8, u8, bool)>(), 0..30),
            after in proptest::collection::vec(any::<(u8, u8, bool)>(), 0..30),
        ) {
            let size = Size::new(width, height);
            let (before, after) = (canvas(size, &before), canvas(size, &after));
            let found = damage(&before, &after);
            prop_assert!(found.len() <= RECTANGLES_MAX);
            let rows: Vec<i32> = found.iter().flat_map(Rectangle::rows).collect();
            prop_assert!(rows.is_sorted_by(|one, next| one < next), "{found:?}");
            let mut painted = before;
            for rectangle in &found {
                let frame = Rectangle::new(Point::zero(), size);
                prop_assert_eq!(rectangle.intersection(&frame), *rectangle);
                let points = embedded_graphics::primitives::PointsIter::points(rectangle);
                let color = |point: Point| after.pixel(point.x as u32, point.y as u32);
                let pixels = points.filter_map(|point| Some(Pixel(point, color(point)?)));
                painted.draw_iter(pixels).expect("infallible");
            }
            prop_assert!(painted == after);
        }
    }
}
