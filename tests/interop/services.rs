//! The TGS exchange: tickets for services, and services that take none.

use crate::{realm, realm_with};
use anyhow::Result;

#[test]
fn a_service_can_decrypt_the_ticket_with_its_keytab() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    let keytab = realm.keytab("HTTP/web.shop").display().to_string();
    let run = user.kvno(&["-k", &keytab, "HTTP/web.shop"])?.ok()?;
    assert!(run.stdout.contains("HTTP/web.shop@TEST.KENNEL: kvno = 1, keytab entry valid"), "{run}");
    Ok(())
}

#[test]
fn an_unknown_service_is_refused() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    user.kvno(&["HTTP/nowhere.shop"])?
        .refused("Server HTTP/nowhere.shop@TEST.KENNEL not found in Kerberos database")?;
    Ok(())
}

#[test]
fn services_that_take_no_tickets_are_refused() -> Result<()> {
    let realm = realm_with(
        r#"
        [[principal]]
        name = "HTTP/expired.shop"
        expires = 2020-01-01T00:00:00Z

        [[principal]]
        name = "HTTP/disabled.shop"
        attributes = ["disallow_all"]

        [[principal]]
        name = "HTTP/client-only.shop"
        attributes = ["disallow_server"]

        [[principal]]
        name = "HTTP/initial-only.shop"
        attributes = ["disallow_tgt_based"]
        "#,
    )?;
    let user = realm.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    for (service, reason) in [
        ("HTTP/expired.shop", "Server's entry in database has expired"),
        ("HTTP/disabled.shop", "not found in Kerberos database"),
        ("HTTP/client-only.shop", "Server principal valid for user2user only"),
        ("HTTP/initial-only.shop", "KDC policy rejects request"),
    ] {
        user.kvno(&[service])?.refused(reason)?;
    }
    user.kinit(&["-S", "HTTP/initial-only.shop", "alice"], "secret")?.ok()?;
    Ok(())
}

#[test]
fn a_service_may_insist_on_preauthenticated_clients() -> Result<()> {
    let realm = realm_with(
        r#"
        [[principal]]
        name = "bob"
        password = "secret"
        attributes = ["no_preauth_required"]

        [[principal]]
        name = "HTTP/special.shop"
        attributes = ["require_preauth_of_clients"]
        "#,
    )?;
    let user = realm.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    user.kvno(&["HTTP/special.shop"])?.ok()?;
    user.kinit(&["bob"], "secret")?.ok()?;
    user.kvno(&["HTTP/special.shop"])?.refused("KDC policy rejects request")?;
    Ok(())
}

#[test]
fn a_service_may_be_trusted_with_delegation() -> Result<()> {
    let realm = realm_with(
        r#"
        [[principal]]
        name = "HTTP/special.shop"
        attributes = ["ok_as_delegate"]
        "#,
    )?;
    let user = realm.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    user.kvno(&["HTTP/special.shop"])?.ok()?;
    assert!(user.shown("HTTP/special.shop@TEST.KENNEL")?.flags.contains('O'));
    Ok(())
}

#[test]
fn several_services_at_once_get_a_ticket_each() -> Result<()> {
    let services: Vec<String> = (0..20).map(|n| format!("HTTP/web{n}.shop")).collect();
    let mut seed = String::new();
    for service in &services {
        seed.push_str(&format!("[[principal]]\nname = \"{service}\"\n"));
    }
    let realm = realm_with(&seed)?;
    let user = realm.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    let names: Vec<&str> = services.iter().map(String::as_str).collect();
    user.kvno(&names)?.ok()?;
    assert_eq!(user.klist()?.len(), 1 + services.len());
    Ok(())
}
