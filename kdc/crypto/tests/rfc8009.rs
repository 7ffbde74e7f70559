//! RFC 8009, appendix A: aes128-cts-hmac-sha256-128 and aes256-cts-hmac-sha384-192. The derivation of Kc, Ke and Ki is
//! beside `aes_sha2`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use kennel_crypto::{Enctype, Key};
use support::{assert_checksum, assert_encryption, hex, key};

const AES128: Enctype = Enctype::Aes128CtsHmacSha256;
const AES256: Enctype = Enctype::Aes256CtsHmacSha384;
const BASE_128: &str = "3705d96080c17728a0e800eab6e0d23c";
const BASE_256: &str = "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52";

/// The plaintexts of the encryptions; the last one is also what the checksums are over.
fn plaintexts() -> [Vec<u8>; 4] {
    [vec![], (0..6).collect(), (0..16).collect(), (0..21).collect()]
}

#[test]
fn string_to_key() {
    let salt = [hex("10df9dd783e5bc8acea1730e74355f61"), b"ATHENA.MIT.EDUraeburn".to_vec()].concat();
    for (enctype, expected) in [
        (AES128, "089bca48b105ea6ea77ca5d2f39dc5e7"),
        (AES256, "45bd806dbf6a833a9cffc1c94589a222367a79bc21c413718906e9f578a78467"),
    ] {
        let named = Key::from_password(enctype, b"password", &salt, Some(&32_768u32.to_be_bytes())).unwrap();
        assert_eq!(named.expose(), hex(expected), "{enctype}");
        let default = Key::from_password(enctype, b"password", &salt, None).unwrap();
        assert_eq!(default, named, "{enctype}");
    }
}

#[test]
fn encryption_with_aes_128() {
    let answers = [
        ("7e5895eaf2672435bad817f545a37148", "ef85fb890bb8472f4dab20394dca781d ad877eda39d50c870c0d5a0a8e48c718"),
        (
            "7bca285e2fd4130fb55b1a5c83bc5b24",
            "84d7f30754ed987bab0bf3506beb09cfb55402cef7e6 877ce99e247e52d16ed4421dfdf8976c",
        ),
        (
            "56ab21713ff62c0a1457200f6fa9948f",
            "3517d640f50ddc8ad3628722b3569d2ae07493fa8263254080ea65c1008e8fc2 95fb4852e7d83e1e7c48c37eebe6b0d3",
        ),
        (
            "a7a4e29a4728ce10664fb64e49ad3fac",
            "720f73b18d9859cd6ccb4346115cd336c70f58edc0c4437c5573544c31c813bce1e6d072c1 86b39a413c2f92ca9b8334a287ffcbfc",
        ),
    ];
    for (plaintext, (confounder, ciphertext)) in plaintexts().iter().zip(answers) {
        assert_encryption(&key(AES128, BASE_128), 2, &hex(confounder), plaintext, &hex(ciphertext));
    }
}

#[test]
fn encryption_with_aes_256() {
    let answers = [
        (
            "f764e9fa15c276478b2c7d0c4e5f58e4",
            "41f53fa5bfe7026d91faf9be959195a0 58707273a96a40f0a01960621ac612748b9bbfbe7eb4ce3c",
        ),
        (
            "b80d3251c1f6471494256ffe712d0b9a",
            "4ed7b37c2bcac8f74f23c1cf07e62bc7b75fb3f637b9 f559c7f664f69eab7b6092237526ea0d1f61cb20d69d10f2",
        ),
        (
            "53bf8a0d105265d4e276428624ce5e63",
            "bc47ffec7998eb91e8115cf8d19dac4bbbe2e163e87dd37f49beca92027764f6 \
             8cf51f14d798c2273f35df574d1f932e40c4ff255b36a266",
        ),
        (
            "763e65367e864f02f55153c7e3b58af1",
            "40013e2df58e8751957d2878bcd2d6fe101ccfd556cb1eae79db3c3ee86429f2b2a602ac86 \
             fef6ecb647d6295fae077a1feb517508d2c16b4192e01f62",
        ),
    ];
    for (plaintext, (confounder, ciphertext)) in plaintexts().iter().zip(answers) {
        assert_encryption(&key(AES256, BASE_256), 2, &hex(confounder), plaintext, &hex(ciphertext));
    }
}

#[test]
fn checksums() {
    let [.., data] = plaintexts();
    assert_checksum(&key(AES128, BASE_128), 2, &data, &hex("d78367186643d67b411cba9139fc1dee"));
    let expected = hex("45ee791567eefca37f4ac1e0222de80d43c3bfa06699672a");
    assert_checksum(&key(AES256, BASE_256), 2, &data, &expected);
}

#[test]
fn pseudo_random_function() {
    let aes128 = key(AES128, BASE_128).prf(b"test");
    assert_eq!(aes128.expose(), hex("9d188616f63852fe86915bb840b4a886ff3e6bb0f819b49b893393d393854295"));
    let aes256 = key(AES256, BASE_256).prf(b"test");
    let expected = "9801f69a368c2bf675e59521e177d9a07f67efe1cfde8d3c8d6f6a0256e3b17d\
                    b3c1b62ad1b8553360d17367eb1514d2";
    assert_eq!(aes256.expose(), hex(expected));
}
