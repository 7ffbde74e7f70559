//! What the index keeps of each object: only what decides something, since a cluster has many pods.

use crate::crd::port::TransportProtocol;
use crate::labels::{MANAGED_BY, ON_CHANGE, REALM, ROLLOUT, SERVICE_ACCOUNT};
use crate::policy::kind::PolicyKey;
use crate::policy::rendered::RenderedPolicy;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Namespace, Pod, PodSpec, Service, ServiceAccount};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicySpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::api::DynamicObject;
use kube::core::object::HasSpec;
use kube::core::{DeserializeGuard, Resource};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Namespace and name; the namespace of cluster-wide objects is empty.
pub type ObjectKey = (String, String);

/// The part of an object that the index keeps.
pub trait Fact: Sized {
    /// The object as the API server sends it.
    type Object;

    /// Returns the fact under its key; `None` for an object without a name or UID, which no API server sends.
    fn from_object(object: Self::Object) -> Option<(ObjectKey, Self)>;
}

/// Of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceFact {
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// Whether it is being deleted.
    pub ending: bool,
}

/// Of a service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFact {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.creationTimestamp`, seconds since the epoch.
    pub created: i64,
}

/// Of a Service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceFact {
    /// `metadata.labels`, by which monitors select Services.
    pub labels: BTreeMap<String, String>,
    /// `spec.selector`: the labels of its pods; empty where it has none.
    pub selector: BTreeMap<String, String>,
    /// Its ports.
    pub ports: Vec<ServicePortFact>,
    /// Whether clients reach the pods by their own addresses (`clusterIP: None`), and so by their own ports.
    pub headless: bool,
    /// `spec.clusterIPs`, without those of a headless Service.
    pub addresses: Vec<String>,
}

impl ServiceFact {
    /// The port of the pods behind a port of the Service, which has a number and may have a name.
    #[must_use]
    pub fn pod_port(&self, port: &PortRef) -> Option<&PortRef> {
        let is_meant = |own: &&ServicePortFact| match port {
            PortRef::Number(number) => own.port == *number,
            PortRef::Name(name) => own.name.as_ref() == Some(name),
        };
        self.ports.iter().find(is_meant).map(|own| &own.target)
    }
}

/// A port of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePortFact {
    /// The port of the Service itself.
    pub port: u16,
    /// Its name in the Service.
    pub name: Option<String>,
    /// The port of its pods.
    pub target: PortRef,
    /// The transport protocol.
    pub protocol: TransportProtocol,
}

/// A port of pods by number, or by the name that their containers give it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each variant is what its name says")]
pub enum PortRef {
    Number(u16),
    Name(String),
}

impl PortRef {
    /// The port as Kubernetes writes it; `None` for a number that is no port.
    #[must_use]
    pub fn from_api(port: &IntOrString) -> Option<PortRef> {
        match port {
            IntOrString::Int(number) => u16::try_from(*number).ok().filter(|port| *port > 0).map(PortRef::Number),
            IntOrString::String(name) => Some(PortRef::Name(name.clone())),
        }
    }
}

/// Of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodFact {
    /// `metadata.uid`.
    pub uid: String,
    /// What it shares with other pods.
    pub shape: Arc<PodShape>,
    /// Whether it is being deleted, or its phase is Succeeded or Failed.
    pub ended: bool,
    /// Whether its phase is Succeeded or Failed: no process of it runs, while one that is being deleted may.
    pub finished: bool,
    /// The StatefulSet that controls it.
    pub stateful_set: Option<SetReference>,
    /// Where its program takes up a new keytab by a rollout (annotation [`ON_CHANGE`]): the UID of its controller, empty without one.
    pub rollout: Option<Box<str>>,
    /// `metadata.creationTimestamp`, seconds since the epoch; 0 without one.
    pub created: i64,
}

/// What decides packets of a pod. The pods of a workload share one shape in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodShape {
    /// `spec.serviceAccountName`.
    pub account: String,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// Ports that its containers name.
    pub ports: BTreeSet<(String, u16, TransportProtocol)>,
    /// `spec.hostNetwork`: it has the address of its node, and NetworkPolicies do not select it.
    pub host_network: bool,
}

impl PodShape {
    /// The shape of pods with these labels.
    #[must_use]
    pub fn new(labels: BTreeMap<String, String>, spec: Option<&PodSpec>) -> PodShape {
        let Some(spec) = spec else {
            return PodShape { account: "default".into(), labels, ..PodShape::default() };
        };
        // Sidecars are init containers that stay.
        let sidecars = spec.init_containers.iter().flatten().filter(|c| c.restart_policy.as_deref() == Some("Always"));
        let ports = spec.containers.iter().chain(sidecars).flat_map(|container| container.ports.iter().flatten());
        let ports = ports.filter_map(|port| {
            let number = u16::try_from(port.container_port).ok()?;
            Some((port.name.clone()?, number, protocol(port.protocol.as_deref())))
        });
        PodShape {
            account: spec
                .service_account_name
                .clone()
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| "default".into()),
            labels,
            ports: ports.collect(),
            host_network: spec.host_network == Some(true),
        }
    }

    /// How the label of the account stands to the account.
    #[must_use]
    pub fn account_label(&self) -> AccountLabel {
        match self.labels.get(SERVICE_ACCOUNT) {
            None => AccountLabel::Missing,
            Some(label) if *label == self.account => AccountLabel::Right,
            Some(_) => AccountLabel::OfOther,
        }
    }
}

/// The label `kennel.dev/service-account` of a pod beside its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountLabel {
    /// It names the account.
    Right,
    /// There is none: the pod was there before the admission policy.
    Missing,
    /// It names another account.
    OfOther,
}

/// Of a NetworkPolicy, whoever made it, or of a policy of ours of another kind.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyFact {
    /// `spec`.
    pub spec: PolicySpec,
    /// Whether it carries our `managed-by` label.
    pub managed: bool,
    /// Of ours: the labels. Of others: empty.
    pub labels: BTreeMap<String, String>,
    /// Of ours: the UIDs of its owners.
    pub owners: Vec<String>,
}

/// `spec` of a policy.
#[derive(Debug, Clone, PartialEq)]
pub enum PolicySpec {
    /// Of a NetworkPolicy.
    Network(NetworkPolicySpec),
    /// Of a kind that only some clusters serve.
    Optional(Value),
}

/// Of a policy of a kind that only some clusters serve.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionalPolicyFact(pub PolicyFact);

impl PolicyFact {
    /// The fact of a policy that was written or listed, under its key; `None` for one without a name or `spec`.
    #[must_use]
    pub fn from_policy(policy: RenderedPolicy) -> Option<(PolicyKey, PolicyFact)> {
        let key = policy.key();
        let fact = match policy {
            RenderedPolicy::Network(policy) => PolicyFact::from_object(policy)?.1,
            RenderedPolicy::Optional(_, object) => OptionalPolicyFact::from_object(object)?.1.0,
        };
        Some((key, fact))
    }

    /// `spec` of a NetworkPolicy.
    #[must_use]
    pub const fn network_spec(&self) -> Option<&NetworkPolicySpec> {
        match &self.spec {
            PolicySpec::Network(spec) => Some(spec),
            PolicySpec::Optional(_) => None,
        }
    }

    /// Whether the cluster has a policy as it is rendered, in everything that we write.
    #[must_use]
    pub fn is_as(&self, rendered: &RenderedPolicy) -> bool {
        let metadata = rendered.metadata();
        let has_labels = metadata.labels.iter().flatten().all(|(key, value)| self.labels.get(key) == Some(value));
        let mut owners = metadata.owner_references.iter().flatten();
        let has_spec = match &self.spec {
            PolicySpec::Network(spec) => rendered.network_spec() == Some(spec),
            PolicySpec::Optional(spec) => rendered.optional_spec() == Some(spec),
        };
        has_spec && has_labels && owners.all(|owner| self.owners.contains(&owner.uid))
    }

    /// The fact, from `spec` and `metadata`, of which labels and owners are taken out.
    fn new(spec: PolicySpec, metadata: &mut ObjectMeta) -> PolicyFact {
        let labels = metadata.labels.take().unwrap_or_default();
        let managed = labels.get(MANAGED_BY.key).is_some_and(|value| value == MANAGED_BY.value);
        let owners = metadata.owner_references.take().unwrap_or_default();
        PolicyFact {
            spec,
            managed,
            labels: if managed { labels } else { BTreeMap::new() },
            owners: if managed { owners.into_iter().map(|owner| owner.uid).collect() } else { Vec::new() },
        }
    }

    /// The realm in our label.
    #[must_use]
    pub fn realm(&self) -> Option<&str> {
        self.labels.get(REALM).map(String::as_str)
    }
}

/// Of an EndpointSlice: where the API server itself can be reached (`default/kubernetes`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointsFact {
    /// Addresses.
    pub addresses: BTreeSet<String>,
    /// TCP ports.
    pub ports: BTreeSet<u16>,
}

/// The StatefulSet in the owner references of a pod. Whoever creates the pod writes them: the UID proves nothing by itself, but a
/// StatefulSet of another UID does not own the pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetReference {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
}

/// Of a StatefulSet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatefulSetFact {
    /// `metadata.uid`.
    pub uid: String,
    /// `spec.serviceName`: the Service that its pods have their names from.
    pub service: String,
    /// `spec.ordinals.start`: ordinal of the first pod, 0 by default.
    pub start: u32,
    /// `spec.replicas`: number of pods, 1 by default.
    pub replicas: u32,
}

/// Of one of our own resources: the object, or why it cannot be read.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnFact<K> {
    /// The object, or the decoder's message.
    pub object: Result<K, String>,
    /// `metadata`, without `managedFields`.
    pub meta: ObjectMeta,
}

impl<K> OwnFact<K> {
    /// `metadata.creationTimestamp`, seconds since the epoch; the end of time without one.
    #[must_use]
    pub fn created(&self) -> i64 {
        created(&self.meta).unwrap_or(i64::MAX)
    }
}

impl<K: HasSpec<Spec: PartialEq>> OwnFact<K> {
    /// Whether two states of an object declare the same: its status, which the KDC writes itself, may differ.
    #[must_use]
    pub fn declares_as(&self, other: &OwnFact<K>) -> bool {
        let objects = match (&self.object, &other.object) {
            (Ok(one), Ok(other)) => one.spec() == other.spec(),
            (Err(one), Err(other)) => one == other,
            _ => false,
        };
        let meta = |meta: &ObjectMeta| {
            (meta.uid.clone(), meta.labels.clone(), meta.deletion_timestamp.clone(), meta.creation_timestamp.clone())
        };
        objects && meta(&self.meta) == meta(&other.meta)
    }
}

/// The protocol as Kubernetes writes it, TCP where it writes none.
pub(crate) fn protocol(name: Option<&str>) -> TransportProtocol {
    match name {
        Some("UDP") => TransportProtocol::Udp,
        Some("SCTP") => TransportProtocol::Sctp,
        _ => TransportProtocol::Tcp,
    }
}

fn created(meta: &ObjectMeta) -> Option<i64> {
    meta.creation_timestamp.as_ref().map(|time| time.0.as_second())
}

fn key(meta: &mut ObjectMeta) -> Option<ObjectKey> {
    Some((meta.namespace.take().unwrap_or_default(), meta.name.take()?))
}

impl Fact for NamespaceFact {
    type Object = Namespace;

    fn from_object(mut object: Namespace) -> Option<(ObjectKey, NamespaceFact)> {
        let ending = object.metadata.deletion_timestamp.is_some();
        let labels = object.metadata.labels.take().unwrap_or_default();
        Some((key(&mut object.metadata)?, NamespaceFact { labels, ending }))
    }
}

impl Fact for AccountFact {
    type Object = ServiceAccount;

    fn from_object(mut object: ServiceAccount) -> Option<(ObjectKey, AccountFact)> {
        let created = created(&object.metadata).unwrap_or(i64::MAX);
        Some((key(&mut object.metadata)?, AccountFact { uid: object.metadata.uid?, created }))
    }
}

impl Fact for ServiceFact {
    type Object = Service;

    fn from_object(mut object: Service) -> Option<(ObjectKey, ServiceFact)> {
        let spec = object.spec.take().unwrap_or_default();
        let headless = spec.cluster_ip.as_deref() == Some("None");
        let addresses = spec.cluster_ips.or_else(|| spec.cluster_ip.map(|address| vec![address])).unwrap_or_default();
        let port = |port: k8s_openapi::api::core::v1::ServicePort| {
            let own = u16::try_from(port.port).ok()?;
            let target = port.target_port.as_ref().and_then(PortRef::from_api).unwrap_or(PortRef::Number(own));
            Some(ServicePortFact { port: own, name: port.name, target, protocol: protocol(port.protocol.as_deref()) })
        };
        let fact = ServiceFact {
            labels: object.metadata.labels.take().unwrap_or_default(),
            selector: spec.selector.unwrap_or_default(),
            ports: spec.ports.into_iter().flatten().filter_map(port).collect(),
            headless,
            addresses: addresses.into_iter().filter(|address| address != "None" && !address.is_empty()).collect(),
        };
        Some((key(&mut object.metadata)?, fact))
    }
}

impl Fact for PodFact {
    type Object = Pod;

    fn from_object(mut object: Pod) -> Option<(ObjectKey, PodFact)> {
        let phase = object.status.and_then(|status| status.phase);
        let finished = matches!(phase.as_deref(), Some("Succeeded" | "Failed"));
        let ended = finished || object.metadata.deletion_timestamp.is_some();
        let labels = object.metadata.labels.take().unwrap_or_default();
        let shape = Arc::new(PodShape::new(labels, object.spec.as_ref()));
        let owners = object.metadata.owner_references.take().unwrap_or_default();
        let owner = owners.into_iter().find(|owner| owner.controller == Some(true));
        let on_change = object.metadata.annotations.as_ref().and_then(|annotations| annotations.get(ON_CHANGE));
        let controller = || owner.as_ref().map(|owner| &*owner.uid).unwrap_or_default().into();
        let rollout = on_change.is_some_and(|on_change| on_change == ROLLOUT).then(controller);
        let set = |kind: &str, version: &str| kind == "StatefulSet" && version.starts_with("apps/");
        let owner = owner.filter(|owner| set(&owner.kind, &owner.api_version));
        let stateful_set = owner.map(|owner| SetReference { name: owner.name, uid: owner.uid });
        let created = created(&object.metadata).unwrap_or(0);
        let key = key(&mut object.metadata)?;
        Some((key, PodFact { uid: object.metadata.uid?, shape, ended, finished, stateful_set, rollout, created }))
    }
}

impl Fact for StatefulSetFact {
    type Object = StatefulSet;

    fn from_object(mut object: StatefulSet) -> Option<(ObjectKey, StatefulSetFact)> {
        let spec = object.spec?;
        let count = |number: i32| u32::try_from(number).unwrap_or(0);
        let fact = StatefulSetFact {
            uid: object.metadata.uid.clone()?,
            service: spec.service_name.unwrap_or_default(),
            start: spec.ordinals.and_then(|ordinals| ordinals.start).map_or(0, count),
            replicas: spec.replicas.map_or(1, count),
        };
        Some((key(&mut object.metadata)?, fact))
    }
}

impl Fact for PolicyFact {
    type Object = NetworkPolicy;

    fn from_object(mut object: NetworkPolicy) -> Option<(ObjectKey, PolicyFact)> {
        let fact = PolicyFact::new(PolicySpec::Network(object.spec?), &mut object.metadata);
        Some((key(&mut object.metadata)?, fact))
    }
}

impl Fact for OptionalPolicyFact {
    type Object = DynamicObject;

    fn from_object(mut object: DynamicObject) -> Option<(ObjectKey, OptionalPolicyFact)> {
        let spec = object.data.get_mut("spec").map(Value::take)?;
        let fact = PolicyFact::new(PolicySpec::Optional(spec), &mut object.metadata);
        Some((key(&mut object.metadata)?, OptionalPolicyFact(fact)))
    }
}

impl Fact for EndpointsFact {
    type Object = EndpointSlice;

    fn from_object(mut object: EndpointSlice) -> Option<(ObjectKey, EndpointsFact)> {
        let addresses =
            object.endpoints.iter().flatten().flat_map(|endpoint| endpoint.addresses.iter().cloned()).collect();
        let ports = object.ports.iter().flatten().filter_map(|port| u16::try_from(port.port?).ok()).collect();
        Some((key(&mut object.metadata)?, EndpointsFact { addresses, ports }))
    }
}

impl<K: Resource> Fact for OwnFact<K> {
    type Object = DeserializeGuard<K>;

    fn from_object(object: DeserializeGuard<K>) -> Option<(ObjectKey, OwnFact<K>)> {
        let mut meta = match &object.0 {
            Ok(object) => object.meta().clone(),
            Err(invalid) => invalid.metadata.clone(),
        };
        meta.managed_fields = None;
        let key = (meta.namespace.clone().unwrap_or_default(), meta.name.clone()?);
        Some((key, OwnFact { object: object.0.map_err(|invalid| invalid.error), meta }))
    }
}
