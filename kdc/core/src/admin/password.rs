//! Passwords: whether a new one is good enough, and the record that has it.

use crate::admin::keys::{NewVersion, enctypes_of_new_keys, install, key_changed};
use crate::admin::operation::KeyChange;
use crate::admin::refusal::AdminRefusal;
use crate::key_set::{StoredKey, default_salt};
use crate::password_policy::PasswordPolicy;
use crate::principal::{Attributes, PrincipalRecord};
use crate::realm::Realm;
use kennel_crypto::{Enctype, Key};
use kennel_wire::message::Timestamp;

/// Longest password, octets.
pub const LONGEST_PASSWORD: usize = 1024;
/// Most earlier passwords that are remembered, whatever the policy says: each costs a derivation of a key at a change.
pub const LONGEST_HISTORY: u32 = 64;

/// Checks a new password of a principal (of a record without keys: of a new one) by its policy. Derives keys, which takes
/// milliseconds for each earlier password that the policy remembers. `self_service`: whether the principal itself changes it, which
/// the least life of a password keeps from going round in its history. As in MIT Kerberos, the realm's dictionary is for principals that
/// have a policy.
///
/// # Errors
/// What the password lacks; [`AdminRefusal::PasswordTooYoung`].
pub fn check_new_password(
    record: &PrincipalRecord,
    policy: Option<&PasswordPolicy>,
    password: &[u8],
    self_service: bool,
    realm: &Realm,
    now: Timestamp,
) -> Result<(), AdminRefusal> {
    if password.is_empty() {
        return Err(AdminRefusal::PasswordTooShort(policy.map_or(1, |policy| policy.min_length.max(1))));
    }
    if password.len() > LONGEST_PASSWORD {
        return Err(AdminRefusal::BadValue("the password is longer than 1024 octets"));
    }
    let Some(policy) = policy else { return Ok(()) };
    if self_service {
        check_min_life(record, policy, now)?;
    }
    if length(password) < policy.min_length {
        return Err(AdminRefusal::PasswordTooShort(policy.min_length));
    }
    if classes(password) < policy.min_classes {
        return Err(AdminRefusal::PasswordTooSimple(policy.min_classes));
    }
    let is_part = |part: &String| part.as_bytes().eq_ignore_ascii_case(password);
    let is_word = realm.dictionary.as_ref().is_some_and(|dictionary| dictionary.contains(password));
    if is_word || record.principal.name.components.iter().any(is_part) || is_part(&record.principal.realm) {
        return Err(AdminRefusal::PasswordInDictionary);
    }
    check_history(record, policy, password)
}

/// Checks that the keys of a principal are old enough for the principal itself to change them.
///
/// # Errors
/// [`AdminRefusal::PasswordTooYoung`].
pub fn check_min_life(record: &PrincipalRecord, policy: &PasswordPolicy, now: Timestamp) -> Result<(), AdminRefusal> {
    let Some(version) = record.keys.active_version() else { return Ok(()) };
    let from = version.created.time.plus(policy.min_life.into());
    let is_required = record.attributes.contains(Attributes::PASSWORD_CHANGE_REQUIRED);
    if now.time < from && !is_required { Err(AdminRefusal::PasswordTooYoung(from)) } else { Ok(()) }
}

/// Returns the record with keys of a new password, which [`check_new_password`] has admitted: the former password goes into the
/// history, and the policy says when the new one expires. The first password of a principal of one component makes it nobody's service
/// (`DISALLOW_SVR`): whoever has a ticket under the key of a password can guess the password off line. Derives a key for each enctype,
/// which takes milliseconds each.
///
/// # Errors
/// [`AdminRefusal::EnctypeNotAllowed`], and [`AdminRefusal::BadValue`] where no version number is left or a key cannot be made from the
/// password.
pub fn password_changed(
    record: &PrincipalRecord,
    policy: Option<&PasswordPolicy>,
    password: &[u8],
    change: &KeyChange,
    realm: &Realm,
    now: Timestamp,
) -> Result<PrincipalRecord, AdminRefusal> {
    let salt = default_salt(&record.principal);
    let enctypes = enctypes_of_new_keys(change.enctypes.as_deref(), policy, realm)?;
    let keys = enctypes.iter().map(|enctype| derive(*enctype, password, &salt));
    let keys = keys.collect::<Result<Vec<_>, AdminRefusal>>()?;
    let mut changed = record.clone();
    if present(record).is_none() && record.principal.name.components.len() == 1 {
        changed.attributes |= Attributes::DISALLOW_SERVER;
    }
    remember(&mut changed, policy);
    install(&mut changed, keys, NewVersion { kvno: None, keep_old: change.keep_old }, realm, now)?;
    key_changed(&mut changed, policy, now);
    changed.unknown_holder = None;
    Ok(changed)
}

fn derive(enctype: Enctype, password: &[u8], salt: &str) -> Result<StoredKey, AdminRefusal> {
    let key = Key::from_password(enctype, password, salt.as_bytes(), None);
    let key =
        key.map_err(|_| AdminRefusal::BadValue("a key of one of the enctypes cannot be made from this password"))?;
    Ok(StoredKey { key, salt: Some(salt.to_owned()) })
}

/// Puts the present password into the history, as far back as the policy looks. One key tells a password.
fn remember(record: &mut PrincipalRecord, policy: Option<&PasswordPolicy>) {
    // The present one counts.
    let most = policy.map_or(0, |policy| policy.history.clamp(1, LONGEST_HISTORY)).saturating_sub(1) as usize;
    if let Some(present) = present(record).cloned()
        && most > 0
    {
        record.password_history.insert(0, vec![present]);
    }
    record.password_history.truncate(most);
}

/// A key of the present password.
fn present(record: &PrincipalRecord) -> Option<&StoredKey> {
    record.keys.active_version()?.keys.iter().find(|key| key.salt.is_some())
}

fn check_history(record: &PrincipalRecord, policy: &PasswordPolicy, password: &[u8]) -> Result<(), AdminRefusal> {
    let earlier = policy.history.clamp(1, LONGEST_HISTORY).saturating_sub(1) as usize;
    let earlier =
        record.password_history.iter().take(earlier).filter_map(|keys| keys.iter().find(|key| key.salt.is_some()));
    // Most have the same enctype and salt.
    let mut derived: Vec<StoredKey> = Vec::new();
    for old in present(record).into_iter().chain(earlier) {
        let (enctype, salt) = (old.key.enctype(), old.salt.as_deref().unwrap_or_default());
        if !derived.iter().any(|new| new.key.enctype() == enctype && new.salt == old.salt) {
            match derive(enctype, password, salt) {
                Ok(key) => derived.push(key),
                Err(_) => continue,
            }
        }
        if derived.iter().any(|new| new.key == old.key && new.salt == old.salt) {
            return Err(AdminRefusal::PasswordReused);
        }
    }
    Ok(())
}

/// Characters, or octets where the password is no UTF-8.
fn length(password: &[u8]) -> u32 {
    let length = std::str::from_utf8(password).map_or(password.len(), |text| text.chars().count());
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Number of kinds of characters: small letters, capital letters, digits, punctuation, others.
fn classes(password: &[u8]) -> u32 {
    let kind = |octet: &u8| match octet {
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        b'0'..=b'9' => 4,
        octet if octet.is_ascii_punctuation() => 8,
        _ => 16u32,
    };
    password.iter().map(kind).fold(0, |all, kind| all | kind).count_ones()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;
    use kennel_wire::message::KerberosTime;
    use std::sync::Arc;

    fn at(seconds: i64) -> Timestamp {
        Timestamp { time: KerberosTime(seconds), micros: 0 }
    }

    fn realm() -> Realm {
        Realm { enctypes: vec![Enctype::Aes128CtsHmacSha1], ..Realm::new("R") }
    }

    fn policy() -> PasswordPolicy {
        PasswordPolicy::default()
    }

    fn check(record: &PrincipalRecord, policy: &PasswordPolicy, password: &str) -> Result<(), AdminRefusal> {
        check_new_password(record, Some(policy), password.as_bytes(), false, &realm(), at(0))
    }

    fn changed(record: &PrincipalRecord, policy: &PasswordPolicy, password: &str, time: i64) -> PrincipalRecord {
        password_changed(record, Some(policy), password.as_bytes(), &KeyChange::default(), &realm(), at(time)).unwrap()
    }

    #[test]
    fn a_password_is_long_enough_and_of_enough_kinds_of_characters() {
        let alice = record("alice");
        let rules = PasswordPolicy { min_length: 4, min_classes: 3, ..policy() };
        assert_eq!(check(&alice, &rules, "aB1"), Err(AdminRefusal::PasswordTooShort(4)));
        assert_eq!(check(&alice, &rules, "aaB1"), Ok(()));
        assert_eq!(check(&alice, &rules, "aaBB"), Err(AdminRefusal::PasswordTooSimple(3)));
        assert_eq!(check(&alice, &rules, "a.B."), Ok(()));
        assert_eq!(check(&alice, &rules, "üa.x"), Ok(()), "others are a kind, and a letter is one character");
        assert_eq!(check(&alice, &rules, "ü.a"), Err(AdminRefusal::PasswordTooShort(4)));
    }

    #[test]
    fn no_password_is_empty_or_without_end_whatever_the_policy() {
        let check = |password: &[u8]| check_new_password(&record("alice"), None, password, false, &realm(), at(0));
        assert_eq!(check(b""), Err(AdminRefusal::PasswordTooShort(1)));
        assert_eq!(check(b"x"), Ok(()));
        assert!(matches!(check(&[b'x'; LONGEST_PASSWORD + 1]), Err(AdminRefusal::BadValue(_))));
    }

    #[test]
    fn a_password_is_no_part_of_the_name_where_a_policy_asks() {
        for part in ["ALICE", "admin", "r"] {
            assert_eq!(check(&record("alice/admin"), &policy(), part), Err(AdminRefusal::PasswordInDictionary));
        }
        assert_eq!(check_new_password(&record("alice"), None, b"alice", false, &realm(), at(0)), Ok(()));
    }

    #[test]
    fn a_password_is_no_word_of_the_dictionary_where_a_policy_asks() {
        let dictionary = crate::admin::dictionary::Dictionary::new(b"letmein\ncorrect\n".to_vec()).map(Arc::new);
        let realm = Realm { dictionary, ..realm() };
        let check = |policy: Option<&PasswordPolicy>, password: &str| {
            check_new_password(&record("alice"), policy, password.as_bytes(), false, &realm, at(0))
        };
        assert_eq!(check(Some(&policy()), "LetMeIn"), Err(AdminRefusal::PasswordInDictionary));
        assert_eq!(check(Some(&policy()), "correct horse"), Ok(()), "whole passwords alone");
        assert_eq!(check(None, "letmein"), Ok(()), "as in MIT Kerberos");
    }

    #[test]
    fn the_first_password_of_a_person_makes_it_nobodys_service_and_later_ones_leave_that_alone() {
        let is_server = |record: &PrincipalRecord| !record.attributes.contains(Attributes::DISALLOW_SERVER);
        let alice = changed(&record("alice"), &policy(), "one", 1);
        assert!(!is_server(&alice), "its keys were random, or none");
        let mut permitted = alice;
        permitted.attributes.remove(Attributes::DISALLOW_SERVER);
        assert!(is_server(&changed(&permitted, &policy(), "two", 2)), "an administrator has decided otherwise");
        assert!(is_server(&changed(&record("host/alice"), &policy(), "one", 1)));
    }

    #[test]
    fn a_password_differs_from_as_many_as_the_policy_says() {
        let rules = PasswordPolicy { history: 3, ..policy() };
        let mut alice = record("alice");
        for (time, password) in ["one", "two", "three", "four"].into_iter().enumerate() {
            assert_eq!(check(&alice, &rules, password), Ok(()));
            alice = changed(&alice, &rules, password, time as i64);
        }
        for (password, end) in [("four", false), ("three", false), ("two", false), ("one", true)] {
            assert_eq!(check(&alice, &rules, password).is_ok(), end, "{password}");
        }
        let shorter = PasswordPolicy { history: 2, ..policy() };
        assert_eq!(check(&alice, &shorter, "two"), Ok(()), "the policy of today counts");
        assert_eq!(check(&alice, &policy(), "four"), Err(AdminRefusal::PasswordReused), "the present one always does");
        assert_eq!(check_new_password(&alice, None, b"four", false, &realm(), at(9)), Ok(()));
    }

    #[test]
    fn a_history_finds_passwords_that_were_salted_by_another_name() {
        let rules = PasswordPolicy { history: 3, ..policy() };
        let mut alice = changed(&changed(&record("alice"), &rules, "one", 1), &rules, "two", 2);
        alice.principal = record("bob").principal;
        for old in ["one", "two"] {
            assert_eq!(check(&alice, &rules, old), Err(AdminRefusal::PasswordReused));
        }
        let bob = changed(&alice, &rules, "three", 3);
        assert_eq!(bob.keys.versions[0].keys[0].salt.as_deref(), Some("Rbob"));
        assert_eq!(check(&bob, &rules, "two"), Err(AdminRefusal::PasswordReused));
    }

    #[test]
    fn the_owner_waits_for_the_least_life_unless_a_change_is_required() {
        let rules = PasswordPolicy { min_life: 100, ..policy() };
        let mut alice = changed(&record("alice"), &rules, "one", 1000);
        let check = |alice: &PrincipalRecord, own, time| {
            check_new_password(alice, Some(&rules), b"two", own, &realm(), at(time))
        };
        assert_eq!(check(&alice, true, 1099), Err(AdminRefusal::PasswordTooYoung(KerberosTime(1100))));
        assert_eq!(check(&alice, true, 1100), Ok(()));
        assert_eq!(check(&alice, false, 1001), Ok(()), "an administrator");
        alice.attributes |= Attributes::PASSWORD_CHANGE_REQUIRED;
        assert_eq!(check(&alice, true, 1001), Ok(()));
    }

    #[test]
    fn a_change_fulfils_what_was_required_and_sets_the_next_one() {
        let mut alice = record("alice");
        alice.attributes |= Attributes::PASSWORD_CHANGE_REQUIRED;
        alice.password_expires = Some(KerberosTime(5));
        let yearly = PasswordPolicy { max_life: 100, ..policy() };
        let by_policy = changed(&alice, &yearly, "one", 10);
        assert_eq!(by_policy.password_expires, Some(KerberosTime(110)));
        assert!(!by_policy.attributes.contains(Attributes::PASSWORD_CHANGE_REQUIRED));
        assert_eq!(changed(&alice, &policy(), "one", 10).password_expires, None);
        assert_eq!(by_policy.keys.password_set(), Some(at(10)));
    }
}
