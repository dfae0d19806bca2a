//! Whether the configuration is accepted, and where its secrets come from. The secrets themselves
//! are never printed.

use super::Subject;
use super::device::Wrong;
use super::finding::Finding;
use super::mask::Mask;
use crate::config::{Config, ConfigError, ENV_PREFIX, Environment, KeySource};
use crate::local::beside;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const NAME: &str = "configuration";
const KEY: &str = "API key";
const CONSOLE_KEY: &str = "console key";

/// Read or written by everybody.
const OTHERS: u32 = 0o006;

/// Accepted, or all that is wrong with it.
pub(super) fn check(subject: &Subject) -> Vec<Finding> {
    let file = subject.file.display();
    // A complaint may repeat what was written, and that may be a password.
    let text = std::fs::read_to_string(&subject.file).unwrap_or_default();
    let mask = Mask::of(None, &text);
    match &subject.config {
        Ok(config) => {
            let terminal = &config.terminal;
            vec![Finding::ok(NAME, format!("{file} is accepted: terminal {terminal}"))]
        }
        Err(ConfigError::Invalid(problems)) => {
            let remedy = format!("correct it in {file}");
            let wrong = |text: &String| Finding::fail(NAME, mask.text(text), remedy.clone());
            problems.iter().map(wrong).collect()
        }
        Err(ConfigError::Read { path, why }) => {
            let remedy = "name a file that this user can read";
            vec![Finding::fail(NAME, format!("cannot read {}: {why}", path.display()), remedy)]
        }
        Err(error @ (ConfigError::Syntax { .. } | ConfigError::Environment(_))) => {
            let text = mask.text(&error.to_string());
            let remedy = match text.contains("unknown field") {
                true => "correct the name, or the file is from a newer version: install that one",
                false => "correct that line; `check-config` says whether it is accepted",
            };
            vec![Finding::fail(NAME, text, remedy)]
        }
    }
}

/// Where the API key and the console's key are, and who can read them.
pub(super) fn credentials(subject: &Subject) -> Vec<Finding> {
    let Some(config) = subject.accepted() else {
        let remedy = "correct the configuration first";
        return vec![Finding::skip(KEY, "where it is says the configuration", remedy)];
    };
    let mut found = vec![api_key(config)];
    found.extend(console_key(config));
    found.extend(directory());
    found
}

fn api_key(config: &Config) -> Finding {
    // The configuration is refused when the key is one of the other world.
    let world = match config.environment {
        Environment::Live => "live key for the live environment",
        Environment::Test => "test key for the test environment",
        Environment::Custom => "test key for a host of one's own",
    };
    let (path, whence) = match &config.key_source {
        KeySource::Credential(path) => (path, "systemd's credential"),
        KeySource::File(path) => (path, "the file"),
        KeySource::Environment => {
            let found =
                format!("{world}, from the environment variable {ENV_PREFIX}__KLARNA__API_KEY");
            let remedy = "put it into a file or a systemd credential: whatever is started inherits \
                          a variable";
            return Finding::warn(KEY, found, remedy);
        }
    };
    match private(path) {
        Ok(mode) => {
            Finding::ok(KEY, format!("{world}, from {whence} {} (mode {mode:04o})", path.display()))
        }
        Err(wrong) => wrong.failure(KEY),
    }
}

fn console_key(config: &Config) -> Option<Finding> {
    config.console.listen?;
    let (path, whose) = match &config.console.certificate {
        Some(files) => (files.key.clone(), "the shop's own"),
        None => (beside(&config.store_path, ".console-key.pem"), "self-made"),
    };
    if config.console.certificate.is_none() && !path.exists() {
        let remedy = "start the daemon; whoever may not enter its directory cannot see it";
        return Some(Finding::skip(CONSOLE_KEY, "none yet, the daemon makes one", remedy));
    }
    Some(match private(&path) {
        Ok(mode) => {
            Finding::ok(CONSOLE_KEY, format!("{whose}, {} (mode {mode:04o})", path.display()))
        }
        Err(wrong) => wrong.failure(CONSOLE_KEY),
    })
}

/// The mode of a file that only its owner and group can read.
///
/// # Errors
/// What is wrong with it.
pub(super) fn private(path: &Path) -> Result<u32, Wrong> {
    let shown = path.display();
    let found = std::fs::metadata(path).map_err(|error| {
        Wrong::new(format!("{shown}: {error}"), "name a file that the service's user can read")
    })?;
    let mode = found.permissions().mode() & 0o7777;
    match mode & OTHERS {
        0 => Ok(mode),
        _ => Err(Wrong::new(
            format!("every user of this machine can read or write {shown} (mode {mode:04o})"),
            format!(
                "chmod 600 {shown}, and let it belong to the service's user; then change the key"
            ),
        )),
    }
}

/// systemd's directory of credentials, where there is one.
fn directory() -> Option<Finding> {
    let directory = std::env::var_os("CREDENTIALS_DIRECTORY")?;
    let shown = Path::new(&directory).display().to_string();
    Some(match std::fs::read_dir(&directory) {
        Ok(files) => Finding::ok("credentials", format!("{} file(s) in {shown}", files.count())),
        Err(error) => {
            let remedy = "look at LoadCredential= of the service";
            Finding::fail("credentials", format!("{shown}: {error}"), remedy)
        }
    })
}
