//! What can go wrong with keys.

/// Why an operation was refused. Says nothing about keys or plaintexts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The key does not have the length of its enctype.
    #[error("a key of {enctype} has {expected} octets, not {actual}")]
    KeyLength {
        /// Name of the enctype.
        enctype: &'static str,
        /// Octets that it has.
        expected: usize,
        /// Octets that were given.
        actual: usize,
    },
    /// Ciphertext shorter than confounder and tag.
    #[error("ciphertext is too short")]
    TooShort,
    /// The tag does not match: wrong key, wrong usage, or changed octets.
    #[error("integrity check failed")]
    Integrity,
    /// A checksum type that does not go with the key.
    #[error("checksum type {0} does not go with the key")]
    ChecksumType(i32),
    /// String-to-key parameters that are malformed or out of bounds (iterations).
    #[error("string-to-key parameters are not acceptable")]
    StringToKeyParameters,
    /// A password for an enctype that wants text (RC4: UTF-16) which is not UTF-8.
    #[error("the password is not UTF-8")]
    PasswordEncoding,
    /// A master key file that cannot be read.
    #[error("not a master key: {0}")]
    MasterKey(&'static str),
}
