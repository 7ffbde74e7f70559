//! RPCSEC_GSS (RFC 2203): the calls of one context, on either side. Establishing a context takes one call here, since the Kerberos
//! mechanism needs one token each way.

use crate::gss::context::{GssContext, TokenRefusal};
use crate::gss::sequence::{SequenceWindow, WINDOW};
use kennel_wire::rpc::call::{Call, Flavor, OpaqueAuth};
use kennel_wire::rpc::gss::{self, GssCredential, GssService, InitResult, MAX_SEQUENCE};
use kennel_wire::rpc::reply::{AcceptStatus, AuthStatus, Reply, ReplyBody};
use kennel_wire::xdr::{WORD, XdrReader};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// The server's side of a context with its calls.
#[derive(Debug)]
pub struct RpcSession {
    context: GssContext,
    window: SequenceWindow,
}

/// Why a call is not performed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallRefusal {
    /// The call was seen before, or is too old: nobody waits for an answer (RFC 2203, section 5.3.3.1).
    Repeated,
    /// The caller is not who it says.
    Denied(AuthStatus),
    /// The header is genuine, and the arguments cannot be opened.
    Garbage,
}

/// The reply to a call that the context has accepted: how it is protected, and the number that proves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Answering {
    pub xid: u32,
    pub sequence: u32,
    pub service: GssService,
}

impl RpcSession {
    /// A context without calls.
    #[must_use]
    pub fn new(context: GssContext) -> RpcSession {
        RpcSession { context, window: SequenceWindow::new(0) }
    }

    /// The reply to the call that established this context: its name here, and the acceptor's token.
    pub fn established(&mut self, xid: u32, handle: &[u8], token: &[u8]) -> Vec<u8> {
        let results = InitResult { handle, major: 0, minor: 0, window: WINDOW, token }.encode();
        let mic = self.context.mic(&WINDOW.to_be_bytes());
        let verifier = OpaqueAuth { flavor: Flavor::RPCSEC_GSS, body: &mic };
        Reply { xid, body: ReplyBody::Accepted { verifier, status: AcceptStatus::Success(&results) } }.encode()
    }

    /// Checks the header of a call: that it is genuine, and new.
    ///
    /// # Errors
    /// See [`CallRefusal`].
    pub fn check_header(&mut self, call: &Call<'_>, credential: &GssCredential<'_>) -> Result<Answering, CallRefusal> {
        if credential.sequence > MAX_SEQUENCE {
            return Err(CallRefusal::Denied(AuthStatus::GSS_CONTEXT_PROBLEM));
        }
        if call.verifier.flavor != Flavor::RPCSEC_GSS {
            return Err(CallRefusal::Denied(AuthStatus::GSS_CREDENTIAL_PROBLEM));
        }
        self.context.verify_mic(call.covered, call.verifier.body).map_err(|refusal| match refusal {
            TokenRefusal::Repeated => CallRefusal::Repeated,
            TokenRefusal::Defective => CallRefusal::Denied(AuthStatus::GSS_CREDENTIAL_PROBLEM),
        })?;
        if !self.window.count(credential.sequence.into()) {
            return Err(CallRefusal::Repeated);
        }
        Ok(Answering { xid: call.xid, sequence: credential.sequence, service: credential.service })
    }

    /// Opens the arguments of a call whose header is checked.
    ///
    /// # Errors
    /// [`CallRefusal::Repeated`], [`CallRefusal::Garbage`].
    pub fn open(&mut self, body: &[u8], answering: Answering) -> Result<Zeroizing<Vec<u8>>, CallRefusal> {
        let opened = match answering.service {
            GssService::None => return Ok(Zeroizing::new(body.to_vec())),
            GssService::Integrity => {
                let (data, mic) = gss::integral(body).map_err(|_| CallRefusal::Garbage)?;
                self.context.verify_mic(data, mic).map(|()| Zeroizing::new(data.to_vec()))
            }
            GssService::Privacy => {
                let token = gss::private(body).map_err(|_| CallRefusal::Garbage)?;
                self.context.unwrap(token)
            }
        };
        let opened = opened.map_err(|refusal| match refusal {
            TokenRefusal::Repeated => CallRefusal::Repeated,
            TokenRefusal::Defective => CallRefusal::Garbage,
        })?;
        without_sequence(opened, answering.sequence).ok_or(CallRefusal::Garbage)
    }

    /// The reply to a call whose header is checked. Results are protected as its arguments were.
    pub fn reply(&mut self, to: Answering, status: AcceptStatus<'_>, rng: &mut dyn CryptoRngCore) -> Vec<u8> {
        let mic = self.context.mic(&to.sequence.to_be_bytes());
        let verifier = OpaqueAuth { flavor: Flavor::RPCSEC_GSS, body: &mic };
        let body = match status {
            AcceptStatus::Success(results) => Some(protect(&mut self.context, to.service, to.sequence, results, rng)),
            _ => None,
        };
        let status = body.as_deref().map_or(status, |body| AcceptStatus::Success(body));
        Reply { xid: to.xid, body: ReplyBody::Accepted { verifier, status } }.encode()
    }

    /// The reply to a call that ends the context: nothing, unprotected.
    pub fn farewell(&mut self, to: Answering) -> Vec<u8> {
        let mic = self.context.mic(&to.sequence.to_be_bytes());
        let verifier = OpaqueAuth { flavor: Flavor::RPCSEC_GSS, body: &mic };
        Reply { xid: to.xid, body: ReplyBody::Accepted { verifier, status: AcceptStatus::Success(&[]) } }.encode()
    }
}

/// The reply to a caller that is not authenticated.
#[must_use]
pub fn denied(xid: u32, status: AuthStatus) -> Vec<u8> {
    Reply { xid, body: ReplyBody::NotAuthenticated(status) }.encode()
}

/// The reply to a call that established no context, with a token that says why (GSS_S_FAILURE).
#[must_use]
pub fn not_established(xid: u32, minor: u32, token: &[u8]) -> Vec<u8> {
    const FAILURE: u32 = 13 << 16;
    let results = InitResult { handle: &[], major: FAILURE, minor, window: 0, token }.encode();
    let verifier = OpaqueAuth { flavor: Flavor::NONE, body: &[] };
    Reply { xid, body: ReplyBody::Accepted { verifier, status: AcceptStatus::Success(&results) } }.encode()
}

/// Arguments or results behind their sequence number, protected (RFC 2203, sections 5.3.2 and 5.3.3.4).
pub fn protect(
    context: &mut GssContext,
    service: GssService,
    sequence: u32,
    octets: &[u8],
    rng: &mut dyn CryptoRngCore,
) -> Vec<u8> {
    if service == GssService::None {
        return octets.to_vec();
    }
    let mut data = Zeroizing::new(Vec::with_capacity(WORD + octets.len()));
    data.extend_from_slice(&sequence.to_be_bytes());
    data.extend_from_slice(octets);
    match service {
        GssService::None | GssService::Integrity => {
            let mic = context.mic(&data);
            [gss::opaque(&data), gss::opaque(&mic)].concat()
        }
        GssService::Privacy => gss::opaque(&context.wrap(&data, rng)),
    }
}

/// What stands behind the sequence number of the call, inside the protection: arguments of another call do not fit.
#[must_use]
pub fn without_sequence(mut data: Zeroizing<Vec<u8>>, sequence: u32) -> Option<Zeroizing<Vec<u8>>> {
    if XdrReader::new(&data).u32() != Ok(sequence) {
        return None;
    }
    data.drain(..WORD);
    Some(data)
}
