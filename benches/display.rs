//! The display's own cost on a panel of 480 x 800: from a link to pixels in a device's memory, and
//! what is written while nothing happens.
//!
//! A file stands in for the device, in memory where there is `/dev/shm`; `DISPLAY_DIR` names
//! another place. What was written is counted in that file, so it is what a device would have got.
//! A ratio is to drawing the whole screen, and for a push to writing as many bytes.

use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;
use klarna_terminald::clock::Mono;
use klarna_terminald::display::canvas::Canvas;
use klarna_terminald::display::framebuffer::{Channel, Framebuffer, Geometry, Rotation};
use klarna_terminald::display::qr::QrMatrix;
use klarna_terminald::display::screen::Scene;
use klarna_terminald::display::{Display, Frame, Output};
use klarna_terminald::id::DistributionUrl;
use klarna_terminald::money::{Amount, Currency};
use klarna_terminald::payment::screen::Screen;
use std::hint::black_box;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::{NamedTempFile, TempDir};

const SIZE: Size = Size::new(480, 800);
/// Turns of which the median and the 99th percentile count.
const ROUNDS: usize = 1000;
/// Rounds that are left out: caches and the allocator get warm.
const WARM_UP: usize = 20;
/// What the file holds before a push: no colour of a screen is made of these bytes alone.
const UNTOUCHED: u8 = 0xA5;
/// Simulated seconds of which the written bytes are counted.
const IDLE_S: u64 = 3;
const COUNTDOWN_S: u64 = 60;
/// How often an idle display is asked for the same screen, in milliseconds.
const ASKED_MS: u64 = 50;

/// Two formats of pixels that panels have.
#[derive(Debug, Clone, Copy)]
enum Format {
    Rgb565,
    Xrgb8888,
}

impl Format {
    const ALL: [Self; 2] = [Self::Rgb565, Self::Xrgb8888];

    fn geometry(self) -> Geometry {
        let channel = |offset, length| Channel { offset, length };
        let (bits_per_pixel, [red, green, blue]) = match self {
            Self::Rgb565 => (16, [channel(11, 5), channel(5, 6), channel(0, 5)]),
            Self::Xrgb8888 => (32, [channel(16, 8), channel(8, 8), channel(0, 8)]),
        };
        Geometry {
            width: SIZE.width,
            height: SIZE.height,
            line_length: SIZE.width * bits_per_pixel / 8,
            start: 0,
            bits_per_pixel,
            red,
            green,
            blue,
            opacity: channel(0, 0),
        }
    }

    fn pixel_bytes(self) -> usize {
        self.geometry().bits_per_pixel as usize / 8
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rgb565 => "RGB565",
            Self::Xrgb8888 => "XRGB8888",
        }
    }
}

fn main() {
    let shared = Path::new("/dev/shm");
    let place = std::env::var_os("DISPLAY_DIR").map(PathBuf::from);
    let place = place.unwrap_or_else(|| match shared.is_dir() {
        true => shared.to_owned(),
        false => std::env::temp_dir(),
    });
    let directory = TempDir::new_in(place).expect("a directory for the device's file");
    println!("klarna-terminald, figures of the display, {} x {}\n", SIZE.width, SIZE.height);
    println!("{:<44}{:>10}{:>10}{:>10}", "microseconds", "median", "p99", "ratio");
    screens();
    pushes(directory.path());
    changes(directory.path());
    println!("\n{:<44}{:>10}{:>10}", "bytes written", "RGB565", "XRGB8888");
    written(directory.path());
}

/// From a link to pixels in memory; ratios are to drawing the whole screen.
fn screens() {
    let frame = frame();
    let begun = Instant::now();
    let mut canvas = Canvas::new(SIZE.width, SIZE.height);
    drawn(&frame, &mut canvas, seconds(0));
    let first = micros(begun.elapsed());
    println!("{:<44}{first:>10.0}", "first screen after a start, all of it");

    let url = url();
    Times::of(|| black_box(QrMatrix::new(&url)).expect("a code"))
        .print("encoding the QR code", None);
    let scan = scan();
    let laid_out = || Scene::new(&scan, &frame, SIZE, seconds(0)).expect("fits");
    Times::of(|| black_box(laid_out())).print("laying the screen out, with the code", None);
    let mut scene = laid_out();
    let whole = Times::of(|| scene.draw(&mut canvas, seconds(0)).expect("infallible"));
    whole.print("drawing the whole screen", None);

    let steps = moments();
    let mut advance = |pick: &dyn Fn(&Moment) -> bool| {
        let chosen: Vec<&Moment> = steps.iter().filter(|moment| pick(moment)).collect();
        let mut turn = chosen.iter().cycle();
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let moment = turn.next().expect("there are such moments");
            scene.advance(&mut canvas, moment.before).expect("infallible");
            let begun = Instant::now();
            black_box(scene.advance(&mut canvas, moment.after)).expect("infallible");
            times.push(begun.elapsed());
        }
        Times(times)
    };
    let second = advance(&|moment| moment.rectangles == 1 && moment.is_second);
    second.print("the countdown, one second on", Some(&whole));
    let bar = advance(&|moment| moment.rectangles == 1 && !moment.is_second);
    bar.print("the countdown, one step of the bar", Some(&whole));
}

/// Two points of time between which something moves.
struct Moment {
    before: Mono,
    after: Mono,
    rectangles: usize,
    pixels: u64,
    is_second: bool,
}

/// The wakes of the first minute of a countdown.
fn moments() -> Vec<Moment> {
    let mut canvas = Canvas::new(SIZE.width, SIZE.height);
    let mut now = seconds(0);
    let mut scene = drawn(&frame(), &mut canvas, now);
    let mut moments = Vec::new();
    while now < seconds(COUNTDOWN_S) {
        let wait = scene.next(now).expect("a countdown runs");
        let after = now.after(wait);
        let touched = scene.advance(&mut canvas, after).expect("infallible");
        let is_second = touched.iter().any(|area| area.size.width < SIZE.width / 2);
        let pixels = touched.iter().map(|area| u64::from(area.size.width * area.size.height)).sum();
        let rectangles = touched.len();
        moments.push(Moment { before: now, after, rectangles, pixels, is_second });
        now = after;
    }
    moments
}

/// A frame into a device's memory; ratios are to copying as many bytes there.
fn pushes(directory: &Path) {
    for format in Format::ALL {
        let (file, framebuffer) = device(directory, format);
        let mut output = Output::Framebuffer(framebuffer);
        let whole = [Rectangle::new(Point::zero(), SIZE)];
        let mut canvas = Canvas::new(SIZE.width, SIZE.height);
        drawn(&frame(), &mut canvas, seconds(0));
        let bytes = vec![UNTOUCHED; format.geometry().byte_len() as usize];
        let copy = Times::of(|| file.as_file().write_all_at(&bytes, 0).expect("writes"));
        copy.print(&format!("writing as many bytes, {}", format.name()), None);
        let push = Times::of(|| output.push(black_box(&canvas), &whole).expect("pushes"));
        push.print(&format!("pushing the whole frame, {}", format.name()), Some(&copy));
    }
}

/// Two screens in turns, from the call to the last pixel in the device's memory.
fn changes(directory: &Path) {
    let approved = Screen::Approved { amount: amount() };
    for format in Format::ALL {
        let (_file, framebuffer) = device(directory, format);
        let mut display = Display::new(Output::Framebuffer(framebuffer), frame());
        let (mut to_scan, mut to_approved) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            for (screen, times) in [(scan(), &mut to_scan), (approved.clone(), &mut to_approved)] {
                let begun = Instant::now();
                display.show(&screen, seconds(0)).expect("shows");
                times.push(begun.elapsed());
            }
        }
        let name = format.name();
        Times(to_scan).print(&format!("the code comes, shown and pushed, {name}"), None);
        Times(to_approved).print(&format!("the code goes, shown and pushed, {name}"), None);
    }
}

/// Bytes that reach the device, each format in a column.
fn written(directory: &Path) {
    let devices = Format::ALL.map(|format| Watched::new(directory, format));
    let [mut small, mut large] = devices;
    let mut row = |name: &str, count: &mut dyn FnMut(&mut Watched) -> u64| {
        println!("{name:<44}{:>10}{:>10}", count(&mut small), count(&mut large));
    };
    row("the first screen", &mut |device| device.shown(&Screen::Idle, seconds(0)));
    row("a second of the idle screen", &mut |device| {
        let millis = (0..IDLE_S * 1000).step_by(ASKED_MS as usize);
        let asked = millis.map(|at| {
            let now = Mono::new(Duration::from_millis(at));
            device.shown(&Screen::Idle, now)
        });
        asked.sum::<u64>() / IDLE_S
    });
    row("the code comes", &mut |device| device.shown(&scan(), seconds(0)));
    let wakes = moments();
    row("a second of the countdown", &mut |device| {
        let written = wakes.iter().map(|moment| device.shown(&scan(), moment.after));
        written.sum::<u64>() / COUNTDOWN_S
    });
    row("... of what has moved there", &mut |device| {
        let pixels: u64 = wakes.iter().map(|moment| moment.pixels).sum();
        pixels * device.format.pixel_bytes() as u64 / COUNTDOWN_S
    });
    let approved = Screen::Approved { amount: amount() };
    row("the code goes", &mut |device| device.shown(&approved, seconds(COUNTDOWN_S)));
    println!(
        "\nwakes per second of the countdown {:>20.1}",
        wakes.len() as f64 / COUNTDOWN_S as f64
    );
}

/// A display whose device's memory is looked at after each call.
struct Watched {
    file: NamedTempFile,
    display: Display,
    format: Format,
}

impl Watched {
    fn new(directory: &Path, format: Format) -> Self {
        let (file, framebuffer) = device(directory, format);
        let display = Display::new(Output::Framebuffer(framebuffer), frame());
        Self { file, display, format }
    }

    /// Shows `screen`; returns the bytes of all pixels that were written.
    fn shown(&mut self, screen: &Screen, now: Mono) -> u64 {
        let mut bytes = vec![UNTOUCHED; self.format.geometry().byte_len() as usize];
        self.file.as_file().write_all_at(&bytes, 0).expect("writes");
        self.display.show(screen, now).expect("shows");
        self.file.as_file().read_exact_at(&mut bytes, 0).expect("reads back");
        let pixel_bytes = self.format.pixel_bytes();
        let pixels = bytes.chunks_exact(pixel_bytes);
        let touched = pixels.filter(|pixel| pixel.iter().any(|byte| *byte != UNTOUCHED)).count();
        (touched * pixel_bytes) as u64
    }
}

/// How long something took, each time.
struct Times(Vec<Duration>);

impl Times {
    fn of<T>(mut work: impl FnMut() -> T) -> Self {
        let mut times = Vec::with_capacity(ROUNDS);
        for round in 0..WARM_UP + ROUNDS {
            let begun = Instant::now();
            black_box(work());
            if round >= WARM_UP {
                times.push(begun.elapsed());
            }
        }
        Self(times)
    }

    /// In microseconds; `share` is between 0 and 1.
    fn at(&self, share: f64) -> f64 {
        let mut times = self.0.clone();
        times.sort();
        micros(times[((times.len() - 1) as f64 * share) as usize])
    }

    fn print(&self, name: &str, beside: Option<&Times>) {
        print!("{name:<44}{:>10.1}{:>10.1}", self.at(0.5), self.at(0.99));
        match beside {
            Some(other) => println!("{:>10.3}", self.at(0.5) / other.at(0.5)),
            None => println!(),
        }
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn device(directory: &Path, format: Format) -> (NamedTempFile, Framebuffer) {
    let file = NamedTempFile::new_in(directory).expect("a file for the device");
    let framebuffer = Framebuffer::open_file(file.path(), format.geometry(), Rotation::None);
    (file, framebuffer.expect("a frame buffer"))
}

fn drawn(frame: &Frame, canvas: &mut Canvas, now: Mono) -> Scene {
    let mut scene = Scene::new(&scan(), frame, SIZE, now).expect("fits");
    scene.draw(canvas, now).expect("infallible");
    scene
}

fn scan() -> Screen {
    let due = seconds(300);
    Screen::Scan { url: url(), amount: amount(), descriptor: None, again: false, due }
}

fn url() -> DistributionUrl {
    let url = "https://pay.klarna.com/eu/requests/b9bacf30-3619-60e5-bdcb-b0ad687d550b/start";
    DistributionUrl::new(url, &["pay.klarna.com".to_owned()]).expect("a link of Klarna's")
}

fn amount() -> Amount {
    Amount::new(4990, Currency::new("EUR").expect("EUR"))
}

fn frame() -> Frame {
    Frame { merchant: "Nordlicht Bücher & Café".to_owned(), ..Frame::default() }
}

fn seconds(seconds: u64) -> Mono {
    Mono::new(Duration::from_secs(seconds))
}
