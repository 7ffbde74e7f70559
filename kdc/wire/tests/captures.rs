//! What stock programs send and write, captured from MIT krb5 1.20.1 (`kinit`, `kvno`, `krb5kdc`, `ktadd`), Java 17
//! (Krb5LoginModule and GSS-API with delegation) and Go (gokrb5 8) in a realm `CAP.TEST` that existed for the capture alone.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod samples;

use kennel_wire::ccache::Ccache;
use kennel_wire::keytab;
use kennel_wire::message::*;
use samples::kdc_rep_der;

macro_rules! capture {
    ($name:literal) => {
        include_bytes!(concat!("captures/", $name, ".bin"))
    };
}

/// Decodes, and checks that what is written again has the same octets.
fn request(bytes: &[u8]) -> KdcReq {
    let request = KdcReq::decode(bytes).unwrap();
    assert_eq!(request.encode(), bytes);
    assert_eq!(bytes[request.body_der.clone()], request.body.encode());
    request
}

fn ap_req(request: &KdcReq) -> ApReq {
    assert_eq!(request.padata[0].padata_type, pa_type::TGS_REQ);
    let ap_req = ApReq::decode(&request.padata[0].value).unwrap();
    assert_eq!(ap_req.encode(), request.padata[0].value);
    ap_req
}

fn error(bytes: &[u8]) -> KrbError {
    let error = KrbError::decode(bytes).unwrap();
    assert_eq!(error.encode(), bytes);
    error
}

#[test]
fn the_first_request_of_kinit_is_read() {
    let request = request(capture!("mit-as-req-first"));
    assert_eq!(request.message_type, MessageType::AsReq);
    assert_eq!(request.body.cname.unwrap().to_string(), "alice");
    assert_eq!(request.body.realm, "CAP.TEST");
    assert_eq!(request.body.sname.unwrap(), PrincipalName::krbtgt("CAP.TEST"));
    assert!(request.body.options.contains(KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE | KdcOptions::RENEWABLE));
    assert_eq!(request.body.till.0 - request.body.rtime.unwrap().0, 9 * 3600 - 7 * 86_400);
    assert_eq!(request.body.etypes[..4], [18, 17, 20, 19]);
}

#[test]
fn the_second_request_of_kinit_carries_a_timestamp() {
    let request = request(capture!("mit-as-req-timestamp"));
    let timestamp = request.padata.iter().find(|p| p.padata_type == pa_type::ENC_TIMESTAMP).unwrap();
    let data = PaData::decode_encrypted_data(&timestamp.value).unwrap();
    assert_eq!((data.etype, data.kvno), (18, None));
    assert_eq!(PaData::encode_encrypted_data(&data), timestamp.value);
}

#[test]
fn requests_of_kvno_and_of_renewal_are_read() {
    let plain = request(capture!("mit-tgs-req"));
    assert_eq!(plain.message_type, MessageType::TgsReq);
    assert_eq!(plain.body.sname.as_ref().unwrap().to_string(), "HTTP/web.test");
    assert_eq!(ap_req(&plain).ticket.sname, PrincipalName::krbtgt("CAP.TEST"));
    let user_to_user = request(capture!("mit-tgs-req-user-to-user"));
    assert!(user_to_user.body.options.contains(KdcOptions::ENC_TKT_IN_SKEY));
    assert_eq!(user_to_user.body.additional_tickets.len(), 1);
    let renewal = request(capture!("mit-tgs-req-renew"));
    assert!(renewal.body.options.contains(KdcOptions::RENEW));
}

#[test]
fn names_beyond_ascii_and_addresses_are_read() {
    let request = request(capture!("mit-as-req-utf8-addresses"));
    assert_eq!(request.body.cname.unwrap().components, ["żółw"]);
    assert!(request.body.options.contains(KdcOptions::CANONICALIZE));
    assert!(request.body.addresses.unwrap().iter().all(|address| address.ip().is_some()));
}

#[test]
fn requests_of_java_are_read() {
    let first = request(capture!("java-as-req-first"));
    assert_eq!(first.body.cname.unwrap().to_string(), "alice");
    let second = request(capture!("java-as-req-timestamp"));
    assert!(second.padata.iter().any(|padata| padata.padata_type == pa_type::ENC_TIMESTAMP));
    let service = request(capture!("java-tgs-req"));
    assert_eq!(service.body.sname.as_ref().unwrap().to_string(), "HTTP/web.test");
    ap_req(&service);
    let forward = request(capture!("java-tgs-req-forward"));
    assert!(forward.body.options.contains(KdcOptions::FORWARDED));
}

#[test]
fn requests_of_go_are_read() {
    assert_eq!(request(capture!("go-as-req-first")).body.cname.unwrap().to_string(), "alice");
    let second = request(capture!("go-as-req-timestamp"));
    assert!(second.padata.iter().any(|padata| padata.padata_type == pa_type::ENC_TIMESTAMP));
    let service = request(capture!("go-tgs-req"));
    assert_eq!(service.body.sname.as_ref().unwrap().to_string(), "HTTP/web.test");
    ap_req(&service);
}

#[test]
fn replies_of_krb5kdc_are_read() {
    for (bytes, answers) in [
        (&capture!("mit-as-rep")[..], MessageType::AsReq),
        (capture!("mit-as-rep-utf8"), MessageType::AsReq),
        (capture!("mit-tgs-rep"), MessageType::TgsReq),
    ] {
        let reply = KdcRep::decode(bytes).unwrap();
        assert_eq!(reply.answers, answers);
        assert_eq!(reply.crealm, "CAP.TEST");
        assert_eq!(kdc_rep_der(&reply), bytes);
    }
}

#[test]
fn errors_of_krb5kdc_are_read() {
    let required = error(capture!("mit-krb-error-preauth-required"));
    assert_eq!(required.error_code, ErrorCode::PREAUTH_REQUIRED);
    let methods = PaData::decode_all(required.e_data.as_ref().unwrap()).unwrap();
    assert_eq!(PaData::encode_all(&methods), required.e_data.unwrap());
    let info = methods.iter().find(|method| method.padata_type == pa_type::ETYPE_INFO2).unwrap();
    let info = EtypeInfo2Entry::decode_all(&info.value).unwrap();
    assert_eq!((info[0].etype, info[0].salt.as_deref()), (18, Some("CAP.TESTalice")));
    assert_eq!(error(capture!("mit-krb-error-no-match")).error_code, ErrorCode::SERVER_NOMATCH);
}

#[test]
fn the_credential_cache_of_kinit_is_read_and_written_alike() {
    let bytes = capture!("mit-ccache");
    let cache = Ccache::decode(bytes).unwrap();
    assert_eq!(cache.principal.to_string(), "żółw@CAP.TEST");
    let ticket = cache.credentials.iter().find(|credential| !credential.is_config()).unwrap();
    assert_eq!(ticket.server, Principal::krbtgt("CAP.TEST", "CAP.TEST"));
    assert_eq!(Ticket::decode(&ticket.ticket).unwrap().realm, "CAP.TEST");
    assert!(cache.credentials.iter().any(|credential| credential.is_config()));
    assert_eq!(*cache.encode(), bytes);
}

#[test]
fn the_keytab_of_ktadd_is_read_and_written_alike() {
    let bytes = capture!("mit-keytab");
    let entries = keytab::decode(bytes).unwrap();
    let read: Vec<_> = entries.iter().map(|e| (e.principal.to_string(), e.kvno, e.key.keytype)).collect();
    let expected = |keytype| ("HTTP/web.test@CAP.TEST".to_owned(), 2, keytype);
    assert_eq!(read, [expected(18), expected(20)]);
    assert_eq!(*keytab::encode(&entries), bytes);
}
