//! `kennel-kdc serve` with its audit log, on a store that is filled before it starts.

use super::{PASSWORD, Population, REALM, SERVICE, Server};
use anyhow::{Context, Result};
use kennel_client::client::system_now;
use kennel_core::key_set::KeySet;
use kennel_core::principal::{Origin, PrincipalRecord, Record};
use kennel_store::sled::OpenMode;
use kennel_store::{Expect, PrincipalStore, SledStore, master_key_file};
use kennel_tests::binary::kennel_kdc;
use kennel_tests::ports;
use kennel_tests::process;
use kennel_wire::message::Principal;
use rand::rngs::OsRng;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// 100,000 principals are read and decoded before the first answer.
const START_LIMIT: Duration = Duration::from_secs(120);
/// Writes under way at a time.
const WRITES: usize = 256;

/// A process of it.
pub(crate) struct Kennel {
    pub(crate) server: Server,
    // End with this value, the process first.
    _process: process::Server,
    folder: TempDir,
}

impl Kennel {
    /// Fills a store and serves it.
    pub(crate) fn start(population: &Population) -> Result<Kennel> {
        let (folder, port) = (TempDir::new()?, ports::free_block()?);
        fill(folder.path(), population)?;
        let config = folder.path().join("kennel-kdc.toml");
        std::fs::write(&config, configuration(folder.path(), port, population))?;
        let begun = Instant::now();
        let mut command = Command::new(kennel_kdc()?);
        command.arg("serve").arg("--config").arg(&config);
        let mut process = process::Server::start(&mut command, folder.path(), "kennel-kdc")?;
        process.wait_until(START_LIMIT, |server| server.stderr().contains("serving"))?;
        let server = Server { name: "Kennel", port, process_id: process.id(), started_in: begun.elapsed() };
        Ok(Kennel { server, _process: process, folder })
    }

    /// Holds its store, `master.key` and `admin.sock`.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn configuration(folder: &Path, port: u16, population: &Population) -> String {
    let folder = folder.display();
    format!(
        "[realm]\nname = \"{REALM}\"\nenctypes = [\"{}\"]\n\
         [store]\nkind = \"sled\"\npath = \"{folder}/store\"\nmaster_key = \"{folder}/master.key\"\n\
         [listen]\naddresses = [\"127.0.0.1:{port}\"]\n\
         [audit]\nsink = \"{folder}/audit.log\"\n",
        population.enctype
    )
}

fn fill(folder: &Path, population: &Population) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    runtime.block_on(async {
        let path = folder.join("store");
        let key = master_key_file::load_or_create(&folder.join("master.key"), &path, &mut OsRng)?;
        let store = Arc::new(SledStore::open(&path, key, OpenMode::CreateIfMissing)?);
        let mut writes = JoinSet::new();
        for record in records(population)? {
            while writes.len() >= WRITES {
                writes.join_next().await.context("a write")???;
            }
            let store = store.clone();
            writes.spawn(async move { store.put(&record, Expect::Absent).await.map(|_| ()) });
        }
        while let Some(written) = writes.join_next().await {
            written??;
        }
        anyhow::Ok(())
    })
}

fn records(population: &Population) -> Result<Vec<Record>> {
    let (now, enctypes) = (system_now(), [population.enctype]);
    let record = |name: Principal, keys: KeySet| {
        Record::Principal(Box::new(PrincipalRecord::new(name, Origin::Manual, keys, now, "bench")))
    };
    let random = |name: &str| {
        let name = Principal::parse(name, REALM)?;
        anyhow::Ok(record(name, KeySet::random(&enctypes, 1, now, &mut OsRng)))
    };
    let mut records = vec![random(SERVICE)?, random(&format!("krbtgt/{REALM}"))?];
    for user in population.users() {
        let name = Principal::parse(&user, REALM)?;
        let keys = KeySet::from_password(&enctypes, 1, &name, PASSWORD.as_bytes(), now)?;
        records.push(record(name, keys));
    }
    for other in population.others() {
        records.push(random(&other)?);
    }
    Ok(records)
}
