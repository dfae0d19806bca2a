//! Klarna as a value: a call and the time go in, an answer comes out. No sockets, no clock, no
//! threads.
//!
//! The order of the checks is that of a real edge: size, key, route, account, rate limit,
//! idempotency, content.

use super::ConfirmPath;
use super::call::{Call, Reply};
use super::credential::Credentials;
use super::error::Refusal;
use super::fault::{FaultKind, Faults, RouteKind};
use super::idempotency::{Asked, Keys};
use super::limit::{Bucket, Category};
use super::manners::{ReadMark, Reads};
use super::notification::resource::Reach;
use super::notification::{Notifications, SignatureEncoding};
use super::random::Random;
use super::render::render;
use super::request::{PaymentRequest, State};
use super::route::{Route, Target};
use super::shelf::Shelf;
use super::spoil;
use super::transaction::Transaction;
use super::view::{
    Availability, CallView, Mistake, RequestView, ShopperAction, ShopperError, TransactionView,
};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::VecDeque;
use std::time::Duration;

/// Calls and mistakes remembered; the oldest are forgotten. About 200 bytes each.
const LOG_MAX: usize = 100_000;

/// A body over this many bytes is 413.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// One header, name and value.
const HEADER_BYTES_MAX: usize = 6 * 1024;
/// All headers together.
const HEADERS_BYTES_MAX: usize = 20 * 1024;

/// An idempotency key.
const KEY_BYTES_MAX: usize = 255;

/// What is fixed when a world begins.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) api_key: String,
    pub(super) account_id: String,
    /// Where the shopper's pages are, without a slash at the end.
    pub(super) public_url: String,
    pub(super) confirm_path: ConfirmPath,
    pub(super) captures_per_second: u32,
    pub(super) management_per_second: u32,
    pub(super) partner_per_second: u32,
    pub(super) webhook_reach: Reach,
    pub(super) signature_encoding: SignatureEncoding,
    pub(super) seed: Option<u64>,
}

/// What is to be done about a call.
#[derive(Debug)]
pub(super) struct Handled {
    /// `None`: close the connection without an answer.
    pub(super) reply: Option<Reply>,
    /// Wait this long first.
    pub(super) delay: Duration,
    /// To be given back when the answer is on its way.
    pub(super) read: Option<ReadMark>,
}

/// Everything the simulator knows.
pub(super) struct World {
    rules: Rules,
    pub(super) random: Random,
    pub(super) requests: Shelf<PaymentRequest>,
    pub(super) transactions: Shelf<Transaction>,
    /// From confirmation token to the request's UUID.
    pub(super) tokens: Shelf<String>,
    pub(super) availability: Availability,
    pub(super) faults: Faults,
    /// Added to every answer of the API.
    pub(super) delay: Duration,
    pub(super) credentials: Credentials,
    pub(super) notifications: Notifications,
    /// Requests and transactions that may have something to tell.
    pub(super) touched: Vec<String>,
    /// Notices may have become due.
    pub(super) wake: bool,
    keys: Keys,
    captures: Bucket,
    management: Bucket,
    partner: Bucket,
    pub(super) reads: Shelf<Reads>,
    calls: VecDeque<CallView>,
    mistakes: VecDeque<Mistake>,
    /// What `mistake` names as the place.
    pub(super) current: String,
    pub(super) refused_in_a_row: u32,
    pub(super) serial: u64,
}

impl World {
    pub(super) fn new(rules: Rules) -> World {
        World {
            random: Random::new(rules.seed),
            requests: Shelf::default(),
            transactions: Shelf::default(),
            tokens: Shelf::default(),
            availability: Availability::Supported,
            faults: Faults::default(),
            delay: Duration::ZERO,
            credentials: Credentials::new(&rules.api_key),
            notifications: Notifications::default(),
            touched: Vec::new(),
            wake: false,
            keys: Keys::default(),
            captures: Bucket::new(Category::Capture, rules.captures_per_second),
            management: Bucket::new(Category::Management, rules.management_per_second),
            partner: Bucket::new(Category::Partner, rules.partner_per_second),
            reads: Shelf::default(),
            calls: VecDeque::new(),
            mistakes: VecDeque::new(),
            current: String::new(),
            refused_in_a_row: 0,
            serial: 0,
            rules,
        }
    }

    /// One call to the API.
    pub(super) fn handle(&mut self, now: Timestamp, call: &Call) -> Handled {
        let target = Target::find(&call.method, &call.path).filter(|t| self.serves(t.route));
        let template = target.as_ref().map_or(call.path.as_str(), |target| target.template);
        self.current = format!("{} {template}", call.method);
        self.watch(now, call, target.as_ref());
        let read = self.read_started(target.as_ref());
        let kind = target.as_ref().map_or(RouteKind::Any, |target| target.route.kind());
        let (delay, fault) = self.faults.take(kind);
        let mut reply = self.before(fault).unwrap_or_else(|| {
            let reply = self.process(now, call, target.as_ref());
            self.after(fault, reply)
        });
        self.publish_touched(now);
        self.refused_in_a_row = match &reply {
            Some(Reply { status: 401, .. }) => self.refused_in_a_row.saturating_add(1),
            Some(_) | None => 0,
        };
        if let Some(reply) = &mut reply {
            reply.headers.push(("klarna-correlation-id", self.random.uuid().to_string()));
        }
        let view = CallView {
            method: call.method.clone(),
            route: template.to_owned(),
            status: reply.as_ref().map(|reply| reply.status),
            key: call.key().map(str::to_owned),
            at: now,
        };
        remember(&mut self.calls, view);
        Handled { reply, delay: delay.saturating_add(self.delay), read }
    }

    fn serves(&self, route: Route) -> bool {
        let confirm = match self.rules.confirm_path {
            ConfirmPath::WithPayment => Route::Confirm,
            ConfirmPath::WithoutPayment => Route::ConfirmShort,
        };
        route.kind() != RouteKind::Confirm || route == confirm
    }

    /// A fault that takes the place of the call: `Some(None)` closes the connection.
    fn before(&mut self, fault: Option<FaultKind>) -> Option<Option<Reply>> {
        let refusal = match fault? {
            FaultKind::DropBefore => return Some(None),
            FaultKind::Html(status) => return Some(Some(spoil::html(status))),
            FaultKind::Status5xx { status, body: true } => Refusal::technical(status),
            FaultKind::Status5xx { status, body: false } => Refusal::bare(status),
            FaultKind::RateLimited => Refusal::rate_limited(),
            FaultKind::Forbidden403NoBody => Refusal::bare(403),
            FaultKind::Unauthorized => Refusal::unauthorized(),
            FaultKind::DropAfter
            | FaultKind::Delay(_)
            | FaultKind::Status500After
            | FaultKind::TruncatedJson
            | FaultKind::WrongId
            | FaultKind::WrongCurrency
            | FaultKind::UnknownState => return None,
        };
        let mut reply = self.refuse(&refusal);
        if refusal.status == 429 {
            reply.headers = self.management.headers();
        }
        Some(Some(reply))
    }

    /// A fault that spoils the answer to a call that has had its effect.
    fn after(&mut self, fault: Option<FaultKind>, reply: Reply) -> Option<Reply> {
        match fault {
            Some(FaultKind::DropAfter) => None,
            Some(FaultKind::Status500After) => Some(self.refuse(&Refusal::technical(500))),
            Some(fault) => Some(spoil::spoil(fault, reply, &mut self.random)),
            None => Some(reply),
        }
    }

    fn refuse(&mut self, refusal: &Refusal) -> Reply {
        let body = refusal.body(self.random.uuid());
        let body = body.map(|body| render(&body, &mut self.random));
        Reply::new(refusal.status, body)
    }

    fn process(&mut self, now: Timestamp, call: &Call, target: Option<&Target>) -> Reply {
        let mut headers = Vec::new();
        let result = self.admit(now, call, target, &mut headers);
        let mut reply = match result {
            Ok(target) if target.route.takes_key() => self.keyed(now, call, target),
            Ok(target) => self.operated(now, call, target),
            Err(refusal) => self.refuse(&refusal),
        };
        reply.headers.extend(headers);
        reply
    }

    /// Everything that is checked before the content.
    fn admit<'a>(
        &mut self,
        now: Timestamp,
        call: &Call,
        target: Option<&'a Target>,
        headers: &mut Vec<(&'static str, String)>,
    ) -> Result<&'a Target, Refusal> {
        let too_long = call.header_sizes().any(|size| size > HEADER_BYTES_MAX);
        if too_long || call.header_sizes().sum::<usize>() > HEADERS_BYTES_MAX {
            return Err(Refusal::bare(431));
        }
        if call.body.len() > BODY_BYTES_MAX {
            return Err(Refusal::bare(413));
        }
        if !self.credentials.admit(call) {
            return Err(Refusal::unauthorized());
        }
        let target = target.ok_or_else(Refusal::no_route)?;
        let accounts = [target.account.as_deref(), call.header(ACCOUNT_HEADER)];
        if accounts.into_iter().flatten().any(|account| account != self.rules.account_id) {
            return Err(Refusal::forbidden("this key has no privilege for this account"));
        }
        let bucket = match target.route.category() {
            Category::Capture => &mut self.captures,
            Category::Management => &mut self.management,
            Category::Partner => &mut self.partner,
        };
        let within = bucket.take(now);
        *headers = bucket.headers();
        if within { Ok(target) } else { Err(Refusal::rate_limited()) }
    }

    /// The first answer to this key, or a new one that is kept.
    fn keyed(&mut self, now: Timestamp, call: &Call, target: &Target) -> Reply {
        let Some(key) = call.key() else {
            if target.route.needs_key() {
                let refusal = Refusal::invalid_one("Klarna-Idempotency-Key", "is required");
                return self.refuse(&refusal);
            }
            return self.operated(now, call, target);
        };
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            let text = format!("must have 1 to {KEY_BYTES_MAX} characters");
            return self.refuse(&Refusal::invalid_one("Klarna-Idempotency-Key", &text));
        }
        let asked = Asked::new(&call.path, &call.body);
        if let Some(kept) = self.keys.find(now, key) {
            if !kept.asked.same_path(&asked) {
                self.mistake("an idempotency key is used again for another path");
            } else if kept.asked != asked {
                self.mistake("an idempotency key is used again with another body");
            }
            return Reply::new(kept.status, kept.body);
        }
        let reply = self.operated(now, call, target);
        self.keys.keep(now, key, asked, reply.status, reply.body.as_deref());
        reply
    }

    fn operated(&mut self, now: Timestamp, call: &Call, target: &Target) -> Reply {
        match self.operate(now, target, call) {
            Ok((status, Value::Null)) => Reply::new(status, None),
            Ok((status, body)) => Reply::new(status, Some(render(&body, &mut self.random))),
            Err(refusal) => self.refuse(&refusal),
        }
    }

    pub(super) fn mistake(&mut self, text: &str) {
        let mistake = Mistake { route: self.current.clone(), text: text.to_owned() };
        remember(&mut self.mistakes, mistake);
    }

    pub(super) fn account_id(&self) -> &str {
        &self.rules.account_id
    }

    pub(super) fn is_live(&self) -> bool {
        self.rules.account_id.contains(":live:")
    }

    pub(super) fn webhook_reach(&self) -> Reach {
        self.rules.webhook_reach
    }

    pub(super) fn signature_encoding(&self) -> SignatureEncoding {
        self.rules.signature_encoding
    }

    pub(super) fn page_url(&self, uuid: &str) -> String {
        format!("{}/eu/requests/{uuid}/start", self.rules.public_url)
    }

    /// Every payment request, oldest first.
    pub(super) fn request_views(&mut self, now: Timestamp) -> Vec<RequestView> {
        self.requests.collect(|request| {
            request.settle(now);
            request.view()
        })
    }

    /// The ledger, oldest first.
    pub(super) fn transaction_views(&mut self, now: Timestamp) -> Vec<TransactionView> {
        self.transactions.collect(|transaction| {
            transaction.settle(now);
            transaction.view()
        })
    }

    /// The request behind an id, a UUID or "latest", as it is now.
    pub(super) fn look_up(&mut self, now: Timestamp, id: &str) -> Option<&PaymentRequest> {
        let uuid = self.uuid_of(id)?;
        let request = self.requests.find(&uuid)?;
        request.settle(now);
        Some(request)
    }

    fn uuid_of(&self, id: &str) -> Option<String> {
        if id == "latest" {
            return self.requests.newest().map(str::to_owned);
        }
        Some(id.rsplit(':').next().unwrap_or(id).to_owned())
    }

    /// The shopper acts; the state that this leads to.
    pub(super) fn shopper(
        &mut self,
        now: Timestamp,
        id: &str,
        action: ShopperAction,
    ) -> Result<&'static str, ShopperError> {
        let unknown = || ShopperError::Unknown(id.to_owned());
        let uuid = self.uuid_of(id).ok_or_else(unknown)?;
        let token = self.random.uuid();
        let request = self.requests.find(&uuid).ok_or_else(unknown)?;
        request.shopper(action, token, now)?;
        let state = request.state.name();
        if let State::PendingConfirmation { token, .. } = &request.state {
            self.tokens.insert(token.clone(), uuid.clone());
        }
        self.touched.push(uuid);
        self.publish_touched(now);
        Ok(state)
    }

    pub(super) fn calls(&self) -> Vec<CallView> {
        self.calls.iter().cloned().collect()
    }

    pub(super) fn mistakes(&self) -> Vec<Mistake> {
        self.mistakes.iter().cloned().collect()
    }
}

pub(super) const ACCOUNT_HEADER: &str = "klarna-partner-account";

fn remember<T>(log: &mut VecDeque<T>, entry: T) {
    if log.len() >= LOG_MAX {
        log.pop_front();
    }
    log.push_back(entry);
}
