//! Users, the audit journal and the set-up code, as JSON.

use super::super::Office;
use super::super::page::trouble::Trouble;
use super::super::page::work;
use super::client::{Client, Said};
use super::shifts::Nothing;
use super::{Answer, Shared};
use crate::access::{AUDIT_LEN_MAX, AuditEntry, AuditId, Caller, FirstPin, Refused, Right, Role};
use crate::access::{User, UserName};
use crate::clock::Wall;
use axum::Json;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Entries of the audit journal in a list, unless it is told otherwise.
const COUNT: u32 = 50;

/// All users, by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Users {
    /// The users.
    pub users: Vec<UserView>,
}

/// Somebody who may use the pages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UserView {
    /// Signs in with it.
    pub name: String,
    /// `cashier`, `manager` or `admin`.
    pub role: String,
    /// Whether an admin has locked the user out.
    pub is_locked: bool,
    /// Whether the PIN is one that an admin has handed over.
    pub must_change_pin: bool,
    /// When the user was added, ISO 8601 in UTC.
    pub created: String,
    /// When the user last signed in, ISO 8601 in UTC.
    pub last_sign_in: Option<String>,
}

/// A user with a PIN to hand over; it is told this once.
#[derive(Clone, Serialize, Deserialize)]
pub struct FirstPinView {
    /// The user.
    pub user: UserView,
    /// To be changed at the first sign-in.
    pub first_pin: String,
}

impl std::fmt::Debug for FirstPinView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FirstPinView").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A user who is signed out everywhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SignedOutView {
    /// The user.
    pub user: UserView,
    /// How many sessions have ended.
    pub sessions: usize,
}

/// The code to make the first admin with, while there is none.
#[derive(Clone, Serialize, Deserialize)]
pub struct SetUpView {
    /// The code.
    pub set_up_code: Option<String>,
}

/// Entries of the audit journal, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<EntryView>,
    /// Where the next page begins, if there is one.
    pub older: Option<i64>,
}

/// What was done once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EntryView {
    /// Its number, from 1 without gaps.
    pub number: i64,
    /// When, ISO 8601 in UTC.
    pub at: String,
    /// By whom, for people.
    pub actor: String,
    /// From where, if that is known.
    pub peer: Option<String>,
    /// A word such as `signed_in`.
    pub action: String,
    /// What belongs to that action.
    pub detail: Value,
    /// Over this entry and the hash before, 64 hexadecimal digits.
    pub hash: String,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            name: user.name.to_string(),
            role: user.role.code().to_owned(),
            is_locked: user.is_locked,
            must_change_pin: user.must_change_pin,
            created: user.created.iso8601(),
            last_sign_in: user.last_sign_in.map(Wall::iso8601),
        }
    }
}

impl From<AuditEntry> for EntryView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            number: entry.id.number(),
            at: entry.at.iso8601(),
            actor: entry.actor.to_string(),
            peer: entry.peer.map(|peer| peer.to_string()),
            action: entry.action,
            detail: entry.detail,
            hash: entry.hash.to_string(),
        }
    }
}

pub(super) async fn users(State(office): Shared, client: Client) -> Answer<Users> {
    client.needs(Right::Users)?;
    let users = office.access.users().map_err(Refused::from)?;
    Ok(Json(Users { users: users.iter().map(UserView::from).collect() }))
}

/// The user of this name.
fn named(office: &Office, name: &str) -> Result<User, Trouble> {
    let users = office.access.users().map_err(Refused::from)?;
    let name = UserName::new(name).map_err(|wrong| Trouble::Refused(wrong.to_string(), None))?;
    users.into_iter().find(|user| user.name == name).ok_or(Trouble::NotFound)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Add {
    name: String,
    role: Role,
}

pub(super) async fn add(
    State(office): Shared,
    client: Client,
    Said(Add { name, role }): Said<Add>,
) -> Answer<FirstPinView> {
    client.needs(Right::Users)?;
    let name = UserName::new(&name).map_err(|wrong| Trouble::Refused(wrong.to_string(), None))?;
    let (user, pin) =
        work(move || office.access.add_user(office.now().wall, &(&client).into(), name, role))
            .await??;
    Ok(first_pin(&user, &pin))
}

fn first_pin(user: &User, pin: &FirstPin) -> Json<FirstPinView> {
    Json(FirstPinView { user: user.into(), first_pin: pin.expose().to_owned() })
}

pub(super) async fn reset_pin(
    State(office): Shared,
    client: Client,
    Path(name): Path<String>,
    Said(Nothing {}): Said<Nothing>,
) -> Answer<FirstPinView> {
    client.needs(Right::Users)?;
    let id = named(&office, &name)?.id;
    let (there, now) = (office.clone(), office.now().wall);
    let pin = work(move || there.access.reset_pin(now, &(&client).into(), id)).await??;
    Ok(first_pin(&named(&office, &name)?, &pin))
}

pub(super) async fn lock(
    State(office): Shared,
    client: Client,
    Path(name): Path<String>,
    Said(Nothing {}): Said<Nothing>,
) -> Answer<UserView> {
    set_locked(&office, &client, &name, true)
}

pub(super) async fn unlock(
    State(office): Shared,
    client: Client,
    Path(name): Path<String>,
    Said(Nothing {}): Said<Nothing>,
) -> Answer<UserView> {
    set_locked(&office, &client, &name, false)
}

fn set_locked(office: &Office, client: &Client, name: &str, is_locked: bool) -> Answer<UserView> {
    client.needs(Right::Users)?;
    let (now, id) = (office.now().wall, named(office, name)?.id);
    office.access.set_locked(now, &client.into(), id, is_locked)?;
    Ok(Json(UserView::from(&named(office, name)?)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRole {
    role: Role,
}

pub(super) async fn role(
    State(office): Shared,
    client: Client,
    Path(name): Path<String>,
    Said(NewRole { role }): Said<NewRole>,
) -> Answer<UserView> {
    client.needs(Right::Users)?;
    let (now, id) = (office.now().wall, named(&office, &name)?.id);
    office.access.set_role(now, &(&client).into(), id, role)?;
    Ok(Json(UserView::from(&named(&office, &name)?)))
}

pub(super) async fn sign_out(
    State(office): Shared,
    client: Client,
    Path(name): Path<String>,
    Said(Nothing {}): Said<Nothing>,
) -> Answer<SignedOutView> {
    client.needs(Right::Users)?;
    let user = named(&office, &name)?;
    let (now, by) = (office.now().wall, Caller::from(&client));
    let sessions = office.access.sign_out_everywhere(now, &by, user.id);
    Ok(Json(SignedOutView { user: UserView::from(&user), sessions }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Span {
    from: Option<i64>,
    count: Option<u32>,
}

pub(super) async fn audit(
    State(office): Shared,
    client: Client,
    Query(Span { from, count }): Query<Span>,
) -> Answer<AuditPage> {
    client.needs(Right::Audit)?;
    let count = count.unwrap_or(COUNT);
    if !(1..=AUDIT_LEN_MAX).contains(&count) {
        return Err(Trouble::BadForm);
    }
    let from = from.map(AuditId::new);
    let entries = office.access.audit(from, count).map_err(Refused::from)?;
    let last = entries.last().filter(|_| entries.len() == count as usize);
    let older = last.and_then(|entry| entry.id.before()).map(AuditId::number);
    Ok(Json(AuditPage { entries: entries.into_iter().map(EntryView::from).collect(), older }))
}

pub(super) async fn set_up_code(State(office): Shared, client: Client) -> Answer<SetUpView> {
    client.needs(Right::Users)?;
    let set_up_code = office.access.set_up_code(office.now());
    if set_up_code.is_some() {
        // Whoever reads it can become an admin.
        office.note(&client, "set_up_code_shown", &json!({}))?;
    }
    Ok(Json(SetUpView { set_up_code }))
}
