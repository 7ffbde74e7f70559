//! UDP, TCP, and the way from the one to the other.

use crate::{realm, realm_with};
use anyhow::Result;

#[test]
fn udp_alone_will_do_for_small_tickets() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    let initial = user.kinit(&["alice"], "secret")?.ok()?;
    let service = user.kvno(&["HTTP/web.shop"])?.ok()?;
    for run in [initial, service] {
        assert!(run.trace.contains("UDP") && !run.trace.contains("TCP"), "{run}");
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
        assert!(run.trace.contains("TCP") && !run.trace.contains("UDP"), "{run}");
    }
    Ok(())
}

#[test]
fn a_ticket_too_large_for_udp_comes_over_tcp() -> Result<()> {
    // The client's name stands in the ticket and beside it: this one makes all replies longer than the limit.
    let name = "a".repeat(200);
    let limits = "[limits]\nudp_reply_limit = 1000";
    let realm = realm_with(&format!("{limits}\n[[principal]]\nname = \"{name}\"\npassword = \"secret\""))?;
    let user = realm.mit()?;
    let initial = user.kinit(&[&name], "secret")?.ok()?;
    let service = user.kvno(&["HTTP/web.shop"])?.ok()?;
    for run in [initial, service] {
        let too_big = run.trace.find("Request or response is too big for UDP; retrying with TCP");
        let tcp = run.trace.rfind("Initiating TCP connection");
        assert!(too_big.is_some() && too_big < tcp, "{run}");
    }
    let small = user.kinit(&["alice"], "secret")?.ok()?;
    assert!(!small.trace.contains("TCP"), "{small}");
    Ok(())
}
