//! A small till: writes JSON lines to its end of the pty and reads what the terminal says.

use anyhow::Context as _;
use serde_json::{Value, json};
use serialport::{SerialPort as _, TTYPort};
use std::io::{ErrorKind, Read as _, Write as _};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;

/// How long the terminal may take to say what comes next.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks whether the terminal has opened its end of the line.
const REOPEN_PAUSE: Duration = Duration::from_millis(20);
/// How long the terminal may take to answer one hello, and how many are said.
const HELLO_PAUSE: Duration = Duration::from_millis(200);
const HELLOS_MAX: u32 = 50;
/// Lines that wait to be read.
const LINES_MAX: usize = 256;

/// The till's end of the line.
pub(super) struct Till {
    port: TTYPort,
    lines: Receiver<Value>,
}

impl Till {
    /// Says hello until the terminal answers.
    pub(super) async fn connect(mut port: TTYPort) -> anyhow::Result<Self> {
        port.set_timeout(Duration::from_millis(100))?;
        let reader = port.try_clone_native()?;
        let (sender, lines) = channel(LINES_MAX);
        std::thread::spawn(move || read_lines(reader, &sender));
        let mut till = Self { port, lines };
        for _ in 0..HELLOS_MAX {
            // Until the terminal has opened its end, the line is as good as broken.
            let _ = till.send(&json!({ "op": "hello", "software": "demo till" }));
            let answer = timeout(HELLO_PAUSE, till.lines.recv()).await;
            if let Ok(Some(line)) = answer
                && line["event"] == "hello"
            {
                return Ok(till);
            }
        }
        anyhow::bail!("the terminal does not answer on its serial line")
    }

    /// Sends one message.
    pub(super) fn send(&mut self, message: &Value) -> anyhow::Result<()> {
        let line = format!("{message}\n");
        self.port.write_all(line.as_bytes()).context("the serial line to the terminal is broken")
    }

    /// The next message of the terminal.
    pub(super) async fn next(&mut self) -> Option<Value> {
        self.lines.recv().await
    }

    /// The next message for which `wanted` holds; what comes before it is passed to `other`.
    pub(super) async fn wait_for(
        &mut self,
        wanted: impl Fn(&Value) -> bool,
        mut other: impl FnMut(&Value),
    ) -> anyhow::Result<Value> {
        let found = async {
            while let Some(line) = self.lines.recv().await {
                if wanted(&line) {
                    return Some(line);
                }
                other(&line);
            }
            None
        };
        let found = timeout(PATIENCE, found).await.context("the terminal says nothing")?;
        found.context("the serial line to the terminal is broken")
    }
}

fn read_lines(mut port: TTYPort, lines: &Sender<Value>) {
    let mut buffer = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        match port.read(&mut chunk) {
            Ok(count) => buffer.extend_from_slice(&chunk[..count]),
            Err(error) => {
                if lines.is_closed() {
                    return;
                }
                // The other end may not be open yet, or may be opened again.
                if error.kind() != ErrorKind::TimedOut {
                    std::thread::sleep(REOPEN_PAUSE);
                }
            }
        }
        while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            // What is no message is an echo of our own, from before the terminal opened the line.
            if let Ok(message) = serde_json::from_slice::<Value>(&line)
                && message.get("event").is_some()
                && lines.blocking_send(message).is_err()
            {
                return;
            }
        }
    }
}

/// A message of the terminal in a few words.
pub(super) fn in_words(message: &Value) -> String {
    let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
    let money = |value: &Value| {
        let minor = value["amount"].as_i64().unwrap_or_default();
        let currency = value["currency"].as_str().unwrap_or_default();
        format!("{currency} {}.{:02}", minor / 100, minor % 100)
    };
    let reference = text("ref");
    match text("event").as_str() {
        "progress" => format!("{reference}: {}", text("stage")),
        "result" => {
            let reason = message["reason"].as_str().map(|why| format!(" ({why})"));
            let status = text("status");
            format!("{reference}: {status}{} {}", reason.unwrap_or_default(), money(message))
        }
        "acknowledged" => format!("{reference}: acknowledged"),
        "operation" => {
            format!("{reference}: {} of {} {}", text("op"), money(message), text("status"))
        }
        "status" => {
            let money = &message["money"];
            match money.is_null() {
                true => format!("{reference}: {} {}", text("status"), text("stage")),
                false => format!(
                    "{reference}: {} {}, captured {}, refunded {}, queued {}",
                    text("status"),
                    message["result"]["status"].as_str().unwrap_or_default(),
                    money["captured"],
                    money["refunded"],
                    money["queued"],
                ),
            }
        }
        "error" => format!("{reference}: {}: {}", text("code"), text("text")),
        _ => message.to_string(),
    }
}
