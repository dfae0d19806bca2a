//! One file for whoever helps from elsewhere: the diagnosis, the figures, the newest happenings and
//! the machine's own words, without secrets. It is never sent by itself.

use super::Subject;
use super::finding::Finding;
use super::mask::Mask;
use crate::cli::health::stand;
use crate::clock::SystemClock;
use crate::console::api::Journal;
use crate::store::Reader;
use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::fs::statvfs;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// All of it before it is compressed, in bytes: small enough for any mail.
const LEN_MAX: usize = 4 * 1024 * 1024;
/// One file of it, in bytes; a longer one is cut.
const FILE_LEN_MAX: usize = 768 * 1024;
/// Happenings of the journal: about twenty sales.
const EVENTS: u32 = 200;
/// The directory that it unpacks into.
const DIRECTORY: &str = "klarna-terminald-support";
/// What is never in it.
const LEFT_OUT: &str = "not in it: the API key, passwords, tokens, codes and links of payments, \
                        what was bought, users and PINs, the log, the database itself";

/// Files by their names, and what could not be had.
struct Parcel {
    mask: Mask,
    files: Vec<(&'static str, String)>,
    missing: Vec<String>,
}

/// Writes the bundle to `path`, which must not exist; lines that say what is in it.
pub(super) fn write(
    path: &Path,
    subject: &Subject,
    findings: &[Finding],
) -> anyhow::Result<Vec<String>> {
    // Made first: nothing is collected for a file that cannot be written.
    let file = File::options().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.with_context(|| {
        format!("cannot make {}; it must be a new file in a directory of yours", path.display())
    })?;
    let parcel = Parcel::of(subject, findings);
    let written = parcel.packed().and_then(|bytes| {
        file.write_all(&bytes)?;
        file.sync_all()?;
        Ok(bytes.len())
    });
    let length = written.inspect_err(|_| drop(std::fs::remove_file(path)))?;
    Ok(parcel.told(path, length))
}

impl Parcel {
    fn of(subject: &Subject, findings: &[Finding]) -> Self {
        let file = std::fs::read_to_string(&subject.file).unwrap_or_default();
        let mask = Mask::of(subject.accepted(), &file);
        let mut parcel = Self { mask, files: Vec::new(), missing: Vec::new() };
        let text: String = findings.iter().map(|finding| finding.text(false)).collect();
        parcel.add("doctor.txt", &text);
        parcel.add_json("doctor.json", Ok(json!({ "checks": findings })));
        parcel.add("version.txt", &version());
        parcel.configuration(subject);
        parcel.terminal(subject);
        parcel.machine(subject);
        parcel
    }

    fn configuration(&mut self, subject: &Subject) {
        match &subject.config {
            Ok(config) => self.add("configuration.txt", &config.summary()),
            Err(error) => self.add("configuration.txt", &format!("refused: {error}\n")),
        }
    }

    /// What the journal says, and the metrics.
    fn terminal(&mut self, subject: &Subject) {
        let Some(config) = subject.accepted() else {
            return self.missing.push("journal, outbox, health: no configuration".to_owned());
        };
        let store = &config.store_path;
        match stand(store, &config.alarms) {
            Ok(stand) => self.add("health.txt", &(stand.lines.join("\n") + "\n")),
            Err(error) => self.missing.push(format!("health.txt: {error:#}")),
        }
        self.add_json("journal.json", events(store));
        self.add_json("outbox.json", outbox(store));
        match Reader::open(store).and_then(|reader| reader.schema()) {
            Ok((found, known)) => {
                self.add(
                    "schema.txt",
                    &format!("in the file: {found}\nof this program: {known}\n"),
                );
            }
            Err(error) => self.missing.push(format!("schema.txt: {error}")),
        }
        if let Some(metrics) = &config.metrics_file {
            self.copy("metrics.prom", metrics);
        }
    }

    fn machine(&mut self, subject: &Subject) {
        self.copy("kernel.txt", Path::new("/proc/version"));
        self.copy("os-release.txt", Path::new("/etc/os-release"));
        self.copy("uptime.txt", Path::new("/proc/uptime"));
        self.copy("mounts.txt", Path::new("/proc/mounts"));
        self.add("disks.txt", &disks(subject));
    }

    fn copy(&mut self, name: &'static str, path: &Path) {
        let mut text = String::new();
        let limit = u64::try_from(FILE_LEN_MAX).unwrap_or(u64::MAX);
        match File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text)) {
            Ok(_) => self.add(name, &text),
            Err(error) => self.missing.push(format!("{name}: {}: {error}", path.display())),
        }
    }

    fn add_json(&mut self, name: &'static str, value: anyhow::Result<Value>) {
        let masked = value.map(|value| self.mask.json(value));
        match masked.and_then(|value| Ok(serde_json::to_string_pretty(&value)?)) {
            Ok(text) => self.add(name, &text),
            Err(error) => self.missing.push(format!("{name}: {error:#}")),
        }
    }

    /// Everything goes through here, and so through the mask and the bounds.
    fn add(&mut self, name: &'static str, text: &str) {
        let mut text = self.mask.text(text);
        if text.len() > FILE_LEN_MAX {
            text.truncate(
                (0..=FILE_LEN_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0),
            );
            self.missing.push(format!("{name}: the end of it, it is too long"));
        }
        let length: usize = self.files.iter().map(|(_, text)| text.len()).sum();
        match length + text.len() <= LEN_MAX {
            true => self.files.push((name, text)),
            false => self.missing.push(format!("{name}: there is no room for it")),
        }
    }

    fn packed(&self) -> anyhow::Result<Vec<u8>> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
        let now = SystemClock::start().now().wall.millis() / 1000;
        for (name, text) in &self.files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o600);
            header.set_mtime(u64::try_from(now).unwrap_or_default());
            archive.append_data(&mut header, format!("{DIRECTORY}/{name}"), text.as_bytes())?;
        }
        Ok(archive.into_inner()?.finish()?)
    }

    fn told(&self, path: &Path, length: usize) -> Vec<String> {
        let names: Vec<&str> = self.files.iter().map(|(name, _)| *name).collect();
        let mut lines = vec![
            format!("written: {} ({length} bytes, for you alone)", path.display()),
            format!("in it: {}", names.join(", ")),
            LEFT_OUT.to_owned(),
        ];
        lines.extend(self.missing.iter().map(|missing| format!("missing: {missing}")));
        lines.push("look through it before you give it away: tar -xzf".to_owned());
        lines
    }
}

fn version() -> String {
    let features = [("simulator", cfg!(feature = "simulator")), ("drm", cfg!(feature = "drm"))];
    let features: Vec<&str> =
        features.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    let (version, machine) = (env!("CARGO_PKG_VERSION"), std::env::consts::ARCH);
    format!("klarna-terminald {version}, {machine}, features: {}\n", features.join(", "))
}

fn events(store: &Path) -> anyhow::Result<Value> {
    let records = Reader::open(store)?.newest_records(EVENTS)?;
    let entries = records.iter().map(|record| {
        let payment = record.payment.map(|id| id.to_string());
        Ok(json!({
            "payment": payment,
            "at": record.at.iso8601(),
            "what": serde_json::to_value(&record.event)?,
        }))
    });
    entries.collect::<anyhow::Result<Vec<Value>>>().map(Value::Array)
}

fn outbox(store: &Path) -> anyhow::Result<Value> {
    Ok(serde_json::to_value(Journal::open(store)?.outbox()?)?)
}

/// Room on the disks that matter.
fn disks(subject: &Subject) -> String {
    let own = subject.directory();
    let places = ["/", "/var", "/tmp", "/run"].map(Into::into).into_iter().chain(own);
    let mut text = String::new();
    for place in places {
        let Ok(disk) = statvfs(&place) else { continue };
        let kib = |blocks: u64| blocks.saturating_mul(disk.f_frsize) / 1024;
        let (size, free) = (kib(disk.f_blocks), kib(disk.f_bavail));
        let (files, free_files) = (disk.f_files, disk.f_favail);
        let _ = writeln!(
            text,
            "{}: {free} of {size} KiB free, {free_files} of {files} files free",
            place.display()
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parcel_has_its_bounds() {
        let mut parcel =
            Parcel { mask: Mask::of(None, ""), files: Vec::new(), missing: Vec::new() };
        let long = "ä".repeat(FILE_LEN_MAX);
        for name in ["1", "2", "3", "4", "5", "6", "7"] {
            parcel.add(name, &long);
        }
        let length: usize = parcel.files.iter().map(|(_, text)| text.len()).sum();
        assert_eq!(length, 5 * FILE_LEN_MAX);
        assert!(length <= LEN_MAX);
        assert_eq!(parcel.missing.len(), 9, "seven are cut, two left out: {:?}", parcel.missing);
    }
}
