//! Policies: made, shown, changed, given to a principal, enforced, deleted.

use crate::setting::Setting;
use anyhow::Result;

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
