//! String attributes of principals.

use crate::admin::refusal::AdminRefusal;
use crate::principal::PrincipalRecord;
use kennel_crypto::Enctype;
use kennel_wire::message::{Principal, Timestamp};
use std::collections::BTreeMap;

/// The attribute that is a field of the record.
const SESSION_ENCTYPES: &str = "session_enctypes";
/// While a principal is renamed, its record under the new name says from which one.
const RENAMED_FROM: &str = "kennel:renamed-from";
/// What attributes of Kennel's own begin with.
const OWN: &str = "kennel:";
/// Longest name of an attribute, octets.
const LONGEST_KEY: usize = 256;
/// Longest value, octets.
const LONGEST_VALUE: usize = 4096;
/// Most attributes of a principal.
const MOST: usize = 64;

/// Returns the string attributes of a principal.
pub(super) fn strings(record: &PrincipalRecord) -> BTreeMap<String, String> {
    let others = record.strings.iter().filter(|(key, _)| !key.starts_with(OWN));
    let mut strings: BTreeMap<String, String> = others.map(|(key, value)| (key.clone(), value.clone())).collect();
    if let Some(enctypes) = &record.session_enctypes {
        let names: Vec<&str> = enctypes.iter().map(|enctype| enctype.name()).collect();
        strings.insert(SESSION_ENCTYPES.into(), names.join(" "));
    }
    strings
}

/// Sets or deletes a string attribute.
pub(super) fn set_string(record: &mut PrincipalRecord, key: &str, value: Option<&str>) -> Result<(), AdminRefusal> {
    if key.is_empty() || key.len() > LONGEST_KEY || key.starts_with(OWN) || key.chars().any(char::is_control) {
        return Err(AdminRefusal::BadValue(
            "the name of a string attribute has 1 to 256 octets, no control character, and does not begin with kennel:",
        ));
    }
    if value.is_some_and(|value| value.len() > LONGEST_VALUE || value.contains('\0')) {
        return Err(AdminRefusal::BadValue(
            "the value of a string attribute has at most 4096 octets, and none is zero",
        ));
    }
    match (key, value) {
        (SESSION_ENCTYPES, None) => record.session_enctypes = None,
        (SESSION_ENCTYPES, Some(value)) => record.session_enctypes = Some(enctypes(value)?),
        (key, None) => {
            record.strings.remove(key);
        }
        (key, Some(_)) if record.strings.len() >= MOST && !record.strings.contains_key(key) => {
            return Err(AdminRefusal::BadValue("a principal has at most 64 string attributes: delete one"));
        }
        (key, Some(value)) => {
            record.strings.insert(key.to_owned(), value.to_owned());
        }
    }
    Ok(())
}

fn enctypes(text: &str) -> Result<Vec<Enctype>, AdminRefusal> {
    let names = text.split([' ', ',', '\t']).filter(|name| !name.is_empty());
    let enctypes: Option<Vec<Enctype>> = names.map(Enctype::from_name).collect();
    enctypes.filter(|enctypes| !enctypes.is_empty()).ok_or(AdminRefusal::BadValue(
        "session_enctypes is a list of enctypes such as aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96",
    ))
}

/// Marks a record under its new name until the old one is gone.
pub(super) fn mark_renamed(record: &mut PrincipalRecord, from: &Principal, now: Timestamp) {
    record.strings.insert(RENAMED_FROM.into(), format!("{from} {}", now.as_micros()));
}

/// Removes the mark.
pub(super) fn unmark_renamed(record: &mut PrincipalRecord) {
    record.strings.remove(RENAMED_FROM);
}

/// The name that a principal is being renamed from. Whoever starts a process over a store finishes what another one left.
#[must_use]
pub fn renamed_from(record: &PrincipalRecord) -> Option<Principal> {
    let (name, _) = record.strings.get(RENAMED_FROM)?.rsplit_once(' ')?;
    Principal::parse(name, &record.principal.realm).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;

    #[test]
    fn session_enctypes_is_a_field_and_others_are_kept_as_they_are() {
        let mut alice = record("alice");
        set_string(&mut alice, SESSION_ENCTYPES, Some("aes128-cts-hmac-sha1-96,rc4-hmac")).unwrap();
        set_string(&mut alice, "color", Some("blue")).unwrap();
        assert_eq!(alice.session_enctypes, Some(vec![Enctype::Aes128CtsHmacSha1, Enctype::Rc4Hmac]));
        let shown = strings(&alice);
        assert_eq!(shown["color"], "blue");
        assert!(shown[SESSION_ENCTYPES].starts_with("aes128-cts-hmac-sha1-96 "));
        set_string(&mut alice, SESSION_ENCTYPES, None).unwrap();
        set_string(&mut alice, "color", None).unwrap();
        assert!(strings(&alice).is_empty() && alice.session_enctypes.is_none());
    }

    #[test]
    fn attributes_are_bounded_and_those_of_kennel_are_out_of_reach() {
        let mut alice = record("alice");
        for (key, value) in
            [("", "x"), ("kennel:renamed-from", "x"), ("a\nb", "x"), ("a", "\0"), (SESSION_ENCTYPES, "nothing")]
        {
            assert!(set_string(&mut alice, key, Some(value)).is_err(), "{key:?}");
        }
        for number in 0..MOST {
            set_string(&mut alice, &number.to_string(), Some("x")).unwrap();
        }
        assert!(set_string(&mut alice, "one more", Some("x")).is_err());
        assert!(set_string(&mut alice, "0", Some("y")).is_ok(), "there already");
    }

    #[test]
    fn a_mark_says_the_former_name_and_is_not_shown() {
        let mut bob = record("bob");
        assert_eq!(renamed_from(&bob), None);
        mark_renamed(&mut bob, &record("HTTP/a b").principal, Timestamp::default());
        assert_eq!(renamed_from(&bob), Some(record("HTTP/a b").principal));
        assert!(strings(&bob).is_empty());
        unmark_renamed(&mut bob);
        assert_eq!(renamed_from(&bob), None);
    }
}
