//! What beside the picture draws attention: light, sound and speech.
//!
//! All of it is optional, and none of it holds up a payment or fails one: what takes time runs on a
//! thread of its own, and an error is for the log, once. Knows no screens and no payments; it is
//! told what to do.

pub mod light;
pub mod sound;
pub mod speech;

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest attribute that is read, in bytes: the kernel's are at most a page long.
const ATTRIBUTE_BYTES_MAX: u64 = 4096;

/// Reads an attribute of a device below `/sys`, without the line's end.
///
/// # Errors
/// The system's, with the attribute's path.
fn read_attribute(dir: &Path, name: &str) -> io::Result<String> {
    let path = dir.join(name);
    let named = |error| with_path(&path, error);
    let file = OpenOptions::new().read(true).open(&path).map_err(named)?;
    let mut text = String::new();
    file.take(ATTRIBUTE_BYTES_MAX).read_to_string(&mut text).map_err(named)?;
    Ok(text.trim().to_owned())
}

/// Reads an attribute that is a number of 0 or more.
///
/// # Errors
/// As [`read_attribute`]; [`io::ErrorKind::InvalidData`] for anything else.
fn read_number(dir: &Path, name: &str) -> io::Result<u32> {
    let text = read_attribute(dir, name)?;
    text.parse().map_err(|_| {
        let reason = format!("{text:?} is no number");
        with_path(&dir.join(name), io::Error::new(io::ErrorKind::InvalidData, reason))
    })
}

/// Sets an attribute of a device below `/sys`, which must exist.
///
/// # Errors
/// The system's, with the attribute's path.
fn write_attribute(dir: &Path, name: &str, value: impl ToString) -> io::Result<()> {
    let path = dir.join(name);
    let named = |error| with_path(&path, error);
    let mut file = OpenOptions::new().write(true).truncate(true).open(&path).map_err(named)?;
    file.write_all(value.to_string().as_bytes()).map_err(named)
}

fn with_path(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// A thread that does one thing at a time, and drops what it does for something newer.
#[derive(Debug)]
struct Worker<T> {
    slot: Arc<Slot<T>>,
    thread: Option<JoinHandle<()>>,
}

/// Room for the one thing that is to be done next.
#[derive(Debug)]
struct Slot<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    next: Option<T>,
    failed: Option<io::Error>,
    finished: bool,
}

impl<T: Send + 'static> Worker<T> {
    /// Starts a thread that calls `work` for each thing.
    ///
    /// # Errors
    /// When the system gives no thread.
    fn start(
        name: &str,
        mut work: impl FnMut(T, &Slot<T>) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let state = Mutex::new(State { next: None, failed: None, finished: false });
        let slot = Arc::new(Slot { state, changed: Condvar::new() });
        let theirs = slot.clone();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            while let Some(next) = theirs.take() {
                if let Err(error) = work(next, &theirs) {
                    theirs.lock().failed = Some(error);
                }
            }
        })?;
        Ok(Self { slot, thread: Some(thread) })
    }

    /// Hands over what is to be done at once, in place of everything handed over before.
    ///
    /// # Errors
    /// What has gone wrong since the last call; the new thing is handed over all the same.
    fn hand_over(&self, next: T) -> io::Result<()> {
        let mut state = self.slot.lock();
        state.next = Some(next);
        self.slot.changed.notify_one();
        state.failed.take().map_or(Ok(()), Err)
    }
}

impl<T> Drop for Worker<T> {
    /// Waits until the thread has put down what it does.
    fn drop(&mut self) {
        self.slot.lock().finished = true;
        self.slot.changed.notify_one();
        // A thread that has panicked has nothing left to put down.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl<T> Slot<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next thing; `None` once there will be no more.
    fn take(&self) -> Option<T> {
        let idle = |state: &mut State<T>| state.next.is_none() && !state.finished;
        let waited = self.changed.wait_while(self.lock(), idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.finished { None } else { state.next.take() }
    }

    /// Waits for `time`, or less when there is something newer or the end has come: then `false`.
    fn wait(&self, time: Duration) -> bool {
        let idle = |state: &mut State<T>| state.next.is_none() && !state.finished;
        let waited = self.changed.wait_timeout_while(self.lock(), time, idle);
        waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// A directory of plain files in place of a device's attributes.
    pub(super) fn device(attributes: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("temporary directory");
        for (name, value) in attributes {
            std::fs::write(dir.path().join(name), format!("{value}\n")).expect("writes");
        }
        dir
    }

    #[test]
    fn attributes_are_set_but_never_made() {
        let dir = device(&[("brightness", "100"), ("text", "bright")]);
        write_attribute(dir.path(), "brightness", 7).expect("writes");
        assert_eq!(read_number(dir.path(), "brightness").expect("reads"), 7);
        let error = write_attribute(dir.path(), "missing", 7).expect_err("is not there");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("missing: "), "{error}");
        let error = read_number(dir.path(), "text").expect_err("no number");
        assert!(error.to_string().ends_with("\"bright\" is no number"), "{error}");
    }

    #[test]
    fn the_newest_thing_ends_the_one_before() {
        let (tell, told) = mpsc::channel();
        let worker = Worker::start("test", move |number: u32, slot| {
            let complete = slot.wait(Duration::from_secs(if number == 1 { 3600 } else { 0 }));
            let _ = tell.send((number, complete));
            Err(io::Error::other(format!("number {number}")))
        });
        let worker = worker.expect("starts");
        worker.hand_over(1).expect("nothing has failed yet");
        while worker.slot.lock().next.is_some() {
            std::thread::yield_now();
        }
        worker.hand_over(2).expect("nothing has failed yet");
        assert_eq!(told.recv(), Ok((1, false)));
        assert_eq!(told.recv(), Ok((2, true)));
        while worker.slot.lock().failed.as_ref().is_none_or(|e| e.to_string() != "number 2") {
            std::thread::yield_now();
        }
        let error = worker.hand_over(3).expect_err("the second has failed");
        assert_eq!(error.to_string(), "number 2");
        drop(worker);
    }
}
