//! Signing in and out, the first user, and one's own PIN.

use super::{Answer, Page, Place, Shared, Sheet, csrf, document, local, work};
use crate::access::{Pin, Refused, SignedIn, UserName};
use crate::console::visitor::{Behind, COOKIE, Guest, Knock, Posted, Visitor};
use crate::console::words::Say;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderName, HeaderValue, SET_COOKIE};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};

#[derive(serde::Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    to: String,
}

/// The form for signing in, or for making the first user.
pub(super) async fn ask(
    State(office): Shared,
    guest: Guest,
    Behind(Wanted { to }): Behind<Wanted>,
) -> Markup {
    let is_new = office.access.set_up_code().is_some();
    form(&office, &guest, local(&to), is_new, None)
}

fn form(
    office: &crate::console::Office,
    guest: &Guest,
    to: &str,
    is_new: bool,
    wrong: Option<&str>,
) -> Markup {
    let lang = guest.lang;
    let (title, action) = match is_new {
        true => (Say::SetUp, "/set-up"),
        false => (Say::SignIn, "/sign-in"),
    };
    let body = html! {
        @if is_new { p { (Say::SetUpHelp.of(lang)) } }
        form.stack.card action=(action) method="post" {
            @if let Some(wrong) = wrong { p.notice.alert role="alert" lang="en" { (wrong) } }
            input type="hidden" name="to" value=(to);
            @if is_new {
                p.field {
                    label for="code" { (Say::SetUpCode.of(lang)) }
                    input #code name="code" required autocomplete="off" maxlength="20" autofocus;
                }
            }
            p.field {
                label for="name" { (Say::UserName.of(lang)) }
                input #name name="name" required autocomplete="username" maxlength="32"
                    autocapitalize="none" autofocus[!is_new];
            }
            p.field {
                label for="pin" { (Say::Pin.of(lang)) }
                input #pin name="pin" type="password" inputmode="numeric" required maxlength="12"
                    autocomplete=(if is_new { "new-password" } else { "current-password" })
                    aria-describedby=[is_new.then_some("pin-help")];
                @if is_new { small #pin-help { (Say::PinRules.of(lang)) } }
            }
            @if is_new { (repeated(lang)) }
            button.primary { (title.of(lang)) }
        }
    };
    let head = html! {
        header.bar { span.brand {
            strong { (office.context.head.merchant) } span { (office.context.head.terminal) }
        } }
    };
    document(office, lang, title.of(lang), false, &head, &body)
}

fn repeated(lang: crate::i18n::Lang) -> Markup {
    html! {
        p.field {
            label for="again" { (Say::PinRepeated.of(lang)) }
            input #again name="again" type="password" inputmode="numeric" required
                autocomplete="new-password" maxlength="12";
        }
    }
}

pub(super) async fn sign_in(State(office): Shared, knock: Knock) -> Answer {
    let Knock { guest, fields } = knock;
    let (name, pin) = (fields.one("name").to_owned(), fields.one("pin").to_owned());
    let to = local(fields.one("to")).to_owned();
    let (access, asker) = (office.clone(), guest.clone());
    let asked =
        work(move || access.access.sign_in(access.now(), &asker.peer, &asker.agent, &name, &pin));
    match asked.await? {
        Ok(signed_in) => Ok(welcome(&signed_in, &to)),
        Err(refused) => refuse(&office, &guest, &to, false, refused),
    }
}

/// Shows the form again with what is wrong; whoever has to wait is told for how long.
fn refuse(
    office: &crate::console::Office,
    guest: &Guest,
    to: &str,
    is_new: bool,
    refused: Refused,
) -> Answer {
    match refused {
        Refused::Wait(_) | Refused::Busy | Refused::Stopped(_) => Err(refused.into()),
        Refused::MustUseCode => Ok(Redirect::to("/set-up").into_response()),
        other => {
            let page = form(office, guest, to, is_new, Some(&other.to_string()));
            Ok((StatusCode::FORBIDDEN, page).into_response())
        }
    }
}

pub(super) async fn set_up(State(office): Shared, knock: Knock) -> Answer {
    let Knock { guest, fields } = knock;
    let wrong = |why: &str| {
        let page = form(&office, &guest, "/", true, Some(why));
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    let name = match UserName::new(fields.one("name").trim()) {
        Ok(name) => name,
        Err(why) => return wrong(&why.to_string()),
    };
    let pin = match Pin::new(fields.one("pin")) {
        Ok(pin) => pin,
        Err(why) => return wrong(&why.to_string()),
    };
    if fields.one("pin") != fields.one("again") {
        return wrong(Say::PinsDiffer.of(guest.lang));
    }
    let (access, asker, code) = (office.clone(), guest.clone(), fields.one("code").to_owned());
    let typed = fields.one("pin").to_owned();
    let asked = work(move || {
        let now = access.now();
        access.access.set_up(now, &asker.peer, &code, name.clone(), pin)?;
        access.access.sign_in(now, &asker.peer, &asker.agent, name.as_str(), &typed)
    });
    match asked.await? {
        Ok(signed_in) => Ok(welcome(&signed_in, "/")),
        Err(Refused::IsSetUp) => Ok(Redirect::to("/sign-in").into_response()),
        Err(refused) => refuse(&office, &guest, "/", true, refused),
    }
}

fn welcome(signed_in: &SignedIn, to: &str) -> Response {
    let mut answer = Redirect::to(to).into_response();
    set_cookie(&mut answer, &signed_in.token);
    answer
}

fn set_cookie(answer: &mut Response, token: &str) {
    let cookie = format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict");
    let cookie = HeaderValue::from_str(&cookie).expect("a token is printable ASCII");
    answer.headers_mut().append(SET_COOKIE, cookie);
}

/// Takes the cookie away, and what the browser has kept of the pages.
fn forget(answer: &mut Response) {
    let gone = format!("{COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict");
    let headers = answer.headers_mut();
    headers.append(SET_COOKIE, HeaderValue::from_str(&gone).expect("printable ASCII"));
    let clear = HeaderValue::from_static("\"cache\", \"storage\"");
    headers.insert(HeaderName::from_static("clear-site-data"), clear);
}

pub(super) async fn sign_out(State(office): Shared, posted: Posted) -> Answer {
    office.access.sign_out(office.now().wall, &posted.visitor.token);
    let mut answer = Redirect::to("/sign-in").into_response();
    forget(&mut answer);
    Ok(answer)
}

pub(super) async fn sign_out_everywhere(State(office): Shared, posted: Posted) -> Answer {
    let session = &posted.visitor.session;
    office.access.sign_out_everywhere(office.now().wall, &session.actor(), session.user.id);
    let mut answer = Redirect::to("/sign-in").into_response();
    forget(&mut answer);
    Ok(answer)
}

/// One's own PIN and sessions.
pub(super) async fn pin(State(office): Shared, visitor: Visitor) -> Page {
    Ok(pin_page(&office, &visitor, None))
}

fn pin_page(office: &crate::console::Office, visitor: &Visitor, wrong: Option<&str>) -> Markup {
    let lang = visitor.lang;
    let body = html! {
        @if visitor.session.must_change_pin { p.notice.busy { (Say::MustChangePin.of(lang)) } }
        form.stack.card action="/pin" method="post" {
            (csrf(visitor))
            @if let Some(wrong) = wrong { p.notice.alert role="alert" lang="en" { (wrong) } }
            input type="hidden" autocomplete="username" value=(visitor.session.user.name);
            p.field {
                label for="old" { (Say::PinNow.of(lang)) }
                input #old name="old" type="password" inputmode="numeric" required maxlength="12"
                    autocomplete="current-password";
            }
            p.field {
                label for="pin" { (Say::PinNew.of(lang)) }
                input #pin name="pin" type="password" inputmode="numeric" required maxlength="12"
                    autocomplete="new-password" aria-describedby="pin-help";
                small #pin-help { (Say::PinRules.of(lang)) }
            }
            (repeated(lang))
            button.primary { (Say::ChangePin.of(lang)) }
        }
        form.card action="/sign-out-everywhere" method="post" {
            (csrf(visitor))
            p { (Say::SignOutEverywhereHelp.of(lang)) }
            button { (Say::SignOutEverywhere.of(lang)) }
        }
    };
    let title = Say::MyPin.of(lang).to_owned();
    Sheet { office, visitor, place: Place::Elsewhere, title, is_live: false }.with(&body)
}

pub(super) async fn change_pin(State(office): Shared, posted: Posted) -> Answer {
    let Posted { visitor, fields } = posted;
    let wrong = |why: &str| {
        let page = pin_page(&office, &visitor, Some(why));
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    let new = match Pin::new(fields.one("pin")) {
        Ok(new) => new,
        Err(why) => return wrong(&why.to_string()),
    };
    if fields.one("pin") != fields.one("again") {
        return wrong(Say::PinsDiffer.of(visitor.lang));
    }
    let (asked, old) = (visitor.clone(), fields.one("old").to_owned());
    let access = office.clone();
    let changed = work(move || {
        access.access.change_pin(access.now(), &asked.session, &asked.peer, &old, new)
    });
    match changed.await? {
        Ok(signed_in) => Ok(welcome(&signed_in, "/")),
        Err(refused @ (Refused::Wait(_) | Refused::Busy | Refused::Stopped(_))) => {
            Err(refused.into())
        }
        Err(other) => wrong(&other.to_string()),
    }
}
