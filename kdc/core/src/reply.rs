//! Builds a KDC-REP in one buffer, back to front, with ticket and encrypted part sealed in place.

use crate::entry::EntryKey;
use crate::event::IssuedTicket;
use crate::preauth::fast_reply::FastReply;
use crate::refusal::Refusal;
use crate::rules::AccessGranted;
use kennel_crypto::{CryptoError, Key, PreparedKey};
use kennel_wire::der::writer::Writer;
use kennel_wire::message::{
    EncKdcRepPart, EncTicketPart, KdcRep, KerberosTime, MessageType, Nonce, PaData, Principal, PrincipalName, Ticket,
};
use rand_core::CryptoRngCore;
use std::cell::RefCell;

/// The key that seals the ticket of a reply.
pub(crate) enum TicketSeal<'a> {
    /// A key of the server.
    Server(&'a EntryKey),
    /// A session key of the server (user-to-user), prepared for tickets.
    Session(Box<PreparedKey>),
}

impl TicketSeal<'_> {
    fn key(&self) -> &PreparedKey {
        match self {
            TicketSeal::Server(key) => key.ticket(),
            TicketSeal::Session(key) => key,
        }
    }

    fn kvno(&self) -> Option<u32> {
        match self {
            TicketSeal::Server(key) => Some(key.kvno),
            TicketSeal::Session(_) => None,
        }
    }
}

/// Randomness for several seals of one message.
type SharedRng<'a> = RefCell<&'a mut dyn CryptoRngCore>;

/// A reply, decided in full.
pub(crate) struct Reply<'a> {
    pub(crate) answers: MessageType,
    pub(crate) padata: Vec<PaData>,
    /// The server's name as the ticket bears it.
    pub(crate) server: Principal,
    pub(crate) ticket: EncTicketPart,
    /// The ticket's session key.
    pub(crate) session: &'a Key,
    pub(crate) ticket_seal: TicketSeal<'a>,
    /// The key that seals the reply.
    pub(crate) key: &'a PreparedKey,
    pub(crate) kvno: Option<u32>,
    /// As the request has it.
    pub(crate) nonce: Nonce,
    pub(crate) key_expiration: Option<KerberosTime>,
    pub(crate) encrypted_pa_data: Vec<PaData>,
    /// The server is the ticket-granting service of another realm, in place of the requested server.
    pub(crate) referral: bool,
    pub(crate) access: &'a AccessGranted,
    /// The armor that `padata` goes into, and with it the part of `key` that strengthens it.
    pub(crate) fast: Option<FastReply<'a>>,
}

impl Reply<'_> {
    /// Returns the bytes of the KDC-REP, and the facts of its ticket for the event.
    ///
    /// # Errors
    /// None that a request could cause; kept as a refusal so that nothing here can panic.
    pub(crate) fn issue(self, rng: &mut dyn CryptoRngCore) -> Result<(Vec<u8>, IssuedTicket), Refusal> {
        let issued = self.issued();
        let rng = RefCell::new(rng);
        let mut writer = Writer::with_capacity(1024);
        let written = match &self.fast {
            None => {
                let EncTicketPart { crealm, cname, .. } = &self.ticket;
                self.write(&mut writer, &self.padata, (crealm, cname), |w| self.write_ticket(w, &rng), &rng)
            }
            Some(fast) => self.write_armored(&mut writer, fast, &rng),
        };
        written.map_err(|_: CryptoError| Refusal::Internal)?;
        Ok((writer.into_vec(), issued))
    }

    /// The ticket comes first, since the armor holds a checksum over it.
    fn write_armored(&self, w: &mut Writer, fast: &FastReply<'_>, rng: &SharedRng<'_>) -> Result<(), CryptoError> {
        let mut ticket = Writer::with_capacity(512);
        self.write_ticket(&mut ticket, rng)?;
        let ticket = ticket.into_vec();
        let client = Principal::new(self.ticket.cname.clone(), &*self.ticket.crealm);
        let padata = [fast.seal(self.padata.clone(), client.clone(), &ticket, &mut **rng.borrow_mut())];
        let Principal { name, realm } = fast.outer_client(client);
        let ticket = |w: &mut Writer| {
            w.bytes(&ticket);
            Ok(())
        };
        self.write(w, &padata, (&realm, &name), ticket, rng)
    }

    fn write(
        &self,
        w: &mut Writer,
        padata: &[PaData],
        (crealm, cname): (&str, &PrincipalName),
        ticket: impl FnOnce(&mut Writer) -> Result<(), CryptoError>,
        rng: &SharedRng<'_>,
    ) -> Result<(), CryptoError> {
        let encrypted = self.encrypted_part();
        let enc_part = |w: &mut Writer| sealed(w, (self.key, self.kvno), |w| encrypted.write(self.answers, w), rng);
        KdcRep::write(w, self.answers, padata, crealm, cname, ticket, enc_part)
    }

    fn write_ticket(&self, w: &mut Writer, rng: &SharedRng<'_>) -> Result<(), CryptoError> {
        let seal = (self.ticket_seal.key(), self.ticket_seal.kvno());
        Ticket::write(w, &self.server.realm, &self.server.name, |w| sealed(w, seal, |w| self.ticket.write(w), rng))
    }

    fn issued(&self) -> IssuedTicket {
        let ticket = &self.ticket;
        IssuedTicket {
            ticket_flags: ticket.flags,
            ticket_enctype: self.ticket_seal.key().enctype(),
            session_enctype: self.session.enctype(),
            reply_enctype: self.key.enctype(),
            kvno: self.ticket_seal.kvno(),
            authtime: ticket.authtime,
            starttime: ticket.starttime.unwrap_or(ticket.authtime),
            endtime: ticket.endtime,
            renew_till: ticket.renew_till,
            referral: self.referral,
            user_to_user: matches!(self.ticket_seal, TicketSeal::Session(_)),
            allowed_by: self.access.allowed_by.clone(),
            would_deny: self.access.would_deny.clone(),
        }
    }

    fn encrypted_part(&self) -> EncKdcRepPart {
        EncKdcRepPart {
            key: self.ticket.key.clone(),
            // The KDC records no last request; the writer adds an entry that says so.
            last_req: Vec::new(),
            nonce: self.nonce,
            key_expiration: self.key_expiration,
            flags: self.ticket.flags,
            authtime: self.ticket.authtime,
            starttime: self.ticket.starttime,
            endtime: self.ticket.endtime,
            renew_till: self.ticket.renew_till,
            srealm: self.server.realm.clone(),
            sname: self.server.name.clone(),
            caddr: self.ticket.caddr.clone(),
            encrypted_pa_data: self.encrypted_pa_data.clone(),
        }
    }
}

/// A ticket by itself, sealed for its server.
///
/// # Errors
/// None that a request could cause.
pub(crate) fn seal_ticket(
    server: &Principal,
    part: &EncTicketPart,
    key: &EntryKey,
    rng: &mut dyn CryptoRngCore,
) -> Result<Vec<u8>, Refusal> {
    let rng = RefCell::new(rng);
    let mut writer = Writer::with_capacity(1024);
    Ticket::write(&mut writer, &server.realm, &server.name, |w| {
        sealed(w, (key.ticket(), Some(key.kvno)), |w| part.write(w), &rng)
    })
    .map_err(|_: CryptoError| Refusal::Internal)?;
    Ok(writer.into_vec())
}

/// An EncryptedData under a prepared key.
fn sealed(
    writer: &mut Writer,
    (key, kvno): (&PreparedKey, Option<u32>),
    plaintext: impl FnOnce(&mut Writer),
    rng: &SharedRng<'_>,
) -> Result<(), CryptoError> {
    writer.encrypted_data(
        key.enctype().number(),
        kvno,
        key.header_length(),
        key.trailer_length(),
        plaintext,
        |region| key.seal_in_place(region, &mut **rng.borrow_mut()),
    )
}
