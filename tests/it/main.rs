//! The one integration binary.

mod cli;
mod config;
mod contradiction;
mod crash;
mod faults;
mod log_privacy;
mod payment;
mod screen;
mod store;
mod terminal;
