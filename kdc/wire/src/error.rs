//! Why bytes are refused.

/// Why bytes were refused. No variant carries content of the message, only positions and names of rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The DER gate refused the bytes.
    #[error("not strict DER at offset {offset}: {reason}")]
    Der {
        /// Offset of the offending octet.
        offset: usize,
        /// The rule that is broken.
        reason: &'static str,
    },
    /// Strict DER, but not the message that was asked for.
    #[error("not a valid {message}: {reason}")]
    Message {
        /// ASN.1 name of the type, such as `KDC-REQ`.
        message: &'static str,
        /// The rule that the bytes break.
        reason: &'static str,
    },
    /// A file (keytab, credential cache) is torn or of another format.
    #[error("not a valid {file} at offset {offset}: {reason}")]
    File {
        /// Kind of file.
        file: &'static str,
        /// Offset of the offending octet.
        offset: usize,
        /// The rule that the bytes break.
        reason: &'static str,
    },
    /// A file of text has a line that cannot be read.
    #[error("not a valid {file} in line {line}: {reason}")]
    Line {
        /// Kind of file.
        file: &'static str,
        /// Number of the line, from 1.
        line: usize,
        /// The rule that the line breaks.
        reason: &'static str,
    },
    /// A call or a reply of ONC RPC, or an argument in it (XDR, RFC 4506).
    #[error("not valid XDR at offset {offset}: {reason}")]
    Xdr {
        /// Offset of the offending octet.
        offset: usize,
        /// The rule that the bytes break.
        reason: &'static str,
    },
    /// A token of GSS-API (RFC 2743, RFC 4121).
    #[error("not a valid GSS token: {0}")]
    Gss(&'static str),
    /// A principal or realm name that cannot be read.
    #[error("not a valid principal name: {0}")]
    Name(&'static str),
}
