//! The scripted stories of a till that speaks ZVT: a day at the till, everything that is said, and
//! the books.

use super::super::Arguments;
use super::super::script::{compare_books, say, shopper, title, until_captured};
use super::super::shop::{SCREEN, Shop};
use super::{OWN_TILL, open, settings, words};
use crate::cli::till::connection::Connection;
use crate::cli::till::operation::{Operation, Settings, abilities};
use crate::cli::till::words::{Paper, Verdict};
use crate::pos::zvt::bcd::Receipt;
use crate::pos::zvt::till::{Event, Outcome};
use crate::pos::zvt::trace::Recorder;
use crate::simulator::ShopperAction;
use anyhow::{Context as _, ensure};
use std::time::Duration;
use tokio::time::timeout;

/// How long the terminal may take to say what comes next.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks whether the shopper can scan.
const LOOK: Duration = Duration::from_millis(20);

/// Tells all stories; an error means that something is not as it must be.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    crate::telemetry::start(crate::config::LogFormat::Text, "error")?;
    let shop = open(&arguments, None).await?;
    println!("klarna-terminald demo: a ZVT till on a pty, a terminal, and a simulated Klarna.");
    println!("The terminal's screen is drawn into {}.", shop.directory.join(SCREEN).display());
    println!("{OWN_TILL}");
    let mut day = Day { shop, settings: settings()?, requests: 0 };
    // On a serial line a byte acknowledges every frame; that is left out here.
    let recorder = Recorder::serial(words()?).without_acknowledgements();
    day.shop.till.record(recorder, Box::new(std::io::stdout()));
    let told = day.tell().await;
    let verdict = told.and_then(|()| compare_books(&day.shop, 2));
    day.shop.close().await?;
    verdict
}

/// A day at the till.
struct Day {
    shop: Shop<Connection>,
    settings: Settings,
    /// Payment requests so far.
    requests: usize,
}

impl Day {
    async fn tell(&mut self) -> anyhow::Result<()> {
        title("1. The till registers");
        self.carry_out(&Operation::Register, Verdict::Done).await?;

        title("2. A payment");
        self.sell("10.10", ShopperAction::Approve, Verdict::Done).await?;
        until_captured(&self.shop, 1).await?;
        say("klarna", "has captured EUR 10.10");

        title("3. Klarna declines, and the cashier aborts");
        self.sell("11.00", ShopperAction::Decline, Verdict::Not).await?;

        title("4. A payment that is undone by its receipt number");
        let paid = self.sell("16.16", ShopperAction::Approve, Verdict::Done).await?;
        until_captured(&self.shop, 2).await?;
        let receipt = receipt(&paid).context("a payment has a receipt number")?;
        self.carry_out(&Operation::Reverse { receipt }, Verdict::Done).await?;
        say("klarna", "has given EUR 16.16 back");

        title("5. The last result once more");
        self.carry_out(&Operation::Repeat, Verdict::Done).await?;

        title("6. End of day");
        self.carry_out(&Operation::EndOfDay, Verdict::Done).await?;
        Ok(())
    }

    /// A payment on which the shopper acts; when Klarna declines, the till gives up.
    async fn sell(
        &mut self,
        amount: &str,
        action: ShopperAction,
        wanted: Verdict,
    ) -> anyhow::Result<Outcome> {
        let operation = Operation::Pay { amount: amount.to_owned() };
        self.begin(&operation)?;
        let mut paper = Paper::new(usize::from(self.settings.width));
        // The terminal has said that it waits, and the request is at Klarna.
        let mut waits = false;
        while !waits || self.shop.simulator.requests().len() == self.requests {
            if let Ok(event) = timeout(LOOK, self.next()).await {
                let event = event?;
                ensure!(!matches!(event, Event::Ended(_)), "it was over before the shopper came");
                waits |= matches!(event, Event::Heard(_));
                paper.lines(&event);
            }
        }
        self.requests += 1;
        shopper(&self.shop, action)?;
        if action == ShopperAction::Decline {
            say("shopper", "is declined");
            say("cashier", "aborts");
            self.shop.till.abort();
        } else {
            say("shopper", "approves the payment");
        }
        self.until_ended(&operation, paper, wanted).await
    }

    async fn carry_out(
        &mut self,
        operation: &Operation,
        wanted: Verdict,
    ) -> anyhow::Result<Outcome> {
        self.begin(operation)?;
        let paper = Paper::new(usize::from(self.settings.width));
        self.until_ended(operation, paper, wanted).await
    }

    fn begin(&mut self, operation: &Operation) -> anyhow::Result<()> {
        let container = abilities(self.settings.width)?;
        self.shop.till.begin(&operation.command(&self.settings, &container)?)
    }

    async fn until_ended(
        &mut self,
        operation: &Operation,
        mut paper: Paper,
        wanted: Verdict,
    ) -> anyhow::Result<Outcome> {
        loop {
            let event = self.next().await?;
            paper.lines(&event);
            if let Event::Ended(outcome) = event {
                let (line, verdict) = paper.verdict(operation, &outcome, self.settings.currency);
                say("cashier", &format!("reads: {line}"));
                ensure!(verdict == wanted, "that should have gone otherwise");
                return Ok(outcome);
            }
        }
    }

    async fn next(&mut self) -> anyhow::Result<Event> {
        timeout(PATIENCE, self.shop.till.next()).await.context("the terminal says nothing")
    }
}

fn receipt(outcome: &Outcome) -> Option<Receipt> {
    match outcome {
        Outcome::Done(ending) => ending.result.as_ref()?.receipt,
        Outcome::Failed(_) | Outcome::Refused(_) | Outcome::Unknown(_) => None,
    }
}
