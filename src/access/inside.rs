//! Being signed in: finding one's session, seeing one's others, leaving; and what is turned away
//! inside.
//!
//! Knows nothing of how somebody got in.

use super::actor::{Actor, Peer};
use super::audit::Deed;
use super::refusals::{Misuse, Refusal};
use super::session::{Client, OpenSession, Session, SessionId};
use super::user::UserName;
use super::{Access, Inner, Refused};
use crate::clock::{Now, Wall};
use serde_json::json;

impl Access {
    /// The session that goes by `token`, if it has not ended and is used from where it was begun.
    /// It counts as used now.
    pub fn session(&self, now: Now, peer: &Peer, agent: &str, token: &str) -> Option<Session> {
        self.lock().sessions.find(now, &Client::new(*peer, agent), token)
    }

    /// The same for a page that asks by itself: it does not count as used, or an open page would
    /// keep somebody signed in who has gone.
    pub fn glance(&self, now: Now, peer: &Peer, agent: &str, token: &str) -> Option<Session> {
        self.lock().sessions.glance(now.mono, &Client::new(*peer, agent), token)
    }

    /// Whether a session has not ended meanwhile.
    pub fn is_signed_in(&self, now: Now, session: &Session) -> bool {
        self.lock().sessions.is_live(now.mono, session)
    }

    /// The sessions of whoever is signed in with `session`, the newest first.
    pub fn sessions(&self, now: Now, session: &Session) -> Vec<OpenSession> {
        self.lock().sessions.list(now.mono, session)
    }

    /// Ends the user's own other sessions, or only the one of them with the number `only`; says
    /// how many there were and notes it. They have ended even if that cannot be written.
    pub fn sign_out_elsewhere(
        &self,
        now: Wall,
        session: &Session,
        peer: &Peer,
        only: Option<SessionId>,
    ) -> usize {
        let mut inner = self.lock();
        let ended = inner.sessions.end_others(session, only);
        let (by, detail) = (&session.actor(), json!({ "sessions": ended }));
        let deed = Deed { at: now, by, peer: Some(*peer), action: "signed_out_elsewhere", detail };
        let noted = if ended > 0 { inner.append_all(vec![deed]) } else { Ok(()) };
        if let Err(error) = noted {
            tracing::error!(%error, "a sign-out is not in the audit journal");
        }
        ended
    }

    /// Ends the session that goes by `token`, if there is one, and notes it. It has ended even if
    /// that cannot be written.
    pub fn sign_out(&self, now: Now, token: &str) {
        self.lock().sign_out(now, token);
    }

    /// Counts a request that was turned away, for the audit journal: by whom, if that is known, and
    /// for what. It is in the journal within a minute of the next one, as are refused sign-ins.
    pub fn turned_away(
        &self,
        now: Now,
        peer: &Peer,
        user: Option<&UserName>,
        misuse: Misuse,
        what: &str,
    ) {
        let mut inner = self.lock();
        let deeds = inner.turned_away.count(now, *peer, user, Refusal::Request(misuse), what);
        if let Err(error) = inner.append_all(deeds) {
            tracing::error!(%error, "a request that was turned away is not in the audit journal");
        }
    }
}

impl Inner {
    pub(super) fn sign_out(&mut self, now: Now, token: &str) {
        let Some((id, user, peer)) = self.sessions.owner(now.mono, token) else { return };
        self.sessions.end(id);
        let (at, by, peer, detail) = (now.wall, &Actor::from(&user), Some(peer), json!({}));
        let deed = Deed { at, by, peer, action: "signed_out", detail };
        if let Err(error) = self.append_all(vec![deed]) {
            tracing::error!(%error, "a sign-out is not in the audit journal");
        }
    }

    pub(super) fn need_session(&self, now: Now, session: &Session) -> Result<(), Refused> {
        match self.sessions.is_live(now.mono, session) {
            true => Ok(()),
            false => Err(Refused::SignedOut),
        }
    }
}
