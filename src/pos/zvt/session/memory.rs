//! What outlives a restart: what the till has registered for, and its last command about an earlier
//! payment or the shift, so that the same command once more is not carried out twice.

use super::{Registration, Session};
use crate::id::PosReference;
use crate::pos::TillEvent;
use crate::pos::zvt::apdu::Apdu;
use crate::pos::zvt::bcd::{Bcd as _, Password};
use crate::pos::zvt::message::{Command, RegistrationConfig, control};

/// A longer command is not recognised when it comes again.
const COMMAND_LEN_MAX: usize = 256;

/// The last command that a till may send again because it has not heard how it ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Earlier {
    /// Under which the core knows it.
    pub(super) reference: PosReference,
    /// Its APDU, without a password.
    command: Vec<u8>,
    /// The till has acknowledged how it ended.
    pub(super) taken: bool,
}

/// As it is stored.
#[derive(serde::Serialize, serde::Deserialize)]
struct Stored {
    registration: Vec<u8>,
    earlier: Option<Earlier>,
}

impl Earlier {
    /// The command is an end of day.
    pub(super) fn is_end_of_day(&self) -> bool {
        self.command.starts_with(&control::END_OF_DAY)
    }

    /// As the till has said it, with some password.
    pub(super) fn apdu(&self) -> (crate::pos::zvt::apdu::Control, Vec<u8>) {
        let control = [self.command[0], self.command[1]];
        let password = if has_password(control) { &[0; Password::WIDTH][..] } else { &[] };
        (control, [password, &self.command[2..]].concat())
    }
}

fn has_password(control: crate::pos::zvt::apdu::Control) -> bool {
    matches!(control, control::REVERSAL | control::REFUND | control::END_OF_DAY)
}

/// A command without its password.
pub(super) fn nameless(apdu: &Apdu<'_>) -> Vec<u8> {
    let skip = if has_password(apdu.control) { Password::WIDTH } else { 0 };
    [&apdu.control[..], apdu.data.get(skip..).unwrap_or_default()].concat()
}

impl Session {
    /// Takes back what was to be kept ([`TillEvent::Registered`]); what cannot be read is as good
    /// as nothing.
    pub fn remember(&mut self, stored: &[u8]) {
        let stored = serde_json::from_slice(stored)
            .unwrap_or_else(|_| Stored { registration: stored.to_vec(), earlier: None });
        let whole = |earlier: &Earlier| earlier.command.len() >= 2;
        self.earlier = stored.earlier.filter(whole);
        let data = [&[0; Password::WIDTH], &stored.registration[..]].concat();
        let apdu = Apdu { control: control::REGISTRATION, data: &data };
        if let Ok(Command::Registration(registration)) = Command::parse(&apdu) {
            self.registration = Registration::of(&registration);
            self.registered = stored.registration;
        }
    }

    /// Hands over what is to be kept.
    pub(super) fn keep(&mut self) {
        let (registration, earlier) = (self.registered.clone(), self.earlier.clone());
        if let Ok(stored) = serde_json::to_vec(&Stored { registration, earlier }) {
            self.events.push(TillEvent::Registered(stored));
        }
    }

    /// What the till has said of itself, without its password.
    pub(super) fn keep_registration(&mut self, command: &Command<'_>, data: &[u8]) {
        self.registered = match command {
            Command::Registration(_) => data.get(Password::WIDTH..).unwrap_or_default().to_vec(),
            _ => vec![RegistrationConfig::LOGGED_OFF.0],
        };
        self.keep();
    }

    /// The reference of the command that is being carried out: the same one when the till says the
    /// same again without having acknowledged how it ended.
    pub(super) fn reference_once(&mut self) -> PosReference {
        let same = |earlier: &&Earlier| !earlier.taken && earlier.command == self.said;
        if let Some(earlier) = self.earlier.as_ref().filter(same) {
            let reference = earlier.reference.clone();
            // It may not have been stored: the disk was full.
            self.keep();
            return reference;
        }
        let reference = self.names.next();
        if self.said.len() <= COMMAND_LEN_MAX {
            let command = self.said.clone();
            self.earlier = Some(Earlier { reference: reference.clone(), command, taken: false });
            self.keep();
        }
        reference
    }

    /// The till has acknowledged how its command ended.
    pub(super) fn earlier_is_taken(&mut self) {
        if let Some(earlier) = self.earlier.as_mut().filter(|earlier| !earlier.taken) {
            earlier.taken = true;
            self.keep();
        }
    }

    /// Something else was begun.
    pub(super) fn forget_earlier(&mut self) {
        if self.earlier.take().is_some() {
            self.keep();
        }
    }
}
