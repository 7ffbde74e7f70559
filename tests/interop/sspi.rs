//! sspi-rs (Devolutions), which implements Windows' Kerberos in Rust: its DER, its names of type ENTERPRISE and its checksum without a
//! key are its own.

use crate::realm;
use anyhow::Result;
use kennel_tests::peers::{Peer, sspi_peer};
use std::time::Duration;
use tempfile::TempDir;

const SERVICE: &str = "HTTP/web.shop";

#[test]
fn sspi_rs_logs_in_by_either_form_of_a_name_and_authenticates_to_a_service() -> Result<()> {
    let realm = realm()?;
    for user in ["alice@TEST.KENNEL", "TEST.KENNEL\\alice"] {
        let folder = TempDir::new()?;
        let (mut server, port) =
            Peer::Python.accept(&realm.config(), SERVICE, &realm.keytab(SERVICE), folder.path())?;
        let run = sspi_peer(realm.port(), user, "secret", SERVICE, &port)?.ok()?;
        assert!(run.stdout.contains("mutual authentication complete"), "{user}: {run}");
        // The acceptor ends with an error, since nothing follows.
        server.wait_for_end(Duration::from_secs(10))?;
        let seen = format!("initiator alice@TEST.KENNEL\ntarget {SERVICE}@TEST.KENNEL\n");
        assert!(server.stdout().contains(&seen), "{user}: {}", server.said());
    }
    Ok(())
}

#[test]
fn sspi_rs_with_a_wrong_password_gets_nothing() -> Result<()> {
    let realm = realm()?;
    let run = sspi_peer(realm.port(), "alice@TEST.KENNEL", "wrong", SERVICE, "1")?;
    assert!(!run.status.success() && !run.stdout.contains("token"), "{run}");
    assert!(realm.audit()?.contains("PreauthFailed"), "{}", realm.audit()?);
    Ok(())
}
