//! Receipts for a till that prints them: line by line (`06 D1`) or as blocks (`06 D3`).

use super::write::Writer;
use super::{EncodeError, MessageError, control};
use crate::pos::zvt::APDU_LEN_MAX;
use crate::pos::zvt::bmp::{BmpError, Body};
use crate::pos::zvt::charset::Charset;
use crate::pos::zvt::tlv;

/// Longest line, in bytes: wider than any receipt, and its length fits one byte.
pub const TEXT_LEN_MAX: usize = 120;
/// The attribute's bit that says that the receipt ends here.
const LAST: u8 = 0x80;
/// The attribute of a receipt's end in a block.
const END_OF_RECEIPT: u8 = 0x81;

/// A line to print (`06 D1`, PA00P015 §3.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintLine {
    /// How to print it.
    pub style: Style,
    /// What to print, without any line end. Cut at [`TEXT_LEN_MAX`].
    pub text: String,
    /// The receipt ends with this line.
    pub last: bool,
}

/// How a line is printed; the lower half of the attribute byte has no meaning of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style(pub u8);

impl Style {
    /// As it is.
    pub const NORMAL: Self = Self(0x00);
    /// In the middle.
    pub const CENTRED: Self = Self(0x40);
    /// Twice as wide.
    pub const DOUBLE_WIDTH: Self = Self(0x20);
    /// Twice as high.
    pub const DOUBLE_HEIGHT: Self = Self(0x10);
}

impl PrintLine {
    /// The message as an APDU.
    ///
    /// # Errors
    /// None; the text is cut.
    pub fn encode(&self, charset: Charset) -> Result<Vec<u8>, EncodeError> {
        let mut body = vec![(self.style.0 & !LAST) | if self.last { LAST } else { 0 }];
        body.extend(charset.encode_to(&self.text, TEXT_LEN_MAX));
        super::encode(control::PRINT_LINE, &body)
    }

    /// Reads a body. An attribute of FF, which feeds lines, is not told from a style: the terminal
    /// sends empty lines instead.
    ///
    /// # Errors
    /// When there is not even an attribute.
    pub fn parse(data: &[u8], charset: Charset) -> Result<Self, MessageError> {
        let (attribute, text) =
            data.split_first().ok_or(MessageError::MissingField("attribute"))?;
        Ok(Self {
            style: Style(attribute & !LAST),
            text: charset.decode(text),
            last: attribute & LAST != 0,
        })
    }
}

/// Whose receipt it is (tag 1F07).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptKind {
    /// The merchant's copy.
    Merchant,
    /// The customer's copy.
    Customer,
    /// Closings, diagnoses and the like.
    Administration,
}

impl ReceiptKind {
    fn code(self) -> u8 {
        match self {
            Self::Merchant => 1,
            Self::Customer => 2,
            Self::Administration => 3,
        }
    }

    fn parse(code: u8) -> Option<Self> {
        [Self::Merchant, Self::Customer, Self::Administration]
            .into_iter()
            .find(|kind| kind.code() == code)
    }
}

/// Lines of one receipt (`06 D3`).
///
/// Lines have no style of their own here: an attribute between them is what the decoders of some
/// tills stumble over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintBlock {
    /// Whose receipt.
    pub kind: ReceiptKind,
    /// The lines, without line ends. Each is cut at [`TEXT_LEN_MAX`].
    pub lines: Vec<String>,
    /// The receipt ends with this block.
    pub last: bool,
}

/// Everything in a block but its lines, at its longest: header 5, bitmap 06 with its length 4, kind
/// 4, tag 25 with its length 4, end of receipt 3.
const BLOCK_OVERHEAD_LEN: usize = 20;
/// A line's tag and length.
const LINE_OVERHEAD_LEN: usize = 2;

impl PrintBlock {
    /// A receipt as blocks whose APDUs are at most `apdu_len_max` bytes long, as a till's
    /// registration demands (tag 1A); a block has one line in any case. The last one ends it.
    pub fn split(
        kind: ReceiptKind,
        lines: Vec<String>,
        charset: Charset,
        apdu_len_max: usize,
    ) -> Vec<Self> {
        let room = apdu_len_max.min(APDU_LEN_MAX).saturating_sub(BLOCK_OVERHEAD_LEN);
        let (mut blocks, mut block, mut len) = (Vec::new(), Vec::new(), 0);
        for line in lines {
            let line_len = charset.encode_to(&line, TEXT_LEN_MAX).len() + LINE_OVERHEAD_LEN;
            if len + line_len > room && !block.is_empty() {
                let lines = std::mem::take(&mut block);
                blocks.push(Self { kind, lines, last: false });
                len = 0;
            }
            block.push(line);
            len += line_len;
        }
        blocks.push(Self { kind, lines: block, last: true });
        blocks
    }

    /// The message as an APDU.
    ///
    /// # Errors
    /// When there are more lines than a message holds; [`Self::split`] makes no such blocks.
    pub fn encode(&self, charset: Charset) -> Result<Vec<u8>, EncodeError> {
        let mut lines = Vec::new();
        for line in &self.lines {
            tlv::push(&mut lines, 0x07, &charset.encode_to(line, TEXT_LEN_MAX))?;
        }
        if self.last {
            tlv::push(&mut lines, 0x09, &[END_OF_RECEIPT])?;
        }
        let mut container = Vec::new();
        tlv::push(&mut container, 0x1F07, &[self.kind.code()])?;
        tlv::push(&mut container, 0x25, &lines)?;
        Writer::default().field(0x06, Some(container))?.message(control::PRINT_BLOCK)
    }

    /// Reads a body. Styles and unknown tags are skipped.
    ///
    /// # Errors
    /// When there is no container or nothing says whose receipt it is.
    pub fn parse(data: &[u8], charset: Charset) -> Result<Self, MessageError> {
        let body = Body::read(data)?;
        let container = body.value(0x06).ok_or(MessageError::Missing(0x06))?;
        let kind = tlv::find(container, 0x1F07).and_then(|kind| kind.first());
        let kind = kind.and_then(|kind| ReceiptKind::parse(*kind));
        let lines = tlv::find(container, 0x25).unwrap_or_default();
        let ends = |attribute: &[u8]| attribute.first().is_some_and(|byte| byte & LAST != 0);
        Ok(Self {
            kind: kind.ok_or(BmpError::Length(0x06))?,
            lines: tlv::find_all(lines, 0x07).map(|line| charset.decode(line)).collect(),
            last: tlv::find_all(lines, 0x09).any(ends),
        })
    }
}
