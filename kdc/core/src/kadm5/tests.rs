use super::*;
use crate::admin::logins::Logins;
use crate::admin::operation::{
    FirstKeys, KeyChange, NewPrincipal, PrincipalChanges, PrincipalView, Purge, Rights, ShownKey, ShownSalt,
};
use crate::key_set::{KeySet, KeyState, KeyVersion, StoredKey};
use crate::principal::Attributes;
use crate::testing::record;
use kennel_crypto::{Enctype, Key};
use kennel_wire::kadm5::arguments::Request;
use kennel_wire::kadm5::keys::{KeyData, KeySalt};
use kennel_wire::kadm5::policy::{PolicyEntry, PolicyMask};
use kennel_wire::kadm5::principal::{KdbAttributes, PrincipalEntry, TaggedDatum};
use kennel_wire::message::{EncryptionKey, Principal, Timestamp};
use rand_core::OsRng;
use zeroize::Zeroizing;

fn name(text: &str) -> Principal {
    record(text).principal
}

fn begin_by(service: AdminService, arguments: Arguments) -> Kadm5Step {
    let request = Request { version: ApiVersion::V4, arguments };
    Kadm5Call::begin(request.procedure().number(), &request.encode(), service, &Realm::new("R"))
}

fn begin(arguments: Arguments) -> Result<Operation, Kadm5Status> {
    match begin_by(AdminService::Admin, arguments) {
        Kadm5Step::Perform(operation, _) => Ok(*operation),
        Kadm5Step::Answered(octets) => {
            Err(Response::decode(Procedure::DeletePrincipal, &octets).unwrap().outcome.unwrap_err())
        }
        other => panic!("{other:?}"),
    }
}

fn create(entry: PrincipalEntry, mask: PrincipalMask, password: Option<&str>) -> Result<NewPrincipal, Kadm5Status> {
    let password = password.map(|password| Zeroizing::new(password.as_bytes().to_vec()));
    let (entry, mask) = (Box::new(entry), mask | PrincipalMask::PRINCIPAL);
    let operation = begin(Arguments::CreatePrincipal { entry, mask, keysalts: vec![], password })?;
    let Operation::CreatePrincipal(new) = operation else { panic!("{operation:?}") };
    Ok(*new)
}

fn modify(entry: PrincipalEntry, mask: PrincipalMask) -> Result<PrincipalChanges, Kadm5Status> {
    let operation = begin(Arguments::ModifyPrincipal { entry: Box::new(entry), mask })?;
    let Operation::ModifyPrincipal(_, changes) = operation else { panic!("{operation:?}") };
    Ok(*changes)
}

fn entry() -> PrincipalEntry {
    PrincipalEntry { principal: Some(name("alice")), ..PrincipalEntry::default() }
}

#[test]
fn a_principal_is_made_with_a_password_with_random_keys_or_with_none() {
    let made = create(entry(), PrincipalMask::empty(), Some("secret")).unwrap();
    assert!(matches!(made.keys, FirstKeys::Password(password) if password.expose() == b"secret"));
    assert_eq!((made.name, made.changes), (name("alice"), PrincipalChanges::default()));
    assert!(matches!(create(entry(), PrincipalMask::empty(), None).unwrap().keys, FirstKeys::Random));
    let nokey = create(entry(), PrincipalMask::KEY_DATA, Some("")).unwrap();
    assert!(matches!(nokey.keys, FirstKeys::None));
}

#[test]
fn fields_count_where_the_mask_names_them() {
    let entry = PrincipalEntry {
        expires: 4_000_000_000,
        max_life: 60,
        max_renewable_life: 0,
        policy: Some("staff".to_owned()),
        kvno: 9,
        attributes: KdbAttributes::DISALLOW_ALL_TIX,
        ..entry()
    };
    assert_eq!(modify(entry.clone(), PrincipalMask::empty()).unwrap(), PrincipalChanges::default());
    let mask = PrincipalMask::EXPIRES
        | PrincipalMask::MAX_LIFE
        | PrincipalMask::MAX_RENEWABLE_LIFE
        | PrincipalMask::POLICY
        | PrincipalMask::KVNO
        | PrincipalMask::ATTRIBUTES;
    let changes = modify(entry, mask).unwrap();
    assert_eq!(changes.expires.unwrap().unwrap().0, 4_000_000_000);
    assert_eq!((changes.max_life, changes.max_renewable_life), (Some(Some(60)), Some(None)));
    assert_eq!((changes.policy, changes.kvno), (Some(Some("staff".to_owned())), Some(9)));
    assert!(changes.set.contains(Attributes::DISALLOW_ALL) && changes.clear.contains(Attributes::DISALLOW_SERVER));
}

#[test]
fn cve_2015_8630_a_policy_that_is_named_and_missing_is_refused() {
    assert_eq!(modify(entry(), PrincipalMask::POLICY), Err(Kadm5Status::BAD_MASK));
    assert_eq!(create(entry(), PrincipalMask::POLICY, None).unwrap_err(), Kadm5Status::BAD_MASK);
    let with_policy = PrincipalEntry { policy: Some("p".to_owned()), ..entry() };
    let both = PrincipalMask::POLICY | PrincipalMask::POLICY_CLEAR;
    assert_eq!(modify(with_policy, both), Err(Kadm5Status::BAD_MASK));
    assert_eq!(modify(entry(), PrincipalMask::POLICY_CLEAR).unwrap().policy, Some(None));
    let nameless = Arguments::CreatePolicy { entry: Box::default(), mask: PolicyMask::POLICY };
    assert_eq!(begin(nameless).unwrap_err(), Kadm5Status::INVALID_ARGUMENT);
}

#[test]
fn what_nobody_may_set_is_refused() {
    for mask in
        [PrincipalMask::MODIFIED_BY, PrincipalMask::LAST_SUCCESS, PrincipalMask::LOAD, PrincipalMask::MASTER_KVNO]
    {
        assert_eq!(modify(entry(), mask), Err(Kadm5Status::BAD_MASK), "{mask:?}");
        assert_eq!(create(entry(), mask, None).unwrap_err(), Kadm5Status::BAD_MASK, "{mask:?}");
    }
    assert_eq!(modify(entry(), PrincipalMask::PRINCIPAL), Err(Kadm5Status::BAD_MASK));
    let hardware = PrincipalEntry { attributes: KdbAttributes::REQUIRES_HW_AUTH, ..entry() };
    assert_eq!(modify(hardware, PrincipalMask::ATTRIBUTES), Err(Kadm5Status::INVALID_ARGUMENT));
    let endless = PrincipalEntry { max_life: -1, ..entry() };
    assert_eq!(modify(endless, PrincipalMask::MAX_LIFE), Err(Kadm5Status::INVALID_ARGUMENT));
    let nobody = PrincipalEntry { principal: None, ..entry() };
    assert_eq!(modify(nobody, PrincipalMask::empty()), Err(Kadm5Status::BAD_PRINCIPAL));
}

#[test]
fn an_unlocking_is_a_counter_of_0_and_arguments_of_a_database_are_refused() {
    let tagged = |tag| PrincipalEntry { tagged: vec![TaggedDatum { tag, content: vec![0; 4] }], ..entry() };
    let mask = PrincipalMask::TL_DATA | PrincipalMask::FAIL_AUTH_COUNT;
    assert!(modify(tagged(TaggedDatum::LAST_ADMIN_UNLOCK), mask).unwrap().unlock);
    assert_eq!(modify(tagged(TaggedDatum::DATABASE_ARGUMENTS), mask), Err(Kadm5Status::INVALID_ARGUMENT));
    assert_eq!(modify(tagged(3), mask), Err(Kadm5Status::BAD_TL_TYPE));
    let failed = PrincipalEntry { fail_auth_count: 1, ..entry() };
    assert_eq!(modify(failed, PrincipalMask::FAIL_AUTH_COUNT), Err(Kadm5Status::INVALID_ARGUMENT));
}

#[test]
fn keys_are_asked_for_by_enctypes_that_the_realm_permits_with_the_default_salt() {
    let change = |enctype: i32, salt_type| {
        let keysalts = vec![KeySalt { enctype, salt_type }];
        begin(Arguments::RandomizeKeys { principal: name("HTTP/web"), keep_old: true, keysalts })
    };
    let Ok(Operation::RandomizeKeys(_, KeyChange { enctypes, keep_old: true })) = change(18, 0) else { panic!() };
    assert_eq!(enctypes, Some(vec![Enctype::Aes256CtsHmacSha1]));
    for (enctype, salt_type) in [(23, 0), (1, 0), (18, 4)] {
        assert_eq!(change(enctype, salt_type).unwrap_err(), Kadm5Status::BAD_KEYSALTS);
    }
}

#[test]
fn keys_that_are_set_are_of_one_version_and_fit_their_enctype() {
    let key = |octets| EncryptionKey { keytype: 18, keyvalue: Zeroizing::new(vec![1; octets]) };
    let set = |keys| begin(Arguments::SetKeyData { principal: name("web"), keep_old: false, keys });
    let data = |kvno, octets| KeyData { kvno, key: key(octets), salt_type: 0, salt: vec![] };
    let Ok(Operation::SetKeys { keys, kvno: Some(7), .. }) = set(vec![data(7, 32)]) else { panic!() };
    assert_eq!(keys.len(), 1);
    assert_eq!(set(vec![data(7, 32), data(8, 32)]).unwrap_err(), Kadm5Status::SETKEY_BAD_KVNO);
    assert_eq!(set(vec![data(7, 31)]).unwrap_err(), Kadm5Status::BAD_KEYSALTS);
    assert_eq!(set(vec![]).unwrap_err(), Kadm5Status::INVALID_ARGUMENT);
    let keysalts = vec![KeySalt { enctype: 17, salt_type: 0 }];
    let other = Arguments::SetKeys { principal: name("web"), keep_old: true, keysalts, keys: vec![key(32)] };
    assert_eq!(begin(other).unwrap_err(), Kadm5Status::SETKEY3_ETYPE_MISMATCH);
}

#[test]
fn a_purge_keeps_the_newest_those_from_a_version_on_or_none() {
    let purge = |keep| match begin(Arguments::PurgeKeys { principal: name("web"), keep }) {
        Ok(Operation::PurgeKeys(_, purge)) => purge,
        other => panic!("{other:?}"),
    };
    assert_eq!([-1, 3, i32::MAX].map(purge), [Purge::Old, Purge::Below(3), Purge::All]);
}

#[test]
fn a_policy_is_made_with_what_the_mask_names_and_defaults() {
    let entry = PolicyEntry {
        name: Some("staff".to_owned()),
        min_length: 12,
        history: -1,
        allowed_keysalts: Some("aes256-cts:normal".to_owned()),
        ..PolicyEntry::default()
    };
    let create = |mask| begin(Arguments::CreatePolicy { entry: Box::new(entry.clone()), mask });
    let mask = PolicyMask::POLICY | PolicyMask::MIN_LENGTH | PolicyMask::ALLOWED_KEYSALTS;
    let Ok(Operation::CreatePolicy(policy, rules)) = create(mask) else { panic!() };
    assert_eq!((&*policy, rules.min_length, rules.history), ("staff", 12, 1));
    assert_eq!(rules.allowed_enctypes, [Enctype::Aes256CtsHmacSha1]);
    assert_eq!(create(mask | PolicyMask::HISTORY).unwrap_err(), Kadm5Status::INVALID_ARGUMENT);
    assert_eq!(create(PolicyMask::MIN_LENGTH).unwrap_err(), Kadm5Status::BAD_MASK);
    assert_eq!(create(mask | PolicyMask::ATTRIBUTES).unwrap_err(), Kadm5Status::BAD_MASK);
}

#[test]
fn an_alias_is_of_the_realm_of_its_principal() {
    let other = Principal::parse("al@OTHER", "").unwrap();
    let alias = Arguments::CreateAlias { alias: other, target: name("alice") };
    assert_eq!(begin(alias).unwrap_err(), Kadm5Status::ALIAS_REALM);
}

#[test]
fn versions_and_procedures_that_are_not_served_are_answered() {
    let realm = Realm::new("R");
    let answer = |version: u32| match Kadm5Call::begin(13, &version.to_be_bytes(), AdminService::Admin, &realm) {
        Kadm5Step::Answered(octets) => Response::decode(Procedure::Init, &octets).unwrap().outcome.err(),
        other => panic!("{other:?}"),
    };
    assert_eq!([0x1234_5702, 0x1234_5703, 0x1234_5704].map(answer), [None; 3]);
    assert_eq!(answer(0x1234_5705), Some(Kadm5Status::NEW_SERVER_API_VERSION));
    assert_eq!(answer(0x1234_5701), Some(Kadm5Status::OLD_SERVER_API_VERSION));
    assert_eq!(answer(7), Some(Kadm5Status::BAD_API_VERSION));
    let begin = |procedure, octets: &[u8]| Kadm5Call::begin(procedure, octets, AdminService::Admin, &realm);
    for procedure in [0, 17, 28, u32::MAX] {
        assert!(matches!(begin(procedure, &[0; 64]), Kadm5Step::ProcedureUnavailable));
    }
    assert!(matches!(begin(2, b"\x12\x34\x57\x04\xff\xff\xff\xff"), Kadm5Step::Garbage));
    assert!(matches!(begin(2, b""), Kadm5Step::Garbage));
}

#[test]
fn a_ticket_for_changepw_permits_little() {
    let alice = || name("alice");
    let permitted = [
        Arguments::Init,
        Arguments::GetPrincipal { principal: alice(), mask: PrincipalMask::empty() },
        Arguments::RandomizeKeys { principal: alice(), keep_old: false, keysalts: vec![] },
        Arguments::GetPolicy("staff".to_owned()),
    ];
    for arguments in permitted {
        let step = begin_by(AdminService::ChangePassword, arguments.clone());
        let refused = matches!(&step, Kadm5Step::Answered(octets) if octets[4..8] != [0; 4]);
        assert!(!refused, "{arguments:?}: {step:?}");
    }
    let refused = [
        (Arguments::DeletePrincipal(alice()), Kadm5Status::AUTH_DELETE),
        (Arguments::ExtractKeys { principal: alice(), kvno: 0 }, Kadm5Status::AUTH_EXTRACT),
        (Arguments::GetPrincipals { expression: None }, Kadm5Status::AUTH_LIST),
        (Arguments::GetStrings(alice()), Kadm5Status::AUTH_GET),
    ];
    for (arguments, status) in refused {
        let step = begin_by(AdminService::ChangePassword, arguments.clone());
        let Kadm5Step::Answered(octets) = step else { panic!("{arguments:?}") };
        assert_eq!(octets[4..8], status.0.to_be_bytes(), "{arguments:?}");
    }
}

fn answered(arguments: Arguments, answer: Result<Answer, AdminRefusal>) -> Result<Results, Kadm5Status> {
    let request = Request { version: ApiVersion::V4, arguments };
    let Kadm5Step::Perform(_, call) = begin_by(AdminService::Admin, request.arguments.clone()) else { panic!() };
    let octets = call.finish(answer, &Realm::new("R"));
    Response::decode(request.procedure(), &octets).unwrap().outcome
}

fn version(kvno: u32) -> KeyVersion {
    let key = Key::generate(Enctype::Aes256CtsHmacSha1, &mut OsRng);
    let keys = vec![StoredKey { key, salt: None }];
    KeyVersion {
        kvno,
        state: KeyState::Active,
        created: Timestamp::default(),
        activated: None,
        retired: None,
        accept: None,
        keys,
    }
}

#[test]
fn cve_2014_5351_keys_that_are_made_anew_are_returned_without_those_that_stay() {
    let versions = vec![version(2), version(1)];
    let new = versions[0].keys[0].key.expose().to_vec();
    let randomize = Arguments::RandomizeKeys { principal: name("web"), keep_old: true, keysalts: vec![] };
    let Ok(Results::Keys(keys)) = answered(randomize, Ok(Answer::Keys(versions.clone()))) else { panic!() };
    assert_eq!(keys.iter().map(|key| key.keyvalue.to_vec()).collect::<Vec<_>>(), [new]);
    let extract = Arguments::ExtractKeys { principal: name("web"), kvno: 0 };
    let Ok(Results::KeyData(keys)) = answered(extract, Ok(Answer::Keys(versions))) else { panic!() };
    assert_eq!(keys.iter().map(|key| key.kvno).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn a_principal_is_shown_as_mit_shows_it_and_its_keys_only_where_they_are_asked_for() {
    let mut record = record("alice");
    (record.policy, record.max_life) = (Some("staff".to_owned()), Some(60));
    record.modified_by = "system:serviceaccount:shop:web".to_owned();
    record.keys = KeySet::default();
    let keys = vec![
        ShownKey { kvno: 3, enctype: Enctype::Aes256CtsHmacSha1, state: KeyState::Active, salt: ShownSalt::Special },
        ShownKey { kvno: 2, enctype: Enctype::Aes256CtsHmacSha1, state: KeyState::Retiring, salt: ShownSalt::Normal },
    ];
    let view = PrincipalView { record, keys, logins: Logins { failures: 4, ..Logins::default() } };
    let get = |mask| {
        let arguments = Arguments::GetPrincipal { principal: name("alice"), mask };
        match answered(arguments, Ok(Answer::Principal(Box::new(view.clone())))) {
            Ok(Results::Principal(entry)) => *entry,
            other => panic!("{other:?}"),
        }
    };
    let shown = get(PrincipalMask::empty());
    assert_eq!((shown.kvno, shown.max_life, shown.max_renewable_life), (3, 60, 604_800));
    assert_eq!((shown.policy.as_deref(), shown.aux_attributes, shown.fail_auth_count), (Some("staff"), 0x800, 4));
    assert_eq!(shown.attributes, KdbAttributes::REQUIRES_PRE_AUTH);
    assert!(shown.keys.is_empty());
    let salts: Vec<_> = get(PrincipalMask::KEY_DATA).keys.iter().map(|key| (key.kvno, key.salt_type)).collect();
    assert_eq!(salts, [(3, Some(4)), (2, None)]);
}

#[test]
fn every_refusal_has_a_code_that_tools_know() {
    let code = |arguments, refusal| answered(arguments, Err(refusal)).unwrap_err();
    let delete = || Arguments::DeletePrincipal(name("alice"));
    let missing = |right| AdminRefusal::NotPermitted { right, caller: "bob@R".to_owned() };
    assert_eq!(code(delete(), missing(Rights::DELETE)), Kadm5Status::AUTH_DELETE);
    assert_eq!(code(delete(), missing(Rights::EXTRACT_KEYS)), Kadm5Status::AUTH_EXTRACT);
    let rename = Arguments::RenamePrincipal { from: name("alice"), to: name("bob") };
    assert_eq!(code(rename, missing(Rights::DELETE)), Kadm5Status::AUTH_INSUFFICIENT);
    assert_eq!(code(delete(), AdminRefusal::UnknownPrincipal(String::new())), Kadm5Status::UNK_PRINC);
    assert_eq!(code(delete(), AdminRefusal::PasswordReused), Kadm5Status::PASS_REUSE);
    let bad_name = || AdminRefusal::BadName { name: String::new(), reason: "" };
    assert_eq!(code(delete(), bad_name()), Kadm5Status::BAD_PRINCIPAL);
    assert_eq!(code(Arguments::DeletePolicy("x".to_owned()), bad_name()), Kadm5Status::BAD_POLICY);
}

#[test]
fn privileges_have_their_bits_also_where_the_call_failed() {
    let answer =
        answered(Arguments::GetPrivileges, Ok(Answer::Rights(Rights::INQUIRE | Rights::DELETE | Rights::LIST)));
    assert!(matches!(answer, Ok(Results::Privileges(9))), "{answer:?}");
    assert_eq!(
        answered(Arguments::GetPrivileges, Err(AdminRefusal::StoreUnavailable)).unwrap_err(),
        Kadm5Status::BAD_DB
    );
}
