//! Fields of an enrolment: the pod that asked, and the credentials that it received.

use crate::fields::exchange::issued_fields;
use crate::line::{Fields, Line};
use kennel_core::enrolment::{EnrolmentEvent, EnrolmentOutcome, GrantedKeys};

impl Fields for EnrolmentEvent {
    fn write(&self, line: &mut Line<'_>) {
        line.word("time", self.time.to_rfc3339());
        line.word("exchange", "enrolment");
        line.word("outcome", self.outcome.name());
        if let Some(client) = &self.client {
            line.text("client", client);
        }
        if let Some(account) = &self.account {
            line.text("account", account);
        }
        if let Some(pod) = &self.pod {
            line.text("pod", pod);
            line.text("pod_uid", &pod.uid);
        }
        line.word("peer", self.peer);
        match &self.outcome {
            EnrolmentOutcome::Granted(granted) => {
                let kvnos = |entry: &GrantedKeys| entry.kvnos.iter().map(u32::to_string).collect::<Vec<_>>().join("+");
                let keys = granted.keytab.iter().map(|entry| format!("{} {}", entry.principal, kvnos(entry)));
                line.names("keytab", keys.collect::<Vec<_>>().join(", "));
                if let Some(issued) = &granted.ticket {
                    issued_fields(line, issued);
                }
            }
            EnrolmentOutcome::Refused { refusal, ticket } => {
                line.word("reason", refusal.name());
                line.text("text", refusal.text());
                line.bare("status", refusal.status());
                if let Some(ticket) = ticket {
                    line.word("ticket_reason", ticket.name());
                    line.text("ticket_text", ticket.text());
                }
            }
        }
    }
}
