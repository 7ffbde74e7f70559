//! The rules of every decision: the realm, the access policy, the pods that live, the principals that are locked out.

use crate::access::denial::AccessDenial;
use crate::access::{AccessDecision, AccessPolicy, AccessRequest};
use crate::lockout::guard::LoginGuard;
use crate::pods::Pods;
use crate::realm::Realm;
use kennel_wire::message::KerberosTime;
use std::sync::Arc;

/// The rules of one KDC. A request keeps the version that it began under.
pub(crate) struct Rules {
    pub(crate) realm: Arc<Realm>,
    pub(crate) access: Arc<dyn AccessPolicy>,
    pub(crate) pods: Arc<dyn Pods>,
    pub(crate) logins: Arc<dyn LoginGuard>,
}

/// The permission for one ticket.
#[derive(Debug)]
pub(crate) struct AccessGranted {
    /// The KerberosAccess that allows it, `NAMESPACE/NAME`.
    pub(crate) allowed_by: Option<Arc<str>>,
    /// Why `Enforce` would deny it.
    pub(crate) would_deny: Option<AccessDenial>,
    /// The ticket ends, and can be renewed, no later.
    pub(crate) until: Option<KerberosTime>,
}

impl Rules {
    /// Asks for the access decision.
    pub(crate) fn decide_access(&self, request: &AccessRequest<'_>) -> Result<AccessGranted, AccessDenial> {
        match self.access.decide(request) {
            AccessDecision::Allow { by, until } => Ok(AccessGranted { allowed_by: by, would_deny: None, until }),
            AccessDecision::Observe(denial) => {
                Ok(AccessGranted { allowed_by: None, would_deny: Some(denial), until: None })
            }
            AccessDecision::Deny(denial) => Err(denial),
        }
    }
}
