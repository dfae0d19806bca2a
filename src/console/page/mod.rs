//! The pages: HTML made on the terminal, complete without a script, escaped by the compiler (maud).
//!
//! What a page shows comes from [`book`](super::book), what it asks for goes through
//! [`act`](super::act). Here stand the routes and what all pages have in common.

mod happening;
mod health;
mod parts;
pub(super) mod payment;
mod people;
mod queue;
mod returns;
mod sessions;
mod shift;
mod sign_in;
mod till;
mod today;
pub(super) mod trouble;

use super::Office;
use super::guard;
use super::live;
use super::visitor::{Posted, Visitor};
use super::words::{self, LANGUAGES, Say};
use crate::access::Right;
use crate::i18n::Lang;
use axum::extract::State;
use axum::http::Uri;
use axum::http::header::{CONTENT_TYPE, HeaderValue, SET_COOKIE};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use maud::{DOCTYPE, Markup, html};
use std::sync::Arc;
use trouble::Trouble;

const STYLE: &str = include_str!("../assets/console.css");
const SCRIPT: &str = include_str!("../assets/console.js");
const ICON: &str = include_str!("../assets/icon.svg");

type Shared = State<Arc<Office>>;
type Page = Result<Markup, Trouble>;
type Answer = Result<Response, Trouble>;

pub(super) fn router(office: Arc<Office>) -> Router {
    let guarded = middleware::from_fn_with_state(office.clone(), guard::guard);
    Router::new()
        .route("/", get(today::today))
        .route("/search", get(today::search))
        .route("/find", post(today::find))
        .route("/payments/{number}", get(payment::payment))
        .route("/payments/{number}/receipt", get(payment::receipt))
        .route("/payments/{number}/print", post(payment::print))
        .route("/payments/{number}/till", post(payment::print_at_till))
        .route("/payments/{number}/return", get(returns::ask).post(returns::review))
        .route("/payments/{number}/return/confirmed", post(returns::confirmed))
        .route("/queue", get(queue::queue))
        .route("/queue/retry", post(queue::retry_all))
        .route("/queue/{call}", get(queue::call))
        .route("/queue/{call}/retry", post(queue::retry))
        .route("/queue/{call}/resolve", post(queue::resolve))
        .route("/shift", get(shift::open))
        .route("/shift/close", get(shift::review).post(shift::close))
        .route("/shifts", get(shift::history))
        .route("/shifts/{number}", get(shift::one))
        .route("/shifts/{number}/report.csv", get(shift::csv))
        .route("/shifts/{number}/report.pdf", get(shift::pdf))
        .route("/shifts/{number}/print", post(shift::print))
        .route("/shifts/{number}/till", post(shift::print_at_till))
        .route("/health", get(health::health))
        .route("/settings", get(health::settings))
        .route("/users", get(people::users).post(people::add))
        .route("/users/{id}/{change}", post(people::change))
        .route("/audit", get(people::audit))
        .route("/pin", get(sign_in::pin).post(sign_in::change_pin))
        .route("/sessions", get(sessions::list).post(sessions::end))
        .route("/still", get(sessions::still))
        .route("/sign-in", get(sign_in::ask).post(sign_in::sign_in))
        .route("/set-up", get(sign_in::ask).post(sign_in::set_up))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/sign-out-everywhere", post(sessions::sign_out_everywhere))
        .route("/language", post(language))
        .route("/live", get(live::live))
        .route("/assets/console.css", get(|| asset("text/css; charset=utf-8", STYLE)))
        .route("/assets/console.js", get(|| asset("text/javascript; charset=utf-8", SCRIPT)))
        .route("/assets/icon.svg", get(|| asset("image/svg+xml; charset=utf-8", ICON)))
        .fallback(|_: Uri| async { Trouble::NotFound })
        .method_not_allowed_fallback(|| async { Trouble::WrongMethod })
        .with_state(office)
        .layer(guarded)
}

async fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind)], text)
}

/// Sets the language of this browser; it needs no session, so that the sign-in page has it too.
async fn language(knock: super::visitor::Knock) -> Answer {
    let tag = knock.fields.one("to");
    let lang = LANGUAGES.into_iter().find(|lang| lang.tag() == tag).ok_or(Trouble::BadForm)?;
    let (name, tag) = (words::COOKIE, lang.tag());
    let cookie =
        format!("{name}={tag}; Path=/; Max-Age=31536000; Secure; HttpOnly; SameSite=Strict");
    let mut answer = Redirect::to(local(knock.fields.one("back"))).into_response();
    let cookie = HeaderValue::from_str(&cookie).expect("printable ASCII");
    answer.headers_mut().append(SET_COOKIE, cookie);
    Ok(answer)
}

/// A path on this terminal; the first page for anything else.
fn local(path: &str) -> &str {
    let rest = path.strip_prefix('/').unwrap_or("/");
    let plain = |c: char| c.is_ascii_graphic() && c != '\\';
    match rest.starts_with('/') || path.len() > 1000 || !path.chars().all(plain) {
        true => "/",
        false => path,
    }
}

/// Where a page stands in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Today,
    Queue,
    Shift,
    Health,
    Users,
    Audit,
    Elsewhere,
}

/// A page of somebody who is signed in.
struct Sheet<'a> {
    office: &'a Office,
    visitor: &'a Visitor,
    place: Place,
    title: String,
    /// Whether it shows what changes by itself.
    is_live: bool,
}

impl Sheet<'_> {
    fn with(self, body: &Markup) -> Markup {
        let Sheet { office, visitor, place, title, is_live } = self;
        let (lang, user) = (visitor.lang, &visitor.session.user);
        let head = html! {
            a.skip href="#main" { (Say::SkipToContent.of(lang)) }
            header.bar {
                a.brand href="/" {
                    strong { (office.context.head.merchant) }
                    span { (office.context.head.terminal) }
                }
                form.search action="/search" method="get" role="search" {
                    label.hidden for="q" { (Say::SearchLabel.of(lang)) }
                    input #q name="q" type="search" maxlength="600" autocomplete="off"
                        placeholder=(Say::SearchHint.of(lang));
                    button { (Say::Search.of(lang)) }
                }
                form.user action="/sign-out" method="post" {
                    (csrf(visitor))
                    a href="/pin" { (user.name) }
                    button.quiet { (Say::SignOut.of(lang)) }
                }
            }
            nav aria-label=(Say::Navigation.of(lang)) { ul {
                @for (entry, path, say, right) in NAVIGATION {
                    @if visitor.may(right) {
                        li { a href=(path) aria-current=[(entry == place).then_some("page")] {
                            (say.of(lang))
                            @if entry == Place::Queue { (badge(office, lang)) }
                        } }
                    }
                }
            } }
        };
        document(office, lang, &title, is_live, &head, body)
    }
}

const NAVIGATION: [(Place, &str, Say, Right); 6] = [
    (Place::Today, "/", Say::Today, Right::See),
    (Place::Queue, "/queue", Say::Queue, Right::See),
    (Place::Shift, "/shift", Say::Shift, Right::See),
    (Place::Health, "/health", Say::Health, Right::See),
    (Place::Users, "/users", Say::Users, Right::Users),
    (Place::Audit, "/audit", Say::Audit, Right::Audit),
];

/// How many calls wait, and how many of them for a person.
fn badge(office: &Office, lang: Lang) -> Markup {
    let backlog = office.read(|book| book.backlog()).unwrap_or_default();
    html! {
        span #badge data-live {
            @if backlog.refused > 0 {
                span.badge.alert title=(Say::NeedPerson.of(lang)) { (backlog.refused) }
            }
            @if backlog.queued > 0 {
                span.badge title=(Say::WaitForKlarna.of(lang)) { (backlog.queued) }
            }
        }
    }
}

/// The whole document, signed in or not.
fn document(
    office: &Office,
    lang: Lang,
    title: &str,
    is_live: bool,
    head: &Markup,
    body: &Markup,
) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(lang.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – " (office.context.head.terminal) }
                link rel="stylesheet" href="/assets/console.css";
                link rel="icon" type="image/svg+xml" href="/assets/icon.svg";
                script src="/assets/console.js" defer {}
            }
            body data-live-from=[is_live.then_some("/live")] {
                (head)
                main #main tabindex="-1" {
                    h1 { (title) }
                    @if is_live {
                        noscript { p { a.button href="" { (Say::Reload.of(lang)) } } }
                    }
                    (body)
                }
                (footer(office, lang))
            }
        }
    }
}

fn footer(office: &Office, lang: Lang) -> Markup {
    html! {
        footer {
            form action="/language" method="post" {
                label for="language" { (Say::Language.of(lang)) } " "
                select #language name="to" {
                    @for known in LANGUAGES {
                        option value=(known.tag()) lang=(known.tag()) selected[known == lang] {
                            (known.own_name())
                        }
                    }
                }
                button.quiet { (Say::Change.of(lang)) }
            }
            p {
                "klarna-terminald " (env!("CARGO_PKG_VERSION"))
                " · " a href="/settings" { (Say::Settings.of(lang)) }
                " · " (Say::Independent.of(lang))
            }
            @let fault = office.pulse().storage;
            @if let Some(why) = fault { p.alert role="alert" { (why) } }
        }
    }
}

/// The session's own token, in every form.
fn csrf(visitor: &Visitor) -> Markup {
    html! { input type="hidden" name="csrf" value=(visitor.session.csrf); }
}

/// Asks for the PIN once more before something that costs money or trust.
fn pin_again(lang: Lang) -> Markup {
    html! {
        p.field {
            label for="pin" { (Say::PinAgain.of(lang)) }
            input #pin name="pin" type="password" inputmode="numeric" required
                autocomplete="current-password" maxlength="12";
        }
    }
}

/// Checks the PIN of a sensitive form; the session goes by another token from then on.
async fn confirm(office: &Arc<Office>, posted: &Posted) -> Result<(), Trouble> {
    let (office, visitor) = (office.clone(), posted.visitor.clone());
    let pin = posted.fields.one("pin").to_owned();
    let checked =
        work(move || office.access.confirm(office.now(), &visitor.session, &visitor.peer, &pin));
    posted.visitor.slip.renew(checked.await??);
    Ok(())
}

/// Runs what takes its time, such as hashing, beside the other pages.
pub(super) async fn work<T: Send + 'static>(
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(job).await.map_err(|_| Trouble::Defect)
}
