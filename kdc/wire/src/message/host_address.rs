//! HostAddress (RFC 4120, section 7.5.3).

use crate::message::asn1::Reason;
use std::net::IpAddr;

/// Most addresses in a list.
pub(super) const MAX_ADDRESSES: usize = 64;

/// An address of a ticket or a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostAddress {
    /// 2 = IPv4, 24 = IPv6, 20 = NetBIOS, and so on.
    pub addr_type: i32,
    /// Octets in network order.
    pub address: Vec<u8>,
}

impl HostAddress {
    /// The directional address of whoever begins (RFC 4120, section 7.5.3).
    #[must_use]
    pub fn initiator() -> HostAddress {
        HostAddress { addr_type: 3, address: vec![0, 0, 0, 0] }
    }

    /// The directional address of whoever accepts (RFC 4120, section 7.5.3): it stands in place of an address that address
    /// translation would make wrong.
    #[must_use]
    pub fn acceptor() -> HostAddress {
        HostAddress { addr_type: 3, address: vec![0, 0, 0, 1] }
    }

    /// The IP address, if it is one; an IPv4-mapped IPv6 address becomes IPv4.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self.addr_type {
            2 => <[u8; 4]>::try_from(self.address.as_slice()).ok().map(IpAddr::from),
            24 => <[u8; 16]>::try_from(self.address.as_slice()).ok().map(|a| IpAddr::from(a).to_canonical()),
            _ => None,
        }
    }
}

impl TryFrom<kerberos_asn1::HostAddress> for HostAddress {
    type Error = Reason;

    fn try_from(address: kerberos_asn1::HostAddress) -> Result<HostAddress, Reason> {
        Ok(HostAddress { addr_type: address.addr_type, address: address.address })
    }
}

/// A list of addresses that may be absent.
pub(super) fn addresses(list: Option<kerberos_asn1::HostAddresses>) -> Result<Option<Vec<HostAddress>>, Reason> {
    list.map(|list| super::asn1::list(list, MAX_ADDRESSES, "more than 64 addresses")).transpose()
}

impl From<IpAddr> for HostAddress {
    fn from(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(v4) => HostAddress { addr_type: 2, address: v4.octets().to_vec() },
            IpAddr::V6(v6) => HostAddress { addr_type: 24, address: v6.octets().to_vec() },
        }
    }
}
