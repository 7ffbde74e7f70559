//! Addresses of tickets (RFC 4120, sections 2.7 and 3.2.3).

use kennel_wire::message::HostAddress;
use std::net::IpAddr;

/// Whether a ticket with these addresses may be used from `peer`. A ticket without addresses may be used from anywhere.
pub(crate) fn usable_from(addresses: Option<&[HostAddress]>, peer: IpAddr) -> bool {
    match addresses {
        None | Some([]) => true,
        Some(addresses) => addresses.iter().any(|a| a.ip() == Some(peer.to_canonical())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_without_addresses_is_usable_from_anywhere() {
        assert!(usable_from(None, IpAddr::from([192, 0, 2, 1])));
        assert!(usable_from(Some(&[]), IpAddr::from([192, 0, 2, 1])));
    }

    #[test]
    fn a_ticket_with_addresses_is_usable_from_these_alone() {
        let own = [HostAddress::from(IpAddr::from([192, 0, 2, 1]))];
        assert!(usable_from(Some(&own), IpAddr::from([192, 0, 2, 1])));
        assert!(usable_from(Some(&own), "::ffff:192.0.2.1".parse().unwrap()));
        assert!(!usable_from(Some(&own), IpAddr::from([192, 0, 2, 2])));
    }

    #[test]
    fn an_address_of_another_kind_matches_nobody() {
        let netbios = [HostAddress { addr_type: 20, address: b"HOST            ".to_vec() }];
        assert!(!usable_from(Some(&netbios), IpAddr::from([192, 0, 2, 1])));
    }
}
