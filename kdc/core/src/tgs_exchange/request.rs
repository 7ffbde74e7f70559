//! What a TGS request asks for, before its ticket is opened.

use crate::checks::names_somebody;
use crate::context::{Context, ErrorReply};
use crate::kdc_verifier;
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::rules::Rules;
use crate::tgs_exchange::ticket::TicketKind;
use crate::wants::{Want, Wants};
use kennel_wire::message::{ApReq, KdcOptions, KdcReq, KdcReqBody, Principal, Ticket, pa_type};

/// A TGS request with a readable AP-REQ.
pub(crate) struct TgsRequest {
    pub(crate) body: KdcReqBody,
    /// The body as it came: what the authenticator's checksum covers.
    pub(crate) body_der: Vec<u8>,
    pub(crate) ap: ApReq,
    pub(crate) kind: TicketKind,
    /// The server as it was asked for.
    pub(crate) server: Principal,
    /// The additional ticket of a user-to-user request.
    pub(crate) second: Option<Ticket>,
}

impl TgsRequest {
    /// Checks what can be checked without keys.
    pub(crate) fn new(
        request: KdcReq,
        bytes: &[u8],
        rules: &Rules,
        context: &mut Context,
    ) -> Result<TgsRequest, ErrorReply> {
        let realm = &rules.realm;
        let body_der = bytes.get(request.body_der.clone()).unwrap_or_default().to_vec();
        let KdcReq { padata, mut body, .. } = request;
        let sname = body.sname.take().filter(names_somebody);
        context.server = sname.map(|n| Principal::new(n, &*body.realm));
        if body.realm != realm.name {
            return Err(Refusal::WrongRealm.into());
        }
        let server = context.server.clone().ok_or(Refusal::ServerMissing)?;
        let ap = padata.iter().find(|p| p.padata_type == pa_type::TGS_REQ).ok_or(Refusal::NoTgsReq)?;
        let ap = ApReq::decode(&ap.value).map_err(|_| Refusal::TgsReqMalformed)?;
        let kind = TicketKind::new(&ap.ticket, &realm.name).ok_or(Refusal::TicketNotForUs)?;
        check_options(body.options, &kind)?;
        let mut second = None;
        if body.options.contains(KdcOptions::ENC_TKT_IN_SKEY) {
            second = Some(body.additional_tickets.drain(..).next().ok_or(Refusal::SecondTicketMissing)?);
        }
        Ok(TgsRequest { body, body_der, ap, kind, server, second })
    }

    /// The principals that are needed: the presented ticket's server, the server asked for, user-to-user the additional
    /// ticket's server and, where a ticket comes back and the presented one is no TGT of ours, the ticket-granting service.
    pub(crate) fn wants(&self, realm: &Realm) -> Wants {
        let first = [(Want::TicketServer, server_of(&self.ap.ticket)), (Want::Server, self.server.clone())];
        let additional = self.second.as_ref().map(|ticket| (Want::AdditionalTicketServer, server_of(ticket)));
        let vouching = match self.kind {
            TicketKind::OwnTgt => false,
            TicketKind::OwnService => true,
            TicketKind::ForeignTgt(_) => kdc_verifier::may_return(self.body.options),
        };
        let krbtgt = vouching.then(|| (Want::TicketGrantingService, Principal::krbtgt(&realm.name, &realm.name)));
        first.into_iter().chain(additional).chain(krbtgt).collect()
    }
}

fn server_of(ticket: &Ticket) -> Principal {
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
