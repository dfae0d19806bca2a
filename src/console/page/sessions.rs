//! Where somebody is signed in, ending that, and leaving a page whose session has ended.
//!
//! Knows of a browser only what it calls itself.

use super::parts::time;
use super::sign_in::{Wanted, forget};
use super::{Answer, Page, Place, Shared, Sheet, Trouble, confirm, csrf, local, pin_again};
use crate::access::{Caller, OpenSession, SessionId};
use crate::clock::Zone;
use crate::console::visitor::{Behind, Guest, Posted, STILL, Visitor};
use crate::console::words::Say;
use crate::i18n::Lang;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use maud::{Markup, html};

/// What is shown of a browser that is not known, in characters.
const AGENT_SHOWN_MAX: usize = 40;
/// What stands in the names that browsers give themselves, the more telling ones first: most also
/// name those they are like.
const BROWSERS: [(&str, &str); 8] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// A browser in a few words.
fn browser(agent: &str) -> String {
    let known = |names: &[(&str, &'static str)]| {
        names.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name)
    };
    match (known(&BROWSERS), known(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} · {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) if agent.is_empty() => "–".to_owned(),
        (None, None) => agent.chars().take(AGENT_SHOWN_MAX).collect(),
    }
}

/// Where one is signed in oneself.
pub(super) async fn list(State(office): Shared, visitor: Visitor) -> Page {
    let (lang, zone) = (visitor.lang, &office.context.head.zone);
    let sessions = office.access.sessions(office.now(), &visitor.session);
    let body = html! {
        p { (Say::SessionsHelp.of(lang)) }
        form.stack action="/sessions" method="post" {
            (csrf(&visitor))
            (pin_again(lang))
            // The return key presses the first button: it must not be one of the list's.
            div.actions {
                button.primary name="end" value="others" { (Say::EndOthers.of(lang)) }
                button formaction="/sign-out-everywhere" { (Say::SignOutEverywhere.of(lang)) }
            }
            (table(&sessions, zone, lang))
        }
    };
    let title = Say::MySessions.of(lang).to_owned();
    let (office, place) = (&office, Place::Elsewhere);
    Ok(Sheet { office, visitor: &visitor, place, title, is_live: false }.with(&body))
}

fn table(sessions: &[OpenSession], zone: &Zone, lang: Lang) -> Markup {
    html! {
        table.list {
            caption.hidden { (Say::MySessions.of(lang)) }
            thead { tr {
                th scope="col" { (Say::Browser.of(lang)) }
                th scope="col" { (Say::Address.of(lang)) }
                th scope="col" { (Say::SignedInSince.of(lang)) }
                th scope="col" { (Say::LastUsed.of(lang)) }
                th scope="col" { (Say::EndSession.of(lang)) }
            } }
            tbody { @for session in sessions {
                @let id = session.id.number();
                tr {
                    th #{ "session-" (id) } scope="row" { (browser(&session.agent)) }
                    td { (session.peer) }
                    td { (time(session.since, zone, lang)) }
                    td { (time(session.used, zone, lang)) }
                    td { @if session.is_this {
                        span.pill.good { (Say::ThisBrowser.of(lang)) }
                    } @else {
                        button name="end" value=(id) aria-describedby={ "session-" (id) } {
                            (Say::EndSession.of(lang))
                        }
                    } }
                }
            } }
        }
    }
}

/// Ends one or all of the other sessions.
pub(super) async fn end(State(office): Shared, posted: Posted) -> Answer {
    let only = match posted.fields.one("end") {
        "others" => None,
        number => Some(SessionId::new(number.parse().map_err(|_| Trouble::BadForm)?)),
    };
    confirm(&office, &posted).await?;
    let (now, Visitor { session, peer, .. }) = (office.now().wall, &posted.visitor);
    office.access.sign_out_elsewhere(now, session, peer, only);
    Ok(Redirect::to("/sessions").into_response())
}

pub(super) async fn sign_out_everywhere(State(office): Shared, posted: Posted) -> Answer {
    confirm(&office, &posted).await?;
    let (now, by) = (office.now().wall, Caller::from(&posted.visitor));
    office.access.sign_out_everywhere(now, &by, posted.visitor.session.user.id);
    let mut answer = Redirect::to("/sign-in").into_response();
    forget(&mut answer);
    Ok(answer)
}

/// Where an open page goes by itself when its session should have ended: back, if it has not, and
/// without counting as a use; or to the page for signing in.
pub(super) async fn still(
    State(office): Shared,
    guest: Guest,
    Behind(Wanted { to }): Behind<Wanted>,
) -> Answer {
    let (to, now) = (local(&to), office.now());
    let token = guest.token.as_deref();
    let session =
        token.and_then(|token| office.access.glance(now, &guest.peer, &guest.agent, token));
    if session.is_none() {
        return Err(Trouble::SignIn(Some(to.to_owned())));
    }
    let mark = if to.contains('?') { '&' } else { '?' };
    Ok(Redirect::to(&format!("{to}{mark}{STILL}")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_has_a_short_name() {
        let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like \
                      Gecko) Chrome/140.0.0.0 Safari/537.36";
        assert_eq!(browser(chrome), "Chrome · Windows");
        assert_eq!(browser(&format!("{chrome} Edg/140.0")), "Edge · Windows");
        let tablet = "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, \
                      like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
        assert_eq!(browser(tablet), "Safari · iPad");
        assert_eq!(
            browser("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"),
            "Firefox · Linux"
        );
        assert_eq!(browser(""), "–");
        assert_eq!(browser(&"é".repeat(999)).chars().count(), AGENT_SHOWN_MAX);
    }
}
