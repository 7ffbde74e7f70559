use super::*;
use crate::dangerous::dangerous_tgs_request;
use crate::test_kdc::{NOW, Reply, credential, krb_error, principal, random_key};
use kennel_wire::message::{AuthorizationDatum, ErrorCode};
use rand::rngs::OsRng;

fn service() -> TgsRequest {
    TgsRequest::new(principal("HTTP/web.shop"))
}

fn begin(request: &TgsRequest) -> (Credential, TgsExchange, Vec<u8>) {
    let tgt = credential();
    let (exchange, message) = TgsExchange::begin(&tgt, request, NOW, &mut OsRng);
    (tgt, exchange, message)
}

/// The AP-REQ of a TGS-REQ and its authenticator.
fn presented(message: &[u8], session_key: &Key) -> (ApReq, Authenticator) {
    let request = KdcReq::decode(message).unwrap();
    let padata = request.padata.iter().find(|p| p.padata_type == pa_type::TGS_REQ).unwrap();
    let ap_req = ApReq::decode(&padata.value).unwrap();
    let plain = open(session_key, KeyUsage::TGS_REQ_AUTHENTICATOR, &ap_req.authenticator).unwrap();
    (ap_req, Authenticator::decode(&plain).unwrap())
}

fn subkey(message: &[u8], session_key: &Key) -> Key {
    let (_, authenticator) = presented(message, session_key);
    crate::sealing::key_from_wire(&authenticator.subkey.unwrap()).unwrap()
}

fn answer(message: &[u8], tgt: &Credential) -> Vec<u8> {
    Reply::to(message, &tgt.client).seal(&subkey(message, &tgt.session_key), KeyUsage::TGS_REP_SUBKEY)
}

#[test]
fn the_request_presents_the_ticket_and_vouches_for_the_body_as_it_is_sent() {
    let (tgt, _, message) = begin(&service());
    let (ap_req, authenticator) = presented(&message, &tgt.session_key);
    assert_eq!(ap_req.ticket, tgt.ticket);
    assert_eq!((&authenticator.cname, &authenticator.crealm), (&tgt.client.name, &tgt.client.realm));
    assert_eq!(authenticator.ctime, NOW);
    let request = KdcReq::decode(&message).unwrap();
    let body = &message[request.body_der.clone()];
    let sum = authenticator.cksum.unwrap();
    tgt.session_key.verify_checksum(KeyUsage::TGS_REQ_CHECKSUM, body, sum.cksumtype, &sum.checksum).unwrap();
    assert_eq!(request.body.cname, None);
}

#[test]
fn a_reply_under_the_sub_key_gives_the_ticket() {
    let (tgt, exchange, message) = begin(&service());
    let ticket = exchange.receive(&answer(&message, &tgt)).unwrap();
    assert_eq!(ticket.server, principal("HTTP/web.shop"));
    assert_eq!(ticket.client, tgt.client);
    assert_ne!(ticket.session_key, tgt.session_key);
}

#[test]
fn a_reply_under_the_session_key_is_taken_only_where_no_sub_key_was_sent() {
    let (tgt, exchange, message) = begin(&service());
    let under_session = |message: &[u8], tgt: &Credential| {
        Reply::to(message, &tgt.client).seal(&tgt.session_key, KeyUsage::TGS_REP_SESSION)
    };
    let refused = exchange.receive(&under_session(&message, &tgt));
    assert!(matches!(refused, Err(ClientError::Reply(ReplyFault::ReplyKey))), "{refused:?}");
    let (exchange, message) = dangerous_tgs_request(&tgt, &service(), NOW, &mut OsRng, |parts| parts.subkey = None);
    exchange.receive(&under_session(&message, &tgt)).unwrap();
}

#[test]
fn an_error_ends_the_exchange_with_its_code() {
    let (_, exchange, _) = begin(&service());
    let error = exchange.receive(&krb_error(ErrorCode::POLICY, NOW, None)).unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::POLICY));
}

#[test]
fn user_to_user_carries_the_servers_tgt_and_remembers_it() {
    let bobs = crate::test_kdc::tgt_for("DEV.KENNEL", "DEV.KENNEL").ticket;
    let (tgt, exchange, message) = begin(&TgsRequest::user_to_user(principal("bob"), bobs.clone()));
    let body = KdcReq::decode(&message).unwrap().body;
    assert_eq!(body.additional_tickets.first(), Some(&bobs));
    assert!(body.options.contains(KdcOptions::ENC_TKT_IN_SKEY));
    let ticket = exchange.receive(&answer(&message, &tgt)).unwrap();
    assert_eq!(ticket.second_ticket, Some(bobs));
}

#[test]
fn authorization_data_travels_under_the_sub_key() {
    let data = AuthorizationData(vec![AuthorizationDatum { ad_type: 99, ad_data: b"note".to_vec() }]);
    let (tgt, _, message) = begin(&TgsRequest { authorization_data: Some(data.clone()), ..service() });
    let sealed = KdcReq::decode(&message).unwrap().body.enc_authorization_data.unwrap();
    let plain = open(&subkey(&message, &tgt.session_key), KeyUsage::TGS_REQ_AD_SUBKEY, &sealed).unwrap();
    assert_eq!(AuthorizationData::decode(&plain).unwrap(), data);
}

#[test]
fn a_ticket_stays_bound_to_its_addresses_unless_it_is_forwarded() {
    let here = HostAddress { addr_type: 2, address: vec![10, 0, 0, 1] };
    let there = HostAddress { addr_type: 2, address: vec![10, 0, 0, 2] };
    let tgt = Credential { addresses: vec![here.clone()], ..credential() };
    let given = |request: &TgsRequest, caddr: Option<Vec<HostAddress>>| {
        let (exchange, message) = TgsExchange::begin(&tgt, request, NOW, &mut OsRng);
        let mut reply = Reply::to(&message, &tgt.client);
        reply.part.caddr = caddr;
        exchange.receive(&reply.seal(&subkey(&message, &tgt.session_key), KeyUsage::TGS_REP_SUBKEY))
    };
    given(&service(), Some(vec![here.clone()])).unwrap();
    assert_eq!(given(&service(), None).unwrap().addresses, [here]);
    let changed = given(&service(), Some(vec![there.clone()]));
    assert!(matches!(changed, Err(ClientError::Reply(ReplyFault::Addresses))));
    let forward = TgsRequest::forward(&tgt, vec![there.clone()]);
    given(&forward, Some(vec![there])).unwrap();
    assert!(given(&forward, None).is_err());
    given(&TgsRequest::forward(&tgt, Vec::new()), None).unwrap();
}

#[test]
fn a_renewed_a_validated_and_a_forwarded_ticket_keep_their_flags() {
    let flags = TicketFlags::FORWARDABLE | TicketFlags::RENEWABLE | TicketFlags::INITIAL | TicketFlags::INVALID;
    let ticket = Credential { flags, ..credential() };
    let kept = KdcOptions::FORWARDABLE | KdcOptions::RENEWABLE;
    assert_eq!(TgsRequest::renew(&ticket).options.flags, kept | KdcOptions::RENEW);
    assert_eq!(TgsRequest::validate(&ticket).options.flags, kept | KdcOptions::VALIDATE);
    assert_eq!(TgsRequest::forward(&ticket, Vec::new()).options.flags, kept | KdcOptions::FORWARDED);
}

#[test]
fn every_part_can_be_made_wrong_on_purpose() {
    let tgt = credential();
    let (_, message) = dangerous_tgs_request(&tgt, &service(), NOW, &mut OsRng, |parts| {
        parts.body.sname = None;
        parts.body_checksum = BodyChecksum::Given(None);
        parts.authenticator.crealm = "ELSEWHERE".to_owned();
        parts.padata.push(PaData { padata_type: 999, value: Vec::new() });
    });
    let (_, authenticator) = presented(&message, &tgt.session_key);
    assert_eq!((authenticator.cksum, authenticator.crealm.as_str()), (None, "ELSEWHERE"));
    let request = KdcReq::decode(&message).unwrap();
    assert_eq!(request.body.sname, None);
    assert_eq!(request.padata.last().map(|p| p.padata_type), Some(999));

    let other = random_key();
    let (_, message) = dangerous_tgs_request(&tgt, &service(), NOW, &mut OsRng, |parts| {
        parts.session_key = other.clone();
        parts.body_checksum = BodyChecksum::Keyed(KeyUsage::AP_REQ_CHECKSUM);
    });
    let (_, authenticator) = presented(&message, &other);
    let sum = authenticator.cksum.unwrap();
    let body = &message[KdcReq::decode(&message).unwrap().body_der];
    other.verify_checksum(KeyUsage::AP_REQ_CHECKSUM, body, sum.cksumtype, &sum.checksum).unwrap();
}
