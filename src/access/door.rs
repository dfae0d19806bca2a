//! Signing in and out, and asking for the PIN again.
//!
//! Every way in goes through one check of waits, hashes and counts. Knows nothing of what those who
//! are in may do.

use super::actor::{Actor, Net, Peer};
use super::audit::{self, Deed};
use super::digest::Hash;
use super::lockout::{self, Name, Try, name_key};
use super::people::{self, NewUser};
use super::pin::{Permit, Pin};
use super::refusals::Refusal;
use super::session::{Client, Session, SignedIn, Token};
use super::user::{self, Role, User, UserId, UserName, UserRow};
use super::{Access, AccessError, Inner, Refused};
use crate::clock::{Now, Wall};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde_json::{Value, json};
use std::time::Duration;

/// An address from which somebody signed in is theirs for so long.
const KNOWN_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Addresses of one user: a till, a back office, a telephone, and what they were before.
const KNOWN_MAX: u32 = 8;

/// Somebody whose PIN was right.
pub(super) struct Checked<'a> {
    row: UserRow,
    name: Name,
    tried: Try,
    permit: Permit<'a>,
}

impl Access {
    /// The code to make the first admin with, to be shown now: 10 characters, good for
    /// ten minutes from when it was first shown, then another one. None once somebody can sign
    /// in who may do everything.
    pub fn set_up_code(&self, now: Now) -> Option<String> {
        let mut inner = self.lock();
        let shown = inner.code.as_mut()?.show(now.mono);
        if let Err(error) = &shown {
            tracing::error!(%error, "there is no set-up code");
        }
        shown.ok()
    }

    /// Whether there is nobody yet who can sign in and may do everything.
    pub fn needs_set_up(&self) -> bool {
        self.lock().code.is_some()
    }

    /// Makes the first admin. Blanks, dashes and small letters in `code` do not matter; it is dead
    /// afterwards. The user is durable when it returns, and not yet signed in.
    ///
    /// # Errors
    /// [`Refused::WrongCode`], which counts; [`Refused::Wait`], [`Refused::Busy`],
    /// [`Refused::IsSetUp`], [`Refused::NameTaken`] or [`Refused::Stopped`].
    pub fn set_up(
        &self,
        now: Now,
        peer: &Peer,
        code: &str,
        name: UserName,
        pin: Pin,
    ) -> Result<User, Refused> {
        let permit = self.check_code(now, *peer, code)?;
        let pin = permit.hash(pin.text())?;
        let mut inner = self.lock();
        // Another one may have been faster.
        inner.code.as_ref().ok_or(Refused::IsSetUp)?;
        let user = inner.write(|transaction| {
            let (at, first_pin_since) = (now.wall, None);
            let new = NewUser { at, name: &name, role: Role::Admin, pin: &pin, first_pin_since };
            let user = people::insert(transaction, new)?;
            let (by, peer, action) = (&Actor::from(&user), Some(*peer), "set_up");
            audit::append(transaction, Deed { at, by, peer, action, detail: json!({}) })?;
            Ok::<_, Refused>(user)
        })?;
        inner.code = None;
        inner.lockout.lift(&name_key(name.as_str()));
        Ok(user)
    }

    fn check_code(&self, now: Now, peer: Peer, typed: &str) -> Result<Permit<'_>, Refused> {
        let tried = Try { name: None, is_user: false, net: peer.net() };
        let mut inner = self.lock();
        let code = inner.code.clone().ok_or(Refused::IsSetUp)?;
        inner.wait_for_address(now, peer)?;
        let permit = self.hashing.permit().ok_or(Refused::Busy)?;
        inner.charge(now, &tried)?;
        if !code.is(now.mono, typed) {
            inner.refuse(now, peer, None, Refusal::Wrong)?;
            return Err(Refused::WrongCode);
        }
        inner.lockout.take_back(now.mono, &tried);
        Ok(permit)
    }

    /// Signs somebody in from `peer` with the browser `agent`, and ends the session that goes by
    /// `earlier`, the token that this browser has sent, if there is one. The sign-in is in the
    /// audit journal when it returns; a refused one is within a minute.
    ///
    /// # Errors
    /// [`Refused::WrongNameOrPin`], which counts; [`Refused::Wait`] before anything was looked at;
    /// [`Refused::Busy`], [`Refused::MustUseCode`], [`Refused::FirstPinLapsed`] or
    /// [`Refused::Stopped`].
    pub fn sign_in(
        &self,
        now: Now,
        peer: &Peer,
        agent: &str,
        name: &str,
        pin: &str,
        earlier: Option<&str>,
    ) -> Result<SignedIn, Refused> {
        self.need_users()?;
        let checked = self.check_pin(now, *peer, name, pin)?;
        let renewed = match checked.permit.is_outdated(&checked.row.pin) {
            true => Some(checked.permit.hash(pin)?),
            false => None,
        };
        let token = Token::random()?;
        let mut inner = self.lock();
        let due = inner.due(now.mono);
        inner.append_all(due)?;
        let detail = json!({ "role": checked.row.user.role });
        inner.accept(now, *peer, &checked, "signed_in", detail, |transaction| {
            know(transaction, now.wall, checked.row.user.id, peer.net())?;
            signed_in(transaction, now.wall, &checked.row, renewed.as_deref())
        })?;
        let user = User { last_sign_in: Some(now.wall), ..checked.row.user };
        let client = Client::new(*peer, agent);
        if let Some(token) =
            earlier.filter(|it| inner.sessions.glance(now.mono, &client, it).is_some())
        {
            inner.sign_out(now, token);
        }
        Ok(inner.sessions.begin(now, client, token, user))
    }

    fn need_users(&self) -> Result<(), Refused> {
        let inner = self.lock();
        match inner.code.is_some() && user::all(&inner.connection)?.is_empty() {
            true => Err(Refused::MustUseCode),
            false => Ok(()),
        }
    }

    /// Asks who is signed in for the PIN again, before something that matters. The session goes by
    /// the token that is returned from now on; the one that was shown is good for [`GRACE`] more.
    /// Whoever shows one that was replaced so recently is told its successor, not a third one.
    ///
    /// # Errors
    /// As [`Access::sign_in`], and [`Refused::SignedOut`].
    ///
    /// [`GRACE`]: super::GRACE
    pub fn confirm(
        &self,
        now: Now,
        session: &Session,
        peer: &Peer,
        pin: &str,
    ) -> Result<String, Refused> {
        self.lock().need_session(now, session)?;
        let checked = self.check_pin(now, *peer, session.user.name.as_str(), pin)?;
        let (nothing, token) = (|_: &Transaction<'_>| Ok(()), Token::random()?);
        let mut inner = self.lock();
        inner.accept(now, *peer, &checked, "pin_confirmed", json!({}), nothing)?;
        inner.sessions.rotate(now.mono, session, token).ok_or(Refused::SignedOut)
    }

    /// Gives who is signed in another PIN. Ends all other sessions of the user; this one goes on
    /// under the token that is returned. The new PIN is durable when it returns.
    ///
    /// # Errors
    /// As [`Access::confirm`], and [`Refused::SamePin`].
    pub fn change_pin(
        &self,
        now: Now,
        session: &Session,
        peer: &Peer,
        old: &str,
        new: Pin,
    ) -> Result<SignedIn, Refused> {
        self.lock().need_session(now, session)?;
        if new.text() == old {
            return Err(Refused::SamePin);
        }
        let checked = self.check_pin(now, *peer, session.user.name.as_str(), old)?;
        let (hash, token) = (checked.permit.hash(new.text())?, Token::random()?);
        let mut inner = self.lock();
        inner.need_session(now, session)?;
        let id = checked.row.user.id;
        inner.accept(now, *peer, &checked, "pin_changed", json!({}), |transaction| {
            let sql = "UPDATE user SET pin = ?2, first_pin_ms = NULL WHERE id = ?1";
            transaction.execute(sql, params![id.number(), hash])?;
            Ok(())
        })?;
        let user = User { must_change_pin: false, ..checked.row.user };
        Ok(inner.sessions.renew(session, token, user))
    }

    /// Whether `pin` is that of the user of this name, who may come in.
    pub(super) fn check_pin(
        &self,
        now: Now,
        peer: Peer,
        typed: &str,
        pin: &str,
    ) -> Result<Checked<'_>, Refused> {
        let (row, name, tried, permit) = self.admit(now, peer, typed)?;
        let is_right = permit.is_right(pin, row.as_ref().map(|row| row.pin.as_str()))?;
        let user = row.as_ref().map(|row| row.user.name.clone());
        let refused = match row {
            Some(row) if is_right && !row.user.is_locked => {
                if !people::is_lapsed(&row, now.wall) {
                    return Ok(Checked { row, name, tried, permit });
                }
                Refused::FirstPinLapsed
            }
            Some(_) | None => Refused::WrongNameOrPin,
        };
        self.lock().refuse(now, peer, user.as_ref(), Refusal::Wrong)?;
        Err(refused)
    }

    /// Lets a try through to the hashing, counted as a wrong one until it is known to be right.
    pub(super) fn admit(
        &self,
        now: Now,
        peer: Peer,
        typed: &str,
    ) -> Result<(Option<UserRow>, Name, Try, Permit<'_>), Refused> {
        let mut inner = self.lock();
        inner.wait_for_address(now, peer)?;
        let row = match UserName::new(typed) {
            Ok(name) => user::by_name(&inner.connection, &name)?,
            Err(_) => None,
        };
        let known_place = match &row {
            Some(row) => known(&inner.connection, now.wall, row.user.id, peer.net())?,
            None => None,
        };
        let name = Name { key: name_key(typed), known_place };
        if let Some(wait) = inner.lockout.wait_of_name(now.mono, &name) {
            let user = row.as_ref().map(|row| &row.user.name);
            inner.refuse(now, peer, user, Refusal::TooSoon)?;
            return Err(Refused::Wait(wait));
        }
        let permit = self.hashing.permit().ok_or(Refused::Busy)?;
        let tried = Try { name: Some(name), is_user: row.is_some(), net: peer.net() };
        inner.charge(now, &tried)?;
        Ok((row, name, tried, permit))
    }
}

impl Inner {
    fn wait_for_address(&mut self, now: Now, peer: Peer) -> Result<(), Refused> {
        match self.lockout.wait_of_address(now.mono, peer.net()) {
            None => Ok(()),
            Some(wait) => {
                self.refuse(now, peer, None, Refusal::TooSoon)?;
                Err(Refused::Wait(wait))
            }
        }
    }

    fn charge(&mut self, now: Now, tried: &Try) -> Result<(), Refused> {
        let writes = self.lockout.charge(now.mono, tried);
        match writes.is_empty() {
            true => Ok(()),
            false => self.write(|transaction| Ok(lockout::write(transaction, &writes)?)),
        }
    }

    fn refuse(
        &mut self,
        now: Now,
        peer: Peer,
        user: Option<&UserName>,
        refusal: Refusal,
    ) -> Result<(), AccessError> {
        let deeds = self.refusals.count(now, peer, user, refusal, "");
        self.append_all(deeds)
    }

    /// The PIN was right: does what follows from it, and the user's count begins anew.
    pub(super) fn accept(
        &mut self,
        now: Now,
        peer: Peer,
        checked: &Checked<'_>,
        action: &'static str,
        detail: Value,
        work: impl FnOnce(&Transaction<'_>) -> Result<(), AccessError>,
    ) -> Result<(), Refused> {
        let row = &checked.row;
        self.write(|transaction| {
            let found = user::by_id(transaction, row.user.id)?;
            // An admin may have been faster than the hash.
            found.filter(|found| is_unchanged(found, row)).ok_or(Refused::WrongNameOrPin)?;
            work(transaction)?;
            lockout::clear(transaction, &checked.name)?;
            let (at, by, peer) = (now.wall, &Actor::from(&row.user), Some(peer));
            audit::append(transaction, Deed { at, by, peer, action, detail })?;
            Ok::<_, Refused>(())
        })?;
        self.lockout.take_back(now.mono, &checked.tried);
        Ok(())
    }
}

fn is_unchanged(found: &UserRow, row: &UserRow) -> bool {
    let (now, then) = (&found.user, &row.user);
    found.pin == row.pin && now.role == then.role && now.is_locked == then.is_locked
}

/// The name of this address among the user's own, if it is one.
fn known(
    connection: &Connection,
    now: Wall,
    user: UserId,
    net: Net,
) -> Result<Option<Hash>, AccessError> {
    let place = net.place(user);
    let sql = "SELECT last_ms FROM known_address WHERE user = ?1 AND address = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let last = statement.query_row(params![user.number(), place.bytes()], |row| row.get(0));
    let last = last.optional()?.map(Wall::from_millis);
    // A clock that has gone backwards makes nobody a stranger.
    let is_recent = |last: &Wall| now.since(*last).is_none_or(|age| age <= KNOWN_FOR);
    Ok(last.filter(is_recent).map(|_| place))
}

/// Notes that the user has signed in from here.
fn know(connection: &Connection, now: Wall, user: UserId, net: Net) -> Result<(), AccessError> {
    let place = net.place(user);
    // A clock that was never set does not make an address older than it is.
    connection.execute(
        "INSERT INTO known_address (user, address, last_ms) VALUES (?1, ?2, ?3)
         ON CONFLICT (user, address) DO UPDATE
         SET last_ms = iif(?4, excluded.last_ms, max(last_ms, excluded.last_ms))",
        params![user.number(), place.bytes(), now.millis(), now.is_plausible()],
    )?;
    connection.execute(
        "DELETE FROM known_address WHERE user = ?1 AND address <> ?2 AND address NOT IN
         (SELECT address FROM known_address WHERE user = ?1 AND address <> ?2
          ORDER BY last_ms DESC LIMIT ?3)",
        params![user.number(), place.bytes(), KNOWN_MAX - 1],
    )?;
    Ok(())
}

fn signed_in(
    connection: &Connection,
    now: Wall,
    row: &UserRow,
    renewed: Option<&str>,
) -> Result<(), AccessError> {
    let sql = "UPDATE user SET last_sign_in_ms = ?2, pin = ?3 WHERE id = ?1";
    let pin = renewed.unwrap_or(&row.pin);
    connection.execute(sql, params![row.user.id.number(), now.millis(), pin])?;
    Ok(())
}
