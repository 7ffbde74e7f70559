//! The decision on an [`AccessIndex`]: grants add up, the longest one wins, and the client's own `calls` may veto it.

use crate::access::denial::{AccessDenial, ClientWords, ServerWords};
use crate::access::index::{AccessIndex, Account, Caller, Grant, Server, ServerId, ServiceClass};
use crate::access::table::{AccessMode, ServerKey, UnmanagedServices};
use crate::access::{AccessDecision, AccessPath, AccessPolicy, AccessRequest};
use crate::principal::Origin;
use kennel_wire::message::{KerberosTime, Principal};
use std::sync::Arc;

impl AccessPolicy for AccessIndex {
    fn decide(&self, request: &AccessRequest<'_>) -> AccessDecision {
        let record = &request.server.record;
        self.judge(&Question {
            client: request.client,
            client_origin: request.client_origin,
            service: &record.principal,
            service_origin: record.origin,
            path: request.path,
            now: request.now,
        })
    }

    fn index(&self) -> Option<&AccessIndex> {
        Some(self)
    }
}

/// An [`AccessRequest`] whose server is a name.
pub(super) struct Question<'a> {
    pub(super) client: &'a Principal,
    pub(super) client_origin: Option<Origin>,
    pub(super) service: &'a Principal,
    pub(super) service_origin: Origin,
    pub(super) path: AccessPath,
    pub(super) now: KerberosTime,
}

impl AccessIndex {
    pub(super) fn judge(&self, question: &Question<'_>) -> AccessDecision {
        let Question { client, client_origin, service, service_origin, path, now } = *question;
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
        let Some((id, server)) = self.server(service) else {
            return AccessDecision::Deny(AccessDenial::not_programmed(&self.words(service)));
        };
        let caller = self.caller(client, client_origin);
        let asked = Asked { caller, id, server, class: ServiceClass::of_principal(service), now };
        self.managed(&asked, client)
    }
}

/// A question about a server of the index.
pub(super) struct Asked<'a> {
    pub(super) caller: Caller<'a>,
    pub(super) id: ServerId,
    pub(super) server: &'a Server,
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
        account: &'a Account,
        required: bool,
    },
}

impl AccessIndex {
    /// Decides about a server of the index.
    pub(super) fn managed(&self, asked: &Asked<'_>, client: &Principal) -> AccessDecision {
        let missing = match self.best_grant(asked) {
            Ok(grant) => match self.missing_consent(asked) {
                None => return AccessDecision::Allow { by: Some(Arc::clone(&grant.by)), until: grant.not_after },
                Some(missing) => missing,
            },
            Err(missing) => missing,
        };
        let denial = self.denial(&missing, asked, client);
        match asked.server.mode {
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
    fn missing_consent<'a>(&self, asked: &Asked<'a>) -> Option<Missing<'a>> {
        let account = asked.caller.account?;
        match &account.calls {
            Some(calls) if calls.binary_search(&asked.id).is_ok() => None,
            Some(_) => Some(Missing::Consent { account, required: false }),
            None if self.client_consent_required && account.namespace != asked.server.namespace => {
                Some(Missing::Consent { account, required: true })
            }
            None => None,
        }
    }

    fn denial(&self, missing: &Missing<'_>, asked: &Asked<'_>, client: &Principal) -> AccessDenial {
        let client = self.words(client);
        let server = ServerWords { namespace: self.namespace_name(asked.server.namespace), name: &asked.server.name };
        match *missing {
            Missing::Access => AccessDenial::no_access(client, server),
            Missing::Client => AccessDenial::client_left_out(client),
            Missing::Expired(grant, until) => AccessDenial::expired(&grant.by, until, client, server),
            Missing::Class(grant) => AccessDenial::service_class(&grant.by, asked.class, client, server),
            Missing::Consent { account, required } => {
                let account = ServerWords { namespace: self.namespace_name(account.namespace), name: &account.name };
                AccessDenial::client_consent(account, server, required)
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
        let Some(ended) = grant.not_after.filter(|_| grant.covers(class)) else { return self };
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
