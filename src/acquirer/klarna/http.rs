//! One exchange with Klarna: headers, authorisation, time-outs, TLS.
//!
//! HTTPS only, roots compiled in, no redirects, no proxy but the configured one. It knows paths and
//! bytes, not what they mean.

use super::TransactionPaths;
use super::error::{ApiError, Failure};
use super::{Availability, AvailabilityOrder};
use crate::acquirer::{Exchange, Quotas};
use crate::id::{IdempotencyKey, Locale};
use crate::money::Currency;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Largest answer that is read, in bytes; Klarna's own are a few kilobytes.
const ANSWER_LEN_MAX: usize = 1024 * 1024;
/// Until the connection stands, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For one whole exchange.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(15);
/// Idle connections are kept warm for this long.
const IDLE_TIMEOUT: Duration = Duration::from_secs(600);
/// Between two HTTP/2 pings, so that a dead connection is noticed before a shopper does.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How the API key goes into the `Authorization` header (Klarna's pages show both).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthScheme {
    /// `Basic <key>` as it is.
    Raw,
    /// HTTP Basic with an empty user name and the key as password.
    BasicEmptyUser,
}

/// Everything a client needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://host` without a path.
    pub base_url: String,
    /// Secret.
    pub api_key: SecretString,
    /// How the key is sent.
    pub auth_scheme: AuthScheme,
    /// The merchant's account at Klarna, in paths and in `Klarna-Partner-Account`.
    pub account_id: String,
    /// Whether `Klarna-Partner-Account` is sent.
    pub account_header: bool,
    /// `integrator.name` of the tagging header: `^[A-Z0-9_]+$`.
    pub integrator: String,
    /// Further systems of the tagging header, such as the till's maker; at most 6.
    pub originators: Vec<String>,
    /// Session reference of calls that belong to no payment: store and terminal.
    pub session: String,
    /// How availability is found out.
    pub availability: Availability,
    /// When availability is asked.
    pub availability_order: AvailabilityOrder,
    /// Whether the payment descriptor is fetched for the screen.
    pub descriptor: bool,
    /// Language and country of sales that name none.
    pub locale: Locale,
    /// The currency that a warm-up asks about.
    pub home_currency: Currency,
    /// Where the shopper's phone goes after paying.
    pub redirect_url: String,
    /// Hosts whose URLs may become a QR code; a leading dot allows subdomains.
    pub qr_hosts: Vec<String>,
    /// Where transactions are read, captured, refunded and voided.
    pub paths: TransactionPaths,
    /// Merged into the create body.
    pub create_extra: Map<String, Value>,
    /// What Klarna allows; whoever sends keeps to it.
    pub quotas: Quotas,
    /// Further trusted certificate authorities, PEM.
    pub extra_ca: Option<Vec<u8>>,
    /// `http://host:port` of a proxy, if one is to be used.
    pub proxy: Option<String>,
}

/// Why a client cannot be made from its settings.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The extra CA file holds no certificate.
    #[error("extra CA certificates: {0}")]
    Certificate(String),
    /// A setting cannot stand in a header.
    #[error("{0} contains characters that no HTTP header can carry")]
    Header(&'static str),
    /// The HTTP client refuses the rest.
    #[error("HTTP client: {0}")]
    Client(String),
}

/// A request method that this API uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Patch,
    Delete,
}

/// One query parameter.
pub(super) type Query<'a> = (&'a str, &'a str);

/// A 2xx answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    settings: Settings,
    last: Mutex<Option<Exchange>>,
}

/// RFC 3986 unreserved characters and `:`, which Klarna's ids carry, stay as they are.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

impl Http {
    pub(super) fn new(settings: Settings) -> Result<Self, ClientError> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(settings.extra_ca.as_deref())?)
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(fixed_headers(&settings)?)
            .user_agent(user_agent(&settings))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_keepalive(KEEP_ALIVE)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .http2_keep_alive_while_idle(true)
            .no_proxy();
        if let Some(proxy) = &settings.proxy {
            let proxy = reqwest::Proxy::all(proxy).map_err(|e| ClientError::Client(e.to_string()));
            builder = builder.proxy(proxy?);
        }
        let client = builder.build().map_err(|error| ClientError::Client(error.to_string()))?;
        Ok(Self { client, settings, last: Mutex::new(None) })
    }

    pub(super) fn last_exchange(&self) -> Option<Exchange> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, started: Instant, status: u16, headers: &HeaderMap) {
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let last = Exchange { took_ms, status, ahead_s: ahead_s(headers, SystemTime::now()) };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// `/v1/accounts/{account}/...` with each segment encoded.
    pub(super) fn account_path(&self, segments: &[&str]) -> String {
        let mut path = format!("/v1/accounts/{}", segment(&self.settings.account_id));
        for part in segments {
            path.push('/');
            path.push_str(&segment(part));
        }
        path
    }

    /// The path of a transaction or capture by its template.
    pub(super) fn resource_path(&self, template: &str, id: &str) -> String {
        let id = segment(id);
        template
            .replace("{account_id}", &segment(&self.settings.account_id))
            .replace("{transaction_id}", &id)
            .replace("{capture_id}", &id)
    }

    pub(super) async fn get(
        &self,
        path: &str,
        query: &[Query<'_>],
        session: &str,
    ) -> Result<Answer, Failure> {
        let mut path = path.to_owned();
        for (index, (name, value)) in query.iter().enumerate() {
            path.push(if index == 0 { '?' } else { '&' });
            path.push_str(&format!("{name}={}", segment(value)));
        }
        self.send(Method::Get, &path, None, None, session).await
    }

    /// One exchange. Only a 2xx answer is an [`Answer`].
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&IdempotencyKey>,
        session: &str,
    ) -> Result<Answer, Failure> {
        let started = Instant::now();
        let correlation = uuid::Uuid::new_v4().simple().to_string();
        let url = format!("{}{path}", self.settings.base_url);
        let mut request = match method {
            Method::Get => self.client.get(url),
            Method::Post => self.client.post(url),
            Method::Patch => self.client.patch(url),
            Method::Delete => self.client.delete(url),
        };
        request = request
            .header("Partner-Correlation-Id", &correlation)
            .header("Klarna-Integration-Metadata", metadata(&self.settings, session));
        if let Some(key) = key {
            request = request.header("Klarna-Idempotency-Key", key.to_string());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let result = exchange(request).await;
        trace(method, started, &correlation, &result);
        let (status, headers, body) = result?;
        self.learn(started, status, &headers);
        match status {
            200..=299 => Ok(Answer { body }),
            _ => Err(Failure::Api(ApiError::parse(status, &body, wait_ms(&headers)))),
        }
    }
}

type Exchanged = Result<(u16, HeaderMap, Vec<u8>), Failure>;

async fn exchange(request: reqwest::RequestBuilder) -> Exchanged {
    let mut response = request.send().await.map_err(|error| transport_failure(&error))?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| transport_failure(&error))? {
        if body.len() + chunk.len() > ANSWER_LEN_MAX {
            return Err(Failure::Lost(format!("answer is longer than {ANSWER_LEN_MAX} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((status, headers, body))
}

/// A connection that never stood has sent nothing; everything else may have been processed. The
/// URL is left out: it carries the confirmation token.
fn transport_failure(error: &reqwest::Error) -> Failure {
    let mut text = if error.is_timeout() { "timed out" } else { "connection failed" }.to_owned();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    let text = text.chars().take(200).collect();
    match error.is_connect() || error.is_builder() {
        true => Failure::NotSent(text),
        false => Failure::Lost(text),
    }
}

fn trace(method: Method, started: Instant, correlation: &str, result: &Exchanged) {
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (status, klarna) = match result {
        Ok((status, headers, _)) => (
            *status,
            headers.get("klarna-correlation-id").and_then(|id| id.to_str().ok()).unwrap_or(""),
        ),
        Err(_) => (0, ""),
    };
    tracing::debug!(
        http.method = ?method,
        http.status = status,
        duration_ms,
        correlation.ours = correlation,
        correlation.klarna = klarna,
        "exchange with Klarna"
    );
}

/// By how much Klarna's clock is ahead of ours.
fn ahead_s(headers: &HeaderMap, now: SystemTime) -> Option<i64> {
    let date = httpdate::parse_http_date(headers.get("date")?.to_str().ok()?).ok()?;
    let seconds = |time: Duration| i64::try_from(time.as_secs()).ok();
    match date.duration_since(now) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => seconds(behind.duration()).map(|behind| -behind),
    }
}

/// How long Klarna asks us to wait, in milliseconds.
fn wait_ms(headers: &HeaderMap) -> Option<u64> {
    let seconds = headers.get("x-ratelimit-reset").or_else(|| headers.get("retry-after"))?;
    let seconds: u64 = seconds.to_str().ok()?.trim().parse().ok()?;
    Some(seconds.min(3600) * 1000)
}

/// The tagging header of Klarna: Integration resilience, Tagging; one line of JSON.
fn metadata(settings: &Settings, session: &str) -> String {
    let originators: Vec<Value> =
        settings.originators.iter().map(|name| json!({ "name": name })).collect();
    let session: String = session.chars().take(100).collect();
    let mut value = json!({
        "integrator": {
            "name": settings.integrator,
            "session_reference": session,
            "module_name": "KLARNA_TERMINALD",
            "module_version": env!("CARGO_PKG_VERSION"),
        },
    });
    if !originators.is_empty() {
        value["originators"] = originators.into();
    }
    value.to_string()
}

fn user_agent(settings: &Settings) -> String {
    format!("{} klarna-terminald/{}", settings.integrator, env!("CARGO_PKG_VERSION"))
}

fn fixed_headers(settings: &Settings) -> Result<HeaderMap, ClientError> {
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: &str, secret: bool| {
        let mut value = HeaderValue::from_str(value).map_err(|_| ClientError::Header(name))?;
        value.set_sensitive(secret);
        headers.insert(HeaderName::from_static(name), value);
        Ok(())
    };
    set("authorization", &authorization(settings), true)?;
    set("accept", "application/json", false)?;
    if settings.account_header {
        set("klarna-partner-account", &settings.account_id, false)?;
    }
    Ok(headers)
}

fn authorization(settings: &Settings) -> String {
    let key = settings.api_key.expose_secret();
    match settings.auth_scheme {
        AuthScheme::Raw => format!("Basic {key}"),
        AuthScheme::BasicEmptyUser => {
            use base64::Engine as _;
            let pair = base64::engine::general_purpose::STANDARD.encode(format!(":{key}"));
            format!("Basic {pair}")
        }
    }
}

/// How every connection to Klarna is made sure of: TLS 1.2 and 1.3 with compiled-in roots and those
/// in `extra_ca` (PEM); the machine's own store is never asked.
///
/// # Errors
/// [`ClientError::Certificate`] when `extra_ca` cannot be used.
pub fn tls(extra_ca: Option<&[u8]>) -> Result<rustls::ClientConfig, ClientError> {
    let mut roots = rustls::RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(pem) = extra_ca {
        let wrong = |error: &dyn std::fmt::Display| ClientError::Certificate(error.to_string());
        let mut found = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| wrong(&error))?;
            roots.add(certificate).map_err(|error| wrong(&error))?;
            found += 1;
        }
        if found == 0 {
            return Err(wrong(&"no certificate in the file"));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError::Client(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// `text` as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}
