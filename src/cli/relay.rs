//! The `relay` command: Klarna's notices in, hints for terminals out.

use crate::broker;
use crate::clock::SystemClock;
use crate::config::RelayConfig;
use crate::daemon;
use crate::relay::{Publisher, Relay};
use crate::telemetry;
use anyhow::Context as _;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// What the line says while nobody looks.
const SAID_MAX: usize = 16;

/// Arguments of `relay`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Klarna posts signed notices to [webhook]; terminals hear at the broker that something may have
changed, and read Klarna themselves. A relay holds no key to money. Run several for more.

  klarna-terminald provision signing-keys create --keys FILE ...   # Klarna signs notices with it
  klarna-terminald provision webhooks create --url https://relay.example/klarna/webhooks ...
  klarna-terminald relay --config relay.toml

An example file: firmware-config/broker/relay.toml. How fleets are run: docs/fleet.md.")]
pub(super) struct Arguments {
    /// The relay's configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Check the file, say what the relay would do, and end
    #[arg(long)]
    check: bool,
}

/// Runs until it is told to stop.
pub(super) fn run(asked: &Arguments) -> anyhow::Result<()> {
    let config = RelayConfig::load(&asked.config)?;
    if asked.check {
        print!("{}", config.summary());
        return Ok(broker::check(&config.broker.files)?);
    }
    telemetry::start(config.log_format, &config.log_filter)?;
    super::runtime()?.block_on(serve(config))
}

async fn serve(config: RelayConfig) -> anyhow::Result<()> {
    let shutdown = daemon::terminated().context("signals cannot be handled")?;
    let relay = Relay::start(config.receiver).await?;
    let (tell, mut said) = mpsc::channel(SAID_MAX);
    let (line, kept) = broker::keep(config.broker, Vec::new(), None, tell);
    let (stop, stopped) = watch::channel(false);
    let (outbox, metrics) = (relay.outbox(), Arc::clone(relay.metrics()));
    let publisher = Publisher::new(outbox, line, config.account, metrics, SystemClock::start());
    let mut publishes = tokio::spawn(publisher.run(stopped));
    let mut keeps = tokio::spawn(kept);
    let listens = async { while said.recv().await.is_some() {} };
    tokio::select! {
        () = shutdown => {}
        () = listens => {}
        ended = &mut publishes => anyhow::bail!("the publisher has ended: {ended:?}"),
        ended = &mut keeps => anyhow::bail!("the line to the broker has ended: {ended:?}"),
    }
    stop.send_replace(true);
    // What is not published by now stays in the outbox.
    let _ = publishes.await;
    drop(said);
    let _ = keeps.await;
    relay.stop().await;
    Ok(())
}
