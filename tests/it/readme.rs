//! What the README and the example configuration claim.

use klarna_terminald::config::{Config, Overrides};
use std::collections::HashMap;
use std::fs;
use std::path::Path;

fn readme() -> String {
    fs::read_to_string("README.md").expect("README.md")
}

#[test]
fn the_first_command_stands_within_the_first_twenty_lines() {
    let text = readme();
    let first = text.lines().position(|line| line.trim().starts_with("cargo run"));
    assert!(first.is_some_and(|line| line < 20));
    assert!(text.contains("    cargo test "));
}

#[test]
fn the_stated_rust_version_is_the_manifests() {
    let manifest = fs::read_to_string("Cargo.toml").expect("Cargo.toml");
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "));
    let version = version.expect("rust-version").trim_matches('"');
    assert!(readme().contains(&format!("({version} or\nnewer)")));
}

#[test]
fn every_file_that_is_linked_exists() {
    let text = readme();
    let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let images = text.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let local: Vec<&str> =
        links.chain(images).filter(|target| !target.starts_with("http")).collect();
    assert!(local.len() > 5, "the links were not found");
    for target in local {
        assert!(Path::new(target).exists(), "{target} does not exist");
    }
}

#[test]
fn the_example_configuration_is_complete_and_right() {
    let path = Path::new("firmware-config/desk.toml");
    let text = fs::read_to_string(path).expect("the example");
    // The files that the simulator makes at its first start are not there in a test.
    let lines = text.lines().filter(|line| !line.starts_with("extra_ca_file"));
    let text: String = lines
        .filter(|line| !line.starts_with("api_key_file"))
        .map(|line| format!("{line}\n"))
        .collect();
    let key = ("KLARNA_TERMINALD__KLARNA__API_KEY", "klarna_test_api_x");
    let variables = HashMap::from([(key.0.to_owned(), key.1.to_owned())]);
    let overrides = Overrides { variables, credentials: None };
    let config = Config::from_text(&text, path, &overrides).expect("the example is right");
    assert!(config.summary().contains("DESK-T1 at Example Store"));
}

#[test]
fn every_setting_stands_in_the_example() {
    let example = fs::read_to_string("firmware-config/desk.toml").expect("the example");
    let raw = fs::read_to_string("src/config/raw.rs").expect("the settings");
    let names = raw.lines().filter_map(|line| {
        let (name, kind) = line.trim().strip_prefix("pub(super) ")?.split_once(": ")?;
        kind.starts_with("Option<").then_some(name)
    });
    for name in names.filter(|name| *name != "api_key") {
        let stands = example.lines().any(|line| {
            let line = line.trim_start_matches(['#', ' ', '[']);
            let forms = [format!("{name} ="), format!("{name}]"), format!("klarna.{name}]")];
            forms.iter().any(|form| line.starts_with(form))
        });
        assert!(stands, "{name} does not stand in firmware-config/desk.toml");
    }
}
