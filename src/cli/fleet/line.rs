//! The operator's line to the broker: to say orders, and to hear what the broker keeps of
//! terminals.

use crate::broker::{self, Account, Files, Heard, Line, Said, Settings};
use crate::fleet::To;
use crate::id::Address;
use crate::push::Standing;
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

/// MQTT over TLS (IANA: secure-mqtt).
const PORT: u16 = 8883;
/// What the broker says is looked at in this many pieces.
const SAID_MAX: usize = 64;
/// Until the line stands; whoever waits can do it again.
const CONNECT_WAIT: Duration = Duration::from_secs(20);
/// Terminals of which the broker keeps something; more than a broker of ours has.
const TERMINALS_MAX: usize = 50_000;

/// Which broker, and who asks.
#[derive(Debug, clap::Args)]
pub(super) struct Broker {
    /// The broker, such as broker.example:8883
    #[arg(long, value_name = "HOST:PORT")]
    broker: String,
    /// Who issued the broker's certificate (PEM); the public authorities when it is absent
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The operator's certificate (PEM); its common name is `operator`
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// The key of that certificate (PEM)
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// Klarna's account, as in klarna.account_id, or its last part
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    pub(super) account: Account,
}

fn account(text: &str) -> Result<Account, String> {
    Account::of(text).map_err(|error| error.to_string())
}

/// A line that stands.
pub(super) struct Desk {
    /// For saying something.
    pub(super) line: Line,
    said: mpsc::Receiver<Said>,
}

impl Broker {
    fn settings(&self) -> anyhow::Result<Settings> {
        let (host, port) = match self.broker.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, port.parse().with_context(|| format!("{port:?} is no port"))?)
            }
            Some(_) | None => (self.broker.as_str(), PORT),
        };
        let files = Files {
            ca: self.ca.clone(),
            certificate: self.certificate.clone(),
            key: self.key_file.clone(),
        };
        broker::check(&files)?;
        Ok(Settings {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port,
            client_id: format!("operator-{}", uuid::Uuid::new_v4().simple()),
            files,
            reconnect_max: Duration::from_secs(1),
            session: Duration::ZERO,
        })
    }

    /// Connects, and hears `topics`.
    pub(super) async fn connect(&self, topics: Vec<String>) -> anyhow::Result<Desk> {
        let (tell, said) = mpsc::channel(SAID_MAX);
        let (mut line, kept) = broker::keep(self.settings()?, topics, None, tell);
        tokio::spawn(kept);
        timeout(CONNECT_WAIT, line.up()).await.ok().with_context(|| {
            format!(
                "there is no line to {} after {} s: see that it can be reached, that --ca is \
                     its authority, and that the certificate's name is `operator`",
                self.broker,
                CONNECT_WAIT.as_secs()
            )
        })?;
        Ok(Desk { line, said })
    }

    /// How terminals that `to` means stand, as the broker keeps it; listens for `wait`.
    pub(super) async fn standings(
        &self,
        to: &To,
        wait: Duration,
    ) -> anyhow::Result<BTreeMap<Address, Standing>> {
        let topic = match to {
            To::One(one) => format!("klarna/{}/{one}/status", self.account),
            To::Store(store) => format!("klarna/{}/{store}/+/status", self.account),
            To::All => format!("klarna/{}/+/+/status", self.account),
        };
        let mut desk = self.connect(vec![topic]).await?;
        let (until, mut found) = (Instant::now() + wait, BTreeMap::new());
        while let Ok(Some(said)) = timeout_at(until, desk.said.recv()).await {
            match said {
                Said::Heard(heard) => {
                    let Some((address, standing)) = standing(&heard) else { continue };
                    found.insert(address, standing);
                    if found.len() > TERMINALS_MAX {
                        bail!("the broker keeps more than {TERMINALS_MAX} terminals; ask by store");
                    }
                }
                Said::Up => {}
                Said::Down => bail!("the line to {} broke; try again", self.broker),
            }
        }
        Ok(found)
    }
}

/// Of which terminal, and what it says; `None` for what is not of the form.
fn standing(heard: &Heard) -> Option<(Address, Standing)> {
    let mut parts = heard.topic.split('/').skip(2);
    let address = Address::new(parts.next()?, parts.next()?)?;
    Some((address, serde_json::from_slice(&heard.payload).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whose_it_is() {
        let heard = |topic: &str, payload: &str| Heard {
            topic: topic.to_owned(),
            payload: payload.into(),
            retained: true,
        };
        let gone = r#"{"v":1,"online":false}"#;
        let found = standing(&heard("klarna/A/S12/T3/status", gone)).expect("a status");
        assert_eq!((found.0.to_string().as_str(), found.1.online), ("S12/T3", false));
        assert!(standing(&heard("klarna/A/status", gone)).is_none());
        assert!(standing(&heard("klarna/A/S12/T3/status", "")).is_none());
    }
}
