use super::*;
use crate::sealing;
use crate::test_kdc::{HOUR, NOW, credential, principal, random_key, sealed_ticket, ticket_part};
use kennel_wire::keytab::KeytabEntry;
use kennel_wire::message::{HostAddress, KerberosTime, TicketFlags};
use rand::rngs::OsRng;

const WEB: &str = "HTTP/web.shop";

/// A service with a key of version 3, and a client with a ticket for it.
struct Pair {
    keytab: Keytab,
    credential: Credential,
}

impl Pair {
    fn new() -> Pair {
        Pair::with_ticket(|_| ())
    }

    fn with_ticket(change: impl FnOnce(&mut EncTicketPart)) -> Pair {
        let (service_key, session_key) = (random_key(), random_key());
        let mut part = ticket_part(&session_key);
        change(&mut part);
        let server = principal(WEB);
        let ticket = sealed_ticket(&part, &server, &service_key, Some(3));
        let entry = KeytabEntry {
            principal: server.clone(),
            timestamp: KerberosTime(0),
            kvno: 3,
            key: key_to_wire(&service_key),
        };
        let credential = Credential { server, ticket, session_key, ..credential() };
        Pair { keytab: Keytab { entries: vec![entry] }, credential }
    }

    fn request(&self, offer: &ApOffer) -> ApRequest {
        ApRequest::new(&self.credential, offer, NOW, &mut OsRng)
    }

    fn check(&self, message: &[u8], rules: &AcceptRules, now: Timestamp) -> Result<AcceptedApReq, ErrorCode> {
        AcceptedApReq::check(message, AcceptorKeys::Keytab(&self.keytab), rules, now)
            .map_err(|error| error.code().unwrap_or_else(|| panic!("{error}")))
    }

    fn checked(&self) -> Result<AcceptedApReq, ErrorCode> {
        self.check(&self.request(&ApOffer::default()).message, &AcceptRules::default(), NOW)
    }
}

fn later(seconds: i64) -> Timestamp {
    Timestamp { time: NOW.time.plus(seconds), ..NOW }
}

#[test]
fn a_request_and_its_reply_prove_both_sides() {
    let pair = Pair::new();
    let offer = ApOffer { mutual: true, subkey: true, seq_number: Some(u32::MAX), checksum: None };
    let request = pair.request(&offer);
    let accepted = pair.check(&request.message, &AcceptRules::default(), NOW).unwrap();
    assert_eq!((accepted.client.clone(), accepted.server.clone()), (principal("alice"), principal(WEB)));
    assert_eq!(accepted.subkey, request.subkey);
    assert!(request.subkey.is_some() && accepted.mutual_required);
    assert_eq!(accepted.authenticator.seq_number, Some(u32::MAX));
    assert_eq!(accepted.replay_key(), (principal("alice"), principal(WEB), NOW));

    let servers_key = random_key();
    let seen = request.check_reply(&accepted.reply(Some(&servers_key), Some(7), &mut OsRng)).unwrap();
    assert_eq!((seen.subkey, seen.seq_number), (Some(servers_key), Some(7)));
}

#[test]
fn an_offer_carries_the_applications_checksum() {
    let pair = Pair::new();
    let checksum = sealing::checksum(&pair.credential.session_key, KeyUsage::AP_REQ_CHECKSUM, b"channel");
    let request = pair.request(&ApOffer { checksum: Some(checksum.clone()), ..ApOffer::default() });
    let accepted = pair.check(&request.message, &AcceptRules::default(), NOW).unwrap();
    assert_eq!(accepted.authenticator.cksum, Some(checksum));
    assert!(!accepted.mutual_required);
}

#[test]
fn a_reply_to_another_request_or_of_another_server_is_refused() {
    let pair = Pair::new();
    let offer = ApOffer { mutual: true, ..ApOffer::default() };
    let (request, other) = (pair.request(&offer), ApRequest::new(&pair.credential, &offer, later(1), &mut OsRng));
    let accepted = pair.check(&other.message, &AcceptRules::default(), NOW).unwrap();
    let refused = request.check_reply(&accepted.reply(None, None, &mut OsRng)).unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::AP_MUT_FAIL));
    let imposter = AcceptedApReq { session_key: random_key(), ..accepted };
    let refused = other.check_reply(&imposter.reply(None, None, &mut OsRng)).unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::AP_BAD_INTEGRITY));
}

#[test]
fn a_key_that_is_missing_is_told_from_one_that_is_wrong() {
    let mut pair = Pair::new();
    let message = pair.request(&ApOffer::default()).message;
    let rules = AcceptRules::default();
    pair.keytab.entries[0].key = key_to_wire(&random_key());
    assert_eq!(pair.check(&message, &rules, NOW).unwrap_err(), ErrorCode::AP_BAD_INTEGRITY);
    pair.keytab.entries[0].key.keytype = 17;
    assert_eq!(pair.check(&message, &rules, NOW).unwrap_err(), ErrorCode::AP_NOKEY);
    pair.keytab.entries[0].kvno = 2;
    assert_eq!(pair.check(&message, &rules, NOW).unwrap_err(), ErrorCode::AP_BADKEYVER);
    pair.keytab.entries[0].principal = principal("HTTP/other.shop");
    assert_eq!(pair.check(&message, &rules, NOW).unwrap_err(), ErrorCode::AP_NOT_US);
}

#[test]
fn a_ticket_for_another_server_than_the_rules_name_is_refused() {
    let pair = Pair::new();
    let message = pair.request(&ApOffer::default()).message;
    let rules = |server| AcceptRules { server: Some(principal(server)), ..AcceptRules::default() };
    assert!(pair.check(&message, &rules(WEB), NOW).is_ok());
    assert_eq!(pair.check(&message, &rules("HTTP/other.shop"), NOW).unwrap_err(), ErrorCode::AP_NOT_US);
}

#[test]
fn an_authenticator_of_another_client_or_under_another_key_is_refused() {
    let mut pair = Pair::new();
    pair.credential.client = principal("mallory");
    assert_eq!(pair.checked().unwrap_err(), ErrorCode::AP_BADMATCH);
    let mut pair = Pair::new();
    pair.credential.client.realm = "ELSEWHERE".to_owned();
    assert_eq!(pair.checked().unwrap_err(), ErrorCode::AP_BADMATCH);
    let mut pair = Pair::new();
    pair.credential.session_key = random_key();
    assert_eq!(pair.checked().unwrap_err(), ErrorCode::AP_BAD_INTEGRITY);
}

#[test]
fn an_authenticator_for_a_tgs_is_not_one_for_a_service() {
    let pair = Pair::new();
    let mut message = ApReq::decode(&pair.request(&ApOffer::default()).message).unwrap();
    let session_key = &pair.credential.session_key;
    let plain = open(session_key, KeyUsage::AP_REQ_AUTHENTICATOR, &message.authenticator).unwrap();
    message.authenticator = seal(session_key, KeyUsage::TGS_REQ_AUTHENTICATOR, &plain, &mut OsRng);
    let refused = pair.check(&message.encode(), &AcceptRules::default(), NOW);
    assert_eq!(refused.unwrap_err(), ErrorCode::AP_BAD_INTEGRITY);
}

#[test]
fn a_clock_may_differ_by_the_skew_and_no_more() {
    let pair = Pair::new();
    let message = pair.request(&ApOffer::default()).message;
    let at = |seconds| pair.check(&message, &AcceptRules::default(), later(seconds)).map(|_| ());
    assert_eq!(at(DEFAULT_MAX_SKEW), Ok(()));
    assert_eq!(at(-DEFAULT_MAX_SKEW), Ok(()));
    assert_eq!(at(DEFAULT_MAX_SKEW + 1), Err(ErrorCode::AP_SKEW));
    assert_eq!(at(-DEFAULT_MAX_SKEW - 1), Err(ErrorCode::AP_SKEW));
}

#[test]
fn a_ticket_is_taken_from_its_start_to_its_end_give_or_take_the_skew() {
    let window = |start, end| {
        let pair = Pair::with_ticket(|t| {
            (t.starttime, t.endtime) = (Some(NOW.time.plus(start)), NOW.time.plus(end));
        });
        pair.checked().map(|_| ())
    };
    assert_eq!(window(DEFAULT_MAX_SKEW, HOUR), Ok(()));
    assert_eq!(window(DEFAULT_MAX_SKEW + 1, HOUR), Err(ErrorCode::AP_TKT_NYV));
    assert_eq!(window(-HOUR, -DEFAULT_MAX_SKEW), Ok(()));
    assert_eq!(window(-HOUR, -DEFAULT_MAX_SKEW - 1), Err(ErrorCode::AP_TKT_EXPIRED));
}

#[test]
fn an_invalid_ticket_is_not_yet_valid() {
    let pair = Pair::with_ticket(|t| t.flags |= TicketFlags::INVALID);
    assert_eq!(pair.checked().unwrap_err(), ErrorCode::AP_TKT_NYV);
}

#[test]
fn a_ticket_that_is_bound_to_addresses_is_taken_from_there_alone() {
    let (here, there) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
    let bound = Pair::with_ticket(|t| t.caddr = Some(vec![HostAddress::from(here)]));
    let from = |pair: &Pair, peer| {
        let message = pair.request(&ApOffer::default()).message;
        pair.check(&message, &AcceptRules { peer, ..AcceptRules::default() }, NOW).map(|_| ())
    };
    assert_eq!(from(&bound, Some(here)), Ok(()));
    assert_eq!(from(&bound, Some("::ffff:10.0.0.1".parse().unwrap())), Ok(()));
    assert_eq!(from(&bound, Some(there)), Err(ErrorCode::AP_BADADDR));
    assert_eq!(from(&bound, None), Ok(()));
    assert_eq!(from(&Pair::new(), Some(there)), Ok(()));
}

#[test]
fn a_user_to_user_ticket_opens_with_the_session_key_and_only_as_such() {
    let tgt_key = random_key();
    let mut pair = Pair::new();
    let part = ticket_part(&pair.credential.session_key);
    pair.credential.ticket = sealed_ticket(&part, &principal(WEB), &tgt_key, None);
    pair.credential.second_ticket = Some(credential().ticket);
    let message = pair.request(&ApOffer::default()).message;
    let check = |message: &[u8], keys| AcceptedApReq::check(message, keys, &AcceptRules::default(), NOW);
    assert_eq!(check(&message, AcceptorKeys::UserToUser(&tgt_key)).unwrap().client, principal("alice"));
    let refused = check(&message, AcceptorKeys::Keytab(&pair.keytab)).unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::AP_NOKEY));
    let plain = Pair::new().request(&ApOffer::default()).message;
    let refused = check(&plain, AcceptorKeys::UserToUser(&tgt_key)).unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::AP_NOKEY));
}

#[test]
fn no_change_of_an_octet_is_taken() {
    let pair = Pair::new();
    let message = pair.request(&ApOffer::default()).message;
    for at in 0..message.len() {
        let mut changed = message.clone();
        changed[at] ^= 0x20;
        let keys = AcceptorKeys::Keytab(&pair.keytab);
        let outcome = AcceptedApReq::check(&changed, keys, &AcceptRules::default(), NOW);
        // Options and name types are outside the encrypted parts, and are hints.
        if let Ok(accepted) = outcome {
            assert_eq!(accepted.client, principal("alice"), "octet {at}");
        }
    }
}
