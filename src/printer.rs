//! Ways to a printer: a program such as `lp`, or a receipt printer's own device.
//!
//! Printing blocks and is bounded; the caller gives it a thread. Knows no payments and keeps no
//! queue: what could not be printed is the caller's to offer again.

use crate::receipt::{Columns, Document};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A program that still runs after that is ended, and a device that has taken nothing for so long
/// is given up: whoever waits for paper looks at the printer by then.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Longest that a device may take for all of a document: one line in a second.
pub const DEVICE_TIME_MAX: Duration = Duration::from_secs(120);
/// Most of a program's complaint that is told, in characters.
pub const COMPLAINT_LEN_MAX: usize = 200;

/// Most of a program's complaint that is kept, in bytes: that many characters of any language.
const COMPLAINT_BYTES_MAX: usize = 4 * COMPLAINT_LEN_MAX;
/// From one look whether the program has ended to the next.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often a program that was killed is looked for: a second long, as a driver may hold it.
const END_LOOKS_MAX: u32 = 50;
/// What the program may know of the daemon's environment: how to find programs and print servers.
const ENVIRONMENT: [&str; 5] = ["PATH", "HOME", "LANG", "CUPS_SERVER", "PRINTER"];

/// Where receipts are printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrinterConfig {
    /// A program and its arguments; gets the lines as UTF-8 text on its standard input. No shell
    /// reads them.
    Command(Vec<String>),
    /// A receipt printer's device such as `/dev/usb/lp0`; gets ESC/POS.
    Device(PathBuf),
}

/// Why nothing, or not all, was printed.
#[derive(Debug, thiserror::Error)]
pub enum PrinterError {
    /// The program is not there or must not be run.
    #[error("cannot start {program:?}: {why}; check receipt.printer_command")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        why: io::Error,
    },
    /// The program says that it has not printed.
    #[error("{program:?} has failed ({status}): {said}; put the printer right and print again")]
    Failed {
        /// The program.
        program: String,
        /// How it has ended.
        status: String,
        /// The beginning of what it wrote to its standard error, in one line.
        said: String,
    },
    /// The program was ended because it took too long.
    #[error(
        "{program:?} did not end within {} s and was ended: {said}; look whether the receipt was \
         printed, and print again if not", limit.as_secs()
    )]
    TooSlow {
        /// The program.
        program: String,
        /// How long it may take.
        limit: Duration,
        /// As in [`PrinterError::Failed`].
        said: String,
    },
    /// The device cannot be opened or written to.
    #[error(
        "cannot print on {path}: {why}; look whether the printer is on and connected, and whether \
         receipt.printer_device is its device"
    )]
    Device {
        /// The device.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// The device takes no more; the paper may have a part of the receipt on it.
    #[error(
        "{path} has taken {taken} of {length} bytes and takes no more; look whether the printer \
         has paper and is closed, and print again"
    )]
    Stuck {
        /// The device.
        path: PathBuf,
        /// Bytes that it has taken.
        taken: usize,
        /// Bytes that there are.
        length: usize,
    },
}

/// Prints `document` on paper of `columns`. When it returns `Ok`, the program has ended with
/// success or the device has taken every byte. Blocks for up to [`PATIENCE`] with a program and a
/// little longer than [`DEVICE_TIME_MAX`] with a device.
///
/// # Errors
/// Every [`PrinterError`]; each says what to do.
pub fn print(
    printer: &PrinterConfig,
    document: &Document,
    columns: Columns,
) -> Result<(), PrinterError> {
    match printer {
        PrinterConfig::Command(command) => {
            let mut text = document.lines(columns).join("\n");
            text.push('\n');
            run(command, text.as_bytes(), PATIENCE)
        }
        PrinterConfig::Device(path) => send(path, &document.escpos(columns), PATIENCE),
    }
}

fn run(command: &[String], text: &[u8], limit: Duration) -> Result<(), PrinterError> {
    let program = command.first().cloned().unwrap_or_default();
    let start = |why| PrinterError::Start { program: program.clone(), why };
    let mut child = spawn(command).map_err(start)?;
    let mut said = Vec::new();
    let ended = feed(&mut child, text, &mut said, limit);
    if !matches!(ended, Ok(Some(_))) {
        end(&mut child);
    }
    let (said, program) = (in_one_line(&said), program.clone());
    match ended {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(Some(status)) => {
            let signal = status.signal().map(|signal| format!("signal {signal}"));
            let code = || format!("exit code {}", status.code().unwrap_or_default());
            Err(PrinterError::Failed { program, status: signal.unwrap_or_else(code), said })
        }
        Ok(None) => Err(PrinterError::TooSlow { program, limit, said }),
        Err(why) => Err(PrinterError::Failed { program, status: why.to_string(), said }),
    }
}

/// The program and what it starts are a group of their own, so that they end together.
fn spawn(command: &[String]) -> io::Result<Child> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no program is named"));
    };
    let environment = ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
}

/// Hands the text over and reads what the program says, neither of which may block: a program can
/// wait for the one while we wait for the other. `None` when it takes too long.
fn feed(
    child: &mut Child,
    text: &[u8],
    said: &mut Vec<u8>,
    limit: Duration,
) -> io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    let (mut input, errors) = (child.stdin.take(), child.stderr.take());
    for pipe in [input.as_ref().map(AsFd::as_fd), errors.as_ref().map(AsFd::as_fd)] {
        pipe.map(not_blocking).transpose()?;
    }
    let mut rest = text;
    loop {
        if let Some(pipe) = &input {
            match rustix::io::write(pipe, rest) {
                Ok(taken) => rest = &rest[taken..],
                Err(Errno::AGAIN | Errno::INTR) => {}
                // Whether it has printed without reading everything is for its exit code to say.
                Err(Errno::PIPE) => rest = &[],
                Err(other) => return Err(other.into()),
            }
        }
        if rest.is_empty() {
            input = None;
        }
        let ended = child.try_wait()?;
        if let Some(errors) = &errors {
            listen(errors.as_fd(), said)?;
        }
        if ended.is_some() || start.elapsed() >= limit {
            return Ok(ended);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Everything that is there by now; what is beyond the bound is read and forgotten.
fn listen(errors: BorrowedFd<'_>, said: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 1024];
    // A program that writes faster than it is read waits until the next look.
    for _ in 0..64 {
        match rustix::io::read(errors, &mut buffer) {
            Ok(0) | Err(Errno::AGAIN) => return Ok(()),
            Ok(length) => {
                let room = COMPLAINT_BYTES_MAX.saturating_sub(said.len()).min(length);
                said.extend_from_slice(&buffer[..room]);
            }
            Err(Errno::INTR) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Ok(())
}

fn not_blocking(pipe: BorrowedFd<'_>) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(pipe)?;
    Ok(rustix::fs::fcntl_setfl(pipe, flags | OFlags::NONBLOCK)?)
}

/// Ends the program and what it has started, and collects it.
fn end(child: &mut Child) {
    // A group that is gone already needs no signal.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    for _ in 0..END_LOOKS_MAX {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// For an error's text: no line ends, nothing that a log would choke on.
fn in_one_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let clipped: String = plain.trim().chars().take(COMPLAINT_LEN_MAX).collect();
    if clipped.is_empty() { "it said nothing".to_owned() } else { clipped }
}

/// Writes all bytes to a device, each within `patience` of the one before.
fn send(path: &Path, bytes: &[u8], patience: Duration) -> Result<(), PrinterError> {
    let failed = |why: io::Error| PrinterError::Device { path: path.to_owned(), why };
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let device = File::options().write(true).custom_flags(flags).open(path).map_err(failed)?;
    let (start, mut moved, mut taken) = (Instant::now(), Instant::now(), 0);
    while taken < bytes.len() {
        match rustix::io::write(&device, &bytes[taken..]) {
            Ok(0) | Err(Errno::AGAIN | Errno::INTR) => {}
            Ok(count) => (taken, moved) = (taken + count, Instant::now()),
            Err(other) => return Err(failed(other.into())),
        }
        if moved.elapsed() >= patience || start.elapsed() >= DEVICE_TIME_MAX {
            return Err(PrinterError::Stuck { path: path.to_owned(), taken, length: bytes.len() });
        }
        if taken < bytes.len() {
            wait_for(device.as_fd(), patience.saturating_sub(moved.elapsed())).map_err(failed)?;
        }
    }
    Ok(())
}

/// Until the device takes something again, at the longest for `patience`.
fn wait_for(device: BorrowedFd<'_>, patience: Duration) -> io::Result<()> {
    let timeout = Timespec::try_from(patience).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(&device, PollFlags::OUT)], Some(&timeout)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;
    use crate::receipt::Block;
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::fs;

    /// Short, because these are meant to fail.
    const SHORT: Duration = Duration::from_millis(30);

    fn document() -> Document {
        let pair = |label: &str, value: &str| Block::Pair(label.to_owned(), value.to_owned());
        let blocks = vec![pair("Klarna", "12,34 €"), Block::Emphasis("BEZAHLT".to_owned())];
        Document { title: "S1-T1 000007".to_owned(), lang: Lang::De, blocks }
    }

    fn shell(script: &str) -> Vec<String> {
        ["/bin/sh", "-c", script, "print", "$(id)"].map(str::to_owned).into()
    }

    fn fifo() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("temporary directory");
        let path = folder.path().join("lp0");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
        (folder, path)
    }

    #[test]
    fn a_program_gets_the_lines_and_no_shell_its_arguments() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let path = folder.path().join("printed");
        let mut command = shell("printf '%s\\n' \"$1\" > \"$2\"; cat >> \"$2\"");
        command.push(path.display().to_string());
        print(&PrinterConfig::Command(command), &document(), Columns::C24).expect("prints");
        let printed = fs::read_to_string(path).expect("a file");
        assert_eq!(printed, "$(id)\nKlarna           12,34 €\nBEZAHLT\n");
    }

    #[test]
    fn a_program_that_fails_says_why() {
        let run =
            |script: &str| run(&shell(script), b"x", PATIENCE).expect_err("fails").to_string();
        assert_eq!(
            run("echo 'lp: no such printer' >&2; exit 3"),
            "\"/bin/sh\" has failed (exit code 3): lp: no such printer; put the printer right and \
             print again"
        );
        assert!(run("kill -9 $$").contains("(signal 9): it said nothing;"));
        let long = run("head -c 300000 /dev/zero | tr '\\0' 'x' >&2; exit 1");
        assert_eq!(long.matches('x').count() - "\"/bin/sh\" exit".matches('x').count(), 200);
    }

    #[test]
    fn programs_that_are_not_there_are_told() {
        let told = run(&["no-such-program".to_owned()], b"x", PATIENCE).expect_err("is not there");
        assert!(matches!(told, PrinterError::Start { .. }), "{told}");
        assert!(run(&[], b"x", PATIENCE).is_err());
    }

    #[test]
    fn a_program_may_leave_the_text_unread() {
        run(&shell("exec <&-; exit 0"), &[b'x'; 300_000], PATIENCE).expect("its exit code counts");
    }

    #[test]
    fn a_program_that_never_ends_is_ended_with_all_it_has_started() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let path = folder.path().join("pid");
        let mut command = shell("echo waiting >&2; sleep 3600 & echo $! > \"$2\"; wait");
        command.push(path.display().to_string());
        let mut patience = SHORT;
        // A slow machine may not have started it yet.
        let pid = loop {
            let told = run(&command, &[b'x'; 300_000], patience).expect_err("never ends");
            assert!(matches!(told, PrinterError::TooSlow { .. }), "{told}");
            match fs::read_to_string(&path) {
                Ok(pid) if pid.ends_with('\n') && told.to_string().contains("waiting") => {
                    break pid;
                }
                _ => patience *= 2,
            }
        };
        let stat = format!("/proc/{}/stat", pid.trim());
        // What its parent has not collected yet is a zombie.
        while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z")) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_device_gets_esc_pos() {
        let (_folder, path) = fifo();
        // Opened for both, so that it is there before the printer is.
        let reader = File::options().read(true).write(true).open(&path).expect("a reader");
        print(&PrinterConfig::Device(path), &document(), Columns::C32).expect("prints");
        let mut bytes = vec![0; document().escpos(Columns::C32).len()];
        io::Read::read_exact(&mut &reader, &mut bytes).expect("everything");
        assert_eq!(bytes, document().escpos(Columns::C32));
    }

    #[test]
    fn a_device_that_takes_nothing_is_given_up() {
        let (_folder, path) = fifo();
        let _reader = File::options().read(true).write(true).open(&path).expect("a reader");
        let told = send(&path, &[b'x'; 300_000], SHORT).expect_err("nobody reads");
        let PrinterError::Stuck { taken, length, .. } = told else { panic!("{told}") };
        assert!(taken > 0 && taken < length, "{taken}");
    }

    #[test]
    fn devices_that_are_not_there_are_told_and_never_made() {
        let (folder, path) = fifo();
        for path in [path, folder.path().join("none")] {
            let told = send(&path, b"x", SHORT).expect_err("nobody is there");
            assert!(told.to_string().ends_with("whether receipt.printer_device is its device"));
        }
        assert!(!folder.path().join("none").exists());
    }
}
