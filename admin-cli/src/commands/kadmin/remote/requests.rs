//! Operations of the admin API as arguments of procedures.

use crate::commands::kadmin::attributes::{bits_of_names, names_of_bits};
use anyhow::Context;
use kennel_crypto::Enctype;
use kennel_wire::admin::{
    NewKeyInfo, NewPrincipalKeys, PolicyOperation, PolicySettings, PrincipalOperation, PrincipalSettings,
};
use kennel_wire::kadm5::arguments::Arguments;
use kennel_wire::kadm5::keys::{KeyData, KeySalt, SaltType};
use kennel_wire::kadm5::policy::{PolicyEntry, PolicyMask};
use kennel_wire::kadm5::principal::{KdbAttributes, PrincipalEntry, PrincipalMask, TaggedDatum};
use kennel_wire::message::{EncryptionKey, Principal};

/// The fields of a principal that are shown: all, and its keys without their octets.
pub(crate) fn shown_mask() -> PrincipalMask {
    PrincipalMask::from_bits_retain(0x01_ffff) | PrincipalMask::KEY_DATA
}

/// The arguments of an operation on a principal, which has these attributes now. Names without a realm are of `realm`.
pub(crate) fn principal_arguments(
    operation: PrincipalOperation,
    realm: &str,
    present: KdbAttributes,
) -> anyhow::Result<Arguments> {
    use PrincipalOperation as Asked;
    let name = |text: &str| Principal::parse(text, realm).context("Malformed representation of principal");
    Ok(match operation {
        Asked::Create { principal, keys, enctypes, settings } => create(name(&principal)?, keys, &enctypes, settings)?,
        Asked::Delete { principal } => Arguments::DeletePrincipal(name(&principal)?),
        Asked::Modify { principal, settings } => modify(name(&principal)?, settings, present),
        Asked::Rename { principal, to } => Arguments::RenamePrincipal { from: name(&principal)?, to: name(&to)? },
        Asked::Get { principal } => Arguments::GetPrincipal { principal: name(&principal)?, mask: shown_mask() },
        Asked::List { pattern } => Arguments::GetPrincipals { expression: pattern },
        Asked::SetPassword { principal, password, enctypes, keep_old } => Arguments::ChangePassword {
            principal: name(&principal)?,
            keep_old,
            keysalts: keysalts(&enctypes)?,
            password: password.0,
        },
        Asked::RandomizeKeys { principal, enctypes, keep_old } => {
            Arguments::RandomizeKeys { principal: name(&principal)?, keep_old, keysalts: keysalts(&enctypes)? }
        }
        Asked::SetKeys { principal, keys, kvno, keep_old } => Arguments::SetKeyData {
            principal: name(&principal)?,
            keep_old,
            keys: keys.into_iter().map(|key| key_data(key, kvno)).collect::<anyhow::Result<_>>()?,
        },
        Asked::ExtractKeys { principal, kvno } => {
            Arguments::ExtractKeys { principal: name(&principal)?, kvno: kvno.unwrap_or(0) }
        }
        Asked::PurgeKeys { principal, below, all } => {
            let below = below.map(|kvno| i32::try_from(kvno).unwrap_or(i32::MAX - 1));
            Arguments::PurgeKeys {
                principal: name(&principal)?,
                keep: if all { i32::MAX } else { below.unwrap_or(-1) },
            }
        }
        Asked::GetStrings { principal } => Arguments::GetStrings(name(&principal)?),
        Asked::SetString { principal, key, value } => Arguments::SetString { principal: name(&principal)?, key, value },
        Asked::CreateAlias { alias, principal } => {
            Arguments::CreateAlias { alias: name(&alias)?, target: name(&principal)? }
        }
        Asked::Unlock { principal } => {
            modify(name(&principal)?, PrincipalSettings { unlock: true, ..PrincipalSettings::default() }, present)
        }
        Asked::GetPrivileges => Arguments::GetPrivileges,
    })
}

fn create(
    name: Principal,
    keys: NewPrincipalKeys,
    enctypes: &[String],
    settings: PrincipalSettings,
) -> anyhow::Result<Arguments> {
    let (mut entry, mut mask) = changes(name, &settings);
    mask |= PrincipalMask::PRINCIPAL;
    if !(settings.set.is_empty() && settings.clear.is_empty()) {
        entry.attributes = KdbAttributes::from_bits_retain(bits_of_names(&settings.set));
        mask |= PrincipalMask::ATTRIBUTES;
    }
    let password = match keys {
        NewPrincipalKeys::Random => None,
        NewPrincipalKeys::Password(password) => Some(password.0),
        NewPrincipalKeys::None => {
            mask |= PrincipalMask::KEY_DATA;
            None
        }
    };
    Ok(Arguments::CreatePrincipal { entry: Box::new(entry), mask, keysalts: keysalts(enctypes)?, password })
}

fn modify(name: Principal, settings: PrincipalSettings, present: KdbAttributes) -> Arguments {
    let (mut entry, mut mask) = changes(name, &settings);
    if !(settings.set.is_empty() && settings.clear.is_empty()) {
        let mut names = names_of_bits(present.bits());
        names.extend(settings.set);
        names.retain(|name| !settings.clear.contains(name));
        entry.attributes = KdbAttributes::from_bits_retain(bits_of_names(&names));
        mask |= PrincipalMask::ATTRIBUTES;
    }
    Arguments::ModifyPrincipal { entry: Box::new(entry), mask }
}

/// What changes but for the attributes, and the mask that says so.
fn changes(name: Principal, settings: &PrincipalSettings) -> (PrincipalEntry, PrincipalMask) {
    let mut entry = PrincipalEntry { principal: Some(name), ..PrincipalEntry::default() };
    let mut mask = PrincipalMask::empty();
    let life = |life: Option<u32>| life.map_or(0, |life| i32::try_from(life).unwrap_or(i32::MAX));
    let time = |time: Option<i64>| time.map_or(0, |time| u32::try_from(time.max(0)).unwrap_or(u32::MAX));
    if let Some(own) = settings.max_life {
        (entry.max_life, mask) = (life(own), mask | PrincipalMask::MAX_LIFE);
    }
    if let Some(own) = settings.max_renewable_life {
        (entry.max_renewable_life, mask) = (life(own), mask | PrincipalMask::MAX_RENEWABLE_LIFE);
    }
    if let Some(end) = settings.expires {
        (entry.expires, mask) = (time(end), mask | PrincipalMask::EXPIRES);
    }
    if let Some(end) = settings.password_expires {
        (entry.password_expires, mask) = (time(end), mask | PrincipalMask::PASSWORD_EXPIRES);
    }
    match &settings.policy {
        None => {}
        Some(None) => mask |= PrincipalMask::POLICY_CLEAR,
        Some(policy) => (entry.policy, mask) = (policy.clone(), mask | PrincipalMask::POLICY),
    }
    if let Some(kvno) = settings.kvno {
        (entry.kvno, mask) = (kvno, mask | PrincipalMask::KVNO);
    }
    if settings.unlock {
        // The server takes the time of its own clock.
        entry.tagged = vec![TaggedDatum { tag: TaggedDatum::LAST_ADMIN_UNLOCK, content: vec![0; 4] }];
        mask |= PrincipalMask::FAIL_AUTH_COUNT | PrincipalMask::TL_DATA;
    }
    (entry, mask)
}

fn enctype(name: &str) -> anyhow::Result<Enctype> {
    Enctype::from_name(name).with_context(|| format!("{name:?} is no enctype"))
}

fn keysalts(enctypes: &[String]) -> anyhow::Result<Vec<KeySalt>> {
    let keysalt = |name: &String| Ok(KeySalt { enctype: enctype(name)?.number(), salt_type: SaltType::NORMAL });
    enctypes.iter().map(keysalt).collect()
}

fn key_data(NewKeyInfo { enctype: name, key, salt }: NewKeyInfo, kvno: Option<u32>) -> anyhow::Result<KeyData> {
    let salt_type = if salt.is_some() { SaltType::SPECIAL } else { SaltType::NORMAL };
    let key = EncryptionKey { keytype: enctype(&name)?.number(), keyvalue: key.0 };
    Ok(KeyData { kvno: kvno.unwrap_or(0), key, salt_type, salt: salt.unwrap_or_default().into_bytes() })
}

/// The arguments of an operation on a policy.
pub(crate) fn policy_arguments(operation: PolicyOperation) -> Arguments {
    match operation {
        PolicyOperation::Create { policy, settings } => {
            let (entry, mask) = rules(policy, settings);
            Arguments::CreatePolicy { entry: Box::new(entry), mask: mask | PolicyMask::POLICY }
        }
        PolicyOperation::Modify { policy, settings } => {
            let (entry, mask) = rules(policy, settings);
            Arguments::ModifyPolicy { entry: Box::new(entry), mask }
        }
        PolicyOperation::Delete { policy } => Arguments::DeletePolicy(policy),
        PolicyOperation::Get { policy } => Arguments::GetPolicy(policy),
        PolicyOperation::List { pattern } => Arguments::GetPolicies { expression: pattern },
    }
}

fn rules(policy: String, settings: PolicySettings) -> (PolicyEntry, PolicyMask) {
    let mut mask = PolicyMask::empty();
    let mut number = |field, number: Option<u32>| {
        mask.set(field, number.is_some());
        number.map_or(0, |number| i32::try_from(number).unwrap_or(i32::MAX))
    };
    let entry = PolicyEntry {
        name: Some(policy),
        min_life: number(PolicyMask::MIN_LIFE, settings.min_life),
        max_life: number(PolicyMask::MAX_LIFE, settings.max_life),
        min_length: number(PolicyMask::MIN_LENGTH, settings.min_length),
        min_classes: number(PolicyMask::MIN_CLASSES, settings.min_classes),
        history: number(PolicyMask::HISTORY, settings.history),
        max_failures: number(PolicyMask::MAX_FAILURES, settings.max_failures).cast_unsigned(),
        failure_count_interval: number(PolicyMask::FAILURE_COUNT_INTERVAL, settings.failure_count_interval),
        lockout_duration: number(PolicyMask::LOCKOUT_DURATION, settings.lockout_duration),
        allowed_keysalts: settings.allowed_enctypes.as_ref().map(|names| keysalt_list(names)),
        ..PolicyEntry::default()
    };
    mask.set(PolicyMask::ALLOWED_KEYSALTS, settings.allowed_enctypes.is_some());
    (entry, mask)
}

fn keysalt_list(enctypes: &[String]) -> String {
    enctypes.iter().map(|name| format!("{name}:normal")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(operation: PrincipalOperation) -> Arguments {
        let present = KdbAttributes::REQUIRES_PRE_AUTH | KdbAttributes::DISALLOW_POSTDATED;
        principal_arguments(operation, "R", present).unwrap()
    }

    #[test]
    fn attributes_that_change_are_sent_beside_those_that_stay() {
        let settings = PrincipalSettings {
            set: vec!["DISALLOW_ALL".into()],
            clear: vec!["DISALLOW_POSTDATED".into()],
            ..PrincipalSettings::default()
        };
        let Arguments::ModifyPrincipal { entry, mask } =
            arguments(PrincipalOperation::Modify { principal: "a".into(), settings })
        else {
            panic!("another procedure")
        };
        assert_eq!(mask, PrincipalMask::ATTRIBUTES);
        assert_eq!(entry.attributes, KdbAttributes::REQUIRES_PRE_AUTH | KdbAttributes::DISALLOW_ALL_TIX);
    }

    #[test]
    fn what_is_not_said_is_in_no_mask() {
        let settings = PrincipalSettings {
            max_life: Some(Some(60)),
            expires: Some(None),
            policy: Some(None),
            ..PrincipalSettings::default()
        };
        let keys = NewPrincipalKeys::None;
        let create = PrincipalOperation::Create { principal: "a".into(), keys, enctypes: vec![], settings };
        let Arguments::CreatePrincipal { entry, mask, password, .. } = arguments(create) else {
            panic!("another procedure")
        };
        let expected = PrincipalMask::PRINCIPAL
            | PrincipalMask::MAX_LIFE
            | PrincipalMask::EXPIRES
            | PrincipalMask::POLICY_CLEAR
            | PrincipalMask::KEY_DATA;
        assert_eq!((mask, entry.max_life, entry.expires, password), (expected, 60, 0, None));
    }

    #[test]
    fn versions_to_purge_are_below_a_number_old_ones_or_all() {
        let keep = |below, all| match arguments(PrincipalOperation::PurgeKeys { principal: "a".into(), below, all }) {
            Arguments::PurgeKeys { keep, .. } => keep,
            other => panic!("{other:?}"),
        };
        assert_eq!((keep(Some(3), false), keep(None, false), keep(None, true)), (3, -1, i32::MAX));
    }
}
