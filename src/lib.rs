//! A payment-terminal daemon: the till sends an amount, the shopper scans a QR code, Klarna pays.
//! Nothing is ever lost, doubled or left unknown.
//!
//! This page is the map. How to run it stands in the README, how a till talks to it in
//! `docs/till-protocol.md`, and for tills that speak ZVT in `docs/zvt.md`.
//!
//! # The way round
//! ```text
//! till ──bytes──▶ pos ──Request──▶ daemon ──Input──▶ payment (pure) ──Step──▶ daemon
//!                                                                      │
//!                     1. store.commit(step)      events and calls in ONE SQLite transaction
//!                     2. payment.accept(step)    only now is it true
//!                     3. sync is woken, then the screen is shown and the till is told
//!                            └─▶ acquirer ──HTTPS──▶ Klarna
//!                                   └── Outcome ──Input──▶ daemon      (the only way back)
//! ```
//! - Everything that can happen enters through one loop in [`daemon`]: a till's message, a call's
//!   outcome, a state that was read, a deadline, the end.
//! - A step that cannot be committed is dropped: nothing was shown, told or sent.
//! - Online and offline are the same path: each call goes through the outbox, offline only means
//!   that [`sync`] waits longer.
//! - The store has one writer, the daemon. Everybody else reads over a connection of their own.
//! - No SQLite transaction is ever held across a network call.
//!
//! # The rooms, in reading order
//! | room | what it is |
//! |---|---|
//! | [`money`] | an amount in minor units and its ISO 4217 currency |
//! | [`id`] | names of things as types; idempotency keys |
//! | [`clock`] | monotonic time for deadlines, wall time for receipts |
//! | [`payment`] | the core: one match is the protocol; ledger, retry rules, glossary |
//! | [`pos`] | the till's side: links and protocols; beside it the terminal's own desk |
//! | [`acquirer`] | whoever moves the money: Klarna's API |
//! | [`store`] | journal, outbox and references in one SQLite file |
//! | [`broker`] | a line to an MQTT broker: hints from Klarna for terminals behind a router |
//! | [`fleet`] | orders and configurations that the fleet's operator has signed |
//! | [`sync`] | due outbox rows become calls, payment requests are read |
//! | [`push`] | the terminal's end of the broker: hints become reads |
//! | [`operations`] | health and metrics for a collector, and plain connections with bounds |
//! | [`i18n`] | words and numbers for shoppers |
//! | [`display`] | screens, QR codes and where they are drawn |
//! | [`receipt`] | sales, returns and shifts as lines, HTML, PDF and ESC/POS |
//! | [`printer`] | a document on paper: by a program or on a device |
//! | [`local`] | Unix sockets beside the database, and who is at their other end |
//! | [`access`] | users, PINs, sessions and the audit journal of the manager's console |
//! | [`console`] | the store manager's pages, the same for the command line, and the shopper's |
//! | [`config`] | one TOML file and the environment, checked as a whole |
//! | [`telemetry`] | logs; metrics and alarms are [`daemon`]'s |
//! | [`daemon`] | the composition root |
//! | [`relay`] | Klarna's notices, received for many terminals; a process of its own |
//! | [`cli`] | the command line; a till for people at a desk, with a link of its own |
//! | [`simulator`] | a stand-in for Klarna's API (feature `simulator`) |
//!
//! # Invariants, as absences
//! - [`payment`] never sees a clock, a socket, a file, a log line or randomness.
//! - [`pos`], [`acquirer`], [`store`] and [`display`] never import one another.
//! - [`simulator`] imports nothing of ours: a wrong field name cannot agree with itself.
//! - No amount is ever a float, and no bare integer or string is money or an id.
//! - Nothing that moves money is sent again except by [`payment::retry`].
//!
//! `tests/it/tidy.rs` holds the code to the first three and to who may import whom.

pub mod access;
pub mod acquirer;
pub mod broker;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod daemon;
pub mod display;
pub mod fleet;
pub mod i18n;
pub mod id;
pub mod local;
pub mod money;
pub mod operations;
pub mod payment;
pub mod pos;
pub mod printer;
pub mod push;
pub mod receipt;
#[cfg(feature = "relay")]
pub mod relay;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod store;
pub mod sync;
pub mod telemetry;
