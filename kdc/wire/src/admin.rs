//! The bodies of the admin API (`/v1/admin/...`): JSON, in camelCase as the Kubernetes API writes it. Readers skip unknown
//! fields and unknown lines, so that tools and KDCs of different versions understand each other.
//!
//! Every request carries a Kubernetes token for the API server's own audience, and needs the [`Permission`] of its path in the
//! namespace that it asks about; without a namespace, in all namespaces.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The API's paths.
pub mod path {
    /// GET: decisions about the servers of a namespace, as lines. See [`DecisionsQuery`](super::DecisionsQuery).
    pub const DECISIONS: &str = "/v1/admin/decisions";
    /// GET: who asked for which server. See [`NamespaceQuery`](super::NamespaceQuery).
    pub const PAIRS: &str = "/v1/admin/pairs";
    /// GET: who may have tickets for which server, as the KDC applies it now. See [`NamespaceQuery`](super::NamespaceQuery).
    pub const ACCESS: &str = "/v1/admin/access";
    /// GET: whether a client reaches a server, layer by layer. See [`ExplainQuery`](super::ExplainQuery). A KDC that does not judge
    /// packets answers 404, and the caller judges by the objects of the cluster.
    pub const EXPLAIN: &str = "/v1/admin/explain";
    /// GET: versions, holders and rotation of the keys of a principal. See [`KeysQuery`](super::KeysQuery).
    pub const KEYS: &str = "/v1/admin/keys";
    /// POST: rotates or revokes keys. See [`RotateRequest`](super::RotateRequest).
    pub const ROTATE: &str = "/v1/admin/rotate";
}

/// A permission that the API asks of its callers. The sub-resource is virtual: no object of it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permission {
    /// Resource of the API group [`Permission::GROUP`].
    pub resource: &'static str,
    /// Sub-resource.
    pub subresource: &'static str,
    /// Verb.
    pub verb: &'static str,
}

impl Permission {
    /// API group of every resource.
    pub const GROUP: &'static str = "kennel.dev";
    /// To see decisions, who asked for whom, and who may have tickets for whom.
    pub const DECISIONS: Permission =
        Permission { resource: "kerberosaccesses", subresource: "decisions", verb: "get" };
    /// To see versions and holders of keys. (The sub-resource `keys` would be the keys themselves, which nobody gets here.)
    pub const KEYS: Permission = Permission { resource: "kerberosprincipals", subresource: "keyversions", verb: "get" };
    /// To rotate and revoke keys.
    pub const ROTATE: Permission =
        Permission { resource: "kerberosprincipals", subresource: "rotation", verb: "update" };
}

/// Media type of the lines of [`path::DECISIONS`]: one [`DecisionLine`] each, in JSON.
pub const LINES: &str = "application/x-ndjson";

/// The query of [`path::DECISIONS`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DecisionsQuery {
    /// Namespace of the servers. `None`: all namespaces, and servers that belong to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// [`StreamStart::instance`] of the stream that is resumed. Without it, `after` has no effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Resumes after this sequence number of the same namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Whether the answer goes on with decisions as they are made. The KDC ends each answer within a minute; the caller then
    /// resumes it, and the KDC asks for the permission again.
    pub follow: bool,
    /// Number of retained decisions that the answer begins with, the newest ones, where it does not resume. `None`: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A line of [`path::DECISIONS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type")]
#[expect(clippy::large_enum_variant, reason = "most lines are decisions")]
pub enum DecisionLine {
    /// The first line.
    Start(StreamStart),
    /// A decision.
    Decision(DecisionRecord),
    /// Decisions that the KDC made and does not retain any more.
    Lost(LostDecisions),
    /// Nothing new: sent every few seconds while the answer follows.
    Heartbeat(Heartbeat),
    /// A kind of line that this version does not know.
    #[serde(other)]
    Unknown,
}

/// The first line of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamStart {
    /// Realm of the KDC.
    pub realm: String,
    /// Identity of the process. Sequence numbers begin anew with each.
    pub instance: String,
    /// Whether the stream goes on where the caller left it. False where the caller named no position, or one of another
    /// process: decisions between the two are then lost, in an unknown number.
    pub resumed: bool,
    /// Sequence number after which the stream begins.
    pub after: u64,
}

/// A decision about a request for a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecisionRecord {
    /// Position in the stream of this namespace (or of all namespaces), from 1 on.
    pub sequence: u64,
    /// Time of the decision, RFC 3339 in UTC with microseconds.
    pub time: String,
    /// `AS` or `TGS`.
    pub exchange: String,
    /// The client, such as `cart.shop@PROD.EXAMPLE`; `None` where the request did not prove one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client: Option<String>,
    /// The client's service account, where it is one of the cluster.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_account: Option<AccountRef>,
    /// The pod that the client's ticket is bound to, as `NAMESPACE/NAME`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pod: Option<String>,
    /// The server, by its canonical name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server: Option<String>,
    /// The service account that the server belongs to, where the cluster has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server_account: Option<AccountRef>,
    /// Service class, such as `HTTP`; `None` for the account's own principal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub service_class: Option<String>,
    /// How the request ended.
    pub outcome: DecisionOutcome,
    /// The KerberosAccess that allows the ticket, as `NAMESPACE/NAME`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub access: Option<String>,
    /// Stable name of the reason of a refusal (or of what Enforce would refuse), as in the audit line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// What is missing or wrong, for people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
    /// Source address and port of the request.
    pub peer: String,
    /// End of the issued ticket, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ticket_end: Option<String>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DecisionOutcome {
    /// A ticket was issued.
    Allowed,
    /// A ticket was issued, since the server's mode is Observe; under Enforce it would have been denied.
    WouldDeny,
    /// No KerberosAccess allows the client, or the client's owner forbids the call.
    Denied,
    /// Refused for another reason, such as an expired ticket.
    Refused,
}

impl DecisionOutcome {
    /// Every outcome.
    pub const ALL: [DecisionOutcome; 4] =
        [DecisionOutcome::Allowed, DecisionOutcome::WouldDeny, DecisionOutcome::Denied, DecisionOutcome::Refused];

    /// The word in the JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            DecisionOutcome::Allowed => "Allowed",
            DecisionOutcome::WouldDeny => "WouldDeny",
            DecisionOutcome::Denied => "Denied",
            DecisionOutcome::Refused => "Refused",
        }
    }
}

impl fmt::Display for DecisionOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A service account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountRef {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// `NAMESPACE/NAME`.
impl fmt::Display for AccountRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Decisions that are missing in a stream at this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LostDecisions {
    /// How many.
    pub lost: u64,
    /// Sequence number of the last one that is missing: the position of the stream.
    pub sequence: u64,
}

/// A sign that the stream lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heartbeat {
    /// Position of the stream.
    pub sequence: u64,
}

/// The query of [`path::PAIRS`] and [`path::ACCESS`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NamespaceQuery {
    /// Namespace of the servers. `None`: all namespaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// The answer of [`path::PAIRS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairsResponse {
    /// Realm of the KDC.
    pub realm: String,
    /// Beginning of the recording, RFC 3339: who has not asked since is not in the list.
    pub since: String,
    /// Time of this answer, RFC 3339.
    pub until: String,
    /// Pairs that the KDC forgot since the beginning, because the namespace has more than it may record: those that asked
    /// longest ago. 0: the list has everybody who asked.
    pub lost: u64,
    /// The pairs, by server account, service class and client.
    pub pairs: Vec<Pair>,
}

/// Who asked for which service of which account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pair {
    /// The client, such as `cart.shop@PROD.EXAMPLE`.
    pub client: String,
    /// The client's service account, where it is one of the cluster.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_account: Option<AccountRef>,
    /// The account that the server belongs to.
    pub server_account: AccountRef,
    /// Service class, such as `HTTP`; `None` for the account's own principal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub service_class: Option<String>,
    /// Time of the first request, RFC 3339.
    pub first: String,
    /// Time of the last request, RFC 3339.
    pub last: String,
    /// Outcome of the last request.
    pub last_outcome: DecisionOutcome,
    /// Requests in all.
    pub count: u64,
    /// Tickets that a KerberosAccess allowed.
    pub allowed: u64,
    /// Tickets that Enforce would have denied.
    pub would_deny: u64,
    /// Tickets that were denied.
    pub denied: u64,
    /// Requests that were refused for another reason.
    pub refused: u64,
}

/// The answer of [`path::ACCESS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessResponse {
    /// Realm of the KDC.
    pub realm: String,
    /// The servers, by namespace and name.
    pub servers: Vec<AccessServer>,
}

/// Who may have tickets for the services of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessServer {
    /// The account.
    pub account: AccountRef,
    /// What happens to a client that no grant allows.
    pub mode: ServerMode,
    /// The grants that are in effect.
    pub grants: Vec<AccessGrant>,
}

/// The mode of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerMode {
    /// No ticket.
    Enforce,
    /// A ticket, and a decision that says that Enforce would deny it.
    Observe,
}

/// What one rule of a KerberosAccess grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessGrant {
    /// The KerberosAccess, as `NAMESPACE/NAME`.
    pub access: String,
    /// Who is allowed.
    pub peer: AccessPeer,
    /// Service classes; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub service_classes: Vec<String>,
    /// End of the grant, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_after: Option<String>,
}

/// Whom a grant allows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type", content = "name")]
pub enum AccessPeer {
    /// One principal, with its realm; a service account too.
    Principal(String),
    /// Every account of a namespace.
    Namespace(String),
    /// Every principal of a realm.
    Realm(String),
}

/// The query of [`path::EXPLAIN`]. The caller needs the permission in the server's namespace; without it in the client's
/// namespace too, the answer names no object of that namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExplainQuery {
    /// The client: `NAMESPACE/ACCOUNT`, or a principal with or without realm.
    pub client: String,
    /// The server: `NAMESPACE/ACCOUNT`, or a service principal such as `HTTP/web.shop.svc.cluster.local`.
    pub server: String,
    /// Port of the server's pods. `None`: the ports of its Services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// The answer of [`path::EXPLAIN`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainResponse {
    /// The client's principal.
    pub client: String,
    /// The server's account, or its principal where the cluster has no account for it.
    pub server: String,
    /// Whether every layer lets the client through.
    pub reachable: bool,
    /// The layers, in the order in which a call passes them.
    pub layers: Vec<ExplainedLayer>,
}

/// What one layer says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedLayer {
    /// The layer.
    pub layer: ExplainLayer,
    /// Its verdict.
    pub verdict: ExplainVerdict,
    /// The objects that decide it, as `KIND NAMESPACE/NAME`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub objects: Vec<String>,
    /// One sentence: what allows the call, or what is missing.
    pub sentence: String,
}

/// A layer that decides about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExplainLayer {
    /// The KDC.
    Ticket,
    /// NetworkPolicies of the client's namespace.
    Egress,
    /// NetworkPolicies of the server's namespace.
    Ingress,
    /// Policies of the whole cluster.
    ClusterPolicy,
}

/// The verdict of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExplainVerdict {
    /// Lets the client through.
    Allowed,
    /// Lets the client through in mode Observe; Enforce would not.
    WouldDeny,
    /// Stops the client.
    Denied,
    /// Present, and not evaluated by Kennel.
    NotEvaluated,
}

/// The query of [`path::KEYS`], with the permission [`Permission::KEYS`] in the principal's namespace; for a principal that belongs
/// to no namespace, in all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KeysQuery {
    /// A principal with or without realm, or `NAMESPACE/ACCOUNT` for all principals of a service account.
    pub principal: String,
}

/// The answer of [`path::KEYS`]. No key is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeysResponse {
    /// Realm of the KDC.
    pub realm: String,
    /// Time of this answer, RFC 3339.
    pub time: String,
    /// The principals, by name.
    pub principals: Vec<PrincipalKeys>,
}

/// The keys of a principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrincipalKeys {
    /// The principal, canonical.
    pub principal: String,
    /// When its keys rotate.
    pub rotation: RotationKind,
    /// What the next step waits for, one sentence.
    pub waiting_for: String,
    /// Whether it waits for a holder for too long.
    pub stalled: bool,
    /// Time at which the next version is due, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_rotation_time: Option<String>,
    /// Time of an order that is not carried out yet, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ordered: Option<String>,
    /// Tickets of this client from before this time were revoked, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked: Option<String>,
    /// Time since which somebody has keys by hand, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unknown_holder: Option<String>,
    /// The versions, newest first.
    pub versions: Vec<KeyVersionInfo>,
    /// Those that hold the keys, by kind and name.
    pub holders: Vec<KeyHolder>,
}

/// When keys rotate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RotationKind {
    /// By themselves.
    Scheduled,
    /// Where somebody asks for it.
    OnDemand,
    /// Not at all.
    Never,
}

/// A version of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyVersionInfo {
    /// Version number.
    pub kvno: u32,
    /// What the KDC does with it.
    pub state: KeyVersionState,
    /// Time since which it has this state, RFC 3339.
    pub since: String,
    /// Time of its creation, RFC 3339.
    pub created: String,
    /// End of a retiring version, RFC 3339: no ticket under it is valid from then on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub accepted_until: Option<String>,
    /// Enctypes of its keys, strongest first.
    pub enctypes: Vec<String>,
    /// Number of holders that have it.
    pub holders: u32,
}

/// What the KDC does with a version of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyVersionState {
    /// Keytabs have it, and no ticket is issued under it.
    Staged,
    /// Tickets are issued under it.
    Active,
    /// Tickets under it are accepted.
    Retiring,
}

/// A holder of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyHolder {
    /// `Pod` or `Secret`.
    pub kind: String,
    /// `NAMESPACE/NAME`.
    pub name: String,
    /// Versions that it has, newest first. Empty: keys were sent to it, and it has not confirmed them.
    pub kvnos: Vec<u32>,
    /// Time of the last change, RFC 3339.
    pub since: String,
}

/// The body of [`path::ROTATE`], with the permission [`Permission::ROTATE`] in the principal's namespace; for a principal that
/// belongs to no namespace, or for all principals, in all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RotateRequest {
    /// A principal with or without realm, or `NAMESPACE/ACCOUNT` for all principals of a service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// Every principal of the realm whose keys may rotate, in place of `principal`.
    pub all: bool,
    /// Whether the new key replaces all others at once, which refuses them, their tickets, and the tickets of this client. Without
    /// it, holders get a new key now, and it is used once each of them has it.
    pub revoke_old: bool,
}

/// The answer of [`path::ROTATE`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RotateResponse {
    /// Realm of the KDC.
    pub realm: String,
    /// Number of principals that were ordered to rotate, or whose keys were revoked.
    pub principals: u32,
    /// Number of principals whose keys never rotate, and were left as they are.
    pub left: u32,
    /// The former by name, where there are few.
    pub names: Vec<String>,
}

/// The body of every refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdminError {
    /// Stable name of the refusal.
    pub reason: String,
    /// What is wrong, and what to do.
    pub message: String,
    /// Whether the same request may succeed later (Retry-After says when).
    pub retryable: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decision() -> DecisionRecord {
        DecisionRecord {
            sequence: 7,
            time: "2026-11-26T14:00:00.000007Z".into(),
            exchange: "TGS".into(),
            client: Some("batch.shop@R".into()),
            client_account: Some(AccountRef { namespace: "shop".into(), name: "batch".into() }),
            pod: None,
            server: Some("HTTP/web.shop.svc.cluster.local@R".into()),
            server_account: Some(AccountRef { namespace: "shop".into(), name: "web".into() }),
            service_class: Some("HTTP".into()),
            outcome: DecisionOutcome::Denied,
            access: None,
            reason: Some("AccessDenied".into()),
            message: None,
            peer: "10.0.0.1:4711".into(),
            ticket_end: None,
        }
    }

    #[test]
    fn a_line_names_its_kind_and_is_read_back() {
        let lines = [
            DecisionLine::Start(StreamStart { realm: "R".into(), instance: "i".into(), resumed: true, after: 6 }),
            DecisionLine::Decision(decision()),
            DecisionLine::Lost(LostDecisions { lost: 3, sequence: 10 }),
            DecisionLine::Heartbeat(Heartbeat { sequence: 10 }),
        ];
        let kinds = lines.map(|line| {
            let text = serde_json::to_value(&line).unwrap();
            assert_eq!(serde_json::from_value::<DecisionLine>(text.clone()).unwrap(), line);
            text["type"].as_str().unwrap().to_owned()
        });
        assert_eq!(kinds, ["start", "decision", "lost", "heartbeat"]);
        let text = serde_json::to_value(DecisionLine::Decision(decision())).unwrap();
        assert_eq!(text["serverAccount"], json!({ "namespace": "shop", "name": "web" }));
        assert_eq!((&text["outcome"], text.get("access")), (&json!("Denied"), None));
    }

    #[test]
    fn a_line_of_a_later_version_is_skipped_and_not_refused() {
        let line: DecisionLine = serde_json::from_str(r#"{"type":"weather","sun":true}"#).unwrap();
        assert_eq!(line, DecisionLine::Unknown);
        let lost: DecisionLine = serde_json::from_str(r#"{"type":"lost","lost":1,"sequence":2,"later":[]}"#).unwrap();
        assert_eq!(lost, DecisionLine::Lost(LostDecisions { lost: 1, sequence: 2 }));
    }

    #[test]
    fn an_outcome_is_written_as_it_is_named() {
        for outcome in DecisionOutcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.to_string());
        }
        let peer = AccessPeer::Namespace("shop".into());
        assert_eq!(serde_json::to_value(peer).unwrap(), json!({ "type": "namespace", "name": "shop" }));
    }
}
