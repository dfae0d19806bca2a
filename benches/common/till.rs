//! A till for benches whose daemon is in the same process: it waits without holding a thread.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// Nothing takes so long unless it is stuck.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(10);

/// A till that the daemon has greeted.
pub struct Till {
    lines: tokio::io::Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
}

impl Till {
    /// Connects as soon as the daemon listens.
    pub async fn connect(port: u16) -> Self {
        let until = Instant::now() + PATIENCE;
        let stream = loop {
            match TcpStream::connect(("127.0.0.1", port)).await {
                Ok(stream) => break stream,
                Err(_) => assert!(Instant::now() < until, "the daemon does not listen"),
            }
            tokio::time::sleep(LOOK).await;
        };
        stream.set_nodelay(true).expect("a TCP socket");
        let (reader, writer) = stream.into_split();
        let mut till = Self { lines: BufReader::new(reader).lines(), writer };
        till.send(&json!({ "op": "hello" })).await;
        till.until("hello").await;
        till
    }

    /// Sends one line.
    pub async fn send(&mut self, message: &Value) {
        self.writer.write_all(format!("{message}\n").as_bytes()).await.expect("the daemon reads");
    }

    /// Waits for a line that contains `text`.
    pub async fn until(&mut self, text: &str) {
        let heard = async {
            while let Some(line) = self.lines.next_line().await.expect("the daemon writes") {
                if line.contains(text) {
                    return;
                }
            }
            panic!("the daemon has gone before it says {text}");
        };
        tokio::time::timeout(PATIENCE, heard).await.expect("the daemon says it in time");
    }
}
