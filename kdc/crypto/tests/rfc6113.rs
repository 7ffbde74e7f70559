//! RFC 6113, section 5.1: KRB-FX-CF2 is made of the pseudo-random function alone, so the known answers of its appendix A and of
//! MIT check string-to-key with its defaults and the function, for every enctype at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use kennel_crypto::{Enctype, Key};
use support::hex;

/// The key of a password that is its own salt, as in the vectors.
fn key(enctype: Enctype, password: &str) -> Key {
    Key::from_password(enctype, password.as_bytes(), password.as_bytes(), None).unwrap()
}

#[test]
fn known_answers_of_krb_fx_cf2() {
    for (enctype, expected) in [
        (Enctype::Aes128CtsHmacSha1, "97df97e4b798b29eb31ed7280287a92a"),
        (Enctype::Aes256CtsHmacSha1, "4d6ca4e629785c1f01baf55e2e548566b9617ae3a96868c337cb93b5e72b1c7b"),
        (Enctype::Rc4Hmac, "24d7f6b6bae4e5c00d2082c5ebab3672"),
        (Enctype::Aes128CtsHmacSha256, "edd02a39d2dbde31611c16e610be062c"),
        (Enctype::Aes256CtsHmacSha384, "67f6ea530aea85a37dcbb23349ea52dcc61ca8493ff557252327fd8304341584"),
    ] {
        let combined = key(enctype, "key1").fx_cf2("a", &key(enctype, "key2"), "b");
        assert_eq!(combined.enctype(), enctype);
        assert_eq!(combined.expose(), hex(expected), "{enctype}");
    }
}

#[test]
fn the_combined_key_has_the_enctype_of_the_first_and_depends_on_both_keys_and_both_peppers() {
    let keys = Enctype::ALL.map(|enctype| ["key1", "key2", "key3"].map(|password| key(enctype, password)));
    for [one, _, other_one] in &keys {
        for [_, two, other_two] in &keys {
            let combined = one.fx_cf2("a", two, "b");
            assert_eq!((combined.enctype(), combined.expose().len()), (one.enctype(), one.expose().len()));
            for other in [
                other_one.fx_cf2("a", two, "b"),
                one.fx_cf2("a", other_two, "b"),
                one.fx_cf2("c", two, "b"),
                one.fx_cf2("a", two, "c"),
            ] {
                assert_ne!(combined, other, "{one:?} {two:?}");
            }
        }
    }
}

#[test]
fn prf_plus_counts_its_blocks_from_one() {
    // Two blocks of the function make one key of aes256-cts-hmac-sha1-96.
    let (one, two) = (key(Enctype::Aes256CtsHmacSha1, "key1"), key(Enctype::Aes256CtsHmacSha1, "key2"));
    let blocks = |key: &Key, pepper: &[u8]| -> Vec<u8> {
        (1..=2u8).flat_map(|counter| key.prf(&[&[counter], pepper].concat()).expose().to_vec()).collect()
    };
    let expected: Vec<u8> =
        blocks(&one, b"a").iter().zip(blocks(&two, b"b")).map(|(left, right)| left ^ right).collect();
    assert_eq!(one.fx_cf2("a", &two, "b").expose(), expected);
}
