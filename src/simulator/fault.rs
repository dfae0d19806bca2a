//! What can go wrong on the way to Klarna, on demand: which fault, on which calls, how often.
//!
//! It does not act; `world` and `http` do what a fault says.

use serde_json::Value;
use std::str::FromStr;
use std::time::Duration;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The connection is closed; the call has had no effect.
    DropBefore,
    /// The call has had its effect; then the connection is closed without an answer.
    DropAfter,
    /// The call has its effect at once, its answer comes this much later.
    Delay(Duration),
    /// A server failure before any effect, with Klarna's error object or without a body.
    Status5xx {
        /// 500, 502, 503 or 504.
        status: u16,
        /// False for an answer without a body, as a load balancer gives it.
        body: bool,
    },
    /// The call has had its effect, the answer says 500.
    Status500After,
    /// 429 with Klarna's error object.
    RateLimited,
    /// 403 without a body: the rule against denial of service.
    Forbidden403NoBody,
    /// The call has had its effect, the JSON of the answer is cut in half.
    TruncatedJson,
    /// An HTML page with this status, as a captive portal gives it; no effect.
    Html(u16),
    /// The answer is about another request.
    WrongId,
    /// The answer names another currency.
    WrongCurrency,
    /// The answer's state is one that no document names.
    UnknownState,
    /// 401, as if the key had been withdrawn.
    Unauthorized,
}

/// Which calls a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// Create a payment request.
    Create,
    /// Read a payment request.
    Read,
    /// Change a payment request or a transaction.
    Update,
    /// Cancel a payment request.
    Cancel,
    /// Confirm a token.
    Confirm,
    /// Read a transaction, a capture or a refund.
    Transaction,
    /// Capture.
    Capture,
    /// Refund a transaction or a capture.
    Refund,
    /// Void.
    Void,
    /// Read interoperability.
    Interoperability,
    /// Read payment descriptors.
    Descriptors,
    /// Create a signing key.
    SigningKey,
    /// Create or change a webhook.
    Webhook,
    /// Simulate a webhook's event.
    SimulateWebhook,
    /// Create a credential.
    Credential,
    /// Read or delete signing keys, webhooks or credentials.
    Manage,
    /// Every call.
    Any,
}

const ROUTE_NAMES: [(&str, RouteKind); 17] = [
    ("create", RouteKind::Create),
    ("read", RouteKind::Read),
    ("update", RouteKind::Update),
    ("cancel", RouteKind::Cancel),
    ("confirm", RouteKind::Confirm),
    ("transaction", RouteKind::Transaction),
    ("capture", RouteKind::Capture),
    ("refund", RouteKind::Refund),
    ("void", RouteKind::Void),
    ("interoperability", RouteKind::Interoperability),
    ("descriptors", RouteKind::Descriptors),
    ("signing-key", RouteKind::SigningKey),
    ("webhook", RouteKind::Webhook),
    ("simulate-webhook", RouteKind::SimulateWebhook),
    ("credential", RouteKind::Credential),
    ("manage", RouteKind::Manage),
    ("any", RouteKind::Any),
];

/// A fault waiting for its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// To which calls.
    pub route: RouteKind,
    /// To how many of them; then it is over.
    pub count: u32,
}

/// A fault that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what}; write name[=number][:route[:count]], such as drop-after:capture:1; names: {NAMES}"
)]
pub struct FaultError {
    what: String,
}

/// Every name that [`Fault`]'s `FromStr` knows.
const NAMES: &str = "drop-before, drop-after, delay=<ms>, status=<5xx>, status-empty=<5xx>, \
    status-after, rate-limited, forbidden, truncated, html=<status>, wrong-id, wrong-currency, \
    unknown-state, unauthorized";

/// Longest delay of one answer, in milliseconds: an hour.
const DELAY_MS_MAX: u64 = 3_600_000;

pub(super) fn error(what: String) -> FaultError {
    FaultError { what }
}

impl Fault {
    /// From `{"fault":"drop-after","route":"capture","count":1}` or
    /// `{"fault":"drop-after:capture:1"}`.
    ///
    /// # Errors
    /// Text that says what is wrong, for the person who wrote it.
    pub fn from_json(value: &Value) -> Result<Fault, FaultError> {
        let text = value["fault"].as_str().ok_or_else(|| error("\"fault\" is missing".into()))?;
        let mut fault: Fault = text.parse()?;
        match &value["route"] {
            Value::Null => {}
            route => fault.route = parse_route(route.as_str().unwrap_or_default())?,
        }
        match &value["count"] {
            Value::Null => {}
            count => fault.count = parse_count(&count.to_string())?,
        }
        Ok(fault)
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Fault, FaultError> {
        let mut parts = text.trim().split(':');
        let kind = parse_kind(parts.next().unwrap_or_default())?;
        let route = parts.next().map_or(Ok(RouteKind::Any), parse_route)?;
        let count = parts.next().map_or(Ok(1), parse_count)?;
        match parts.next() {
            Some(rest) => Err(error(format!("\"{rest}\" is too much in \"{text}\""))),
            None => Ok(Fault { kind, route, count }),
        }
    }
}

fn parse_route(text: &str) -> Result<RouteKind, FaultError> {
    let found = ROUTE_NAMES.iter().find(|(name, _)| *name == text);
    found.map(|(_, route)| *route).ok_or_else(|| {
        let names: Vec<&str> = ROUTE_NAMES.iter().map(|(name, _)| *name).collect();
        error(format!("unknown route \"{text}\" (known: {})", names.join(", ")))
    })
}

pub(super) fn parse_count(text: &str) -> Result<u32, FaultError> {
    let count: Option<u32> = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| error(format!("\"{text}\" is no count from 1")))
}

fn parse_kind(text: &str) -> Result<FaultKind, FaultError> {
    let (name, number) = text.split_once('=').map_or((text, None), |(n, v)| (n, Some(v)));
    let kind = match name {
        "delay" => FaultKind::Delay(Duration::from_millis(parse_number(number, 0, DELAY_MS_MAX)?)),
        "status" => FaultKind::Status5xx { status: parse_status(number, 500)?, body: true },
        "status-empty" => FaultKind::Status5xx { status: parse_status(number, 500)?, body: false },
        "html" => FaultKind::Html(parse_status(number, 200)?),
        _ if number.is_some() => return Err(error(format!("\"{name}\" takes no number"))),
        "drop-before" => FaultKind::DropBefore,
        "drop-after" => FaultKind::DropAfter,
        "status-after" => FaultKind::Status500After,
        "rate-limited" => FaultKind::RateLimited,
        "forbidden" => FaultKind::Forbidden403NoBody,
        "truncated" => FaultKind::TruncatedJson,
        "wrong-id" => FaultKind::WrongId,
        "wrong-currency" => FaultKind::WrongCurrency,
        "unknown-state" => FaultKind::UnknownState,
        "unauthorized" => FaultKind::Unauthorized,
        _ => return Err(error(format!("unknown fault \"{name}\""))),
    };
    Ok(kind)
}

fn parse_status(number: Option<&str>, lowest: u16) -> Result<u16, FaultError> {
    let number = parse_number(number, u64::from(lowest), 599)?;
    u16::try_from(number).map_err(|_| error(format!("{number} is no status")))
}

pub(super) fn parse_number(text: Option<&str>, min: u64, max: u64) -> Result<u64, FaultError> {
    let number = text.and_then(|text| text.parse().ok());
    number.filter(|number| (min..=max).contains(number)).ok_or_else(|| {
        error(format!("a number from {min} to {max} is needed, not \"{}\"", text.unwrap_or("")))
    })
}

/// Faults waiting at most; more are a mistake of the test.
const FAULTS_MAX: usize = 1_000;

/// The faults that are waiting, in the order they were asked for.
#[derive(Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        if self.0.len() < FAULTS_MAX && fault.count > 0 {
            self.0.push(fault);
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// How many calls are still to be hit.
    pub(super) fn waiting(&self) -> u64 {
        self.0.iter().map(|fault| u64::from(fault.count)).sum()
    }

    /// What a call of this kind meets: at most one delay and one fault of any other kind.
    pub(super) fn take(&mut self, route: RouteKind) -> (Duration, Option<FaultKind>) {
        let delay = self.take_one(route, |kind| matches!(kind, FaultKind::Delay(_)));
        let other = self.take_one(route, |kind| !matches!(kind, FaultKind::Delay(_)));
        match delay {
            Some(FaultKind::Delay(delay)) => (delay, other),
            Some(_) | None => (Duration::ZERO, other),
        }
    }

    fn take_one(&mut self, route: RouteKind, fits: fn(FaultKind) -> bool) -> Option<FaultKind> {
        let index = self.0.iter().position(|fault| {
            fits(fault.kind) && (fault.route == route || fault.route == RouteKind::Any)
        })?;
        let fault = &mut self.0[index];
        fault.count -= 1;
        let (kind, over) = (fault.kind, fault.count == 0);
        if over {
            self.0.remove(index);
        }
        Some(kind)
    }
}
