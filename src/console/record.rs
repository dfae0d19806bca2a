//! What somebody asks the terminal for, in the audit journal: before it is passed on, and once more
//! with the answer. The pages, the console's socket and the desk note in the same words.
//!
//! Knows nothing of who may do what.

pub use crate::access::Caller;
use crate::access::{Access, AccessError, Actor, Peer};
use crate::clock::SystemClock;
use crate::local::Person;
use crate::payment::vocabulary::{Reply, Request, SaleName};
use serde_json::Value;
use std::sync::Arc;

impl Caller {
    /// The user of this machine with this number, at the command line. Reads the system's list of
    /// users.
    pub fn local(uid: u32) -> Self {
        Self::from(&Person::of(uid))
    }
}

impl From<&Person> for Caller {
    fn from(person: &Person) -> Self {
        Self { actor: Actor::local(person.uid, &person.name), peer: Peer::Socket }
    }
}

/// Writes into the audit journal; may be shared. Everything blocks, for as long as a commit takes.
#[derive(Debug, Clone)]
pub struct Recorder {
    access: Arc<Access>,
    clock: SystemClock,
}

/// Something that was asked for and not answered yet.
#[derive(Debug, Clone)]
pub struct Entry {
    by: Caller,
    action: &'static str,
    detail: Value,
}

impl Recorder {
    /// Into the journal of `access`.
    pub fn new(access: Arc<Access>, clock: SystemClock) -> Self {
        Self { access, clock }
    }

    /// Notes that `request` is about to be passed on; durable when it returns. Its reference and
    /// the payment that it names are added to `detail`, which is an object and must hold no secret.
    ///
    /// # Errors
    /// [`AccessError`]: then nothing may be passed on.
    pub fn begin(
        &self,
        by: Caller,
        action: &'static str,
        mut detail: Value,
        request: &Request,
    ) -> Result<Entry, AccessError> {
        detail["reference"] = request.reference().as_str().into();
        if let Some(SaleName::Number(number)) = request.sale() {
            detail["payment"] = number.number().into();
        }
        let entry = Entry { by, action, detail };
        self.write(&entry)?;
        Ok(entry)
    }

    /// Notes what came of it: the first answer, or that there was none. What was done is in the
    /// terminal's own journal by now, whatever becomes of this entry.
    pub fn end(&self, mut entry: Entry, reply: Option<&Reply>) {
        entry.detail["answer"] = reply.map_or("none", answer).into();
        if let Err(error) = self.write(&entry) {
            tracing::error!(%error, action = entry.action, "an answer is not in the audit journal");
        }
    }

    /// Notes what came over the broker, signed with the key of this name if there is one; durable
    /// when it returns. `detail` must hold no secret.
    ///
    /// # Errors
    /// [`AccessError`]: then nothing may be carried out.
    pub fn note_from_afar(
        &self,
        key: Option<&str>,
        action: &'static str,
        detail: Value,
    ) -> Result<(), AccessError> {
        let by = key.map_or(Actor::Terminal, |key| Actor::Fleet { key: key.to_owned() });
        self.access.note_from_afar(self.clock.now().wall, &by, action, detail).map(drop)
    }

    /// Notes something that is no command.
    ///
    /// # Errors
    /// [`AccessError`].
    pub(super) fn note(
        &self,
        by: Caller,
        action: &'static str,
        detail: Value,
    ) -> Result<(), AccessError> {
        self.write(&Entry { by, action, detail })
    }

    fn write(&self, entry: &Entry) -> Result<(), AccessError> {
        let (now, Caller { actor, peer }) = (self.clock.now().wall, &entry.by);
        self.access.note(now, actor, peer, entry.action, &entry.detail).map(drop)
    }
}

/// The word for an answer, for the audit journal.
pub fn answer(reply: &Reply) -> &'static str {
    match reply {
        Reply::Operation(result) => result.kind.code(),
        Reply::Refused { problem, .. } => problem.code(),
        Reply::Progress { .. }
        | Reply::Result(_)
        | Reply::Acknowledged { .. }
        | Reply::Noted { .. }
        | Reply::Status { .. }
        | Reply::Shift(_)
        | Reply::Totals(_)
        | Reply::Print { .. } => "done",
    }
}
