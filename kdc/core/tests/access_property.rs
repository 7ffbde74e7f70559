//! The index of access against a naive evaluation of its table: whatever the declarations are, both decide the same.

use kennel_core::access::denial::DenialReason;
use kennel_core::access::table::{
    AccessGrant, AccessMode, AccessPeer, AccessTable, AccountAccess, ServerAccess, ServerKey, UnmanagedServices,
};
use kennel_core::access::{AccessClient, AccessDecision, AccessIndex, AccessPath, AccessPolicy, AccessRequest};
use kennel_core::entry::Entry;
use kennel_core::key_set::KeySet;
use kennel_core::principal::{Origin, PrincipalRecord};
use kennel_wire::message::{KerberosTime, Principal, Timestamp};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::collections::BTreeSet;
use std::sync::Arc;

const NOW: KerberosTime = KerberosTime(1_800_000_000);
const ACCOUNTS: [(&str, &str); 4] = [("shop", "web"), ("shop", "cart"), ("data", "pg"), ("data", "web")];
const CLASSES: [&str; 2] = ["HTTP", "postgres"];

fn principal(text: &str) -> Principal {
    Principal::parse(text, "R").unwrap()
}

fn own((namespace, name): (&str, &str)) -> Principal {
    principal(&format!("{name}.{namespace}"))
}

fn services((namespace, name): (&str, &str)) -> Vec<Principal> {
    CLASSES.map(|class| principal(&format!("{class}/{name}.{namespace}.svc.cluster.local"))).to_vec()
}

/// Everybody who may ask: accounts, their services, people, and clients of two other realms.
fn clients() -> Vec<Principal> {
    let people = ["alice", "oncall/admin", "alice@S", "web.shop@S", "alice@T"].map(principal);
    let accounts = ACCOUNTS.map(own);
    people.into_iter().chain(accounts).chain(services(ACCOUNTS[0])).collect()
}

fn peers() -> Vec<AccessPeer> {
    let groups = ["shop", "data", "empty"].map(|namespace| AccessPeer::Namespace(namespace.into()));
    let realms = ["R", "S"].map(|realm| AccessPeer::Realm(realm.into()));
    clients().into_iter().map(AccessPeer::Principal).chain(groups).chain(realms).collect()
}

fn some_grant() -> impl Strategy<Value = Arc<AccessGrant>> {
    let classes = proptest::option::of(subsequence(CLASSES.to_vec(), 0..=2));
    let not_after = proptest::option::of((-2_i64..3).prop_map(|seconds| NOW.plus(seconds)));
    (0..4_u8, subsequence(peers(), 0..4), classes, not_after).prop_map(|(by, peers, classes, not_after)| {
        let service_classes = classes.map(|classes| classes.into_iter().map(str::to_owned).collect());
        Arc::new(AccessGrant { by: format!("shop/{by}").into(), peers, service_classes, not_after })
    })
}

fn some_calls() -> impl Strategy<Value = Option<BTreeSet<ServerKey>>> {
    proptest::option::of(
        subsequence(ACCOUNTS.to_vec(), 0..4)
            .prop_map(|calls| calls.into_iter().map(|(namespace, name)| ServerKey::new(namespace, name)).collect()),
    )
}

fn some_table() -> impl Strategy<Value = AccessTable> {
    // Servers share grants as they come out of one rule.
    let grants = proptest::collection::vec(some_grant(), 0..6).prop_flat_map(|grants| {
        let all = grants.len();
        proptest::collection::vec(subsequence(grants, 0..=all), ACCOUNTS.len())
    });
    let accounts = (subsequence(ACCOUNTS.to_vec(), 0..=4), proptest::collection::vec(some_calls(), 4));
    let servers =
        (0..=ACCOUNTS.len(), proptest::collection::vec(select(vec![AccessMode::Enforce, AccessMode::Observe]), 4));
    let rules = (select(vec![UnmanagedServices::AllowRealm, UnmanagedServices::Deny]), any::<bool>());
    (accounts, servers, grants, rules).prop_map(|((accounts, calls), (number, modes), grants, rules)| AccessTable {
        realm: "R".into(),
        accounts: accounts
            .into_iter()
            .zip(calls)
            .map(|(account, calls)| AccountAccess {
                principal: own(account),
                namespace: account.0.into(),
                name: account.1.into(),
                calls,
            })
            .collect(),
        servers: ACCOUNTS
            .into_iter()
            .take(number)
            .zip(modes)
            .zip(grants)
            .map(|((account, mode), grants)| ServerAccess {
                key: ServerKey::new(account.0, account.1),
                mode,
                own: own(account),
                names: services(account),
                grants,
            })
            .collect(),
        unmanaged_services: rules.0,
        client_consent_required: rules.1,
    })
}

/// The decision as the documentation says it, word by word.
#[derive(Debug, PartialEq)]
enum Naive {
    Free,
    Allowed { by: BTreeSet<String>, until: Option<KerberosTime> },
    Missing(AccessMode, DenialReason),
}

fn naive(table: &AccessTable, client: &Principal, origin: Option<Origin>, server: &Entry) -> Naive {
    let service = &server.record.principal;
    if server.record.origin == Origin::Manual {
        return match table.unmanaged_services {
            UnmanagedServices::AllowRealm if client.realm == table.realm => Naive::Free,
            _ => Naive::Missing(AccessMode::Enforce, DenialReason::UnmanagedService),
        };
    }
    let has_it = |found: &&ServerAccess| found.own == *service || found.names.contains(service);
    let Some(found) = table.servers.iter().find(has_it) else {
        return Naive::Missing(AccessMode::Enforce, DenialReason::NotProgrammed);
    };
    let of_cluster = origin == Some(Origin::Kubernetes);
    let account = table.accounts.iter().find(|account| account.principal == *client);
    let of_service = table.servers.iter().find(|owner| owner.names.contains(client)).and_then(|owner| {
        let is_its = |a: &&AccountAccess| (&a.namespace, &a.name) == (&owner.key.namespace, &owner.key.name);
        table.accounts.iter().find(is_its)
    });
    let bound = account.or(of_service);
    let impostor = bound.is_some() && !of_cluster;
    let left_out = of_cluster && bound.is_none();
    let means = |peer: &AccessPeer| {
        !left_out
            && match peer {
                AccessPeer::Principal(name) => name == client && !impostor,
                AccessPeer::Namespace(name) => of_cluster && account.is_some_and(|account| account.namespace == *name),
                AccessPeer::Realm(name) => *name == client.realm,
            }
    };
    let covers = |grant: &AccessGrant| match (&grant.service_classes, service.name.components.as_slice()) {
        (None, _) => true,
        (Some(classes), [class, _]) => classes.contains(class),
        (Some(_), _) => false,
    };
    let in_force = |grant: &AccessGrant| grant.not_after.is_none_or(|end| NOW < end);
    let naming: Vec<_> = found.grants.iter().filter(|grant| grant.peers.iter().any(means)).collect();
    let applying: Vec<_> = naming.iter().filter(|grant| in_force(grant) && covers(grant)).collect();
    let missing = |reason| Naive::Missing(found.mode, reason);
    let end = |grant: &AccessGrant| grant.not_after.unwrap_or(KerberosTime(i64::MAX));
    let Some(longest) = applying.iter().map(|grant| end(grant)).max() else {
        return missing(if naming.iter().any(|grant| !in_force(grant) && covers(grant)) {
            DenialReason::AccessExpired
        } else if naming.iter().any(|grant| in_force(grant)) {
            DenialReason::ServiceClass
        } else if left_out {
            DenialReason::NotProgrammed
        } else {
            DenialReason::NoAccess
        });
    };
    let consents = bound.filter(|_| of_cluster).is_none_or(|account| match &account.calls {
        Some(calls) => calls.contains(&found.key),
        None => !table.client_consent_required || account.namespace == found.key.namespace,
    });
    if !consents {
        return missing(DenialReason::ClientConsent);
    }
    let by = applying.iter().filter(|grant| end(grant) == longest).map(|grant| grant.by.to_string()).collect();
    Naive::Allowed { by, until: (longest != KerberosTime(i64::MAX)).then_some(longest) }
}

fn entry(principal: Principal, origin: Origin) -> Entry {
    let created = Timestamp { time: NOW, micros: 0 };
    Entry::new(PrincipalRecord::new(principal, origin, KeySet::default(), created, "test"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_index_decides_as_its_table_says(table in some_table()) {
        let index = AccessIndex::new(&table);
        let servers: Vec<Principal> =
            ACCOUNTS.into_iter().flat_map(|account| services(account).into_iter().chain([own(account)])).collect();
        for client in &clients() {
            let origins = if client.realm == "R" {
                vec![Some(Origin::Kubernetes), Some(Origin::Manual)]
            } else {
                vec![None]
            };
            for (server, server_origin) in
                servers.iter().flat_map(|server| [Origin::Kubernetes, Origin::Manual].map(|origin| (server, origin)))
            {
                let server = entry(server.clone(), server_origin);
                for client_origin in origins.iter().copied() {
                    let own = client_origin.map(|origin| entry(client.clone(), origin));
                    let asking = own.as_ref().map_or(AccessClient::Foreign(client), AccessClient::Own);
                    let request = AccessRequest { client: asking, server: &server, path: AccessPath::Tgs, now: NOW };
                    let decided = index.decide(&request);
                    let expected = naive(&table, client, client_origin, &server);
                    let same = match (&decided, &expected) {
                        (AccessDecision::Allow { by: None, until: None }, Naive::Free) => true,
                        (AccessDecision::Allow { by: Some(by), until }, Naive::Allowed { by: any, until: end }) => {
                            any.contains(&**by) && until == end
                        }
                        (AccessDecision::Deny(denial), Naive::Missing(AccessMode::Enforce, reason))
                        | (AccessDecision::Observe(denial), Naive::Missing(AccessMode::Observe, reason)) => {
                            denial.reason == *reason
                        }
                        _ => false,
                    };
                    prop_assert!(same, "{client} {client_origin:?} {}: {decided:?}, not {expected:?}",
                        server.record.principal);
                }
            }
        }
    }
}
