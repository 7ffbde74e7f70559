//! The facts of one request while it is decided. Every end of a request passes through here, so that each request has
//! exactly one event and each refusal its KRB-ERROR.

use crate::access::denial::AccessDenial;
use crate::event::{Decision, Event, Exchange, IssuedTicket};
use crate::outcome::{Outcome, krb_error};
use crate::pods::PodRef;
use crate::preauth::fast::Armor;
use crate::realm::Realm;
use crate::refusal::Refusal;
use kennel_wire::message::{ErrorCode, KdcOptions, KdcReqBody, KrbError, PaData, Principal, Timestamp};
use rand_core::CryptoRngCore;
use std::net::SocketAddr;

/// Most enctypes of a request that its event names: a request may list many more.
const MAX_OFFERED: usize = 64;

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
    /// The armor that the request came in (FAST): what it is answered goes back inside.
    pub(crate) armor: Option<Box<Armor>>,
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

/// A refusal, ready to be sent.
struct Refused {
    error: KrbError,
    methods: Option<Vec<PaData>>,
    decision: Decision,
}

impl ErrorReply {
    /// Adds an element to METHOD-DATA; an error without METHOD-DATA ends the conversation, and stays as it is.
    pub(crate) fn with_method(mut self, method: PaData) -> ErrorReply {
        if let ErrorReply::WithMethods(_, methods) | ErrorReply::PreauthRequired(methods) = &mut self {
            methods.push(method);
        }
        self
    }

    /// Whether the client is to ask again.
    pub(crate) fn has_methods(&self) -> bool {
        matches!(self, ErrorReply::WithMethods(..) | ErrorReply::PreauthRequired(_))
    }
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
            armor: None,
        }
    }

    /// Notes what a request asks for: of an armored request the one inside, once it is open.
    pub(crate) fn asks(&mut self, body: &KdcReqBody) {
        self.options = body.options;
        self.offered = body.etypes.iter().take(MAX_OFFERED).copied().collect();
    }

    /// Ends with a ticket.
    pub(crate) fn issued(self, reply: Vec<u8>, issued: IssuedTicket) -> Outcome {
        Outcome { reply: Some(reply), event: self.event(Decision::Issued(issued)) }
    }

    /// Ends without an answer.
    pub(crate) fn dropped(self, refusal: Refusal) -> Outcome {
        Outcome { reply: None, event: self.event(Decision::Dropped(refusal)) }
    }

    /// Ends with a KRB-ERROR in clear text.
    pub(crate) fn refused(self, refused: ErrorReply, realm: &Realm) -> Outcome {
        let Refused { mut error, methods, decision } = self.refuse(refused, realm);
        error.e_data = methods.map(|methods| PaData::encode_all(&methods));
        Outcome { reply: Some(error.encode()), event: self.event(decision) }
    }

    /// Ends with a KRB-ERROR, inside the armor where the request came in one.
    pub(crate) fn refused_in_armor(self, refused: ErrorReply, realm: &Realm, rng: &mut dyn CryptoRngCore) -> Outcome {
        let Some(armor) = &self.armor else { return self.refused(refused, realm) };
        let Refused { error, methods, decision } = self.refuse(refused, realm);
        let outer = armor.seal_error(error, methods.unwrap_or_default(), rng);
        Outcome { reply: Some(outer.encode()), event: self.event(decision) }
    }

    fn refuse(&self, refused: ErrorReply, realm: &Realm) -> Refused {
        let with = |code, text: Option<&str>, methods, decision| {
            let mut error = self.error(code, realm);
            error.e_text = text.map(str::to_owned);
            Refused { error, methods, decision }
        };
        match refused {
            ErrorReply::For(refusal) => with(refusal.code(), Some(refusal.text()), None, Decision::refused(refusal)),
            ErrorReply::WithMethods(refusal, methods) => {
                with(refusal.code(), Some(refusal.text()), Some(methods), Decision::refused(refusal))
            }
            ErrorReply::PreauthRequired(methods) => {
                with(ErrorCode::PREAUTH_REQUIRED, None, Some(methods), Decision::PreauthRequired)
            }
            // The e-text names what is missing.
            ErrorReply::Denied(denial) => {
                let (refusal, text) = (Refusal::AccessDenied, denial.text.to_string());
                let decision = Decision::Refused { refusal, code: refusal.code(), denial: Some(denial) };
                with(refusal.code(), Some(&text), None, decision)
            }
            // `crealm` says where the client is at home.
            ErrorReply::ClientReferral(home) => {
                let decision = Decision::refused(Refusal::WrongRealm);
                let mut refused = with(ErrorCode::WRONG_REALM, None, None, decision);
                refused.error.crealm = Some(home);
                refused
            }
        }
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
            armor: self.armor.map(|armor| armor.client),
            outcome,
        }
    }
}
