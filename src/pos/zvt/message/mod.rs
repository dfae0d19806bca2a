//! Messages as types: [`Command`] is what a till sends, [`Answer`] what the terminal sends. Both
//! are read and written, so that the same bytes serve a terminal, a till and their tests.
//!
//! Which answer follows which command, and when, is the session's; nothing here knows of it.

mod answer;
mod command;
mod print;
mod read;
mod status;
mod write;

pub use answer::{
    Abort, Answer, Completion, Details, IntermediateStatus, Progress, Registered, StatusReport,
};
pub use command::{
    Booking, Command, DisplayText, Payment, ReceiptName, Refund, Refusal, Registration,
    RegistrationConfig, RepeatReceipt, Reversal, StatusEnquiry, TillAbilities,
};
pub use print::{PrintBlock, PrintLine, ReceiptKind, Style, TEXT_LEN_MAX};
pub use status::{Group, StatusInformation, Totals};

use super::apdu::{Apdu, Control, TooLong};
use super::bcd::{Bcd, BcdError};
use super::bmp::{self, BmpError};
use super::code::Code;
use std::fmt;

/// Why a message cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// A bitmap is unknown, cut off, doubled or no number.
    #[error(transparent)]
    Bitmap(#[from] BmpError),
    /// A bitmap that the message needs is not there.
    #[error("bitmap {0:02X} is missing")]
    Missing(u8),
    /// A field before the bitmaps is not there or cut off.
    #[error("{0} is missing")]
    MissingField(&'static str),
    /// A field before the bitmaps is no number.
    #[error("{0}: {1}")]
    Field(&'static str, BcdError),
    /// The message is none of those that the other side sends.
    #[error("{0:02X?} is not a message of this side")]
    Control(Control),
}

impl MessageError {
    /// The instruction of the `84 xx` that answers a command with this error (PA00P015 ch. 10): 83
    /// for what is not known, 9A for what is known but wrong.
    pub fn code(self) -> Code {
        match self {
            Self::Bitmap(BmpError::Unknown(_)) | Self::Control(_) => Code::NOT_POSSIBLE,
            Self::Bitmap(
                BmpError::Short(_)
                | BmpError::Length(_)
                | BmpError::Repeated(_)
                | BmpError::Number(..),
            )
            | Self::Missing(_)
            | Self::MissingField(_)
            | Self::Field(..) => Code::PROTOCOL_ERROR,
        }
    }
}

/// Why a message cannot be written: only a TLV container or a receipt can be too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A value does not fit its bitmap.
    #[error(transparent)]
    Bitmap(#[from] bmp::Unfit),
    /// A value does not fit its tag.
    #[error(transparent)]
    Tag(#[from] super::tlv::Unfit),
    /// The body does not fit the message.
    #[error(transparent)]
    Apdu(#[from] TooLong),
}

/// Bytes that are handed on as they are. They may be anything, so they are never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a>(pub &'a [u8]);

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// Classes and instructions of the messages that this module knows.
pub mod control {
    use super::Control;

    /// Till: register, say what the till can and wants.
    pub const REGISTRATION: Control = [0x06, 0x00];
    /// Till: pay.
    pub const AUTHORISATION: Control = [0x06, 0x01];
    /// Till: log off.
    pub const LOG_OFF: Control = [0x06, 0x02];
    /// Till: sums of the shift, which stays open.
    pub const TOTALS: Control = [0x06, 0x10];
    /// Till: print receipts again.
    pub const REPRINT: Control = [0x06, 0x12];
    /// Till: restart.
    pub const RESET: Control = [0x06, 0x18];
    /// Till: print how the terminal is set up.
    pub const PRINT_CONFIGURATION: Control = [0x06, 0x1A];
    /// Till: another terminal identifier.
    pub const SET_TERMINAL: Control = [0x06, 0x1B];
    /// Till: the last result and receipt again.
    pub const REPEAT_RECEIPT: Control = [0x06, 0x20];
    /// Till: authorise, capture later.
    pub const RESERVATION: Control = [0x06, 0x22];
    /// Till: release a part of what was reserved and capture the rest, or list what is open.
    pub const PARTIAL_REVERSAL: Control = [0x06, 0x23];
    /// Till: capture what was reserved.
    pub const BOOK_TOTAL: Control = [0x06, 0x24];
    /// Till: give up what was reserved.
    pub const CANCEL_RESERVATION: Control = [0x06, 0x25];
    /// Till: undo a payment.
    pub const REVERSAL: Control = [0x06, 0x30];
    /// Till: give money back.
    pub const REFUND: Control = [0x06, 0x31];
    /// Till: close the shift.
    pub const END_OF_DAY: Control = [0x06, 0x50];
    /// Till: check the connection.
    pub const DIAGNOSIS: Control = [0x06, 0x70];
    /// Till: check the terminal.
    pub const SELF_TEST: Control = [0x06, 0x79];
    /// Till: set the clock.
    pub const SET_TIME: Control = [0x06, 0x91];
    /// Till: initialise.
    pub const INITIALISATION: Control = [0x06, 0x93];
    /// Till: abort what is running.
    pub const ABORT_COMMAND: Control = [0x06, 0xB0];
    /// Till: show a text.
    pub const DISPLAY_TEXT: Control = [0x06, 0xE0];
    /// Till: how is the terminal?
    pub const STATUS_ENQUIRY: Control = [0x05, 0x01];
    /// Till: another baud rate.
    pub const BAUD_RATE: Control = [0x08, 0x40];
    /// Both: positive acknowledgement.
    pub const ACKNOWLEDGE: Control = [0x80, 0x00];
    /// Class of negative acknowledgements; the instruction is the code, and 00 is positive.
    pub const REFUSE_CLASS: u8 = 0x84;
    /// Terminal: result of a transaction.
    pub const STATUS_INFORMATION: Control = [0x04, 0x0F];
    /// Terminal: what it is doing.
    pub const INTERMEDIATE_STATUS: Control = [0x04, 0xFF];
    /// Terminal: the command has ended well.
    pub const COMPLETION: Control = [0x06, 0x0F];
    /// Terminal: the command has ended otherwise.
    pub const ABORT: Control = [0x06, 0x1E];
    /// Terminal: print one line.
    pub const PRINT_LINE: Control = [0x06, 0xD1];
    /// Terminal: print a receipt.
    pub const PRINT_BLOCK: Control = [0x06, 0xD3];
}

fn encode(control: Control, data: &[u8]) -> Result<Vec<u8>, EncodeError> {
    Ok(Apdu { control, data }.encode()?)
}

/// A number that stands before the bitmaps, and what follows it.
fn leading<'a, T: Bcd>(data: &'a [u8], field: &'static str) -> Result<(T, &'a [u8]), MessageError> {
    let split = data.split_at_checked(T::WIDTH);
    let (number, rest) = split.ok_or(MessageError::MissingField(field))?;
    let number = T::parse(number).map_err(|error| MessageError::Field(field, error))?;
    Ok((number, rest))
}
