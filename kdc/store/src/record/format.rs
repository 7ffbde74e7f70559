//! The CBOR of a record, and of principals in full: arrays, one type for each part, apart from core's types so that those may change
//! freely. Every record of a format that is read must stay readable: never change a number, a type or an order.
//!
//! Format 2 added `owner`, `abandoned` and an alias's origin, each at the end of its array. Format 3 changed the wrapping; `namespace`,
//! at the end too, came later, and records without it are read. Format 4 added holders, what a rotation keeps of a principal,
//! `session_enctypes`, and `accept` of a version. Format 5 added policies, and the policy, strings and password history of a principal.

use crate::record::holder::HolderForm;
use crate::record::parts::{InstantForm, NameForm, enctypes};
use crate::record::policy::PolicyForm;
use kennel_core::key_set::{KeySet, KeyState, KeyVersion, StoredKey};
use kennel_core::principal::{Attributes, Origin, Owner, PrincipalRecord, Record};
use kennel_crypto::{Enctype, Key};
use kennel_wire::message::{KerberosTime, Timestamp};
use minicbor::{CborLen, Decode, Encode};
use std::borrow::Cow;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The encoding of a record. The buffer never grows while it is written, so that no copy of a key stays behind.
pub(crate) fn encode(record: &Record) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let form = Form::from(record);
    let mut plaintext = Zeroizing::new(Vec::with_capacity(minicbor::len(&form)));
    minicbor::encode(&form, &mut *plaintext).map_err(|_| "it cannot be encoded")?;
    Ok(plaintext)
}

/// The record of an encoding.
pub(crate) fn decode(plaintext: &[u8]) -> Result<Record, &'static str> {
    let mut decoder = minicbor::Decoder::new(plaintext);
    let form: Form<'_> = decoder.decode().map_err(|_| "it is not a record")?;
    if decoder.position() != plaintext.len() {
        return Err("octets follow it");
    }
    form.try_into()
}

#[derive(Encode, Decode, CborLen)]
#[expect(clippy::large_enum_variant, reason = "one at a time lives on the stack while a record is written or read")]
enum Form<'a> {
    #[n(0)]
    Principal(#[b(0)] PrincipalForm<'a>),
    #[n(1)]
    /// Alias, target, origin (absent, as in format 1: manual).
    Alias(#[b(0)] NameForm<'a>, #[b(1)] NameForm<'a>, #[n(2)] Option<u8>),
    #[n(2)]
    Holder(#[b(0)] HolderForm<'a>),
    #[n(3)]
    Policy(#[b(0)] PolicyForm<'a>),
}

#[derive(Encode, Decode, CborLen)]
struct PrincipalForm<'a> {
    #[b(0)]
    name: NameForm<'a>,
    /// 0 manual, 1 Kubernetes.
    #[n(1)]
    origin: u8,
    #[n(2)]
    attributes: u32,
    #[n(3)]
    max_life: Option<u32>,
    #[n(4)]
    max_renewable_life: Option<u32>,
    #[n(5)]
    expires: Option<i64>,
    #[n(6)]
    password_expires: Option<i64>,
    #[b(7)]
    keys: Vec<VersionForm<'a>>,
    #[n(8)]
    created: InstantForm,
    #[n(9)]
    modified: InstantForm,
    #[b(10)]
    modified_by: &'a str,
    /// `ACCOUNT` or `ACCOUNT/OBJECT`.
    #[b(11)]
    owner: Option<Cow<'a, str>>,
    #[n(12)]
    abandoned: Option<InstantForm>,
    #[b(13)]
    namespace: Option<Cow<'a, str>>,
    #[n(14)]
    rotation_ordered: Option<InstantForm>,
    #[n(15)]
    revoked: Option<InstantForm>,
    #[n(16)]
    unknown_holder: Option<InstantForm>,
    /// Numbers.
    #[n(17)]
    session_enctypes: Option<Vec<i32>>,
    #[b(18)]
    policy: Option<Cow<'a, str>>,
    /// Names and values, by name; absent: none.
    #[b(19)]
    strings: Option<Vec<StringForm<'a>>>,
    /// Absent: none.
    #[b(20)]
    password_history: Option<Vec<HistoryForm<'a>>>,
}

#[derive(Encode, Decode, CborLen)]
struct StringForm<'a> {
    #[b(0)]
    key: &'a str,
    #[b(1)]
    value: &'a str,
}

/// The keys of one earlier password.
#[derive(Encode, Decode, CborLen)]
struct HistoryForm<'a> {
    #[b(0)]
    keys: Vec<KeyForm<'a>>,
}

#[derive(Encode, Decode, CborLen)]
struct VersionForm<'a> {
    #[n(0)]
    kvno: u32,
    /// 0 staged, 1 active, 2 retiring.
    #[n(1)]
    state: u8,
    #[n(2)]
    created: InstantForm,
    #[n(3)]
    activated: Option<InstantForm>,
    #[n(4)]
    retired: Option<InstantForm>,
    #[b(5)]
    keys: Vec<KeyForm<'a>>,
    #[n(6)]
    accept: Option<u32>,
}

#[derive(Encode, Decode, CborLen)]
struct KeyForm<'a> {
    #[n(0)]
    enctype: i32,
    #[cbor(b(1), with = "minicbor::bytes")]
    key: &'a [u8],
    #[b(2)]
    salt: Option<&'a str>,
}

impl<'a> From<&'a Record> for Form<'a> {
    fn from(record: &'a Record) -> Self {
        match record {
            Record::Principal(record) => Form::Principal(record.as_ref().into()),
            Record::Alias { alias, target, origin } => {
                // Absent for manual aliases, as in format 1, which had no others.
                let origin = Some(origin_number(*origin)).filter(|number| *number > 0);
                Form::Alias(alias.into(), target.into(), origin)
            }
            Record::Holder(holder) => Form::Holder(holder.as_ref().into()),
            Record::Policy(policy) => Form::Policy(policy.as_ref().into()),
        }
    }
}

impl TryFrom<Form<'_>> for Record {
    type Error = &'static str;

    fn try_from(form: Form<'_>) -> Result<Self, Self::Error> {
        Ok(match form {
            Form::Principal(form) => Record::Principal(Box::new(form.try_into()?)),
            Form::Alias(alias, target, origin) => {
                Record::Alias { alias: alias.into(), target: target.into(), origin: origin_of(origin.unwrap_or(0))? }
            }
            Form::Holder(form) => Record::Holder(Box::new(form.try_into()?)),
            Form::Policy(form) => Record::Policy(Box::new(form.try_into()?)),
        })
    }
}

fn strings(forms: Vec<StringForm<'_>>) -> Result<BTreeMap<String, String>, &'static str> {
    let count = forms.len();
    let strings: BTreeMap<_, _> = forms.into_iter().map(|f| (f.key.to_owned(), f.value.to_owned())).collect();
    if strings.len() == count { Ok(strings) } else { Err("a string attribute occurs twice") }
}

fn history(forms: Vec<HistoryForm<'_>>) -> Result<Vec<Vec<StoredKey>>, &'static str> {
    forms.into_iter().map(|form| form.keys.into_iter().map(StoredKey::try_from).collect()).collect()
}

/// A list that is absent where it is empty.
fn list<T>(items: impl Iterator<Item = T>) -> Option<Vec<T>> {
    Some(items.collect::<Vec<_>>()).filter(|list| !list.is_empty())
}

fn origin_number(origin: Origin) -> u8 {
    match origin {
        Origin::Manual => 0,
        Origin::Kubernetes => 1,
    }
}

fn origin_of(number: u8) -> Result<Origin, &'static str> {
    match number {
        0 => Ok(Origin::Manual),
        1 => Ok(Origin::Kubernetes),
        _ => Err("its origin is not known"),
    }
}

impl<'a> From<&'a PrincipalRecord> for PrincipalForm<'a> {
    fn from(record: &'a PrincipalRecord) -> Self {
        PrincipalForm {
            name: (&record.principal).into(),
            origin: origin_number(record.origin),
            attributes: record.attributes.bits(),
            max_life: record.max_life,
            max_renewable_life: record.max_renewable_life,
            expires: record.expires.map(|time| time.0),
            password_expires: record.password_expires.map(|time| time.0),
            keys: record.keys.versions.iter().map(VersionForm::from).collect(),
            created: record.created.into(),
            modified: record.modified.into(),
            modified_by: &record.modified_by,
            owner: record.owner.as_ref().map(|owner| owner.to_string().into()),
            abandoned: record.abandoned.map(InstantForm::from),
            namespace: record.namespace.as_deref().map(Cow::from),
            rotation_ordered: record.rotation_ordered.map(InstantForm::from),
            revoked: record.revoked.map(InstantForm::from),
            unknown_holder: record.unknown_holder.map(InstantForm::from),
            session_enctypes: record.session_enctypes.as_ref().map(|list| list.iter().map(|e| e.number()).collect()),
            policy: record.policy.as_deref().map(Cow::from),
            strings: list(record.strings.iter().map(|(key, value)| StringForm { key, value })),
            password_history: list(record.password_history.iter().map(HistoryForm::from)),
        }
    }
}

impl TryFrom<PrincipalForm<'_>> for PrincipalRecord {
    type Error = &'static str;

    fn try_from(form: PrincipalForm<'_>) -> Result<Self, Self::Error> {
        let versions = form.keys.into_iter().map(KeyVersion::try_from).collect::<Result<_, _>>()?;
        Ok(PrincipalRecord {
            principal: form.name.into(),
            origin: origin_of(form.origin)?,
            owner: form.owner.as_deref().map(Owner::from),
            namespace: form.namespace.map(Cow::into_owned),
            abandoned: form.abandoned.map(Timestamp::try_from).transpose()?,
            // An unknown attribute may forbid something, so the record is refused rather than read without the attribute.
            attributes: Attributes::from_bits(form.attributes).ok_or("it has attributes that are not known")?,
            max_life: form.max_life,
            max_renewable_life: form.max_renewable_life,
            expires: form.expires.map(KerberosTime),
            password_expires: form.password_expires.map(KerberosTime),
            keys: KeySet { versions },
            rotation_ordered: form.rotation_ordered.map(Timestamp::try_from).transpose()?,
            revoked: form.revoked.map(Timestamp::try_from).transpose()?,
            unknown_holder: form.unknown_holder.map(Timestamp::try_from).transpose()?,
            created: form.created.try_into()?,
            modified: form.modified.try_into()?,
            modified_by: form.modified_by.to_owned(),
            session_enctypes: form.session_enctypes.map(enctypes).transpose()?,
            policy: form.policy.map(Cow::into_owned),
            strings: strings(form.strings.unwrap_or_default())?,
            password_history: history(form.password_history.unwrap_or_default())?,
        })
    }
}

impl<'a> From<&'a KeyVersion> for VersionForm<'a> {
    fn from(version: &'a KeyVersion) -> Self {
        VersionForm {
            kvno: version.kvno,
            state: match version.state {
                KeyState::Staged => 0,
                KeyState::Active => 1,
                KeyState::Retiring => 2,
            },
            created: version.created.into(),
            activated: version.activated.map(InstantForm::from),
            retired: version.retired.map(InstantForm::from),
            keys: version.keys.iter().map(KeyForm::from).collect(),
            accept: version.accept,
        }
    }
}

impl TryFrom<VersionForm<'_>> for KeyVersion {
    type Error = &'static str;

    fn try_from(form: VersionForm<'_>) -> Result<Self, Self::Error> {
        Ok(KeyVersion {
            kvno: form.kvno,
            state: match form.state {
                0 => KeyState::Staged,
                1 => KeyState::Active,
                2 => KeyState::Retiring,
                _ => return Err("the state of a key is not known"),
            },
            created: form.created.try_into()?,
            activated: form.activated.map(Timestamp::try_from).transpose()?,
            retired: form.retired.map(Timestamp::try_from).transpose()?,
            accept: form.accept,
            keys: form.keys.into_iter().map(StoredKey::try_from).collect::<Result<_, _>>()?,
        })
    }
}

impl<'a> From<&'a Vec<StoredKey>> for HistoryForm<'a> {
    fn from(keys: &'a Vec<StoredKey>) -> Self {
        HistoryForm { keys: keys.iter().map(KeyForm::from).collect() }
    }
}

impl<'a> From<&'a StoredKey> for KeyForm<'a> {
    fn from(stored: &'a StoredKey) -> Self {
        KeyForm { enctype: stored.key.enctype().number(), key: stored.key.expose(), salt: stored.salt.as_deref() }
    }
}

impl TryFrom<KeyForm<'_>> for StoredKey {
    type Error = &'static str;

    fn try_from(form: KeyForm<'_>) -> Result<Self, Self::Error> {
        let enctype = Enctype::from_number(form.enctype).ok_or("the enctype of a key is not known")?;
        let key = Key::new(enctype, form.key).map_err(|_| "a key does not have the length of its enctype")?;
        Ok(StoredKey { key, salt: form.salt.map(str::to_owned) })
    }
}
