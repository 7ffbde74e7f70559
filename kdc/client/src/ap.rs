//! AP-REQ and AP-REP (RFC 4120, section 3.2), both sides. `kennel_core::ap_exchange` verifies what the accepting side
//! receives.
//!
//! The accepting side keeps no replay cache. Whoever needs one remembers [`AcceptedApReq::replay_key`] for
//! `max_skew` seconds in both directions; a protocol that gives each side a fresh sub-key or a challenge needs none.

use crate::credentials::Credential;
use crate::error::ClientError;
use crate::keytab::Keytab;
use crate::sealing::{key_from_wire, key_to_wire, open, seal};
use crate::time::DEFAULT_MAX_SKEW;
use kennel_core::ap_exchange::{ApRules, ApUse, GenuineApReq, open_ticket_with};
use kennel_core::refusal::Refusal;
use kennel_crypto::{Enctype, Key, KeyUsage};
use kennel_wire::message::{
    ApOptions, ApRep, ApReq, Authenticator, Checksum, EncApRepPart, EncTicketPart, ErrorCode, Principal, Ticket,
    Timestamp,
};
use rand_core::CryptoRngCore;
use std::net::IpAddr;
use zeroize::Zeroizing;

/// Content of a client's AP-REQ. The default: no mutual authentication, no sub-key, no checksum.
#[derive(Debug, Clone, Default)]
pub struct ApOffer {
    /// Ask the server to prove itself with an AP-REP.
    pub mutual: bool,
    /// Send a fresh sub-key of the session key's enctype.
    pub subkey: bool,
    /// Initial sequence number.
    pub seq_number: Option<u32>,
    /// Checksum over what the application binds to the authentication (GSS: RFC 4121, section 4.1.1).
    pub checksum: Option<Checksum>,
}

/// A new AP-REQ, with the state that the client needs to check the AP-REP.
#[derive(Debug)]
pub struct ApRequest {
    /// DER of the AP-REQ.
    pub message: Vec<u8>,
    /// The sub-key that was sent.
    pub subkey: Option<Key>,
    session_key: Key,
    ctime: Timestamp,
}

impl ApRequest {
    /// Makes an AP-REQ with the ticket of `credential`; for a user-to-user ticket the request sets USE-SESSION-KEY. `now` is
    /// the KDC's time; no two requests with one ticket may use the same time.
    pub fn new(credential: &Credential, offer: &ApOffer, now: Timestamp, rng: &mut dyn CryptoRngCore) -> ApRequest {
        let session_key = credential.session_key.clone();
        let subkey = offer.subkey.then(|| Key::generate(session_key.enctype(), rng));
        let authenticator = Authenticator {
            crealm: credential.client.realm.clone(),
            cname: credential.client.name.clone(),
            cksum: offer.checksum.clone(),
            ctime: now,
            subkey: subkey.as_ref().map(key_to_wire),
            seq_number: offer.seq_number,
            authorization_data: None,
        };
        let mut options = ApOptions::empty();
        options.set(ApOptions::MUTUAL_REQUIRED, offer.mutual);
        options.set(ApOptions::USE_SESSION_KEY, credential.second_ticket.is_some());
        let plain = Zeroizing::new(authenticator.encode());
        let authenticator = seal(&session_key, KeyUsage::AP_REQ_AUTHENTICATOR, &plain, rng);
        let message = ApReq { options, ticket: credential.ticket.clone(), authenticator }.encode();
        ApRequest { message, subkey, session_key, ctime: now }
    }

    /// Checks the server's AP-REP: it opens with the session key and returns the time that was sent.
    ///
    /// # Errors
    /// [`ClientError::Ap`] with AP_MUT_FAIL (another time) or AP_BAD_INTEGRITY, [`ClientError::Wire`].
    pub fn check_reply(&self, ap_rep: &[u8]) -> Result<ApReplySeen, ClientError> {
        let rep = ApRep::decode(ap_rep)?;
        let plain = open(&self.session_key, KeyUsage::AP_REP, &rep.enc_part).map_err(|_| bad_integrity())?;
        let part = EncApRepPart::decode(&plain)?;
        if part.ctime != self.ctime {
            return Err(ClientError::Ap(ErrorCode::AP_MUT_FAIL));
        }
        let subkey = part.subkey.as_ref().map(key_from_wire).transpose()?;
        Ok(ApReplySeen { subkey, seq_number: part.seq_number })
    }
}

/// Content of a checked AP-REP.
#[derive(Debug)]
pub struct ApReplySeen {
    /// The server's sub-key.
    pub subkey: Option<Key>,
    /// The server's initial sequence number.
    pub seq_number: Option<u32>,
}

/// Keys with which a server opens tickets.
#[derive(Debug, Clone, Copy)]
pub enum AcceptorKeys<'a> {
    /// The server's keytab; the server acts as every principal in the keytab.
    Keytab(&'a Keytab),
    /// User-to-user: the session key of the server's own TGT. An AP-REQ without USE-SESSION-KEY is refused.
    UserToUser(&'a Key),
}

/// Rules by which a server checks an AP-REQ.
#[derive(Debug, Clone)]
pub struct AcceptRules {
    /// Seconds by which the clocks may differ.
    pub max_skew: i64,
    /// The one principal that the ticket must be for; `None`: any whose key opens it.
    pub server: Option<Principal>,
    /// Where the request came from: a ticket bound to other addresses is refused. `None` leaves that unchecked.
    pub peer: Option<IpAddr>,
}

impl Default for AcceptRules {
    fn default() -> Self {
        AcceptRules { max_skew: DEFAULT_MAX_SKEW, server: None, peer: None }
    }
}

/// An AP-REQ that was checked.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names of RFC 4120 say it")]
pub struct AcceptedApReq {
    pub client: Principal,
    /// The server as the ticket names it.
    pub server: Principal,
    pub ticket: EncTicketPart,
    /// The authenticator. Its checksum is for the application to verify, with the session key.
    pub authenticator: Authenticator,
    pub session_key: Key,
    pub subkey: Option<Key>,
    /// Whether the client waits for an AP-REP.
    pub mutual_required: bool,
}

impl AcceptedApReq {
    /// Checks an AP-REQ (RFC 4120, section 3.2.3).
    ///
    /// # Errors
    /// [`ClientError::Ap`] with the code that the RFC names for the reason, [`ClientError::Wire`] where the bytes are not
    /// an AP-REQ.
    pub fn check(
        ap_req: &[u8],
        keys: AcceptorKeys<'_>,
        rules: &AcceptRules,
        now: Timestamp,
    ) -> Result<AcceptedApReq, ClientError> {
        let request = ApReq::decode(ap_req)?;
        let server = Principal::new(request.ticket.sname.clone(), request.ticket.realm.clone());
        if rules.server.as_ref().is_some_and(|expected| *expected != server) {
            return Err(ClientError::Ap(ErrorCode::AP_NOT_US));
        }
        let ap_rules = ApRules {
            authenticator_usage: KeyUsage::AP_REQ_AUTHENTICATOR,
            enctypes: &Enctype::ALL,
            clock_skew: u32::try_from(rules.max_skew.max(0)).unwrap_or(u32::MAX),
        };
        let ticket = open_ticket(&request, &server, keys)?;
        let genuine = GenuineApReq::open(ticket, &request.authenticator, &ap_rules).map_err(refused)?;
        let at = ApUse { now, peer: rules.peer, validating: false };
        genuine.check_in_force(&ap_rules, at).map_err(refused)?;
        let subkey = genuine.subkey(&ap_rules).map_err(refused)?;
        let GenuineApReq { ticket, authenticator, session: session_key } = genuine;
        Ok(AcceptedApReq {
            client: Principal::new(ticket.cname.clone(), ticket.crealm.clone()),
            server,
            mutual_required: request.options.contains(ApOptions::MUTUAL_REQUIRED),
            ticket,
            authenticator,
            session_key,
            subkey,
        })
    }

    /// DER of the AP-REP that proves the server to the client, with the server's own sub-key and sequence number
    /// where it has them.
    pub fn reply(&self, subkey: Option<&Key>, seq_number: Option<u32>, rng: &mut dyn CryptoRngCore) -> Vec<u8> {
        let part = EncApRepPart { ctime: self.authenticator.ctime, subkey: subkey.map(key_to_wire), seq_number };
        let plain = Zeroizing::new(part.encode());
        ApRep { enc_part: seal(&self.session_key, KeyUsage::AP_REP, &plain, rng) }.encode()
    }

    /// Identifies this request among all with a valid time: client, server, and the client's time with microseconds
    /// (RFC 4120, section 3.2.3).
    #[must_use]
    pub fn replay_key(&self) -> (Principal, Principal, Timestamp) {
        (self.client.clone(), self.server.clone(), self.authenticator.ctime)
    }
}

fn bad_integrity() -> ClientError {
    ClientError::Ap(ErrorCode::AP_BAD_INTEGRITY)
}

/// The code that RFC 4120 names for the reason.
fn refused(refusal: Refusal) -> ClientError {
    ClientError::Ap(refusal.code())
}

fn open_ticket(request: &ApReq, server: &Principal, keys: AcceptorKeys<'_>) -> Result<EncTicketPart, ClientError> {
    let in_session_key = request.options.contains(ApOptions::USE_SESSION_KEY);
    let candidates = match keys {
        AcceptorKeys::UserToUser(key) if in_session_key => vec![key.clone()],
        AcceptorKeys::Keytab(keytab) if !in_session_key => keytab_keys(keytab, server, &request.ticket)?,
        _ => return Err(ClientError::Ap(ErrorCode::AP_NOKEY)),
    };
    let prepared = candidates.iter().map(|key| key.prepare(KeyUsage::TICKET));
    open_ticket_with(&request.ticket.enc_part, prepared).map_err(refused)
}

/// Returns the keys that may have sealed a ticket; at least one.
fn keytab_keys(keytab: &Keytab, server: &Principal, ticket: &Ticket) -> Result<Vec<Key>, ClientError> {
    let sealed = &ticket.enc_part;
    let keys = keytab.candidates(server, sealed.etype, sealed.kvno);
    if !keys.is_empty() {
        return Ok(keys);
    }
    Err(ClientError::Ap(match sealed.kvno {
        _ if !keytab.knows(server) => ErrorCode::AP_NOT_US,
        Some(kvno) if !keytab.has_version(server, kvno) => ErrorCode::AP_BADKEYVER,
        _ => ErrorCode::AP_NOKEY,
    }))
}

#[cfg(test)]
#[path = "ap_tests.rs"]
mod tests;
