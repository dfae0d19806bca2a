//! Real screens on frame buffers of every format and mounting, read back by an unpacker that
//! shares nothing with the packer: no pixel is lost, turned the wrong way or darker than it could be.

use crate::gallery;
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;
use klarna_terminald::clock::Mono;
use klarna_terminald::display::canvas::Canvas;
use klarna_terminald::display::damage::damage;
use klarna_terminald::display::framebuffer::{Channel, Framebuffer, Geometry, Rotation};
use klarna_terminald::display::screen::draw;
use klarna_terminald::i18n::Lang;
use klarna_terminald::id::DistributionUrl;
use klarna_terminald::money::{Amount, Currency};
use klarna_terminald::payment::screen::Screen;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// The panel as it is built: wider than high, and not a multiple of much.
const PANEL: Size = Size::new(322, 242);

/// A format: its name, bytes per pixel, and offset and length of red, green, blue and opacity.
type Format = (&'static str, u32, [(u32, u32); 4]);

const FORMATS: [Format; 7] = [
    ("RGB565", 2, [(11, 5), (5, 6), (0, 5), (0, 0)]),
    ("BGR565", 2, [(0, 5), (5, 6), (11, 5), (0, 0)]),
    ("ARGB1555", 2, [(10, 5), (5, 5), (0, 5), (15, 1)]),
    ("RGB888", 3, [(16, 8), (8, 8), (0, 8), (0, 0)]),
    ("BGR888", 3, [(0, 8), (8, 8), (16, 8), (0, 0)]),
    ("XRGB8888", 4, [(16, 8), (8, 8), (0, 8), (0, 0)]),
    ("ARGB8888", 4, [(16, 8), (8, 8), (0, 8), (24, 8)]),
];

/// Bytes of padding behind each row, and before the first one.
const GAPS: [(u32, u32); 3] = [(0, 0), (7, 0), (5, 13)];

fn geometry(format: Format, (padding, start): (u32, u32)) -> Geometry {
    let (_, bytes, channels) = format;
    let [red, green, blue, opacity] = channels.map(|(offset, length)| Channel { offset, length });
    Geometry {
        width: PANEL.width,
        height: PANEL.height,
        line_length: PANEL.width * bytes + padding,
        start,
        bits_per_pixel: bytes * 8,
        red,
        green,
        blue,
        opacity,
    }
}

/// The one place that knows how a screen is drawn.
fn drawn(screen: &Screen, size: Size) -> Canvas {
    let mut canvas = Canvas::new(size.width, size.height);
    draw(&mut canvas, screen, &gallery::frame(Lang::De), Mono::default()).expect("fits");
    canvas
}

/// A sale from the first screen to the last, with some seconds in between.
fn sale(size: Size) -> Vec<Canvas> {
    let amount = Amount::new(12_990, Currency::new("EUR").expect("test currency"));
    let hosts = ["pay.test.klarna.com".to_owned()];
    let url = DistributionUrl::new("https://pay.test.klarna.com/eu/requests/1/start", &hosts);
    let url = url.expect("test URL");
    let scan = |left| {
        let (url, again, descriptor) = (url.clone(), false, None);
        Screen::Scan { url, amount, descriptor, again, due: gallery::seconds(left) }
    };
    let screens = [
        Screen::Idle,
        scan(272),
        scan(271),
        scan(270),
        scan(100),
        Screen::ShopperPaying { amount, due: gallery::seconds(99) },
        Screen::Approved { amount },
        Screen::Idle,
    ];
    screens.iter().map(|screen| drawn(screen, size)).collect()
}

/// What a format makes of a colour: each channel as a number of its own bits.
type Channels = [u32; 4];

/// Picks the channels of a pixel out of its bytes, lowest byte first.
fn unpacked(bytes: &[u8], format: Format) -> Channels {
    let number = bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format.2.map(|(offset, length)| (number >> offset) as u32 % (1 << length))
}

/// The nearest that the format has.
fn nearest(color: Rgb888, format: Format) -> Channels {
    let values = [color.r(), color.g(), color.b(), u8::MAX];
    std::array::from_fn(|index| {
        let largest = f64::from((1_u32 << format.2[index].1) - 1);
        (f64::from(values[index]) / 255.0 * largest).round() as u32
    })
}

/// A picture as rows.
type Picture<T> = Vec<Vec<T>>;

/// A quarter turn anticlockwise.
fn turned_back<T: Copy>(picture: &Picture<T>) -> Picture<T> {
    let width = picture[0].len();
    (0..width).rev().map(|x| picture.iter().map(|row| row[x]).collect()).collect()
}

/// Memory that a frame buffer is opened on.
struct Memory {
    file: File,
    path: PathBuf,
}

impl Memory {
    fn new() -> Self {
        let flags = rustix::fs::MemfdFlags::CLOEXEC;
        let file = File::from(rustix::fs::memfd_create("framebuffer", flags).expect("memory"));
        let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        Self { file, path }
    }

    /// The picture on `page`, seen the way the panel is mounted. What lies between the rows must
    /// be untouched.
    fn picture(
        &self,
        format: Format,
        geometry: &Geometry,
        rotation: Rotation,
        page: usize,
    ) -> Picture<Channels> {
        let (line, pixel) = (geometry.line_length as usize, format.1 as usize);
        let visible = geometry.width as usize * pixel;
        let mut start = vec![0; geometry.start as usize];
        self.file.read_exact_at(&mut start, 0).expect("reads back");
        assert!(start.iter().all(|byte| *byte == 0), "bytes before the first pixel");
        let mut bytes = vec![0; line * geometry.height as usize];
        let offset = start.len() + page * bytes.len();
        self.file.read_exact_at(&mut bytes, offset as u64).expect("reads back");
        let row = |row: &[u8]| {
            assert!(row[visible..].iter().all(|byte| *byte == 0), "bytes behind a row");
            row[..visible].chunks(pixel).map(|bytes| unpacked(bytes, format)).collect()
        };
        let panel: Picture<Channels> = bytes.chunks(line).map(row).collect();
        (0..rotation.degrees() / 90).fold(panel, |picture, _| turned_back(&picture))
    }
}

fn expected(canvas: &Canvas, format: Format) -> Picture<Channels> {
    let row = |y| canvas.row(y).iter().map(|color| nearest(*color, format)).collect();
    (0..canvas.size().height).map(row).collect()
}

/// Calls `check` for every format and mounting, with each of `all_gaps`.
fn everywhere(all_gaps: &[(u32, u32)], check: impl Fn(Format, Geometry, Rotation, &[Canvas])) {
    let upright = sale(PANEL);
    let on_its_side = sale(Size::new(PANEL.height, PANEL.width));
    for degrees in [0, 90, 180, 270] {
        let rotation = Rotation::from_degrees(degrees).expect("right angle");
        let frames = if degrees % 180 == 0 { &upright } else { &on_its_side };
        for format in FORMATS {
            for gaps in all_gaps {
                check(format, geometry(format, *gaps), rotation, frames);
            }
        }
    }
}

#[test]
fn every_format_and_mounting_shows_the_picture() {
    everywhere(&GAPS, |format, geometry, rotation, frames| {
        let memory = Memory::new();
        let mut panel = Framebuffer::open_file(&memory.path, geometry, rotation).expect("opens");
        let frame = &frames[if geometry.start == 0 { 1 } else { 6 }];
        assert_eq!(panel.size(), frame.size());
        let all = (geometry.width * geometry.height * geometry.bits_per_pixel / 8) as usize;
        assert_eq!(panel.push(frame, &[]).expect("writes"), all);
        let shown = memory.picture(format, &geometry, rotation, 0);
        assert!(shown == expected(frame, format), "{format:?} {rotation:?}");
    });
}

#[test]
fn writing_what_has_changed_gives_the_whole_picture() {
    everywhere(&GAPS[2..], |format, geometry, rotation, frames| {
        let memory = Memory::new();
        let mut panel = Framebuffer::open_file(&memory.path, geometry, rotation).expect("opens");
        let all = panel.push(&frames[0], &[]).expect("writes");
        for pair in frames.windows(2) {
            let written = panel.push(&pair[1], &damage(&pair[0], &pair[1])).expect("writes");
            assert!(written > 0 && written <= all, "{written} of {all} bytes");
        }
        let shown = memory.picture(format, &geometry, rotation, 0);
        assert!(shown == expected(&frames[frames.len() - 1], format), "{format:?} {rotation:?}");
    });
}

#[test]
fn a_second_is_a_small_part_of_the_picture() {
    let frames = sale(PANEL);
    let changed = damage(&frames[1], &frames[2]);
    let pixels: u32 = changed.iter().map(|area| area.size.width * area.size.height).sum();
    assert!(pixels * 10 < PANEL.width * PANEL.height, "{pixels} pixels in {changed:?}");
}

#[test]
fn with_two_pages_every_frame_is_whole_on_the_page_on_show() {
    everywhere(&GAPS[2..], |format, geometry, rotation, frames| {
        let memory = Memory::new();
        let opened = Framebuffer::open_file_of_two_pages(&memory.path, geometry, rotation);
        let mut panel = opened.expect("opens");
        let mut before = Canvas::new(1, 1);
        let mut page = panel.page_on_show();
        for (number, frame) in frames.iter().enumerate() {
            panel.push(frame, &damage(&before, frame)).expect("writes");
            assert_eq!(panel.page_on_show(), 1 - page, "drawn out of sight");
            page = panel.page_on_show();
            before = frame.clone();
            if number % 3 == 2 || number + 1 == frames.len() {
                let shown = memory.picture(format, &geometry, rotation, page);
                assert!(shown == expected(frame, format), "{format:?} {rotation:?} {number}");
            }
        }
    });
}
