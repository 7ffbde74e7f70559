//! Checks that a reply must pass (RFC 4120, sections 3.1.5 and 3.3.4).
//!
//! Everything that is checked here was decrypted under a key that only the KDC and this client hold, or is compared
//! with such a value. Names outside the encrypted part of a reply are not trusted by themselves.

use crate::error::ClientError;
use crate::fault::ReplyFault;
use crate::sealing::key_from_wire;
use crate::time::DEFAULT_MAX_SKEW;
use kennel_crypto::Key;
use kennel_wire::message::{
    EncKdcRepPart, HostAddress, KdcOptions, KdcRep, KdcReqBody, KerberosTime, MessageType, NameType, Principal,
    PrincipalName,
};

/// What a client expects of a reply.
pub(crate) struct ExpectedReply<'a> {
    /// Kind of the request.
    pub(crate) answers: MessageType,
    /// The client that asked.
    pub(crate) client: &'a Principal,
    /// Body of the request.
    pub(crate) body: &'a KdcReqBody,
    /// The addresses that the ticket must be bound to; empty: to none.
    pub(crate) addresses: &'a [HostAddress],
    /// Whether the ticket takes the addresses of the presented one: then MIT's KDC leaves them out of the reply.
    pub(crate) inherits_addresses: bool,
    /// The KDC's time; `None` where the reply itself states the time.
    pub(crate) now: Option<KerberosTime>,
}

impl ExpectedReply<'_> {
    /// Checks a reply whose encrypted part was opened; returns the session key.
    pub(crate) fn check(&self, rep: &KdcRep, enc: &EncKdcRepPart) -> Result<Key, ClientError> {
        if rep.answers != self.answers {
            return Err(ReplyFault::WrongMessage.into());
        }
        if enc.nonce.value() != self.body.nonce.value() {
            return Err(ReplyFault::Nonce.into());
        }
        self.client(rep)?;
        self.server(rep, enc)?;
        self.times(enc)?;
        self.addresses(enc)?;
        self.session_key(enc)
    }

    /// The client is the one that asked; an AS may canonicalize its name on request (RFC 6806, section 6), within the
    /// realm. A TGS never may.
    fn client(&self, rep: &KdcRep) -> Result<(), ReplyFault> {
        let renamed = rep.cname != self.client.name;
        let may_rename = self.answers == MessageType::AsReq
            && (self.canonicalize() || self.client.name.name_type == NameType::ENTERPRISE);
        if rep.crealm != self.client.realm || (renamed && !may_rename) {
            return Err(ReplyFault::Client);
        }
        Ok(())
    }

    /// Ticket and encrypted part agree; the server is the one that was asked for or a permitted stand-in.
    fn server(&self, rep: &KdcRep, enc: &EncKdcRepPart) -> Result<(), ReplyFault> {
        if enc.sname != rep.ticket.sname || enc.srealm != rep.ticket.realm || enc.srealm != self.body.realm {
            return Err(ReplyFault::Server);
        }
        match &self.body.sname {
            Some(asked) if *asked == enc.sname || self.may_stand_in(asked, &enc.sname) => Ok(()),
            _ => Err(ReplyFault::Server),
        }
    }

    /// A TGS may always answer a request for a cross-realm ticket with one for a realm on the way (RFC 4120, section
    /// 3.3.1). On request, any KDC may use the canonical name, and a TGS may refer the client (RFC 6806, sections 7 and 8).
    /// No AS may return a TGT in place of a service ticket, or the reverse.
    fn may_stand_in(&self, asked: &PrincipalName, given: &PrincipalName) -> bool {
        let (asked_tgt, given_tgt) = (asked.krbtgt_realm().is_some(), given.krbtgt_realm().is_some());
        match self.answers {
            MessageType::TgsReq => (asked_tgt && given_tgt) || (self.canonicalize() && !asked_tgt),
            MessageType::AsReq => self.canonicalize() && asked_tgt == given_tgt,
        }
    }

    fn canonicalize(&self) -> bool {
        self.body.options.contains(KdcOptions::CANONICALIZE)
    }

    fn times(&self, enc: &EncKdcRepPart) -> Result<(), ReplyFault> {
        let (body, options) = (self.body, self.body.options);
        let start = enc.starttime.unwrap_or(enc.authtime);
        match (body.from, self.now) {
            (Some(from), _) if options.contains(KdcOptions::POSTDATED) && start != from => Err(ReplyFault::StartTime),
            (None, Some(now)) if start > now.plus(DEFAULT_MAX_SKEW) => Err(ReplyFault::StartTime),
            _ => Ok(()),
        }?;
        if enc.endtime <= start || later(enc.endtime, Some(body.till)) {
            return Err(ReplyFault::EndTime);
        }
        let renewable_until = if options.contains(KdcOptions::RENEWABLE) {
            body.rtime
        } else if options.contains(KdcOptions::RENEWABLE_OK) {
            Some(body.till)
        } else {
            None
        };
        match enc.renew_till {
            Some(renew_till) if later(renew_till, renewable_until) => Err(ReplyFault::RenewTill),
            _ => Ok(()),
        }
    }

    fn addresses(&self, enc: &EncKdcRepPart) -> Result<(), ReplyFault> {
        let given = match enc.caddr.as_deref() {
            None if self.inherits_addresses => return Ok(()),
            given => given.unwrap_or_default(),
        };
        let same = given.len() == self.addresses.len() && self.addresses.iter().all(|a| given.contains(a));
        if same { Ok(()) } else { Err(ReplyFault::Addresses) }
    }

    fn session_key(&self, enc: &EncKdcRepPart) -> Result<Key, ClientError> {
        if !self.body.etypes.contains(&enc.key.keytype) {
            return Err(ReplyFault::SessionKey.into());
        }
        key_from_wire(&enc.key).map_err(|_| ReplyFault::SessionKey.into())
    }
}

/// Whether `time` is after the limit that was asked for; the epoch asks for no limit.
fn later(time: KerberosTime, limit: Option<KerberosTime>) -> bool {
    limit.is_some_and(|limit| limit != KerberosTime::EPOCH && time > limit)
}

#[cfg(test)]
#[path = "reply_checks_tests.rs"]
mod tests;
