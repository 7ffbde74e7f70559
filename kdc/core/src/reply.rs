//! Builds a KDC-REP in one buffer, back to front, with ticket and encrypted part sealed where they stand.

use crate::entry::EntryKey;
use crate::refusal::Refusal;
use kennel_crypto::{CryptoError, Key, PreparedKey};
use kennel_wire::der::writer::Writer;
use kennel_wire::message::{
    EncKdcRepPart, EncTicketPart, EncryptionKey, KdcRep, LastReq, MessageType, PaData, Principal, PrincipalName, Ticket,
};
use rand_core::CryptoRngCore;
use std::cell::RefCell;
use zeroize::Zeroizing;

/// What the ticket of a reply is sealed with.
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

    pub(crate) fn kvno(&self) -> Option<u32> {
        match self {
            TicketSeal::Server(key) => Some(key.kvno),
            TicketSeal::Session(_) => None,
        }
    }

    pub(crate) fn enctype(&self) -> kennel_crypto::Enctype {
        self.key().enctype()
    }
}

/// A reply, decided in full.
pub(crate) struct Reply<'a> {
    pub(crate) answers: MessageType,
    pub(crate) padata: Vec<PaData>,
    /// The server's name as the ticket bears it.
    pub(crate) server: Principal,
    pub(crate) ticket: EncTicketPart,
    pub(crate) ticket_seal: TicketSeal<'a>,
    pub(crate) key: &'a PreparedKey,
    pub(crate) kvno: Option<u32>,
    pub(crate) nonce: u32,
    pub(crate) last_req: Vec<LastReq>,
    pub(crate) key_expiration: Option<kennel_wire::message::KerberosTime>,
    pub(crate) encrypted_pa_data: Vec<PaData>,
}

impl Reply<'_> {
    /// The bytes of the KDC-REP.
    ///
    /// # Errors
    /// None that a request could cause; kept as a refusal so that nothing here can panic.
    pub(crate) fn encode(self, rng: &mut dyn CryptoRngCore) -> Result<Vec<u8>, Refusal> {
        let encrypted = self.encrypted_part();
        let rng = RefCell::new(rng);
        let mut writer = Writer::with_capacity(1024);
        KdcRep::write(
            &mut writer,
            self.answers,
            &self.padata,
            &self.ticket.crealm,
            &self.ticket.cname,
            |w| {
                Ticket::write(w, &self.server.realm, &self.server.name, |w| {
                    let seal = (self.ticket_seal.key(), self.ticket_seal.kvno());
                    sealed(w, seal, |w| self.ticket.write(w), &rng)
                })
            },
            |w| sealed(w, (self.key, self.kvno), |w| encrypted.write(self.answers, w), &rng),
        )
        .map_err(|_: CryptoError| Refusal::Internal)?;
        Ok(writer.into_vec())
    }

    fn encrypted_part(&self) -> EncKdcRepPart {
        let Principal { name, realm } = &self.server;
        EncKdcRepPart {
            key: self.ticket.key.clone(),
            last_req: self.last_req.clone(),
            nonce: self.nonce,
            key_expiration: self.key_expiration,
            flags: self.ticket.flags,
            authtime: self.ticket.authtime,
            starttime: self.ticket.starttime,
            endtime: self.ticket.endtime,
            renew_till: self.ticket.renew_till,
            srealm: realm.clone(),
            sname: PrincipalName::clone(name),
            caddr: self.ticket.caddr.clone(),
            encrypted_pa_data: self.encrypted_pa_data.clone(),
        }
    }
}

/// An EncryptedData under a prepared key.
fn sealed(
    writer: &mut Writer,
    (key, kvno): (&PreparedKey, Option<u32>),
    plaintext: impl FnOnce(&mut Writer),
    rng: &RefCell<&mut dyn CryptoRngCore>,
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

/// A key as messages carry it.
pub(crate) fn encryption_key(key: &Key) -> EncryptionKey {
    EncryptionKey { keytype: key.enctype().number(), keyvalue: Zeroizing::new(key.expose().to_vec()) }
}
