//! Asking the daemon: the only way in which a page changes anything about money.
//!
//! A command's reference is a function of what the page has shown, so that the same form sent twice,
//! from two windows, or again after a restart is one command. What was asked for, by whom and with
//! what answer, goes into the audit journal around it.

use super::visitor::Visitor;
use super::{Errand, Office};
use crate::id::{CallId, DESK_PREFIX, PaymentId, PosReference, TransactionId};
use crate::payment::vocabulary::{Problem, Reply, Request, SaleName};
use serde_json::Value;
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
    /// The audit journal cannot be written, so nothing was asked for.
    Unrecorded(String),
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
        visitor: &Visitor,
        action: &'static str,
        mut detail: Value,
        request: Request,
    ) -> Result<Reply, Failed> {
        detail["reference"] = request.reference().as_str().into();
        if let Some(SaleName::Number(number)) = request.sale() {
            detail["payment"] = number.number().into();
        }
        self.note(visitor, action, &detail)?;
        let asked = self.pass_on(request).await;
        detail["answer"] = match &asked {
            Ok(Reply::Operation(result)) => result.kind.code().into(),
            Ok(_) => "done".into(),
            Err(Failed::Refused(problem)) => problem.code().into(),
            Err(Failed::NoAnswer | Failed::Unrecorded(_)) => "none".into(),
        };
        // What was done is in the terminal's own journal by now, whatever becomes of this line.
        self.note(visitor, action, &detail).ok();
        asked
    }

    async fn pass_on(&self, request: Request) -> Result<Reply, Failed> {
        let (answer, answered) = oneshot::channel();
        let errand = Errand { request, answer };
        let asked = async {
            self.context.errands.send(errand).await.ok()?;
            answered.await.ok()
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Some(Reply::Refused { problem, .. })) => Err(Failed::Refused(problem)),
            Ok(Some(reply)) => Ok(reply),
            Ok(None) | Err(_) => Err(Failed::NoAnswer),
        }
    }

    /// Notes something in the audit journal.
    pub(super) fn note(
        &self,
        visitor: &Visitor,
        action: &'static str,
        detail: &Value,
    ) -> Result<(), Failed> {
        let now = self.now().wall;
        let noted = self.access.note(now, &visitor.session.actor(), &visitor.peer, action, detail);
        noted.map(drop).map_err(|error| Failed::Unrecorded(error.to_string()))
    }
}
