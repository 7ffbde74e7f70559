//! Who holds which keys, and how pods hear that theirs change. The rotation itself is the store's here: a key is staged while the KDC
//! is down, as a KDC that was killed in the middle of a rotation leaves it.

use crate::world::{SOON, World};
use anyhow::{Context, Result, bail, ensure};
use kennel_core::key_set::{KeySet, KeyState};
use kennel_core::principal::{PrincipalRecord, Record};
use kennel_core::rotation::holder::HolderRecord;
use kennel_crypto::Enctype;
use kennel_store::sled::OpenMode;
use kennel_store::{Expect, PrincipalStore, SledStore, VersionedRecord, master_key_file};
use kennel_tests::kube::eventually;
use kennel_wire::message::{KerberosTime, Principal, Timestamp};
use rand::rngs::OsRng;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// The account `web` with a service, and `cart` with nothing but its ticket.
pub(crate) fn world() -> Result<World<'static>> {
    let world = World::new()?;
    world.shop(&["web", "cart"])?;
    Ok(world)
}

/// The principal of the service, with its realm.
pub(crate) fn service(world: &World<'_>) -> String {
    format!("HTTP/web.{}.svc.cluster.local@{}", world.ns("shop"), world.realm.name())
}

pub(crate) fn now() -> Result<Timestamp> {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    Ok(Timestamp { time: KerberosTime(i64::try_from(seconds)?), micros: 0 })
}

/// Does something with the store while the KDC is down.
pub(crate) fn with_store<T>(world: &mut World<'_>, work: impl AsyncFnOnce(&SledStore) -> Result<T>) -> Result<T> {
    let folder = world.realm.folder();
    world.realm.while_down(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let key = Arc::new(master_key_file::load(&folder.join("master.key"))?);
            let store = SledStore::open(&folder.join("store"), key, OpenMode::Existing)?;
            work(&store).await
        })
    })
}

/// The records of all holders: name of the pod, and versions by principal.
pub(crate) async fn holders(store: &SledStore) -> Result<Vec<(String, Vec<(String, Vec<u32>)>)>> {
    let records = store.list().await?.records.into_iter();
    let holders = records.filter_map(|versioned| match versioned.record {
        Record::Holder(holder) => Some(*holder),
        _ => None,
    });
    let held = |holder: &HolderRecord| {
        holder.held.iter().map(|held| (held.principal.to_string(), held.kvnos.clone())).collect::<Vec<_>>()
    };
    Ok(holders.map(|holder| (pod_name(&holder), held(&holder))).collect())
}

fn pod_name(holder: &HolderRecord) -> String {
    match &holder.id {
        kennel_core::rotation::holder::HolderId::Pod(pod) => pod.name.clone(),
        kennel_core::rotation::holder::HolderId::Secret { name, .. } => name.clone(),
    }
}

/// Changes a principal.
pub(crate) async fn change(store: &SledStore, name: &str, change: impl FnOnce(&mut PrincipalRecord)) -> Result<()> {
    let name = Principal::parse(name, "")?;
    let VersionedRecord { record, revision } = store.read(&name).await?.context("no such principal")?;
    let Record::Principal(mut record) = record else { bail!("no principal") };
    change(&mut record);
    store.put(&Record::Principal(record), Expect::Revision(revision)).await?;
    Ok(())
}

/// Stages the next version of a principal's keys.
pub(crate) async fn stage(store: &SledStore, name: &str) -> Result<()> {
    let now = now()?;
    change(store, name, |record| {
        let kvno = record.keys.versions.iter().map(|version| version.kvno).max().unwrap_or(0) + 1;
        let mut next = KeySet::random(&[Enctype::Aes256CtsHmacSha384], kvno, now, &mut OsRng);
        for version in &mut next.versions {
            (version.state, version.activated) = (KeyState::Staged, None);
        }
        record.keys.versions.splice(0..0, next.versions);
    })
    .await
}

/// `POST /v1/held` of a pod that has these versions of the service, with further fields.
fn held(world: &World<'_>, token: &str, kvnos: &[u32], more: Value) -> Result<(u16, Value)> {
    let mut body = json!({ "held": { service(world): kvnos }, "waitSeconds": 0 });
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    world.post_to("/v1/held", Some(token), &body.to_string())
}

#[test]
fn a_pod_is_recorded_before_it_has_keys_and_again_when_it_says_that_they_are_on_disk() -> Result<()> {
    let mut world = world()?;
    world.pod("shop", "web-1", "web")?;
    world.pod("shop", "web-2", "web")?;
    world.pod("shop", "cart-1", "cart")?;
    let [one, two] = [world.token("shop", "web", "web-1")?, world.token("shop", "web", "web-2")?];
    let cart = world.token("shop", "cart", "cart-1")?;
    // The watches may be behind.
    eventually(SOON, "the pods enrol", || {
        let all = [&one, &two, &cart].map(|token| world.post(Some(token), "").map(|(status, _)| status));
        Ok(all.into_iter().all(|status| status.is_ok_and(|status| status == 200)).then_some(()))
    })?;
    let name = service(&world);
    let lies = json!({ "held": { name.clone(): [1, 1], "krbtgt/X@X": [9], "HTTP/bank@X": [9], "": [1] } });
    assert_eq!(held(&world, &one, &[], lies)?, (200, json!({})));
    assert_eq!(held(&world, &cart, &[1], json!({}))?, (200, json!({})), "what is not its own counts for nothing");
    let mut found = with_store(&mut world, async |store| holders(store).await)?;
    found.sort();
    assert_eq!(found, [("web-1".into(), vec![(name.clone(), vec![1])]), ("web-2".into(), vec![(name, vec![])])]);
    Ok(())
}

#[test]
fn an_agent_confirms_its_keytab_and_fetches_a_staged_key_as_soon_as_it_hears_of_it() -> Result<()> {
    let mut world = world()?;
    world.pod("shop", "web-1", "web")?;
    let (folder, token, name) = (TempDir::new()?, world.token("shop", "web", "web-1")?, service(&world));
    let _agent = world.agent_that_stays(&token, folder.path(), &[])?;
    let confirmed = |world: &mut World<'_>, kvnos: &[u32]| -> Result<()> {
        let is_so = eventually(SOON * 3, "the keytab is on disk", || {
            Ok((versions(&folder.path().join("keytab"), &name)? == kvnos).then_some(()))
        });
        is_so?;
        // Right after the file was renamed.
        std::thread::sleep(Duration::from_secs(2));
        let found = with_store(world, async |store| holders(store).await)?;
        ensure!(found == [("web-1".to_owned(), vec![(name.clone(), kvnos.to_vec())])], "{found:?}");
        Ok(())
    };
    confirmed(&mut world, &[1])?;
    with_store(&mut world, async |store| stage(store, &name).await)?;
    // An agent that the restart cut off asks again within seconds, and comes within a minute of the answer.
    confirmed(&mut world, &[2, 1])
}

/// Answers requests with success, and says how many there were.
fn reloads(listener: TcpListener) -> Arc<AtomicU32> {
    let number = Arc::new(AtomicU32::new(0));
    let counted = number.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
        }
    });
    number
}

#[test]
fn the_kdc_hears_of_a_new_key_once_the_program_that_reads_its_keytab_once_was_told() -> Result<()> {
    let mut world = world()?;
    world.pod("shop", "web-1", "web")?;
    let (folder, token, name) = (TempDir::new()?, world.token("shop", "web", "web-1")?, service(&world));
    let address = format!("127.0.0.1:{}", kennel_tests::ports::free_block()?);
    let agent = world.agent_that_stays(&token, folder.path(), &["--on-change", &format!("http://{address}/reload")])?;
    let confirmed = |world: &World<'_>| {
        eventually(SOON, "the keys are confirmed", || {
            let metrics = world.metrics()?;
            Ok((!metrics.lines().any(|line| line == "kennel_enrolment_confirmations_total 0")).then_some(()))
        })
    };
    confirmed(&world)?;
    with_store(&mut world, async |store| stage(store, &name).await)?;
    eventually(SOON * 2, "the keytab has the next key", || {
        Ok((versions(&folder.path().join("keytab"), &name)? == [2, 1]).then_some(()))
    })?;
    eventually(SOON, "the program is not there", || Ok(agent.stderr().contains("could not be told").then_some(())))?;
    let record = |kvnos: &[u32]| [("web-1".to_owned(), vec![(name.clone(), kvnos.to_vec())])];
    assert_eq!(with_store(&mut world, async |store| holders(store).await)?, record(&[1]));
    let number = reloads(TcpListener::bind(&address)?);
    confirmed(&world)?;
    assert_eq!(with_store(&mut world, async |store| holders(store).await)?, record(&[2, 1]));
    assert_eq!(number.load(Ordering::SeqCst), 1);
    Ok(())
}

/// With KENNEL_KUBE_LONG, until the kubelets must have brought it into volumes.
#[test]
fn a_keytab_secret_is_recorded_before_it_has_keys_and_has_arrived_two_minutes_later() -> Result<()> {
    let mut world = world()?;
    let spec = "serviceClasses: [HTTP], hosts: {services: [web]}, keytabSecretRef: {name: web-keytab}";
    world.principal("shop", "web", spec)?;
    let (full, name) = (world.ns("shop"), service(&world));
    eventually(SOON, "the Secret has keys", || {
        let keytab = world.api.json_path(&["secret", "web-keytab", "-n", &full], "{.data.keytab}")?;
        Ok((!keytab.is_empty()).then_some(()))
    })?;
    let uid = world.api.json_path(&["secret", "web-keytab", "-n", &full], "{.metadata.uid}")?;
    let record = |kvnos: &[u32]| [("web-keytab".to_owned(), vec![(name.clone(), kvnos.to_vec())])];
    let found = with_store(&mut world, async |store| {
        let realm = name.rsplit('@').next().unwrap_or_default();
        ensure!(store.read(&HolderRecord::name_of(&uid, realm)).await?.is_some(), "by the Secret's UID");
        holders(store).await
    })?;
    assert_eq!(found, record(&[]), "not mounted yet");
    if std::env::var_os("KENNEL_KUBE_LONG").is_some() {
        // The restart has written the Secret anew.
        std::thread::sleep(Duration::from_secs(135));
        assert_eq!(with_store(&mut world, async |store| holders(store).await)?, record(&[1]));
    }
    Ok(())
}

/// Those that `dev` lets wait at a time (WAITING in kdc/src/dev/mod.rs).
const PLACES: usize = 64;

#[test]
fn pods_beyond_the_places_are_refused_and_neither_enrolments_nor_other_namespaces_suffer() -> Result<()> {
    let world = world()?;
    world.namespace("flood", &["web"])?;
    let flood: Vec<String> = (0..=PLACES).map(|number| format!("web-{number}")).collect();
    let pods: Vec<String> = flood
        .iter()
        .map(|name| {
            let meta = json!({ "name": name, "namespace": world.ns("flood"), "labels": { "kennel.dev/service-account": "web" } });
            let spec = json!({ "serviceAccountName": "web", "containers": [{ "name": "c", "image": "i" }] });
            json!({ "apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec }).to_string()
        })
        .collect();
    world.api.apply(&pods.join("\n---\n"))?;
    let tokens = flood.iter().map(|name| world.token("flood", "web", name)).collect::<Result<Vec<_>>>()?;
    world.pod("shop", "cart-1", "cart")?;
    let cart = world.token("shop", "cart", "cart-1")?;
    eventually(SOON, "the last pods enrol", || {
        let last = tokens.last().map(String::as_str);
        Ok([last, Some(&*cart)]
            .into_iter()
            .all(|token| world.post(token, "").is_ok_and(|(s, _)| s == 200))
            .then_some(()))
    })?;
    let wait = |token: &str, seconds: u32| {
        world.post_to("/v1/held", Some(token), &json!({ "waitSeconds": seconds }).to_string())
    };
    std::thread::scope(|scope| {
        let (last, first) = tokens.split_last().context("no tokens")?;
        let waiting: Vec<_> = first.iter().map(|token| scope.spawn(|| wait(token, 40))).collect();
        eventually(SOON, "all places are taken", || {
            let metrics = world.metrics()?;
            Ok(metrics.lines().any(|line| line == format!("kennel_enrolment_waiting_requests {PLACES}")).then_some(()))
        })?;
        let (status, refused) = wait(last, 5)?;
        ensure!((status, &refused["reason"]) == (503, &"TooManyWaiting".into()), "{refused}");
        ensure!(world.post(Some(last), "")?.0 == 200, "an enrolment needs no place");
        let other = wait(&cart, 2)?;
        ensure!(other == (200, json!({})), "another namespace has its place: {other:?}");
        let ends: Vec<u16> = waiting
            .into_iter()
            .map(|thread| Ok(thread.join().ok().context("a request panicked")??.0))
            .collect::<Result<_>>()?;
        let refused = ends.iter().filter(|status| **status == 503).count();
        ensure!(refused == 1 && ends.iter().all(|status| [200, 503].contains(status)), "one gave way: {ends:?}");
        Ok(())
    })
}

/// The versions of a principal in a keytab, newest first.
pub(crate) fn versions(keytab: &Path, principal: &str) -> Result<Vec<u32>> {
    let Ok(octets) = std::fs::read(keytab) else { return Ok(Vec::new()) };
    let entries = kennel_wire::keytab::decode(&octets)?;
    let entries = entries.iter().filter(|entry| entry.principal.to_string() == principal);
    let mut kvnos: Vec<u32> = entries.map(|entry| entry.kvno).collect();
    kvnos.sort_unstable_by(|a, b| b.cmp(a));
    kvnos.dedup();
    Ok(kvnos)
}

#[test]
fn a_pod_that_lacks_a_key_is_told_and_at_once_where_nothing_works_without_it() -> Result<()> {
    let mut world = world()?;
    world.pod("shop", "web-1", "web")?;
    let (token, name) = (world.token("shop", "web", "web-1")?, service(&world));
    let enrolled = |world: &World<'_>| {
        eventually(SOON, "the pod enrols", || Ok((world.post(Some(&token), "")?.0 == 200).then_some(())))
    };
    enrolled(&world)?;
    assert_eq!(held(&world, &token, &[1], json!({}))?, (200, json!({})));
    let (_, urgent) = held(&world, &token, &[], json!({}))?;
    assert!(urgent["urgent"] == true && urgent["refetchBefore"].is_string(), "{urgent}");
    with_store(&mut world, async |store| stage(store, &name).await)?;
    enrolled(&world)?;
    let (_, due) = held(&world, &token, &[1], json!({ "waitSeconds": 60 }))?;
    assert!(due["urgent"].is_null() && due["refetchBefore"].is_string(), "{due}");
    let begun = std::time::Instant::now();
    assert_eq!(held(&world, &token, &[2, 1], json!({ "waitSeconds": 2 }))?, (200, json!({})));
    assert!(begun.elapsed() >= Duration::from_secs(2), "the request stays open: {:?}", begun.elapsed());
    let now = now()?;
    with_store(&mut world, async |store| {
        change(store, &name, |record| record.rotation_ordered = Some(now)).await?;
        let account = format!("web.{}", name.split('.').nth(1).unwrap_or_default());
        let realm = name.rsplit('@').next().unwrap_or_default();
        change(store, &format!("{account}@{realm}"), |record| record.revoked = Some(now)).await
    })?;
    enrolled(&world)?;
    let (_, ordered) = held(&world, &token, &[1], json!({}))?;
    assert_eq!(ordered["urgent"], true, "{ordered}");
    for (from, urgent) in [(now.time, true), (now.time.plus(1), false)] {
        let ticket = json!({ "ticketFrom": from.to_rfc3339().to_string() });
        let (_, answer) = held(&world, &token, &[2, 1], ticket)?;
        assert_eq!(answer["urgent"] == true, urgent, "{answer}");
    }
    let (status, refused) = held(&world, &token, &[1], json!({ "ticketFrom": "yesterday" }))?;
    assert_eq!((status, refused["reason"].as_str()), (400, Some("RequestMalformed")));
    Ok(())
}
