//! Clients that leave out what newer ones do: OpenJDK 11.0.5, and two in pure Python.

use crate::realm_with;
use anyhow::Result;
use kennel_tests::peers::{java_11_ticket, python_ticket};

const SERVICE: &str = "HTTP/web.shop";

/// Of the enctypes of these clients; the service has keys of RC4 too.
const SETTINGS: &str = r#"
    [realm]
    enctypes = ["aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96", "arcfour-hmac"]
"#;

#[test]
fn java_11_gets_tickets_with_its_checksum_without_a_key() -> Result<()> {
    let realm = crate::realm()?;
    let user = realm.mit()?.with_defaults(&[("default_tkt_enctypes", "aes256-cts-hmac-sha1-96")])?;
    user.kinit(&["alice"], "secret")?.ok()?;
    let run = java_11_ticket(&realm.config(), user.cache(), SERVICE)?.ok()?;
    assert!(run.stdout.contains("ticket for HTTP/web.shop@TEST.KENNEL"), "{run}");
    assert!(run.stdout.contains("java 11.0.5"), "{run}");
    Ok(())
}

#[test]
fn impacket_and_minikerberos_log_in_and_get_tickets() -> Result<()> {
    let realm = realm_with(SETTINGS)?;
    for client in ["impacket", "minikerberos"] {
        let run = python_ticket(client, realm.port(), "alice", "secret", SERVICE)?.ok()?;
        assert!(run.stdout.contains("ticket 18"), "{client}: {run}");
        assert!(!python_ticket(client, realm.port(), "alice", "wrong", SERVICE)?.status.success(), "{client}");
    }
    Ok(())
}
