//! The series of `/metrics` that `kennel status` shows.

use serde::Serialize;
use std::collections::BTreeMap;

/// The metrics of a replica; counters count since its start.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplicaMetrics {
    /// Requests of Kerberos clients.
    pub(crate) requests: u64,
    /// Granted enrolments.
    pub(crate) enrolments_granted: u64,
    /// Refused enrolments, by reason.
    pub(crate) enrolments_refused: BTreeMap<String, u64>,
    /// Kinds of objects whose watch does not work.
    pub(crate) watches_broken: u64,
    /// Batches of audit lines that the audit sink refused and the log has instead.
    pub(crate) audit_failures: u64,
    /// Whether the KDC would not start again with the files of its master keys, or their rotation does not go on.
    pub(crate) master_key_problem: bool,
    /// Expiry of the serving certificate, seconds since the epoch.
    pub(crate) certificate_ends: Option<i64>,
    /// Expiry of the CA certificate that agents trust, seconds since the epoch.
    pub(crate) authority_ends: Option<i64>,
    /// Principals in the store.
    pub(crate) principals: u64,
    /// Active keys, by the kind of their principal: krbtgt, service, client.
    pub(crate) keys: BTreeMap<String, KeyMetrics>,
}

/// The active keys of one kind of principal.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyMetrics {
    pub(crate) number: u64,
    /// Creation of the oldest key, seconds since the epoch.
    pub(crate) oldest: Option<i64>,
}

/// Reads the OpenMetrics text; lines of other series are skipped.
pub(crate) fn parse_metrics(text: &str) -> ReplicaMetrics {
    let mut numbers = ReplicaMetrics::default();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let Ok(value) = value.parse::<f64>() else { continue };
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts, and saturating")]
        let count = value.max(0.0) as u64;
        match name {
            "kennel_requests_total" => numbers.requests += count,
            "kennel_enrolments_total" => match label(labels, "reason") {
                Some("") | None => numbers.enrolments_granted += count,
                // Each reason has a series that starts at 0.
                Some(_) if count == 0 => {}
                Some(reason) => *numbers.enrolments_refused.entry(reason.to_owned()).or_default() += count,
            },
            "kennel_cluster_watches_broken" => numbers.watches_broken = count,
            "kennel_audit_failures_total" => numbers.audit_failures = count,
            "kennel_master_key_problem" => numbers.master_key_problem = count > 0,
            "kennel_tls_certificate_expiry_timestamp_seconds" => numbers.certificate_ends = time(count),
            "kennel_tls_authority_expiry_timestamp_seconds" => numbers.authority_ends = time(count),
            "kennel_principals" => numbers.principals += count,
            "kennel_keys" | "kennel_oldest_key_timestamp_seconds" => {
                let Some(whose) = label(labels, "principal") else { continue };
                let keys = numbers.keys.entry(whose.to_owned()).or_default();
                if name == "kennel_keys" { keys.number += count } else { keys.oldest = time(count) }
            }
            _ => {}
        }
    }
    numbers
}

/// 0 stands for an unknown time.
fn time(seconds: u64) -> Option<i64> {
    i64::try_from(seconds).ok().filter(|seconds| *seconds > 0)
}

/// The value of a label. Our values hold no quotes.
fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = labels.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_summed_and_refusals_kept_apart() {
        let text = "# TYPE kennel_requests counter\n\
            kennel_requests_total{exchange=\"AS\",outcome=\"issued\",reason=\"\",enctype=\"e\"} 2\n\
            kennel_requests_total{exchange=\"TGS\",outcome=\"issued\",reason=\"\",enctype=\"e\"} 3\n\
            kennel_enrolments_total{outcome=\"issued\",reason=\"\"} 4\n\
            kennel_enrolments_total{outcome=\"refused\",reason=\"PodEnded\"} 5\n\
            kennel_enrolments_total{outcome=\"refused\",reason=\"NoPrincipal\"} 0\n\
            kennel_master_key_problem 1\n\
            kennel_tls_certificate_expiry_timestamp_seconds 1795449600.0\nodd line\n\
            kennel_keys{principal=\"service\",age=\"<1d\"} 4\nkennel_keys{principal=\"service\",age=\">365d\"} 2\n\
            kennel_oldest_key_timestamp_seconds{principal=\"service\"} 1700000000\n\
            kennel_oldest_key_timestamp_seconds{principal=\"client\"} 0\n\
            kennel_principals{origin=\"kubernetes\"} 7\nkennel_principals{origin=\"manual\"} 1\n# EOF\n";
        let numbers = parse_metrics(text);
        assert_eq!((numbers.requests, numbers.enrolments_granted), (5, 4));
        assert_eq!(numbers.enrolments_refused, [("PodEnded".to_owned(), 5)].into());
        assert!(numbers.master_key_problem);
        assert_eq!((numbers.certificate_ends, numbers.authority_ends), (Some(1_795_449_600), None));
        assert_eq!(numbers.keys["service"], KeyMetrics { number: 6, oldest: Some(1_700_000_000) });
        assert_eq!((numbers.keys["client"].oldest, numbers.principals), (None, 8));
    }
}
