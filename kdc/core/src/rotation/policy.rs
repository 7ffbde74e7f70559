//! How often keys change, and how long each state lasts.

/// The policy of one principal. All times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationPolicy {
    /// Time between two keys; `None`: only where somebody asks for a new one.
    pub interval: Option<u32>,
    /// Whether the interval is the principal's own, not that of all. Keys of which some left by hand change after no other.
    pub explicit: bool,
    /// Time for which holders have a scheduled key before the KDC issues with it.
    pub overlap: u32,
    /// Time for which every new key is staged at least, an asked one too. By then every replica that answers sees it: a replica
    /// whose view of the store is older, less the difference of clocks, answers nothing.
    pub propagation: u32,
    /// Longest time for which a staged key waits for its holders; then the rotation counts as stalled.
    pub patience: u32,
    /// What a stalled rotation does.
    pub missing: MissingHolders,
    /// Longest life of a ticket under a key, with the clock skew ([`accept_of`](crate::rotation::accept::accept_of)). A retired key is accepted that long, and one
    /// propagation longer: a replica may not know yet that it is retired.
    pub accept: u32,
}

/// What a rotation does about holders that do not confirm a staged key in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MissingHolders {
    /// Wait for them.
    #[default]
    Wait,
    /// Go on without them.
    Proceed,
}

impl RotationPolicy {
    /// Default time between two keys: 30 days.
    pub const INTERVAL: u32 = 30 * 86_400;
    /// Default overlap: a day.
    pub const OVERLAP: u32 = 86_400;
    /// Default propagation.
    pub const PROPAGATION: u32 = 10;
    /// Default patience: ten minutes.
    pub const PATIENCE: u32 = 600;
}

impl Default for RotationPolicy {
    fn default() -> RotationPolicy {
        RotationPolicy {
            interval: Some(RotationPolicy::INTERVAL),
            explicit: false,
            overlap: RotationPolicy::OVERLAP,
            propagation: RotationPolicy::PROPAGATION,
            patience: RotationPolicy::PATIENCE,
            missing: MissingHolders::Wait,
            accept: 0,
        }
    }
}
