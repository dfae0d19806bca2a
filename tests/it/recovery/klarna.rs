//! A strict stand-in for Klarna: it remembers requests, transactions and keys, does what it is
//! asked and panics on whatever must never be asked of it.

use klarna_terminald::id::{
    CaptureId, ConfirmationToken, DistributionUrl, IdempotencyKey, PaymentReference, RefundId,
    RequestId, TransactionId,
};
use klarna_terminald::money::Amount;
use klarna_terminald::payment::effect::{
    Call, CallKind, Effect, Ended, Outcome, Refusal, RefusalReason, RequestState,
};
use klarna_terminald::payment::found::Found;
use std::collections::{BTreeMap, HashMap};

#[derive(Default, Clone)]
pub struct Klarna {
    requests: BTreeMap<String, Request>,
    pub transactions: BTreeMap<String, Transaction>,
    answers: HashMap<IdempotencyKey, (CallKind, Outcome)>,
    count: u32,
}

#[derive(Clone)]
pub struct Request {
    pub of: PaymentReference,
    pub amount: Amount,
    pub state: RequestState,
    confirmed: Option<ConfirmationToken>,
}

#[derive(Clone)]
pub struct Transaction {
    pub of: PaymentReference,
    pub amount: Amount,
    captures: BTreeMap<String, i64>,
    refunds: BTreeMap<String, i64>,
    /// Refunds that named their capture, by its reference.
    by_capture: BTreeMap<String, i64>,
    pub voided: bool,
    /// A person has released it instead.
    pub by_hand: bool,
    released: bool,
}

impl Transaction {
    pub fn captured(&self) -> i64 {
        self.captures.values().sum()
    }

    pub fn refunded(&self) -> i64 {
        self.refunds.values().sum()
    }
}

impl Klarna {
    pub fn know(&mut self, id: &RequestId, of: &PaymentReference, amount: Amount) {
        let (of, state) = (of.clone(), RequestState::Submitted);
        let request = Request { of, amount, state, confirmed: None };
        self.requests.insert(id.to_string(), request);
    }

    pub fn request(&mut self, id: &RequestId) -> &mut Request {
        self.requests.get_mut(id.as_str()).expect("a request that was made here")
    }

    pub fn requests(&mut self) -> impl Iterator<Item = &mut Request> {
        self.requests.values_mut()
    }

    /// Authorises a request as a confirmation would.
    pub fn authorise(&mut self, id: &RequestId, transaction: TransactionId) {
        let request = self.requests.get_mut(id.as_str()).expect("a request");
        if let RequestState::PendingConfirmation { token } = &request.state {
            request.confirmed = Some(token.clone());
        }
        request.state = RequestState::Authorised { transaction: transaction.clone() };
        let (of, amount) = (request.of.clone(), request.amount);
        let (captures, refunds) = (BTreeMap::new(), BTreeMap::new());
        let by_capture = BTreeMap::new();
        let new = Transaction {
            of,
            amount,
            captures,
            refunds,
            by_capture,
            voided: false,
            by_hand: false,
            released: false,
        };
        let before = self.transactions.insert(transaction.to_string(), new);
        assert!(before.is_none(), "{transaction} exists already");
    }

    /// What somebody else has sold.
    pub fn know_of(&mut self, found: &Found, of: &PaymentReference) {
        let new = || Transaction {
            of: of.clone(),
            amount: found.authorised,
            captures: BTreeMap::new(),
            refunds: BTreeMap::new(),
            by_capture: BTreeMap::new(),
            voided: false,
            by_hand: false,
            released: false,
        };
        // Rows without a reference stand for what was done here already.
        let known = self.transactions.contains_key(found.transaction.as_str());
        let new = self.transactions.entry(found.transaction.to_string()).or_insert_with(new);
        for row in &found.captures {
            let name = row.reference.as_ref().map_or("unnamed".to_owned(), ToString::to_string);
            new.captures.insert(name, row.amount.minor());
        }
        for (index, row) in found.refunds.iter().enumerate() {
            if known && row.reference.is_none() {
                continue;
            }
            let name = row.reference.as_ref().map_or(format!("r-{index}"), ToString::to_string);
            if new.refunds.insert(name, row.amount.minor()).is_some() {
                continue;
            }
            let of = found.captures.iter().find(|capture| capture.id == row.capture);
            let of = of.and_then(|capture| capture.reference.as_ref());
            let given = new.by_capture.entry(of.map_or("unnamed".to_owned(), ToString::to_string));
            *given.or_default() += row.amount.minor();
        }
    }

    /// What a person does in Klarna's portal.
    pub fn release_by_hand(&mut self, transaction: &TransactionId) {
        self.transaction(transaction).by_hand = true;
    }

    /// Keys are remembered for a day.
    pub fn forget_keys(&mut self) {
        self.answers.clear();
    }

    pub fn read(&self, id: &RequestId) -> RequestState {
        let request = self.requests.get(id.as_str());
        request.map_or(RequestState::Ended(Ended::Unknown), |request| request.state.clone())
    }

    /// A call with its key; the same key again brings the first answer.
    pub fn execute(&mut self, call: &Call) -> Outcome {
        if let Some((kind, outcome)) = self.answers.get(&call.key) {
            assert_eq!(*kind, call.kind, "one key for two calls");
            return outcome.clone();
        }
        let outcome = self.apply(&call.kind);
        self.answers.insert(call.key, (call.kind.clone(), outcome.clone()));
        outcome
    }

    /// Does what a call asks for; also how the journal's past is told.
    pub fn apply(&mut self, kind: &CallKind) -> Outcome {
        match kind {
            CallKind::Create { sale, payment_reference } => {
                self.create(sale.amount, payment_reference)
            }
            CallKind::Cancel { request, .. } => Outcome::Done(self.cancel(request)),
            CallKind::Confirm { request, token, amount, .. } => {
                self.confirm(request, token, *amount)
            }
            CallKind::Capture { transaction, amount, reference } => {
                let found = self.transaction(transaction);
                assert!(!found.voided && !found.released, "captured after a void");
                let before = found.captures.insert(reference.to_string(), amount.minor());
                assert_eq!(before, None, "{reference} captured twice");
                assert!(found.captured() <= found.amount.minor(), "captured more than authorised");
                Outcome::Done(captured(reference.as_str()))
            }
            CallKind::Refund { transaction, amount, reference, capture } => {
                let found = self.transaction(transaction);
                let before = found.refunds.insert(reference.to_string(), amount.minor());
                assert_eq!(before, None, "{reference} refunded twice");
                match capture {
                    Some(capture) => {
                        let capture = capture.reference.to_string();
                        let taken = found.captures.get(&capture).copied();
                        let given = found.by_capture.entry(capture).or_default();
                        *given += amount.minor();
                        assert!(Some(*given) <= taken, "a capture was refunded beyond its amount");
                    }
                    None => assert_eq!(found.captures.len(), 1, "refunds must name their capture"),
                }
                assert!(found.refunded() <= found.captured(), "refunded more than captured");
                Outcome::Done(refunded(reference.as_str()))
            }
            CallKind::Void { transaction, rest, .. } => {
                let found = self.transaction(transaction);
                assert_eq!(found.captured() > 0, *rest, "the whole or the rest");
                found.voided |= !rest;
                found.released |= rest;
                Outcome::Done(Effect::Voided)
            }
            CallKind::Update { .. } => Outcome::Done(Effect::Updated),
            CallKind::Check { .. } => self.find(kind),
        }
    }

    /// A look before a call whose key is too old is sent.
    pub fn find(&mut self, kind: &CallKind) -> Outcome {
        let effect = match kind {
            CallKind::Capture { transaction, amount, reference } => {
                let found = self.transaction(transaction).captures.get(reference.as_str());
                found.map(|minor| {
                    assert_eq!(*minor, amount.minor(), "{reference} with another amount");
                    captured(reference.as_str())
                })
            }
            CallKind::Refund { transaction, amount, reference, .. } => {
                let found = self.transaction(transaction).refunds.get(reference.as_str());
                found.map(|minor| {
                    assert_eq!(*minor, amount.minor(), "{reference} with another amount");
                    refunded(reference.as_str())
                })
            }
            CallKind::Check { transaction, expected, .. } => {
                let found = self.transaction(transaction);
                let sums = (found.captured(), found.refunded());
                let ours = (expected.captured.minor(), expected.refunded.minor());
                assert_eq!(sums, ours, "the books differ");
                Some(Effect::Checked)
            }
            other => panic!("nobody looks for {}", other.operation()),
        };
        effect.map_or(Outcome::Absent, Outcome::Done)
    }

    fn create(&mut self, amount: Amount, of: &PaymentReference) -> Outcome {
        self.count += 1;
        let request = RequestId::new(format!("krn:request:late-{}", self.count)).unwrap();
        self.know(&request, of, amount);
        let hosts = ["pay.klarna.com".to_owned()];
        let url = DistributionUrl::new("https://pay.klarna.com/late", &hosts).unwrap();
        Outcome::Done(Effect::Created { request, url, descriptor: None })
    }

    fn cancel(&mut self, id: &RequestId) -> Effect {
        let Some(request) = self.requests.get_mut(id.as_str()) else {
            return Effect::Ended(Ended::Unknown);
        };
        match &request.state {
            RequestState::Authorised { transaction } => {
                Effect::Authorised { transaction: transaction.clone() }
            }
            RequestState::Ended(ended) => Effect::Ended(*ended),
            _ => {
                request.state = RequestState::Ended(Ended::Cancelled);
                Effect::Ended(Ended::Cancelled)
            }
        }
    }

    fn confirm(&mut self, id: &RequestId, token: &ConfirmationToken, amount: Amount) -> Outcome {
        let request = self.requests.get(id.as_str()).expect("only known requests are confirmed");
        assert_eq!(request.amount, amount, "confirmed with another amount");
        match &request.state {
            RequestState::PendingConfirmation { token: valid } if valid == token => {
                self.count += 1;
                let transaction = TransactionId::new(format!("tx-late-{}", self.count)).unwrap();
                self.authorise(id, transaction.clone());
                Outcome::Done(Effect::Authorised { transaction })
            }
            RequestState::Authorised { transaction }
                if request.confirmed.as_ref() == Some(token) =>
            {
                Outcome::Done(Effect::Authorised { transaction: transaction.clone() })
            }
            _ => {
                let reason = RefusalReason::NotAllowed;
                Outcome::Refused(Refusal::new(reason, "RESOURCE_NOT_FOUND", "no such token"))
            }
        }
    }

    fn transaction(&mut self, id: &TransactionId) -> &mut Transaction {
        self.transactions.get_mut(id.as_str()).expect("only known transactions are changed")
    }
}

fn captured(reference: &str) -> Effect {
    Effect::Captured { capture: CaptureId::new(reference).ok() }
}

fn refunded(reference: &str) -> Effect {
    Effect::Refunded { refund: RefundId::new(reference).ok() }
}
