//! Documents as ESC/POS, read back as a printer would.

use super::*;

/// Commands in words, letters as a printer with this code page prints them.
fn read(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        let (words, taken) = match (first, after) {
            (0x1B, [b'@', ..]) => ("<start>".to_owned(), 2),
            (0x1B, [b'R', 0, ..]) => ("<ASCII>".to_owned(), 3),
            (0x1B, [b't', page, ..]) => (format!("<page {page}>\n"), 3),
            (0x1B, [b'E', on, ..]) => (format!("<bold {on}>"), 3),
            (0x1B, [b'd', 1, ..]) => ("\n".to_owned(), 3),
            (0x1B, [b'd', lines, ..]) => (format!("<feed {lines}>"), 3),
            (0x1D, [b'V', b'A', 0, ..]) => ("<cut>".to_owned(), 4),
            (0x1D, [b'(', b'k', low, high, 49, function, data @ ..]) => {
                let length = usize::from(*low) + 256 * usize::from(*high) - 2;
                let said = match function {
                    65 => format!("<QR model {}", data[0]),
                    67 => format!(" dots {}", data[0]),
                    69 => format!(" level {}", data[0]),
                    80 => format!(" {}", String::from_utf8_lossy(&data[1..length])),
                    81 => ">".to_owned(),
                    other => panic!("function {other}"),
                };
                (said, 7 + length)
            }
            (b' '..=b'~', _) => (char::from(*first).to_string(), 1),
            (0x80.., _) => (format!("<{first:02X}>"), 1),
            _ => panic!("{first:02X} before {after:02X?}"),
        };
        text.push_str(&words);
        rest = &rest[taken..];
    }
    text
}

#[test]
fn a_receipt_printer_is_told_everything() {
    let document = sale(&result(), Copy::Customer, &head("Käse & Brot", "S1-T1"), Lang::De);
    let expected = "
<start><ASCII><page 19>
<bold 1>K<84>se & Brot
<bold 0>Klarna                1.234,56 <D5>
<bold 1>BEZAHLT
<bold 0>Zeit    21.11.2026, 17:45:11 UTC
Terminal                   S1-T1
Zahlung                   000007
Referenz
S1-T1-20261121-000007-a1b2c3d4
Klarna ID
krn:payment:eu1:transaction:6c58
3364-786d-46c6-b5a7-0c8c88884038
Dies ist kein Kassenbeleg
R<81>ckgabecode
<QR model 50 dots 6 level 49 \
KTD1:S1-T1-20261121-000007-a1b2c3d4:\
krn:payment:eu1:transaction:6c583364-786d-46c6-b5a7-0c8c88884038>
<feed 3><cut>";
    assert_eq!(read(&document.escpos(Columns::C32)), expected.trim_start());
}

#[test]
fn letters_that_a_page_lacks_are_plain_and_amounts_whole() {
    let line = |lang, currency: &str| {
        let amount = Amount::new(-123_456, Currency::new(currency).expect("a currency"));
        let result = SaleResult { amount, ..result() };
        let document = sale(&result, Copy::Merchant, &head("", "S1-T1"), lang);
        read(&document.escpos(Columns::C32)).lines().take(4).collect::<Vec<_>>().join("\n")
    };
    let greek = "<start><ASCII><page 19>\nAntigrafo emporou\nKlarna               -1.234,56 <D5>\n\
        <bold 1>PLIROTHIKE";
    assert_eq!(line(Lang::El, "EUR"), greek);
    let czech = "<start><ASCII><page 18>\nKopie pro obchodn<A1>ka\nKlarna              -1 234,56 K<9F>\n\
        <bold 1>ZAPLACENO";
    assert_eq!(line(Lang::Cs, "CZK"), czech);
    let slovak = "<start><ASCII><page 18>\nK<A2>pia pre obchodn<A1>ka\n\
        Klarna             -1 234,56 EUR\n<bold 1>ZAPLATEN<90>";
    assert_eq!(line(Lang::Sk, "EUR"), slovak);
}

#[test]
fn every_word_is_printable_everywhere() {
    for (lang, columns) in LANGS.iter().flat_map(|lang| Columns::ALL.map(|c| (*lang, c))) {
        for (name, document) in documents(&head("Example Store", "S1-T1"), lang) {
            let text = read(&document.escpos(columns));
            assert!(!text.contains('?'), "{lang:?} {name}: {text}");
        }
    }
}

#[test]
fn hostile_text_is_no_command() {
    let evil = "\u{1b}@\u{1d}VA\0\n漢";
    let text = || evil.to_owned();
    let blocks = vec![Block::Title(text()), Block::Pair(text(), text()), Block::Rule, Block::Gap];
    let document = Document { title: text(), lang: Lang::En, blocks };
    let printed = read(&document.escpos(Columns::C24));
    let expected = "<start><ASCII><page 19>\n<bold 1>@ VA ?\n<bold 0> @ VA  ?         @ VA  ?\n\
        ------------------------\n\n<feed 3><cut>";
    assert_eq!(printed, expected);
}

#[test]
fn a_code_that_is_too_large_for_the_paper_is_printed_in_letters() {
    let code = format!("KTD1:{}", "x".repeat(500));
    let blocks = vec![Block::Code(code)];
    let document = Document { title: String::new(), lang: Lang::En, blocks };
    let narrow = read(&document.escpos(Columns::C24));
    assert!(narrow.contains("Return code\nKTD1:xxxxxxxxxxxxxxxxxxx\n"), "{narrow}");
    assert!(read(&document.escpos(Columns::C48)).contains("<QR model 50 dots 5 "));
}
