//! Passwords of others by the password protocol (RFC 3244, version 0xff80): by MIT's library, as Active Directory's tools and `ksetpass`
//! use it, and by Heimdal's `kpasswd --admin-principal`. The letter `c` of the access list decides.

use crate::setting::{PASSWORD, Setting};
use anyhow::{Result, ensure};
use kennel_tests::heimdal::Heimdal;
use kennel_tests::process::{self, Run};
use std::path::Path;
use std::process::Command;

const ACCESS_LIST: &str = "help/desk@TEST.KENNEL c\nread/only@TEST.KENNEL il\n";
const PEOPLE: [&str; 4] = ["help/desk", "read/only", "alice", "bob"];

/// The result of the server that means success, and the one that means that the client may not do this (RFC 3244, section 2).
const SUCCESS: &str = "0 ";
const ACCESS_DENIED: &str = "5 ";

/// MIT's krb5_set_password.
fn set_password(setting: &Setting, client: &str, target: &str, new: &str) -> Result<Run> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("kadmin/set_password.py");
    let mut command = Command::new("/usr/bin/python3");
    command.arg(script).args([client, target]).env("KRB5_CONFIG", setting.config()).env("LC_ALL", "C");
    process::run(&mut command, &format!("{PASSWORD}\n{new}\n"))
}

fn ends(run: Run, result: &str) -> Result<Run> {
    ensure!(run.stdout.starts_with(result), "not {result:?}: {run}");
    Ok(run)
}

#[test]
fn the_letter_c_sets_the_password_of_another_principal() -> Result<()> {
    let setting = Setting::with(&PEOPLE, ACCESS_LIST)?;
    ends(set_password(&setting, "help/desk", "alice", "set by mit")?, SUCCESS)?;
    ensure!(setting.logs_in("alice", "set by mit")? && !setting.logs_in("alice", PASSWORD)?);
    let heimdal = Heimdal::new(&setting.config(), "")?;
    let said = heimdal.set_password("help/desk", PASSWORD, "bob", "set by heimdal")?;
    ensure!(said.stdout.contains("Success"), "{said}");
    ensure!(setting.logs_in("bob", "set by heimdal")? && !setting.logs_in("bob", PASSWORD)?);
    let audit = setting.audit()?;
    let line = |target: &str| {
        audit.lines().any(|line| {
            line.contains(r#""exchange":"kpasswd","outcome":"changed","client":"help/desk@TEST.KENNEL""#)
                && line.contains(target)
        })
    };
    ensure!(line("alice@TEST.KENNEL") && line("bob@TEST.KENNEL"), "{audit}");
    Ok(())
}

#[test]
fn without_the_letter_c_nobodys_password_but_the_own_one_is_set() -> Result<()> {
    let setting = Setting::with(&PEOPLE, ACCESS_LIST)?;
    for client in ["read/only", "bob"] {
        let refused = ends(set_password(&setting, client, "alice", "never set")?, ACCESS_DENIED)?;
        ensure!(refused.stdout.contains("needs a right that"), "{refused}");
        ensure!(setting.logs_in("alice", PASSWORD)?, "{client}");
    }
    let heimdal = Heimdal::new(&setting.config(), "")?;
    let said = heimdal.set_password("read/only", PASSWORD, "alice", "never set")?;
    ensure!(!said.stdout.contains("Success"), "{said}");
    ensure!(setting.logs_in("alice", PASSWORD)?);
    ends(set_password(&setting, "bob", "bob", "of my own")?, SUCCESS)?;
    ensure!(setting.logs_in("bob", "of my own")?);
    ends(set_password(&setting, "help/desk", "nobody", "never set")?, "2 ")?;
    Ok(())
}
