//! What is answered instead of a page: why not, and what to do.
//!
//! A handler returns a [`Trouble`]; the page for it is made once the language is known.

use super::super::Office;
use super::super::act::Failed;
use super::super::words::Say;
use super::parts::duration;
use crate::access::{Misuse, Refused};
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
    /// More than the role may give back; says how much that is.
    OverLimit(String),
    /// Name, PIN or code are refused.
    Refused(String, Option<Duration>),
    /// The terminal has refused it; nothing has changed.
    Problem(Problem),
    /// The terminal has not answered; what is true is in the journal.
    NoAnswer,
    /// It was about something that has changed in between.
    Stale,
    /// The journal cannot be read.
    Storage(String),
    /// The users' file cannot be read, or the audit journal in it written; the log says why.
    UsersFile,
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
        match &refused {
            Refused::Wait(wait) => Self::Refused(refused.to_string(), Some(*wait)),
            Refused::Stopped(error) => {
                tracing::error!(%error, "the users' file cannot be used");
                Self::UsersFile
            }
            _ => Self::Refused(refused.to_string(), None),
        }
    }
}

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(Problem::ReferenceReused(..)) => Self::Stale,
            Failed::Refused(problem) => Self::Problem(problem),
            Failed::NoAnswer => Self::NoAnswer,
            Failed::Unrecorded => Self::UsersFile,
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
            Self::NotAllowed | Self::Forged | Self::OverLimit(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::WrongName => StatusCode::MISDIRECTED_REQUEST,
            Self::BadForm => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooOften | Self::Refused(_, Some(_)) => StatusCode::TOO_MANY_REQUESTS,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Refused(_, None) => StatusCode::FORBIDDEN,
            Self::Problem(_) | Self::Stale => StatusCode::CONFLICT,
            Self::NoAnswer => StatusCode::GATEWAY_TIMEOUT,
            Self::Storage(_) | Self::UsersFile | Self::Printer(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Defect => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the audit journal counts it as, if it is somebody trying what they may not.
    pub(in crate::console) fn misuse(&self) -> Option<Misuse> {
        match self {
            Self::NotAllowed => Some(Misuse::NotAllowed),
            Self::OverLimit(_) => Some(Misuse::OverLimit),
            Self::Forged => Some(Misuse::Forged),
            Self::WrongName => Some(Misuse::WrongName),
            Self::TooOften => Some(Misuse::TooOften),
            Self::SignIn(_) | Self::ChangePin | Self::NotFound | Self::WrongMethod => None,
            Self::BadForm | Self::TooSlow | Self::Refused(..) | Self::Problem(_) => None,
            Self::NoAnswer | Self::Stale | Self::Storage(_) | Self::UsersFile => None,
            Self::Printer(_) | Self::Defect => None,
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
            Self::OverLimit(why) => (Say::RefusedTitle, Say::RefusedAdvice, Some(why.clone())),
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
            Self::UsersFile => (Say::StorageTrouble, Say::StorageAdvice, None),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::AccessError;

    #[test]
    fn a_failure_of_the_users_file_is_told_without_its_text() {
        let inner = AccessError::Damaged("page 7 of /var/lib/x".to_owned());
        for trouble in [Refused::Stopped(inner).into(), Trouble::from(Failed::Unrecorded)] {
            assert_eq!(trouble.status(), StatusCode::SERVICE_UNAVAILABLE);
            let (title, _, word) = trouble.words(Lang::En);
            assert_eq!((title, word), (Say::StorageTrouble, None));
        }
        let wrong = Trouble::from(Refused::WrongNameOrPin);
        assert!(wrong.words(Lang::En).2.is_some(), "what people can mend is said");
    }
}
