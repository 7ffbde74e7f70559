//! What a sender gets who proved nothing and may have forged its address: no answer to an answer, and no more octets than
//! Kerberos requires.

use crate::attack::{Scene, as_body, for_service};
use anyhow::Result;
use kennel_client::client::system_now;
use kennel_client::dangerous::{dangerous_as_request, dangerous_tgs_request};
use kennel_core::outcome::AMPLIFICATION;
use kennel_wire::message::{ErrorCode, HostAddress, KrbError, NameType, PrincipalName};
use rand::rngs::OsRng;

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
fn what_is_no_request_gets_no_reply_over_udp_whatever_it_is() -> Result<()> {
    let mut scene = Scene::new()?;
    for datagram in
        [&b""[..], b"\x00", b"\x6a\x00", b"\x6c\x03\x30\x01\x00", b"GET / HTTP/1.1", &[0xff; 8193], &[0x30; 60_000]]
    {
        let line = scene.ask_in_vain(datagram)?;
        assert_eq!((&line["exchange"], &line["outcome"]), (&"unreadable".into(), &"dropped".into()), "{line}");
    }
    scene.end()
}

#[test]
fn a_datagram_that_is_too_long_is_sent_to_tcp() -> Result<()> {
    let mut scene = Scene::new()?;
    let mut body = as_body();
    body.addresses = Some(vec![HostAddress { addr_type: 2, address: vec![7; 300] }; 60]);
    let request = dangerous_as_request(body, Vec::new());
    assert!(request.len() > 8192);
    let (answer, line) = scene.ask_over_udp(&request)?;
    assert_eq!(KrbError::decode(&answer)?.error_code, ErrorCode::RESPONSE_TOO_BIG, "{line}");
    assert_eq!(line["reason"], "DatagramLength", "{line}");
    assert_ne!(KrbError::decode(&scene.ask(&request)?.0)?.error_code, ErrorCode::RESPONSE_TOO_BIG);
    scene.end()
}

#[test]
fn nobody_is_sent_more_than_six_times_of_what_was_received() -> Result<()> {
    let mut scene = Scene::new()?;
    let mut requests = vec![dangerous_as_request(as_body(), Vec::new())];
    let mut named = |components: &[&str]| {
        let mut body = as_body();
        body.cname = Some(PrincipalName::new(NameType::PRINCIPAL, components.iter().copied()));
        requests.push(dangerous_as_request(body, Vec::new()));
    };
    named(&["x"]);
    named(&[&"x".repeat(900)]);
    for request in requests {
        let answer = scene.ask_over_udp(&request)?.0;
        println!("{} octets for {}", answer.len(), request.len());
        assert!(answer.len() <= request.len() * AMPLIFICATION, "{} octets for {}", answer.len(), request.len());
        assert!(answer.len() <= 1400);
    }
    scene.end()
}
