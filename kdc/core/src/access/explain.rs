//! Why a client may call a server or not: the decision on an [`AccessIndex`], and every grant that names the client, with what
//! keeps it from counting. Pure, so that `kennel explain` says from files what the KDC says from the cluster.

use crate::access::decide::{Asked, Question};
use crate::access::index::{AccessIndex, Grant, Number, ServerId, ServiceClass};
use crate::access::table::{AccessMode, AccessPeer, ServerKey};
use crate::access::{AccessDecision, AccessPath};
use crate::name_digest::NameDigest;
use crate::principal::Origin;
use kennel_wire::message::{KerberosTime, Principal};
use std::sync::Arc;

/// The server of an [`AccessIndex::explain`].
#[derive(Debug, Clone, Copy)]
pub enum ExplainTarget<'a> {
    /// A principal (canonical), and who made it.
    Service(&'a Principal, Origin),
    /// A server by its account. [`ServiceClass::Any`] asks whether it may be called at all.
    Account(&'a ServerKey, ServiceClass<'a>),
}

/// Why a client may call a server or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The decision of the KDC, for a ticket from the ticket-granting service.
    pub decision: AccessDecision,
    /// The server; `None` where the index has none of that name, or the principal is not of the cluster.
    pub server: Option<ExplainedServer>,
    /// Every grant of the server that names the client, those that count first.
    pub grants: Vec<ExplainedGrant>,
}

/// The server of an [`Explanation`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedServer {
    /// Its account.
    pub key: ServerKey,
    /// Its mode.
    pub mode: AccessMode,
}

/// A grant that names the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedGrant {
    /// The KerberosAccess, `NAMESPACE/NAME`.
    pub by: Arc<str>,
    /// The peer that means the client.
    pub peer: AccessPeer,
    /// The service classes that it is for; `None`: all.
    pub service_classes: Option<Vec<String>>,
    /// The grant counts before this time.
    pub not_after: Option<KerberosTime>,
    /// Whether it counts.
    pub standing: GrantStanding,
}

/// Whether a grant that names the client counts. The client's own `calls` may veto it all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GrantStanding {
    /// The grant counts.
    InForce,
    /// The grant is for other service classes.
    OtherClass,
    /// The time of the grant is over.
    Expired,
}

impl AccessIndex {
    /// Explains the decision at `now`. `origin`: who made the client; `None` for a client of another realm.
    #[must_use]
    pub fn explain(
        &self,
        client: &Principal,
        origin: Option<Origin>,
        target: ExplainTarget<'_>,
        now: KerberosTime,
    ) -> Explanation {
        let found = match target {
            ExplainTarget::Service(_, Origin::Manual) => None,
            ExplainTarget::Service(service, Origin::Kubernetes) => {
                let server = self.server(service, NameDigest::new(&service.name));
                server.map(|server| (server, ServiceClass::of_principal(service)))
            }
            ExplainTarget::Account(key, class) => self.server_of_account(key).map(|server| (server, class)),
        };
        let Some((server, class)) = found else {
            let decision = match target {
                ExplainTarget::Service(service, service_origin) => {
                    let path = AccessPath::Tgs;
                    self.judge(&Question {
                        client,
                        client_origin: origin,
                        client_digest: Some(NameDigest::new(&client.name)),
                        service,
                        service_origin,
                        service_digest: NameDigest::new(&service.name),
                        path,
                        now,
                    })
                }
                ExplainTarget::Account(key, _) => self.unknown_server(key),
            };
            return Explanation { decision, server: None, grants: Vec::new() };
        };
        let asked =
            Asked { caller: self.caller(client, origin, Some(NameDigest::new(&client.name))), server, class, now };
        let (namespace, name) = self.server_parts(server);
        Explanation {
            decision: self.managed(&asked, client),
            server: Some(ExplainedServer { key: ServerKey::new(namespace, name), mode: self.mode(server) }),
            grants: self.explain_grants(&asked, client),
        }
    }

    fn explain_grants(&self, asked: &Asked<'_>, client: &Principal) -> Vec<ExplainedGrant> {
        let caller = &asked.caller;
        let namespace = caller.account.map(|account| self.account_parts(account).0);
        let ways = [
            (caller.by_name, AccessPeer::Principal(client.clone())),
            (caller.by_namespace, AccessPeer::Namespace(namespace.unwrap_or_default().to_owned())),
            (caller.by_realm, AccessPeer::Realm(client.realm.clone())),
        ];
        let named = ways.into_iter().filter_map(|(id, peer)| Some((id?, peer)));
        let grants = named.flat_map(|(id, peer)| self.grants(asked.server, id).map(move |grant| (grant, peer.clone())));
        let mut grants: Vec<_> = grants.map(|(grant, peer)| explain_grant(grant, peer, asked)).collect();
        grants.sort_by(|a, b| (a.standing, &a.by).cmp(&(b.standing, &b.by)));
        grants
    }

    fn server_of_account(&self, key: &ServerKey) -> Option<ServerId> {
        let mut servers = (0..self.servers.len()).map(|at| ServerId(Number::of_position(at)));
        servers.find(|server| self.server_parts(*server) == (&*key.namespace, &*key.name))
    }
}

fn explain_grant(grant: &Grant, peer: AccessPeer, asked: &Asked<'_>) -> ExplainedGrant {
    let classes = grant.rule.service_classes.as_ref();
    ExplainedGrant {
        by: Arc::clone(&grant.by),
        peer,
        service_classes: classes.map(|classes| classes.iter().cloned().collect()),
        not_after: grant.rule.not_after,
        standing: match (grant.is_in_force(asked.now), grant.covers(asked.class)) {
            (true, true) => GrantStanding::InForce,
            (true, false) => GrantStanding::OtherClass,
            (false, _) => GrantStanding::Expired,
        },
    }
}
