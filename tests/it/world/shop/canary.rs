//! Bugs put in on purpose. A world that does not notice them proves nothing.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canary {
    /// The decision never to confirm is told, but not durable when the power fails.
    ForgetsNeverConfirm,
    /// Each attempt has a key of its own.
    NewKeyEachAttempt,
    /// What should be looked up first is taken to be absent.
    ReadsNothing,
    /// What goes out as a refund is twice what was decided.
    RefundsDouble,
    /// Calls go out before their row is durable.
    SendsBeforeCommit,
    /// The till is told even if nothing could be committed.
    TellsBeforeCommit,
    /// An answer that was lost is taken for a refusal.
    UnknownIsRefused,
    /// The code stays on the screen after the sale was given up.
    KeepsTheCode,
    /// After a restart all keys are trusted, whatever the clock has done.
    TrustsTheClock,
    /// A refused call is sent again under a new key without a look whether it took effect.
    RetriesWithoutLooking,
    /// What others have done to a transaction since it was first looked at is not seen.
    AdoptsStale,
    /// Other sums at Klarna count as the same.
    CheckFixes,
    /// What a push says of a payment request is taken for what Klarna says.
    BelievesPushes,
    /// ZVT: an acknowledgement from before the result counts for it.
    StrayConfirms,
    /// ZVT: a sale whose result the till has not acknowledged is kept.
    KeepsUnacknowledged,
    /// ZVT: the last result is approved even after the sale was given back.
    RepeatsApproved,
    /// ZVT: a payment whose frame comes twice is made twice.
    SellsTwice,
    /// ZVT: what is to be given back is told as done, and is not.
    ForgetsReturns,
}

impl Canary {
    pub const ALL: [(&str, Self); 18] = [
        ("forgets-never-confirm", Self::ForgetsNeverConfirm),
        ("new-key-each-attempt", Self::NewKeyEachAttempt),
        ("reads-nothing", Self::ReadsNothing),
        ("refunds-double", Self::RefundsDouble),
        ("sends-before-commit", Self::SendsBeforeCommit),
        ("tells-before-commit", Self::TellsBeforeCommit),
        ("unknown-is-refused", Self::UnknownIsRefused),
        ("keeps-the-code", Self::KeepsTheCode),
        ("trusts-the-clock", Self::TrustsTheClock),
        ("retries-without-looking", Self::RetriesWithoutLooking),
        ("adopts-stale", Self::AdoptsStale),
        ("check-fixes", Self::CheckFixes),
        ("believes-pushes", Self::BelievesPushes),
        ("stray-confirms", Self::StrayConfirms),
        ("keeps-unacknowledged", Self::KeepsUnacknowledged),
        ("repeats-approved", Self::RepeatsApproved),
        ("sells-twice", Self::SellsTwice),
        ("forgets-returns", Self::ForgetsReturns),
    ];

    /// It shows only with a till that speaks ZVT.
    pub fn is_at_the_counter(self) -> bool {
        match self {
            Self::StrayConfirms
            | Self::KeepsUnacknowledged
            | Self::RepeatsApproved
            | Self::SellsTwice
            | Self::ForgetsReturns => true,
            Self::ForgetsNeverConfirm
            | Self::NewKeyEachAttempt
            | Self::ReadsNothing
            | Self::RefundsDouble
            | Self::SendsBeforeCommit
            | Self::TellsBeforeCommit
            | Self::UnknownIsRefused
            | Self::KeepsTheCode
            | Self::TrustsTheClock
            | Self::RetriesWithoutLooking
            | Self::AdoptsStale
            | Self::CheckFixes
            | Self::BelievesPushes => false,
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, canary)| *canary)
    }
}
