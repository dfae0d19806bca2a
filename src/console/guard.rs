//! What holds for every request, whatever it asks for: by which name, from where, how often, how
//! long, how much; and the headers that tell a browser what this page may do (nothing but itself).

use super::Office;
use super::page::trouble::{self, Trouble};
use super::visitor::{COOKIE, STILL, session_cookie};
use super::words::language;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderMap,
    HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY, REFRESH, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::access::{Peer, Session, UserName};
use crate::clock::Mono;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// From where a request comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct From(pub(super) IpAddr);

/// Requests per second that one address may make for long.
const RATE: u32 = 300;
/// Requests that it may make at once.
const BURST: u32 = 600;
/// Addresses that are told apart.
const ADDRESSES_MAX: usize = 1024;
/// How long an answer may take, the reading of a slow browser's form included.
const PATIENCE: Duration = Duration::from_secs(30);

/// A page leaves the screen so long after its session has ended, in seconds.
const LEAVES_AFTER: u64 = 5;

const POLICY: &str = "default-src 'none'; img-src 'self' data:; script-src 'self'; \
                      style-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";
const PERMISSIONS: &str = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=()";

const HEADERS: [(HeaderName, &str); 8] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Not "no-referrer": browsers would keep the origin of forms to themselves.
    (REFERRER_POLICY, "same-origin"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
];

/// The names of this machine that browsers may use: a page from elsewhere that has its own name
/// point here (DNS rebinding) is turned away.
#[derive(Debug)]
pub(super) struct Names(Vec<String>);

impl Names {
    pub(super) fn new(configured: &[String]) -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().to_ascii_lowercase();
        let own = ["localhost".to_owned(), "terminal.local".to_owned()];
        let local = format!("{}.local", host.split('.').next().unwrap_or_default());
        let mut names: Vec<String> =
            configured.iter().map(|name| name.to_ascii_lowercase()).collect();
        names.extend(own);
        names.extend([host, local]);
        let usable = |name: &String| {
            let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
            name.chars().all(letters) && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        };
        names.retain(usable);
        names.dedup();
        Self(names)
    }

    pub(super) fn all(&self) -> &[String] {
        &self.0
    }

    fn has(&self, host: &str) -> bool {
        let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((name, port)) => (name, port.strip_prefix(':')),
            None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
        };
        let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
        let known = |known: &String| known.eq_ignore_ascii_case(name);
        is_port && (name.parse::<IpAddr>().is_ok() || self.0.iter().any(known))
    }
}

/// How much each address may still ask for.
#[derive(Debug, Default)]
pub(super) struct Rates(HashMap<IpAddr, Bucket>);

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f32,
    at: Mono,
}

impl Rates {
    /// Whether one more request of `address` is within bounds.
    pub(super) fn admits(&mut self, address: IpAddr, now: Mono) -> bool {
        let full = Bucket { left: BURST as f32, at: now };
        if self.0.len() >= ADDRESSES_MAX && !self.0.contains_key(&address) {
            // Whoever has not asked for long has a full bucket, which need not be remembered.
            let refills = Duration::from_secs(u64::from(BURST / RATE));
            self.0.retain(|_, bucket| !now.left(bucket.at.after(refills)).is_zero());
            if self.0.len() >= ADDRESSES_MAX {
                return false;
            }
        }
        let bucket = self.0.entry(address).or_insert(full);
        let gained = now.left(bucket.at).as_secs_f32() * RATE as f32;
        *bucket = Bucket { left: (bucket.left + gained).min(BURST as f32), at: now };
        let admits = bucket.left >= 1.0;
        if admits {
            bucket.left -= 1.0;
        }
        admits
    }
}

/// What a handler tells the guard about its request.
#[derive(Debug, Default)]
pub(super) struct Slip {
    who: OnceLock<UserName>,
    left: OnceLock<Duration>,
    token: OnceLock<String>,
}

impl Slip {
    /// Somebody is signed in.
    pub(super) fn note(&self, session: &Session) {
        self.who.set(session.user.name.clone()).ok();
        self.left.set(session.left).ok();
    }

    /// The session goes by this token from now on.
    pub(super) fn renew(&self, token: String) {
        self.token.set(token).ok();
    }
}

/// Turns away what may not be asked, and dresses what is answered.
pub(super) async fn guard(
    State(office): State<Arc<Office>>,
    mut request: Request,
    next: Next,
) -> Response {
    let asked = Asked::of(&request);
    let slip = Arc::new(Slip::default());
    request.extensions_mut().insert(slip.clone());
    let answer = match admit(&office, &request) {
        Ok(()) => match tokio::time::timeout(PATIENCE, next.run(request)).await {
            Ok(answer) => answer,
            Err(_) => Trouble::TooSlow.into_response(),
        },
        Err(trouble) => trouble.into_response(),
    };
    let mut answer = match answer.extensions().get::<Trouble>().cloned() {
        Some(trouble) => {
            asked.note(&office, &slip, &trouble);
            let lang = language(header(&asked.headers, ACCEPT_LANGUAGE), cookies(&asked.headers));
            trouble::page(&office, &trouble, lang.unwrap_or(office.context.language))
        }
        None => answer,
    };
    renew(&mut answer, &slip);
    if let Some(left) = slip.left.get() {
        asked.leave_after(&mut answer, *left);
    }
    for (name, value) in HEADERS {
        answer.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}

/// What is kept of a request until it is answered.
struct Asked {
    headers: HeaderMap,
    method: Method,
    uri: Uri,
    address: Option<IpAddr>,
}

impl Asked {
    fn of(request: &Request) -> Self {
        let (headers, method) = (request.headers().clone(), request.method().clone());
        let address = request.extensions().get::<From>().map(|From(address)| *address);
        Self { headers, method, uri: request.uri().clone(), address }
    }

    /// Counts it for the audit journal if somebody has tried what they may not.
    fn note(&self, office: &Office, slip: &Slip, trouble: &Trouble) {
        let (Some(misuse), Some(address)) = (trouble.misuse(), self.address) else { return };
        // What stands behind the path may be what a shopper or a till has written.
        let what = format!("{} {}", self.method, self.uri.path());
        let (now, peer) = (office.now(), Peer::network(address));
        office.access.turned_away(now, &peer, slip.who.get(), misuse, &what);
    }

    /// Has the browser leave a page when its session has ended, without a script. If it is used in
    /// another window, `/still` leads back to here.
    fn leave_after(&self, answer: &mut Response, left: Duration) {
        let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let is_page = kind.is_some_and(|kind| kind.starts_with("text/html"));
        if !is_page {
            return;
        }
        let path = self.uri.path_and_query().filter(|_| self.method == Method::GET);
        let path = path.map_or("/", |path| path.as_str());
        let path = path.strip_suffix(STILL).map_or(path, |path| &path[..path.len() - 1]);
        let to = utf8_percent_encode(path, NON_ALPHANUMERIC);
        let refresh = format!("{}; url=/still?to={to}", left.as_secs() + LEAVES_AFTER);
        let refresh = HeaderValue::from_str(&refresh).expect("printable ASCII");
        answer.headers_mut().insert(REFRESH, refresh);
    }
}

/// Tells the browser the session's new token, whatever else is answered; but not after the session
/// was ended.
fn renew(answer: &mut Response, slip: &Slip) {
    let own = format!("{COOKIE}=");
    let is_told = |value: &HeaderValue| value.as_bytes().starts_with(own.as_bytes());
    if let Some(token) = slip.token.get()
        && !answer.headers().get_all(SET_COOKIE).iter().any(is_told)
    {
        answer.headers_mut().append(SET_COOKIE, session_cookie(token));
    }
}

fn admit(office: &Office, request: &Request) -> Result<(), Trouble> {
    let From(address) = *request.extensions().get::<From>().ok_or(Trouble::Forged)?;
    let now = office.now().mono;
    let mut rates = office.rates.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if !rates.admits(address, now) {
        return Err(Trouble::TooOften);
    }
    drop(rates);
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::POST) {
        return Err(Trouble::WrongMethod);
    }
    let host = header(request.headers(), HOST).unwrap_or_default();
    if !office.names.has(host) {
        return Err(Trouble::WrongName);
    }
    if *request.method() == Method::POST && !is_from_here(request.headers(), host) {
        return Err(Trouble::Forged);
    }
    Ok(())
}

/// Whether a browser says that one of our own pages sends this: a form of another site is refused
/// before it is read. Every browser of today sends one of these with a form.
fn is_from_here(headers: &HeaderMap, host: &str) -> bool {
    let fetch = HeaderName::from_static("sec-fetch-site");
    let same_site = header(headers, fetch).is_none_or(|site| site == "same-origin");
    match header(headers, ORIGIN) {
        Some(origin) => {
            let uri = origin.parse::<Uri>().ok();
            let authority = uri.as_ref().filter(|uri| uri.scheme_str() == Some("https"));
            let authority = authority.and_then(Uri::authority).map(|found| found.as_str());
            same_site && authority.is_some_and(|found| found.eq_ignore_ascii_case(host))
        }
        None => false,
    }
}

pub(super) fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The browser's cookies, name and value.
pub(super) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines =
        headers.get_all(axum::http::header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_turned_away() {
        let names = Names::new(&["Till.Shop.Example".to_owned()]);
        for host in ["localhost:8443", "till.shop.example", "127.0.0.1:8443", "[::1]:8443"] {
            assert!(names.has(host), "{host}");
        }
        for host in ["", "evil.example", "localhost.evil.example:8443", "localhost:x", "[::1"] {
            assert!(!names.has(host), "{host}");
        }
    }

    #[test]
    fn a_form_comes_from_our_own_pages() {
        let check = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_str(value).expect("a value"));
            }
            is_from_here(&headers, "localhost:8443")
        };
        let own = ("origin", "https://localhost:8443");
        assert!(check(&[own]));
        assert!(check(&[own, ("sec-fetch-site", "same-origin")]));
        assert!(!check(&[own, ("sec-fetch-site", "cross-site")]));
        for origin in ["https://evil.example", "http://localhost:8443", "null", "https://localhost"]
        {
            assert!(!check(&[("origin", origin)]), "{origin}");
        }
        assert!(!check(&[]), "a program without an origin is no browser");
    }

    #[test]
    fn an_address_that_asks_too_often_has_to_wait_and_others_do_not() {
        let mut rates = Rates::default();
        let (one, two) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let begin = Mono::default();
        let admitted = (0..10_000).filter(|_| rates.admits(one, begin)).count();
        assert_eq!(admitted, BURST as usize);
        assert!(rates.admits(two, begin));
        assert!(rates.admits(one, begin.after(Duration::from_millis(10))));
        for number in 0..100_000_u32 {
            rates.admits(IpAddr::from(number.to_be_bytes()), begin);
        }
        assert!(rates.0.len() <= ADDRESSES_MAX);
    }
}
