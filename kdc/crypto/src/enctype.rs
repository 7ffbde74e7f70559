//! Enctypes and checksum types by name and number.

use std::fmt;

/// An encryption type that Kennel knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Enctype {
    /// aes128-cts-hmac-sha1-96 (17, RFC 3962).
    Aes128CtsHmacSha1,
    /// aes256-cts-hmac-sha1-96 (18, RFC 3962).
    Aes256CtsHmacSha1,
    /// aes128-cts-hmac-sha256-128 (19, RFC 8009).
    Aes128CtsHmacSha256,
    /// aes256-cts-hmac-sha384-192 (20, RFC 8009).
    Aes256CtsHmacSha384,
    /// arcfour-hmac (23, RFC 4757); refused unless a realm permits it.
    Rc4Hmac,
}

impl Enctype {
    /// All of them, strongest first: the order in which keys are offered.
    pub const ALL: [Enctype; 5] = [
        Enctype::Aes256CtsHmacSha384,
        Enctype::Aes128CtsHmacSha256,
        Enctype::Aes256CtsHmacSha1,
        Enctype::Aes128CtsHmacSha1,
        Enctype::Rc4Hmac,
    ];

    /// Returns the enctype with this assigned number.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Enctype> {
        Enctype::ALL.into_iter().find(|e| e.number() == number)
    }

    /// Returns the enctype with this name: MIT's canonical name or one of its aliases (`aes256-cts`, `aes256-sha2`,
    /// `rc4-hmac`, ...), case-insensitive.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Enctype> {
        let is = |candidate: &str| candidate.eq_ignore_ascii_case(name);
        Enctype::ALL.into_iter().find(|enctype| is(enctype.name()) || enctype.aliases().iter().any(|alias| is(alias)))
    }

    /// Assigned number.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Enctype::Aes128CtsHmacSha1 => 17,
            Enctype::Aes256CtsHmacSha1 => 18,
            Enctype::Aes128CtsHmacSha256 => 19,
            Enctype::Aes256CtsHmacSha384 => 20,
            Enctype::Rc4Hmac => 23,
        }
    }

    /// Canonical name, as in MIT's klist.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Enctype::Aes128CtsHmacSha1 => "aes128-cts-hmac-sha1-96",
            Enctype::Aes256CtsHmacSha1 => "aes256-cts-hmac-sha1-96",
            Enctype::Aes128CtsHmacSha256 => "aes128-cts-hmac-sha256-128",
            Enctype::Aes256CtsHmacSha384 => "aes256-cts-hmac-sha384-192",
            Enctype::Rc4Hmac => "arcfour-hmac",
        }
    }

    /// MIT's other names of the enctype.
    const fn aliases(self) -> &'static [&'static str] {
        match self {
            Enctype::Aes128CtsHmacSha1 => &["aes128-cts", "aes128-sha1"],
            Enctype::Aes256CtsHmacSha1 => &["aes256-cts", "aes256-sha1"],
            Enctype::Aes128CtsHmacSha256 => &["aes128-sha2"],
            Enctype::Aes256CtsHmacSha384 => &["aes256-sha2"],
            Enctype::Rc4Hmac => &["rc4-hmac", "arcfour-hmac-md5"],
        }
    }

    /// Octets of a key.
    #[must_use]
    pub const fn key_length(self) -> usize {
        match self {
            Enctype::Aes128CtsHmacSha1 | Enctype::Aes128CtsHmacSha256 | Enctype::Rc4Hmac => 16,
            Enctype::Aes256CtsHmacSha1 | Enctype::Aes256CtsHmacSha384 => 32,
        }
    }

    /// The mandatory checksum type.
    #[must_use]
    pub const fn checksum_type(self) -> ChecksumType {
        match self {
            Enctype::Aes128CtsHmacSha1 => ChecksumType::HmacSha1Aes128,
            Enctype::Aes256CtsHmacSha1 => ChecksumType::HmacSha1Aes256,
            Enctype::Aes128CtsHmacSha256 => ChecksumType::HmacSha256Aes128,
            Enctype::Aes256CtsHmacSha384 => ChecksumType::HmacSha384Aes256,
            Enctype::Rc4Hmac => ChecksumType::HmacMd5Rc4,
        }
    }
}

impl fmt::Display for Enctype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A keyed checksum type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChecksumType {
    /// hmac-sha1-96-aes128 (15).
    HmacSha1Aes128,
    /// hmac-sha1-96-aes256 (16).
    HmacSha1Aes256,
    /// hmac-sha256-128-aes128 (19).
    HmacSha256Aes128,
    /// hmac-sha384-192-aes256 (20).
    HmacSha384Aes256,
    /// HMAC-MD5 of RFC 4757 (-138).
    HmacMd5Rc4,
}

impl ChecksumType {
    /// Assigned number.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            ChecksumType::HmacSha1Aes128 => 15,
            ChecksumType::HmacSha1Aes256 => 16,
            ChecksumType::HmacSha256Aes128 => 19,
            ChecksumType::HmacSha384Aes256 => 20,
            ChecksumType::HmacMd5Rc4 => -138,
        }
    }
}
