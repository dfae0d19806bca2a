//! What the relay keeps: which notices it has seen, and what is still to be told to whom.
//!
//! One SQLite file and one thread that writes it. The thread takes all that wait, up to
//! [`BATCH_MAX`], into one transaction, and only then answers each of them: a sync of the disk is
//! shared by as many as come while the one before lasts.
//!
//! | after | survives a power cut |
//! |---|---|
//! | [`Shelf::put`] returned `Ok` | yes |
//! | [`Shelf::put`] failed, or had not returned | all of it or nothing of it; Klarna comes again |
//! | [`Outbox::published`] returned `Ok` | the message is gone |

mod outbox;
mod rows;
mod schema;

pub use outbox::{AccountNotice, Outbox, TAKEN_MAX};

use super::message::ParcelId;
use crate::acquirer::klarna::webhook::Notice;
use crate::clock::Wall;
use rusqlite::{Connection, TransactionBehavior};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::{Notify, oneshot};

/// Most notices in one transaction: it takes some tens of milliseconds with so many.
pub const BATCH_MAX: usize = 512;
/// Notices that wait for the writer unless it is configured: two seconds of the busiest relay.
pub const QUEUE_MAX: usize = 4096;

/// Why the shelf cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// The file cannot be opened or made.
    #[error("cannot open {path}: {why}; check that the directory exists and is writable")]
    Open {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Another relay has it open.
    #[error("{0} is in use by another relay; stop that one first")]
    InUse(PathBuf),
    /// SQLite would not promise durability on this file system.
    #[error("journal mode is {0} instead of wal, synchronous 2; put the file on a local disk")]
    NotDurable(String),
    /// A newer version has written this file.
    #[error("the file has schema {found}, this version knows up to {known}; install a newer one")]
    Newer {
        /// In the file.
        found: i64,
        /// In this binary.
        known: i64,
    },
    /// The file is damaged.
    #[error("the file is damaged ({0}); move it away, it holds hints only and is made anew")]
    Damaged(String),
    /// No room in the queue or the outbox.
    #[error("too much waits already; it is to come again")]
    Full,
    /// The batch could not be committed; why is in the log.
    #[error("it could not be written; it is to come again")]
    NotWritten,
    /// The writer has ended.
    #[error("the relay is stopping; it is to come again")]
    Closed,
    /// Anything else that SQLite says.
    #[error("the relay's file: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// How much is kept, and for how long.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Notices that wait for the writer.
    pub queue_max: usize,
    /// Event ids that are remembered; a million are about 150 MB, and ten notices a second for
    /// [`Limits::seen_life`]. An event that is forgotten too early makes a terminal read twice.
    pub seen_max: usize,
    /// How long an event id is remembered: not shorter than its notice is taken in.
    pub seen_life: Duration,
    /// Messages that wait to be published.
    pub outbox_max: usize,
    /// Transactions whose terminal is remembered: disputes come weeks later.
    pub transactions_max: usize,
    /// How long a message about a payment request is of use: as long as a confirmation token.
    pub request_life: Duration,
    /// How long one about a transaction is: a shop may be closed for some days.
    pub transaction_life: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(3600);
        Self {
            queue_max: QUEUE_MAX,
            seen_max: 1_000_000,
            seen_life: 30 * HOUR,
            outbox_max: 1_000_000,
            transactions_max: 2_000_000,
            request_life: HOUR,
            transaction_life: 7 * 24 * HOUR,
        }
    }
}

/// A notice, and when it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// What it says.
    pub notice: Notice,
    /// By the clock here.
    pub at: Wall,
}

/// What became of a notice. It is durable, whatever it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelved {
    /// A terminal will be told.
    Queued,
    /// It is among the account's notices, and everybody will be told.
    Noted,
    /// It is about a payment, and nobody knows whose; of a dispute everybody will be told.
    Unmapped,
    /// It is of a type that is not known.
    Unknown,
    /// It was there before.
    Doubled,
}

/// A handle of the shelf; cheap to clone.
#[derive(Debug, Clone)]
pub struct Shelf {
    orders: mpsc::Sender<Order>,
    reader: Arc<Mutex<Connection>>,
    arrived: Arc<Notify>,
    shared: Arc<Shared>,
}

/// What the writer lets others see.
#[derive(Debug, Default)]
struct Shared {
    waiting: AtomicUsize,
    is_failing: AtomicBool,
}

#[derive(Debug)]
struct Order {
    task: Task,
    answer: oneshot::Sender<Result<Done, ShelfError>>,
}

#[derive(Debug)]
enum Task {
    Put(Box<Received>),
    Published(Vec<ParcelId>),
    Expired(Wall),
    Close,
}

#[derive(Debug)]
enum Done {
    Shelved(Shelved),
    Full,
    Removed(usize),
}

impl Shelf {
    /// Opens or makes the file at `path` and starts its writer, which ends after [`Shelf::close`].
    ///
    /// # Errors
    /// The [`ShelfError`] that applies; nothing is left running.
    pub fn open(path: &Path, limits: Limits) -> Result<(Self, JoinHandle<()>), ShelfError> {
        let (connection, lock) = schema::open(path)?;
        let reader = schema::open_reader(path)?;
        let (orders, queue) = mpsc::channel(limits.queue_max.max(1));
        let (arrived, shared) = (Arc::new(Notify::new()), Arc::new(Shared::default()));
        shared.waiting.store(rows::waiting(&connection)?, Ordering::Relaxed);
        let mut writer = Writer {
            connection,
            limits,
            queue,
            arrived: Arc::clone(&arrived),
            shared: Arc::clone(&shared),
            _lock: lock,
        };
        let thread = std::thread::Builder::new()
            .name("relay-shelf".to_owned())
            .spawn(move || writer.run())
            .map_err(|why| ShelfError::Open { path: path.to_owned(), why: why.to_string() })?;
        Ok((Self { orders, reader: Arc::new(Mutex::new(reader)), arrived, shared }, thread))
    }

    /// Keeps a notice; it is durable when this returns `Ok`. Never waits for room.
    ///
    /// # Errors
    /// [`ShelfError::Full`], [`ShelfError::NotWritten`] or [`ShelfError::Closed`]: then it is to
    /// come again.
    pub async fn put(&self, received: Received) -> Result<Shelved, ShelfError> {
        let (answer, done) = oneshot::channel();
        let order = Order { task: Task::Put(Box::new(received)), answer };
        self.orders.try_send(order).map_err(|error| match error {
            TrySendError::Full(_) => ShelfError::Full,
            TrySendError::Closed(_) => ShelfError::Closed,
        })?;
        match done.await.map_err(|_| ShelfError::Closed)?? {
            Done::Shelved(shelved) => Ok(shelved),
            Done::Full | Done::Removed(_) => Err(ShelfError::Full),
        }
    }

    /// Whether the last batch could be written and the writer still runs.
    pub fn is_well(&self) -> bool {
        !self.orders.is_closed() && !self.shared.is_failing.load(Ordering::Relaxed)
    }

    /// How many messages wait.
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    /// Ends the writer; returns when all that was ordered before is done. What is ordered while it
    /// ends is done or refused with [`ShelfError::Closed`].
    pub async fn close(&self) {
        // What the writer says to it is nothing: it has gone, or it goes.
        let _ = self.wait_in_line(Task::Close).await;
    }

    async fn wait_in_line(&self, task: Task) -> Result<Done, ShelfError> {
        let (answer, done) = oneshot::channel();
        let order = Order { task, answer };
        self.orders.send(order).await.map_err(|_| ShelfError::Closed)?;
        done.await.map_err(|_| ShelfError::Closed)?
    }
}

/// The one writing connection, on a thread of its own.
struct Writer {
    connection: Connection,
    limits: Limits,
    queue: mpsc::Receiver<Order>,
    arrived: Arc<Notify>,
    shared: Arc<Shared>,
    _lock: File,
}

impl Writer {
    fn run(&mut self) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while self.queue.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
            if batch.iter().any(|order| matches!(order.task, Task::Close)) {
                // Nobody can order any more; what was ordered is still done.
                self.queue.close();
            }
            let waited = self.shared.waiting.load(Ordering::Relaxed);
            match self.commit(&batch, waited) {
                Ok((done, waiting)) => self.answer(&mut batch, done, waiting),
                Err(error) => self.refuse(&mut batch, &error),
            }
        }
    }

    /// All of the batch or nothing of it; durable when it returns `Ok`. `waiting` messages are in
    /// the outbox before; the second part says how many there are after.
    fn commit(
        &mut self,
        batch: &[Order],
        mut waiting: usize,
    ) -> rusqlite::Result<(Vec<Done>, usize)> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (mut done, mut newest) = (Vec::with_capacity(batch.len()), None);
        for order in batch {
            done.push(match &order.task {
                Task::Put(received) => {
                    newest = Some(received.at);
                    let shelved = rows::put(&transaction, &self.limits, &mut waiting, received)?;
                    shelved.map_or(Done::Full, Done::Shelved)
                }
                Task::Published(ids) => Done::Removed(rows::published(&transaction, ids)?),
                Task::Expired(now) => Done::Removed(rows::expired(&transaction, *now)?),
                Task::Close => Done::Removed(0),
            });
            if let Some(Done::Removed(count)) = done.last() {
                waiting = waiting.saturating_sub(*count);
            }
        }
        if let Some(now) = newest {
            rows::trim(&transaction, &self.limits, now)?;
        }
        transaction.commit()?;
        Ok((done, waiting))
    }

    fn answer(&self, batch: &mut Vec<Order>, done: Vec<Done>, waiting: usize) {
        self.shared.waiting.store(waiting, Ordering::Relaxed);
        if self.shared.is_failing.swap(false, Ordering::Relaxed) {
            tracing::info!("the relay's file can be written again");
        }
        // Not all of them have put something in; whoever is woken for nothing looks once.
        if done.iter().any(|done| matches!(done, Done::Shelved(_))) {
            self.arrived.notify_one();
        }
        for (order, done) in batch.drain(..).zip(done) {
            // Whoever has gone meanwhile comes again and is told that it was there.
            let _ = order.answer.send(Ok(done));
        }
    }

    fn refuse(&self, batch: &mut Vec<Order>, error: &rusqlite::Error) {
        if !self.shared.is_failing.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "the relay's file cannot be written; notices are refused");
        }
        for order in batch.drain(..) {
            let _ = order.answer.send(Err(ShelfError::NotWritten));
        }
    }
}
