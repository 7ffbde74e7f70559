//! The AP-REQ of a TGS request: a ticket that we can open, an authenticator that fits it, and a checksum that binds both
//! to the request (RFC 4120, sections 3.2.3 and 3.3.3).

use super::request::TgsRequest;
use crate::addresses::usable_from;
use crate::context::Context;
use crate::enctype_choice::permitted;
use crate::entry::Entry;
use crate::kdc::Rules;
use crate::pods::{PodRef, PodState};
use crate::preauth::enc_timestamp::within_skew;
use crate::realm::Realm;
use crate::refusal::Refusal;
use kennel_crypto::{CryptoError, Key, KeyUsage};
use kennel_wire::message::{
    Authenticator, EncTicketPart, EncryptedData, EncryptionKey, KdcOptions, KerberosTime, Principal, Ticket,
    TicketFlags,
};

/// What kind of ticket is presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A TGT of this realm.
    OwnTgt,
    /// Another ticket of this realm.
    OwnService,
    /// A TGT for this realm that the named realm issued.
    ForeignTgt(String),
}

impl Kind {
    /// The kind of a ticket, or `None` if it is of no use here.
    pub(crate) fn of(ticket: &Ticket, realm: &str) -> Option<Kind> {
        match (ticket.realm == realm, ticket.sname.krbtgt_realm() == Some(realm)) {
            (true, true) => Some(Kind::OwnTgt),
            (true, false) => Some(Kind::OwnService),
            (false, true) => Some(Kind::ForeignTgt(ticket.realm.clone())),
            (false, false) => None,
        }
    }
}

/// A verified AP-REQ.
pub(crate) struct Presented {
    pub(crate) kind: Kind,
    pub(crate) part: EncTicketPart,
    pub(crate) session: Key,
    pub(crate) subkey: Option<Key>,
}

impl Presented {
    /// Verifies everything about the AP-REQ that does not depend on what is asked for.
    pub(crate) fn verify(
        request: &TgsRequest,
        server: Option<&Entry>,
        rules: &Rules,
        context: &mut Context,
    ) -> Result<Presented, Refusal> {
        let realm = &rules.realm;
        let part = open_ticket(&request.ap.ticket.enc_part, server, realm)?;
        let session = session_key(&part.key, realm).ok_or(Refusal::TicketEnctype)?;
        let authenticator = open_authenticator(&request.ap.authenticator, &session)?;
        if authenticator.crealm != part.crealm || authenticator.cname != part.cname {
            return Err(Refusal::AuthenticatorMismatch);
        }
        verify_checksum(&authenticator, &session, &request.body_der)?;
        // Now, and not before, what the ticket says of its client is known to come from that client.
        let presented = Presented { kind: request.kind.clone(), part, session, subkey: None };
        context.client = Some(presented.client());
        presented.check_pod(rules, context)?;
        if !within_skew(authenticator.ctime, context.now, realm) {
            return Err(Refusal::AuthenticatorSkew);
        }
        let validating = request.body.options.contains(KdcOptions::VALIDATE);
        valid_now(&presented.part, context.now.time, realm, validating)?;
        if !usable_from(presented.part.caddr.as_deref(), context.peer.ip()) {
            return Err(Refusal::TicketAddress);
        }
        if matches!(presented.kind, Kind::ForeignTgt(_)) && presented.part.crealm == realm.name {
            return Err(Refusal::TicketSpoofsLocalClient);
        }
        let subkey = match &authenticator.subkey {
            Some(subkey) => Some(session_key(subkey, realm).ok_or(Refusal::AuthenticatorSubkey)?),
            None => None,
        };
        Ok(Presented { subkey, ..presented })
    }

    /// The pod that the ticket is bound to; the ticket ends with it. Only tickets of our own can be bound.
    fn check_pod(&self, rules: &Rules, context: &mut Context) -> Result<(), Refusal> {
        if matches!(self.kind, Kind::ForeignTgt(_)) {
            return Ok(());
        }
        context.pod = PodRef::of_ticket(self.part.authorization_data.as_ref()).map_err(|_| Refusal::PodBindingTorn)?;
        match &context.pod {
            Some(pod) if rules.pods.state(pod) == PodState::Gone => Err(Refusal::PodGone),
            _ => Ok(()),
        }
    }

    /// Whose ticket it is.
    pub(crate) fn client(&self) -> Principal {
        Principal::new(self.part.cname.clone(), &*self.part.crealm)
    }

    pub(crate) fn has(&self, flag: TicketFlags) -> bool {
        self.part.flags.contains(flag)
    }

    pub(crate) fn starttime(&self) -> KerberosTime {
        self.part.starttime.unwrap_or(self.part.authtime)
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

fn open_authenticator(data: &EncryptedData, session: &Key) -> Result<Authenticator, Refusal> {
    if data.etype != session.enctype().number() {
        return Err(Refusal::AuthenticatorIntegrity);
    }
    let key = session.prepare(KeyUsage::TGS_REQ_AUTHENTICATOR);
    let plaintext = key.open(&data.cipher).map_err(|_| Refusal::AuthenticatorIntegrity)?;
    Authenticator::decode(&plaintext).map_err(|_| Refusal::AuthenticatorIntegrity)
}

fn verify_checksum(authenticator: &Authenticator, session: &Key, body: &[u8]) -> Result<(), Refusal> {
    let sum = authenticator.cksum.as_ref().ok_or(Refusal::ChecksumMissing)?;
    session.verify_checksum(KeyUsage::TGS_REQ_CHECKSUM, body, sum.cksumtype, &sum.checksum).map_err(|e| match e {
        CryptoError::ChecksumType(_) => Refusal::ChecksumType,
        _ => Refusal::ChecksumMismatch,
    })
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
