//! What a test, a benchmark or a person may see of the simulator: plain data, a copy at one moment.
//!
//! Nothing here changes anything.

use jiff::Timestamp;
use serde::Serialize;

/// A payment request.
#[derive(Clone, Debug, Serialize)]
pub struct RequestView {
    /// The id as the API gives it.
    pub id: String,
    /// The UUID in the page's address.
    pub uuid: String,
    /// SUBMITTED, IN_PROGRESS, PENDING_CONFIRMATION, AUTHORIZED, CANCELED or EXPIRED.
    pub state: String,
    /// The state before, if there was one.
    pub previous_state: Option<String>,
    /// Why it is in this state, where Klarna says so.
    pub state_reason: Option<String>,
    /// ISO 4217.
    pub currency: String,
    /// Minor units.
    pub amount: i64,
    /// The shopper-facing order number.
    pub merchant_reference: Option<String>,
    /// Ours, not shown to the shopper.
    pub payment_reference: Option<String>,
    /// Where the shopper pays: what the QR code carries.
    pub url: String,
    /// Only while it is waiting for the confirm.
    pub confirmation_token: Option<String>,
    /// Only once it is confirmed.
    pub transaction_id: Option<String>,
}

/// A transaction: one row of the ledger.
#[derive(Clone, Debug, Serialize)]
pub struct TransactionView {
    /// The id as the API gives it.
    pub id: String,
    /// The payment request it came from.
    pub request_id: String,
    /// AUTHORIZED, COMPLETED, EXPIRED or CLOSED.
    pub state: String,
    /// ISO 4217.
    pub currency: String,
    /// What the shopper has agreed to, in minor units.
    pub authorized: i64,
    /// In the order in which they were made.
    pub captures: Vec<CaptureView>,
    /// In the order in which they were made.
    pub refunds: Vec<RefundView>,
    /// True once a void has released what was not captured.
    pub voided: bool,
    /// The shopper-facing order number.
    pub merchant_reference: Option<String>,
    /// Ours, not shown to the shopper.
    pub payment_reference: Option<String>,
}

impl TransactionView {
    /// The sum of all captures, in minor units.
    pub fn captured(&self) -> i64 {
        self.captures.iter().map(|capture| capture.amount).sum()
    }

    /// The sum of all refunds, in minor units.
    pub fn refunded(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.amount).sum()
    }
}

/// Money taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaptureView {
    /// The id as the API gives it.
    pub id: String,
    /// Minor units.
    pub amount: i64,
    /// The client's own reference.
    pub reference: Option<String>,
}

/// Money given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefundView {
    /// The id as the API gives it.
    pub id: String,
    /// The capture it was taken from.
    pub capture_id: String,
    /// Minor units.
    pub amount: i64,
    /// The client's own reference.
    pub reference: Option<String>,
}

/// Something the client did that Klarna's documents forbid or warn of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// Method and path with placeholders.
    pub route: String,
    /// What was wrong, for the developer of the client.
    pub text: String,
}

/// One HTTP call to the API.
#[derive(Clone, Debug, Serialize)]
pub struct CallView {
    /// GET, POST, PATCH or DELETE.
    pub method: String,
    /// The path with placeholders, or the path itself if it leads nowhere.
    pub route: String,
    /// `None` if the connection was dropped instead of an answer.
    pub status: Option<u16>,
    /// The idempotency key.
    pub key: Option<String>,
    /// On the simulator's clock.
    pub at: Timestamp,
}

/// What `interoperability` and the payment descriptors say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Availability {
    /// Klarna may be offered.
    #[default]
    Supported,
    /// Klarna must not be offered.
    Unsupported,
    /// A status that no document names; descriptors are as if supported.
    Unknown,
}

/// What the shopper does with the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShopperAction {
    /// Scans the code and opens the page.
    Open,
    /// Agrees to pay. Opens the page first if that has not happened.
    Approve,
    /// Is refused by Klarna, or takes an agreement back that is not confirmed yet.
    Decline,
    /// Leaves the page. After an agreement this changes nothing.
    Close,
}

/// Why the shopper could not do that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShopperError {
    /// There is no such payment request.
    #[error("no payment request \"{0}\"; GET /requests lists them")]
    Unknown(String),
    /// The request has ended.
    #[error("the payment request is {0}: the shopper can do nothing with it any more")]
    Ended(String),
}
