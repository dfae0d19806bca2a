//! The display as a part of a running terminal: a dead one begins no sale, a browser sees what the
//! shopper sees, and what lights up beside it does so in time.

use crate::gallery;
use crate::terminal::{PATIENCE, Program, Terminal, Wire};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use embedded_graphics::draw_target::DrawTarget as _;
use embedded_graphics::geometry::{OriginDimensions as _, Point, Size};
use embedded_graphics::primitives::Rectangle;
use klarna_terminald::display::canvas::Canvas;
use klarna_terminald::simulator::ShopperAction::{self, Approve};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// A free address of this computer, as a setting.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").to_string()
}

/// Adds settings that name what stands in the terminal's own directory.
fn configure(terminal: &Terminal, settings: &str) {
    let config = fs::File::options().append(true).open(terminal.path("terminal.toml"));
    config.and_then(|mut file| file.write_all(settings.as_bytes())).expect("writes");
}

/// A browser's view: the picture that its script has put together, and the words.
struct Browser {
    events: BufReader<TcpStream>,
    picture: Canvas,
    words: String,
    changes: usize,
}

impl Browser {
    /// Asks once more until the terminal listens.
    fn open(address: &str) -> Self {
        let begun = std::time::Instant::now();
        let mut stream = loop {
            match TcpStream::connect(address) {
                Ok(stream) => break stream,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{address}: {error}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        write!(stream, "GET /display/events HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("asks");
        let events = BufReader::new(stream);
        let mut browser =
            Self { events, picture: Canvas::new(0, 0), words: String::new(), changes: 0 };
        browser.next();
        browser
    }

    /// Takes the next event.
    fn next(&mut self) {
        loop {
            let mut line = String::new();
            assert!(self.events.read_line(&mut line).expect("an event") > 0, "the end");
            let Some(data) = line.strip_prefix("data: ") else { continue };
            let frame: Value = serde_json::from_str(data).expect("JSON");
            let side = |side: &str| frame[side].as_u64().expect("a side") as u32;
            let size = Size::new(side("width"), side("height"));
            if self.picture.size() != size {
                self.picture = Canvas::new(size.width, size.height);
            }
            for part in frame["parts"].as_array().expect("parts") {
                self.draw(part);
            }
            self.changes += 1;
            frame["text"].as_str().expect("words").clone_into(&mut self.words);
            return;
        }
    }

    fn draw(&mut self, part: &Value) {
        let bytes = STANDARD.decode(part["png"].as_str().expect("a PNG")).expect("base 64");
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        fs::write(file.path(), bytes).expect("writes");
        let picture = gallery::read(file.path()).expect("a picture");
        let at = |name: &str| part[name].as_i64().expect("a place") as i32;
        let area = Rectangle::new(Point::new(at("x"), at("y")), picture.size());
        let Ok(()) = self.picture.fill_contiguous(&area, picture.pixels().iter().copied());
    }

    /// Waits until the words begin like this.
    fn sees(&mut self, words: &str) {
        while !self.words.starts_with(words) {
            self.next();
        }
    }
}

/// The whole answer; what there is of it where the terminal hangs up in the middle of a question.
fn get(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connects");
    let mut answer = Vec::new();
    let asked = write!(stream, "{request}\r\nConnection: close\r\n\r\n");
    let _ = asked.and_then(|()| stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_sees_what_the_shopper_sees() {
    let address = free_address();
    let mirror = format!("{address:?}");
    let settings = [("display.mirror", mirror.as_str())];
    let mut terminal = Terminal::prepare(Wire::Tcp, Program::Here, &settings).await;
    terminal.switch_on_unheard();
    let mut browser = tokio::task::block_in_place(|| Browser::open(&address));
    tokio::task::block_in_place(|| browser.sees("Keine Kasse verbunden"));
    terminal.till.reconnect(terminal.address().to_owned().as_str()).await;
    terminal.till.greet().await;
    tokio::task::block_in_place(|| browser.sees("Test Store"));
    terminal.till.ask_sale("R-1", 1234).await;
    let url = terminal.scan().await;
    tokio::task::block_in_place(|| browser.sees("Scannen und mit Klarna bezahlen. 12,34"));
    let seen = || {
        gallery::read(&terminal.path("screen.png")).is_some_and(|shown| shown == browser.picture)
    };
    terminal.until("the browser has the same picture", seen).await;
    let file = terminal.path("browser.png");
    let bytes = klarna_terminald::display::png::encode(&browser.picture, 1).expect("encodes");
    fs::write(&file, bytes).expect("writes");
    assert_eq!(crate::terminal::decode(&file), Some(vec![url]), "and its code can be scanned");
    terminal.shopper(ShopperAction::Open);
    tokio::task::block_in_place(|| browser.sees("Weiter auf Ihrem Handy"));
    terminal.shopper(Approve);
    terminal.till.result("R-1").await;
    tokio::task::block_in_place(|| browser.sees("Zahlung erfolgreich"));
    assert!(browser.changes > 5, "{}", browser.changes);
    terminal.till.acknowledge("R-1").await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mirror_only_shows_and_only_on_this_computer() {
    let address = free_address();
    let mirror = format!("{address:?}");
    let terminal = Terminal::tcp(&[("display.mirror", mirror.as_str())]).await;
    drop(tokio::task::block_in_place(|| Browser::open(&address)));
    let ask = |request: &str| tokio::task::block_in_place(|| get(&address, request));
    let host = format!("Host: {address}");
    let page = ask(&format!("GET /display HTTP/1.1\r\n{host}"));
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("What the shopper sees"), "{page}");
    assert!(page.contains("content-security-policy: default-src 'none'"), "{page}");
    let picture = ask(&format!("GET /display/screen.png HTTP/1.1\r\n{host}"));
    assert!(picture.contains("content-type: image/png") && picture.contains("PNG"));
    for (request, status) in [
        (format!("POST /display HTTP/1.1\r\n{host}\r\nContent-Length: 0"), "405"),
        ("GET /display HTTP/1.1\r\nHost: shop.example".to_owned(), "421"),
        (format!("GET /etc/passwd HTTP/1.1\r\n{host}"), "404"),
        (format!("GET /display/../../etc/passwd HTTP/1.1\r\n{host}"), "404"),
    ] {
        let answer = ask(&request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {answer}");
    }
    let endless = ask(&format!("GET /display HTTP/1.1\r\n{host}\r\nX: {}", "x".repeat(40_000)));
    assert!(endless.is_empty() || endless.starts_with("HTTP/1.1 431"), "{endless}");
    // More silent connections than are served at once do not stop a payment.
    let silent: Vec<TcpStream> =
        (0..100).map(|_| TcpStream::connect(&address).expect("connects")).collect();
    let mut terminal = terminal;
    terminal.sell_and_acknowledge("R-1", 500).await;
    drop(silent);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_display_that_dies_ends_no_sale_and_begins_none() {
    let mut terminal = Terminal::prepare(Wire::Tcp, Program::Binary, &[]).await;
    let folder = terminal.path("screens");
    fs::create_dir(&folder).expect("a directory");
    let config = terminal.path("terminal.toml");
    let text = fs::read_to_string(&config).expect("the configuration");
    let text = text.replace("screen.png", "screens/screen.png");
    fs::write(&config, text).expect("writes");
    terminal.switch_on().await;
    terminal.till.ask_sale("R-1", 500).await;
    // Its directory is gone: the next screen cannot be shown.
    fs::remove_dir_all(&folder).expect("removes");
    terminal.shopper(Approve);
    let result = terminal.till.result("R-1").await;
    assert_eq!(result["status"], "approved", "a sale that runs goes on");
    let log = terminal.path("log");
    let told = || fs::read_to_string(&log).is_ok_and(|log| log.contains("no sale is begun"));
    terminal.until("the log says that the display is dead", told).await;
    terminal.till.acknowledge("R-1").await;
    terminal.till.say(r#"{"op":"sale","ref":"R-2","amount":500,"currency":"EUR"}"#);
    let error = terminal.till.error("R-2").await;
    assert_eq!(error["code"], "out_of_service", "{error}");
    assert!(error["text"].as_str().is_some_and(|text| text.contains("no code can be shown")));
    // A sale that is known is answered as ever.
    terminal.till.say(r#"{"op":"sale","ref":"R-1","amount":500,"currency":"EUR"}"#);
    assert_eq!(terminal.till.result("R-1").await["status"], "approved");
    fs::create_dir(&folder).expect("a directory");
    let back = || fs::read_to_string(&log).is_ok_and(|log| log.contains("should again"));
    terminal.until("the display works again", back).await;
    terminal.sell_and_acknowledge("R-3", 700).await;
    terminal.finish().await;
}

/// The file that a picture is written to first is a pipe that nobody reads: writing never ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_display_that_takes_nothing_begins_no_sale_and_holds_up_no_stop() {
    let mut terminal = Terminal::binary(&[]).await;
    terminal.idle().await;
    mknodat(CWD, terminal.path("screen.png.new"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
        .expect("a pipe");
    terminal.till.ask_sale("R-1", 500).await;
    terminal.till.say(r#"{"op":"abort","ref":"R-1"}"#);
    assert_eq!(terminal.till.result("R-1").await["reason"], "aborted_by_till");
    // It is called stuck after five seconds.
    tokio::time::sleep(Duration::from_millis(5_500)).await;
    terminal.till.say(r#"{"op":"sale","ref":"R-2","amount":500,"currency":"EUR"}"#);
    let error = terminal.till.error("R-2").await;
    assert!(error["text"].as_str().is_some_and(|text| text.contains("does not take")), "{error}");
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_frame_buffer_the_till_hears_it_before_a_sale() {
    for (device, says) in [("/nonexistent/fb0", "fb0"), ("/dev/null", "no frame buffer device")] {
        let device = format!("{device:?}");
        let settings = [("display.output", "\"framebuffer\""), ("display.device", device.as_str())];
        let mut terminal = Terminal::tcp(&settings).await;
        terminal.till.say(r#"{"op":"sale","ref":"R-1","amount":500,"currency":"EUR"}"#);
        let error = terminal.till.error("R-1").await;
        assert_eq!(error["code"], "out_of_service", "{error}");
        assert!(error["text"].as_str().is_some_and(|text| text.contains(says)), "{error}");
        terminal.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panel_too_small_for_a_code_shows_its_link_or_sells_nothing() {
    let tiny = [("display.width", "128"), ("display.height", "64"), ("display.theme", "\"mono\"")];
    let mut terminal = Terminal::tcp(&tiny).await;
    terminal.sell_and_acknowledge("R-1", 500).await;
    terminal.finish().await;
    let absurd = [("display.width", "4096"), ("display.height", "64")];
    let mut terminal = Terminal::tcp(&absurd).await;
    terminal.sell_and_acknowledge("R-1", 500).await;
    terminal.finish().await;
    let narrow = [("display.width", "64"), ("display.height", "64")];
    let mut terminal = Terminal::tcp(&narrow).await;
    terminal.till.say(r#"{"op":"sale","ref":"R-1","amount":500,"currency":"EUR"}"#);
    let error = terminal.till.error("R-1").await;
    assert!(error["text"].as_str().is_some_and(|text| text.contains("larger panel")), "{error}");
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_has_all_the_light_and_the_lamp_asks_for_it() {
    let mut terminal = Terminal::prepare(Wire::Tcp, Program::Binary, &[]).await;
    let (light, lamp) = (terminal.path("light"), terminal.path("lamp"));
    for (folder, files) in [
        (&light, &[("max_brightness", "255"), ("brightness", "200")][..]),
        (
            &lamp,
            &[
                ("max_brightness", "1"),
                ("brightness", "0"),
                ("trigger", "[none] timer"),
                ("delay_on", "0"),
                ("delay_off", "0"),
            ],
        ),
    ] {
        fs::create_dir(folder).expect("a directory");
        for (name, value) in files {
            fs::write(folder.join(name), value).expect("writes");
        }
    }
    let spoken = terminal.path("spoken");
    let program = terminal.path("say");
    fs::write(&program, format!("#!/bin/sh\necho \"$2: $1\" >> {}\n", spoken.display()))
        .expect("writes");
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("may be run");
    configure(
        &terminal,
        &format!(
            "display.backlight = {light:?}\ndisplay.led = {lamp:?}\ndisplay.speech = \
             [{program:?}]\ndisplay.brightness = 40\n"
        ),
    );
    terminal.switch_on().await;
    let reads = |path: std::path::PathBuf| fs::read_to_string(path).unwrap_or_default();
    let level = || reads(light.join("brightness"));
    terminal.until("the light is low", || level() == "102").await;
    terminal.till.ask_sale("R-1", 500).await;
    terminal.scan().await;
    terminal.until("the light is full", || level() == "255").await;
    terminal.until("the lamp blinks", || reads(lamp.join("trigger")) == "timer").await;
    terminal.shopper(Approve);
    terminal.till.result("R-1").await;
    terminal.until("the light is low again", || level() == "102").await;
    let said = || reads(spoken.clone()).contains("de: Zahlung erfolgreich. 5,00");
    terminal.until("the voice has said it", said).await;
    terminal.till.acknowledge("R-1").await;
    terminal.switch_off().await;
    assert_eq!(level(), "200", "as it was found");
    terminal.switch_on().await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_press_opens_the_operators_page() {
    let mut terminal = Terminal::prepare(Wire::Tcp, Program::Binary, &[]).await;
    let keys = terminal.path("keys");
    mknodat(CWD, &keys, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    let address = free_address();
    configure(
        &terminal,
        &format!(
            "display.operator_input = {keys:?}\ndisplay.operator_key = 139\n\
             display.mirror = {address:?}\n"
        ),
    );
    let mut press = fs::File::options().read(true).write(true).open(&keys).expect("opens");
    terminal.switch_on().await;
    let mut browser = tokio::task::block_in_place(|| Browser::open(&address));
    // struct input_event of linux/input.h: two longs of time, type EV_KEY, KEY_MENU, pressed.
    let mut event = vec![0; 2 * size_of::<std::ffi::c_long>()];
    event.extend(1_u16.to_ne_bytes());
    event.extend(139_u16.to_ne_bytes());
    event.extend(1_i32.to_ne_bytes());
    press.write_all(&event).expect("presses");
    tokio::task::block_in_place(|| browser.sees("Terminalinformationen"));
    // A sale is more important.
    terminal.till.ask_sale("R-1", 500).await;
    tokio::task::block_in_place(|| browser.sees("Scannen"));
    terminal.shopper(Approve);
    terminal.till.result("R-1").await;
    terminal.till.acknowledge("R-1").await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_is_announced_and_no_sale_is_begun_in_it() {
    let address = free_address();
    let mirror = format!("{address:?}");
    let mut terminal = Terminal::tcp(&[("display.mirror", mirror.as_str())]).await;
    fs::write(terminal.path("updating"), "").expect("writes");
    let mut browser = tokio::task::block_in_place(|| Browser::open(&address));
    tokio::task::block_in_place(|| browser.sees("Software-Update"));
    terminal.till.say(r#"{"op":"sale","ref":"A-1","amount":500,"currency":"EUR"}"#);
    let refused = terminal.till.error("A-1").await;
    assert_eq!(refused["code"], "out_of_service", "{refused}");
    assert!(refused["text"].as_str().is_some_and(|text| text.contains("updated")), "{refused}");
    // The new software has started.
    terminal.switch_off().await;
    terminal.switch_on().await;
    assert!(!terminal.path("updating").exists(), "the update is over");
    terminal.sell_and_acknowledge("A-2", 500).await;
    terminal.finish().await;
}
