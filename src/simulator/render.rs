//! Writes JSON the way a client must be able to read it: keys in any order, rows in any order,
//! fields nobody has announced.
//!
//! It does not know what the fields mean; rows are shuffled by the names of their arrays.

use super::random::Random;
use serde_json::Value;

/// Arrays whose order means nothing to Klarna; everything else keeps its order.
const UNORDERED_ROWS: [&str; 5] =
    ["captures", "credentials", "refunds", "signing_keys", "webhooks"];

/// Fields "from a later release", one per object. A client that rejects them would stop working on
/// a Klarna release day.
const UNANNOUNCED: [(&str, &str); 4] = [
    ("later_release_text", "\"ignore me\""),
    ("later_release_object", "{\"state\":\"NOT_YOURS\",\"amount\":1}"),
    ("later_release_list", "[1,\"two\",null]"),
    ("later_release_null", "null"),
];

/// `value` as JSON text without white space.
pub(super) fn render(value: &Value, random: &mut Random) -> String {
    let mut text = String::new();
    write(value, false, random, &mut text);
    text
}

fn write(value: &Value, unordered: bool, random: &mut Random, text: &mut String) {
    match value {
        Value::Object(map) => write_object(map, random, text),
        Value::Array(rows) => write_array(rows, unordered, random, text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&value.to_string());
        }
    }
}

fn write_object(map: &serde_json::Map<String, Value>, random: &mut Random, text: &mut String) {
    let extra = UNANNOUNCED[random.below(UNANNOUNCED.len())];
    let mut fields: Vec<(&str, Option<&Value>)> =
        map.iter().map(|(key, value)| (key.as_str(), Some(value))).collect();
    fields.push((extra.0, None));
    random.shuffle(&mut fields);
    text.push('{');
    for (index, (key, value)) in fields.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&Value::from(key).to_string());
        text.push(':');
        match value {
            Some(value) => write(value, UNORDERED_ROWS.contains(&key), random, text),
            None => text.push_str(extra.1),
        }
    }
    text.push('}');
}

fn write_array(rows: &[Value], unordered: bool, random: &mut Random, text: &mut String) {
    let mut rows: Vec<&Value> = rows.iter().collect();
    if unordered {
        random.shuffle(&mut rows);
    }
    text.push('[');
    for (index, row) in rows.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(row, false, random, text);
    }
    text.push(']');
}
