//! MIT keytab files, version 2 (0x0502): reading and writing.
//!
//! A file is the version, then entries, each behind its length in 32 signed bits; a negative length marks a hole of that
//! size, left by a deleted entry, and a length of zero the end. All numbers are big-endian.

use crate::error::WireError;
use crate::file::{Appender, Reader};
use crate::message::encrypted::EncryptionKey;
use crate::message::name::{NameType, Principal};
use crate::message::time::KerberosTime;
use zeroize::Zeroizing;

const VERSION: u16 = 0x0502;

/// Longest file, in octets: some 100,000 keys.
const MAX_LENGTH: usize = 16 * 1024 * 1024;

/// One entry.
#[derive(Debug, Clone)]
pub struct KeytabEntry {
    /// Owner of the key.
    pub principal: Principal,
    /// Time at which the key was written to the file.
    pub timestamp: KerberosTime,
    /// Key version (the 32-bit one where the file has it).
    pub kvno: u32,
    /// Enctype and octets.
    pub key: EncryptionKey,
}

/// Reads a keytab; skips deleted entries (holes).
///
/// # Errors
/// Another version, a torn entry, a name that is not UTF-8 or has more than 32 components, or a file of more than 16 MiB.
pub fn decode(bytes: &[u8]) -> Result<Vec<KeytabEntry>, WireError> {
    let mut file = Reader::new("keytab", bytes);
    if bytes.len() > MAX_LENGTH {
        return Err(file.wrong("longer than 16 MiB"));
    }
    match file.u16()? {
        VERSION => {}
        0x0501 => return Err(file.wrong("version 1 (0x0501), of native byte order, is not supported")),
        _ => return Err(file.wrong("not a keytab of version 2 (0x0502)")),
    }
    let mut entries = Vec::new();
    while file.remaining() > 0 {
        let length = file.i32()?;
        if length == 0 {
            break;
        }
        let mut record = file.part(usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX))?;
        if length > 0 {
            entries.push(entry(&mut record)?);
        }
    }
    Ok(entries)
}

fn entry(record: &mut Reader<'_>) -> Result<KeytabEntry, WireError> {
    let count = record.u16()?;
    let mut principal = record.principal(usize::from(count), |record| record.counted16())?;
    principal.name.name_type = NameType(record.i32()?);
    let timestamp = KerberosTime(i64::from(record.u32()?));
    let short_kvno = u32::from(record.u8()?);
    let keytype = record.type_number()?;
    let keyvalue = Zeroizing::new(record.counted16()?.to_vec());
    // Older writers end here or leave zeros; flags may follow, which nothing uses.
    let long_kvno = if record.remaining() >= 4 { record.u32()? } else { 0 };
    let kvno = if long_kvno == 0 { short_kvno } else { long_kvno };
    Ok(KeytabEntry { principal, timestamp, kvno, key: EncryptionKey { keytype, keyvalue } })
}

/// Writes a keytab. A component, realm or key is cut at 65,535 octets, far above what a message may carry.
#[must_use]
pub fn encode(entries: &[KeytabEntry]) -> Zeroizing<Vec<u8>> {
    let mut file = Appender::default();
    file.u16(VERSION);
    for entry in entries {
        let record = record(entry);
        file.i32(i32::try_from(record.len()).unwrap_or(i32::MAX));
        file.bytes(&record);
    }
    file.finish()
}

fn record(entry: &KeytabEntry) -> Zeroizing<Vec<u8>> {
    let KeytabEntry { principal, timestamp, kvno, key } = entry;
    let mut record = Appender::default();
    record.u16(u16::try_from(principal.name.components.len()).unwrap_or(u16::MAX));
    record.counted16(principal.realm.as_bytes());
    principal.name.components.iter().for_each(|component| record.counted16(component.as_bytes()));
    record.i32(principal.name.name_type.0);
    record.time(timestamp.0);
    // The low eight bits, for readers that do not know the field of 32 bits.
    record.u8(*kvno as u8);
    record.type_number(key.keytype);
    record.counted16(&key.keyvalue);
    record.u32(*kvno);
    record.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::PrincipalName;

    fn entry(kvno: u32) -> KeytabEntry {
        KeytabEntry {
            principal: Principal::new(PrincipalName::new(NameType::SRV_HST, ["HTTP", "web"]), "R"),
            timestamp: KerberosTime(0x6000_0001),
            kvno,
            key: EncryptionKey { keytype: 17, keyvalue: Zeroizing::new(b"0123456789abcdef".to_vec()) },
        }
    }

    /// The bytes of `entry(258)`, by hand from the format's description.
    const RECORD: &[u8] = b"\0\0\0\x31\0\x02\0\x01R\0\x04HTTP\0\x03web\0\0\0\x03\x60\0\0\x01\x02\0\x11\0\x10\
        0123456789abcdef\0\0\x01\x02";

    fn file(records: &[&[u8]]) -> Vec<u8> {
        [&[5, 2][..]].iter().chain(records).copied().flatten().copied().collect()
    }

    fn kvnos(bytes: &[u8]) -> Vec<u32> {
        decode(bytes).unwrap().iter().map(|entry| entry.kvno).collect()
    }

    #[test]
    fn an_entry_is_written_as_the_format_says() {
        assert_eq!(*encode(&[entry(258)]), file(&[RECORD]));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let read = decode(&encode(&[entry(1), entry(258)])).unwrap();
        assert_eq!(read.iter().map(|entry| entry.kvno).collect::<Vec<_>>(), [1, 258]);
        let first = &read[0];
        assert_eq!(first.principal, entry(1).principal);
        assert_eq!(first.principal.name.name_type, NameType::SRV_HST);
        assert_eq!(first.timestamp, entry(1).timestamp);
        assert_eq!((first.key.keytype, &*first.key.keyvalue), (17, &*entry(1).key.keyvalue));
    }

    #[test]
    fn holes_are_passed_over_and_a_length_of_zero_ends_the_file() {
        let hole = [0xff, 0xff, 0xff, 0xfd, 1, 2, 3];
        assert_eq!(kvnos(&file(&[&hole, RECORD, &hole, RECORD, &[0; 4], b"rest"])), [258, 258]);
        assert_eq!(kvnos(&file(&[])), [0u32; 0]);
    }

    #[test]
    fn the_short_key_version_counts_where_the_long_one_is_absent_or_zero() {
        let mut short = RECORD[..RECORD.len() - 4].to_vec();
        short[3] -= 4;
        let mut zero = RECORD.to_vec();
        zero[RECORD.len() - 4..].fill(0);
        assert_eq!(kvnos(&file(&[&short, &zero])), [2, 2]);
    }

    #[test]
    fn what_follows_the_long_key_version_is_passed_over() {
        let mut flags = [RECORD, &[0; 4]].concat();
        flags[3] += 4;
        assert_eq!(kvnos(&file(&[&flags, RECORD])), [258, 258]);
    }

    #[test]
    fn version_one_and_other_files_are_refused_by_name() {
        for (bytes, expected) in [(b"\x05\x01", "version 1 (0x0501), of native"), (b"\x05\x04", "not a keytab")] {
            assert!(decode(bytes).unwrap_err().to_string().contains(expected));
        }
    }

    #[test]
    fn a_file_torn_anywhere_but_between_entries_is_refused() {
        let whole = file(&[RECORD, RECORD]);
        for length in 0..whole.len() {
            let between = length == 2 || length == 2 + RECORD.len();
            assert_eq!(decode(&whole[..length]).is_ok(), between, "{length}");
        }
    }

    #[test]
    fn an_entry_shorter_than_its_contents_is_refused() {
        let mut short = file(&[RECORD, RECORD]);
        short[5] = 0x20;
        assert!(decode(&short).is_err());
    }

    #[test]
    fn names_of_too_many_components_or_other_encodings_are_refused() {
        let mut many = file(&[RECORD]);
        many[7] = 33;
        assert!(decode(&many).unwrap_err().to_string().contains("more than 32 components"));
        let mut latin = file(&[RECORD]);
        latin[10] = 0xe9;
        assert!(decode(&latin).unwrap_err().to_string().contains("not UTF-8"));
    }

    #[test]
    fn debug_shows_no_key() {
        assert!(!format!("{:?}", entry(1)).contains("48, 49, 50"));
    }
}
