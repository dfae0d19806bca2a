//! What the fleet's dashboard and documentation name exists, and what they show is so.

use klarna_terminald::fleet::Order;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names that begin with `terminald_`, without what a histogram or summary adds to its own.
fn metrics(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let names = text.split(|letter| !is_part(letter));
    let names = names.filter(|name| name.starts_with("terminald_"));
    let bare = |name: &str| {
        let ending = ["_bucket", "_sum", "_count"].into_iter().find(|end| name.ends_with(end));
        ending.and_then(|end| name.strip_suffix(end)).unwrap_or(name).to_owned()
    };
    names.map(bare).filter(|name| name.len() > "terminald_".len()).collect()
}

/// Those that the code writes, by its own calls and texts.
fn written() -> BTreeSet<String> {
    let terminal = text("src/daemon/health.rs") + &text("src/daemon/pushed.rs");
    let relay = text("src/relay/metrics.rs");
    let mut names = metrics(&terminal);
    names.extend(metrics(&relay));
    let literals = |source: &str| -> Vec<String> {
        let words = source.split('"').skip(1).step_by(2);
        words.map(str::to_owned).collect()
    };
    // Counters get their ending where they are written.
    for (room, source) in [("terminald", &terminal), ("terminald_relay", &relay)] {
        for word in literals(source) {
            names.insert(format!("{room}_{word}"));
            names.insert(format!("{room}_{word}_total"));
        }
    }
    names
}

#[test]
fn the_dashboard_is_json_and_asks_for_metrics_that_there_are() {
    let text = text("firmware-config/broker/grafana.json");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut asked = BTreeSet::new();
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        for target in panel["targets"].as_array().expect("targets") {
            asked.extend(metrics(target["expr"].as_str().expect("a query")));
        }
    }
    assert!(asked.len() >= 15, "{asked:?}");
    let written = written();
    let unknown: Vec<&String> = asked.difference(&written).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_documentation_names_metrics_that_there_are_and_all_of_the_relays() {
    let named = metrics(&text("docs/fleet.md"));
    let written = written();
    let unknown: Vec<&String> = named.difference(&written).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    for name in ["requests_total", "notices_total", "published_total", "durable_seconds"]
        .into_iter()
        .chain(["outbox_messages", "outbox_oldest_seconds"])
    {
        assert!(named.contains(&format!("terminald_relay_{name}")), "{name} is not documented");
    }
}

#[test]
fn the_documentation_shows_an_order_as_it_is_signed() {
    let text = text("docs/fleet.md");
    let shown = text.lines().map(str::trim).find(|line| line.starts_with(r#"{"serial":"#));
    let shown = shown.expect("an order");
    let order: Order = serde_json::from_str(shown).expect("an order");
    assert_eq!(serde_json::to_string(&order).expect("JSON"), shown);
    assert_eq!(order.account.to_string(), "LWT2XJSE");
}
