//! The one integration binary.
#![allow(clippy::unwrap_used, missing_docs)]

mod cli;
mod config;
mod contradiction;
mod crash;
mod desk;
mod faults;
mod log_privacy;
mod payment;
mod power_cut;
mod random;
mod readme;
mod recovery;
mod restore;
mod scenario;
mod screen;
mod store;
mod story;
mod terminal;
mod tidy;
mod till_protocol;
mod upgrade;
mod vfs;
mod world;
mod zvt_codec;
mod zvt_dialogue;
