//! Speed and memory figures.
fn main() {}
