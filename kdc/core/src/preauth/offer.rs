//! Builds METHOD-DATA: how a client may pre-authenticate, and how its key is made from its password.

use crate::entry::EntryKey;
use kennel_crypto::Enctype;
use kennel_wire::message::{EtypeInfo2Entry, EtypeInfoEntry, PaData, pa_type};

/// The METHOD-DATA of KDC_ERR_PREAUTH_REQUIRED (RFC 4120, section 7.5.2), for the keys that the client can use, in its
/// order of preference. `offered` are the enctypes of its request. Inside armor a challenge is offered in place of a timestamp (RFC 6113,
/// section 5.4.6); outside, FAST itself.
pub(crate) fn methods(keys: &[&EntryKey], offered: &[i32], armored: bool) -> Vec<PaData> {
    let mut methods = key_information(keys, offered);
    match armored {
        true => methods.push(empty(pa_type::ENCRYPTED_CHALLENGE)),
        false => methods.extend([empty(pa_type::ENC_TIMESTAMP), fast()]),
    }
    methods
}

/// PA-FX-FAST without a value: the KDC knows FAST (RFC 6113, section 5.4).
pub(crate) fn fast() -> PaData {
    empty(pa_type::FX_FAST)
}

fn empty(padata_type: i32) -> PaData {
    PaData { padata_type, value: Vec::new() }
}

/// PA-ETYPE-INFO2, after PA-ETYPE-INFO for a client that offers old enctypes alone, and for no other (RFC 4120, section 3.1.3).
pub(crate) fn key_information(keys: &[&EntryKey], offered: &[i32]) -> Vec<PaData> {
    let offers_newer = offered.iter().any(|number| is_newer(*number));
    let mut information = Vec::with_capacity(4);
    if !offers_newer {
        information.push(etype_info(keys));
    }
    information.push(etype_info2(keys));
    information
}

/// Whether an enctype came with RFC 3961 or later: the AES ones here, and those of Camellia (RFC 6803), which Kennel does not have.
fn is_newer(number: i32) -> bool {
    matches!(number, 25 | 26) || Enctype::from_number(number).is_some_and(|enctype| enctype != Enctype::Rc4Hmac)
}

/// Enctypes, and salts of those keys that come from a password.
fn etype_info2(keys: &[&EntryKey]) -> PaData {
    let entry = |key: &&EntryKey| EtypeInfo2Entry {
        etype: key.key.enctype().number(),
        salt: key.salt.clone(),
        s2kparams: None,
    };
    let entries: Vec<_> = keys.iter().map(entry).collect();
    PaData { padata_type: pa_type::ETYPE_INFO2, value: EtypeInfo2Entry::encode_all(&entries) }
}

fn etype_info(keys: &[&EntryKey]) -> PaData {
    let entry = |key: &&EntryKey| EtypeInfoEntry {
        etype: key.key.enctype().number(),
        salt: key.salt.as_ref().map(|salt| salt.clone().into_bytes()),
    };
    let entries: Vec<_> = keys.iter().map(entry).collect();
    PaData { padata_type: pa_type::ETYPE_INFO, value: EtypeInfoEntry::encode_all(&entries) }
}
