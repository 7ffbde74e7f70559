//! Where to send a client whose server is not here (RFC 4120, section 3.3.1; RFC 6806, section 8).

use crate::realm::Realm;
use crate::transited::hierarchical_path;
use kennel_wire::message::{KdcOptions, NameType, PrincipalName};

/// At most this many ticket-granting services are looked up for one request.
const MAX_HOPS: usize = 8;

/// The realms to try, best first, for a server that is not in the database; none where no referral is due.
pub(crate) fn hops(server: &PrincipalName, options: KdcOptions, realm: &Realm) -> Vec<String> {
    let target = match server.krbtgt_realm() {
        // Asked for another realm's TGS by name: the next realm on the way will do.
        Some(target) => Some(target),
        None if options.contains(KdcOptions::CANONICALIZE) => realm_of_service(server, realm),
        None => None,
    };
    match target {
        Some(target) if target != realm.name => towards(target, realm),
        _ => Vec::new(),
    }
}

/// The realm that a host-based service belongs to: `service/host`, or `service/host/domain` as Windows has it.
fn realm_of_service<'a>(server: &PrincipalName, realm: &'a Realm) -> Option<&'a str> {
    if server.name_type == NameType::ENTERPRISE {
        return None;
    }
    match server.components.as_slice() {
        [_, host] | [_, host, _] => realm.realm_of_host(host),
        _ => None,
    }
}

/// Realms towards a target: the target itself, the configured next hop, then the hierarchical way, nearest to the
/// target first.
fn towards(target: &str, realm: &Realm) -> Vec<String> {
    let configured = realm.next_hops.iter().filter(|(to, _)| to == target).map(|(_, hop)| hop.clone());
    let hierarchical = hierarchical_path(&realm.name, target).into_iter().rev();
    let mut hops: Vec<String> = Vec::new();
    for hop in std::iter::once(target.to_owned()).chain(configured).chain(hierarchical) {
        if hops.len() < MAX_HOPS && hop != realm.name && !hops.contains(&hop) {
            hops.push(hop);
        }
    }
    hops
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm() -> Realm {
        let mut realm = Realm::new("A.X.ORG");
        realm.domain_realms.push(("b.org".into(), "B.ORG".into()));
        realm.domain_realms.push(("x.org".into(), "A.X.ORG".into()));
        realm.next_hops.push(("FAR.COM".into(), "NEAR.COM".into()));
        realm
    }

    fn service(components: &[&str]) -> PrincipalName {
        PrincipalName::new(NameType::SRV_HST, components.iter().copied())
    }

    #[test]
    fn a_foreign_host_is_referred_to_its_realm_where_the_client_takes_referrals() {
        let name = service(&["HTTP", "web.b.org"]);
        assert_eq!(hops(&name, KdcOptions::CANONICALIZE, &realm()).first().map(String::as_str), Some("B.ORG"));
        assert!(hops(&name, KdcOptions::empty(), &realm()).is_empty());
        let three = service(&["ldap", "dc.b.org", "b.org"]);
        assert_eq!(hops(&three, KdcOptions::CANONICALIZE, &realm()).first().map(String::as_str), Some("B.ORG"));
    }

    #[test]
    fn our_own_hosts_and_unknown_ones_are_referred_nowhere() {
        for host in ["web.x.org", "web.elsewhere.net"] {
            assert!(hops(&service(&["HTTP", host]), KdcOptions::CANONICALIZE, &realm()).is_empty());
        }
        assert!(hops(&service(&["web"]), KdcOptions::CANONICALIZE, &realm()).is_empty());
        assert!(hops(&PrincipalName::krbtgt("A.X.ORG"), KdcOptions::empty(), &realm()).is_empty());
    }

    #[test]
    fn no_client_is_sent_away_from_its_own_realm_even_where_a_next_hop_names_it() {
        let mut realm = realm();
        realm.next_hops.push(("A.X.ORG".into(), "NEAR.COM".into()));
        assert!(hops(&PrincipalName::krbtgt("A.X.ORG"), KdcOptions::empty(), &realm).is_empty());
    }

    #[test]
    fn each_realm_is_tried_once_our_own_never_and_no_more_than_eight() {
        let mut realm = realm();
        realm.next_hops.push(("FAR.COM".into(), "NEAR.COM".into()));
        realm.next_hops.push(("FAR.COM".into(), "A.X.ORG".into()));
        let far = |realm: &Realm| hops(&PrincipalName::krbtgt("FAR.COM"), KdcOptions::empty(), realm);
        assert_eq!(far(&realm), ["FAR.COM", "NEAR.COM"]);
        realm.next_hops.extend((1..=9).map(|n| ("FAR.COM".to_owned(), format!("HOP{n}.COM"))));
        assert_eq!(
            far(&realm),
            ["FAR.COM", "NEAR.COM", "HOP1.COM", "HOP2.COM", "HOP3.COM", "HOP4.COM", "HOP5.COM", "HOP6.COM"]
        );
    }

    #[test]
    fn a_tgs_of_another_realm_is_reached_by_the_configured_hop_or_the_hierarchy() {
        assert_eq!(hops(&PrincipalName::krbtgt("FAR.COM"), KdcOptions::empty(), &realm()), ["FAR.COM", "NEAR.COM"]);
        assert_eq!(hops(&PrincipalName::krbtgt("B.ORG"), KdcOptions::empty(), &realm()), ["B.ORG", "ORG", "X.ORG"]);
    }
}
