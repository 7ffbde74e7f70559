//! What Kennel's programs do that MIT's do not, or not so.

use crate::sides::{Sides, between};
use anyhow::{Result, ensure};
use kennel_tests::process::Run;
use std::process::Command;

#[test]
fn strict_makes_each_failure_an_exit_code() -> Result<()> {
    let sides = Sides::new()?;
    let code = |words: &[&str], input: &str| {
        Ok::<_, anyhow::Error>(sides.run_kennel("kadmin.local", words, input)?.status.code())
    };
    ensure!(code(&["-q", "getprinc nobody"], "")? == Some(0));
    ensure!(code(&["--strict", "-q", "getprinc nobody"], "")? == Some(1));
    ensure!(code(&["--strict"], "getprinc nobody\n")? == Some(1));
    ensure!(code(&["--strict", "-q", "listprincs"], "")? == Some(0));
    ensure!(code(&["ktadd", "-k", "kt", "nobody"], "")? == Some(0), "as at MIT");
    ensure!(code(&["--strict", "ktadd", "-k", "kt", "nobody"], "")? == Some(1));
    Ok(())
}

#[test]
fn every_command_answers_in_json() -> Result<()> {
    let sides = Sides::new()?;
    let value = |line: &str| {
        let run = sides.run_kennel("kadmin.local", &["-o", "json", "-q", line], "")?.ok()?;
        Ok::<serde_json::Value, anyhow::Error>(serde_json::from_str(&run.stdout)?)
    };
    ensure!(value("addprinc -randkey HTTP/a")?["done"] == "created");
    let shown = value("getprinc HTTP/a")?;
    ensure!(
        shown["principal"] == "HTTP/a@TEXTS.TEST" && shown["keys"].as_array().is_some_and(|keys| keys.len() == 4),
        "{shown}"
    );
    ensure!(value("listprincs HTTP/?@*")? == serde_json::json!(["HTTP/a@TEXTS.TEST"]));
    ensure!(value("ktadd -k kt HTTP/a")?["added"].as_array().is_some_and(|keys| keys.len() == 4));
    ensure!(value("getprivs")?["rights"].is_string());
    let refused = sides.run_kennel("kadmin.local", &["-o", "json", "getprinc", "nobody"], "")?;
    ensure!(refused.status.code() == Some(1) && refused.stderr.starts_with("{\"error\":"), "{refused}");
    Ok(())
}

#[test]
fn kennel_itself_has_the_commands_beside_its_own() -> Result<()> {
    let sides = Sides::new()?;
    let program = kennel_tests::binary::kennel()?;
    let kennel = |words: &[&str]| {
        let mut command = Command::new(&program);
        command.arg("--socket").arg(sides.kennel_realm().folder().join("admin.sock")).args(words).env("USER", "root");
        kennel_tests::process::run(&mut command, "")
    };
    let made = kennel(&["addprinc", "-randkey", "HTTP/x"])?.ok()?;
    ensure!(made.stdout.is_empty() && made.stderr.is_empty(), "{made}");
    let line = kennel(&["-q", "addprinc -randkey HTTP/y"])?.ok()?;
    let said =
        "Authenticating as principal root/admin@TEXTS.TEST with password.\nPrincipal \"HTTP/y@TEXTS.TEST\" created.\n";
    ensure!(line.stdout == said, "{line}");
    let twice = kennel(&["addprinc", "-randkey", "HTTP/x"])?;
    ensure!(twice.status.code() == Some(1), "{twice}");
    let said = "add_principal: Principal or policy already exists while creating \"HTTP/x@TEXTS.TEST\".\n";
    ensure!(twice.stderr == said, "{twice}");
    Ok(())
}

#[test]
fn aliases_are_made_where_mit_1_20_has_none() -> Result<()> {
    let sides = Sides::new()?;
    let query = |line: &str| sides.run_kennel("kadmin.local", &["-q", line], "");
    query("addprinc -randkey HTTP/a")?.ok()?;
    let alias = query("alias HTTP/b HTTP/a")?.ok()?;
    ensure!(alias.stdout.ends_with("Principal \"HTTP/b@TEXTS.TEST\" aliased to \"HTTP/a@TEXTS.TEST\".\n"), "{alias}");
    ensure!(query("getprinc HTTP/b")?.ok()?.stdout.contains("Principal: HTTP/a@TEXTS.TEST\n"));
    Ok(())
}

#[test]
fn a_policy_in_use_is_deleted_by_force_alone() -> Result<()> {
    let sides = Sides::new()?;
    sides.run_kennel("kadmin.local", &[], "addpol p\naddprinc -randkey -policy p HTTP/a\n")?.ok()?;
    let kept = sides.run_kennel("kadmin.local", &["delpol", "p"], "")?;
    ensure!(kept.stderr == "delete_policy:: Policy is in use while deleting policy \"p\"\n", "{kept}");
    sides.run_kennel("kadmin.local", &["delpol", "-force", "p"], "")?.ok()?;
    let shown = sides.run_kennel("kadmin.local", &["getprinc", "HTTP/a"], "")?.ok()?;
    ensure!(shown.stdout.ends_with("Policy: p [does not exist]\n"), "{shown}");
    Ok(())
}

/// MIT's programs read ahead for an answer, and lose the lines behind it.
#[test]
fn lines_behind_an_answer_are_carried_out() -> Result<()> {
    let sides = Sides::new()?;
    let lines = "addprinc -randkey HTTP/a\ndelprinc HTTP/a\nno\ndelprinc HTTP/a\nyes\nlistprincs HTTP/a*\n";
    let said = sides.run_kennel("kadmin.local", &[], lines)?.ok()?;
    ensure!(said.stderr.contains("Principal \"HTTP/a@TEXTS.TEST\" not deleted\n"), "{said}");
    ensure!(said.stdout.ends_with("kadmin.local:  listprincs HTTP/a*\nkadmin.local:  "), "{said}");
    let key = "addent -key -p a -k 1 -e aes128-cts\n00112233445566778899aabbccddeeff\nl -k\n";
    let said = sides.run_kennel("ktutil", &[], key)?.ok()?;
    ensure!(said.stdout.contains("a@TEXTS.TEST (0x00112233445566778899aabbccddeeff)\n"), "{said}");
    Ok(())
}

/// MIT 1.20 takes the pattern for the name of a principal too, which later versions do not.
#[test]
fn a_pattern_stands_for_the_principals_that_it_matches() -> Result<()> {
    let sides = Sides::new()?;
    let query = |line: &str| sides.run_kennel("kadmin.local", &["-q", line], "");
    query("addprinc -randkey host/a")?.ok()?;
    query("addprinc -randkey host/b")?.ok()?;
    let added = query("ktadd -k kt -glob host/*")?.ok()?;
    ensure!(added.stdout.matches("Entry for principal host/").count() == 8 && added.stderr.is_empty(), "{added}");
    let listed = query("lr")?.ok()?;
    ensure!(listed.stdout.contains("\nAvailable kadmin.local requests:\n\nadd_principal, addprinc, ank\n"), "{listed}");
    Ok(())
}

/// The one departure that issue and manual name: the password of a user could be guessed from a ticket for him.
#[test]
fn a_user_with_a_password_is_nobodys_service() -> Result<()> {
    let sides = Sides::new()?;
    let query = |line: &str| sides.run_kennel("kadmin.local", &["-q", line], "");
    let attributes = |name: &str| {
        let shown = query(&format!("getprinc {name}"))?.ok()?;
        Ok::<String, anyhow::Error>(between(&shown.stdout, "Attributes:", "\n")?.to_owned())
    };
    query("addprinc -pw secret alice2")?.ok()?;
    ensure!(attributes("alice2")?.contains("DISALLOW_SVR"));
    query("modprinc +allow_svr alice2")?.ok()?;
    ensure!(!attributes("alice2")?.contains("DISALLOW_SVR"));
    query("addprinc -randkey robot")?.ok()?;
    ensure!(!attributes("robot")?.contains("DISALLOW_SVR"));
    Ok(())
}

/// Form 38, a line of cron: `kdb5_util dump FILE && kprop -f FILE HOST`. `kprop` is MIT's: where nothing was dumped, it is not asked.
#[test]
fn a_job_that_sends_a_dump_to_a_replica_stops_with_what_takes_its_place() -> Result<()> {
    let sides = Sides::new()?;
    let mit = |program: &str, words: &[&str]| kennel_tests::process::run(sides.mit(program).args(words), "");
    mit("kdb5_util", &["dump", "replica_datatrans"])?.ok()?;
    mit("kprop", &["-f", "replica_datatrans", "localhost"])?.refused("kprop: ")?;
    let ours = sides.run_kennel("kdb5_util", &["dump", "replica_datatrans"], "")?;
    let said = "kdb5_util: kennel dump writes all of a realm, encrypted, while the KDC runs\n";
    ensure!(ours.status.code() == Some(1) && ours.stdout.is_empty() && ours.stderr == said, "{ours}");
    ensure!(!sides.kennel_file("replica_datatrans").exists(), "a file without a dump");
    Ok(())
}

#[test]
fn what_kennel_does_not_have_is_said() -> Result<()> {
    let sides = Sides::new()?;
    let said = |run: Run, text: &str| {
        ensure!(run.stderr.contains(text), "{text:?} in {run}");
        Ok(())
    };
    let query = |line: &str| sides.run_kennel("kadmin.local", &["-q", line], "");
    said(query("addprinc -x dn=uid=a HTTP/x")?, "these arguments are for MIT's databases")?;
    said(query("addprinc -randkey +requires_hwauth HTTP/x")?, "Kennel has no attribute REQUIRES_HW_AUTH")?;
    let kdb5_util = |words: &[&str]| sides.run_kennel("kdb5_util", words, "");
    said(kdb5_util(&["create", "-s", "-P", "x"])?, "kennel-kdc makes the store")?;
    said(kdb5_util(&["-r", "R", "-P", "x", "create", "-s"])?, "kennel-kdc makes the store")?;
    said(kdb5_util(&["stash"])?, "the master key is in a file already")?;
    let mut remote = sides.kennel_kadmin();
    let run = kennel_tests::process::run(remote.args(["-p", "a/admin", "-q", "getprivs"]), "")?;
    said(run, "kadmin: Cannot read password while initializing kadmin interface\n")
}
