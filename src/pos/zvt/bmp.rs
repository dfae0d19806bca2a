//! Bitmaps (PA00P015 ch. 13): a body's fields, each a number and a value whose length the number
//! determines. Knows their lengths, not what they mean.
//!
//! A bitmap of unknown number has an unknown length, so that everything behind it is lost: it is an
//! error that names the number. Duplicates are errors as well: of two amounts neither is right.

use super::bcd::{Bcd, BcdError};
use std::fmt;

/// How long a bitmap's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// So many bytes.
    Fixed(usize),
    /// Two length bytes, one decimal digit in the lower half of each: 0 to 99.
    LlVar,
    /// Three of them: 0 to 999.
    LllVar,
    /// A BER length, as in [`super::tlv`].
    Tlv,
}

use Length::{Fixed, LlVar, LllVar, Tlv};

/// Longest value of an LLVAR field, in bytes.
pub const LLVAR_LEN_MAX: usize = 99;
/// Longest value of an LLLVAR field, in bytes.
pub const LLLVAR_LEN_MAX: usize = 999;

/// The specification's table: number, length, name. Fields that no message of ours carries are
/// there to be skipped and have the names that decoders give them, or none.
pub const TABLE: &[(u8, Length, &str)] = &[
    (0x01, Fixed(1), "timeout"),
    (0x02, Fixed(1), "max status infos"),
    (0x03, Fixed(1), "service byte"),
    (0x04, Fixed(6), "amount"),
    (0x05, Fixed(1), "pump"),
    (0x06, Tlv, "tlv"),
    (0x0B, Fixed(3), "trace"),
    (0x0C, Fixed(3), "time"),
    (0x0D, Fixed(2), "date"),
    (0x0E, Fixed(2), "expiry"),
    (0x17, Fixed(2), "card sequence"),
    (0x19, Fixed(1), "type"),
    (0x22, LlVar, "pan"),
    (0x23, LlVar, "track 2"),
    (0x24, LllVar, "track 3"),
    (0x27, Fixed(1), "result code"),
    (0x29, Fixed(4), "terminal id"),
    (0x2A, Fixed(15), "vu number"),
    (0x2D, LlVar, "track 1"),
    (0x2E, LllVar, "chip data"),
    (0x37, Fixed(3), "original trace"),
    (0x3A, Fixed(2), "cvv"),
    (0x3B, Fixed(8), "authorisation attribute"),
    (0x3C, LllVar, "additional text"),
    (0x3D, Fixed(3), "password"),
    (0x49, Fixed(2), "currency"),
    (0x60, LllVar, "totals"),
    (0x70, Fixed(4), ""),
    (0x71, Fixed(4), ""),
    (0x72, Fixed(1), ""),
    (0x73, Fixed(1), ""),
    (0x74, Fixed(1), ""),
    (0x75, Fixed(1), ""),
    (0x87, Fixed(2), "receipt"),
    (0x88, Fixed(3), "turnover"),
    (0x8A, Fixed(1), "card type"),
    (0x8B, LlVar, "card name"),
    (0x8C, Fixed(1), "network"),
    (0x9A, LllVar, ""),
    (0xA0, Fixed(1), "host result code"),
    (0xA7, LlVar, ""),
    (0xAA, Fixed(3), "full date"),
    (0xAF, LllVar, ""),
    (0xBA, Fixed(5), ""),
    (0xD0, Fixed(1), ""),
    (0xD1, LlVar, ""),
    (0xD2, Fixed(1), ""),
    (0xD3, Fixed(1), ""),
    (0xE0, Fixed(1), "input length min"),
    (0xE1, LlVar, "text 1"),
    (0xE2, LlVar, "text 2"),
    (0xE3, LlVar, "text 3"),
    (0xE4, LlVar, "text 4"),
    (0xE5, LlVar, "text 5"),
    (0xE6, LlVar, "text 6"),
    (0xE7, LlVar, "text 7"),
    (0xE8, LlVar, "text 8"),
    (0xE9, Fixed(1), "input length max"),
    (0xEA, Fixed(1), "echo"),
    (0xEB, Fixed(8), "mac"),
    (0xF0, Fixed(1), "display duration"),
    (0xF1, LlVar, "line 1"),
    (0xF2, LlVar, "line 2"),
    (0xF3, LlVar, "line 3"),
    (0xF4, LlVar, "line 4"),
    (0xF5, LlVar, "line 5"),
    (0xF6, LlVar, "line 6"),
    (0xF7, LlVar, "line 7"),
    (0xF8, LlVar, "line 8"),
    (0xF9, Fixed(1), "beeps"),
    (0xFA, Fixed(1), ""),
    (0xFB, Fixed(1), ""),
];

/// How long a bitmap is, if its number is in the table.
pub fn length(number: u8) -> Option<Length> {
    TABLE.iter().find(|row| row.0 == number).map(|row| row.1)
}

/// What a bitmap is called; empty for those without a name and those that are not in the table.
pub fn name(number: u8) -> &'static str {
    TABLE.iter().find(|row| row.0 == number).map_or("", |row| row.2)
}

/// What can be wrong with a body's bitmaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BmpError {
    /// No such number; what follows cannot be read.
    #[error("bitmap {0:02X} is not known")]
    Unknown(u8),
    /// The body ends within the bitmap.
    #[error("bitmap {0:02X} is cut off")]
    Short(u8),
    /// The length of a variable bitmap is none.
    #[error("bitmap {0:02X} has no readable length")]
    Length(u8),
    /// The bitmap occurs twice.
    #[error("bitmap {0:02X} occurs twice")]
    Repeated(u8),
    /// The value is not a number of its type.
    #[error("bitmap {0:02X}: {1}")]
    Number(u8, BcdError),
}

/// One bitmap of a body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its number in [`TABLE`].
    pub number: u8,
    /// Its value, without its length.
    pub value: &'a [u8],
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X} ({} bytes)", self.number, self.value.len())
    }
}

/// The bitmaps of a body, in the order in which they stand there. Ends after the first error.
pub fn fields(body: &[u8]) -> Fields<'_> {
    Fields { rest: body, seen: [false; 256] }
}

/// An iterator over bitmaps; copies nothing.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
    seen: [bool; 256],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, BmpError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (number, rest) = self.rest.split_first()?;
        let field = self.field(*number, rest);
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    /// What is not read yet; nothing after an error.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn field(&mut self, number: u8, rest: &'a [u8]) -> Result<Field<'a>, BmpError> {
        let short = BmpError::Short(number);
        let (len, rest) = match length(number).ok_or(BmpError::Unknown(number))? {
            Fixed(len) => (len, rest),
            LlVar => decimal_length(rest, 2).ok_or(short)?.ok_or(BmpError::Length(number))?,
            LllVar => decimal_length(rest, 3).ok_or(short)?.ok_or(BmpError::Length(number))?,
            Tlv => super::tlv::length(rest).map_err(|error| match error {
                super::tlv::TlvError::Short => short,
                _ => BmpError::Length(number),
            })?,
        };
        let (value, rest) = rest.split_at_checked(len).ok_or(short)?;
        if std::mem::replace(&mut self.seen[usize::from(number)], true) {
            return Err(BmpError::Repeated(number));
        }
        self.rest = rest;
        Ok(Field { number, value })
    }
}

/// The length of an LLVAR or LLLVAR field and what follows it. None when it is cut off;
/// `Some(None)` when a digit is none. The upper halves are F by the specification, 0 on some tills.
pub(super) fn decimal_length(bytes: &[u8], digits: usize) -> Option<Option<(usize, &[u8])>> {
    let (length, rest) = bytes.split_at_checked(digits)?;
    let digit = |byte: &u8| Some(usize::from(byte & 0x0F)).filter(|digit| *digit <= 9);
    let len = length.iter().try_fold(0, |len, byte| Some(len * 10 + digit(byte)?));
    Some(len.map(|len| (len, rest)))
}

/// A body's bitmaps by number.
#[derive(Debug, Clone)]
pub struct Body<'a>(Vec<Field<'a>>);

impl<'a> Body<'a> {
    /// Reads all bitmaps of a body.
    ///
    /// # Errors
    /// The first thing that is wrong with any of them, needed or not.
    pub fn read(body: &'a [u8]) -> Result<Self, BmpError> {
        fields(body).collect::<Result<_, _>>().map(Self)
    }

    /// A bitmap's value.
    pub fn value(&self, number: u8) -> Option<&'a [u8]> {
        self.0.iter().find(|field| field.number == number).map(|field| field.value)
    }

    /// The value of a bitmap of one byte.
    pub fn byte(&self, number: u8) -> Option<u8> {
        self.value(number).and_then(|value| value.first().copied())
    }

    /// A bitmap's value as a number.
    ///
    /// # Errors
    /// [`BmpError::Number`] when it is there but no number.
    pub fn number<T: Bcd>(&self, number: u8) -> Result<Option<T>, BmpError> {
        let parse = |value| T::parse(value).map_err(|error| BmpError::Number(number, error));
        self.value(number).map(parse).transpose()
    }

    /// All bitmaps, in the order in which they stand there.
    pub fn fields(&self) -> &[Field<'a>] {
        &self.0
    }
}

/// Why a field cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{len} bytes do not fit bitmap {number:02X}")]
pub struct Unfit {
    /// The bitmap.
    pub number: u8,
    /// Of the value that was to be written, in bytes.
    pub len: usize,
}

/// Appends a bitmap to a body.
///
/// # Errors
/// [`Unfit`] when the number is not in the table or its length does not allow the value.
pub fn push(body: &mut Vec<u8>, number: u8, value: &[u8]) -> Result<(), Unfit> {
    let len = value.len();
    let unfit = Unfit { number, len };
    let coded_len = match length(number).ok_or(unfit)? {
        Fixed(width) if width == len => Vec::new(),
        LlVar if len <= LLVAR_LEN_MAX => decimal_digits(len, 2),
        LllVar if len <= LLLVAR_LEN_MAX => decimal_digits(len, 3),
        Tlv => super::tlv::encode_length(len).ok_or(unfit)?,
        Fixed(_) | LlVar | LllVar => return Err(unfit),
    };
    body.push(number);
    body.extend_from_slice(&coded_len);
    body.extend_from_slice(value);
    Ok(())
}

/// The length bytes of an LLVAR (2) or LLLVAR (3) field, such as `F0 F7`.
pub(super) fn decimal_digits(len: usize, digits: u32) -> Vec<u8> {
    let digit = |power| u8::try_from(len / 10_usize.pow(power) % 10).unwrap_or(0);
    (0..digits).rev().map(|power| 0xF0 | digit(power)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pos::zvt::bcd::{MinorUnits, Receipt};
    use crate::pos::zvt::hex;
    use proptest::prelude::*;

    fn read(body: &str) -> Result<Vec<(u8, String)>, BmpError> {
        let body = hex::bytes(body);
        let fields = fields(&body).map(|field| field.map(|f| (f.number, hex::text(f.value))));
        fields.collect()
    }

    #[test]
    fn fields_in_any_order() {
        let fields = read("49 09 78 04 00 00 00 00 10 10 87 00 10 06 02 1F 01 3C F0 F0 F1 41");
        let expected = [
            (0x49, "09 78"),
            (0x04, "00 00 00 00 10 10"),
            (0x87, "00 10"),
            (0x06, "1F 01"),
            (0x3C, "41"),
        ];
        let expected: Vec<_> = expected.map(|(number, text)| (number, text.to_owned())).into();
        assert_eq!(fields, Ok(expected));
    }

    #[test]
    fn variable_lengths() {
        let name = vec![(0x8B, "4B 00".to_owned())];
        assert_eq!(read("8B F0 F2 4B 00"), Ok(name.clone()));
        assert_eq!(read("8B 00 02 4B 00"), Ok(name));
        assert_eq!(read("8B F0 FA 4B 00"), Err(BmpError::Length(0x8B)));
        assert_eq!(read("8B F0"), Err(BmpError::Short(0x8B)));
        assert_eq!(read("8B F1 F0 41"), Err(BmpError::Short(0x8B)));
        assert_eq!(read("06 81"), Err(BmpError::Short(0x06)));
        assert_eq!(read("06 83 00 00 01 41"), Err(BmpError::Length(0x06)));
        let long = hex::bytes("06 82 01 00").into_iter().chain([0x41; 256]).collect::<Vec<_>>();
        assert_eq!(fields(&long).map(|f| f.map(|f| f.value.len())).collect::<Vec<_>>(), [Ok(256)]);
    }

    #[test]
    fn errors_name_the_bitmap_and_end_the_body() {
        let body = hex::bytes("19 60 99 04 00 00 00 00 10 10");
        let read: Vec<_> = fields(&body).map(|field| field.map(|field| field.number)).collect();
        assert_eq!(read, [Ok(0x19), Err(BmpError::Unknown(0x99))]);
        let twice = hex::bytes("87 00 10 87 00 11");
        assert_eq!(Body::read(&twice).err(), Some(BmpError::Repeated(0x87)));
        let letters = hex::bytes("87 FF FF");
        let number = Body::read(&letters).expect("lengths fit").number::<Receipt>(0x87);
        assert_eq!(number, Err(BmpError::Number(0x87, BcdError::NotDigits(0xFF))));
    }

    #[test]
    fn numbers_by_name() {
        let body = hex::bytes("04 00 00 00 00 11 00 19 40");
        let body = Body::read(&body).expect("well formed");
        assert_eq!(body.number(0x04), Ok(MinorUnits::new(1100).ok()));
        assert_eq!((body.byte(0x19), body.byte(0x03)), (Some(0x40), None));
        assert_eq!(body.number::<Receipt>(0x87), Ok(None));
    }

    #[test]
    fn the_table_is_in_order_and_has_every_width() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
        let of = |wanted| {
            TABLE.iter().filter(|row| row.1 == wanted).map(|row| row.0).collect::<Vec<u8>>()
        };
        assert_eq!(
            hex::text(&of(Fixed(1))),
            "01 02 03 05 19 27 72 73 74 75 8A 8C A0 D0 D2 D3 E0 E9 EA F0 F9 FA FB"
        );
        assert_eq!(hex::text(&of(Fixed(2))), "0D 0E 17 3A 49 87");
        assert_eq!(hex::text(&of(Fixed(3))), "0B 0C 37 3D 88 AA");
        assert_eq!(hex::text(&of(Fixed(4))), "29 70 71");
        assert_eq!(hex::text(&of(Fixed(5))), "BA");
        assert_eq!(hex::text(&of(Fixed(6))), "04");
        assert_eq!(hex::text(&of(Fixed(8))), "3B EB");
        assert_eq!(hex::text(&of(Fixed(15))), "2A");
        assert_eq!(
            hex::text(&of(LlVar)),
            "22 23 2D 8B A7 D1 E1 E2 E3 E4 E5 E6 E7 E8 F1 F2 F3 F4 F5 F6 F7 F8"
        );
        assert_eq!(hex::text(&of(LllVar)), "24 2E 3C 60 9A AF");
        assert_eq!(of(Tlv), [0x06]);
    }

    #[test]
    fn a_value_that_does_not_fit_is_not_written() {
        let mut body = Vec::new();
        assert_eq!(push(&mut body, 0x87, &[0]), Err(Unfit { number: 0x87, len: 1 }));
        assert_eq!(push(&mut body, 0x8B, &[0; 100]), Err(Unfit { number: 0x8B, len: 100 }));
        assert_eq!(push(&mut body, 0x3C, &[0; 1000]), Err(Unfit { number: 0x3C, len: 1000 }));
        assert_eq!(push(&mut body, 0x06, &[0; 65_536]), Err(Unfit { number: 0x06, len: 65_536 }));
        assert_eq!(push(&mut body, 0x99, &[]), Err(Unfit { number: 0x99, len: 0 }));
        assert!(body.is_empty());
        push(&mut body, 0x3C, &[0x41; 999]).expect("it fits");
        assert_eq!(body[..4], hex::bytes("3C F9 F9 F9"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in proptest::collection::vec(
            (0..TABLE.len(), proptest::collection::vec(any::<u8>(), 0..1200)), 0..6)) {
            let (mut body, mut written) = (Vec::new(), Vec::<(u8, Vec<u8>)>::new());
            for (row, mut value) in values {
                let (number, length, _) = TABLE[row];
                value.resize(if let Fixed(len) = length { len } else { value.len() }, 0);
                let repeated = written.iter().any(|(seen, _)| *seen == number);
                if !repeated && push(&mut body, number, &value).is_ok() {
                    written.push((number, value));
                }
            }
            let read = Body::read(&body).expect("what was written");
            let read: Vec<_> =
                read.fields().iter().map(|field| (field.number, field.value.to_vec())).collect();
            prop_assert_eq!(read, written);
        }

        #[test]
        fn any_bytes_are_fields_or_an_error(body: Vec<u8>) {
            let fields: Vec<_> = fields(&body).collect();
            prop_assert!(fields.len() <= body.len());
        }
    }
}
