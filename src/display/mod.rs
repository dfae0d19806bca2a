//! The shopper's display: a [`Screen`] becomes pixels, a picture file or terminal text.
//!
//! `screen` draws, [`Output`] shows, [`Display`] joins them and skips what is on show already.
//! Knows no payments and no daemon: it is told what to show and says whether it could.

pub mod ansi;
pub mod attention;
pub mod canvas;
mod content;
pub mod damage;
#[cfg(feature = "drm")]
pub mod drm;
pub mod framebuffer;
mod icon;
pub mod input;
mod layout;
mod paint;
mod panel;
pub mod png;
pub mod qr;
pub mod screen;
mod text;
pub mod theme;

use crate::i18n::Lang;
use crate::payment::screen::Screen;
use ansi::Ansi;
use canvas::Canvas;
use embedded_graphics::geometry::{Dimensions, Size};
use framebuffer::{Framebuffer, Rotation};
use png::PngFile;
use screen::DrawError;
use std::convert::Infallible;
use std::path::PathBuf;
use theme::Theme;

pub use layout::{LayoutError, Role};
pub use panel::Panel;

/// What every screen of a terminal has in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The shop's name as shoppers know it; any text, cut when it is too long.
    pub merchant: String,
    /// The language of our own words.
    pub lang: Lang,
    /// The colours.
    pub theme: Theme,
    /// Seconds from a full time bar to an empty one: the time limit of a sale.
    pub time_limit_s: u32,
}

/// Which output to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputConfig {
    /// A Linux frame buffer device.
    Framebuffer {
        /// Such as `/dev/fb0`.
        path: PathBuf,
        /// How the panel is mounted.
        rotation: Rotation,
    },
    /// A picture file that is replaced with every screen.
    Png {
        /// Where the picture goes; its directory must exist.
        path: PathBuf,
        /// Width of the screen, in pixels.
        width: u32,
        /// Height of the screen, in pixels.
        height: u32,
        /// Each pixel becomes a square of this many pixels in the file; at least 1.
        scale: u32,
    },
    /// The terminal that the daemon runs in.
    Ansi,
    /// No display.
    None,
}

/// Where screens go.
#[derive(Debug)]
pub enum Output {
    /// A Linux frame buffer.
    Framebuffer(Framebuffer),
    /// A picture file.
    Png(PngFile),
    /// A terminal.
    Ansi(Ansi),
    /// Nowhere.
    None,
}

/// What is wrong with an output.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// It cannot be opened.
    #[error("cannot open display {path}: {source}")]
    Open {
        /// The device or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The device is there but speaks a format that we do not.
    #[error("display {path} is not usable: {reason}")]
    Unsupported {
        /// The device.
        path: PathBuf,
        /// What it reported and what would be needed.
        reason: String,
    },
    /// It was open and does not take data any more.
    #[error("cannot write to display {path}: {source}")]
    Write {
        /// The device or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Why a screen is not on show.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    /// It does not fit on the panel.
    #[error(transparent)]
    Draw(#[from] DrawError<Infallible>),
    /// The output failed.
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl Output {
    /// Opens the device, or remembers the file.
    ///
    /// # Errors
    /// [`OutputError::Open`] and [`OutputError::Unsupported`]; a picture file is first touched
    /// when a screen is shown.
    pub fn open(config: &OutputConfig) -> Result<Self, OutputError> {
        Ok(match config {
            OutputConfig::Framebuffer { path, rotation } => {
                Output::Framebuffer(Framebuffer::open(path, *rotation)?)
            }
            OutputConfig::Png { path, width, height, scale } => {
                Output::Png(PngFile::new(path.clone(), Size::new(*width, *height), *scale))
            }
            OutputConfig::Ansi => Output::Ansi(Ansi::stdout()),
            OutputConfig::None => Output::None,
        })
    }

    /// Size of the frames that [`Output::show`] takes; none where there are no pixels.
    pub fn size(&self) -> Option<Size> {
        match self {
            Output::Framebuffer(framebuffer) => Some(framebuffer.size()),
            Output::Png(file) => Some(file.size()),
            Output::Ansi(_) | Output::None => None,
        }
    }

    /// Shows a frame of pixels; outputs without pixels ignore it.
    ///
    /// # Errors
    /// [`OutputError::Write`].
    pub fn show(&mut self, canvas: &Canvas) -> Result<(), OutputError> {
        match self {
            Output::Framebuffer(framebuffer) => {
                let whole = canvas.bounding_box();
                framebuffer.push(canvas, &[whole]).map(drop)
            }
            Output::Png(file) => file.show(canvas),
            Output::Ansi(_) | Output::None => Ok(()),
        }
    }
}

/// A shopper's display: tell it the screen, it does the rest.
#[derive(Debug)]
pub struct Display {
    output: Output,
    frame: Frame,
    canvas: Canvas,
    on_show: Option<Screen>,
}

impl Display {
    /// A display that shows nothing yet.
    pub fn new(output: Output, frame: Frame) -> Self {
        let size = output.size().unwrap_or_default();
        let canvas = Canvas::new(size.width, size.height);
        Self { output, frame, canvas, on_show: None }
    }

    /// Shows `screen`, unless it is on show already.
    ///
    /// # Errors
    /// [`DisplayError::Draw`] leaves the display empty, so that no earlier QR code stays on show.
    /// After [`DisplayError::Output`] the earlier screen may still be there; showing the same
    /// screen again tries again.
    pub fn show(&mut self, screen: &Screen) -> Result<(), DisplayError> {
        if self.on_show.as_ref() == Some(screen) {
            return Ok(());
        }
        self.on_show = None;
        match &mut self.output {
            Output::Ansi(ansi) => ansi.show(screen, &self.frame)?,
            Output::None => {}
            output @ (Output::Framebuffer(_) | Output::Png(_)) => {
                let drawn = screen::draw(&mut self.canvas, screen, &self.frame);
                if drawn.is_err() {
                    self.canvas.erase(self.frame.theme.background);
                }
                output.show(&self.canvas)?;
                drawn?;
            }
        }
        self.on_show = Some(screen.clone());
        Ok(())
    }

    /// Speaks `lang` from the next screen on.
    pub fn speak(&mut self, lang: Lang) {
        if self.frame.lang != lang {
            self.frame.lang = lang;
            self.on_show = None;
        }
    }

    /// Forgets what is on show, so that the next screen is drawn in any case: after the terminal
    /// was resized, or somebody else wrote on the panel.
    pub fn forget(&mut self) {
        self.on_show = None;
    }
}
