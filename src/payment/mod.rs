//! The payment core: what a terminal may tell a till and ask of Klarna, and in which order.
//!
//! It never sees a clock, a socket, a file, a log or randomness. Time is an argument.
//!
//! # How it is driven
//! ```text
//! Input ─▶ Engine::handle(now, input) ─▶ Step      nothing has changed yet
//!          store.commit(&step)                     events and outbox rows in one transaction
//!          Engine::accept(step) ─▶ replies         only now is it true, shown and told
//! ```
//! A [`Step`] that cannot be committed is dropped, and it is as if nothing had been asked. Replay
//! feeds the journal's records through the same transition function, so what a restarted terminal
//! knows is what the journal says.
//!
//! # The life of a sale
//! ```text
//!   sale ──▶ creating ──▶ awaiting_shopper ◀──▶ shopper_paying
//!              │ │              │     ▲ token lapsed │
//!      refused │ │ given up     │     └──────────────┼───────┐
//!              │ │ (abort,      │ given up           │ approved
//!              │ │  time-out,   │                    ▼       │
//!              │ │  no network) ├───────────────▶ confirming ┘   doubted? keep asking, never guess
//!              │ ▼              ▼                    │
//!              │ abandoning ──────────┐              │ authorised
//!              ▼   │ request ended    │ late         ▼
//!           not_paid ◀┘               └──────┐   authorised ── acknowledged ──▶ settling
//!                                            ▼       │ not acknowledged           capture,
//!                                          voiding ◀─┘ or void                    refund
//!                                            └──▶ voided
//! ```
//! `abandoning` is the durable decision never to confirm: from its commit on the till is free and
//! no money can move, even though the request stays payable at Klarna until it is closed.
//! An amount of 0 goes straight to `free`. `confirming` is left only by what Klarna says,
//! or by giving up after two patiences without an understandable word; then closing the request
//! brings to light whether it was authorised, and that is given back.
//!
//! # Glossary
//! | word | meaning |
//! |---|---|
//! | sale | what the till asks for: an amount, maybe line items |
//! | payment | one attempt to take a sale's amount from one shopper; our number for it |
//! | payment request | Klarna's resource for it; its distribution URL is in the QR code |
//! | confirmation token | proof that the shopper has approved; valid for 60 minutes |
//! | transaction | Klarna's resource once confirmed |
//! | authorise / capture | reserve the money / take it |
//! | void / refund | release what is reserved / give back what was taken |
//! | call | one request that changes something at the acquirer |
//! | outbox | calls whose effect is not known yet |
//! | journal | all that has happened, append-only |
//! | command | a capture, refund, void, release or update, with a reference of its own |
//! | desk | the terminal's own command line, beside the till |
//! | adopted | sold by another terminal or a web shop, read at the acquirer, and known here since |
//! | check | a comparison of the acquirer's sums with the ledger's |
//! | notice | what the acquirer tells beside payments, such as a dispute; nothing follows from it |
//! | to resolve | to take a refused call off the list that asks a person, with a reason |
//! | shift | what lies between two end-of-day closings |

mod account;
pub mod alarm;
mod command;
mod commands;
mod draft;
pub mod effect;
mod engine;
pub mod event;
pub mod found;
pub mod ledger;
mod name;
pub mod notice;
mod problem;
mod reason;
pub mod retry;
pub mod screen;
pub mod shift;
pub mod state;
mod step;
mod till;
pub mod vocabulary;
mod world;

pub use account::Payment;
pub use engine::Engine;
pub use step::{Input, Needed, Step, Wanted, Watch};

use crate::money::Currency;
use std::time::Duration;

/// What a shop may configure about payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What is taken; the first one is the default of tills that name none.
    pub currencies: Vec<Currency>,
    /// When money is taken.
    pub capture: CapturePolicy,
    /// How long Klarna may take to answer the first call before the till is told "no connection".
    pub create_patience: Duration,
    /// How long the QR code waits for a shopper.
    pub sale_timeout: Duration,
    /// How long a shopper has at least once the page is open.
    pub paying_extension: Duration,
    /// How long a confirmation is tried; Klarna keeps a token for 60 minutes.
    pub confirm_patience: Duration,
    /// How long the till may take to acknowledge an approved result before it is given back.
    pub acknowledge_patience: Duration,
    /// Whether a refund is accepted while Klarna cannot be asked, if the journal knows the sale;
    /// otherwise Klarna is asked first each time.
    pub refund_offline: bool,
    /// How long "paid" stays on the shopper's screen; until the next sale if `None`. That nothing
    /// was paid stays half a minute at most.
    pub linger: Option<Duration>,
    /// Between two reads of a payment request while its QR code waits to be scanned.
    pub read_pace: Duration,
    /// Store and terminal: the beginning of every reference at Klarna, such as `S12-T3`.
    pub reference_prefix: String,
}

/// The fastest that one payment request is ever read; more would run into Klarna's quotas.
pub const READ_PACE_MIN: Duration = Duration::from_millis(500);

impl Policy {
    /// For those who only look at what has happened.
    fn for_reading() -> Self {
        Self {
            currencies: Vec::new(),
            capture: CapturePolicy::Manual,
            create_patience: Duration::ZERO,
            sale_timeout: Duration::ZERO,
            paying_extension: Duration::ZERO,
            confirm_patience: Duration::ZERO,
            acknowledge_patience: Duration::ZERO,
            linger: Some(Duration::ZERO),
            refund_offline: true,
            read_pace: Duration::ZERO,
            reference_prefix: String::new(),
        }
    }

    /// Between two reads while the shopper is in the flow, or after an answer was lost.
    pub fn read_pace_close(&self) -> Duration {
        (self.read_pace / 2).max(READ_PACE_MIN)
    }
}

/// When authorised money is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapturePolicy {
    /// As soon as the till has acknowledged the result.
    OnTillAck,
    /// When the till says so.
    Manual,
    /// When the till closes the shift.
    EndOfShift,
}
