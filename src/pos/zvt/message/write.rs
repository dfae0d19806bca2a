//! A till's messages as bytes, for a till of our own and for tests of both directions.

use super::command::{Booking, Command, DisplayText, Payment, Refund, Registration, Reversal};
use super::{EncodeError, Raw, control, encode};
use crate::pos::zvt::apdu::Control;
use crate::pos::zvt::bmp;

/// A body in the making.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// With fields that stand before the bitmaps.
    pub(super) fn after(fields: &[u8]) -> Self {
        Self(fields.to_vec())
    }

    /// A bitmap, if there is one.
    pub(super) fn field(
        mut self,
        number: u8,
        value: Option<impl AsRef<[u8]>>,
    ) -> Result<Self, EncodeError> {
        if let Some(value) = value {
            bmp::push(&mut self.0, number, value.as_ref())?;
        }
        Ok(self)
    }

    /// A bitmap of one byte, if there is one.
    pub(super) fn byte(self, number: u8, value: Option<u8>) -> Result<Self, EncodeError> {
        self.field(number, value.map(|value| [value]))
    }

    /// The container, if there is one.
    pub(super) fn tlv(self, container: Option<Raw<'_>>) -> Result<Self, EncodeError> {
        self.field(0x06, container.map(|Raw(container)| container))
    }

    /// The body.
    pub(super) fn body(self) -> Vec<u8> {
        self.0
    }

    /// The whole message.
    pub(super) fn message(self, control: Control) -> Result<Vec<u8>, EncodeError> {
        encode(control, &self.0)
    }
}

impl Command<'_> {
    /// The message as an APDU, its bitmaps in ascending order and the container last.
    ///
    /// # Errors
    /// When a container or a line is too long for its bitmap.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        self.body()?.message(self.control())
    }

    /// Class and instruction.
    pub fn control(&self) -> Control {
        match self {
            Self::Registration(_) => control::REGISTRATION,
            Self::Authorisation(_) => control::AUTHORISATION,
            Self::LogOff => control::LOG_OFF,
            Self::Totals(_) => control::TOTALS,
            Self::Reprint(_) => control::REPRINT,
            Self::Reset => control::RESET,
            Self::PrintConfiguration => control::PRINT_CONFIGURATION,
            Self::SetTerminal(..) => control::SET_TERMINAL,
            Self::RepeatReceipt(_) => control::REPEAT_RECEIPT,
            Self::Reservation(_) => control::RESERVATION,
            Self::PartialReversal(_) => control::PARTIAL_REVERSAL,
            Self::BookTotal(_) => control::BOOK_TOTAL,
            Self::CancelReservation(_) => control::CANCEL_RESERVATION,
            Self::Reversal(_) => control::REVERSAL,
            Self::Refund(_) => control::REFUND,
            Self::EndOfDay(_) => control::END_OF_DAY,
            Self::Diagnosis(_) => control::DIAGNOSIS,
            Self::SelfTest => control::SELF_TEST,
            Self::SetTime(..) => control::SET_TIME,
            Self::Initialisation(_) => control::INITIALISATION,
            Self::Abort => control::ABORT_COMMAND,
            Self::DisplayText(_) => control::DISPLAY_TEXT,
            Self::StatusEnquiry(_) => control::STATUS_ENQUIRY,
            Self::BaudRate(_) => control::BAUD_RATE,
            Self::Acknowledged => control::ACKNOWLEDGE,
            Self::Refused(refusal) => [control::REFUSE_CLASS, refusal.code.0],
            Self::Stray(control) | Self::Unknown(control) => *control,
        }
    }

    fn body(&self) -> Result<Writer, EncodeError> {
        match self {
            Self::Registration(command) => registration(command),
            Self::Authorisation(command) | Self::Reservation(command) => payment(command),
            Self::PartialReversal(command)
            | Self::BookTotal(command)
            | Self::CancelReservation(command) => booking(command),
            Self::Totals(password)
            | Self::Reprint(password)
            | Self::EndOfDay(password)
            | Self::Initialisation(password) => Ok(Writer::after(&password.bytes())),
            Self::SetTerminal(password, terminal) => {
                Writer::after(&password.bytes()).field(0x29, Some(terminal.bytes()))
            }
            Self::RepeatReceipt(command) => {
                Writer::after(&command.password.bytes()).byte(0x03, command.service)
            }
            Self::Reversal(command) => reversal(command),
            Self::Refund(command) => refund(command),
            Self::Diagnosis(kind) => {
                Writer::default().field(0x06, kind.map(|kind| [0x1B, 0x01, kind]))
            }
            Self::SetTime(date, time) => {
                Writer::default().field(0xAA, Some(date.bytes()))?.field(0x0C, Some(time.bytes()))
            }
            Self::DisplayText(command) => display_text(command),
            Self::StatusEnquiry(command) => {
                let password = command.password.map(|password| password.bytes());
                Writer::after(password.as_ref().map_or(&[], |password| password))
                    .byte(0x03, command.service)?
                    .tlv(command.tlv)
            }
            Self::BaudRate(rate) => Ok(Writer::after(&[*rate])),
            Self::Refused(refusal) => {
                Writer::default().field(0x04, refusal.amount.map(|amount| amount.bytes()))
            }
            Self::LogOff
            | Self::Reset
            | Self::PrintConfiguration
            | Self::SelfTest
            | Self::Abort
            | Self::Acknowledged
            | Self::Stray(_)
            | Self::Unknown(_) => Ok(Writer::default()),
        }
    }
}

fn registration(command: &Registration<'_>) -> Result<Writer, EncodeError> {
    let mut fields = command.password.bytes().to_vec();
    fields.push(command.config.0);
    fields.extend(command.currency.into_iter().flat_map(|code| code.bytes()));
    Writer::after(&fields).byte(0x03, command.service)?.tlv(command.tlv)
}

fn payment(command: &Payment<'_>) -> Result<Writer, EncodeError> {
    Writer::default()
        .byte(0x01, command.timeout)?
        .byte(0x02, command.status_infos_max)?
        .field(0x04, Some(command.amount.bytes()))?
        .byte(0x19, command.payment_type)?
        .field(0x49, command.currency.map(|currency| currency.bytes()))?
        .tlv(command.tlv)
}

fn booking(command: &Booking<'_>) -> Result<Writer, EncodeError> {
    Writer::default()
        .field(0x04, command.amount.map(|amount| amount.bytes()))?
        .byte(0x19, command.payment_type)?
        .field(0x49, command.currency.map(|currency| currency.bytes()))?
        .field(0x87, Some(command.receipt.bytes()))?
        .tlv(command.tlv)
}

fn reversal(command: &Reversal<'_>) -> Result<Writer, EncodeError> {
    Writer::after(&command.password.bytes())
        .field(0x04, command.amount.map(|amount| amount.bytes()))?
        .field(0x37, command.trace.map(|trace| trace.bytes()))?
        .field(0x49, command.currency.map(|currency| currency.bytes()))?
        .field(0x87, command.receipt.map(|receipt| receipt.bytes()))?
        .tlv(command.tlv)
}

fn refund(command: &Refund<'_>) -> Result<Writer, EncodeError> {
    Writer::after(&command.password.bytes())
        .field(0x04, Some(command.amount.bytes()))?
        .field(0x37, command.trace.map(|trace| trace.bytes()))?
        .field(0x49, command.currency.map(|currency| currency.bytes()))?
        .field(0x87, command.receipt.map(|receipt| receipt.bytes()))?
        .tlv(command.tlv)
}

fn display_text(command: &DisplayText<'_>) -> Result<Writer, EncodeError> {
    let mut body = Writer::default().byte(0xF0, command.duration_s)?;
    for (number, line) in (0xF1..=0xF8).zip(command.lines) {
        body = body.field(number, line.map(|Raw(line)| line))?;
    }
    Ok(body)
}
