//! Users and the audit journal: who may do what, and who did what.

use super::parts::{facts, nothing, time};
use super::{Answer, Page, Place, Shared, Sheet, Trouble, confirm, csrf, pin_again, work};
use crate::access::{
    self, AuditId, Caller, FirstPin, Refused, Right, Role, User, UserId, UserName,
};
use crate::console::Office;
use crate::console::visitor::{Behind, Posted, Visitor};
use crate::console::words::Say;
use crate::i18n::Lang;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect};
use maud::{Markup, html};

/// Entries of the audit journal on one page.
const AUDIT_PAGE: u32 = 100;

const ROLES: [(Role, Say); 3] = [
    (Role::Cashier, Say::RoleCashier),
    (Role::Manager, Say::RoleManager),
    (Role::Admin, Say::RoleAdmin),
];

fn role_words(role: Role, lang: Lang) -> &'static str {
    ROLES.iter().find(|(known, _)| *known == role).map_or("", |(_, say)| say.of(lang))
}

pub(super) async fn users(State(office): Shared, visitor: Visitor) -> Page {
    visitor.needs(Right::Users)?;
    let users = office.access.users().map_err(Refused::from)?;
    let (lang, zone) = (visitor.lang, &office.context.head.zone);
    let body = html! {
        @for user in &users {
            details.card {
                summary {
                    strong { (user.name) } " " span.pill.quiet { (role_words(user.role, lang)) }
                    @if user.is_locked { " " span.pill.alert { (Say::Locked.of(lang)) } }
                    @if user.must_change_pin {
                        " " span.pill.busy { (Say::FirstPinPending.of(lang)) }
                    }
                }
                (facts([(Say::LastSignIn.of(lang), html! {
                    @match user.last_sign_in {
                        Some(at) => (time(at, zone, lang)),
                        None => (Say::Never.of(lang)),
                    }
                })]))
                (changes(user, &visitor, lang))
            }
        }
        h2 { (Say::AddUser.of(lang)) }
        form.stack.card action="/users" method="post" {
            (csrf(&visitor))
            p.field {
                label for="name" { (Say::UserName.of(lang)) }
                input #name name="name" required maxlength="32" autocomplete="off"
                    autocapitalize="none";
            }
            p.field {
                label for="role" { (Say::Role.of(lang)) }
                select #role name="role" { @for (role, say) in ROLES {
                    option value=(role.code()) { (say.of(lang)) }
                } }
            }
            (pin_again(lang))
            button.primary { (Say::AddUser.of(lang)) }
        }
    };
    let title = Say::Users.of(lang).to_owned();
    let sheet =
        Sheet { office: &office, visitor: &visitor, place: Place::Users, title, is_live: false };
    Ok(sheet.with(&body))
}

/// One form with a button for each change, so that the PIN is asked for once.
fn changes(user: &User, visitor: &Visitor, lang: Lang) -> Markup {
    let id = user.id.number();
    let to = |change: &str| format!("/users/{id}/{change}");
    let (lock, lock_words) = match user.is_locked {
        true => ("unlock", Say::Unlock),
        false => ("lock", Say::Lock),
    };
    html! {
        form.stack action=(to("pin")) method="post" {
            (csrf(visitor))
            p.field {
                label for={ "pin-" (id) } { (Say::PinAgain.of(lang)) }
                input id={ "pin-" (id) } name="pin" type="password" inputmode="numeric" required
                    autocomplete="current-password" maxlength="12";
            }
            p.field {
                label for={ "role-" (id) } { (Say::Role.of(lang)) }
                select id={ "role-" (id) } name="role" { @for (role, say) in ROLES {
                    option value=(role.code()) selected[role == user.role] { (say.of(lang)) }
                } }
            }
            div.actions {
                button formaction=(to("role")) { (Say::ChangeRole.of(lang)) }
                button formaction=(to("pin")) { (Say::NewPin.of(lang)) }
                button formaction=(to(lock)) { (lock_words.of(lang)) }
                button formaction=(to("sign-out")) { (Say::SignOutEverywhere.of(lang)) }
            }
        }
    }
}

/// The first PIN, shown this once.
fn first_pin(office: &Office, visitor: &Visitor, name: &str, pin: &FirstPin) -> Markup {
    let lang = visitor.lang;
    let body = html! {
        p { (Say::FirstPinFor.with(lang, &[&name])) }
        p.headline { code { (pin.expose()) } }
        p { (Say::FirstPinHelp.of(lang)) }
        p { a.button href="/users" { (Say::Back.of(lang)) } }
    };
    let title = Say::FirstPin.of(lang).to_owned();
    Sheet { office, visitor, place: Place::Users, title, is_live: false }.with(&body)
}

pub(super) async fn add(State(office): Shared, posted: Posted) -> Answer {
    posted.visitor.needs(Right::Users)?;
    let name = UserName::new(posted.fields.one("name").trim());
    let name = name.map_err(|wrong| Trouble::Refused(wrong.to_string(), None))?;
    let role: Role = posted.fields.one("role").parse().map_err(|_| Trouble::BadForm)?;
    confirm(&office, &posted).await?;
    let (access, by) = (office.clone(), Caller::from(&posted.visitor));
    let added = work(move || access.access.add_user(access.now().wall, &by, name, role));
    let (user, pin) = added.await??;
    Ok(first_pin(&office, &posted.visitor, user.name.as_str(), &pin).into_response())
}

pub(super) async fn change(
    State(office): Shared,
    Path((id, change)): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    posted.visitor.needs(Right::Users)?;
    let id = id.parse().map_err(|_| Trouble::NotFound)?;
    let users = office.access.users().map_err(Refused::from)?;
    let user =
        users.into_iter().find(|user| user.id == UserId::new(id)).ok_or(Trouble::NotFound)?;
    confirm(&office, &posted).await?;
    let (now, by) = (office.now().wall, Caller::from(&posted.visitor));
    match change.as_str() {
        "pin" => {
            let (access, id) = (office.clone(), user.id);
            let pin = work(move || access.access.reset_pin(now, &by, id)).await??;
            let page = first_pin(&office, &posted.visitor, user.name.as_str(), &pin);
            return Ok(page.into_response());
        }
        "lock" | "unlock" => office.access.set_locked(now, &by, user.id, change == "lock")?,
        "role" => {
            let role = posted.fields.one("role").parse().map_err(|_| Trouble::BadForm)?;
            office.access.set_role(now, &by, user.id, role)?;
        }
        "sign-out" => drop(office.access.sign_out_everywhere(now, &by, user.id)),
        _ => return Err(Trouble::NotFound),
    }
    Ok(Redirect::to("/users").into_response())
}

#[derive(serde::Deserialize)]
pub(super) struct From {
    from: Option<i64>,
}

pub(super) async fn audit(
    State(office): Shared,
    visitor: Visitor,
    Behind(From { from }): Behind<From>,
) -> Page {
    visitor.needs(Right::Audit)?;
    let (lang, zone) = (visitor.lang, &office.context.head.zone);
    let from = from.map(AuditId::new);
    let entries = office.access.audit(from, AUDIT_PAGE).map_err(Refused::from)?;
    let file = super::super::access_beside(&office.context.store);
    let verdict = match from {
        None => Some(work(move || access::verify(&file)).await?),
        Some(_) => None,
    };
    let older = entries.last().filter(|_| entries.len() == AUDIT_PAGE as usize);
    let older = older.and_then(|entry| entry.id.before());
    let body = html! {
        @match verdict {
            Some(Ok(whole)) => p.notice.good {
                (Say::AuditWhole.with(lang, &[&whole.entries])) " " code { (whole.head) }
            },
            Some(Err(broken)) => p.notice.alert role="alert" lang="en" { (broken) },
            None => {},
        }
        @if entries.is_empty() { (nothing(Say::NothingFound, lang)) }
        table.list {
            thead { tr {
                th scope="col" { (Say::Number.of(lang)) }
                th scope="col" { (Say::When.of(lang)) }
                th scope="col" { (Say::Who.of(lang)) }
                th scope="col" { (Say::What.of(lang)) }
                th scope="col" { (Say::Details.of(lang)) }
            } }
            tbody { @for entry in &entries { tr {
                th scope="row" { (entry.id.number()) }
                td { (time(entry.at, zone, lang)) }
                td.text {
                    (entry.actor)
                    @if let Some(peer) = entry.peer { " " span.muted { (peer) } }
                }
                td { code { (entry.action) } }
                td.text { code { (entry.detail) } }
            } } }
        }
        @if let Some(older) = older {
            p { a.button href={ "/audit?from=" (older.number()) } { (Say::Older.of(lang)) } }
        }
    };
    let title = Say::Audit.of(lang).to_owned();
    let sheet =
        Sheet { office: &office, visitor: &visitor, place: Place::Audit, title, is_live: false };
    Ok(sheet.with(&body))
}
