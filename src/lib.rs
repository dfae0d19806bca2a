//! Payment-terminal daemon for Klarna.

pub mod acquirer;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod display;
pub mod i18n;
pub mod id;
pub mod money;
pub mod payment;
pub mod pos;
pub mod receipt;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod store;
pub mod sync;
pub mod telemetry;
