//! The language of the dialogues. A line with `#` says what the dialogue is about, `given` lines
//! what was before it; every other line is played and stands in the transcript.
//!
//! ```text
//! given registered 8E | registered no | said 06 00 ... | password 123456 | next number 10
//! given paid 10.10 | serial only | tcp only | frames shown
//! given policy refund_offline=false | profile rich | any other line, played untold
//! till register 06 | pay 10.10 | reserve 50.00 | abort | status | repeat | reverse 0001
//! till refund 5.00 0001 | book 20.00 0001 | release 20.00 0001 | cancel 0001 | reservations
//! till end of day | totals | turnovers | log off | ack | 84 66 00 | raw 06 01 ...
//! till takes everything [for 20s]         till answers 84 66 00 to everything for 30s
//! till at once COMMAND + COMMAND | slowly COMMAND | damages COMMAND
//! till tears COMMAND after 6 bytes | repeats its frame
//! drop the next ACK | drop the next 3 ACKs | NAK the next block | noise FF 00
//! cut | plug in | power off | power on | wait 8s
//! the shopper pays                        everything that is needed until the sale is approved
//! create done | seen pending T1 | confirm done tx-1 | capture done ...    as in `scenario::script`
//! ```

use crate::scenario::script::{configured, span};
use crate::scenario::world::policy;
use klarna_terminald::money::{Amount, Currency};
use klarna_terminald::payment::Policy;
use klarna_terminald::pos::zvt::session::{Line, Profile};
use std::time::Duration;

/// One dialogue.
pub struct Script<'a> {
    pub policy: Policy,
    pub profile: Profile,
    /// What commands must carry; anything when it is absent.
    pub password: Option<u64>,
    /// Of the first payment.
    pub next_number: u32,
    /// Not told over the other line.
    pub only: Option<Line>,
    /// The frames of a serial line stand in the transcript as they are.
    pub frames: bool,
    /// What happens before the transcript begins.
    pub before: Vec<Action<'a>>,
    /// What the transcript tells, line by line.
    pub lines: Vec<(&'a str, Action<'a>)>,
}

/// What happens next.
#[derive(Debug, Clone)]
pub enum Action<'a> {
    /// The till says an APDU.
    Say(Vec<u8>),
    /// Several APDUs that arrive in one piece.
    SayAtOnce(Vec<Vec<u8>>),
    /// It arrives byte by byte.
    SaySlowly(Vec<u8>),
    /// The frame arrives with a wrong checksum.
    Damage(Vec<u8>),
    /// Only so many bytes of the frame arrive.
    Tear(Vec<u8>, usize),
    /// The till sends its last frame once more.
    Repeat,
    /// The till answers every block for so long.
    AnswerAll(Vec<u8>, Duration),
    /// How the till's side of a serial line answers the next blocks.
    Next(Vec<Option<u8>>),
    /// Bytes that belong to no frame.
    Noise(Vec<u8>),
    Cut,
    PlugIn,
    PowerOff,
    PowerOn,
    Wait(Duration),
    /// Lines of `scenario::script`.
    Core(Vec<&'a str>),
}

/// `00 00 00`, which every terminal without a password takes.
const PASSWORD: &str = "00 00 00";
/// How long a till that takes everything waits for more.
const TAKING: Duration = Duration::from_secs(5);

impl<'a> Script<'a> {
    pub fn parse(text: &'a str) -> Self {
        let mut script = Self {
            policy: policy(),
            profile: Profile::Standard,
            password: None,
            next_number: 1,
            only: None,
            frames: false,
            before: Vec::new(),
            lines: Vec::new(),
        };
        let mut registration = vec![Action::Say(bytes("06 00 06 00 00 00 06 09 78"))];
        let mut earlier = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let Some(given) = line.strip_prefix("given ") else {
                script.lines.push((line, action(line)));
                continue;
            };
            match given.split_once(' ').expect("something given") {
                ("registered", "no") => registration = Vec::new(),
                ("registered", config) => registration = vec![Action::Say(register(config))],
                ("said", said) => registration = vec![Action::Say(bytes(said))],
                ("password", digits) => script.password = Some(digits.parse().expect(line)),
                ("next", number) => {
                    script.next_number = number.trim_start_matches("number ").parse().expect(line);
                }
                ("serial", "only") => script.only = Some(Line::Serial),
                ("tcp", "only") => script.only = Some(Line::Tcp),
                ("frames", "shown") => script.frames = true,
                ("policy", settings) => script.policy = configured(settings),
                ("profile", "minimal") => script.profile = Profile::Minimal,
                ("profile", "rich") => script.profile = Profile::Rich,
                ("profile", "card-complete") => script.profile = Profile::CardComplete,
                ("paid", amount) => {
                    earlier.push(Action::Say(payment([0x06, 0x01], amount)));
                    earlier.push(Action::Core(PAYS.to_vec()));
                    earlier.push(taking(TAKING));
                }
                _ => earlier.push(action(given)),
            }
        }
        if !registration.is_empty() {
            registration.push(taking(TAKING));
        }
        script.before = [registration, earlier].concat();
        script
    }
}

const PAYS: &[&str] = &["create done", "seen in_progress", "seen pending T1", "confirm done tx-1"];

fn action(line: &str) -> Action<'_> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["till", "takes", "everything"] => taking(TAKING),
        ["till", "takes", "everything", "for", time] => taking(span(time)),
        ["till", "answers", ref answer @ .., "to", "everything", "for", time] => {
            Action::AnswerAll(bytes(&answer.join(" ")), span(time))
        }
        ["till", "repeats", "its", "frame"] => Action::Repeat,
        ["till", "at", "once", ref said @ ..] => {
            let said = said.split(|word| *word == "+");
            Action::SayAtOnce(said.map(command).collect())
        }
        ["till", "slowly", ref said @ ..] => Action::SaySlowly(command(said)),
        ["till", "damages", ref said @ ..] => Action::Damage(command(said)),
        ["till", "tears", ref said @ .., "after", count, "bytes"] => {
            Action::Tear(command(said), count.parse().expect(line))
        }
        ["till", ref said @ ..] => Action::Say(command(said)),
        ["drop", "the", "next", "ACK"] => Action::Next(vec![None]),
        ["drop", "the", "next", count, "ACKs"] => {
            Action::Next(vec![None; count.parse().expect(line)])
        }
        ["NAK", "the", "next", "block"] => Action::Next(vec![Some(0x15)]),
        ["noise", ref noise @ ..] => Action::Noise(bytes(&noise.join(" "))),
        ["cut"] => Action::Cut,
        ["plug", "in"] => Action::PlugIn,
        ["power", "off"] => Action::PowerOff,
        ["power", "on"] => Action::PowerOn,
        ["wait", time] => Action::Wait(span(time)),
        ["the", "shopper", "pays"] => Action::Core(PAYS.to_vec()),
        _ => Action::Core(vec![line]),
    }
}

fn taking(time: Duration) -> Action<'static> {
    Action::AnswerAll(vec![0x80, 0x00, 0x00], time)
}

/// A message of the till.
fn command(said: &[&str]) -> Vec<u8> {
    match said {
        ["register", config] => register(config),
        ["pay", amount] => payment([0x06, 0x01], amount),
        ["pay", amount, "CHF"] => apdu([0x06, 0x01], &format!("{} 49 07 56", sum(amount))),
        ["reserve", amount] => payment([0x06, 0x22], amount),
        ["abort"] => apdu([0x06, 0xB0], ""),
        ["status"] => apdu([0x05, 0x01], "03 02"),
        // With the result and without a receipt.
        ["repeat"] => apdu([0x06, 0x20], &format!("{PASSWORD} 03 03")),
        ["reverse", receipt] => apdu([0x06, 0x30], &format!("{PASSWORD} {}", named(receipt))),
        ["refund", amount] => apdu([0x06, 0x31], &format!("{PASSWORD} {}", sum(amount))),
        ["refund", amount, receipt] => {
            let (sum, named) = (sum(amount), named(receipt));
            apdu([0x06, 0x31], &format!("{PASSWORD} {sum} {named}"))
        }
        ["reservations"] => apdu([0x06, 0x23], "87 FF FF"),
        ["release", amount, receipt] => {
            apdu([0x06, 0x23], &format!("{} {}", sum(amount), named(receipt)))
        }
        ["book", amount, receipt] => {
            apdu([0x06, 0x24], &format!("{} {}", sum(amount), named(receipt)))
        }
        ["cancel", receipt] => apdu([0x06, 0x25], &named(receipt)),
        ["end", "of", "day"] => apdu([0x06, 0x50], PASSWORD),
        ["totals"] => apdu([0x06, 0x10], PASSWORD),
        ["turnovers"] => apdu([0x06, 0x12], PASSWORD),
        ["log", "off"] => apdu([0x06, 0x02], ""),
        ["ack"] => apdu([0x80, 0x00], ""),
        ["raw", said @ ..] | said => bytes(&said.join(" ")),
    }
}

fn register(config: &str) -> Vec<u8> {
    apdu([0x06, 0x00], &format!("{PASSWORD} {config} 09 78"))
}

fn payment(control: [u8; 2], amount: &str) -> Vec<u8> {
    apdu(control, &format!("{} 49 09 78", sum(amount)))
}

/// `04 00 00 00 00 10 10` for `10.10`.
fn sum(amount: &str) -> String {
    let currency = Currency::new("EUR").expect("a currency");
    let minor = Amount::parse(amount, currency).expect(amount).minor();
    let digits = format!("{minor:012}");
    let pairs: Vec<&str> = (0..12).step_by(2).map(|at| &digits[at..at + 2]).collect();
    format!("04 {}", pairs.join(" "))
}

/// `87 00 10` for `0010`.
fn named(receipt: &str) -> String {
    format!("87 {} {}", &receipt[..2], &receipt[2..])
}

fn apdu(control: [u8; 2], body: &str) -> Vec<u8> {
    let body = bytes(body);
    let len = u8::try_from(body.len()).expect("a short command");
    [&control[..], &[len], &body].concat()
}

fn bytes(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect(text)).collect()
}
