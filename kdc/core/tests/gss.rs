//! Contexts of GSS-API and calls of RPCSEC_GSS, with the initiator of `kennel_client`.

use crate::realm::TestRealm;
use kennel_client::gss::Initiator;
use kennel_client::kadmin::{KadminGreeting, KadminSession};
use kennel_client::{ApOffer, ApRequest, Credential};
use kennel_core::ap_exchange::ApUse;
use kennel_core::gss::acceptor::{AcceptRefusal, Established, InitialToken};
use kennel_core::gss::rpc::{CallRefusal, RpcSession, denied};
use kennel_core::realm::Realm;
use kennel_core::refusal::Refusal;
use kennel_wire::gss::framing::{self, ContextFlags, TokenId};
use kennel_wire::message::KerberosTime;
use kennel_wire::rpc::call::Call;
use kennel_wire::rpc::gss::{GssCredential, GssProcedure, GssService, InitResult, init_token};
use kennel_wire::rpc::reply::{AcceptStatus, AuthStatus, Reply, ReplyBody};
use rand::rngs::OsRng;

const SERVICE: &str = "kadmin/admin";

/// A realm with the service, and a ticket of alice for it.
fn realm() -> (TestRealm, Credential) {
    let mut realm = TestRealm::new();
    realm.add(SERVICE, |_| {});
    let tgt = realm.tgt("alice");
    let credential = realm.service(&tgt, SERVICE).unwrap();
    (realm, credential)
}

fn accept(realm: &TestRealm, token: &[u8]) -> Result<Established, AcceptRefusal> {
    let token = InitialToken::read(token)?;
    let server = realm.entries[&token.server()].clone();
    let at = ApUse { now: realm.now, peer: Some(realm.peer.ip()), validating: false };
    token.accept(&server, &Realm::new("R"), at, &mut OsRng)
}

fn refusal(realm: &TestRealm, token: &[u8]) -> AcceptRefusal {
    accept(realm, token).map(|_| ()).unwrap_err()
}

/// Both sides of a context with calls.
fn established(service: GssService) -> (KadminSession, RpcSession) {
    let (realm, credential) = realm();
    let (greeting, message) = KadminGreeting::new(&credential, service, realm.now, &mut OsRng);
    let call = Call::decode(&message).unwrap();
    let accepted = accept(&realm, init_token(call.arguments).unwrap()).unwrap();
    let mut server = RpcSession::new(accepted.context);
    let reply = server.established(call.xid, b"handle", &accepted.reply);
    (greeting.finish(&reply).unwrap(), server)
}

/// Passes a call to the server, and returns its arguments.
fn received(server: &mut RpcSession, message: &[u8]) -> Result<Vec<u8>, CallRefusal> {
    let call = Call::decode(message).unwrap();
    let credential = GssCredential::decode(call.credential.body).unwrap();
    assert_eq!(credential.handle, b"handle");
    let answering = server.check_header(&call, &credential)?;
    server.open(call.arguments, answering).map(|arguments| arguments.to_vec())
}

#[test]
fn a_client_gets_a_context_that_knows_who_it_is() {
    let (realm, credential) = realm();
    let (initiator, token) = Initiator::new(&credential, realm.now, &mut OsRng);
    let mut accepted = accept(&realm, &token).unwrap();
    let mut mine = initiator.finish(&accepted.reply).unwrap();
    let wrapped = mine.wrap(b"hello", &mut OsRng);
    assert_eq!(**accepted.context.unwrap(&wrapped).unwrap(), *b"hello");
    let client = &accepted.client;
    assert_eq!((client.name.to_string().as_str(), client.initial), ("alice@R", false));
    let alice = realm.entries[&client.name].clone();
    let check = |found, time| client.check_account(found, &Realm::new("R"), time);
    assert_eq!(check(Some(&*alice), realm.now.time), Ok(client.name.clone()));
    assert_eq!(check(None, realm.now.time), Err(Refusal::ClientUnknown), "the account is deleted");
    let other = realm.entries[&realm.principal("HTTP/web.r")].clone();
    assert_eq!(check(Some(&*other), realm.now.time), Err(Refusal::TicketRevoked), "the name is another account's");
}

#[test]
fn an_account_that_is_disabled_or_replaced_does_not_go_on() {
    let (mut realm, credential) = realm();
    let (_, token) = Initiator::new(&credential, realm.now, &mut OsRng);
    let accepted = accept(&realm, &token).unwrap();
    let now = realm.now;
    let rules = Realm::new("R");
    realm.change("alice", |alice| alice.expires = Some(now.time));
    let alice = realm.entries[&realm.principal("alice")].clone();
    assert_eq!(accepted.client.check_account(Some(&alice), &rules, now.time), Err(Refusal::ClientExpired));
    realm.change("alice", |alice| {
        alice.expires = None;
        alice.created.time = KerberosTime(now.time.0 + 1);
    });
    let alice = realm.entries[&realm.principal("alice")].clone();
    assert_eq!(accepted.client.check_account(Some(&alice), &rules, now.time), Err(Refusal::TicketRevoked));
}

#[test]
fn tokens_that_are_torn_not_mutual_or_under_another_key_are_refused() {
    let (realm, credential) = realm();
    let (_, token) = Initiator::new(&credential, realm.now, &mut OsRng);
    for end in (0..token.len()).step_by(7) {
        assert_eq!(refusal(&realm, &token[..end]), AcceptRefusal::Token);
    }
    let (_, one_way) = Initiator::asking(&credential, ContextFlags::REPLAY, realm.now, &mut OsRng);
    assert_eq!(refusal(&realm, &one_way), AcceptRefusal::NotMutual);
    let offer = ApOffer { mutual: true, subkey: true, seq_number: Some(1), checksum: None };
    let bare = ApRequest::new(&credential, &offer, realm.now, &mut OsRng);
    assert_eq!(refusal(&realm, &framing::encode(TokenId::ApReq, &bare.message)), AcceptRefusal::Token);
    let mut renamed = credential.clone();
    renamed.ticket.sname = realm.principal("HTTP/web.r").name;
    let (_, token) = Initiator::new(&renamed, realm.now, &mut OsRng);
    assert_eq!(refusal(&realm, &token), AcceptRefusal::Refused(Refusal::TicketIntegrity));
}

#[test]
fn a_token_of_yesterday_is_refused() {
    let (mut realm, credential) = realm();
    let (_, token) = Initiator::new(&credential, realm.now, &mut OsRng);
    realm.wait(86_400);
    assert_eq!(refusal(&realm, &token), AcceptRefusal::Refused(Refusal::AuthenticatorSkew));
}

#[test]
fn a_repeated_token_gives_a_context_whose_key_is_another() {
    let (realm, credential) = realm();
    let (initiator, token) = Initiator::new(&credential, realm.now, &mut OsRng);
    let first = accept(&realm, &token).unwrap();
    let mut second = accept(&realm, &token).unwrap();
    let mut mine = initiator.finish(&first.reply).unwrap();
    assert!(second.context.unwrap(&mine.wrap(b"hello", &mut OsRng)).is_err());
}

#[test]
fn calls_and_replies_are_read_under_every_service() {
    for service in [GssService::None, GssService::Integrity, GssService::Privacy] {
        let (mut client, mut server) = established(service);
        for round in 0..3_u8 {
            let message = client.call_with(13, &[round; 8], &mut OsRng);
            assert_eq!(message.windows(8).any(|window| window == [round; 8]), service != GssService::Privacy);
            let call = Call::decode(&message).unwrap();
            let credential = GssCredential::decode(call.credential.body).unwrap();
            let answering = server.check_header(&call, &credential).unwrap();
            assert_eq!(**server.open(call.arguments, answering).unwrap(), [round; 8]);
            let reply = server.reply(answering, AcceptStatus::Success(b"results."), &mut OsRng);
            assert_eq!(**client.results(&reply).unwrap(), *b"results.");
        }
    }
}

#[test]
fn a_call_is_performed_once() {
    let (mut client, mut server) = established(GssService::Privacy);
    let message = client.call_with(1, b"argument", &mut OsRng);
    assert_eq!(received(&mut server, &message).unwrap(), b"argument");
    assert_eq!(received(&mut server, &message), Err(CallRefusal::Repeated));
    // Another token of the client with the number of a call that was seen.
    let again = client.dangerous_call(GssProcedure::Data, 1, 1, b"argument", &mut OsRng);
    assert_eq!(received(&mut server, &again), Err(CallRefusal::Repeated));
    let far = client.dangerous_call(GssProcedure::Data, 1_000, 1, b"argument", &mut OsRng);
    received(&mut server, &far).unwrap();
    let late = client.dangerous_call(GssProcedure::Data, 2, 1, b"argument", &mut OsRng);
    assert_eq!(received(&mut server, &late), Err(CallRefusal::Repeated), "far below the highest");
    let last = client.dangerous_call(GssProcedure::Data, 0x8000_0001, 1, b"argument", &mut OsRng);
    let problem = CallRefusal::Denied(AuthStatus::GSS_CONTEXT_PROBLEM);
    assert_eq!(received(&mut server, &last), Err(problem), "above the highest of all");
}

#[test]
fn no_octet_of_a_call_can_be_changed() {
    for service in [GssService::Integrity, GssService::Privacy] {
        let length = established(service).0.call_with(2, b"arguments...", &mut OsRng).len();
        for at in (0..length).step_by(5) {
            let (mut client, mut server) = established(service);
            let mut message = client.call_with(2, b"arguments...", &mut OsRng);
            message[at] ^= 1;
            let Ok(call) = Call::decode(&message) else { continue };
            let Ok(credential) = GssCredential::decode(call.credential.body) else { continue };
            let Ok(answering) = server.check_header(&call, &credential) else { continue };
            assert!(server.open(call.arguments, answering).is_err(), "{service:?}, octet {at}");
        }
    }
}

#[test]
fn the_arguments_of_another_call_do_not_fit() {
    let (mut client, mut server) = established(GssService::Privacy);
    let (one, other) = (client.call_with(2, b"delete A", &mut OsRng), client.call_with(2, b"delete B", &mut OsRng));
    let split = |message: &[u8]| message.len() - Call::decode(message).unwrap().arguments.len();
    let spliced = [&one[..split(&one)], &other[split(&other)..]].concat();
    assert_eq!(received(&mut server, &spliced), Err(CallRefusal::Garbage));
}

#[test]
fn a_client_does_not_believe_a_reply_to_another_call() {
    let (mut client, mut server) = established(GssService::Privacy);
    let mut replies = Vec::new();
    for _ in 0..2 {
        let message = client.call_with(2, b"arguments...", &mut OsRng);
        let call = Call::decode(&message).unwrap();
        let credential = GssCredential::decode(call.credential.body).unwrap();
        let answering = server.check_header(&call, &credential).unwrap();
        replies.push(server.reply(answering, AcceptStatus::Success(b""), &mut OsRng));
    }
    assert!(client.results(&replies[0]).is_err());
    assert!(client.results(&denied(2, AuthStatus::FAILED)).is_err());
    client.results(&replies[1]).unwrap();
}

#[test]
fn the_answer_to_a_greeting_proves_the_window() {
    let (realm, credential) = realm();
    let (greeting, message) = KadminGreeting::new(&credential, GssService::Privacy, realm.now, &mut OsRng);
    let call = Call::decode(&message).unwrap();
    let accepted = accept(&realm, init_token(call.arguments).unwrap()).unwrap();
    let reply = RpcSession::new(accepted.context).established(call.xid, b"handle", &accepted.reply);
    let ReplyBody::Accepted { verifier, status: AcceptStatus::Success(results) } = Reply::decode(&reply).unwrap().body
    else {
        panic!()
    };
    let results = InitResult { window: 1, ..InitResult::decode(results).unwrap() }.encode();
    let body = ReplyBody::Accepted { verifier, status: AcceptStatus::Success(&results) };
    assert!(greeting.finish(&Reply { xid: 0, body }.encode()).is_err());
}
