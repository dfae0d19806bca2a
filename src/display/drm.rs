//! A panel that the kernel's mode setting drives (`/dev/dri/card0`): for machines without a frame
//! buffer device.
//!
//! Pixels are packed as for a frame buffer, into one of two "dumb" buffers. What is large is drawn
//! out of sight and brought on show by a page flip; what is small is drawn in view where the driver
//! wants to be told of it, which spares a slow panel all the rest. Source: Linux,
//! `include/uapi/drm/drm_mode.h`. Knows no screens.

use super::OutputError;
use super::canvas::Canvas;
use super::framebuffer::pages::Pages;
use super::framebuffer::{Channel, Geometry, Packing, Rotation, open_to_write};
use drm::Device as _;
use drm::buffer::{Buffer as _, DrmFourcc};
use drm::control::connector::State;
use drm::control::dumbbuffer::DumbBuffer;
use drm::control::{
    ClipRect, Device as _, Mode, ModeTypeFlags, PageFlipFlags, ResourceHandles, connector, crtc,
    framebuffer,
};
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::primitives::Rectangle;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

/// Colour bits and bits of a pixel of `XRGB8888`, which every driver takes.
const DEPTH: (u32, u32) = (24, 32);

/// How long a page flip may take: several frames of the slowest panel.
const FLIP_TIME_MAX: Timespec = Timespec { tv_sec: 0, tv_nsec: 250_000_000 };

/// What is drawn in view is at most this part of the panel: it takes less than a frame.
const IN_VIEW_PART: u32 = 8;

/// A panel behind a connector of a graphics card.
#[derive(Debug)]
pub struct Drm {
    path: PathBuf,
    card: Card,
    connector: connector::Handle,
    crtc: crtc::Handle,
    mode: Mode,
    buffers: [Buffer; 2],
    packing: Packing,
    pages: Pages,
    flips: bool,
    flip_pending: bool,
    takes_damage: bool,
}

#[derive(Debug)]
struct Card(File);

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl drm::Device for Card {}
impl drm::control::Device for Card {}

#[derive(Debug)]
struct Buffer {
    memory: DumbBuffer,
    handle: framebuffer::Handle,
}

impl Drm {
    /// Opens a card, takes the connector of this name (such as `HDMI-A-1`, `DSI-1`, `SPI-1`) or
    /// else the first one that has a panel, sets the panel's preferred mode and shows black.
    ///
    /// # Errors
    /// [`OutputError::Open`] when the card is not there, not ours, or taken by another program,
    /// and [`OutputError::Unsupported`] when it has no such panel; each says what to do.
    pub fn open(
        path: &Path,
        connector: Option<&str>,
        rotation: Rotation,
    ) -> Result<Self, OutputError> {
        let open_error = |source| OutputError::Open { path: path.to_owned(), source };
        let unsupported = |reason| OutputError::Unsupported { path: path.to_owned(), reason };
        let card = Card(open_to_write(path)?);
        let resources = card.resource_handles().map_err(|error| {
            unsupported(format!("it drives no panels, name another card: {error}"))
        })?;
        card.acquire_master_lock().map_err(|error| open_error(taken(&error)))?;
        let found = find_connector(&card, &resources, connector).map_err(unsupported)?;
        let crtc = find_crtc(&card, &resources, &found)
            .ok_or_else(|| unsupported(format!("nothing can drive connector {found}")))?;
        let preferred = |mode: &&Mode| mode.mode_type().contains(ModeTypeFlags::PREFERRED);
        let modes = found.modes();
        let mode = *modes.iter().find(preferred).or(modes.first()).ok_or_else(|| {
            unsupported(format!("connector {found} has no modes, check its panel's driver"))
        })?;
        let buffers = [buffer(&card, &mode), buffer(&card, &mode)];
        let [one, two] = buffers;
        let buffers = [one.map_err(open_error)?, two.map_err(open_error)?];
        let pitches = buffers.each_ref().map(|buffer| buffer.memory.pitch());
        if pitches[0] != pitches[1] {
            return Err(unsupported(format!("its buffers have rows of {pitches:?} bytes")));
        }
        let geometry = geometry(&mode, pitches[0]);
        geometry.check().map_err(unsupported)?;
        let packing = Packing::new(geometry, rotation);
        let pages = Pages::double(packing.size(), false);
        let connector = found.handle();
        let mut panel = Self {
            path: path.to_owned(),
            card,
            connector,
            crtc,
            mode,
            buffers,
            packing,
            pages,
            flips: true,
            flip_pending: false,
            takes_damage: false,
        };
        panel.set_mode(0).map_err(open_error)?;
        let whole = Rectangle::new(Default::default(), panel.size());
        panel.takes_damage = panel.mark(0, &[whole]).is_ok();
        Ok(panel)
    }

    /// Size of the frames it takes: the panel's, seen the way it is mounted.
    pub fn size(&self) -> Size {
        self.packing.size()
    }

    /// Brings a frame on show. It differs from the frame before in `damage` at most; the first
    /// frame is written as a whole in any case, and what could not be written is written with the
    /// next one. Returns the number of bytes written.
    ///
    /// # Errors
    /// [`OutputError::Write`] when the panel is gone or another program has taken it,
    /// [`OutputError::Unsupported`] for a frame of another size.
    pub fn push(&mut self, canvas: &Canvas, damage: &[Rectangle]) -> Result<usize, OutputError> {
        if canvas.size() != self.size() {
            let (is, needed) = (canvas.size(), self.size());
            let reason = format!("a frame of {is} where {needed} is needed, open it again");
            return Err(OutputError::Unsupported { path: self.path.clone(), reason });
        }
        let Some(out_of_sight) = self.pages.next(damage) else { return Ok(0) };
        self.finish_flip();
        let (page, areas) = match self.pages.in_view() {
            in_view if self.takes_damage && is_small(&in_view.1, self.size()) => in_view,
            _ => out_of_sight,
        };
        let written = self.write(canvas, page, &areas);
        let written = written.map_err(|source| self.gone(source))?;
        self.pages.written(page);
        self.show(page, &areas).map_err(|source| self.gone(source))?;
        Ok(written)
    }

    /// Asks whether the panel is still connected and still shows what we have drawn.
    ///
    /// # Errors
    /// [`OutputError::Write`] when it was unplugged, [`OutputError::Unsupported`] when another
    /// program has set another picture or mode: then it must be opened again.
    pub fn probe(&self) -> Result<(), OutputError> {
        let info = self.card.get_connector(self.connector, false);
        let info = info.map_err(|source| self.gone(source))?;
        if info.state() == State::Disconnected {
            let reason = format!("connector {info} has no panel any more, plug it in");
            return Err(self.gone(io::Error::new(io::ErrorKind::NotConnected, reason)));
        }
        let crtc = self.card.get_crtc(self.crtc).map_err(|source| self.gone(source))?;
        let ours = |handle| self.buffers.iter().any(|buffer| buffer.handle == handle);
        let same_mode = crtc.mode().is_some_and(|mode| mode.size() == self.mode.size());
        if !same_mode || !crtc.framebuffer().is_some_and(ours) {
            let reason = "another program has changed it, open it again".to_owned();
            return Err(OutputError::Unsupported { path: self.path.clone(), reason });
        }
        Ok(())
    }

    fn write(&mut self, canvas: &Canvas, page: usize, areas: &[Rectangle]) -> io::Result<usize> {
        let mut memory = self.card.map_dumb_buffer(&mut self.buffers[page].memory)?;
        copy(&self.packing, canvas, areas, &mut memory)
    }

    /// Brings a page on show that has been written.
    fn show(&mut self, page: usize, areas: &[Rectangle]) -> io::Result<()> {
        if !self.pages.hides(page) {
            if self.takes_damage && self.mark(page, areas).is_ok() {
                return Ok(());
            }
            self.takes_damage = false;
            return self.set_mode(page);
        }
        let buffer = self.buffers[page].handle;
        let flags = PageFlipFlags::EVENT;
        self.flips &= self.card.page_flip(self.crtc, buffer, flags, None).is_ok();
        self.flip_pending = self.flips;
        if !self.flips {
            self.set_mode(page)?;
        }
        self.pages.shown(page);
        Ok(())
    }

    /// Waits until the last page flip is over. A driver that does not say so flips no more.
    fn finish_flip(&mut self) {
        if std::mem::take(&mut self.flip_pending) {
            let mut polled = [PollFd::new(&self.card, PollFlags::IN)];
            let over = poll(&mut polled, Some(&FLIP_TIME_MAX)).is_ok_and(|count| count > 0);
            self.flips = over && self.card.receive_events().is_ok();
        }
    }

    fn set_mode(&self, page: usize) -> io::Result<()> {
        let (buffer, connectors) = (self.buffers[page].handle, [self.connector]);
        self.card.set_crtc(self.crtc, Some(buffer), (0, 0), &connectors, Some(self.mode))
    }

    /// Tells the driver what was drawn in view.
    fn mark(&self, page: usize, areas: &[Rectangle]) -> io::Result<()> {
        let clips: Vec<ClipRect> = areas.iter().map(|area| clip(&self.packing, area)).collect();
        self.card.dirty_framebuffer(self.buffers[page].handle, &clips)
    }

    fn gone(&self, source: io::Error) -> OutputError {
        OutputError::Write { path: self.path.clone(), source }
    }
}

fn taken(error: &io::Error) -> io::Error {
    let fix = "another program has the panels, stop it (a desktop or a boot splash)";
    io::Error::new(error.kind(), format!("{fix}: {error}"))
}

fn find_connector(
    card: &Card,
    resources: &ResourceHandles,
    name: Option<&str>,
) -> Result<connector::Info, String> {
    let handles = resources.connectors().iter();
    let infos: Vec<_> = handles.filter_map(|it| card.get_connector(*it, true).ok()).collect();
    let states: Vec<_> = infos.iter().map(|info| (info.to_string(), info.state())).collect();
    let index = choose(&states, name)?;
    infos.into_iter().nth(index).ok_or_else(|| "a connector has gone".to_owned())
}

/// The connector of this name, or else the first one with a panel, or the first that cannot tell.
fn choose(connectors: &[(String, State)], name: Option<&str>) -> Result<usize, String> {
    let usable = |wanted: State| {
        let fits =
            |(it, state): &(String, State)| *state == wanted && name.is_none_or(|name| name == it);
        connectors.iter().position(fits)
    };
    usable(State::Connected).or_else(|| usable(State::Unknown)).ok_or_else(|| {
        let all: Vec<String> =
            connectors.iter().map(|(it, state)| format!("{it} ({state:?})")).collect();
        let wanted = name.unwrap_or("any connector");
        format!("no panel at {wanted}, plug it in or name one of: {}", all.join(", "))
    })
}

/// What feeds the connector now, or else the first that can.
fn find_crtc(
    card: &Card,
    resources: &ResourceHandles,
    connector: &connector::Info,
) -> Option<crtc::Handle> {
    let encoder = |it| card.get_encoder(it).ok();
    let now = connector.current_encoder().and_then(encoder).and_then(|it| it.crtc());
    let possible = || {
        let encoders = connector.encoders().iter().filter_map(|it| encoder(*it));
        encoders.flat_map(|it| resources.filter_crtcs(it.possible_crtcs())).next()
    };
    now.or_else(possible)
}

/// Black memory of the mode's size that can be shown.
fn buffer(card: &Card, mode: &Mode) -> io::Result<Buffer> {
    let (width, height) = mode.size();
    let size = (width.into(), height.into());
    let memory = card.create_dumb_buffer(size, DrmFourcc::Xrgb8888, DEPTH.1)?;
    let handle = card.add_framebuffer(&memory, DEPTH.0, DEPTH.1)?;
    Ok(Buffer { memory, handle })
}

fn geometry(mode: &Mode, line_length: u32) -> Geometry {
    let (width, height) = mode.size();
    let eight_bits = |offset| Channel { offset, length: 8 };
    Geometry {
        width: width.into(),
        height: height.into(),
        line_length,
        start: 0,
        bits_per_pixel: DEPTH.1,
        red: eight_bits(16),
        green: eight_bits(8),
        blue: eight_bits(0),
        opacity: Channel { offset: 24, length: 0 },
    }
}

fn copy(
    packing: &Packing,
    canvas: &Canvas,
    areas: &[Rectangle],
    memory: &mut [u8],
) -> io::Result<usize> {
    let mut written = 0;
    for area in areas {
        written += packing.pack(canvas, area, |offset, bytes| {
            let start = usize::try_from(offset).map_err(io::Error::other)?;
            let place = memory.get_mut(start..start.saturating_add(bytes.len()));
            place.ok_or(io::ErrorKind::UnexpectedEof)?.copy_from_slice(bytes);
            Ok::<(), io::Error>(())
        })?;
    }
    Ok(written)
}

fn is_small(areas: &[Rectangle], frame: Size) -> bool {
    let pixels = |size: Size| u64::from(size.width) * u64::from(size.height);
    let drawn: u64 = areas.iter().map(|area| pixels(area.size)).sum();
    drawn * u64::from(IN_VIEW_PART) <= pixels(frame)
}

/// On the panel; the right and the lower edge are outside.
fn clip(packing: &Packing, area: &Rectangle) -> ClipRect {
    let ((x, y), size) = packing.on_panel(area);
    let [left, top, right, bottom] =
        [x, y, x + size.width, y + size.height].map(|at| u16::try_from(at).unwrap_or(u16::MAX));
    ClipRect::new(left, top, right, bottom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_graphics::geometry::Point;
    use embedded_graphics::pixelcolor::Rgb888;

    fn connectors(all: &[(&str, State)]) -> Vec<(String, State)> {
        all.iter().map(|(name, state)| ((*name).to_owned(), *state)).collect()
    }

    #[test]
    fn the_named_connector_or_the_first_with_a_panel_is_taken() {
        let all = connectors(&[
            ("HDMI-A-1", State::Disconnected),
            ("VGA-1", State::Unknown),
            ("DSI-1", State::Connected),
        ]);
        assert_eq!(choose(&all, None), Ok(2));
        assert_eq!(choose(&all, Some("VGA-1")), Ok(1));
        assert_eq!(choose(&all[..2], None), Ok(1));
        let error = choose(&all, Some("HDMI-A-1")).expect_err("nothing is plugged in");
        assert!(error.contains("HDMI-A-1 (Disconnected), VGA-1 (Unknown)"), "{error}");
        assert!(choose(&[], None).is_err());
    }

    fn packing(rotation: Rotation) -> Packing {
        let eight_bits = |offset| Channel { offset, length: 8 };
        let geometry = Geometry {
            width: 3,
            height: 2,
            line_length: 16,
            start: 0,
            bits_per_pixel: 32,
            red: eight_bits(16),
            green: eight_bits(8),
            blue: eight_bits(0),
            opacity: Channel { offset: 24, length: 0 },
        };
        Packing::new(geometry, rotation)
    }

    #[test]
    fn what_has_changed_is_copied_and_marked_where_the_panel_has_it() {
        let packing = packing(Rotation::Quarter);
        let mut canvas = Canvas::new(2, 3);
        canvas.erase(Rgb888::new(1, 2, 3));
        let area = Rectangle::new(Point::new(0, 1), Size::new(1, 2));
        let mut memory = [0; 32];
        assert_eq!(copy(&packing, &canvas, &[area], &mut memory).expect("fits"), 8);
        assert_eq!(memory[..12], [3, 2, 1, 0, 3, 2, 1, 0, 0, 0, 0, 0]);
        assert_eq!(memory[12..], [0; 20]);
        let marked = clip(&packing, &area);
        assert_eq!([marked.x1(), marked.y1(), marked.x2(), marked.y2()], [0, 0, 2, 1]);
        let short = copy(&packing, &canvas, &[area], &mut memory[..7]).expect_err("too short");
        assert_eq!(short.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_is_small_is_drawn_in_view() {
        let frame = Size::new(80, 40);
        let area = |width| Rectangle::new(Point::zero(), Size::new(width, 40));
        assert!(is_small(&[area(10)], frame));
        assert!(!is_small(&[area(5), area(6)], frame));
    }

    #[test]
    fn opening_says_what_to_do() {
        let error = Drm::open(Path::new("/nonexistent/card0"), None, Rotation::None);
        assert!(matches!(error, Err(OutputError::Open { .. })));
        let error = Drm::open(Path::new("/dev/null"), None, Rotation::None).expect_err("no card");
        assert!(error.to_string().contains("name another card"), "{error}");
    }
}
