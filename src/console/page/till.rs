//! Having the till print a receipt or report once more: the button, and what has become of it.
//!
//! Whether the till knows the message, and whether it has paper, nobody here can tell.

use super::{Office, Trouble, csrf};
use crate::console::AtTill;
use crate::console::visitor::Visitor;
use crate::console::words::Say;
use crate::i18n::Lang;
use crate::id::PosReference;
use crate::receipt::Document;
use maud::{Markup, html};
use serde_json::Value;

/// What a page may be opened with after the button was pressed.
#[derive(Debug, serde::Deserialize)]
pub(super) struct After {
    /// What has become of it; empty where the button was not pressed.
    #[serde(default)]
    pub(super) at_till: String,
}

/// The button, with the fields that say what is meant; why there is none, if there is none.
pub(super) fn offer(
    office: &Office,
    visitor: &Visitor,
    action: &str,
    fields: &[(&str, String)],
    instead: Say,
) -> Markup {
    html! {
        @if office.context.tells_till_to_print {
            form action=(action) method="post" {
                (csrf(visitor))
                @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
                button { (Say::PrintAtTill.of(visitor.lang)) }
            }
        } @else {
            small { (instead.of(visitor.lang)) }
        }
    }
}

/// The words for what has become of it, on the page that is shown after the button was pressed.
pub(super) fn notice(at_till: &str, lang: Lang) -> Markup {
    let known = [AtTill::Sent, AtTill::Away, AtTill::Busy, AtTill::TooLong];
    let told = known.into_iter().map(outcome).find(|(name, _)| *name == at_till);
    html! {
        @if let Some((_, say)) = told {
            @let is_sent = say == Say::SentToTill;
            p.notice.good[is_sent].alert[!is_sent] role=(if is_sent { "status" } else { "alert" }) {
                (say.of(lang))
            }
        }
    }
}

/// Its name in an address, and its words.
fn outcome(told: AtTill) -> (&'static str, Say) {
    match told {
        AtTill::Sent => ("sent", Say::SentToTill),
        AtTill::Away => ("away", Say::NoTillToPrint),
        AtTill::Busy => ("busy", Say::TillIsBusy),
        AtTill::TooLong => ("too_long", Say::TooLongForTill),
    }
}

/// Sends `document`, marked as a duplicate, to the till; what its page is to be opened with.
///
/// # Errors
/// [`Trouble::NotFound`] if the till cannot be told what to print, [`Trouble::NoAnswer`], and
/// [`Trouble::Storage`] if that cannot be noted in the audit journal.
pub(super) async fn print(
    office: &Office,
    visitor: &Visitor,
    mut detail: Value,
    reference: PosReference,
    document: Document,
) -> Result<&'static str, Trouble> {
    if !office.context.tells_till_to_print {
        return Err(Trouble::NotFound);
    }
    detail["at"] = "till".into();
    office.note(visitor, "print", &detail)?;
    let lines = document.once_more().for_till(office.context.head.columns);
    Ok(outcome(office.print_at_till(reference, lines).await?).0)
}
