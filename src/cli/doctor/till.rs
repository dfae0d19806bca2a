//! The till's link: whether the serial line or the address can be used, and whether the running
//! daemon has it. A line that the daemon has is not opened; no till is ever answered.

use super::device::{Wrong, character_device, line};
use super::finding::Finding;
use super::service::Daemon;
use super::{Subject, port};
use crate::pos::LinkSettings;
use rustix::io::Errno;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

const NAME: &str = "till link";

/// Open files of all processes that are looked through for whoever has the line.
const LOOKED_THROUGH_MAX: usize = 100_000;
/// Processes that are named.
const HOLDERS_MAX: usize = 4;
/// How the kernel names the daemon's process: by the first 15 letters (proc_pid_comm(5)).
const OUR_NAME: &str = "klarna-terminal";
/// Where the system names serial lines by what is plugged in.
const BY_ID: &str = "/dev/serial/by-id";

/// The link that the configuration names.
pub(super) fn check(subject: &Subject) -> Vec<Finding> {
    let Some(config) = subject.accepted() else {
        return vec![Finding::skip(NAME, "not known", "correct the configuration first")];
    };
    match &config.till.link {
        LinkSettings::Serial { path, .. } => serial(Path::new(path), subject.daemon),
        LinkSettings::Tcp { listen } => {
            vec![port::check(NAME, "till.listen", *listen, subject.daemon)]
        }
    }
}

fn serial(path: &Path, daemon: Daemon) -> Vec<Finding> {
    let plug_in = format!("plug the adapter in; `ls -l {BY_ID}` lists those that are there");
    let found = character_device(path, &plug_in).and_then(|_| free(path, daemon));
    let mut findings = vec![match found {
        Ok(text) => Finding::ok(NAME, text),
        Err(wrong) => wrong.failure(NAME),
    }];
    findings.extend(unstable(path));
    findings
}

/// Whether the line is the daemon's, or could be.
fn free(path: &Path, daemon: Daemon) -> Result<String, Wrong> {
    let shown = path.display();
    let holders = holders(path);
    let is_foreign = |(_, name): &(u32, String)| match daemon {
        Daemon::Runs => !name.starts_with(OUR_NAME),
        Daemon::Absent | Daemon::Unknown => true,
    };
    if holders.iter().any(is_foreign) {
        return Err(busy(path, &holders));
    }
    match daemon {
        Daemon::Runs => Ok(format!("serial {shown}, the running daemon has it")),
        Daemon::Unknown => Ok(format!("serial {shown}, perhaps the daemon has it")),
        Daemon::Absent => match open(path) {
            Ok(_) => Ok(format!("serial {shown} can be opened")),
            Err(error) if Errno::from_io_error(&error) == Some(Errno::BUSY) => {
                Err(busy(path, &holders))
            }
            Err(error) => {
                let remedy = "look at the kernel's log (dmesg), plug the adapter out and in";
                Err(Wrong::new(format!("{shown} cannot be opened: {error}"), remedy))
            }
        },
    }
}

/// Without waiting for a carrier, and without becoming its controlling terminal.
fn open(path: &Path) -> std::io::Result<fs::File> {
    let flags = rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)
}

fn busy(path: &Path, holders: &[(u32, String)]) -> Wrong {
    let named: Vec<String> =
        holders.iter().map(|(process, name)| format!("{name} (process {process})")).collect();
    let who = if named.is_empty() { "another program".to_owned() } else { named.join(", ") };
    let remedy = "stop it; often it is a login (systemctl disable --now serial-getty@NAME) or \
                  ModemManager";
    Wrong::new(format!("{} is in use by {who}", path.display()), remedy)
}

/// The processes that have the device open, as far as this user may see.
fn holders(path: &Path) -> Vec<(u32, String)> {
    let Ok(device) = fs::canonicalize(path) else { return Vec::new() };
    let mut seen = 0;
    let mut found = Vec::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(number) = process.file_name().to_str().and_then(|it| it.parse::<u32>().ok())
        else {
            continue;
        };
        let files = fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
        let mut targets = files.take(LOOKED_THROUGH_MAX - seen).inspect(|_| seen += 1);
        if targets.any(|file| fs::read_link(file.path()).is_ok_and(|target| target == device)) {
            let name = line(&process.path().join("comm")).unwrap_or_default();
            found.push((number, name));
        }
        if found.len() >= HOLDERS_MAX || seen >= LOOKED_THROUGH_MAX {
            break;
        }
    }
    found
}

/// A name that the kernel gives in the order of plugging in may be another device's tomorrow.
fn unstable(path: &Path) -> Option<Finding> {
    let name = path.file_name()?.to_str()?;
    if !["ttyUSB", "ttyACM"].iter().any(|prefix| name.starts_with(prefix)) {
        return None;
    }
    let remedy = match by_id(path) {
        Some(stable) => format!("till.port = {stable:?} stays the same"),
        None => format!("use a name below {BY_ID}, or give it one by a udev rule (SYMLINK+=)"),
    };
    let found = format!("{} may be another device after the next start", path.display());
    Some(Finding::warn("till's name", found, remedy))
}

fn by_id(path: &Path) -> Option<PathBuf> {
    let device = fs::canonicalize(path).ok()?;
    let links = fs::read_dir(BY_ID).ok()?.flatten().map(|link| link.path());
    links.into_iter().find(|link| fs::canonicalize(link).is_ok_and(|it| it == device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_counts_is_warned_of() {
        assert!(unstable(Path::new("/dev/ttyUSB0")).is_some());
        assert!(unstable(Path::new("/dev/ttyACM1")).is_some());
        assert_eq!(unstable(Path::new("/dev/serial/by-id/usb-1")), None);
        assert_eq!(unstable(Path::new("/dev/ttyS1")), None, "soldered on");
    }
}
