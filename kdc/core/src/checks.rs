//! Whether a principal may take part at all: what AS and TGS ask of its record alike.

use crate::principal::{Attributes, PrincipalRecord};
use crate::refusal::Refusal;
use kennel_wire::message::{KerberosTime, PrincipalName};

const LOCKED: Attributes = Attributes::DISALLOW_ALL.union(Attributes::LOCKED);

/// A name with components, none of them empty.
pub(crate) fn names_somebody(name: &PrincipalName) -> bool {
    !name.components.is_empty() && name.components.iter().all(|c| !c.is_empty())
}

/// As a client.
pub(crate) fn client(record: &PrincipalRecord, now: KerberosTime) -> Result<(), Refusal> {
    if record.attributes.intersects(LOCKED) {
        return Err(Refusal::ClientLocked);
    }
    match record.expires {
        Some(expires) if expires <= now => Err(Refusal::ClientExpired),
        _ => Ok(()),
    }
}

/// As a server.
pub(crate) fn server(record: &PrincipalRecord, now: KerberosTime) -> Result<(), Refusal> {
    if record.attributes.intersects(LOCKED) {
        return Err(Refusal::ServerLocked);
    }
    match record.expires {
        Some(expires) if expires <= now => Err(Refusal::ServerExpired),
        _ => Ok(()),
    }
}
