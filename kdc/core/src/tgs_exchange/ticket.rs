//! Tickets that clients present to the ticket-granting service: their kinds, and the additional ticket.
//! [`crate::ap_exchange`] opens tickets and judges their validity.

use crate::ap_exchange::{ApRules, open_ticket, valid_now};
use crate::bindings::{Bindings, pod_lives};
use crate::entry::Entry;
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::rules::Rules;
use kennel_crypto::KeyUsage;
use kennel_wire::message::{EncTicketPart, KerberosTime, Ticket};

/// What kind of ticket is presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TicketKind {
    /// A TGT of this realm.
    OwnTgt,
    /// Another ticket of this realm.
    OwnService,
    /// A TGT for this realm that the named realm issued.
    ForeignTgt(String),
}

impl TicketKind {
    /// The kind of a ticket, or `None` if this KDC cannot use the ticket.
    pub(crate) fn new(ticket: &Ticket, realm: &str) -> Option<TicketKind> {
        match (ticket.realm == realm, ticket.sname.krbtgt_realm() == Some(realm)) {
            (true, true) => Some(TicketKind::OwnTgt),
            (true, false) => Some(TicketKind::OwnService),
            (false, true) => Some(TicketKind::ForeignTgt(ticket.realm.clone())),
            (false, false) => None,
        }
    }
}

/// What the ticket-granting service permits in the AP-REQ of a TGS request.
pub(crate) fn ap_rules(realm: &Realm) -> ApRules<'_> {
    ApRules {
        authenticator_usage: KeyUsage::TGS_REQ_AUTHENTICATOR,
        enctypes: &realm.enctypes,
        clock_skew: realm.clock_skew,
    }
}

/// Opens the additional ticket of a user-to-user request, which must be a TGT of this realm that can be used now.
pub(crate) fn open_additional(
    ticket: &Ticket,
    server: Option<&Entry>,
    rules: &Rules,
    now: KerberosTime,
) -> Result<(EncTicketPart, Bindings), Refusal> {
    let realm = &rules.realm;
    if TicketKind::new(ticket, &realm.name) != Some(TicketKind::OwnTgt) {
        return Err(Refusal::SecondTicketNotTgt);
    }
    let part = open_ticket(&ticket.enc_part, server, realm)?;
    valid_now(&part, now, realm.clock_skew, false).map_err(|_| Refusal::SecondTicketUnusable)?;
    let bound = Bindings::read(part.authorization_data.as_ref())?;
    pod_lives(bound.pod.as_ref(), rules)?;
    Ok((part, bound))
}
