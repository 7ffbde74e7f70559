//! The forms in which scripts call the remote `kadmin`, each three times: MIT's program with MIT's kadmind, MIT's program with Kennel in the
//! place of kadmind, and Kennel's program of that name with Kennel.

use crate::sides::{PASSWORD, REALM, Sides};
use anyhow::{Result, ensure};
use kennel_tests::process::{self, Run};

/// Words in front of the commands of the administrator.
const ROOT: [&str; 4] = ["-p", "root/admin", "-w", PASSWORD];

/// Runs `kadmin` on all three sides, and requires the same of all. Returns what MIT's program says on the realm of Kennel.
fn same(sides: &Sides, arguments: &[&str], input: &str) -> Result<Run> {
    let served = sides.same_served("kadmin", arguments, input)?;
    sides.same_as(&served, arguments, input)?;
    Ok(served)
}

/// Fails with every error of several runs, so that one run of the tests shows all differences.
fn all_good(runs: impl IntoIterator<Item = Result<Run>>) -> Result<()> {
    let errors: Vec<String> = runs.into_iter().filter_map(Result::err).map(|error| format!("{error:#}")).collect();
    ensure!(errors.is_empty(), "{}", errors.join("\n"));
    Ok(())
}

fn query(sides: &Sides, line: &str) -> Result<Run> {
    same(sides, &[&ROOT[..], &["-q", line]].concat(), "")
}

/// Sides with a robot that has a keytab, `robot.kt` in each folder.
fn with_robot() -> Result<Sides> {
    let sides = Sides::served()?;
    query(&sides, "addprinc -randkey robot/admin")?;
    query(&sides, "ktadd -k robot.kt robot/admin")?;
    Ok(sides)
}

#[test]
fn a_password_on_the_command_line_and_a_query() -> Result<()> {
    let sides = Sides::served()?;
    let lines = [
        "addprinc -randkey HTTP/a",
        "addprinc -randkey HTTP/a",
        "add_principal -randkey +allow_renewable +requires_preauth HTTP/b@TEXTS.TEST",
        "addprinc -pw pw2 user/a",
        "addprinc -randkey -maxlife 1min HTTP/c",
        "addprinc -nokey HTTP/d",
        "addprinc -randkey -policy hosts HTTP/e",
        "getprinc HTTP/b",
        "getprinc -terse HTTP/b",
        "getprinc HTTP/e",
        "getprinc nobody",
        "listprincs HTTP/?@*",
        "get_principals HTTP/a@TEXTS.TEST",
        "modprinc -maxlife 11days -maxrenewlife 11days +allow_renewable HTTP/a",
        "modprinc -expire \"2030-01-01 00:00:00\" -pwexpire never HTTP/a",
        "modprinc -unlock HTTP/a",
        "modprinc nobody",
        "getprinc HTTP/a",
        "cpw -randkey HTTP/a",
        "cpw -randkey -keepold HTTP/a",
        "cpw -pw other user/a",
        "cpw -pw other nobody",
        "purgekeys HTTP/a",
        "purgekeys nobody",
        "setstr HTTP/a note \"a b\"",
        "getstrs HTTP/a",
        "delstr HTTP/a note",
        "getstrs HTTP/a",
        "xst -k a.kt HTTP/a",
        "xst -k \"a.kt\" -e aes256-cts:normal,aes128-cts:normal HTTP/a",
        "ktadd -q -k a.kt -e \"aes256-cts:normal aes128-cts:normal\" HTTP/a",
        "ktadd -k a.kt nobody",
        "ktremove -k a.kt HTTP/a old",
        "renprinc -force HTTP/b HTTP/z",
        "renprinc -force nobody HTTP/y",
        "addpol -minlength 8 -minclasses 2 -history 3 -maxlife 90d -minlife 1h strict",
        "addpol strict",
        "getpol strict",
        "getpol -terse strict",
        "getpol nope",
        "list_policies",
        "modpol -minlength 10 strict",
        "addprinc -pw short -policy strict user/b",
        "addprinc -pw longenoughbutoneclass -policy strict user/b",
        "addprinc -pw Long3nough!x -policy strict user/b",
        "cpw -pw Long3nough!x user/b",
        "cpw -pw Long3nough!y user/b",
        "delpol -force nope",
        "get_privs",
        "delprinc -force HTTP/z",
        "delete_principal -force HTTP/z",
        "nonsense",
    ];
    all_good(lines.into_iter().map(|line| query(&sides, line)))?;
    same(&sides, &["-w", PASSWORD, "-q", "listprincs HTTP/?@*"], "")?;
    Ok(())
}

#[test]
fn words_of_the_command_line_are_one_command() -> Result<()> {
    let sides = Sides::served()?;
    for line in [
        "add_principal -randkey HTTP/a",
        "add_principal -randkey HTTP/a",
        "list_principals HTTP/?@*",
        "ktadd -k a.kt HTTP/a",
        "getprinc HTTP/a",
        "getprinc nobody",
        "delprinc -force nobody",
        "ktadd -k a.kt nobody",
    ] {
        same(&sides, &ROOT.into_iter().chain(line.split(' ')).collect::<Vec<_>>(), "")?;
    }
    same(&sides, &["-w", PASSWORD, "add_principal", "-pw", "pw2", "user/b"], "")?;
    same(&sides, &[&ROOT[..], &["-q", "listprincs", "listprincs"]].concat(), "")?;
    Ok(())
}

#[test]
fn a_keytab_in_every_form_that_scripts_write() -> Result<()> {
    let sides = with_robot()?;
    let with = |options: &[&str], line: &str| same(&sides, &[options, &["-q", line]].concat(), "");
    let robot = ["-p", "robot/admin", "-kt", "robot.kt"];
    with(&robot, "addprinc -randkey HTTP/a")?;
    with(&robot, "modprinc -maxrenewlife 11days +allow_renewable HTTP/a")?;
    with(&robot, "modprinc -maxrenewlife 11days +allow_renewable krbtgt/TEXTS.TEST")?;
    with(&["-k", "-t", "robot.kt", "-p", "robot/admin"], "listprincs HTTP/?@*")?;
    // As wallet: the options behind the query.
    let behind = ["-q", "getprinc nobody", "-s", "SERVER", "-r", REALM];
    same(&sides, &[&["-k", "-t", "robot.kt", "-p", "robot/admin"], &behind[..]].concat(), "")?;
    let lines = "addprinc -randkey HTTP/s\nxst -k s.kt HTTP/s\nnonsense\nquit\nlistprincs\n";
    same(&sides, &[&robot[..], &["-r", REALM]].concat(), lines)?;
    same(&sides, &ROOT, "listprincs HTTP/?@*\ngetprinc nobody")?;
    Ok(())
}

/// As Ambari: a ticket for the service of administration in a cache of its own.
#[test]
fn a_cache_with_a_ticket_for_the_service() -> Result<()> {
    let sides = Sides::served()?;
    sides.make_locally("addprinc -randkey kadmin/127.0.0.1\n")?;
    for service in ["kadmin/admin", "kadmin/127.0.0.1"] {
        sides.same_served("kinit", &["-c", "cc", "-S", service, "root/admin"], "secret\n")?;
        let mut kinit = sides.mit_at_kennel("kinit");
        process::run(kinit.args(["-c", "cc", "-S", service, "root/admin"]), "secret\n")?.ok()?;
        for cache in ["cc", "FILE:cc"] {
            same(&sides, &["-c", cache, "-s", "SERVER", "-r", REALM, "-q", "listprincs HTTP/?@*"], "")?;
        }
        same(&sides, &["-c", "cc", "-q", "getprinc nobody"], "")?;
    }
    Ok(())
}

/// What scripts read where nobody is logged in: from MIT's library, by the code that the KDC answers with.
#[test]
fn logins_that_fail_say_the_same() -> Result<()> {
    let sides = with_robot()?;
    let listing = |options: &[&str]| same(&sides, &[options, &["-q", "listprincs"]].concat(), "");
    let says = |run: Result<Run>, text: &str| {
        let run = run?;
        ensure!(run.stderr.contains(text) && run.status.code() == Some(1), "{text:?} is not in {run}");
        Ok(run)
    };
    let any = "while initializing kadmin interface";
    let mut runs = vec![
        // Ambari looks for the second sentence, which MIT says where nobody pre-authenticates.
        says(
            listing(&["-p", "root/admin", "-w", "wrong"]),
            "Preauthentication failed while initializing kadmin interface",
        ),
        says(listing(&["-p", "open/admin", "-w", "wrong"]), "Incorrect password while initializing kadmin interface"),
        says(listing(&["-p", "nobody/admin", "-w", "x"]), "not found in Kerberos database while initializing"),
        says(listing(&["-p", "user/x", "-w", "wrong", "-s", "SERVER"]), any),
        listing(&["-p", "user/x", "-w", PASSWORD]),
        says(listing(&["-p", "robot/admin", "-k", "-t", "none.kt"]), any),
        // The keys in the keytab are old ones.
        query(&sides, "cpw -randkey robot/admin"),
        says(listing(&["-p", "robot/admin", "-kt", "robot.kt"]), any),
    ];
    runs.extend([
        query(&sides, "modprinc -allow_tix open/admin"),
        says(listing(&["-p", "open/admin", "-w", PASSWORD]), "Client's credentials have been revoked"),
        query(&sides, "modprinc +allow_tix -pwexpire \"2020-01-01 00:00:00\" open/admin"),
        sides.same_served("kadmin", &["-p", "open/admin", "-w", PASSWORD, "-q", "listprincs"], ""),
        says(listing(&["-c", "no-such-cache"]), any),
        says(listing(&["-s", "localhost:1", "-p", "root/admin", "-w", PASSWORD]), any),
    ]);
    all_good(runs)?;
    // MIT's library asks for a new one, on a terminal.
    let mut expired = sides.kennel_kadmin();
    let expired = process::run(expired.args(["-p", "open/admin", "-w", PASSWORD, "-q", "listprincs"]), "")?;
    expired.refused("kadmin: Password has expired while initializing kadmin interface\n")?;
    Ok(())
}

/// Kennel's program speaks the protocol, and not one of its own.
#[test]
fn kennels_program_administers_a_realm_of_mit() -> Result<()> {
    let sides = Sides::served()?;
    let query = |line: &str| {
        let mut command = sides.kennel_kadmin_at_mit();
        process::run(command.args(ROOT).args(["-q", line]), "")?.ok()
    };
    ensure!(query("addprinc -randkey HTTP/a")?.stdout.ends_with("Principal \"HTTP/a@TEXTS.TEST\" created.\n"));
    ensure!(query("modprinc -allow_tix -maxlife 1h HTTP/a")?.stdout.ends_with("modified.\n"));
    let shown = query("getprinc HTTP/a")?;
    for line in ["Principal: HTTP/a@TEXTS.TEST\n", "Maximum ticket life: 0 days 01:00:00\n", "DISALLOW_ALL_TIX"] {
        ensure!(shown.stdout.contains(line), "{line:?} in {shown}");
    }
    ensure!(query("ktadd -k mit.kt HTTP/a")?.stdout.matches("added to keytab").count() == 4);
    ensure!(query("listprincs HTTP/*")?.stdout.ends_with("HTTP/a@TEXTS.TEST\n"));
    ensure!(query("delprinc -force HTTP/a")?.stdout.contains("deleted."));
    ensure!(query("getprinc HTTP/a")?.stderr.contains("Principal does not exist"));
    Ok(())
}

#[test]
fn the_programs_around_kadmin_work_on_both() -> Result<()> {
    let sides = Sides::served()?;
    query(&sides, "addprinc -randkey host/a")?;
    query(&sides, "ktadd -k host.kt host/a")?;
    let same = |program: &str, arguments: &[&str], input: &str| sides.same_served(program, arguments, input);
    same("k5srvutil", &["-f", "host.kt", "list"], "")?;
    same("k5srvutil", &["-f", "host.kt", "change"], "")?;
    same("kinit", &["-c", "cc", "-kt", "host.kt", "host/a"], "")?;
    same("klist", &["-k", "host.kt"], "")?;
    same("k5srvutil", &["-f", "host.kt", "delold"], "")?;
    let kept = same("klist", &["-k", "host.kt"], "")?;
    ensure!(kept.stdout.matches("host/a@TEXTS.TEST").count() == 4, "{kept}");
    same("kinit", &["-V", "-c", "/dev/null", "user/x"], "secret\n")?;
    same("kinit", &["-V", "-c", "/dev/null", "user/x"], "wrong\n")?;
    same("kinit", &["-c", "cc", "-kt", "host.kt", "host/b"], "")?;
    same("k5srvutil", &["-f", "host.kt", "delete"], "y\n")?;
    Ok(())
}

/// Heimdal's options are unknown to MIT's programs too. Those that begin with `--` are unknown options of Kennel.
#[test]
fn options_of_heimdal_are_refused() -> Result<()> {
    let sides = Sides::new()?;
    sides.same("kadmin", &["-l", "add", "--use-defaults", "--random-key", "HTTP/a"], "")?;
    sides.same("kadmin", &["-K", "kt", "-p", "root/admin", "get", "HTTP/a"], "")?;
    for words in [&["--local", "get", "HTTP/a"][..], &["--keytab=kt", "list", "*"]] {
        let run = sides.run_kennel("kadmin", words, "")?;
        ensure!(!run.status.success() && run.stderr.contains("unexpected argument"), "{run}");
    }
    Ok(())
}

/// Each form is one of MIT's, which carries it out; Kennel's program carries it out too, or says what takes its place.
#[test]
fn the_commands_of_kdb5_util() -> Result<()> {
    let sides = Sides::new()?;
    process::run(sides.mit("kadmin.local").args(["-q", "addprinc -randkey HTTP/a"]), "")?.ok()?;
    process::run(sides.kennel("kadmin.local").args(["-q", "addprinc -randkey HTTP/a"]), "")?.ok()?;
    let (done, instead) = (Some(0), Some(1));
    for (line, input, code, says) in [
        ("stash", "", done, "the master key is in a file already"),
        ("stash -f F", "", done, "the master key is in a file already"),
        ("dump F", "", instead, "kennel dump"),
        ("dump -verbose F HTTP/a@TEXTS.TEST", "", instead, "kennel dump"),
        ("load -update F", "", instead, "kennel load"),
        ("add_mkey -s", "new\nnew\n", instead, "kennel master-key rotate"),
        ("use_mkey 2", "", instead, "kennel master-key rotate"),
        ("list_mkeys", "", done, ""),
        ("update_princ_encryption -f", "", done, "kennel master-key status"),
        ("purge_mkeys -f", "", done, "forgets the old one"),
        ("tabdump keyinfo", "", instead, "kennel -o json"),
        ("tabdump princ_meta", "", instead, "kennel -o json"),
        ("tabdump princ_flags", "", instead, "kennel -o json"),
        ("ark HTTP/a", "", done, ""),
        ("destroy -f", "", instead, "stop kennel-kdc"),
        ("create -s -P PW", "", instead, "store.create = true"),
        ("destroy -f", "", instead, "stop kennel-kdc"),
        ("-r TEXTS.TEST -P PW create -s", "", instead, "store.create = true"),
        ("destroy -f", "", instead, "stop kennel-kdc"),
        ("-P hadoop create -s", "", instead, "store.create = true"),
        ("destroy -f", "", instead, "stop kennel-kdc"),
        ("create -W -s -P PW", "", instead, "store.create = true"),
        ("destroy -f", "", instead, "stop kennel-kdc"),
        ("create -s", "PW\nPW\n", instead, "store.create = true"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        // MIT 1.20 ends by SIGSEGV at ark.
        if !line.starts_with("ark") {
            process::run(sides.mit("kdb5_util").args(&words), input)?.ok()?;
        }
        let ours = sides.run_kennel("kdb5_util", &words, input)?;
        ensure!(ours.status.code() == code && ours.stderr.contains(says), "{line}: {ours}");
    }
    Ok(())
}
