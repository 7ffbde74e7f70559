//! Rotations with a real agent and stock clients: a key is used once its holder has it, a kill of the KDC at any moment changes
//! nothing of that, and after a leak whatever was stolen is of no use within seconds.

use crate::world::{Credentials, SOON, World};
use anyhow::{Context, Result, ensure};
use kennel_tests::binary::kennel;
use kennel_tests::kube::{Api, eventually};
use kennel_tests::process::{self, Run, Server};
use serde_json::Value;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Short limits: a test has no day. The two principals are for the self test of `dev`.
const SEED: &str = "[realm.rotation]\npropagation = \"2s\"\nprogress_deadline = \"10s\"\n\
                    [[principal]]\nname = \"alice\"\npassword = \"secret\"\n[[principal]]\nname = \"host/self.test\"\n";
/// A key reaches its holders within this time, and is used after it.
const ROTATED: Duration = Duration::from_secs(60);
/// Whatever was stolen is of no use after this time.
const EMERGENCY: Duration = Duration::from_secs(5);

/// `web`, whose agent runs, and `cart`, which calls it.
struct Shop {
    world: World<'static>,
    cart: Credentials,
    web: TempDir,
    _agent: Server,
}

impl Shop {
    fn new() -> Result<Shop> {
        let world = World::seeded(Api::shared()?, "", SEED)?;
        world.shop(&["web", "cart", "viewer"])?;
        world.pod("shop", "web-1", "web")?;
        let web = TempDir::new()?;
        let agent = world.agent_that_stays(&world.token("shop", "web", "web-1")?, web.path(), &[])?;
        let keytab = web.path().join("keytab");
        eventually(SOON, "the agent has a keytab", || Ok(keytab.exists().then_some(())))?;
        let cart = world.enrolled_pod("shop", "cart-1", "cart")?;
        let shop = Shop { world, cart, web, _agent: agent };
        eventually(SOON, "cart calls web", || Ok(shop.call()?.status.success().then_some(())))?;
        Ok(shop)
    }

    fn service(&self) -> String {
        format!("HTTP/web.{}.svc.cluster.local", self.world.ns("shop"))
    }

    /// `cart` gets a new ticket for `web`, which opens with what is in `web`'s keytab.
    fn call(&self) -> Result<Run> {
        let keytab = self.web.path().join("keytab");
        self.cart.mit()?.kvno(&["-k", keytab.to_str().context("a path of UTF-8")?, &self.service()])
    }

    /// `kennel` as administrator of the cluster.
    fn kennel(&self, arguments: &[&str]) -> Result<Run> {
        let mut command = Command::new(kennel()?);
        command.args(arguments).env("KUBECONFIG", self.world.api.kubeconfig());
        command.arg("--server").arg(self.world.url("")).arg("--ca").arg(self.world.realm.ca());
        process::run(&mut command, "")
    }

    fn web_account(&self) -> String {
        format!("{}/web", self.world.ns("shop"))
    }

    /// Orders a rotation of `web`'s keys.
    fn order(&self) -> Result<()> {
        let run = self.kennel(&["rotate", &self.web_account(), "--now"])?.ok()?;
        ensure!(run.stdout.contains("holders fetch a new key"), "{run}");
        Ok(())
    }

    /// The keys of `web`'s service, as `kennel keys -o json` says.
    fn keys(&self) -> Result<Value> {
        let run = self.kennel(&["keys", &self.service(), "-o", "json"])?;
        let mut said: Value = serde_json::from_str(&run.stdout).with_context(|| run.to_string())?;
        Ok(said["principals"][0].take())
    }

    /// The version that is used, and the number of all.
    fn versions(&self) -> Result<(u64, usize)> {
        let keys = self.keys()?;
        let versions = keys["versions"].as_array().context("no versions")?;
        let active = versions.iter().find(|version| version["state"] == "Active").context("none is active")?;
        Ok((active["kvno"].as_u64().context("no kvno")?, versions.len()))
    }

    fn await_version(&self, kvno: u64) -> Result<()> {
        eventually(ROTATED, &format!("version {kvno} is used"), || {
            let run = self.call()?;
            ensure!(run.status.success(), "a call fails during a rotation: {run}");
            Ok((self.versions()?.0 == kvno).then_some(()))
        })
    }
}

#[test]
fn an_ordered_key_reaches_its_holder_before_it_is_used_and_no_call_fails() -> Result<()> {
    let shop = Shop::new()?;
    let (first, _) = shop.versions()?;
    shop.order()?;
    shop.await_version(first + 1)?;
    let keys = shop.keys()?;
    let [new, old] = keys["versions"].as_array().context("no versions")?.as_slice() else { panic!("{keys}") };
    assert_eq!([&new["state"], &old["state"]], ["Active", "Retiring"], "{keys}");
    assert!(old["acceptedUntil"].is_string(), "{keys}");
    assert_eq!((&new["holders"], &keys["holders"][0]["kind"]), (&1.into(), &"Pod".into()), "{keys}");
    shop.call()?.ok()?;
    let full = shop.world.ns("shop");
    eventually(SOON, "the status shows it", || {
        let shown = shop.world.api.kubectl(&["get", "kprinc", "web", "-n", &full], "")?.ok()?.stdout;
        Ok((shown.contains("HOLDERS") && shown.contains(" 1/1 ") && shown.contains(" 2 ")).then_some(()))
    })?;
    let steps = shop.world.audit_of("rotation")?;
    let of_service = steps.iter().filter(|line| line["principal"].as_str().is_some_and(|of| of.starts_with("HTTP/")));
    let told: Vec<&str> = of_service.filter_map(|line| line["outcome"].as_str()).collect();
    assert_eq!(told, ["ordered", "staged", "activated"]);
    assert!(steps[0]["user"].is_string(), "{}", steps[0]);
    Ok(())
}

#[test]
fn a_rotation_converges_however_often_the_kdc_is_killed() -> Result<()> {
    let mut shop = Shop::new()?;
    let (first, _) = shop.versions()?;
    let rounds: u32 = std::env::var("KENNEL_ROTATION_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    for round in 1..=rounds {
        shop.order()?;
        // Each round at another moment of the rotation: before the key is made, while it spreads, while it begins to be used.
        std::thread::sleep(Duration::from_millis(u64::from(round) * 700 % 4500));
        shop.world.realm.kill_and_restart()?;
        eventually(ROTATED, "the new key is used, and nothing waits", || {
            let run = shop.call()?;
            ensure!(run.status.success() || run.stderr.contains("Cannot contact"), "a call fails: {run}");
            let (active, _) = shop.versions()?;
            Ok((active == first + u64::from(round)).then_some(()))
        })?;
    }
    let keys = shop.keys()?;
    assert_eq!(keys["versions"].as_array().map(Vec::len), Some(1 + rounds as usize), "one key for each order: {keys}");
    Ok(())
}

#[test]
fn after_a_leak_what_was_stolen_is_of_no_use_within_seconds_and_holders_go_on() -> Result<()> {
    let shop = Shop::new()?;
    let service = shop.service();
    let viewer = shop.world.enrolled_pod("shop", "viewer-1", "viewer")?;
    // A thief has the keytab of `web`, a service ticket, and the tickets of `cart`.
    let (folder, live) = (TempDir::new()?, shop.web.path().join("keytab"));
    let stolen = folder.path().join("keytab");
    std::fs::copy(&live, &stolen)?;
    let (stolen, live) = (stolen.to_str().context("not UTF-8")?, live.to_str().context("not UTF-8")?);
    let thief = shop.cart.mit()?;
    thief.kvno(&[&service])?.ok()?;
    let run = shop.kennel(&["rotate", &shop.web_account(), "--now", "--revoke-old"])?.ok()?;
    ensure!(run.stdout.contains("are refused from now on"), "{run}");
    // The agent of web fetches the new key without a restart.
    eventually(EMERGENCY, "a new ticket opens with the live keytab", || {
        Ok(viewer.mit()?.kvno(&["-k", live, &service])?.status.success().then_some(()))
    })?;
    ensure!(!viewer.mit()?.kvno(&["-k", stolen, &service])?.status.success(), "the stolen key opens new tickets");
    ensure!(!thief.kvno(&["-k", live, &service])?.status.success(), "the stolen service ticket is still accepted");
    // The tickets of cart, which has no key, buy nothing any more; a pod that enrols anew goes on.
    let cart = format!("{}/cart", shop.world.ns("shop"));
    shop.kennel(&["rotate", &cart, "--now", "--revoke-old"])?.ok()?;
    let refused = shop.cart.kvno(&service)?;
    ensure!(!refused.status.success(), "a stolen ticket still buys others: {refused}");
    let line = shop.world.last_audit_of("TGS")?;
    assert_eq!(line["reason"], "TicketBeforeRevocation", "{line}");
    shop.world.enrolled_pod("shop", "cart-2", "cart")?.kvno(&service)?.ok()?;
    Ok(())
}

#[test]
fn a_pod_that_does_not_come_stalls_a_rotation_which_is_told_and_goes_on_once_the_pod_is_deleted() -> Result<()> {
    let shop = Shop::new()?;
    let (first, _) = shop.versions()?;
    // It enrols once, and its agent is gone.
    let _late = shop.world.enrolled_pod("shop", "web-2", "web")?;
    shop.order()?;
    let message = shop.world.await_condition("shop", "web", "Stalled", ["True", "RotationStalled"])?;
    assert!(message.contains("web-2") && !message.contains("web-1"), "{message}");
    let ready = shop.world.condition("shop", "web", "Ready")?;
    assert_eq!(ready[..2], ["True", "Ready"], "logins go on");
    let full = shop.world.ns("shop");
    let described = shop.world.api.kubectl(&["describe", "kprinc", "web", "-n", &full], "")?.ok()?.stdout;
    assert!(described.contains("RotationStalled"), "{described}");
    let run = shop.kennel(&["keys", &shop.web_account()])?;
    assert_eq!(run.status.code(), Some(1), "{run}");
    assert_eq!(shop.versions()?.0, first, "nothing is issued under a key that a pod lacks");
    shop.world.delete("shop", "pod", "web-2")?;
    shop.await_version(first + 1)?;
    shop.world.await_condition("shop", "web", "Stalled", ["False", "NotStalled"])?;
    Ok(())
}

#[test]
fn who_may_see_versions_may_not_rotate() -> Result<()> {
    let shop = Shop::new()?;
    let full = shop.world.ns("shop");
    shop.world.api.apply(&format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: versions, namespace: {full}}}\n\
         rules: [{{apiGroups: [kennel.dev], resources: [kerberosprincipals/keyversions], verbs: [get]}}]\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: versions, namespace: {full}}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: versions}}\n\
         subjects: [{{kind: ServiceAccount, name: viewer, namespace: {full}}}]\n"
    ))?;
    let viewer = format!("{full}/viewer");
    let account = shop.web_account();
    eventually(SOON, "the Role counts", || {
        Ok(shop.kennel(&["keys", &account, "--as-account", &viewer])?.status.success().then_some(()))
    })?;
    let krbtgt = format!("krbtgt/{}", shop.world.realm.name());
    for (arguments, permission) in [
        (vec!["rotate", &account, "--now"], "update kerberosprincipals/rotation.kennel.dev in namespace"),
        (vec!["rotate", "--all", "--now"], "update kerberosprincipals/rotation.kennel.dev in all namespaces"),
        (vec!["keys", &krbtgt], "get kerberosprincipals/keyversions.kennel.dev in all namespaces"),
    ] {
        let run = shop.kennel(&[&arguments[..], &["--as-account", &viewer]].concat())?;
        assert_eq!(run.status.code(), Some(2), "{run}");
        assert!(run.stderr.contains("NotPermitted") && run.stderr.contains(permission), "{run}");
    }
    let line = shop.world.last_audit_of("rotation")?;
    assert_eq!((&line["outcome"], &line["reason"]), (&"refused".into(), &"NotPermitted".into()), "{line}");
    let run = shop.kennel(&["rotate", "HTTP/nobody.example", "--now"])?;
    assert!(run.stderr.contains("PrincipalUnknown"), "{run}");
    Ok(())
}

#[test]
fn the_realm_shows_the_key_of_its_ticket_granting_service_and_nobody_logs_in_again_after_it_rotates() -> Result<()> {
    let shop = Shop::new()?;
    let realm = shop.world.ns("").trim_start_matches('-').to_owned();
    let kvno = || shop.world.api.json_path(&["krealm", &realm], "{.status.ticketGrantingKey.kvno}");
    eventually(SOON, "the status shows it", || Ok((kvno()? == "1").then_some(())))?;
    let next = shop.world.api.json_path(&["krealm", &realm], "{.status.ticketGrantingKey.nextRotationTime}")?;
    assert!(next.ends_with('Z'), "{next}");
    let krbtgt = format!("krbtgt/{}", shop.world.realm.name());
    shop.kennel(&["rotate", &krbtgt, "--now"])?.ok()?;
    eventually(ROTATED, "the new key is used", || {
        shop.call()?.ok()?;
        Ok((kvno()? == "2").then_some(()))
    })?;
    // The TGT of before.
    shop.call()?.ok()?;
    Ok(())
}
