//! The real store on a disk that fails and forgets, beside the model that says what must be on it.
//!
//! A power cut comes at any write or sync, and what was not synced is there, gone or torn. Whatever
//! [`Store::commit`] has promised must be found; a commit that was under way, or that has failed,
//! may be found wholly or not at all, and then the world goes on from there.

use super::terminal::Disk;
use crate::vfs::{self, Fault, Unsynced};
use klarna_terminald::payment::Step;
use klarna_terminald::store::Store;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// The database in its directory.
pub const NAME: &str = "journal.sqlite";
/// Operations of the disk that are remembered; more than a checkpoint of a full log.
const OPS_MAX: usize = 4000;

pub struct Faulty {
    directory: TempDir,
    pub disk: Arc<vfs::Disk>,
    store: Option<Store>,
    /// What was under way or has failed since the last commit that was promised; the log may hold
    /// any one of them, because each was made from what was promised.
    unsure: Vec<Step>,
    /// Operations of the disk before the last commit, or before it was opened.
    pub before: usize,
}

impl Faulty {
    /// An empty database.
    pub fn new() -> Self {
        Self::begin(tempfile::tempdir().expect("a directory"))
    }

    /// Whatever database is in `directory`.
    pub fn begin(directory: TempDir) -> Self {
        let disk = vfs::watch_from(directory.path());
        let before = disk.len();
        let store = Some(open(directory.path()));
        Self { directory, disk, store, unsure: Vec::new(), before }
    }

    /// Whether `step` is durable now.
    pub fn commit(&mut self, step: &Step, fault: Option<Fault>) -> bool {
        if self.disk.len() > OPS_MAX {
            self.disk.settle(self.directory.path());
        }
        self.before = self.disk.len();
        self.disk.fail(fault);
        let done = self.store.as_mut().expect("it is open").commit(step).is_ok();
        self.disk.fail(None);
        match done {
            true => self.unsure.clear(),
            false => self.unsure.push(step.clone()),
        }
        done
    }

    /// The power fails while `step` is being committed, before its write or sync number `at`; after
    /// it, if it has fewer.
    pub fn cut_within(&mut self, step: &Step, at: usize, seed: u64) {
        let mut unsure = std::mem::take(&mut self.unsure);
        unsure.push(step.clone());
        self.commit(step, None);
        self.unsure = unsure;
        let end = (self.before + at).min(self.disk.len());
        self.cut(end, Unsynced::Random(seed));
    }

    /// The power fails while nothing is being written.
    pub fn cut_now(&mut self, seed: u64) {
        self.cut(self.disk.len(), Unsynced::Random(seed));
    }

    /// The process ends, and the files are as it has left them.
    pub fn kill(&mut self) {
        self.cut(self.disk.len(), Unsynced::Whole);
    }

    /// The power fails before the disk's operation number `end`.
    pub fn cut(&mut self, end: usize, unsynced: Unsynced) {
        let (files, _) = self.disk.after_power_cut(end, unsynced);
        drop(self.store.take());
        vfs::unwatch(&self.disk);
        self.disk = vfs::watch_from(files.path());
        self.directory = files;
        self.before = 0;
    }

    /// Opens it again. `model` is what must be on it; if more is there, it is what was unsure.
    pub fn reopen(&mut self, model: &mut Disk) {
        drop(self.store.take());
        let store = self.store.insert(open(self.directory.path()));
        let there = self.unsure.drain(..).find(|step| {
            let mut with = model.copy();
            with.commit(step);
            holds(store, &with)
        });
        if let Some(step) = there {
            model.commit(&step);
        }
        assert!(holds(store, model), "the store is not what was committed");
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        vfs::unwatch(&self.disk);
    }
}

fn open(directory: &Path) -> Store {
    Store::open(&directory.join(NAME)).expect("the store opens")
}

/// Whether the store says what the model says.
fn holds(store: &Store, model: &Disk) -> bool {
    let reader = store.reader().expect("a reader");
    let queued: Vec<_> = model.queued.values().cloned().collect();
    let refused: Vec<_> = model.refused.values().cloned().collect();
    let found = reader.refused().expect("rows");
    let found: Vec<_> = found.into_iter().map(|row| (row.call, row.refusal)).collect();
    reader.queued().expect("rows") == queued
        && found == refused
        && reader.all_records().expect("records") == model.records
        && reader.open_records().expect("records") == model.open_records()
}
