//! One line to the broker: kept up, said to be down when it is, and never waited for by whoever
//! takes a payment.

use super::jitter::Jitter;
use super::said::{Heard, Said, Will};
use super::session::NothingUnderWay;
use super::topic::is_of_use_later;
use super::{MESSAGE_LEN_MAX, Settings, tls};
use rumqttc::{
    AsyncClient, ConnectionError, DisconnectProperties, DisconnectReasonCode, Event, EventLoop,
    LastWill, MqttOptions, Packet, PublishNotice, PublishNoticeError, PublishOptions,
    PublishProperties, QoS, SubscribeReasonCode, TlsConfiguration, Transport,
};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, timeout};

/// Between two signs of life, in seconds; a router forgets silent connections after minutes.
const KEEP_ALIVE_S: u16 = 30;
/// Until the broker has taken the connection, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Until the broker has accepted the subscriptions.
const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(15);
/// Until a last word has left when the line is closed on purpose.
const FAREWELL: Duration = Duration::from_secs(2);
/// Messages under way to the broker at a time, acknowledged or not.
pub(super) const IN_FLIGHT_MAX: u16 = 1_000;
/// Messages that the broker may send before the first of them is acknowledged.
const RECEIVE_MAX: u16 = 64;
/// Messages that wait to be written.
const QUEUE_LEN_MAX: usize = 1_000;

/// Why something was not said.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// There is no line, or too much is under way on it.
    #[error("there is no line to the broker, or it is busy")]
    Busy,
    /// The broker says that it does not take it, such as for want of a right: the same message
    /// over the same line would fare no better.
    #[error("the broker does not take it: {0}")]
    Refused(PublishNoticeError),
    /// The line ended before the broker had answered.
    #[error("the line broke before the broker had taken it: {0}")]
    Broke(PublishNoticeError),
}

impl From<PublishNoticeError> for PublishError {
    fn from(error: PublishNoticeError) -> Self {
        match error {
            PublishNoticeError::V5PubAck(_) => Self::Refused(error),
            other => Self::Broke(other),
        }
    }
}

/// The broker's acknowledgement that is still to come.
#[derive(Debug)]
pub struct Published(PublishNotice);

impl Published {
    /// Waits for it.
    ///
    /// # Errors
    /// When the broker refuses the message or the line ends first.
    pub async fn taken(self) -> Result<(), PublishError> {
        Ok(self.0.wait_completion_async().await?)
    }
}

/// For saying something. Clones share the line.
#[derive(Debug, Clone)]
pub struct Line {
    client: watch::Receiver<Option<AsyncClient>>,
    given_up: Arc<Notify>,
}

impl Line {
    /// Says `payload` at `topic`, at least once. The broker drops it after `expiry` if nobody has
    /// come for it, and keeps it for those who come later if `retained`.
    ///
    /// # Errors
    /// At once when the line is down or busy.
    pub fn publish(
        &self,
        topic: &str,
        payload: Vec<u8>,
        expiry: Option<Duration>,
        retained: bool,
    ) -> Result<Published, PublishError> {
        let client = self.client.borrow().clone().ok_or(PublishError::Busy)?;
        let expiry = expiry.map(|expiry| u32::try_from(expiry.as_secs()).unwrap_or(u32::MAX));
        let properties =
            PublishProperties { message_expiry_interval: expiry, ..PublishProperties::default() };
        let options = PublishOptions::at_least_once().retain(retained).properties(properties);
        let notice = client.try_publish_tracked(topic, payload, options);
        notice.map(Published).map_err(|_| PublishError::Busy)
    }

    /// Whether the line stands.
    pub fn is_up(&self) -> bool {
        self.client.borrow().is_some()
    }

    /// Waits until it does.
    pub async fn up(&mut self) {
        // Whoever keeps the line outlives nobody who waits for it.
        let _ = self.client.wait_for(Option::is_some).await;
    }

    /// Ends a line that stands and over which nothing is answered any more; a new one is made.
    pub fn give_up(&self) {
        self.given_up.notify_waiters();
    }
}

/// A line, and what keeps it up until whoever listens at `said` is gone. Never fails: a broker that
/// cannot be reached is tried again after pauses that grow.
pub fn keep(
    settings: Settings,
    topics: Vec<String>,
    will: Option<Will>,
    said: mpsc::Sender<Said>,
) -> (Line, impl Future<Output = ()>) {
    let (current, client) = watch::channel(None);
    let given_up = Arc::new(Notify::new());
    let line = Line { client, given_up: Arc::clone(&given_up) };
    let keeper = Keeper { settings, topics, will, said, current, given_up };
    (line, keeper.run())
}

struct Keeper {
    settings: Settings,
    topics: Vec<String>,
    will: Option<Will>,
    said: mpsc::Sender<Said>,
    current: watch::Sender<Option<AsyncClient>>,
    given_up: Arc<Notify>,
}

/// Why a line has ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("{0}")]
    Tls(#[from] tls::TlsError),
    #[error("{0}")]
    Connection(#[from] Box<ConnectionError>),
    #[error("the broker does not allow {0}; see its access rules and this certificate's name")]
    NotAllowed(String),
    #[error("the broker did not answer a subscription")]
    NoAnswer,
    #[error("the broker does not answer any more")]
    GivenUp,
    /// Nobody listens any more.
    #[error("it is not needed any more")]
    NotNeeded,
}

impl Keeper {
    async fn run(self) {
        let mut jitter = Jitter::new(self.settings.reconnect_max);
        let mut failures = 0_u32;
        loop {
            let mut up_since = None;
            let ended = match self.open() {
                Ok((client, events)) => self.live(client, events, &mut up_since).await,
                Err(error) => error,
            };
            self.current.send_replace(None);
            if matches!(ended, Ended::NotNeeded) || self.said.send(Said::Down).await.is_err() {
                return;
            }
            let stood = up_since.map_or(Duration::ZERO, |since: Instant| since.elapsed());
            failures = if up_since.is_some() { 1 } else { failures + 1 };
            let pause = jitter.pause(stood, getrandom::u32().unwrap_or(u32::MAX));
            if failures.is_power_of_two() {
                let pause_s = pause.as_secs();
                tracing::warn!(%ended, failures, pause_s, "there is no line to the broker");
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.said.closed() => return,
            }
        }
    }

    fn open(&self) -> Result<(AsyncClient, EventLoop), Ended> {
        let settings = &self.settings;
        let broker = (settings.host.clone(), settings.port);
        let mut options = MqttOptions::new(settings.client_id.clone(), broker);
        let session = u32::try_from(settings.session.as_secs()).unwrap_or(u32::MAX);
        let tls = TlsConfiguration::Rustls(Arc::new(tls::config(&settings.files)?));
        let packet_max = u32::try_from(MESSAGE_LEN_MAX).unwrap_or(u32::MAX);
        options
            .set_transport(Transport::tls_with_config(tls))
            .set_keep_alive(KEEP_ALIVE_S)
            .set_connect_timeout(CONNECT_TIMEOUT)
            .set_clean_start(session == 0)
            .set_session_expiry_interval(Some(session))
            .set_receive_maximum(Some(RECEIVE_MAX))
            .set_outgoing_inflight_upper_limit(IN_FLIGHT_MAX)
            .set_max_packet_size(Some(packet_max));
        if session > 0 {
            options.set_session_store(NothingUnderWay);
        }
        if let Some(Will { topic, payload }) = self.will.clone() {
            options.set_last_will(LastWill::new(topic, payload, QoS::AtLeastOnce, true, None));
        }
        Ok(AsyncClient::builder(options).capacity(QUEUE_LEN_MAX).build())
    }

    /// Until the line ends; notes since when it has stood.
    async fn live(
        &self,
        client: AsyncClient,
        mut events: EventLoop,
        up_since: &mut Option<Instant>,
    ) -> Ended {
        // Heard from here on, also while something else is waited for.
        let mut given_up = pin!(self.given_up.notified());
        given_up.as_mut().enable();
        loop {
            let event = tokio::select! {
                event = events.poll() => event,
                () = &mut given_up => return Ended::GivenUp,
                () = self.said.closed() => {
                    farewell(&client, &mut events).await;
                    return Ended::NotNeeded;
                }
            };
            let said = match event {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    if let Err(ended) = self.subscribe(&client, &mut events).await {
                        return ended;
                    }
                    *up_since = Some(Instant::now());
                    self.current.send_replace(Some(client.clone()));
                    Said::Up
                }
                Ok(Event::Incoming(Packet::Publish(message))) => match heard(message) {
                    Some(heard) => Said::Heard(heard),
                    None => continue,
                },
                Ok(Event::Incoming(_) | Event::Outgoing(_) | Event::Auth(_)) => continue,
                Err(error) => return Ended::Connection(Box::new(error)),
            };
            if self.said.send(said).await.is_err() {
                return Ended::NotNeeded;
            }
        }
    }

    /// What comes in meanwhile belongs to a session of before, and is heard as well.
    async fn subscribe(&self, client: &AsyncClient, events: &mut EventLoop) -> Result<(), Ended> {
        for topic in &self.topics {
            let asked = client.try_subscribe(topic.as_str(), quality(topic));
            asked.map_err(|_| Ended::NotAllowed(topic.clone()))?;
        }
        let mut answers = self.topics.iter();
        let until = Instant::now() + SUBSCRIBE_TIMEOUT;
        while let Some(topic) = answers.as_slice().first() {
            let left = until.saturating_duration_since(Instant::now());
            let event = timeout(left, events.poll()).await.map_err(|_| Ended::NoAnswer)?;
            match event.map_err(Box::new)? {
                Event::Incoming(Packet::SubAck(answer)) => {
                    let granted = |code| matches!(code, &SubscribeReasonCode::Success(_));
                    if !answer.return_codes.iter().all(granted) {
                        return Err(Ended::NotAllowed(topic.clone()));
                    }
                    answers.next();
                }
                Event::Incoming(Packet::Publish(message)) => {
                    if let Some(heard) = heard(message) {
                        let told = self.said.send(Said::Heard(heard)).await;
                        told.map_err(|_| Ended::NotNeeded)?;
                    }
                }
                Event::Incoming(_) | Event::Outgoing(_) | Event::Auth(_) => {}
            }
        }
        Ok(())
    }
}

/// What is of no use later is not kept for whoever is away: the broker keeps so many messages for
/// each, and signs of life would take all that room in hours.
fn quality(topic: &str) -> QoS {
    match is_of_use_later(topic) {
        true => QoS::AtLeastOnce,
        false => QoS::AtMostOnce,
    }
}

fn heard(message: rumqttc::Publish) -> Option<Heard> {
    let topic = String::from_utf8(message.topic.to_vec()).ok()?;
    Some(Heard { topic, payload: message.payload.to_vec(), retained: message.retain })
}

/// Says goodbye, and that the will is to be said at once.
async fn farewell(client: &AsyncClient, events: &mut EventLoop) {
    let reason = DisconnectReasonCode::DisconnectWithWillMessage;
    let properties = DisconnectProperties {
        session_expiry_interval: None,
        reason_string: None,
        user_properties: Vec::new(),
        server_reference: None,
    };
    if client.try_disconnect_with_properties(reason, properties).is_ok() {
        let gone = async { while events.poll().await.is_ok() {} };
        // A broker that does not listen any more says it later.
        let _ = timeout(FAREWELL, gone).await;
    }
}
