//! The arguments of every procedure. Procedures that differ only in what they leave out have one form here.

use crate::error::WireError;
use crate::kadm5::keys::{KeyData, KeySalt, LEAST_KEY, MAX_KEYS, read_key, write_key};
use crate::kadm5::policy::{PolicyEntry, PolicyMask};
use crate::kadm5::principal::{PrincipalEntry, PrincipalMask};
use crate::kadm5::procedure::{ApiVersion, Procedure};
use crate::kadm5::text;
use crate::message::{EncryptionKey, Principal};
use crate::xdr::{XdrReader, XdrWriter};
use zeroize::Zeroizing;

/// Longest password, octets, NUL included.
const MAX_PASSWORD: usize = 4_096;

/// A password, not necessarily UTF-8.
pub type Password = Zeroizing<Vec<u8>>;

/// The arguments of a request, after its API version.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names of the procedures and of their fields say it")]
pub enum Arguments {
    Init,
    GetPrivileges,
    CreatePrincipal {
        entry: Box<PrincipalEntry>,
        mask: PrincipalMask,
        /// Empty: the realm's.
        keysalts: Vec<KeySalt>,
        /// `None`: random keys.
        password: Option<Password>,
    },
    DeletePrincipal(Principal),
    ModifyPrincipal {
        entry: Box<PrincipalEntry>,
        mask: PrincipalMask,
    },
    RenamePrincipal {
        from: Principal,
        to: Principal,
    },
    GetPrincipal {
        principal: Principal,
        mask: PrincipalMask,
    },
    GetPrincipals {
        /// Which ones, with `*`, `?` and `[]`; `None`: all.
        expression: Option<String>,
    },
    ChangePassword {
        principal: Principal,
        keep_old: bool,
        keysalts: Vec<KeySalt>,
        password: Password,
    },
    RandomizeKeys {
        principal: Principal,
        keep_old: bool,
        keysalts: Vec<KeySalt>,
    },
    SetKeys {
        principal: Principal,
        keep_old: bool,
        /// Of procedure 21: one for each key.
        keysalts: Vec<KeySalt>,
        keys: Vec<EncryptionKey>,
    },
    SetKeyData {
        principal: Principal,
        keep_old: bool,
        keys: Vec<KeyData>,
    },
    CreatePolicy {
        entry: Box<PolicyEntry>,
        mask: PolicyMask,
    },
    ModifyPolicy {
        entry: Box<PolicyEntry>,
        mask: PolicyMask,
    },
    DeletePolicy(String),
    GetPolicy(String),
    GetPolicies {
        expression: Option<String>,
    },
    PurgeKeys {
        principal: Principal,
        /// Versions below this one go; -1: all but the newest.
        keep: i32,
    },
    GetStrings(Principal),
    SetString {
        principal: Principal,
        key: String,
        /// `None`: deletes it.
        value: Option<String>,
    },
    ExtractKeys {
        principal: Principal,
        /// 0: all versions.
        kvno: u32,
    },
    CreateAlias {
        alias: Principal,
        target: Principal,
    },
}

/// A request: its API version, and what it asks for.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Request {
    pub version: ApiVersion,
    pub arguments: Arguments,
}

/// The API version in front of all arguments, as a number.
///
/// # Errors
/// The arguments are shorter.
pub fn version_number(arguments: &[u8]) -> Result<u32, WireError> {
    XdrReader::new(arguments).u32()
}

impl Arguments {
    /// Reads the arguments of a procedure in this version, which stands in front of them ([`version_number`]).
    ///
    /// # Errors
    /// Torn, too long, a name or text that cannot be read, something missing, or octets behind.
    pub fn decode(procedure: Procedure, version: ApiVersion, octets: &[u8]) -> Result<Arguments, WireError> {
        let mut reader = XdrReader::new(octets);
        let _version = reader.u32()?;
        let arguments = read(procedure, version, &mut reader)?;
        reader.finish()?;
        Ok(arguments)
    }
}

fn read(procedure: Procedure, version: ApiVersion, r: &mut XdrReader<'_>) -> Result<Arguments, WireError> {
    Ok(match procedure {
        Procedure::Init => Arguments::Init,
        Procedure::GetPrivileges => Arguments::GetPrivileges,
        Procedure::CreatePrincipal | Procedure::CreatePrincipal3 => Arguments::CreatePrincipal {
            entry: Box::new(PrincipalEntry::read(r)?),
            mask: principal_mask(r)?,
            keysalts: if procedure == Procedure::CreatePrincipal3 { keysalts(r)? } else { Vec::new() },
            password: password(r)?,
        },
        Procedure::DeletePrincipal => Arguments::DeletePrincipal(text::principal(r)?),
        Procedure::ModifyPrincipal => {
            Arguments::ModifyPrincipal { entry: Box::new(PrincipalEntry::read(r)?), mask: principal_mask(r)? }
        }
        Procedure::RenamePrincipal => Arguments::RenamePrincipal { from: text::principal(r)?, to: text::principal(r)? },
        Procedure::GetPrincipal => Arguments::GetPrincipal { principal: text::principal(r)?, mask: principal_mask(r)? },
        Procedure::GetPrincipals => Arguments::GetPrincipals { expression: text::read(r)? },
        Procedure::ChangePassword | Procedure::ChangePassword3 => {
            let principal = text::principal(r)?;
            let (keep_old, keysalts) = key_change(procedure == Procedure::ChangePassword3, r)?;
            let password = password(r)?.ok_or_else(|| r.wrong("the password is missing"))?;
            Arguments::ChangePassword { principal, keep_old, keysalts, password }
        }
        Procedure::RandomizeKeys | Procedure::RandomizeKeys3 => {
            let principal = text::principal(r)?;
            let (keep_old, keysalts) = key_change(procedure == Procedure::RandomizeKeys3, r)?;
            Arguments::RandomizeKeys { principal, keep_old, keysalts }
        }
        Procedure::SetKey | Procedure::SetKey3 => {
            let principal = text::principal(r)?;
            let (keep_old, keysalts) = key_change(procedure == Procedure::SetKey3, r)?;
            Arguments::SetKeys { principal, keep_old, keysalts, keys: r.array(MAX_KEYS, LEAST_KEY, read_key)? }
        }
        Procedure::SetKey4 => Arguments::SetKeyData {
            principal: text::principal(r)?,
            keep_old: r.bool()?,
            keys: r.array(MAX_KEYS, KeyData::LEAST, KeyData::read)?,
        },
        Procedure::CreatePolicy => {
            Arguments::CreatePolicy { entry: Box::new(PolicyEntry::read(r, version)?), mask: policy_mask(r)? }
        }
        Procedure::ModifyPolicy => {
            Arguments::ModifyPolicy { entry: Box::new(PolicyEntry::read(r, version)?), mask: policy_mask(r)? }
        }
        Procedure::DeletePolicy => Arguments::DeletePolicy(text::required(r)?),
        Procedure::GetPolicy => Arguments::GetPolicy(text::required(r)?),
        Procedure::GetPolicies => Arguments::GetPolicies { expression: text::read(r)? },
        Procedure::PurgeKeys => Arguments::PurgeKeys { principal: text::principal(r)?, keep: r.i32()? },
        Procedure::GetStrings => Arguments::GetStrings(text::principal(r)?),
        Procedure::SetString => {
            Arguments::SetString { principal: text::principal(r)?, key: text::required(r)?, value: text::read(r)? }
        }
        Procedure::ExtractKeys => Arguments::ExtractKeys { principal: text::principal(r)?, kvno: r.u32()? },
        Procedure::CreateAlias => Arguments::CreateAlias { alias: text::principal(r)?, target: text::principal(r)? },
    })
}

fn principal_mask(r: &mut XdrReader<'_>) -> Result<PrincipalMask, WireError> {
    r.u32().map(PrincipalMask::from_bits_retain)
}

fn policy_mask(r: &mut XdrReader<'_>) -> Result<PolicyMask, WireError> {
    r.u32().map(PolicyMask::from_bits_retain)
}

fn keysalts(r: &mut XdrReader<'_>) -> Result<Vec<KeySalt>, WireError> {
    r.array(MAX_KEYS, KeySalt::LEAST, KeySalt::read)
}

/// What the third form of a procedure says of old and new keys.
fn key_change(is_third_form: bool, r: &mut XdrReader<'_>) -> Result<(bool, Vec<KeySalt>), WireError> {
    if is_third_form { Ok((r.bool()?, keysalts(r)?)) } else { Ok((false, Vec::new())) }
}

fn password(r: &mut XdrReader<'_>) -> Result<Option<Password>, WireError> {
    Ok(text::octets(r, MAX_PASSWORD)?.map(|octets| Zeroizing::new(octets.to_vec())))
}

impl Request {
    /// The procedure for these arguments: the newest form of it.
    #[must_use]
    pub fn procedure(&self) -> Procedure {
        match &self.arguments {
            Arguments::Init => Procedure::Init,
            Arguments::GetPrivileges => Procedure::GetPrivileges,
            Arguments::CreatePrincipal { .. } => Procedure::CreatePrincipal3,
            Arguments::DeletePrincipal(_) => Procedure::DeletePrincipal,
            Arguments::ModifyPrincipal { .. } => Procedure::ModifyPrincipal,
            Arguments::RenamePrincipal { .. } => Procedure::RenamePrincipal,
            Arguments::GetPrincipal { .. } => Procedure::GetPrincipal,
            Arguments::GetPrincipals { .. } => Procedure::GetPrincipals,
            Arguments::ChangePassword { .. } => Procedure::ChangePassword3,
            Arguments::RandomizeKeys { .. } => Procedure::RandomizeKeys3,
            Arguments::SetKeys { .. } => Procedure::SetKey3,
            Arguments::SetKeyData { .. } => Procedure::SetKey4,
            Arguments::CreatePolicy { .. } => Procedure::CreatePolicy,
            Arguments::ModifyPolicy { .. } => Procedure::ModifyPolicy,
            Arguments::DeletePolicy(_) => Procedure::DeletePolicy,
            Arguments::GetPolicy(_) => Procedure::GetPolicy,
            Arguments::GetPolicies { .. } => Procedure::GetPolicies,
            Arguments::PurgeKeys { .. } => Procedure::PurgeKeys,
            Arguments::GetStrings(_) => Procedure::GetStrings,
            Arguments::SetString { .. } => Procedure::SetString,
            Arguments::ExtractKeys { .. } => Procedure::ExtractKeys,
            Arguments::CreateAlias { .. } => Procedure::CreateAlias,
        }
    }

    /// The arguments as octets, for [`Request::procedure`].
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = XdrWriter::new();
        writer.u32(self.version.number());
        self.write(&mut writer);
        writer.finish()
    }

    fn write(&self, w: &mut XdrWriter) {
        let text = |w: &mut XdrWriter, text: Option<&String>| text::write(w, text.map(String::as_bytes));
        let name = |w: &mut XdrWriter, name| text::write_principal(w, Some(name));
        match &self.arguments {
            Arguments::Init | Arguments::GetPrivileges => {}
            Arguments::CreatePrincipal { entry, mask, keysalts, password } => {
                entry.write(w);
                w.u32(mask.bits());
                write_keysalts(w, keysalts);
                text::write(w, password.as_deref().map(Vec::as_slice));
            }
            Arguments::DeletePrincipal(principal) | Arguments::GetStrings(principal) => name(w, principal),
            Arguments::ModifyPrincipal { entry, mask } => {
                entry.write(w);
                w.u32(mask.bits());
            }
            Arguments::RenamePrincipal { from: one, to: other }
            | Arguments::CreateAlias { alias: one, target: other } => {
                name(w, one);
                name(w, other);
            }
            Arguments::GetPrincipal { principal, mask } => {
                name(w, principal);
                w.u32(mask.bits());
            }
            Arguments::GetPrincipals { expression } | Arguments::GetPolicies { expression } => {
                text(w, expression.as_ref());
            }
            Arguments::ChangePassword { principal, keep_old, keysalts, password } => {
                name(w, principal);
                w.bool(*keep_old);
                write_keysalts(w, keysalts);
                text::write(w, Some(password));
            }
            Arguments::RandomizeKeys { principal, keep_old, keysalts } => {
                name(w, principal);
                w.bool(*keep_old);
                write_keysalts(w, keysalts);
            }
            Arguments::SetKeys { principal, keep_old, keysalts, keys } => {
                name(w, principal);
                w.bool(*keep_old);
                write_keysalts(w, keysalts);
                w.count(keys.len());
                keys.iter().for_each(|key| write_key(w, key));
            }
            Arguments::SetKeyData { principal, keep_old, keys } => {
                name(w, principal);
                w.bool(*keep_old);
                w.count(keys.len());
                keys.iter().for_each(|key| key.write(w));
            }
            Arguments::CreatePolicy { entry, mask } | Arguments::ModifyPolicy { entry, mask } => {
                entry.write(w, self.version);
                w.u32(mask.bits());
            }
            Arguments::DeletePolicy(policy) | Arguments::GetPolicy(policy) => text(w, Some(policy)),
            Arguments::PurgeKeys { principal, keep } => {
                name(w, principal);
                w.i32(*keep);
            }
            Arguments::SetString { principal, key, value } => {
                name(w, principal);
                text(w, Some(key));
                text(w, value.as_ref());
            }
            Arguments::ExtractKeys { principal, kvno } => {
                name(w, principal);
                w.u32(*kvno);
            }
        }
    }
}

fn write_keysalts(w: &mut XdrWriter, keysalts: &[KeySalt]) {
    w.count(keysalts.len());
    keysalts.iter().for_each(|keysalt| keysalt.write(w));
}
