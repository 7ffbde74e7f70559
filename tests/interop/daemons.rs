//! Servers as they are run everywhere, with keytabs of Kennel: Apache with mod_auth_gssapi, PostgreSQL, OpenSSH.

use crate::realm_with;
use anyhow::Result;
use kennel_tests::daemon::Daemon;
use kennel_tests::mit::Mit;
use kennel_tests::process::Run;
use kennel_tests::realm::Realm;

const SERVICES: &str = "[[principal]]\nname = \"HTTP/localhost\"\n[[principal]]\nname = \"postgres/localhost\"\n\
                        [[principal]]\nname = \"host/localhost\"\n[[principal]]\nname = \"root\"\npassword = \"secret\"\n\
                        [[principal]]\nname = \"bob\"\npassword = \"secret\"\n";

fn realm() -> Result<Realm> {
    realm_with(SERVICES)
}

fn user(realm: &Realm, name: &str) -> Result<Mit> {
    let user = realm.mit()?;
    user.kinit(&["-f", name], "secret")?.ok()?;
    Ok(user)
}

fn curl(user: &Mit, port: u16, more: &[&str]) -> Result<Run> {
    let url = format!("http://localhost:{port}/index.html");
    user.run("curl", &[&["-sS", "-4", "-w", " %{http_code}", &url], more].concat(), "")
}

#[test]
fn curl_negotiates_with_apache() -> Result<()> {
    let realm = realm()?;
    let apache = Daemon::apache(&realm.config(), &realm.keytab("HTTP/localhost"))?;
    let alice = user(&realm, "alice")?;
    let page = curl(&alice, apache.port(), &["--negotiate", "-u", ":"])?.ok()?;
    assert_eq!(page.stdout, "alice@TEST.KENNEL 200", "{page}\n{}", apache.said());
    let refused = curl(&alice, apache.port(), &["-o", "/dev/null"])?.ok()?;
    assert_eq!(refused.stdout, " 401");
    let stranger = realm.mit()?;
    let refused = curl(&stranger, apache.port(), &["-o", "/dev/null", "--negotiate", "-u", ":"])?;
    assert_eq!(refused.stdout, " 401", "without a ticket");
    Ok(())
}

#[test]
fn psql_logs_in_to_postgresql_encrypted_and_as_nobody_else() -> Result<()> {
    let realm = realm()?;
    let postgres = Daemon::postgres(&realm.config(), &realm.keytab("postgres/localhost"), &["alice", "bob"])?;
    let alice = user(&realm, "alice")?;
    let psql = |role: &str, mode: &str| {
        let to = format!(
            "host=localhost hostaddr=127.0.0.1 port={} dbname=postgres user={role} gssencmode={mode}",
            postgres.port()
        );
        let query = "SELECT current_user, gss_authenticated, encrypted, principal FROM pg_stat_gssapi \
                     WHERE pid = pg_backend_pid()";
        alice.run("psql", &["-X", "-A", "-t", "-c", query, &to], "")
    };
    for (mode, encrypted) in [("disable", "f"), ("require", "t")] {
        let run = psql("alice", mode)?.ok().map_err(|error| error.context(postgres.said()))?;
        assert_eq!(run.stdout.trim(), format!("alice|t|{encrypted}|alice@TEST.KENNEL"));
    }
    psql("bob", "disable")?.refused("GSSAPI authentication failed for user \"bob\"")?;
    Ok(())
}

#[test]
fn ssh_logs_in_and_takes_a_forwarded_ticket_along() -> Result<()> {
    let realm = realm()?;
    let sshd = Daemon::sshd(&realm.config(), &realm.keytab("host/localhost"))?;
    let port = sshd.port().to_string();
    let ssh = |user: &Mit, delegate: &str| {
        let options = [
            "-F",
            "none",
            "-4",
            "-p",
            &port,
            "-o",
            "GSSAPIAuthentication=yes",
            "-o",
            "PreferredAuthentications=gssapi-with-mic",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            delegate,
            "root@localhost",
            "id -un; klist -f | grep krbtgt -A1",
        ];
        user.run("ssh", &options, "")
    };
    let root = user(&realm, "root")?;
    let run = ssh(&root, "GSSAPIDelegateCredentials=yes")?.ok().map_err(|error| error.context(sshd.said()))?;
    assert!(run.stdout.starts_with("root\n"), "{run}");
    assert!(run.stdout.contains("krbtgt/TEST.KENNEL@TEST.KENNEL") && run.stdout.contains("Flags: F"), "{run}");
    assert!(realm.audit()?.contains("forwarded"), "the KDC issued a forwarded ticket");
    // Another principal is another user.
    let run = ssh(&user(&realm, "bob")?, "GSSAPIDelegateCredentials=no")?;
    assert!(!run.status.success(), "{run}");
    Ok(())
}
