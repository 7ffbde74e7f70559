//! The password or keys with which a client proves its identity.

use crate::error::ClientError;
use crate::keytab::Keytab;
use kennel_crypto::{Enctype, Key, SecretBytes};
use kennel_wire::message::{EtypeInfo2Entry, Principal};

/// The fewest string-to-key iterations of an AES enctype that are accepted from a KDC: RFC 3962's default. The offer
/// is not authenticated, and a forged one must not make the password cheap to guess.
pub const MIN_ITERATIONS: u32 = 4_096;

/// A password, or the keys themselves.
#[derive(Debug, Clone)]
pub enum Secret {
    /// A password; salt and iterations come from the KDC.
    Password(SecretBytes),
    /// Long-term keys, at most one of each enctype.
    Keys(Vec<Key>),
}

impl Secret {
    /// A password.
    #[must_use]
    pub fn password(password: &str) -> Secret {
        Secret::Password(SecretBytes::new(password.as_bytes().to_vec()))
    }

    /// The newest keys of `principal` in a keytab.
    ///
    /// # Errors
    /// [`ClientError::NoKey`] where the keytab holds no key of an enctype that Kennel knows.
    pub fn from_keytab(keytab: &Keytab, principal: &Principal) -> Result<Secret, ClientError> {
        let keys = keytab.newest_keys(principal);
        if keys.is_empty() { Err(ClientError::NoKey(principal.to_string())) } else { Ok(Secret::Keys(keys)) }
    }

    /// Whether a reply under `enctype` could be opened.
    pub(crate) fn serves(&self, enctype: Enctype) -> bool {
        match self {
            Secret::Password(_) => true,
            Secret::Keys(keys) => keys.iter().any(|k| k.enctype() == enctype),
        }
    }

    /// Returns the long-term key that an entry of ETYPE-INFO2 describes. The salt is `client`'s default where the entry has
    /// no salt.
    pub(crate) fn key(&self, entry: &EtypeInfo2Entry, client: &Principal) -> Result<Key, ClientError> {
        let enctype = Enctype::from_number(entry.etype).ok_or(ClientError::NoCommonEnctype)?;
        match self {
            Secret::Keys(keys) => {
                keys.iter().find(|k| k.enctype() == enctype).cloned().ok_or(ClientError::NoCommonEnctype)
            }
            Secret::Password(password) => {
                let parameters = entry.s2kparams.as_deref();
                refuse_weak(enctype, parameters)?;
                let salt = entry.salt.clone().unwrap_or_else(|| default_salt(client));
                Ok(Key::from_password(enctype, password.expose(), salt.as_bytes(), parameters)?)
            }
        }
    }
}

/// RFC 4120, section 4: realm and components, one after the other.
fn default_salt(client: &Principal) -> String {
    let mut salt = client.realm.clone();
    salt.extend(client.name.components.iter().map(String::as_str));
    salt
}

/// Refuses fewer iterations than [`MIN_ITERATIONS`]; [`Key::from_password`] has the upper bound.
fn refuse_weak(enctype: Enctype, parameters: Option<&[u8]>) -> Result<(), ClientError> {
    let Some(octets) = parameters.and_then(|p| <[u8; 4]>::try_from(p).ok()) else { return Ok(()) };
    match u32::from_be_bytes(octets) {
        iterations if enctype != Enctype::Rc4Hmac && iterations < MIN_ITERATIONS => {
            Err(ClientError::WeakStringToKey { iterations })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::message::{NameType, PrincipalName};

    fn alice() -> Principal {
        Principal::new(PrincipalName::new(NameType::PRINCIPAL, ["alice"]), "DEV.KENNEL")
    }

    fn entry(salt: Option<&str>, iterations: Option<u32>) -> EtypeInfo2Entry {
        EtypeInfo2Entry {
            etype: Enctype::Aes128CtsHmacSha1.number(),
            salt: salt.map(str::to_owned),
            s2kparams: iterations.map(|i| i.to_be_bytes().to_vec()),
        }
    }

    #[test]
    fn the_default_salt_is_realm_and_components() {
        let secret = Secret::password("secret");
        let default = secret.key(&entry(None, None), &alice()).unwrap();
        let spelled = secret.key(&entry(Some("DEV.KENNELalice"), None), &alice()).unwrap();
        let other = secret.key(&entry(Some("elsewhere"), None), &alice()).unwrap();
        assert_eq!(default, spelled);
        assert_ne!(default, other);
    }

    #[test]
    fn fewer_iterations_than_the_default_are_refused() {
        let secret = Secret::password("secret");
        let refused = secret.key(&entry(None, Some(MIN_ITERATIONS - 1)), &alice());
        assert!(matches!(refused, Err(ClientError::WeakStringToKey { iterations: 4_095 })));
        assert!(secret.key(&entry(None, Some(MIN_ITERATIONS)), &alice()).is_ok());
    }

    #[test]
    fn an_absurd_number_of_iterations_is_refused_without_being_computed() {
        let refused = Secret::password("secret").key(&entry(None, Some(u32::MAX)), &alice());
        assert!(matches!(refused, Err(ClientError::Crypto(_))));
    }

    #[test]
    fn keys_serve_their_own_enctypes_alone() {
        let key = Key::generate(Enctype::Aes128CtsHmacSha1, &mut rand::rngs::OsRng);
        let secret = Secret::Keys(vec![key.clone()]);
        assert!(secret.serves(Enctype::Aes128CtsHmacSha1));
        assert!(!secret.serves(Enctype::Aes256CtsHmacSha1));
        assert_eq!(secret.key(&entry(None, None), &alice()).unwrap(), key);
    }
}
