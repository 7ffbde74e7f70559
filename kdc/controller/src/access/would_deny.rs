//! Who would lose access if servers in mode Observe went on to Enforce: clients that got tickets, and that no grant in force lets in now.
//! Looked at twice a minute: nothing is written for a ticket.

use crate::access::snapshot::Programmed;
use crate::live::Live;
use crate::publish::{DeniedClients, Publisher};
use kennel_audit::{DecisionLog, DecisionScope, RecordedPair};
use kennel_core::access::explain::ExplainTarget;
use kennel_core::access::table::{AccessMode, ServerKey};
use kennel_core::access::{AccessDecision, AccessIndex, ServiceClass};
use kennel_core::principal::Origin;
use kennel_k8s::index::facts::ObjectKey;
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::problem::named::first_names;
use kennel_wire::admin::DecisionOutcome;
use kennel_wire::message::{Clock, KerberosTime, Principal};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Interval between two looks.
const INTERVAL: Duration = Duration::from_secs(30);
/// Most clients of one server that are named.
const MOST_NAMED: usize = 16;

/// Follows who would lose access.
pub(crate) struct WouldDenyWatch {
    pub(crate) decisions: Arc<DecisionLog>,
    pub(crate) index: SharedIndex,
    pub(crate) live: Arc<Live>,
    pub(crate) programmed: Programmed,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) clock: Clock,
}

impl WouldDenyWatch {
    /// Runs without end.
    pub(crate) async fn run(self) {
        let parts = Arc::new(self);
        let mut look = tokio::time::interval(INTERVAL);
        loop {
            look.tick().await;
            let parts = parts.clone();
            // The pairs of a large cluster take some milliseconds.
            let looked = tokio::task::spawn_blocking(move || parts.publisher.set_denied(parts.look())).await;
            if let Err(error) = looked {
                tracing::error!(%error, "who would lose access under Enforce cannot be said");
            }
        }
    }

    fn look(&self) -> DeniedClients {
        let Some(rendered) = self.programmed.rendered() else { return DeniedClients::new() };
        let observed = rendered.servers.iter().filter(|(_, server)| server.mode == AccessMode::Observe);
        let observed: BTreeSet<&ObjectKey> = observed.map(|(key, _)| key).collect();
        if observed.is_empty() {
            return DeniedClients::new();
        }
        let kdc = self.live.kdc();
        let Some(access) = kdc.access().index() else { return DeniedClients::new() };
        let now = (self.clock)().time;
        let is_denied = |pair: &RecordedPair, key: &ObjectKey| {
            let Ok(client) = Principal::parse(&pair.client, self.live.name()) else { return false };
            let origin = self.origin(&client);
            !is_allowed(access, &client, origin, (key, &pair.class), now)
        };
        let pairs = self.decisions.pairs(&DecisionScope::All).pairs;
        denied(pairs, &observed, is_denied)
    }

    /// Who made a client; none for one of another realm.
    fn origin(&self, client: &Principal) -> Option<Origin> {
        let of_cluster = self.index.read().wanted_by(client).is_some();
        let own = client.realm == self.live.name();
        own.then_some(if of_cluster { Origin::Kubernetes } else { Origin::Manual })
    }
}

/// The clients among pairs that got a ticket by mode Observe when they asked last, and that are denied still; of each server the first
/// 16, and how many more.
fn denied(
    pairs: Vec<RecordedPair>,
    observed: &BTreeSet<&ObjectKey>,
    is_denied: impl Fn(&RecordedPair, &ObjectKey) -> bool,
) -> DeniedClients {
    let mut clients: BTreeMap<ObjectKey, BTreeSet<String>> = BTreeMap::new();
    for pair in pairs.into_iter().filter(|pair| pair.tally.last_outcome == DecisionOutcome::WouldDeny) {
        let key = (pair.namespace.clone(), pair.account.clone());
        if observed.contains(&key) && is_denied(&pair, &key) {
            clients.entry(key).or_default().insert(pair.client);
        }
    }
    clients.into_iter().map(|(key, clients)| (key, first_names(clients, MOST_NAMED))).collect()
}

/// Whether a grant in force lets a client call a server for a class; an empty class is the account's own principal.
fn is_allowed(
    access: &AccessIndex,
    client: &Principal,
    origin: Option<Origin>,
    (server, class): (&ObjectKey, &str),
    now: KerberosTime,
) -> bool {
    let class = if class.is_empty() { ServiceClass::Account } else { ServiceClass::Class(class) };
    let key = ServerKey::new(&*server.0, &*server.1);
    let explanation = access.explain(client, origin, ExplainTarget::Account(&key, class), now);
    matches!(explanation.decision, AccessDecision::Allow { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_audit::PairTally;

    fn pair(account: &str, client: &str, last_outcome: DecisionOutcome) -> RecordedPair {
        let tally = PairTally { first: 1, last: 2, last_outcome, counts: [1; 4] };
        let (namespace, class) = ("shop".to_owned(), "HTTP".to_owned());
        RecordedPair { namespace, account: account.into(), class, client: client.into(), tally }
    }

    #[test]
    fn clients_of_observed_servers_that_are_denied_still_are_named_each_once_and_the_first_sixteen() {
        use DecisionOutcome::{Allowed, WouldDeny};
        let web = ("shop".to_owned(), "web".to_owned());
        let observed = BTreeSet::from([&web]);
        let mut pairs = vec![
            pair("web", "batch.shop@R", WouldDeny),
            pair("web", "batch.shop@R", WouldDeny),
            pair("web", "granted.shop@R", WouldDeny),
            pair("web", "cart.shop@R", Allowed),
            pair("enforced", "batch.shop@R", WouldDeny),
        ];
        let is_denied = |pair: &RecordedPair, _: &ObjectKey| !pair.client.starts_with("granted");
        let found = denied(pairs.clone(), &observed, is_denied);
        assert_eq!(found, [(web.clone(), vec!["batch.shop@R".to_owned()])].into());
        pairs.extend((0..20).map(|number| pair("web", &format!("c{number:02}.shop@R"), WouldDeny)));
        let all = denied(pairs, &observed, is_denied).remove(&web).unwrap();
        assert_eq!((all.len(), &*all[16]), (17, "5 more"));
    }
}
