//! The one integration binary.

mod faults;
mod payment;
mod screen;
mod terminal;
