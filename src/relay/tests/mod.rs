//! What the relay does as a whole, over real sockets and a real file.

mod burst;
mod door;
mod keys;
mod shelf;

use super::*;
use crate::acquirer::klarna::webhook::{SigningKey, SigningKeys, sign};
use crate::clock::Wall;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A reference of a terminal's payment.
const OURS: &str = "S12-T3-20260131-000001-0a1b2c3d";

fn key(id: &str) -> SigningKey {
    SigningKey { id: id.to_owned(), secret: format!("secret of {id}").into(), created_at: None }
}

/// A relay with a file and keys of its own.
struct World {
    folder: TempDir,
    settings: Settings,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings {
            listen: "127.0.0.1:0".parse().expect("an address"),
            path: PATH.to_owned(),
            certificate: None,
            operations: Some("127.0.0.1:0".parse().expect("an address")),
            keys: folder.path().join("keys.json"),
            database: folder.path().join("relay.sqlite"),
            policy: Policy { live: Some(false), ..Policy::default() },
            limits: Limits::default(),
            connections_max: CONNECTIONS_MAX,
        };
        let world = Self { folder, settings };
        world.save_keys(&["key-1"]);
        world
    }

    fn save_keys(&self, ids: &[&str]) {
        let mut keys = SigningKeys::default();
        for id in ids {
            keys.add(key(id)).expect("room");
        }
        keys.save(&self.settings.keys).expect("written");
    }

    async fn start(&self) -> Relay {
        Relay::start(self.settings.clone()).await.expect("it starts")
    }

    /// How many rows a table of the relay's file has.
    fn count(&self, table: &str) -> usize {
        count(&self.settings.database, table)
    }
}

fn count(path: &std::path::Path, table: &str) -> usize {
    let file = Connection::open(path).expect("the file");
    let count: i64 = file
        .query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0))
        .expect("a count");
    usize::try_from(count).expect("a count")
}

fn now() -> Wall {
    SystemClock::start().now().wall
}

/// A notice's body as Klarna sends it, without whitespace.
fn body(event: &str, event_type: &str, payload: &str) -> String {
    body_at(event, event_type, payload, now())
}

fn body_at(event: &str, event_type: &str, payload: &str, at: Wall) -> String {
    let at = at.iso8601();
    format!(
        r#"{{"metadata":{{"event_type":"{event_type}","event_id":"{event}","event_version":"v1","#
    ) + &format!(
        r#""occurred_at":"{at}","account_id":"krn:a","live":false}},"payload":{payload}}}"#
    )
}

/// One about a payment request of the terminal `T3` in store `S12`.
fn approved(event: &str) -> String {
    let event_type = "payment.request.state-change.pending-confirmation";
    let payload =
        format!(r#"{{"payment_request_id":"krn:r:{event}","payment_reference":"{OURS}","#)
            + r#""state":"PENDING_CONFIRMATION","payment_confirmation_token":"krn:sekret"}"#;
    body(event, event_type, &payload)
}

fn headers(key: &SigningKey, body: &str) -> String {
    let code = sign(key, body.as_bytes());
    format!("Klarna-Signature: {code}\r\nKlarna-Signing-Key-ID: {}\r\n", key.id)
}

/// An HTTP client that says exactly what it is told to.
struct Caller<S = TcpStream> {
    stream: S,
    path: String,
}

/// What it is answered.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    status: u16,
    head: String,
    body: String,
}

impl Said {
    fn brief(&self) -> String {
        format!("{} {}", self.status, self.body)
    }
}

impl Caller {
    async fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        Self { stream, path: PATH.to_owned() }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Caller<S> {
    async fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("it is heard");
    }

    async fn post(&mut self, headers: &str, body: &[u8]) -> Said {
        let (path, length) = (&self.path, body.len());
        let head = format!("POST {path} HTTP/1.1\r\nHost: relay\r\n{headers}");
        let head = format!("{head}Content-Length: {length}\r\n\r\n");
        self.say(&[head.as_bytes(), body].concat()).await;
        self.hear().await
    }

    /// A head without its body; the door has read it when this returns.
    async fn begin(&mut self, headers: &str, length: usize) {
        let head = format!("POST {PATH} HTTP/1.1\r\nHost: relay\r\nExpect: 100-continue\r\n");
        self.say(format!("{head}{headers}Content-Length: {length}\r\n\r\n").as_bytes()).await;
        let mut asked = [0; 25];
        self.stream.read_exact(&mut asked).await.expect("an answer");
        assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n", "it asks for the body");
    }

    async fn get(&mut self, path: &str) -> Said {
        self.say(format!("GET {path} HTTP/1.1\r\nHost: relay\r\n\r\n").as_bytes()).await;
        self.hear().await
    }

    /// A signed notice.
    async fn tell(&mut self, body: &str) -> String {
        self.post(&headers(&key("key-1"), body), body.as_bytes()).await.brief()
    }

    async fn hear(&mut self) -> Said {
        let mut bytes = Vec::new();
        let mut head: Option<(String, usize, usize)> = None;
        loop {
            if let Some((head, at, length)) = &head
                && bytes.len() >= *at + *length
            {
                return said(head, &bytes[*at..]);
            }
            let mut part = [0; 4096];
            let length = self.stream.read(&mut part).await.expect("an answer");
            assert!(length > 0, "the connection has ended without an answer: {bytes:?}");
            bytes.extend_from_slice(&part[..length]);
            head = head.or_else(|| whole_head(&bytes));
        }
    }
}

/// The head, where the body begins, and its length.
fn whole_head(bytes: &[u8]) -> Option<(String, usize, usize)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let end = text.find("\r\n\r\n")? + 4;
    let head = text[..end].to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    Some((head, end, length))
}

fn said(head: &str, body: &[u8]) -> Said {
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let body = String::from_utf8(body.to_vec()).expect("text");
    Said { status, head: head.to_owned(), body }
}
