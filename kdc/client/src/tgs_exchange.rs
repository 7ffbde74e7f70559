//! The TGS exchange (RFC 4120, section 3.3): a ticket in, another ticket out. One request, one reply; the way across
//! realms is [`crate::ticket_walk`].

use crate::answer::Answer;
use crate::credentials::Credential;
use crate::error::ClientError;
use crate::fault::ReplyFault;
use crate::options::TicketOptions;
use crate::reply_checks::ExpectedReply;
use crate::sealing::{checksum, key_to_wire, open, seal};
use kennel_crypto::{Key, KeyUsage};
use kennel_wire::message::{
    ApOptions, ApReq, Authenticator, AuthorizationData, Checksum, EncKdcRepPart, HostAddress, KdcOptions, KdcReq,
    KdcReqBody, MessageType, PaData, Principal, Ticket, TicketFlags, Timestamp, pa_type,
};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// The ticket that a client requests from a TGS.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names of RFC 4120 say it")]
pub struct TgsRequest {
    /// The server; its realm is the realm of the KDC that is asked.
    pub server: Principal,
    pub options: TicketOptions,
    /// User-to-user: the server's own TGT.
    pub additional_ticket: Option<Ticket>,
    /// Authorization data to put into the ticket.
    pub authorization_data: Option<AuthorizationData>,
}

impl TgsRequest {
    /// A ticket for `server`, with default options.
    #[must_use]
    pub fn new(server: Principal) -> TgsRequest {
        TgsRequest { server, options: TicketOptions::default(), additional_ticket: None, authorization_data: None }
    }

    /// A ticket for `server` with these KDC options.
    #[must_use]
    pub fn with_flags(server: Principal, flags: KdcOptions) -> TgsRequest {
        TgsRequest { options: TicketOptions::with_flags(flags), ..TgsRequest::new(server) }
    }

    /// Renews `credential`, which must be renewable and is sent with the request.
    #[must_use]
    pub fn renew(credential: &Credential) -> TgsRequest {
        TgsRequest::with_flags(credential.server.clone(), KdcOptions::RENEW | keeping(credential.flags))
    }

    /// Validates `credential`, which must be postdated and is sent with the request.
    #[must_use]
    pub fn validate(credential: &Credential) -> TgsRequest {
        TgsRequest::with_flags(credential.server.clone(), KdcOptions::VALIDATE | keeping(credential.flags))
    }

    /// A copy of `tgt`, which is forwardable, for use from `addresses` (empty: from anywhere).
    #[must_use]
    pub fn forward(tgt: &Credential, addresses: Vec<HostAddress>) -> TgsRequest {
        let flags = KdcOptions::FORWARDED | keeping(tgt.flags);
        let mut request = TgsRequest::with_flags(tgt.server.clone(), flags);
        request.options.addresses = addresses;
        request
    }

    /// A ticket for `server` that another host may use, from `addresses`; to be sent with a proxiable ticket (MIT wants
    /// one for the same server, RFC 4120 speaks of a TGT).
    #[must_use]
    pub fn proxy(server: Principal, addresses: Vec<HostAddress>) -> TgsRequest {
        let mut request = TgsRequest::with_flags(server, KdcOptions::PROXY);
        request.options.addresses = addresses;
        request
    }

    /// A ticket for a server that has no long-term key at hand but a TGT, `server_tgt` (RFC 4120, section 3.7).
    #[must_use]
    pub fn user_to_user(server: Principal, server_tgt: Ticket) -> TgsRequest {
        let request = TgsRequest::with_flags(server, KdcOptions::ENC_TKT_IN_SKEY);
        TgsRequest { additional_ticket: Some(server_tgt), ..request }
    }
}

/// A TGS exchange under way.
#[derive(Debug)]
pub struct TgsExchange {
    client: Principal,
    body: KdcReqBody,
    addresses: Vec<HostAddress>,
    second_ticket: Option<Ticket>,
    now: Timestamp,
    reply_key: Key,
    reply_usage: KeyUsage,
}

impl TgsExchange {
    /// Starts an exchange; returns it with the request to send. `credential` is a TGT, in renewals and validations any
    /// ticket. `now` is the KDC's time (see [`crate::TimeOffset::apply`]).
    #[must_use]
    pub fn begin(
        credential: &Credential,
        request: &TgsRequest,
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
    ) -> (TgsExchange, Vec<u8>) {
        TgsExchange::of_parts(TgsParts::new(credential, request, now, rng), credential, now, rng)
    }

    pub(crate) fn of_parts(
        parts: TgsParts,
        credential: &Credential,
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
    ) -> (TgsExchange, Vec<u8>) {
        let message = parts.encode(rng);
        let (reply_key, reply_usage) = match &parts.subkey {
            Some(subkey) => (subkey.clone(), KeyUsage::TGS_REP_SUBKEY),
            None => (parts.session_key.clone(), KeyUsage::TGS_REP_SESSION),
        };
        let addresses = match &parts.body.addresses {
            requested if rebinds(&parts.body) => requested.clone().unwrap_or_default(),
            _ => credential.addresses.clone(),
        };
        let user_to_user = parts.body.options.contains(KdcOptions::ENC_TKT_IN_SKEY);
        let second_ticket = parts.body.additional_tickets.first().filter(|_| user_to_user).cloned();
        let client = credential.client.clone();
        let exchange = TgsExchange { client, body: parts.body, addresses, second_ticket, now, reply_key, reply_usage };
        (exchange, message)
    }

    /// Processes the answer: a TGS-REP or a KRB-ERROR.
    ///
    /// # Errors
    /// [`ClientError::Kdc`] for an error, [`ClientError::Reply`] for a reply that fails a check.
    pub fn receive(&self, answer: &[u8]) -> Result<Credential, ClientError> {
        let rep = match Answer::read(answer)? {
            Answer::Error(error) => return Err(error.into()),
            Answer::Reply(reply) => reply,
        };
        let plain = open(&self.reply_key, self.reply_usage, &rep.enc_part).map_err(|_| ReplyFault::ReplyKey)?;
        let enc = EncKdcRepPart::decode(&plain)?;
        let expected = ExpectedReply {
            answers: MessageType::TgsReq,
            client: &self.client,
            body: &self.body,
            addresses: &self.addresses,
            inherits_addresses: !rebinds(&self.body),
            now: Some(self.now.time),
        };
        let session_key = expected.check(&rep, &enc)?;
        let credential = Credential::from_reply(&rep, enc, session_key);
        Ok(Credential { addresses: self.addresses.clone(), second_ticket: self.second_ticket.clone(), ..credential })
    }
}

/// Whether a request asks for other addresses than those of the presented ticket.
fn rebinds(body: &KdcReqBody) -> bool {
    body.options.intersects(KdcOptions::FORWARDED | KdcOptions::PROXY)
}

/// The options that ask for the flags of a ticket: without these options a renewed or forwarded copy loses the flags.
fn keeping(flags: TicketFlags) -> KdcOptions {
    let pairs = [
        (TicketFlags::FORWARDABLE, KdcOptions::FORWARDABLE),
        (TicketFlags::PROXIABLE, KdcOptions::PROXIABLE),
        (TicketFlags::MAY_POSTDATE, KdcOptions::ALLOW_POSTDATE),
        (TicketFlags::RENEWABLE, KdcOptions::RENEWABLE),
    ];
    pairs.into_iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, option)| option).collect()
}

/// The plain parts of a TGS-REQ, before anything is encoded or encrypted. Outside this crate only tests change them,
/// see [`crate::dangerous`].
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names of RFC 4120 say it")]
pub struct TgsParts {
    pub body: KdcReqBody,
    /// Pre-authentication data behind PA-TGS-REQ.
    pub padata: Vec<PaData>,
    /// Options of the AP-REQ inside PA-TGS-REQ.
    pub ap_options: ApOptions,
    /// The ticket that is presented.
    pub ticket: Ticket,
    /// Its session key, which encrypts the authenticator.
    pub session_key: Key,
    /// The authenticator; its `cksum` and `subkey` are filled from the fields below.
    pub authenticator: Authenticator,
    /// The authenticator's checksum over the body.
    pub body_checksum: BodyChecksum,
    /// Encrypts the reply; `None`: the session key encrypts the reply.
    pub subkey: Option<Key>,
    /// Usage of the session key for the authenticator.
    pub authenticator_usage: KeyUsage,
}

/// A checksum over the body of a TGS-REQ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyChecksum {
    /// The right one for this usage of the session key.
    Keyed(KeyUsage),
    /// This one, or none.
    Given(Option<Checksum>),
}

impl TgsParts {
    pub(crate) fn new(
        credential: &Credential,
        request: &TgsRequest,
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
    ) -> TgsParts {
        let subkey = Key::generate(credential.session_key.enctype(), rng);
        let enctypes = request.options.permitted_enctypes();
        let mut body = request.options.body(None, &request.server, &enctypes, now, rng);
        body.additional_tickets.extend(request.additional_ticket.clone());
        body.enc_authorization_data = request
            .authorization_data
            .as_ref()
            .map(|data| seal(&subkey, KeyUsage::TGS_REQ_AD_SUBKEY, &data.encode(), rng));
        TgsParts {
            body,
            padata: Vec::new(),
            ap_options: ApOptions::empty(),
            ticket: credential.ticket.clone(),
            session_key: credential.session_key.clone(),
            authenticator: Authenticator {
                crealm: credential.client.realm.clone(),
                cname: credential.client.name.clone(),
                cksum: None,
                ctime: now,
                subkey: None,
                seq_number: None,
                authorization_data: None,
            },
            body_checksum: BodyChecksum::Keyed(KeyUsage::TGS_REQ_CHECKSUM),
            subkey: Some(subkey),
            authenticator_usage: KeyUsage::TGS_REQ_AUTHENTICATOR,
        }
    }

    /// DER of the TGS-REQ.
    fn encode(&self, rng: &mut dyn CryptoRngCore) -> Vec<u8> {
        let mut authenticator = self.authenticator.clone();
        authenticator.subkey = self.subkey.as_ref().map(key_to_wire);
        authenticator.cksum = match &self.body_checksum {
            BodyChecksum::Keyed(usage) => Some(checksum(&self.session_key, *usage, &self.body.encode())),
            BodyChecksum::Given(given) => given.clone(),
        };
        let plain = Zeroizing::new(authenticator.encode());
        let ap_req = ApReq {
            options: self.ap_options,
            ticket: self.ticket.clone(),
            authenticator: seal(&self.session_key, self.authenticator_usage, &plain, rng),
        };
        let mut padata = vec![PaData { padata_type: pa_type::TGS_REQ, value: ap_req.encode() }];
        padata.extend(self.padata.iter().cloned());
        KdcReq { message_type: MessageType::TgsReq, padata, body: self.body.clone(), body_der: 0..0 }.encode()
    }
}

#[cfg(test)]
#[path = "tgs_exchange_tests.rs"]
mod tests;
