//! Who would lose access under Enforce: clients that got tickets lately, and that no grant lets in.

use crate::commands::diff::cover::Clients;
use kennel_core::access::table::{AccessPeer, AccessTable, ServerKey};
use kennel_wire::admin::PairsResponse;
use kennel_wire::message::Principal;
use serde::Serialize;

/// Clients that would lose access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Losers {
    /// The time in which the KDC recorded who asked.
    pub(super) since: String,
    /// Pairs that the KDC forgot in that time.
    pub(super) forgotten: u64,
    pub(super) pairs: Vec<Loser>,
}

/// A client that would lose access to a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Loser {
    pub(super) client: String,
    /// `NAMESPACE/NAME`.
    pub(super) server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_class: Option<String>,
    /// Tickets in that time.
    pub(super) tickets: u64,
    /// The last request, RFC 3339.
    pub(super) last: String,
}

impl Losers {
    /// The clients of `seen` that the table does not let in. A server that the table does not have is no longer of the realm.
    pub(super) fn new(seen: &PairsResponse, table: &AccessTable) -> Losers {
        let clients = Clients::new(table);
        let loser = |pair: &kennel_wire::admin::Pair| {
            let tickets = pair.allowed + pair.would_deny;
            let key = ServerKey::new(&*pair.server_account.namespace, &*pair.server_account.name);
            let server = table.servers.iter().find(|server| server.key == key)?;
            let client = AccessPeer::Principal(Principal::parse(&pair.client, &table.realm).ok()?);
            // Who asked for the account's own principal needs a grant for every class.
            let is_covered = clients.cover(&client, server, pair.service_class.as_deref()).is_some();
            (tickets > 0 && !is_covered).then(|| Loser {
                client: pair.client.clone(),
                server: key.to_string(),
                service_class: pair.service_class.clone(),
                tickets,
                last: pair.last.clone(),
            })
        };
        Losers { since: seen.since.clone(), forgotten: seen.lost, pairs: seen.pairs.iter().filter_map(loser).collect() }
    }
}
