//! Blocks on their way to the till, one at a time: each waits for its own acknowledgement
//! (PA00P015 ch. 2). What comes when none is on its way acknowledges nothing.

use super::Line;
use crate::clock::Mono;
use crate::pos::zvt::code::Code;
use crate::pos::zvt::frame;
use crate::pos::zvt::message::control;
use crate::pos::zvt::transport::Transport;
use std::collections::VecDeque;
use std::time::Duration;

/// From a block to the till's answer (T3).
const T3: Duration = Duration::from_secs(5);
/// Two repetitions of an answer on a serial line, and what is between them: answers have no number,
/// so the next block must not go out before the last repetition can have come.
const REPETITIONS: Duration = Duration::from_millis(10_500);
/// After `84 9C` the same block goes out again (PA00P015 §2.2.8).
const RESEND_AFTER: Duration = Duration::from_secs(2);
/// How often it does.
const RESENDS_MAX: u32 = 3;

/// A command of the till's that it may still be repeating: its answer to a block waits behind it.
const BEHIND_A_COMMAND: Duration = Duration::from_secs(15);

/// What the acknowledgement of a block means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing.
    Nothing,
    /// The till has taken in an approved result.
    Approved,
    /// The till has taken in how a command about an earlier payment or the shift ended.
    Settled,
    /// The terminal has said how it is.
    Enquiry,
    /// A line or block of a receipt; without an answer the rest of it is left out.
    Print,
    /// The command has ended.
    End,
}

/// What the till must have taken in for certain.
fn is_result(meaning: Meaning) -> bool {
    matches!(meaning, Meaning::Approved | Meaning::Settled)
}

/// A block that the till answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) apdu: Vec<u8>,
    pub(super) meaning: Meaning,
}

/// The block that waits for its answer.
#[derive(Debug)]
struct Sent {
    block: Block,
    /// As it goes over the wire.
    bytes: Vec<u8>,
    written: bool,
    /// From here on it counts as not answered.
    deadline: Option<Mono>,
    resend_at: Option<Mono>,
    resends: u32,
    /// An answer has come that may have been meant for an earlier block.
    doubted: bool,
}

/// Everything on its way to the till.
#[derive(Debug)]
pub(super) struct Outgoing {
    line: Line,
    pub(super) transport: Transport,
    blocks: VecDeque<Block>,
    sent: Option<Sent>,
    /// Blocks that were not answered in time: their answers may still come.
    owed: u32,
    /// The till has said something else, and may not have sent its answer before this.
    busy_until: Option<Mono>,
    /// No block before this.
    quiet_until: Option<Mono>,
}

impl Outgoing {
    pub(super) fn new(line: Line) -> Self {
        let (transport, blocks) = (line.transport(), VecDeque::new());
        Self { line, transport, blocks, sent: None, owed: 0, busy_until: None, quiet_until: None }
    }

    /// A new transport; the block that waits for its answer goes out again, unless it only says
    /// that the till is to wait: that may have been answered, and would be once more.
    pub(super) fn reconnect(&mut self, now: Mono, transport: Transport) {
        let before = std::mem::replace(&mut self.transport, transport);
        self.transport.resume(before);
        let answer_max = self.answer_max();
        if let Some(sent) = &mut self.sent {
            if sent.written && sent.block.apdu.starts_with(&control::INTERMEDIATE_STATUS) {
                sent.deadline = Some(now.after(answer_max));
                return;
            }
            (sent.written, sent.deadline) = (false, None);
            self.transport.send(now, sent.block.apdu.clone());
        }
    }

    /// The till has asked something in the middle of a command.
    pub(super) fn interrupted(&mut self, now: Mono) {
        if self.line == Line::Serial {
            self.busy_until = Some(now.after(BEHIND_A_COMMAND + REPETITIONS));
        }
    }

    /// An acknowledgement of ours.
    pub(super) fn answer(&mut self, now: Mono, apdu: Vec<u8>) {
        self.transport.send(now, apdu);
    }

    pub(super) fn push(&mut self, block: Block) {
        self.blocks.push_back(block);
    }

    /// How the terminal is: before everything that waits but a result, and only once. A till that
    /// asks something else has taken in the end that is on its way, or the answer to its last
    /// enquiry, and some never say so.
    pub(super) fn push_enquiry(&mut self, block: Block) {
        let past = |meaning| matches!(meaning, Meaning::End | Meaning::Enquiry);
        self.sent.take_if(|sent| sent.written && past(sent.block.meaning));
        self.blocks.retain(|waiting| waiting.meaning != Meaning::Enquiry);
        let is_result = |waiting: &Block| {
            matches!(waiting.meaning, Meaning::Approved | Meaning::Settled | Meaning::End)
        };
        match self.blocks.iter().any(is_result) {
            true => self.blocks.push_back(block),
            false => self.blocks.push_front(block),
        }
    }

    /// From the arrival of a block to the last moment at which its answer can come.
    fn answer_max(&self) -> Duration {
        match self.line {
            Line::Serial => T3 + REPETITIONS,
            Line::Tcp => T3,
        }
    }

    /// Nothing is on its way or waits.
    pub(super) fn is_idle(&self) -> bool {
        self.sent.is_none() && self.blocks.is_empty()
    }

    /// An approved result waits for the block before it: the till cannot know of it.
    pub(super) fn holds_result(&self) -> bool {
        self.blocks.iter().any(|block| block.meaning == Meaning::Approved)
    }

    /// Sends no block before `until`.
    pub(super) fn rest(&mut self, until: Mono) {
        self.quiet_until = Some(until);
    }

    /// Forgets what waits and what is on its way.
    pub(super) fn clear(&mut self) {
        self.transport.clear();
        (self.blocks, self.sent, self.owed) = (VecDeque::new(), None, 0);
    }

    /// Forgets what waits; what is on its way is still answered.
    pub(super) fn clear_waiting(&mut self) {
        self.blocks.clear();
    }

    /// Forgets a block that means nothing and whose answer will not come.
    pub(super) fn clear_sent_progress(&mut self) {
        self.sent.take_if(|sent| sent.block.meaning == Meaning::Nothing);
    }

    /// Forgets lines of a receipt that wait.
    pub(super) fn skip_prints(&mut self) {
        self.blocks.retain(|block| block.meaning != Meaning::Print);
    }

    /// The next block, once the one before it is answered.
    pub(super) fn advance(&mut self, now: Mono) {
        if let Some(sent) = &mut self.sent {
            if sent.resend_at.is_some_and(|at| at <= now) {
                (sent.resend_at, sent.written, sent.deadline) = (None, false, None);
                self.transport.send(now, sent.block.apdu.clone());
            }
            return;
        }
        if self.quiet_until.is_some_and(|until| until > now) {
            return;
        }
        let Some(block) = self.blocks.pop_front() else { return };
        let bytes = match self.line {
            Line::Serial => frame::encode(&block.apdu),
            Line::Tcp => block.apdu.clone(),
        };
        self.transport.send(now, block.apdu.clone());
        self.sent = Some(Sent {
            block,
            bytes,
            written: false,
            deadline: None,
            resend_at: None,
            resends: 0,
            doubted: false,
        });
    }

    pub(super) fn poll_write(&mut self, now: Mono) -> Option<Vec<u8>> {
        let bytes = self.transport.poll_write(now)?;
        if let Some(sent) = self.sent.as_mut().filter(|sent| sent.bytes == bytes) {
            let first = !std::mem::replace(&mut sent.written, true);
            // On a serial line the time begins once the block has arrived.
            if first && self.line == Line::Tcp {
                sent.deadline = Some(now.after(T3));
            }
        }
        Some(bytes)
    }

    pub(super) fn poll_timeout(&self) -> Option<Mono> {
        let sent = self.sent.as_ref();
        let deadline = sent.and_then(|sent| sent.resend_at.or(sent.deadline));
        let quiet = self.quiet_until.filter(|_| self.sent.is_none() && !self.blocks.is_empty());
        [deadline, quiet, self.transport.poll_timeout()].into_iter().flatten().min()
    }

    /// A block of ours has arrived, or was sent for the last time and may have arrived; its answer
    /// has its time from now on.
    pub(super) fn delivered(&mut self, now: Mono) {
        let until = now.after(self.answer_max());
        let until = self.busy_until.map_or(until, |busy| busy.max(until));
        let arrived = |sent: &&mut Sent| sent.written && sent.deadline.is_none();
        if let Some(sent) = self.sent.as_mut().filter(arrived) {
            sent.deadline = Some(until);
        }
    }

    /// An answer has come that counts as an earlier one's repetition.
    pub(super) fn maybe_answered(&mut self) {
        if let Some(sent) = self.sent.as_mut().filter(|sent| sent.written) {
            sent.doubted |= is_result(sent.block.meaning);
        }
    }

    /// The block that has waited too long for its answer. One whose answer may have been another
    /// block's goes out once more instead.
    pub(super) fn unanswered(&mut self, now: Mono) -> Option<Block> {
        let late = |sent: &&mut Sent| {
            sent.resend_at.is_none() && sent.deadline.is_some_and(|deadline| deadline <= now)
        };
        let sent = self.sent.as_mut().filter(late)?;
        if sent.doubted {
            (sent.doubted, sent.resend_at, self.owed) = (false, Some(now), 0);
            return None;
        }
        // On a serial line it cannot come any more.
        self.owed += u32::from(self.line == Line::Tcp);
        self.sent.take().map(|sent| sent.block)
    }

    /// `80 00` or `84 00`: the block that it answers. While an earlier answer is owed, no result is
    /// taken for acknowledged by what may be that one.
    pub(super) fn acknowledged(&mut self) -> Option<Block> {
        let sent = self.sent.as_mut().filter(|sent| sent.written && sent.resend_at.is_none())?;
        if is_result(sent.block.meaning) && self.owed > 0 {
            (sent.doubted, self.owed) = (true, self.owed - 1);
            return None;
        }
        self.sent.take().map(|sent| sent.block)
    }

    /// `84 xx`: the block that is refused for good. One that the till cannot take yet goes out
    /// again.
    pub(super) fn refused(&mut self, now: Mono, code: Code) -> Option<Block> {
        let sent = self.sent.as_mut().filter(|sent| sent.written && sent.resend_at.is_none())?;
        if code == Code::PLEASE_WAIT && sent.resends < RESENDS_MAX {
            (sent.resends, sent.resend_at) = (sent.resends + 1, Some(now.after(RESEND_AFTER)));
            return None;
        }
        self.sent.take().map(|sent| sent.block)
    }
}
