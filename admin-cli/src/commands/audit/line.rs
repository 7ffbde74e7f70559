//! A decision as a line for people.

use crate::output::{Colors, plain};
use kennel_wire::admin::{DecisionOutcome, DecisionRecord};

/// One line: time, outcome, client and server, what allowed it or why not, and where it came from.
pub(super) fn text(decision: &DecisionRecord, colors: Colors) -> String {
    let unknown = |name: &Option<String>| plain(name.as_deref().unwrap_or("(unknown)")).into_owned();
    let outcome = format!("{:9}", word(decision.outcome));
    let outcome = match decision.outcome {
        DecisionOutcome::Allowed => colors.good(&outcome),
        DecisionOutcome::WouldDeny => colors.caution(&outcome),
        DecisionOutcome::Denied | DecisionOutcome::Refused => colors.bad(&outcome),
    };
    let (client, server) = (unknown(&decision.client), unknown(&decision.server));
    let mut line = format!("{} {outcome} {client} -> {server}", time(&decision.time));
    if let Some(access) = &decision.access {
        line += &format!(", by KerberosAccess {}", plain(access));
    }
    match (&decision.message, &decision.reason) {
        (Some(message), _) => line += &format!(": {}", plain(message)),
        (None, Some(reason)) => line += &format!(": {}", plain(reason)),
        (None, None) => {}
    }
    let pod = decision.pod.as_deref().map(|pod| format!("pod {}, ", plain(pod))).unwrap_or_default();
    line + &format!(" ({pod}{})\n", plain(&decision.peer))
}

fn word(outcome: DecisionOutcome) -> &'static str {
    match outcome {
        DecisionOutcome::Allowed => "allowed",
        DecisionOutcome::WouldDeny => "observed",
        DecisionOutcome::Denied => "DENIED",
        DecisionOutcome::Refused => "refused",
    }
}

/// `2026-11-26T14:00:00.000007Z` to the second; a line for people needs no more.
fn time(text: &str) -> String {
    let whole = text.split_once('.').map_or_else(|| text.to_owned(), |(seconds, _)| format!("{seconds}Z"));
    plain(&whole).into_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use kennel_wire::admin::AccountRef;

    pub(crate) fn denied() -> DecisionRecord {
        let account = |name: &str| Some(AccountRef { namespace: "shop".into(), name: name.into() });
        DecisionRecord {
            sequence: 7,
            time: "2026-11-26T14:00:00.000007Z".into(),
            exchange: "TGS".into(),
            client: Some("batch.shop@R".into()),
            client_account: account("batch"),
            pod: Some("shop/batch-1".into()),
            server: Some("HTTP/web.shop.svc.cluster.local@R".into()),
            server_account: account("web"),
            service_class: Some("HTTP".into()),
            outcome: DecisionOutcome::Denied,
            access: None,
            reason: Some("NoAccess".into()),
            message: Some("no KerberosAccess in shop allows batch.shop to call web".into()),
            peer: "10.0.0.1:4711".into(),
            ticket_end: None,
        }
    }

    #[test]
    fn a_denial_says_who_asked_for_what_and_what_is_missing() {
        let line = text(&denied(), Colors::none());
        let said = "2026-11-26T14:00:00Z DENIED    batch.shop@R -> HTTP/web.shop.svc.cluster.local@R: no KerberosAccess in \
                    shop allows batch.shop to call web (pod shop/batch-1, 10.0.0.1:4711)\n";
        assert_eq!(line, said);
    }

    #[test]
    fn a_ticket_names_the_object_that_allows_it_and_a_stranger_commands_no_terminal() {
        let allowed = DecisionRecord {
            outcome: DecisionOutcome::Allowed,
            access: Some("shop/web".into()),
            client: Some("x\x1b[2J@R".into()),
            pod: None,
            reason: None,
            message: None,
            ..denied()
        };
        let line = text(&allowed, Colors::none());
        assert!(
            line.contains("allowed   x\\u{1b}[2J@R -> HTTP") && line.contains(", by KerberosAccess shop/web (10"),
            "{line}"
        );
    }
}
