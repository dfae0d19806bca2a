//! What a command that is being carried out waits for.

use super::Running;
use crate::clock::Mono;
use crate::id::PosReference;

impl Running {
    /// The till has been acknowledged and waits for us.
    pub(super) fn waits(&self) -> bool {
        match self {
            Self::Paying { .. }
            | Self::Acknowledging { .. }
            | Self::GivingBack { .. }
            | Self::Last { .. }
            | Self::Settling { .. }
            | Self::Adding { .. }
            | Self::Reserved { .. } => true,
            Self::Telling | Self::Opening { .. } | Self::Approved { .. } => false,
        }
    }

    /// When it goes on by itself.
    pub(super) fn due(&self) -> Option<Mono> {
        match self {
            Self::Telling | Self::Approved { .. } => None,
            Self::Opening { until, again_at, .. } => {
                Some(again_at.map_or(*until, |at| at.min(*until)))
            }
            Self::Paying { abort_at, .. } => *abort_at,
            Self::Acknowledging { again_at, .. } | Self::GivingBack { again_at, .. } => {
                Some(*again_at)
            }
            Self::Settling { queued, until, .. } => {
                Some(queued.as_ref().map_or(*until, |(at, _)| *at))
            }
            Self::Last { until, .. }
            | Self::Adding { until, .. }
            | Self::Reserved { until, .. } => Some(*until),
        }
    }

    /// The sale that it is about.
    pub(super) fn sale(&self) -> Option<&PosReference> {
        match self {
            Self::Opening { sale, .. } => Some(&sale.reference),
            Self::Paying { reference, .. } | Self::GivingBack { reference, .. } => Some(reference),
            Self::Approved { result } | Self::Acknowledging { result, .. } => {
                Some(&result.reference)
            }
            Self::Telling
            | Self::Last { .. }
            | Self::Settling { .. }
            | Self::Adding { .. }
            | Self::Reserved { .. } => None,
        }
    }
}
