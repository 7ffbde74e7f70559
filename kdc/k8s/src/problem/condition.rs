//! The types of our conditions.

macro_rules! condition_types {
    ($($(#[doc = $doc:literal])+ $kind:ident,)+) => {
        /// The types of our conditions.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ConditionType {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl ConditionType {
            /// The `type` of the condition.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(ConditionType::$kind => stringify!($kind),)+ }
            }

            /// Whether conditions of this `type` are ours: those of others stay as they are.
            #[must_use]
            pub fn is_ours(name: &str) -> bool {
                [$(stringify!($kind)),+].contains(&name)
            }
        }
    };
}

condition_types! {
    /// The object has its full effect.
    Ready,
    /// The service account of a KerberosPrincipal exists.
    AccountFound,
    /// A KerberosPrincipal has every name and every Secret that it asks for.
    NamesAccepted,
    /// The cluster has the admission policies of `deploy/guards`, which a KerberosRealm relies on.
    Guarded,
    /// A KerberosAccess can have an effect.
    Accepted,
    /// Everything that a KerberosAccess refers to is there and agrees.
    ResolvedRefs,
    /// The KDC decides by a KerberosAccess.
    TicketsProgrammed,
    /// NetworkPolicies let the packets of a KerberosAccess pass, and no others.
    NetworkProgrammed,
    /// Somebody else keeps changing a NetworkPolicy of Kennel.
    Contended,
    /// Clients of a KerberosAccess may ask no DNS server, since none is found.
    DNSNotFound,
    /// Enforce would take access from somebody who calls a KerberosPrincipal in mode Observe.
    WouldDeny,
    /// Another KerberosRealm selects namespaces that this one selects; the older one has them.
    NamespacesContested,
    /// The object waits for what passes by itself, or for an object that is not there yet, as kstatus defines it.
    Reconciling,
    /// Only an edit of the object mends it, as kstatus defines it.
    Stalled,
}
