//! The one integration binary.

mod crash;
mod faults;
mod payment;
mod screen;
mod terminal;
