//! Kennel's own certificate authority with a short life: one follows the other while agents enrol, across `kill -9`, and whoever has what
//! was published shortly before reaches the KDC at every moment.

use anyhow::{Context, Result, ensure};
use kennel_tests::binary::kennel_kdc;
use kennel_tests::kube::{Api, eventually};
use kennel_tests::ports;
use kennel_tests::process::{self, Server};
use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);
/// Life of an authority, seconds: the next one is announced at 64 and signs at 72, the old one is forgotten at 82.
const LIFE: u64 = 80;
/// Age of what a client trusts: less than the four seconds for which two authorities are published before they change places.
const LAG: Duration = Duration::from_secs(2);

struct Kdc {
    api: &'static Api,
    folder: TempDir,
    port: u16,
}

impl Kdc {
    fn new() -> Result<Kdc> {
        Ok(Kdc { api: Api::shared()?, folder: TempDir::new()?, port: ports::free_block()? })
    }

    fn start(&self) -> Result<Server> {
        let (folder, port, https) = (self.folder.path().display(), self.port, self.port + 1);
        let config = self.folder.path().join("kdc.toml");
        std::fs::write(
            &config,
            format!(
                "[realm]\nname = \"ROLL.TEST\"\n[store]\nkind = \"sled\"\npath = \"{folder}/store\"\nmaster_key = \
                 \"{folder}/master.key\"\ncreate = true\n[listen]\naddresses = [\"127.0.0.1:{port}\"]\n[cluster]\nkubeconfig = \
                 \"{}\"\nkdcs = [\"127.0.0.1:{port}\"]\n[enrolment]\naddresses = [\"127.0.0.1:{https}\"]\nnames = \
                 [\"127.0.0.1\"]\nauthority_life = \"{LIFE}s\"\ncertificate_life = \"10s\"\n[audit]\nsink = \"{folder}/audit.log\"\n",
                self.api.kubeconfig().display(),
            ),
        )?;
        // What an earlier process said is no sign of this one.
        let _ = std::fs::remove_file(self.folder.path().join("kdc.err"));
        let mut command = Command::new(kennel_kdc()?);
        command.arg("serve").arg("--config").arg(config).env("POD_UID", "roll-over");
        let mut server = Server::start(&mut command, self.folder.path(), "kdc")?;
        server.wait_until(LIMIT, |server| server.stderr().contains("serving"))?;
        Ok(server)
    }

    fn curl(&self, trust: &[&str], ca: Option<&str>) -> Result<process::Run> {
        let file = self.folder.path().join("trusted.pem");
        let mut command = Command::new("curl");
        command.args(["-s", "-S", "--max-time", "5"]).args(trust);
        if let Some(ca) = ca {
            std::fs::write(&file, ca)?;
            command.arg("--cacert").arg(&file);
        }
        command.arg(format!("https://127.0.0.1:{}/v1/ca.crt", self.port + 1));
        process::run(&mut command, "")
    }

    /// What the ConfigMap of the namespace holds.
    fn published(&self) -> Result<String> {
        // Not there yet: nothing.
        self.api.json_path(&["configmap", "kennel-krb5", "-n", "roll-over", "--ignore-not-found"], r"{.data.ca\.crt}")
    }
}

fn certificates(pem: &str) -> Vec<&str> {
    pem.split("-----BEGIN CERTIFICATE-----").skip(1).collect()
}

#[test]
fn an_authority_follows_the_other_with_both_published_before_and_every_client_reaches_the_kdc_across_kill_9()
-> Result<()> {
    let kdc = Kdc::new()?;
    kdc.api.apply(
        "apiVersion: kennel.dev/v1alpha1\nkind: KerberosRealm\nmetadata: {name: roll-over}\nspec:\n  realmName: ROLL.TEST\n  \
         namespaceSelector: {matchLabels: {kennel.test/world: roll-over}}\n---\napiVersion: v1\nkind: Namespace\n\
         metadata: {name: roll-over, labels: {kennel.test/world: roll-over}}\n",
    )?;
    let mut server = kdc.start()?;
    let first = kdc.curl(&["-k"], None)?.ok()?.stdout;
    eventually(LIMIT, "the ConfigMap holds the authority", || {
        Ok((kdc.published().ok().as_ref() == Some(&first)).then_some(()))
    })?;
    let (begun, mut seen, mut kills) = (Instant::now(), BTreeSet::new(), 0);
    let mut sets: Vec<usize> = Vec::new();
    // What was published, with its time: a client trusts the newest that is older than the lag.
    let mut published = VecDeque::from([(begun, first)]);
    let (mut asked, mut killed_at) = (0, 0);
    while sets != [1, 2, 1] {
        ensure!(begun.elapsed() < Duration::from_secs(LIFE * 2), "no roll-over: {sets:?}");
        let now = Instant::now();
        while published.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= LAG) {
            published.pop_front();
        }
        let trusted = published.front().context("nothing is published")?.1.clone();
        let answer = kdc.curl(&[], Some(&trusted))?;
        let answer = answer.ok().with_context(|| format!("after {:?}, {asked} answers", begun.elapsed()))?.stdout;
        asked += 1;
        let found = certificates(&answer);
        ensure!(found.len() <= 2, "{} authorities at once", found.len());
        seen.extend(found.iter().map(|one| (*one).to_owned()));
        if sets.last() != Some(&found.len()) {
            sets.push(found.len());
        }
        let of_map = kdc.published()?;
        if published.back().is_none_or(|(_, last)| *last != of_map) {
            published.push_back((now, of_map));
        }
        // After each change of the set, and in the middle of nothing.
        if killed_at != sets.len() {
            killed_at = sets.len();
            server.kill()?;
            kills += 1;
            server = kdc.start()?;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    println!("{asked} answers, {} authorities, sets of {sets:?}, {kills} kills", seen.len());
    ensure!(seen.len() == 2 && kills >= 2, "{} authorities, {kills} kills", seen.len());
    ensure!(server.terminate(LIMIT)?.success(), "{}", server.said());
    let file: PathBuf = kdc.folder.path().join("tls-ca.pem");
    ensure!(!std::fs::read_to_string(file)?.contains("PRIVATE KEY"), "a key is not wrapped");
    Ok(())
}
