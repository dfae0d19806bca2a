//! Signing in and out, the first user, and one's own PIN.

use super::{Answer, Page, Place, Shared, Sheet, csrf, document, local, work};
use crate::access::{Pin, Refused, SignedIn, UserName, WeakPin};
use crate::console::visitor::{Behind, COOKIE, Guest, Knock, Posted, Visitor, session_cookie};
use crate::console::words::Say;
use crate::i18n::Lang;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderName, HeaderValue, SET_COOKIE};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};

#[derive(serde::Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    pub(super) to: String,
}

/// The form for signing in, or for making the first user.
pub(super) async fn ask(
    State(office): Shared,
    guest: Guest,
    Behind(Wanted { to }): Behind<Wanted>,
) -> Markup {
    let is_new = office.access.needs_set_up();
    form(&office, &guest, local(&to), is_new, None)
}

fn form(
    office: &crate::console::Office,
    guest: &Guest,
    to: &str,
    is_new: bool,
    wrong: Option<&Wrong>,
) -> Markup {
    let lang = guest.lang;
    let (title, action) = match is_new {
        true => (Say::SetUp, "/set-up"),
        false => (Say::SignIn, "/sign-in"),
    };
    let body = html! {
        @if is_new { p { (Say::SetUpHelp.of(lang)) } }
        form.stack.card action=(action) method="post" {
            @if let Some(wrong) = wrong { (wrong.notice()) }
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

/// What is wrong with a form, and the language it is said in.
struct Wrong {
    text: String,
    lang: Lang,
}

impl Wrong {
    fn said(say: Say, lang: Lang) -> Self {
        Self { text: say.of(lang).to_owned(), lang }
    }

    fn in_english(why: &impl std::fmt::Display) -> Self {
        Self { text: why.to_string(), lang: Lang::En }
    }

    fn notice(&self) -> Markup {
        html! { p.notice.alert role="alert" lang=(self.lang.tag()) { (self.text) } }
    }
}

fn why_weak(weak: WeakPin) -> Say {
    match weak {
        WeakPin::NotDigits | WeakPin::Length => Say::PinLength,
        WeakPin::SameDigit | WeakPin::Run | WeakPin::Repeated | WeakPin::Pattern => Say::PinOrder,
        WeakPin::Date => Say::PinDate,
        WeakPin::Keys => Say::PinKeys,
        WeakPin::Known => Say::PinKnown,
    }
}

fn repeated(lang: Lang) -> Markup {
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
    let asked = work(move || {
        let (now, earlier) = (access.now(), asker.token.as_deref());
        access.access.sign_in(now, &asker.peer, &asker.agent, &name, &pin, earlier)
    });
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
            let page = form(office, guest, to, is_new, Some(&Wrong::in_english(&other)));
            Ok((StatusCode::FORBIDDEN, page).into_response())
        }
    }
}

pub(super) async fn set_up(State(office): Shared, knock: Knock) -> Answer {
    let Knock { guest, fields } = knock;
    let (lang, terminal) = (guest.lang, office.context.head.terminal.as_str());
    let wrong = |why: Wrong| {
        let page = form(&office, &guest, "/", true, Some(&why));
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    let name = match UserName::new(fields.one("name").trim()) {
        Ok(name) => name,
        Err(why) => return wrong(Wrong::in_english(&why)),
    };
    let pin = match Pin::apart_from(fields.one("pin"), &[name.as_str(), terminal]) {
        Ok(pin) => pin,
        Err(why) => return wrong(Wrong::said(why_weak(why), lang)),
    };
    if fields.one("pin") != fields.one("again") {
        return wrong(Wrong::said(Say::PinsDiffer, lang));
    }
    let (access, asker, code) = (office.clone(), guest.clone(), fields.one("code").to_owned());
    let typed = fields.one("pin").to_owned();
    let asked = work(move || {
        let now = access.now();
        access.access.set_up(now, &asker.peer, &code, name.clone(), pin)?;
        let (agent, earlier) = (&asker.agent, asker.token.as_deref());
        access.access.sign_in(now, &asker.peer, agent, name.as_str(), &typed, earlier)
    });
    match asked.await? {
        Ok(signed_in) => Ok(welcome(&signed_in, "/")),
        Err(Refused::IsSetUp) => Ok(Redirect::to("/sign-in").into_response()),
        Err(refused) => refuse(&office, &guest, "/", true, refused),
    }
}

fn welcome(signed_in: &SignedIn, to: &str) -> Response {
    let mut answer = Redirect::to(to).into_response();
    answer.headers_mut().append(SET_COOKIE, session_cookie(&signed_in.token));
    answer
}

/// Takes the cookie away, and what the browser has kept of the pages.
pub(super) fn forget(answer: &mut Response) {
    let gone = format!("{COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict");
    let headers = answer.headers_mut();
    headers.append(SET_COOKIE, HeaderValue::from_str(&gone).expect("printable ASCII"));
    let clear = HeaderValue::from_static("\"cache\", \"storage\"");
    headers.insert(HeaderName::from_static("clear-site-data"), clear);
}

pub(super) async fn sign_out(State(office): Shared, posted: Posted) -> Answer {
    office.access.sign_out(office.now(), &posted.visitor.token);
    let mut answer = Redirect::to("/sign-in").into_response();
    forget(&mut answer);
    Ok(answer)
}

/// One's own PIN.
pub(super) async fn pin(State(office): Shared, visitor: Visitor) -> Page {
    Ok(pin_page(&office, &visitor, None))
}

fn pin_page(office: &crate::console::Office, visitor: &Visitor, wrong: Option<&Wrong>) -> Markup {
    let lang = visitor.lang;
    let body = html! {
        @if visitor.session.must_change_pin { p.notice.busy { (Say::MustChangePin.of(lang)) } }
        form.stack.card action="/pin" method="post" {
            (csrf(visitor))
            @if let Some(wrong) = wrong { (wrong.notice()) }
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
        @if !visitor.session.must_change_pin {
            p { a.button href="/sessions" { (Say::MySessions.of(lang)) } }
        }
    };
    let title = Say::MyPin.of(lang).to_owned();
    Sheet { office, visitor, place: Place::Elsewhere, title, is_live: false }.with(&body)
}

pub(super) async fn change_pin(State(office): Shared, posted: Posted) -> Answer {
    let Posted { visitor, fields } = posted;
    let lang = visitor.lang;
    let wrong = |why: Wrong| {
        let page = pin_page(&office, &visitor, Some(&why));
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    let known = [visitor.session.user.name.as_str(), &office.context.head.terminal];
    let new = match Pin::apart_from(fields.one("pin"), &known) {
        Ok(new) => new,
        Err(why) => return wrong(Wrong::said(why_weak(why), lang)),
    };
    if fields.one("pin") != fields.one("again") {
        return wrong(Wrong::said(Say::PinsDiffer, lang));
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
        Err(other) => wrong(Wrong::in_english(&other)),
    }
}
