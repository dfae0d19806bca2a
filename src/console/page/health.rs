//! How the terminal stands, and how it is set up.

use super::happening::happening;
use super::parts::{age, duration, facts, time};
use super::{Page, Place, Shared, Sheet};
use crate::access::Right;
use crate::console::visitor::Visitor;
use crate::console::words::Say;
use crate::i18n::Lang;
use crate::payment::alarm::Alarm;
use crate::store::StoreError;
use axum::extract::State;
use maud::{Markup, html};

/// Further apart than this, clocks are worth a warning: keys and tokens depend on them.
const CLOCK_OFFSET_MAX_S: i64 = 30;

pub(super) async fn health(State(office): Shared, visitor: Visitor) -> Page {
    visitor.needs(Right::See)?;
    let (lang, now, pulse) = (visitor.lang, office.now(), office.pulse());
    let (zone, limits) = (&office.context.head.zone, &office.context.limits);
    let (health, news) =
        office.read(|book| Ok::<_, StoreError>((book.health(now, limits)?, book.news()?)))?;
    let raised: Vec<Alarm> =
        Alarm::ALL.into_iter().filter(|alarm| health.raises(*alarm, limits)).collect();
    let verdict = |is_good: bool, good: Say, bad: Say| {
        let (class, say) = if is_good { ("good", good) } else { ("alert", bad) };
        html! { span class={ "pill " (class) } { (say.of(lang)) } }
    };
    let certificate = &office.certificate;
    let rows = [
        ("Klarna", verdict(pulse.is_reachable, Say::Reachable, Say::Unreachable)),
        (
            Say::LastAnswer.of(lang),
            html! { @match pulse.last_answer {
                Some(at) => { (time(at, zone, lang)) " (" (age(at, now.wall, lang)) ")" },
                None => (Say::Never.of(lang)),
            } },
        ),
        (
            Say::Latency.of(lang),
            html! { @match pulse.exchange {
                Some(exchange) => { (exchange.took_ms) " ms" },
                None => "–",
            } },
        ),
        (Say::ClockOffset.of(lang), offset(pulse.exchange.and_then(|it| it.ahead_s), lang)),
        (
            Say::Clock.of(lang),
            html! { @if now.wall.is_plausible() {
                (time(now.wall, zone, lang))
            } @else {
                (verdict(false, Say::TimeNotSet, Say::TimeNotSet))
            } },
        ),
        (
            Say::Storage.of(lang),
            html! { @match &pulse.storage {
                Some(why) => span.pill.alert lang="en" { (why) },
                None => (verdict(true, Say::Works, Say::Works)),
            } },
        ),
        (
            Say::Display.of(lang),
            html! { @match &pulse.display {
                Some(why) => span.pill.alert lang="en" { (why) },
                None => (verdict(true, Say::Works, Say::Works)),
            } },
        ),
        (Say::Till.of(lang), verdict(pulse.is_till_here, Say::Connected, Say::NotConnected)),
        (Say::WaitForKlarna.of(lang), html! { (health.backlog.queued) }),
        (Say::OldestWaits.of(lang), html! { (duration(health.oldest_age.as_secs(), lang)) }),
        (Say::NeedPerson.of(lang), html! { (health.backlog.refused) }),
        (Say::Uncaptured.of(lang), html! { (health.uncaptured) }),
        (Say::Lapsing.of(lang), html! { (health.expiring) }),
        (Say::Version.of(lang), html! { (env!("CARGO_PKG_VERSION")) }),
        (
            Say::Certificate.of(lang),
            html! {
                @if certificate.is_self_made { (Say::SelfMade.of(lang)) " · " }
                (Say::ValidFromTo.of(lang)) " " (time(certificate.valid.from, zone, lang))
                " – " (time(certificate.valid.until, zone, lang))
                @if certificate.valid.until < now.wall {
                " " (verdict(false, Say::Expired, Say::Expired))
            }
            },
        ),
        (Say::Fingerprint.of(lang), html! { code.wrap { (grouped(&certificate.fingerprint)) } }),
        (
            Say::ApiKeySince.of(lang),
            html! { @match office.context.key_since {
                Some(at) => { (time(at, zone, lang)) " (" (age(at, now.wall, lang)) ")" },
                None => "–",
            } },
        ),
    ];
    let body = html! {
        div #health data-live {
            @for alarm in &raised {
                p.notice.alert role="alert" { (alarm_words(*alarm).of(lang)) }
            }
            @if raised.is_empty() { p.notice.good { (Say::NoAlarms.of(lang)) } }
            (facts(rows))
            @if !news.is_empty() {
                h2 { (Say::NewsOfKlarna.of(lang)) }
                ol.timeline {
                    @for record in &news {
                        @let told = happening(&record.event, lang);
                        li { (time(record.at, zone, lang)) " " span { (told) } }
                    }
                }
            }
        }
    };
    let title = Say::Health.of(lang).to_owned();
    let sheet =
        Sheet { office: &office, visitor: &visitor, place: Place::Health, title, is_live: true };
    Ok(sheet.with(&body))
}

fn offset(ahead_s: Option<i64>, lang: Lang) -> Markup {
    html! { @match ahead_s {
        None => "–",
        Some(ahead) if ahead.abs() > CLOCK_OFFSET_MAX_S => {
            span.pill.alert { (Say::OffBy.with(lang, &[&ahead])) }
        },
        Some(ahead) => (Say::OffBy.with(lang, &[&ahead])),
    } }
}

fn alarm_words(alarm: Alarm) -> Say {
    match alarm {
        Alarm::QueueIsOld => Say::AlarmQueueOld,
        Alarm::QueueIsLong => Say::AlarmQueueLong,
        Alarm::NeedsPerson => Say::AlarmNeedsPerson,
        Alarm::AuthorisationsLapse => Say::AlarmLapse,
    }
}

/// Hexadecimal digits in pairs, as browsers show them.
pub(super) fn grouped(digits: &str) -> String {
    let pairs: Vec<String> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| String::from_utf8_lossy(pair).into_owned())
        .collect();
    pairs.join(":")
}

/// The configuration; secrets are not in it.
pub(super) async fn settings(State(office): Shared, visitor: Visitor) -> Page {
    visitor.needs(Right::See)?;
    let lang = visitor.lang;
    let rows = office.context.configuration.iter();
    let rows = rows.map(|(name, value)| (name.as_str(), html! { (value) }));
    let body = html! {
        p { (Say::SettingsHelp.of(lang)) }
        div lang="en" { (facts(rows)) }
    };
    let title = Say::Settings.of(lang).to_owned();
    let sheet = Sheet {
        office: &office,
        visitor: &visitor,
        place: Place::Elsewhere,
        title,
        is_live: false,
    };
    Ok(sheet.with(&body))
}
