//! A disk for SQLite that fails and forgets: every write and sync below a watched directory is
//! noted, can be refused, and can be played back as a power cut would have left it.
//!
//! Unsafe code stands here alone, in tests: SQLite's file layer is a table of C functions, and only
//! from inside it can a write be told from a sync. The real files do the work; four functions of
//! their table are replaced, and what they need lies behind the real file's own memory.
#![allow(unsafe_code)]

use rusqlite::ffi;
use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once, OnceLock};
use tempfile::TempDir;

/// What a disk keeps or loses as one piece.
const SECTOR: usize = 512;

#[derive(Debug, Clone)]
enum Op {
    Write { file: PathBuf, at: usize, bytes: Vec<u8> },
    Truncate { file: PathBuf, len: usize },
    Sync { file: PathBuf },
    Delete { file: PathBuf },
    Mark,
}

/// What a power cut does to what was not synced.
#[derive(Debug, Clone, Copy)]
pub enum Unsynced {
    /// None of it is there.
    Gone,
    /// All of it is there.
    Whole,
    /// Each write is there, is gone or is torn between two sectors; from this seed.
    Random(u64),
}

/// The disk is full.
pub const FULL: c_int = ffi::SQLITE_FULL;
/// The disk does not work.
pub const IO_ERROR: c_int = ffi::SQLITE_IOERR;

/// What happens to the calls from the `from`-th on.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// The first write, truncate or sync that fails, counted from 0.
    pub from: usize,
    /// How many fail.
    pub count: usize,
    /// SQLite's code, such as `SQLITE_FULL`.
    pub code: c_int,
}

#[derive(Debug, Default)]
struct State {
    ops: Vec<Op>,
    calls: usize,
    fault: Option<Fault>,
}

#[derive(Debug, Default)]
pub struct Disk(Mutex<State>);

/// The disk below `directory`, for all databases that are opened there from now on.
pub fn watch(directory: &Path) -> Arc<Disk> {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(register);
    let disk = Arc::new(Disk::default());
    DISKS.lock().unwrap().push((directory.to_owned(), disk.clone()));
    disk
}

/// As [`watch`]; what is in `directory` already is durable.
pub fn watch_from(directory: &Path) -> Arc<Disk> {
    let disk = watch(directory);
    disk.settle(directory);
    disk
}

/// Ends [`watch`] for databases that are opened from now on.
pub fn unwatch(disk: &Arc<Disk>) {
    DISKS.lock().unwrap().retain(|(_, known)| !Arc::ptr_eq(known, disk));
}

static DISKS: Mutex<Vec<(PathBuf, Arc<Disk>)>> = Mutex::new(Vec::new());

impl Disk {
    /// Takes what is in the files of `directory` for durable and forgets how it came there, so that
    /// a long run does not fill the memory.
    pub fn settle(&self, directory: &Path) {
        let mut state = self.0.lock().unwrap();
        state.ops.clear();
        for entry in std::fs::read_dir(directory).expect("it is there").flatten() {
            let (file, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if name.ends_with("-shm") || name.ends_with(".lock") || file.is_dir() {
                continue;
            }
            let bytes = std::fs::read(&file).expect("a file");
            state.ops.push(Op::Write { file: file.clone(), at: 0, bytes });
            state.ops.push(Op::Sync { file });
        }
    }

    /// Something is durable from here on.
    pub fn mark(&self) {
        self.0.lock().unwrap().ops.push(Op::Mark);
    }

    /// Refuses calls from now on; counts them from 0.
    pub fn fail(&self, fault: Option<Fault>) {
        let mut state = self.0.lock().unwrap();
        (state.calls, state.fault) = (0, fault);
    }

    /// How many calls there were since the last [`Disk::fail`].
    pub fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    pub fn len(&self) -> usize {
        self.0.lock().unwrap().ops.len()
    }

    /// The files after a power cut before the operation number `end`, and how many marks there were
    /// before it.
    pub fn after_power_cut(&self, end: usize, mut unsynced: Unsynced) -> (TempDir, usize) {
        let ops = self.0.lock().unwrap().ops[..end].to_vec();
        let mut files: BTreeMap<PathBuf, (Vec<u8>, Vec<Op>)> = BTreeMap::new();
        let mut marks = 0;
        for op in ops {
            match &op {
                Op::Mark => marks += 1,
                Op::Delete { file } => drop(files.remove(file)),
                Op::Sync { file } => {
                    let (bytes, waiting) = files.entry(file.clone()).or_default();
                    waiting.drain(..).for_each(|op| apply(bytes, &op, usize::MAX));
                }
                Op::Write { file, .. } | Op::Truncate { file, .. } => {
                    files.entry(file.clone()).or_default().1.push(op);
                }
            }
        }
        let directory = TempDir::new().expect("temporary directory");
        for (file, (mut bytes, waiting)) in files {
            for op in waiting {
                apply(&mut bytes, &op, kept(&mut unsynced));
            }
            let name = file.file_name().expect("a file");
            std::fs::write(directory.path().join(name), bytes).expect("a copy");
        }
        (directory, marks)
    }

    /// Notes `op`, or says why not.
    fn call(&self, op: Op) -> Result<(), c_int> {
        let mut state = self.0.lock().unwrap();
        let number = state.calls;
        state.calls += 1;
        match state.fault {
            Some(fault) if number >= fault.from && number - fault.from < fault.count => {
                Err(fault.code)
            }
            _ => {
                state.ops.push(op);
                Ok(())
            }
        }
    }
}

/// How many bytes of the next write are there.
fn kept(unsynced: &mut Unsynced) -> usize {
    let Unsynced::Random(seed) = unsynced else {
        return if matches!(unsynced, Unsynced::Whole) { usize::MAX } else { 0 };
    };
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    match (*seed >> 33) as usize % 9 {
        8 => usize::MAX,
        sectors => sectors * SECTOR,
    }
}

/// At most `whole` bytes of `op`.
fn apply(to: &mut Vec<u8>, op: &Op, whole: usize) {
    match op {
        Op::Write { at, bytes, .. } => {
            let bytes = &bytes[..bytes.len().min(whole)];
            if bytes.is_empty() {
                return;
            }
            to.resize(to.len().max(at + bytes.len()), 0);
            to[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        Op::Truncate { len, .. } if whole > 0 => to.truncate(*len),
        Op::Truncate { .. } => {}
        Op::Sync { .. } | Op::Delete { .. } | Op::Mark => {}
    }
}

/// What lies behind the memory of a watched file.
struct Behind {
    real: *const ffi::sqlite3_io_methods,
    file: PathBuf,
    disk: Arc<Disk>,
}

/// The real file layer.
struct Real(*mut ffi::sqlite3_vfs);
// SAFETY: SQLite's own layer is made to be called from every thread, and is never changed.
unsafe impl Send for Real {}
unsafe impl Sync for Real {}
static REAL: OnceLock<Real> = OnceLock::new();

struct Table(ffi::sqlite3_io_methods);
// SAFETY: a table of functions; nobody writes to it.
unsafe impl Send for Table {}
unsafe impl Sync for Table {}
static TABLE: OnceLock<Table> = OnceLock::new();

fn register() {
    // SAFETY: the default layer lives as long as the process; so does the copy, which is leaked.
    unsafe {
        ffi::sqlite3_initialize();
        let real = ffi::sqlite3_vfs_find(std::ptr::null());
        assert!(!real.is_null() && REAL.set(Real(real)).is_ok(), "registered once");
        let mut ours = *real;
        ours.szOsFile = behind_at() as c_int + size_of::<*mut Behind>() as c_int;
        ours.zName = c"forgetful".as_ptr();
        ours.pNext = std::ptr::null_mut();
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        let ours: &'static mut ffi::sqlite3_vfs = Box::leak(Box::new(ours));
        assert_eq!(ffi::sqlite3_vfs_register(ours, 1), ffi::SQLITE_OK);
    }
}

fn real() -> *mut ffi::sqlite3_vfs {
    REAL.get().expect("registered").0
}

fn behind_at() -> usize {
    // SAFETY: the layer lives as long as the process.
    (unsafe { (*real()).szOsFile } as usize).next_multiple_of(16)
}

/// # Safety
/// `file` was opened by [`open`] as a watched one.
unsafe fn behind<'a>(file: *mut ffi::sqlite3_file) -> &'a Behind {
    // SAFETY: `open` has put a pointer to a `Behind` there, which `close` takes away.
    unsafe { &**file.cast::<u8>().add(behind_at()).cast::<*mut Behind>() }
}

/// # Safety
/// As SQLite calls it: `name` is null or ends with a zero.
unsafe fn watched(name: *const c_char) -> Option<(PathBuf, Arc<Disk>)> {
    if name.is_null() {
        return None;
    }
    // SAFETY: as promised.
    let file = PathBuf::from(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes()));
    let disks = DISKS.lock().unwrap();
    let (_, disk) = disks.iter().find(|(directory, _)| file.starts_with(directory))?;
    Some((file, disk.clone()))
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gave `szOsFile` bytes at `file`; the real layer uses its own part in front.
    unsafe {
        let code = (*real()).xOpen.expect("a function")(real(), name, file, flags, out);
        let watched = watched(name).filter(|_| code == ffi::SQLITE_OK);
        let Some((path, disk)) = watched else { return code };
        let table = TABLE.get_or_init(|| {
            let mut table = *(*file).pMethods;
            // Version 2 has no memory-mapped reads and writes behind our back.
            table.iVersion = 2;
            table.xClose = Some(close);
            table.xWrite = Some(write);
            table.xTruncate = Some(truncate);
            table.xSync = Some(sync);
            Table(table)
        });
        let kept = Box::new(Behind { real: (*file).pMethods, file: path, disk });
        *file.cast::<u8>().add(behind_at()).cast::<*mut Behind>() = Box::into_raw(kept);
        (*file).pMethods = &table.0;
        code
    }
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: handed through as it came.
    unsafe {
        if let Some((file, disk)) = watched(name) {
            disk.0.lock().unwrap().ops.push(Op::Delete { file });
        }
        (*real()).xDelete.expect("a function")(real(), name, sync)
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once; nobody uses what lies behind it afterwards.
    unsafe {
        let kept = *file.cast::<u8>().add(behind_at()).cast::<*mut Behind>();
        (*file).pMethods = Box::from_raw(kept).real;
        (*(*file).pMethods).xClose.expect("a function")(file)
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    len: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite hands over `len` bytes; the real function gets what came.
    unsafe {
        let kept = behind(file);
        let copy = std::slice::from_raw_parts(bytes.cast::<u8>(), len as usize).to_vec();
        let op = Op::Write { file: kept.file.clone(), at: at as usize, bytes: copy };
        match kept.disk.call(op) {
            Ok(()) => (*kept.real).xWrite.expect("a function")(file, bytes, len, at),
            Err(code) => code,
        }
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, len: ffi::sqlite3_int64) -> c_int {
    // SAFETY: handed through as it came.
    unsafe {
        let kept = behind(file);
        match kept.disk.call(Op::Truncate { file: kept.file.clone(), len: len as usize }) {
            Ok(()) => (*kept.real).xTruncate.expect("a function")(file, len),
            Err(code) => code,
        }
    }
}

/// The machine stays on, so nothing has to be synced in truth.
unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: the file is one of ours.
    let kept = unsafe { behind(file) };
    match kept.disk.call(Op::Sync { file: kept.file.clone() }) {
        Ok(()) => ffi::SQLITE_OK,
        Err(code) => code,
    }
}
