//! Answers of administration as the admin API writes them.

use crate::endpoints::admin_api::keys::state;
use kennel_core::admin::operation::{Answer, PrincipalView, ShownSalt};
use kennel_core::key_set::KeyVersion;
use kennel_core::password_policy::PolicyRecord;
use kennel_core::principal::Origin;
use kennel_core::realm::Realm;
use kennel_wire::admin::{
    AdminAnswer, AdminKey, AdminKeyVersion, PolicyInfo, PolicySettings, PrincipalInfo, ShownKeyInfo,
};
use kennel_wire::enrol::Blob;
use kennel_wire::message::{KerberosTime, Timestamp};
use zeroize::Zeroizing;

/// An answer. `named`: the principal that the operation is about, as it was named.
pub(super) fn admin_answer(answer: Answer, named: Option<String>, realm: &Realm) -> AdminAnswer {
    match answer {
        Answer::Done => AdminAnswer::Done,
        Answer::Principal(view) => AdminAnswer::Principal(Box::new(principal_info(&view, realm))),
        Answer::Names(names) => AdminAnswer::Names { names },
        Answer::Keys(versions) => {
            let versions = versions.iter().map(key_version).collect();
            AdminAnswer::Keys { principal: named.unwrap_or_default(), versions }
        }
        Answer::Strings(strings) => AdminAnswer::Strings { strings },
        Answer::Policy(policy) => AdminAnswer::Policy(policy_info(&policy)),
        Answer::Policies(policies) => AdminAnswer::Policies { policies },
        Answer::Rights(rights) => AdminAnswer::Rights { rights: rights.letters() },
    }
}

fn principal_info(view: &PrincipalView, realm: &Realm) -> PrincipalInfo {
    let PrincipalView { record, keys, logins } = view;
    let seconds = |time: Option<KerberosTime>| time.map(|time| time.0);
    let stamp = |time: Option<Timestamp>| time.map(|time| time.time.0);
    let changed = record.keys.versions.iter().max_by_key(|version| version.kvno).map(|version| version.created);
    PrincipalInfo {
        principal: record.principal.to_string(),
        origin: match record.origin {
            Origin::Manual => "Manual".into(),
            Origin::Kubernetes => "Kubernetes".into(),
        },
        attributes: record.attributes.iter_names().map(|(name, _)| name.to_owned()).collect(),
        max_life: record.max_life.unwrap_or(realm.max_life),
        max_renewable_life: record.max_renewable_life.unwrap_or(realm.max_renewable_life),
        expires: seconds(record.expires),
        password_expires: seconds(record.password_expires),
        last_password_change: stamp(changed),
        policy: record.policy.clone(),
        modified: record.modified.time.0,
        modified_by: record.modified_by.clone(),
        keys: keys
            .iter()
            .map(|key| ShownKeyInfo {
                kvno: key.kvno,
                state: state(key.state),
                enctype: key.enctype.name().to_owned(),
                special_salt: key.salt == ShownSalt::Special,
            })
            .collect(),
        last_success: stamp(logins.last_success),
        last_failure: stamp(logins.last_failure),
        failures: logins.failures,
    }
}

fn key_version(version: &KeyVersion) -> AdminKeyVersion {
    let keys = version.keys.iter().map(|stored| AdminKey {
        enctype: stored.key.enctype().name().to_owned(),
        enctype_number: stored.key.enctype().number(),
        key: Blob(Zeroizing::new(stored.key.expose().to_vec())),
        salt: stored.salt.clone(),
    });
    AdminKeyVersion { kvno: version.kvno, state: state(version.state), keys: keys.collect() }
}

fn policy_info(policy: &PolicyRecord) -> PolicyInfo {
    let rules = &policy.rules;
    PolicyInfo {
        policy: policy.policy().to_owned(),
        settings: PolicySettings {
            min_life: Some(rules.min_life),
            max_life: Some(rules.max_life),
            min_length: Some(rules.min_length),
            min_classes: Some(rules.min_classes),
            history: Some(rules.history),
            max_failures: Some(rules.max_failures),
            failure_count_interval: Some(rules.failure_count_interval),
            lockout_duration: Some(rules.lockout_duration),
            allowed_enctypes: Some(rules.allowed_enctypes.iter().map(|enctype| enctype.name().to_owned()).collect()),
        },
        modified: policy.modified.time.0,
        modified_by: policy.modified_by.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoints::enrolment::api::OPENAPI;
    use kennel_wire::admin::{KeyVersionState, NewKeyInfo, PrincipalSettings, RealmInfo};
    use serde::Serialize;
    use serde_json::Value;
    use std::collections::BTreeSet;

    /// Checks that a body and its schema have the same fields.
    fn same_fields(schema: &str, body: &impl Serialize) {
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        let properties = document["components"]["schemas"][schema]["properties"].as_object().unwrap();
        let body = serde_json::to_value(body).unwrap();
        let fields: BTreeSet<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(properties.keys().collect::<BTreeSet<_>>(), fields, "{schema}");
    }

    fn text() -> Option<String> {
        Some(String::new())
    }

    #[test]
    fn the_document_has_the_fields_of_administration() {
        let (word, blob) = (String::new, || Blob(Zeroizing::new(Vec::new())));
        let state = KeyVersionState::Active;
        let shown = ShownKeyInfo { kvno: 1, state, enctype: word(), special_salt: false };
        same_fields("ShownKeyInfo", &shown);
        let principal = PrincipalInfo {
            principal: word(),
            origin: word(),
            attributes: Vec::new(),
            max_life: 0,
            max_renewable_life: 0,
            expires: Some(0),
            password_expires: Some(0),
            last_password_change: Some(0),
            policy: text(),
            modified: 0,
            modified_by: word(),
            keys: vec![shown],
            last_success: Some(0),
            last_failure: Some(0),
            failures: 0,
        };
        same_fields("PrincipalInfo", &principal);
        let key = AdminKey { enctype: word(), enctype_number: 0, key: blob(), salt: text() };
        same_fields("RealmInfo", &RealmInfo { realm: word() });
        same_fields("AdminKey", &key);
        same_fields("AdminKeyVersion", &AdminKeyVersion { kvno: 1, state, keys: vec![key] });
        same_fields("NewKeyInfo", &NewKeyInfo { enctype: word(), key: blob(), salt: text() });
        let some = Some(Some(0));
        let settings = PrincipalSettings {
            set: vec![word()],
            clear: vec![word()],
            max_life: some,
            max_renewable_life: some,
            expires: Some(Some(0)),
            password_expires: Some(Some(0)),
            policy: Some(text()),
            kvno: Some(1),
            unlock: true,
        };
        same_fields("PrincipalSettings", &settings);
        let policy = policy_info(&PolicyRecord::new("p", "R", Default::default(), Timestamp::default(), "a"));
        same_fields("PolicySettings", &policy.settings);
        same_fields("PolicyInfo", &policy);
    }
}
