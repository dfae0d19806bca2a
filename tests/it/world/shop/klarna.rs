//! Klarna with its own state, its own clock and its own arithmetic. It believes nobody, and keeps
//! every effect.
//!
//! It shares only the calls and outcomes with the terminal, no decision.

use super::Millis;
use super::faults::{DAY, HOUR, SECOND};
use super::transaction::Transaction;
use klarna_terminald::acquirer::Quotas;
use klarna_terminald::id::{
    ConfirmationToken, DistributionUrl, IdempotencyKey, RequestId, TransactionId,
};
use klarna_terminald::payment::effect::{
    Call, CallKind, Effect, Ended, Outcome, Refusal, RefusalReason, RequestState,
};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// How long a key is remembered.
const KEY_LIFE: Millis = DAY;
/// How long an approval can be confirmed.
const TOKEN_LIFE: Millis = HOUR;
/// How long a payment request can be paid.
const REQUEST_LIFE: Millis = 48 * HOUR;

#[derive(Default)]
pub struct Klarna {
    pub requests: BTreeMap<String, Request>,
    pub transactions: BTreeMap<String, Transaction>,
    keys: HashMap<IdempotencyKey, (Millis, String, Outcome)>,
    /// What was refused for Klarna's own reasons: payment reference and operation.
    pub refused: Vec<(String, &'static str)>,
    /// What a correct terminal never asks for.
    pub wrongs: Vec<String>,
    pub(super) count: u32,
    sold: u32,
    /// Transactions that others have sold.
    pub(super) strangers: u32,
    pub quotas: Quotas,
    /// When calls came in within the last second: captures, and all others.
    seen: (VecDeque<Millis>, VecDeque<Millis>),
    /// Calls that were too many.
    pub throttled: u64,
    /// Checks that found other sums.
    pub contradictions: u64,
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

impl Klarna {
    /// Carries out `call` as it arrives; `unwilling` stands for a refusal of Klarna's own,
    /// `denies` for one that is not true. The same key gets the same answer, a refusal as well.
    pub fn execute(&mut self, t: Millis, call: &Call, unwilling: bool, denies: bool) -> Outcome {
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
        let denies = denies && matches!(outcome, Outcome::Done(_));
        let denied = denies.then(|| self.deny(&call.kind)).flatten();
        let outcome = denied.unwrap_or(outcome);
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
            kind => self.settle(t, kind, unwilling),
        }
    }

    /// Whether one more call that arrives now is within the quota.
    pub fn takes(&mut self, t: Millis, capture: bool) -> bool {
        let (quota, seen) = match capture {
            true => (self.quotas.captures_per_s, &mut self.seen.0),
            false => (self.quotas.management_per_s, &mut self.seen.1),
        };
        while seen.front().is_some_and(|at| *at + SECOND <= t) {
            seen.pop_front();
        }
        let takes = quota == 0 || seen.len() < usize::try_from(quota).expect("a small number");
        if takes {
            seen.push_back(t);
        }
        self.throttled += u64::from(!takes);
        takes
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
                self.sold += 1;
                let transaction = format!("krn:transaction:{}", self.sold);
                let stage = Stage::Authorised {
                    transaction: transaction.clone(),
                    token: sent.expose().to_owned(),
                };
                request.stage = stage;
                let of = request.of.clone();
                let made = Transaction { of, amount, at: t, ..Transaction::default() };
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

    pub(super) fn wrong(&mut self, what: String) -> Outcome {
        self.wrongs.push(what);
        refuse(RefusalReason::NotAllowed, "OPERATION_FORBIDDEN")
    }
}

/// The longest that a request travels after its sender has given it up.
pub const STRAY_MAX: Millis = 110 * SECOND;

pub(super) fn refuse(reason: RefusalReason, code: &str) -> Outcome {
    Outcome::Refused(Refusal::new(reason, code, "refused"))
}

fn transaction_id(id: &str) -> TransactionId {
    TransactionId::new(id).expect("an id")
}
