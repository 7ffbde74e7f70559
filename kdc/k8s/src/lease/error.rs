//! Why a process must not serve the realm.

/// Why this process must not serve the realm.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The role of the KDC lacks the right to list the Leases of all namespaces.
    #[error("the Leases {lease} of all namespaces cannot be listed: {message}: see deploy/base/rbac.yaml")]
    Forbidden {
        /// Name of the Lease.
        lease: String,
        /// The answer of the API server.
        message: String,
    },
    /// The API server answers with an error, and only its answer could allow a new realm.
    #[error("a new realm is not made while the API server cannot be asked for another one")]
    NewRealmUnchecked(#[source] Box<kube::Error>),
    /// As [`NewRealmUnchecked`](LeaseError::NewRealmUnchecked), without any answer.
    #[error("a new realm is not made while the API server does not answer")]
    NewRealmUnanswered,
    /// The realm lives in another store.
    #[error(
        "the realm is in another store (master key {theirs}, this one has {ours}): a second replica cannot serve it, \
         as the embedded store is of one process. Scale the StatefulSet to 1, or mount the realm's own volume and \
         master key; if this store is the right one, delete the Lease {lease}"
    )]
    OtherStore {
        /// Id of the other store's master key.
        theirs: String,
        /// Id of this store's master key.
        ours: String,
        /// Namespace and name of the Lease.
        lease: String,
    },
    /// The realm has a store, and this process has none.
    #[error(
        "the realm has a store already (master key {theirs}), and this one is empty: mount the realm's own volume, or \
         scale the StatefulSet to 1; if that store is lost, stop this KDC (scale the StatefulSet to 0), delete the Lease {lease}, and \
         load a dump of the store (kennel-kdc load), or begin a new realm, before the next start"
    )]
    EmptyStore {
        /// Id of the existing store's master key.
        theirs: String,
        /// Namespace and name of the Lease.
        lease: String,
    },
    /// Another process serves the realm from a copy of the store.
    #[error(
        "{holder} serves this realm now, and renews the Lease {lease}: the embedded store is of one process, and a copy of \
         it would fall behind. Stop the other one, or scale the StatefulSet to 1"
    )]
    ServedElsewhere {
        /// Identity of the other process.
        holder: String,
        /// Namespace and name of the Lease.
        lease: String,
    },
}
