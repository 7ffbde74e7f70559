//! Every reason for which an operation is refused.

use crate::admin::operation::Rights;
use kennel_crypto::Enctype;
use kennel_wire::message::KerberosTime;

/// Why an operation is refused. `Display` says what is wrong and what to do; kadmin's clients show the text of the code instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdminRefusal {
    /// The caller lacks a right.
    #[error("this needs a right that {caller} does not have: add a line to the access list, or ask who may edit it")]
    NotPermitted {
        /// The right.
        right: Rights,
        /// Who asked.
        caller: String,
    },
    /// By a ticket for kadmin/changepw, or by one that is not initial, only less is possible.
    #[error("a ticket of this kind does not permit this: log in anew, for kadmin/admin")]
    TicketNotSufficient,
    /// The principal does not exist.
    #[error("there is no principal {0}")]
    UnknownPrincipal(String),
    /// The policy does not exist.
    #[error("there is no policy {0}")]
    UnknownPolicy(String),
    /// A principal, alias or policy of this name exists.
    #[error("{0} exists already")]
    Exists(String),
    /// The name is reserved, or it cannot be that of a principal.
    #[error("{name} cannot be used: {reason}")]
    BadName {
        /// The name.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// Kubernetes owns the principal.
    #[error("{name} is made from objects of the cluster: edit {object}, or say that it is to be changed nevertheless")]
    OwnedByKubernetes {
        /// The principal.
        name: String,
        /// What to edit.
        object: String,
    },
    /// The realm needs the principal.
    #[error("the realm needs {0}, which is neither deleted nor renamed nor disabled")]
    Protected(String),
    /// Principals have the policy.
    #[error("principals have the policy {0}: give them another one first")]
    PolicyInUse(String),
    /// Its keys never leave, and are changed by itself alone.
    #[error("the keys of {0} are locked down: clear its attribute lockdown_keys on this machine")]
    KeysLockedDown(String),
    /// Fewer characters than this.
    #[error("the password is too short: it needs {0} characters")]
    PasswordTooShort(u32),
    /// Fewer kinds of characters than this.
    #[error("the password needs {0} kinds of characters: small and capital letters, digits, punctuation, others")]
    PasswordTooSimple(u32),
    /// A word of the dictionary, or a part of the name.
    #[error("the password is in the dictionary, or a part of the name: choose another one")]
    PasswordInDictionary,
    /// It is one of the last ones.
    #[error("the password was used before: choose another one")]
    PasswordReused,
    /// The policy does not allow keys of this enctype.
    #[error("the policy does not allow keys of {0}: ask for others, or change its allowed enctypes")]
    EnctypeNotAllowed(Enctype),
    /// The present one is too young.
    #[error("the password was changed only recently: it can be changed again from {from} on", from = .0.to_rfc3339())]
    PasswordTooYoung(KerberosTime),
    /// A value that the operation cannot have.
    #[error("{0}")]
    BadValue(&'static str),
    /// Nothing that Kennel does.
    #[error("{0}")]
    NotSupported(&'static str),
    /// Somebody else changed the same record at each attempt, or the store cannot serve.
    #[error("the store cannot take the change at the moment: try again")]
    StoreUnavailable,
}

impl AdminRefusal {
    /// A stable name for audit lines, metrics labels and the `reason` of the admin API.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            AdminRefusal::NotPermitted { .. } => "NotPermitted",
            AdminRefusal::TicketNotSufficient => "TicketNotSufficient",
            AdminRefusal::UnknownPrincipal(_) => "UnknownPrincipal",
            AdminRefusal::UnknownPolicy(_) => "UnknownPolicy",
            AdminRefusal::Exists(_) => "Exists",
            AdminRefusal::BadName { .. } => "BadName",
            AdminRefusal::OwnedByKubernetes { .. } => "OwnedByKubernetes",
            AdminRefusal::Protected(_) => "Protected",
            AdminRefusal::PolicyInUse(_) => "PolicyInUse",
            AdminRefusal::KeysLockedDown(_) => "KeysLockedDown",
            AdminRefusal::PasswordTooShort(_) => "PasswordTooShort",
            AdminRefusal::PasswordTooSimple(_) => "PasswordTooSimple",
            AdminRefusal::PasswordInDictionary => "PasswordInDictionary",
            AdminRefusal::PasswordReused => "PasswordReused",
            AdminRefusal::EnctypeNotAllowed(_) => "EnctypeNotAllowed",
            AdminRefusal::PasswordTooYoung(_) => "PasswordTooYoung",
            AdminRefusal::BadValue(_) => "BadValue",
            AdminRefusal::NotSupported(_) => "NotSupported",
            AdminRefusal::StoreUnavailable => "StoreUnavailable",
        }
    }
}
