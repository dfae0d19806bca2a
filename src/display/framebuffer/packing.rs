//! A part of a frame becomes runs of bytes: turned as the panel is mounted, packed as it reads.
//!
//! Pure, and the same for every device whose memory is pixels. Whoever has the bytes written says
//! where the memory is.

use super::super::canvas::Canvas;
use super::geometry::{Geometry, Rotation};
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;
use embedded_graphics::primitives::Rectangle;
use std::fmt;

/// Most bytes that are handed over at once, when that is several rows.
pub const BATCH_BYTES_MAX: usize = 64 * 1024;

/// Turns and packs for one panel.
#[derive(Debug, Clone)]
pub struct Packing {
    geometry: Geometry,
    rotation: Rotation,
    tables: Box<Tables>,
}

/// What each value of each colour contributes to a pixel, its opacity included.
#[derive(Clone)]
struct Tables {
    red: [u32; 256],
    green: [u32; 256],
    blue: [u32; 256],
}

/// The pixels of a frame that make up one row of the panel.
struct Walk {
    first: usize,
    step: isize,
}

impl Packing {
    /// For a panel whose geometry has been checked.
    pub fn new(geometry: Geometry, rotation: Rotation) -> Self {
        let table = |color: fn(u8) -> Rgb888| {
            std::array::from_fn(|value| geometry.pack(color(value as u8)))
        };
        let tables = Box::new(Tables {
            red: table(|value| Rgb888::new(value, 0, 0)),
            green: table(|value| Rgb888::new(0, value, 0)),
            blue: table(|value| Rgb888::new(0, 0, value)),
        });
        Self { geometry, rotation, tables }
    }

    /// How the memory is laid out.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Size of the frames: the panel's, seen the way it is mounted.
    pub fn size(&self) -> Size {
        let (width, height) = (self.geometry.width, self.geometry.height);
        match self.rotation {
            Rotation::None | Rotation::Half => Size::new(width, height),
            Rotation::Quarter | Rotation::ThreeQuarters => Size::new(height, width),
        }
    }

    /// Hands over the bytes of `area`, a part of the frame, row by row of the panel: each run with
    /// its distance in bytes from the panel's first pixel. Rows that follow each other without a
    /// gap make one run of up to [`BATCH_BYTES_MAX`]. Returns the number of bytes.
    ///
    /// # Errors
    /// The first one of `write`; nothing is handed over after it.
    pub fn pack<E>(
        &self,
        canvas: &Canvas,
        area: &Rectangle,
        mut write: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<usize, E> {
        let (corner, size) = self.on_panel(area);
        if size.width == 0 || size.height == 0 {
            return Ok(0);
        }
        let row_bytes = size.width * self.geometry.pixel_bytes();
        let rows = match row_bytes == self.geometry.line_length {
            true => (BATCH_BYTES_MAX as u32 / row_bytes).clamp(1, size.height),
            false => 1,
        };
        let mut batch = Vec::with_capacity((row_bytes * rows) as usize);
        let mut total = 0;
        let bottom = corner.1 + size.height;
        for top in (corner.1..bottom).step_by(rows as usize) {
            batch.clear();
            for y in top..(top + rows).min(bottom) {
                self.pack_row(canvas, (corner.0, y), size.width, &mut batch);
            }
            let offset = u64::from(top) * u64::from(self.geometry.line_length)
                + u64::from(corner.0) * u64::from(self.geometry.pixel_bytes());
            write(offset, &batch)?;
            total += batch.len();
        }
        Ok(total)
    }

    /// Where a part of the frame is on the panel.
    pub fn on_panel(&self, area: &Rectangle) -> ((u32, u32), Size) {
        let area = clip(area, self.size());
        let (x, y) = (area.top_left.x as u32, area.top_left.y as u32);
        let Size { width, height } = area.size;
        let (right, bottom) = (self.geometry.width, self.geometry.height);
        match self.rotation {
            Rotation::None => ((x, y), Size::new(width, height)),
            Rotation::Quarter => ((right - y - height, x), Size::new(height, width)),
            Rotation::Half => ((right - x - width, bottom - y - height), Size::new(width, height)),
            Rotation::ThreeQuarters => ((y, bottom - x - width), Size::new(height, width)),
        }
    }

    fn pack_row(&self, canvas: &Canvas, from: (u32, u32), width: u32, bytes: &mut Vec<u8>) {
        let walk = self.walk(from);
        let count = self.geometry.pixel_bytes() as usize;
        let mut index = walk.first;
        for _ in 0..width {
            let color = canvas.pixels().get(index).copied().unwrap_or(Rgb888::BLACK);
            let pixel = self.tables.red[usize::from(color.r())]
                | self.tables.green[usize::from(color.g())]
                | self.tables.blue[usize::from(color.b())];
            bytes.extend_from_slice(low_bytes(&pixel.to_ne_bytes(), count));
            index = index.wrapping_add_signed(walk.step);
        }
    }

    /// Through the frame from where `(x, y)` of the panel is shown, to the panel's right.
    fn walk(&self, (x, y): (u32, u32)) -> Walk {
        let (x, y) = (x as usize, y as usize);
        let (right, bottom) = (self.geometry.width as usize - 1, self.geometry.height as usize - 1);
        let row = self.size().width as usize;
        match self.rotation {
            Rotation::None => Walk { first: y * row + x, step: 1 },
            Rotation::Quarter => Walk { first: (right - x) * row + y, step: -(row as isize) },
            Rotation::Half => Walk { first: (bottom - y) * row + right - x, step: -1 },
            Rotation::ThreeQuarters => Walk { first: x * row + bottom - y, step: row as isize },
        }
    }
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables").finish_non_exhaustive()
    }
}

/// The part of `area` that lies in a frame of `size`; empty when there is none.
pub fn clip(area: &Rectangle, size: Size) -> Rectangle {
    let side = |from: i32, length: u32, size: u32| {
        let inside = |at: i64| at.clamp(0, i64::from(size));
        let (start, end) = (inside(from.into()), inside(i64::from(from) + i64::from(length)));
        (start as i32, (end - start) as u32)
    };
    let (x, width) = side(area.top_left.x, area.size.width, size.width);
    let (y, height) = side(area.top_left.y, area.size.height, size.height);
    Rectangle::new(Point::new(x, y), Size::new(width, height))
}

/// The bytes of a pixel that are stored: on a little-endian machine the first, else the last.
fn low_bytes(bytes: &[u8; 4], count: usize) -> &[u8] {
    if cfg!(target_endian = "little") { &bytes[..count] } else { &bytes[4 - count..] }
}

#[cfg(test)]
mod tests {
    use super::super::geometry::tests::{geometry, rgb565};
    use super::*;
    use embedded_graphics::Pixel;
    use embedded_graphics::draw_target::DrawTarget;
    use std::convert::Infallible;

    const TURNS: [Rotation; 4] =
        [Rotation::None, Rotation::Quarter, Rotation::Half, Rotation::ThreeQuarters];

    /// The runs of a whole frame that has one yellow pixel, at the top right.
    fn runs(packing: &Packing) -> Vec<(u64, Vec<u8>)> {
        let size = packing.size();
        let mut canvas = Canvas::new(size.width, size.height);
        let corner = Pixel(Point::new(size.width as i32 - 1, 0), Rgb888::new(255, 255, 0));
        canvas.draw_iter([corner]).expect("infallible");
        let mut runs = Vec::new();
        let whole = Rectangle::new(Point::zero(), size);
        let written = packing.pack(&canvas, &whole, |offset, bytes| {
            runs.push((offset, bytes.to_vec()));
            Ok::<(), Infallible>(())
        });
        let Ok(written) = written;
        assert_eq!(written, runs.iter().map(|(_, bytes)| bytes.len()).sum::<usize>());
        runs
    }

    #[test]
    fn rows_with_padding_are_runs_of_their_own() {
        let rows = runs(&Packing::new(rgb565(), Rotation::None));
        assert_eq!(rows, [(0, vec![0, 0, 0, 0, 0xE0, 0xFF]), (10, vec![0; 6])]);
        let bgr = geometry(24, [(16, 8), (8, 8), (0, 8), (0, 0)]);
        let rows = runs(&Packing::new(bgr, Rotation::None));
        assert_eq!(rows[0], (0, vec![0, 0, 0, 0, 0, 0, 0, 255, 255]));
    }

    #[test]
    fn rows_without_a_gap_are_one_run() {
        let tight = Geometry { line_length: 6, ..rgb565() };
        let all = [0, 0, 0, 0, 0xE0, 0xFF, 0, 0, 0, 0, 0, 0].to_vec();
        assert_eq!(runs(&Packing::new(tight, Rotation::None)), [(0, all)]);
        let large = Geometry { width: 1000, height: 100, line_length: 2000, ..rgb565() };
        let lengths: Vec<usize> =
            runs(&Packing::new(large, Rotation::None)).iter().map(|(_, run)| run.len()).collect();
        assert_eq!(lengths, [64_000, 64_000, 64_000, 8_000]);
    }

    #[test]
    fn rotation_turns_the_picture_clockwise() {
        let lit = TURNS.map(|rotation| {
            let runs = runs(&Packing::new(rgb565(), rotation));
            let bytes = runs.iter().flat_map(|(offset, run)| (*offset..).zip(run));
            let lit: Vec<u64> = bytes.filter(|(_, byte)| **byte != 0).map(|(at, _)| at).collect();
            (lit[0] % 10 / 2, lit[0] / 10)
        });
        assert_eq!(lit, [(2, 0), (2, 1), (0, 1), (0, 0)]);
    }

    #[test]
    fn what_is_outside_the_frame_is_left_out() {
        for rotation in TURNS {
            let packing = Packing::new(rgb565(), rotation);
            let canvas = Canvas::new(packing.size().width, packing.size().height);
            let mut offsets = Vec::new();
            let mut pack = |x, y, width, height| {
                let area = Rectangle::new(Point::new(x, y), Size::new(width, height));
                packing.pack(&canvas, &area, |offset, bytes| {
                    offsets.push(offset + bytes.len() as u64);
                    Ok::<(), Infallible>(())
                })
            };
            assert_eq!(pack(-5, -5, 100, 100), Ok(12));
            assert_eq!(pack(1, 1, u32::MAX, 1), Ok(2 * (packing.size().width as usize - 1)));
            assert_eq!(pack(9, 9, 1, 1), Ok(0));
            assert!(offsets.iter().all(|end| *end <= 20), "{offsets:?}");
        }
    }
}
