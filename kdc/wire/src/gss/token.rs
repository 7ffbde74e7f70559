//! Tokens of messages (RFC 4121, section 4.2): a header of 16 octets, and what is protected with it. Here is their form; keys are in
//! `core::gss`.

use crate::error::WireError;

/// Octets of a header.
pub const HEADER: usize = 16;

bitflags::bitflags! {
    /// Flags of a header (RFC 4121, section 4.2.2).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct TokenFlags: u8 {
        /// The acceptor sent it.
        const SENT_BY_ACCEPTOR = 1;
        /// The content is encrypted.
        const SEALED = 2;
        /// The key is the sub-key that the acceptor chose.
        const ACCEPTOR_SUBKEY = 4;
    }
}

/// Header of a MIC token (RFC 4121, section 4.2.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MicHeader {
    /// Flags.
    pub flags: TokenFlags,
    /// Sequence number of the message.
    pub sequence: u64,
}

/// Header of a Wrap token (RFC 4121, section 4.2.6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrapHeader {
    /// Flags.
    pub flags: TokenFlags,
    /// Octets of filler, or of the checksum where the content is not encrypted.
    pub extra: u16,
    /// Octets by which what follows the header is rotated to the right.
    pub rotation: u16,
    /// Sequence number of the message.
    pub sequence: u64,
}

impl MicHeader {
    /// The header as octets, which the checksum covers too.
    #[must_use]
    pub fn octets(&self) -> [u8; HEADER] {
        header([0x04, 0x04], self.flags, [0xff; 4], self.sequence)
    }

    /// Splits a token into its header and its checksum.
    ///
    /// # Errors
    /// Another token, or shorter than a header.
    pub fn split(token: &[u8]) -> Result<(MicHeader, &[u8]), WireError> {
        let (flags, varying, sequence, rest) = split([0x04, 0x04], token)?;
        if varying != [0xff; 4] {
            return Err(WireError::Gss("a filler that is wrong"));
        }
        Ok((MicHeader { flags, sequence }, rest))
    }
}

impl WrapHeader {
    /// The header as octets. What is encrypted or covered by the checksum has it without rotation, and the checksum covers it
    /// without extra octets too ([`WrapHeader::without_rotation`], [`WrapHeader::plain`]).
    #[must_use]
    pub fn octets(&self) -> [u8; HEADER] {
        let ([a, b], [c, d]) = (self.extra.to_be_bytes(), self.rotation.to_be_bytes());
        header([0x05, 0x04], self.flags, [a, b, c, d], self.sequence)
    }

    /// The header as it is encrypted.
    #[must_use]
    pub fn without_rotation(self) -> WrapHeader {
        WrapHeader { rotation: 0, ..self }
    }

    /// The header as the checksum of a token covers it that is not encrypted.
    #[must_use]
    pub fn plain(self) -> WrapHeader {
        WrapHeader { extra: 0, rotation: 0, ..self }
    }

    /// Splits a token into its header and what follows, still rotated.
    ///
    /// # Errors
    /// Another token, or shorter than a header.
    pub fn split(token: &[u8]) -> Result<(WrapHeader, &[u8]), WireError> {
        let (flags, [a, b, c, d], sequence, rest) = split([0x05, 0x04], token)?;
        let (extra, rotation) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        Ok((WrapHeader { flags, extra, rotation, sequence }, rest))
    }
}

fn header(id: [u8; 2], flags: TokenFlags, varying: [u8; 4], sequence: u64) -> [u8; HEADER] {
    let ([i, d], [a, b, c, e]) = (id, varying);
    let [s0, s1, s2, s3, s4, s5, s6, s7] = sequence.to_be_bytes();
    [i, d, flags.bits(), 0xff, a, b, c, e, s0, s1, s2, s3, s4, s5, s6, s7]
}

type Parts<'a> = (TokenFlags, [u8; 4], u64, &'a [u8]);

fn split(id: [u8; 2], token: &[u8]) -> Result<Parts<'_>, WireError> {
    let (header, rest) = token.split_first_chunk::<HEADER>().ok_or(WireError::Gss("shorter than a header"))?;
    let [i, d, flags, filler, a, b, c, e, sequence @ ..] = *header;
    if [i, d] != id {
        return Err(WireError::Gss("not the token that is expected"));
    }
    if filler != 0xff {
        return Err(WireError::Gss("a filler that is wrong"));
    }
    Ok((TokenFlags::from_bits_retain(flags), [a, b, c, e], u64::from_be_bytes(sequence), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_they_are_written() {
        let mic = MicHeader { flags: TokenFlags::ACCEPTOR_SUBKEY, sequence: 0x0102_0304_0506_0708 };
        assert_eq!(mic.octets(), *b"\x04\x04\x04\xff\xff\xff\xff\xff\x01\x02\x03\x04\x05\x06\x07\x08");
        assert_eq!(MicHeader::split(&[&mic.octets()[..], b"sum"].concat()), Ok((mic, &b"sum"[..])));
        let flags = TokenFlags::SEALED | TokenFlags::SENT_BY_ACCEPTOR;
        let wrap = WrapHeader { flags, extra: 0x10, rotation: 0x1c, sequence: 9 };
        assert_eq!(wrap.octets(), *b"\x05\x04\x03\xff\x00\x10\x00\x1c\x00\x00\x00\x00\x00\x00\x00\x09");
        assert_eq!(WrapHeader::split(&wrap.octets()), Ok((wrap, &b""[..])));
    }

    #[test]
    fn fillers_numbers_and_lengths_are_checked() {
        let mic = MicHeader { flags: TokenFlags::empty(), sequence: 1 }.octets();
        assert!(WrapHeader::split(&mic).is_err() && MicHeader::split(&mic[..15]).is_err());
        for at in [0, 1, 3, 4, 7] {
            let mut other = mic;
            other[at] ^= 1;
            assert!(MicHeader::split(&other).is_err(), "octet {at}");
        }
    }
}
