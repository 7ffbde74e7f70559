//! A principal of a dump as a record.

use crate::mit_import::attributes::attributes;
use crate::mit_import::keys::KeyReader;
use crate::mit_import::master_keys::SealingKeys;
use crate::mit_import::note::{Note, Notes};
use crate::principal::{Origin, PrincipalRecord, RESERVED_CLASSES};
use kennel_crypto::Enctype;
use kennel_wire::message::{KerberosTime, Principal, Timestamp};
use kennel_wire::mit_dump::principal::DumpPrincipal;

/// The string attribute that has a field of its own in a record.
const SESSION_ENCTYPES: &str = "session_enctypes";

/// What every principal of a dump is read with.
pub(super) struct PrincipalReader<'a> {
    pub(super) master: &'a SealingKeys,
    /// The keys of `kadmin/history`.
    pub(super) history: &'a SealingKeys,
    pub(super) now: Timestamp,
    /// Who is named where the dump does not say who made or changed a principal.
    pub(super) by: &'a str,
    pub(super) notes: &'a mut Notes,
}

impl PrincipalReader<'_> {
    /// The record of a principal. `name` is its text form, for notes.
    pub(super) fn record(&mut self, principal: Principal, name: &str, entry: &DumpPrincipal) -> PrincipalRecord {
        let modification = entry.modification();
        let changed = entry.last_password_change().map(instant);
        let modified = modification.as_ref().map(|modification| instant(modification.time));
        let created = changed.into_iter().chain(modified).min().unwrap_or(self.now);
        let kadm = entry.kadm_data().unwrap_or_else(|_| {
            self.notes.add(Note::KadmData, name);
            None
        });
        let from_password = kadm.as_ref().is_some_and(|kadm| kadm.policy.is_some()) || !is_of_a_host(&principal);
        let mut keys = KeyReader { principal: &principal, from_password, name, notes: &mut *self.notes };
        let key_set = keys.key_set(entry, self.master, changed.unwrap_or(created), self.now);
        let earlier = kadm.iter().flat_map(|kadm| &kadm.history);
        let password_history =
            earlier.map(|earlier| keys.earlier(earlier, self.history)).filter(|keys| !keys.is_empty()).collect();
        let by = modification.map(|modification| modification.by).filter(|by| !by.is_empty());
        let mut record =
            PrincipalRecord::new(principal, Origin::Manual, key_set, created, by.unwrap_or_else(|| self.by.to_owned()));
        record.modified = modified.unwrap_or(self.now);
        record.attributes = attributes(entry.attributes, name, self.notes);
        (record.max_life, record.max_renewable_life) = (limit(entry.max_life), limit(entry.max_renewable_life));
        (record.expires, record.password_expires) = (entry.expires, entry.password_expires);
        record.policy = kadm.and_then(|kadm| kadm.policy);
        record.password_history = password_history;
        self.strings(&mut record, name, entry);
        self.say_of_keys(&record, name, entry);
        record.unknown_holder = is_held(&record).then_some(self.now);
        record
    }

    fn strings(&mut self, record: &mut PrincipalRecord, name: &str, entry: &DumpPrincipal) {
        let Some(strings) = entry.strings() else { return self.notes.add(Note::Strings, name) };
        record.strings = strings.into_iter().collect();
        let Some(list) = record.strings.remove(SESSION_ENCTYPES) else { return };
        let names: Vec<&str> = list.split([',', ' ', '\t']).filter(|name| !name.is_empty()).collect();
        let known: Vec<Enctype> = names.iter().filter_map(|name| Enctype::from_name(name)).collect();
        if known.len() < names.len() {
            self.notes.add(Note::SessionEnctypes, name);
        }
        record.session_enctypes = Some(known).filter(|known| !known.is_empty());
    }

    fn say_of_keys(&mut self, record: &PrincipalRecord, name: &str, entry: &DumpPrincipal) {
        let versions = &record.keys.versions;
        if versions.is_empty() && !entry.keys.is_empty() {
            self.notes.add(Note::NoKey, name);
        }
        if versions.iter().flat_map(|version| &version.keys).any(|key| key.key.enctype() == Enctype::Rc4Hmac) {
            self.notes.add(Note::Rc4, name);
        }
    }
}

/// Whether a name is that of a service of a host or of the KDC, whose keys are random; all others are taken for those of persons,
/// whose keys never rotate by themselves.
fn is_of_a_host(principal: &Principal) -> bool {
    match principal.name.components.as_slice() {
        [class, .., _] if RESERVED_CLASSES.contains(&&**class) => true,
        [_, .., host] => host.contains('.'),
        _ => false,
    }
}

/// Whether its keys are in keytabs that nobody knows of.
fn is_held(record: &PrincipalRecord) -> bool {
    let is_krbtgt = record.principal.name.krbtgt_realm().is_some();
    !is_krbtgt && record.keys.password_set().is_none() && !record.keys.versions.is_empty()
}

/// Zero is the limit of the realm.
fn limit(seconds: u32) -> Option<u32> {
    (seconds > 0).then_some(seconds)
}

fn instant(time: KerberosTime) -> Timestamp {
    Timestamp { time, micros: 0 }
}
