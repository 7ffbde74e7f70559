//! GSS-API conversations (RFC 4121) under tickets and keytabs of Kennel: mutual authentication, wrap with and without
//! confidentiality, MIC; Python on MIT's library and Java, on either side.

use crate::realm_with;
use anyhow::Result;
use kennel_tests::peers::{Login, Peer, jdks};
use kennel_tests::realm::Realm;
use tempfile::TempDir;

const AES: [&str; 4] =
    ["aes256-cts-hmac-sha384-192", "aes128-cts-hmac-sha256-128", "aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96"];

/// A whole conversation of alice; both sides must say that all was as it should be.
fn conversation(realm: &Realm, acceptor: &Peer, initiator: &Peer, login: Login<'_>) -> Result<()> {
    conversation_as(realm, acceptor, initiator, login, ("alice", "alice"))
}

/// The same of an initiator that logs in by a name, and is seen under a name.
fn conversation_as(
    realm: &Realm,
    acceptor: &Peer,
    initiator: &Peer,
    login: Login<'_>,
    (name, seen): (&str, &str),
) -> Result<()> {
    let folder = TempDir::new()?;
    let (config, keytab) = (realm.config(), realm.keytab("HTTP/web.shop"));
    let (server, port) = acceptor.accept(&config, "HTTP/web.shop", &keytab, folder.path())?;
    let run = initiator.initiate(&config, &port, "HTTP@web.shop", name, login)?;
    let run = run.ok().map_err(|error| error.context(server.said()))?;
    assert!(run.stdout.contains("session complete"), "{run}\n{}", server.said());
    assert!(run.stdout.to_lowercase().contains("mutual true"), "{run}");
    let initiator = format!("initiator {seen}@TEST.KENNEL");
    for said in [
        &*initiator,
        "target HTTP/web.shop@TEST.KENNEL",
        "unwrapped wrapped with confidentiality encrypted",
        "unwrapped wrapped with integrity alone plain",
        "signature verified",
    ] {
        assert!(server.stdout().contains(said), "the acceptor did not say {said:?}\n{}", server.said());
    }
    Ok(())
}

/// A realm in which everything has one enctype.
fn realm_of(enctype: &str) -> Result<Realm> {
    realm_with(&format!("[realm]\nenctypes = [\"{enctype}\"]"))
}

#[test]
fn python_talks_to_python_with_each_enctype() -> Result<()> {
    for enctype in AES {
        let realm = realm_of(enctype)?;
        let user = realm.mit()?;
        user.kinit(&["alice"], "secret")?.ok()?;
        conversation(&realm, &Peer::Python, &Peer::Python, Login::Cache(user.cache()))?;
        let ticket = user.shown("HTTP/web.shop@TEST.KENNEL")?;
        assert_eq!([&*ticket.session_enctype, &*ticket.ticket_enctype], [enctype, enctype]);
    }
    Ok(())
}

#[test]
fn java_talks_to_java_with_each_enctype() -> Result<()> {
    for enctype in AES {
        let realm = realm_of(enctype)?;
        for jdk in jdks()? {
            conversation(&realm, &Peer::Java(jdk.clone()), &Peer::Java(jdk), Login::Password("secret"))?;
        }
    }
    Ok(())
}

#[test]
fn java_and_python_talk_to_each_other() -> Result<()> {
    let realm = crate::realm()?;
    let user = realm.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    for jdk in jdks()? {
        let java = Peer::Java(jdk);
        conversation(&realm, &java, &Peer::Python, Login::Cache(user.cache()))?;
        conversation(&realm, &Peer::Python, &java, Login::Password("secret"))?;
    }
    Ok(())
}

#[test]
fn services_accept_a_renewable_ticket_with_the_checksums_of_a_cammac() -> Result<()> {
    let realm = crate::realm()?;
    let user = realm.mit()?;
    user.kinit(&["-r", "1d", "alice"], "secret")?.ok()?;
    conversation(&realm, &Peer::Python, &Peer::Python, Login::Cache(user.cache()))?;
    assert!(user.shown("HTTP/web.shop@TEST.KENNEL")?.flags.contains('R'));
    for jdk in jdks()? {
        conversation(&realm, &Peer::Java(jdk), &Peer::Python, Login::Cache(user.cache()))?;
    }
    Ok(())
}

#[test]
fn java_logs_in_with_a_keytab_and_with_a_cache_of_kinit() -> Result<()> {
    let realm = crate::realm()?;
    let user = realm.mit()?;
    user.kinit(&["alice"], "secret")?.ok()?;
    for jdk in jdks()? {
        let java = Peer::Java(jdk);
        conversation(&realm, &Peer::Python, &java, Login::Keytab(&realm.keytab("alice")))?;
        conversation(&realm, &Peer::Python, &java, Login::Cache(user.cache()))?;
    }
    Ok(())
}

#[test]
fn java_goes_over_tcp_where_the_configuration_says_so() -> Result<()> {
    let realm = crate::realm()?;
    set(&realm, "udp_preference_limit = 1")?;
    for jdk in jdks()? {
        conversation(&realm, &Peer::Python, &Peer::Java(jdk), Login::Password("secret"))?;
    }
    Ok(())
}

#[test]
fn java_renews_its_ticket() -> Result<()> {
    let realm = crate::realm()?;
    set(&realm, "renew_lifetime = 1d")?;
    for jdk in jdks()? {
        let run = Peer::Java(jdk).renew(&realm.config(), "alice", "secret")?.ok()?;
        assert!(run.stdout.contains("renewed true"), "{run}");
    }
    Ok(())
}

/// Adds a line to the section libdefaults of the realm's krb5.conf.
fn set(realm: &Realm, line: &str) -> Result<()> {
    let text = std::fs::read_to_string(realm.config())?;
    Ok(std::fs::write(realm.config(), text.replace("[libdefaults]", &format!("[libdefaults]\n    {line}")))?)
}

#[test]
fn java_logs_in_whatever_renewable_life_it_asks_for_and_the_realm_permits() -> Result<()> {
    // Java ends with KRB_AP_ERR_MODIFIED where it asks for a renewable ticket and gets another one.
    for (permitted, asked) in [("7d", "0"), ("0s", "7d"), ("0s", "0")] {
        let realm = realm_with(&format!("[realm]\nmax_renewable_life = \"{permitted}\""))?;
        set(&realm, &format!("renew_lifetime = {asked}"))?;
        for jdk in jdks()? {
            conversation(&realm, &Peer::Python, &Peer::Java(jdk), Login::Password("secret"))?;
        }
    }
    Ok(())
}

#[test]
fn java_logs_in_where_its_principal_may_not_renew() -> Result<()> {
    let realm = realm_with(
        r#"
        [[principal]]
        name = "bob"
        password = "secret"
        attributes = ["disallow_renewable"]
        "#,
    )?;
    set(&realm, "renew_lifetime = 7d")?;
    for jdk in jdks()? {
        conversation_as(&realm, &Peer::Python, &Peer::Java(jdk), Login::Password("secret"), ("bob", "bob"))?;
    }
    Ok(())
}

#[test]
fn java_sums_up_its_requests_as_versions_up_to_11_do() -> Result<()> {
    for checksum in ["rsa-md5", "rsa-md4"] {
        let realm = crate::realm()?;
        set(&realm, &format!("default_checksum = {checksum}"))?;
        for jdk in jdks()? {
            conversation(&realm, &Peer::Python, &Peer::Java(jdk), Login::Password("secret"))?;
        }
    }
    Ok(())
}

#[test]
fn java_logs_in_by_an_alias_and_keeps_it_unless_it_asks_for_the_canonical_name() -> Result<()> {
    for (canonicalize, seen) in [("false", "robert"), ("true", "bob")] {
        let seed = "[[principal]]\nname = \"bob\"\npassword = \"secret\"\naliases = [\"robert\"]";
        let realm = realm_with(seed)?;
        set(&realm, &format!("canonicalize = {canonicalize}"))?;
        for jdk in jdks()? {
            conversation_as(&realm, &Peer::Python, &Peer::Java(jdk), Login::Password("secret"), ("robert", seen))?;
        }
    }
    Ok(())
}

#[test]
fn an_acceptor_with_the_wrong_keytab_refuses() -> Result<()> {
    let realm = crate::realm()?;
    let (folder, user) = (TempDir::new()?, realm.mit()?);
    user.kinit(&["alice"], "secret")?.ok()?;
    let wrong = realm.keytab("alice");
    let (mut server, port) = Peer::Python.accept(&realm.config(), "", &wrong, folder.path())?;
    let login = Login::Cache(user.cache());
    let run = Peer::Python.initiate(&realm.config(), &port, "HTTP@web.shop", "alice", login)?;
    assert!(!run.status.success(), "{run}");
    server.wait_until(std::time::Duration::from_secs(10), |server| server.stderr().contains("GSSError"))?;
    Ok(())
}

#[test]
fn java_with_a_wrong_password_is_refused() -> Result<()> {
    let realm = crate::realm()?;
    let folder = TempDir::new()?;
    let (_server, port) = Peer::Python.accept(&realm.config(), "", &realm.keytab("HTTP/web.shop"), folder.path())?;
    for jdk in jdks()? {
        let login = Login::Password("wrong");
        Peer::Java(jdk).initiate(&realm.config(), &port, "HTTP@web.shop", "alice", login)?.refused("LoginException")?;
    }
    Ok(())
}
