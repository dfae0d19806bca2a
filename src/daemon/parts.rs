//! A terminal's parts: brought up in their order, watched, and taken down again.

use super::collector::Collector;
use super::health::{Outlets, Watchman};
use super::office::{self, Office};
use super::orders::{self, Begins, Order, Told};
use super::pushed::{self, Pushed};
use super::shown::Shown;
use super::start::Memory;
use super::steward::{Post, Steward};
use super::{Daemon, FAREWELL, Inlets, desk, waiting};
use crate::acquirer::Acquirer;
use crate::acquirer::klarna::Klarna;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::display::Output;
use crate::fleet::Held;
use crate::pos::{self, LinkSettings};
use crate::sync;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Runs a terminal until `shutdown` completes. While its journal cannot be used it is out of
/// service, says so, and tries again; a till's address that is not there yet is waited for.
///
/// # Errors
/// When it cannot start: another daemon has the journal, or the system gives no threads.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
    // Without a display the terminal goes on, and tells the till before it begins a sale.
    let output = Output::open(&config.display.output).unwrap_or(Output::Missing);
    run_on(config, output, shutdown).await
}

/// As [`run`], showing screens on `output` instead of the configured one.
///
/// # Errors
/// As [`run`].
pub async fn run_on(
    config: Config,
    output: Output,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let (orders, received) = mpsc::channel(orders::ORDERS_MAX);
    let (up, mut from_within) = mpsc::channel(orders::ORDERS_MAX);
    let post = Post { held: Arc::new(Held::open(&config.store_path)), file: None, up };
    let terminal = run_as_told(config, output, Begins::Process, received, post);
    tokio::pin!(terminal, shutdown);
    loop {
        let order = tokio::select! {
            ended = &mut terminal => return ended,
            () = &mut shutdown => break,
            Some(told) = from_within.recv() => match told {
                Told::Stop => Order::Stop,
                Told::StartAnew => Order::StopWhenIdle,
                // There is no file to be read again.
                Told::Reload | Told::Retreat => continue,
            },
        };
        let _ = orders.try_send(order);
    }
    let _ = orders.try_send(Order::Stop);
    terminal.await
}

pub(super) async fn run_as_told(
    config: Config,
    output: Output,
    begins: Begins,
    mut orders: mpsc::Receiver<Order>,
    post: Post,
) -> anyhow::Result<()> {
    let clock = SystemClock::start();
    let is_line = matches!(config.till.link, LinkSettings::Serial { .. });
    let (mut shown, operator) =
        Shown::open(output, config.display.clone(), clock, &config.store_path, is_line).await?;
    let collector = Collector::open(config.metrics_listen, clock);
    let opened = waiting::for_journal(&config, clock, &mut shown, &mut orders).await?;
    let Some((memory, snapshots)) = opened else { return Ok(()) };
    let Memory { store, reader, engine, distrusted_until } = memory;
    if begins == Begins::Process {
        shown.update_is_over();
    }
    let (office, office::Ends { received: errands, recorder, errands: ask, pulse }) =
        Office::open(&config, clock);
    let acquirer = Arc::new(Acquirer::Klarna(Klarna::new(config.klarna)?));
    let (native, group) = (config.till.native.clone(), office::desk_group(&config.console));
    let (desk, mut at_desk) = desk::open(&config.store_path, native, group, recorder.clone());
    let (till_events_in, till_events) = mpsc::channel(pos::QUEUE_LEN_MAX);
    let (replies, replies_out) = mpsc::channel(pos::QUEUE_LEN_MAX);
    let link = pos::serve(config.till, clock, store.till()?, till_events_in, replies_out);
    let mut till = tokio::spawn(link);
    let (wanted, wanted_out) = watch::channel(engine.wanted());
    let (reports_in, reports) = mpsc::channel(sync::REPORTS_MAX);
    let sync_reader = store.reader()?;
    let settings = config.push.as_ref().and_then(|push| push.orders.clone());
    #[cfg(feature = "relay")]
    let webhook = config.webhook;
    #[cfg(not(feature = "relay"))]
    let webhook = None;
    let (pushed, pushed::Ends { fleet, hints, orders: given, notices }) =
        Pushed::begin(config.push, webhook, config.address, clock);
    let steward =
        Steward { post, settings, clock, recorder, ask, pulse, standing: fleet.standing() };
    let steward = steward.begin(given);
    let mut sync = tokio::spawn(sync::run(
        sync_reader,
        acquirer.clone(),
        clock,
        distrusted_until,
        wanted_out,
        hints,
        reports_in,
    ));
    let outlets = Outlets { file: config.metrics_file, collector };

    let daemon = Daemon {
        clock,
        engine,
        store,
        reader,
        shown,
        head: config.receipts,
        acquirer,
        lookups: JoinSet::new(),
        replies,
        desk: desk.replies,
        wanted,
        snapshots,
        watchman: Watchman::new(config.alarms, outlets, fleet, clock.now()),
        office,
        fault: None,
    };
    let inlets =
        Inlets { till: till_events, desk: desk.events, errands, reports, notices, operator };
    // A part that ends before the whole is a defect; the journal makes a restart safe.
    tokio::select! {
        () = daemon.run(inlets, orders) => {}
        ended = &mut at_desk => anyhow::bail!("the desk has ended: {ended:?}"),
        ended = &mut sync => anyhow::bail!("the queue's worker has ended: {ended:?}"),
        ended = &mut till => anyhow::bail!("the till's link has ended: {ended:?}"),
    }
    sync.abort();
    let unplugged = pushed.ends();
    let unlink = till.abort_handle();
    if tokio::time::timeout(FAREWELL, till).await.is_err() {
        unlink.abort();
    }
    unplugged.await;
    desk::ends(steward).await;
    desk::ends(at_desk).await;
    Ok(())
}
