//! RFC 3962: aes128-cts-hmac-sha1-96 and aes256-cts-hmac-sha1-96. Appendix B has vectors of string-to-key (here) and CBC-CTS
//! (beside `cts`); encryptions, checksums and PRF are the known answers that MIT tests with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use kennel_crypto::{Enctype, Key};
use support::{assert_checksum, assert_decryption, hex, key};

const AES128: Enctype = Enctype::Aes128CtsHmacSha1;
const AES256: Enctype = Enctype::Aes256CtsHmacSha1;

#[test]
fn appendix_b_string_to_key() {
    let raeburn: &[u8] = b"ATHENA.MIT.EDUraeburn";
    for (iterations, password, salt, aes128, aes256) in [
        (
            1u32,
            "password".to_owned(),
            raeburn,
            "42263c6e89f4fc28b8df68ee09799f15",
            "fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161",
        ),
        (
            2,
            "password".to_owned(),
            raeburn,
            "c651bf29e2300ac27fa469d693bdda13",
            "a2e16d16b36069c135d5e9d2e25f896102685618b95914b467c67622225824ff",
        ),
        (
            1200,
            "password".to_owned(),
            raeburn,
            "4c01cd46d632d01e6dbe230a01ed642a",
            "55a6ac740ad17b4846941051e1e8b0a7548d93b0ab30a8bc3ff16280382b8c2a",
        ),
        (
            5,
            "password".to_owned(),
            &[0x12, 0x34, 0x56, 0x78, 0x78, 0x56, 0x34, 0x12],
            "e9b23d52273747dd5c35cb55be619d8e",
            "97a4e786be20d81a382d5ebc96d5909cabcdadc87ca48f574504159f16c36e31",
        ),
        (
            1200,
            "X".repeat(64),
            b"pass phrase equals block size",
            "59d1bb789a828b1aa54ef9c2883f69ed",
            "89adee3608db8bc71f1bfbfe459486b05618b70cbae22092534e56c553ba4b34",
        ),
        (
            1200,
            "X".repeat(65),
            b"pass phrase exceeds block size",
            "cb8005dc5f90179a7f02104c0018751d",
            "d78c5c9cb872a8c9dad4697f0bb5b2d21496c82beb2caeda2112fceea057401b",
        ),
        (
            50,
            "\u{1d11e}".to_owned(),
            b"EXAMPLE.COMpianist",
            "f149c1f2e154a73452d43e7fe62a56e5",
            "4b6d9839f84406df1f09cc166db4b83c571848b784a3d6bdc346589a3e393f9e",
        ),
    ] {
        for (enctype, expected) in [(AES128, aes128), (AES256, aes256)] {
            let made = Key::from_password(enctype, password.as_bytes(), salt, Some(&iterations.to_be_bytes())).unwrap();
            assert_eq!(made.expose(), hex(expected), "{enctype}, {iterations} iterations, {password}");
        }
    }
}

#[test]
fn encryption_with_aes_128() {
    for (usage, plaintext, octets, ciphertext) in [
        (0, "", "5a5c0f0ba54f3828b2195e66ca24a289", "49ff8e11c173d9583a3254fbe7b1f1df36c538e8416784a1672e6676"),
        (1, "1", "98450e3f3baa13f5c99beb936981b06f", "f86742f537b35dc2174a4dbaa920faf9042090b065e1ebb1cad9a65394"),
        (
            2,
            "9 bytesss",
            "9062430c8cda3388922e6d6a509f5b7a",
            "68fb9679601f45c78857b2bf820fd6e53eca8d42fd4b1d7024a09205abb7cd2ec26c355d2f",
        ),
        (
            3,
            "13 bytes byte",
            "033ee6502c54fd23e27791e987983827",
            "ec366d0327a933bf49330e650e49bc6b974637fe80bf532fe51795b4809718e6194724db948d1fd637",
        ),
        (
            4,
            "30 bytes bytes bytes bytes byt",
            "dceeb70b3de76562e689226c76429148",
            "c96081032d5d8eeb7e32b4089f789d0faa481dea74c0f97cbf3146ddfcf8e800\
             156ecb532fc203e30ff600b63b350939fece510f02d7ff1e7bac",
        ),
    ] {
        assert_decryption(&key(AES128, octets), usage, plaintext.as_bytes(), &hex(ciphertext));
    }
}

#[test]
fn encryption_with_aes_256() {
    for (usage, plaintext, octets, ciphertext) in [
        (
            0,
            "",
            "17f275f2954f2ed1f90c377ba7f4d6a369aa0136e0bf0c927ad6133c693759a9",
            "e5094c55ee7b38262e2b044280b069379a95bf95bd8376fb3281b435",
        ),
        (
            1,
            "1",
            "b9477e1ff0329c0050e20ce6c72d2dff27e8fe541ab0954429a9cb5b4f7b1e2a",
            "406150b97aeb76d43b36b62cc1ecdfbe6f40e95755e0beb5c27825f3a4",
        ),
        (
            2,
            "9 bytesss",
            "b1ae4cd8462aff1677053cc9279aac30b796fb81ce21474dd3ddbcfea4ec76d7",
            "09957aa25fcaf88f7b39e4406e633012d5fea21853f6478da7065caef41fd454a40824eec5",
        ),
        (
            3,
            "13 bytes byte",
            "e5a72be9b7926c1225bafef9c1872e7ba4cdb2b17893d84abd90acdd8764d966",
            "d8f1aafeec84587cc3e700a774e56651a6d693e174ec4473b5e6d96f80297a653fb818ad893e719f96",
        ),
        (
            4,
            "30 bytes bytes bytes bytes byt",
            "f1c795e9248a09338d82c3f8d5b567040b0110736845041347235b1404231398",
            "d1137a4d634cfece924dbc3bf6790648bd5cff7de0e7b99460211d0daef3d79a\
             295c688858f3b34b9cbd6eebae81daf6b734d4d498b6714f1c1d",
        ),
    ] {
        assert_decryption(&key(AES256, octets), usage, plaintext.as_bytes(), &hex(ciphertext));
    }
}

#[test]
fn checksums() {
    let aes128 = key(AES128, "9062430c8cda3388922e6d6a509f5b7a");
    assert_checksum(&aes128, 3, b"eight nine ten eleven twelve thirteen", &hex("01a4b088d45628f6946614e3"));
    let aes256 = key(AES256, "b1ae4cd8462aff1677053cc9279aac30b796fb81ce21474dd3ddbcfea4ec76d7");
    assert_checksum(&aes256, 4, b"fourteen", &hex("e08739e3279e2903ec8e3836"));
}

#[test]
fn pseudo_random_function() {
    let first = "c01f157211f7b77eaaf457c3e156690127ee127d810ba6392e97baa243eb0616";
    let second = "9d520d2d980aa7cb6b693682b62da258b333867951642ce647ae62b1e5e0b5e9";
    for (enctype, octets, input, expected) in [
        (AES128, "ae272e7cdec86ac5138cdb196d8e297d", b"\x01a", "77b39a37a868920f2a51f9dd150c5717"),
        (AES128, "67ab1cfef35e4c27ffdeac60385a3e9c", b"\x01b", "e06c0dd31ff02091994f2ef5178bfe3d"),
        (AES256, first, b"\x01a", "b2628c788e2e9c4a9bb4644678c29f2f"),
        (AES256, first, b"\x02a", "b406373350cee8a6126f4a9b65a0cd21"),
        (AES256, second, b"\x01b", "ff0e289ea756c0559a0e911856961a49"),
        (AES256, second, b"\x02b", "0d674dd0f9a6806525a4d92e828bd15a"),
    ] {
        assert_eq!(key(enctype, octets).prf(input).expose(), hex(expected), "{enctype}");
    }
}
