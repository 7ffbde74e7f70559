//! RFC 4757: arcfour-hmac. It has no vectors of its own; these are the known answers that MIT and kerberos_crypto test
//! with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use kennel_crypto::{CryptoError, Enctype, Key, KeyUsage};
use support::{assert_checksum, assert_decryption, hex, key};

const RC4: Enctype = Enctype::Rc4Hmac;

#[test]
fn string_to_key_knows_no_salt() {
    for (password, expected) in [
        ("", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        ("admin", "209c6174da490caeb422f3fa5a7ae634"),
        ("123456789", "c22b315c040ae6e0efee3518d830362b"),
    ] {
        for salt in [&b""[..], b"EXAMPLE.COMalice"] {
            let made = Key::from_password(RC4, password.as_bytes(), salt, None).unwrap();
            assert_eq!(made.expose(), hex(expected), "{password}");
        }
    }
}

#[test]
fn a_password_that_is_not_utf_8_is_refused() {
    assert_eq!(Key::from_password(RC4, b"\xff", b"", None), Err(CryptoError::PasswordEncoding));
}

// The fourth answer is in usage 3, which RFC 4757 numbers 8.
#[test]
fn encryption() {
    for (usage, plaintext, octets, ciphertext) in [
        (0, "", "f81fec39255f5784e850c4377c88bd85", "02c1eb15586144122ec717763dd348bf00434ddc6585954c"),
        (1, "1", "67d1300d281223867f9647ff48721273", "6156e0cc04e0a0874f9fda008f498a7adbbc80b70b14dddbc0"),
        (
            2,
            "9 bytesss",
            "3e40ab6093695281b3ac1a9304224d98",
            "0f9ad121d99d4a09448e4f1f718c4f5cbe6096262c66f29df232a87c9f98755d55",
        ),
        (
            3,
            "13 bytes byte",
            "4ba2fbf0379faed87a254d3b353d5a7e",
            "612c57568b17a70352bae8cf26fb9459a6f3353cd35fd439db3107cbec765d326dfc04c1dd",
        ),
        (
            4,
            "30 bytes bytes bytes bytes byt",
            "68f263db3fce15d031c9eab02d67107a",
            "95f9047c3ad75891c2e9b04b16566dc8b6eb9ce4231afb2542ef87a7b5a0f260\
             a99f0460508de0cecc632d07c354124e46c5d2234eb8",
        ),
    ] {
        assert_decryption(&key(RC4, octets), usage, plaintext.as_bytes(), &hex(ciphertext));
    }
}

#[test]
fn checksum() {
    let signing = key(RC4, "f7d3a155af5e238a0b7a871a96ba2ab2");
    let expected = hex("eb38cc97e2230f59da4117dc5859d7ec");
    assert_checksum(&signing, 6, b"seventeen eighteen nineteen twenty", &expected);
}

#[test]
fn usages_3_and_8_are_the_same_message_and_all_others_differ() {
    let key = key(RC4, "f7d3a155af5e238a0b7a871a96ba2ab2");
    let checksum = |usage| key.checksum(KeyUsage(usage), b"data");
    assert_eq!(checksum(3), checksum(8));
    assert_ne!(checksum(8), checksum(9));
    assert_eq!(checksum(23), checksum(13));
}
