//! Payment-terminal daemon for Klarna.

pub mod clock;
pub mod display;
pub mod i18n;
pub mod id;
pub mod money;
pub mod payment;
