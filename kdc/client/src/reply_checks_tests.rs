use super::*;
use crate::sealing::key_to_wire;
use crate::test_kdc::{HOUR, NOW, Reply, principal, random_key};
use crate::{AsRequest, TicketOptions};
use kennel_crypto::Enctype;
use kennel_wire::message::EncryptionKey;
use rand::rngs::OsRng;
use std::net::IpAddr;
use zeroize::Zeroizing;

/// A request and its honest reply, both open to change.
struct Case {
    answers: MessageType,
    client: Principal,
    body: KdcReqBody,
    reply: Reply,
    addresses: Vec<HostAddress>,
}

impl Case {
    fn new(answers: MessageType, server: Principal, options: TicketOptions) -> Case {
        let client = principal("alice");
        let enctypes = options.permitted_enctypes();
        let body = options.body(Some(&client.name), &server, &enctypes, NOW, &mut OsRng);
        let mut reply = Reply::to(&crate::as_exchange::as_req(body.clone(), Vec::new()), &client);
        reply.answers = answers;
        Case { answers, client, body, reply, addresses: options.addresses }
    }

    fn as_rep(options: TicketOptions) -> Case {
        Case::new(MessageType::AsReq, AsRequest::new(principal("alice")).server(), options)
    }

    fn tgs_rep(server: &str, flags: KdcOptions) -> Case {
        Case::new(MessageType::TgsReq, principal(server), TicketOptions::with_flags(flags))
    }

    /// Changes the reply, then has it checked.
    fn with(mut self, change: impl FnOnce(&mut Reply)) -> Result<Key, ReplyFault> {
        change(&mut self.reply);
        let Reply { answers, padata, client, ticket, part } = self.reply;
        let rep = KdcRep {
            answers,
            padata,
            crealm: client.realm,
            cname: client.name,
            enc_part: ticket.enc_part.clone(),
            ticket,
        };
        let expected = ExpectedReply {
            answers: self.answers,
            client: &self.client,
            body: &self.body,
            addresses: &self.addresses,
            inherits_addresses: false,
            now: Some(NOW.time),
        };
        expected.check(&rep, &part).map_err(|error| match error {
            ClientError::Reply(fault) => fault,
            other => panic!("{other}"),
        })
    }
}

fn plain_as_rep() -> Case {
    Case::as_rep(TicketOptions { life: Some(HOUR), ..TicketOptions::default() })
}

fn krbtgt(realm: &str) -> PrincipalName {
    PrincipalName::krbtgt(realm)
}

#[test]
fn an_honest_reply_gives_the_session_key() {
    let key = random_key();
    let wire = key_to_wire(&key);
    assert_eq!(plain_as_rep().with(|r| r.part.key = wire).unwrap(), key);
    assert!(Case::tgs_rep("HTTP/web.shop", KdcOptions::empty()).with(|_| ()).is_ok());
}

#[test]
fn a_tgs_rep_does_not_answer_an_as_req() {
    assert_eq!(plain_as_rep().with(|r| r.answers = MessageType::TgsReq).unwrap_err(), ReplyFault::WrongMessage);
}

#[test]
fn another_nonce_is_refused() {
    assert_eq!(
        plain_as_rep().with(|r| r.part.nonce = (r.part.nonce.value() ^ 1).into()).unwrap_err(),
        ReplyFault::Nonce
    );
}

#[test]
fn another_client_is_refused() {
    assert_eq!(plain_as_rep().with(|r| r.client = principal("mallory")).unwrap_err(), ReplyFault::Client);
    assert_eq!(plain_as_rep().with(|r| r.client.realm = "OTHER".to_owned()).unwrap_err(), ReplyFault::Client);
    let canonicalized = Case::tgs_rep("HTTP/web.shop", KdcOptions::CANONICALIZE);
    assert_eq!(canonicalized.with(|r| r.client = principal("mallory")).unwrap_err(), ReplyFault::Client);
}

#[test]
fn an_as_may_canonicalize_the_client_on_request_within_the_realm() {
    let case = || Case::as_rep(TicketOptions::with_flags(KdcOptions::CANONICALIZE));
    assert!(case().with(|r| r.client = principal("alice.shop")).is_ok());
    assert_eq!(case().with(|r| r.client.realm = "OTHER".to_owned()).unwrap_err(), ReplyFault::Client);
}

#[test]
fn another_server_is_refused() {
    let other = || principal("HTTP/other.shop").name;
    assert_eq!(plain_as_rep().with(|r| r.serve(other())).unwrap_err(), ReplyFault::Server);
    assert_eq!(plain_as_rep().with(|r| r.serve(krbtgt("OTHER"))).unwrap_err(), ReplyFault::Server);
    let case = Case::tgs_rep("HTTP/web.shop", KdcOptions::empty());
    assert_eq!(case.with(|r| r.serve(other())).unwrap_err(), ReplyFault::Server);
    let case = Case::tgs_rep("HTTP/web.shop", KdcOptions::empty());
    assert_eq!(case.with(|r| r.serve(krbtgt("OTHER"))).unwrap_err(), ReplyFault::Server);
}

#[test]
fn a_ticket_for_another_server_than_the_encrypted_part_says_is_refused() {
    let name = principal("HTTP/other.shop").name;
    assert_eq!(plain_as_rep().with(|r| r.ticket.sname = name).unwrap_err(), ReplyFault::Server);
    assert_eq!(plain_as_rep().with(|r| r.ticket.realm = "OTHER".to_owned()).unwrap_err(), ReplyFault::Server);
}

#[test]
fn a_server_of_another_realm_than_was_asked_is_refused_even_with_canonicalization() {
    let case = Case::tgs_rep("HTTP/web.shop", KdcOptions::CANONICALIZE);
    let moved = case.with(|r| {
        r.ticket.realm = "OTHER".to_owned();
        r.part.srealm = "OTHER".to_owned();
    });
    assert_eq!(moved.unwrap_err(), ReplyFault::Server);
}

#[test]
fn a_tgs_may_refer_and_rename_on_request_and_always_send_to_a_realm_on_the_way() {
    let referral = Case::tgs_rep("HTTP/web.far", KdcOptions::CANONICALIZE);
    assert!(referral.with(|r| r.serve(krbtgt("FAR"))).is_ok());
    let renamed = Case::tgs_rep("HTTP/web", KdcOptions::CANONICALIZE);
    assert!(renamed.with(|r| r.serve(principal("HTTP/web.shop").name)).is_ok());
    let on_the_way = Case::tgs_rep("krbtgt/FAR", KdcOptions::empty());
    assert!(on_the_way.with(|r| r.serve(krbtgt("MIDDLE"))).is_ok());
    let not_a_tgt = Case::tgs_rep("krbtgt/FAR", KdcOptions::CANONICALIZE);
    assert_eq!(not_a_tgt.with(|r| r.serve(principal("HTTP/web").name)).unwrap_err(), ReplyFault::Server);
}

#[test]
fn an_as_never_gives_a_service_ticket_for_a_tgt() {
    let case = Case::as_rep(TicketOptions::with_flags(KdcOptions::CANONICALIZE));
    assert_eq!(case.with(|r| r.serve(principal("kadmin/admin").name)).unwrap_err(), ReplyFault::Server);
}

#[test]
fn an_end_later_than_asked_for_or_before_the_start_is_refused() {
    let end = |seconds| plain_as_rep().with(|r| r.part.endtime = NOW.time.plus(seconds));
    assert!(end(HOUR).is_ok());
    assert_eq!(end(HOUR + 1).unwrap_err(), ReplyFault::EndTime);
    assert_eq!(end(0).unwrap_err(), ReplyFault::EndTime);
}

#[test]
fn a_start_in_the_future_is_refused_unless_it_was_asked_for() {
    let start = |case: Case, seconds| {
        case.with(|r| {
            r.part.starttime = Some(NOW.time.plus(seconds));
            r.part.endtime = NOW.time.plus(seconds + 60);
        })
    };
    let plain = || Case::as_rep(TicketOptions::default());
    assert!(start(plain(), DEFAULT_MAX_SKEW).is_ok());
    assert_eq!(start(plain(), DEFAULT_MAX_SKEW + 1).unwrap_err(), ReplyFault::StartTime);
    let postdated = || Case::as_rep(TicketOptions { start: Some(NOW.time.plus(HOUR)), ..TicketOptions::default() });
    assert!(start(postdated(), HOUR).is_ok());
    assert_eq!(start(postdated(), HOUR + 1).unwrap_err(), ReplyFault::StartTime);
}

#[test]
fn renewable_for_longer_than_asked_is_refused() {
    let asked = TicketOptions { life: Some(HOUR), renewable_life: Some(2 * HOUR), ..TicketOptions::default() };
    let renewable = |till| Case::as_rep(asked.clone()).with(|r| r.part.renew_till = Some(NOW.time.plus(till)));
    assert!(renewable(2 * HOUR).is_ok());
    assert_eq!(renewable(2 * HOUR + 1).unwrap_err(), ReplyFault::RenewTill);
    let ok = TicketOptions { life: Some(HOUR), flags: KdcOptions::RENEWABLE_OK, ..TicketOptions::default() };
    let instead = |till| Case::as_rep(ok.clone()).with(|r| r.part.renew_till = Some(NOW.time.plus(till)));
    assert!(instead(HOUR).is_ok());
    assert_eq!(instead(HOUR + 1).unwrap_err(), ReplyFault::RenewTill);
}

#[test]
fn other_addresses_than_asked_for_are_refused() {
    let here = HostAddress::from(IpAddr::from([10, 0, 0, 1]));
    let there = HostAddress::from(IpAddr::from([10, 0, 0, 2]));
    let bound = TicketOptions { addresses: vec![here.clone()], ..TicketOptions::default() };
    assert!(Case::as_rep(bound.clone()).with(|_| ()).is_ok());
    let answers: [Option<Vec<HostAddress>>; 3] = [None, Some(vec![there.clone()]), Some(vec![here.clone(), there])];
    for caddr in answers {
        assert_eq!(Case::as_rep(bound.clone()).with(|r| r.part.caddr = caddr).unwrap_err(), ReplyFault::Addresses);
    }
    let free = plain_as_rep().with(|r| r.part.caddr = Some(vec![here]));
    assert_eq!(free.unwrap_err(), ReplyFault::Addresses);
}

#[test]
fn a_session_key_that_was_not_asked_for_or_has_a_wrong_length_is_refused() {
    let given = |keytype, octets| {
        let key = EncryptionKey { keytype, keyvalue: Zeroizing::new(vec![7; octets]) };
        plain_as_rep().with(|r| r.part.key = key)
    };
    assert!(given(Enctype::Aes128CtsHmacSha1.number(), 16).is_ok());
    assert_eq!(given(Enctype::Aes128CtsHmacSha1.number(), 15).unwrap_err(), ReplyFault::SessionKey);
    assert_eq!(given(Enctype::Rc4Hmac.number(), 16).unwrap_err(), ReplyFault::SessionKey);
    assert_eq!(given(1, 8).unwrap_err(), ReplyFault::SessionKey);
}
