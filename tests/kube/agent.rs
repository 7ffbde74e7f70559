//! kennel-agent as a process: once, for good, refused, with a KDC that goes and comes.

use crate::world::{SOON, World};
use anyhow::Result;
use kennel_tests::binary::kennel_agent;
use kennel_tests::kube::eventually;
use kennel_tests::memory;
use kennel_tests::process::{self, Run, Server};
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

fn world() -> Result<World<'static>> {
    let world = World::new()?;
    world.namespace("shop", &["cart"])?;
    world.pod("shop", "cart-1", "cart")?;
    Ok(world)
}

fn ready(health: &str) -> Result<Run> {
    process::run(Command::new(kennel_agent()?).args(["ready", "--health", health]), "")
}

fn await_ready(health: &str) -> Result<()> {
    eventually(SOON, "the agent is ready", || Ok(ready(health)?.status.success().then_some(())))
}

#[test]
fn files_have_the_mode_and_group_that_the_workload_needs() -> Result<()> {
    let world = world()?;
    let folder = TempDir::new()?;
    let mut agent = world.agent(&world.token("shop", "cart", "cart-1")?, folder.path())?;
    process::run(agent.args(["--once", "--mode", "0440"]), "")?.refused("the owner must be able to read and write")?;
    let mut agent = world.agent(&world.token("shop", "cart", "cart-1")?, folder.path())?;
    process::run(agent.args(["--once", "--mode", "0644", "--group", "4711"]), "")?.ok()?;
    let seen = std::fs::metadata(folder.path().join("ccache"))?;
    assert_eq!((seen.mode() & 0o777, seen.gid()), (0o644, 4711));
    Ok(())
}

#[test]
fn it_stays_ready_in_less_than_20_mb_and_stops_at_once() -> Result<()> {
    let world = world()?;
    let folder = TempDir::new()?;
    let health = format!("unix:{}", folder.path().join("health").display());
    let token = world.token("shop", "cart", "cart-1")?;
    let mut agent = world.agent_that_stays(&token, folder.path(), &["--health", &health])?;
    await_ready(&health)?;
    let kib = memory::resident(agent.id())?;
    println!("kennel-agent: {kib} KiB resident");
    assert!(kib < 20_000, "{kib} KiB");
    assert!(agent.terminate(Duration::from_secs(5))?.success());
    Ok(())
}

#[test]
fn refused_for_good_it_ends_and_says_what_to_do() -> Result<()> {
    let world = world()?;
    let folder = TempDir::new()?;
    let audience = format!("kennel://{}", world.realm.name());
    let unbound = world.token_with("shop", "cart", &["--audience", &audience])?;
    for mode in [&["--once"][..], &[]] {
        let run = process::run(world.agent(&unbound, folder.path())?.args(mode), "")?;
        assert_eq!(run.status.code(), Some(2), "{run}");
        assert!(run.stderr.contains("TokenUnbound") && run.stderr.contains("use a projected volume"), "{run}");
    }
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 0, "nothing is written");
    Ok(())
}

#[test]
fn without_a_kdc_it_goes_on_trying_and_once_gives_up_in_time() -> Result<()> {
    let mut world = world()?;
    let folder = TempDir::new()?;
    let token = world.token("shop", "cart", "cart-1")?;
    let (health, agents) = (format!("unix:{}", folder.path().join("health").display()), TempDir::new()?);
    let mut agent: Option<Server> = None;
    let mut once = world.agent(&token, folder.path())?;
    let mut stays = world.agent(&token, folder.path())?;
    world.realm.while_down(|| {
        let run = process::run(once.args(["--once", "--deadline", "3"]), "")?;
        assert_eq!(run.status.code(), Some(1), "{run}");
        assert!(run.stderr.contains("no credentials within 3 s") && run.stderr.contains("cannot be reached"), "{run}");
        agent = Some(Server::start(stays.args(["--health", &health]), agents.path(), "agent")?);
        std::thread::sleep(Duration::from_secs(2));
        let asked = ready(&health)?;
        assert!(!asked.status.success() && asked.stdout.contains("cannot be reached"), "{asked}");
        Ok(())
    })?;
    await_ready(&health)
}

#[test]
fn a_server_that_cannot_prove_itself_gets_no_token() -> Result<()> {
    let (world, other) = (world()?, World::new()?);
    let folder = TempDir::new()?;
    let agent = world.agent(&world.token("shop", "cart", "cart-1")?, folder.path())?;
    let (right, other) = (world.realm.ca(), other.realm.ca());
    let trusting = |argument: &std::ffi::OsStr| {
        if argument == right { other.clone().into_os_string() } else { argument.to_owned() }
    };
    let mut wrong = Command::new(kennel_agent()?);
    wrong.args(agent.get_args().map(trusting)).args(["--once", "--deadline", "1"]);
    let run = process::run(&mut wrong, "")?;
    assert!(!run.status.success() && run.stderr.contains("could not prove itself"), "{run}");
    assert!(world.audit_of("enrolment")?.is_empty(), "nothing was sent");
    Ok(())
}

#[test]
fn a_refresh_keeps_the_service_tickets_beside_the_new_ticket() -> Result<()> {
    let world = world()?;
    world.shop(&["web", "cart"])?;
    let folder = TempDir::new()?;
    let token = world.token("shop", "cart", "cart-1")?;
    let once = || process::run(world.agent(&token, folder.path())?.arg("--once"), "")?.ok();
    once()?;
    let service = format!("HTTP/web.{}.svc.cluster.local", world.ns("shop"));
    let kvno = || {
        let mut command = Command::new("kvno");
        command.env("KRB5_CONFIG", folder.path().join("krb5.conf"));
        command.env("KRB5CCNAME", format!("FILE:{}", folder.path().join("ccache").display()));
        process::run(command.arg(&service), "")
    };
    kvno()?.ok()?;
    let asked = world.audit_of("TGS")?.len();
    once()?;
    kvno()?.ok()?;
    assert_eq!(world.audit_of("TGS")?.len(), asked, "the service ticket was still there");
    Ok(())
}
