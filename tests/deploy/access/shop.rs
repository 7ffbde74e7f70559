//! deploy/examples/shop as it is installed: cart may call web, the pods of kafka call each other, and nothing else is allowed.

use crate::access::probe::{Listener, REFUSED, Stranger, ask_with_cache};
use crate::installation::Installation;
use crate::shop::{HOST, SERVICE, SOON};
use anyhow::{Result, ensure};
use kennel_tests::kube::eventually;
use serde_json::Value;

/// What batch is told.
const MISSING: &str = "no KerberosAccess in shop allows batch.shop to call web";
const DENIED: &str = r#"kennel_access_decisions_total{decision="deny",reason="NoAccess"}"#;
const ALLOWED: &str = r#"kennel_access_decisions_total{decision="allow",reason=""}"#;

fn listening_web(dev: &Installation) -> Result<Listener> {
    Listener::start(dev.deployment("web"), 80)
}

/// Whether an audit line is about a ticket of `client` for web.
fn is_about(line: &Value, client: &str) -> bool {
    let starts = |field: &str, with: &str| line[field].as_str().is_some_and(|value| value.starts_with(with));
    line["exchange"] == "TGS" && starts("client", client) && starts("server", "HTTP/web")
}

#[test]
fn cart_gets_a_ticket_for_web_and_a_connection_to_its_service_and_its_pod() -> Result<()> {
    let dev = Installation::dev()?;
    let _listener = listening_web(&dev)?;
    let (known, allowed) = (dev.audit()?.len(), dev.metric(ALLOWED)?);
    dev.cart_asks(SERVICE)?.ok()?;
    let (cart, web) = (dev.pod_of("cart")?, dev.address_of(&dev.pod_of("web")?)?);
    ensure!(dev.connects(&cart, HOST, 80)?, "cart does not reach the Service of web");
    ensure!(dev.connects(&cart, &web, 80)?, "cart does not reach the pod of web");
    let line = dev.await_audit(known, "the ticket of cart", |line| is_about(line, "cart.shop@"))?;
    assert_eq!((&line["outcome"], &line["allowed_by"]), (&"issued".into(), &"shop/web".into()), "{line}");
    ensure!(dev.metric(ALLOWED)? > allowed, "the ticket is not counted");
    Ok(())
}

#[test]
fn batch_gets_neither_ticket_nor_connection_and_the_answer_the_trail_and_the_metrics_say_what_is_missing() -> Result<()>
{
    let dev = Installation::dev()?;
    let _listener = listening_web(&dev)?;
    let (known, denied) = (dev.audit()?.len(), dev.metric(DENIED)?);
    dev.batch_asks(SERVICE)?.refused(REFUSED)?;
    let (batch, web) = (dev.pod_of("batch")?, dev.address_of(&dev.pod_of("web")?)?);
    ensure!(!dev.connects(&batch, HOST, 80)?, "batch reaches the Service of web");
    ensure!(!dev.connects(&batch, &web, 80)?, "batch reaches the pod of web");
    let line = dev.await_audit(known, "the refusal of batch", |line| is_about(line, "batch.shop@"))?;
    assert_eq!((&line["outcome"], &line["denial"]), (&"refused".into(), &"NoAccess".into()), "{line}");
    assert_eq!((&line["text"], &line["code"]), (&MISSING.into(), &12.into()), "{line}");
    ensure!(dev.metric(DENIED)? > denied, "the refusal is not counted");
    Ok(())
}

/// MIT's clients keep the text of a KRB-ERROR to themselves; Java's show it. The client connects to a listener in its own pod first.
#[test]
fn a_client_that_shows_the_text_of_errors_shows_which_access_is_missing() -> Result<()> {
    let dev = Installation::dev()?;
    let line = format!(
        "nc -l -p 9999 >/dev/null & /java/bin/java -Djava.security.krb5.conf=$KRB5_CONFIG -cp /java/classes JgssPeer \
         initiate 127.0.0.1:9999 HTTP@{HOST} keytab batch.shop /var/run/kennel/keytab"
    );
    let run = dev.deployment("batch").attempt(&["sh", "-c", &line], "")?.refused(MISSING)?;
    let shown = run.stderr.lines().find(|line| line.contains(MISSING)).unwrap_or_default();
    println!("{}", shown.trim());
    Ok(())
}

/// Nor credentials: `network.rs` asks for those, after `admin_cli.rs`, to which a refused enrolment is a problem.
#[test]
fn a_pod_outside_the_realm_gets_no_connection() -> Result<()> {
    let dev = Installation::dev()?;
    let (_listener, stranger) = (listening_web(&dev)?, Stranger::start(&dev)?);
    let web = dev.address_of(&dev.pod_of("web")?)?;
    ensure!(stranger.connects("kennel.kennel-system.svc.cluster.local", 88)?, "the stranger has no network at all");
    ensure!(!stranger.connects(HOST, 80)?, "the stranger reaches the Service of web");
    ensure!(!stranger.connects(&web, 80)?, "the stranger reaches the pod of web");
    Ok(())
}

#[test]
fn kennel_shows_the_refusal_of_batch_and_explains_both_layers_of_each_call() -> Result<()> {
    let dev = Installation::dev()?;
    dev.batch_asks(SERVICE)?.refused(REFUSED)?;
    eventually(SOON, "the refusal is in the trail of the shop", || {
        let tail = ["audit", "tail", "-n", "shop", "--no-follow", "--outcome", "denied", "--client", "shop/batch"];
        let shown = dev.kennel(&tail)?.ok()?.stdout;
        ensure!(shown.lines().any(|line| line.contains("DENIED") && line.contains(MISSING)), "{shown}");
        Ok(Some(()))
    })?;
    let batch = dev.kennel(&["explain", "shop/batch", "shop/web"])?;
    ensure!(batch.status.code() == Some(1) && batch.stdout.contains(MISSING), "{batch}");
    ensure!(batch.stdout.matches("DENIED").count() == 3, "ticket, egress and ingress: {batch}");
    let cart = dev.kennel(&["explain", "shop/cart", "shop/web"])?.ok()?;
    ensure!(cart.stdout.contains("shop/kennel-ingress-web (KerberosAccess shop/web)"), "{cart}");
    Ok(())
}

#[test]
fn kubectl_describe_tells_that_the_access_of_web_is_in_force_in_both_layers() -> Result<()> {
    let dev = Installation::dev()?;
    for kind in ["Accepted", "ResolvedRefs", "TicketsProgrammed", "NetworkProgrammed", "Ready"] {
        dev.await_description("kaccess/web", kind)?;
        let condition = dev.condition("kaccess/web", kind)?;
        ensure!(condition.starts_with("True "), "{kind} is {condition}");
    }
    dev.await_description("kaccess/web", "clients of 1 peers may call 1 KerberosPrincipals")?;
    dev.await_event("kaccess/web", ["Normal", "Ready"])?;
    let counts = dev.kubectl().json_path(
        &["kaccess", "web", "-n", "shop"],
        "{.status.targets} {.status.clients} {.status.networkPolicies.wanted} {.status.networkPolicies.applied}",
    )?;
    println!("targets, clients, policies wanted, policies applied: {counts}");
    let numbers: Vec<u32> = counts.split(' ').map(str::parse).collect::<std::result::Result<_, _>>()?;
    ensure!(numbers.len() == 4 && numbers[..2] == [1, 1] && numbers[2] == numbers[3], "{counts}");
    Ok(())
}

#[test]
fn the_pods_of_kafka_reach_each_other_and_cart_reaches_none_of_them() -> Result<()> {
    let dev = Installation::dev()?;
    for (client, server) in [("kafka-0", "kafka-1"), ("kafka-1", "kafka-0")] {
        let _listener = Listener::start(dev.container(server, "kafka"), 9092)?;
        let host = format!("{server}.kafka.shop.svc.cluster.local");
        let service = format!("kafka/{host}");
        ask_with_cache(&dev.container(client, "kafka"), &service)?.ok()?;
        ensure!(dev.connects(client, &host, 9092)?, "{client} does not reach {server}");
        dev.cart_asks(&service)?.refused(REFUSED)?;
        ensure!(!dev.connects(&dev.pod_of("cart")?, &host, 9092)?, "cart reaches {server}");
    }
    Ok(())
}
