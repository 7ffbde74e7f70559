//! A TGS request whose AP-REQ is genuine. The next steps decide whether its client may have the ticket.

use crate::entry::Entry;
use crate::principal::Origin;
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::rules::Rules;
use crate::short_name;
use crate::tgs_exchange::presented::{PresentedTgsRequest, PresentedTicket};
use crate::tgs_exchange::referral;
use crate::tgs_exchange::request::TgsRequest;
use crate::tgs_exchange::ticket::TicketKind;
use crate::tgs_exchange::user_to_user::SecondTicket;
use crate::wants::{Found, Want, Wants};
use kennel_wire::message::{Principal, Timestamp};
use std::sync::Arc;

/// The request, its opened tickets, and what was found so far.
pub(crate) struct VerifiedTgsRequest {
    pub(crate) request: TgsRequest,
    pub(crate) presented: PresentedTicket,
    /// The server of the presented ticket.
    pub(crate) ticket_server: Option<Arc<Entry>>,
    /// The realm's ticket-granting service, where the presented ticket is not its own and a ticket may come back.
    other_krbtgt: Option<Arc<Entry>>,
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
    pub(crate) matched: ServerMatch,
}

/// Relation of the server that was found to the name that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerMatch {
    /// The name or an alias of the server.
    Asked,
    /// A name without a domain, which stands for a service of the client's own namespace.
    ShortName,
    /// The server is the ticket-granting service of another realm, in place of the requested server.
    Referral,
}

impl VerifiedTgsRequest {
    /// Opens the additional ticket.
    pub(crate) fn new(
        request: PresentedTgsRequest,
        found: &mut Found,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<VerifiedTgsRequest, Refusal> {
        let PresentedTgsRequest { request, presented, ticket_server, other_krbtgt } = request;
        let (server, second_server) = (found.take(Want::Server), found.take(Want::AdditionalTicketServer));
        let second = match &request.second {
            Some(ticket) => Some(SecondTicket::open(ticket, second_server.as_deref(), rules, now)?),
            None => None,
        };
        Ok(VerifiedTgsRequest { request, presented, ticket_server, other_krbtgt, server, second })
    }

    /// The realm's ticket-granting service, where it must vouch for a ticket.
    pub(crate) fn krbtgt(&self) -> Option<&Entry> {
        match self.presented.kind {
            TicketKind::OwnTgt => self.ticket_server.as_deref(),
            TicketKind::OwnService | TicketKind::ForeignTgt(_) => self.other_krbtgt.as_deref(),
        }
    }

    /// The principals that are needed next: the client, where it is one of this realm, then, where the server is not
    /// found, the service of the client's namespace that a short name stands for, and the ticket-granting services to refer to.
    pub(crate) fn wants(&self, realm: &Realm) -> Wants {
        let own_client = self.has_own_client(realm).then(|| (Want::Client, self.presented.account()));
        let alias = self.presented.has_alias().then(|| self.presented.alias(realm)).flatten();
        let alias = alias.map(|alias| (Want::ClientAlias, alias));
        if self.server.is_some() {
            return own_client.into_iter().chain(alias).collect();
        }
        let asked = &self.request.server;
        let neighbour = own_client.as_ref().and_then(|(_, client)| short_name::in_namespace_of(client, asked, realm));
        let hops = referral::hops(&asked.name, self.request.body.options, realm);
        let referrals = hops.iter().map(|hop| (Want::Referral, Principal::krbtgt(hop, &realm.name)));
        let neighbour = neighbour.map(|name| (Want::NamespaceService, name));
        own_client.into_iter().chain(alias).chain(neighbour).chain(referrals).collect()
    }

    /// Takes the parties of the new ticket out of what was found.
    ///
    /// # Errors
    /// [`Refusal::ClientUnknown`], [`Refusal::TicketAliasChanged`], [`Refusal::ServerUnknown`].
    pub(crate) fn parties(&self, found: &mut Found, realm: &Realm) -> Result<Parties, Refusal> {
        let client = match self.has_own_client(realm) {
            true => Some(found.take(Want::Client).ok_or(Refusal::ClientUnknown)?),
            false => None,
        };
        self.is_still_named_so(found.take(Want::ClientAlias))?;
        if let Some(server) = &self.server {
            return Ok(Parties { client, server: Arc::clone(server), matched: ServerMatch::Asked });
        }
        // Only the name of an account of the cluster says a namespace: a person may be called `web.shop` too.
        let has_namespace = client.as_ref().is_some_and(|client| client.record.origin == Origin::Kubernetes);
        if let Some(server) = found.take(Want::NamespaceService).filter(|_| has_namespace) {
            return Ok(Parties { client, server, matched: ServerMatch::ShortName });
        }
        let server = found.take(Want::Referral).ok_or(Refusal::ServerUnknown)?;
        Ok(Parties { client, server, matched: ServerMatch::Referral })
    }

    /// The name of a ticket under another name than its account's own must stand for that account today.
    fn is_still_named_so(&self, named: Option<Arc<Entry>>) -> Result<(), Refusal> {
        let stands = named.is_some_and(|named| self.presented.is_of(&named.record.principal));
        if stands || !self.presented.has_alias() { Ok(()) } else { Err(Refusal::TicketAliasChanged) }
    }

    fn has_own_client(&self, realm: &Realm) -> bool {
        self.presented.part.crealm == realm.name
    }
}
