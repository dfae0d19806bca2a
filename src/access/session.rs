//! Who is signed in: in memory only, so a restart signs everybody out.
//!
//! Of a token only its hash is kept. Knows nothing of PINs, and trusts no clock but the monotonic.

use super::AccessError;
use super::actor::{Actor, Peer};
use super::digest::{Hash, digest};
use super::pin::random;
use super::user::{User, UserId};
use crate::clock::{Mono, Now, Wall};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

/// A session ends when nothing was asked for so long: a tablet that was left on the counter.
pub const IDLE_MAX: Duration = Duration::from_secs(15 * 60);
/// A session ends after this, whatever is asked: a long working day's half.
pub const AGE_MAX: Duration = Duration::from_secs(8 * 60 * 60);
/// Sessions of one user at once; a further one ends the oldest.
pub const SESSIONS_OF_USER_MAX: usize = 5;
/// Sessions of all users at once; a further one ends the one that is idle for longest.
pub const SESSIONS_MAX: usize = 64;
/// Random bytes of a token.
const TOKEN_LEN: usize = 32;
/// The same in base 64, without padding.
const TOKEN_TEXT_LEN: usize = 43;

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Session {
    /// Who it is.
    pub user: User,
    /// What every form must send back, so that no other page can send it.
    pub csrf: String,
    /// Since when.
    pub since: Wall,
    /// Nothing else may be done before the PIN is changed.
    pub must_change_pin: bool,
    pub(super) key: Hash,
}

impl Session {
    /// Who does what is asked for in this session.
    pub fn actor(&self) -> Actor {
        Actor::from(&self.user)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A new session and the token it goes by, which is told once.
#[derive(Clone)]
pub struct SignedIn {
    /// 256 random bits in 43 characters of base 64 for URLs.
    pub token: String,
    /// The session.
    pub session: Session,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").field("session", &self.session).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Live {
    session: Session,
    peer: Peer,
    agent: Hash,
    began: Mono,
    used: Mono,
}

impl Live {
    fn is_over(&self, now: Mono) -> bool {
        now.left(self.used) >= IDLE_MAX || now.left(self.began) >= AGE_MAX
    }
}

/// Everybody who is signed in.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    live: HashMap<Hash, Live>,
}

fn key(token: &str) -> Option<Hash> {
    (token.len() == TOKEN_TEXT_LEN).then(|| digest("token", &[token.as_bytes()]))
}

/// From which machine and browser a session is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Client {
    peer: Peer,
    agent: Hash,
}

impl Client {
    pub(super) fn new(peer: Peer, agent: &str) -> Self {
        Self { peer, agent: digest("agent", &[agent.as_bytes()]) }
    }
}

/// A session in the making.
pub(super) struct Token {
    text: String,
    key: Hash,
}

impl Token {
    pub(super) fn random() -> Result<Self, AccessError> {
        let text = BASE64_URL_SAFE_NO_PAD.encode(random::<TOKEN_LEN>()?);
        let key = digest("token", &[text.as_bytes()]);
        Ok(Self { text, key })
    }

    fn signed_in(self, user: User, since: Wall) -> SignedIn {
        let csrf = BASE64_URL_SAFE_NO_PAD.encode(digest("csrf", &[self.text.as_bytes()]).bytes());
        let (must_change_pin, key) = (user.must_change_pin, self.key);
        let session = Session { user, csrf, since, must_change_pin, key };
        SignedIn { token: self.text, session }
    }
}

impl Sessions {
    /// Begins a session; makes room for it.
    pub(super) fn begin(&mut self, now: Now, client: Client, token: Token, user: User) -> SignedIn {
        self.live.retain(|_, live| !live.is_over(now.mono));
        let of_user = |live: &&Live| live.session.user.id == user.id;
        if self.live.values().filter(of_user).count() >= SESSIONS_OF_USER_MAX {
            let own = self.live.values().filter(of_user);
            let oldest = own.min_by_key(|live| live.began).map(|live| live.session.key);
            self.live.retain(|key, _| Some(*key) != oldest);
        }
        if self.live.len() >= SESSIONS_MAX {
            let idle = self.live.values().min_by_key(|live| live.used);
            let idle = idle.map(|live| live.session.key);
            self.live.retain(|key, _| Some(*key) != idle);
        }
        let signed_in = token.signed_in(user, now.wall);
        let (session, Client { peer, agent }) = (signed_in.session.clone(), client);
        let (began, used) = (now.mono, now.mono);
        self.live.insert(session.key, Live { session, peer, agent, began, used });
        signed_in
    }

    /// The session that goes by `token`, if it is used from where it was begun; it is used now.
    pub(super) fn find(&mut self, now: Mono, client: Client, token: &str) -> Option<Session> {
        let session = self.glance(now, client, token)?;
        if let Some(live) = self.live.get_mut(&session.key) {
            live.used = live.used.max(now);
        }
        Some(session)
    }

    /// The same without counting as a use.
    pub(super) fn glance(&mut self, now: Mono, client: Client, token: &str) -> Option<Session> {
        let key = key(token)?;
        let live = self.live.get(&key)?;
        if live.is_over(now) {
            self.live.remove(&key);
            return None;
        }
        // Whoever has stolen a token does not end the session of its owner.
        let is_same = live.peer == client.peer && live.agent.is_same(&client.agent);
        is_same.then(|| live.session.clone())
    }

    /// Whether the session has not ended meanwhile.
    pub(super) fn is_live(&self, now: Mono, session: &Session) -> bool {
        self.live.get(&session.key).is_some_and(|live| !live.is_over(now))
    }

    /// Who is signed in with `token`, and from where.
    pub(super) fn owner(&self, token: &str) -> Option<(User, Peer)> {
        let live = self.live.get(&key(token)?)?;
        Some((live.session.user.clone(), live.peer))
    }

    /// Ends one session.
    pub(super) fn end(&mut self, token: &str) {
        if let Some(key) = key(token) {
            self.live.remove(&key);
        }
    }

    /// Ends all sessions of `user`; says how many there were.
    pub(super) fn end_all(&mut self, user: UserId) -> usize {
        let before = self.live.len();
        self.live.retain(|_, live| live.session.user.id != user);
        before - self.live.len()
    }

    /// Ends all sessions of the user but this one, which gets another token and keeps its age.
    pub(super) fn renew(&mut self, session: &Session, token: Token, user: User) -> SignedIn {
        let old = self.live.remove(&session.key);
        self.end_all(user.id);
        let signed_in = token.signed_in(user, session.since);
        if let Some(old) = old {
            let session = signed_in.session.clone();
            self.live.insert(session.key, Live { session, ..old });
        }
        signed_in
    }
}

#[cfg(test)]
mod tests {
    use super::super::user::{Role, UserName};
    use super::*;

    fn user(id: i64) -> User {
        User {
            id: UserId::new(id),
            name: UserName::new(&format!("u{id}")).expect("a name"),
            role: Role::Cashier,
            is_locked: false,
            must_change_pin: false,
            created: Wall::from_millis(0),
            last_sign_in: None,
        }
    }

    fn now(minutes: u64) -> Now {
        let start = Now { mono: Mono::default(), wall: Wall::SET_FROM };
        start.after(Duration::from_secs(60 * minutes))
    }

    fn client(peer: &str, agent: &str) -> Client {
        Client::new(peer.parse().expect("a peer"), agent)
    }

    fn begin(sessions: &mut Sessions, minutes: u64, id: i64) -> String {
        let token = Token::random().expect("random");
        sessions.begin(now(minutes), client("192.0.2.7", "x"), token, user(id)).token
    }

    fn is_there(sessions: &mut Sessions, minutes: u64, token: &str) -> bool {
        sessions.find(now(minutes).mono, client("192.0.2.7", "x"), token).is_some()
    }

    #[test]
    fn a_session_ends_when_it_is_idle() {
        let mut sessions = Sessions::default();
        let token = begin(&mut sessions, 0, 1);
        assert_eq!(token.len(), TOKEN_TEXT_LEN);
        assert!(is_there(&mut sessions, 14, &token));
        assert!(is_there(&mut sessions, 28, &token), "it was used");
        assert!(!is_there(&mut sessions, 43, &token));
        assert!(sessions.live.is_empty());
    }

    #[test]
    fn a_session_ends_when_it_is_old() {
        let mut sessions = Sessions::default();
        let token = begin(&mut sessions, 0, 1);
        for minutes in (10..480).step_by(10) {
            assert!(is_there(&mut sessions, minutes, &token), "{minutes}");
        }
        assert!(!is_there(&mut sessions, 480, &token));
    }

    #[test]
    fn a_stolen_token_is_of_no_use_and_does_no_harm() {
        let mut sessions = Sessions::default();
        let token = begin(&mut sessions, 0, 1);
        for thief in [client("192.0.2.8", "x"), client("192.0.2.7", "y"), client("socket", "x")] {
            assert!(sessions.find(now(0).mono, thief, &token).is_none());
        }
        assert!(!is_there(&mut sessions, 0, &token[..42]) && !is_there(&mut sessions, 0, ""));
        assert!(is_there(&mut sessions, 0, &token));
    }

    #[test]
    fn a_users_sixth_session_ends_the_oldest() {
        let mut sessions = Sessions::default();
        let tokens: Vec<String> = (0..6).map(|minute| begin(&mut sessions, minute, 1)).collect();
        let there: Vec<bool> = tokens.iter().map(|t| is_there(&mut sessions, 6, t)).collect();
        assert_eq!(there, [false, true, true, true, true, true]);
    }

    #[test]
    fn there_are_never_more_than_64() {
        let mut sessions = Sessions::default();
        let first = begin(&mut sessions, 0, 0);
        for id in 1..100 {
            begin(&mut sessions, 1, id);
        }
        assert_eq!(sessions.live.len(), SESSIONS_MAX);
        assert!(!is_there(&mut sessions, 1, &first));
        let last = begin(&mut sessions, 1, 100);
        assert!(is_there(&mut sessions, 1, &last), "the newest is never the one that goes");
    }

    #[test]
    fn a_renewed_session_keeps_its_age_and_ends_the_others() {
        let mut sessions = Sessions::default();
        let (other, stranger) = (begin(&mut sessions, 0, 1), begin(&mut sessions, 0, 2));
        let token = begin(&mut sessions, 0, 1);
        let here = client("192.0.2.7", "x");
        let session = sessions.find(now(9).mono, here, &token).expect("a session");
        let renewed = sessions.renew(&session, Token::random().expect("random"), user(1));
        assert!(!is_there(&mut sessions, 9, &token) && !is_there(&mut sessions, 9, &other));
        assert!(is_there(&mut sessions, 9, &renewed.token));
        assert!(is_there(&mut sessions, 9, &stranger));
        assert_eq!(renewed.session.since, session.since);
        assert_ne!(renewed.session.csrf, session.csrf);
        for minutes in (19..480).step_by(10) {
            assert!(is_there(&mut sessions, minutes, &renewed.token));
        }
        assert!(!is_there(&mut sessions, 480, &renewed.token));
    }

    #[test]
    fn no_token_is_shown_or_kept() {
        let mut sessions = Sessions::default();
        let token = Token::random().expect("random");
        let signed_in = sessions.begin(now(0), client("socket", ""), token, user(1));
        let shown = format!("{signed_in:?} {sessions:?}");
        let SignedIn { token, session } = &signed_in;
        assert!(!shown.contains(token) && !shown.contains(&session.csrf), "{shown}");
    }
}
