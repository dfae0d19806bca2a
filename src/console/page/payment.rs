//! One payment: what was sold, what has become of the money, all that has happened, its receipts.

use super::happening::{happening, noted};
use super::parts::{amount, facts, pill, time};
use super::{Answer, Page, Place, Shared, Sheet, Trouble, csrf, till, work};
use crate::access::Right;
use crate::console::Office;
use crate::console::book::Story;
use crate::console::visitor::{Behind, Fields, Named, Posted, Visitor};
use crate::console::words::Say;
use crate::i18n::Lang;
use crate::id::{PaymentId, PosReference};
use crate::payment::state::State as Standing;
use crate::printer;
use crate::receipt::{Copy, Document, returned, sale};
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use maud::{Markup, html};
use serde_json::{Value, json};

/// Line items that a page shows.
const ITEMS_MAX: usize = 100;

pub(super) fn story(office: &Office, number: u32) -> Result<Story, Trouble> {
    office.read(|book| book.story(PaymentId::new(number)))?.ok_or(Trouble::NotFound)
}

pub(super) async fn payment(
    State(office): Shared,
    visitor: Visitor,
    Named(number): Named<u32>,
) -> Page {
    visitor.needs(Right::See)?;
    let lang = visitor.lang;
    let story = story(&office, number)?;
    let payment = &story.payment;
    let zone = &office.context.head.zone;
    let body = html! {
        div #state data-live {
            p.headline { (amount(payment.sale.amount, lang)) " " (pill(payment, lang)) }
            (money(&story, lang))
        }
        (actions(&story, &visitor, lang))
        h2 { (Say::WhatHappened.of(lang)) }
        ol #timeline.timeline data-live {
            @for record in &story.records {
                li { (time(record.at, zone, lang)) " " span { (happening(&record.event, lang)) } }
            }
        }
        (about(&story, lang))
    };
    let title = Say::PaymentTitle.with(lang, &[&payment.id]);
    let sheet =
        Sheet { office: &office, visitor: &visitor, place: Place::Elsewhere, title, is_live: true };
    Ok(sheet.with(&body))
}

fn money(story: &Story, lang: Lang) -> Markup {
    let payment = &story.payment;
    let money = payment.money_so_far();
    let rest = match &payment.state {
        Standing::Settling { ledger, .. } => Some((ledger.capturable(), ledger.refundable())),
        _ => None,
    };
    let mut rows = vec![
        (Say::Authorised.of(lang), html! { (amount(money.authorised, lang)) }),
        (Say::Captured.of(lang), html! { (amount(money.captured, lang)) }),
        (Say::Refunded.of(lang), html! { (amount(money.refunded, lang)) }),
    ];
    if !money.released.is_zero() {
        rows.push((Say::Released.of(lang), html! { (amount(money.released, lang)) }));
    }
    if let Some((capturable, refundable)) = rest {
        rows.push((Say::Capturable.of(lang), html! { (amount(capturable, lang)) }));
        rows.push((Say::Refundable.of(lang), html! { (amount(refundable, lang)) }));
    }
    let queued: Vec<_> = payment.open_calls().collect();
    let refused: Vec<_> = payment.refused_calls().collect();
    html! {
        (facts(rows))
        @for (id, kind) in &queued {
            p.notice.busy {
                a href={ "/queue/" (id) } {
                    @let what = operation(kind.operation()).of(lang);
                    (Say::CallWaits.with(lang, &[&what, &amount(kind.amount(), lang)]))
                }
            }
        }
        @if let Some(newest) = payment.notices().last() {
            p.notice.busy { (noted(newest, lang)) " " (Say::DisputeHelp.of(lang)) }
        }
        @for id in &refused {
            p.notice.alert { a href={ "/queue/" (id) } { (Say::CallRefused.with(lang, &[id])) } }
        }
    }
}

/// The word for what a call does.
pub(super) fn operation(code: &str) -> Say {
    match code {
        "create" => Say::OpCreate,
        "cancel" => Say::OpCancel,
        "confirm" => Say::OpConfirm,
        "capture" => Say::OpCapture,
        "refund" => Say::OpRefund,
        "void" => Say::OpVoid,
        "update" => Say::OpUpdate,
        _ => Say::OpCheck,
    }
}

/// Whether money can be given back of it, as far as the journal knows.
pub(super) fn is_returnable(story: &Story) -> bool {
    match &story.payment.state {
        Standing::Settling { ledger, .. } => {
            ledger.is_untouched() && !ledger.is_adopted() || !ledger.refundable().is_zero()
        }
        _ => false,
    }
}

fn actions(story: &Story, visitor: &Visitor, lang: Lang) -> Markup {
    let number = story.payment.id.number();
    let has_result = story.payment.result().is_some();
    html! {
        div.actions {
            @if visitor.may(Right::Return) && is_returnable(story) {
                a.button.primary href={ "/payments/" (number) "/return" } { (Say::Return.of(lang)) }
            }
            @if has_result {
                a.button href={ "/payments/" (number) "/receipt" } { (Say::Receipt.of(lang)) }
                a.button href={ "/payments/" (number) "/receipt?copy=merchant" } {
                    (Say::MerchantCopy.of(lang))
                }
                @for count in 1..=story.returns().len() {
                    a.button href={ "/payments/" (number) "/receipt?return=" (count) } {
                        (Say::ReturnReceipt.with(lang, &[&count]))
                    }
                }
            }
        }
    }
}

fn about(story: &Story, lang: Lang) -> Markup {
    let payment = &story.payment;
    let sale = &payment.sale;
    let mut rows = vec![
        (Say::TillReference.of(lang), html! { (sale.reference) }),
        (Say::OurReference.of(lang), html! { code { (payment.reference) } }),
    ];
    if let Some(id) = payment.transaction() {
        rows.push((Say::KlarnaId.of(lang), html! { code { (id) } }));
    }
    if let Some(label) = &sale.merchant_reference {
        rows.push((Say::MerchantReference.of(lang), html! { (label) }));
    }
    if payment.is_adopted() {
        rows.push((Say::SoldBy.of(lang), html! { (Say::SoldElsewhere.of(lang)) }));
    }
    let items = &sale.line_items[..sale.line_items.len().min(ITEMS_MAX)];
    html! {
        h2 { (Say::About.of(lang)) }
        (facts(rows))
        @if !items.is_empty() {
            h2 { (Say::LineItems.of(lang)) }
            table.list {
                thead { tr {
                    th scope="col" { (Say::Item.of(lang)) }
                    th.money scope="col" { (Say::Quantity.of(lang)) }
                    th.money scope="col" { (Say::Amount.of(lang)) }
                } }
                tbody { @for item in items { tr {
                    td.text { (item.name) }
                    td.money { (item.quantity) }
                    td.money { (amount(item.total, lang)) }
                } } }
            }
        }
    }
}

#[derive(serde::Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    copy: String,
    /// The return that it is about, counted from 1; the sale itself without it.
    #[serde(default, rename = "return")]
    back: Option<usize>,
    /// What has become of printing it at the till.
    #[serde(default)]
    at_till: String,
}

impl Which {
    fn read(fields: &Fields) -> Self {
        let copy = fields.one("copy").to_owned();
        let back = fields.one("return").parse().ok();
        Self { copy, back, at_till: String::new() }
    }

    /// The fields of a form that say the same.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let back = self.back.map(|back| ("return", back.to_string()));
        [("copy", self.copy.clone())].into_iter().chain(back).collect()
    }

    /// As the audit journal names it.
    fn detail(&self, number: u32) -> Value {
        json!({ "payment": number, "copy": self.copy, "return": self.back })
    }

    fn copy(&self) -> Copy {
        match self.copy.as_str() {
            "merchant" => Copy::Merchant,
            _ => Copy::Customer,
        }
    }
}

pub(super) async fn receipt(
    State(office): Shared,
    visitor: Visitor,
    Named(number): Named<u32>,
    Behind(which): Behind<Which>,
) -> Page {
    visitor.needs(Right::Reprint)?;
    let lang = visitor.lang;
    let (document, _) = document(&office, number, &which)?;
    let to_till = format!("/payments/{number}/till");
    let body = html! {
        (till::notice(&which.at_till, lang))
        div.paper { (document.html()) }
        div.actions {
            button.print data-print hidden { (Say::PrintPage.of(lang)) }
            @if office.context.printer.is_some() {
                form action={ "/payments/" (number) "/print" } method="post" {
                    (csrf(&visitor))
                    @for (name, value) in which.fields() {
                        input type="hidden" name=(name) value=(value);
                    }
                    button { (Say::PrintReceipt.of(lang)) }
                }
            }
            (till::offer(&office, &visitor, &to_till, &which.fields(), Say::TillAsksItself))
            a.button href={ "/payments/" (number) } { (Say::Back.of(lang)) }
        }
    };
    let title = Say::ReceiptTitle.with(lang, &[&PaymentId::new(number)]);
    let sheet = Sheet {
        office: &office,
        visitor: &visitor,
        place: Place::Elsewhere,
        title,
        is_live: false,
    };
    Ok(sheet.with(&body))
}

/// The receipt in the shopper's language, or in that of the terminal; and the till's reference of
/// what it is about.
fn document(
    office: &Office,
    number: u32,
    which: &Which,
) -> Result<(Document, PosReference), Trouble> {
    let story = story(office, number)?;
    let result = story.payment.result().ok_or(Trouble::NotFound)?;
    let locale = result.locale.as_ref();
    let lang = locale.map_or(office.context.language, |locale| Lang::from_tag(locale.as_str()));
    let (copy, head) = (which.copy(), &office.context.head);
    let Some(back) = which.back else {
        return Ok((sale(&result, copy, head, lang), result.reference));
    };
    let returns = story.returns();
    let asked = back.checked_sub(1).and_then(|index| returns.get(index));
    let (reference, at) = *asked.ok_or(Trouble::NotFound)?;
    let operation = story.payment.operation(reference).ok_or(Trouble::NotFound)?;
    let document = returned(&operation, &result, at, copy, head, lang).ok_or(Trouble::NotFound)?;
    Ok((document, operation.reference))
}

/// The receipt that a form asks to print again.
fn asked_for(
    office: &Office,
    number: u32,
    posted: &Posted,
) -> Result<(Which, Document, PosReference), Trouble> {
    posted.visitor.needs(Right::Reprint)?;
    let which = Which::read(&posted.fields);
    let (document, reference) = document(office, number, &which)?;
    Ok((which, document, reference))
}

pub(super) async fn print(
    State(office): Shared,
    Named(number): Named<u32>,
    posted: Posted,
) -> Answer {
    let (which, document, _) = asked_for(&office, number, &posted)?;
    office.note(&posted.visitor, "print", &which.detail(number))?;
    print_document(&office, document).await?;
    Ok(Redirect::to(&format!("/payments/{number}")).into_response())
}

pub(super) async fn print_at_till(
    State(office): Shared,
    Named(number): Named<u32>,
    posted: Posted,
) -> Answer {
    let (which, document, reference) = asked_for(&office, number, &posted)?;
    let told =
        till::print(&office, &posted.visitor, which.detail(number), reference, document).await?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(which.fields()).append_pair("at_till", told);
    let receipt = format!("/payments/{number}/receipt?{}", query.finish());
    Ok(Redirect::to(&receipt).into_response())
}

pub(in crate::console) async fn print_document(
    office: &Office,
    document: Document,
) -> Result<(), Trouble> {
    let Some(printer) = office.context.printer.clone() else { return Err(Trouble::NotFound) };
    let columns = office.context.head.columns;
    work(move || printer::print(&printer, &document, columns))
        .await?
        .map_err(|error| Trouble::Printer(error.to_string()))
}
