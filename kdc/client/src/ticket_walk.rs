//! As many TGS exchanges as a service ticket needs: across realms by cross-realm tickets (RFC 4120, section 3.3.1)
//! and by referrals (RFC 6806, section 8). Still no IO: the caller moves the octets.

use crate::credentials::Credential;
use crate::error::ClientError;
use crate::fault::{MAX_HOPS, WalkFault};
use crate::tgs_exchange::{TgsExchange, TgsRequest};
use kennel_wire::message::{KdcOptions, Principal, PrincipalName, Timestamp};
use rand_core::CryptoRngCore;

/// Next step of the caller.
#[derive(Debug)]
pub enum WalkStep {
    /// Send these octets to a KDC of `realm` and hand in the answer.
    Send {
        /// The realm that is asked.
        realm: String,
        /// The request.
        request: Vec<u8>,
    },
    /// The walk is complete.
    Done(Box<Credential>),
}

/// A walk under way.
#[derive(Debug)]
pub struct TicketWalk {
    request: TgsRequest,
    tgt: Credential,
    /// Realms that were asked, in order; the last one is being asked.
    asked: Vec<String>,
    exchange: TgsExchange,
}

impl TicketWalk {
    /// Starts towards `request.server` with `tgt`, a TGT of any realm; returns the realm to ask and the request. `now`
    /// is the KDC's time.
    ///
    /// # Errors
    /// [`ClientError::NotATgt`].
    pub fn begin(
        tgt: &Credential,
        request: TgsRequest,
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(TicketWalk, WalkStep), ClientError> {
        let realm = tgt.tgs_realm()?.to_owned();
        let (exchange, message) = TgsExchange::begin(tgt, &next_request(&request, &realm), now, rng);
        let walk = TicketWalk { request, tgt: tgt.clone(), asked: vec![realm.clone()], exchange };
        Ok((walk, WalkStep::Send { realm, request: message }))
    }

    /// Processes an answer.
    ///
    /// # Errors
    /// Those of [`TgsExchange::receive`], and [`ClientError::Walk`].
    pub fn receive(
        &mut self,
        answer: &[u8],
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<WalkStep, ClientError> {
        let credential = self.exchange.receive(answer)?;
        let Some(realm) = self.referred_to(&credential)? else { return Ok(WalkStep::Done(Box::new(credential))) };
        if self.request.server.realm == self.here() {
            // The realm that was named for the server says that the server is elsewhere.
            self.request.server.realm.clone_from(&realm);
        }
        self.asked.push(realm.clone());
        self.tgt = credential;
        let (exchange, message) = TgsExchange::begin(&self.tgt, &next_request(&self.request, &realm), now, rng);
        self.exchange = exchange;
        Ok(WalkStep::Send { realm, request: message })
    }

    /// The realm to ask next, or `None` where `credential` is the ticket that the walk is for.
    fn referred_to(&self, credential: &Credential) -> Result<Option<String>, WalkFault> {
        let (asked, given) = (&self.request.server, &credential.server.name);
        let arrived = asked.realm == self.here();
        // Where a TGT was wanted, a stand-in is for the caller to use.
        if arrived && (*given == asked.name || is_tgt(&asked.name)) {
            return Ok(None);
        }
        let realm = match given.krbtgt_realm() {
            Some(realm) => realm,
            // The server under its canonical name.
            None if arrived => return Ok(None),
            None => return Err(WalkFault::DeadEnd(self.here().to_owned())),
        };
        if realm == self.here() {
            return Err(WalkFault::DeadEnd(self.here().to_owned()));
        }
        if self.asked.iter().any(|asked| asked == realm) {
            return Err(WalkFault::Loop(self.here().to_owned()));
        }
        if self.asked.len() > MAX_HOPS {
            return Err(WalkFault::TooLong);
        }
        Ok(Some(realm.to_owned()))
    }

    fn here(&self) -> &str {
        self.asked.last().map_or("", String::as_str)
    }
}

fn is_tgt(name: &PrincipalName) -> bool {
    name.krbtgt_realm().is_some()
}

/// Builds the request for `realm`: for the server itself where the server is of this realm, else for a ticket towards its
/// realm. The caller's options bind only the last ticket; tickets on the way ask for the longest life, and for the flags
/// that the last ticket can only inherit from them.
fn next_request(request: &TgsRequest, realm: &str) -> TgsRequest {
    if request.server.realm == realm {
        return request.clone();
    }
    let kept = KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE | KdcOptions::CANONICALIZE;
    let mut towards =
        TgsRequest::with_flags(Principal::krbtgt(&request.server.realm, realm), request.options.flags & kept);
    towards.options.enctypes.clone_from(&request.options.enctypes);
    towards
}

#[cfg(test)]
#[path = "ticket_walk_tests.rs"]
mod tests;
