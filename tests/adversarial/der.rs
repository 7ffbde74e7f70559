//! Encodings that are none: every one gets KRB_ERR_GENERIC, where MIT's krb5kdc leaves fifteen shapes without an answer.

use crate::attack::{Scene, as_body};
use anyhow::Result;
use kennel_client::dangerous::dangerous_as_request;
use kennel_core::refusal::Refusal;

/// A good request, and one in which the first `from` is `to`.
fn replaced(from: &[u8], to: &[u8]) -> Vec<u8> {
    let good = dangerous_as_request(as_body(), Vec::new());
    let at = good.windows(from.len()).position(|window| window == from).unwrap_or_default();
    let mut changed = good;
    changed.splice(at..at + from.len(), to.iter().copied());
    changed
}

fn nested(depth: usize) -> Vec<u8> {
    let mut value = vec![0x02, 1, 5];
    for _ in 0..depth {
        let length = u32::try_from(value.len()).unwrap_or_default().to_be_bytes();
        let mut outer = vec![0x30, 0x84];
        outer.extend(length);
        outer.extend(value);
        value = outer;
    }
    value
}

#[test]
fn cve_2020_28196_indefinite_lengths_and_recursion() -> Result<()> {
    let mut scene = Scene::new()?;
    for request in [
        b"\x6a\x80\x30\x80\xa1\x03\x02\x01\x05\x00\x00\x00\x00".to_vec(),
        [&b"\x6a\x80"[..], &[0x30, 0x80].repeat(8000)].concat(),
        nested(500),
        [&[0x6a, 0x84, 0, 0, 0x40, 0][..], &[0x30, 0x82].repeat(4096)].concat(),
    ] {
        scene.refused(&request, Refusal::Malformed)?;
    }
    scene.end()
}

#[test]
fn cve_2022_44640_lengths_past_the_end() -> Result<()> {
    let mut scene = Scene::new()?;
    let good = dangerous_as_request(as_body(), Vec::new());
    for cut in [1, 2, 3, 10, good.len() / 2, good.len() - 1] {
        scene.refused(good.get(..cut).unwrap_or_default(), Refusal::Malformed)?;
    }
    for request in [
        b"\x6a".to_vec(),
        b"\x6a\x82\xff\xff\x30".to_vec(),
        b"\x6a\x84\xff\xff\xff\xff".to_vec(),
        b"\x6a\x88\xff\xff\xff\xff\xff\xff\xff\xff\x30".to_vec(),
        b"\x6a\xff".to_vec(),
    ] {
        scene.refused(&request, Refusal::Malformed)?;
    }
    scene.end()
}

#[test]
fn what_mit_reads_although_it_is_not_der_is_read() -> Result<()> {
    let mut scene = Scene::new()?;
    let good = dangerous_as_request(as_body(), Vec::new());
    for behind in [&b"\0"[..], &good, &[0x30, 0x80]] {
        scene.preauth_required(&[&good[..], behind].concat())?;
    }
    let mut body = as_body();
    body.from = Some(kennel_wire::message::KerberosTime(-1));
    scene.preauth_required(&dangerous_as_request(body, Vec::new()))?;
    scene.end()
}

#[test]
fn times_that_do_not_exist() -> Result<()> {
    let mut scene = Scene::new()?;
    let mut body = as_body();
    body.till = kennel_wire::message::KerberosTime(2_000_000_000);
    let good = dangerous_as_request(body, Vec::new());
    let time = b"20330518033320Z";
    let at = good.windows(time.len()).position(|window| window == time).unwrap_or_default();
    for wrong in [
        b"20330230000000Z",
        b"20330001000000Z",
        b"20331301000000Z",
        b"20330518243320Z",
        b"20330518033360Z",
        b"20330518033320z",
        b"2033051803332.Z",
        b"-0330518033320Z",
        b"00000000000000Z",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xffZ",
    ] {
        let mut request = good.clone();
        request.splice(at..at + time.len(), wrong.iter().copied());
        scene.refused(&request, Refusal::Malformed)?;
    }
    scene.end()
}

#[test]
fn the_shapes_that_mit_does_not_answer() -> Result<()> {
    let mut scene = Scene::new()?;
    for request in [
        b"\0".to_vec(),
        vec![0; 1000],
        vec![0xff; 1000],
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"\x30\x03\x02\x01\x05".to_vec(),
        b"\x6a\x00".to_vec(),
        b"\x6a\x02\x30\x00".to_vec(),
        b"\x6c\x00".to_vec(),
        b"\x6c\x02\x30\x00".to_vec(),
        b"\x6a\x03\x02\x01\x05".to_vec(),
        // An AP-REQ, a KRB-SAFE, a KRB-PRIV, a KRB-CRED: messages, but none for a KDC.
        b"\x6e\x02\x30\x00".to_vec(),
        b"\x74\x02\x30\x00".to_vec(),
        b"\x75\x02\x30\x00".to_vec(),
        b"\x76\x02\x30\x00".to_vec(),
        // pvno 4, msg-type of the other request, a msg-type that is none.
        replaced(b"\xa1\x03\x02\x01\x05", b"\xa1\x03\x02\x01\x04"),
        replaced(b"\xa2\x03\x02\x01\x0a", b"\xa2\x03\x02\x01\x0c"),
        replaced(b"\xa2\x03\x02\x01\x0a", b"\xa2\x03\x02\x01\x7f"),
    ] {
        scene.refused(&request, Refusal::Malformed)?;
    }
    scene.end()
}
