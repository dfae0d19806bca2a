//! Klarna with its own state, its own clock and its own arithmetic. It believes nobody, and keeps
//! every effect.
//!
//! It shares only the calls and outcomes with the terminal, no decision.

use super::Millis;
use super::faults::{DAY, HOUR, SECOND};
use klarna_terminald::id::{
    CaptureId, ConfirmationToken, DistributionUrl, IdempotencyKey, RefundId, RequestId,
    TransactionId,
};
use klarna_terminald::payment::effect::{
    Call, CallKind, Effect, Ended, Outcome, Refusal, RefusalReason, RequestState,
};
use std::collections::{BTreeMap, HashMap};

/// How long a key is remembered.
const KEY_LIFE: Millis = DAY;
/// How long an approval can be confirmed.
const TOKEN_LIFE: Millis = HOUR;
/// How long a payment request can be paid.
const REQUEST_LIFE: Millis = 48 * HOUR;
/// How long an authorisation can be captured.
const AUTHORISATION_LIFE: Millis = 28 * DAY;

#[derive(Default)]
pub struct Klarna {
    pub requests: BTreeMap<String, Request>,
    pub transactions: BTreeMap<String, Transaction>,
    keys: HashMap<IdempotencyKey, (Millis, String, Outcome)>,
    /// What was refused for Klarna's own reasons: payment reference and operation.
    pub refused: Vec<(String, &'static str)>,
    /// What a correct terminal never asks for.
    pub wrongs: Vec<String>,
    count: u32,
}

pub struct Request {
    pub of: String,
    pub amount: i64,
    since: Millis,
    pub stage: Stage,
    approvals: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    Submitted,
    InProgress,
    Pending { token: String, since: Millis },
    Authorised { transaction: String, token: String },
    Ended(Ended),
}

pub struct Transaction {
    pub of: String,
    pub amount: i64,
    pub at: Millis,
    pub captures: Vec<Movement>,
    pub refunds: Vec<Movement>,
    pub voided: Option<Millis>,
    pub expired: bool,
}

#[derive(Debug, Clone)]
pub struct Movement {
    pub at: Millis,
    pub amount: i64,
    pub reference: String,
}

impl Transaction {
    pub fn captured(&self) -> i64 {
        self.captures.iter().map(|movement| movement.amount).sum()
    }

    pub fn refunded(&self) -> i64 {
        self.refunds.iter().map(|movement| movement.amount).sum()
    }
}

impl Klarna {
    /// Carries out `call` as it arrives; `unwilling` stands for a refusal of Klarna's own. The same
    /// key gets the same answer, a refusal as well.
    pub fn execute(&mut self, t: Millis, call: &Call, unwilling: bool) -> Outcome {
        let keyed = !matches!(call.kind, CallKind::Cancel { .. });
        let body = format!("{:?}", call.kind);
        if let Some((since, known, outcome)) = self.keys.get(&call.key).filter(|_| keyed)
            && t - since < KEY_LIFE
        {
            if *known != body {
                self.wrongs.push(format!("one key for {known} and {body}"));
            }
            return outcome.clone();
        }
        let outcome = self.apply(t, &call.kind, unwilling);
        if keyed {
            self.keys.insert(call.key, (t, body, outcome.clone()));
        }
        outcome
    }

    fn apply(&mut self, t: Millis, kind: &CallKind, unwilling: bool) -> Outcome {
        match kind {
            CallKind::Create { sale, payment_reference } => {
                self.create(t, sale.amount.minor(), payment_reference.as_str(), unwilling)
            }
            CallKind::Cancel { request, .. } => self.cancel(t, request),
            CallKind::Confirm { request, token, amount, .. } => {
                self.confirm(t, request, token, amount.minor())
            }
            CallKind::Capture { transaction, amount, reference } => {
                let movement =
                    Movement { at: t, amount: amount.minor(), reference: reference.to_string() };
                self.capture(t, transaction, movement, unwilling)
            }
            CallKind::Refund { transaction, amount, reference, capture } => {
                let captures = self.transactions.get(transaction.as_str());
                let captures = captures.map_or(0, |found| found.captures.len());
                assert!(capture.is_some() || captures < 2, "a refund must name its capture");
                let movement =
                    Movement { at: t, amount: amount.minor(), reference: reference.to_string() };
                self.refund(transaction, movement, unwilling)
            }
            CallKind::Void { transaction, .. } => self.void(t, transaction, unwilling),
            CallKind::Update { .. } => Outcome::Done(Effect::Updated),
            CallKind::Check { .. } => self.find(kind),
        }
    }

    /// A look for the effect of a call whose key is too old.
    pub fn find(&self, kind: &CallKind) -> Outcome {
        let find = |list: &[Movement], reference: &str, amount: i64| {
            let same = |m: &&Movement| m.reference == reference && m.amount == amount;
            list.iter().find(same).is_some()
        };
        let effect = match kind {
            CallKind::Capture { transaction, amount, reference } => {
                self.transactions.get(transaction.as_str()).and_then(|found| {
                    find(&found.captures, reference.as_str(), amount.minor())
                        .then(|| captured(reference.as_str()))
                })
            }
            CallKind::Refund { transaction, amount, reference, .. } => {
                self.transactions.get(transaction.as_str()).and_then(|found| {
                    find(&found.refunds, reference.as_str(), amount.minor())
                        .then(|| refunded(reference.as_str()))
                })
            }
            CallKind::Check { .. } => Some(Effect::Checked),
            CallKind::Create { .. }
            | CallKind::Cancel { .. }
            | CallKind::Confirm { .. }
            | CallKind::Update { .. }
            | CallKind::Void { .. } => None,
        };
        effect.map_or(Outcome::Absent, Outcome::Done)
    }

    pub fn read(&mut self, t: Millis, id: &str) -> RequestState {
        self.grow_old(t, id);
        let Some(request) = self.requests.get(id) else {
            return RequestState::Ended(Ended::Unknown);
        };
        match &request.stage {
            Stage::Submitted => RequestState::Submitted,
            Stage::InProgress => RequestState::InProgress,
            Stage::Pending { token, .. } => {
                let token = ConfirmationToken::new(token.clone()).expect("a token");
                RequestState::PendingConfirmation { token }
            }
            Stage::Authorised { transaction, .. } => {
                RequestState::Authorised { transaction: transaction_id(transaction) }
            }
            Stage::Ended(ended) => RequestState::Ended(*ended),
        }
    }

    // -- the shopper -----------------------------------------------------------------------------

    pub fn open(&mut self, t: Millis, id: &str) -> bool {
        self.shop(t, id, |request| {
            let can = request.stage == Stage::Submitted;
            if can {
                request.stage = Stage::InProgress;
            }
            can
        })
    }

    pub fn approve(&mut self, t: Millis, id: &str) -> bool {
        self.shop(t, id, |request| {
            let can = matches!(request.stage, Stage::Submitted | Stage::InProgress);
            if can {
                request.approvals += 1;
                let token = format!("{id}-token-{}", request.approvals);
                request.stage = Stage::Pending { token, since: t };
            }
            can
        })
    }

    pub fn leave(&mut self, t: Millis, id: &str) -> bool {
        self.shop(t, id, |request| {
            let can = request.stage == Stage::InProgress;
            if can {
                request.stage = Stage::Submitted;
            }
            can
        })
    }

    pub fn decline(&mut self, t: Millis, id: &str) -> bool {
        self.shop(t, id, |request| {
            let can = matches!(request.stage, Stage::Submitted | Stage::InProgress);
            if can {
                request.stage = Stage::Ended(Ended::Declined);
            }
            can
        })
    }

    fn shop(&mut self, t: Millis, id: &str, act: impl FnOnce(&mut Request) -> bool) -> bool {
        self.grow_old(t, id);
        self.requests.get_mut(id).is_some_and(act)
    }

    fn grow_old(&mut self, t: Millis, id: &str) {
        let Some(request) = self.requests.get_mut(id) else { return };
        if let Stage::Pending { since, .. } = &request.stage
            && t - since >= TOKEN_LIFE
        {
            request.stage = Stage::Submitted;
        }
        let lives = !matches!(request.stage, Stage::Authorised { .. } | Stage::Ended(_));
        if lives && t - request.since >= REQUEST_LIFE {
            request.stage = Stage::Ended(Ended::Expired);
        }
    }

    // -- the calls -------------------------------------------------------------------------------

    fn create(&mut self, t: Millis, amount: i64, of: &str, unwilling: bool) -> Outcome {
        if unwilling {
            return refuse(RefusalReason::NotAvailable, "NOT_AVAILABLE");
        }
        self.count += 1;
        let id = format!("krn:request:{}", self.count);
        let hosts = ["pay.klarna.com".to_owned()];
        let url = DistributionUrl::new(&format!("https://pay.klarna.com/{id}"), &hosts);
        let stage = Stage::Submitted;
        let request = Request { of: of.to_owned(), amount, since: t, stage, approvals: 0 };
        self.requests.insert(id.clone(), request);
        let (request, url) = (RequestId::new(id).expect("an id"), url.expect("a URL"));
        Outcome::Done(Effect::Created { request, url, descriptor: None })
    }

    fn cancel(&mut self, t: Millis, id: &RequestId) -> Outcome {
        self.grow_old(t, id.as_str());
        let Some(request) = self.requests.get_mut(id.as_str()) else {
            return Outcome::Done(Effect::Ended(Ended::Unknown));
        };
        Outcome::Done(match &request.stage {
            Stage::Authorised { transaction, .. } => {
                Effect::Authorised { transaction: transaction_id(transaction) }
            }
            Stage::Ended(ended) => Effect::Ended(*ended),
            Stage::Submitted | Stage::InProgress | Stage::Pending { .. } => {
                request.stage = Stage::Ended(Ended::Cancelled);
                Effect::Ended(Ended::Cancelled)
            }
        })
    }

    fn confirm(
        &mut self,
        t: Millis,
        id: &RequestId,
        sent: &ConfirmationToken,
        amount: i64,
    ) -> Outcome {
        self.grow_old(t, id.as_str());
        let Some(request) = self.requests.get_mut(id.as_str()) else {
            self.wrongs.push(format!("{id} is confirmed and does not exist"));
            return refuse(RefusalReason::NotAllowed, "RESOURCE_NOT_FOUND");
        };
        if request.amount != amount {
            self.wrongs.push(format!("{id} is confirmed with {amount} minor units"));
        }
        match &request.stage {
            Stage::Pending { token, .. } if token == sent.expose() => {
                let transaction = format!("krn:transaction:{}", self.transactions.len() + 1);
                let stage = Stage::Authorised {
                    transaction: transaction.clone(),
                    token: sent.expose().to_owned(),
                };
                request.stage = stage;
                let made = Transaction {
                    of: request.of.clone(),
                    amount,
                    at: t,
                    captures: Vec::new(),
                    refunds: Vec::new(),
                    voided: None,
                    expired: false,
                };
                let id = transaction_id(&transaction);
                self.transactions.insert(transaction, made);
                Outcome::Done(Effect::Authorised { transaction: id })
            }
            Stage::Authorised { transaction, token } if token == sent.expose() => {
                Outcome::Done(Effect::Authorised { transaction: transaction_id(transaction) })
            }
            Stage::Submitted
            | Stage::InProgress
            | Stage::Pending { .. }
            | Stage::Authorised { .. }
            | Stage::Ended(_) => refuse(RefusalReason::NotAllowed, "RESOURCE_NOT_FOUND"),
        }
    }

    fn capture(
        &mut self,
        t: Millis,
        id: &TransactionId,
        movement: Movement,
        unwilling: bool,
    ) -> Outcome {
        let Some(found) = self.transactions.get_mut(id.as_str()) else {
            return self.wrong(format!("{id} is captured and does not exist"));
        };
        found.expired |= t - found.at >= AUTHORISATION_LIFE;
        if unwilling || found.expired {
            self.refused.push((found.of.clone(), "capture"));
            return refuse(RefusalReason::NotAllowed, "OPERATION_FORBIDDEN");
        }
        if found.voided.is_some() || found.captured() + movement.amount > found.amount {
            return self.wrong(format!("{movement:?} captures more than there is"));
        }
        let effect = captured(&movement.reference);
        found.captures.push(movement);
        Outcome::Done(effect)
    }

    fn refund(&mut self, id: &TransactionId, movement: Movement, unwilling: bool) -> Outcome {
        let Some(found) = self.transactions.get_mut(id.as_str()) else {
            return self.wrong(format!("{id} is refunded and does not exist"));
        };
        if unwilling {
            self.refused.push((found.of.clone(), "refund"));
            return refuse(RefusalReason::NotAllowed, "OPERATION_FORBIDDEN");
        }
        if found.refunded() + movement.amount > found.captured() {
            return self.wrong(format!("{movement:?} refunds more than was captured"));
        }
        let effect = refunded(&movement.reference);
        found.refunds.push(movement);
        Outcome::Done(effect)
    }

    fn void(&mut self, t: Millis, id: &TransactionId, unwilling: bool) -> Outcome {
        let Some(found) = self.transactions.get_mut(id.as_str()) else {
            return self.wrong(format!("{id} is voided and does not exist"));
        };
        found.expired |= found.voided.is_none() && t - found.at >= AUTHORISATION_LIFE;
        // Releasing what is released already is no decision any more.
        if found.voided.is_none() && (unwilling || found.expired) {
            self.refused.push((found.of.clone(), "void"));
            return refuse(RefusalReason::NotAllowed, "OPERATION_FORBIDDEN");
        }
        if found.captured() > 0 {
            return self.wrong(format!("{id} is voided and captured"));
        }
        found.voided.get_or_insert(t);
        Outcome::Done(Effect::Voided)
    }

    fn wrong(&mut self, what: String) -> Outcome {
        self.wrongs.push(what);
        refuse(RefusalReason::NotAllowed, "OPERATION_FORBIDDEN")
    }
}

/// The longest that a request travels after its sender has given it up.
pub const STRAY_MAX: Millis = 110 * SECOND;

fn refuse(reason: RefusalReason, code: &str) -> Outcome {
    Outcome::Refused(Refusal::new(reason, code, "refused"))
}

fn transaction_id(id: &str) -> TransactionId {
    TransactionId::new(id).expect("an id")
}

fn captured(reference: &str) -> Effect {
    Effect::Captured { capture: CaptureId::new(reference).ok() }
}

fn refunded(reference: &str) -> Effect {
    Effect::Refunded { refund: RefundId::new(reference).ok() }
}
