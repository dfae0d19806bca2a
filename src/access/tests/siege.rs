//! A hundred thousand tries: they stay few hashes, few rows and little memory.

use super::*;

const TRIES: u32 = 100_000;

#[test]
fn from_one_address_against_one_user() {
    let mut shop = Shop::with_boss();
    let mut looked_at = 0;
    for number in 0..TRIES {
        if number % 100 == 0 {
            shop.wait(secs(1));
        }
        match shop.try_at(abroad(), "boss", WRONG) {
            Err(Refused::WrongNameOrPin) => looked_at += 1,
            Err(Refused::Wait(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!((5..30).contains(&looked_at), "{looked_at}");
    // A thousand seconds are seventeen minutes.
    let rows = shop.count("audit") - 3;
    assert!((16..=18).contains(&rows), "{rows}");
    shop.enter("boss", PIN);
    verify(&shop.path()).expect("whole");
}

#[test]
fn from_one_address_against_many_names() {
    let shop = Shop::with_boss();
    for number in 0..TRIES {
        let _ = shop.try_at(abroad(), &format!("u{number}"), WRONG);
    }
    assert_eq!(shop.count("audit"), 3 + 1);
    assert_eq!(shop.count("lockout"), 0);
}

#[test]
fn from_many_addresses_against_one_user() {
    let mut shop = Shop::with_boss();
    let mut looked_at = 0;
    for number in 0..TRIES {
        let [_, a, b, c] = number.to_be_bytes();
        let net = peer(&format!("10.{a}.{b}.{c}"));
        looked_at +=
            u32::from(matches!(shop.try_at(net, "boss", WRONG), Err(Refused::WrongNameOrPin)));
    }
    assert_eq!(looked_at, 3);
    assert_eq!(shop.count("audit"), 3 + 17);
    shop.enter("boss", PIN);
    shop.restart();
    let last = shop.audit(None, 1).expect("entries")[0].clone();
    assert_eq!((last.action.as_str(), last.peer), ("refused", None));
    let counted = last.detail["too_soon"].as_u64().expect("a count");
    assert_eq!(counted, u64::from(TRIES) - 17, "no try is lost at the end");
    assert_eq!(last.detail["names"]["boss"], counted);
}

#[test]
fn from_many_addresses_against_many_names() {
    let mut shop = Shop::with_boss();
    for number in 0..TRIES / 20 {
        if number % 50 == 0 {
            shop.wait(secs(1));
        }
        let net = peer(&format!("2001:db8:0:{number:x}::1"));
        refused!(shop.try_at(net, &format!("u{number}"), WRONG), Refused::WrongNameOrPin);
    }
    // A hundred seconds are two minutes, with 17 entries each.
    assert!(shop.count("audit") - 3 <= 2 * 17, "{}", shop.count("audit"));
    assert_eq!(shop.count("lockout"), 0);
}

#[test]
fn of_requests_that_are_turned_away() {
    let mut shop = Shop::with_boss();
    let (rows, boss) = (shop.count("audit"), name("boss"));
    for number in 0..TRIES {
        let [_, a, b, c] = number.to_be_bytes();
        let net = peer(&format!("10.{a}.{b}.{c}"));
        shop.turned_away(shop.now, &net, Some(&boss), Misuse::NotAllowed, "POST /users/1/lock");
    }
    assert_eq!(shop.count("audit") - rows, 17);
    shop.enter("boss", PIN);
    shop.restart();
    let last = shop.audit(None, 1).expect("entries")[0].clone();
    assert_eq!((last.action.as_str(), last.peer), ("turned_away", None));
    let counted = u64::from(TRIES) - 17;
    assert_eq!(last.detail["not_allowed"], counted, "none is lost at the end");
    assert_eq!(last.detail["names"]["boss"], counted);
    assert_eq!(last.detail["paths"]["POST /users/1/lock"], counted);
    verify(&shop.path()).expect("whole");
}
