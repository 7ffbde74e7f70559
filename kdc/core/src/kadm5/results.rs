//! An answer of administration as results.

use crate::admin::operation::{Answer, PrincipalView, Rights, ShownSalt};
use crate::ap_exchange::encryption_key;
use crate::kadm5::{attributes, policies};
use crate::key_set::{KeyVersion, StoredKey};
use crate::realm::Realm;
use kennel_wire::kadm5::keys::{KeyData, SaltType};
use kennel_wire::kadm5::principal::{KeyLine, PrincipalEntry, PrincipalMask};
use kennel_wire::kadm5::results::Results;
use kennel_wire::message::{KerberosTime, Principal, Timestamp};

/// The results for an answer. `mask` names the fields of a principal that are asked for.
pub(crate) fn results(answer: Answer, mask: PrincipalMask, realm: &Realm) -> Results {
    match answer {
        Answer::Done => Results::Done,
        Answer::Principal(view) => Results::Principal(Box::new(principal(&view, mask, realm))),
        Answer::Names(names) | Answer::Policies(names) => Results::Names(names),
        Answer::Keys(versions) => Results::KeyData(versions.iter().flat_map(key_data).collect()),
        Answer::Strings(strings) => Results::Strings(strings.into_iter().collect()),
        Answer::Policy(record) => Results::Policy(Box::new(policies::shown(&record))),
        Answer::Rights(rights) => Results::Privileges(privileges(rights)),
    }
}

/// The results of a procedure that makes keys: the newest version alone, never one that was there before (CVE-2014-5351).
pub(crate) fn new_keys(versions: &[KeyVersion]) -> Results {
    let newest = versions.iter().max_by_key(|version| version.kvno);
    Results::Keys(newest.into_iter().flat_map(|version| &version.keys).map(|key| encryption_key(&key.key)).collect())
}

fn principal(view: &PrincipalView, mask: PrincipalMask, realm: &Realm) -> PrincipalEntry {
    let record = &view.record;
    let life = |own: Option<u32>, realm: u32| i32::try_from(own.unwrap_or(realm)).unwrap_or(i32::MAX);
    let keys = view.keys.iter().map(|key| KeyLine {
        kvno: key.kvno,
        enctype: key.enctype.number(),
        salt_type: (key.salt == ShownSalt::Special).then_some(SaltType::SPECIAL),
    });
    PrincipalEntry {
        principal: Some(record.principal.clone()),
        expires: record.expires.map_or(0, seconds),
        last_password_change: last_key_change(view).map_or(0, |at| seconds(at.time)),
        password_expires: record.password_expires.map_or(0, seconds),
        max_life: life(record.max_life, realm.max_life),
        // The names of the cluster's users are no names of principals; those that cannot be read as one are left out.
        modified_by: Principal::parse(&record.modified_by, &realm.name).ok(),
        modified: seconds(record.modified.time),
        attributes: attributes::shown(record.attributes),
        kvno: view.keys.iter().map(|key| key.kvno).max().unwrap_or(0),
        master_kvno: 1,
        policy: record.policy.clone(),
        aux_attributes: if record.policy.is_some() { PrincipalMask::POLICY.bits().cast_signed() } else { 0 },
        max_renewable_life: life(record.max_renewable_life, realm.max_renewable_life),
        last_success: view.logins.last_success.map_or(0, |at| seconds(at.time)),
        last_failed: view.logins.last_failure.map_or(0, |at| seconds(at.time)),
        fail_auth_count: view.logins.failures,
        tagged: Vec::new(),
        keys: if mask.contains(PrincipalMask::KEY_DATA) { keys.collect() } else { Vec::new() },
    }
}

/// When its newest keys were made.
fn last_key_change(view: &PrincipalView) -> Option<Timestamp> {
    let versions = &view.record.keys.versions;
    versions.iter().max_by_key(|version| version.kvno).map(|version| version.created)
}

fn key_data(version: &KeyVersion) -> impl Iterator<Item = KeyData> + '_ {
    version.keys.iter().map(|StoredKey { key, salt }| KeyData {
        kvno: version.kvno,
        key: encryption_key(key),
        salt_type: if salt.is_some() { SaltType::SPECIAL } else { SaltType::NORMAL },
        salt: salt.as_deref().unwrap_or_default().as_bytes().to_vec(),
    })
}

fn privileges(rights: Rights) -> u32 {
    const BITS: [(Rights, u32); 4] =
        [(Rights::INQUIRE, 0x01), (Rights::ADD, 0x02), (Rights::MODIFY, 0x04), (Rights::DELETE, 0x08)];
    BITS.into_iter().filter(|(right, _)| rights.contains(*right)).map(|(_, bit)| bit).sum()
}

/// Seconds since the epoch in 32 bits, unsigned.
fn seconds(time: KerberosTime) -> u32 {
    u32::try_from(time.0.max(0)).unwrap_or(u32::MAX)
}
