//! Fields of an operation of administration: who asked for what of whom, which keys left, and why it was refused.

use crate::line::{Fields, Line};
use kennel_core::admin::caller::{AdminService, Caller};
use kennel_core::admin::event::AdminEvent;

impl Fields for AdminEvent {
    fn write(&self, line: &mut Line<'_>) {
        line.word("time", self.time.to_rfc3339());
        line.word("exchange", "admin");
        line.word("outcome", self.outcome());
        line.word("operation", self.operation);
        match &self.caller {
            Caller::Principal { client, service, .. } => {
                line.text("client", client);
                line.word("service", service_name(*service));
            }
            Caller::User { user, .. } => line.text("user", user),
            Caller::Local => line.word("user", "the local administrator"),
        }
        if let Some(peer) = self.caller.peer() {
            line.word("peer", peer);
        }
        if let Some(target) = &self.target {
            line.text("target", target);
        }
        if let Some(name) = &self.new_name {
            line.text("new_name", name);
        }
        match &*self.kvnos {
            [] => {}
            [one] => line.bare("kvno", one),
            several => line.word("kvno", several.iter().map(u32::to_string).collect::<Vec<_>>().join("+")),
        }
        if self.forced {
            line.bare("forced", true);
        }
        if let Some(reason) = self.refusal {
            line.word("reason", reason);
        }
    }
}

fn service_name(service: AdminService) -> &'static str {
    match service {
        AdminService::Admin => "kadmin/admin",
        AdminService::ChangePassword => "kadmin/changepw",
    }
}
