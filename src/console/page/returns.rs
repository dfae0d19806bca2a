//! Giving money back, in two steps: what and why, then a look at it and the PIN.
//!
//! The command's reference is made of the payment and of how many returns the page knew of, so a
//! form that is sent twice, or from two windows, gives money back once.

use super::parts::{amount, facts};
use super::payment::{is_returnable, story};
use super::{Answer, Page, Place, Shared, Sheet, Trouble, confirm, csrf, pin_again};
use crate::access::{Right, Role};
use crate::console::Office;
use crate::console::act::return_reference;
use crate::console::book::Story;
use crate::console::visitor::{Fields, Named, Posted, Visitor};
use crate::console::words::Say;
use crate::i18n::Lang;
use crate::id::check_text;
use crate::money::Amount;
use crate::payment::event::{Event, LineItem, ReturnReason};
use crate::payment::state::State as Standing;
use crate::payment::vocabulary::{Operation, Request, SaleName};
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use maud::{Markup, html};
use serde_json::json;

/// Longest note to a return, in characters.
const NOTE_LEN_MAX: usize = 200;

/// Why money is given back, as the audit journal names it.
const REASONS: [(&str, Say); 5] = [
    ("returned", Say::WhyReturned),
    ("damaged", Say::WhyDamaged),
    ("wrong_price", Say::WhyWrongPrice),
    ("goodwill", Say::WhyGoodwill),
    ("other", Say::WhyOther),
];

/// A return as the form says it.
struct Asked {
    amount: Amount,
    reason: (&'static str, Say),
    note: String,
    items: Vec<usize>,
    /// How many returns there were when the page was made.
    known: usize,
}

/// What of a sale can be given back now.
fn rest(story: &Story) -> Option<Amount> {
    match &story.payment.state {
        Standing::Settling { ledger, .. } if ledger.is_untouched() => {
            Some(story.payment.sale.amount).filter(|_| !ledger.is_adopted())
        }
        Standing::Settling { ledger, .. } => Some(ledger.refundable()),
        _ => None,
    }
}

/// Nothing is captured: only all of it can be given back.
fn is_whole_only(story: &Story) -> bool {
    match &story.payment.state {
        Standing::Settling { ledger, .. } => ledger.is_untouched(),
        _ => false,
    }
}

pub(super) async fn ask(
    State(office): Shared,
    visitor: Visitor,
    Named(number): Named<u32>,
) -> Page {
    visitor.needs(Right::Return)?;
    let story = story(&office, number)?;
    form(&office, &visitor, &story, None)
}

fn form(office: &Office, visitor: &Visitor, story: &Story, wrong: Option<Say>) -> Page {
    let (lang, payment) = (visitor.lang, &story.payment);
    let rest = rest(story).filter(|rest| !rest.is_zero() && is_returnable(story));
    let number = payment.id.number();
    let body = html! {
        (facts([(Say::Amount.of(lang), html! { (amount(payment.sale.amount, lang)) })]))
        @if let Some(rest) = rest {
            form.stack action={ "/payments/" (number) "/return" } method="post" {
                (csrf(visitor))
                input type="hidden" name="known" value=(story.returns().len());
                @if let Some(wrong) = wrong { p.notice.alert role="alert" { (wrong.of(lang)) } }
                (choice(story, rest, lang))
                p.field {
                    label for="reason" { (Say::Reason.of(lang)) }
                    select #reason name="reason" required {
                        @for (code, say) in REASONS { option value=(code) { (say.of(lang)) } }
                    }
                }
                p.field {
                    label for="note" { (Say::Note.of(lang)) }
                    input #note name="note" maxlength=(NOTE_LEN_MAX) autocomplete="off";
                }
                div.actions {
                    button.primary { (Say::Continue.of(lang)) }
                    a.button href={ "/payments/" (number) } { (Say::Cancel.of(lang)) }
                }
            }
        } @else {
            p.notice { (Say::NothingToReturn.of(lang)) }
            p { a.button href={ "/payments/" (number) } { (Say::Back.of(lang)) } }
        }
    };
    let title = Say::ReturnTitle.with(lang, &[&payment.id]);
    let sheet = Sheet { office, visitor, place: Place::Elsewhere, title, is_live: false };
    Ok(sheet.with(&body))
}

fn choice(story: &Story, rest: Amount, lang: Lang) -> Markup {
    if is_whole_only(story) {
        return html! {
            p.notice { (Say::WholeOnly.of(lang)) }
            input type="hidden" name="amount" value=(rest.decimal());
        };
    }
    let items = &story.payment.sale.line_items;
    html! {
        @if !items.is_empty() {
            fieldset data-items=(rest.currency().exponent()) {
                legend { (Say::ChooseItems.of(lang)) }
                @for (index, item) in items.iter().enumerate() {
                    label.check {
                        input type="checkbox" name="item" value=(index)
                            data-minor=(item.total.minor());
                        span { (item.quantity) " × " (item.name) }
                        span.money { (amount(item.total, lang)) }
                    }
                }
            }
        }
        p.field {
            label for="amount" { (Say::AmountBack.with(lang, &[&amount(rest, lang)])) }
            input #amount name="amount" inputmode="decimal" autocomplete="off" maxlength="20"
                placeholder=(rest.decimal()) aria-describedby="amount-help";
            small #amount-help { (Say::AmountHelp.of(lang)) }
        }
    }
}

/// The sum of the chosen line items.
fn sum(items: &[LineItem], chosen: &[usize]) -> Option<Amount> {
    let mut totals = chosen.iter().map(|index| items.get(*index).map(|item| item.total));
    let first = totals.next()??;
    totals.try_fold(first, |sum, total| sum.checked_add(total?).ok())
}

fn read(fields: &Fields, story: &Story) -> Result<Asked, Say> {
    let items: Result<Vec<usize>, _> = fields.all("item").map(str::parse).collect();
    let mut items: Vec<usize> = items.map_err(|_| Say::BadFormAdvice)?;
    items.sort_unstable();
    items.dedup();
    let rest = rest(story).ok_or(Say::NothingToReturn)?;
    let written = fields.one("amount").trim().replace(',', ".");
    let amount = match (written.is_empty(), items.is_empty()) {
        (false, _) => Amount::parse(&written, rest.currency()).map_err(|_| Say::WrongAmount)?,
        (true, false) => sum(&story.payment.sale.line_items, &items).ok_or(Say::WrongAmount)?,
        (true, true) => rest,
    };
    if amount.minor() <= 0 || amount.minor() > rest.minor() {
        return Err(Say::WrongAmount);
    }
    let reason = REASONS.into_iter().find(|(code, _)| *code == fields.one("reason"));
    let note = fields.one("note").trim().to_owned();
    let is_note = note.is_empty() || check_text(&note, NOTE_LEN_MAX).is_ok();
    let known = fields.one("known").parse().map_err(|_| Say::BadFormAdvice)?;
    match (reason, is_note) {
        (Some(reason), true) => Ok(Asked { amount, reason, note, items, known }),
        _ => Err(Say::WrongNote),
    }
}

pub(super) async fn review(
    State(office): Shared,
    Named(number): Named<u32>,
    posted: Posted,
) -> Page {
    let (visitor, fields) = (&posted.visitor, &posted.fields);
    visitor.needs(Right::Return)?;
    let story = story(&office, number)?;
    let asked = match read(fields, &story) {
        Ok(asked) => asked,
        Err(wrong) => return form(&office, visitor, &story, Some(wrong)),
    };
    if let Some(limit) = exceeded(&office, visitor, &story, asked.amount) {
        let words = Say::OverLimit.with(visitor.lang, &[&amount(limit, visitor.lang)]);
        return Err(Trouble::OverLimit(words));
    }
    let lang = visitor.lang;
    let rows = [
        (Say::PaymentLabel.of(lang), html! { (story.payment.id) }),
        (Say::Amount.of(lang), html! { strong { (amount(asked.amount, lang)) } }),
        (Say::Reason.of(lang), html! { (asked.reason.1.of(lang)) " " (asked.note) }),
    ];
    let body = html! {
        p.headline { (Say::ReturnQuestion.with(lang, &[&amount(asked.amount, lang)])) }
        (facts(rows))
        @if !office.pulse().is_reachable { p.notice.busy { (Say::ReturnWaits.of(lang)) } }
        form.stack action={ "/payments/" (number) "/return/confirmed" } method="post" {
            (csrf(visitor))
            input type="hidden" name="known" value=(asked.known);
            input type="hidden" name="amount" value=(asked.amount.decimal());
            input type="hidden" name="reason" value=(asked.reason.0);
            input type="hidden" name="note" value=(asked.note);
            @for item in &asked.items { input type="hidden" name="item" value=(item); }
            (pin_again(lang))
            div.actions {
                button.primary { (Say::ReturnNow.with(lang, &[&amount(asked.amount, lang)])) }
                a.button href={ "/payments/" (number) } { (Say::Cancel.of(lang)) }
            }
        }
    };
    let title = Say::ReturnTitle.with(lang, &[&story.payment.id]);
    let sheet = Sheet { office: &office, visitor, place: Place::Elsewhere, title, is_live: false };
    Ok(sheet.with(&body))
}

/// What a manager may give back of one sale in all, if this would be more.
fn exceeded(office: &Office, visitor: &Visitor, story: &Story, more: Amount) -> Option<Amount> {
    if visitor.session.user.role == Role::Admin {
        return None;
    }
    let limit = office.settings.return_limit.as_ref()?;
    let limit = Amount::parse(limit, more.currency()).unwrap_or(Amount::zero(more.currency()));
    let mut sum = more.minor();
    for record in &story.records {
        if let Event::RefundQueued { amount, .. } = &record.event {
            sum = sum.saturating_add(amount.minor());
        }
    }
    (sum > limit.minor()).then_some(limit)
}

pub(super) async fn confirmed(
    State(office): Shared,
    Named(number): Named<u32>,
    posted: Posted,
) -> Answer {
    let (visitor, fields) = (&posted.visitor, &posted.fields);
    visitor.needs(Right::Return)?;
    let story = story(&office, number)?;
    let to = format!("/payments/{number}");
    let known: usize = fields.one("known").parse().map_err(|_| Trouble::BadForm)?;
    if known < story.returns().len() {
        // The same form once more is answered as before; another one was made for another sale.
        if !is_same(&story, known, fields.one("amount")) {
            return Err(Trouble::Stale);
        }
        // The browser may have dropped the first answer, and with it the session's new token.
        confirm(&office, &posted).await?;
        return Ok(Redirect::to(&to).into_response());
    }
    let asked = read(fields, &story).map_err(|_| Trouble::BadForm)?;
    if known > story.returns().len() {
        return Err(Trouble::BadForm);
    }
    if let Some(limit) = exceeded(&office, visitor, &story, asked.amount) {
        let words = Say::OverLimit.with(visitor.lang, &[&amount(limit, visitor.lang)]);
        return Err(Trouble::OverLimit(words));
    }
    confirm(&office, &posted).await?;
    let detail = json!({
        "amount": asked.amount.to_string(),
        "reason": asked.reason.0,
        "note": asked.note,
        "items": asked.items,
    });
    let request = Request::Refund(Operation {
        reference: return_reference(story.payment.id, known),
        sale: SaleName::Number(story.payment.id),
        amount: Some(asked.amount),
        why: ReturnReason::new(asked.reason.0, &asked.note),
    });
    office.ask(visitor, "return", detail, request).await?;
    Ok(Redirect::to(&to).into_response())
}

/// Whether the return that was asked for when `known` others were known is this one.
fn is_same(story: &Story, known: usize, written: &str) -> bool {
    let reference = return_reference(story.payment.id, known);
    let earlier = story.payment.operation(&reference);
    earlier.is_some_and(|earlier| earlier.amount.decimal() == written)
}
