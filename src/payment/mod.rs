//! The payment core.

pub mod effect;
