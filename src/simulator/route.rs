//! Which operation a method and a path mean. The table is the whole API: whatever is not in it
//! does not exist.
//!
//! It does not know whether an account or an id exists.

use super::fault::RouteKind;
use super::limit::Category;

/// One operation of Klarna's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Interoperability,
    Descriptors,
    CreateRequest,
    ReadRequest,
    UpdateRequest,
    CancelRequest,
    Confirm,
    ConfirmShort,
    ReadTransaction,
    UpdateTransaction,
    Capture,
    Void,
    RefundTransaction,
    RefundCapture,
    ReadCapture,
    ReadRefund,
    CreateSigningKey,
    ListSigningKeys,
    ReadSigningKey,
    DeleteSigningKey,
    CreateWebhook,
    ListWebhooks,
    ReadWebhook,
    UpdateWebhook,
    DeleteWebhook,
    SimulateWebhook,
    CreateCredential,
    ListCredentials,
    DeleteCredential,
}

use Route as R;

/// `{a}` is the account, `{id}` the resource; both are percent-decoded.
const TABLE: [(&str, &str, Route); 29] = [
    ("GET", "/v1/interoperability", R::Interoperability),
    ("GET", "/v1/accounts/{a}/payment/messaging/payment-descriptors", R::Descriptors),
    ("POST", "/v1/accounts/{a}/payment/requests", R::CreateRequest),
    ("GET", "/v1/accounts/{a}/payment/requests/{id}", R::ReadRequest),
    ("PATCH", "/v1/accounts/{a}/payment/requests/{id}", R::UpdateRequest),
    ("DELETE", "/v1/accounts/{a}/payment/requests/{id}", R::CancelRequest),
    ("POST", "/v1/accounts/{a}/payment/confirmation-tokens/{id}/confirm", R::Confirm),
    ("POST", "/v1/accounts/{a}/confirmation-tokens/{id}/confirm", R::ConfirmShort),
    ("GET", "/v1/accounts/{a}/payment/transactions/{id}", R::ReadTransaction),
    ("PATCH", "/v1/accounts/{a}/payment/transactions/{id}", R::UpdateTransaction),
    ("POST", "/v1/accounts/{a}/payment/transactions/{id}/capture", R::Capture),
    ("POST", "/v1/accounts/{a}/payment/transactions/{id}/void", R::Void),
    ("POST", "/v1/accounts/{a}/payment/transactions/{id}/refund", R::RefundTransaction),
    ("POST", "/v1/accounts/{a}/payment/captures/{id}/refund", R::RefundCapture),
    ("GET", "/v1/accounts/{a}/payment/captures/{id}", R::ReadCapture),
    ("GET", "/v1/accounts/{a}/payment/refunds/{id}", R::ReadRefund),
    ("POST", "/v1/notification/signing-keys", R::CreateSigningKey),
    ("GET", "/v1/notification/signing-keys", R::ListSigningKeys),
    ("GET", "/v1/notification/signing-keys/{id}", R::ReadSigningKey),
    ("DELETE", "/v1/notification/signing-keys/{id}", R::DeleteSigningKey),
    ("POST", "/v1/notification/webhooks", R::CreateWebhook),
    ("GET", "/v1/notification/webhooks", R::ListWebhooks),
    ("GET", "/v1/notification/webhooks/{id}", R::ReadWebhook),
    ("PATCH", "/v1/notification/webhooks/{id}", R::UpdateWebhook),
    ("DELETE", "/v1/notification/webhooks/{id}", R::DeleteWebhook),
    ("POST", "/v1/notification/webhooks/{id}/simulate", R::SimulateWebhook),
    ("POST", "/v1/account/credentials", R::CreateCredential),
    ("GET", "/v1/account/credentials", R::ListCredentials),
    ("DELETE", "/v1/account/credentials/{id}", R::DeleteCredential),
];

/// What a method and a path point at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) route: Route,
    /// The path with placeholders, for the list of calls.
    pub(super) template: &'static str,
    pub(super) account: Option<String>,
    /// Empty where the route has none.
    pub(super) id: String,
}

impl Target {
    /// `None`: no such route.
    pub(super) fn find(method: &str, path: &str) -> Option<Target> {
        TABLE.iter().filter(|(its_method, _, _)| *its_method == method).find_map(
            |(_, template, route)| {
                let mut target =
                    Target { route: *route, template, account: None, id: String::new() };
                fill(&mut target, path).then_some(target)
            },
        )
    }
}

fn fill(target: &mut Target, path: &str) -> bool {
    let mut given = path.split('/');
    for wanted in target.template.split('/') {
        let Some(segment) = given.next() else {
            return false;
        };
        match (wanted, percent_decode(segment)) {
            ("{a}", Some(text)) if !text.is_empty() => target.account = Some(text),
            ("{id}", Some(text)) if !text.is_empty() => target.id = text,
            _ if wanted == segment => {}
            _ => return false,
        }
    }
    given.next().is_none()
}

/// `None` for a percent sign without two hex digits, and for what is not UTF-8.
pub(super) fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

impl Route {
    pub(super) fn kind(self) -> RouteKind {
        match self {
            R::Interoperability => RouteKind::Interoperability,
            R::Descriptors => RouteKind::Descriptors,
            R::CreateRequest => RouteKind::Create,
            R::ReadRequest => RouteKind::Read,
            R::UpdateRequest | R::UpdateTransaction => RouteKind::Update,
            R::CancelRequest => RouteKind::Cancel,
            R::Confirm | R::ConfirmShort => RouteKind::Confirm,
            R::ReadTransaction | R::ReadCapture | R::ReadRefund => RouteKind::Transaction,
            R::Capture => RouteKind::Capture,
            R::Void => RouteKind::Void,
            R::RefundTransaction | R::RefundCapture => RouteKind::Refund,
            R::CreateSigningKey => RouteKind::SigningKey,
            R::CreateWebhook | R::UpdateWebhook => RouteKind::Webhook,
            R::SimulateWebhook => RouteKind::SimulateWebhook,
            R::CreateCredential => RouteKind::Credential,
            R::ListSigningKeys
            | R::ReadSigningKey
            | R::DeleteSigningKey
            | R::ListWebhooks
            | R::ReadWebhook
            | R::DeleteWebhook
            | R::ListCredentials
            | R::DeleteCredential => RouteKind::Manage,
        }
    }

    pub(super) fn category(self) -> Category {
        match self.kind() {
            RouteKind::Capture => Category::Capture,
            RouteKind::SigningKey
            | RouteKind::Webhook
            | RouteKind::SimulateWebhook
            | RouteKind::Credential
            | RouteKind::Manage => Category::Partner,
            RouteKind::Create
            | RouteKind::Read
            | RouteKind::Update
            | RouteKind::Cancel
            | RouteKind::Confirm
            | RouteKind::Transaction
            | RouteKind::Refund
            | RouteKind::Void
            | RouteKind::Interoperability
            | RouteKind::Descriptors
            | RouteKind::Any => Category::Management,
        }
    }

    /// All POST and PATCH.
    pub(super) fn takes_key(self) -> bool {
        match self.kind() {
            RouteKind::Create
            | RouteKind::Update
            | RouteKind::Confirm
            | RouteKind::Capture
            | RouteKind::Refund
            | RouteKind::Void
            | RouteKind::SigningKey
            | RouteKind::Webhook
            | RouteKind::SimulateWebhook
            | RouteKind::Credential => true,
            RouteKind::Read
            | RouteKind::Cancel
            | RouteKind::Transaction
            | RouteKind::Interoperability
            | RouteKind::Descriptors
            | RouteKind::Manage
            | RouteKind::Any => false,
        }
    }

    /// Without a key these could have their effect twice, so they are refused; confirm is safe by
    /// its token.
    pub(super) fn needs_key(self) -> bool {
        self.takes_key() && !matches!(self.kind(), RouteKind::Confirm | RouteKind::Update)
    }

    /// A JSON body is required. Void and a new signing key have none.
    pub(super) fn needs_body(self) -> bool {
        self.takes_key() && !matches!(self, R::Void | R::CreateSigningKey)
    }
}
