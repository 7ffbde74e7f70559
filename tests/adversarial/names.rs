//! Names that are missing, empty, or not what they look like.

use crate::attack::{REALM, Scene, as_body, for_service, principal};
use anyhow::Result;
use kennel_client::TgsRequest;
use kennel_client::dangerous::dangerous_as_request;
use kennel_core::refusal::Refusal;
use kennel_wire::message::{KdcReqBody, NameType, Principal, PrincipalName};

/// An AS request with a changed body.
fn initial(change: impl FnOnce(&mut KdcReqBody)) -> Vec<u8> {
    let mut body = as_body();
    change(&mut body);
    dangerous_as_request(body, Vec::new())
}

fn name(components: &[&str]) -> PrincipalName {
    PrincipalName::new(NameType::PRINCIPAL, components.iter().copied())
}

#[test]
fn cve_2021_37750_and_2021_3671_a_request_without_a_server() -> Result<()> {
    let mut scene = Scene::new()?;
    let tgt = scene.tgt("alice")?;
    scene.tgs_refused(&tgt, &for_service(), Refusal::ServerMissing, |parts| parts.body.sname = None)?;
    scene.tgs_refused(&tgt, &for_service(), Refusal::ServerMissing, |parts| parts.body.sname = Some(name(&[])))?;
    scene
        .tgs_refused(&tgt, &for_service(), Refusal::ServerMissing, |parts| parts.body.sname = Some(name(&["", ""])))?;
    scene.refused(&initial(|body| body.sname = None), Refusal::ServerMissing)?;
    scene.refused(&initial(|body| body.sname = Some(name(&["krbtgt", ""]))), Refusal::ServerMissing)?;
    scene.end()
}

#[test]
fn cve_2017_17439_empty_or_absent_clients_and_realms() -> Result<()> {
    let mut scene = Scene::new()?;
    scene.refused(&initial(|body| body.cname = None), Refusal::ClientMissing)?;
    scene.refused(&initial(|body| body.cname = Some(name(&[]))), Refusal::ClientMissing)?;
    scene.refused(&initial(|body| body.cname = Some(name(&[""]))), Refusal::ClientMissing)?;
    scene.refused(&initial(|body| body.realm.clear()), Refusal::WrongRealm)?;
    scene.refused(&initial(|body| body.realm = REALM.to_lowercase()), Refusal::WrongRealm)?;
    let tgt = scene.tgt("alice")?;
    scene.tgs_refused(&tgt, &for_service(), Refusal::WrongRealm, |parts| parts.body.realm.clear())?;
    scene.end()
}

#[test]
fn cve_2020_25722_names_of_other_parts_are_other_names() -> Result<()> {
    let mut scene = Scene::new()?;
    let tgt = scene.tgt("alice")?;
    for components in [
        &["HTTP", "web.shop", "evil"][..],
        &["HTTP/web.shop"],
        &["HTTP", "web.shop@TEST.KENNEL"],
        &["http", "web.shop"],
        &["HTTP", "web.shop."],
        &["HTTP", "web.shop", "web.shop"],
    ] {
        let request = TgsRequest::new(Principal::new(name(components), REALM));
        scene.tgs_refused(&tgt, &request, Refusal::ServerUnknown, |_| {})?;
    }
    for components in [&["alice@TEST.KENNEL"][..], &["Alice"], &["alice", "admin"], &["alice "]] {
        scene.refused(&initial(|body| body.cname = Some(name(components))), Refusal::ClientUnknown)?;
    }
    scene.end()
}

#[test]
fn a_name_of_one_component_that_looks_like_the_tgs_is_not_the_tgs() -> Result<()> {
    let mut scene = Scene::new()?;
    scene.refused(&initial(|body| body.sname = Some(name(&["krbtgt/TEST.KENNEL"]))), Refusal::ServerUnknown)?;
    scene.end()
}

#[test]
fn names_with_control_characters_and_names_beyond_all_measure_cannot_be_read() -> Result<()> {
    let mut scene = Scene::new()?;
    let long = "a".repeat(1025);
    let many = vec!["a"; 33];
    for components in [&["ali\0ce"][..], &["alice\n"], &[&*long], &many] {
        scene.refused(&initial(|body| body.cname = Some(name(components))), Refusal::Malformed)?;
    }
    // The longest that can be read is told that it is unknown, in an answer not much longer than itself.
    let longest = "a".repeat(1024);
    let request = initial(|body| body.cname = Some(name(&[&longest])));
    let (answer, _) = scene.ask(&request)?;
    assert!(answer.len() < request.len() + 200, "{} octets for {}", answer.len(), request.len());
    scene.end()
}

#[test]
fn names_that_are_no_ascii_are_names_like_others() -> Result<()> {
    let mut scene = Scene::new()?;
    scene.refused(&initial(|body| body.cname = Some(name(&["ålice"]))), Refusal::ClientUnknown)?;
    // The same letter, composed in another way.
    scene.refused(&initial(|body| body.cname = Some(name(&["a\u{30a}lice"]))), Refusal::ClientUnknown)?;
    assert_eq!(principal("alice").name, name(&["alice"]));
    scene.end()
}
