//! Against kerberos_crypto, which was written by others: each side accepts what the other makes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use kennel_crypto::{Enctype, Key, KeyUsage};
use kerberos_crypto::{AesSizes, KerberosCipher, checksum_hmac_md5, checksum_sha_aes, new_kerberos_cipher};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// The enctypes that kerberos_crypto has.
fn enctype() -> impl Strategy<Value = Enctype> {
    proptest::sample::select(vec![Enctype::Aes128CtsHmacSha1, Enctype::Aes256CtsHmacSha1, Enctype::Rc4Hmac])
}

/// All usages but those that RFC 4757 numbers otherwise, which kerberos_crypto leaves to its caller.
fn usage() -> impl Strategy<Value = u32> {
    (0u32..1100).prop_filter("numbered otherwise by RFC 4757", |usage| ![3, 23].contains(usage))
}

fn reference(enctype: Enctype) -> Box<dyn KerberosCipher> {
    new_kerberos_cipher(enctype.number()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn they_open_what_we_seal(
        enctype in enctype(),
        usage in usage(),
        text in proptest::collection::vec(any::<u8>(), 0..200),
        seed: u64,
    ) {
        let mut rng = StdRng::seed_from_u64(seed);
        let key = Key::generate(enctype, &mut rng);
        let sealed = key.prepare(KeyUsage(usage)).seal(&text, &mut rng);
        prop_assert_eq!(reference(enctype).decrypt(key.expose(), usage as i32, &sealed).unwrap(), text);
    }

    #[test]
    fn we_open_what_they_seal(
        enctype in enctype(),
        usage in usage(),
        text in proptest::collection::vec(any::<u8>(), 0..200),
        seed: u64,
    ) {
        let key = Key::generate(enctype, &mut StdRng::seed_from_u64(seed));
        let sealed = reference(enctype).encrypt(key.expose(), usage as i32, &text);
        prop_assert_eq!(&*key.prepare(KeyUsage(usage)).open(&sealed).unwrap(), &text);
    }

    #[test]
    fn checksums_agree(
        enctype in enctype(),
        usage in usage(),
        data in proptest::collection::vec(any::<u8>(), 0..200),
        seed: u64,
    ) {
        let key = Key::generate(enctype, &mut StdRng::seed_from_u64(seed));
        let theirs = match enctype {
            Enctype::Aes128CtsHmacSha1 => checksum_sha_aes(key.expose(), usage as i32, &data, &AesSizes::Aes128),
            Enctype::Aes256CtsHmacSha1 => checksum_sha_aes(key.expose(), usage as i32, &data, &AesSizes::Aes256),
            _ => checksum_hmac_md5(key.expose(), usage as i32, &data),
        };
        prop_assert_eq!(key.checksum(KeyUsage(usage), &data), theirs);
    }
}

proptest! {
    // 4,096 iterations of PBKDF2 each, on both sides.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn string_to_key_agrees(enctype in enctype(), password in "\\PC{0,80}", salt in "\\PC{0,40}") {
        let ours = Key::from_password(enctype, password.as_bytes(), salt.as_bytes(), None).unwrap();
        prop_assert_eq!(ours.expose(), reference(enctype).generate_key_from_string(&password, salt.as_bytes()));
    }
}
