//! New versions of keys: which enctypes they have, and what becomes of the versions before.

use crate::admin::operation::{KeyChange, NewKey, Purge};
use crate::admin::refusal::AdminRefusal;
use crate::key_set::{KeyState, KeyVersion, StoredKey};
use crate::password_policy::PasswordPolicy;
use crate::principal::{Attributes, PrincipalRecord};
use crate::realm::Realm;
use crate::rotation::accept::longest_ticket;
use crate::rotation::schedule::MAX_VERSIONS;
use kennel_crypto::{Enctype, Key};
use kennel_wire::message::Timestamp;
use rand_core::CryptoRngCore;

/// Returns the enctypes of new keys: those that were asked for, else those of the policy, else those of the realm. No enctype twice.
///
/// # Errors
/// [`AdminRefusal::EnctypeNotAllowed`] where the policy does not allow one that was asked for.
pub fn enctypes_of_new_keys(
    asked: Option<&[Enctype]>,
    policy: Option<&PasswordPolicy>,
    realm: &Realm,
) -> Result<Vec<Enctype>, AdminRefusal> {
    let allowed = policy.map(|policy| &*policy.allowed_enctypes).filter(|allowed| !allowed.is_empty());
    let chosen = match (asked.filter(|asked| !asked.is_empty()), allowed) {
        (Some(asked), Some(allowed)) => match asked.iter().find(|enctype| !allowed.contains(enctype)) {
            Some(other) => return Err(AdminRefusal::EnctypeNotAllowed(*other)),
            None => asked,
        },
        (Some(chosen), None) | (None, Some(chosen)) => chosen,
        (None, None) => &realm.enctypes,
    };
    let mut enctypes = Vec::with_capacity(chosen.len());
    for enctype in chosen {
        if !enctypes.contains(enctype) {
            enctypes.push(*enctype);
        }
    }
    Ok(enctypes)
}

/// Gives the principal a new version of random keys, which is used at once. Whoever asks for it learns the keys: nobody knows in
/// whose hands they are then.
///
/// # Errors
/// [`AdminRefusal::EnctypeNotAllowed`], and [`AdminRefusal::BadValue`] where no version number is left.
pub fn randomize_keys(
    record: &mut PrincipalRecord,
    policy: Option<&PasswordPolicy>,
    change: &KeyChange,
    realm: &Realm,
    now: Timestamp,
    rng: &mut dyn CryptoRngCore,
) -> Result<(), AdminRefusal> {
    let enctypes = enctypes_of_new_keys(change.enctypes.as_deref(), policy, realm)?;
    let keys = enctypes.iter().map(|enctype| StoredKey { key: Key::generate(*enctype, rng), salt: None }).collect();
    install(record, keys, NewVersion { kvno: None, keep_old: change.keep_old }, realm, now)?;
    record.unknown_holder = Some(now);
    key_changed(record, policy, now);
    Ok(())
}

/// Gives the principal keys that the caller brings.
///
/// # Errors
/// [`AdminRefusal::BadValue`] without keys, with two of one enctype, or with a number that is not above all others that stay.
pub fn set_keys(
    record: &mut PrincipalRecord,
    policy: Option<&PasswordPolicy>,
    keys: &[NewKey],
    version: NewVersion,
    realm: &Realm,
    now: Timestamp,
) -> Result<(), AdminRefusal> {
    if keys.is_empty() {
        return Err(AdminRefusal::BadValue("no key is given: give at least one"));
    }
    let enctypes: Vec<Enctype> = keys.iter().map(|key| key.key.enctype()).collect();
    if enctypes_of_new_keys(Some(&enctypes), policy, realm)?.len() < enctypes.len() {
        return Err(AdminRefusal::BadValue("two keys have the same enctype: give one key for each enctype"));
    }
    let keys = keys.iter().map(|key| StoredKey { key: key.key.clone(), salt: key.salt.clone() }).collect();
    install(record, keys, version, realm, now)?;
    record.unknown_holder = Some(now);
    key_changed(record, policy, now);
    Ok(())
}

/// The number of a new version, and whether the old ones stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewVersion {
    /// `None`: the next one.
    pub kvno: Option<u32>,
    /// Whether tickets under the old versions stay good until they end. Without it, the old versions are gone at once.
    pub keep_old: bool,
}

/// Puts a version in front of the others, and issues with it alone from now on.
pub(crate) fn install(
    record: &mut PrincipalRecord,
    keys: Vec<StoredKey>,
    version: NewVersion,
    realm: &Realm,
    now: Timestamp,
) -> Result<(), AdminRefusal> {
    const NO_NUMBER: AdminRefusal =
        AdminRefusal::BadValue("no version number is left: delete the principal and create it again");
    let newest = record.keys.versions.iter().map(|version| version.kvno).max();
    let kvno = match version.kvno {
        None if newest == Some(u32::MAX) => return Err(NO_NUMBER),
        None => realm.new_keys().next_kvno(&record.keys),
        Some(0) => return Err(AdminRefusal::BadValue("a version number is at least 1")),
        Some(kvno) if newest.is_some_and(|newest| kvno <= newest && (version.keep_old || kvno < newest)) => {
            return Err(AdminRefusal::BadValue(
                "the version number is not above those that the principal had: numbers only grow",
            ));
        }
        Some(kvno) => kvno,
    };
    // What krbtgt remembers of the realm's limits stays: other keys need it.
    let accept = record.keys.versions.iter().filter_map(|version| version.accept).max();
    let old = std::mem::take(&mut record.keys.versions);
    let state = KeyState::Active;
    let new = KeyVersion { kvno, state, created: now, activated: Some(now), retired: None, accept, keys };
    record.keys.versions.push(new);
    if version.keep_old {
        // A staged version was never used: no ticket is sealed under it.
        let used = old.into_iter().filter(|version| version.state != KeyState::Staged);
        record.keys.versions.extend(used.map(|version| retired(version, realm, now)).take(MAX_VERSIONS - 1));
    }
    record.rotation_ordered = None;
    Ok(())
}

fn retired(mut version: KeyVersion, realm: &Realm, now: Timestamp) -> KeyVersion {
    if version.state == KeyState::Active {
        (version.state, version.retired) = (KeyState::Retiring, Some(now));
        version.accept = version.accept.max(Some(longest_ticket(realm)));
    }
    version
}

/// What follows from new keys, as in MIT Kerberos: the change that was required is done, and the policy says when the next one is due.
pub(crate) fn key_changed(record: &mut PrincipalRecord, policy: Option<&PasswordPolicy>, now: Timestamp) {
    record.attributes.remove(Attributes::PASSWORD_CHANGE_REQUIRED);
    let life = policy.map(|policy| policy.max_life).filter(|life| *life > 0);
    record.password_expires = life.map(|life| now.time.plus(life.into()));
}

/// Forgets versions of keys. The version in use stays, except where all are to go.
pub fn purge_keys(record: &mut PrincipalRecord, purge: Purge) {
    let newest = record.keys.active_version().map(|version| version.kvno);
    let newest = newest.or_else(|| record.keys.versions.iter().map(|version| version.kvno).max());
    record.keys.versions.retain(|version| match purge {
        Purge::Old => Some(version.kvno) >= newest,
        Purge::Below(kvno) => version.kvno >= kvno || Some(version.kvno) == newest,
        Purge::All => false,
    });
    if purge == Purge::All {
        record.rotation_ordered = None;
    }
}

/// Returns versions of keys for a keytab: one, or all that are used or accepted or will be.
///
/// # Errors
/// [`AdminRefusal::KeysLockedDown`], and [`AdminRefusal::BadValue`] where there is no such version.
pub fn extract_keys(record: &PrincipalRecord, kvno: Option<u32>) -> Result<Vec<KeyVersion>, AdminRefusal> {
    refuse_locked_down(record)?;
    let wanted = record.keys.versions.iter().filter(|version| kvno.is_none_or(|kvno| version.kvno == kvno));
    let found: Vec<KeyVersion> = wanted.cloned().collect();
    if found.is_empty() && kvno.is_some() {
        return Err(AdminRefusal::BadValue("the principal has no keys of this version"));
    }
    Ok(found)
}

/// Refuses where the keys of a principal never leave.
///
/// # Errors
/// [`AdminRefusal::KeysLockedDown`].
pub fn refuse_locked_down(record: &PrincipalRecord) -> Result<(), AdminRefusal> {
    if record.attributes.contains(Attributes::LOCKDOWN_KEYS) {
        return Err(AdminRefusal::KeysLockedDown(record.principal.to_string()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;
    use kennel_wire::message::KerberosTime;
    use rand_core::OsRng;

    const AES: [Enctype; 1] = [Enctype::Aes128CtsHmacSha1];

    fn at(seconds: i64) -> Timestamp {
        Timestamp { time: KerberosTime(seconds), micros: 0 }
    }

    fn realm() -> Realm {
        Realm { enctypes: AES.to_vec(), ..Realm::new("R") }
    }

    fn change(keep_old: bool) -> KeyChange {
        KeyChange { enctypes: None, keep_old }
    }

    fn versions(record: &PrincipalRecord) -> Vec<(u32, KeyState)> {
        record.keys.versions.iter().map(|version| (version.kvno, version.state)).collect()
    }

    #[test]
    fn a_new_version_is_used_at_once_and_the_old_ones_go_or_stay_accepted() {
        let (mut web, realm) = (record("HTTP/web"), realm());
        for (keep_old, expected) in [
            (false, vec![(1, KeyState::Active)]),
            (false, vec![(2, KeyState::Active)]),
            (true, vec![(3, KeyState::Active), (2, KeyState::Retiring)]),
        ] {
            randomize_keys(&mut web, None, &change(keep_old), &realm, at(7), &mut OsRng).unwrap();
            assert_eq!(versions(&web), expected);
        }
        let retired = &web.keys.versions[1];
        assert_eq!((retired.retired, retired.accept), (Some(at(7)), Some(longest_ticket(&realm))));
        assert_eq!(web.unknown_holder, Some(at(7)), "nobody knows who has the keys");
    }

    #[test]
    fn a_staged_version_does_not_outlive_a_new_one_and_its_number_is_not_used_again() {
        let (mut web, realm) = (record("HTTP/web"), realm());
        randomize_keys(&mut web, None, &change(false), &realm, at(1), &mut OsRng).unwrap();
        let staged = KeyVersion { kvno: 2, state: KeyState::Staged, ..web.keys.versions[0].clone() };
        web.keys.versions.insert(0, staged);
        web.rotation_ordered = Some(at(2));
        randomize_keys(&mut web, None, &change(true), &realm, at(3), &mut OsRng).unwrap();
        assert_eq!(versions(&web), [(3, KeyState::Active), (1, KeyState::Retiring)]);
        assert_eq!(web.rotation_ordered, None, "the order is fulfilled");
    }

    #[test]
    fn enctypes_are_those_asked_for_or_of_the_policy_or_of_the_realm() {
        let realm = Realm::new("R");
        let policy = PasswordPolicy { allowed_enctypes: AES.to_vec(), ..PasswordPolicy::default() };
        let chosen = |asked: Option<&[Enctype]>, policy| enctypes_of_new_keys(asked, policy, &realm);
        assert_eq!(chosen(None, None), Ok(realm.enctypes.clone()));
        let silent = PasswordPolicy::default();
        assert_eq!(chosen(None, Some(&silent)), Ok(realm.enctypes.clone()));
        assert_eq!(chosen(None, Some(&policy)), Ok(AES.to_vec()));
        let twice = [AES[0], AES[0]];
        assert_eq!(chosen(Some(&twice), Some(&policy)), Ok(AES.to_vec()));
        let rc4 = [Enctype::Rc4Hmac];
        assert_eq!(chosen(Some(&rc4), None), Ok(rc4.to_vec()));
        assert_eq!(chosen(Some(&rc4), Some(&policy)), Err(AdminRefusal::EnctypeNotAllowed(Enctype::Rc4Hmac)));
    }

    #[test]
    fn keys_that_are_brought_have_one_number_which_is_above_those_that_stay() {
        let (mut web, realm) = (record("HTTP/web"), realm());
        let key = || NewKey { key: Key::generate(AES[0], &mut OsRng), salt: None };
        let mut set = |keys: &[NewKey], kvno, keep_old| {
            set_keys(&mut web, None, keys, NewVersion { kvno, keep_old }, &realm, at(1)).map(|()| versions(&web))
        };
        assert!(matches!(set(&[], None, false), Err(AdminRefusal::BadValue(_))));
        assert!(matches!(set(&[key(), key()], None, false), Err(AdminRefusal::BadValue(_))));
        assert!(matches!(set(&[key()], Some(0), false), Err(AdminRefusal::BadValue(_))));
        assert_eq!(set(&[key()], Some(7), false).unwrap(), [(7, KeyState::Active)]);
        assert_eq!(set(&[key()], Some(7), false).unwrap(), [(7, KeyState::Active)], "the same number, another key");
        assert!(matches!(set(&[key()], Some(7), true), Err(AdminRefusal::BadValue(_))), "two versions of one number");
        assert!(matches!(set(&[key()], Some(6), false), Err(AdminRefusal::BadValue(_))), "numbers only grow");
        assert_eq!(set(&[key()], None, true).unwrap(), [(8, KeyState::Active), (7, KeyState::Retiring)]);
    }

    #[test]
    fn purging_leaves_the_version_in_use_unless_all_are_to_go() {
        let (mut web, realm) = (record("HTTP/web"), realm());
        for _ in 0..4 {
            randomize_keys(&mut web, None, &change(true), &realm, at(1), &mut OsRng).unwrap();
        }
        let purged = |purge| {
            let mut web = web.clone();
            purge_keys(&mut web, purge);
            web.keys.versions.iter().map(|version| version.kvno).collect::<Vec<_>>()
        };
        assert_eq!(purged(Purge::Below(3)), [4, 3]);
        assert_eq!(purged(Purge::Below(9)), [4]);
        assert_eq!(purged(Purge::Old), [4]);
        assert!(purged(Purge::All).is_empty());
    }

    #[test]
    fn keys_that_are_locked_down_are_not_extracted() {
        let (mut web, realm) = (record("HTTP/web"), realm());
        randomize_keys(&mut web, None, &change(false), &realm, at(1), &mut OsRng).unwrap();
        assert_eq!(extract_keys(&web, None).unwrap().len(), 1);
        assert_eq!(extract_keys(&web, Some(1)).unwrap().len(), 1);
        assert!(matches!(extract_keys(&web, Some(2)), Err(AdminRefusal::BadValue(_))));
        web.attributes |= Attributes::LOCKDOWN_KEYS;
        assert_eq!(extract_keys(&web, None), Err(AdminRefusal::KeysLockedDown("HTTP/web@R".into())));
    }

    #[test]
    fn the_last_number_is_never_passed() {
        let (mut web, realm) = (record("HTTP/web"), realm());
        let key = NewKey { key: Key::generate(AES[0], &mut OsRng), salt: None };
        let last = NewVersion { kvno: Some(u32::MAX), keep_old: false };
        set_keys(&mut web, None, &[key], last, &realm, at(1)).unwrap();
        let refused = randomize_keys(&mut web, None, &change(false), &realm, at(2), &mut OsRng);
        assert!(matches!(refused, Err(AdminRefusal::BadValue(_))), "{refused:?}");
    }
}
