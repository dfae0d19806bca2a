//! The Linux frame buffer (`/dev/fb0`): asks the kernel for the format, writes what has changed.
//!
//! Packing pixels is a pure function of [`Geometry`]; a plain file with a given geometry stands in
//! for a device. Source: Linux, `include/uapi/linux/fb.h`. Knows no screens.

use super::OutputError;
use super::canvas::{Canvas, SIDE_MAX};
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;
use memmap2::{MmapMut, MmapOptions};
use std::fs::{File, OpenOptions};
use std::path::Path;

/// How a panel is mounted: how far its picture must be turned clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rotation {
    /// Upright.
    #[default]
    None,
    /// A quarter turn.
    Quarter,
    /// Upside down.
    Half,
    /// Three quarter turns.
    ThreeQuarters,
}

impl Rotation {
    /// The rotation of 0, 90, 180 or 270 degrees clockwise.
    pub fn from_degrees(degrees: u32) -> Option<Self> {
        match degrees {
            0 => Some(Self::None),
            90 => Some(Self::Quarter),
            180 => Some(Self::Half),
            270 => Some(Self::ThreeQuarters),
            _ => None,
        }
    }

    /// The degrees, clockwise.
    pub fn degrees(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Quarter => 90,
            Self::Half => 180,
            Self::ThreeQuarters => 270,
        }
    }
}

/// Where the bits of one colour are in a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channel {
    /// Lowest bit.
    pub offset: u32,
    /// Number of bits.
    pub length: u32,
}

/// How a frame buffer lays out its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Visible pixels per row.
    pub width: u32,
    /// Visible rows.
    pub height: u32,
    /// Bytes from one row to the next.
    pub line_length: u32,
    /// Bytes before the first visible pixel.
    pub start: u32,
    /// 16, 24 or 32.
    pub bits_per_pixel: u32,
    /// The red bits.
    pub red: Channel,
    /// The green bits.
    pub green: Channel,
    /// The blue bits.
    pub blue: Channel,
    /// The bits of opacity, which are all set; none in most formats.
    pub opacity: Channel,
}

impl Geometry {
    /// Says what is wrong with it, if anything: sizes of zero, rows that do not fit, odd depths.
    ///
    /// # Errors
    /// A sentence for the log.
    pub fn check(&self) -> Result<(), String> {
        if ![16, 24, 32].contains(&self.bits_per_pixel) {
            return Err(format!("{} bits per pixel, 16, 24 or 32 needed", self.bits_per_pixel));
        }
        let sides = 1..=SIDE_MAX;
        if !sides.contains(&self.width) || !sides.contains(&self.height) {
            return Err(format!("{} x {} pixels", self.width, self.height));
        }
        if self.line_length < self.width * self.pixel_bytes() {
            return Err(format!("rows of {} bytes for {} pixels", self.line_length, self.width));
        }
        for channel in [self.red, self.green, self.blue, self.opacity] {
            let outside = channel.offset.saturating_add(channel.length) > self.bits_per_pixel;
            if channel.length > 8 || outside {
                return Err(format!("a colour of {} bits at {}", channel.length, channel.offset));
            }
        }
        Ok(())
    }

    /// A colour as the bits of one pixel.
    pub fn pack(&self, color: Rgb888) -> u32 {
        let bits = |channel: Channel, value: u8| {
            let value = u32::from(value) >> (8 - channel.length.min(8));
            value.checked_shl(channel.offset).unwrap_or_default()
        };
        bits(self.red, color.r())
            | bits(self.green, color.g())
            | bits(self.blue, color.b())
            | bits(self.opacity, u8::MAX)
    }

    /// Bytes from the start of the memory to the end of the last visible row.
    pub fn byte_len(&self) -> usize {
        self.start as usize + self.line_length as usize * self.height as usize
    }

    fn pixel_bytes(&self) -> u32 {
        self.bits_per_pixel / 8
    }

    fn byte_range(&self, x: u32, y: u32) -> std::ops::Range<usize> {
        let start = self.start as usize
            + self.line_length as usize * y as usize
            + (self.pixel_bytes() * x) as usize;
        start..start + self.pixel_bytes() as usize
    }
}

/// An open frame buffer.
#[derive(Debug)]
pub struct Framebuffer {
    memory: MmapMut,
    geometry: Geometry,
    rotation: Rotation,
    on_show: Option<Canvas>,
}

impl Framebuffer {
    /// Opens a frame buffer device and asks it for its format.
    ///
    /// # Errors
    /// [`OutputError::Open`] and [`OutputError::Unsupported`].
    pub fn open(path: &Path, rotation: Rotation) -> Result<Self, OutputError> {
        let file = open(path)?;
        let (fixed, variable) = kernel::ask(&file).map_err(|errno| OutputError::Unsupported {
            path: path.to_owned(),
            reason: format!("not a frame buffer device: {errno}"),
        })?;
        let geometry = kernel::geometry(&fixed, &variable);
        if geometry.byte_len() > fixed.smem_len as usize {
            let reason = format!("{} bytes of memory, {geometry:?}", fixed.smem_len);
            return Err(OutputError::Unsupported { path: path.to_owned(), reason });
        }
        Self::map(path, &file, geometry, rotation)
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
        let file = open(path)?;
        file.set_len(geometry.byte_len() as u64)
            .map_err(|source| OutputError::Open { path: path.to_owned(), source })?;
        Self::map(path, &file, geometry, rotation)
    }

    fn map(
        path: &Path,
        file: &File,
        geometry: Geometry,
        rotation: Rotation,
    ) -> Result<Self, OutputError> {
        let unsupported = |reason| OutputError::Unsupported { path: path.to_owned(), reason };
        geometry.check().map_err(unsupported)?;
        // SAFETY: the memory is a device's or, in tests, a file of our own that is as long as what
        // is mapped. We only ever write to it, so a change from outside cannot break an invariant.
        #[allow(unsafe_code)]
        let memory = unsafe { MmapOptions::new().len(geometry.byte_len()).map_mut(file) };
        let memory =
            memory.map_err(|source| OutputError::Open { path: path.to_owned(), source })?;
        Ok(Self { memory, geometry, rotation, on_show: None })
    }

    /// Size of the frames it takes: the panel's, seen the way it is mounted.
    pub fn size(&self) -> Size {
        let (width, height) = (self.geometry.width, self.geometry.height);
        match self.rotation {
            Rotation::None | Rotation::Half => Size::new(width, height),
            Rotation::Quarter | Rotation::ThreeQuarters => Size::new(height, width),
        }
    }

    /// Writes the rows that have changed since the last frame. Memory, so it cannot fail.
    pub fn show(&mut self, canvas: &Canvas) {
        let damage = 0..canvas.size().height;
        for y in damage {
            for (x, color) in (0..self.size().width).zip(canvas.row(y)) {
                let (x, y) = self.turned(x, y);
                let bytes = self.geometry.pack(*color).to_ne_bytes();
                if let Some(pixel) = self.memory.get_mut(self.geometry.byte_range(x, y)) {
                    pixel.copy_from_slice(low_bytes(&bytes, pixel.len()));
                }
            }
        }
        self.on_show = Some(canvas.clone());
    }

    /// Writes every row next time.
    pub fn forget(&mut self) {
        self.on_show = None;
    }

    /// Where a pixel of the frame is on the panel.
    fn turned(&self, x: u32, y: u32) -> (u32, u32) {
        let (right, bottom) = (self.geometry.width - 1, self.geometry.height - 1);
        match self.rotation {
            Rotation::None => (x, y),
            Rotation::Quarter => (right.saturating_sub(y), x),
            Rotation::Half => (right.saturating_sub(x), bottom.saturating_sub(y)),
            Rotation::ThreeQuarters => (y, bottom.saturating_sub(x)),
        }
    }
}

/// The bytes of a pixel that are stored: on a little-endian machine the first, else the last.
fn low_bytes(bytes: &[u8; 4], count: usize) -> &[u8] {
    if cfg!(target_endian = "little") { &bytes[..count] } else { &bytes[4 - count..] }
}

fn open(path: &Path) -> Result<File, OutputError> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    file.map_err(|source| OutputError::Open { path: path.to_owned(), source })
}

/// The kernel's structures and the two questions that we ask it.
mod kernel {
    use super::{Channel, Geometry};
    use rustix::ioctl::{Getter, Opcode, ioctl};
    use std::ffi::c_ulong;
    use std::fs::File;

    const FBIOGET_VSCREENINFO: Opcode = 0x4600;
    const FBIOGET_FSCREENINFO: Opcode = 0x4602;

    #[repr(C)]
    #[derive(Debug, Clone, Copy, Default)]
    pub(super) struct Bitfield {
        pub offset: u32,
        pub length: u32,
        pub msb_right: u32,
    }

    /// `struct fb_var_screeninfo`: 160 bytes on every machine.
    #[repr(C)]
    #[derive(Debug, Clone, Copy, Default)]
    pub(super) struct Variable {
        pub xres: u32,
        pub yres: u32,
        pub xres_virtual: u32,
        pub yres_virtual: u32,
        pub xoffset: u32,
        pub yoffset: u32,
        pub bits_per_pixel: u32,
        pub grayscale: u32,
        pub red: Bitfield,
        pub green: Bitfield,
        pub blue: Bitfield,
        pub transp: Bitfield,
        pub rest: [u32; 20],
    }

    /// `struct fb_fix_screeninfo`.
    #[repr(C)]
    #[derive(Debug, Clone, Copy, Default)]
    pub(super) struct Fixed {
        pub id: [u8; 16],
        pub smem_start: c_ulong,
        pub smem_len: u32,
        pub kind: u32,
        pub type_aux: u32,
        pub visual: u32,
        pub xpanstep: u16,
        pub ypanstep: u16,
        pub ywrapstep: u16,
        pub line_length: u32,
        pub mmio_start: c_ulong,
        pub mmio_len: u32,
        pub accel: u32,
        pub capabilities: u16,
        pub reserved: [u16; 2],
    }

    pub(super) fn ask(file: &File) -> rustix::io::Result<(Fixed, Variable)> {
        // SAFETY: the opcodes are those of linux/fb.h, and the kernel fills exactly the structures
        // of that header, which the two above mirror field by field.
        #[allow(unsafe_code)]
        unsafe {
            let variable = ioctl(file, Getter::<FBIOGET_VSCREENINFO, Variable>::new())?;
            let fixed = ioctl(file, Getter::<FBIOGET_FSCREENINFO, Fixed>::new())?;
            Ok((fixed, variable))
        }
    }

    pub(super) fn geometry(fixed: &Fixed, variable: &Variable) -> Geometry {
        let channel = |bits: Bitfield| Channel { offset: bits.offset, length: bits.length };
        let before = variable.yoffset.saturating_mul(fixed.line_length);
        let left = variable.xoffset.saturating_mul(variable.bits_per_pixel / 8);
        Geometry {
            width: variable.xres,
            height: variable.yres,
            line_length: fixed.line_length,
            start: before.saturating_add(left),
            bits_per_pixel: variable.bits_per_pixel,
            red: channel(variable.red),
            green: channel(variable.green),
            blue: channel(variable.blue),
            opacity: channel(variable.transp),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_graphics::Pixel;
    use embedded_graphics::draw_target::DrawTarget;
    use embedded_graphics::geometry::Point;

    fn geometry(bits_per_pixel: u32, channels: [(u32, u32); 4]) -> Geometry {
        let [red, green, blue, opacity] =
            channels.map(|(offset, length)| Channel { offset, length });
        let line_length = 3 * bits_per_pixel / 8 + 4;
        let (width, height, start) = (3, 2, 0);
        Geometry { width, height, line_length, start, bits_per_pixel, red, green, blue, opacity }
    }

    fn rgb565() -> Geometry {
        geometry(16, [(11, 5), (5, 6), (0, 5), (0, 0)])
    }

    #[test]
    fn colours_are_packed_as_the_device_says() {
        let color = Rgb888::new(0xFF, 0x80, 0x08);
        assert_eq!(rgb565().pack(color), 0xFC01);
        assert_eq!(geometry(32, [(16, 8), (8, 8), (0, 8), (24, 8)]).pack(color), 0xFFFF_8008);
        assert_eq!(geometry(24, [(0, 8), (8, 8), (16, 8), (0, 0)]).pack(color), 0x0008_80FF);
    }

    #[test]
    fn impossible_geometry_is_refused() {
        assert_eq!(rgb565().check(), Ok(()));
        let wrong = [
            Geometry { bits_per_pixel: 8, ..rgb565() },
            Geometry { width: 0, ..rgb565() },
            Geometry { height: SIDE_MAX + 1, ..rgb565() },
            Geometry { line_length: 5, ..rgb565() },
            Geometry { red: Channel { offset: 12, length: 5 }, ..rgb565() },
            Geometry { red: Channel { offset: u32::MAX, length: 5 }, ..rgb565() },
        ];
        for geometry in wrong {
            assert!(geometry.check().is_err(), "{geometry:?}");
        }
    }

    /// Shows one bright pixel at the top right and returns the bytes of the file.
    fn bytes_of(geometry: Geometry, rotation: Rotation) -> Vec<u8> {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        let mut framebuffer =
            Framebuffer::open_file(file.path(), geometry, rotation).expect("opens");
        let size = framebuffer.size();
        let mut canvas = Canvas::new(size.width, size.height);
        framebuffer.show(&canvas);
        let corner = Pixel(Point::new(size.width as i32 - 1, 0), Rgb888::new(255, 255, 0));
        canvas.draw_iter([corner]).expect("infallible");
        framebuffer.show(&canvas);
        std::fs::read(file.path()).expect("reads back")
    }

    fn lit_pixels(geometry: Geometry, rotation: Rotation) -> Vec<(usize, usize)> {
        let bytes = bytes_of(geometry, rotation);
        let line = geometry.line_length as usize;
        let pixel = geometry.pixel_bytes() as usize;
        let lit = |x: usize, y: usize| bytes[y * line + x * pixel..][..pixel] != vec![0; pixel];
        let all = (0..2).flat_map(|y| (0..3).map(move |x| (x, y)));
        all.filter(|(x, y)| lit(*x, *y)).collect()
    }

    #[test]
    fn real_bytes_reach_a_real_file() {
        let expected = [0, 0, 0, 0, 0xE0, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(bytes_of(rgb565(), Rotation::None), expected);
        let bgr = geometry(24, [(16, 8), (8, 8), (0, 8), (0, 0)]);
        assert_eq!(bytes_of(bgr, Rotation::None)[..9], [0, 0, 0, 0, 0, 0, 0, 255, 255]);
    }

    #[test]
    fn rotation_turns_the_picture_clockwise() {
        assert_eq!(lit_pixels(rgb565(), Rotation::None), [(2, 0)]);
        assert_eq!(lit_pixels(rgb565(), Rotation::Quarter), [(2, 1)]);
        assert_eq!(lit_pixels(rgb565(), Rotation::Half), [(0, 1)]);
        assert_eq!(lit_pixels(rgb565(), Rotation::ThreeQuarters), [(0, 0)]);
        let degrees = [0, 90, 180, 270, 45].map(Rotation::from_degrees);
        assert_eq!(degrees[1], Some(Rotation::Quarter));
        assert_eq!(degrees[4], None);
    }

    #[test]
    fn structures_are_as_long_as_the_kernels() {
        assert_eq!(size_of::<kernel::Variable>(), 160);
        let pointer = size_of::<usize>();
        assert_eq!(size_of::<kernel::Fixed>(), if pointer == 8 { 80 } else { 68 });
    }

    #[test]
    fn a_file_is_not_a_device() {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        let error = Framebuffer::open(file.path(), Rotation::None).expect_err("no device");
        assert!(matches!(error, OutputError::Unsupported { .. }), "{error}");
        let error = Framebuffer::open(Path::new("/nonexistent/fb0"), Rotation::None);
        assert!(matches!(error, Err(OutputError::Open { .. })));
    }
}
