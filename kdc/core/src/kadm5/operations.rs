//! Arguments as an operation of administration.

use crate::admin::operation::{FirstKeys, KeyChange, NewKey, NewPrincipal, Operation, PrincipalChanges, Purge};
use crate::kadm5::{attributes, keysalts, policies};
use crate::realm::Realm;
use kennel_crypto::{Enctype, Key, SecretBytes};
use kennel_wire::kadm5::arguments::{Arguments, Password};
use kennel_wire::kadm5::keys::{KeyData, KeySalt, SaltType};
use kennel_wire::kadm5::principal::{KdbAttributes, PrincipalEntry, PrincipalMask, TaggedDatum};
use kennel_wire::kadm5::status::Kadm5Status;
use kennel_wire::message::{EncryptionKey, KerberosTime, Principal};

/// Fields that nobody may set.
const READ_ONLY: PrincipalMask = PrincipalMask::MODIFIED
    .union(PrincipalMask::MODIFIED_BY)
    .union(PrincipalMask::LAST_PASSWORD_CHANGE)
    .union(PrincipalMask::MASTER_KVNO)
    .union(PrincipalMask::AUX_ATTRIBUTES)
    .union(PrincipalMask::LAST_SUCCESS)
    .union(PrincipalMask::LAST_FAILED)
    .union(PrincipalMask::LOAD)
    .union(PrincipalMask::KEY_HISTORY);

/// The operation that the arguments ask for; `None` where the procedure does nothing.
///
/// # Errors
/// The code of what is wrong in the arguments.
pub(crate) fn operation(arguments: Arguments, realm: &Realm) -> Result<Option<Operation>, Kadm5Status> {
    Ok(Some(match arguments {
        Arguments::Init => return Ok(None),
        Arguments::GetPrivileges => Operation::GetPrivileges,
        Arguments::CreatePrincipal { entry, mask, keysalts, password } => {
            create(*entry, mask, &keysalts, password, realm)?
        }
        Arguments::DeletePrincipal(principal) => Operation::DeletePrincipal(principal),
        Arguments::ModifyPrincipal { entry, mask } => modify(*entry, mask)?,
        Arguments::RenamePrincipal { from, to } => Operation::RenamePrincipal { from, to },
        Arguments::GetPrincipal { principal, .. } => Operation::GetPrincipal(principal),
        Arguments::GetPrincipals { expression } => Operation::ListPrincipals(expression),
        Arguments::ChangePassword { principal: name, keep_old, keysalts, password } => Operation::ChangePassword {
            name,
            password: secret(&password),
            rules: key_change(keep_old, &keysalts, realm)?,
        },
        Arguments::RandomizeKeys { principal, keep_old, keysalts } => {
            Operation::RandomizeKeys(principal, key_change(keep_old, &keysalts, realm)?)
        }
        Arguments::SetKeys { principal, keep_old, keysalts, keys } => {
            set_keys(principal, keep_old, &keysalts, &keys, realm)?
        }
        Arguments::SetKeyData { principal, keep_old, keys } => set_key_data(principal, keep_old, &keys, realm)?,
        Arguments::CreatePolicy { entry, mask } => policies::create(*entry, mask, realm)?,
        Arguments::ModifyPolicy { entry, mask } => policies::modify(*entry, mask, realm)?,
        Arguments::DeletePolicy(policy) => Operation::DeletePolicy(policy),
        Arguments::GetPolicy(policy) => Operation::GetPolicy(policy),
        Arguments::GetPolicies { expression } => Operation::ListPolicies(expression),
        Arguments::PurgeKeys { principal, keep } => Operation::PurgeKeys(principal, purge(keep)),
        Arguments::GetStrings(principal) => Operation::GetStrings(principal),
        Arguments::SetString { principal: name, key, value } => Operation::SetString { name, key, value },
        Arguments::ExtractKeys { principal: name, kvno } => {
            Operation::ExtractKeys { name, kvno: Some(kvno).filter(|kvno| *kvno != 0) }
        }
        Arguments::CreateAlias { alias, target } if alias.realm != target.realm => {
            return Err(Kadm5Status::ALIAS_REALM);
        }
        Arguments::CreateAlias { alias, target } => Operation::CreateAlias { alias, target },
    }))
}

fn create(
    entry: PrincipalEntry,
    mask: PrincipalMask,
    keysalts: &[KeySalt],
    password: Option<Password>,
    realm: &Realm,
) -> Result<Operation, Kadm5Status> {
    // Some clients name the counter of failed attempts although it begins at 0 anyway.
    if !mask.contains(PrincipalMask::PRINCIPAL) || mask.intersects(READ_ONLY) {
        return Err(Kadm5Status::BAD_MASK);
    }
    // `-nokey`: keys are named, and there are none.
    let without_keys = mask.contains(PrincipalMask::KEY_DATA);
    if without_keys && !entry.keys.is_empty() {
        return Err(Kadm5Status::BAD_MASK);
    }
    let keys = match password {
        _ if without_keys => FirstKeys::None,
        None => FirstKeys::Random,
        Some(password) => FirstKeys::Password(secret(&password)),
    };
    let mut changes = changes(&entry, mask)?;
    if mask.contains(PrincipalMask::ATTRIBUTES) {
        changes.set = attributes::of_new(checked(entry.attributes)?);
    }
    let name = entry.principal.ok_or(Kadm5Status::BAD_PRINCIPAL)?;
    let enctypes = keysalts::asked_for(keysalts, realm)?;
    Ok(Operation::CreatePrincipal(Box::new(NewPrincipal { name, keys, enctypes, changes })))
}

fn modify(entry: PrincipalEntry, mask: PrincipalMask) -> Result<Operation, Kadm5Status> {
    if mask.intersects(READ_ONLY | PrincipalMask::PRINCIPAL | PrincipalMask::KEY_DATA) {
        return Err(Kadm5Status::BAD_MASK);
    }
    let mut changes = changes(&entry, mask)?;
    if mask.contains(PrincipalMask::ATTRIBUTES) {
        (changes.set, changes.clear) = attributes::of_existing(checked(entry.attributes)?);
    }
    let name = entry.principal.ok_or(Kadm5Status::BAD_PRINCIPAL)?;
    Ok(Operation::ModifyPrincipal(name, Box::new(changes)))
}

/// The changes that a mask names, but for the attributes, which mean another thing for a new principal.
fn changes(entry: &PrincipalEntry, mask: PrincipalMask) -> Result<PrincipalChanges, Kadm5Status> {
    let asked = |field| mask.contains(field);
    let life = |field, life: i32| match u32::try_from(life) {
        _ if !asked(field) => Ok(None),
        Ok(life) => Ok(Some(Some(life).filter(|life| *life != 0))),
        Err(_) => Err(Kadm5Status::INVALID_ARGUMENT),
    };
    let time = |field, time: u32| asked(field).then(|| (time != 0).then_some(KerberosTime(i64::from(time))));
    Ok(PrincipalChanges {
        max_life: life(PrincipalMask::MAX_LIFE, entry.max_life)?,
        max_renewable_life: life(PrincipalMask::MAX_RENEWABLE_LIFE, entry.max_renewable_life)?,
        expires: time(PrincipalMask::EXPIRES, entry.expires),
        password_expires: time(PrincipalMask::PASSWORD_EXPIRES, entry.password_expires),
        policy: policy(entry, mask)?,
        kvno: asked(PrincipalMask::KVNO).then_some(entry.kvno),
        unlock: unlocks(entry, mask)?,
        ..PrincipalChanges::default()
    })
}

/// What changes of the policy. A policy that is named and missing is refused (CVE-2015-8630).
fn policy(entry: &PrincipalEntry, mask: PrincipalMask) -> Result<Option<Option<String>>, Kadm5Status> {
    match (mask.contains(PrincipalMask::POLICY), mask.contains(PrincipalMask::POLICY_CLEAR)) {
        (true, true) => Err(Kadm5Status::BAD_MASK),
        (true, false) => entry.policy.clone().map(|policy| Some(Some(policy))).ok_or(Kadm5Status::BAD_MASK),
        (false, true) => Ok(Some(None)),
        (false, false) => Ok(None),
    }
}

/// Whether failed attempts are forgotten: their counter is set to 0, with the time of that as a tagged datum.
fn unlocks(entry: &PrincipalEntry, mask: PrincipalMask) -> Result<bool, Kadm5Status> {
    if mask.contains(PrincipalMask::TL_DATA) {
        for TaggedDatum { tag, .. } in &entry.tagged {
            match *tag {
                TaggedDatum::LAST_ADMIN_UNLOCK => {}
                TaggedDatum::DATABASE_ARGUMENTS => return Err(Kadm5Status::INVALID_ARGUMENT),
                _ => return Err(Kadm5Status::BAD_TL_TYPE),
            }
        }
    }
    match (mask.contains(PrincipalMask::FAIL_AUTH_COUNT), entry.fail_auth_count) {
        (true, 0) => Ok(true),
        (true, _) => Err(Kadm5Status::INVALID_ARGUMENT),
        (false, _) => Ok(false),
    }
}

/// Refuses a demand that could not be kept.
fn checked(attributes: KdbAttributes) -> Result<KdbAttributes, Kadm5Status> {
    if attributes.contains(KdbAttributes::REQUIRES_HW_AUTH) {
        return Err(Kadm5Status::INVALID_ARGUMENT);
    }
    Ok(attributes)
}

fn key_change(keep_old: bool, keysalts: &[KeySalt], realm: &Realm) -> Result<KeyChange, Kadm5Status> {
    Ok(KeyChange { enctypes: keysalts::asked_for(keysalts, realm)?, keep_old })
}

fn set_keys(
    name: Principal,
    keep_old: bool,
    keysalts: &[KeySalt],
    keys: &[EncryptionKey],
    realm: &Realm,
) -> Result<Operation, Kadm5Status> {
    let fits = |(keysalt, key): (&KeySalt, &EncryptionKey)| keysalt.enctype == key.keytype;
    if !keysalts.is_empty() && (keysalts.len() != keys.len() || !keysalts.iter().zip(keys).all(fits)) {
        return Err(Kadm5Status::SETKEY3_ETYPE_MISMATCH);
    }
    if keysalts.iter().any(|keysalt| keysalt.salt_type != SaltType::NORMAL) {
        return Err(Kadm5Status::BAD_KEYSALTS);
    }
    let keys = keys.iter().map(|key| Ok(NewKey { key: permitted(key, realm)?, salt: None }));
    let keys = keys.collect::<Result<Vec<_>, Kadm5Status>>()?;
    brought(name, keys, None, keep_old)
}

fn set_key_data(name: Principal, keep_old: bool, keys: &[KeyData], realm: &Realm) -> Result<Operation, Kadm5Status> {
    let kvno = keys.first().map_or(0, |key| key.kvno);
    if keys.iter().any(|key| key.kvno != kvno) {
        return Err(Kadm5Status::SETKEY_BAD_KVNO);
    }
    let keys = keys.iter().map(|data| {
        let salt = match data.salt_type {
            SaltType::NORMAL if data.salt.is_empty() => None,
            SaltType::SPECIAL => {
                Some(std::str::from_utf8(&data.salt).map_err(|_| Kadm5Status::BAD_KEYSALTS)?.to_owned())
            }
            _ => return Err(Kadm5Status::BAD_KEYSALTS),
        };
        Ok(NewKey { key: permitted(&data.key, realm)?, salt })
    });
    let keys = keys.collect::<Result<Vec<_>, Kadm5Status>>()?;
    brought(name, keys, Some(kvno).filter(|kvno| *kvno != 0), keep_old)
}

fn brought(name: Principal, keys: Vec<NewKey>, kvno: Option<u32>, keep_old: bool) -> Result<Operation, Kadm5Status> {
    if keys.is_empty() {
        return Err(Kadm5Status::INVALID_ARGUMENT);
    }
    Ok(Operation::SetKeys { name, keys, kvno, keep_old })
}

/// A key out of a request, of an enctype that the realm permits.
fn permitted(key: &EncryptionKey, realm: &Realm) -> Result<Key, Kadm5Status> {
    let enctype = Enctype::from_number(key.keytype).filter(|enctype| realm.enctypes.contains(enctype));
    let key = enctype.and_then(|enctype| Key::new(enctype, &key.keyvalue).ok());
    key.ok_or(Kadm5Status::BAD_KEYSALTS)
}

/// -1 leaves the newest version, and the highest number none, as `purgekeys -all` asks.
fn purge(keep: i32) -> Purge {
    match u32::try_from(keep) {
        Err(_) => Purge::Old,
        Ok(_) if keep == i32::MAX => Purge::All,
        Ok(keep) => Purge::Below(keep),
    }
}

fn secret(password: &Password) -> SecretBytes {
    SecretBytes::new(password.to_vec())
}
