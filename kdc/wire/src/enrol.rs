//! The bodies of the enrolment API (`POST /v1/enroll`, `POST /v1/held`): JSON, in camelCase as the Kubernetes API writes it.
//! Readers skip unknown fields, so that agents and KDCs of different versions understand each other.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// The API's paths.
pub mod path {
    /// POST: a pod's token in, its credentials out.
    pub const ENROLL: &str = "/v1/enroll";
    /// POST: the key versions that a pod has on disk; the answer comes when other ones are due.
    pub const HELD: &str = "/v1/held";
    /// GET: krb5.conf.
    pub const KRB5_CONF: &str = "/v1/krb5.conf";
    /// GET: the certificate of the authority that issued the API's own certificate, PEM.
    pub const CA: &str = "/v1/ca.crt";
    /// GET: the OpenAPI description of this API.
    pub const OPENAPI: &str = "/v1/openapi.json";
}

/// Returns the audience of the tokens that a realm accepts: `kennel://REALM`.
#[must_use]
pub fn audience(realm: &str) -> String {
    format!("kennel://{realm}")
}

/// Longest body of a request, octets: the versions of some hundred principals.
pub const LONGEST_REQUEST: usize = 64 * 1024;

/// Key versions on a pod's disk, by the names in its keytab. Names that are no canonical ones of principals of the pod count for
/// nothing, so that an agent may say everything that its keytab has.
pub type HeldVersions = BTreeMap<String, Vec<u32>>;

/// The body of an enrolment. The bearer token identifies the pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnrollRequest {
    /// Enctype numbers that the pod's Kerberos libraries know, best first. Empty: all that the realm permits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub enctypes: Vec<i32>,
    /// Name and version of the requesting program, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Key versions that are on the pod's disk already. Without them, the KDC keeps what it was told last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldVersions>,
}

/// The body of `POST /v1/held`: tells the KDC what the pod has on disk, and asks when to enrol again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HeldRequest {
    /// Key versions that the pod works with: those on its disk, after the file was renamed, or those that its program has read.
    pub held: HeldVersions,
    /// Key versions that are on the pod's disk, where its program has not read them. They are not asked for again, and count as held
    /// only once `held` has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_disk: Option<HeldVersions>,
    /// Authentication time of the ticket on the pod's disk, RFC 3339: a ticket from before a revocation is replaced at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket_from: Option<String>,
    /// Longest time that the answer may take, seconds; 0 asks for an answer at once. Without it, the KDC chooses some minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_seconds: Option<u32>,
    /// Name and version of the requesting program, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

/// The answer to [`HeldRequest`]: nothing is due (ask again), or an enrolment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HeldResponse {
    /// Deadline of the enrolment that is due, RFC 3339. Agents choose a moment before it, so that the pods of a service do not come
    /// together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refetch_before: Option<String>,
    /// Whether the enrolment is due at once: the keys or the ticket on disk are refused, or an administrator waits for the rotation.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub urgent: bool,
}

/// The response body: the credentials of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrollResponse {
    /// Name of the realm, such as `DEV.KENNEL`.
    pub realm: String,
    /// The account's principal.
    pub client: String,
    /// A ticket-granting ticket that is bound to the pod.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ticket: Option<EnrolledTicket>,
    /// Long-term keys.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub keytab: Option<EnrolledKeytab>,
    /// A krb5.conf for this realm.
    pub krb5_conf: String,
    /// Deadline of the next enrolment, RFC 3339: by then half of the ticket's life is over, or other keys may be due.
    pub refetch_before: String,
}

/// The ticket of a response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrolledTicket {
    /// A FILE credential cache (version 4) with the ticket in it.
    pub ccache: Blob,
    /// End of the ticket, RFC 3339.
    pub end_time: String,
}

/// The long-term keys of a response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrolledKeytab {
    /// An MIT keytab file (version 2). Where the file holds the account's own key, that key comes first.
    pub data: Blob,
    /// The principals in the file.
    pub entries: Vec<EnrolledKeys>,
}

/// A principal of a keytab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrolledKeys {
    /// Name with realm, such as `HTTP/web@DEV.KENNEL`.
    pub principal: String,
    /// Key versions in the file, newest first.
    pub kvnos: Vec<u32>,
    /// The canonical principal, where `principal` is an alias.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alias_of: Option<String>,
}

/// The response body of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrollError {
    /// Stable name of the refusal, as in the audit line.
    pub reason: String,
    /// What is wrong, and what to do.
    pub message: String,
    /// Whether the same request may succeed later (Retry-After says when).
    pub retryable: bool,
}

/// Secret octets, in base64 where they are written.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob(pub Zeroizing<Vec<u8>>);

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secret octets", self.0.len())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(&*self.0)))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Blob, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let octets = STANDARD.decode(text.as_bytes()).map_err(|_| D::Error::custom("not base64"))?;
        Ok(Blob(Zeroizing::new(octets)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response() -> EnrollResponse {
        EnrollResponse {
            realm: "R".into(),
            client: "cart.shop@R".into(),
            ticket: Some(EnrolledTicket {
                ccache: Blob(Zeroizing::new(vec![5, 4])),
                end_time: "2026-01-01T00:00:00Z".into(),
            }),
            keytab: None,
            krb5_conf: "[libdefaults]\n".into(),
            refetch_before: "2026-01-01T00:00:00Z".into(),
        }
    }

    #[test]
    fn an_answer_is_read_back_and_shows_no_secret() {
        let text = serde_json::to_string(&response()).unwrap();
        assert!(text.contains(r#""ccache":"BQQ=""#) && text.contains(r#""refetchBefore""#), "{text}");
        assert_eq!(serde_json::from_str::<EnrollResponse>(&text).unwrap(), response());
        assert!(format!("{:?}", response()).contains("2 secret octets"));
    }

    #[test]
    fn a_request_may_be_empty_and_may_say_more_than_is_known() {
        assert_eq!(serde_json::from_str::<EnrollRequest>("{}").unwrap(), EnrollRequest::default());
        let request: EnrollRequest = serde_json::from_str(r#"{"enctypes":[20],"later":{"a":1}}"#).unwrap();
        assert_eq!((request.enctypes, request.held), (vec![20], None));
    }

    #[test]
    fn an_agent_may_say_that_it_has_nothing_and_is_then_told_that_nothing_is_due() {
        let request: EnrollRequest = serde_json::from_str(r#"{"held":{}}"#).unwrap();
        assert_eq!(request.held, Some(HeldVersions::new()));
        let request: HeldRequest = serde_json::from_str(r#"{"held":{"HTTP/web@R":[2,1]},"waitSeconds":0}"#).unwrap();
        assert_eq!((request.held["HTTP/web@R"].as_slice(), request.wait_seconds), (&[2, 1][..], Some(0)));
        assert_eq!(serde_json::to_string(&HeldResponse::default()).unwrap(), "{}");
    }

    #[test]
    fn what_is_not_base64_is_refused_without_repeating_it() {
        let text = serde_json::to_string(&response()).unwrap().replace("BQQ=", "s3cr3t!");
        let error = serde_json::from_str::<EnrollResponse>(&text).unwrap_err().to_string();
        assert!(error.contains("not base64") && !error.contains("s3cr3t"), "{error}");
    }
}
