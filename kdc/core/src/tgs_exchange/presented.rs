//! The AP-REQ of a TGS request: a ticket that we can open, an authenticator that fits it, and a checksum that binds both
//! to the request (RFC 4120, sections 3.2.3 and 3.3.3).

use crate::addresses::usable_from;
use crate::context::Context;
use crate::entry::Entry;
use crate::refusal::Refusal;
use crate::rules::Rules;
use crate::tgs_exchange::request::TgsRequest;
use crate::tgs_exchange::ticket::{TicketKind, bound_pod, lives, open_ticket, session_key, valid_now};
use crate::ticket_policy::PresentedRenewal;
use kennel_crypto::{CryptoError, Key, KeyUsage};
use kennel_wire::message::{
    Authenticator, EncTicketPart, EncryptedData, KdcOptions, KerberosTime, Principal, TicketFlags,
};

/// A verified AP-REQ.
pub(crate) struct Presented {
    pub(crate) kind: TicketKind,
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
        if !realm.tolerates_skew(authenticator.ctime, context.now) {
            return Err(Refusal::AuthenticatorSkew);
        }
        let validating = request.body.options.contains(KdcOptions::VALIDATE);
        valid_now(&presented.part, context.now.time, realm, validating)?;
        if !usable_from(presented.part.caddr.as_deref(), context.peer.ip()) {
            return Err(Refusal::TicketAddress);
        }
        if matches!(presented.kind, TicketKind::ForeignTgt(_)) && presented.part.crealm == realm.name {
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
        if matches!(self.kind, TicketKind::ForeignTgt(_)) {
            return Ok(());
        }
        context.pod = bound_pod(&self.part)?;
        lives(context.pod.as_ref(), rules)
    }

    /// Whose ticket it is.
    pub(crate) fn client(&self) -> Principal {
        Principal::new(self.part.cname.clone(), &*self.part.crealm)
    }

    pub(crate) fn has(&self, flag: TicketFlags) -> bool {
        self.part.flags.contains(flag)
    }

    pub(crate) fn renewal(&self) -> PresentedRenewal {
        match self.part.renew_till {
            Some(till) if self.has(TicketFlags::RENEWABLE) => PresentedRenewal::Until(till),
            _ => PresentedRenewal::NotRenewable,
        }
    }

    pub(crate) fn starttime(&self) -> KerberosTime {
        self.part.starttime.unwrap_or(self.part.authtime)
    }
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
