//! A policy, as kadmin calls it: rules for the passwords of the principals that name it, and for failed attempts.

use kennel_crypto::Enctype;
use kennel_wire::message::{NameType, Principal, PrincipalName, Timestamp};

/// The class of the reserved names that policies are stored under.
const CLASS: [&str; 2] = ["WELLKNOWN", "POLICY"];

/// Rules for passwords and failed attempts. The defaults restrict nothing, as in MIT Kerberos.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Time for which a password stays before its owner may change it again, seconds.
    pub min_life: u32,
    /// Time after which a password has to be changed, seconds; 0: never.
    pub max_life: u32,
    /// Least number of characters.
    pub min_length: u32,
    /// Least number of kinds of characters: small letters, capital letters, digits, punctuation, others.
    pub min_classes: u32,
    /// Number of passwords of which a new one must differ, the present one included.
    pub history: u32,
    /// Failed attempts after which the principal is locked out; 0: never.
    pub max_failures: u32,
    /// Time without a failed attempt after which the counter starts anew, seconds; 0: it does so after a success alone.
    pub failure_count_interval: u32,
    /// Time for which it is locked out, seconds; 0: until an administrator unlocks it.
    pub lockout_duration: u32,
    /// Enctypes that keys of its principals may have; empty: those of the realm.
    pub allowed_enctypes: Vec<Enctype>,
}

impl Default for PasswordPolicy {
    fn default() -> PasswordPolicy {
        PasswordPolicy {
            min_life: 0,
            max_life: 0,
            min_length: 1,
            min_classes: 1,
            history: 1,
            max_failures: 0,
            failure_count_interval: 0,
            lockout_duration: 0,
            allowed_enctypes: Vec::new(),
        }
    }
}

/// A policy as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRecord {
    /// The reserved name that it is stored under: [`PolicyRecord::name_of`] its name and realm.
    pub name: Principal,
    /// The rules.
    pub rules: PasswordPolicy,
    /// Time of its last change.
    pub modified: Timestamp,
    /// Who changed it last, as text.
    pub modified_by: String,
}

impl PolicyRecord {
    /// A policy of a realm.
    pub fn new(
        policy: &str,
        realm: &str,
        rules: PasswordPolicy,
        now: Timestamp,
        by: impl Into<String>,
    ) -> PolicyRecord {
        PolicyRecord { name: PolicyRecord::name_of(policy, realm), rules, modified: now, modified_by: by.into() }
    }

    /// `WELLKNOWN/POLICY/NAME`.
    #[must_use]
    pub fn name_of(policy: &str, realm: &str) -> Principal {
        Principal::new(PrincipalName::new(NameType::UNKNOWN, CLASS.into_iter().chain([policy])), realm)
    }

    /// The name of the policy, as administrators write it.
    #[must_use]
    pub fn policy(&self) -> &str {
        self.name.name.components.last().map_or("", String::as_str)
    }
}
