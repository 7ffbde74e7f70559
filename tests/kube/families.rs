//! Address families: a cluster of IPv6 alone, where the API server is on `::1`, its Services have addresses of that family, and so has the
//! KDC, which listens on no other address; and one whose Services have addresses of both.

use crate::world::{SOON, World};
use anyhow::{Context, Result, ensure};
use kennel_tests::binary::kennel;
use kennel_tests::kube::{Api, eventually};
use kennel_tests::process;
use serde_json::Value;
use std::net::Ipv6Addr;
use std::process::Command;

/// The DNS of the cluster, with NodeLocal DNS beside it: what its clients may ask is known by addresses.
const DNS: &str = "\
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec: {selector: {k8s-app: kube-dns}, ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}]}
---
apiVersion: v1
kind: Pod
metadata: {name: node-local-dns, namespace: kube-system, labels: {k8s-app: node-local-dns}}
spec: {containers: [{name: c, image: i}]}
";

/// Where the API server can be reached, as one of a dual-stack cluster writes it.
const API_SERVER: &str = "\
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kubernetes-ipv4, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}
addressType: IPv4
endpoints: [{addresses: [192.0.2.1]}]
ports: [{name: https, port: 6443}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kubernetes-ipv6, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}
addressType: IPv6
endpoints: [{addresses: ['2001:db8::1']}]
ports: [{name: https, port: 6443}]
";

impl World<'_> {
    /// What the ConfigMap of a namespace says.
    fn published(&self, namespace: &str, key: &str) -> Result<String> {
        let path = format!("{{.data.{}}}", key.replace('.', "\\."));
        self.api.json_path(&["configmap", "kennel-krb5", "-n", &self.ns(namespace)], &path)
    }

    /// A server `web`, and `cart` who may call it.
    fn web_and_cart(&self) -> Result<()> {
        self.shop(&["web", "cart"])?;
        self.api.apply(&self.account_access_yaml("web", "cart"))
    }

    /// Both enrol, and `cart` gets a ticket for `web`.
    fn log_in(&self) -> Result<()> {
        let (web, cart) = (self.enrolled_pod("shop", "web-1", "web")?, self.enrolled_pod("shop", "cart-1", "cart")?);
        let service = format!("HTTP/web.{}.svc.cluster.local", self.ns("shop"));
        eventually(SOON, "cart gets a ticket for web", || cart.kvno(&service)?.ok().map(Some))?;
        ensure!(web.keytab()?.contains(&service), "{}", web.keytab()?);
        Ok(())
    }

    /// Waits until the policies of a namespace have each of these ranges.
    fn await_ranges(&self, namespace: &str, wanted: &[String]) -> Result<()> {
        eventually(SOON, "the policies are written", || {
            let ranges = self.address_ranges(namespace)?;
            let missing: Vec<&String> = wanted.iter().filter(|range| !ranges.contains(range)).collect();
            ensure!(missing.is_empty(), "{missing:?} is not in {ranges:?}");
            Ok(Some(()))
        })
    }

    /// The address ranges that the policies of a namespace let in or out.
    fn address_ranges(&self, namespace: &str) -> Result<Vec<String>> {
        let run = self.api.kubectl(&["get", "networkpolicy", "-n", &self.ns(namespace), "-o", "json"], "")?.ok()?;
        let policies: Value = serde_json::from_str(&run.stdout)?;
        let mut ranges = Vec::new();
        collect(&policies, &mut ranges);
        Ok(ranges)
    }
}

/// Every `cidr` of some objects.
fn collect(value: &Value, ranges: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| match (&**name, value) {
            ("cidr", Value::String(range)) => ranges.push(range.clone()),
            _ => collect(value, ranges),
        }),
        Value::Array(values) => values.iter().for_each(|value| collect(value, ranges)),
        _ => {}
    }
}

#[test]
fn in_a_cluster_of_ipv6_alone_pods_enrol_and_get_tickets_and_policies_name_addresses_of_that_family() -> Result<()> {
    let api = Api::on_ipv6()?;
    api.apply(DNS)?;
    let dns = api.json_path(&["service", "kube-dns", "-n", "kube-system"], "{.spec.clusterIP}")?;
    ensure!(dns.parse::<Ipv6Addr>().is_ok(), "{dns}");
    let spec = "  access: {defaultMode: Enforce}\n";
    let world = World::built(&api, spec, |builder| builder.listen(Ipv6Addr::LOCALHOST.into()))?;
    world.web_and_cart()?;

    let krb5_conf = eventually(SOON, "the ConfigMap is written", || world.published("shop", "krb5.conf").map(Some))?;
    ensure!(krb5_conf.contains(&format!("kdc = [::1]:{}", world.realm.port())), "{krb5_conf}");
    // The authority of the ConfigMap has issued a certificate for the address.
    let ca = world.realm.folder().join("published.crt");
    std::fs::write(&ca, world.published("shop", "ca.crt")?)?;
    world.log_in()?;
    ensure!(world.metrics()?.contains("kennel_"), "no metrics");
    let mut keys = Command::new(kennel()?);
    keys.args(["keys", &format!("{}/web", world.ns("shop")), "--server", &world.url(""), "--ca"]).arg(&ca);
    let keys = process::run(keys.env("KUBECONFIG", api.kubeconfig()), "")?.ok()?;
    ensure!(keys.stdout.contains("web-1"), "{keys}");

    world.await_ranges("shop", &[format!("{dns}/128")])?;
    let line = world.last_audit_of("TGS").context("no ticket")?;
    ensure!(line["peer"].as_str().is_some_and(|peer| peer.contains("::1")), "{line}");
    Ok(())
}

#[test]
fn in_a_dual_stack_cluster_policies_name_the_addresses_of_both_families() -> Result<()> {
    let api = Api::of_both_families()?;
    api.apply(&DNS.replace("spec: {selector", "spec: {ipFamilyPolicy: RequireDualStack, selector"))?;
    api.apply(API_SERVER)?;
    let dns = api.json_path(&["service", "kube-dns", "-n", "kube-system"], "{.spec.clusterIPs[*]}")?;
    let (ipv4, ipv6) = dns.split_once(' ').with_context(|| format!("two addresses are wanted, not {dns}"))?;
    let spec = "  access: {defaultMode: Enforce}\n  network: {alwaysAllowEgress: [{name: api, apiServer: {}}]}\n";
    let world = World::with(&api, spec)?;
    world.web_and_cart()?;
    world.log_in()?;
    let wanted = [format!("{ipv4}/32"), format!("{ipv6}/128"), "192.0.2.1/32".to_owned(), "2001:db8::1/128".to_owned()];
    world.await_ranges("shop", &wanted)
}
