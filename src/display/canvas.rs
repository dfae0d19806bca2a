//! One frame as pixels in memory: screens are drawn here first, outputs take it from here.
//!
//! Knows neither screens nor devices.

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Dimensions as _, OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;
use embedded_graphics::primitives::Rectangle;
use std::convert::Infallible;

/// Largest width or height of a frame, in pixels; larger ones are cut to it.
pub const SIDE_MAX: u32 = 4096;

/// A frame of 24-bit pixels, row by row from the top left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canvas {
    size: Size,
    pixels: Vec<Rgb888>,
}

impl Canvas {
    /// A black frame of at most [`SIDE_MAX`] pixels a side.
    pub fn new(width: u32, height: u32) -> Self {
        let size = Size::new(width.min(SIDE_MAX), height.min(SIDE_MAX));
        let pixels = vec![Rgb888::BLACK; size.width as usize * size.height as usize];
        Self { size, pixels }
    }

    /// Makes every pixel the same.
    pub fn erase(&mut self, color: Rgb888) {
        self.pixels.fill(color);
    }

    /// All pixels, row by row.
    pub fn pixels(&self) -> &[Rgb888] {
        &self.pixels
    }

    /// One row of pixels; empty below the frame.
    pub fn row(&self, y: u32) -> &[Rgb888] {
        let width = self.size.width as usize;
        let start = y as usize * width;
        self.pixels.get(start..start + width).unwrap_or_default()
    }

    /// The pixel at (x, y), or none outside the frame.
    pub fn pixel(&self, x: u32, y: u32) -> Option<Rgb888> {
        self.row(y).get(x as usize).copied()
    }

    /// The part inside `area` as a frame of its own.
    pub fn crop(&self, area: &Rectangle) -> Canvas {
        let area = area.intersection(&self.bounding_box());
        let mut pixels = Vec::with_capacity(area.size.width as usize * area.size.height as usize);
        for y in area.rows() {
            let start = self.index(Point::new(area.top_left.x, y)).unwrap_or_default();
            pixels.extend_from_slice(&self.pixels[start..start + area.size.width as usize]);
        }
        Canvas { size: area.size, pixels }
    }

    /// Takes the pixels inside `area` from a frame of the same size; others change nothing.
    pub fn copy(&mut self, other: &Canvas, area: &Rectangle) {
        if self.size != other.size {
            return;
        }
        let area = area.intersection(&self.bounding_box());
        for y in area.rows() {
            let start = self.index(Point::new(area.top_left.x, y)).unwrap_or_default();
            let row = start..start + area.size.width as usize;
            self.pixels[row.clone()].copy_from_slice(&other.pixels[row]);
        }
    }

    fn index(&self, point: Point) -> Option<usize> {
        let x = u32::try_from(point.x).ok().filter(|x| *x < self.size.width)?;
        let y = u32::try_from(point.y).ok().filter(|y| *y < self.size.height)?;
        Some(y as usize * self.size.width as usize + x as usize)
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        self.size
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(point, color) in pixels {
            if let Some(index) = self.index(point) {
                self.pixels[index] = color;
            }
        }
        Ok(())
    }

    fn fill_contiguous<I>(&mut self, area: &Rectangle, colors: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Rgb888>,
    {
        let mut colors = colors.into_iter();
        for y in area.rows() {
            for x in area.columns() {
                let Some(color) = colors.next() else { return Ok(()) };
                if let Some(index) = self.index(Point::new(x, y)) {
                    self.pixels[index] = color;
                }
            }
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, color: Rgb888) -> Result<(), Infallible> {
        let area = area.intersection(&Rectangle::new(Point::zero(), self.size));
        let width = area.size.width as usize;
        for y in area.rows() {
            if let Some(start) = self.index(Point::new(area.top_left.x, y)) {
                self.pixels[start..start + width].fill(color);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_inside_only() {
        let mut canvas = Canvas::new(4, 3);
        let area = Rectangle::new(Point::new(-2, 1), Size::new(4, 9));
        canvas.fill_solid(&area, Rgb888::WHITE).expect("infallible");
        let outside = [Pixel(Point::new(9, 0), Rgb888::RED), Pixel(Point::new(0, -1), Rgb888::RED)];
        canvas.draw_iter(outside).expect("infallible");
        let picture: Vec<String> = (0..3)
            .map(|y| canvas.row(y).iter().map(|p| if p.r() > 0 { '#' } else { '.' }).collect())
            .collect();
        assert_eq!(picture, ["....", "##..", "##.."]);
        assert!(canvas.row(3).is_empty() && canvas.pixel(4, 0).is_none());
    }

    #[test]
    fn parts_are_cut_out_and_put_back() {
        let mut canvas = Canvas::new(4, 3);
        canvas.draw_iter([Pixel(Point::new(3, 2), Rgb888::RED)]).expect("infallible");
        let corner = Rectangle::new(Point::new(2, 1), Size::new(9, 9));
        let part = canvas.crop(&corner);
        assert_eq!(part.size(), Size::new(2, 2));
        assert_eq!(part.pixel(1, 1), Some(Rgb888::RED));
        let mut other = Canvas::new(4, 3);
        other.copy(&canvas, &corner);
        assert_eq!(other, canvas);
        other.copy(&Canvas::new(1, 1), &corner);
        assert_eq!(other, canvas, "another size");
        let outside = Rectangle::new(Point::new(9, 9), Size::new(2, 2));
        assert_eq!(canvas.crop(&outside).pixels().len(), 0);
    }

    #[test]
    fn sizes_are_bounded() {
        assert_eq!(Canvas::new(u32::MAX, 1).size(), Size::new(SIDE_MAX, 1));
        assert_eq!(Canvas::new(0, 0).pixels().len(), 0);
    }
}
