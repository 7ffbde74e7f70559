//! Go: gokrb5 as a client, and on both sides of SPNEGO over HTTP.

use crate::{realm, realm_with};
use anyhow::{Context, Result};
use kennel_tests::peers::go_peer;
use kennel_tests::process::{self, Run, Server};
use kennel_tests::realm::Realm;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const SERVICE: &str = "HTTP/web.shop";

fn go(realm: &Realm, arguments: &[&str]) -> Result<Run> {
    process::run(Command::new(go_peer()?).args(arguments).env("KRB5_CONFIG", realm.config()), "")
}

/// Serves HTTP with SPNEGO; gives the process and its URL.
fn serve(realm: &Realm, folder: &TempDir) -> Result<(Server, String)> {
    let mut command = Command::new(go_peer()?);
    command.arg("serve").arg(realm.keytab(SERVICE)).arg(SERVICE).env("KRB5_CONFIG", realm.config());
    let mut server = Server::start(&mut command, folder.path(), "gopeer")?;
    server.wait_until(Duration::from_secs(20), |server| server.stdout().contains('\n'))?;
    let url = format!("http://127.0.0.1:{}/", server.stdout().trim());
    Ok((server, url))
}

#[test]
fn gokrb5_logs_in_with_password_keytab_and_cache() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    let keytab = realm.keytab("alice");
    let (keytab, cache) = (keytab.to_str().context("UTF-8")?, user.cache().to_str().context("UTF-8")?);
    for login in [["password", "alice", "secret"], ["keytab", "alice", keytab], ["ccache", "-", cache]] {
        let run = go(&realm, &[&["ticket"], &login[..], &[SERVICE]].concat())?.ok()?;
        assert!(run.stdout.contains("ticket 20"), "{run}");
    }
    go(&realm, &["ticket", "password", "alice", "wrong", SERVICE])?.refused("KDC_ERR_PREAUTH_FAILED")?;
    Ok(())
}

#[test]
fn gokrb5_logs_in_by_an_alias_which_stays_its_name() -> Result<()> {
    // It refuses a reply that names it otherwise, even where it asks for canonicalization.
    let realm = realm_with("[[principal]]\nname = \"bob\"\npassword = \"secret\"\naliases = [\"robert\"]")?;
    let run = go(&realm, &["ticket", "password", "robert", "secret", SERVICE])?.ok()?;
    assert!(run.stdout.contains("ticket 20"), "{run}");
    Ok(())
}

#[test]
fn gokrb5_uses_each_enctype() -> Result<()> {
    for (enctype, number) in [
        ("aes256-cts-hmac-sha384-192", 20),
        ("aes128-cts-hmac-sha256-128", 19),
        ("aes256-cts-hmac-sha1-96", 18),
        ("aes128-cts-hmac-sha1-96", 17),
    ] {
        let realm = realm_with(&format!("[realm]\nenctypes = [\"{enctype}\"]"))?;
        let config = realm.config();
        let text = std::fs::read_to_string(&config)?;
        // Its own defaults leave RFC 8009 out.
        let wanted = format!(
            "[libdefaults]\n default_tkt_enctypes = {enctype}\n default_tgs_enctypes = {enctype}\n permitted_enctypes = {enctype}"
        );
        std::fs::write(&config, text.replace("[libdefaults]", &wanted))?;
        let run = go(&realm, &["ticket", "password", "alice", "secret", SERVICE])?.ok()?;
        assert_eq!(run.stdout.trim(), format!("ticket {number} session {number}"));
    }
    Ok(())
}

#[test]
fn a_go_server_takes_spnego_from_go_and_from_curl() -> Result<()> {
    let (realm, folder) = (realm_with("[[principal]]\nname = \"HTTP/localhost\"\n")?, TempDir::new()?);
    let (_server, url) = serve(&realm, &folder)?;
    let run = go(&realm, &["get", "alice", "secret", &url, SERVICE])?.ok()?;
    assert_eq!(run.stdout.trim(), "200 hello alice of TEST.KENNEL");
    let user = realm.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    let resolve = format!("web.shop:{}:127.0.0.1", url.trim_end_matches('/').rsplit(':').next().unwrap_or_default());
    let named = url.replace("127.0.0.1", "web.shop");
    let curl = ["-sS", "--negotiate", "-u", ":", "--resolve", &resolve, &named];
    assert_eq!(user.run("curl", &curl, "")?.ok()?.stdout, "hello alice of TEST.KENNEL");
    Ok(())
}

#[test]
fn a_go_server_refuses_without_a_ticket() -> Result<()> {
    let (realm, folder) = (realm()?, TempDir::new()?);
    let (_server, url) = serve(&realm, &folder)?;
    let run =
        process::run(Command::new("curl").args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", &url]), "")?.ok()?;
    assert_eq!(run.stdout, "401");
    Ok(())
}
