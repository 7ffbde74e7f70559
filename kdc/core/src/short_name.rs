//! Names without a domain: `HTTP/web`, asked by a client of namespace `shop`, is `HTTP/web.shop.svc.DOMAIN`. The namespace of
//! the client decides alone, so that nobody reaches a service of another namespace by such a name.

use crate::principal::RESERVED_CLASSES;
use crate::realm::Realm;
use kennel_wire::message::{NameType, Principal, PrincipalName};

/// The canonical name of the service that `asked` stands for in the namespace of `client`; `None` where the realm has no
/// cluster, `asked` is not a name of two components without a domain, or `client` is not named like an account
/// (`ACCOUNT.NAMESPACE`: namespaces hold no dots, so the last dot splits it).
pub(crate) fn in_namespace_of(client: &Principal, asked: &Principal, realm: &Realm) -> Option<Principal> {
    let domain = realm.cluster_domain.as_deref()?;
    let [class, service] = asked.name.components.as_slice() else { return None };
    let [account] = client.name.components.as_slice() else { return None };
    let (account, namespace) = account.rsplit_once('.')?;
    let is_named = is_label(service) && !account.is_empty() && is_label(namespace);
    let is_free = !RESERVED_CLASSES.contains(&class.as_str());
    (is_named && is_free).then(|| {
        let host = format!("{service}.{namespace}.svc.{domain}");
        Principal::new(PrincipalName::new(NameType::SRV_HST, [class.as_str(), &host]), &*realm.name)
    })
}

/// The name without a domain by which clients of its own namespace ask for a service: `HTTP/web` for
/// `HTTP/web.shop.svc.DOMAIN`; `None` for every other name, such as that of a single pod.
#[must_use]
pub fn of_service(canonical: &Principal, cluster_domain: &str) -> Option<Principal> {
    let [class, host] = canonical.name.components.as_slice() else { return None };
    let (service, namespace) = host.strip_suffix(cluster_domain)?.strip_suffix(".svc.")?.split_once('.')?;
    (is_label(service) && is_label(namespace)).then(|| {
        let name = PrincipalName::new(NameType::SRV_HST, [class.as_str(), service]);
        Principal::new(name, &*canonical.realm)
    })
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && !text.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAIN: &str = "cluster.local";

    fn principal(text: &str) -> Principal {
        Principal::parse(text, "R").unwrap()
    }

    fn found(client: &str, asked: &str) -> Option<String> {
        let realm = Realm { cluster_domain: Some(DOMAIN.into()), ..Realm::new("R") };
        in_namespace_of(&principal(client), &principal(asked), &realm).map(|name| name.to_string())
    }

    #[test]
    fn a_short_name_is_a_service_of_the_namespace_of_the_client() {
        let name = |text: &str| Some(format!("{text}.svc.cluster.local@R"));
        assert_eq!(found("cart.shop", "HTTP/web"), name("HTTP/web.shop"));
        assert_eq!(found("cart.v2.shop", "HTTP/web"), name("HTTP/web.shop"), "the last dot splits");
        assert_eq!(found("cart.dev", "postgres/web"), name("postgres/web.dev"));
    }

    #[test]
    fn names_of_other_forms_stand_for_nothing() {
        for (client, asked) in [
            ("cart.shop", "HTTP/web.dev"),
            ("cart.shop", "HTTP/web/web"),
            ("cart.shop", "web"),
            ("cart.shop", "krbtgt/web"),
            ("cart.shop", "kadmin/web"),
            ("cart.shop", "WELLKNOWN/web"),
            ("cart.shop", "K/M"),
            ("alice", "HTTP/web"),
            (".shop", "HTTP/web"),
            ("cart.", "HTTP/web"),
            ("cart/x.shop", "HTTP/web"),
        ] {
            assert_eq!(found(client, asked), None, "{client} {asked}");
        }
        let realm = Realm::new("R");
        assert_eq!(in_namespace_of(&principal("cart.shop"), &principal("HTTP/web"), &realm), None, "no cluster");
    }

    #[test]
    fn only_services_have_a_short_name_and_single_pods_have_none() {
        let short = |text: &str| of_service(&principal(text), DOMAIN).map(|name| name.to_string());
        assert_eq!(short("HTTP/web.shop.svc.cluster.local").as_deref(), Some("HTTP/web@R"));
        for name in [
            "HTTP/web-0.web.shop.svc.cluster.local",
            "HTTP/web.svc.cluster.local",
            "HTTP/web.shop.svc.cluster.example",
            "HTTP/web.shop",
            "HTTP/.shop.svc.cluster.local",
            "cart.shop",
        ] {
            assert_eq!(short(name), None, "{name}");
        }
    }
}
