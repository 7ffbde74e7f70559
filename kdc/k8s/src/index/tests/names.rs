//! Whose name it is, whichever objects exist and in whatever order they came.

use super::*;

/// A namespace with an account, a Service of its name and a KerberosPrincipal that names it.
fn service_in(namespace_name: &str, name: &str) -> Vec<ClusterEvent> {
    let spec = json!({ "serviceClasses": ["HTTP"], "hosts": { "services": [name] } });
    vec![
        namespace(namespace_name, true),
        account(namespace_name, name),
        service(namespace_name, name),
        principal(namespace_name, name, spec),
    ]
}

/// A namespace with a StatefulSet `web` of one pod under a Service, and a KerberosPrincipal that names it.
fn pods_in(namespace_name: &str, governing: &str) -> Vec<ClusterEvent> {
    let spec = json!({ "serviceClasses": ["HTTP"], "hosts": { "statefulSets": ["web"] } });
    vec![
        namespace(namespace_name, true),
        account(namespace_name, "web"),
        service(namespace_name, governing),
        set_of(namespace_name, "web", governing, 1),
        pod_of(namespace_name, "web-0", "web", Some(("web", "uid-of-web".into()))),
        principal(namespace_name, "web", spec),
    ]
}

fn with_realm(settings: Value) -> Cluster {
    let cluster = Cluster::empty();
    cluster.after([realm("r", "2026-01-01T00:00:00Z", settings)]);
    cluster
}

impl Cluster {
    /// The principal that a name of the class HTTP leads to, and the namespace that has it.
    fn target(&self, host: &str) -> Option<(String, String)> {
        let index = self.0.read();
        let name = service_principal("HTTP", host, "R");
        let target = index.alias_target(&name).unwrap_or(&name);
        let namespace = index.wanted_by(target)?;
        Some((target.to_string(), namespace.to_owned()))
    }
}

#[test]
fn a_pod_of_the_namespace_svc_does_not_get_the_name_of_the_namespace_shop() {
    for first in ["svc", "shop"] {
        let cluster = with_realm(json!({}));
        let (svc, shop) = (pods_in("svc", "shop"), service_in("shop", "web-0"));
        let (one, other) = if first == "svc" { (svc, shop) } else { (shop, svc) };
        cluster.after(one);
        cluster.after(other);
        let shop = Some(("HTTP/web-0.shop.svc.cluster.local@R".to_owned(), "shop".to_owned()));
        for host in ["web-0.shop.svc.cluster.local", "web-0.shop.svc", "web-0.shop"] {
            assert_eq!(cluster.target(host), shop, "{host}, {first} first");
        }
        let svc = Some(("HTTP/web-0.shop.svc.svc.cluster.local@R".to_owned(), "svc".to_owned()));
        assert_eq!(cluster.target("web-0.shop.svc.svc"), svc);
        assert!(cluster.problems("svc", "web").is_empty() && cluster.problems("shop", "web-0").is_empty());
        assert_eq!(cluster.0.read().namespace("svc").unwrap().outcomes["web"].withheld, 1, "and svc is told");
    }
}

#[test]
fn a_service_of_the_namespace_com_does_not_get_a_name_of_the_alias_policy() {
    let cluster =
        with_realm(json!({ "aliasPolicy": [{ "name": "rule", "namespaces": ["front"], "domains": ["example.com"] }] }));
    cluster.after(service_in("com", "example"));
    assert_eq!(cluster.target("example.com"), None, "reserved before anybody asks for it");
    cluster.after([namespace("front", true), account("front", "www"), account("com", "thief")]);
    let spec = json!({ "serviceClasses": ["HTTP"], "hosts": { "aliases": ["example.com"] } });
    cluster.after([principal("front", "www", spec.clone()), principal("com", "thief", spec)]);
    assert_eq!(cluster.target("example.com"), Some(("HTTP/example.com@R".into(), "front".into())));
    assert_eq!(cluster.reasons("com", "thief"), ["AliasNotAllowed"]);
    assert_eq!(cluster.target("example.com.svc").unwrap().1, "com");
}

#[test]
fn a_claim_that_a_new_rule_of_the_policy_covers_loses() {
    let cluster = with_realm(json!({}));
    cluster.after(service_in("com", "example"));
    assert_eq!(cluster.target("example.com").unwrap().1, "com", "nothing reserves it");
    let policy = json!({ "aliasPolicy": [{ "name": "rule", "namespaces": ["front"], "domains": ["*.com"] }] });
    let changes = cluster.after([realm("r", "2026-01-01T00:00:00Z", policy)]);
    assert_eq!(cluster.target("example.com"), None);
    assert!(
        changes.aliases.contains(&service_principal("HTTP", "example.com", "R")),
        "the store is asked to take it away"
    );
    assert_eq!(cluster.0.read().namespace("com").unwrap().outcomes["example"].withheld, 1);
}

#[test]
fn a_name_in_the_domain_of_another_realm_is_no_short_name() {
    let mut configured = Realm::new("R");
    configured.domain_realms = vec![("example.com".into(), "FAR".into())];
    let cluster = Cluster(SharedIndex::new(Index::new(configured)));
    cluster.after([realm("r", "2026-01-01T00:00:00Z", json!({}))]);
    cluster.after(service_in("com", "example"));
    assert_eq!((cluster.target("example.com"), cluster.target("example.com.svc").unwrap().1), (None, "com".into()));
}

#[test]
fn a_realm_may_switch_off_the_names_that_end_in_a_namespace() {
    let cluster = with_realm(json!({ "names": { "shortForms": "SvcOnly" } }));
    cluster.after(service_in("dev", "web"));
    assert_eq!((cluster.target("web.dev"), cluster.target("web.dev.svc").unwrap().1), (None, "dev".into()));
    assert_eq!(cluster.0.read().namespace("dev").unwrap().outcomes["web"].withheld, 0, "nobody misses them");
    cluster.after([realm("r", "2026-01-01T00:00:00Z", json!({}))]);
    assert_eq!(cluster.target("web.dev").unwrap().1, "dev");
}

#[test]
fn an_alias_is_no_name_of_the_cluster_whatever_the_policy_says() {
    let cluster = with_realm(
        json!({ "aliasPolicy": [{ "name": "rule", "namespaces": ["evil"], "domains": ["*.shop.svc", "web.shop.svc.cluster.local"] }] }),
    );
    cluster.after([namespace("evil", true), account("evil", "web")]);
    let aliases =
        ["web.shop.svc", "web.shop.svc.cluster.local", "web.shop", "a.b.c.svc.cluster.local", "svc.cluster.local"];
    cluster.after([principal("evil", "web", json!({ "serviceClasses": ["HTTP"], "hosts": { "aliases": aliases } }))]);
    let of_cluster = "AliasIsClusterName";
    let reasons = [of_cluster, of_cluster, "AliasNotAllowed", of_cluster, of_cluster];
    assert_eq!(cluster.reasons("evil", "web"), reasons);
    assert_eq!(cluster.names(), ["web.evil@R"]);
    cluster.after(service_in("shop", "web"));
    assert_eq!(cluster.target("web.shop.svc").unwrap().1, "shop");
}

#[test]
fn of_two_objects_of_a_namespace_the_first_by_name_has_the_name_whoever_came_first() {
    let cluster = Cluster::shop();
    cluster.after([principal_created("shop", "web", "2026-01-01T00:00:01Z", web_services())]);
    assert!(cluster.reasons("shop", "web").is_empty());
    cluster.after([principal_created("shop", "cart", "2026-01-01T00:00:02Z", web_services())]);
    assert!(cluster.reasons("shop", "cart").is_empty());
    let problems = cluster.problems("shop", "web");
    assert_eq!(problems[0].reason(), "NameTaken");
    let message = problems[0].to_string();
    assert!(message.contains("KerberosPrincipal shop/cart") && message.contains("before shop/web"), "{message}");
    cluster.after([ClusterEvent::principal(ObjectChange::Gone(("shop".into(), "cart".into())))]);
    assert!(cluster.reasons("shop", "web").is_empty());
}

#[test]
fn a_name_that_the_policy_gives_to_two_namespaces_is_the_first_one_s_by_name() {
    let policy =
        json!({ "aliasPolicy": [{ "name": "rule", "namespaces": ["shop", "b"], "domains": ["*.example.com"] }] });
    let spec = json!({ "serviceClasses": ["HTTP"], "hosts": { "aliases": ["x.example.com"] } });
    let name = service_principal("HTTP", "x.example.com", "R");
    let cluster = Cluster::shop();
    cluster.after([realm("r", "2026-01-01T00:00:00Z", policy), namespace("b", true), account("b", "b")]);
    cluster.after([principal_created("shop", "web", "2026-01-01T00:00:01Z", spec.clone())]);
    assert_eq!(cluster.0.read().wanted_by(&name), Some("shop"));
    cluster.after([principal_created("b", "b", "2026-01-01T00:00:02Z", spec)]);
    assert_eq!(cluster.0.read().wanted_by(&name), Some("b"));
    assert_eq!(cluster.reasons("shop", "web"), ["NameTaken"]);
    let settled = cluster.after([ClusterEvent::principal(ObjectChange::Gone(("b".into(), "b".into())))]);
    assert!(settled.principals.contains(&name));
    assert_eq!(cluster.0.read().wanted_by(&name), Some("shop"));
}

#[test]
fn an_object_without_its_account_keeps_no_name_from_another() {
    let cluster = Cluster::shop();
    cluster.after([principal("shop", "absent", web_services()), principal("shop", "web", web_services())]);
    assert_eq!((cluster.reasons("shop", "absent"), cluster.reasons("shop", "web")), (vec!["AccountNotFound"], vec![]));
}

/// Services and StatefulSets of every colliding name, in every colliding namespace, each order of arrival.
#[test]
fn no_name_leads_to_two_namespaces_whatever_objects_exist() {
    let names = ["com", "example", "local", "shop", "svc", "web"];
    let policy =
        json!({ "aliasPolicy": [{ "name": "rule", "namespaces": ["front"], "domains": ["example.com", "*.web"] }] });
    let mut worlds = Vec::new();
    for reversed in [false, true] {
        let cluster = with_realm(policy.clone());
        let mut namespaces = names;
        if reversed {
            namespaces.reverse();
        }
        for of in namespaces {
            let mut events = vec![namespace(of, true), account(of, "all"), set_of(of, "web", "shop", 1)];
            events.push(pod_of(of, "web-0", "all", Some(("web", "uid-of-web".into()))));
            events.extend(names.iter().map(|name| service(of, name)));
            let hosts = json!({ "services": names, "statefulSets": ["web"], "aliases": ["example.com", "shop.web", "web.shop"] });
            events.push(principal(of, "all", json!({ "serviceClasses": ["HTTP"], "hosts": hosts })));
            cluster.after(events);
        }
        let index = cluster.0.read();
        let mut seen = std::collections::BTreeMap::new();
        for (of, desire) in index.namespaces() {
            for desired in desire.principals.values() {
                for name in std::iter::once(&desired.name).chain(&desired.aliases) {
                    assert_eq!(seen.insert(name.clone(), of.to_owned()), None, "{name} of {of} is another's");
                }
            }
        }
        assert!(seen.len() > names.len() * names.len());
        worlds.push(seen);
    }
    assert_eq!(worlds[0], worlds[1], "the order of arrival decides nothing");
}
