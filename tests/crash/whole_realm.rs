//! Dumps of a realm that is served and written to, and `kill -9` in the middle of `load`: all of the old records or all of the new ones.

use crate::load::Load;
use anyhow::{Context, Result, ensure};
use kennel_client::client::system_now;
use kennel_core::key_set::KeySet;
use kennel_core::principal::{Origin, PrincipalRecord, Record};
use kennel_store::sled::OpenMode;
use kennel_store::{Revision, SledStore, master_key_file};
use kennel_tests::binary::kennel;
use kennel_tests::process;
use kennel_tests::serve::Served;
use kennel_wire::message::Principal;
use rand::rngs::OsRng;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const REALM: &str = "WHOLE.TEST";
/// Principals of the realm.
const USERS: usize = 3000;
const KILLS: u32 = 16;

/// A realm with many users, whose keys are of this version; its store is not open.
#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn fill(realm: &Served, kvno: u32) -> Result<()> {
    let keys = master_key_file::load_keys(&realm.file("master.key"))?;
    let store = SledStore::open(&realm.file("store"), keys, OpenMode::Existing)?;
    let mut names: Vec<String> = (0..USERS).map(|number| format!("user{number}")).collect();
    names.push(format!("krbtgt/{REALM}"));
    let enctypes = kennel_core::realm::Realm::new(REALM).enctypes;
    let records: Result<Vec<Record>> = names
        .iter()
        .map(|name| {
            let keys = KeySet::random(&enctypes, kvno, system_now(), &mut OsRng);
            let name = Principal::parse(name, REALM)?;
            Ok(Record::Principal(Box::new(PrincipalRecord::new(name, Origin::Manual, keys, system_now(), "test"))))
        })
        .collect();
    store.replace_all(records?, Revision(0), Box::new(|_| {})).await?;
    Ok(())
}

fn realm() -> Result<Served> {
    let mut realm = Served::new(REALM)?;
    realm.start(&["--create"])?;
    realm.stop()?;
    std::fs::write(realm.file("passphrase"), "correct horse battery staple\n")?;
    fill(&realm, 1)?;
    Ok(realm)
}

fn paths(realm: &Served) -> (String, String) {
    (realm.file("realm.dump").display().to_string(), realm.file("passphrase").display().to_string())
}

#[test]
fn kill_9_in_the_middle_of_load_leaves_all_of_the_old_realm_or_all_of_the_dump() -> Result<()> {
    let realm = realm()?;
    let (dump, passphrase) = paths(&realm);
    let flags = [&*dump, "--passphrase-file", &passphrase, "--replace"];
    realm.run("dump", &[&*dump, "--passphrase-file", &passphrase])?.ok()?;
    let (dumped, _) = realm.records()?;
    let begun = Instant::now();
    realm.run("load", &flags)?.ok()?;
    let took = begun.elapsed();
    let (mut old, mut new) = (0, 0);
    for round in 0..KILLS {
        fill(&realm, round + 2)?;
        let (before, revision) = realm.records()?;
        let mut child = realm.command("load", &flags)?.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        std::thread::sleep(took * (round * 7 % KILLS) / KILLS * 5 / 4);
        // It may have ended.
        let _ = child.kill();
        child.wait()?;
        let (after, at) = realm.records().with_context(|| format!("round {round}"))?;
        if after == dumped {
            ensure!(at > Revision(revision.0 + (1 << 32)), "round {round}: revisions might come again: {at:?}");
            new += 1;
        } else {
            ensure!(after == before && at == revision, "round {round}: a mixture");
            old += 1;
        }
    }
    println!("{KILLS} kills within {took:?}: {old} left the old realm, {new} the dump");
    ensure!(old > 0 && new > 0, "{old} old and {new} new ones prove little");
    Ok(())
}

/// `kennel` on the admin socket of the realm.
fn admin(realm: &Served, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(kennel()?);
    command.args(arguments).env("KENNEL_SOCKET", realm.socket());
    Ok(command)
}

fn administer(realm: &Served, arguments: &[&str]) -> Result<process::Run> {
    process::run_within(&mut admin(realm, arguments)?, "", Duration::from_secs(120))
}

#[test]
fn a_dump_takes_the_place_of_all_records_while_the_kdc_serves() -> Result<()> {
    let mut realm = realm()?;
    let (dump, passphrase) = paths(&realm);
    realm.start(&[])?;
    administer(&realm, &["dump", &dump, "--passphrase-file", &passphrase])?.ok()?;
    administer(&realm, &["delprinc", "-force", "user7"])?.ok()?;
    administer(&realm, &["cpw", "-randkey", "user8"])?.ok()?;
    administer(&realm, &["addprinc", "-randkey", "later"])?.ok()?;
    let flags = [&*dump, "--passphrase-file", &passphrase];
    let load = |more: &[&str]| administer(&realm, &[&["load"], more].concat());
    load(&flags)?.refused("give --replace for the dump to take their place (nothing was changed)")?;
    std::fs::write(realm.file("other"), "another passphrase")?;
    let other = realm.file("other").display().to_string();
    load(&[&dump, "--replace", "--passphrase-file", &other])?.refused("another one")?;
    administer(&realm, &["getprinc", "later"])?.ok()?;

    let clients = Load::start(realm.port(), 1)?;
    let run = load(&[&flags[..], &["--replace"]].concat())?.ok()?;
    ensure!(
        run.stdout.contains("loaded 3003 records") && run.stdout.contains("new keys have versions above 65536"),
        "{run}"
    );
    clients.await_answers(10)?;
    clients.stop()?;
    administer(&realm, &["getprinc", "later"])?.refused("Principal does not exist")?;
    let user7 = administer(&realm, &["getprinc", "user7"])?.ok()?.stdout;
    ensure!(user7.contains("Key: vno 1,"), "{user7}");
    for (user, kvno) in [("user8", "65537"), ("user8", "65538")] {
        administer(&realm, &["cpw", "-randkey", user])?.ok()?;
        let keys = administer(&realm, &["keys", user, "-o", "json"])?.ok()?.stdout;
        ensure!(keys.contains(kvno), "the version after the one of the dump: {keys}");
    }
    // The passphrase and the dump by standard input, as into a pod.
    let input = [&std::fs::read(&passphrase)?[..], &std::fs::read(&dump)?].concat();
    std::fs::write(realm.file("both"), input)?;
    let mut piped = admin(&realm, &["load", "-", "--replace", "--passphrase-file", "-"])?;
    let piped = piped.stdin(std::fs::File::open(realm.file("both"))?).output()?;
    ensure!(String::from_utf8_lossy(&piped.stdout).contains("new keys have versions above 131072"), "{piped:?}");
    realm.stop()?;
    let (records, _) = realm.records()?;
    ensure!(records.len() == 3003, "{} records", records.len());
    // And the way out.
    realm.start(&[])?;
    let mut piped = admin(&realm, &["dump", "-", "--passphrase-file", "-"])?;
    let piped = piped.stdin(std::fs::File::open(&passphrase)?).output()?;
    ensure!(piped.status.success() && piped.stdout.len() > 100_000, "{}", piped.stdout.len());
    realm.stop()
}

#[test]
fn kill_9_of_the_kdc_in_the_middle_of_a_load_leaves_all_of_the_old_realm_or_all_of_the_dump() -> Result<()> {
    const ROUNDS: u32 = 8;
    let mut realm = realm()?;
    let (dump, passphrase) = paths(&realm);
    let flags = ["load", &*dump, "--replace", "--passphrase-file", &passphrase];
    realm.run("dump", &[&*dump, "--passphrase-file", &passphrase])?.ok()?;
    let (dumped, _) = realm.records()?;
    let (mut old, mut new, mut took) = (0, 0, Duration::ZERO);
    for round in 0..=ROUNDS {
        fill(&realm, round + 2)?;
        let (before, revision) = realm.records()?;
        realm.start(&[])?;
        let begun = Instant::now();
        let mut client: Child = admin(&realm, &flags)?.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        if round == 0 {
            ensure!(client.wait()?.success());
            took = begun.elapsed();
            realm.stop()?;
            continue;
        }
        std::thread::sleep(took * round / ROUNDS);
        realm.kill()?;
        let output = client.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let (after, at) = realm.records().with_context(|| format!("round {round}"))?;
        if at > Revision(revision.0 + (1 << 32)) {
            // The start made its services of administration, or the load did.
            let all = dumped.iter().all(|one| after.contains(one) || one.name().to_string().starts_with("k"));
            ensure!(all, "round {round}: not all of the dump");
            new += 1;
        } else {
            let all = before.iter().all(|one| after.contains(one) || one.name().to_string().starts_with("k"));
            ensure!(all, "round {round}: not all of the old realm");
            old += 1;
        }
        let is_told = output.status.success()
            || said.contains("all of the old ones or all of the new ones")
            || said.contains("the KDC cannot be reached")
            || said.contains("the answer of the KDC cannot be read");
        ensure!(is_told, "round {round}: {said}");
    }
    println!("{ROUNDS} kills within {took:?}: {old} left the old realm, {new} the dump");
    ensure!(old > 0, "{old} old and {new} new ones prove little");
    Ok(())
}

#[test]
fn a_dump_of_a_served_realm_is_loaded_where_all_else_is_lost() -> Result<()> {
    let mut realm = realm()?;
    let (dump, passphrase) = paths(&realm);
    let before = realm.records()?;
    realm.start(&[])?;
    let load = Load::start(realm.port(), 1)?;
    let mut command = Command::new(kennel()?);
    command.args(["dump", &dump, "--passphrase-file", &passphrase, "--socket"]).arg(realm.socket());
    process::run(&mut command, "")?.ok()?;
    load.await_answers(10)?;
    load.stop()?;
    realm.stop()?;
    let (_, last) = realm.records()?;
    for lost in ["store", "master.key", "master.key.mark"] {
        let path = realm.file(lost);
        if path.is_dir() { std::fs::remove_dir_all(path)? } else { _ = std::fs::remove_file(path) }
    }
    std::fs::write(realm.file("other"), "another passphrase")?;
    let other = realm.file("other").display().to_string();
    realm.run("load", &[&*dump, "--passphrase-file", &other])?.refused("another one")?;
    let run = realm.run("load", &[&*dump, "--passphrase-file", &passphrase])?.ok()?;
    ensure!(run.stdout.contains("new keys have versions above 65536"), "{run}");
    let (after, revision) = realm.records()?;
    ensure!(revision > last, "{revision:?} after {last:?}");
    ensure!(before.0.iter().all(|one| after.iter().any(|other| other.name() == one.name())), "a record is lost");
    // The krbtgt of the first look may have learned how long it is accepted; the first start made the services of administration.
    let differ = after.iter().filter(|one| !before.0.contains(one)).map(|one| one.name().to_string());
    let expected = ["krbtgt/", "kadmin/"];
    let differ: Vec<String> = differ.filter(|name| !expected.iter().any(|start| name.starts_with(start))).collect();
    ensure!(differ.is_empty(), "{differ:?}");
    realm.run("load", &[&*dump, "--passphrase-file", &passphrase])?.refused("give --replace")?;
    realm.start(&[])?;
    realm.run("load", &[&*dump, "--passphrase-file", &passphrase, "--replace"])?.refused("the KDC runs")?;
    std::thread::sleep(Duration::from_millis(50));
    realm.stop()
}
