//! What people at a desk do with earlier sales and refused calls, through the running daemon: it is
//! the only writer of the journal.
//!
//! The daemon is asked over the socket beside its database, in the till protocol. Every command has
//! a reference, so repeating it with the same one never does it twice.

use super::list;
use crate::console::api::PaymentView;
use crate::id::DESK_PREFIX;
use crate::id::{CallId, PaymentId, PaymentReference, PosReference, TransactionId};
use crate::money::{Amount, Currency};
use crate::payment::event::ReturnReason;
use crate::payment::vocabulary::SaleName;
use crate::pos::desk::socket_beside;
use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};
use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a command's first answer may take: Klarna may have to be asked about the sale first.
const ANSWER_WAIT: Duration = Duration::from_secs(20);

/// What to do with a sale's money.
#[derive(Debug, clap::Args)]
pub(super) struct Money {
    #[command(flatten)]
    about: About,
    /// How much, such as 12.34; all that is left when it is absent
    #[arg(long, value_name = "AMOUNT")]
    amount: Option<String>,
    /// The amount's currency, such as EUR; the sale's own when it is absent
    #[arg(long, value_name = "CODE", requires = "amount")]
    currency: Option<Currency>,
}

/// What to give back, and why.
#[derive(Debug, clap::Args)]
pub(super) struct Refund {
    #[command(flatten)]
    money: Money,
    /// Why: returned, damaged, wrong_price, goodwill, other, or a note of at most 200 characters;
    /// it stays in the journal
    #[arg(long, value_name = "TEXT", value_parser = ReturnReason::read)]
    reason: Option<ReturnReason>,
}

/// A command about a sale that names no amount.
#[derive(Debug, clap::Args)]
pub(super) struct Whole {
    #[command(flatten)]
    about: About,
}

/// A new merchant reference.
#[derive(Debug, clap::Args)]
pub(super) struct Update {
    #[command(flatten)]
    about: About,
    /// The new order number, as the shopper sees it in the Klarna app
    #[arg(long, value_name = "TEXT")]
    merchant_reference: String,
}

/// Which sale of which terminal, and how to be asked about it.
#[derive(Debug, clap::Args)]
struct About {
    #[command(flatten)]
    database: super::Database,
    #[command(flatten)]
    sale: Sale,
    /// This command's own reference: repeating it with the same one never does it twice. A new one
    /// is made when it is absent
    #[arg(long = "ref", value_name = "TEXT")]
    reference: Option<String>,
    /// Do it without asking
    #[arg(long, short)]
    yes: bool,
    /// Print the terminal's answers as JSON lines
    #[arg(long)]
    json: bool,
    /// How many seconds to wait for Klarna's answer; the command is recorded in any case
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    wait: u64,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Sale {
    /// The sale by the till's reference
    #[arg(long, value_name = "REF")]
    sale: Option<String>,
    /// The sale by our number of it, as it stands on the receipt
    #[arg(long, value_name = "NUMBER")]
    payment: Option<u32>,
    /// The sale by our name of it, as it stands on the receipt
    #[arg(long, value_name = "NAME")]
    payment_reference: Option<String>,
    /// The sale by Klarna's transaction id; also of another terminal or of the web shop
    #[arg(long, value_name = "ID")]
    transaction: Option<String>,
}

impl Sale {
    fn name(&self) -> anyhow::Result<SaleName> {
        if let Some(number) = self.payment {
            return Ok(SaleName::Number(PaymentId::new(number)));
        }
        Ok(match (&self.sale, &self.payment_reference, &self.transaction) {
            (Some(text), ..) => SaleName::Till(PosReference::new(text.clone())?),
            (_, Some(text), _) => SaleName::Payment(PaymentReference::new(text.clone())?),
            (_, _, Some(text)) => SaleName::Transaction(TransactionId::new(text.clone())?),
            (None, None, None) => bail!("name a sale"),
        })
    }

    /// The payment in the journal that goes by this name.
    fn known(&self, database: &Path) -> anyhow::Result<Option<PaymentView>> {
        let name = self.name()?;
        let (field, value) = in_protocol(&name);
        list::named(database, (field, &value), &name)
    }
}

/// A sale's name in the till protocol: the field and its value.
fn in_protocol(name: &SaleName) -> (&'static str, String) {
    match name {
        SaleName::Till(reference) => ("sale", reference.to_string()),
        SaleName::Number(number) => ("payment", number.to_string()),
        SaleName::Receipt(digits) => ("payment", digits.to_string()),
        SaleName::Trace(digits) => ("payment", digits.to_string()),
        SaleName::Payment(name) => ("payment_reference", name.to_string()),
        SaleName::Transaction(id) => ("transaction", id.to_string()),
    }
}

/// Captures.
pub(super) fn capture(asked: &Money) -> anyhow::Result<()> {
    money("capture", asked, Map::new())
}

/// Refunds.
pub(super) fn refund(asked: &Refund) -> anyhow::Result<()> {
    let reason = asked.reason.as_ref().map(|reason| ("reason".to_owned(), in_line(reason)));
    money("refund", &asked.money, reason.into_iter().collect())
}

/// A reason as one text, as the daemon reads it.
fn in_line(reason: &ReturnReason) -> Value {
    match &reason.note {
        Some(note) => note.as_str().into(),
        None => reason.why.code().into(),
    }
}

fn money(op: &'static str, asked: &Money, mut line: Map<String, Value>) -> anyhow::Result<()> {
    let database = asked.about.database.clone().path()?;
    let known = asked.about.sale.known(&database)?;
    if let Some(text) = &asked.amount {
        let own = known.as_ref().map(|payment| payment.amount.currency());
        let currency = asked.currency.or(own);
        let currency = currency.context("the sale is not in this journal: name the --currency")?;
        let amount = Amount::parse(text, currency).with_context(|| format!("amount {text:?}"))?;
        line.insert("amount".into(), amount.minor().into());
        line.insert("currency".into(), currency.code().into());
        return command(op, &asked.about, &database, known, line, &amount.to_string());
    }
    command(op, &asked.about, &database, known, line, "all that is left")
}

/// Voids or releases.
pub(super) fn whole(op: &'static str, asked: &Whole) -> anyhow::Result<()> {
    let database = asked.about.database.clone().path()?;
    let known = asked.about.sale.known(&database)?;
    command(op, &asked.about, &database, known, Map::new(), "all that is not captured")
}

/// Changes a merchant reference.
pub(super) fn update(asked: &Update) -> anyhow::Result<()> {
    let database = asked.about.database.clone().path()?;
    let known = asked.about.sale.known(&database)?;
    let label = asked.merchant_reference.as_str();
    let line = Map::from_iter([("merchant_reference".to_owned(), label.into())]);
    command("update", &asked.about, &database, known, line, &format!("to {label:?}"))
}

/// Sends refused calls again, or calls that pause at once.
pub(super) fn retry(database: &Path, call: Option<CallId>) -> anyhow::Result<()> {
    let mut line = json!({ "op": "retry", "ref": fresh_reference() });
    if let Some(call) = call {
        line["call"] = call.to_string().into();
    }
    noted(database, &line)?;
    println!("recorded; `outbox list` shows what becomes of it");
    Ok(())
}

/// Takes a refused call off the list.
pub(super) fn resolve(
    database: &Path,
    call: CallId,
    reason: &str,
    yes: bool,
) -> anyhow::Result<()> {
    list::show(database, call, false)?;
    confirm(&format!("Take call {call} off the list, because: {reason}"), yes)?;
    let reference = fresh_reference();
    let call = call.to_string();
    let line = json!({ "op": "resolve", "ref": reference, "call": call, "reason": reason });
    noted(database, &line)?;
    println!("call {call} is off the list; the reason is in the journal");
    Ok(())
}

fn noted(database: &Path, line: &Value) -> anyhow::Result<()> {
    let mut terminal = Terminal::call(&socket_beside(database))?;
    let answer = terminal.ask(line)?;
    match answer["event"].as_str() {
        Some("noted") => Ok(()),
        _ => bail!("{}", refusal(&answer)),
    }
}

fn command(
    op: &'static str,
    about: &About,
    database: &Path,
    known: Option<PaymentView>,
    mut line: Map<String, Value>,
    what: &str,
) -> anyhow::Result<()> {
    let name = about.sale.name()?;
    let (field, value) = in_protocol(&name);
    let reference = match &about.reference {
        Some(text) if text.starts_with(DESK_PREFIX) => text.clone(),
        Some(text) => format!("{DESK_PREFIX}{text}"),
        None => fresh_reference(),
    };
    line.insert("op".into(), op.into());
    line.insert("ref".into(), reference.clone().into());
    line.insert(field.into(), value.into());
    if !about.json {
        match &known {
            Some(payment) => {
                println!("sale {} of {}: {}", payment.reference, payment.amount, payment.text)
            }
            None if matches!(name, SaleName::Transaction(_)) => {
                println!("{name} is not in this journal; Klarna will be asked about it");
            }
            None => {}
        }
    }
    confirm(&format!("{op} {what}"), about.yes)?;
    let mut terminal = Terminal::call(&socket_beside(database))?;
    let mut answer = terminal.ask(&Value::Object(line))?;
    let deadline = Instant::now() + Duration::from_secs(about.wait);
    loop {
        if about.json {
            println!("{answer}");
        }
        match (answer["event"].as_str(), answer["status"].as_str()) {
            (Some("operation"), Some("done")) => {
                tell(about, &format!("{}: done at Klarna", in_words(&answer)));
                return Ok(());
            }
            (Some("operation"), Some("queued")) => match terminal.hear(&reference, deadline)? {
                Some(news) => answer = news,
                None => {
                    let words = in_words(&answer);
                    tell(about, &format!("{words}: recorded, Klarna has not answered yet"));
                    tell(about, "It is sent as often as it takes and done once; nothing is");
                    tell(about, &format!("left to do. The same with --ref {reference} asks"));
                    tell(about, "what has become of it.");
                    return Ok(());
                }
            },
            (Some("operation"), _) => {
                let refusal = &answer["refusal"];
                let text = format!("{}: {}", refusal["code"], refusal["text"]).replace('"', "");
                bail!("{}: refused, {text}", in_words(&answer));
            }
            _ => bail!("{}", refusal(&answer)),
        }
    }
}

fn tell(about: &About, text: &str) {
    if !about.json {
        println!("{text}");
    }
}

/// Such as "refund of EUR 5.00 on sale R-1".
fn in_words(answer: &Value) -> String {
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    let currency = Currency::new(&text("currency")).ok();
    let amount = currency
        .zip(answer["amount"].as_i64())
        .map(|(currency, minor)| Amount::new(minor, currency).to_string());
    format!("{} of {} on sale {}", text("op"), amount.unwrap_or_default(), text("sale"))
}

fn refusal(answer: &Value) -> String {
    answer["text"].as_str().map_or_else(|| answer.to_string(), str::to_owned)
}

fn fresh_reference() -> String {
    format!("{DESK_PREFIX}{}", uuid::Uuid::new_v4().simple())
}

/// Asks a person before money moves; a script says --yes.
pub(super) fn confirm(what: &str, yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        bail!("nobody is here to be asked; add --yes to do it all the same");
    }
    print!("{what}? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => bail!("nothing was done"),
    }
}

/// A connection to the running daemon.
struct Terminal {
    lines: BufReader<UnixStream>,
}

impl Terminal {
    fn call(socket: &PathBuf) -> anyhow::Result<Self> {
        let stream = UnixStream::connect(socket).with_context(|| {
            let socket = socket.display();
            format!(
                "no daemon answers on {socket}; start it, or act as the user that it runs as or \
                 as a member of the group that console.group names"
            )
        })?;
        Ok(Self { lines: BufReader::new(stream) })
    }

    /// Sends a line; returns the first answer to it.
    fn ask(&mut self, line: &Value) -> anyhow::Result<Value> {
        self.lines.get_mut().write_all(format!("{line}\n").as_bytes())?;
        let reference = line["ref"].as_str().unwrap_or_default();
        let answer = self.hear(reference, Instant::now() + ANSWER_WAIT)?;
        answer.with_context(|| {
            format!("the daemon gives no answer to {reference}; `outbox list` shows what is queued")
        })
    }

    /// The next line about `reference`, if it comes before `deadline`.
    fn hear(&mut self, reference: &str, deadline: Instant) -> anyhow::Result<Option<Value>> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.lines.get_ref().set_read_timeout(Some(left))?;
            let mut line = String::new();
            match self.lines.read_line(&mut line) {
                Ok(0) => bail!("the daemon has ended; what it had recorded is safe"),
                Ok(_) => {
                    let value: Value = serde_json::from_str(&line)?;
                    if value["ref"].as_str().is_none_or(|about| about == reference) {
                        return Ok(Some(value));
                    }
                }
                Err(error) if is_timeout(&error) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}
