//! The initiator of GSS-API (RFC 4121), for kadmin's protocol: mutual authentication, and a sub-key of the acceptor.

use crate::ap::{ApOffer, ApRequest};
use crate::credentials::Credential;
use crate::error::ClientError;
use kennel_core::gss::context::{GssContext, Role};
use kennel_wire::gss::framing::{self, ContextFlags, TokenId};
use kennel_wire::message::{Checksum, Timestamp};
use rand_core::CryptoRngCore;

/// A context of which the acceptor has not answered yet.
#[derive(Debug)]
pub struct Initiator {
    request: ApRequest,
    first: u32,
}

impl Initiator {
    /// An initiator with the ticket of `credential`, and its token for the acceptor.
    pub fn new(credential: &Credential, now: Timestamp, rng: &mut dyn CryptoRngCore) -> (Initiator, Vec<u8>) {
        Initiator::asking(credential, ContextFlags::MUTUAL | ContextFlags::REPLAY, now, rng)
    }

    /// An initiator that asks for exactly these properties.
    pub fn asking(
        credential: &Credential,
        flags: ContextFlags,
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
    ) -> (Initiator, Vec<u8>) {
        let first = rng.next_u32() >> 2;
        let checksum = Checksum { cksumtype: framing::CHECKSUM_TYPE, checksum: framing::checksum_field(flags) };
        let offer = ApOffer {
            mutual: flags.contains(ContextFlags::MUTUAL),
            subkey: true,
            seq_number: Some(first),
            checksum: Some(checksum),
        };
        let request = ApRequest::new(credential, &offer, now, rng);
        let token = framing::encode(TokenId::ApReq, &request.message);
        (Initiator { request, first }, token)
    }

    /// Checks the acceptor's token.
    ///
    /// # Errors
    /// The token is no AP-REP of this acceptor, or without a sub-key.
    pub fn finish(self, token: &[u8]) -> Result<GssContext, ClientError> {
        let seen = self.request.check_reply(framing::decode(token, TokenId::ApRep)?)?;
        let subkey = seen.subkey.ok_or(ClientError::Gss("the acceptor chose no sub-key"))?;
        let theirs = seen.seq_number.unwrap_or(0);
        GssContext::new(Role::Initiator, &subkey, self.first, theirs)
            .ok_or(ClientError::Gss("the acceptor chose a sub-key of RC4"))
    }
}
