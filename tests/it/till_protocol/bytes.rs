//! Hostile and broken bytes: refused with their reason; never a panic, never more than a line kept.

use super::{event_of, session, settings, verdict};
use klarna_terminald::payment::vocabulary::Request;
use klarna_terminald::pos::TillEvent;
use klarna_terminald::pos::native::{LINE_LEN_MAX, Received, Session, Settings};
use proptest::prelude::*;
use proptest::sample::select;

const SALE: &str = r#"{"op":"sale","ref":"R-1","amount":1234,"currency":"EUR"}"#;

/// What comes of these bytes: the requests' references, and the errors with their texts.
fn say(session: &mut Session, bytes: &[u8]) -> Vec<String> {
    let received = session.receive(bytes);
    received.into_iter().map(show).collect()
}

fn show(received: Received) -> String {
    match received {
        Received::Event(TillEvent::Request(Request::Sale(sale))) => {
            format!("sale {} {}", sale.reference, sale.amount)
        }
        Received::Event(event) => format!("{event:?}"),
        Received::Answer(answer) => {
            let event = event_of(&answer);
            let text = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
            match event["event"].as_str() {
                Some("error") => format!("{} {}: {}", text("ref"), text("code"), text("text")),
                _ => String::from_utf8(answer).expect("UTF-8").trim_end().to_owned(),
            }
        }
    }
}

fn check(line: &str, expected: &str) {
    assert_eq!(say(&mut session(), format!("{line}\n").as_bytes()), [expected], "{line}");
}

#[test]
fn what_is_no_message_is_refused_with_its_reason() {
    check("hello", "- bad_message: line is not a JSON object");
    check("[]", "- bad_message: line is not a JSON object");
    check(r#"["ping"]"#, "- bad_message: line is not a JSON object");
    check("null", "- bad_message: line is not a JSON object");
    check("   ", "- bad_message: line is not a JSON object");
    check(
        r#"{"op":"sale","ref":"R-1""#,
        "- bad_message: line is not a message: EOF while parsing an object at line 1 column 24",
    );
    check(
        r#"{"op":"ping"}{"op":"ping"}"#,
        "- bad_message: line is not a message: trailing characters at line 1 column 14",
    );
    check(
        r#"{"op":"sale","ref":"R-1","amount":1,"amount":2}"#,
        "R-1 bad_message: line is not a message: duplicate field `amount` at line 1 column 44",
    );
    check(&"[".repeat(10_000), "- bad_message: line is not a JSON object");
    let deep = format!(r#"{{"op":{}"#, "[".repeat(10_000));
    check(
        &deep,
        "- bad_message: line is not a message: recursion limit exceeded at line 1 column 133",
    );
}

#[test]
fn wrong_fields_are_named() {
    check(
        r#"{"ref":"R-1"}"#,
        concat!(
            "R-1 bad_field: field \"op\": is missing; it is one of ",
            "hello, ping, sale, abort, status, ack, capture, refund, void, release, update, end_shift, totals"
        ),
    );
    check(r#"{"op":7,"ref":"R-1"}"#, "R-1 bad_field: field \"op\": must be a string");
    check(r#"{"op":"pay","ref":"R-1"}"#, "R-1 unknown_op: unknown op \"pay\"");
    check(
        r#"{"op":"sale","ref":"R-1","curency":"SEK"}"#,
        "R-1 bad_field: field \"curency\": is not a field of this protocol",
    );
    check(
        r#"{"op":"abort","ref":"R-1","amount":1}"#,
        "R-1 bad_field: field \"amount\": does not belong to op \"abort\"",
    );
    check(
        r#"{"op":"refund","ref":"F-1","sale":"R-1","reason":"damaged"}"#,
        "F-1 bad_field: field \"reason\": does not belong to op \"refund\"",
    );
    check(r#"{"op":"sale","amount":1}"#, "- bad_field: field \"ref\": is missing");
    check(r#"{"op":"sale","ref":5}"#, "- bad_field: field \"ref\": must be a string");
    check(r#"{"op":"sale","ref":""}"#, "- bad_field: field \"ref\": must not be empty");
    check(r#"{"op":"sale","ref":"R-1"}"#, "R-1 bad_field: field \"amount\": is missing");
    check(
        r#"{"op":"sale","ref":"R-1","amount":1,"currency":"eur"}"#,
        concat!(
            "R-1 bad_field: field \"currency\": ",
            "unknown currency \"eur\": use an ISO 4217 code such as EUR"
        ),
    );
    check(
        r#"{"op":"capture","ref":"C-1","sale":"R-1","currency":"EUR"}"#,
        "C-1 bad_field: field \"currency\": does not make sense without an amount",
    );
    check(
        r#"{"op":"sale","ref":"R-1","amount":1,"line_items":{"name":"x","amount":1}}"#,
        "R-1 bad_field: field \"line_items\": must be a list",
    );
    check(
        r#"{"op":"sale","ref":"R-1","amount":1,"line_items":[["x",1,1]]}"#,
        "R-1 bad_field: field \"line_items[0]\": must be an object",
    );
    check(
        r#"{"op":"sale","ref":"R","amount":1,"line_items":[{"name":"x","quantity":0,"amount":1}]}"#,
        "R bad_field: field \"line_items[0].quantity\": must be an integer from 1",
    );
}

#[test]
fn money_is_an_integer() {
    let integer = "must be an integer in minor units: EUR 12.34 is 1234";
    let number = "must be a number in minor units: EUR 12.34 is 1234";
    for (amount, wrong) in [
        ("12.34", integer),
        ("12.0", integer),
        ("1e2", integer),
        ("9223372036854775808", integer),
        ("-9223372036854775809", integer),
        ("\"1234\"", number),
        ("true", number),
        ("[1]", number),
        ("{}", number),
        ("-1", "must not be negative; use refund to give money back"),
        ("null", number),
    ] {
        let line = format!(r#"{{"op":"sale","ref":"R-1","amount":{amount}}}"#);
        check(&line, &format!("R-1 bad_field: field \"amount\": {wrong}"));
    }
    // A null is not an absent field: a refund of nothing said is a refund of all that is left.
    let line = r#"{"op":"refund","ref":"F-1","sale":"R-1","amount":null}"#;
    check(line, &format!("F-1 bad_field: field \"amount\": {number}"));
    let line = r#"{"op":"sale","ref":"R-1","amount":1234,"currency":null}"#;
    check(line, "R-1 bad_field: field \"currency\": must be a string such as \"EUR\"");
    let twice =
        r#"{"op":"sale","ref":"R-1","amount":2,"line_items":[{"name":"A","amount":1,"amount":2}]}"#;
    let wrong =
        "R-1 bad_field: field \"line_items[0]\": duplicate field `amount` at line 1 column 31";
    check(twice, wrong);
    let line = r#"{"op":"sale","ref":"R-1","amount":1e999}"#;
    check(line, "- bad_message: line is not a message: number out of range at line 1 column 39");
}

#[test]
fn hostile_text_is_refused() {
    for (text, wrong) in [
        ("<script>alert(1)</script>", "contains markup (\"<script>\"); send plain text only"),
        ("a\\u0000b", "contains the control character U+0000; send printable text only"),
        ("a\\nb", "contains the control character U+000A; send printable text only"),
        ("a\\u2028b", "contains the control character U+2028; send printable text only"),
        (&"x".repeat(10_000), "has 10000 characters, at most 64 are allowed"),
    ] {
        let line = format!(r#"{{"op":"abort","ref":"{text}"}}"#);
        check(&line, &format!("- bad_field: field \"ref\": {wrong}"));
        let line =
            format!(r#"{{"op":"sale","ref":"R-1","amount":1,"merchant_reference":"{text}"}}"#);
        let wrong = wrong.replace("at most 64", "at most 255");
        check(&line, &format!("R-1 bad_field: field \"merchant_reference\": {wrong}"));
    }
    assert_eq!(verdict(r#"{"op":"abort","ref":"\u00e5\u00e4\u00f6 \ud83d\ude00"}"#), "accepted");
    assert_eq!(verdict(r#"{"op":"abort","ref":"\ud83d"}"#), "bad_message");
}

#[test]
fn what_is_not_utf_8_is_refused_and_the_next_line_is_heard() {
    let mut session = session();
    let mut bytes = SALE.replace("R-1", "R-\u{e5}").into_bytes();
    let at = bytes.iter().position(|byte| *byte == 0xc3).expect("two bytes");
    bytes.remove(at);
    bytes.extend(format!("\r\n\r\n\n{SALE}\r\n").bytes());
    let expected = ["- bad_message: line is not UTF-8", "sale R-1 EUR 12.34"];
    assert_eq!(say(&mut session, &bytes), expected);
}

#[test]
fn a_line_that_is_too_long_is_skipped_as_a_whole() {
    let mut session = session();
    let too_long =
        format!("- bad_message: line is longer than {LINE_LEN_MAX} bytes; it was skipped");
    let padded = |length: usize| format!("{SALE}{}", " ".repeat(length - SALE.len()));
    assert_eq!(
        say(&mut session, format!("{}\n", padded(LINE_LEN_MAX)).as_bytes()),
        ["sale R-1 EUR 12.34"]
    );
    assert_eq!(
        say(&mut session, format!("{}\n", padded(LINE_LEN_MAX + 1)).as_bytes()),
        [too_long.as_str()]
    );
    for _ in 0..1000 {
        assert!(session.receive(&[b'x'; 4096]).is_empty());
    }
    assert!(format!("{session:?}").len() < 8 * LINE_LEN_MAX, "only one line is kept");
    let expected = [too_long, "sale R-1 EUR 12.34".to_owned()];
    assert_eq!(say(&mut session, format!("\n{SALE}\n").as_bytes()), expected);
}

#[test]
fn checksums_are_checked_and_answered_in_kind() {
    let mut open = session();
    let damaged = "- damaged_line: checksum is wrong; send the line again";
    assert_eq!(say(&mut open, b"{\"op\":\"ping\"}*0000\n"), [damaged]);
    assert_eq!(say(&mut open, b"{\"op\":\"ping\"}\n"), ["{\"event\":\"pong\"}"]);
    assert_eq!(say(&mut open, b"{\"op\":\"ping\"}*3977\r\n"), ["{\"event\":\"pong\"}*AD90"]);
    assert_eq!(say(&mut open, b"{\"op\":\"ping\"}\n"), ["{\"event\":\"pong\"}*AD90"]);
    let mut strict = Session::new(Settings { checksum_required: true, ..settings() });
    let missing = "- damaged_line: checksum is missing; end the line with *CRC16";
    assert_eq!(say(&mut strict, b"{\"op\":\"ping\"}\n"), [missing]);
    assert_eq!(say(&mut strict, b"{\"op\":\"ping\"}*397\n"), [missing]);
    assert_eq!(say(&mut strict, b"{\"op\":\"ping\"}*3978\n"), [damaged]);
    assert_eq!(say(&mut strict, b"{\"op\":\"ping\"}*3977\n"), ["{\"event\":\"pong\"}*AD90"]);
}

#[test]
fn one_damaged_byte_never_passes_a_checksum() {
    let line = b"{\"op\":\"ping\"}*3977";
    for at in 0..line.len() {
        for bit in 0..8 {
            let mut damaged = line.to_vec();
            damaged[at] ^= 1 << bit;
            let case = matches!(damaged[at], b'a'..=b'f' | b'A'..=b'F') && at > 13;
            if damaged[at] == b'\n' || case {
                continue;
            }
            damaged.push(b'\n');
            let mut strict = Session::new(Settings { checksum_required: true, ..settings() });
            let said = say(&mut strict, &damaged);
            assert!(said.iter().all(|said| said.contains("damaged_line")), "{at}: {said:?}");
        }
    }
}

#[test]
fn lines_do_not_depend_on_how_they_arrive() {
    let two = format!("{SALE}\n{}\r\n", SALE.replace("R-1", "R-2"));
    let expected = ["sale R-1 EUR 12.34", "sale R-2 EUR 12.34"];
    assert_eq!(say(&mut session(), two.as_bytes()), expected);
    for cut in 0..=two.len() {
        let mut session = session();
        let (first, second) = two.as_bytes().split_at(cut);
        let mut said = say(&mut session, first);
        said.extend(say(&mut session, second));
        assert_eq!(said, expected, "cut at {cut}");
    }
    let mut session = session();
    let said: Vec<String> = two.bytes().flat_map(|byte| say(&mut session, &[byte])).collect();
    assert_eq!(said, expected);
}

#[test]
fn a_line_cut_off_by_a_lost_connection_means_nothing() {
    for cut in 0..SALE.len() {
        let mut session = session();
        assert!(session.receive(&SALE.as_bytes()[..cut]).is_empty());
        let damaged = say(&mut session, format!("\n{SALE}\n").as_bytes());
        assert_eq!(damaged.last().map(String::as_str), Some("sale R-1 EUR 12.34"), "{cut}");
        let errors = &damaged[..damaged.len() - 1];
        assert!(errors.iter().all(|error| error.contains("bad_message")), "{cut}: {errors:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(chunks in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..200), 0..20)
    ) {
        let mut session = session();
        for chunk in &chunks {
            for received in session.receive(chunk) {
                if let Received::Answer(answer) = received {
                    prop_assert!(answer.ends_with(b"\n") && answer.len() < LINE_LEN_MAX);
                    prop_assert_eq!(answer.iter().filter(|byte| **byte == b'\n').count(), 1);
                }
            }
        }
    }

    #[test]
    fn no_object_panics(
        op in select(vec!["sale", "abort", "ack", "status", "refund", "void", "hello", "?"]),
        field in select(vec!["ref", "sale", "amount", "currency", "locale", "line_items", "x"]),
        value in "\\PC{0,40}",
        raw in any::<bool>(),
    ) {
        let value = if raw { value } else { serde_json::to_string(&value).expect("a string") };
        let line = format!("{{\"op\":\"{op}\",\"ref\":\"R-1\",\"{field}\":{value}}}\n");
        let said = say(&mut session(), line.as_bytes());
        prop_assert!(!said.is_empty());
    }
}
