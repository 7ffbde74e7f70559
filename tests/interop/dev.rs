//! `kennel-kdc dev` as somebody meets it who tries Kennel for the first time.

use crate::realm;
use anyhow::Result;
use kennel_tests::realm::{Realm, run_dev};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

const SERVICE: &str = "HTTP/web.shop.svc.cluster.local";

#[test]
fn without_arguments_there_are_alice_and_a_service() -> Result<()> {
    let realm = Realm::builder("DEV.KENNEL")?.start()?;
    let user = realm.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    user.kvno(&[SERVICE])?.ok()?;
    user.kinit_with_keytab(&realm.keytab(SERVICE), &[SERVICE])?.ok()?;
    Ok(())
}

#[test]
fn its_secrets_are_for_their_owner_alone() -> Result<()> {
    let realm = Realm::builder("DEV.KENNEL")?.start()?;
    for secret in [realm.keytab("alice"), realm.keytab(SERVICE), realm.folder().join("master.key")] {
        let mode = std::fs::metadata(&secret)?.permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", secret.display());
    }
    Ok(())
}

#[test]
fn after_kill_9_tickets_and_keytabs_are_still_good() -> Result<()> {
    let mut realm = realm()?;
    let user = realm.mit()?;
    user.kinit(&["-r", "1d", "alice"], "secret")?.ok()?;
    let keytab = realm.keytab("HTTP/web.shop");
    let before = std::fs::read(&keytab)?;
    for _ in 0..3 {
        realm.kill_and_restart()?;
        // With the TGT from before: the realm's own key is the same.
        let _ = user.run("kdestroy", &["-c", &user.file("other").display().to_string()], "")?;
        let other = user.file("other").display().to_string();
        user.kvno(&["--out-cache", &other, "HTTP/web.shop"])?.ok()?;
        user.kinit(&["-R"], "")?.ok()?;
    }
    let keys = |bytes: &[u8]| -> Result<Vec<Vec<u8>>> {
        Ok(kennel_wire::keytab::decode(bytes)?.into_iter().map(|entry| entry.key.keyvalue.to_vec()).collect())
    };
    assert_eq!(keys(&std::fs::read(&keytab)?)?, keys(&before)?);
    user.kinit_with_keytab(&keytab, &["HTTP/web.shop"])?.ok()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    Ok(())
}

#[test]
fn it_stops_when_told_to() -> Result<()> {
    let mut realm = realm()?;
    let status = realm.server().terminate(Duration::from_secs(10))?;
    assert!(status.success(), "{status}");
    Ok(())
}

#[test]
fn a_second_one_on_the_same_folder_says_that_it_is_in_use() -> Result<()> {
    let realm = realm()?;
    let other = Realm::builder("TEST.KENNEL")?.port().to_string();
    let folder = realm.folder().display().to_string();
    let run = run_dev(&["--dir", &folder, "--realm", "TEST.KENNEL", "--port", &other])?.refused(&folder)?;
    assert_eq!(run.status.code(), Some(1), "{run}");
    realm.mit()?.kinit(&["alice"], "secret")?.ok()?;
    Ok(())
}

#[test]
fn a_second_one_on_the_same_port_says_that_it_is_in_use() -> Result<()> {
    let realm = realm()?;
    let port = realm.port().to_string();
    let folder = tempfile::tempdir()?;
    let folder = folder.path().join("dev").display().to_string();
    let run = run_dev(&["--dir", &folder, "--port", &port])?.refused(&port)?;
    assert_eq!(run.status.code(), Some(1), "{run}");
    realm.mit()?.kinit(&["alice"], "secret")?.ok()?;
    Ok(())
}

#[test]
fn a_folder_that_cannot_be_made_is_named() -> Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    let folder = file.path().join("dev").display().to_string();
    let port = Realm::builder("DEV.KENNEL")?.port().to_string();
    let run = run_dev(&["--dir", &folder, "--port", &port])?.refused(&folder)?;
    assert_eq!(run.status.code(), Some(1), "{run}");
    Ok(())
}
