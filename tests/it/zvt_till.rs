//! The binary's `till` command against the real daemon: what a cashier reads, the exit codes, and
//! the record of the dialogue.

use crate::cli::{check, text};
use crate::terminal::{PATIENCE, Program, Terminal, Wire, loopback};
use klarna_terminald::pos::zvt::trace::{self, Said, Side};
use klarna_terminald::simulator::ShopperAction;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

const SETTINGS: &[(&str, &str)] = &[
    ("till.protocol", "\"zvt\""),
    ("till.terminal_id", "\"12345678\""),
    ("till.password", "\"123456\""),
];

async fn start(wire: Wire) -> Terminal {
    let mut terminal = Terminal::prepare(wire, Program::Here, SETTINGS).await;
    terminal.till.unplug();
    terminal.switch_on_unheard();
    if wire == Wire::Tcp {
        let listens = || std::net::TcpStream::connect(terminal.address()).is_ok();
        terminal.until("the terminal listens", listens).await;
    }
    terminal
}

/// The options that every command begins with.
fn options(at: &str, trace: &str) -> Vec<String> {
    let options = ["till", "--connect", at, "--password", "123456", "--trace", trace, "--yes"];
    options.map(str::to_owned).to_vec()
}

/// Runs a command to its end on a thread of its own, so that the shopper can act meanwhile.
async fn cashier(options: &[String], words: &str, code: i32, says: &[&str]) -> String {
    let arguments = with(options, words);
    let says: Vec<String> = says.iter().map(|words| (*words).to_owned()).collect();
    let ended = tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let says: Vec<&str> = says.iter().map(String::as_str).collect();
        check(&arguments, code, &says)
    });
    ended.await.expect("the command says what it should")
}

fn with(options: &[String], words: &str) -> Vec<String> {
    options.iter().cloned().chain(words.split_whitespace().map(str::to_owned)).collect()
}

/// Waits for a new payment request; the shopper acts on it.
async fn shopper(terminal: &Terminal, before: usize, action: ShopperAction) {
    terminal.until("a payment request", || terminal.simulator.requests().len() > before).await;
    terminal.scan().await;
    let request = terminal.simulator.requests().pop().expect("just seen");
    terminal.simulator.shopper(&request.id, action).expect("the shopper can do that");
}

async fn pay(terminal: &Terminal, options: &[String], amount: &str, says: &[&str]) -> String {
    let before = terminal.simulator.requests().len();
    let words = format!("pay {amount}");
    let (said, ()) = tokio::join!(
        cashier(options, &words, 0, says),
        shopper(terminal, before, ShopperAction::Approve)
    );
    said
}

/// A payment that the cashier aborts with Ctrl-C once the shopper has been declined.
async fn pay_and_interrupt(terminal: &Terminal, options: &[String]) -> String {
    let before = terminal.simulator.requests().len();
    let child = Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
        .args(with(options, "pay 11.00"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary");
    shopper(terminal, before, ShopperAction::Decline).await;
    interrupt(&child);
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().expect("it ends"));
    let output = ended.await.expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}

fn interrupt(child: &Child) {
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(pid.expect("a process"), rustix::process::Signal::INT)
        .expect("it runs");
}

/// Everything that a cashier does in a day.
async fn a_day(terminal: &Terminal, at: &str) {
    let trace = terminal.path("trace.txt");
    let options = options(at, text(&trace));
    cashier(&options, "status", 0, &["STATUS: ready (00), software"]).await;
    cashier(&options, "register", 0, &["REGISTERED terminal 12345678 EUR"]).await;
    let says = ["terminal: Bitte warten", "KUNDENBELEG", "PAID 10.10 EUR receipt 0001"];
    pay(terminal, &options, "10.10", &says).await;
    let said = pay_and_interrupt(terminal, &options).await;
    assert!(said.ends_with("NOT PAID: aborted (6C)\n"), "{said}");
    cashier(&options, "repeat", 1, &["NOT PAID: aborted (6C)"]).await;
    pay(terminal, &options, "16,16", &["PAID 16.16 EUR receipt 0003"]).await;
    cashier(&options, "repeat", 0, &["merchant's copy", "PAID 16.16 EUR receipt 0003"]).await;
    terminal.settled().await;
    cashier(&options, "refund 4.04 --receipt 1", 0, &["REFUNDED 4.04 EUR"]).await;
    cashier(&options, "reverse 3", 0, &["REVERSED 16.16 EUR receipt 0003"]).await;
    let twice = "NOT REVERSED: already reversed (B4)";
    cashier(&options, "reverse 3", 1, &[twice]).await;
    cashier(&options, "abort", 0, &["ABORTED"]).await;
    cashier(&options, "end-of-day", 0, &["CLOSED 6.06 EUR"]).await;
    terminal.settled().await;
    let refunded: Vec<i64> =
        terminal.klarna().values().flat_map(|book| book.refunded.clone()).collect();
    assert_eq!(refunded.iter().sum::<i64>(), 404 + 1616);

    let recorded = std::fs::read_to_string(trace).expect("the trace");
    assert!(recorded.contains("; abort: 6C aborted"), "{recorded}");
    assert!(!recorded.contains("12 34 56 BE"), "a password: {recorded}");
    let entries = trace::parse(&recorded).expect("a trace is read back");
    let first: Vec<&Said> = entries
        .iter()
        .filter(|entry| entry.side == Side::Till)
        .map(|entry| &entry.said)
        .take(1)
        .collect();
    assert_eq!(first, [&Said::Apdu(vec![0x05, 0x01, 0x03, 0, 0, 0])], "its password is hidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_over_tcp() {
    let terminal = start(Wire::Tcp).await;
    a_day(&terminal, terminal.address()).await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_over_a_serial_line() {
    let mut terminal = Terminal::prepare(Wire::Serial, Program::Here, SETTINGS).await;
    terminal.till.unplug();
    let cable = Cable::between(&terminal.path("till"));
    terminal.switch_on_unheard();
    a_day(&terminal, &cable.till).await;
    let recorded = std::fs::read_to_string(terminal.path("trace.txt")).expect("the trace");
    assert!(recorded.contains("term < ACK") && recorded.contains("till > ACK"), "{recorded}");
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_is_unknown_and_can_be_asked_for() {
    let mut terminal = start(Wire::Tcp).await;
    let options = options(terminal.address(), text(&terminal.path("trace.txt")));
    // Without print commands the till makes its own receipt.
    let composing = with(&options, "--config-byte 0E");
    let said =
        pay(&terminal, &composing, "10.10", &["Amount", "PAID 10.10 EUR receipt 0001"]).await;
    assert!(!said.contains("KUNDENBELEG"), "{said}");
    let before = terminal.simulator.requests().len();
    // The terminal is restarted while the shopper pays.
    let restart = async {
        terminal.until("a payment request", || terminal.simulator.requests().len() > before).await;
        terminal.switch_off().await;
        terminal.switch_on_unheard();
    };
    let says = ["UNKNOWN: the connection is lost; ask with: repeat"];
    tokio::join!(cashier(&options, "pay 10.10", 3, &says), restart);
    let listens = || std::net::TcpStream::connect(terminal.address()).is_ok();
    terminal.until("the terminal listens", listens).await;
    cashier(&options, "repeat", 1, &["NOT PAID: aborted (6C)"]).await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_not_moved_unasked_and_refusals_are_words() {
    let terminal = start(Wire::Tcp).await;
    let mut options = options(terminal.address(), text(&terminal.path("trace.txt")));
    let at = options.clone();
    options.pop();
    for words in ["reverse 1", "refund 1 --receipt 1", "end-of-day", "book 1 1", "cancel 1"] {
        cashier(&options, words, 1, &["add --yes"]).await;
    }
    cashier(&at, "reverse 1", 1, &["NOT REVERSED: function deactivated or not registered (6B)"])
        .await;
    cashier(&options, "pay 1.234", 1, &["not an amount"]).await;
    options.extend(["--password", "000000"].map(str::to_owned));
    options.drain(3..5);
    let refused = "NOT REGISTERED: wrong password (37)";
    cashier(&options, "pay 1", 1, &[refused, "NOT PAID: the till is not registered"]).await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_at_a_terminal() {
    let terminal = start(Wire::Tcp).await;
    let (mut desk, name) = end();
    let at_desk = || File::options().read(true).write(true).open(&name).expect("the far end");
    let mut child = Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
        .args(["till", "--connect", terminal.address(), "--password", "123456"])
        .stdin(at_desk())
        .stdout(at_desk())
        .spawn()
        .expect("the binary");
    let mut reader = desk.try_clone().expect("a second handle");
    let (heard_in, mut heard) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            let _ = heard_in.send(String::from_utf8_lossy(&buffer[..count]).into_owned());
        }
    });
    let mut said = String::new();
    let mut until = async |words: &str| {
        while !said.contains(words) {
            let more = tokio::time::timeout(PATIENCE, heard.recv()).await;
            said += &more.ok().flatten().unwrap_or_else(|| panic!("no {words:?} in {said}"));
        }
        said.clear();
    };
    until("REGISTERED terminal 12345678 EUR\ntill> ").await;
    desk.write_all(b"pay 10.10\n").expect("typed");
    shopper(&terminal, 0, ShopperAction::Open).await;
    desk.write_all(b"repeat\n").expect("typed");
    until("please wait, or type abort").await;
    let request = terminal.simulator.requests().pop().expect("a request");
    terminal.simulator.shopper(&request.id, ShopperAction::Approve).expect("approved");
    until("PAID 10.10 EUR receipt 0001").await;
    desk.write_all(b"reverse 1\nno\n").expect("typed");
    until("nothing was done").await;
    desk.write_all(b"pay 20\n").expect("typed");
    shopper(&terminal, 1, ShopperAction::Open).await;
    interrupt(&child);
    until("NOT PAID: aborted (6C)").await;
    desk.write_all(b"quit\n").expect("typed");
    let code = tokio::task::spawn_blocking(move || child.wait().expect("it ends").code()).await;
    assert_eq!(code.expect("it ends"), Some(0));
    terminal.finish().await;
}

#[test]
fn help_and_wrong_command_lines() {
    let help = check(&["till", "--help"], 0, &["--connect <HOST|DEVICE>", "[default: BE]"]);
    for words in ["end-of-day", "possible values: zvt", "Exit codes", "3 unknown", "Ctrl-C"] {
        assert!(help.contains(words), "{words}\n{help}");
    }
    check(&["till", "pay", "1"], 2, &["--connect"]);
    let at = ["till", "--connect", "127.0.0.1:1"];
    check(&at, 2, &["what shall the till do?"]);
    check(&[&at[..], &["pay"]].concat(), 2, &["<AMOUNT>"]);
    check(&[&at[..], &["--protocol", "o.p.i.", "repeat"]].concat(), 2, &["possible values: zvt"]);
    check(&[&at[..], &["--password", "12", "repeat"]].concat(), 2, &["exactly 6 digits"]);
    check(&[&at[..], &["reverse", "12345"]].concat(), 2, &["up to 4 digits"]);
    check(&[&at[..], &["repeat"]].concat(), 1, &["cannot connect to the terminal at 127.0.0.1:1"]);
    check(&["till", "--connect", "/dev/nothing", "repeat"], 1, &["cannot open /dev/nothing"]);
}

#[test]
fn the_demo_tells_a_day_and_its_dialogue_reads_back() {
    let told = check(&["demo", "--till", "zvt", "--script"], 0, &["They agree: 2 payments"]);
    for line in [
        "reads: PAID 10.10 EUR receipt 0001",
        "reads: NOT PAID: aborted (6C)",
        "reads: PAID 16.16 EUR receipt 0003",
        "reads: REVERSED 16.16 EUR receipt 0003",
        "reads: CLOSED 10.10 EUR",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    let dialogue = dialogue(told.lines().take_while(|line| *line != "The books"));
    let entries = trace::parse(&dialogue).expect("a dialogue");
    let authorised = |entry: &&trace::Entry| matches!(&entry.said, Said::Apdu(bytes) if bytes.starts_with(&[0x06, 0x01]));
    assert_eq!(entries.iter().filter(authorised).count(), 3);
    check(&["demo", "--listen", "pty"], 1, &["--listen needs --till zvt"]);
}

/// A demo that waits for a till, and where it waits.
/// What is said, of all that the demo prints.
fn dialogue<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let marks = ["till >", "term <", "       "];
    let said = lines.filter(|line| marks.iter().any(|mark| line.starts_with(mark)));
    said.map(|line| format!("{line}\n")).collect()
}

/// The words of the decoded fields on the page are written by the trace from the bytes beside them.
#[test]
fn the_transcript_on_the_page_is_what_its_bytes_say() {
    let page = std::fs::read_to_string("docs/zvt.md").expect("the page");
    let chapter = page.split("## A payment, byte for byte").nth(1).expect("its chapter");
    let transcript = chapter.split("```").nth(1).expect("a transcript");
    let dialogue = dialogue(transcript.lines());
    let entries = trace::parse(&dialogue).expect("a dialogue");
    assert!(entries.len() > 20, "{dialogue}");
    let currency = klarna_terminald::money::Currency::new("EUR").expect("EUR");
    let charset = klarna_terminald::pos::zvt::charset::Charset::Cp437;
    let words = trace::Words { charset, currency };
    let again: String = entries.iter().map(|entry| entry.write(words)).collect();
    assert_eq!(again, dialogue);
}

fn demo_without_a_till(listen: &str) -> (Child, String) {
    use std::io::{BufRead as _, BufReader};
    let mut demo = Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
        .args(["demo", "--till", "zvt", "--listen", listen])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut said = BufReader::new(demo.stdout.take().expect("stdout")).lines();
    let first = said.next().expect("a line").expect("a line");
    let place = first.split_whitespace().find(|word| word.starts_with("/dev/"));
    let place = place.map_or(listen.to_owned(), |word| word.trim_end_matches(':').to_owned());
    // It writes as long as it runs.
    std::thread::spawn(move || said.for_each(drop));
    (demo, place)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_without_a_till_takes_any_till() {
    let address = loopback();
    for listen in [address.as_str(), "pty"] {
        let (demo, place) = demo_without_a_till(listen);
        let options = ["till", "--connect", place.as_str()].map(str::to_owned).to_vec();
        let deadline = Instant::now() + PATIENCE;
        while listen != "pty" && std::net::TcpStream::connect(listen).is_err() {
            assert!(Instant::now() < deadline, "the demo does not listen");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        cashier(&options, "pay 16.16", 0, &["PAID 16.16 EUR receipt 0001"]).await;
        interrupt(&demo);
        let ended = tokio::task::spawn_blocking(move || {
            let mut demo = demo;
            demo.wait().expect("it ends")
        });
        assert_eq!(ended.await.expect("it ends").code(), Some(0));
    }
}

/// Two pseudo terminals with a thread that carries bytes between them.
struct Cable {
    /// The till's end.
    till: String,
}

impl Cable {
    /// The terminal's end stands at `link`.
    fn between(link: &std::path::Path) -> Self {
        let ((till, till_name), (terminal, terminal_name)) = (end(), end());
        let _ = std::fs::remove_file(link);
        std::os::unix::fs::symlink(&terminal_name, link).expect("symbolic link");
        let (till, terminal) = (Arc::new(till), Arc::new(terminal));
        for (from, to) in [(till.clone(), terminal.clone()), (terminal, till)] {
            std::thread::spawn(move || carry(&from, &to));
        }
        Self { till: till_name }
    }
}

/// A raw pseudo terminal; its far end stays open, so that it stays raw while nobody else has it.
fn end() -> (File, String) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).expect("a pseudo terminal");
    grantpt(&master).expect("grantpt");
    unlockpt(&master).expect("unlockpt");
    let name = ptsname(&master, Vec::new()).expect("its name");
    let name = name.to_str().expect("a printable name").to_owned();
    let far = File::options().read(true).write(true).open(&name).expect("the far end");
    let mut modes = tcgetattr(&far).expect("modes");
    modes.make_raw();
    tcsetattr(&far, OptionalActions::Now, &modes).expect("raw");
    std::mem::forget(far);
    (File::from(master), name)
}

fn carry(mut from: &File, mut to: &File) {
    let mut buffer = [0; 256];
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        match from.read(&mut buffer) {
            Ok(count @ 1..) => to.write_all(&buffer[..count]).expect("the other end"),
            Ok(_) | Err(_) => std::thread::sleep(std::time::Duration::from_millis(5)),
        }
    }
}
