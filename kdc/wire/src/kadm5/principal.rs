//! A principal as kadmin's protocol carries it.

use crate::error::WireError;
use crate::kadm5::text;
use crate::message::Principal;
use crate::xdr::{XdrReader, XdrWriter};

/// Most keys of a principal: their number has 16 bits, signed.
const MAX_KEYS: usize = i16::MAX as usize;
/// Most tagged data of a principal or policy.
const MAX_TAGGED: usize = 256;
/// Longest tagged datum, octets.
const MAX_TAGGED_OCTETS: usize = 32_768;

bitflags::bitflags! {
    /// The fields of a principal that a request is about (KADM5_*).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct PrincipalMask: u32 {
        /// KADM5_PRINCIPAL.
        const PRINCIPAL = 0x00_0001;
        /// KADM5_PRINC_EXPIRE_TIME.
        const EXPIRES = 0x00_0002;
        /// KADM5_PW_EXPIRATION.
        const PASSWORD_EXPIRES = 0x00_0004;
        /// KADM5_LAST_PWD_CHANGE.
        const LAST_PASSWORD_CHANGE = 0x00_0008;
        /// KADM5_ATTRIBUTES.
        const ATTRIBUTES = 0x00_0010;
        /// KADM5_MAX_LIFE.
        const MAX_LIFE = 0x00_0020;
        /// KADM5_MOD_TIME.
        const MODIFIED = 0x00_0040;
        /// KADM5_MOD_NAME.
        const MODIFIED_BY = 0x00_0080;
        /// KADM5_KVNO.
        const KVNO = 0x00_0100;
        /// KADM5_MKVNO.
        const MASTER_KVNO = 0x00_0200;
        /// KADM5_AUX_ATTRIBUTES.
        const AUX_ATTRIBUTES = 0x00_0400;
        /// KADM5_POLICY.
        const POLICY = 0x00_0800;
        /// KADM5_POLICY_CLR.
        const POLICY_CLEAR = 0x00_1000;
        /// KADM5_MAX_RLIFE.
        const MAX_RENEWABLE_LIFE = 0x00_2000;
        /// KADM5_LAST_SUCCESS.
        const LAST_SUCCESS = 0x00_4000;
        /// KADM5_LAST_FAILED.
        const LAST_FAILED = 0x00_8000;
        /// KADM5_FAIL_AUTH_COUNT.
        const FAIL_AUTH_COUNT = 0x01_0000;
        /// KADM5_KEY_DATA.
        const KEY_DATA = 0x02_0000;
        /// KADM5_TL_DATA.
        const TL_DATA = 0x04_0000;
        /// KADM5_LOAD.
        const LOAD = 0x20_0000;
        /// KADM5_KEY_HIST.
        const KEY_HISTORY = 0x40_0000;
    }
}

bitflags::bitflags! {
    /// Attributes of a principal (KRB5_KDB_*).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct KdbAttributes: u32 {
        /// KRB5_KDB_DISALLOW_POSTDATED.
        const DISALLOW_POSTDATED = 0x00_0001;
        /// KRB5_KDB_DISALLOW_FORWARDABLE.
        const DISALLOW_FORWARDABLE = 0x00_0002;
        /// KRB5_KDB_DISALLOW_TGT_BASED.
        const DISALLOW_TGT_BASED = 0x00_0004;
        /// KRB5_KDB_DISALLOW_RENEWABLE.
        const DISALLOW_RENEWABLE = 0x00_0008;
        /// KRB5_KDB_DISALLOW_PROXIABLE.
        const DISALLOW_PROXIABLE = 0x00_0010;
        /// KRB5_KDB_DISALLOW_DUP_SKEY.
        const DISALLOW_DUP_SKEY = 0x00_0020;
        /// KRB5_KDB_DISALLOW_ALL_TIX.
        const DISALLOW_ALL_TIX = 0x00_0040;
        /// KRB5_KDB_REQUIRES_PRE_AUTH.
        const REQUIRES_PRE_AUTH = 0x00_0080;
        /// KRB5_KDB_REQUIRES_HW_AUTH.
        const REQUIRES_HW_AUTH = 0x00_0100;
        /// KRB5_KDB_REQUIRES_PWCHANGE.
        const REQUIRES_PWCHANGE = 0x00_0200;
        /// KRB5_KDB_DISALLOW_SVR.
        const DISALLOW_SVR = 0x00_1000;
        /// KRB5_KDB_PWCHANGE_SERVICE.
        const PWCHANGE_SERVICE = 0x00_2000;
        /// KRB5_KDB_SUPPORT_DESMD5.
        const SUPPORT_DESMD5 = 0x00_4000;
        /// KRB5_KDB_NEW_PRINC.
        const NEW_PRINC = 0x00_8000;
        /// KRB5_KDB_OK_AS_DELEGATE.
        const OK_AS_DELEGATE = 0x10_0000;
        /// KRB5_KDB_OK_TO_AUTH_AS_DELEGATE.
        const OK_TO_AUTH_AS_DELEGATE = 0x20_0000;
        /// KRB5_KDB_NO_AUTH_DATA_REQUIRED.
        const NO_AUTH_DATA_REQUIRED = 0x40_0000;
        /// KRB5_KDB_LOCKDOWN_KEYS.
        const LOCKDOWN_KEYS = 0x80_0000;
    }
}

/// A principal. Times are seconds since the epoch, unsigned (until 2106), 0: never. Lives are seconds, 0: the realm's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names of kadmin's commands say it")]
pub struct PrincipalEntry {
    /// `None` in a request is refused by every procedure.
    pub principal: Option<Principal>,
    pub expires: u32,
    pub last_password_change: u32,
    pub password_expires: u32,
    pub max_life: i32,
    pub modified_by: Option<Principal>,
    pub modified: u32,
    pub attributes: KdbAttributes,
    /// The newest version of its keys.
    pub kvno: u32,
    /// Version of the master key.
    pub master_kvno: u32,
    pub policy: Option<String>,
    /// `KADM5_POLICY`, where it has a policy.
    pub aux_attributes: i32,
    pub max_renewable_life: i32,
    pub last_success: u32,
    pub last_failed: u32,
    pub fail_auth_count: u32,
    pub tagged: Vec<TaggedDatum>,
    pub keys: Vec<KeyLine>,
}

/// A tagged datum of a principal or policy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct TaggedDatum {
    pub tag: i32,
    pub content: Vec<u8>,
}

impl TaggedDatum {
    /// Tag of the time of an unlocking (`modprinc -unlock`).
    pub const LAST_ADMIN_UNLOCK: i32 = 0x0b;
    /// Tag of arguments of a database (`-x`).
    pub const DATABASE_ARGUMENTS: i32 = 0x7fff;
}

/// A key as it is listed, without its octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyLine {
    /// Version, of which 16 bits are carried.
    pub kvno: u32,
    /// Number of the enctype.
    pub enctype: i32,
    /// Number of the salt type; `None` where the key has no salt.
    pub salt_type: Option<i32>,
}

impl PrincipalEntry {
    pub(super) fn read(reader: &mut XdrReader<'_>) -> Result<PrincipalEntry, WireError> {
        let mut entry = PrincipalEntry {
            principal: text::optional_principal(reader)?,
            expires: reader.u32()?,
            last_password_change: reader.u32()?,
            password_expires: reader.u32()?,
            max_life: reader.i32()?,
            ..PrincipalEntry::default()
        };
        let has_no_modifier = reader.bool()?;
        entry.modified_by = if has_no_modifier { None } else { text::optional_principal(reader)? };
        entry.modified = reader.u32()?;
        entry.attributes = KdbAttributes::from_bits_retain(reader.u32()?);
        (entry.kvno, entry.master_kvno) = (reader.u32()?, reader.u32()?);
        entry.policy = text::read(reader)?;
        (entry.aux_attributes, entry.max_renewable_life) = (reader.i32()?, reader.i32()?);
        (entry.last_success, entry.last_failed) = (reader.u32()?, reader.u32()?);
        entry.fail_auth_count = reader.u32()?;
        let keys = reader.i32()?;
        let keys = usize::try_from(keys).map_err(|_| reader.wrong("a negative number of keys"))?;
        let _tagged = reader.i32()?;
        entry.tagged = read_tagged(reader)?;
        entry.keys = reader.array(keys.min(MAX_KEYS), 12, KeyLine::read)?;
        Ok(entry)
    }

    pub(super) fn write(&self, writer: &mut XdrWriter) {
        text::write_principal(writer, self.principal.as_ref());
        [self.expires, self.last_password_change, self.password_expires].into_iter().for_each(|time| writer.u32(time));
        writer.i32(self.max_life);
        writer.bool(self.modified_by.is_none());
        if self.modified_by.is_some() {
            text::write_principal(writer, self.modified_by.as_ref());
        }
        [self.modified, self.attributes.bits(), self.kvno, self.master_kvno]
            .into_iter()
            .for_each(|word| writer.u32(word));
        text::write(writer, self.policy.as_deref().map(str::as_bytes));
        writer.i32(self.aux_attributes);
        writer.i32(self.max_renewable_life);
        [self.last_success, self.last_failed, self.fail_auth_count].into_iter().for_each(|word| writer.u32(word));
        let keys = self.keys.get(..self.keys.len().min(MAX_KEYS)).unwrap_or_default();
        writer.count(keys.len());
        writer.count(self.tagged.len());
        write_tagged(writer, &self.tagged);
        writer.count(keys.len());
        keys.iter().for_each(|key| key.write(writer));
    }
}

impl KeyLine {
    fn read(reader: &mut XdrReader<'_>) -> Result<KeyLine, WireError> {
        let version = reader.i32()?;
        let (kvno, enctype) = (reader.u32()?, reader.i32()?);
        let salt_type = (version > 1).then(|| reader.i32()).transpose()?;
        Ok(KeyLine { kvno, enctype, salt_type })
    }

    fn write(&self, writer: &mut XdrWriter) {
        writer.i32(if self.salt_type.is_some() { 2 } else { 1 });
        writer.u32(self.kvno);
        writer.i32(self.enctype);
        self.salt_type.iter().for_each(|salt_type| writer.i32(*salt_type));
    }
}

/// Reads a list of tagged data, or its absence. Each element is announced on its own.
pub(super) fn read_tagged(reader: &mut XdrReader<'_>) -> Result<Vec<TaggedDatum>, WireError> {
    let mut tagged = Vec::new();
    if reader.bool()? {
        return Ok(tagged);
    }
    while reader.bool()? {
        if tagged.len() == MAX_TAGGED {
            return Err(reader.wrong("more tagged data than there may be"));
        }
        tagged.push(TaggedDatum { tag: reader.i32()?, content: reader.opaque(MAX_TAGGED_OCTETS)?.to_vec() });
    }
    Ok(tagged)
}

/// Writes a list of tagged data, or its absence where it is empty.
pub(super) fn write_tagged(writer: &mut XdrWriter, tagged: &[TaggedDatum]) {
    writer.bool(tagged.is_empty());
    if tagged.is_empty() {
        return;
    }
    for datum in tagged {
        writer.bool(true);
        writer.i32(datum.tag);
        writer.opaque(&datum.content);
    }
    writer.bool(false);
}
