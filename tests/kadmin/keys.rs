//! cpw, ktadd, purgekeys: keys that are changed, handed out, kept and dropped.

use crate::setting::Setting;
use anyhow::Result;

#[test]
fn ktadd_makes_keys_that_work_with_kinit() -> Result<()> {
    let setting = Setting::new()?;
    let (path, keytab) = setting.file("web.keytab");
    let said = setting.says(&format!("ktadd -k {keytab} HTTP/web.shop"), "added to keytab WRFILE:")?;
    assert!(
        said.contains("Entry for principal HTTP/web.shop with kvno 2, encryption type aes256-cts-hmac-sha1-96"),
        "{said}"
    );
    setting.user.kinit_with_keytab(&path, &["HTTP/web.shop"])?.ok()?;
    let old = setting.first_keytab("HTTP/web.shop");
    setting.user.kinit_with_keytab(&old, &["HTTP/web.shop"])?.refused("Preauthentication failed")?;
    Ok(())
}

#[test]
fn ktadd_without_new_keys_hands_out_those_that_are_there() -> Result<()> {
    let setting = Setting::new()?;
    let (path, keytab) = setting.file("same.keytab");
    let query = format!("ktadd -norandkey -k {keytab} HTTP/web.shop");
    let run = setting.kadmin_as("keys/admin", &query)?;
    assert!(run.stdout.contains("with kvno 1,"), "{run}");
    setting.user.kinit_with_keytab(&path, &["HTTP/web.shop"])?.ok()?;
    setting.user.kinit_with_keytab(&setting.first_keytab("HTTP/web.shop"), &["HTTP/web.shop"])?.ok()?;
    let (_, other) = setting.file("other.keytab");
    setting
        .refused(&format!("ktadd -norandkey -k {other} HTTP/web.shop"), "Operation requires ``extract-keys'' privilege")
}

#[test]
fn ktadd_takes_several_principals_and_an_expression() -> Result<()> {
    let setting = Setting::new()?;
    setting.says("addprinc -randkey host/one.shop", "created.")?;
    setting.says("addprinc -randkey host/two.shop", "created.")?;
    let (_, keytab) = setting.file("hosts.keytab");
    let said = setting.says(&format!("ktadd -k {keytab} -glob host/*"), "host/one.shop")?;
    assert!(said.contains("host/two.shop"), "{said}");
    let run = setting.user.run("klist", &["-k", &keytab], "")?.ok()?;
    assert!(run.stdout.contains("host/one.shop") && run.stdout.contains("host/two.shop"), "{run}");
    Ok(())
}

#[test]
fn a_password_is_changed_and_old_keys_stay_only_where_they_are_to() -> Result<()> {
    let setting = Setting::new()?;
    setting.says("cpw -pw second alice", "Password for \"alice@TEST.KENNEL\" changed.")?;
    assert!(setting.logs_in("alice", "second")? && !setting.logs_in("alice", "secret")?);
    setting.says("cpw -randkey -keepold HTTP/web.shop", "randomized.")?;
    setting.says("getprinc HTTP/web.shop", "Number of keys: 8")?;
    setting.says("purgekeys HTTP/web.shop", "Old keys for principal \"HTTP/web.shop@TEST.KENNEL\" purged.")?;
    let shown = setting.says("getprinc HTTP/web.shop", "Number of keys: 4")?;
    assert!(shown.contains("Key: vno 2,") && !shown.contains("Key: vno 1,"), "{shown}");
    setting.says("cpw -randkey alice", "Key for \"alice@TEST.KENNEL\" randomized.")?;
    assert!(!setting.logs_in("alice", "second")?);
    Ok(())
}
