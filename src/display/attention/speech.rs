//! An external program that speaks: a speech synthesiser, or a script that plays recordings.
//!
//! It is started without a shell and without the daemon's environment, which may hold secrets.

use super::{Slot, Worker};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest text, in bytes; the rest is left out. It fits into a pipe that nobody reads.
pub const TEXT_BYTES_MAX: usize = 1024;

/// A program that still runs after that is ended.
pub const TIME_MAX: Duration = Duration::from_secs(15);

/// From one look whether the program has ended to the next.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How often a program that was killed is looked for: a second long, as a driver may hold it.
const END_LOOKS_MAX: u32 = 200;
/// From one of these looks to the next.
const END_LOOK_EVERY: Duration = Duration::from_millis(5);

/// What the program may know of the daemon's environment: how to find programs and a sound server.
const ENVIRONMENT: [&str; 5] = ["PATH", "HOME", "LANG", "XDG_RUNTIME_DIR", "PULSE_SERVER"];

/// Speaks one text at a time. Dropping it ends the program that speaks.
#[derive(Debug)]
pub struct Speaker(Worker<Speech>);

#[derive(Debug)]
struct Speech {
    text: String,
    language: String,
}

impl Speaker {
    /// Speaks with `command`, a program and its arguments. Two more arguments are put behind them:
    /// the text, and its language as a BCP 47 tag such as `de` or `pt-BR`. The text is on the
    /// standard input too, for programs that would take it for an option.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is no such program, and
    /// [`io::ErrorKind::PermissionDenied`] when it must not be run.
    pub fn new(command: Vec<String>) -> io::Result<Self> {
        Self::with_limit(command, TIME_MAX)
    }

    fn with_limit(command: Vec<String>, limit: Duration) -> io::Result<Self> {
        let program = command.first().map(String::as_str).unwrap_or_default();
        find(program)?;
        let work = move |speech: Speech, slot: &Slot<Speech>| speak(&command, &speech, limit, slot);
        Worker::start("speech", work).map(Self)
    }

    /// Speaks on a thread of its own, in place of what is being spoken.
    ///
    /// # Errors
    /// What has gone wrong with an earlier text; this one is spoken all the same.
    pub fn say(&self, text: &str, language: &str) -> io::Result<()> {
        let (text, language) = (cut(text).to_owned(), language.to_owned());
        self.0.hand_over(Speech { text, language })
    }
}

/// The letters that fit into [`TEXT_BYTES_MAX`].
fn cut(text: &str) -> &str {
    let end = (0..=TEXT_BYTES_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

/// Finds a program the way the system does.
fn find(program: &str) -> io::Result<()> {
    let error = |kind, reason| Err(io::Error::new(kind, format!("{program:?} {reason}")));
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let places: Vec<PathBuf> = match program.contains('/') {
        true => vec![PathBuf::from(program)],
        false => std::env::split_paths(&paths).map(|dir| dir.join(program)).collect(),
    };
    let file = |path: &&PathBuf| !program.is_empty() && path.is_file();
    let Some(path) = places.iter().find(file) else {
        return error(io::ErrorKind::NotFound, "is not installed");
    };
    if !executable(path)? {
        return error(io::ErrorKind::PermissionDenied, "must not be run, make it executable");
    }
    Ok(())
}

fn executable(path: &Path) -> io::Result<bool> {
    Ok(path.metadata()?.permissions().mode() & 0o111 != 0)
}

fn speak(
    command: &[String],
    speech: &Speech,
    limit: Duration,
    slot: &Slot<Speech>,
) -> io::Result<()> {
    let named = |error: io::Error| {
        let program = command.first().map(String::as_str).unwrap_or_default();
        io::Error::new(error.kind(), format!("{program:?}: {error}"))
    };
    let mut child = start(command, speech).map_err(named)?;
    let ended = wait(&mut child, limit, slot);
    if !matches!(ended, Ok(Ended::Itself(_))) {
        end(&mut child).map_err(named)?;
    }
    match ended.map_err(named)? {
        Ended::Itself(true) | Ended::Replaced => Ok(()),
        Ended::Itself(false) => Err(named(io::Error::other("has failed"))),
        Ended::TooLong => {
            let reason = format!("has spoken for more than {limit:?}");
            Err(named(io::Error::new(io::ErrorKind::TimedOut, reason)))
        }
    }
}

/// How speaking came to an end.
enum Ended {
    /// The program is over: with or without success.
    Itself(bool),
    /// There is something newer to say, or nothing more.
    Replaced,
    TooLong,
}

/// The program and what it starts are a group of their own, so that they end together.
fn start(command: &[String], speech: &Speech) -> io::Result<Child> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let environment = ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    let mut child = Command::new(program)
        .args(arguments)
        .args([&speech.text, &speech.language])
        .env_clear()
        .envs(environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // A program that does not read has the text as an argument.
        let _ = input.write_all(speech.text.as_bytes());
    }
    Ok(child)
}

fn wait(child: &mut Child, limit: Duration, slot: &Slot<Speech>) -> io::Result<Ended> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended::Itself(status.success()));
        }
        if start.elapsed() >= limit {
            return Ok(Ended::TooLong);
        }
        if !slot.wait(LOOK_EVERY) {
            return Ok(Ended::Replaced);
        }
    }
}

/// Ends the program and what it has started, and waits until its sound device is free.
fn end(child: &mut Child) -> io::Result<()> {
    // A group that is gone already needs no signal.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    for _ in 0..END_LOOKS_MAX {
        if child.try_wait()?.is_some() {
            return Ok(());
        }
        std::thread::sleep(END_LOOK_EVERY);
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "cannot be ended"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Long enough for any machine.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// A speaker that runs `script` in a directory of its own.
    fn speaker(script: &str) -> (Speaker, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("temporary directory");
        let program = dir.path().join("speak");
        fs::write(&program, format!("cd '{}'\n{script}\n", dir.path().display())).expect("writes");
        let command = ["/bin/sh", &program.to_string_lossy(), "--voice", "clear"];
        (Speaker::new(command.map(str::to_owned).into()).expect("starts"), dir)
    }

    fn wait_for(path: &Path) -> String {
        let start = Instant::now();
        loop {
            match fs::read_to_string(path) {
                Ok(text) if text.ends_with('\n') => return text,
                _ => assert!(start.elapsed() < PATIENCE, "{} never came", path.display()),
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_text_is_an_argument_and_the_input() {
        let script = r#"(printf '%s|' "$@"; cat; echo) > part; mv part said"#;
        let (speaker, dir) = speaker(script);
        speaker.say("Bitte: 5 € $(id) 'x'", "de").expect("speaks");
        let said = wait_for(&dir.path().join("said"));
        let text = "Bitte: 5 € $(id) 'x'";
        assert_eq!(said, format!("--voice|clear|{text}|de|{text}\n"));
    }

    #[test]
    fn the_daemons_environment_stays_its_own() {
        let (speaker, dir) = speaker("env > part; mv part said");
        speaker.say("x", "en").expect("speaks");
        let said = wait_for(&dir.path().join("said"));
        let names = said.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name);
        let extra: Vec<&str> = names.filter(|name| !ENVIRONMENT.contains(name)).collect();
        assert!(extra.iter().all(|name| ["PWD", "OLDPWD", "_", "SHLVL"].contains(name)), "{said}");
    }

    #[test]
    fn the_newest_text_ends_the_one_before_with_all_it_has_started() {
        let script = r#"case "$3" in
            first) sleep 3600 & echo $! > part; mv part first; wait ;;
            *) echo said > part; mv part second ;;
            esac"#;
        let (speaker, dir) = speaker(script);
        speaker.say("first", "en").expect("speaks");
        let sleeper = wait_for(&dir.path().join("first"));
        speaker.say("second", "en").expect("speaks");
        wait_for(&dir.path().join("second"));
        let stat = PathBuf::from(format!("/proc/{}/stat", sleeper.trim()));
        let start = Instant::now();
        // What its parent has not collected yet is a zombie.
        while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z")) {
            assert!(start.elapsed() < PATIENCE, "still speaking");
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_goes_wrong_is_told() {
        let missing = Speaker::new(vec!["no-such-synthesiser".to_owned()]).expect_err("missing");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert!(missing.to_string().contains("is not installed"), "{missing}");
        assert!(Speaker::new(Vec::new()).is_err());
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        let plain = Speaker::new(vec![file.path().display().to_string()]).expect_err("no program");
        assert_eq!(plain.kind(), io::ErrorKind::PermissionDenied);
        let (speaker, _dir) = speaker("exit 3");
        let start = Instant::now();
        let error = loop {
            if let Err(error) = speaker.say("x", "en") {
                break error;
            }
            assert!(start.elapsed() < PATIENCE, "the error never came");
            std::thread::sleep(LOOK_EVERY * 3);
        };
        assert!(error.to_string().ends_with("has failed"), "{error}");
    }

    #[test]
    fn a_program_that_never_ends_is_ended() {
        let command = ["/bin/sh", "-c", "sleep 3600 & wait"].map(str::to_owned).into();
        let speaker = Speaker::with_limit(command, Duration::from_millis(10)).expect("starts");
        speaker.say("x", "en").expect("speaks");
        let start = Instant::now();
        while speaker.0.slot.lock().failed.is_none() {
            assert!(start.elapsed() < PATIENCE, "is still speaking");
            std::thread::yield_now();
        }
        let error = speaker.say("x", "en").expect_err("was too long");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        let (speaker, dir) = speaker(r#"(printf '%s' "$3" | wc -c) > part; mv part said"#);
        speaker.say(&"ä".repeat(2000), "de").expect("speaks");
        assert_eq!(wait_for(&dir.path().join("said")).trim(), "1024");
        assert_eq!(cut(&format!("x{}", "ä".repeat(2000))).len(), 1023);
        assert_eq!((cut("ä"), cut("")), ("ä", ""));
    }
}
