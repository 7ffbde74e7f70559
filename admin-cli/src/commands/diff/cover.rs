//! Whether the grants of a server let a client call it.

use kennel_core::access::table::{AccessGrant, AccessPeer, AccessTable, AccountAccess, ServerAccess};
use kennel_wire::message::{KerberosTime, Principal};
use std::collections::HashMap;

/// The end of what covers a call: `None` has no end.
pub(super) type End = Option<KerberosTime>;

/// A table, with its clients by name.
pub(super) struct Clients<'t> {
    realm: &'t str,
    accounts: HashMap<&'t Principal, &'t AccountAccess>,
    consent_required: bool,
}

impl<'t> Clients<'t> {
    pub(super) fn new(table: &'t AccessTable) -> Clients<'t> {
        Clients {
            realm: &table.realm,
            accounts: table.accounts.iter().map(|account| (&account.principal, account)).collect(),
            consent_required: table.client_consent_required,
        }
    }

    /// The last end of the grants by which a client may call a server for a class; none where no grant lets it. `class` `None` is
    /// every class of the server.
    pub(super) fn cover(&self, client: &AccessPeer, server: &ServerAccess, class: Option<&str>) -> Option<End> {
        if !self.consents(client, server) {
            return None;
        }
        let ends = server.grants.iter().filter(|grant| of_class(grant, class) && self.is_for(grant, client));
        // No end is the last of all.
        ends.map(|grant| grant.not_after).max_by_key(|end| end.map_or(i64::MAX, |end| end.0))
    }

    fn is_for(&self, grant: &AccessGrant, client: &AccessPeer) -> bool {
        let wider = |peer: &AccessPeer| match (peer, client) {
            (AccessPeer::Namespace(namespace), AccessPeer::Principal(name)) => {
                self.accounts.get(name).is_some_and(|account| account.namespace == *namespace)
            }
            (AccessPeer::Realm(realm), AccessPeer::Principal(name)) => name.realm == *realm,
            (AccessPeer::Realm(realm), AccessPeer::Namespace(_)) => realm == self.realm,
            _ => false,
        };
        grant.peers.iter().any(|peer| peer == client || wider(peer))
    }

    /// Whether the client's owner lets it call the server.
    fn consents(&self, client: &AccessPeer, server: &ServerAccess) -> bool {
        let AccessPeer::Principal(name) = client else { return true };
        let Some(account) = self.accounts.get(name) else { return true };
        match &account.calls {
            Some(calls) => calls.contains(&server.key),
            None => !self.consent_required || account.namespace == server.key.namespace,
        }
    }
}

fn of_class(grant: &AccessGrant, class: Option<&str>) -> bool {
    match (&grant.service_classes, class) {
        (None, _) => true,
        (Some(classes), Some(class)) => classes.contains(class),
        (Some(_), None) => false,
    }
}
