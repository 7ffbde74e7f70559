//! Checks that AS, TGS and AP share: whether a principal may take part at all, whether the pod of a ticket lives, and whether two
//! clocks are close enough.

use crate::entry::Entry;
use crate::pods::{PodRef, PodState};
use crate::principal::{Attributes, PrincipalRecord};
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::rules::Rules;
use kennel_wire::message::{EncTicketPart, KerberosTime, PrincipalName, Timestamp};

const LOCKED: Attributes = Attributes::DISALLOW_ALL.union(Attributes::LOCKED);

/// Whether a name has components, and no empty ones.
pub(crate) fn names_somebody(name: &PrincipalName) -> bool {
    !name.components.is_empty() && name.components.iter().all(|c| !c.is_empty())
}

/// Checks that a principal may take part as a client.
pub(crate) fn client(record: &PrincipalRecord, now: KerberosTime) -> Result<(), Refusal> {
    if record.attributes.intersects(LOCKED) {
        return Err(Refusal::ClientLocked);
    }
    match record.expires {
        Some(expires) if expires <= now => Err(Refusal::ClientExpired),
        _ => Ok(()),
    }
}

/// Checks that a ticket of a client is of this account, not of a former one of its name, and no older than its password,
/// where the realm wants that. The time of authentication has whole seconds: a ticket of the second in which the password was
/// set counts as younger.
pub(crate) fn authenticated_since(
    record: &PrincipalRecord,
    authtime: KerberosTime,
    realm: &Realm,
) -> Result<(), Refusal> {
    if authtime < record.created.time {
        return Err(Refusal::TicketRevoked);
    }
    match record.keys.password_set() {
        Some(set) if realm.password_change_ends_tickets && authtime < set.time => {
            Err(Refusal::TicketBeforePasswordChange)
        }
        _ => Ok(()),
    }
}

/// Checks that a principal may take part as a server.
pub(crate) fn server(record: &PrincipalRecord, now: KerberosTime) -> Result<(), Refusal> {
    if record.attributes.intersects(LOCKED) {
        return Err(Refusal::ServerLocked);
    }
    match record.expires {
        Some(expires) if expires <= now => Err(Refusal::ServerExpired),
        _ => Ok(()),
    }
}

/// Checks that a principal takes tickets under a long-term key of its own, and not user-to-user tickets alone.
pub(crate) fn service(server: &Entry) -> Result<(), Refusal> {
    if server.record.attributes.contains(Attributes::DISALLOW_SERVER) {
        return Err(Refusal::ServerIsNoService);
    }
    if server.is_person() { Err(Refusal::ServerHasPassword) } else { Ok(()) }
}

/// The pod that a ticket of this realm is bound to.
pub(crate) fn bound_pod(part: &EncTicketPart) -> Result<Option<PodRef>, Refusal> {
    PodRef::of_ticket(part.authorization_data.as_ref()).map_err(|_| Refusal::PodBindingTorn)
}

/// Checks that the pod of a ticket lives: the ticket ends with it.
pub(crate) fn pod_lives(pod: Option<&PodRef>, rules: &Rules) -> Result<(), Refusal> {
    match pod {
        Some(pod) if rules.pods.state(pod) == PodState::Gone => Err(Refusal::PodGone),
        _ => Ok(()),
    }
}

/// Whether a client's clock is close enough to the KDC's, to the microsecond.
pub(crate) fn within_skew(theirs: Timestamp, now: Timestamp, clock_skew: u32) -> bool {
    let apart = theirs.as_micros().abs_diff(now.as_micros());
    apart <= u128::from(clock_skew) * 1_000_000
}
