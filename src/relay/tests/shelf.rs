//! What is kept, for how long, and what gives way to it.

use super::*;
use crate::acquirer::klarna::webhook::parse;
use crate::relay::shelf::{Received, Shelved};

/// A shelf without a relay around it.
struct Store {
    shelf: Shelf,
    writer: thread::JoinHandle<()>,
    now: Wall,
}

impl Store {
    fn open(world: &World) -> Self {
        let limits = world.settings.limits.clone();
        let (shelf, writer) = Shelf::open(&world.settings.database, limits).expect("it opens");
        Self { shelf, writer, now: Wall::SET_FROM }
    }

    async fn put(&self, body: &str) -> Result<Shelved, ShelfError> {
        let notice = parse(body.as_bytes()).expect("a notice");
        self.shelf.put(Received { notice, at: self.now }).await
    }

    async fn waiting(&self) -> Vec<Parcel> {
        let outbox = Outbox(self.shelf.clone());
        outbox.take(ParcelId::START, 100, self.now).await.expect("readable")
    }

    async fn close(self) {
        self.shelf.close().await;
        self.writer.join().expect("the writer ends in order");
    }
}

fn hours(count: u64) -> Duration {
    Duration::from_secs(count * 3600)
}

#[tokio::test]
async fn what_was_put_survives_a_cut_at_that_moment() {
    let world = World::new();
    let store = Store::open(&world);
    assert_eq!(store.put(&approved("e1")).await.expect("kept"), Shelved::Queued);
    // The file and its log as they are now, without an orderly end.
    let copy = world.folder.path().join("copy.sqlite");
    std::fs::copy(&world.settings.database, &copy).expect("copied");
    let log = |name: &str| world.folder.path().join(format!("{name}-wal"));
    std::fs::copy(log("relay.sqlite"), log("copy.sqlite")).expect("copied");
    store.close().await;
    let (shelf, writer) = Shelf::open(&copy, Limits::default()).expect("it opens");
    let restarted = Store { shelf, writer, now: Wall::SET_FROM };
    assert_eq!(restarted.shelf.waiting(), 1);
    assert_eq!(restarted.waiting().await.len(), 1);
    assert_eq!(restarted.put(&approved("e1")).await.expect("known"), Shelved::Doubled);
    restarted.close().await;
}

#[tokio::test]
async fn a_message_waits_until_it_is_published_or_expires() {
    let world = World::new();
    let mut store = Store::open(&world);
    for event in ["e1", "e2", "e3"] {
        store.put(&approved(event)).await.expect("kept");
    }
    let outbox = Outbox(store.shelf.clone());
    let first = outbox.take(ParcelId::START, 2, store.now).await.expect("readable");
    let events: Vec<&str> = first.iter().map(|parcel| parcel.message.event.as_str()).collect();
    assert_eq!(events, ["e1", "e2"]);
    let rest = outbox.take(first[1].id, 2, store.now).await.expect("readable");
    assert_eq!(rest.len(), 1, "what is under way is not taken twice");
    assert_eq!(outbox.published(vec![first[0].id]).await.expect("written"), 1);
    assert_eq!(outbox.published(vec![first[0].id]).await.expect("written"), 0);
    assert_eq!((store.waiting().await.len(), store.shelf.waiting()), (2, 2));
    store.now = store.now.after(hours(1));
    assert_eq!(store.waiting().await, [], "nobody is told any more");
    let depth = store.shelf.depth(store.now).await.expect("readable");
    assert_eq!((depth.waiting, depth.oldest_age), (2, hours(1)));
    assert_eq!(outbox.expired(store.now).await.expect("written"), 2);
    assert_eq!(store.shelf.waiting(), 0);
    store.put(&approved("e4")).await.expect("kept");
    let id = store.waiting().await[0].id;
    assert!(id > rest[0].id, "a place is never used twice");
    store.close().await;
}

#[tokio::test]
async fn a_full_outbox_refuses_and_forgets_that_it_did() {
    let mut world = World::new();
    world.settings.limits.outbox_max = 1;
    let store = Store::open(&world);
    assert_eq!(store.put(&approved("e1")).await.expect("kept"), Shelved::Queued);
    let refused = store.put(&approved("e2")).await;
    assert!(matches!(refused, Err(ShelfError::Full)), "{refused:?}");
    assert_eq!(store.put(&approved("e1")).await.expect("known"), Shelved::Doubled);
    let other = store.put(&body("e3", "settlement.payout.failed", "{}")).await;
    assert!(matches!(other, Err(ShelfError::Full)), "everybody is to be told: {other:?}");
    assert_eq!(world.count("account_notices"), 0, "it comes again");
    let outbox = Outbox(store.shelf.clone());
    outbox.published(vec![store.waiting().await[0].id]).await.expect("written");
    assert_eq!(store.put(&approved("e2")).await.expect("kept"), Shelved::Queued);
    store.close().await;
}

#[tokio::test]
async fn the_oldest_event_is_forgotten_first() {
    let mut world = World::new();
    world.settings.limits.seen_max = 3;
    world.settings.limits.seen_life = hours(30);
    let mut store = Store::open(&world);
    for event in ["e1", "e2", "e3", "e4"] {
        store.put(&approved(event)).await.expect("kept");
    }
    assert_eq!(world.count("seen"), 3);
    assert_eq!(store.put(&approved("e2")).await.expect("known"), Shelved::Doubled);
    assert_eq!(store.put(&approved("e1")).await.expect("kept"), Shelved::Queued, "forgotten");
    store.now = store.now.after(hours(31));
    store.put(&approved("e5")).await.expect("kept");
    assert_eq!(world.count("seen"), 1, "the others are too old");
    store.close().await;
}

#[tokio::test]
async fn transactions_and_account_notices_have_a_bound() {
    let mut world = World::new();
    world.settings.limits.transactions_max = 2;
    let store = Store::open(&world);
    let kind = "payment.transaction.captured";
    for event in ["e1", "e2", "e3"] {
        let payload = format!(r#"{{"payment_transaction_id":"krn:t:{event}","#)
            + &format!(r#""payment_transaction_reference":"{OURS}"}}"#);
        let shelved = store.put(&body(event, kind, &payload)).await;
        assert_eq!(shelved.expect("kept"), Shelved::Queued);
    }
    let of = |event: &str| {
        let payload = format!(r#"{{"payment_transaction_id":"{event}"}}"#);
        body(&format!("later {event}"), "payment.transaction.chargeback", &payload)
    };
    assert_eq!(store.put(&of("e1")).await.expect("kept"), Shelved::Unmapped, "forgotten");
    assert_eq!(store.put(&of("e3")).await.expect("kept"), Shelved::Queued);
    let mut puts = JoinSet::new();
    for number in 0..1001 {
        let (shelf, at) = (store.shelf.clone(), store.now);
        let notice = body(&format!("a{number}"), "partner.account.closed", "{}");
        let notice = parse(notice.as_bytes()).expect("a notice");
        puts.spawn(async move { shelf.put(Received { notice, at }).await });
    }
    for shelved in puts.join_all().await {
        assert_eq!(shelved.expect("kept"), Shelved::Noted);
    }
    assert_eq!(world.count("account_notices"), 1000);
    store.close().await;
}

#[tokio::test]
async fn who_knows_neither_request_nor_transaction_is_told_nothing() {
    let world = World::new();
    let store = Store::open(&world);
    let payload = format!(r#"{{"payment_reference":"{OURS}"}}"#);
    let shelved = store.put(&body("e1", "payment.request.updated", &payload)).await;
    assert_eq!(shelved.expect("kept"), Shelved::Unmapped);
    store.close().await;
}

#[tokio::test]
async fn a_file_of_another_kind_is_refused() {
    let world = World::new();
    let path = &world.settings.database;
    let file = Connection::open(path).expect("a file");
    file.pragma_update(None, "user_version", 99).expect("written");
    drop(file);
    let newer = Shelf::open(path, Limits::default()).map(|_| ()).expect_err("an error");
    assert!(matches!(newer, ShelfError::Newer { found: 99, known: 2 }), "{newer}");
    std::fs::write(path, "no database, but long enough to be read as one".repeat(20))
        .expect("written");
    let damaged = Shelf::open(path, Limits::default()).map(|_| ()).expect_err("an error");
    assert!(matches!(damaged, ShelfError::Open { .. }), "{damaged}");
}
