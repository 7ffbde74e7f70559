//! The krb5.conf of a realm in a cluster.

use kennel_wire::krb5_conf::{Krb5Conf, RealmSection};

/// Returns the krb5.conf for clients in a cluster. They reach the KDC by its address and over TCP, since fragments of datagrams
/// and stale connection tracking lose requests in clusters. They use host names as given, since reverse lookups return the
/// names of pods and load balancers. `admin_server` is the host of kadmin and kpasswd, where clients are to have them.
pub(crate) fn of_realm(realm: &str, kdcs: &[String], admin_server: Option<&str>, cluster_domain: &str) -> String {
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let domain = |text: String| (text, realm.to_owned());
    Krb5Conf {
        default_realm: realm.to_owned(),
        realms: vec![RealmSection {
            name: realm.to_owned(),
            kdcs: kdcs.to_vec(),
            admin_server: admin_server.map(str::to_owned),
            kpasswd_server: admin_server.map(str::to_owned),
        }],
        domain_realm: vec![domain(format!(".{cluster_domain}")), domain(".svc".to_owned())],
        libdefaults: vec![
            setting("dns_lookup_kdc", "false"),
            setting("dns_lookup_realm", "false"),
            setting("dns_canonicalize_hostname", "false"),
            setting("rdns", "false"),
            setting("udp_preference_limit", "1"),
        ],
        capaths: Vec::new(),
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_the_kdc_and_prefers_tcp() {
        let text = of_realm("R", &["kdc.ns.svc:88".into()], None, "cluster.local");
        assert!(!text.contains("_server"), "{text}");
        for line in ["default_realm = R", "kdc = kdc.ns.svc:88", "udp_preference_limit = 1", ".cluster.local = R"] {
            assert!(text.lines().any(|l| l.trim() == line), "{line} in {text}");
        }
    }

    #[test]
    fn it_names_the_host_of_kadmin_and_kpasswd_where_clients_are_to_have_them() {
        let text = of_realm("R", &["kdc.ns.svc:88".into()], Some("kdc.ns.svc"), "cluster.local");
        for line in ["admin_server = kdc.ns.svc", "kpasswd_server = kdc.ns.svc"] {
            assert!(text.lines().any(|l| l.trim() == line), "{line} in {text}");
        }
    }
}
