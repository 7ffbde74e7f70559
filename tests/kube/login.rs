//! From objects to a login: accounts and a KerberosPrincipal, pods with tokens, agents, and stock programs on what they
//! made.

use crate::world::World;
use anyhow::Result;
use kennel_tests::binary::kennel_agent;
use kennel_tests::kube::{Api, eventually};
use kennel_tests::peers::{Login, Peer};
use kennel_tests::process;
use kennel_tests::realm::Realm;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn cart_logs_in_to_web_with_what_their_agents_made() -> Result<()> {
    let world = World::new()?;
    world.shop(&["web", "cart"])?;
    let (web, cart) = (world.enrolled_pod("shop", "web-1", "web")?, world.enrolled_pod("shop", "cart-1", "cart")?);
    assert!(!cart.file("keytab").exists(), "an account without services has no key at all");
    let host = format!("web.{}.svc.cluster.local", world.ns("shop"));
    let user = cart.mit()?;
    user.kvno(&[&format!("HTTP/{host}")])?.ok()?;
    let second = user.kvno(&[&format!("HTTP/{host}")])?.ok()?;
    assert!(!second.trace.contains("Sending request"), "the ticket was in the cache: {}", second.trace);
    let keytab = web.keytab()?;
    for name in [&*host, &format!("web.{}.svc", world.ns("shop")), &format!("web.{}", world.ns("shop"))] {
        assert!(keytab.contains(&format!("HTTP/{name}@")), "{name} in {keytab}");
    }
    let folder = TempDir::new()?;
    let (server, port) = Peer::Python.accept(&web.file("krb5.conf"), "HTTP", &web.file("keytab"), folder.path())?;
    let login = Login::Cache(user.cache());
    let run = Peer::Python.initiate(&cart.file("krb5.conf"), &port, &format!("HTTP@{host}"), "", login)?.ok()?;
    assert!(run.stdout.contains("session complete"), "{run}");
    let initiator = format!("initiator cart.{}@{}", world.ns("shop"), world.realm.name());
    assert!(server.stdout().contains(&initiator), "{}", server.said());
    Ok(())
}

#[test]
fn a_service_of_an_old_library_gets_session_keys_that_it_understands_and_its_keys_stay() -> Result<()> {
    let world = World::new()?;
    world.shop(&["web", "cart"])?;
    let (web, cart) = (world.enrolled_pod("shop", "web-1", "web")?, world.enrolled_pod("shop", "cart-1", "cart")?);
    let service = format!("HTTP/web.{}.svc.cluster.local@{}", world.ns("shop"), world.realm.name());
    let keytab = web.keytab()?;
    let ticket = |enctype: &str| {
        eventually(LIMIT, &format!("session keys of {enctype}"), || {
            // With the cache that the agent wrote, without the ticket of the try before.
            let user = cart.mit()?;
            user.kvno(&[&service])?.ok()?;
            let shown = user.shown(&service)?;
            Ok((shown.session_enctype == enctype).then_some(shown))
        })
    };
    let old = "aes128-cts-hmac-sha1-96";
    let spec = format!("serviceClasses: [HTTP], hosts: {{services: [web]}}, sessionEnctypes: [{old}]");
    world.principal("shop", "web", &spec)?;
    assert_eq!(ticket(old)?.ticket_enctype, "aes256-cts-hmac-sha384-192");
    world.principal("shop", "web", "serviceClasses: [HTTP], hosts: {services: [web]}")?;
    // What MIT's client asks for first.
    ticket("aes256-cts-hmac-sha1-96")?;
    assert_eq!(web.keytab()?, keytab);
    Ok(())
}

#[test]
fn a_short_name_is_the_service_of_the_asking_accounts_namespace_and_stands_in_its_keytab() -> Result<()> {
    let world = World::new()?;
    world.shop(&["web", "cart"])?;
    world.namespace("dev", &["cart"])?;
    let (web, cart) = (world.enrolled_pod("shop", "web-1", "web")?, world.enrolled_pod("shop", "cart-1", "cart")?);
    let (keytab, short) = (web.keytab()?, format!("HTTP/web@{}", world.realm.name()));
    assert!(keytab.contains(&short), "{keytab}");
    let user = cart.mit()?;
    // kvno opens the ticket with the keytab's key of that name.
    user.kvno(&["-k", &web.file("keytab").display().to_string(), &short])?.ok()?;
    let stranger = world.enrolled_pod("dev", "cart-2", "cart")?;
    stranger.kvno(&short)?.refused("not found in Kerberos database")?;
    Ok(())
}

#[test]
fn the_example_of_deploy_is_let_in_and_does_what_it_says() -> Result<()> {
    let api = Api::shared()?;
    let example = include_str!("../../deploy/examples/first.yaml");
    let realm = Realm::builder("DEV.KENNEL")?.kubeconfig(&api.kubeconfig()).start()?;
    // A lone API server has no DNS server, and the KDC says so of every access.
    api.apply(
        "apiVersion: v1\nkind: Service\nmetadata: {name: kube-dns, namespace: kube-system}\n\
         spec: {selector: {k8s-app: kube-dns}, ports: [{name: dns, port: 53, protocol: UDP}]}\n",
    )?;
    api.apply(example)?;
    let wait = ["wait", "--for=condition=Ready", "--timeout=30s", "-n", "shop", "kprinc/web", "kaccess/web"];
    api.kubectl(&wait, "")?.ok()?;
    let listed = api.kubectl(&["get", "krealm,kprinc,kaccess", "-A"], "")?.ok()?.stdout;
    println!("{listed}");
    let bound = ["--audience", "kennel://DEV.KENNEL", "--bound-object-kind", "Pod", "--bound-object-name", "cart"];
    let token = api.kubectl(&[&["create", "token", "cart", "-n", "shop"], &bound[..]].concat(), "")?.ok()?.stdout;
    let folder = TempDir::new()?;
    std::fs::write(folder.path().join("token"), token)?;
    let mut agent = Command::new(kennel_agent()?);
    agent.arg("--server").arg(format!("https://localhost:{}", realm.https_port())).arg("--ca").arg(realm.ca());
    agent.arg("--token").arg(folder.path().join("token")).arg("--dir").arg(folder.path()).arg("--once");
    process::run(&mut agent, "")?.ok()?;
    let mut kvno = Command::new("kvno");
    kvno.env("KRB5_CONFIG", folder.path().join("krb5.conf"));
    kvno.env("KRB5CCNAME", format!("FILE:{}", folder.path().join("ccache").display()));
    process::run(kvno.arg("HTTP/web.shop.svc.cluster.local"), "")?.ok()?;
    api.kubectl(&["delete", "-f", "-", "--grace-period=0", "--force"], example)?.ok()?;
    Ok(())
}

#[test]
fn an_account_that_asks_for_a_keytab_logs_in_with_it() -> Result<()> {
    let world = World::new()?;
    world.namespace("shop", &["batch"])?;
    world.principal("shop", "batch", "credentials: [Keytab]")?;
    world.await_condition("shop", "batch", "Ready", ["True", "Ready"])?;
    let batch = world.enrolled_pod("shop", "batch-1", "batch")?;
    assert!(!batch.file("ccache").exists());
    let name = format!("batch.{}", world.ns("shop"));
    batch.mit()?.kinit_with_keytab(&batch.file("keytab"), &[&name])?.ok()?;
    Ok(())
}

#[test]
fn a_realm_may_give_both_to_everybody() -> Result<()> {
    let world = World::with(Api::shared()?, "  credentials: {default: [Ticket, Keytab]}\n")?;
    world.namespace("shop", &["both"])?;
    let both = world.enrolled_pod("shop", "both-1", "both")?;
    assert!(both.file("ccache").exists() && both.file("keytab").exists());
    Ok(())
}

#[test]
fn the_pods_of_a_stateful_set_have_their_own_keys() -> Result<()> {
    let world = World::new()?;
    world.namespace("data", &["kafka"])?;
    world.service("data", "kafka")?;
    let full = world.ns("data");
    world.api.apply(&format!(
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: kafka, namespace: {full}}}\nspec:\n  serviceName: kafka\n  \
         replicas: 2\n  podManagementPolicy: Parallel\n  selector: {{matchLabels: {{app: kafka}}}}\n  template:\n    metadata: \
         {{labels: {{app: kafka, kennel.dev/service-account: kafka}}}}\n    spec: {{serviceAccountName: kafka, containers: [{{name: c, image: i}}]}}\n"
    ))?;
    world.principal("data", "kafka", "serviceClasses: [kafka], hosts: {statefulSets: [kafka]}")?;
    world.await_condition("data", "kafka", "Ready", ["True", "Ready"])?;
    for (pod, other) in [("kafka-0", "kafka-1"), ("kafka-1", "kafka-0")] {
        let token = kennel_tests::kube::eventually(crate::world::SOON, "the pod is there", || {
            world.token("data", "kafka", pod).map(Some)
        })?;
        let keytab = world.enrol(&token)?.keytab()?;
        assert!(keytab.contains(&format!("kafka/{pod}.kafka.{full}.svc.cluster.local@")), "{keytab}");
        assert!(!keytab.contains(other), "{keytab}");
    }
    Ok(())
}

#[test]
fn a_keytab_secret_is_made_where_it_is_asked_for_and_goes_with_its_principal() -> Result<()> {
    let world = World::new()?;
    world.shop(&["web", "cart"])?;
    let full = world.ns("shop");
    let spec = "serviceClasses: [HTTP], hosts: {services: [web]}, keytabSecretRef: {name: web-keytab}";
    world.principal("shop", "web", spec)?;
    let secret = ["secret", "web-keytab", "-n", &full];
    let encoded = kennel_tests::kube::eventually(crate::world::SOON, "the Secret is there", || {
        world.api.json_path(&secret, "{.data.keytab}").map(|keytab| Some(keytab).filter(|keytab| !keytab.is_empty()))
    })?;
    let web = world.enrolled_pod("shop", "web-1", "web")?;
    use base64::Engine;
    let octets = base64::engine::general_purpose::STANDARD.decode(encoded)?;
    assert_eq!(octets, std::fs::read(web.file("keytab"))?, "the Secret holds what enrolment gives");
    world.principal(
        "shop",
        "web",
        "serviceClasses: [HTTP], hosts: {services: [web]}, keytabSecretRef: {name: other}",
    )?;
    kennel_tests::kube::eventually(crate::world::SOON, "the Secret has another name", || {
        let other = world.api.json_path(&["secret", "other", "-n", &full], "{.data.keytab}")?;
        Ok((!other.is_empty() && world.api.json_path(&secret, "{.metadata.name}").is_err()).then_some(()))
    })?;
    let secret = ["secret", "other", "-n", &full];
    world.delete("shop", "kprinc", "web")?;
    kennel_tests::kube::eventually(crate::world::SOON, "the Secret went with its owner", || {
        Ok(world.api.json_path(&secret, "{.metadata.name}").is_err().then_some(()))
    })
}

#[test]
fn a_keytab_secret_holds_the_account_s_own_key_where_that_is_handed_out_and_says_where_there_is_none() -> Result<()> {
    let world = World::new()?;
    world.namespace("shop", &["batch"])?;
    let full = world.ns("shop");
    world.principal("shop", "batch", "keytabSecretRef: {name: batch-keytab}")?;
    let told = world.await_condition("shop", "batch", "Ready", ["False", "NoKeys"])?;
    assert!(told.contains("credentials: [Keytab]"), "{told}");
    world.principal("shop", "batch", "credentials: [Keytab], keytabSecretRef: {name: batch-keytab}")?;
    world.await_condition("shop", "batch", "Ready", ["True", "Ready"])?;
    let encoded = world.api.json_path(&["secret", "batch-keytab", "-n", &full], "{.data.keytab}")?;
    assert_eq!(world.api.json_path(&["kprinc", "batch", "-n", &full], "{.status.kvno}")?, "1");
    let batch = world.enrolled_pod("shop", "batch-1", "batch")?;
    use base64::Engine;
    let octets = base64::engine::general_purpose::STANDARD.decode(encoded)?;
    assert_eq!(octets, std::fs::read(batch.file("keytab"))?, "the Secret holds what enrolment gives");
    Ok(())
}

#[test]
fn a_secret_of_somebody_else_is_not_taken_over() -> Result<()> {
    let world = World::new()?;
    world.namespace("shop", &["web"])?;
    world.service("shop", "web")?;
    let full = world.ns("shop");
    world
        .api
        .kubectl(&["create", "secret", "generic", "web-keytab", "-n", &full, "--from-literal=keytab=theirs"], "")?
        .ok()?;
    world.principal(
        "shop",
        "web",
        "serviceClasses: [HTTP], hosts: {services: [web]}, keytabSecretRef: {name: web-keytab}",
    )?;
    world.await_condition("shop", "web", "Ready", ["False", "SecretNotOurs"])?;
    assert_eq!(world.api.json_path(&["secret", "web-keytab", "-n", &full], "{.data.keytab}")?, "dGhlaXJz");
    Ok(())
}

#[test]
fn a_secret_of_another_kerberos_principal_is_neither_overwritten_nor_deleted() -> Result<()> {
    let world = World::new()?;
    world.shop(&["web", "cart"])?;
    world.service("shop", "cart")?;
    let full = world.ns("shop");
    let spec = |service: &str| {
        format!("serviceClasses: [HTTP], hosts: {{services: [{service}]}}, keytabSecretRef: {{name: keytab}}")
    };
    world.principal("shop", "web", &spec("web"))?;
    let secret = ["secret", "keytab", "-n", &full];
    let first = kennel_tests::kube::eventually(crate::world::SOON, "the Secret is there", || {
        // The Secret is made before it holds the keytab.
        Ok(Some(world.api.json_path(&secret, "{.data.keytab}")?).filter(|keytab| !keytab.is_empty()))
    })?;
    // The lesser name comes later: the owner of the Secret keeps it.
    world.principal("shop", "cart", &spec("cart"))?;
    let said = world.await_condition("shop", "cart", "Ready", ["False", "SecretConflict"])?;
    assert!(said.contains("belongs to KerberosPrincipal web") && said.contains("another name"), "{said}");
    world.await_condition("shop", "web", "Ready", ["True", "Ready"])?;
    assert_eq!(world.api.json_path(&secret, "{.data.keytab}")?, first);
    world.principal("shop", "cart", "serviceClasses: [HTTP], hosts: {services: [cart]}")?;
    world.await_condition("shop", "cart", "Ready", ["True", "Ready"])?;
    assert_eq!(world.api.json_path(&secret, "{.data.keytab}")?, first, "who was refused deletes nothing");
    Ok(())
}

#[test]
fn a_realm_that_allows_tickets_alone_gives_no_account_its_key() -> Result<()> {
    let world = World::with(Api::shared()?, "  credentials: {allowed: [Ticket]}\n")?;
    world.namespace("shop", &["batch"])?;
    world.principal("shop", "batch", "credentials: [Keytab]")?;
    let said = world.await_condition("shop", "batch", "Ready", ["False", "CredentialsNotAllowed"])?;
    assert!(said.contains("spec.credentials.allowed"), "{said}");
    let batch = world.enrolled_pod("shop", "batch-1", "batch")?;
    assert!(batch.file("ccache").exists() && !batch.file("keytab").exists());
    Ok(())
}
