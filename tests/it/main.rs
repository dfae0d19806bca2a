//! The one integration binary.

mod screen;
mod tidy;
