//! A till's line for benches whose daemon is a process of its own: it holds its thread while it
//! waits, so that nothing lies between an answer and its time.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Nothing takes so long to start unless it is stuck.
const START: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(10);

/// The line.
pub struct TillLine {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

impl TillLine {
    /// Connects as soon as the daemon listens.
    pub fn connect(port: u16) -> Self {
        let until = Instant::now() + START;
        let stream = loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => break stream,
                Err(_) => assert!(Instant::now() < until, "the daemon does not listen"),
            }
            std::thread::sleep(LOOK);
        };
        stream.set_nodelay(true).expect("a TCP socket");
        let writer = stream.try_clone().expect("a second handle");
        Self { reader: BufReader::new(stream), writer }
    }

    /// From one line to the first answer that contains `text`.
    pub fn ask(&mut self, message: &Value, text: &str) -> Duration {
        let begun = Instant::now();
        self.writer.write_all(format!("{message}\n").as_bytes()).expect("the daemon reads");
        self.until(text);
        begun.elapsed()
    }

    /// Waits for a line that contains `text`.
    pub fn until(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            let length = self.reader.read_line(&mut line).expect("the daemon writes");
            assert!(length > 0, "the daemon has gone before it says {text}");
        }
    }
}
