//! A line over TLS to a real broker with the shipped access rules.

use crate::mosquitto::Mosquitto;
use klarna_terminald::broker::{Account, Changed, Heard, Line, Said, Settings, Topics, Will, keep};
use std::time::Duration;
use tokio::sync::mpsc;

const WAIT: Duration = Duration::from_secs(30);

pub struct End {
    line: Line,
    said: mpsc::Receiver<Said>,
}

impl End {
    pub fn open(settings: Settings, topics: Vec<String>, will: Option<Will>) -> Self {
        let (tell, said) = mpsc::channel(16);
        let (line, kept) = keep(settings, topics, will, tell);
        tokio::spawn(kept);
        Self { line, said }
    }

    async fn next(&mut self) -> Said {
        tokio::time::timeout(WAIT, self.said.recv()).await.expect("in time").expect("kept")
    }

    pub async fn up(&mut self) {
        while !matches!(self.next().await, Said::Up) {}
    }

    pub async fn heard(&mut self) -> Heard {
        loop {
            if let Said::Heard(heard) = self.next().await {
                return heard;
            }
        }
    }

    pub async fn say(&self, topic: &str, payload: &[u8], retained: bool) -> bool {
        let mut line = self.line.clone();
        tokio::time::timeout(WAIT, line.up()).await.expect("a line in time");
        match line.publish(topic, payload.to_vec(), Some(Duration::from_secs(60)), retained) {
            Ok(published) => published.taken().await.is_ok(),
            Err(_) => false,
        }
    }
}

pub fn topics(terminal: &str) -> Topics {
    let account = Account::of("krn:partner:global:account:test:SIMULATOR").expect("fits");
    Topics::of(&account, "S12", terminal).expect("fits")
}

fn changed(event: &str) -> Vec<u8> {
    let (event, kind) = (event.to_owned(), "payment.request.updated".to_owned());
    Changed {
        v: 1,
        event,
        kind,
        request: None,
        transaction: None,
        concern: None,
        dispute: None,
        at: None,
    }
    .bytes()
}

fn event(heard: &Heard) -> String {
    Changed::parse(&heard.payload).expect("a message").event
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_hears_what_is_for_it_and_nobody_elses_certificate_helps() {
    let broker = Mosquitto::start("SIMULATOR");
    let topics = [topics("T3"), topics("T5")];
    let mut mine = End::open(broker.settings("S12/T3", "t3"), vec![topics[0].changed()], None);
    let mut thief = End::open(broker.settings("S12/T4", "t4"), vec![topics[0].changed()], None);
    let relay = End::open(broker.settings("relay", "relay-1"), Vec::new(), None);
    mine.up().await;
    assert!(relay.say(&topics[0].changed(), &changed("one"), false).await);
    let heard = mine.heard().await;
    assert_eq!((event(&heard).as_str(), heard.retained), ("one", false));
    // The thief may say nothing that the terminal hears, and hears nothing of what is for it.
    let own = End::open(broker.settings("S12/T5", "t5"), vec![topics[1].changed()], None);
    let is_taken = own.say(&topics[0].changed(), &changed("forged"), false).await;
    assert!(!is_taken, "the broker says that it may not");
    assert!(broker.log().contains("Denied PUBLISH"), "{}", broker.log());
    assert!(relay.say(&topics[0].changed(), &changed("two"), false).await);
    assert_eq!(event(&mine.heard().await), "two");
    while let Ok(said) = thief.said.try_recv() {
        assert!(!matches!(said, Said::Heard(_)), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_while_the_line_was_down_is_heard_later() {
    let mut broker = Mosquitto::start("SIMULATOR");
    let topic = topics("T3").changed();
    let settings = broker.settings("S12/T3", "t3");
    let mut first = End::open(settings.clone(), vec![topic.clone()], None);
    let relay = End::open(broker.settings("relay", "relay-1"), Vec::new(), None);
    first.up().await;
    drop(first);
    assert!(relay.say(&topic, &changed("while it was away"), false).await);
    broker.stop();
    broker.rise();
    let mut second = End::open(settings, vec![topic.clone()], None);
    assert_eq!(event(&second.heard().await), "while it was away");
    second.up().await;
    broker.kill();
    while !matches!(second.next().await, Said::Down) {}
    assert!(!second.line.is_up());
    broker.rise();
    second.up().await;
    assert!(relay.say(&topic, &changed("back"), false).await);
    assert_eq!(event(&second.heard().await), "back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_kept_and_the_will_follows_a_line_that_breaks() {
    let broker = Mosquitto::start("SIMULATOR");
    let status = topics("T3").status();
    let will = Will { topic: status.clone(), payload: b"gone".to_vec() };
    let kept = keep_alone(broker.settings("S12/T3", "t3"), will);
    let (line, task) = kept;
    let terminal = End { line, said: mpsc::channel(1).1 };
    assert!(terminal.say(&status, b"here", true).await);
    let mut operator = End::open(broker.settings("operator", "desk"), vec![status.clone()], None);
    let heard = operator.heard().await;
    assert_eq!((heard.payload.as_slice(), heard.retained), (b"here".as_slice(), true));
    task.abort();
    assert_eq!(operator.heard().await.payload, b"gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_ends_anothers_line_by_its_client_id_or_empties_its_queue() {
    let broker = Mosquitto::start("SIMULATOR");
    let topic = topics("T3").changed();
    let mine = broker.settings("S12/T3", "S12-T3");
    let mut here = End::open(mine.clone(), vec![topic.clone()], None);
    let relay = End::open(broker.settings("relay", "relay-1"), Vec::new(), None);
    here.up().await;
    for id in ["S12-T3", "S12/T3", "relay-1", "relay"] {
        let session = Duration::ZERO;
        let thief = Settings { session, ..broker.settings("S12/T4", id) };
        let mut thief = End::open(thief, Vec::new(), None);
        thief.up().await;
        assert!(relay.line.is_up());
        assert!(relay.say(&topic, &changed(id), false).await);
        let Said::Heard(heard) = here.next().await else { panic!("{id} ends the line") };
        assert_eq!(event(&heard), id);
    }
    drop(here);
    assert!(relay.say(&topic, &changed("while it was away"), false).await);
    let thief = Settings { client_id: "S12/T3".to_owned(), ..broker.settings("S12/T4", "") };
    End::open(Settings { session: Duration::ZERO, ..thief }, Vec::new(), None).up().await;
    let mut again = End::open(mine, vec![topic], None);
    assert_eq!(event(&again.heard().await), "while it was away");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_revoked_counts_until_the_signal() {
    let broker = Mosquitto::start("SIMULATOR");
    let stolen = broker.settings("S12/T4", "t4");
    let mut before = End::open(stolen.clone(), Vec::new(), None);
    before.up().await;
    drop(before);
    broker.certificates(&["revoke", "S12-T4.pem"]);
    broker.reload();
    let mut thief = End::open(stolen, Vec::new(), None);
    assert!(matches!(thief.next().await, Said::Down), "it is revoked");
    End::open(broker.settings("S12/T3", "t3"), Vec::new(), None).up().await;
}

#[test]
fn an_authority_begins_with_an_empty_list_and_names_for_several_relays() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/firmware-config/broker/certificates");
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(program);
        command.arg(folder.path()).args(arguments).output().expect("bash").status.success()
    };
    assert!(run(&["ca"]) && run(&["relay", "relay-2"]) && run(&["operator"]));
    for file in ["ca.pem", "revoked.pem", "relay-2.pem", "relay-2.key", "operator.pem"] {
        assert!(folder.path().join(file).exists(), "{file}");
    }
    assert!(!run(&["relay", "S12/T3"]) && !run(&["operator", "relay"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_of_life_leave_room_for_what_a_terminal_hears_later() {
    let broker = Mosquitto::start("SIMULATOR");
    let (changed_at, alive) = (topics("T3").changed(), topics("T3").alive().to_owned());
    let settings = broker.settings("S12/T3", "t3");
    let mut first = End::open(settings.clone(), vec![changed_at.clone(), alive.clone()], None);
    let relay = End::open(broker.settings("relay", "relay-1"), Vec::new(), None);
    first.up().await;
    drop(first);
    // More than the broker keeps for one terminal (max_queued_messages).
    for _ in 0..1_200 {
        assert!(relay.say(&alive, b"{}", true).await);
    }
    assert!(relay.say(&changed_at, &changed("while it was away"), false).await);
    let mut second = End::open(settings, vec![changed_at.clone(), alive], None);
    let heard = loop {
        let heard = second.heard().await;
        if heard.topic == changed_at {
            break heard;
        }
    };
    assert_eq!(event(&heard), "while it was away");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_given_up_ends_and_comes_back() {
    let broker = Mosquitto::start("SIMULATOR");
    let mut relay = End::open(broker.settings("relay", "relay-1"), Vec::new(), None);
    relay.up().await;
    // Nobody reads what it writes, as behind a router that has forgotten the connection.
    broker.freeze();
    relay.line.give_up();
    assert!(matches!(relay.next().await, Said::Down));
    assert!(!relay.line.is_up());
    broker.thaw();
    relay.up().await;
}

/// A line whose keeper can be killed.
fn keep_alone(settings: Settings, will: Will) -> (Line, tokio::task::JoinHandle<()>) {
    let (tell, mut said) = mpsc::channel(16);
    let (line, kept) = keep(settings, Vec::new(), Some(will), tell);
    let task = tokio::spawn(async move {
        tokio::join!(kept, async { while said.recv().await.is_some() {} });
    });
    (line, task)
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_come_in() {
    let (broker, other) = (Mosquitto::start("SIMULATOR"), Mosquitto::start("SIMULATOR"));
    let stranger = Settings { port: broker.port(), ..other.settings("S12/T3", "t3") };
    let mut stranger = End::open(stranger, vec![topics("T3").changed()], None);
    assert!(matches!(stranger.next().await, Said::Down), "its authority is another one");
    let believer = broker.settings("S12/T3", "t3");
    let mut files = believer.files.clone();
    files.certificate = broker.file("missing.pem");
    let mut without = End::open(Settings { files, ..believer }, Vec::new(), None);
    assert!(matches!(without.next().await, Said::Down));
}
