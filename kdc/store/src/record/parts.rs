//! Forms that those of all records are made of: names, times, enctypes.

use kennel_crypto::Enctype;
use kennel_wire::message::{KerberosTime, NameType, Principal, PrincipalName, Timestamp};
use minicbor::{CborLen, Decode, Encode};

#[derive(Encode, Decode, CborLen)]
pub(super) struct NameForm<'a> {
    #[n(0)]
    name_type: i32,
    #[b(1)]
    components: Vec<&'a str>,
    #[b(2)]
    realm: &'a str,
}

/// Seconds since the epoch, and microseconds.
#[derive(Encode, Decode, CborLen)]
pub(super) struct InstantForm {
    #[n(0)]
    seconds: i64,
    #[n(1)]
    micros: u32,
}

impl<'a> From<&'a Principal> for NameForm<'a> {
    fn from(principal: &'a Principal) -> Self {
        NameForm {
            name_type: principal.name.name_type.0,
            components: principal.name.components.iter().map(String::as_str).collect(),
            realm: &principal.realm,
        }
    }
}

impl From<NameForm<'_>> for Principal {
    fn from(form: NameForm<'_>) -> Self {
        Principal::new(PrincipalName::new(NameType(form.name_type), form.components), form.realm)
    }
}

impl From<Timestamp> for InstantForm {
    fn from(timestamp: Timestamp) -> Self {
        InstantForm { seconds: timestamp.time.0, micros: timestamp.micros }
    }
}

impl TryFrom<InstantForm> for Timestamp {
    type Error = &'static str;

    fn try_from(form: InstantForm) -> Result<Self, Self::Error> {
        if form.micros > 999_999 {
            return Err("a time has more than 999,999 microseconds");
        }
        Ok(Timestamp { time: KerberosTime(form.seconds), micros: form.micros })
    }
}

/// The enctypes of numbers.
pub(super) fn enctypes(numbers: Vec<i32>) -> Result<Vec<Enctype>, &'static str> {
    numbers
        .into_iter()
        .map(|number| Enctype::from_number(number).ok_or("it names an enctype that is not known"))
        .collect()
}
