//! A distribution URL as a QR code: the smallest code, then the sturdiest of that size.
//!
//! Only modules, no pixels and no colours; drawing them is up to `screen` and `ansi`.

use crate::id::DistributionUrl;
use qrcode::bits::Bits;
use qrcode::{Color, EcLevel, QrCode, Version};

/// Light modules that must surround a code (ISO/IEC 18004, quiet zone of QR Code).
pub const QUIET_ZONE: u32 = 4;
/// Fewest pixels per module that phones can read on a small panel.
pub const MODULE_PX_MIN: u32 = 3;
/// Pixels per module from which reading is quick; below it a code is [`Fit::tight`].
pub const MODULE_PX_GOOD: u32 = 4;
/// Largest QR version that is built: 77 modules, more than any URL we accept needs at level L.
const VERSION_MAX: i16 = 15;

/// Why there is no code to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QrError {
    /// The URL needs a larger code than is ever built.
    #[error("{0} bytes need a QR code too large to show")]
    TooLong(usize),
    /// Modules would be too small to scan.
    #[error(
        "a QR code of {modules} modules with its quiet zone needs {needed} pixels, there are \
         {available}: use a larger panel"
    )]
    TooSmall {
        /// Modules per side, without the quiet zone.
        modules: u32,
        /// Pixels that it would need at three pixels per module.
        needed: u32,
        /// Pixels that there are.
        available: u32,
    },
}

/// A QR code as a square of modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QrMatrix {
    width: u32,
    dark: Vec<bool>,
}

/// How large a code can be drawn in a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// Pixels per module, a whole number.
    pub module_px: u32,
    /// Pixels per side, quiet zone included.
    pub side_px: u32,
    /// Fewer than [`MODULE_PX_GOOD`] pixels per module: phones need a steadier hand.
    pub tight: bool,
}

impl QrMatrix {
    /// The code for `url`.
    ///
    /// Plain bytes and optimal segmentation are both tried, because the latter is often the
    /// longer one; then error correction is raised as far as the size allows.
    ///
    /// # Errors
    /// [`QrError::TooLong`] when no code that we would show can carry it.
    pub fn new(url: &DistributionUrl) -> Result<Self, QrError> {
        Self::of_text(url.as_str())
    }

    /// The code for any text, for those who look after the terminal.
    ///
    /// # Errors
    /// As [`QrMatrix::new`].
    pub fn of_text(text: &str) -> Result<Self, QrError> {
        let data = text.as_bytes();
        let code = (1..=VERSION_MAX).find_map(|version| sturdiest(data, version));
        let code = code.ok_or(QrError::TooLong(data.len()))?;
        let width = u32::try_from(code.width()).map_err(|_| QrError::TooLong(data.len()))?;
        let dark = code.to_colors().into_iter().map(|color| color == Color::Dark).collect();
        Ok(Self { width, dark })
    }

    /// Modules per side, without the quiet zone.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Modules per side, with the quiet zone.
    pub fn width_with_quiet_zone(&self) -> u32 {
        self.width + 2 * QUIET_ZONE
    }

    /// Whether the module at (x, y) is dark; (0, 0) is the top left module and everything outside
    /// the code is light.
    pub fn is_dark(&self, x: u32, y: u32) -> bool {
        let inside = x < self.width && y < self.width;
        inside && self.dark.get((y * self.width + x) as usize).copied().unwrap_or_default()
    }

    /// Start and length of each run of dark modules in a row: far fewer than modules.
    pub fn dark_runs(&self, y: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let begins = move |x: &u32| self.is_dark(*x, y) && (*x == 0 || !self.is_dark(x - 1, y));
        (0..self.width).filter(begins).map(move |start| {
            let length = (start..).take_while(|x| self.is_dark(*x, y)).count();
            (start, length as u32)
        })
    }

    /// The largest whole number of pixels per module in a square of `available` pixels.
    ///
    /// # Errors
    /// [`QrError::TooSmall`] below [`MODULE_PX_MIN`].
    pub fn fit(&self, available: u32) -> Result<Fit, QrError> {
        let modules = self.width_with_quiet_zone();
        let module_px = available / modules;
        if module_px < MODULE_PX_MIN {
            let needed = modules * MODULE_PX_MIN;
            return Err(QrError::TooSmall { modules: self.width, needed, available });
        }
        let tight = module_px < MODULE_PX_GOOD;
        Ok(Fit { module_px, side_px: module_px * modules, tight })
    }
}

/// The code of this version with the highest error correction that fits, if any does.
fn sturdiest(data: &[u8], version: i16) -> Option<QrCode> {
    let levels = [EcLevel::H, EcLevel::Q, EcLevel::M, EcLevel::L];
    levels.into_iter().find_map(|level| {
        let bits = [Bits::push_byte_data, Bits::push_optimal_data]
            .into_iter()
            .find_map(|push| encoded(data, version, level, push))?;
        QrCode::with_bits(bits, level).ok()
    })
}

fn encoded(
    data: &[u8],
    version: i16,
    level: EcLevel,
    push: fn(&mut Bits, &[u8]) -> qrcode::QrResult<()>,
) -> Option<Bits> {
    let mut bits = Bits::new(Version::Normal(version));
    push(&mut bits, data).ok()?;
    bits.push_terminator(level).ok()?;
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::DISTRIBUTION_URL_LEN_MAX;

    fn url(length: usize) -> DistributionUrl {
        let host = "https://pay.test.klarna.com/";
        let path: String = "aB3-xY9/".chars().cycle().take(length - host.len()).collect();
        DistributionUrl::new(&format!("{host}{path}"), &["pay.test.klarna.com".into()])
            .expect("test URL")
    }

    fn decoded(matrix: &QrMatrix) -> (rqrr::MetaData, String) {
        let grid = rqrr::SimpleGrid::from_func(matrix.width() as usize, |x, y| {
            matrix.is_dark(x as u32, y as u32)
        });
        rqrr::Grid::new(grid).decode().expect("an independent decoder reads it")
    }

    #[test]
    fn every_url_we_accept_becomes_a_readable_code() {
        for length in 29..=DISTRIBUTION_URL_LEN_MAX {
            let url = url(length);
            let matrix = QrMatrix::new(&url).expect("fits");
            assert_eq!(decoded(&matrix).1, url.as_str());
        }
    }

    #[test]
    fn error_correction_is_raised_when_it_is_free() {
        let matrix = QrMatrix::new(&url(82)).expect("fits");
        let (meta, _) = decoded(&matrix);
        assert_eq!((matrix.width(), meta.ecc_level), (37, 0), "version 5, level M");
    }

    #[test]
    fn modules_are_whole_pixels_and_never_too_small() {
        let matrix = QrMatrix::new(&url(82)).expect("fits");
        let fit = |available| matrix.fit(available).map(|fit| (fit.module_px, fit.tight));
        assert_eq!(fit(240), Ok((5, false)));
        assert_eq!(fit(180), Ok((4, false)));
        assert_eq!(fit(179), Ok((3, true)));
        assert_eq!(fit(134), Err(QrError::TooSmall { modules: 37, needed: 135, available: 134 }));
    }

    #[test]
    fn outside_is_light() {
        let matrix = QrMatrix::new(&url(60)).expect("fits");
        assert!(matrix.is_dark(0, 0));
        assert!(!matrix.is_dark(matrix.width(), 0) && !matrix.is_dark(0, u32::MAX));
    }
}
