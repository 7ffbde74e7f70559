//! How an administrator logs in: password, keytab, credential cache, and many commands on one connection.

use crate::setting::{PASSWORD, Setting};
use anyhow::Result;

#[test]
fn an_administrator_logs_in_with_a_password_a_keytab_and_a_cache() -> Result<()> {
    let setting = Setting::new()?;
    let query = ["-q", "getprinc alice"];
    let with = |options: &[&str]| setting.user.run("kadmin", &[options, &query].concat(), "");
    let shown = "Principal: alice@TEST.KENNEL";
    assert!(with(&["-p", "root/admin", "-w", PASSWORD])?.ok()?.stdout.contains(shown));
    with(&["-p", "root/admin", "-w", "wrong"])?.refused("Incorrect password while initializing")?;
    let (_, keytab) = setting.file("root.keytab");
    setting.says("addprinc -randkey robot/admin", "created.")?;
    setting.says(&format!("ktadd -k {keytab} robot/admin"), "added to keytab")?;
    let run = with(&["-k", "-t", &keytab, "-p", "robot/admin"])?.ok()?;
    assert!(run.stderr.contains("Operation requires ``get'' privilege"), "logged in, without rights: {run}");
    setting.user.kinit(&["-S", "kadmin/admin", "root/admin"], PASSWORD)?.ok()?;
    let cache = setting.user.cache().display().to_string();
    assert!(with(&["-c", &cache])?.ok()?.stdout.contains(shown));
    Ok(())
}

#[test]
fn many_commands_on_standard_input_go_over_one_connection() -> Result<()> {
    let setting = Setting::new()?;
    let commands: String = (0..40).map(|n| format!("addprinc -randkey -e aes128-cts:normal svc/{n}.shop\n")).collect();
    let run = setting.user.run("kadmin", &["-p", "root/admin", "-w", PASSWORD], &commands)?.ok()?;
    assert_eq!(run.stdout.matches("created.").count(), 40, "{run}");
    Ok(())
}

#[test]
fn the_older_authentication_is_refused_and_not_waited_for() -> Result<()> {
    let setting = Setting::new()?;
    let old = setting.user.run("kadmin", &["-O", "-p", "root/admin", "-w", PASSWORD, "-q", "listprincs"], "")?;
    assert!(!old.status.success() && old.stdout.matches("TEST.KENNEL").count() < 3, "{old}");
    Ok(())
}
