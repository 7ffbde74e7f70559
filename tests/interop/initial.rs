//! The AS exchange: who gets an initial ticket, and who does not.

use crate::{TGS, realm, realm_with};
use anyhow::Result;

#[test]
fn a_password_gets_a_ticket() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    let ticket = user.shown(TGS)?;
    // I = initial, A = pre-authenticated.
    assert!(ticket.flags.contains('I') && ticket.flags.contains('A'), "{ticket:?}");
    assert_eq!(ticket.addresses, "(none)");
    Ok(())
}

#[test]
fn a_keytab_gets_a_ticket() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    user.kinit_with_keytab(&realm.keytab("alice"), &["alice"])?.ok()?;
    user.shown(TGS)?;
    user.kinit_with_keytab(&realm.keytab("HTTP/web.shop"), &["HTTP/web.shop"])?.ok()?;
    let cached = user.run("klist", &[], "")?.ok()?;
    assert!(cached.stdout.contains("Default principal: HTTP/web.shop@TEST.KENNEL"), "{cached}");
    Ok(())
}

#[test]
fn a_keytab_of_somebody_else_gets_none() -> Result<()> {
    let realm = realm()?;
    realm.mit()?.kinit_with_keytab(&realm.keytab("HTTP/web.shop"), &["alice"])?.refused("no suitable keys")?;
    Ok(())
}

#[test]
fn a_wrong_password_is_refused() -> Result<()> {
    let realm = realm()?;
    realm.mit()?.kinit(&["alice"], "Secret")?.refused("Password incorrect")?;
    Ok(())
}

#[test]
fn an_unknown_principal_is_refused() -> Result<()> {
    let realm = realm()?;
    let refused = realm.mit()?.kinit(&["mallory"], "secret")?;
    refused.refused("Client 'mallory@TEST.KENNEL' not found in Kerberos database")?;
    Ok(())
}

#[test]
fn names_respect_case() -> Result<()> {
    let realm = realm()?;
    realm.mit()?.kinit(&["Alice"], "secret")?.refused("not found in Kerberos database")?;
    Ok(())
}

#[test]
fn an_expired_principal_is_refused() -> Result<()> {
    let realm = realm_with(
        r#"
        [[principal]]
        name = "bob"
        password = "secret"
        expires = 2020-01-01T00:00:00Z
        "#,
    )?;
    realm.mit()?.kinit(&["bob"], "secret")?.refused("Client's entry in database has expired")?;
    Ok(())
}

#[test]
fn a_principal_may_have_a_shorter_life_than_the_realm() -> Result<()> {
    let realm = realm_with(
        r#"
        [[principal]]
        name = "bob"
        password = "secret"
        max_life = "10m"
        "#,
    )?;
    let user = realm.mit()?;
    user.kinit(&["-l", "1h", "bob"], "secret")?.ok()?;
    let ticket = user.credential(TGS)?;
    assert_eq!(ticket.endtime.0 - ticket.starttime.0, 600);
    Ok(())
}

#[test]
fn an_expired_password_is_refused() -> Result<()> {
    let realm = realm_with(
        r#"
        [[principal]]
        name = "bob"
        password = "secret"
        password_expires = 2020-01-01T00:00:00Z
        "#,
    )?;
    let run = realm.mit()?.kinit(&["bob"], "secret")?;
    // kinit goes on to ask for a ticket to change the password, so the reason stands in its trace alone.
    assert!(!run.status.success(), "{run}");
    assert!(run.trace.contains("Password has expired"), "{run}");
    Ok(())
}

#[test]
fn a_disabled_principal_is_refused() -> Result<()> {
    let realm = realm_with(
        r#"
        [[principal]]
        name = "bob"
        password = "secret"
        attributes = ["disallow_all"]
        "#,
    )?;
    realm.mit()?.kinit(&["bob"], "secret")?.refused("Client's credentials have been revoked")?;
    Ok(())
}

#[test]
fn a_clock_that_is_wrong_is_refused() -> Result<()> {
    let realm = realm()?;
    for clock in ["+10m", "-10m"] {
        // Without kdc_timesync libkrb5 does not correct its clock by the KDC's.
        let user = realm.mit()?.with_defaults(&[("kdc_timesync", "0")])?.with_clock(clock)?;
        user.kinit(&["alice"], "secret")?.refused("Clock skew too great")?;
    }
    Ok(())
}

#[test]
fn a_clock_that_is_wrong_by_less_than_the_skew_will_do() -> Result<()> {
    let realm = realm()?;
    for clock in ["+4m", "-4m"] {
        let user = realm.mit()?.with_defaults(&[("kdc_timesync", "0")])?.with_clock(clock)?;
        user.kinit(&["alice"], "secret")?.ok()?;
        user.kvno(&["HTTP/web.shop"])?.ok()?;
    }
    Ok(())
}

#[test]
fn a_client_learns_the_time_from_the_kdc() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?.with_clock("+2h")?;
    user.kinit(&["alice"], "secret")?.ok()?;
    user.kvno(&["HTTP/web.shop"])?.ok()?;
    Ok(())
}

#[test]
fn an_initial_ticket_may_be_for_a_service() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    user.kinit(&["-S", "HTTP/web.shop", "alice"], "secret")?.ok()?;
    let ticket = user.shown("HTTP/web.shop@TEST.KENNEL")?;
    assert!(ticket.flags.contains('I'), "{ticket:?}");
    user.kinit(&["-S", "HTTP/elsewhere", "alice"], "secret")?.refused("not found in Kerberos database")?;
    Ok(())
}

#[test]
fn a_principal_may_be_exempt_from_preauthentication() -> Result<()> {
    let realm = realm_with(
        r#"
        [[principal]]
        name = "bob"
        password = "secret"
        attributes = ["no_preauth_required"]
        "#,
    )?;
    let user = realm.mit()?;
    user.kinit(&["bob"], "secret")?.ok()?;
    let ticket = user.shown(TGS)?;
    assert!(!ticket.flags.contains('A'), "{ticket:?}");
    Ok(())
}

#[test]
fn every_request_leaves_one_line_in_the_audit_log() -> Result<()> {
    let realm = realm()?;
    let before = realm.audit()?.lines().count();
    let user = realm.mit()?;
    user.kinit(&["alice"], "wrong")?.refused("Password incorrect")?;
    user.kinit(&["alice"], "secret")?.ok()?;
    user.kvno(&["HTTP/web.shop"])?.ok()?;
    let audit = realm.audit()?;
    let lines: Vec<&str> = audit.lines().skip(before).collect();
    // Asked to pre-authenticate, refused; asked to pre-authenticate, issued; issued.
    let outcomes = ["preauth-required", "refused", "preauth-required", "issued", "issued"];
    assert_eq!(lines.len(), outcomes.len(), "{audit}");
    for (line, outcome) in lines.iter().zip(outcomes) {
        let event: serde_json::Value = serde_json::from_str(line)?;
        assert_eq!(event["outcome"], outcome, "{line}");
        assert_eq!(event["client"], "alice@TEST.KENNEL", "{line}");
    }
    Ok(())
}
