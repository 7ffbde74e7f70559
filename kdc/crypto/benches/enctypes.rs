//! Time of one operation per enctype, next to kerberos_crypto: `cargo bench -p kennel-crypto`. Every number is the best
//! of several rounds, so that a busy machine disturbs little.
#![allow(clippy::unwrap_used)]

use kennel_crypto::{Enctype, Key, KeyUsage};
use kerberos_crypto::{KerberosCipher, new_kerberos_cipher};
use rand::rngs::OsRng;
use rand::{SeedableRng, rngs::StdRng};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Octets of plaintext: about the encrypted part of a ticket.
const PLAINTEXT: [u8; 200] = [0x61; 200];

fn main() {
    println!("{:28} {:>9} {:>9} {:>9} {:>9}", "nanoseconds", "prepare", "seal", "open", "checksum");
    for enctype in Enctype::ALL {
        ours(enctype);
        if let Ok(reference) = new_kerberos_cipher(enctype.number()) {
            theirs(enctype, reference.as_ref());
        }
    }
}

fn ours(enctype: Enctype) {
    let mut rng = StdRng::from_rng(OsRng).unwrap();
    let key = Key::generate(enctype, &mut rng);
    let prepared = key.prepare(KeyUsage::TICKET);
    let mut region = vec![0; prepared.header_length() + PLAINTEXT.len() + prepared.trailer_length()];
    let seal = nanoseconds(|| prepared.seal_in_place(black_box(&mut region), &mut rng).unwrap());
    let sealed = prepared.seal(&PLAINTEXT, &mut rng);
    let open = nanoseconds(|| {
        region.copy_from_slice(&sealed);
        black_box(prepared.open_in_place(&mut region).unwrap());
    });
    let prepare = nanoseconds(|| drop(black_box(black_box(&key).prepare(KeyUsage::TICKET))));
    let checksum = nanoseconds(|| drop(black_box(key.checksum(KeyUsage::TICKET, black_box(&PLAINTEXT)))));
    println!("{:28} {prepare:9} {seal:9} {open:9} {checksum:9}", enctype.name());
}

/// kerberos_crypto prepares nothing: every operation derives its keys.
fn theirs(enctype: Enctype, reference: &dyn KerberosCipher) {
    let key = Key::generate(enctype, &mut OsRng);
    let sealed = reference.encrypt(key.expose(), 2, &PLAINTEXT);
    let seal = nanoseconds(|| drop(black_box(reference.encrypt(key.expose(), 2, &PLAINTEXT))));
    let open = nanoseconds(|| drop(black_box(reference.decrypt(key.expose(), 2, &sealed).unwrap())));
    println!("{:28} {:>9} {seal:9} {open:9}", "  kerberos_crypto", "-");
}

fn nanoseconds(mut operation: impl FnMut()) -> u128 {
    const OPERATIONS: u32 = 2_000;
    let mut best = Duration::MAX;
    for _ in 0..30 {
        let start = Instant::now();
        (0..OPERATIONS).for_each(|_| operation());
        best = best.min(start.elapsed());
    }
    (best / OPERATIONS).as_nanos()
}
