//! Selectors, peers and ports, written out as the API server returns them: what it would fill in is given, and what it leaves out
//! is left out. A policy that was applied then equals the rendered one.

use crate::crd::network_peer::NetworkPeer;
use crate::crd::port::{NumberedPort, PodPort, TransportProtocol};
use crate::index::facts::PortRef;
use crate::labels::{MANAGED_BY, REALM, SERVICE_ACCOUNT};
use crate::policy::kind::PolicyKey;
use crate::policy::rendered::RenderedPolicy;
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    LabelSelector, LabelSelectorRequirement, ObjectMeta, OwnerReference,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::{BTreeMap, BTreeSet};

/// The label that every namespace has: its own name.
pub const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// Ports of pods, each once.
pub type Ports = BTreeSet<Port>;

/// A port of pods, or a range of numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// The transport protocol.
    pub protocol: TransportProtocol,
    /// The port, or the first one of a range.
    pub port: PortRef,
    /// The last port of a range.
    pub end: Option<u16>,
}

impl Port {
    /// A single port.
    #[must_use]
    pub fn single(protocol: TransportProtocol, port: PortRef) -> Port {
        Port { protocol, port, end: None }
    }

    /// A port of one of our own objects; `None` for a number that is no port.
    #[must_use]
    pub fn from_pod_port(port: &PodPort) -> Option<Port> {
        let end = match port.end_port {
            None => None,
            Some(end) => Some(u16::try_from(end).ok()?),
        };
        Some(Port { protocol: port.protocol(), port: PortRef::from_api(&port.port)?, end })
    }

    fn to_api(&self) -> NetworkPolicyPort {
        NetworkPolicyPort {
            end_port: self.end.map(i32::from),
            port: Some(match &self.port {
                PortRef::Number(number) => IntOrString::Int(i32::from(*number)),
                PortRef::Name(name) => IntOrString::String(name.clone()),
            }),
            protocol: Some(self.protocol.name().to_owned()),
        }
    }
}

/// The ports of a rule; `None` where there are none, which is every port.
#[must_use]
pub fn ports(ports: &Ports) -> Option<Vec<NetworkPolicyPort>> {
    (!ports.is_empty()).then(|| ports.iter().map(Port::to_api).collect())
}

/// The ports of one of our own objects.
#[must_use]
pub fn pod_ports(given: &[PodPort]) -> Ports {
    given.iter().filter_map(Port::from_pod_port).collect()
}

/// Ports by number of one of our own objects.
#[must_use]
pub fn numbered_ports(given: &[NumberedPort]) -> Ports {
    let port = |port: &NumberedPort| {
        let number = u16::try_from(port.port).ok().filter(|number| *number > 0)?;
        let end = port.end_port.and_then(|end| u16::try_from(end).ok());
        Some(Port { protocol: port.protocol(), port: PortRef::Number(number), end })
    };
    given.iter().filter_map(port).collect()
}

/// Selects what has a label with this value.
#[must_use]
pub fn labelled(key: &str, value: &str) -> LabelSelector {
    LabelSelector { match_labels: Some([(key.to_owned(), value.to_owned())].into()), match_expressions: None }
}

/// Selects the pods of an account.
#[must_use]
pub fn account(name: &str) -> LabelSelector {
    labelled(SERVICE_ACCOUNT, name)
}

/// Selects accounts of a namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accounts {
    /// Every account.
    All,
    /// Every account but these.
    Except(Vec<String>),
    /// These accounts.
    Only(Vec<String>),
}

impl Accounts {
    /// The pods of these accounts, whose label says so.
    #[must_use]
    pub fn pod_selector(&self) -> LabelSelector {
        let expression = |operator: &str, values: &[String]| LabelSelectorRequirement {
            key: SERVICE_ACCOUNT.to_owned(),
            operator: operator.to_owned(),
            values: (!values.is_empty()).then(|| values.to_vec()),
        };
        let expressions = match self {
            Accounts::All => vec![expression("Exists", &[])],
            Accounts::Except(others) => vec![expression("Exists", &[]), expression("NotIn", others)],
            Accounts::Only(these) => match &**these {
                [one] => return account(one),
                _ => vec![expression("In", these)],
            },
        };
        LabelSelector { match_labels: None, match_expressions: Some(expressions) }
    }

    /// Whether an account is among them.
    #[must_use]
    pub fn contains(&self, account: &str) -> bool {
        let is_listed = |list: &[String]| list.iter().any(|listed| listed == account);
        match self {
            Accounts::All => true,
            Accounts::Except(others) => !is_listed(others),
            Accounts::Only(these) => is_listed(these),
        }
    }
}

/// Selects what both select.
#[must_use]
pub fn both(one: &LabelSelector, other: &LabelSelector) -> LabelSelector {
    let mut labels = one.match_labels.clone().unwrap_or_default();
    let mut expressions = one.match_expressions.clone().unwrap_or_default();
    for (key, value) in other.match_labels.iter().flatten() {
        match labels.get(key) {
            Some(same) if same == value => {}
            // No object has a label twice: two expressions select nothing, as both selectors together do.
            Some(_) => expressions.push(LabelSelectorRequirement {
                key: key.clone(),
                operator: "In".to_owned(),
                values: Some(vec![value.clone()]),
            }),
            None => _ = labels.insert(key.clone(), value.clone()),
        }
    }
    for expression in other.match_expressions.iter().flatten() {
        if !expressions.contains(expression) {
            expressions.push(expression.clone());
        }
    }
    LabelSelector {
        match_labels: (!labels.is_empty()).then_some(labels),
        match_expressions: (!expressions.is_empty()).then_some(expressions),
    }
}

/// The selector without namespaces of these names.
#[must_use]
pub fn without_namespaces<'n>(selector: &LabelSelector, names: impl Iterator<Item = &'n str>) -> LabelSelector {
    let names: BTreeSet<&str> = names.collect();
    if names.is_empty() {
        return selector.clone();
    }
    let expression = LabelSelectorRequirement {
        key: NAMESPACE_NAME.to_owned(),
        operator: "NotIn".to_owned(),
        values: Some(names.into_iter().map(str::to_owned).collect()),
    };
    both(selector, &LabelSelector { match_labels: None, match_expressions: Some(vec![expression]) })
}

/// Pods of namespaces; without `namespaces`, of the policy's own.
#[must_use]
pub fn pods(namespaces: Option<LabelSelector>, pods: LabelSelector) -> NetworkPolicyPeer {
    NetworkPolicyPeer { ip_block: None, namespace_selector: namespaces, pod_selector: Some(pods) }
}

/// An address range.
#[must_use]
pub fn addresses(cidr: &str) -> NetworkPolicyPeer {
    let block = IPBlock { cidr: cidr.to_owned(), except: None };
    NetworkPolicyPeer { ip_block: Some(block), namespace_selector: None, pod_selector: None }
}

/// One address as a range.
#[must_use]
pub fn address(address: &str) -> NetworkPolicyPeer {
    addresses(&format!("{address}/{}", if address.contains(':') { 128 } else { 32 }))
}

/// A peer as one of our own objects gives it.
#[must_use]
pub fn given_peer(peer: &NetworkPeer) -> NetworkPolicyPeer {
    let block = peer.ip_block.as_ref().map(|block| IPBlock {
        cidr: block.cidr.clone(),
        except: (!block.except.is_empty()).then(|| block.except.clone()),
    });
    NetworkPolicyPeer {
        ip_block: block,
        namespace_selector: peer.namespace_selector.as_ref().map(as_returned),
        pod_selector: peer.pod_selector.as_ref().map(as_returned),
    }
}

/// A selector without empty lists, which the API server leaves out.
fn as_returned(selector: &LabelSelector) -> LabelSelector {
    LabelSelector {
        match_labels: selector.match_labels.clone().filter(|labels| !labels.is_empty()),
        match_expressions: selector.match_expressions.clone().filter(|expressions| !expressions.is_empty()),
    }
}

/// A rule that lets packets in; without peers, from everywhere.
#[must_use]
pub fn ingress_rule(from: Vec<NetworkPolicyPeer>, to: &Ports) -> NetworkPolicyIngressRule {
    NetworkPolicyIngressRule { from: (!from.is_empty()).then_some(from), ports: ports(to) }
}

/// A rule that lets packets out; without peers, to everywhere.
#[must_use]
pub fn egress_rule(to: Vec<NetworkPolicyPeer>, of: &Ports) -> NetworkPolicyEgressRule {
    NetworkPolicyEgressRule { to: (!to.is_empty()).then_some(to), ports: ports(of) }
}

/// A policy under its key.
pub type KeyedPolicy = (PolicyKey, RenderedPolicy);

/// A NetworkPolicy in the making.
pub struct PolicyDraft<'a> {
    /// Namespace of the policy.
    pub namespace: &'a str,
    /// Its name.
    pub name: String,
    /// Name of the KerberosRealm.
    pub realm: &'a str,
    /// The object that the policy is deleted with, in its own namespace.
    pub owner: Option<OwnerReference>,
    /// The pods that it selects.
    pub pods: LabelSelector,
    /// What it lets in; `None` where it leaves ingress alone.
    pub ingress: Option<Vec<NetworkPolicyIngressRule>>,
    /// What it lets out; `None` where it leaves egress alone.
    pub egress: Option<Vec<NetworkPolicyEgressRule>>,
}

impl PolicyDraft<'_> {
    /// The policy under its key.
    #[must_use]
    pub fn finish(self) -> KeyedPolicy {
        let types = [self.ingress.is_some().then_some("Ingress"), self.egress.is_some().then_some("Egress")];
        let metadata = ObjectMeta {
            name: Some(self.name.clone()),
            namespace: Some(self.namespace.to_owned()),
            labels: Some(own_labels(self.realm)),
            owner_references: self.owner.map(|owner| vec![owner]),
            ..ObjectMeta::default()
        };
        let spec = NetworkPolicySpec {
            egress: self.egress.filter(|rules| !rules.is_empty()),
            ingress: self.ingress.filter(|rules| !rules.is_empty()),
            pod_selector: Some(self.pods),
            policy_types: Some(types.into_iter().flatten().map(str::to_owned).collect()),
        };
        let key = PolicyKey::network(self.namespace, self.name);
        (key, RenderedPolicy::Network(NetworkPolicy { metadata, spec: Some(spec) }))
    }
}

/// The labels of a policy of the KDC of a realm.
#[must_use]
pub fn own_labels(realm: &str) -> BTreeMap<String, String> {
    [MANAGED_BY.entry(), (REALM.to_owned(), realm.to_owned())].into()
}
