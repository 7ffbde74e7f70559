//! The facts of one request while it is decided. Every end of a request passes through here, so that each request has
//! exactly one event and each refusal its KRB-ERROR.

use crate::access::denial::AccessDenial;
use crate::event::{Decision, Event, Exchange, IssuedTicket};
use crate::outcome::{Outcome, krb_error};
use crate::pods::PodRef;
use crate::realm::Realm;
use crate::refusal::Refusal;
use kennel_wire::message::{ErrorCode, KdcOptions, KrbError, PaData, Principal, Timestamp};
use std::net::SocketAddr;

/// The facts of a request, filled as they become known.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) now: Timestamp,
    pub(crate) peer: SocketAddr,
    pub(crate) exchange: Exchange,
    pub(crate) client: Option<Principal>,
    pub(crate) server: Option<Principal>,
    pub(crate) pod: Option<PodRef>,
    pub(crate) options: KdcOptions,
    pub(crate) offered: Vec<i32>,
}

/// Why there is no ticket, and what the KRB-ERROR carries beside its code.
#[derive(Debug)]
pub(crate) enum ErrorReply {
    /// A refusal.
    For(Refusal),
    /// The access decision denies the ticket.
    Denied(AccessDenial),
    /// A refusal with METHOD-DATA, so that the client can try again.
    WithMethods(Refusal, Vec<PaData>),
    /// The client must pre-authenticate.
    PreauthRequired(Vec<PaData>),
    /// The client is of another realm (RFC 6806, section 7).
    ClientReferral(String),
}

impl From<AccessDenial> for ErrorReply {
    fn from(denial: AccessDenial) -> Self {
        ErrorReply::Denied(denial)
    }
}

impl From<Refusal> for ErrorReply {
    fn from(refusal: Refusal) -> Self {
        ErrorReply::For(refusal)
    }
}

impl Context {
    pub(crate) fn new(now: Timestamp, peer: SocketAddr) -> Context {
        Context {
            now,
            peer,
            exchange: Exchange::Unreadable,
            client: None,
            server: None,
            pod: None,
            options: KdcOptions::empty(),
            offered: Vec::new(),
        }
    }

    /// Ends with a ticket.
    pub(crate) fn issued(self, reply: Vec<u8>, issued: IssuedTicket) -> Outcome {
        Outcome { reply: Some(reply), event: self.event(Decision::Issued(issued)) }
    }

    /// Ends without an answer.
    pub(crate) fn dropped(self, refusal: Refusal) -> Outcome {
        Outcome { reply: None, event: self.event(Decision::Dropped(refusal)) }
    }

    /// Ends with a KRB-ERROR.
    pub(crate) fn refused(self, refused: ErrorReply, realm: &Realm) -> Outcome {
        let (code, text, methods, decision) = match refused {
            ErrorReply::For(refusal) => (refusal.code(), Some(refusal.text()), None, Decision::refused(refusal)),
            ErrorReply::Denied(denial) => return self.denied(denial, realm),
            ErrorReply::WithMethods(refusal, methods) => {
                (refusal.code(), Some(refusal.text()), Some(methods), Decision::refused(refusal))
            }
            ErrorReply::PreauthRequired(methods) => {
                (ErrorCode::PREAUTH_REQUIRED, None, Some(methods), Decision::PreauthRequired)
            }
            ErrorReply::ClientReferral(home) => return self.client_referral(home, realm),
        };
        let mut error = self.error(code, realm);
        error.e_text = text.map(str::to_owned);
        error.e_data = methods.map(|m| PaData::encode_all(&m));
        Outcome { reply: Some(error.encode()), event: self.event(decision) }
    }

    /// KDC_ERR_POLICY whose e-text names what is missing.
    fn denied(self, denial: AccessDenial, realm: &Realm) -> Outcome {
        let refusal = Refusal::AccessDenied;
        let mut error = self.error(refusal.code(), realm);
        error.e_text = Some(denial.text.to_string());
        let decision = Decision::Refused { refusal, code: refusal.code(), denial: Some(denial) };
        Outcome { reply: Some(error.encode()), event: self.event(decision) }
    }

    /// KDC_ERR_WRONG_REALM whose `crealm` says where the client is at home.
    fn client_referral(self, home: String, realm: &Realm) -> Outcome {
        let mut error = self.error(ErrorCode::WRONG_REALM, realm);
        error.crealm = Some(home);
        Outcome { reply: Some(error.encode()), event: self.event(Decision::refused(Refusal::WrongRealm)) }
    }

    /// A KRB-ERROR with the names that the request had.
    pub(crate) fn error(&self, error_code: ErrorCode, realm: &Realm) -> KrbError {
        krb_error(error_code, self.now, realm, self.client.as_ref(), self.server.as_ref())
    }

    fn event(self, outcome: Decision) -> Event {
        Event {
            time: self.now,
            peer: self.peer,
            exchange: self.exchange,
            client: self.client,
            server: self.server,
            pod: self.pod,
            options: self.options,
            offered: self.offered,
            outcome,
        }
    }
}
