//! Principals: created, modified, and as they are shown.

use crate::admin::keys::randomize_keys;
use crate::admin::logins::Logins;
use crate::admin::names::is_own_krbtgt;
use crate::admin::operation::{
    FirstKeys, KeyChange, NewPrincipal, PrincipalChanges, PrincipalView, ShownKey, ShownSalt,
};
use crate::admin::password::{check_new_password, password_changed};
use crate::admin::refusal::AdminRefusal;
use crate::key_set::{KeySet, default_salt};
use crate::password_policy::PasswordPolicy;
use crate::principal::{Attributes, Origin, PrincipalRecord};
use crate::realm::Realm;
use kennel_wire::message::Timestamp;
use rand_core::CryptoRngCore;

/// Makes a principal.
pub(super) fn create(
    new: &NewPrincipal,
    policy: Option<&PasswordPolicy>,
    realm: &Realm,
    by: &str,
    now: Timestamp,
    rng: &mut dyn CryptoRngCore,
) -> Result<PrincipalRecord, AdminRefusal> {
    let mut record = PrincipalRecord::new(new.name.clone(), Origin::Manual, KeySet::default(), now, by);
    let change = KeyChange { enctypes: new.enctypes.clone(), keep_old: false };
    match &new.keys {
        FirstKeys::None => {}
        FirstKeys::Random => {
            randomize_keys(&mut record, policy, &change, realm, now, rng)?;
            // Nobody has received them.
            record.unknown_holder = None;
        }
        FirstKeys::Password(password) => {
            check_new_password(&record, policy, password.expose(), false, realm, now)?;
            record = password_changed(&record, policy, password.expose(), &change, realm, now)?;
        }
    }
    modify(&mut record, &new.changes, None)?;
    Ok(record)
}

/// Applies changes. `policy`: the rules of a policy that the changes name.
pub(super) fn modify(
    record: &mut PrincipalRecord,
    changes: &PrincipalChanges,
    policy: Option<&PasswordPolicy>,
) -> Result<(), AdminRefusal> {
    fn set<T: Clone>(field: &mut Option<T>, change: &Option<Option<T>>) {
        if let Some(value) = change {
            field.clone_from(value);
        }
    }
    record.attributes = (record.attributes - changes.clear) | changes.set;
    if changes.unlock {
        record.attributes.remove(Attributes::LOCKED);
    }
    set(&mut record.max_life, &changes.max_life);
    set(&mut record.max_renewable_life, &changes.max_renewable_life);
    set(&mut record.expires, &changes.expires);
    if let Some(name) = &changes.policy {
        record.policy.clone_from(name);
        if name.is_none() {
            record.password_expires = None;
        } else if let Some(policy) = policy {
            let changed = record.keys.active_version().map(|version| version.created);
            let life = Some(policy.max_life).filter(|life| *life > 0);
            record.password_expires = changed.zip(life).map(|(changed, life)| changed.time.plus(life.into()));
        }
    }
    set(&mut record.password_expires, &changes.password_expires);
    changes.kvno.map_or(Ok(()), |kvno| renumber(record, kvno))
}

/// Gives the newest version another number.
fn renumber(record: &mut PrincipalRecord, kvno: u32) -> Result<(), AdminRefusal> {
    let is_own_krbtgt = is_own_krbtgt(&record.principal);
    let mut versions = record.keys.versions.iter_mut();
    let Some(newest) = versions.next() else {
        return Err(AdminRefusal::BadValue("the principal has no keys whose version could have another number"));
    };
    if newest.kvno == kvno {
        return Ok(());
    }
    if is_own_krbtgt {
        return Err(AdminRefusal::BadValue("tickets of the realm name the version of its key: make a new one"));
    }
    if kvno == 0 || versions.any(|version| version.kvno >= kvno) {
        return Err(AdminRefusal::BadValue(
            "the version number is not above those of the older keys: purge them first",
        ));
    }
    newest.kvno = kvno;
    Ok(())
}

/// Gives the principal another name. The salts of its passwords stay as they are.
pub(super) fn renamed(record: &PrincipalRecord, to: &kennel_wire::message::Principal) -> PrincipalRecord {
    PrincipalRecord { principal: to.clone(), ..record.clone() }
}

/// A principal as it is shown: no key is in it.
pub(super) fn view(record: &PrincipalRecord, logins: Logins) -> PrincipalView {
    let salt = default_salt(&record.principal);
    let shown = record.keys.versions.iter().flat_map(|version| {
        version.keys.iter().map(|key| ShownKey {
            kvno: version.kvno,
            enctype: key.key.enctype(),
            state: version.state,
            salt: match &key.salt {
                Some(other) if *other != salt => ShownSalt::Special,
                _ => ShownSalt::Normal,
            },
        })
    });
    let keys = shown.collect();
    let mut record = record.clone();
    record.keys.versions.iter_mut().for_each(|version| version.keys.clear());
    record.password_history.clear();
    PrincipalView { record, keys, logins }
}

/// Refuses to change what objects of the cluster say, and names what to edit.
pub(super) fn refuse_owned(record: &PrincipalRecord, forced: bool) -> Result<(), AdminRefusal> {
    if record.origin == Origin::Manual || forced {
        return Ok(());
    }
    let name = &record.principal;
    let namespace = record.namespace.as_deref().unwrap_or("its namespace");
    let account = match &*name.name.components {
        [account] => account.strip_suffix(namespace).and_then(|account| account.strip_suffix('.')),
        _ => None,
    };
    let is_declared = record.owner.as_ref().is_some_and(|owner| owner.object.is_some());
    let object = match account {
        Some(account) if !is_declared => format!("the ServiceAccount {account} in namespace {namespace}"),
        _ => format!("the KerberosPrincipal in namespace {namespace} that asks for it"),
    };
    Err(AdminRefusal::OwnedByKubernetes { name: name.to_string(), object })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::principal::Owner;
    use crate::testing::record;
    use kennel_crypto::{Enctype, SecretBytes};
    use kennel_wire::message::KerberosTime;
    use rand_core::OsRng;

    fn at(seconds: i64) -> Timestamp {
        Timestamp { time: KerberosTime(seconds), micros: 0 }
    }

    fn new(name: &str, keys: FirstKeys, changes: PrincipalChanges) -> PrincipalRecord {
        let realm = Realm { enctypes: vec![Enctype::Aes128CtsHmacSha1], ..Realm::new("R") };
        let new = NewPrincipal { name: record(name).principal, keys, enctypes: None, changes };
        create(&new, None, &realm, "admin@R", at(100), &mut OsRng).unwrap()
    }

    fn password() -> FirstKeys {
        FirstKeys::Password(SecretBytes::new(b"secret".to_vec()))
    }

    #[test]
    fn a_person_with_a_password_is_no_service_unless_asked_for() {
        let server = |name, keys, clear| {
            let changes = PrincipalChanges { clear, ..PrincipalChanges::default() };
            !new(name, keys, changes).attributes.contains(Attributes::DISALLOW_SERVER)
        };
        assert!(!server("alice", password(), Attributes::empty()));
        assert!(server("alice", password(), Attributes::DISALLOW_SERVER), "+allow_svr");
        assert!(server("alice", FirstKeys::Random, Attributes::empty()));
        assert!(server("host/alice", password(), Attributes::empty()));
    }

    #[test]
    fn the_first_keys_are_random_or_of_a_password_or_none() {
        assert!(new("a", FirstKeys::None, PrincipalChanges::default()).keys.versions.is_empty());
        let random = new("a", FirstKeys::Random, PrincipalChanges::default());
        assert_eq!((random.keys.versions[0].kvno, random.keys.password_set(), random.unknown_holder), (1, None, None));
        let numbered = PrincipalChanges { kvno: Some(7), ..PrincipalChanges::default() };
        let person = new("a", password(), numbered);
        assert_eq!((person.keys.versions[0].kvno, person.keys.password_set()), (7, Some(at(100))));
    }

    #[test]
    fn a_new_policy_counts_from_the_last_change_of_the_password_and_none_ends_nothing() {
        let mut alice = new("alice", password(), PrincipalChanges::default());
        let rules = PasswordPolicy { max_life: 50, ..PasswordPolicy::default() };
        let named = |policy: Option<&str>| PrincipalChanges {
            policy: Some(policy.map(Into::into)),
            ..PrincipalChanges::default()
        };
        modify(&mut alice, &named(Some("p")), Some(&rules)).unwrap();
        assert_eq!((alice.policy.as_deref(), alice.password_expires), (Some("p"), Some(KerberosTime(150))));
        modify(&mut alice, &named(None), None).unwrap();
        assert_eq!((alice.policy.as_deref(), alice.password_expires), (None, None));
    }

    #[test]
    fn a_version_gets_another_number_above_the_older_ones_and_krbtgt_does_not() {
        let mut web = new("HTTP/web", FirstKeys::Random, PrincipalChanges::default());
        assert!(renumber(&mut web, 0).is_err());
        renumber(&mut web, 9).unwrap();
        assert_eq!(web.keys.versions[0].kvno, 9);
        let mut older = web.keys.versions[0].clone();
        older.kvno = 4;
        web.keys.versions.push(older);
        assert!(renumber(&mut web, 4).is_err());
        renumber(&mut web, 5).unwrap();
        let mut krbtgt = new("krbtgt/R", FirstKeys::Random, PrincipalChanges::default());
        assert!(renumber(&mut krbtgt, 9).is_err());
        assert!(renumber(&mut record("nobody"), 9).is_err());
    }

    #[test]
    fn a_view_has_no_key_and_says_which_salts_are_special() {
        let alice = new("alice", password(), PrincipalChanges::default());
        let shown = view(&renamed(&alice, &record("bob").principal), Logins::default());
        assert_eq!((shown.keys[0].salt, shown.keys[0].kvno), (ShownSalt::Special, 1));
        assert!(shown.record.keys.versions.iter().all(|version| version.keys.is_empty()));
        assert_eq!(view(&alice, Logins::default()).keys[0].salt, ShownSalt::Normal);
    }

    #[test]
    fn what_kubernetes_owns_names_the_object_to_edit() {
        let mut web = record("web.shop");
        assert_eq!(refuse_owned(&web, false), Ok(()));
        (web.origin, web.namespace) = (Origin::Kubernetes, Some("shop".into()));
        web.owner = Some(Owner::account("u"));
        assert_eq!(refuse_owned(&web, true), Ok(()));
        let said = refuse_owned(&web, false).unwrap_err().to_string();
        assert!(said.contains("the ServiceAccount web in namespace shop"), "{said}");
        let mut http = record("HTTP/web.shop.svc");
        (http.origin, http.namespace) = (Origin::Kubernetes, Some("shop".into()));
        http.owner = Some(Owner::object("u", "v"));
        let said = refuse_owned(&http, false).unwrap_err().to_string();
        assert!(said.contains("the KerberosPrincipal in namespace shop"), "{said}");
    }
}
