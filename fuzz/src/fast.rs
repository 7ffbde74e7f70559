//! Armored requests as the fuzzer wants them (FAST, RFC 6113), and what must hold of their answers: under the armor key that the
//! fuzzer knows, past all crypto.

use crate::realm::{self, FuzzRealm, NOW, at, principal};
use crate::request::{BodyPlan, Sum, padata};
use crate::ticket::{PlannedTicket, TicketPlan, data, enctype, seal, session, to_wire};
use arbitrary::{Arbitrary, Unstructured};
use kennel_client::FastArmor;
use kennel_core::event::{Decision, Exchange, IssuedTicket};
use kennel_core::outcome::Outcome;
use kennel_crypto::{Key, KeyUsage};
use kennel_wire::message::*;
use rand_core::CryptoRngCore;

/// An armored request.
#[derive(Debug, Arbitrary)]
pub struct FastPlan {
    /// AS, else TGS.
    initial: bool,
    /// The ticket that a TGS request presents.
    ticket: TicketPlan,
    /// Another armor than the ticket of a TGS request.
    armor: Option<ArmorPlan>,
    /// The sub-key of a TGS request; none where it is missing.
    subkey: Option<u8>,
    inner: BodyPlan,
    /// What stands outside; the same as inside where it is missing.
    outer: Option<BodyPlan>,
    options: Options,
    proof: Option<Proof>,
    cookie: Cookie,
    padata: Vec<(i16, Vec<u8>)>,
    outer_padata: Vec<(i16, Vec<u8>)>,
    /// Authorization data of the authenticators.
    marked: Vec<(i16, Vec<u8>)>,
    sum: Covered,
    /// An octet of the sealed request to change, and how.
    torn: Option<(u8, u8)>,
}

#[derive(Debug, Arbitrary)]
struct ArmorPlan {
    ticket: TicketPlan,
    kind: u8,
    subkey: Option<u8>,
    skew: i16,
}

#[derive(Debug, Arbitrary)]
enum Options {
    None,
    Hide,
    Any(u32),
}

/// An encrypted challenge, or a timestamp where none proves anything.
#[derive(Debug, Arbitrary)]
struct Proof {
    timestamp: bool,
    client: Option<u8>,
    kvno: u8,
    enctype: u8,
    skew: i16,
}

#[derive(Debug, Arbitrary)]
enum Cookie {
    None,
    Any(Vec<u8>),
    /// One of ours, of a time before now in seconds, with this number of the client.
    Ours(i16, u8),
}

#[derive(Debug, Arbitrary)]
enum Covered {
    Right,
    Other(Vec<u8>),
    Unkeyed(i8, Vec<u8>),
}

/// What a stock client puts inside its armor (`fuzz/seeds/fast.tar.xz`), in an armor that the fuzzer makes: an AS request in that of a
/// host, one without a client in that of its own ticket. A challenge becomes one under a key of this realm; what cannot be read is sent
/// as it is.
pub fn recorded(plaintext: &[u8], rng: &mut dyn CryptoRngCore) -> PlannedFast {
    let read = KrbFastReq::decode(plaintext).ok();
    let unread = read.is_none();
    let mut inner = read.unwrap_or_else(|| {
        let body = BodyPlan::arbitrary(&mut Unstructured::new(&[])).expect("a body takes no octets");
        KrbFastReq { options: FastOptions::empty(), padata: Vec::new(), body: body.build() }
    });
    let presented = inner.body.cname.is_none().then(|| TicketPlan::good("alice").build(rng));
    let subkey = presented.is_some().then(|| session(1));
    let armor = match (&presented, &subkey) {
        (Some(ticket), Some(subkey)) => FastArmor::of_request(&ticket.session, subkey),
        _ => {
            let ticket = TicketPlan::good("HTTP/web.r");
            ArmorPlan { ticket, kind: 0, subkey: Some(0), skew: 0 }.build(&[], rng)
        }
    };
    let client = inner.body.cname.clone();
    for element in inner.padata.iter_mut().filter(|element| element.padata_type == pa_type::ENCRYPTED_CHALLENGE) {
        let proof = Proof { timestamp: false, client: None, kvno: 0, enctype: 0, skew: 0 };
        *element = proof.build(&armor, client.as_ref(), rng);
    }
    let der = inner.body.encode();
    let ap_req = presented.as_ref().map(|presented| tgs_ap_req(presented, subkey.as_ref(), &der, &[], rng));
    let covered = ap_req.as_ref().map_or(&der, |element| &element.value);
    let as_it_is = unread.then(|| seal(&armor.key, KeyUsage::FAST_REQ, plaintext, rng));
    let fast = armor.wrap_altered(&inner, covered, rng, |request| {
        request.enc_fast_req = as_it_is.unwrap_or_else(|| request.enc_fast_req.clone());
    });
    let kind = if presented.is_none() { MessageType::AsReq } else { MessageType::TgsReq };
    let bytes = KdcReq::encode_around(kind, &ap_req.into_iter().chain([fast]).collect::<Vec<_>>(), &der);
    let proves = inner.padata.iter().any(|element| element.padata_type == pa_type::ENCRYPTED_CHALLENGE);
    PlannedFast { bytes, armor, inner, presented, subkey, proves }
}

/// An armored request, and what the fuzzer knows of it.
pub struct PlannedFast {
    /// What is sent.
    pub bytes: Vec<u8>,
    armor: FastArmor,
    inner: KrbFastReq,
    presented: Option<PlannedTicket>,
    subkey: Option<Key>,
    proves: bool,
}

impl FastPlan {
    /// Makes it.
    pub fn build(&self, rng: &mut dyn CryptoRngCore) -> PlannedFast {
        let presented = (!self.initial).then(|| self.ticket.build(rng));
        let subkey = self.subkey.filter(|_| !self.initial).map(|number| session(number.wrapping_add(1)));
        let armor = self.armor(presented.as_ref(), subkey.as_ref(), rng);
        let inner = self.inner(&armor, rng);
        let outer = self.outer.as_ref().map_or_else(|| inner.body.clone(), BodyPlan::build);
        let der = outer.encode();
        let ap_req =
            presented.as_ref().map(|presented| tgs_ap_req(presented, subkey.as_ref(), &der, &self.marked, rng));
        let covered = ap_req.as_ref().map_or(&der, |element| &element.value);
        let fast = armor.wrap_altered(&inner, covered, rng, |request| self.alter(&armor, request));
        let list: Vec<PaData> = ap_req.into_iter().chain([fast]).chain(padata(&self.outer_padata)).collect();
        let kind = if self.initial { MessageType::AsReq } else { MessageType::TgsReq };
        let bytes = KdcReq::encode_around(kind, &list, &der);
        let proves = inner.padata.iter().any(|element| element.padata_type == pa_type::ENCRYPTED_CHALLENGE);
        PlannedFast { bytes, armor, inner, presented, subkey, proves }
    }

    fn armor(&self, presented: Option<&PlannedTicket>, subkey: Option<&Key>, rng: &mut dyn CryptoRngCore) -> FastArmor {
        let Some(plan) = &self.armor else {
            // Without a ticket or a sub-key there is no armor, and the KDC must find none.
            let known = session(0);
            return FastArmor::of_request(presented.map_or(&known, |it| &it.session), subkey.unwrap_or(&known));
        };
        let armor = plan.build(&self.marked, rng);
        match (presented, subkey) {
            (Some(_), Some(subkey)) => armor.in_tgs(subkey),
            _ => armor,
        }
    }

    fn inner(&self, armor: &FastArmor, rng: &mut dyn CryptoRngCore) -> KrbFastReq {
        let body = self.inner.build();
        let mut list: Vec<PaData> =
            self.proof.iter().map(|proof| proof.build(armor, body.cname.as_ref(), rng)).collect();
        list.extend(self.cookie.build(rng));
        list.extend(padata(&self.padata));
        let options = match self.options {
            Options::None => FastOptions::empty(),
            Options::Hide => FastOptions::HIDE_CLIENT_NAMES,
            Options::Any(bits) => FastOptions::from_bits_retain(bits),
        };
        KrbFastReq { options, padata: list, body }
    }

    fn alter(&self, armor: &FastArmor, request: &mut KrbFastArmoredReq) {
        match &self.sum {
            Covered::Right => {}
            Covered::Other(octets) => {
                request.req_checksum.checksum = armor.key.checksum(KeyUsage::FAST_REQ_CHECKSUM, octets);
            }
            Covered::Unkeyed(kind, octets) => {
                request.req_checksum = Checksum { cksumtype: i32::from(*kind), checksum: octets.clone() };
            }
        }
        if let Some((place, value)) = self.torn {
            let place = usize::from(place) % request.enc_fast_req.cipher.len();
            request.enc_fast_req.cipher[place] ^= value;
        }
    }
}

fn tgs_ap_req(
    presented: &PlannedTicket,
    subkey: Option<&Key>,
    body: &[u8],
    marked: &[(i16, Vec<u8>)],
    rng: &mut dyn CryptoRngCore,
) -> PaData {
    let cksum = Sum::Right.build(&presented.session, body);
    let value = ap_req(presented, (subkey, cksum), NOW, marked, KeyUsage::TGS_REQ_AUTHENTICATOR, rng);
    PaData { padata_type: pa_type::TGS_REQ, value }
}

impl ArmorPlan {
    fn build(&self, marked: &[(i16, Vec<u8>)], rng: &mut dyn CryptoRngCore) -> FastArmor {
        let ticket = self.ticket.build(rng);
        let subkey = self.subkey.map(|number| session(number.wrapping_add(2)));
        let time = NOW + i64::from(self.skew % 600);
        let usage = KeyUsage::AP_REQ_AUTHENTICATOR;
        let armor_value = ap_req(&ticket, (subkey.as_ref(), None), time, marked, usage, rng);
        let armor_type = if self.kind < 240 { KrbFastArmor::AP_REQUEST } else { self.kind.into() };
        let key = FastArmor::of_request(&ticket.session, subkey.as_ref().unwrap_or(&ticket.session)).key;
        FastArmor { key, armor: Some(KrbFastArmor { armor_type, armor_value }) }
    }
}

fn ap_req(
    ticket: &PlannedTicket,
    (subkey, cksum): (Option<&Key>, Option<Checksum>),
    time: i64,
    marked: &[(i16, Vec<u8>)],
    usage: KeyUsage,
    rng: &mut dyn CryptoRngCore,
) -> Vec<u8> {
    let authenticator = Authenticator {
        crealm: ticket.part.crealm.clone(),
        cname: ticket.part.cname.clone(),
        cksum,
        ctime: at(time),
        subkey: subkey.map(to_wire),
        seq_number: None,
        authorization_data: (!marked.is_empty()).then(|| AuthorizationData(data(marked))),
    };
    let sealed = seal(&ticket.session, usage, &authenticator.encode(), rng);
    ApReq { options: ApOptions::empty(), ticket: ticket.ticket.clone(), authenticator: sealed }.encode()
}

impl Proof {
    fn build(&self, armor: &FastArmor, client: Option<&PrincipalName>, rng: &mut dyn CryptoRngCore) -> PaData {
        let named = client.map(|name| Principal::new(name.clone(), realm::REALM).to_string());
        let named = named.as_deref().and_then(|name| name.strip_suffix("@R")).unwrap_or("nobody");
        let client = self.client.map_or(named, |number| realm::name(number));
        let client = if client == "alias" { "alice" } else { client };
        let kvno = if self.kvno.is_multiple_of(4) { 2 } else { u32::from(self.kvno % 4) };
        let key = realm::key(client, kvno, enctype(self.enctype));
        let time = at(NOW + i64::from(self.skew % 600));
        if !self.timestamp {
            return armor.challenge(&key, time, rng);
        }
        let sealed = seal(&key, KeyUsage::PA_ENC_TIMESTAMP, &PaEncTimestamp(time).encode(), rng);
        PaData { padata_type: pa_type::ENC_TIMESTAMP, value: PaData::encode_encrypted_data(&sealed) }
    }
}

impl Cookie {
    fn build(&self, rng: &mut dyn CryptoRngCore) -> Option<PaData> {
        let value = match self {
            Cookie::None => return None,
            Cookie::Any(octets) => octets.clone(),
            Cookie::Ours(age, client) => {
                let key = realm::key("krbtgt/R", 2, enctype(0));
                let owner = principal(realm::name(*client)).to_string();
                let plain = [&(NOW - i64::from(*age)).to_be_bytes()[..], owner.as_bytes()].concat();
                let mut sealed = seal(&key, KeyUsage::FX_COOKIE, &plain, rng);
                sealed.kvno = Some(2);
                [&b"KNL1"[..], &PaData::encode_encrypted_data(&sealed)].concat()
            }
        };
        Some(PaData { padata_type: pa_type::FX_COOKIE, value })
    }
}

/// Holds an outcome against its request.
pub fn check(planned: &PlannedFast, outcome: &Outcome, realm: &FuzzRealm) {
    let asked = realm.access.take();
    let reply = outcome.reply.as_deref().expect("what is a request is answered");
    match &outcome.event.outcome {
        Decision::Issued(issued) => {
            assert_eq!(asked.len(), 1, "one decision for each ticket");
            self::issued(planned, outcome, issued, reply, realm);
        }
        Decision::PreauthRequired | Decision::Refused { .. } => error(planned, outcome, reply),
        Decision::Dropped(refusal) => panic!("dropped: {refusal:?}"),
    }
}

fn hides(planned: &PlannedFast) -> bool {
    planned.inner.options.contains(FastOptions::HIDE_CLIENT_NAMES)
}

fn error(planned: &PlannedFast, outcome: &Outcome, reply: &[u8]) {
    let outer = KrbError::decode(reply).expect("an error that clients read");
    if outcome.event.armor.is_none() {
        assert!(outcome.event.exchange == Exchange::Tgs || outcome.event.outcome != Decision::PreauthRequired);
        return;
    }
    assert_eq!(outer.e_text, None, "words do not leave the armor");
    if hides(planned) {
        assert!(outer.cname.is_none() || outer.cname == Some(Principal::anonymous().name), "a name that was hidden");
    }
    let (inside, methods) = planned.armor.error(&outer).expect("an error inside");
    assert_eq!(inside.error_code, outer.error_code);
    let cookie = methods.iter().any(|method| method.padata_type == pa_type::FX_COOKIE);
    assert_eq!(cookie, !methods.is_empty(), "a cookie beside methods and nowhere else");
}

fn issued(planned: &PlannedFast, outcome: &Outcome, issued: &IssuedTicket, reply: &[u8], realm: &FuzzRealm) {
    assert!(outcome.event.armor.is_some(), "an armored request is answered as one");
    let rep = KdcRep::decode(reply).expect("a reply that clients read");
    let kinds: Vec<i32> = rep.padata.iter().map(|element| element.padata_type).collect();
    assert_eq!(kinds, [pa_type::FX_FAST], "nothing else stands outside");
    let response = planned.armor.response(&rep.padata).expect("a response inside");
    assert_eq!(response.nonce, planned.inner.body.nonce);
    let finished = response.finished.as_ref().expect("a finished message");
    let client = Principal::new(finished.cname.clone(), &*finished.crealm);
    // A client that keeps its alias is audited as the account that it is.
    let account = realm.find(&client).map_or_else(|| client.clone(), |entry| entry.record.principal.clone());
    assert_eq!(Some(&account), outcome.event.client.as_ref());
    let outside = Principal::new(rep.cname.clone(), &*rep.crealm);
    assert_eq!(outside, if hides(planned) { Principal::anonymous() } else { client.clone() });
    let Checksum { cksumtype, checksum } = &finished.ticket_checksum;
    let verified =
        planned.armor.key.verify_checksum(KeyUsage::FAST_FINISHED, &rep.ticket.encode(), *cksumtype, checksum);
    assert_eq!(verified, Ok(()), "of another ticket");
    let (key, usage) = reply_key(planned, &rep, &account, issued);
    let strengthened = FastArmor::reply_key(&response, &key).expect("a strengthening key");
    let plain = strengthened.prepare(usage).open(&rep.enc_part.cipher).expect("sealed for the client");
    let part = EncKdcRepPart::decode(&plain).expect("a part that clients read");
    assert_eq!((part.nonce, part.flags, part.endtime), (response.nonce, issued.ticket_flags, issued.endtime));
    if planned.presented.is_none() && part.flags.contains(TicketFlags::PRE_AUTHENT) {
        assert!(planned.proves, "only a challenge proves anything inside armor");
        assert!(planned.armor.kdc_challenge(&key, &response.padata).is_ok(), "the KDC proves its key too");
    }
}

/// The key that would seal the reply without armor.
fn reply_key(planned: &PlannedFast, rep: &KdcRep, client: &Principal, issued: &IssuedTicket) -> (Key, KeyUsage) {
    match (&planned.presented, &planned.subkey) {
        (Some(_), Some(subkey)) => (subkey.clone(), KeyUsage::TGS_REP_SUBKEY),
        (Some(_), None) => panic!("no armor without a sub-key"),
        (None, _) => {
            let name = client.to_string();
            let name = name.strip_suffix("@R").unwrap_or(&name);
            let kvno = rep.enc_part.kvno.expect("the version of a client's key");
            (realm::key(name, kvno, issued.reply_enctype), KeyUsage::AS_REP)
        }
    }
}
