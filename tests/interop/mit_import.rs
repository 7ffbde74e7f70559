//! Realms of real MIT and Heimdal programs, imported: users keep their passwords, services their keytabs, and tickets of the old KDC
//! stay good.

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use kennel_core::principal::{PrincipalRecord, Record};
use kennel_tests::binary;
use kennel_tests::heimdal::Heimdal;
use kennel_tests::mit_kdc::{ALL_AES, MitKdc};
use kennel_tests::process::{self, Run};
use kennel_tests::serve::Served;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

const REALM: &str = "MIT.TEST";
const USERS: usize = 1000;

/// A realm with four enctypes and RC4, a policy with history, salts, old keys, two master keys, and many users.
fn old_realm() -> Result<MitKdc> {
    let realm = MitKdc::create_with(REALM, &format!("{ALL_AES},arcfour-hmac:normal"))?;
    let keytab = |name: &str| realm.file(name).display().to_string();
    let mut script = format!(
        "addpol -minlength 6 -minclasses 2 -history 4 -maxfailure 5 -failurecountinterval 10m -lockoutduration 30m strict\n\
         addprinc -pw first-Pass1 -policy strict alice\ncpw -pw second-Pass2 alice\ncpw -pw third-Pass3 alice\n\
         setstr alice session_enctypes aes256-cts\nsetstr alice note kept\n\
         addprinc -pw rc4-secret -e arcfour-hmac:normal bob\naddprinc -pw special-secret -e aes256-cts:special carol\n\
         addprinc -pw norealm-secret -e aes256-cts:norealm,aes128-cts:onlyrealm dave\naddprinc -pw admin-secret alice/admin\n\
         addprinc -pw locked-secret -allow_tix eve\naddprinc -pw old-secret -e des3-cbc-sha1:normal frank\n\
         addprinc -randkey HTTP/web.mit.test\nktadd -k {} HTTP/web.mit.test\n\
         cpw -randkey -keepold HTTP/web.mit.test\nktadd -norandkey -k {} HTTP/web.mit.test\naddprinc -nokey empty\n",
        keytab("old.keytab"),
        keytab("new.keytab"),
    );
    for number in 0..USERS {
        writeln!(script, "addprinc -pw secret-{number} -e aes256-cts:normal user{number}")?;
    }
    realm.kadmin_script(&script)?;
    // From here on, what changes is under another master key; the stash keeps the first one alone.
    realm.kdb5_util(&["add_mkey", "-e", "aes256-cts-hmac-sha1-96"], "another-secret\nanother-secret\n")?;
    realm.kdb5_util(&["use_mkey", "2"], "")?;
    realm.kadmin_script("addprinc -pw late-secret grace\ncpw -pw alices-admin-secret alice/admin\n")?;
    Ok(realm)
}

fn import(new: &Served, dump: &Path, master: &[&str]) -> Result<String> {
    let dump = dump.to_str().context("a path that is not UTF-8")?;
    let run = new.run("import-mit", &[&[dump], master].concat())?.ok()?;
    Ok(run.stdout)
}

fn principal<'r>(records: &'r [Record], name: &str) -> Result<&'r PrincipalRecord> {
    let found = records.iter().find_map(|record| match record {
        Record::Principal(record) if record.principal.name.to_string() == name => Some(&**record),
        _ => None,
    });
    found.with_context(|| format!("there is no {name}"))
}

#[test]
fn a_realm_of_mit_moves_with_its_passwords_keytabs_tickets_and_policies() -> Result<()> {
    let mut old = old_realm()?;
    old.start()?;
    let user = old.mit()?;
    user.kinit(&["user7"], "secret-7")?.ok()?;
    old.stop();
    let (dump, stash) = (old.dump(None)?, old.stash().display().to_string());

    let mut new = Served::new(REALM)?;
    let said = import(&new, &dump, &["--master-key", &stash])?;
    // The users; those above; the KDC's own: krbtgt, kadmin/admin, kadmin/changepw, and what this version of kdb5_util makes.
    ensure!(said.contains(" 0 aliases, 1 policies imported; 0 left out"), "{said}");
    ensure!(said.contains("keys of des3-cbc-sha1 left out") && said.contains("no key is left"), "{said}");
    ensure!(said.contains("frank@MIT.TEST") && said.contains("has keys of arcfour-hmac"), "{said}");
    let (records, _) = new.records()?;
    ensure!(records.len() > USERS + 12, "{}", records.len());
    check_records(&records)?;

    new.start(&[])?;
    let logged_in = new.mit()?;
    for (name, password, wrong) in [
        ("alice", "third-Pass3", "second-Pass2"),
        ("bob", "rc4-secret", "x"),
        ("carol", "special-secret", "x"),
        ("dave", "norealm-secret", "x"),
        ("alice/admin", "alices-admin-secret", "admin-secret"),
        ("grace", "late-secret", "x"),
        ("user0", "secret-0", "secret-1"),
        ("user999", "secret-999", "secret-0"),
    ] {
        logged_in.kinit(&[name], wrong)?.refused("Password incorrect").with_context(|| name.to_owned())?;
        logged_in.kinit(&[name], password)?.ok().with_context(|| name.to_owned())?;
    }
    logged_in.kinit(&["eve"], "locked-secret")?.refused("revoked")?;
    check_keytab(&old, &new)?;

    // The ticket that the old KDC issued is good at the new one: only its krb5.conf names the other KDC.
    let moved = user.with_config(&std::fs::read_to_string(new.krb5_conf()?)?)?;
    moved.kvno(&["HTTP/web.mit.test"])?.ok()?;
    Ok(())
}

/// What no client sees.
fn check_records(records: &[Record]) -> Result<()> {
    let alice = principal(records, "alice")?;
    ensure!(alice.policy.as_deref() == Some("strict") && alice.keys.active_version().is_some_and(|v| v.kvno == 3));
    let earlier: Vec<usize> = alice.password_history.iter().map(Vec::len).collect();
    ensure!(earlier == [5, 5], "two earlier passwords in five enctypes: {earlier:?}");
    ensure!(alice.strings.get("note").is_some_and(|note| note == "kept") && alice.session_enctypes.is_some());
    ensure!(alice.modified_by == "root/admin@MIT.TEST", "{}", alice.modified_by);
    let web = principal(records, "HTTP/web.mit.test")?;
    let kvnos: Vec<(u32, usize)> = web.keys.versions.iter().map(|version| (version.kvno, version.keys.len())).collect();
    ensure!(kvnos == [(3, 5), (2, 5)], "{kvnos:?}");
    ensure!(principal(records, "empty")?.keys.versions.is_empty());
    ensure!(principal(records, "K/M").is_err() && principal(records, "kadmin/history").is_err());
    let policy = records.iter().find_map(|record| match record {
        Record::Policy(policy) => Some(policy),
        _ => None,
    });
    let rules = &policy.context("no policy")?.rules;
    ensure!(
        (rules.min_length, rules.history, rules.max_failures, rules.lockout_duration) == (6, 4, 5, 1800),
        "{rules:?}"
    );
    Ok(())
}

/// The keytab that the old realm wrote opens tickets of the new one, at the same version, and logs in.
fn check_keytab(old: &MitKdc, new: &Served) -> Result<()> {
    let keytab = old.file("new.keytab");
    let service = new.mit()?;
    service.kinit_with_keytab(&keytab, &["HTTP/web.mit.test"])?.ok()?;
    let run = service.kvno(&["-k", keytab.to_str().context("UTF-8")?, "HTTP/web.mit.test"])?.ok()?;
    ensure!(run.stdout.contains("kvno = 3, keytab entry valid"), "{run}");
    Ok(())
}

#[test]
fn every_version_of_the_dump_and_the_password_of_the_master_key_are_read() -> Result<()> {
    let old = MitKdc::create(REALM)?;
    old.kadmin_script("addpol -minlength 6 strict\naddprinc -pw secret1 -policy strict alice\n")?;
    for (version, has_policy) in [("-b7", false), ("-r13", true), ("-r18", true)] {
        let new = Served::new(REALM)?;
        let password = new.file("password");
        std::fs::write(&password, "not-a-secret\n")?;
        let password = password.display().to_string();
        import(&new, &old.dump(Some(version))?, &["--master-password", &password])?;
        let (records, _) = new.records()?;
        let alice = principal(&records, "alice")?;
        ensure!(alice.keys.versions.len() == 1 && alice.policy.is_some() == has_policy, "{version}: {alice:?}");
    }
    Ok(())
}

#[test]
fn an_import_that_is_refused_changes_nothing_and_says_why() -> Result<()> {
    let (old, other) = (MitKdc::create(REALM)?, MitKdc::create("OTHER.TEST")?);
    old.kadmin("addprinc -pw secret1 alice")?;
    let (dump, stash, wrong) =
        (old.dump(None)?, old.stash().display().to_string(), other.stash().display().to_string());
    let dump = dump.to_str().context("UTF-8")?;
    let mut new = Served::new(REALM)?;
    new.run("import-mit", &[dump, "--master-key", &wrong])?.refused("is not that of the dump")?;
    ensure!(!new.file("store").exists(), "a store was made");
    new.run("import-mit", &[dump, "--master-key", &stash, "--dry-run"])?.ok()?;
    ensure!(!new.file("store").exists(), "a store was made");
    new.run("import-mit", &[dump, "--master-key", &stash])?.ok()?;
    let before = new.records()?;
    new.run("import-mit", &[dump, "--master-key", &stash])?.refused("alice@MIT.TEST")?;
    ensure!(new.records()? == before, "the store was changed");
    new.run("import-mit", &[dump, "--master-key", &stash, "--replace", "--krbtgt", "keep"])?.ok()?;
    new.start(&[])?;
    new.run("import-mit", &[dump, "--master-key", &stash, "--replace"])?.refused("the KDC runs")?;
    new.mit()?.kinit(&["alice"], "secret1")?.ok()?;
    new.stop()
}

/// A realm that serves `carol` and `HTTP/own`.
fn serving_realm() -> Result<Served> {
    let mut realm = Served::new(REALM)?;
    realm.start(&["--create"])?;
    for words in [&["addprinc", "-pw", "carols-secret", "carol"][..], &["addprinc", "-randkey", "HTTP/own.mit.test"]] {
        kennel(&realm, words, "")?.ok()?;
    }
    Ok(realm)
}

/// A command of `kennel` at the admin socket.
fn kennel(realm: &Served, words: &[&str], input: &str) -> Result<Run> {
    let mut command = Command::new(binary::kennel()?);
    process::run(command.args(words).env("KENNEL_SOCKET", realm.socket()), input)
}

#[test]
fn a_realm_that_serves_takes_a_realm_of_mit_in_beside_its_own_and_keeps_the_tickets_that_it_issued() -> Result<()> {
    let mut old = MitKdc::create(REALM)?;
    let (keytab, stash) = (old.file("web.keytab"), old.stash().display().to_string());
    old.kadmin_script(&format!(
        "addpol -minlength 6 strict\naddprinc -pw alices-secret -policy strict alice\naddprinc -randkey HTTP/web.mit.test\n\
         ktadd -k {} HTTP/web.mit.test\n",
        keytab.display()
    ))?;
    old.start()?;
    let from_old = old.mit()?;
    from_old.kinit(&["alice"], "alices-secret")?.ok()?;
    old.stop();
    let dump = old.dump(None)?;
    let dump = dump.to_str().context("UTF-8")?;

    let new = serving_realm()?;
    let (carol, from_old) = (new.mit()?, from_old.with_config(&std::fs::read_to_string(new.krb5_conf()?)?)?);
    carol.kinit(&["carol"], "carols-secret")?.ok()?;
    let import =
        |arguments: &[&str]| kennel(&new, &[&["import-mit", dump, "--master-key", &stash], arguments].concat(), "");
    let tried = import(&["--krbtgt", "keep", "--dry-run"])?.ok()?;
    ensure!(tried.stdout.contains("1 policies imported; 0 left out"), "{tried}");
    let alice = new.mit()?;
    alice.kinit(&["alice"], "alices-secret")?.refused("not found in Kerberos database")?;

    let done = import(&["--krbtgt", "keep"])?.ok()?;
    ensure!(done.stdout == tried.stdout, "{done}");
    alice.kinit(&["alice"], "alices-secret")?.ok()?;
    let service = new.mit()?;
    service.kinit_with_keytab(&keytab, &["HTTP/web.mit.test"])?.ok()?;
    // The ticket from before serves for old and new services, that of the old KDC for none.
    carol.kvno(&["HTTP/own.mit.test", "HTTP/web.mit.test"])?.ok()?;
    from_old.kvno(&["HTTP/web.mit.test"])?.refused("while getting credentials")?;

    import(&["--krbtgt", "keep"])?.refused("3 of the dump's names already (HTTP/web.mit.test@MIT.TEST")?;
    kennel(&new, &["addprinc", "-randkey", "later"], "")?.ok()?;
    kennel(&new, &["cpw", "-pw", "another-secret", "alice"], "")?.ok()?;
    // As in a pod, where nothing but standard input comes in.
    let base64 = base64::engine::general_purpose::STANDARD.encode(std::fs::read(old.stash())?);
    let input = format!("{base64}\n{}", std::fs::read_to_string(dump)?);
    let words = ["import-mit", "-", "--master-key", "-", "--krbtgt", "import", "--replace"];
    kennel(&new, &words, &input)?.ok()?;
    alice.kinit(&["alice"], "another-secret")?.refused("Password incorrect")?;
    alice.kinit(&["alice"], "alices-secret")?.ok()?;
    from_old.kvno(&["HTTP/web.mit.test"])?.ok()?;
    kennel(&new, &["getprinc", "later"], "")?.ok()?;
    Ok(())
}

#[test]
fn an_import_into_a_realm_that_serves_is_refused_with_the_reason_and_changes_nothing() -> Result<()> {
    let (old, other) = (MitKdc::create(REALM)?, MitKdc::create("OTHER.TEST")?);
    old.kadmin("addprinc -pw alices-secret carol")?;
    let mut new = serving_realm()?;
    let paths = [old.dump(None)?, other.dump(None)?, old.stash(), other.stash()];
    let [dump, others, stash, wrong] = paths.map(|path| path.display().to_string());
    for (dump, stash, why) in [
        (&dump, &wrong, "is not that of the dump"),
        (&others, &wrong, "the dump is of the realm OTHER.TEST, and this KDC serves MIT.TEST"),
        (&dump, &stash, "carol@MIT.TEST): give --replace"),
        (&stash, &stash, "nothing was changed"),
    ] {
        for more in [&["--krbtgt", "keep"][..], &["--krbtgt", "keep", "--dry-run"]] {
            let words = [&["import-mit", dump, "--master-key", stash], more].concat();
            kennel(&new, &words, "")?.refused(why)?.refused("nothing was changed")?;
        }
    }
    let words = ["import-mit", &dump, "--master-key", &stash];
    kennel(&new, &words, "")?.refused("--krbtgt")?;
    let carol = new.mit()?;
    carol.kinit(&["carol"], "carols-secret")?.ok()?;
    carol.kvno(&["HTTP/own.mit.test"])?.ok()?;
    new.stop()
}

#[test]
fn a_realm_of_heimdal_moves_with_its_passwords_and_keytabs() -> Result<()> {
    let mut new = Served::new("HEIM.TEST")?;
    let path = |name: &str| new.file(name).display().to_string();
    let config = new.file("heimdal.conf");
    std::fs::write(
        &config,
        format!(
            "[libdefaults]\n default_realm = HEIM.TEST\n[kdc]\n database = {{\n  dbname = {}\n  realm = HEIM.TEST\n  mkey_file = {}\n  \
             acl_file = /dev/null\n  log_file = {}\n }}\n",
            path("heimdal"),
            path("m-key"),
            path("heimdal.log")
        ),
    )?;
    let old = Heimdal::new(&config, "")?;
    old.kadmin(&[
        "stash",
        "--random-password",
        "--enctype=aes256-cts-hmac-sha1-96",
        &format!("--key-file={}", path("m-key")),
    ])?;
    old.kadmin(&["init", "--realm-max-ticket-life=1d", "--realm-max-renewable-life=7d", "HEIM.TEST"])?;
    old.kadmin(&["add", "-p", "secret1", "--use-defaults", "alice"])?;
    old.kadmin(&["add", "-r", "--use-defaults", "HTTP/web.heim.test"])?;
    old.kadmin(&["ext_keytab", &format!("--keytab={}", path("web.keytab")), "HTTP/web.heim.test"])?;
    old.kadmin(&["dump", "--format=MIT", &path("dump")])?;

    let said = import(&new, &new.file("dump"), &["--master-key", &path("m-key")])?;
    ensure!(said.contains("des3-cbc-sha1 left out") && !said.contains("do not decrypt"), "{said}");
    new.start(&[])?;
    let user = new.mit()?;
    user.kinit(&["alice"], "wrong")?.refused("Password incorrect")?;
    user.kinit(&["alice"], "secret1")?.ok()?;
    let keytab = new.file("web.keytab");
    let run = user.kvno(&["-k", keytab.to_str().context("UTF-8")?, "HTTP/web.heim.test"])?.ok()?;
    ensure!(run.stdout.contains("keytab entry valid"), "{run}");
    new.stop()
}
