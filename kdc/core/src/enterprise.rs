//! Enterprise names of clients (NT-ENTERPRISE; RFC 6806, section 5): `user@suffix` as one component.

use crate::realm::Realm;
use kennel_wire::message::{NameType, Principal};

/// What the name of a client stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ClientName {
    /// A principal of this realm, or an alias of one.
    Local(Principal),
    /// A client of this other realm.
    Elsewhere(String),
    /// Nobody's name.
    Unknown,
}

/// Resolves the name of a client of this realm. A suffix that is the realm, or is mapped to it, names one of its principals; one that is
/// mapped to another realm names a client there. Any other name stands for itself.
pub(crate) fn resolve(client: &Principal, realm: &Realm) -> ClientName {
    if client.name.name_type != NameType::ENTERPRISE {
        return ClientName::Local(client.clone());
    }
    let [text] = client.name.components.as_slice() else { return ClientName::Unknown };
    let Some((user, suffix)) = text.rsplit_once('@') else { return ClientName::Local(client.clone()) };
    let home = if suffix.eq_ignore_ascii_case(&realm.name) { Some(&*realm.name) } else { realm.realm_of_host(suffix) };
    match home {
        Some(home) if home == realm.name => Principal::parse(user, &realm.name)
            .ok()
            .filter(|principal| principal.realm == realm.name)
            .map_or(ClientName::Unknown, ClientName::Local),
        Some(home) => ClientName::Elsewhere(home.to_owned()),
        None => ClientName::Unknown,
    }
}
