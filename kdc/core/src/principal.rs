//! The stored record of a principal. Requests work with the [`Entry`](crate::entry::Entry) that is prepared from it.

use crate::key_set::{KeySet, StoredKey};
use crate::password_policy::PolicyRecord;
use crate::rotation::holder::HolderRecord;
use bitflags::bitflags;
use kennel_crypto::Enctype;
use kennel_wire::message::{KerberosTime, Principal, Timestamp};
use std::collections::BTreeMap;
use std::fmt;

/// Service classes (first of two components) of the KDC itself, which no object may have.
pub const RESERVED_CLASSES: [&str; 4] = ["krbtgt", "kadmin", "K", "WELLKNOWN"];

/// Who made a principal; neither side may take over the other's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// An administrator (CLI, kadmin, `dev`).
    Manual,
    /// The controller, from cluster objects.
    Kubernetes,
}

bitflags! {
    /// What a principal may and must (the kadmin attribute in parentheses; all clear is the common case).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct Attributes: u32 {
        /// Neither client nor server (-allow_tix).
        const DISALLOW_ALL = 1 << 0;
        /// No postdated tickets (-allow_postdated).
        const DISALLOW_POSTDATED = 1 << 1;
        /// No forwardable tickets (-allow_forwardable).
        const DISALLOW_FORWARDABLE = 1 << 2;
        /// No renewable tickets (-allow_renewable).
        const DISALLOW_RENEWABLE = 1 << 3;
        /// No proxiable tickets (-allow_proxiable).
        const DISALLOW_PROXIABLE = 1 << 4;
        /// No user-to-user with it as the server (-allow_dup_skey).
        const DISALLOW_DUP_SKEY = 1 << 5;
        /// No service tickets for it (-allow_svr).
        const DISALLOW_SERVER = 1 << 6;
        /// Only tickets from an AS exchange (-allow_tgs_req).
        const DISALLOW_TGT_BASED = 1 << 7;
        /// No pre-authentication asked for; the realm asks by default (unlike MIT's +requires_preauth, its absence is the exception).
        const NO_PREAUTH_REQUIRED = 1 << 8;
        /// As a server: only clients that pre-authenticated (+requires_preauth on a service).
        const REQUIRE_PREAUTH_OF_CLIENTS = 1 << 9;
        /// The password must be changed: only tickets for a password-changing service (+needchange).
        const PASSWORD_CHANGE_REQUIRED = 1 << 10;
        /// A password-changing service (+password_changing_service).
        const PASSWORD_CHANGING_SERVICE = 1 << 11;
        /// Tickets for it carry ok-as-delegate (+ok_as_delegate).
        const OK_AS_DELEGATE = 1 << 12;
        /// Locked by an administrator; kept apart from DISALLOW_ALL so that unlocking does not undo the other.
        const LOCKED = 1 << 13;
        /// Its keys never leave over kadmin (+lockdown_keys).
        const LOCKDOWN_KEYS = 1 << 14;
        /// As a client: initial tickets by FAST alone (RFC 6113).
        const REQUIRE_FAST = 1 << 15;
    }
}

/// The cluster objects that a principal is made from, by their UIDs: an object of another UID is another principal, whatever
/// its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// UID of the service account.
    pub account: String,
    /// UID of the KerberosPrincipal that declares a service of the account; `None`: the account's own principal.
    pub object: Option<String>,
}

impl Owner {
    /// The owner of an account's own principal.
    pub fn account(uid: impl Into<String>) -> Owner {
        Owner { account: uid.into(), object: None }
    }

    /// The owner of a service that a KerberosPrincipal declares for an account.
    pub fn object(account_uid: impl Into<String>, uid: impl Into<String>) -> Owner {
        Owner { account: account_uid.into(), object: Some(uid.into()) }
    }
}

/// `ACCOUNT` or `ACCOUNT/OBJECT`: as stores write it.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.account)?;
        self.object.iter().try_for_each(|object| write!(f, "/{object}"))
    }
}

/// Reads what `Display` writes. A UID holds no slash.
impl From<&str> for Owner {
    fn from(text: &str) -> Owner {
        match text.split_once('/') {
            Some((account, object)) => Owner::object(account, object),
            None => Owner::account(text),
        }
    }
}

/// A principal as it is stored. Two records of one principal differ by their revision in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the name says it")]
pub struct PrincipalRecord {
    /// Name and realm. `krbtgt/HERE@OTHER` is a record too: the key under which a trusted realm issues for us.
    pub principal: Principal,
    /// Who made the principal and owns its name.
    pub origin: Origin,
    /// The cluster objects that the principal is made from.
    pub owner: Option<Owner>,
    /// The namespace of those objects, whose budget counts the record until it is deleted. A name alone does not tell it: several
    /// namespaces may ask for a name of the alias policy.
    pub namespace: Option<String>,
    /// Time since which those objects are gone. The principal is disabled, and removed once its last ticket has ended.
    pub abandoned: Option<Timestamp>,
    /// Restrictions and permissions.
    pub attributes: Attributes,
    /// Longest ticket life in seconds; `None`: the realm's.
    pub max_life: Option<u32>,
    /// Longest renewable life in seconds; `None`: the realm's.
    pub max_renewable_life: Option<u32>,
    /// When the principal expires.
    pub expires: Option<KerberosTime>,
    /// When its password expires.
    pub password_expires: Option<KerberosTime>,
    /// Enctypes that it understands for session keys (the string attribute `session_enctypes` of kadmin); `None`: those that it has
    /// keys of, and aes256-cts-hmac-sha1-96.
    pub session_enctypes: Option<Vec<Enctype>>,
    pub keys: KeySet,
    /// When somebody asked for a new key; `None` once that key is in use.
    pub rotation_ordered: Option<Timestamp>,
    /// When its keys were revoked last, and how long a replica may not know of it: tickets of this client that were authenticated
    /// until then are refused.
    pub revoked: Option<Timestamp>,
    /// When keys of it left by hand: nobody knows who holds them.
    pub unknown_holder: Option<Timestamp>,
    /// Name of its policy. A policy that does not exist restricts nothing.
    pub policy: Option<String>,
    /// String attributes of kadmin that have no field of their own here.
    pub strings: BTreeMap<String, String>,
    /// Keys of earlier passwords, newest first, as far back as the policy wants to know them: no new password is one of them.
    pub password_history: Vec<Vec<StoredKey>>,
    /// Time of its creation.
    pub created: Timestamp,
    /// Time of its last change.
    pub modified: Timestamp,
    /// Who changed it last, as text.
    pub modified_by: String,
}

impl PrincipalRecord {
    /// A principal with the realm's defaults and the given keys.
    pub fn new(principal: Principal, origin: Origin, keys: KeySet, now: Timestamp, by: impl Into<String>) -> Self {
        PrincipalRecord {
            principal,
            origin,
            owner: None,
            namespace: None,
            abandoned: None,
            attributes: Attributes::empty(),
            max_life: None,
            max_renewable_life: None,
            expires: None,
            password_expires: None,
            session_enctypes: None,
            keys,
            rotation_ordered: None,
            revoked: None,
            unknown_holder: None,
            policy: None,
            strings: BTreeMap::new(),
            password_history: Vec::new(),
            created: now,
            modified: now,
            modified_by: by.into(),
        }
    }
}

/// The record of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A principal.
    Principal(Box<PrincipalRecord>),
    /// Another name of a principal of the same realm; never an alias of an alias.
    Alias {
        /// The other name.
        alias: Principal,
        /// The principal that it stands for.
        target: Principal,
        /// Who made it.
        origin: Origin,
    },
    /// Who has which keys on disk, under a reserved name; no request finds it.
    Holder(Box<HolderRecord>),
    /// A policy for passwords, under a reserved name; no request finds it.
    Policy(Box<PolicyRecord>),
}

impl Record {
    /// The name that the record is stored under.
    #[must_use]
    pub fn name(&self) -> &Principal {
        match self {
            Record::Principal(record) => &record.principal,
            Record::Alias { alias, .. } => alias,
            Record::Holder(holder) => &holder.name,
            Record::Policy(policy) => &policy.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_read_from_the_text_that_it_is_written_as() {
        for (text, owner) in [("a-1", Owner::account("a-1")), ("a-1/b-2", Owner::object("a-1", "b-2"))] {
            assert_eq!((Owner::from(text), owner.to_string()), (owner.clone(), text.to_owned()));
        }
        for odd in ["", "/", "a/", "/b", "a/b/c"] {
            assert_eq!(Owner::from(odd).to_string(), odd);
        }
    }
}
