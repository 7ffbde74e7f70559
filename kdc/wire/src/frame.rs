//! TCP framing (RFC 4120, section 7.2.2): four octets of length, big-endian, the high bit reserved and zero.

/// Octets of the length in front of a message.
pub const PREFIX: usize = 4;

/// Prefixes a message with its length. A message has less than 2^31 octets.
#[must_use]
pub fn encode(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    debug_assert!(length < RESERVED_BIT, "a message of 2 GiB");
    let mut framed = Vec::with_capacity(PREFIX + message.len());
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(message);
    framed
}

/// Meaning of a length prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// A message of this many octets follows.
    Length(usize),
    /// The high bit is set (reserved for extensions; RFC 4120 answers KRB_ERR_FIELD_TOOLONG).
    Reserved,
    /// Longer than `limit`, or zero.
    OutOfRange,
}

const RESERVED_BIT: u32 = 1 << 31;

/// Reads a prefix; `limit` is the longest message that is accepted.
#[must_use]
pub fn prefix(header: [u8; PREFIX], limit: usize) -> Prefix {
    let value = u32::from_be_bytes(header);
    if value & RESERVED_BIT != 0 {
        return Prefix::Reserved;
    }
    match usize::try_from(value) {
        Ok(length) if (1..=limit).contains(&length) => Prefix::Length(length),
        _ => Prefix::OutOfRange,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_gets_its_length_in_front() {
        assert_eq!(encode(b"abc"), b"\0\0\0\x03abc");
        assert_eq!(prefix([0, 0, 0, 3], 100), Prefix::Length(3));
    }

    #[test]
    fn the_limit_is_the_longest_message_that_is_accepted() {
        assert_eq!(prefix([0, 0, 1, 0], 256), Prefix::Length(256));
        assert_eq!(prefix([0, 0, 1, 1], 256), Prefix::OutOfRange);
        assert_eq!(prefix([0, 0, 0, 0], 256), Prefix::OutOfRange);
    }

    #[test]
    fn the_high_bit_is_reserved() {
        assert_eq!(prefix([0x80, 0, 0, 1], 256), Prefix::Reserved);
        assert_eq!(prefix([0xff; 4], usize::MAX), Prefix::Reserved);
    }
}
