//! A ticket-granting ticket that is issued to a pod, without an AS exchange: the pod has proved who it is with its token.

use crate::access::{AccessClient, AccessPath, AccessRequest};
use crate::ap_exchange::encryption_key;
use crate::checks;
use crate::enctype_choice::{permitted, ticket_key};
use crate::entry::Entry;
use crate::event::IssuedTicket;
use crate::pods::{PodRef, PodState};
use crate::principal::Attributes;
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::reply::seal_ticket;
use crate::rules::Rules;
use kennel_crypto::{Enctype, Key};
use kennel_wire::ccache;
use kennel_wire::message::{EncTicketPart, KerberosTime, TicketFlags, Timestamp, TransitedEncoding};
use rand_core::CryptoRngCore;

/// A ticket, and its facts for the event.
#[derive(Debug)]
pub struct PodTicket {
    /// With its session key, as a credential cache holds it.
    pub credential: ccache::CcacheEntry,
    /// Facts of the ticket for the event.
    pub issued: IssuedTicket,
}

impl PodTicket {
    /// Issues a ticket-granting ticket to a pod of `client`: forwardable and not renewable, since the pod enrols again.
    /// Every ticket that is derived from it is bound to the pod.
    pub(crate) fn issue(
        rules: &Rules,
        client: &Entry,
        krbtgt: &Entry,
        pod: &PodRef,
        offered: &[i32],
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<PodTicket, Refusal> {
        checks::client(&client.record, now.time)?;
        checks::server(&krbtgt.record, now.time)?;
        if rules.pods.state(pod) == PodState::Gone {
            return Err(Refusal::PodGone);
        }
        let access = rules.decide_access(&AccessRequest {
            client: AccessClient::Own(client),
            server: krbtgt,
            path: AccessPath::Enrolment,
            now: now.time,
        });
        let access = access.map_err(|_| Refusal::AccessDenied)?;
        let key = ticket_key(krbtgt, &rules.realm)?;
        let session = Key::generate(session_enctype(krbtgt, offered, &rules.realm)?, rng);
        let part = ticket_part(client, krbtgt, pod, &session, now.time, &rules.realm)?;
        let issued = IssuedTicket {
            ticket_flags: part.flags,
            ticket_enctype: key.key.enctype(),
            session_enctype: session.enctype(),
            reply_enctype: session.enctype(),
            kvno: Some(key.kvno),
            authtime: part.authtime,
            starttime: now.time,
            endtime: part.endtime,
            renew_till: None,
            referral: false,
            user_to_user: false,
            allowed_by: access.allowed_by,
            would_deny: access.would_deny,
        };
        let ticket = seal_ticket(&krbtgt.record.principal, &part, key, rng)?;
        Ok(PodTicket { credential: credential(client, krbtgt, part, ticket), issued })
    }
}

/// The first enctype that the pod knows, the realm permits and the ticket-granting service has a key of.
fn session_enctype(krbtgt: &Entry, offered: &[i32], realm: &Realm) -> Result<Enctype, Refusal> {
    let all: Vec<i32>;
    let offered = if offered.is_empty() {
        all = realm.enctypes.iter().map(|e| e.number()).collect();
        &all
    } else {
        offered
    };
    crate::enctype_choice::session_enctype(krbtgt, offered, realm)
        .or_else(|refusal| offered.iter().find_map(|n| permitted(*n, realm)).ok_or(refusal))
}

fn ticket_part(
    client: &Entry,
    krbtgt: &Entry,
    pod: &PodRef,
    session: &Key,
    now: KerberosTime,
    realm: &Realm,
) -> Result<EncTicketPart, Refusal> {
    let records = [&client.record, &krbtgt.record];
    let life = records.iter().filter_map(|r| r.max_life).fold(realm.max_life, u32::min);
    let endtime = records.iter().filter_map(|r| r.expires).fold(now.plus(life.into()), KerberosTime::min);
    if endtime <= now {
        return Err(Refusal::NeverValid);
    }
    let mut flags = TicketFlags::INITIAL | TicketFlags::PRE_AUTHENT;
    let forbidden = records.iter().any(|r| r.attributes.contains(Attributes::DISALLOW_FORWARDABLE));
    flags.set(TicketFlags::FORWARDABLE, !forbidden);
    let name = &client.record.principal;
    Ok(EncTicketPart {
        flags,
        key: encryption_key(session),
        crealm: name.realm.clone(),
        cname: name.name.clone(),
        transited: TransitedEncoding { tr_type: 1, contents: Vec::new() },
        authtime: checks::authentication_time(records, now),
        starttime: Some(now),
        endtime,
        renew_till: None,
        caddr: None,
        authorization_data: Some(pod.bind()),
    })
}

fn credential(client: &Entry, krbtgt: &Entry, part: EncTicketPart, ticket: Vec<u8>) -> ccache::CcacheEntry {
    ccache::CcacheEntry {
        client: client.record.principal.clone(),
        server: krbtgt.record.principal.clone(),
        key: part.key,
        authtime: part.authtime,
        starttime: part.starttime.unwrap_or(part.authtime),
        endtime: part.endtime,
        renew_till: KerberosTime::EPOCH,
        is_skey: false,
        flags: part.flags,
        addresses: Vec::new(),
        authdata: Vec::new(),
        ticket,
        second_ticket: Vec::new(),
    }
}
