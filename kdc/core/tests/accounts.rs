//! Principals that follow the objects of a cluster: the next write for one name, up to the end.

use crate::realm::TestRealm;
use kennel_core::accounts::{Action, Conflict, DesiredPrincipal, Role, reconcile, reconcile_alias};
use kennel_core::key_set::KeySet;
use kennel_core::principal::{Attributes, Origin, Owner, PrincipalRecord, Record};
use kennel_core::realm::Realm;
use kennel_core::refusal::Refusal;
use kennel_crypto::Enctype;
use kennel_wire::message::{KerberosTime, Principal, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::BTreeSet;

const START: i64 = 1_800_000_000;
/// Renewable tickets live longest, and may be used a little after their end.
const LONGEST: i64 = 604_800 + 300;

fn at(seconds: i64) -> Timestamp {
    Timestamp { time: KerberosTime(seconds), micros: 0 }
}

fn principal(text: &str) -> Principal {
    Principal::parse(text, "R").unwrap()
}

fn desired(uid: &str, keys: bool) -> DesiredPrincipal {
    let name = principal("cart.shop");
    let (owner, namespace) = (Owner::account(uid), "shop".to_owned());
    let (role, session_enctypes, aliases) = (Role::Client, None, BTreeSet::new());
    DesiredPrincipal { name, owner, namespace, role, keys, session_enctypes, aliases }
}

/// One name of a store.
struct Name {
    stored: Option<Record>,
    rng: StdRng,
}

impl Name {
    fn new(stored: Option<Record>) -> Name {
        Name { stored, rng: StdRng::seed_from_u64(1) }
    }

    /// Acts until there is nothing left to do at that time; returns the last action.
    fn settle(&mut self, desired: Option<&DesiredPrincipal>, now: i64) -> Action {
        for _ in 0..5 {
            let action = reconcile(desired, self.stored.as_ref(), &Realm::new("R"), at(now), &mut self.rng);
            match action {
                Action::Put(record) => self.stored = Some(*record),
                Action::Delete => self.stored = None,
                last => return last,
            }
        }
        panic!("it does not settle");
    }

    fn record(&self) -> &PrincipalRecord {
        match &self.stored {
            Some(Record::Principal(record)) => record,
            other => panic!("no principal: {other:?}"),
        }
    }

    fn disabled(&self) -> bool {
        self.record().attributes.contains(Attributes::DISALLOW_ALL)
    }
}

#[test]
fn an_account_that_gets_tickets_has_no_keys_and_is_no_service() {
    let mut name = Name::new(None);
    assert_eq!(name.settle(Some(&desired("a", false)), START), Action::Keep);
    let record = name.record();
    assert_eq!((record.origin, record.owner.clone()), (Origin::Kubernetes, Some(Owner::account("a"))));
    assert_eq!(record.attributes, Attributes::DISALLOW_SERVER);
    assert!(record.keys.versions.is_empty());
}

#[test]
fn keys_come_when_they_are_asked_for_and_never_change_or_go_by_that() {
    let mut name = Name::new(None);
    name.settle(Some(&desired("a", true)), START);
    let keys = name.record().keys.clone();
    assert_eq!(keys.versions.len(), 1);
    name.settle(Some(&desired("a", false)), START + 5);
    name.settle(Some(&desired("a", true)), START + 9);
    assert_eq!(name.record().keys, keys);
}

#[test]
fn a_service_may_be_asked_for() {
    let mut name = Name::new(None);
    name.settle(Some(&DesiredPrincipal { role: Role::Service, ..desired("a", true) }), START);
    assert_eq!(name.record().attributes, Attributes::empty());
}

#[test]
fn session_enctypes_follow_the_cluster_and_keys_stay() {
    let service = |session_enctypes| DesiredPrincipal { role: Role::Service, session_enctypes, ..desired("a", true) };
    let named = Some(vec![Enctype::Aes128CtsHmacSha1]);
    let mut name = Name::new(None);
    name.settle(Some(&service(named.clone())), START);
    let keys = name.record().keys.clone();
    assert_eq!(name.record().session_enctypes, named);
    for wanted in [None, named, Some(vec![Enctype::Aes256CtsHmacSha1, Enctype::Aes128CtsHmacSha1])] {
        name.settle(Some(&service(wanted.clone())), START + 5);
        assert_eq!((&name.record().session_enctypes, &name.record().keys), (&wanted, &keys));
    }
}

#[test]
fn a_deleted_account_is_disabled_at_once_and_goes_when_its_last_ticket_has_ended() {
    let mut name = Name::new(None);
    name.settle(Some(&desired("a", true)), START);
    assert_eq!(name.settle(None, START + 10), Action::Wait(KerberosTime(START + 10 + LONGEST)));
    assert!(name.disabled());
    name.settle(None, START + 10 + LONGEST - 1);
    assert!(name.stored.is_some());
    assert_eq!(name.settle(None, START + 10 + LONGEST), Action::Keep);
    assert!(name.stored.is_none());
}

#[test]
fn a_record_keeps_the_namespace_of_its_objects_until_it_is_deleted() {
    let mut name = Name::new(None);
    name.settle(Some(&desired("a", true)), START);
    assert_eq!(name.record().namespace.as_deref(), Some("shop"));
    name.settle(None, START + 10);
    assert_eq!(name.record().namespace.as_deref(), Some("shop"));
    name.settle(Some(&DesiredPrincipal { namespace: "front".into(), ..desired("b", true) }), START + 20);
    assert_eq!(name.record().namespace.as_deref(), Some("front"), "a name of the alias policy may pass on");
}

#[test]
fn a_record_without_a_namespace_gets_it_and_keeps_its_keys() {
    let mut name = Name::new(None);
    name.settle(Some(&desired("a", true)), START);
    let mut older = name.record().clone();
    older.namespace = None;
    name.stored = Some(Record::Principal(Box::new(older.clone())));
    name.settle(Some(&desired("a", true)), START + 10);
    assert_eq!((name.record().namespace.as_deref(), &name.record().keys), (Some("shop"), &older.keys));
}

#[test]
fn the_same_account_that_comes_back_keeps_its_keys() {
    // Its namespace was un-enrolled for a while.
    let mut name = Name::new(None);
    name.settle(Some(&desired("a", true)), START);
    let keys = name.record().keys.clone();
    name.settle(None, START + 10);
    assert_eq!(name.settle(Some(&desired("a", true)), START + 20), Action::Keep);
    assert!(!name.disabled() && name.record().abandoned.is_none());
    assert_eq!(name.record().keys, keys);
}

#[test]
fn another_account_of_the_name_begins_in_a_later_second_with_new_keys_of_a_higher_version() {
    let mut name = Name::new(None);
    name.settle(Some(&desired("a", true)), START);
    let keys = name.record().keys.clone();
    // The deletion was missed: all that is seen is another UID.
    assert_eq!(name.settle(Some(&desired("b", true)), START + 10), Action::Wait(KerberosTime(START + 11)));
    assert!(name.disabled(), "until then nobody has the name");
    assert_eq!(name.settle(Some(&desired("b", true)), START + 11), Action::Keep);
    let record = name.record();
    assert_eq!((record.owner.clone(), record.created), (Some(Owner::account("b")), at(START + 11)));
    assert_eq!(record.keys.versions.iter().map(|v| v.kvno).collect::<Vec<_>>(), [2]);
    assert_ne!(record.keys.versions[0].keys, keys.versions[0].keys);
    assert!(!name.disabled());
}

/// CVE-2021-42287: a ticket must not outlive its account under the name of another one, not within one second either.
#[test]
fn no_ticket_of_the_older_account_works_for_the_newer_one() {
    let mut realm = TestRealm::new();
    let principal = realm.principal("cart.shop");
    let keys = KeySet::random(&Realm::new("R").enctypes, 1, realm.now, &mut realm.rng);
    let mut older = PrincipalRecord::new(principal.clone(), Origin::Kubernetes, keys, realm.now, "test");
    older.owner = Some(Owner::account("a"));
    realm.entries.insert(principal.clone(), std::sync::Arc::new(kennel_core::entry::Entry::new(older.clone())));
    let tgt = realm.tgt("cart.shop");
    let mut name = Name::new(Some(Record::Principal(Box::new(older))));
    // Deleted and made anew in the second in which the ticket was issued.
    let now = realm.now.time.0;
    name.settle(Some(&desired("b", true)), now);
    name.settle(Some(&desired("b", true)), now + 1);
    let newer = kennel_core::entry::Entry::new(name.record().clone());
    realm.entries.insert(principal, std::sync::Arc::new(newer));
    realm.wait(1);
    let refused = realm.service(&tgt, "HTTP/web.r");
    realm.assert_refused(refused, Refusal::TicketRevoked);
    let fresh = realm.tgt("cart.shop");
    realm.service(&fresh, "HTTP/web.r").unwrap();
}

#[test]
fn nothing_of_an_administrators_is_taken_over_or_removed() {
    let manual = PrincipalRecord::new(principal("cart.shop"), Origin::Manual, KeySet::default(), at(START), "admin");
    let manual = Record::Principal(Box::new(manual));
    let mut name = Name::new(Some(manual.clone()));
    assert_eq!(name.settle(Some(&desired("a", true)), START), Action::Refuse(Conflict::Manual));
    assert_eq!(name.settle(None, START), Action::Keep);
    assert_eq!(name.stored, Some(manual));
}

#[test]
fn aliases_follow_their_target_and_leave_others_alone() {
    let (alias, target, other) = (principal("HTTP/web.shop"), principal("HTTP/web.shop.svc"), principal("HTTP/b"));
    let record = |target: &Principal, origin| Record::Alias { alias: alias.clone(), target: target.clone(), origin };
    let ours = record(&target, Origin::Kubernetes);
    let put = Action::Put(Box::new(ours.clone()));
    assert_eq!(reconcile_alias(&alias, Some(&target), None), put);
    assert_eq!(reconcile_alias(&alias, Some(&target), Some(&ours)), Action::Keep);
    assert_eq!(reconcile_alias(&alias, Some(&target), Some(&record(&other, Origin::Kubernetes))), put);
    assert_eq!(reconcile_alias(&alias, None, Some(&ours)), Action::Delete);
    let manual = record(&other, Origin::Manual);
    assert_eq!(reconcile_alias(&alias, Some(&target), Some(&manual)), Action::Refuse(Conflict::Alias));
    assert_eq!(reconcile_alias(&alias, None, Some(&manual)), Action::Keep);
    let own = PrincipalRecord::new(alias.clone(), Origin::Kubernetes, KeySet::default(), at(START), "x");
    let own = Record::Principal(Box::new(own));
    assert_eq!(reconcile_alias(&alias, Some(&target), Some(&own)), Action::Refuse(Conflict::Principal));
}
