//! What happened: exactly one event for each request, whatever its end. Audit lines and metrics are made from it.

use crate::pods::PodRef;
use crate::refusal::Refusal;
use kennel_crypto::Enctype;
use kennel_wire::message::{ErrorCode, KdcOptions, KerberosTime, Principal, TicketFlags, Timestamp};
use std::net::SocketAddr;

/// The kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exchange {
    /// AS.
    As,
    /// TGS.
    Tgs,
    /// The bytes were no request that could be read.
    Unreadable,
}

/// The event of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Time of the decision.
    pub time: Timestamp,
    /// Source address of the request.
    pub peer: SocketAddr,
    /// AS, TGS or unreadable.
    pub exchange: Exchange,
    /// The client, as far as known: asked for in AS, out of the ticket in TGS.
    pub client: Option<Principal>,
    /// The server that was asked for (canonical, once found).
    pub server: Option<Principal>,
    /// The pod that the presented ticket is bound to.
    pub pod: Option<PodRef>,
    /// Options of the request.
    pub options: KdcOptions,
    /// Enctypes that the client offered, as numbers.
    pub offered: Vec<i32>,
    /// The end of it.
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
    },
    /// Not answered at all: it was itself a reply or an error.
    Dropped(Refusal),
}

/// What was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuedTicket {
    /// What the ticket is.
    pub ticket_flags: TicketFlags,
    /// Enctype of the ticket.
    pub ticket_enctype: Enctype,
    /// Enctype of the session key.
    pub session_enctype: Enctype,
    /// Enctype of the reply.
    pub reply_enctype: Enctype,
    /// Key version of the ticket.
    pub kvno: Option<u32>,
    /// Times of the ticket.
    pub authtime: KerberosTime,
    /// From when.
    pub starttime: KerberosTime,
    /// Until when.
    pub endtime: KerberosTime,
    /// Renewable until.
    pub renew_till: Option<KerberosTime>,
    /// Whether a referral to another realm was issued in place of the service asked for.
    pub referral: bool,
    /// Whether the ticket is a user-to-user one.
    pub user_to_user: bool,
    /// Whether the access decision observed a denial (`Observe` mode) and the ticket was issued all the same.
    pub would_deny: bool,
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
        let ends = [
            Decision::PreauthRequired,
            Decision::Refused { refusal, code: refusal.code() },
            Decision::Dropped(refusal),
        ];
        assert_eq!(ends.map(|end| end.name()), ["preauth-required", "refused", "dropped"]);
        assert_eq!(Decision::ISSUED, "issued");
    }
}
