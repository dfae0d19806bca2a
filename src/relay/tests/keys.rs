//! Keys that come and go while notices arrive.

use super::*;

#[tokio::test]
async fn a_new_key_counts_with_its_first_notice() {
    let world = World::new();
    let relay = world.start().await;
    let tell = async |event: &str, id: &str| {
        let mut klarna = Caller::new(relay.address()).await;
        let notice = approved(event);
        klarna.post(&headers(&key(id), &notice), notice.as_bytes()).await.brief()
    };
    assert_eq!(tell("e1", "key-2").await, "400 forged");
    world.save_keys(&["key-1", "key-2"]);
    assert_eq!(tell("e2", "key-2").await, "202 accepted");
    assert_eq!(tell("e3", "key-1").await, "202 accepted", "the old one still does");
    world.save_keys(&["key-2", "key-3"]);
    assert_eq!(tell("e4", "key-3").await, "202 accepted");
    assert_eq!(tell("e5", "key-1").await, "400 forged", "the old one has gone");
    std::fs::write(&world.settings.keys, "broken").expect("written");
    assert_eq!(tell("e6", "key-4").await, "400 forged");
    assert_eq!(tell("e7", "key-3").await, "202 accepted", "the keys of before count");
    relay.stop().await;
}
