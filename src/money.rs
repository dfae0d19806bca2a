//! Money: an [`Amount`] in minor units and its ISO 4217 [`Currency`].
//!
//! Integers from end to end; this module knows no floats, no exchange rates and no locale (number
//! formats for shoppers live in `i18n`).

use std::fmt;
use std::str::FromStr;

/// Largest amount that Klarna takes in one call, in minor units (Klarna: create, `payment_amount`).
pub const KLARNA_AMOUNT_MAX: i64 = 2_147_483_647;

/// A currency by its ISO 4217 alphabetic code; only codes with a known exponent can exist.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    code: [u8; 3],
    exponent: u8,
}

/// Active ISO 4217 codes whose minor unit is not a hundredth: (code, exponent).
const UNUSUAL_EXPONENTS: &[(&str, u8)] = &[
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("ISK", 0),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("PYG", 0),
    ("RWF", 0),
    ("UGX", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
    ("BHD", 3),
    ("IQD", 3),
    ("JOD", 3),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("TND", 3),
];

/// Active ISO 4217 codes with two decimals.
const TWO_DECIMALS: &[&str] = &[
    "AED", "ALL", "AMD", "ARS", "AUD", "AZN", "BAM", "BDT", "BGN", "BRL", "CAD", "CHF", "CNY",
    "COP", "CZK", "DKK", "EGP", "EUR", "GBP", "GEL", "HKD", "HUF", "IDR", "ILS", "INR", "KZT",
    "MAD", "MDL", "MKD", "MXN", "MYR", "NOK", "NZD", "PEN", "PHP", "PLN", "QAR", "RON", "RSD",
    "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "ZAR",
];

impl Currency {
    /// The currency of an upper-case ISO 4217 code.
    ///
    /// # Errors
    /// [`MoneyError::UnknownCurrency`] for anything that is not a listed code, lower case included.
    pub fn new(code: &str) -> Result<Self, MoneyError> {
        let exponent = match UNUSUAL_EXPONENTS.iter().find(|(known, _)| *known == code) {
            Some((_, exponent)) => *exponent,
            None if TWO_DECIMALS.contains(&code) => 2,
            None => return Err(MoneyError::UnknownCurrency(clip(code))),
        };
        let bytes = code.as_bytes();
        Ok(Self { code: [bytes[0], bytes[1], bytes[2]], exponent })
    }

    /// The three letters, such as `EUR`.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).expect("a currency is built from ASCII letters only")
    }

    /// Number of decimals: 0 for JPY, 2 for EUR, 3 for KWD.
    pub fn exponent(&self) -> u8 {
        self.exponent
    }

    /// Every currency this build knows, for tests and `check-config`.
    pub fn all() -> impl Iterator<Item = Currency> {
        let unusual = UNUSUAL_EXPONENTS.iter().map(|(code, _)| *code);
        unusual.chain(TWO_DECIMALS.iter().copied()).filter_map(|code| Self::new(code).ok())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = MoneyError;
    fn from_str(code: &str) -> Result<Self, MoneyError> {
        Self::new(code)
    }
}

/// What can be wrong with money; every variant is a decision for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The code is not an ISO 4217 code that this build knows.
    #[error("unknown currency {0:?}: use an ISO 4217 code such as EUR")]
    UnknownCurrency(String),
    /// The text is not a decimal number with at most the currency's decimals.
    #[error("{text:?} is not an amount in {currency}: write it like {example}")]
    NotAnAmount {
        /// What was written, clipped.
        text: String,
        /// The currency it was read in.
        currency: Currency,
        /// A right example in that currency.
        example: String,
    },
    /// Two amounts of different currencies met.
    #[error("currencies differ: {0} and {1}")]
    CurrencyMismatch(Currency, Currency),
    /// The sum does not fit.
    #[error("amount out of range")]
    OutOfRange,
}

/// An amount of money in minor units of its currency; may be negative (a discount line).
#[derive(Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Amount {
    minor: i64,
    currency: Currency,
}

impl Amount {
    /// `minor` units of `currency`: 1234 in EUR is 12.34 euro.
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing of `currency`.
    pub fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Minor units.
    pub fn minor(&self) -> i64 {
        self.minor
    }

    /// The currency.
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// The currency's three letters.
    pub fn currency_code(&self) -> &str {
        self.currency.code()
    }

    /// Whether it is exactly nothing.
    pub fn is_zero(&self) -> bool {
        self.minor == 0
    }

    /// Whether Klarna would take it in one call: 1 to 2 147 483 647 minor units.
    pub fn fits_klarna(&self) -> bool {
        (1..=KLARNA_AMOUNT_MAX).contains(&self.minor)
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], or [`MoneyError::OutOfRange`] on overflow.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// The difference; may be negative.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], or [`MoneyError::OutOfRange`] on overflow.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    /// Reads `12.34`, `12`, `-0.50`: a decimal point, no sign but `-`, at most the currency's
    /// decimals; `12.3` is 12.30.
    ///
    /// # Errors
    /// [`MoneyError::NotAnAmount`] with an example of how to write it.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let wrong = || MoneyError::NotAnAmount {
            text: clip(text),
            currency,
            example: Amount::new(1234, currency).decimal(),
        };
        let digits = text.trim();
        let (negative, digits) = match digits.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, digits),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let exponent = usize::from(currency.exponent);
        let point_alone = digits.contains('.') && fraction.is_empty();
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || point_alone || fraction.len() > exponent {
            return Err(wrong());
        }
        if !all_digits(whole) || !all_digits(fraction) {
            return Err(wrong());
        }
        let minor: i64 = format!("{whole}{fraction:0<exponent$}").parse().map_err(|_| wrong())?;
        Ok(Self::new(if negative { -minor } else { minor }, currency))
    }

    /// The number alone with the currency's decimals: `12.34`, `1234` in JPY, `1.234` in KWD.
    pub fn decimal(&self) -> String {
        let exponent = usize::from(self.currency.exponent);
        let scale = 10_u64.pow(u32::from(self.currency.exponent));
        let magnitude = self.minor.unsigned_abs();
        let sign = if self.minor < 0 { "-" } else { "" };
        match exponent {
            0 => format!("{sign}{magnitude}"),
            _ => format!("{sign}{}.{:0exponent$}", magnitude / scale, magnitude % scale),
        }
    }

    fn combine(
        self,
        other: Self,
        operation: fn(i64, i64) -> Option<i64>,
    ) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch(self.currency, other.currency));
        }
        let minor = operation(self.minor, other.minor).ok_or(MoneyError::OutOfRange)?;
        Ok(Self::new(minor, self.currency))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.decimal())
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> serde::Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::new(&code).map_err(serde::de::Error::custom)
    }
}

/// At most 24 characters of foreign text, so that an error message stays one line.
fn clip(text: &str) -> String {
    text.chars().take(24).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, code: &str, expected: &str) {
        let currency = Currency::new(code).expect("test currency");
        let shown = match Amount::parse(text, currency) {
            Ok(amount) => format!("{} = {amount}", amount.minor()),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected, "{text:?} in {code}");
    }

    #[test]
    fn parses_and_prints_per_currency() {
        check("12.34", "EUR", "1234 = EUR 12.34");
        check("12.3", "EUR", "1230 = EUR 12.30");
        check("12", "EUR", "1200 = EUR 12.00");
        check("0.05", "SEK", "5 = SEK 0.05");
        check("-0.50", "EUR", "-50 = EUR -0.50");
        check("1234", "JPY", "1234 = JPY 1234");
        check("1.234", "KWD", "1234 = KWD 1.234");
        check("1.2", "KWD", "1200 = KWD 1.200");
    }

    #[test]
    fn refuses_what_is_not_an_amount() {
        for text in ["", "12,34", "1.234", "1e3", "+1", ".5", "1.", "--1", "１２", "0x1", "NaN"] {
            let error = Amount::parse(text, Currency::new("EUR").expect("EUR"));
            assert!(matches!(error, Err(MoneyError::NotAnAmount { .. })), "{text:?}");
        }
        check("1.5", "JPY", "\"1.5\" is not an amount in JPY: write it like 1234");
        check(
            "99999999999999999999",
            "EUR",
            "\"99999999999999999999\" is not an amount in EUR: write it like 12.34",
        );
    }

    #[test]
    fn exponents_agree_with_iso_4217() {
        for currency in Currency::all() {
            let iso = iso_currency::Currency::from_code(currency.code());
            let exponent = iso.and_then(|iso| iso.exponent());
            assert_eq!(exponent, Some(u16::from(currency.exponent())), "{currency}");
        }
        assert!(Currency::new("eur").is_err());
        assert!(Currency::new("XXX").is_err());
    }

    #[test]
    fn klarna_range_is_one_to_two_to_the_31st_less_one() {
        let eur = Currency::new("EUR").expect("EUR");
        let fits = |minor| Amount::new(minor, eur).fits_klarna();
        assert!(!fits(-1) && !fits(0) && fits(1) && fits(2_147_483_647) && !fits(2_147_483_648));
    }

    #[test]
    fn arithmetic_is_checked() {
        let eur = Amount::new(i64::MAX, Currency::new("EUR").expect("EUR"));
        let sek = Amount::new(1, Currency::new("SEK").expect("SEK"));
        assert!(matches!(eur.checked_add(sek), Err(MoneyError::CurrencyMismatch(..))));
        assert_eq!(eur.checked_add(Amount::new(1, eur.currency())), Err(MoneyError::OutOfRange));
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_back(minor in -1_000_000_000_000_i64..1_000_000_000_000,
                                       index in 0_usize..64) {
            let currency = Currency::all().nth(index).expect("more than 64 currencies");
            let amount = Amount::new(minor, currency);
            prop_assert_eq!(Amount::parse(&amount.decimal(), currency), Ok(amount));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            for currency in Currency::all() {
                let _ = Amount::parse(&text, currency);
            }
        }
    }
}
