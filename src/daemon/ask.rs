//! Commands on their way in and answers on their way out: what the journal or the acquirer has to
//! say first, and who is told.

use super::Daemon;
use crate::id::DESK_PREFIX;
use crate::id::{PaymentId, PosReference, TransactionId};
use crate::payment::found::{Found, NotFound};
use crate::payment::shift::{self, Turnover};
use crate::payment::vocabulary::{Problem, Reply, Request, Status};
use crate::payment::{Input, Needed};
use crate::pos::desk::{DeskReply, Seat};
use crate::store::StoreError;
use std::time::Duration;

/// Who asks for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    Till,
    Desk(Seat),
    /// Somebody at the console, who waits under this number.
    Console(u64),
}

/// A command and who has given it.
pub(super) struct Asked {
    pub(super) asker: Asker,
    pub(super) request: Request,
}

/// A command whose transaction was looked for at the acquirer.
pub(super) struct Lookup {
    pub(super) asker: Asker,
    pub(super) request: Request,
    pub(super) found: Result<Found, NotFound>,
}

/// Most transactions that are looked for at once.
const LOOKUPS_MAX: usize = 8;
/// How long a till or desk waits for it at most.
const LOOKUP_PATIENCE: Duration = Duration::from_secs(15);

impl Daemon {
    pub(super) async fn ask(
        &mut self,
        asker: Asker,
        request: Request,
        found: Option<Result<Found, NotFound>>,
    ) {
        let asked = Asked { asker, request: request.clone() };
        match self.prepare(request, found) {
            Ok(input) => self.dispatch(input, Some(asked)).await,
            Err(error) => {
                self.store_failed(&error);
                self.refuse(&asked).await;
            }
        }
    }

    /// Reads from the journal what the engine must know to answer `request`.
    fn prepare(
        &mut self,
        request: Request,
        found: Option<Result<Found, NotFound>>,
    ) -> Result<Input, StoreError> {
        let row = found.as_ref().and_then(|found| found.as_ref().ok());
        for needed in self.engine.needed(&request, row) {
            self.load(&needed)?;
        }
        if let Some(found) = found {
            return Ok(Input::Looked { request, found });
        }
        let turnover = match &request {
            Request::EndShift { .. } | Request::Totals { .. } => {
                shift::turnover(&self.reader.shift_records()?)
            }
            _ => Turnover::default(),
        };
        Ok(Input::Till(request, turnover))
    }

    /// Tells the engine what the journal says of what is `needed`.
    pub(super) fn load(&mut self, needed: &Needed) -> Result<(), StoreError> {
        let payment = self.payment_of(needed)?;
        if let Some(payment) = payment.filter(|id| self.engine.payment(*id).is_none()) {
            let records = self.reader.records_of(payment)?;
            if let Err(error) = self.engine.replay(self.clock.now(), &records) {
                tracing::error!(%payment, %error, "a payment's journal contradicts itself");
            }
        }
        Ok(())
    }

    fn payment_of(&self, needed: &Needed) -> Result<Option<PaymentId>, StoreError> {
        match needed {
            Needed::Payment(id) => Ok(Some(*id)),
            Needed::Name(name) => self.reader.payment_by_name(name),
            Needed::Last(prefix) => self.reader.last_payment_of(prefix),
        }
    }

    /// Looks for a command's transaction at the acquirer, beside everything else.
    pub(super) async fn look_up(&mut self, asked: Asked, transaction: TransactionId) {
        let Asked { asker, request } = asked;
        if self.lookups.len() >= LOOKUPS_MAX {
            let found = Err(NotFound::Unreachable("too many are being looked for".to_owned()));
            return Box::pin(self.ask(asker, request, Some(found))).await;
        }
        let acquirer = self.acquirer.clone();
        self.lookups.spawn(async move {
            let found = tokio::time::timeout(LOOKUP_PATIENCE, acquirer.look_up(&transaction)).await;
            let late = |_| Err(NotFound::Unreachable("it does not answer".to_owned()));
            Lookup { asker, request, found: found.unwrap_or_else(late) }
        });
    }

    pub(super) async fn tell(&mut self, mut reply: Reply, asked: Option<&Asked>) {
        match &mut reply {
            Reply::Result(result) => self.print_receipt(result),
            Reply::Status { status: Status::Done(result, _), .. } => self.print_receipt(result),
            Reply::Status { .. }
            | Reply::Progress { .. }
            | Reply::Acknowledged { .. }
            | Reply::Operation(_)
            | Reply::Noted { .. }
            | Reply::Shift(_)
            | Reply::Totals(_)
            | Reply::Print { .. }
            | Reply::Refused { .. } => {}
        }
        if let Reply::Refused { problem, .. } = &reply {
            tracing::warn!(code = problem.code(), "a command of the till was refused");
        }
        let answers = |asked: &&Asked| reply.reference() == Some(asked.request.reference());
        let asker = asked.filter(answers).map(|asked| asked.asker);
        if let Some(Asker::Console(ticket)) = asker {
            return self.office.answer(ticket, reply);
        }
        let is_desks = |reference: &PosReference| reference.as_str().starts_with(DESK_PREFIX);
        let seat = match asker {
            Some(Asker::Desk(seat)) => Some(seat),
            Some(Asker::Till | Asker::Console(_)) | None => None,
        };
        let news_of_desk = asker.is_none() && reply.reference().is_some_and(is_desks);
        if seat.is_some() || news_of_desk {
            if self.desk.try_send(DeskReply { seat, reply }).is_err() {
                tracing::warn!("nobody takes the desk's messages; one was dropped");
            }
            return;
        }
        if self.replies.send(reply).await.is_err() {
            tracing::error!("the till's link has ended; its messages are lost until a restart");
        }
    }

    /// Tells whoever asked that a command does not fit; that is a defect, and the log says which.
    pub(super) async fn answer_defect(&mut self, asked: &Asked) {
        let text = "the terminal cannot do this because of a defect; its log says which";
        let problem = Problem::NotAllowed(text.to_owned());
        let reference = Some(asked.request.reference().clone());
        self.tell(Reply::Refused { reference, problem }, Some(asked)).await;
    }

    /// Tells the till that a command was not accepted because nothing can be recorded or shown.
    pub(super) async fn refuse(&mut self, asked: &Asked) {
        let unrecorded = self.fault.as_ref().map(|fault| fault.why.clone());
        let why = unrecorded.or_else(|| self.why_no_sale()).unwrap_or_default();
        let problem = Problem::OutOfService(why);
        let reference = Some(asked.request.reference().clone());
        self.tell(Reply::Refused { reference, problem }, Some(asked)).await;
    }
}
