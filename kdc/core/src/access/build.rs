//! Builds an [`AccessIndex`] from an [`AccessTable`]: gives numbers to namespaces, peers, accounts and servers, and writes each where a
//! request looks for it.

use crate::access::index::{
    AccessIndex, Account, AccountId, Edge, Grant, GrantId, KnownName, NamespaceId, Number, PeerId, Server, ServerId,
};
use crate::access::names::NameTable;
use crate::access::table::{AccessGrant, AccessPeer, AccessTable, AccountAccess, ServerAccess, ServerKey};
use crate::name_digest::NameDigest;
use kennel_wire::message::{KerberosTime, Principal};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

impl AccessIndex {
    /// Builds the index of a table. Of two servers with one principal, the first has it.
    #[must_use]
    pub fn new(table: &AccessTable) -> AccessIndex {
        let mut builder = Builder::new(table);
        table.servers.iter().for_each(|server| builder.add_edges(server));
        // Those that have a veto come first.
        let (bound, free): (Vec<_>, Vec<_>) = table.accounts.iter().partition(|account| account.calls.is_some());
        bound.into_iter().chain(free).for_each(|account| builder.add_account(account));
        table.servers.iter().for_each(|server| builder.add_server(server));
        builder.into_index(table)
    }
}

/// The parts of the index while numbers are given.
struct Builder<'a> {
    realm: &'a str,
    names: NameTable<KnownName>,
    peers: Peers,
    namespaces: Namespaces<'a>,
    account_ids: HashMap<Key<'a>, AccountId>,
    accounts: Vec<Account>,
    calls: Vec<Box<[ServerId]>>,
    server_ids: HashMap<Key<'a>, ServerId>,
    servers: Vec<Server>,
    /// Servers share grants: each is numbered once.
    grant_ids: HashMap<*const AccessGrant, (GrantId, Arc<[PeerId]>)>,
    grants: Vec<Grant>,
    first_edges: Vec<u32>,
    edges: Vec<Edge>,
}

/// Namespace and name.
type Key<'a> = (&'a str, &'a str);

/// The peers but for clients of this realm, which stand in the table of names.
#[derive(Default)]
struct Peers {
    count: usize,
    foreign_clients: HashMap<Principal, PeerId>,
    foreign_realms: HashMap<Box<str>, PeerId>,
    own_realm: Option<PeerId>,
    /// By [`NamespaceId`].
    namespaces: Vec<Option<PeerId>>,
}

#[derive(Default)]
struct Namespaces<'a> {
    ids: HashMap<&'a str, NamespaceId>,
    names: Vec<Box<str>>,
}

impl<'a> Builder<'a> {
    fn new(table: &'a AccessTable) -> Builder<'a> {
        let mut namespaces = Namespaces::default();
        table.accounts.iter().for_each(|account| _ = namespaces.add(&account.namespace));
        table.servers.iter().for_each(|server| _ = namespaces.add(&server.key.namespace));
        let keys = table.servers.iter().map(|server| key(&server.key)).enumerate();
        let peers = Peers { namespaces: vec![None; namespaces.names.len()], ..Peers::default() };
        Builder {
            realm: &table.realm,
            names: NameTable::with_capacity(table.accounts.len()),
            peers,
            namespaces,
            account_ids: HashMap::with_capacity(table.servers.len()),
            accounts: Vec::with_capacity(table.accounts.len()),
            calls: Vec::new(),
            server_ids: keys.map(|(at, key)| (key, ServerId(Number::of_position(at)))).collect(),
            servers: Vec::with_capacity(table.servers.len()),
            grant_ids: HashMap::new(),
            grants: Vec::new(),
            first_edges: vec![0],
            edges: Vec::new(),
        }
    }

    fn into_index(mut self, table: &AccessTable) -> AccessIndex {
        self.names.shrink_to_fit();
        AccessIndex {
            realm: table.realm.as_str().into(),
            names: self.names,
            foreign_clients: self.peers.foreign_clients,
            foreign_realms: self.peers.foreign_realms,
            own_realm: self.peers.own_realm,
            accounts: self.accounts.into_boxed_slice(),
            calls: self.calls.into_boxed_slice(),
            namespaces: self.namespaces.names.into_boxed_slice(),
            servers: self.servers.into_boxed_slice(),
            first_edges: self.first_edges.into_boxed_slice(),
            edges: self.edges.into_boxed_slice(),
            grants: self.grants.into_boxed_slice(),
            unmanaged_services: table.unmanaged_services,
            client_consent_required: table.client_consent_required,
        }
    }

    fn add_edges(&mut self, server: &'a ServerAccess) {
        let mut edges: Vec<Edge> = Vec::new();
        for grant in &server.grants {
            let (grant, peers) = self.grant(grant);
            edges.extend(peers.iter().map(|peer| Edge { peer: *peer, grant }));
        }
        edges.sort_by_key(|edge| (edge.peer, Reverse(self.end(edge.grant)), edge.grant));
        edges.dedup_by_key(|edge| (edge.peer, edge.grant));
        self.edges.extend(edges);
        self.first_edges.push(number(self.edges.len()));
    }

    fn grant(&mut self, grant: &'a Arc<AccessGrant>) -> (GrantId, Arc<[PeerId]>) {
        if let Some((id, peers)) = self.grant_ids.get(&Arc::as_ptr(grant)) {
            return (*id, Arc::clone(peers));
        }
        let id = GrantId(number(self.grants.len()));
        self.grants.push(Grant::new(grant));
        let peers: Arc<[PeerId]> = grant.peers.iter().filter_map(|peer| self.peer(peer)).collect();
        self.grant_ids.insert(Arc::as_ptr(grant), (id, Arc::clone(&peers)));
        (id, peers)
    }

    /// The number of a peer; `None` for a namespace without accounts and servers, which means nobody.
    fn peer(&mut self, peer: &AccessPeer) -> Option<PeerId> {
        let next = PeerId(Number::of_position(self.peers.count));
        let id = match peer {
            AccessPeer::Principal(client) if client.realm == self.realm => {
                *self.names.entry(NameDigest::new(&client.name))?.peer.get_or_insert(next)
            }
            AccessPeer::Principal(client) => *self.peers.foreign_clients.entry(client.clone()).or_insert(next),
            AccessPeer::Namespace(name) => {
                let NamespaceId(at) = *self.namespaces.ids.get(name.as_str())?;
                *self.peers.namespaces.get_mut(at as usize)?.get_or_insert(next)
            }
            AccessPeer::Realm(name) if name == self.realm => *self.peers.own_realm.get_or_insert(next),
            AccessPeer::Realm(name) => *self.peers.foreign_realms.entry(name.as_str().into()).or_insert(next),
        };
        self.peers.count += usize::from(id == next);
        Some(id)
    }

    fn add_account(&mut self, account: &'a AccountAccess) {
        let id = AccountId(Number::of_position(self.accounts.len()));
        let AccountAccess { principal, namespace, name, calls } = account;
        if self.server_ids.contains_key(&(&**namespace, &**name)) {
            self.account_ids.insert((namespace, name), id);
        }
        if let Some(calls) = calls {
            let mut known: Vec<_> =
                calls.iter().filter_map(|server| self.server_ids.get(&key(server)).copied()).collect();
            known.sort_unstable();
            self.calls.push(known.into_boxed_slice());
        }
        let namespace = self.namespaces.add(namespace);
        if principal.realm == self.realm
            && let Some(known) = self.names.entry(NameDigest::new(&principal.name))
        {
            known.account = Some(id);
            known.namespace_peer = self.peers.namespaces.get(namespace.0 as usize).copied().flatten();
        }
        self.accounts.push(Account { namespace, name: name.as_str().into() });
    }

    /// Adds the names of a server. Those of its services are names of its account too: `calls` bind a service that asks with its
    /// keytab.
    fn add_server(&mut self, server: &'a ServerAccess) {
        let id = ServerId(Number::of_position(self.servers.len()));
        let account = self.account_ids.get(&key(&server.key)).copied();
        self.claim(&server.own, id);
        for service in &server.names {
            if let Some(known) = self.claim(service, id) {
                known.account = known.account.or(account);
            }
        }
        let namespace = self.namespaces.add(&server.key.namespace);
        self.servers.push(Server { namespace, name: server.key.name.as_str().into(), mode: server.mode });
    }

    /// Gives a principal to a server; `None` where another one has it.
    fn claim(&mut self, principal: &Principal, server: ServerId) -> Option<&mut KnownName> {
        if principal.realm != self.realm {
            return None;
        }
        let known = self.names.entry(NameDigest::new(&principal.name))?;
        (*known.server.get_or_insert(server) == server).then_some(known)
    }

    fn end(&self, grant: GrantId) -> KerberosTime {
        self.grants.get(grant.0 as usize).map_or(KerberosTime::EPOCH, Grant::end)
    }
}

impl<'a> Namespaces<'a> {
    fn add(&mut self, name: &'a str) -> NamespaceId {
        let next = NamespaceId(number(self.names.len()));
        let id = *self.ids.entry(name).or_insert(next);
        if id == next {
            self.names.push(name.into());
        }
        id
    }
}

fn key(server: &ServerKey) -> Key<'_> {
    (&server.namespace, &server.name)
}

/// A position as 32 bits; a table of more than four thousand million rows does not fit into memory.
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
