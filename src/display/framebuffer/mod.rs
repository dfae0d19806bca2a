//! The Linux frame buffer (`/dev/fb0`): asks the kernel for the format, writes what has changed.
//!
//! Written at positions rather than mapped, so that a device which is unplugged is an error and
//! not a signal. A plain file with a given geometry stands in for a device. Source: Linux,
//! `include/uapi/linux/fb.h`. Knows no screens.

mod geometry;
mod kernel;
mod packing;
pub(super) mod pages;

use super::OutputError;
use super::canvas::Canvas;
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::primitives::Rectangle;
use pages::Pages;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

pub use geometry::{Channel, Geometry, Rotation};
pub use packing::{BATCH_BYTES_MAX, Packing};

/// An open frame buffer.
#[derive(Debug)]
pub struct Framebuffer {
    path: PathBuf,
    file: File,
    packing: Packing,
    pages: Pages,
    device: Device,
}

/// What takes the pixels.
#[derive(Debug)]
enum Device {
    Kernel(Box<kernel::Answer>),
    File,
}

impl Framebuffer {
    /// Opens a frame buffer device, switches it on and asks it for its format. Where its driver
    /// has memory for two pages and can pan, frames are drawn out of sight.
    ///
    /// # Errors
    /// [`OutputError::Open`] when it is not there or not ours to write, and
    /// [`OutputError::Unsupported`] when its format is none of ours; each says what to do.
    pub fn open(path: &Path, rotation: Rotation) -> Result<Self, OutputError> {
        let file = open_to_write(path)?;
        let unsupported = |reason| OutputError::Unsupported { path: path.to_owned(), reason };
        let answer = kernel::ask(&file).map_err(|errno| {
            unsupported(format!("it is no frame buffer device such as /dev/fb0: {errno}"))
        })?;
        let geometry = answer.geometry().map_err(unsupported)?;
        // A panel that cannot be switched off need not be switched on.
        let _ = kernel::unblank(&file);
        let page = answer.page_of_two(&geometry);
        let pans = |page: &u32| kernel::pan(&file, answer.variable, page * geometry.height).is_ok();
        let page = page.filter(pans);
        let geometry = first_page(geometry, page);
        let packing = Packing::new(geometry, rotation);
        let pages = match page {
            Some(page) => Pages::double(packing.size(), page == 1),
            None => Pages::single(packing.size()),
        };
        let device = Device::Kernel(Box::new(answer));
        Ok(Self { path: path.to_owned(), file, packing, pages, device })
    }

    /// Opens a plain file that is used as if it were a frame buffer of this geometry; it is made
    /// as long as needed.
    ///
    /// # Errors
    /// As [`Framebuffer::open`].
    pub fn open_file(
        path: &Path,
        geometry: Geometry,
        rotation: Rotation,
    ) -> Result<Self, OutputError> {
        Self::plain_file(path, geometry, rotation, Pages::single)
    }

    /// As [`Framebuffer::open_file`], but with memory for two pages, which follow each other. The
    /// first one is on show at the beginning.
    ///
    /// # Errors
    /// As [`Framebuffer::open`].
    pub fn open_file_of_two_pages(
        path: &Path,
        geometry: Geometry,
        rotation: Rotation,
    ) -> Result<Self, OutputError> {
        Self::plain_file(path, geometry, rotation, |frame| Pages::double(frame, false))
    }

    fn plain_file(
        path: &Path,
        geometry: Geometry,
        rotation: Rotation,
        pages: impl FnOnce(Size) -> Pages,
    ) -> Result<Self, OutputError> {
        let file = open_to_write(path)?;
        let unsupported = |reason| OutputError::Unsupported { path: path.to_owned(), reason };
        geometry.check().map_err(unsupported)?;
        let packing = Packing::new(geometry, rotation);
        let pages = pages(packing.size());
        let second = if pages.is_double() { geometry.page_bytes() } else { 0 };
        file.set_len(geometry.byte_len() + second)
            .map_err(|source| OutputError::Open { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file, packing, pages, device: Device::File })
    }

    /// Size of the frames it takes: the panel's, seen the way it is mounted.
    pub fn size(&self) -> Size {
        self.packing.size()
    }

    /// The page on show, 0 or 1: always 0 where there is one page only.
    pub fn page_on_show(&self) -> usize {
        self.pages.on_show()
    }

    /// Brings a frame on show. It differs from the frame before in `damage` at most; the first
    /// frame is written as a whole in any case, and what could not be written is written with the
    /// next one. Returns the number of bytes written.
    ///
    /// # Errors
    /// [`OutputError::Write`] when the device is gone, [`OutputError::Unsupported`] for a frame of
    /// another size.
    pub fn push(&mut self, canvas: &Canvas, damage: &[Rectangle]) -> Result<usize, OutputError> {
        if canvas.size() != self.size() {
            let (is, needed) = (canvas.size(), self.size());
            let reason = format!("a frame of {is} where {needed} is needed, open it again");
            return Err(OutputError::Unsupported { path: self.path.clone(), reason });
        }
        let Some((page, areas)) = self.pages.next(damage) else { return Ok(0) };
        let mut written = self.write(canvas, page, &areas)?;
        if self.pages.hides(page) {
            if self.pan(page).is_ok() {
                self.pages.shown(page);
            } else if let Some((page, areas)) = self.pages.give_up_the_other() {
                written += self.write(canvas, page, &areas)?;
            }
        }
        Ok(written)
    }

    /// Asks the device for its format again. A plain file always is as it was.
    ///
    /// # Errors
    /// [`OutputError::Write`] when the device is gone, [`OutputError::Unsupported`] when its
    /// format has changed: then it must be opened again.
    pub fn probe(&self) -> Result<(), OutputError> {
        let Device::Kernel(before) = &self.device else { return Ok(()) };
        let unsupported = |reason| OutputError::Unsupported { path: self.path.clone(), reason };
        let now = kernel::ask(&self.file).map_err(|errno| self.gone(errno.into()))?;
        let mut geometry = now.geometry().map_err(unsupported)?;
        let row = self.row(self.pages.on_show());
        let start = self.start(self.pages.on_show()) as u32;
        if self.pages.is_double() {
            geometry.start = start;
            if now.variable.yoffset != row {
                kernel::pan(&self.file, now.variable, row)
                    .map_err(|errno| self.gone(errno.into()))?;
            }
        }
        let expected = Geometry { start, ..*self.packing.geometry() };
        if geometry != expected || now.fixed.smem_len != before.fixed.smem_len {
            let reason = "its format has changed, open it again".to_owned();
            return Err(unsupported(reason));
        }
        Ok(())
    }

    fn write(
        &mut self,
        canvas: &Canvas,
        page: usize,
        areas: &[Rectangle],
    ) -> Result<usize, OutputError> {
        let start = self.start(page);
        let mut written = 0;
        for area in areas {
            let write = |offset, bytes: &[u8]| self.file.write_all_at(bytes, start + offset);
            let bytes = self.packing.pack(canvas, area, write);
            written += bytes.map_err(|source| self.gone(source))?;
        }
        self.pages.written(page);
        Ok(written)
    }

    fn pan(&self, page: usize) -> io::Result<()> {
        match &self.device {
            Device::Kernel(answer) => Ok(kernel::pan(&self.file, answer.variable, self.row(page))?),
            Device::File => Ok(()),
        }
    }

    /// Bytes before the first visible pixel of a page.
    fn start(&self, page: usize) -> u64 {
        let geometry = self.packing.geometry();
        u64::from(geometry.start) + page as u64 * geometry.page_bytes()
    }

    /// The first row of a page.
    fn row(&self, page: usize) -> u32 {
        page as u32 * self.packing.geometry().height
    }

    fn gone(&self, source: io::Error) -> OutputError {
        OutputError::Write { path: self.path.clone(), source }
    }
}

/// With two pages, both are found from the start of the first one.
fn first_page(geometry: Geometry, page: Option<u32>) -> Geometry {
    let before = page.unwrap_or_default() * geometry.line_length * geometry.height;
    Geometry { start: geometry.start - before, ..geometry }
}

/// Opens a device; an error says what to do.
pub(super) fn open_to_write(path: &Path) -> Result<File, OutputError> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    file.map_err(|source| {
        let kind = source.kind();
        let source = match kind {
            io::ErrorKind::NotFound => io::Error::new(
                kind,
                "there is no such device, load the panel's driver or name another device",
            ),
            io::ErrorKind::PermissionDenied => io::Error::new(
                kind,
                "it is not ours to write, add the daemon's user to its group (mostly video)",
            ),
            _ => source,
        };
        OutputError::Open { path: path.to_owned(), source }
    })
}

#[cfg(test)]
mod tests {
    use super::geometry::tests::rgb565;
    use super::*;
    use embedded_graphics::geometry::Point;
    use embedded_graphics::pixelcolor::Rgb888;
    use embedded_graphics::prelude::RgbColor;

    fn frame(color: Rgb888) -> Canvas {
        let mut canvas = Canvas::new(3, 2);
        canvas.erase(color);
        canvas
    }

    #[test]
    fn only_what_has_changed_is_written() {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        let opened = Framebuffer::open_file(file.path(), rgb565(), Rotation::None);
        let mut framebuffer = opened.expect("opens");
        assert_eq!(framebuffer.push(&frame(Rgb888::BLACK), &[]).expect("writes"), 12);
        assert_eq!(framebuffer.push(&frame(Rgb888::WHITE), &[]).expect("writes"), 0);
        let pixel = Rectangle::new(Point::new(1, 1), Size::new(1, 1));
        assert_eq!(framebuffer.push(&frame(Rgb888::WHITE), &[pixel]).expect("writes"), 2);
        let bytes = std::fs::read(file.path()).expect("reads back");
        let lit: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
        assert_eq!((lit, bytes.len()), (vec![12, 13], 20));
        assert!(framebuffer.probe().is_ok());
    }

    #[test]
    fn a_frame_of_another_size_is_refused() {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        let opened = Framebuffer::open_file(file.path(), rgb565(), Rotation::Quarter);
        let error = opened.expect("opens").push(&frame(Rgb888::BLACK), &[]).expect_err("too wide");
        assert!(error.to_string().contains("open it again"), "{error}");
    }

    #[test]
    fn a_device_that_takes_no_data_is_an_error() {
        let opened = Framebuffer::open_file(Path::new("/dev/full"), rgb565(), Rotation::None);
        assert!(matches!(opened, Err(OutputError::Open { .. })));
        let file = OpenOptions::new().write(true).open("/dev/full").expect("opens");
        let packing = Packing::new(rgb565(), Rotation::None);
        let pages = Pages::single(packing.size());
        let path = PathBuf::from("/dev/full");
        let mut full = Framebuffer { path, file, packing, pages, device: Device::File };
        for _ in 0..2 {
            let error = full.push(&frame(Rgb888::BLACK), &[]).expect_err("full");
            assert!(matches!(error, OutputError::Write { .. }), "{error}");
        }
    }

    #[test]
    fn a_driver_that_stops_panning_gets_frames_on_the_page_on_show() {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        let opened = Framebuffer::open_file_of_two_pages(file.path(), rgb565(), Rotation::None);
        let mut framebuffer = opened.expect("opens");
        framebuffer.push(&frame(Rgb888::WHITE), &[]).expect("writes");
        assert_eq!(framebuffer.page_on_show(), 1);
        framebuffer.device = Device::Kernel(Box::default());
        let whole = Rectangle::new(Point::zero(), Size::new(3, 2));
        let blue = frame(Rgb888::BLUE);
        assert_eq!(framebuffer.push(&blue, &[whole]).expect("writes"), 24);
        assert_eq!(framebuffer.push(&blue, &[whole]).expect("writes"), 12);
        assert_eq!(framebuffer.page_on_show(), 1);
        let bytes = std::fs::read(file.path()).expect("reads back");
        assert_eq!(bytes[20..26], [0x1F, 0, 0x1F, 0, 0x1F, 0]);
    }

    #[test]
    fn opening_says_what_to_do() {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        let error = Framebuffer::open(file.path(), Rotation::None).expect_err("no device");
        assert!(matches!(error, OutputError::Unsupported { .. }), "{error}");
        let error = Framebuffer::open(Path::new("/nonexistent/fb0"), Rotation::None);
        let error = error.expect_err("nothing there");
        assert!(error.to_string().contains("load the panel's driver"), "{error}");
    }
}
