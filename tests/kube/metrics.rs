//! Metrics and health of a KDC in a cluster.

use crate::world::{SOON, World};
use anyhow::{Context, Result};
use kennel_tests::kube::eventually;
use kennel_tests::process;
use std::process::Command;

pub(crate) fn get(world: &World<'_>, path: &str) -> Result<String> {
    let url = format!("http://127.0.0.1:{}{path}", world.realm.port() + 4);
    Ok(process::run(Command::new("curl").args(["-sf", &url]), "")?.ok()?.stdout)
}

pub(crate) fn value(text: &str, series: &str) -> Result<f64> {
    let line =
        text.lines().find_map(|line| line.strip_prefix(series)).with_context(|| format!("no {series} in {text}"))?;
    Ok(line.trim().parse()?)
}

#[test]
fn what_happens_is_counted_and_ready_means_that_the_cluster_was_listed() -> Result<()> {
    let world = World::new()?;
    world.namespace("shop", &["cart"])?;
    world.enrolled_pod("shop", "cart-1", "cart")?;
    assert!(world.post(None, "")?.0 == 401);
    assert_eq!(get(&world, "/livez")?, "ok\n");
    let ready = get(&world, "/readyz")?;
    assert!(ready.lines().all(|line| line.starts_with("[+] ")) && ready.contains("cluster listed"), "{ready}");
    let text = eventually(SOON, "the enrolments are counted", || {
        let text = get(&world, "/metrics")?;
        Ok(text.contains(r#"kennel_enrolments_total{outcome="refused",reason="TokenMissing"} 1"#).then_some(text))
    })?;
    // cart and the account `default` of every namespace.
    assert_eq!(value(&text, "kennel_cluster_principals ")?, 2.0, "{text}");
    assert_eq!(value(&text, "kennel_cluster_namespaces ")?, 1.0);
    assert_eq!(value(&text, "kennel_cluster_synced ")?, 1.0);
    let ends = |what: &str| value(&text, &format!("kennel_tls_{what}_expiry_timestamp_seconds "));
    assert!(ends("certificate")? > 1.7e9 && ends("authority")? > ends("certificate")?);
    // The pod was created a moment ago.
    assert!(value(&text, "kennel_cluster_watch_delay_seconds_count ")? >= 1.0, "{text}");
    assert!(value(&text, r#"kennel_cluster_watch_delay_seconds_bucket{le="30.0"} "#)? >= 1.0, "{text}");
    assert_eq!(value(&text, r#"kennel_principals{origin="kubernetes"} "#)?, 2.0, "{text}");
    assert_eq!(value(&text, r#"kennel_keys{principal="krbtgt",age="<1d"} "#)?, 1.0, "{text}");
    assert!(value(&text, r#"kennel_enrolments_total{outcome="issued",reason=""} "#)? >= 1.0);
    // The self-test of `dev`.
    let issued =
        r#"kennel_requests_total{exchange="TGS",outcome="issued",reason="",enctype="aes256-cts-hmac-sha384-192"} "#;
    assert!(value(&text, issued)? >= 2.0);
    Ok(())
}
