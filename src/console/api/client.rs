//! Who is at the other end of the socket and what they may do; and what a body says.

use super::super::Office;
use super::super::guard::header;
use super::super::page::trouble::Trouble;
use super::super::record::Caller;
use super::super::visitor::FORM_LEN_MAX;
use crate::access::{Actor, Peer, Right, Role};
use crate::local::Person;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Somebody at the command line.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) actor: Actor,
    role: Role,
}

impl Client {
    pub(super) fn new(person: &Person, group_role: Role) -> Self {
        let role = if person.is_owner() { Role::Admin } else { group_role };
        Self { actor: Actor::local(person.uid, &person.name), role }
    }

    /// # Errors
    /// [`Trouble::NotAllowed`].
    pub(super) fn needs(&self, right: Right) -> Result<(), Trouble> {
        match self.role.may(right) {
            true => Ok(()),
            false => Err(Trouble::NotAllowed),
        }
    }
}

impl From<&Client> for Caller {
    fn from(client: &Client) -> Self {
        Self { actor: client.actor.clone(), peer: Peer::Socket }
    }
}

impl FromRequestParts<Arc<Office>> for Client {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Office>) -> Result<Self, Trouble> {
        // Put there by whoever has accepted the connection, never by a header.
        parts.extensions.get::<Self>().cloned().ok_or(Trouble::Forged)
    }
}

/// A body that is JSON, and exactly a `T`.
pub(super) struct Said<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Office>> for Said<T> {
    type Rejection = Trouble;

    async fn from_request(request: Request, _: &Arc<Office>) -> Result<Self, Trouble> {
        let kind = header(request.headers(), CONTENT_TYPE).unwrap_or_default();
        if kind != "application/json" {
            return Err(Trouble::BadForm);
        }
        let body = axum::body::to_bytes(request.into_body(), FORM_LEN_MAX).await;
        let body = body.map_err(|_| Trouble::BadForm)?;
        serde_json::from_slice(&body).map(Self).map_err(|_| Trouble::BadForm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_is_an_admin_by_birth() {
        let own = rustix::process::geteuid().as_raw();
        let client = |uid: u32| {
            let person = Person { uid, name: uid.to_string() };
            Client::new(&person, Role::Manager)
        };
        for uid in [0, own] {
            client(uid).needs(Right::Users).expect("an admin");
        }
        let member = client(own.wrapping_add(4711));
        member.needs(Right::Shift).expect("a manager");
        for right in [Right::Users, Right::Audit, Right::Resolve] {
            assert!(matches!(member.needs(right), Err(Trouble::NotAllowed)), "{right:?}");
        }
    }
}
