//! The AS exchange (RFC 4120, section 3.1), its steps in order. Each step is a type that is made from the step before it.
//!
//! | step | what holds then |
//! |---|---|
//! | [`request`] | the names make sense and the options fit an AS request |
//! | [`identified`] | client and server exist and may take part |
//! | [`authenticated`] | the client has proved who it is, and the access decision lets it have the ticket |

pub(crate) mod authenticated;
pub(crate) mod identified;
pub(crate) mod request;

use crate::as_exchange::authenticated::AuthenticatedAsRequest;
use crate::as_exchange::identified::IdentifiedAsRequest;
use crate::as_exchange::request::AsRequest;
use crate::context::{Context, ErrorReply};
use crate::event::IssuedTicket;
use crate::kdc_verifier;
use crate::rules::Rules;
use crate::wants::{Found, Want, Wants};
use kennel_wire::message::{KdcReq, Principal};
use rand_core::CryptoRngCore;

/// Receives a request (RFC 4120, section 3.1.1); returns it with the principals that it needs.
pub(crate) fn begin(
    request: KdcReq,
    bytes: &[u8],
    rules: &Rules,
    context: &mut Context,
) -> Result<(AsRequest, Wants), ErrorReply> {
    let request = AsRequest::new(request, bytes, rules, context)?;
    let wants = [(Want::Client, request.client.clone()), (Want::Server, request.server.clone())];
    let vouching = kdc_verifier::may_return(request.body.options) && !request.is_for_tgs();
    let krbtgt =
        vouching.then(|| (Want::TicketGrantingService, Principal::krbtgt(&rules.realm.name, &rules.realm.name)));
    Ok((request, wants.into_iter().chain(krbtgt).collect()))
}

/// Decides, with the principals that were found; returns the AS-REP (RFC 4120, sections 3.1.2 and
/// 3.1.3).
pub(crate) fn finish(
    request: AsRequest,
    mut found: Found,
    rules: &Rules,
    context: &mut Context,
    rng: &mut dyn CryptoRngCore,
) -> Result<(Vec<u8>, IssuedTicket), ErrorReply> {
    let (client, server) = (found.take(Want::Client), found.take(Want::Server));
    let identified = IdentifiedAsRequest::new(&request, client.as_deref(), server.as_deref(), rules, context)?;
    let authenticated = AuthenticatedAsRequest::new(identified)?;
    let krbtgt = found.take(Want::TicketGrantingService);
    authenticated.issue(krbtgt.as_deref(), context.now, rng)
}
