//! The program: reads the command line, runs one role, and says by its exit code how that went.

use klarna_terminald::cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
