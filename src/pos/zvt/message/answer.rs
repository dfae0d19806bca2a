//! What the terminal sends: acknowledgements, what it is doing, and how a command has ended.

use super::command::ReceiptName;
use super::print::{PrintBlock, PrintLine};
use super::status::StatusInformation;
use super::write::Writer;
use super::{EncodeError, MessageError, Raw, control, encode, leading};
use crate::pos::zvt::apdu::Apdu;
use crate::pos::zvt::bcd::{Bcd, CurrencyCode, Minutes, TerminalId};
use crate::pos::zvt::bmp::{self, Body};
use crate::pos::zvt::charset::Charset;
use crate::pos::zvt::code::{Code, TerminalStatus};
use crate::pos::zvt::tlv;

/// A message of the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// `80 00 00`: the command is understood. Three bytes, always: some tills read no more.
    Acknowledged,
    /// `84 xx 00`: the command is refused.
    Refused(Code),
    /// `84 1E 03 6F cc cc`: the registration names a currency that is not ours.
    RefusedCurrency(CurrencyCode),
    /// `04 FF`.
    IntermediateStatus(IntermediateStatus),
    /// `04 0F`.
    StatusInformation(Box<StatusInformation>),
    /// `06 0F`.
    Completion(Completion),
    /// `06 1E`.
    Abort(Abort),
    /// `06 D1`.
    PrintLine(PrintLine),
    /// `06 D3`.
    PrintBlock(PrintBlock),
}

impl Answer {
    /// The message as an APDU, its texts in the till's code page; what is too long for its field is
    /// cut.
    ///
    /// # Errors
    /// When a container is too long.
    pub fn encode(&self, charset: Charset) -> Result<Vec<u8>, EncodeError> {
        match self {
            Self::Acknowledged => encode(control::ACKNOWLEDGE, &[]),
            Self::Refused(code) => encode([control::REFUSE_CLASS, code.0], &[]),
            Self::RefusedCurrency(ours) => {
                let [high, low] = ours.bytes();
                let body = [Code::WRONG_CURRENCY.0, high, low];
                encode([control::REFUSE_CLASS, control::ABORT[1]], &body)
            }
            Self::IntermediateStatus(status) => status.encode(charset),
            Self::StatusInformation(status) => status.encode(charset),
            Self::Completion(completion) => completion.encode(charset),
            Self::Abort(abort) => abort.encode(),
            Self::PrintLine(line) => line.encode(charset),
            Self::PrintBlock(block) => block.encode(charset),
        }
    }

    /// Reads a message of the terminal, as a till does.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub fn parse(apdu: &Apdu<'_>, charset: Charset) -> Result<Self, MessageError> {
        let data = apdu.data;
        Ok(match apdu.control {
            control::ACKNOWLEDGE => Self::Acknowledged,
            [control::REFUSE_CLASS, 0x1E] => match data {
                [0x6F, currency @ ..] => Self::RefusedCurrency(leading(currency, "currency")?.0),
                _ => Self::Refused(Code(0x1E)),
            },
            [control::REFUSE_CLASS, 0x00] => Self::Acknowledged,
            [control::REFUSE_CLASS, code] => Self::Refused(Code(code)),
            control::INTERMEDIATE_STATUS => {
                Self::IntermediateStatus(IntermediateStatus::parse(data, charset)?)
            }
            control::STATUS_INFORMATION => {
                Self::StatusInformation(Box::new(StatusInformation::parse(data, charset)?))
            }
            control::COMPLETION => Self::Completion(Completion::parse(data, charset)?),
            control::ABORT => Self::Abort(Abort::parse(data)?),
            control::PRINT_LINE => Self::PrintLine(PrintLine::parse(data, charset)?),
            control::PRINT_BLOCK => Self::PrintBlock(PrintBlock::parse(data, charset)?),
            control => return Err(MessageError::Control(control)),
        })
    }
}

/// What the terminal is doing (`04 FF`). It restarts the time after which a till gives up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntermediateStatus {
    /// What it is doing; tills show a text of their own for it.
    pub progress: Progress,
    /// More than that; a text only for tills that read containers.
    pub details: Option<Details>,
}

/// What may follow in an intermediate status. A text needs a timeout before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// After how many minutes from now the till may give up.
    pub timeout: Minutes,
    /// Tags 24 and 07: a text to show instead. Cut at 240 bytes.
    pub text: Option<String>,
}

/// Longest text of an intermediate status, in bytes.
const STATUS_TEXT_LEN_MAX: usize = 240;

/// A value of an intermediate status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress(pub u8);

impl Progress {
    /// The amount is being confirmed.
    pub const WAITING_FOR_CONFIRMATION: Self = Self(0x00);
    /// The host is being asked.
    pub const WAITING_FOR_HOST: Self = Self(0x04);
    /// The payment is being reversed, because the till has not acknowledged it.
    pub const REVERSING: Self = Self(0x05);
    /// Please wait.
    pub const PLEASE_WAIT: Self = Self(0x0E);
    /// Please wait, as most terminals say it.
    pub const WAITING: Self = Self(0x17);
    /// Approved; hand over the goods.
    pub const APPROVED: Self = Self(0x1C);
    /// See the text.
    pub const SEE_TEXT: Self = Self(0xFF);

    /// What the terminal is doing; empty for values that no message of ours carries.
    pub fn text(self) -> &'static str {
        match self {
            Self::WAITING_FOR_CONFIRMATION => "waiting for confirmation",
            Self::WAITING_FOR_HOST => "waiting for the host",
            Self::REVERSING => "reversing",
            Self::PLEASE_WAIT | Self::WAITING => "please wait",
            Self::APPROVED => "approved",
            Self::SEE_TEXT => "see the text",
            _ => "",
        }
    }
}

impl IntermediateStatus {
    fn encode(&self, charset: Charset) -> Result<Vec<u8>, EncodeError> {
        let mut body = vec![self.progress.0];
        body.extend(self.details.iter().flat_map(|details| details.timeout.bytes()));
        let text = self.details.as_ref().and_then(|details| details.text.as_ref());
        let Some(text) = text else { return encode(control::INTERMEDIATE_STATUS, &body) };
        let (mut lines, mut container) = (Vec::new(), Vec::new());
        tlv::push(&mut lines, 0x07, &charset.encode_to(text, STATUS_TEXT_LEN_MAX))?;
        tlv::push(&mut container, 0x24, &lines)?;
        let body = Writer::after(&body).field(0x06, Some(container))?;
        body.message(control::INTERMEDIATE_STATUS)
    }

    fn parse(data: &[u8], charset: Charset) -> Result<Self, MessageError> {
        let (progress, data) = data.split_first().ok_or(MessageError::MissingField("status"))?;
        let progress = Progress(*progress);
        if data.is_empty() {
            return Ok(Self { progress, details: None });
        }
        let (timeout, data) = leading(data, "timeout")?;
        let body = Body::read(data)?;
        let texts = body.value(0x06).and_then(|container| tlv::find(container, 0x24));
        let text = texts.and_then(|texts| tlv::find(texts, 0x07));
        let text = text.map(|text| charset.decode(text));
        Ok(Self { progress, details: Some(Details { timeout, text }) })
    }
}

/// A command has ended well (`06 0F`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    /// Nothing more to say.
    Done,
    /// The till is registered.
    Registered(Registered),
    /// How the terminal is.
    Status(StatusReport),
}

/// The answer to a registration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registered {
    /// BMP 19: 01 initialise first, 02 diagnose first, 00 ready.
    pub status: Option<u8>,
    /// BMP 29.
    pub terminal: Option<TerminalId>,
    /// BMP 49; only for a till that has named one.
    pub currency: Option<CurrencyCode>,
    /// BMP 06, the container's content; only for a till that has sent one.
    pub tlv: Option<Vec<u8>>,
}

/// The answer to a status enquiry (PA00P015 §2.55).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// LLLVAR without a bitmap number: the software's version. Cut at 99 bytes, so that decoders
    /// which take its first length byte for a bitmap read the same. A till may misread a message
    /// that has nothing but the status byte.
    pub version: Option<String>,
    /// The terminal's state.
    pub status: TerminalStatus,
    /// BMP 06, the container's content.
    pub tlv: Option<Vec<u8>>,
}

impl Completion {
    fn encode(&self, charset: Charset) -> Result<Vec<u8>, EncodeError> {
        match self {
            Self::Done => encode(control::COMPLETION, &[]),
            Self::Registered(registered) => Writer::default()
                .byte(0x19, registered.status)?
                .field(0x29, registered.terminal.map(|terminal| terminal.bytes()))?
                .field(0x49, registered.currency.map(|currency| currency.bytes()))?
                .tlv(registered.tlv.as_deref().map(Raw))?
                .message(control::COMPLETION),
            Self::Status(report) => {
                let mut body = Vec::new();
                if let Some(version) = &report.version {
                    let version = charset.encode_to(version, bmp::LLVAR_LEN_MAX);
                    body.extend(bmp::decimal_digits(version.len(), 3));
                    body.extend(version);
                }
                body.push(report.status.0);
                let body = Writer::after(&body).tlv(report.tlv.as_deref().map(Raw))?;
                body.message(control::COMPLETION)
            }
        }
    }

    /// Three bytes from F0 to F9 are the length of a version; what begins with one of the bitmaps
    /// answers a registration, if there is more of it than one byte.
    fn parse(data: &[u8], charset: Charset) -> Result<Self, MessageError> {
        match data {
            [] => Ok(Self::Done),
            [0x19 | 0x29 | 0x49 | 0x06, _, ..] => {
                let body = Body::read(data)?;
                Ok(Self::Registered(Registered {
                    status: body.byte(0x19),
                    terminal: body.number(0x29)?,
                    currency: body.number(0x49)?,
                    tlv: body.value(0x06).map(<[u8]>::to_vec),
                }))
            }
            [0xF0..=0xF9, 0xF0..=0xF9, 0xF0..=0xF9, ..] => {
                let missing = MessageError::MissingField("version");
                let (version, data) = bmp::decimal_length(data, 3)
                    .flatten()
                    .and_then(|(len, data)| data.split_at_checked(len))
                    .ok_or(missing)?;
                Self::parse_status(Some(charset.decode(version)), data)
            }
            _ => Self::parse_status(None, data),
        }
    }

    fn parse_status(version: Option<String>, data: &[u8]) -> Result<Self, MessageError> {
        let (status, data) = data.split_first().ok_or(MessageError::MissingField("status"))?;
        let tlv = Body::read(data)?.value(0x06).map(<[u8]>::to_vec);
        Ok(Self::Status(StatusReport { version, status: TerminalStatus(*status), tlv }))
    }
}

/// A command has ended otherwise (`06 1E`, PA00P015 §2.2.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abort {
    /// With a code.
    Code(Code),
    /// 6F and the currency that is ours.
    WrongCurrency(CurrencyCode),
    /// B8 and the reservation that is meant; `FF FF` when none is open (PA00P015 §2.10.1).
    Reservation(ReceiptName),
}

impl Abort {
    fn encode(self) -> Result<Vec<u8>, EncodeError> {
        match self {
            Self::Code(code) => encode(control::ABORT, &[code.0]),
            Self::WrongCurrency(ours) => {
                let [high, low] = ours.bytes();
                encode(control::ABORT, &[Code::WRONG_CURRENCY.0, high, low])
            }
            Self::Reservation(receipt) => Writer::after(&[Code::PRE_AUTHORISATION.0])
                .field(0x87, Some(receipt.bytes()))?
                .message(control::ABORT),
        }
    }

    fn parse(data: &[u8]) -> Result<Self, MessageError> {
        let (code, data) = data.split_first().ok_or(MessageError::MissingField("code"))?;
        match Code(*code) {
            Code::WRONG_CURRENCY if data.len() == CurrencyCode::WIDTH => {
                Ok(Self::WrongCurrency(leading(data, "currency")?.0))
            }
            Code::PRE_AUTHORISATION => {
                let receipt = ReceiptName::in_body(&Body::read(data)?)?;
                Ok(receipt.map_or(Self::Code(Code::PRE_AUTHORISATION), Self::Reservation))
            }
            // What follows is for people.
            code => Ok(Self::Code(code)),
        }
    }
}
