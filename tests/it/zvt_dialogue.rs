//! A till that speaks ZVT against the real daemon and the simulated Klarna, over TCP and over a
//! pseudo terminal. Its commands come from the `zvt` crate where it has them, and results are read
//! with it.

use crate::terminal::{PATIENCE, Program, Terminal, Wire};
use klarna_terminald::pos::zvt::frame::{self, Deframer, Received};
use klarna_terminald::pos::zvt::stream::{self, Splitter};
use klarna_terminald::simulator::ShopperAction;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};
use zvt::{ZvtSerializer, packets};

const SETTINGS: &[(&str, &str)] =
    &[("till.protocol", "\"zvt\""), ("till.terminal_id", "\"12345678\"")];
const ACK: &[u8] = &[0x80, 0x00, 0x00];
const DONE: &[u8] = &[0x06, 0x0F, 0x00];
const REPEAT: &[u8] = &[0x06, 0x20, 0x05, 0, 0, 0, 0x03, 0x03];

/// The cash register.
struct Till {
    wire: Plug,
    heard: VecDeque<Vec<u8>>,
    log: Vec<String>,
}

enum Plug {
    Serial(File, Deframer),
    Tcp(TcpStream, Splitter),
}

impl Till {
    /// A new connection, as soon as the terminal listens.
    async fn connect(address: &str) -> Self {
        let deadline = Instant::now() + PATIENCE;
        let stream = loop {
            match TcpStream::connect(address) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        stream.set_nonblocking(true).unwrap();
        stream.set_nodelay(true).unwrap();
        Self::on(Plug::Tcp(stream, Splitter::new()))
    }

    /// A new pseudo terminal in the place of the terminal's port.
    fn plug_in(link: &Path) -> Self {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let name = name.to_str().unwrap().to_owned();
        let far = File::options().read(true).write(true).open(&name).unwrap();
        let mut modes = tcgetattr(&far).unwrap();
        modes.make_raw();
        tcsetattr(&far, OptionalActions::Now, &modes).unwrap();
        let _ = std::fs::remove_file(link);
        std::os::unix::fs::symlink(&name, link).unwrap();
        Self::on(Plug::Serial(File::from(master), Deframer::new()))
    }

    fn on(wire: Plug) -> Self {
        Self { wire, heard: VecDeque::new(), log: Vec::new() }
    }

    fn write(&mut self, bytes: &[u8]) {
        match &mut self.wire {
            Plug::Serial(master, _) => master.write_all(bytes).unwrap(),
            Plug::Tcp(stream, _) => stream.write_all(bytes).unwrap(),
        }
    }

    fn say(&mut self, apdu: &[u8]) {
        self.log.push(format!("till ▶ {apdu:02X?}"));
        match &self.wire {
            Plug::Serial(..) => self.write(&frame::encode(apdu)),
            Plug::Tcp(..) => self.write(apdu),
        }
    }

    fn read(&mut self) {
        let mut buffer = [0; 4096];
        match &mut self.wire {
            Plug::Tcp(stream, splitter) => {
                let Ok(count) = stream.read(&mut buffer) else { return };
                for received in splitter.feed(&buffer[..count]) {
                    let stream::Received::Apdu(apdu) = received else { panic!("{received:?}") };
                    self.heard.push_back(apdu);
                }
            }
            Plug::Serial(master, deframer) => {
                let mut fds = [PollFd::from_borrowed_fd(master.as_fd(), PollFlags::IN)];
                let none = Timespec { tv_sec: 0, tv_nsec: 0 };
                if poll(&mut fds, Some(&none)).unwrap_or(0) == 0
                    || !fds[0].revents().contains(PollFlags::IN)
                {
                    return;
                }
                let Ok(count) = master.read(&mut buffer) else { return };
                for received in deframer.feed(&buffer[..count]) {
                    if let Received::Apdu(apdu) = received {
                        self.heard.push_back(apdu);
                        master.write_all(&[frame::ACK]).unwrap();
                    }
                }
            }
        }
    }

    /// The next APDU.
    async fn hear(&mut self) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(apdu) = self.heard.pop_front() {
                self.log.push(format!("     ◀ {apdu:02X?}"));
                return apdu;
            }
            assert!(Instant::now() < deadline, "nothing is heard\n{}", self.log.join("\n"));
            self.read();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn expect(&mut self, apdu: &[u8]) {
        let heard = self.hear().await;
        assert_eq!(heard, apdu, "{}", self.log.join("\n"));
    }

    /// The next APDU, acknowledged.
    async fn take(&mut self) -> Vec<u8> {
        let heard = self.hear().await;
        self.say(ACK);
        heard
    }

    /// Acknowledges intermediate states; the first other block.
    async fn result(&mut self) -> Vec<u8> {
        loop {
            let heard = self.hear().await;
            if !heard.starts_with(&[0x04, 0xFF]) {
                return heard;
            }
            self.say(ACK);
        }
    }

    async fn register(&mut self, config_byte: u8) {
        let registration =
            packets::Registration { password: 0, config_byte, currency: Some(978), tlv: None };
        let apdu = registration.zvt_serialize();
        // A port that is not open yet loses what is sent.
        loop {
            self.say(&apdu);
            let heard = tokio::time::timeout(Duration::from_secs(2), self.hear()).await;
            match heard {
                Ok(heard) => break assert_eq!(heard, ACK, "{}", self.log.join("\n")),
                Err(_) => continue,
            }
        }
        let heard = self.take().await;
        assert!(heard.starts_with(&[0x06, 0x0F]), "{heard:02X?}");
    }

    /// From `06 01` until the shopper can scan.
    async fn sell(&mut self, terminal: &Terminal, amount: usize) {
        self.ask(terminal, 0x01, amount).await;
    }

    /// From `06 01` or `06 22` until the shopper can scan.
    async fn ask(&mut self, terminal: &Terminal, instruction: u8, amount: usize) {
        let before = terminal.simulator.requests().len();
        // The crate knows the reservation; the body of an authorisation is the same.
        let payment =
            packets::Reservation { amount: Some(amount), ..packets::Reservation::default() };
        let mut apdu = payment.zvt_serialize();
        apdu[1] = instruction;
        self.say(&apdu);
        self.expect(ACK).await;
        terminal.until("a payment request", || terminal.simulator.requests().len() > before).await;
        terminal.scan().await;
    }

    async fn sell_and_acknowledge(&mut self, terminal: &Terminal, amount: usize) -> Vec<u8> {
        self.sell(terminal, amount).await;
        act(terminal, ShopperAction::Approve);
        let status = self.result().await;
        assert_eq!(read(&status).result_code, Some(0));
        assert_eq!(read(&status).amount, Some(amount));
        self.say(ACK);
        assert_eq!(self.take().await, DONE);
        status
    }

    /// Asks how the terminal is until it is ready.
    async fn until_ready(&mut self) {
        loop {
            self.say(&[0x05, 0x01, 0x02, 0x03, 0x02]);
            self.expect(ACK).await;
            if self.take().await == [0x06, 0x0F, 0x01, 0x00] {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// `04 0F` and `06 1E` with this code.
    async fn fails(&mut self, code: u8) {
        let status = self.result().await;
        assert_eq!(read(&status).result_code, Some(code), "{}", self.log.join("\n"));
        assert_eq!(read(&status).amount, None);
        self.say(ACK);
        assert_eq!(self.take().await, [0x06, 0x1E, 0x01, code]);
    }
}

fn act(terminal: &Terminal, action: ShopperAction) {
    let request = terminal.simulator.requests().pop().unwrap();
    terminal.simulator.shopper(&request.id, action).unwrap();
}

fn read(apdu: &[u8]) -> packets::StatusInformation {
    let (status, rest) = packets::StatusInformation::zvt_deserialize(apdu).unwrap();
    // The crate does not know the turnover number and stops there.
    assert!(rest.is_empty() || rest[0] == 0x88, "{rest:02X?}");
    status
}

async fn start(wire: Wire) -> (Terminal, Till) {
    let mut terminal = Terminal::prepare(wire, Program::Here, SETTINGS).await;
    terminal.till.unplug();
    let mut till = match wire {
        Wire::Serial => {
            let till = Till::plug_in(&terminal.path("till"));
            terminal.switch_on_unheard();
            till
        }
        Wire::Tcp => {
            terminal.switch_on_unheard();
            Till::connect(terminal.address()).await
        }
    };
    till.register(0x06).await;
    (terminal, till)
}

async fn payments(wire: Wire) {
    let (terminal, mut till) = start(wire).await;
    for amount in [1010, 1100, 1616] {
        till.sell_and_acknowledge(&terminal, amount).await;
    }
    terminal.settled().await;
    let captured: Vec<i64> =
        terminal.journal().values().flat_map(|book| book.captured.clone()).collect();
    assert_eq!(captured, [1010, 1100, 1616]);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_over_tcp() {
    payments(Wire::Tcp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_over_a_serial_line() {
    payments(Wire::Serial).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_paid_and_what_is_not_acknowledged() {
    let (terminal, mut till) = start(Wire::Tcp).await;
    // By the till.
    till.sell(&terminal, 1010).await;
    till.say(&[0x06, 0xB0, 0x00]);
    till.expect(ACK).await;
    till.fails(0x6C).await;
    // By Klarna.
    till.sell(&terminal, 1100).await;
    act(&terminal, ShopperAction::Decline);
    // The shopper may try again, so the till ends it.
    till.say(&[0x06, 0xB0, 0x00]);
    till.expect(ACK).await;
    till.fails(0x6C).await;
    // Refused by the till: the money goes back.
    till.sell(&terminal, 1616).await;
    act(&terminal, ShopperAction::Approve);
    let status = till.result().await;
    assert_eq!(read(&status).result_code, Some(0));
    till.say(&[0x84, 0x66, 0x00]);
    till.fails(0x6C).await;
    // Not answered at all.
    till.sell(&terminal, 2000).await;
    act(&terminal, ShopperAction::Approve);
    till.result().await;
    till.fails(0x6C).await;
    till.say(REPEAT);
    till.expect(ACK).await;
    assert_eq!(read(&till.take().await).result_code, Some(0x6C));
    assert_eq!(till.take().await, DONE);
    terminal.settled().await;
    let books = terminal.klarna();
    assert_eq!(books.len(), 2);
    assert!(books.values().all(|book| book.voided && book.captured.is_empty()), "{books:?}");
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_keeps_no_money() {
    let (terminal, mut till) = start(Wire::Tcp).await;
    till.sell(&terminal, 1010).await;
    act(&terminal, ShopperAction::Approve);
    till.result().await;
    // The till is gone before it has said anything, and comes back registered.
    drop(till);
    let mut till = Till::connect(terminal.address()).await;
    let status = till.sell_and_acknowledge(&terminal, 1010).await;
    assert_eq!(read(&status).receipt_no, Some(2));
    terminal.settled().await;
    let voided: Vec<bool> = terminal.klarna().values().map(|book| book.voided).collect();
    assert_eq!(voided, [true, false]);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_till_waits_until_the_first_one_is_done_or_gone() {
    const BUSY: &[u8] = &[0x84, 0x9C, 0x00];
    const PAY: &[u8] = &[0x06, 0x01, 0x07, 0x04, 0, 0, 0, 0, 0x11, 0x00];
    let (terminal, mut till) = start(Wire::Tcp).await;
    till.sell(&terminal, 1010).await;
    let mut other = Till::connect(terminal.address()).await;
    other.say(PAY);
    other.expect(BUSY).await;
    other.say(&[0x05, 0x01, 0x02, 0x03, 0x02]);
    other.expect(ACK).await;
    assert_eq!(other.take().await, [0x06, 0x0F, 0x01, 0x9C]);
    act(&terminal, ShopperAction::Approve);
    assert_eq!(read(&till.result().await).amount, Some(1010), "the first one goes on");
    till.say(ACK);
    assert_eq!(till.take().await, DONE);
    other.until_ready().await;
    other.sell_and_acknowledge(&terminal, 1100).await;

    // Whoever only looks at the port disturbs nobody.
    drop(std::net::TcpStream::connect(terminal.address()).unwrap());
    other.until_ready().await;
    other.sell(&terminal, 1616).await;
    drop(std::net::TcpStream::connect(terminal.address()).unwrap());
    let mut till = Till::connect(terminal.address()).await;
    till.say(REPEAT);
    till.expect(BUSY).await;
    drop(other);
    // It may take a moment until the terminal has noticed.
    loop {
        till.say(REPEAT);
        if till.hear().await == ACK {
            break;
        }
    }
    assert_eq!(read(&till.take().await).result_code, Some(0x6C), "given up with its till");
    assert_eq!(till.take().await, DONE);
    terminal.settled().await;
    let captured: Vec<i64> =
        terminal.klarna().values().flat_map(|book| book.captured.clone()).collect();
    assert_eq!(captured, [1010, 1100]);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_receipt_also_after_a_restart_and_a_reversal() {
    let (mut terminal, mut till) = start(Wire::Tcp).await;
    let told = till.sell_and_acknowledge(&terminal, 1010).await;
    terminal.settled().await;
    terminal.switch_off().await;
    terminal.switch_on_unheard();
    // It stays registered.
    let mut till = Till::connect(terminal.address()).await;
    till.say(REPEAT);
    till.expect(ACK).await;
    assert_eq!(till.take().await, told, "byte for byte");
    assert_eq!(till.take().await, DONE);

    let reversal = [0x06, 0x30, 0x06, 0, 0, 0, 0x87, 0x00, 0x01];
    till.say(&reversal);
    till.expect(ACK).await;
    let status = read(&till.take().await);
    assert_eq!((status.result_code, status.amount), (Some(0), Some(1010)));
    assert_eq!(till.take().await, DONE);
    till.say(&reversal);
    till.expect(ACK).await;
    till.fails(0xB4).await;
    terminal.settled().await;
    let refunded: Vec<i64> =
        terminal.klarna().values().flat_map(|book| book.refunded.clone()).collect();
    assert_eq!(refunded, [1010]);

    till.say(&[0x06, 0x50, 0x03, 0, 0, 0]);
    till.expect(ACK).await;
    assert_eq!(read(&till.take().await).result_code, Some(0));
    assert_eq!(till.take().await, DONE);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_reserved_is_booked_or_given_up_and_the_day_is_added_up() {
    let (terminal, mut till) = start(Wire::Tcp).await;
    for amount in [5000, 6000, 1616] {
        let instruction = if amount == 1616 { 0x01 } else { 0x22 };
        till.ask(&terminal, instruction, amount).await;
        act(&terminal, ShopperAction::Approve);
        assert_eq!(read(&till.result().await).amount, Some(amount));
        match amount {
            // Only goods for 10.10 came out.
            1616 => till.say(&[0x84, 0x9D, 0x07, 0x04, 0, 0, 0, 0, 0x10, 0x10]),
            _ => till.say(ACK),
        }
        assert_eq!(till.take().await, DONE);
    }
    till.say(&[0x06, 0x23, 0x03, 0x87, 0xFF, 0xFF]);
    till.expect(ACK).await;
    assert_eq!(till.take().await, [0x06, 0x1E, 0x04, 0xB8, 0x87, 0x00, 0x01]);
    till.say(&[0x06, 0x24, 0x0A, 0x04, 0, 0, 0, 0, 0x20, 0, 0x87, 0x00, 0x01]);
    till.expect(ACK).await;
    assert_eq!(read(&till.result().await).amount, Some(2000));
    till.say(ACK);
    assert_eq!(till.take().await, DONE);
    till.say(&[0x06, 0x25, 0x03, 0x87, 0x00, 0x02]);
    till.expect(ACK).await;
    assert_eq!(read(&till.result().await).result_code, Some(0));
    till.say(ACK);
    assert_eq!(till.take().await, DONE);
    till.say(&[0x06, 0x24, 0x0A, 0x04, 0, 0, 0, 0, 0x20, 0, 0x87, 0x00, 0x01]);
    till.expect(ACK).await;
    till.fails(0xB4).await;
    terminal.settled().await;
    let books = terminal.klarna();
    let captured: Vec<i64> = books.values().flat_map(|book| book.captured.clone()).collect();
    assert_eq!(captured, [2000, 1010]);
    assert_eq!(books.values().filter(|book| book.captured.is_empty()).count(), 1);

    // The open shift, and then the closed one: 20.00 and 10.10.
    for command in [0x10, 0x50] {
        till.say(&[0x06, command, 0x03, 0, 0, 0]);
        till.expect(ACK).await;
        assert_eq!(read(&till.result().await).amount, Some(3010));
        till.say(ACK);
        assert_eq!(till.take().await, DONE);
    }
    till.say(&[0x06, 0x10, 0x03, 0, 0, 0]);
    till.expect(ACK).await;
    assert_eq!(read(&till.result().await).amount, Some(0));
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cable_that_is_pulled_and_plugged_in_again_during_a_payment() {
    let (terminal, mut till) = start(Wire::Serial).await;
    till.sell(&terminal, 1010).await;
    drop(till);
    act(&terminal, ShopperAction::Approve);
    let reader = terminal.reader();
    let is_authorised = || {
        let records = reader.all_records().unwrap();
        records.iter().any(|record| record.event.name() == "authorised")
    };
    terminal.until("the payment is authorised", is_authorised).await;
    let mut till = Till::plug_in(&terminal.path("till"));
    let status = till.result().await;
    assert_eq!(read(&status).amount, Some(1010));
    till.say(ACK);
    assert_eq!(till.take().await, DONE);
    terminal.settled().await;
    assert!(terminal.klarna().values().all(|book| book.captured == [1010] && !book.voided));
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_till_prints_what_it_has_registered_for() {
    let (terminal, mut till) = start(Wire::Tcp).await;
    till.register(0x8E).await;
    till.sell(&terminal, 1616).await;
    act(&terminal, ShopperAction::Approve);
    assert_eq!(read(&till.result().await).result_code, Some(0));
    till.say(ACK);
    let mut lines = Vec::new();
    loop {
        let apdu = till.result().await;
        till.say(ACK);
        if apdu == DONE {
            break;
        }
        let (line, rest) = packets::PrintLine::zvt_deserialize(&apdu).unwrap();
        assert_eq!(rest, b"");
        lines.push(line);
    }
    let starts = lines.iter().filter(|line| line.text.ends_with("BELEG")).count();
    let ends = lines.iter().filter(|line| line.attribute == 0x80).count();
    assert_eq!((starts, ends), (2, 2), "{lines:?}");
    assert!(lines.iter().any(|line| line.text.contains("16,16")), "{lines:?}");
    terminal.finish().await;
}
