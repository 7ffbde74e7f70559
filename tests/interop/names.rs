//! Aliases, canonicalization (RFC 6806) and enterprise names.

use crate::TGS;
use anyhow::Result;
use kennel_tests::realm::Realm;

const SEED: &str = r#"
    [[principals]]
    name = "alice"
    password = "secret"
    aliases = ["al", 'alice\@shop.example']

    [[principals]]
    name = "HTTP/web.shop.svc.cluster.local"
    random = true
    aliases = ["HTTP/web.shop", "HTTP/web"]
"#;

#[test]
fn an_alias_of_a_client_becomes_its_name_with_canonicalize() -> Result<()> {
    let realm = Realm::with(SEED)?;
    let user = realm.mit()?;
    user.kinit(&["-C", "al"], "secret")?.ok()?;
    let cached = user.run("klist", &[], "")?.ok()?;
    assert!(cached.stdout.contains("Default principal: alice@TEST.KENNEL"), "{cached}");
    user.kvno(&["HTTP/web"])?.ok()?;
    Ok(())
}

#[test]
fn an_alias_of_a_client_is_unknown_without_canonicalize() -> Result<()> {
    let realm = Realm::with(SEED)?;
    realm.mit()?.kinit(&["al"], "secret")?.refused("not found in Kerberos database")?;
    Ok(())
}

#[test]
fn canonicalize_leaves_a_true_name_as_it_is() -> Result<()> {
    let realm = Realm::with(SEED)?;
    let user = realm.mit()?;
    user.kinit(&["-C", "alice"], "secret")?.ok()?;
    user.shown(TGS)?;
    Ok(())
}

#[test]
fn an_enterprise_name_is_an_alias_that_asks_for_canonicalization() -> Result<()> {
    let realm = Realm::with(SEED)?;
    let user = realm.mit()?;
    user.kinit(&["-E", "alice@shop.example"], "secret")?.ok()?;
    let cached = user.run("klist", &[], "")?.ok()?;
    assert!(cached.stdout.contains("Default principal: alice@TEST.KENNEL"), "{cached}");
    Ok(())
}

#[test]
fn a_service_is_found_by_each_of_its_names() -> Result<()> {
    let realm = Realm::with(SEED)?;
    let user = realm.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    let keytab = realm.keytab("HTTP/web.shop.svc.cluster.local");
    for name in ["HTTP/web.shop.svc.cluster.local", "HTTP/web.shop", "HTTP/web"] {
        // With -k, kvno decrypts the ticket as the service would: the keytab lists every name.
        user.kvno(&["-k", &keytab.display().to_string(), name])?.ok()?;
        user.shown(&format!("{name}@TEST.KENNEL"))?;
    }
    user.kvno(&["HTTP/we"])?.refused("Server HTTP/we@TEST.KENNEL not found in Kerberos database")?;
    Ok(())
}
