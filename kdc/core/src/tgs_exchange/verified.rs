//! A TGS request whose AP-REQ is genuine; what is left is whether its client may have what it asks for.

use super::identified::Identified;
use super::presented::Presented;
use super::request::TgsRequest;
use super::user_to_user::SecondTicket;
use crate::context::{Context, Refused};
use crate::entry::Entry;
use crate::event::Issued;
use crate::kdc::{Found, Rules};
use crate::refusal::Refusal;
use rand_core::CryptoRngCore;
use std::sync::Arc;

/// The request, its opened tickets, and what was found so far.
pub(crate) struct Verified {
    pub(crate) request: TgsRequest,
    pub(crate) presented: Presented,
    /// The server of the presented ticket.
    pub(crate) ticket_server: Found,
    /// The server that is asked for, if it is ours.
    pub(crate) server: Found,
    pub(crate) second: Option<SecondTicket>,
}

impl Verified {
    /// Decides, with what [`TgsRequest::verify`] wanted: the client where it is ours, then the ticket-granting services
    /// to refer to.
    pub(crate) fn finish(
        self,
        found: &mut dyn Iterator<Item = Found>,
        rules: &Rules,
        context: &mut Context,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(Vec<u8>, Issued), Refused> {
        let client = if self.presented.part.crealm == rules.realm.name {
            Some(found.next().flatten().ok_or(Refusal::ClientUnknown)?)
        } else {
            None
        };
        let (server, referral) = self.server_or_referral(found)?;
        context.server = Some(server.record.principal.clone());
        let identified = Identified::new(&self, client.as_deref(), &server, referral, rules, context)?;
        Ok(identified.issue(context.now.time, rng)?)
    }

    fn server_or_referral(&self, found: &mut dyn Iterator<Item = Found>) -> Result<(Arc<Entry>, bool), Refusal> {
        match &self.server {
            Some(server) => Ok((Arc::clone(server), false)),
            None => found.flatten().next().map(|hop| (hop, true)).ok_or(Refusal::ServerUnknown),
        }
    }
}
