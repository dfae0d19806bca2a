//! More than fits: what is refused is refused at once, and what is acknowledged is in the file.

use super::*;
use std::collections::BTreeSet;

/// Connections that speak at once.
const CALLERS: usize = 64;
/// Notices of the burst.
const NOTICES: usize = 10_000;

/// The events that the file has seen.
fn seen(world: &World) -> BTreeSet<String> {
    let file = Connection::open(&world.settings.database).expect("the file");
    let mut select = file.prepare("SELECT event FROM seen").expect("a table");
    let rows = select.query_map([], |row| row.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("events")
}

/// Tells each caller's share of the events over a connection of its own; which were acknowledged.
async fn tell_all(address: SocketAddr, events: Vec<String>) -> (BTreeSet<String>, usize) {
    let mut callers = JoinSet::new();
    for share in events.chunks(events.len().div_ceil(CALLERS)) {
        let share = share.to_vec();
        callers.spawn(async move {
            let (mut klarna, mut taken, mut busy) = (Caller::new(address).await, vec![], 0);
            for event in share {
                match klarna.tell(&approved(&event)).await.as_str() {
                    "202 accepted" => taken.push(event),
                    "503 busy" => busy += 1,
                    other => panic!("{other}"),
                }
            }
            (taken, busy)
        });
    }
    let shares = callers.join_all().await;
    let busy = shares.iter().map(|(_, busy)| busy).sum();
    (shares.into_iter().flat_map(|(taken, _)| taken).collect(), busy)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_is_acknowledged_in_a_burst_is_in_the_file() {
    let mut world = World::new();
    world.settings.limits.queue_max = CALLERS / 4;
    let relay = world.start().await;
    let events: Vec<String> = (0..NOTICES).map(|number| format!("e{number}")).collect();
    let (taken, busy) = tell_all(relay.address(), events.clone()).await;
    assert_eq!(taken.len() + busy, NOTICES);
    assert_eq!(relay.outbox().0.waiting(), taken.len());
    relay.stop().await;
    assert_eq!(seen(&world), taken);
    assert_eq!(world.count("outbox"), taken.len());
    // Klarna comes again with what was refused.
    world.settings.limits.queue_max = 2 * CALLERS;
    let relay = world.start().await;
    let again = events.into_iter().filter(|event| !taken.contains(event)).collect::<Vec<_>>();
    if !again.is_empty() {
        let (_, busy) = tell_all(relay.address(), again).await;
        assert_eq!(busy, 0, "the queue has room for all who speak");
    }
    relay.stop().await;
    assert_eq!(world.count("outbox"), NOTICES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_at_once_and_keeps_what_it_took() {
    let mut world = World::new();
    world.settings.limits.queue_max = 1;
    let relay = world.start().await;
    let outside = Connection::open(&world.settings.database).expect("the file");
    outside.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let mut callers = JoinSet::new();
    for number in 0..8 {
        let address = relay.address();
        callers.spawn(async move {
            let (event, mut klarna) = (format!("e{number}"), Caller::new(address).await);
            let notice = approved(&event);
            let said = klarna.post(&headers(&key("key-1"), &notice), notice.as_bytes()).await;
            (event, said)
        });
    }
    // One is being written, one is in the queue, and for a third there is no room.
    let (event, first) = callers.join_next().await.expect("a caller").expect("an answer");
    assert_eq!(first.brief(), "503 busy");
    assert!(first.head.contains("retry-after: 10"), "{}", first.head);
    outside.execute_batch("COMMIT").expect("the lock is given back");
    let mut taken = BTreeSet::new();
    for (event, said) in callers.join_all().await {
        match said.status {
            202 => assert!(taken.insert(event)),
            503 => {}
            other => panic!("{other}"),
        }
    }
    assert!(!taken.contains(&event));
    assert_eq!(seen(&world), taken);
    let mut klarna = Caller::new(relay.address()).await;
    // The one place in the queue may be taken by what the relay writes itself.
    for _ in 0..1000 {
        if klarna.tell(&approved(&event)).await != "503 busy" {
            break;
        }
    }
    assert_eq!(klarna.tell(&approved(&event)).await, "202 doubled", "it has come again");
    relay.stop().await;
}

#[tokio::test]
async fn an_orderly_end_answers_what_is_under_way() {
    let world = World::new();
    let relay = world.start().await;
    let mut resting = Caller::new(relay.address()).await;
    assert_eq!(resting.tell(&approved("e1")).await, "202 accepted");
    let mut speaking = Caller::new(relay.address()).await;
    let notice = approved("e2");
    speaking.begin(&headers(&key("key-1"), &notice), notice.len()).await;
    let finish = async {
        speaking.say(notice.as_bytes()).await;
        speaking.hear().await
    };
    let ((), said) = tokio::join!(relay.stop(), finish);
    assert_eq!(said.brief(), "202 accepted");
    assert_eq!(world.count("outbox"), 2);
}
