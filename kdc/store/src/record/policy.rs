//! The form of a policy.

use crate::record::parts::{InstantForm, NameForm, enctypes};
use kennel_core::password_policy::{PasswordPolicy, PolicyRecord};
use minicbor::{CborLen, Decode, Encode};

#[derive(Encode, Decode, CborLen)]
pub(super) struct PolicyForm<'a> {
    #[b(0)]
    name: NameForm<'a>,
    #[n(1)]
    min_life: u32,
    #[n(2)]
    max_life: u32,
    #[n(3)]
    min_length: u32,
    #[n(4)]
    min_classes: u32,
    #[n(5)]
    history: u32,
    #[n(6)]
    max_failures: u32,
    #[n(7)]
    failure_count_interval: u32,
    #[n(8)]
    lockout_duration: u32,
    /// Numbers.
    #[n(9)]
    allowed_enctypes: Vec<i32>,
    #[n(10)]
    modified: InstantForm,
    #[b(11)]
    modified_by: &'a str,
}

impl<'a> From<&'a PolicyRecord> for PolicyForm<'a> {
    fn from(record: &'a PolicyRecord) -> Self {
        let rules = &record.rules;
        PolicyForm {
            name: (&record.name).into(),
            min_life: rules.min_life,
            max_life: rules.max_life,
            min_length: rules.min_length,
            min_classes: rules.min_classes,
            history: rules.history,
            max_failures: rules.max_failures,
            failure_count_interval: rules.failure_count_interval,
            lockout_duration: rules.lockout_duration,
            allowed_enctypes: rules.allowed_enctypes.iter().map(|enctype| enctype.number()).collect(),
            modified: record.modified.into(),
            modified_by: &record.modified_by,
        }
    }
}

impl TryFrom<PolicyForm<'_>> for PolicyRecord {
    type Error = &'static str;

    fn try_from(form: PolicyForm<'_>) -> Result<Self, Self::Error> {
        Ok(PolicyRecord {
            name: form.name.into(),
            rules: PasswordPolicy {
                min_life: form.min_life,
                max_life: form.max_life,
                min_length: form.min_length,
                min_classes: form.min_classes,
                history: form.history,
                max_failures: form.max_failures,
                failure_count_interval: form.failure_count_interval,
                lockout_duration: form.lockout_duration,
                allowed_enctypes: enctypes(form.allowed_enctypes)?,
            },
            modified: form.modified.try_into()?,
            modified_by: form.modified_by.to_owned(),
        })
    }
}
