//! The keys of the configuration file, as people write them. Every key is optional here; what must
//! be there is said by `check`, all at once.

use crate::acquirer::klarna::{AuthScheme, Availability, AvailabilityOrder};
use crate::payment::CapturePolicy;
use crate::pos::Format;
use crate::pos::zvt::session::Profile;
use secrecy::SecretString;
use serde::Deserialize;
use std::path::PathBuf;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RawConfig {
    pub(super) terminal: RawTerminal,
    pub(super) till: RawTill,
    pub(super) payment: RawPayment,
    pub(super) klarna: RawKlarna,
    pub(super) store: RawStore,
    pub(super) alarm: RawAlarm,
    pub(super) metrics: RawMetrics,
    pub(super) display: RawDisplay,
    pub(super) receipt: RawReceipt,
    pub(super) console: Option<RawConsole>,
    pub(super) push: Option<RawPush>,
    pub(super) webhook: Option<RawWebhook>,
    pub(super) log: RawLog,
}

/// This program has no receiver: that there is such a section is all that is looked at.
#[cfg(not(feature = "relay"))]
pub(super) type RawWebhook = serde::de::IgnoredAny;
/// This program has no line to a broker, likewise.
#[cfg(not(feature = "push"))]
pub(super) type RawPush = serde::de::IgnoredAny;

#[cfg(feature = "relay")]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawWebhook {
    pub(super) listen: Option<String>,
    pub(super) path: Option<String>,
    pub(super) certificate_file: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) keys_file: Option<PathBuf>,
    pub(super) database: Option<PathBuf>,
    pub(super) operations: Option<String>,
    pub(super) check_callers: Option<bool>,
    pub(super) proxies: Option<Vec<String>>,
    pub(super) proxy_header: Option<String>,
    pub(super) age_max_h: Option<u64>,
}

#[cfg(feature = "push")]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawPush {
    pub(super) broker: Option<String>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) certificate_file: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) poll_ms: Option<u64>,
    pub(super) alive_s: Option<u64>,
    pub(super) reconnect_max_s: Option<u64>,
    pub(super) fleet_keys: Option<Vec<String>>,
    pub(super) trial_s: Option<u64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawTerminal {
    pub(super) store: Option<String>,
    pub(super) terminal: Option<String>,
    pub(super) merchant: Option<String>,
    pub(super) locale: Option<String>,
    pub(super) currencies: Option<Vec<String>>,
    pub(super) time_zone: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawLink {
    Serial,
    Tcp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawProtocol {
    Native,
    Zvt,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawTill {
    pub(super) protocol: Option<RawProtocol>,
    pub(super) link: Option<RawLink>,
    pub(super) port: Option<String>,
    pub(super) baud: Option<u32>,
    pub(super) format: Option<Format>,
    pub(super) listen: Option<String>,
    pub(super) checksum_required: Option<bool>,
    pub(super) ack_timeout_s: Option<u64>,
    pub(super) password: Option<String>,
    pub(super) terminal_id: Option<String>,
    pub(super) card_type: Option<u8>,
    pub(super) profile: Option<Profile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawPayment {
    pub(super) capture: Option<CapturePolicy>,
    pub(super) timeout_s: Option<u64>,
    pub(super) paying_extension_s: Option<u64>,
    pub(super) create_timeout_s: Option<u64>,
    pub(super) result_screen_s: Option<u64>,
    pub(super) refund_offline: Option<bool>,
}

/// Which of Klarna's worlds the terminal works in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Real money.
    Live,
    /// Klarna's test environment.
    Test,
    /// A host of one's own, such as the simulator; never with a live key.
    Custom,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawKlarna {
    pub(super) environment: Option<Environment>,
    pub(super) base_url: Option<String>,
    pub(super) account_id: Option<String>,
    pub(super) account_header: Option<bool>,
    pub(super) api_key: Option<SecretString>,
    pub(super) api_key_file: Option<PathBuf>,
    pub(super) auth_scheme: Option<AuthScheme>,
    pub(super) integrator: Option<String>,
    pub(super) originators: Option<Vec<String>>,
    pub(super) availability: Option<Availability>,
    pub(super) availability_order: Option<AvailabilityOrder>,
    pub(super) descriptor: Option<bool>,
    pub(super) redirect_url: Option<String>,
    pub(super) qr_hosts: Option<Vec<String>>,
    pub(super) extra_ca_file: Option<PathBuf>,
    pub(super) proxy: Option<String>,
    pub(super) captures_per_s: Option<u32>,
    pub(super) management_per_s: Option<u32>,
    pub(super) poll_ms: Option<u64>,
    pub(super) paths: RawPaths,
    pub(super) create_extra: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawPaths {
    pub(super) read: Option<String>,
    pub(super) capture: Option<String>,
    pub(super) refund: Option<String>,
    pub(super) refund_capture: Option<String>,
    pub(super) void: Option<String>,
    pub(super) update: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawStore {
    pub(super) path: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAlarm {
    pub(super) queue_age_h: Option<u64>,
    pub(super) queue_length: Option<u64>,
    pub(super) authorisation_days: Option<u64>,
    pub(super) authorisation_days_left: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawMetrics {
    pub(super) file: Option<PathBuf>,
    pub(super) listen: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawOutput {
    Framebuffer,
    Drm,
    Png,
    Terminal,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawTheme {
    Light,
    Dark,
    Contrast,
    Mono,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawColors {
    pub(super) background: Option<String>,
    pub(super) ink: Option<String>,
    pub(super) muted: Option<String>,
    pub(super) accent: Option<String>,
    pub(super) alert: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawDisplay {
    pub(super) output: Option<RawOutput>,
    pub(super) device: Option<PathBuf>,
    pub(super) rotation: Option<u32>,
    pub(super) path: Option<PathBuf>,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) scale: Option<u32>,
    pub(super) theme: Option<RawTheme>,
    pub(super) colors: RawColors,
    pub(super) large_text: Option<bool>,
    pub(super) logo: Option<PathBuf>,
    pub(super) second_language: Option<String>,
    pub(super) alternate_s: Option<u64>,
    pub(super) warning_s: Option<u32>,
    pub(super) short_link: Option<String>,
    pub(super) backlight: Option<PathBuf>,
    pub(super) brightness: Option<u8>,
    pub(super) led: Option<PathBuf>,
    pub(super) buzzer: Option<PathBuf>,
    pub(super) buzzer_channel: Option<u32>,
    pub(super) connector: Option<String>,
    pub(super) speech: Option<Vec<String>>,
    pub(super) operator_input: Option<PathBuf>,
    pub(super) operator_key: Option<u16>,
    pub(super) mirror: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawReceipt {
    pub(super) columns: Option<u32>,
    pub(super) disclaimer: Option<String>,
    pub(super) printer_command: Option<Vec<String>>,
    pub(super) printer_device: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawConsole {
    pub(super) listen: Option<String>,
    pub(super) names: Option<Vec<String>>,
    pub(super) certificate_file: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) return_limit: Option<String>,
    pub(super) group: Option<String>,
    pub(super) group_role: Option<String>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people, on standard error.
    Text,
    /// One JSON object per line, on standard error.
    Json,
    /// To systemd's journal with fields.
    Journald,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawLog {
    pub(super) format: Option<LogFormat>,
    pub(super) filter: Option<String>,
}
