//! The event of an order, and of each step of a rotation.

use crate::rotation::schedule::Step;
use kennel_wire::message::{Principal, Timestamp};
use std::net::IpAddr;

/// The event of one order or of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationEvent {
    /// Time of the write.
    pub time: Timestamp,
    /// The principal, canonical; `None` where a refused order was about all of them, or about none that exists.
    pub principal: Option<Principal>,
    /// What was done.
    pub action: RotationAction,
    /// Who asked, and from where; `None`: the KDC by itself.
    pub by: Option<OrderedBy>,
}

/// The user of the cluster that gave an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderedBy {
    /// Name of the user.
    pub user: String,
    /// Source address of the request.
    pub peer: IpAddr,
}

/// What was done to the keys of a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationAction {
    /// Somebody ordered a rotation.
    Ordered,
    /// Somebody revoked every key and ticket; this version replaces the keys, where there were any.
    Revoked(Option<u32>),
    /// Somebody ordered what he may not.
    Refused(&'static str),
    /// This version was made, for its holders to fetch.
    Staged(u32),
    /// The KDC issues with this version from now on.
    Activated(u32),
    /// These versions are accepted no longer.
    Dropped(Vec<u32>),
    /// Stamps of a clock that was wrong were set to now.
    Corrected,
    /// The realm's tickets live longer than before, which its key remembers.
    Extended,
}

impl RotationAction {
    /// Every name.
    pub const NAMES: [&str; 8] =
        ["ordered", "revoked", "refused", "staged", "activated", "dropped", "corrected", "extended"];

    /// The action of a step. `staged`: the number of the version that [`Step::Stage`] makes.
    #[must_use]
    pub fn of_step(step: &Step, staged: u32) -> RotationAction {
        match step {
            Step::Stage => RotationAction::Staged(staged),
            Step::Activate(kvno) => RotationAction::Activated(*kvno),
            Step::Drop(kvnos) => RotationAction::Dropped(kvnos.clone()),
            Step::Correct => RotationAction::Corrected,
            Step::Extend => RotationAction::Extended,
        }
    }

    /// A stable name for audit lines and metrics labels.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            RotationAction::Ordered => "ordered",
            RotationAction::Revoked(_) => "revoked",
            RotationAction::Refused(_) => "refused",
            RotationAction::Staged(_) => "staged",
            RotationAction::Activated(_) => "activated",
            RotationAction::Dropped(_) => "dropped",
            RotationAction::Corrected => "corrected",
            RotationAction::Extended => "extended",
        }
    }

    /// The versions that it is about.
    #[must_use]
    pub fn kvnos(&self) -> &[u32] {
        match self {
            RotationAction::Ordered
            | RotationAction::Refused(_)
            | RotationAction::Corrected
            | RotationAction::Extended => &[],
            RotationAction::Revoked(kvno) => kvno.as_slice(),
            RotationAction::Staged(kvno) | RotationAction::Activated(kvno) => std::slice::from_ref(kvno),
            RotationAction::Dropped(kvnos) => kvnos,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_told_by_its_name_and_its_versions() {
        let told = |step: &Step| {
            let action = RotationAction::of_step(step, 7);
            (action.name(), action.kvnos().to_vec())
        };
        assert_eq!(told(&Step::Stage), ("staged", vec![7]));
        assert_eq!(told(&Step::Activate(7)), ("activated", vec![7]));
        assert_eq!(told(&Step::Drop(vec![6, 5])), ("dropped", vec![6, 5]));
    }
}
