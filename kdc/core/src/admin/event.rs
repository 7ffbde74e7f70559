//! The event of an operation: exactly one for each that somebody asks for, whatever its end.

use crate::admin::caller::Caller;
use kennel_wire::message::Timestamp;

/// The event of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminEvent {
    /// Time of the decision.
    pub time: Timestamp,
    /// Who asked.
    pub caller: Caller,
    /// Name of the operation.
    pub operation: &'static str,
    /// The principal or policy that it was about, as it was named.
    pub target: Option<String>,
    /// The other name, of an alias or after renaming.
    pub new_name: Option<String>,
    /// Versions of keys that left.
    pub kvnos: Vec<u32>,
    /// Whether the caller insisted on a change of what objects of the cluster say.
    pub forced: bool,
    /// Name of the refusal; `None`: it was done.
    pub refusal: Option<&'static str>,
}

impl AdminEvent {
    /// Name of an operation that was done.
    pub const DONE: &'static str = "done";
    /// Name of one that was refused.
    pub const REFUSED: &'static str = "refused";

    /// A stable name for audit lines and metrics labels.
    #[must_use]
    pub const fn outcome(&self) -> &'static str {
        match self.refusal {
            None => AdminEvent::DONE,
            Some(_) => AdminEvent::REFUSED,
        }
    }
}

/// Where events of administration go.
pub trait AdminTrail: Send + Sync {
    /// Whether events are written at the moment. Where not, no operation is performed.
    fn accepts(&self) -> bool;

    /// Takes an event.
    fn record(&self, event: AdminEvent);
}

/// Drops events: for tests, and for programs that have no trail.
pub struct NoTrail;

impl AdminTrail for NoTrail {
    fn accepts(&self) -> bool {
        true
    }

    fn record(&self, _: AdminEvent) {}
}
