//! The account at the simulated Klarna, set up by the command line as an engineer does it.

use std::path::Path;
use std::process::{Command, Stdio};

/// `provision ARGUMENTS` for the terminal whose files are in `folder`; what it prints.
pub fn provision(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_klarna-terminald"))
        .arg("provision")
        .args(arguments)
        .arg("--config")
        .arg(folder.join("terminal.toml"))
        .arg("--keys")
        .arg(folder.join("signing-keys.json"))
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}
