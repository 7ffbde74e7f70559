//! Who may have a host name, from the name and the realm's settings alone: whichever objects exist, in whatever order they came, a
//! name has one owner. Every host of a service passes here before it is granted.
//!
//! | name | owner |
//! |---|---|
//! | `X.NS.svc.DOMAIN`, `P.X.NS.svc.DOMAIN` | the namespace NS; nobody has another name in the cluster's domain |
//! | `X.NS.svc`, `P.X.NS.svc` | the namespace NS; nobody has another name that ends in `.svc` |
//! | what a rule of the alias policy covers | the namespaces of the rule |
//! | what lies below a domain of the alias policy, or in a domain of another realm | nobody |
//! | `X.NS`, `P.X.NS` | the namespace NS, unless NS is a label of DOMAIN or the realm gives no such names |
//! | everything else | nobody |
//!
//! The first row that fits decides. A principal that an administrator made wins over all of them: the store refuses the name.

use crate::crd::realm::KerberosRealmSpec;
use crate::crd::realm_names::{AliasRule, ShortForms};
use crate::index::selector;
use crate::names::domain_covers;
use kennel_core::realm::Realm;
use std::collections::BTreeMap;

/// The owner of a host name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostOwner<'h> {
    /// The namespace of the Service or the pod that has the name.
    Namespace(&'h str),
    /// The namespaces of the alias policy's rules that cover the name.
    AliasPolicy,
    /// No namespace.
    Nobody,
}

/// The settings that decide who owns a host name.
#[derive(Clone, Copy)]
pub(super) struct NameRules<'a> {
    spec: &'a KerberosRealmSpec,
    /// The realm as the configuration has it, with the domains of other realms.
    configured: &'a Realm,
}

impl<'a> NameRules<'a> {
    /// The rules of a KerberosRealm and of the KDC's configuration.
    pub(super) fn new(spec: &'a KerberosRealmSpec, configured: &'a Realm) -> NameRules<'a> {
        NameRules { spec, configured }
    }

    /// The owner of a host name in lower case.
    pub(super) fn owner<'h>(&self, host: &'h str) -> HostOwner<'h> {
        if !host.split('.').all(is_label) {
            return HostOwner::Nobody;
        }
        if let Some(inside) = self.inside_cluster(host) {
            return of_service_or_pod(inside);
        }
        if host.ends_with(".svc") {
            return of_service_or_pod(host);
        }
        if self.rules().any(|rule| rule.domains.iter().any(|domain| domain_covers(domain, host))) {
            return HostOwner::AliasPolicy;
        }
        if self.is_below_alias_policy(host) || self.is_of_other_realm(host) {
            return HostOwner::Nobody;
        }
        self.of_form_without_svc(host)
    }

    /// Whether a rule of the alias policy gives this namespace, which has these labels, the host.
    pub(super) fn policy_allows(&self, namespace: &str, labels: &BTreeMap<String, String>, host: &str) -> bool {
        let selected =
            |rule: &AliasRule| rule.namespace_selector.as_ref().is_some_and(|own| selector::matches(own, labels));
        self.rules().any(|rule| {
            (rule.namespaces.iter().any(|allowed| allowed == namespace) || selected(rule))
                && rule.domains.iter().any(|domain| domain_covers(domain, host))
        })
    }

    /// Whether no rule of the alias policy can cover a host: it is in the cluster's domain or ends in `.svc`.
    pub(super) fn is_of_cluster(&self, host: &str) -> bool {
        self.inside_cluster(host).is_some() || host.ends_with(".svc")
    }

    /// The part of a host before the cluster's domain; empty for the domain itself.
    fn inside_cluster<'h>(&self, host: &'h str) -> Option<&'h str> {
        let inside = host.strip_suffix(self.spec.cluster_domain())?;
        if inside.is_empty() { Some(inside) } else { inside.strip_suffix('.') }
    }

    /// Whether a host is a domain of the alias policy, or lies below one: `a.web.example.com` below `web.example.com`.
    fn is_below_alias_policy(&self, host: &str) -> bool {
        self.rules().flat_map(|rule| &rule.domains).any(|domain| {
            let base = domain.strip_prefix("*.").unwrap_or(domain);
            host.strip_suffix(base).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }

    fn is_of_other_realm(&self, host: &str) -> bool {
        self.configured.realm_of_host(host).is_some_and(|realm| realm != self.spec.realm_name)
    }

    fn of_form_without_svc<'h>(&self, host: &'h str) -> HostOwner<'h> {
        match *host.split('.').collect::<Vec<_>>() {
            [_, namespace] | [_, _, namespace]
                if self.spec.short_forms() == ShortForms::All
                    && !self.spec.cluster_domain().split('.').any(|label| label == namespace) =>
            {
                HostOwner::Namespace(namespace)
            }
            _ => HostOwner::Nobody,
        }
    }

    fn rules(&self) -> impl Iterator<Item = &'a AliasRule> {
        self.spec.alias_policy.iter()
    }
}

/// The owner of `X.NS.svc` or `P.X.NS.svc`.
fn of_service_or_pod(host: &str) -> HostOwner<'_> {
    match *host.split('.').collect::<Vec<_>>() {
        [_, namespace, "svc"] | [_, _, namespace, "svc"] => HostOwner::Namespace(namespace),
        _ => HostOwner::Nobody,
    }
}

fn is_label(label: &str) -> bool {
    let inner = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
    !label.is_empty() && label.len() <= 63 && label.bytes().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::ClusterHost;
    use serde_json::{Value, json};

    fn spec(settings: Value) -> KerberosRealmSpec {
        let mut whole = json!({ "realmName": "R" });
        whole.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        serde_json::from_value(whole).unwrap()
    }

    fn configured() -> Realm {
        let mut realm = Realm::new("R");
        realm.domain_realms = vec![("far.example".into(), "FAR".into()), ("near.example".into(), "R".into())];
        realm
    }

    /// The hosts that a Service and its pod would have: every form.
    fn forms(service: &str, pod: Option<&str>, namespace: &str, domain: &str) -> Vec<String> {
        let host = match pod {
            Some(pod) => ClusterHost::of_pod(pod, service, namespace, domain),
            None => ClusterHost::of_service(service, namespace, domain),
        };
        std::iter::once(host.name).chain(host.short).collect()
    }

    #[test]
    fn ordinary_services_and_pods_have_their_full_and_short_names() {
        let (spec, configured) = (spec(json!({})), configured());
        let rules = NameRules::new(&spec, &configured);
        for host in forms("web", None, "shop", "cluster.local").iter().chain(&forms(
            "db",
            Some("db-0"),
            "shop",
            "cluster.local",
        )) {
            assert_eq!(rules.owner(host), HostOwner::Namespace("shop"), "{host}");
        }
    }

    #[test]
    fn a_rule_of_the_alias_policy_names_namespaces_or_selects_them_by_label() {
        let rule = json!({ "name": "edge", "namespaceSelector": { "matchLabels": { "edge": "yes" } }, "domains": ["*.example.com"] });
        let (spec, configured) = (spec(json!({ "aliasPolicy": [rule] })), configured());
        let rules = NameRules::new(&spec, &configured);
        let labels = |value: &str| BTreeMap::from([("edge".to_owned(), value.to_owned())]);
        assert!(rules.policy_allows("front", &labels("yes"), "web.example.com"));
        assert!(!rules.policy_allows("front", &labels("no"), "web.example.com"));
        assert!(!rules.policy_allows("front", &BTreeMap::new(), "web.example.com"));
    }

    #[test]
    fn a_pod_of_the_namespace_svc_does_not_get_the_name_of_another_namespace_s_service() {
        let (spec, configured) = (spec(json!({})), configured());
        let rules = NameRules::new(&spec, &configured);
        assert_eq!(rules.owner("web-0.shop.svc"), HostOwner::Namespace("shop"));
        assert_eq!(rules.owner("web-0.shop.svc.svc"), HostOwner::Namespace("svc"));
        assert_eq!(rules.owner("shop.svc"), HostOwner::Nobody);
    }

    #[test]
    fn what_the_alias_policy_another_realm_or_the_domain_covers_is_no_short_name() {
        let policy = json!({ "aliasPolicy": [{ "name": "rule", "namespaces": ["front"], "domains": ["example.com", "*.example.org", "*.shop"] }] });
        let (spec, configured) = (spec(policy), configured());
        let rules = NameRules::new(&spec, &configured);
        let none = BTreeMap::new();
        for host in ["example.com", "www.example.org", "web.shop"] {
            assert_eq!(rules.owner(host), HostOwner::AliasPolicy, "{host}");
            assert!(rules.policy_allows("front", &none, host) && !rules.policy_allows("com", &none, host), "{host}");
        }
        for host in ["web-0.example.com", "db-0.db.shop", "far.example", "web.far.example", "web.local", "web.cluster"]
        {
            assert_eq!(rules.owner(host), HostOwner::Nobody, "{host}");
        }
        assert_eq!(rules.owner("near.example"), HostOwner::Namespace("example"), "of this realm");
        assert_eq!(rules.owner("www.com"), HostOwner::Namespace("com"), "no rule says otherwise");
        for host in ["web.shop.svc", "web.shop.svc.cluster.local"] {
            assert_eq!(
                rules.owner(host),
                HostOwner::Namespace("shop"),
                "no policy hands out the cluster's names: {host}"
            );
        }
    }

    #[test]
    fn a_realm_may_give_no_name_that_ends_in_a_namespace() {
        let (spec, configured) = (spec(json!({ "names": { "shortForms": "SvcOnly" } })), configured());
        let rules = NameRules::new(&spec, &configured);
        for host in ["web.shop", "db-0.db.shop"] {
            assert_eq!(rules.owner(host), HostOwner::Nobody, "{host}");
        }
        assert_eq!(rules.owner("web.shop.svc"), HostOwner::Namespace("shop"));
    }

    #[test]
    fn what_is_no_name_of_a_host_is_nobody_s() {
        let (spec, configured) = (spec(json!({})), configured());
        let rules = NameRules::new(&spec, &configured);
        for host in [
            "",
            ".",
            "web",
            "web.",
            ".shop",
            "web..svc",
            "Web.shop",
            "web.shop.",
            "a/b.shop",
            "cluster.local",
            "a.b.c.d",
        ] {
            assert_eq!(rules.owner(host), HostOwner::Nobody, "{host:?}");
        }
    }

    /// Every Service and pod over labels that collide, under domains that collide, with every small policy.
    #[test]
    fn no_two_namespaces_can_be_granted_one_name_whatever_exists() {
        let labels = ["svc", "shop", "com", "local", "cluster", "example", "web-0", "com-0", "svc-0"];
        let policies = [
            json!([]),
            json!(["example.com"]),
            json!(["*.com", "shop.svc"]),
            json!(["*.svc", "svc.cluster.local", "com"]),
        ];
        let configured = configured();
        for domain in ["cluster.local", "svc", "local", "svc.cluster.local", "shop.svc", "com", "example.com"] {
            for policy in &policies {
                let rule = json!([{ "name": "rule", "namespaces": ["front"], "domains": policy }]);
                let spec = spec(json!({ "clusterDomain": domain, "aliasPolicy": rule }));
                let rules = NameRules::new(&spec, &configured);
                let mut granted: BTreeMap<String, &str> = BTreeMap::new();
                for namespace in labels {
                    for service in labels {
                        let pods = ["web-0", "com-0", "svc-0"].map(Some).into_iter().chain([None]);
                        for host in pods.flat_map(|pod| forms(service, pod, namespace, domain)) {
                            if rules.owner(&host) != HostOwner::Namespace(namespace) {
                                continue;
                            }
                            let other = granted.insert(host.clone(), namespace).filter(|other| *other != namespace);
                            assert_eq!(other, None, "{host} in {domain}, also of {namespace}");
                        }
                        let full = ClusterHost::of_service(service, namespace, domain).name;
                        assert_eq!(
                            rules.owner(&full),
                            HostOwner::Namespace(namespace),
                            "a full name is always granted"
                        );
                    }
                }
                assert!(granted.keys().all(|host| rules.owner(host) != HostOwner::AliasPolicy));
            }
        }
    }
}
