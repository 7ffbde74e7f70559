//! Results of procedures as answers of the admin API.

use crate::commands::kadmin::attributes::names_of_bits;
use kennel_crypto::Enctype;
use kennel_wire::admin::{
    AdminAnswer, AdminKey, AdminKeyVersion, KeyVersionState, PolicyInfo, PolicySettings, PrincipalInfo, ShownKeyInfo,
};
use kennel_wire::enrol::Blob;
use kennel_wire::kadm5::keys::{KeyData, SaltType};
use kennel_wire::kadm5::policy::PolicyEntry;
use kennel_wire::kadm5::principal::{KeyLine, PrincipalEntry};
use kennel_wire::kadm5::results::Results;
use kennel_wire::message::{EncryptionKey, Principal};

/// Letters of an access list for the bits of privileges.
const PRIVILEGES: [(u32, char); 4] = [(1, 'i'), (2, 'a'), (4, 'm'), (8, 'd')];

/// The answer that results are.
pub(crate) fn answer(results: Results) -> AdminAnswer {
    match results {
        // New keys without the number of their version: a change that was done.
        Results::Done | Results::Keys(_) => AdminAnswer::Done,
        Results::Principal(entry) => AdminAnswer::Principal(Box::new(principal(*entry))),
        Results::Names(names) => AdminAnswer::Names { names },
        Results::KeyData(keys) => AdminAnswer::Keys { principal: String::new(), versions: versions(keys) },
        Results::Strings(strings) => AdminAnswer::Strings { strings: strings.into_iter().collect() },
        Results::Policy(entry) => AdminAnswer::Policy(policy(*entry)),
        Results::Privileges(bits) => {
            let letters = PRIVILEGES.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, letter)| letter);
            AdminAnswer::Rights { rights: letters.collect() }
        }
    }
}

/// Keys that were made, of one version.
pub(crate) fn keys_of_version(of: &Principal, kvno: u32, keys: Vec<EncryptionKey>) -> AdminAnswer {
    let keys = keys.into_iter().map(|key| admin_key(key, None)).collect();
    let version = AdminKeyVersion { kvno, state: KeyVersionState::Active, keys };
    AdminAnswer::Keys { principal: of.to_string(), versions: vec![version] }
}

/// Versions in the order in which the server sends them.
fn versions(keys: Vec<KeyData>) -> Vec<AdminKeyVersion> {
    let mut versions: Vec<AdminKeyVersion> = Vec::new();
    for KeyData { kvno, key, salt_type, salt } in keys {
        let salt = (salt_type == SaltType::SPECIAL).then(|| String::from_utf8_lossy(&salt).into_owned());
        let key = admin_key(key, salt);
        match versions.iter_mut().find(|version| version.kvno == kvno) {
            Some(version) => version.keys.push(key),
            // The protocol does not say what a version is used for.
            None => versions.push(AdminKeyVersion { kvno, state: KeyVersionState::Active, keys: vec![key] }),
        }
    }
    versions
}

fn admin_key(EncryptionKey { keytype, keyvalue }: EncryptionKey, salt: Option<String>) -> AdminKey {
    AdminKey { enctype: enctype_name(keytype), enctype_number: keytype, key: Blob(keyvalue), salt }
}

fn enctype_name(number: i32) -> String {
    let unknown = || format!("<Encryption type 0x{number:x}>");
    Enctype::from_number(number).map_or_else(unknown, |enctype| enctype.name().to_owned())
}

fn principal(entry: PrincipalEntry) -> PrincipalInfo {
    let name = |name: Option<Principal>| name.as_ref().map(ToString::to_string).unwrap_or_default();
    let time = |time: u32| Some(i64::from(time)).filter(|time| *time != 0);
    let key = |key: &KeyLine| ShownKeyInfo {
        kvno: key.kvno,
        state: KeyVersionState::Active,
        enctype: enctype_name(key.enctype),
        special_salt: key.salt_type == Some(SaltType::SPECIAL),
    };
    PrincipalInfo {
        principal: name(entry.principal),
        // The protocol does not say who made it.
        origin: String::new(),
        attributes: names_of_bits(entry.attributes.bits()),
        max_life: entry.max_life.max(0).cast_unsigned(),
        max_renewable_life: entry.max_renewable_life.max(0).cast_unsigned(),
        expires: time(entry.expires),
        password_expires: time(entry.password_expires),
        last_password_change: time(entry.last_password_change),
        policy: entry.policy,
        modified: i64::from(entry.modified),
        modified_by: name(entry.modified_by),
        keys: entry.keys.iter().map(key).collect(),
        last_success: time(entry.last_success),
        last_failure: time(entry.last_failed),
        failures: entry.fail_auth_count,
    }
}

fn policy(entry: PolicyEntry) -> PolicyInfo {
    let number = |number: i32| Some(number.max(0).cast_unsigned());
    let enctype = |keysalt: &str| keysalt.split(':').next().unwrap_or_default().to_owned();
    let allowed = entry.allowed_keysalts.unwrap_or_default();
    let allowed = allowed.split(',').filter(|keysalt| !keysalt.is_empty()).map(enctype).collect();
    let settings = PolicySettings {
        min_life: number(entry.min_life),
        max_life: number(entry.max_life),
        min_length: number(entry.min_length),
        min_classes: number(entry.min_classes),
        history: number(entry.history),
        max_failures: Some(entry.max_failures),
        failure_count_interval: number(entry.failure_count_interval),
        lockout_duration: number(entry.lockout_duration),
        allowed_enctypes: Some(allowed),
    };
    PolicyInfo { policy: entry.name.unwrap_or_default(), settings, modified: 0, modified_by: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_version_stand_together() {
        let key = |kvno, keytype| KeyData {
            kvno,
            key: EncryptionKey { keytype, keyvalue: vec![7; 16].into() },
            salt_type: SaltType::NORMAL,
            salt: Vec::new(),
        };
        let AdminAnswer::Keys { versions, .. } = answer(Results::KeyData(vec![key(3, 17), key(3, 19), key(2, 17)]))
        else {
            panic!("no keys")
        };
        let of: Vec<_> = versions.iter().map(|version| (version.kvno, version.keys.len())).collect();
        assert_eq!(of, [(3, 2), (2, 1)]);
    }

    #[test]
    fn privileges_are_letters_of_an_access_list() {
        assert_eq!(answer(Results::Privileges(0b1101)), AdminAnswer::Rights { rights: "imd".into() });
    }
}
