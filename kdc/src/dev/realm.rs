//! Writes the plan into the store. Keys that fit the plan stay, so that tickets and keytabs remain valid across restarts.
//! Principals that the plan does not name stay unchanged.

use crate::config::values::Password;
use crate::dev::plan::{Plan, PlannedPrincipal, PlannedTrust};
use anyhow::{Context, bail};
use kennel_core::key_set::{KeySet, KeyState, KeyVersion};
use kennel_core::password_policy::{PasswordPolicy, PolicyRecord};
use kennel_core::principal::{Origin, PrincipalRecord, Record};
use kennel_crypto::{Enctype, Key};
use kennel_store::{Expect, PrincipalStore, VersionedRecord};
use kennel_wire::message::{Principal, Timestamp};
use rand::rngs::OsRng;
use std::fmt;

/// The author of changes, as the records name it.
const BY: &str = "kennel-kdc dev";

/// A name of the plan, and the change to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PreparedName {
    pub(crate) name: Principal,
    pub(crate) outcome: NameOutcome,
}

/// The change to a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NameOutcome {
    Created,
    Kept,
    /// The password or the enctypes have changed, so the keys are new.
    NewKeys {
        /// Version of the new keys.
        kvno: u32,
    },
    /// Attributes or times have changed, and the keys stay.
    Changed,
    /// No file asks for the principal any more.
    Disabled,
    /// The name is now an alias of this principal.
    Alias(Principal),
}

/// Writes the plan into the store. Returns the change to each name, in the order of the plan.
pub(crate) async fn make(store: &dyn PrincipalStore, plan: &Plan, now: Timestamp) -> anyhow::Result<Vec<PreparedName>> {
    for (policy, rules) in &plan.policies {
        make_policy(store, policy, rules, &plan.realm.name, now)
            .await
            .with_context(|| format!("the policy {policy}"))?;
    }
    let mut made = Vec::new();
    for planned in &plan.principals {
        let outcome = make_principal(store, planned, now).await.with_context(|| planned.name.to_string())?;
        made.push(PreparedName { name: planned.name.clone(), outcome });
        for alias in &planned.aliases {
            let outcome = make_alias(store, alias, &planned.name).await.with_context(|| alias.to_string())?;
            made.push(PreparedName { name: alias.clone(), outcome });
        }
    }
    for trust in &plan.trusts {
        for planned in both_ways(trust, &plan.realm.name) {
            let outcome = make_principal(store, &planned, now).await.with_context(|| planned.name.to_string())?;
            made.push(PreparedName { name: planned.name, outcome });
        }
    }
    Ok(made)
}

/// Returns `krbtgt/THEIRS@OURS`, for our clients in the other realm, and `krbtgt/OURS@THEIRS`, for clients of the other realm here.
fn both_ways(trust: &PlannedTrust, ours: &str) -> [PlannedPrincipal; 2] {
    let krbtgt = |name| PlannedPrincipal {
        name,
        password: Some(trust.password.clone()),
        enctypes: trust.enctypes.clone(),
        attributes: Default::default(),
        expires: None,
        password_expires: None,
        session_enctypes: None,
        max_life: None,
        max_renewable_life: None,
        policy: None,
        aliases: Vec::new(),
    };
    [krbtgt(Principal::krbtgt(&trust.realm, ours)), krbtgt(Principal::krbtgt(ours, &trust.realm))]
}

async fn make_policy(
    store: &dyn PrincipalStore,
    policy: &str,
    rules: &PasswordPolicy,
    realm: &str,
    now: Timestamp,
) -> anyhow::Result<()> {
    let name = PolicyRecord::name_of(policy, realm);
    let expect = match store.read(&name).await? {
        None => Expect::Absent,
        Some(VersionedRecord { record: Record::Policy(old), .. }) if old.rules == *rules => return Ok(()),
        Some(VersionedRecord { revision, .. }) => Expect::Revision(revision),
    };
    let record = PolicyRecord::new(policy, realm, rules.clone(), now, BY);
    store.put(&Record::Policy(Box::new(record)), expect).await?;
    Ok(())
}

async fn make_principal(
    store: &dyn PrincipalStore,
    planned: &PlannedPrincipal,
    now: Timestamp,
) -> anyhow::Result<NameOutcome> {
    let (old, expect) = match store.read(&planned.name).await? {
        None => (None, Expect::Absent),
        Some(VersionedRecord { record: Record::Principal(record), revision }) => {
            (Some(record), Expect::Revision(revision))
        }
        Some(VersionedRecord { record: Record::Holder(_) | Record::Policy(_), .. }) => {
            bail!("this name is reserved: choose another one")
        }
        Some(VersionedRecord { record: Record::Alias { target, .. }, .. }) => {
            bail!("the store holds this name as an alias of {target}: choose another name, or another folder (--dir)")
        }
    };
    let (keys, kvno) = keys(planned, old.as_ref().map(|record| &record.keys), now)?;
    let mut record = match &old {
        Some(record) => PrincipalRecord { keys, ..record.as_ref().clone() },
        None => PrincipalRecord::new(planned.name.clone(), Origin::Manual, keys, now, BY),
    };
    record.attributes = planned.attributes;
    record.expires = planned.expires;
    record.password_expires = planned.password_expires;
    record.session_enctypes.clone_from(&planned.session_enctypes);
    record.max_life = planned.max_life;
    record.max_renewable_life = planned.max_renewable_life;
    record.policy.clone_from(&planned.policy);
    let outcome = match (&old, kvno) {
        (None, _) => NameOutcome::Created,
        (Some(old), None) if **old == record => return Ok(NameOutcome::Kept),
        (Some(_), None) => NameOutcome::Changed,
        (Some(_), Some(kvno)) => NameOutcome::NewKeys { kvno },
    };
    record.modified = now;
    record.modified_by = BY.to_owned();
    store.put(&Record::Principal(Box::new(record)), expect).await?;
    Ok(outcome)
}

/// Returns the keys that the principal should have, and the number of the new version where they change.
fn keys(planned: &PlannedPrincipal, old: Option<&KeySet>, now: Timestamp) -> anyhow::Result<(KeySet, Option<u32>)> {
    if let Some(old) = old
        && are_right(planned, old)?
    {
        return Ok((old.clone(), None));
    }
    let newest = old.and_then(|old| old.versions.iter().map(|v| v.kvno).max()).unwrap_or(0);
    let kvno = newest.checked_add(1).context("the key version number is at its maximum: use another folder (--dir)")?;
    let keys = match &planned.password {
        // Drops old keys: each would be an old password that still works.
        Some(password) => KeySet::from_password(&planned.enctypes, kvno, &planned.name, password.expose(), now)?,
        None => {
            let mut keys = KeySet::random(&planned.enctypes, kvno, now, &mut OsRng);
            keys.versions.extend(old.into_iter().flat_map(|old| retired(old, now)));
            keys
        }
    };
    Ok((keys, Some(kvno)))
}

/// Returns the old versions, which stay accepted for the tickets and keytabs that use them.
fn retired(keys: &KeySet, now: Timestamp) -> impl Iterator<Item = KeyVersion> {
    keys.versions.iter().cloned().map(move |mut version| {
        if version.state == KeyState::Active {
            version.state = KeyState::Retiring;
            version.retired = Some(now);
        }
        version
    })
}

/// Whether the active keys have these enctypes and come from this password, or are random where there is none.
fn are_right(planned: &PlannedPrincipal, keys: &KeySet) -> anyhow::Result<bool> {
    let Some(active) = keys.active_version() else { return Ok(false) };
    let have: Vec<Enctype> = active.keys.iter().map(|k| k.key.enctype()).collect();
    if have != planned.enctypes {
        return Ok(false);
    }
    for stored in &active.keys {
        let right = match (&planned.password, &stored.salt) {
            (None, None) => true,
            (Some(password), Some(salt)) => is_from(&stored.key, password, salt)?,
            _ => false,
        };
        if !right {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_from(key: &Key, password: &Password, salt: &str) -> anyhow::Result<bool> {
    Ok(*key == Key::from_password(key.enctype(), password.expose(), salt.as_bytes(), None)?)
}

async fn make_alias(store: &dyn PrincipalStore, alias: &Principal, target: &Principal) -> anyhow::Result<NameOutcome> {
    let expect = match store.read(alias).await? {
        None => Expect::Absent,
        Some(VersionedRecord { record: Record::Alias { target: old, .. }, .. }) if old == *target => {
            return Ok(NameOutcome::Kept);
        }
        Some(VersionedRecord { record: Record::Alias { .. }, revision }) => Expect::Revision(revision),
        Some(VersionedRecord { record: Record::Principal(_) | Record::Holder(_) | Record::Policy(_), .. }) => {
            bail!(
                "the store holds this name as a principal of its own: choose another alias, or another folder (--dir)"
            )
        }
    };
    store.put(&Record::Alias { alias: alias.clone(), target: target.clone(), origin: Origin::Manual }, expect).await?;
    Ok(NameOutcome::Alias(target.clone()))
}

impl fmt::Display for PreparedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.outcome {
            NameOutcome::Created => write!(f, "{name}: created"),
            NameOutcome::Kept => write!(f, "{name}: kept"),
            NameOutcome::NewKeys { kvno } => write!(f, "{name}: new keys, version {kvno}"),
            NameOutcome::Changed => write!(f, "{name}: changed, keys kept"),
            NameOutcome::Disabled => write!(f, "{name}: disabled, since no file asks for it any more"),
            NameOutcome::Alias(target) => write!(f, "{name}: alias of {target}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use kennel_core::principal::Attributes;
    use kennel_store::MemoryStore;

    fn name(text: &str) -> Principal {
        Principal::parse(text, "R").unwrap()
    }

    fn planned(text: &str, password: Option<&str>) -> PlannedPrincipal {
        PlannedPrincipal {
            name: name(text),
            password: password.map(|p| Password::new(p.to_owned())),
            enctypes: vec![Enctype::Aes128CtsHmacSha256, Enctype::Aes128CtsHmacSha1],
            attributes: Attributes::empty(),
            expires: None,
            password_expires: None,
            session_enctypes: None,
            max_life: None,
            max_renewable_life: None,
            policy: None,
            aliases: Vec::new(),
        }
    }

    async fn make_one(store: &MemoryStore, planned: &PlannedPrincipal) -> NameOutcome {
        make_principal(store, planned, clock::now()).await.unwrap()
    }

    async fn keys_of(store: &MemoryStore, text: &str) -> KeySet {
        match store.read(&name(text)).await.unwrap().unwrap().record {
            Record::Principal(record) => record.keys,
            other => panic!("{} is no principal", other.name()),
        }
    }

    #[tokio::test]
    async fn a_second_start_keeps_every_key() {
        let store = MemoryStore::new();
        for planned in [planned("alice", Some("secret")), planned("HTTP/web", None)] {
            assert_eq!(make_one(&store, &planned).await, NameOutcome::Created);
            let before = keys_of(&store, &planned.name.to_string()).await;
            assert_eq!(before.versions[0].kvno, 1);
            assert_eq!(make_one(&store, &planned).await, NameOutcome::Kept);
            assert_eq!(keys_of(&store, &planned.name.to_string()).await, before);
        }
    }

    #[tokio::test]
    async fn another_password_gives_a_new_version_in_place_of_the_old_one() {
        let store = MemoryStore::new();
        make_one(&store, &planned("alice", Some("secret"))).await;
        let other = planned("alice", Some("other"));
        assert_eq!(make_one(&store, &other).await, NameOutcome::NewKeys { kvno: 2 });
        let keys = keys_of(&store, "alice").await;
        let states: Vec<_> = keys.versions.iter().map(|v| (v.kvno, v.state)).collect();
        assert_eq!(states, [(2, KeyState::Active)], "the old password is worth nothing");
        assert_eq!(make_one(&store, &other).await, NameOutcome::Kept);
    }

    #[tokio::test]
    async fn other_enctypes_give_a_service_new_keys_and_the_old_ones_retire() {
        let store = MemoryStore::new();
        make_one(&store, &planned("HTTP/web", None)).await;
        let fewer = PlannedPrincipal { enctypes: vec![Enctype::Aes128CtsHmacSha1], ..planned("HTTP/web", None) };
        assert_eq!(make_one(&store, &fewer).await, NameOutcome::NewKeys { kvno: 2 });
        let keys = keys_of(&store, "HTTP/web").await;
        let states: Vec<_> = keys.versions.iter().map(|v| (v.kvno, v.state)).collect();
        assert_eq!(states, [(2, KeyState::Active), (1, KeyState::Retiring)]);
        assert!(keys.versions[1].retired.is_some());
    }

    #[tokio::test]
    async fn other_attributes_leave_the_keys_alone() {
        let store = MemoryStore::new();
        make_one(&store, &planned("alice", Some("secret"))).await;
        let before = keys_of(&store, "alice").await;
        let locked = PlannedPrincipal { attributes: Attributes::LOCKED, ..planned("alice", Some("secret")) };
        assert_eq!(make_one(&store, &locked).await, NameOutcome::Changed);
        assert_eq!(keys_of(&store, "alice").await, before);
    }

    #[tokio::test]
    async fn an_alias_does_not_replace_a_principal_nor_the_other_way_round() {
        let store = MemoryStore::new();
        make_one(&store, &planned("alice", Some("secret"))).await;
        assert!(make_alias(&store, &name("alice"), &name("bob")).await.is_err());
        let alias = name("al");
        assert_eq!(make_alias(&store, &alias, &name("alice")).await.unwrap(), NameOutcome::Alias(name("alice")));
        assert_eq!(make_alias(&store, &alias, &name("alice")).await.unwrap(), NameOutcome::Kept);
        assert!(make_principal(&store, &planned("al", None), clock::now()).await.is_err());
    }

    #[test]
    fn a_trust_has_one_key_for_each_direction() {
        let trust = PlannedTrust {
            realm: "FAR".into(),
            password: Password::new("p".into()),
            kdc: None,
            enctypes: vec![Enctype::Aes256CtsHmacSha1],
        };
        let names = both_ways(&trust, "HERE").map(|p| p.name.to_string());
        assert_eq!(names, ["krbtgt/FAR@HERE", "krbtgt/HERE@FAR"]);
    }
}
