//! The till protocol's page is true: every example, table and code on it is checked against the
//! schema and the code, and its dialogue is played. What bytes can do is in `bytes`.

mod bytes;
mod codes;

use crate::scenario::disk::Disk;
use crate::scenario::script::{Player, configured};
use codes::{not_paid, problems, stages, voided};
use klarna_terminald::id::PosReference;
use klarna_terminald::money::Currency;
use klarna_terminald::payment::event::{NotPaid, VoidReason};
use klarna_terminald::payment::vocabulary::{Problem, Reply, Stage};
use klarna_terminald::pos::TillEvent;
use klarna_terminald::pos::native::{
    LINE_LEN_MAX, PROTOCOL_VERSION, Received, Session, Settings, is_printable,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/till-protocol.md");
    std::fs::read_to_string(path).expect("the page is there")
}

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/till-protocol.schema.json");
    let text = std::fs::read_to_string(path).expect("the schema is there");
    serde_json::from_str(&text).expect("the schema is JSON")
}

/// The part of the schema with this name, on its own.
fn part(name: &str) -> jsonschema::Validator {
    let mut schema = schema();
    let object = schema.as_object_mut().expect("an object");
    object.remove("oneOf");
    object.insert("$ref".to_owned(), format!("#/$defs/{name}").into());
    jsonschema::validator_for(&schema).expect("a valid schema")
}

fn settings() -> Settings {
    let currency = |code| Currency::new(code).expect("a currency");
    Settings {
        terminal: "S1-T1".to_owned(),
        currencies: vec![currency("EUR"), currency("SEK"), currency("JPY")],
        checksum_required: false,
        seven_bit: false,
        desk: false,
    }
}

fn session() -> Session {
    Session::new(settings())
}

/// The example lines of the page, each with what its block says after `json`.
fn examples() -> Vec<(String, String)> {
    let mut examples = Vec::new();
    let mut block: Option<String> = None;
    for line in page().lines() {
        match (line.strip_prefix("```"), &block) {
            (Some(_), Some(_)) => block = None,
            (Some(kind), None) => block = Some(kind.to_owned()),
            (None, Some(kind)) if kind.starts_with("json") && !line.is_empty() => {
                let kind = kind.trim_start_matches("json").trim().to_owned();
                examples.push((kind, line.to_owned()));
            }
            (None, _) => {}
        }
    }
    examples
}

fn event_of(answer: &[u8]) -> Value {
    let text = std::str::from_utf8(answer).expect("UTF-8").trim_end();
    let without = if text.ends_with('}') { text.len() } else { text.len() - "*FFFF".len() };
    let text = &text[..without];
    serde_json::from_str(text).expect("JSON")
}

/// What the terminal says at once to one line: `accepted`, or the code of its error.
fn verdict(line: &str) -> String {
    let mut received = session().receive(format!("{line}\n").as_bytes());
    match received.pop() {
        Some(Received::Event(TillEvent::Request(_) | TillEvent::Returned)) => "accepted".to_owned(),
        Some(Received::Event(TillEvent::Lost | TillEvent::Registered(_))) | None => {
            panic!("nothing came of {line}")
        }
        Some(Received::Answer(answer)) => {
            let event = event_of(&answer);
            assert!(part("from_terminal").is_valid(&event), "{event}");
            match event["event"].as_str() {
                Some("pong") => "accepted".to_owned(),
                _ => event["code"].as_str().expect("an error").to_owned(),
            }
        }
    }
}

#[test]
fn every_example_is_what_it_is_said_to_be() {
    let (till, terminal) = (part("from_till"), part("from_terminal"));
    let examples = examples();
    assert!(examples.len() > 40, "only {} examples", examples.len());
    for (kind, line) in examples {
        let value: Value = serde_json::from_str(&line).expect(&line);
        if let Some(code) = kind.strip_prefix("refused=") {
            assert_eq!(verdict(&line), code, "{line}");
            assert!(!till.is_valid(&value), "the schema takes what is refused: {line}");
        } else if value.get("op").is_some() && value.get("event").is_none() {
            assert_eq!(verdict(&line), "accepted", "{line}");
            assert!(till.is_valid(&value), "{line}: {:?}", till.iter_errors(&value).next());
        } else {
            let errors: Vec<String> = terminal.iter_errors(&value).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{line}: {errors:?}");
            assert_eq!(undocumented(&schema()["$defs"], &value), BTreeSet::new(), "{line}");
        }
    }
}

/// On the narrowest wire: seven bits, a checksum, the longest reference.
#[test]
fn what_is_to_be_printed_is_an_event_of_the_schema_and_fits_into_a_line() {
    let session = Session::new(Settings { seven_bit: true, checksum_required: true, ..settings() });
    let reference = PosReference::new("😀".repeat(64)).expect("a reference");
    for letter in ["x", "é", "😀", "\"", "\\"] {
        let of = |count| vec![letter.repeat(48); count];
        let most = (1..1000).take_while(|count| is_printable(&of(*count))).last().expect("one");
        assert!(most >= 25, "a receipt of {most} lines of {letter}");
        let print = Reply::Print { reference: reference.clone(), lines: of(most) };
        let line = session.encode(&print);
        assert!(line.len() <= LINE_LEN_MAX + "*FFFF\n".len(), "{letter}: {} bytes", line.len());
        let event = event_of(&line);
        assert!(part("from_terminal").is_valid(&event), "{event}");
        assert_eq!(
            (event["copy"].as_bool(), &event["lines"][0]),
            (Some(true), &letter.repeat(48).into())
        );
    }
}

/// Members of an event, at any depth, that the schema does not name.
fn undocumented(definitions: &Value, event: &Value) -> BTreeSet<String> {
    fn collect(value: &Value, names: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    names.insert(name.clone());
                    collect(value, names);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| collect(value, names)),
            _ => {}
        }
    }
    fn named(schema: &Value, names: &mut BTreeSet<String>) {
        if let Some(Value::Object(properties)) = schema.get("properties") {
            names.extend(properties.keys().cloned());
        }
        match schema {
            Value::Object(members) => members.values().for_each(|value| named(value, names)),
            Value::Array(values) => values.iter().for_each(|value| named(value, names)),
            _ => {}
        }
    }
    let (mut used, mut known) = (BTreeSet::new(), BTreeSet::new());
    collect(event, &mut used);
    named(definitions, &mut known);
    used.difference(&known).cloned().collect()
}

/// The first column of the table below `heading`.
fn table(heading: &str) -> BTreeSet<String> {
    let page = page();
    let (_, below) = page.split_once(&format!("\n{heading}\n")).expect(heading);
    let rows = below.lines().skip_while(|line| !line.starts_with('|'));
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| Some(row.strip_prefix("| `")?.split_once('`')?.0.to_owned())).collect()
}

fn names(codes: impl IntoIterator<Item = &'static str>) -> BTreeSet<String> {
    codes.into_iter().map(str::to_owned).collect()
}

fn listed(value: &Value) -> BTreeSet<String> {
    let values = value.as_array().expect("a list");
    values.iter().map(|value| value.as_str().expect("a word").to_owned()).collect()
}

#[test]
fn every_code_is_on_the_page_and_in_the_schema() {
    let definitions = &schema()["$defs"];
    let codes = names(problems().iter().map(Problem::code));
    assert_eq!(table("## Error codes"), codes);
    assert_eq!(listed(&definitions["event_error"]["properties"]["code"]["enum"]), codes);
    let stages = names(stages().into_iter().map(Stage::code));
    assert_eq!(table("#### Stages"), stages);
    assert_eq!(listed(&definitions["stage"]["enum"]), stages);
    let not_paid = names(not_paid().into_iter().map(NotPaid::code));
    let voided = names(voided().into_iter().map(VoidReason::code));
    assert_eq!(table("#### Reasons of `not_paid`"), not_paid);
    assert_eq!(table("#### Reasons of `voided`"), voided);
    let reasons = &definitions["sale_result"]["properties"]["reason"]["enum"];
    assert_eq!(listed(reasons), not_paid.union(&voided).cloned().collect());
}

#[test]
fn every_op_and_event_has_a_chapter() {
    let missing = verdict_text(r#"{"ref":"R-1"}"#);
    let (_, ops) = missing.split_once("one of ").expect("the terminal names its ops");
    let ops: BTreeSet<String> = ops.split(", ").map(str::to_owned).collect();
    let events =
        "hello pong progress result acknowledged operation noted status shift totals print error";
    let events = names(events.split(' '));
    let page = page();
    let chapters = |start: &str| -> BTreeSet<String> {
        let headings = page.lines().filter_map(|line| line.strip_prefix(start)?.strip_suffix('`'));
        headings.map(str::to_owned).collect()
    };
    let event_chapters = chapters("### `event: ");
    let op_chapters: BTreeSet<String> = chapters("### `");
    let op_chapters = op_chapters.into_iter().filter(|name| !name.starts_with("event: ")).collect();
    assert_eq!(ops, op_chapters);
    assert_eq!(events, event_chapters);
    let definitions = schema();
    let definitions = definitions["$defs"].as_object().expect("definitions");
    let defined = |start: &str| -> BTreeSet<String> {
        definitions.keys().filter_map(|name| Some(name.strip_prefix(start)?.to_owned())).collect()
    };
    assert_eq!(ops, defined("op_"));
    assert_eq!(events, defined("event_"));
}

fn verdict_text(line: &str) -> String {
    let mut received = session().receive(format!("{line}\n").as_bytes());
    match received.pop() {
        Some(Received::Answer(answer)) => {
            event_of(&answer)["text"].as_str().expect("a text").to_owned()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_fields_of_every_op_and_event_are_in_its_table() {
    let page = page();
    let definitions = schema();
    for (name, definition) in definitions["$defs"].as_object().expect("definitions") {
        let heading = match (name.strip_prefix("op_"), name.strip_prefix("event_")) {
            (Some(op), _) => format!("\n### `{op}`\n"),
            (None, Some(event)) => format!("\n### `event: {event}`\n"),
            (None, None) => continue,
        };
        let (_, below) = page.split_once(&heading).expect(&heading);
        let rows = below.lines().skip_while(|line| !line.starts_with("| field")).skip(2);
        let rows = rows.take_while(|line| line.starts_with('|'));
        let cells = rows.filter_map(|row| row.split('|').nth(1));
        let fields = cells.flat_map(|cell| cell.split(',')).map(|field| field.trim().to_owned());
        let fields: BTreeSet<String> = fields.filter(|field| !field.contains("[]")).collect();
        let tag = if name.starts_with("op_") { "op" } else { "event" };
        let properties = definition["properties"].as_object().expect("properties").keys();
        let properties = properties.filter(|field| *field != tag).cloned();
        assert_eq!(fields, properties.collect(), "{heading}");
    }
}

#[test]
fn the_limits_on_the_page_are_those_of_the_code() {
    let page = page();
    for number in [LINE_LEN_MAX, klarna_terminald::payment::event::LINE_ITEMS_MAX] {
        assert!(page.contains(&number.to_string()), "{number}");
    }
    assert!(page.contains(&klarna_terminald::money::KLARNA_AMOUNT_MAX.to_string()));
    assert!(page.contains(&format!("Version {PROTOCOL_VERSION}.")));
    let reference = klarna_terminald::id::POS_REFERENCE_LEN_MAX;
    let text = klarna_terminald::id::TEXT_LEN_MAX;
    assert!(page.contains(&format!("| reference | {reference} characters |")));
    assert!(page.contains(&format!("| text | {text} characters |")));
    use klarna_terminald::payment::ledger::{CAPTURES_MAX, REFUNDS_MAX};
    assert_eq!(CAPTURES_MAX, REFUNDS_MAX);
    assert!(page.contains(&format!("| captures, refunds | {CAPTURES_MAX} each per sale |")));
}

#[test]
fn the_worked_example_of_the_checksum_is_right() {
    let page = page();
    let (_, example) = page.split_once("Worked example:\n\n```\n").expect("the example");
    let mut lines = example.lines();
    let (sent, answered) = (lines.next().expect("a line"), lines.next().expect("a line"));
    let received = session().receive(format!("{sent}\n").as_bytes());
    assert_eq!(received, [Received::Answer(format!("{answered}\n").into_bytes())]);
}

/// The terminal's side of the page's first dialogue, with Klarna as a script.
#[test]
fn the_dialogue_happens_as_it_is_written() {
    let page = page();
    let (_, dialogue) = page.split_once("## A sale from start to end").expect("the chapter");
    let dialogue = dialogue.split("```").nth(1).expect("a block").trim_start_matches("json\n");
    let transaction = "krn:payment:eu1:transaction:6debe89e";
    let confirm = format!("confirm done {transaction}");
    let mut klarna = ["create done", "seen in_progress", "seen pending T1", &confirm].into_iter();
    let mut player = Player::new(configured(""), Disk::model());
    let mut session = session();
    let mut told: Vec<Value> = Vec::new();
    let mut heard = 0;
    for line in dialogue.lines() {
        let expected: Value = serde_json::from_str(line).expect(line);
        if expected.get("op").is_some() {
            let received = session.receive(format!("{line}\n").as_bytes());
            let [Received::Event(TillEvent::Request(request))] = &received[..] else {
                panic!("{line}: {received:?}");
            };
            let replies = player.world.till(request.clone()).expect("legal");
            told.extend(replies.iter().map(|reply| event_of(&session.encode(reply))));
            continue;
        }
        if told.is_empty() {
            let before = player.world.replies.len();
            player.play(klarna.next().expect("Klarna has more to say")).expect("legal");
            let new = &player.world.replies[before..];
            told.extend(new.iter().map(|reply: &Reply| event_of(&session.encode(reply))));
        }
        let mut expected = expected;
        if expected.get("receipt").is_some() {
            expected["receipt"] = json!([]);
        }
        assert_eq!(told.remove(0), expected);
        heard += 1;
    }
    assert!(told.is_empty() && heard == 6, "{told:?} is not on the page");
}
