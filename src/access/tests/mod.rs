//! What the room does as a whole, over a real file.

mod chain;
mod door;
mod people;
mod sessions;
mod siege;

use super::*;
use crate::clock::{Mono, Now};
use tempfile::TempDir;

const PIN: &str = "483920";
const OTHER_PIN: &str = "739264";
const WRONG: &str = "900900900901";
const AGENT: &str = "a browser";

/// A terminal with a users' file whose hashes are cheap.
struct Shop {
    folder: TempDir,
    open: Option<Access>,
    now: Now,
}

fn peer(text: &str) -> Peer {
    text.parse().expect("a peer")
}

fn home() -> Peer {
    peer("192.0.2.1")
}

fn abroad() -> Peer {
    peer("198.51.100.9")
}

fn name(text: &str) -> UserName {
    UserName::new(text).expect("a name")
}

fn pin(text: &str) -> Pin {
    Pin::new(text).expect("a good PIN")
}

fn root() -> Caller {
    Caller { actor: Actor::local(0, "root"), peer: Peer::Socket }
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl Shop {
    /// Nobody is there yet.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a directory");
        let wall = Wall::from_millis(1_795_000_000_000);
        let mut shop = Self { folder, open: None, now: Now { mono: Mono::default(), wall } };
        shop.restart();
        shop
    }

    /// `boss`, an admin, has a PIN and signs in at home.
    fn with_boss() -> Self {
        let shop = Self::new();
        let code = shop.set_up_code(shop.now).expect("nobody is there");
        shop.set_up(shop.now, &home(), &code, name("boss"), pin(PIN)).expect("set up");
        shop.enter("boss", PIN);
        shop
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("terminal.sqlite.access")
    }

    fn restart(&mut self) {
        self.restart_with(Cost::CHEAP);
    }

    fn restart_with(&mut self, cost: Cost) {
        drop(self.open.take());
        self.now.mono = Mono::default();
        let open = Access::open_with(&self.path(), self.now.wall, cost);
        self.open = Some(open.expect("opened"));
    }

    fn wait(&mut self, wait: Duration) {
        self.now = self.now.after(wait);
    }

    fn try_at(&self, peer: Peer, name: &str, pin: &str) -> Result<SignedIn, Refused> {
        self.sign_in(self.now, &peer, AGENT, name, pin, None)
    }

    fn try_(&self, name: &str, pin: &str) -> Result<SignedIn, Refused> {
        self.try_at(home(), name, pin)
    }

    fn enter(&self, name: &str, pin: &str) -> SignedIn {
        self.try_(name, pin).expect("signed in")
    }

    /// Somebody with a PIN of their own who has signed in at home.
    fn add(&self, text: &str, role: Role) -> User {
        let added = self.add_user(self.now.wall, &root(), name(text), role);
        let (_, first) = added.expect("added");
        let signed_in = self.enter(text, first.expose());
        let (old, new) = (first.expose(), pin(OTHER_PIN));
        let changed = self.change_pin(self.now, &signed_in.session, &home(), old, new);
        changed.expect("changed").session.user
    }

    fn is_in(&self, signed_in: &SignedIn) -> bool {
        self.session(self.now, &home(), AGENT, &signed_in.token).is_some()
    }

    /// The actions in the journal, the oldest first.
    fn actions(&self) -> Vec<String> {
        let entries = self.audit(None, AUDIT_LEN_MAX).expect("entries");
        entries.into_iter().rev().map(|entry| entry.action).collect()
    }

    /// A second connection, as somebody with the file in their hands has it.
    fn intruder(&self) -> Connection {
        Connection::open(self.path()).expect("sqlite")
    }

    fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        self.intruder().query_row(&sql, [], |row| row.get(0)).expect("a count")
    }
}

impl std::ops::Deref for Shop {
    type Target = Access;

    fn deref(&self) -> &Access {
        self.open.as_ref().expect("open between restarts")
    }
}

/// How long the try has to wait.
fn wait_of<T: std::fmt::Debug>(result: Result<T, Refused>) -> Duration {
    match result {
        Err(Refused::Wait(wait)) => wait,
        other => panic!("{other:?} instead of a wait"),
    }
}

macro_rules! refused {
    ($result:expr, $refused:pat) => {{
        let result = $result;
        assert!(matches!(result, Err($refused)), "{result:?}");
    }};
}
use refused;

#[test]
fn the_file_is_private_and_belongs_to_one_daemon() {
    use std::os::unix::fs::PermissionsExt as _;
    let shop = Shop::with_boss();
    for file in std::fs::read_dir(shop.folder.path()).expect("a directory") {
        let file = file.expect("a file");
        let mode = file.metadata().expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.file_name());
    }
    let second = Access::open_with(&shop.path(), shop.now.wall, Cost::CHEAP);
    assert!(matches!(second, Err(AccessError::InUse(_))), "{second:?}");
}

#[test]
fn a_file_that_others_could_read_is_closed_to_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("x.access");
    std::fs::write(&path, "").expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
    Access::open_with(&path, Wall::from_millis(0), Cost::CHEAP).expect("opened");
    let mode = std::fs::metadata(&path).expect("metadata").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_cannot_be_opened_says_why() {
    let folder = tempfile::tempdir().expect("a directory");
    let open = |name: &str| Access::open(&folder.path().join(name), Wall::from_millis(0));
    assert!(matches!(open("nowhere/x"), Err(AccessError::Open { .. })));
    std::fs::write(folder.path().join("text"), "no database".repeat(500)).expect("written");
    assert!(matches!(open("text"), Err(AccessError::Damaged(_))));
    let newer = Connection::open(folder.path().join("newer")).expect("sqlite");
    newer.pragma_update(None, "user_version", 7).expect("set");
    drop(newer);
    assert!(matches!(open("newer"), Err(AccessError::Newer { found: 7, known: 1 })));
}

#[test]
fn the_cost_of_today_opens_and_closes_the_door() {
    let mut shop = Shop::new();
    shop.restart_with(Cost::TODAY);
    let code = shop.set_up_code(shop.now).expect("nobody is there");
    shop.set_up(shop.now, &home(), &code, name("boss"), pin(PIN)).expect("set up");
    refused!(shop.try_("boss", WRONG), Refused::WrongNameOrPin);
    refused!(shop.try_("nobody", PIN), Refused::WrongNameOrPin);
    shop.enter("boss", PIN);
}

#[test]
fn a_refusal_says_what_to_do() {
    let wait = Refused::Wait(Duration::from_millis(1_001)).to_string();
    assert_eq!(wait, "there were too many wrong tries; wait 2 seconds and try again");
    let weak = Refused::from(WeakPin::Run).to_string();
    assert_eq!(weak, "digits that count are guessed first; choose digits without an order");
}

#[test]
fn threads_may_share_it() {
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<std::sync::Arc<Access>>();
}
