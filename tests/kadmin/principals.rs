//! addprinc, getprinc, listprincs, modprinc, renprinc, delprinc, alias, setstr, getstrs.

use crate::setting::Setting;
use anyhow::Result;

#[test]
fn a_principal_with_a_password_is_made_shown_changed_renamed_and_deleted() -> Result<()> {
    let setting = Setting::new()?;
    setting.says("addprinc -pw first bob", "Principal \"bob@TEST.KENNEL\" created.")?;
    assert!(setting.logs_in("bob", "first")?);
    setting.refused("addprinc -pw other bob", "Principal or policy already exists while creating")?;
    let shown = setting.says("getprinc bob", "Principal: bob@TEST.KENNEL\n")?;
    for line in [
        "Expiration date: [never]",
        "Maximum ticket life: 0 days 10:00:00",
        "Last modified: ",
        "(root/admin@TEST.KENNEL)",
        "Failed password attempts: 0",
        "Key: vno 1, aes256-cts-hmac-sha1-96",
        "REQUIRES_PRE_AUTH",
        "Policy: [none]",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    setting.says("modprinc -maxlife 1hour -expire \"2037-01-01 00:00:00\" bob", "modified.")?;
    let shown = setting.says("getprinc bob", "Maximum ticket life: 0 days 01:00:00")?;
    assert!(shown.contains("Expiration date: Thu Jan 01 00:00:00 UTC 2037"), "{shown}");
    setting.says("modprinc -allow_tix bob", "modified.")?;
    assert!(!setting.logs_in("bob", "first")?, "disabled");
    setting.says("modprinc +allow_tix bob", "modified.")?;
    setting.says("renprinc -force bob robert", "renamed to \"robert@TEST.KENNEL\".")?;
    assert!(setting.logs_in("robert", "first")?, "the keys keep their salt");
    setting.refused("getprinc bob", "Principal does not exist while retrieving")?;
    setting.says("delprinc -force robert", "Principal \"robert@TEST.KENNEL\" deleted.")?;
    assert!(!setting.logs_in("robert", "first")?);
    setting.refused("delprinc -force robert", "Principal does not exist while deleting")
}

#[test]
fn principals_are_made_with_random_keys_with_chosen_ones_and_with_none() -> Result<()> {
    let setting = Setting::new()?;
    setting.says("addprinc -randkey HTTP/new.shop", "created.")?;
    setting.says("getprinc HTTP/new.shop", "Number of keys: 4")?;
    setting.says("addprinc -randkey -e aes128-cts:normal HTTP/small.shop", "created.")?;
    let shown = setting.says("getprinc HTTP/small.shop", "Number of keys: 1")?;
    assert!(shown.contains("aes128-cts-hmac-sha1-96"), "{shown}");
    setting.says("addprinc -nokey HTTP/later.shop", "created.")?;
    setting.says("getprinc HTTP/later.shop", "Number of keys: 0")?;
    setting.refused("addprinc -randkey -e rc4-hmac:normal HTTP/old.shop", "Invalid key/salt tuples")?;
    setting.refused("addprinc -x dn=uid=x -randkey HTTP/ldap.shop", "Invalid argument while creating")?;
    setting.says("addprinc -pw secret2 -maxlife 1min +requires_preauth carol", "created.")?;
    setting.says("getprinc carol", "Maximum ticket life: 0 days 00:01:00")?;
    Ok(())
}

#[test]
fn principals_are_listed_all_and_by_an_expression() -> Result<()> {
    let setting = Setting::new()?;
    let all = setting.says("listprincs", "alice@TEST.KENNEL\n")?;
    for name in ["root/admin", "HTTP/web.shop", "krbtgt/TEST.KENNEL", "kadmin/admin", "kadmin/changepw"] {
        assert!(all.contains(&format!("{name}@TEST.KENNEL\n")), "{name}: {all}");
    }
    let some = setting.says("listprincs HTTP/*", "HTTP/web.shop@TEST.KENNEL")?;
    assert!(!some.contains("alice"), "{some}");
    let one = setting.says("list_principals alice", "alice@TEST.KENNEL\n")?;
    assert!(!one.contains("HTTP"), "{one}");
    Ok(())
}

#[test]
fn strings_are_set_shown_and_deleted() -> Result<()> {
    let setting = Setting::new()?;
    setting.says("setstr alice color \"dark blue\"", "Attribute set for principal \"alice@TEST.KENNEL\".")?;
    setting.says("getstrs alice", "color: dark blue")?;
    setting.says("delstr alice color", "Attribute removed from principal")?;
    setting.says("getstrs alice", "(No string attributes.)")?;
    Ok(())
}

#[test]
fn the_realms_own_principals_are_kept_from_harm() -> Result<()> {
    let setting = Setting::new()?;
    let run = setting.kadmin("delprinc -force krbtgt/TEST.KENNEL")?;
    assert!(!run.stdout.contains("deleted."), "{run}");
    assert!(setting.logs_in("alice", "secret")?);
    let run = setting.kadmin_as("keys/admin", "ktadd -norandkey -k /dev/null kadmin/admin")?;
    assert!(!run.stdout.contains("added to keytab"), "{run}");
    Ok(())
}
