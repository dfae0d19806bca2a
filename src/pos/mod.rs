//! The till's side: bytes in, [`Request`]s out; [`Reply`]s in, bytes out.
//!
//! One till at a time, one protocol at a time; beside it the terminal's own `desk`. No money rule
//! lives here: whatever a protocol cannot
//! say, the core decides. Only `link` opens a tty or a TCP socket.

pub mod desk;
mod link;
pub mod native;
pub mod zvt;

pub use link::{Format, LinkSettings};

use crate::payment::vocabulary::{Reply, Request};
use std::collections::VecDeque;
use tokio::sync::mpsc::{Receiver, Sender};

/// Length of the queues to and from the daemon; a till that talks faster has to wait.
pub const QUEUE_LEN_MAX: usize = 64;

/// What comes from the till.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TillEvent {
    /// It is connected, or has said hello: it may have missed something.
    Returned,
    /// It asks for something.
    Request(Request),
    /// The link is down.
    Lost,
}

/// How the till is connected and what it speaks.
#[derive(Debug, Clone)]
pub struct TillSettings {
    /// Serial line or TCP.
    pub link: LinkSettings,
    /// The protocol's own settings.
    pub native: native::Settings,
}

/// Serves the till until `replies` is closed.
///
/// # Errors
/// When a TCP address cannot be bound; a serial port that is not there yet is waited for.
pub async fn serve(
    settings: TillSettings,
    events: Sender<TillEvent>,
    mut replies: Receiver<Reply>,
) -> std::io::Result<impl Future<Output = ()>> {
    let mut link = link::Link::open(settings.link).await?;
    Ok(async move {
        let mut session = native::Session::new(settings.native.clone());
        // What the daemon has no room for yet. While there is any, the till is not listened to, but
        // its answers still go out: otherwise both sides could wait for each other for ever.
        let mut pending: VecDeque<TillEvent> = VecDeque::new();
        loop {
            tokio::select! {
                room = events.reserve(), if !pending.is_empty() => match room {
                    Ok(room) => {
                        if let Some(event) = pending.pop_front() {
                            room.send(event);
                        }
                    }
                    Err(_) => return,
                },
                heard = link.heard(), if pending.is_empty() => match heard {
                    link::Heard::Up => {
                        session = native::Session::new(settings.native.clone());
                        pending.push_back(TillEvent::Returned);
                    }
                    link::Heard::Down => pending.push_back(TillEvent::Lost),
                    link::Heard::Bytes(bytes) => {
                        for received in session.receive(&bytes) {
                            match received {
                                native::Received::Answer(answer) => link.say(answer).await,
                                native::Received::Event(event) => pending.push_back(event),
                            }
                        }
                    }
                },
                reply = replies.recv() => match reply {
                    Some(reply) => {
                        let line = session.encode(&reply);
                        link.say(line).await;
                    }
                    None => {
                        link.close().await;
                        return;
                    }
                },
            }
        }
    })
}
