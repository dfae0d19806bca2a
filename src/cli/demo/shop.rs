//! Everything that a shop has: a terminal with its journal, a till on a pty, a Klarna that is
//! played.

use super::Arguments;
use super::till::Till;
use crate::config::{Config, Overrides};
use crate::daemon;
use crate::display::Output;
use crate::simulator::{Options, Simulator};
use crate::store::Reader;
use anyhow::Context as _;
use serialport::{SerialPort as _, TTYPort};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Where the terminal's pages are.
#[derive(Debug, Clone, Copy)]
struct Pages {
    mirror: SocketAddr,
    console: SocketAddr,
}

/// A running shop, with whatever stands at its till.
pub(super) struct Shop<T = Till> {
    pub(super) simulator: Simulator,
    pub(super) till: T,
    pub(super) directory: PathBuf,
    pages: Pages,
    keep: bool,
    daemon: JoinHandle<anyhow::Result<()>>,
    stop: oneshot::Sender<()>,
}

impl Shop {
    /// Opens the shop with a till of our own protocol; `output` replaces the display of the
    /// configuration.
    pub(super) async fn open(
        arguments: &Arguments,
        output: Option<Output>,
    ) -> anyhow::Result<Self> {
        let (ours, port) = line()?;
        let till = format!("link = \"serial\"\nport = {port:?}\n");
        let shop = Shop::without_till(arguments, output, &till).await?;
        let till = Till::connect(ours).await?;
        Ok(shop.with(till))
    }
}

impl Shop<()> {
    /// Opens the shop; `settings` are those of `[till]`.
    pub(super) async fn without_till(
        arguments: &Arguments,
        output: Option<Output>,
        settings: &str,
    ) -> anyhow::Result<Self> {
        let own = std::env::temp_dir().join(format!("klarna-terminald-{}", std::process::id()));
        let directory = arguments.dir.clone().unwrap_or(own);
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        let simulator = Simulator::start(Options {
            api: arguments.api,
            public_host: arguments.public_host.clone(),
            tls_dir: Some(directory.clone()),
            ..Options::default()
        })
        .await?;
        let pages = Pages {
            mirror: free_address(arguments.mirror)?,
            console: free_address(arguments.console)?,
        };
        let config = configuration(&directory, &simulator, arguments, pages, settings)?;
        let output = match output {
            Some(output) => output,
            None => Output::open(&config.display.output)?,
        };
        let (stop, stopped) = oneshot::channel();
        let daemon = tokio::spawn(daemon::run_on(config, output, async {
            // A shop that is dropped closes as well.
            stopped.await.unwrap_or(());
        }));
        let keep = arguments.dir.is_some();
        Ok(Self { simulator, till: (), directory, pages, keep, daemon, stop })
    }

    /// The same shop with this at its till.
    pub(super) fn with<T>(self, till: T) -> Shop<T> {
        let Self { simulator, till: (), directory, pages, keep, daemon, stop } = self;
        Shop { simulator, till, directory, pages, keep, daemon, stop }
    }
}

/// A serial line: our end, and the name of the terminal's.
pub(super) fn line() -> anyhow::Result<(TTYPort, String)> {
    // The terminal opens its end itself, exclusively.
    let (ours, theirs) = TTYPort::pair().context("the system gives no pty")?;
    let port = theirs.name().context("the pty has no name")?;
    Ok((ours, port))
}

impl<T> Shop<T> {
    /// The journal, read beside the daemon.
    pub(super) fn journal(&self) -> anyhow::Result<Reader> {
        Ok(Reader::open(&self.directory.join(JOURNAL))?)
    }

    /// The terminal has ended by itself.
    pub(super) fn is_closed(&self) -> bool {
        self.daemon.is_finished()
    }

    /// Where the current shopper's page is, for a browser on this computer.
    pub(super) fn page(&self) -> String {
        format!("{}/pay/latest", self.simulator.control_url())
    }

    /// Where a browser sees what the shopper sees.
    pub(super) fn mirror(&self) -> String {
        format!("http://{}/display", self.pages.mirror)
    }

    /// Where the store manager's pages are.
    pub(super) fn console(&self) -> String {
        format!("https://{}", self.pages.console)
    }

    /// Stops the terminal and lets go of everything.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        let _ = self.stop.send(());
        self.daemon.await.context("the terminal has ended abnormally")??;
        self.simulator.shutdown().await;
        if !self.keep {
            let directory = self.directory.display();
            std::fs::remove_dir_all(&self.directory)
                .with_context(|| format!("cannot remove {directory}"))?;
        }
        Ok(())
    }
}

/// The address itself, or with port 0 one that is free now, so that it can be told.
pub(super) fn free_address(asked: SocketAddr) -> anyhow::Result<SocketAddr> {
    let taken = TcpListener::bind(asked).with_context(|| format!("{asked} cannot be used"))?;
    Ok(taken.local_addr()?)
}

/// The screen as a picture.
pub(super) const SCREEN: &str = "screen.png";
const JOURNAL: &str = "terminal.sqlite";
const KEY: &str = "klarna-api-key";

/// The same kind of configuration file that a real terminal has.
fn configuration(
    directory: &Path,
    simulator: &Simulator,
    arguments: &Arguments,
    pages: Pages,
    till: &str,
) -> anyhow::Result<Config> {
    let options = Options::default();
    std::fs::write(directory.join(KEY), options.api_key)?;
    let public_host = &arguments.public_host;
    let path = |name: &str| format!("{:?}", directory.join(name).display().to_string());
    let text = format!(
        r#"
[terminal]
store = "DEMO"
terminal = "T1"
merchant = "Nordlicht Bücher & Café"
locale = "en-DE"
currencies = ["EUR"]

[till]
{till}
[payment]
timeout_s = 180

[klarna]
environment = "custom"
base_url = {base_url:?}
account_id = {account:?}
api_key_file = {key}
extra_ca_file = {ca}
redirect_url = "https://shop.example/thanks"
qr_hosts = [{public_host:?}]
poll_ms = 500

[store]
path = {journal}

[display]
output = "png"
path = {screen}
mirror = "{mirror}"

[console]
listen = "{console}"
return_limit = "200.00"
"#,
        mirror = pages.mirror,
        console = pages.console,
        base_url = simulator.api_url(),
        account = options.account_id,
        key = path(KEY),
        ca = path("ca.pem"),
        journal = path(JOURNAL),
        screen = path(SCREEN),
    );
    let file = directory.join("terminal.toml");
    std::fs::write(&file, &text)?;
    Ok(Config::from_text(&text, &file, &Overrides::default())?)
}
