//! FAST (RFC 6113) and encrypted challenges, wrong on purpose: nothing inside armor is believed for what stands outside, nothing
//! outside for what is inside, and no armor stands in for a proof.

use crate::attack::{Scene, as_body, for_service};
use crate::preauth::key;
use anyhow::{Context, Result, ensure};
use kennel_client::client::system_now;
use kennel_client::dangerous::{dangerous_as_request, dangerous_tgs_request};
use kennel_client::{Credential, FastArmor};
use kennel_core::refusal::Refusal;
use kennel_wire::message::{Authenticator, FastOptions, KdcReq, KrbFastReq, PaData, PrincipalName, Ticket, pa_type};
use rand::rngs::OsRng;

fn pa(padata_type: i32, value: &[u8]) -> PaData {
    PaData { padata_type, value: value.to_vec() }
}

fn armor(tgt: &Credential, alter: impl FnOnce(&mut Authenticator)) -> FastArmor {
    FastArmor::of_ticket(tgt, system_now(), &mut OsRng, alter)
}

/// What alice asks for inside, with a right proof.
fn inner(armor: &FastArmor) -> Result<KrbFastReq> {
    let proof = armor.challenge(&key("secret")?, system_now(), &mut OsRng);
    Ok(KrbFastReq { options: FastOptions::empty(), padata: vec![proof], body: as_body() })
}

/// An AS request in armor; outside stands what stood inside before it was altered.
fn armored(armor: &FastArmor, alter: impl FnOnce(&mut KrbFastReq)) -> Result<Vec<u8>> {
    let mut inner = inner(armor)?;
    let outer = inner.body.clone();
    alter(&mut inner);
    let fast = armor.wrap(&inner, &outer.encode(), &mut OsRng);
    Ok(dangerous_as_request(outer, vec![fast]))
}

/// A TGS request in the armor of its own ticket, altered inside.
fn armored_tgs(tgt: &Credential, alter: impl FnOnce(&mut KrbFastReq)) -> Result<Vec<u8>> {
    let mut made = None;
    let (_, message) = dangerous_tgs_request(tgt, &for_service(), system_now(), &mut OsRng, |parts| {
        made = parts.subkey.clone().map(|subkey| (subkey, parts.body.clone()));
    });
    let (subkey, body) = made.context("a sub-key")?;
    let mut inner = KrbFastReq { options: FastOptions::empty(), padata: Vec::new(), body };
    alter(&mut inner);
    Ok(FastArmor::of_request(&tgt.session_key, &subkey).wrap_tgs(&message, &inner, &mut OsRng)?)
}

#[test]
fn armored_requests_that_are_right_are_answered_with_tickets() -> Result<()> {
    let mut scene = Scene::new()?;
    let tgt = scene.tgt("mallory")?;
    let (answer, line) = scene.ask(&armored(&armor(&tgt, |_| {}), |_| {})?)?;
    ensure!(answer.first() == Some(&0x6b), "an AS-REP: {line}");
    ensure!(line["armor"] == format!("mallory@{}", crate::attack::REALM), "{line}");
    ensure!(line["client"] == format!("alice@{}", crate::attack::REALM), "{line}");
    let (answer, line) = scene.ask(&armored_tgs(&tgt, |_| {})?)?;
    ensure!(answer.first() == Some(&0x6d), "a TGS-REP: {line}");
    scene.end()
}

#[test]
fn cve_2021_36222_an_encrypted_challenge_without_armor_proves_nothing() -> Result<()> {
    let mut scene = Scene::new()?;
    let tgt = scene.tgt("mallory")?;
    let right = armor(&tgt, |_| {}).challenge(&key("secret")?, system_now(), &mut OsRng);
    for challenge in [right, pa(pa_type::ENCRYPTED_CHALLENGE, b""), pa(pa_type::ENCRYPTED_CHALLENGE, &[0x30, 0])] {
        scene.preauth_required(&dangerous_as_request(as_body(), vec![challenge]))?;
    }
    scene.end()
}

#[test]
fn cve_2021_37750_and_2021_3671_names_that_are_missing_inside_are_not_taken_from_outside() -> Result<()> {
    let mut scene = Scene::new()?;
    let tgt = scene.tgt("mallory")?;
    let armor = armor(&tgt, |_| {});
    scene.refused(&armored(&armor, |inner| inner.body.sname = None)?, Refusal::ServerMissing)?;
    scene.refused(&armored(&armor, |inner| inner.body.cname = None)?, Refusal::ClientMissing)?;
    scene.refused(&armored_tgs(&tgt, |inner| inner.body.sname = None)?, Refusal::ServerMissing)?;
    let nobody = |inner: &mut KrbFastReq| {
        inner.body.sname = Some(PrincipalName { components: vec![], ..PrincipalName::krbtgt("") })
    };
    scene.refused(&armored_tgs(&tgt, nobody)?, Refusal::ServerMissing)?;
    scene.end()
}

#[test]
fn fast_requests_that_are_torn_or_nested_are_refused() -> Result<()> {
    let mut scene = Scene::new()?;
    let tgt = scene.tgt("mallory")?;
    let armor = armor(&tgt, |_| {});
    for value in [&b""[..], &[0xa0, 2, 0x30, 0], &[0xa0, 0x80], &[0x30, 0], &[0xff; 300]] {
        scene.refused(&dangerous_as_request(as_body(), vec![pa(pa_type::FX_FAST, value)]), Refusal::FastMalformed)?;
        scene.tgs_refused(&tgt, &for_service(), Refusal::FastMalformed, |parts| {
            parts.padata = vec![pa(pa_type::FX_FAST, value)];
        })?;
        scene
            .refused(&armored(&armor, |inner| inner.padata.push(pa(pa_type::FX_FAST, value)))?, Refusal::FastNested)?;
        scene.refused(
            &armored_tgs(&tgt, |inner| inner.padata = vec![pa(pa_type::FX_FAST, value)])?,
            Refusal::FastNested,
        )?;
    }
    scene.end()
}

#[test]
fn nobody_between_changes_what_stands_outside_or_puts_the_inside_elsewhere() -> Result<()> {
    let mut scene = Scene::new()?;
    let tgt = scene.tgt("mallory")?;
    let armor = armor(&tgt, |_| {});
    let inside = inner(&armor)?;
    let fast = armor.wrap(&inside, &inside.body.encode(), &mut OsRng);
    let mut other = as_body();
    other.cname = Some(PrincipalName::krbtgt("OTHER"));
    scene.refused(&dangerous_as_request(other, vec![fast]), Refusal::FastChecksumMismatch)?;
    // The armored part of one TGS request beside the ticket of another.
    let mut mine = KdcReq::decode(&armored_tgs(&tgt, |_| {})?)?;
    let theirs = KdcReq::decode(&armored_tgs(&scene.tgt("alice")?, |_| {})?)?;
    mine.padata.pop();
    mine.padata.extend(theirs.padata.into_iter().skip(1));
    scene.refused(&mine.encode(), Refusal::FastIntegrity)?;
    scene.end()
}

#[test]
fn an_armor_that_is_no_tgt_or_has_no_key_of_its_client_is_refused() -> Result<()> {
    let mut scene = Scene::new()?;
    let tgt = scene.tgt("mallory")?;
    let service = scene.tgs(&tgt, &for_service(), |_| {})?;
    scene.refused(&armored(&armor(&service, |_| {}), |_| {})?, Refusal::FastArmorNotTgt)?;
    // A service renames the ticket that it could have sealed itself.
    let ticket = Ticket { sname: tgt.ticket.sname.clone(), ..service.ticket.clone() };
    let renamed = Credential { ticket, ..service };
    scene.refused(&armored(&armor(&renamed, |_| {}), |_| {})?, Refusal::TicketIntegrity)?;
    scene.refused(&armored(&armor(&tgt, |a| a.subkey = None), |_| {})?, Refusal::FastArmorWithoutSubkey)?;
    let bare = FastArmor { armor: None, ..armor(&tgt, |_| {}) };
    scene.refused(&armored(&bare, |_| {})?, Refusal::FastArmorMissing)?;
    scene.end()
}

#[test]
fn a_cookie_that_the_kdc_did_not_make_for_this_client_is_refused() -> Result<()> {
    let mut scene = Scene::new()?;
    let tgt = scene.tgt("mallory")?;
    let armor = armor(&tgt, |_| {});
    let error = scene.preauth_required(&armored(&armor, |inner| inner.padata.clear())?)?;
    let (_, methods) = armor.error(&error)?;
    let cookie = methods.into_iter().find(|method| method.padata_type == pa_type::FX_COOKIE).context("a cookie")?;
    for at in (4..cookie.value.len()).step_by(7) {
        let mut forged = cookie.clone();
        forged.value[at] ^= 0x10;
        scene.refused(&armored(&armor, |inner| inner.padata.push(forged))?, Refusal::CookieForged)?;
    }
    let of_alice = |inner: &mut KrbFastReq| {
        inner.body.cname = Some(crate::attack::principal("mallory").name);
        inner.padata.push(cookie.clone());
    };
    scene.refused(&armored(&armor, of_alice)?, Refusal::CookieForged)?;
    let (_, line) = scene.ask(&armored(&armor, |inner| inner.padata.push(cookie.clone()))?)?;
    ensure!(line["outcome"] == "issued", "{line}");
    scene.end()
}
