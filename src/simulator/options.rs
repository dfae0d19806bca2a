//! How a simulator is set up: where it listens, who may call, how much and how strictly.
//!
//! It decides nothing; whoever is named here does.

use super::notification::SignatureEncoding;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// How a simulator is set up; the default is right for tests.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the HTTPS API listens. Port 0 takes a free one.
    pub api: SocketAddr,
    /// Where the control API listens. It asks nobody who they are: keep it on the loopback address.
    pub control: SocketAddr,
    /// The host name or address in the URLs that shoppers scan, and in the certificate.
    pub public_host: String,
    /// The only key that is accepted.
    pub api_key: String,
    /// The only account that exists.
    pub account_id: String,
    /// Where the certificate authority is kept (`ca.pem`, `ca-key.pem`); `None` makes a new one
    /// each time.
    pub tls_dir: Option<PathBuf>,
    /// Which of the two documented confirm paths exists.
    pub confirm_path: ConfirmPath,
    /// Quota of captures.
    pub captures_per_second: u32,
    /// Quota of everything else.
    pub management_per_second: u32,
    /// Quota of signing keys, webhooks and credentials.
    pub partner_per_second: u32,
    /// Whether webhooks may lead to loopback addresses, on any port; Klarna has only 443 and 8443
    /// of the public network.
    pub webhooks_on_loopback: bool,
    /// Whether those may also be plain HTTP.
    pub webhooks_in_clear: bool,
    /// Notices on their way at the same time; with 1 they arrive in order.
    pub notices_at_once: usize,
    /// How notices are signed.
    pub signature_encoding: SignatureEncoding,
    /// Further authorities that receivers of notices may have their certificates from, PEM.
    pub notices_ca: Option<String>,
    /// False: the simulator's time moves only by [`super::Simulator::advance_clock`].
    pub real_time: bool,
    /// The same seed gives the same ids and the same order of JSON keys; `None` is different every
    /// time.
    pub seed: Option<u64>,
}

impl Default for Options {
    fn default() -> Options {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Options {
            api: loopback,
            control: loopback,
            public_host: "localhost".to_owned(),
            api_key: "klarna_test_api_simulator".to_owned(),
            account_id: "krn:partner:global:account:test:SIMULATOR".to_owned(),
            tls_dir: None,
            confirm_path: ConfirmPath::WithPayment,
            captures_per_second: 12,
            management_per_second: 50,
            partner_per_second: 5,
            webhooks_on_loopback: true,
            webhooks_in_clear: false,
            notices_at_once: 8,
            signature_encoding: SignatureEncoding::default(),
            notices_ca: None,
            real_time: true,
            seed: None,
        }
    }
}

/// Klarna's guide prints the confirm path in two ways; only one of them exists at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConfirmPath {
    /// `/v1/accounts/{a}/payment/confirmation-tokens/{token}/confirm`
    #[default]
    WithPayment,
    /// `/v1/accounts/{a}/confirmation-tokens/{token}/confirm`
    WithoutPayment,
}
