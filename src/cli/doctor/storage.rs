//! The directory that payments are recorded in: whether it can be written, how much room it has,
//! whether what is written there survives a power cut, and how long that takes.
//!
//! The file that it writes has lost its name before the first byte; nothing of it stays.

use super::Subject;
use super::device::{Wrong, may};
use super::finding::Finding;
use crate::local;
use rustix::fs::{Access, StatVfsMountFlags, statfs, statvfs};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

const NAME: &str = "storage";
const ROOM: &str = "free space";
const KIND: &str = "file system";
const PACE: &str = "disk";

const MIB: u64 = 1024 * 1024;
/// Below it a shop should make room: a snapshot needs more than the half of it.
const FREE_GOOD: u64 = 100 * MIB;
/// Below it no snapshot can be made, and soon no payment be recorded.
const FREE_MIN: u64 = 20 * MIB;
/// What is written at a time, in bytes, and how often: about what a sale takes.
const BLOCK_LEN: usize = 4096;
const BLOCKS: usize = 32;
/// A disk that takes longer for all of it is slow enough; the rest is not waited for.
const WRITING_MAX: Duration = Duration::from_secs(8);
/// A commit that takes longer is felt at the till.
const WRITE_GOOD: Duration = Duration::from_millis(50);

/// The directory of the database, or the service's own where the configuration names none.
pub(super) fn check(subject: &Subject) -> Vec<Finding> {
    let Some(directory) = subject.directory() else {
        let remedy = "correct the configuration, or set STATE_DIRECTORY";
        return vec![Finding::skip(NAME, "no directory is known", remedy)];
    };
    match there(&directory) {
        Ok(text) => {
            vec![Finding::ok(NAME, text), room(&directory), kind(&directory), pace(&directory)]
        }
        Err(wrong) => vec![wrong.failure(NAME)],
    }
}

fn there(directory: &Path) -> Result<String, Wrong> {
    let shown = directory.display();
    let user = local::user_name(rustix::process::geteuid().as_raw());
    let found = fs::metadata(directory).map_err(|error| {
        let remedy = format!("install -d -m 700 -o {user} {shown}, or correct store.path");
        Wrong::new(format!("{shown}: {error}"), remedy)
    })?;
    if !found.is_dir() {
        return Err(Wrong::new(format!("{shown} is no directory"), "correct store.path"));
    }
    let (owner, group) = (local::user_name(found.uid()), local::group_name(found.gid()));
    let mode = found.mode() & 0o7777;
    match may(directory, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
        true => Ok(format!("{shown} can be written (of {owner}:{group}, mode {mode:04o})")),
        false => Err(Wrong::new(
            format!("{shown} may not be written by {user} (of {owner}:{group}, mode {mode:04o})"),
            "run this as the service's user; if that is who you are, chown the directory",
        )),
    }
}

fn room(directory: &Path) -> Finding {
    let disk = match statvfs(directory) {
        Ok(disk) => disk,
        Err(error) => return Finding::fail(ROOM, error.to_string(), "look at the disk"),
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let found = format!("{} MiB are free", free / MIB);
    let remedy = "make room: journalctl --vacuum-size=50M, remove what others have left";
    if free >= FREE_GOOD {
        Finding::ok(ROOM, found)
    } else if free >= FREE_MIN {
        Finding::warn(ROOM, found, remedy)
    } else {
        Finding::fail(ROOM, found, remedy)
    }
}

/// Kinds of file systems (`include/uapi/linux/magic.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// In memory: gone after a power cut.
    Memory,
    /// Two file systems over each other; the upper one may be in memory.
    Overlay,
    /// On another machine: locks and syncs mean something else there.
    Remote,
    /// Made for cameras: no permissions, and easily damaged by a power cut.
    Fat,
    /// What a disk has.
    Local,
}

impl Kind {
    fn of(magic: u32) -> Self {
        match magic {
            0x0102_1994 | 0x8584_58f6 => Self::Memory,
            0x794c_7630 => Self::Overlay,
            0x6969 | 0xff53_4d42 | 0xfe53_4d42 | 0x0102_1997 | 0x6573_5546 => Self::Remote,
            0x4d44 | 0x2011_bab0 => Self::Fat,
            _ => Self::Local,
        }
    }
}

fn kind(directory: &Path) -> Finding {
    let (magic, flags) = match (statfs(directory), statvfs(directory)) {
        // The kernel's number has 32 bits, whatever its type is on this machine.
        (Ok(found), Ok(flags)) => (found.f_type as u32, flags.f_flag),
        (Err(error), _) | (_, Err(error)) => {
            return Finding::fail(KIND, error.to_string(), "look at the disk");
        }
    };
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let real = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    let found = mount(&mounts, &real).unwrap_or_else(|| format!("kind {magic:#x}"));
    if flags.contains(StatVfsMountFlags::RDONLY) {
        let remedy = "mount it for writing; after an error of the disk, replace that first (dmesg)";
        return Finding::fail(KIND, format!("{found}, mounted read-only"), remedy);
    }
    let partition = "mount a partition of the disk (ext4) there, or set store.path to one";
    match Kind::of(magic) {
        Kind::Local => Finding::ok(KIND, found),
        Kind::Memory => Finding::fail(KIND, format!("{found}: gone after a power cut"), partition),
        Kind::Overlay => {
            Finding::warn(KIND, format!("{found}: perhaps gone after a power cut"), partition)
        }
        Kind::Remote => {
            Finding::fail(KIND, format!("{found}: not on a disk of this machine"), partition)
        }
        Kind::Fat => {
            Finding::warn(KIND, format!("{found}: a power cut can damage it as a whole"), partition)
        }
    }
}

/// `ext4 on /dev/mmcblk0p3`, of the mount that `directory` is in: the longest, of these the last.
fn mount(mounts: &str, directory: &Path) -> Option<String> {
    let entries = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        let (device, point, kind) = (fields.next()?, fields.next()?, fields.next()?);
        // A blank in a name is written as an octal number (proc_mounts(5)).
        let point = point.replace("\\040", " ");
        directory.starts_with(&point).then_some((point.len(), device, kind))
    });
    let (_, device, kind) = entries.max_by_key(|(length, ..)| *length)?;
    Some(format!("{kind} on {device}"))
}

fn pace(directory: &Path) -> Finding {
    match written(directory) {
        Ok(times) => pace_of(times),
        Err(error) => {
            let remedy = "look at the kernel's log (dmesg); a worn card fails like this";
            Finding::fail(PACE, format!("cannot be written: {error}"), remedy)
        }
    }
}

fn pace_of(mut times: Vec<Duration>) -> Finding {
    times.sort_unstable();
    let (Some(worst), Some(median)) = (times.last().copied(), times.get(times.len() / 2).copied())
    else {
        return Finding::skip(PACE, "nothing was written", "try again");
    };
    let ms = |time: Duration| format!("{}.{} ms", time.as_millis(), time.as_micros() / 100 % 10);
    let (count, median_ms, worst_ms) = (times.len(), ms(median), ms(worst));
    let found =
        format!("4 KiB written and synced {count} times: median {median_ms}, worst {worst_ms}");
    match median > WRITE_GOOD {
        false => Finding::ok(PACE, found),
        true => {
            let remedy = "each sale waits for some of these: use a better card, or stop who writes";
            Finding::warn(PACE, found, remedy)
        }
    }
}

/// How long each block took until it was on the disk.
fn written(directory: &Path) -> std::io::Result<Vec<Duration>> {
    let path = directory.join(format!(".doctor-{}", std::process::id()));
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
    fs::remove_file(&path)?;
    let (begun, block) = (Instant::now(), [0x5a; BLOCK_LEN]);
    let mut times = Vec::with_capacity(BLOCKS);
    while times.len() < BLOCKS && begun.elapsed() < WRITING_MAX {
        let started = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays_of_what_is_written() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let times = written(directory.path()).expect("written");
        assert!((1..=BLOCKS).contains(&times.len()));
        assert_eq!(fs::read_dir(directory.path()).expect("a list").count(), 0);
    }

    #[test]
    fn a_slow_disk_is_told_by_its_median() {
        let ms = Duration::from_millis;
        let quick = pace_of(vec![ms(900), ms(1), ms(2), ms(3), ms(3)]).text(false);
        assert!(quick.starts_with("ok") && quick.contains("median 3.0 ms, worst 900.0 ms"));
        let slow = pace_of(vec![ms(51), ms(51), ms(1)]).text(false);
        assert!(slow.starts_with("warn") && slow.contains("median 51.0 ms"), "{slow}");
        assert!(pace_of(Vec::new()).text(false).starts_with("skip"));
    }

    #[test]
    fn the_mount_of_a_directory_is_the_longest_one() {
        let mounts = "/dev/root / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n\
                      /dev/mmcblk0p3 /var/lib ext4 rw 0 0\n/dev/sda1 /my\\040disk vfat rw 0 0\nx\n";
        let at = |path: &str| mount(mounts, Path::new(path)).expect("a mount");
        assert_eq!(at("/var/lib/klarna-terminald"), "ext4 on /dev/mmcblk0p3");
        assert_eq!(at("/var/library"), "ext4 on /dev/root");
        assert_eq!(at("/run/x"), "tmpfs on tmpfs");
        assert_eq!(at("/my disk/x"), "vfat on /dev/sda1");
        assert_eq!(mount("", Path::new("/")), None);
    }

    #[test]
    fn memory_is_no_storage() {
        assert_eq!(Kind::of(0x0102_1994), Kind::Memory);
        assert_eq!(Kind::of(0x794c_7630), Kind::Overlay);
        assert_eq!(Kind::of(0xef53), Kind::Local);
    }
}
