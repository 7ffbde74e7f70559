//! AD-AUTHENTICATION-INDICATOR (RFC 8129): names for the ways in which a client proved who it is.

use crate::der::header::{self, der, tag};
use crate::der::writer::Writer;
use crate::error::WireError;

/// Most indicators of one element.
const MOST: usize = 32;

/// AD-AUTHENTICATION-INDICATOR ::= SEQUENCE OF UTF8String: the contents of an
/// [`ad_type::AUTHENTICATION_INDICATOR`](crate::message::ad_type::AUTHENTICATION_INDICATOR) element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuthenticationIndicators(pub Vec<String>);

impl AuthenticationIndicators {
    /// Decodes DER.
    ///
    /// # Errors
    /// Not strict DER, not a sequence of UTF8String, or more than 32 of them.
    pub fn decode(octets: &[u8]) -> Result<AuthenticationIndicators, WireError> {
        let whole = header::read(octets, 0, octets.len())?;
        if whole.tag != tag::SEQUENCE || whole.end != octets.len() {
            return Err(der(0, "not a sequence of authentication indicators"));
        }
        let (mut indicators, mut at) = (Vec::new(), whole.start);
        while at < whole.end {
            let one = header::read(octets, at, whole.end)?;
            let text = octets.get(one.start..one.end).and_then(|text| std::str::from_utf8(text).ok());
            match text {
                Some(text) if one.tag == tag::UTF8_STRING && indicators.len() < MOST => {
                    indicators.push(text.to_owned());
                }
                _ => return Err(der(at, "not an authentication indicator, or one too many")),
            }
            at = one.end;
        }
        Ok(AuthenticationIndicators(indicators))
    }

    /// DER of the sequence.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(64);
        writer.sequence(|w| self.0.iter().rev().for_each(|indicator| w.utf8_string(indicator)));
        writer.into_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indicators(texts: &[&str]) -> AuthenticationIndicators {
        AuthenticationIndicators(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn indicators_are_written_and_read_as_utf8_strings() {
        let der = b"\x30\x10\x0c\x04fast\x0c\x08\xc3\xbcberall";
        let read = indicators(&["fast", "überall"]);
        assert_eq!((read.encode(), AuthenticationIndicators::decode(der)), (der.to_vec(), Ok(read)));
        assert_eq!(AuthenticationIndicators::decode(&[0x30, 0]), Ok(indicators(&[])));
    }

    #[test]
    fn what_is_no_sequence_of_utf8_strings_is_refused() {
        for wrong in
            [&b""[..], b"\x31\x00", b"\x30\x00x", b"\x30\x03\x1b\x01a", b"\x30\x03\x0c\x01\xff", b"\x30\x03\x0c\x02a"]
        {
            assert!(AuthenticationIndicators::decode(wrong).is_err(), "{wrong:?}");
        }
        let of = |count| AuthenticationIndicators(vec![String::new(); count]);
        assert_eq!(AuthenticationIndicators::decode(&of(MOST).encode()), Ok(of(MOST)));
        assert!(AuthenticationIndicators::decode(&of(MOST + 1).encode()).is_err());
    }
}
