//! FAST (RFC 6113, section 5.4): requests inside armor, and what comes back. [`crate::fast_refusals`] has the wrong ones.

use crate::realm::{TestRealm, denial};
use kennel_client::dangerous::{
    dangerous_as_body, dangerous_as_request, dangerous_enc_timestamp, dangerous_open_reply, dangerous_tgs_request,
};
use kennel_client::{AsRequest, Credential, FastArmor, TgsRequest, TicketOptions};
use kennel_core::access::{AccessDecision, AccessPath};
use kennel_core::event::Decision;
use kennel_core::outcome::Outcome;
use kennel_core::principal::Attributes;
use kennel_core::refusal::Refusal;
use kennel_crypto::{Key, KeyUsage};
use kennel_wire::message::{
    Checksum, EncKdcRepPart, ErrorCode, FastOptions, KdcOptions, KdcRep, KdcReq, KdcReqBody, KrbError, KrbFastReq,
    KrbFastResponse, NameType, PaData, Principal, PrincipalName, Ticket, TicketFlags, pa_type,
};

/// A realm with a host that has a keytab, whose TGT is the armor of the others.
pub(crate) fn realm_with_host() -> (TestRealm, Credential) {
    let mut realm = TestRealm::new();
    realm.add("host/web.r", |_| {});
    let tgt = realm.tgt("host/web.r");
    (realm, tgt)
}

/// An armor of a TGT.
pub(crate) fn armor(realm: &mut TestRealm, tgt: &Credential) -> FastArmor {
    FastArmor::of_ticket(tgt, realm.now, &mut realm.rng, |_| {})
}

pub(crate) fn element(padata_type: i32, value: &[u8]) -> PaData {
    PaData { padata_type, value: value.to_vec() }
}

/// What alice asks for: a TGT, and a proof of what was asked.
pub(crate) fn inner(realm: &mut TestRealm) -> KrbFastReq {
    let request = AsRequest::new(realm.principal("alice"));
    let body = dangerous_as_body(&request, realm.now, &mut realm.rng);
    KrbFastReq { options: FastOptions::empty(), padata: vec![element(pa_type::REQ_ENC_PA_REP, &[])], body }
}

/// An AS request with this one inside; outside stands the same.
pub(crate) fn armored(realm: &mut TestRealm, armor: &FastArmor, inner: &KrbFastReq) -> Vec<u8> {
    armored_in(realm, armor, inner, inner.body.clone())
}

/// An AS request with this one inside this body.
pub(crate) fn armored_in(realm: &mut TestRealm, armor: &FastArmor, inner: &KrbFastReq, outer: KdcReqBody) -> Vec<u8> {
    let fast = armor.wrap(inner, &outer.encode(), &mut realm.rng);
    dangerous_as_request(outer, vec![fast])
}

pub(crate) fn padata_types(padata: &[PaData]) -> Vec<i32> {
    padata.iter().map(|element| element.padata_type).collect()
}

/// The error outside, the error inside and what comes with it.
pub(crate) fn error(outcome: &Outcome, armor: &FastArmor) -> (KrbError, KrbError, Vec<PaData>) {
    let outer = KrbError::decode(outcome.reply.as_deref().expect("a reply")).expect("an error");
    let (error, methods) = armor.error(&outer).expect("an error inside");
    (outer, error, methods)
}

/// Asserts that a request was refused inside its armor, and that the event says why.
pub(crate) fn assert_refused_inside(outcome: &Outcome, armor: &FastArmor, refusal: Refusal) {
    let (outer, inside, _) = error(outcome, armor);
    assert_eq!((outer.error_code, inside.error_code), (refusal.code(), refusal.code()));
    assert_eq!(inside.e_text.as_deref(), Some(refusal.text()));
    assert_eq!((outer.e_text, inside.e_data), (None, None), "no words outside, no data inside");
    assert!(matches!(outcome.event.outcome, Decision::Refused { refusal: said, .. } if said == refusal));
}

/// Asks without a proof; returns the cookie.
pub(crate) fn cookie(realm: &mut TestRealm, armor: &FastArmor) -> PaData {
    let inner = inner(realm);
    let request = armored(realm, armor, &inner);
    let outcome = realm.ask(&request);
    let (_, inside, methods) = error(&outcome, armor);
    assert_eq!(inside.error_code, ErrorCode::PREAUTH_REQUIRED);
    methods.into_iter().find(|method| method.padata_type == pa_type::FX_COOKIE).expect("a cookie")
}

/// A request of alice with a proof and, where there is one, a cookie.
pub(crate) fn proving(realm: &mut TestRealm, armor: &FastArmor, cookie: Option<PaData>) -> KrbFastReq {
    let mut inner = inner(realm);
    let key = realm.keys("alice").remove(0);
    inner.padata.push(armor.challenge(&key, realm.now, &mut realm.rng));
    inner.padata.extend(cookie);
    inner
}

/// Opens an armored reply: the response inside, and the encrypted part under the strengthened key.
pub(crate) fn opened(
    outcome: &Outcome,
    armor: &FastArmor,
    (key, usage): (&Key, KeyUsage),
) -> (KdcRep, KrbFastResponse, EncKdcRepPart, Key) {
    let reply = outcome.reply.as_deref().expect("a reply");
    let rep = KdcRep::decode(reply).expect("a ticket");
    assert_eq!(padata_types(&rep.padata), [pa_type::FX_FAST], "nothing else stands outside");
    let response = armor.response(&rep.padata).expect("a response inside");
    let strengthened = FastArmor::reply_key(&response, key).unwrap();
    assert_ne!(&strengthened, key);
    let (_, enc) = dangerous_open_reply(reply, &strengthened, usage).expect("the strengthened key");
    (rep, response, enc, strengthened)
}

/// The finished message names the client and vouches for the ticket.
fn assert_finished(realm: &TestRealm, response: &KrbFastResponse, armor: &FastArmor, client: &str, ticket: &Ticket) {
    let finished = response.finished.as_ref().expect("finished");
    let named = Principal::new(finished.cname.clone(), &*finished.crealm);
    assert_eq!((named, finished.timestamp), (realm.principal(client), realm.now));
    let Checksum { cksumtype, checksum } = &finished.ticket_checksum;
    armor.key.verify_checksum(KeyUsage::FAST_FINISHED, &ticket.encode(), *cksumtype, checksum).expect("of this ticket");
}

#[test]
fn a_client_logs_in_inside_armor_and_both_sides_prove_their_key() {
    let (mut realm, tgt) = realm_with_host();
    let armor = armor(&mut realm, &tgt);
    let cookie = cookie(&mut realm, &armor);
    assert_eq!(realm.events.last().unwrap().outcome, Decision::PreauthRequired);
    let inner = proving(&mut realm, &armor, Some(cookie));
    let request = armored(&mut realm, &armor, &inner);
    let outcome = realm.ask(&request);
    let key = realm.keys("alice").remove(0);
    let (rep, response, enc, reply_key) = opened(&outcome, &armor, (&key, KeyUsage::AS_REP));
    assert_eq!(response.nonce, inner.body.nonce);
    assert_eq!(enc.nonce, inner.body.nonce);
    assert_eq!(armor.kdc_challenge(&key, &response.padata).unwrap(), realm.now);
    assert_finished(&realm, &response, &armor, "alice", &rep.ticket);
    assert!(enc.flags.contains(TicketFlags::PRE_AUTHENT | TicketFlags::INITIAL | TicketFlags::ENC_PA_REP));
    // The proof of the request covers what was sent, armor and all, under the strengthened key.
    let [proof, fast] = &enc.encrypted_pa_data[..] else { panic!("{:?}", enc.encrypted_pa_data) };
    assert_eq!((proof.padata_type, fast.padata_type), (pa_type::REQ_ENC_PA_REP, pa_type::FX_FAST));
    let proof = Checksum::decode(&proof.value).unwrap();
    reply_key.verify_checksum(KeyUsage::AS_REQ, &request, proof.cksumtype, &proof.checksum).unwrap();
    assert_eq!(outcome.event.armor, Some(realm.principal("host/web.r")));
    assert_eq!(outcome.event.client, Some(realm.principal("alice")));
    assert_eq!(
        *realm.access.asked.lock().unwrap().last().unwrap(),
        ("alice@R".into(), "krbtgt/R@R".into(), AccessPath::As)
    );
}

#[test]
fn inside_armor_a_challenge_is_offered_with_a_cookie_and_outside_fast_itself() {
    let (mut realm, tgt) = realm_with_host();
    let armor = armor(&mut realm, &tgt);
    let inner = inner(&mut realm);
    let request = armored(&mut realm, &armor, &inner);
    let outcome = realm.ask(&request);
    let (outer, inside, methods) = error(&outcome, &armor);
    assert_eq!((outer.error_code, inside.error_code), (ErrorCode::PREAUTH_REQUIRED, ErrorCode::PREAUTH_REQUIRED));
    assert_eq!(padata_types(&methods), [pa_type::ETYPE_INFO2, pa_type::ENCRYPTED_CHALLENGE, pa_type::FX_COOKIE]);
    let outcome = realm.ask(&dangerous_as_request(inner.body, Vec::new()));
    let error = KrbError::decode(&outcome.reply.unwrap()).unwrap();
    let methods = PaData::decode_all(&error.e_data.unwrap()).unwrap();
    assert_eq!(padata_types(&methods), [pa_type::ETYPE_INFO2, pa_type::ENC_TIMESTAMP, pa_type::FX_FAST]);
    assert_eq!(outcome.event.armor, None);
}

#[test]
fn a_reply_without_armor_says_under_the_reply_key_that_fast_is_known() {
    // gokrb5 and libkrb5 take its absence for somebody between.
    let mut realm = TestRealm::new();
    let request = inner(&mut realm);
    let key = realm.keys("alice").remove(0);
    let proof = dangerous_enc_timestamp(&key, KeyUsage::PA_ENC_TIMESTAMP, realm.now, &mut realm.rng);
    let message = dangerous_as_request(request.body, vec![proof, element(pa_type::REQ_ENC_PA_REP, &[])]);
    let reply = realm.ask(&message).reply.unwrap();
    let (rep, enc) = dangerous_open_reply(&reply, &key, KeyUsage::AS_REP).unwrap();
    assert_eq!(padata_types(&enc.encrypted_pa_data), [pa_type::REQ_ENC_PA_REP, pa_type::FX_FAST]);
    assert!(enc.encrypted_pa_data[1].value.is_empty() && rep.padata.is_empty());
}

#[test]
fn what_stands_outside_counts_for_nothing() {
    // As Heimdal sends it: an anonymous client of an anonymous realm, and no server.
    let (mut realm, tgt) = realm_with_host();
    let armor = armor(&mut realm, &tgt);
    let inner = proving(&mut realm, &armor, None);
    let mut outer = inner.body.clone();
    let Principal { name, realm: anonymous } = Principal::anonymous();
    (outer.cname, outer.realm, outer.sname) = (Some(name), anonymous, None);
    (outer.options, outer.nonce, outer.etypes) = (KdcOptions::all(), 7u32.into(), Vec::new());
    let request = armored_in(&mut realm, &armor, &inner, outer);
    let outcome = realm.ask(&request);
    let key = realm.keys("alice").remove(0);
    let (rep, response, enc, _) = opened(&outcome, &armor, (&key, KeyUsage::AS_REP));
    assert_eq!((response.nonce, enc.nonce), (inner.body.nonce, inner.body.nonce));
    assert_eq!((&rep.cname, &rep.crealm), (&realm.principal("alice").name, &realm.name));
    let event = outcome.event;
    assert_eq!((event.options, &event.offered), (inner.body.options, &inner.body.etypes));
    assert_eq!(event.server, Some(realm.principal("krbtgt/R")));
}

#[test]
fn a_client_that_hides_its_name_is_named_inside_alone() {
    let (mut realm, tgt) = realm_with_host();
    let armor = armor(&mut realm, &tgt);
    let mut asking = inner(&mut realm);
    asking.options = FastOptions::HIDE_CLIENT_NAMES;
    let mut outer = asking.body.clone();
    outer.cname = None;
    let request = armored_in(&mut realm, &armor, &asking, outer.clone());
    let outcome = realm.ask(&request);
    let (outside, inside, _) = error(&outcome, &armor);
    let Principal { name, realm: anonymous } = Principal::anonymous();
    assert_eq!((outside.cname, outside.crealm), (Some(name.clone()), Some(anonymous.clone())));
    assert_eq!(inside.cname, Some(realm.principal("alice").name));
    assert!(!contains(outcome.reply.as_deref().unwrap(), b"alice"));
    assert_eq!(outcome.event.client, Some(realm.principal("alice")), "the audit knows");

    let mut proving = proving(&mut realm, &armor, None);
    proving.options = FastOptions::HIDE_CLIENT_NAMES | FastOptions::KDC_FOLLOW_REFERRALS;
    let request = armored_in(&mut realm, &armor, &proving, outer);
    let outcome = realm.ask(&request);
    let key = realm.keys("alice").remove(0);
    let (rep, response, ..) = opened(&outcome, &armor, (&key, KeyUsage::AS_REP));
    assert_eq!((&rep.cname, &rep.crealm), (&name, &anonymous));
    assert_eq!(rep.cname.name_type, NameType::WELLKNOWN);
    assert_finished(&realm, &response, &armor, "alice", &rep.ticket);
    assert!(!contains(outcome.reply.as_deref().unwrap(), b"alice"));

    // Nor does an answer that must fit a datagram name it.
    let rules = kennel_core::realm::Realm::new("R");
    let short = outcome.fit_datagram(request.len(), 200, &rules, realm.now).reply.unwrap();
    let error = KrbError::decode(&short).unwrap();
    assert_eq!((error.error_code, error.cname), (ErrorCode::RESPONSE_TOO_BIG, None));
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[test]
fn a_client_that_needs_no_proof_gets_its_ticket_inside_armor_without_one() {
    let (mut realm, tgt) = realm_with_host();
    realm.change("alice", |record| record.attributes = Attributes::NO_PREAUTH_REQUIRED);
    let armor = armor(&mut realm, &tgt);
    let inner = inner(&mut realm);
    let request = armored(&mut realm, &armor, &inner);
    let outcome = realm.ask(&request);
    let key = realm.keys("alice").remove(0);
    let (rep, response, enc, _) = opened(&outcome, &armor, (&key, KeyUsage::AS_REP));
    assert!(response.padata.is_empty(), "no challenge of the KDC where the client sent none");
    assert!(!enc.flags.contains(TicketFlags::PRE_AUTHENT));
    assert_finished(&realm, &response, &armor, "alice", &rep.ticket);
}

#[test]
fn a_password_proves_itself_inside_armor_and_the_reply_says_how_its_key_is_made() {
    let (mut realm, tgt) = realm_with_host();
    realm.set_password("alice", "secret");
    let armor = armor(&mut realm, &tgt);
    let inner = proving(&mut realm, &armor, None);
    let request = armored(&mut realm, &armor, &inner);
    let outcome = realm.ask(&request);
    let key = realm.keys("alice").remove(0);
    let (_, response, ..) = opened(&outcome, &armor, (&key, KeyUsage::AS_REP));
    assert_eq!(padata_types(&response.padata), [pa_type::ETYPE_INFO2, pa_type::ENCRYPTED_CHALLENGE]);
}

#[test]
fn an_armor_of_any_enctype_carries_a_challenge_of_any_other() {
    use kennel_crypto::Enctype;
    let every = Enctype::ALL.to_vec();
    for armor_enctype in Enctype::ALL {
        let mut realm = TestRealm::with(|rules| rules.enctypes.clone_from(&every));
        let (now, mut rng) = (realm.now, realm.rng.clone());
        for name in ["host/web.r", "alice", "krbtgt/R"] {
            realm.add(name, |r| r.keys = kennel_core::key_set::KeySet::random(&every, 1, now, &mut rng));
        }
        let options = TicketOptions { enctypes: vec![armor_enctype], ..Default::default() };
        let tgt = realm.initial("host/web.r", options).unwrap();
        assert_eq!(tgt.session_key.enctype(), armor_enctype);
        for key in realm.keys("alice") {
            let armor = armor(&mut realm, &tgt);
            assert_eq!(armor.key.enctype(), armor_enctype);
            let mut inner = inner(&mut realm);
            inner.body.etypes = vec![key.enctype().number()];
            inner.padata.push(armor.challenge(&key, realm.now, &mut realm.rng));
            let request = armored(&mut realm, &armor, &inner);
            let outcome = realm.ask(&request);
            let (_, response, ..) = opened(&outcome, &armor, (&key, KeyUsage::AS_REP));
            assert_eq!(armor.kdc_challenge(&key, &response.padata).unwrap(), realm.now);
        }
    }
}

/// A TGS request for `server` and the FAST request inside it.
pub(crate) fn tgs(
    realm: &mut TestRealm,
    tgt: &Credential,
    server: &str,
    armor: impl FnOnce(FastArmor, &Key) -> FastArmor,
    alter: impl FnOnce(&mut KrbFastReq),
) -> (FastArmor, Key, KrbFastReq, Vec<u8>) {
    let request = TgsRequest::new(realm.principal(server));
    let (mut subkey, mut body) = (None, None);
    let (_, message) = dangerous_tgs_request(tgt, &request, realm.now, &mut realm.rng, |parts| {
        (subkey, body) = (parts.subkey.clone(), Some(parts.body.clone()));
    });
    let (subkey, body) = (subkey.unwrap(), body.unwrap());
    let armor = armor(FastArmor::of_request(&tgt.session_key, &subkey), &subkey);
    let mut inner = KrbFastReq { options: FastOptions::empty(), padata: Vec::new(), body };
    alter(&mut inner);
    let message = armor.wrap_tgs(&message, &inner, &mut realm.rng).unwrap();
    (armor, subkey, inner, message)
}

#[test]
fn a_service_ticket_comes_inside_the_armor_of_its_own_request() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    let (armor, subkey, inner, message) = tgs(&mut realm, &tgt, "HTTP/web.r", |armor, _| armor, |_| {});
    let outcome = realm.ask(&message);
    let (rep, response, enc, _) = opened(&outcome, &armor, (&subkey, KeyUsage::TGS_REP_SUBKEY));
    assert_eq!((response.nonce, enc.nonce), (inner.body.nonce, inner.body.nonce));
    assert_eq!(enc.sname, realm.principal("HTTP/web.r").name);
    assert_finished(&realm, &response, &armor, "alice", &rep.ticket);
    assert_eq!(outcome.event.armor, Some(realm.principal("alice")));
    assert_eq!(realm.access.asked.lock().unwrap().last().unwrap().2, AccessPath::Tgs);
}

#[test]
fn a_service_ticket_comes_inside_the_armor_of_a_host() {
    let (mut realm, host) = realm_with_host();
    let tgt = realm.tgt("alice");
    let explicit = self::armor(&mut realm, &host);
    let (armor, subkey, _, message) = tgs(&mut realm, &tgt, "HTTP/web.r", |_, subkey| explicit.in_tgs(subkey), |_| {});
    let outcome = realm.ask(&message);
    let (rep, response, ..) = opened(&outcome, &armor, (&subkey, KeyUsage::TGS_REP_SUBKEY));
    assert_finished(&realm, &response, &armor, "alice", &rep.ticket);
    assert_eq!(outcome.event.armor, Some(realm.principal("host/web.r")));
}

#[test]
fn the_service_inside_is_the_one_that_access_and_audit_see() {
    let mut realm = TestRealm::new();
    realm.add("HTTP/other.r", |_| {});
    let tgt = realm.tgt("alice");
    let other = realm.principal("HTTP/other.r");
    let (armor, subkey, _, message) = tgs(
        &mut realm,
        &tgt,
        "HTTP/web.r",
        |armor, _| armor,
        |inner| {
            inner.body.sname = Some(other.name.clone());
            inner.body.options = KdcOptions::CANONICALIZE;
        },
    );
    let outcome = realm.ask(&message);
    let (rep, ..) = opened(&outcome, &armor, (&subkey, KeyUsage::TGS_REP_SUBKEY));
    assert_eq!(rep.ticket.sname, other.name);
    assert_eq!((outcome.event.server, outcome.event.options), (Some(other), KdcOptions::CANONICALIZE));
    let (client, server, _) = realm.access.asked.lock().unwrap().last().unwrap().clone();
    assert_eq!((&*client, &*server), ("alice@R", "HTTP/other.r@R"));
}

#[test]
fn a_denial_says_inside_alone_what_is_missing() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    *realm.access.answer.lock().unwrap() = AccessDecision::Deny(denial());
    let (armor, _, _, message) = tgs(&mut realm, &tgt, "HTTP/web.r", |armor, _| armor, |_| {});
    let outcome = realm.ask(&message);
    let (outer, inside, _) = error(&outcome, &armor);
    assert_eq!((outer.error_code, outer.e_text), (ErrorCode::POLICY, None));
    assert_eq!(inside.e_text.as_deref(), Some(&*denial().text));
    assert_eq!(realm.last_refusal(), Refusal::AccessDenied);
}

#[test]
fn a_name_can_be_hidden_in_a_tgs_request_too() {
    let mut realm = TestRealm::new();
    let tgt = realm.tgt("alice");
    let hide = |inner: &mut KrbFastReq| inner.options = FastOptions::HIDE_CLIENT_NAMES;
    let (armor, subkey, _, message) = tgs(&mut realm, &tgt, "HTTP/web.r", |armor, _| armor, hide);
    let outcome = realm.ask(&message);
    let (rep, response, ..) = opened(&outcome, &armor, (&subkey, KeyUsage::TGS_REP_SUBKEY));
    assert_eq!(rep.cname, Principal::anonymous().name);
    assert_finished(&realm, &response, &armor, "alice", &rep.ticket);
    let (armor, _, _, message) = tgs(&mut realm, &tgt, "HTTP/nobody.r", |armor, _| armor, hide);
    let outcome = realm.ask(&message);
    assert_refused_inside(&outcome, &armor, Refusal::ServerUnknown);
    assert!(!contains(outcome.reply.as_deref().unwrap(), b"alice"));
}

#[test]
fn a_ticket_is_renewed_inside_armor() {
    let mut realm = TestRealm::new();
    let options = TicketOptions::with_flags(KdcOptions::RENEWABLE);
    let tgt = realm.initial("alice", options).unwrap();
    realm.wait(60);
    let renew = |inner: &mut KrbFastReq| inner.body.options = KdcOptions::RENEW | KdcOptions::RENEWABLE;
    let (armor, subkey, _, message) = tgs(&mut realm, &tgt, "krbtgt/R", |armor, _| armor, renew);
    let outcome = realm.ask(&message);
    let (_, _, enc, _) = opened(&outcome, &armor, (&subkey, KeyUsage::TGS_REP_SUBKEY));
    assert_eq!(enc.starttime, Some(realm.now.time));
    assert_eq!(realm.access.asked.lock().unwrap().last().unwrap().2, AccessPath::Renew);
}

#[test]
fn a_client_that_must_use_fast_is_offered_nothing_else_and_gets_in_by_it() {
    let by_attribute: fn(&mut TestRealm) =
        |realm| realm.change("alice", |record| record.attributes = Attributes::REQUIRE_FAST);
    let by_realm: fn(&mut TestRealm) = |realm| realm.set_password("alice", "secret");
    for (require_fast, prepare) in [(false, by_attribute), (true, by_realm)] {
        let mut realm = TestRealm::with(|rules| rules.require_fast = require_fast);
        prepare(&mut realm);
        realm.add("host/web.r", |_| {});
        // The realm asks it of passwords alone: somebody's first ticket is the armor of the others.
        let tgt = realm.tgt("host/web.r");
        let request = inner(&mut realm);
        let outcome = realm.ask(&dangerous_as_request(request.body.clone(), Vec::new()));
        let error = KrbError::decode(&outcome.reply.unwrap()).unwrap();
        assert_eq!(error.error_code, ErrorCode::PREAUTH_REQUIRED);
        let methods = PaData::decode_all(&error.e_data.unwrap()).unwrap();
        assert_eq!(padata_types(&methods), [pa_type::FX_FAST], "not even a salt");

        let key = realm.keys("alice").remove(0);
        let proof = dangerous_enc_timestamp(&key, KeyUsage::PA_ENC_TIMESTAMP, realm.now, &mut realm.rng);
        let _ = realm.ask(&dangerous_as_request(request.body, vec![proof]));
        assert_eq!(realm.last_refusal(), Refusal::FastRequired);

        let armor = armor(&mut realm, &tgt);
        let inner = proving(&mut realm, &armor, None);
        let request = armored(&mut realm, &armor, &inner);
        let outcome = realm.ask(&request);
        opened(&outcome, &armor, (&key, KeyUsage::AS_REP));
    }
}

#[test]
fn a_client_without_preauthentication_must_use_fast_all_the_same() {
    let mut realm = TestRealm::new();
    realm.change("alice", |r| r.attributes = Attributes::NO_PREAUTH_REQUIRED | Attributes::REQUIRE_FAST);
    let request = inner(&mut realm);
    let outcome = realm.ask(&dangerous_as_request(request.body, Vec::new()));
    assert_eq!(outcome.event.outcome, Decision::PreauthRequired);
}

#[test]
fn an_armored_request_for_another_service_gets_its_cookie_and_its_ticket_too() {
    let (mut realm, tgt) = realm_with_host();
    realm.add("kadmin/changepw", |_| {});
    let armor = armor(&mut realm, &tgt);
    let cookie = {
        let mut inner = inner(&mut realm);
        inner.body.sname = Some(PrincipalName::new(NameType::SRV_INST, ["kadmin", "changepw"]));
        let request = armored(&mut realm, &armor, &inner);
        let outcome = realm.ask(&request);
        let (_, _, methods) = error(&outcome, &armor);
        methods.into_iter().find(|method| method.padata_type == pa_type::FX_COOKIE).expect("a cookie")
    };
    let mut inner = proving(&mut realm, &armor, Some(cookie));
    inner.body.sname = Some(PrincipalName::new(NameType::SRV_INST, ["kadmin", "changepw"]));
    let request = armored(&mut realm, &armor, &inner);
    let outcome = realm.ask(&request);
    let key = realm.keys("alice").remove(0);
    opened(&outcome, &armor, (&key, KeyUsage::AS_REP));
    assert!(KdcReq::decode(&request).is_ok());
}
