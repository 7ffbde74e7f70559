//! A principal as a dump has it.
//!
//! ```text
//! princ 38 LENGTH TAGGED KEYS EXTRA NAME ATTRIBUTES MAX-LIFE MAX-RENEWABLE EXPIRES PASSWORD-EXPIRES LAST-SUCCESS LAST-FAILURE FAILURES
//!       (KIND LENGTH OCTETS) for each tagged datum, (PARTS KVNO (TYPE LENGTH OCTETS) for each part) for each key, EXTRA;
//! ```

use crate::error::WireError;
use crate::message::time::KerberosTime;
use crate::mit_dump::fields::Fields;
use bitflags::bitflags;

/// Longest name, octets, escapes included.
const LONGEST_NAME: u32 = 8192;

bitflags! {
    /// The attributes of a principal in MIT's database. Bits without a name stay.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct DumpAttributes: u32 {
        /// No postdated tickets.
        const DISALLOW_POSTDATED = 0x0000_0001;
        /// No forwardable tickets.
        const DISALLOW_FORWARDABLE = 0x0000_0002;
        /// Only tickets of an AS exchange.
        const DISALLOW_TGT_BASED = 0x0000_0004;
        /// No renewable tickets.
        const DISALLOW_RENEWABLE = 0x0000_0008;
        /// No proxiable tickets.
        const DISALLOW_PROXIABLE = 0x0000_0010;
        /// No user-to-user.
        const DISALLOW_DUP_SKEY = 0x0000_0020;
        /// No tickets at all.
        const DISALLOW_ALL_TIX = 0x0000_0040;
        /// As a client: pre-authentication; as a service: clients that pre-authenticated.
        const REQUIRES_PRE_AUTH = 0x0000_0080;
        /// Pre-authentication by hardware.
        const REQUIRES_HW_AUTH = 0x0000_0100;
        /// The password must be changed.
        const REQUIRES_PWCHANGE = 0x0000_0200;
        /// No service tickets for it.
        const DISALLOW_SVR = 0x0000_1000;
        /// A password-changing service.
        const PWCHANGE_SERVICE = 0x0000_2000;
        /// Of no effect.
        const SUPPORT_DESMD5 = 0x0000_4000;
        /// Of no effect.
        const NEW_PRINC = 0x0000_8000;
        /// Tickets for it carry ok-as-delegate.
        const OK_AS_DELEGATE = 0x0010_0000;
        /// May ask for tickets in the name of others (S4U2Self).
        const OK_TO_AUTH_AS_DELEGATE = 0x0020_0000;
        /// Tickets for it carry no PAC.
        const NO_AUTH_DATA_REQUIRED = 0x0040_0000;
        /// Its keys never leave over kadmin.
        const LOCKDOWN_KEYS = 0x0080_0000;
        /// Bits without a name.
        const _ = !0;
    }
}

/// A principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpPrincipal {
    /// Line of the file, from 1.
    pub line: usize,
    /// The name in MIT's text form, with its realm. MIT does not ask for an encoding.
    pub name: Vec<u8>,
    /// Attributes.
    pub attributes: DumpAttributes,
    /// Longest ticket life, seconds; 0: the realm's.
    pub max_life: u32,
    /// Longest renewable life, seconds; 0: the realm's.
    pub max_renewable_life: u32,
    /// When it expires; `None`: never.
    pub expires: Option<KerberosTime>,
    /// When its password expires; `None`: never.
    pub password_expires: Option<KerberosTime>,
    /// Tagged data, in the order of the file.
    pub tagged: Vec<TaggedDatum>,
    /// Keys, in the order of the file: MIT writes the newest first.
    pub keys: Vec<DumpKey>,
}

/// A tagged datum: see [`tagged_data`](crate::mit_dump::tagged_data).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaggedDatum {
    /// Its kind, a number of MIT's (`KRB5_TL_...`).
    pub kind: i32,
    /// Its octets.
    pub octets: Vec<u8>,
}

/// A key, encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpKey {
    /// Its version.
    pub kvno: u32,
    /// Number of the enctype.
    pub enctype: i32,
    /// Length of the key in two octets, the lower first; then the key, encrypted under the master key.
    pub sealed: Vec<u8>,
    /// The salt, where the line says something of it.
    pub salt: Option<DumpSalt>,
}

/// The salt of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpSalt {
    /// A number of MIT's: 0 normal, 2 without the realm, 3 only the realm, 4 special.
    pub kind: i32,
    /// The octets of the salt, where the kind does not tell them.
    pub octets: Vec<u8>,
}

impl DumpPrincipal {
    /// Reads the line behind `princ`.
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<DumpPrincipal, WireError> {
        let line = fields.line();
        // The length of the fixed part of the database's record.
        fields.number()?;
        let name_length = fields.number()?;
        let (tagged, keys, extra) = (fields.count()?, fields.count()?, fields.count()?);
        if name_length > LONGEST_NAME {
            return Err(fields.wrong("a name of more than 8192 octets"));
        }
        let name = fields.text(usize::try_from(name_length).unwrap_or(usize::MAX))?.to_vec();
        let attributes = DumpAttributes::from_bits_retain(fields.number()?);
        let (max_life, max_renewable_life) = (fields.number()?, fields.number()?);
        let (expires, password_expires) = (time(fields.number()?), time(fields.number()?));
        // The last login, the last failed one, and the number of those.
        for _ in 0..3 {
            fields.number()?;
        }
        let tagged = (0..tagged).map(|_| TaggedDatum::read(fields)).collect::<Result<_, _>>()?;
        let keys = (0..keys).filter_map(|_| DumpKey::read(fields).transpose()).collect::<Result<_, _>>()?;
        fields.octets(extra)?;
        fields.record_end()?;
        Ok(DumpPrincipal {
            line,
            name,
            attributes,
            max_life,
            max_renewable_life,
            expires,
            password_expires,
            tagged,
            keys,
        })
    }
}

impl TaggedDatum {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<TaggedDatum, WireError> {
        let (kind, length) = (fields.type_number()?, fields.count()?);
        Ok(TaggedDatum { kind, octets: fields.octets(length)? })
    }
}

impl DumpKey {
    /// `None` for an entry without a key.
    fn read(fields: &mut Fields<'_>) -> Result<Option<DumpKey>, WireError> {
        let (parts, kvno) = (fields.count()?, fields.number()?);
        if parts > 2 {
            return Err(fields.wrong("a key of more than two parts"));
        }
        let part = |fields: &mut Fields<'_>| {
            let (kind, length) = (fields.type_number()?, fields.count()?);
            Ok::<_, WireError>((kind, fields.octets(length)?))
        };
        if parts == 0 {
            return Ok(None);
        }
        let (enctype, sealed) = part(fields)?;
        let salt = match parts {
            2 => Some(part(fields)?).map(|(kind, octets)| DumpSalt { kind, octets }),
            _ => None,
        };
        Ok(Some(DumpKey { kvno, enctype, sealed, salt }))
    }
}

/// Zero is never.
fn time(seconds: u32) -> Option<KerberosTime> {
    (seconds > 0).then_some(KerberosTime(i64::from(seconds)))
}
