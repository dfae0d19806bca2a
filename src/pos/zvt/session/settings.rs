//! What a session is set up with, and what its till has registered for.

use crate::clock::Zone;
use crate::money::Currency;
use crate::pos::zvt::bcd::{CurrencyCode, Password, TerminalId};
use crate::pos::zvt::message::{self, RegistrationConfig, TillAbilities};
use crate::pos::zvt::transport::Transport;

/// What the protocol needs to know of the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// BMP 29.
    pub terminal: TerminalId,
    /// The only currency that this till can be paid in.
    pub currency: Currency,
    /// What commands must carry; anything when it is absent.
    pub password: Option<Password>,
    /// BMP 8A: 120 is Klarna (PA00P015 13.13).
    pub card_type: u8,
    /// Which kind of till is catered for.
    pub profile: Profile,
    /// The shop's name, on what is printed.
    pub merchant: String,
    /// Of BMP 0C and 0D.
    pub zone: Zone,
}

/// What tills of a family need beside what they register for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// What the till has registered for.
    #[default]
    Standard,
    /// No intermediate states, no print commands, no texts beside results, whatever the till has
    /// registered for.
    Minimal,
    /// Intermediate states in any case, texts in ISO-8859-1 unless the till asks for another code
    /// page (SMART-ZVT of card complete).
    CardComplete,
    /// Results with containers.
    Rich,
}

impl Settings {
    pub(super) fn currency_code(&self) -> CurrencyCode {
        CurrencyCode::of(self.currency).expect("every currency of ours has a numeric code")
    }
}

/// What carries the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// A serial line.
    Serial,
    /// TCP.
    Tcp,
}

impl Line {
    pub(super) fn transport(self) -> Transport {
        match self {
            Self::Serial => Transport::serial(),
            Self::Tcp => Transport::tcp(),
        }
    }
}

/// What the till has registered for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Registration {
    /// It has registered at least once; before that nothing is sold.
    pub(super) done: bool,
    pub(super) config: RegistrationConfig,
    pub(super) abilities: TillAbilities,
    /// It understands containers.
    pub(super) tlv: bool,
}

impl Registration {
    pub(super) fn none() -> Self {
        let (config, abilities) = (RegistrationConfig::LOGGED_OFF, TillAbilities::default());
        Self { done: false, config, abilities, tlv: false }
    }

    pub(super) fn of(asked: &message::Registration<'_>) -> Self {
        let (config, abilities) = (asked.config, asked.abilities());
        Self { done: true, config, abilities, tlv: asked.tlv.is_some() }
    }
}
