//! Secrets do not show, and nothing is accepted that should not be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use kennel_crypto::{ChecksumType, CryptoError, Enctype, Key, KeyUsage, MasterKey, SecretBytes};
use rand::SeedableRng;
use rand::rngs::StdRng;

const DIGITS: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

#[test]
fn debug_shows_no_secret() {
    let key = Key::new(Enctype::Aes128CtsHmacSha1, &[0xAB; 16]).unwrap();
    assert_eq!(format!("{key:?}"), "Key(aes128-cts-hmac-sha1-96)");
    assert_eq!(format!("{:?}", key.prepare(KeyUsage::TICKET)), "PreparedKey(aes128-cts-hmac-sha1-96)");
    let checksum = key.prepare_checksum(KeyUsage::AS_REQ);
    assert_eq!(format!("{checksum:?}"), "PreparedChecksum(aes128-cts-hmac-sha1-96)");
    assert_eq!(format!("{:?}", SecretBytes::new(vec![0xAB; 16])), "SecretBytes(<16 octets>)");
    let master = MasterKey::from_text(&format!("kennel-master-key-v1 {DIGITS}")).unwrap();
    assert_eq!(format!("{master:?}"), format!("MasterKey({})", master.id()));
}

#[test]
fn keys_are_equal_by_enctype_and_octets() {
    let key = |enctype, octet| Key::new(enctype, &[octet; 16]).unwrap();
    assert_eq!(key(Enctype::Rc4Hmac, 1), key(Enctype::Rc4Hmac, 1));
    assert_ne!(key(Enctype::Rc4Hmac, 1), key(Enctype::Rc4Hmac, 2));
    assert_ne!(key(Enctype::Rc4Hmac, 1), key(Enctype::Aes128CtsHmacSha1, 1));
    assert_eq!(SecretBytes::new(vec![1, 2]), SecretBytes::new(vec![1, 2]));
    assert_ne!(SecretBytes::new(vec![1, 2]), SecretBytes::new(vec![1, 3]));
    assert_ne!(SecretBytes::new(vec![1, 2]), SecretBytes::new(vec![1]));
}

#[test]
fn a_key_has_the_length_of_its_enctype() {
    for enctype in Enctype::ALL {
        for length in (0..=64).filter(|length| *length != enctype.key_length()) {
            let expected =
                CryptoError::KeyLength { enctype: enctype.name(), expected: enctype.key_length(), actual: length };
            assert_eq!(Key::new(enctype, &vec![0; length]), Err(expected));
        }
    }
}

#[test]
fn generated_keys_differ() {
    let mut rng = StdRng::seed_from_u64(5);
    for enctype in Enctype::ALL {
        let key = Key::generate(enctype, &mut rng);
        assert_eq!(key.expose().len(), enctype.key_length());
        assert_ne!(key, Key::generate(enctype, &mut rng));
    }
}

#[test]
fn string_to_key_refuses_parameters_out_of_bounds() {
    let from = |enctype, parameters: &[u8]| Key::from_password(enctype, b"password", b"salt", Some(parameters));
    let refused = Err(CryptoError::StringToKeyParameters);
    for enctype in Enctype::ALL {
        for parameters in [&[][..], &[0, 0, 1], &[0, 0, 0, 0], &[0, 0, 0, 0, 1], &[0, 15, 66, 65], &[255; 4]] {
            if enctype == Enctype::Rc4Hmac && parameters.is_empty() {
                assert!(from(enctype, parameters).is_ok(), "RC4 has no parameters: none are fine");
            } else {
                assert_eq!(from(enctype, parameters), refused, "{enctype} {parameters:?}");
            }
        }
    }
    assert_eq!(from(Enctype::Rc4Hmac, &[0, 0, 16, 0]), refused);
}

#[test]
fn a_checksum_of_another_type_is_refused() {
    let mut rng = StdRng::seed_from_u64(6);
    for enctype in Enctype::ALL {
        let key = Key::generate(enctype, &mut rng);
        let checksum = key.checksum(KeyUsage::AS_REQ, b"data");
        // CRC-32, MD4, MD5 and SHA-1 without a key, and every keyed type of another enctype.
        let keyed = Enctype::ALL.map(|other| other.checksum_type().number());
        for number in [1, 2, 7, 14, 10].into_iter().chain(keyed).filter(|n| *n != enctype.checksum_type().number()) {
            let verified = key.verify_checksum(KeyUsage::AS_REQ, b"data", number, &checksum);
            assert_eq!(verified, Err(CryptoError::ChecksumType(number)), "{enctype}");
        }
    }
    assert_eq!(ChecksumType::HmacMd5Rc4.number(), -138);
}

#[test]
fn enctypes_are_known_by_every_name_that_mit_has_for_them() {
    for (names, number) in [
        (&["aes128-cts-hmac-sha1-96", "aes128-cts", "aes128-sha1"][..], 17),
        (&["aes256-cts-hmac-sha1-96", "aes256-cts", "AES256-SHA1"], 18),
        (&["aes128-cts-hmac-sha256-128", "aes128-sha2"], 19),
        (&["aes256-cts-hmac-sha384-192", "aes256-sha2"], 20),
        (&["arcfour-hmac", "rc4-hmac", "arcfour-hmac-md5", "RC4-HMAC"], 23),
    ] {
        for name in names {
            assert_eq!(Enctype::from_name(name).map(Enctype::number), Some(number), "{name}");
            assert_eq!(Enctype::from_number(number), Enctype::from_name(name), "{name}");
        }
    }
    for name in ["", "aes", "des3-cbc-sha1", "aes256-cts ", "camellia256-cts"] {
        assert_eq!(Enctype::from_name(name), None, "{name}");
    }
}

#[test]
fn a_master_key_comes_back_from_its_text() {
    let mut rng = StdRng::seed_from_u64(7);
    let key = MasterKey::generate(&mut rng);
    let read = MasterKey::from_text(&key.expose_text()).unwrap();
    assert_eq!(read.id(), key.id());
    assert_eq!(*read.unwrap(b"name", &key.wrap(b"name", b"record", &mut rng)).unwrap(), b"record");
    let given = MasterKey::from_text(&format!("\n kennel-master-key-v1 {}  \n", DIGITS.to_uppercase())).unwrap();
    assert_eq!(*given.expose_text(), format!("kennel-master-key-v1 {DIGITS}\n"));
}

#[test]
fn the_id_of_a_master_key_stays_the_same_between_versions() {
    // HMAC-SHA256 of "kennel master key id", computed with Python's hmac; stored beside the records, so it must not move.
    let key = MasterKey::from_text(&format!("kennel-master-key-v1 {DIGITS}")).unwrap();
    assert_eq!(key.id(), "788c23c8d2f29abe");
}

#[test]
fn a_text_that_is_not_a_master_key_is_refused() {
    for text in [
        "".to_owned(),
        "kennel-master-key-v1".to_owned(),
        "kennel-master-key-v1 ".to_owned(),
        DIGITS.to_owned(),
        format!("kennel-master-key-v2 {DIGITS}"),
        format!("kennel-master-key-v1{DIGITS}"),
        format!("kennel-master-key-v1  {DIGITS}"),
        format!("kennel-master-key-v1 {DIGITS}00"),
        format!("kennel-master-key-v1 {}", &DIGITS[1..]),
        format!("kennel-master-key-v1 {}", DIGITS.replace('a', "g")),
        format!("kennel-master-key-v1 {}", DIGITS.replace("0a", "+a")),
        format!("kennel-master-key-v1 {DIGITS}\nkennel-master-key-v1 {DIGITS}"),
    ] {
        let refused = MasterKey::from_text(&text);
        assert!(matches!(refused, Err(CryptoError::MasterKey(_))), "{text:?}");
    }
}

#[test]
fn a_master_key_authenticates_the_same_message_alike_and_no_other() {
    let text = |last| format!("kennel-master-key-v1 {}{last}", &DIGITS[..63]);
    let [key, same, other] = ['0', '0', '1'].map(|last| MasterKey::from_text(&text(last)).unwrap());
    let tag = key.authenticate(&[b"mess", b"age"]);
    assert_eq!(tag, same.authenticate(&[b"message"]));
    assert_ne!(tag, same.authenticate(&[b"messagf"]));
    assert_ne!(tag, other.authenticate(&[b"message"]));
}

#[test]
fn a_record_that_was_changed_or_cut_is_refused() {
    let mut rng = StdRng::seed_from_u64(8);
    let key = MasterKey::generate(&mut rng);
    let wrapped = key.wrap(b"name", b"record", &mut rng);
    assert_eq!(wrapped.len(), 28 + 6);
    assert_ne!(key.wrap(b"name", b"record", &mut rng), wrapped, "the nonce is random");
    for bit in 0..wrapped.len() * 8 {
        let mut flipped = wrapped.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(key.unwrap(b"name", &flipped), Err(CryptoError::Integrity), "bit {bit}");
    }
    for length in 0..wrapped.len() {
        let expected = if length < 28 { CryptoError::TooShort } else { CryptoError::Integrity };
        assert_eq!(key.unwrap(b"name", &wrapped[..length]), Err(expected), "{length} octets");
    }
}
