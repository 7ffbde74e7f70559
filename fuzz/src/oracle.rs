//! What must hold of every outcome, whatever was asked.

use crate::realm::{FuzzRealm, NOW};
use crate::request::Planned;
use kennel_core::access::AccessDecision;
use kennel_core::event::{Decision, IssuedTicket};
use kennel_core::key_set::KeyState;
use kennel_core::outcome::Outcome;
use kennel_core::principal::Attributes;
use kennel_crypto::KeyUsage;
use kennel_wire::message::*;

/// The largest answer that nobody had to prove anything for: a KRB-ERROR with names as long as the request's own.
const LARGEST_ERROR: usize = 1024;

/// Holds an outcome against its request.
pub fn check(planned: &Planned, outcome: &Outcome, realm: &FuzzRealm) {
    let asked = realm.access.take();
    match &outcome.event.outcome {
        Decision::Dropped(_) => assert!(outcome.reply.is_none(), "what is dropped is not answered"),
        Decision::Refused { refusal, code, .. } => {
            assert_eq!(*code, refusal.code());
            error(planned, outcome, *code);
        }
        Decision::PreauthRequired => error(planned, outcome, ErrorCode::PREAUTH_REQUIRED),
        Decision::Issued(issued) => {
            assert_eq!(asked.len(), 1, "one decision for each ticket");
            assert!(!matches!(asked[0].2, AccessDecision::Deny(_)), "what is denied is not issued");
            assert_eq!(matches!(asked[0].2, AccessDecision::Observe(_)), issued.would_deny.is_some());
            assert_eq!(Some(&asked[0].0), outcome.event.client.as_ref());
            self::issued(planned, outcome, issued, realm);
        }
    }
}

fn error(planned: &Planned, outcome: &Outcome, code: ErrorCode) {
    let reply = outcome.reply.as_deref().expect("what is refused is answered");
    assert!(reply.len() <= planned.bytes.len() + LARGEST_ERROR, "{} octets for {}", reply.len(), planned.bytes.len());
    let error = KrbError::decode(reply).expect("an error that clients read");
    assert_eq!(error.error_code, code);
}

/// A ticket: it is what the event says, of keys that are active, and no wider than what it came out of.
fn issued(planned: &Planned, outcome: &Outcome, issued: &IssuedTicket, realm: &FuzzRealm) {
    let reply = KdcRep::decode(outcome.reply.as_deref().expect("a ticket is sent")).expect("a reply that clients read");
    let client = Principal::new(reply.cname.clone(), &*reply.crealm);
    // A client that keeps its alias is audited as the account that it is.
    let account = realm.find(&client).map_or_else(|| client.clone(), |entry| entry.record.principal.clone());
    assert_eq!(Some(&account), outcome.event.client.as_ref());
    if let Some(record) = realm.find(&client).map(|entry| entry.record.clone())
        && client.realm == realm.rules.name
    {
        assert!(!record.attributes.contains(Attributes::DISALLOW_ALL), "{client} is locked");
        assert!(record.expires.is_none_or(|end| end.0 > NOW && issued.endtime <= end), "{client} has expired");
    }
    if let Some(presented) = &planned.presented {
        assert!(!presented.dead || presented.ticket.realm != realm.rules.name, "its pod is gone");
    }
    let part = if issued.user_to_user { None } else { Some(ticket(&reply.ticket, outcome, issued, realm)) };
    if let (None, Some(part)) = (&planned.presented, &part) {
        // Presented tickets are the fuzzer's own and may contradict themselves; what AS makes may not.
        assert_eq!(part.flags.contains(TicketFlags::RENEWABLE), part.renew_till.is_some());
    }
    if let (Some(presented), Some(part)) = (&planned.presented, &part) {
        assert_eq!((&part.crealm, &part.cname), (&presented.part.crealm, &presented.part.cname));
        assert_eq!(part.authtime, presented.part.authtime);
        no_wider(planned, &presented.part, issued, part);
    }
    if let (Some(presented), Some(body)) = (&planned.presented, &planned.body) {
        encrypted(&reply, presented.part.authtime, planned, body, issued);
    }
}

/// Opens the ticket with the server's key of the version that the event names.
fn ticket(ticket: &Ticket, outcome: &Outcome, issued: &IssuedTicket, realm: &FuzzRealm) -> EncTicketPart {
    let server = outcome.event.server.as_ref().expect("a ticket is for somebody");
    let entry = realm.find(server).expect("who is known");
    assert!(!entry.record.attributes.contains(Attributes::DISALLOW_ALL), "{server} is locked");
    let key = entry.key_for(issued.ticket_enctype, issued.kvno).next().expect("under a key of it");
    assert_eq!(key.state, KeyState::Active, "only active keys issue");
    assert_eq!(ticket.enc_part.kvno, issued.kvno);
    let plain = key.key.prepare(KeyUsage::TICKET).open(&ticket.enc_part.cipher).expect("sealed for the server");
    let part = EncTicketPart::decode(&plain).expect("a ticket");
    assert_eq!((part.flags, part.endtime, part.renew_till), (issued.ticket_flags, issued.endtime, issued.renew_till));
    let start = part.starttime.unwrap_or(part.authtime);
    assert!(part.endtime > start && part.endtime.0 > NOW, "a ticket that is worth something");
    assert!(part.endtime.0 - start.0 <= i64::from(realm.rules.max_life), "no longer than the realm's longest");
    part
}

fn no_wider(planned: &Planned, from: &EncTicketPart, issued: &IssuedTicket, part: &EncTicketPart) {
    let options = planned.body.as_ref().map(|body| body.options).unwrap_or_default();
    let renewed = options.contains(KdcOptions::RENEW);
    if planned.body.is_some() && !renewed {
        assert!(issued.endtime <= from.endtime, "it ends with what it came out of");
    }
    if planned.body.is_some() {
        assert!(issued.renew_till <= from.renew_till, "renewable no longer than what it came out of");
    }
    for flag in [
        TicketFlags::FORWARDABLE,
        TicketFlags::PROXIABLE,
        TicketFlags::MAY_POSTDATE,
        TicketFlags::RENEWABLE,
        TicketFlags::PRE_AUTHENT,
        TicketFlags::HW_AUTHENT,
    ] {
        assert!(!part.flags.contains(flag) || from.flags.contains(flag), "{flag:?} came out of nothing");
    }
    let again =
        planned.body.as_ref().is_none_or(|body| body.options.intersects(KdcOptions::RENEW | KdcOptions::VALIDATE));
    let stays = again && from.flags.contains(TicketFlags::INITIAL) && part_is_tgt(planned);
    assert!(
        stays || !part.flags.contains(TicketFlags::INITIAL),
        "only TGTs of an AS exchange that come again are initial"
    );
    let local = |part: &EncTicketPart| {
        let data = part.authorization_data.iter().flat_map(|data| &data.0);
        data.filter(|datum| datum.ad_type < 0).count()
    };
    assert!(local(part) <= local(from), "only we write local types");
}

/// Whether the presented ticket, and so one that is renewed or validated, is a TGT of the realm.
fn part_is_tgt(planned: &Planned) -> bool {
    let realm = crate::realm::REALM;
    let ticket = planned.presented.as_ref().map(|presented| &presented.ticket);
    ticket.is_some_and(|ticket| ticket.realm == realm && ticket.sname.krbtgt_realm() == Some(realm))
}

/// Opens the encrypted part with the sub-key or the session key.
fn encrypted(reply: &KdcRep, authtime: KerberosTime, planned: &Planned, body: &KdcReqBody, issued: &IssuedTicket) {
    let Some(presented) = &planned.presented else { return };
    let (key, usage) = match &planned.subkey {
        Some(subkey) => (subkey, KeyUsage::TGS_REP_SUBKEY),
        None => (&presented.session, KeyUsage::TGS_REP_SESSION),
    };
    let plain = key.prepare(usage).open(&reply.enc_part.cipher).expect("sealed for the client");
    let part = EncKdcRepPart::decode(&plain).expect("a part that clients read");
    assert_eq!((part.nonce, part.authtime), (body.nonce, authtime));
    assert_eq!((part.flags, part.endtime), (issued.ticket_flags, issued.endtime));
    assert_eq!(part.sname, reply.ticket.sname);
}
