//! What senders may vary, and where the limits are.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod samples;

use kennel_wire::WireError;
use kennel_wire::der::writer::Writer;
use kennel_wire::message::*;
use samples::*;

/// DER with the first occurrence of `from` replaced by `to`, of the same length.
fn replaced(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = der.windows(from.len()).position(|window| window == from).unwrap();
    let mut changed = der.to_vec();
    changed[at..at + from.len()].copy_from_slice(to);
    changed
}

fn refused<T: std::fmt::Debug>(result: Result<T, WireError>) -> String {
    result.unwrap_err().to_string()
}

fn request(change: impl FnOnce(&mut KdcReq)) -> Result<KdcReq, WireError> {
    let mut request = as_req();
    change(&mut request);
    KdcReq::decode(&request.encode())
}

/// The smallest body, with these options and nonce, each a whole value.
fn body_with(options: &[u8], nonce: &[u8]) -> Result<KdcReq, WireError> {
    let body = written(|w| {
        w.sequence(|w| {
            w.context(8, |w| w.sequence(|_| {}));
            w.context(7, |w| w.bytes(nonce));
            w.context(5, |w| w.generalized_time(NOW.0));
            w.context(2, |w| w.general_string("R"));
            w.context(0, |w| w.bytes(options));
        });
    });
    KdcReq::decode(&KdcReq::encode_around(MessageType::AsReq, &[], &body))
}

const FLAGS: &[u8] = &[0x03, 0x05, 0x00, 0x40, 0x00, 0x00, 0x10];
const NONCE: &[u8] = &[0x02, 0x01, 0x07];

#[test]
fn a_nonce_may_be_sent_unsigned_negative_or_too_long_and_goes_back_with_the_octets_that_were_sent() {
    for (nonce, expected) in [
        (&[0x02, 0x05, 0x00, 0xff, 0xff, 0xff, 0xfe][..], 0xffff_fffe),
        (&[0x02, 0x01, 0xfe], 0xffff_fffe),
        (&[0x02, 0x04, 0x80, 0x00, 0x00, 0x00], 0x8000_0000),
        (&[0x02, 0x05, 0x00, 0x80, 0x00, 0x00, 0x00], 0x8000_0000),
        (&[0x02, 0x04, 0x7f, 0xff, 0xff, 0xff], 0x7fff_ffff),
        (&[0x02, 0x01, 0x00], 0),
        (&[0x02, 0x04, 0x00, 0x00, 0x00, 0x07], 7),
        (&[0x02, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe], 0xffff_fffe),
    ] {
        let request = body_with(FLAGS, nonce).unwrap();
        assert_eq!(request.body.nonce.value(), expected, "{nonce:02x?}");
        let mut part = enc_kdc_rep_part();
        part.nonce = request.body.nonce;
        let reply = written(|w| part.write(MessageType::AsReq, w));
        let field = [&[0xa2, nonce.len() as u8][..], nonce].concat();
        assert!(reply.windows(field.len()).any(|window| window == field), "{nonce:02x?}");
    }
}

#[test]
fn integers_that_are_not_shortest_are_the_number_that_they_are() {
    // sspi-rs: the microseconds of a timestamp in four octets; pyasn1: -128 in two.
    let stamp = |micros: &[u8]| {
        PaEncTimestamp::decode(&written(|w| {
            w.sequence(|w| {
                w.context(1, |w| w.bytes(micros));
                w.context(0, |w| w.generalized_time(NOW.0));
            });
        }))
    };
    for micros in
        [&[0x02, 0x03, 0x07, 0xa1, 0x20][..], &[2, 4, 0, 7, 0xa1, 0x20], &[2, 8, 0, 0, 0, 0, 0, 7, 0xa1, 0x20]]
    {
        assert_eq!(stamp(micros).unwrap().0.micros, 500_000, "{micros:02x?}");
    }
    let padata = |kind: &[u8]| {
        let one = |w: &mut Writer| {
            w.context(2, |w| w.octet_string(&[]));
            w.context(1, |w| w.bytes(kind));
        };
        PaData::decode_all(&written(|w| w.sequence(|w| w.sequence(one)))).unwrap()[0].padata_type
    };
    for kind in [&[0x02, 0x01, 0x80][..], &[2, 2, 0xff, 0x80], &[2, 6, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80]] {
        assert_eq!(padata(kind), -128, "{kind:02x?}");
    }
}

#[test]
fn the_body_of_a_request_is_found_as_it_was_sent_whatever_its_integers_are() {
    let request = as_req();
    let (pvno, long) = ([0xa1, 0x03, 0x02, 0x01, 0x05], [0xa1, 0x07, 0x02, 0x05, 0, 0, 0, 0, 5]);
    let der = request.encode();
    let at = der.windows(5).position(|window| window == pvno).unwrap();
    let mut inner = der[8..].to_vec();
    assert_eq!(der[..2], [0x6a, 0x82], "two lengths of two octets");
    inner.splice(at - 8..at - 3, long);
    let sequence = written(|w| w.tagged(0x30, |w| w.bytes(&inner)));
    let longer = written(|w| w.tagged(0x6a, |w| w.bytes(&sequence)));
    let decoded = KdcReq::decode(&longer).unwrap();
    assert_eq!(longer[decoded.body_der.clone()], request.body.encode());
    assert_eq!((decoded.padata, decoded.body), (request.padata, request.body));
}

#[test]
fn times_before_1970_are_read_and_written_as_they_were_sent() {
    for till in [-1, -62_167_219_200] {
        let decoded =
            request(|r| (r.body.till, r.body.rtime) = (KerberosTime(till), Some(KerberosTime(till)))).unwrap();
        assert_eq!((decoded.body.till.0, decoded.body.rtime.unwrap().0), (till, till));
    }
}

#[test]
fn key_versions_and_sequence_numbers_above_31_bits_come_back() {
    let mut data = encrypted(20);
    data.kvno = Some(0xfedc_0001);
    assert_eq!(PaData::decode_encrypted_data(&PaData::encode_encrypted_data(&data)).unwrap(), data);
    let mut authenticator = authenticator();
    authenticator.seq_number = Some(u32::MAX);
    assert_eq!(Authenticator::decode(&authenticator.encode()).unwrap().seq_number, Some(u32::MAX));
    // The same number as a negative INTEGER.
    let negative = written(|w| {
        w.sequence(|w| {
            w.context(2, |w| w.octet_string(&[]));
            w.context(1, |w| w.int32(-2));
            w.context(0, |w| w.int32(18));
        });
    });
    assert_eq!(PaData::decode_encrypted_data(&negative).unwrap().kvno, Some(0xffff_fffe));
}

#[test]
fn an_int32_is_never_read_from_five_octets() {
    let wide = written(|w| {
        w.sequence(|w| {
            w.context(2, |w| w.octet_string(&[]));
            w.context(0, |w| w.uint32(0x8000_0000));
        });
    });
    assert!(refused(PaData::decode_encrypted_data(&wide)).starts_with("not a valid EncryptedData"));
}

#[test]
fn flags_may_be_shorter_or_longer_than_32_bits() {
    for (options, expected) in [
        (&[0x03, 0x01, 0x00][..], 0),
        (&[0x03, 0x02, 0x06, 0x40], 0x4000_0000),
        (&[0x03, 0x04, 0x04, 0x40, 0x81, 0x00], 0x4081_0000),
        (FLAGS, 0x4000_0010),
        (&[0x03, 0x06, 0x00, 0x40, 0x00, 0x00, 0x10, 0xff], 0x4000_0010),
        (&[0x03, 0x09, 0x00, 0x40, 0x00, 0x00, 0x10, 1, 2, 3, 4], 0x4000_0010),
        (&[0x03, 0x0b, 0x07, 0x40, 0x00, 0x00, 0x10, 1, 2, 3, 4, 5, 0x80], 0x4000_0010),
    ] {
        assert_eq!(body_with(options, NONCE).unwrap().body.options.bits(), expected, "{options:02x?}");
    }
}

#[test]
fn bits_without_a_name_are_kept() {
    let decoded = request(|r| r.body.options = KdcOptions::from_bits_retain(0xffff_ffff)).unwrap();
    assert_eq!(decoded.body.options.bits(), 0xffff_ffff);
}

#[test]
fn empty_realms_components_and_names_are_read_for_the_core_to_refuse() {
    assert_eq!(request(|r| r.body.realm.clear()).unwrap().body.realm, "");
    let nobody = PrincipalName::new(NameType::PRINCIPAL, [""; 0]);
    let decoded = request(|r| r.body.cname = Some(nobody)).unwrap();
    assert_eq!(decoded.body.cname.unwrap().components, [""; 0]);
    let decoded = request(|r| r.body.sname = Some(PrincipalName::krbtgt(""))).unwrap();
    assert_eq!(decoded.body.sname.unwrap().components, ["krbtgt", ""]);
}

#[test]
fn names_with_control_characters_are_refused() {
    for part in ["a\0b", "a\n", "\u{7f}", "\u{85}"] {
        let name = PrincipalName::new(NameType::PRINCIPAL, [part]);
        assert!(refused(request(|r| r.body.cname = Some(name))).contains("a control character"), "{part:?}");
        assert!(refused(request(|r| r.body.realm = part.into())).contains("a control character"), "{part:?}");
    }
}

#[test]
fn names_that_are_not_utf8_or_not_general_strings_are_refused() {
    let der = as_req().encode();
    assert!(KdcReq::decode(&replaced(&der, b"\x1b\x05alice", b"\x1b\x05alic\xe9")).is_err());
    // UTF8String, IA5String and OCTET STRING.
    for tag in [0x0c, 0x16, 0x04] {
        let other = [&[tag, 5][..], b"alice"].concat();
        assert!(KdcReq::decode(&replaced(&der, b"\x1b\x05alice", &other)).is_err(), "{tag:02x}");
    }
}

#[test]
fn the_limits_are_the_most_that_is_accepted() {
    let padata = |count| vec![PaData { padata_type: 1, value: vec![] }; count];
    let name = |count| Some(PrincipalName::new(NameType::PRINCIPAL, vec!["a"; count]));
    let long = |octets| Some(PrincipalName::new(NameType::PRINCIPAL, ["a".repeat(octets)]));
    let address = |count| Some(vec![HostAddress { addr_type: 2, address: vec![] }; count]);

    assert!(request(|r| r.padata = padata(64)).is_ok());
    assert!(refused(request(|r| r.padata = padata(65))).contains("more than 64 elements of padata"));
    assert!(request(|r| r.body.etypes = vec![18; 1024]).is_ok());
    assert!(refused(request(|r| r.body.etypes = vec![18; 1025])).contains("more than 1024 enctypes"));
    assert!(request(|r| r.body.additional_tickets = vec![ticket(); 4]).is_ok());
    assert!(refused(request(|r| r.body.additional_tickets = vec![ticket(); 5])).contains("more than 4 additional"));
    assert!(request(|r| r.body.cname = name(32)).is_ok());
    assert!(refused(request(|r| r.body.cname = name(33))).contains("more than 32 components"));
    assert!(request(|r| r.body.cname = long(1024)).is_ok());
    assert!(refused(request(|r| r.body.cname = long(1025))).contains("more than 1024 octets"));
    let parts = |octets| Some(PrincipalName::new(NameType::PRINCIPAL, ["a".repeat(octets), "b".repeat(512)]));
    assert!(request(|r| r.body.cname = parts(512)).is_ok());
    assert!(refused(request(|r| r.body.cname = parts(513))).contains("a name of more than 1024 octets"));
    assert!(request(|r| r.body.addresses = address(64)).is_ok());
    assert!(refused(request(|r| r.body.addresses = address(65))).contains("more than 64 addresses"));
}

#[test]
fn versions_and_message_types_must_be_right() {
    let der = as_req().encode();
    assert!(
        refused(KdcReq::decode(&replaced(&der, &[0xa1, 3, 2, 1, 5], &[0xa1, 3, 2, 1, 4]))).contains("pvno is not 5")
    );
    let other = replaced(&der, &[0xa2, 3, 2, 1, 10], &[0xa2, 3, 2, 1, 12]);
    assert!(refused(KdcReq::decode(&other)).contains("does not fit the application tag"));
    let mut tgs = der.clone();
    tgs[0] = 0x6c;
    assert!(refused(KdcReq::decode(&tgs)).contains("does not fit the application tag"));
    for other in [ticket().encode(), krb_error().encode(), ap_req().encode(), kdc_rep_der(&kdc_rep())] {
        assert!(refused(KdcReq::decode(&other)).contains("neither AS-REQ nor TGS-REQ"));
    }
    let old = replaced(&ticket().encode(), &[0xa0, 3, 2, 1, 5], &[0xa0, 3, 2, 1, 4]);
    assert!(refused(Ticket::decode(&old)).contains("tkt-vno is not 5"));
}

#[test]
fn fields_that_are_missing_unknown_or_out_of_order_are_refused() {
    let ticket_of = |fields: &[u8]| {
        let field = |w: &mut Writer, number: u8| match number {
            0 => w.context(0, |w| w.int32(5)),
            1 => w.context(1, |w| w.general_string("R")),
            2 => w.context(2, |w| {
                w.sequence(|w| {
                    w.context(1, |w| w.sequence(|_| {}));
                    w.context(0, |w| w.int32(0));
                });
            }),
            3 => w.context(3, |w| w.bytes(&PaData::encode_encrypted_data(&encrypted(4)))),
            other => w.context(other, |w| w.int32(0)),
        };
        let all = |w: &mut Writer| w.sequence(|w| fields.iter().rev().for_each(|number| field(w, *number)));
        Ticket::decode(&written(|w| w.tagged(0x61, all)))
    };
    assert!(ticket_of(&[0, 1, 2, 3]).is_ok());
    for fields in [&[0, 1, 2][..], &[1, 2, 3], &[0, 1, 2, 3, 4], &[0, 1, 1, 2, 3], &[0, 2, 1, 3], &[3, 2, 1, 0], &[]] {
        assert!(ticket_of(fields).is_err(), "{fields:?}");
    }
}

#[test]
fn microseconds_may_be_absent_from_a_timestamp_but_not_beyond_a_second() {
    let stamp = |micros: Option<i64>| {
        PaEncTimestamp::decode(&written(|w| {
            w.sequence(|w| {
                if let Some(micros) = micros {
                    w.context(1, |w| w.integer(micros));
                }
                w.context(0, |w| w.generalized_time(NOW.0));
            });
        }))
    };
    assert_eq!(stamp(None), Ok(PaEncTimestamp(Timestamp { time: NOW, micros: 0 })));
    assert_eq!(stamp(Some(999_999)), Ok(PaEncTimestamp(Timestamp { time: NOW, micros: 999_999 })));
    for micros in [1_000_000, -1, i64::from(u32::MAX)] {
        assert!(stamp(Some(micros)).is_err(), "{micros}");
    }
}

#[test]
fn errors_name_positions_and_rules_but_never_contents() {
    let secret = [&[0x30, 0x09, 0x04, 0x06][..], b"secret", &[1]].concat();
    assert_eq!(refused(Ticket::decode(&secret)), "not strict DER at offset 11: the length is missing");
}
