//! Logins from pod to pod, with credentials that nobody typed.

use crate::installation::Installation;
use crate::shop::{Container, HOST, SERVICE, SOON};
use crate::steps;
use anyhow::{Context, Result, ensure};
use kennel_tests::kube::eventually;
use kennel_tests::kubectl::utf8;
use kennel_tests::pods;
use std::collections::BTreeSet;
use std::time::Duration;
use tempfile::TempDir;

#[test]
fn cart_has_a_ticket_of_its_own_account() -> Result<()> {
    let dev = Installation::dev()?;
    let tickets = dev.deployment("cart").run(&["klist"])?;
    assert!(tickets.contains("Default principal: cart.shop@DEV.KENNEL"), "{tickets}");
    Ok(())
}

#[test]
fn cart_gets_a_ticket_for_web_by_its_services_name_and_keeps_it() -> Result<()> {
    let dev = Installation::dev()?;
    let cart = dev.deployment("cart");
    eventually(SOON, "cart gets a ticket for web", || cart.run(&["kvno", SERVICE]).map(Some))?;
    let tickets = cart.run(&["klist"])?;
    assert!(tickets.contains(&format!("{SERVICE}@DEV.KENNEL")), "{tickets}");
    Ok(())
}

#[test]
fn web_has_the_keytab_of_its_names() -> Result<()> {
    let dev = Installation::dev()?;
    let keytab = dev.deployment("web").keytab()?;
    assert!(keytab.contains("HTTP/web.shop.svc@DEV.KENNEL"), "{keytab}");
    Ok(())
}

#[test]
fn a_python_client_in_cart_logs_in_to_a_python_server_in_web_through_the_service_and_dns() -> Result<()> {
    let (address, service) = (format!("{HOST}:80"), format!("HTTP@{HOST}"));
    talk(&["python3", "/gssapi_peer.py", "initiate", &address, &service])
}

#[test]
fn a_java_client_in_cart_logs_in_to_a_python_server_in_web() -> Result<()> {
    let java = ["/java/bin/java", "-Djava.security.krb5.conf=/var/run/kennel/krb5.conf", "-cp", "/java/classes"];
    let (address, service) = (format!("{HOST}:80"), format!("HTTP@{HOST}"));
    let peer = ["JgssPeer", "initiate", &address, &service, "ccache", "cart.shop", "/var/run/kennel/ccache"];
    talk(&[&java[..], &peer].concat())
}

/// Runs a client in cart; the acceptor in web has to know whose conversation it was.
fn talk(client: &[&str]) -> Result<()> {
    let dev = Installation::dev()?;
    let folder = TempDir::new()?;
    let accept = ["python3", "/gssapi_peer.py", "accept", "0.0.0.0", "80"];
    let mut acceptor = dev.deployment("web").start(&accept, folder.path())?;
    acceptor.wait_until(SOON, |acceptor| acceptor.stdout().lines().any(|line| line == "80"))?;
    dev.deployment("cart").run(client).with_context(|| format!("the acceptor said:\n{}", acceptor.said()))?;
    let status = acceptor.wait_for_end(SOON)?;
    ensure!(status.success(), "the acceptor failed: {}", acceptor.said());
    let said = acceptor.stdout();
    for line in ["initiator cart.shop@DEV.KENNEL", "signature verified"] {
        assert!(said.lines().any(|said| said == line), "{said}");
    }
    Ok(())
}

#[test]
fn batch_which_asked_for_it_logs_in_with_a_key_of_its_own() -> Result<()> {
    let dev = Installation::dev()?;
    let batch = dev.deployment("batch");
    eventually(SOON, "batch logs in", || batch.run(&["kinit", "-k", "batch.shop"]).map(Some))?;
    Ok(())
}

#[test]
fn each_pod_of_the_statefulset_has_its_own_key_and_no_other_also_one_that_comes_later() -> Result<()> {
    let dev = Installation::dev()?;
    for pod in ["kafka-0", "kafka-1"] {
        ensure_own_key(&dev.container(pod, "kafka"), pod)?;
    }
    dev.kubectl().run(&["scale", "statefulset/kafka", "-n", "shop", "--replicas=3"])?;
    let later = dev.container("kafka-2", "kafka");
    eventually(Duration::from_secs(60), "kafka-2 has its key", || ensure_own_key(&later, "kafka-2").map(Some))
}

fn ensure_own_key(container: &Container, pod: &str) -> Result<()> {
    let keytab = container.keytab()?;
    ensure!(keytab.contains(&format!("kafka/{pod}.kafka.shop.svc.cluster.local@")), "{pod} has no key:\n{keytab}");
    let principals = keytab.lines().filter_map(|line| line.split_whitespace().nth(1));
    let pods = principals.filter_map(|principal| principal.strip_prefix("kafka/")?.split_once(".kafka"));
    let pods: BTreeSet<&str> = pods.map(|(pod, _)| pod).collect();
    ensure!(pods == BTreeSet::from([pod]), "the keytab of {pod} has the keys of {pods:?}:\n{keytab}");
    Ok(())
}

#[test]
fn a_pod_with_the_agent_written_out_by_hand_logs_in() -> Result<()> {
    let dev = Installation::dev()?;
    let (kubectl, file) = (dev.kubectl(), steps::deploy("examples/by-hand.yaml"));
    kubectl.run(&["apply", "-n", "shop", "-f", utf8(&file)?])?;
    pods::wait(kubectl, "shop", SOON * 2, &["wait", "--for=condition=Ready", "pod/by-hand"])?;
    dev.container("by-hand", "app").run(&["kvno", SERVICE])?;
    kubectl.wait(SOON * 2, &["delete", "pod", "by-hand", "-n", "shop"])?;
    Ok(())
}
