//! Finding a sale by whatever somebody may have at hand. What is typed is data, never a pattern.

use super::{Book, Found};
use crate::clock::{Wall, Zone};
use crate::id::{PaymentId, PaymentReference, PosReference, TransactionId};
use crate::money::{Amount, Currency};
use crate::payment::Payment;
use crate::payment::vocabulary::SaleName;
use crate::receipt::ReturnCode;
use crate::store::StoreError;
use std::time::Duration;

/// Distance to the named time within which a sale is the one that is meant.
const NEARBY: Duration = Duration::from_secs(15 * 60);
/// How far back a sale is searched by its amount.
const LOOK_BACK: Duration = Duration::from_secs(60 * 86_400);
/// Minutes of a day.
const DAY_MIN: u32 = 24 * 60;
/// Payments that a search shows.
const FOUND_MAX: u32 = 25;
/// Longest search, in characters; a receipt's code is shorter.
const SEARCH_LEN_MAX: usize = 600;

impl Book {
    /// Looks for a sale by whatever somebody may have at hand: the code or number on the receipt, a
    /// reference of the till or of ours, Klarna's id, or an amount and perhaps the time.
    pub(in crate::console) fn search(
        &self,
        text: &str,
        now: Wall,
        zone: &Zone,
        currencies: &[Currency],
    ) -> Result<Found, StoreError> {
        let text: String = text.trim().chars().take(SEARCH_LEN_MAX).collect();
        let mut found = Found::default();
        let mut ids: Vec<PaymentId> = Vec::new();
        for name in names(&text) {
            match self.named(&name)? {
                Some(id) => ids.push(id),
                None => {
                    if let SaleName::Transaction(id) = name {
                        found.elsewhere = Some(id);
                    }
                }
            }
        }
        if let Some(sought) = Sought::parse(&text, currencies) {
            ids.extend(self.of_amount(&sought, now, zone)?);
        }
        if ids.is_empty() && found.elsewhere.is_none() && !text.is_empty() {
            ids = self.reader.beginning_with(&text, FOUND_MAX)?;
        }
        if !ids.is_empty() {
            found.elsewhere = None;
        }
        let mut seen = Vec::new();
        for id in ids.into_iter().take(FOUND_MAX as usize) {
            if !seen.contains(&id) {
                seen.push(id);
                found.payments.extend(self.payment(id)?);
            }
        }
        Ok(found)
    }

    fn of_amount(
        &self,
        sought: &Sought,
        now: Wall,
        zone: &Zone,
    ) -> Result<Vec<PaymentId>, StoreError> {
        // A clock that was set back makes what was sold before it the future.
        let until = now.after(LOOK_BACK);
        let from = Wall::from_millis(
            now.millis().saturating_sub(i64::try_from(LOOK_BACK.as_millis()).unwrap_or(i64::MAX)),
        );
        let mut ids = Vec::new();
        for amount in &sought.amounts {
            for id in self.reader.of_amount(amount.minor(), from, until, 4 * FOUND_MAX)? {
                let Some(payment) = self.payment(id)? else { continue };
                let fits = payment.sale.amount == *amount;
                if fits && sought.time.is_none_or(|time| is_near(&payment, time, zone)) {
                    ids.push(id);
                }
            }
        }
        Ok(ids)
    }
}

fn is_near(payment: &Payment, minute: u32, zone: &Zone) -> bool {
    let Some(civil) = zone.civil(payment.started) else { return false };
    let of_day = u32::from(civil.hour) * 60 + u32::from(civil.minute);
    let apart = of_day.abs_diff(minute);
    u64::from(apart.min(DAY_MIN - apart)) * 60 <= NEARBY.as_secs()
}

/// What `text` may name, the likeliest first.
fn names(text: &str) -> Vec<SaleName> {
    if let Ok(code) = text.parse::<ReturnCode>() {
        let transaction = code.transaction.map(SaleName::Transaction);
        return [Some(SaleName::Payment(code.payment_reference)), transaction]
            .into_iter()
            .flatten()
            .collect();
    }
    let mut names = Vec::new();
    if let Ok(number) = text.parse::<u32>() {
        names.push(SaleName::Number(PaymentId::new(number)));
    }
    names.extend(PosReference::new(text).ok().map(SaleName::Till));
    names.extend(PaymentReference::new(text).ok().map(SaleName::Payment));
    let is_klarnas = text.starts_with("krn:") || uuid::Uuid::parse_str(text).is_ok();
    names.extend(
        is_klarnas.then(|| TransactionId::new(text).ok()).flatten().map(SaleName::Transaction),
    );
    names
}

/// An amount and perhaps a time, such as `12.34`, `12,34 EUR` or `12.34 14:35`.
#[derive(Debug, PartialEq, Eq)]
struct Sought {
    /// In each currency that it may be in.
    amounts: Vec<Amount>,
    /// Minutes since midnight.
    time: Option<u32>,
}

impl Sought {
    fn parse(text: &str, currencies: &[Currency]) -> Option<Self> {
        let (mut number, mut currency, mut time) = (None, None, None);
        for word in text.split_whitespace() {
            let code = word.to_ascii_uppercase();
            if let Some((hour, minute)) = word.split_once(':') {
                let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
                time = Some(hour * 60 + minute).filter(|_| hour < 24 && minute < 60);
                time?;
            } else if let Ok(found) = Currency::new(&code) {
                currency = Some(found);
            } else if number.is_none() {
                number = Some(word.replace(',', "."));
            } else {
                return None;
            }
        }
        let number = number?;
        let amounts = currencies.iter().filter(|known| currency.is_none_or(|it| it == **known));
        let amounts = amounts.filter_map(|known| Amount::parse(&number, *known).ok());
        let amounts: Vec<Amount> = amounts.filter(|amount| !amount.is_zero()).collect();
        (!amounts.is_empty()).then_some(Self { amounts, time })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_and_a_time_are_read_as_people_write_them() {
        let euro = Currency::new("EUR").expect("EUR");
        let krona = Currency::new("SEK").expect("SEK");
        let check = |text: &str, minor: &[i64], time| {
            let sought = Sought::parse(text, &[euro, krona]);
            let expected = (!minor.is_empty()).then(|| Sought {
                amounts: minor.iter().zip([euro, krona]).map(|(m, c)| Amount::new(*m, c)).collect(),
                time,
            });
            assert_eq!(sought, expected, "{text:?}");
        };
        check("12.34", &[1234, 1234], None);
        check("12,34 eur", &[1234], None);
        check("EUR 5 9:05", &[500], Some(545));
        check("0", &[], None);
        check("12.345", &[], None);
        check("12.34 25:00", &[], None);
        check("one two", &[], None);
        check("", &[], None);
    }
}
