//! Why a client may not have a ticket: a stable reason, and words that name what is missing.

use std::fmt;
use std::sync::Arc;

/// The reason of a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DenialReason {
    /// No KerberosAccess lets the client call the server.
    NoAccess,
    /// A KerberosAccess did, until its `notAfter`.
    Expired,
    /// A KerberosAccess does, but not for this service class.
    ServiceClass,
    /// The `calls` of the client's KerberosPrincipal do not name the server.
    ClientConsent,
    /// The service was made by hand, and the realm does not let this client call such services.
    UnmanagedService,
    /// The server is of the cluster, and its access is not programmed yet.
    NotProgrammed,
    /// Tickets for `kadmin/*` come from the AS exchange only.
    KadminByTgs,
}

/// A denial, as the event and the client's error carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessDenial {
    /// The reason.
    pub reason: DenialReason,
    /// The reason in words, such as `no KerberosAccess in shop allows batch.shop to call web`. Printable ASCII of bounded
    /// length: names of strangers are cut and cleaned.
    pub text: Arc<str>,
}

impl DenialReason {
    /// Every reason, for tests, metrics and documentation.
    pub const ALL: [DenialReason; 7] = [
        DenialReason::NoAccess,
        DenialReason::Expired,
        DenialReason::ServiceClass,
        DenialReason::ClientConsent,
        DenialReason::UnmanagedService,
        DenialReason::NotProgrammed,
        DenialReason::KadminByTgs,
    ];

    /// A stable name for audit lines and metrics labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            DenialReason::NoAccess => "NoAccess",
            DenialReason::Expired => "AccessExpired",
            DenialReason::ServiceClass => "ServiceClass",
            DenialReason::ClientConsent => "ClientConsent",
            DenialReason::UnmanagedService => "UnmanagedService",
            DenialReason::NotProgrammed => "NotProgrammed",
            DenialReason::KadminByTgs => "KadminByTgs",
        }
    }
}

impl fmt::Display for AccessDenial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
