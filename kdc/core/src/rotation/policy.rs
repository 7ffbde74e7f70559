//! How often keys change, and how long each state lasts.

/// The policy of one principal. All times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationPolicy {
    /// Time between two keys; `None`: only where somebody asks for a new one.
    pub interval: Option<u32>,
    /// Time for which holders have a scheduled key before the KDC issues with it.
    pub overlap: u32,
    /// Time for which every new key is staged at least, an asked one too: by then every replica sees it.
    pub propagation: u32,
    /// Longest time for which a staged key waits for its holders; then the rotation counts as stalled.
    pub patience: u32,
    /// What a stalled rotation does.
    pub missing: MissingHolders,
    /// Longest life of a ticket under a key, with the clock skew: a retired key is accepted that long.
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
}
