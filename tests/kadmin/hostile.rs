//! The classes of faults that kadmind had, by their CVE, and what strangers and administrators may send. Each test fails without the check
//! that it is about; those of kpasswd and of the tokens' inner lengths are beside their code (`core/tests/kpasswd.rs`, `core/src/gss`).

use crate::setting::{PASSWORD, Setting};
use crate::wire::{Administrator, Wire, principal, ticket};
use anyhow::{Context, Result, ensure};
use kennel_client::client::system_now;
use kennel_client::gss::Initiator;
use kennel_client::kadmin::{KadminGreeting, greeting};
use kennel_tests::memory;
use kennel_wire::kadm5::arguments::{Arguments, Password, Request};
use kennel_wire::kadm5::keys::{KeySalt, SaltType};
use kennel_wire::kadm5::policy::{PolicyEntry, PolicyMask};
use kennel_wire::kadm5::principal::{KeyLine, PrincipalEntry, PrincipalMask};
use kennel_wire::kadm5::procedure::{ApiVersion, Procedure};
use kennel_wire::kadm5::results::Results;
use kennel_wire::kadm5::status::Kadm5Status;
use kennel_wire::rpc::call::{self, Flavor, OpaqueAuth};
use kennel_wire::rpc::gss::{GssProcedure, GssService, InitResult};
use kennel_wire::rpc::reply::{AcceptStatus, AuthStatus, Reply, ReplyBody};
use rand::rngs::OsRng;
use std::time::{Duration, Instant};

const ROOT: &str = "root/admin";
const ADMIN: &str = "kadmin/admin";

/// Octets of an API version, the newest.
const VERSION: [u8; 4] = [0x12, 0x34, 0x57, 0x04];

/// The status of an accepted reply.
fn status(reply: &[u8]) -> Result<AcceptStatus<'_>> {
    match Reply::decode(reply)?.body {
        ReplyBody::Accepted { status, .. } => Ok(status),
        other => anyhow::bail!("{other:?}"),
    }
}

/// Sends arguments of a procedure as they are, and expects them to be refused as garbage. The administrator goes on.
fn assert_garbage(root: &mut Administrator, procedure: Procedure, arguments: &[u8]) -> Result<()> {
    let message = root.session.call_with(procedure.number(), &[&VERSION, arguments].concat(), &mut OsRng);
    let reply = root.wire.ask(&message)?.context("the server closes")?;
    ensure!(status(&reply)? == AcceptStatus::GarbageArguments, "{procedure:?} {arguments:?}: {reply:?}");
    // Reads the verifier of the reply, so that the context stays in step.
    let _ = root.session.results(&reply);
    Ok(())
}

/// The arguments of a procedure as octets, without their version.
fn octets(arguments: Arguments) -> Vec<u8> {
    Request { version: ApiVersion::V4, arguments }.encode().iter().skip(VERSION.len()).copied().collect()
}

/// CVE-2023-36054: kadmind freed keys that it had never read, since the number of keys of a principal and the count of the array that
/// follows were two numbers. An array has no more elements than its limit, than the message holds, and than the principal says.
#[test]
fn cve_2023_36054_counts_that_have_nothing_to_do_with_the_message_are_refused() -> Result<()> {
    let setting = Setting::new()?;
    let mut root = Administrator::log_in(&setting, ROOT, ADMIN)?;
    let name = b"\0\0\0\x12alice@TEST.KENNEL\0\0\0";
    for count in [*b"\x7f\xff\xff\xff", *b"\xff\xff\xff\xff", *b"\0\0\x10\0"] {
        assert_garbage(&mut root, Procedure::SetKey, &[&name[..], &count].concat())?;
        assert_garbage(&mut root, Procedure::RandomizeKeys3, &[&name[..], &[0; 4], &count].concat())?;
        assert_garbage(&mut root, Procedure::SetKey4, &[&name[..], &[0; 4], &count].concat())?;
    }
    // 2,049 keys without octets, all of which are there.
    let many = [&name[..], b"\0\0\x08\x01", &[0; 8 * 2_049]].concat();
    assert_garbage(&mut root, Procedure::SetKey, &many)?;
    // One key, of which the principal says that there are none, one, or less than none.
    let key = KeyLine { kvno: 1, enctype: 18, salt_type: None };
    let marker = 0x5eed_5eed_u32;
    let entry = PrincipalEntry {
        principal: Some(principal("alice")?),
        fail_auth_count: marker,
        keys: vec![key],
        ..PrincipalEntry::default()
    };
    let modify = octets(Arguments::ModifyPrincipal { entry: Box::new(entry), mask: PrincipalMask::empty() });
    let at = modify.windows(4).position(|word| word == marker.to_be_bytes()).context("the counter of failures")? + 4;
    for keys in [*b"\0\0\0\0", *b"\xff\xff\xff\xff", *b"\x80\0\0\0"] {
        let mut other = modify.clone();
        other[at..at + 4].copy_from_slice(&keys);
        assert_garbage(&mut root, Procedure::ModifyPrincipal, &other)?;
    }
    assert!(root.call(Arguments::GetPrincipals { expression: None })?.is_ok(), "the administrator goes on");
    Ok(())
}

/// CVE-2015-8629: kadmind read behind the end of a string that had no NUL.
#[test]
fn cve_2015_8629_a_string_without_its_end_is_refused() -> Result<()> {
    let setting = Setting::new()?;
    let mut root = Administrator::log_in(&setting, ROOT, ADMIN)?;
    for wrong in [&b"\0\0\0\x04root"[..], b"\0\0\0\x05ro\0t\0\0\0\0", b"\0\0\0\x40root", b"\xff\xff\xff\xffroot"] {
        assert_garbage(&mut root, Procedure::GetPrincipals, wrong)?;
        assert_garbage(&mut root, Procedure::DeletePolicy, wrong)?;
        assert_garbage(&mut root, Procedure::DeletePrincipal, wrong)?;
    }
    Ok(())
}

/// CVE-2015-8630: kadmind followed the pointer to a policy's name that a mask announced and a request left out.
#[test]
fn cve_2015_8630_a_policy_that_is_named_and_missing_is_refused() -> Result<()> {
    let setting = Setting::new()?;
    let mut root = Administrator::log_in(&setting, ROOT, ADMIN)?;
    let entry = PrincipalEntry { principal: Some(principal("alice")?), ..PrincipalEntry::default() };
    let modify = Arguments::ModifyPrincipal { entry: Box::new(entry), mask: PrincipalMask::POLICY };
    assert_eq!(root.call(modify)?.map(|_| ()), Err(Kadm5Status::BAD_MASK));
    let nameless = || Box::new(PolicyEntry::default());
    let create = Arguments::CreatePolicy { entry: nameless(), mask: PolicyMask::POLICY };
    assert_eq!(root.call(create)?.map(|_| ()), Err(Kadm5Status::INVALID_ARGUMENT));
    let modify = Arguments::ModifyPolicy { entry: nameless(), mask: PolicyMask::MIN_LENGTH };
    assert_eq!(root.call(modify)?.map(|_| ()), Err(Kadm5Status::INVALID_ARGUMENT));
    Ok(())
}

/// CVE-2015-8631: kadmind leaked what it had read of a request whose next name was missing. Of 3,000 requests with 2,048 pairs of enctype
/// and salt and without a password, 48 MB would stay.
#[test]
fn cve_2015_8631_requests_of_which_a_name_is_missing_leave_nothing_behind() -> Result<()> {
    let setting = Setting::new()?;
    let mut root = Administrator::log_in(&setting, ROOT, ADMIN)?;
    assert_garbage(&mut root, Procedure::RenamePrincipal, &[0; 8])?;
    assert_garbage(&mut root, Procedure::GetStrings, &[0; 4])?;
    assert_garbage(&mut root, Procedure::GetPolicy, &[0; 4])?;
    let change = Arguments::ChangePassword {
        principal: principal("alice")?,
        keep_old: false,
        keysalts: vec![KeySalt { enctype: 18, salt_type: SaltType::NORMAL }; 2_048],
        password: Password::default(),
    };
    let mut without_password = octets(change);
    // The count of the password, and its NUL.
    without_password.truncate(without_password.len() - 8);
    without_password.extend_from_slice(&[0; 4]);
    let mut ask =
        |times| (0..times).try_for_each(|_| assert_garbage(&mut root, Procedure::ChangePassword3, &without_password));
    ask(300)?;
    let before = memory::resident(setting.process())?;
    ask(3_000)?;
    let grown = memory::resident(setting.process())?.saturating_sub(before);
    assert!(grown < 16_384, "the server has grown by {grown} KiB");
    assert!(root.call(Arguments::GetPrincipals { expression: None })?.is_ok());
    Ok(())
}

/// CVE-2016-2400: the access list was asked about the alias that a request named, and not about the principal that it stands for.
#[test]
fn cve_2016_2400_a_right_on_an_alias_is_none_on_the_principal_behind_it() -> Result<()> {
    let setting = Setting::new()?;
    let mut root = Administrator::log_in(&setting, ROOT, ADMIN)?;
    let alias = Arguments::CreateAlias { alias: principal("al")?, target: principal("alice")? };
    assert!(root.call(alias)?.is_ok());
    let alias = |command: &str| setting.kadmin_as("alias/admin", command);
    for (command, right) in [
        ("getprinc al", "get"),
        ("getstrs al", "get"),
        // kadmin looks at the principal first.
        ("modprinc -allow_tix al", "get"),
        ("setstr al key value", "modify"),
        ("purgekeys -all al", "modify"),
        ("cpw -pw theirs al", "change-password"),
        ("ktadd -norandkey -k /dev/null al", "extract-keys"),
        ("delprinc -force al", "delete"),
    ] {
        let run = alias(command)?;
        ensure!(run.stderr.contains(&format!("Operation requires ``{right}'' privilege")), "{command}: {run}");
    }
    let renamed = alias("renprinc -force al mine")?;
    ensure!(renamed.stderr.contains("Insufficient authorization for operation"), "{renamed}");
    ensure!(setting.logs_in("alice", PASSWORD)?);
    // The right is there: a principal of that very name is theirs.
    setting.says("addprinc -randkey other", "created.")?;
    ensure!(alias("getprinc other")?.stdout.contains("Principal: other@TEST.KENNEL"));
    Ok(())
}

/// CVE-2014-9422: kadmind accepted a ticket for any service of two components whose key it had.
#[test]
fn cve_2014_9422_a_ticket_for_another_service_opens_nothing() -> Result<()> {
    let setting = Setting::new()?;
    let web = ticket(&setting, "alice", "HTTP/web.shop")?;
    let mut renamed = web.clone();
    renamed.ticket.sname = principal(ADMIN)?.name;
    let mut changepw = ticket(&setting, ROOT, "kadmin/changepw")?;
    changepw.ticket.sname = principal(ADMIN)?.name;
    for credential in [web, renamed, changepw] {
        let (_, message) = KadminGreeting::new(&credential, GssService::Privacy, system_now(), &mut OsRng);
        let reply = Wire::connect(&setting)?.ask(&message)?.context("the server closes")?;
        let AcceptStatus::Success(results) = status(&reply)? else { anyhow::bail!("{reply:?}") };
        let result = InitResult::decode(results)?;
        assert!(result.major != 0 && result.handle.is_empty(), "{result:?}");
    }
    Ok(())
}

/// CVE-2014-5351: who made new random keys and kept the old ones received the old ones too.
#[test]
fn cve_2014_5351_new_keys_come_without_the_old_ones() -> Result<()> {
    let setting = Setting::new()?;
    let mut root = Administrator::log_in(&setting, ROOT, ADMIN)?;
    let randomize = |root: &mut Administrator| {
        let principal = principal("HTTP/web.shop")?;
        let arguments = Arguments::RandomizeKeys { principal, keep_old: true, keysalts: vec![] };
        match root.call(arguments)? {
            Ok(Results::Keys(keys)) => Ok(keys.into_iter().map(|key| key.keyvalue.to_vec()).collect::<Vec<_>>()),
            other => anyhow::bail!("{other:?}"),
        }
    };
    let (first, second) = (randomize(&mut root)?, randomize(&mut root)?);
    assert_eq!((first.len(), second.len()), (4, 4));
    assert!(!second.iter().any(|key| first.contains(key)));
    Ok(())
}

/// CVE-2024-37370 and CVE-2024-37371: the number of extra octets of a Wrap token, which nothing protects in the header in front, cut the
/// message or pointed outside it.
#[test]
fn cve_2024_37370_and_37371_tokens_whose_lengths_were_changed_are_refused() -> Result<()> {
    let setting = Setting::new()?;
    let mut root = Administrator::log_in(&setting, ROOT, ADMIN)?;
    let original = root.session.call_with(Procedure::Init.number(), &VERSION, &mut OsRng);
    // The Wrap token begins behind its count, with 05 04.
    let body = original.len() - call::Call::decode(&original)?.arguments.len();
    // Without its last word the second message is a good one.
    let longer = [VERSION, [0; 4]].concat();
    for (arguments, at, value) in [
        (&VERSION[..], body + 4 + 4, 0xff),
        (&longer[..], body + 4 + 5, 4),
        (&VERSION[..], body + 4 + 5, 8),
        (&VERSION[..], body + 4 + 7, 5),
        (&VERSION[..], body + 3, 9),
    ] {
        let mut root = Administrator::log_in(&setting, ROOT, ADMIN)?;
        let mut message = root.session.call_with(Procedure::Init.number(), arguments, &mut OsRng);
        message[at] = value;
        let reply = root.wire.ask(&message)?.context("the server closes")?;
        assert_eq!(status(&reply)?, AcceptStatus::GarbageArguments, "octet {at}");
    }
    Ok(())
}

/// Whoever knows the key of a service of administration seals tickets for it in any name: the letters `a` and `d` are not worth all others.
#[test]
fn whoever_may_add_principals_makes_no_service_of_administration() -> Result<()> {
    let list = "maker/admin@TEST.KENNEL adi\nroot/admin@TEST.KENNEL *\n";
    let setting = Setting::with(&["maker/admin", ROOT, "alice"], list)?;
    let made = setting.kadmin_as("maker/admin", "addprinc -pw known kadmin/mine")?;
    ensure!(made.stderr.contains("Illegal principal name while creating"), "{made}");
    ensure!(setting.kadmin_as("maker/admin", "addprinc -pw known mine/x")?.stdout.contains("created."));
    let renamed = setting.kadmin_as("maker/admin", "renprinc -force mine/x kadmin/mine")?;
    ensure!(renamed.stderr.contains("Illegal principal name while renaming"), "{renamed}");
    setting.refused("getprinc kadmin/mine", "Principal does not exist")
}

/// CVE-2014-9422 again: a ticket for `kadmin/changepw`, which everyone gets, whatever the access list says.
#[test]
fn through_changepw_everything_but_the_own_password_is_refused() -> Result<()> {
    let setting = Setting::new()?;
    let mut root = Administrator::log_in(&setting, ROOT, "kadmin/changepw")?;
    let refused = |answer: Result<Results, Kadm5Status>| answer.map(|_| ()).unwrap_err();
    assert_eq!(refused(root.call(Arguments::GetPrincipals { expression: None })?), Kadm5Status::AUTH_LIST);
    let delete = Arguments::DeletePrincipal(principal("alice")?);
    assert_eq!(refused(root.call(delete)?), Kadm5Status::AUTH_DELETE);
    let get = |name| {
        Ok::<_, anyhow::Error>(Arguments::GetPrincipal { principal: principal(name)?, mask: PrincipalMask::empty() })
    };
    assert!(root.call(get("alice")?)?.is_err(), "another one's");
    assert!(root.call(get(ROOT)?)?.is_ok(), "the own one");
    Ok(())
}

#[test]
fn a_call_that_is_sent_again_is_not_performed_again_nor_answered() -> Result<()> {
    let setting = Setting::new()?;
    let mut root = Administrator::log_in(&setting, ROOT, ADMIN)?;
    let message = root.session.call_with(Procedure::Init.number(), &VERSION, &mut OsRng);
    let reply = root.wire.ask(&message)?.context("the first one")?;
    root.session.results(&reply)?;
    assert_eq!(root.wire.ask(&message)?, None, "the connection closes");
    let mut other = Wire::connect(&setting)?;
    assert_eq!(other.ask(&message)?, None, "nor over another connection");
    // A number that was seen, in a token that was not.
    let again = root.session.dangerous_call(GssProcedure::Data, 1, 13, &VERSION, &mut OsRng);
    assert_eq!(Wire::connect(&setting)?.ask(&again)?, None);
    let far = root.session.dangerous_call(GssProcedure::Data, 0x8000_0001, 13, &VERSION, &mut OsRng);
    let reply = Wire::connect(&setting)?.ask(&far)?.context("an answer")?;
    let problem = ReplyBody::NotAuthenticated(AuthStatus::GSS_CONTEXT_PROBLEM);
    assert_eq!(Reply::decode(&reply)?.body, problem);
    Ok(())
}

#[test]
fn calls_without_a_context_or_without_protection_are_denied() -> Result<()> {
    let setting = Setting::new()?;
    let none = OpaqueAuth { flavor: Flavor::NONE, body: &[] };
    let denied = |message: &[u8]| {
        let reply = Wire::connect(&setting)?.ask(message)?.context("the server closes")?;
        match Reply::decode(&reply)?.body {
            ReplyBody::NotAuthenticated(status) => Ok(status),
            other => anyhow::bail!("{other:?}"),
        }
    };
    let bare = call::encode(&call::header(1, 2112, 2, 14, none), none, &VERSION);
    assert_eq!(denied(&bare)?, AuthStatus::TOO_WEAK);
    let old = OpaqueAuth { flavor: Flavor(300_001), body: &[0; 16] };
    let old = call::encode(&call::header(1, 2112, 2, 0, old), none, &[]);
    assert_eq!(denied(&old)?, AuthStatus::TOO_WEAK);
    let credential = ticket(&setting, ROOT, ADMIN)?;
    let (_, token) = Initiator::new(&credential, system_now(), &mut OsRng);
    assert_eq!(denied(&greeting(&token, GssService::None))?, AuthStatus::TOO_WEAK);
    let mut root = Administrator::log_in(&setting, ROOT, ADMIN)?;
    let mut message = root.session.call_with(14, &[&VERSION[..], &[0; 4]].concat(), &mut OsRng);
    // The handle is behind the headers of call and credential.
    message[52] ^= 1;
    assert_eq!(denied(&message)?, AuthStatus::GSS_CREDENTIAL_PROBLEM);
    Ok(())
}

#[test]
fn lengths_that_are_huge_or_nothing_close_the_connection() -> Result<()> {
    let setting = Setting::new()?;
    let many_fragments: Vec<u8> = [0, 0, 0, 0].repeat(100);
    for octets in [&b"\xff\xff\xff\xff"[..], b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\x80\x01\0\x01", &many_fragments] {
        let mut wire = Wire::connect(&setting)?;
        wire.send(octets)?;
        assert_eq!(wire.receive()?, None, "{octets:?}");
    }
    let mut wire = Wire::connect(&setting)?;
    assert_eq!(wire.ask(b"not a call, though of a good length")?, None);
    setting.says("listprincs", "alice@TEST.KENNEL")?;
    Ok(())
}

#[test]
fn a_thousand_connections_that_say_nothing_do_not_disturb_an_administrator() -> Result<()> {
    let setting = Setting::new()?;
    let mut root = Administrator::log_in(&setting, ROOT, ADMIN)?;
    let idle = (0..1_000).map(|_| Wire::connect(&setting)).collect::<Result<Vec<_>>>()?;
    let start = Instant::now();
    for _ in 0..50 {
        assert!(root.call(Arguments::GetPrincipals { expression: None })?.is_ok());
    }
    setting.says("listprincs", "alice@TEST.KENNEL")?;
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    drop(idle);
    Ok(())
}

#[test]
fn the_contexts_of_one_client_are_limited_and_others_are_not_disturbed() -> Result<()> {
    let setting = Setting::new()?;
    let list = || Arguments::GetPrincipals { expression: None };
    let mut other = Administrator::log_in(&setting, "list/admin", ADMIN)?;
    let credential = ticket(&setting, ROOT, ADMIN)?;
    let mut first = Administrator::with_ticket(&setting, &credential)?;
    assert!(first.call(list())?.is_ok());
    let more = (0..64).map(|_| Administrator::with_ticket(&setting, &credential)).collect::<Result<Vec<_>>>()?;
    assert!(first.call(list()).is_err(), "the least recently used one has ended");
    for mut administrator in more {
        assert!(administrator.call(list())?.is_ok());
    }
    assert!(other.call(list())?.is_ok());
    Ok(())
}

#[test]
fn an_administrator_that_is_deleted_does_not_go_on() -> Result<()> {
    let setting = Setting::new()?;
    let mut add = Administrator::log_in(&setting, "inquire/admin", ADMIN)?;
    let get = || {
        Ok::<_, anyhow::Error>(Arguments::GetPrincipal { principal: principal("alice")?, mask: PrincipalMask::empty() })
    };
    assert!(add.call(get()?)?.is_ok());
    setting.says("delprinc -force inquire/admin", "deleted.")?;
    assert!(add.call(get()?).is_err(), "the context ends with its account");
    Ok(())
}
