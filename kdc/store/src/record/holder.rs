//! The form of a holder of keys.

use crate::record::parts::{InstantForm, NameForm};
use kennel_core::pods::PodRef;
use kennel_core::rotation::holder::{HeldKeys, HolderId, HolderRecord};
use minicbor::{CborLen, Decode, Encode};

#[derive(Encode, Decode, CborLen)]
pub(super) struct HolderForm<'a> {
    #[b(0)]
    name: NameForm<'a>,
    /// 0 pod, 1 Secret.
    #[n(1)]
    kind: u8,
    #[b(2)]
    namespace: &'a str,
    #[b(3)]
    object: &'a str,
    #[b(4)]
    uid: &'a str,
    #[b(5)]
    held: Vec<HeldForm<'a>>,
    #[n(6)]
    created: InstantForm,
    #[n(7)]
    modified: InstantForm,
}

#[derive(Encode, Decode, CborLen)]
pub(super) struct HeldForm<'a> {
    #[b(0)]
    principal: NameForm<'a>,
    #[n(1)]
    kvnos: Vec<u32>,
}

impl<'a> From<&'a HolderRecord> for HolderForm<'a> {
    fn from(record: &'a HolderRecord) -> Self {
        let (kind, namespace, object) = match &record.id {
            HolderId::Pod(pod) => (0, &pod.namespace, &pod.name),
            HolderId::Secret { namespace, name, .. } => (1, namespace, name),
        };
        HolderForm {
            name: (&record.name).into(),
            kind,
            namespace,
            object,
            uid: record.id.uid(),
            held: record.held.iter().map(HeldForm::from).collect(),
            created: record.created.into(),
            modified: record.modified.into(),
        }
    }
}

impl TryFrom<HolderForm<'_>> for HolderRecord {
    type Error = &'static str;

    fn try_from(form: HolderForm<'_>) -> Result<Self, Self::Error> {
        let (namespace, name, uid) = (form.namespace.to_owned(), form.object.to_owned(), form.uid.to_owned());
        Ok(HolderRecord {
            name: form.name.into(),
            id: match form.kind {
                0 => HolderId::Pod(PodRef { namespace, name, uid }),
                1 => HolderId::Secret { namespace, name, uid },
                _ => return Err("the kind of a holder is not known"),
            },
            held: form.held.into_iter().map(HeldKeys::from).collect(),
            created: form.created.try_into()?,
            modified: form.modified.try_into()?,
        })
    }
}

impl<'a> From<&'a HeldKeys> for HeldForm<'a> {
    fn from(held: &'a HeldKeys) -> Self {
        HeldForm { principal: (&held.principal).into(), kvnos: held.kvnos.clone() }
    }
}

impl From<HeldForm<'_>> for HeldKeys {
    fn from(form: HeldForm<'_>) -> Self {
        HeldKeys { principal: form.principal.into(), kvnos: form.kvnos }
    }
}
