//! The contexts of the clients of kadmin. A stranger has none: each needs a ticket for the service of administration. They are limited for
//! each client and in all, and end with their ticket, or when they were not used for a time.

use kennel_core::admin::caller::AdminService;
use kennel_core::gss::acceptor::ContextClient;
use kennel_core::gss::rpc::RpcSession;
use kennel_wire::message::{KerberosTime, Principal};
use rand::RngCore;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Contexts in all.
const ALL: usize = 1024;
/// Contexts of one client.
const EACH: usize = 64;

/// The name of a context, which nobody can guess.
pub(super) type Handle = [u8; 16];

/// The context of a client.
pub(super) struct Session {
    rpc: Mutex<RpcSession>,
    /// The client, as its ticket names it.
    pub(super) client: ContextClient,
    /// The service that the ticket is for.
    pub(super) service: AdminService,
}

impl Session {
    /// A context, locked for one step of a call.
    pub(super) fn rpc(&self) -> MutexGuard<'_, RpcSession> {
        self.rpc.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All contexts.
pub(super) struct Sessions {
    /// Time after which a context ends that is not used.
    idle: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: HashMap<Handle, Kept>,
    /// The contexts that were established over a connection, by its client's address.
    peers: HashMap<SocketAddr, Handle>,
}

struct Kept {
    session: Arc<Session>,
    account: Principal,
    peer: SocketAddr,
    used: Instant,
}

impl Sessions {
    pub(super) fn new(idle: Duration) -> Sessions {
        Sessions { idle, state: Mutex::default() }
    }

    /// Time after which a context ends that is not used.
    pub(super) fn idle(&self) -> Duration {
        self.idle
    }

    /// Keeps a new context of an account. At the limit of one account its least recently used one ends; at the limit of all, one of the
    /// account that has the most.
    pub(super) fn keep(&self, rpc: RpcSession, of: ContextClient, service: AdminService, by: Owner) -> Handle {
        let mut handle = Handle::default();
        rand::thread_rng().fill_bytes(&mut handle);
        let session = Arc::new(Session { rpc: Mutex::new(rpc), client: of, service });
        let Owner { account, peer } = by;
        let mut state = self.lock();
        state.end_unused(self.idle);
        if state.of(&account).count() >= EACH {
            state.end_oldest_of(&account);
        } else if state.kept.len() >= ALL
            && let Some(greediest) = state.greediest()
        {
            state.end_oldest_of(&greediest);
        }
        state.peers.insert(peer, handle);
        state.kept.insert(handle, Kept { session, account, peer, used: Instant::now() });
        handle
    }

    /// The context of a name, used now.
    pub(super) fn find(&self, handle: &[u8], now: KerberosTime) -> Option<Arc<Session>> {
        let handle = Handle::try_from(handle).ok()?;
        let mut state = self.lock();
        let kept = state.kept.get_mut(&handle)?;
        if kept.used.elapsed() > self.idle || kept.session.client.until < now {
            state.end(&handle);
            return None;
        }
        kept.used = Instant::now();
        Some(kept.session.clone())
    }

    /// Ends a context.
    pub(super) fn end(&self, handle: &[u8]) {
        if let Ok(handle) = Handle::try_from(handle) {
            self.lock().end(&handle);
        }
    }

    /// Whether a context was established over this connection.
    pub(super) fn knows(&self, peer: SocketAddr) -> bool {
        self.lock().peers.contains_key(&peer)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose context it is.
pub(super) struct Owner {
    /// Canonical name of the client.
    pub(super) account: Principal,
    /// The client's end of the connection.
    pub(super) peer: SocketAddr,
}

impl State {
    fn of<'a>(&'a self, account: &'a Principal) -> impl Iterator<Item = (&'a Handle, &'a Kept)> {
        self.kept.iter().filter(move |(_, kept)| kept.account == *account)
    }

    fn end(&mut self, handle: &Handle) {
        if let Some(kept) = self.kept.remove(handle)
            && self.peers.get(&kept.peer) == Some(handle)
        {
            self.peers.remove(&kept.peer);
        }
    }

    fn end_unused(&mut self, idle: Duration) {
        let unused = |(handle, kept): (&Handle, &Kept)| (kept.used.elapsed() > idle).then_some(*handle);
        let unused: Vec<Handle> = self.kept.iter().filter_map(unused).collect();
        unused.iter().for_each(|handle| self.end(handle));
    }

    fn end_oldest_of(&mut self, account: &Principal) {
        let oldest = self.of(account).min_by_key(|(_, kept)| kept.used).map(|(handle, _)| *handle);
        oldest.iter().for_each(|handle| self.end(handle));
    }

    /// The account with the most contexts.
    fn greediest(&self) -> Option<Principal> {
        let mut counts: HashMap<&Principal, usize> = HashMap::new();
        self.kept.values().for_each(|kept| *counts.entry(&kept.account).or_default() += 1);
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(account, _)| account.clone())
    }
}
