//! What must hold for every key, usage and text, whatever the enctype.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use kennel_crypto::{CryptoError, Enctype, Key, KeyUsage, MasterKey};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

fn enctype() -> impl Strategy<Value = Enctype> {
    proptest::sample::select(Enctype::ALL.to_vec())
}

fn text(most: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..=most)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_sealed_opens(enctype in enctype(), usage in 0u32..2000, text in text(1500), seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let key = Key::generate(enctype, &mut rng).prepare(KeyUsage(usage));
        let sealed = key.seal(&text, &mut rng);
        prop_assert_eq!(sealed.len(), key.header_length() + text.len() + key.trailer_length());
        prop_assert_eq!(&*key.open(&sealed).unwrap(), &text);
        prop_assert_ne!(key.seal(&text, &mut rng), sealed, "the confounder is random");
    }

    #[test]
    fn in_place_and_into_a_vector_are_the_same(enctype in enctype(), text in text(300), seed: u64) {
        let key = Key::generate(enctype, &mut StdRng::seed_from_u64(seed)).prepare(KeyUsage::TICKET);
        let mut region = [vec![0xEE; key.header_length()], text.clone(), vec![0xEE; key.trailer_length()]].concat();
        key.seal_in_place(&mut region, &mut StdRng::seed_from_u64(seed)).unwrap();
        prop_assert_eq!(&region, &key.seal(&text, &mut StdRng::seed_from_u64(seed)));
        prop_assert_eq!(&*key.open_in_place(&mut region).unwrap(), &text);
    }

    #[test]
    fn octets_that_nobody_sealed_are_refused(enctype in enctype(), octets in text(300), seed: u64) {
        let key = Key::generate(enctype, &mut StdRng::seed_from_u64(seed)).prepare(KeyUsage::AS_REP);
        let shortest = key.header_length() + key.trailer_length();
        let expected = if octets.len() < shortest { CryptoError::TooShort } else { CryptoError::Integrity };
        prop_assert_eq!(key.open(&octets), Err(expected));
    }

    #[test]
    fn a_checksum_holds_for_its_key_usage_and_data_alone(enctype in enctype(), data in text(300), seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let key = Key::generate(enctype, &mut rng);
        let number = enctype.checksum_type().number();
        let checksum = key.checksum(KeyUsage::AS_REQ, &data);
        let verify = |key: &Key, usage, data: &[u8], checksum: &[u8]| key.verify_checksum(usage, data, number, checksum);
        prop_assert_eq!(verify(&key, KeyUsage::AS_REQ, &data, &checksum), Ok(()));
        let other = Key::generate(enctype, &mut rng);
        prop_assert_eq!(verify(&other, KeyUsage::AS_REQ, &data, &checksum), Err(CryptoError::Integrity));
        prop_assert_eq!(verify(&key, KeyUsage::KRB_PRIV, &data, &checksum), Err(CryptoError::Integrity));
        let longer = [&data[..], &[0]].concat();
        prop_assert_eq!(verify(&key, KeyUsage::AS_REQ, &longer, &checksum), Err(CryptoError::Integrity));
        for length in 0..checksum.len() {
            prop_assert_eq!(
                verify(&key, KeyUsage::AS_REQ, &data, &checksum[..length]),
                Err(CryptoError::Integrity),
                "a checksum cut to {} octets", length
            );
        }
    }

    #[test]
    fn what_is_wrapped_unwraps_under_the_same_name_alone(name in text(40), record in text(600), seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let key = MasterKey::generate(&mut rng);
        let wrapped = key.wrap(&name, &record, &mut rng);
        prop_assert_eq!(&*key.unwrap(&name, &wrapped).unwrap(), &record);
        let other_name = [&name[..], b"x"].concat();
        prop_assert_eq!(key.unwrap(&other_name, &wrapped), Err(CryptoError::Integrity));
        let other_key = MasterKey::generate(&mut rng);
        prop_assert_eq!(other_key.unwrap(&name, &wrapped), Err(CryptoError::Integrity));
    }
}

#[test]
fn every_length_up_to_a_hundred_round_trips() {
    let mut rng = StdRng::seed_from_u64(1);
    for enctype in Enctype::ALL {
        let key = Key::generate(enctype, &mut rng).prepare(KeyUsage::TICKET);
        for length in 0..=100 {
            let text: Vec<u8> = (0..length).collect();
            let sealed = key.seal(&text, &mut rng);
            assert_eq!(*key.open(&sealed).unwrap(), text, "{enctype}, {length} octets");
        }
    }
}

#[test]
fn any_flipped_bit_is_refused() {
    let mut rng = StdRng::seed_from_u64(2);
    for enctype in Enctype::ALL {
        let key = Key::generate(enctype, &mut rng).prepare(KeyUsage::TICKET);
        for length in [0, 1, 15, 16, 17, 40] {
            let sealed = key.seal(&vec![0x61; length], &mut rng);
            for bit in 0..sealed.len() * 8 {
                let mut flipped = sealed.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(key.open(&flipped), Err(CryptoError::Integrity), "{enctype}, {length} octets, bit {bit}");
            }
        }
    }
}

#[test]
fn any_cut_is_refused() {
    let mut rng = StdRng::seed_from_u64(3);
    for enctype in Enctype::ALL {
        let key = Key::generate(enctype, &mut rng).prepare(KeyUsage::TICKET);
        let sealed = key.seal(&[0x61; 50], &mut rng);
        let shortest = key.header_length() + key.trailer_length();
        for length in 0..sealed.len() {
            let expected = if length < shortest { CryptoError::TooShort } else { CryptoError::Integrity };
            assert_eq!(key.open(&sealed[..length]), Err(expected.clone()), "{enctype}, {length} octets");
            if length < shortest {
                assert_eq!(key.seal_in_place(&mut sealed[..length].to_vec(), &mut rng), Err(expected));
            }
        }
    }
}

#[test]
fn another_usage_and_another_key_are_refused() {
    let mut rng = StdRng::seed_from_u64(4);
    for enctype in Enctype::ALL {
        let key = Key::generate(enctype, &mut rng);
        let sealed = key.prepare(KeyUsage::TICKET).seal(b"text", &mut rng);
        assert_eq!(key.prepare(KeyUsage::AS_REP).open(&sealed), Err(CryptoError::Integrity), "{enctype}");
        let other = Key::generate(enctype, &mut rng);
        assert_eq!(other.prepare(KeyUsage::TICKET).open(&sealed), Err(CryptoError::Integrity), "{enctype}");
    }
}
