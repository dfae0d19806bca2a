//! Every screen of a terminal, side by side: what the pictures in `docs/gallery` show, and what the
//! tests of the screens draw.

use embedded_graphics::Drawable as _;
use embedded_graphics::draw_target::{DrawTarget as _, DrawTargetExt as _};
use embedded_graphics::geometry::{OriginDimensions as _, Point, Size};
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::ascii::FONT_9X15;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor as _;
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Baseline, Text};
use klarna_terminald::clock::Mono;
use klarna_terminald::display::Frame;
use klarna_terminald::display::canvas::Canvas;
use klarna_terminald::display::logo::Logo;
use klarna_terminald::display::png::encode;
use klarna_terminald::display::screen::draw;
use klarna_terminald::display::theme::{self, Colors, Theme};
use klarna_terminald::i18n::Lang;
use klarna_terminald::id::DistributionUrl;
use klarna_terminald::money::{Amount, Currency};
use klarna_terminald::payment::screen::{ConsoleSign, Operator, Screen};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Every size of panel that a layout is promised for.
pub const SIZES: [(u32, u32); 8] = [
    (128, 64),
    (240, 320),
    (320, 240),
    (480, 320),
    (480, 800),
    (800, 480),
    (720, 1280),
    (800, 1280),
];
/// Those on which a code can be scanned.
pub const SCANNABLE: &[(u32, u32)] = SIZES.split_at(1).1;
/// What the gallery shows.
const SHEETS: [(u32, u32); 3] = [(128, 64), (320, 240), (480, 800)];
const LANGS: [&str; 4] = ["en", "de", "pl", "el"];
/// Around and between the screens of a sheet, in pixels.
const GAP: u32 = 16;
/// Room for a name above each screen.
const NAME: u32 = 20;
/// Widest sheet, in pixels.
const SHEET_WIDTH_MAX: u32 = 4000;

/// An amount in minor units.
pub fn amount(minor: i64, code: &str) -> Amount {
    Amount::new(minor, Currency::new(code).expect("test currency"))
}

/// A link as long as those of Klarna's test environment, 82 characters with a UUID as `path`.
pub fn url(path: &str) -> DistributionUrl {
    DistributionUrl::new(
        &format!("https://pay.test.klarna.com/eu/requests/{path}/start"),
        &["pay.test.klarna.com".to_owned()],
    )
    .expect("test URL")
}

/// Repeatable UUIDs, so that a failure comes back.
pub fn uuid(seed: u32) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, &seed.to_be_bytes()).to_string()
}

/// So many seconds from the beginning of time.
pub fn seconds(seconds: u64) -> Mono {
    Mono::new(Duration::from_secs(seconds))
}

/// The code of `url`, with 4 minutes and 32 seconds left.
pub fn scan(url: DistributionUrl, amount: Amount) -> Screen {
    Screen::Scan { url, amount, descriptor: None, again: false, due: seconds(272) }
}

/// Every screen there is.
pub fn screens(amount: Amount) -> Vec<(&'static str, Screen)> {
    let url = url(&uuid(1));
    let coded = |descriptor: Option<&str>, again, due| Screen::Scan {
        url: url.clone(),
        amount,
        descriptor: descriptor.map(str::to_owned),
        again,
        due: seconds(due),
    };
    let operator = Operator {
        version: "0.1.0",
        terminal: "S12-T3".to_owned(),
        is_online: true,
        queued: 3,
        refused: 1,
        last_sync: Some("2026-01-31 13:00".to_owned()),
        support_code: "1NFV4E0".to_owned(),
        console: None,
    };
    let console = ConsoleSign {
        address: "https://192.168.178.120:8443".to_owned(),
        fingerprint: "9F2C41D07A6B58E3".repeat(4),
        set_up_code: Some("7KQ4-M2XPA".to_owned()),
    };
    let set_up = Operator { console: Some(console), ..operator.clone() };
    vec![
        ("idle", Screen::Idle),
        ("checking", Screen::Checking { amount }),
        ("scan", coded(None, false, 272)),
        ("scan-again", coded(None, true, 61)),
        ("scan-offer", coded(Some("Pay now, or later in 3 interest-free payments"), false, 299)),
        ("scan-hurry", coded(None, false, 24)),
        ("shopper-paying", Screen::ShopperPaying { amount, due: seconds(188) }),
        ("shopper-hurry", Screen::ShopperPaying { amount, due: seconds(9) }),
        ("confirming", Screen::Confirming { amount }),
        ("approved", Screen::Approved { amount }),
        ("cancelled", Screen::Cancelled),
        ("not-completed", Screen::NotCompleted),
        ("not-available", Screen::NotAvailable),
        ("no-connection", Screen::NoConnection),
        ("unknown-outcome", Screen::UnknownOutcome { amount }),
        ("refunding", Screen::Refunding { amount }),
        ("refund-queued", Screen::RefundQueued { amount }),
        ("refunded", Screen::Refunded { amount }),
        ("ask-staff", Screen::AskStaff { reason: "refund" }),
        ("no-till", Screen::NoTill),
        ("clock-wrong", Screen::ClockWrong),
        ("storage-full", Screen::StorageFull),
        ("updating", Screen::Updating),
        ("out-of-service", Screen::OutOfService { reason: "storage" }),
        ("operator", Screen::Operator(Box::new(operator))),
        ("operator-console", Screen::Operator(Box::new(set_up))),
    ]
}

/// A shop whose name has letters beyond ASCII.
pub fn frame(lang: Lang) -> Frame {
    Frame { merchant: "Nordlicht Bücher & Café".to_owned(), lang, ..Frame::default() }
}

/// The frame for a panel of this size: one of an inch knows only two colours.
pub fn frame_for(size: (u32, u32), lang: Lang) -> Frame {
    let theme = if size.0.min(size.1) < 120 { Theme::MONO } else { Theme::LIGHT };
    Frame { theme, ..frame(lang) }
}

/// All pictures of the gallery by name.
pub fn gallery() -> Vec<(String, Canvas)> {
    let mut sheets = Vec::new();
    for size in SHEETS {
        for lang in LANGS.map(Lang::from_tag) {
            let name = format!("{}x{}-{}", size.0, size.1, lang.tag());
            sheets
                .push((name, sheet(size, &frame_for(size, lang), &screens(amount(4_990, "EUR")))));
        }
    }
    // As they are, for whoever comes to the project first.
    for (file, name) in [("scan", "scan-offer"), ("approved", "approved")] {
        let mut picture = Canvas::new(480, 800);
        let screens = screens(amount(4_990, "EUR"));
        let (_, screen) = screens.iter().find(|(it, _)| *it == name).expect("it is there");
        draw(&mut picture, screen, &frame(Lang::En), Mono::default()).expect("fits");
        sheets.push((file.to_owned(), picture));
    }
    for (name, frame) in looks() {
        let shown = ["idle", "scan", "scan-hurry", "approved", "unknown-outcome", "refunded"];
        let mut screens = screens(amount(4_990, "EUR"));
        screens.retain(|(name, _)| shown.contains(name));
        sheets.push((format!("theme-{name}"), sheet((480, 800), &frame, &screens)));
    }
    sheets
}

/// What a shop can choose.
fn looks() -> Vec<(&'static str, Frame)> {
    let plain = frame(Lang::En);
    let color = |text| theme::parse(text);
    let colors = Colors {
        background: color("#fffdf7"),
        ink: color("#1b1b3a"),
        muted: color("#3d3d5c"),
        accent: color("#4a1c6b"),
        alert: color("#7a1f1f"),
    };
    let own = Theme::LIGHT.with(&colors).expect("colours with contrast");
    vec![
        ("dark", Frame { theme: Theme::DARK, ..plain.clone() }),
        ("contrast", Frame { theme: Theme::CONTRAST, large_text: true, ..plain.clone() }),
        ("own", Frame { theme: own, logo: Some(Arc::new(logo())), ..plain }),
    ]
}

/// A picture with clear edges, drawn here so that it belongs to nobody.
pub fn logo() -> Logo {
    let (width, height) = (240_u32, 160_u32);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let points = (0..height).flat_map(|y| (0..width).map(move |x| (x as f32, y as f32)));
    let pixels: Vec<u8> = points
        .flat_map(|(x, y)| {
            let (left, right) = ((x - 80.0).hypot(y - 80.0), (x - 160.0).hypot(y - 80.0));
            match (left < 72.0, right < 72.0) {
                (true, true) => [0x2a, 0x0f, 0x3d, 0xff],
                (true, false) => [0x4a, 0x1c, 0x6b, 0xff],
                (false, true) => [0xb0, 0x5c, 0x3a, 0xff],
                (false, false) => [0, 0, 0, 0],
            }
        })
        .collect();
    let mut writer = encoder.write_header().expect("header");
    writer.write_image_data(&pixels).expect("data");
    writer.finish().expect("end");
    Logo::from_png(&bytes).expect("a picture")
}

/// Screens in rows, each below its name.
fn sheet(size: (u32, u32), frame: &Frame, screens: &[(&str, Screen)]) -> Canvas {
    let (cell_width, cell_height) = (size.0.max(140) + GAP, size.1 + GAP + NAME);
    let columns = ((SHEET_WIDTH_MAX - GAP) / cell_width).clamp(1, screens.len() as u32);
    let rows = (screens.len() as u32).div_ceil(columns);
    let mut canvas = Canvas::new(GAP + columns * cell_width, GAP + rows * cell_height);
    canvas.erase(Rgb888::new(0x8a, 0x8d, 0x93));
    for (index, (name, screen)) in (0..).zip(screens) {
        let left = GAP + index % columns * cell_width;
        let top = GAP + index / columns * cell_height;
        let corner = Point::new(left as i32, top as i32);
        let style = MonoTextStyle::new(&FONT_9X15, Rgb888::BLACK);
        let name = Text::with_baseline(name, corner, style, Baseline::Top);
        let Ok(_) = name.draw(&mut canvas);
        let mut picture = Canvas::new(size.0, size.1);
        draw(&mut picture, screen, frame, Mono::default())
            .unwrap_or_else(|error| panic!("{screen:?} at {size:?}: {error}"));
        let place = Rectangle::new(corner + Point::new(0, NAME as i32), picture.size());
        let Ok(()) =
            canvas.clipped(&place).fill_contiguous(&place, picture.pixels().iter().copied());
    }
    canvas
}

/// Writes every picture of the gallery to `folder`.
pub fn write(folder: &Path) {
    std::fs::create_dir_all(folder).expect("the directory can be made");
    for (name, sheet) in gallery() {
        let path = folder.join(format!("{name}.png"));
        std::fs::write(&path, encode(&sheet, 1).expect("encodes")).expect("writes");
    }
}

/// Compares the gallery with the pictures in `folder`; for each that differs, the actual picture
/// with the changed pixels in red goes to `differences`.
pub fn compare(folder: &Path, differences: &Path) -> Vec<PathBuf> {
    let mut wrong = Vec::new();
    for (name, sheet) in gallery() {
        let expected = read(&folder.join(format!("{name}.png")));
        if expected.as_ref() == Some(&sheet) {
            continue;
        }
        std::fs::create_dir_all(differences).expect("the directory can be made");
        let path = differences.join(format!("{name}.png"));
        let marked = difference(expected.as_ref(), &sheet);
        std::fs::write(&path, encode(&marked, 1).expect("encodes")).expect("writes");
        wrong.push(path);
    }
    wrong
}

/// The actual picture, paled, with each pixel that is not as expected in red.
fn difference(expected: Option<&Canvas>, actual: &Canvas) -> Canvas {
    let Size { width, height } = actual.size();
    let points = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let mut marked = Canvas::new(width, height);
    let pixels = points.map(|(x, y)| {
        let pixel = actual.pixel(x, y).expect("inside");
        let same = expected.is_some_and(|expected| expected.pixel(x, y) == Some(pixel));
        let pale = |value: u8| 192 + value / 4;
        match same {
            true => Rgb888::new(pale(pixel.r()), pale(pixel.g()), pale(pixel.b())),
            false => Rgb888::new(0xd0, 0, 0),
        }
    });
    let area = Rectangle::new(Point::zero(), actual.size());
    let Ok(()) = marked.fill_contiguous(&area, pixels.collect::<Vec<_>>());
    marked
}

/// A picture file of 8-bit RGB; `None` when there is none.
pub fn read(path: &Path) -> Option<Canvas> {
    let file = std::fs::File::open(path).ok()?;
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().ok()?;
    let (width, height) = reader.info().size();
    let mut bytes = vec![0; reader.output_buffer_size()?];
    reader.next_frame(&mut bytes).ok()?;
    let mut canvas = Canvas::new(width, height);
    let pixels = bytes.chunks_exact(3).map(|p| Rgb888::new(p[0], p[1], p[2]));
    let area = Rectangle::new(Point::zero(), Size::new(width, height));
    let Ok(()) = canvas.fill_contiguous(&area, pixels);
    Some(canvas)
}
