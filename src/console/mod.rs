//! Pages that the terminal itself serves to browsers.

pub mod mirror;
