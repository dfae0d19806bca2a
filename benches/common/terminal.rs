//! A terminal's configuration for benches that talk to the simulator.

use klarna_terminald::simulator::{Options, Simulator};
use std::path::Path;

/// A configuration in `directory` for a terminal that listens on `port` and talks to `simulator`,
/// with `quotas` as further lines of its `[klarna]` part.
pub fn configuration(directory: &Path, simulator: &Simulator, port: u16, quotas: &str) -> String {
    let options = Options::default();
    let path = |name: &str| format!("{:?}", directory.join(name).display().to_string());
    std::fs::write(directory.join("key"), options.api_key).expect("a writable directory");
    std::fs::write(directory.join("ca.pem"), simulator.ca_pem()).expect("a writable directory");
    format!(
        r#"
[terminal]
store = "BENCH"
terminal = "T1"
merchant = "Example Store"
locale = "de-DE"
currencies = ["EUR"]
[till]
link = "tcp"
listen = "127.0.0.1:{port}"
[klarna]
environment = "custom"
base_url = {:?}
account_id = {:?}
api_key_file = {}
extra_ca_file = {}
redirect_url = "https://shop.example/thanks"
qr_hosts = ["localhost"]
poll_ms = 500
{quotas}
[store]
path = {}
[display]
output = "none"
"#,
        simulator.api_url(),
        options.account_id,
        path("key"),
        path("ca.pem"),
        path("terminal.sqlite"),
    )
}
