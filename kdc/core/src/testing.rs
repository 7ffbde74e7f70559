//! What the unit tests of this crate share.

use crate::key_set::KeySet;
use crate::principal::{Origin, PrincipalRecord};
use kennel_wire::message::{KdcOptions, KdcReqBody, KerberosTime, NameType, Principal, PrincipalName, Timestamp};

/// A record of realm `R` without keys.
pub(crate) fn record(name: &str) -> PrincipalRecord {
    let name = PrincipalName::new(NameType::PRINCIPAL, name.split('/'));
    let (keys, now) = (KeySet::default(), Timestamp::default());
    PrincipalRecord::new(Principal::new(name, "R"), Origin::Manual, keys, now, "test")
}

/// A request body that asks for nothing in particular.
pub(crate) fn body() -> KdcReqBody {
    KdcReqBody {
        options: KdcOptions::empty(),
        cname: None,
        realm: "R".into(),
        sname: None,
        from: None,
        till: KerberosTime::EPOCH,
        rtime: None,
        nonce: 1u32.into(),
        etypes: Vec::new(),
        addresses: None,
        enc_authorization_data: None,
        additional_tickets: Vec::new(),
    }
}
