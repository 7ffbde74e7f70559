//! The few numbers of `/metrics` that are shown.

use serde::Serialize;
use std::collections::BTreeMap;

/// What a replica has counted since its start.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Numbers {
    /// Requests of Kerberos clients.
    pub(crate) requests: u64,
    /// Enrolments that were granted.
    pub(crate) enrolments_granted: u64,
    /// Those that were refused, by reason.
    pub(crate) enrolments_refused: BTreeMap<String, u64>,
    /// Kinds of objects whose watch does not work.
    pub(crate) watches_broken: u64,
    /// Batches of audit lines that went to the log.
    pub(crate) audit_failures: u64,
    /// When the serving certificate ends, seconds since the epoch.
    pub(crate) certificate_ends: Option<i64>,
    /// When the authority ends that agents trust, likewise.
    pub(crate) authority_ends: Option<i64>,
    /// Principals in its store.
    pub(crate) principals: u64,
    /// Keys that tickets are issued under, by whose they are: krbtgt, service, client.
    pub(crate) keys: BTreeMap<String, Keys>,
}

/// Keys of a kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Keys {
    pub(crate) number: u64,
    /// When the oldest was made, seconds since the epoch.
    pub(crate) oldest: Option<i64>,
}

/// From the OpenMetrics text; lines of other series are passed over.
pub(crate) fn parse(text: &str) -> Numbers {
    let mut numbers = Numbers::default();
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
                // Every reason begins at 0.
                Some(_) if count == 0 => {}
                Some(reason) => *numbers.enrolments_refused.entry(reason.to_owned()).or_default() += count,
            },
            "kennel_cluster_watches_broken" => numbers.watches_broken = count,
            "kennel_audit_failures_total" => numbers.audit_failures = count,
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

/// 0: not known.
fn time(seconds: u64) -> Option<i64> {
    i64::try_from(seconds).ok().filter(|seconds| *seconds > 0)
}

/// Values of ours hold no quotes.
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
            kennel_tls_certificate_expiry_timestamp_seconds 1795449600.0\nodd line\n\
            kennel_keys{principal=\"service\",age=\"<1d\"} 4\nkennel_keys{principal=\"service\",age=\">365d\"} 2\n\
            kennel_oldest_key_timestamp_seconds{principal=\"service\"} 1700000000\n\
            kennel_oldest_key_timestamp_seconds{principal=\"client\"} 0\n\
            kennel_principals{origin=\"kubernetes\"} 7\nkennel_principals{origin=\"manual\"} 1\n# EOF\n";
        let numbers = parse(text);
        assert_eq!((numbers.requests, numbers.enrolments_granted), (5, 4));
        assert_eq!(numbers.enrolments_refused, [("PodEnded".to_owned(), 5)].into());
        assert_eq!((numbers.certificate_ends, numbers.authority_ends), (Some(1_795_449_600), None));
        assert_eq!(numbers.keys["service"], Keys { number: 6, oldest: Some(1_700_000_000) });
        assert_eq!((numbers.keys["client"].oldest, numbers.principals), (None, 8));
    }
}
