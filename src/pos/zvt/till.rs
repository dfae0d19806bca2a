//! The till's half of a dialogue (PA00P015 ch. 2): one command at a time goes out, every block of
//! the terminal is acknowledged, and at the end there is an outcome.
//!
//! For people at a desk and for tests; the terminal does not use it. Pure: time is an argument.
//! What has not been heard to the end is unknown, never "not paid": the terminal is asked with
//! `06 20` (PA00P015: repeat receipt).

use super::apdu::Apdu;
use super::charset::Charset;
use super::code::Code;
use super::message::{
    Abort, Answer, Command, Completion, EncodeError, IntermediateStatus, MessageError,
    StatusInformation, control,
};
use super::transport::{self, Transport};
use crate::clock::Mono;
use std::collections::VecDeque;
use std::time::Duration;

/// From a command to its acknowledgement (T3).
const T3: Duration = Duration::from_secs(5);
/// From the acknowledgement to the end, counted anew from each `04 FF` and `04 0F` (T4).
const T4: Duration = Duration::from_secs(180);

/// What the till hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The terminal has understood the command.
    Taken,
    /// The terminal says something; it is acknowledged.
    Heard(Answer),
    /// The answer to [`Till::abort`]: whether the command will be aborted.
    AbortAnswered(bool),
    /// The command is over.
    Ended(Outcome),
}

/// How a command has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Well: by `06 0F`, or by `80 00` for commands that end with it.
    Done(Box<Ending>),
    /// By `06 1E`, or by `06 0F` after a result that is not 00.
    Failed(Abort),
    /// By `84 xx`: it was not begun.
    Refused(Abort),
    /// Nobody knows. Whether it took effect, the terminal says when asked with `06 20`.
    Unknown(Doubt),
}

/// What was said until a command had ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// What `06 0F` carries.
    pub completion: Completion,
    /// The last `04 0F`, if there was any.
    pub result: Option<StatusInformation>,
}

/// Why an outcome is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// No acknowledgement of the command within T3.
    #[error("the terminal does not answer")]
    NoAnswer,
    /// No end within T4.
    #[error("the terminal has said nothing more for too long")]
    NoEnd,
    /// What was sent has not arrived, or only its acknowledgement was lost.
    #[error("the terminal does not take what it is sent")]
    Undelivered,
    /// The connection is gone.
    #[error("the connection is lost")]
    Lost,
}

/// One connection to a terminal.
#[derive(Debug)]
pub struct Till {
    transport: Transport,
    is_serial: bool,
    charset: Charset,
    running: Option<Running>,
    events: VecDeque<Event>,
}

/// The command that is being carried out.
#[derive(Debug)]
struct Running {
    /// It ends with its acknowledgement.
    is_short: bool,
    /// What `80 00` and `84 xx` answer next.
    expected: VecDeque<Expected>,
    /// `06 B0` is on its way, or was answered well.
    aborting: bool,
    /// When the terminal must have said something; none while a block is under way on a serial
    /// line.
    deadline: Option<Mono>,
    result: Option<StatusInformation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Command,
    Abort,
}

impl Till {
    /// On a fresh serial line. `charset` is what the till registers for.
    pub fn serial(charset: Charset) -> Self {
        Self::new(Transport::serial(), true, charset)
    }

    /// On a fresh TCP connection.
    pub fn tcp(charset: Charset) -> Self {
        Self::new(Transport::tcp(), false, charset)
    }

    fn new(transport: Transport, is_serial: bool, charset: Charset) -> Self {
        Self { transport, is_serial, charset, running: None, events: VecDeque::new() }
    }

    /// A command is being carried out.
    pub fn is_busy(&self) -> bool {
        self.running.is_some()
    }

    /// Everything that was to be written is written, and acknowledged on a serial line.
    pub fn is_flushed(&self) -> bool {
        self.transport.is_idle()
    }

    /// Sends a command. Nothing happens while another one is carried out.
    ///
    /// # Errors
    /// When the message cannot be written.
    pub fn send(&mut self, now: Mono, command: &Command<'_>) -> Result<(), EncodeError> {
        if self.is_busy() {
            return Ok(());
        }
        let apdu = command.encode()?;
        self.transport.send(now, apdu);
        self.running = Some(Running {
            is_short: matches!(
                command,
                Command::LogOff | Command::Abort | Command::DisplayText(_) | Command::BaudRate(_)
            ),
            expected: VecDeque::from([Expected::Command]),
            aborting: false,
            deadline: (!self.is_serial).then(|| now.after(T3)),
            result: None,
        });
        Ok(())
    }

    /// Sends `06 B0`, once per command. What then happens is the terminal's decision: it may be
    /// too late.
    pub fn abort(&mut self, now: Mono) {
        let Some(running) = self.running.as_mut().filter(|running| !running.aborting) else {
            return;
        };
        if let Ok(apdu) = Command::Abort.encode() {
            self.transport.send(now, apdu);
            running.aborting = true;
            running.expected.push_back(Expected::Abort);
        }
    }

    /// Takes in bytes, cut anywhere.
    pub fn receive(&mut self, now: Mono, bytes: &[u8]) {
        let received = self.transport.receive(now, bytes);
        self.transported(now, received);
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Mono) {
        let passed = self.transport.tick(now);
        self.transported(now, passed);
        let Some(running) = &self.running else { return };
        if running.deadline.is_some_and(|deadline| deadline <= now) {
            let doubt = match running.is_taken() {
                true => Doubt::NoEnd,
                false => Doubt::NoAnswer,
            };
            self.end(Outcome::Unknown(doubt));
        }
    }

    /// The connection is gone.
    pub fn lost(&mut self) {
        if self.is_busy() {
            self.end(Outcome::Unknown(Doubt::Lost));
        }
    }

    /// The next bytes that are due, to be written at once and by themselves.
    pub fn poll_write(&mut self, now: Mono) -> Option<Vec<u8>> {
        self.transport.poll_write(now)
    }

    /// What was heard, in order.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Self::tick`] or [`Self::poll_write`] has something to do, though nothing comes in.
    pub fn poll_timeout(&self) -> Option<Mono> {
        let deadline = self.running.as_ref().and_then(|running| running.deadline);
        [deadline, self.transport.poll_timeout()].into_iter().flatten().min()
    }

    fn transported(&mut self, now: Mono, events: Vec<transport::Event>) {
        for event in events {
            match event {
                transport::Event::Delivered => {
                    if let Some(running) = &mut self.running
                        && !running.is_taken()
                    {
                        running.deadline.get_or_insert(now.after(T3));
                    }
                }
                transport::Event::RepeatedAnswer => {}
                transport::Event::Undelivered => {
                    if self.is_busy() {
                        self.end(Outcome::Unknown(Doubt::Undelivered));
                    }
                }
                transport::Event::Apdu(bytes) => self.heard(now, &bytes),
            }
        }
    }

    fn heard(&mut self, now: Mono, bytes: &[u8]) {
        let Ok(apdu) = Apdu::parse(bytes) else { return };
        match (Answer::parse(&apdu, self.charset), apdu.control) {
            (Ok(Answer::Acknowledged), _) => self.answered(now, Ok(())),
            (Ok(Answer::Refused(code)), _) => self.answered(now, Err(Abort::Code(code))),
            (Ok(Answer::RefusedCurrency(ours)), _) => {
                self.answered(now, Err(Abort::WrongCurrency(ours)));
            }
            // Classes 80 and 84 are never answered.
            (_, [0x80 | control::REFUSE_CLASS, _]) => {}
            // Nothing was asked for: a result that comes now is nobody's.
            _ if !self.is_busy() => self.reply(now, [control::REFUSE_CLASS, 0x66]),
            (Ok(answer), _) => self.block(now, answer),
            (Err(_), control::INTERMEDIATE_STATUS) => {
                self.keep_waiting(now, T4);
                self.reply(now, control::ACKNOWLEDGE);
            }
            (Err(error), _) => self.refuse(now, error),
        }
    }

    /// What cannot be read is refused: a result that nobody can read is then given back.
    fn refuse(&mut self, now: Mono, error: MessageError) {
        self.reply(now, [control::REFUSE_CLASS, error.code().0]);
    }

    fn reply(&mut self, now: Mono, [class, instruction]: [u8; 2]) {
        self.transport.send(now, vec![class, instruction, 0x00]);
    }

    /// `80 00` or `84 xx`; what comes when nothing is expected means nothing.
    fn answered(&mut self, now: Mono, answer: Result<(), Abort>) {
        let Some(running) = &mut self.running else { return };
        match (running.expected.pop_front(), answer) {
            (None, _) => {}
            (Some(Expected::Abort), answer) => {
                running.aborting = answer.is_ok();
                self.events.push_back(Event::AbortAnswered(answer.is_ok()));
            }
            (Some(Expected::Command), Err(refusal)) => self.end(Outcome::Refused(refusal)),
            (Some(Expected::Command), Ok(())) => {
                let is_short = running.is_short;
                self.events.push_back(Event::Taken);
                match is_short {
                    true => {
                        let ending = Ending { completion: Completion::Done, result: None };
                        self.end(Outcome::Done(Box::new(ending)));
                    }
                    false => self.keep_waiting(now, T4),
                }
            }
        }
    }

    fn keep_waiting(&mut self, now: Mono, wait: Duration) {
        if let Some(running) = &mut self.running {
            running.deadline = Some(now.after(wait));
        }
    }

    /// Anything that is acknowledged.
    fn block(&mut self, now: Mono, answer: Answer) {
        self.reply(now, control::ACKNOWLEDGE);
        match &answer {
            Answer::IntermediateStatus(status) => self.keep_waiting(now, patience(status)),
            Answer::StatusInformation(status) => {
                self.keep_waiting(now, T4);
                if let Some(running) = &mut self.running {
                    running.result = Some(status.as_ref().clone());
                }
            }
            _ => {}
        }
        self.events.push_back(Event::Heard(answer.clone()));
        match answer {
            Answer::Completion(completion) => {
                let result = self.running.take().and_then(|running| running.result);
                let code = result.as_ref().map_or(Code::OK, |result| result.result);
                self.end(match code {
                    Code::OK => Outcome::Done(Box::new(Ending { completion, result })),
                    code => Outcome::Failed(Abort::Code(code)),
                });
            }
            Answer::Abort(abort) => self.end(Outcome::Failed(abort)),
            _ => {}
        }
    }

    fn end(&mut self, outcome: Outcome) {
        self.running = None;
        self.events.push_back(Event::Ended(outcome));
    }
}

impl Running {
    fn is_taken(&self) -> bool {
        !self.expected.contains(&Expected::Command)
    }
}

/// The terminal may name another T4, in minutes.
fn patience(status: &IntermediateStatus) -> Duration {
    match status.details.as_ref().map(|details| details.timeout.value()) {
        None | Some(0) => T4,
        Some(minutes) => Duration::from_secs(60 * minutes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pos::zvt::bcd::{MinorUnits, Password, Receipt};
    use crate::pos::zvt::frame;
    use crate::pos::zvt::message::{Payment, Progress};
    use crate::pos::zvt::trace::{Said, Side, parse};

    fn at(millis: u64) -> Mono {
        Mono::new(Duration::from_millis(millis))
    }

    fn payment() -> Command<'static> {
        Command::Authorisation(Payment {
            amount: MinorUnits::new(1010).expect("it fits"),
            currency: None,
            payment_type: None,
            timeout: None,
            status_infos_max: None,
            tlv: None,
        })
    }

    fn paying() -> Till {
        let mut till = Till::tcp(Charset::Cp437);
        till.send(at(0), &payment()).expect("it fits");
        till
    }

    /// What the till says must be what stands there; what was heard.
    fn play(till: &mut Till, dialogue: &str) -> Vec<Event> {
        for entry in parse(dialogue).expect("a dialogue") {
            let Said::Apdu(bytes) = entry.said else { panic!("{entry:?}") };
            match entry.side {
                Side::Terminal => till.receive(at(100), &bytes),
                Side::Till => assert_eq!(till.poll_write(at(100)), Some(bytes), "{dialogue}"),
            }
        }
        assert_eq!(till.poll_write(at(100)), None, "nothing else is said");
        std::iter::from_fn(|| till.poll_event()).collect()
    }

    fn outcome(events: Vec<Event>) -> Outcome {
        match events.into_iter().next_back() {
            Some(Event::Ended(outcome)) => outcome,
            event => panic!("{event:?}"),
        }
    }

    const TAKEN: &str = "till > 06 01 07 04 00 00 00 00 10 10\nterm < 80 00 00\n";

    #[test]
    fn a_payment_is_done_with_its_result() {
        let mut till = paying();
        let events = play(
            &mut till,
            "till > 06 01 07 04 00 00 00 00 10 10
             term < 80 00 00
             term < 04 FF 01 17
             till > 80 00 00
             term < 04 0F 0C 27 00 04 00 00 00 00 10 10 87 00 10
             till > 80 00 00
             term < 06 D1 07 80 4B 6C 61 72 6E 61
             till > 80 00 00
             term < 06 0F 00
             till > 80 00 00"
                .replace("             ", "")
                .as_str(),
        );
        let status = IntermediateStatus { progress: Progress::WAITING, details: None };
        assert_eq!(events[0], Event::Taken);
        assert_eq!(events[1], Event::Heard(Answer::IntermediateStatus(status)));
        assert!(matches!(&events[3], Event::Heard(Answer::PrintLine(line)) if line.last));
        let Outcome::Done(ending) = outcome(events) else { panic!("it is done") };
        assert_eq!(ending.result.and_then(|result| result.receipt), Receipt::new(10).ok());
        assert!(!till.is_busy() && till.is_flushed());
        assert_eq!(till.poll_timeout(), None);
    }

    #[test]
    fn what_is_not_paid() {
        let failed = |code| Outcome::Failed(Abort::Code(code));
        let mut till = paying();
        let refused = play(&mut till, &TAKEN.replace("80 00 00", "84 9C 00"));
        assert_eq!(outcome(refused), Outcome::Refused(Abort::Code(Code::PLEASE_WAIT)));
        let mut till = paying();
        let aborted = format!(
            "{TAKEN}term < 04 0F 02 27 6C\ntill > 80 00 00\nterm < 06 1E 01 6C\ntill > 80 00 00"
        );
        assert_eq!(outcome(play(&mut till, &aborted)), failed(Code::ABORTED));
        // Some terminals end a declined payment well.
        let mut till = paying();
        let declined = format!(
            "{TAKEN}term < 04 0F 02 27 05\ntill > 80 00 00\nterm < 06 0F 00\ntill > 80 00 00"
        );
        assert_eq!(outcome(play(&mut till, &declined)), failed(Code::DECLINED));
        // Approved, and then given back all the same.
        let mut till = paying();
        let given_back = format!(
            "{TAKEN}term < 04 0F 02 27 00\ntill > 80 00 00\nterm < 06 1E 01 6C\ntill > 80 00 00"
        );
        assert_eq!(outcome(play(&mut till, &given_back)), failed(Code::ABORTED));
    }

    #[test]
    fn what_was_not_heard_to_the_end_is_unknown() {
        let unknown = |till: &mut Till| outcome(play(till, ""));
        let mut till = paying();
        play(&mut till, "till > 06 01 07 04 00 00 00 00 10 10");
        till.tick(at(4999));
        assert!(till.is_busy());
        till.tick(at(5000));
        assert_eq!(unknown(&mut till), Outcome::Unknown(Doubt::NoAnswer));

        let mut till = paying();
        play(&mut till, &format!("{TAKEN}term < 04 0F 02 27 00\ntill > 80 00 00"));
        till.lost();
        assert_eq!(unknown(&mut till), Outcome::Unknown(Doubt::Lost), "though it was approved");

        let mut till = paying();
        play(&mut till, TAKEN);
        assert_eq!(till.poll_timeout(), Some(at(180_100)));
        till.receive(at(170_000), &[0x04, 0xFF, 0x01, 0x17]);
        assert_eq!(till.poll_timeout(), Some(at(350_000)), "T4 begins anew");
        till.receive(at(200_000), &[0x04, 0xFF, 0x02, 0x17, 0x01]);
        assert_eq!(till.poll_timeout(), Some(at(260_000)), "the terminal names another T4");
        till.tick(at(260_000));
        assert!(!till.is_busy());
        // What comes too late is refused, so that nobody keeps money for it.
        let late = "term < 04 0F 02 27 00\ntill > 84 66 00";
        while till.poll_write(at(260_000)).is_some() {}
        let events = play(&mut till, late);
        assert_eq!(outcome(events), Outcome::Unknown(Doubt::NoEnd));
    }

    #[test]
    fn an_abort_is_answered_for_itself() {
        let mut till = paying();
        play(&mut till, TAKEN);
        till.abort(at(100));
        till.abort(at(100));
        let events = play(&mut till, "till > 06 B0 00\nterm < 84 83 00");
        assert_eq!(events, [Event::AbortAnswered(false)]);
        assert!(till.is_busy(), "too late for it: the payment goes on");
        till.abort(at(100));
        let events = play(
            &mut till,
            "till > 06 B0 00\nterm < 04 FF 01 17\ntill > 80 00 00\nterm < 80 00 00\n\
             term < 06 1E 01 6C\ntill > 80 00 00",
        );
        assert!(events.contains(&Event::AbortAnswered(true)));
        assert_eq!(outcome(events), Outcome::Failed(Abort::Code(Code::ABORTED)));
        till.abort(at(100));
        assert_eq!(till.poll_write(at(100)), None, "nothing to abort");
    }

    #[test]
    fn an_abort_before_the_first_answer_is_answered_second() {
        let mut till = paying();
        till.abort(at(0));
        let events = play(
            &mut till,
            "till > 06 01 07 04 00 00 00 00 10 10\ntill > 06 B0 00\nterm < 80 00 00\n\
             term < 84 83 00",
        );
        assert_eq!(events, [Event::Taken, Event::AbortAnswered(false)]);
    }

    #[test]
    fn what_nobody_can_read_is_refused() {
        let mut till = paying();
        play(&mut till, TAKEN);
        let unread = "term < 04 0F 03 27 00 FC\ntill > 84 83 00\n\
                      term < 04 0F 01 27\ntill > 84 9A 00\n\
                      term < 06 D8 00\ntill > 84 83 00\n\
                      term < 80 01 00\n";
        assert_eq!(play(&mut till, unread), []);
        assert!(till.is_busy());
    }

    #[test]
    fn short_commands_end_with_their_acknowledgement() {
        let mut till = Till::tcp(Charset::Cp437);
        till.send(at(0), &Command::LogOff).expect("it fits");
        let events = play(&mut till, "till > 06 02 00\nterm < 80 00 00");
        assert!(matches!(outcome(events), Outcome::Done(_)));
        let password = Password::new(0).expect("six digits");
        till.send(at(0), &Command::EndOfDay(password)).expect("it fits");
        till.send(at(0), &Command::LogOff).expect("it fits");
        play(&mut till, "till > 06 50 03 00 00 00\nterm < 80 00 00");
        assert!(till.is_busy(), "one at a time");
    }

    #[test]
    fn over_a_serial_line() {
        let mut till = Till::serial(Charset::Cp437);
        till.send(at(0), &Command::LogOff).expect("it fits");
        assert_eq!(till.poll_write(at(0)), Some(frame::encode(&[0x06, 0x02, 0x00])));
        till.receive(at(100), &[frame::ACK]);
        assert_eq!(till.poll_timeout(), Some(at(5100)), "T3 begins when it has arrived");
        till.receive(at(200), &frame::encode(&[0x80, 0x00, 0x00]));
        assert!(!till.is_busy() && !till.is_flushed());
        assert_eq!(till.poll_write(at(200)), Some(vec![frame::ACK]));
        assert!(till.is_flushed());

        let mut till = Till::serial(Charset::Cp437);
        till.send(at(0), &payment()).expect("it fits");
        for send in 0..3 {
            assert!(till.poll_write(at(5000 * send)).is_some());
            till.tick(at(5000 * (send + 1)));
        }
        assert_eq!(till.poll_event(), Some(Event::Ended(Outcome::Unknown(Doubt::Undelivered))));
    }
}
