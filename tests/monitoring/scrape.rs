//! Rules and dashboard against a KDC that runs.

use anyhow::{Context, Result};
use kennel_tests::prometheus::Prometheus;

/// Alerts that are right to wait where the KDC follows no cluster (`kennel-kdc dev` without `--kubeconfig`).
const WITHOUT_CLUSTER: [&str; 2] = ["KennelClusterNotListed", "KennelNobodyWrites"];

#[test]
#[ignore = "needs a KDC: `tests/monitoring/test HOST:PORT`"]
fn rules_alerts_and_dashboard_hold_against_a_kdc_that_runs() -> Result<()> {
    let target = std::env::var("KENNEL_METRICS").context("KENNEL_METRICS names no HOST:PORT")?;
    let is_in_a_cluster = std::env::var_os("KENNEL_METRICS_WITHOUT_CLUSTER").is_none();
    let expected: &[&str] = if is_in_a_cluster { &[] } else { &WITHOUT_CLUSTER };
    Prometheus::start(&target)?.ensure_all_is_well(expected)
}
