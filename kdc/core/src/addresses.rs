//! Addresses of tickets (RFC 4120, sections 2.7 and 3.2.3).

use kennel_wire::message::HostAddress;
use std::net::IpAddr;

/// addr-type of a NetBIOS name.
const NETBIOS: i32 = 20;

/// Whether a ticket with these addresses may be used from `peer`. A ticket without addresses may be used from anywhere, and so may
/// one with NetBIOS names alone, which Windows and gokrb5 ask for: nobody can compare them with the sender of a packet, and MIT
/// krb5kdc takes them for none.
pub(crate) fn usable_from(addresses: Option<&[HostAddress]>, peer: IpAddr) -> bool {
    match addresses {
        None => true,
        Some(addresses) if addresses.iter().all(|address| address.addr_type == NETBIOS) => true,
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

    fn netbios(name: &[u8; 16]) -> HostAddress {
        HostAddress { addr_type: 20, address: name.to_vec() }
    }

    #[test]
    fn netbios_names_alone_count_as_no_addresses() {
        let names = [netbios(b"HOST            "), netbios(b"OTHER           ")];
        assert!(usable_from(Some(&names[..1]), IpAddr::from([192, 0, 2, 1])));
        assert!(usable_from(Some(&names), IpAddr::from([192, 0, 2, 1])));
    }

    #[test]
    fn a_netbios_name_beside_an_address_opens_nothing() {
        let both = [netbios(b"HOST            "), HostAddress::from(IpAddr::from([192, 0, 2, 1]))];
        assert!(usable_from(Some(&both), IpAddr::from([192, 0, 2, 1])));
        assert!(!usable_from(Some(&both), IpAddr::from([192, 0, 2, 2])));
    }

    #[test]
    fn an_address_of_another_kind_matches_nobody() {
        let appletalk = [HostAddress { addr_type: 5, address: vec![192, 0, 2] }];
        assert!(!usable_from(Some(&appletalk), IpAddr::from([192, 0, 2, 1])));
    }
}
