//! Pages that the terminal itself serves to browsers: what the shopper sees, for this computer
//! ([`mirror`]), and the store manager's console; and the same console for the command line.
//!
//! ```text
//! browser ──TLS──▶ serve ─▶ guard ─▶ page ─▶ book ──▶ its own read-only connection
//! command line ──socket──▶  api  ──────┴───▶ act  ──▶ Errand ──▶ daemon ──▶ Reply
//! ```
//! The console reads the journal over a connection of its own and changes nothing but by asking the
//! daemon, in the words that tills use. Who may do what is [`access`](crate::access)'s. It runs on
//! one thread of its own with a low priority, so that no page and no attack delays a payment, and
//! every request, wait, body and connection is bounded.

mod act;
pub mod api;
mod book;
mod export;
mod guard;
mod guests;
mod live;
pub mod mirror;
mod page;
mod priority;
mod record;
mod serve;
mod tls;
mod visitor;
mod words;

pub use book::Attempt;
pub use priority::behind_all_others;
pub use record::{Caller, Entry, Recorder, answer};
pub use tls::CertificateFiles;

use crate::access::{Access, Role};
use crate::clock::{SystemClock, Wall};
use crate::i18n::Lang;
use crate::id::{CallId, PosReference};
use crate::local;
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
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// Errands that wait for the daemon; more wait at the door.
pub const ERRANDS_MAX: usize = 16;
/// How long the console may go on with what it is doing when the daemon stops.
const LAST_WORK: Duration = Duration::from_secs(1);

/// What a shop may configure about the console.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where pages are served, if they are.
    pub listen: Option<SocketAddr>,
    /// By which names browsers may ask for them, beside addresses and this machine's own names.
    pub names: Vec<String>,
    /// A certificate of the shop's own; the terminal makes one without it.
    pub certificate: Option<CertificateFiles>,
    /// What a manager may give back of one sale in all, in units of its currency's default
    /// notation such as `200.00`; no limit without it.
    pub return_limit: Option<String>,
    /// The system's group whose members may use the command line beside the daemon's own user.
    pub group: Option<String>,
    /// What they may do; the daemon's own user and the superuser may do everything.
    pub group_role: Role,
    /// The file with Klarna's key, if everybody on this machine can read it.
    pub open_key: Option<PathBuf>,
}

impl Settings {
    /// No pages, and a command line for the daemon's own user.
    pub fn without_pages() -> Self {
        Self {
            listen: None,
            names: Vec::new(),
            certificate: None,
            return_limit: None,
            group: None,
            group_role: Role::Manager,
            open_key: None,
        }
    }
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
    /// Whether the till can be told what to print; by some protocols it asks for that itself.
    pub tells_till_to_print: bool,
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
pub enum Errand {
    /// A command, as a till could give it.
    Ask {
        /// What.
        request: Request,
        /// The first answer goes here; what happens later stands in the journal.
        answer: oneshot::Sender<Reply>,
    },
    /// Lines for the till to print, marked as a duplicate.
    Print {
        /// The sale, return or end of a shift that they are about.
        reference: PosReference,
        /// From top to bottom.
        lines: Vec<String>,
        /// Told at once.
        answer: oneshot::Sender<AtTill>,
    },
}

/// What has become of lines for the till.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtTill {
    /// They are on their way; whether there is paper, only the till knows.
    Sent,
    /// No till is connected.
    Away,
    /// A sale runs, or its result is not acknowledged.
    Busy,
    /// They do not fit into a message.
    TooLong,
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
    /// Whether one is connected at this moment.
    pub is_till_connected: bool,
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
    /// The journal cannot be read.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// The system gives no thread.
    #[error("no thread for the console: {0}")]
    Thread(std::io::Error),
}

/// A running console; it ends when this is dropped.
#[derive(Debug)]
pub struct Console {
    access: Arc<Access>,
    clock: SystemClock,
    /// Where the pages are, and their certificate's fingerprint.
    pages: Option<(SocketAddr, String)>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the console's thread serves.
struct Doors {
    pages: Option<(SocketAddr, tokio_rustls::TlsAcceptor)>,
    socket: Option<std::os::unix::net::UnixListener>,
}

impl Console {
    /// Opens the console beside the daemon that owns `context`, for the users of `access`.
    ///
    /// # Errors
    /// [`ConsoleError`]. An address that cannot be used is no error: it is tried again. Nor is a
    /// socket that cannot be made or a certificate that cannot be read: it is in the log.
    pub fn open(
        settings: Settings,
        context: Context,
        access: Arc<Access>,
    ) -> Result<Self, ConsoleError> {
        let clock = context.clock;
        let now = clock.now().wall;
        if let Some(path) = &settings.open_key {
            let path = path.display();
            tracing::warn!(%path, "everybody on this machine can read Klarna's key");
        }
        let book = Book::open(Reader::open(&context.store)?)?;
        let names = guard::Names::new(&settings.names);
        let mut certificate = no_certificate();
        let (mut pages, mut doors) = (None, Doors { pages: None, socket: None });
        if let Some(address) = settings.listen {
            let identity = tls::identity(&settings, address, &context.store, names.all(), now);
            match identity.and_then(|identity| Ok((identity.facts(), identity.acceptor()?))) {
                Ok((facts, acceptor)) => {
                    pages = Some((address, facts.fingerprint.clone()));
                    doors.pages = Some((address, acceptor));
                    certificate = facts;
                }
                Err(error) => {
                    tracing::error!(%error, "there are no pages, only the command line");
                }
            }
        }
        let socket = api::socket_beside(&context.store);
        doors.socket = local::bind(&socket, settings.group.as_deref())
            .inspect_err(|error| {
                tracing::error!(%error, socket = %socket.display(), "no command can be answered");
            })
            .ok();
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
            .spawn(move || run(&office, doors, stopped))
            .map_err(ConsoleError::Thread)?;
        Ok(Self { access, clock, pages, stop: Some(stop), thread: Some(thread) })
    }

    /// What the terminal's own screen says about its pages, if there are any; the set-up code in it
    /// is good for ten minutes from then on.
    pub fn sign(&self) -> Option<ConsoleSign> {
        let (address, fingerprint) = self.pages.as_ref()?;
        Some(ConsoleSign {
            address: format!("https://{address}"),
            fingerprint: fingerprint.clone(),
            set_up_code: self.access.set_up_code(self.clock.now()),
        })
    }
}

/// What stands for the certificate where no page could show it.
fn no_certificate() -> tls::Facts {
    let never = Wall::from_millis(0);
    let valid = tls::Validity { from: never, until: never };
    tls::Facts { fingerprint: String::new(), is_self_made: false, valid }
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
    local::beside(store, ".access")
}

fn run(office: &Arc<Office>, doors: Doors, stopped: oneshot::Receiver<()>) {
    if let Err(error) = behind_all_others() {
        tracing::warn!(%error, "the console has the priority of payments");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(2)
        .thread_name("console-work")
        .enable_all()
        .build();
    let has_socket = doors.socket.is_some();
    match runtime {
        Ok(runtime) => {
            runtime.block_on(async {
                let pages = async {
                    match doors.pages {
                        Some((address, acceptor)) => {
                            serve::pages(office.clone(), address, acceptor).await;
                        }
                        None => std::future::pending().await,
                    }
                };
                let commands = async {
                    match doors.socket {
                        Some(socket) => api::serve::commands(office.clone(), socket).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    ((), ()) = async { tokio::join!(pages, commands) } => {}
                    _ = stopped => {}
                }
            });
            // What still prints or hashes need not be waited for.
            runtime.shutdown_timeout(LAST_WORK);
        }
        Err(error) => tracing::error!(%error, "there is no console"),
    }
    if has_socket {
        // A daemon that starts meanwhile finds it dead or not at all, which is the same to it.
        drop(std::fs::remove_file(api::socket_beside(&office.context.store)));
    }
}
