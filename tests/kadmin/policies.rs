//! Policies: made, shown, changed, given to a principal, enforced, deleted.

use crate::setting::{Setting, WORD};
use anyhow::Result;
use kennel_tests::binary::kennel;
use kennel_tests::process;
use std::process::Command;

#[test]
fn a_policy_is_made_shown_changed_enforced_and_deleted() -> Result<()> {
    let setting = Setting::new()?;
    setting.kadmin("addpol -minlength 8 -minclasses 2 -maxlife \"90 days\" staff")?;
    let shown = setting.says("getpol staff", "Policy: staff")?;
    for line in ["Minimum password length: 8", "Minimum number of password character classes: 2"] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    setting.kadmin("modpol -minlength 6 -allowedkeysalts aes256-cts:normal staff")?;
    let shown = setting.says("getpol staff", "Minimum password length: 6")?;
    assert!(shown.contains("Allowed key/salt types: aes256-cts-hmac-sha1-96:normal"), "{shown}");
    setting.refused("addpol staff", "already exists while creating policy")?;
    setting.says("listpols", "staff\n")?;
    setting.refused("addprinc -policy staff -pw aB1 dora", "Password is too short")?;
    setting.refused("addprinc -policy staff -pw abcdefgh dora", "does not contain enough character classes")?;
    setting.says("addprinc -policy staff -pw abcdefG1 dora", "created.")?;
    let shown = setting.says("getprinc dora", "Policy: staff")?;
    assert!(shown.contains("Number of keys: 1"), "{shown}");
    setting.refused("delpol -force staff", "Policy is in use")?;
    setting.says("modprinc -clearpolicy dora", "modified.")?;
    setting.kadmin("delpol -force staff")?;
    setting.refused("getpol staff", "Policy does not exist")
}

#[test]
fn an_unlocked_principal_has_no_failed_attempts() -> Result<()> {
    let setting = Setting::new()?;
    setting.says("modprinc -unlock alice", "modified.")?;
    setting.says("getprinc alice", "Failed password attempts: 0")?;
    Ok(())
}

#[test]
fn the_policy_default_is_that_of_new_principals_for_which_no_other_is_named() -> Result<()> {
    let setting = Setting::new()?;
    setting.kadmin("addpol -minlength 9 default")?;
    let run = setting.kadmin("addprinc -pw short dora")?;
    assert!(run.stderr.contains("assigning \"default\"") && run.stderr.contains("Password is too short"), "{run}");
    setting.says("addprinc -pw longenough dora", "created.")?;
    setting.says("getprinc dora", "Policy: default")?;
    setting.says("addprinc -clearpolicy -pw short eve", "created.")?;
    setting.says("getprinc eve", "Policy: [none]")?;
    let kennel = |arguments: &[&str]| {
        let mut command = Command::new(kennel()?);
        process::run(command.args(arguments).env("KENNEL_SOCKET", setting.admin_socket()), "")
    };
    kennel(&["addprinc", "-pw", "short", "fred"])?.refused("Password is too short")?;
    kennel(&["addprinc", "-pw", "longenough", "fred"])?.ok()?;
    setting.says("getprinc fred", "Policy: default")?;
    Ok(())
}

#[test]
fn a_word_of_the_dictionary_is_no_password_of_a_principal_with_a_policy() -> Result<()> {
    let setting = Setting::new()?;
    setting.kadmin("addpol staff")?;
    setting.refused(&format!("addprinc -policy staff -pw {WORD} dora"), "Password is in the password dictionary")?;
    setting.refused(&format!("addprinc -policy staff -pw {} dora", WORD.to_uppercase()), "password dictionary")?;
    setting.says(&format!("addprinc -policy staff -pw {WORD}s dora"), "created.")?;
    setting.says(&format!("addprinc -pw {WORD} eve"), "created.")?;
    Ok(())
}

#[test]
fn the_first_password_of_a_person_makes_it_nobodys_service_whenever_it_comes() -> Result<()> {
    let setting = Setting::new()?;
    let is_barred = |name: &str| {
        Ok::<_, anyhow::Error>(setting.says(&format!("getprinc {name}"), "Principal: ")?.contains("DISALLOW_SVR"))
    };
    setting.says("addprinc -randkey carol", "created.")?;
    assert!(!is_barred("carol")?);
    setting.says("cpw -pw first carol", "changed.")?;
    assert!(is_barred("carol")?);
    setting.says("modprinc +allow_svr carol", "modified.")?;
    setting.says("cpw -pw second carol", "changed.")?;
    assert!(!is_barred("carol")?, "an administrator has decided otherwise");
    setting.says("addprinc -nokey host/carol", "created.")?;
    setting.says("cpw -pw first host/carol", "changed.")?;
    assert!(!is_barred("host/carol")?);
    Ok(())
}
