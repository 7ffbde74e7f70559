//! Each enctype in each of its places: ticket, session key, reply.

use crate::{TGS, realm, realm_with};
use anyhow::{Context, Result};

const AES: [&str; 4] =
    ["aes256-cts-hmac-sha384-192", "aes128-cts-hmac-sha256-128", "aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96"];

#[test]
fn a_realm_may_use_one_enctype_for_all() -> Result<()> {
    for enctype in AES {
        let realm = realm_with(&format!("[realm]\nenctypes = [\"{enctype}\"]"))?;
        let user = realm.mit()?;
        let initial = user.kinit(&["alice"], "secret")?.ok()?;
        assert_eq!(reply_enctype(&initial.trace)?, short(enctype));
        user.kvno(&["HTTP/web.shop"])?.ok()?;
        for server in [TGS, "HTTP/web.shop@TEST.KENNEL"] {
            let ticket = user.shown(server)?;
            assert_eq!([&ticket.session_enctype, &ticket.ticket_enctype], [enctype, enctype], "{server}");
        }
    }
    Ok(())
}

#[test]
fn reply_session_and_ticket_may_each_have_their_own() -> Result<()> {
    let realm = realm_with(
        r#"
        [[principal]]
        name = "bob"
        password = "secret"
        enctypes = ["aes128-cts-hmac-sha1-96"]

        [[principal]]
        name = "HTTP/special.shop"
        enctypes = ["aes128-cts-hmac-sha256-128"]
        "#,
    )?;
    let user = realm.mit()?.with_defaults(&[("default_tgs_enctypes", "aes128-sha2 aes256-sha1")])?;
    let initial = user.kinit(&["bob"], "secret")?.ok()?;
    assert_eq!(reply_enctype(&initial.trace)?, "aes128-cts");
    assert_eq!(user.shown(TGS)?.ticket_enctype, "aes256-cts-hmac-sha384-192");
    user.kvno(&["HTTP/special.shop"])?.ok()?;
    let ticket = user.shown("HTTP/special.shop@TEST.KENNEL")?;
    assert_eq!(ticket.ticket_enctype, "aes128-cts-hmac-sha256-128");
    assert_eq!(ticket.session_enctype, "aes128-cts-hmac-sha256-128");
    Ok(())
}

#[test]
fn a_client_of_one_enctype_gets_a_ticket_for_a_service_of_another() -> Result<()> {
    let realm = realm_with(
        r#"
        [realm]
        enctypes = ["aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96", "arcfour-hmac"]

        [[principal]]
        name = "HTTP/old.shop"
        enctypes = ["arcfour-hmac"]

        [[principal]]
        name = "HTTP/small.shop"
        enctypes = ["aes128-cts-hmac-sha1-96"]
        "#,
    )?;
    let user = realm.mit()?.with_defaults(&[("permitted_enctypes", "aes256-cts-hmac-sha1-96")])?;
    user.kinit(&["alice"], "secret")?.ok()?;
    for (service, enctype) in [("HTTP/old.shop", "arcfour-hmac"), ("HTTP/small.shop", "aes128-cts-hmac-sha1-96")] {
        user.kvno(&[service])?.ok()?;
        let ticket = user.shown(&format!("{service}@TEST.KENNEL"))?;
        assert!(ticket.ticket_enctype.contains(enctype), "{}", ticket.ticket_enctype);
        assert_eq!(ticket.session_enctype, "aes256-cts-hmac-sha1-96");
    }
    Ok(())
}

#[test]
fn the_client_chooses_the_session_enctype() -> Result<()> {
    let realm = realm()?;
    for enctype in AES {
        let user = realm.mit()?;
        user.kinit(&["alice"], "secret")?.ok()?;
        user.kvno(&["-e", enctype, "HTTP/web.shop"])?.ok()?;
        let ticket = user.shown("HTTP/web.shop@TEST.KENNEL")?;
        assert_eq!(ticket.session_enctype, enctype);
        assert_eq!(ticket.ticket_enctype, "aes256-cts-hmac-sha384-192");
    }
    Ok(())
}

#[test]
fn an_enctype_that_the_realm_does_not_permit_is_refused() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?.with_defaults(&[("permitted_enctypes", "arcfour-hmac"), ("allow_rc4", "true")])?;
    user.kinit(&["alice"], "secret")?.refused("KDC has no support for encryption type")?;
    Ok(())
}

#[test]
fn each_key_of_a_keytab_will_do() -> Result<()> {
    let realm = realm()?;
    for enctype in AES {
        let user = realm.mit()?.with_defaults(&[("permitted_enctypes", enctype)])?;
        let initial = user.kinit_with_keytab(&realm.keytab("alice"), &["alice"])?.ok()?;
        assert_eq!(reply_enctype(&initial.trace)?, short(enctype));
    }
    Ok(())
}

/// The name that libkrb5's traces use.
fn short(enctype: &str) -> &str {
    match enctype {
        "aes256-cts-hmac-sha384-192" => "aes256-sha2",
        "aes128-cts-hmac-sha256-128" => "aes128-sha2",
        "aes256-cts-hmac-sha1-96" => "aes256-cts",
        "aes128-cts-hmac-sha1-96" => "aes128-cts",
        other => other,
    }
}

/// The enctype of the key that the AS reply was decrypted with.
fn reply_enctype(trace: &str) -> Result<&str> {
    let line = trace.lines().find(|line| line.contains("AS key determined by")).context("no AS key in the trace")?;
    let (_, key) = line.rsplit_once(' ').context("no key in the line")?;
    Ok(key.split_once('/').context("no key hash in the line")?.0)
}
