//! Enctypes as objects name them.

use crate::crd::schema::without_description;
use kennel_crypto::Enctype;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An encryption type by its name in the registry of RFC 3961. The cluster chooses among those of AES alone; the KDC's configuration may
/// permit RC4 besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = without_description)]
pub enum AesEnctype {
    /// Number 20, RFC 8009.
    #[serde(rename = "aes256-cts-hmac-sha384-192")]
    Aes256Sha384,
    /// Number 19, RFC 8009.
    #[serde(rename = "aes128-cts-hmac-sha256-128")]
    Aes128Sha256,
    /// Number 18, RFC 3962.
    #[serde(rename = "aes256-cts-hmac-sha1-96")]
    Aes256Sha1,
    /// Number 17, RFC 3962.
    #[serde(rename = "aes128-cts-hmac-sha1-96")]
    Aes128Sha1,
}

impl From<AesEnctype> for Enctype {
    fn from(name: AesEnctype) -> Enctype {
        match name {
            AesEnctype::Aes256Sha384 => Enctype::Aes256CtsHmacSha384,
            AesEnctype::Aes128Sha256 => Enctype::Aes128CtsHmacSha256,
            AesEnctype::Aes256Sha1 => Enctype::Aes256CtsHmacSha1,
            AesEnctype::Aes128Sha1 => Enctype::Aes128CtsHmacSha1,
        }
    }
}
