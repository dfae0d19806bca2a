//! Whether a notice is taken in, and how whoever sent it is answered. Pure: the time, the keys and
//! the sender's address are arguments.
//!
//! Klarna tries again for 21 hours what is not answered with 200, 201, 202 or 204 (Integration
//! Guidelines: Retry mechanism). So only what may be better next time is refused, and what is
//! surely Klarna's but of no use is acknowledged, counted and dropped.
//!
//! | what came | status | counted as |
//! |---|---|---|
//! | from an address that is not on the list | 403 | `turned_by_address` |
//! | more than 64 KiB | 413 | `too_large` |
//! | a body that does not end in time | 408 | `too_slow` |
//! | unsigned, wrongly signed, or by a key that is not known | 400 | `forged` |
//! | signed, but no notice | 202 | `unreadable` |
//! | signed, test to a live relay or the other way round | 202 | `other_environment` |
//! | signed, older than Klarna's last retry, or from the future | 202 | `stale` |
//! | signed, and the shelf is full or cannot be written | 503 | `busy` |
//! | signed, and seen before | 202 | `doubled` |
//! | signed, of a type that is not known | 202 | `unknown_type` |
//! | signed, of a payment of no terminal | 202 | `unmapped` |
//! | everything else, once it is durable | 202 | `accepted` |

use crate::acquirer::klarna::webhook::{
    self, Forged, KEY_ID_HEADER, Notice, NoticeError, SIGNATURE_HEADER, SigningKeys,
};
use crate::clock::Wall;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use std::net::IpAddr;
use std::time::Duration;

/// See [`callers_live`].
const CALLERS_LIVE: &str =
    "52.17.117.56 52.17.176.198 52.0.45.33 52.0.46.187 13.211.30.100 3.104.49.49 13.54.229.130";
/// See [`callers_test`].
const CALLERS_TEST: &str =
    "34.242.203.160 34.242.19.4 52.45.47.152 34.235.91.238 3.24.91.202 52.62.115.68 52.63.129.92";
/// Klarna's last retry comes so long after the event: 10 s, 2 min, 15 min, 3 h, 6 h and 12 h.
pub const RETRIED_FOR: Duration = Duration::from_secs(10 + 120 + 900 + (3 + 6 + 12) * 3600);
/// Slack for what Klarna waits before each retry gives up, and before the first try.
pub const AGE_SLACK: Duration = Duration::from_secs(2 * 3600);
/// How far a notice may be from the future: what two clocks that are kept may differ by.
pub const AHEAD_MAX: Duration = Duration::from_secs(300);
/// Entries of a forwarding header that are looked at: proxies in a row are few.
const FORWARDED_MAX: usize = 16;

/// From where Klarna's live environment calls (Integration Guidelines: Webhooks).
pub fn callers_live() -> Vec<IpAddr> {
    addresses(CALLERS_LIVE)
}

/// From where Klarna's test environment calls.
pub fn callers_test() -> Vec<IpAddr> {
    addresses(CALLERS_TEST)
}

fn addresses(list: &str) -> Vec<IpAddr> {
    list.split(' ').map(|one| one.parse().expect("the list holds addresses")).collect()
}

/// Whose notices are taken in.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The only addresses that may call; `None` for all, as the signature decides anyway.
    pub callers: Option<Vec<IpAddr>>,
    /// Proxies in front of the relay, whose word about the caller's address is believed.
    pub proxies: Option<Proxies>,
    /// Whether notices are about real money here; `None` takes both. One that does not say is
    /// taken: a key belongs to one environment.
    pub live: Option<bool>,
    /// Oldest notice that is of use. Longer than [`RETRIED_FOR`] and [`AGE_SLACK`] where Klarna's
    /// support is to replay by hand what was missed.
    pub age_max: Duration,
    /// Furthest from the future.
    pub ahead_max: Duration,
}

impl Default for Policy {
    /// Everybody may call, in either environment, for as long as Klarna tries.
    fn default() -> Self {
        Self {
            callers: None,
            proxies: None,
            live: None,
            age_max: RETRIED_FOR + AGE_SLACK,
            ahead_max: AHEAD_MAX,
        }
    }
}

/// Who says where a request came from, and in which header.
#[derive(Debug, Clone)]
pub struct Proxies {
    /// Addresses of the proxies themselves.
    pub addresses: Vec<IpAddr>,
    /// Such as `x-forwarded-for`: addresses, the nearest last.
    pub header: HeaderName,
}

/// Why a notice is not taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Turned {
    /// It is not known to be Klarna's.
    #[error(transparent)]
    Forged(#[from] Forged),
    /// It is Klarna's, and cannot be read.
    #[error(transparent)]
    Unreadable(#[from] NoticeError),
    /// It is about the other environment.
    #[error("its live is {0}, which is the other environment; change the webhook at Klarna")]
    OtherEnvironment(bool),
    /// It is older than [`Policy::age_max`].
    #[error("it is {} s old, longer than Klarna tries", age.as_secs())]
    Stale {
        /// By the clock here.
        age: Duration,
    },
    /// It is from the future.
    #[error("it is from {} s in the future; check the clock of this machine", ahead.as_secs())]
    Future {
        /// By the clock here.
        ahead: Duration,
    },
}

impl Turned {
    /// What the sender is answered.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Forged(_) => StatusCode::BAD_REQUEST,
            Self::Unreadable(_)
            | Self::OtherEnvironment(_)
            | Self::Stale { .. }
            | Self::Future { .. } => StatusCode::ACCEPTED,
        }
    }
}

/// Who has sent a request that came from `peer`: the peer, or whom the proxies say. Of several
/// entries the rightmost counts that is no proxy's, as a caller can write everything left of it.
/// `None` where the proxies say nothing that can be read.
pub fn caller(policy: &Policy, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
    let peer = peer.to_canonical();
    let Some(proxies) = &policy.proxies else { return Some(peer) };
    let is_proxy = |address: &IpAddr| proxies.addresses.contains(address);
    if !is_proxy(&peer) {
        return Some(peer);
    }
    let lines = headers.get_all(&proxies.header).iter().rev();
    let entries = lines.flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
    for entry in entries.take(FORWARDED_MAX) {
        let address = address(entry.trim())?;
        if !is_proxy(&address) {
            return Some(address);
        }
    }
    None
}

/// `192.0.2.1`, `2001:db8::1`, or one of them with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    bare.or_else(with_port).or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

/// Whether `caller` may speak at all.
pub fn may_call(policy: &Policy, caller: Option<IpAddr>) -> bool {
    match &policy.callers {
        None => true,
        Some(callers) => caller.is_some_and(|caller| callers.contains(&caller)),
    }
}

/// Reads a notice that Klarna has signed, is about this environment and still of use at `now`.
///
/// # Errors
/// The first [`Turned`] that applies.
pub fn admit(
    policy: &Policy,
    keys: &SigningKeys,
    headers: &HeaderMap,
    body: &[u8],
    now: Wall,
) -> Result<Notice, Turned> {
    let (key_id, signature) = (single(headers, KEY_ID_HEADER), single(headers, SIGNATURE_HEADER));
    webhook::verify(keys, key_id, signature, body)?;
    let notice = webhook::parse(body)?;
    if let (Some(live), Some(wanted)) = (notice.live, policy.live)
        && live != wanted
    {
        return Err(Turned::OtherEnvironment(live));
    }
    // A clock that was never set says nothing about age.
    if now.is_plausible() {
        check_age(policy, notice.occurred_at, now)?;
    }
    Ok(notice)
}

fn check_age(policy: &Policy, occurred_at: Wall, now: Wall) -> Result<(), Turned> {
    match (now.since(occurred_at), occurred_at.since(now)) {
        (Some(age), _) if age > policy.age_max => Err(Turned::Stale { age }),
        (_, Some(ahead)) if ahead > policy.ahead_max => Err(Turned::Future { ahead }),
        _ => Ok(()),
    }
}

/// The value of a header that stands there once: of two nobody knows which one is meant.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquirer::klarna::webhook::{SigningKey, sign};
    use axum::http::HeaderValue;

    const NOW: Wall = Wall::SET_FROM;

    fn policy() -> Policy {
        Policy { live: Some(false), ..Policy::default() }
    }

    fn key() -> SigningKey {
        SigningKey { id: "key-1".to_owned(), secret: "secret".into(), created_at: None }
    }

    /// What a notice with this `live` from `age_s` seconds ago is answered, and why.
    fn admitted(policy: &Policy, live: &str, age_s: i64, now: Wall) -> String {
        let at = Wall::from_millis(now.millis() - age_s * 1000).iso8601();
        let body = format!(
            r#"{{"metadata": {{"event_type": "payment.request.updated", "event_id": "e",
            "occurred_at": "{at}", "live": {live}}}}}"#
        );
        let mut keys = SigningKeys::default();
        keys.add(key()).expect("room");
        let mut headers = HeaderMap::new();
        let code = sign(&key(), body.as_bytes()).parse().expect("a value");
        headers.insert(SIGNATURE_HEADER, code);
        headers.insert(KEY_ID_HEADER, HeaderValue::from_static("key-1"));
        match admit(policy, &keys, &headers, body.as_bytes(), now) {
            Ok(notice) => format!("{} is taken", notice.event),
            Err(turned) => format!("{}: {turned}", turned.status().as_u16()),
        }
    }

    #[test]
    fn what_is_of_no_use_is_acknowledged() {
        let policy = policy();
        assert_eq!(admitted(&policy, "false", 1, NOW), "e is taken");
        assert_eq!(admitted(&policy, "null", 1, NOW), "e is taken");
        let other = "202: its live is true, which is the other environment; \
                     change the webhook at Klarna";
        assert_eq!(admitted(&policy, "true", 1, NOW), other);
        assert_eq!(admitted(&Policy::default(), "true", 1, NOW), "e is taken");
        let last = i64::try_from(policy.age_max.as_secs()).expect("some hours");
        assert_eq!(last, 83_830, "23 h 17 min 10 s");
        assert_eq!(admitted(&policy, "false", last, NOW), "e is taken");
        let stale = "202: it is 83831 s old, longer than Klarna tries";
        assert_eq!(admitted(&policy, "false", last + 1, NOW), stale);
        assert_eq!(admitted(&policy, "false", -300, NOW), "e is taken");
        let future = "202: it is from 301 s in the future; check the clock of this machine";
        assert_eq!(admitted(&policy, "false", -301, NOW), future);
        let never_set = Wall::from_millis(1000);
        assert_eq!(admitted(&policy, "false", -100_000_000, never_set), "e is taken");
    }

    #[test]
    fn of_two_signatures_none_counts() {
        let mut headers = HeaderMap::new();
        headers.append(SIGNATURE_HEADER, HeaderValue::from_static("one"));
        headers.append(SIGNATURE_HEADER, HeaderValue::from_static("two"));
        let turned = admit(&policy(), &SigningKeys::default(), &headers, b"{}", NOW);
        let turned = turned.expect_err("it is forged");
        assert_eq!((turned.status(), turned), (StatusCode::BAD_REQUEST, Forged::Unsigned.into()));
    }

    #[test]
    fn only_a_proxy_is_believed_where_a_request_came_from() {
        let header = HeaderName::from_static("x-forwarded-for");
        let addresses = addresses("10.0.0.1 10.0.0.2");
        let policy = Policy { proxies: Some(Proxies { addresses, header }), ..policy() };
        let from = |peer: IpAddr, lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", HeaderValue::from_static(line));
            }
            caller(&policy, peer, &headers).map(|address| address.to_string())
        };
        let [proxy, stranger] =
            ["10.0.0.1", "192.0.2.9"].map(|text| text.parse::<IpAddr>().expect("an address"));
        assert_eq!(from(stranger, &["52.17.117.56"]).as_deref(), Some("192.0.2.9"));
        assert_eq!(from(proxy, &["52.17.117.56"]).as_deref(), Some("52.17.117.56"));
        assert_eq!(from(proxy, &["1.1.1.1, 192.0.2.9 , 10.0.0.2"]).as_deref(), Some("192.0.2.9"));
        assert_eq!(from(proxy, &["52.17.117.56", "192.0.2.9"]).as_deref(), Some("192.0.2.9"));
        assert_eq!(from(proxy, &["192.0.2.9:4711"]).as_deref(), Some("192.0.2.9"));
        assert_eq!(from(proxy, &["[2001:db8::1]:80"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(from(proxy, &["[2001:db8::1]"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(from(proxy, &["::ffff:192.0.2.9"]).as_deref(), Some("192.0.2.9"));
        let mapped = "::ffff:10.0.0.1".parse().expect("an address");
        assert_eq!(from(mapped, &["192.0.2.9"]).as_deref(), Some("192.0.2.9"));
        assert_eq!(from(proxy, &["52.17.117.56, unknown"]), None);
        assert_eq!(from(proxy, &["10.0.0.2"]), None);
        assert_eq!(from(proxy, &[]), None);
    }

    #[test]
    fn a_list_of_callers_keeps_out_everybody_else() {
        let listed = Policy { callers: Some(callers_test()), ..policy() };
        assert!(may_call(&listed, Some(callers_test()[3])));
        assert!(!may_call(&listed, Some(callers_live()[3])));
        assert!(!may_call(&listed, None));
        assert!(may_call(&policy(), None));
    }
}
