//! Asking the running daemon over its console's socket: HTTP and JSON, one connection for each
//! question.
//!
//! Knows nothing of what is asked for.

use crate::console::api::socket_beside;
use anyhow::Context as _;
use axum::body::Body;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::UnixStream;
use tokio_stream::StreamExt as _;

/// How long the daemon may take until its answer begins: its own limit and a little more.
const PATIENCE: Duration = Duration::from_secs(35);
/// Longest answer, in bytes: the movements of a shift with a million sales.
const ANSWER_LEN_MAX: usize = 256 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    /// Nobody listens.
    #[error("no daemon answers on {socket} ({why}); start it, or {WHO}")]
    NoDaemon {
        /// Its socket.
        socket: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// Somebody listens and says nothing that can be understood.
    #[error("the daemon gives no answer on {socket} ({why}); look at its log")]
    Silent {
        /// Its socket.
        socket: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The daemon has refused it; nothing has changed.
    #[error("{text}")]
    Refused {
        /// One word for programs.
        code: String,
        /// For people, with what to do.
        text: String,
    },
}

impl Unanswered {
    /// Whether the system says that this user may not speak to the daemon.
    pub(super) fn is_forbidden(&self) -> bool {
        match self {
            Self::NoDaemon { why, .. } => why.kind() == io::ErrorKind::PermissionDenied,
            Self::Silent { .. } | Self::Refused { .. } => false,
        }
    }
}

const WHO: &str =
    "act as the user that it runs as or as a member of the group that console.group names";

/// An answer as it came, and what it says.
#[derive(Debug)]
pub(super) struct Told<T> {
    /// One line of JSON.
    pub(super) json: String,
    /// The same.
    pub(super) value: T,
}

/// A daemon to ask.
pub(super) struct Client {
    socket: PathBuf,
    runtime: tokio::runtime::Runtime,
}

impl Client {
    /// The daemon that owns the database, whether it runs or not.
    pub(super) fn of(database: &Path) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("the runtime cannot be started")?;
        Ok(Self { socket: socket_beside(database), runtime })
    }

    /// Reads something.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Told<T>, Unanswered> {
        let bytes = self.ask(Method::GET, path, None, &mut |_, _| {})?;
        self.understood(bytes)
    }

    /// Changes something.
    pub(super) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<Told<T>, Unanswered> {
        let bytes = self.ask(Method::POST, path, Some(body), &mut |_, _| {})?;
        self.understood(bytes)
    }

    /// Reads a file; `tell` is told how many bytes have come, and of how many if that is known.
    pub(super) fn fetch(
        &self,
        path: &str,
        mut tell: impl FnMut(u64, Option<u64>),
    ) -> Result<Vec<u8>, Unanswered> {
        self.ask(Method::GET, path, None, &mut tell)
    }

    fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        tell: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<Vec<u8>, Unanswered> {
        let (status, bytes) = self.runtime.block_on(self.exchange(method, path, body, tell))?;
        match status.is_success() {
            true => Ok(bytes),
            false => Err(self.refusal(&bytes)),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        tell: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(StatusCode, Vec<u8>), Unanswered> {
        let stream = UnixStream::connect(&self.socket).await;
        let stream =
            stream.map_err(|why| Unanswered::NoDaemon { socket: self.socket.clone(), why })?;
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .map_err(|error| self.silent(error))?;
        let answered = async {
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            // It ends with the answer, at the latest with the runtime.
            drop(tokio::spawn(connection));
            sender.send_request(request).await
        };
        let answer = tokio::time::timeout(PATIENCE, answered).await;
        let answer = answer.map_err(|_| self.silent("it takes too long"))?;
        let answer = answer.map_err(|error| self.silent(error))?;
        let (status, length) = (answer.status(), length(&answer));
        let mut chunks = Body::new(answer.into_body()).into_data_stream();
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| self.silent(error))?);
            if bytes.len() > ANSWER_LEN_MAX {
                return Err(self.silent("the answer is too long"));
            }
            tell(bytes.len() as u64, length);
        }
        Ok((status, bytes))
    }

    fn understood<T: DeserializeOwned>(&self, bytes: Vec<u8>) -> Result<Told<T>, Unanswered> {
        let json = String::from_utf8(bytes).map_err(|error| self.silent(error))?;
        let value = serde_json::from_str(&json).map_err(|error| self.silent(error))?;
        Ok(Told { json, value })
    }

    fn refusal(&self, bytes: &[u8]) -> Unanswered {
        let answer: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let word = |name: &str| answer["error"][name].as_str().map(str::to_owned);
        match word("code").zip(word("text")) {
            Some((code, text)) => Unanswered::Refused { code, text },
            None => self.silent("the answer is not to be understood"),
        }
    }

    fn silent(&self, why: impl std::fmt::Display) -> Unanswered {
        Unanswered::Silent { socket: self.socket.clone(), why: why.to_string() }
    }
}

fn length<B>(answer: &hyper::Response<B>) -> Option<u64> {
    let length = answer.headers().get(hyper::header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// `text` as a part of a path or a query.
pub(super) fn part(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// What was found, or nothing where the daemon says that there is no such thing.
pub(super) fn found<T>(asked: Result<T, Unanswered>) -> Result<Option<T>, Unanswered> {
    match asked {
        Err(Unanswered::Refused { code, .. }) if code == "not_found" => Ok(None),
        Err(error) => Err(error),
        Ok(found) => Ok(Some(found)),
    }
}
