use crate::kadm5::arguments::{Arguments, Request, version_number};
use crate::kadm5::keys::{KeyData, KeySalt};
use crate::kadm5::policy::{PolicyEntry, PolicyMask};
use crate::kadm5::principal::{KdbAttributes, KeyLine, PrincipalEntry, PrincipalMask, TaggedDatum};
use crate::kadm5::procedure::{ApiVersion, Procedure, UnservedVersion};
use crate::kadm5::results::{Response, Results};
use crate::kadm5::status::Kadm5Status;
use crate::kadm5::text;
use crate::message::{EncryptionKey, Principal};
use crate::xdr::{XdrReader, XdrWriter};
use zeroize::Zeroizing;

fn name(text: &str) -> Principal {
    Principal::parse(text, "R").unwrap()
}

fn key() -> EncryptionKey {
    EncryptionKey { keytype: 18, keyvalue: Zeroizing::new(vec![7; 32]) }
}

fn key_data() -> KeyData {
    KeyData { kvno: 70_000, key: key(), salt_type: 4, salt: b"salt".to_vec() }
}

fn principal() -> PrincipalEntry {
    PrincipalEntry {
        principal: Some(name("HTTP/w\\/eb@R")),
        expires: 4_000_000_000,
        last_password_change: 2,
        password_expires: 3,
        max_life: 36_000,
        modified_by: Some(name("root/admin@R")),
        modified: 5,
        attributes: KdbAttributes::REQUIRES_PRE_AUTH | KdbAttributes::DISALLOW_SVR,
        kvno: 6,
        master_kvno: 1,
        policy: Some("staff".to_owned()),
        aux_attributes: 0x800,
        max_renewable_life: 7,
        last_success: 8,
        last_failed: 9,
        fail_auth_count: 10,
        tagged: vec![TaggedDatum { tag: 0x0b, content: b"four".to_vec() }, TaggedDatum { tag: 300, content: vec![] }],
        keys: vec![
            KeyLine { kvno: 6, enctype: 20, salt_type: None },
            KeyLine { kvno: 6, enctype: 18, salt_type: Some(4) },
        ],
    }
}

fn policy(version: ApiVersion) -> PolicyEntry {
    let mut policy = PolicyEntry {
        name: Some("staff".to_owned()),
        min_life: 1,
        max_life: 2,
        min_length: 3,
        min_classes: 4,
        history: 5,
        references: 6,
        ..PolicyEntry::default()
    };
    if version >= ApiVersion::V3 {
        (policy.max_failures, policy.failure_count_interval, policy.lockout_duration) = (7, 8, 9);
    }
    if version >= ApiVersion::V4 {
        (policy.attributes, policy.ticket_max_life, policy.ticket_max_renewable_life) = (10, 11, 12);
        policy.allowed_keysalts = Some("aes256-cts:normal".to_owned());
        policy.tagged = vec![TaggedDatum { tag: 1, content: b"x".to_vec() }];
    }
    policy
}

/// The arguments of every procedure.
fn requests(version: ApiVersion) -> Vec<Arguments> {
    let (one, other) = (name("alice"), name("HTTP/web.shop.svc"));
    let keysalts = vec![KeySalt { enctype: 18, salt_type: 0 }, KeySalt { enctype: 17, salt_type: 4 }];
    let password = || Zeroizing::new(b"s\xc3\xa9\xffret".to_vec());
    vec![
        Arguments::Init,
        Arguments::GetPrivileges,
        Arguments::CreatePrincipal {
            entry: Box::new(principal()),
            mask: PrincipalMask::PRINCIPAL | PrincipalMask::POLICY,
            keysalts: keysalts.clone(),
            password: Some(password()),
        },
        Arguments::DeletePrincipal(one.clone()),
        Arguments::ModifyPrincipal { entry: Box::default(), mask: PrincipalMask::ATTRIBUTES },
        Arguments::RenamePrincipal { from: one.clone(), to: other.clone() },
        Arguments::GetPrincipal { principal: one.clone(), mask: PrincipalMask::all() },
        Arguments::GetPrincipals { expression: Some("*/web*".to_owned()) },
        Arguments::ChangePassword {
            principal: one.clone(),
            keep_old: true,
            keysalts: keysalts.clone(),
            password: password(),
        },
        Arguments::RandomizeKeys { principal: one.clone(), keep_old: false, keysalts: vec![] },
        Arguments::SetKeys { principal: one.clone(), keep_old: true, keysalts, keys: vec![key(), key()] },
        Arguments::SetKeyData { principal: one.clone(), keep_old: false, keys: vec![key_data()] },
        Arguments::CreatePolicy { entry: Box::new(policy(version)), mask: PolicyMask::POLICY },
        Arguments::ModifyPolicy { entry: Box::new(policy(version)), mask: PolicyMask::HISTORY },
        Arguments::DeletePolicy("staff".to_owned()),
        Arguments::GetPolicy("staff".to_owned()),
        Arguments::GetPolicies { expression: None },
        Arguments::PurgeKeys { principal: one.clone(), keep: -1 },
        Arguments::GetStrings(one.clone()),
        Arguments::SetString { principal: one.clone(), key: "k".to_owned(), value: None },
        Arguments::ExtractKeys { principal: one.clone(), kvno: 3 },
        Arguments::CreateAlias { alias: one, target: other },
    ]
}

#[test]
fn the_arguments_of_every_procedure_are_read_as_they_are_written_in_every_version() {
    for version in [ApiVersion::V2, ApiVersion::V3, ApiVersion::V4] {
        for arguments in requests(version) {
            let request = Request { version, arguments };
            let octets = request.encode();
            assert_eq!(version_number(&octets), Ok(version.number()));
            let read = Arguments::decode(request.procedure(), version, &octets).unwrap();
            assert_eq!(*Request { version, arguments: read }.encode(), *octets, "{request:?}");
        }
    }
}

#[test]
fn arguments_that_are_torn_or_too_long_are_refused() {
    for arguments in requests(ApiVersion::V4) {
        let request = Request { version: ApiVersion::V4, arguments };
        let (procedure, mut octets) = (request.procedure(), request.encode().to_vec());
        for end in (0..octets.len()).step_by(4) {
            assert!(Arguments::decode(procedure, ApiVersion::V4, &octets[..end]).is_err(), "{request:?} at {end}");
        }
        octets.extend_from_slice(&[0; 4]);
        assert!(Arguments::decode(procedure, ApiVersion::V4, &octets).is_err(), "{request:?}");
    }
}

#[test]
fn older_forms_of_a_procedure_leave_out_what_came_later() {
    let mut writer = XdrWriter::new();
    writer.u32(ApiVersion::V2.number());
    text::write_principal(&mut writer, Some(&name("alice")));
    text::write(&mut writer, Some(b"secret"));
    let octets = writer.finish();
    let read = Arguments::decode(Procedure::ChangePassword, ApiVersion::V2, &octets).unwrap();
    let Arguments::ChangePassword { keep_old: false, keysalts, password, .. } = read else { panic!("{read:?}") };
    assert!(keysalts.is_empty());
    assert_eq!(**password, *b"secret");
    assert!(Arguments::decode(Procedure::ChangePassword3, ApiVersion::V2, &octets).is_err());
}

#[test]
fn the_results_of_every_procedure_are_read_as_they_are_written() {
    let version = ApiVersion::V4;
    let results = [
        (Procedure::DeletePrincipal, Results::Done),
        (Procedure::GetPrincipal, Results::Principal(Box::new(principal()))),
        (Procedure::GetPrincipals, Results::Names(vec!["alice@R".to_owned(), "K/M@R".to_owned()])),
        (Procedure::RandomizeKeys3, Results::Keys(vec![key()])),
        (Procedure::ExtractKeys, Results::KeyData(vec![key_data(), key_data()])),
        (Procedure::GetStrings, Results::Strings(vec![("a".to_owned(), String::new())])),
        (Procedure::GetPolicy, Results::Policy(Box::new(policy(version)))),
        (Procedure::GetPrivileges, Results::Privileges(15)),
    ];
    for (procedure, results) in results {
        for outcome in [Ok(results), Err(Kadm5Status::UNK_PRINC)] {
            let response = Response { version: version.number(), outcome };
            let octets = response.encode(procedure);
            let read = Response::decode(procedure, &octets).unwrap();
            assert_eq!(*read.encode(procedure), *octets, "{response:?}");
        }
    }
}

#[test]
fn a_string_ends_in_its_one_nul_or_is_missing() {
    let read = |octets: &[u8]| text::read(&mut XdrReader::new(octets));
    assert_eq!(read(b"\0\0\0\x03ab\0\0"), Ok(Some("ab".to_owned())));
    assert_eq!(read(b"\0\0\0\0"), Ok(None));
    assert_eq!(read(b"\0\0\0\x01\0\0\0\0"), Ok(Some(String::new())));
    // CVE-2015-8629.
    assert!(read(b"\0\0\0\x03abc\0").is_err(), "no NUL");
    assert!(read(b"\0\0\0\x04a\0b\0").is_err(), "a NUL inside");
    assert!(read(b"\0\0\0\x03\xff\xfe\0\0").is_err(), "not UTF-8");
    assert!(read(b"\xff\xff\xff\xffab\0\0").is_err(), "a huge count");
}

#[test]
fn a_negative_or_a_huge_number_of_keys_is_refused() {
    let request = Request {
        version: ApiVersion::V4,
        arguments: Arguments::ModifyPrincipal { entry: Box::new(principal()), mask: PrincipalMask::empty() },
    };
    let octets = request.encode();
    let tagged = b"\0\0\0\x0b\0\0\0\x04four";
    let at = octets.windows(tagged.len()).position(|window| window == tagged).unwrap() - 16;
    assert_eq!(octets[at..at + 8], *b"\0\0\0\x02\0\0\0\x02", "the numbers of keys and of tagged data");
    // CVE-2023-36054: a number that has nothing to do with the array that follows.
    for wrong in [*b"\xff\xff\xff\xff", *b"\x80\0\0\0", *b"\0\0\0\0", *b"\0\0\0\x01"] {
        let mut other = octets.to_vec();
        other[at..at + 4].copy_from_slice(&wrong);
        assert!(Arguments::decode(Procedure::ModifyPrincipal, ApiVersion::V4, &other).is_err(), "{wrong:?}");
    }
}

#[test]
fn what_must_be_named_is_named() {
    let missing = |procedure| {
        let mut writer = XdrWriter::new();
        writer.u32(ApiVersion::V4.number());
        (0..8).for_each(|_| writer.u32(0));
        Arguments::decode(procedure, ApiVersion::V4, &writer.finish()).is_err()
    };
    for procedure in [Procedure::DeletePrincipal, Procedure::DeletePolicy, Procedure::GetPolicy, Procedure::SetString] {
        assert!(missing(procedure), "{procedure:?}");
    }
}

#[test]
fn numbers_are_those_of_mit() {
    assert_eq!(Procedure::ALL.len(), 26);
    assert!(Procedure::ALL.iter().all(|procedure| Procedure::from_number(procedure.number()) == Some(*procedure)));
    assert_eq!((Procedure::from_number(0), Procedure::from_number(17), Procedure::from_number(28)), (None, None, None));
    assert_eq!(ApiVersion::from_number(0x1234_5704), Ok(ApiVersion::V4));
    assert_eq!(ApiVersion::from_number(0x1234_5701), Err(UnservedVersion::Old));
    assert_eq!(ApiVersion::from_number(0x1234_5705), Err(UnservedVersion::New));
    assert_eq!(ApiVersion::from_number(0x1234_5604), Err(UnservedVersion::Bad));
    assert_eq!((Kadm5Status::DUP.0, Kadm5Status::UNK_PRINC.0), (43_787_527, 43_787_532));
    assert_eq!((Kadm5Status::AUTH_EXTRACT.0, Kadm5Status::ALIAS_REALM.0), (43_787_580, 43_787_583));
}
