//! Checks that AS, TGS and AP share: whether a principal may take part at all, and whether two clocks are close enough.

use crate::principal::{Attributes, PrincipalRecord};
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

/// Whether a client's clock is close enough to the KDC's, to the microsecond.
pub(crate) fn within_skew(theirs: Timestamp, now: Timestamp, clock_skew: u32) -> bool {
    let apart = theirs.as_micros().abs_diff(now.as_micros());
    apart <= u128::from(clock_skew) * 1_000_000
}
