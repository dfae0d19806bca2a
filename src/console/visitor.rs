//! Who asks: a signed-in user with a language, or nobody; and what a form says.
//!
//! A form is read only for a session, and only with that session's own token in it.

use super::Office;
use super::guard::{From, Slip, cookies, header};
use super::page::trouble::Trouble;
use super::words::language;
use crate::access::{Peer, Right, Session};
use crate::i18n::Lang;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::Method;
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderValue, USER_AGENT};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use std::str::FromStr;
use std::sync::Arc;

/// The cookie of a session; the prefix makes browsers refuse it without `Secure` and with a domain
/// (RFC 6265bis, 4.1.3.2).
pub(super) const COOKIE: &str = "__Host-console";
/// At the end of a query: the browser has come back by itself to a page that was open.
pub(super) const STILL: &str = "still=1";
/// Longest form, in bytes.
pub(super) const FORM_LEN_MAX: usize = 16 * 1024;
/// Most fields of a form.
const FIELDS_MAX: usize = 600;

/// From where and with what somebody asks, signed in or not.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    pub(super) peer: Peer,
    pub(super) agent: String,
    pub(super) lang: Lang,
    pub(super) token: Option<String>,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) session: Session,
    pub(super) token: String,
    pub(super) peer: Peer,
    pub(super) lang: Lang,
    /// Where the guard is told what to add to the answer.
    pub(super) slip: Arc<Slip>,
}

impl Visitor {
    /// # Errors
    /// [`Trouble::NotAllowed`].
    pub(super) fn needs(&self, right: Right) -> Result<(), Trouble> {
        match self.session.user.role.may(right) {
            true => Ok(()),
            false => Err(Trouble::NotAllowed),
        }
    }

    pub(super) fn may(&self, right: Right) -> bool {
        self.session.user.role.may(right)
    }
}

impl FromRequestParts<Arc<Office>> for Guest {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, office: &Arc<Office>) -> Result<Self, Trouble> {
        let From(address) = *parts.extensions.get::<From>().ok_or(Trouble::Forged)?;
        let headers = &parts.headers;
        let lang = language(header(headers, ACCEPT_LANGUAGE), cookies(headers));
        let token = cookies(headers).find(|(name, _)| *name == COOKIE);
        Ok(Self {
            peer: Peer::network(address),
            agent: header(headers, USER_AGENT).unwrap_or_default().chars().take(256).collect(),
            lang: lang.unwrap_or(office.context.language),
            token: token.map(|(_, value)| value.to_owned()),
        })
    }
}

impl FromRequestParts<Arc<Office>> for Visitor {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, office: &Arc<Office>) -> Result<Self, Trouble> {
        let Guest { peer, agent, lang, token } = Guest::from_request_parts(parts, office).await?;
        let wanted = match parts.method {
            Method::GET => parts.uri.path_and_query().map(|it| it.as_str().to_owned()),
            _ => None,
        };
        let sign_in = || Trouble::SignIn(wanted.clone());
        let token = token.ok_or_else(sign_in)?;
        let (access, now) = (&office.access, office.now());
        // What a page asks for by itself is no sign of life of the person in front of it.
        let session = match is_asked_by_itself(parts) {
            true => access.glance(now, &peer, &agent, &token),
            false => access.session(now, &peer, &agent, &token),
        };
        let session = session.ok_or_else(sign_in)?;
        let slip = parts.extensions.get::<Arc<Slip>>().cloned().unwrap_or_default();
        slip.note(&session);
        if session.must_change_pin && parts.uri.path() != "/pin" && parts.uri.path() != "/sign-out"
        {
            return Err(Trouble::ChangePin);
        }
        Ok(Self { session, token, peer, lang, slip })
    }
}

/// Whether an open page asks without anybody having touched it.
fn is_asked_by_itself(parts: &Parts) -> bool {
    let is_still = parts.uri.query().is_some_and(|query| query.ends_with(STILL));
    parts.headers.contains_key("x-live") || parts.uri.path() == "/live" || is_still
}

/// The cookie of a session that goes by `token`.
pub(super) fn session_cookie(token: &str) -> HeaderValue {
    let cookie = format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict");
    HeaderValue::from_str(&cookie).expect("a token is printable ASCII")
}

/// What stands in a path's place for a number or a name; there is no page for anything else.
pub(super) struct Named<T>(pub(super) T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Trouble> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Trouble::NotFound)?;
        text.parse().map(Self).map_err(|_| Trouble::NotFound)
    }
}

/// What stands behind the path.
pub(super) struct Behind<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Behind<T> {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Trouble> {
        let found = Query::<T>::try_from_uri(&parts.uri).map_err(|_| Trouble::BadForm)?;
        Ok(Self(found.0))
    }
}

/// What a form says, field by field in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The value of `name`; nothing if it is absent.
    pub(super) fn one(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    async fn read(request: Request) -> Result<Self, Trouble> {
        let kind = header(request.headers(), CONTENT_TYPE).unwrap_or_default();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(Trouble::BadForm);
        }
        let body = axum::body::to_bytes(request.into_body(), FORM_LEN_MAX).await;
        let body = body.map_err(|_| Trouble::BadForm)?;
        let fields: Vec<(String, String)> =
            form_urlencoded::parse(&body).into_owned().take(FIELDS_MAX + 1).collect();
        match fields.len() <= FIELDS_MAX {
            true => Ok(Self(fields)),
            false => Err(Trouble::BadForm),
        }
    }
}

/// A form of somebody who is signed in, sent from one of our own pages.
#[derive(Debug)]
pub(super) struct Posted {
    pub(super) visitor: Visitor,
    pub(super) fields: Fields,
}

impl FromRequest<Arc<Office>> for Posted {
    type Rejection = Trouble;

    async fn from_request(request: Request, office: &Arc<Office>) -> Result<Self, Trouble> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, office).await?;
        let fields = Fields::read(Request::from_parts(parts, body)).await?;
        // Who knows the token has read one of this session's pages.
        if fields.one("csrf") != visitor.session.csrf {
            return Err(Trouble::Forged);
        }
        Ok(Self { visitor, fields })
    }
}

/// A form of somebody who is not signed in yet: the browser's word for where it comes from has been
/// asked in [`guard`].
#[derive(Debug)]
pub(super) struct Knock {
    pub(super) guest: Guest,
    pub(super) fields: Fields,
}

impl FromRequest<Arc<Office>> for Knock {
    type Rejection = Trouble;

    async fn from_request(request: Request, office: &Arc<Office>) -> Result<Self, Trouble> {
        let (mut parts, body) = request.into_parts();
        let guest = Guest::from_request_parts(&mut parts, office).await?;
        let fields = Fields::read(Request::from_parts(parts, body)).await?;
        Ok(Self { guest, fields })
    }
}
