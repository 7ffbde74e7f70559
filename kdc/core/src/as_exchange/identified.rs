//! An AS request whose client and server exist and may take part.

use crate::as_exchange::request::AsRequest;
use crate::checks;
use crate::context::{Context, ErrorReply};
use crate::entry::Entry;
use crate::lockout::guard::{Attempt, LockedOut};
use crate::principal::Attributes;
use crate::refusal::Refusal;
use crate::rules::Rules;
use kennel_wire::message::{KerberosTime, Timestamp};
use std::net::IpAddr;

/// Both principals are known; nobody has proved anything yet.
pub(crate) struct IdentifiedAsRequest<'a> {
    pub(crate) request: &'a AsRequest,
    pub(crate) rules: &'a Rules,
    pub(crate) client: &'a Entry,
    pub(crate) server: &'a Entry,
    pub(crate) now: Timestamp,
    /// Source address of the request.
    pub(crate) peer: IpAddr,
}

impl<'a> IdentifiedAsRequest<'a> {
    /// Checks what the records say, in the order of MIT krb5kdc, so that a client that fails in two ways gets the same error.
    pub(crate) fn new(
        request: &'a AsRequest,
        client: Option<&'a Entry>,
        server: Option<&'a Entry>,
        rules: &'a Rules,
        context: &mut Context,
    ) -> Result<IdentifiedAsRequest<'a>, ErrorReply> {
        let client = client.ok_or(Refusal::ClientUnknown)?;
        let server = server.ok_or(Refusal::ServerUnknown)?;
        context.client = Some(client.record.principal.clone());
        context.server = Some(server.record.principal.clone());
        let now = context.now;
        checks::client(&client.record, now.time)?;
        let identified = IdentifiedAsRequest { request, rules, client, server, now, peer: context.peer.ip() };
        if let Some(attempt) = identified.attempt() {
            rules.logins.admit(&attempt).map_err(|LockedOut| Refusal::ClientLockedOut)?;
        }
        password(client, server, now.time)?;
        checks::server(&server.record, now.time)?;
        checks::service(server)?;
        Ok(identified)
    }

    /// The attempt to log in, where it counts: only a policy limits attempts.
    pub(crate) fn attempt(&self) -> Option<Attempt<'a>> {
        let client = &self.client.record;
        client.policy.is_some().then_some(Attempt { client, peer: self.peer, now: self.now })
    }
}

/// A client with an expired password may only have tickets for changing it.
fn password(client: &Entry, server: &Entry, now: KerberosTime) -> Result<(), Refusal> {
    if server.record.attributes.contains(Attributes::PASSWORD_CHANGING_SERVICE) {
        return Ok(());
    }
    if client.record.attributes.contains(Attributes::PASSWORD_CHANGE_REQUIRED) {
        return Err(Refusal::PasswordChangeRequired);
    }
    match client.record.password_expires {
        Some(expires) if expires <= now => Err(Refusal::PasswordExpired),
        _ => Ok(()),
    }
}
