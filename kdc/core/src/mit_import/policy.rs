//! A policy of a dump as a record.

use crate::mit_import::note::{Note, Notes};
use crate::password_policy::{PasswordPolicy, PolicyRecord};
use kennel_crypto::Enctype;
use kennel_wire::message::Timestamp;
use kennel_wire::mit_dump::policy::DumpPolicy;

/// The record of a policy. A dump does not say who changed it last.
pub(super) fn record(dumped: &DumpPolicy, realm: &str, now: Timestamp, by: &str, notes: &mut Notes) -> PolicyRecord {
    let keysalts = dumped.allowed_keysalts.as_deref().unwrap_or_default();
    let named = keysalts.split([',', ' ']).filter(|keysalt| !keysalt.is_empty());
    let mut allowed_enctypes = Vec::new();
    for keysalt in named {
        // A salt follows the colon: a policy of Kennel names enctypes alone.
        match Enctype::from_name(keysalt.split(':').next().unwrap_or_default()) {
            Some(enctype) if !allowed_enctypes.contains(&enctype) => allowed_enctypes.push(enctype),
            Some(_) => {}
            None => notes.add(Note::AllowedEnctypes, &dumped.name),
        }
    }
    let rules = PasswordPolicy {
        min_life: dumped.min_life,
        max_life: dumped.max_life,
        min_length: dumped.min_length,
        min_classes: dumped.min_classes,
        history: dumped.history,
        max_failures: dumped.max_failures,
        failure_count_interval: dumped.failure_count_interval,
        lockout_duration: dumped.lockout_duration,
        allowed_enctypes,
    };
    PolicyRecord::new(&dumped.name, realm, rules, now, by)
}
