//! Packed decimal numbers of fixed width (PA00P015 ch. 13): each byte holds two digits, the
//! higher one in its upper half.
//!
//! Every number that a till and a terminal exchange is a type of its own here, so that a trace
//! number is never taken for a receipt number.

use crate::money::{Amount, Currency};
use std::fmt;

/// Why a number cannot be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BcdError {
    /// A half byte is not a digit.
    #[error("{0:#04x} is not two decimal digits")]
    NotDigits(u8),
    /// There are more or fewer bytes than the number has.
    #[error("number has {found} bytes instead of {wanted}")]
    Width {
        /// Of the type, in bytes.
        wanted: usize,
        /// What is there, in bytes.
        found: usize,
    },
    /// The value has more digits than the number.
    #[error("{0} has too many digits")]
    TooLarge(u64),
}

/// The digits of `bytes` as a number.
fn read(bytes: &[u8], wanted: usize) -> Result<u64, BcdError> {
    if bytes.len() != wanted {
        return Err(BcdError::Width { wanted, found: bytes.len() });
    }
    let digits = |byte: &u8| (byte >> 4, byte & 0x0F);
    bytes.iter().try_fold(0_u64, |value, byte| match digits(byte) {
        (high @ 0..=9, low @ 0..=9) => Ok(value * 100 + u64::from(high * 10 + low)),
        _ => Err(BcdError::NotDigits(*byte)),
    })
}

fn write<const N: usize>(mut value: u64) -> [u8; N] {
    let mut bytes = [0; N];
    for byte in bytes.iter_mut().rev() {
        let pair = u8::try_from(value % 100).expect("a remainder of 100 is below 100");
        *byte = ((pair / 10) << 4) | (pair % 10);
        value /= 100;
    }
    bytes
}

/// A packed decimal number, read from and written as so many bytes.
pub trait Bcd: Sized {
    /// Width on the wire, in bytes.
    const WIDTH: usize;

    /// Reads the number.
    ///
    /// # Errors
    /// When the width is another one or a half byte is not a digit.
    fn parse(bytes: &[u8]) -> Result<Self, BcdError>;
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident: $width:literal bytes;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// Largest value.
            pub const MAX: u64 = 10_u64.pow(2 * $width) - 1;
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// A number of at most so many digits.
            ///
            /// # Errors
            /// [`BcdError::TooLarge`] above [`Self::MAX`].
            pub fn new(value: u64) -> Result<Self, BcdError> {
                if value > Self::MAX { Err(BcdError::TooLarge(value)) } else { Ok(Self(value)) }
            }

            /// The number.
            pub fn value(self) -> u64 {
                self.0
            }

            /// The number as it stands on the wire.
            pub fn bytes(self) -> [u8; $width] {
                write(self.0)
            }
        }

        impl Bcd for $name {
            const WIDTH: usize = $width;

            fn parse(bytes: &[u8]) -> Result<Self, BcdError> {
                read(bytes, $width).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:0width$}", self.0, width = 2 * $width)
            }
        }
    )* };
}

macro_rules! debug_is_the_digits {
    ($($name:ident)*) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )* };
}

numbers! {
    /// An amount in minor units of a currency that stands elsewhere (BMP 04).
    MinorUnits: 6 bytes;
    /// Trace number of a transaction (BMP 0B and 37).
    Trace: 3 bytes;
    /// Receipt number (BMP 87); rolls over after 9999.
    Receipt: 2 bytes;
    /// Turnover number (BMP 88).
    Turnover: 3 bytes;
    /// Time of day, `HHMMSS` (BMP 0C); any digits.
    Time: 3 bytes;
    /// Day of the year, `MMDD` (BMP 0D); any digits.
    Date: 2 bytes;
    /// A day with its year, `YYMMDD` (BMP AA); any digits.
    FullDate: 3 bytes;
    /// Terminal identifier (BMP 29).
    TerminalId: 4 bytes;
    /// ISO 4217 numeric code, such as `0978` for the euro (BMP 49).
    CurrencyCode: 2 bytes;
    /// Minutes until the till gives up, in an intermediate status (`04 FF`).
    Minutes: 1 bytes;
    /// The password before many commands. Its digits are never printed.
    Password: 3 bytes;
}

debug_is_the_digits! {
    MinorUnits Trace Receipt Turnover Time Date FullDate TerminalId CurrencyCode Minutes
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("******")
    }
}

impl MinorUnits {
    /// The amount in a currency.
    pub fn amount(self, currency: Currency) -> Amount {
        let minor = i64::try_from(self.0).expect("twelve digits fit 64 bits");
        Amount::new(minor, currency)
    }

    /// An amount as it goes to the till.
    ///
    /// # Errors
    /// When it is negative or has more than twelve digits.
    pub fn of(amount: Amount) -> Result<Self, BcdError> {
        let too_large = BcdError::TooLarge(amount.minor().unsigned_abs());
        u64::try_from(amount.minor()).map_err(|_| too_large).and_then(Self::new)
    }
}

/// ISO 4217: alphabetic and numeric code of every currency of [`Currency::all`].
const NUMERIC_CODES: &[(&str, u64)] = &[
    ("AED", 784),
    ("ALL", 8),
    ("AMD", 51),
    ("ARS", 32),
    ("AUD", 36),
    ("AZN", 944),
    ("BAM", 977),
    ("BDT", 50),
    ("BGN", 975),
    ("BHD", 48),
    ("BIF", 108),
    ("BRL", 986),
    ("CAD", 124),
    ("CHF", 756),
    ("CLP", 152),
    ("CNY", 156),
    ("COP", 170),
    ("CZK", 203),
    ("DJF", 262),
    ("DKK", 208),
    ("EGP", 818),
    ("EUR", 978),
    ("GBP", 826),
    ("GEL", 981),
    ("GNF", 324),
    ("HKD", 344),
    ("HUF", 348),
    ("IDR", 360),
    ("ILS", 376),
    ("INR", 356),
    ("IQD", 368),
    ("ISK", 352),
    ("JOD", 400),
    ("JPY", 392),
    ("KMF", 174),
    ("KRW", 410),
    ("KWD", 414),
    ("KZT", 398),
    ("LYD", 434),
    ("MAD", 504),
    ("MDL", 498),
    ("MKD", 807),
    ("MXN", 484),
    ("MYR", 458),
    ("NOK", 578),
    ("NZD", 554),
    ("OMR", 512),
    ("PEN", 604),
    ("PHP", 608),
    ("PLN", 985),
    ("PYG", 600),
    ("QAR", 634),
    ("RON", 946),
    ("RSD", 941),
    ("RWF", 646),
    ("SAR", 682),
    ("SEK", 752),
    ("SGD", 702),
    ("THB", 764),
    ("TND", 788),
    ("TRY", 949),
    ("TWD", 901),
    ("UAH", 980),
    ("UGX", 800),
    ("USD", 840),
    ("VND", 704),
    ("VUV", 548),
    ("XAF", 950),
    ("XOF", 952),
    ("XPF", 953),
    ("ZAR", 710),
];

impl CurrencyCode {
    /// The code of a currency; every currency of ours has one.
    pub fn of(currency: Currency) -> Option<Self> {
        let row = NUMERIC_CODES.iter().find(|(code, _)| *code == currency.code())?;
        Some(Self(row.1))
    }

    /// The currency, if we know it.
    pub fn currency(self) -> Option<Currency> {
        let row = NUMERIC_CODES.iter().find(|(_, numeric)| *numeric == self.0)?;
        Currency::new(row.0).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pos::zvt::hex;
    use proptest::prelude::*;

    #[test]
    fn numbers_both_ways() {
        fn check<T: Bcd + fmt::Display>(bytes: &str, digits: &str, written: impl Fn(T) -> Vec<u8>) {
            let number = T::parse(&hex::bytes(bytes)).expect(bytes);
            assert_eq!(number.to_string(), digits);
            assert_eq!(written(number), hex::bytes(bytes));
        }
        check("00 00 00 00 10 10", "000000001010", |n: MinorUnits| n.bytes().to_vec());
        check("99 99 99 99 99 99", "999999999999", |n: MinorUnits| n.bytes().to_vec());
        check("00 10", "0010", |n: Receipt| n.bytes().to_vec());
        check("00 09 75", "000975", |n: Trace| n.bytes().to_vec());
        check("52 52 35 35", "52523535", |n: TerminalId| n.bytes().to_vec());
        check("09 78", "0978", |n: CurrencyCode| n.bytes().to_vec());
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert_eq!(Receipt::parse(&[0x00, 0x1A]), Err(BcdError::NotDigits(0x1A)));
        assert_eq!(Receipt::parse(&[0xFF, 0xFF]), Err(BcdError::NotDigits(0xFF)));
        assert_eq!(Receipt::parse(&[0x10]), Err(BcdError::Width { wanted: 2, found: 1 }));
        assert_eq!(Receipt::new(10_000), Err(BcdError::TooLarge(10_000)));
        assert_eq!(MinorUnits::MAX, 999_999_999_999);
    }

    #[test]
    fn a_password_is_never_printed() {
        let password = Password::new(123_456).expect("six digits");
        assert_eq!(format!("{password:?}"), "******");
    }

    #[test]
    fn amounts_are_minor_units() {
        let euro = Currency::new("EUR").expect("a currency");
        let amount = Amount::new(1616, euro);
        let units = MinorUnits::of(amount).expect("it fits");
        assert_eq!(units.bytes().to_vec(), hex::bytes("00 00 00 00 16 16"));
        assert_eq!(units.amount(euro), amount);
        assert_eq!(MinorUnits::of(Amount::new(-1, euro)), Err(BcdError::TooLarge(1)));
        let largest = Amount::new(1_000_000_000_000, euro);
        assert_eq!(MinorUnits::of(largest), Err(BcdError::TooLarge(1_000_000_000_000)));
    }

    #[test]
    fn numeric_codes_are_those_of_iso_4217() {
        for currency in Currency::all() {
            let code = CurrencyCode::of(currency).unwrap_or_else(|| panic!("{currency} has none"));
            let known = iso_currency::Currency::from_code(currency.code()).expect("listed");
            assert_eq!(code.value(), u64::from(known.numeric()), "{currency}");
            assert_eq!(code.currency(), Some(currency));
        }
        assert_eq!(CurrencyCode::new(999).expect("three digits").currency(), None);
    }

    proptest! {
        #[test]
        fn digits_are_digits(value in 0..=MinorUnits::MAX) {
            let units = MinorUnits::new(value).expect("in range");
            prop_assert_eq!(MinorUnits::parse(&units.bytes()), Ok(units));
            let digits = hex::text(&units.bytes()).replace(' ', "");
            prop_assert_eq!(digits, units.to_string());
        }

        #[test]
        fn any_bytes_are_a_number_or_refused(bytes: [u8; 3]) {
            if let Ok(trace) = Trace::parse(&bytes) {
                prop_assert_eq!(trace.bytes(), bytes);
            }
        }
    }
}
