//! What must not leave the terminal: keys, passwords, tokens and what follows the host in a link.
//!
//! Known secrets are masked wherever they stand, unknown ones by what they look like.

use crate::config::{Config, ENV_PREFIX};
use secrecy::ExposeSecret as _;
use serde_json::Value;

/// What stands in the place of a secret.
const MASKED: &str = "[masked]";
/// Settings whose values are secrets, or may contain one.
const SECRET_SETTINGS: [&str; 3] = ["password", "api_key", "proxy"];
/// How Klarna's API keys begin.
const KEY_PREFIXES: [&str; 2] = ["klarna_live_api_", "klarna_test_api_"];
/// Names in the journal whose values are secrets.
const SECRET_NAMES: [&str; 2] = ["token", "url"];
/// Shorter texts are no secrets, and would mask words that only look like one.
const SECRET_LEN_MIN: usize = 4;
/// A text of so many letters and digits without a break is a token; an idempotency key has 36.
const TOKEN_LEN_MIN: usize = 48;

/// The secrets that are known.
pub(super) struct Mask {
    secrets: Vec<String>,
}

impl Mask {
    /// Those of the configuration, also of one that is refused, and of the environment.
    pub(super) fn of(config: Option<&Config>, file: &str) -> Self {
        let in_file = SECRET_SETTINGS.iter().flat_map(|name| values(file, name));
        let suffixes = SECRET_SETTINGS.map(|name| format!("__{}", name.to_uppercase()));
        let is_secret = |name: &str| {
            name.starts_with(ENV_PREFIX) && suffixes.iter().any(|suffix| name.ends_with(suffix))
        };
        let variables = std::env::vars_os()
            .filter(|(name, _)| name.to_str().is_some_and(is_secret))
            .filter_map(|(_, value)| value.into_string().ok());
        let key = config.map(|config| config.klarna.api_key.expose_secret().to_owned());
        let mut secrets: Vec<String> = in_file.chain(variables).chain(key).collect();
        secrets.retain(|secret| secret.len() >= SECRET_LEN_MIN);
        // The longest first: one may be a part of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self { secrets }
    }

    /// The text without secrets, API keys and the paths of links.
    pub(super) fn text(&self, text: &str) -> String {
        let known = self
            .secrets
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), MASKED));
        KEY_PREFIXES.iter().fold(links(&known), |text, prefix| after(&text, prefix))
    }

    /// The same for each text in it; also whatever is named like a secret or looks like a token,
    /// and what a shopper has bought.
    pub(super) fn json(&self, value: Value) -> Value {
        match value {
            Value::String(text) if looks_like_token(&text) => MASKED.into(),
            Value::String(text) => self.text(&text).into(),
            Value::Array(values) => values.into_iter().map(|it| self.json(it)).collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(name, value)| match value {
                    _ if SECRET_NAMES.contains(&name.as_str()) => (name, MASKED.into()),
                    Value::Array(lines) if name == "line_items" => {
                        (name, format!("{} line item(s), not shown", lines.len()).into())
                    }
                    value => (name, self.json(value)),
                })
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }
}

/// The values that `name` is set to, however the table around it is written.
fn values(file: &str, name: &str) -> Vec<String> {
    let starts = file.match_indices(name).filter(|(at, _)| {
        let before = file[..*at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '-')
    });
    let after = starts.filter_map(|(at, _)| {
        let rest = file[at + name.len()..].trim_start_matches(['"', '\'']);
        Some(
            rest.trim_start_matches([' ', '\t']).strip_prefix('=')?.trim_start_matches([' ', '\t']),
        )
    });
    after.filter_map(value).collect()
}

/// The first value in `text`, without its quotes.
fn value(text: &str) -> Option<String> {
    let first = text.chars().next()?;
    let end = |rest: &str| match first {
        '"' | '\'' => rest.find([first, '\n']),
        _ => rest.find([' ', '\t', '\r', '\n', ',', '}', '#']),
    };
    let rest = if matches!(first, '"' | '\'') { text.trim_start_matches(first) } else { text };
    Some(rest[..end(rest).unwrap_or(rest.len())].to_owned())
}

/// Each link keeps its host, and loses who signs in and what comes after.
fn links(text: &str) -> String {
    let mut parts = text.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')' | '`');
        let end = part.find(is_end).unwrap_or(part.len());
        let (link, rest) = part.split_at(end);
        let host = link.find(['/', '?', '#']).unwrap_or(link.len());
        let (authority, path) = link.split_at(host);
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let path = if path.len() > 1 { format!("/{MASKED}") } else { path.to_owned() };
        shown.push_str(&format!("://{authority}{path}{rest}"));
    }
    shown
}

/// Masks whatever begins with `prefix`, up to the end of the word.
fn after(text: &str, prefix: &str) -> String {
    let mut parts = text.split(prefix);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_graphic() || matches!(c, '"' | '\'' | ','));
        shown.push_str(MASKED);
        shown.push_str(&part[end.unwrap_or(part.len())..]);
    }
    shown
}

fn looks_like_token(text: &str) -> bool {
    let in_token =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'/' | b'=' | b'.');
    let has_digit = text.bytes().any(|b| b.is_ascii_digit());
    text.len() >= TOKEN_LEN_MIN && has_digit && text.bytes().all(|b| in_token(b) || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn mask(file: &str) -> Mask {
        Mask::of(None, file)
    }

    #[test]
    fn secrets_are_found_however_they_are_written() {
        let files = [
            "[till]\npassword = \"135790\"\n",
            "till = { password='135790', link = \"tcp\" }",
            "till.password = 135790 # the till's",
            "\"password\" = \"135790\"",
            "till.\"password\"=135790",
        ];
        for file in files {
            assert_eq!(mask(file).secrets, ["135790"], "{file}");
            assert_eq!(
                mask(file).text("line 2: `135790`, expected"),
                "line 2: `[masked]`, expected"
            );
        }
        assert!(mask("klarna.api_key_file = \"/etc/key\"\n").secrets.is_empty(), "a file's name");
        assert!(mask("password").secrets.is_empty() && mask("password =").secrets.is_empty());
    }

    #[test]
    fn links_keep_their_host_and_nothing_else() {
        let shown =
            mask("").text("at <https://a.klarna.com/eu/x?t=1>, http://user:pw@proxy:8080 ok");
        assert_eq!(shown, "at <https://a.klarna.com/[masked]>, http://proxy:8080 ok");
        assert_eq!(mask("").text("https://a.klarna.com/ and ://"), "https://a.klarna.com/ and ://");
    }

    #[test]
    fn keys_of_klarnas_are_masked_unknown_or_not() {
        let shown = mask("").text("key \"klarna_live_api_abc+/=\" and klarna_test_api_x");
        assert_eq!(shown, "key \"[masked]\" and [masked]");
    }

    #[test]
    fn what_is_named_or_looks_like_a_token_is_masked_in_the_journal() {
        let long = format!("{}1", "aB-".repeat(20));
        let id = "krn:payment:eu1:transaction:c9b5e9b2-0000-4000-8000-000000000001";
        let shown = mask("").json(json!({
            "event": "approved", "token": "t", "url": "https://a/b", "other": [long], "id": id,
            "sale": { "line_items": [{ "name": "Boots" }], "amount": { "minor": 1200 } },
        }));
        let wanted = json!({
            "event": "approved", "token": "[masked]", "url": "[masked]", "other": ["[masked]"],
            "id": id,
            "sale": { "line_items": "1 line item(s), not shown", "amount": { "minor": 1200 } },
        });
        assert_eq!(shown, wanted);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_masked_and_no_secret_is_left(text in "\\PC{0,80}", file in "\\PC{0,80}") {
            let mask = mask(&format!("password = \"Zq7-{}\"\n{file}", "secret"));
            let shown = mask.text(&format!("{text}Zq7-secret{text}"));
            proptest::prop_assert!(!shown.contains("Zq7-secret"));
            let _ = mask.json(Value::String(text));
        }
    }
}
