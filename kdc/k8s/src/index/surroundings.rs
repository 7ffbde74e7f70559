//! Facts that no object of the cluster tells: where the KDC itself runs, and which further kinds the API server serves. Whoever
//! makes the index hands them in.

use crate::callers::caller::OutsideCaller;
use crate::crd::port::TransportProtocol;
use crate::policy::kind::PolicyKind;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the cluster is like beside its objects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Surroundings {
    /// The pods of the KDC; `None` where the KDC is no pod of this cluster.
    pub kdc: Option<KdcPods>,
    /// Kinds that the API server serves beside those of every cluster.
    pub kinds: BTreeSet<ServedKind>,
    /// Whether the KDC may write policies of the kinds that only some clusters serve.
    pub policies: BTreeMap<PolicyKind, PolicySupport>,
    /// What calls pods without Kerberos, as far as it is known.
    pub callers: Arc<[OutsideCaller]>,
    /// Whether the facts come from files: what files leave out is assumed as most clusters have it.
    pub offline: bool,
}

impl Surroundings {
    /// Whether the KDC may write policies of a kind.
    #[must_use]
    pub fn support(&self, kind: PolicyKind) -> PolicySupport {
        match kind {
            PolicyKind::NetworkPolicy => PolicySupport::Writable,
            optional => self.policies.get(&optional).copied().unwrap_or_default(),
        }
    }

    /// The kinds of policies that the KDC may write.
    #[must_use]
    pub fn writable(&self) -> Vec<PolicyKind> {
        let is_writable = |kind: &PolicyKind| self.support(*kind) == PolicySupport::Writable;
        [PolicyKind::NetworkPolicy].into_iter().chain(PolicyKind::OPTIONAL).filter(is_writable).collect()
    }
}

/// Whether the KDC may write policies of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PolicySupport {
    /// Not known yet.
    #[default]
    Unknown,
    /// The API server does not serve the kind.
    NotServed,
    /// The API server serves the kind, and lets the KDC read none.
    Forbidden,
    /// The API server serves the kind, and lets the KDC read it.
    Writable,
}

impl PolicySupport {
    /// Whether policies of the kind are rendered where the realm asks for them. Until more is known they are, so that no grant counts
    /// before its policies were looked for.
    #[must_use]
    pub const fn may_be_written(self) -> bool {
        matches!(self, PolicySupport::Unknown | PolicySupport::Writable)
    }
}

/// The pods of the KDC, as clients reach them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KdcPods {
    /// Their namespace: `kennel-system`.
    pub namespace: String,
    /// Ports of the pods that clients and agents call: the KDC, kpasswd, kadmin and enrolment, as far as the KDC serves them.
    pub ports: BTreeSet<(u16, TransportProtocol)>,
}

impl KdcPods {
    /// The pods as `deploy/base` makes them with every service of the example configuration, in a namespace. For whoever does not
    /// know the configuration of the KDC.
    #[must_use]
    pub fn of_deployment(namespace: impl Into<String>) -> KdcPods {
        let ports = [
            (10_088, TransportProtocol::Udp),
            (10_088, TransportProtocol::Tcp),
            (10_464, TransportProtocol::Udp),
            (10_464, TransportProtocol::Tcp),
            (10_749, TransportProtocol::Tcp),
            (8443, TransportProtocol::Tcp),
        ];
        KdcPods { namespace: namespace.into(), ports: ports.into() }
    }
}

/// A kind that only some clusters serve, and that matters to rendering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServedKind {
    /// `admissionregistration.k8s.io` MutatingAdmissionPolicy, which labels pods with their account.
    MutatingAdmissionPolicy,
    /// `policy.networking.k8s.io/v1alpha2` ClusterNetworkPolicy.
    ClusterNetworkPolicy,
    /// `policy.networking.k8s.io/v1alpha1` AdminNetworkPolicy, which is not evaluated.
    AdminNetworkPolicy,
    /// `cilium.io` CiliumNetworkPolicy, which is not evaluated.
    CiliumNetworkPolicy,
    /// `crd.projectcalico.org` or `projectcalico.org` NetworkPolicy, which is not evaluated.
    CalicoNetworkPolicy,
    /// `projectcalico.org` StagedNetworkPolicy.
    StagedNetworkPolicy,
    /// `crd.antrea.io` NetworkPolicy, which is not evaluated.
    AntreaNetworkPolicy,
}

impl ServedKind {
    /// The name of the kind.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ServedKind::MutatingAdmissionPolicy => "MutatingAdmissionPolicy",
            ServedKind::ClusterNetworkPolicy => "ClusterNetworkPolicy",
            ServedKind::AdminNetworkPolicy => "AdminNetworkPolicy",
            ServedKind::CiliumNetworkPolicy => "CiliumNetworkPolicy",
            ServedKind::CalicoNetworkPolicy => "Calico NetworkPolicy",
            ServedKind::StagedNetworkPolicy => "StagedNetworkPolicy",
            ServedKind::AntreaNetworkPolicy => "Antrea NetworkPolicy",
        }
    }

    /// Whether policies of the kind decide packets in a way that Kennel does not evaluate.
    #[must_use]
    pub const fn is_not_evaluated(self) -> bool {
        matches!(
            self,
            ServedKind::AdminNetworkPolicy
                | ServedKind::CiliumNetworkPolicy
                | ServedKind::CalicoNetworkPolicy
                | ServedKind::AntreaNetworkPolicy
        )
    }
}
