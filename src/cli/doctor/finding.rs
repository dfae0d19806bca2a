//! What a check has found, as a line for people and as JSON.
//!
//! It knows marks and columns, not what is looked at.

use serde::Serialize;
use std::io::IsTerminal as _;
use std::sync::mpsc;
use std::time::Duration;

/// Width of the longest mark and of the longest name, in characters.
const MARK_WIDTH: usize = 4;
const NAME_WIDTH: usize = 13;
/// Longest text of one finding, in characters; what others say may be long.
const TEXT_LEN_MAX: usize = 600;

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// As it must be.
    Ok,
    /// The terminal works; somebody should look at it.
    Warn,
    /// The terminal does not work, or will not for long.
    Fail,
    /// It could not or need not be looked at.
    Skip,
}

impl State {
    fn mark(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
            Self::Skip => "skip",
        }
    }

    /// ANSI: green, yellow, red, faint (ECMA-48, SGR).
    fn color(self) -> &'static str {
        match self {
            Self::Ok => "\x1b[32m",
            Self::Warn => "\x1b[33m",
            Self::Fail => "\x1b[1;31m",
            Self::Skip => "\x1b[2m",
        }
    }
}

/// One line of the diagnosis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    name: &'static str,
    state: State,
    found: String,
    remedy: Option<String>,
}

impl Finding {
    /// Nothing to do.
    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: plain(&found.into()), remedy: None }
    }

    /// It works, and `remedy` should be done.
    pub(super) fn warn(
        name: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::with(name, State::Warn, found.into(), remedy.into())
    }

    /// It does not work until `remedy` is done.
    pub(super) fn fail(
        name: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::with(name, State::Fail, found.into(), remedy.into())
    }

    /// It was not looked at; `remedy` says what would be needed for it.
    pub(super) fn skip(
        name: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::with(name, State::Skip, found.into(), remedy.into())
    }

    fn with(name: &'static str, state: State, found: String, remedy: String) -> Self {
        Self { name, state, found: plain(&found), remedy: Some(plain(&remedy)) }
    }

    /// Whether the terminal does not work because of it.
    pub(super) fn is_failure(&self) -> bool {
        self.state == State::Fail
    }

    /// One line, and an indented one with what to do.
    pub(super) fn text(&self, is_colored: bool) -> String {
        let mark = format!("{:<MARK_WIDTH$}", self.state.mark());
        let mark = match is_colored {
            true => format!("{}{mark}\x1b[0m", self.state.color()),
            false => mark,
        };
        let mut text = format!("{mark}  {:<NAME_WIDTH$}  {}\n", self.name, self.found);
        if let Some(remedy) = &self.remedy {
            text.push_str(&format!("{:MARK_WIDTH$}  {:NAME_WIDTH$}  {remedy}\n", "", ""));
        }
        text
    }
}

/// Whether standard output is a terminal whose user has nothing against colours (no-color.org).
pub(super) fn is_colored() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// What others say cannot steer the terminal, begin a line or go on for ever.
fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ").replace(char::is_control, "\u{fffd}");
    line.chars().take(TEXT_LEN_MAX).collect()
}

/// Does `work` on a thread of its own and waits for it no longer than `limit`: a device or a file
/// system that does not answer must not hold up the rest. The thread ends with the process.
///
/// # Errors
/// Why there is no result, in words.
pub(super) fn bounded<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let (tell, told) = mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name("doctor".to_owned());
    let started = thread.spawn(move || tell.send(work()));
    started.map_err(|error| format!("no thread could be started ({error})"))?;
    told.recv_timeout(limit).map_err(|why| match why {
        mpsc::RecvTimeoutError::Timeout => format!("no answer within {} s", limit.as_secs()),
        mpsc::RecvTimeoutError::Disconnected => "the check itself has failed".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_and_what_to_do_is_another() {
        let ok = Finding::ok("clock", "right");
        assert_eq!(ok.text(false), "ok    clock          right\n");
        assert!(!ok.is_failure());
        let bad = Finding::fail("network", "line\nbreak \x1b[2J", "plug it in");
        let text = bad.text(false);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.starts_with("FAIL  network        line break \u{fffd}[2J\n"), "{text}");
        assert!(text.ends_with("\n                     plug it in\n"), "{text}");
        assert!(bad.is_failure());
        assert!(bad.text(true).starts_with("\x1b[1;31mFAIL\x1b[0m"));
    }

    #[test]
    fn json_says_the_same() {
        let found = serde_json::to_value(Finding::skip("till", "not there", "start it"));
        let wanted = serde_json::json!({
            "name": "till", "state": "skip", "found": "not there", "remedy": "start it",
        });
        assert_eq!(found.expect("JSON"), wanted);
        let ok = serde_json::to_value(Finding::ok("till", "there")).expect("JSON");
        assert_eq!(ok["remedy"], serde_json::Value::Null);
    }

    #[test]
    fn work_that_never_ends_holds_nothing_up() {
        let (keep, never) = mpsc::channel::<()>();
        let late = bounded(Duration::ZERO, move || never.recv().is_ok());
        assert_eq!(late, Err("no answer within 0 s".to_owned()));
        drop(keep);
        assert_eq!(bounded(Duration::from_secs(60), || 7), Ok(7));
    }
}
