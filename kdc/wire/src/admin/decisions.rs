//! Decisions about requests, as lines that go on, and who asked for whom.

#[cfg(doc)]
use crate::admin::path;
use serde::{Deserialize, Serialize};
use std::fmt;

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
    }
}
