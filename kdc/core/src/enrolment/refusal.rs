//! Every reason for which an enrolment is refused: its HTTP status, and a message that says what to do.

macro_rules! refusals {
    ($($name:ident => $status:literal, $retry:literal, $text:literal;)+) => {
        /// Why an enrolment was refused. `Display` is the message in the response.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EnrolmentRefusal {
            $(#[doc = concat!($text, ".")] $name,)+
        }

        impl EnrolmentRefusal {
            /// Every reason, for tests, metrics and documentation.
            pub const ALL: &'static [EnrolmentRefusal] = &[$(EnrolmentRefusal::$name),+];

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(EnrolmentRefusal::$name => $status,)+ }
            }

            /// Whether the same request may succeed later although nobody changes anything.
            #[must_use]
            pub const fn retryable(self) -> bool {
                match self { $(EnrolmentRefusal::$name => $retry,)+ }
            }

            /// A stable name for audit lines, metrics labels and the `reason` of the answer.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(EnrolmentRefusal::$name => stringify!($name),)+ }
            }

            /// What is wrong, and what to do.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(EnrolmentRefusal::$name => $text,)+ }
            }
        }
    };
}

refusals! {
    // The request.
    TokenMissing => 401, false, "the request has no bearer token: send the pod's projected service account token in the Authorization header";
    RequestTooLarge => 413, false, "the request is too large: an enrolment is a token in the Authorization header and a small JSON body";
    RequestMalformed => 400, false, "the request cannot be read: see the OpenAPI document at /v1/openapi.json";
    RequestTooSlow => 408, true, "the request did not arrive in time: send it again";
    ClientGone => 408, true, "the client closed the connection before the answer: wait for the answer, which may take some seconds";
    RateLimited => 429, true, "too many enrolments of this pod or account: credentials are good until their refetch time, ask again after Retry-After";
    // The token.
    TokenMalformed => 401, false, "the token is not a JSON Web Token: send the pod's projected service account token";
    TokenOfOtherAudience => 401, false, "the token is not for this realm: project a token whose audience is kennel://REALM";
    TokenExpired => 401, false, "the token has expired: read it anew for each request, as the kubelet replaces it in time";
    TokenSignatureInvalid => 401, false, "the token is not signed by a key of this cluster's API server: use the projected token of a pod of this cluster";
    TokenKeyUnknown => 503, true, "the token is signed by a key that the API server has not published at the last look, which is a few seconds ago: ask again after Retry-After";
    TokenRejected => 401, false, "the API server does not accept the token for this realm's audience: project a token whose audience is kennel://REALM, and read it anew for each request, as it expires";
    TokenNotOfAccount => 403, false, "the token is not one of a service account: use a pod's projected service account token";
    TokenUnbound => 403, false, "the token is not bound to a pod: use a projected volume (or TokenRequest with boundObjectRef of kind Pod), not kubectl create token without --bound-object-kind";
    // The cluster.
    PodUnknown => 403, false, "the token's pod does not exist any more";
    PodReplaced => 403, false, "the token's pod was replaced by another of the same name: use the token of the pod that runs now";
    PodOfOtherAccount => 403, false, "the token's pod runs as another service account";
    PodEnded => 403, false, "the token's pod is being deleted or has ended";
    PodUnlabelled => 403, false, "the pod lacks the label kennel.dev/service-account with the name of its account, so that no NetworkPolicy of the realm selects it: restart it where the admission policies of deploy/guards are, or give its template the label (names above 63 characters cannot have one)";
    NamespaceNotEnrolled => 403, false, "the namespace is not enrolled: give it the label that the KerberosRealm's namespaceSelector asks for (kennel.dev/realm=NAME of that KerberosRealm by default)";
    AccountUnknown => 403, false, "the service account does not exist any more";
    AccountReplaced => 403, false, "the token is of a service account that was deleted and made anew: restart the pod";
    NoPrincipal => 409, false, "the service account has no principal, because its name is taken, cannot be one, or its namespace asks for more than the realm allows: see the conditions and events of its namespace and KerberosPrincipals";
    // Ourselves.
    NotReady => 503, true, "the cluster's state or the new principal has not reached the KDC yet: ask again after Retry-After";
    PoliciesNotApplied => 503, true, "the NetworkPolicies of the pod's namespace and account are not in the cluster yet: ask again after Retry-After";
    ReviewUnavailable => 503, true, "the API server cannot review the token now: credentials that were handed out stay good, ask again after Retry-After";
    ReviewsBusy => 503, true, "too many other enrolments wait for the API server: credentials that were handed out stay good, ask again after Retry-After";
    TooManyWaiting => 503, true, "too many pods wait for changes of their keys: the key versions that the request names are recorded, and credentials are good until their refetch time, ask again after Retry-After";
    StoreUnavailable => 503, true, "the principal store is not available: ask again after Retry-After";
    TrailUnavailable => 503, true, "the audit trail cannot be written, so that no credentials are handed out: ask again after Retry-After";
    TicketRefused => 403, false, "the realm issues no ticket to this account: see the audit line of the same time for the reason";
}

impl std::fmt::Display for EnrolmentRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_an_error_status_and_says_what_is_wrong() {
        for refusal in EnrolmentRefusal::ALL {
            assert!((400..600).contains(&refusal.status()), "{}", refusal.name());
            assert!(refusal.text().is_ascii() && refusal.text().len() > 30, "{}", refusal.name());
            let transient = matches!(refusal.status(), 408 | 429 | 503);
            assert_eq!(refusal.retryable(), transient, "{}", refusal.name());
            assert_eq!(refusal.to_string(), refusal.text());
        }
    }
}
