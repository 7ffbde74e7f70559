//! What a sender gets who proved nothing and may have forged its address: no answer to an answer, and no more octets than
//! Kerberos requires.

use crate::attack::{Scene, as_body, for_service};
use anyhow::Result;
use kennel_client::client::system_now;
use kennel_client::dangerous::{dangerous_as_request, dangerous_tgs_request};
use kennel_wire::message::{NameType, PrincipalName};
use rand::rngs::OsRng;

/// The largest answer to the smallest question, octets: METHOD-DATA with the enctypes and salts of one client.
const LARGEST: usize = 512;

#[test]
fn replies_and_errors_are_not_answered_so_that_two_kdcs_never_talk_to_each_other() -> Result<()> {
    let mut scene = Scene::new()?;
    let alice = scene.tgt("alice")?;
    let request = dangerous_tgs_request(&alice, &for_service(), system_now(), &mut OsRng, |_| {}).1;
    let reply = scene.ask(&request)?.0;
    let error = scene.ask(&dangerous_as_request(as_body(), Vec::new()))?.0;
    for datagram in [&reply[..], &error, b"\x6b\x00", b"\x6d\xff", b"\x6f\x02\x30\x00", b"\x7e"] {
        let line = scene.ask_in_vain(datagram)?;
        assert_eq!((&line["outcome"], &line["reason"]), (&"dropped".into(), &"NotARequest".into()), "{line}");
    }
    scene.end()
}

#[test]
fn nobody_is_sent_much_more_than_was_received() -> Result<()> {
    let mut scene = Scene::new()?;
    let mut requests = vec![vec![0], b"\x6a\x00".to_vec(), dangerous_as_request(as_body(), Vec::new())];
    let mut long = as_body();
    long.cname = Some(PrincipalName::new(NameType::PRINCIPAL, ["x".repeat(900)]));
    requests.push(dangerous_as_request(long, Vec::new()));
    for request in requests {
        let answer = scene.ask(&request)?.0;
        println!("{} octets for {}", answer.len(), request.len());
        assert!(answer.len() <= request.len() + LARGEST, "{} octets for {}", answer.len(), request.len());
        assert!(answer.len() <= 1400);
    }
    scene.end()
}
