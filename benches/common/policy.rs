//! Rules about payments for benches that drive the engine themselves.

use klarna_terminald::money::Currency;
use klarna_terminald::payment::{CapturePolicy, Policy};
use std::time::Duration;

/// Usual rules with this `capture`.
pub fn usual(capture: CapturePolicy) -> Policy {
    Policy {
        currencies: vec![Currency::new("EUR").expect("EUR")],
        capture,
        create_patience: Duration::from_secs(15),
        sale_timeout: Duration::from_secs(300),
        paying_extension: Duration::from_secs(120),
        confirm_patience: Duration::from_secs(3000),
        acknowledge_patience: Duration::from_secs(60),
        linger: Some(Duration::from_secs(10)),
        refund_offline: true,
        read_pace: Duration::from_secs(2),
        reference_prefix: "S1-T1".to_owned(),
    }
}
