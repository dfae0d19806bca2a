//! Draws every screen in three sizes and four languages into `docs/gallery`.
//!
//! `cargo run --example gallery` writes the pictures; with `-- --check` it compares them with those
//! that are there, and shows what differs in red in `target/gallery`.

// The same screens as the tests draw; not every helper of theirs is needed here.
#[allow(dead_code)]
#[path = "../tests/it/gallery.rs"]
mod gallery;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("docs/gallery");
    match std::env::args().nth(1).as_deref() {
        None => {
            gallery::write(&folder);
            println!("written to {}", folder.display());
            ExitCode::SUCCESS
        }
        Some("--check") => {
            let wrong = gallery::compare(&folder, &root.join("target/gallery"));
            for path in &wrong {
                eprintln!("differs: {}", path.display());
            }
            if wrong.is_empty() {
                println!("every picture is as expected");
                return ExitCode::SUCCESS;
            }
            eprintln!("if the change is wanted: cargo run --example gallery");
            ExitCode::FAILURE
        }
        Some(other) => {
            eprintln!("{other:?} is not known; --check compares, nothing writes");
            ExitCode::from(2)
        }
    }
}
