//! Names of things as types: our own ids, the till's references, Klarna's opaque ids, and keys.
//!
//! A bare `String` crosses no module border. Klarna's ids are opaque and may change format, so they
//! are only bounded, never parsed.

mod address;
mod key;

pub use address::{ADDRESS_PART_LEN_MAX, Address, is_address_part};
pub use key::{IdempotencyKey, Installation};

use std::fmt;

/// Longest reference or id on any wire, in characters (Klarna: data types, strings <= 255).
pub const TEXT_LEN_MAX: usize = 255;
/// Longest reference a till may give, in characters; fits every receipt line.
pub const POS_REFERENCE_LEN_MAX: usize = 64;
/// How references of the terminal's own desk begin: command line and console. No till may use it.
pub const DESK_PREFIX: &str = "desk-";
/// Most decimals a payment number is printed with in references.
const NUMBER_WIDTH: usize = 6;

/// Why a text may not be used as a reference or label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing is left of it.
    #[error("must not be empty")]
    Empty,
    /// More characters than the field takes.
    #[error("has {0} characters, at most {1} are allowed")]
    TooLong(usize, usize),
    /// A control character or line separator.
    #[error("contains the control character U+{0:04X}; send printable text only")]
    Control(u32),
    /// Something that looks like HTML, which Klarna refuses.
    #[error("contains markup ({0:?}); send plain text only")]
    Markup(String),
    /// Not of the form `sv-SE`.
    #[error("is not a locale such as sv-SE")]
    Locale,
}

/// Checks text for the wire: printable, no markup, 1 to `max` characters (Klarna: data types).
///
/// # Errors
/// The first [`TextError`] that applies.
pub fn check_text(text: &str, max: usize) -> Result<(), TextError> {
    let length = text.chars().count();
    if text.trim().is_empty() {
        return Err(TextError::Empty);
    }
    if length > max {
        return Err(TextError::TooLong(length, max));
    }
    let forbidden = |c: &char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if let Some(control) = text.chars().find(forbidden) {
        return Err(TextError::Control(u32::from(control)));
    }
    let markup = text.char_indices().zip(text.chars().skip(1)).find(|((_, open), next)| {
        *open == '<' && (next.is_ascii_alphabetic() || matches!(next, '/' | '!'))
    });
    match markup {
        Some(((at, _), _)) => Err(TextError::Markup(text[at..].chars().take(8).collect())),
        None => Ok(()),
    }
}

macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident, $max:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checked with [`check_text`].
            ///
            /// # Errors
            /// The [`TextError`] that applies.
            pub fn new(text: impl Into<String>) -> Result<Self, TextError> {
                let text = text.into();
                check_text(&text, $max)?;
                Ok(Self(text))
            }

            /// The text as given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;
            fn try_from(text: String) -> Result<Self, TextError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    };
}

text_newtype! {
    /// The till's own reference of one command: the same reference again means the same command.
    PosReference, POS_REFERENCE_LEN_MAX
}
text_newtype! {
    /// Plain text for a shopper or a statement: order number, line item name.
    Label, TEXT_LEN_MAX
}
text_newtype! {
    /// Our reference of one payment, as Klarna and the settlement file carry it.
    PaymentReference, TEXT_LEN_MAX
}
text_newtype! {
    /// Our reference of one capture or refund; comes back in Klarna's settlement file.
    EffectReference, TEXT_LEN_MAX
}
text_newtype! {
    /// Klarna's id of a payment request.
    RequestId, TEXT_LEN_MAX
}
text_newtype! {
    /// Klarna's id of a payment transaction.
    TransactionId, TEXT_LEN_MAX
}
text_newtype! {
    /// Klarna's id of a capture.
    CaptureId, TEXT_LEN_MAX
}
text_newtype! {
    /// Klarna's id of a refund.
    RefundId, TEXT_LEN_MAX
}
text_newtype! {
    /// Klarna's id of a dispute about a transaction.
    DisputeId, TEXT_LEN_MAX
}
text_newtype! {
    /// Klarna's id of something that has happened; a notice of it that comes again has it too.
    EventId, TEXT_LEN_MAX
}
text_newtype! {
    /// What has happened in Klarna's words, such as `payment.request.updated`.
    EventType, TEXT_LEN_MAX
}

impl TransactionId {
    /// Whether both name the same transaction: Klarna writes it as a bare UUID in one place and as
    /// a KRN that ends in it in another.
    pub fn is_same(&self, other: &str) -> bool {
        self.tail() == other.rsplit(':').next().unwrap_or_default()
    }

    /// What both spellings end in.
    pub fn tail(&self) -> &str {
        self.0.rsplit(':').next().unwrap_or_default()
    }
}

/// Klarna's distribution URL: what the QR code carries. Bounded here, checked by `display`'s rules
/// (https, configured hosts) before it is shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct DistributionUrl(String);

/// Longest distribution URL that is still shown, in bytes; a longer one makes a QR code that no
/// small panel can carry.
pub const DISTRIBUTION_URL_LEN_MAX: usize = 300;

impl DistributionUrl {
    /// An `https` URL of at most [`DISTRIBUTION_URL_LEN_MAX`] bytes on one of `hosts`; a host that
    /// starts with a dot allows its subdomains.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the URL.
    pub fn new(url: &str, hosts: &[String]) -> Result<Self, String> {
        if url.len() > DISTRIBUTION_URL_LEN_MAX {
            return Err(format!("distribution URL of {} bytes is too long to show", url.len()));
        }
        let printable = url.bytes().all(|byte| byte.is_ascii_graphic());
        let rest = url.strip_prefix("https://").filter(|_| printable);
        let rest = rest.ok_or_else(|| "distribution URL is not an https URL".to_owned())?;
        let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let allowed = |known: &String| match known.strip_prefix('.') {
            Some(domain) => host == domain || host.ends_with(known.as_str()),
            None => host == known,
        };
        if authority.contains('@') || !hosts.iter().any(allowed) {
            return Err(format!("distribution URL is on host {host:?}, which is not configured"));
        }
        Ok(Self(url.to_owned()))
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Klarna's confirmation token: whoever holds it can confirm the payment, so it is never printed.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ConfirmationToken(String);

impl ConfirmationToken {
    /// A token as Klarna sent it.
    ///
    /// # Errors
    /// The [`TextError`] that applies; tokens are as bounded as every other id.
    pub fn new(token: impl Into<String>) -> Result<Self, TextError> {
        let token = token.into();
        check_text(&token, TEXT_LEN_MAX)?;
        Ok(Self(token))
    }

    /// The secret itself, for the one request that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ConfirmationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConfirmationToken(..)")
    }
}

/// Our number of a payment: counts up from 1 in each journal. Receipts print it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct PaymentId(u32);

impl PaymentId {
    /// A terminal's first payment; no number is smaller.
    pub const FIRST: Self = Self(1);

    /// The payment with this number.
    pub fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub fn number(self) -> u32 {
        self.0
    }

    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add(1).expect("a terminal takes fewer than four billion payments"))
    }
}

impl fmt::Display for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0NUMBER_WIDTH$}", self.0)
    }
}

/// Which call of which payment: unique in the outbox for ever.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct CallId {
    /// The payment it belongs to.
    pub payment: PaymentId,
    /// Counts the payment's calls from 1, in the order in which they must take effect.
    pub sequence: u32,
}

impl std::str::FromStr for CallId {
    type Err = std::num::ParseIntError;

    /// As it is printed; leading zeros may be left out.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (payment, sequence) = text.split_once('.').unwrap_or((text, ""));
        let (payment, sequence) = (payment.parse()?, sequence.parse()?);
        Ok(Self { payment: PaymentId::new(payment), sequence })
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.payment, self.sequence)
    }
}

/// A language and country such as `sv-SE` (RFC 5646; Klarna: data types).
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Locale(String);

impl Locale {
    /// Takes `sv-SE` and `sv-se`; keeps `sv-SE`.
    ///
    /// # Errors
    /// [`TextError::Locale`] for anything else.
    pub fn new(text: &str) -> Result<Self, TextError> {
        let letters = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_alphabetic());
        match text.split_once('-') {
            Some((language, country)) if letters(language) && letters(country) => {
                let language = language.to_ascii_lowercase();
                Ok(Self(format!("{language}-{}", country.to_ascii_uppercase())))
            }
            _ => Err(TextError::Locale),
        }
    }

    /// Such as `sv-SE`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Such as `sv`.
    pub fn language(&self) -> &str {
        &self.0[..2]
    }

    /// Such as `SE`.
    pub fn country(&self) -> &str {
        &self.0[3..]
    }
}

impl TryFrom<String> for Locale {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, TextError> {
        Self::new(&text)
    }
}

impl From<Locale> for String {
    fn from(locale: Locale) -> String {
        locale.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_refused_with_its_reason() {
        let check = |text: &str| match check_text(text, 20) {
            Ok(()) => "fine".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(check("R-1 Åäö €"), "fine");
        assert_eq!(check("cable <2m"), "fine");
        assert_eq!(check("  "), "must not be empty");
        assert_eq!(
            check("a\u{7}b"),
            "contains the control character U+0007; send printable text only"
        );
        assert_eq!(
            check("a\u{2028}b"),
            "contains the control character U+2028; send printable text only"
        );
        assert_eq!(check("<b>x</b>"), "contains markup (\"<b>x</b>\"); send plain text only");
        assert_eq!(check(&"x".repeat(10_000)), "has 10000 characters, at most 20 are allowed");
    }

    #[test]
    fn only_https_urls_of_configured_hosts_become_a_qr_code() {
        let hosts = [".klarna.com".to_owned(), "localhost".to_owned()];
        let check = |url: &str| DistributionUrl::new(url, &hosts).is_ok();
        assert!(check("https://pay.test.klarna.com/eu/requests/1/start"));
        assert!(check("https://localhost:8443/eu/requests/1/start"));
        assert!(!check("http://pay.klarna.com/x"));
        assert!(!check("https://evil.example/klarna.com"));
        assert!(!check("https://evilklarna.com/x"));
        assert!(!check("https://pay.klarna.com@evil.example/x"));
        assert!(!check("https://evil.example\\.klarna.com/x"));
        assert!(!check("https://evil.example?.klarna.com"));
        assert!(!check(&format!("https://pay.klarna.com/{}", "x".repeat(300))));
        assert!(!check("https://pay.klarna.com/a b"));
    }

    #[test]
    fn a_token_is_never_printed() {
        let token = ConfirmationToken::new("krn:secret").expect("token");
        assert!(!format!("{token:?}").contains("secret"));
    }

    #[test]
    fn locales_are_normalised() {
        assert_eq!(Locale::new("sv-se").expect("locale").as_str(), "sv-SE");
        assert!(Locale::new("sv").is_err() && Locale::new("sv_SE").is_err());
    }
}
