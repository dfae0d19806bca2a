//! Sessions: where they count, how they are renewed and ended.

use super::*;

#[test]
fn a_session_is_bound_to_where_it_was_begun() {
    let mut shop = Shop::with_boss();
    let signed_in = shop.enter("boss", PIN);
    assert_eq!(signed_in.session.user.last_sign_in, Some(shop.now.wall));
    let ask = |shop: &Shop, peer: Peer, agent: &str| {
        shop.session(shop.now, &peer, agent, &signed_in.token).is_some()
    };
    assert!(ask(&shop, home(), AGENT));
    assert!(!ask(&shop, abroad(), AGENT) && !ask(&shop, home(), "another"));
    shop.wait(secs(14 * 60));
    assert!(ask(&shop, home(), AGENT));
    shop.wait(secs(15 * 60));
    assert!(!ask(&shop, home(), AGENT));
    let signed_in = shop.enter("boss", PIN);
    assert!(shop.is_in(&signed_in));
    shop.restart();
    assert!(!shop.is_in(&signed_in), "a restart signs everybody out");
}

#[test]
fn signing_out_ends_one_session_or_all() {
    let shop = Shop::with_boss();
    let anna = shop.add("anna", Role::Manager);
    let (one, other) = (shop.enter("anna", OTHER_PIN), shop.enter("anna", OTHER_PIN));
    shop.sign_out(shop.now, &one.token);
    shop.sign_out(shop.now, &one.token);
    assert!(!shop.is_in(&one) && shop.is_in(&other));
    let boss = shop.enter("boss", PIN);
    let boss_id = boss.session.user.id;
    let everywhere = |by: &Caller, user| shop.sign_out_everywhere(shop.now.wall, by, user);
    assert_eq!(everywhere(&other.session.caller(home()), boss_id), 0, "a manager ends nobody's");
    assert!(shop.is_in(&boss));
    assert_eq!(everywhere(&other.session.caller(home()), anna.id), 2, "but their own");
    assert!(!shop.is_in(&other));
    assert_eq!(everywhere(&root(), boss_id), 2);
    assert!(!shop.is_in(&boss));
    let ended = ["signed_out_everywhere", "signed_out_everywhere"];
    assert_eq!(shop.actions().split_off(shop.actions().len() - 2), ended);
    let signed_out = shop.actions().iter().filter(|action| *action == "signed_out").count();
    assert_eq!(signed_out, 1);
}

#[test]
fn the_pin_is_asked_again_and_counted() {
    let mut shop = Shop::with_boss();
    let signed_in = shop.enter("boss", PIN);
    let confirm = |shop: &Shop, pin| shop.confirm(shop.now, &signed_in.session, &home(), pin);
    confirm(&shop, PIN).expect("right");
    for _ in 0..3 {
        refused!(confirm(&shop, WRONG), Refused::WrongNameOrPin);
    }
    assert_eq!(wait_of(confirm(&shop, PIN)), secs(2));
    shop.wait(secs(2));
    confirm(&shop, PIN).expect("right");
    shop.sign_out(shop.now, &signed_in.token);
    refused!(confirm(&shop, PIN), Refused::SignedOut);
    let expected = ["signed_in", "pin_confirmed", "refused", "pin_confirmed", "signed_out"];
    assert_eq!(shop.actions()[3..], expected);
}

#[test]
fn the_pin_again_makes_another_token_and_a_form_sent_twice_signs_nobody_out() {
    let mut shop = Shop::with_boss();
    let signed_in = shop.enter("boss", PIN);
    let find = |shop: &Shop, token: &str| shop.session(shop.now, &home(), AGENT, token);
    let twin = find(&shop, &signed_in.token).expect("signed in");
    let confirm =
        |shop: &Shop, session: &Session, pin| shop.confirm(shop.now, session, &home(), pin);
    let token = confirm(&shop, &signed_in.session, PIN).expect("right");
    assert_ne!(token, signed_in.token);
    refused!(confirm(&shop, &twin, WRONG), Refused::WrongNameOrPin);
    assert_eq!(confirm(&shop, &twin, PIN).expect("right"), token, "no third one");
    let next = find(&shop, &token).expect("signed in");
    assert_eq!(next.csrf, signed_in.session.csrf, "forms in other windows stay good");
    assert!(find(&shop, &signed_in.token).is_some());
    shop.wait(GRACE);
    assert!(find(&shop, &signed_in.token).is_none(), "the old one has ended");
    refused!(confirm(&shop, &twin, PIN), Refused::SignedOut);
    assert!(find(&shop, &token).is_some());
    shop.sign_out(shop.now, &token);
    assert!(find(&shop, &token).is_none());
}

#[test]
fn signing_in_ends_the_session_that_this_browser_had() {
    let shop = Shop::with_boss();
    shop.add("anna", Role::Manager);
    let (boss, other) = (shop.enter("boss", PIN), shop.enter("boss", PIN));
    let again = |peer: Peer, token: &str| {
        let now = shop.now;
        shop.sign_in(now, &peer, AGENT, "anna", OTHER_PIN, Some(token)).expect("signed in")
    };
    again(abroad(), &boss.token);
    assert!(shop.is_in(&boss), "a stolen token does not end the session of its owner");
    let anna = again(home(), &boss.token);
    assert!(!shop.is_in(&boss) && shop.is_in(&anna) && shop.is_in(&other));
    assert_eq!(shop.actions().split_off(shop.actions().len() - 2), ["signed_in", "signed_out"]);
    let planted = again(home(), "planted");
    assert!(shop.is_in(&planted) && shop.is_in(&anna));
}

#[test]
fn who_is_signed_in_ends_their_other_sessions_one_or_all() {
    let shop = Shop::with_boss();
    let [one, other, this] = [0, 1, 2].map(|_| shop.enter("boss", PIN));
    let list = || shop.sessions(shop.now, &this.session);
    // The first one is from the set-up.
    assert_eq!(list().iter().map(|it| it.is_this).collect::<Vec<_>>(), [true, false, false, false]);
    assert!(list().iter().all(|it| (it.peer, it.agent.as_str()) == (home(), AGENT)));
    let end = |only| shop.sign_out_elsewhere(shop.now.wall, &this.session, &home(), only);
    assert_eq!(end(Some(one.session.id)), 1);
    assert_eq!(end(Some(one.session.id)), 0, "it has ended");
    assert!(!shop.is_in(&one) && shop.is_in(&other));
    assert_eq!(end(None), 2);
    assert!(!shop.is_in(&other) && shop.is_in(&this));
    let ended = shop.actions().into_iter().filter(|it| it == "signed_out_elsewhere").count();
    assert_eq!(ended, 2, "nothing that did not happen is noted");
}
