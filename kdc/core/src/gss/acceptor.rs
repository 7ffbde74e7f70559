//! The acceptor: one initial token with an AP-REQ, and one reply with an AP-REP.
//!
//! There is no cache of authenticators. The acceptor demands mutual authentication and answers with a fresh sub-key, under which every
//! later token is: whoever repeats an initial token gets a context of which it does not know the key.

use crate::ap_exchange::{ApRules, ApUse, GenuineApReq, encryption_key, open_ticket};
use crate::authorization_data::holds;
use crate::bindings::Bindings;
use crate::entry::Entry;
use crate::gss::context::{GssContext, Role};
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::{checks, pods};
use kennel_crypto::{Enctype, Key, KeyUsage};
use kennel_wire::gss::framing::{self, ContextFlags, TokenId};
use kennel_wire::message::{
    ApOptions, ApRep, ApReq, EncApRepPart, EncTicketPart, EncryptedData, KerberosTime, Principal, TicketFlags, ad_type,
};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// An initial token that was read.
#[derive(Debug)]
pub struct InitialToken {
    request: ApReq,
}

/// Why no context was established.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptRefusal {
    /// The token cannot be read.
    Token,
    /// The initiator does not ask for mutual authentication.
    NotMutual,
    /// The AP-REQ is refused.
    Refused(Refusal),
}

/// An established context.
#[derive(Debug)]
pub struct Established {
    /// The acceptor's side.
    pub context: GssContext,
    /// The client, as its ticket names it.
    pub client: ContextClient,
    /// The acceptor's token.
    pub reply: Vec<u8>,
}

/// The client of a context.
#[derive(Debug, Clone)]
pub struct ContextClient {
    /// Name in the ticket.
    pub name: Principal,
    /// The account that the ticket is bound to, where the name is an alias.
    account: Option<Principal>,
    /// When the client showed its key.
    authtime: KerberosTime,
    /// When the ticket ends, and the context with it.
    pub until: KerberosTime,
    /// Whether the ticket comes from an AS exchange.
    pub initial: bool,
    /// The pod that the ticket is bound to.
    pub pod: Option<pods::PodRef>,
}

impl ContextClient {
    /// Checks the client against its account in the realm, now: disabled, expired, deleted and replaced accounts may not go on. Returns
    /// the canonical name.
    ///
    /// # Errors
    /// Why the client may not go on.
    pub fn check_account(&self, found: Option<&Entry>, realm: &Realm, now: KerberosTime) -> Result<Principal, Refusal> {
        if self.name.realm != realm.name {
            return Ok(self.name.clone());
        }
        let record = &found.ok_or(Refusal::ClientUnknown)?.record;
        if record.principal != *self.account.as_ref().unwrap_or(&self.name) {
            return Err(Refusal::TicketRevoked);
        }
        checks::client(record, now)?;
        checks::authenticated_since(record, self.authtime, realm)?;
        Ok(record.principal.clone())
    }
}

impl InitialToken {
    /// Reads a token.
    ///
    /// # Errors
    /// [`AcceptRefusal::Token`].
    pub fn read(token: &[u8]) -> Result<InitialToken, AcceptRefusal> {
        let message = framing::decode(token, TokenId::ApReq).map_err(|_| AcceptRefusal::Token)?;
        let request = ApReq::decode(message).map_err(|_| AcceptRefusal::Token)?;
        Ok(InitialToken { request })
    }

    /// The server that the ticket is for. The caller decides which servers it accepts for, and finds their keys.
    #[must_use]
    pub fn server(&self) -> Principal {
        Principal::new(self.request.ticket.sname.clone(), &*self.request.ticket.realm)
    }

    /// Accepts the initiator with the keys of [`InitialToken::server`].
    ///
    /// # Errors
    /// Why not.
    pub fn accept(
        self,
        server: &Entry,
        realm: &Realm,
        at: ApUse,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Established, AcceptRefusal> {
        let genuine = self.genuine(server, realm, at)?;
        let checksum = genuine.authenticator.cksum.as_ref().filter(|sum| sum.cksumtype == framing::CHECKSUM_TYPE);
        let flags = checksum.and_then(|sum| framing::context_flags(&sum.checksum).ok()).ok_or(AcceptRefusal::Token)?;
        if !flags.contains(ContextFlags::MUTUAL) || !self.request.options.contains(ApOptions::MUTUAL_REQUIRED) {
            return Err(AcceptRefusal::NotMutual);
        }
        let client = client_of(&genuine.ticket).map_err(AcceptRefusal::Refused)?;
        let rules = ap_rules(realm);
        let theirs = genuine.subkey(&rules).map_err(AcceptRefusal::Refused)?;
        let enctype = theirs.as_ref().unwrap_or(&genuine.session).enctype();
        let subkey = Key::generate(enctype, rng);
        // 30 bits, as in MIT Kerberos: some initiators read the number as a signed one.
        let own_first = rng.next_u32() >> 2;
        let their_first = genuine.authenticator.seq_number.unwrap_or(0);
        let context = GssContext::new(Role::Acceptor, &subkey, own_first, their_first)
            .ok_or(AcceptRefusal::Refused(Refusal::TicketEnctype))?;
        let reply = reply(&genuine, &subkey, own_first, rng);
        Ok(Established { context, client, reply })
    }

    fn genuine(&self, server: &Entry, realm: &Realm, at: ApUse) -> Result<GenuineApReq, AcceptRefusal> {
        let request = &self.request;
        if request.options.contains(ApOptions::USE_SESSION_KEY) {
            return Err(AcceptRefusal::Refused(Refusal::TicketNotForUs));
        }
        let rules = ap_rules(realm);
        let opened = open_ticket(&request.ticket.enc_part, Some(server), realm).and_then(|ticket| {
            let genuine = GenuineApReq::open(ticket, &request.authenticator, &rules)?;
            genuine.check_in_force(&rules, at)?;
            Ok(genuine)
        });
        opened.map_err(AcceptRefusal::Refused)
    }
}

/// The code that an AP-REQ is refused with.
impl From<AcceptRefusal> for Refusal {
    fn from(refusal: AcceptRefusal) -> Refusal {
        match refusal {
            AcceptRefusal::Token | AcceptRefusal::NotMutual => Refusal::Malformed,
            AcceptRefusal::Refused(refusal) => refusal,
        }
    }
}

fn ap_rules(realm: &Realm) -> ApRules<'_> {
    const USAGE: KeyUsage = KeyUsage::AP_REQ_AUTHENTICATOR;
    let (enctypes, clock_skew): (&[Enctype], u32) = (&realm.enctypes, realm.clock_skew);
    ApRules { authenticator_usage: USAGE, enctypes, clock_skew }
}

/// The client of an opened ticket. The key that sealed the ticket is the KDC's own, so what the ticket asserts is the KDC's word.
fn client_of(ticket: &EncTicketPart) -> Result<ContextClient, Refusal> {
    let data = ticket.authorization_data.as_ref();
    if data.is_some_and(|data| holds(data, ad_type::FX_FAST_ARMOR)) {
        return Err(Refusal::FastArmorOnly);
    }
    let Bindings { pod, account, .. } = Bindings::read(data)?;
    Ok(ContextClient {
        name: Principal::new(ticket.cname.clone(), &*ticket.crealm),
        account,
        authtime: ticket.authtime,
        until: ticket.endtime,
        initial: ticket.flags.contains(TicketFlags::INITIAL),
        pod,
    })
}

fn reply(genuine: &GenuineApReq, subkey: &Key, sequence: u32, rng: &mut dyn CryptoRngCore) -> Vec<u8> {
    let part = EncApRepPart {
        ctime: genuine.authenticator.ctime,
        subkey: Some(encryption_key(subkey)),
        seq_number: Some(sequence),
    };
    let plain: Zeroizing<Vec<u8>> = part.encode();
    let cipher = genuine.session.prepare(KeyUsage::AP_REP).seal(&plain, rng);
    let etype = genuine.session.enctype().number();
    let reply = ApRep { enc_part: EncryptedData { etype, kvno: None, cipher } };
    framing::encode(TokenId::ApRep, &reply.encode())
}
