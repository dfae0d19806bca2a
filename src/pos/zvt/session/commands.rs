//! The till's commands (PA00P015 ch. 2): what is answered at once, and what is begun.

use super::outgoing::{Block, Meaning};
use super::{
    ABORT_DRAIN, ANSWER_MAX, Line, Named, OPENING_MAX, REFERENCE_PREFIX, Registration, Running,
    Session, Wanted,
};
use crate::clock::Mono;
use crate::money::Amount;
use crate::payment::event::Sale;
use crate::payment::vocabulary::{Operation, Request, SaleName};
use crate::pos::zvt::bcd::{CurrencyCode, Password, Receipt, Trace};
use crate::pos::zvt::code::{Code, TerminalStatus};
use crate::pos::zvt::message::{
    self, Answer, Command, Completion, Payment, Registered, RepeatReceipt, StatusEnquiry,
    StatusReport,
};
use crate::pos::zvt::transport::REPEAT_WINDOW;

/// The largest code of `08 40`: 115200 baud.
const BAUD_RATE_MAX: u8 = 7;

impl Session {
    pub(super) fn command(&mut self, now: Mono, command: &Command<'_>) {
        match command {
            Command::StatusEnquiry(enquiry) => return self.status_enquiry(now, enquiry),
            Command::Abort => return self.abort(now),
            Command::DisplayText(_) => return self.answer(now, &Answer::Acknowledged),
            _ => {}
        }
        // Whoever gives a new command has left the one before (PA00P015 §2.2.8): that is never an
        // acknowledgement of its result.
        self.end_dialogue();
        match command {
            Command::Registration(registration) => self.register(now, registration),
            Command::LogOff => {
                let done = self.registration.done;
                self.registration = Registration { done, ..Registration::none() };
                self.answer(now, &Answer::Acknowledged);
            }
            Command::Authorisation(payment) => self.authorise(now, payment),
            Command::Reversal(asked) => {
                let named = Named { receipt: asked.receipt, trace: asked.trace };
                let amount = asked.amount.map(|units| units.amount(self.settings.currency));
                self.give_money_back(now, asked.password, asked.currency, named, amount);
            }
            Command::Refund(asked) => {
                let named = Named { receipt: asked.receipt, trace: asked.trace };
                let amount = asked.amount.amount(self.settings.currency);
                self.give_money_back(now, asked.password, asked.currency, named, Some(amount));
            }
            Command::RepeatReceipt(asked) => self.repeat(now, asked),
            Command::EndOfDay(password) => self.end_of_day(now, *password),
            Command::Initialisation(password) => {
                if self.is_allowed(now, *password) {
                    self.just_complete(now);
                }
            }
            Command::Diagnosis(_)
            | Command::SelfTest
            | Command::SetTime(..)
            | Command::Reset
            | Command::PrintConfiguration => self.just_complete(now),
            Command::BaudRate(rate) => self.baud_rate(now, *rate),
            Command::Totals(_)
            | Command::Reprint(_)
            | Command::Reservation(_)
            | Command::PartialReversal(_)
            | Command::BookTotal(_)
            | Command::CancelReservation(_)
            | Command::Unknown(_) => self.answer(now, &Answer::Refused(Code::NOT_POSSIBLE)),
            Command::StatusEnquiry(_)
            | Command::Abort
            | Command::DisplayText(_)
            | Command::Acknowledged
            | Command::Refused(_)
            | Command::Stray(_) => {}
        }
    }

    /// A payment is asked for with the same bytes, and nothing was said in between: its answer was
    /// lost on a serial line, where anything may be taken for an acknowledgement. It is the same.
    pub(super) fn is_asked_again(&mut self, now: Mono, bytes: &[u8]) -> bool {
        let last = self.heard.replace((now, bytes.to_vec()));
        let recent = last.is_some_and(|(at, last)| last == bytes && now.left(at) <= REPEAT_WINDOW);
        let is_payment = bytes.starts_with(&message::control::AUTHORISATION);
        if self.line != Line::Serial || !recent || !is_payment {
            return false;
        }
        match &self.running {
            Some(Running::Opening { .. }) => true,
            Some(Running::Paying { .. }) => {
                self.answer(now, &Answer::Acknowledged);
                true
            }
            _ => false,
        }
    }

    /// Answers a wrong password.
    fn is_allowed(&mut self, now: Mono, password: Password) -> bool {
        let right = self.settings.password.is_none_or(|ours| ours == password);
        if !right {
            tracing::warn!("a command of the till has a wrong password");
            self.answer(now, &Answer::Refused(Code::WRONG_PASSWORD));
        }
        right
    }

    /// Acknowledges a command and refuses it if the till has not registered.
    fn is_registered(&mut self, now: Mono) -> bool {
        self.answer(now, &Answer::Acknowledged);
        if !self.registration.done {
            self.refuse_late(Code::NOT_REGISTERED);
        }
        self.registration.done
    }

    fn just_complete(&mut self, now: Mono) {
        self.answer(now, &Answer::Acknowledged);
        self.complete();
    }

    /// `06 00` (PA00P015: registration).
    fn register(&mut self, now: Mono, asked: &message::Registration<'_>) {
        if !self.is_allowed(now, asked.password) {
            return;
        }
        let ours = self.settings.currency_code();
        if asked.currency.is_some_and(|theirs| theirs != ours) {
            return self.answer(now, &Answer::RefusedCurrency(ours));
        }
        self.registration = Registration::of(asked);
        self.answer(now, &Answer::Acknowledged);
        let registered = Registered {
            status: Some(TerminalStatus::READY.0),
            terminal: Some(self.settings.terminal),
            currency: asked.currency,
            tlv: None,
        };
        self.push(Meaning::End, &Answer::Completion(Completion::Registered(registered)));
        self.running = Some(Running::Telling);
    }

    /// `06 01` (PA00P015: authorisation). It is acknowledged once the core has taken it, so that no
    /// earlier sale is left open behind it.
    fn authorise(&mut self, now: Mono, asked: &Payment<'_>) {
        if !self.registration.done {
            self.is_registered(now);
            return;
        }
        if self.is_foreign(asked.currency) {
            self.answer(now, &Answer::Acknowledged);
            return self.fail(Code::WRONG_CURRENCY);
        }
        if asked.amount.value() == 0 {
            self.answer(now, &Answer::Acknowledged);
            return self.fail(Code::AMOUNT_TOO_SMALL);
        }
        let sale = Sale {
            reference: self.names.next(),
            amount: asked.amount.amount(self.settings.currency),
            merchant_reference: None,
            line_items: Vec::new(),
            locale: None,
        };
        self.ask(Request::Sale(sale.clone()));
        let until = now.after(OPENING_MAX);
        self.running = Some(Running::Opening { sale, until, again_at: None });
    }

    fn is_foreign(&self, currency: Option<CurrencyCode>) -> bool {
        currency.is_some_and(|theirs| theirs != self.settings.currency_code())
    }

    /// `06 30` and `06 31` (PA00P015: reversal, refund): what was paid is named by the number on
    /// its receipt. All that is left, unless an amount is named.
    fn give_money_back(
        &mut self,
        now: Mono,
        password: Password,
        currency: Option<CurrencyCode>,
        named: Named,
        amount: Option<Amount>,
    ) {
        if !self.is_allowed(now, password) {
            return;
        }
        let Some(sale) = sale_name(named) else {
            // Money goes back only to whom it came from.
            return self.answer(now, &Answer::Refused(Code::NOT_POSSIBLE));
        };
        if !self.is_registered(now) {
            return;
        }
        if self.is_foreign(currency) {
            return self.fail(Code::WRONG_CURRENCY);
        }
        let reference = self.names.next();
        self.ask(Request::Refund(Operation { reference: reference.clone(), sale, amount }));
        let until = now.after(ANSWER_MAX);
        self.running = Some(Running::Returning { reference, named, queued: None, until });
    }

    /// `06 20` (PA00P015: repeat receipt).
    fn repeat(&mut self, now: Mono, asked: &RepeatReceipt) {
        if !self.is_allowed(now, asked.password) || !self.is_registered(now) {
            return;
        }
        let wants =
            Wanted { result: asked.wants_status_information(), receipt: asked.wants_receipt() };
        if let Some(reference) = self.unrecorded.clone() {
            self.ask(Request::Acknowledge { reference });
        }
        let reference = self.names.next();
        self.ask(Request::Last { reference: reference.clone(), prefix: REFERENCE_PREFIX });
        let until = now.after(ANSWER_MAX);
        self.running = Some(Running::Last { reference, wants, asked_again: false, until });
    }

    /// `06 50` (PA00P015: end of day).
    fn end_of_day(&mut self, now: Mono, password: Password) {
        if !self.is_allowed(now, password) || !self.is_registered(now) {
            return;
        }
        let reference = self.names.next();
        self.ask(Request::EndShift { reference: reference.clone() });
        self.running = Some(Running::Closing { reference, until: now.after(ANSWER_MAX) });
    }

    /// `06 B0` (PA00P015: abort), at any time.
    fn abort(&mut self, now: Mono) {
        match &mut self.running {
            Some(Running::Opening { sale, .. }) => {
                let reference = sale.reference.clone();
                self.answer(now, &Answer::Acknowledged);
                self.ask(Request::Abort { reference: reference.clone() });
                let (abort_at, aborting) = (None, true);
                self.running = Some(Running::Paying { reference, abort_at, aborting });
            }
            // Answered once the core has decided.
            Some(Running::Paying { reference, aborting, .. }) => {
                *aborting = true;
                let reference = reference.clone();
                self.ask(Request::Abort { reference });
            }
            // What is told cannot be untold.
            Some(
                Running::Telling
                | Running::Approved { .. }
                | Running::Acknowledging { .. }
                | Running::Last { .. }
                | Running::Returning { .. }
                | Running::Closing { .. },
            ) => self.answer_abort(now, false),
            Some(Running::GivingBack { .. }) | None => self.answer_abort(now, true),
        }
    }

    /// The answer to `06 B0`. What some tills answer to that must not meet a result, so there is a
    /// pause.
    pub(super) fn answer_abort(&mut self, now: Mono, aborted: bool) {
        let answer =
            if aborted { Answer::Acknowledged } else { Answer::Refused(Code::NOT_POSSIBLE) };
        self.answer(now, &answer);
        self.out.rest(now.after(ABORT_DRAIN));
    }

    /// `05 01` (PA00P015 §2.55), at any time. Its end waits until the block that is on its way is
    /// answered, so that no answer is taken for another one's.
    fn status_enquiry(&mut self, now: Mono, asked: &StatusEnquiry<'_>) {
        self.answer(now, &Answer::Acknowledged);
        let status = match &self.running {
            None | Some(Running::Telling) => TerminalStatus::READY,
            Some(_) => TerminalStatus::PLEASE_WAIT,
        };
        let version = asked.wants_version().then(|| env!("CARGO_PKG_VERSION").to_owned());
        let report = StatusReport { version, status, tlv: None };
        let answer = Answer::Completion(Completion::Status(report));
        if let Ok(apdu) = answer.encode(self.registration.charset()) {
            self.out.push_first(Block { apdu, meaning: Meaning::Nothing });
        }
    }

    /// `08 40` (PA00P016): the line's rate is a setting. TCP has none, so any will do.
    fn baud_rate(&mut self, now: Mono, rate: u8) {
        let answer = match (self.line, rate) {
            (_, rate) if rate > BAUD_RATE_MAX => Answer::Refused(Code::BAUD_RATE_UNKNOWN),
            (Line::Tcp, _) => Answer::Acknowledged,
            (Line::Serial, _) => Answer::Refused(Code::BAUD_RATE_NOT_SETTABLE),
        };
        self.answer(now, &answer);
    }
}

fn sale_name(named: Named) -> Option<SaleName> {
    let receipt = |receipt: Receipt| u16::try_from(receipt.value()).ok().map(SaleName::Receipt);
    let trace = |trace: Trace| u32::try_from(trace.value()).ok().map(SaleName::Trace);
    named.trace.and_then(trace).or_else(|| named.receipt.and_then(receipt))
}
