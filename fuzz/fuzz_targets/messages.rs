//! Every decoder of `kennel-wire`, behind its DER gate. None panics; what one reads is written again and reads the same;
//! and what was written canonically is written octet for octet as it was.
#![no_main]

use kennel_wire::der::{gate, writer::Writer};
use kennel_wire::message::*;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|der: &[u8]| {
    requests_and_replies(der);
    tickets_and_ap(der);
    padata_and_data(der);
    fast(der);
    let _ = kennel_wire::frame::prefix(der.first_chunk().copied().unwrap_or_default(), 64 * 1024);
});

fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::with_capacity(64);
    write(&mut writer);
    writer.into_vec()
}

/// Decodes; what it reads must be strict DER, and stay the same when it is written and read again.
fn again<T: std::fmt::Debug>(
    der: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, kennel_wire::WireError>,
    encode: impl Fn(&T) -> Vec<u8>,
) {
    let Ok(first) = decode(der) else { return };
    let once = encode(&first);
    assert!(gate::check(&once).is_ok(), "what is written passes the gate");
    let second = decode(&once).expect("what is written is read");
    assert_eq!(encode(&second), once, "writing settles: {first:?}");
}

fn requests_and_replies(der: &[u8]) {
    again(der, KdcReq::decode, KdcReq::encode);
    if let Ok(request) = KdcReq::decode(der) {
        let body = &der[request.body_der.clone()];
        assert!(gate::check(body).is_ok(), "the body is a value of its own");
    }
    again(der, KrbError::decode, KrbError::encode);
    again(der, EncKdcRepPart::decode, |part| written(|w| part.write(MessageType::AsReq, w)));
    let _ = KdcRep::decode(der);
}

fn tickets_and_ap(der: &[u8]) {
    again(der, Ticket::decode, Ticket::encode);
    again(der, EncTicketPart::decode, |part| written(|w| part.write(w)));
    again(der, ApReq::decode, ApReq::encode);
    again(der, ApRep::decode, ApRep::encode);
    again(der, Authenticator::decode, |authenticator| authenticator.encode().to_vec());
    again(der, EncApRepPart::decode, |part| part.encode().to_vec());
}

fn padata_and_data(der: &[u8]) {
    again(der, PaData::decode_all, |padata| PaData::encode_all(padata));
    again(der, EtypeInfo2Entry::decode_all, |entries| EtypeInfo2Entry::encode_all(entries));
    again(der, PaEncTimestamp::decode, PaEncTimestamp::encode);
    again(der, PaData::decode_encrypted_data, PaData::encode_encrypted_data);
    again(der, Checksum::decode, Checksum::encode);
    again(der, AuthorizationData::decode, AuthorizationData::encode);
    again(der, Cammac::decode, Cammac::encode);
}

fn fast(der: &[u8]) {
    again(der, KrbFastArmoredReq::decode, KrbFastArmoredReq::encode);
    again(der, KrbFastReq::decode, KrbFastReq::encode);
    again(der, KrbFastArmoredRep::decode, KrbFastArmoredRep::encode);
    again(der, KrbFastResponse::decode, |response| response.encode().to_vec());
}
