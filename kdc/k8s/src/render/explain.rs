//! Whether a client reaches a server, and why: one sentence for each layer that a call passes. The ticket is judged by the access
//! index that is handed in, the packets by the union of all NetworkPolicies.

use crate::crd::port::TransportProtocol;
use crate::index::Index;
use crate::index::facts::{ObjectKey, PortRef, protocol};
use crate::policy::kind::PolicyKey;
use crate::render::access::realm_facts::RealmFacts;
use crate::render::access::rendered::Rendered;
use crate::render::access::server_ports::default_ports;
use crate::render::policy::names;
use crate::render::policy::parts::{Port, Ports};
use crate::render::reach::{Direction, PacketVerdict, PolicyPod, PolicySet, pods_of};
use kennel_core::access::explain::{ExplainTarget, Explanation};
use kennel_core::access::table::ServerKey;
use kennel_core::access::{AccessDecision, AccessIndex, ServiceClass};
use kennel_core::principal::Origin;
use kennel_wire::admin::{ExplainLayer, ExplainQuery, ExplainResponse, ExplainVerdict, ExplainedLayer};
use kennel_wire::message::{KerberosTime, Principal};
use std::collections::BTreeSet;

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// There is no realm to ask about.
    #[error("there is no KerberosRealm: create one, or add one to the files")]
    NoRealm,
    /// A name can be read neither as an account nor as a principal.
    #[error(
        "{0:?} is neither NAMESPACE/ACCOUNT nor a principal: write shop/web, alice or HTTP/web.shop.svc.cluster.local"
    )]
    NoName(String),
    /// The server is not of the cluster.
    #[error("{0} is no service of an enrolled namespace: write NAMESPACE/ACCOUNT, or a service principal of one")]
    NoServer(String),
}

/// What a question is answered from.
#[derive(Clone, Copy)]
pub struct ExplainFacts<'a> {
    /// The objects.
    pub index: &'a Index,
    /// What follows from them.
    pub rendered: &'a Rendered,
    /// What tickets are decided by: the index in force, or one of the rendered table.
    pub access: &'a AccessIndex,
    /// The policies that count: as applied, or as rendered.
    pub policies: &'a PolicySet<'a>,
}

/// Explains whether a client reaches a server at `now`.
///
/// # Errors
/// A client or server that cannot be read, or is not of the realm.
pub fn explain(
    facts: ExplainFacts<'_>,
    query: &ExplainQuery,
    now: KerberosTime,
) -> Result<ExplainResponse, ExplainError> {
    let realm = RealmFacts::new(facts.index).ok_or(ExplainError::NoRealm)?;
    let client = Client::parse(&query.client, &realm)?;
    let (server, service) = parse_server(&query.server, &facts, &realm)?;
    let target = match &service {
        Some(service) => ExplainTarget::Service(service, Origin::Kubernetes),
        None => ExplainTarget::Account(&server, ServiceClass::Any),
    };
    let explanation = facts.access.explain(&client.principal, client.origin, target, now);
    let mut layers = vec![ticket(&explanation, &client, &server)];
    layers.extend(packets(&facts, &realm, &client, &server, query.port, &explanation));
    layers.extend(not_evaluated(facts.index));
    let passes = |layer: &ExplainedLayer| layer.verdict != ExplainVerdict::Denied;
    Ok(ExplainResponse {
        client: client.principal.to_string(),
        server: server.to_string(),
        reachable: layers.iter().all(passes),
        layers,
    })
}

/// The client of a question.
struct Client {
    principal: Principal,
    origin: Option<Origin>,
    /// Namespace and name, of an account.
    account: Option<(String, String)>,
}

impl Client {
    /// `NAMESPACE/ACCOUNT` where the namespace is enrolled or the text is no principal of a service; else a principal.
    fn parse(text: &str, realm: &RealmFacts<'_>) -> Result<Client, ExplainError> {
        if let Some((namespace, name)) = text.split_once('/').filter(|(namespace, name)| is_account(namespace, name))
            && realm.namespaces.contains_key(namespace)
        {
            let principal = crate::names::client_principal(name, namespace, realm.realm_name());
            let account = Some((namespace.to_owned(), name.to_owned()));
            return Ok(Client { principal, origin: Some(Origin::Kubernetes), account });
        }
        let principal =
            Principal::parse(text, realm.realm_name()).map_err(|_| ExplainError::NoName(text.to_owned()))?;
        let own = *principal.realm == *realm.realm_name();
        let account = match &*principal.name.components {
            [one] if own => one.rsplit_once('.').map(|(name, namespace)| (namespace.to_owned(), name.to_owned())),
            _ => None,
        };
        let account = account.filter(|(namespace, name)| realm.account(namespace, name).is_some());
        let origin = match (&account, own) {
            (Some(_), _) => Some(Origin::Kubernetes),
            (None, true) => Some(Origin::Manual),
            (None, false) => None,
        };
        Ok(Client { principal, origin, account })
    }
}

fn is_account(namespace: &str, name: &str) -> bool {
    let is_name = |text: &str| {
        !text.is_empty() && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'.')
    };
    is_name(namespace) && is_name(name)
}

/// The account of a server, and the principal where one was asked for.
fn parse_server(
    text: &str,
    facts: &ExplainFacts<'_>,
    realm: &RealmFacts<'_>,
) -> Result<(ServerKey, Option<Principal>), ExplainError> {
    if let Some((namespace, name)) = text.split_once('/')
        && realm.account(namespace, name).is_some()
    {
        return Ok((ServerKey::new(namespace, name), None));
    }
    let asked = Principal::parse(text, realm.realm_name()).map_err(|_| ExplainError::NoName(text.to_owned()))?;
    let service = facts.index.alias_target(&asked).cloned().unwrap_or(asked);
    let key = facts.access.server_key(&service).ok_or_else(|| ExplainError::NoServer(text.to_owned()))?;
    Ok((key, Some(service)))
}

fn ticket(explanation: &Explanation, client: &Client, server: &ServerKey) -> ExplainedLayer {
    let (verdict, objects, sentence) = match &explanation.decision {
        AccessDecision::Allow { by, until } => {
            let until = until.map(|until| format!(", until {}", until.to_rfc3339())).unwrap_or_default();
            let object = by.as_ref().map(|by| format!("KerberosAccess {by}"));
            let who = object.clone().unwrap_or_else(|| "the realm".to_owned());
            let sentence = format!("{who} allows {} to call {server}{until}", client.principal);
            (ExplainVerdict::Allowed, object.into_iter().collect(), sentence)
        }
        AccessDecision::Observe(denial) => {
            let sentence = format!("{server} is in mode Observe, so that the KDC issues the ticket although {denial}");
            (ExplainVerdict::WouldDeny, vec![format!("KerberosPrincipal {server}")], sentence)
        }
        AccessDecision::Deny(denial) => {
            let grants: BTreeSet<String> =
                explanation.grants.iter().map(|grant| format!("KerberosAccess {}", grant.by)).collect();
            (ExplainVerdict::Denied, grants.into_iter().collect(), denial.to_string())
        }
    };
    ExplainedLayer { layer: ExplainLayer::Ticket, verdict, objects, sentence }
}

/// The layers of packets, judged on the ports that both directions let through, where there is one.
fn packets(
    facts: &ExplainFacts<'_>,
    realm: &RealmFacts<'_>,
    client: &Client,
    server: &ServerKey,
    port: Option<u16>,
    explanation: &Explanation,
) -> Vec<ExplainedLayer> {
    let Some((namespace, account)) = &client.account else {
        let sentence = format!(
            "the packets of {} carry no identity: networkOnly of a KerberosAccess for {server} says which addresses and pods reach it",
            client.principal
        );
        let verdict = ExplainVerdict::NotEvaluated;
        return vec![ExplainedLayer { layer: ExplainLayer::Ingress, verdict, objects: Vec::new(), sentence }];
    };
    let (clients, servers) =
        (pods_of(facts.index, namespace, account), pods_of(facts.index, &server.namespace, &server.name));
    let ports = asked_ports(facts, realm, server, port);
    let calls = Call { facts, clients: &clients, servers: &servers };
    let judged: Vec<Judged> = ports.iter().map(|port| calls.judge(port)).collect();
    let both: Vec<&Judged> = judged.iter().filter(|port| port.egress.allowed && port.ingress.allowed).collect();
    let shown: Vec<&Judged> = if both.is_empty() { judged.iter().collect() } else { both };
    let by: BTreeSet<String> = explanation.grants.iter().map(|grant| format!("KerberosAccess {}", grant.by)).collect();
    let who = (format!("{namespace}/{account}"), server.to_string());
    let mut layers = vec![layer(Direction::Egress, &shown, &who, &by), layer(Direction::Ingress, &shown, &who, &by)];
    layers.extend(cluster_policy(facts, server, &shown, &who));
    layers
}

/// The verdict of the server's ClusterNetworkPolicy, where it has one: what our NetworkPolicies let in passes, and nothing else does.
fn cluster_policy(
    facts: &ExplainFacts<'_>,
    server: &ServerKey,
    shown: &[&Judged],
    (client, to): &(String, String),
) -> Option<ExplainedLayer> {
    let key = PolicyKey::cluster(names::cluster(&server.namespace, &server.name));
    facts.rendered.policies.get(&key)?;
    let passes = shown.iter().any(|judged| !judged.ingress.by_ours.is_empty());
    let (verdict, sentence) = if passes {
        let sentence = format!("{key} (Admin tier) leaves packets of {client} to the NetworkPolicies");
        (ExplainVerdict::Allowed, sentence)
    } else {
        let sentence = format!(
            "{key} (Admin tier) drops packets of {client} to {to} before any NetworkPolicy is asked, since nothing of Kennel lets \
             them in"
        );
        (ExplainVerdict::Denied, sentence)
    };
    Some(ExplainedLayer { layer: ExplainLayer::ClusterPolicy, verdict, objects: vec![key.to_string()], sentence })
}

/// The ports of a question: the one that was asked for, or those of the server's Services and those that its KerberosAccess objects
/// open.
fn asked_ports(facts: &ExplainFacts<'_>, realm: &RealmFacts<'_>, server: &ServerKey, port: Option<u16>) -> Ports {
    if let Some(number) = port {
        return [Port::single(TransportProtocol::Tcp, PortRef::Number(number))].into();
    }
    let spec = facts.rendered.network_policy(&server.namespace, &names::ingress(&server.name));
    let rules = spec.into_iter().flat_map(|spec| spec.ingress.iter().flatten());
    let opened = rules.flat_map(|rule| rule.ports.iter().flatten()).filter_map(|port| {
        let end = port.end_port.and_then(|end| u16::try_from(end).ok());
        Some(Port { protocol: protocol(port.protocol.as_deref()), port: PortRef::from_api(port.port.as_ref()?)?, end })
    });
    default_ports(realm, server).into_iter().chain(opened).collect()
}

struct Call<'a> {
    facts: &'a ExplainFacts<'a>,
    clients: &'a [PolicyPod<'a>],
    servers: &'a [PolicyPod<'a>],
}

/// The verdicts on one port.
struct Judged {
    port: String,
    egress: PacketVerdict,
    ingress: PacketVerdict,
}

impl Call<'_> {
    fn judge(&self, port: &Port) -> Judged {
        let judge = |direction| self.facts.policies.judge(direction, self.clients, self.servers, port);
        let number = match &port.port {
            PortRef::Number(number) => number.to_string(),
            PortRef::Name(name) => name.clone(),
        };
        let end = port.end.map(|end| format!("-{end}")).unwrap_or_default();
        let port = format!("{number}{end}/{}", port.protocol.name());
        Judged { port, egress: judge(Direction::Egress), ingress: judge(Direction::Ingress) }
    }
}

fn layer(direction: Direction, shown: &[&Judged], who: &(String, String), by: &BTreeSet<String>) -> ExplainedLayer {
    let verdict_of = |judged: &&Judged| match direction {
        Direction::Egress => judged.egress.clone(),
        Direction::Ingress => judged.ingress.clone(),
    };
    let verdicts: Vec<PacketVerdict> = shown.iter().map(verdict_of).collect();
    let ports: Vec<&str> = shown.iter().map(|judged| &*judged.port).collect();
    let ports = if ports.is_empty() { "no port".to_owned() } else { format!("port {}", ports.join(", ")) };
    let collect = |of: fn(&PacketVerdict) -> &BTreeSet<ObjectKey>| -> BTreeSet<&ObjectKey> {
        verdicts.iter().flat_map(of).collect()
    };
    let (ours, others) = (collect(|verdict| &verdict.by_ours), collect(|verdict| &verdict.by_others));
    let selecting = collect(|verdict| &verdict.selecting);
    let allowed = verdicts.iter().any(|verdict| verdict.allowed);
    let (layer, name, own, way) = match direction {
        Direction::Egress => (ExplainLayer::Egress, "egress", &who.0, format!("out to {ports} of {}", who.1)),
        Direction::Ingress => (ExplainLayer::Ingress, "ingress", &who.1, format!("in from {} to {ports}", who.0)),
    };
    let widens = if others.is_empty() {
        String::new()
    } else {
        format!("; {}, not Kennel's, also lets them through and so widens", list(&others))
    };
    let sentence = if shown.is_empty() {
        format!("no port of {} is known: no Service of its KerberosPrincipal has ports", who.1)
    } else if !allowed {
        format!("{} selects the pods of {own} for {name}, and no policy lets packets {way}", list(&selecting))
    } else if selecting.is_empty() {
        format!("no NetworkPolicy selects the pods of {own} for {name}: everything passes")
    } else if ours.is_empty() {
        format!("only {}, not Kennel's, lets packets {way}: it widens what KerberosAccess objects say", list(&others))
    } else {
        let behind = if by.is_empty() {
            String::new()
        } else {
            format!(" ({})", by.iter().cloned().collect::<Vec<_>>().join(", "))
        };
        format!("{}{behind} lets packets {way}{widens}", list(&ours))
    };
    let decisive = if allowed { ours.union(&others).copied().collect() } else { selecting };
    let objects = decisive.into_iter().map(|(namespace, name)| format!("NetworkPolicy {namespace}/{name}")).collect();
    let verdict = if allowed { ExplainVerdict::Allowed } else { ExplainVerdict::Denied };
    ExplainedLayer { layer, verdict, objects, sentence }
}

fn list(policies: &BTreeSet<&ObjectKey>) -> String {
    let names: Vec<String> = policies.iter().map(|(namespace, name)| format!("{namespace}/{name}")).collect();
    format!("NetworkPolicy {}", names.join(", "))
}

/// The kinds of policies that the cluster has and that are not evaluated, but for Kennel's own.
fn not_evaluated(index: &Index) -> Option<ExplainedLayer> {
    let kinds = index
        .surroundings()
        .kinds
        .iter()
        .filter(|kind| kind.is_not_evaluated() || kind.name() == "ClusterNetworkPolicy");
    let kinds: Vec<&str> = kinds.map(|kind| kind.name()).collect();
    let sentence = format!(
        "the cluster serves {}: policies of these kinds that are not Kennel's are not evaluated",
        kinds.join(", ")
    );
    let (layer, verdict) = (ExplainLayer::ClusterPolicy, ExplainVerdict::NotEvaluated);
    (!kinds.is_empty()).then_some(ExplainedLayer { layer, verdict, objects: Vec::new(), sentence })
}
