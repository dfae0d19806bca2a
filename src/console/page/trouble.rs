//! What is answered instead of a page: why not, and what to do.
//!
//! A handler returns a [`Trouble`]; the page for it is made once the language is known.

use super::super::Office;
use super::super::act::Failed;
use super::super::words::Say;
use super::parts::duration;
use crate::access::Refused;
use crate::i18n::Lang;
use crate::payment::vocabulary::Problem;
use crate::store::StoreError;
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, LOCATION, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use maud::html;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::time::Duration;

/// Why a page is not shown, or something was not done.
#[derive(Debug, Clone)]
pub(in crate::console) enum Trouble {
    /// Nobody is signed in; the page that was wanted.
    SignIn(Option<String>),
    /// The first PIN has to be changed before anything else.
    ChangePin,
    /// The role does not allow it.
    NotAllowed,
    /// There is no such page or payment.
    NotFound,
    /// Neither looked at nor sent.
    WrongMethod,
    /// The page was asked for under a name that is not this terminal's.
    WrongName,
    /// The form does not come from one of our own pages, or from an old one.
    Forged,
    /// A field is missing or cannot be.
    BadForm,
    /// Too many requests.
    TooOften,
    /// It has taken too long.
    TooSlow,
    /// Name, PIN or code are refused.
    Refused(String, Option<Duration>),
    /// The terminal has refused it; nothing has changed.
    Problem(Problem),
    /// The terminal has not answered; what is true is in the journal.
    NoAnswer,
    /// It was about something that has changed in between.
    Stale,
    /// The journal cannot be read, or the audit journal written.
    Storage(String),
    /// The receipt could not be printed.
    Printer(String),
    /// The console has a defect.
    Defect,
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Storage(error.to_string())
    }
}

impl From<Refused> for Trouble {
    fn from(refused: Refused) -> Self {
        let wait = match &refused {
            Refused::Wait(wait) => Some(*wait),
            _ => None,
        };
        Self::Refused(refused.to_string(), wait)
    }
}

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(Problem::ReferenceReused(..)) => Self::Stale,
            Failed::Refused(problem) => Self::Problem(problem),
            Failed::NoAnswer => Self::NoAnswer,
            Failed::Unrecorded(why) => Self::Storage(why),
        }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let mut answer = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        answer.extensions_mut().insert(self);
        answer
    }
}

impl Trouble {
    pub(in crate::console) fn status(&self) -> StatusCode {
        match self {
            Self::SignIn(_) | Self::ChangePin => StatusCode::SEE_OTHER,
            Self::NotAllowed | Self::Forged => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::WrongName => StatusCode::MISDIRECTED_REQUEST,
            Self::BadForm => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooOften | Self::Refused(_, Some(_)) => StatusCode::TOO_MANY_REQUESTS,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Refused(_, None) => StatusCode::FORBIDDEN,
            Self::Problem(_) | Self::Stale => StatusCode::CONFLICT,
            Self::NoAnswer => StatusCode::GATEWAY_TIMEOUT,
            Self::Storage(_) | Self::Printer(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Defect => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What has happened, and what to do about it; third the terminal's own word, in English.
    pub(in crate::console) fn words(&self, lang: Lang) -> (Say, Say, Option<String>) {
        match self {
            Self::SignIn(_) | Self::ChangePin => (Say::SignIn, Say::SignIn, None),
            Self::NotAllowed => (Say::NotAllowed, Say::NotAllowedAdvice, None),
            Self::NotFound => (Say::NotFound, Say::NotFoundAdvice, None),
            Self::WrongMethod => (Say::NotFound, Say::NotFoundAdvice, None),
            Self::WrongName => (Say::WrongName, Say::WrongNameAdvice, None),
            Self::Forged => (Say::Forged, Say::ForgedAdvice, None),
            Self::BadForm => (Say::BadForm, Say::BadFormAdvice, None),
            Self::TooOften => (Say::TooOften, Say::TooOftenAdvice, None),
            Self::TooSlow => (Say::TooSlow, Say::NoAnswerAdvice, None),
            Self::Refused(why, wait) => {
                let wait = wait.map(|wait| duration(wait.as_secs().max(1), lang));
                let wait = wait.map(|wait| Say::WaitFor.with(lang, &[&wait]));
                (Say::RefusedTitle, Say::RefusedAdvice, Some(wait.unwrap_or_else(|| why.clone())))
            }
            Self::Problem(problem) => {
                (Say::NothingDone, Say::NothingDoneAdvice, Some(problem.to_string()))
            }
            Self::NoAnswer => (Say::NoAnswer, Say::NoAnswerAdvice, None),
            Self::Stale => (Say::Stale, Say::StaleAdvice, None),
            Self::Storage(why) => (Say::StorageTrouble, Say::StorageAdvice, Some(why.clone())),
            Self::Printer(why) => (Say::PrinterTrouble, Say::PrinterAdvice, Some(why.clone())),
            Self::Defect => (Say::Defect, Say::DefectAdvice, None),
        }
    }
}

/// The page for `trouble`, or the way to where it is mended.
pub(in crate::console) fn page(office: &Office, trouble: &Trouble, lang: Lang) -> Response {
    let mut answer = match trouble {
        Trouble::SignIn(_) | Trouble::ChangePin => StatusCode::SEE_OTHER.into_response(),
        _ => {
            let (title, advice, word) = trouble.words(lang);
            let body = html! {
                p { (advice.of(lang)) }
                @if let Some(word) = word { p.word lang="en" { (word) } }
                p { a.button href="/" { (Say::BackToToday.of(lang)) } }
            };
            let nobody = html! {};
            let page = super::document(office, lang, title.of(lang), false, &nobody, &body);
            (trouble.status(), page).into_response()
        }
    };
    let to = match trouble {
        Trouble::SignIn(Some(path)) if path != "/" => {
            Some(format!("/sign-in?to={}", utf8_percent_encode(path, NON_ALPHANUMERIC)))
        }
        Trouble::SignIn(_) => Some("/sign-in".to_owned()),
        Trouble::ChangePin => Some("/pin".to_owned()),
        _ => None,
    };
    let headers = answer.headers_mut();
    if let Some(to) = to.and_then(|to| HeaderValue::from_str(&to).ok()) {
        headers.insert(LOCATION, to);
    }
    if let Trouble::Refused(_, Some(wait)) = trouble {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    answer
}
