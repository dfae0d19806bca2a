//! What nobody may do, and what nobody may cause. `docs/security.md` names these tests beside the
//! items of the standard that they prove.

use super::{Browser, PIN, Page, add, office, signed_in};
use klarna_terminald::access::Role;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Every page that is looked at, and the least role that may.
const LOOKS: [(&str, Role); 18] = [
    ("/", Role::Cashier),
    ("/search?q=zzz", Role::Cashier),
    ("/payments/1", Role::Cashier),
    ("/payments/1/receipt", Role::Cashier),
    ("/payments/1/return", Role::Manager),
    ("/queue", Role::Cashier),
    ("/queue/000001.1", Role::Cashier),
    ("/shift", Role::Cashier),
    ("/shift/close", Role::Manager),
    ("/shifts", Role::Cashier),
    ("/shifts/1/report.csv", Role::Cashier),
    ("/shifts/1/report.pdf", Role::Cashier),
    ("/health", Role::Cashier),
    ("/settings", Role::Cashier),
    ("/pin", Role::Cashier),
    ("/sessions", Role::Cashier),
    ("/users", Role::Admin),
    ("/audit", Role::Admin),
];

/// Every change, and the least role that may ask for it.
const CHANGES: [(&str, Role); 17] = [
    ("/find", Role::Manager),
    ("/payments/1/print", Role::Cashier),
    ("/payments/1/till", Role::Cashier),
    ("/payments/1/return", Role::Manager),
    ("/payments/1/return/confirmed", Role::Manager),
    ("/queue/retry", Role::Manager),
    ("/queue/000001.1/retry", Role::Manager),
    ("/queue/000001.1/resolve", Role::Admin),
    ("/shift/close", Role::Manager),
    ("/shifts/1/print", Role::Cashier),
    ("/shifts/1/till", Role::Cashier),
    ("/users", Role::Admin),
    ("/users/1/lock", Role::Admin),
    ("/pin", Role::Cashier),
    ("/sessions", Role::Cashier),
    ("/sign-out", Role::Cashier),
    ("/sign-out-everywhere", Role::Cashier),
];

fn may(role: Role, least: Role) -> bool {
    let rank = |role| match role {
        Role::Cashier => 0,
        Role::Manager => 1,
        Role::Admin => 2,
    };
    rank(role) >= rank(least)
}

fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn csrf(browser: &mut Browser) -> String {
    browser.get("/pin").await.form("/pin")["csrf"].clone()
}

#[test]
fn every_route_is_in_the_matrix() {
    let routes = include_str!("../../../src/console/page/mod.rs");
    let open = ["/sign-in", "/set-up", "/language", "/assets/console.css", "/assets/console.js"];
    for line in routes.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")) {
        let (route, methods) = line.split_once('"').expect("a route");
        // "/still" only says whether somebody is signed in.
        if open.contains(&route) || matches!(route, "/assets/icon.svg" | "/live" | "/still") {
            continue;
        }
        let fits = |path: &str| {
            let path = path.split('?').next().unwrap_or_default();
            let (mut route, mut path) = (route.split('/'), path.split('/'));
            loop {
                match (route.next(), path.next()) {
                    (None, None) => return true,
                    (Some(part), Some(found)) if part.starts_with('{') || part == found => {}
                    _ => return false,
                }
            }
        };
        if methods.contains("get(") {
            assert!(
                LOOKS.iter().any(|(path, _)| fits(path)) || route == "/shifts/{number}",
                "{route}"
            );
        }
        if methods.contains("post(") {
            assert!(CHANGES.iter().any(|(path, _)| fits(path)), "{route}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_answers_each_role_as_the_matrix_says() {
    let (mut terminal, mut chief) = signed_in(&[]).await;
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.settled().await;
    let mut nobody = Browser { cookie: None, ..chief.clone() };
    for (path, _) in LOOKS {
        let page = nobody.get(path).await;
        assert_eq!(page.status, 303, "{path}");
        assert!(page.to.expect("a way").starts_with("/sign-in"), "{path}");
    }
    for (path, _) in CHANGES {
        let page = nobody.post(path, &fields(&[("csrf", "x")])).await;
        assert_eq!((page.status, page.to.as_deref()), (303, Some("/sign-in")), "{path}");
    }
    let people = [
        (Role::Cashier, add(&mut chief, "carl", Role::Cashier, "852047").await),
        (Role::Manager, add(&mut chief, "mia", Role::Manager, "739264").await),
        (Role::Admin, chief),
    ];
    for (role, mut browser) in people {
        for (path, least) in LOOKS {
            let status = browser.get(path).await.status;
            assert_eq!(status, if may(role, least) { 200 } else { 403 }, "{role:?} {path}");
        }
        for (path, least) in CHANGES.into_iter().filter(|(path, _)| !path.starts_with("/sign-out"))
        {
            let form = fields(&[("csrf", &csrf(&mut browser).await), ("pin", "0")]);
            let page = browser.post(path, &form).await;
            let is_refused = page.status == 403 && page.text.contains("You may not do that");
            assert_eq!(
                is_refused,
                !may(role, least),
                "{role:?} {path}: {} {}",
                page.status,
                page.text
            );
        }
    }
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_without_the_sessions_own_token_and_from_elsewhere() {
    let (terminal, mut browser) = signed_in(&[]).await;
    let mut other = Browser { cookie: None, ..browser.clone() };
    other.sign_in("chief", PIN).await;
    let (own, foreign) = (csrf(&mut browser).await, csrf(&mut other).await);
    assert_ne!(own, foreign);
    for (path, _) in CHANGES {
        for token in ["", "x", foreign.as_str()] {
            let page = browser.post(path, &fields(&[("csrf", token)])).await;
            assert_eq!(page.status, 403, "{path} {token:?}");
        }
    }
    let origins = [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    for path in ["/queue/retry", "/sign-in", "/set-up", "/language"] {
        for (name, value) in origins {
            let form = fields(&[("csrf", &own), ("to", "de")]);
            let mut request = browser.post_request(path, &form).build().expect("a request");
            request.headers_mut().insert(name, value.parse().expect("a value"));
            let answer = browser.client.execute(request).await.expect("an answer");
            assert_eq!(answer.status().as_u16(), 403, "{path} {name}: {value}");
        }
        let bare = browser.client.post(format!("{}{path}", browser.base));
        assert_eq!(bare.send().await.expect("an answer").status().as_u16(), 403, "{path}");
    }
    assert_eq!(browser.get("/").await.status, 200, "still signed in");
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_carries_the_security_headers() {
    let (terminal, mut browser) = signed_in(&[]).await;
    let mut pages = Vec::new();
    for path in ["/", "/nothing", "/payments/9", "/payments/x", "/search?q=a&q=b", "/shifts/0"] {
        pages.push(browser.get(path).await);
    }
    for path in ["/assets/console.css", "/assets/console.js", "/sign-in", "/set-up"] {
        pages.push(browser.get(path).await);
    }
    pages.push(browser.post("/queue/retry", &fields(&[])).await);
    pages.push(browser.post("/", &fields(&[])).await);
    let big = "x".repeat(20_000);
    pages.push(browser.post("/queue/retry", &fields(&[("csrf", &big)])).await);
    let delete = browser.client.delete(format!("{}/", browser.base));
    pages.push(browser.send(delete).await);
    let host = browser.get_request("/").header("host", "evil.example");
    pages.push(browser.send(host).await);
    pages.push(Browser { cookie: None, ..browser.clone() }.get("/").await);
    let statuses: Vec<u16> = pages.iter().map(|page| page.status).collect();
    for wanted in [200, 303, 403, 404, 405, 421, 422] {
        assert!(statuses.contains(&wanted), "{wanted} was not seen: {statuses:?}");
    }
    for page in pages {
        let header = |name: &str| page.header(name).unwrap_or_else(|| panic!("{name} {page:?}"));
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        for directive in ["base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"] {
            assert!(policy.contains(directive), "{policy}");
        }
        assert!(header("strict-transport-security").starts_with("max-age=31536000"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert!(page.header("access-control-allow-origin").is_none());
        if page.status != 303 {
            assert!(header("content-type").contains("charset=utf-8"), "{page:?}");
        }
        assert!(!page.text.contains("style=") && !page.text.contains("<script>"));
    }
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_session_cookie_is_a_host_cookie_and_ends_when_it_should() {
    let (terminal, mut browser) = office(&[]).await;
    browser.cookie = Some("__Host-console=planted".to_owned());
    let page = browser.sign_in("chief", PIN).await;
    let set = page.header("set-cookie").expect("a cookie");
    assert!(set.starts_with("__Host-console="), "{set}");
    for attribute in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(attribute), "{set}");
    }
    assert!(!set.contains("planted") && !set.contains("Domain"));
    let stolen = browser.clone();
    // Another program that has the cookie is not let in.
    let request = stolen.client.get(format!("{}/", stolen.base));
    let request = request.header("cookie", stolen.cookie.clone().expect("a cookie"));
    let elsewhere =
        request.header("user-agent", "another browser").send().await.expect("an answer");
    assert_eq!(elsewhere.status().as_u16(), 303);
    assert_eq!(browser.get("/").await.status, 200, "its owner stays");
    let page = browser.get("/").await;
    let out = browser.fill(&page, "/sign-out", &[]).await;
    assert_eq!(out.to.as_deref(), Some("/sign-in"));
    assert_eq!(out.header("clear-site-data"), Some("\"cache\", \"storage\""));
    assert_eq!(stolen.clone().get("/").await.status, 303, "replayed after signing out");
    let mut one = browser.clone();
    let mut two = browser.clone();
    one.sign_in("chief", PIN).await;
    two.sign_in("chief", PIN).await;
    let mut form = one.get("/sessions").await.form("/sessions");
    form.insert("pin".to_owned(), "111999".to_owned());
    assert_eq!(one.post("/sign-out-everywhere", &form).await.status, 403, "the PIN is asked");
    form.insert("pin".to_owned(), PIN.to_owned());
    let out = one.post("/sign-out-everywhere", &form).await;
    assert!(out.header("set-cookie").expect("a cookie").starts_with("__Host-console=;"));
    assert_eq!(two.get("/").await.status, 303, "everywhere is everywhere");
    for forged in ["", "x", &"A".repeat(43), "../../etc/passwd", "%00", "' OR 1=1 --"] {
        let mut browser =
            Browser { cookie: Some(format!("__Host-console={forged}")), ..two.clone() };
        assert_eq!(browser.get("/").await.status, 303, "{forged:?}");
    }
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_pins_make_waiting_longer_and_unknown_names_answer_alike() {
    let (mut terminal, mut browser) = office(&[]).await;
    let answer = |page: &Page| {
        let notice = page.text.split("role=\"alert\"").nth(1).map(|rest| rest[..80].to_owned());
        (page.status, notice)
    };
    let wrong = browser.sign_in("chief", "111999").await;
    let unknown = browser.sign_in("nobody", "111999").await;
    assert_eq!(wrong.status, 403);
    assert_eq!(answer(&wrong), answer(&unknown));
    let mut waits = 0;
    for _ in 0..40 {
        let page = browser.sign_in("chief", "111999").await;
        waits += usize::from(page.status == 429);
        if page.status == 429 {
            assert!(page.header("retry-after").is_some_and(|wait| wait.parse::<u64>().is_ok()));
        }
    }
    assert!(waits >= 30, "{waits} of 40 tries were not even looked at");
    assert_eq!(
        browser.sign_in("chief", PIN).await.status,
        429,
        "the right PIN has to wait as well"
    );
    // Payments do not wait.
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.settled().await;
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sensitive_steps_ask_for_the_pin_again() {
    let (mut terminal, mut chief) = signed_in(&[]).await;
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.settled().await;
    let token = csrf(&mut chief).await;
    let steps: [(&str, &[(&str, &str)]); 4] = [
        ("/payments/1/return/confirmed", &[("known", "0"), ("amount", "1"), ("reason", "other")]),
        ("/shift/close", &[("shift", "1")]),
        ("/users", &[("name", "eve"), ("role", "admin")]),
        ("/users/1/sign-out", &[]),
    ];
    for (path, extra) in steps {
        let mut form = fields(extra);
        form.insert("csrf".to_owned(), token.clone());
        let status = chief.post(path, &form).await.status;
        assert!(status == 403 || status == 429, "{path} {status}");
    }
    assert_eq!(terminal.simulator.transactions()[0].refunded(), 0);
    chief.get("/shift").await.says("Shift 1, open");
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_text_stays_text() {
    let (mut terminal, mut browser) = signed_in(&[]).await;
    let hostile = r#"a&b "c" 'd' < e > {{7*7}} %s =1+1"#;
    let line = serde_json::json!({
        "op": "sale", "ref": "R<1&'", "amount": 1200, "currency": "EUR",
        "merchant_reference": hostile,
        "line_items": [{ "name": "=cmd|' /C calc'!A0 < & \"", "quantity": 1, "amount": 1200 }],
    });
    terminal.till.say(&line.to_string());
    terminal.till.expect_shopper(hostile);
    let told = terminal.till.word("R<1&'").await;
    assert_eq!(told["stage"], "awaiting_shopper", "{told}");
    terminal.shopper(klarna_terminald::simulator::ShopperAction::Approve);
    terminal.till.result("R<1&'").await;
    terminal.till.acknowledge("R<1&'").await;
    terminal.settled().await;
    let escaped = "a&amp;b &quot;c&quot; 'd' &lt; e &gt; {{7*7}} %s =1+1";
    browser.get("/payments/1").await.says(escaped).says("R&lt;1&amp;");
    browser.get("/").await.says("R&lt;1&amp;");
    for sought in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' OR 1=1 --",
        "%",
        "_",
        "*",
        "../../../etc/passwd",
        "KTD1:",
        "krn:x",
        "\u{202e}abc",
        "a\r\nSet-Cookie: x=y",
        "😀",
        "12.34 99:99",
    ] {
        let query: String = form_urlencoded::byte_serialize(sought.as_bytes()).collect();
        let page = browser.get(&format!("/search?q={query}")).await;
        assert!(page.status == 200 || page.status == 303, "{sought:?} {}", page.status);
        assert!(!page.text.contains("<script>") && !page.text.contains("<img"), "{sought:?}");
        assert!(page.header("set-cookie").is_none());
    }
    let csv = browser.get("/shifts/1/report.csv").await;
    let formula = |cell: &str| cell.trim_matches('"').starts_with(['=', '+', '@']);
    assert!(!csv.text.lines().flat_map(|line| line.split(',')).any(formula), "{}", csv.text);
    for path in [
        "/..%2f..%2fetc%2fpasswd",
        "/assets/..%2f..%2fCargo.toml",
        "/.git/config",
        "/metrics",
        "/payments/1%00",
        "/payments/99999999999",
        "/queue/1.99",
        "/queue/x",
        "/users/1/nothing",
    ] {
        assert_eq!(browser.get(path).await.status / 100, 4, "{path}");
    }
    let to = browser.get("/sign-in?to=https%3A%2F%2Fevil.example").await;
    assert!(!to.text.contains("evil.example"));
    let elsewhere = browser.get("/sign-in?to=%2F%2Fevil.example").await;
    assert!(!elsewhere.text.contains("evil.example"));
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_silent_connections_and_slow_bodies_keep_nobody_out() {
    let (mut terminal, mut browser) = signed_in(&[]).await;
    let address = browser.base.trim_start_matches("https://").to_owned();
    let connect = || TcpStream::connect(&address).ok();
    let silent: Vec<TcpStream> = (0..1000).filter_map(|_| connect()).collect();
    assert!(silent.len() > 100, "{} connections", silent.len());
    terminal.sell_and_acknowledge("A-1", 1200).await;
    assert_eq!(browser.get("/").await.status, 200, "a browser that speaks finds a place");
    // Plain text gets no page.
    let mut plain = connect().expect("a connection");
    plain.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
    plain.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    let mut answer = Vec::new();
    drop(plain.read_to_end(&mut answer));
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1 200"));
    terminal.settled().await;
    drop(silent);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_pin_only_opens_the_change_page_and_the_last_admin_stays() {
    let (terminal, mut chief) = signed_in(&[]).await;
    let page = chief.get("/users").await;
    let typed = [("name", "Mia"), ("role", "manager"), ("pin", PIN)];
    let added = chief.fill(&page, "/users", &typed).await;
    let first = added.text.split("<code>").nth(1).and_then(|rest| rest.split('<').next());
    let first = first.expect("a first PIN").to_owned();
    assert!(!chief.get("/users").await.text.contains(&first), "it is shown once");
    assert!(!chief.get("/audit").await.text.contains(&first), "and written nowhere");
    let mut mia = Browser { cookie: None, ..chief.clone() };
    mia.sign_in("mia", &first).await;
    for path in ["/", "/payments/1", "/shift"] {
        assert_eq!(mia.get(path).await.to.as_deref(), Some("/pin"), "{path}");
    }
    let page = mia.get("/pin").await;
    mia.language = "de";
    let typed = [("old", first.as_str()), ("pin", "241284"), ("again", "241284")];
    mia.fill(&page, "/pin", &typed).await.says("leicht zu erraten: Sie ist ein Datum");
    mia.language = "en";
    for weak in ["123456", "000000", "121212", "12345", "abcdef", first.as_str()] {
        let typed = [("old", first.as_str()), ("pin", weak), ("again", weak)];
        assert_ne!(mia.fill(&page, "/pin", &typed).await.status, 303, "{weak}");
    }
    let typed = [("old", first.as_str()), ("pin", "739264"), ("again", "739265")];
    mia.fill(&page, "/pin", &typed).await.says("The two PINs are not the same.");
    let typed = [("old", first.as_str()), ("pin", "739264"), ("again", "739264")];
    assert_eq!(mia.fill(&page, "/pin", &typed).await.status, 303);
    assert_eq!(mia.get("/").await.status, 200);
    let token = csrf(&mut chief).await;
    for change in ["lock", "role"] {
        let form = fields(&[("csrf", &token), ("pin", PIN), ("role", "cashier")]);
        let page = chief.post(&format!("/users/1/{change}"), &form).await;
        assert_eq!(page.status, 403, "{change}");
        page.says("last admin");
    }
    let page = chief.get("/users").await;
    let lock = chief.fill(&page, "/users/2/pin", &[("pin", PIN)]).await;
    assert_eq!(lock.status, 200);
    assert_eq!(mia.get("/").await.status, 303, "a new PIN ends the sessions of the old one");
    terminal.finish().await;
}

/// A form that is confirmed with the PIN and changes nothing.
async fn confirm(browser: &mut Browser, page: &Page) -> Page {
    let mut form = page.form("/sessions");
    form.insert("pin".to_owned(), PIN.to_owned());
    form.insert("end".to_owned(), "0".to_owned());
    browser.post("/sessions", &form).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pin_again_makes_another_token_and_other_windows_go_on() {
    let (terminal, mut browser) = signed_in(&[]).await;
    let (first, second) = (browser.get("/sessions").await, browser.get("/sessions").await);
    let mut twin = browser.clone();
    let before = browser.cookie.clone();
    assert_eq!(confirm(&mut browser, &first).await.status, 303);
    assert_ne!(browser.cookie, before);
    // The browser has dropped the first answer, as after a double click.
    assert_eq!(confirm(&mut twin, &first).await.status, 303);
    assert_eq!(twin.cookie, browser.cookie, "the same token is told again");
    // The other window's form was made before.
    assert_eq!(confirm(&mut browser, &second).await.status, 303);
    assert_ne!(browser.cookie, twin.cookie);
    // What is refused after the right PIN has changed the token as well.
    let page = browser.get("/users").await;
    let cookie = browser.cookie.clone();
    let typed = [("name", "chief"), ("role", "admin"), ("pin", PIN)];
    let taken = browser.fill(&page, "/users", &typed).await;
    assert_eq!(taken.status, 403);
    taken.says("there is a user chief already");
    assert_ne!(browser.cookie, cookie);
    assert_eq!(browser.get("/").await.status, 200);
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_sessions_are_seen_and_ended_and_a_new_sign_in_ends_the_one_before() {
    let (terminal, mut browser) = signed_in(&[]).await;
    let mut other = Browser { cookie: None, ..browser.clone() };
    other.sign_in("chief", PIN).await;
    let page = browser.get("/sessions").await;
    page.says("test browser").says("127.0.0.1").says("this one");
    let number = page.text.split("name=\"end\" value=\"").nth(1);
    let number = number.and_then(|rest| rest.split('"').next()).expect("a number").to_owned();
    let wrong = [("end", number.as_str()), ("pin", "111999")];
    assert_eq!(browser.fill(&page, "/sessions", &wrong).await.status, 403);
    assert_eq!(other.get("/").await.status, 200, "the PIN was wrong");
    let right = [("end", number.as_str()), ("pin", PIN)];
    assert_eq!(browser.fill(&page, "/sessions", &right).await.status, 303);
    assert_eq!(other.get("/").await.status, 303, "ended");
    assert_eq!(browser.get("/").await.status, 200);
    let earlier = browser.clone();
    browser.sign_in("chief", PIN).await;
    assert_eq!(browser.get("/").await.status, 200);
    assert_eq!(earlier.clone().get("/").await.status, 303, "this browser's earlier session");
    browser.get("/audit").await.says("signed_out_elsewhere");
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_turned_away_stands_in_the_audit_journal_once_a_minute() {
    let (terminal, mut chief) = signed_in(&[]).await;
    let mut carl = add(&mut chief, "carl", Role::Cashier, "852047").await;
    for _ in 0..20 {
        assert_eq!(carl.get("/users").await.status, 403);
        assert_eq!(carl.post("/pin", &fields(&[("csrf", "x")])).await.status, 403);
        let host = carl.get_request("/").header("host", "evil.example");
        assert_eq!(carl.send(host).await.status, 421);
    }
    let journal = chief.get("/audit").await;
    assert_eq!(journal.text.matches("<code>turned_away</code>").count(), 1, "the first at once");
    journal.says("&quot;not_allowed&quot;:1").says("&quot;carl&quot;:1").says("GET /users");
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_leaves_the_screen_when_its_session_has_ended() {
    let (terminal, mut browser) = signed_in(&[]).await;
    let page = browser.get("/search?q=zzz").await;
    let refresh = page.header("refresh").expect("a header").to_owned();
    assert_eq!(refresh, "905; url=/still?to=%2Fsearch%3Fq%3Dzzz");
    for (from, to) in
        [("%2Fsearch%3Fq%3Dzzz", "/search?q=zzz&still=1"), ("%2Fqueue", "/queue?still=1")]
    {
        let still = browser.get(&format!("/still?to={from}")).await;
        assert_eq!(still.to.as_deref(), Some(to), "somebody is signed in");
        let back = browser.get(to).await;
        assert_eq!(back.status, 200);
        let refresh = back.header("refresh").expect("a header");
        assert!(refresh.ends_with(&format!("to={from}")), "{refresh}");
    }
    let elsewhere = browser.get("/still?to=%2F%2Fevil.example").await;
    assert_eq!(elsewhere.to.as_deref(), Some("/?still=1"));
    let csv = browser.get("/shifts/1/report.csv").await;
    assert!(csv.header("refresh").is_none());
    let mut nobody = Browser { cookie: None, ..browser.clone() };
    assert!(nobody.get("/sign-in").await.header("refresh").is_none());
    let gone = nobody.get("/still?to=%2Fqueue").await;
    assert_eq!(gone.to.as_deref(), Some("/sign-in?to=%2Fqueue"));
    terminal.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_cannot_be_read_closes_the_pages_and_nothing_else() {
    let listen = format!("{:?}", crate::terminal::loopback());
    let settings = [
        ("console.listen", listen.as_str()),
        ("console.certificate_file", "\"/nowhere/chain.pem\""),
        ("console.key_file", "\"/nowhere/key.pem\""),
    ];
    let (wire, program) = (crate::terminal::Wire::Tcp, crate::terminal::Program::Binary);
    let mut terminal = crate::terminal::Terminal::prepare(wire, program, &settings).await;
    terminal.switch_on().await;
    terminal.sell_and_acknowledge("A-1", 1200).await;
    terminal.settled().await;
    let store = terminal.path("terminal.sqlite");
    let users = crate::office::asked(&store, &["users"]);
    assert_eq!(users["users"].as_array().map(Vec::len), Some(0), "{users}");
    TcpStream::connect(listen.trim_matches('"')).expect_err("there are no pages");
    terminal.finish().await;
}
