//! What becomes of an earlier payment: reversals, refunds and bookings (PA00P015 §2.8 to §2.10,
//! reversal, refund). Which of them is possible the core decides.

use super::answer::code_of_problem;
use super::{ANSWER_MAX, KEEP_ALIVE_EVERY, Named, QUEUED_AFTER, Running, Session, Wanted};
use crate::clock::Mono;
use crate::id::{PaymentReference, PosReference, TransactionId};
use crate::money::Amount;
use crate::payment::event::OperationProgress;
use crate::payment::vocabulary::{
    Operation, OperationResult, Problem, Request, SaleName, SaleResult, Status,
};
use crate::pos::zvt::bcd::{CurrencyCode, MinorUnits, Password, Receipt, Trace};
use crate::pos::zvt::code::Code;
use crate::pos::zvt::message::{Abort, Answer, Booking, Raw, ReceiptName, Refund, Reversal};
use crate::pos::zvt::tlv;

/// Tag of a container that names the payment (PA00P015 13.13: QRpay refund reference).
const REFERENCE_TAG: u32 = 0x1F_8010;
/// A refund that names no payment: money goes back only to whom it came from.
const NAME_IT: &str = "Beleg-Nr. der Zahlung angeben";

/// What a reversal or refund says.
pub(super) struct Return<'a> {
    password: Password,
    currency: Option<CurrencyCode>,
    receipt: Option<Receipt>,
    trace: Option<Trace>,
    amount: Option<MinorUnits>,
    tlv: Option<Raw<'a>>,
}

impl<'a> From<&Reversal<'a>> for Return<'a> {
    fn from(asked: &Reversal<'a>) -> Self {
        let Reversal { password, amount, trace, currency, receipt, tlv } = *asked;
        Self { password, currency, receipt, trace, amount, tlv }
    }
}

impl<'a> From<&Refund<'a>> for Return<'a> {
    fn from(asked: &Refund<'a>) -> Self {
        let Refund { password, amount, trace, currency, receipt, tlv } = *asked;
        Self { password, currency, receipt, trace, amount: Some(amount), tlv }
    }
}

impl Session {
    /// `06 30` and `06 31` (PA00P015: reversal, refund): all that is left, unless an amount is
    /// named.
    pub(super) fn give_money_back(&mut self, now: Mono, asked: &Return<'_>) {
        if !self.is_allowed(now, asked.password) || !self.is_registered(now) {
            return;
        }
        if self.is_foreign(asked.currency) {
            return self.fail(Code::WRONG_CURRENCY);
        }
        if asked.amount.is_some_and(|amount| amount.value() == 0) {
            return self.fail(Code::AMOUNT_TOO_SMALL);
        }
        let named = Named { receipt: asked.receipt, trace: asked.trace };
        let Some(sale) = reference_in(asked.tlv).or_else(|| sale_name(named)) else {
            return self.fail_because(Code::REVERSAL_NOT_POSSIBLE, NAME_IT);
        };
        let amount = asked.amount.map(|units| units.amount(self.settings.currency));
        self.settle(now, named, false, |reference| {
            Request::Refund(Operation { reference, sale, amount, why: None })
        });
    }

    /// `06 23`: what is named is released, and the rest captured. With `FF FF` for the receipt it
    /// asks which reservation is open.
    pub(super) fn reverse_partly(&mut self, now: Mono, asked: &Booking<'_>) {
        if asked.receipt == ReceiptName::AllOpen {
            if self.is_registered(now) {
                let reference = self.names.next();
                self.ask(Request::Reservation { reference: reference.clone() });
                let until = now.after(ANSWER_MAX);
                self.running = Some(Running::Reserved { reference, until });
            }
            return;
        }
        if asked.amount.is_none() {
            return self.answer(now, &Answer::Refused(Code::PROTOCOL_ERROR));
        }
        self.book(now, asked, Request::PartialReversal);
    }

    /// `06 24`: what is named is captured, and the rest released. `06 23` and `06 25` likewise.
    pub(super) fn book(
        &mut self,
        now: Mono,
        asked: &Booking<'_>,
        request: fn(Operation) -> Request,
    ) {
        let ReceiptName::Number(receipt) = asked.receipt else {
            return self.answer(now, &Answer::Refused(Code::NOT_POSSIBLE));
        };
        if !self.is_registered(now) {
            return;
        }
        if self.is_foreign(asked.currency) {
            return self.fail(Code::WRONG_CURRENCY);
        }
        let named = Named { receipt: Some(receipt), trace: None };
        let Some(sale) = sale_name(named) else {
            return self.fail(Code::PRE_AUTHORISATION);
        };
        let amount = asked.amount.map(|units| units.amount(self.settings.currency));
        self.settle(now, named, true, |reference| {
            request(Operation { reference, sale, amount, why: None })
        });
    }

    fn settle(
        &mut self,
        now: Mono,
        named: Named,
        is_booking: bool,
        request: impl FnOnce(PosReference) -> Request,
    ) {
        let reference = self.reference_once();
        self.ask(request(reference.clone()));
        let (queued, until) = (None, now.after(ANSWER_MAX));
        self.running = Some(Running::Settling { reference, named, is_booking, queued, until });
    }

    /// How far a command about an earlier payment is.
    pub(super) fn operation(&mut self, now: Mono, done: &OperationResult) {
        match &mut self.running {
            Some(Running::GivingBack { operation, .. }) if *operation == done.reference => {
                self.fail(Code::ABORTED);
            }
            Some(Running::Acknowledging { delivered: Some((booking, _)), result, .. })
                if *booking == done.reference =>
            {
                let sale = result.reference.clone();
                self.recorded(&sale);
            }
            Some(Running::Settling { reference, named, is_booking, queued, .. })
                if *reference == done.reference =>
            {
                let (named, is_booking) = (*named, *is_booking);
                match &done.progress {
                    OperationProgress::Queued => {
                        let at = now.after(QUEUED_AFTER);
                        queued.get_or_insert((at, Box::new(done.clone())));
                    }
                    OperationProgress::Done => {
                        self.tell_settled(done, named, false, Wanted::ALL);
                    }
                    OperationProgress::Refused(_) => self.fail(impossible(is_booking)),
                }
            }
            _ => {}
        }
    }

    /// A command about an earlier payment was not accepted.
    pub(super) fn not_settled(&mut self, problem: &Problem, is_booking: bool) {
        let code = match code_of_problem(problem) {
            Code::REVERSAL_NOT_POSSIBLE => impossible(is_booking),
            code => code,
        };
        self.fail(code);
    }

    /// The answer to `06 23` with `FF FF` (PA00P015 §2.10.1).
    pub(super) fn tell_reserved(&mut self, status: &Status) {
        let receipt = match status {
            Status::Done(result, _) => receipt_of(result).map(ReceiptName::Number),
            _ => None,
        };
        let open = receipt.unwrap_or(ReceiptName::AllOpen);
        self.end(&Answer::Abort(Abort::Reservation(open)));
    }

    /// The till has handed over only a part of the goods (`84 9D`): so much is taken, the rest is
    /// released. What makes no sense is as good as a refusal.
    pub(super) fn partly_delivered(
        &mut self,
        now: Mono,
        result: Box<SaleResult>,
        delivered: MinorUnits,
    ) -> Result<(), Box<SaleResult>> {
        let amount = delivered.amount(self.settings.currency);
        if amount.is_zero() || amount.minor() > result.amount.minor() {
            return Err(result);
        }
        self.keep_delivered(result.reference.clone(), amount);
        let delivered = Some((self.names.next(), amount));
        self.acknowledge(now, result, delivered);
        Ok(())
    }

    /// Passes on what the till has acknowledged.
    pub(super) fn acknowledge(
        &mut self,
        now: Mono,
        result: Box<SaleResult>,
        delivered: Option<(PosReference, Amount)>,
    ) {
        let request = acknowledgement(&result, delivered.as_ref());
        self.acknowledged = Some(result.reference.clone());
        self.unrecorded = Some((result.reference.clone(), request.clone()));
        self.ask(request);
        let again_at = now.after(super::RECORD_AGAIN);
        self.keep_alive_at = Some(now.after(KEEP_ALIVE_EVERY));
        self.running = Some(Running::Acknowledging { result, delivered, again_at });
    }
}

/// What the till has said to a result.
pub(super) fn acknowledgement(
    result: &SaleResult,
    delivered: Option<&(PosReference, Amount)>,
) -> Request {
    let sale = result.reference.clone();
    match delivered {
        None => Request::Acknowledge { reference: sale },
        Some((reference, amount)) => Request::Book(Operation {
            reference: reference.clone(),
            sale: SaleName::Till(sale),
            amount: Some(*amount),
            why: None,
        }),
    }
}

fn impossible(is_booking: bool) -> Code {
    if is_booking { Code::PRE_AUTHORISATION } else { Code::REVERSAL_NOT_POSSIBLE }
}

fn receipt_of(result: &SaleResult) -> Option<Receipt> {
    Receipt::new(u64::from(result.number.number()) % (Receipt::MAX + 1)).ok()
}

fn sale_name(named: Named) -> Option<SaleName> {
    let receipt = |receipt: Receipt| u16::try_from(receipt.value()).ok().map(SaleName::Receipt);
    let trace = |trace: Trace| u32::try_from(trace.value()).ok().map(SaleName::Trace);
    named.trace.and_then(trace).or_else(|| named.receipt.and_then(receipt))
}

/// Klarna's name of a transaction, or ours of a payment, whoever has sold it.
fn reference_in(container: Option<Raw<'_>>) -> Option<SaleName> {
    let Raw(container) = container?;
    let text = std::str::from_utf8(tlv::find(container, REFERENCE_TAG)?).ok()?;
    match text.starts_with("krn:") {
        true => TransactionId::new(text).ok().map(SaleName::Transaction),
        false => PaymentReference::new(text).ok().map(SaleName::Payment),
    }
}
