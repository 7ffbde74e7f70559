//! TCP framing (RFC 4120, section 7.2.2): four octets of length, big-endian, the high bit reserved and zero.

/// Prefixes a message with its length.
#[must_use]
pub fn encode(_message: &[u8]) -> Vec<u8> {
    todo!()
}

/// What a length prefix says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// A message of so many octets follows.
    Length(usize),
    /// The high bit is set (reserved for extensions; RFC 4120 answers KRB_ERR_FIELD_TOOLONG).
    Reserved,
    /// Longer than `limit`, or zero.
    OutOfRange,
}

/// Reads a prefix; `limit` is the longest message that is accepted.
#[must_use]
pub fn prefix(_header: [u8; 4], _limit: usize) -> Prefix {
    todo!()
}
