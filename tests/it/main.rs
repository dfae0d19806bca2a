//! The one integration binary.

mod screen;
