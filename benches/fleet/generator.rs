//! Klarna's part: signed notices over connections that are kept, each sent when it is due.

use crate::terminals::{Fleet, name};
use klarna_terminald::acquirer::klarna::webhook::{SigningKey, SigningKeys, sign};
use klarna_terminald::clock::SystemClock;
use klarna_terminald::relay::PATH;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Connections to the relay. It gives one address no more than 256.
const CALLERS: usize = 128;
/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Room for an answer's head and its one word.
const ANSWER_LEN_MAX: usize = 4096;

/// Sends notices.
pub struct Generator {
    port: u16,
    key: Arc<SigningKey>,
    terminals: usize,
}

/// What has been sent.
#[derive(Default)]
pub struct Sent {
    /// Answered with 202 and `accepted`.
    pub accepted: usize,
    /// Everything else.
    pub failed: usize,
    /// From a notice's first byte to its answer.
    pub answered: Vec<Duration>,
    /// From when a notice was due to its first byte.
    pub late: Vec<Duration>,
}

impl Sent {
    /// How many notices.
    pub fn all(&self) -> usize {
        self.accepted + self.failed
    }

    fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.failed += other.failed;
        self.answered.extend(other.answered);
        self.late.extend(other.late);
    }
}

/// Makes a signing key and writes it where the relay looks for it.
pub fn signing_key(folder: &Path) -> SigningKey {
    let key = SigningKey {
        id: "krn:partner:global:notification:signing-key:bench".to_owned(),
        secret: uuid::Uuid::new_v4().to_string().into(),
        created_at: None,
    };
    let mut keys = SigningKeys::default();
    keys.add(key.clone()).expect("it is the first");
    keys.save(&folder.join("signing-keys.json")).expect("a writable directory");
    key
}

impl Generator {
    /// For the relay at `port`.
    pub fn new(port: u16, key: SigningKey, terminals: usize) -> Self {
        Self { port, key: Arc::new(key), terminals }
    }

    /// Sends these notices at `rate` a second, each terminal's in turn; returns once the last one
    /// is answered.
    pub async fn send(&self, numbers: Range<usize>, rate: usize, fleet: &Fleet) -> Sent {
        let (begin, mut callers) = (Instant::now(), JoinSet::new());
        for caller in 0..CALLERS {
            let mut call = Caller::connect(self.port, self.key.clone()).await;
            let (fleet, terminals, first) = (fleet.clone(), self.terminals, numbers.start);
            let mine = (numbers.start + caller..numbers.end).step_by(CALLERS);
            callers.spawn(async move {
                let mut sent = Sent::default();
                for number in mine {
                    let due =
                        begin + Duration::from_secs_f64((number - first) as f64 / rate as f64);
                    tokio::time::sleep_until(due).await;
                    let post = call.post(&body(number, number % terminals));
                    let (late, begun) = (due.elapsed(), Instant::now());
                    fleet.sent(number);
                    let is_accepted = call.send(&post).await;
                    sent.accepted += usize::from(is_accepted);
                    sent.failed += usize::from(!is_accepted);
                    sent.answered.push(begun.elapsed());
                    sent.late.push(late);
                }
                sent
            });
        }
        let mut all = Sent::default();
        for sent in callers.join_all().await {
            all.add(sent);
        }
        all
    }
}

/// A notice of the usual size about a payment of this terminal. Its event is a UUID that ends in
/// its number.
fn body(number: usize, terminal: usize) -> String {
    let ((store, terminal), at) = (name(terminal), SystemClock::start().now().wall.iso8601());
    let event = uuid::Uuid::new_v4().to_string();
    let event = format!("{}-{number:012x}", &event[..23]);
    let request = uuid::Uuid::new_v4();
    let reference = format!("{store}-{terminal}-20260131-000001-0a1b2c3d");
    let event_type = "payment.request.state-change.pending-confirmation";
    let metadata =
        format!(r#"{{"event_type":"{event_type}","event_id":"{event}","event_version":"v2","#)
            + &format!(r#""occurred_at":"{at}","correlation_id":"{request}","#)
            + r#""account_id":"krn:partner:global:account:test:SIMULATOR","#
            + &format!(r#""product_instance_id":"krn:partner:product:payment:{request}","#)
            + &format!(r#""webhook_id":"krn:partner:global:notification:webhook:{request}","#)
            + r#""live":false}"#;
    let payload = format!(r#"{{"payment_request_id":"krn:payment:eu1:request:{request}","#)
        + &format!(r#""payment_reference":"{reference}","merchant_reference":"A-{number}","#)
        + r#""state":"PENDING_CONFIRMATION","previous_state":"IN_PROGRESS","#
        + r#""state_context":{"payment_confirmation_token":"#
        + &format!(r#""krn:payment:eu1:confirmation-token:{request}"}}}}"#);
    format!(r#"{{"metadata":{metadata},"payload":{payload}}}"#)
}

/// One connection.
struct Caller {
    stream: TcpStream,
    port: u16,
    key: Arc<SigningKey>,
    answer: Vec<u8>,
}

impl Caller {
    async fn connect(port: u16, key: Arc<SigningKey>) -> Self {
        Self { stream: open(port).await, port, key, answer: vec![0; ANSWER_LEN_MAX] }
    }

    /// A whole request.
    fn post(&self, body: &str) -> Vec<u8> {
        let (id, code) = (&self.key.id, sign(&self.key, body.as_bytes()));
        format!(
            "POST {PATH} HTTP/1.1\r\nHost: relay\r\nContent-Type: application/json\r\n\
             Klarna-Signature: {code}\r\nKlarna-Signing-Key-ID: {id}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }

    /// Whether it was accepted. A connection that has rested for too long is made anew.
    async fn send(&mut self, post: &[u8]) -> bool {
        let answered = tokio::time::timeout(PATIENCE, self.exchange(post)).await;
        if let Ok(Ok(is_accepted)) = answered {
            return is_accepted;
        }
        self.stream = open(self.port).await;
        false
    }

    async fn exchange(&mut self, post: &[u8]) -> std::io::Result<bool> {
        self.stream.write_all(post).await?;
        let mut filled = 0;
        loop {
            let length = self.stream.read(&mut self.answer[filled..]).await?;
            if length == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            filled += length;
            let text = String::from_utf8_lossy(&self.answer[..filled]);
            if let Some((head, word)) = text.split_once("\r\n\r\n")
                && is_whole(head, word)
            {
                return Ok(head.starts_with("HTTP/1.1 202") && word == "accepted");
            }
        }
    }
}

fn is_whole(head: &str, word: &str) -> bool {
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.and_then(|length| length.parse().ok()) == Some(word.len())
}

async fn open(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the relay listens");
    stream.set_nodelay(true).expect("a TCP socket");
    stream
}
