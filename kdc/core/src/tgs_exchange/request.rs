//! What a TGS request asks for: of an armored one (FAST) the request inside.

use crate::context::Context;
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::tgs_exchange::ticket::TicketKind;
use crate::wants::Want;
use kennel_wire::message::{KdcOptions, KdcReqBody, Principal, Ticket};

/// A TGS request whose names make sense and whose options fit together.
pub(crate) struct TgsRequest {
    pub(crate) body: KdcReqBody,
    /// The server as it was asked for.
    pub(crate) server: Principal,
    /// The additional ticket of a user-to-user request.
    pub(crate) second: Option<Ticket>,
}

impl TgsRequest {
    /// The server that a body asks for, which the context names already.
    pub(crate) fn server(body: &KdcReqBody, realm: &Realm, context: &Context) -> Result<Principal, Refusal> {
        if body.realm != realm.name {
            return Err(Refusal::WrongRealm);
        }
        context.server.clone().ok_or(Refusal::ServerMissing)
    }

    /// Checks the options. `kind` is the kind of the presented ticket.
    pub(crate) fn new(mut body: KdcReqBody, server: Principal, kind: &TicketKind) -> Result<TgsRequest, Refusal> {
        check_options(body.options, kind)?;
        let mut second = None;
        if body.options.contains(KdcOptions::ENC_TKT_IN_SKEY) {
            second = Some(body.additional_tickets.drain(..).next().ok_or(Refusal::SecondTicketMissing)?);
        }
        Ok(TgsRequest { body, server, second })
    }

    /// The principals that are needed: the server, and user-to-user the additional ticket's server.
    pub(crate) fn wants(&self) -> [Option<(Want, Principal)>; 2] {
        let additional = self.second.as_ref().map(|ticket| (Want::AdditionalTicketServer, server_of(ticket)));
        [Some((Want::Server, self.server.clone())), additional]
    }
}

/// The principal that a ticket is for.
pub(crate) fn server_of(ticket: &Ticket) -> Principal {
    Principal::new(ticket.sname.clone(), &*ticket.realm)
}

/// Options that this KDC does not have, or that exclude each other.
fn check_options(options: KdcOptions, kind: &TicketKind) -> Result<(), Refusal> {
    const FRESH: KdcOptions =
        KdcOptions::FORWARDED.union(KdcOptions::PROXY).union(KdcOptions::POSTDATED).union(KdcOptions::ENC_TKT_IN_SKEY);
    const AGAIN: KdcOptions = KdcOptions::RENEW.union(KdcOptions::VALIDATE);
    if options.contains(KdcOptions::CNAME_IN_ADDL_TKT) {
        return Err(Refusal::ConstrainedDelegation);
    }
    if options.contains(KdcOptions::REQUEST_ANONYMOUS) {
        return Err(Refusal::Anonymous);
    }
    let again = options.intersects(AGAIN);
    let excluding = (again && options.intersects(FRESH))
        || options.contains(AGAIN)
        || options.contains(KdcOptions::FORWARDED | KdcOptions::PROXY);
    if excluding {
        return Err(Refusal::ConflictingOptions);
    }
    match kind {
        // Only a ticket-granting ticket buys others; any ticket of ours can be renewed or validated.
        TicketKind::OwnService if !again => Err(Refusal::TicketNotForUs),
        TicketKind::ForeignTgt(_) if again => Err(Refusal::TicketNotForUs),
        _ => Ok(()),
    }
}
