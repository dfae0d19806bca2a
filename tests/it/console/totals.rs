//! What a long simulated run came to, to the cent: in the pages of all shifts, in their files, on
//! the command line, and in the ledger of the world's own Klarna, which never saw the journal.
//!
//! The books are made here, or `KLARNA_BOOKS` names a directory that `examples/world.rs --books`
//! has made: ten thousand payments want the release profile.

use super::{Browser, PIN, Page, office_with};
use crate::office::asked;
use crate::world::shop::books::{Apart, DATABASE, LEDGER, Ledger};
use crate::world::shop::{Settings, run};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Payments of the books that are made here: as many as a debug build plays in less than a minute.
const PAYMENTS: usize = 1000;
/// Its run has everything that counts in a shift.
const SEED: u64 = 1;
/// In its run others have a hand in the terminal's sales, and Klarna denies what it has done.
const SEED_OF_MEDDLERS: u64 = 2;
/// Payments of that one.
const PAYMENTS_AMONG_MEDDLERS: usize = 200;
/// Names a directory with other books.
const BOOKS: &str = "KLARNA_BOOKS";
/// Until somebody who has asked too often asks again.
const PAUSE: Duration = Duration::from_millis(20);

/// Sums of one currency in minor units, and how many.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Sums {
    sales: (i64, i64),
    voided: (i64, i64),
    refunds: (i64, i64),
    released: i64,
    net: i64,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        let sum = |a: &mut (i64, i64), b: (i64, i64)| *a = (a.0 + b.0, a.1 + b.1);
        sum(&mut self.sales, other.sales);
        sum(&mut self.voided, other.voided);
        sum(&mut self.refunds, other.refunds);
        self.released += other.released;
        self.net += other.net;
    }
}

/// By the currency's code.
type Totals = BTreeMap<String, Sums>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_shifts_together_are_what_klarna_holds() {
    let made = tempfile::tempdir().expect("a directory");
    let books = match std::env::var_os(BOOKS) {
        Some(books) => PathBuf::from(books),
        None => make(made.path(), SEED, PAYMENTS),
    };
    has_everything(&of_klarna(&agree(&books).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_do_and_what_klarna_denies_is_in_no_total() {
    let made = tempfile::tempdir().expect("a directory");
    let books = make(made.path(), SEED_OF_MEDDLERS, PAYMENTS_AMONG_MEDDLERS);
    let Apart { refunds_denied, refunds_of_others, .. } = agree(&books).await.apart;
    assert!(refunds_denied + refunds_of_others > 0, "nobody has meddled");
}

/// Klarna's ledger, after everything else was found to say the same.
async fn agree(books: &Path) -> Ledger {
    let ledger = std::fs::read(books.join(LEDGER)).expect("Klarna's ledger");
    let ledger: Ledger = serde_json::from_slice(&ledger).expect("a ledger");
    let (mut terminal, mut browser) = office_with(&[], |store| copy(books, store)).await;
    assert_eq!(browser.sign_in("chief", PIN).await.status, 303);
    let store = terminal.path("terminal.sqlite");
    let open = asked(&store, &["shift"])["shift"].as_u64().expect("a number");
    let mut all = Totals::new();
    for number in 1..=open {
        for (currency, sums) in shift(&mut browser, &store, number, number == open).await {
            all.entry(currency).or_default().add(&sums);
        }
    }
    let klarna = of_klarna(&ledger);
    println!("{} closed shifts, {klarna:?}, {:?}", open - 1, ledger.apart);
    assert_eq!(all, klarna, "all shifts and Klarna; {:?}", ledger.apart);
    terminal.switch_off().await;
    ledger
}

/// The totals of one shift, which are the same wherever they are read.
async fn shift(browser: &mut Browser, store: &Path, number: u64, is_open: bool) -> Totals {
    let path = if is_open { "/shift".to_owned() } else { format!("/shifts/{number}") };
    let page = of_page(&patiently(browser, &path).await.text);
    let csv = patiently(browser, &format!("/shifts/{number}/report.csv")).await;
    let (totals, movements) = of_csv(&csv.text);
    assert_eq!(totals, page, "sums of the file of shift {number}");
    assert_eq!(movements, page, "movements in the file of shift {number}");
    let told = asked(store, &["shift", "show", &number.to_string()]);
    assert_eq!(of_json(&told), page, "the command line about shift {number}");
    page
}

fn make(directory: &Path, seed: u64, payments: usize) -> PathBuf {
    let directory = directory.join("books");
    std::fs::create_dir(&directory).expect("a new directory");
    let books = Some(directory.clone());
    let settings = Settings { payments_per_run: payments, books, ..Settings::default() };
    let report = run(seed, &settings);
    assert!(report.violations.is_empty(), "{}", report.violations.join("\n"));
    // A sale that the terminal refuses is no payment.
    assert!(report.payments * 10 >= payments * 9, "only {} payments", report.payments);
    directory
}

/// The database with what its last process has not yet moved into it.
fn copy(books: &Path, store: &Path) {
    for suffix in ["", "-wal"] {
        let from = books.join(format!("{DATABASE}{suffix}"));
        if from.exists() {
            let to = format!("{}{suffix}", store.display());
            std::fs::copy(from, to).expect("files can be copied");
        }
    }
}

/// A page, however often others were asked for just before.
async fn patiently(browser: &mut Browser, path: &str) -> Page {
    loop {
        let page = browser.get(path).await;
        if page.status != 429 {
            assert_eq!(page.status, 200, "{path}: {}", page.text);
            return page;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Nothing that was compared was compared with nothing.
fn has_everything(totals: &Totals) {
    for (currency, sums) in totals {
        for (what, sum) in [
            ("sales", sums.sales.0),
            ("voided", sums.voided.0),
            ("refunds", sums.refunds.0),
            ("released", sums.released),
        ] {
            assert!(sum > 0, "no {what} in {currency}");
        }
    }
    assert!(!totals.is_empty());
}

fn of_klarna(ledger: &Ledger) -> Totals {
    let one = |(code, row): (&String, &crate::world::shop::books::Totals)| {
        // What the terminal has asked for; the ledger says by how much less was done.
        let released = row.released + ledger.apart.released_less.get(code).unwrap_or(&0);
        let sums = Sums {
            sales: (row.sales, row.sales_count.into()),
            voided: (row.voided, row.voided_count.into()),
            refunds: (row.refunds, row.refunds_count.into()),
            released,
            net: row.sales - row.voided - row.refunds - released,
        };
        (code.clone(), sums)
    };
    ledger.currencies.iter().map(one).collect()
}

/// The tables of a shift's page, as a person reads them.
fn of_page(html: &str) -> Totals {
    let mut totals = Totals::new();
    for table in html.split("<table class=\"list totals\">").skip(1) {
        let table = table.split("</table>").next().expect("a table");
        let code = between(table, "<caption>", "</caption>");
        let sums = totals.entry(code.to_owned()).or_default();
        for row in table.split("<tr>").skip(2) {
            let name = between(row, "<th scope=\"row\">", "</th>");
            let cells: Vec<i64> = row.split("<td").skip(1).map(digits).collect();
            let both = || (cells[1], cells[0]);
            match name {
                "Sales" => sums.sales = both(),
                "Given back whole" => sums.voided = both(),
                "Given back" => sums.refunds = both(),
                "Released" => sums.released = cells[1],
                "Net" => sums.net = cells[1],
                other => panic!("an unknown row {other:?} in {table}"),
            }
        }
    }
    totals
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let rest = text.split(begin).nth(1).unwrap_or_else(|| panic!("no {begin} in {text}"));
    rest.split(end).next().expect("there is a first part")
}

/// The number in a table's cell without its marks: minor units, or a count; 0 in an empty one.
fn digits(cell: &str) -> i64 {
    let inside = cell.split_once('>').expect("a tag").1;
    let inside = inside.split("</td>").next().expect("there is a first part");
    let number: String = inside.chars().filter(char::is_ascii_digit).collect();
    let is_negative = inside.contains(['-', '−']);
    let number: i64 = if number.is_empty() { 0 } else { number.parse().expect("digits") };
    if is_negative { -number } else { number }
}

/// The lines of sums of a shift's file, and the sums of its other lines.
fn of_csv(text: &str) -> (Totals, Totals) {
    let (mut totals, mut movements) = (Totals::new(), Totals::new());
    for line in csv::Reader::from_reader(text.as_bytes()).into_records() {
        let line = line.expect("a line of the file");
        let minor: i64 = line[3].replace('.', "").parse().expect("an amount");
        let count: i64 = line[5].parse().expect("a count");
        let add = |sum: &mut (i64, i64)| *sum = (sum.0 + minor, sum.1 + count);
        if &line[2] == "capture" {
            continue;
        }
        let (kind, sums) = match line[2].strip_prefix("total ") {
            Some(kind) => (kind, totals.entry(line[4].to_owned()).or_default()),
            None => (&line[2], movements.entry(line[4].to_owned()).or_default()),
        };
        match kind {
            "sales" | "sale" => add(&mut sums.sales),
            "voided" | "void" => add(&mut sums.voided),
            "refunded" | "refund" => add(&mut sums.refunds),
            "released" | "release" => sums.released += minor,
            "net" => sums.net = minor,
            other => panic!("an unknown line {other:?}"),
        }
    }
    for sums in movements.values_mut() {
        sums.net = sums.sales.0 - sums.voided.0 - sums.refunds.0 - sums.released;
    }
    (totals, movements)
}

fn of_json(told: &Value) -> Totals {
    let rows = told["totals"].as_array().expect("totals");
    let one = |row: &Value| {
        let minor = |name: &str| row[name]["minor"].as_i64().unwrap_or_default();
        let both = |name: &str| {
            let count = row[format!("{name}_count")].as_i64().expect("a count");
            (minor(name), count)
        };
        let sums = Sums {
            sales: both("sales"),
            voided: both("voided"),
            refunds: both("refunds"),
            released: minor("released"),
            net: minor("net"),
        };
        (row["net"]["currency"].as_str().expect("a code").to_owned(), sums)
    };
    rows.iter().map(one).collect()
}
