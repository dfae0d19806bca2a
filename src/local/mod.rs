//! Unix sockets beside the database: making them, whom they are open to, and who is at the other
//! end.
//!
//! The system's word for who somebody is is believed. Knows nothing of what is said over a socket
//! and of what anybody may do.

mod accounts;

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// For the daemon's user alone.
const MODE_PRIVATE: u32 = 0o600;
/// For the daemon's user and a group.
const MODE_GROUP: u32 = 0o660;
/// The superuser.
const ROOT: u32 = 0;

/// The process has one mask for new files, so sockets are made one at a time.
static MASK: Mutex<()> = Mutex::new(());

/// Somebody of this machine, as the system knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The system's number.
    pub uid: u32,
    /// The system's name; the number where it has none.
    pub name: String,
}

impl Person {
    /// Who has opened the other end of `stream`.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn behind(stream: &tokio::net::UnixStream) -> io::Result<Self> {
        Ok(Self::of(uid_behind(stream)?))
    }

    /// The user with this number. Reads the system's list of users.
    pub fn of(uid: u32) -> Self {
        Self { uid, name: user_name(uid) }
    }

    /// Whether it is the daemon's own user or the superuser, who can read all of its files anyway.
    pub fn is_owner(&self) -> bool {
        is_owner(self.uid)
    }
}

/// The system's number of whoever has opened the other end of `stream`; reads no file.
///
/// # Errors
/// When the system does not say.
pub fn uid_behind(stream: &tokio::net::UnixStream) -> io::Result<u32> {
    Ok(stream.peer_cred()?.uid())
}

/// As [`Person::is_owner`], of a user's number.
pub fn is_owner(uid: u32) -> bool {
    uid == ROOT || uid == rustix::process::geteuid().as_raw()
}

/// The system's name of the user with this number; the number where it has none.
pub fn user_name(uid: u32) -> String {
    accounts::user_name(uid).unwrap_or_else(|| uid.to_string())
}

/// The system's name of the group with this number; the number where it has none.
pub fn group_name(gid: u32) -> String {
    accounts::group_name(gid).unwrap_or_else(|| gid.to_string())
}

/// The file beside the database at `store` whose name ends in `suffix`.
pub fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes the socket at `path`, to be used without blocking, for the daemon's user and the members
/// of `group`. A socket that a dead daemon has left behind is taken over; whoever can open the
/// database's lock is the only daemon there is. A group that does not exist is an error in the log,
/// and the socket is the daemon's user's alone.
///
/// # Errors
/// When it cannot be made, something else stands in its place, or another daemon answers on it.
pub fn bind(path: &Path, group: Option<&str>) -> io::Result<UnixListener> {
    take_over(path)?;
    let listener = {
        // Nobody else may connect, not even in the moment before its permissions could be set.
        let one = MASK.lock().unwrap_or_else(PoisonError::into_inner);
        let private = rustix::fs::Mode::from_raw_mode(0o777 & !MODE_PRIVATE);
        let before = rustix::process::umask(private);
        let listener = UnixListener::bind(path);
        rustix::process::umask(before);
        drop(one);
        listener?
    };
    listener.set_nonblocking(true)?;
    if let Some(group) = group
        && let Err(why) = open_to(path, group)
    {
        let socket = path.display();
        tracing::error!(%why, group, %socket, "the socket is for the daemon's user alone");
    }
    Ok(listener)
}

fn take_over(path: &Path) -> io::Result<()> {
    let Ok(found) = std::fs::symlink_metadata(path) else { return Ok(()) };
    let in_use = |why| Err(io::Error::new(io::ErrorKind::AddrInUse, why));
    if !found.file_type().is_socket() {
        return in_use("something that is no socket stands in its place");
    }
    if UnixStream::connect(path).is_ok() {
        return in_use("another daemon answers on it");
    }
    std::fs::remove_file(path)
}

/// Lets the members of `group` in; first it is theirs, and only then open to its group.
fn open_to(path: &Path, group: &str) -> io::Result<()> {
    let Some(number) = accounts::group_number(group) else {
        let why = "there is no such group in /etc/group; make it, or correct console.group";
        return Err(io::Error::new(io::ErrorKind::NotFound, why));
    };
    // A service that may not change owners has the group from its start.
    if std::fs::symlink_metadata(path)?.gid() != number {
        std::os::unix::fs::lchown(path, None, Some(number))?;
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE_GROUP))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).expect("the socket").permissions().mode() & 0o777
    }

    #[test]
    fn a_dead_socket_is_taken_over_and_a_live_one_is_not() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let path = beside(&directory.path().join("t.sqlite"), ".x");
        let first = bind(&path, None).expect("a socket");
        assert_eq!(mode(&path), MODE_PRIVATE);
        let refused = bind(&path, None).expect_err("it is alive");
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        drop(first);
        bind(&path, None).expect("taken over");
        std::fs::remove_file(&path).expect("removed");
        std::fs::write(&path, "no socket").expect("a file");
        bind(&path, None).expect_err("a file is not taken away");
        assert_eq!(std::fs::read(&path).expect("still there"), b"no socket");
    }

    #[test]
    fn without_its_group_a_socket_stays_private() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let path = directory.path().join("socket");
        let _listener = bind(&path, Some("no-such-group-of-this-machine")).expect("a socket");
        assert_eq!(mode(&path), MODE_PRIVATE);
    }
}
