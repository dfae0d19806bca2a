//! Reads the fields of a JSON object one by one, each with its type and bounds.
//!
//! It does not know which fields a body should have; `rules` does.

use super::error::FieldError;
use serde_json::{Map, Value};

/// The fields of one object; collects what is wrong instead of stopping at the first.
pub(super) struct Fields<'a> {
    pub(super) map: &'a Map<String, Value>,
    pub(super) path: String,
    pub(super) errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(map: &'a Map<String, Value>, path: &str) -> Fields<'a> {
        Fields { map, path: path.to_owned(), errors: Vec::new() }
    }

    pub(super) fn wrong(&mut self, name: &str, message: impl Into<String>) {
        self.errors.push(FieldError::new(format!("{}{name}", self.path), message));
    }

    /// A field that may be absent.
    pub(super) fn maybe_text(&mut self, name: &str, chars_max: usize) -> Option<String> {
        let value = self.map.get(name)?;
        let Some(text) = value.as_str() else {
            self.wrong(name, "must be a string");
            return None;
        };
        match text_problem(text, chars_max) {
            Some(problem) => {
                self.wrong(name, problem);
                None
            }
            None => Some(text.to_owned()),
        }
    }

    pub(super) fn text(&mut self, name: &str, chars_max: usize) -> Option<String> {
        self.present(name).then(|| self.maybe_text(name, chars_max)).flatten()
    }

    pub(super) fn maybe_integer(&mut self, name: &str, min: i64, max: i64) -> Option<i64> {
        let value = self.map.get(name)?;
        let number = value.as_i64().filter(|number| (min..=max).contains(number));
        if number.is_none() {
            self.wrong(name, format!("must be an integer from {min} to {max}"));
        }
        number
    }

    pub(super) fn integer(&mut self, name: &str, min: i64, max: i64) -> Option<i64> {
        self.present(name).then(|| self.maybe_integer(name, min, max)).flatten()
    }

    pub(super) fn maybe_object(&mut self, name: &str) -> Option<Fields<'a>> {
        let value = self.map.get(name)?;
        if value.as_object().is_none() {
            self.wrong(name, "must be an object");
        }
        Some(Fields::new(value.as_object()?, &format!("{}{name}.", self.path)))
    }

    pub(super) fn maybe_array(&mut self, name: &str) -> Option<&'a Vec<Value>> {
        let value = self.map.get(name)?;
        if value.as_array().is_none() {
            self.wrong(name, "must be an array");
        }
        value.as_array()
    }

    pub(super) fn present(&mut self, name: &str) -> bool {
        let present = self.map.contains_key(name);
        if !present {
            self.wrong(name, "is required");
        }
        present
    }
}

/// Klarna takes no markup and no control characters in any text.
fn text_problem(text: &str, chars_max: usize) -> Option<String> {
    if text.is_empty() || text.chars().count() > chars_max {
        return Some(format!("must have 1 to {chars_max} characters"));
    }
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Some("must not contain control characters or line breaks".to_owned());
    }
    let opens = |c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?');
    if text.split('<').skip(1).any(|rest| rest.starts_with(opens)) {
        return Some("must not contain HTML".to_owned());
    }
    None
}
