//! Events on service accounts without a principal: an account has no status that could report this.

use crate::publish::report::RefusedAccount;
use crate::publish::written::Memory;
use kennel_k8s::apply::event::{EventSubject, EventWriter};
use kennel_wire::message::Principal;
use std::collections::{BTreeMap, BTreeSet};

/// Writes one Event for each refused name, at the beginning of the refusal.
pub(crate) struct AccountPublisher {
    events: EventWriter,
    /// Refused names that were reported, by namespace.
    reported: Memory<BTreeMap<String, BTreeSet<Principal>>>,
}

impl AccountPublisher {
    pub(crate) fn new(events: EventWriter) -> AccountPublisher {
        AccountPublisher { events, reported: Memory::default() }
    }

    /// Publishes the refused accounts of a namespace. `refused` lists all of them.
    pub(crate) async fn publish(&self, namespace: &str, refused: Vec<RefusedAccount>) {
        let now: BTreeSet<Principal> = refused.iter().map(|account| account.principal.clone()).collect();
        let before = {
            let mut reported = self.reported.lock();
            if now.is_empty() { reported.remove(namespace) } else { reported.insert(namespace.to_owned(), now) }
        };
        let before = before.unwrap_or_default();
        for RefusedAccount { account, uid, problem, .. } in refused.iter().filter(|a| !before.contains(&a.principal)) {
            let subject = EventSubject::Account { namespace, name: account, uid };
            self.events.warn(subject, problem.reason(), &problem.to_string()).await;
        }
    }
}
