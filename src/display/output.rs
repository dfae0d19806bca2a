//! Where finished pictures go: devices, files and terminals behind one enum.
//!
//! Takes what has changed and says whether the device is still there. Knows no screens.

use super::ansi::Ansi;
use super::canvas::Canvas;
#[cfg(feature = "drm")]
use super::drm;
use super::framebuffer::{Framebuffer, Rotation};
use super::png::PngFile;
use embedded_graphics::geometry::Size;
use embedded_graphics::primitives::Rectangle;
use std::path::PathBuf;

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
    /// A panel that the kernel's mode setting drives; needs the feature `drm`.
    Drm {
        /// Such as `/dev/dri/card0`.
        path: PathBuf,
        /// Such as `DSI-1`; the first one with a panel if `None`.
        connector: Option<String>,
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
    /// A panel that the kernel's mode setting drives.
    #[cfg(feature = "drm")]
    Drm(drm::Drm),
    /// A picture file.
    Png(PngFile),
    /// A terminal.
    Ansi(Ansi),
    /// Nowhere, as configured.
    None,
    /// Nowhere, because it could not be opened.
    Missing,
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
            #[cfg(feature = "drm")]
            OutputConfig::Drm { path, connector, rotation } => {
                Output::Drm(drm::Drm::open(path, connector.as_deref(), *rotation)?)
            }
            #[cfg(not(feature = "drm"))]
            OutputConfig::Drm { path, .. } => {
                let reason = "this build has no support for it, use one with the feature drm";
                let (path, reason) = (path.clone(), reason.to_owned());
                return Err(OutputError::Unsupported { path, reason });
            }
            OutputConfig::Png { path, width, height, scale } => {
                Output::Png(PngFile::new(path.clone(), Size::new(*width, *height), *scale))
            }
            OutputConfig::Ansi => Output::Ansi(Ansi::stdout()),
            OutputConfig::None => Output::None,
        })
    }

    /// Size of the frames that [`Output::push`] takes; none where there are no pixels.
    pub fn size(&self) -> Option<Size> {
        match self {
            Output::Framebuffer(framebuffer) => Some(framebuffer.size()),
            #[cfg(feature = "drm")]
            Output::Drm(panel) => Some(panel.size()),
            Output::Png(file) => Some(file.size()),
            Output::Ansi(_) | Output::None | Output::Missing => None,
        }
    }

    /// Pushes the damaged parts of a frame; outputs without pixels ignore it. Returns the number of
    /// bytes written.
    ///
    /// # Errors
    /// [`OutputError::Write`].
    pub fn push(&mut self, canvas: &Canvas, damage: &[Rectangle]) -> Result<usize, OutputError> {
        match self {
            Output::Framebuffer(framebuffer) => framebuffer.push(canvas, damage),
            #[cfg(feature = "drm")]
            Output::Drm(panel) => panel.push(canvas, damage),
            Output::Png(file) => file.show(canvas),
            Output::Ansi(_) | Output::None | Output::Missing => Ok(0),
        }
    }

    /// Asks the device whether it is still there.
    ///
    /// # Errors
    /// [`OutputError`] when it is not, or has become another one.
    pub fn probe(&self) -> Result<(), OutputError> {
        match self {
            Output::Framebuffer(framebuffer) => framebuffer.probe(),
            #[cfg(feature = "drm")]
            Output::Drm(panel) => panel.probe(),
            Output::Png(_) | Output::Ansi(_) | Output::None | Output::Missing => Ok(()),
        }
    }
}
