use super::master_keys::MasterSecret;
use super::note::{Note, Notes};
use super::{ImportError, Importer};
use crate::key_set::KeyState;
use crate::principal::{Attributes, PrincipalRecord, Record};
use kennel_crypto::{Enctype, Key, KeyUsage, SecretBytes};
use kennel_wire::message::{KerberosTime, Timestamp};
use kennel_wire::mit_dump::DumpReader;
use kennel_wire::mit_dump::stash::StashedKey;
use rand::rngs::OsRng;
use std::fmt::Write;
use zeroize::Zeroizing;

const NOW: Timestamp = Timestamp { time: KerberosTime(2_000_000_000), micros: 7 };
const MASTER: Enctype = Enctype::Aes256CtsHmacSha1;

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |text, octet| text + &format!("{octet:02x}"))
}

fn key(seed: u8) -> Key {
    Key::new(MASTER, &[seed; 32]).unwrap()
}

fn stash(kvno: u32, key: &Key) -> MasterSecret {
    let octets = Zeroizing::new(key.expose().to_vec());
    MasterSecret::Stash(vec![StashedKey { kvno, enctype: key.enctype().number(), octets }])
}

/// A key as it lies in a dump, under a master key.
fn sealed(key: &[u8], master: &Key, usage: u32) -> Vec<u8> {
    let length = u16::try_from(key.len()).unwrap().to_le_bytes();
    [&length[..], &master.prepare(KeyUsage(usage)).seal(key, &mut OsRng)].concat()
}

/// The fields of a key of the dump: without a salt, or with one of a kind.
fn key_fields(kvno: u32, enctype: i32, sealed: &[u8], salt: Option<(i32, &str)>) -> String {
    let mut fields =
        format!("{}\t{kvno}\t{enctype}\t{}\t{}\t", 1 + u8::from(salt.is_some()), sealed.len(), hex(sealed));
    if let Some((kind, salt)) = salt {
        let octets = if salt.is_empty() { "-1".to_owned() } else { hex(salt.as_bytes()) };
        write!(fields, "{kind}\t{}\t{octets}\t", salt.len()).unwrap();
    }
    fields
}

/// A line of the dump: attributes, tagged data, keys.
fn line(name: &str, attributes: u32, tagged: &[(i32, Vec<u8>)], keys: &[String]) -> String {
    let mut line = format!("princ\t38\t{}\t{}\t{}\t0\t{name}\t", name.len(), tagged.len(), keys.len());
    write!(line, "{attributes}\t0\t600\t0\t5\t0\t0\t0\t").unwrap();
    for (kind, octets) in tagged {
        write!(line, "{kind}\t{}\t{}\t", octets.len(), hex(octets)).unwrap();
    }
    line + &keys.concat() + "-1;\n"
}

/// A principal with one AES-256 key under the master key.
fn simple(name: &str, attributes: u32) -> String {
    line(name, attributes, &[], &[key_fields(1, 18, &sealed(key(9).expose(), &key(1), 0), None)])
}

fn dump(lines: &[String]) -> String {
    let master = line("K/M@R", 0, &[], &[key_fields(1, 18, &sealed(key(1).expose(), &key(1), 0), None)]);
    format!("kdb5_util load_dump version 7\n{master}{}", lines.concat())
}

fn import_with(text: &str, secret: &MasterSecret) -> Result<(Vec<Record>, Notes), ImportError> {
    let reader = DumpReader::new(text.as_bytes())?;
    let mut importer = Importer::new(reader.clone(), None, secret, NOW)?;
    assert_eq!(importer.realm(), "R");
    reader.for_each(|entry| importer.add(&entry.unwrap()));
    Ok(importer.finish())
}

fn import(lines: &[String]) -> (Vec<Record>, Notes) {
    import_with(&dump(lines), &stash(1, &key(1))).unwrap()
}

fn one(line: String) -> (PrincipalRecord, Notes) {
    let (mut records, notes) = import(&[line]);
    match (records.pop(), records.is_empty()) {
        (Some(Record::Principal(record)), true) => (*record, notes),
        other => panic!("{other:?}"),
    }
}

fn said(notes: &Notes) -> Vec<Note> {
    notes.iter().map(|(note, _)| note.clone()).collect()
}

#[test]
fn every_version_of_a_key_comes_with_its_salt_and_the_newest_is_in_use() {
    let seal = |octets: &[u8]| sealed(octets, &key(1), 0);
    let keys = [
        key_fields(3, 17, &seal(&[1; 16]), Some((4, "ANM"))),
        key_fields(3, 20, &seal(&[2; 32]), None),
        key_fields(3, 23, &seal(&[3; 16]), None),
        key_fields(3, 16, &seal(&[4; 24]), None),
        key_fields(3, 17, &seal(&[5; 16]), Some((0, ""))),
        key_fields(2, 18, &seal(&[6; 32]), Some((2, ""))),
        key_fields(1, 18, &seal(&[7; 32]), Some((3, ""))),
    ];
    let (record, notes) = one(line("al/ice@R", 0, &[(1, 1_000_000_000_u32.to_le_bytes().to_vec())], &keys));
    let versions: Vec<_> = record.keys.versions.iter().map(|version| (version.kvno, version.state)).collect();
    assert_eq!(versions, [(3, KeyState::Active), (2, KeyState::Retiring), (1, KeyState::Retiring)]);
    let newest = &record.keys.versions[0];
    let of = |stored: &crate::key_set::StoredKey| {
        (stored.key.enctype().number(), stored.key.expose()[0], stored.salt.clone())
    };
    let default = Some("Ralice".to_owned());
    assert_eq!(
        newest.keys.iter().map(of).collect::<Vec<_>>(),
        [(20, 2, default.clone()), (17, 1, Some("ANM".to_owned())), (23, 3, default)]
    );
    assert_eq!(record.keys.password_set().unwrap().time, KerberosTime(1_000_000_000));
    let salts: Vec<_> = record.keys.versions[1..].iter().map(|version| version.keys[0].salt.as_deref()).collect();
    assert_eq!(salts, [Some("alice"), Some("R")]);
    assert_eq!(record.keys.versions[1].retired, Some(NOW));
    assert_eq!(said(&notes), [Note::Enctype(16), Note::Rc4]);
    assert_eq!((record.max_life, record.max_renewable_life), (None, Some(600)));
    assert_eq!((record.expires, record.password_expires), (None, Some(KerberosTime(5))));
}

#[test]
fn keys_of_a_host_are_random_and_in_keytabs_that_nobody_knows_of() {
    let (record, _) = one(simple("HTTP/web.example.com@R", 0));
    assert_eq!((record.keys.versions[0].keys[0].salt.as_ref(), record.unknown_holder), (None, Some(NOW)));
    for name in ["alice@R", "alice/admin@R", "HTTP/web@R"] {
        let (record, _) = one(simple(name, 0));
        assert!(record.keys.password_set().is_some() && record.unknown_holder.is_none(), "{name}");
    }
    let (record, _) = one(simple("krbtgt/R@R", 0));
    assert_eq!((record.keys.password_set(), record.unknown_holder), (None, None));
}

#[test]
fn attributes_keep_their_meaning_and_what_kennel_does_not_have_is_said() {
    let (record, notes) = one(simple("a@R", 0x0000_1080 | 0x0000_c000));
    assert_eq!(record.attributes, Attributes::REQUIRE_PREAUTH_OF_CLIENTS | Attributes::DISALLOW_SERVER);
    assert_eq!(said(&notes), []);
    let (record, notes) = one(simple("a@R", 0x0060_0100 | 0x4000_0000));
    assert_eq!(record.attributes, Attributes::DISALLOW_ALL, "hardware is required, and nobody can show it");
    assert_eq!(
        said(&notes),
        [
            Note::HardwareAuthentication,
            Note::Attribute("NO_AUTH_DATA_REQUIRED"),
            Note::Attribute("OK_TO_AUTH_AS_DELEGATE"),
            Note::UnknownAttributes(0x4000_0000)
        ]
    );
}

#[test]
fn string_attributes_come_along_and_session_enctypes_have_a_field() {
    let strings = b"require_auth\0otp\0session_enctypes\0aes256-cts, camellia128-cts\0".to_vec();
    let (record, notes) = one(line("a@R", 0, &[(11, strings)], &[]));
    assert_eq!(record.strings.into_iter().collect::<Vec<_>>(), [("require_auth".to_owned(), "otp".to_owned())]);
    assert_eq!(record.session_enctypes, Some(vec![Enctype::Aes256CtsHmacSha1]));
    assert_eq!(said(&notes), [Note::SessionEnctypes]);
}

#[test]
fn who_changed_it_and_when_comes_along() {
    let modified = [&1_500_000_000_u32.to_le_bytes()[..], b"root/admin@R\0"].concat();
    let (record, _) = one(line("a@R", 0, &[(2, modified)], &[]));
    assert_eq!((record.modified.time, &*record.modified_by), (KerberosTime(1_500_000_000), "root/admin@R"));
    let (record, _) = one(line("a@R", 0, &[], &[]));
    assert_eq!((record.modified, record.created, &*record.modified_by), (NOW, NOW, "import-mit"));
}

/// XDR of a principal with a policy and one earlier password, of two keys.
fn kadm_data(policy: &str, keys: &[(i32, Vec<u8>)]) -> Vec<u8> {
    let mut octets = Vec::new();
    let numbers = |octets: &mut Vec<u8>, numbers: &[u32]| octets.extend(numbers.iter().flat_map(|n| n.to_be_bytes()));
    let counted = |octets: &mut Vec<u8>, content: &[u8]| {
        octets.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        octets.extend_from_slice(content);
        octets.resize(octets.len().next_multiple_of(4), 0);
    };
    numbers(&mut octets, &[0x1234_5c01]);
    counted(&mut octets, &[policy.as_bytes(), b"\0"].concat());
    numbers(&mut octets, &[0x800, 1, 2, 1, u32::try_from(keys.len()).unwrap()]);
    for (enctype, sealed) in keys {
        let length = u32::try_from(sealed.len()).unwrap();
        numbers(&mut octets, &[1, 1, enctype.cast_unsigned(), 0, length, 0]);
        counted(&mut octets, sealed);
        counted(&mut octets, b"");
    }
    octets
}

#[test]
fn policies_and_earlier_passwords_come_along() {
    let history = line("kadmin/history@R", 0, &[], &[key_fields(2, 18, &sealed(key(5).expose(), &key(1), 0), None)]);
    let earlier = [(18, sealed(&[8; 32], &key(5), 0)), (16, sealed(&[8; 24], &key(5), 0))];
    let alice = line("alice@R", 0, &[(3, kadm_data("strict", &earlier))], &[]);
    let policy = "policy\tstrict\t1\t2\t3\t4\t5\t6\t7\t8\t9\t0\t0\t0\taes256-cts:normal,des3-cbc-sha1:normal,aes256-cts:special\t0\n";
    let (records, notes) = import(&[alice, history, policy.to_owned()]);
    let [Record::Policy(policy), Record::Principal(alice)] = &records[..] else { panic!("{records:?}") };
    assert_eq!((policy.policy(), policy.rules.min_life, policy.rules.lockout_duration), ("strict", 1, 9));
    assert_eq!(policy.rules.allowed_enctypes, [Enctype::Aes256CtsHmacSha1]);
    assert_eq!(alice.policy.as_deref(), Some("strict"));
    let [earlier] = &alice.password_history[..] else { panic!("{:?}", alice.password_history) };
    assert_eq!((earlier[0].key.expose(), earlier[0].salt.as_deref()), (&[8; 32][..], Some("Ralice")));
    assert_eq!(said(&notes), [Note::History, Note::AllowedEnctypes]);
}

#[test]
fn an_alias_needs_its_target() {
    let alias = |name: &str, target: &str| line(name, 64, &[(12, [target.as_bytes(), b"\0"].concat())], &[]);
    let lines = [alias("www@R", "HTTP/web@R"), simple("HTTP/web@R", 0), alias("x@R", "www@R"), alias("y@R", "z@OTHER")];
    let (records, notes) = import(&lines);
    assert_eq!(records.len(), 2);
    assert!(records.iter().any(|record| matches!(record, Record::Alias { alias, target, .. }
        if alias.to_string() == "www@R" && target.to_string() == "HTTP/web@R")));
    let mut names = notes.names(&Note::NoTarget).to_vec();
    names.sort();
    assert_eq!((names, notes.left_out()), (vec!["x@R".to_owned(), "y@R".to_owned()], 2));
}

#[test]
fn what_only_mit_needs_or_kennel_cannot_keep_is_left_out() {
    let names = ["WELLKNOWN/POLICY/strict@R", "a@OTHER", "krbtgt/R@OTHER", "krbtgt/OTHER@R", "b@R", "b@R", "a//b@R"];
    let lines: Vec<String> = names.iter().map(|name| simple(name, 0)).collect();
    let (records, notes) = import(&lines);
    let kept: Vec<String> = records.iter().map(|record| record.name().to_string()).collect();
    assert_eq!(kept, ["b@R", "krbtgt/OTHER@R", "krbtgt/R@OTHER"]);
    assert_eq!(said(&notes), [Note::Name, Note::Reserved, Note::OtherRealm, Note::Twice]);
    assert_eq!(notes.left_out(), 4);
}

#[test]
fn a_principal_that_loses_all_keys_is_named() {
    let foreign = key_fields(1, 3, &sealed(&[1; 8], &key(1), 0), None);
    let torn = key_fields(1, 18, &[32, 0, 1], None);
    let unknown = key_fields(1, 18, &sealed(&[1; 32], &key(1), 0), Some((77, "x")));
    let zero = key_fields(0, 18, &sealed(&[1; 32], &key(1), 0), None);
    let (record, notes) = one(line("a@R", 0, &[], &[foreign, torn, unknown, zero]));
    assert!(record.keys.versions.is_empty());
    let all = [Note::Enctype(3), Note::Salt(77), Note::Sealed, Note::VersionZero, Note::NoKey];
    assert_eq!(said(&notes), all);
    assert!(notes.iter().all(|(note, names)| names == ["a@R"] && note.to_string().contains("left")));
    let without = one(line("a@R", 0, &[], &[])).1;
    assert_eq!(said(&without), [], "it had none before");
}

/// Two generations: `K/M` has both keys under the newest, and the newest under the older one. Principals say which they are under.
fn two_generations() -> String {
    let (old, new) = (key(1), key(2));
    let under_new = |key: &Key| sealed(key.expose(), &new, 0);
    let mut aux = vec![1, 0, 1, 0, 2, 0, 18, 0];
    let newest = sealed(new.expose(), &old, 0);
    aux.extend(u16::try_from(newest.len()).unwrap().to_le_bytes());
    aux.extend(newest);
    let master = line(
        "K/M@R",
        0,
        &[(10, aux)],
        &[key_fields(2, 18, &under_new(&new), None), key_fields(1, 18, &under_new(&old), None)],
    );
    let principal = |name: &str, kvno: Option<u8>, master: &Key| {
        let tagged: Vec<_> = kvno.iter().map(|kvno| (8, vec![*kvno, 0])).collect();
        line(name, 0, &tagged, &[key_fields(1, 18, &sealed(&[3; 32], master, 0), None)])
    };
    let lines = [principal("a@R", Some(1), &old), principal("b@R", Some(2), &new), principal("c@R", None, &old)];
    format!("kdb5_util load_dump version 7\n{master}{}", lines.concat())
}

#[test]
fn any_one_of_several_master_keys_opens_all() {
    for secret in [stash(1, &key(1)), stash(2, &key(2))] {
        let (records, notes) = import_with(&two_generations(), &secret).unwrap();
        assert_eq!((records.len(), said(&notes)), (3, vec![]));
    }
    assert_eq!(import_with(&two_generations(), &stash(1, &key(3))), Err(ImportError::MasterKey));
}

#[test]
fn the_password_of_the_master_key_is_as_good_as_its_stash() {
    let master = Key::from_password(MASTER, b"masterpw", b"RKM", None).unwrap();
    let km = line("K/M@R", 0, &[], &[key_fields(1, 18, &sealed(master.expose(), &master, 0), None)]);
    let alice = line("alice@R", 0, &[], &[key_fields(1, 18, &sealed(&[3; 32], &master, 0), None)]);
    let password = |text: &str| MasterSecret::Password(SecretBytes::new(text.as_bytes().to_vec()));
    let text = format!("kdb5_util load_dump version 7\n{km}{alice}");
    let (records, notes) = import_with(&text, &password("masterpw")).unwrap();
    assert_eq!((records.len(), said(&notes)), (1, vec![]));
    assert_eq!(import_with(&text, &password("other")), Err(ImportError::MasterKey));
}

#[test]
fn a_dump_of_heimdal_is_under_a_usage_of_its_own_or_under_nothing() {
    let krbtgt = |sealed: &[u8]| line("krbtgt/R@R", 0, &[], &[key_fields(1, 18, sealed, None)]);
    let text = |sealed: &[u8]| format!("kdb5_util load_dump version 5\n{}", krbtgt(sealed));
    let (records, notes) = import_with(&text(&sealed(&[3; 32], &key(1), 0x48_44_42)), &stash(0, &key(1))).unwrap();
    assert_eq!((records.len(), said(&notes)), (1, vec![]));
    let bare = [&[32, 0][..], &[3; 32]].concat();
    let (records, notes) = import_with(&text(&bare), &MasterSecret::None).unwrap();
    assert_eq!((records.len(), said(&notes)), (1, vec![]));
    let (_, notes) = import_with(&text(&sealed(&[3; 32], &key(1), 0x48_44_42)), &MasterSecret::None).unwrap();
    assert_eq!(said(&notes), [Note::Sealed, Note::NoKey]);
}

#[test]
fn a_master_key_of_a_foreign_enctype_is_named_with_what_to_do() {
    let octets = Zeroizing::new(vec![1; 24]);
    let des = MasterSecret::Stash(vec![StashedKey { kvno: 1, enctype: 16, octets }]);
    let km = line("K/M@R", 0, &[], &[key_fields(1, 16, &[24, 0, 1, 2, 3], None)]);
    let text = format!("kdb5_util load_dump version 7\n{km}");
    for secret in [des, stash(1, &key(1))] {
        let error = import_with(&text, &secret).unwrap_err().to_string();
        assert!(error.contains("des3-cbc-sha1") && error.contains("add_mkey"), "{error}");
    }
}

#[test]
fn a_dump_that_says_no_realm_needs_one() {
    let text = format!("kdb5_util load_dump version 7\n{}", simple("a@R", 0));
    let reader = DumpReader::new(text.as_bytes()).unwrap();
    let error = Importer::new(reader.clone(), None, &stash(1, &key(1)), NOW).map(|_| ());
    assert_eq!(error, Err(ImportError::NoRealm));
    let mut importer = Importer::new(reader.clone(), Some("R"), &stash(1, &key(1)), NOW).unwrap();
    reader.for_each(|entry| importer.add(&entry.unwrap()));
    assert_eq!(importer.finish().0.len(), 1);
}

/// A realm that MIT's programs of 1.20 made, for this test alone.
const REAL: &str = include_str!("../../../wire/tests/dumps/mit-1.20.dump");

#[test]
fn the_dump_of_a_real_realm_has_the_keys_of_its_passwords() {
    let secret = MasterSecret::Password(SecretBytes::new(b"masterpw".to_vec()));
    let reader = DumpReader::new(REAL.as_bytes()).unwrap();
    let mut importer = Importer::new(reader.clone(), None, &secret, NOW).unwrap();
    reader.for_each(|entry| importer.add(&entry.unwrap()));
    let (records, notes) = importer.finish();
    assert_eq!(said(&notes), [Note::Rc4]);
    let names: Vec<String> = records.iter().map(|record| record.name().name.to_string()).collect();
    let own = ["HTTP/web.example.com", "WELLKNOWN/POLICY/strict", "alice", "bob", "kadmin/admin", "kadmin/changepw"];
    assert_eq!(names, [&own[..], &["krbtgt/MIT.TEST"]].concat());
    let Record::Principal(alice) = &records[2] else { panic!() };
    let key =
        |enctype, password: &str| Key::from_password(enctype, password.as_bytes(), b"MIT.TESTalice", None).unwrap();
    let [newest] = &alice.keys.versions[..] else { panic!("{:?}", alice.keys) };
    assert_eq!((newest.kvno, newest.keys.len()), (3, 5));
    assert!(newest.keys.iter().all(|stored| stored.key == key(stored.key.enctype(), "third-Pass3")));
    let earlier = ["second-Pass2", "first-Pass1"];
    assert_eq!(alice.password_history.len(), earlier.len());
    for (keys, password) in alice.password_history.iter().zip(earlier) {
        assert!(
            keys.len() == 5 && keys.iter().all(|stored| stored.key == key(stored.key.enctype(), password)),
            "{password}"
        );
    }
    let Record::Principal(bob) = &records[3] else { panic!() };
    let stored = &bob.keys.versions[0].keys[0];
    let salt = stored.salt.as_ref().unwrap();
    assert_eq!(stored.key, Key::from_password(stored.key.enctype(), b"x", salt.as_bytes(), None).unwrap());
}

/// A small generator, so that a failure comes again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

#[test]
fn no_changed_dump_panics() {
    let mut dice = Dice(7);
    for _ in 0..3000 {
        let mut file = REAL.as_bytes().to_vec();
        for _ in 0..=dice.below(4) {
            let at = dice.below(file.len());
            match dice.below(4) {
                0 => file[at] = u8::try_from(dice.below(256)).unwrap(),
                1 => file.truncate(at.max(30)),
                2 => drop(file.drain(at..(at + dice.below(40)).min(file.len()))),
                _ => file.insert(at, b"\t0-;\n9f"[dice.below(7)]),
            }
        }
        let Ok(reader) = DumpReader::new(&file) else { continue };
        let Ok(mut importer) = Importer::new(reader.clone(), Some("R"), &MasterSecret::None, NOW) else { continue };
        reader.flatten().for_each(|entry| importer.add(&entry));
        assert!(importer.finish().0.is_sorted_by(|a, b| a.name() < b.name()));
    }
}
