//! The event of a request: exactly one for each request, whatever its end. Audit lines and metrics are made from events.

use crate::access::denial::AccessDenial;
use crate::pods::PodRef;
use crate::refusal::Refusal;
use kennel_crypto::Enctype;
use kennel_wire::message::{ErrorCode, KdcOptions, KerberosTime, Principal, TicketFlags, Timestamp};
use std::net::SocketAddr;
use std::sync::Arc;

/// The kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exchange {
    /// A request for an initial ticket.
    As,
    /// A request that presents a ticket.
    Tgs,
    /// The bytes were no request that could be read.
    Unreadable,
}

/// The event of one request.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names of the request and of the ticket (RFC 4120, section 5.3) say it")]
pub struct Event {
    /// Time of the decision.
    pub time: Timestamp,
    /// Source address of the request.
    pub peer: SocketAddr,
    pub exchange: Exchange,
    /// The client, as far as known: asked for in AS, out of the ticket in TGS.
    pub client: Option<Principal>,
    /// The server that was asked for (canonical, once found).
    pub server: Option<Principal>,
    /// The pod that the presented ticket is bound to.
    pub pod: Option<PodRef>,
    /// Options of the request.
    pub options: KdcOptions,
    /// Enctypes that the client offered, as numbers; the first 64.
    pub offered: Vec<i32>,
    /// Where the request came armored (FAST): the client of the ticket that armors it. All else is said of the request inside.
    pub armor: Option<Principal>,
    pub outcome: Decision,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// A ticket was issued.
    Issued(IssuedTicket),
    /// KDC_ERR_PREAUTH_REQUIRED: no refusal, but the first half of every AS exchange.
    PreauthRequired,
    /// Refused, with the code that went out.
    Refused {
        /// The reason.
        refusal: Refusal,
        /// Error code of the KRB-ERROR.
        code: ErrorCode,
        /// What is missing, where the access decision denied the ticket.
        denial: Option<AccessDenial>,
    },
    /// Not answered at all: the request was itself a reply or an error.
    Dropped(Refusal),
}

/// Facts of an issued ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the request and of the ticket (RFC 4120, section 5.3) say it")]
pub struct IssuedTicket {
    pub ticket_flags: TicketFlags,
    /// Enctype of the ticket.
    pub ticket_enctype: Enctype,
    /// Enctype of the session key.
    pub session_enctype: Enctype,
    /// Enctype of the reply.
    pub reply_enctype: Enctype,
    /// Key version of the ticket.
    pub kvno: Option<u32>,
    pub authtime: KerberosTime,
    pub starttime: KerberosTime,
    pub endtime: KerberosTime,
    pub renew_till: Option<KerberosTime>,
    /// Whether a referral to another realm was issued in place of the service asked for.
    pub referral: bool,
    /// Whether the ticket is a user-to-user one.
    pub user_to_user: bool,
    /// The KerberosAccess that allows the ticket, `NAMESPACE/NAME`; `None` where no declaration is needed, and in `would_deny`.
    pub allowed_by: Option<Arc<str>>,
    /// Why `Enforce` would deny the ticket, which was issued all the same (`Observe` mode).
    pub would_deny: Option<AccessDenial>,
}

impl Exchange {
    /// A stable name for audit lines and metrics labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Exchange::As => "AS",
            Exchange::Tgs => "TGS",
            Exchange::Unreadable => "unreadable",
        }
    }
}

impl Decision {
    /// Name of [`Decision::Issued`].
    pub const ISSUED: &'static str = "issued";
    /// Name of [`Decision::Refused`].
    pub const REFUSED: &'static str = "refused";

    /// Refused for a reason other than access.
    #[must_use]
    pub const fn refused(refusal: Refusal) -> Decision {
        Decision::Refused { refusal, code: refusal.code(), denial: None }
    }

    /// A stable name for audit lines and metrics labels.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Decision::Issued(_) => Decision::ISSUED,
            Decision::PreauthRequired => "preauth-required",
            Decision::Refused { .. } => Decision::REFUSED,
            Decision::Dropped(_) => "dropped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audit_lines_and_metrics_name_each_exchange_and_each_end_as_they_always_did() {
        let exchanges = [Exchange::As, Exchange::Tgs, Exchange::Unreadable];
        assert_eq!(exchanges.map(Exchange::name), ["AS", "TGS", "unreadable"]);
        let refusal = Refusal::NotARequest;
        let ends = [Decision::PreauthRequired, Decision::refused(refusal), Decision::Dropped(refusal)];
        assert_eq!(ends.map(|end| end.name()), ["preauth-required", "refused", "dropped"]);
        assert_eq!(Decision::ISSUED, "issued");
    }
}
