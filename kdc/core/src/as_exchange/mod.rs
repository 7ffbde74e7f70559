//! The AS exchange (RFC 4120, section 3.1), its steps in order. Each step is a type that is made from the step before it.
//!
//! | step | what holds then |
//! |---|---|
//! | [`armored`] | only of an armored request (FAST): the armor can be read; the next step is that of the request inside |
//! | [`request`] | the names make sense and the options fit an AS request |
//! | [`identified`] | client and server exist and may take part |
//! | [`authenticated`] | the client has proved who it is, and the access decision lets it have the ticket |

pub(crate) mod armored;
pub(crate) mod authenticated;
pub(crate) mod identified;
pub(crate) mod request;

use crate::as_exchange::armored::ArmoredAsRequest;
use crate::as_exchange::authenticated::AuthenticatedAsRequest;
use crate::as_exchange::identified::IdentifiedAsRequest;
use crate::as_exchange::request::{AsRequest, name_parties};
use crate::context::{Context, ErrorReply};
use crate::entry::Entry;
use crate::event::IssuedTicket;
use crate::kdc_verifier;
use crate::preauth::cookie;
use crate::preauth::fast::FastRequest;
use crate::refusal::Refusal;
use crate::rules::Rules;
use crate::wants::{Found, Want, Wants};
use kennel_wire::message::{KdcReq, Principal};
use rand_core::CryptoRngCore;

/// A request that was received.
pub(crate) enum ReceivedAsRequest {
    /// Whose body counts.
    Open(AsRequest),
    /// Whose body is inside an armor.
    Armored(ArmoredAsRequest),
}

/// Receives a request (RFC 4120, section 3.1.1); returns it with the principals that it needs.
pub(crate) fn begin(
    request: KdcReq,
    bytes: &[u8],
    rules: &Rules,
    context: &mut Context,
) -> Result<(ReceivedAsRequest, Wants), ErrorReply> {
    let KdcReq { padata, mut body, body_der, .. } = request;
    match FastRequest::find(&padata, &rules.realm) {
        Ok(None) => {
            let request = AsRequest::new(padata, body, bytes, rules, context)?;
            let wants = wants(&request, false, rules);
            Ok((ReceivedAsRequest::Open(request), wants))
        }
        Ok(Some(fast)) => {
            name_parties(&mut body, context);
            let armored = ArmoredAsRequest::new(fast, bytes, body_der);
            let server = armored.armor_server().ok_or(Refusal::FastArmorMissing)?;
            Ok((ReceivedAsRequest::Armored(armored), std::iter::once((Want::ArmorTicketServer, server)).collect()))
        }
        Err(refusal) => {
            name_parties(&mut body, context);
            Err(refusal.into())
        }
    }
}

/// Opens an armored request; returns the request inside with the principals that it needs.
pub(crate) fn open(
    armored: ArmoredAsRequest,
    found: &mut Found,
    rules: &Rules,
    context: &mut Context,
) -> Result<(AsRequest, Wants), ErrorReply> {
    let request = armored.open(found.take(Want::ArmorTicketServer).as_deref(), rules, context)?;
    let wants = wants(&request, true, rules);
    Ok((request, wants))
}

/// Client and server, and the ticket-granting service where it must vouch for the ticket or seal a cookie.
fn wants(request: &AsRequest, armored: bool, rules: &Rules) -> Wants {
    let wants = [(Want::Client, request.client.clone()), (Want::Server, request.server.clone())];
    let needed = (armored || kdc_verifier::may_return(request.body.options)) && !request.is_for_tgs();
    let krbtgt = needed.then(|| (Want::TicketGrantingService, Principal::krbtgt(&rules.realm.name, &rules.realm.name)));
    wants.into_iter().chain(krbtgt).collect()
}

/// Decides, with the principals that were found; returns the AS-REP (RFC 4120, sections 3.1.2 and
/// 3.1.3).
pub(crate) fn finish(
    request: AsRequest,
    found: &mut Found,
    rules: &Rules,
    context: &mut Context,
    rng: &mut dyn CryptoRngCore,
) -> Result<(Vec<u8>, IssuedTicket), ErrorReply> {
    let (client, server) = (found.take(Want::Client), found.take(Want::Server));
    let krbtgt = found.take(Want::TicketGrantingService);
    let krbtgt = krbtgt.as_deref().or_else(|| server.as_deref().filter(|_| request.is_for_tgs()));
    let decided = decide(&request, (client.as_deref(), server.as_deref(), krbtgt), rules, context, rng);
    match decided {
        // Inside armor a client asks again only with a cookie (RFC 6113, section 5.2).
        Err(refused) if context.armor.is_some() && refused.has_methods() => {
            let krbtgt = krbtgt.ok_or(Refusal::Internal)?;
            Err(refused.with_method(cookie::issue(krbtgt, &request.client, context.now, &rules.realm, rng)?))
        }
        decided => decided,
    }
}

fn decide(
    request: &AsRequest,
    (client, server, krbtgt): (Option<&Entry>, Option<&Entry>, Option<&Entry>),
    rules: &Rules,
    context: &mut Context,
    rng: &mut dyn CryptoRngCore,
) -> Result<(Vec<u8>, IssuedTicket), ErrorReply> {
    let identified = IdentifiedAsRequest::new(request, client, server, rules, context)?;
    let armor = context.armor.as_deref();
    if armor.is_some() {
        cookie::check(&request.padata, krbtgt, &request.client, context.now, &rules.realm)?;
    }
    let authenticated = AuthenticatedAsRequest::new(identified, armor)?;
    authenticated.issue(krbtgt, context.now, rng)
}
