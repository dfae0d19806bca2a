//! The house's own rules: who may import whom, what every file begins with, what never occurs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Room -> the rooms it may import. `payment` types are named in finer grain in the code; a room
/// that is not listed here does not exist.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("money", &[]),
    ("clock", &[]),
    ("id", &["money"]),
    ("i18n", &["money", "clock"]),
    ("payment", &["money", "id", "clock"]),
    ("receipt", &["payment", "money", "id", "i18n", "clock"]),
    ("printer", &["receipt"]),
    ("local", &[]),
    ("operations", &[]),
    ("pos", &["payment", "money", "id", "i18n", "clock", "local"]),
    ("acquirer", &["payment", "money", "id", "clock"]),
    ("store", &["payment", "money", "id", "clock"]),
    ("display", &["payment", "money", "i18n", "id", "clock"]),
    ("sync", &["store", "acquirer", "payment", "id", "clock"]),
    ("simulator", &[]),
    ("broker", &["id"]),
    ("fleet", &["broker", "clock", "id"]),
    ("push", &["broker", "clock", "fleet", "id", "payment", "sync"]),
    // Settings types of the rooms that are configured.
    (
        "config",
        &[
            "access", "acquirer", "clock", "console", "pos", "printer", "display", "payment",
            "money", "id", "i18n", "receipt", "broker", "fleet", "push", "relay",
        ],
    ),
    ("telemetry", &["config"]),
    ("access", &["clock"]),
    ("relay", &["acquirer", "broker", "clock", "id", "operations", "payment"]),
    (
        "console",
        &[
            "access",
            "clock",
            "display",
            "i18n",
            "id",
            "local",
            "money",
            "operations",
            "payment",
            "printer",
            "receipt",
            "store",
        ],
    ),
    (
        "daemon",
        &[
            "access",
            "acquirer",
            "clock",
            "config",
            "console",
            "display",
            "fleet",
            "i18n",
            "id",
            "operations",
            "payment",
            "pos",
            "push",
            "receipt",
            "relay",
            "store",
            "sync",
        ],
    ),
    (
        "cli",
        &[
            "access",
            "acquirer",
            "broker",
            "clock",
            "config",
            "console",
            "daemon",
            "display",
            "fleet",
            "id",
            "local",
            "money",
            "payment",
            "pos",
            "push",
            "relay",
            "simulator",
            "store",
            "telemetry",
        ],
    ),
];

/// What never occurs in the core: clocks, IO, logs, floats, randomness.
const NEVER_IN_PAYMENT: &[&str] = &[
    "std::fs",
    "std::io",
    "std::net",
    "std::env",
    "std::thread",
    "tokio",
    "tracing",
    "println!",
    "Instant",
    "SystemTime",
    "f32",
    "f64",
    "rusqlite",
    "reqwest",
    "new_v4",
    "rand",
];

/// Longest file, in lines before its tests.
const FILE_LINES_MAX: usize = 480;
/// Longest line, in characters.
const LINE_LEN_MAX: usize = 100;

#[test]
fn rooms_import_only_whom_they_may() {
    let mut wrong = Vec::new();
    for (path, code) in sources() {
        let Some(room) = room(&path) else { continue };
        let allowed = MAY_IMPORT.iter().find(|(name, _)| *name == room);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{room} has no row in this table"));
        for import in imports(&code) {
            if import != room && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{} imports {import}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_core_knows_no_clock_no_io_and_no_floats() {
    let mut wrong = Vec::new();
    for (path, code) in sources() {
        let core = matches!(room(&path).as_deref(), Some("payment" | "money" | "id"));
        if !core {
            continue;
        }
        for (number, line) in code.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in NEVER_IN_PAYMENT.iter().filter(|word| code.contains(**word)) {
                wrong.push(format!("{}:{}: {word}", path.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_say_what_they_are_for_and_stay_readable() {
    let mut wrong = Vec::new();
    for (path, code) in sources() {
        let path = path.display();
        if !code.starts_with("//! ") {
            wrong.push(format!("{path} does not begin with //!"));
        }
        let lines = code.lines().count();
        if lines > FILE_LINES_MAX {
            wrong.push(format!("{path} has {lines} lines before its tests"));
        }
        for (number, line) in code.lines().enumerate() {
            if line.chars().count() > LINE_LEN_MAX {
                wrong.push(format!("{path}:{} is too long", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_map_names_every_room() {
    let map = read(Path::new("src/lib.rs"));
    let rooms: BTreeSet<String> = sources().iter().filter_map(|(path, _)| room(path)).collect();
    for room in rooms {
        assert!(map.contains(&format!("pub mod {room};")), "src/lib.rs does not declare {room}");
        assert!(map.contains(&format!("[`{room}`]")), "the map in src/lib.rs leaves out {room}");
    }
}

#[test]
fn unsafe_code_is_where_the_kernel_needs_it() {
    const KERNEL: [&str; 2] = ["display/framebuffer/kernel.rs", "console/priority.rs"];
    for (path, code) in sources() {
        let needed = KERNEL.iter().any(|end| path.ends_with(end));
        assert!(needed || !code.contains("unsafe {"), "unsafe code in {}", path.display());
    }
}

#[test]
fn cross_builds_alike_from_either_of_its_files() {
    let table = |path: &str| read(Path::new(path)).parse::<toml::Table>().expect("TOML");
    let cargo = table("Cargo.toml");
    let in_cargo = &cargo["package"]["metadata"]["cross"]["target"];
    assert_eq!(*in_cargo, table("cross.toml")["target"]);
}

/// Every file below `src`, without its tests.
fn sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    collect(Path::new("src"), &mut files);
    assert!(files.len() > 40, "the sources were not found");
    let test_file = |path: &Path| path.components().any(|part| part.as_os_str() == "tests");
    files.retain(|path| !test_file(path));
    files.into_iter().map(|path| (path.clone(), without_tests(&read(&path)))).collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("src is readable").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn without_tests(code: &str) -> String {
    code.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned()
}

/// `payment` for `src/payment/state.rs` and `src/payment.rs`; none for `lib.rs` and `main.rs`.
fn room(path: &Path) -> Option<String> {
    let first = path.strip_prefix("src").ok()?.components().next()?;
    let name = first.as_os_str().to_str()?.trim_end_matches(".rs").to_owned();
    (name != "lib" && name != "main").then_some(name)
}

/// The rooms named after `crate::`, in `use` trees and in paths.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for rest in line.split("crate::").skip(1) {
            match rest.strip_prefix('{') {
                Some(tree) => found.extend(heads(tree)),
                None => found.extend(heads(rest).into_iter().take(1)),
            }
        }
    }
    found
}

fn heads(tree: &str) -> Vec<String> {
    let head = |part: &str| {
        let name = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_';
        part.trim().chars().take_while(name).collect::<String>()
    };
    tree.split(',').map(head).filter(|name| !name.is_empty()).collect()
}

#[test]
fn imports_are_found_wherever_they_stand() {
    let code =
        "use crate::id::Label;\nuse crate::{money, payment::Step};\nlet x = crate::clock::Now;";
    let found: Vec<String> = imports(code).into_iter().collect();
    assert_eq!(found, ["clock", "id", "money", "payment"]);
}
