//! The one integration binary.
#![allow(clippy::unwrap_used, missing_docs)]

mod random;
mod recovery;
mod scenario;
mod till_protocol;
