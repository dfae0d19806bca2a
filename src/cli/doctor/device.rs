//! Whether a device or a file may be used by whoever runs this: there, of the right kind, open to
//! us; and if not, which group or command would help.

use super::finding::Finding;
use crate::local;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

/// Read and write by the owning group.
const GROUP_MAY_USE: u32 = 0o060;

/// What is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) found: String,
    pub(super) remedy: String,
}

impl Wrong {
    pub(super) fn new(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { found: found.into(), remedy: remedy.into() }
    }

    /// As a failure.
    pub(super) fn failure(self, name: &'static str) -> Finding {
        Finding::fail(name, self.found, self.remedy)
    }

    /// As a warning.
    pub(super) fn warning(self, name: &'static str) -> Finding {
        Finding::warn(name, self.found, self.remedy)
    }
}

/// A character device that may be read and written; it is not opened.
///
/// # Errors
/// What is wrong with it.
pub(super) fn character_device(path: &Path, plug_in: &str) -> Result<Metadata, Wrong> {
    let shown = path.display();
    let found = fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Wrong::new(format!("{shown} is not there"), plug_in),
        _ => Wrong::new(format!("{shown}: {error}"), plug_in),
    })?;
    if !found.file_type().is_char_device() {
        let remedy = "name a character device below /dev in the configuration";
        return Err(Wrong::new(format!("{shown} is no device"), remedy));
    }
    match may(path, Access::READ_OK | Access::WRITE_OK) {
        true => Ok(found),
        false => Err(forbidden(path, &found)),
    }
}

/// A file, such as one below /sys, that may be written; it is not opened.
///
/// # Errors
/// What is wrong with it.
pub(super) fn writable(path: &Path, missing: &str) -> Result<Metadata, Wrong> {
    let shown = path.display();
    let found =
        fs::metadata(path).map_err(|error| Wrong::new(format!("{shown}: {error}"), missing))?;
    match may(path, Access::WRITE_OK) {
        true => Ok(found),
        false => Err(forbidden(path, &found)),
    }
}

/// Whether this process may do so, by its effective user and groups.
pub(super) fn may(path: &Path, access: Access) -> bool {
    accessat(CWD, path, access, AtFlags::EACCESS).is_ok()
}

fn forbidden(path: &Path, found: &Metadata) -> Wrong {
    let (shown, mode) = (path.display(), found.permissions().mode() & 0o777);
    let group = local::group_name(found.gid());
    let said = format!("{shown} may not be used (mode {mode:04o}, group {group})");
    let user = local::user_name(rustix::process::geteuid().as_raw());
    let is_for_group = mode & GROUP_MAY_USE == GROUP_MAY_USE && found.gid() != 0;
    let remedy = match is_for_group {
        true => format!("usermod -aG {group} {user}, then start the service again"),
        false => format!("give it a group by a udev rule, and add {user} to that group"),
    };
    Wrong::new(said, remedy)
}

/// The first line of a file below /sys or /proc, without blanks at its ends.
pub(super) fn line(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().next().map(|line| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_device_is_said_to_be_none() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let wrong = character_device(directory.path(), "plug it in").expect_err("a directory");
        assert!(wrong.found.ends_with("is no device"), "{wrong:?}");
        let missing = directory.path().join("ttyUSB7");
        let wrong = character_device(&missing, "plug it in").expect_err("nothing");
        assert_eq!(
            (wrong.found.ends_with("is not there"), wrong.remedy.as_str()),
            (true, "plug it in")
        );
        character_device(Path::new("/dev/null"), "").expect("everybody may use it");
    }

    #[test]
    fn who_is_not_let_in_is_told_the_group() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let path = directory.path().join("device");
        fs::write(&path, "").expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
        let found = fs::metadata(&path).expect("found");
        let wrong = forbidden(&path, &found);
        assert!(wrong.found.contains("mode 0600, group "), "{wrong:?}");
        assert!(wrong.remedy.contains("udev rule"), "its group may not use it: {wrong:?}");
    }
}
