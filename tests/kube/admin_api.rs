//! The admin API: tokens and RBAC of a real API server decide who sees which decisions; streams are resumed, pairs outlive the process.

use crate::world::{Credentials, SOON, World};
use anyhow::{Context, Result, ensure};
use kennel_tests::kube::{Api, eventually};
use kennel_tests::process;
use serde_json::{Value, json};
use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// An answer of the API.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

/// The namespaces `shop` and `bank`, each with a server, and `cart` of `shop`, which calls both.
struct Shops {
    world: World<'static>,
    cart: Credentials,
    /// Token of `viewer`, who may see `shop` alone.
    viewer: String,
}

impl Shops {
    fn new() -> Result<Shops> {
        let world = World::with(Api::shared()?, "  access: {defaultMode: Observe}\n")?;
        for (namespace, accounts) in [("shop", &["web", "cart", "viewer"][..]), ("bank", &["vault"])] {
            world.namespace(namespace, accounts)?;
            world.service(namespace, accounts[0])?;
            let spec = format!("serviceClasses: [HTTP], hosts: {{services: [{}]}}", accounts[0]);
            world.principal(namespace, accounts[0], &spec)?;
        }
        permit_viewer(&world)?;
        let cart = world.enrolled_pod("shop", "cart-1", "cart")?;
        let viewer = world.token_with("shop", "viewer", &[])?;
        let shops = Shops { world, cart, viewer };
        for (namespace, server) in [("shop", "web"), ("bank", "vault")] {
            eventually(SOON, server, || Ok(shops.call(namespace, server).is_ok().then_some(())))?;
        }
        eventually(SOON, "the Role counts", || Ok((shops.of_shop("pairs")?.status == 200).then_some(())))?;
        Ok(shops)
    }

    /// `cart` gets a ticket.
    fn call(&self, namespace: &str, server: &str) -> Result<()> {
        let host = format!("{server}.{}.svc.cluster.local", self.world.ns(namespace));
        self.cart.kvno(&format!("HTTP/{host}"))?.ok().map(|_| ())
    }

    /// What the viewer gets of `shop`.
    fn of_shop(&self, path: &str) -> Result<Answer> {
        let between = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{between}namespace={}", self.world.ns("shop"));
        self.get(Some(&self.viewer), &path)
    }

    fn get(&self, token: Option<&str>, path: &str) -> Result<Answer> {
        Shops::answer(&mut self.curl(token, path))
    }

    /// Performs an operation of administration on principals.
    fn perform(&self, token: &str, operation: &Value) -> Result<Answer> {
        let mut command = self.curl(Some(token), "principals");
        command.args(["-H", "Content-Type: application/json", "-d", &operation.to_string()]);
        Shops::answer(&mut command)
    }

    fn answer(command: &mut Command) -> Result<Answer> {
        let run = process::run(command, "")?.ok()?;
        let (head, body) = run.stdout.split_once("\r\n\r\n").context("no head")?;
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        Ok(Answer { status, head: head.to_lowercase(), body: body.to_owned() })
    }

    fn curl(&self, token: Option<&str>, path: &str) -> Command {
        let mut command = Command::new("curl");
        command.args(["-s", "-i", "-N", "--cacert"]).arg(self.world.realm.ca());
        if let Some(token) = token {
            command.arg("-H").arg(format!("Authorization: Bearer {token}"));
        }
        command.arg(self.world.url(&format!("/v1/admin/{path}")));
        command
    }

    /// The token of the cluster's administrator.
    fn administrator(&self) -> Result<String> {
        let config = std::fs::read_to_string(self.world.api.kubeconfig())?;
        let (_, rest) = config.split_once("{token: ").context("no token in the kubeconfig")?;
        let (token, _) = rest.split_once('}').context("no token in the kubeconfig")?;
        Ok(token.trim().trim_matches('"').to_owned())
    }

    /// The decisions of `shop` that a query brings; waits for the last call, which is recorded after its answer.
    fn decisions(&self, query: &str, wanted: usize) -> Result<Vec<Value>> {
        eventually(SOON, "the decisions are there", || {
            let lines = self.of_shop(&format!("decisions?{query}"))?.lines()?;
            Ok((lines.iter().filter(|line| line["type"] == "decision").count() >= wanted).then_some(lines))
        })
    }
}

/// Permits `viewer` to see the decisions of `shop`, as deploy/README.md says.
fn permit_viewer(world: &World<'_>) -> Result<()> {
    let shop = world.ns("shop");
    let resource = "--resource=kerberosaccesses.kennel.dev/decisions";
    world.api.kubectl(&["create", "role", "decisions", "--verb=get", resource, "-n", &shop], "")?.ok()?;
    let account = format!("--serviceaccount={shop}:viewer");
    world.api.kubectl(&["create", "rolebinding", "decisions", "--role=decisions", &account, "-n", &shop], "")?.ok()?;
    Ok(())
}

#[test]
fn keys_leave_to_whom_the_cluster_names_in_the_namespace_and_the_trail_has_each_use() -> Result<()> {
    let shops = Shops::new()?;
    let (world, shop) = (&shops.world, shops.world.ns("shop"));
    let host = |server: &str, namespace: &str| format!("HTTP/{server}.{}.svc.cluster.local", world.ns(namespace));
    let line = |outcome: &str| {
        let last = || world.last_audit_of("admin").ok().filter(|line| line["outcome"] == outcome);
        eventually(SOON, "the line is written", || Ok(last()))
    };
    let extract = |principal: String| json!({ "operation": "extractKeys", "principal": principal });
    let refused = shops.perform(&shops.viewer, &extract(host("web", "shop")))?;
    assert_eq!(refused.status, 403, "{}", refused.body);
    ensure!(refused.body.contains("get kerberosprincipals/keys.kennel.dev in namespace"), "{}", refused.body);
    let said = line("refused")?;
    assert_eq!((&said["operation"], &said["reason"]), (&"extract-keys".into(), &"NotPermitted".into()), "{said}");
    let (resource, account) =
        ("--resource=kerberosprincipals.kennel.dev/keys", format!("--serviceaccount={shop}:viewer"));
    world.api.kubectl(&["create", "role", "keytab", "--verb=get", resource, "-n", &shop], "")?.ok()?;
    world.api.kubectl(&["create", "rolebinding", "keytab", "--role=keytab", &account, "-n", &shop], "")?.ok()?;
    let keys = eventually(SOON, "the Role counts", || {
        let answer = shops.perform(&shops.viewer, &extract(host("web", "shop")))?;
        Ok((answer.status == 200).then_some(answer))
    })?;
    let keys: Value = serde_json::from_str(&keys.body)?;
    let kvno = &keys["versions"][0]["kvno"];
    ensure!(keys["versions"][0]["keys"].as_array().is_some_and(|keys| !keys.is_empty()), "{keys}");
    let said = line("done")?;
    assert_eq!((&said["operation"], &said["kvno"]), (&"extract-keys".into(), kvno), "{said}");
    ensure!(said["user"].as_str().is_some_and(|user| user.ends_with(":viewer")), "{said}");
    let bank = shops.perform(&shops.viewer, &extract(host("vault", "bank")))?;
    assert_eq!(bank.status, 403, "another namespace: {}", bank.body);
    let administrator = shops.administrator()?;
    let randomize = json!({ "operation": "randomizeKeys", "principal": host("web", "shop") });
    assert_eq!(shops.perform(&shops.viewer, &randomize)?.status, 403);
    let owned = shops.perform(&administrator, &randomize)?;
    assert_eq!(owned.status, 409, "{}", owned.body);
    ensure!(owned.body.contains(&format!("KerberosPrincipal in namespace {shop}")), "{}", owned.body);
    let made = json!({ "operation": "create", "principal": "HTTP/by.hand", "keys": "random" });
    assert_eq!(shops.perform(&administrator, &made)?.status, 200);
    let shown = shops.perform(&administrator, &json!({ "operation": "get", "principal": "HTTP/by.hand" }))?;
    ensure!(shown.body.contains("\"origin\":\"Manual\""), "{}", shown.body);
    Ok(())
}

impl Answer {
    /// The lines of a stream.
    fn lines(&self) -> Result<Vec<Value>> {
        ensure!(self.status == 200, "{} {}", self.status, self.body);
        self.body.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
    }

    fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.body).with_context(|| self.body.clone())
    }

    fn refused(&self, status: u16, reason: &str) -> Result<String> {
        let body = self.json()?;
        ensure!(self.status == status && body["reason"] == reason, "{} {body}", self.status);
        Ok(body["message"].as_str().unwrap_or_default().to_owned())
    }
}

#[test]
fn who_may_see_a_namespace_sees_its_decisions_and_no_others() -> Result<()> {
    let shops = Shops::new()?;
    let (shop, bank) = (shops.world.ns("shop"), shops.world.ns("bank"));
    let lines = shops.decisions("", 1)?;
    let decision = &lines[1];
    assert_eq!((&decision["type"], &decision["sequence"]), (&"decision".into(), &1.into()));
    assert_eq!(decision["serverAccount"]["name"], "web", "{decision}");
    assert_eq!(decision["clientAccount"]["name"], "cart", "{decision}");
    assert_eq!((&decision["serviceClass"], &decision["exchange"]), (&"HTTP".into(), &"TGS".into()));
    assert!(["Allowed", "WouldDeny"].contains(&decision["outcome"].as_str().unwrap_or_default()), "{decision}");
    assert!(decision["ticketEnd"].is_string() && decision["pod"] == format!("{shop}/cart-1"), "{decision}");
    let pairs = shops.of_shop("pairs")?.json()?;
    let listed = pairs["pairs"].as_array().context("no pairs")?;
    assert_eq!(listed.len(), 1, "{pairs}");
    assert_eq!(
        (&listed[0]["serverAccount"]["name"], &listed[0]["clientAccount"]["name"]),
        (&"web".into(), &"cart".into())
    );
    for text in [&shops.of_shop("decisions")?.body, &shops.of_shop("pairs")?.body] {
        assert!(!text.contains(&bank) && !text.contains("vault"), "{text}");
    }
    for path in ["decisions", "pairs"] {
        let other = shops.get(Some(&shops.viewer), &format!("{path}?namespace={bank}"))?;
        let message = other.refused(403, "NotPermitted")?;
        assert!(message.contains("get kerberosaccesses/decisions.kennel.dev"), "{message}");
        assert!(message.contains(&bank) && message.contains(&format!("{shop}:viewer")), "{message}");
        shops.get(Some(&shops.viewer), path)?.refused(403, "NotPermitted")?;
        let all = shops.get(Some(&shops.administrator()?), path)?;
        assert!(all.status == 200 && all.body.contains("vault") && all.body.contains("web"), "{}", all.body);
    }
    Ok(())
}

#[test]
fn who_has_no_token_of_the_api_server_is_refused() -> Result<()> {
    let shops = Shops::new()?;
    let path = format!("decisions?namespace={}", shops.world.ns("shop"));
    let none = shops.get(None, &path)?;
    none.refused(401, "TokenMissing")?;
    assert!(none.head.contains("www-authenticate: bearer"), "{}", none.head);
    shops.get(Some("no.such.token"), &path)?.refused(401, "TokenRejected")?;
    let of_pod = shops.world.token("shop", "cart", "cart-1")?;
    shops.get(Some(&of_pod), &path)?.refused(401, "TokenRejected")?;
    let cart = shops.world.token_with("shop", "cart", &[])?;
    shops.get(Some(&cart), &path)?.refused(403, "NotPermitted")?;
    shops.get(Some(&shops.viewer), "pairs?namespace=")?.refused(400, "QueryMalformed")?;
    shops.get(Some(&shops.viewer), &format!("{path}&after=x"))?.refused(400, "QueryMalformed")?;
    let audit = shops.world.realm.audit()?;
    assert!(!audit.contains(&shops.viewer), "a token is in the audit log");
    Ok(())
}

#[test]
fn a_stream_is_resumed_where_it_ended_and_after_a_restart_begins_anew_while_pairs_go_on() -> Result<()> {
    let mut shops = Shops::new()?;
    let lines = shops.decisions("", 1)?;
    let instance = lines[0]["instance"].as_str().context("no instance")?.to_owned();
    let last = lines.last().and_then(|line| line["sequence"].as_u64()).context("no sequence")?;
    shops.call("shop", "web")?;
    shops.call("bank", "vault")?;
    let resume = format!("instance={instance}&after={last}");
    let resumed = shops.decisions(&resume, 1)?;
    assert_eq!(resumed[0]["resumed"], true);
    assert_eq!((resumed.len(), &resumed[1]["sequence"]), (2, &(last + 1).into()), "{resumed:?}");
    let pair = |shops: &Shops| -> Result<Value> { Ok(shops.of_shop("pairs")?.json()?["pairs"][0].clone()) };
    let before = pair(&shops)?;
    shops.world.realm.while_down(|| Ok(()))?;
    let after = eventually(SOON, "the pairs are there again", || {
        Ok(shops.of_shop("pairs").ok().filter(|answer| answer.status == 200))
    })?;
    let after = after.json()?["pairs"][0].clone();
    for field in ["client", "first", "last", "count", "allowed", "wouldDeny"] {
        assert_eq!(before[field], after[field], "{field}");
    }
    let anew = shops.of_shop(&format!("decisions?{resume}"))?.lines()?;
    assert_eq!(anew[0]["resumed"], false, "sequence numbers begin anew");
    assert_ne!(anew[0]["instance"], instance.as_str());
    eventually(SOON, "a ticket after the restart", || Ok(shops.call("shop", "web").is_ok().then_some(())))?;
    let more = eventually(SOON, "the pair goes on", || {
        Ok(Some(pair(&shops)?).filter(|pair| pair["count"].as_u64() > before["count"].as_u64()))
    })?;
    assert_eq!(more["first"], before["first"]);
    Ok(())
}

#[test]
fn a_stream_follows_decisions_and_ends_so_that_a_lost_permission_counts() -> Result<()> {
    let shops = Shops::new()?;
    let path = format!("decisions?follow=true&limit=0&namespace={}", shops.world.ns("shop"));
    let folder = tempfile::TempDir::new()?;
    let out = folder.path().join("lines");
    let begun = Instant::now();
    let mut stream = shops.curl(Some(&shops.viewer), &path).stdout(Stdio::from(File::create(&out)?)).spawn()?;
    let text = || Ok::<_, anyhow::Error>(std::fs::read_to_string(&out)?);
    eventually(SOON, "the stream begins", || Ok(text()?.contains("\"start\"").then_some(())))?;
    let called = Instant::now();
    shops.call("shop", "web")?;
    eventually(SOON, "the decision is in the stream", || Ok(text()?.contains("\"decision\"").then_some(())))?;
    assert!(called.elapsed() < Duration::from_secs(5), "{:?}", called.elapsed());
    shops.world.delete("shop", "rolebinding", "decisions")?;
    let ended = stream.wait()?;
    assert!(ended.success(), "the stream does not end well: {ended}");
    assert!(begun.elapsed() < Duration::from_secs(62), "{:?}", begun.elapsed());
    assert!(text()?.contains("\"heartbeat\""), "{}", text()?);
    shops.get(Some(&shops.viewer), &path)?.refused(403, "NotPermitted").map(|_| ())
}
