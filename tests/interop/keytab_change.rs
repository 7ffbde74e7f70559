//! Which acceptors take up a keytab that was replaced under them, without a restart. A rotation is the KDC's here: the service's next
//! key is in use after it, and the one before is accepted.

use crate::realm_with;
use anyhow::{Context, Result, bail};
use kennel_core::key_set::{KeySet, KeyState};
use kennel_core::principal::Record;
use kennel_store::sled::OpenMode;
use kennel_store::{Expect, PrincipalStore, SledStore, VersionedRecord, master_key_file};
use kennel_tests::daemon::Daemon;
use kennel_tests::heimdal::Heimdal;
use kennel_tests::mit::Mit;
use kennel_tests::peers::{Acquired, Login, Peer, go_peer, jdks};
use kennel_tests::process::{self, Run, Server};
use kennel_tests::realm::Realm;
use kennel_wire::message::{KerberosTime, Principal, Timestamp};
use rand::rngs::OsRng;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// A realm with a service, and the keytab that its acceptor reads.
struct Scene {
    realm: Realm,
    service: &'static str,
    folder: TempDir,
}

impl Scene {
    fn new(service: &'static str) -> Result<Scene> {
        let more =
            format!("[[principal]]\nname = \"{service}\"\n[[principal]]\nname = \"root\"\npassword = \"secret\"\n");
        let scene = Scene { realm: realm_with(&more)?, service, folder: TempDir::new()? };
        scene.replace()?;
        Ok(scene)
    }

    /// The acceptor's keytab.
    fn keytab(&self) -> PathBuf {
        self.folder.path().join("keytab")
    }

    /// Replaces the acceptor's keytab by the present one, as the agent does: by renaming.
    fn replace(&self) -> Result<()> {
        let aside = self.folder.path().join("keytab.unfinished");
        std::fs::copy(self.realm.keytab(self.service), &aside)?;
        Ok(std::fs::rename(aside, self.keytab())?)
    }

    /// Makes the next key of the service, and uses it from now on.
    fn rotate(&mut self) -> Result<()> {
        let folder = self.realm.folder();
        let name = Principal::parse(self.service, self.realm.name())?;
        self.realm.while_down(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(rotate(&folder, &name))
        })
    }

    /// A user with a ticket for the service; says the version of its key.
    fn user(&self, name: &str, kvno: u32) -> Result<Mit> {
        let user = self.realm.mit()?;
        user.kinit(&["-f", name], "secret")?.ok()?;
        let run = user.kvno(&[self.service])?.ok()?;
        assert!(run.stdout.contains(&format!("kvno = {kvno}")), "{run}");
        Ok(user)
    }

    /// Asserts that the acceptor takes tickets of the old key, and after a rotation those of the new one as well, or (`takes_up`
    /// false) does not. `ask` is one client; it says whether the acceptor took it.
    fn check(&mut self, name: &str, takes_up: bool, mut ask: impl FnMut(&Scene, &Mit) -> Result<bool>) -> Result<()> {
        let before = self.user(name, 1)?;
        assert!(ask(self, &before)?, "before the rotation");
        self.rotate()?;
        self.replace()?;
        let after = self.user(name, 2)?;
        assert_eq!(ask(self, &after)?, takes_up, "a ticket under the new key");
        assert!(ask(self, &before)?, "a ticket under the old key");
        Ok(())
    }
}

async fn rotate(folder: &Path, name: &Principal) -> Result<()> {
    let key = Arc::new(master_key_file::load(&folder.join("master.key"))?);
    let store = SledStore::open(&folder.join("store"), key, OpenMode::Existing)?;
    let VersionedRecord { record, revision } = store.read(name).await?.context("no such principal")?;
    let Record::Principal(mut record) = record else { bail!("an alias") };
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let now = Timestamp { time: KerberosTime(i64::try_from(seconds)?), micros: 0 };
    let active = record.keys.active_version().context("no key")?;
    let enctypes: Vec<_> = active.keys.iter().map(|stored| stored.key.enctype()).collect();
    let next = KeySet::random(&enctypes, active.kvno + 1, now, &mut OsRng);
    for version in &mut record.keys.versions {
        (version.state, version.retired, version.accept) = (KeyState::Retiring, Some(now), Some(36_000));
    }
    record.keys.versions.splice(0..0, next.versions);
    store.put(&Record::Principal(record), Expect::Revision(revision)).await?;
    Ok(())
}

/// A conversation with the peer of the tests; says whether both sides came to its end.
fn conversation(scene: &Scene, user: &Mit, port: &str) -> Result<bool> {
    let login = Login::Cache(user.cache());
    let run = Peer::Python.initiate(&scene.realm.config(), port, "HTTP@web.test", "alice", login)?;
    Ok(run.stdout.contains("session complete"))
}

fn peer_takes_up(peer: &Peer, credentials: Acquired) -> Result<()> {
    let mut scene = Scene::new("HTTP/web.test")?;
    let folder = TempDir::new()?;
    let (config, keytab) = (scene.realm.config(), scene.keytab());
    let (server, port) = peer.serve(&config, scene.service, &keytab, folder.path(), credentials)?;
    let checked = scene.check("alice", true, |scene, user| conversation(scene, user, &port));
    checked.map_err(|error| error.context(server.said()))
}

#[test]
fn python_gssapi_takes_up_a_new_keytab_whenever_it_acquired_its_credentials() -> Result<()> {
    [Acquired::ForEach, Acquired::AtStart]
        .into_iter()
        .try_for_each(|credentials| peer_takes_up(&Peer::Python, credentials))
}

#[test]
fn java_takes_up_a_new_keytab_whenever_it_acquired_its_credentials() -> Result<()> {
    for jdk in jdks()? {
        for credentials in [Acquired::ForEach, Acquired::AtStart] {
            peer_takes_up(&Peer::Java(jdk.clone()), credentials)?;
        }
    }
    Ok(())
}

/// Asks a server for a page with a user's tickets.
fn page(user: &Mit, port: &str) -> Result<Run> {
    let url = format!("http://localhost:{port}/index.html");
    user.run("curl", &["-sS", "-4", "-o", "/dev/null", "-w", "%{http_code}", "--negotiate", "-u", ":", &url], "")
}

#[test]
fn apache_takes_up_a_new_keytab() -> Result<()> {
    let mut scene = Scene::new("HTTP/localhost")?;
    let apache = Daemon::apache(&scene.realm.config(), &scene.keytab())?;
    let checked = scene.check("alice", true, |scene, user| {
        apache.replace_keytab(&scene.keytab())?;
        Ok(page(user, &apache.port().to_string())?.stdout == "200")
    });
    checked.map_err(|error| error.context(apache.said()))
}

#[test]
fn postgresql_takes_up_a_new_keytab() -> Result<()> {
    let mut scene = Scene::new("postgres/localhost")?;
    let postgres = Daemon::postgres(&scene.realm.config(), &scene.keytab(), &["alice"])?;
    let to = format!("host=localhost hostaddr=127.0.0.1 port={} dbname=postgres user=alice", postgres.port());
    let checked = scene.check("alice", true, |scene, user| {
        postgres.replace_keytab(&scene.keytab())?;
        Ok(user.run("psql", &["-X", "-A", "-t", "-c", "SELECT 1", &to], "")?.stdout.trim() == "1")
    });
    checked.map_err(|error| error.context(postgres.said()))
}

#[test]
fn openssh_takes_up_a_new_keytab() -> Result<()> {
    let mut scene = Scene::new("host/localhost")?;
    let sshd = Daemon::sshd(&scene.realm.config(), &scene.keytab())?;
    let port = sshd.port().to_string();
    let options = ["GSSAPIAuthentication=yes", "PreferredAuthentications=gssapi-with-mic", "StrictHostKeyChecking=no"];
    let options = options.into_iter().chain(["UserKnownHostsFile=/dev/null"]).flat_map(|option| ["-o", option]);
    let arguments: Vec<&str> =
        ["-F", "none", "-4", "-p", &port].into_iter().chain(options).chain(["root@localhost", "id -un"]).collect();
    let checked = scene.check("root", true, |_, user| Ok(user.run("ssh", &arguments, "")?.stdout == "root\n"));
    checked.map_err(|error| error.context(sshd.said()))
}

#[test]
fn gokrb5_reads_its_keytab_once_and_takes_no_ticket_of_a_later_key() -> Result<()> {
    let mut scene = Scene::new("HTTP/localhost")?;
    let folder = TempDir::new()?;
    let mut command = Command::new(go_peer()?);
    command.arg("serve").arg(scene.keytab()).arg(scene.service).env("KRB5_CONFIG", scene.realm.config());
    let mut server = Server::start(&mut command, folder.path(), "gopeer")?;
    server.wait_until(Duration::from_secs(20), |server| server.stdout().contains('\n'))?;
    let port = server.stdout().trim().to_owned();
    let checked = scene.check("alice", false, |_, user| Ok(page(user, &port)?.stdout == "200"));
    checked.map_err(|error| error.context(server.said()))
}

/// kvno is eight bits in the first field of an entry, and 32 in the second one.
#[test]
fn versions_beyond_255_are_read_by_mit_heimdal_java_and_gokrb5() -> Result<()> {
    let mut scene = Scene::new("HTTP/web.test")?;
    let (folder, name) = (scene.realm.folder(), Principal::parse(scene.service, scene.realm.name())?);
    scene.realm.while_down(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            renumber(&folder, &name, 255).await?;
            rotate(&folder, &name).await
        })
    })?;
    scene.replace()?;
    let keytab = scene.keytab();
    let listed = process::run(Command::new("klist").arg("-k").arg(&keytab), "")?.ok()?.stdout;
    for kvno in [" 255 ", " 256 "] {
        assert!(listed.contains(kvno), "{listed}");
    }
    let user = scene.user("alice", 256)?;
    let keytab_text = keytab.to_str().context("UTF-8")?;
    let run = user.kvno(&["-k", keytab_text, scene.service])?.ok()?;
    assert!(run.stdout.contains("kvno = 256, keytab entry valid"), "{run}");
    // As clients with the key.
    user.kinit(&["-k", "-t", keytab_text, scene.service], "")?.ok()?;
    let heimdal = Heimdal::new(&scene.realm.config(), "")?;
    heimdal.run("kinit.heimdal", &["-k", "-t", &format!("FILE:{keytab_text}"), scene.service])?.ok()?;
    let go = Command::new(go_peer()?)
        .args(["ticket", "keytab", scene.service, keytab_text, "HTTP/web.shop"])
        .env("KRB5_CONFIG", scene.realm.config())
        .output()?;
    assert!(go.status.success(), "{}", String::from_utf8_lossy(&go.stderr));
    for jdk in jdks()? {
        let (java, folder) = (Peer::Java(jdk), TempDir::new()?);
        let (config, user) = (scene.realm.config(), scene.user("alice", 256)?);
        let (server, port) = java.serve(&config, scene.service, &keytab, folder.path(), Acquired::ForEach)?;
        assert!(conversation(&scene, &user, &port)?, "{}", server.said());
    }
    Ok(())
}

/// Gives the newest version of a principal's keys another number.
async fn renumber(folder: &Path, name: &Principal, kvno: u32) -> Result<()> {
    let key = Arc::new(master_key_file::load(&folder.join("master.key"))?);
    let store = SledStore::open(&folder.join("store"), key, OpenMode::Existing)?;
    let VersionedRecord { record, revision } = store.read(name).await?.context("no such principal")?;
    let Record::Principal(mut record) = record else { bail!("an alias") };
    record.keys.versions.first_mut().context("no key")?.kvno = kvno;
    store.put(&Record::Principal(record), Expect::Revision(revision)).await?;
    Ok(())
}
