//! The dump as a whole: its realm and master keys, then entry after entry.

use crate::mit_import::error::ImportError;
use crate::mit_import::keys::KeyReader;
use crate::mit_import::master_keys::{MasterSecret, SealingKeys};
use crate::mit_import::note::{Note, Notes};
use crate::mit_import::policy;
use crate::mit_import::principal::PrincipalReader;
use crate::principal::{Origin, Record};
use kennel_wire::message::{Principal, Timestamp};
use kennel_wire::mit_dump::principal::DumpPrincipal;
use kennel_wire::mit_dump::{DumpEntry, DumpReader};
use std::collections::BTreeMap;

/// Named as who changed a record where the dump does not say it.
const BY: &str = "import-mit";

/// Makes records of the entries of a dump. Everything but the records is small.
pub struct Importer {
    realm: String,
    master: SealingKeys,
    history: SealingKeys,
    now: Timestamp,
    records: BTreeMap<Principal, Record>,
    notes: Notes,
}

impl Importer {
    /// Finds the realm and the master keys in a dump, of which every line is read. `realm`: where the dump does not say it.
    ///
    /// # Errors
    /// [`ImportError`].
    pub fn new(
        dump: DumpReader<'_>,
        realm: Option<&str>,
        secret: &MasterSecret,
        now: Timestamp,
    ) -> Result<Importer, ImportError> {
        let known = KnownEntries::find(dump)?;
        let realm = realm.map(str::to_owned).or(known.realm).ok_or(ImportError::NoRealm)?;
        let master = SealingKeys::find(secret, &realm, known.master.as_deref())?;
        let history =
            known.history.map_or(SealingKeys::of_principal([]), |entry| history_keys(&entry, &realm, &master, now));
        Ok(Importer { realm, master, history, now, records: BTreeMap::new(), notes: Notes::default() })
    }

    /// The realm of the dump.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Takes one entry.
    pub fn add(&mut self, entry: &DumpEntry) {
        match entry {
            DumpEntry::Principal(entry) => self.add_principal(entry),
            DumpEntry::Policy(entry) => {
                let record = policy::record(entry, &self.realm, self.now, BY, &mut self.notes);
                self.insert(&entry.name, Record::Policy(Box::new(record)));
            }
        }
    }

    /// The records in the order of their names, and what is to be said of them.
    #[must_use]
    pub fn finish(mut self) -> (Vec<Record>, Notes) {
        let is_principal = |record: Option<&Record>| matches!(record, Some(Record::Principal(_)));
        let lost: Vec<Principal> = self
            .records
            .values()
            .filter_map(|record| match record {
                Record::Alias { alias, target, .. } if !is_principal(self.records.get(target)) => Some(alias.clone()),
                _ => None,
            })
            .collect();
        for alias in lost {
            self.notes.add(Note::NoTarget, &alias.to_string());
            self.records.remove(&alias);
        }
        (self.records.into_values().collect(), self.notes)
    }

    fn add_principal(&mut self, entry: &DumpPrincipal) {
        let text = String::from_utf8_lossy(&entry.name).into_owned();
        let principal = std::str::from_utf8(&entry.name).ok().and_then(|name| Principal::parse(name, &self.realm).ok());
        let Some(principal) = principal else { return self.notes.add(Note::Name, &text) };
        match self.place(&principal) {
            Place::Own => {}
            Place::Nowhere => return,
            Place::Elsewhere(note) => return self.notes.add(note, &text),
        }
        if let Some(target) = entry.alias_target() {
            return match Principal::parse(&target, &self.realm) {
                Ok(target) if target.realm == principal.realm => {
                    self.insert(&text, Record::Alias { alias: principal, target, origin: Origin::Manual });
                }
                _ => self.notes.add(Note::NoTarget, &text),
            };
        }
        let mut reader = PrincipalReader {
            master: &self.master,
            history: &self.history,
            now: self.now,
            by: BY,
            notes: &mut self.notes,
        };
        let record = reader.record(principal, &text, entry);
        self.insert(&text, Record::Principal(Box::new(record)));
    }

    fn place(&self, principal: &Principal) -> Place {
        let components: Vec<&str> = principal.name.components.iter().map(String::as_str).collect();
        let is_own = principal.realm == self.realm;
        match components.as_slice() {
            ["K", "M"] | ["kadmin", "history"] => Place::Nowhere,
            ["WELLKNOWN", ..] => Place::Elsewhere(Note::Reserved),
            // The key under which a trusted realm issues for this one.
            ["krbtgt", of] if !is_own && *of == self.realm => Place::Own,
            _ if !is_own => Place::Elsewhere(Note::OtherRealm),
            _ => Place::Own,
        }
    }

    fn insert(&mut self, name: &str, record: Record) {
        match self.records.entry(record.name().clone()) {
            std::collections::btree_map::Entry::Vacant(place) => _ = place.insert(record),
            std::collections::btree_map::Entry::Occupied(_) => self.notes.add(Note::Twice, name),
        }
    }
}

/// Whether a principal of the dump is one of the realm.
enum Place {
    Own,
    /// Only MIT Kerberos needs it.
    Nowhere,
    Elsewhere(Note),
}

/// The entries that must be known before the others are read.
#[derive(Default)]
struct KnownEntries {
    realm: Option<String>,
    master: Option<Box<DumpPrincipal>>,
    history: Option<Box<DumpPrincipal>>,
}

impl KnownEntries {
    fn find(dump: DumpReader<'_>) -> Result<KnownEntries, ImportError> {
        let mut known = KnownEntries::default();
        let mut granting = None;
        for entry in dump {
            let DumpEntry::Principal(entry) = entry? else { continue };
            let Some(name) = std::str::from_utf8(&entry.name).ok().and_then(|name| Principal::parse(name, "").ok())
            else {
                continue;
            };
            let components: Vec<&str> = name.name.components.iter().map(String::as_str).collect();
            match components.as_slice() {
                ["K", "M"] => {
                    known.realm = Some(name.realm.clone());
                    known.master = Some(entry);
                }
                ["kadmin", "history"] => known.history = Some(entry),
                ["krbtgt", realm] if *realm == name.realm => granting = Some(name.realm.clone()),
                _ => {}
            }
        }
        known.realm = known.realm.or(granting);
        Ok(known)
    }
}

/// The keys of `kadmin/history`, all versions.
fn history_keys(entry: &DumpPrincipal, realm: &str, master: &SealingKeys, now: Timestamp) -> SealingKeys {
    let Ok(principal) = Principal::parse("kadmin/history", realm) else { return SealingKeys::of_principal([]) };
    // What is lost of them shows in each history that they do not open.
    let mut unsaid = Notes::default();
    let mut reader = KeyReader { principal: &principal, from_password: false, name: "", notes: &mut unsaid };
    let versions = reader.key_set(entry, master, now, now).versions;
    SealingKeys::of_principal(versions.into_iter().flat_map(|v| v.keys.into_iter().map(move |key| (v.kvno, key.key))))
}
