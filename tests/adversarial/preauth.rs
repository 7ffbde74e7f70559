//! Ways around pre-authentication, and downgrades.

use crate::attack::{Scene, as_body, principal};
use anyhow::Result;
use kennel_client::client::system_now;
use kennel_client::dangerous::{dangerous_as_request, dangerous_enc_timestamp};
use kennel_core::refusal::Refusal;
use kennel_crypto::{Enctype, Key, KeyUsage};
use kennel_wire::message::{PaData, Timestamp, pa_type};
use rand::rngs::OsRng;

pub(crate) fn key(password: &str) -> Result<Key> {
    let salt = format!("{}alice", principal("alice").realm);
    Ok(Key::from_password(Enctype::Aes256CtsHmacSha384, password.as_bytes(), salt.as_bytes(), None)?)
}

fn timestamp(password: &str, usage: KeyUsage, time: Timestamp) -> Result<PaData> {
    Ok(dangerous_enc_timestamp(&key(password)?, usage, time, &mut OsRng))
}

fn pa(padata_type: i32, value: &[u8]) -> PaData {
    PaData { padata_type, value: value.to_vec() }
}

#[test]
fn cve_2015_2694_nothing_stands_in_for_a_proof() -> Result<()> {
    let mut scene = Scene::new()?;
    let with = |padata| dangerous_as_request(as_body(), padata);
    for padata in [
        Vec::new(),
        vec![pa(pa_type::PAC_REQUEST, &[0x30, 5, 0xa0, 3, 1, 1, 0xff])],
        vec![pa(pa_type::REQ_ENC_PA_REP, b"")],
        vec![pa(i32::MAX, b"x"), pa(i32::MIN, b""), pa(0, b"")],
        vec![pa(pa_type::PW_SALT, b""), pa(pa_type::ETYPE_INFO2, &[0x30, 0])],
        vec![pa(pa_type::FX_COOKIE, b"MIT"); 20],
    ] {
        scene.preauth_required(&with(padata))?;
    }
    scene.end()
}

#[test]
fn a_proof_that_is_none_is_refused() -> Result<()> {
    let mut scene = Scene::new()?;
    let now = system_now();
    let right = timestamp("secret", KeyUsage::PA_ENC_TIMESTAMP, now)?;
    let mut torn = right.clone();
    torn.value.truncate(20);
    let mut flipped = right.clone();
    if let Some(last) = flipped.value.last_mut() {
        *last ^= 1;
    }
    for (padata, refusal) in [
        (pa(pa_type::ENC_TIMESTAMP, b""), Refusal::PreauthMalformed),
        (torn, Refusal::PreauthMalformed),
        (flipped, Refusal::PreauthFailed),
        (timestamp("wrong", KeyUsage::PA_ENC_TIMESTAMP, now)?, Refusal::PreauthFailed),
        (timestamp("secret", KeyUsage::AS_REP, now)?, Refusal::PreauthFailed),
        (timestamp("secret", KeyUsage::PA_ENC_TIMESTAMP, shifted(now, 400))?, Refusal::PreauthSkew),
        (timestamp("secret", KeyUsage::PA_ENC_TIMESTAMP, shifted(now, -400))?, Refusal::PreauthSkew),
    ] {
        scene.refused(&dangerous_as_request(as_body(), vec![padata]), refusal)?;
    }
    // A wrong proof in front of a right one.
    let both = vec![timestamp("wrong", KeyUsage::PA_ENC_TIMESTAMP, now)?, right];
    scene.refused(&dangerous_as_request(as_body(), both), Refusal::PreauthFailed)?;
    scene.end()
}

fn shifted(time: Timestamp, seconds: i64) -> Timestamp {
    Timestamp { time: time.time.plus(seconds), ..time }
}

#[test]
fn a_client_that_offers_only_what_is_weak_or_unknown_gets_nothing() -> Result<()> {
    let mut scene = Scene::new()?;
    for etypes in [vec![23], vec![1, 2, 3], vec![16, 23, 24], vec![-128, -133], vec![0], vec![i32::MAX; 64], Vec::new()]
    {
        let mut body = as_body();
        body.etypes = etypes;
        scene.refused(&dangerous_as_request(body, Vec::new()), Refusal::NoClientKey)?;
    }
    scene.end()
}

#[test]
fn what_must_not_be_known_without_a_proof_is_not_told() -> Result<()> {
    let mut scene = Scene::new()?;
    let error = scene.preauth_required(&dangerous_as_request(as_body(), Vec::new()))?;
    let methods = PaData::decode_all(&error.e_data.unwrap_or_default())?;
    // Enctype, salt and parameters are what a client needs; nothing of the key itself.
    let types: Vec<i32> = methods.iter().map(|method| method.padata_type).collect();
    assert!(
        types.iter().all(|kind| [pa_type::ENC_TIMESTAMP, pa_type::ETYPE_INFO2, pa_type::FX_FAST].contains(kind)),
        "{types:?}"
    );
    scene.end()
}
