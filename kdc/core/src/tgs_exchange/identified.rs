//! A TGS request whose client and server may take part: what their records and the presented ticket say of the options,
//! and then the access decision.

use crate::access::denial::AccessDenial;
use crate::access::{AccessClient, AccessPath, AccessRequest};
use crate::auth_indicator;
use crate::checks;
use crate::context::Context;
use crate::entry::Entry;
use crate::principal::Attributes;
use crate::refusal::Refusal;
use crate::rules::{AccessGranted, Rules};
use crate::tgs_exchange::verified::{ServerMatch, VerifiedTgsRequest};
use kennel_wire::message::{KdcOptions, KerberosTime, TicketFlags};

/// Client and server may take part.
pub(crate) struct IdentifiedTgsRequest<'a> {
    pub(crate) verified: &'a VerifiedTgsRequest,
    pub(crate) rules: &'a Rules,
    /// The client, where it is one of this realm.
    pub(crate) client: Option<&'a Entry>,
    pub(crate) server: &'a Entry,
    pub(crate) matched: ServerMatch,
}

impl<'a> IdentifiedTgsRequest<'a> {
    pub(crate) fn new(
        verified: &'a VerifiedTgsRequest,
        client: Option<&'a Entry>,
        server: &'a Entry,
        matched: ServerMatch,
        rules: &'a Rules,
        context: &Context,
    ) -> Result<IdentifiedTgsRequest<'a>, Refusal> {
        let identified = IdentifiedTgsRequest { verified, rules, client, server, matched };
        identified.check_client(context.now.time)?;
        identified.check_options()?;
        identified.check_server(context.now.time)?;
        Ok(identified)
    }

    /// Asks for the access decision.
    pub(crate) fn decide_access(&self, context: &Context) -> Result<AccessGranted, AccessDenial> {
        let foreign;
        let client = match self.client {
            Some(client) => AccessClient::Own(client),
            None => {
                foreign = self.verified.presented.client();
                AccessClient::Foreign(&foreign)
            }
        };
        self.rules.decide_access(&AccessRequest {
            client,
            server: self.server,
            path: self.path(),
            now: context.now.time,
        })
    }

    /// A ticket is valid only as long as its account is: disabled, expired, deleted and replaced accounts get no tickets for
    /// their old TGTs, and neither does whoever holds a ticket from before a change of password.
    fn check_client(&self, now: KerberosTime) -> Result<(), Refusal> {
        let Some(client) = self.client else { return Ok(()) };
        checks::client(&client.record, now)?;
        let presented = &self.verified.presented;
        if !presented.is_of(&client.record.principal) {
            return Err(Refusal::TicketRevoked);
        }
        checks::authenticated_since(&client.record, presented.part.authtime, &self.rules.realm)
    }

    /// Checks that the presented ticket permits the requested options (RFC 4120, section 3.3.3). FORWARDABLE and PROXIABLE are no
    /// reason to refuse: the new ticket is without them where the presented one is (`issue`).
    fn check_options(&self) -> Result<(), Refusal> {
        const NEEDS: [(KdcOptions, TicketFlags, Refusal); 5] = [
            (KdcOptions::FORWARDED, TicketFlags::FORWARDABLE, Refusal::TgtNotForwardable),
            (KdcOptions::PROXY, TicketFlags::PROXIABLE, Refusal::TgtNotProxiable),
            (
                KdcOptions::ALLOW_POSTDATE.union(KdcOptions::POSTDATED),
                TicketFlags::MAY_POSTDATE,
                Refusal::TgtNotPostdatable,
            ),
            (KdcOptions::RENEW, TicketFlags::RENEWABLE, Refusal::TicketNotRenewable),
            (KdcOptions::VALIDATE, TicketFlags::INVALID, Refusal::TicketNotInvalid),
        ];
        let (request, presented) = (&self.verified.request, &self.verified.presented);
        let options = request.body.options;
        for (asking, needed, refusal) in NEEDS {
            if options.intersects(asking) && !presented.has(needed) {
                return Err(refusal);
            }
        }
        if options.contains(KdcOptions::PROXY) && self.server.record.principal.name.krbtgt_realm().is_some() {
            return Err(Refusal::ProxyOfTgt);
        }
        if options.intersects(KdcOptions::RENEW | KdcOptions::VALIDATE) {
            let presented_for = self.verified.ticket_server.as_ref().map(|s| &s.record.principal);
            if self.matched == ServerMatch::Referral || presented_for != Some(&self.server.record.principal) {
                return Err(Refusal::TicketServerMismatch);
            }
        }
        Ok(())
    }

    fn check_server(&self, now: KerberosTime) -> Result<(), Refusal> {
        checks::server(&self.server.record, now)?;
        let has = |attribute| self.server.record.attributes.contains(attribute);
        match &self.verified.second {
            Some(_) if has(Attributes::DISALLOW_DUP_SKEY) => return Err(Refusal::ServerRefusesUserToUser),
            Some(second) => second.is_of(self.server, &self.rules.realm)?,
            None => checks::service(self.server)?,
        }
        if has(Attributes::DISALLOW_TGT_BASED) {
            return Err(Refusal::ServerRefusesTgtBased);
        }
        let preauthenticated = self.verified.presented.has(TicketFlags::PRE_AUTHENT);
        if has(Attributes::REQUIRE_PREAUTH_OF_CLIENTS) && !preauthenticated {
            return Err(Refusal::ServerRequiresPreauth);
        }
        auth_indicator::check_required(&self.server.record, &self.verified.presented.indicators)
    }

    fn path(&self) -> AccessPath {
        let options = self.verified.request.body.options;
        let foreign_tgs = |realm: &str| realm != self.rules.realm.name;
        if self.verified.second.is_some() {
            AccessPath::UserToUser
        } else if options.contains(KdcOptions::RENEW) {
            AccessPath::Renew
        } else if options.contains(KdcOptions::VALIDATE) {
            AccessPath::Validate
        } else if options.intersects(KdcOptions::FORWARDED | KdcOptions::PROXY) {
            AccessPath::Delegate
        } else if self.server.record.principal.name.krbtgt_realm().is_some_and(foreign_tgs) {
            AccessPath::Referral
        } else {
            AccessPath::Tgs
        }
    }
}
