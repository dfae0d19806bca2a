//! Payment-terminal daemon for Klarna.

pub mod acquirer;
pub mod clock;
pub mod display;
pub mod i18n;
pub mod id;
pub mod money;
pub mod payment;
pub mod pos;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod store;
pub mod sync;
