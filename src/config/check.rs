//! From what people wrote to what cannot be wrong: defaults, bounds, and all complaints at once.

use super::display::DisplayConfig;
use super::klarna::KeySource;
use super::raw::{Environment, LogFormat, RawAlarm, RawConfig, RawProtocol, RawTerminal};
use crate::acquirer::klarna;
use crate::clock::{Wall, Zone};
use crate::console;
use crate::id::{ADDRESS_PART_LEN_MAX, Address, Locale, check_text, is_address_part};
use crate::money::Currency;
use crate::payment::alarm::Limits;
use crate::payment::{CapturePolicy, Policy, READ_PACE_MIN};
use crate::pos::TillSettings;
use crate::printer::PrinterConfig;
use crate::push;
use crate::receipt::Head;
#[cfg(feature = "relay")]
use crate::relay;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Klarna keeps a confirmation token for 60 minutes (Integration Guidelines: Confirm).
const CONFIRM_PATIENCE: Duration = Duration::from_secs(3600);

/// A configuration that has been checked as a whole.
#[derive(Debug, Clone)]
pub struct Config {
    /// Store and terminal, such as `S12-T3`.
    pub terminal: String,
    /// The same as notices of Klarna say it.
    pub address: Option<Address>,
    /// Rules about payments.
    pub policy: Policy,
    /// The till.
    pub till: TillSettings,
    /// Klarna.
    pub klarna: klarna::Settings,
    /// Which world.
    pub environment: Environment,
    /// The database.
    pub store_path: PathBuf,
    /// From when on something is an alarm.
    pub alarms: Limits,
    /// Where metrics are written, if they are.
    pub metrics_file: Option<PathBuf>,
    /// Where a collector may ask for metrics, if it may: without TLS, and without a password.
    pub metrics_listen: Option<SocketAddr>,
    /// The display in all its parts.
    pub display: DisplayConfig,
    /// What all receipts have in common.
    pub receipts: Head,
    /// Where receipts are printed beside the till, if they are.
    pub printer: Option<PrinterConfig>,
    /// The store manager's console.
    pub console: console::Settings,
    /// The broker that brings hints, if there is one.
    pub push: Option<push::Settings>,
    /// Where Klarna's notices come in, if they do here.
    #[cfg(feature = "relay")]
    pub webhook: Option<relay::Settings>,
    /// When the file that holds Klarna's key was last written, if a file holds it.
    pub key_since: Option<Wall>,
    /// Where Klarna's key is read from.
    pub key_source: KeySource,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines there are, in tracing's filter syntax.
    pub log_filter: String,
}

/// Where the journal is and when it is to be seen to: all that commands need which only read it.
#[derive(Debug, Clone)]
pub struct Books {
    /// The database.
    pub store_path: PathBuf,
    /// From when on something is an alarm.
    pub alarms: Limits,
}

/// Checks what [`Books`] needs.
pub(super) fn books(raw: RawConfig) -> Result<Books, Vec<String>> {
    let mut problems = Problems::default();
    let alarms = alarms(&raw.alarm, &mut problems);
    match (store_path(raw.store.path, &mut problems), problems.0.is_empty()) {
        (Some(store_path), true) => Ok(Books { store_path, alarms }),
        _ => Err(problems.0),
    }
}

fn store_path(path: Option<PathBuf>, problems: &mut Problems) -> Option<PathBuf> {
    problems.need("store.path", path, "/var/lib/.../terminal.sqlite")
}

/// Checks everything and collects all complaints.
pub(super) fn check(raw: RawConfig, credentials: Option<&Path>) -> Result<Config, Vec<String>> {
    let mut problems = Problems::default();
    let terminal_address = (raw.terminal.store.clone(), raw.terminal.terminal.clone());
    let terminal = terminal(raw.terminal.clone(), &mut problems);
    let policy = policy(&raw, &terminal, &mut problems);
    let till = super::till::check(raw.till, &terminal, &mut problems);
    let environment = problems.need("klarna.environment", raw.klarna.environment, "test");
    let key_since = super::klarna::key_since(&raw.klarna, credentials);
    let open_key = super::klarna::open_key(&raw.klarna, credentials);
    let key_source = super::klarna::key_source(&raw.klarna, credentials);
    #[cfg(feature = "push")]
    let push = super::push::check(
        raw.push,
        raw.klarna.account_id.as_deref(),
        raw.terminal.store.as_deref(),
        raw.terminal.terminal.as_deref(),
        &mut problems,
    );
    #[cfg(not(feature = "push"))]
    let push = raw.push.and_then(|_| {
        problems.add("push", "this program is built without a line to a broker (feature push)");
        None
    });
    let klarna =
        super::klarna::check(raw.klarna, environment, &terminal, credentials, &mut problems);
    let display = super::display::check(raw.display, &terminal, policy.sale_timeout, &mut problems);
    let console = super::console::check(raw.console, &terminal.currencies, &mut problems);
    let (receipts, printer) = super::receipt::check(raw.receipt, &terminal, &mut problems);
    let has_webhook = raw.webhook.is_some();
    #[cfg(feature = "relay")]
    let beside = raw.store.path.as_deref().and_then(Path::parent);
    #[cfg(feature = "relay")]
    let webhook =
        raw.webhook.and_then(|raw| super::webhook::check(raw, environment, beside, &mut problems));
    if !cfg!(feature = "relay") && has_webhook {
        problems.add("webhook", "this program is built without a receiver (feature relay)");
    }
    let address = terminal_address.0.as_deref().zip(terminal_address.1.as_deref());
    let address = address.and_then(|(store, terminal)| Address::new(store, terminal));
    let log_filter = log_filter(raw.log.filter, &mut problems);
    let alarms = alarms(&raw.alarm, &mut problems);
    let metrics_listen = metrics_listen(raw.metrics.listen.as_deref(), &mut problems);
    let store_path = store_path(raw.store.path, &mut problems);
    match (problems.0.is_empty(), environment, store_path, klarna, till, display) {
        (true, Some(environment), Some(store_path), Some(klarna), Some(till), Some(display)) => {
            Ok(Config {
                receipts,
                printer,
                address,
                push,
                #[cfg(feature = "relay")]
                webhook,
                console: console::Settings { open_key, ..console },
                key_since,
                key_source,
                display,
                terminal: terminal.name,
                policy,
                till,
                klarna,
                environment,
                store_path,
                alarms,
                metrics_file: raw.metrics.file,
                metrics_listen,
                log_format: raw.log.format.unwrap_or(LogFormat::Text),
                log_filter,
            })
        }
        _ => Err(problems.0),
    }
}

/// Complaints, each beginning with its key.
#[derive(Default)]
pub(super) struct Problems(pub(super) Vec<String>);

impl Problems {
    pub(super) fn add(&mut self, key: &str, wrong: impl std::fmt::Display) {
        self.0.push(format!("{key}: {wrong}"));
    }

    pub(super) fn need<T>(&mut self, key: &str, value: Option<T>, example: &str) -> Option<T> {
        if value.is_none() {
            self.add(key, format!("is missing, for example {example:?}"));
        }
        value
    }

    /// As [`Self::need`]; a text without a letter is as good as none.
    pub(super) fn need_text(
        &mut self,
        key: &str,
        value: Option<String>,
        example: &str,
    ) -> Option<String> {
        self.need(key, value.filter(|text| !text.trim().is_empty()), example)
    }

    pub(super) fn seconds(
        &mut self,
        key: &str,
        value: Option<u64>,
        default: u64,
        most: u64,
    ) -> Duration {
        let value = value.unwrap_or(default);
        if !(1..=most).contains(&value) {
            self.add(key, format!("{value} is out of range: 1 to {most} seconds"));
        }
        Duration::from_secs(value)
    }
}

pub(super) struct Terminal {
    pub(super) name: String,
    pub(super) merchant: String,
    pub(super) locale: Locale,
    pub(super) currencies: Vec<Currency>,
    pub(super) zone: Zone,
}

fn terminal(raw: RawTerminal, problems: &mut Problems) -> Terminal {
    let mut part = |key: &str, value: Option<String>, example: &str| {
        let value = problems.need_text(key, value, example).unwrap_or_default();
        if !value.is_empty() && !is_address_part(&value) {
            let rule = format!("use at most {ADDRESS_PART_LEN_MAX} letters, digits or _");
            problems.add(key, format!("{value:?} cannot stand in references; {rule}"));
        }
        value
    };
    let store = part("terminal.store", raw.store, "S12");
    let terminal = part("terminal.terminal", raw.terminal, "T3");
    let merchant = problems.need_text("terminal.merchant", raw.merchant, "Example Store");
    let merchant = merchant.unwrap_or_default();
    if let Err(wrong) = check_text(&merchant, 60)
        && !merchant.is_empty()
    {
        problems.add("terminal.merchant", wrong);
    }
    let locale = problems.need("terminal.locale", raw.locale, "de-DE");
    let locale = locale.unwrap_or_else(|| "en-GB".to_owned());
    let locale = Locale::new(&locale).unwrap_or_else(|wrong| {
        problems.add("terminal.locale", format!("{locale:?} {wrong}"));
        Locale::new("en-GB").expect("a constant locale")
    });
    let mut currencies = Vec::new();
    let named = raw.currencies.filter(|codes| !codes.is_empty());
    for code in problems.need("terminal.currencies", named, "EUR").unwrap_or_default() {
        match Currency::new(&code) {
            Ok(currency) => currencies.push(currency),
            Err(wrong) => problems.add("terminal.currencies", wrong),
        }
    }
    let zone = raw.time_zone.map_or(Some(Zone::of_this_system()), |name| {
        let zone = Zone::named(&name);
        if zone.is_none() {
            let wrong = "is no time zone that this system knows, such as \"Europe/Berlin\"";
            problems.add("terminal.time_zone", format!("{name:?} {wrong}"));
        }
        zone
    });
    let (name, zone) = (format!("{store}-{terminal}"), zone.unwrap_or(Zone::UTC));
    Terminal { name, merchant, locale, currencies, zone }
}

fn alarms(raw: &RawAlarm, problems: &mut Problems) -> Limits {
    const HOUR: u64 = 3600;
    const DAY: u64 = 86_400;
    let usual = Limits::default();
    let mut number = |key: &str, value: Option<u64>, usual: u64, most: u64| {
        let value = value.unwrap_or(usual);
        if !(1..=most).contains(&value) {
            problems.add(key, format!("{value} is out of range: 1 to {most}"));
        }
        value.min(most)
    };
    let (age, life) = (usual.queue_age.as_secs(), usual.authorisation_life.as_secs());
    let left = usual.authorisation_left.as_secs();
    let age = number("alarm.queue_age_h", raw.queue_age_h, age / HOUR, 1000);
    let length = number("alarm.queue_length", raw.queue_length, usual.queue_length, 1_000_000);
    let life = number("alarm.authorisation_days", raw.authorisation_days, life / DAY, 365);
    let left =
        number("alarm.authorisation_days_left", raw.authorisation_days_left, left / DAY, 365);
    Limits {
        queue_age: Duration::from_secs(age * HOUR),
        queue_length: length,
        authorisation_life: Duration::from_secs(life * DAY),
        authorisation_left: Duration::from_secs(left * DAY),
    }
}

fn metrics_listen(text: Option<&str>, problems: &mut Problems) -> Option<SocketAddr> {
    let text = text?;
    let wrong = format!("{text:?} is no address such as \"127.0.0.1:9465\"");
    text.parse().inspect_err(|_| problems.add("metrics.listen", wrong)).ok()
}

fn policy(raw: &RawConfig, terminal: &Terminal, problems: &mut Problems) -> Policy {
    let (payment, till) = (&raw.payment, &raw.till);
    let mut seconds = |key, value, default, most| problems.seconds(key, value, default, most);
    let extension = payment.paying_extension_s;
    let mut policy = Policy {
        currencies: terminal.currencies.clone(),
        capture: payment.capture.unwrap_or(CapturePolicy::OnTillAck),
        create_patience: seconds("payment.create_timeout_s", payment.create_timeout_s, 20, 120),
        sale_timeout: seconds("payment.timeout_s", payment.timeout_s, 300, 3600),
        paying_extension: seconds("payment.paying_extension_s", extension, 120, 3600),
        confirm_patience: CONFIRM_PATIENCE,
        acknowledge_patience: seconds("till.ack_timeout_s", till.ack_timeout_s, 60, 3600),
        linger: match payment.result_screen_s {
            Some(0) => None,
            shown => Some(seconds("payment.result_screen_s", shown, 30, 3600)),
        },
        refund_offline: payment.refund_offline.unwrap_or(true),
        read_pace: Duration::from_millis(raw.klarna.poll_ms.unwrap_or(2000)),
        reference_prefix: terminal.name.clone(),
    };
    let range = READ_PACE_MIN..=Duration::from_secs(15);
    if !range.contains(&policy.read_pace) {
        let wrong = format!("{} is out of range: 500 to 15000", policy.read_pace.as_millis());
        problems.add("klarna.poll_ms", wrong);
        policy.read_pace = READ_PACE_MIN;
    }
    if policy.capture == CapturePolicy::Manual && till.protocol == Some(RawProtocol::Zvt) {
        let wrong = "a till that speaks ZVT cannot ask for the capture of a sale, use \
                     \"on_till_ack\" or \"end_of_shift\"";
        problems.add("payment.capture", wrong);
    }
    policy
}

fn log_filter(raw: Option<String>, problems: &mut Problems) -> String {
    let filter = raw.unwrap_or_else(|| "info".to_owned());
    if let Err(wrong) = filter.parse::<tracing_subscriber::filter::Targets>() {
        problems.add("log.filter", format!("{filter:?}: {wrong}"));
    }
    filter
}
