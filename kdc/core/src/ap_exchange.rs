//! The AP-REQ (RFC 4120, section 3.2.3), verified in one place for everything that receives one. First the request proves to
//! be genuine ([`GenuineApReq::open`]): its ticket and its authenticator open and name the same client. The protocol then
//! verifies its own checksum ([`GenuineApReq::verify_checksum`]), and [`GenuineApReq::check_in_force`] asks whether clock,
//! validity and address let the ticket be used now. A refusal carries the error code that the RFC names for its reason.

use crate::addresses::usable_from;
use crate::checks::within_skew;
use crate::enctype_choice::{opens_tickets, permitted};
use crate::entry::Entry;
use crate::realm::Realm;
use crate::refusal::Refusal;
use kennel_crypto::{CryptoError, Enctype, Key, KeyUsage, PreparedKey, UnkeyedChecksum};
use kennel_wire::message::{
    Authenticator, EncTicketPart, EncryptedData, EncryptionKey, KerberosTime, TicketFlags, Timestamp,
};
use std::borrow::Borrow;
use std::net::IpAddr;
use zeroize::Zeroizing;

/// What an acceptor permits.
#[derive(Debug, Clone, Copy)]
pub struct ApRules<'a> {
    /// Usage of the session key for the authenticator: [`KeyUsage::TGS_REQ_AUTHENTICATOR`] in a TGS request,
    /// [`KeyUsage::AP_REQ_AUTHENTICATOR`] everywhere else.
    pub authenticator_usage: KeyUsage,
    /// Enctypes that session key and sub-key may have.
    pub enctypes: &'a [Enctype],
    /// Clock skew that is tolerated, seconds.
    pub clock_skew: u32,
}

/// The moment and the place in which an AP-REQ is used.
#[derive(Debug, Clone, Copy)]
pub struct ApUse {
    /// The acceptor's clock.
    pub now: Timestamp,
    /// Where the request came from; `None` leaves the ticket's addresses unchecked.
    pub peer: Option<IpAddr>,
    /// The request asks to validate the ticket, which may then be INVALID.
    pub validating: bool,
}

/// An AP-REQ whose ticket and authenticator open and name the same client.
#[derive(Debug)]
pub struct GenuineApReq {
    /// The content of the ticket.
    pub ticket: EncTicketPart,
    /// The authenticator. Its checksum is for the protocol to verify.
    pub authenticator: Authenticator,
    /// The session key.
    pub session: Key,
}

impl GenuineApReq {
    /// Opens the authenticator with the session key of an opened ticket, and compares the client of both.
    ///
    /// # Errors
    /// [`Refusal::TicketEnctype`] (the session key's), [`Refusal::AuthenticatorIntegrity`],
    /// [`Refusal::AuthenticatorMismatch`].
    pub fn open(
        ticket: EncTicketPart,
        authenticator: &EncryptedData,
        rules: &ApRules<'_>,
    ) -> Result<GenuineApReq, Refusal> {
        let session = message_key(&ticket.key, rules.enctypes).ok_or(Refusal::TicketEnctype)?;
        let authenticator = open_authenticator(authenticator, &session, rules.authenticator_usage)?;
        if authenticator.crealm != ticket.crealm || authenticator.cname != ticket.cname {
            return Err(Refusal::AuthenticatorMismatch);
        }
        Ok(GenuineApReq { ticket, authenticator, session })
    }

    /// Verifies the authenticator's checksum over `data`: keyed with the session key, or collision-proof without a key, as RFC 4120,
    /// section 3.3.2, asks for. The authenticator around the checksum is encrypted, so nobody between can replace the checksum.
    ///
    /// # Errors
    /// [`Refusal::ChecksumMissing`], [`Refusal::ChecksumType`], [`Refusal::ChecksumMismatch`].
    pub fn verify_checksum(&self, usage: KeyUsage, data: &[u8]) -> Result<(), Refusal> {
        let sum = self.authenticator.cksum.as_ref().ok_or(Refusal::ChecksumMissing)?;
        let verified = match UnkeyedChecksum::from_number(sum.cksumtype) {
            Some(unkeyed) => unkeyed.verify(data, &sum.checksum),
            None => self.session.verify_checksum(usage, data, sum.cksumtype, &sum.checksum),
        };
        verified.map_err(|error| match error {
            CryptoError::ChecksumType(_) => Refusal::ChecksumType,
            _ => Refusal::ChecksumMismatch,
        })
    }

    /// Checks that the request is recent and that its ticket is valid, now and from where it is used.
    ///
    /// # Errors
    /// [`Refusal::AuthenticatorSkew`], what [`valid_now`] refuses, [`Refusal::TicketAddress`].
    pub fn check_in_force(&self, rules: &ApRules<'_>, at: ApUse) -> Result<(), Refusal> {
        if !within_skew(self.authenticator.ctime, at.now, rules.clock_skew) {
            return Err(Refusal::AuthenticatorSkew);
        }
        valid_now(&self.ticket, at.now.time, rules.clock_skew, at.validating)?;
        match at.peer {
            Some(peer) if !usable_from(self.ticket.caddr.as_deref(), peer) => Err(Refusal::TicketAddress),
            _ => Ok(()),
        }
    }

    /// The sub-key that the client chose.
    ///
    /// # Errors
    /// [`Refusal::AuthenticatorSubkey`]: it cannot be used.
    pub fn subkey(&self, rules: &ApRules<'_>) -> Result<Option<Key>, Refusal> {
        let subkey = self.authenticator.subkey.as_ref();
        subkey.map(|key| message_key(key, rules.enctypes).ok_or(Refusal::AuthenticatorSubkey)).transpose()
    }
}

/// Opens a ticket for a principal of this realm, under any key version that the key set still holds; a TGT of this realm only under
/// the strongest key of its version.
///
/// # Errors
/// [`Refusal::TicketNotForUs`] where there is no such principal, [`Refusal::TicketEnctype`],
/// [`Refusal::TicketKeyVersion`], [`Refusal::TicketIntegrity`].
pub fn open_ticket(data: &EncryptedData, server: Option<&Entry>, realm: &Realm) -> Result<EncTicketPart, Refusal> {
    let server = server.ok_or(Refusal::TicketNotForUs)?;
    let enctype = permitted(data.etype, realm).ok_or(Refusal::TicketEnctype)?;
    let mut keys = server.key_for(enctype, data.kvno).filter(|key| opens_tickets(server, key, realm)).peekable();
    if keys.peek().is_none() {
        return Err(Refusal::TicketKeyVersion);
    }
    open_ticket_with(data, keys.map(|key| key.ticket()))
}

/// Opens a ticket with the first of some keys that fits; they are prepared for [`KeyUsage::TICKET`].
///
/// # Errors
/// [`Refusal::TicketIntegrity`].
pub fn open_ticket_with<K: Borrow<PreparedKey>>(
    data: &EncryptedData,
    keys: impl IntoIterator<Item = K>,
) -> Result<EncTicketPart, Refusal> {
    let mut keys = keys.into_iter().filter(|key| key.borrow().enctype().number() == data.etype);
    let plaintext = keys.find_map(|key| key.borrow().open(&data.cipher).ok()).ok_or(Refusal::TicketIntegrity)?;
    EncTicketPart::decode(&plaintext).map_err(|_| Refusal::TicketIntegrity)
}

/// Checks that a ticket can be used now; a ticket that waits for validation is invalid until then.
///
/// # Errors
/// [`Refusal::TicketExpired`], [`Refusal::TicketNotYetValid`], [`Refusal::TicketInvalid`].
pub fn valid_now(ticket: &EncTicketPart, now: KerberosTime, clock_skew: u32, validating: bool) -> Result<(), Refusal> {
    let skew = i64::from(clock_skew);
    if ticket.endtime.plus(skew) < now {
        return Err(Refusal::TicketExpired);
    }
    if ticket.starttime.unwrap_or(ticket.authtime) > now.plus(skew) {
        return Err(Refusal::TicketNotYetValid);
    }
    if ticket.flags.contains(TicketFlags::INVALID) && !validating {
        return Err(Refusal::TicketInvalid);
    }
    Ok(())
}

/// A session key or sub-key out of a message, if its enctype is permitted.
pub(crate) fn message_key(key: &EncryptionKey, enctypes: &[Enctype]) -> Option<Key> {
    let enctype = Enctype::from_number(key.keytype).filter(|enctype| enctypes.contains(enctype))?;
    Key::new(enctype, &key.keyvalue).ok()
}

/// A key as messages carry it.
pub(crate) fn encryption_key(key: &Key) -> EncryptionKey {
    EncryptionKey { keytype: key.enctype().number(), keyvalue: Zeroizing::new(key.expose().to_vec()) }
}

fn open_authenticator(data: &EncryptedData, session: &Key, usage: KeyUsage) -> Result<Authenticator, Refusal> {
    if data.etype != session.enctype().number() {
        return Err(Refusal::AuthenticatorIntegrity);
    }
    let plaintext = session.prepare(usage).open(&data.cipher).map_err(|_| Refusal::AuthenticatorIntegrity)?;
    Authenticator::decode(&plaintext).map_err(|_| Refusal::AuthenticatorIntegrity)
}
