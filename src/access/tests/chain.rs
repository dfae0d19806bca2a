//! The audit journal: what it says, and that changes show.

use super::*;
use serde_json::json;

/// A journal of ten entries.
fn journal() -> Shop {
    let shop = Shop::new();
    for number in 0..9 {
        let detail = json!({ "payment": number });
        let noted = shop.note(shop.now.wall, &root().actor, &Peer::Socket, "returned", &detail);
        assert_eq!(noted.expect("noted").number(), number + 2);
    }
    shop
}

/// What somebody does with the file in their hands, and the first place where it shows.
fn tamper(sql: &str) -> Broken {
    let shop = journal();
    unlock(&shop);
    shop.intruder().execute_batch(sql).expect("done");
    verify(&shop.path()).expect_err("it shows")
}

fn unlock(shop: &Shop) {
    let triggers = "DROP TRIGGER audit_is_append_only_update;
                    DROP TRIGGER audit_is_append_only_delete;";
    shop.intruder().execute_batch(triggers).expect("dropped");
}

fn broken(at: i64, why: Why) -> Broken {
    Broken { at: AuditId::new(at), why }
}

#[test]
fn an_entry_is_read_as_it_was_noted() {
    let shop = journal();
    let newest = shop.audit(None, 2).expect("entries");
    assert_eq!(newest.len(), 2);
    let AuditEntry { id, at, actor, peer, action, detail, hash } = newest[0].clone();
    assert_eq!((id, at, actor), (AuditId::new(10), shop.now.wall, root().actor));
    assert_eq!((peer, action.as_str()), (Some(Peer::Socket), "returned"));
    assert_eq!(detail, json!({ "payment": 8 }));
    assert_eq!(hash, verify(&shop.path()).expect("whole").head);
    let page = shop.audit(newest[1].id.before(), 100).expect("entries");
    assert_eq!(page.len(), 8);
    assert_eq!((page[7].action.as_str(), page[7].peer), ("begun", None));
}

#[test]
fn a_whole_journal_is_verified_beside_the_daemon() {
    let mut shop = journal();
    let first = shop.now.wall;
    shop.wait(secs(9));
    shop.note(shop.now.wall, &Actor::Terminal, &home(), "x", &json!({})).expect("noted");
    let verified = verify(&shop.path()).expect("whole");
    let AuditEntry { hash: head, .. } = shop.audit(None, 1).expect("entries")[0].clone();
    assert_eq!(verified, Verified { entries: 11, head, first, last: shop.now.wall });
    let earlier = shop.audit(Some(AuditId::new(4)), 1).expect("entries")[0].hash;
    assert_eq!(verify_with(&shop.path(), earlier), Ok(verified));
    shop.restart();
    assert_eq!(verify_with(&shop.path(), head), Ok(verified));
}

#[test]
fn rows_are_only_ever_added() {
    let shop = journal();
    for sql in ["UPDATE audit SET at_ms = 0", "DELETE FROM audit WHERE sequence = 10"] {
        let error = shop.intruder().execute(sql, []).expect_err("refused");
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}

#[test]
fn one_changed_byte_shows_in_any_field() {
    for change in [
        "at_ms = at_ms + 1",
        "actor = replace(actor, 'root', 'toor')",
        "peer = 'sockeT'",
        "action = action || ' '",
        "detail = replace(detail, '2', '3')",
        "hash = zeroblob(32)",
        "hash = substr(hash, 1, 31)",
    ] {
        let sql = format!("UPDATE audit SET {change} WHERE sequence = 4");
        assert_eq!(tamper(&sql), broken(4, Why::Changed), "{change}");
    }
    let moved = "UPDATE audit SET actor = actor || peer, peer = '' WHERE sequence = 4";
    assert_eq!(tamper(moved), broken(4, Why::Changed));
}

#[test]
fn a_row_that_is_gone_shows() {
    for gone in [1, 4, 10] {
        let sql = format!("DELETE FROM audit WHERE sequence = {gone}");
        assert_eq!(tamper(&sql), broken(gone, Why::Missing));
    }
    assert_eq!(tamper("DELETE FROM audit"), broken(1, Why::Missing));
    let closed = "DELETE FROM audit WHERE sequence = 4;
                  UPDATE audit SET sequence = sequence - 1 WHERE sequence > 4;";
    assert_eq!(tamper(closed), broken(4, Why::Changed));
}

#[test]
fn rows_that_changed_places_show() {
    let swapped = "UPDATE audit SET sequence = 99 WHERE sequence = 4;
                   UPDATE audit SET sequence = 4 WHERE sequence = 5;
                   UPDATE audit SET sequence = 5 WHERE sequence = 99;";
    assert_eq!(tamper(swapped), broken(4, Why::Changed));
}

#[test]
fn an_end_that_was_cut_off_still_shows_when_others_follow() {
    let shop = journal();
    unlock(&shop);
    shop.intruder().execute("DELETE FROM audit WHERE sequence > 7", []).expect("cut");
    shop.note(shop.now.wall, &root().actor, &home(), "x", &json!({})).expect("noted");
    assert_eq!(verify(&shop.path()), Err(broken(8, Why::Missing)));
}

#[test]
fn only_an_earlier_head_shows_a_careful_cut() {
    let shop = journal();
    let head = verify(&shop.path()).expect("whole").head;
    unlock(&shop);
    let cut = "DELETE FROM audit WHERE sequence > 7; UPDATE sqlite_sequence SET seq = 7;";
    shop.intruder().execute_batch(cut).expect("cut");
    assert_eq!(verify(&shop.path()).expect("by itself it is whole").entries, 7);
    assert_eq!(verify_with(&shop.path(), head), Err(broken(7, Why::HeadGone)));
}

#[test]
fn only_an_earlier_head_shows_a_chain_that_was_written_anew() {
    let shop = journal();
    let head = verify(&shop.path()).expect("whole").head;
    unlock(&shop);
    let intruder = shop.intruder();
    intruder.execute("UPDATE audit SET detail = '{}' WHERE sequence = 4", []).expect("changed");
    let mut previous = Hash::NONE;
    for sequence in 1..=10 {
        let sql = "SELECT sequence, at_ms, actor, peer, action, detail, hash FROM audit
                   WHERE sequence = ?1";
        let row = intruder.query_row(sql, [sequence], audit::Stored::read).expect("a row");
        previous = row.chained_to(&previous);
        let sql = "UPDATE audit SET hash = ?1 WHERE sequence = ?2";
        intruder.execute(sql, rusqlite::params![previous.bytes(), sequence]).expect("written");
    }
    verify(&shop.path()).expect("by itself it is whole");
    assert_eq!(verify_with(&shop.path(), head), Err(broken(10, Why::HeadGone)));
}

#[test]
fn what_cannot_be_read_is_not_whole() {
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("x");
    let why = |path: &Path| verify(path).expect_err("not whole");
    assert!(matches!(why(&path), Broken { why: Why::Unreadable(_), .. }));
    std::fs::write(&path, "no database".repeat(500)).expect("written");
    assert!(matches!(why(&path), Broken { why: Why::Unreadable(_), .. }));
    let unreadable = tamper("PRAGMA ignore_check_constraints = ON; DROP TABLE audit;");
    assert!(unreadable.to_string().contains("ask who could write it"), "{unreadable}");
}

#[test]
fn a_row_of_nobody_is_an_error_and_no_panic() {
    let shop = journal();
    unlock(&shop);
    for change in ["actor = 'x'", "peer = 'x'", "detail = '{'", "hash = x'00'"] {
        let restore = "UPDATE audit SET actor = '\"terminal\"', peer = '', detail = '{}',
                       hash = zeroblob(32)";
        shop.intruder().execute(restore, []).expect("restored");
        shop.audit(None, 99).expect("entries");
        shop.intruder().execute(&format!("UPDATE audit SET {change}"), []).expect("changed");
        assert!(matches!(shop.audit(None, 99), Err(AccessError::BadRow { .. })), "{change}");
    }
    let noted = shop.note(shop.now.wall, &root().actor, &home(), "x", &json!({}));
    assert!(matches!(noted, Err(AccessError::BadRow { row: 10, .. })), "{noted:?}");
}

#[test]
fn a_sign_in_takes_about_120_bytes() {
    let shop = Shop::with_boss();
    let intruder = shop.intruder();
    let size = || -> i64 {
        let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        intruder.query_row(sql, [], |row| row.get(0)).expect("a size")
    };
    let before = size();
    for _ in 0..200 {
        shop.enter("boss", PIN);
    }
    let each = (size() - before) / 200;
    assert!((90..150).contains(&each), "{each}");
}

#[test]
fn no_secret_is_in_the_file() {
    let mut shop = Shop::new();
    let code = shop.set_up_code(shop.now).expect("nobody is there");
    let _ = shop.set_up(shop.now, &home(), "ABCDE98765", name("boss"), pin(PIN));
    shop.set_up(shop.now, &home(), &code, name("boss"), pin(PIN)).expect("set up");
    let signed_in = shop.enter("boss", PIN);
    let (_, first) =
        shop.add_user(shop.now.wall, &root(), name("anna"), Role::Manager).expect("added");
    let first = first.expose().to_owned();
    // A PIN typed where the name belongs, and the other way round.
    for (name, pin) in [("864013572", "boss"), ("boss", "753917538"), ("anna", "864013572")] {
        refused!(shop.try_at(abroad(), name, pin), Refused::WrongNameOrPin);
        shop.wait(secs(61));
    }
    let new = pin("806241");
    let renewed = shop.change_pin(shop.now, &signed_in.session, &home(), PIN, new);
    let renewed = renewed.expect("changed");
    let secrets = [
        PIN,
        &first,
        "806241",
        "864013572",
        "753917538",
        "ABCDE98765",
        &code,
        &signed_in.token,
        &renewed.token,
        &renewed.session.csrf,
    ];
    let shown = format!("{:?}", *shop);
    let mut read = 0;
    for file in std::fs::read_dir(shop.folder.path()).expect("a directory") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("read");
        read += bytes.len();
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{secret}");
        }
    }
    assert!(read > 4096, "the file was read");
    assert!(secrets.iter().all(|secret| !shown.contains(*secret)), "{shown}");
}
