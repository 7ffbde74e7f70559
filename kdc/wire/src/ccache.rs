//! FILE credential caches, version 4 (0x0504): reading and writing.
//!
//! A file is the version, a header of tagged fields, the default principal and then credentials up to the end. All numbers
//! are big-endian.

use crate::error::WireError;
use crate::file::{Appender, Reader};
use crate::message::authorization_data::AuthorizationDatum;
use crate::message::encrypted::EncryptionKey;
use crate::message::flags::TicketFlags;
use crate::message::host_address::HostAddress;
use crate::message::name::{NameType, Principal};
use crate::message::time::KerberosTime;
use zeroize::Zeroizing;

const VERSION: u16 = 0x0504;

/// Header field: offset from the local clock to the KDC's clock.
const TAG_KDC_OFFSET: u16 = 1;

/// Longest file, in octets.
const MAX_LENGTH: usize = 16 * 1024 * 1024;

/// Most addresses, and most authorization data, of a credential.
const MAX_LIST: u32 = 1024;

/// The realm of configuration entries.
const CONFIG_REALM: &str = "X-CACHECONF:";

/// A credential: a ticket, or a setting of libkrb5.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names of RFC 4120, section 5.3, say it")]
pub struct CcacheEntry {
    pub client: Principal,
    /// Configuration entries have the realm `X-CACHECONF:`.
    pub server: Principal,
    pub key: EncryptionKey,
    /// 0 where the entry has none, as the other times.
    pub authtime: KerberosTime,
    pub starttime: KerberosTime,
    pub endtime: KerberosTime,
    pub renew_till: KerberosTime,
    /// Whether the ticket is encrypted in a session key (user-to-user).
    pub is_skey: bool,
    pub flags: TicketFlags,
    pub addresses: Vec<HostAddress>,
    pub authdata: Vec<AuthorizationDatum>,
    /// DER of the ticket.
    pub ticket: Vec<u8>,
    /// DER of the second ticket; mostly empty.
    pub second_ticket: Vec<u8>,
}

impl CcacheEntry {
    /// Whether the entry is a setting that libkrb5 keeps in the cache (its value is in `ticket`), not a ticket.
    #[must_use]
    pub fn is_config(&self) -> bool {
        self.server.realm == CONFIG_REALM
    }
}

/// A cache.
#[derive(Debug, Clone)]
pub struct Ccache {
    /// KDC time offset (header tag 1), seconds and microseconds.
    pub kdc_offset: Option<(i32, i32)>,
    /// Default principal.
    pub principal: Principal,
    /// In the order of the file.
    pub credentials: Vec<CcacheEntry>,
}

impl Ccache {
    /// Reads a cache of version 4; skips unknown header fields.
    ///
    /// # Errors
    /// Another version, a torn file, a name that is not UTF-8 or has more than 32 components, a list of more than 1024
    /// elements, or a file of more than 16 MiB.
    pub fn decode(bytes: &[u8]) -> Result<Ccache, WireError> {
        let mut file = Reader::new("credential cache", bytes);
        if bytes.len() > MAX_LENGTH {
            return Err(file.wrong("longer than 16 MiB"));
        }
        match file.u16()? {
            VERSION => {}
            0x0501..=0x0503 => return Err(file.wrong("a version before 4 (0x0504), which is not supported")),
            _ => return Err(file.wrong("not a credential cache of version 4 (0x0504)")),
        }
        let kdc_offset = header(&mut file)?;
        let principal = principal(&mut file)?;
        let mut credentials = Vec::new();
        while file.remaining() > 0 {
            credentials.push(credential(&mut file)?);
        }
        Ok(Ccache { kdc_offset, principal, credentials })
    }

    /// Writes a cache of version 4.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut file = Appender::default();
        file.u16(VERSION);
        match self.kdc_offset {
            None => file.u16(0),
            Some((seconds, micros)) => {
                file.u16(12);
                file.u16(TAG_KDC_OFFSET);
                file.u16(8);
                file.i32(seconds);
                file.i32(micros);
            }
        }
        write_principal(&mut file, &self.principal);
        self.credentials.iter().for_each(|credential| write_credential(&mut file, credential));
        file.finish()
    }
}

fn header(file: &mut Reader<'_>) -> Result<Option<(i32, i32)>, WireError> {
    let length = file.u16()?;
    let mut header = file.part(usize::from(length))?;
    let mut kdc_offset = None;
    while header.remaining() > 0 {
        let (tag, length) = (header.u16()?, header.u16()?);
        let mut field = header.part(usize::from(length))?;
        if tag == TAG_KDC_OFFSET {
            kdc_offset = Some((field.i32()?, field.i32()?));
        }
    }
    Ok(kdc_offset)
}

fn principal(file: &mut Reader<'_>) -> Result<Principal, WireError> {
    let name_type = NameType(file.i32()?);
    let count = file.u32()?;
    let mut principal = file.principal(usize::try_from(count).unwrap_or(usize::MAX), |file| file.counted32())?;
    principal.name.name_type = name_type;
    Ok(principal)
}

fn credential(file: &mut Reader<'_>) -> Result<CcacheEntry, WireError> {
    Ok(CcacheEntry {
        client: principal(file)?,
        server: principal(file)?,
        key: EncryptionKey { keytype: file.type_number()?, keyvalue: Zeroizing::new(file.counted32()?.to_vec()) },
        authtime: time(file)?,
        starttime: time(file)?,
        endtime: time(file)?,
        renew_till: time(file)?,
        is_skey: file.u8()? != 0,
        flags: TicketFlags::from_bits_retain(file.u32()?),
        addresses: typed_list(file, |addr_type, address| HostAddress { addr_type, address })?,
        authdata: typed_list(file, |ad_type, ad_data| AuthorizationDatum { ad_type, ad_data })?,
        ticket: file.counted32()?.to_vec(),
        second_ticket: file.counted32()?.to_vec(),
    })
}

fn time(file: &mut Reader<'_>) -> Result<KerberosTime, WireError> {
    Ok(KerberosTime(i64::from(file.u32()?)))
}

fn typed_list<T>(file: &mut Reader<'_>, element: impl Fn(i32, Vec<u8>) -> T) -> Result<Vec<T>, WireError> {
    let count = file.u32()?;
    if count > MAX_LIST {
        return Err(file.wrong("a list of more than 1024 elements"));
    }
    (0..count).map(|_| Ok(element(file.type_number()?, file.counted32()?.to_vec()))).collect()
}

fn write_principal(file: &mut Appender, principal: &Principal) {
    file.i32(principal.name.name_type.0);
    file.u32(u32::try_from(principal.name.components.len()).unwrap_or(u32::MAX));
    file.counted32(principal.realm.as_bytes());
    principal.name.components.iter().for_each(|component| file.counted32(component.as_bytes()));
}

fn write_credential(file: &mut Appender, credential: &CcacheEntry) {
    write_principal(file, &credential.client);
    write_principal(file, &credential.server);
    file.type_number(credential.key.keytype);
    file.counted32(&credential.key.keyvalue);
    for time in [credential.authtime, credential.starttime, credential.endtime, credential.renew_till] {
        file.time(time.0);
    }
    file.u8(u8::from(credential.is_skey));
    file.u32(credential.flags.bits());
    let addresses = credential.addresses.iter().map(|one| (one.addr_type, one.address.as_slice()));
    write_typed_list(file, addresses);
    let authdata = credential.authdata.iter().map(|one| (one.ad_type, one.ad_data.as_slice()));
    write_typed_list(file, authdata);
    file.counted32(&credential.ticket);
    file.counted32(&credential.second_ticket);
}

fn write_typed_list<'a>(file: &mut Appender, list: impl ExactSizeIterator<Item = (i32, &'a [u8])>) {
    file.u32(u32::try_from(list.len()).unwrap_or(u32::MAX));
    for (number, octets) in list {
        file.type_number(number);
        file.counted32(octets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::PrincipalName;

    fn alice() -> Principal {
        Principal::new(PrincipalName::new(NameType::PRINCIPAL, ["al"]), "R")
    }

    fn tgt() -> CcacheEntry {
        CcacheEntry {
            client: alice(),
            server: Principal::krbtgt("R", "R"),
            key: EncryptionKey { keytype: 18, keyvalue: Zeroizing::new(vec![0xaa, 0xbb]) },
            authtime: KerberosTime(1),
            starttime: KerberosTime(2),
            endtime: KerberosTime(0xffff_ffff),
            renew_till: KerberosTime(0),
            is_skey: false,
            flags: TicketFlags::FORWARDABLE,
            addresses: vec![HostAddress { addr_type: 2, address: vec![127, 0, 0, 1] }],
            authdata: vec![AuthorizationDatum { ad_type: -5, ad_data: vec![9] }],
            ticket: b"TICKET".to_vec(),
            second_ticket: vec![],
        }
    }

    /// The bytes of the cache that `whole` returns, written by hand from the format's description.
    const FILE: &[u8] = b"\x05\x04\0\x0c\0\x01\0\x08\xff\xff\xff\xff\0\0\0\x07\
        \0\0\0\x01\0\0\0\x01\0\0\0\x01R\0\0\0\x02al\
        \0\0\0\x01\0\0\0\x01\0\0\0\x01R\0\0\0\x02al\
        \0\0\0\x02\0\0\0\x02\0\0\0\x01R\0\0\0\x06krbtgt\0\0\0\x01R\
        \0\x12\0\0\0\x02\xaa\xbb\
        \0\0\0\x01\0\0\0\x02\xff\xff\xff\xff\0\0\0\0\
        \0\x40\0\0\0\
        \0\0\0\x01\0\x02\0\0\0\x04\x7f\0\0\x01\
        \0\0\0\x01\xff\xfb\0\0\0\x01\x09\
        \0\0\0\x06TICKET\0\0\0\0";

    fn whole() -> Ccache {
        Ccache { kdc_offset: Some((-1, 7)), principal: alice(), credentials: vec![tgt()] }
    }

    #[test]
    fn a_cache_is_written_as_the_format_says() {
        assert_eq!(*whole().encode(), FILE);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let read = Ccache::decode(FILE).unwrap();
        assert_eq!((read.kdc_offset, &read.principal), (Some((-1, 7)), &alice()));
        assert_eq!(*read.encode(), FILE);
        let empty = Ccache { kdc_offset: None, principal: alice(), credentials: vec![] };
        let read = Ccache::decode(&empty.encode()).unwrap();
        assert_eq!((read.kdc_offset, read.credentials.len()), (None, 0));
    }

    #[test]
    fn configuration_entries_are_kept_and_told_apart() {
        let mut cache = whole();
        let mut note = tgt();
        let name = PrincipalName::new(NameType::UNKNOWN, ["krb5_ccache_conf_data", "fast_avail", "krbtgt/R@R"]);
        note.server = Principal::new(name, "X-CACHECONF:");
        note.key = EncryptionKey { keytype: 0, keyvalue: Zeroizing::new(vec![]) };
        note.ticket = b"yes".to_vec();
        cache.credentials.insert(0, note);
        let read = Ccache::decode(&cache.encode()).unwrap();
        assert_eq!(read.credentials.iter().map(CcacheEntry::is_config).collect::<Vec<_>>(), [true, false]);
        assert_eq!(read.credentials[0].ticket, b"yes");
    }

    #[test]
    fn unknown_header_fields_are_passed_over() {
        let mut bytes = FILE.to_vec();
        bytes.splice(2..4, *b"\0\x13\x00\x63\0\x03abc");
        assert_eq!(Ccache::decode(&bytes).unwrap().kdc_offset, Some((-1, 7)));
    }

    #[test]
    fn other_versions_are_refused_by_name() {
        for (bytes, expected) in
            [(b"\x05\x03", "a version before 4"), (b"\x05\x02", "a version before 4"), (b"ab", "not a")]
        {
            assert!(Ccache::decode(bytes).unwrap_err().to_string().contains(expected));
        }
    }

    #[test]
    fn a_file_torn_anywhere_but_before_the_credential_is_refused() {
        let before = FILE.len() - tgt_length();
        for length in 0..FILE.len() {
            assert_eq!(Ccache::decode(&FILE[..length]).is_ok(), length == before, "{length}");
        }
    }

    fn tgt_length() -> usize {
        FILE.len() - Ccache { credentials: vec![], ..whole() }.encode().len()
    }

    #[test]
    fn counts_beyond_the_file_or_the_limits_are_refused() {
        // The count of components, then the length of the realm, of the default principal.
        for at in [20, 24] {
            let mut bytes = FILE.to_vec();
            bytes[at..at + 4].fill(0xff);
            assert!(Ccache::decode(&bytes).is_err());
        }
        let mut many = whole();
        many.credentials[0].addresses = vec![HostAddress { addr_type: 2, address: vec![] }; 1025];
        assert!(Ccache::decode(&many.encode()).unwrap_err().to_string().contains("more than 1024"));
    }
}
