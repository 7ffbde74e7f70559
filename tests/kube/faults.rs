//! The KDC is killed, the API server is away: what was handed out works, and everything converges.

use crate::world::{SOON, World};
use anyhow::{Context, Result};
use kennel_tests::kube::{Api, eventually};
use kennel_tests::mit::Mit;
use kennel_tests::process;
use std::time::Duration;
use tempfile::TempDir;

/// Enrolments that are under way when the KDC is killed.
const ENROLMENTS: usize = 200;

#[test]
fn kill_9_in_the_middle_of_200_enrolments_leaves_every_keytab_good() -> Result<()> {
    let mut world = World::with(Api::shared()?, "  credentials: {default: [Keytab]}\n")?;
    let accounts: Vec<String> = (0..20).map(|n| format!("a{n}")).collect();
    let names: Vec<&str> = accounts.iter().map(String::as_str).collect();
    world.namespace("shop", &names)?;
    let mut pods = String::new();
    for account in &accounts {
        pods += &format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {account}-1, namespace: {}, labels: {{kennel.dev/service-account: {account}}}}}\nspec: {{serviceAccountName: {account}, \
             containers: [{{name: c, image: i}}]}}\n",
            world.ns("shop")
        );
    }
    world.api.apply(&pods)?;
    let tokens: Vec<String> =
        accounts.iter().map(|account| world.token("shop", account, &format!("{account}-1"))).collect::<Result<_>>()?;
    let folders: Vec<TempDir> = (0..ENROLMENTS).map(|_| TempDir::new()).collect::<std::io::Result<_>>()?;
    let mut agents = Vec::new();
    for (folder, token) in folders.iter().zip(tokens.iter().cycle()) {
        let mut agent = world.agent(token, folder.path())?;
        // Long enough for a busy machine: the pauses between tries grow while the KDC starts again.
        agent.args(["--once", "--deadline", "150"]);
        agents.push(agent);
    }
    let threads: Vec<_> = agents
        .into_iter()
        .map(|mut agent| std::thread::spawn(move || process::run_within(&mut agent, "", Duration::from_secs(180))))
        .collect();
    eventually(SOON, "some were enrolled", || {
        Ok((folders.iter().filter(|folder| folder.path().join("keytab").exists()).count() > ENROLMENTS / 4)
            .then_some(()))
    })?;
    let before = folders.iter().filter(|folder| folder.path().join("keytab").exists()).count();
    world.realm.kill_and_restart()?;
    for thread in threads {
        thread.join().ok().context("a thread panicked")??.ok()?;
    }
    println!("{before} of {ENROLMENTS} enrolments were done when the KDC was killed");
    assert!(before < ENROLMENTS, "the KDC was killed too late");
    for (folder, account) in folders.iter().zip(accounts.iter().cycle()) {
        let user = Mit::new(&folder.path().join("krb5.conf"))?;
        let name = format!("{account}.{}", world.ns("shop"));
        user.kinit_with_keytab(&folder.path().join("keytab"), &[&name])?.ok()?;
    }
    Ok(())
}

#[test]
fn while_the_api_server_is_away_tickets_are_issued_and_enrolment_says_later() -> Result<()> {
    let api = Api::alone()?;
    let world = World::within(&api)?;
    world.shop(&["web", "cart"])?;
    let cart = world.enrolled_pod("shop", "cart-1", "cart")?;
    let token = world.token("shop", "cart", "cart-1")?;
    let host = format!("HTTP/web.{}.svc.cluster.local", world.ns("shop"));
    api.freeze(true)?;
    let (status, said) = world.post(Some(&token), "")?;
    assert_eq!((status, said["reason"].as_str()), (503, Some("ReviewUnavailable")), "{said}");
    assert_eq!(said["retryable"], true);
    // Past the time of what a client of the API waits for.
    let away = std::time::Instant::now();
    while away.elapsed() < Duration::from_secs(if std::env::var_os("KENNEL_KUBE_LONG").is_some() { 60 } else { 10 }) {
        cart.kvno(&host)?.ok()?;
        std::thread::sleep(Duration::from_secs(1));
    }
    api.freeze(false)?;
    eventually(SOON, "enrolment works again", || Ok((world.post(Some(&token), "")?.0 == 200).then_some(())))?;
    world.api.kubectl(&["create", "serviceaccount", "late", "-n", &world.ns("shop")], "")?.ok()?;
    world.enrolled_pod("shop", "late-1", "late")?;
    world.delete("shop", "pod", "cart-1")?;
    eventually(SOON, "the pod's ticket is refused", || Ok((!cart.kvno(&host)?.status.success()).then_some(())))
}
