//! What the KDC asserts of a ticket of its own, beside its client: the pod and the account that the ticket is bound to, and how the client
//! proved who it is.

use crate::auth_indicator;
use crate::authorization_data::relevant;
use crate::client_alias::account_of_ticket;
use crate::pods::{PodRef, PodState};
use crate::refusal::Refusal;
use crate::rules::Rules;
use kennel_wire::message::{AuthorizationData, Principal};

/// What a ticket of this realm is bound to.
#[derive(Default)]
pub(crate) struct Bindings {
    /// The pod that it ends with.
    pub(crate) pod: Option<PodRef>,
    /// The account of its client, where it bears another name of it.
    pub(crate) account: Option<Principal>,
    /// Authentication indicators: names for the ways in which its client proved who it is.
    pub(crate) indicators: Vec<String>,
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
        Ok(Bindings { pod, account, indicators: auth_indicator::of_own_ticket(&relevant) })
    }
}

/// Checks that the pod of a ticket lives: the ticket ends with it.
pub(crate) fn pod_lives(pod: Option<&PodRef>, rules: &Rules) -> Result<(), Refusal> {
    match pod {
        Some(pod) if rules.pods.state(pod) == PodState::Gone => Err(Refusal::PodGone),
        _ => Ok(()),
    }
}
