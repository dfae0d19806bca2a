//! Pages that the terminal itself serves to browsers: what the shopper sees, for this computer
//! ([`mirror`]), and the store manager's console.
//!
//! ```text
//! browser ──TLS──▶ serve ─▶ guard ─▶ page ─▶ book ──▶ its own read-only connection
//!                                     └────▶ act  ──▶ Errand ──▶ daemon ──▶ Reply
//! ```
//! The console reads the journal over a connection of its own and changes nothing but by asking the
//! daemon, in the words that tills use. Who may do what is [`access`](crate::access)'s. It runs on
//! one thread of its own with a low priority, so that no page and no attack delays a payment, and
//! every request, wait, body and connection is bounded.

mod act;
mod book;
mod export;
mod guard;
mod live;
pub mod mirror;
mod page;
mod serve;
mod tls;
mod visitor;
mod words;

pub use book::Attempt;
pub use tls::CertificateFiles;

use crate::access::Access;
use crate::clock::{SystemClock, Wall};
use crate::i18n::Lang;
use crate::id::CallId;
use crate::money::Currency;
use crate::payment::alarm::Limits;
use crate::payment::screen::ConsoleSign;
use crate::payment::vocabulary::{Reply, Request};
use crate::printer::PrinterConfig;
use crate::receipt::Head;
use crate::store::Reader;
use book::Book;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot, watch};

/// Errands that wait for the daemon; more wait at the door.
pub const ERRANDS_MAX: usize = 16;
/// How much lower the console's priority is than the payments' (nice value, Linux).
const NICENESS: i32 = 10;

/// What a shop may configure about the console.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where pages are served.
    pub listen: SocketAddr,
    /// By which names browsers may ask for them, beside addresses and this machine's own names.
    pub names: Vec<String>,
    /// A certificate of the shop's own; the terminal makes one without it.
    pub certificate: Option<CertificateFiles>,
    /// What a manager may give back of one sale in all, in units of its currency's default
    /// notation such as `200.00`; no limit without it.
    pub return_limit: Option<String>,
}

/// What the console is given beside its settings.
pub struct Context {
    /// The database.
    pub store: PathBuf,
    /// The only clock.
    pub clock: SystemClock,
    /// What all receipts have in common.
    pub head: Head,
    /// Where receipts are printed, if they are.
    pub printer: Option<PrinterConfig>,
    /// What the terminal takes.
    pub currencies: Vec<Currency>,
    /// Since when Klarna's key is as it is, as far as its file tells.
    pub key_since: Option<Wall>,
    /// The language of whoever asks for none.
    pub language: Lang,
    /// From when on something is an alarm.
    pub limits: Limits,
    /// The configuration line by line, without secrets.
    pub configuration: Vec<(String, String)>,
    /// To the daemon.
    pub errands: mpsc::Sender<Errand>,
    /// How the terminal stands.
    pub pulse: watch::Receiver<Pulse>,
}

/// Something that the daemon is asked to do.
#[derive(Debug)]
pub struct Errand {
    /// What.
    pub request: Request,
    /// The first answer goes here; what happens later stands in the journal.
    pub answer: oneshot::Sender<Reply>,
}

/// How the terminal stands, as only the daemon knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Counts the commits: the journal is another one when it has changed.
    pub commits: u64,
    /// Whether Klarna could be reached when it was last tried.
    pub is_reachable: bool,
    /// When Klarna last answered.
    pub last_answer: Option<Wall>,
    /// How long Klarna's last answer took, in milliseconds, and how many milliseconds its clock is
    /// ahead of ours.
    pub exchange: Option<Exchange>,
    /// Why nothing can be recorded.
    pub storage: Option<String>,
    /// Why nothing can be shown to shoppers.
    pub display: Option<String>,
    /// Whether a till is connected, or has been.
    pub is_till_here: bool,
    /// The calls that have failed and are sent again.
    pub attempts: Arc<BTreeMap<CallId, Attempt>>,
}

/// What was learnt from the last exchange with Klarna.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// From the first byte of the question to the answer's last one.
    pub took_ms: u64,
    /// How far Klarna's clock is ahead of this one's; to the second, as HTTP's `Date` is.
    pub ahead_s: Option<i64>,
}

/// Why there is no console. Payments do not depend on it.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// Its users and journal cannot be opened.
    #[error(transparent)]
    Access(#[from] crate::access::AccessError),
    /// The journal cannot be read.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// No certificate.
    #[error(transparent)]
    Certificate(#[from] tls::TlsError),
    /// The system gives no thread.
    #[error("no thread for the console: {0}")]
    Thread(std::io::Error),
}

/// A running console; it ends when this is dropped.
#[derive(Debug)]
pub struct Console {
    access: Arc<Access>,
    address: String,
    fingerprint: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Console {
    /// Opens the console beside the daemon that owns `context`.
    ///
    /// # Errors
    /// [`ConsoleError`]. An address that cannot be used is no error: it is tried again.
    pub fn open(settings: Settings, context: Context) -> Result<Self, ConsoleError> {
        let now = context.clock.now().wall;
        let access = Arc::new(Access::open(&access_beside(&context.store), now)?);
        let book = Book::open(Reader::open(&context.store)?)?;
        let names = guard::Names::new(&settings.names);
        let identity = tls::identity(&settings, &context.store, names.all(), now)?;
        let (certificate, address) = (identity.facts(), settings.listen);
        let fingerprint = certificate.fingerprint.clone();
        let acceptor = identity.acceptor()?;
        let office = Arc::new(Office {
            access: access.clone(),
            book: Mutex::new(book),
            names,
            rates: Mutex::default(),
            certificate,
            settings,
            context,
        });
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("console".to_owned())
            .spawn(move || run(office, acceptor, stopped))
            .map_err(ConsoleError::Thread)?;
        let address = format!("https://{address}");
        Ok(Self { access, address, fingerprint, stop: Some(stop), thread: Some(thread) })
    }

    /// What the terminal's own screen says about it.
    pub fn sign(&self) -> ConsoleSign {
        ConsoleSign {
            address: self.address.clone(),
            fingerprint: self.fingerprint.clone(),
            set_up_code: self.access.set_up_code(),
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Whatever it was doing has no say about money; its end is not waited for in error.
            drop(thread.join());
        }
    }
}

/// What all pages work with.
struct Office {
    access: Arc<Access>,
    book: Mutex<Book>,
    names: guard::Names,
    rates: Mutex<guard::Rates>,
    certificate: tls::Facts,
    settings: Settings,
    context: Context,
}

impl Office {
    fn now(&self) -> crate::clock::Now {
        self.context.clock.now()
    }

    fn pulse(&self) -> Pulse {
        self.context.pulse.borrow().clone()
    }

    /// Runs `read` with the book.
    fn read<T>(&self, read: impl FnOnce(&mut Book) -> T) -> T {
        // A page that has panicked has left a cache behind at worst, and that is made anew.
        let mut book = self.book.lock().unwrap_or_else(|poisoned| {
            let mut book = poisoned.into_inner();
            book.forget();
            book
        });
        read(&mut book)
    }
}

/// The users, sessions and audit journal beside the database at `store`.
pub fn access_beside(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".access");
    name.into()
}

fn run(office: Arc<Office>, acceptor: tokio_rustls::TlsAcceptor, stopped: oneshot::Receiver<()>) {
    // On Linux the priority is this thread's, and of those that it starts.
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::warn!(%error, "the console has the priority of payments");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(2)
        .thread_name("console-work")
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(async {
            tokio::select! {
                () = serve::pages(office, acceptor) => {}
                _ = stopped => {}
            }
        }),
        Err(error) => tracing::error!(%error, "there is no console"),
    }
}
