//! A transaction of anybody's as Klarna describes it: for the return of what another terminal or a
//! web shop has sold, and for comparing books.
//!
//! Version 1 publishes no shape of it; the names are those of later versions and of the settlement
//! file. What is needed and missing makes the answer unusable, never zero.

use super::Klarna;
use super::error::Failure;
use super::refused;
use super::wire::{Entry, Transaction};
use crate::id::{CaptureId, EffectReference, Label, PaymentReference, TransactionId};
use crate::money::{Amount, Currency};
use crate::payment::effect::{Effect, Outcome, RefusalReason};
use crate::payment::found::{Found, FoundCapture, FoundRefund, NotFound, Sums};

impl Klarna {
    /// Reads a transaction, whoever has sold it.
    ///
    /// # Errors
    /// [`NotFound`].
    pub(in crate::acquirer) async fn look_up(
        &self,
        transaction: &TransactionId,
    ) -> Result<Found, NotFound> {
        match self.read_transaction(transaction).await.and_then(|body| found(&body, transaction)) {
            Ok(found) => Ok(found),
            Err(Failure::Api(error)) if error.is_resource_not_found() => Err(NotFound::Unknown),
            Err(failure) => Err(NotFound::Unreachable(failure.into_delay().reason)),
        }
    }
}

/// Whether Klarna's sums are those that we expect.
pub(super) fn compare(
    body: &Transaction,
    transaction: &TransactionId,
    expected: Sums,
) -> Result<Outcome, Failure> {
    let sums = found(body, transaction)?.sums().map_err(|error| unusable(&error.to_string()))?;
    if sums == expected {
        return Ok(Outcome::Done(Effect::Checked));
    }
    let text = format!("Klarna says: {sums}; the journal says: {expected}");
    Ok(refused(RefusalReason::Contradiction, "CONTRADICTION", text))
}

fn found(body: &Transaction, asked: &TransactionId) -> Result<Found, Failure> {
    let currency = body.text(&["currency"]).ok_or_else(|| unusable("it names no currency"))?;
    let currency = Currency::new(currency).map_err(|error| unusable(&error.to_string()))?;
    let money = |minor| Amount::new(minor, currency);
    let authorised = body.number(&["payment_amount", "authorized_amount", "amount"]);
    let authorised = authorised.filter(|minor| *minor > 0).map(money);
    let authorised = authorised.ok_or_else(|| unusable("it does not say what was authorised"))?;
    let captures = body.captures()?.into_iter().map(|row| capture(&row, currency));
    let captures: Vec<FoundCapture> = captures.collect::<Result<_, _>>()?;
    let refunds = body.refunds()?.into_iter().map(|row| refund(&row, currency));
    let refunds: Vec<FoundRefund> = refunds.collect::<Result<_, _>>()?;
    let captured: i64 = captures.iter().map(|row| row.amount.minor()).sum();
    let left = match (body.number(&["remaining_authorized_amount"]), body.state()) {
        (Some(left), _) => left,
        (None, "AUTHORIZED") => authorised.minor() - captured,
        (None, _) => 0,
    };
    let transaction = body.text(&["payment_transaction_id", "transaction_id"]);
    let label = |names: &[&str]| body.text(names).map(str::to_owned);
    let reference = label(&["payment_transaction_reference", "payment_reference"]);
    Ok(Found {
        transaction: transaction
            .and_then(|id| TransactionId::new(id).ok())
            .unwrap_or_else(|| asked.clone()),
        authorised,
        capturable: money(left.max(0)),
        captures,
        refunds,
        closed: body.state() == "CLOSED",
        merchant_reference: label(&["merchant_reference"]).and_then(|text| Label::new(text).ok()),
        payment_reference: reference.and_then(|text| PaymentReference::new(text).ok()),
    })
}

fn capture(row: &Entry, currency: Currency) -> Result<FoundCapture, Failure> {
    Ok(FoundCapture {
        id: row.id.clone().and_then(|id| CaptureId::new(id).ok()),
        reference: reference(row),
        amount: amount(row, currency)?,
    })
}

fn refund(row: &Entry, currency: Currency) -> Result<FoundRefund, Failure> {
    Ok(FoundRefund {
        capture: row.capture.clone().and_then(|id| CaptureId::new(id).ok()),
        reference: reference(row),
        amount: amount(row, currency)?,
    })
}

fn reference(row: &Entry) -> Option<EffectReference> {
    row.reference.clone().and_then(|text| EffectReference::new(text).ok())
}

fn amount(row: &Entry, currency: Currency) -> Result<Amount, Failure> {
    let minor = row.minor.filter(|minor| *minor > 0);
    let minor = minor.ok_or_else(|| unusable("a capture or refund names no amount"))?;
    Ok(Amount::new(minor, currency))
}

fn unusable(why: &str) -> Failure {
    Failure::Contradiction(format!("the transaction cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Found, Failure> {
        let asked = TransactionId::new("t-1").expect("an id");
        found(&Transaction::parse(body.as_bytes(), &asked)?, &asked)
    }

    const WEB_SHOP: &str = r#"{
        "payment_transaction_id": "krn:payment:eu1:transaction:t-1", "state": "COMPLETED",
        "currency": "EUR", "payment_amount": 5000, "merchant_reference": "web-7",
        "captures": [{"payment_capture_id": "c-1", "capture_amount": 2000},
                     {"payment_capture_id": "c-2", "capture_amount": 1500}],
        "refunds": [{"payment_refund_id": "r-1", "payment_capture_id": "c-2",
                     "refund_amount": 500, "refund_reference": "back"}]}"#;

    #[test]
    fn the_sums_of_somebody_elses_sale_are_read() {
        let found = read(WEB_SHOP).expect("usable");
        assert_eq!(found.transaction.as_str(), "krn:payment:eu1:transaction:t-1");
        let sums = found.sums().expect("small").to_string();
        assert_eq!(sums, "captured EUR 35.00, refunded EUR 5.00, still authorised EUR 0.00");
        assert_eq!(found.refunds[0].capture, found.captures[1].id);
        assert!(!found.closed);
    }

    #[test]
    fn what_is_missing_is_never_taken_for_zero() {
        for (cut, why) in [
            (r#""currency": "EUR", "#, "names no currency"),
            (r#""payment_amount": 5000, "#, "what was authorised"),
            (r#""refund_amount": 500, "#, "names no amount"),
            (r#"{"payment_capture_id": "c-1", "capture_amount": 2000},"#, ""),
        ] {
            let body = WEB_SHOP.replace(cut, "");
            assert_ne!(body, WEB_SHOP, "{cut}");
            match read(&body) {
                Err(failure) => {
                    let text = format!("{failure:?}");
                    assert!(!why.is_empty() && text.contains(why), "{text}");
                }
                Ok(found) => assert!(why.is_empty(), "{found:?}"),
            }
        }
    }

    #[test]
    fn other_sums_are_a_contradiction_that_names_both() {
        let asked = TransactionId::new("t-1").expect("an id");
        let body = Transaction::parse(WEB_SHOP.as_bytes(), &asked).expect("an object");
        let sums = read(WEB_SHOP).expect("usable").sums().expect("small");
        assert_eq!(compare(&body, &asked, sums), Ok(Outcome::Done(Effect::Checked)));
        let expected = Sums { refunded: sums.capturable, ..sums };
        let Ok(Outcome::Refused(refusal)) = compare(&body, &asked, expected) else {
            panic!("other sums are no agreement")
        };
        assert_eq!(
            refusal.text,
            "Klarna says: captured EUR 35.00, refunded EUR 5.00, still authorised EUR 0.00; \
             the journal says: captured EUR 35.00, refunded EUR 0.00, still authorised EUR 0.00"
        );
    }
}
