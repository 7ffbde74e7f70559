//! Builds METHOD-DATA: how a client may pre-authenticate, and how its key is made from its password.

use crate::entry::EntryKey;
use kennel_wire::message::{EtypeInfo2Entry, PaData, pa_type};

/// The METHOD-DATA of KDC_ERR_PREAUTH_REQUIRED (RFC 4120, section 7.5.2), for the keys that the client can use, in its
/// order of preference. Inside armor a challenge is offered in place of a timestamp (RFC 6113, section 5.4.6); outside, FAST itself.
pub(crate) fn methods(keys: &[&EntryKey], armored: bool) -> Vec<PaData> {
    let mut methods = vec![etype_info2(keys.iter().copied())];
    match armored {
        true => methods.push(offered(pa_type::ENCRYPTED_CHALLENGE)),
        false => methods.extend([offered(pa_type::ENC_TIMESTAMP), fast()]),
    }
    methods
}

/// PA-FX-FAST without a value: the KDC knows FAST (RFC 6113, section 5.4).
pub(crate) fn fast() -> PaData {
    offered(pa_type::FX_FAST)
}

fn offered(padata_type: i32) -> PaData {
    PaData { padata_type, value: Vec::new() }
}

/// PA-ETYPE-INFO2: enctypes, and salts of those keys that come from a password.
pub(crate) fn etype_info2<'a>(keys: impl Iterator<Item = &'a EntryKey>) -> PaData {
    let entries: Vec<EtypeInfo2Entry> = keys
        .map(|k| EtypeInfo2Entry { etype: k.key.enctype().number(), salt: k.salt.clone(), s2kparams: None })
        .collect();
    PaData { padata_type: pa_type::ETYPE_INFO2, value: EtypeInfo2Entry::encode_all(&entries) }
}
