//! Every screen on every size of panel and in every language: nothing clipped, nothing overlaps,
//! codes are read by an independent decoder, and each state has a picture.
//!
//! `cargo run --example gallery`, or `UPDATE_GOLDEN=1`, rewrites the pictures in `docs/gallery`.

use crate::gallery::{
    self, SCANNABLE, SIZES, amount, frame, frame_for, scan, screens, seconds, url, uuid,
};
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::{Rgb565, Rgb888};
use embedded_graphics::prelude::RgbColor;
use embedded_graphics::primitives::{PointsIter, Rectangle};
use klarna_terminald::clock::Mono;
use klarna_terminald::display::canvas::Canvas;
use klarna_terminald::display::damage::damage;
use klarna_terminald::display::screen::{DrawError, Drawn, Scene, draw};
use klarna_terminald::display::theme::Theme;
use klarna_terminald::display::{Display, Frame, Output, OutputConfig, Role, ansi};
use klarna_terminald::i18n::{LANGS, Lang};
use klarna_terminald::payment::screen::Screen;
use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

fn drawn(screen: &Screen, frame: &Frame, (width, height): (u32, u32)) -> (Canvas, Drawn) {
    let mut canvas = Canvas::new(width, height);
    let drawn = draw(&mut canvas, screen, frame, Mono::default())
        .unwrap_or_else(|error| panic!("{screen:?} at {width} x {height}: {error}"));
    (canvas, drawn)
}

/// A panel that takes pixels and forgets them: quick, where only the boxes matter.
struct Sketch(Size);

impl OriginDimensions for Sketch {
    fn size(&self) -> Size {
        self.0
    }
}

impl DrawTarget for Sketch {
    type Color = Rgb888;
    type Error = Infallible;
    fn draw_iter<I>(&mut self, _: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        Ok(())
    }
    fn fill_contiguous<I>(&mut self, _: &Rectangle, _: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Rgb888>,
    {
        Ok(())
    }
    fn fill_solid(&mut self, _: &Rectangle, _: Rgb888) -> Result<(), Infallible> {
        Ok(())
    }
}

fn sketched(screen: &Screen, frame: &Frame, (width, height): (u32, u32)) -> Drawn {
    draw(&mut Sketch(Size::new(width, height)), screen, frame, Mono::default())
        .unwrap_or_else(|error| panic!("{screen:?} at {width} x {height}: {error}"))
}

/// Everything is inside the panel and nothing shares a pixel with anything else.
fn check_boxes(drawn: &Drawn, size: (u32, u32), context: &str) {
    let panel = Rectangle::new(Point::zero(), Size::new(size.0, size.1));
    for (index, one) in drawn.elements.iter().enumerate() {
        assert_eq!(one.bounds.intersection(&panel), one.bounds, "{one:?} is clipped: {context}");
        for other in &drawn.elements[index + 1..] {
            let shared = one.bounds.intersection(&other.bounds);
            assert!(shared.is_zero_sized(), "{one:?} overlaps {other:?}: {context}");
        }
    }
}

#[test]
fn nothing_is_clipped_and_nothing_overlaps() {
    for lang in LANGS {
        for size in SIZES {
            let frame = frame_for(size, lang);
            for (name, screen) in screens(amount(123_456_789, "SEK")) {
                let drawn = sketched(&screen, &frame, size);
                let context = format!("{name} in {lang:?} at {size:?}");
                check_boxes(&drawn, size, &context);
                let roles: Vec<Role> = drawn.elements.iter().map(|e| e.role).collect();
                assert!(roles.contains(&Role::Title) || roles.contains(&Role::Name), "{context}");
                let descriptor = name == "scan-offer" || size.0 == 128;
                assert!(descriptor || !drawn.elided, "text was cut: {context}");
            }
        }
    }
}

#[test]
fn text_from_outside_cannot_break_a_screen() {
    let hostile = [
        "x".repeat(10_000),
        "wort ".repeat(2_000),
        "\u{202e}مرحبا بالعالم".to_owned(),
        "東京\u{1f600}".repeat(5_000),
        "\u{1b}[2J\r\n\t\0".to_owned(),
        "Ÿ̃̃̃̃".repeat(400),
        "…".repeat(50),
        String::new(),
    ];
    for text in hostile {
        let frame = Frame { merchant: text.clone(), ..frame(Lang::De) };
        for size in SIZES {
            let offer = Screen::Scan {
                url: url(&uuid(2)),
                amount: amount(i64::from(i32::MAX), "EUR"),
                descriptor: Some(text.clone()),
                again: false,
                due: seconds(u64::from(u32::MAX)),
            };
            for screen in [Screen::Idle, offer, Screen::Cancelled] {
                let context: String = text.chars().take(12).collect();
                check_boxes(&sketched(&screen, &frame, size), size, &context);
            }
        }
    }
}

#[test]
fn a_panel_that_is_too_small_is_refused_untouched() {
    for (_, screen) in screens(amount(1234, "EUR")) {
        for (width, height) in [(0, 0), (1, 1), (40, 10), (4096, 6)] {
            let mut canvas = Canvas::new(width, height);
            let result = draw(&mut canvas, &screen, &frame(Lang::De), Mono::default());
            assert!(matches!(result, Err(DrawError::Layout(_))), "{screen:?}: {result:?}");
            assert_eq!(canvas, Canvas::new(width, height));
        }
    }
}

fn decode(width: usize, height: usize, luma: impl FnMut(usize, usize) -> u8) -> Option<String> {
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, luma);
    let grids = image.detect_grids();
    grids.first().and_then(|grid| grid.decode().ok()).map(|(_, text)| text)
}

/// Reads the whole frame; a large one at half its size, as a camera further away would.
fn decode_canvas(canvas: &Canvas) -> Option<String> {
    let Size { width, height } = canvas.size();
    let step = if width.min(height) > 400 { 2 } else { 1 };
    let luma = |x: usize, y: usize| canvas.row((y * step) as u32)[x * step].g();
    decode(width as usize / step, height as usize / step, luma)
}

#[test]
fn every_code_is_read_by_an_independent_decoder() {
    let themes = [Theme::LIGHT, Theme::DARK];
    for seed in 0..64 {
        let url = url(&uuid(seed));
        let screen = scan(url.clone(), amount(123_450, "SEK"));
        let theme = themes[seed as usize % 2];
        for &size in SCANNABLE {
            let frame = Frame { theme, ..frame(Lang::Sv) };
            let (canvas, drawn) = drawn(&screen, &frame, size);
            let fit = drawn.qr.expect("there is a code");
            assert!(!fit.tight, "{fit:?} at {size:?}");
            assert_eq!(decode_canvas(&canvas).as_deref(), Some(url.as_str()), "{size:?}");
        }
    }
}

#[test]
fn the_quiet_zone_is_four_white_modules() {
    for &size in SCANNABLE {
        let screen = scan(url(&uuid(3)), amount(1234, "EUR"));
        let (canvas, drawn) = drawn(&screen, &frame(Lang::En), size);
        let code = drawn.elements.iter().find(|e| e.role == Role::Qr).expect("a code").bounds;
        let module = drawn.qr.expect("a code").module_px;
        let quiet = code.offset(-(module as i32));
        for point in quiet.points() {
            let inner = code.offset(-4 * module as i32).contains(point);
            let pixel = canvas.pixel(point.x as u32, point.y as u32).expect("inside");
            assert!(inner || pixel == Rgb888::WHITE, "{point} at {size:?}");
        }
    }
}

#[test]
fn terminal_codes_are_read_by_an_independent_decoder() {
    for seed in 0..60 {
        let url = url(&uuid(seed));
        let screen = scan(url.clone(), amount(1234, "EUR"));
        for (columns, rows) in [(80, 24), (53, 34), (120, 50), (200, 60)] {
            let text = ansi::render(&screen, &frame(Lang::De), Mono::default(), (columns, rows))
                .expect("renders");
            let (columns, rows) = (usize::from(columns), usize::from(rows));
            let cells = parse_ansi(&text, columns, rows);
            let luma = |x: usize, y: usize| {
                let (top, bottom) = cells[y / 4 / 2 * columns + x / 4];
                if (y / 4).is_multiple_of(2) { top } else { bottom }
            };
            let read = decode(columns * 4, rows * 8, luma);
            assert_eq!(read.as_deref(), Some(url.as_str()), "{columns} x {rows}");
        }
    }
}

#[test]
fn a_terminal_too_small_for_the_code_says_so() {
    let screen = scan(url(&uuid(4)), amount(1234, "EUR"));
    let text = ansi::render(&screen, &frame(Lang::En), Mono::default(), (40, 20)).expect("renders");
    assert!(text.contains("Make this window") && !text.contains('▀'), "{text}");
}

/// What a terminal would show: upper and lower brightness of every cell. Letters count as the
/// background that they stand on.
fn parse_ansi(text: &str, columns: usize, rows: usize) -> Vec<(u8, u8)> {
    let mut cells = vec![(0, 0); columns * rows];
    let (mut front, mut back, mut x, mut y) = (0, 0, 0, 0);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '\x1b' {
            cells[y * columns + x] = if c == '▀' { (front, back) } else { (back, back) };
            x += 1;
            continue;
        }
        let end = rest.find(|c: char| c.is_ascii_alphabetic()).expect("a whole sequence");
        let (sequence, next) = rest.split_at(end + 1);
        rest = next;
        let numbers: Vec<&str> = sequence[1..end].split(';').collect();
        let number = |index: usize| numbers[index].parse::<usize>().expect("a number");
        match (&sequence[end..], numbers[0]) {
            ("H", _) => (y, x) = (number(0) - 1, number(1) - 1),
            ("m", "38") => front = number(3) as u8,
            ("m", "48") => back = number(3) as u8,
            ("m" | "h" | "l", _) => {}
            (other, _) => panic!("unexpected sequence {other:?}"),
        }
    }
    cells
}

#[test]
fn any_colour_depth_can_be_drawn_on() {
    let mut panel = Panel(vec![Rgb565::BLACK; 240 * 320]);
    let screen = scan(url(&uuid(5)), amount(1234, "EUR"));
    draw(&mut panel, &screen, &frame(Lang::Fi), Mono::default()).expect("draws");
    let read = decode(240, 320, |x, y| panel.0[y * 240 + x].g() << 2);
    assert_eq!(read.as_deref(), Some(url(&uuid(5)).as_str()));
}

/// A 16-bit panel of 240 x 320 pixels, as a driver crate would offer it.
struct Panel(Vec<Rgb565>);

impl OriginDimensions for Panel {
    fn size(&self) -> Size {
        Size::new(240, 320)
    }
}

impl DrawTarget for Panel {
    type Color = Rgb565;
    type Error = String;
    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), String>
    where
        I: IntoIterator<Item = Pixel<Rgb565>>,
    {
        for Pixel(point, color) in pixels {
            self.0[(point.y * 240 + point.x) as usize] = color;
        }
        Ok(())
    }
}

#[test]
fn a_display_draws_once_and_again_when_told() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let path = folder.path().join("screen.png");
    let config = OutputConfig::Png { path: path.clone(), width: 240, height: 320, scale: 1 };
    let output = Output::open(&config).expect("opens");
    let mut display = Display::new(output, frame(Lang::En));
    display.show(&Screen::Idle, Mono::default()).expect("shows");
    std::fs::remove_file(&path).expect("was written");
    display.show(&Screen::Idle, Mono::default()).expect("is on show already");
    assert!(!path.exists());
    display.show(&Screen::Cancelled, Mono::default()).expect("shows");
    assert!(path.exists());
    std::fs::remove_file(&path).expect("was written");
    display.forget();
    display.show(&Screen::Cancelled, Mono::default()).expect("shows");
    assert!(path.exists());
    let mut nowhere =
        Display::new(Output::open(&OutputConfig::None).expect("opens"), frame(Lang::En));
    nowhere.show(&Screen::Idle, Mono::default()).expect("nothing to do");
}

#[test]
fn what_moves_is_drawn_by_itself_and_the_code_is_not_touched() {
    let second = Frame { second_lang: Some(Lang::Fi), ..frame(Lang::De) };
    let paying = Screen::ShopperPaying { amount: amount(4_990, "EUR"), due: seconds(272) };
    for &size in SCANNABLE {
        for screen in [scan(url(&uuid(9)), amount(4_990, "EUR")), paying.clone()] {
            let panel = Size::new(size.0, size.1);
            let mut scene = Scene::new(&screen, &second, panel, Mono::default()).expect("fits");
            let mut canvas = Canvas::new(size.0, size.1);
            let Ok(drawn) = scene.draw(&mut canvas, Mono::default());
            let code = drawn.elements.iter().find(|e| e.role == Role::Qr).map(|e| e.bounds);
            let (mut now, mut languages) = (Mono::default(), 0);
            while let Some(wait) = scene.next(now).filter(|_| now < seconds(280)) {
                now = now.after(wait.max(Duration::from_millis(450)));
                let before = canvas.clone();
                let Ok(touched) = scene.advance(&mut canvas, now);
                let mut told = before;
                touched.iter().for_each(|area| told.copy(&canvas, area));
                assert!(told == canvas, "more has changed than was told at {size:?}");
                let apart = |a: &Rectangle| code.is_none_or(|c| a.intersection(&c).is_zero_sized());
                assert!(touched.iter().all(apart), "the code was touched at {size:?}");
                languages += usize::from(touched.len() > 2);
            }
            assert!(now >= seconds(272) && languages > 3, "{languages} turns until {now:?}");
            let mut whole = Canvas::new(size.0, size.1);
            let Ok(_) = scene.draw(&mut whole, now);
            assert!(damage(&whole, &canvas).is_empty(), "{size:?} drawn as a whole is different");
        }
    }
}

#[test]
fn two_languages_share_every_place() {
    for second in LANGS {
        for size in SIZES {
            let frame = Frame { second_lang: Some(second), ..frame_for(size, Lang::De) };
            for (name, screen) in screens(amount(123_456_789, "SEK")) {
                let panel = Size::new(size.0, size.1);
                let mut scene = Scene::new(&screen, &frame, panel, Mono::default()).expect("fits");
                for now in [0, 5].map(seconds) {
                    let Ok(drawn) = scene.draw(&mut Sketch(panel), now);
                    check_boxes(&drawn, size, &format!("{name} and {second:?} at {size:?}"));
                }
            }
        }
    }
}

#[test]
fn large_letters_fit_in_every_language() {
    for lang in LANGS {
        for &size in SCANNABLE {
            let frame = Frame { large_text: true, theme: Theme::CONTRAST, ..frame(lang) };
            for (name, screen) in screens(amount(123_456_789, "SEK")) {
                check_boxes(&sketched(&screen, &frame, size), size, name);
            }
        }
    }
}

#[test]
fn a_screen_that_does_not_fit_leaves_no_code_behind() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let path = folder.path().join("screen.png");
    let config = OutputConfig::Png { path: path.clone(), width: 200, height: 320, scale: 1 };
    let mut display = Display::new(Output::open(&config).expect("opens"), frame(Lang::En));
    display.show(&scan(url(&uuid(6)), amount(1234, "EUR")), Mono::default()).expect("shows");
    let large = scan(url(&"x".repeat(230)), amount(1234, "EUR"));
    let error =
        display.show(&large, Mono::default()).expect_err("a code of 69 modules at three pixels");
    assert!(error.to_string().contains("use a larger panel"), "{error}");
    let shown = gallery::read(&path).expect("is a picture");
    assert!(shown.pixels().iter().all(|p| *p == shown.pixels()[0]), "the display is empty");
}

#[test]
fn every_screen_is_as_in_the_gallery() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let differences = root.join("target/gallery");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        gallery::write(&root.join("docs/gallery"));
    }
    let wrong = gallery::compare(&root.join("docs/gallery"), &differences);
    assert!(wrong.is_empty(), "cargo run --example gallery accepts these changes: {wrong:#?}");
}
