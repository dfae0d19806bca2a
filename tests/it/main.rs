//! The one integration binary.

mod payment;
mod screen;
mod terminal;
