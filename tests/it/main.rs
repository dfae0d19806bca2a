//! The one integration binary.

mod readme;
mod screen;
mod tidy;
