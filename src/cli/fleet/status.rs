//! How terminals stand, as the broker keeps it.

use super::line::Broker;
use crate::cli::table::{Side, Table};
use crate::fleet::{Report, To};
use crate::id::Address;
use crate::push::Standing;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Which terminals, and for how long to listen.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    broker: Broker,
    /// Which terminals: S12/T3, 'S12/*' or '*'
    #[arg(long, value_name = "TERMINALS", default_value = "*")]
    to: To,
    /// How many seconds to listen; the broker says all that it keeps in the first
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    wait: u64,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// Listens and prints.
pub(super) async fn run(asked: Arguments) -> anyhow::Result<()> {
    let wait = Duration::from_secs(asked.wait);
    let found = asked.broker.standings(&asked.to, wait).await?;
    match asked.json {
        true => println!("{}", json_of(&found)),
        false if found.is_empty() => println!("the broker keeps nothing of {}", asked.to),
        false => table(&found).print(),
    }
    Ok(())
}

fn json_of(found: &BTreeMap<Address, Standing>) -> Value {
    let rows = found
        .iter()
        .map(|(address, standing)| json!({ "terminal": address.to_string(), "status": standing }));
    Value::Array(rows.collect())
}

fn table(found: &BTreeMap<Address, Standing>) -> Table {
    let mut table = Table::new(&[
        ("terminal", Side::Left),
        ("online", Side::Left),
        ("version", Side::Left),
        ("waiting", Side::Right),
        ("need a person", Side::Right),
        ("Klarna", Side::Left),
        ("configuration", Side::Left),
        ("alarms", Side::Left),
    ]);
    for (address, standing) in found {
        let known = |text: String| if standing.online { text } else { "-".to_owned() };
        let reached = if standing.klarna_reachable { "reached" } else { "not reached" };
        table.row([
            address.to_string(),
            if standing.online { "yes" } else { "no" }.to_owned(),
            known(standing.version.clone()),
            known(standing.queued.to_string()),
            known(standing.needs_person.to_string()),
            known(reached.to_owned()),
            standing.config.as_ref().map_or("-".to_owned(), configuration),
            known(standing.alarms.join(", ")),
        ]);
    }
    table
}

fn configuration(Report { serial, state, why }: &Report) -> String {
    let state = serde_json::to_value(state).ok();
    let state = state.as_ref().and_then(Value::as_str).unwrap_or_default().replace('_', " ");
    match why {
        Some(why) => format!("{serial} {state}: {why}"),
        None => format!("{serial} {state}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Serial, Stage};

    #[test]
    fn a_row_says_what_became_of_settings_and_nothing_of_a_terminal_that_is_gone() {
        let why = Some("the till did not come back".to_owned());
        let config = Some(Report { serial: Serial::new(7), state: Stage::RolledBack, why });
        let here = Standing { queued: 2, config, ..Standing::begin() };
        let gone = Standing { online: false, ..Standing::begin() };
        let address = |terminal| Address::new("S12", terminal).expect("fits");
        let found = BTreeMap::from([(address("T3"), here), (address("T4"), gone)]);
        let lines = table(&found).lines();
        assert!(lines[1].starts_with("S12/T3    yes"), "{lines:?}");
        assert!(lines[1].contains("7 rolled back: the till did not come back"), "{lines:?}");
        assert_eq!(lines[2].split_whitespace().nth(2), Some("-"), "{lines:?}");
        assert_eq!(json_of(&found)[0]["status"]["config"]["state"], "rolled_back");
    }
}
