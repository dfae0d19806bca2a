//! Who is signed in: in memory only, so a restart signs everybody out.
//!
//! Of a token only its hash is kept. Knows nothing of PINs, and trusts no clock but the monotonic.

use super::AccessError;
use super::actor::{Actor, Caller, Peer};
use super::digest::{Hash, digest};
use super::pin::random;
use super::user::{User, UserId};
use crate::clock::{Mono, Now, Wall};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;
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
/// How long a token is good after another one has taken its place: a form that was sent twice at
/// once, and what the page before it still asks for.
pub const GRACE: Duration = Duration::from_secs(10);
/// What is kept of a browser's name for itself, in characters.
const AGENT_LEN_MAX: usize = 256;
/// Random bytes of a token.
const TOKEN_LEN: usize = 32;
/// The same in base 64, without padding.
const TOKEN_TEXT_LEN: usize = 43;

/// The number of a session; no other one has it before the next restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u64);

impl SessionId {
    /// The session with this number, whether there is one or not.
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Session {
    /// Stays the same when the token changes.
    pub id: SessionId,
    /// Who it is.
    pub user: User,
    /// What every form must send back, so that no other page can send it. It is the session's and
    /// not the token's: forms in other windows stay good when the token changes.
    pub csrf: String,
    /// Since when.
    pub since: Wall,
    /// How long it lasts if nothing more is asked for.
    pub left: Duration,
    /// Nothing else may be done before the PIN is changed.
    pub must_change_pin: bool,
    /// The token that was shown, its own or the one before.
    pub(super) key: Hash,
}

impl Session {
    /// Who does what is asked for in this session.
    pub fn actor(&self) -> Actor {
        Actor::from(&self.user)
    }

    /// The same, and from where.
    pub fn caller(&self, peer: Peer) -> Caller {
        Caller { actor: self.actor(), peer }
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

/// A session as its owner sees it in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// Its number.
    pub id: SessionId,
    /// Since when.
    pub since: Wall,
    /// When something was last asked for.
    pub used: Wall,
    /// From where.
    pub peer: Peer,
    /// What the browser calls itself, up to 256 characters; anybody can write anything there.
    pub agent: String,
    /// Whether it is the one in which the list is read.
    pub is_this: bool,
}

#[derive(Debug)]
struct Live {
    session: Session,
    client: Client,
    former: Option<Former>,
    began: Mono,
    used: Mono,
    used_at: Wall,
}

/// The token that a session went by before its own.
#[derive(Debug)]
struct Former {
    key: Hash,
    until: Mono,
    /// The session's own token: whoever shows the former one with the right PIN is told it again,
    /// for the browser may have dropped the first answer.
    successor: SecretString,
}

impl Live {
    fn left(&self, now: Mono) -> Duration {
        let ends = self.used.after(IDLE_MAX).min(self.began.after(AGE_MAX));
        ends.left(now)
    }

    fn is_over(&self, now: Mono) -> bool {
        self.left(now).is_zero()
    }

    fn former(&self, now: Mono) -> Option<&Former> {
        self.former.as_ref().filter(|former| !former.until.left(now).is_zero())
    }

    /// Whether it goes by the token of this hash, or did until a moment ago.
    fn goes_by(&self, now: Mono, key: &Hash) -> bool {
        self.session.key.is_same(key) || self.former(now).is_some_and(|it| it.key.is_same(key))
    }
}

/// Everybody who is signed in.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    live: BTreeMap<SessionId, Live>,
    count: u64,
}

fn key(token: &str) -> Option<Hash> {
    (token.len() == TOKEN_TEXT_LEN).then(|| digest("token", &[token.as_bytes()]))
}

/// From which machine and browser a session is used.
#[derive(Debug, Clone)]
pub(super) struct Client {
    peer: Peer,
    agent: Hash,
    /// For people.
    name: String,
}

impl Client {
    pub(super) fn new(peer: Peer, agent: &str) -> Self {
        let name = agent.chars().take(AGENT_LEN_MAX).collect();
        Self { peer, agent: digest("agent", &[agent.as_bytes()]), name }
    }
}

/// A session in the making.
pub(super) struct Token {
    text: String,
    key: Hash,
    csrf: String,
}

impl Token {
    pub(super) fn random() -> Result<Self, AccessError> {
        let text = BASE64_URL_SAFE_NO_PAD.encode(random::<TOKEN_LEN>()?);
        let csrf = BASE64_URL_SAFE_NO_PAD.encode(random::<TOKEN_LEN>()?);
        let key = digest("token", &[text.as_bytes()]);
        Ok(Self { text, key, csrf })
    }

    fn signed_in(self, id: SessionId, user: User, since: Wall) -> SignedIn {
        let (must_change_pin, left) = (user.must_change_pin, IDLE_MAX);
        let Self { text: token, key, csrf } = self;
        SignedIn { token, session: Session { id, user, csrf, since, left, must_change_pin, key } }
    }
}

impl Sessions {
    /// Begins a session; makes room for it.
    pub(super) fn begin(&mut self, now: Now, client: Client, token: Token, user: User) -> SignedIn {
        self.live.retain(|_, live| !live.is_over(now.mono));
        let of_user = |live: &&Live| live.session.user.id == user.id;
        if self.live.values().filter(of_user).count() >= SESSIONS_OF_USER_MAX {
            let own = self.live.values().filter(of_user);
            let oldest = own.min_by_key(|live| live.began).map(|live| live.session.id);
            self.live.retain(|id, _| Some(*id) != oldest);
        }
        if self.live.len() >= SESSIONS_MAX {
            let idle = self.live.values().min_by_key(|live| live.used);
            let idle = idle.map(|live| live.session.id);
            self.live.retain(|id, _| Some(*id) != idle);
        }
        let signed_in = token.signed_in(self.next_id(), user, now.wall);
        let session = signed_in.session.clone();
        let (began, used, used_at, former) = (now.mono, now.mono, now.wall, None);
        self.live.insert(session.id, Live { session, client, former, began, used, used_at });
        signed_in
    }

    fn next_id(&mut self) -> SessionId {
        self.count += 1;
        SessionId(self.count)
    }

    fn by_token(&self, now: Mono, token: &str) -> Option<(&Live, Hash)> {
        let key = key(token)?;
        // There are 64 at most.
        let live = self.live.values().find(|live| live.goes_by(now, &key))?;
        Some((live, key)).filter(|_| !live.is_over(now))
    }

    /// The session that goes by `token`, if it is used from where it was begun; it is used now.
    pub(super) fn find(&mut self, now: Now, client: &Client, token: &str) -> Option<Session> {
        let id = self.glance(now.mono, client, token)?.id;
        let live = self.live.get_mut(&id)?;
        (live.used, live.used_at) = (live.used.max(now.mono), now.wall);
        live.former.take_if(|former| former.until.left(now.mono).is_zero());
        // Again, because it has more time left now.
        self.glance(now.mono, client, token)
    }

    /// The same without counting as a use.
    pub(super) fn glance(&self, now: Mono, client: &Client, token: &str) -> Option<Session> {
        let (live, key) = self.by_token(now, token)?;
        // Whoever has stolen a token does not end the session of its owner.
        let is_same = live.client.peer == client.peer && live.client.agent.is_same(&client.agent);
        is_same.then(|| Session { key, left: live.left(now), ..live.session.clone() })
    }

    /// Whether the session has not ended meanwhile.
    pub(super) fn is_live(&self, now: Mono, session: &Session) -> bool {
        self.live.get(&session.id).is_some_and(|live| !live.is_over(now))
    }

    /// Who is signed in with `token`, and from where.
    pub(super) fn owner(&self, now: Mono, token: &str) -> Option<(SessionId, User, Peer)> {
        let (live, _) = self.by_token(now, token)?;
        Some((live.session.id, live.session.user.clone(), live.client.peer))
    }

    /// The user's own sessions as they are seen in `session`, the newest first.
    pub(super) fn list(&self, now: Mono, session: &Session) -> Vec<OpenSession> {
        let own = |live: &&Live| live.session.user.id == session.user.id && !live.is_over(now);
        let seen = |live: &Live| OpenSession {
            id: live.session.id,
            since: live.session.since,
            used: live.used_at,
            peer: live.client.peer,
            agent: live.client.name.clone(),
            is_this: live.session.id == session.id,
        };
        self.live.values().rev().filter(own).map(seen).collect()
    }

    /// Ends one session.
    pub(super) fn end(&mut self, id: SessionId) {
        self.live.remove(&id);
    }

    /// Ends all sessions of `user`; says how many there were.
    pub(super) fn end_all(&mut self, user: UserId) -> usize {
        self.end_those(|live| live.session.user.id == user)
    }

    /// Ends the user's other sessions than this one, or only the one of them with that number;
    /// says how many there were.
    pub(super) fn end_others(&mut self, session: &Session, only: Option<SessionId>) -> usize {
        self.end_those(|live| {
            let id = live.session.id;
            let is_meant = only.is_none_or(|only| only == id);
            live.session.user.id == session.user.id && id != session.id && is_meant
        })
    }

    fn end_those(&mut self, ends: impl Fn(&Live) -> bool) -> usize {
        let before = self.live.len();
        self.live.retain(|_, live| !ends(live));
        before - self.live.len()
    }

    /// Ends all sessions of the user but this one, which becomes another one of the same age.
    pub(super) fn renew(&mut self, session: &Session, token: Token, user: User) -> SignedIn {
        let old = self.live.remove(&session.id);
        self.end_all(user.id);
        let signed_in = token.signed_in(self.next_id(), user, session.since);
        if let Some(old) = old {
            let session = signed_in.session.clone();
            self.live.insert(session.id, Live { session, former: None, ..old });
        }
        signed_in
    }

    /// Gives the session another token, which is returned; the one that was shown is good for
    /// [`GRACE`] more. Who shows one that was replaced a moment ago is told its successor. None if
    /// neither it nor the session is there any more.
    pub(super) fn rotate(&mut self, now: Mono, session: &Session, token: Token) -> Option<String> {
        let live = self.live.get_mut(&session.id).filter(|live| !live.is_over(now))?;
        if !live.session.key.is_same(&session.key) {
            let former = live.former(now).filter(|former| former.key.is_same(&session.key))?;
            return Some(former.successor.expose_secret().to_owned());
        }
        let (successor, until) = (SecretString::from(token.text.clone()), now.after(GRACE));
        live.former = Some(Former { key: live.session.key, until, successor });
        live.session.key = token.key;
        Some(token.text)
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
        sessions.find(now(minutes), &client("192.0.2.7", "x"), token).is_some()
    }

    #[test]
    fn a_session_ends_when_it_is_idle() {
        let mut sessions = Sessions::default();
        let token = begin(&mut sessions, 0, 1);
        assert_eq!(token.len(), TOKEN_TEXT_LEN);
        assert!(is_there(&mut sessions, 14, &token));
        assert!(is_there(&mut sessions, 28, &token), "it was used");
        assert!(!is_there(&mut sessions, 43, &token));
        begin(&mut sessions, 43, 2);
        assert_eq!(sessions.live.len(), 1, "and is forgotten with the next one");
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
            assert!(sessions.find(now(0), &thief, &token).is_none());
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
        let session = sessions.find(now(9), &here, &token).expect("a session");
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

    fn later(now: Now, seconds: u64) -> Now {
        now.after(Duration::from_secs(seconds))
    }

    #[test]
    fn a_token_that_was_replaced_is_good_for_ten_seconds_and_cannot_be_renewed() {
        let mut sessions = Sessions::default();
        let (here, old) = (client("192.0.2.7", "x"), begin(&mut sessions, 0, 1));
        let ask = |sessions: &mut Sessions, seconds, token: &str| {
            sessions.find(later(now(1), seconds), &here, token)
        };
        let session = ask(&mut sessions, 0, &old).expect("a session");
        let rotate = |sessions: &mut Sessions, seconds, session: &Session| {
            let token = Token::random().expect("random");
            sessions.rotate(later(now(1), seconds).mono, session, token)
        };
        let new = rotate(&mut sessions, 0, &session).expect("another token");
        assert_ne!(new, old);
        let twin = ask(&mut sessions, 9, &old).expect("sent twice at once");
        assert_eq!((twin.id, &twin.csrf), (session.id, &session.csrf));
        assert_eq!(rotate(&mut sessions, 9, &twin).as_ref(), Some(&new), "told again");
        assert!(ask(&mut sessions, 10, &old).is_none());
        assert_eq!(rotate(&mut sessions, 10, &twin), None);
        let renewed = ask(&mut sessions, 10, &new).expect("the session goes on");
        assert_eq!((renewed.id, &renewed.csrf), (session.id, &session.csrf), "forms stay good");
        let third = rotate(&mut sessions, 10, &renewed).expect("another token");
        let fourth = ask(&mut sessions, 11, &third).expect("the session goes on");
        rotate(&mut sessions, 11, &fourth).expect("another token");
        assert!(ask(&mut sessions, 12, &new).is_none(), "one former token at a time");
        assert!(ask(&mut sessions, 12, &third).is_some());
        assert_eq!(sessions.live.len(), 1);
    }

    #[test]
    fn a_user_sees_and_ends_their_own_sessions_alone() {
        let mut sessions = Sessions::default();
        let [first, second, third] = [0, 1, 2].map(|minute| begin(&mut sessions, minute, 1));
        let stranger = begin(&mut sessions, 3, 2);
        let here = client("192.0.2.7", "x");
        let this = sessions.find(now(4), &here, &second).expect("a session");
        let list = sessions.list(now(4).mono, &this);
        let seen: Vec<(Wall, Wall, bool)> =
            list.iter().map(|it| (it.since, it.used, it.is_this)).collect();
        let at = |minutes| now(minutes).wall;
        let expected = [(at(2), at(2), false), (at(1), at(4), true), (at(0), at(0), false)];
        assert_eq!(seen, expected);
        let strange = sessions.find(now(4), &here, &stranger).expect("a session").id;
        assert_eq!(sessions.end_others(&this, Some(strange)), 0, "not of others");
        assert_eq!(sessions.end_others(&this, Some(this.id)), 0, "nor the own one");
        assert_eq!(sessions.end_others(&this, Some(list[0].id)), 1);
        assert!(!is_there(&mut sessions, 4, &third) && is_there(&mut sessions, 4, &first));
        assert_eq!(sessions.end_others(&this, None), 1);
        assert!(is_there(&mut sessions, 4, &second) && is_there(&mut sessions, 4, &stranger));
        assert_eq!(sessions.list(now(4).mono, &this).len(), 1);
    }

    #[test]
    fn a_session_says_how_long_it_lasts() {
        let mut sessions = Sessions::default();
        let (token, here) = (begin(&mut sessions, 0, 1), client("192.0.2.7", "x"));
        let left = |minutes, sessions: &Sessions| {
            sessions.glance(now(minutes).mono, &here, &token).map(|it| it.left.as_secs() / 60)
        };
        assert_eq!((left(0, &sessions), left(14, &sessions)), (Some(15), Some(1)));
        assert_eq!(left(15, &sessions), None);
        for minutes in (10..475).step_by(5) {
            assert!(is_there(&mut sessions, minutes, &token));
        }
        assert_eq!(left(475, &sessions), Some(5), "not longer than eight hours");
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
