//! Enctypes with their salts. Kennel derives keys with the default salt alone, so that no other one can be asked for.

use crate::realm::Realm;
use kennel_crypto::Enctype;
use kennel_wire::kadm5::keys::{KeySalt, SaltType};
use kennel_wire::kadm5::status::Kadm5Status;

/// The enctypes of a request; `None` where it leaves them to the server.
///
/// # Errors
/// [`Kadm5Status::BAD_KEYSALTS`]: an enctype that the realm does not permit, or another salt.
pub(crate) fn asked_for(keysalts: &[KeySalt], realm: &Realm) -> Result<Option<Vec<Enctype>>, Kadm5Status> {
    let mut enctypes = Vec::new();
    for keysalt in keysalts {
        let enctype = Enctype::from_number(keysalt.enctype).filter(|enctype| realm.enctypes.contains(enctype));
        let enctype = enctype.filter(|_| keysalt.salt_type == SaltType::NORMAL).ok_or(Kadm5Status::BAD_KEYSALTS)?;
        if !enctypes.contains(&enctype) {
            enctypes.push(enctype);
        }
    }
    Ok(Some(enctypes).filter(|enctypes| !enctypes.is_empty()))
}

/// The enctypes of a list as administrators write it: `aes256-cts:normal,aes128-cts`.
///
/// # Errors
/// [`Kadm5Status::BAD_KEYSALTS`].
pub(crate) fn parse(list: &str, realm: &Realm) -> Result<Vec<Enctype>, Kadm5Status> {
    let mut keysalts = Vec::new();
    for word in list.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
        let (enctype, salt) = word.split_once(':').unwrap_or((word, "normal"));
        let enctype = Enctype::from_name(enctype).filter(|_| salt == "normal").ok_or(Kadm5Status::BAD_KEYSALTS)?;
        keysalts.push(KeySalt { enctype: enctype.number(), salt_type: SaltType::NORMAL });
    }
    Ok(asked_for(&keysalts, realm)?.unwrap_or_default())
}

/// The list of these enctypes.
pub(crate) fn write(enctypes: &[Enctype]) -> String {
    enctypes.iter().map(|enctype| format!("{enctype}:normal")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_it_is_written_and_as_people_write_it() {
        let realm = Realm::new("R");
        assert_eq!(parse(&write(&realm.enctypes), &realm), Ok(realm.enctypes.clone()));
        let two = Ok(vec![Enctype::Aes256CtsHmacSha1, Enctype::Aes128CtsHmacSha1]);
        assert_eq!(parse("aes256-cts:normal aes128-cts, aes256-cts", &realm), two);
        for wrong in ["aes256-cts:special", "des-cbc-crc:normal", "rc4-hmac:normal", ":normal"] {
            assert_eq!(parse(wrong, &realm), Err(Kadm5Status::BAD_KEYSALTS), "{wrong}");
        }
    }
}
