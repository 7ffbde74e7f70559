//! Initial tokens (RFC 2743, section 3.1) of the Kerberos mechanism: a tag, the OID, and a message of RFC 4120 behind its number.

use crate::error::WireError;

/// DER of the OID 1.2.840.113554.1.2.2, with its tag and length.
const KERBEROS: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02];
/// Tag of an initial token: application 0, constructed.
const INITIAL: u8 = 0x60;
/// cksumtype of the checksum field (RFC 4121, section 4.1.1).
pub const CHECKSUM_TYPE: i32 = 0x8003;
/// Octets of channel bindings in that field.
const BINDINGS: usize = 16;

/// Number of the message in an initial token (RFC 4121, section 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of RFC 4120 say it")]
pub enum TokenId {
    ApReq,
    ApRep,
    KrbError,
}

impl TokenId {
    const fn octets(self) -> [u8; 2] {
        match self {
            TokenId::ApReq => [1, 0],
            TokenId::ApRep => [2, 0],
            TokenId::KrbError => [3, 0],
        }
    }
}

/// Takes a message of this number out of an initial token.
///
/// # Errors
/// Another mechanism, another message, or lengths that do not agree with the octets.
pub fn decode(token: &[u8], id: TokenId) -> Result<&[u8], WireError> {
    let rest = token.strip_prefix(&[INITIAL]).ok_or(WireError::Gss("not an initial token"))?;
    let content = definite(rest)?;
    let message = content.strip_prefix(&KERBEROS).ok_or(WireError::Gss("not of the Kerberos mechanism"))?;
    message.strip_prefix(&id.octets()).ok_or(WireError::Gss("not the message that is expected"))
}

/// An initial token around a message.
#[must_use]
pub fn encode(id: TokenId, message: &[u8]) -> Vec<u8> {
    let length = KERBEROS.len() + id.octets().len() + message.len();
    let mut token = vec![INITIAL];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => token.push(short),
        _ => {
            let octets = length.to_be_bytes();
            let significant = octets.iter().position(|octet| *octet != 0).unwrap_or_default();
            let octets = octets.get(significant..).unwrap_or_default();
            token.push(0x80 | u8::try_from(octets.len()).unwrap_or_default());
            token.extend_from_slice(octets);
        }
    }
    token.extend_from_slice(&KERBEROS);
    token.extend_from_slice(&id.octets());
    token.extend_from_slice(message);
    token
}

/// The content behind a definite length of DER, which must end where the octets end.
fn definite(octets: &[u8]) -> Result<&[u8], WireError> {
    const WRONG: WireError = WireError::Gss("a length that does not agree with the octets");
    let (first, rest) = octets.split_first().ok_or(WRONG)?;
    let (length, content) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (octets, content) = rest.split_at_checked(usize::from(first & 0x7f)).ok_or(WRONG)?;
            (octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), content)
        }
        _ => return Err(WRONG),
    };
    if content.len() == length { Ok(content) } else { Err(WRONG) }
}

bitflags::bitflags! {
    /// What an initiator asks for (RFC 4121, section 4.1.1.1).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct ContextFlags: u32 {
        /// Delegation; a message with credentials follows.
        const DELEG = 1;
        /// The acceptor proves itself.
        const MUTUAL = 2;
        /// Repeated messages are noticed.
        const REPLAY = 4;
        /// Messages out of order are noticed.
        const SEQUENCE = 8;
        /// Messages may be encrypted.
        const CONF = 16;
        /// Messages may be protected.
        const INTEG = 32;
    }
}

/// Reads the checksum field of an authenticator. Channel bindings are not asked for, so their content does not matter; delegated
/// credentials behind the flags are left alone.
///
/// # Errors
/// Shorter than its fixed part, or bindings of another length.
pub fn context_flags(checksum: &[u8]) -> Result<ContextFlags, WireError> {
    const WRONG: WireError = WireError::Gss("a checksum field that is torn");
    let (length, rest) = checksum.split_first_chunk::<4>().ok_or(WRONG)?;
    let (_, rest) = rest.split_at_checked(BINDINGS).ok_or(WRONG)?;
    let flags = rest.first_chunk::<4>().ok_or(WRONG)?;
    if u32::from_le_bytes(*length) as usize != BINDINGS {
        return Err(WRONG);
    }
    Ok(ContextFlags::from_bits_retain(u32::from_le_bytes(*flags)))
}

/// The checksum field of an authenticator without channel bindings.
#[must_use]
pub fn checksum_field(flags: ContextFlags) -> Vec<u8> {
    let mut field = (BINDINGS as u32).to_le_bytes().to_vec();
    field.extend_from_slice(&[0; BINDINGS]);
    field.extend_from_slice(&flags.bits().to_le_bytes());
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_out_of_the_token_around_it() {
        for length in [0, 1, 100, 114, 115, 300, 70_000] {
            let message = vec![7; length];
            let token = encode(TokenId::ApReq, &message);
            assert_eq!(decode(&token, TokenId::ApReq), Ok(&message[..]), "{length}");
            assert!(decode(&token, TokenId::ApRep).is_err());
            assert!(decode(&token[..token.len() - 1], TokenId::ApReq).is_err());
            assert!(decode(&[&token[..], b"x"].concat(), TokenId::ApReq).is_err());
        }
        assert_eq!(encode(TokenId::ApRep, b"r"), b"\x60\x0e\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x02\0r");
    }

    #[test]
    fn another_mechanism_and_an_indefinite_length_are_refused() {
        let mut token = encode(TokenId::ApReq, b"x");
        token[12] ^= 1;
        assert!(decode(&token, TokenId::ApReq).is_err());
        assert!(decode(b"\x60\x80\x06\x09", TokenId::ApReq).is_err());
        assert!(decode(b"\x60\xff", TokenId::ApReq).is_err());
        assert!(decode(b"", TokenId::ApReq).is_err());
    }

    #[test]
    fn the_checksum_field_has_16_octets_of_bindings_and_the_flags() {
        let flags = ContextFlags::MUTUAL | ContextFlags::REPLAY;
        let field = checksum_field(flags);
        assert_eq!(field.len(), 24);
        assert_eq!(context_flags(&field), Ok(flags));
        assert_eq!(context_flags(&[&field[..], b"delegated"].concat()), Ok(flags));
        assert!(context_flags(&field[..23]).is_err());
        let mut other = field;
        other[0] = 17;
        assert!(context_flags(&other).is_err());
    }
}
