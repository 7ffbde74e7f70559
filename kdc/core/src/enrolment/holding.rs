//! Which keys a pod or a keytab Secret holds: the record that the KDC keeps of it, and when a pod must fetch anew. A pod speaks only
//! for itself and only about principals that it is entitled to: a false statement delays rotations of these, and harms no other pod.

use crate::enrolment::event::GrantedKeys;
use crate::principal::PrincipalRecord;
use crate::rotation::holder::{HeldKeys, HolderId, HolderRecord};
use kennel_wire::enrol::HeldVersions;
use kennel_wire::message::{KerberosTime, Principal, Timestamp};
use std::collections::BTreeMap;

/// Versions of one principal that a record keeps, the newest ones.
const KVNOS: usize = 32;

/// What a holder has on disk, as a pod says or as a Secret was written: versions by canonical name, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeldStatement(BTreeMap<Principal, Vec<u32>>);

/// What is to be written about a holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HolderChange {
    /// This record, in place of the one that there is.
    Put(Box<HolderRecord>),
    /// The holder has no keys any more.
    Delete,
}

/// An enrolment that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueFetch {
    /// Whether the pod cannot work with what it has, or somebody waits for the rotation.
    pub urgent: bool,
}

impl HeldStatement {
    /// Reads the names that a pod says, and drops those that are no names.
    #[must_use]
    pub fn new(held: &HeldVersions, realm: &str) -> HeldStatement {
        let versions = |kvnos: &Vec<u32>| {
            let mut kvnos = kvnos.clone();
            kvnos.sort_unstable_by(|a, b| b.cmp(a));
            kvnos.dedup();
            kvnos
        };
        let named =
            held.iter().filter_map(|(name, kvnos)| Some((Principal::parse(name, realm).ok()?, versions(kvnos))));
        HeldStatement(named.collect())
    }

    /// The versions of a principal; none where the pod does not name it.
    #[must_use]
    pub fn versions_of(&self, principal: &Principal) -> &[u32] {
        self.0.get(principal).map_or(&[], Vec::as_slice)
    }

    fn names(&self, principal: &Principal) -> bool {
        self.0.contains_key(principal)
    }

    /// What a keytab contains.
    #[must_use]
    pub fn of_keytab(contents: &[GrantedKeys]) -> HeldStatement {
        HeldStatement(contents.iter().map(|keys| (keys.principal.clone(), keys.kvnos.clone())).collect())
    }

    /// The change of a holder's record before a keytab of these principals leaves the KDC; `None` where the record says it already.
    /// Without a statement of the holder (`said`), what it confirmed before stays.
    #[must_use]
    pub fn before_keytab(
        said: Option<&HeldStatement>,
        known: Option<&HolderRecord>,
        holder: &HolderId,
        realm: &str,
        keytab: &[Principal],
        now: Timestamp,
    ) -> Option<HolderChange> {
        let held = keytab.iter().map(|principal| {
            let confirmed = || known.and_then(|known| known.versions_of(principal)).unwrap_or_default();
            held_keys(principal, said.map_or_else(confirmed, |said| said.versions_of(principal)))
        });
        change(held.collect(), known, holder, realm, now)
    }

    /// The change of a holder's record after it said what it has, of the principals that it is entitled to.
    #[must_use]
    pub fn confirmed(
        &self,
        known: Option<&HolderRecord>,
        holder: &HolderId,
        realm: &str,
        entitled: &[Principal],
        now: Timestamp,
    ) -> Option<HolderChange> {
        let was_sent = |principal: &Principal| known.is_some_and(|known| known.versions_of(principal).is_some());
        let held = entitled.iter().filter(|principal| self.names(principal) || was_sent(principal));
        let held = held.map(|principal| held_keys(principal, self.versions_of(principal)));
        change(held.collect(), known, holder, realm, now)
    }

    /// The change of a record after this much of what was sent has arrived. What was sent since waits for its own arrival.
    #[must_use]
    pub fn arrived(&self, known: &HolderRecord, now: Timestamp) -> Option<HolderChange> {
        let held = known.held.iter().map(|held| match self.names(&held.principal) {
            true => held_keys(&held.principal, self.versions_of(&held.principal)),
            false => held.clone(),
        });
        change(held.collect(), Some(known), &known.id, &known.name.realm, now)
    }

    /// Whether the pod must fetch the keys of a principal: where it lacks a version. A version too many is no reason, the next
    /// regular enrolment removes it.
    #[must_use]
    pub fn due(&self, principal: &PrincipalRecord) -> Option<DueFetch> {
        let held = self.versions_of(&principal.principal);
        let lacks = |kvno: u32| !held.contains(&kvno);
        let is_due = principal.keys.versions.iter().any(|version| lacks(version.kvno));
        let lacks_active = principal.keys.active_version().is_some_and(|version| lacks(version.kvno));
        is_due.then(|| DueFetch { urgent: lacks_active || principal.rotation_ordered.is_some() })
    }
}

/// Whether a ticket of this authentication time is refused, because the keys of its client or of the ticket-granting service were
/// revoked since. A ticket of the same second counts as one from before.
#[must_use]
pub fn is_revoked(ticket_from: KerberosTime, record: &PrincipalRecord) -> bool {
    record.revoked.is_some_and(|revoked| ticket_from <= revoked.time)
}

fn held_keys(principal: &Principal, kvnos: &[u32]) -> HeldKeys {
    HeldKeys { principal: principal.clone(), kvnos: kvnos.iter().copied().take(KVNOS).collect() }
}

fn change(
    held: Vec<HeldKeys>,
    known: Option<&HolderRecord>,
    holder: &HolderId,
    realm: &str,
    now: Timestamp,
) -> Option<HolderChange> {
    match known {
        None if held.is_empty() => None,
        None => Some(HolderRecord::new(holder.clone(), realm, held, now).into()),
        Some(_) if held.is_empty() => Some(HolderChange::Delete),
        Some(known) if known.held == held => None,
        Some(known) => Some(HolderRecord { held, modified: now, ..known.clone() }.into()),
    }
}

impl From<HolderRecord> for HolderChange {
    fn from(record: HolderRecord) -> HolderChange {
        HolderChange::Put(Box::new(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_set::{KeySet, KeyState, KeyVersion};
    use crate::pods::PodRef;
    use crate::testing::record;

    const NOW: Timestamp = Timestamp { time: KerberosTime(1000), micros: 7 };

    fn pod() -> HolderId {
        HolderId::Pod(PodRef { namespace: "shop".into(), name: "web-1".into(), uid: "u-1".into() })
    }

    fn names(texts: &[&str]) -> Vec<Principal> {
        texts.iter().map(|text| Principal::parse(text, "R").unwrap()).collect()
    }

    fn said(held: &[(&str, &[u32])]) -> HeldStatement {
        let held = held.iter().map(|(name, kvnos)| ((*name).to_owned(), kvnos.to_vec()));
        HeldStatement::new(&held.collect(), "R")
    }

    fn sent(said: Option<&HeldStatement>, known: Option<&HolderRecord>, keytab: &[&str]) -> Option<HolderChange> {
        HeldStatement::before_keytab(said, known, &pod(), "R", &names(keytab), NOW)
    }

    fn put(change: Option<HolderChange>) -> HolderRecord {
        match change {
            Some(HolderChange::Put(record)) => *record,
            other => panic!("{other:?}"),
        }
    }

    fn held(record: &HolderRecord) -> Vec<(String, Vec<u32>)> {
        record.held.iter().map(|held| (held.principal.to_string(), held.kvnos.clone())).collect()
    }

    #[test]
    fn a_pod_is_recorded_before_its_first_keytab_and_has_nothing_then() {
        let record = put(sent(None, None, &["HTTP/a", "web.shop"]));
        assert_eq!(held(&record), [("HTTP/a@R".into(), vec![]), ("web.shop@R".into(), vec![])]);
        assert_eq!((record.id.uid(), record.created), ("u-1", NOW));
        assert_eq!(sent(None, Some(&record), &["HTTP/a", "web.shop"]), None, "nothing to write");
        assert_eq!(sent(None, None, &[]), None, "a pod without a keytab is no holder");
    }

    #[test]
    fn what_was_confirmed_stays_until_the_pod_says_otherwise_or_loses_the_principal() {
        let known = put(said(&[("HTTP/a", &[1, 2])]).confirmed(None, &pod(), "R", &names(&["HTTP/a"]), NOW));
        assert_eq!(held(&known), [("HTTP/a@R".into(), vec![2, 1])]);
        let more = put(sent(None, Some(&known), &["HTTP/a", "HTTP/b"]));
        assert_eq!(held(&more), [("HTTP/a@R".into(), vec![2, 1]), ("HTTP/b@R".into(), vec![])]);
        let lost = put(sent(Some(&said(&[])), Some(&known), &["HTTP/a"]));
        assert_eq!(held(&lost), [("HTTP/a@R".into(), vec![])], "its disk is empty");
        assert_eq!(held(&put(sent(None, Some(&more), &["HTTP/b"]))), [("HTTP/b@R".into(), vec![])]);
        assert_eq!(sent(None, Some(&more), &[]), Some(HolderChange::Delete));
    }

    #[test]
    fn a_pod_speaks_only_of_principals_that_it_is_entitled_to() {
        let lies = said(&[("HTTP/bank", &[9]), ("HTTP/a", &[7]), ("HTTP/a@OTHER", &[8]), ("@", &[1])]);
        let record = put(lies.confirmed(None, &pod(), "R", &names(&["HTTP/a", "HTTP/b"]), NOW));
        assert_eq!(held(&record), [("HTTP/a@R".into(), vec![7])]);
        assert_eq!(lies.confirmed(None, &pod(), "R", &names(&["HTTP/c"]), NOW), None);
    }

    #[test]
    fn what_arrives_late_takes_nothing_from_what_was_sent_since() {
        let keys =
            |name: &str, kvnos: &[u32]| GrantedKeys { principal: names(&[name])[0].clone(), kvnos: kvnos.to_vec() };
        let first = HeldStatement::of_keytab(&[keys("HTTP/a", &[2, 1])]);
        let known = put(sent(None, None, &["HTTP/a", "HTTP/b"]));
        let arrived = put(first.arrived(&known, NOW));
        assert_eq!(held(&arrived), [("HTTP/a@R".into(), vec![2, 1]), ("HTTP/b@R".into(), vec![])]);
        assert_eq!(first.arrived(&arrived, NOW), None);
    }

    #[test]
    fn a_record_keeps_the_newest_versions_of_a_statement_without_measure() {
        let all: Vec<u32> = (0..5000).chain(0..5000).collect();
        let said = said(&[("HTTP/a", &all)]);
        let record = put(said.confirmed(None, &pod(), "R", &names(&["HTTP/a"]), NOW));
        assert_eq!(record.held[0].kvnos, (4968..5000).rev().collect::<Vec<_>>());
        let many: Vec<_> = (1..=100).map(|kvno| (kvno, KeyState::Retiring)).collect();
        assert_eq!(said.due(&versions(&many)), None, "it has them all");
    }

    fn versions(states: &[(u32, KeyState)]) -> PrincipalRecord {
        let version = |(kvno, state): &(u32, KeyState)| KeyVersion {
            kvno: *kvno,
            state: *state,
            created: NOW,
            activated: None,
            retired: None,
            accept: None,
            keys: Vec::new(),
        };
        PrincipalRecord { keys: KeySet { versions: states.iter().map(version).collect() }, ..record("HTTP/a") }
    }

    #[test]
    fn a_fetch_is_due_where_a_version_is_lacking_and_urgent_where_nothing_works_without_it() {
        use KeyState::{Active, Retiring, Staged};
        let has = |kvnos: &[u32]| said(&[("HTTP/a", kvnos)]);
        let staged = versions(&[(3, Staged), (2, Active), (1, Retiring)]);
        assert_eq!(has(&[3, 2, 1]).due(&staged), None);
        assert_eq!(has(&[2, 1]).due(&staged), Some(DueFetch { urgent: false }));
        assert_eq!(has(&[3]).due(&staged), Some(DueFetch { urgent: true }), "without the active one");
        assert_eq!(said(&[]).due(&staged), Some(DueFetch { urgent: true }));
        assert_eq!(has(&[3, 2, 1]).due(&versions(&[(3, Active)])), None, "too many are no reason");
        let ordered = PrincipalRecord { rotation_ordered: Some(NOW), ..staged };
        assert_eq!(has(&[2, 1]).due(&ordered), Some(DueFetch { urgent: true }));
        assert_eq!(has(&[3, 2, 1]).due(&ordered), None);
    }

    #[test]
    fn a_ticket_from_before_a_revocation_is_revoked() {
        let record = PrincipalRecord { revoked: Some(NOW), ..record("cart.shop") };
        let revoked = [999, 1000, 1001].map(|from| is_revoked(KerberosTime(from), &record));
        assert_eq!(revoked, [true, true, false]);
        assert!(!is_revoked(KerberosTime(0), &PrincipalRecord { revoked: None, ..record }));
    }
}
