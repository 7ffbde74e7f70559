//! Aliases, canonicalization (RFC 6806) and enterprise names.

use crate::{TGS, realm_with};
use anyhow::Result;

const SEED: &str = r#"
    [[principal]]
    name = "bob"
    password = "secret"
    aliases = ["robert"]

    [[principal]]
    name = "HTTP/db.shop.svc.cluster.local"
    aliases = ["HTTP/db.shop", "HTTP/db"]
"#;

#[test]
fn an_alias_of_a_client_becomes_its_name_with_canonicalize() -> Result<()> {
    let realm = realm_with(SEED)?;
    let user = realm.mit()?;
    user.kinit(&["-C", "robert"], "secret")?.ok()?;
    let cached = user.run("klist", &[], "")?.ok()?;
    assert!(cached.stdout.contains("Default principal: bob@TEST.KENNEL"), "{cached}");
    user.kvno(&["HTTP/db"])?.ok()?;
    Ok(())
}

#[test]
fn an_alias_of_a_client_stays_its_name_without_canonicalize() -> Result<()> {
    let realm = realm_with(SEED)?;
    let user = realm.mit()?;
    user.kinit(&["-r", "1d", "robert"], "secret")?.ok()?;
    let cached = user.run("klist", &[], "")?.ok()?;
    assert!(cached.stdout.contains("Default principal: robert@TEST.KENNEL"), "{cached}");
    user.kvno(&["HTTP/db"])?.ok()?;
    user.kinit(&["-R"], "")?.ok()?;
    user.kvno(&["HTTP/db.shop"])?.ok()?;
    Ok(())
}

#[test]
fn canonicalize_leaves_a_true_name_as_it_is() -> Result<()> {
    let realm = realm_with(SEED)?;
    let user = realm.mit()?;
    user.kinit(&["-C", "bob"], "secret")?.ok()?;
    user.shown(TGS)?;
    Ok(())
}

#[test]
fn an_enterprise_name_of_a_domain_of_the_realm_is_a_user_of_it() -> Result<()> {
    let realm = realm_with(&format!("[realm.domain_realms]\n\"shop.example\" = \"TEST.KENNEL\"\n{SEED}"))?;
    let user = realm.mit()?;
    user.kinit(&["-E", "bob@shop.example"], "secret")?.ok()?;
    user.kinit(&["-C", "-E", "bob@shop.example"], "secret")?.ok()?;
    let cached = user.run("klist", &[], "")?.ok()?;
    assert!(cached.stdout.contains("Default principal: bob@TEST.KENNEL"), "{cached}");
    user.kinit(&["-C", "-E", "bob@elsewhere.example"], "secret")?.refused("not found in Kerberos database")?;
    Ok(())
}

#[test]
fn a_service_is_found_by_each_of_its_names() -> Result<()> {
    let realm = realm_with(SEED)?;
    let user = realm.mit()?;
    user.kinit(&["bob"], "secret")?.ok()?;
    let keytab = realm.keytab("HTTP/db.shop.svc.cluster.local");
    for name in ["HTTP/db.shop.svc.cluster.local", "HTTP/db.shop", "HTTP/db"] {
        // With -k, kvno decrypts the ticket as the service would: the keytab lists every name.
        user.kvno(&["-k", &keytab.display().to_string(), name])?.ok()?;
        user.shown(&format!("{name}@TEST.KENNEL"))?;
    }
    user.kvno(&["HTTP/d"])?.refused("Server HTTP/d@TEST.KENNEL not found in Kerberos database")?;
    Ok(())
}
