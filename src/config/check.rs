//! From what people wrote to what cannot be wrong: defaults, bounds, and all complaints at once.

use super::raw::{
    Environment, LogFormat, RawConfig, RawDisplay, RawKlarna, RawLink, RawOutput, RawPaths,
    RawTerminal, RawTheme, RawTill,
};
use crate::acquirer::klarna::{
    self, AuthScheme, Availability, AvailabilityOrder, TransactionPaths,
};
use crate::display::framebuffer::Rotation;
use crate::display::theme::Theme;
use crate::display::{Frame, OutputConfig};
use crate::i18n::Lang;
use crate::id::{Locale, check_text};
use crate::money::Currency;
use crate::payment::{CapturePolicy, Policy, READ_PACE_MIN};
use crate::pos::{self, Format, LinkSettings, TillSettings};
use secrecy::{ExposeSecret, SecretString};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Klarna's hosts (Integration Guidelines: Environments).
const LIVE_URL: &str = "https://api-global.klarna.com";
const TEST_URL: &str = "https://api-global.test.klarna.com";
/// Name of the systemd credential that holds the API key.
const CREDENTIAL: &str = "klarna_api_key";
/// Klarna keeps a confirmation token for 60 minutes (Integration Guidelines: Confirm).
const CONFIRM_PATIENCE: Duration = Duration::from_secs(3600);
/// Longest store and terminal name: both stand in every reference at Klarna.
const NAME_LEN_MAX: usize = 20;
/// Klarna's limit of `originators` in the tagging header.
const ORIGINATORS_MAX: usize = 6;

/// A configuration that has been checked as a whole.
#[derive(Debug, Clone)]
pub struct Config {
    /// Store and terminal, such as `S12-T3`.
    pub terminal: String,
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
    /// Where screens go.
    pub output: OutputConfig,
    /// What all screens have in common.
    pub frame: Frame,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines there are, in tracing's filter syntax.
    pub log_filter: String,
}

/// Checks everything and collects all complaints.
pub(super) fn check(raw: RawConfig, credentials: Option<&Path>) -> Result<Config, Vec<String>> {
    let mut problems = Problems::default();
    let terminal = terminal(raw.terminal.clone(), &mut problems);
    let policy = policy(&raw, &terminal, &mut problems);
    let till = till(raw.till, &terminal, &mut problems);
    let environment = problems.need("klarna.environment", raw.klarna.environment, "test");
    let klarna = klarna(raw.klarna, environment, &terminal, credentials, &mut problems);
    let output = output(&raw.display, &mut problems);
    let store_path = problems.need("store.path", raw.store.path, "/var/lib/.../terminal.sqlite");
    match (problems.0.is_empty(), environment, store_path, klarna, till, output) {
        (true, Some(environment), Some(store_path), Some(klarna), Some(till), Some(output)) => {
            Ok(Config {
                frame: Frame {
                    merchant: terminal.merchant,
                    lang: Lang::from_tag(terminal.locale.as_str()),
                    theme: theme(raw.display.theme),
                    time_limit_s: u32::try_from(policy.sale_timeout.as_secs()).unwrap_or(u32::MAX),
                },
                terminal: terminal.name,
                policy,
                till,
                klarna,
                environment,
                store_path,
                output,
                log_format: raw.log.format.unwrap_or(LogFormat::Text),
                log_filter: raw.log.filter.unwrap_or_else(|| "info".to_owned()),
            })
        }
        _ => Err(problems.0),
    }
}

/// Complaints, each beginning with its key.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, key: &str, wrong: impl std::fmt::Display) {
        self.0.push(format!("{key}: {wrong}"));
    }

    fn need<T>(&mut self, key: &str, value: Option<T>, example: &str) -> Option<T> {
        if value.is_none() {
            self.add(key, format!("is missing, for example {example:?}"));
        }
        value
    }

    fn seconds(&mut self, key: &str, value: Option<u64>, default: u64, most: u64) -> Duration {
        let value = value.unwrap_or(default);
        if !(1..=most).contains(&value) {
            self.add(key, format!("{value} is out of range: 1 to {most} seconds"));
        }
        Duration::from_secs(value)
    }
}

struct Terminal {
    name: String,
    merchant: String,
    locale: Locale,
    currencies: Vec<Currency>,
}

fn terminal(raw: RawTerminal, problems: &mut Problems) -> Terminal {
    let mut part = |key: &str, value: Option<String>, example: &str| {
        let value = problems.need(key, value, example).unwrap_or_default();
        let fits = value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !value.is_empty() && (!fits || value.len() > NAME_LEN_MAX) {
            let rule = format!("use at most {NAME_LEN_MAX} letters, digits or _");
            problems.add(key, format!("{value:?} cannot stand in references; {rule}"));
        }
        value
    };
    let store = part("terminal.store", raw.store, "S12");
    let terminal = part("terminal.terminal", raw.terminal, "T3");
    let merchant = problems.need("terminal.merchant", raw.merchant, "Example Store");
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
    for code in problems.need("terminal.currencies", raw.currencies, "EUR").unwrap_or_default() {
        match Currency::new(&code) {
            Ok(currency) => currencies.push(currency),
            Err(wrong) => problems.add("terminal.currencies", wrong),
        }
    }
    Terminal { name: format!("{store}-{terminal}"), merchant, locale, currencies }
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
        linger: seconds("payment.result_screen_s", payment.result_screen_s, 10, 3600),
        read_pace: Duration::from_millis(raw.klarna.poll_ms.unwrap_or(2000)),
        reference_prefix: terminal.name.clone(),
    };
    let range = READ_PACE_MIN..=Duration::from_secs(15);
    if !range.contains(&policy.read_pace) {
        let wrong = format!("{} is out of range: 500 to 15000", policy.read_pace.as_millis());
        problems.add("klarna.poll_ms", wrong);
        policy.read_pace = READ_PACE_MIN;
    }
    policy
}

fn till(raw: RawTill, terminal: &Terminal, problems: &mut Problems) -> Option<TillSettings> {
    let link = match problems.need("till.link", raw.link, "serial")? {
        RawLink::Serial => LinkSettings::Serial {
            path: problems.need("till.port", raw.port, "/dev/ttyUSB0")?,
            baud: raw.baud.unwrap_or(115_200),
            format: raw.format.unwrap_or(Format::EightNoneOne),
        },
        RawLink::Tcp => {
            let listen = problems.need("till.listen", raw.listen, "127.0.0.1:9100")?;
            match listen.parse() {
                Ok(listen) => LinkSettings::Tcp { listen },
                Err(_) => {
                    problems.add("till.listen", format!("{listen:?} is not an address and port"));
                    return None;
                }
            }
        }
    };
    let native = pos::native::Settings {
        terminal: terminal.name.clone(),
        currencies: terminal.currencies.clone(),
        checksum_required: raw.checksum_required.unwrap_or(false),
    };
    Some(TillSettings { link, native })
}

fn klarna(
    raw: RawKlarna,
    environment: Option<Environment>,
    terminal: &Terminal,
    credentials: Option<&Path>,
    problems: &mut Problems,
) -> Option<klarna::Settings> {
    let api_key = api_key(raw.api_key, raw.api_key_file.as_deref(), credentials, problems);
    let base_url = base_url(raw.base_url, environment, problems);
    if let (Some(key), Some(environment)) = (&api_key, environment) {
        guard(key, environment, problems);
    }
    let account = problems.need("klarna.account_id", raw.account_id, "krn:partner:global:...");
    let redirect_url =
        problems.need("klarna.redirect_url", raw.redirect_url, "https://shop.example/thanks");
    let integrator = raw.integrator.unwrap_or_else(|| "KLARNA_TERMINALD".to_owned());
    let originators = raw.originators.unwrap_or_default();
    check_names(&integrator, &originators, problems);
    check_redirect(redirect_url.as_deref(), problems);
    let extra_ca = raw.extra_ca_file.and_then(|path| match std::fs::read(&path) {
        Ok(pem) => Some(pem),
        Err(why) => {
            let path = path.display();
            problems.add("klarna.extra_ca_file", format!("cannot read {path}: {why}"));
            None
        }
    });
    let live = environment == Some(Environment::Live);
    Some(klarna::Settings {
        base_url: base_url?,
        api_key: api_key?,
        auth_scheme: raw.auth_scheme.unwrap_or(AuthScheme::Raw),
        account_id: account?,
        account_header: raw.account_header.unwrap_or(true),
        integrator,
        originators,
        session: terminal.name.clone(),
        availability: raw.availability.unwrap_or(Availability::Interoperability),
        availability_order: raw.availability_order.unwrap_or(AvailabilityOrder::WithCreate),
        descriptor: raw.descriptor.unwrap_or(true),
        locale: terminal.locale.clone(),
        home_currency: *terminal.currencies.first()?,
        redirect_url: redirect_url?,
        qr_hosts: raw.qr_hosts.unwrap_or_else(|| vec![".klarna.com".to_owned()]),
        paths: paths(raw.paths, problems),
        create_extra: raw.create_extra.unwrap_or_default(),
        captures_per_s: raw.captures_per_s.unwrap_or(if live { 50 } else { 12 }),
        management_per_s: raw.management_per_s.unwrap_or(if live { 200 } else { 50 }),
        extra_ca,
        proxy: raw.proxy,
    })
}

fn paths(raw: RawPaths, problems: &mut Problems) -> TransactionPaths {
    let default = TransactionPaths::default();
    let mut path = |key: &str, value: Option<String>, default: String| {
        let template = value.unwrap_or(default);
        if !TransactionPaths::is_usable(&template) {
            let rule = "begin with / and contain {transaction_id}";
            problems.add(key, format!("{template:?} is no path of a transaction: {rule}"));
        }
        template
    };
    TransactionPaths {
        read: path("klarna.paths.read", raw.read, default.read),
        capture: path("klarna.paths.capture", raw.capture, default.capture),
        refund: path("klarna.paths.refund", raw.refund, default.refund),
        void: path("klarna.paths.void", raw.void, default.void),
    }
}

fn base_url(
    configured: Option<String>,
    environment: Option<Environment>,
    problems: &mut Problems,
) -> Option<String> {
    match (environment?, configured) {
        (Environment::Live, None) => Some(LIVE_URL.to_owned()),
        (Environment::Test, None) => Some(TEST_URL.to_owned()),
        (Environment::Live | Environment::Test, Some(_)) => {
            let hint = "only environment = \"custom\" has a host of its own; leave it out";
            problems.add("klarna.base_url", hint);
            None
        }
        (Environment::Custom, Some(url)) if url.starts_with("https://") => {
            Some(url.trim_end_matches('/').to_owned())
        }
        (Environment::Custom, Some(url)) => {
            problems.add("klarna.base_url", format!("{url:?} does not begin with https://"));
            None
        }
        (Environment::Custom, None) => {
            problems.need("klarna.base_url", None::<String>, "https://localhost:8443")
        }
    }
}

/// systemd credential first, then file, then environment.
fn api_key(
    from_environment: Option<SecretString>,
    file: Option<&Path>,
    credentials: Option<&Path>,
    problems: &mut Problems,
) -> Option<SecretString> {
    let credential = credentials.map(|directory| directory.join(CREDENTIAL));
    let path = credential.filter(|path| path.exists()).or_else(|| file.map(Path::to_owned));
    let key = match path {
        Some(path) => match std::fs::read_to_string(&path) {
            Ok(key) => SecretString::from(key.trim().to_owned()),
            Err(why) => {
                let path = path.display();
                problems.add("klarna.api_key_file", format!("cannot read {path}: {why}"));
                return None;
            }
        },
        None => match from_environment {
            Some(key) => key,
            None => {
                let hint = "is missing: name a file that holds the key and nothing else";
                problems.add("klarna.api_key_file", hint);
                return None;
            }
        },
    };
    let usable = key.expose_secret().bytes().all(|byte| byte.is_ascii_graphic());
    if key.expose_secret().is_empty() || !usable {
        problems.add("klarna.api_key_file", "the key is empty or has characters no key has");
        return None;
    }
    Some(key)
}

/// A key of one world never meets the hosts of the other (Klarna: API keys,
/// `klarna_<live|test>_api_...`).
fn guard(key: &SecretString, environment: Environment, problems: &mut Problems) {
    let key = key.expose_secret();
    let (live, test) = (key.starts_with("klarna_live_api_"), key.starts_with("klarna_test_api_"));
    let problem = match environment {
        Environment::Live if test => "is a test key, but klarna.environment is \"live\"",
        Environment::Test if live => "is a live key, but klarna.environment is \"test\"",
        Environment::Custom if live => "is a live key; a custom host never gets one",
        Environment::Live | Environment::Test | Environment::Custom if !live && !test => {
            "does not look like klarna_test_api_... or klarna_live_api_..."
        }
        Environment::Live | Environment::Test | Environment::Custom => return,
    };
    problems.add("klarna.api_key", problem);
}

/// Klarna: Integration resilience, naming conventions: upper snake case.
fn check_names(integrator: &str, originators: &[String], problems: &mut Problems) {
    let fits = |name: &str| {
        let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        (1..=50).contains(&name.len()) && name.bytes().all(allowed)
    };
    let names = originators.iter().map(|name| ("klarna.originators", name.as_str()));
    for (key, name) in [("klarna.integrator", integrator)].into_iter().chain(names) {
        if !fits(name) {
            let rule = "1 to 50 of A-Z, 0-9 and _ (Klarna's naming conventions)";
            problems.add(key, format!("{name:?} must be {rule}"));
        }
    }
    if originators.len() > ORIGINATORS_MAX {
        problems.add("klarna.originators", format!("at most {ORIGINATORS_MAX} are allowed"));
    }
}

fn check_redirect(url: Option<&str>, problems: &mut Problems) {
    let Some(url) = url else { return };
    if !url.starts_with("https://") {
        problems.add("klarna.redirect_url", format!("{url:?} does not begin with https://"));
    }
    if url.contains("payment_confirmation_token") {
        let why = "the shopper's phone must not get the confirmation token; remove the placeholder";
        problems.add("klarna.redirect_url", why);
    }
}

fn output(raw: &RawDisplay, problems: &mut Problems) -> Option<OutputConfig> {
    match problems.need("display.output", raw.output, "framebuffer")? {
        RawOutput::Framebuffer => {
            let degrees = raw.rotation.unwrap_or(0);
            let Some(rotation) = Rotation::from_degrees(degrees) else {
                problems.add("display.rotation", format!("{degrees} is not 0, 90, 180 or 270"));
                return None;
            };
            let path = raw.device.clone().unwrap_or_else(|| PathBuf::from("/dev/fb0"));
            Some(OutputConfig::Framebuffer { path, rotation })
        }
        RawOutput::Png => {
            let path = problems.need("display.path", raw.path.clone(), "screen.png")?;
            let mut side = |key: &str, value: Option<u32>, default: u32| {
                let value = value.unwrap_or(default);
                if !(64..=4096).contains(&value) {
                    problems.add(key, format!("{value} is out of range: 64 to 4096 pixels"));
                }
                value
            };
            let width = side("display.width", raw.width, 480);
            let height = side("display.height", raw.height, 800);
            let scale = raw.scale.unwrap_or(1).clamp(1, 8);
            Some(OutputConfig::Png { path, width, height, scale })
        }
        RawOutput::Terminal => Some(OutputConfig::Ansi),
        RawOutput::None => Some(OutputConfig::None),
    }
}

fn theme(raw: Option<RawTheme>) -> Theme {
    match raw.unwrap_or(RawTheme::Light) {
        RawTheme::Light => Theme::LIGHT,
        RawTheme::Dark => Theme::DARK,
    }
}

impl Config {
    /// What the daemon will do with this configuration, in one screen; no secret in it.
    pub fn summary(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "{name:<12} {value}");
        };
        line("terminal", format!("{} at {}", self.terminal, self.frame.merchant));
        line("takes", codes(&self.policy.currencies));
        line("till", describe_link(&self.till));
        line("klarna", format!("{:?} at {}", self.environment, self.klarna.base_url));
        line("account", self.klarna.account_id.clone());
        line("api key", "present, not shown".to_owned());
        line(
            "availability",
            format!("{:?}, asked {:?}", self.klarna.availability, self.klarna.availability_order),
        );
        line("qr hosts", self.klarna.qr_hosts.join(", "));
        line("capture", describe_capture(self.policy.capture).to_owned());
        line(
            "time-outs",
            format!(
                "shopper {} s, till's acknowledgement {} s, Klarna's first answer {} s",
                self.policy.sale_timeout.as_secs(),
                self.policy.acknowledge_patience.as_secs(),
                self.policy.create_patience.as_secs(),
            ),
        );
        line("database", self.store_path.display().to_string());
        line("display", describe_output(&self.output));
        line("log", format!("{:?}, {}", self.log_format, self.log_filter));
        text
    }
}

fn codes(currencies: &[Currency]) -> String {
    currencies.iter().map(Currency::code).collect::<Vec<_>>().join(", ")
}

fn describe_link(till: &TillSettings) -> String {
    let checksums = if till.native.checksum_required { "required" } else { "optional" };
    match &till.link {
        LinkSettings::Serial { path, baud, format } => {
            format!("serial {path}, {baud} baud, {format:?}, checksums {checksums}")
        }
        LinkSettings::Tcp { listen } => {
            format!("TCP, listening on {listen}, checksums {checksums}")
        }
    }
}

fn describe_capture(policy: CapturePolicy) -> &'static str {
    match policy {
        CapturePolicy::OnTillAck => "as soon as the till has acknowledged the result",
        CapturePolicy::Manual => "when the till sends capture",
        CapturePolicy::EndOfShift => "when the till ends the shift",
    }
}

fn describe_output(output: &OutputConfig) -> String {
    match output {
        OutputConfig::Framebuffer { path, rotation } => {
            format!("framebuffer {}, {rotation:?}", path.display())
        }
        OutputConfig::Png { path, width, height, .. } => {
            format!("{width}x{height} pixels into {}", path.display())
        }
        OutputConfig::Ansi => "this terminal".to_owned(),
        OutputConfig::None => "none".to_owned(),
    }
}
