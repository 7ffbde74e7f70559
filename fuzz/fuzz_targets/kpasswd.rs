//! The password protocol: octets, parts of requests, and requests past the crypto, under a ticket that the fuzzer made. None panics, a
//! password arrives as it was sent, and no answer is a request.
#![no_main]

use arbitrary::Arbitrary;
use kennel_client::Credential;
use kennel_client::kpasswd::{PasswordExchange, PasswordOrder};
use kennel_core::admin::caller::AdminService;
use kennel_core::entry::Entry;
use kennel_core::key_set::KeySet;
use kennel_core::kpasswd::answer::{PasswordAnswer, answer, in_datagram};
use kennel_core::kpasswd::event::{PasswordOutcome, PasswordRefusal};
use kennel_core::kpasswd::request::AuthenticPasswordRequest;
use kennel_core::principal::{Origin, PrincipalRecord};
use kennel_core::realm::Realm;
use kennel_crypto::{Enctype, Key, KeyUsage};
use kennel_wire::der::writer::Writer;
use kennel_wire::kpasswd::{FrameFault, PasswordRequest, PasswordVersion};
use kennel_wire::message::{
    EncTicketPart, EncryptedData, EncryptionKey, KerberosTime, Principal, Ticket, TicketFlags, Timestamp,
    TransitedEncoding,
};
use libfuzzer_sys::fuzz_target;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::sync::LazyLock;

const NOW: Timestamp = Timestamp { time: KerberosTime(1_800_000_000), micros: 7 };

#[derive(Debug, Arbitrary)]
enum Case {
    Octets(Vec<u8>),
    Parts { set: bool, ap_req: Vec<u8>, krb_priv: Vec<u8> },
    Proven { set: bool, password: Vec<u8>, target: Option<String>, initial: bool, flips: Vec<(u16, u8)> },
}

struct Server {
    realm: Realm,
    service: Entry,
    ticket_key: Key,
    session: Key,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let (realm, mut rng) = (Realm::new("R"), StdRng::seed_from_u64(3244));
    let keys = KeySet::random(&[Enctype::Aes256CtsHmacSha1], 1, NOW, &mut rng);
    let ticket_key = keys.versions[0].keys[0].key.clone();
    let name = AdminService::ChangePassword.principal("R");
    let service = Entry::new(PrincipalRecord::new(name, Origin::Manual, keys, NOW, "fuzz"));
    Server { realm, service, ticket_key, session: Key::generate(Enctype::Aes256CtsHmacSha1, &mut rng) }
});

fuzz_target!(|case: Case| {
    let mut rng = StdRng::seed_from_u64(1);
    let version = |set| if set { PasswordVersion::Set } else { PasswordVersion::Change };
    match case {
        Case::Octets(octets) => _ = serve(&octets, &mut rng),
        Case::Parts { set, ap_req, krb_priv } => {
            let request = PasswordRequest { version: version(set), ap_req: &ap_req, krb_priv: &krb_priv };
            if let Some(octets) = request.encode() {
                _ = serve(&octets, &mut rng);
            }
        }
        Case::Proven { set, password, target, initial, flips } => {
            let target = target.and_then(|text| Principal::parse(&text, "R").ok());
            let order = PasswordOrder { password: &password, version: version(set), target };
            let credential = SERVER.credential(initial, &mut rng);
            let Ok((_, mut octets)) = PasswordExchange::begin(&credential, &order, NOW, &mut rng) else { return };
            for (position, flip) in &flips {
                let length = octets.len();
                octets[usize::from(*position) % length] ^= flip;
            }
            if let Some(received) = serve(&octets, &mut rng) {
                assert_eq!(received, password, "another password than the one that was sent");
            }
        }
    }
});

/// Verifies and answers a request; returns the password of one that is accepted.
fn serve(octets: &[u8], rng: &mut StdRng) -> Option<Vec<u8>> {
    match AuthenticPasswordRequest::verify(octets, Some(&SERVER.service), &SERVER.realm, NOW) {
        Ok(request) => {
            assert!(request.initial || request.target.is_some());
            check_answer(&PasswordOutcome::Changed, Some(&request.answer), octets.len(), rng);
            Some(request.password.expose().to_vec())
        }
        Err(refused) => {
            let is_reply = refused.refusal == PasswordRefusal::NotARequest;
            let outcome = PasswordOutcome::Refused(refused.refusal);
            let to = refused.proven.as_deref().map(|proven| &proven.answer);
            let answered = check_answer(&outcome, to, octets.len(), rng);
            assert!(!(is_reply && answered), "a reply is answered");
            None
        }
    }
}

fn check_answer(outcome: &PasswordOutcome, to: Option<&PasswordAnswer>, request: usize, rng: &mut StdRng) -> bool {
    let reply = answer(outcome, to, &SERVER.realm, NOW, rng);
    if let Some(reply) = &reply {
        assert_eq!(PasswordRequest::decode(reply), Err(FrameFault::Reply), "the answer is a request");
    }
    let small = in_datagram(reply.clone(), outcome, request, 1400);
    assert!(small.is_none_or(|small| small.len() <= request * 6));
    reply.is_some()
}

impl Server {
    fn credential(&self, initial: bool, rng: &mut StdRng) -> Credential {
        let (alice, server) = (Principal::parse("alice", "R").expect("a name"), &self.service.record.principal);
        let flags = if initial { TicketFlags::INITIAL } else { TicketFlags::empty() };
        let part = EncTicketPart {
            flags,
            key: EncryptionKey {
                keytype: self.session.enctype().number(),
                keyvalue: self.session.expose().to_vec().into(),
            },
            crealm: alice.realm.clone(),
            cname: alice.name.clone(),
            transited: TransitedEncoding { tr_type: 1, contents: Vec::new() },
            authtime: NOW.time,
            starttime: None,
            endtime: NOW.time.plus(300),
            renew_till: None,
            caddr: None,
            authorization_data: None,
        };
        let mut writer = Writer::with_capacity(256);
        part.write(&mut writer);
        let cipher = self.ticket_key.prepare(KeyUsage::TICKET).seal(&writer.into_secret(), rng);
        let enc_part = EncryptedData { etype: self.ticket_key.enctype().number(), kvno: Some(1), cipher };
        Credential {
            client: alice,
            server: server.clone(),
            ticket: Ticket { realm: server.realm.clone(), sname: server.name.clone(), enc_part },
            session_key: self.session.clone(),
            flags,
            authtime: NOW.time,
            starttime: NOW.time,
            endtime: NOW.time.plus(300),
            renew_till: None,
            addresses: Vec::new(),
            second_ticket: None,
            authdata: Vec::new(),
        }
    }
}
