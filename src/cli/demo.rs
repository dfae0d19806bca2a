//! The demo.
use clap::Args;
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Run the scripted stories and check the books instead of asking for commands
    #[arg(long)]
    script: bool,
}
pub(super) async fn run(_arguments: Arguments) -> anyhow::Result<()> {
    Ok(())
}
