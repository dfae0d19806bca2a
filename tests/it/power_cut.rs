//! The real store on a disk that forgets and fails: after a power cut at any write or sync, all
//! that was committed is there, and the commit under way is there wholly or not at all.

use crate::scenario::disk::Disk as Model;
use crate::scenario::script::Player;
use crate::scenario::world::policy;
use crate::terminal::{Program, Terminal, Wire, sale};
use crate::upgrade::replays;
use crate::vfs::{self, Disk, Fault, Unsynced};
use klarna_terminald::payment::Step;
use klarna_terminald::store::{Reader, Store, StoreError};
use rusqlite::{Connection, ffi};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// Sales with every kind of call, some done, some refused, some that wait, and a shift's end.
const STORY: &[&str] = &[
    "till sale R1 EUR 12.34",
    "create done",
    "seen pending TOKEN",
    "confirm done TX",
    "till ack R1",
    "capture done",
    "till refund C1 R1 EUR 5.00",
    "refund done",
    "till refund C2 R1 EUR 2.00",
    "till sale R2 EUR 8.00",
    "create done",
    "till abort R2",
    "cancel done",
    "till sale R3 SEK 80.00",
    "create refused NO",
    "till end_shift Z1",
    "till sale R4 EUR 7.00",
    "create done",
    "seen pending TOKEN",
    "confirm done TY",
    "till ack R4",
    "till refund C4 R4 EUR 1.00",
    "capture refused NOPE",
];
/// After every so many commits the log is carried into the file.
const CHECKPOINT_EVERY: usize = 6;
/// The engine's steps through the story.
fn steps() -> Vec<Step> {
    let mut disk = Model::model();
    disk.steps = Some(Vec::new());
    let mut player = Player::new(policy(), disk);
    for line in STORY {
        player.play(line).unwrap_or_else(|illegal| panic!("{line}: {illegal:?}"));
    }
    player.world.disk.steps.take().expect("they were kept")
}

fn checkpoint(path: &Path) {
    let connection = Connection::open(path).expect("sqlite");
    connection.query_row("PRAGMA wal_checkpoint", [], |_| Ok(())).expect("a checkpoint");
}

/// What the store must hold after each number of steps.
fn models(steps: &[Step]) -> Vec<Model> {
    let mut model = Model::model();
    let mut models = vec![model.copy()];
    for step in steps {
        model.commit(step);
        models.push(model.copy());
    }
    models
}

/// Whether the store is as it was after exactly these steps.
fn holds(reader: &Reader, model: &Model) -> bool {
    let queued: Vec<_> = model.queued.values().cloned().collect();
    let refused: Vec<_> = model.refused.values().cloned().collect();
    let found: Vec<_> =
        reader.refused().unwrap().into_iter().map(|r| (r.call, r.refusal)).collect();
    let rows = (reader.all_records().unwrap(), reader.queued().unwrap(), found);
    rows == (model.records.clone(), queued, refused)
}

#[test]
fn a_power_cut_at_every_write_and_sync() {
    let directory = TempDir::new().expect("temporary directory");
    let path = directory.path().join("terminal.sqlite");
    let disk = vfs::watch(directory.path());
    let steps = steps();
    assert!(steps.len() >= 20, "{}", steps.len());
    let mut store = Store::open(&path).expect("a new store");
    // Keeps the log from being carried over and deleted whenever a checkpoint's connection closes.
    let _reader = store.reader().expect("a reader");
    for (number, step) in (1..).zip(&steps) {
        store.commit(step).expect("a commit");
        disk.mark();
        if number % CHECKPOINT_EVERY == 0 {
            checkpoint(&path);
        }
    }
    assert!(disk.len() > 300, "the shim sees {} operations", disk.len());
    let (half, all) = (disk.len() / 2, disk.len());
    let cuts = |ends: std::ops::Range<usize>| {
        let models = models(&steps);
        ends.for_each(|end| cut(&disk, end, &models));
    };
    std::thread::scope(|threads| {
        threads.spawn(|| cuts(0..half));
        cuts(half..all + 1);
    });
}

fn cut(disk: &Arc<Disk>, end: usize, models: &[Model]) {
    for unsynced in [Unsynced::Gone, Unsynced::Whole, Unsynced::Random(end as u64)] {
        let (files, committed) = disk.after_power_cut(end, unsynced);
        let cut = format!("cut {end} {unsynced:?}, {committed} commits had returned");
        wholly_or_not_at_all(&files, &models[committed..], &cut);
    }
}

/// The store opens as it was after the first of `models`, or after the one that was under way.
fn wholly_or_not_at_all(files: &TempDir, models: &[Model], cut: &str) {
    let path = files.path().join("terminal.sqlite");
    let store = Store::open(&path).unwrap_or_else(|error| panic!("{cut}: {error}"));
    let reader = store.reader().expect("a reader");
    assert!(models.iter().take(2).any(|model| holds(&reader, model)), "{cut}");
    replays(&reader).expect("journal and outbox agree");
}

#[test]
fn a_write_or_sync_that_fails_leaves_the_commit_out_and_the_next_one_in() {
    let steps = steps();
    let models = models(&steps);
    let mut failed = 0;
    for (code, what) in [
        (ffi::SQLITE_FULL, "the disk is full"),
        (ffi::SQLITE_READONLY, "read-only"),
        (ffi::SQLITE_IOERR_WRITE, "disk I/O error"),
        (ffi::SQLITE_IOERR_FSYNC, "disk I/O error"),
    ] {
        let directory = TempDir::new().expect("temporary directory");
        let disk = vfs::watch(directory.path());
        let mut store = Store::open(&directory.path().join("terminal.sqlite")).expect("a store");
        let reader = store.reader().expect("a reader");
        for (number, step) in steps.iter().enumerate() {
            let mut from = 0;
            loop {
                disk.fail(Some(Fault { from, count: 1, code }));
                match store.commit(step) {
                    Ok(()) => break,
                    Err(error) => assert!(error.to_string().contains(what), "{error}"),
                }
                let call = format!("step {number}, call {from}, {code}");
                assert!(holds(&reader, &models[number]), "{call}");
                // What could not be synced may come back from the log if the power fails now.
                let (files, _) = disk.after_power_cut(disk.len(), Unsynced::Whole);
                wholly_or_not_at_all(&files, &models[number..], &call);
                (failed, from) = (failed + 1, from + 1);
            }
            assert!(disk.calls() <= from, "it succeeded because no call was left to fail");
            disk.fail(None);
            assert!(holds(&reader, &models[number + 1]), "step {number}, {code}");
        }
        replays(&reader).expect("journal and outbox agree");
    }
    assert!(failed > 500, "{failed} commits failed");
}

#[test]
fn a_start_on_a_failing_disk_takes_nothing_for_damage() {
    let directory = TempDir::new().expect("temporary directory");
    let path = directory.path().join("terminal.sqlite");
    let disk = vfs::watch(directory.path());
    for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_WRITE] {
        disk.fail(Some(Fault { from: 0, count: usize::MAX, code }));
        let error = Store::open(&path).expect_err("a new file cannot be written");
        assert!(!matches!(error, StoreError::Damaged(_)), "{error}");
        disk.fail(None);
    }
    drop(Store::open(&path).expect("it heals"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_or_failing_disk_takes_no_payment_and_heals_by_itself() {
    let mut terminal = Terminal::prepare(Wire::Tcp, Program::Here, &[]).await;
    let disk = vfs::watch(terminal.directory.path());
    terminal.switch_on().await;
    let picture = terminal.path("screen.png");
    let idle = terminal.idle().await;
    let sentences = [
        (ffi::SQLITE_FULL, "the disk is full"),
        (ffi::SQLITE_READONLY, "read-only"),
        (ffi::SQLITE_IOERR_FSYNC, "disk I/O error"),
    ];
    for (number, (code, why)) in (1..).zip(sentences) {
        let before = terminal.simulator.requests().len();
        disk.fail(Some(Fault { from: 0, count: usize::MAX, code }));
        let reference = format!("A-{number}");
        terminal.till.say(&sale(&reference, 500));
        let error = terminal.till.error(&reference).await;
        assert_eq!(error["code"], "out_of_service");
        assert!(error["text"].as_str().unwrap().contains(why), "{error}");
        let changed = || std::fs::read(&picture).is_ok_and(|picture| picture != idle);
        terminal.until("the screen says out of service", changed).await;
        assert_eq!(terminal.simulator.requests().len(), before, "nothing was asked of Klarna");
        disk.fail(None);
        let as_before = || std::fs::read(&picture).is_ok_and(|picture| picture == idle);
        terminal.until("the screen is idle again, though nobody asked", as_before).await;
    }
    terminal.sell_and_acknowledge("A-4", 500).await;
    terminal.finish().await;
}
