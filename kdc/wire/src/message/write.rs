//! Writers of the elements that several messages share.

use crate::der::writer::Writer;
use crate::message::host_address::HostAddress;
use crate::message::name::PrincipalName;
use crate::message::time::KerberosTime;

pub(super) fn name(w: &mut Writer, name: &PrincipalName) {
    w.sequence(|w| {
        w.context(1, |w| w.sequence(|w| name.components.iter().rev().for_each(|part| w.general_string(part))));
        w.context(0, |w| w.int32(name.name_type.0));
    });
}

pub(super) fn optional_name(w: &mut Writer, number: u8, optional: Option<&PrincipalName>) {
    if let Some(present) = optional {
        w.context(number, |w| name(w, present));
    }
}

pub(super) fn time(w: &mut Writer, number: u8, time: KerberosTime) {
    w.context(number, |w| w.generalized_time(time.0));
}

pub(super) fn optional_time(w: &mut Writer, number: u8, optional: Option<KerberosTime>) {
    if let Some(present) = optional {
        time(w, number, present);
    }
}

pub(super) fn optional_addresses(w: &mut Writer, number: u8, optional: Option<&[HostAddress]>) {
    if let Some(addresses) = optional {
        w.context(number, |w| {
            w.sequence(|w| addresses.iter().rev().for_each(|one| typed_octets(w, one.addr_type, &one.address)));
        });
    }
}

/// `SEQUENCE { [0] Int32, [1] OCTET STRING }`: the shape of HostAddress, EncryptionKey, Checksum, TransitedEncoding and the
/// elements of AuthorizationData.
pub(super) fn typed_octets(w: &mut Writer, number: i32, octets: &[u8]) {
    w.sequence(|w| {
        w.context(1, |w| w.octet_string(octets));
        w.context(0, |w| w.int32(number));
    });
}
