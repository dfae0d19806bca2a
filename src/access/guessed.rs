//! Which PINs are guessed first: rules in the place of a list of the frequent ones.
//!
//! Published statistics of PINs agree on what people choose: dates, ways over the keys, and little
//! patterns that are easy to remember. Each rule is a family of those. Knows nothing of users.

use super::pin::WeakPin;

/// Fewest digits of a number of the shop that is looked for in a PIN: three are in many by chance.
const OWN_DIGITS_MIN: usize = 4;
/// Keys that touch side by side or one above the other, as on every PIN pad.
const NEXT_TO: [&[u8]; 10] = [
    &[8],
    &[2, 4],
    &[1, 3, 5],
    &[2, 6],
    &[1, 5, 7],
    &[2, 4, 6, 8],
    &[3, 5, 9],
    &[4, 8],
    &[5, 7, 9, 0],
    &[6, 8],
];
/// Three keys in a row, in a column or across; each is also gone the other way.
const LINES: [[u8; 3]; 9] = [
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
    [1, 4, 7],
    [2, 5, 8],
    [3, 6, 9],
    [1, 5, 9],
    [3, 5, 7],
    [5, 8, 0],
];

/// Digits that many know by heart, as far as a PIN goes: π, e, √2, Fibonacci's numbers.
const BY_HEART: [[u8; 12]; 4] = [
    [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8],
    [2, 7, 1, 8, 2, 8, 1, 8, 2, 8, 4, 5],
    [1, 4, 1, 4, 2, 1, 3, 5, 6, 2, 3, 7],
    [1, 1, 2, 3, 5, 8, 1, 3, 2, 1, 3, 4],
];

/// What is wrong with these digits, at least six from 0 to 9, if they are guessed first.
pub(super) fn weakness(digits: &[u8]) -> Option<WeakPin> {
    let steps = steps_between(digits, &digits[1..]);
    let rules: [(WeakPin, bool); 6] = [
        (WeakPin::SameDigit, steps.iter().all(|step| *step == 0)),
        (WeakPin::Run, is_run(&steps) || is_counted_aloud(digits)),
        (WeakPin::Repeated, is_repeated(digits)),
        (WeakPin::Date, is_date(digits)),
        (WeakPin::Keys, is_way_over_keys(digits)),
        (WeakPin::Pattern, is_pattern(digits, &steps) || is_by_heart(digits)),
    ];
    rules.into_iter().find(|(_, holds)| *holds).map(|(weak, _)| weak)
}

/// Whether a PIN is made of a number that everybody in the shop can read: one of at least four
/// digits in `text` is in the PIN, or the PIN in it.
pub(super) fn is_in(pin: &str, text: &str) -> bool {
    let numbers = text.split(|c: char| !c.is_ascii_digit());
    let all: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_same = |number: &str| pin.contains(number) || number.contains(pin);
    let mut long = numbers.chain([all.as_str()]).filter(|it| it.len() >= OWN_DIGITS_MIN);
    long.any(is_same)
}

/// How much each digit of `to` is above the one of `from`; 9 is followed by 0, as on the keys.
fn steps_between(from: &[u8], to: &[u8]) -> Vec<u8> {
    from.iter().zip(to).map(|(from, to)| (to + 10 - from) % 10).collect()
}

fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number, digit| number * 10 + u32::from(*digit))
}

fn is_constant<T: PartialEq>(values: &[T]) -> bool {
    values.windows(2).all(|pair| pair[0] == pair[1])
}

/// Digits that go on by the same step (123456, 135791, 963074), also with one strange digit at
/// either end where they count by one or two (123457, 012344, 135790).
fn is_run(steps: &[u8]) -> bool {
    let counts = |steps: &[u8]| is_constant(steps) && matches!(steps.first(), Some(1 | 2 | 8 | 9));
    is_constant(steps) || counts(&steps[1..]) || counts(&steps[..steps.len() - 1])
}

/// Numbers one after the other, by one or by two, as somebody says them (246810, 891011).
fn is_counted_aloud(digits: &[u8]) -> bool {
    let said = |first: u32, step: u32| {
        let numbers = (0..).map(move |count| first + count * step);
        let written = numbers.flat_map(|number| {
            let length = number.checked_ilog10().unwrap_or(0);
            (0..=length).rev().map(move |place| number / 10_u32.pow(place) % 10)
        });
        digits.iter().copied().map(u32::from).eq(written.take(digits.len()))
    };
    let firsts = [number(&digits[..1]), number(&digits[..2])];
    firsts.into_iter().any(|first| said(first, 1) || said(first, 2))
}

/// A piece that comes again until the end (121212, 123123, 1212121, 12341234), not more than two
/// different digits (112122), or one digit in most places, side by side (100009, 555512).
fn is_repeated(digits: &[u8]) -> bool {
    let comes_again = |period: usize| digits.iter().zip(&digits[period..]).all(|(a, b)| a == b);
    let different = (0..10).filter(|digit| digits.contains(digit)).count();
    let same = digits.windows(digits.len() - 2).any(is_constant);
    (1..=digits.len() / 2).any(comes_again) || different <= 2 || same
}

/// A day as day, month, year, as month, day, year or as year, month, day; a month with its year
/// before or after it. Years have two digits where there are six, else four, from 1900 to 2099.
fn is_date(digits: &[u8]) -> bool {
    let is_year = |year: &[u8]| year.len() == 2 || (1900..2100).contains(&number(year));
    let is_day = |day: &[u8], month: &[u8]| {
        let last = match number(month) {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            _ => 0,
        };
        (1..=last).contains(&number(day))
    };
    let is_month = |month: &[u8], year: &[u8]| (1..=12).contains(&number(month)) && is_year(year);
    if digits.len() == 6
        && (is_month(&digits[4..], &digits[..4]) || is_month(&digits[..2], &digits[2..]))
    {
        return true;
    }
    if !matches!(digits.len(), 6 | 8) {
        return false;
    }
    let (first, second, year) = (&digits[..2], &digits[2..4], &digits[4..]);
    let (before, rest) = digits.split_at(digits.len() - 4);
    is_year(year) && (is_day(first, second) || is_day(second, first))
        || is_year(before) && is_day(&rest[2..], &rest[..2])
}

/// A way from key to key side by side, where a key may be pressed twice (147896, 112233), lines of
/// three keys (147258, 159357, 789456), or the four corners only (137913).
fn is_way_over_keys(digits: &[u8]) -> bool {
    let touches =
        |pair: &[u8]| pair[0] == pair[1] || NEXT_TO[usize::from(pair[0])].contains(&pair[1]);
    let is_line = |three: &[u8]| {
        LINES.iter().any(|line| three.iter().eq(line) || three.iter().eq(line.iter().rev()))
    };
    let is_corner = |digit: &u8| matches!(digit, 1 | 3 | 7 | 9);
    digits.windows(2).all(touches)
        || digits.len().is_multiple_of(3) && digits.chunks(3).all(is_line)
        || digits.iter().all(is_corner)
}

/// The beginning of a number of [`BY_HEART`] (314159).
fn is_by_heart(digits: &[u8]) -> bool {
    BY_HEART.iter().any(|number| number.starts_with(digits))
}

/// Pairs of the same digit (557799) or that go on by the same step (405162), a half that
/// is moved on to the other one (583694), and digits whose steps read the same
/// from both ends, with the same sign or the other one (573375, 283728).
fn is_pattern(digits: &[u8], steps: &[u8]) -> bool {
    let back = || steps.iter().rev();
    let same_both_ways = steps.iter().eq(back());
    let mirrored = steps.iter().zip(back()).enumerate().all(|(place, (one, other))| {
        let is_middle = place * 2 + 1 == steps.len();
        is_middle || (one + other).is_multiple_of(10)
    });
    if same_both_ways || mirrored {
        return true;
    }
    if !digits.len().is_multiple_of(2) {
        return false;
    }
    let (first, second) = digits.split_at(digits.len() / 2);
    let moved = steps_between(first, second);
    let pairs: Vec<u32> = digits.chunks(2).map(number).collect();
    let pair_steps: Vec<u32> = pairs.windows(2).map(|two| (two[1] + 100 - two[0]) % 100).collect();
    is_constant(&moved)
        || number(first).abs_diff(number(second)) == 1
        || is_constant(&pair_steps)
        || digits.chunks(2).all(is_constant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weak(text: &str) -> Option<WeakPin> {
        let digits: Vec<u8> = text.bytes().map(|byte| byte - b'0').collect();
        weakness(&digits)
    }

    #[test]
    fn each_family_of_guesses_is_refused() {
        let families: [(WeakPin, &[&str]); 6] = [
            (WeakPin::SameDigit, &["000000", "777777777777"]),
            (WeakPin::Run, &["123456", "789012", "321098", "135791", "864208", "135790", "246810"]),
            (
                WeakPin::Repeated,
                &["121212", "1212121", "123123", "12341234", "112122", "100009", "55155155"],
            ),
            (
                WeakPin::Date,
                &[
                    "311299", "123199", "991231", "290200", "198411", "111984", "24121984",
                    "12241984",
                ],
            ),
            (WeakPin::Keys, &["147896", "159357", "789456", "147258", "147258369", "137913"]),
            (
                WeakPin::Pattern,
                &["667788", "405162", "573375", "583694", "283728", "538539", "31415926"],
            ),
        ];
        for (why, texts) in families {
            for text in texts {
                assert_eq!(weak(text), Some(why), "{text}");
            }
        }
    }

    /// Those that people name first when they are asked for six digits, family by family.
    #[test]
    fn what_people_choose_most_is_refused() {
        let chosen = "123456 111111 000000 123123 654321 121212 666666 112233 159753 159357 147258 \
            123321 222222 555555 777777 888888 999999 131313 232323 252525 696969 101010 010203 \
            102030 789456 456789 987654 147852 258456 456123 963852 852456 741852 142536 654123 \
            321654 789123 123654 135790 246810 112211 111222 333666 336699 110110 100200 420420 \
            520520 123789 987321 123450 012345 543210 234567 345678 567890 890890 098765 202020 \
            151515 141414 212121 313131 221122 991199 258258 369369 789789 456456 321321 159159 \
            147147 010101 110011 100001 200000 111112 222221 123455 124578 258369 369258 146146 \
            010180 311299 251286 198900 200000 111213 121314 101112 151617 020304 789632 147896";
        // A year with nothing behind it has no rule: there are twenty thousand of that family.
        let let_through: Vec<&str> =
            chosen.split_whitespace().filter(|text| weak(text).is_none()).collect();
        assert_eq!(let_through, ["198900"]);
    }

    #[test]
    fn one_pin_of_six_digits_in_seven_is_refused() {
        let refused = (0..1_000_000).filter(|n| weak(&format!("{n:06}")).is_some()).count();
        assert_eq!(refused, 136_444);
    }

    #[test]
    fn numbers_of_the_shop_are_found() {
        for (pin, text) in [
            ("004711", "T-004711"),
            ("114711", "till 4711"),
            ("471108", "T-47-1108"),
            ("198407", "anna1984"),
            ("123904", "5123904077"),
        ] {
            assert!(is_in(pin, text), "{pin} {text}");
        }
        for (pin, text) in [("483920", "T-001"), ("483920", "anna"), ("483920", "48 39 1")] {
            assert!(!is_in(pin, text), "{pin} {text}");
        }
    }
}
