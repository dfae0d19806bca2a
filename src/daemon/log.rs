//! A line in the log for what was recorded.

use crate::payment::event::{Event as Happened, Record};

/// A line per event; what was refused with its code and id. Klarna's words stay in the journal.
pub(super) fn log(record: &Record) {
    let payment = record.payment.map(|id| id.to_string()).unwrap_or_default();
    let event = record.event.name();
    match &record.event {
        Happened::CreateRefused { refusal }
        | Happened::ConfirmRefused { refusal }
        | Happened::CallRefused { refusal, .. } => {
            let error_id = refusal.error_id.as_deref().unwrap_or("none");
            let code = &refusal.code;
            tracing::warn!(payment.id = payment, event, code, error_id, "a call was refused");
        }
        _ => tracing::info!(payment.id = payment, event, "recorded"),
    }
}
