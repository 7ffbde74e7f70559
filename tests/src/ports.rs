//! Free ports.

use anyhow::{Result, bail};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

/// Number of consecutive ports of a realm: `kennel-kdc dev` reserves four after its own.
pub const BLOCK: u16 = 5;

/// Below the range from which the kernel assigns ports to clients, so that no client occupies a port of a server.
const FIRST: u16 = 11_000;
const COUNT: u16 = 20_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// Returns the first of [`BLOCK`] ports on 127.0.0.1 that are free over UDP and TCP. Every process starts its search at another
/// port, and returns no block twice.
///
/// # Errors
/// No block is free.
pub fn free_block() -> Result<u16> {
    // Process ids that follow each other begin far apart.
    let start = u16::try_from(u64::from(std::process::id()) * 997 % u64::from(COUNT))?;
    for _ in 0..COUNT / BLOCK {
        let step = NEXT.fetch_add(BLOCK, Ordering::Relaxed);
        let base = FIRST + start.wrapping_add(step) % COUNT;
        if (base..base + BLOCK).all(is_free) {
            return Ok(base);
        }
    }
    bail!("no {BLOCK} free ports in a row between {FIRST} and {}", FIRST + COUNT)
}

fn is_free(port: u16) -> bool {
    let address = (Ipv4Addr::LOCALHOST, port);
    UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_port_is_given_out_twice() {
        let mut seen = HashSet::new();
        for _ in 0..20 {
            let base = free_block().unwrap();
            assert!((base..base + BLOCK).all(|port| seen.insert(port)));
        }
    }

    #[test]
    fn a_port_in_use_is_not_free() {
        let held = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(held.local_addr().unwrap().port()));
    }
}
