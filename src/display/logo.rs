//! The shop's own picture: a PNG of bounded size, scaled down smoothly to where it is shown.

use super::paint::mix;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::Size;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::primitives::Rectangle;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Largest file, in bytes.
pub const FILE_LEN_MAX: u64 = 1024 * 1024;
/// Largest width or height, in pixels.
pub const SIDE_MAX: u32 = 2048;

/// A picture with transparency, at most [`SIDE_MAX`] pixels a side.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    size: Size,
    /// Red, green, blue and opacity of each pixel, row by row.
    pixels: Vec<[u8; 4]>,
}

/// Why a logo is not shown.
#[derive(Debug, thiserror::Error)]
pub enum LogoError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The file is too long.
    #[error("has more than {} KiB; save a smaller picture", FILE_LEN_MAX / 1024)]
    TooLong,
    /// It is no PNG, or a damaged one.
    #[error("is not a PNG picture: {0}")]
    NotPng(#[from] ::png::DecodingError),
    /// It has too many pixels, or none.
    #[error("has {0} x {1} pixels; at most {SIDE_MAX} a side are shown")]
    TooLarge(u32, u32),
}

impl Logo {
    /// Reads a file; nothing longer than [`FILE_LEN_MAX`] is kept in memory.
    ///
    /// # Errors
    /// [`LogoError`].
    pub fn read(path: &Path) -> Result<Self, LogoError> {
        let mut bytes = Vec::new();
        File::open(path)?.take(FILE_LEN_MAX + 1).read_to_end(&mut bytes)?;
        Self::from_png(&bytes)
    }

    /// Decodes a PNG of any colour type.
    ///
    /// # Errors
    /// [`LogoError`], before memory for the pixels is taken.
    pub fn from_png(bytes: &[u8]) -> Result<Self, LogoError> {
        if bytes.len() as u64 > FILE_LEN_MAX {
            return Err(LogoError::TooLong);
        }
        let mut decoder = ::png::Decoder::new(io::Cursor::new(bytes));
        decoder.set_transformations(
            ::png::Transformations::normalize_to_color8() | ::png::Transformations::ALPHA,
        );
        let mut reader = decoder.read_info()?;
        let (width, height) = reader.info().size();
        let sides = 1..=SIDE_MAX;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(LogoError::TooLarge(width, height));
        }
        let too_large = LogoError::TooLarge(width, height);
        let mut data = vec![0; reader.output_buffer_size().ok_or(too_large)?];
        let frame = reader.next_frame(&mut data)?;
        let pixels: Vec<[u8; 4]> = match frame.color_type {
            ::png::ColorType::GrayscaleAlpha => {
                data.chunks_exact(2).map(|p| [p[0], p[0], p[0], p[1]]).collect()
            }
            _ => data.chunks_exact(4).map(|p| [p[0], p[1], p[2], p[3]]).collect(),
        };
        Ok(Self { size: Size::new(width, height), pixels })
    }

    /// The largest size of the same shape in `room`; a small picture is enlarged at most twice.
    pub fn fit(&self, room: Size) -> Size {
        let wide = f64::from(room.width) / f64::from(self.size.width);
        let high = f64::from(room.height) / f64::from(self.size.height);
        let scale = wide.min(high).min(2.0);
        let side = |side: u32, room: u32| ((f64::from(side) * scale) as u32).clamp(1, room.max(1));
        Size::new(side(self.size.width, room.width), side(self.size.height, room.height))
    }

    /// Draws it over `background`, as large as `area`.
    ///
    /// # Errors
    /// The target's own.
    pub fn draw<D>(
        &self,
        target: &mut D,
        area: &Rectangle,
        background: Rgb888,
    ) -> Result<(), D::Error>
    where
        D: DrawTarget,
        D::Color: From<Rgb888>,
    {
        let Size { width, height } = area.size;
        let points = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let colors = points.map(|(x, y)| {
            let [r, g, b, opacity] = self.average(x, y, area.size);
            mix(background, Rgb888::new(r, g, b), opacity).into()
        });
        target.fill_contiguous(area, colors)
    }

    /// What the pixel (x, y) of a picture of `size` covers here, on average.
    fn average(&self, x: u32, y: u32, size: Size) -> [u8; 4] {
        let span = |at: u32, of: u32, side: u32| {
            let edge = |at: u32| (u64::from(at) * u64::from(side) / u64::from(of.max(1))) as u32;
            let first = edge(at).min(side - 1);
            first..edge(at + 1).clamp(first + 1, side)
        };
        let mut sum = [0_u64; 4];
        let mut count = 0_u64;
        for row in span(y, size.height, self.size.height) {
            for column in span(x, size.width, self.size.width) {
                let [r, g, b, a] = self.pixels[(row * self.size.width + column) as usize];
                // Colours weigh as much as they cover, so that clear edges stay clear.
                let weight = u64::from(a);
                for (sum, value) in sum.iter_mut().zip([r, g, b]) {
                    *sum += u64::from(value) * weight;
                }
                sum[3] += weight;
                count += 1;
            }
        }
        let channel = |sum_of: u64| (sum_of / sum[3].max(1)) as u8;
        [channel(sum[0]), channel(sum[1]), channel(sum[2]), (sum[3] / count.max(1)) as u8]
    }
}

impl std::fmt::Debug for Logo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Logo({} x {})", self.size.width, self.size.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::canvas::Canvas;
    use embedded_graphics::geometry::Point;
    use embedded_graphics::prelude::RgbColor;

    fn png(width: u32, height: u32, data: &[u8], color: ::png::ColorType) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = ::png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(color);
        encoder.set_depth(::png::BitDepth::Eight);
        let mut writer = encoder.write_header().expect("header");
        writer.write_image_data(data).expect("data");
        writer.finish().expect("end");
        bytes
    }

    #[test]
    fn it_is_blended_and_scaled() {
        let checks = [255, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 255];
        let logo = Logo::from_png(&png(2, 2, &checks, ::png::ColorType::Rgba)).expect("decodes");
        assert_eq!(logo.fit(Size::new(100, 60)), Size::new(4, 4), "at most twice as large");
        let mut canvas = Canvas::new(2, 1);
        let area = Rectangle::new(Point::zero(), Size::new(1, 1));
        logo.draw(&mut canvas, &area, Rgb888::WHITE).expect("infallible");
        assert_eq!(canvas.pixel(0, 0), Some(Rgb888::new(255, 128, 128)), "half covered");
        let area = Rectangle::new(Point::zero(), Size::new(2, 1));
        logo.draw(&mut canvas, &area, Rgb888::WHITE).expect("infallible");
    }

    #[test]
    fn every_colour_type_is_read() {
        let grey = Logo::from_png(&png(1, 1, &[7], ::png::ColorType::Grayscale)).expect("decodes");
        assert_eq!(grey.pixels, [[7, 7, 7, 255]]);
        let rgb = Logo::from_png(&png(1, 1, &[1, 2, 3], ::png::ColorType::Rgb)).expect("decodes");
        assert_eq!(rgb.pixels, [[1, 2, 3, 255]]);
    }

    #[test]
    fn what_is_too_large_or_no_picture_is_refused() {
        let error = |bytes: &[u8]| Logo::from_png(bytes).expect_err("refused").to_string();
        assert!(error(b"GIF89a").starts_with("is not a PNG picture"));
        assert_eq!(error(&vec![0; 20 << 20]), "has more than 1024 KiB; save a smaller picture");
        let wide = png(SIDE_MAX + 1, 1, &vec![0; 2049], ::png::ColorType::Grayscale);
        assert_eq!(error(&wide), "has 2049 x 1 pixels; at most 2048 a side are shown");
        let whole = png(64, 64, &[9; 64 * 64], ::png::ColorType::Grayscale);
        assert!(error(&whole[..whole.len() / 2]).starts_with("is not a PNG picture"));
        let folder = tempfile::tempdir().expect("temporary directory");
        assert!(matches!(Logo::read(folder.path()), Err(LogoError::Read(_))));
    }
}
