//! User-to-user (RFC 4120, sections 2.9.2 and 3.3.3): the server has no long-term key at hand and lends its TGT instead;
//! the new ticket is sealed in the session key of that TGT.

use crate::ap_exchange::message_key;
use crate::checks;
use crate::entry::Entry;
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::rules::Rules;
use crate::tgs_exchange::ticket::open_additional;
use kennel_crypto::Key;
use kennel_wire::message::{KerberosTime, Principal, Ticket, Timestamp};

/// An additional ticket that was opened.
pub(crate) struct SecondTicket {
    /// The account of its client.
    account: Principal,
    authtime: KerberosTime,
    pub(crate) session: Key,
}

impl SecondTicket {
    /// Opens the additional ticket, which must be a valid TGT of this realm.
    pub(crate) fn open(
        ticket: &Ticket,
        server: Option<&Entry>,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<SecondTicket, Refusal> {
        let (part, bound) = open_additional(ticket, server, rules, now.time)?;
        let session = message_key(&part.key, &rules.realm.enctypes).ok_or(Refusal::TicketEnctype)?;
        let account = bound.account.unwrap_or_else(|| Principal::new(part.cname, part.crealm));
        Ok(SecondTicket { account, authtime: part.authtime, session })
    }

    /// The additional ticket must be the server's own, not merely of its name (CVE-2020-25719, CVE-2021-42287): names
    /// are compared after aliases are resolved, the account must be as old as the ticket, and the ticket no older than the
    /// account's password.
    pub(crate) fn is_of(&self, server: &Entry, realm: &Realm) -> Result<(), Refusal> {
        if self.account != server.record.principal {
            return Err(Refusal::SecondTicketMismatch);
        }
        checks::authenticated_since(&server.record, self.authtime, realm).map_err(|refusal| match refusal {
            Refusal::TicketRevoked => Refusal::SecondTicketMismatch,
            other => other,
        })
    }
}
