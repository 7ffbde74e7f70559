//! What a TGS request asks for, before its ticket is opened.

use super::presented::{Kind, Presented};
use super::referral;
use super::user_to_user::SecondTicket;
use super::verified::Verified;
use crate::checks::names_somebody;
use crate::context::{Context, Refused};
use crate::kdc::{Found, Rules};
use crate::refusal::Refusal;
use kennel_wire::message::{ApReq, KdcOptions, KdcReq, KdcReqBody, Principal, Ticket, pa_type};

/// A TGS request with a readable AP-REQ.
pub(crate) struct TgsRequest {
    pub(crate) body: KdcReqBody,
    /// The body as it came: what the authenticator's checksum covers.
    pub(crate) body_der: Vec<u8>,
    pub(crate) ap: ApReq,
    pub(crate) kind: Kind,
    /// The server as it was asked for.
    pub(crate) server: Principal,
    /// The additional ticket of a user-to-user request.
    pub(crate) second: Option<Ticket>,
}

impl TgsRequest {
    /// Checks what can be checked without keys; gives the request and the principals that it needs: the presented
    /// ticket's server, the server asked for and, user-to-user, the additional ticket's server.
    pub(crate) fn begin(
        request: KdcReq,
        bytes: &[u8],
        rules: &Rules,
        context: &mut Context,
    ) -> Result<(TgsRequest, Vec<Principal>), Refused> {
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
        let kind = Kind::of(&ap.ticket, &realm.name).ok_or(Refusal::TicketNotForUs)?;
        check_options(body.options, &kind)?;
        let mut wants = vec![server_of(&ap.ticket), server.clone()];
        let mut second = None;
        if body.options.contains(KdcOptions::ENC_TKT_IN_SKEY) {
            let ticket = body.additional_tickets.drain(..).next().ok_or(Refusal::SecondTicketMissing)?;
            wants.push(server_of(&ticket));
            second = Some(ticket);
        }
        Ok((TgsRequest { body, body_der, ap, kind, server, second }, wants))
    }

    /// Opens the tickets and verifies the AP-REQ; gives the principals that are needed next: the client, where it is one
    /// of ours, then, where the server is not found, the ticket-granting services to refer to.
    pub(crate) fn verify(
        self,
        found: &mut dyn Iterator<Item = Found>,
        rules: &Rules,
        context: &mut Context,
    ) -> Result<(Verified, Vec<Principal>), Refused> {
        let mut next = || found.next().flatten();
        let (ticket_server, server, second_server) = (next(), next(), next());
        let presented = Presented::verify(&self, ticket_server.as_deref(), rules, context)?;
        let second = match &self.second {
            Some(ticket) => Some(SecondTicket::open(ticket, second_server.as_deref(), rules, context.now)?),
            None => None,
        };
        let own_client = (presented.part.crealm == rules.realm.name).then(|| presented.client());
        let hops = match &server {
            Some(_) => Vec::new(),
            None => referral::hops(&self.server.name, self.body.options, &rules.realm),
        };
        let referrals = hops.iter().map(|hop| Principal::krbtgt(hop, &rules.realm.name));
        let wants = own_client.into_iter().chain(referrals).collect();
        Ok((Verified { request: self, presented, ticket_server, server, second }, wants))
    }
}

fn server_of(ticket: &Ticket) -> Principal {
    Principal::new(ticket.sname.clone(), &*ticket.realm)
}

/// Options that this KDC does not have, or that exclude each other.
fn check_options(options: KdcOptions, kind: &Kind) -> Result<(), Refusal> {
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
        Kind::OwnService if !again => Err(Refusal::TicketNotForUs),
        Kind::ForeignTgt(_) if again => Err(Refusal::TicketNotForUs),
        _ => Ok(()),
    }
}
