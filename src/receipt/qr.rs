//! A return code as the modules of a QR code (ISO/IEC 18004), for paper that is drawn on.
//!
//! Only modules, no colours and no sizes. Level M stands the folds and stains of a receipt.

use qrcode::{Color, EcLevel, QrCode};

/// Light modules that must surround a code (ISO/IEC 18004, quiet zone of QR Code).
pub(super) const QUIET_ZONE: usize = 4;

/// A QR code as a square of modules.
#[derive(Debug)]
pub(super) struct Modules {
    width: usize,
    dark: Vec<bool>,
}

impl Modules {
    /// The code for `text`; `None` when it is too long for any.
    pub(super) fn new(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let dark = code.to_colors().into_iter().map(|color| color == Color::Dark).collect();
        Some(Self { width: code.width(), dark })
    }

    /// Modules per side, with the quiet zone.
    pub(super) fn side(&self) -> usize {
        self.width + 2 * QUIET_ZONE
    }

    /// Column, row and length of each run of dark modules, the quiet zone counted in.
    pub(super) fn runs(&self) -> Vec<(usize, usize, usize)> {
        let mut runs = Vec::new();
        for (y, row) in self.dark.chunks(self.width).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|one, next| one == next) {
                if run.first() == Some(&true) {
                    runs.push((x + QUIET_ZONE, y + QUIET_ZONE, run.len()));
                }
                x += run.len();
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_independent_decoder_reads_it() {
        for length in [1, 30, 101, 512] {
            let text = "KTD1:S1-T1-2026:".chars().cycle().take(length).collect::<String>();
            let modules = Modules::new(&text).expect("fits");
            let runs = modules.runs();
            let dark = |x: usize, y: usize| {
                let (x, y) = (x + QUIET_ZONE, y + QUIET_ZONE);
                runs.iter().any(|(start, row, len)| *row == y && (*start..start + len).contains(&x))
            };
            let grid = rqrr::SimpleGrid::from_func(modules.width, dark);
            assert_eq!(rqrr::Grid::new(grid).decode().expect("is read").1, text);
        }
        assert!(Modules::new(&"x".repeat(3000)).is_none());
    }
}
