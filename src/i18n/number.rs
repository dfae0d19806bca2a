//! How amounts of money are written.
//!
//! Knows no words.

use super::{Lang, NO_BREAK};
use crate::money::{Amount, Currency};

/// An amount as people write it in `lang`: `€1,234.50`, `1.234,50 €`, `1 234,50 kr`.
///
/// Decimals follow the currency's exponent. Spaces are no-break (U+00A0, U+202F), so the amount
/// never wraps; the minus is ASCII, so that receipt printers have it too.
pub fn amount(amount: Amount, lang: Lang) -> String {
    let format = NumberFormat::of(lang);
    let decimal = amount.decimal();
    let (minus, digits) = match decimal.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", decimal.as_str()),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let point = if fraction.is_empty() { "" } else { format.point };
    let number = format!("{}{point}{fraction}", grouped(whole, &format));
    let symbol = symbol(amount.currency(), lang);
    match format.place {
        Place::Before => {
            let letters = symbol.ends_with(|last: char| last.is_ascii_alphabetic());
            format!("{minus}{symbol}{}{number}", if letters { NO_BREAK } else { "" })
        }
        Place::BeforeSpaced => format!("{symbol}{NO_BREAK}{minus}{number}"),
        Place::After => format!("{minus}{number}{NO_BREAK}{symbol}"),
    }
}

const NARROW_NO_BREAK: &str = "\u{202f}";

/// Where the currency stands.
enum Place {
    Before,
    BeforeSpaced,
    After,
}

/// How numbers are written (Unicode CLDR, number patterns of each language's main country).
struct NumberFormat {
    point: &'static str,
    group: &'static str,
    /// Shortest whole part that is grouped: 5 where four digits stay together.
    group_from: usize,
    place: Place,
}

impl NumberFormat {
    fn of(lang: Lang) -> Self {
        let (point, group, group_from, place) = match lang {
            Lang::En => (".", ",", 4, Place::Before),
            Lang::De | Lang::Da | Lang::It => (",", ".", 4, Place::After),
            Lang::Sv | Lang::Nb | Lang::Fi => (",", NO_BREAK, 4, Place::After),
            Lang::Fr => (",", NARROW_NO_BREAK, 4, Place::After),
            Lang::Nl => (",", ".", 4, Place::BeforeSpaced),
            Lang::Es => (",", ".", 5, Place::After),
            Lang::Pl => (",", NO_BREAK, 5, Place::After),
        };
        Self { point, group, group_from, place }
    }
}

fn grouped(whole: &str, format: &NumberFormat) -> String {
    if whole.len() < format.group_from {
        return whole.to_owned();
    }
    let mut text = String::with_capacity(whole.len() * 2);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push_str(format.group);
        }
        text.push(digit);
    }
    text
}

/// A sign only where it can mean one currency to a reader of `lang`; the ISO code otherwise.
fn symbol(currency: Currency, lang: Lang) -> String {
    let sign = match (currency.code(), lang) {
        ("EUR", _) => "€",
        ("GBP", _) => "£",
        ("USD", Lang::En) => "$",
        ("SEK", Lang::Sv) | ("NOK", Lang::Nb) => "kr",
        ("DKK", Lang::Da) => "kr.",
        ("PLN", Lang::Pl) => "zł",
        (code, _) => code,
    };
    sign.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::LANGS;

    fn check(text: &str, code: &str, expected: &[(Lang, &str)]) {
        let currency = Currency::new(code).expect("test currency");
        let value = Amount::parse(text, currency).expect("test amount");
        for (lang, written) in expected {
            let plain = amount(value, *lang).replace(['\u{a0}', '\u{202f}'], " ");
            assert_eq!(plain, *written, "{text} {code} in {lang:?}");
        }
    }

    #[test]
    fn amounts_are_written_as_people_write_them() {
        use Lang::{Da, De, En, Es, Fi, Fr, It, Nb, Nl, Pl, Sv};
        let euro = [(En, "€12.34"), (De, "12,34 €"), (Nl, "€ 12,34"), (Fi, "12,34 €")];
        check("12.34", "EUR", &euro);
        let thousands = [
            (En, "€1,234.50"),
            (De, "1.234,50 €"),
            (Fr, "1 234,50 €"),
            (It, "1.234,50 €"),
            (Es, "1234,50 €"),
            (Sv, "1 234,50 €"),
        ];
        check("1234.5", "EUR", &thousands);
        check("12345.67", "EUR", &[(Es, "12.345,67 €"), (En, "€12,345.67")]);
        check("1234.5", "SEK", &[(Sv, "1 234,50 kr"), (En, "SEK 1,234.50"), (Nb, "1 234,50 SEK")]);
        check("1234.5", "DKK", &[(Da, "1.234,50 kr.")]);
        check("1234.5", "NOK", &[(Nb, "1 234,50 kr")]);
        check("12345.5", "PLN", &[(Pl, "12 345,50 zł")]);
        check("1234567", "JPY", &[(En, "JPY 1,234,567"), (De, "1.234.567 JPY")]);
        check("1.234", "KWD", &[(En, "KWD 1.234"), (De, "1,234 KWD")]);
        check("-0.05", "EUR", &[(En, "-€0.05"), (De, "-0,05 €"), (Nl, "€ -0,05")]);
        check("5", "USD", &[(En, "$5.00"), (De, "5,00 USD")]);
    }

    #[test]
    fn amounts_never_wrap() {
        for lang in LANGS {
            let sek = Currency::new("SEK").expect("SEK");
            assert!(!amount(Amount::new(123_456_789, sek), lang).contains(' '), "{lang:?}");
        }
    }

    #[test]
    fn extreme_amounts_do_not_panic() {
        for currency in Currency::all() {
            for lang in LANGS {
                assert!(amount(Amount::new(i64::MIN, currency), lang).contains('-'));
            }
        }
    }
}
