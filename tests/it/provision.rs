//! Setting up an account from the command line: the real binary against the simulator, real files,
//! and a receiver that checks every signature with the keys in the file and nothing else.

#[path = "../../src/simulator/tests/notices/receiver.rs"]
mod receiver;

use crate::cli::text;
use klarna_terminald::simulator::{DeliveryState, Fault, Options, Simulator};
use receiver::{Receiver, signature};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const FIRST_KEY: &str = "klarna_test_api_simulator";
const LIVE_KEY: &str = "klarna_live_api_simulator";
const AGO: &str = "2024-01-01T12:00:00Z";
const EVENT: &str = "payment.request.state-change.in-progress";

/// An account, a configuration for it, and somebody who listens.
struct Desk {
    simulator: Simulator,
    folder: TempDir,
    receiver: Receiver,
    url: String,
}

/// What a command has said, and how it ended.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// It failed and says all of these.
    fn failed(self, says: &[&str]) {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert!(says.iter().all(|words| self.err.contains(words)), "{says:?}: {self:?}");
    }
}

impl Desk {
    async fn start() -> Desk {
        Desk::with(Options { partner_per_second: 1_000, ..Options::default() }).await
    }

    async fn with(options: Options) -> Desk {
        let options =
            Options { webhooks_in_clear: true, notices_at_once: 1, real_time: false, ..options };
        let simulator = Simulator::start(options).await.expect("simulator");
        let folder = TempDir::new().expect("a folder");
        let (receiver, url) = Receiver::start().await;
        let desk = Desk { simulator, folder, receiver, url };
        std::fs::write(desk.path("key"), format!("{FIRST_KEY}\n")).expect("key");
        std::fs::write(desk.path("ca.pem"), desk.simulator.ca_pem()).expect("ca.pem");
        desk.configure("custom", &format!("base_url = {:?}", desk.simulator.api_url()));
        desk
    }

    fn configure(&self, environment: &str, more: &str) {
        let config = format!(
            "[terminal]\nstore = \"S12\"\nterminal = \"T3\"\nmerchant = \"Test Store\"\n\
             locale = \"de-DE\"\ncurrencies = [\"EUR\"]\n\
             [store]\npath = {:?}\n[display]\noutput = \"none\"\n\
             [till]\nlink = \"tcp\"\nlisten = \"127.0.0.1:20007\"\n\
             [klarna]\nenvironment = {environment:?}\n{more}\n\
             account_id = \"krn:partner:global:account:test:SIMULATOR\"\n\
             api_key_file = {:?}\nextra_ca_file = {:?}\n\
             redirect_url = \"https://shop.example/thanks\"\n",
            self.path("terminal.sqlite"),
            self.path("key"),
            self.path("ca.pem"),
        );
        std::fs::write(self.path("terminal.toml"), config).expect("terminal.toml");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `provision ARGUMENTS`, with nobody there to be asked. Nothing secret is ever said.
    fn run(&self, arguments: &[&str]) -> Said {
        let config = self.path("terminal.toml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_klarna-terminald"));
        command.arg("provision").args(arguments).args(["--config", text(&config)]);
        if arguments[0] != "credentials" {
            command.args(["--keys", text(&self.path("keys.json"))]);
        }
        command.env_remove("CREDENTIALS_DIRECTORY").env("RUST_LOG", "trace").stdin(Stdio::null());
        let Output { status, stdout, stderr } = command.output().expect("the binary");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let said = Said { code: status.code(), out: text(stdout), err: text(stderr) };
        let mut secrets: Vec<String> = self.keys().into_iter().map(|(_, secret)| secret).collect();
        secrets.extend(["klarna_test_api_", "klarna_live_api_"].map(str::to_owned));
        for secret in secrets {
            assert!(!said.out.contains(&secret) && !said.err.contains(&secret), "{said:?}");
        }
        said
    }

    fn yes(&self, arguments: &[&str]) -> Said {
        self.run(&[arguments, &["--yes"]].concat())
    }

    /// The ids and secrets in the file of keys.
    fn keys(&self) -> Vec<(String, String)> {
        let file = std::fs::read_to_string(self.path("keys.json")).unwrap_or_default();
        let file: Value = serde_json::from_str(&file).unwrap_or_default();
        let keys = file["keys"].as_array().cloned().unwrap_or_default();
        let word = |key: &Value, name: &str| key[name].as_str().expect("a text").to_owned();
        keys.iter().map(|key| (word(key, "signing_key_id"), word(key, "signing_key"))).collect()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.run(&[arguments, &["--json"]].concat()).ok();
        assert_eq!(said.lines().count(), 1, "{said}");
        serde_json::from_str(&said).expect("JSON")
    }

    /// How many rows a list has.
    fn count(&self, list: &str) -> usize {
        let rows = self.json(&[list, "list"])[list.replace('-', "_")].as_array().map(Vec::len);
        rows.expect("a list")
    }

    fn fault(&self, text: &str) {
        self.simulator.fault(text.parse::<Fault>().expect("a fault"));
    }

    /// A signing key and a webhook that uses it; the webhook's id.
    fn set_up(&self) -> String {
        self.run(&["signing-keys", "create"]).ok();
        self.run(&["webhooks", "create", "--url", &self.url]).ok();
        self.simulator.webhooks()[0].id.clone()
    }

    /// What has arrived can be checked with the keys in the file, to the last one.
    fn check_heard(&self, count: usize) {
        let (heard, keys) = (self.receiver.heard(), self.keys());
        assert_eq!(heard.len(), count);
        for (headers, body) in heard {
            let id = headers["klarna-signing-key-id"].to_str().expect("text");
            let (_, secret) = keys.iter().find(|(key, _)| key == id).expect("a key in the file");
            assert_eq!(headers["klarna-signature"], signature(secret, &body).as_str());
        }
    }

    async fn told(&self) {
        self.simulator.told().await;
    }

    /// Makes everything in the files as old as can be.
    fn age(&self) {
        for (name, field) in [("keys.json", "created_at"), ("keys.json.rotation", "moved_at")] {
            let file = std::fs::read_to_string(self.path(name)).expect("there");
            let mut json: Value = serde_json::from_str(&file).expect("JSON");
            if let Some(keys) = json["keys"].as_array_mut() {
                // The newest stays as it is.
                let old = keys.len() - 1;
                keys.iter_mut().take(old).for_each(|key| key[field] = AGO.into());
            } else {
                json[field] = AGO.into();
            }
            std::fs::write(self.path(name), json.to_string()).expect("written");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn help_teaches_the_rotation() {
    let desk = Desk::start().await;
    let help = desk.run(&["--help"]).ok();
    for words in ["signing-keys rotate --finish", "wait for 24 hours", "--dry-run", "webhooks"] {
        assert!(help.contains(words), "{words}\n{help}");
    }
    let help = desk.run(&["credentials", "--help"]).ok();
    assert!(help.contains("SIGUSR1") && help.contains("rotate --finish"), "{help}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_and_a_webhook_are_made_once() {
    let desk = Desk::start().await;
    let without = desk.run(&["webhooks", "create", "--url", &desk.url]);
    without.failed(&["holds no signing key", "signing-keys create"]);
    let hook = desk.set_up();
    let mode = std::fs::metadata(desk.path("keys.json")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!desk.path("keys.json.intent").exists());
    let before = desk.simulator.calls().len();
    let again = desk.run(&["webhooks", "create", "--url", &desk.url]).ok();
    assert!(again.contains(&hook) && again.contains("nothing to do"), "{again}");
    let made_again = &desk.simulator.calls()[before..];
    assert!(made_again.iter().all(|call| call.method == "GET"), "{made_again:?}");
    let list = desk.run(&["webhooks", "list"]).ok();
    for words in ["enabled", &desk.url, "payment.dispute.*", &hook] {
        assert!(list.contains(words), "{words}\n{list}");
    }
    let keys = desk.json(&["signing-keys", "list"]);
    assert_eq!(keys["signing_keys"][0]["webhooks"], 1);
    assert_eq!(keys["signing_keys"][0]["in_file"], true);
    let list = desk.run(&["signing-keys", "list"]).ok();
    assert!(list.contains("yes") && list.contains(&desk.keys()[0].0), "{list}");
    assert!(desk.simulator.mistakes().is_empty(), "{:?}", desk.simulator.mistakes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_changed_tried_and_deleted() {
    let desk = Desk::start().await;
    let hook = desk.set_up();
    desk.run(&["webhooks", "simulate", &hook]).ok();
    desk.run(&["webhooks", "simulate", &hook, "--event", "payment.request.updated"]).ok();
    desk.told().await;
    desk.check_heard(2);
    desk.run(&["webhooks", "update", &hook]).failed(&["change what?"]);
    desk.run(&["webhooks", "update", &hook, "--disable"]).ok();
    let again = desk.run(&["webhooks", "create", "--url", &desk.url]);
    again.failed(&["exists as", "DISABLED", "--enable"]);
    desk.run(&["webhooks", "update", &hook, "--enable", "--events", "payment.*"]).ok();
    let view = desk.simulator.webhooks()[0].clone();
    assert!(view.enabled && view.event_types == ["payment.*"]);
    desk.run(&["webhooks", "delete", &hook]).failed(&["nobody is here to be asked"]);
    desk.yes(&["webhooks", "delete", &hook]).ok();
    desk.yes(&["webhooks", "delete", &hook]).failed(&["there is no webhook"]);
    let wrong = desk.run(&["webhooks", "create", "--url", "http://shop.example/"]);
    wrong.failed(&["does not begin with https://"]);
    let wrong = ["webhooks", "create", "--url", "https://shop.example/", "--events", "gremlins.*"];
    desk.run(&wrong).failed(&["VALIDATION_ERROR"]);
    let list = desk.run(&["webhooks", "list"]).ok();
    assert!(list.contains("no webhooks yet"), "{list}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_only_reads() {
    let desk = Desk::start().await;
    let hook = desk.set_up();
    let key = desk.keys()[0].0.clone();
    let files = || std::fs::read_dir(desk.folder.path()).expect("a list").count();
    let (before, files_before) = (desk.simulator.calls().len(), files());
    let spare = desk.path("spare");
    for arguments in [
        &["signing-keys", "create"][..],
        &["signing-keys", "rotate"],
        &["signing-keys", "delete", &key, "--in-use"],
        &["webhooks", "create", "--url", "https://shop.example/"],
        &["webhooks", "update", &hook, "--disable"],
        &["webhooks", "delete", &hook],
        &["webhooks", "simulate", &hook],
        &["credentials", "create", "--to", text(&spare)],
        &["credentials", "rotate"],
        &["credentials", "delete", "krn:any"],
    ] {
        let said = desk.run(&[arguments, &["--dry-run"]].concat()).ok();
        assert!(said.starts_with("would "), "{arguments:?}: {said}");
    }
    let calls = desk.simulator.calls();
    let changing: Vec<_> = calls[before..].iter().filter(|call| call.method != "GET").collect();
    assert!(changing.is_empty() && calls.len() > before, "{changing:?}");
    assert_eq!(files(), files_before, "no file is made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_makes_no_second_key() {
    let desk = Desk::start().await;
    desk.fault("drop-after:signing-key:1");
    desk.run(&["signing-keys", "create"]).ok();
    assert_eq!((desk.count("signing-keys"), desk.keys().len()), (1, 1));
    desk.fault("drop-after:signing-key:4");
    desk.run(&["signing-keys", "create"]).failed(&["may have happened", "same command again"]);
    assert_eq!((desk.count("signing-keys"), desk.keys().len()), (2, 1), "made, and not known");
    desk.run(&["signing-keys", "create"]).ok();
    assert_eq!((desk.count("signing-keys"), desk.keys().len()), (2, 2), "it is known again");
    desk.run(&["signing-keys", "create"]).ok();
    assert_eq!((desk.count("signing-keys"), desk.keys().len()), (3, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_cannot_be_stored_is_deleted_again() {
    let desk = Desk::start().await;
    let blocked = desk.path("keys.new");
    std::fs::create_dir(&blocked).expect("a folder in the way");
    let said = desk.run(&["signing-keys", "create"]);
    said.failed(&["could not be stored", "deleted again"]);
    assert_eq!((desk.count("signing-keys"), desk.keys().len()), (0, 0));
    std::fs::remove_dir(&blocked).expect("out of the way");
    desk.run(&["signing-keys", "create"]).ok();
    assert_eq!((desk.count("signing-keys"), desk.keys().len()), (1, 1), "not the deleted one");
    let before = desk.simulator.calls().len();
    std::fs::create_dir(desk.path("keys.json.probe")).expect("a folder in the way");
    desk.run(&["signing-keys", "create"]).failed(&["nothing was changed at Klarna"]);
    let calls = desk.simulator.calls();
    assert!(calls[before..].iter().all(|call| call.method == "GET"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_loses_no_notice() {
    let desk = Desk::start().await;
    let hook = desk.set_up();
    let old = desk.keys()[0].0.clone();
    desk.receiver.will_answer(&[500]);
    desk.run(&["webhooks", "simulate", &hook]).ok();
    desk.told().await;
    desk.check_heard(1);
    desk.run(&["signing-keys", "rotate"]).failed(&["nobody is here to be asked"]);
    let said = desk.yes(&["signing-keys", "rotate", "--validate"]).ok();
    assert!(said.contains("1 webhook(s)") && said.contains("--finish"), "{said}");
    let new = desk.keys()[1].0.clone();
    assert_eq!(desk.simulator.webhooks()[0].signing_key_id, new);
    desk.told().await;
    desk.check_heard(2);
    desk.simulator.advance_clock(Duration::from_secs(10));
    desk.told().await;
    desk.check_heard(3);
    let heard = desk.receiver.heard();
    let ids = heard.iter().map(|(headers, _)| headers["klarna-signing-key-id"].to_str());
    let ids: Vec<&str> = ids.map(|id| id.expect("text")).collect();
    assert_eq!(ids, [&old, &new, &old], "what is tried again is signed as at first");
    let early = desk.yes(&["signing-keys", "rotate", "--finish"]);
    early.failed(&["may still need the old keys", "come back after"]);
    desk.age();
    let said = desk.yes(&["signing-keys", "rotate", "--finish"]).ok();
    assert!(said.contains(&format!("deleted {old}")), "{said}");
    assert_eq!((desk.count("signing-keys"), desk.keys().len()), (1, 1));
    desk.run(&["webhooks", "simulate", &hook, "--event", EVENT]).ok();
    desk.told().await;
    let last = desk.simulator.deliveries().pop().expect("a delivery");
    assert_eq!((last.state, last.signing_key_id), (DeliveryState::Delivered, new));
    let said = desk.yes(&["signing-keys", "rotate", "--finish"]);
    assert_eq!(said.code, Some(1), "the key in use is of today: {said:?}");
    assert!(desk.simulator.mistakes().is_empty(), "{:?}", desk.simulator.mistakes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_goes_on_where_it_stopped() {
    let desk = Desk::start().await;
    let hook = desk.set_up();
    let rotate = ["signing-keys", "rotate"];
    for (number, fault) in [
        "drop-after:signing-key:4",
        "unauthorized:webhook:1",
        "drop-after:webhook:4",
        "status=503:webhook:4",
    ]
    .into_iter()
    .enumerate()
    {
        desk.fault(fault);
        assert_eq!(desk.yes(&rotate).code, Some(1), "{fault}");
        desk.run(&["webhooks", "simulate", &hook]).ok();
        desk.told().await;
        desk.check_heard(2 * number + 1);
        if number > 0 {
            let early = desk.yes(&["signing-keys", "rotate", "--finish"]);
            early.failed(&["a rotation is under way"]);
        }
        desk.yes(&rotate).ok();
        assert_eq!(desk.count("signing-keys"), number + 2, "{fault}: no key too many");
        assert_eq!(desk.keys().len(), number + 2);
        let newest = desk.keys().pop().expect("a key").0;
        assert_eq!(desk.simulator.webhooks()[0].signing_key_id, newest);
        desk.run(&["webhooks", "simulate", &hook]).ok();
        desk.told().await;
        desk.check_heard(2 * number + 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_of_other_receivers_are_left_alone() {
    let desk = Desk::start().await;
    desk.set_up();
    let mine = std::fs::read(desk.path("keys.json")).expect("there");
    std::fs::remove_file(desk.path("keys.json")).expect("another receiver's file");
    desk.run(&["signing-keys", "create"]).ok();
    desk.run(&["webhooks", "create", "--url", "https://other.example/"]).ok();
    let theirs = desk.simulator.webhooks()[1].clone();
    std::fs::write(desk.path("keys.json"), mine).expect("ours again");
    let said = desk.yes(&["signing-keys", "rotate"]).ok();
    assert!(said.contains("left alone") && said.contains(&theirs.id), "{said}");
    assert_eq!(desk.simulator.webhooks()[1], theirs);
    desk.yes(&["signing-keys", "rotate", "--all"]).ok();
    assert_ne!(desk.simulator.webhooks()[1], theirs);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_a_webhook_has_just_left_is_kept() {
    let desk = Desk::start().await;
    let hook = desk.set_up();
    desk.run(&["signing-keys", "create"]).ok();
    let file = std::fs::read_to_string(desk.path("keys.json")).expect("there");
    let mut file: Value = serde_json::from_str(&file).expect("JSON");
    for key in file["keys"].as_array_mut().expect("keys") {
        key["created_at"] = AGO.into();
    }
    std::fs::write(desk.path("keys.json"), file.to_string()).expect("written");
    let new = desk.keys()[1].0.clone();
    desk.run(&["webhooks", "update", &hook, "--key", &new]).ok();
    let finish = ["signing-keys", "rotate", "--finish"];
    desk.yes(&finish).failed(&["may still need the old keys"]);
    let past = format!("{{\"to\":\"{new}\",\"moved_at\":\"{AGO}\"}}");
    std::fs::write(desk.path("keys.json.rotation"), past).expect("written");
    desk.yes(&finish).ok();
    assert_eq!(desk.keys().len(), 1);
    desk.yes(&["webhooks", "delete", &hook]).ok();
    desk.yes(&finish).failed(&["may still need the old keys"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_in_use_is_deleted_only_on_purpose() {
    let desk = Desk::start().await;
    let hook = desk.set_up();
    let key = desk.keys()[0].0.clone();
    desk.yes(&["signing-keys", "delete", &key]).failed(&["uses it", "--in-use"]);
    desk.yes(&["signing-keys", "delete", &key, "--in-use"]).ok();
    assert!(desk.keys().is_empty());
    desk.yes(&["signing-keys", "delete", &key, "--in-use"]).failed(&["there is no signing key"]);
    desk.run(&["webhooks", "simulate", &hook]).ok();
    desk.told().await;
    assert_eq!(desk.receiver.heard()[0].0["klarna-signing-key-id"], key.as_str());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_key_is_replaced_and_its_predecessor_ended() {
    let desk = Desk::start().await;
    let key = || std::fs::read_to_string(desk.path("key")).expect("a key");
    let first = key();
    desk.fault("drop-after:credential:4");
    desk.yes(&["credentials", "rotate"]).failed(&["may have happened"]);
    assert_eq!((key(), desk.count("credentials")), (first.clone(), 2));
    desk.yes(&["credentials", "rotate"]).ok();
    assert_ne!(key(), first);
    assert_eq!(desk.count("credentials"), 2, "no key too many");
    let old = std::fs::read_to_string(desk.path("key.old")).expect("kept");
    assert_eq!(old, first);
    desk.yes(&["credentials", "rotate"]).failed(&["not finished", "--finish"]);
    desk.yes(&["credentials", "rotate", "--finish"]).ok();
    assert!(!desk.path("key.old").exists());
    assert_eq!(desk.count("credentials"), 1);
    let second = key();
    desk.yes(&["credentials", "rotate"]).ok();
    desk.yes(&["credentials", "rotate", "--finish"]).ok();
    assert!(key() != second && desk.count("credentials") == 1);
    let said = desk.yes(&["credentials", "rotate", "--finish"]).ok();
    assert!(said.contains("no old key"), "{said}");
    assert!(desk.simulator.mistakes().is_empty(), "{:?}", desk.simulator.mistakes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_api_key_that_cannot_be_stored_or_used_replaces_nothing() {
    let desk = Desk::start().await;
    let key = || std::fs::read_to_string(desk.path("key")).expect("a key");
    let first = key();
    std::fs::create_dir(desk.path("key.unfinished")).expect("a folder in the way");
    desk.yes(&["credentials", "rotate"]).failed(&["could not be stored", "deleted again"]);
    assert_eq!((key(), desk.count("credentials")), (first.clone(), 1));
    std::fs::remove_dir(desk.path("key.unfinished")).expect("out of the way");
    desk.yes(&["credentials", "rotate"]).ok();
    desk.yes(&["credentials", "rotate", "--finish"]).ok();
    let second = key();
    assert_ne!(second, first);
    // The read that tries the new key.
    desk.fault("unauthorized:manage:1");
    let refused = desk.yes(&["credentials", "rotate"]);
    refused.failed(&["does not work yet", "nothing was replaced"]);
    assert_eq!((key(), desk.count("credentials")), (second.clone(), 2));
    desk.yes(&["credentials", "rotate"]).ok();
    assert!(key() != second && desk.count("credentials") == 2, "the same new key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn further_api_keys_are_made_and_deleted() {
    let desk = Desk::start().await;
    let spare = desk.path("spare");
    let to = ["credentials", "create", "--description", "relay", "--to", text(&spare)];
    let made = desk.json(&to);
    let id = made["created"].as_str().expect("an id").to_owned();
    let mode = std::fs::metadata(&spare).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    desk.run(&to).failed(&["exists", "rotate"]);
    let list = desk.run(&["credentials", "list"]).ok();
    assert!(list.contains("relay") && list.contains(&id), "{list}");
    desk.run(&["credentials", "delete", &id]).failed(&["nobody is here to be asked"]);
    desk.yes(&["credentials", "delete", &id]).ok();
    desk.yes(&["credentials", "delete", &id]).failed(&["there is no API key"]);
    desk.yes(&["credentials", "rotate"]).ok();
    let list = desk.json(&["credentials", "list"]);
    let rows = list["credentials"].as_array().expect("a list").clone();
    let mine = rows.iter().find(|row| row["description"] == "S12-T3").expect("a new key");
    let mine = mine["id"].as_str().expect("an id");
    desk.yes(&["credentials", "delete", mine]).failed(&["works with", "rotate"]);
    let other = ["credentials", "rotate", "--finish", "--old", mine];
    desk.yes(&other).failed(&["is the new key"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn klarnas_quota_is_kept() {
    let options = Options { partner_per_second: 5, ..Options::default() };
    let desk = Desk::with(options).await;
    desk.set_up();
    // The simulator's time stands still, so the bucket is filled by hand.
    desk.fault("rate-limited:manage:2");
    desk.simulator.advance_clock(Duration::from_secs(1));
    assert_eq!(desk.count("signing-keys"), 1);
    assert!(desk.simulator.calls().iter().any(|call| call.status == Some(429)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_account_is_changed_only_by_those_who_say_so() {
    let desk = Desk::start().await;
    std::fs::write(desk.path("key"), LIVE_KEY).expect("key");
    desk.configure("live", "");
    let url = "https://shop.example/";
    let hook = ["webhooks", "update", "krn:any", "--url", url];
    desk.yes(&hook).failed(&["live account", "--live"]);
    desk.yes(&["credentials", "delete", "krn:any"]).failed(&["live account", "--live"]);
    assert!(desk.simulator.calls().is_empty());
}
