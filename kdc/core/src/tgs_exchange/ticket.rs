//! Tickets that clients present: what kinds there are, how one is opened, whether one is valid now and whether its pod lives.

use crate::enctype_choice::permitted;
use crate::entry::Entry;
use crate::pods::{PodRef, PodState};
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::rules::Rules;
use kennel_crypto::Key;
use kennel_wire::message::{EncTicketPart, EncryptedData, EncryptionKey, KerberosTime, Ticket, TicketFlags};

/// What kind of ticket is presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TicketKind {
    /// A TGT of this realm.
    OwnTgt,
    /// Another ticket of this realm.
    OwnService,
    /// A TGT for this realm that the named realm issued.
    ForeignTgt(String),
}

impl TicketKind {
    /// The kind of a ticket, or `None` if it is of no use here.
    pub(crate) fn new(ticket: &Ticket, realm: &str) -> Option<TicketKind> {
        match (ticket.realm == realm, ticket.sname.krbtgt_realm() == Some(realm)) {
            (true, true) => Some(TicketKind::OwnTgt),
            (true, false) => Some(TicketKind::OwnService),
            (false, true) => Some(TicketKind::ForeignTgt(ticket.realm.clone())),
            (false, false) => None,
        }
    }
}

/// Opens a ticket with whichever key version it is under, as long as the key set still holds it.
pub(crate) fn open_ticket(
    data: &EncryptedData,
    server: Option<&Entry>,
    realm: &Realm,
) -> Result<EncTicketPart, Refusal> {
    let server = server.ok_or(Refusal::TicketNotForUs)?;
    let enctype = permitted(data.etype, realm).ok_or(Refusal::TicketEnctype)?;
    let mut keys = server.key_for(enctype, data.kvno).peekable();
    if keys.peek().is_none() {
        return Err(Refusal::TicketKeyVersion);
    }
    let plaintext = keys.find_map(|k| k.ticket().open(&data.cipher).ok()).ok_or(Refusal::TicketIntegrity)?;
    EncTicketPart::decode(&plaintext).map_err(|_| Refusal::TicketIntegrity)
}

/// A session key or sub-key out of a message, if its enctype is permitted.
pub(crate) fn session_key(key: &EncryptionKey, realm: &Realm) -> Option<Key> {
    let enctype = permitted(key.keytype, realm)?;
    Key::new(enctype, &key.keyvalue).ok()
}

/// Whether a ticket can be used now; one that is to be validated is invalid until then.
pub(crate) fn valid_now(
    part: &EncTicketPart,
    now: KerberosTime,
    realm: &Realm,
    validating: bool,
) -> Result<(), Refusal> {
    let skew = i64::from(realm.clock_skew);
    if part.endtime.plus(skew) < now {
        return Err(Refusal::TicketExpired);
    }
    if part.starttime.unwrap_or(part.authtime) > now.plus(skew) {
        return Err(Refusal::TicketNotYetValid);
    }
    if part.flags.contains(TicketFlags::INVALID) && !validating {
        return Err(Refusal::TicketInvalid);
    }
    Ok(())
}

/// The pod that a ticket of this realm is bound to.
pub(crate) fn bound_pod(part: &EncTicketPart) -> Result<Option<PodRef>, Refusal> {
    PodRef::of_ticket(part.authorization_data.as_ref()).map_err(|_| Refusal::PodBindingTorn)
}

/// A ticket ends with the pod that it is bound to.
pub(crate) fn lives(pod: Option<&PodRef>, rules: &Rules) -> Result<(), Refusal> {
    match pod {
        Some(pod) if rules.pods.state(pod) == PodState::Gone => Err(Refusal::PodGone),
        _ => Ok(()),
    }
}
