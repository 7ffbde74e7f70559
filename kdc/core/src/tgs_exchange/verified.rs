//! A TGS request whose AP-REQ is genuine. The next steps decide whether its client may have the ticket.

use crate::context::Context;
use crate::entry::Entry;
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::rules::Rules;
use crate::tgs_exchange::presented::PresentedTicket;
use crate::tgs_exchange::referral;
use crate::tgs_exchange::request::TgsRequest;
use crate::tgs_exchange::user_to_user::SecondTicket;
use crate::wants::{Found, Want, Wants};
use kennel_wire::message::Principal;
use std::sync::Arc;

/// The request, its opened tickets, and what was found so far.
pub(crate) struct VerifiedTgsRequest {
    pub(crate) request: TgsRequest,
    pub(crate) presented: PresentedTicket,
    /// The server of the presented ticket.
    pub(crate) ticket_server: Option<Arc<Entry>>,
    /// The server that is asked for, if it is ours.
    pub(crate) server: Option<Arc<Entry>>,
    pub(crate) second: Option<SecondTicket>,
}

/// The parties of the new ticket.
pub(crate) struct Parties {
    /// The client, where it is one of this realm.
    pub(crate) client: Option<Arc<Entry>>,
    /// The server, or the ticket-granting service to refer the client to.
    pub(crate) server: Arc<Entry>,
    /// Whether the server stands in for the one that was asked for.
    pub(crate) referral: bool,
}

impl VerifiedTgsRequest {
    /// Opens the tickets and verifies the AP-REQ.
    pub(crate) fn new(
        request: TgsRequest,
        mut found: Found,
        rules: &Rules,
        context: &mut Context,
    ) -> Result<VerifiedTgsRequest, Refusal> {
        let (ticket_server, server) = (found.take(Want::TicketServer), found.take(Want::Server));
        let second_server = found.take(Want::AdditionalTicketServer);
        let presented = PresentedTicket::verify(&request, ticket_server.as_deref(), rules, context)?;
        let second = match &request.second {
            Some(ticket) => Some(SecondTicket::open(ticket, second_server.as_deref(), rules, context.now)?),
            None => None,
        };
        Ok(VerifiedTgsRequest { request, presented, ticket_server, server, second })
    }

    /// The principals that are needed next: the client, where it is one of this realm, then, where the server is not
    /// found, the ticket-granting services to refer to.
    pub(crate) fn wants(&self, realm: &Realm) -> Wants {
        let own_client = self.has_own_client(realm).then(|| (Want::Client, self.presented.client()));
        let hops = match &self.server {
            Some(_) => Vec::new(),
            None => referral::hops(&self.request.server.name, self.request.body.options, realm),
        };
        let referrals = hops.iter().map(|hop| (Want::Referral, Principal::krbtgt(hop, &realm.name)));
        own_client.into_iter().chain(referrals).collect()
    }

    /// Takes the parties of the new ticket out of what was found.
    ///
    /// # Errors
    /// [`Refusal::ClientUnknown`], [`Refusal::ServerUnknown`].
    pub(crate) fn parties(&self, mut found: Found, realm: &Realm) -> Result<Parties, Refusal> {
        let client = match self.has_own_client(realm) {
            true => Some(found.take(Want::Client).ok_or(Refusal::ClientUnknown)?),
            false => None,
        };
        match &self.server {
            Some(server) => Ok(Parties { client, server: Arc::clone(server), referral: false }),
            None => {
                let server = found.take(Want::Referral).ok_or(Refusal::ServerUnknown)?;
                Ok(Parties { client, server, referral: true })
            }
        }
    }

    fn has_own_client(&self, realm: &Realm) -> bool {
        self.presented.part.crealm == realm.name
    }
}
