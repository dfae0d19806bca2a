//! Users: adding, changing, locking; who may do it and what stays.

use super::*;

#[test]
fn a_first_pin_is_to_be_changed() {
    let shop = Shop::with_boss();
    let added = shop.add_user(shop.now.wall, &root(), name("anna"), Role::Manager);
    let (anna, first) = added.expect("added");
    assert!(anna.must_change_pin);
    let signed_in = shop.enter("anna", first.expose());
    assert!(signed_in.session.must_change_pin);
    let (now, new) = (shop.now, pin(OTHER_PIN));
    let changed = shop.change_pin(now, &signed_in.session, &home(), first.expose(), new);
    assert!(!changed.expect("changed").session.must_change_pin);
    assert!(!shop.enter("anna", OTHER_PIN).session.must_change_pin);
    refused!(shop.try_("anna", first.expose()), Refused::WrongNameOrPin);
}

#[test]
fn a_first_pin_is_dead_after_seven_days() {
    let mut shop = Shop::with_boss();
    let added = shop.add_user(shop.now.wall, &root(), name("anna"), Role::Manager);
    let (anna, first) = added.expect("added");
    shop.wait(FIRST_PIN_LASTS);
    shop.enter("anna", first.expose());
    shop.wait(secs(1));
    refused!(shop.try_("anna", first.expose()), Refused::FirstPinLapsed);
    refused!(shop.try_("anna", WRONG), Refused::WrongNameOrPin);
    let first = shop.reset_pin(shop.now.wall, &root(), anna.id).expect("reset");
    shop.enter("anna", first.expose());
}

#[test]
fn a_first_pin_from_a_wrong_clock_lasts_seven_days_from_when_it_is_right() {
    for wrong in [Wall::from_millis(0), Wall::from_millis(3_000_000_000_000)] {
        let mut shop = Shop::with_boss();
        let right = shop.now.wall;
        let added = shop.add_user(wrong, &root(), name("anna"), Role::Manager);
        let (_, first) = added.expect("added");
        for wall in [wrong, right] {
            shop.now.wall = wall;
            shop.restart();
            shop.enter("anna", first.expose());
        }
        shop.wait(FIRST_PIN_LASTS + secs(1));
        refused!(shop.try_("anna", first.expose()), Refused::FirstPinLapsed);
    }
}

#[test]
fn a_change_ends_the_sessions() {
    let shop = Shop::with_boss();
    let anna = shop.add("anna", Role::Manager);
    let (now, by) = (shop.now.wall, root());
    let entered = || shop.enter("anna", OTHER_PIN);
    let signed_in = entered();
    shop.set_role(now, &by, anna.id, Role::Cashier).expect("changed");
    assert!(!shop.is_in(&signed_in));
    let signed_in = entered();
    assert_eq!(signed_in.session.user.role, Role::Cashier);
    shop.set_locked(now, &by, anna.id, true).expect("locked");
    assert!(!shop.is_in(&signed_in));
    refused!(shop.try_("anna", OTHER_PIN), Refused::WrongNameOrPin);
    shop.set_locked(now, &by, anna.id, false).expect("unlocked");
    let signed_in = entered();
    shop.reset_pin(now, &by, anna.id).expect("reset");
    assert!(!shop.is_in(&signed_in));
    let expected = ["role_changed", "signed_in", "user_locked", "refused", "user_unlocked"];
    assert_eq!(shop.actions()[7..12], expected, "{:?}", shop.actions());
}

#[test]
fn a_reset_lifts_the_lock_out_and_forgets_the_addresses() {
    let mut shop = Shop::with_boss();
    let anna = shop.add("anna", Role::Manager);
    for number in 0..3 {
        let _ = shop.try_at(peer(&format!("10.0.0.{number}")), "anna", WRONG);
        let _ = shop.try_("anna", WRONG);
        shop.wait(secs(60));
        let _ = shop.try_at(peer(&format!("10.0.1.{number}")), "anna", WRONG);
    }
    assert!(shop.count("lockout") == 2);
    let first = shop.reset_pin(shop.now.wall, &root(), anna.id).expect("reset");
    assert_eq!(shop.count("lockout"), 0);
    let known: i64 = shop
        .intruder()
        .query_row("SELECT count(*) FROM known_address WHERE user = 2", [], |row| row.get(0))
        .expect("a count");
    assert_eq!(known, 0);
    shop.try_at(abroad(), "anna", first.expose()).expect("no wait");
}

#[test]
fn somebody_new_does_not_inherit_a_wait() {
    let shop = Shop::with_boss();
    for number in 0..3 {
        let _ = shop.try_at(peer(&format!("10.0.0.{number}")), "anna", WRONG);
    }
    wait_of(shop.try_at(abroad(), "anna", WRONG));
    shop.add("anna", Role::Cashier);
}

#[test]
fn the_last_admin_stays_one() {
    let shop = Shop::with_boss();
    let boss = shop.enter("boss", PIN).session;
    let (now, by, id) = (shop.now.wall, boss.caller(home()), boss.user.id);
    refused!(shop.set_locked(now, &by, id, true), Refused::LastAdmin);
    refused!(shop.set_role(now, &root(), id, Role::Manager), Refused::LastAdmin);
    shop.set_role(now, &by, id, Role::Admin).expect("no change");
    let (anna, first) = shop.add_user(now, &by, name("anna"), Role::Admin).expect("added");
    refused!(shop.set_locked(now, &by, id, true), Refused::LastAdmin);
    let signed_in = shop.enter("anna", first.expose()).session;
    let changed = shop.change_pin(shop.now, &signed_in, &home(), first.expose(), pin(OTHER_PIN));
    changed.expect("a PIN of her own");
    shop.set_locked(now, &Caller { actor: Actor::from(&anna), peer: home() }, id, true)
        .expect("there is another one");
    refused!(shop.set_role(now, &root(), anna.id, Role::Cashier), Refused::LastAdmin);
    shop.set_locked(now, &root(), id, false).expect("unlocked");
    shop.set_role(now, &root(), anna.id, Role::Cashier).expect("there is another one");
}

#[test]
fn only_an_admin_changes_users() {
    let shop = Shop::with_boss();
    let caller = |actor| Caller { actor, peer: home() };
    let manager = caller(Actor::from(&shop.add("mia", Role::Manager)));
    let now = shop.now.wall;
    let (fresh, _) = shop.add_user(now, &root(), name("fred"), Role::Admin).expect("added");
    let gone = caller(Actor::User(UserId::new(77), name("gone")));
    let before = shop.actions();
    for by in [&manager, &caller(Actor::from(&fresh)), &gone] {
        refused!(shop.add_user(now, by, name("x"), Role::Admin), Refused::NotAllowed);
        refused!(shop.reset_pin(now, by, fresh.id), Refused::NotAllowed);
        refused!(shop.set_locked(now, by, fresh.id, true), Refused::NotAllowed);
        refused!(shop.set_role(now, by, fresh.id, Role::Cashier), Refused::NotAllowed);
    }
    assert_eq!(shop.actions(), before);
    let boss = shop.enter("boss", PIN).session.caller(home());
    shop.set_role(now, &boss, fresh.id, Role::Cashier).expect("allowed");
}

#[test]
fn users_are_listed_by_name_and_names_are_given_once() {
    let shop = Shop::with_boss();
    shop.add("anna", Role::Cashier);
    let users = shop.users().expect("users");
    let names: Vec<&str> = users.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["anna", "boss"]);
    let json = serde_json::to_value(&users[0]).expect("JSON");
    assert_eq!((&json["role"], &json["id"]), (&"cashier".into(), &2.into()));
    let now = shop.now.wall;
    refused!(shop.add_user(now, &root(), name("ANNA"), Role::Cashier), Refused::NameTaken(_));
    let nobody = UserId::new(9);
    refused!(shop.set_locked(now, &root(), nobody, true), Refused::NotKnown(_));
    refused!(shop.reset_pin(now, &root(), nobody), Refused::NotKnown(_));
}

#[test]
fn there_is_room_for_256() {
    let shop = Shop::with_boss();
    let rows = "WITH RECURSIVE n(i) AS (VALUES (2) UNION ALL SELECT i + 1 FROM n WHERE i < 256)
        INSERT INTO user (name, role, pin, created_ms) SELECT 'u' || i, 'cashier', '', 0 FROM n";
    shop.intruder().execute(rows, []).expect("rows");
    let more = shop.add_user(shop.now.wall, &root(), name("more"), Role::Cashier);
    refused!(more, Refused::TooManyUsers);
    assert_eq!(shop.users().expect("users").len(), USERS_MAX);
}

#[test]
fn a_clock_that_was_never_set_changes_only_timestamps() {
    let mut shop = Shop::new();
    shop.now.wall = Wall::from_millis(0);
    shop.restart();
    let code = shop.set_up_code(shop.now).expect("nobody is there");
    shop.set_up(shop.now, &home(), &code, name("boss"), pin(PIN)).expect("set up");
    shop.add("anna", Role::Manager);
    shop.now.wall = Wall::from_millis(1_795_000_000_000);
    let signed_in = shop.enter("anna", OTHER_PIN);
    shop.now.wall = Wall::from_millis(-5);
    assert!(shop.is_in(&signed_in));
    shop.enter("boss", PIN);
    shop.restart();
    shop.enter("boss", PIN);
    verify(&shop.path()).expect("whole");
}

#[test]
fn a_change_says_from_where_it_was_made() {
    let shop = Shop::with_boss();
    let boss = shop.enter("boss", PIN).session.caller(abroad());
    let (now, new) = (shop.now.wall, name("anna"));
    let (anna, _) = shop.add_user(now, &boss, new, Role::Manager).expect("added");
    shop.set_role(now, &boss, anna.id, Role::Cashier).expect("changed");
    shop.set_locked(now, &root(), anna.id, true).expect("locked");
    shop.reset_pin(now, &boss, anna.id).expect("reset");
    shop.sign_out_everywhere(now, &boss, anna.id);
    let entries = shop.audit(None, 5).expect("entries");
    let from: Vec<Option<Peer>> = entries.iter().rev().map(|entry| entry.peer).collect();
    let (abroad, socket) = (Some(abroad()), Some(Peer::Socket));
    assert_eq!(from, [abroad, abroad, socket, abroad, abroad]);
}
