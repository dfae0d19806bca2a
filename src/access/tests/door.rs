//! Set-up, sign-in, sessions and PINs.

use super::*;

#[test]
fn the_first_admin_is_made_with_the_code_on_the_terminal() {
    let mut shop = Shop::new();
    refused!(shop.try_("boss", PIN), Refused::MustUseCode);
    let first = shop.set_up_code(shop.now).expect("nobody is there");
    shop.restart();
    let code = shop.set_up_code(shop.now).expect("nobody is there");
    assert_ne!(code, first, "another one in every run");
    let set_up = |code: &str| shop.set_up(shop.now, &home(), code, name("Boss"), pin(PIN));
    refused!(set_up(&first), Refused::WrongCode);
    let typed = format!(" {}-{}", code[..5].to_lowercase(), &code[5..]);
    let boss = set_up(&typed).expect("set up");
    assert_eq!((boss.name.as_str(), boss.role), ("boss", Role::Admin));
    assert!(!boss.must_change_pin && !boss.is_locked);
    assert_eq!(shop.set_up_code(shop.now), None);
    refused!(set_up(&code), Refused::IsSetUp);
    shop.enter("BOSS ", PIN);
    assert_eq!(shop.actions(), ["begun", "refused", "set_up", "signed_in"]);
    shop.restart();
    assert_eq!(shop.set_up_code(shop.now), None);
}

#[test]
fn wrong_codes_are_counted() {
    let mut shop = Shop::new();
    let code = shop.set_up_code(shop.now).expect("nobody is there");
    let set_up = |shop: &Shop, peer: Peer, code: &str| {
        shop.set_up(shop.now, &peer, code, name("boss"), pin(PIN))
    };
    for _ in 0..3 {
        refused!(set_up(&shop, abroad(), "0000000000"), Refused::WrongCode);
    }
    assert_eq!(wait_of(set_up(&shop, abroad(), &code)), secs(2), "even the right one");
    shop.wait(secs(2));
    refused!(set_up(&shop, abroad(), "0000000000"), Refused::WrongCode);
    assert_eq!(wait_of(set_up(&shop, abroad(), &code)), secs(4));
    set_up(&shop, home(), &code).expect("another address does not wait");
}

#[test]
fn a_code_is_there_while_no_admin_can_sign_in() {
    let mut shop = Shop::new();
    let added = |shop: &Shop, text: &str, role| {
        shop.add_user(shop.now.wall, &root(), name(text), role).expect("added")
    };
    added(&shop, "carl", Role::Cashier);
    assert!(shop.set_up_code(shop.now).is_some());
    added(&shop, "anna", Role::Admin);
    assert_eq!(shop.set_up_code(shop.now), None, "anna can sign in with the first PIN");
    shop.wait(FIRST_PIN_LASTS + secs(1));
    shop.restart();
    let code = shop.set_up_code(shop.now).expect("her first PIN is dead");
    let set_up = |text| shop.set_up(shop.now, &home(), &code, name(text), pin(PIN));
    refused!(set_up("anna"), Refused::NameTaken(_));
    set_up("boss").expect("set up");
}

#[test]
fn nobody_is_told_what_was_wrong() {
    let shop = Shop::with_boss();
    let locked = shop.add("lena", Role::Cashier);
    shop.set_locked(shop.now.wall, &root(), locked.id, true).expect("locked");
    let answer = |net: &str, name, pin| {
        let refused = shop.try_at(peer(net), name, pin).expect_err("refused");
        assert!(matches!(refused, Refused::WrongNameOrPin), "{refused:?}");
        refused.to_string()
    };
    let wrong_pin = answer("10.0.0.1", "boss", WRONG);
    assert_eq!(answer("10.0.0.2", "nobody", PIN), wrong_pin);
    assert_eq!(answer("10.0.0.3", "no name!", PIN), wrong_pin);
    assert_eq!(answer("10.0.0.4", "lena", OTHER_PIN), wrong_pin);
    assert_eq!(answer("10.0.0.5", "", ""), wrong_pin);
}

#[test]
fn three_tries_are_free_then_they_wait() {
    let mut shop = Shop::with_boss();
    for _ in 0..3 {
        refused!(shop.try_("boss", WRONG), Refused::WrongNameOrPin);
    }
    assert_eq!(wait_of(shop.try_("boss", PIN)), secs(2), "the right one waits too");
    shop.wait(secs(1));
    assert_eq!(wait_of(shop.try_("boss", PIN)), secs(1), "a try too soon costs nothing");
    shop.wait(secs(1));
    refused!(shop.try_("boss", WRONG), Refused::WrongNameOrPin);
    assert_eq!(wait_of(shop.try_("boss", PIN)), secs(4));
    shop.wait(secs(4));
    shop.enter("boss", PIN);
    shop.wait(secs(600));
    for _ in 0..3 {
        refused!(shop.try_("boss", WRONG), Refused::WrongNameOrPin);
    }
    assert_eq!(wait_of(shop.try_("boss", PIN)), secs(2), "it began anew");
}

#[test]
fn a_success_does_not_free_the_address() {
    let shop = Shop::with_boss();
    shop.add("anna", Role::Manager);
    for _ in 0..2 {
        refused!(shop.try_("boss", WRONG), Refused::WrongNameOrPin);
    }
    shop.enter("anna", OTHER_PIN);
    refused!(shop.try_("anna", WRONG), Refused::WrongNameOrPin);
    assert_eq!(wait_of(shop.try_("anna", OTHER_PIN)), secs(2));
}

#[test]
fn a_lock_out_outlives_a_restart_by_its_own_length() {
    let mut shop = Shop::with_boss();
    for number in 0..6 {
        let net = peer(&format!("10.0.0.{number}"));
        let _ = shop.try_at(net, "boss", WRONG);
        shop.wait(secs(8));
    }
    let year = secs(365 * 24 * 60 * 60);
    for wall in [shop.now.wall.after(year), Wall::from_millis(0), shop.now.wall] {
        shop.now.wall = wall;
        shop.restart();
        shop.wait(secs(5));
        assert_eq!(wait_of(shop.try_at(abroad(), "boss", PIN)), secs(16 - 5), "{wall:?}");
    }
    shop.wait(secs(11));
    shop.try_at(abroad(), "boss", PIN).expect("over");
    shop.restart();
    shop.try_at(peer("10.0.0.1"), "boss", PIN).expect("and forgotten");
}

#[test]
fn a_wall_clock_that_jumps_frees_nobody_and_holds_nobody() {
    let mut shop = Shop::with_boss();
    for _ in 0..3 {
        let _ = shop.try_("boss", WRONG);
    }
    let signed_in = shop.now;
    for wall in [i64::MIN, 0, i64::MAX] {
        shop.now.wall = Wall::from_millis(wall);
        assert_eq!(wait_of(shop.try_("boss", PIN)), secs(2));
    }
    shop.now = Now { mono: signed_in.mono.after(secs(2)), wall: Wall::from_millis(0) };
    let signed_in = shop.enter("boss", PIN);
    shop.now.wall = Wall::from_millis(i64::MAX);
    assert!(shop.is_in(&signed_in));
}

#[test]
fn strangers_do_not_lock_out_whoever_is_at_home() {
    let mut shop = Shop::with_boss();
    for number in 0..3 {
        let net = peer(&format!("10.0.0.{number}"));
        refused!(shop.try_at(net, "boss", WRONG), Refused::WrongNameOrPin);
    }
    assert_eq!(wait_of(shop.try_at(abroad(), "boss", PIN)), secs(2));
    shop.enter("boss", PIN);
    assert_eq!(wait_of(shop.try_at(abroad(), "boss", PIN)), secs(2), "strangers still wait");
    for _ in 0..3 {
        refused!(shop.try_("boss", WRONG), Refused::WrongNameOrPin);
    }
    shop.restart();
    assert_eq!(wait_of(shop.try_("boss", PIN)), secs(2), "home has a count of its own");
}

#[test]
fn an_address_is_home_for_thirty_days() {
    let day = secs(24 * 60 * 60);
    for (wait, is_home) in [(30 * day, true), (30 * day + secs(1), false)] {
        let mut shop = Shop::with_boss();
        shop.wait(wait);
        for number in 0..3 {
            let _ = shop.try_at(peer(&format!("10.0.0.{number}")), "boss", WRONG);
        }
        assert_eq!(shop.try_("boss", PIN).is_ok(), is_home, "{wait:?}");
    }
}

#[test]
fn a_user_has_eight_homes_and_the_newest_is_one() {
    let mut shop = Shop::with_boss();
    for number in 0..20 {
        // Half of them while the clock is wrong.
        let wall = Wall::from_millis(if number % 2 == 0 { 0 } else { 1_795_000_000_000 });
        shop.now = Now { wall, ..shop.now };
        let net = peer(&format!("10.0.0.{number}"));
        shop.try_at(net, "boss", PIN).expect("signed in");
        assert!(shop.count("known_address") <= 8);
        let place = net.net().place(UserId::new(1));
        let sql = "SELECT count(*) FROM known_address WHERE address = ?1";
        let known: i64 = shop.intruder().query_row(sql, [place.bytes()], |r| r.get(0)).expect("n");
        assert_eq!(known, 1);
    }
}

#[test]
fn a_name_that_is_nobodys_waits_like_one_that_is() {
    let mut shop = Shop::with_boss();
    let mut answers = Vec::new();
    for (block, typed) in ["boss", "nobody", "no name!"].into_iter().enumerate() {
        let mut heard = Vec::new();
        let start = shop.now;
        for number in 0..6 {
            let net = peer(&format!("10.0.{block}.{number}"));
            heard.push(format!("{:?}", shop.try_at(net, typed, WRONG)));
            shop.wait(secs(3));
        }
        shop.now = start;
        answers.push(heard);
    }
    shop.restart();
    for (typed, heard) in ["boss", "nobody", "no name!"].into_iter().zip(&mut answers) {
        heard.push(format!("{:?}", shop.try_at(abroad(), typed, WRONG)));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    assert!(answers[0].iter().any(|answer| answer.contains("Wait")), "{:?}", answers[0]);
    assert!(answers[0][6].contains("Wait"), "{:?}", answers[0]);
}

#[test]
fn a_third_try_at_once_is_not_looked_at_and_does_not_count() {
    let shop = Shop::with_boss();
    let held = (shop.hashing.permit(), shop.hashing.permit());
    for _ in 0..9 {
        refused!(shop.try_("boss", PIN), Refused::Busy);
    }
    let add = shop.add_user(shop.now.wall, &root(), name("anna"), Role::Manager);
    refused!(add, Refused::Busy);
    drop(held);
    shop.enter("boss", PIN);
    assert_eq!(shop.actions(), ["begun", "set_up", "signed_in", "signed_in"]);
}

#[test]
fn a_try_counts_before_it_is_known_to_be_wrong() {
    let shop = Shop::with_boss();
    for _ in 0..2 {
        let _ = shop.try_("boss", WRONG);
    }
    let under_way = shop.admit(shop.now, home(), "boss").expect("the third one");
    assert_eq!(wait_of(shop.try_("boss", PIN)), secs(2));
    drop(under_way);
}

#[test]
fn an_admin_who_is_faster_than_the_hash_wins() {
    let shop = Shop::with_boss();
    let anna = shop.add("anna", Role::Manager);
    let changes: [&dyn Fn() -> Result<(), Refused>; 3] = [
        &|| shop.set_role(shop.now.wall, &root(), anna.id, Role::Cashier),
        &|| shop.set_locked(shop.now.wall, &root(), anna.id, true),
        &|| shop.reset_pin(shop.now.wall, &root(), anna.id).map(drop),
    ];
    for change in changes {
        let unlocked = shop.set_locked(shop.now.wall, &root(), anna.id, false);
        unlocked.expect("unlocked");
        let checked = shop.check_pin(shop.now, home(), "anna", OTHER_PIN).expect("right");
        change().expect("changed");
        let nothing = |_: &Transaction<'_>| Ok(());
        let detail = serde_json::json!({});
        let result = shop.lock().accept(shop.now, home(), &checked, "signed_in", detail, nothing);
        refused!(result, Refused::WrongNameOrPin);
    }
}

#[test]
fn a_set_up_code_is_dead_after_ten_minutes() {
    let mut shop = Shop::new();
    let first = shop.set_up_code(shop.now).expect("nobody is there");
    shop.wait(CODE_LASTS);
    let set_up =
        |shop: &Shop, code: &str| shop.set_up(shop.now, &home(), code, name("boss"), pin(PIN));
    refused!(set_up(&shop, &first), Refused::WrongCode);
    let second = shop.set_up_code(shop.now).expect("nobody is there");
    assert_ne!(second, first);
    shop.wait(CODE_LASTS - secs(1));
    refused!(set_up(&shop, &first), Refused::WrongCode);
    set_up(&shop, &second).expect("set up");
}

#[test]
fn another_pin_ends_the_other_sessions_and_renews_this_one() {
    let shop = Shop::with_boss();
    let (one, other) = (shop.enter("boss", PIN), shop.enter("boss", PIN));
    let change = |old, new| shop.change_pin(shop.now, &one.session, &home(), old, pin(new));
    refused!(change(WRONG, OTHER_PIN), Refused::WrongNameOrPin);
    refused!(change(PIN, PIN), Refused::SamePin);
    let renewed = change(PIN, OTHER_PIN).expect("changed");
    assert!(!shop.is_in(&one) && !shop.is_in(&other) && shop.is_in(&renewed));
    assert_ne!(renewed.token, one.token);
    refused!(change(OTHER_PIN, PIN), Refused::SignedOut);
    refused!(shop.try_("boss", PIN), Refused::WrongNameOrPin);
    shop.enter("boss", OTHER_PIN);
}

#[test]
fn a_hash_of_other_parameters_is_made_anew_at_the_next_sign_in() {
    let mut shop = Shop::new();
    shop.restart_with(Cost::FORMER);
    let code = shop.set_up_code(shop.now).expect("nobody is there");
    shop.set_up(shop.now, &home(), &code, name("boss"), pin(PIN)).expect("set up");
    let kept = |shop: &Shop| -> String {
        let sql = "SELECT pin FROM user";
        shop.intruder().query_row(sql, [], |row| row.get(0)).expect("a hash")
    };
    let former = kept(&shop);
    shop.restart_with(Cost::CHEAP);
    refused!(shop.try_("boss", WRONG), Refused::WrongNameOrPin);
    assert_eq!(kept(&shop), former);
    shop.enter("boss", PIN);
    let renewed = kept(&shop);
    assert!(former.contains("m=16,") && renewed.contains("m=8,"), "{former} {renewed}");
    shop.enter("boss", PIN);
    assert_eq!(kept(&shop), renewed, "once");
}
