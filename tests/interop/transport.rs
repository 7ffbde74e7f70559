//! UDP, TCP, and the way from the one to the other.

use crate::{TGS, realm, realm_with};
use anyhow::Result;

#[test]
fn udp_alone_will_do_for_small_tickets() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    let initial = user.kinit(&["alice"], "secret")?.ok()?;
    let service = user.kvno(&["HTTP/web.shop"])?.ok()?;
    for run in [initial, service] {
        assert!(run.trace.contains("dgram") && !run.trace.contains("stream"), "{run}");
    }
    Ok(())
}

#[test]
fn tcp_alone_will_do() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?.with_defaults(&[("udp_preference_limit", "1")])?;
    let initial = user.kinit(&["alice"], "secret")?.ok()?;
    let service = user.kvno(&["HTTP/web.shop"])?.ok()?;
    for run in [initial, service] {
        assert!(run.trace.contains("stream") && !run.trace.contains("dgram"), "{run}");
    }
    Ok(())
}

#[test]
fn a_ticket_too_large_for_udp_comes_over_tcp() -> Result<()> {
    let name = "a".repeat(500);
    let realm = realm_with(&format!("[[principal]]\nname = \"{name}\"\npassword = \"secret\""))?;
    let user = realm.mit()?;
    let initial = user.kinit(&[&name], "secret")?.ok()?;
    let service = user.kvno(&["HTTP/web.shop"])?.ok()?;
    for run in [initial, service] {
        let too_big = run.trace.find("Request or response is too big for UDP; retrying with TCP");
        let tcp = run.trace.rfind("stream");
        assert!(too_big.is_some() && too_big < tcp, "{run}");
    }
    user.shown(TGS)?;
    Ok(())
}
