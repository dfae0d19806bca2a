//! An order, signed and given to each terminal that it is for.

use super::line::Broker;
use super::read_key;
use crate::broker::Topics;
use crate::cli::desk::confirm;
use crate::clock::SystemClock;
use crate::fleet::{
    Canary, Change, Deed, ENVELOPE_LEN_MAX, HOURS_MAX, Order, PrivateKey, Serial, To, not_allowed,
    seal,
};
use crate::id::Address;
use anyhow::{Context as _, bail, ensure};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the topic and the rest of a message take of the broker's longest one, in bytes.
const MESSAGE_REST_MAX: usize = 1024;
/// How long terminals are listened for whose names are not given.
const LISTEN: Duration = Duration::from_secs(3);
/// Until the broker has taken one order.
const TAKE_WAIT: Duration = Duration::from_secs(20);

/// What, for whom, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What the terminals are to do
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    broker: Broker,
    /// The key that signs, as `fleet key` made it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// For which terminals: S12/T3, 'S12/*' or '*'; the last two are those that the broker knows
    #[arg(long, value_name = "TERMINALS")]
    to: To,
    /// For how many hours it can be carried out; a terminal that is away for longer never does it
    #[arg(long, value_name = "HOURS", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(HOURS_MAX)))]
    hours: u32,
    /// Print the order and give it to nobody
    #[arg(long)]
    dry_run: bool,
    /// Do it without asking
    #[arg(long, short)]
    yes: bool,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Try at once what waits for Klarna, as `outbox retry` does
    SyncNow,
    /// End when no payment is open, for systemd to start the terminal again
    Restart,
    /// Lay settings over the terminal's own file, on trial first
    Configure {
        /// The settings, in the form of the configuration file; those of an earlier order end
        #[arg(long, value_name = "FILE")]
        toml: PathBuf,
        /// How many of a hundred terminals take them; others take part with each new order
        #[arg(long, value_name = "PERCENT", default_value = "100", value_parser = canary)]
        canary: Canary,
    },
}

fn canary(text: &str) -> Result<Canary, String> {
    let percent: u8 = text.parse().map_err(|_| format!("{text:?} is no percentage: 0 to 100"))?;
    Canary::try_from(percent)
}

/// Signs and gives it.
pub(super) async fn run(asked: Arguments) -> anyhow::Result<()> {
    let key = read_key(&asked.key)?;
    let order = order(&asked)?;
    let envelope = sealed(&order, &key)?;
    if asked.dry_run {
        println!("{}", serde_json::to_string_pretty(&order)?);
        eprintln!(
            "signed with key {}, {} bytes; given to nobody",
            key.public().name(),
            envelope.len()
        );
        return Ok(());
    }
    let terminals: Vec<Address> = match &asked.to {
        To::One(one) => vec![one.clone()],
        many => asked.broker.standings(many, LISTEN).await?.into_keys().collect(),
    };
    ensure!(!terminals.is_empty(), "the broker knows no terminal of {}", asked.to);
    if terminals.len() > 1 || asked.to == To::All {
        let (count, word) = (terminals.len(), order.deed.kind().code());
        confirm(&format!("Give the order {word} to {count} terminal(s)"), asked.yes)?;
    }
    give(&asked, &order, &envelope, &terminals).await?;
    println!("order {} is with the broker for {} terminal(s)", order.serial, terminals.len());
    Ok(())
}

async fn give(
    asked: &Arguments,
    order: &Order,
    envelope: &[u8],
    terminals: &[Address],
) -> anyhow::Result<()> {
    let desk = asked.broker.connect(Vec::new()).await?;
    let expiry = Duration::from_secs(u64::from(asked.hours) * 3600);
    for address in terminals {
        let topics = Topics::of(&asked.broker.account, address.store(), address.terminal())?;
        let (topic, retained) = match order.deed {
            Deed::SyncNow | Deed::RestartWhenIdle => (topics.order(), false),
            Deed::Configure(_) => (topics.config(), true),
        };
        let said = desk.line.publish(&topic, envelope.to_vec(), Some(expiry), retained);
        let taken = async { said?.taken().await };
        let taken = tokio::time::timeout(TAKE_WAIT, taken).await;
        let failed = || {
            format!(
                "{address} and those after it did not get it; give it again, terminals that \
                     have done it do it once more"
            )
        };
        taken.context("the broker does not answer").with_context(failed)?.with_context(failed)?;
    }
    Ok(())
}

fn order(asked: &Arguments) -> anyhow::Result<Order> {
    let now = SystemClock::start().now().wall;
    ensure!(now.is_plausible(), "this machine's clock shows {}; set it", now.iso8601());
    let until = now.after(Duration::from_secs(u64::from(asked.hours) * 3600));
    let deed = match &asked.what {
        What::SyncNow => Deed::SyncNow,
        What::Restart => Deed::RestartWhenIdle,
        What::Configure { toml, canary } => {
            Deed::Configure(Change { toml: settings(toml)?, canary: *canary })
        }
    };
    let serial = u64::try_from(now.millis()).context("the clock is before 1970")?;
    let until = jiff::Timestamp::from_millisecond(until.millis())?;
    let (serial, account) = (Serial::new(serial), asked.broker.account.clone());
    Ok(Order { serial, account, to: asked.to.clone(), until, deed })
}

/// The settings, if terminals would look at them at all.
fn settings(path: &Path) -> anyhow::Result<String> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let table = toml::from_str(&text).with_context(|| path.display().to_string())?;
    let wrong = not_allowed(&table);
    if !wrong.is_empty() {
        bail!("{}:\n  - {}", path.display(), wrong.join("\n  - "));
    }
    Ok(text)
}

fn sealed(order: &Order, key: &PrivateKey) -> anyhow::Result<Vec<u8>> {
    let envelope = seal(order, key);
    let most = ENVELOPE_LEN_MAX - MESSAGE_REST_MAX;
    ensure!(envelope.len() <= most, "the order has {} bytes; at most {most} fit", envelope.len());
    Ok(envelope)
}
