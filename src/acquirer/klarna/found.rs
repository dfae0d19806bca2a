//! A transaction of anybody's as Klarna describes it: for the return of what another terminal or a
//! web shop has sold, and for comparing books.
//!
//! Version 1 publishes no shape of it; the names are those of later versions and of the settlement
//! file. What is needed and missing makes the answer unusable, never zero.

use super::Klarna;
use super::error::Failure;
use super::refused;
use super::wire::{Entry, Transaction};
use crate::id::{CaptureId, EffectReference, Label, PaymentReference, RefundId, TransactionId};
use crate::money::{Amount, Currency};
use crate::payment::effect::{Effect, Outcome, RefusalReason};
use crate::payment::found::{Found, FoundCapture, FoundRefund, NotFound, Sums};
use crate::payment::ledger::{CAPTURES_MAX, REFUNDS_MAX};

impl Klarna {
    /// Reads a transaction, whoever has sold it.
    ///
    /// # Errors
    /// [`NotFound`].
    pub(in crate::acquirer) async fn look_up(
        &self,
        transaction: &TransactionId,
    ) -> Result<Found, NotFound> {
        // The URL would be another one.
        if matches!(transaction.as_str(), "." | "..") {
            return Err(NotFound::Unknown);
        }
        match self.read_transaction(transaction).await.and_then(|body| found(&body, transaction)) {
            Ok(found) => Ok(found),
            Err(Failure::Api(error)) if error.is_resource_not_found() => Err(NotFound::Unknown),
            Err(failure) => Err(NotFound::Unreachable(failure.into_delay().reason)),
        }
    }
}

/// Whether Klarna's sums are those that we expect. Only an answer that shows other sums is a
/// contradiction; one that cannot be compared is no verdict, and nobody has to wait for it.
pub(super) fn compare(
    answer: Result<Transaction, Failure>,
    transaction: &TransactionId,
    expected: Sums,
) -> Outcome {
    let sums = answer.and_then(|body| {
        found(&body, transaction)?.sums().map_err(|error| unusable(&error.to_string()))
    });
    match sums {
        Ok(sums) if sums == expected => Outcome::Done(Effect::Checked),
        Ok(sums) => {
            let text = format!("Klarna says: {sums}; the journal says: {expected}");
            refused(RefusalReason::Contradiction, "CONTRADICTION", text)
        }
        Err(Failure::Contradiction(why)) => Outcome::Done(Effect::NotComparable(why)),
        Err(Failure::Api(error)) if error.is_resource_not_found() => {
            let text = format!("Klarna knows no such transaction; the journal says: {expected}");
            refused(RefusalReason::Contradiction, "CONTRADICTION", text)
        }
        Err(Failure::Api(error)) if error.is_definite() => {
            Outcome::Done(Effect::NotComparable(error.to_string()))
        }
        Err(failure) => Outcome::Retry(failure.into_delay()),
    }
}

fn found(body: &Transaction, asked: &TransactionId) -> Result<Found, Failure> {
    let currency = body.text(&["currency"]).ok_or_else(|| unusable("it names no currency"))?;
    let currency = Currency::new(currency).map_err(|error| unusable(&error.to_string()))?;
    let money = |minor| Amount::new(minor, currency);
    let authorised = body.number(&["payment_amount", "authorized_amount", "amount"]);
    let authorised = authorised.map(money).filter(Amount::fits_klarna);
    let authorised = authorised.ok_or_else(|| unusable("it does not say what was authorised"))?;
    let captures = body.captures()?.into_iter().map(|row| capture(&row, currency));
    let captures: Vec<FoundCapture> = captures.collect::<Result<_, _>>()?;
    let refunds = body.refunds()?.into_iter().map(|row| refund(&row, currency));
    let refunds: Vec<FoundRefund> = refunds.collect::<Result<_, _>>()?;
    if captures.len() > CAPTURES_MAX || refunds.len() > REFUNDS_MAX {
        return Err(unusable("it has more captures or refunds than Klarna allows"));
    }
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
        capturable: money(left.clamp(0, authorised.minor())),
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
        id: row.id.clone().and_then(|id| RefundId::new(id).ok()),
        capture: row.capture.clone().and_then(|id| CaptureId::new(id).ok()),
        reference: reference(row),
        amount: amount(row, currency)?,
    })
}

fn reference(row: &Entry) -> Option<EffectReference> {
    row.reference.clone().and_then(|text| EffectReference::new(text).ok())
}

fn amount(row: &Entry, currency: Currency) -> Result<Amount, Failure> {
    let amount = row.minor.map(|minor| Amount::new(minor, currency)).filter(Amount::fits_klarna);
    amount.ok_or_else(|| unusable("a capture or refund names no amount"))
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
        assert_eq!(compare(Ok(body.clone()), &asked, sums), Outcome::Done(Effect::Checked));
        let silent = Transaction::parse(br#"{"state":"AUTHORIZED"}"#, &asked);
        let verdict = compare(silent, &asked, sums);
        assert!(matches!(verdict, Outcome::Done(Effect::NotComparable(_))), "{verdict:?}");
        let expected = Sums { refunded: sums.capturable, ..sums };
        let Outcome::Refused(refusal) = compare(Ok(body), &asked, expected) else {
            panic!("other sums are no agreement")
        };
        assert_eq!(
            refusal.text,
            "Klarna says: captured EUR 35.00, refunded EUR 5.00, still authorised EUR 0.00; \
             the journal says: captured EUR 35.00, refunded EUR 0.00, still authorised EUR 0.00"
        );
    }
}
