//! The Kerberos names of the cluster's objects.

use kennel_core::principal::RESERVED_CLASSES;
use kennel_wire::message::{NameType, Principal, PrincipalName};

/// The principal of a service account: `web.shop@REALM`, one component. Namespaces hold no dots, so the last dot splits it.
#[must_use]
pub fn client_principal(account: &str, namespace: &str, realm: &str) -> Principal {
    Principal::new(PrincipalName::new(NameType::PRINCIPAL, [&*format!("{account}.{namespace}")]), realm)
}

/// A service principal: `HTTP/web.shop.svc.cluster.local@REALM`.
#[must_use]
pub fn service_principal(class: &str, host: &str, realm: &str) -> Principal {
    Principal::new(PrincipalName::new(NameType::SRV_HST, [class, host]), realm)
}

/// Whether this may be the class of a service: at most 31 letters, digits, dashes and underscores, a letter first.
#[must_use]
pub fn is_service_class(class: &str) -> bool {
    let mut octets = class.bytes();
    octets.next().is_some_and(|first| first.is_ascii_alphabetic())
        && octets.all(|octet| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_')
        && class.len() <= 31
        && !RESERVED_CLASSES.contains(&class)
}

/// A host in the cluster's DNS domain, with its shorter forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterHost {
    /// The full name: `web.shop.svc.cluster.local`.
    pub name: String,
    /// The name without the domain, and without `.svc`: `web.shop.svc`, `web.shop`.
    pub short: [String; 2],
}

impl ClusterHost {
    /// The host of a Service: `web.shop.svc.cluster.local`.
    #[must_use]
    pub fn of_service(service: &str, namespace: &str, domain: &str) -> ClusterHost {
        let short = format!("{service}.{namespace}");
        let middle = format!("{short}.svc");
        ClusterHost { name: format!("{middle}.{domain}"), short: [middle, short] }
    }

    /// The host of a StatefulSet's pod: `kafka-0.kafka.data.svc.cluster.local`.
    #[must_use]
    pub fn of_pod(pod: &str, service: &str, namespace: &str, domain: &str) -> ClusterHost {
        ClusterHost::of_service(&format!("{pod}.{service}"), namespace, domain)
    }
}

/// Whether a domain of an alias policy covers a host; `*` stands for exactly one label.
#[must_use]
pub fn domain_covers(domain: &str, host: &str) -> bool {
    match domain.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
        None => domain == host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_one_component_and_a_service_two() {
        assert_eq!(client_principal("web", "shop", "R").to_string(), "web.shop@R");
        assert_eq!(client_principal("web", "shop", "R").name.components.len(), 1);
        let host = ClusterHost::of_service("web", "shop", "cluster.local");
        assert_eq!(service_principal("HTTP", &host.name, "R").to_string(), "HTTP/web.shop.svc.cluster.local@R");
        assert_eq!(host.short, ["web.shop.svc", "web.shop"]);
        let pod = ClusterHost::of_pod("kafka-0", "kafka", "data", "cluster.local");
        assert_eq!(pod.name, "kafka-0.kafka.data.svc.cluster.local");
    }

    #[test]
    fn classes_of_the_kdc_and_what_is_no_class_are_refused() {
        for class in ["HTTP", "postgres", "host", "a-b_c9"] {
            assert!(is_service_class(class), "{class}");
        }
        for class in ["", "krbtgt", "kadmin", "K", "WELLKNOWN", "9p", "a/b", "a@b", "a b", "\u{e9}", &"x".repeat(32)] {
            assert!(!is_service_class(class), "{class}");
        }
    }

    #[test]
    fn a_star_stands_for_exactly_one_label() {
        assert!(domain_covers("*.example.com", "web.example.com"));
        assert!(domain_covers("web.example.com", "web.example.com"));
        for host in ["example.com", "a.web.example.com", "web.example.com.evil", ".example.com", "webexample.com"] {
            assert!(!domain_covers("*.example.com", host), "{host}");
        }
    }
}
