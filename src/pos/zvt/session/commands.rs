//! The till's commands (PA00P015 ch. 2): what is answered at once, and what is begun.

use super::{ABORT_DRAIN, Line, OPENING_MAX, Registration, Running, Session, Sums};
use crate::clock::Mono;
use crate::payment::event::Sale;
use crate::payment::vocabulary::{Operation, Request, Stage};
use crate::pos::zvt::bcd::{CurrencyCode, Password};
use crate::pos::zvt::code::{Code, TerminalStatus};
use crate::pos::zvt::message::{self, Answer, Command, Completion, Payment, Registered};
use crate::pos::zvt::transport::REPEAT_WINDOW;

impl Session {
    pub(super) fn command(&mut self, now: Mono, command: &Command<'_>) {
        if matches!(command, Command::StatusEnquiry(_) | Command::Abort) {
            self.out.interrupted(now);
        }
        match command {
            Command::StatusEnquiry(enquiry) => return self.status_enquiry(now, enquiry),
            Command::Abort => return self.abort(now),
            Command::DisplayText(_) => return self.answer(now, &Answer::Acknowledged),
            _ => {}
        }
        if !self.may_begin(now, command) {
            return;
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
            Command::Authorisation(payment) => self.authorise(now, payment, false),
            Command::Reservation(payment) => self.authorise(now, payment, true),
            Command::PartialReversal(asked) => self.reverse_partly(now, asked),
            Command::BookTotal(asked) => self.book(now, asked, Request::Book),
            Command::CancelReservation(asked) => self.book(now, asked, |reservation| {
                Request::Void(Operation { amount: None, ..reservation })
            }),
            Command::Reversal(asked) => self.give_money_back(now, &asked.into()),
            Command::Refund(asked) => self.give_money_back(now, &asked.into()),
            Command::RepeatReceipt(asked) => self.repeat(now, asked),
            Command::EndOfDay(password) => self.add_up(now, *password, Sums::EndOfDay),
            Command::Totals(password) => self.add_up(now, *password, Sums::Totals),
            Command::Reprint(password) => self.add_up(now, *password, Sums::Printed),
            Command::PrintConfiguration => self.print_configuration(now),
            Command::SetTerminal(password, terminal) => {
                // It is a setting; a till may make sure of it.
                match *terminal == self.settings.terminal {
                    true if self.is_allowed(now, *password) => self.just_complete(now),
                    true => {}
                    false => self.answer(now, &Answer::Refused(Code::NOT_POSSIBLE)),
                }
            }
            Command::Initialisation(password) => {
                if self.is_allowed(now, *password) {
                    self.just_complete(now);
                }
            }
            Command::Diagnosis(_) | Command::SelfTest | Command::SetTime(..) | Command::Reset => {
                self.just_complete(now)
            }
            Command::BaudRate(rate) => self.baud_rate(now, *rate),
            Command::Unknown(_) => self.answer(now, &Answer::Refused(Code::NOT_POSSIBLE)),
            Command::StatusEnquiry(_)
            | Command::Abort
            | Command::DisplayText(_)
            | Command::Acknowledged
            | Command::Refused(_)
            | Command::Stray(_) => {}
        }
    }

    /// While the shopper pays, only what shows that the till has left the sale ends it; the rest
    /// has to wait.
    fn may_begin(&mut self, now: Mono, command: &Command<'_>) -> bool {
        let pays = matches!(self.running, Some(Running::Opening { .. } | Running::Paying { .. }));
        let leaves = matches!(
            command,
            Command::Registration(_)
                | Command::LogOff
                | Command::Reset
                | Command::Authorisation(_)
                | Command::Reservation(_)
                | Command::RepeatReceipt(_)
        );
        if !pays || leaves {
            return true;
        }
        let code = match command {
            Command::Unknown(_) => Code::NOT_POSSIBLE,
            _ => Code::PLEASE_WAIT,
        };
        self.answer(now, &Answer::Refused(code));
        false
    }

    /// A payment is asked for with the same bytes, and nothing was said in between: its answer was
    /// lost on a serial line, where anything may be taken for an acknowledgement. It is the same.
    pub(super) fn is_asked_again(&mut self, now: Mono, bytes: &[u8]) -> bool {
        let last = self.heard.replace((now, bytes.to_vec()));
        let recent = last.is_some_and(|(at, last)| last == bytes && now.left(at) <= REPEAT_WINDOW);
        let payments = [message::control::AUTHORISATION, message::control::RESERVATION];
        let is_payment = payments.iter().any(|control| bytes.starts_with(control));
        if self.line != Line::Serial || !recent || !is_payment {
            return false;
        }
        match &self.running {
            Some(Running::Opening { .. }) => true,
            Some(Running::Paying { .. }) => {
                self.answer(now, &Answer::Acknowledged);
                true
            }
            Some(Running::Approved { .. }) if self.out.holds_result() => {
                self.answer(now, &Answer::Acknowledged);
                true
            }
            _ => false,
        }
    }

    /// Answers a wrong password.
    pub(super) fn is_allowed(&mut self, now: Mono, password: Password) -> bool {
        let right = self.settings.password.is_none_or(|ours| ours == password);
        if !right {
            tracing::warn!("a command of the till has a wrong password");
            self.answer(now, &Answer::Refused(Code::WRONG_PASSWORD));
        }
        right
    }

    /// Acknowledges a command and refuses it if the till has not registered.
    pub(super) fn is_registered(&mut self, now: Mono) -> bool {
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
        self.end(&Answer::Completion(Completion::Registered(registered)));
    }

    /// `06 01` and `06 22` (PA00P015: authorisation, §2.8 reservation). It is acknowledged once the
    /// core has taken it, so that no earlier sale is left open behind it.
    fn authorise(&mut self, now: Mono, asked: &Payment<'_>, reserved: bool) {
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
            reserved,
        };
        if self.unresolved.is_some() {
            // What holds it up may only be waiting for its next attempt.
            let reference = self.names.next();
            self.ask(Request::Retry { reference, call: None });
        }
        self.earlier_is_past();
        self.ask(Request::Sale(sale.clone()));
        let until = now.after(OPENING_MAX);
        self.running = Some(Running::Opening { sale, until, again_at: None });
    }

    pub(super) fn is_foreign(&self, currency: Option<CurrencyCode>) -> bool {
        currency.is_some_and(|theirs| theirs != self.settings.currency_code())
    }

    /// `06 B0` (PA00P015: abort), at any time.
    fn abort(&mut self, now: Mono) {
        match &mut self.running {
            Some(Running::Opening { sale, .. }) => {
                let reference = sale.reference.clone();
                self.answer(now, &Answer::Acknowledged);
                self.ask(Request::Abort { reference: reference.clone() });
                let (stage, abort_at) = (Stage::Checking, None);
                let (overdue, aborting) = (false, true);
                self.running =
                    Some(Running::Paying { reference, stage, abort_at, overdue, aborting });
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
                | Running::Settling { .. }
                | Running::Adding { .. }
                | Running::Reserved { .. },
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
}
