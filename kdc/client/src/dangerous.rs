//! Requests that are wrong on purpose, for tests of KDCs: everything that a client keeps right by itself can be made
//! wrong here. No program but a test has a reason to use this.

use crate::as_exchange::{AsRequest, as_req, enc_timestamp};
use crate::credentials::Credential;
use crate::error::ClientError;
use crate::sealing::open;
use crate::tgs_exchange::{TgsExchange, TgsRequest};
use kennel_crypto::{Key, KeyUsage};
use kennel_wire::message::{EncKdcRepPart, KdcRep, KdcReqBody, PaData, Timestamp};
use rand_core::CryptoRngCore;

pub use crate::tgs_exchange::{BodyChecksum, TgsParts};

/// The body of the AS-REQ that [`crate::AsExchange`] would send.
pub fn dangerous_as_body(request: &AsRequest, now: Timestamp, rng: &mut dyn CryptoRngCore) -> KdcReqBody {
    let enctypes = request.options.permitted_enctypes();
    request.options.body(Some(&request.client.name), &request.server(), &enctypes, now, rng)
}

/// DER of an AS-REQ of any body and any padata.
#[must_use]
pub fn dangerous_as_request(body: KdcReqBody, padata: Vec<PaData>) -> Vec<u8> {
    as_req(body, padata)
}

/// PA-ENC-TIMESTAMP of any time under any key and usage (right: [`KeyUsage::PA_ENC_TIMESTAMP`]).
pub fn dangerous_enc_timestamp(key: &Key, usage: KeyUsage, time: Timestamp, rng: &mut dyn CryptoRngCore) -> PaData {
    enc_timestamp(key, usage, time, rng)
}

/// DER of a TGS-REQ whose parts were altered before they were encoded and encrypted, and the exchange that waits for
/// its answer.
pub fn dangerous_tgs_request(
    credential: &Credential,
    request: &TgsRequest,
    now: Timestamp,
    rng: &mut dyn CryptoRngCore,
    alter: impl FnOnce(&mut TgsParts),
) -> (TgsExchange, Vec<u8>) {
    let mut parts = TgsParts::new(credential, request, now, rng);
    alter(&mut parts);
    TgsExchange::of_parts(parts, credential, now, rng)
}

/// Opens a reply without checking it against a request.
///
/// # Errors
/// [`ClientError::Wire`], [`ClientError::Crypto`].
pub fn dangerous_open_reply(reply: &[u8], key: &Key, usage: KeyUsage) -> Result<(KdcRep, EncKdcRepPart), ClientError> {
    let rep = KdcRep::decode(reply)?;
    let plain = open(key, usage, &rep.enc_part)?;
    Ok((rep, EncKdcRepPart::decode(&plain)?))
}
