//! What each of Klarna's operations does once a call has been let in: check the body, change the
//! resource, answer with it.
//!
//! It does not know of keys, limits or faults; `world` deals with those before and after.

use super::call::Call;
use super::error::Refusal;
use super::request::{PaymentRequest, State};
use super::route::{Route, Target};
use super::rules;
use super::transaction::{RefundOf, Transaction};
use super::view::Availability;
use super::world::World;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Status and body of a success.
pub(super) type Done = (u16, Value);

/// The placeholder that would hand the confirmation token to the shopper's phone.
const TOKEN_PLACEHOLDER: &str = "payment_confirmation_token}";

impl World {
    /// Carries out an operation.
    pub(super) fn operate(
        &mut self,
        now: Timestamp,
        target: &Target,
        call: &Call,
    ) -> Result<Done, Refusal> {
        let body = if target.route.needs_body() { call.json()? } else { Value::Null };
        let id = target.id.as_str();
        match target.route {
            Route::Interoperability => self.interoperability(call),
            Route::Descriptors => self.descriptors(call),
            Route::CreateRequest => self.create(now, &body),
            Route::ReadRequest => Ok((200, self.request(now, id)?.body())),
            Route::UpdateRequest => self.update_request(now, id, &body),
            Route::CancelRequest => self.cancel(now, id),
            Route::Confirm | Route::ConfirmShort => self.confirm(now, target, &body),
            Route::ReadTransaction => Ok((200, self.transaction(now, id)?.body())),
            Route::UpdateTransaction => self.update_transaction(now, id, &body),
            Route::Capture => self.capture(now, target, &body),
            Route::Void => self.void(now, id),
            Route::RefundTransaction | Route::RefundCapture => self.refund(now, target, &body),
            Route::ReadCapture => self.read_capture(now, id),
            Route::ReadRefund => self.read_refund(now, id),
            Route::CreateSigningKey
            | Route::ListSigningKeys
            | Route::ReadSigningKey
            | Route::DeleteSigningKey
            | Route::CreateWebhook
            | Route::ListWebhooks
            | Route::ReadWebhook
            | Route::UpdateWebhook
            | Route::DeleteWebhook
            | Route::SimulateWebhook
            | Route::CreateCredential
            | Route::ListCredentials
            | Route::DeleteCredential => self.manage(now, target, call, &body),
        }
    }

    fn interoperability(&mut self, call: &Call) -> Result<Done, Refusal> {
        rules::interoperability(&call.query()).map_err(Refusal::invalid)?;
        let status = match self.availability {
            Availability::Supported => "PAYMENT_SUPPORTED",
            Availability::Unsupported => "PAYMENT_UNSUPPORTED",
            Availability::Unknown => "PAYMENT_SOMETHING_NEW",
        };
        let session = format!("krn:shopping:eu1:session:{}", self.random.uuid());
        Ok((200, json!({"shopping_session_id": session, "status": status})))
    }

    fn descriptors(&mut self, call: &Call) -> Result<Done, Refusal> {
        rules::descriptors(&call.query()).map_err(Refusal::invalid)?;
        let descriptor = json!({
            "payment_option_id": "simulator-klarna",
            "content": {"nodes": [
                {"name": "PAYMENT_DESCRIPTOR", "type": "TEXT", "value": "Klarna"},
                {"name": "PAYMENT_DESCRIPTOR_SUBHEADER", "type": "TEXT",
                 "value": "Pay now or later, in your phone"},
                {"name": "KLARNA_BADGE", "type": "IMAGE", "label": "Klarna",
                 "url": "https://simulator.invalid/badge.svg"},
            ]},
        });
        let descriptors = match self.availability {
            Availability::Supported | Availability::Unknown => json!([descriptor]),
            Availability::Unsupported => json!([]),
        };
        Ok((200, json!({"payment_descriptors": descriptors})))
    }

    fn create(&mut self, now: Timestamp, body: &Value) -> Result<Done, Refusal> {
        let asked = rules::new_request(body).map_err(Refusal::invalid)?;
        if asked.redirect_url.contains(TOKEN_PLACEHOLDER) {
            self.mistake("config.redirect_url gives the confirmation token to the shopper's phone");
        }
        let uuid = self.random.uuid();
        let url = self.page_url(&uuid.to_string());
        let request = PaymentRequest::new(uuid, url, asked, now);
        let body = request.body();
        self.touched.push(uuid.to_string());
        self.requests.insert(uuid.to_string(), request);
        Ok((201, body))
    }

    fn update_request(&mut self, now: Timestamp, id: &str, body: &Value) -> Result<Done, Refusal> {
        let request = self.request(now, id)?;
        let asked = rules::merged(&request.asked.sent, body).map_err(Refusal::invalid)?;
        request.update(asked, now)?;
        Ok((200, request.body()))
    }

    fn cancel(&mut self, now: Timestamp, id: &str) -> Result<Done, Refusal> {
        let request = self.request(now, id)?;
        request.cancel(now)?;
        Ok((200, request.body()))
    }

    fn confirm(&mut self, now: Timestamp, target: &Target, body: &Value) -> Result<Done, Refusal> {
        let token = target.id.as_str();
        let asked = rules::confirm(body).map_err(Refusal::invalid)?;
        let unknown = || Refusal::not_found("the confirmation token is unknown or has expired");
        let uuid = self.tokens.get(token).ok_or_else(unknown)?.clone();
        self.touched.push(uuid.clone());
        let fresh = self.random.uuid();
        let request = self.requests.find(&uuid).ok_or_else(unknown)?;
        request.settle(now);
        match &request.state {
            State::PendingConfirmation { token: current, .. } if current == token => {}
            State::Authorized { token: current, .. } if current == token => {}
            State::Canceled => {
                self.mistake("confirm for a request that has been cancelled");
                return Err(unknown());
            }
            State::Submitted
            | State::InProgress
            | State::PendingConfirmation { .. }
            | State::Authorized { .. }
            | State::Expired => return Err(unknown()),
        }
        must_agree(request, &asked)?;
        if !matches!(request.state, State::Authorized { .. }) {
            let mut transaction = Transaction::new(fresh, request, now);
            transaction.rename(None, asked.transaction_reference);
            request.authorize(transaction.id.clone(), token.to_owned(), now);
            if asked.capture {
                let all = rules::Move { amount: asked.amount, reference: None };
                transaction.capture(all, now)?;
            }
            self.touched.push(transaction.id.clone());
            self.transactions.insert(transaction.id.clone(), transaction);
        }
        Ok((200, self.requests.find(&uuid).ok_or_else(unknown)?.body()))
    }

    fn update_transaction(
        &mut self,
        now: Timestamp,
        id: &str,
        body: &Value,
    ) -> Result<Done, Refusal> {
        let (merchant, payment) = rules::references(body).map_err(Refusal::invalid)?;
        let transaction = self.transaction(now, id)?;
        transaction.update(merchant, payment, now)?;
        Ok((200, transaction.body()))
    }

    fn capture(&mut self, now: Timestamp, target: &Target, body: &Value) -> Result<Done, Refusal> {
        let asked = rules::money_move(body, "capture").map_err(Refusal::invalid)?;
        let transaction = self.transaction(now, &target.id)?;
        let doubled = asked.reference.clone().filter(|r| transaction.has_capture_reference(r));
        let answer = transaction.capture(asked, now);
        self.doubled("capture", doubled, answer.is_ok());
        Ok((201, answer?))
    }

    fn void(&mut self, now: Timestamp, id: &str) -> Result<Done, Refusal> {
        let transaction = self.transaction(now, id)?;
        transaction.void(now)?;
        Ok((200, transaction.body()))
    }

    fn refund(&mut self, now: Timestamp, target: &Target, body: &Value) -> Result<Done, Refusal> {
        let asked = rules::money_move(body, "refund").map_err(Refusal::invalid)?;
        let id = target.id.as_str();
        let (transaction, of) = if target.route == Route::RefundCapture {
            let (transaction, number) = self.capture_of(now, id)?;
            (transaction, RefundOf::Capture(number))
        } else {
            (self.transaction(now, id)?, RefundOf::Transaction)
        };
        let doubled = asked.reference.clone().filter(|r| transaction.has_refund_reference(r));
        let answer = transaction.refund(of, asked, now);
        self.doubled("refund", doubled, answer.is_ok());
        Ok((201, answer?))
    }

    /// The same reference under another key: the client has forgotten what it had already done.
    fn doubled(&mut self, what: &str, reference: Option<String>, happened: bool) {
        let Some(reference) = reference else { return };
        let result = if happened { "DOUBLED EFFECT" } else { "refused only by arithmetic" };
        self.mistake(&format!("second {what} with reference \"{reference}\": {result}"));
    }

    fn read_capture(&mut self, now: Timestamp, id: &str) -> Result<Done, Refusal> {
        let (transaction, number) = self.capture_of(now, id)?;
        Ok((200, transaction.capture_body(number)))
    }

    fn read_refund(&mut self, now: Timestamp, id: &str) -> Result<Done, Refusal> {
        let unknown = || Refusal::not_found("there is no such refund");
        let owner = id.split_once(":refund:").ok_or_else(unknown)?.0;
        let transaction = self.transaction(now, owner)?;
        let number = transaction.refund_number(id).ok_or_else(unknown)?;
        Ok((200, transaction.refund_body(number)))
    }

    fn capture_of(
        &mut self,
        now: Timestamp,
        id: &str,
    ) -> Result<(&mut Transaction, usize), Refusal> {
        let unknown = || Refusal::not_found("there is no such capture");
        let owner = id.split_once(":capture:").ok_or_else(unknown)?.0;
        let transaction = self.transaction(now, owner)?;
        let number = transaction.capture_number(id).ok_or_else(unknown)?;
        Ok((transaction, number))
    }

    fn request(&mut self, now: Timestamp, id: &str) -> Result<&mut PaymentRequest, Refusal> {
        let unknown = || Refusal::not_found("there is no such payment request");
        let uuid = id.strip_prefix("krn:payment:eu1:request:").ok_or_else(unknown)?;
        let request = self.requests.find(uuid).ok_or_else(unknown)?;
        request.settle(now);
        self.touched.push(uuid.to_owned());
        Ok(request)
    }

    fn transaction(&mut self, now: Timestamp, id: &str) -> Result<&mut Transaction, Refusal> {
        let unknown = || Refusal::not_found("there is no such payment transaction");
        let transaction = self.transactions.find(id).ok_or_else(unknown)?;
        transaction.settle(now);
        self.touched.push(id.to_owned());
        Ok(transaction)
    }
}

fn must_agree(request: &PaymentRequest, asked: &rules::Confirm) -> Result<(), Refusal> {
    if asked.currency != request.asked.currency {
        return Err(Refusal::invalid_one("currency", "is not the currency of the request"));
    }
    if asked.amount != request.asked.amount {
        return Err(Refusal::invalid_one("payment_amount", "is not the amount of the request"));
    }
    Ok(())
}
