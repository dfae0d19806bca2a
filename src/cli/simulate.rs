//! The `simulate` command: Klarna at a desk, for tills' developers and for trying the terminal.

use crate::daemon;
use crate::simulator::{Fault, Options, PushFault, Simulator};
use anyhow::Context as _;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Arguments of `simulate`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where Klarna's API and the shopper's page listen (HTTPS)
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    api: SocketAddr,
    /// Where the control page listens (HTTP): what happened, faults, the shopper's buttons
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    control: SocketAddr,
    /// The host in the QR code; use this computer's address in the network to scan with a phone
    #[arg(long, value_name = "HOST", default_value = "localhost")]
    public_host: String,
    /// Directory for the simulator's certificate authority and API key (made at first use)
    #[arg(long, value_name = "DIR", default_value = "desk")]
    tls_dir: PathBuf,
    /// Begin with this fault, such as drop-after:capture:1 or status=503:create:2; repeatable
    #[arg(long, value_name = "FAULT")]
    fault: Vec<String>,
    /// Begin with this fault of a webhook's notice, such as forge:payment.request.*:1; repeatable
    #[arg(long, value_name = "FAULT")]
    push_fault: Vec<String>,
    /// Trust this certificate authority (PEM) when a webhook is told something
    #[arg(long, value_name = "FILE")]
    push_ca: Option<PathBuf>,
}

/// Runs until it is told to stop.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let public_host = arguments.public_host.clone();
    let faults: Result<Vec<Fault>, _> = arguments.fault.iter().map(|text| text.parse()).collect();
    let faults = faults?;
    let push_faults: Result<Vec<PushFault>, _> =
        arguments.push_fault.iter().map(|text| text.parse()).collect();
    let push_faults = push_faults?;
    let authority = |path: PathBuf| {
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let notices_ca = arguments.push_ca.map(authority).transpose()?;
    let options = Options {
        api: arguments.api,
        control: arguments.control,
        public_host: arguments.public_host,
        tls_dir: Some(arguments.tls_dir.clone()),
        notices_ca,
        ..Options::default()
    };
    let (account, key) = (options.account_id.clone(), options.api_key.clone());
    let shutdown = daemon::terminated().context("signals cannot be handled")?;
    let simulator = Simulator::start(options).await?;
    let key_file = arguments.tls_dir.join("api-key");
    std::fs::write(&key_file, key)
        .with_context(|| format!("cannot write {}", key_file.display()))?;
    for fault in faults {
        simulator.fault(fault);
    }
    for fault in push_faults {
        simulator.push_fault(fault);
    }
    println!("Klarna's API is played at {}", simulator.api_url());
    println!("control and shopper's pages at {}", simulator.control_url());
    println!();
    println!("In the terminal's configuration:");
    println!("  [klarna]");
    println!("  environment   = \"custom\"");
    println!("  base_url      = {:?}", simulator.api_url());
    println!("  account_id    = {account:?}");
    println!("  extra_ca_file = {:?}", arguments.tls_dir.join("ca.pem"));
    println!("  api_key_file  = {key_file:?}");
    println!("  qr_hosts      = [{public_host:?}]");
    println!("Stop with Ctrl-C.");
    shutdown.await;
    simulator.shutdown().await;
    Ok(())
}
