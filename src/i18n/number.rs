//! How amounts of money are written.
//!
//! Source: Unicode CLDR 48, number patterns and currency symbols of each language's main country.
//! Knows no words.

use super::{Lang, NO_BREAK};
use crate::money::{Amount, Currency};

/// An amount as people write it in `lang`: `€1,234.50`, `1.234,50 €`, `1 234,50 kr`.
///
/// Decimals follow the currency's exponent, except that whole forints have none. Spaces are
/// no-break (U+00A0, U+202F), so the amount never wraps; the minus is ASCII, so that receipt
/// printers have it too.
pub fn amount(amount: Amount, lang: Lang) -> String {
    let format = NumberFormat::of(lang);
    let decimal = amount.decimal();
    let (minus, digits) = match decimal.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", decimal.as_str()),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = if is_left_out(fraction, amount.currency()) { "" } else { fraction };
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
            Lang::De | Lang::Da | Lang::Ro | Lang::El => (",", ".", 4, Place::After),
            Lang::It | Lang::Es => (",", ".", 5, Place::After),
            Lang::Sv | Lang::Nb | Lang::Fi => (",", NO_BREAK, 4, Place::After),
            Lang::Cs | Lang::Sk | Lang::Lt => (",", NO_BREAK, 4, Place::After),
            Lang::Pl | Lang::Pt | Lang::Hu | Lang::Et | Lang::Lv => {
                (",", NO_BREAK, 5, Place::After)
            }
            Lang::Fr => (",", NARROW_NO_BREAK, 4, Place::After),
            Lang::Nl => (",", ".", 4, Place::BeforeSpaced),
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

/// ISO 4217 gives the forint hundredths, but it has had no coins of them since 1999.
fn is_left_out(fraction: &str, currency: Currency) -> bool {
    currency.code() == "HUF" && fraction == "00"
}

/// A sign only where it can mean one currency to a reader of `lang`; the ISO code otherwise.
fn symbol(currency: Currency, lang: Lang) -> String {
    let sign = match (currency.code(), lang) {
        // By CLDR, readers of these two expect codes.
        ("EUR" | "GBP", Lang::Hu | Lang::Ro) => currency.code(),
        ("EUR", _) => "€",
        ("GBP", _) => "£",
        ("USD", Lang::En) => "$",
        ("SEK", Lang::Sv) | ("NOK", Lang::Nb) => "kr",
        ("DKK", Lang::Da) => "kr.",
        ("PLN", Lang::Pl) => "zł",
        ("CZK", Lang::Cs) => "Kč",
        ("HUF", Lang::Hu) => "Ft",
        ("RON", Lang::Ro) => "lei",
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
    fn every_language_writes_its_own_money() {
        let table = [
            (Lang::En, "GBP", ["-£0.05", "£1,234.50", "£12,345.50", "£1,234,567.50"]),
            (Lang::De, "EUR", ["-0,05 €", "1.234,50 €", "12.345,50 €", "1.234.567,50 €"]),
            (Lang::Sv, "SEK", ["-0,05 kr", "1 234,50 kr", "12 345,50 kr", "1 234 567,50 kr"]),
            (Lang::Nb, "NOK", ["-0,05 kr", "1 234,50 kr", "12 345,50 kr", "1 234 567,50 kr"]),
            (Lang::Da, "DKK", ["-0,05 kr.", "1.234,50 kr.", "12.345,50 kr.", "1.234.567,50 kr."]),
            (Lang::Fi, "EUR", ["-0,05 €", "1 234,50 €", "12 345,50 €", "1 234 567,50 €"]),
            (Lang::Fr, "EUR", ["-0,05 €", "1 234,50 €", "12 345,50 €", "1 234 567,50 €"]),
            (Lang::Nl, "EUR", ["€ -0,05", "€ 1.234,50", "€ 12.345,50", "€ 1.234.567,50"]),
            (Lang::It, "EUR", ["-0,05 €", "1234,50 €", "12.345,50 €", "1.234.567,50 €"]),
            (Lang::Es, "EUR", ["-0,05 €", "1234,50 €", "12.345,50 €", "1.234.567,50 €"]),
            (Lang::Pl, "PLN", ["-0,05 zł", "1234,50 zł", "12 345,50 zł", "1 234 567,50 zł"]),
            (Lang::Pt, "EUR", ["-0,05 €", "1234,50 €", "12 345,50 €", "1 234 567,50 €"]),
            (Lang::Cs, "CZK", ["-0,05 Kč", "1 234,50 Kč", "12 345,50 Kč", "1 234 567,50 Kč"]),
            (Lang::Hu, "HUF", ["-0,05 Ft", "1234,50 Ft", "12 345,50 Ft", "1 234 567,50 Ft"]),
            (Lang::Ro, "RON", ["-0,05 lei", "1.234,50 lei", "12.345,50 lei", "1.234.567,50 lei"]),
            (Lang::El, "EUR", ["-0,05 €", "1.234,50 €", "12.345,50 €", "1.234.567,50 €"]),
            (Lang::Sk, "EUR", ["-0,05 €", "1 234,50 €", "12 345,50 €", "1 234 567,50 €"]),
            (Lang::Et, "EUR", ["-0,05 €", "1234,50 €", "12 345,50 €", "1 234 567,50 €"]),
            (Lang::Lv, "EUR", ["-0,05 €", "1234,50 €", "12 345,50 €", "1 234 567,50 €"]),
            (Lang::Lt, "EUR", ["-0,05 €", "1 234,50 €", "12 345,50 €", "1 234 567,50 €"]),
        ];
        assert_eq!(table.map(|(lang, ..)| lang), LANGS);
        for (lang, code, written) in table {
            for (text, written) in ["-0.05", "1234.5", "12345.5", "1234567.5"].iter().zip(written) {
                check(text, code, &[(lang, written)]);
            }
        }
    }

    #[test]
    fn a_sign_that_could_mean_another_currency_is_a_code() {
        use Lang::{Cs, Da, De, El, En, Hu, Lt, Nb, Ro, Sk, Sv};
        check("1234.5", "SEK", &[(En, "SEK 1,234.50"), (Nb, "1 234,50 SEK"), (Da, "1.234,50 SEK")]);
        check("5", "USD", &[(En, "$5.00"), (De, "5,00 USD"), (El, "5,00 USD")]);
        check("5", "CZK", &[(Sk, "5,00 CZK"), (En, "CZK 5.00")]);
        check("5", "RON", &[(Hu, "5,00 RON"), (Sv, "5,00 RON")]);
        check("5", "MDL", &[(Ro, "5,00 MDL")]);
        check("5", "EUR", &[(Hu, "5,00 EUR"), (Ro, "5,00 EUR"), (Cs, "5,00 €"), (Lt, "5,00 €")]);
    }

    #[test]
    fn decimals_follow_the_currency() {
        check("1234567", "JPY", &[(Lang::En, "JPY 1,234,567"), (Lang::De, "1.234.567 JPY")]);
        check("1.234", "KWD", &[(Lang::En, "KWD 1.234"), (Lang::De, "1,234 KWD")]);
        check("12990", "HUF", &[(Lang::Hu, "12 990 Ft"), (Lang::De, "12.990 HUF")]);
        check("12990.50", "HUF", &[(Lang::Hu, "12 990,50 Ft")]);
        check("12990", "CZK", &[(Lang::Cs, "12 990,00 Kč")]);
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
