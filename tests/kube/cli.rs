//! `kennel` as a process: what it says of a real API server and a real KDC. The KDC is no pod here, so it is reached by `--server`;
//! tests/deploy reaches one through the API server.

use crate::world::{SOON, World};
use anyhow::{Context, Result, ensure};
use kennel_tests::binary::kennel;
use kennel_tests::kube::{Api, eventually};
use kennel_tests::process::{self, Run, Server};
use serde_json::Value;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// `kennel status` with a replica that refuses connections. It was 80 seconds once.
const STATUS_LIMIT: Duration = Duration::from_secs(20);

impl World<'_> {
    /// `kennel` with these arguments, as administrator of the cluster.
    fn kennel(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(kennel()?);
        command.args(arguments).env("KUBECONFIG", self.api.kubeconfig());
        Ok(command)
    }

    /// The same with the KDC's address, asking as `auditor` of the namespace `shop`.
    fn audit(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = self.kennel(arguments)?;
        command.arg("--server").arg(self.url("")).arg("--ca").arg(self.realm.ca());
        command.args(["--as-account", &format!("{}/auditor", self.ns("shop"))]);
        Ok(command)
    }

    pub(crate) fn run_audit(&self, arguments: &[&str]) -> Result<Run> {
        process::run(&mut self.audit(arguments)?, "")
    }

    /// The shop: `cart` may call `web`, `batch` may not; `auditor` may see decisions about the namespace.
    fn audited_shop(&self) -> Result<()> {
        self.shop(&["web", "cart", "batch", "auditor"])?;
        self.api.apply(&self.account_access_yaml("web", "cart"))?;
        let namespace = self.ns("shop");
        self.api.apply(&format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: decisions, namespace: {namespace}}}\n\
             rules: [{{apiGroups: [kennel.dev], resources: [kerberosaccesses/decisions], verbs: [get]}}]\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: decisions, namespace: {namespace}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: decisions}}\n\
             subjects: [{{kind: ServiceAccount, name: auditor, namespace: {namespace}}}]\n"
        ))
    }

    /// Asks for a ticket of `web` as an account, until the answer is as expected: access follows its objects within a second.
    fn ask(&self, account: &str, pod: &str, is_allowed: bool) -> Result<()> {
        let credentials = self.enrolled_pod("shop", pod, account)?;
        let service = format!("HTTP/web.{}.svc.cluster.local", self.ns("shop"));
        eventually(SOON, &format!("{account} gets a ticket: {is_allowed}"), || {
            Ok((credentials.kvno(&service)?.status.success() == is_allowed).then_some(()))
        })
    }
}

/// A realm that denies whom no KerberosAccess allows.
fn enforcing() -> Result<World<'static>> {
    World::with(Api::shared()?, "  access: {defaultMode: Enforce}\n")
}

#[test]
fn status_waits_for_no_replica_that_refuses_connections() -> Result<()> {
    let world = World::new()?;
    world.namespace("kdc", &["kennel-kdc"])?;
    let namespace = world.ns("kdc");
    world.pod("kdc", "kennel-kdc-0", "kennel-kdc")?;
    let kubectl = |arguments: &[&str]| world.api.kubectl(&[arguments, &["-n", &namespace]].concat(), "")?.ok();
    kubectl(&["label", "pod", "kennel-kdc-0", "app.kubernetes.io/name=kennel-kdc"])?;
    // An address of this machine that the API server may connect to, and where nobody listens on port 9090.
    let address = process::run(Command::new("hostname").arg("-I"), "")?.ok()?.stdout;
    let address = address.split_whitespace().next().context("this machine has no address")?.to_owned();
    let status = format!(r#"{{"status":{{"podIP":"{address}","podIPs":[{{"ip":"{address}"}}],"phase":"Running"}}}}"#);
    kubectl(&["patch", "pod", "kennel-kdc-0", "--subresource=status", "-p", &status])?;
    let begin = Instant::now();
    let run = process::run(&mut world.kennel(&["status", "--kdc-namespace", &namespace])?, "")?.ok()?;
    ensure!(begin.elapsed() < STATUS_LIMIT, "it took {:?}: {run}", begin.elapsed());
    ensure!(run.stdout.contains("kennel-kdc-0: not ready"), "{run}");
    Ok(())
}

#[test]
fn decisions_are_shown_as_they_are_made_and_after_the_kdc_started_again() -> Result<()> {
    let mut world = enforcing()?;
    world.audited_shop()?;
    let (folder, namespace) = (TempDir::new()?, world.ns("shop"));
    let options = ["audit", "tail", "-n", &namespace, "--outcome", "denied,allowed"];
    let mut tail = Server::start(&mut world.audit(&options)?, folder.path(), "tail")?;
    world.ask("cart", "cart-1", true)?;
    world.ask("batch", "batch-1", false)?;
    let denial = format!("DENIED    batch.{namespace}@");
    tail.wait_until(SOON, |tail| tail.stdout().contains(&denial))?;
    let said = tail.stdout();
    let words = format!("no KerberosAccess in {namespace} allows batch.{namespace} to call web");
    ensure!(said.contains(&words) && said.contains(&format!("by KerberosAccess {namespace}/web")), "{said}");
    world.realm.kill_and_restart()?;
    tail.wait_until(SOON, |tail| tail.stdout().contains("the KDC started again"))?;
    let before = tail.stdout().matches(&denial).count();
    world.ask("batch", "batch-2", false)?;
    tail.wait_until(SOON, |tail| tail.stdout().matches(&denial).count() > before)?;
    let past = world
        .run_audit(&["audit", "tail", "-n", &namespace, "--no-follow", "-o", "json", "--client", "nobody"])?
        .ok()?;
    let first: Value = serde_json::from_str(past.stdout.lines().next().context("no line")?)?;
    assert_eq!((&first["type"], &first["realm"]), (&"start".into(), &world.realm.name().into()), "{past}");
    assert_eq!(past.stdout.lines().count(), 1, "{past}");
    Ok(())
}

#[test]
fn who_may_not_see_a_namespace_sees_nothing_of_it() -> Result<()> {
    let world = enforcing()?;
    world.audited_shop()?;
    world.namespace("other", &[])?;
    let tail = |namespace: &str| world.run_audit(&["audit", "tail", "--no-follow", "-n", namespace]);
    tail(&world.ns("shop"))?.ok()?;
    let run = tail(&world.ns("other"))?.refused("the KDC refuses")?;
    assert_eq!(run.status.code(), Some(2), "{run}");
    world.run_audit(&["access", "matrix"])?.refused("the KDC refuses").map(|_| ())
}

#[test]
fn what_was_asked_for_is_suggested_and_the_suggestion_changes_nothing() -> Result<()> {
    let world = enforcing()?;
    world.audited_shop()?;
    let namespace = world.ns("shop");
    world.ask("cart", "cart-1", true)?;
    world.ask("batch", "batch-1", false)?;
    world.api.apply(&format!(
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: report, namespace: {namespace}}}\nspec:\n  schedule: '@monthly'\n  \
         jobTemplate: {{spec: {{template: {{metadata: {{labels: {{kennel.dev/inject: enabled}}}}, spec: {{serviceAccountName: auditor, \
         restartPolicy: Never, containers: [{{name: c, image: i}}]}}}}}}}}\n"
    ))?;
    let suggested = world.run_audit(&["access", "suggest", "-n", &namespace])?.ok()?.stdout;
    let denied = format!("# Not allowed here: batch.{namespace}@{}", world.realm.name());
    for said in [&*denied, &format!("CronJob {namespace}/report (account {namespace}/auditor)"), "name: cart\n"] {
        ensure!(suggested.contains(said), "{said} in\n{suggested}");
    }
    let folder = TempDir::new()?;
    let file = folder.path().join("suggested.yaml");
    std::fs::write(&file, &suggested)?;
    let diff = |world: &World<'_>| {
        let mut command = world.audit(&["diff", "--realm", world.realm.name()])?;
        process::run(command.arg("-f").arg(&file), "")
    };
    let same = diff(&world)?.ok()?;
    ensure!(same.stdout.starts_with("no difference"), "{same}");
    std::fs::write(&file, world.account_access_yaml("web", "batch"))?;
    let differs = diff(&world)?;
    assert_eq!(differs.status.code(), Some(1), "{differs}");
    for said in [format!("- ticket: cart.{namespace} -> {namespace}/web"), format!("+ ticket: batch.{namespace} -> ")] {
        ensure!(differs.stdout.contains(&said), "{said} in {differs}");
    }
    Ok(())
}

#[test]
fn the_matrix_and_the_explanation_are_those_of_the_kdc() -> Result<()> {
    let world = enforcing()?;
    world.audited_shop()?;
    world.ask("cart", "cart-1", true)?;
    let namespace = world.ns("shop");
    let realm = world.realm.name();
    let matrix = world.run_audit(&["access", "matrix", "-n", &namespace, "-o", "json", "--realm", realm])?.ok()?;
    let graph: Value = serde_json::from_str(&matrix.stdout)?;
    assert_eq!(graph["edges"][0]["client"], format!("cart.{namespace}"), "{matrix}");
    assert_eq!(graph["edges"][0]["server"], format!("web.{namespace}"), "{matrix}");
    let explain = |client: &str| {
        let (client, server) = (format!("{namespace}/{client}"), format!("{namespace}/web"));
        world.run_audit(&["explain", &client, &server, "--realm", realm])
    };
    let cart = explain("cart")?;
    ensure!(cart.stdout.contains(&format!("{namespace}/web")), "{cart}");
    ensure!(!cart.stderr.contains("objects of the cluster"), "the KDC did not answer: {cart}");
    let batch = explain("batch")?;
    assert_eq!(batch.status.code(), Some(1), "{batch}");
    ensure!(batch.stdout.contains("no KerberosAccess"), "{batch}");
    Ok(())
}

#[test]
fn the_admin_socket_answers_whoever_runs_the_kdc_without_a_cluster_or_a_token() -> Result<()> {
    let world = enforcing()?;
    world.audited_shop()?;
    world.ask("cart", "cart-1", true)?;
    let (socket, namespace) = (world.realm.folder().join("admin.sock"), world.ns("shop"));
    let run = |arguments: &[&str]| {
        let mut command = Command::new(kennel()?);
        command.args(arguments).env("KUBECONFIG", "/nowhere").env("KENNEL_SOCKET", &socket);
        process::run(&mut command, "")
    };
    let cart = run(&["explain", &format!("{namespace}/cart"), &format!("{namespace}/web")])?;
    ensure!(cart.stdout.contains("ticket          allowed") && cart.stderr.is_empty(), "{cart}");
    let matrix = run(&["access", "matrix", "-o", "json"])?.ok()?;
    ensure!(matrix.stdout.contains(&format!("cart.{namespace}")), "{matrix}");
    let tail = run(&["audit", "tail", "--no-follow"])?.ok()?;
    ensure!(tail.stdout.contains(&format!("cart.{namespace}@")), "{tail}");
    let nobody = run(&["explain", &format!("{namespace}/cart"), "nowhere/web"])?;
    assert_eq!(nobody.status.code(), Some(2), "{nobody}");
    Ok(())
}
