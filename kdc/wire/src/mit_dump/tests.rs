use super::*;
use crate::message::time::KerberosTime;
use crate::mit_dump::kadm_data::KadmData;
use crate::mit_dump::principal::{DumpAttributes, DumpKey, DumpSalt};

/// The fields of a principal between its name and its tagged data.
const FIXED: &str = "128\t86400\t604800\t0\t1803507109\t5\t6\t7";

fn read(text: &str) -> Result<Vec<DumpEntry>, WireError> {
    DumpReader::new(text.as_bytes())?.collect()
}

fn principal(text: &str) -> DumpPrincipal {
    match &read(&format!("kdb5_util load_dump version 7\n{text}")).unwrap()[..] {
        [DumpEntry::Principal(principal)] => (**principal).clone(),
        other => panic!("{other:?}"),
    }
}

fn tagged(kind: i32, octets: &[u8]) -> DumpPrincipal {
    let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    principal(&format!("princ\t38\t3\t1\t0\t0\ta@R\t{FIXED}\t{kind}\t{}\t{digits}\t-1;\n", octets.len()))
}

fn policy(version: u32, fields: &str) -> Result<DumpPolicy, WireError> {
    match &read(&format!("kdb5_util load_dump version {version}\npolicy\tstrict\t{fields}\n"))?[..] {
        [DumpEntry::Policy(policy)] => Ok((**policy).clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_principal_has_what_its_line_says() {
    let line = format!(
        "princ\t38\t3\t2\t2\t2\ta@R\t{FIXED}\t8\t2\t0100\t1\t4\ta5ae086b\t1\t2\t18\t3\t2000ff\t2\t1\t17\t2\t1000\t4\t3\t414e4d\tabcd;\n"
    );
    let read = principal(&line);
    assert_eq!((read.line, &*read.name), (2, &b"a@R"[..]));
    assert_eq!(read.attributes, DumpAttributes::REQUIRES_PRE_AUTH);
    assert_eq!((read.max_life, read.max_renewable_life), (86_400, 604_800));
    assert_eq!((read.expires, read.password_expires), (None, Some(KerberosTime(1_803_507_109))));
    assert_eq!((read.master_kvno(), read.last_password_change()), (Some(1), Some(KerberosTime(0x6b08_aea5))));
    let salt = Some(DumpSalt { kind: 4, octets: b"ANM".to_vec() });
    assert_eq!(
        read.keys,
        [
            DumpKey { kvno: 2, enctype: 18, sealed: vec![0x20, 0, 0xff], salt: None },
            DumpKey { kvno: 1, enctype: 17, sealed: vec![0x10, 0], salt },
        ]
    );
}

#[test]
fn a_name_has_the_length_that_the_line_gives_and_any_octets() {
    let read = principal(&format!("princ\t38\t5\t0\t0\t0\ta\t\n;@\t{FIXED}\t-1;\n"));
    assert_eq!(read.name, b"a\t\n;@");
}

#[test]
fn a_key_without_parts_is_none_and_numbers_may_be_negative() {
    let read =
        principal("princ\t38\t3\t0\t2\t0\ta@R\t-2147483520\t-1\t0\t-1\t0\t0\t0\t0\t0\t7\t1\t1\t18\t2\t2000\t-1;\n");
    assert_eq!((read.attributes.bits(), read.max_life), (0x8000_0080, u32::MAX));
    assert_eq!(read.expires, Some(KerberosTime(i64::from(u32::MAX))));
    assert_eq!(read.keys.iter().map(|key| key.kvno).collect::<Vec<_>>(), [1]);
}

#[test]
fn heimdal_writes_an_empty_salt_as_nothing_and_times_of_eight_octets() {
    let line = format!(
        "princ\t38\t3\t2\t2\t0\ta@R\t{FIXED}\t1\t8\tfcae086b00000000\t2\t12\tfcae086b90000060614052\
                        00\t2\t1\t18\t2\t2000\t3\t0\t\t2\t1\t17\t2\t1000\t3\t0\t\t-1;\n"
    );
    let read = principal(&line);
    assert_eq!(read.last_password_change(), Some(KerberosTime(0x6b08_aefc)));
    assert_eq!(read.modification().unwrap().by, "a@R");
    assert!(read.keys.iter().all(|key| key.salt.as_ref().is_some_and(|salt| salt.octets.is_empty())));
}

#[test]
fn every_version_of_the_file_has_its_own_fields_of_policies() {
    let old = DumpPolicy {
        name: "strict".into(),
        min_life: 3600,
        max_life: 7_776_000,
        min_length: 8,
        min_classes: 2,
        history: 4,
        ..DumpPolicy::default()
    };
    let lockout = DumpPolicy { max_failures: 5, failure_count_interval: 600, lockout_duration: 1800, ..old.clone() };
    let fields = "3600\t7776000\t8\t2\t4\t0";
    assert_eq!(policy(4, fields), Ok(old.clone()));
    assert_eq!(policy(5, fields), Ok(old));
    let fields = format!("{fields}\t5\t600\t1800");
    assert_eq!(policy(6, &fields), Ok(lockout.clone()));
    assert_eq!(policy(7, &fields), Ok(lockout.clone()));
    assert_eq!(policy(7, &format!("{fields}\t0\t0\t0\t-\t1\t5\t1\tff")), Ok(lockout.clone()));
    let limited = DumpPolicy { allowed_keysalts: Some("aes256-cts:normal".into()), ..lockout };
    assert_eq!(policy(7, &format!("{fields}\t0\t0\t0\taes256-cts:normal\t0")), Ok(limited));
    assert!(policy(4, &fields).is_err() && policy(6, "1\t2\t3\t4\t5\t6").is_err());
}

#[test]
fn other_files_are_refused_by_their_first_line() {
    for text in ["", "kdb5_util load_dump version 8\n", "ipropx 1 2 3 4\n", "OpenV*Secure V1.0\t\n", "\0\0"] {
        assert!(matches!(read(text), Err(WireError::Line { line: 1, .. })), "{text}");
    }
}

#[test]
fn a_torn_dump_is_refused_in_its_line_and_read_no_further() {
    let line = format!("princ\t38\t3\t1\t1\t0\ta@R\t{FIXED}\t8\t2\t0100\t1\t2\t18\t3\t2000ff\t-1;\n");
    let text = format!("kdb5_util load_dump version 7\n{line}{line}");
    let end = text.len();
    assert_eq!(read(&text).unwrap().len(), 2);
    for length in end - line.len() + 1..end - 1 {
        let mut reader = DumpReader::new(&text.as_bytes()[..length]).unwrap();
        assert!(reader.next().unwrap().is_ok());
        let error = reader.next().unwrap().unwrap_err();
        assert!(matches!(error, WireError::Line { line: 3, .. }), "{length}: {error}");
        assert!(reader.next().is_none());
    }
}

#[test]
fn fields_that_are_wrong_are_refused() {
    let with = |fields: &str| read(&format!("kdb5_util load_dump version 7\nprinc\t{fields}\n"));
    for (fields, reason) in [
        (format!("38\t8193\t0\t0\t0\ta@R\t{FIXED}\t-1;"), "8192"),
        (format!("38\t3\t70000\t0\t0\ta@R\t{FIXED}\t-1;"), "65535"),
        (format!("38\t3\t0\t-1\t0\ta@R\t{FIXED}\t-1;"), "negative"),
        (format!("38\t3\t0\t1\t0\ta@R\t{FIXED}\t3\t1\t18\t1\tff\t-1;"), "two parts"),
        (format!("38\t3\t0\t1\t0\ta@R\t{FIXED}\t1\t1\t18\t1\tfff\t-1;"), "length"),
        (format!("38\t3\t0\t1\t0\ta@R\t{FIXED}\t1\t1\t18\t1\txx\t-1;"), "hexadecimal"),
        (format!("38\t3\t0\t0\t0\ta@R\t{FIXED}\t-1;rest"), "follows"),
        (format!("38\t3\t0\t0\t0\ta@R\t{FIXED}x\t-1;"), "no number"),
    ] {
        let error = with(&fields).unwrap_err().to_string();
        assert!(error.contains(reason), "{fields}: {error}");
    }
    assert!(read("kdb5_util load_dump version 7\nother\t1\n").unwrap_err().to_string().contains("neither"));
}

#[test]
fn string_attributes_are_pairs() {
    let read = tagged(11, b"session_enctypes\0aes256-cts\0empty\0\0");
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(read.strings().unwrap(), [pair("session_enctypes", "aes256-cts"), pair("empty", "")]);
    assert_eq!(tagged(1, b"x").strings(), Some(Vec::new()));
    for wrong in [&b"a\0b"[..], b"a\0", b"a\0b\0c\0", b"\xff\0a\0"] {
        assert_eq!(tagged(11, wrong).strings(), None, "{wrong:?}");
    }
}

#[test]
fn an_alias_names_its_target() {
    assert_eq!(tagged(12, b"HTTP/web@R\0").alias_target().as_deref(), Some("HTTP/web@R"));
    assert_eq!(tagged(12, b"HTTP/web@R").alias_target(), None);
}

#[test]
fn the_newest_master_key_stands_under_each_older_one() {
    let read = tagged(10, b"\x01\0\x01\0\x03\0\x12\0\x02\0ab\x02\0\x03\0\x11\0\x01\0c\x02");
    let key = |enctype, sealed: &[u8]| DumpKey { kvno: 3, enctype, sealed: sealed.to_vec(), salt: None };
    assert_eq!(read.newest_master_keys(), [key(18, b"ab"), key(17, b"c")]);
    assert!(tagged(10, b"\x02\0\x01\0\x03\0\x12\0\x02\0ab").newest_master_keys().is_empty());
}

/// A datum with these earlier passwords, each of one key without octets, told by its version.
fn kadm_data(next: u32, kvnos: &[u32]) -> Vec<u8> {
    let numbers = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<_>>();
    let mut octets = numbers(&[0x1234_5c01, 7]);
    octets.extend_from_slice(b"strict\0\0");
    octets.extend(numbers(&[0x800, next, 2, u32::try_from(kvnos.len()).unwrap()]));
    for kvno in kvnos {
        octets.extend(numbers(&[1, 1, *kvno, 18, 0, 0, 0, 0, 0]));
    }
    octets
}

#[test]
fn the_history_of_passwords_is_a_ring_that_is_read_from_the_newest_on() {
    for (next, written, expected) in [(2, &[1, 2][..], [2, 1].as_slice()), (1, &[4, 2, 3], &[4, 3, 2]), (0, &[], &[])] {
        let data = KadmData::decode(&kadm_data(next, written)).unwrap();
        assert_eq!(data.policy.as_deref(), Some("strict"));
        assert_eq!(data.history.iter().map(|keys| keys[0].kvno).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_kadmin_datum_that_is_torn_or_of_another_version_is_refused() {
    let whole = kadm_data(1, &[1]);
    for length in 0..whole.len() {
        assert!(KadmData::decode(&whole[..length]).is_err(), "{length}");
    }
    let mut lies = whole.clone();
    let counts = 8 + 8 + 12;
    lies[counts..counts + 4].fill(0xff);
    assert!(KadmData::decode(&lies).is_err());
    let mut other = whole;
    other[3] = 2;
    assert!(KadmData::decode(&other).is_err());
}

#[test]
fn a_stash_is_a_keytab_or_a_bare_key() {
    let old = stash::decode(b"\x12\0\x04\0\0\0abcd").unwrap();
    assert_eq!((old[0].kvno, old[0].enctype, &**old[0].octets), (1, 18, &b"abcd"[..]));
    for wrong in [&b""[..], b"\x12\0\x04\0\0\0abc", b"\x12\0\0\0\0\0", b"\x05\x02\0\0\0\x09"] {
        assert!(stash::decode(wrong).is_err(), "{wrong:?}");
    }
}
