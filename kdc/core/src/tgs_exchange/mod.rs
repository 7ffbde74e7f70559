//! The TGS exchange (RFC 4120, section 3.3), its steps in order. Each step is a type that is made from the step before it.
//!
//! | step | what holds then |
//! |---|---|
//! | [`received`] | the AP-REQ can be read |
//! | [`presented`] | the AP-REQ is genuine; what is asked for is known, also inside armor, and its options fit together ([`request`]) |
//! | [`verified`] | the additional ticket is genuine too ([`user_to_user`]) |
//! | [`identified`] | client and server may take part, and then: the access decision lets the client have the ticket |
//! | [`issue`] | the ticket is decided, no longer than access lasts, and the reply is built |
//!
//! [`ticket`] opens and judges tickets, [`referral`] names the realms to refer a client to.

pub(crate) mod identified;
pub(crate) mod issue;
pub(crate) mod presented;
pub(crate) mod received;
pub(crate) mod referral;
pub(crate) mod request;
pub(crate) mod ticket;
pub(crate) mod user_to_user;
pub(crate) mod verified;

use crate::context::{Context, ErrorReply};
use crate::event::IssuedTicket;
use crate::rules::Rules;
use crate::tgs_exchange::identified::IdentifiedTgsRequest;
use crate::tgs_exchange::presented::PresentedTgsRequest;
use crate::tgs_exchange::received::ReceivedTgsRequest;
use crate::tgs_exchange::verified::{Parties, VerifiedTgsRequest};
use crate::wants::{Found, Wants};
use kennel_wire::message::KdcReq;
use rand_core::CryptoRngCore;

/// Receives a request (RFC 4120, section 3.3.1); returns it with the principals that it needs.
pub(crate) fn begin(
    request: KdcReq,
    bytes: &[u8],
    rules: &Rules,
    context: &mut Context,
) -> Result<(ReceivedTgsRequest, Wants), ErrorReply> {
    let received = ReceivedTgsRequest::new(request, bytes, rules, context)?;
    let wants = received.wants(&rules.realm);
    Ok((received, wants))
}

/// Verifies the AP-REQ (RFC 4120, section 3.3.2); returns what it proves with the principals that are needed next: none, unless
/// the request came armored.
pub(crate) fn present(
    received: ReceivedTgsRequest,
    found: &mut Found,
    rules: &Rules,
    context: &mut Context,
) -> Result<(PresentedTgsRequest, Wants), ErrorReply> {
    Ok(PresentedTgsRequest::new(received, found, rules, context)?)
}

/// Opens the additional ticket; returns the request with the principals that are needed next, if any.
pub(crate) fn verify(
    presented: PresentedTgsRequest,
    found: &mut Found,
    rules: &Rules,
    context: &mut Context,
) -> Result<(VerifiedTgsRequest, Wants), ErrorReply> {
    let verified = VerifiedTgsRequest::new(presented, found, rules, context.now)?;
    let wants = verified.wants(&rules.realm);
    Ok((verified, wants))
}

/// Decides, with what [`verify`] wanted; returns the TGS-REP (RFC 4120, section 3.3.3).
pub(crate) fn finish(
    verified: VerifiedTgsRequest,
    found: &mut Found,
    rules: &Rules,
    context: &mut Context,
    rng: &mut dyn CryptoRngCore,
) -> Result<(Vec<u8>, IssuedTicket), ErrorReply> {
    let Parties { client, server, matched } = verified.parties(found, &rules.realm)?;
    context.server = Some(server.record.principal.clone());
    let identified = IdentifiedTgsRequest::new(&verified, client.as_deref(), &server, matched, rules, context)?;
    let access = identified.decide_access(context)?;
    Ok(identified.issue(&access, context, rng)?)
}
