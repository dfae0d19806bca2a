//! Payment-terminal daemon for Klarna.

pub mod clock;
pub mod id;
pub mod money;
pub mod payment;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod store;
