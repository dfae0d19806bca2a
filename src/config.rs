//! Configuration: one TOML file, over it the settings that came from the fleet's operator, over
//! those the environment; checked as a whole.
//!
//! `RawConfig` is what people write; [`Config`] is what the daemon gets and cannot be wrong.
//! Secrets come from a file, the environment or systemd credentials, never from the TOML file, and
//! are never printed.

mod check;
mod console;
mod display;
mod klarna;
#[cfg(feature = "push")]
mod push;
mod raw;
mod receipt;
#[cfg(feature = "relay")]
mod relay;
mod summary;
mod till;
#[cfg(feature = "relay")]
mod webhook;

pub use check::{Books, Config};
pub use display::DisplayConfig;
pub use klarna::KeySource;
pub use raw::{Environment, LogFormat};
#[cfg(feature = "relay")]
pub use relay::RelayConfig;

use crate::fleet;
use raw::RawConfig;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Environment variables that override the file begin with this: `KLARNA_TERMINALD__TILL__PORT`.
pub const ENV_PREFIX: &str = "KLARNA_TERMINALD";

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {why}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The file is not TOML, or has a key or value that cannot be.
    #[error("{path}: {why}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what.
        why: String,
    },
    /// The environment has a variable that cannot be.
    #[error("environment ({ENV_PREFIX}__...): {0}")]
    Environment(String),
    /// Everything that is wrong, one line each.
    #[error("the configuration has {} problem(s):\n  - {}", .0.len(), .0.join("\n  - "))]
    Invalid(Vec<String>),
}

impl Config {
    /// Reads `path`, the settings from afar beside the database that it names, and the
    /// environment. Who may not look into the database's folder reads without those settings.
    ///
    /// # Errors
    /// Every [`ConfigError`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let overlay = match Books::load(path) {
            Ok(books) => overlay_of(&books.store_path)?,
            // What is wrong is said below, with all else.
            Err(_) => None,
        };
        Self::load_with(path, overlay.as_deref())
    }

    /// As [`Config::load`] with the settings from afar given.
    ///
    /// # Errors
    /// Every [`ConfigError`]; [`ConfigError::Invalid`] also when a setting may not come from afar.
    pub fn load_with(path: &Path, overlay: Option<&str>) -> Result<Self, ConfigError> {
        let overrides = Overrides::from_environment();
        let raw = RawConfig::read(&text_of(path)?, path, &overrides, overlay)?;
        check::check(raw, overrides.credentials.as_deref()).map_err(ConfigError::Invalid)
    }

    /// As [`Config::load`] with the file's text and the overrides given.
    ///
    /// # Errors
    /// Every [`ConfigError`] but [`ConfigError::Read`] of the file itself.
    pub fn from_text(text: &str, path: &Path, overrides: &Overrides) -> Result<Self, ConfigError> {
        let raw = RawConfig::read(text, path, overrides, None)?;
        check::check(raw, overrides.credentials.as_deref()).map_err(ConfigError::Invalid)
    }
}

impl Books {
    /// Reads what `path` and the environment say of the journal. The rest may be wrong or secret;
    /// settings from afar count if they can be read.
    ///
    /// # Errors
    /// As [`Config::load`], of these settings alone.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let (text, overrides) = (text_of(path)?, Overrides::from_environment());
        let raw = RawConfig::read(&text, path, &overrides, None)?;
        let books = check::books(raw).map_err(ConfigError::Invalid)?;
        let overlay = overlay_of(&books.store_path).ok().flatten();
        let raw = overlay
            .and_then(|overlay| RawConfig::read(&text, path, &overrides, Some(&overlay)).ok());
        Ok(raw.and_then(|raw| check::books(raw).ok()).unwrap_or(books))
    }
}

/// The settings from afar beside `database`, if there are any.
fn overlay_of(database: &Path) -> Result<Option<String>, ConfigError> {
    let path = fleet::overlay_beside(database);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied => Ok(None),
            _ => Err(ConfigError::Read { path, why: error.to_string() }),
        },
    }
}

/// Looks whether `overlay` is TOML with settings that may come from afar.
fn check_overlay(overlay: &str) -> Result<(), ConfigError> {
    let syntax = |error: toml::de::Error| ConfigError::Syntax {
        path: PathBuf::from("settings from the fleet's operator"),
        why: located(overlay, &error),
    };
    let wrong = fleet::not_allowed(&toml::from_str(overlay).map_err(syntax)?);
    match wrong.is_empty() {
        true => toml::from_str::<RawConfig>(overlay).map(drop).map_err(syntax),
        false => Err(ConfigError::Invalid(wrong)),
    }
}

fn text_of(path: &Path) -> Result<String, ConfigError> {
    let failed =
        |why: std::io::Error| ConfigError::Read { path: path.to_owned(), why: why.to_string() };
    std::fs::read_to_string(path).map_err(failed)
}

impl RawConfig {
    fn read(
        text: &str,
        path: &Path,
        overrides: &Overrides,
        overlay: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let in_file: RawConfig = toml::from_str(text).map_err(|error| ConfigError::Syntax {
            path: path.to_owned(),
            why: located(text, &error),
        })?;
        if in_file.klarna.api_key.is_some() {
            return Err(ConfigError::Invalid(vec![format!(
                "klarna.api_key: a secret does not belong into {}; put it into a file of its own \
                 and name it in klarna.api_key_file",
                path.display()
            )]));
        }
        // Without a line nothing comes from afar.
        let overlay = overlay.filter(|_| cfg!(feature = "push"));
        overlay.map_or(Ok(()), check_overlay)?;
        let source = config::Environment::with_prefix(ENV_PREFIX)
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("terminal.currencies")
            .with_list_parse_key("klarna.qr_hosts")
            .with_list_parse_key("klarna.originators")
            .with_list_parse_key("console.names")
            .with_list_parse_key("push.fleet_keys")
            .with_list_parse_key("receipt.printer_command")
            .with_list_parse_key("webhook.proxies")
            .source(Some(overrides.variables.clone()));
        config::Config::builder()
            .add_source(config::File::from_str(text, config::FileFormat::Toml))
            .add_source(config::File::from_str(
                overlay.unwrap_or_default(),
                config::FileFormat::Toml,
            ))
            .add_source(source)
            .build()
            .and_then(config::Config::try_deserialize::<RawConfig>)
            .map_err(|error| ConfigError::Environment(with_suggestion(&error.to_string())))
    }
}

/// What the environment says beside the file.
#[derive(Debug, Default, Clone)]
pub struct Overrides {
    /// Variables, full names.
    pub variables: std::collections::HashMap<String, String>,
    /// systemd's directory of credentials.
    pub credentials: Option<PathBuf>,
}

impl Overrides {
    /// This process' own.
    pub fn from_environment() -> Self {
        let ours = |(name, _): &(String, String)| name.starts_with(&format!("{ENV_PREFIX}__"));
        let printable = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self {
            variables: printable.filter(ours).collect(),
            credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
        }
    }
}

/// The complaint with its line; the line itself is not quoted, a secret may stand in it.
fn located(text: &str, error: &toml::de::Error) -> String {
    let message = with_suggestion(error.message());
    match error.span() {
        Some(span) => {
            let line = text[..span.start.min(text.len())].matches('\n').count() + 1;
            format!("line {line}: {message}")
        }
        None => message,
    }
}

/// Adds the nearest right name to a complaint about an unknown key.
fn with_suggestion(error: &str) -> String {
    let quoted = |text: &str| -> Vec<String> {
        text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let Some((_, complaint)) = error.split_once("unknown field ") else {
        return error.trim_end().to_owned();
    };
    let names = quoted(complaint);
    let Some((wrong, known)) = names.split_first() else { return error.trim_end().to_owned() };
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 3);
    match nearest {
        Some((_, name)) => format!("{}; did you mean `{name}`?", error.trim_end()),
        None => error.trim_end().to_owned(),
    }
}
