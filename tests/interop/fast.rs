//! FAST (RFC 6113) by stock clients: armor, encrypted challenge, and what a realm that requires it lets in. Every TGS request of
//! libkrb5 is armored as well; the other files of tests try those. Heimdal 7 knows the option `--fast-armor-cache`, and then makes
//! no use of the key that strengthens the reply key, which RFC 6113 leaves to the KDC: it logs in at no KDC that sends one.

use crate::{realm, realm_with};
use anyhow::{Result, ensure};
use kennel_tests::mit::Mit;
use kennel_tests::peers::{Login, Peer};
use kennel_tests::realm::Realm;
use kennel_wire::ccache::Ccache;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A host with a keytab, whose TGT is the armor of the others.
fn host(realm: &Realm) -> Result<Mit> {
    let host = realm.mit()?;
    host.kinit_with_keytab(&realm.keytab("HTTP/web.shop"), &["HTTP/web.shop"])?.ok()?;
    Ok(host)
}

fn cache_of(host: &Mit) -> String {
    format!("FILE:{}", host.cache().display())
}

/// Waits for an audit line with all these parts.
fn audited(realm: &Realm, parts: &[&str]) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !realm.audit()?.lines().any(|line| parts.iter().all(|part| line.contains(part))) {
        ensure!(Instant::now() < deadline, "no line with {parts:?} in {}", realm.audit()?);
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

const ARMOR: &str = "\"armor\":\"HTTP/web.shop@TEST.KENNEL\"";
const ALICE: &str = "\"client\":\"alice@TEST.KENNEL\"";

#[test]
fn kinit_logs_in_inside_the_armor_of_a_host() -> Result<()> {
    let realm = realm()?;
    let (host, user) = (host(&realm)?, realm.mit()?);
    let cache = cache_of(&host);
    let run = user.kinit(&["-T", &cache, "alice"], "secret")?.ok()?;
    // The host's own reply said that FAST is known, so the first request is armored already.
    for step in ["Using FAST due to armor ccache negotiation", "encrypted_challenge (138) (real) returned: 0/Success"] {
        ensure!(run.trace.contains(step), "{step}: {run}");
    }
    audited(&realm, &["\"AS\"", "\"issued\"", ALICE, ARMOR])?;
    let run = user.kvno(&["HTTP/web.shop"])?.ok()?;
    ensure!(run.trace.contains("Decoding FAST response"), "{run}");
    audited(&realm, &["\"TGS\"", "\"issued\"", ALICE, "\"armor\":\"alice@TEST.KENNEL\""])?;
    user.kinit(&["-T", &cache, "alice"], "wrong")?.refused("Password incorrect")?;
    user.kinit(&["-T", &cache, "nobody"], "secret")?.refused("not found in Kerberos database")?;
    Ok(())
}

#[test]
fn kinit_turns_to_fast_once_the_kdc_offers_it() -> Result<()> {
    let realm = realm()?;
    let (host, user) = (host(&realm)?, realm.mit()?);
    // A cache from before: without the note that FAST is known.
    let stripped = user.file("armor");
    let mut cache = Ccache::decode(&std::fs::read(host.cache())?)?;
    cache.credentials.retain(|credential| !credential.is_config());
    std::fs::write(&stripped, &*cache.encode())?;
    let run = user.kinit(&["-T", &format!("FILE:{}", stripped.display()), "alice"], "secret")?.ok()?;
    ensure!(run.trace.contains("Upgrading to FAST due to presence of PA_FX_FAST"), "{run}");
    Ok(())
}

#[test]
fn a_realm_that_requires_fast_lets_passwords_in_by_armor_alone() -> Result<()> {
    let realm = realm_with("[realm]\nrequire_fast = true")?;
    let (host, user) = (host(&realm)?, realm.mit()?);
    let refused = user.kinit(&["alice"], "secret")?;
    ensure!(!refused.status.success(), "{refused}");
    user.kinit(&["-T", &cache_of(&host), "alice"], "secret")?.ok()?;
    user.kvno(&["HTTP/web.shop"])?.ok()?;
    Ok(())
}

#[test]
fn a_principal_that_requires_fast_gets_in_by_armor_alone() -> Result<()> {
    let realm = realm_with("[[principal]]\nname = \"bob\"\npassword = \"secret\"\nattributes = [\"require_fast\"]\n")?;
    let (host, user) = (host(&realm)?, realm.mit()?);
    let refused = user.kinit(&["bob"], "secret")?;
    ensure!(!refused.status.success(), "{refused}");
    user.kinit(&["-T", &cache_of(&host), "bob"], "secret")?.ok()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    Ok(())
}

#[test]
fn a_service_that_requires_an_indicator_takes_clients_that_logged_in_inside_armor_and_sees_it() -> Result<()> {
    let seed = "[realm]\nencrypted_challenge_indicator = \"fast\"\n[[principal]]\nname = \"root/admin\"\npassword = \"secret\"\n";
    let (realm, service) = (realm_with(seed)?, "HTTP/web.shop");
    let (host, user) = (host(&realm)?, realm.mit()?);
    let kadmin = ["-p", "root/admin", "-w", "secret", "-q", "setstr HTTP/web.shop require_auth \"otp fast\""];
    let run = user.run("kadmin", &kadmin, "")?.ok()?;
    ensure!(run.stdout.contains("Attribute set"), "{run}");
    user.kinit(&["alice"], "secret")?.ok()?;
    user.kvno(&[service])?.refused("KDC policy rejects request")?;
    user.kinit(&["-S", service, "alice"], "secret")?.refused("KDC policy rejects request")?;
    user.kinit(&["-T", &cache_of(&host), "alice"], "secret")?.ok()?;
    user.kvno(&[service])?.ok()?;
    let folder = TempDir::new()?;
    let (server, port) = Peer::Python.accept(&realm.config(), service, &realm.keytab(service), folder.path())?;
    Peer::Python.initiate(&realm.config(), &port, "HTTP@web.shop", "alice", Login::Cache(user.cache()))?.ok()?;
    ensure!(server.stdout().contains("indicator fast\n"), "{}", server.said());
    Ok(())
}

#[test]
fn kinit_uses_fast_with_each_enctype() -> Result<()> {
    for enctype in [
        "aes256-cts-hmac-sha384-192",
        "aes128-cts-hmac-sha256-128",
        "aes256-cts-hmac-sha1-96",
        "aes128-cts-hmac-sha1-96",
    ] {
        let realm = realm_with(&format!("[realm]\nenctypes = [\"{enctype}\"]"))?;
        let (host, user) = (host(&realm)?, realm.mit()?);
        user.kinit(&["-T", &cache_of(&host), "alice"], "secret")?.ok()?;
        user.kvno(&["HTTP/web.shop"])?.ok()?;
    }
    Ok(())
}
