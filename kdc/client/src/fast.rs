//! FAST (RFC 6113, section 5.4) from the client's side: armor, requests inside it, and what comes back. [`AsExchange`] and
//! [`TgsExchange`] do not use it; tests of KDCs put their requests together from these parts, right ones and wrong ones.
//!
//! [`AsExchange`]: crate::as_exchange::AsExchange
//! [`TgsExchange`]: crate::tgs_exchange::TgsExchange

use crate::credentials::Credential;
use crate::error::ClientError;
use crate::fault::ReplyFault;
use crate::sealing::{checksum, key_from_wire, key_to_wire, open, seal};
use kennel_crypto::{Key, KeyUsage};
use kennel_wire::message::{
    ApOptions, ApReq, Authenticator, KdcReq, KrbError, KrbFastArmor, KrbFastArmoredRep, KrbFastArmoredReq, KrbFastReq,
    KrbFastResponse, PaData, PaEncTimestamp, Timestamp, pa_type,
};
use rand_core::CryptoRngCore;

/// An armor: a key that client and KDC share, and what tells the KDC of it.
#[derive(Debug, Clone)]
pub struct FastArmor {
    /// The armor key.
    pub key: Key,
    /// What the request carries; `None` where the ticket of a TGS request is the armor.
    pub armor: Option<KrbFastArmor>,
}

impl FastArmor {
    /// An armor of a ticket for the ticket-granting service. `alter` may change the authenticator, whose sub-key is set before.
    pub fn of_ticket(
        credential: &Credential,
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
        alter: impl FnOnce(&mut Authenticator),
    ) -> FastArmor {
        let session = &credential.session_key;
        let subkey = Key::generate(session.enctype(), rng);
        let mut authenticator = Authenticator {
            crealm: credential.client.realm.clone(),
            cname: credential.client.name.clone(),
            cksum: None,
            ctime: now,
            subkey: Some(key_to_wire(&subkey)),
            seq_number: None,
            authorization_data: None,
        };
        alter(&mut authenticator);
        let sealed = seal(session, KeyUsage::AP_REQ_AUTHENTICATOR, &authenticator.encode(), rng);
        let request = ApReq { options: ApOptions::empty(), ticket: credential.ticket.clone(), authenticator: sealed };
        let armor = KrbFastArmor { armor_type: KrbFastArmor::AP_REQUEST, armor_value: request.encode() };
        FastArmor { armor: Some(armor), ..FastArmor::of_request(session, &subkey) }
    }

    /// The armor of a TGS request that is its own: of its ticket's session key and its sub-key.
    #[must_use]
    pub fn of_request(session: &Key, subkey: &Key) -> FastArmor {
        FastArmor { key: subkey.fx_cf2("subkeyarmor", session, "ticketarmor"), armor: None }
    }

    /// This armor, in a TGS request with this sub-key.
    #[must_use]
    pub fn in_tgs(self, subkey: &Key) -> FastArmor {
        FastArmor { key: self.key.fx_cf2("explicitarmor", subkey, "tgsarmor"), ..self }
    }

    /// PA-FX-FAST around a request. `covered` is what its checksum covers: the body outside (AS) or the AP-REQ (TGS).
    pub fn wrap(&self, inner: &KrbFastReq, covered: &[u8], rng: &mut dyn CryptoRngCore) -> PaData {
        self.wrap_altered(inner, covered, rng, |_| {})
    }

    /// As [`FastArmor::wrap`], with what stands outside altered.
    pub fn wrap_altered(
        &self,
        inner: &KrbFastReq,
        covered: &[u8],
        rng: &mut dyn CryptoRngCore,
        alter: impl FnOnce(&mut KrbFastArmoredReq),
    ) -> PaData {
        let mut armored = KrbFastArmoredReq {
            armor: self.armor.clone(),
            req_checksum: checksum(&self.key, KeyUsage::FAST_REQ_CHECKSUM, covered),
            enc_fast_req: seal(&self.key, KeyUsage::FAST_REQ, &inner.encode(), rng),
        };
        alter(&mut armored);
        PaData { padata_type: pa_type::FX_FAST, value: armored.encode() }
    }

    /// Puts an armored request into a TGS request that was made without FAST.
    ///
    /// # Errors
    /// [`ClientError::Wire`]: not a TGS request.
    pub fn wrap_tgs(
        &self,
        message: &[u8],
        inner: &KrbFastReq,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Vec<u8>, ClientError> {
        let mut request = KdcReq::decode(message)?;
        let ap_req = request.padata.iter().find(|p| p.padata_type == pa_type::TGS_REQ);
        let ap_req = ap_req.map(|element| element.value.clone()).unwrap_or_default();
        request.padata.push(self.wrap(inner, &ap_req, rng));
        Ok(request.encode())
    }

    /// Opens the response inside the padata of a reply.
    ///
    /// # Errors
    /// [`ReplyFault::ReplyKey`] where there is none or where it does not open; [`ClientError::Wire`].
    pub fn response(&self, padata: &[PaData]) -> Result<KrbFastResponse, ClientError> {
        let element = padata.iter().find(|p| p.padata_type == pa_type::FX_FAST).ok_or(ReplyFault::ReplyKey)?;
        let KrbFastArmoredRep(sealed) = KrbFastArmoredRep::decode(&element.value)?;
        let plain = open(&self.key, KeyUsage::FAST_REP, &sealed).map_err(|_| ReplyFault::ReplyKey)?;
        Ok(KrbFastResponse::decode(&plain)?)
    }

    /// Opens the error inside an error; returns it with the rest of the padata beside it.
    ///
    /// # Errors
    /// As [`FastArmor::response`].
    pub fn error(&self, outer: &KrbError) -> Result<(KrbError, Vec<PaData>), ClientError> {
        let data = outer.e_data.as_deref().map(PaData::decode_all).transpose()?.unwrap_or_default();
        let (errors, methods): (Vec<PaData>, Vec<PaData>) =
            self.response(&data)?.padata.into_iter().partition(|p| p.padata_type == pa_type::FX_ERROR);
        let error = errors.first().ok_or(ReplyFault::WrongMessage)?;
        Ok((KrbError::decode(&error.value)?, methods))
    }

    /// The key that seals a reply, made of the key that would seal it without FAST.
    ///
    /// # Errors
    /// A strengthening key of an unknown enctype.
    pub fn reply_key(response: &KrbFastResponse, key: &Key) -> Result<Key, ClientError> {
        match &response.strengthen_key {
            Some(strengthen) => Ok(key_from_wire(strengthen)?.fx_cf2("strengthenkey", key, "replykey")),
            None => Ok(key.clone()),
        }
    }

    /// The client's encrypted challenge.
    pub fn challenge(&self, long_term: &Key, time: Timestamp, rng: &mut dyn CryptoRngCore) -> PaData {
        let key = self.key.fx_cf2("clientchallengearmor", long_term, "challengelongterm");
        let sealed = seal(&key, KeyUsage::ENC_CHALLENGE_CLIENT, &PaEncTimestamp(time).encode(), rng);
        PaData { padata_type: pa_type::ENCRYPTED_CHALLENGE, value: PaData::encode_encrypted_data(&sealed) }
    }

    /// The time in the KDC's encrypted challenge, which proves that the KDC has the client's key.
    ///
    /// # Errors
    /// [`ReplyFault::ReplyKey`] where there is none or where it does not open; [`ClientError::Wire`].
    pub fn kdc_challenge(&self, long_term: &Key, padata: &[PaData]) -> Result<Timestamp, ClientError> {
        let element = padata.iter().find(|p| p.padata_type == pa_type::ENCRYPTED_CHALLENGE);
        let sealed = PaData::decode_encrypted_data(&element.ok_or(ReplyFault::ReplyKey)?.value)?;
        let key = self.key.fx_cf2("kdcchallengearmor", long_term, "challengelongterm");
        let plain = open(&key, KeyUsage::ENC_CHALLENGE_KDC, &sealed).map_err(|_| ReplyFault::ReplyKey)?;
        Ok(PaEncTimestamp::decode(&plain)?.0)
    }
}
