//! Checks that AS, TGS and AP share: whether a principal may take part at all, and whether two clocks are close enough.

use crate::entry::Entry;
use crate::principal::{Attributes, PrincipalRecord};
use crate::realm::Realm;
use crate::refusal::Refusal;
use kennel_wire::message::{KerberosTime, PrincipalName, Timestamp};

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

/// Checks that a ticket of a client is of this account, not of a former one of its name, that its keys were not revoked since,
/// and that it is no older than its password, where the realm wants that. The time of authentication has whole seconds: a ticket
/// of the second in which the password was set counts as younger, and one of the second of a revocation as older.
pub(crate) fn authenticated_since(
    record: &PrincipalRecord,
    authtime: KerberosTime,
    realm: &Realm,
) -> Result<(), Refusal> {
    if authtime < record.created.time {
        return Err(Refusal::TicketRevoked);
    }
    if record.revoked.is_some_and(|revoked| authtime <= revoked.time) {
        return Err(Refusal::TicketBeforeRevocation);
    }
    match record.keys.password_set() {
        Some(set) if realm.password_change_ends_tickets && authtime < set.time => {
            Err(Refusal::TicketBeforePasswordChange)
        }
        _ => Ok(()),
    }
}

/// The time of authentication of a ticket that is issued now, which shows whether the ticket is from before a revocation of the
/// keys of its parties, its client and its server: until the end of a revocation, it is the second after that.
pub(crate) fn authentication_time(parties: [&PrincipalRecord; 2], now: KerberosTime) -> KerberosTime {
    let revoked = parties.into_iter().filter_map(|record| record.revoked);
    revoked.fold(now, |time, revoked| time.max(revoked.time.plus(1)))
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

/// Whether a client's clock is close enough to the KDC's, to the microsecond.
pub(crate) fn within_skew(theirs: Timestamp, now: Timestamp, clock_skew: u32) -> bool {
    let apart = theirs.as_micros().abs_diff(now.as_micros());
    apart <= u128::from(clock_skew) * 1_000_000
}
