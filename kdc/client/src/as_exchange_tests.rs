use super::*;
use crate::test_kdc::{AES256, HOUR, NOW, Reply, etype_info2, krb_error, preauth_required, principal, random_key};
use rand::rngs::OsRng;

const AES128: Enctype = Enctype::Aes128CtsHmacSha1;
/// Few iterations, so that tests in an unoptimized build are quick.
const ITERATIONS: u32 = crate::secret::MIN_ITERATIONS;

fn begin(secret: &Secret, options: TicketOptions) -> (AsExchange, Vec<u8>) {
    let request = AsRequest { options, ..AsRequest::new(principal("alice")) };
    AsExchange::begin(request, secret.clone(), NOW, &mut OsRng).unwrap()
}

fn with_key(key: &Key) -> (AsExchange, Vec<u8>) {
    begin(&Secret::Keys(vec![key.clone()]), TicketOptions::default())
}

fn receive(exchange: &mut AsExchange, answer: &[u8]) -> Result<AsStep, ClientError> {
    exchange.receive(answer, NOW, &mut OsRng)
}

fn sent(step: AsStep) -> Vec<u8> {
    match step {
        AsStep::Send(request) => request,
        AsStep::Done(_) => panic!("the exchange is over"),
    }
}

fn done(step: AsStep) -> InitialTicket {
    match step {
        AsStep::Done(ticket) => *ticket,
        AsStep::Send(_) => panic!("the exchange goes on"),
    }
}

fn entry(enctype: Enctype) -> EtypeInfo2Entry {
    let s2kparams = Some(ITERATIONS.to_be_bytes().to_vec());
    EtypeInfo2Entry { etype: enctype.number(), salt: Some("pepper".to_owned()), s2kparams }
}

/// The time in a request's PA-ENC-TIMESTAMP, opened with `key`.
fn proven_time(request: &[u8], key: &Key) -> Option<Timestamp> {
    let request = KdcReq::decode(request).unwrap();
    let padata = request.padata.iter().find(|p| p.padata_type == pa_type::ENC_TIMESTAMP)?;
    let sealed = PaData::decode_encrypted_data(&padata.value).unwrap();
    let plain = open(key, KeyUsage::PA_ENC_TIMESTAMP, &sealed).unwrap();
    Some(PaEncTimestamp::decode(&plain).unwrap().0)
}

fn honest(request: &[u8]) -> Reply {
    Reply::to(request, &principal("alice"))
}

#[test]
fn a_key_proves_itself_and_gets_a_ticket() {
    let key = random_key();
    let (mut exchange, first) = with_key(&key);
    assert_eq!(proven_time(&first, &key), None);
    let second = sent(receive(&mut exchange, &preauth_required(&[etype_info2(&[entry(AES256)])])).unwrap());
    assert_eq!(proven_time(&second, &key), Some(NOW));
    let ticket = done(receive(&mut exchange, &honest(&second).seal(&key, KeyUsage::AS_REP)).unwrap());
    assert_eq!(ticket.credential.client, principal("alice"));
    assert_eq!(ticket.credential.server, principal("krbtgt/DEV.KENNEL"));
    assert_eq!(ticket.credential.endtime, NOW.time.plus(HOUR));
    assert_eq!(ticket.time_offset, TimeOffset::default());
    assert!(!ticket.request_confirmed);
}

#[test]
fn a_reply_without_pre_authentication_is_opened_by_its_own_etype_info2() {
    let (mut exchange, first) = begin(&Secret::password("secret"), TicketOptions::default());
    let key = Key::from_password(AES128, b"secret", b"pepper", Some(&ITERATIONS.to_be_bytes())).unwrap();
    let mut reply = honest(&first);
    reply.padata.push(etype_info2(&[entry(AES128)]));
    done(receive(&mut exchange, &reply.seal(&key, KeyUsage::AS_REP)).unwrap());
}

#[test]
fn the_offer_that_the_client_prefers_is_chosen_whatever_the_order() {
    let options = TicketOptions { enctypes: vec![AES128, Enctype::Aes256CtsHmacSha1], ..TicketOptions::default() };
    let (mut exchange, _) = begin(&Secret::password("secret"), options);
    let offer = preauth_required(&[etype_info2(&[
        entry(AES256),
        entry(Enctype::Aes256CtsHmacSha1),
        entry(AES128),
        EtypeInfo2Entry { etype: 1, salt: None, s2kparams: None },
    ])]);
    let second = sent(receive(&mut exchange, &offer).unwrap());
    let key = Key::from_password(AES128, b"secret", b"pepper", Some(&ITERATIONS.to_be_bytes())).unwrap();
    assert_eq!(proven_time(&second, &key), Some(NOW));
}

#[test]
fn enctypes_that_the_secret_serves_are_asked_for_first() {
    let secret = Secret::Keys(vec![Key::generate(AES128, &mut OsRng)]);
    let (_, first) = begin(&secret, TicketOptions::default());
    assert_eq!(KdcReq::decode(&first).unwrap().body.etypes, [17, 20, 19, 18]);
    let permitted = TicketOptions { enctypes: vec![AES256], ..TicketOptions::default() };
    let refused = AsExchange::begin(
        AsRequest { options: permitted, ..AsRequest::new(principal("alice")) },
        secret,
        NOW,
        &mut OsRng,
    );
    assert!(matches!(refused, Err(ClientError::NoCommonEnctype)));
}

#[test]
fn an_offer_of_other_enctypes_alone_is_refused() {
    let (mut exchange, _) = with_key(&random_key());
    let refused = receive(&mut exchange, &preauth_required(&[etype_info2(&[entry(AES128)])]));
    assert!(matches!(refused, Err(ClientError::NoCommonEnctype)));
}

#[test]
fn a_cookie_comes_back_as_it_was_sent() {
    let (mut exchange, _) = with_key(&random_key());
    let cookie = PaData { padata_type: pa_type::FX_COOKIE, value: b"crumbs".to_vec() };
    let offer = preauth_required(&[cookie.clone(), etype_info2(&[entry(AES256)])]);
    let second = sent(receive(&mut exchange, &offer).unwrap());
    assert!(KdcReq::decode(&second).unwrap().padata.contains(&cookie));
}

#[test]
fn pre_authentication_is_tried_once() {
    let (mut exchange, _) = with_key(&random_key());
    let offer = preauth_required(&[etype_info2(&[entry(AES256)])]);
    sent(receive(&mut exchange, &offer).unwrap());
    let error = receive(&mut exchange, &offer).unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::PREAUTH_REQUIRED));
}

#[test]
fn a_skewed_clock_is_corrected_once_by_the_kdcs_time() {
    let key = random_key();
    let (mut exchange, _) = with_key(&key);
    sent(receive(&mut exchange, &preauth_required(&[etype_info2(&[entry(AES256)])])).unwrap());
    let kdc_now = Timestamp { time: NOW.time.plus(-HOUR), micros: 7 };
    let skew = krb_error(ErrorCode::AP_SKEW, kdc_now, None);
    let third = sent(receive(&mut exchange, &skew).unwrap());
    assert_eq!(proven_time(&third, &key), Some(kdc_now));
    let mut reply = honest(&third);
    (reply.part.authtime, reply.part.endtime) = (kdc_now.time, kdc_now.time.plus(HOUR));
    let ticket = done(receive(&mut exchange, &reply.seal(&key, KeyUsage::AS_REP)).unwrap());
    assert_eq!(ticket.time_offset.apply(NOW).time, kdc_now.time);

    let error = receive(&mut exchange, &skew).unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::AP_SKEW));
}

#[test]
fn another_error_ends_the_exchange_with_its_code_and_text() {
    let (mut exchange, _) = with_key(&random_key());
    let answer = krb_error(ErrorCode::C_PRINCIPAL_UNKNOWN, NOW, None);
    match receive(&mut exchange, &answer) {
        Err(ClientError::Kdc { code: ErrorCode::C_PRINCIPAL_UNKNOWN, text }) => {
            assert_eq!(text.as_deref(), Some("says the test"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reply_under_another_key_or_usage_is_refused() {
    let key = random_key();
    let (mut exchange, first) = with_key(&key);
    for answer in
        [honest(&first).seal(&random_key(), KeyUsage::AS_REP), honest(&first).seal(&key, KeyUsage::TGS_REP_SESSION)]
    {
        let refused = receive(&mut exchange, &answer);
        assert!(matches!(refused, Err(ClientError::Reply(ReplyFault::ReplyKey))), "{refused:?}");
    }
}

#[test]
fn a_reply_to_an_earlier_request_is_refused() {
    let key = random_key();
    let (mut exchange, first) = with_key(&key);
    sent(receive(&mut exchange, &preauth_required(&[etype_info2(&[entry(AES256)])])).unwrap());
    let refused = receive(&mut exchange, &honest(&first).seal(&key, KeyUsage::AS_REP));
    assert!(matches!(refused, Err(ClientError::Reply(ReplyFault::Nonce))), "{refused:?}");
}

#[test]
fn a_reply_of_an_enctype_that_was_not_asked_for_is_refused() {
    let options = TicketOptions { enctypes: vec![AES256], ..TicketOptions::default() };
    let (mut exchange, first) = begin(&Secret::password("secret"), options);
    let key = Key::from_password(AES128, b"secret", b"DEV.KENNELalice", None).unwrap();
    let refused = receive(&mut exchange, &honest(&first).seal(&key, KeyUsage::AS_REP));
    assert!(matches!(refused, Err(ClientError::NoCommonEnctype)), "{refused:?}");
}

#[test]
fn octets_that_are_no_answer_are_refused() {
    let (mut exchange, first) = with_key(&random_key());
    for answer in [&[][..], &[0x7e], &[0x6b, 0x00], &first] {
        assert!(matches!(receive(&mut exchange, answer), Err(ClientError::Wire(_))), "{answer:02x?}");
    }
}

/// A reply that claims to confirm `request` (RFC 6806, section 11).
fn confirming(request: &[u8], confirmed: &[u8], key: &Key) -> Vec<u8> {
    let mut reply = honest(request);
    reply.part.flags |= TicketFlags::ENC_PA_REP;
    let value = crate::sealing::checksum(key, KeyUsage::AS_REQ, confirmed).encode();
    reply.part.encrypted_pa_data.push(PaData { padata_type: pa_type::REQ_ENC_PA_REP, value });
    reply.seal(key, KeyUsage::AS_REP)
}

#[test]
fn a_kdc_that_saw_the_request_as_it_was_sent_confirms_it() {
    let key = random_key();
    let (mut exchange, first) = with_key(&key);
    let asks = KdcReq::decode(&first).unwrap().padata.iter().any(|p| p.padata_type == pa_type::REQ_ENC_PA_REP);
    assert!(asks);
    let ticket = done(receive(&mut exchange, &confirming(&first, &first, &key)).unwrap());
    assert!(ticket.request_confirmed);
}

#[test]
fn a_kdc_that_saw_another_request_or_proves_nothing_is_refused() {
    let key = random_key();
    let (mut exchange, first) = with_key(&key);
    let mut changed = first.clone();
    *changed.last_mut().unwrap() ^= 1;
    let mut bare = honest(&first);
    bare.part.flags |= TicketFlags::ENC_PA_REP;
    for answer in [confirming(&first, &changed, &key), bare.seal(&key, KeyUsage::AS_REP)] {
        let refused = receive(&mut exchange, &answer);
        assert!(matches!(refused, Err(ClientError::Reply(ReplyFault::ChangedRequest))), "{refused:?}");
    }
}

/// Each octet of an offer and of a reply changed: most are refused, none panics.
#[test]
fn no_change_of_an_octet_makes_an_answer_for_somebody_else() {
    let key = random_key();
    let (exchange, first) = with_key(&key);
    let offer = preauth_required(&[etype_info2(&[entry(AES256)])]);
    for answer in [offer, confirming(&first, &first, &key)] {
        for at in 0..answer.len() {
            let mut changed = answer.clone();
            changed[at] ^= 0x11;
            let mut exchange = exchange.clone();
            if let Ok(AsStep::Done(ticket)) = receive(&mut exchange, &changed) {
                let Credential { client, server, endtime, .. } = ticket.credential;
                assert_eq!((client, server, endtime), honest_names(), "octet {at}");
            }
        }
    }
}

fn honest_names() -> (Principal, Principal, KerberosTime) {
    (principal("alice"), principal("krbtgt/DEV.KENNEL"), NOW.time.plus(HOUR))
}
