//! The decision on an [`AccessIndex`]: grants add up, the longest one wins, and the client's own `calls` may veto it.

use crate::access::denial::{AccessDenial, ClientWords, ServerWords};
use crate::access::index::{AccessIndex, AccountId, Caller, Grant, ServerId, ServiceClass};
use crate::access::table::{AccessMode, ServerKey, UnmanagedServices};
use crate::access::{AccessClient, AccessDecision, AccessPath, AccessPolicy, AccessRequest};
use crate::name_digest::NameDigest;
use crate::principal::Origin;
use kennel_wire::message::{KerberosTime, Principal};
use std::sync::Arc;

impl AccessPolicy for AccessIndex {
    fn decide(&self, request: &AccessRequest<'_>) -> AccessDecision {
        let record = &request.server.record;
        self.judge(&Question {
            client: request.client.principal(),
            client_origin: request.client.origin(),
            client_digest: match request.client {
                AccessClient::Own(entry) => Some(entry.digest()),
                AccessClient::Foreign(_) => None,
            },
            service: &record.principal,
            service_origin: record.origin,
            service_digest: request.server.digest(),
            path: request.path,
            now: request.now,
        })
    }

    fn index(&self) -> Option<&AccessIndex> {
        Some(self)
    }
}

/// An [`AccessRequest`] whose client and server are names, with their digests.
pub(super) struct Question<'a> {
    pub(super) client: &'a Principal,
    pub(super) client_origin: Option<Origin>,
    pub(super) client_digest: Option<NameDigest>,
    pub(super) service: &'a Principal,
    pub(super) service_origin: Origin,
    pub(super) service_digest: NameDigest,
    pub(super) path: AccessPath,
    pub(super) now: KerberosTime,
}

impl AccessIndex {
    pub(super) fn judge(&self, question: &Question<'_>) -> AccessDecision {
        let Question { client, client_origin, client_digest, service, service_origin, service_digest, path, now } =
            *question;
        if service.name.krbtgt_realm().is_some() {
            // Whom a client may call is decided once it asks for that server's ticket.
            return AccessDecision::ALLOW;
        }
        if is_kadmin(service) {
            return self.kadmin(service, path);
        }
        if service_origin == Origin::Manual {
            return self.unmanaged(client, service);
        }
        // Both look-ups stand side by side, so that neither waits for the memory that the other one reads.
        let (server, caller) =
            (self.server(service, service_digest), self.caller(client, client_origin, client_digest));
        let Some(server) = server else {
            return AccessDecision::Deny(AccessDenial::not_programmed(&self.words(service)));
        };
        let asked = Asked { caller, server, class: ServiceClass::of_principal(service), now };
        self.managed(&asked, client)
    }
}

/// A question about a server of the index.
pub(super) struct Asked<'a> {
    pub(super) caller: Caller,
    pub(super) server: ServerId,
    pub(super) class: ServiceClass<'a>,
    pub(super) now: KerberosTime,
}

/// What is missing for a ticket.
enum Missing<'a> {
    Access,
    /// The client's account takes no part.
    Client,
    /// The grant that ended last.
    Expired(&'a Grant, KerberosTime),
    /// A grant for other classes.
    Class(&'a Grant),
    /// `required`: the account has no `calls`, and the realm wants some.
    Consent {
        account: AccountId,
        required: bool,
    },
}

impl AccessIndex {
    /// Decides about a server of the index.
    pub(super) fn managed(&self, asked: &Asked<'_>, client: &Principal) -> AccessDecision {
        let missing = match self.best_grant(asked) {
            Ok(grant) => match self.missing_consent(asked) {
                None => return AccessDecision::Allow { by: Some(Arc::clone(&grant.by)), until: grant.not_after() },
                Some(missing) => missing,
            },
            Err(missing) => missing,
        };
        let denial = self.denial(&missing, asked, client);
        match self.mode(asked.server) {
            AccessMode::Enforce => AccessDecision::Deny(denial),
            AccessMode::Observe => AccessDecision::Observe(denial),
        }
    }

    /// The grant that ends last of those that apply.
    fn best_grant<'a>(&'a self, asked: &Asked<'_>) -> Result<&'a Grant, Missing<'a>> {
        let mut best: Option<&Grant> = None;
        let mut missing = if asked.caller.is_left_out { Missing::Client } else { Missing::Access };
        for peer in asked.caller.ways() {
            for grant in self.grants(asked.server, peer) {
                if !grant.is_in_force(asked.now) {
                    missing = missing.or_expired(grant, asked.class);
                } else if !grant.covers(asked.class) {
                    missing = missing.or_class(grant);
                } else {
                    // The others of this peer end no later.
                    best = Some(best.filter(|best| best.end() >= grant.end()).unwrap_or(grant));
                    break;
                }
            }
        }
        best.ok_or(missing)
    }

    /// Whether the account of the client lets it call the server at all.
    fn missing_consent(&self, asked: &Asked<'_>) -> Option<Missing<'_>> {
        let account = asked.caller.account?;
        match self.calls(account) {
            Some(calls) if calls.binary_search(&asked.server).is_ok() => None,
            Some(_) => Some(Missing::Consent { account, required: false }),
            None if self.client_consent_required && !self.are_neighbours(account, asked.server) => {
                Some(Missing::Consent { account, required: true })
            }
            None => None,
        }
    }

    fn denial(&self, missing: &Missing<'_>, asked: &Asked<'_>, client: &Principal) -> AccessDenial {
        let client = self.words(client);
        let words = |(namespace, name)| ServerWords { namespace, name };
        let server = words(self.server_parts(asked.server));
        match *missing {
            Missing::Access => AccessDenial::no_access(client, server),
            Missing::Client => AccessDenial::client_left_out(client),
            Missing::Expired(grant, until) => AccessDenial::expired(&grant.by, until, client, server),
            Missing::Class(grant) => AccessDenial::service_class(&grant.by, asked.class, client, server),
            Missing::Consent { account, required } => {
                AccessDenial::client_consent(words(self.account_parts(account)), server, required)
            }
        }
    }

    /// The tickets of kadmin are its own matter: they come by AS, as its protocol wants them, and by nothing else.
    fn kadmin(&self, service: &Principal, path: AccessPath) -> AccessDecision {
        match path {
            AccessPath::As => AccessDecision::ALLOW,
            _ => AccessDecision::Deny(AccessDenial::kadmin_by_tgs(self.words(service))),
        }
    }

    /// Decides about a service that was made by hand.
    fn unmanaged(&self, client: &Principal, service: &Principal) -> AccessDecision {
        match self.unmanaged_services {
            UnmanagedServices::AllowRealm if *client.realm == *self.realm => AccessDecision::ALLOW,
            rule => {
                let denied = rule == UnmanagedServices::Deny;
                AccessDecision::Deny(AccessDenial::unmanaged(self.words(service), denied))
            }
        }
    }

    /// The denial for a server by its account that is not in the index.
    pub(super) fn unknown_server(&self, key: &ServerKey) -> AccessDecision {
        AccessDecision::Deny(AccessDenial::not_programmed(key))
    }

    fn words<'a>(&'a self, principal: &'a Principal) -> ClientWords<'a> {
        ClientWords { client: principal, realm: &self.realm }
    }
}

impl<'a> Missing<'a> {
    /// Prefers the grant of the right class that ended last to whatever else is missing.
    fn or_expired(self, grant: &'a Grant, class: ServiceClass<'_>) -> Missing<'a> {
        let Some(ended) = grant.not_after().filter(|_| grant.covers(class)) else { return self };
        match self {
            Missing::Expired(_, last) if last >= ended => self,
            _ => Missing::Expired(grant, ended),
        }
    }

    fn or_class(self, grant: &'a Grant) -> Missing<'a> {
        if matches!(self, Missing::Access) { Missing::Class(grant) } else { self }
    }
}

/// Whether tickets for a service are kadmin's own matter.
fn is_kadmin(service: &Principal) -> bool {
    matches!(service.name.components.as_slice(), [class, _, ..] if class == "kadmin")
}
