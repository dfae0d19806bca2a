//! Between the desk and the daemon: whoever asks there for a change stands in the audit journal
//! before the daemon hears of it, and again with the daemon's answer.
//!
//! What cannot be noted is not passed on. Noting takes a commit, so it happens here, beside the
//! daemon's loop: no payment waits for it. Knows nothing of who may do what.

use super::FAREWELL;
use crate::console::{Caller, Entry, Recorder};
use crate::id::PosReference;
use crate::payment::event::ReturnReason;
use crate::payment::vocabulary::{Operation, Problem, Reply, Request};
use crate::pos::desk::{self, DeskEvent, DeskReply, Group, Seat};
use crate::pos::{QUEUE_LEN_MAX, native};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::path::Path;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;

/// Commands whose answers are waited for; of an older one there is only what was asked for. More
/// than the queue to the daemon and the searches that it makes at once can hold.
const OPEN_MAX: usize = 2 * QUEUE_LEN_MAX;

/// The daemon's ends of the desk.
pub(super) struct Ends {
    /// What was asked for, after it was noted.
    pub(super) events: Receiver<DeskEvent>,
    /// What is answered.
    pub(super) replies: Sender<DeskReply>,
}

/// Serves the desk beside the database at `store` until the daemon drops its end of the replies;
/// whether it could be opened is in the log, for payments do not depend on it.
pub(super) fn open(
    store: &Path,
    settings: native::Settings,
    group: Option<Group>,
    recorder: Option<Recorder>,
) -> (Ends, JoinHandle<()>) {
    let (asked_in, asked) = mpsc::channel(QUEUE_LEN_MAX);
    let (told, told_out) = mpsc::channel(QUEUE_LEN_MAX);
    let (events_in, events) = mpsc::channel(QUEUE_LEN_MAX);
    let (replies, replies_out) = mpsc::channel(QUEUE_LEN_MAX);
    let clerk = Clerk { recorder, events: events_in, told, open: VecDeque::new() };
    let socket = desk::socket_beside(store);
    let task = match desk::serve(&socket, settings, group, asked_in, told_out) {
        Ok(at_desk) => tokio::spawn(async move {
            tokio::join!(at_desk, clerk.serve(asked, replies_out));
        }),
        Err(error) => {
            tracing::error!(%error, socket = %socket.display(), "nobody can speak from the desk");
            tokio::spawn(std::future::pending())
        }
    };
    (Ends { events, replies }, task)
}

/// Waits until the desk, or whoever else is asked to, has ended. The socket is taken away by
/// whoever serves it; if nobody does there is nothing to wait for.
pub(super) async fn ends(at_desk: JoinHandle<()>) {
    let stop = at_desk.abort_handle();
    if tokio::time::timeout(FAREWELL, at_desk).await.is_err() {
        stop.abort();
    }
}

/// Something that was passed on and not answered yet.
struct Open {
    seat: Seat,
    reference: PosReference,
    entry: Entry,
}

struct Clerk {
    /// None where the audit journal cannot be opened.
    recorder: Option<Recorder>,
    events: Sender<DeskEvent>,
    told: Sender<DeskReply>,
    open: VecDeque<Open>,
}

impl Clerk {
    async fn serve(mut self, mut asked: Receiver<DeskEvent>, mut replies: Receiver<DeskReply>) {
        loop {
            tokio::select! {
                Some(event) = asked.recv() => self.asked(event).await,
                reply = replies.recv() => match reply {
                    Some(reply) => self.answered(reply).await,
                    None => return,
                },
            }
        }
    }

    async fn asked(&mut self, event: DeskEvent) {
        let (seat, reference) = (event.seat, event.request.reference().clone());
        if let Some((action, detail)) = change(&event.request) {
            match self.note(&event, action, detail).await {
                Ok(entry) => {
                    self.open.push_back(Open { seat, reference, entry });
                    while self.open.len() > OPEN_MAX {
                        self.open.pop_front();
                    }
                }
                Err(why) => {
                    tracing::error!(why, action, "a command was refused: it cannot be noted");
                    let why =
                        format!("nothing was done, for the audit journal cannot be written: {why}");
                    let problem = Problem::NotAllowed(why);
                    let reply = Reply::Refused { reference: Some(reference), problem };
                    return drop(self.told.send(DeskReply { seat: Some(seat), reply }).await);
                }
            }
        }
        // The daemon takes no more when it stops; whoever asks then hears that it has ended.
        drop(self.events.send(event).await);
    }

    async fn note(
        &self,
        event: &DeskEvent,
        action: &'static str,
        detail: Value,
    ) -> Result<Entry, String> {
        let closed = "it could not be opened when the terminal started; its log says why";
        let recorder = self.recorder.clone().ok_or(closed)?;
        let (uid, request) = (event.uid, event.request.clone());
        let noted = tokio::task::spawn_blocking(move || {
            recorder.begin(Caller::local(uid), action, detail, &request)
        });
        let noted = noted.await.map_err(|error| error.to_string())?;
        noted.map_err(|error| error.to_string())
    }

    async fn answered(&mut self, reply: DeskReply) {
        let is_answer = |open: &Open| {
            reply.seat == Some(open.seat) && reply.reply.reference() == Some(&open.reference)
        };
        let found = self.open.iter().position(is_answer).and_then(|at| self.open.remove(at));
        if let (Some(open), Some(recorder)) = (found, self.recorder.clone()) {
            let answer = reply.reply.clone();
            let noted =
                tokio::task::spawn_blocking(move || recorder.end(open.entry, Some(&answer)));
            if let Err(error) = noted.await {
                tracing::error!(%error, "an answer is not in the audit journal");
            }
        }
        drop(self.told.send(reply).await);
    }
}

/// What the audit journal says of a command; nothing for one that changes nothing.
fn change(request: &Request) -> Option<(&'static str, Value)> {
    let of = |operation: &Operation| {
        let amount = operation.amount.map(|amount| amount.to_string());
        json!({ "sale": operation.sale.to_string(), "amount": amount })
    };
    Some(match request {
        Request::Refund(operation) => ("return", with_reason(of(operation), operation)),
        Request::Capture(operation) => ("capture", of(operation)),
        Request::Void(operation) => ("void", of(operation)),
        Request::Release(operation) => ("release", of(operation)),
        Request::Book(operation) | Request::PartialReversal(operation) => ("book", of(operation)),
        Request::Update { sale, merchant_reference, .. } => {
            let label = merchant_reference.as_str();
            ("update", json!({ "sale": sale.to_string(), "merchant_reference": label }))
        }
        Request::Find { sale, .. } => ("find", json!({ "sale": sale.to_string() })),
        Request::Retry { call, .. } => {
            ("retry", json!({ "call": call.map(|call| call.to_string()) }))
        }
        Request::Resolve { call, reason, .. } => {
            ("resolve", json!({ "call": call.to_string(), "reason": reason.as_str() }))
        }
        Request::EndShift { shift, .. } => ("close_shift", json!({ "shift": shift })),
        Request::Sale(sale) => ("sale", json!({ "amount": sale.amount.to_string() })),
        Request::Abort { .. } => ("abort", json!({})),
        Request::Acknowledge { .. } => ("acknowledge", json!({})),
        Request::Status { .. }
        | Request::Last { .. }
        | Request::Totals { .. }
        | Request::Reservation { .. } => return None,
    })
}

/// What somebody gives as the reason of a return, in the words of the console's pages.
fn with_reason(mut detail: Value, operation: &Operation) -> Value {
    if let Some(ReturnReason { why, note }) = &operation.why {
        detail["reason"] = why.code().into();
        detail["note"] = note.as_ref().map_or("", |note| note.as_str()).into();
    }
    detail
}
