//! What kadmind failed of (facts of its CVEs), and what strangers and administrators may send.

use crate::setting::Setting;
use crate::wire::{Administrator, Wire, principal, ticket};
use anyhow::{Context, Result, ensure};
use kennel_client::client::system_now;
use kennel_client::gss::Initiator;
use kennel_client::kadmin::{KadminGreeting, greeting};
use kennel_wire::kadm5::arguments::Arguments;
use kennel_wire::kadm5::principal::{PrincipalEntry, PrincipalMask};
use kennel_wire::kadm5::procedure::Procedure;
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

#[test]
fn cve_2023_36054_counts_that_have_nothing_to_do_with_the_message_are_refused() -> Result<()> {
    let setting = Setting::new()?;
    let mut root = Administrator::log_in(&setting, ROOT, ADMIN)?;
    let name = b"\0\0\0\x12alice@TEST.KENNEL\0\0\0";
    let huge = [*b"\x7f\xff\xff\xff", *b"\xff\xff\xff\xff", *b"\0\0\x10\0"];
    for count in huge {
        assert_garbage(&mut root, Procedure::SetKey, &[&name[..], &count].concat())?;
        assert_garbage(&mut root, Procedure::RandomizeKeys3, &[&name[..], &[0; 4], &count].concat())?;
        assert_garbage(&mut root, Procedure::SetKey4, &[&name[..], &[0; 4], &count].concat())?;
    }
    assert!(root.call(Arguments::GetPrincipals { expression: None })?.is_ok(), "the administrator goes on");
    Ok(())
}

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

#[test]
fn cve_2015_8630_a_policy_that_is_named_and_missing_is_refused() -> Result<()> {
    let setting = Setting::new()?;
    let mut root = Administrator::log_in(&setting, ROOT, ADMIN)?;
    let entry = PrincipalEntry { principal: Some(principal("alice")?), ..PrincipalEntry::default() };
    let modify = Arguments::ModifyPrincipal { entry: Box::new(entry), mask: PrincipalMask::POLICY };
    assert_eq!(root.call(modify)?.map(|_| ()), Err(Kadm5Status::BAD_MASK));
    Ok(())
}

#[test]
fn cve_2015_8631_a_million_names_that_are_missing_leave_nothing_behind() -> Result<()> {
    let setting = Setting::new()?;
    let mut root = Administrator::log_in(&setting, ROOT, ADMIN)?;
    for _ in 0..500 {
        assert_garbage(&mut root, Procedure::RenamePrincipal, &[0; 8])?;
    }
    assert!(root.call(Arguments::GetPrincipals { expression: None })?.is_ok());
    Ok(())
}

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

#[test]
fn cve_2024_37370_and_37371_tokens_whose_lengths_were_changed_are_refused() -> Result<()> {
    let setting = Setting::new()?;
    let mut root = Administrator::log_in(&setting, ROOT, ADMIN)?;
    let original = root.session.call_with(Procedure::Init.number(), &VERSION, &mut OsRng);
    // The Wrap token begins behind its count, with 05 04.
    let body = original.len() - call::Call::decode(&original)?.arguments.len();
    for (at, value) in [(body + 4 + 4, 0xff), (body + 4 + 5, 8), (body + 4 + 6, 0x7f), (body + 3, 9)] {
        let mut root = Administrator::log_in(&setting, ROOT, ADMIN)?;
        let mut message = root.session.call_with(Procedure::Init.number(), &VERSION, &mut OsRng);
        message[at] = value;
        let reply = root.wire.ask(&message)?.context("the server closes")?;
        assert_eq!(status(&reply)?, AcceptStatus::GarbageArguments, "octet {at}");
    }
    Ok(())
}

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
