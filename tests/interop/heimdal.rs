//! Heimdal 7.8: it knows the enctypes of RFC 3962 and (as a library of tickets it cannot read) takes those of RFC 8009 in
//! tickets.

use crate::{realm, realm_with};
use anyhow::Result;
use kennel_tests::heimdal::Heimdal;

#[test]
fn heimdal_logs_in_and_gets_a_service_ticket_over_udp_and_tcp() -> Result<()> {
    let realm = realm()?;
    for (defaults, port) in [("", ""), ("udp_preference_limit = 1", "tcp/")] {
        // Heimdal chooses TCP by the prefix of the KDC's address.
        let text = std::fs::read_to_string(realm.config())?;
        let config = realm.folder().join(format!("heimdal{}.conf", defaults.len()));
        std::fs::write(&config, text.replace("kdc = ", &format!("kdc = {port}")))?;
        let user = Heimdal::new(&config, defaults)?;
        user.kinit(&["alice"], "wrong")?.refused("Password incorrect")?;
        user.kinit(&["alice"], "secret")?.ok()?;
        user.run("kgetcred", &["HTTP/web.shop"])?.ok()?;
        let shown = user.klist()?;
        assert!(shown.contains("Server: HTTP/web.shop@TEST.KENNEL"), "{shown}");
        assert!(shown.contains("Ticket etype: aes256-cts-hmac-sha384-192"), "{shown}");
        assert!(shown.contains("Session key: aes256-cts-hmac-sha1-96"), "{shown}");
    }
    Ok(())
}

#[test]
fn heimdal_uses_each_enctype_that_it_knows() -> Result<()> {
    for enctype in ["aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96"] {
        let realm = realm_with(&format!("[realm]\nenctypes = [\"{enctype}\"]"))?;
        let user = Heimdal::new(&realm.config(), "")?;
        user.kinit(&["alice"], "secret")?.ok()?;
        user.run("kgetcred", &["HTTP/web.shop"])?.ok()?;
        let shown = user.klist()?;
        // Where the ticket and the session have one enctype, klist says it once.
        assert_eq!(shown.matches(&format!("Ticket etype: {enctype}")).count(), 2, "{shown}");
    }
    Ok(())
}

#[test]
fn heimdal_logs_in_with_a_keytab_that_kennel_wrote() -> Result<()> {
    let realm = realm()?;
    let user = Heimdal::new(&realm.config(), "")?;
    let keytab = realm.keytab("alice");
    user.run("kinit.heimdal", &["-k", "-t", &format!("FILE:{}", keytab.display()), "alice"])?.ok()?;
    user.run("kgetcred", &["HTTP/web.shop"])?.ok()?;
    Ok(())
}

#[test]
fn heimdal_renews_forwards_and_follows_an_alias() -> Result<()> {
    let realm = realm_with("[[principal]]\nname = \"HTTP/db.shop\"\naliases = [\"HTTP/db\"]\n")?;
    let user = Heimdal::new(&realm.config(), "")?;
    user.kinit(&["--renewable", "--forwardable", "alice"], "secret")?.ok()?;
    let before = user.klist()?;
    assert!(before.contains("renewable") && before.contains("forwardable"), "{before}");
    user.run("kinit.heimdal", &["-R"])?.ok()?;
    user.run("kgetcred", &["--forwardable", "HTTP/web.shop"])?.ok()?;
    user.run("kgetcred", &["--canonicalize", "HTTP/db"])?.ok()?;
    let shown = user.klist()?;
    assert!(shown.contains("HTTP/web.shop@") && shown.contains("HTTP/db"), "{shown}");
    user.run("kdestroy.heimdal", &[])?.ok()?;
    assert!(user.klist().is_err());
    Ok(())
}

#[test]
fn heimdal_is_told_what_is_unknown() -> Result<()> {
    let realm = realm()?;
    let user = Heimdal::new(&realm.config(), "")?;
    user.kinit(&["nobody"], "secret")?.refused("not found")?;
    user.kinit(&["alice"], "secret")?.ok()?;
    user.run("kgetcred", &["HTTP/nowhere"])?.refused("not found")?;
    Ok(())
}
