//! Who may call whom, as requests ask it: built once from an [`AccessTable`](crate::access::table::AccessTable), never changed,
//! shared behind an `Arc` and swapped whole. A request costs one look-up of its client, one of its server, and one binary search
//! for each way in which a grant may mean the client (by name, by namespace, by realm). Nothing is allocated or locked.

use crate::access::table::{AccessMode, ServerKey, UnmanagedServices};
use crate::principal::Origin;
use kennel_wire::message::{KerberosTime, Principal, PrincipalName};
use std::collections::HashMap;
use std::sync::Arc;

/// Who may call whom in one realm.
#[derive(Debug)]
pub struct AccessIndex {
    pub(super) realm: Box<str>,
    /// Clients of this realm: the accounts, their services, and whom a grant names.
    pub(super) clients: HashMap<PrincipalName, KnownClient>,
    /// Clients of other realms whom a grant names.
    pub(super) foreign_clients: HashMap<Principal, PeerId>,
    /// Other realms that a grant names.
    pub(super) foreign_realms: HashMap<Box<str>, PeerId>,
    /// This realm, where a grant names it.
    pub(super) own_realm: Option<PeerId>,
    pub(super) accounts: Box<[Account]>,
    pub(super) namespaces: Box<[Namespace]>,
    /// The principals of the servers.
    pub(super) server_names: HashMap<PrincipalName, ServerId>,
    pub(super) servers: Box<[Server]>,
    /// The edges of each server in a row, in the order of peers; the edges of one peer, the longest grant first.
    pub(super) edges: Box<[Edge]>,
    pub(super) grants: Box<[Grant]>,
    pub(super) unmanaged_services: UnmanagedServices,
    pub(super) client_consent_required: bool,
}

/// Number of a peer of some grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PeerId(pub(super) u32);

/// Position of an [`Account`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AccountId(pub(super) u32);

/// Position of a [`Namespace`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NamespaceId(pub(super) u32);

/// Position of a [`Server`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ServerId(pub(super) u32);

/// Position of a [`Grant`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GrantId(pub(super) u32);

/// A name of this realm.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KnownClient {
    /// Where a grant names the client.
    pub(super) peer: Option<PeerId>,
    /// The account that the principal belongs to.
    pub(super) account: Option<AccountId>,
    /// Whether the name is the account's own, and not that of one of its services.
    pub(super) is_account: bool,
}

/// A service account.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) namespace: NamespaceId,
    pub(super) name: Box<str>,
    /// Sorted; `None`: no veto.
    pub(super) calls: Option<Box<[ServerId]>>,
}

/// A namespace of accounts or servers.
#[derive(Debug)]
pub(super) struct Namespace {
    pub(super) name: Box<str>,
    /// Where a grant names the namespace.
    pub(super) peer: Option<PeerId>,
}

/// A server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) namespace: NamespaceId,
    pub(super) name: Box<str>,
    pub(super) mode: AccessMode,
    /// Its edges.
    pub(super) first_edge: u32,
    pub(super) end_edge: u32,
}

/// A peer that a grant lets in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub(super) peer: PeerId,
    pub(super) grant: GrantId,
}

/// A rule of a KerberosAccess.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) by: Arc<str>,
    /// `None`: every class, and the account's own principal.
    pub(super) service_classes: Option<Box<[Box<str>]>>,
    pub(super) not_after: Option<KerberosTime>,
}

/// A client as grants may mean it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) by_name: Option<PeerId>,
    pub(super) by_namespace: Option<PeerId>,
    pub(super) by_realm: Option<PeerId>,
    /// The account whose `calls` bind the client.
    pub(super) account: Option<&'a Account>,
    /// Whether the client is of the cluster and its account takes no part: no policy selects its pods, so that its packets would not
    /// pass.
    pub(super) is_left_out: bool,
}

impl Caller<'_> {
    /// The ways in which a grant may mean the client.
    pub(super) fn ways(&self) -> impl Iterator<Item = PeerId> {
        [self.by_name, self.by_namespace, self.by_realm].into_iter().flatten()
    }
}

/// What is asked of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceClass<'a> {
    /// A service principal of this class (its first component).
    Class(&'a str),
    /// The account's own principal: user-to-user.
    Account,
    /// Whichever a grant is for.
    Any,
}

impl AccessIndex {
    /// The client as grants may mean it. `origin`: who made the client, `None` for one of another realm.
    ///
    /// A principal made by hand is no account and no service of one, whatever its name. One of the cluster whose account is not in the
    /// index is nobody.
    pub(super) fn caller(&self, client: &Principal, origin: Option<Origin>) -> Caller<'_> {
        if *client.realm != *self.realm {
            let by_name = self.foreign_clients.get(client).copied();
            let by_realm = self.foreign_realms.get(&*client.realm).copied();
            return Caller { by_name, by_namespace: None, by_realm, account: None, is_left_out: false };
        }
        let of_cluster = origin == Some(Origin::Kubernetes);
        let is_meant = |known: &&KnownClient| known.account.is_some() == of_cluster;
        let known = self.clients.get(&client.name).filter(is_meant).copied().unwrap_or_default();
        let account = known.account.and_then(|AccountId(at)| self.accounts.get(at as usize));
        let is_left_out = of_cluster && account.is_none();
        let namespace = account.filter(|_| known.is_account).and_then(|account| self.namespace(account.namespace));
        Caller {
            by_name: known.peer,
            by_namespace: namespace.and_then(|namespace| namespace.peer),
            by_realm: self.own_realm.filter(|_| !is_left_out),
            account,
            is_left_out,
        }
    }

    /// The server that has a principal.
    pub(super) fn server(&self, principal: &Principal) -> Option<(ServerId, &Server)> {
        if *principal.realm != *self.realm {
            return None;
        }
        let id = *self.server_names.get(&principal.name)?;
        self.servers.get(id.0 as usize).map(|server| (id, server))
    }

    pub(super) fn key_of(&self, server: &Server) -> ServerKey {
        ServerKey::new(self.namespace_name(server.namespace), &*server.name)
    }

    pub(super) fn namespace(&self, id: NamespaceId) -> Option<&Namespace> {
        self.namespaces.get(id.0 as usize)
    }

    /// Name of a namespace of this index.
    pub(super) fn namespace_name(&self, id: NamespaceId) -> &str {
        self.namespace(id).map_or("", |namespace| &namespace.name)
    }

    /// The edges of a server, in the order of peers.
    pub(super) fn edges(&self, server: &Server) -> &[Edge] {
        self.edges.get(server.first_edge as usize..server.end_edge as usize).unwrap_or_default()
    }

    /// The grants of a server for one peer, the longest first.
    pub(super) fn grants(&self, server: &Server, peer: PeerId) -> impl Iterator<Item = &Grant> {
        let edges = self.edges(server);
        let from = edges.partition_point(|edge| edge.peer < peer);
        let found = edges.get(from..).unwrap_or_default().iter().take_while(move |edge| edge.peer == peer);
        found.filter_map(|edge| self.grants.get(edge.grant.0 as usize))
    }

    /// The server that has a principal (canonical), such as an event names it.
    #[must_use]
    pub fn server_key(&self, principal: &Principal) -> Option<ServerKey> {
        self.server(principal).map(|(_, server)| self.key_of(server))
    }

    /// The account that a client belongs to, by its own name or by that of one of its services. `origin` as in
    /// [`AccessIndex::explain`].
    #[must_use]
    pub fn account_key(&self, client: &Principal, origin: Option<Origin>) -> Option<ServerKey> {
        let account = self.caller(client, origin).account?;
        Some(ServerKey::new(self.namespace_name(account.namespace), &*account.name))
    }

    /// Memory of the index in octets: its own allocations, without what the allocator adds.
    #[must_use]
    pub fn memory(&self) -> usize {
        let name = |name: &PrincipalName| {
            let components = name.components.iter().map(|component| size_of::<String>() + component.capacity());
            components.sum::<usize>()
        };
        let names = self.clients.keys().chain(self.server_names.keys()).map(name);
        let foreign = self.foreign_clients.keys().map(|client| name(&client.name) + client.realm.capacity());
        let calls = |account: &Account| account.calls.as_deref().map_or(0, size_of_val);
        let classes = |grant: &Grant| {
            let classes = grant.service_classes.iter().flatten();
            grant.by.len() + classes.map(|class| size_of::<Box<str>>() + class.len()).sum::<usize>()
        };
        size_of::<AccessIndex>()
            + table_size::<PrincipalName, KnownClient>(self.clients.capacity())
            + table_size::<PrincipalName, ServerId>(self.server_names.capacity())
            + table_size::<Principal, PeerId>(self.foreign_clients.capacity())
            + table_size::<Box<str>, PeerId>(self.foreign_realms.capacity())
            + names.chain(foreign).sum::<usize>()
            + size_of_val(&*self.accounts)
            + self.accounts.iter().map(|account| account.name.len() + calls(account)).sum::<usize>()
            + size_of_val(&*self.namespaces)
            + self.namespaces.iter().map(|namespace| namespace.name.len()).sum::<usize>()
            + size_of_val(&*self.servers)
            + self.servers.iter().map(|server| server.name.len()).sum::<usize>()
            + size_of_val(&*self.edges)
            + size_of_val(&*self.grants)
            + self.grants.iter().map(classes).sum::<usize>()
    }
}

impl Grant {
    pub(super) fn covers(&self, class: ServiceClass<'_>) -> bool {
        match (&self.service_classes, class) {
            (None, _) | (_, ServiceClass::Any) => true,
            (Some(_), ServiceClass::Account) => false,
            (Some(classes), ServiceClass::Class(class)) => classes.iter().any(|listed| **listed == *class),
        }
    }

    /// Whether the grant counts at `now`.
    pub(super) fn is_in_force(&self, now: KerberosTime) -> bool {
        self.not_after.is_none_or(|end| now < end)
    }

    /// The end, later than every time where there is none.
    pub(super) fn end(&self) -> KerberosTime {
        self.not_after.unwrap_or(KerberosTime::EPOCH.plus(i64::MAX))
    }
}

impl<'a> ServiceClass<'a> {
    /// The class of a server's principal; the account's own has one component.
    #[must_use]
    pub fn of_principal(server: &'a Principal) -> ServiceClass<'a> {
        match server.name.components.as_slice() {
            [class, _, ..] => ServiceClass::Class(class),
            _ => ServiceClass::Account,
        }
    }
}

/// A hash table holds one control octet for each slot, and at most seven of eight slots are filled.
fn table_size<K, V>(capacity: usize) -> usize {
    capacity.saturating_mul(8) / 7 * (size_of::<(K, V)>() + 1)
}
