//! What the daemon keeps on disk, as a model in memory and, when asked for, in a real [`Store`]
//! beside it; the two must agree after every commit.

use klarna_terminald::clock::Wall;
use klarna_terminald::id::{CallId, PaymentId, PaymentReference, PosReference, TransactionId};
use klarna_terminald::payment::effect::{Call, OutboxChange, QueuedCall, Refusal};
use klarna_terminald::payment::event::{Event, Record};
use klarna_terminald::payment::vocabulary::SaleName;
use klarna_terminald::payment::{Needed, Step};
use klarna_terminald::store::Store;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The real store beside the model.
struct Beside {
    path: PathBuf,
    store: Option<Store>,
    /// Compared with the model after each commit and start, which takes the longer the more there
    /// is; else when somebody asks for it.
    compares: bool,
    /// Goes with the store, where nobody wants to keep it.
    _directory: Option<TempDir>,
}

pub struct Disk {
    file: Option<Beside>,
    pub records: Vec<Record>,
    pub queued: BTreeMap<CallId, QueuedCall>,
    pub refused: BTreeMap<CallId, (Call, Refusal)>,
    references: BTreeMap<PosReference, Option<PaymentId>>,
    open: BTreeMap<PaymentId, bool>,
    /// Which records are about a payment, and which is first known by a name of ours.
    of_payment: BTreeMap<PaymentId, Vec<usize>>,
    by_name: BTreeMap<String, PaymentId>,
    indexed: usize,
    /// How many records there were after each commit.
    pub commits: Vec<usize>,
    /// The store's files after each commit, when they are wanted.
    pub album: Option<Vec<TempDir>>,
    /// What was committed, when it is wanted.
    pub steps: Option<Vec<Step>>,
}

impl Disk {
    /// In memory alone.
    pub fn model() -> Self {
        Self {
            file: None,
            records: Vec::new(),
            queued: BTreeMap::new(),
            refused: BTreeMap::new(),
            references: BTreeMap::new(),
            open: BTreeMap::new(),
            of_payment: BTreeMap::new(),
            by_name: BTreeMap::new(),
            indexed: 0,
            commits: Vec::new(),
            album: None,
            steps: None,
        }
    }

    /// What is on it, without the store beside it.
    pub fn copy(&self) -> Self {
        Self {
            records: self.records.clone(),
            queued: self.queued.clone(),
            refused: self.refused.clone(),
            references: self.references.clone(),
            open: self.open.clone(),
            of_payment: self.of_payment.clone(),
            by_name: self.by_name.clone(),
            indexed: self.indexed,
            commits: self.commits.clone(),
            ..Self::model()
        }
    }

    /// With a store beside it.
    pub fn with_store() -> Self {
        let directory = tempfile::tempdir().expect("a directory for the store");
        let path = directory.path().join("journal.sqlite");
        let store = Some(Store::open(&path).expect("a new store"));
        let file = Beside { path, store, compares: true, _directory: Some(directory) };
        Self { file: Some(file), ..Self::model() }
    }

    /// With a store at `path` beside it that stays there, and is compared by [`Self::compare`].
    // The simulated shop alone keeps its books.
    #[allow(dead_code)]
    pub fn kept_at(path: &Path) -> Self {
        let store = Some(Store::open(path).expect("a new store"));
        let file = Beside { path: path.to_owned(), store, compares: false, _directory: None };
        Self { file: Some(file), ..Self::model() }
    }

    pub fn commit(&mut self, step: &Step) {
        if let Some(Beside { store: Some(store), .. }) = &mut self.file {
            store.commit(step).expect("the step is committed");
        }
        if !step.is_durable() {
            return;
        }
        if let Some(steps) = &mut self.steps {
            steps.push(step.clone());
        }
        self.records.extend(step.records.iter().cloned());
        self.index();
        for (reference, payment) in &step.references {
            let before = self.references.insert(reference.clone(), *payment);
            assert_eq!(before, None, "{reference} means two things");
        }
        self.open.extend(step.payments());
        for change in &step.outbox {
            self.apply(change, step.now().wall);
        }
        self.commits.push(self.records.len());
        self.compare_if_wanted();
        self.photograph();
    }

    fn apply(&mut self, change: &OutboxChange, now: Wall) {
        match change {
            OutboxChange::Queue(call) => {
                let row = QueuedCall { call: call.clone(), first_attempt: now };
                let before = self.queued.insert(call.id, row);
                assert_eq!(before, None, "{} is queued twice", call.id);
            }
            OutboxChange::Close(id) => {
                self.queued.remove(id).expect("what is closed was queued");
            }
            OutboxChange::Refuse(id, refusal) => {
                let row = self.queued.remove(id).expect("what is refused was queued");
                self.refused.insert(*id, (row.call, refusal.clone()));
            }
            OutboxChange::Rekey(call) => {
                let row = self.queued.get_mut(&call.id).expect("what gets a new key was queued");
                assert_ne!(row.call.key, call.key, "the key is new");
                *row = QueuedCall { call: call.clone(), first_attempt: now };
            }
            OutboxChange::Retry(call) => {
                let (before, _) = self.refused.remove(&call.id).expect("what is retried");
                assert_ne!(before.key, call.key, "the key is new");
                let long_ago = Wall::from_millis(0);
                let row = QueuedCall { call: call.clone(), first_attempt: long_ago };
                self.queued.insert(call.id, row);
            }
            OutboxChange::Resolve(id) => {
                self.refused.remove(id).expect("what is resolved was refused");
            }
        }
    }

    /// What `sync` would send now: of each payment the oldest call that waits.
    pub fn sendable(&self) -> Vec<QueuedCall> {
        let mut rows: Vec<QueuedCall> = Vec::new();
        let mut next = self.queued.first_key_value();
        while let Some((id, row)) = next {
            rows.push(row.clone());
            // To the next payment, however many calls of this one wait.
            let last = CallId { sequence: u32::MAX, ..*id };
            next = self.queued.range((Bound::Excluded(last), Bound::Unbounded)).next();
        }
        rows.sort_by_key(|row| (!row.call.kind.is_urgent(), row.call.id));
        rows
    }

    /// The records that a start reads.
    pub fn open_records(&self) -> Vec<Record> {
        let is_open = |id| self.open.get(&id).copied().unwrap_or(false);
        let needed = |record: &&Record| record.payment.is_none_or(is_open);
        self.records.iter().filter(needed).cloned().collect()
    }

    /// The records that the engine needs.
    pub fn records_for(&self, needed: &Needed) -> Vec<Record> {
        let id = match needed {
            Needed::Payment(id) => Some(*id),
            Needed::Name(SaleName::Till(name)) => {
                let adopted = || self.by_name.get(name.as_str()).copied();
                self.references.get(name).copied().flatten().or_else(adopted)
            }
            Needed::Name(SaleName::Number(id)) => Some(*id),
            Needed::Name(name @ (SaleName::Receipt(_) | SaleName::Trace(_))) => {
                let (modulus, rest) = name.number_ends_in().expect("digits");
                let sold = |record: &&Record| matches!(record.event, Event::SaleRequested { .. });
                let mut sold = self.records.iter().rev().filter(sold);
                let fits = |id: &PaymentId| id.number() % modulus == rest;
                sold.find_map(|record| record.payment.filter(fits))
            }
            Needed::Last(prefix) => self.records.iter().rev().find_map(|record| {
                let Event::SaleRequested { sale, .. } = &record.event else { return None };
                record.payment.filter(|_| sale.reference.as_str().starts_with(prefix))
            }),
            Needed::Name(SaleName::Payment(name)) => self.by_name.get(name.as_str()).copied(),
            Needed::Name(SaleName::Transaction(id)) => {
                let is_it = |known: &str| id.is_same(known);
                let of_it = |record: &&Record| names(&record.event).1.is_some_and(is_it);
                self.records.iter().find(of_it).and_then(|record| record.payment)
            }
        };
        id.map(|id| self.records_of_payment(id)).unwrap_or_default()
    }

    pub fn records_of_payment(&self, id: PaymentId) -> Vec<Record> {
        let of_it = self.of_payment.get(&id).into_iter().flatten();
        of_it.map(|index| self.records[*index].clone()).collect()
    }

    /// Takes note of what new records are about.
    fn index(&mut self) {
        for (index, record) in self.records.iter().enumerate().skip(self.indexed) {
            let Some(payment) = record.payment else { continue };
            self.of_payment.entry(payment).or_default().push(index);
            if let Some(name) = names(&record.event).0 {
                self.by_name.entry(name.to_owned()).or_insert(payment);
            }
        }
        self.indexed = self.records.len();
    }

    /// The records since the last closing of a shift.
    pub fn shift_records(&self) -> Vec<Record> {
        let closing = |record: &Record| matches!(record.event, Event::ShiftEnded { .. });
        let from = self.records.iter().rposition(closing).map_or(0, |last| last + 1);
        self.records[from..].to_vec()
    }

    /// The references of all sales.
    pub fn sales(&self) -> Vec<PosReference> {
        let sale = |record: &Record| match &record.event {
            Event::SaleRequested { sale, .. } => Some(sale.reference.clone()),
            _ => None,
        };
        self.records.iter().filter_map(sale).collect()
    }

    pub fn last_payment(&self) -> PaymentId {
        self.open.keys().next_back().copied().unwrap_or(PaymentId::new(0))
    }

    /// Copies the store's files as a power cut would leave them now.
    fn photograph(&mut self) {
        let (Some(file), Some(album)) = (&self.file, &mut self.album) else { return };
        let directory = file.path.parent().expect("it is in a directory");
        let copy = tempfile::tempdir().expect("a directory for the copy");
        for name in ["journal.sqlite", "journal.sqlite-wal"] {
            let from = directory.join(name);
            if from.exists() {
                std::fs::copy(from, copy.path().join(name)).expect("files can be copied");
            }
        }
        album.push(copy);
    }

    /// From files that a power cut has left; the model is what the store says.
    pub fn after_power_cut(directory: TempDir) -> Self {
        let path = directory.path().join("journal.sqlite");
        let store = Store::open(&path).expect("a whole store");
        let reader = store.reader().expect("a reader");
        let mut disk = Self::model();
        disk.records = reader.all_records().expect("records");
        for row in reader.queued().expect("rows") {
            disk.queued.insert(row.call.id, row);
        }
        for row in reader.refused().expect("rows") {
            disk.refused.insert(row.call.id, (row.call, row.refusal));
        }
        let rows = reader.newest(1000).expect("payments");
        disk.open = rows.iter().map(|row| (row.id, row.open)).collect();
        for record in &disk.records {
            disk.references.extend(named(&record.event).map(|name| (name, record.payment)));
        }
        let _directory = Some(directory);
        disk.index();
        disk.file = Some(Beside { path, store: Some(store), compares: true, _directory });
        disk.compare();
        disk
    }

    /// As if the process had ended and begun again.
    pub fn reopen(&mut self) {
        if let Some(Beside { path, store, .. }) = &mut self.file {
            drop(store.take());
            *store = Some(Store::open(path).expect("the store"));
        }
        self.compare_if_wanted();
    }

    fn compare_if_wanted(&self) {
        if self.file.as_ref().is_some_and(|file| file.compares) {
            self.compare();
        }
    }

    /// Holds the store to the model.
    pub fn compare(&self) {
        let Some(Beside { store: Some(store), .. }) = &self.file else { return };
        let reader = store.reader().expect("a reader");
        let queued: Vec<QueuedCall> = self.queued.values().cloned().collect();
        assert_eq!(reader.queued().expect("rows"), queued, "outbox");
        let urgent = self.queued.values().filter(|row| row.call.kind.is_urgent());
        let urgent: BTreeSet<PaymentId> = urgent.map(|row| row.call.id.payment).collect();
        let sendable =
            reader.sendable(&Vec::from_iter(urgent), PaymentId::FIRST, 1000).expect("rows");
        assert_eq!(sendable, self.sendable(), "what may be sent");
        let refused = reader.refused().expect("rows");
        let refused: Vec<_> = refused.into_iter().map(|row| (row.call, row.refusal)).collect();
        let expected: Vec<_> = self.refused.values().cloned().collect();
        assert_eq!(refused, expected, "what waits for a person");
        assert_eq!(reader.all_records().expect("records"), self.records, "journal");
        assert_eq!(reader.open_records().expect("records"), self.open_records(), "open records");
        assert_eq!(reader.shift_records().expect("records"), self.shift_records(), "shift");
        assert_eq!(reader.last_payment().expect("a number"), self.last_payment());
        for record in &self.records {
            let (name, transaction) = names(&record.event);
            let name = name.map(|name| SaleName::Payment(PaymentReference::new(name).unwrap()));
            let id = transaction.map(|id| SaleName::Transaction(TransactionId::new(id).unwrap()));
            for name in name.into_iter().chain(id) {
                assert_eq!(reader.payment_by_name(&name).expect("a row"), record.payment);
            }
        }
        for (reference, payment) in &self.references {
            assert_eq!(reader.payment_by_reference(reference).expect("a row"), *payment);
        }
    }
}

/// By which names a record lets its payment be found: our own, and Klarna's.
fn names(event: &Event) -> (Option<&str>, Option<&str>) {
    match event {
        Event::SaleRequested { payment_reference, .. } => (Some(payment_reference.as_str()), None),
        Event::Authorised { transaction, .. } => (None, Some(transaction.as_str())),
        Event::Adopted { found, payment_reference } => {
            (Some(payment_reference.as_str()), Some(found.transaction.as_str()))
        }
        _ => (None, None),
    }
}

fn named(event: &Event) -> Option<PosReference> {
    match event {
        Event::SaleRequested { sale, .. } => Some(sale.reference.clone()),
        Event::CaptureQueued { operation, .. } | Event::VoidDecided { operation, .. } => {
            operation.clone()
        }
        Event::RefundQueued { operation, .. }
        | Event::ReleaseQueued { operation, .. }
        | Event::UpdateQueued { operation, .. } => Some(operation.clone()),
        Event::ShiftEnded { report } => Some(report.reference.clone()),
        _ => None,
    }
}
