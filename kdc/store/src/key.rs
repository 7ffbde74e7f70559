//! The octets that a name is stored under: readable, unambiguous, and sorted by realm and then by component.

use crate::error::StoreError;
use kennel_wire::message::Principal;

/// Separates the parts. The octet is smaller than every octet of a part, so that `a` and everything below it (`a/b`) sort
/// before `a-b`; no part may contain the octet, so that two names never share a key.
const SEPARATOR: u8 = 0;

/// The key of a name: the realm, then the components. The name type is no part of it (RFC 4120, section 6.2: a hint).
///
/// # Errors
/// [`StoreError::Name`] for a name that contains NUL; decoded and parsed names never do.
pub(crate) fn key_of(name: &Principal) -> Result<Vec<u8>, StoreError> {
    let mut key = name.realm.clone().into_bytes();
    for component in &name.name.components {
        key.push(SEPARATOR);
        key.extend_from_slice(component.as_bytes());
    }
    let separators = key.iter().filter(|octet| **octet == SEPARATOR).count();
    if separators == name.name.components.len() { Ok(key) } else { Err(StoreError::Name { name: display_key(&key) }) }
}

/// The name in a key, for messages: `component/component@REALM`.
pub(crate) fn display_key(key: &[u8]) -> String {
    let mut parts = key.split(|octet| *octet == SEPARATOR).map(String::from_utf8_lossy);
    let realm = parts.next().unwrap_or_default();
    format!("{}@{realm}", parts.collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::message::{NameType, PrincipalName};

    fn name(components: &[&str], realm: &str) -> Principal {
        Principal::new(PrincipalName::new(NameType::UNKNOWN, components.iter().copied()), realm)
    }

    #[test]
    fn keys_sort_by_realm_then_by_component() {
        let sorted = [
            name(&["b"], "A"),
            name(&["HTTP", "a"], "R"),
            name(&["HTTP", "b"], "R"),
            name(&["HTTP-x"], "R"),
            name(&["a"], "R"),
            name(&["a", ""], "R"),
            name(&["a"], "R.B"),
        ];
        let keys: Vec<_> = sorted.iter().map(|n| key_of(n).unwrap()).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    }

    #[test]
    fn separators_of_the_text_form_do_not_make_names_collide() {
        let names =
            [name(&["a/b"], "R"), name(&["a", "b"], "R"), name(&["a"], "b@R"), name(&["a@b"], "R"), name(&[], "R")];
        let mut keys: Vec<_> = names.iter().map(|n| key_of(n).unwrap()).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), names.len());
    }

    #[test]
    fn a_name_with_nul_has_no_key() {
        assert!(matches!(key_of(&name(&["a\0b"], "R")), Err(StoreError::Name { .. })));
        assert!(matches!(key_of(&name(&["a"], "R\0x")), Err(StoreError::Name { .. })));
    }

    #[test]
    fn a_key_is_shown_as_a_name() {
        assert_eq!(display_key(&key_of(&name(&["HTTP", "web"], "R")).unwrap()), "HTTP/web@R");
    }
}
