//! The AS exchange (RFC 4120, section 3.1): password or key in, initial ticket out.
//!
//! ```text
//! AS-REQ without pre-authentication  ->  PREAUTH_REQUIRED with ETYPE-INFO2
//! AS-REQ with PA-ENC-TIMESTAMP       ->  AS-REP        (or AP_ERR_SKEW: once more, with the KDC's time)
//! ```

use crate::answer::Answer;
use crate::credentials::Credential;
use crate::error::ClientError;
use crate::fault::ReplyFault;
use crate::options::TicketOptions;
use crate::reply_checks::ExpectedReply;
use crate::sealing::{open, seal};
use crate::secret::Secret;
use crate::time::TimeOffset;
use kennel_crypto::{Enctype, Key, KeyUsage};
use kennel_wire::message::{
    Checksum, EncKdcRepPart, ErrorCode, EtypeInfo2Entry, KdcRep, KdcReq, KdcReqBody, KerberosTime, KrbError,
    MessageType, PaData, PaEncTimestamp, Principal, PrincipalName, TicketFlags, Timestamp, pa_type,
};
use rand_core::CryptoRngCore;

/// The ticket that a client requests from the AS.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names of RFC 4120 say it")]
pub struct AsRequest {
    pub client: Principal,
    /// A server of the client's realm; `None`: the realm's ticket-granting service.
    pub server: Option<PrincipalName>,
    pub options: TicketOptions,
}

impl AsRequest {
    /// A TGT for `client`, with default options.
    #[must_use]
    pub fn new(client: Principal) -> AsRequest {
        AsRequest { client, server: None, options: TicketOptions::default() }
    }

    /// The server that the request names.
    pub(crate) fn server(&self) -> Principal {
        let realm = self.client.realm.as_str();
        Principal::new(self.server.clone().unwrap_or_else(|| PrincipalName::krbtgt(realm)), realm)
    }
}

/// Next step of the caller.
#[derive(Debug)]
pub enum AsStep {
    /// Send these octets to a KDC of the client's realm and hand in the answer.
    Send(Vec<u8>),
    /// The exchange is complete.
    Done(Box<InitialTicket>),
}

/// Result of an AS exchange.
#[derive(Debug, Clone)]
pub struct InitialTicket {
    /// The ticket; its client is named as the KDC names it.
    pub credential: Credential,
    /// Offset of the KDC's clock. A few seconds count as zero: replies carry whole seconds, and take time to arrive.
    pub time_offset: TimeOffset,
    /// When the client's password or key expires, where the KDC says so.
    pub key_expiration: Option<KerberosTime>,
    /// Whether the KDC proved that it saw the very request that was sent (RFC 6806, section 11).
    pub request_confirmed: bool,
}

/// An AS exchange under way.
#[derive(Debug, Clone)]
pub struct AsExchange {
    request: AsRequest,
    server: Principal,
    secret: Secret,
    /// In order of preference; those that the secret serves come first.
    enctypes: Vec<Enctype>,
    /// The last request, as it was sent.
    sent: Vec<u8>,
    body: KdcReqBody,
    /// Set once the KDC asked for pre-authentication.
    proof: Option<Proof>,
    time_offset: TimeOffset,
    corrected_skew: bool,
}

/// Inputs of pre-authentication.
#[derive(Debug, Clone)]
struct Proof {
    key: Key,
    /// RFC 6113, section 5.2: to be returned as it came.
    cookie: Option<PaData>,
}

/// Clocks closer than this count as equal: replies carry whole seconds, and take time to arrive.
const NEGLIGIBLE_OFFSET_MICROS: u64 = 5_000_000;

impl AsExchange {
    /// Starts an exchange; returns it with the first request to send.
    ///
    /// # Errors
    /// [`ClientError::NoCommonEnctype`] where the secret serves none of the enctypes that the options permit.
    pub fn begin(
        request: AsRequest,
        secret: Secret,
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(AsExchange, Vec<u8>), ClientError> {
        let mut enctypes = request.options.permitted_enctypes();
        if !enctypes.iter().any(|e| secret.serves(*e)) {
            return Err(ClientError::NoCommonEnctype);
        }
        enctypes.sort_by_key(|e| !secret.serves(*e));
        let server = request.server();
        let body = request.options.body(Some(&request.client.name), &server, &enctypes, now, rng);
        let mut exchange = AsExchange {
            request,
            server,
            secret,
            enctypes,
            sent: Vec::new(),
            body,
            proof: None,
            time_offset: TimeOffset::default(),
            corrected_skew: false,
        };
        let first = exchange.compose(now, rng);
        Ok((exchange, first))
    }

    /// Processes an answer: an AS-REP or a KRB-ERROR. `now` is the local time, as in [`AsExchange::begin`].
    ///
    /// # Errors
    /// [`ClientError::Kdc`] for an error that ends the exchange, [`ClientError::Reply`] for a reply that fails a check, and
    /// any other [`ClientError`] that prevents the next request.
    pub fn receive(
        &mut self,
        answer: &[u8],
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<AsStep, ClientError> {
        match Answer::read(answer)? {
            Answer::Error(error) if error.error_code == ErrorCode::PREAUTH_REQUIRED && self.proof.is_none() => {
                self.proof = Some(self.choose_proof(&error)?);
                Ok(AsStep::Send(self.compose(now, rng)))
            }
            Answer::Error(error) if error.error_code == ErrorCode::AP_SKEW && !self.corrected_skew => {
                self.corrected_skew = true;
                self.time_offset = TimeOffset::between(now, error.stime);
                Ok(AsStep::Send(self.compose(now, rng)))
            }
            Answer::Error(error) => Err(error.into()),
            Answer::Reply(reply) => self.finish(&reply, now).map(|ticket| AsStep::Done(Box::new(ticket))),
        }
    }

    /// The next request: a fresh nonce, and the proof where one is due.
    fn compose(&mut self, now: Timestamp, rng: &mut dyn CryptoRngCore) -> Vec<u8> {
        let kdc_now = self.time_offset.apply(now);
        let client = &self.request.client.name;
        self.body = self.request.options.body(Some(client), &self.server, &self.enctypes, kdc_now, rng);
        let mut padata = Vec::new();
        if let Some(proof) = &self.proof {
            padata.extend(proof.cookie.clone());
            padata.push(enc_timestamp(&proof.key, KeyUsage::PA_ENC_TIMESTAMP, kdc_now, rng));
        }
        padata.push(PaData { padata_type: pa_type::REQ_ENC_PA_REP, value: Vec::new() });
        self.sent = as_req(self.body.clone(), padata);
        self.sent.clone()
    }

    fn choose_proof(&self, error: &KrbError) -> Result<Proof, ClientError> {
        let padata = error.e_data.as_deref().map(PaData::decode_all).transpose()?.unwrap_or_default();
        let entry = self.choose_entry(&padata, &self.enctypes)?;
        let cookie = padata.into_iter().find(|p| p.padata_type == pa_type::FX_COOKIE);
        Ok(Proof { key: self.secret.key(&entry, &self.request.client)?, cookie })
    }

    /// The entry of ETYPE-INFO2 for the enctype that comes first among `enctypes`. A KDC that sends no ETYPE-INFO2
    /// means the default salt (RFC 4120, section 5.2.7.5).
    fn choose_entry(&self, padata: &[PaData], enctypes: &[Enctype]) -> Result<EtypeInfo2Entry, ClientError> {
        let usable = || enctypes.iter().filter(|e| self.secret.serves(**e));
        let chosen = match padata.iter().find(|p| p.padata_type == pa_type::ETYPE_INFO2) {
            Some(info) => {
                let entries = EtypeInfo2Entry::decode_all(&info.value)?;
                usable().find_map(|e| entries.iter().find(|entry| entry.etype == e.number()).cloned())
            }
            None => usable().next().map(|e| EtypeInfo2Entry { etype: e.number(), salt: None, s2kparams: None }),
        };
        chosen.ok_or(ClientError::NoCommonEnctype)
    }

    fn finish(&self, rep: &KdcRep, now: Timestamp) -> Result<InitialTicket, ClientError> {
        let reply_key = self.reply_key(rep)?;
        let plain = open(&reply_key, KeyUsage::AS_REP, &rep.enc_part).map_err(|_| ReplyFault::ReplyKey)?;
        let enc = EncKdcRepPart::decode(&plain)?;
        let expected = ExpectedReply {
            answers: MessageType::AsReq,
            client: &self.request.client,
            body: &self.body,
            addresses: &self.request.options.addresses,
            inherits_addresses: false,
            now: None,
        };
        let session_key = expected.check(rep, &enc)?;
        let request_confirmed = confirms_request(&enc, &reply_key, &self.sent)?;
        Ok(InitialTicket {
            time_offset: authenticated_offset(now, enc.authtime),
            key_expiration: enc.key_expiration,
            request_confirmed,
            credential: Credential::from_reply(rep, enc, session_key),
        })
    }

    /// The key that the reply is encrypted in: the one that was proven with, or what the reply's own ETYPE-INFO2 says
    /// where the KDC took another enctype or asked for no proof.
    fn reply_key(&self, rep: &KdcRep) -> Result<Key, ClientError> {
        match &self.proof {
            Some(proof) if proof.key.enctype().number() == rep.enc_part.etype => Ok(proof.key.clone()),
            _ => {
                let enctype = self.enctypes.iter().copied().find(|e| e.number() == rep.enc_part.etype);
                let enctype = enctype.ok_or(ClientError::NoCommonEnctype)?;
                let entry = self.choose_entry(&rep.padata, &[enctype])?;
                self.secret.key(&entry, &self.request.client)
            }
        }
    }
}

/// DER of an AS-REQ of these parts.
pub(crate) fn as_req(body: KdcReqBody, padata: Vec<PaData>) -> Vec<u8> {
    KdcReq { message_type: MessageType::AsReq, padata, body, body_der: 0..0 }.encode()
}

/// PA-ENC-TIMESTAMP (RFC 4120, section 5.2.7.2).
pub(crate) fn enc_timestamp(key: &Key, usage: KeyUsage, time: Timestamp, rng: &mut dyn CryptoRngCore) -> PaData {
    let sealed = seal(key, usage, &PaEncTimestamp(time).encode(), rng);
    PaData { padata_type: pa_type::ENC_TIMESTAMP, value: PaData::encode_encrypted_data(&sealed) }
}

/// RFC 6806, section 11: a KDC that sets the flag must prove which request it saw. A KDC without the extension leaves the
/// flag clear (`false`); nobody in between can clear the flag, because the encrypted part carries it.
fn confirms_request(enc: &EncKdcRepPart, reply_key: &Key, sent: &[u8]) -> Result<bool, ClientError> {
    if !enc.flags.contains(TicketFlags::ENC_PA_REP) {
        return Ok(false);
    }
    let proof = enc.encrypted_pa_data.iter().find(|p| p.padata_type == pa_type::REQ_ENC_PA_REP);
    let proof = &proof.ok_or(ReplyFault::ChangedRequest)?.value;
    let proof = Checksum::decode(proof).map_err(|_| ReplyFault::ChangedRequest)?;
    reply_key
        .verify_checksum(KeyUsage::AS_REQ, sent, proof.cksumtype, &proof.checksum)
        .map_err(|_| ReplyFault::ChangedRequest)?;
    Ok(true)
}

/// The offset of the KDC's clock as the reply proves it; the nonce makes the reply fresh. An error's `stime`, which anybody
/// may have written, is never kept.
fn authenticated_offset(now: Timestamp, authtime: KerberosTime) -> TimeOffset {
    let offset = TimeOffset::between(now, Timestamp { time: authtime, micros: 0 });
    if offset.as_micros().unsigned_abs() < NEGLIGIBLE_OFFSET_MICROS { TimeOffset::default() } else { offset }
}

#[cfg(test)]
#[path = "as_exchange_tests.rs"]
mod tests;
