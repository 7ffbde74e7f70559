//! Why an operation with a key fails.

/// Why an operation was refused. No variant carries a key or a plaintext.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The key does not have the length of its enctype.
    #[error("a key of {enctype} has {expected} octets, not {actual}")]
    KeyLength {
        /// Name of the enctype.
        enctype: &'static str,
        /// Length that the enctype requires, octets.
        expected: usize,
        /// Length of the given key, octets.
        actual: usize,
    },
    /// Ciphertext shorter than confounder and tag.
    #[error("ciphertext is too short")]
    TooShort,
    /// The tag does not match: wrong key, wrong usage, or changed octets.
    #[error("integrity check failed")]
    Integrity,
    /// A checksum type that is not the one of the key's enctype.
    #[error("checksum type {0} is not the one of the key's enctype")]
    ChecksumType(i32),
    /// String-to-key parameters that are malformed or out of bounds (iterations).
    #[error("string-to-key parameters are not acceptable")]
    StringToKeyParameters,
    /// A password that is not UTF-8, for an enctype that needs text (RC4: UTF-16).
    #[error("the password is not UTF-8")]
    PasswordEncoding,
    /// A cost of a passphrase that is out of bounds.
    #[error("the cost of the passphrase is out of bounds")]
    PassphraseCost,
    /// A master key file that cannot be read.
    #[error("not a master key: {0}")]
    MasterKey(&'static str),
}
