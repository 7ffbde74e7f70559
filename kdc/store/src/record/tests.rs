use super::*;
use crate::battery::{full_principal, holder, name, policy, principal};
use kennel_core::principal::{Attributes, Origin};
use rand_core::OsRng;
use std::collections::BTreeMap;

fn master() -> MasterKeys {
    MasterKey::generate(&mut OsRng).into()
}

const AT: Revision = Revision(7);

fn sealed(master: &MasterKeys, record: &Record) -> (Vec<u8>, Vec<u8>) {
    let key = key_of(record.name()).unwrap();
    let stored = seal(master.newest(), &key, AT, &encode(&key, record).unwrap());
    (key, stored)
}

/// What a Kennel of that format stored: the associated data of formats 1 and 2 had no revision.
fn stored_by_format(format: u8, master: &MasterKeys, key: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let associated = [&[format], key].concat();
    [&[format], master.current().wrap(&associated, plaintext, &mut OsRng).as_slice()].concat()
}

fn reason(result: Result<Record, StoreError>) -> &'static str {
    match result.unwrap_err() {
        StoreError::Corrupt { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

#[test]
fn every_field_comes_back() {
    let master = master();
    let alias =
        Record::Alias { alias: name(&["a", ""]), target: name(&["\u{1F436}", "b"]), origin: Origin::Kubernetes };
    for record in [full_principal(&name(&["HTTP", "web"])), principal(&name(&["web"]), 0), alias, holder(), policy()] {
        let (key, stored) = sealed(&master, &record);
        assert_eq!(open(&master, &key, AT, &stored), Ok(record));
    }
}

#[test]
fn two_sealings_of_one_record_differ() {
    let master = master();
    let record = principal(&name(&["web"]), 1);
    assert_ne!(sealed(&master, &record), sealed(&master, &record));
}

#[test]
fn a_record_under_another_name_or_key_is_refused() {
    let master_key = master();
    let (key, stored) = sealed(&master_key, &principal(&name(&["web"]), 1));
    let other = key_of(&name(&["admin"])).unwrap();
    assert!(reason(open(&master_key, &other, AT, &stored)).contains("under another name"));
    assert!(reason(open(&master(), &key, AT, &stored)).contains("another master key"));
}

#[test]
fn a_record_of_an_older_revision_is_refused_at_the_newer_one() {
    let master = master();
    let (key, stored) = sealed(&master, &principal(&name(&["web"]), 1));
    for revision in [0, 6, 8, u64::MAX] {
        assert!(reason(open(&master, &key, Revision(revision), &stored)).contains("revision"), "{revision}");
    }
}

#[test]
fn every_changed_or_missing_octet_is_noticed() {
    let master = master();
    let (key, stored) = sealed(&master, &principal(&name(&["web"]), 1));
    for at in 1..stored.len() {
        let mut changed = stored.clone();
        changed[at] ^= 1;
        open(&master, &key, AT, &changed).unwrap_err();
        open(&master, &key, AT, &stored[..at]).unwrap_err();
    }
    assert_eq!(reason(open(&master, &key, AT, &[])), "it is empty");
}

#[test]
fn a_newer_format_is_named_and_one_that_never_was_is_refused() {
    let master = master();
    let (key, mut stored) = sealed(&master, &principal(&name(&["web"]), 1));
    stored[0] = FORMAT + 1;
    let newer = StoreError::NewerRecord { name: "web@EXAMPLE".to_owned(), found: FORMAT + 1, known: FORMAT };
    assert_eq!(open(&master, &key, AT, &stored), Err(newer));
    let zero = [&[0], master.current().wrap(&associated(&[0], AT, &key), b"", &mut OsRng).as_slice()].concat();
    assert!(reason(open(&master, &key, AT, &zero)).contains("older"));
}

#[test]
fn a_record_that_bears_another_name_inside_is_refused() {
    let master = master();
    let key = key_of(&name(&["web"])).unwrap();
    let inside = format::encode(&principal(&name(&["admin"]), 1)).unwrap();
    let stored = seal(master.newest(), &key, AT, &inside);
    assert_eq!(reason(open(&master, &key, AT, &stored)), "it bears another name inside");
}

/// Formats 1 and 2 were not bound to a revision: who has one of their records, under this very master key, cannot put the record into
/// a store of today.
#[test]
fn what_formats_1_and_2_wrote_once_is_refused() {
    let master = master();
    for (format, written, record) in [(1, PRINCIPAL_1, small(false)), (2, PRINCIPAL_2, small(true))] {
        let key = key_of(record.name()).unwrap();
        let stored = stored_by_format(format, &master, &key, &octets(written));
        assert!(reason(open(&master, &key, AT, &stored)).contains("older"), "format {format}");
        let renamed = [&[FORMAT], &stored[1..]].concat();
        assert!(reason(open(&master, &key, AT, &renamed)).contains("revision"), "format {format}");
    }
    // What they encoded is what format 3 encodes.
    let alias = Record::Alias { alias: name(&["HTTP", "web"]), target: name(&["web.shop"]), origin: Origin::Manual };
    for (written, record) in [(PRINCIPAL_1, small(false)), (ALIAS_1, alias)] {
        assert_eq!(format::decode(&octets(written)), Ok(record));
    }
}

#[test]
fn a_record_says_which_master_key_it_is_under_and_nothing_else_of_the_key() {
    let master = master();
    let (key, stored) = sealed(&master, &principal(&name(&["web"]), 1));
    assert_eq!((stored[0], &stored[1..9], stored[9]), (WRAPPING, &master.current().id_octets()[..], FORMAT));
    assert_eq!(hex(&stored[1..9]), master.current().id());
    let mut lies = stored;
    lies[1..9].copy_from_slice(&self::master().current().id_octets());
    assert!(reason(open(&master, &key, AT, &lies)).contains("another master key"));
}

#[test]
fn a_record_of_either_key_is_read_and_wrapped_anew_at_its_revision() {
    let (old, new) = (master(), master());
    let both = MasterKeys::new(old.current().clone(), Some(new.current().clone()));
    let record = full_principal(&name(&["HTTP", "web"]));
    let (key, stored) = sealed(&old, &record);
    // One from before records named their key.
    let from_before =
        stored_by_format(3, &old, &[&AT.0.to_be_bytes(), &key[..]].concat(), &format::encode(&record).unwrap());
    for stored in [stored, from_before] {
        let anew = rewrap(&both, &key, AT, &stored).unwrap();
        assert_eq!(open(&both, &key, AT, &stored), Ok(record.clone()));
        assert_eq!(open(&both, &key, AT, &anew), Ok(record.clone()));
        assert_eq!(open(&new, &key, AT, &anew), Ok(record.clone()));
        assert!(open(&new, &key, AT, &stored).is_err() && open(&both, &key, Revision(8), &anew).is_err());
        assert_eq!(master_key_of(&both, &anew).unwrap().id(), new.current().id());
        assert_eq!(master_key_of(&both, &stored).unwrap().id(), old.current().id());
    }
}

/// The first version of format 3 wrote these records, with the CBOR of format 2 and without the id of a master key: records in a store
/// must stay readable.
#[test]
fn what_format_3_wrote_once_is_still_written_and_read() {
    let alias =
        Record::Alias { alias: name(&["HTTP", "web"]), target: name(&["web.shop"]), origin: Origin::Kubernetes };
    let master = master();
    for (written, record) in [(PRINCIPAL_2, small(true)), (ALIAS_2, alias)] {
        assert_eq!(hex(&format::encode(&record).unwrap()), written);
        let key = key_of(record.name()).unwrap();
        let associated = [&[3, 0, 0, 0, 0, 0, 0, 0, 7], key.as_slice()].concat();
        let stored = [&[3], master.current().wrap(&associated, &octets(written), &mut OsRng).as_slice()].concat();
        assert_eq!(open(&master, &key, AT, &stored), Ok(record));
    }
}

/// All fields, but only one key in each version, and attributes that do not grow with those that Kennel knows.
fn small(of_the_cluster: bool) -> Record {
    let mut record = full_principal(&name(&["HTTP", "web"]));
    if let Record::Principal(record) = &mut record {
        (record.namespace, record.session_enctypes) = (None, None);
        (record.rotation_ordered, record.revoked, record.unknown_holder) = (None, None, None);
        (record.policy, record.strings, record.password_history) = (None, BTreeMap::new(), Vec::new());
        record.attributes = Attributes::DISALLOW_ALL | Attributes::LOCKED;
        if !of_the_cluster {
            (record.owner, record.abandoned) = (None, None);
        }
        record.keys.versions.iter_mut().for_each(|version| {
            version.keys.truncate(1);
            version.accept = None;
        });
    }
    record
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

const PRINCIPAL_1: &str = "\
    8200818b830182644854545063776562674558414d504c4501192001001affffffff1b0000003afff4417f0083861affffff\
    ff00821a6553f10001f6f6818214582014141414141414141414141414141414141414141414141414141414141414148602\
    01821a6553f10001821a6553f16400f681831458201414141414141414141414141414141414141414141414141414141414\
    1414146b4558414d504c4573616c74860102821a6553f10001820000821b0000003afff4417f1a000f423f81831458201414\
    14141414141414141414141414141414141414141414141414141414141460821a6553f10000821a6553f1c81a000f423f78\
    1e61646d696e2f61646d696e404558414d504c452c206ec3a96520f09f90b6";
const ALIAS_1: &str = "\
    820182830182644854545063776562674558414d504c45830181687765622e73686f70674558414d504c45";
const PRINCIPAL_2: &str = "\
    8200818d830182644854545063776562674558414d504c4501192001001affffffff1b0000003afff4417f0083861affffff\
    ff00821a6553f10001f6f6818214582014141414141414141414141414141414141414141414141414141414141414148602\
    01821a6553f10001821a6553f16400f681831458201414141414141414141414141414141414141414141414141414141414\
    1414146b4558414d504c4573616c74860102821a6553f10001820000821b0000003afff4417f1a000f423f81831458201414\
    14141414141414141414141414141414141414141414141414141414141460821a6553f10000821a6553f1c81a000f423f78\
    1e61646d696e2f61646d696e404558414d504c452c206ec3a96520f09f90b6782430663165326433632d346235612d363937\
    382d383739362d613562346333643265316630821a6553f19607";
const ALIAS_2: &str = "\
    820183830182644854545063776562674558414d504c45830181687765622e73686f70674558414d504c4501";
