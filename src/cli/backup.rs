//! Checks the journal and copies it, beside a running daemon: what a timer asks for each night.
//!
//! The daemon makes copies of its own after each shift; this one looks through every page as well,
//! and can put a copy elsewhere.

use crate::clock::SystemClock;
use crate::payment::Engine;
use crate::store::{self, Reader, StoreError};
use anyhow::Context as _;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Copies the journal at `path`, checks the copy, and puts it into the folder `to` as well.
pub(super) fn backup(path: &Path, to: Option<&Path>) -> anyhow::Result<()> {
    let at = SystemClock::start().now().wall;
    let copy = match store::take_snapshot(path, at) {
        Err(StoreError::InUse(_)) => anyhow::bail!("a copy is being made just now; try again"),
        copied => copied.context("the journal cannot be copied; the older copies stay")?,
    };
    store::examine(&copy).context("the journal is damaged; see docs/recovery.md")?;
    let reader = Reader::open(&copy)?;
    let records = reader.open_records()?;
    let engine = Engine::for_reading(reader.installation()?, &records)
        .context("the journal contradicts itself; keep it and ask for support")?;
    let backlog = reader.backlog()?;
    println!("copied and checked     {}", copy.display());
    println!("open payments          {}", engine.payments().count());
    println!("calls wait for Klarna  {}", backlog.queued);
    if let Some(folder) = to {
        println!("and copied to          {}", copied_to(&copy, folder)?.display());
    }
    Ok(())
}

/// Under its own name, whole or not at all.
fn copied_to(copy: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let name = copy.file_name().context("a copy has a name")?;
    let (finished, unfinished) = (folder.join(name), folder.join(".unfinished"));
    let failed = || format!("{} cannot be written", finished.display());
    std::fs::copy(copy, &unfinished)
        .and_then(|_| File::open(&unfinished)?.sync_all())
        .and_then(|()| std::fs::rename(&unfinished, &finished))
        .and_then(|()| File::open(folder)?.sync_all())
        .inspect_err(|_| drop(std::fs::remove_file(&unfinished)))
        .with_context(failed)?;
    Ok(finished)
}
