//! Samba's raw Kerberos tests, against Kennel and against MIT's krb5kdc. Their outcomes stand in `samba_outcomes.tsv`: a change for
//! the worse or for the better is noticed.

use anyhow::{Context, Result, bail, ensure};
use kennel_core::keytab;
use kennel_core::principal::Record;
use kennel_store::sled::OpenMode;
use kennel_store::{Expect, PrincipalStore, SledStore, VersionedRecord, master_key_file};
use kennel_tests::mit_kdc::MitKdc;
use kennel_tests::process::Run;
use kennel_tests::realm::Realm;
use kennel_tests::samba::{Samba, Target};
use kennel_wire::message::Principal;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use toml::{Table, Value};

const REALM: &str = "SAMBA.KENNEL";

/// The columns: a test, or the beginning of the names of several and `*`; its outcome at MIT's krb5kdc; its outcome at Kennel; why
/// Kennel fails where MIT passes. Tests that need what neither KDC has are not listed.
const OUTCOMES: &str = include_str!("samba_outcomes.tsv");

#[test]
fn samba_s_raw_tests_end_at_kennel_as_listed() -> Result<()> {
    let (samba, folder) = (Samba::find()?, TempDir::new()?);
    let mut seed: Table = toml::from_str(&Samba::seed()?)?;
    let mut realm = Realm::builder(REALM)?.seed(&Samba::seed()?).start()?;
    let machines = without_passwords(&mut seed)?;
    let (krbtgt, dev) = (folder.path().join("krbtgt.keytab"), realm.folder());
    realm.while_down(|| {
        std::fs::write(dev.with_file_name("seed.toml"), toml::to_string(&seed)?)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        Ok(std::fs::write(&krbtgt, runtime.block_on(prepare(&dev, &machines))?)?)
    })?;
    let target = Target { realm: REALM, port: realm.port(), krbtgt: &krbtgt, realm_salt: false };
    compare(samba.run(target)?, |[_, kennel]| kennel)
}

#[test]
fn samba_s_raw_tests_end_at_mit_s_kdc_as_listed() -> Result<()> {
    let (samba, folder) = (Samba::find()?, TempDir::new()?);
    let mut realm = MitKdc::create_with(REALM, "aes256-cts:normal,aes128-cts:normal,arcfour-hmac:normal")?;
    realm.configure("allow_rc4 = true", "disable_pac = true")?;
    realm.kadmin_script(&samba.kadmin_commands()?)?;
    let krbtgt = folder.path().join("krbtgt.keytab");
    realm.kadmin(&format!("ktadd -norandkey -k {} krbtgt/{REALM}", krbtgt.display()))?;
    realm.start()?;
    let target = Target { realm: REALM, port: realm.port(), krbtgt: &krbtgt, realm_salt: true };
    compare(samba.run(target)?, |[mit, _]| mit)
}

#[test]
fn every_test_of_samba_that_fails_here_alone_has_a_reason() -> Result<()> {
    for line in OUTCOMES.lines().skip(1) {
        let columns: Vec<_> = line.split('\t').collect();
        let [test, mit, kennel, reason] = columns[..] else { bail!("not four columns: {line:?}") };
        ensure!((mit == "pass" && kennel == "fail") != reason.is_empty(), "{test}: {reason:?}");
    }
    Ok(())
}

/// Compares the outcomes of a run with a column of the list.
fn compare((outcomes, run): (BTreeMap<String, String>, Run), column: fn([&str; 2]) -> &str) -> Result<()> {
    let (mut exact, mut beginnings) = (BTreeMap::new(), Vec::new());
    for line in OUTCOMES.lines().skip(1) {
        let columns: Vec<_> = line.split('\t').collect();
        let [test, mit, kennel, _] = columns[..] else { bail!("not four columns: {line:?}") };
        match test.strip_suffix('*') {
            Some(beginning) => beginnings.push((beginning, column([mit, kennel]))),
            None => drop(exact.insert(test, column([mit, kennel]))),
        }
    }
    let listed = |test: &str| {
        let beginning = beginnings.iter().find(|(beginning, _)| test.starts_with(beginning));
        exact.get(test).copied().or(beginning.map(|(_, outcome)| *outcome))
    };
    let mut differences = Vec::new();
    for (test, outcome) in &outcomes {
        match listed(test) {
            Some(expected) if expected == outcome => {}
            None if outcome.starts_with("needs") => {}
            expected => differences.push(format!("{test}: {outcome}, listed as {}", expected.unwrap_or("nothing"))),
        }
    }
    differences
        .extend(exact.keys().filter(|test| !outcomes.contains_key(**test)).map(|test| format!("{test}: not run")));
    ensure!(differences.is_empty(), "{} differ:\n{}\n{run}", differences.len(), differences.join("\n"));
    Ok(())
}

/// Takes the passwords of machine accounts, which have aliases, out of the seed, so that `dev` keeps their keys. Returns the names.
fn without_passwords(seed: &mut Table) -> Result<Vec<Principal>> {
    let principals = seed.get_mut("principal").and_then(Value::as_array_mut).context("no principals")?;
    let mut machines = Vec::new();
    for entry in principals.iter_mut().filter_map(Value::as_table_mut).filter(|entry| entry.contains_key("aliases")) {
        entry.remove("password");
        let name = entry.get("name").and_then(Value::as_str).context("no name")?;
        machines.push(Principal::parse(name, REALM)?);
    }
    Ok(machines)
}

/// Makes machine accounts of these, and returns the keytab of the ticket-granting service. No server has the store open.
///
/// The tests log in by the passwords of machines, and ask for tickets for machines. Kennel takes a name of one component with keys
/// from a password for a person, and issues no ticket under the password of a person; the same keys without their salts count as
/// random ones.
async fn prepare(dev: &Path, machines: &[Principal]) -> Result<Vec<u8>> {
    let key = Arc::new(master_key_file::load(&dev.join("master.key"))?);
    let store = SledStore::open(&dev.join("store"), key, OpenMode::Existing)?;
    for name in machines {
        let VersionedRecord { record, revision } = store.read(name).await?.context("no such account")?;
        let Record::Principal(mut record) = record else { bail!("{name} is no principal") };
        record.keys.versions.iter_mut().flat_map(|version| &mut version.keys).for_each(|stored| stored.salt = None);
        store.put(&Record::Principal(record), Expect::Revision(revision)).await?;
    }
    let name = Principal::krbtgt(REALM, REALM);
    let VersionedRecord { record, .. } = store.read(&name).await?.context("no ticket-granting service")?;
    let Record::Principal(record) = record else { bail!("{name} is no principal") };
    let entries: Vec<_> = keytab::entries(&record, &name).collect();
    Ok(kennel_wire::keytab::encode(&entries).to_vec())
}
