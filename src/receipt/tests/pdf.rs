//! Documents as PDF, read back object by object.

use super::*;

/// The objects that the cross-reference table points to.
fn objects(file: &[u8]) -> Vec<&[u8]> {
    let find = |from: usize, wanted: &[u8]| {
        let found = file[from..].windows(wanted.len()).position(|window| window == wanted);
        from + found.unwrap_or_else(|| panic!("no {}", String::from_utf8_lossy(wanted)))
    };
    assert!(file.starts_with(b"%PDF-1.7\n") && file.trim_ascii_end().ends_with(b"%%EOF"));
    let number = |bytes: &[u8]| -> usize {
        let text = std::str::from_utf8(bytes).expect("digits");
        text.trim().parse().unwrap_or_else(|_| panic!("{text:?}"))
    };
    let last = file.windows(9).rposition(|window| window == b"startxref").expect("startxref");
    let table = number(&file[last + 9..file.len() - 6]);
    assert!(file[table..].starts_with(b"xref\n0 "), "startxref points elsewhere");
    let rows = find(table + 5, b"\n") + 1;
    let count = number(&file[table + 7..rows]);
    let row = |index: usize| &file[rows + 20 * index..][..20];
    let object = |index: usize| {
        let at = number(&row(index)[..10]);
        assert!(file[at..].starts_with(format!("{index} 0 obj").as_bytes()), "object {index}");
        &file[at..find(at, b"endobj")]
    };
    (1..count).map(object).collect()
}

/// What the pages say, a line each; a page ends with a form feed.
fn text(file: &[u8]) -> String {
    let mut text = String::new();
    for object in objects(file) {
        let object: String = object.iter().map(|byte| char::from(*byte)).collect();
        let Some((_, stream)) = object.split_once("stream\n") else { continue };
        for shown in stream.lines().filter_map(|line| line.strip_suffix(" Tj")) {
            text.push_str(&string(shown));
            text.push('\n');
        }
        text.push('\u{c}');
    }
    text
}

/// A literal or hexadecimal string in WinAnsiEncoding.
fn string(written: &str) -> String {
    let letter = |byte: u8| if byte == 0x80 { '€' } else { char::from(byte) };
    let inside = &written[1..written.len() - 1];
    if written.starts_with('(') {
        return inside.replace("\\(", "(").replace("\\)", ")").replace("\\\\", "\\");
    }
    let byte = |at: usize| u8::from_str_radix(&inside[at..at + 2], 16).expect("hexadecimal");
    (0..inside.len()).step_by(2).map(|at| letter(byte(at))).collect()
}

#[test]
fn a_receipt_is_one_page() {
    let document = sale(&result(), Copy::Customer, &head("Käse & Brot", "S1-T1"), Lang::De);
    let expected = "\
Käse & Brot
Klarna                                1.234,56 €
BEZAHLT
Zeit                    21.11.2026, 17:45:11 UTC
Terminal                                   S1-T1
Zahlung                                   000007
Referenz
S1-T1-20261121-000007-a1b2c3d4
Klarna ID
krn:payment:eu1:transaction:6c583364-786d-46c6-b
5a7-0c8c88884038
Dies ist kein Kassenbeleg
Rückgabecode
\u{c}";
    let file = document.pdf();
    assert_eq!(text(&file), expected);
    let all: String = file.iter().map(|byte| char::from(*byte)).collect();
    for said in ["/Lang (de)", "/Title (S1-T1 000007)", "/Count 1", "/WinAnsiEncoding", " re\n"] {
        assert!(all.contains(said), "{said}");
    }
}

#[test]
fn a_long_report_has_pages_with_numbers() {
    let totals = Currency::all().map(|currency| {
        let amount = |minor| Amount::new(minor, currency);
        ShiftTotal {
            sales: amount(1_234_567),
            sales_count: 1,
            voided: amount(0),
            voided_count: 0,
            refunds: amount(0),
            refunds_count: 0,
            released: None,
        }
    });
    let long = ShiftReport { totals: totals.collect(), ..report() };
    let head = head("Example Store", "S1-T1");
    let document = shift(&long, Kind::Z, &head, Lang::El, &[waiting()]);
    let file = document.pdf();
    let text = text(&file);
    let pages: Vec<&str> = text.split_terminator('\u{c}').collect();
    assert!(pages.len() > 5, "{}", pages.len());
    for (index, page) in pages.iter().enumerate() {
        let number = format!("{} / {}", index + 1, pages.len());
        assert_eq!(page.lines().last(), Some(number.as_str()));
    }
    for total in &long.totals {
        let written = i18n::amount(total.sales, Lang::El).replace('\u{a0}', " ");
        assert!(text.contains(&written), "{written}");
    }
    assert!(text.contains("Se anamoni tis Klarna") && !text.contains('?'));
}

#[test]
fn every_document_says_in_a_pdf_what_its_lines_say() {
    for lang in LANGS {
        for (name, document) in documents(&head("Example Store", "S1-T1"), lang) {
            let said = text(&document.pdf());
            assert!(!said.contains('?'), "{lang:?} {name}: {said}");
            for block in &document.blocks {
                let Block::Pair(_, value) = block else { continue };
                let digits =
                    |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
                let digits_of = digits(value);
                let stands = said.lines().any(|line| digits(line).ends_with(&digits_of));
                assert!(stands, "{lang:?} {name}: {value}");
            }
        }
    }
}

#[test]
fn hostile_text_stays_text() {
    let evil = "(\\) Tj ET \u{7}漢 <<";
    let blocks = vec![Block::Title(evil.to_owned()), Block::Gap, Block::Code("x".repeat(4000))];
    let document = Document { title: evil.to_owned(), lang: Lang::En, blocks };
    let text = text(&document.pdf());
    assert_eq!(text.lines().next(), Some("(\\) Tj ET ? <<"));
}
