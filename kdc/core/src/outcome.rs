//! The end of a request: the reply and the event, and the form that fits a datagram.

use crate::event::{Decision, Event, Exchange};
use crate::realm::Realm;
use crate::refusal::Refusal;
use kennel_wire::message::{ErrorCode, KrbError, Principal, PrincipalName, Timestamp};

/// The end of a request.
#[derive(Debug)]
pub struct Outcome {
    /// The bytes to send; `None` sends nothing (the request was itself a reply or an error).
    pub reply: Option<Vec<u8>>,
    /// The one event of the request.
    pub event: Event,
}

/// A reply in a datagram is at most so many times as long as its request. Senders can be forged: a longer reply would multiply
/// the traffic that somebody directs at another host. The replies to stock clients stay below five times.
pub const AMPLIFICATION: usize = 6;

impl Outcome {
    /// Fits the outcome into a datagram in reply to a request of `request` octets. A reply that is longer than `limit` octets, or
    /// than [`AMPLIFICATION`] times the request, becomes KRB_ERR_RESPONSE_TOO_BIG, in the event as well, and the client repeats
    /// its request over TCP. An error that says no more over TCP only loses its names. What is not a request gets no reply.
    #[must_use]
    pub fn fit_datagram(mut self, request: usize, limit: usize, realm: &Realm, now: Timestamp) -> Outcome {
        if self.event.exchange == Exchange::Unreadable {
            return self.without_reply();
        }
        let limit = limit.min(request.saturating_mul(AMPLIFICATION));
        if self.reply.as_ref().is_none_or(|reply| reply.len() <= limit) {
            return self;
        }
        if let Some(short) = self.error_without_names(realm, now).filter(|short| short.len() <= limit) {
            self.reply = Some(short);
            return self;
        }
        let too_big = |client, server| krb_error(ErrorCode::RESPONSE_TOO_BIG, now, realm, client, server).encode();
        let mut reply = match self.event.armor {
            None => too_big(self.event.client.as_ref(), self.event.server.as_ref()),
            // The names of an armored request do not leave the armor.
            Some(_) => too_big(None, None),
        };
        if reply.len() > limit {
            // The names of the request are that long: the answer is short without them.
            reply = too_big(None, None);
        }
        self.event.outcome = Decision::refused(Refusal::ResponseTooBig);
        self.reply = (reply.len() <= limit).then_some(reply);
        self
    }

    /// The error of a refusal without the names of the request; `None` for any other reply, and for an error with data.
    fn error_without_names(&self, realm: &Realm, now: Timestamp) -> Option<Vec<u8>> {
        let Decision::Refused { code, .. } = self.event.outcome else { return None };
        let error = KrbError::decode(self.reply.as_ref()?).ok().filter(|error| error.e_data.is_none())?;
        Some(KrbError { e_text: error.e_text, ..krb_error(code, now, realm, None, None) }.encode())
    }

    fn without_reply(mut self) -> Outcome {
        if let Decision::Refused { refusal, .. } = self.event.outcome {
            self.event.outcome = Decision::Dropped(refusal);
        }
        self.reply = None;
        self
    }
}

/// A KRB-ERROR of this realm about a client and a server, as far as they are known.
pub(crate) fn krb_error(
    error_code: ErrorCode,
    now: Timestamp,
    realm: &Realm,
    client: Option<&Principal>,
    server: Option<&Principal>,
) -> KrbError {
    KrbError {
        ctime: None,
        stime: now,
        error_code,
        crealm: client.map(|c| c.realm.clone()),
        cname: client.map(|c| c.name.clone()),
        realm: realm.name.clone(),
        sname: server.map_or_else(|| PrincipalName::krbtgt(&realm.name), |s| s.name.clone()),
        e_text: None,
        e_data: None,
    }
}
