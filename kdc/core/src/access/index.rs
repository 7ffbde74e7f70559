//! Who may call whom, as requests ask it: built once from an [`AccessTable`](crate::access::table::AccessTable), never changed,
//! shared behind an `Arc` and swapped whole. A request costs one look-up of its client, one of its server, and one binary search
//! for each way in which a grant may mean the client (by name, by namespace, by realm). Nothing is allocated or locked. What a
//! request that is allowed reads lies close together, since of 100,000 accounts most of the index is in no cache: texts and modes
//! stand apart.

use crate::access::names::NameTable;
use crate::access::table::{AccessGrant, AccessMode, ServerKey, UnmanagedServices};
use crate::name_digest::NameDigest;
use crate::principal::Origin;
use kennel_wire::message::{KerberosTime, Principal};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

/// Who may call whom in one realm.
#[derive(Debug)]
pub struct AccessIndex {
    pub(super) realm: Box<str>,
    /// The names of this realm: accounts, servers with their services, and whom a grant names. Most are of a client and of a server,
    /// since every account is a server to user-to-user.
    pub(super) names: NameTable<KnownName>,
    /// Clients of other realms whom a grant names.
    pub(super) foreign_clients: HashMap<Principal, PeerId>,
    /// Other realms that a grant names.
    pub(super) foreign_realms: HashMap<Box<str>, PeerId>,
    /// This realm, where a grant names it.
    pub(super) own_realm: Option<PeerId>,
    pub(super) accounts: Box<[Account]>,
    /// The only servers that the first accounts may call, sorted; the others have no veto.
    pub(super) calls: Box<[Box<[ServerId]>]>,
    /// The names of namespaces.
    pub(super) namespaces: Box<[Box<str>]>,
    pub(super) servers: Box<[Server]>,
    /// Where the edges of each server begin; one more is the end of the last ones.
    pub(super) first_edges: Box<[u32]>,
    /// The edges of each server in a row, in the order of peers; the edges of one peer, the longest grant first.
    pub(super) edges: Box<[Edge]>,
    pub(super) grants: Box<[Grant]>,
    pub(super) unmanaged_services: UnmanagedServices,
    pub(super) client_consent_required: bool,
}

/// A position, counted from 1, so that an `Option` of it takes no more room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Number(NonZeroU32);

/// Number of a peer of some grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PeerId(pub(super) Number);

/// Position of an [`Account`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AccountId(pub(super) Number);

/// Position of the name of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NamespaceId(pub(super) u32);

/// Position of a [`Server`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ServerId(pub(super) Number);

/// Position of a [`Grant`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GrantId(pub(super) u32);

/// A name of this realm.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KnownName {
    /// Where a grant names the client.
    pub(super) peer: Option<PeerId>,
    /// Where a grant names the namespace of the account whose own name it is. The name of a service is not meant.
    pub(super) namespace_peer: Option<PeerId>,
    /// The account that the principal belongs to.
    pub(super) account: Option<AccountId>,
    /// The server that has the principal.
    pub(super) server: Option<ServerId>,
}

/// A service account.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) namespace: NamespaceId,
    pub(super) name: Box<str>,
}

/// A server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) namespace: NamespaceId,
    pub(super) name: Box<str>,
    pub(super) mode: AccessMode,
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
    /// `by` of the rule.
    pub(super) by: Arc<str>,
    /// Whether the rule is for every class and has no end: a request reads nothing else of it.
    is_plain: bool,
    /// The rule, which the table shares.
    pub(super) rule: Arc<AccessGrant>,
}

/// A client as grants may mean it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    pub(super) by_name: Option<PeerId>,
    pub(super) by_namespace: Option<PeerId>,
    pub(super) by_realm: Option<PeerId>,
    /// The account whose `calls` bind the client.
    pub(super) account: Option<AccountId>,
    /// Whether the client is of the cluster and its account takes no part: no policy selects its pods, so that its packets would not
    /// pass.
    pub(super) is_left_out: bool,
}

impl Caller {
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
    /// The client as grants may mean it. `origin`: who made the client, `None` for one of another realm; `digest`: that of its name,
    /// which a client of another realm does not need.
    ///
    /// A principal made by hand is no account and no service of one, whatever its name. One of the cluster whose account is not in the
    /// index is nobody.
    pub(super) fn caller(&self, client: &Principal, origin: Option<Origin>, digest: Option<NameDigest>) -> Caller {
        let Some(digest) = digest.filter(|_| *client.realm == *self.realm) else {
            let by_name = self.foreign_clients.get(client).copied();
            let by_realm = self.foreign_realms.get(&*client.realm).copied();
            return Caller { by_name, by_namespace: None, by_realm, account: None, is_left_out: false };
        };
        let of_cluster = origin == Some(Origin::Kubernetes);
        let is_meant = |known: &&KnownName| known.account.is_some() == of_cluster;
        let known = self.names.find(digest).filter(is_meant).copied().unwrap_or_default();
        let is_left_out = of_cluster && known.account.is_none();
        Caller {
            by_name: known.peer,
            by_namespace: known.namespace_peer,
            by_realm: self.own_realm.filter(|_| !is_left_out),
            account: known.account,
            is_left_out,
        }
    }

    /// The server that has a principal. `digest`: that of its name.
    pub(super) fn server(&self, principal: &Principal, digest: NameDigest) -> Option<ServerId> {
        if *principal.realm != *self.realm {
            return None;
        }
        self.names.find(digest)?.server
    }

    /// Namespace and name of a server of this index.
    pub(super) fn server_parts(&self, id: ServerId) -> (&str, &str) {
        let server = self.servers.get(id.0.position());
        server.map_or(("", ""), |server| (self.namespace_name(server.namespace), &server.name))
    }

    /// Namespace and name of an account of this index.
    pub(super) fn account_parts(&self, id: AccountId) -> (&str, &str) {
        let account = self.accounts.get(id.0.position());
        account.map_or(("", ""), |account| (self.namespace_name(account.namespace), &account.name))
    }

    /// Whether an account and a server are of one namespace.
    pub(super) fn are_neighbours(&self, account: AccountId, server: ServerId) -> bool {
        let (account, server) = (self.accounts.get(account.0.position()), self.servers.get(server.0.position()));
        account.map(|account| account.namespace) == server.map(|server| server.namespace)
    }

    /// The answer of a server to clients that no grant lets in.
    pub(super) fn mode(&self, id: ServerId) -> AccessMode {
        self.servers.get(id.0.position()).map_or_else(AccessMode::default, |server| server.mode)
    }

    /// The only servers that an account may call; `None`: no veto.
    pub(super) fn calls(&self, id: AccountId) -> Option<&[ServerId]> {
        self.calls.get(id.0.position()).map(|calls| &**calls)
    }

    fn namespace_name(&self, id: NamespaceId) -> &str {
        self.namespaces.get(id.0 as usize).map_or("", |name| name)
    }

    /// The edges of a server, in the order of peers.
    pub(super) fn edges(&self, id: ServerId) -> &[Edge] {
        let first = |at: usize| self.first_edges.get(at).map_or(0, |first| *first as usize);
        self.edges.get(first(id.0.position())..first(id.0.position() + 1)).unwrap_or_default()
    }

    /// The grants of a server for one peer, the longest first.
    pub(super) fn grants(&self, server: ServerId, peer: PeerId) -> impl Iterator<Item = &Grant> {
        let edges = self.edges(server);
        let from = edges.partition_point(|edge| edge.peer < peer);
        let found = edges.get(from..).unwrap_or_default().iter().take_while(move |edge| edge.peer == peer);
        found.filter_map(|edge| self.grant(edge.grant))
    }

    pub(super) fn grant(&self, id: GrantId) -> Option<&Grant> {
        self.grants.get(id.0 as usize)
    }

    /// The server that has a principal (canonical), such as an event names it.
    #[must_use]
    pub fn server_key(&self, principal: &Principal) -> Option<ServerKey> {
        let (namespace, name) = self.server_parts(self.server(principal, NameDigest::new(&principal.name))?);
        Some(ServerKey::new(namespace, name))
    }

    /// The account that a client belongs to, by its own name or by that of one of its services. `origin` as in
    /// [`AccessIndex::explain`].
    #[must_use]
    pub fn account_key(&self, client: &Principal, origin: Option<Origin>) -> Option<ServerKey> {
        let (namespace, name) =
            self.account_parts(self.caller(client, origin, Some(NameDigest::new(&client.name))).account?);
        Some(ServerKey::new(namespace, name))
    }

    /// Memory of the index in octets: its own allocations, without what the allocator adds. The rules of grants are the table's.
    #[must_use]
    pub fn memory(&self) -> usize {
        let foreign = self.foreign_clients.keys().map(|client| {
            let components = client.name.components.iter().map(|component| size_of::<String>() + component.capacity());
            client.realm.capacity() + components.sum::<usize>()
        });
        size_of::<AccessIndex>()
            + self.names.memory()
            + table_size::<Principal, PeerId>(self.foreign_clients.capacity())
            + table_size::<Box<str>, PeerId>(self.foreign_realms.capacity())
            + foreign.sum::<usize>()
            + size_of_val(&*self.accounts)
            + self.accounts.iter().map(|account| account.name.len()).sum::<usize>()
            + self.calls.iter().map(|calls| size_of_val(calls) + size_of_val(&**calls)).sum::<usize>()
            + self.namespaces.iter().map(|name| size_of_val(name) + name.len()).sum::<usize>()
            + size_of_val(&*self.servers)
            + self.servers.iter().map(|server| server.name.len()).sum::<usize>()
            + size_of_val(&*self.first_edges)
            + size_of_val(&*self.edges)
            + size_of_val(&*self.grants)
    }
}

impl Number {
    /// The number of a position; a table of more than four thousand million rows does not fit into memory.
    pub(super) fn of_position(at: usize) -> Number {
        let number = u32::try_from(at).ok().and_then(|at| NonZeroU32::MIN.checked_add(at));
        Number(number.unwrap_or(NonZeroU32::MAX))
    }

    pub(super) fn position(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl Grant {
    pub(super) fn new(rule: &Arc<AccessGrant>) -> Grant {
        let is_plain = rule.service_classes.is_none() && rule.not_after.is_none();
        Grant { by: Arc::clone(&rule.by), is_plain, rule: Arc::clone(rule) }
    }

    pub(super) fn covers(&self, class: ServiceClass<'_>) -> bool {
        let classes = if self.is_plain { None } else { self.rule.service_classes.as_ref() };
        match (classes, class) {
            (None, _) | (_, ServiceClass::Any) => true,
            (Some(_), ServiceClass::Account) => false,
            (Some(classes), ServiceClass::Class(class)) => classes.contains(class),
        }
    }

    /// The grant counts before this time; `None`: no end.
    pub(super) fn not_after(&self) -> Option<KerberosTime> {
        if self.is_plain { None } else { self.rule.not_after }
    }

    /// Whether the grant counts at `now`.
    pub(super) fn is_in_force(&self, now: KerberosTime) -> bool {
        self.not_after().is_none_or(|end| now < end)
    }

    /// The end, later than every time where there is none.
    pub(super) fn end(&self) -> KerberosTime {
        self.not_after().unwrap_or(KerberosTime::EPOCH.plus(i64::MAX))
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
