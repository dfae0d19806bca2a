//! The keys that Klarna signs with, as a file: several at a time, so that one can follow another
//! while notices arrive (Integration Guidelines: signing keys).
//!
//! The file is what Klarna's answers said when the keys were made:
//! `{"keys": [{"signing_key_id": "krn:...", "signing_key": "...", "created_at": "..."}]}`.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

/// Most keys of an account at Klarna.
pub const KEYS_MAX: usize = 50;
/// Longest id or key, in bytes; Klarna's are about 90 and 36.
const TEXT_LEN_MAX: usize = 255;
/// Largest file that is read, in bytes; 50 keys are about 15 kB.
const FILE_LEN_MAX: u64 = 64 * 1024;

/// Why a file of keys cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The system refuses.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not such a file.
    #[error("{path} is no list of signing keys: {why}; make one by provision signing-keys create")]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Klarna keeps no more than [`KEYS_MAX`] either.
    #[error("there are {KEYS_MAX} signing keys already; delete one that is not used any more")]
    Full,
}

/// One key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SigningKey {
    /// Klarna's id of it; stands in a header of each notice.
    #[serde(rename = "signing_key_id")]
    pub id: String,
    /// The key itself. Klarna says it once.
    #[serde(rename = "signing_key", serialize_with = "exposed")]
    pub secret: SecretString,
    /// When Klarna made it, as Klarna says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
}

/// The keys that are known here, at most [`KEYS_MAX`], each id once.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningKeys {
    keys: Vec<SigningKey>,
}

impl SigningKeys {
    /// Reads a file; one that is not there holds no keys.
    ///
    /// # Errors
    /// When it cannot be read or is no such file.
    pub fn load(path: &Path) -> Result<Self, KeysError> {
        let in_file = |source| KeysError::File { path: path.to_owned(), source };
        let mut text = String::new();
        match File::open(path) {
            Ok(file) => {
                file.take(FILE_LEN_MAX).read_to_string(&mut text).map_err(in_file)?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(in_file(error)),
        }
        let wrong = |why| KeysError::Content { path: path.to_owned(), why };
        // The parser's own words would quote the file, and so a key.
        let found: Self = serde_json::from_str(&text)
            .map_err(|error| wrong(format!("line {}, column {}", error.line(), error.column())))?;
        let mut keys = Self::default();
        for key in found.keys {
            let secret = key.secret.expose_secret();
            if key.id.is_empty() || key.id.len() > TEXT_LEN_MAX {
                return Err(wrong(format!("an id has 1 to {TEXT_LEN_MAX} bytes")));
            }
            if secret.is_empty() || secret.len() > TEXT_LEN_MAX {
                return Err(wrong(format!("the key of {} has 1 to {TEXT_LEN_MAX} bytes", key.id)));
            }
            keys.add(key)?;
        }
        Ok(keys)
    }

    /// Writes the file anew; it is there as a whole or as it was. Its owner is that of the file
    /// before, or of the folder. Nobody else can read it but the group, if it could before: a
    /// relay may depend on it.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), KeysError> {
        let in_file = |source| KeysError::File { path: path.to_owned(), source };
        let beside = path.with_extension("new");
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(in_file(error)),
            Ok(()) | Err(_) => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(&beside).map_err(in_file)?;
        if let Some(owner) = owner(path) {
            // Only the superuser can, and only there is it needed.
            chown(&beside, Some(owner.uid()), Some(owner.gid())).ok();
        }
        let before = std::fs::metadata(path).map_or(0, |found| found.mode());
        let mode = Permissions::from_mode(0o600 | (before & 0o040));
        file.set_permissions(mode).map_err(in_file)?;
        let text = serde_json::to_string_pretty(self).map_err(|error| in_file(error.into()))?;
        writeln!(file, "{text}").and_then(|()| file.sync_all()).map_err(in_file)?;
        std::fs::rename(&beside, path).map_err(in_file)
    }

    /// Adds a key, or replaces the one with its id.
    ///
    /// # Errors
    /// When there are [`KEYS_MAX`] others.
    pub fn add(&mut self, key: SigningKey) -> Result<(), KeysError> {
        self.remove(&key.id);
        if self.keys.len() >= KEYS_MAX {
            return Err(KeysError::Full);
        }
        self.keys.push(key);
        Ok(())
    }

    /// Whether there was such a key.
    pub fn remove(&mut self, id: &str) -> bool {
        let before = self.keys.len();
        self.keys.retain(|key| key.id != id);
        self.keys.len() < before
    }

    /// All keys, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &SigningKey> {
        self.keys.iter()
    }
}

/// Whose the file is, or would be.
fn owner(path: &Path) -> Option<Metadata> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = || std::fs::metadata(folder.unwrap_or(Path::new(".")));
    std::fs::metadata(path).or_else(|_| folder()).ok()
}

fn exposed<S: serde::Serializer>(secret: &SecretString, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(secret.expose_secret())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> SigningKey {
        SigningKey { id: id.to_owned(), secret: "a secret".into(), created_at: None }
    }

    #[test]
    fn keys_come_back_from_a_file_of_their_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys.json");
        assert_eq!(SigningKeys::load(&path).expect("none yet").iter().count(), 0);
        let mut keys = SigningKeys::default();
        keys.add(key("one")).expect("room");
        keys.add(key("two")).expect("room");
        keys.add(key("one")).expect("the same again");
        keys.save(&path).expect("written");
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("changed");
        std::fs::write(path.with_extension("new"), "of a crash").expect("written");
        keys.save(&path).expect("written again");
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "the group still reads it, the world does not");
        let mut back = SigningKeys::load(&path).expect("read");
        let ids: Vec<&str> = back.iter().map(|key| key.id.as_str()).collect();
        assert_eq!(ids, ["two", "one"]);
        assert!(back.remove("two") && !back.remove("two"));
    }

    #[test]
    fn there_is_an_end_of_keys() {
        let mut keys = SigningKeys::default();
        for number in 0..KEYS_MAX {
            keys.add(key(&number.to_string())).expect("room");
        }
        assert!(matches!(keys.add(key("one more")), Err(KeysError::Full)));
    }

    #[test]
    fn a_wrong_file_is_refused_without_quoting_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys.json");
        let long = "x".repeat(TEXT_LEN_MAX + 1);
        let wrong = [
            "sekret".to_owned(),
            r#"{"keys": [{"signing_key": "sekret"}]}"#.to_owned(),
            r#"{"keys": [{"signing_key_id": "", "signing_key": "sekret"}]}"#.to_owned(),
            r#"{"keys": [{"signing_key_id": "a", "signing_key": ""}], "other": "sekret"}"#
                .to_owned(),
            format!(r#"{{"keys": [{{"signing_key_id": "{long}", "signing_key": "sekret"}}]}}"#),
        ];
        for text in wrong {
            std::fs::write(&path, &text).expect("written");
            let error = SigningKeys::load(&path).expect_err(&text).to_string();
            assert!(error.contains("no list of signing keys"), "{error}");
            assert!(!error.contains("sekret"), "{error}");
        }
    }
}
