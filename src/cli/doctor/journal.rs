//! The database: whether this program can use it, whether it was restored, how old its newest copy
//! is. It is read beside a daemon and never changed.

use super::Subject;
use super::finding::Finding;
use crate::store::{Reader, StoreError, snapshots};
use std::path::Path;
use std::time::{Duration, SystemTime};

const NAME: &str = "database";
const COPY: &str = "snapshot";

const HOUR: u64 = 3600;
/// A copy is made daily; an older one means that it fails.
const COPY_AGE_MAX: Duration = Duration::from_secs(3 * 24 * HOUR);

/// The database that the configuration names.
pub(super) fn check(subject: &Subject) -> Vec<Finding> {
    let Some(config) = subject.accepted() else {
        return vec![Finding::skip(NAME, "not known", "correct the configuration first")];
    };
    let path = &config.store_path;
    if !path.exists() {
        return vec![missing(path)];
    }
    let mut found = match schema(path) {
        Ok(found) => found,
        Err(StoreError::Newer { found, known }) => {
            let text = format!(
                "schema {found} was written by a newer version; this one knows up to {known}, and \
                 nothing was changed"
            );
            vec![Finding::fail(NAME, text, "install that version or a newer one again")]
        }
        Err(error) => {
            let remedy = match &error {
                StoreError::Open { .. } => {
                    "run this as the service's user, which alone may read it"
                }
                _ => "keep a copy of the file; the daemon restores a damaged one at its start",
            };
            vec![Finding::fail(NAME, error.to_string(), remedy)]
        }
    };
    found.push(copy(path));
    found
}

fn missing(path: &Path) -> Finding {
    let shown = path.display();
    match snapshots(path).is_ok_and(|found| !found.is_empty()) {
        true => {
            let remedy = "the daemon restores the newest snapshot at its start; compare the books";
            Finding::warn(NAME, format!("{shown} is gone, its snapshots are there"), remedy)
        }
        false => {
            let remedy = "start the daemon, which makes it";
            Finding::skip(NAME, format!("{shown} is not there yet"), remedy)
        }
    }
}

fn schema(path: &Path) -> Result<Vec<Finding>, StoreError> {
    let reader = Reader::open(path)?;
    let (found, known) = reader.schema()?;
    let size = std::fs::metadata(path).map_or(0, |file| file.len()) / 1024;
    let state = match found == known {
        true => format!("schema {found}"),
        false => format!("schema {found}, which the next start makes {known} of, after a copy"),
    };
    let mut findings = vec![Finding::ok(NAME, format!("{state}, {size} KiB"))];
    if let Some(restored) = reader.restored()? {
        let remedy = "compare the books with Klarna's, then `outbox --acknowledge-restore`";
        findings.push(Finding::warn(NAME, restored.to_string(), remedy));
    }
    Ok(findings)
}

fn copy(path: &Path) -> Finding {
    let newest = match snapshots(path) {
        Ok(found) => found.into_iter().next(),
        Err(error) => {
            let remedy = "run this as the service's user";
            return Finding::skip(COPY, error.to_string(), remedy);
        }
    };
    let Some(newest) = newest else {
        let remedy = "none is needed yet; one is made daily and after each shift";
        return Finding::skip(COPY, "none yet", remedy);
    };
    let made = std::fs::metadata(&newest).and_then(|file| file.modified());
    match made.ok().and_then(|made| SystemTime::now().duration_since(made).ok()) {
        Some(age) if age > COPY_AGE_MAX => {
            let found = format!("the newest is {} days old", age.as_secs() / (24 * HOUR));
            let remedy = "look at the free space and at the log: a copy is made daily";
            Finding::warn(COPY, found, remedy)
        }
        Some(age) => Finding::ok(COPY, format!("the newest is {} h old", age.as_secs() / HOUR)),
        None => Finding::warn(COPY, "the newest is of the future", "look at the clock"),
    }
}
