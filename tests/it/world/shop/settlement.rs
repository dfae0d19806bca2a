//! The simulated Klarna's side of transactions: captures, refunds, releases, updates, looks, and
//! what others do meanwhile.
//!
//! It refuses what cannot be. Whether the terminal may have asked for it is another question: where
//! others had a hand in the transaction it may; else it is a defect.

use super::Millis;
use super::klarna::{Klarna, refuse};
use super::random::Random;
use super::transaction::{
    AUTHORISATION_LIFE, By, LOOK_MAX, Movement, Transaction, capture_id, minor,
};
use klarna_terminald::id::{RefundId, TransactionId};
use klarna_terminald::payment::effect::{CallKind, CaptureTarget, Effect, Outcome, RefusalReason};
use klarna_terminald::payment::found::{Found, NotFound, Sums};

impl Klarna {
    /// Carries out what is about a transaction.
    pub(super) fn settle(&mut self, t: Millis, kind: &CallKind, unwilling: bool) -> Outcome {
        match kind {
            CallKind::Capture { transaction, amount, reference } => {
                let reference = reference.to_string();
                let movement =
                    Movement { at: t, amount: amount.minor(), reference, ..Movement::default() };
                self.capture(t, transaction, movement, unwilling)
            }
            CallKind::Refund { transaction, amount, reference, capture } => {
                let reference = reference.to_string();
                let movement =
                    Movement { at: t, amount: amount.minor(), reference, ..Movement::default() };
                self.refund(transaction, capture.as_ref(), movement, unwilling)
            }
            CallKind::Void { transaction, rest, amount } => {
                let rest = rest.then_some(amount.minor());
                self.void(t, transaction, rest, unwilling)
            }
            CallKind::Update { transaction, merchant_reference, .. } => {
                self.update(t, transaction, merchant_reference.as_str(), unwilling)
            }
            CallKind::Check { .. } => self.find(t, kind),
            CallKind::Create { .. } | CallKind::Cancel { .. } | CallKind::Confirm { .. } => {
                unreachable!("these are about a payment request")
            }
        }
    }

    /// A look for the effect of a call whose key is too old, or a comparison of sums.
    pub fn find(&mut self, t: Millis, kind: &CallKind) -> Outcome {
        match kind {
            CallKind::Capture { transaction, reference, .. } => {
                self.look_for(transaction, reference.as_str(), "capture")
            }
            CallKind::Refund { transaction, reference, .. } => {
                self.look_for(transaction, reference.as_str(), "refund")
            }
            CallKind::Check { transaction, expected, .. } => self.check(t, transaction, expected),
            CallKind::Create { .. }
            | CallKind::Cancel { .. }
            | CallKind::Confirm { .. }
            | CallKind::Update { .. }
            | CallKind::Void { .. } => Outcome::Absent,
        }
    }

    fn look_for(&mut self, id: &TransactionId, ours: &str, what: &'static str) -> Outcome {
        let Some(found) = self.transactions.get_mut(id.as_str()) else { return Outcome::Absent };
        let capture = what == "capture";
        let rows = if capture { &mut found.captures } else { &mut found.refunds };
        if let Some(number) = rows.iter().position(|row| row.reference == ours) {
            rows[number].admitted = true;
            let done = if capture { captured(id, number) } else { refunded(ours) };
            return Outcome::Done(done);
        }
        if rows.iter().any(|row| row.reference.is_empty()) {
            self.refused.push((found.of.clone(), what));
            return refuse(RefusalReason::Contradiction, "CONTRADICTION");
        }
        Outcome::Absent
    }

    fn check(&mut self, t: Millis, id: &TransactionId, expected: &Sums) -> Outcome {
        let Some(found) = self.transactions.get(id.as_str()) else {
            return self.wrong(format!("{id} is checked and does not exist"));
        };
        if found.sums(t) == minor(expected) {
            return Outcome::Done(Effect::Checked);
        }
        self.contradictions += 1;
        self.refused.push((found.of.clone(), "check"));
        refuse(RefusalReason::Contradiction, "CONTRADICTION")
    }

    /// What Klarna says of a transaction; the last part of its name is enough.
    pub fn look_up(&self, t: Millis, id: &TransactionId) -> Result<Found, NotFound> {
        let found = self.transactions.iter().find(|(known, _)| id.is_same(known));
        found.map(|(known, found)| found.found(t, known)).ok_or(NotFound::Unknown)
    }

    fn capture(
        &mut self,
        t: Millis,
        id: &TransactionId,
        movement: Movement,
        unwilling: bool,
    ) -> Outcome {
        let Some(found) = self.transactions.get_mut(id.as_str()) else {
            return self.wrong(format!("{id} is captured and does not exist"));
        };
        found.expired |= found.capturable(t) == 0 && t - found.at >= AUTHORISATION_LIFE;
        if unwilling || found.expired {
            return self.refuses(id, "capture");
        }
        if movement.amount > found.capturable(t) {
            return self.too_much(id, "capture", format!("{movement:?} is more than there is"));
        }
        found.captures.push(movement);
        Outcome::Done(captured(id, found.captures.len() - 1))
    }

    fn refund(
        &mut self,
        id: &TransactionId,
        target: Option<&CaptureTarget>,
        mut movement: Movement,
        unwilling: bool,
    ) -> Outcome {
        let Some(found) = self.transactions.get_mut(id.as_str()) else {
            return self.wrong(format!("{id} is refunded and does not exist"));
        };
        if unwilling {
            return self.refuses(id, "refund");
        }
        let number = match target {
            None if found.captures.len() > 1 => None,
            None => Some(0),
            Some(target) => (0..found.captures.len()).find(|number| {
                let same = found.captures[*number].reference == target.reference.as_str();
                target
                    .id
                    .as_ref()
                    .map_or(same, |id_| Some(id_) == capture_id(id.as_str(), *number).as_ref())
            }),
        };
        let Some(number) = number.filter(|_| !found.closed) else {
            return self.too_much(id, "refund", format!("{movement:?} names no capture"));
        };
        if movement.amount > found.rest_of(number) {
            return self.too_much(id, "refund", format!("{movement:?} is more than was captured"));
        }
        movement.capture = Some(number);
        let effect = refunded(&movement.reference);
        found.refunds.push(movement);
        Outcome::Done(effect)
    }

    /// Gives back the whole, or a `rest` that is as much as this by whoever asks.
    fn void(
        &mut self,
        t: Millis,
        id: &TransactionId,
        rest: Option<i64>,
        unwilling: bool,
    ) -> Outcome {
        let Some(found) = self.transactions.get_mut(id.as_str()) else {
            return self.wrong(format!("{id} is voided and does not exist"));
        };
        let over = found.voided.is_some() || found.released.is_some();
        found.expired |= !over && t - found.at >= AUTHORISATION_LIFE;
        // Releasing what is released already is no decision any more.
        if !over && (unwilling || found.expired || found.closed) {
            return self.refuses(id, "void");
        }
        if rest.is_none() && found.captured() > 0 {
            return self.too_much(id, "void", format!("{id} is voided and captured"));
        }
        if !over {
            let gone = if rest.is_some() { &mut found.released } else { &mut found.voided };
            *gone = Some(t);
        }
        match rest {
            Some(amount) => found.release_told = Some(amount),
            None => found.void_told = true,
        }
        Outcome::Done(Effect::Voided)
    }

    fn update(&mut self, t: Millis, id: &TransactionId, label: &str, unwilling: bool) -> Outcome {
        let Some(found) = self.transactions.get_mut(id.as_str()) else {
            return self.wrong(format!("{id} is updated and does not exist"));
        };
        if found.labels.last().is_some_and(|(_, known)| known == label) {
            return Outcome::Done(Effect::Updated);
        }
        let old = t - found.at >= AUTHORISATION_LIFE;
        // One that was under way when the sale was voided may come late.
        if unwilling || old || found.voided.is_some() {
            return self.refuses(id, "update");
        }
        if found.capturable(t) == 0 {
            return self.too_much(id, "update", format!("{id} is updated and has nothing left"));
        }
        found.labels.push((t, label.to_owned()));
        Outcome::Done(Effect::Updated)
    }

    fn refuses(&mut self, id: &TransactionId, what: &'static str) -> Outcome {
        let of = self.transactions[id.as_str()].of.clone();
        self.refused.push((of, what));
        refuse(RefusalReason::NotAllowed, "OPERATION_FORBIDDEN")
    }

    /// The terminal may ask for what cannot be only where it cannot know better.
    fn too_much(&mut self, id: &TransactionId, what: &'static str, why: String) -> Outcome {
        let found = &self.transactions[id.as_str()];
        let since = found.looked.unwrap_or(0).saturating_sub(LOOK_MAX);
        match found.touched.is_some_and(|touched| touched >= since) {
            true => self.refuses(id, what),
            false => self.wrong(why),
        }
    }

    /// The last movement was made, and yet the answer says no.
    pub fn deny(&mut self, kind: &CallKind) -> Option<Outcome> {
        let (id, what, ours) = match kind {
            CallKind::Capture { transaction, reference, .. } => (transaction, "capture", reference),
            CallKind::Refund { transaction, reference, .. } => (transaction, "refund", reference),
            _ => return None,
        };
        let found = self.transactions.get_mut(id.as_str())?;
        let rows = if what == "capture" { &mut found.captures } else { &mut found.refunds };
        let row = rows.last_mut().filter(|row| row.reference == ours.as_str())?;
        row.denied = true;
        found.touched = Some(row.at);
        Some(self.refuses(id, what))
    }

    // -- others ----------------------------------------------------------------------------------

    /// Another shop sells something, and captures and refunds some of it.
    pub fn sold_elsewhere(&mut self, t: Millis, random: &mut Random) {
        self.strangers += 1;
        let number = self.strangers;
        let amount = i64::try_from(random.between(100, 20_000)).expect("an amount");
        let made = Transaction {
            of: format!("WEB-{number}"),
            amount,
            at: t,
            sold_elsewhere: true,
            touched: Some(t),
            closed: random.chance(80),
            ..Transaction::default()
        };
        let id = format!("krn:web:w{number}");
        self.transactions.insert(id.clone(), made);
        for part in 0..random.between(0, 3) {
            let found = &self.transactions[&id];
            let left = found.amount - found.captured();
            let whole = part == 2 || random.chance(500);
            self.others_capture(t, &id, if whole { left } else { left / 2 }, random);
        }
        if random.chance(300) {
            self.others_refund(t, &id, random);
        }
    }

    /// Others capture, refund or release some of a transaction; whether they could.
    pub fn others_act(&mut self, t: Millis, id: &str, random: &mut Random) -> bool {
        match random.between(0, 9) {
            0..2 => {
                let left = self.transactions[id].capturable(t);
                let amount = if random.chance(500) { left } else { left / 2 };
                self.others_capture(t, id, amount, random)
            }
            2..9 => self.others_refund(t, id, random),
            _ => self.others_release(t, id),
        }
    }

    fn others_capture(&mut self, t: Millis, id: &str, amount: i64, random: &mut Random) -> bool {
        let reference = self.others_reference(random);
        let found = self.transactions.get_mut(id).expect("it is known");
        let left = found.amount - found.captured();
        let fits = amount > 0 && amount <= left && found.voided.is_none();
        if !fits || found.released.is_some() || t - found.at >= AUTHORISATION_LIFE {
            return false;
        }
        let by = By::Others;
        found.captures.push(Movement { at: t, amount, reference, by, ..Movement::default() });
        found.touched = Some(t);
        true
    }

    fn others_refund(&mut self, t: Millis, id: &str, random: &mut Random) -> bool {
        let reference = self.others_reference(random);
        let found = self.transactions.get_mut(id).expect("it is known");
        let some = (0..found.captures.len()).find(|number| found.rest_of(*number) > 0);
        let Some(number) = some else { return false };
        let rest = found.rest_of(number);
        let amount = if random.chance(300) { rest } else { (rest / 3).max(1) };
        let (by, capture) = (By::Others, Some(number));
        let refund = Movement { at: t, amount, reference, by, capture, ..Movement::default() };
        found.refunds.push(refund);
        found.touched = Some(t);
        true
    }

    fn others_release(&mut self, t: Millis, id: &str) -> bool {
        let found = self.transactions.get_mut(id).expect("it is known");
        if found.capturable(t) == 0 {
            return false;
        }
        match found.captures.is_empty() {
            true => found.voided = Some(t),
            false => found.released = Some(t),
        }
        (found.released_by, found.touched) = (By::Others, Some(t));
        true
    }

    /// Sometimes they give none.
    fn others_reference(&mut self, random: &mut Random) -> String {
        self.count += 1;
        if random.chance(150) { String::new() } else { format!("other-{}", self.count) }
    }
}

fn captured(id: &TransactionId, number: usize) -> Effect {
    Effect::Captured { capture: capture_id(id.as_str(), number) }
}

fn refunded(reference: &str) -> Effect {
    Effect::Refunded { refund: RefundId::new(reference).ok() }
}
