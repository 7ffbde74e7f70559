//! What is written is read back as it was, for every message.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod samples;

use kennel_wire::message::*;
use samples::*;

#[test]
fn requests_come_back() {
    for request in [as_req(), tgs_req()] {
        let der = request.encode();
        let decoded = KdcReq::decode(&der).unwrap();
        assert_eq!(decoded.message_type, request.message_type);
        assert_eq!(decoded.padata, request.padata);
        assert_eq!(decoded.body, request.body);
    }
}

#[test]
fn the_body_is_found_as_it_was_sent() {
    for request in [as_req(), tgs_req()] {
        let der = request.encode();
        let decoded = KdcReq::decode(&der).unwrap();
        assert_eq!(der[decoded.body_der], request.body.encode());
    }
}

#[test]
fn a_request_of_the_least_fields_comes_back() {
    let mut request = as_req();
    request.padata.clear();
    let body = &mut request.body;
    (body.cname, body.sname, body.from, body.rtime, body.addresses) = (None, None, None, None, None);
    body.etypes.clear();
    request.body.realm.clear();
    let decoded = KdcReq::decode(&request.encode()).unwrap();
    assert_eq!((decoded.padata, decoded.body), (request.padata, request.body));
}

#[test]
fn replies_come_back() {
    let mut reply = kdc_rep();
    assert_eq!(KdcRep::decode(&kdc_rep_der(&reply)).unwrap(), reply);
    reply.answers = MessageType::TgsReq;
    reply.padata.clear();
    assert_eq!(KdcRep::decode(&kdc_rep_der(&reply)).unwrap(), reply);
}

#[test]
fn tickets_come_back() {
    assert_eq!(Ticket::decode(&ticket().encode()).unwrap(), ticket());
    let der = written(|w| enc_ticket_part().write(w));
    let decoded = EncTicketPart::decode(&der).unwrap();
    assert_eq!(written(|w| decoded.write(w)), der);
    assert_eq!(decoded.authorization_data, enc_ticket_part().authorization_data);
    assert_eq!(decoded.caddr, enc_ticket_part().caddr);
    assert_eq!(*decoded.key.keyvalue, *key(3).keyvalue);
}

#[test]
fn encrypted_parts_of_replies_come_back_under_either_tag() {
    for answers in [MessageType::AsReq, MessageType::TgsReq] {
        let der = written(|w| enc_kdc_rep_part().write(answers, w));
        assert_eq!(der[0], if answers == MessageType::AsReq { 0x79 } else { 0x7a });
        let decoded = EncKdcRepPart::decode(&der).unwrap();
        assert_eq!(written(|w| decoded.write(answers, w)), der);
        assert_eq!(decoded.last_req, enc_kdc_rep_part().last_req);
    }
}

#[test]
fn an_empty_last_req_is_written_as_one_entry_that_says_nothing() {
    let mut part = enc_kdc_rep_part();
    part.last_req.clear();
    let decoded = EncKdcRepPart::decode(&written(|w| part.write(MessageType::AsReq, w))).unwrap();
    assert_eq!(decoded.last_req, [LastReq { lr_type: 0, value: KerberosTime::EPOCH }]);
}

#[test]
fn ap_messages_come_back() {
    assert_eq!(ApReq::decode(&ap_req().encode()).unwrap(), ap_req());
    assert_eq!(ApRep::decode(&ap_rep().encode()).unwrap(), ap_rep());
    let der = authenticator().encode();
    assert_eq!(*Authenticator::decode(&der).unwrap().encode(), *der);
    let der = enc_ap_rep_part().encode();
    assert_eq!(*EncApRepPart::decode(&der).unwrap().encode(), *der);
}

#[test]
fn the_optional_fields_of_ap_messages_may_be_absent() {
    let mut plain = authenticator();
    (plain.cksum, plain.subkey, plain.seq_number, plain.authorization_data) = (None, None, None, None);
    let decoded = Authenticator::decode(&plain.encode()).unwrap();
    assert!(decoded.cksum.is_none() && decoded.subkey.is_none() && decoded.seq_number.is_none());
    let mut part = enc_ap_rep_part();
    (part.subkey, part.seq_number) = (None, None);
    let decoded = EncApRepPart::decode(&part.encode()).unwrap();
    assert!(decoded.subkey.is_none() && decoded.seq_number.is_none());
}

#[test]
fn errors_come_back() {
    let mut error = krb_error();
    assert_eq!(KrbError::decode(&error.encode()).unwrap(), error);
    (error.ctime, error.crealm, error.cname, error.e_text, error.e_data) = (None, None, None, None, None);
    assert_eq!(KrbError::decode(&error.encode()).unwrap(), error);
}

#[test]
fn padata_comes_back() {
    let checksum = authenticator().cksum.unwrap();
    assert_eq!(Checksum::decode(&checksum.encode()).unwrap(), checksum);
    assert_eq!(PaData::decode_all(&PaData::encode_all(&etype_info_padata())).unwrap(), etype_info_padata());
    assert_eq!(EtypeInfoEntry::decode_all(&EtypeInfoEntry::encode_all(&old_etype_info())).unwrap(), old_etype_info());
    assert_eq!(EtypeInfo2Entry::decode_all(&EtypeInfo2Entry::encode_all(&etype_info())).unwrap(), etype_info());
    assert_eq!(PaEncTimestamp::decode(&pa_enc_timestamp().encode()).unwrap(), pa_enc_timestamp());
    assert_eq!(PaData::decode_encrypted_data(&PaData::encode_encrypted_data(&encrypted(20))).unwrap(), encrypted(20));
    assert_eq!(AuthorizationData::decode(&authorization_data().encode()).unwrap(), authorization_data());
    assert_eq!(Cammac::decode(&cammac().encode()).unwrap(), cammac());
}

#[test]
fn fast_comes_back() {
    let mut request = krb_fast_armored_req();
    assert_eq!(KrbFastArmoredReq::decode(&request.encode()).unwrap(), request);
    request.armor = None;
    assert_eq!(KrbFastArmoredReq::decode(&request.encode()).unwrap(), request);
    assert_eq!(KrbFastReq::decode(&krb_fast_req().encode()).unwrap(), krb_fast_req());
    let mut response = krb_fast_response();
    let der = response.encode();
    assert_eq!(*KrbFastResponse::decode(&der).unwrap().encode(), *der);
    (response.strengthen_key, response.finished) = (None, None);
    response.padata.clear();
    let decoded = KrbFastResponse::decode(&response.encode()).unwrap();
    assert!(decoded.strengthen_key.is_none() && decoded.finished.is_none() && decoded.padata.is_empty());
    let reply = KrbFastArmoredRep(encrypted(20));
    assert_eq!(KrbFastArmoredRep::decode(&reply.encode()).unwrap(), reply);
}

#[test]
fn fast_options_may_be_sent_with_fewer_bits_than_32() {
    // Named bits without their trailing zeros, as ASN.1 compilers write them.
    let der = krb_fast_req().encode();
    let full = [0xa0, 7, 3, 5, 0, 0x40, 0, 0, 0];
    let at = der.windows(full.len()).position(|window| window == full).unwrap();
    let mut short = der[at..][full.len()..].to_vec();
    short.splice(..0, [0xa0, 4, 3, 2, 6, 0x40]);
    let length = u16::try_from(short.len()).unwrap().to_be_bytes();
    short.splice(..0, [0x30, 0x82, length[0], length[1]]);
    assert_eq!(KrbFastReq::decode(&short).unwrap(), krb_fast_req());
}
