//! A till's bytes as messages.

use super::command::{
    Booking, Command, DisplayText, Payment, ReceiptName, Refund, Refusal, Registration,
    RegistrationConfig, RepeatReceipt, Reversal, StatusEnquiry, TillAbilities,
};
use super::{MessageError, Raw, control, leading};
use crate::pos::zvt::apdu::Apdu;
use crate::pos::zvt::bcd::{Bcd, BcdError, Password, Receipt};
use crate::pos::zvt::bmp::{self, Body};
use crate::pos::zvt::charset::Charset;
use crate::pos::zvt::code::Code;
use crate::pos::zvt::tlv;

impl<'a> Command<'a> {
    /// Reads a message of the till.
    ///
    /// # Errors
    /// Whatever is wrong with it; [`MessageError::code`] is the answer. Messages of classes 80 and
    /// 84, which are never answered, are never an error.
    pub fn parse(apdu: &Apdu<'a>) -> Result<Self, MessageError> {
        let data = apdu.data;
        Ok(match apdu.control {
            control::ACKNOWLEDGE | [control::REFUSE_CLASS, 0x00] => Self::Acknowledged,
            [control::REFUSE_CLASS, code] => Self::Refused(refusal(Code(code), data)),
            [0x80, _] => Self::Stray(apdu.control),
            control::REGISTRATION => Self::Registration(registration(data)?),
            control::AUTHORISATION => Self::Authorisation(payment(data)?),
            control::LOG_OFF => Self::LogOff,
            control::TOTALS => Self::Totals(only_password(data)?),
            control::REPRINT => Self::Reprint(only_password(data)?),
            control::RESET => Self::Reset,
            control::PRINT_CONFIGURATION => Self::PrintConfiguration,
            control::SET_TERMINAL => {
                let (password, data) = leading(data, PASSWORD)?;
                Self::SetTerminal(password, needed(&Body::read(data)?, 0x29)?)
            }
            control::REPEAT_RECEIPT => {
                let (password, data) = leading(data, PASSWORD)?;
                let service = Body::read(data)?.byte(0x03);
                Self::RepeatReceipt(RepeatReceipt { password, service })
            }
            control::RESERVATION => Self::Reservation(payment(data)?),
            control::PARTIAL_REVERSAL => Self::PartialReversal(booking(data)?),
            control::BOOK_TOTAL => Self::BookTotal(booking(data)?),
            control::CANCEL_RESERVATION => Self::CancelReservation(booking(data)?),
            control::REVERSAL => Self::Reversal(reversal(data)?),
            control::REFUND => Self::Refund(refund(data)?),
            control::END_OF_DAY => Self::EndOfDay(only_password(data)?),
            control::DIAGNOSIS => {
                let container = Body::read(data)?.value(0x06).unwrap_or_default();
                Self::Diagnosis(tlv::find(container, 0x1B).and_then(|kind| kind.first().copied()))
            }
            control::SELF_TEST => Self::SelfTest,
            control::SET_TIME => {
                let body = Body::read(data)?;
                Self::SetTime(needed(&body, 0xAA)?, needed(&body, 0x0C)?)
            }
            control::INITIALISATION => Self::Initialisation(only_password(data)?),
            control::ABORT_COMMAND => Self::Abort,
            control::DISPLAY_TEXT => Self::DisplayText(display_text(data)?),
            control::STATUS_ENQUIRY => Self::StatusEnquiry(status_enquiry(data)?),
            control::BAUD_RATE => match data {
                [rate, ..] => Self::BaudRate(*rate),
                [] => return Err(MessageError::MissingField("baud rate")),
            },
            control => Self::Unknown(control),
        })
    }
}

const PASSWORD: &str = "password";

fn needed<T: Bcd>(body: &Body<'_>, number: u8) -> Result<T, MessageError> {
    body.number(number)?.ok_or(MessageError::Missing(number))
}

/// A password and bitmaps that say nothing to us, but that must be readable.
fn only_password(data: &[u8]) -> Result<Password, MessageError> {
    let (password, data) = leading(data, PASSWORD)?;
    Body::read(data)?;
    Ok(password)
}

/// The currency has no bitmap number of its own here. It begins with 03 or 06 only for the forint
/// and others that are not in use with ZVT, so these bytes are the bitmaps that may follow.
fn registration(data: &[u8]) -> Result<Registration<'_>, MessageError> {
    let (password, data) = leading(data, PASSWORD)?;
    let (config, data) = data.split_first().ok_or(MessageError::MissingField("configuration"))?;
    let (currency, data) = match data.first() {
        None | Some(0x03 | 0x06) => (None, data),
        Some(_) => {
            let (currency, data) = leading(data, "currency")?;
            (Some(currency), data)
        }
    };
    let body = Body::read(data)?;
    Ok(Registration {
        password,
        config: RegistrationConfig(*config),
        currency,
        service: body.byte(0x03),
        tlv: body.value(0x06).map(Raw),
    })
}

impl Registration<'_> {
    /// What the till says it can; nothing without a container.
    pub fn abilities(&self) -> TillAbilities {
        let Some(Raw(container)) = self.tlv else { return TillAbilities::default() };
        let commands = tlv::find(container, 0x26).unwrap_or_default();
        let charsets = tlv::find_all(tlv::find(container, 0x27).unwrap_or_default(), 0x14);
        let mut charsets = tlv::find(container, 0x14).into_iter().chain(charsets);
        TillAbilities {
            print_block: tlv::find_all(commands, 0x0A).any(|name| name == control::PRINT_BLOCK),
            line_width: tlv::find(container, 0x12).and_then(|width| width.first().copied()),
            charset: charsets.find_map(|tag| Charset::from_tag(*tag.first()?)),
            apdu_len_max: tlv::find(container, 0x1A)
                .and_then(|len| len.try_into().ok())
                .map(u16::from_be_bytes),
        }
    }
}

fn payment(data: &[u8]) -> Result<Payment<'_>, MessageError> {
    let body = Body::read(data)?;
    Ok(Payment {
        amount: needed(&body, 0x04)?,
        currency: body.number(0x49)?,
        payment_type: body.byte(0x19),
        timeout: body.byte(0x01),
        status_infos_max: body.byte(0x02),
        tlv: body.value(0x06).map(Raw),
    })
}

impl ReceiptName {
    fn parse(bytes: &[u8]) -> Result<Self, BcdError> {
        match bytes {
            [0xFF, 0xFF] => Ok(Self::AllOpen),
            bytes => Receipt::parse(bytes).map(Self::Number),
        }
    }

    pub(super) fn in_body(body: &Body<'_>) -> Result<Option<Self>, MessageError> {
        let parse = |bytes| Self::parse(bytes).map_err(|e| bmp::BmpError::Number(0x87, e).into());
        body.value(0x87).map(parse).transpose()
    }
}

fn booking(data: &[u8]) -> Result<Booking<'_>, MessageError> {
    let body = Body::read(data)?;
    Ok(Booking {
        amount: body.number(0x04)?,
        payment_type: body.byte(0x19),
        currency: body.number(0x49)?,
        receipt: ReceiptName::in_body(&body)?.ok_or(MessageError::Missing(0x87))?,
        tlv: body.value(0x06).map(Raw),
    })
}

fn reversal(data: &[u8]) -> Result<Reversal<'_>, MessageError> {
    let (password, data) = leading(data, PASSWORD)?;
    let body = Body::read(data)?;
    let (trace, receipt) = (body.number(0x37)?, body.number(0x87)?);
    if trace.is_none() && receipt.is_none() {
        return Err(MessageError::Missing(0x87));
    }
    Ok(Reversal {
        password,
        amount: body.number(0x04)?,
        trace,
        currency: body.number(0x49)?,
        receipt,
        tlv: body.value(0x06).map(Raw),
    })
}

fn refund(data: &[u8]) -> Result<Refund<'_>, MessageError> {
    let (password, data) = leading(data, PASSWORD)?;
    let body = Body::read(data)?;
    Ok(Refund {
        password,
        amount: needed(&body, 0x04)?,
        trace: body.number(0x37)?,
        currency: body.number(0x49)?,
        receipt: body.number(0x87)?,
        tlv: body.value(0x06).map(Raw),
    })
}

fn display_text(data: &[u8]) -> Result<DisplayText<'_>, MessageError> {
    let body = Body::read(data)?;
    let mut lines = [None; 8];
    for (number, line) in (0xF1..=0xF8).zip(&mut lines) {
        *line = body.value(number).map(Raw);
    }
    Ok(DisplayText { duration_s: body.byte(0xF0), lines })
}

/// The password may be missing, so it is there if the bytes make no sense without it: `03 02` is a
/// service byte, `00 00 00 03 02` a password and a service byte. Only here does a container count
/// that cannot be read: `06 01 16` is a password.
fn status_enquiry(data: &[u8]) -> Result<StatusEnquiry<'_>, MessageError> {
    let expected = |field: &bmp::Field<'_>| match field.number {
        0x03 => true,
        0x06 => tlv::items(field.value).all(|item| item.is_ok()),
        _ => false,
    };
    let known = |body: &Body<'_>| body.fields().iter().all(expected);
    let (password, body) = match Body::read(data).ok().filter(known) {
        Some(body) => (None, body),
        None => {
            let (password, data) = leading(data, PASSWORD)?;
            (Some(password), Body::read(data)?)
        }
    };
    Ok(StatusEnquiry { password, service: body.byte(0x03), tlv: body.value(0x06).map(Raw) })
}

/// What cannot be read is left out: the refusal itself counts.
fn refusal(code: Code, data: &[u8]) -> Refusal {
    let amount = |body: Body<'_>| body.number(0x04).ok().flatten();
    Refusal { code, amount: Body::read(data).ok().and_then(amount) }
}
