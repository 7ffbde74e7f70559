//! The end of a request: the reply and the event, and the form that fits a datagram.

use crate::event::{Decision, Event};
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

impl Outcome {
    /// Fits the outcome into a datagram of `limit` octets. A longer reply becomes KRB_ERR_RESPONSE_TOO_BIG, in the event
    /// as well, and the client repeats its request over TCP.
    #[must_use]
    pub fn fit_datagram(mut self, limit: usize, realm: &Realm, now: Timestamp) -> Outcome {
        if self.reply.as_ref().is_none_or(|reply| reply.len() <= limit) {
            return self;
        }
        let too_big = |client, server| krb_error(ErrorCode::RESPONSE_TOO_BIG, now, realm, client, server).encode();
        let mut reply = too_big(self.event.client.as_ref(), self.event.server.as_ref());
        if reply.len() > limit {
            // The names of the request are that long: the answer is short without them.
            reply = too_big(None, None);
        }
        let refusal = Refusal::ResponseTooBig;
        self.event.outcome = Decision::Refused { refusal, code: refusal.code() };
        self.reply = Some(reply);
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
