//! Whom this runs as, and who restarts the machine when nothing moves any more.

use super::Subject;
use super::device::line;
use super::finding::Finding;
use crate::display::OutputConfig;
use crate::local;
use crate::pos::LinkSettings;
use rustix::process::{getegid, geteuid, getgroups};
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

const NAME: &str = "permissions";

/// The user and the groups, and whether the devices' groups are among them.
pub(super) fn permissions(subject: &Subject) -> Vec<Finding> {
    let user = geteuid();
    let mut groups: BTreeSet<u32> =
        getgroups().unwrap_or_default().into_iter().map(|group| group.as_raw()).collect();
    groups.insert(getegid().as_raw());
    let named: Vec<String> = groups.iter().map(|group| local::group_name(*group)).collect();
    let name = local::user_name(user.as_raw());
    let found = format!("running as {name}, in {}", named.join(", "));
    vec![match owner(subject) {
        Some(owner) if owner != user.as_raw() => {
            let owner = local::user_name(owner);
            let remedy =
                format!("sudo -u {owner} klarna-terminald doctor ... says what the service may");
            Finding::warn(NAME, format!("{found}; the terminal's files are of {owner}"), remedy)
        }
        Some(_) | None => match missing(subject, &groups) {
            missing if user.is_root() || missing.is_empty() => Finding::ok(NAME, found),
            missing => {
                let list = missing.into_iter().collect::<Vec<_>>().join(",");
                let remedy = format!("usermod -aG {list} {name}, then start the service again");
                Finding::warn(NAME, format!("{found}; devices belong to {list}"), remedy)
            }
        },
    }]
}

/// Whose the database is, or will be.
fn owner(subject: &Subject) -> Option<u32> {
    let store = subject.accepted().map(|config| config.store_path.clone());
    let found = store.into_iter().chain(subject.directory());
    found.filter_map(|path| path.metadata().ok()).map(|found| found.uid()).next()
}

/// Groups of the configured devices that this process is not in.
fn missing(subject: &Subject, groups: &BTreeSet<u32>) -> BTreeSet<String> {
    let Some(config) = subject.accepted() else { return BTreeSet::new() };
    let mut devices: Vec<PathBuf> = Vec::new();
    if let LinkSettings::Serial { path, .. } = &config.till.link {
        devices.push(path.into());
    }
    match &config.display.output {
        OutputConfig::Framebuffer { path, .. } | OutputConfig::Drm { path, .. } => {
            devices.push(path.clone());
        }
        OutputConfig::Png { .. } | OutputConfig::Ansi | OutputConfig::None => {}
    }
    devices.extend(config.display.operator_input.iter().map(|input| input.path.clone()));
    let found = devices.iter().filter_map(|path| path.metadata().ok());
    // A device that is the user's own needs no group.
    let foreign = found.filter(|found| found.uid() != geteuid().as_raw());
    let ids: BTreeSet<u32> = foreign.map(|found| found.gid()).collect();
    ids.difference(groups).map(|group| local::group_name(*group)).collect()
}

/// The hardware watchdog: the kernel tells without opening it, which would start it.
pub(super) fn watchdog() -> Vec<Finding> {
    vec![fed(Path::new("/sys/class/watchdog/watchdog0"))]
}

fn fed(about: &Path) -> Finding {
    const NAME: &str = "watchdog";
    let read = |name: &str| line(&about.join(name)).unwrap_or_else(|| "unknown".to_owned());
    if !about.exists() {
        let remedy =
            "a machine that hangs stays so until somebody comes; load its driver if it has one";
        return Finding::skip(NAME, "this machine has none", remedy);
    }
    let (identity, state, timeout) = (read("identity"), read("state"), read("timeout"));
    let found = format!("{identity}, {state}, {timeout} s");
    match state.as_str() {
        "active" => Finding::ok(NAME, found),
        _ => {
            let remedy = "set RuntimeWatchdogSec=20 in /etc/systemd/system.conf: nobody feeds it";
            Finding::warn(NAME, found, remedy)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watchdog_that_nobody_feeds_is_warned_of() {
        let about = tempfile::TempDir::new().expect("a directory");
        let write = |name: &str, text: &str| {
            std::fs::write(about.path().join(name), text).expect("a file");
        };
        write("identity", "Board Watchdog\n");
        write("timeout", "16\n");
        write("state", "inactive\n");
        let said = fed(about.path()).text(false);
        assert!(
            said.starts_with("warn") && said.contains("Board Watchdog, inactive, 16 s"),
            "{said}"
        );
        write("state", "active\n");
        assert!(fed(about.path()).text(false).starts_with("ok"));
        assert!(fed(&about.path().join("none")).text(false).starts_with("skip"));
    }
}
