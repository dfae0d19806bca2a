//! The one integration binary.
#![allow(clippy::unwrap_used, missing_docs)]

mod random;
mod readme;
mod recovery;
mod scenario;
mod screen;
mod tidy;
mod till_protocol;
