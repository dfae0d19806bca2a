//! The shift from the command line: its totals, its closing, earlier ones and their reports; asked
//! of the running daemon.

use super::client::{Client, Told, found};
use super::desk::confirm;
use super::table::{Progress, Side, Table, second};
use crate::console::api::{Closing, ShiftView, Shifts, TotalView};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Bytes from one word about the progress to the next.
const TOLD_EVERY: u64 = 64 * 1024;
/// What stands for standard output in place of a file's name.
const STDOUT: &str = "-";

/// The shift, and what to do with it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a command it shows the totals of the open shift, which is the X report.
The totals are the sum of the journal since the last closing.

  klarna-terminald shift --config FILE
  klarna-terminald shift close --config FILE
  klarna-terminald shift show 12 --csv shift-12.csv --config FILE")]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    database: super::Database,
    /// Print one line of JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Close the open shift and print its report (Z report); sends captures that wait for it
    Close {
        /// Close it only if it has this number; nothing is done if that one is closed already
        #[arg(long, value_name = "NUMBER")]
        shift: Option<u32>,
        /// Do it without asking
        #[arg(long, short)]
        yes: bool,
    },
    /// List closed shifts, newest first
    History {
        /// How many to list, at most 1000
        #[arg(long, default_value_t = 20)]
        count: u32,
    },
    /// Show one shift's totals, save its movements or report, or print it
    Show {
        /// The shift's number
        #[arg(value_name = "NUMBER")]
        number: u32,
        /// Save every movement of money and the sums as CSV; - for standard output
        #[arg(long, value_name = "FILE", group = "form", conflicts_with = "json")]
        csv: Option<PathBuf>,
        /// Save the report as PDF; - for standard output
        #[arg(long, value_name = "FILE", group = "form", conflicts_with = "json")]
        pdf: Option<PathBuf>,
        /// Print the report on the receipt printer
        #[arg(long, group = "form")]
        print: bool,
    },
}

/// Runs one of them.
pub(super) fn run(asked: Arguments) -> anyhow::Result<()> {
    let (client, json) = (Client::of(&asked.database.path()?)?, asked.json);
    match asked.action {
        None => {
            let told: Told<ShiftView> = client.get("/v1/shift")?;
            show(&told, json);
            Ok(())
        }
        Some(Action::Close { shift, yes }) => close(&client, shift, yes, json),
        Some(Action::History { count }) => history(&client, count, json),
        Some(Action::Show { number, csv, pdf, print }) => match (csv, pdf, print) {
            (Some(file), ..) => save(&client, number, "csv", &file),
            (None, Some(file), _) => save(&client, number, "pdf", &file),
            (None, None, true) => {
                let url = format!("/v1/shifts/{number}/print");
                let told: Told<Value> = known(found(client.post(&url, &json!({}))), number)?;
                println!("{}", if json { told.json } else { format!("shift {number} is printed") });
                Ok(())
            }
            (None, None, false) => {
                let told = known(found(client.get(&format!("/v1/shifts/{number}"))), number)?;
                show(&told, json);
                Ok(())
            }
        },
    }
}

fn known<T>(found: Result<Option<T>, super::client::Unanswered>, number: u32) -> anyhow::Result<T> {
    found?.with_context(|| format!("there is no shift {number} yet; `shift history` lists them"))
}

fn close(client: &Client, number: Option<u32>, yes: bool, json: bool) -> anyhow::Result<()> {
    let open: Told<ShiftView> = client.get("/v1/shift")?;
    let number = number.unwrap_or(open.value.shift);
    if number == open.value.shift {
        if !json {
            show(&open, false);
        }
        confirm(&format!("Close shift {number}"), yes)?;
    }
    let closed = client.post("/v1/shift/close", &json!({ "shift": number }));
    let closed: Told<Closing> = known(found(closed), number)?;
    if json {
        println!("{}", closed.json);
        return Ok(());
    }
    if closed.value.was_closed {
        let at = closed.value.shift.closed_at.as_deref().map(second).unwrap_or_default();
        println!("shift {number} was closed at {at} UTC already; nothing was done");
    }
    println!();
    let report = client.fetch(&format!("/v1/shifts/{number}/report.txt"), |_, _| {})?;
    print!("{}", String::from_utf8_lossy(&report));
    Ok(())
}

fn history(client: &Client, count: u32, json: bool) -> anyhow::Result<()> {
    let told: Told<Shifts> = client.get(&format!("/v1/shifts?count={count}"))?;
    if json {
        println!("{}", told.json);
        return Ok(());
    }
    if told.value.shifts.is_empty() {
        println!("no shift was closed yet");
        return Ok(());
    }
    let mut table = Table::new(&[
        ("shift", Side::Right),
        ("closed (UTC)", Side::Left),
        ("sales", Side::Right),
        ("net", Side::Right),
    ]);
    for shift in &told.value.shifts {
        let closed = shift.closed_at.as_deref().map(second).unwrap_or_default();
        let number = shift.shift.to_string();
        if shift.totals.is_empty() {
            table.row([number, closed.to_owned(), "0".to_owned(), String::new()]);
            continue;
        }
        for total in &shift.totals {
            let (sales, net) = (total.sales_count.to_string(), total.net.to_string());
            table.row([number.clone(), closed.to_owned(), sales, net]);
        }
    }
    table.print();
    Ok(())
}

/// Writes a file of a shift; a person sees how much of it has come.
fn save(client: &Client, number: u32, kind: &str, file: &Path) -> anyhow::Result<()> {
    let (mut progress, mut next) = (Progress::new(), 0);
    let url = format!("/v1/shifts/{number}/report.{kind}");
    let tell = |come: u64, all: Option<u64>| {
        if come >= next {
            next = come + TOLD_EVERY;
            let all = all.map(|all| format!(" of {all}")).unwrap_or_default();
            progress.tell(&format!("{come}{all} bytes"));
        }
    };
    let bytes = known(found(client.fetch(&url, tell)), number)?;
    drop(progress);
    if file == Path::new(STDOUT) {
        std::io::stdout().write_all(&bytes)?;
        return Ok(());
    }
    let name = file.display();
    std::fs::write(file, &bytes).with_context(|| format!("cannot write {name}"))?;
    println!("shift {number} is in {name}, {} bytes", bytes.len());
    Ok(())
}

fn show(told: &Told<ShiftView>, json: bool) {
    if json {
        println!("{}", told.json);
        return;
    }
    let shift = &told.value;
    match (&shift.closed_at, shift.captures_queued) {
        (Some(at), captures) => {
            let (number, at) = (shift.shift, second(at));
            println!("shift {number}, closed at {at} UTC");
            println!("captures queued by its closing: {}", captures.unwrap_or_default());
        }
        (None, _) => println!("shift {}, open", shift.shift),
    }
    if shift.totals.is_empty() {
        println!("nothing was sold or given back");
    }
    for total in &shift.totals {
        println!();
        totals(total).print();
    }
    if !shift.waiting.is_empty() {
        println!();
        let columns = [("waits", Side::Left), ("count", Side::Right), ("sum", Side::Right)];
        let mut table = Table::new(&columns);
        for row in &shift.waiting {
            table.row([row.operation.clone(), row.count.to_string(), row.sum.to_string()]);
        }
        table.print();
    }
}

fn totals(total: &TotalView) -> Table {
    let currency = total.net.currency();
    let mut table =
        Table::new(&[(currency.code(), Side::Left), ("count", Side::Right), ("sum", Side::Right)]);
    let mut row = |name: &str, count: Option<u32>, sum: crate::money::Amount| {
        let count = count.map(|count| count.to_string()).unwrap_or_default();
        table.row([name.to_owned(), count, sum.decimal()]);
    };
    row("sales", Some(total.sales_count), total.sales);
    row("voided", Some(total.voided_count), total.voided);
    row("refunded", Some(total.refunds_count), total.refunds);
    if let Some(released) = total.released {
        row("released", None, released);
    }
    row("net", None, total.net);
    table
}
