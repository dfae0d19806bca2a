//! The rules of the wire (PA00P016): who acknowledges what, when a block is sent again, and how
//! long to wait for what. One for a serial line, one for TCP.
//!
//! Pure: time is an argument. What is to be written waits in [`Transport::poll_write`], what wants
//! to be called again says so in [`Transport::poll_timeout`].

use super::frame::{self, Deframer};
use super::stream::{self, Splitter};
use crate::clock::Mono;
use std::collections::VecDeque;
use std::time::Duration;

/// Between two characters of a frame (T1).
pub(super) const T1: Duration = Duration::from_millis(200);
/// From a block to its acknowledgement (T2).
const T2: Duration = Duration::from_secs(5);
/// How often a block is sent, the first time included.
const SENDS_MAX: u32 = 3;
/// Between our acknowledgement and our next block: tills that read in chunks take both for one
/// otherwise.
const BLOCK_GAP: Duration = Duration::from_millis(40);
/// For how long the same frame once more is a repetition, because our acknowledgement was lost:
/// until the till sends it for the last time. An old answer must never meet a newer block.
pub(super) const REPEAT_WINDOW: Duration = Duration::from_secs(11);
/// Between two pieces of an APDU over TCP.
const APDU_MAX: Duration = Duration::from_secs(10);
/// Blocks that wait to be sent; a dialogue never has more than a few.
const BLOCKS_MAX: usize = 256;

/// What comes of received bytes and of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An APDU of the till, its header included.
    Apdu(Vec<u8>),
    /// An answer that cannot be told from the one before it, and counts as its repetition.
    RepeatedAnswer,
    /// A block that we sent has arrived.
    Delivered,
    /// A block was not acknowledged however often it was sent, or there is no room for it.
    Undelivered,
}

/// One connection's transport.
#[derive(Debug)]
pub enum Transport {
    /// A serial line: frames, each acknowledged by a byte.
    Serial(Serial),
    /// TCP: APDUs as they are.
    Tcp(Tcp),
}

impl Transport {
    /// A fresh serial line.
    pub fn serial() -> Self {
        Self::Serial(Serial::default())
    }

    /// A fresh TCP connection.
    pub fn tcp() -> Self {
        Self::Tcp(Tcp::default())
    }

    /// The same line was cut and is there again: the till may repeat what it has sent `before`, and
    /// an answer that it has not acknowledged goes out once more.
    pub fn resume(&mut self, before: Self) {
        if let (Self::Serial(serial), Self::Serial(before)) = (self, before) {
            let unheard = before.current.into_iter().map(|block| block.bytes);
            let answers = |bytes: &Vec<u8>| is_answer(bytes.get(frame::START_LEN..).unwrap_or(&[]));
            serial.blocks = unheard.chain(before.blocks).filter(answers).collect();
            serial.accepted = before.accepted;
        }
    }

    /// Takes in bytes, cut anywhere.
    pub fn receive(&mut self, now: Mono, bytes: &[u8]) -> Vec<Event> {
        match self {
            Self::Serial(serial) => serial.receive(now, bytes),
            Self::Tcp(tcp) => tcp.receive(now, bytes),
        }
    }

    /// Queues an APDU.
    pub fn send(&mut self, now: Mono, apdu: Vec<u8>) {
        match self {
            Self::Serial(serial) => serial.send(now, apdu),
            Self::Tcp(tcp) => tcp.writes.push_back(apdu),
        }
    }

    /// The next bytes that are due, to be written at once and by themselves.
    pub fn poll_write(&mut self, now: Mono) -> Option<Vec<u8>> {
        match self {
            Self::Serial(serial) => serial.poll_write(now),
            Self::Tcp(tcp) => tcp.writes.pop_front(),
        }
    }

    /// When [`Self::poll_write`] or [`Self::tick`] has something to do, though nothing comes in.
    pub fn poll_timeout(&self) -> Option<Mono> {
        match self {
            Self::Serial(serial) => serial.poll_timeout(),
            Self::Tcp(_) => None,
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Mono) -> Vec<Event> {
        match self {
            Self::Serial(serial) => serial.tick(now),
            Self::Tcp(_) => Vec::new(),
        }
    }

    /// Nothing waits to be written, and nothing for its acknowledgement.
    pub fn is_idle(&self) -> bool {
        match self {
            Self::Serial(serial) => {
                serial.answers.is_empty() && serial.blocks.is_empty() && serial.current.is_none()
            }
            Self::Tcp(tcp) => tcp.writes.is_empty(),
        }
    }

    /// Drops what waits to be sent; the till has moved on.
    pub fn clear(&mut self) {
        match self {
            Self::Serial(serial) => (serial.blocks, serial.current) = (VecDeque::new(), None),
            Self::Tcp(tcp) => tcp.writes.clear(),
        }
    }
}

/// The serial line's side of it.
#[derive(Debug, Default)]
pub struct Serial {
    deframer: Deframer,
    last_byte: Option<Mono>,
    /// Acknowledgements that are to be written.
    answers: VecDeque<u8>,
    blocks: VecDeque<Vec<u8>>,
    current: Option<Block>,
    /// Not before this our next block.
    quiet_until: Option<Mono>,
    accepted: Option<Accepted>,
}

/// The block that waits for its acknowledgement.
#[derive(Debug)]
struct Block {
    bytes: Vec<u8>,
    sends: u32,
    /// When it is to be sent (again), or given up.
    due: Mono,
    /// It is on its way.
    waiting: bool,
}

impl Block {
    /// Begins with the APDU's class; the APDU may be stuffed.
    fn apdu(&self) -> &[u8] {
        self.bytes.get(frame::START_LEN..).unwrap_or_default()
    }
}

/// Positive and negative answers are never answered themselves.
fn is_answer(apdu: &[u8]) -> bool {
    matches!(apdu.first(), Some(0x80 | 0x84))
}

/// The till has heard that its command has arrived, or has ended; an intermediate state or a result
/// may come to a till whose command was never answered, because that answer was lost.
fn answers_command(apdu: &[u8]) -> bool {
    is_answer(apdu) || matches!(apdu, [0x06, 0x0F | 0x1E, ..])
}

/// The frame that was accepted last.
#[derive(Debug)]
struct Accepted {
    apdu: Vec<u8>,
    at: Mono,
    /// The till has acknowledged a block of ours since that answers it: the same frame again is a
    /// new one.
    answered: bool,
}

impl Serial {
    fn receive(&mut self, now: Mono, bytes: &[u8]) -> Vec<Event> {
        self.abandon_torn(now);
        if self.last_byte.is_none_or(|at| at.after(T1) <= now) {
            self.deframer.rest();
        }
        self.last_byte = Some(now);
        let mut events = Vec::new();
        for received in self.deframer.feed(bytes) {
            match received {
                frame::Received::Apdu(apdu) => {
                    self.answers.push_back(frame::ACK);
                    self.quiet_until = Some(now.after(BLOCK_GAP));
                    if self.is_repetition(now, &apdu) {
                        events.extend(is_answer(&apdu).then_some(Event::RepeatedAnswer));
                    } else {
                        events.extend(self.heard_by(&apdu));
                        let (at, answered) = (now, false);
                        self.accepted = Some(Accepted { apdu: apdu.clone(), at, answered });
                        events.push(Event::Apdu(apdu));
                    }
                }
                frame::Received::BadCrc | frame::Received::TooLong => {
                    self.answers.push_back(frame::NAK);
                    self.quiet_until = Some(now.after(BLOCK_GAP));
                }
                frame::Received::Ack => events.extend(self.acknowledged()),
                frame::Received::Nak => events.extend(self.wanted_again(now)),
                frame::Received::Noise(_) => {}
            }
        }
        events
    }

    /// The till repeats a frame because it has not seen our acknowledgement: it has not heard
    /// anything of us since then.
    fn is_repetition(&mut self, now: Mono, apdu: &[u8]) -> bool {
        let Some(accepted) = &mut self.accepted else { return false };
        let recent = now.left(accepted.at) <= REPEAT_WINDOW;
        let same = accepted.apdu == apdu && recent && !accepted.answered;
        if same {
            accepted.at = now;
        }
        same
    }

    /// Whoever answers a block has heard it, though its acknowledgement was lost: once more it
    /// would bring the same answer again, which could be taken for the next block's.
    fn heard_by(&mut self, apdu: &[u8]) -> Option<Event> {
        let asks = |block: &&mut Block| block.waiting && !is_answer(block.apdu());
        self.current.take_if(|block| is_answer(apdu) && asks(&block))?;
        Some(Event::Delivered)
    }

    /// A stray acknowledgement says nothing.
    fn acknowledged(&mut self) -> Option<Event> {
        let block = self.current.take_if(|block| block.waiting)?;
        if let Some(accepted) = &mut self.accepted {
            accepted.answered |= is_answer(&accepted.apdu) || answers_command(block.apdu());
        }
        Some(Event::Delivered)
    }

    fn wanted_again(&mut self, now: Mono) -> Option<Event> {
        let block = self.current.as_mut().filter(|block| block.waiting)?;
        (block.waiting, block.due) = (false, now.after(BLOCK_GAP));
        self.give_up_if_spent()
    }

    fn give_up_if_spent(&mut self) -> Option<Event> {
        self.current.take_if(|block| !block.waiting && block.sends >= SENDS_MAX)?;
        Some(Event::Undelivered)
    }

    fn send(&mut self, now: Mono, apdu: Vec<u8>) {
        if self.blocks.len() < BLOCKS_MAX {
            self.blocks.push_back(frame::encode(&apdu));
        }
        self.begin(now);
    }

    fn begin(&mut self, now: Mono) {
        if self.current.is_none() {
            let due = self.quiet_until.map_or(now, |quiet| quiet.max(now));
            let begin = |bytes| Block { bytes, sends: 0, due, waiting: false };
            self.current = self.blocks.pop_front().map(begin);
        }
    }

    fn poll_write(&mut self, now: Mono) -> Option<Vec<u8>> {
        if let Some(answer) = self.answers.pop_front() {
            return Some(vec![answer]);
        }
        self.begin(now);
        let quiet = self.quiet_until.is_some_and(|until| until > now) || self.deframer.in_frame();
        let block = self.current.as_mut().filter(|block| !block.waiting && block.due <= now)?;
        if quiet {
            return None;
        }
        (block.sends, block.waiting, block.due) = (block.sends + 1, true, now.after(T2));
        Some(block.bytes.clone())
    }

    fn poll_timeout(&self) -> Option<Mono> {
        let torn = self.last_byte.filter(|_| self.deframer.in_frame()).map(|at| at.after(T1));
        // In the middle of the till's frame nothing is sent: its end, or T1, comes first.
        let held = |block: &&Block| block.waiting || torn.is_none();
        let block = self.current.as_ref().filter(held).map(|block| match block.waiting {
            true => block.due,
            false => self.quiet_until.map_or(block.due, |quiet| quiet.max(block.due)),
        });
        torn.into_iter().chain(block).min()
    }

    fn tick(&mut self, now: Mono) -> Vec<Event> {
        self.abandon_torn(now);
        let late = |block: &&mut Block| block.waiting && block.due <= now;
        if let Some(block) = self.current.as_mut().filter(late) {
            (block.waiting, block.due) = (false, now);
        }
        self.give_up_if_spent().into_iter().collect()
    }

    /// A frame whose next byte does not come is damaged.
    fn abandon_torn(&mut self, now: Mono) {
        let torn = self.last_byte.is_some_and(|at| at.after(T1) <= now);
        if torn && self.deframer.in_frame() {
            self.deframer.abandon();
            self.answers.push_back(frame::NAK);
        }
    }
}

/// TCP's side of it: the network repeats and orders.
#[derive(Debug, Default)]
pub struct Tcp {
    splitter: Splitter,
    last_byte: Option<Mono>,
    writes: VecDeque<Vec<u8>>,
}

impl Tcp {
    /// An APDU whose rest does not come is forgotten: what comes then is another one.
    fn receive(&mut self, now: Mono, bytes: &[u8]) -> Vec<Event> {
        let torn = self.last_byte.is_some_and(|at| at.after(APDU_MAX) <= now);
        if torn && self.splitter.in_apdu() {
            self.splitter = Splitter::new();
        }
        self.last_byte = Some(now);
        let apdu = |received| match received {
            stream::Received::Apdu(apdu) => Some(Event::Apdu(apdu)),
            stream::Received::TooLong(_) => None,
        };
        self.splitter.feed(bytes).into_iter().filter_map(apdu).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTER: &[u8] = &[0x06, 0x00, 0x04, 0, 0, 0, 0x30];
    const DONE: &[u8] = &[0x80, 0, 0];

    fn at(millis: u64) -> Mono {
        Mono::new(Duration::from_millis(millis))
    }

    fn writes(transport: &mut Transport, now: Mono) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| transport.poll_write(now)).collect()
    }

    #[test]
    fn a_frame_is_acknowledged_at_once_and_our_block_follows_after_a_gap() {
        let mut line = Transport::serial();
        let events = line.receive(at(0), &frame::encode(REGISTER));
        assert_eq!(events, [Event::Apdu(REGISTER.to_vec())]);
        line.send(at(0), DONE.to_vec());
        assert_eq!(writes(&mut line, at(0)), [[frame::ACK]]);
        assert_eq!(line.poll_timeout(), Some(at(40)));
        assert_eq!(writes(&mut line, at(39)), Vec::<Vec<u8>>::new());
        assert_eq!(writes(&mut line, at(40)), [frame::encode(DONE)]);
        assert_eq!(line.receive(at(60), &[frame::ACK]), [Event::Delivered]);
        assert_eq!(line.poll_timeout(), None);
    }

    #[test]
    fn a_block_is_sent_three_times_and_then_given_up() {
        let mut line = Transport::serial();
        line.send(at(0), DONE.to_vec());
        let block = frame::encode(DONE);
        assert_eq!(writes(&mut line, at(0)), [&block[..]]);
        assert_eq!(line.tick(at(4999)), []);
        assert_eq!(line.tick(at(5000)), []);
        assert_eq!(writes(&mut line, at(5000)), [&block[..]]);
        assert_eq!(line.receive(at(5010), &[frame::NAK]), []);
        assert_eq!(writes(&mut line, at(5050)), [block]);
        assert_eq!(line.tick(at(10_050)), [Event::Undelivered]);
        assert_eq!(line.receive(at(10_060), &[frame::ACK]), [], "nothing waits for it");
        line.send(at(10_070), DONE.to_vec());
        assert_eq!(writes(&mut line, at(10_070)).len(), 1, "the next block goes its own way");
    }

    #[test]
    fn a_repeated_frame_is_acknowledged_and_dropped_until_the_till_has_heard_us() {
        let mut line = Transport::serial();
        let sale = frame::encode(&[0x06, 0x01, 0x07, 0x04, 0, 0, 0, 0, 0x10, 0x10]);
        assert_eq!(line.receive(at(0), &sale).len(), 1);
        assert_eq!(line.receive(at(5000), &sale), [], "our acknowledgement was lost");
        assert_eq!(line.receive(at(10_000), &sale), [], "and once more");
        assert_eq!(writes(&mut line, at(10_000)), [[frame::ACK]; 3]);
        line.send(at(10_000), DONE.to_vec());
        assert_eq!(writes(&mut line, at(10_100)).len(), 1);
        line.receive(at(10_200), &[frame::ACK]);
        assert_eq!(line.receive(at(11_000), &sale).len(), 1, "that is another sale");
        assert_eq!(line.receive(at(22_000), &sale), [], "our ACK was lost, the next one damaged");
        assert_eq!(line.receive(at(34_000), &sale).len(), 1, "too late for a repetition");
    }

    #[test]
    fn damage_is_answered_with_nak_and_noise_is_not() {
        let mut line = Transport::serial();
        let mut bad = frame::encode(REGISTER);
        *bad.last_mut().expect("a byte") ^= 1;
        assert_eq!(line.receive(at(0), &bad), []);
        assert_eq!(writes(&mut line, at(0)), [[frame::NAK]]);
        assert_eq!(line.receive(at(1), b"\x05\x05garbage"), []);
        assert_eq!(writes(&mut line, at(1)), Vec::<Vec<u8>>::new());
        let good = frame::encode(REGISTER);
        line.receive(at(10), &good[..4]);
        assert_eq!(line.poll_timeout(), Some(at(210)));
        line.tick(at(210));
        assert_eq!(writes(&mut line, at(210)), [[frame::NAK]], "T1 has run out");
        assert_eq!(line.receive(at(300), &good).len(), 1);
    }

    #[test]
    fn over_tcp_an_apdu_whose_rest_does_not_come_is_forgotten() {
        let mut line = Transport::tcp();
        assert_eq!(line.receive(at(0), &[0x06, 0x01, 0xFF, 0xFF, 0xFF]), []);
        assert_eq!(line.receive(at(9_000), &[0; 5]), []);
        assert_eq!(line.receive(at(19_000), REGISTER), [Event::Apdu(REGISTER.to_vec())]);
    }

    #[test]
    fn a_command_whose_answer_was_lost_is_no_new_one() {
        let mut line = Transport::serial();
        let sale = frame::encode(&[0x06, 0x01, 0x07, 0x04, 0, 0, 0, 0, 0x10, 0x10]);
        assert_eq!(line.receive(at(0), &sale).len(), 1);
        line.send(at(0), DONE.to_vec());
        line.send(at(0), vec![0x04, 0xFF, 0x01, 0x17]);
        for (sent, damaged) in [(40, 60), (100, 120), (160, 180)] {
            writes(&mut line, at(sent));
            line.receive(at(damaged), &[frame::NAK]);
        }
        assert_eq!(writes(&mut line, at(220)), [frame::encode(&[0x04, 0xFF, 0x01, 0x17])]);
        assert_eq!(line.receive(at(240), &[frame::ACK]), [Event::Delivered]);
        assert_eq!(line.receive(at(5000), &sale), [], "it has heard neither ACK nor answer");
    }

    #[test]
    fn a_pulled_cable_leaves_what_was_heard_and_not_answered() {
        let mut line = Transport::serial();
        let sale = frame::encode(&[0x06, 0x01, 0x07, 0x04, 0, 0, 0, 0, 0x10, 0x10]);
        assert_eq!(line.receive(at(0), &sale).len(), 1);
        line.send(at(0), DONE.to_vec());
        line.send(at(0), vec![0x04, 0xFF, 0x01, 0x17]);
        writes(&mut line, at(40));
        let before = std::mem::replace(&mut line, Transport::serial());
        line.resume(before);
        assert_eq!(writes(&mut line, at(2000)), [frame::encode(DONE)], "no intermediate state");
        assert_eq!(line.receive(at(5000), &sale), [], "it is the same payment");
    }

    #[test]
    fn a_repeated_answer_does_not_answer_the_next_block() {
        let mut line = Transport::serial();
        let progress = [0x04, 0xFF, 0x01, 0x17];
        line.send(at(0), progress.to_vec());
        assert_eq!(writes(&mut line, at(0)), [frame::encode(&progress)]);
        let answer = frame::encode(DONE);
        let heard = line.receive(at(100), &answer);
        assert_eq!(heard, [Event::Delivered, Event::Apdu(DONE.to_vec())], "its ACK was lost");
        assert_eq!(writes(&mut line, at(100)), [[frame::ACK]]);
        line.tick(at(5000));
        line.send(at(5000), vec![0x04, 0x0F, 0x02, 0x27, 0x00]);
        assert_eq!(writes(&mut line, at(5000)).len(), 1, "the first block is not sent again");
        assert_eq!(line.receive(at(5060), &[frame::NAK]), []);
        let repeated = [Event::RepeatedAnswer];
        assert_eq!(line.receive(at(5100), &answer), repeated, "our ACK was lost as well");
        assert_eq!(line.receive(at(15_100), &answer), repeated, "and the one before was damaged");
    }

    #[test]
    fn a_block_that_waits_for_the_end_of_a_frame_wants_no_turn_before_it() {
        let mut line = Transport::serial();
        line.receive(at(0), &frame::encode(REGISTER)[..4]);
        line.send(at(10), DONE.to_vec());
        assert_eq!(writes(&mut line, at(10)), Vec::<Vec<u8>>::new());
        assert_eq!(line.poll_timeout(), Some(at(200)), "T1, or the next byte");
        line.tick(at(200));
        assert_eq!(writes(&mut line, at(200)), [vec![frame::NAK], frame::encode(DONE)]);
    }

    #[test]
    fn tcp_writes_each_block_by_itself_and_acknowledges_nothing() {
        let mut line = Transport::tcp();
        let events = line.receive(at(0), &[REGISTER, DONE].concat());
        assert_eq!(events, [Event::Apdu(REGISTER.to_vec()), Event::Apdu(DONE.to_vec())]);
        line.send(at(0), DONE.to_vec());
        line.send(at(0), REGISTER.to_vec());
        assert_eq!(writes(&mut line, at(0)), [DONE, REGISTER]);
        assert_eq!(line.poll_timeout(), None);
    }
}
