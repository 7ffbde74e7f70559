//! What each administrator may do, and what everyone may do to himself.

use crate::setting::{PASSWORD, Setting};
use anyhow::Result;

#[test]
fn each_letter_of_the_access_list_permits_its_operations_alone() -> Result<()> {
    let setting = Setting::new()?;
    assert!(setting.kadmin_as("add/admin", "addprinc -randkey HTTP/a.shop")?.stdout.contains("created."));
    setting.refused_as("add/admin", "delprinc -force HTTP/a.shop", "Operation requires ``delete'' privilege")?;
    setting.refused_as("add/admin", "getprinc HTTP/a.shop", "Operation requires ``get'' privilege")?;
    setting.refused_as("add/admin", "listprincs", "Operation requires ``list'' privilege")?;
    assert!(setting.kadmin_as("list/admin", "listprincs")?.stdout.contains("alice@TEST.KENNEL"));
    setting.refused_as("list/admin", "addprinc -randkey HTTP/b.shop", "Operation requires ``add'' privilege")?;
    assert!(setting.kadmin_as("inquire/admin", "getprinc alice")?.stdout.contains("Principal: alice"));
    setting.refused_as("inquire/admin", "modprinc -allow_tix alice", "Operation requires ``modify'' privilege")?;
    setting.refused_as("inquire/admin", "cpw -pw x alice", "Operation requires ``change-password'' privilege")
}

#[test]
fn privileges_are_those_of_the_access_list() -> Result<()> {
    let setting = Setting::new()?;
    setting.says("getprivs", "current privileges: GET ADD MODIFY DELETE")?;
    Ok(())
}

#[test]
fn everyone_may_look_at_himself_and_change_his_password_but_nobody_elses() -> Result<()> {
    let setting = Setting::new()?;
    assert!(setting.kadmin_as("alice", "getprinc alice")?.stdout.contains("Principal: alice@TEST.KENNEL"));
    setting.refused_as("alice", "getprinc root/admin", "Operation requires ``get'' privilege")?;
    setting.refused_as("alice", "cpw -pw mine root/admin", "Operation requires ``change-password'' privilege")?;
    assert!(setting.logs_in("root/admin", PASSWORD)?);
    assert!(setting.kadmin_as("alice", "cpw -pw third alice")?.stdout.contains("changed."));
    assert!(setting.logs_in("alice", "third")?);
    Ok(())
}

#[test]
fn through_changepw_only_the_own_password_is_within_reach() -> Result<()> {
    let setting = Setting::new()?;
    setting.user.kinit(&["-S", "kadmin/changepw", "root/admin"], PASSWORD)?.ok()?;
    let cache = setting.user.cache().display().to_string();
    let run = setting.user.run("kadmin", &["-c", &cache, "-q", "listprincs"], "")?;
    assert!(!run.stdout.contains("alice@TEST.KENNEL"), "a ticket for changepw is not one for admin: {run}");
    Ok(())
}
