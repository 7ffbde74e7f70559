//! The forms in which scripts call kadmin (facts of public scripts and modules), on both sides.

use crate::sides::Sides;
use anyhow::{Result, ensure};
use std::process::Command;

#[test]
fn principals_are_made_by_every_name_and_option() -> Result<()> {
    let sides = Sides::new()?;
    for line in [
        "addprinc -randkey HTTP/a",
        "addprinc -randkey HTTP/a",
        "add_principal -randkey HTTP/b@TEXTS.TEST",
        "ank -randkey HTTP/c",
        "addprinc -pw secret user/x",
        "add_principal -randkey +allow_renewable +allow_svr HTTP/d",
        "addprinc -randkey -maxlife 1min HTTP/e",
        "add_principal -requires_preauth -e aes256-cts,aes128-cts -pw \"S e\" krbtgt/A@TEXTS.TEST",
        "addprinc -nokey HTTP/f",
        "addprinc -randkey -policy hosts HTTP/g",
        "addprinc -randkey -clearpolicy HTTP/h",
        "addprinc -randkey +requires_preauth +lockdown_keys HTTP/i",
        "addprinc -randkey -expire \"2030-01-01 00:00:00\" -pwexpire never -maxlife \"36000 seconds\" HTTP/j",
        "addprinc",
        "addprinc -pw x -expire bogus HTTP/k",
        "addprinc -bogus HTTP/k",
        "addprinc -pw",
        "getprinc HTTP/a",
        "getprinc HTTP/e",
        "getprinc HTTP/f",
        "getprinc HTTP/g",
        "getprinc HTTP/j",
        "get_principal nobody",
        "getprinc",
        "getprinc -terse HTTP/a",
        "list_principals HTTP/*",
        "get_principals HTTP/a@TEXTS.TEST",
        "listprincs HTTP/[ab]@*",
        "listprincs a b",
    ] {
        sides.query(line)?;
    }
    for line in [
        "addprinc -randkey HTTP/m",
        "addprinc -randkey HTTP/m",
        "getprinc HTTP/m",
        "getprinc nobody",
        "addprinc",
        "delprinc HTTP/m",
        "delprinc HTTP/m",
        "nonsense",
    ] {
        sides.words(line)?;
    }
    Ok(())
}

#[test]
fn principals_are_changed_renamed_and_deleted() -> Result<()> {
    let sides = Sides::new()?;
    for line in [
        "addprinc -randkey HTTP/a",
        "modprinc -maxlife 11days -maxrenewlife 11days +allow_renewable HTTP/a",
        "modprinc -expire \"2030-01-01 00:00:00\" -pwexpire never HTTP/a",
        "modify_principal -kvno 7 HTTP/a",
        "modprinc -unlock HTTP/a",
        "modprinc -allow_tix +ok_as_delegate HTTP/a",
        "getprinc HTTP/a",
        "modprinc -nokey HTTP/a",
        "modprinc -pw x HTTP/a",
        "modprinc nobody",
        "modprinc",
        "modprinc -bogus HTTP/a",
        "cpw -randkey HTTP/a",
        "cpw -randkey -keepold HTTP/a",
        "change_password -randkey -keepold -e aes256-cts:normal HTTP/a",
        "getprinc HTTP/a",
        "cpw -pw secret HTTP/a",
        "cpw -randkey nobody",
        "cpw -randkey",
        "cpw -bad HTTP/a",
        "cpw HTTP/a HTTP/b",
        "purgekeys HTTP/a",
        "purgekeys -keepkvno 3 HTTP/a",
        "purgekeys -all HTTP/a",
        "purgekeys",
        "purgekeys nobody",
        "setstr HTTP/a note \"a b\"",
        "getstrs HTTP/a",
        "delstr HTTP/a note",
        "getstrs HTTP/a",
        "get_strings nobody",
        "setstr HTTP/a",
        "renprinc -force HTTP/a HTTP/z",
        "renprinc -force nobody HTTP/y",
        "renprinc HTTP/z",
        "getprinc HTTP/z",
        "delprinc -force HTTP/z",
        "delete_principal -force HTTP/z",
        "delprinc",
        "get_privs",
        "getprivs x",
        "quit",
        "nonsense",
        "addprinc \"x",
    ] {
        sides.query(line)?;
    }
    Ok(())
}

#[test]
fn policies_are_kept_as_mit_keeps_them() -> Result<()> {
    let sides = Sides::new()?;
    for line in [
        "addpol -minlength 8 -minclasses 2 -history 3 -maxlife 90d -minlife 1h strict",
        "add_policy -maxfailure 5 -failurecountinterval 10min -lockoutduration \"300 seconds\" lock",
        "addpol -allowedkeysalts aes256-cts-hmac-sha1-96:normal narrow",
        "addpol strict",
        "addpol",
        "getpol strict",
        "get_policy -terse strict",
        "getpol lock",
        "getpol -terse lock",
        "getpol narrow",
        "getpol nope",
        "getpol",
        "list_policies",
        "getpols st*",
        "modpol -minlength 10 strict",
        "modpol -minlength 10 nope",
        "modpol -bogus 1 strict",
        "addprinc -pw short -policy strict user/a",
        "addprinc -pw longenoughbutoneclass -policy strict user/a",
        "addprinc -pw Long3nough!x -policy strict user/a",
        "getprinc user/a",
        "addprinc -policy nope -randkey HTTP/q",
        "delpol -force strict",
        "delete_policy -force lock",
        "delpol -force nope",
        "delpol",
        "addpol default",
        "addprinc -randkey HTTP/r",
    ] {
        sides.query(line)?;
    }
    Ok(())
}

#[test]
fn keytabs_are_written_by_every_form_of_ktadd() -> Result<()> {
    let sides = Sides::new()?;
    for line in [
        "addprinc -randkey host/a",
        "addprinc -randkey host/b",
        "ktadd -k kt host/a",
        "xst -kt kt host/a host/b",
        "ktadd -keytab kt -e aes256-cts:normal,aes128-cts:normal host/a",
        "ktadd -q -k kt -e \"aes256-cts:normal aes128-cts:normal\" host/a",
        "xst -norandkey -k kt host/a host/b",
        "ktadd -k kt -norandkey \"host/a\"",
        "ktadd -norandkey -e aes256-cts -k kt host/a",
        "ktadd -k kt nobody",
        "ktadd -k kt -norandkey nobody",
        "ktadd",
        "ktadd -k",
        "ktremove -k kt host/a old",
        "ktrem -k kt host/b all",
        "ktremove -k kt host/a",
        "ktremove -k kt host/a",
        "ktremove -k none host/a",
        "ktremove -k kt host/a 3",
        "ktremove",
    ] {
        sides.query(line)?;
    }
    sides.words("ktadd -k kt nobody")?;
    sides.words("ktadd")?;
    // The keytab works.
    sides.query("ktadd -k kt2 host/a")?;
    let mit = sides.kennel_realm().mit()?;
    mit.kinit_with_keytab(&sides.kennel_file("kt2"), &["host/a"])?.ok()?;
    let klist =
        kennel_tests::process::run(Command::new("klist").arg("-kte").arg(sides.kennel_file("kt2")), "")?.ok()?;
    ensure!(klist.stdout.matches("host/a@TEXTS.TEST").count() == 4, "{klist}");
    Ok(())
}

#[test]
fn commands_on_standard_input_are_repeated_behind_the_prompt() -> Result<()> {
    let sides = Sides::new()?;
    let lines = "addprinc -randkey HTTP/a\ngetprinc -terse HTTP/a\nnonsense foo\n\nbad \"quote\n xst -k kt HTTP/a\nquit\nlistprincs\n";
    sides.same("kadmin.local", &[], lines)?;
    // Without quit, and without an end of the line.
    sides.same("kadmin.local", &["-r", crate::sides::REALM], "listprincs HTTP/*")?;
    sides.same("kadmin.local", &[], "")?;
    Ok(())
}

#[test]
fn passwords_and_confirmations_come_from_standard_input_too() -> Result<()> {
    let sides = Sides::new()?;
    let local = |words: &[&str], input: &str| sides.same("kadmin.local", words, input);
    local(&["-q", "addprinc user/a"], "pw1\npw1\n")?;
    local(&["-q", "addprinc user/b"], "pw1\npw2\n")?;
    local(&["-q", "addprinc user/b"], "")?;
    local(&["addprinc", "user/b"], "pw1\npw1\n")?;
    local(&["-q", "cpw user/a"], "pw3\npw3\n")?;
    local(&[], "addprinc user/c\npw\npw\ndelprinc user/c\nno\ndelprinc user/c\nyes\nlistprincs user/*\n")?;
    local(&["-q", "delprinc user/a"], "")?;
    local(&["-q", "delprinc user/a"], "yes\n")?;
    local(&["-q", "renprinc user/b user/d"], "no\n")?;
    local(&["-q", "renprinc user/b user/d"], "yes\n")?;
    local(&["-q", "addpol p"], "")?;
    local(&["-q", "delpol p"], "no\n")?;
    local(&["-q", "delpol p"], "yes\n")?;
    Ok(())
}

/// Each of these is also accepted by kadmin.local, on both sides, and changes the first line alone.
#[test]
fn options_of_the_program_are_accepted_in_every_form() -> Result<()> {
    let sides = Sides::new()?;
    let local = |words: &[&str]| sides.same("kadmin.local", words, "");
    local(&["-p", "a/admin@TEXTS.TEST", "-w", "pw", "-q", "listprincs HTTP/*"])?;
    local(&["-w", "pw", "-q", "listprincs HTTP/*"])?;
    local(&["-p", "a/admin", "-w", "pw", "add_principal", "-randkey", "HTTP/a"])?;
    local(&["-p", "a/admin", "-w", "pw", "ktadd", "-k", "kt", "HTTP/a"])?;
    local(&["-r", "TEXTS.TEST", "-p", "a/admin", "-q", "getprinc HTTP/a"])?;
    local(&["-Z"])?;
    local(&["-q", "listprincs", "listprincs"])?;
    local(&["-t", "kt", "-q", "listprincs"])?;
    local(&["-r"])?;
    Ok(())
}

#[test]
fn keytabs_are_edited_as_by_ktutil() -> Result<()> {
    let sides = Sides::new()?;
    let ktutil = |input: &str| sides.same("ktutil", &[], input);
    ktutil("addent -password -p a@TEXTS.TEST -k 1 -e aes256-cts\npw\nlist -e -k\nl\nwkt kt\nquit\n")?;
    ktutil("add_entry -password -p b -k 300 -e aes128-cts -s salty\npw\nl -k\nwkt kt\n")?;
    ktutil("rkt kt\nread_kt kt\nlist -e\ndelent 1\nl\nclear\nl\nwkt empty\nexit\n")?;
    ktutil("rkt none\nfoo\ndelent 7\ndelent\nl -x\nrkt\nwkt\nrst x\nclear x\naddent -p a -k 1\nq\n")?;
    ktutil("addent -password -p a -k 1 -e bogus\naddent -password -p a -k 1\nlr\n")?;
    ktutil("addent -key -p a -k 1 -e aes128-cts\n00112233445566778899aabbccddeeff\nl -k\nquit\n")?;
    Ok(())
}
