//! What a start reads from the journal, and what it makes of a journal that cannot be believed.

use crate::clock::{Boot, Now, Wall};
use crate::id::CallId;
use crate::payment::{Engine, Payment, Policy};
use crate::store::{self, Reader, Store, StoreError};
use anyhow::Context as _;
use std::collections::BTreeSet;
use std::path::Path;

/// What a terminal begins with.
pub(super) struct Memory {
    pub(super) store: Store,
    pub(super) reader: Reader,
    pub(super) engine: Engine,
    /// Keys first attempted before it are not relied on.
    pub(super) distrusted_until: Option<Wall>,
}

/// Opens the journal at `path`, or restores it, and replays what is open. A restored one is
/// complained about at every start until staff has seen to it.
pub(super) fn remember(path: &Path, policy: &Policy, now: Now) -> anyhow::Result<Memory> {
    let check = |reader: &Reader| replayed(reader, policy, now).map(drop);
    let mut store =
        store::open_or_restore(path, now.wall, &check).context("the journal cannot be used")?;
    let reader = store.reader()?;
    let distrusted_until = distrusted_until(&mut store, &reader, now)?;
    if let Some(restored) = reader.restored()? {
        tracing::error!(why = restored.why, "{restored}");
    }
    let engine = replayed(&reader, policy, now)?;
    Ok(Memory { store, reader, engine, distrusted_until })
}

/// Up to which wall time noted in the journal no age can be told: all of it, when the machine was
/// off in between (its clock may have stood still) or its clock was set.
fn distrusted_until(store: &mut Store, reader: &Reader, now: Now) -> anyhow::Result<Option<Wall>> {
    let queued = reader.queued()?;
    // A clock that was set back would make old attempts look like new ones later on.
    let newest = queued
        .iter()
        .map(|row| row.first_attempt)
        .max()
        .map_or(now.wall, |newest| newest.max(now.wall));
    // Nothing is noted for a moment: whoever starts after a cut here trusts nothing.
    let earlier = store.note_boot(None).context("the journal cannot be written")?;
    let Some(this) = Boot::of_this_machine(now) else { return Ok(Some(newest)) };
    let this = this.following(earlier.as_ref(), newest);
    store.note_boot(Some(&this)).context("the journal cannot be written")?;
    Ok(this.distrusted_until())
}

/// The engine that the journal makes. The outbox is what replay says it must be; anything else is
/// a defect, and a terminal that does not know what it owes must not take payments.
fn replayed(reader: &Reader, policy: &Policy, now: Now) -> Result<Engine, StoreError> {
    let last = reader.last_payment()?;
    let mut engine = Engine::new(reader.installation()?, policy.clone(), last);
    engine
        .replay(now, &reader.open_records()?)
        .map_err(|error| StoreError::Contradiction(error.to_string()))?;
    let open = |payment: &Payment| payment.open_calls().map(|(id, _)| id).collect::<Vec<_>>();
    let replayed: BTreeSet<CallId> = engine.payments().flat_map(open).collect();
    let queued: BTreeSet<CallId> = reader.queued()?.iter().map(|row| row.call.id).collect();
    match replayed.symmetric_difference(&queued).count() {
        0 => Ok(engine),
        calls => Err(StoreError::Contradiction(format!("about {calls} call(s) of the outbox"))),
    }
}
