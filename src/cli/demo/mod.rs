//! The `demo` command: a whole shop in one program. Till bytes travel over a real pty, the terminal
//! is the real daemon with a real journal, calls go over HTTPS; only Klarna is played.

mod prompt;
mod script;
mod shop;
mod till;
mod zvt;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Tell the scripted stories and check the books, as happens without a terminal
    #[arg(long)]
    script: bool,
    /// What the till speaks; zvt is what card terminals speak in Germany, Austria and Switzerland
    #[arg(long = "till", value_enum, value_name = "PROTOCOL", default_value_t = Protocol::Native)]
    protocol: Protocol,
    /// With `--till zvt`: no till of ours, one of your own connects to this address over TCP, such
    /// as 127.0.0.1:20007, or with `pty` to a serial device. The shopper approves after 2 seconds,
    /// is declined when the amount ends with .66, and leaves when it ends with .67
    #[arg(long, value_name = "ADDRESS|pty")]
    listen: Option<String>,
    /// Where the simulated Klarna listens (HTTPS); the default is a free port of this computer
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    api: SocketAddr,
    /// The host in the QR code; this computer's address in the network lets a phone scan it
    #[arg(long, value_name = "HOST", default_value = "localhost")]
    public_host: String,
    /// Where a browser of this computer sees what the shopper sees; the default is a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    mirror: SocketAddr,
    /// Where the store manager's pages are (HTTPS); the default is a free port of this computer
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    console: SocketAddr,
    /// Keep journal and screens here instead of in a directory that is removed at the end, and the
    /// dialogue of a till that speaks ZVT
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// What the till speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Protocol {
    Native,
    Zvt,
}

/// Runs the demo: with a prompt at a terminal, scripted elsewhere.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let at_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if arguments.protocol == Protocol::Zvt {
        return zvt::run(arguments, at_terminal).await;
    }
    anyhow::ensure!(arguments.listen.is_none(), "--listen needs --till zvt");
    match at_terminal && !arguments.script {
        true => prompt::run(arguments).await,
        false => script::run(arguments).await,
    }
}
