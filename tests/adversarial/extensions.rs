//! What Kennel does not speak yet: S4U, PKINIT, PACs. Each is passed over or refused, and never half believed.

use crate::attack::{Scene, as_body, for_service, opened, principal};
use anyhow::Result;
use kennel_client::TgsRequest;
use kennel_client::dangerous::dangerous_as_request;
use kennel_core::refusal::Refusal;
use kennel_wire::message::{
    AuthorizationData, AuthorizationDatum, EncryptedData, KdcOptions, PaData, ad_type, pa_type,
};

fn pa(padata_type: i32, value: &[u8]) -> PaData {
    PaData { padata_type, value: value.to_vec() }
}

/// PA-S4U-X509-USER.
const S4U_X509_USER: i32 = 130;

#[test]
fn cve_2018_20217_2016_3120_and_2017_11368_s4u2self_gets_a_ticket_of_the_caller_and_of_nobody_else() -> Result<()> {
    let mut scene = Scene::new()?;
    let mallory = scene.tgt("mallory")?;
    let key = scene.key("HTTP/web.shop")?;
    for padata in [
        vec![pa(pa_type::FOR_USER, b"")],
        vec![pa(pa_type::FOR_USER, &[0x30, 0])],
        vec![pa(pa_type::FOR_USER, b"\x30\x0f\xa0\x0d\x30\x0b\xa1\x09\x30\x07\x1b\x05alice")],
        vec![pa(S4U_X509_USER, &[0x30, 0]), pa(pa_type::FOR_USER, b"\xff")],
    ] {
        let ticket = scene.tgs(&mallory, &for_service(), |parts| parts.padata = padata)?;
        assert_eq!(opened(&ticket.ticket, &key)?.cname, principal("mallory").name);
    }
    scene.end()
}

#[test]
fn cve_2019_14870_and_2020_17049_constrained_delegation_gives_no_ticket_of_the_other_user() -> Result<()> {
    let mut scene = Scene::new()?;
    let (alice, mallory) = (scene.tgt("alice")?, scene.tgt("mallory")?);
    let evidence = scene.tgs(&alice, &for_service(), |_| {})?;
    let mut request = TgsRequest::with_flags(principal("HTTP/other.shop"), KdcOptions::CNAME_IN_ADDL_TKT);
    request.additional_ticket = Some(evidence.ticket);
    scene.tgs_refused(&mallory, &request, Refusal::ConstrainedDelegation, |_| {})?;
    scene.end()
}

#[test]
fn cve_2018_16841_and_2017_7562_pkinit_is_not_taken_for_a_proof() -> Result<()> {
    let mut scene = Scene::new()?;
    for value in [&b""[..], &[0x30, 0x80], &[0x30, 2, 0x80, 0]] {
        scene.preauth_required(&dangerous_as_request(as_body(), vec![pa(pa_type::PK_AS_REQ, value)]))?;
    }
    scene.end()
}

/// A PAC would be believed by services that know it (CVE-2022-37967), if its lengths did not break them first
/// (CVE-2022-42898): none of a client's gets into a ticket.
#[test]
fn cve_2022_42898_and_2022_37967_a_clients_pac_and_whatever_is_not_allowed_do_not_get_into_a_ticket() -> Result<()> {
    let mut scene = Scene::new()?;
    let alice = scene.tgt("alice")?;
    let datum = |ad_type, ad_data: &[u8]| AuthorizationDatum { ad_type, ad_data: ad_data.to_vec() };
    let hostile_pac = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
    let pac = datum(ad_type::WIN2K_PAC, &hostile_pac);
    let wrapped = |inner: Vec<AuthorizationDatum>| datum(ad_type::IF_RELEVANT, &AuthorizationData(inner).encode());
    let deep = (0..20).fold(pac.clone(), |inner, _| wrapped(vec![inner]));
    let mut request = for_service();
    request.authorization_data = Some(AuthorizationData(vec![
        pac.clone(),
        wrapped(vec![pac, datum(-0x4b50, b"shop/web uid")]),
        deep,
        datum(ad_type::KDC_ISSUED, b"x"),
        datum(ad_type::SIGNEDPATH, b"x"),
        datum(-1, b"x"),
        // CAMMAC, an authentication indicator, FAST's armor and its marker, and a type that nobody knows.
        datum(ad_type::CAMMAC, b"x"),
        wrapped(vec![datum(ad_type::CAMMAC, b"x"), datum(97, b"otp"), datum(71, b"x"), datum(72, b"x")]),
        datum(77, b"unknown"),
        datum(ad_type::TARGET_PRINCIPAL, b"allowed"),
    ]));
    let ticket = scene.tgs(&alice, &request, |_| {})?;
    let data = opened(&ticket.ticket, &scene.key("HTTP/web.shop")?)?.authorization_data;
    assert_eq!(data, Some(AuthorizationData(vec![datum(ad_type::TARGET_PRINCIPAL, b"allowed")])));
    scene.end()
}

#[test]
fn cve_2023_39975_an_error_in_authorization_data_leaves_nothing_behind() -> Result<()> {
    let mut scene = Scene::new()?;
    let alice = scene.tgt("alice")?;
    for _ in 0..20 {
        let torn = EncryptedData { etype: 20, kvno: None, cipher: vec![7; 80] };
        scene.tgs_refused(&alice, &for_service(), Refusal::AuthorizationDataIntegrity, |parts| {
            parts.body.enc_authorization_data = Some(torn);
        })?;
        let mut request = for_service();
        request.authorization_data =
            Some(AuthorizationData(vec![AuthorizationDatum { ad_type: ad_type::MANDATORY_FOR_KDC, ad_data: vec![1] }]));
        scene.tgs_refused(&alice, &request, Refusal::AuthorizationDataMandatory, |_| {})?;
        scene.tgs(&alice, &for_service(), |_| {})?;
    }
    scene.end()
}
