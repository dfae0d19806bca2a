//! A configuration in one screen, for people; no secret in it.

use super::Config;
use crate::display::OutputConfig;
use crate::money::Currency;
use crate::payment::CapturePolicy;
use crate::pos::{LinkSettings, Protocol, TillSettings};
use crate::printer::PrinterConfig;
use std::fmt::Write as _;

impl Config {
    /// What the daemon will do with this configuration, in one screen; no secret in it.
    pub fn summary(&self) -> String {
        self.facts().iter().fold(String::new(), |mut text, (name, value)| {
            let _ = writeln!(text, "{name:<12} {value}");
            text
        })
    }

    /// The same as names and values.
    pub fn facts(&self) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        let mut line = |name: &str, value: String| facts.push((name.to_owned(), value));
        line("terminal", format!("{} at {}", self.terminal, self.display.frame.merchant));
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
        let alarms = &self.alarms;
        line(
            "alarms",
            format!(
                "a call waits for {} h, {} calls wait, an authorisation has {} of {} days left",
                alarms.queue_age.as_secs() / 3600,
                alarms.queue_length,
                alarms.authorisation_left.as_secs() / 86_400,
                alarms.authorisation_life.as_secs() / 86_400,
            ),
        );
        line("metrics", self.describe_metrics());
        line("display", describe_output(&self.display.output));
        line("languages", self.languages());
        if let Some(address) = self.display.mirror {
            line("mirror", format!("http://{address}/display, for browsers of this terminal"));
        }
        line("receipts", self.describe_receipts());
        line("printer", self.describe_printer());
        line("console", self.describe_console());
        line("push", self.describe_push());
        line("log", format!("{:?}, {}", self.log_format, self.log_filter));
        facts
    }

    fn describe_push(&self) -> String {
        let Some(push) = &self.push else {
            return "none; Klarna is asked at klarna.poll_ms".to_owned();
        };
        let (broker, seconds) = (&push.broker, push.pace.as_secs());
        let (host, port, topic) = (&broker.host, broker.port, push.topics.changed());
        let keys = push.orders.as_ref().map_or(0, |orders| orders.keys.len());
        let orders = match keys {
            0 => "no orders are taken".to_owned(),
            _ => format!("orders of {keys} fleet key(s) are taken"),
        };
        format!(
            "{topic} at {host}:{port}; Klarna is asked every {seconds} s while it works; {orders}"
        )
    }

    fn describe_metrics(&self) -> String {
        let file = self.metrics_file.as_ref().map(|path| path.display().to_string());
        let asked = self.metrics_listen.map(|listen| match listen.ip().is_loopback() {
            true => format!("http://{listen}/metrics, for this machine"),
            false => format!("http://{listen}/metrics, for EVERYBODY who reaches that address"),
        });
        match (file, asked) {
            (None, None) => "not written".to_owned(),
            (Some(told), None) | (None, Some(told)) => told,
            (Some(file), Some(asked)) => format!("{file}; {asked}"),
        }
    }

    fn describe_console(&self) -> String {
        let console = &self.console;
        let group = match &console.group {
            Some(group) => format!("group {group} as {}", console.group_role),
            None => "the daemon's user".to_owned(),
        };
        let Some(listen) = console.listen else { return format!("no pages; commands: {group}") };
        let certificate = match &console.certificate {
            Some(files) => format!("certificate {}", files.chain.display()),
            None => "a certificate of its own making".to_owned(),
        };
        let limit = console.return_limit.as_deref();
        let limit =
            limit.map_or("any amount".to_owned(), |limit| format!("up to {limit} of a sale"));
        format!("https://{listen}, {certificate}, managers give back {limit}; commands: {group}")
    }
}

fn codes(currencies: &[Currency]) -> String {
    currencies.iter().map(Currency::code).collect::<Vec<_>>().join(", ")
}

fn describe_link(till: &TillSettings) -> String {
    let protocol = match &till.protocol {
        Protocol::Native if till.native.checksum_required => "checksums required".to_owned(),
        Protocol::Native => "checksums optional".to_owned(),
        Protocol::Zvt(zvt) => {
            let (terminal, currency) = (zvt.terminal, zvt.currency.code());
            let password = if zvt.password.is_some() { "a password" } else { "any password" };
            let profile = zvt.profile;
            format!("ZVT terminal {terminal} in {currency}, {password}, profile {profile:?}")
        }
    };
    match &till.link {
        LinkSettings::Serial { path, baud, format } => {
            format!("serial {path}, {baud} baud, {format:?}, {protocol}")
        }
        LinkSettings::Tcp { listen } => {
            format!("TCP, listening on {listen}, {protocol}")
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

impl Config {
    fn describe_receipts(&self) -> String {
        let columns = self.receipts.columns.count();
        match &self.receipts.disclaimer {
            Some(text) => format!("{columns} columns, the last words are {text:?}"),
            None => format!("{columns} columns, the last words are that they are not fiscal"),
        }
    }

    /// A program's arguments are its own affair and not shown.
    fn describe_printer(&self) -> String {
        match &self.printer {
            Some(PrinterConfig::Command(command)) => {
                format!("the program {:?}", command.first().map_or("", String::as_str))
            }
            Some(PrinterConfig::Device(path)) => format!("{}, ESC/POS", path.display()),
            None => "none but the till's".to_owned(),
        }
    }

    fn languages(&self) -> String {
        let lang = self.display.frame.lang.tag();
        match self.display.frame.second_lang {
            Some(second) => format!("{lang}, in turns with {}", second.tag()),
            None => format!("{lang}, unless the till names another one"),
        }
    }
}

fn describe_output(output: &OutputConfig) -> String {
    match output {
        OutputConfig::Framebuffer { path, rotation } => {
            format!("framebuffer {}, turned by {} degrees", path.display(), rotation.degrees())
        }
        OutputConfig::Drm { path, connector, rotation } => {
            let connector = connector.as_deref().unwrap_or("the first connector with a panel");
            format!("{} at {connector}, turned by {} degrees", path.display(), rotation.degrees())
        }
        OutputConfig::Png { path, width, height, .. } => {
            format!("{width}x{height} pixels into {}", path.display())
        }
        OutputConfig::Ansi => "this terminal".to_owned(),
        OutputConfig::None => "none".to_owned(),
    }
}
