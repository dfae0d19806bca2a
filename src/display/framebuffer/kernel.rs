//! The kernel's structures and requests of `include/uapi/linux/fb.h`.
//!
//! The only unsafe code of the display. It asks and tells; what an answer is worth is decided
//! elsewhere.

use super::geometry::{Channel, Geometry};
use rustix::ioctl::{Getter, IntegerSetter, Opcode, Updater, ioctl};
use std::ffi::c_ulong;
use std::fs::File;

const FBIOGET_VSCREENINFO: Opcode = 0x4600;
const FBIOGET_FSCREENINFO: Opcode = 0x4602;
const FBIOPAN_DISPLAY: Opcode = 0x4606;
const FBIOBLANK: Opcode = 0x4611;
const FB_BLANK_UNBLANK: usize = 0;
const FB_TYPE_PACKED_PIXELS: u32 = 0;
const FB_VISUAL_TRUECOLOR: u32 = 2;
const FB_VISUAL_DIRECTCOLOR: u32 = 4;

#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Bitfield {
    pub offset: u32,
    pub length: u32,
    pub msb_right: u32,
}

/// `struct fb_var_screeninfo`: 160 bytes on every machine.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Variable {
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
pub struct Fixed {
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

/// What a device says about itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Answer {
    pub fixed: Fixed,
    pub variable: Variable,
}

impl Answer {
    /// What is wrong with it, as a sentence that says what to do; then what the pixels are like.
    pub fn geometry(&self) -> Result<Geometry, String> {
        let Self { fixed, variable } = self;
        let direct = [FB_VISUAL_TRUECOLOR, FB_VISUAL_DIRECTCOLOR].contains(&fixed.visual);
        if fixed.kind != FB_TYPE_PACKED_PIXELS || variable.grayscale != 0 || !direct {
            let depth = variable.bits_per_pixel;
            let fix = "set its driver to true colour of 16, 24 or 32 bits";
            return Err(format!("{depth} bits per pixel with a palette, planes or greys, {fix}"));
        }
        let bits = [variable.red, variable.green, variable.blue, variable.transp];
        if bits.iter().any(|bits| bits.msb_right != 0) {
            return Err("bits are numbered from the left, correct the format".to_owned());
        }
        let geometry = self.unchecked_geometry();
        geometry.check()?;
        let (memory, needed) = (u64::from(fixed.smem_len), geometry.byte_len());
        if memory < needed {
            let fix = "give its driver more memory or a smaller mode";
            return Err(format!("{memory} bytes of memory where {needed} are needed, {fix}"));
        }
        Ok(geometry)
    }

    fn unchecked_geometry(&self) -> Geometry {
        let Self { fixed, variable } = self;
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

    /// The page on show, when there is memory for two pages of `geometry` and one of them is on
    /// show now: 0 or 1.
    pub fn page_of_two(&self, geometry: &Geometry) -> Option<u32> {
        let Self { fixed, variable } = self;
        let step = u32::from(fixed.ypanstep);
        let pans = step > 0 && geometry.height.is_multiple_of(step);
        let rows = u64::from(variable.yres_virtual) >= 2 * u64::from(geometry.height);
        let page = [0, geometry.height].iter().position(|row| *row == variable.yoffset)?;
        let left = u64::from(geometry.start).saturating_sub(page as u64 * geometry.page_bytes());
        let fits = left + 2 * geometry.page_bytes() <= u64::from(fixed.smem_len);
        (pans && rows && fits).then_some(page as u32)
    }
}

/// Asks a device what it is like; an error for everything that is no frame buffer, or is gone.
pub fn ask(file: &File) -> rustix::io::Result<Answer> {
    // SAFETY: the opcodes are those of linux/fb.h, and the kernel fills exactly the structures of
    // that header, which the two above mirror field by field.
    #[allow(unsafe_code)]
    unsafe {
        let variable = ioctl(file, Getter::<FBIOGET_VSCREENINFO, Variable>::new())?;
        let fixed = ioctl(file, Getter::<FBIOGET_FSCREENINFO, Fixed>::new())?;
        Ok(Answer { fixed, variable })
    }
}

/// Brings the rows from `row` on show.
pub fn pan(file: &File, mut variable: Variable, row: u32) -> rustix::io::Result<()> {
    variable.yoffset = row;
    // SAFETY: the opcode is that of linux/fb.h, and the kernel reads and writes exactly the
    // structure of that header, which the one above mirrors field by field.
    #[allow(unsafe_code)]
    unsafe {
        ioctl(file, Updater::<FBIOPAN_DISPLAY, Variable>::new(&mut variable))
    }
}

/// Switches a panel on that the console has switched off.
pub fn unblank(file: &File) -> rustix::io::Result<()> {
    // SAFETY: the opcode is that of linux/fb.h, and its argument is a number.
    #[allow(unsafe_code)]
    unsafe {
        ioctl(file, IntegerSetter::<FBIOBLANK>::new_usize(FB_BLANK_UNBLANK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_pages() -> Answer {
        let bits = |offset, length| Bitfield { offset, length, msb_right: 0 };
        let variable = Variable {
            xres: 320,
            yres: 240,
            xres_virtual: 320,
            yres_virtual: 480,
            bits_per_pixel: 16,
            red: bits(11, 5),
            green: bits(5, 6),
            blue: bits(0, 5),
            ..Variable::default()
        };
        let fixed = Fixed {
            smem_len: 640 * 480,
            visual: FB_VISUAL_TRUECOLOR,
            ypanstep: 1,
            line_length: 640,
            ..Fixed::default()
        };
        Answer { fixed, variable }
    }

    #[test]
    fn structures_are_as_long_as_the_kernels() {
        assert_eq!(size_of::<Variable>(), 160);
        let pointer = size_of::<usize>();
        assert_eq!(size_of::<Fixed>(), if pointer == 8 { 80 } else { 68 });
    }

    #[test]
    fn a_device_that_cannot_be_used_is_told_what_to_change() {
        let with = |change: fn(&mut Answer)| {
            let mut answer = two_pages();
            change(&mut answer);
            answer.geometry().expect_err("is unusable")
        };
        let palette = with(|answer| answer.fixed.visual = 3);
        assert!(palette.contains("set its driver to true colour"), "{palette}");
        let grey = with(|answer| answer.variable.grayscale = 1);
        assert!(grey.contains("greys"), "{grey}");
        let planes = with(|answer| answer.fixed.kind = 1);
        assert!(planes.contains("planes"), "{planes}");
        let left = with(|answer| answer.variable.red.msb_right = 1);
        assert!(left.contains("from the left"), "{left}");
        let memory = with(|answer| answer.fixed.smem_len = 640 * 240 - 1);
        assert!(memory.contains("153599 bytes of memory where 153600"), "{memory}");
        let offset = with(|answer| answer.variable.yoffset = u32::MAX);
        assert!(offset.contains("more memory"), "{offset}");
    }

    #[test]
    fn two_pages_are_used_where_the_driver_has_them() {
        let page = |change: fn(&mut Answer)| {
            let mut answer = two_pages();
            change(&mut answer);
            answer.page_of_two(&answer.geometry().expect("usable"))
        };
        assert_eq!(page(|_| ()), Some(0));
        assert_eq!(page(|answer| answer.variable.yoffset = 240), Some(1));
        assert_eq!(page(|answer| answer.variable.yoffset = 7), None);
        assert_eq!(page(|answer| answer.fixed.ypanstep = 0), None);
        assert_eq!(page(|answer| answer.fixed.ypanstep = 7), None);
        assert_eq!(page(|answer| answer.variable.yres_virtual = 479), None);
        assert_eq!(page(|answer| answer.fixed.smem_len -= 1), None);
    }
}
