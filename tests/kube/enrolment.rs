//! The enrolment API: what is refused, each with its own reason in the answer and in one audit line, and what is given.

use crate::world::{SOON, World};
use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kennel_tests::kube::eventually;
use kennel_tests::process;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

/// A namespace with the account `cart` and its pod `cart-1`.
fn world() -> Result<World<'static>> {
    let world = World::new()?;
    world.namespace("shop", &["cart", "web"])?;
    world.pod("shop", "cart-1", "cart")?;
    // So that what is refused later is not refused because the watches are behind.
    world.enrol(&world.token("shop", "cart", "cart-1")?)?;
    Ok(world)
}

/// The request is refused with this status and reason, and exactly one audit line says why.
fn refused(world: &World<'_>, token: Option<&str>, body: &str, status: u16, reason: &str) -> Result<Value> {
    let before = world.audit_of("enrolment")?.len();
    let (answered, said) = world.post(token, body)?;
    assert_eq!((answered, text(&said, "reason")), (status, reason), "{said}");
    assert!(text(&said, "message").len() > 30, "{said}");
    let lines = world.audit_of("enrolment")?;
    assert_eq!(lines.len(), before + 1, "one audit line");
    let line = lines.last().context("no line")?.clone();
    assert_eq!((text(&line, "outcome"), text(&line, "reason")), ("refused", reason), "{line}");
    Ok(line)
}

/// A text of an object.
fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn a_request_without_a_token_is_refused() -> Result<()> {
    refused(&world()?, None, "", 401, "TokenMissing").map(|_| ())
}

#[test]
fn a_token_that_is_none_or_of_another_audience_is_refused() -> Result<()> {
    let world = world()?;
    refused(&world, Some("no.such.token"), "", 401, "TokenMalformed")?;
    let bound = ["--bound-object-kind", "Pod", "--bound-object-name", "cart-1"];
    let other = world.token_with("shop", "cart", &[&["--audience", "kennel://OTHER.REALM"], &bound[..]].concat())?;
    refused(&world, Some(&other), "", 401, "TokenOfOtherAudience")?;
    let apis = world.token_with("shop", "cart", &bound)?;
    refused(&world, Some(&apis), "", 401, "TokenOfOtherAudience").map(|_| ())
}

#[test]
fn a_token_that_is_bound_to_no_pod_is_refused() -> Result<()> {
    let world = world()?;
    let audience = format!("kennel://{}", world.realm.name());
    let unbound = world.token_with("shop", "cart", &["--audience", &audience])?;
    let line = refused(&world, Some(&unbound), "", 403, "TokenUnbound")?;
    let account = format!("system:serviceaccount:{}:cart", world.ns("shop"));
    assert_eq!(line["account"].as_str(), Some(&*account));
    Ok(())
}

/// The API server makes no token that lives shorter than ten minutes. This one is signed with its own key all the same: the
/// claims of a good token, with an end that is past.
#[test]
fn an_expired_token_is_refused() -> Result<()> {
    let world = world()?;
    let good = world.token("shop", "cart", "cart-1")?;
    let mut parts = good.split('.');
    let (head, claims) = (parts.next().context("no header")?, parts.next().context("no claims")?);
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?;
    let end = claims.get("exp").and_then(Value::as_i64).context("no end")?;
    let signed = |claims: &Value| -> Result<String> {
        let text = format!("{head}.{}", URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?));
        let signature = world.api.sign(&text)?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    };
    assert_eq!(world.post(Some(&signed(&claims)?), "")?.0, 200, "our signature is good");
    for (name, time) in [("exp", end - 7200), ("iat", end - 10_800), ("nbf", end - 10_800)] {
        claims.as_object_mut().context("no object")?.insert(name.to_owned(), time.into());
    }
    refused(&world, Some(&signed(&claims)?), "", 401, "TokenExpired").map(|_| ())
}

#[test]
fn the_token_of_a_deleted_pod_is_refused_at_once() -> Result<()> {
    let world = world()?;
    let token = world.token("shop", "cart", "cart-1")?;
    world.delete("shop", "pod", "cart-1")?;
    // The API server itself goes on accepting it for some seconds: this is the KDC's own check.
    let reasons = BTreeSet::from(["PodUnknown", "TokenRejected"]);
    let seen = eventually(Duration::from_secs(5), "it is refused", || {
        let (status, said) = world.post(Some(&token), "")?;
        Ok((status == 401 || status == 403).then(|| said["reason"].as_str().unwrap_or_default().to_owned()))
    })?;
    assert!(reasons.contains(&*seen), "{seen}");
    let line = world.last_audit_of("enrolment")?;
    assert_eq!(line["reason"].as_str(), Some(&*seen));
    Ok(())
}

#[test]
fn the_token_of_an_earlier_pod_of_the_same_name_is_refused() -> Result<()> {
    let world = world()?;
    let token = world.token("shop", "cart", "cart-1")?;
    world.delete("shop", "pod", "cart-1")?;
    world.pod("shop", "cart-1", "cart")?;
    world.enrol(&world.token("shop", "cart", "cart-1")?)?;
    let (status, said) = world.post(Some(&token), "")?;
    let reason = said["reason"].as_str().unwrap_or_default();
    // Which of the two is first depends on how long the API server remembers the token.
    assert!(status == 403 && reason == "PodReplaced" || status == 401 && reason == "TokenRejected", "{said}");
    Ok(())
}

#[test]
fn a_pod_of_a_namespace_that_is_not_enrolled_is_told_the_label() -> Result<()> {
    let world = world()?;
    let full = world.ns("other");
    world.api.apply(&format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {full}}}\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: spy, namespace: {full}}}\n"))?;
    world.pod("other", "spy-1", "spy")?;
    let token = world.token("other", "spy", "spy-1")?;
    refused(&world, Some(&token), "", 403, "NamespaceNotEnrolled").map(|_| ())
}

#[test]
fn the_token_of_a_deleted_account_is_refused() -> Result<()> {
    let world = world()?;
    let token = world.token("shop", "cart", "cart-1")?;
    world.delete("shop", "serviceaccount", "cart")?;
    let seen = eventually(Duration::from_secs(5), "it is refused", || {
        let (status, said) = world.post(Some(&token), "")?;
        Ok((status == 401 || status == 403).then(|| said["reason"].as_str().unwrap_or_default().to_owned()))
    })?;
    assert!(["AccountUnknown", "TokenRejected"].contains(&&*seen), "{seen}");
    Ok(())
}

#[test]
fn the_token_of_an_account_that_is_not_known_is_refused() -> Result<()> {
    let world = world()?;
    // A user of the cluster who is no account: the administrator of tests/cluster.
    let config = std::fs::read_to_string(world.api.kubeconfig())?;
    let (_, rest) = config.split_once("{token: ").context("no token in the kubeconfig")?;
    let (token, _) = rest.split_once('}').context("no token in the kubeconfig")?;
    refused(&world, Some(token.trim().trim_matches('"')), "", 401, "TokenMalformed").map(|_| ())
}

#[test]
fn a_body_that_is_too_large_or_no_json_is_refused() -> Result<()> {
    let world = world()?;
    let token = world.token("shop", "cart", "cart-1")?;
    refused(&world, Some(&token), &format!("{{\"agent\":\"{}\"}}", "x".repeat(70_000)), 413, "RequestTooLarge")?;
    refused(&world, Some(&token), "{\"enctypes\":", 400, "RequestMalformed").map(|_| ())
}

#[test]
fn a_pod_that_asks_a_thousand_times_in_a_second_is_held_back() -> Result<()> {
    let world = world()?;
    let token = world.token("shop", "cart", "cart-1")?;
    let url = world.url("/v1/enroll");
    let mut config = String::new();
    for _ in 0..1000 {
        config += &format!("url = {url}\noutput = /dev/null\n");
    }
    let mut command = Command::new("curl");
    command.args(["-s", "-Z", "--parallel-max", "20", "--cacert"]).arg(world.realm.ca()).args(["-X", "POST"]);
    command.args([
        "-H",
        &format!("Authorization: Bearer {token}"),
        "-w",
        "%{http_code} %header{retry-after}\n",
        "-K",
        "-",
    ]);
    let run = process::run(&mut command, &config)?;
    let answers: Vec<&str> = run.stdout.lines().collect();
    let given = answers.iter().filter(|line| line.starts_with("200")).count();
    let held = answers.iter().filter(|line| line.starts_with("429 ")).count();
    assert_eq!(given + held, 1000, "{:?}", answers.iter().collect::<BTreeSet<_>>());
    assert!(given < 60, "{given} were answered");
    assert!(
        answers.iter().filter(|line| line.starts_with("429 ")).all(|line| line.trim_end().len() > 4),
        "Retry-After"
    );
    // Nobody is known when a request is held back: most of them are summed up, and none is lost.
    let recorded = || -> Result<(usize, usize)> {
        let lines = world.audit_of("enrolment")?;
        let limited: Vec<_> = lines.iter().filter(|line| line["reason"] == "RateLimited").collect();
        let unwritten = limited.iter().filter_map(|line| line["unwritten"].as_u64()).sum::<u64>();
        let written = limited.iter().filter(|line| line["unwritten"].is_null()).count();
        Ok((written, usize::try_from(unwritten)?))
    };
    let (written, unwritten) = eventually(SOON * 2, "the period of noise ends", || {
        let (written, unwritten) = recorded()?;
        Ok((written + unwritten >= held).then_some((written, unwritten)))
    })?;
    assert_eq!(written + unwritten, held);
    assert!(written < 60, "{written} lines, {unwritten} summed up");
    // Another pod is served meanwhile.
    world.enrolled_pod("shop", "web-1", "web").map(|_| ())
}

#[test]
fn fetching_changes_no_key() -> Result<()> {
    let world = world()?;
    world.principal("shop", "web", "credentials: [Keytab]")?;
    world.await_condition("shop", "web", "Ready", ["True", "Ready"])?;
    world.pod("shop", "web-1", "web")?;
    let token = world.token("shop", "web", "web-1")?;
    let keytabs: Vec<Result<Vec<u8>>> = std::thread::scope(|scope| {
        let fetch = || -> Result<Vec<u8>> { Ok(std::fs::read(world.enrol(&token)?.file("keytab"))?) };
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(fetch)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| anyhow::bail!("panicked"))).collect()
    });
    let keytabs = keytabs.into_iter().collect::<Result<BTreeSet<_>>>()?;
    assert_eq!(keytabs.len(), 1, "all the same");
    Ok(())
}

#[test]
fn the_description_and_the_files_are_there_for_everybody() -> Result<()> {
    let world = World::new()?;
    let get = |path: &str| -> Result<String> {
        let mut command = Command::new("curl");
        Ok(process::run(command.args(["-sf", "--cacert"]).arg(world.realm.ca()).arg(world.url(path)), "")?.ok()?.stdout)
    };
    let document: Value = serde_json::from_str(&get("/v1/openapi.json")?)?;
    let needs_token = |path: &str| ["/v1/enroll", "/v1/held"].contains(&path) || path.starts_with("/v1/admin/");
    for path in document["paths"].as_object().context("no paths")?.keys().filter(|path| !needs_token(path)) {
        assert!(!get(path)?.is_empty(), "{path}");
    }
    assert!(get("/v1/krb5.conf")?.contains(&format!("default_realm = {}", world.realm.name())));
    assert_eq!(get("/v1/ca.crt")?, std::fs::read_to_string(world.realm.ca())?);
    Ok(())
}

#[test]
fn krb5_conf_and_authority_are_published_in_each_enrolled_namespace() -> Result<()> {
    let world = World::new()?;
    world.namespace("shop", &[])?;
    let full = world.ns("shop");
    let map = ["configmap", "kennel-krb5", "-n", &full];
    let ca = eventually(crate::world::SOON, "the ConfigMap is there", || {
        Ok(Some(world.api.json_path(&map, "{.data.ca\\.crt}")?).filter(|ca| !ca.is_empty()))
    })?;
    assert_eq!(ca, std::fs::read_to_string(world.realm.ca())?);
    world.api.kubectl(&["label", "namespace", &full, "kennel.test/world-"], "")?.ok()?;
    eventually(crate::world::SOON, "it is taken away again", || {
        Ok(world.api.json_path(&map, "{.metadata.name}").is_err().then_some(()))
    })
}

#[test]
fn a_refusal_is_told_at_the_pod_and_at_its_kerberos_principal() -> Result<()> {
    let world = world()?;
    world.principal("shop", "cart", "credentials: [Keytab]")?;
    world.await_condition("shop", "cart", "Ready", ["True", "Ready"])?;
    let namespace = world.ns("shop");
    world.api.kubectl(&["label", "namespace", &namespace, "kennel.test/world-"], "")?.ok()?;
    let token = world.token("shop", "cart", "cart-1")?;
    eventually(SOON, "the namespace is not enrolled any more", || {
        Ok((world.post(Some(&token), "")?.0 == 403).then_some(()))
    })?;
    for (object, also) in [("pod/cart-1", ""), ("kprinc/cart", "cart-1: ")] {
        let told = eventually(SOON, "it is told", || {
            let said = world.api.kubectl(&["describe", object, "-n", &namespace], "")?.ok()?.stdout;
            Ok(said.contains("EnrolmentRefused").then_some(said))
        })?;
        assert!(told.contains(&format!("{also}NamespaceNotEnrolled: the namespace is not enrolled")), "{told}");
        assert!(told.contains("Warning"), "{told}");
    }
    Ok(())
}
