//! Status information (`04 0F`): the result of a payment, a refund or a closing.

use super::write::Writer;
use super::{EncodeError, MessageError, Raw, control};
use crate::pos::zvt::bcd::{
    Bcd, CurrencyCode, Date, MinorUnits, Receipt, TerminalId, Time, Trace, Turnover,
};
use crate::pos::zvt::bmp::{BmpError, Body, LLLVAR_LEN_MAX, LLVAR_LEN_MAX};
use crate::pos::zvt::charset::Charset;
use crate::pos::zvt::code::Code;

/// A result. It is final once the till has acknowledged it (PA00P015 §2.2.8 and ch. 4).
///
/// Fields go out with bitmap 27 first and the others ascending, the container last. Tills read them
/// in any order, but some know few tags: without a container every known one is content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusInformation {
    /// BMP 27.
    pub result: Code,
    /// BMP 04.
    pub amount: Option<MinorUnits>,
    /// BMP 0B.
    pub trace: Option<Trace>,
    /// BMP 0C.
    pub time: Option<Time>,
    /// BMP 0D.
    pub date: Option<Date>,
    /// BMP 19: 60 is a payment that was authorised online.
    pub payment_type: Option<u8>,
    /// BMP 29.
    pub terminal: Option<TerminalId>,
    /// BMP 37: of a reversal, the payment's trace number.
    pub original_trace: Option<Trace>,
    /// BMP 3C: what the till may print or log. Cut at 999 bytes.
    pub text: Option<String>,
    /// BMP 49.
    pub currency: Option<CurrencyCode>,
    /// BMP 60: of a closing.
    pub totals: Option<Totals>,
    /// BMP 87.
    pub receipt: Option<Receipt>,
    /// BMP 88.
    pub turnover: Option<Turnover>,
    /// BMP 8A: 78 hex is Klarna (PA00P015 13.13).
    pub card_type: Option<u8>,
    /// BMP 8B, without the NUL that ends it on the wire. Cut at 98 bytes.
    pub card_name: Option<String>,
    /// BMP 8C.
    pub network: Option<u8>,
    /// BMP 06, the container's content.
    pub tlv: Option<Vec<u8>>,
}

/// A body of this length is taken for a missing length byte by tills that work around a terminal
/// which leaves it out: it looks like bitmap 27.
const AMBIGUOUS_LEN: usize = 0x27;

impl StatusInformation {
    /// A result and nothing else.
    pub fn new(result: Code) -> Self {
        Self {
            result,
            amount: None,
            trace: None,
            time: None,
            date: None,
            payment_type: None,
            terminal: None,
            original_trace: None,
            text: None,
            currency: None,
            totals: None,
            receipt: None,
            turnover: None,
            card_type: None,
            card_name: None,
            network: None,
            tlv: None,
        }
    }

    /// The message as an APDU, its texts in the till's code page. A body of 27 hex bytes is made
    /// longer by a space after the text.
    ///
    /// # Errors
    /// When the container is too long.
    pub fn encode(&self, charset: Charset) -> Result<Vec<u8>, EncodeError> {
        let body = self.body(charset)?;
        if body.len() != AMBIGUOUS_LEN {
            return super::encode(control::STATUS_INFORMATION, &body);
        }
        let text = format!("{} ", self.text.as_deref().unwrap_or_default());
        let longer = Self { text: Some(text), ..self.clone() };
        super::encode(control::STATUS_INFORMATION, &longer.body(charset)?)
    }

    fn body(&self, charset: Charset) -> Result<Vec<u8>, EncodeError> {
        let text = self.text.as_ref().map(|text| charset.encode_to(text, LLLVAR_LEN_MAX));
        let name = self.card_name.as_ref().map(|name| {
            let mut name = charset.encode_to(name, LLVAR_LEN_MAX - 1);
            name.push(0);
            name
        });
        let body = Writer::default()
            .byte(0x27, Some(self.result.0))?
            .field(0x04, self.amount.map(|amount| amount.bytes()))?
            .field(0x0B, self.trace.map(|trace| trace.bytes()))?
            .field(0x0C, self.time.map(|time| time.bytes()))?
            .field(0x0D, self.date.map(|date| date.bytes()))?
            .byte(0x19, self.payment_type)?
            .field(0x29, self.terminal.map(|terminal| terminal.bytes()))?
            .field(0x37, self.original_trace.map(|trace| trace.bytes()))?
            .field(0x3C, text)?
            .field(0x49, self.currency.map(|currency| currency.bytes()))?
            .field(0x60, self.totals.map(|totals| totals.bytes()))?
            .field(0x87, self.receipt.map(|receipt| receipt.bytes()))?
            .field(0x88, self.turnover.map(|turnover| turnover.bytes()))?
            .byte(0x8A, self.card_type)?
            .field(0x8B, name)?
            .byte(0x8C, self.network)?
            .tlv(self.tlv.as_deref().map(Raw))?;
        Ok(body.body())
    }

    /// Reads a body. Bitmaps of cards are skipped.
    ///
    /// # Errors
    /// What is wrong with its bitmaps; a message without a result is no result.
    pub fn parse(data: &[u8], charset: Charset) -> Result<Self, MessageError> {
        let body = Body::read(data)?;
        let name = body.value(0x8B).map(|name| name.strip_suffix(&[0]).unwrap_or(name));
        Ok(Self {
            result: body.byte(0x27).map(Code).ok_or(MessageError::Missing(0x27))?,
            amount: body.number(0x04)?,
            trace: body.number(0x0B)?,
            time: body.number(0x0C)?,
            date: body.number(0x0D)?,
            payment_type: body.byte(0x19),
            terminal: body.number(0x29)?,
            original_trace: body.number(0x37)?,
            text: body.value(0x3C).map(|text| charset.decode(text)),
            currency: body.number(0x49)?,
            totals: body.value(0x60).map(Totals::parse).transpose()?,
            receipt: body.number(0x87)?,
            turnover: body.number(0x88)?,
            card_type: body.byte(0x8A),
            card_name: name.map(|name| charset.decode(name)),
            network: body.byte(0x8C),
            tlv: body.value(0x06).map(<[u8]>::to_vec),
        })
    }
}

/// Sums of a shift by card scheme (BMP 60).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// First receipt of the shift.
    pub receipt_first: Receipt,
    /// Last receipt of the shift.
    pub receipt_last: Receipt,
    /// girocard, JCB, Eurocard, American Express, Visa, Diners, and at [`Totals::OTHERS`] the rest.
    pub groups: [Group; 7],
}

/// How often and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// One byte on the wire, so 255 means that many or more.
    pub count: u8,
    /// What they come to.
    pub total: MinorUnits,
}

impl Group {
    const WIDTH: usize = 1 + MinorUnits::WIDTH;
}

impl Totals {
    /// Where payments are counted that are not by one of the card schemes.
    pub const OTHERS: usize = 6;
    const WIDTH: usize = 2 * Receipt::WIDTH + 7 * Group::WIDTH;

    fn bytes(self) -> Vec<u8> {
        let mut bytes = [self.receipt_first.bytes(), self.receipt_last.bytes()].concat();
        for group in self.groups {
            bytes.push(group.count);
            bytes.extend(group.total.bytes());
        }
        bytes
    }

    pub(in crate::pos::zvt) fn parse(bytes: &[u8]) -> Result<Self, BmpError> {
        let number = |error| BmpError::Number(0x60, error);
        if bytes.len() != Self::WIDTH {
            return Err(BmpError::Short(0x60));
        }
        let (receipts, groups) = bytes.split_at(2 * Receipt::WIDTH);
        let (first, last) = receipts.split_at(Receipt::WIDTH);
        let mut totals = Self {
            receipt_first: Receipt::parse(first).map_err(number)?,
            receipt_last: Receipt::parse(last).map_err(number)?,
            groups: [Group { count: 0, total: MinorUnits::ZERO }; 7],
        };
        for (group, bytes) in totals.groups.iter_mut().zip(groups.chunks(Group::WIDTH)) {
            let (count, total) = bytes.split_at(1);
            group.count = count[0];
            group.total = MinorUnits::parse(total).map_err(number)?;
        }
        Ok(totals)
    }
}
