//! [`State`] on the disk: `fleet.json` beside the database is what counts, and `fleet.toml` is the
//! settings from afar that are in force, for whoever reads the configuration.
//!
//! Both are written whole or not at all, `fleet.json` first. What a power cut left between the two
//! is put right when they are opened.

use super::state::State;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

const STATE: &str = "fleet.json";
const OVERLAY: &str = "fleet.toml";
/// Longest file that is read, in bytes: three times the longest order, quoted.
const FILE_LEN_MAX: u64 = 512 * 1024;

/// Why an order cannot be kept; nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeldError {
    /// The system does not let it be read or written.
    #[error("{path}: {why}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// It is not what this software has written: nobody knows which orders were carried out.
    #[error("{path} cannot be understood ({why}); no order is taken until it is removed")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// Where the settings from afar are that are in force for the terminal with this database.
pub fn overlay_beside(database: &Path) -> PathBuf {
    database.with_file_name(OVERLAY)
}

/// Where what counts is kept for the terminal with this database.
pub fn state_beside(database: &Path) -> PathBuf {
    database.with_file_name(STATE)
}

/// What is kept beside `database`, for those who only look: nothing is written.
///
/// # Errors
/// As [`Held::change`].
pub fn look(database: &Path) -> Result<State, HeldError> {
    read(&state_beside(database), &overlay_beside(database))
}

/// What is kept of orders. Shared by all of the program; there is one program per database.
#[derive(Debug)]
pub struct Held {
    state_at: PathBuf,
    overlay_at: PathBuf,
    state: Mutex<Result<State, HeldError>>,
}

impl Held {
    /// Opens what stands beside `database`; without anything there no order was ever accepted.
    /// What cannot be read is said with each [`change`](Self::change).
    pub fn open(database: &Path) -> Self {
        let (state_at, overlay_at) = (state_beside(database), overlay_beside(database));
        if !cfg!(feature = "push") {
            // Without a line there is nothing to keep.
            return Self { state_at, overlay_at, state: Mutex::new(Ok(State::new(None))) };
        }
        let state = read(&state_at, &overlay_at);
        let held = Self { state_at, overlay_at, state: Mutex::new(state) };
        if let Ok(state) = held.state() {
            held.show_overlay(&state);
        }
        held
    }

    /// What is kept.
    ///
    /// # Errors
    /// As [`Self::change`].
    pub fn state(&self) -> Result<State, HeldError> {
        self.lock().clone()
    }

    /// Changes what is kept; durable when it returns `Ok`.
    ///
    /// # Errors
    /// [`HeldError`]: then nothing has changed.
    pub fn change(&self, work: impl FnOnce(&mut State)) -> Result<State, HeldError> {
        let mut held = self.lock();
        let before = held.clone()?;
        if !cfg!(feature = "push") {
            return Ok(before);
        }
        let mut after = before.clone();
        work(&mut after);
        if after != before {
            let json = serde_json::to_vec(&after).expect("a state is always JSON");
            replace(&self.state_at, &json)?;
            *held = Ok(after.clone());
            self.show_overlay(&after);
        }
        Ok(after)
    }

    fn lock(&self) -> MutexGuard<'_, Result<State, HeldError>> {
        // A value is put in as a whole, so a panic elsewhere leaves a good one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What counts is written by now; commands that read the configuration see it from here on.
    fn show_overlay(&self, state: &State) {
        if let Err(error) = self.write_overlay(state) {
            tracing::error!(%error, "fleet.toml is not what is in force until the next start");
        }
    }

    fn write_overlay(&self, state: &State) -> Result<(), HeldError> {
        let there = read_text(&self.overlay_at)?;
        if there.as_deref() == state.in_force() {
            return Ok(());
        }
        match state.in_force() {
            Some(text) => replace(&self.overlay_at, text.as_bytes()),
            None => {
                fs::remove_file(&self.overlay_at).map_err(|why| failed(&self.overlay_at, &why))?;
                sync_folder(&self.overlay_at)
            }
        }
    }
}

fn read(state_at: &Path, overlay_at: &Path) -> Result<State, HeldError> {
    let Some(text) = read_text(state_at)? else { return Ok(State::new(read_text(overlay_at)?)) };
    let damaged = |why: String| HeldError::Damaged { path: state_at.to_owned(), why };
    let state: State = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
    match state.is_understood() {
        true => Ok(state),
        false => Err(damaged("it is of another version".to_owned())),
    }
}

fn read_text(path: &Path) -> Result<Option<String>, HeldError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, &error)),
    };
    let mut text = String::new();
    let read = file.take(FILE_LEN_MAX).read_to_string(&mut text);
    read.map_err(|error| failed(path, &error))?;
    Ok(Some(text))
}

/// Whole or not at all; durable when it returns.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), HeldError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let write = || {
        let _ = fs::remove_file(&new);
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().map_err(|error| failed(path, &error))?;
    sync_folder(path)
}

/// Until then a file may have its old name after a power cut.
fn sync_folder(path: &Path) -> Result<(), HeldError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|why| failed(path, &why))
}

fn failed(path: &Path, why: &dyn std::fmt::Display) -> HeldError {
    HeldError::Io { path: path.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::super::order::{Kind, Serial};
    use super::super::state::tests::WELL;
    use super::*;
    use std::collections::BTreeMap;
    use tempfile::TempDir;

    type Files = BTreeMap<String, Vec<u8>>;
    type Change = (&'static str, fn(&mut State));

    fn files(folder: &Path) -> Files {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
        entries
            .map(|entry| {
                let name = entry.file_name().to_str().expect("a name").to_owned();
                (name, fs::read(entry.path()).expect("a file"))
            })
            .collect()
    }

    /// A terminal of after a power cut that left these files.
    fn opened(left: &Files) -> (TempDir, Held) {
        let folder = TempDir::new().expect("a folder");
        for (name, bytes) in left {
            fs::write(folder.path().join(name), bytes).expect("a file");
        }
        let held = Held::open(&folder.path().join("terminal.sqlite"));
        (folder, held)
    }

    const ONE: fn() -> Serial = || Serial::new(1);

    #[test]
    fn a_power_cut_at_any_write_leaves_the_old_settings_or_the_new_ones() {
        let changes: [Change; 8] = [
            ("admit", |state| state.admit(Kind::SyncNow, ONE())),
            ("stage", |state| state.stage(ONE(), "one = 1\n".to_owned(), WELL)),
            ("begin", |state| state.begin_trial(ONE())),
            ("keep", |state| state.conclude(ONE(), None)),
            ("stage", |state| state.stage(Serial::new(2), "two = 2\n".to_owned(), WELL)),
            ("begin", |state| state.begin_trial(Serial::new(2))),
            ("start", State::start),
            ("start again", State::start),
        ];
        let (folder, held) = opened(&Files::new());
        for (what, change) in changes {
            let (before, old) = (files(folder.path()), held.state().expect("kept"));
            let new = held.change(change).expect("written");
            let after = files(folder.path());
            // What can be there: nothing new, half a file under another name, one of two files.
            let mut cuts = vec![before.clone(), after.clone()];
            for name in [STATE, OVERLAY] {
                let Some(bytes) = after.get(name) else { continue };
                let mut half = before.clone();
                half.insert(format!("{name}.new"), bytes[..bytes.len() / 2].to_vec());
                cuts.push(half);
            }
            let mut between = before.clone();
            between.insert(STATE.to_owned(), after[STATE].clone());
            cuts.push(between);
            for cut in cuts {
                let (folder, held) = opened(&cut);
                let state = held.state().expect(what);
                assert!(state == old || state == new, "{what}: {state:?}");
                let file = fs::read_to_string(folder.path().join(OVERLAY)).ok();
                assert_eq!(file.as_deref(), state.in_force(), "{what}");
            }
        }
        assert_eq!(held.state().expect("kept").in_force(), Some("one = 1\n"), "rolled back");
        let mode = fs::metadata(folder.path().join(STATE)).expect("a file").permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
    }

    #[test]
    fn a_state_that_nobody_understands_accepts_nothing_and_stays() {
        let local = b"display.theme = \"dark\"\n".to_vec();
        for damaged in ["", "{}", "{\"v\":2}", "nonsense"] {
            let left = Files::from([
                (STATE.to_owned(), damaged.into()),
                (OVERLAY.to_owned(), local.clone()),
            ]);
            let (folder, held) = opened(&left);
            let refused = held.change(|state| state.admit(Kind::SyncNow, ONE()));
            assert!(matches!(refused, Err(HeldError::Damaged { .. })), "{refused:?}");
            assert_eq!(files(folder.path()), left);
        }
        let (_folder, held) = opened(&Files::from([(OVERLAY.to_owned(), local)]));
        let state = held.state().expect("a first state");
        assert_eq!(state.in_force(), Some("display.theme = \"dark\"\n"), "it is taken over");
    }

    #[test]
    fn what_cannot_be_written_is_not_accepted() {
        let (folder, held) = opened(&Files::new());
        fs::create_dir(folder.path().join("fleet.json.new")).expect("in the way");
        let refused = held.change(|state| state.admit(Kind::SyncNow, ONE()));
        assert!(matches!(refused, Err(HeldError::Io { .. })), "{refused:?}");
        assert_eq!(held.state().expect("as before").last(Kind::SyncNow), None);
    }
}
