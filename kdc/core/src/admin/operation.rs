//! The operations of administration, and what each answers.

use crate::admin::logins::Logins;
use crate::key_set::{KeyState, KeyVersion};
use crate::password_policy::{PasswordPolicy, PolicyRecord};
use crate::principal::{Attributes, PrincipalRecord};
use kennel_crypto::{Enctype, Key, SecretBytes};
use kennel_wire::message::{KerberosTime, Principal};
use std::collections::BTreeMap;

/// What is asked for. Names are those of kadmin's commands, written out.
#[derive(Debug, Clone)]
pub enum Operation {
    /// `add_principal`. Answers [`Answer::Done`].
    CreatePrincipal(Box<NewPrincipal>),
    /// `delete_principal`, with its aliases. Answers [`Answer::Done`].
    DeletePrincipal(Principal),
    /// `modify_principal`. Answers [`Answer::Done`].
    ModifyPrincipal(Principal, Box<PrincipalChanges>),
    /// `rename_principal`: keys keep their salts, so passwords stay good. Answers [`Answer::Done`].
    RenamePrincipal {
        /// The present name.
        from: Principal,
        /// The new name.
        to: Principal,
    },
    /// `get_principal`, also by an alias. Answers [`Answer::Principal`].
    GetPrincipal(Principal),
    /// `list_principals`, aliases included. Answers [`Answer::Names`].
    ListPrincipals(Option<String>),
    /// `change_password`. Answers [`Answer::Done`].
    ChangePassword {
        /// Whose password.
        name: Principal,
        /// The new password.
        password: SecretBytes,
        /// The enctypes of the new keys, and what becomes of the old ones.
        rules: KeyChange,
    },
    /// `change_password -randkey`, `ktadd`: makes random keys. Answers [`Answer::Keys`], the new version.
    RandomizeKeys(Principal, KeyChange),
    /// Sets keys that the caller brings, all of one version. Answers [`Answer::Done`].
    SetKeys {
        /// Whose keys.
        name: Principal,
        /// At least one.
        keys: Vec<NewKey>,
        /// The number of the version; `None`: the next one.
        kvno: Option<u32>,
        /// Whether the old versions stay.
        keep_old: bool,
    },
    /// `ktadd -norandkey`: hands out keys without changing them. Answers [`Answer::Keys`].
    ExtractKeys {
        /// Whose keys.
        name: Principal,
        /// One version; `None`: all.
        kvno: Option<u32>,
    },
    /// `purgekeys`. Answers [`Answer::Done`].
    PurgeKeys(Principal, Purge),
    /// `get_strings`. Answers [`Answer::Strings`].
    GetStrings(Principal),
    /// `set_string`, `del_string`. Answers [`Answer::Done`].
    SetString {
        /// Of whom.
        name: Principal,
        /// The attribute.
        key: String,
        /// `None`: deletes it.
        value: Option<String>,
    },
    /// `add_alias`. Answers [`Answer::Done`].
    CreateAlias {
        /// The other name.
        alias: Principal,
        /// The principal that it stands for.
        target: Principal,
    },
    /// `unlock`: forgets failed attempts. Answers [`Answer::Done`].
    Unlock(Principal),
    /// `add_policy`. Answers [`Answer::Done`].
    CreatePolicy(String, Box<PasswordPolicy>),
    /// `modify_policy`. Answers [`Answer::Done`].
    ModifyPolicy(String, Box<PolicyChanges>),
    /// `delete_policy`. Answers [`Answer::Done`].
    DeletePolicy(String),
    /// `get_policy`. Answers [`Answer::Policy`].
    GetPolicy(String),
    /// `list_policies`. Answers [`Answer::Policies`].
    ListPolicies(Option<String>),
    /// `get_privs`. Answers [`Answer::Rights`].
    GetPrivileges,
}

/// A principal to be made.
#[derive(Debug, Clone)]
pub struct NewPrincipal {
    /// Its name.
    pub name: Principal,
    /// Where its first keys come from.
    pub keys: FirstKeys,
    /// Enctypes of the keys; `None`: those of the policy, else those of the realm.
    pub enctypes: Option<Vec<Enctype>>,
    /// What is not the realm's default.
    pub changes: PrincipalChanges,
}

/// Where the first keys of a principal come from.
#[derive(Debug, Clone)]
pub enum FirstKeys {
    /// `-randkey`.
    Random,
    /// `-pw`, or a prompt.
    Password(SecretBytes),
    /// `-nokey`.
    None,
}

/// What changes of a principal; `None` in any field: nothing. The inner `None` is the realm's default, or nothing at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `PrincipalRecord`")]
pub struct PrincipalChanges {
    /// Attributes to set.
    pub set: Attributes,
    /// Attributes to clear.
    pub clear: Attributes,
    pub max_life: Option<Option<u32>>,
    pub max_renewable_life: Option<Option<u32>>,
    pub expires: Option<Option<KerberosTime>>,
    pub password_expires: Option<Option<KerberosTime>>,
    pub policy: Option<Option<String>>,
    /// Another number for the newest version of its keys.
    pub kvno: Option<u32>,
    /// Whether failed attempts are forgotten, as by [`Operation::Unlock`].
    pub unlock: bool,
    /// Whether a principal that Kubernetes owns may be changed although its object says otherwise.
    pub force: bool,
}

/// How keys are changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// Enctypes of the new keys; `None`: those of the policy, else those of the realm.
    pub enctypes: Option<Vec<Enctype>>,
    /// Whether the old versions stay (`-keepold`).
    pub keep_old: bool,
}

/// A key that the caller brings.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// The key.
    pub key: Key,
    /// The salt, where it comes from a password.
    pub salt: Option<String>,
}

/// Which versions of keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purge {
    /// All but the newest.
    Old,
    /// All below this version (`-keepkvno`).
    Below(u32),
    /// All: the principal has no keys afterwards (`-all`).
    All,
}

/// What changes of a policy; `None`: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `PasswordPolicy`")]
pub struct PolicyChanges {
    pub min_life: Option<u32>,
    pub max_life: Option<u32>,
    pub min_length: Option<u32>,
    pub min_classes: Option<u32>,
    pub history: Option<u32>,
    pub max_failures: Option<u32>,
    pub failure_count_interval: Option<u32>,
    pub lockout_duration: Option<u32>,
    pub allowed_enctypes: Option<Vec<Enctype>>,
}

/// The answer to an operation.
#[derive(Debug, Clone)]
pub enum Answer {
    /// It is done, durable, and every request that this process serves from now on sees it.
    Done,
    /// A principal.
    Principal(Box<PrincipalView>),
    /// Names, in their order, as `name@REALM`.
    Names(Vec<String>),
    /// Versions of keys, newest first.
    Keys(Vec<KeyVersion>),
    /// The string attributes of a principal.
    Strings(BTreeMap<String, String>),
    /// A policy.
    Policy(Box<PolicyRecord>),
    /// Names of policies, in their order.
    Policies(Vec<String>),
    /// What the caller may do.
    Rights(Rights),
}

/// A principal as it is shown.
#[derive(Debug, Clone)]
pub struct PrincipalView {
    /// The record without its keys and password history.
    pub record: PrincipalRecord,
    /// Version, enctype, and whether the key has a salt, newest version first.
    pub keys: Vec<ShownKey>,
    /// What this process has seen of its logins.
    pub logins: Logins,
}

/// A key as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownKey {
    /// Its version.
    pub kvno: u32,
    /// Its enctype.
    pub enctype: Enctype,
    /// What the KDC does with the version.
    pub state: KeyState,
    /// How it was salted.
    pub salt: ShownSalt,
}

/// How a key was salted, as kadmin shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownSalt {
    /// Random, or by the default salt.
    Normal,
    /// By another salt.
    Special,
}

bitflags::bitflags! {
    /// The rights of an access list, by its letters.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct Rights: u32 {
        /// `a`: create principals and policies.
        const ADD = 1 << 0;
        /// `d`: delete them.
        const DELETE = 1 << 1;
        /// `m`: modify them.
        const MODIFY = 1 << 2;
        /// `c`: change passwords and make random keys.
        const CHANGE_PASSWORD = 1 << 3;
        /// `i`: look at them.
        const INQUIRE = 1 << 4;
        /// `l`: list them.
        const LIST = 1 << 5;
        /// `p`: propagate the database (iprop); permits nothing here.
        const PROPAGATE = 1 << 6;
        /// `s`: set keys.
        const SET_KEYS = 1 << 7;
        /// `e`: extract keys without changing them; no part of `*`.
        const EXTRACT_KEYS = 1 << 8;
    }
}
