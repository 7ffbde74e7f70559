//! Decisions and pairs as the admin API writes them.

use kennel_audit::{DecisionLog, DecisionScope, FeedEntry, RecordedPair};
use kennel_core::access::ServiceClass;
use kennel_core::access::table::ServerKey;
use kennel_core::event::Decision;
use kennel_wire::admin::{AccountRef, DecisionOutcome, DecisionRecord, Pair, PairsResponse};
use kennel_wire::message::{KerberosTime, Principal};

/// A decision.
pub(super) fn decision_record(log: &DecisionLog, sequence: u64, entry: &FeedEntry) -> DecisionRecord {
    let event = &entry.event;
    let issued = match &event.outcome {
        Decision::Issued(issued) => Some(issued),
        _ => None,
    };
    let (reason, message) = reason(&event.outcome).unzip();
    DecisionRecord {
        sequence,
        time: event.time.to_rfc3339().to_string(),
        exchange: event.exchange.name().to_owned(),
        client: event.client.as_ref().map(ToString::to_string),
        client_account: event.client.as_ref().and_then(|client| log.client_account(client)).map(account_ref),
        pod: event.pod.as_ref().map(|pod| format!("{}/{}", pod.namespace, pod.name)),
        server: event.server.as_ref().map(ToString::to_string),
        server_account: entry.server.clone().map(account_ref),
        service_class: event.server.as_ref().and_then(service_class),
        outcome: entry.outcome,
        access: issued.and_then(|issued| issued.allowed_by.as_deref()).map(str::to_owned),
        reason: reason.map(str::to_owned),
        message: message.map(str::to_owned),
        peer: event.peer.to_string(),
        ticket_end: issued.map(|issued| issued.endtime.to_rfc3339().to_string()),
    }
}

/// Name and words of the reason of a refusal, or of what Enforce would refuse.
fn reason(decision: &Decision) -> Option<(&str, &str)> {
    match decision {
        Decision::Issued(issued) => issued.would_deny.as_ref().map(|denial| (denial.reason.name(), &*denial.text)),
        Decision::Refused { denial: Some(denial), .. } => Some((denial.reason.name(), &*denial.text)),
        Decision::Refused { refusal, .. } | Decision::Dropped(refusal) => Some((refusal.name(), refusal.text())),
        Decision::PreauthRequired => None,
    }
}

fn service_class(server: &Principal) -> Option<String> {
    match ServiceClass::of_principal(server) {
        ServiceClass::Class(class) => Some(class.to_owned()),
        _ => None,
    }
}

/// The pairs of a scope.
pub(super) fn pairs_response(
    log: &DecisionLog,
    realm: &str,
    scope: &DecisionScope,
    now: KerberosTime,
) -> PairsResponse {
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
