//! Decisions and pairs as the admin API writes them.

use kennel_audit::{DecisionLog, DecisionScope, FeedEntry, RecordedPair, service_class};
use kennel_core::access::table::ServerKey;
use kennel_core::event::Decision;
use kennel_wire::admin::{AccountRef, DecisionOutcome, DecisionRecord, Pair, PairsResponse};
use kennel_wire::message::{KerberosTime, Principal};

/// A decision.
pub(super) fn decision_record(log: &DecisionLog, sequence: u64, entry: &FeedEntry) -> DecisionRecord {
    let event = &entry.event;
    let refusal = match &event.outcome {
        Decision::Refused { refusal, .. } | Decision::Dropped(refusal) => Some(*refusal),
        Decision::Issued(_) | Decision::PreauthRequired => None,
    };
    let ticket_end = match &event.outcome {
        Decision::Issued(issued) => Some(issued.endtime.to_rfc3339().to_string()),
        _ => None,
    };
    DecisionRecord {
        sequence,
        time: event.time.to_rfc3339().to_string(),
        exchange: event.exchange.name().to_owned(),
        client: event.client.as_ref().map(ToString::to_string),
        client_account: event.client.as_ref().and_then(|client| log.client_account(client)).map(account_ref),
        pod: event.pod.as_ref().map(|pod| format!("{}/{}", pod.namespace, pod.name)),
        server: event.server.as_ref().map(ToString::to_string),
        server_account: entry.server.clone().map(account_ref),
        service_class: event.server.as_ref().and_then(service_class).map(str::to_owned),
        outcome: entry.outcome,
        access: None,
        reason: refusal.map(|refusal| refusal.name().to_owned()),
        message: refusal.map(|refusal| refusal.text().to_owned()),
        peer: event.peer.to_string(),
        ticket_end,
    }
}

/// The pairs of a scope.
pub(super) fn pairs_response(log: &DecisionLog, realm: &str, scope: &DecisionScope, now: KerberosTime) -> PairsResponse {
    let found = log.pairs(scope);
    PairsResponse {
        realm: realm.to_owned(),
        since: time(found.since),
        until: now.to_rfc3339().to_string(),
        lost: found.lost,
        pairs: found.pairs.into_iter().map(|recorded| pair(log, realm, recorded)).collect(),
    }
}

fn pair(log: &DecisionLog, realm: &str, recorded: RecordedPair) -> Pair {
    let RecordedPair { namespace, account, class, client, tally } = recorded;
    let principal = Principal::parse(&client, realm).ok();
    Pair {
        client_account: principal.and_then(|client| log.client_account(&client)).map(account_ref),
        client,
        server_account: AccountRef { namespace, name: account },
        service_class: Some(class).filter(|class| !class.is_empty()),
        first: time(tally.first),
        last: time(tally.last),
        last_outcome: tally.last_outcome,
        count: tally.counts.iter().sum(),
        allowed: tally.number(DecisionOutcome::Allowed),
        would_deny: tally.number(DecisionOutcome::WouldDeny),
        denied: tally.number(DecisionOutcome::Denied),
        refused: tally.number(DecisionOutcome::Refused),
    }
}

fn time(seconds: i64) -> String {
    KerberosTime(seconds).to_rfc3339().to_string()
}

fn account_ref(ServerKey { namespace, name }: ServerKey) -> AccountRef {
    AccountRef { namespace, name }
}
