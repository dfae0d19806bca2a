//! Adding users, changing what they may do, and locking them out.
//!
//! Each change and its entry in the audit journal are one transaction. Knows nothing of how
//! somebody signs in.

use super::actor::{Actor, Caller};
use super::audit::{self, Deed};
use super::digest::Hash;
use super::lockout::{self, name_key};
use super::pin::FirstPin;
use super::user::{self, Right, Role, User, UserId, UserName, UserRow};
use super::{Access, AccessError, Inner, Refused};
use crate::clock::Wall;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use serde_json::{Value, json};
use std::time::Duration;

/// Most users of one terminal: the staff of a large shop over some years. None is ever deleted,
/// because the audit journal names them.
pub const USERS_MAX: usize = 256;
/// How long a PIN is good that an admin has handed over, by the terminal's clock.
pub const FIRST_PIN_LASTS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Whether the user's first PIN was not used in time. One from a time when the clock was wrong has
/// an age that nobody knows, and is still good.
pub(super) fn is_lapsed(row: &UserRow, now: Wall) -> bool {
    let since = row.first_pin_since.filter(|since| since.is_plausible());
    since.and_then(|since| now.since(since)).is_some_and(|age| age > FIRST_PIN_LASTS)
}

/// Whether the user may do everything and can sign in for it.
pub(super) fn is_admin(row: &UserRow, now: Wall) -> bool {
    row.user.role == Role::Admin && !row.user.is_locked && !is_lapsed(row, now)
}

/// Begins the journal of a new file, puts right what a wrong clock has left, and reads the users.
pub(super) fn start(connection: &mut Connection, now: Wall) -> Result<Vec<UserRow>, AccessError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if audit::last_number(&transaction)? == 0 {
        let (by, peer, action) = (&Actor::Terminal, None, "begun");
        audit::append(&transaction, Deed { at: now, by, peer, action, detail: json!({}) })?;
    }
    if now.is_plausible() {
        // The seven days begin with the first start at which the clock is right.
        let sql = "UPDATE user SET first_pin_ms = ?1 WHERE first_pin_ms > ?1 OR first_pin_ms < ?2";
        transaction.execute(sql, [now.millis(), Wall::SET_FROM.millis()])?;
    }
    let orphaned = "DELETE FROM lockout WHERE place <> x''
                    AND place NOT IN (SELECT address FROM known_address)";
    transaction.execute(orphaned, [])?;
    transaction.commit()?;
    user::all(connection)
}

/// Somebody who is to be added.
pub(super) struct NewUser<'a> {
    pub(super) at: Wall,
    pub(super) name: &'a UserName,
    pub(super) role: Role,
    /// PHC string.
    pub(super) pin: &'a str,
    pub(super) first_pin_since: Option<Wall>,
}

/// Adds a user whose name is free and who begins without any lock-out.
pub(super) fn insert(transaction: &Transaction<'_>, new: NewUser<'_>) -> Result<User, Refused> {
    let NewUser { at, name, role, pin, first_pin_since } = new;
    let count: i64 = transaction.query_row("SELECT count(*) FROM user", [], |row| row.get(0))?;
    if user::by_name(transaction, name)?.is_some() {
        return Err(Refused::NameTaken(name.clone()));
    }
    if usize::try_from(count).is_ok_and(|count| count >= USERS_MAX) {
        return Err(Refused::TooManyUsers);
    }
    transaction.execute(
        "INSERT INTO user (name, role, pin, first_pin_ms, created_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![name.as_str(), role.code(), pin, first_pin_since.map(Wall::millis), at.millis()],
    )?;
    lockout::clear_all(transaction, &name_key(name.as_str()))?;
    let id = UserId::new(transaction.last_insert_rowid());
    Ok(find(transaction, id)?.user)
}

fn find(connection: &Connection, id: UserId) -> Result<UserRow, Refused> {
    user::by_id(connection, id)?.ok_or(Refused::NotKnown(id))
}

/// Whether `by` has that right now, whatever page was shown to them before.
fn may(connection: &Connection, by: &Actor, right: Right) -> Result<bool, AccessError> {
    match by {
        // Who may ask over the socket, the system decides.
        Actor::Local { .. } | Actor::Terminal => Ok(true),
        // No order is about users.
        Actor::Fleet { .. } => Ok(false),
        Actor::User(id, _) => {
            let row = user::by_id(connection, *id)?.map(|row| row.user);
            Ok(row.is_some_and(|user| {
                user.role.may(right) && !user.is_locked && !user.must_change_pin
            }))
        }
    }
}

fn require(connection: &Connection, by: &Caller) -> Result<(), Refused> {
    match may(connection, &by.actor, Right::Users)? {
        true => Ok(()),
        false => Err(Refused::NotAllowed),
    }
}

/// Refuses what would leave nobody who may do everything and has a PIN of their own.
fn keep_an_admin(connection: &Connection, id: UserId) -> Result<(), Refused> {
    let is_admin = |user: &User| user.role == Role::Admin && !user.is_locked;
    let is_settled = |user: &User| is_admin(user) && !user.must_change_pin;
    let others = user::all(connection)?;
    let is_left = others.iter().any(|row| row.user.id != id && is_settled(&row.user));
    match is_admin(&find(connection, id)?.user) && !is_left {
        true => Err(Refused::LastAdmin),
        false => Ok(()),
    }
}

impl Access {
    /// All users, by name; locked ones too.
    ///
    /// # Errors
    /// [`AccessError::BadRow`] or [`AccessError::Sqlite`].
    pub fn users(&self) -> Result<Vec<User>, AccessError> {
        let rows = user::all(&self.lock().connection)?;
        Ok(rows.into_iter().map(|row| row.user).collect())
    }

    /// Adds a user with a random PIN, which is shown this once, is to be changed at the first
    /// sign-in and is dead after [`FIRST_PIN_LASTS`]. Durable when it returns.
    ///
    /// # Errors
    /// [`Refused::NameTaken`], [`Refused::TooManyUsers`], [`Refused::NotAllowed`],
    /// [`Refused::Busy`] or [`Refused::Stopped`].
    pub fn add_user(
        &self,
        now: Wall,
        by: &Caller,
        name: UserName,
        role: Role,
    ) -> Result<(User, FirstPin), Refused> {
        let (first, hash) = self.first_pin()?;
        let mut inner = self.lock();
        let user = inner.write(|transaction| {
            require(transaction, by)?;
            let (pin, first_pin_since) = (hash.as_str(), Some(now));
            let new = NewUser { at: now, name: &name, role, pin, first_pin_since };
            let user = insert(transaction, new)?;
            append(transaction, now, by, "user_added", &user, json!({ "role": role }))?;
            Ok::<_, Refused>(user)
        })?;
        inner.lockout.lift(&name_key(name.as_str()));
        inner.look_for_admin(now);
        Ok((user, first))
    }

    /// Gives the user a random PIN as in [`Access::add_user`]. Ends their sessions, lifts their
    /// lock-out and forgets from where they used to sign in. Durable when it returns.
    ///
    /// # Errors
    /// [`Refused::NotKnown`], [`Refused::NotAllowed`], [`Refused::Busy`] or
    /// [`Refused::Stopped`].
    pub fn reset_pin(&self, now: Wall, by: &Caller, user: UserId) -> Result<FirstPin, Refused> {
        let (first, hash) = self.first_pin()?;
        let key = self.lock().change(now, by, user, "pin_reset", |transaction, row| {
            let sql = "UPDATE user SET pin = ?2, first_pin_ms = ?3 WHERE id = ?1";
            transaction.execute(sql, params![user.number(), hash, now.millis()])?;
            let known = "DELETE FROM known_address WHERE user = ?1";
            transaction.execute(known, [user.number()])?;
            lockout::clear_all(transaction, &name_key(row.name.as_str()))?;
            Ok(json!({}))
        })?;
        self.lock().lockout.lift(&key);
        Ok(first)
    }

    /// Locks the user out until further notice, or lets them in again. Ends their sessions.
    /// Durable when it returns.
    ///
    /// # Errors
    /// [`Refused::LastAdmin`], [`Refused::NotKnown`], [`Refused::NotAllowed`] or
    /// [`Refused::Stopped`].
    pub fn set_locked(
        &self,
        now: Wall,
        by: &Caller,
        user: UserId,
        is_locked: bool,
    ) -> Result<(), Refused> {
        let action = if is_locked { "user_locked" } else { "user_unlocked" };
        self.lock().change(now, by, user, action, |transaction, _| {
            if is_locked {
                keep_an_admin(transaction, user)?;
            }
            let sql = "UPDATE user SET is_locked = ?2 WHERE id = ?1";
            transaction.execute(sql, params![user.number(), is_locked])?;
            Ok(json!({}))
        })?;
        Ok(())
    }

    /// Changes what the user may do. Ends their sessions. Durable when it returns.
    ///
    /// # Errors
    /// [`Refused::LastAdmin`], [`Refused::NotKnown`], [`Refused::NotAllowed`] or
    /// [`Refused::Stopped`].
    pub fn set_role(
        &self,
        now: Wall,
        by: &Caller,
        user: UserId,
        role: Role,
    ) -> Result<(), Refused> {
        self.lock().change(now, by, user, "role_changed", |transaction, row| {
            if role != Role::Admin {
                keep_an_admin(transaction, user)?;
            }
            let sql = "UPDATE user SET role = ?2 WHERE id = ?1";
            transaction.execute(sql, params![user.number(), role.code()])?;
            Ok(json!({ "from": row.role, "to": role }))
        })?;
        Ok(())
    }

    /// Ends all sessions of `user` and notes it; says how many there were. Everybody may do that
    /// for themselves, and who may manage users for all; for others nothing ends. The sessions
    /// have ended even if that cannot be written.
    pub fn sign_out_everywhere(&self, now: Wall, by: &Caller, user: UserId) -> usize {
        let mut inner = self.lock();
        let is_own = matches!(by.actor, Actor::User(id, _) if id == user);
        match may(&inner.connection, &by.actor, Right::Users) {
            Ok(may) if may || is_own => {}
            Ok(_) => return 0,
            Err(error) => tracing::error!(%error, "signed out unasked: rights cannot be read"),
        }
        let ended = inner.sessions.end_all(user);
        let noted = inner.write(|transaction| {
            let user = find(transaction, user)?.user;
            let detail = json!({ "sessions": ended });
            append(transaction, now, by, "signed_out_everywhere", &user, detail)?;
            Ok::<_, Refused>(())
        });
        if let Err(error) = noted {
            tracing::error!(%error, "a sign-out is not in the audit journal");
        }
        ended
    }

    fn first_pin(&self) -> Result<(FirstPin, String), Refused> {
        let permit = self.hashing.permit().ok_or(Refused::Busy)?;
        let first = FirstPin::random()?;
        let hash = permit.hash(first.expose())?;
        Ok((first, hash))
    }
}

impl Inner {
    /// Changes a user, notes it with what `work` returns, and ends the user's sessions. Returns
    /// what the user's name is counted under.
    fn change(
        &mut self,
        now: Wall,
        by: &Caller,
        user: UserId,
        action: &'static str,
        work: impl FnOnce(&Transaction<'_>, &User) -> Result<Value, Refused>,
    ) -> Result<Hash, Refused> {
        let before = self.write(|transaction| {
            require(transaction, by)?;
            let before = find(transaction, user)?.user;
            let detail = work(transaction, &before)?;
            append(transaction, now, by, action, &before, detail)?;
            Ok::<_, Refused>(before)
        })?;
        self.sessions.end_all(user);
        self.look_for_admin(now);
        Ok(name_key(before.name.as_str()))
    }

    /// The set-up code is dead once somebody can sign in who may do everything. What was changed
    /// before is done in any case, and its first PIN is to be shown.
    fn look_for_admin(&mut self, now: Wall) {
        if self.code.is_none() {
            return;
        }
        match user::all(&self.connection) {
            Ok(users) if !users.iter().any(|row| is_admin(row, now)) => {}
            Ok(_) => self.code = None,
            Err(error) => {
                tracing::error!(%error, "no set-up code until a restart: users cannot be read");
                self.code = None;
            }
        }
    }
}

/// Notes what was done to `user`.
fn append(
    transaction: &Transaction<'_>,
    at: Wall,
    by: &Caller,
    action: &'static str,
    user: &User,
    mut detail: Value,
) -> Result<(), AccessError> {
    detail["user"] = json!(user.id);
    detail["name"] = json!(user.name);
    let (by, peer) = (&by.actor, Some(by.peer));
    audit::append(transaction, Deed { at, by, peer, action, detail })?;
    Ok(())
}
