//! Documents as HTML.

use super::*;

#[test]
fn a_receipt_is_a_page_that_reads_aloud_well() {
    let sale = SaleResult { transaction: None, ..result() };
    let document = sale_without_code(&sale);
    assert_eq!(
        document.html().into_string(),
        concat!(
            "<article class=\"receipt\" lang=\"de\">",
            "<h2 class=\"receipt-title\">Example Store</h2>",
            "<dl class=\"receipt-pairs\"><div class=\"receipt-pair\"><dt>Klarna</dt>",
            "<dd>1.234,56\u{a0}€</dd></div></dl>",
            "<p class=\"receipt-emphasis\"><strong>BEZAHLT</strong></p>",
            "<dl class=\"receipt-pairs\">",
            "<div class=\"receipt-pair\"><dt>Zeit</dt><dd>21.11.2026, 17:45:11 UTC</dd></div>",
            "<div class=\"receipt-pair\"><dt>Terminal</dt><dd>S1-T1</dd></div>",
            "<div class=\"receipt-pair\"><dt>Zahlung</dt><dd>000007</dd></div></dl>",
            "<p class=\"receipt-text\">Referenz</p>",
            "<p class=\"receipt-text\">S1-T1-20261121-000007-a1b2c3d4</p>",
            "<p class=\"receipt-text\">Dies ist kein Kassenbeleg</p></article>"
        )
    );
}

fn sale_without_code(result: &SaleResult) -> Document {
    let mut document = sale(result, Copy::Customer, &head("Example Store", "S1-T1"), Lang::De);
    document.blocks.retain(|block| !matches!(block, Block::Code(_)));
    document
}

#[test]
fn hostile_text_stays_text() {
    let evil = "<script>\"&'</script>";
    let text = || evil.to_owned();
    let blocks = vec![
        Block::Title(text()),
        Block::Text(text()),
        Block::Pair(text(), text()),
        Block::Emphasis(text()),
        Block::Rule,
        Block::Gap,
        Block::Code(text()),
        Block::Code(evil.repeat(500)),
        Block::Title(" ".to_owned()),
    ];
    let document = Document { title: text(), lang: Lang::En, blocks };
    let page = document.html().into_string();
    assert_eq!(page.matches("&lt;script&gt;&quot;&amp;'&lt;/script&gt;").count(), 505);
    assert!(!page.contains("<script") && !page.contains("style="), "{page}");
    assert_eq!(page.matches("<h2").count(), 1, "an empty title is none");
}

/// The path is drawn as a browser would, and read by an independent decoder.
#[test]
fn the_drawn_code_is_read() {
    let document = sale(&result(), Copy::Customer, &head("Example Store", "S1-T1"), Lang::En);
    let page = document.html().into_string();
    let between = |from: &str, to: &str| {
        page.split(from).nth(1).and_then(|rest| rest.split(to).next()).expect(from).to_owned()
    };
    assert_eq!(between("<svg", "<rect").matches("<title>Return code</title>").count(), 1);
    let side: usize = between("viewBox=\"0 0 ", " ").parse().expect("a number");
    let mut dark = vec![false; side * side];
    for run in between("<path d=\"M", "\"").split('M') {
        let numbers: Vec<usize> =
            run.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
        let [x, y, length, 1, back] = numbers[..] else { panic!("{run}") };
        assert_eq!(length, back, "{run}");
        dark[y * side + x..][..length].fill(true);
    }
    let quiet = 4;
    let grid =
        rqrr::SimpleGrid::from_func(side - 2 * quiet, |x, y| dark[(y + quiet) * side + x + quiet]);
    let (_, said) = rqrr::Grid::new(grid).decode().expect("is read");
    let code: ReturnCode = said.parse().expect("a return code");
    assert_eq!(code.payment_reference, result().payment_reference);
    assert_eq!(code.transaction, result().transaction);
}
