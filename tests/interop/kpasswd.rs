//! Changes of passwords by stock clients: MIT's kpasswd and kinit, Heimdal's kpasswd.

use anyhow::{Context, Result, ensure};
use kennel_tests::heimdal::Heimdal;
use kennel_tests::lossy::{Drops, LossyServer};
use kennel_tests::mit::Mit;
use kennel_tests::process::Run;
use kennel_tests::realm::Realm;
use kennel_wire::kpasswd::encode_reply;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

const SEED: &str = r#"
    [[policy]]
    name = "people"
    min_length = 8
    history = 3
    max_failures = 3
    lockout_duration = "1h"

    [[policy]]
    name = "patient"
    min_life = "1d"

    [[principal]]
    name = "alice"
    password = "first password"
    policy = "people"

    [[principal]]
    name = "bob"
    password = "first password"
    policy = "patient"

    [[principal]]
    name = "carol"
    password = "first password"
    password_expires = 2020-01-01T00:00:00Z

    [[principal]]
    name = "dave"
    password = "first password"
    attributes = ["password_change_required"]

    [[principal]]
    name = "erin"
    password = "first password"

    [[principal]]
    name = "HTTP/web.shop"
"#;

fn realm() -> Result<Realm> {
    Realm::builder("TEST.KENNEL")?.seed(SEED).start()
}

/// Runs MIT's kpasswd: the old password, and twice the new one.
fn kpasswd(user: &Mit, name: &str, old: &str, new: &str) -> Result<Run> {
    user.run("kpasswd", &[name], &format!("{old}\n{new}\n{new}\n"))
}

/// Whether the words are in what the program says, on either stream.
fn says(run: &Run, words: &str) -> Result<()> {
    ensure!(run.stdout.contains(words) || run.stderr.contains(words), "{words:?} is not in\n{run}");
    Ok(())
}

fn logs_in(user: &Mit, name: &str, password: &str) -> Result<()> {
    user.kinit(&[name], password)?.ok()?;
    Ok(())
}

/// The krb5.conf of the realm, with another server for passwords.
fn config_with(realm: &Realm, server: SocketAddr, name: &str) -> Result<PathBuf> {
    let text = std::fs::read_to_string(realm.config())?;
    let old = format!("kpasswd_server = 127.0.0.1:{}", realm.kpasswd_port());
    ensure!(text.contains(&old), "{text}");
    let path = realm.folder().join(name);
    std::fs::write(&path, text.replace(&old, &format!("kpasswd_server = {server}")))?;
    Ok(path)
}

#[test]
fn a_person_changes_its_password_and_reads_what_is_wrong_with_a_new_one() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    says(&kpasswd(&user, "alice", "first password", "short")?, "it needs 8 characters")?;
    logs_in(&user, "alice", "first password")?;
    let changed = kpasswd(&user, "alice", "first password", "second password")?.ok()?;
    says(&changed, "Password changed.")?;
    assert!(changed.trace.contains("TCP"), "{changed}");
    user.kinit(&["alice"], "first password")?.refused("Password incorrect")?;
    logs_in(&user, "alice", "second password")?;
    // Tickets know whole seconds: of a login within the second of the change, nobody can tell that it came later.
    std::thread::sleep(Duration::from_secs(1));
    for used in ["second password", "first password"] {
        says(&kpasswd(&user, "alice", "second password", used)?, "was used before")?;
    }
    kpasswd(&user, "alice", "a wrong password", "third password")?.refused("Preauthentication failed")?;
    let audit = realm.audit()?;
    assert!(audit.contains(r#""exchange":"kpasswd","outcome":"changed","client":"alice@TEST.KENNEL""#), "{audit}");
    assert!(audit.contains(r#""reason":"PasswordTooShort""#), "{audit}");
    assert!(!audit.contains("second password"), "{audit}");
    assert!(!audit.contains(r#""operation":"change-password""#), "one line for each request: {audit}");
    Ok(())
}

#[test]
fn a_password_that_is_too_young_stays_and_the_person_reads_until_when() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    says(&kpasswd(&user, "bob", "first password", "second password")?, "changed only recently")?;
    logs_in(&user, "bob", "first password")
}

#[test]
fn udp_alone_will_do() -> Result<()> {
    let realm = realm()?;
    let server = LossyServer::start(realm.kpasswd_port(), Drops::AllTcp)?;
    let user = Mit::new(&config_with(&realm, server.address(), "udp.conf")?)?;
    let changed = kpasswd(&user, "erin", "first password", "second password")?.ok()?;
    says(&changed, "Password changed.")?;
    logs_in(&user, "erin", "second password")
}

#[test]
fn a_reply_that_is_lost_does_not_look_like_a_failure() -> Result<()> {
    // The policy of alice would refuse the second request: the password was used before.
    for drops in [Drops::FirstUdpReply, Drops::EveryTcpReply] {
        let realm = realm()?;
        let server = LossyServer::start(realm.kpasswd_port(), drops)?;
        let user = Mit::new(&config_with(&realm, server.address(), "lossy.conf")?)?;
        let changed = kpasswd(&user, "alice", "first password", "second password")?.ok()?;
        says(&changed, "Password changed.")?;
        logs_in(&user, "alice", "second password")?;
        let audit = realm.audit()?;
        let outcome = |outcome: &str| audit.matches(&format!(r#""exchange":"kpasswd","outcome":"{outcome}""#)).count();
        assert_eq!(outcome("changed"), 1, "{audit}");
        assert!(outcome("repeated") >= 1, "{audit}");
    }
    Ok(())
}

/// CVE-2002-2443: a reply or an error with a forged sender, which servers answered to each other for ever.
#[test]
fn cve_2002_2443_a_reply_or_an_error_of_a_server_is_not_answered() -> Result<()> {
    let realm = realm()?;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect((Ipv4Addr::LOCALHOST, realm.kpasswd_port()))?;
    socket.set_read_timeout(Some(Duration::from_millis(500)))?;
    let error = [&[0x7e, 0x61, 0x30, 0x5f][..], &[0; 95]].concat();
    let replies = [
        error.clone(),
        encode_reply(b"", &error).context("a frame")?,
        encode_reply(&[0x6f; 90], &error).context("a frame")?,
    ];
    for reply in &replies {
        socket.send(reply)?;
        let answer = socket.recv(&mut [0; 2_048]).map_err(|error| error.kind());
        assert_eq!(answer, Err(ErrorKind::WouldBlock), "{reply:x?}");
    }
    assert_eq!(realm.audit()?.matches(r#""reason":"NotARequest""#).count(), replies.len());
    let user = realm.mit()?;
    says(&kpasswd(&user, "erin", "first password", "second password")?.ok()?, "Password changed.")
}

#[test]
fn the_address_that_a_request_comes_from_does_not_matter() -> Result<()> {
    let realm = realm()?;
    // The ticket names the addresses of this machine, KRB-PRIV that of the client, and the request comes from neither.
    let server = LossyServer::start_at(Ipv4Addr::new(127, 0, 0, 77), realm.kpasswd_port(), Drops::AllTcp)?;
    let user = Mit::new(&config_with(&realm, server.address(), "elsewhere.conf")?)?;
    let user = user.with_defaults(&[("noaddresses", "false")])?;
    let changed = kpasswd(&user, "erin", "first password", "second password")?.ok()?;
    says(&changed, "Password changed.")
}

#[test]
fn kinit_has_an_expired_password_changed_and_one_that_must_be() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    for name in ["carol", "dave"] {
        let run = user.run("kinit", &[name], "first password\nsecond password\nsecond password\n")?.ok()?;
        says(&run, "Password expired.  You must change it now.")?;
        logs_in(&user, name, "second password")?;
    }
    Ok(())
}

#[test]
fn heimdal_changes_a_password_over_udp_and_tcp_and_reads_why_not() -> Result<()> {
    let realm = realm()?;
    let text = std::fs::read_to_string(realm.config())?;
    let mit = realm.mit()?;
    for (number, (prefix, old, new)) in
        [("", "first password", "second password"), ("tcp/", "second password", "third password")]
            .into_iter()
            .enumerate()
    {
        let config = realm.folder().join(format!("heimdal{number}.conf"));
        // Where a server refuses, Heimdal asks once more, by version 1 and over UDP alone.
        let port = realm.kpasswd_port();
        let servers = format!("kpasswd_server = {prefix}127.0.0.1:{port}\n        kpasswd_server = 127.0.0.1:{port}");
        std::fs::write(&config, text.replace(&format!("kpasswd_server = 127.0.0.1:{port}"), &servers))?;
        let user = Heimdal::new(&config, "")?;
        says(&user.kpasswd("alice", old, "short")?, "it needs 8 characters")?;
        says(&user.kpasswd("alice", old, new)?, "Success")?;
        logs_in(&mit, "alice", new).context(prefix)?;
    }
    Ok(())
}

#[test]
fn after_too_many_wrong_passwords_a_person_is_locked_out_and_others_are_not() -> Result<()> {
    let realm = realm()?;
    let user = realm.mit()?;
    for number in 0..3 {
        user.kinit(&["alice"], &format!("wrong {number}"))?.refused("Password incorrect")?;
    }
    user.kinit(&["alice"], "first password")?.refused("credentials have been revoked")?;
    assert!(realm.audit()?.contains("ClientLockedOut"));
    // No policy.
    for number in 0..5 {
        user.kinit(&["erin"], &format!("wrong {number}"))?.refused("Password incorrect")?;
    }
    logs_in(&user, "erin", "first password")
}
