//! Whole ZVT dialogues as text: what the till, the shopper, Klarna and the line do, and below each
//! of it every byte on the wire and what the core has recorded.
//!
//! A file is a script, then its transcript over TCP and over a serial line. `UPDATE_GOLDEN=1 cargo
//! test` writes the transcripts anew. The language is in `script`, the terminal and its
//! surroundings in `stage`, how a transcript is written in `tape`. What holds for every dialogue,
//! whatever its transcript says, is in `rules`, and in `money` even when what is in `mishap`
//! happens. A transcript without its `> ` lines is what `pos::zvt::trace` reads.

mod mishap;
mod money;
mod rules;
mod script;
mod stage;
mod tape;

use klarna_terminald::pos::zvt::session::Line;
use mishap::Mishap;
use script::Script;
use stage::Stage;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LINES: [(Line, &str); 2] = [(Line::Tcp, "## TCP\n"), (Line::Serial, "## Serial line\n")];

/// All dialogues: their files and what is in them.
fn dialogues() -> Vec<(PathBuf, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/zvt/dialogue");
    let files = std::fs::read_dir(&directory).expect("the dialogues are there");
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("readable").path()).collect();
    paths.sort();
    assert!(paths.len() > 20, "the dialogues were not found");
    let text = |path: &Path| std::fs::read_to_string(path).expect("UTF-8");
    paths.into_iter().map(|path| (path.clone(), text(&path))).collect()
}

fn script_of(file: &str) -> &str {
    let end = LINES.iter().filter_map(|(_, heading)| file.find(heading)).min();
    file[..end.unwrap_or(file.len())].trim_end()
}

/// The script with its transcripts, as the file should be.
fn played(name: &str, file: &str) -> String {
    let text = script_of(file);
    let script = Script::parse(text);
    let mut whole = format!("{text}\n");
    let mut logs = Vec::new();
    for (line, heading) in LINES {
        if script.only.is_none_or(|only| only == line) {
            let log = Stage::play(&script, line);
            let name = format!("{name}, {line:?}");
            rules::check(&name, line, &log);
            money::check(&name, line, &log);
            whole += &format!("\n{heading}{}", log.text);
            logs.push(log);
        }
    }
    rules::same(name, &logs);
    whole
}

fn check(path: &Path, file: &str) -> Result<(), String> {
    let name = path.file_name().expect("a name").to_string_lossy();
    let played = std::panic::catch_unwind(|| played(&name, file));
    let whole = played.map_err(|_| format!("{name} breaks a rule, or cannot be played"))?;
    if whole == file {
        return Ok(());
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, whole).expect("dialogues can be written");
        return Ok(());
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (file.lines().collect(), whole.lines().collect());
    let at = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let begins = |line: &&str| line.starts_with("> ");
    let from = old[..at.min(old.len())].iter().rposition(begins).unwrap_or(0);
    let part = |lines: &[&str]| {
        lines[from.min(lines.len())..].iter().take(14).copied().collect::<Vec<_>>().join("\n")
    };
    Err(format!(
        "{name}, line {}; UPDATE_GOLDEN=1 writes it anew\n-- written --\n{}\n-- now --\n{}",
        at + 1,
        part(&old),
        part(&new)
    ))
}

#[test]
fn every_dialogue_gives_its_transcript() {
    let dialogues = dialogues();
    let checked = dialogues.iter().map(|(path, file)| check(path, file));
    let wrong: Vec<String> = checked.filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Plays every dialogue again and again, each time until something happens one message later.
fn check_with(mishap: Mishap, line: Line) {
    for (path, file) in dialogues() {
        let name = path.file_name().expect("a name").to_string_lossy();
        let script = Script::parse(script_of(&file));
        let line = script.only.unwrap_or(line);
        // The lines of long receipts are all alike.
        for messages in (1..40).chain((40..).step_by(7)) {
            let Some(log) = Stage::play_until(&script, line, messages, mishap) else { break };
            money::check(&format!("{name}, {mishap:?} after message {messages}"), line, &log);
        }
    }
}

#[test]
fn the_power_may_fail_after_every_message() {
    check_with(Mishap::PowerCut, Line::Tcp);
}

#[test]
fn a_serial_line_may_be_cut_after_every_message() {
    check_with(Mishap::LineCut(Duration::from_secs(3)), Line::Serial);
}

#[test]
fn the_till_may_be_gone_after_every_message() {
    check_with(Mishap::LineCut(Duration::from_secs(30)), Line::Tcp);
}
