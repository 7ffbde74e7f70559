//! The client of the password protocol (RFC 3244): a ticket for `kadmin/changepw` and a new password in, the server's result out.

use crate::ap::{ApOffer, ApRequest};
use crate::credentials::Credential;
use crate::error::ClientError;
use crate::sealing::{open, seal};
use kennel_crypto::{Key, KeyUsage};
use kennel_wire::WireError;
use kennel_wire::kpasswd::{PasswordRequest, PasswordResult, PasswordVersion, decode_reply, decode_result};
use kennel_wire::message::{
    ChangePasswdData, EncKrbPrivPart, ErrorCode, HostAddress, KrbError, KrbPriv, Principal, Timestamp,
};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// What a request asks for.
#[derive(Debug, Clone)]
pub struct PasswordOrder<'a> {
    /// The new password.
    pub password: &'a [u8],
    /// [`PasswordVersion::Change`] knows no target.
    pub version: PasswordVersion,
    /// Whose password; `None`: the client's own.
    pub target: Option<Principal>,
}

/// A request that waits for its answer.
#[derive(Debug)]
pub struct PasswordExchange {
    ap: ApRequest,
    key: Key,
}

impl PasswordExchange {
    /// Makes a request with a ticket for `kadmin/changepw`; returns it beside its octets.
    ///
    /// # Errors
    /// [`ClientError::Wire`]: the request is longer than the protocol can say.
    pub fn begin(
        credential: &Credential,
        order: &PasswordOrder<'_>,
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(PasswordExchange, Vec<u8>), ClientError> {
        // Below 2^30: servers exist that take larger numbers for negative ones.
        let number = rng.next_u32() >> 2;
        let offer = ApOffer { mutual: true, subkey: true, seq_number: Some(number), checksum: None };
        let ap = ApRequest::new(credential, &offer, now, rng);
        let key = ap.subkey.clone().unwrap_or_else(|| credential.session_key.clone());
        let part = EncKrbPrivPart {
            user_data: content(order),
            timestamp: None,
            seq_number: Some(number),
            s_address: HostAddress::initiator(),
            r_address: None,
        };
        let krb_priv = KrbPriv { enc_part: seal(&key, KeyUsage::KRB_PRIV, &part.encode(), rng) }.encode();
        let request = PasswordRequest { version: order.version, ap_req: &ap.message, krb_priv: &krb_priv };
        let octets = request.encode().ok_or(too_long())?;
        Ok((PasswordExchange { ap, key }, octets))
    }

    /// Reads the answer: the result, and the words for the person.
    ///
    /// # Errors
    /// [`ClientError::Ap`] where the answer does not come from the server that shares the key, [`ClientError::Wire`].
    pub fn receive(&self, reply: &[u8]) -> Result<(PasswordResult, String), ClientError> {
        let (ap_rep, rest) = decode_reply(reply)?;
        if ap_rep.is_empty() {
            let error = KrbError::decode(rest)?;
            let data = error.e_data.ok_or(ClientError::Kdc { code: error.error_code, text: error.e_text })?;
            return Ok(decode_result(&data)?);
        }
        let seen = self.ap.check_reply(ap_rep)?;
        let sealed = KrbPriv::decode(rest)?.enc_part;
        let refused = |code| ClientError::Ap(code);
        let plain = open(&self.key, KeyUsage::KRB_PRIV, &sealed);
        let part = EncKrbPrivPart::decode(&plain.map_err(|_| refused(ErrorCode::AP_BAD_INTEGRITY))?)?;
        if part.seq_number != seen.seq_number {
            return Err(refused(ErrorCode::AP_BADORDER));
        }
        Ok(decode_result(&part.user_data)?)
    }
}

fn content(order: &PasswordOrder<'_>) -> Zeroizing<Vec<u8>> {
    let new_password = Zeroizing::new(order.password.to_vec());
    match order.version {
        PasswordVersion::Change => new_password,
        PasswordVersion::Set => ChangePasswdData { new_password, target: order.target.clone() }.encode(),
    }
}

fn too_long() -> WireError {
    WireError::Message { message: "kpasswd request", reason: "it is longer than 65,535 octets" }
}
