//! Fields of a request to change a password: who asked, for whom, and why the password stays.

use crate::line::{Fields, Line};
use kennel_core::kpasswd::event::{PasswordEvent, PasswordOutcome};

impl Fields for PasswordEvent {
    fn write(&self, line: &mut Line<'_>) {
        line.word("time", self.time.to_rfc3339());
        line.word("exchange", "kpasswd");
        line.word("outcome", self.outcome.name());
        if let Some(client) = &self.client {
            line.text("client", client);
        }
        if let Some(target) = &self.target {
            line.text("target", target);
        }
        line.word("peer", self.peer);
        if let PasswordOutcome::Refused(refusal) = &self.outcome {
            line.word("reason", refusal.name());
            line.text("text", self.outcome.text());
            line.bare("result", self.outcome.result() as u16);
        }
    }
}
