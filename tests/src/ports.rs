//! Ports that nobody listens on.

use anyhow::{Result, bail};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

/// How many consecutive ports a realm takes: `kennel-kdc dev` reserves four after its own.
pub const BLOCK: u16 = 5;

/// Below the range from which the kernel hands out ports to clients, so that none of them sits down on ours.
const FIRST: u16 = 11_000;
const COUNT: u16 = 20_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// The first of [`BLOCK`] ports on 127.0.0.1 that are free over UDP and TCP. Every process begins at a place of its own,
/// and no block is given out twice in a process.
///
/// # Errors
/// None is free.
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
