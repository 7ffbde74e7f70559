//! Accounts that are gone, disabled or replaced while tickets of them live (CVE-2021-42278, CVE-2021-42287).

use crate::attack::{REALM, Scene, for_service, principal};
use anyhow::{Context, Result};
use kennel_client::TgsRequest;
use kennel_core::principal::Record;
use kennel_core::refusal::Refusal;
use kennel_store::sled::OpenMode;
use kennel_store::{Expect, PrincipalStore, SledStore, VersionedRecord, master_key_file};
use kennel_wire::message::Principal;
use std::path::Path;
use std::sync::Arc;

/// Changes a principal's entry in the seed, which `dev` brings the store in line with, and restarts the server.
fn reseed(scene: &mut Scene, name: &str, more: &str) -> Result<()> {
    let seed = scene.realm.folder().with_file_name("seed.toml");
    scene.realm.while_down(|| {
        let (text, entry) = (std::fs::read_to_string(&seed)?, format!("name = \"{name}\""));
        Ok(std::fs::write(&seed, text.replace(&entry, &format!("{entry}\n{more}")))?)
    })?;
    scene.settle()
}

/// Makes another account of a name: what a controller does whose account was deleted and made anew, but for the keys. (No
/// server writes to its store for others yet, so it happens while the server is down.)
fn replace(scene: &mut Scene, name: &str) -> Result<()> {
    let folder = scene.realm.folder();
    scene.realm.while_down(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(make_younger(&folder, &principal(name)))
    })?;
    scene.settle()
}

async fn make_younger(folder: &Path, name: &Principal) -> Result<()> {
    let key = Arc::new(master_key_file::load(&folder.join("master.key"))?);
    let store = SledStore::open(&folder.join("store"), key, OpenMode::Existing)?;
    let VersionedRecord { record, revision } = store.read(name).await?.context("no such principal")?;
    let Record::Principal(mut record) = record else { anyhow::bail!("an alias") };
    record.created.time = record.created.time.plus(60);
    store.put(&Record::Principal(record), Expect::Revision(revision)).await?;
    Ok(())
}

#[test]
fn cve_2021_42287_the_ticket_of_a_replaced_account_is_refused() -> Result<()> {
    let mut scene = Scene::new()?;
    let (mallory, alice) = (scene.tgt("mallory")?, scene.tgt("alice")?);
    // Another account of the name: made after the ticket was issued.
    replace(&mut scene, "mallory")?;
    scene.tgs_refused(&mallory, &for_service(), Refusal::TicketRevoked, |_| {})?;
    let request = TgsRequest::user_to_user(principal("mallory"), mallory.ticket.clone());
    scene.tgs_refused(&alice, &request, Refusal::SecondTicketMismatch, |_| {})?;
    scene.end()
}

#[test]
fn cve_2021_42278_no_other_account_is_looked_for_in_place_of_one_that_is_gone() -> Result<()> {
    let mut scene = Scene::new()?;
    let mallory = scene.tgt("mallory")?;
    // A server of another name is not found by adding or dropping something either.
    for near in ["mallory$", "HTTP/web", "host/web.shop", "web.shop"] {
        scene.tgs_refused(&mallory, &TgsRequest::new(principal(near)), Refusal::ServerUnknown, |_| {})?;
    }
    reseed(&mut scene, "mallory", "attributes = [\"disallow_all\"]")?;
    scene.tgs_refused(&mallory, &for_service(), Refusal::ClientLocked, |_| {})?;
    assert_eq!(mallory.client.realm, REALM);
    scene.end()
}

#[test]
fn a_stolen_ticket_is_worth_nothing_once_its_owner_has_a_new_password() -> Result<()> {
    let mut scene = Scene::new()?;
    let (alice, mallory) = (scene.tgt("alice")?, scene.tgt("mallory")?);
    // The clock of Kerberos has whole seconds.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let seed = scene.realm.folder().with_file_name("seed.toml");
    scene.realm.while_down(|| {
        let text = std::fs::read_to_string(&seed)?;
        let (old, new) =
            ("name = \"mallory\"\n    password = \"secret\"", "name = \"mallory\"\n    password = \"new\"");
        anyhow::ensure!(text.contains(old), "{text}");
        Ok(std::fs::write(&seed, text.replace(old, new))?)
    })?;
    scene.settle()?;
    for request in [for_service(), TgsRequest::renew(&mallory), TgsRequest::forward(&mallory, Vec::new())] {
        scene.tgs_refused(&mallory, &request, Refusal::TicketBeforePasswordChange, |_| {})?;
    }
    let request = TgsRequest::user_to_user(principal("mallory"), mallory.ticket.clone());
    scene.tgs_refused(&alice, &request, Refusal::TicketBeforePasswordChange, |_| {})?;
    scene.tgs(&alice, &for_service(), |_| {})?;
    scene.end()
}

#[test]
fn a_ticket_outlives_neither_its_account_nor_the_right_to_have_it() -> Result<()> {
    let mut scene = Scene::new()?;
    let (alice, mallory) = (scene.tgt("alice")?, scene.tgt("mallory")?);
    reseed(&mut scene, "mallory", "expires = 2026-01-01T00:00:00Z")?;
    scene.tgs_refused(&mallory, &for_service(), Refusal::ClientExpired, |_| {})?;
    reseed(&mut scene, "HTTP/other.shop", "attributes = [\"disallow_all\"]")?;
    let other = TgsRequest::new(principal("HTTP/other.shop"));
    scene.tgs_refused(&alice, &other, Refusal::ServerLocked, |_| {})?;
    // Only alice's own account counts for alice.
    scene.tgs(&alice, &TgsRequest::renew(&alice), |_| {})?;
    scene.end()
}
