//! Rules, alerts and dashboard against the KDC.

use crate::installation::Installation;
use anyhow::Result;
use kennel_tests::prometheus::Prometheus;

#[test]
fn rules_alerts_and_dashboard_hold_against_a_real_prometheus() -> Result<()> {
    let everything = Installation::everything()?;
    Prometheus::start(&format!("{}:9090", everything.kdc_address()?))?.ensure_all_is_well(&[])
}
