//! How pixels lie in a display's memory, and how a panel is mounted.
//!
//! Pure: numbers that were read elsewhere are checked here. Knows no device.

use super::super::canvas::SIDE_MAX;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;

/// Most bits of one colour; 10 are in use (`XRGB2101010`).
const CHANNEL_BITS_MAX: u32 = 16;

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

impl Channel {
    /// The bits of `value`, from 0 (dark) to 255, rounded to the nearest that there is.
    fn bits(self, value: u8) -> u32 {
        let largest = (1 << self.length.min(CHANNEL_BITS_MAX)) - 1;
        let nearest = (u32::from(value) * largest + 127) / 255;
        nearest.checked_shl(self.offset).unwrap_or_default()
    }
}

/// How a frame buffer lays out its pixels: packed, as numbers in the machine's own byte order.
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
    /// A sentence for the log, which says what to do.
    pub fn check(&self) -> Result<(), String> {
        if ![16, 24, 32].contains(&self.bits_per_pixel) {
            let depth = self.bits_per_pixel;
            return Err(format!("{depth} bits per pixel, set its driver to 16, 24 or 32"));
        }
        let (width, height) = (self.width, self.height);
        let sides = 1..=SIDE_MAX;
        if !sides.contains(&width) || !sides.contains(&height) {
            let possible = format!("set its mode to sides of 1 to {SIDE_MAX}");
            return Err(format!("{width} x {height} pixels, {possible}"));
        }
        if self.line_length < width * self.pixel_bytes() {
            let needed = width * self.pixel_bytes();
            let (line, fix) = (self.line_length, "correct the driver's line_length");
            return Err(format!("{line} bytes a row where {needed} are needed, {fix}"));
        }
        self.check_channels()
    }

    fn check_channels(&self) -> Result<(), String> {
        let mut taken = 0_u64;
        let channels = [self.red, self.green, self.blue, self.opacity];
        for (name, channel) in ["red", "green", "blue", "opacity"].into_iter().zip(channels) {
            let Channel { offset, length } = channel;
            let outside = offset.saturating_add(length) > self.bits_per_pixel;
            let dark = length == 0 && name != "opacity";
            if dark || outside || length > CHANNEL_BITS_MAX {
                let fix = "correct the format in its driver";
                return Err(format!("{length} bits of {name} at {offset}, {fix}"));
            }
            let mask = ((1_u64 << length) - 1) << offset;
            if taken & mask != 0 {
                return Err(format!("{name} shares bits with another colour, correct its driver"));
            }
            taken |= mask;
        }
        Ok(())
    }

    /// A colour as the bits of one pixel, each channel rounded to the nearest.
    pub fn pack(&self, color: Rgb888) -> u32 {
        self.red.bits(color.r())
            | self.green.bits(color.g())
            | self.blue.bits(color.b())
            | self.opacity.bits(u8::MAX)
    }

    /// Bytes from the start of the memory to the end of the last visible row.
    pub fn byte_len(&self) -> u64 {
        u64::from(self.start) + self.page_bytes()
    }

    /// Bytes of one picture, the padding of its rows included.
    pub fn page_bytes(&self) -> u64 {
        u64::from(self.line_length) * u64::from(self.height)
    }

    /// Bytes of one pixel: 2, 3 or 4.
    pub fn pixel_bytes(&self) -> u32 {
        self.bits_per_pixel / 8
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn geometry(bits_per_pixel: u32, channels: [(u32, u32); 4]) -> Geometry {
        let [red, green, blue, opacity] =
            channels.map(|(offset, length)| Channel { offset, length });
        let line_length = 3 * bits_per_pixel / 8 + 4;
        let (width, height, start) = (3, 2, 0);
        Geometry { width, height, line_length, start, bits_per_pixel, red, green, blue, opacity }
    }

    pub(in super::super) fn rgb565() -> Geometry {
        geometry(16, [(11, 5), (5, 6), (0, 5), (0, 0)])
    }

    #[test]
    fn colours_are_packed_as_the_device_says() {
        let color = Rgb888::new(0xFF, 0x80, 0x08);
        assert_eq!(rgb565().pack(color), 0xFC01);
        assert_eq!(geometry(32, [(16, 8), (8, 8), (0, 8), (24, 8)]).pack(color), 0xFFFF_8008);
        assert_eq!(geometry(24, [(0, 8), (8, 8), (16, 8), (0, 0)]).pack(color), 0x0008_80FF);
        let deep = geometry(32, [(20, 10), (10, 10), (0, 10), (30, 2)]);
        assert_eq!(deep.pack(Rgb888::WHITE), u32::MAX);
    }

    #[test]
    fn fewer_bits_are_the_nearest_and_not_the_darker() {
        let blue = |value| rgb565().pack(Rgb888::new(0, 0, value));
        assert_eq!([0, 4, 5, 250, 251, 255].map(blue), [0, 0, 1, 30, 31, 31]);
        for value in 0..=u8::MAX {
            let back = blue(value) * 255 / 31;
            assert!(back.abs_diff(u32::from(value)) <= 5, "{value} came back as {back}");
        }
    }

    #[test]
    fn impossible_geometry_is_refused_with_what_to_do() {
        assert_eq!(rgb565().check(), Ok(()));
        let red = |offset, length| Geometry { red: Channel { offset, length }, ..rgb565() };
        let wrong = [
            (Geometry { bits_per_pixel: 8, ..rgb565() }, "set its driver to 16, 24 or 32"),
            (Geometry { width: 0, ..rgb565() }, "0 x 2 pixels, set its mode"),
            (Geometry { height: SIDE_MAX + 1, ..rgb565() }, "set its mode"),
            (Geometry { line_length: 5, ..rgb565() }, "5 bytes a row where 6 are needed"),
            (red(12, 5), "5 bits of red at 12"),
            (red(u32::MAX, 5), "correct the format"),
            (red(11, u32::MAX), "correct the format"),
            (red(0, 0), "0 bits of red"),
            (red(10, 5), "green shares bits"),
        ];
        for (geometry, message) in wrong {
            let error = geometry.check().expect_err("is wrong");
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn degrees_are_those_of_a_right_angle() {
        let degrees = [0, 90, 180, 270, 45].map(Rotation::from_degrees);
        let back = degrees.map(|rotation| rotation.map(Rotation::degrees));
        assert_eq!(back, [Some(0), Some(90), Some(180), Some(270), None]);
    }
}
