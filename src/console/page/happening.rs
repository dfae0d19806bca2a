//! What the journal says has happened, in a sentence for staff.

use super::parts::{amount, not_paid};
use crate::console::words::Say;
use crate::i18n::Lang;
use crate::payment::event::{Event, ReturnReason, VoidReason, Why};
use crate::payment::notice::{Concern, Notice};

/// What has happened, in a sentence.
pub(super) fn happening(event: &Event, lang: Lang) -> String {
    let of = |say: Say| say.of(lang).to_owned();
    let money = |say: Say, sum: &crate::money::Amount| say.with(lang, &[&amount(*sum, lang)]);
    match event {
        Event::SaleRequested { sale, .. } => money(Say::HasSaleRequested, &sale.amount),
        Event::Created { .. } => of(Say::HasCreated),
        Event::Unavailable { .. } => of(Say::HasUnavailable),
        Event::CreateRefused { refusal } => Say::HasCreateRefused.with(lang, &[&refusal.code]),
        Event::ShopperOpened => of(Say::HasShopperOpened),
        Event::ShopperLeft => of(Say::HasShopperLeft),
        Event::Approved { .. } => of(Say::HasApproved),
        Event::ConfirmDoubted => of(Say::HasConfirmDoubted),
        Event::ConfirmRefused { refusal } => Say::HasConfirmRefused.with(lang, &[&refusal.code]),
        Event::Authorised { amount: sum, .. } => money(Say::HasAuthorised, sum),
        Event::Acknowledged => of(Say::HasAcknowledged),
        Event::GivenUp { reason } => Say::HasGivenUp.with(lang, &[&not_paid(*reason).of(lang)]),
        Event::RequestEnded { .. } => of(Say::HasRequestEnded),
        Event::VoidDecided { reason, why, .. } => {
            because(of(void_reason(*reason)), why.as_ref(), lang)
        }
        Event::Voided { amount: sum } => money(Say::HasVoided, sum),
        Event::CaptureQueued { amount: sum, .. } => money(Say::HasCaptureQueued, sum),
        Event::Captured { amount: sum, .. } => money(Say::HasCaptured, sum),
        Event::ReleaseQueued { amount: sum, .. } => money(Say::HasReleaseQueued, sum),
        Event::Released { amount: sum, .. } => money(Say::HasReleased, sum),
        Event::RefundQueued { amount: sum, why, .. } => {
            because(money(Say::HasRefundQueued, sum), why.as_ref(), lang)
        }
        Event::Refunded { amount: sum, .. } => money(Say::HasRefunded, sum),
        Event::CallRefused { refusal, .. } => Say::HasCallRefused.with(lang, &[&refusal.code]),
        Event::Rekeyed { .. } => of(Say::HasRekeyed),
        Event::CallRetried { .. } => of(Say::HasCallRetried),
        Event::CallResolved { reason, .. } => Say::HasCallResolved.with(lang, &[reason]),
        Event::Adopted { found, .. } => money(Say::HasAdopted, &found.authorised),
        Event::UpdateQueued { merchant_reference, .. } => {
            Say::HasUpdateQueued.with(lang, &[merchant_reference])
        }
        Event::Updated { .. } => of(Say::HasUpdated),
        Event::CheckQueued => of(Say::HasCheckQueued),
        Event::Checked { .. } => of(Say::HasChecked),
        Event::NotCompared { .. } => of(Say::HasNotCompared),
        Event::Noted { notice } => noted(notice, lang),
        Event::ShiftEnded { report } => Say::HasShiftEnded.with(lang, &[&report.shift]),
    }
}

/// What Klarna has told, in a sentence and in its own words.
pub(super) fn noted(notice: &Notice, lang: Lang) -> String {
    let say = match notice.concern {
        Concern::Dispute => Say::HasDispute,
        Concern::Settlement => Say::HasSettlement,
        Concern::Account => Say::HasAccount,
    };
    let named = [notice.dispute.as_ref().map(|id| id.as_str())];
    let words = [notice.kind.as_str()].into_iter().chain(named.into_iter().flatten());
    say.with(lang, &[&words.collect::<Vec<_>>().join(", ")])
}

/// The same with what the shop says about it.
fn because(sentence: String, why: Option<&ReturnReason>, lang: Lang) -> String {
    let Some(ReturnReason { why, note }) = why else { return sentence };
    let reason = match why {
        Why::Returned => Say::WhyReturned,
        Why::Damaged => Say::WhyDamaged,
        Why::WrongPrice => Say::WhyWrongPrice,
        Why::Goodwill => Say::WhyGoodwill,
        Why::Other => Say::WhyOther,
    };
    match note {
        Some(note) => format!("{sentence} {}: {note}", reason.of(lang)),
        None => format!("{sentence} {}", reason.of(lang)),
    }
}

fn void_reason(reason: VoidReason) -> Say {
    match reason {
        VoidReason::NotAcknowledged => Say::HasVoidNotAcknowledged,
        VoidReason::RequestedByTill => Say::HasVoidRequested,
        VoidReason::LatePayment(_) => Say::HasVoidLate,
    }
}
