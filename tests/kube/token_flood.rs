//! Tokens that no API server has signed: none of them reaches the API server, and good pods enrol meanwhile.

use crate::world::World;
use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kennel_tests::kube::{Api, eventually, sign};
use kennel_tests::process;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

/// Requests of the flood, which has a source address of its own.
const FLOOD: usize = 3000;
/// Good enrolments meanwhile.
const GOOD: usize = 10;

/// The parts of a good token, to change one of them.
struct Template {
    header: Value,
    claims: Value,
}

impl Template {
    fn new(token: &str) -> Result<Template> {
        let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part));
        let mut next = || -> Result<Value> { Ok(serde_json::from_slice(&parts.next().context("no part")??)?) };
        Ok(Template { header: next()?, claims: next()? })
    }

    /// A token with these changes and a signature of that many random octets.
    fn unsigned(&self, header: &[(&str, Value)], claims: &[(&str, Value)]) -> String {
        let signature: Vec<u8> = (0..64).map(|_| rand::random()).collect();
        format!("{}.{}", self.text(header, claims), URL_SAFE_NO_PAD.encode(signature))
    }

    /// What is signed.
    fn text(&self, header: &[(&str, Value)], claims: &[(&str, Value)]) -> String {
        let part = |of: &Value, changes: &[(&str, Value)]| {
            let mut of = of.clone();
            changes.iter().for_each(|(name, value)| of[*name] = value.clone());
            URL_SAFE_NO_PAD.encode(of.to_string())
        };
        format!("{}.{}", part(&self.header, header), part(&self.claims, claims))
    }
}

/// Reviews that the API server has made since its start.
fn reviews(api: &Api) -> Result<u64> {
    let metrics = api.kubectl(&["get", "--raw", "/metrics"], "")?.ok()?.stdout;
    let lines = metrics.lines().filter(|line| line.starts_with("apiserver_request_total{"));
    let reviews = lines.filter(|line| line.contains("resource=\"tokenreviews\"") && line.contains("verb=\"POST\""));
    reviews.map(|line| Ok(line.rsplit(' ').next().context("no number")?.parse::<u64>()?)).sum()
}

/// A world with the pod `cart-1` on an API server of its own, whose keys the KDC knows.
fn world(api: &Api) -> Result<(World<'_>, String)> {
    let world = World::within(api)?;
    world.namespace("shop", &["cart"])?;
    world.pod("shop", "cart-1", "cart")?;
    let token = world.token("shop", "cart", "cart-1")?;
    world.enrol(&token)?;
    let forged = Template::new(&token)?.unsigned(&[], &[]);
    eventually(Duration::from_secs(20), "the keys are known", || {
        Ok((world.post(Some(&forged), "")?.1["reason"] == "TokenSignatureInvalid").then_some(()))
    })?;
    Ok((world, token))
}

#[test]
fn a_token_with_another_signature_audience_or_end_is_refused_without_a_review() -> Result<()> {
    let api = Api::alone()?;
    let (world, token) = world(&api)?;
    let template = Template::new(&token)?;
    let folder = tempfile::TempDir::new()?;
    let key = folder.path().join("foreign.key");
    let mut openssl = Command::new("openssl");
    openssl.args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"]);
    process::run(openssl.arg(&key), "")?.ok()?;
    let text = template.text(&[], &[]);
    let foreign = format!("{text}.{}", URL_SAFE_NO_PAD.encode(sign(&key, &text)?));
    let before = reviews(&api)?;
    for (token, reason) in [
        (foreign, "TokenSignatureInvalid"),
        (template.unsigned(&[("alg", "none".into())], &[]), "TokenSignatureInvalid"),
        (template.unsigned(&[("alg", "HS256".into())], &[]), "TokenSignatureInvalid"),
        (template.unsigned(&[], &[("aud", json!(["kennel://OTHER"]))]), "TokenOfOtherAudience"),
        (template.unsigned(&[], &[("exp", 1000.into())]), "TokenExpired"),
        ("0123456789abcdef".into(), "TokenMalformed"),
    ] {
        let (status, said) = world.post(Some(&token), "")?;
        assert_eq!((status, said["reason"].as_str()), (401, Some(reason)));
        assert_eq!(world.last_audit_of("enrolment")?["reason"], reason);
    }
    let (_, said) = world.post(Some(&template.unsigned(&[("kid", "unknown".into())], &[])), "")?;
    let reason = said["reason"].as_str().unwrap_or_default();
    assert!(["TokenSignatureInvalid", "TokenKeyUnknown"].contains(&reason), "{said}");
    assert_eq!(reviews(&api)?, before);
    // A busy KDC may ask for another attempt: each is one review.
    let mut attempts = 0;
    eventually(Duration::from_secs(20), "the good token enrols", || {
        attempts += 1;
        let (status, said) = world.post(Some(&token), "")?;
        ensure!(status == 200 || status == 503, "{status} {said}");
        Ok((status == 200).then_some(()))
    })?;
    assert_eq!(reviews(&api)?, before + attempts, "the metric counts reviews");
    Ok(())
}

#[test]
fn a_flood_of_forged_tokens_makes_no_review_and_good_pods_enrol_while_the_api_server_is_slow() -> Result<()> {
    let api = Api::alone()?;
    let (world, token) = world(&api)?;
    let template = Template::new(&token)?;
    let pods: Vec<String> = (0..GOOD).map(|n| format!("good-{n}")).collect();
    let mut tokens = Vec::new();
    for pod in &pods {
        world.pod("shop", pod, "cart")?;
        tokens.push(world.token("shop", "cart", pod)?);
        world.enrol(tokens.last().context("none")?)?;
    }
    let before = reviews(&api)?;
    let url = world.url("/v1/enroll");
    let mut config = String::new();
    for number in 0..FLOOD {
        let changed = [("jti", Value::from(number.to_string()))];
        let kid = format!("unknown-{number}");
        let token = match number % 3 {
            0 => template.unsigned(&[], &changed),
            1 => template.unsigned(&[("kid", kid.into())], &changed),
            _ => format!("random-{number}"),
        };
        config += &format!(
            "url = {url}\nrequest = POST\noutput = /dev/null\nheader = \"Authorization: Bearer {token}\"\ninterface = 127.0.0.2\n\
             cacert = {}\nwrite-out = \"%{{http_code}}\\n\"\nnext\n",
            world.realm.ca().display()
        );
    }
    let (flood, good) = std::thread::scope(|scope| {
        let flood = scope.spawn(|| {
            let mut command = Command::new("curl");
            process::run(command.args(["-s", "-Z", "--parallel-max", "20", "-K", "-"]), &config)
        });
        // Slow: most of the time it stands still.
        let slow = scope.spawn(|| -> Result<()> {
            for _ in 0..6 {
                api.freeze(true)?;
                std::thread::sleep(Duration::from_millis(600));
                api.freeze(false)?;
                std::thread::sleep(Duration::from_millis(200));
            }
            Ok(())
        });
        let good: Result<Vec<u16>> = tokens.iter().map(|token| Ok(world.post(Some(token), "")?.0)).collect();
        slow.join().ok().context("a thread panicked")??;
        Ok::<_, anyhow::Error>((flood.join().ok().context("a thread panicked")??, good?))
    })?;
    let mut answers = BTreeMap::<&str, usize>::new();
    flood.stdout.lines().for_each(|status| *answers.entry(status).or_default() += 1);
    println!("the flood was answered with {answers:?}");
    ensure!(answers.get("401").copied().unwrap_or(0) > FLOOD / 4, "the flood did not come: {answers:?}, {flood}");
    assert!(!answers.contains_key("200"));
    assert_eq!(good, [200; GOOD]);
    assert_eq!(reviews(&api)? - before, GOOD as u64, "reviews of good tokens alone");
    Ok(())
}
