//! Tickets that clients present to the ticket-granting service: their kinds, the additional ticket, and the pods that they
//! are bound to. [`crate::ap_exchange`] opens tickets and judges their validity.

use crate::ap_exchange::{open_ticket, valid_now};
use crate::authorization_data::relevant;
use crate::client_alias::account_of_ticket;
use crate::entry::Entry;
use crate::pods::{PodRef, PodState};
use crate::refusal::Refusal;
use crate::rules::Rules;
use kennel_wire::message::{AuthorizationData, EncTicketPart, KerberosTime, Principal, Ticket};

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
    lives(bound.pod.as_ref(), rules)?;
    Ok((part, bound))
}

/// What a ticket of this realm is bound to.
#[derive(Default)]
pub(crate) struct Bindings {
    /// The pod that it ends with.
    pub(crate) pod: Option<PodRef>,
    /// The account of its client, where it bears another name of it.
    pub(crate) account: Option<Principal>,
}

impl Bindings {
    /// Reads them from what the KDC asserts of a ticket.
    ///
    /// # Errors
    /// [`Refusal::PodBindingTorn`], [`Refusal::TicketAliasTorn`].
    pub(crate) fn read(asserted: Option<&AuthorizationData>) -> Result<Bindings, Refusal> {
        let relevant = relevant(asserted);
        let pod = PodRef::of_ticket(&relevant).map_err(|_| Refusal::PodBindingTorn)?;
        let account = account_of_ticket(&relevant).map_err(|_| Refusal::TicketAliasTorn)?;
        Ok(Bindings { pod, account })
    }
}

/// A ticket ends with the pod that it is bound to.
pub(crate) fn lives(pod: Option<&PodRef>, rules: &Rules) -> Result<(), Refusal> {
    match pod {
        Some(pod) if rules.pods.state(pod) == PodState::Gone => Err(Refusal::PodGone),
        _ => Ok(()),
    }
}
