//! Asking the daemon: the only way in which a page or the console's socket changes anything about
//! money.
//!
//! A command's reference is a function of what was shown, so that the same form sent twice, from
//! two windows, or again after a restart is one command. What was asked for, by whom and with what
//! answer, goes into the audit journal around it.

use super::page::trouble::Trouble;
use super::record::{Caller, Recorder};
use super::visitor::Visitor;
use super::{AtTill, Errand, Office};
use crate::access::AccessError;
use crate::id::{CallId, DESK_PREFIX, PaymentId, PosReference, TransactionId};
use crate::payment::vocabulary::{Problem, Reply, Request};
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long the daemon may take: it may have to ask Klarna first.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why nothing can be said of an errand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failed {
    /// It was refused; nothing has changed.
    Refused(Problem),
    /// No answer has come; the page that is shown next says what is true.
    NoAnswer,
    /// The audit journal cannot be written, so nothing was asked for; the log says why.
    Unrecorded,
}

impl From<AccessError> for Failed {
    fn from(error: AccessError) -> Self {
        tracing::error!(%error, "the audit journal cannot be written; nothing was done");
        Self::Unrecorded
    }
}

impl From<&Visitor> for Caller {
    fn from(visitor: &Visitor) -> Self {
        visitor.session.caller(visitor.peer)
    }
}

/// The reference of the `count`-th return of a payment.
pub(super) fn return_reference(payment: PaymentId, count: usize) -> PosReference {
    reference(&format!("return-{payment}-{count}"))
}

/// The reference of the closing of a shift.
pub(super) fn closing_reference(shift: u32) -> PosReference {
    reference(&format!("shift-{shift}"))
}

/// The reference of what is to become of a call, which nothing is recorded under.
pub(super) fn call_reference(call: Option<CallId>) -> PosReference {
    reference(&call.map_or("calls".to_owned(), |call| format!("call-{call}")))
}

/// The reference of a look, which nothing is recorded under.
pub(super) fn look_reference(transaction: &TransactionId) -> PosReference {
    let tail: String = transaction.tail().chars().filter(char::is_ascii).take(40).collect();
    reference(&format!("find-{tail}"))
}

fn reference(text: &str) -> PosReference {
    PosReference::new(format!("{DESK_PREFIX}{text}")).expect("short and printable")
}

impl Office {
    /// Asks the daemon, and notes in the audit journal who has asked for what, before and after.
    pub(super) async fn ask(
        &self,
        by: impl Into<Caller>,
        action: &'static str,
        detail: Value,
        request: Request,
    ) -> Result<Reply, Failed> {
        let recorder = self.recorder();
        let entry = recorder.begin(by.into(), action, detail, &request)?;
        let reply = self.run(|answer| Errand::Ask { request, answer }).await;
        recorder.end(entry, reply.as_ref().ok());
        match reply? {
            Reply::Refused { problem, .. } => Err(Failed::Refused(problem)),
            reply => Ok(reply),
        }
    }

    /// Closes the shift of this number; whether this has closed it, or it was closed before.
    pub(super) async fn close_shift(
        &self,
        by: impl Into<Caller>,
        number: u32,
    ) -> Result<bool, Trouble> {
        match number.cmp(&self.read(|book| book.open_shift())?.number) {
            // The same once more.
            Ordering::Less => return Ok(false),
            Ordering::Greater => return Err(Trouble::NotFound),
            Ordering::Equal => {}
        }
        let request =
            Request::EndShift { reference: closing_reference(number), shift: Some(number) };
        self.ask(by, "close_shift", json!({ "shift": number }), request).await?;
        Ok(true)
    }

    /// Has lines printed at the till; they change nothing, and are not noted here.
    pub(super) async fn print_at_till(
        &self,
        reference: PosReference,
        lines: Vec<String>,
    ) -> Result<AtTill, Failed> {
        self.run(|answer| Errand::Print { reference, lines, answer }).await
    }

    async fn run<T>(&self, errand: impl FnOnce(oneshot::Sender<T>) -> Errand) -> Result<T, Failed> {
        let (answer, answered) = oneshot::channel();
        let errand = errand(answer);
        let asked = async {
            self.context.errands.send(errand).await.ok()?;
            answered.await.ok()
        };
        tokio::time::timeout(PATIENCE, asked).await.ok().flatten().ok_or(Failed::NoAnswer)
    }

    /// Notes something in the audit journal.
    pub(super) fn note(
        &self,
        by: impl Into<Caller>,
        action: &'static str,
        detail: &Value,
    ) -> Result<(), Failed> {
        Ok(self.recorder().note(by.into(), action, detail.clone())?)
    }

    fn recorder(&self) -> Recorder {
        Recorder::new(self.access.clone(), self.context.clock)
    }
}
