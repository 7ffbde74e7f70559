//! The rules of every decision: the realm, the access policy, the pods that live.

use crate::access::{AccessDecision, AccessPolicy, AccessRequest};
use crate::pods::Pods;
use crate::realm::Realm;
use crate::refusal::Refusal;
use std::sync::Arc;

/// The rules of one KDC. A request keeps the version that it began under.
pub(crate) struct Rules {
    pub(crate) realm: Arc<Realm>,
    pub(crate) access: Arc<dyn AccessPolicy>,
    pub(crate) pods: Arc<dyn Pods>,
}

impl Rules {
    /// Asks for the access decision; returns `true` where the ticket is issued although `Enforce` would deny it.
    pub(crate) fn decide_access(&self, request: &AccessRequest<'_>) -> Result<bool, Refusal> {
        match self.access.decide(request) {
            AccessDecision::Allow { .. } => Ok(false),
            AccessDecision::Observe(_) => Ok(true),
            AccessDecision::Deny(_) => Err(Refusal::AccessDenied),
        }
    }
}
