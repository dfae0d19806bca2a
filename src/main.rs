//! Thin entry point: exit codes live here.
fn main() {}
