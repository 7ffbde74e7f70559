//! The Python bindings `krb5` (PyPI), which pyspnego and smbprotocol log in by: libkrb5's functions as a program calls them, without kinit.

use crate::realm;
use anyhow::Result;
use kennel_tests::peers::pykrb5_login;

const SERVICE: &str = "HTTP/web.shop";

#[test]
fn python_krb5_logs_in_by_password_and_keytab_renews_and_gets_tickets() -> Result<()> {
    let realm = realm()?;
    let (user, keytab) = (realm.mit()?, realm.keytab("alice"));
    for secret in [["password", "secret"], ["keytab", &keytab.display().to_string()]] {
        let run = pykrb5_login(&realm.config(), user.cache(), "alice", secret, SERVICE)?.ok()?;
        for line in
            ["ticket for krbtgt/TEST.KENNEL@TEST.KENNEL", "ticket for HTTP/web.shop@TEST.KENNEL", "renewed krbtgt/"]
        {
            assert!(run.stdout.contains(line), "{line}: {run}");
        }
        // The cache that it wrote is good for other programs.
        user.kvno(&[SERVICE])?.ok()?;
    }
    Ok(())
}

#[test]
fn python_krb5_says_what_is_wrong() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    let login = |name, password| pykrb5_login(&realm.config(), user.cache(), name, ["password", password], SERVICE);
    login("alice", "wrong")?.refused("Preauthentication failed")?;
    login("nobody", "secret")?.refused("not found in Kerberos database")?;
    Ok(())
}
