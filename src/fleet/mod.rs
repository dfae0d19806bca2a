//! What the fleet's operator may ask a terminal for: to try waiting calls at once, to start anew,
//! or to take some settings from afar. Each order is signed; the broker that carries it is not
//! believed.
//!
//! ```text
//! broker ─▶ envelope: size, form, key, signature ─▶ order: for us, in time ─▶ state: new ─▶ daemon
//! ```
//! This room knows keys, orders, which settings may come from afar, and what a configuration on
//! trial has to live through. It keeps that beside the database. It does not know how anything
//! that is ordered is done, nor what a setting means.

mod envelope;
mod held;
mod key;
mod order;
mod overlay;
mod refused;
mod state;
mod tally;

pub use envelope::{ENVELOPE_LEN_MAX, Signed, open, seal};
pub use held::{Held, HeldError, look, overlay_beside, state_beside};
pub use key::{KeyError, KeyName, PrivateKey, PublicKey};
pub use order::{Canary, Change, Deed, HOURS_MAX, Kind, Order, Serial, To};
pub use overlay::not_allowed;
pub use refused::Refused;
pub use state::{Before, Report, Signs, Stage, State, TRIAL};
pub use tally::{Counts, Tally};

use crate::broker::Account;
use crate::id::Address;
use std::time::Duration;

/// Most public keys at a time: the one in use, the next one, and some that are being retired.
pub const KEYS_MAX: usize = 8;

/// Whose orders a terminal takes, and which terminal it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Of the operator; at most [`KEYS_MAX`], and none means that no order is taken.
    pub keys: Vec<PublicKey>,
    /// Klarna's account of this terminal.
    pub account: Account,
    /// This terminal.
    pub me: Address,
    /// How long settings from afar are on trial.
    pub trial: Duration,
}
