//! Fields of a request to the KDC: client, server and decision.

use crate::line::{Fields, Line};
use kennel_core::access::denial::AccessDenial;
use kennel_core::event::{Decision, Event, Exchange, IssuedTicket};
use kennel_core::refusal::Refusal;

impl Fields for Event {
    fn write(&self, line: &mut Line<'_>) {
        line.word("time", self.time.to_rfc3339());
        line.word("exchange", self.exchange.name());
        line.word("outcome", self.outcome.name());
        if let Some(client) = &self.client {
            line.text("client", client);
        }
        if let Some(server) = &self.server {
            line.text("server", server);
        }
        if let Some(pod) = &self.pod {
            line.text("pod", pod);
            line.text("pod_uid", &pod.uid);
        }
        if let Some(armor) = &self.armor {
            line.text("armor", armor);
        }
        line.word("peer", self.peer);
        match &self.outcome {
            Decision::Issued(issued) => issued_fields(line, issued),
            Decision::PreauthRequired => {}
            Decision::Refused { refusal, code, denial } => {
                match denial {
                    None => reason_fields(line, *refusal),
                    Some(denial) => {
                        line.word("reason", refusal.name());
                        denial_fields(line, denial);
                    }
                }
                line.bare("code", code.0);
            }
            Decision::Dropped(refusal) => reason_fields(line, *refusal),
        }
        if self.exchange != Exchange::Unreadable {
            line.flags("options", &self.options);
            line.enctypes("offered", &self.offered);
        }
    }
}

pub(super) fn issued_fields(line: &mut Line<'_>, issued: &IssuedTicket) {
    line.flags("flags", &issued.ticket_flags);
    line.word("ticket_enctype", issued.ticket_enctype);
    line.word("session_enctype", issued.session_enctype);
    line.word("reply_enctype", issued.reply_enctype);
    if let Some(kvno) = issued.kvno {
        line.bare("kvno", kvno);
    }
    line.word("authtime", issued.authtime.to_rfc3339());
    line.word("starttime", issued.starttime.to_rfc3339());
    line.word("endtime", issued.endtime.to_rfc3339());
    if let Some(renew_till) = issued.renew_till {
        line.word("renew_till", renew_till.to_rfc3339());
    }
    line.bare("referral", issued.referral);
    line.bare("user_to_user", issued.user_to_user);
    if let Some(access) = &issued.allowed_by {
        line.text("allowed_by", access);
    }
    line.bare("would_deny", issued.would_deny.is_some());
    if let Some(denial) = &issued.would_deny {
        denial_fields(line, denial);
    }
}

/// What access is missing, in place of the general words of the refusal.
fn denial_fields(line: &mut Line<'_>, denial: &AccessDenial) {
    line.word("denial", denial.reason.name());
    line.text("text", denial);
}

pub(super) fn reason_fields(line: &mut Line<'_>, refusal: Refusal) {
    line.word("reason", refusal.name());
    line.text("text", refusal.text());
}
