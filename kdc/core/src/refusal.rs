//! Every reason for which a request is refused, each with its one error code on the wire. Where RFC 4120 leaves the choice
//! open, the code is the one that MIT krb5kdc sends, since clients know it.

use kennel_wire::message::ErrorCode;

macro_rules! refusals {
    ($($name:ident => $code:ident, $text:literal;)+) => {
        /// Why a request was refused. `Display` is the reason in words; it goes into the audit line and the `e-text`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Refusal {
            $(#[doc = concat!("As its text says: ", $text, ".")] $name,)+
        }

        impl Refusal {
            /// Every reason, for tests, metrics and documentation.
            pub const ALL: &'static [Refusal] = &[$(Refusal::$name),+];

            /// The code on the wire.
            #[must_use]
            pub const fn code(self) -> ErrorCode {
                match self { $(Refusal::$name => ErrorCode::$code,)+ }
            }

            /// A stable name for audit lines and metrics labels.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Refusal::$name => stringify!($name),)+ }
            }

            /// The reason in words.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Refusal::$name => $text,)+ }
            }
        }
    };
}

refusals! {
    // What cannot be read.
    Malformed => GENERIC, "not a well-formed request";
    FrameLength => FIELD_TOOLONG, "the frame announces a length that is not accepted";
    DatagramLength => RESPONSE_TOO_BIG, "the request is too long for a datagram: send it over TCP";
    NotARequest => AP_MSG_TYPE, "a reply or an error was sent to the KDC";
    // The KDC itself.
    StoreUnavailable => SVC_UNAVAILABLE, "the principal store is not available";
    TrailUnavailable => SVC_UNAVAILABLE, "the audit trail cannot be written";
    Internal => GENERIC, "the KDC could not build the reply";
    ResponseTooBig => RESPONSE_TOO_BIG, "the reply is too long for a datagram: ask again over TCP";
    // Who asks, and for whom.
    WrongRealm => WRONG_REALM, "this KDC does not serve that realm";
    ClientMissing => C_PRINCIPAL_UNKNOWN, "the request names no client";
    ServerMissing => S_PRINCIPAL_UNKNOWN, "the request names no server";
    ClientUnknown => C_PRINCIPAL_UNKNOWN, "client not found";
    ServerUnknown => S_PRINCIPAL_UNKNOWN, "server not found";
    ClientLocked => CLIENT_REVOKED, "the client is disabled";
    ClientLockedOut => CLIENT_REVOKED, "the client is locked out after too many failed attempts: wait, or ask an administrator to unlock it";
    ClientExpired => NAME_EXP, "the client has expired";
    PasswordExpired => KEY_EXPIRED, "the password has expired: only a ticket for kadmin/changepw is issued, to change it";
    PasswordChangeRequired => KEY_EXPIRED, "the password must be changed: only a ticket for kadmin/changepw is issued, to do so";
    ServerLocked => S_PRINCIPAL_UNKNOWN, "the server is disabled";
    ServerExpired => SERVICE_EXP, "the server has expired";
    ServerIsNoService => MUST_USE_USER2USER, "the server takes user-to-user tickets only";
    ServerHasPassword => MUST_USE_USER2USER, "the server is a person with a password, who takes user-to-user tickets only";
    ServerRefusesTgtBased => POLICY, "the server takes tickets from the AS exchange only";
    ServerRequiresPreauth => POLICY, "the server takes pre-authenticated clients only";
    ServerRefusesUserToUser => POLICY, "the server takes no user-to-user tickets";
    AuthIndicatorMissing => POLICY, "the server takes only clients that log in by a way that its require_auth names, such as FAST";
    AccessDenied => POLICY, "access policy does not let this client have a ticket for this server";
    // Enctypes.
    NoClientKey => ETYPE_NOSUPP, "no enctype that the client offers, the realm permits and the client has a key of";
    NoServerKey => ETYPE_NOSUPP, "the server has no key of an enctype that the realm permits";
    NoSessionEnctype => ETYPE_NOSUPP, "no enctype for a session key that client, server and realm have in common";
    // Pre-authentication.
    PreauthMalformed => PREAUTH_FAILED, "pre-authentication data cannot be read";
    PreauthFailed => PREAUTH_FAILED, "pre-authentication failed: wrong key or password";
    PreauthEnctype => PREAUTH_FAILED, "pre-authentication uses an enctype that is not permitted or that the client has no key of";
    PreauthSkew => AP_SKEW, "clock skew too great in pre-authentication";
    // FAST.
    FastRequired => POLICY, "the client must use FAST: ask with an armored request";
    FastMalformed => PREAUTH_FAILED, "the FAST request cannot be read";
    FastArmorMissing => PREAUTH_FAILED, "a FAST request without armor";
    FastArmorType => PREAUTH_FAILED, "the FAST armor is of a type that is not known";
    FastArmorNotTgt => POLICY, "the FAST armor is not a ticket for the ticket-granting service of this realm";
    FastArmorWithoutSubkey => PREAUTH_FAILED, "the authenticator of the FAST armor has no sub-key";
    FastIntegrity => AP_BAD_INTEGRITY, "the FAST request does not decrypt";
    FastChecksumType => POLICY, "the checksum of the FAST request is not keyed with the armor key";
    FastChecksumMismatch => AP_MODIFIED, "the request is not the one that the FAST request was made for";
    FastCriticalOption => UNKNOWN_CRITICAL_FAST_OPTIONS, "a critical FAST option that is not known";
    FastNested => PREAUTH_FAILED, "a FAST request inside a FAST request";
    FastStripped => AP_MODIFIED, "the authenticator says that FAST is used, and the FAST request is missing";
    FastArmorOnly => POLICY, "the presented ticket or its authenticator serves as FAST armor alone";
    CookieForged => PREAUTH_FAILED, "the cookie is not one that this KDC made for this client";
    CookieExpired => PREAUTH_EXPIRED, "the cookie is too old: begin again";
    // Options and times.
    OptionNotInAs => BADOPTION, "an option that an AS request cannot have";
    ConflictingOptions => BADOPTION, "options that exclude each other";
    ConstrainedDelegation => BADOPTION, "constrained delegation is not supported";
    Anonymous => BADOPTION, "anonymous tickets are not supported";
    CannotPostdate => CANNOT_POSTDATE, "postdated tickets are not allowed here";
    PostdatedTooFar => CANNOT_POSTDATE, "a postdated ticket would begin later than the longest renewable life from now";
    NeverValid => NEVER_VALID, "the ticket would end before it starts";
    TgtNotForwardable => BADOPTION, "the presented ticket is not forwardable";
    TgtNotProxiable => BADOPTION, "the presented ticket is not proxiable";
    TgtNotPostdatable => BADOPTION, "the presented ticket may not be postdated";
    TicketNotRenewable => BADOPTION, "the presented ticket is not renewable";
    TicketNotInvalid => BADOPTION, "the presented ticket needs no validation";
    ProxyOfTgt => BADOPTION, "a ticket-granting ticket cannot be proxied";
    RenewPast => AP_TKT_EXPIRED, "the time until which the ticket could be renewed is past";
    // The AP-REQ of a TGS request.
    NoTgsReq => PADATA_TYPE_NOSUPP, "a TGS request without PA-TGS-REQ";
    TgsReqMalformed => GENERIC, "the AP-REQ in PA-TGS-REQ cannot be read";
    TicketNotForUs => AP_NOT_US, "the presented ticket is not for this KDC";
    TicketKeyVersion => AP_BADKEYVER, "the presented ticket is under a key version that is not held any more";
    TicketEnctype => ETYPE_NOSUPP, "the presented ticket uses an enctype that is not permitted";
    TicketIntegrity => AP_BAD_INTEGRITY, "the presented ticket does not decrypt";
    TicketExpired => AP_TKT_EXPIRED, "the presented ticket has expired";
    TicketNotYetValid => AP_TKT_NYV, "the presented ticket is not valid yet";
    TicketInvalid => AP_TKT_NYV, "the presented ticket must be validated first";
    TicketAddress => AP_BADADDR, "the presented ticket may not be used from this address";
    TicketAliasChanged => TGT_REVOKED, "the presented ticket is of an alias that stands for another account by now";
    TicketAliasTorn => TGT_REVOKED, "the presented ticket is bound to an account in a way that cannot be read";
    TicketRevoked => TGT_REVOKED, "the presented ticket is of an account that was since replaced by another of its name";
    TicketBeforePasswordChange => TGT_REVOKED, "the presented ticket is older than its client's password";
    TicketBeforeRevocation => TGT_REVOKED, "the presented ticket is from before its client's keys were revoked";
    PodGone => TGT_REVOKED, "the presented ticket is bound to a pod that is gone";
    PodBindingTorn => TGT_REVOKED, "the presented ticket is bound to a pod in a way that cannot be read";
    KdcVerifierMissing => AP_MODIFIED, "the presented service ticket has no checksum of this KDC: ask for a new ticket";
    KdcVerifierMismatch => AP_MODIFIED, "the presented service ticket is not as this KDC issued it";
    TicketServerMismatch => SERVER_NOMATCH, "the presented ticket is not for the server that is asked for";
    TicketSpoofsLocalClient => POLICY, "a foreign realm vouches for a client of this realm";
    AuthenticatorIntegrity => AP_BAD_INTEGRITY, "the authenticator does not decrypt";
    AuthenticatorMismatch => AP_BADMATCH, "ticket and authenticator name different clients";
    AuthenticatorSkew => AP_SKEW, "clock skew too great in the authenticator";
    AuthenticatorSubkey => ETYPE_NOSUPP, "the authenticator's sub-key is of an enctype that is not permitted";
    ChecksumMissing => AP_INAPP_CKSUM, "the authenticator has no checksum over the request";
    ChecksumType => AP_INAPP_CKSUM, "the authenticator's checksum is neither keyed with the session key nor collision-proof";
    ChecksumMismatch => AP_MODIFIED, "the request is not the one that the authenticator was made for";
    AuthorizationDataIntegrity => AP_BAD_INTEGRITY, "the authorization data does not decrypt";
    AuthorizationDataMandatory => POLICY, "authorization data that must be understood is not";
    // User-to-user.
    SecondTicketMissing => BADOPTION, "a user-to-user request without an additional ticket";
    SecondTicketNotTgt => POLICY, "the additional ticket is not a ticket-granting ticket of this realm";
    SecondTicketMismatch => SERVER_NOMATCH, "the additional ticket is not of the server that is asked for";
    SecondTicketUnusable => AP_TKT_EXPIRED, "the additional ticket is expired or not valid";
    // Realms between.
    TransitedType => TRTYPE_NOSUPP, "the transited field is of an unknown type";
    TransitedPath => PATH_NOT_ACCEPTED, "the path of realms that the client came by is not accepted";
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_code_that_clients_know() {
        for refusal in Refusal::ALL {
            assert!(refusal.code().text().is_some(), "{}", refusal.name());
            assert_ne!(refusal.code(), ErrorCode::NONE);
            assert!(refusal.text().is_ascii() && refusal.text().len() < 120);
            assert_eq!(refusal.to_string(), refusal.text());
        }
    }
}
