//! Apache Kerby's kerb-client, which implements Kerberos in Java on its own, without the JDK's. It offers aes128-cts-hmac-sha1-96, and
//! reads no keytab with enctypes that it does not know.

use crate::{realm, realm_with};
use anyhow::Result;
use kennel_tests::peers::{Login, kerby_ticket};

const SERVICE: &str = "HTTP/web.shop";
const TICKET: &str = "ticket for HTTP/web.shop ";

#[test]
fn kerby_logs_in_by_password_and_gets_tickets() -> Result<()> {
    let realm = realm()?;
    for transport in ["udp", "tcp"] {
        let run = kerby_ticket(&realm, transport, "alice", Login::Password("secret"), SERVICE)?.ok()?;
        assert!(run.stdout.contains(TICKET), "{run}");
    }
    let run = kerby_ticket(&realm, "tcp", "alice", Login::Password("wrong"), SERVICE)?;
    assert!(!run.status.success(), "{run}");
    Ok(())
}

#[test]
fn kerby_logs_in_by_keytab() -> Result<()> {
    let realm = realm_with("[realm]\nenctypes = [\"aes256-cts-hmac-sha1-96\", \"aes128-cts-hmac-sha1-96\"]")?;
    let run = kerby_ticket(&realm, "tcp", "alice", Login::Keytab(&realm.keytab("alice")), SERVICE)?.ok()?;
    assert!(run.stdout.contains(TICKET), "{run}");
    Ok(())
}
