//! A dump of a realm to which administrators write all the time, and the realm that is made of it where all else is lost.

use crate::setting::Setting;
use crate::wire::{Administrator, principal};
use anyhow::{Context, Result, bail, ensure};
use kennel_core::key_set::KeyState;
use kennel_core::principal::{PrincipalRecord, Record};
use kennel_crypto::SecretBytes;
use kennel_store::dump::reader;
use kennel_store::dump::secret::DumpSecret;
use kennel_tests::binary::kennel;
use kennel_tests::process::{self, Run};
use kennel_wire::kadm5::arguments::Arguments;
use kennel_wire::kadm5::principal::{PrincipalEntry, PrincipalMask};
use kennel_wire::message::Principal;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Administrators that write at the same time.
const WRITERS: usize = 3;
const PASSPHRASE: &str = "correct horse battery staple";

/// What an administrator was told is done, in order: principals with the version of their keys, and aliases.
#[derive(Debug, Clone, Default)]
struct Acknowledged {
    kvnos: BTreeMap<usize, u32>,
    aliases: BTreeSet<usize>,
}

/// An administrator in the background: makes principals, gives them new keys and aliases, one call after the other.
struct Writer {
    number: usize,
    acknowledged: Arc<Mutex<Acknowledged>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<()>>,
}

impl Writer {
    fn start(setting: &Setting, number: usize) -> Result<Writer> {
        let mut root = Administrator::log_in(setting, "root/admin", "kadmin/admin")?;
        let (acknowledged, stop) = (Arc::new(Mutex::new(Acknowledged::default())), Arc::new(AtomicBool::new(false)));
        let thread = std::thread::spawn({
            let (acknowledged, stop) = (acknowledged.clone(), stop.clone());
            move || write(&mut root, number, &acknowledged, &stop)
        });
        Ok(Writer { number, acknowledged, stop, thread })
    }

    fn acknowledged(&self) -> Acknowledged {
        lock(&self.acknowledged).clone()
    }

    fn stop(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().ok().context("a writer panicked")?
    }
}

fn lock(acknowledged: &Mutex<Acknowledged>) -> MutexGuard<'_, Acknowledged> {
    acknowledged.lock().unwrap_or_else(PoisonError::into_inner)
}

fn name(writer: usize, at: usize) -> Result<Principal> {
    principal(&format!("load/{writer}-{at}"))
}

fn alias(writer: usize, at: usize) -> Result<Principal> {
    principal(&format!("alias/{writer}-{at}"))
}

fn write(root: &mut Administrator, writer: usize, acknowledged: &Mutex<Acknowledged>, stop: &AtomicBool) -> Result<()> {
    let mut done = |arguments: Arguments| match root.call(arguments)? {
        Ok(_) => Ok(()),
        Err(status) => bail!("refused: {status:?}"),
    };
    for at in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let entry = Box::new(PrincipalEntry { principal: Some(name(writer, at)?), ..PrincipalEntry::default() });
        done(Arguments::CreatePrincipal { entry, mask: PrincipalMask::PRINCIPAL, keysalts: vec![], password: None })?;
        lock(acknowledged).kvnos.insert(at, 1);
        done(Arguments::RandomizeKeys { principal: name(writer, at)?, keep_old: true, keysalts: vec![] })?;
        lock(acknowledged).kvnos.insert(at, 2);
        if at % 4 == 0 {
            done(Arguments::CreateAlias { alias: alias(writer, at)?, target: name(writer, at)? })?;
            lock(acknowledged).aliases.insert(at);
        }
    }
    Ok(())
}

/// The records of a dump.
struct Dumped {
    principals: BTreeMap<String, PrincipalRecord>,
    /// Aliases and their targets.
    aliases: BTreeMap<String, String>,
}

impl Dumped {
    fn read(file: &[u8]) -> Result<Dumped> {
        let secret = DumpSecret::Passphrase(SecretBytes::new(PASSPHRASE.into()));
        let (_, records) = reader::read(file, &secret, |_| {})?;
        let (mut principals, mut aliases) = (BTreeMap::new(), BTreeMap::new());
        for record in records {
            match record {
                Record::Principal(record) => _ = principals.insert(record.principal.to_string(), *record),
                Record::Alias { alias, target, .. } => _ = aliases.insert(alias.to_string(), target.to_string()),
                Record::Holder(_) | Record::Policy(_) => {}
            }
        }
        Ok(Dumped { principals, aliases })
    }

    fn kvno(&self, name: &Principal) -> Option<u32> {
        self.principals.get(&name.to_string())?.keys.active_version().map(|version| version.kvno)
    }

    /// Every record is one that a write left, and not the half of one.
    fn ensure_whole(&self) -> Result<()> {
        for (name, record) in self.principals.iter().filter(|(name, _)| name.starts_with("load/")) {
            let versions = &record.keys.versions;
            let states: Vec<(u32, KeyState)> = versions.iter().map(|version| (version.kvno, version.state)).collect();
            let expected: [&[(u32, KeyState)]; 2] =
                [&[(1, KeyState::Active)], &[(2, KeyState::Active), (1, KeyState::Retiring)]];
            ensure!(expected.contains(&&*states), "{name}: {states:?}");
            ensure!(versions.iter().all(|version| version.keys.len() == 4), "{name} lacks keys");
        }
        for (alias, target) in &self.aliases {
            ensure!(self.principals.contains_key(target), "{alias} is an alias of {target}, which is not there");
        }
        Ok(())
    }

    /// What one writer was told before the dump began is in it, at least; what it was told after the dump ended is not; and what is there is
    /// of one moment: a later write is not without an earlier one.
    fn ensure_between(&self, writer: usize, before: &Acknowledged, after: &Acknowledged) -> Result<usize> {
        for (at, kvno) in &before.kvnos {
            let dumped = self.kvno(&name(writer, *at)?);
            ensure!(dumped >= Some(*kvno), "load/{writer}-{at} had version {kvno}, and the dump has {dumped:?}");
        }
        for at in &before.aliases {
            ensure!(self.aliases.contains_key(&alias(writer, *at)?.to_string()), "alias/{writer}-{at} is lost");
        }
        let count = (0..).take_while(|at| name(writer, *at).is_ok_and(|name| self.kvno(&name).is_some())).count();
        let prefix = format!("load/{writer}-");
        let all = self.principals.keys().filter(|name| name.starts_with(&prefix)).count();
        ensure!(count == all, "{all} principals of writer {writer}, of which the first {count} are without a gap");
        for at in 0..count.saturating_sub(1) {
            ensure!(
                self.kvno(&name(writer, at)?) == Some(2),
                "load/{writer}-{at} was changed before the next one was made"
            );
            let has_alias = self.aliases.contains_key(&alias(writer, at)?.to_string());
            ensure!(has_alias == (at % 4 == 0), "the alias of load/{writer}-{at}");
        }
        // One may be done and not acknowledged.
        ensure!(count <= after.kvnos.len() + 1, "{count} principals, {} were acknowledged", after.kvnos.len());
        Ok(count)
    }
}

fn local(setting: &Setting, arguments: &[&str]) -> Result<Run> {
    let mut command = Command::new(kennel()?);
    command.args(arguments).env("KENNEL_SOCKET", setting.admin_socket());
    process::run(&mut command, "")
}

fn until_each_has(writers: &[Writer], count: usize) -> Result<()> {
    for _ in 0..2000 {
        if writers.iter().all(|writer| writer.acknowledged().kvnos.len() >= count) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    bail!("the writers are too slow: {:?}", writers.iter().map(Writer::acknowledged).collect::<Vec<_>>())
}

#[test]
fn a_dump_under_write_load_has_what_was_acknowledged_and_makes_the_realm_anew_where_all_else_is_lost() -> Result<()> {
    let mut setting = Setting::new()?;
    setting.kadmin("addpol -minlength 8 staff")?;
    setting.says("addprinc -randkey host/rotated", "created.")?;
    setting.kadmin("setstr HTTP/web.shop color blue")?;
    let (keytab, word) = setting.file("kept.keytab");
    setting.says(&format!("ktadd -k {word} HTTP/web.shop"), "with kvno 2")?;
    let (passphrase, passphrase_file) = setting.file("passphrase");
    std::fs::write(&passphrase, format!("{PASSPHRASE}\n"))?;
    let writers = (0..WRITERS).map(|number| Writer::start(&setting, number)).collect::<Result<Vec<_>>>()?;
    // Rotations go on meanwhile.
    for rotated in ["host/rotated", "krbtgt/TEST.KENNEL"] {
        local(&setting, &["rotate", rotated, "--now"])?.ok()?;
    }
    until_each_has(&writers, 20)?;

    let before: Vec<Acknowledged> = writers.iter().map(Writer::acknowledged).collect();
    let (dump, dump_file) = setting.file("realm.dump");
    local(&setting, &["dump", &dump_file, "--passphrase-file", &passphrase_file])?.ok()?;
    let after: Vec<Acknowledged> = writers.iter().map(Writer::acknowledged).collect();
    until_each_has(&writers, after.iter().map(|after| after.kvnos.len()).max().unwrap_or(0) + 5)?;
    let last: Vec<usize> = writers.iter().map(|writer| writer.number).collect();
    writers.into_iter().try_for_each(Writer::stop)?;

    let dumped = Dumped::read(&std::fs::read(&dump)?)?;
    dumped.ensure_whole()?;
    let mut counts = Vec::new();
    for writer in last {
        counts.push(dumped.ensure_between(writer, &before[writer], &after[writer])?);
    }
    println!(
        "principals in the dump, by writer: {counts:?}; acknowledged before: {:?}",
        before.iter().map(|b| b.kvnos.len()).collect::<Vec<_>>()
    );

    setting.lose_everything_and_load(&dump, &passphrase)?;
    let is_there = |name: &str| {
        Ok::<_, anyhow::Error>(setting.kadmin(&format!("getprinc {name}"))?.stdout.contains("Principal: "))
    };
    for (writer, count) in counts.iter().enumerate() {
        ensure!(is_there(&format!("load/{writer}-{}", count - 1))?, "the last one of writer {writer}");
        ensure!(!is_there(&format!("load/{writer}-{count}"))?, "one that came after the dump");
    }
    ensure!(is_there("alias/0-0")?, "an alias");
    setting.says("getpol staff", "Minimum password length: 8")?;
    setting.says("getstrs HTTP/web.shop", "color: blue")?;
    ensure!(setting.logs_in("alice", "secret")?, "the password");
    setting.user.kinit_with_keytab(&keytab, &["HTTP/web.shop"])?.ok()?;
    // Nobody knows which versions were made after the dump.
    setting.says("cpw -randkey load/0-0", "randomized.")?;
    let shown = local(&setting, &["keys", "load/0-0", "-o", "json"])?.ok()?.stdout;
    ensure!(shown.contains("65537"), "{shown}");
    Ok(())
}
