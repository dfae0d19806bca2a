//! How people write dates and the time of day, by the 24-hour clock.
//!
//! Source: Unicode CLDR 48, the short or medium date format of each language's main country,
//! whichever has digits and four of them for the year; English has the month in letters, because
//! English readers disagree about which number is the month. Reads no clock, knows no time zone.

use super::{Lang, NO_BREAK};
use crate::clock::Civil;

const ENGLISH_MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Date and time with seconds: `5 Jan 2026, 09:05:07`, `05.01.2026, 09:05:07`. The date does not
/// wrap: its own spaces are no-break (U+00A0).
pub fn date_time(at: &Civil, lang: Lang) -> String {
    let between = match lang {
        Lang::Fi => " klo ",
        Lang::Sv | Lang::Fr | Lang::Cs | Lang::Hu | Lang::Lv | Lang::Lt => " ",
        Lang::En | Lang::De | Lang::Nb | Lang::Da | Lang::Nl | Lang::It | Lang::Es => ", ",
        Lang::Pl | Lang::Pt | Lang::Ro | Lang::El | Lang::Sk | Lang::Et => ", ",
    };
    let time = time_of_day(at.hour, at.minute, lang);
    format!("{}{between}{time}{}{:02}", date(at, lang), colon(lang), at.second)
}

/// Hour and minute: `09:05`, `9:05`, `9.05`.
pub fn time_of_day(hour: u8, minute: u8, lang: Lang) -> String {
    let colon = colon(lang);
    match lang {
        Lang::Fi | Lang::Es | Lang::Cs | Lang::Hu | Lang::Sk => format!("{hour}{colon}{minute:02}"),
        Lang::En | Lang::De | Lang::Sv | Lang::Nb | Lang::Da | Lang::Fr | Lang::Nl | Lang::It => {
            format!("{hour:02}{colon}{minute:02}")
        }
        Lang::Pl | Lang::Pt | Lang::Ro | Lang::El | Lang::Et | Lang::Lv | Lang::Lt => {
            format!("{hour:02}{colon}{minute:02}")
        }
    }
}

/// What stands between hours, minutes and seconds.
fn colon(lang: Lang) -> char {
    if matches!(lang, Lang::Da | Lang::Fi) { '.' } else { ':' }
}

fn date(at: &Civil, lang: Lang) -> String {
    let Civil { year, month, day, .. } = *at;
    match lang {
        Lang::En => {
            let name = ENGLISH_MONTHS.get(usize::from(month).saturating_sub(1)).unwrap_or(&"?");
            format!("{day}{NO_BREAK}{name}{NO_BREAK}{year}")
        }
        Lang::Sv | Lang::Lt => format!("{year:04}-{month:02}-{day:02}"),
        Lang::De | Lang::Nb | Lang::Da | Lang::Ro | Lang::Et | Lang::Lv => {
            format!("{day:02}.{month:02}.{year}")
        }
        Lang::Fi => format!("{day}.{month}.{year}"),
        Lang::Pl => format!("{day}.{month:02}.{year}"),
        Lang::Nl => format!("{day:02}-{month:02}-{year}"),
        Lang::Fr | Lang::It | Lang::Pt => format!("{day:02}/{month:02}/{year}"),
        Lang::Es | Lang::El => format!("{day}/{month}/{year}"),
        Lang::Cs | Lang::Sk => format!("{day}.{NO_BREAK}{month}.{NO_BREAK}{year}"),
        Lang::Hu => format!("{year}.{NO_BREAK}{month:02}.{NO_BREAK}{day:02}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::LANGS;

    fn civil(year: i16, (month, day): (u8, u8), (hour, minute, second): (u8, u8, u8)) -> Civil {
        Civil { year, month, day, hour, minute, second, zone: "UTC".to_owned() }
    }

    #[test]
    fn dates_are_written_as_people_write_them() {
        let early = civil(2026, (1, 5), (9, 5, 7));
        let late = civil(2026, (11, 21), (17, 45, 11));
        let table = [
            (Lang::En, "5 Jan 2026, 09:05:07", "21 Nov 2026, 17:45:11"),
            (Lang::De, "05.01.2026, 09:05:07", "21.11.2026, 17:45:11"),
            (Lang::Sv, "2026-01-05 09:05:07", "2026-11-21 17:45:11"),
            (Lang::Nb, "05.01.2026, 09:05:07", "21.11.2026, 17:45:11"),
            (Lang::Da, "05.01.2026, 09.05.07", "21.11.2026, 17.45.11"),
            (Lang::Fi, "5.1.2026 klo 9.05.07", "21.11.2026 klo 17.45.11"),
            (Lang::Fr, "05/01/2026 09:05:07", "21/11/2026 17:45:11"),
            (Lang::Nl, "05-01-2026, 09:05:07", "21-11-2026, 17:45:11"),
            (Lang::It, "05/01/2026, 09:05:07", "21/11/2026, 17:45:11"),
            (Lang::Es, "5/1/2026, 9:05:07", "21/11/2026, 17:45:11"),
            (Lang::Pl, "5.01.2026, 09:05:07", "21.11.2026, 17:45:11"),
            (Lang::Pt, "05/01/2026, 09:05:07", "21/11/2026, 17:45:11"),
            (Lang::Cs, "5. 1. 2026 9:05:07", "21. 11. 2026 17:45:11"),
            (Lang::Hu, "2026. 01. 05. 9:05:07", "2026. 11. 21. 17:45:11"),
            (Lang::Ro, "05.01.2026, 09:05:07", "21.11.2026, 17:45:11"),
            (Lang::El, "5/1/2026, 09:05:07", "21/11/2026, 17:45:11"),
            (Lang::Sk, "5. 1. 2026, 9:05:07", "21. 11. 2026, 17:45:11"),
            (Lang::Et, "05.01.2026, 09:05:07", "21.11.2026, 17:45:11"),
            (Lang::Lv, "05.01.2026 09:05:07", "21.11.2026 17:45:11"),
            (Lang::Lt, "2026-01-05 09:05:07", "2026-11-21 17:45:11"),
        ];
        assert_eq!(table.map(|(lang, ..)| lang), LANGS);
        for (lang, first, second) in table {
            let written = |at| date_time(at, lang).replace(NO_BREAK, " ");
            assert_eq!([written(&early), written(&late)], [first, second], "{lang:?}");
        }
    }

    #[test]
    fn the_time_of_day_has_no_seconds() {
        let table = [
            (Lang::En, "09:05"),
            (Lang::Da, "09.05"),
            (Lang::Fi, "9.05"),
            (Lang::Es, "9:05"),
            (Lang::El, "09:05"),
        ];
        for (lang, written) in table {
            assert_eq!(time_of_day(9, 5, lang), written, "{lang:?}");
        }
        assert!(LANGS.into_iter().all(|lang| time_of_day(17, 45, lang).starts_with("17")));
    }

    #[test]
    fn numbers_that_are_no_date_do_not_panic() {
        for lang in LANGS {
            for month in [0, 13, 255] {
                let none = civil(-1, (month, 99), (99, 99, 99));
                assert!(!date_time(&none, lang).is_empty(), "{lang:?}");
            }
        }
    }
}
