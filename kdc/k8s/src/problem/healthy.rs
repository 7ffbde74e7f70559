//! The reasons of conditions that ask nothing of anybody.

use crate::problem::condition::ConditionType;
use std::fmt;

/// The reasons of conditions that ask nothing of anybody. `Display` is the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthyReason {
    /// A KerberosPrincipal has all its principals.
    Ready,
    /// Principals of a KerberosPrincipal are being made; `Ready` is false until then.
    Progressing {
        /// Names that the store does not have yet.
        waiting: usize,
    },
    /// A KerberosRealm is the one that the KDC follows.
    Serving,
    /// The service account exists.
    AccountExists,
    /// Every name can be had.
    NamesAccepted {
        /// Service principals of the object.
        principals: usize,
        /// Short names of its hosts that the object does not get, since they can be read in another way.
        withheld: usize,
    },
    /// The cluster has every admission policy of `deploy/guards`.
    Guarded,
    /// It has those that validate, and serves none that mutate.
    GuardedWithoutMutation,
    /// A KerberosAccess can have an effect.
    Accepted,
    /// Everything that a KerberosAccess refers to is there.
    ResolvedRefs,
    /// The KDC issues tickets by a KerberosAccess.
    TicketsProgrammed,
    /// The NetworkPolicies of a KerberosAccess are in the cluster.
    NetworkProgrammed {
        /// Their number.
        policies: usize,
    },
    /// A server is in mode Observe: packets of everybody pass.
    NetworkObserving,
    /// The realm manages no NetworkPolicies.
    NetworkDisabled,
    /// NetworkPolicies are being written; the condition is false until then.
    PoliciesPending {
        /// Those that are missing.
        missing: usize,
    },
    /// A KerberosAccess allows nobody, as it says.
    NobodyAllowed,
    /// A KerberosAccess is in force.
    InForce {
        /// Peers that it allows.
        clients: usize,
        /// KerberosPrincipals that it is about.
        targets: usize,
    },
    /// The pods of a KerberosPrincipal, or of a realm, are reached as the NetworkPolicies say.
    NetworkHolds,
    /// The object waits for nothing.
    Settled,
    /// Nobody has to do anything.
    NotStalled,
    /// No other KerberosRealm selects a namespace of this one.
    NotContested,
}

impl HealthyReason {
    /// The reason of [`HealthyReason::Progressing`]: it passes by itself, so no Event tells of it.
    pub const PROGRESSING: &'static str = "Progressing";
    /// The reason of [`HealthyReason::PoliciesPending`], which passes by itself too.
    pub const POLICIES_PENDING: &'static str = "PoliciesPending";

    /// The stable reason of the condition.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            HealthyReason::Ready => "Ready",
            HealthyReason::Progressing { .. } => HealthyReason::PROGRESSING,
            HealthyReason::Serving => "Serving",
            HealthyReason::AccountExists => "AccountExists",
            HealthyReason::NamesAccepted { .. } => "NamesAccepted",
            HealthyReason::Guarded => "Guarded",
            HealthyReason::GuardedWithoutMutation => "GuardedWithoutMutation",
            HealthyReason::Accepted => "Accepted",
            HealthyReason::ResolvedRefs => "ResolvedRefs",
            HealthyReason::TicketsProgrammed
            | HealthyReason::NetworkProgrammed { .. }
            | HealthyReason::NetworkHolds => "Programmed",
            HealthyReason::NetworkObserving => "Observing",
            HealthyReason::NetworkDisabled => "Disabled",
            HealthyReason::PoliciesPending { .. } => HealthyReason::POLICIES_PENDING,
            HealthyReason::NobodyAllowed => "NobodyAllowed",
            HealthyReason::InForce { .. } => "Ready",
            HealthyReason::Settled => "Settled",
            HealthyReason::NotStalled => "NotStalled",
            HealthyReason::NotContested => "NotContested",
        }
    }

    /// The condition that has this reason.
    #[must_use]
    pub const fn condition(self) -> ConditionType {
        match self {
            HealthyReason::Ready
            | HealthyReason::Progressing { .. }
            | HealthyReason::Serving
            | HealthyReason::NobodyAllowed
            | HealthyReason::InForce { .. } => ConditionType::Ready,
            HealthyReason::Accepted => ConditionType::Accepted,
            HealthyReason::ResolvedRefs => ConditionType::ResolvedRefs,
            HealthyReason::TicketsProgrammed => ConditionType::TicketsProgrammed,
            HealthyReason::NetworkProgrammed { .. }
            | HealthyReason::NetworkObserving
            | HealthyReason::NetworkDisabled
            | HealthyReason::NetworkHolds
            | HealthyReason::PoliciesPending { .. } => ConditionType::NetworkProgrammed,
            HealthyReason::AccountExists => ConditionType::AccountFound,
            HealthyReason::NamesAccepted { .. } => ConditionType::NamesAccepted,
            HealthyReason::Guarded | HealthyReason::GuardedWithoutMutation => ConditionType::Guarded,
            HealthyReason::Settled => ConditionType::Reconciling,
            HealthyReason::NotStalled => ConditionType::Stalled,
            HealthyReason::NotContested => ConditionType::NamespacesContested,
        }
    }
}

impl fmt::Display for HealthyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HealthyReason::Ready => f.write_str("every principal is there"),
            HealthyReason::Progressing { waiting } => write!(f, "{waiting} principals are being made"),
            HealthyReason::Serving => f.write_str("the KDC serves this realm"),
            HealthyReason::AccountExists => f.write_str("the service account exists"),
            HealthyReason::NamesAccepted { principals, withheld: 0 } => write!(f, "{principals} service principals"),
            HealthyReason::NamesAccepted { principals, withheld } => write!(
                f,
                "{principals} service principals; {withheld} short names can be read in another way (as a name of the realm's \
                 aliasPolicy, another realm or the cluster's domain) and are not given: use the full names"
            ),
            HealthyReason::Guarded => f.write_str("the cluster has every admission policy of deploy/guards"),
            HealthyReason::GuardedWithoutMutation => f.write_str(
                "the cluster has every admission policy that validates; it serves no MutatingAdmissionPolicy (Kubernetes 1.36), so write the \
                 label kennel.dev/service-account into the templates of pods (deploy/guards/README.md)",
            ),
            HealthyReason::Accepted => f.write_str("the object has its effect"),
            HealthyReason::ResolvedRefs => f.write_str("everything that it refers to is there"),
            HealthyReason::TicketsProgrammed => f.write_str("the KDC issues tickets by it"),
            HealthyReason::NetworkProgrammed { policies } => write!(f, "its {policies} NetworkPolicies are in the cluster"),
            HealthyReason::NetworkObserving => {
                f.write_str("a target is in mode Observe: packets of every enrolled pod pass, and calls that Enforce would refuse are counted")
            }
            HealthyReason::NetworkDisabled => {
                f.write_str("the realm manages no NetworkPolicies (spec.network.policies: None): only tickets are decided")
            }
            HealthyReason::PoliciesPending { missing } => write!(f, "{missing} of its NetworkPolicies are being written"),
            HealthyReason::NobodyAllowed => f.write_str("the object allows nobody (spec.allow is empty)"),
            HealthyReason::InForce { clients, targets } => {
                write!(f, "clients of {clients} peers may call {targets} KerberosPrincipals")
            }
            HealthyReason::NetworkHolds => f.write_str("only what Kennel's NetworkPolicies allow reaches the pods"),
            HealthyReason::Settled | HealthyReason::NotStalled | HealthyReason::NotContested => Ok(()),
        }
    }
}
