//! Keys, and what they are to be made with.

use crate::error::WireError;
use crate::kadm5::text;
use crate::message::EncryptionKey;
use crate::xdr::{XdrReader, XdrWriter};
use zeroize::Zeroizing;

/// Longest key, octets.
const MAX_KEY: usize = 64;
/// Most keys, or pairs of enctype and salt, of a request or reply.
pub(super) const MAX_KEYS: usize = 2_048;
/// Longest salt, octets.
const MAX_SALT: usize = 4_096;

/// A pair of enctype and salt type that keys are asked for with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySalt {
    /// Number of the enctype.
    pub enctype: i32,
    /// Number of the salt type.
    pub salt_type: i32,
}

/// Numbers of salt types.
#[derive(Debug, Clone, Copy)]
pub struct SaltType;

#[expect(missing_docs, reason = "MIT's names say it")]
impl SaltType {
    pub const NORMAL: i32 = 0;
    pub const NO_REALM: i32 = 2;
    pub const ONLY_REALM: i32 = 3;
    pub const SPECIAL: i32 = 4;
}

/// A key with its version and salt, as it is set and extracted.
#[derive(Debug, Clone)]
pub struct KeyData {
    /// Version.
    pub kvno: u32,
    /// The key.
    pub key: EncryptionKey,
    /// Number of the salt type.
    pub salt_type: i32,
    /// The salt of [`SaltType::SPECIAL`].
    pub salt: Vec<u8>,
}

impl KeySalt {
    pub(super) const LEAST: usize = 8;

    pub(super) fn read(reader: &mut XdrReader<'_>) -> Result<KeySalt, WireError> {
        Ok(KeySalt { enctype: reader.i32()?, salt_type: reader.i32()? })
    }

    pub(super) fn write(&self, writer: &mut XdrWriter) {
        writer.i32(self.enctype);
        writer.i32(self.salt_type);
    }
}

impl KeyData {
    pub(super) const LEAST: usize = 20;

    pub(super) fn read(reader: &mut XdrReader<'_>) -> Result<KeyData, WireError> {
        Ok(KeyData {
            kvno: reader.u32()?,
            key: read_key(reader)?,
            salt_type: reader.i32()?,
            salt: reader.opaque(MAX_SALT)?.to_vec(),
        })
    }

    pub(super) fn write(&self, writer: &mut XdrWriter) {
        writer.u32(self.kvno);
        write_key(writer, &self.key);
        writer.i32(self.salt_type);
        writer.opaque(&self.salt);
    }
}

/// Octets of the shortest key.
pub(super) const LEAST_KEY: usize = text::LEAST + 4;

pub(super) fn read_key(reader: &mut XdrReader<'_>) -> Result<EncryptionKey, WireError> {
    Ok(EncryptionKey { keytype: reader.i32()?, keyvalue: Zeroizing::new(reader.opaque(MAX_KEY)?.to_vec()) })
}

pub(super) fn write_key(writer: &mut XdrWriter, key: &EncryptionKey) {
    writer.i32(key.keytype);
    writer.opaque(&key.keyvalue);
}
