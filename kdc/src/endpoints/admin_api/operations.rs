//! Operations of administration, read from the bodies of the admin API.

use crate::endpoints::admin_api::refusal::AdminRefusal;
use kennel_core::admin::operation::{
    FirstKeys, KeyChange, NewKey, NewPrincipal, Operation, PolicyChanges, PrincipalChanges, Purge,
};
use kennel_core::password_policy::PasswordPolicy;
use kennel_core::principal::Attributes;
use kennel_crypto::{Enctype, Key, SecretBytes};
use kennel_wire::admin::{
    NewKeyInfo, NewPrincipalKeys, PolicyOperation, PolicySettings, PrincipalOperation, PrincipalSettings,
};
use kennel_wire::enrol::Blob;
use kennel_wire::message::{KerberosTime, Principal};

/// Reads an operation on principals. Names without a realm are of `realm`.
pub(super) fn principal_operation(body: PrincipalOperation, realm: &str) -> Result<Operation, AdminRefusal> {
    use PrincipalOperation as Body;
    let name = |text: &str| {
        let malformed = |error| AdminRefusal::QueryMalformed(format!("{text:?} is no name of a principal: {error}"));
        Principal::parse(text, realm).map_err(malformed)
    };
    Ok(match body {
        Body::Create { principal, keys, enctypes, settings } => {
            let (name, changes) = (name(&principal)?, changes(settings)?);
            let (keys, enctypes) = (first_keys(keys), some_enctypes(&enctypes)?);
            Operation::CreatePrincipal(Box::new(NewPrincipal { name, keys, enctypes, changes }))
        }
        Body::Delete { principal } => Operation::DeletePrincipal(name(&principal)?),
        Body::Modify { principal, settings } => {
            Operation::ModifyPrincipal(name(&principal)?, Box::new(changes(settings)?))
        }
        Body::Rename { principal, to } => Operation::RenamePrincipal { from: name(&principal)?, to: name(&to)? },
        Body::Get { principal } => Operation::GetPrincipal(name(&principal)?),
        Body::List { pattern } => Operation::ListPrincipals(pattern),
        Body::SetPassword { principal, password, enctypes, keep_old } => {
            let rules = KeyChange { enctypes: some_enctypes(&enctypes)?, keep_old };
            Operation::ChangePassword { name: name(&principal)?, password: secret(password), rules }
        }
        Body::RandomizeKeys { principal, enctypes, keep_old } => {
            let change = KeyChange { enctypes: some_enctypes(&enctypes)?, keep_old };
            Operation::RandomizeKeys(name(&principal)?, change)
        }
        Body::SetKeys { principal, keys, kvno, keep_old } => {
            let keys = keys.into_iter().map(new_key).collect::<Result<_, _>>()?;
            Operation::SetKeys { name: name(&principal)?, keys, kvno, keep_old }
        }
        Body::ExtractKeys { principal, kvno } => Operation::ExtractKeys { name: name(&principal)?, kvno },
        Body::PurgeKeys { principal, below, all } => {
            let purge = match (below, all) {
                (None, true) => Purge::All,
                (Some(kvno), false) => Purge::Below(kvno),
                (None, false) => Purge::Old,
                (Some(_), true) => return Err(AdminRefusal::QueryMalformed("give below, or all: true".into())),
            };
            Operation::PurgeKeys(name(&principal)?, purge)
        }
        Body::GetStrings { principal } => Operation::GetStrings(name(&principal)?),
        Body::SetString { principal, key, value } => Operation::SetString { name: name(&principal)?, key, value },
        Body::CreateAlias { alias, principal } => {
            Operation::CreateAlias { alias: name(&alias)?, target: name(&principal)? }
        }
        Body::Unlock { principal } => Operation::Unlock(name(&principal)?),
        Body::GetPrivileges => Operation::GetPrivileges,
    })
}

/// Reads an operation on policies.
pub(super) fn policy_operation(body: PolicyOperation) -> Result<Operation, AdminRefusal> {
    Ok(match body {
        PolicyOperation::Create { policy, settings } => {
            Operation::CreatePolicy(policy, Box::new(rules(policy_changes(settings)?)))
        }
        PolicyOperation::Modify { policy, settings } => {
            Operation::ModifyPolicy(policy, Box::new(policy_changes(settings)?))
        }
        PolicyOperation::Delete { policy } => Operation::DeletePolicy(policy),
        PolicyOperation::Get { policy } => Operation::GetPolicy(policy),
        PolicyOperation::List { pattern } => Operation::ListPolicies(pattern),
    })
}

fn first_keys(keys: NewPrincipalKeys) -> FirstKeys {
    match keys {
        NewPrincipalKeys::Random => FirstKeys::Random,
        NewPrincipalKeys::Password(password) => FirstKeys::Password(secret(password)),
        NewPrincipalKeys::None => FirstKeys::None,
    }
}

fn secret(blob: Blob) -> SecretBytes {
    SecretBytes::new(blob.0.to_vec())
}

fn new_key(NewKeyInfo { enctype: name, key, salt }: NewKeyInfo) -> Result<NewKey, AdminRefusal> {
    let key = Key::new(enctype(&name)?, &key.0);
    let key = key.map_err(|error| AdminRefusal::QueryMalformed(format!("a key cannot be used: {error}")))?;
    Ok(NewKey { key, salt })
}

fn enctype(name: &str) -> Result<Enctype, AdminRefusal> {
    let names = || Enctype::ALL.map(Enctype::name).join(", ");
    Enctype::from_name(name)
        .ok_or_else(|| AdminRefusal::QueryMalformed(format!("{name:?} is no enctype: give one of {}", names())))
}

fn enctypes(names: &[String]) -> Result<Vec<Enctype>, AdminRefusal> {
    names.iter().map(|name| enctype(name)).collect()
}

fn some_enctypes(names: &[String]) -> Result<Option<Vec<Enctype>>, AdminRefusal> {
    Ok(Some(enctypes(names)?).filter(|enctypes| !enctypes.is_empty()))
}

fn attributes(names: &[String]) -> Result<Attributes, AdminRefusal> {
    let attribute = |name: &String| {
        Attributes::from_name(name).ok_or_else(|| {
            let names: Vec<&str> = Attributes::all().iter_names().map(|(name, _)| name).collect();
            AdminRefusal::QueryMalformed(format!("{name:?} is no attribute: give one of {}", names.join(", ")))
        })
    };
    names.iter().map(attribute).try_fold(Attributes::empty(), |all, one| Ok(all | one?))
}

fn changes(settings: PrincipalSettings) -> Result<PrincipalChanges, AdminRefusal> {
    let time = |time: Option<Option<i64>>| time.map(|time| time.map(KerberosTime));
    Ok(PrincipalChanges {
        set: attributes(&settings.set)?,
        clear: attributes(&settings.clear)?,
        max_life: settings.max_life,
        max_renewable_life: settings.max_renewable_life,
        expires: time(settings.expires),
        password_expires: time(settings.password_expires),
        policy: settings.policy,
        kvno: settings.kvno,
        unlock: settings.unlock,
        force: false,
    })
}

fn policy_changes(settings: PolicySettings) -> Result<PolicyChanges, AdminRefusal> {
    Ok(PolicyChanges {
        min_life: settings.min_life,
        max_life: settings.max_life,
        min_length: settings.min_length,
        min_classes: settings.min_classes,
        history: settings.history,
        max_failures: settings.max_failures,
        failure_count_interval: settings.failure_count_interval,
        lockout_duration: settings.lockout_duration,
        allowed_enctypes: settings.allowed_enctypes.map(|names| enctypes(&names)).transpose()?,
    })
}

/// What is not said is the default.
fn rules(changes: PolicyChanges) -> PasswordPolicy {
    let default = PasswordPolicy::default();
    PasswordPolicy {
        min_life: changes.min_life.unwrap_or(default.min_life),
        max_life: changes.max_life.unwrap_or(default.max_life),
        min_length: changes.min_length.unwrap_or(default.min_length),
        min_classes: changes.min_classes.unwrap_or(default.min_classes),
        history: changes.history.unwrap_or(default.history),
        max_failures: changes.max_failures.unwrap_or(default.max_failures),
        failure_count_interval: changes.failure_count_interval.unwrap_or(default.failure_count_interval),
        lockout_duration: changes.lockout_duration.unwrap_or(default.lockout_duration),
        allowed_enctypes: changes.allowed_enctypes.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: serde_json::Value) -> Result<Operation, AdminRefusal> {
        principal_operation(serde_json::from_value(body).unwrap(), "R")
    }

    #[test]
    fn a_body_becomes_its_operation() {
        let created = read(json!({
            "operation": "create", "principal": "alice", "keys": { "password": "c2VjcmV0" },
            "enctypes": ["aes256-cts-hmac-sha1-96"],
            "settings": { "set": ["DISALLOW_POSTDATED"], "maxLife": 60, "expires": null, "policy": "users" }
        }));
        let Operation::CreatePrincipal(new) = created.unwrap() else { panic!("another operation") };
        assert_eq!((new.name.to_string(), new.changes.set), ("alice@R".into(), Attributes::DISALLOW_POSTDATED));
        assert_eq!((new.changes.max_life, new.changes.expires), (Some(Some(60)), Some(None)));
        assert!(matches!(&new.keys, FirstKeys::Password(password) if password.expose() == b"secret"));
        assert_eq!(new.enctypes, Some(vec![Enctype::Aes256CtsHmacSha1]));
        let purge = |body| read(body).map(|operation| matches!(operation, Operation::PurgeKeys(_, Purge::Below(3))));
        assert_eq!(purge(json!({ "operation": "purgeKeys", "principal": "a", "below": 3 })), Ok(true));
        assert!(purge(json!({ "operation": "purgeKeys", "principal": "a", "below": 3, "all": true })).is_err());
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        for (body, said) in [
            (json!({ "operation": "get", "principal": "a@b@c" }), "no name of a principal"),
            (json!({ "operation": "randomizeKeys", "principal": "a", "enctypes": ["des"] }), "\"des\" is no enctype"),
            (json!({ "operation": "modify", "principal": "a", "settings": { "set": ["X"] } }), "\"X\" is no attribute"),
        ] {
            let Err(AdminRefusal::QueryMalformed(error)) = read(body) else { panic!("accepted") };
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_policy_begins_with_the_defaults() {
        let body = json!({ "operation": "create", "policy": "p", "settings": { "minLength": 8 } });
        let Operation::CreatePolicy(_, rules) = policy_operation(serde_json::from_value(body).unwrap()).unwrap() else {
            panic!("another operation")
        };
        assert_eq!(*rules, PasswordPolicy { min_length: 8, ..PasswordPolicy::default() });
    }
}
