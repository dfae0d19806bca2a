//! The configuration that was accepted last: what a terminal starts with when the one in its place
//! is refused, such as one for a newer version. A shop that can sell with yesterday's settings is
//! better off than one that waits for an engineer.
//!
//! It is kept where systemd says that this service keeps things (`STATE_DIRECTORY`); without that,
//! as at a desk, a refused configuration is an error.

use crate::config::{Books, Config, ConfigError};
use crate::fleet::{Held, State};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Beside the journal.
const NAME: &str = "last-good.toml";

/// What a terminal starts with.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration, or the one before it.
    pub config: Config,
    /// Why it is the one before it.
    pub refused: Option<ConfigError>,
    /// Settings from afar.
    pub held: Arc<Held>,
}

/// Reads the configuration at `path` with the settings from afar; if it is refused with them,
/// without them, and if that is refused as well, the last one that was accepted. Settings on trial
/// that cannot be read, or with which the program has ended twice, are given up.
///
/// # Errors
/// The refusal, if there is no earlier one.
pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
    load_beside(path, place().as_deref())
}

fn load_beside(path: &Path, kept: Option<&Path>) -> Result<Loaded, ConfigError> {
    let database = |path| Books::load(path).ok().map(|books| books.store_path);
    let Some(database) = [Some(path), kept].into_iter().flatten().find_map(database) else {
        let config = Config::load(path)?;
        return Ok(Loaded {
            held: Arc::new(Held::open(&config.store_path)),
            config,
            refused: None,
        });
    };
    let held = Arc::new(Held::open(&database));
    // What cannot be kept is said when there is a log.
    let _ = held.change(State::start);
    let mut read = with_overlay(path, &held);
    let trial = held.state().ok().and_then(|state| state.trial());
    if let (Err(refused), Some((serial, _))) = (&read, trial) {
        let why = refused.to_string();
        let _ = held.change(|state| state.conclude(serial, Some(&why)));
        read = with_overlay(path, &held);
    }
    let refused = match read {
        Ok(config) => return Ok(Loaded { config, refused: None, held }),
        Err(refused) => refused,
    };
    let alone = |path| with_overlay(path, &held).or_else(|_| Config::load_with(path, None)).ok();
    match alone(path).or_else(|| kept.and_then(alone)) {
        Some(config) => Ok(Loaded { config, refused: Some(refused), held }),
        None => Err(refused),
    }
}

/// The configuration at `path` with the settings from afar that are in force.
pub(super) fn with_overlay(path: &Path, held: &Held) -> Result<Config, ConfigError> {
    match held.state() {
        Ok(state) => Config::load_with(path, state.in_force()),
        // Nobody knows what is in force but by what is there to be read.
        Err(_) => Config::load(path),
    }
}

/// The configuration to go back to when settings from afar are given up: the one at `path`, or if
/// it is refused meanwhile, the last one that was accepted. If the settings that are in force then
/// do not fit either of them, they are left away.
///
/// # Errors
/// The refusal of the first, if there is nothing to go back to.
pub(super) fn retreat(path: &Path, held: &Held) -> Result<Config, ConfigError> {
    retreat_beside(path, place().as_deref(), held)
}

fn retreat_beside(path: &Path, kept: Option<&Path>, held: &Held) -> Result<Config, ConfigError> {
    let refused = match with_overlay(path, held) {
        Ok(config) => return Ok(config),
        Err(refused) => refused,
    };
    let before = kept.and_then(|kept| with_overlay(kept, held).ok());
    before
        .or_else(|| without_overlay(path, &refused))
        .or_else(|| kept.and_then(|kept| without_overlay(kept, &refused)))
        .ok_or(refused)
}

/// The configuration at `path`, read again; without the settings from afar if they do not fit any
/// more. While they are on trial its end says what becomes of them.
///
/// # Errors
/// The refusal.
pub(super) fn again(path: &Path, held: &Held) -> Result<Config, ConfigError> {
    with_overlay(path, held).or_else(|refused| {
        let is_on_trial = held.state().is_ok_and(|state| state.trial().is_some());
        match is_on_trial {
            true => Err(refused),
            false => without_overlay(path, &refused).ok_or(refused),
        }
    })
}

/// The configuration at `path` without settings from afar, as it was `refused` with them.
fn without_overlay(path: &Path, refused: &ConfigError) -> Option<Config> {
    let config = Config::load_with(path, None).ok()?;
    tracing::error!(%refused, file = %path.display(), "settings from afar are left away");
    Some(config)
}

/// Keeps a copy of the accepted configuration at `path`, unless only settings from afar make it
/// right: they may be lost. It holds no key: those are in files of their own.
pub(super) fn keep(path: &Path) {
    if let Some(kept) = place() {
        keep_at(path, &kept);
    }
}

fn keep_at(path: &Path, kept: &Path) {
    if let Err(refused) = Config::load_with(path, None) {
        tracing::error!(
            %refused,
            "only settings from afar make this file right; the one before it is kept"
        );
        return;
    }
    if let Err(error) = copy(path, kept) {
        tracing::warn!(%error, place = %kept.display(), "the configuration cannot be kept");
    }
}

fn place() -> Option<PathBuf> {
    std::env::var_os("STATE_DIRECTORY").map(|state| Path::new(&state).join(NAME))
}

/// Whole or not at all.
fn copy(path: &Path, kept: &Path) -> std::io::Result<()> {
    let text = std::fs::read(path)?;
    if std::fs::read(kept).is_ok_and(|before| before == text) {
        return Ok(());
    }
    let new = kept.with_extension("new");
    let _ = std::fs::remove_file(&new);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(&text)?;
    file.sync_all()?;
    std::fs::rename(&new, kept)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::fleet::{Before, Serial, Stage};

    /// A configuration that is accepted, with its files in `folder`.
    pub(in crate::daemon) fn good(folder: &Path) -> String {
        std::fs::write(folder.join("key"), "klarna_test_api_key").expect("a key");
        format!(
            "terminal.store = \"S\"\nterminal.terminal = \"T\"\nterminal.merchant = \"M\"\n\
             terminal.locale = \"de-DE\"\nterminal.currencies = [\"EUR\"]\n\
             till.link = \"tcp\"\ntill.listen = \"127.0.0.1:9100\"\n\
             klarna.environment = \"custom\"\nklarna.base_url = \"https://localhost:1\"\n\
             klarna.account_id = \"krn:partner:global:account:test:X\"\n\
             klarna.api_key_file = {:?}\nklarna.redirect_url = \"https://shop.example/\"\n\
             klarna.qr_hosts = [\"localhost\"]\nstore.path = {:?}\ndisplay.output = \"none\"\n",
            folder.join("key"),
            folder.join("terminal.sqlite"),
        )
    }

    #[test]
    fn a_refused_configuration_leaves_the_one_before_it_in_force() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        let good = good(directory.path());
        std::fs::write(at("terminal.toml"), &good).expect("a file");
        let (path, kept) = (at("terminal.toml"), at(NAME));
        let loaded = load_beside(&path, Some(&kept)).expect("accepted");
        assert!(loaded.refused.is_none());
        copy(&path, &kept).expect("kept");
        std::fs::write(&path, format!("{good}of_tomorrow = 1\n")).expect("a file");
        let loaded = load_beside(&path, Some(&kept)).expect("the one before");
        assert_eq!(loaded.config.terminal, "S-T");
        assert!(loaded.refused.is_some_and(|why| why.to_string().contains("of_tomorrow")));
        assert!(load_beside(&path, None).is_err(), "at a desk it is an error");
        std::fs::write(&kept, "broken").expect("a file");
        let refused = load_beside(&path, Some(&kept)).expect_err("neither");
        assert!(refused.to_string().contains("of_tomorrow"), "{refused}");
    }

    #[test]
    fn settings_from_afar_do_not_keep_a_terminal_from_starting() {
        let directory = tempfile::tempdir().expect("a directory");
        let (folder, path) = (directory.path(), directory.path().join("terminal.toml"));
        let good = good(folder);
        std::fs::write(&path, &good).expect("a file");
        let before = Before { display: true, till: true, klarna: true };
        let serial = Serial::new(1);
        let ink = "display.colors.ink = \"#102030\"\n".to_owned();
        let held = Held::open(&folder.join("terminal.sqlite"));
        let stage = |state: &mut State| state.stage(serial, ink.clone(), before);
        held.change(stage).expect("staged");
        held.change(|state| state.begin_trial(serial)).expect("on trial");
        let in_force = |loaded: &Loaded| {
            let state = loaded.held.state().expect("kept");
            state.in_force().map(str::to_owned)
        };
        // The first start during the trial goes on with it.
        let loaded = load_beside(&path, None).expect("accepted");
        assert_eq!((loaded.refused.is_none(), in_force(&loaded)), (true, Some(ink.clone())));
        // The file has changed meanwhile, and does not fit with them.
        let held = loaded.held;
        held.change(|state| state.conclude(serial, None)).expect("kept");
        let timeout = "payment.timeout_s = 99999\n".to_owned();
        let serial = Serial::new(2);
        held.change(|state| state.stage(serial, timeout, before)).expect("staged");
        held.change(|state| state.begin_trial(serial)).expect("on trial");
        let loaded = load_beside(&path, None).expect("those of before");
        assert_eq!((loaded.refused.is_none(), in_force(&loaded)), (true, Some(ink)));
        let state = loaded.held.state().expect("kept");
        let report = state.report().expect("a report");
        assert_eq!((report.serial, report.state), (serial, Stage::RolledBack));
        assert!(report.why.as_ref().is_some_and(|why| why.contains("payment.timeout_s")));
    }

    /// An accepted setting, and one that no version accepts.
    const FITS: &str = "payment.timeout_s = 120\n";
    const WRONG: &str = "payment.timeout_s = 99999\n";

    /// Settings from afar that count for good in `folder`.
    fn in_force(folder: &Path, overlay: &str) -> Held {
        let held = Held::open(&folder.join("terminal.sqlite"));
        let (serial, none) =
            (Serial::new(1), Before { display: false, till: false, klarna: false });
        held.change(|state| state.stage(serial, overlay.to_owned(), none)).expect("staged");
        held.change(|state| state.begin_trial(serial)).expect("on trial");
        held.change(|state| state.conclude(serial, None)).expect("kept");
        held
    }

    #[test]
    fn what_is_right_only_with_settings_from_afar_does_not_replace_the_good_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let (path, kept) = (directory.path().join("terminal.toml"), directory.path().join(NAME));
        let good = good(directory.path());
        std::fs::write(&path, &good).expect("a file");
        keep_at(&path, &kept);
        std::fs::write(&path, format!("{good}{WRONG}")).expect("a file");
        assert!(Config::load_with(&path, Some(FITS)).is_ok(), "an order hides the mistake");
        keep_at(&path, &kept);
        assert_eq!(std::fs::read_to_string(&kept).expect("kept"), good);
        let loaded = load_beside(&path, Some(&kept)).expect("the one before");
        assert!(loaded.refused.is_some());
    }

    #[test]
    fn the_way_back_ends_with_the_files_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let (path, kept) = (directory.path().join("terminal.toml"), directory.path().join(NAME));
        let good = good(directory.path());
        let earlier = good.replace("terminal.terminal = \"T\"", "terminal.terminal = \"K\"");
        let broken = "broken".to_owned();
        let check = |overlay, (here, before): (&str, &str), expected: Option<&str>| {
            let held = in_force(directory.path(), overlay);
            std::fs::write(&path, here).expect("a file");
            std::fs::write(&kept, before).expect("a file");
            let found = retreat_beside(&path, Some(&kept), &held).map(|config| config.terminal);
            assert_eq!(found.ok().as_deref(), expected, "{overlay}");
        };
        check(FITS, (&good, &earlier), Some("S-T"));
        check(FITS, (&broken, &earlier), Some("S-K"));
        check(WRONG, (&good, &earlier), Some("S-T"));
        check(WRONG, (&good, &broken), Some("S-T"));
        check(WRONG, (&broken, &earlier), Some("S-K"));
        check(WRONG, (&broken, &broken), None);
    }

    #[test]
    fn a_file_that_is_read_again_counts_without_settings_that_do_not_fit_any_more() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("terminal.toml");
        let good = good(directory.path());
        let held = in_force(directory.path(), WRONG);
        std::fs::write(&path, &good).expect("a file");
        assert_eq!(again(&path, &held).expect("the file alone").terminal, "S-T");
        std::fs::write(&path, format!("{good}of_tomorrow = 1\n")).expect("a file");
        assert!(again(&path, &held).is_err(), "the file itself is wrong");
        // The end of the trial says what becomes of them.
        std::fs::write(&path, &good).expect("a file");
        let (serial, none) =
            (Serial::new(2), Before { display: false, till: false, klarna: false });
        held.change(|state| state.stage(serial, WRONG.to_owned(), none)).expect("staged");
        held.change(|state| state.begin_trial(serial)).expect("on trial");
        assert!(again(&path, &held).is_err(), "they are on trial");
    }
}
