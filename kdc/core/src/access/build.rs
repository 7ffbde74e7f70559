//! Builds an [`AccessIndex`] from an [`AccessTable`]: gives numbers to peers, grants, namespaces and servers, so that requests
//! compare numbers.

use crate::access::index::{
    AccessIndex, Account, AccountId, Edge, Grant, GrantId, KnownClient, Namespace, NamespaceId, PeerId, Server,
    ServerId,
};
use crate::access::table::{AccessGrant, AccessPeer, AccessTable, AccountAccess, ServerAccess, ServerKey};
use kennel_wire::message::{KerberosTime, Principal, PrincipalName};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

impl AccessIndex {
    /// Builds the index of a table. Of two servers with one principal, the first has it.
    #[must_use]
    pub fn new(table: &AccessTable) -> AccessIndex {
        let mut builder = Builder::new(table);
        let servers = table.servers.iter().map(|server| builder.server(server)).collect();
        let accounts = table.accounts.iter().map(|account| builder.account(account)).collect();
        let mut index = AccessIndex {
            realm: table.realm.as_str().into(),
            clients: clients(table),
            foreign_clients: HashMap::new(),
            foreign_realms: HashMap::new(),
            own_realm: None,
            accounts,
            namespaces: builder.namespaces.into_boxed_slice(),
            server_names: server_names(table),
            servers,
            edges: builder.edges.into_boxed_slice(),
            grants: builder.grants.into_boxed_slice(),
            unmanaged_services: table.unmanaged_services,
            client_consent_required: table.client_consent_required,
        };
        index.name_peers(&builder.peers, &builder.namespace_ids);
        index.clients.shrink_to_fit();
        index
    }

    /// Writes each peer's number where a request looks for it.
    fn name_peers(&mut self, peers: &HashMap<&AccessPeer, PeerId>, namespaces: &HashMap<&str, NamespaceId>) {
        for (peer, id) in peers {
            match peer {
                AccessPeer::Principal(client) if *client.realm == *self.realm => {
                    self.clients.entry(client.name.clone()).or_default().peer = Some(*id);
                }
                AccessPeer::Principal(client) => {
                    self.foreign_clients.insert(client.clone(), *id);
                }
                AccessPeer::Namespace(name) => {
                    let known = namespaces.get(name.as_str()).and_then(|at| self.namespaces.get_mut(at.0 as usize));
                    if let Some(namespace) = known {
                        namespace.peer = Some(*id);
                    }
                }
                AccessPeer::Realm(name) if **name == *self.realm => self.own_realm = Some(*id),
                AccessPeer::Realm(name) => {
                    self.foreign_realms.insert(name.as_str().into(), *id);
                }
            }
        }
    }
}

/// The numbers while they are given.
struct Builder<'a> {
    server_ids: HashMap<&'a ServerKey, ServerId>,
    peers: HashMap<&'a AccessPeer, PeerId>,
    namespace_ids: HashMap<&'a str, NamespaceId>,
    namespaces: Vec<Namespace>,
    /// Servers share grants: each is numbered once.
    grant_ids: HashMap<*const AccessGrant, (GrantId, Arc<[PeerId]>)>,
    grants: Vec<Grant>,
    edges: Vec<Edge>,
}

impl<'a> Builder<'a> {
    fn new(table: &'a AccessTable) -> Builder<'a> {
        let numbered = table.servers.iter().enumerate();
        Builder {
            server_ids: numbered.map(|(at, server)| (&server.key, ServerId(number(at)))).collect(),
            peers: HashMap::new(),
            namespace_ids: HashMap::new(),
            namespaces: Vec::new(),
            grant_ids: HashMap::new(),
            grants: Vec::new(),
            edges: Vec::new(),
        }
    }

    fn server(&mut self, server: &'a ServerAccess) -> Server {
        let mut edges: Vec<Edge> = Vec::new();
        for grant in &server.grants {
            let (grant, peers) = self.grant(grant);
            edges.extend(peers.iter().map(|peer| Edge { peer: *peer, grant }));
        }
        edges.sort_by_key(|edge| (edge.peer, Reverse(self.end(edge.grant)), edge.grant.0));
        edges.dedup_by_key(|edge| (edge.peer, edge.grant));
        let first_edge = number(self.edges.len());
        self.edges.extend(edges);
        Server {
            namespace: self.namespace(&server.key.namespace),
            name: server.key.name.as_str().into(),
            mode: server.mode,
            first_edge,
            end_edge: number(self.edges.len()),
        }
    }

    fn account(&mut self, account: &'a AccountAccess) -> Account {
        let calls = account.calls.as_ref().map(|calls| {
            let mut known: Vec<ServerId> = calls.iter().filter_map(|key| self.server_ids.get(key).copied()).collect();
            known.sort_unstable();
            known.into_boxed_slice()
        });
        Account { namespace: self.namespace(&account.namespace), name: account.name.as_str().into(), calls }
    }

    fn grant(&mut self, grant: &'a Arc<AccessGrant>) -> (GrantId, Arc<[PeerId]>) {
        if let Some((id, peers)) = self.grant_ids.get(&Arc::as_ptr(grant)) {
            return (*id, Arc::clone(peers));
        }
        let id = GrantId(number(self.grants.len()));
        let classes = grant.service_classes.as_ref();
        self.grants.push(Grant {
            by: Arc::clone(&grant.by),
            service_classes: classes.map(|classes| classes.iter().map(|class| class.as_str().into()).collect()),
            not_after: grant.not_after,
        });
        let peers: Arc<[PeerId]> = grant.peers.iter().map(|peer| self.peer(peer)).collect();
        self.grant_ids.insert(Arc::as_ptr(grant), (id, Arc::clone(&peers)));
        (id, peers)
    }

    fn peer(&mut self, peer: &'a AccessPeer) -> PeerId {
        let next = PeerId(number(self.peers.len()));
        *self.peers.entry(peer).or_insert(next)
    }

    fn namespace(&mut self, name: &'a str) -> NamespaceId {
        let next = NamespaceId(number(self.namespaces.len()));
        let id = *self.namespace_ids.entry(name).or_insert(next);
        if id == next {
            self.namespaces.push(Namespace { name: name.into(), peer: None });
        }
        id
    }

    fn end(&self, grant: GrantId) -> KerberosTime {
        self.grants.get(grant.0 as usize).map_or(KerberosTime::EPOCH, Grant::end)
    }
}

/// The accounts by their own names, and by those of their services: `calls` bind a service that asks with its keytab too.
fn clients(table: &AccessTable) -> HashMap<PrincipalName, KnownClient> {
    let mut clients: HashMap<PrincipalName, KnownClient> = HashMap::with_capacity(table.accounts.len());
    let of_this_realm = |principal: &&Principal| principal.realm == table.realm;
    let mut ids: HashMap<(&str, &str), AccountId> = HashMap::with_capacity(table.accounts.len());
    for (at, account) in table.accounts.iter().enumerate() {
        let id = AccountId(number(at));
        ids.insert((&account.namespace, &account.name), id);
        if account.principal.realm == table.realm {
            let known = KnownClient { account: Some(id), is_account: true, peer: None };
            clients.insert(account.principal.name.clone(), known);
        }
    }
    for server in &table.servers {
        let account = ids.get(&(server.key.namespace.as_str(), server.key.name.as_str())).copied();
        for service in server.names.iter().filter(of_this_realm) {
            let known = KnownClient { account, is_account: false, peer: None };
            clients.entry(service.name.clone()).or_insert(known);
        }
    }
    clients
}

fn server_names(table: &AccessTable) -> HashMap<PrincipalName, ServerId> {
    let mut names = HashMap::with_capacity(table.servers.len().saturating_mul(2));
    for (at, server) in table.servers.iter().enumerate() {
        for principal in [&server.own].into_iter().chain(&server.names) {
            if principal.realm == table.realm {
                names.entry(principal.name.clone()).or_insert(ServerId(number(at)));
            }
        }
    }
    names.shrink_to_fit();
    names
}

/// A position as 32 bits; a table of more than four thousand million rows does not fit into memory.
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
