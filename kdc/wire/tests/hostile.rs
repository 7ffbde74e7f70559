//! No input makes a decoder panic: truncations and seeded mutations of every message and file.
//!
//! Half of the mutations of messages change octets as they come, which the gate mostly stops; the other half change the
//! tree of values and write it again with true lengths, which gets through the gate to the decoders behind it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod mutate;
mod samples;

use kennel_wire::ccache::{Ccache, CcacheEntry};
use kennel_wire::der::gate;
use kennel_wire::keytab::{self, KeytabEntry};
use kennel_wire::message::*;
use mutate::{Node, Random};
use samples::*;

/// Decodes and says whether the bytes were accepted; what is accepted can be written and is then accepted again.
type Decode = fn(&[u8]) -> bool;

struct Target {
    name: &'static str,
    sample: Vec<u8>,
    decode: Decode,
}

fn target(name: &'static str, sample: Vec<u8>, decode: Decode) -> Target {
    assert!(decode(&sample), "the sample of {name} is not accepted");
    Target { name, sample, decode }
}

fn messages() -> Vec<Target> {
    let request: Decode = |bytes| {
        let Ok(request) = KdcReq::decode(bytes) else { return false };
        assert!(bytes.get(request.body_der.clone()).is_some());
        let again = KdcReq::decode(&request.encode()).unwrap();
        assert_eq!((again.padata, again.body), (request.padata, request.body));
        true
    };
    let reply: Decode = |bytes| {
        let Ok(reply) = KdcRep::decode(bytes) else { return false };
        assert_eq!(KdcRep::decode(&kdc_rep_der(&reply)).unwrap(), reply);
        true
    };
    let ticket_part: Decode = |bytes| {
        let Ok(part) = EncTicketPart::decode(bytes) else { return false };
        let der = written(|w| part.write(w));
        assert_eq!(written(|w| EncTicketPart::decode(&der).unwrap().write(w)), der);
        true
    };
    let reply_part: Decode = |bytes| {
        let Ok(part) = EncKdcRepPart::decode(bytes) else { return false };
        let der = written(|w| part.write(MessageType::AsReq, w));
        assert_eq!(EncKdcRepPart::decode(&der).unwrap().sname, part.sname);
        true
    };
    let authenticator_again: Decode = |bytes| {
        let Ok(authenticator) = Authenticator::decode(bytes) else { return false };
        let der = authenticator.encode();
        assert_eq!(*Authenticator::decode(&der).unwrap().encode(), *der);
        true
    };
    let error: Decode = |bytes| {
        let Ok(error) = KrbError::decode(bytes) else { return false };
        assert_eq!(KrbError::decode(&error.encode()).unwrap(), error);
        true
    };
    vec![
        target("AS-REQ", as_req().encode(), request),
        target("TGS-REQ", tgs_req().encode(), request),
        target("KDC-REP", kdc_rep_der(&kdc_rep()), reply),
        target("EncTicketPart", written(|w| enc_ticket_part().write(w)), ticket_part),
        target("EncKDCRepPart", written(|w| enc_kdc_rep_part().write(MessageType::TgsReq, w)), reply_part),
        target("Authenticator", authenticator().encode().to_vec(), authenticator_again),
        target("KRB-ERROR", krb_error().encode(), error),
        target("AP-REQ", ap_req().encode(), |bytes| ApReq::decode(bytes).is_ok()),
        target("AP-REP", ap_rep().encode(), |bytes| ApRep::decode(bytes).is_ok()),
        target("EncAPRepPart", enc_ap_rep_part().encode().to_vec(), |bytes| EncApRepPart::decode(bytes).is_ok()),
        target("Ticket", ticket().encode(), |bytes| Ticket::decode(bytes).is_ok()),
        target("PA-ENC-TS-ENC", pa_enc_timestamp().encode(), |bytes| PaEncTimestamp::decode(bytes).is_ok()),
        target("ETYPE-INFO", EtypeInfoEntry::encode_all(&old_etype_info()), |bytes| {
            EtypeInfoEntry::decode_all(bytes).is_ok()
        }),
        target("METHOD-DATA", PaData::encode_all(&etype_info_padata()), |bytes| PaData::decode_all(bytes).is_ok()),
        target("ETYPE-INFO2", EtypeInfo2Entry::encode_all(&etype_info()), |bytes| {
            EtypeInfo2Entry::decode_all(bytes).is_ok()
        }),
        target("EncryptedData", PaData::encode_encrypted_data(&encrypted(40)), |bytes| {
            PaData::decode_encrypted_data(bytes).is_ok()
        }),
        target("Checksum", authenticator().cksum.unwrap().encode(), |bytes| Checksum::decode(bytes).is_ok()),
        target("AuthorizationData", authorization_data().encode(), |bytes| AuthorizationData::decode(bytes).is_ok()),
        target("PA-FX-FAST-REQUEST", krb_fast_armored_req().encode(), |bytes| {
            let Ok(request) = KrbFastArmoredReq::decode(bytes) else { return false };
            assert_eq!(KrbFastArmoredReq::decode(&request.encode()).unwrap(), request);
            true
        }),
        target("KrbFastReq", krb_fast_req().encode(), |bytes| {
            let Ok(request) = KrbFastReq::decode(bytes) else { return false };
            assert_eq!(KrbFastReq::decode(&request.encode()).unwrap(), request);
            true
        }),
        target("PA-FX-FAST-REPLY", KrbFastArmoredRep(encrypted(200)).encode(), |bytes| {
            KrbFastArmoredRep::decode(bytes).is_ok()
        }),
        target("KrbFastResponse", krb_fast_response().encode().to_vec(), |bytes| {
            KrbFastResponse::decode(bytes).is_ok()
        }),
        target("AD-CAMMAC", cammac().encode(), |bytes| Cammac::decode(bytes).is_ok()),
    ]
}

fn files() -> Vec<Target> {
    let principal = || Principal::new(web(), "DEV.KENNEL");
    let entry = |kvno| KeytabEntry { principal: principal(), timestamp: NOW, kvno, key: key(1) };
    let credential = CcacheEntry {
        client: Principal::new(alice(), "DEV.KENNEL"),
        server: principal(),
        key: key(1),
        authtime: NOW,
        starttime: NOW,
        endtime: NOW,
        renew_till: NOW,
        is_skey: true,
        flags: TicketFlags::INITIAL,
        addresses: addresses(),
        authdata: authorization_data().0,
        ticket: ticket().encode(),
        second_ticket: vec![1],
    };
    let cache = Ccache {
        kdc_offset: Some((1, 2)),
        principal: Principal::new(alice(), "DEV.KENNEL"),
        credentials: vec![credential.clone(), credential],
    };
    let keytab: Decode = |bytes| {
        let Ok(entries) = keytab::decode(bytes) else { return false };
        assert_eq!(keytab::decode(&keytab::encode(&entries)).unwrap().len(), entries.len());
        true
    };
    let ccache: Decode = |bytes| {
        let Ok(cache) = Ccache::decode(bytes) else { return false };
        assert_eq!(Ccache::decode(&cache.encode()).unwrap().credentials.len(), cache.credentials.len());
        true
    };
    vec![
        target("keytab", keytab::encode(&[entry(1), entry(300)]).to_vec(), keytab),
        target("credential cache", cache.encode().to_vec(), ccache),
    ]
}

#[test]
fn messages_cut_at_any_length_are_refused() {
    for Target { name, sample, decode } in messages() {
        for length in 0..sample.len() {
            assert!(!decode(&sample[..length]), "{name} cut at {length} was accepted");
        }
    }
}

#[test]
fn octets_behind_a_message_are_passed_over_and_behind_a_plaintext_there_may_be_zeros_alone() {
    const PLAINTEXTS: [&str; 7] = [
        "EncTicketPart",
        "EncKDCRepPart",
        "Authenticator",
        "EncAPRepPart",
        "PA-ENC-TS-ENC",
        "KrbFastReq",
        "KrbFastResponse",
    ];
    for Target { name, mut sample, decode } in messages() {
        sample.extend([0; 7]);
        assert!(decode(&sample), "{name}");
        sample.push(1);
        assert_eq!(decode(&sample), !PLAINTEXTS.contains(&name), "{name}");
    }
}

#[test]
fn mutated_messages_cause_no_panic() {
    // All of them with `--release`; a build without optimization would take half a minute.
    const ROUNDS: usize = if cfg!(debug_assertions) { 80_000 } else { 400_000 };
    let targets = messages();
    let trees: Vec<Node> = targets.iter().map(|target| Node::parse(&target.sample)).collect();
    let mut random = Random(0x6b65_6e6e_656c);
    let (mut through_the_gate, mut accepted) = (0, 0);
    for round in 0..ROUNDS {
        let index = round / 2 % targets.len();
        let bytes = if round % 2 == 0 {
            random.mutated_octets(&targets[index].sample)
        } else {
            random.mutated_tree(&trees[index])
        };
        through_the_gate += usize::from(gate::check(&bytes).is_ok());
        accepted += usize::from((targets[index].decode)(&bytes));
    }
    // The numbers show that the mutations reach the decoders.
    println!("{ROUNDS} mutations: {through_the_gate} through the gate, {accepted} accepted");
    assert!(through_the_gate > ROUNDS / 4, "{through_the_gate}");
    assert!(accepted > ROUNDS / 20, "{accepted}");
    assert!(accepted < through_the_gate);
}

#[test]
fn every_message_given_to_every_decoder_is_at_most_refused() {
    let targets = messages();
    for from in &targets {
        for to in &targets {
            (to.decode)(&from.sample);
        }
    }
}

#[test]
fn mutated_and_cut_files_cause_no_panic() {
    let mut random = Random(88);
    for Target { name, sample, decode } in files() {
        for length in 0..sample.len() {
            decode(&sample[..length]);
        }
        let accepted = (0..20_000).filter(|_| decode(&random.mutated_octets(&sample))).count();
        assert!((1..20_000).contains(&accepted), "{name}: {accepted}");
    }
}

#[test]
fn random_octets_cause_no_panic() {
    let mut random = Random(749);
    let targets = messages();
    for round in 0..20_000 {
        let length = random.below(200);
        let bytes: Vec<u8> = (0..length).map(|_| random.octet()).collect();
        (targets[round % targets.len()].decode)(&bytes);
    }
}

#[test]
fn the_longest_and_deepest_inputs_are_refused_at_once() {
    // 64 KiB of openings, of empty values and of lengths that lie.
    for unit in [&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], &[0x30, 0x00], &[0xa0, 0x80], &[0x30, 0x82, 0xff, 0x00]] {
        let mut bytes = vec![0x30, 0x82, 0xff, 0xfc];
        bytes.extend(unit.iter().copied().cycle().take(gate::MAX_LENGTH - bytes.len()));
        messages().iter().for_each(|target| assert!(!(target.decode)(&bytes)));
    }
}
