//! Who asks for an operation.

use kennel_wire::message::Principal;
use std::net::IpAddr;

/// Who asks, and by which proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A principal, by a ticket for the service of administration. The access list decides what it may do, and everyone may do
    /// some things to himself.
    Principal {
        /// Canonical name of the client.
        client: Principal,
        /// The service that the ticket is for.
        service: AdminService,
        /// Whether the ticket comes from an AS exchange, so that the client has just shown its key.
        initial: bool,
        /// Source address.
        peer: IpAddr,
    },
    /// A user of the cluster, by a token. The cluster has decided already that the user may do this.
    User {
        /// Name of the user.
        user: String,
        /// Source address.
        peer: IpAddr,
    },
    /// The owner of the process on this machine, by the socket or as the process itself: may do everything, as `kadmin.local`.
    Local,
}

/// The services of administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AdminService {
    /// `kadmin/admin`, `kadmin/HOST`.
    Admin,
    /// `kadmin/changepw`: everyone for himself, and only passwords.
    ChangePassword,
}

impl Caller {
    /// Who changed a record, as it is stored and shown (`modified_by`).
    #[must_use]
    pub fn name(&self, realm: &str) -> String {
        match self {
            Caller::Principal { client, .. } => client.to_string(),
            Caller::User { user, .. } => user.clone(),
            Caller::Local => format!("root/admin@{realm}"),
        }
    }

    /// The address that the operation was asked for from.
    #[must_use]
    pub fn peer(&self) -> Option<IpAddr> {
        match self {
            Caller::Principal { peer, .. } | Caller::User { peer, .. } => Some(*peer),
            Caller::Local => None,
        }
    }
}
