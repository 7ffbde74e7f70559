//! An AS request whose client and server exist and may take part.

use super::authenticated::Authenticated;
use super::request::AsRequest;
use crate::access::AccessPath;
use crate::checks;
use crate::context::{Context, Refused};
use crate::enctype_choice::reply_keys;
use crate::entry::{Entry, EntryKey};
use crate::kdc::Rules;
use crate::preauth::{enc_timestamp, offer};
use crate::principal::Attributes;
use crate::refusal::Refusal;
use kennel_wire::message::{KerberosTime, Timestamp, pa_type};

/// Both principals are known; nobody has proved anything yet.
pub(crate) struct Identified<'a> {
    pub(crate) request: &'a AsRequest,
    pub(crate) rules: &'a Rules,
    pub(crate) client: &'a Entry,
    pub(crate) server: &'a Entry,
    now: Timestamp,
}

impl<'a> Identified<'a> {
    /// Checks what the records say. The order is MIT's, so that a client that fails in two ways is told the same.
    pub(crate) fn new(
        request: &'a AsRequest,
        client: Option<&'a Entry>,
        server: Option<&'a Entry>,
        rules: &'a Rules,
        context: &mut Context,
    ) -> Result<Identified<'a>, Refused> {
        let client = client.ok_or(Refusal::ClientUnknown)?;
        if client.record.principal != request.client && !request.canonicalize {
            return Err(Refusal::ClientAliasWithoutCanonicalize.into());
        }
        let server = server.ok_or(Refusal::ServerUnknown)?;
        context.client = Some(client.record.principal.clone());
        context.server = Some(server.record.principal.clone());
        let now = context.now;
        checks::client(&client.record, now.time)?;
        password(client, server, now.time)?;
        checks::server(&server.record, now.time)?;
        if server.record.attributes.contains(Attributes::DISALLOW_SERVER) {
            return Err(Refusal::ServerIsNoService.into());
        }
        Ok(Identified { request, rules, client, server, now })
    }

    /// The client proves who it is, where that is asked for, and the access decision is made.
    pub(crate) fn authenticate(self) -> Result<Authenticated<'a>, Refused> {
        let keys = reply_keys(self.client, &self.request.body.etypes, &self.rules.realm);
        let strongest = keys.first().copied().ok_or(Refusal::NoClientKey)?;
        let proof = self.request.padata.iter().find(|p| p.padata_type == pa_type::ENC_TIMESTAMP);
        let (reply_key, proved) = match proof {
            Some(proof) => (self.verify(&proof.value, &keys)?, true),
            None if self.requires_preauth() => return Err(Refused::PreauthRequired(offer::methods(&keys))),
            None => (strongest, false),
        };
        let would_deny = self.rules.decide_access(&self.client.record.principal, self.server, AccessPath::As)?;
        Ok(Authenticated { identified: self, reply_key, proved, would_deny })
    }

    fn verify(&self, value: &[u8], keys: &[&EntryKey]) -> Result<&'a EntryKey, Refused> {
        let verified = enc_timestamp::verify(value, self.client, &self.rules.realm, self.now);
        verified.map_err(|refusal| match refusal {
            // The client may have used another salt: say again how its key comes from its password.
            Refusal::PreauthFailed => Refused::WithMethods(refusal, offer::methods(keys)),
            other => other.into(),
        })
    }

    fn requires_preauth(&self) -> bool {
        let exempt = self.client.record.attributes.contains(Attributes::NO_PREAUTH_REQUIRED);
        let by_server = self.server.record.attributes.contains(Attributes::REQUIRE_PREAUTH_OF_CLIENTS);
        by_server || (self.rules.realm.require_preauth && !exempt)
    }
}

/// An expired password is good for changing it and for nothing else.
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
