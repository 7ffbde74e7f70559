//! The nonce of a request and of its reply.

use crate::der::header::tag;
use crate::der::integer;
use crate::der::writer::Writer;
use red_asn1::{Asn1Object, Tag};
use std::fmt;

/// Most octets that are kept of an INTEGER.
const MAX_OCTETS: usize = 8;

/// A nonce as the octets of its INTEGER. RFC 4120 has UInt32, which is never negative; macOS, Heimdal and others send 32 bits of any
/// sign, and compare the reply with what they sent: a KDC returns the octets, whatever number they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Nonce {
    octets: [u8; MAX_OCTETS],
    length: u8,
}

impl Nonce {
    /// Reads the contents of an INTEGER of 1 to 8 octets.
    pub(crate) fn new(contents: &[u8]) -> Option<Nonce> {
        let mut octets = [0; MAX_OCTETS];
        octets.get_mut(..contents.len())?.copy_from_slice(contents);
        let length = u8::try_from(contents.len()).ok().filter(|length| *length > 0)?;
        Some(Nonce { octets, length })
    }

    /// The lowest 32 bits: the same number whether a sender took them for signed or unsigned.
    #[must_use]
    pub fn value(self) -> u32 {
        let sign = if self.contents().first().is_some_and(|first| first & 0x80 != 0) { u32::MAX } else { 0 };
        self.contents().iter().fold(sign, |value, octet| value << 8 | u32::from(*octet))
    }

    /// Writes the INTEGER in front of what `w` holds.
    pub(crate) fn write(self, w: &mut Writer) {
        w.bytes(self.contents());
        w.header(tag::INTEGER, self.contents().len());
    }

    fn contents(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or_default()
    }
}

/// The form of RFC 4120: never negative.
impl From<u32> for Nonce {
    fn from(value: u32) -> Nonce {
        let [a, b, c, d] = value.to_be_bytes();
        let octets = [0, a, b, c, d];
        Nonce::new(integer::shortest(&octets)).unwrap_or_default()
    }
}

/// The form of senders that take a nonce for a signed number.
impl From<i32> for Nonce {
    fn from(value: i32) -> Nonce {
        let octets = value.to_be_bytes();
        Nonce::new(integer::shortest(&octets)).unwrap_or_default()
    }
}

/// Zero.
impl Default for Nonce {
    fn default() -> Nonce {
        Nonce { octets: [0; MAX_OCTETS], length: 1 }
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nonce({:02x?})", self.contents())
    }
}

impl Asn1Object for Nonce {
    fn tag() -> Tag {
        i32::tag()
    }

    fn build_value(&self) -> Vec<u8> {
        self.contents().to_vec()
    }

    fn parse_value(&mut self, raw: &[u8]) -> red_asn1::Result<()> {
        *self = Nonce::new(raw).ok_or_else(|| red_asn1::Error::IncorrectValue("no nonce".into()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_form_of_rfc_4120() {
        for (value, contents) in [
            (0u32, &[0x00][..]),
            (0x7f, &[0x7f]),
            (0x80, &[0x00, 0x80]),
            (0x7fff_ffff, &[0x7f, 0xff, 0xff, 0xff]),
            (0x8000_0000, &[0x00, 0x80, 0, 0, 0]),
            (u32::MAX, &[0x00, 0xff, 0xff, 0xff, 0xff]),
        ] {
            let nonce = Nonce::from(value);
            assert_eq!((nonce.contents(), nonce.value()), (contents, value));
            assert_eq!(Nonce::parse(&nonce.build()).unwrap().1, nonce);
        }
    }

    #[test]
    fn other_forms_of_a_number_are_kept_as_they_are() {
        for (contents, value) in [
            (&[0xfe][..], 0xffff_fffe),
            (&[0x80, 0, 0, 0], 0x8000_0000),
            (&[0xff, 0xff, 0xff, 0xfe], 0xffff_fffe),
            (&[0x00, 0x00, 0x07], 7),
            (&[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe], 0xffff_fffe),
        ] {
            let nonce = Nonce::new(contents).unwrap();
            assert_eq!(nonce.value(), value);
            let mut writer = Writer::default();
            nonce.write(&mut writer);
            assert_eq!(writer.as_slice()[2..], *contents);
        }
        assert_eq!(Nonce::new(&[]), None);
        assert_eq!(Nonce::new(&[1; 9]), None);
        assert_eq!(Nonce::default(), Nonce::from(0u32));
        assert_eq!((Nonce::from(-2i32).contents(), Nonce::from(200i32).contents()), (&[0xfe][..], &[0, 200][..]));
    }
}
