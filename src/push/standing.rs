//! What a terminal says of itself to whoever looks after the fleet: no payment, no amount.

use crate::fleet::Report;
use serde::{Deserialize, Serialize};

/// How a terminal stands. Kept by the broker at the terminal's `status` topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// 1.
    pub v: u32,
    /// False is what the broker says when the line has ended.
    pub online: bool,
    /// Of the software.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Calls that wait for Klarna.
    #[serde(default)]
    pub queued: u64,
    /// Calls that wait for a person.
    #[serde(default)]
    pub needs_person: u64,
    /// Whether Klarna could be reached when it was last tried.
    #[serde(default)]
    pub klarna_reachable: bool,
    /// Codes of the alarms that last, such as `queue_is_old`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<String>,
    /// What has become of the last settings from afar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Report>,
}

impl Standing {
    /// A terminal that has just started.
    pub fn begin() -> Self {
        Self {
            v: 1,
            online: true,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            queued: 0,
            needs_person: 0,
            klarna_reachable: true,
            alarms: Vec::new(),
            config: None,
        }
    }

    /// As JSON.
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and numbers are always JSON")
    }

    /// What the broker says once the line has ended.
    pub(super) fn offline() -> Vec<u8> {
        br#"{"v":1,"online":false}"#.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_json_that_reads_back() {
        let standing =
            Standing { queued: 3, alarms: vec!["queue_is_old".into()], ..Standing::begin() };
        let back: Standing = serde_json::from_slice(&standing.bytes()).expect("JSON");
        assert_eq!(back, standing);
        let gone: Standing = serde_json::from_slice(&Standing::offline()).expect("JSON");
        assert!(!gone.online && gone.v == 1);
    }
}
