use super::*;
use crate::battery::{full_principal, name, principal};
use rand_core::OsRng;

fn master() -> MasterKey {
    MasterKey::generate(&mut OsRng)
}

fn sealed(master: &MasterKey, record: &Record) -> (Vec<u8>, Vec<u8>) {
    (key_of(record.name()).unwrap(), seal(master, record).unwrap())
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
    let alias = Record::Alias { alias: name(&["a", ""]), target: name(&["\u{1F436}", "b"]) };
    for record in [full_principal(&name(&["HTTP", "web"])), principal(&name(&["web"]), 0), alias] {
        let (key, stored) = sealed(&master, &record);
        assert_eq!(open(&master, &key, &stored), Ok(record));
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
    assert!(reason(open(&master_key, &other, &stored)).contains("under another name"));
    assert!(reason(open(&master(), &key, &stored)).contains("another master key"));
}

#[test]
fn every_changed_or_missing_octet_is_noticed() {
    let master = master();
    let (key, stored) = sealed(&master, &principal(&name(&["web"]), 1));
    for at in 1..stored.len() {
        let mut changed = stored.clone();
        changed[at] ^= 1;
        open(&master, &key, &changed).unwrap_err();
        open(&master, &key, &stored[..at]).unwrap_err();
    }
    assert_eq!(reason(open(&master, &key, &[])), "it is empty");
}

#[test]
fn a_newer_format_is_named_and_one_that_never_was_is_refused() {
    let master = master();
    let (key, mut stored) = sealed(&master, &principal(&name(&["web"]), 1));
    stored[0] = 2;
    let newer = StoreError::NewerRecord { name: "web@EXAMPLE".to_owned(), found: 2, known: 1 };
    assert_eq!(open(&master, &key, &stored), Err(newer));
    let zero = [&[0], master.wrap(&associated(0, &key), b"", &mut OsRng).as_slice()].concat();
    assert_eq!(reason(open(&master, &key, &zero)), "its format never existed");
}

#[test]
fn a_record_that_bears_another_name_inside_is_refused() {
    let master = master();
    let key = key_of(&name(&["web"])).unwrap();
    let inside = format_1::encode(&principal(&name(&["admin"]), 1)).unwrap();
    let stored = [&[1], master.wrap(&associated(1, &key), &inside, &mut OsRng).as_slice()].concat();
    assert_eq!(reason(open(&master, &key, &stored)), "it bears another name inside");
}
