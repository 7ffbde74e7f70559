use super::reader::read;
use super::secret::DumpSecret;
use super::writer::write;
use super::{Manifest, header};
use crate::battery::{full_principal, holder, name, policy, principal};
use crate::error::StoreError;
use crate::principal_store::Revision;
use kennel_core::principal::{Origin, Record};
use kennel_crypto::{MasterKey, SecretBytes};
use kennel_wire::message::{KerberosTime, Timestamp};
use rand_core::OsRng;
use std::sync::Arc;

fn key() -> DumpSecret {
    DumpSecret::Key(Arc::new(MasterKey::generate(&mut OsRng)))
}

fn passphrase(text: &str) -> DumpSecret {
    DumpSecret::Passphrase(SecretBytes::new(text.as_bytes().to_vec()))
}

fn records(count: u32) -> Vec<Record> {
    let alias = Record::Alias { alias: name(&["www"]), target: name(&["web"]), origin: Origin::Manual };
    let of_each_kind = [full_principal(&name(&["HTTP", "web"])), alias, holder(), policy()];
    let others = (0..count).map(|number| principal(&name(&["user", &number.to_string()]), number));
    of_each_kind.into_iter().chain(others).collect()
}

fn manifest(records: &[Record]) -> Manifest {
    let created = Timestamp { time: KerberosTime(1_700_000_000), micros: 0 };
    Manifest { realm: "EXAMPLE".into(), revision: Revision(4711), created, records: records.len() as u64 }
}

fn dump(secret: &DumpSecret, records: &[Record]) -> Vec<u8> {
    let mut file = Vec::new();
    write(&mut file, secret, &manifest(records), records.iter(), |_| {}).unwrap();
    file
}

fn reason(file: &[u8], secret: &DumpSecret) -> &'static str {
    match read(file, secret, |_| {}) {
        Err(StoreError::Dump { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_record_comes_back_under_a_key_or_a_passphrase() {
    for (secret, count) in [(key(), 0), (key(), 2000), (passphrase("correct horse"), 3)] {
        let records = records(count);
        let mut reports = Vec::new();
        let (found, back) = read(&dump(&secret, &records), &secret, |count| reports.push(count)).unwrap();
        assert_eq!((found, back.len()), (manifest(&records), records.len()));
        assert!(back == records && reports.is_sorted() && reports.last() == Some(&(records.len() as u64)));
    }
    let empty = key();
    assert_eq!(read(&dump(&empty, &[]), &empty, |_| {}).unwrap().1, []);
}

#[test]
fn no_text_of_a_record_is_in_the_file_and_two_dumps_differ() {
    let (secret, records) = (key(), records(10));
    let file = dump(&secret, &records);
    assert!(!file.windows(4).any(|octets| octets == b"HTTP" || octets == b"user"));
    assert_ne!(file, dump(&secret, &records));
}

#[test]
fn another_secret_is_refused_and_says_so() {
    let (secret, records) = (key(), records(1));
    let file = dump(&secret, &records);
    assert!(reason(&file, &key()).contains("another one"));
    assert!(reason(&file, &passphrase("x")).contains("a passphrase was given"));
    let file = dump(&passphrase("x"), &records);
    assert!(reason(&file, &passphrase("y")).contains("another one"));
    assert!(reason(&file, &secret).contains("a key was given"));
}

#[test]
fn a_file_that_ends_early_is_refused_wherever_it_ends() {
    let (secret, records) = (key(), records(2000));
    let file = dump(&secret, &records);
    // Each end of a piece, and some others.
    let (mut at, mut ends) = (header::LENGTH, Vec::new());
    while let Some(length) = file.get(at..at + 4) {
        ends.push(at);
        at += 4 + u32::from_be_bytes(length.try_into().unwrap()) as usize;
    }
    assert!(ends.len() > 3 && at == file.len(), "{ends:?}");
    for end in ends.into_iter().chain((0..file.len()).step_by(997)).chain([file.len() - 1]) {
        read(&file[..end], &secret, |_| {}).unwrap_err();
    }
    assert!(reason(&[&file[..], b"x"].concat(), &secret).contains("changed"));
}

#[test]
fn every_changed_octet_is_noticed() {
    let (secret, records) = (key(), records(1));
    let file = dump(&secret, &records);
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        read(&changed, &secret, |_| {}).unwrap_err();
    }
}

#[test]
fn pieces_of_one_file_or_of_two_are_not_exchanged() {
    let (secret, records) = (key(), records(600));
    let (one, two) = (dump(&secret, &records), dump(&secret, &records));
    let piece = |file: &[u8], number: usize| {
        let mut at = header::LENGTH;
        for _ in 0..number {
            at += 4 + u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        }
        at..at + 4 + u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize
    };
    let (first, second) = (piece(&one, 1), piece(&one, 2));
    let swapped = [&one[..first.start], &one[second.clone()], &one[first.clone()], &one[second.end..]].concat();
    assert!(reason(&swapped, &secret).contains("changed"));
    let from_other = [&one[..first.start], &two[piece(&two, 1)], &one[first.end..]].concat();
    assert!(reason(&from_other, &secret).contains("changed"));
}

#[test]
fn other_files_and_newer_ones_are_told_apart() {
    let secret = key();
    assert!(reason(b"", &secret).contains("no dump"));
    assert!(reason(b"kdb5_util load_dump version 7\n", &secret).contains("no dump"));
    assert!(reason(b"kennel-dump 2\n", &secret).contains("newer"));
    let mut file = dump(&secret, &[]);
    file[14] = 7;
    assert!(reason(&file, &secret).contains("newer"));
}
