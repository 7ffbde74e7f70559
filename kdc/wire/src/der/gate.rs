//! Refuses bytes that are not strict DER, with the offset and the reason.
//!
//! The decoders behind the gate trust it: they may panic on bytes that it would have refused (a length past the end, a
//! time that does not exist, an empty BIT STRING), so nothing reaches them unchecked.
//!
//! The gate is strict in what could be read in two ways or could exhaust a reader: definite and shortest lengths, no value past its
//! parent, depth and sizes, tags, one value in an explicit tag, unused bits that are zero, BOOLEANs, the one form of a time. As MIT's
//! decoder it is lenient where senders in the field differ from DER and the meaning is plain: INTEGERs that are not shortest, octets
//! after the outermost value, BIT STRINGs of any length, times before 1970.

use crate::der::calendar::days_in_month;
use crate::der::header::{self, Header, der, tag};
use crate::der::integer;
use crate::error::WireError;
use std::ops::{Deref, Range};
use zeroize::Zeroizing;

/// Longest message, in octets.
pub const MAX_LENGTH: usize = 64 * 1024;

/// Deepest nesting of values.
pub const MAX_DEPTH: usize = 16;

/// A value that has passed the gate.
#[derive(Debug, Clone, Copy)]
pub struct Passed<'a> {
    value: &'a [u8],
    /// It holds INTEGERs that decoders of 32 bits take for too long.
    has_long_integers: bool,
}

/// A value as the decoders behind the gate read it.
#[derive(Debug)]
pub enum Readable<'a> {
    /// The octets as they were sent.
    AsSent(&'a [u8]),
    /// Written again, with INTEGERs in their shortest form.
    Shortened(Zeroizing<Vec<u8>>),
}

impl Deref for Readable<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Readable::AsSent(octets) => octets,
            Readable::Shortened(octets) => octets,
        }
    }
}

impl<'a> Passed<'a> {
    /// The octets of the value, as they were sent.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        self.value
    }

    /// The value for the decoders: as sent, nearly always.
    ///
    /// # Errors
    /// None; kept so that nothing here can panic.
    pub fn readable(&self) -> Result<Readable<'a>, WireError> {
        match self.has_long_integers {
            false => Ok(Readable::AsSent(self.value)),
            true => integer::shortened(self.value).map(Readable::Shortened),
        }
    }
}

/// Checks one complete DER value that fills `bytes`: definite canonical lengths, no value past its parent, depth and
/// size limits, only universal tags that Kerberos uses, explicit tags around exactly one value, INTEGERs of at most 8 octets that
/// fit 32 bits (signed or unsigned), BIT STRINGs with zeros in the unused bits, and GeneralizedTimes of the exact form
/// `YYYYMMDDHHMMSSZ` that exist in the calendar.
///
/// # Errors
/// [`WireError::Der`] with the offset of the first octet that breaks a rule.
pub fn check(bytes: &[u8]) -> Result<(), WireError> {
    let passed = check_first(bytes)?;
    let end = passed.value.len();
    if end < bytes.len() { Err(der(end, "octets after the end of the value")) } else { Ok(()) }
}

/// Checks the value at the start of `bytes` as [`check`] does, and passes over octets after it, as MIT's decoder does.
///
/// # Errors
/// As [`check`].
pub fn check_first(bytes: &[u8]) -> Result<Passed<'_>, WireError> {
    if bytes.len() > MAX_LENGTH {
        return Err(der(MAX_LENGTH, "longer than 64 KiB"));
    }
    let mut walk = Walk { bytes, has_long_integers: false };
    let end = walk.value(0..bytes.len(), 1)?;
    Ok(Passed { value: bytes.get(..end).unwrap_or(bytes), has_long_integers: walk.has_long_integers })
}

/// Checks a decrypted plaintext as [`check`] does. Block ciphers leave zero octets after the value, which are allowed and
/// cut off.
///
/// # Errors
/// As [`check`], and for octets after the value that are not zero.
pub fn check_padded(bytes: &[u8]) -> Result<Passed<'_>, WireError> {
    let passed = check_first(bytes)?;
    let end = passed.value.len();
    match bytes.iter().skip(end).position(|octet| *octet != 0) {
        Some(at) => Err(der(end + at, "padding that is not zero")),
        None => Ok(passed),
    }
}

/// The way through a tree of values.
struct Walk<'a> {
    bytes: &'a [u8],
    has_long_integers: bool,
}

impl Walk<'_> {
    /// Checks the value at the start of `within` and returns its end.
    fn value(&mut self, within: Range<usize>, depth: usize) -> Result<usize, WireError> {
        let at = within.start;
        let value = header::read(self.bytes, at, within.end)?;
        let contents = self.bytes.get(value.start..value.end).unwrap_or_default();
        match value.tag {
            tag::SEQUENCE => self.sequence(value, depth)?,
            // Context and application tags, constructed, with a number below 31.
            0x60..=0x7e | 0xa0..=0xbe => self.explicit(value, depth)?,
            tag::INTEGER => {
                integer(contents, value.start)?;
                self.has_long_integers |= integer::is_long(contents);
            }
            tag::OCTET_STRING | tag::GENERAL_STRING => {}
            tag::GENERALIZED_TIME => generalized_time(contents, value.start)?,
            tag::BIT_STRING => bit_string(contents, value.start)?,
            tag::BOOLEAN => boolean(contents, value.start)?,
            _ => return Err(der(at, "a tag that Kerberos does not use")),
        }
        Ok(value.end)
    }

    fn sequence(&mut self, outer: Header, depth: usize) -> Result<(), WireError> {
        let mut at = outer.start;
        while at < outer.end {
            at = self.value(at..outer.end, deeper(depth, at)?)?;
        }
        Ok(())
    }

    fn explicit(&mut self, outer: Header, depth: usize) -> Result<(), WireError> {
        let end = self.value(outer.start..outer.end, deeper(depth, outer.start)?)?;
        if end != outer.end {
            return Err(der(end, "a second value inside an explicit tag"));
        }
        Ok(())
    }
}

fn deeper(depth: usize, at: usize) -> Result<usize, WireError> {
    if depth == MAX_DEPTH { Err(der(at, "nested too deeply")) } else { Ok(depth + 1) }
}

fn integer(contents: &[u8], at: usize) -> Result<(), WireError> {
    match contents {
        [] => return Err(der(at, "an empty INTEGER")),
        [_] | [_, _] | [_, _, _] | [_, _, _, _] => return Ok(()),
        longer if longer.len() > integer::MAX_OCTETS => return Err(der(at, "an INTEGER of more than eight octets")),
        _ => {}
    }
    match integer::shortest(contents) {
        [0, _, _, _, _] => Ok(()),
        short if short.len() <= 4 => Ok(()),
        _ => Err(der(at, "an INTEGER beyond 32 bits")),
    }
}

fn bit_string(contents: &[u8], at: usize) -> Result<(), WireError> {
    let (unused, octets) = contents.split_first().ok_or_else(|| der(at, "an empty BIT STRING"))?;
    if *unused > 7 {
        return Err(der(at, "a BIT STRING with more than seven unused bits"));
    }
    let mask = (1u8 << unused) - 1;
    match octets.last() {
        None if *unused != 0 => Err(der(at, "a BIT STRING with unused bits of nothing")),
        Some(last) if last & mask != 0 => Err(der(at, "a BIT STRING whose unused bits are not zero")),
        _ => Ok(()),
    }
}

fn boolean(contents: &[u8], at: usize) -> Result<(), WireError> {
    match contents {
        [0x00] | [0xff] => Ok(()),
        _ => Err(der(at, "a BOOLEAN that is neither 00 nor FF")),
    }
}

/// KerberosTime allows nothing but this form (RFC 4120, section 5.2.3): no fractions, no offsets, no leap seconds. A time before 1970
/// is one that is long past: the core refuses what follows from it, with a code that says so.
fn generalized_time(contents: &[u8], at: usize) -> Result<(), WireError> {
    let [y1, y2, y3, y4, mo1, mo2, d1, d2, h1, h2, mi1, mi2, s1, s2, b'Z'] = contents else {
        return Err(der(at, "a time that is not YYYYMMDDHHMMSSZ"));
    };
    if !contents.iter().take(14).all(u8::is_ascii_digit) {
        return Err(der(at, "a time that is not YYYYMMDDHHMMSSZ"));
    }
    let two = |tens: &u8, ones: &u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
    let (year, month, day) = (two(y1, y2) * 100 + two(y3, y4), two(mo1, mo2), two(d1, d2));
    let exists = (1..=days_in_month(year, month)).contains(&day);
    if !exists || two(h1, h2) > 23 || two(mi1, mi2) > 59 || two(s1, s2) > 59 {
        return Err(der(at, "a time that does not exist"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> (usize, &'static str) {
        match check(bytes) {
            Err(WireError::Der { offset, reason }) => (offset, reason),
            other => panic!("{bytes:02x?} gave {other:?}"),
        }
    }

    fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
        let mut value = vec![tag, u8::try_from(contents.len()).unwrap()];
        value.extend_from_slice(contents);
        value
    }

    #[test]
    fn values_of_every_kind_pass() {
        for (tag, contents) in [
            (0x01, &[0xff][..]),
            (0x02, &[0x05]),
            (0x02, &[0x80, 0, 0, 0]),
            (0x02, &[0x00, 0xff, 0xff, 0xff, 0xff]),
            (0x02, &[0x00, 0x07, 0xa1, 0x20]),
            (0x02, &[0xff, 0x80]),
            (0x02, &[0, 0, 0, 0, 0, 0, 0, 0]),
            (0x02, &[0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0]),
            (0x02, &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
            (0x03, &[0x00]),
            (0x03, &[0x00, 0x40, 0, 0, 0]),
            (0x03, &[0x07, 0x80]),
            (0x03, &[0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
            (0x03, &[7, 1, 2, 3, 4, 5, 6, 7, 8, 0x80]),
            (0x04, &[]),
            (0x18, b"20261123153100Z"),
            (0x18, b"19700101000000Z"),
            (0x18, b"99991231235959Z"),
            (0x18, b"20240229000000Z"),
            (0x18, b"19691231235959Z"),
            (0x18, b"00000101000000Z"),
            (0x1b, b"KENNEL"),
            (0x1b, &[]),
            (0x30, &[]),
            (0x30, &[0x02, 0x01, 0x00, 0x04, 0x00]),
            (0xa0, &[0x02, 0x01, 0x00]),
            (0x6a, &[0x30, 0x00]),
        ] {
            assert_eq!(check(&tlv(tag, contents)), Ok(()), "{tag:02x} {contents:02x?}");
        }
    }

    #[test]
    fn nothing_and_torn_headers_are_refused() {
        assert_eq!(refused(&[]), (0, "a value is missing"));
        assert_eq!(refused(&[0x30]), (1, "the length is missing"));
        assert_eq!(refused(&[0x30, 0x82, 0x01]), (1, "the length is torn"));
    }

    #[test]
    fn lengths_must_be_definite_and_shortest_and_fit() {
        assert_eq!(refused(&[0x30, 0x80, 0x00, 0x00]), (1, "an indefinite length"));
        assert_eq!(refused(&[0x04, 0x85, 0, 0, 0, 0, 1, 9]), (1, "a length of more than four octets"));
        assert_eq!(refused(&[0x04, 0x81, 0x01, 9]), (1, "a length that is not in its shortest form"));
        assert_eq!(refused(&[0x30, 0x03, 0x04, 0x02, 9]), (3, "the value runs past the end of what holds it"));
        // The inner value would fit the message, but not its parent.
        assert_eq!(refused(&[0x30, 0x02, 0x04, 0x02, 9, 9]), (3, "the value runs past the end of what holds it"));
    }

    #[test]
    fn octets_behind_the_value_are_refused() {
        assert_eq!(refused(&[0x04, 0x00, 0x00]), (2, "octets after the end of the value"));
    }

    #[test]
    fn octets_behind_the_value_are_passed_over_where_the_value_comes_first() {
        for behind in [&[][..], &[0x00], &[0x30, 0x80], &[0xff; 40]] {
            let bytes = [&[0x04, 0x01, 0x07][..], behind].concat();
            assert_eq!(check_first(&bytes).unwrap().value(), [0x04, 0x01, 0x07]);
        }
        assert!(check_first(&vec![0; MAX_LENGTH + 1]).is_err(), "they count to the length");
    }

    #[test]
    fn only_numbers_of_too_many_octets_are_written_again() {
        let readable = |contents: &[u8]| {
            let bytes = tlv(0x02, contents);
            let readable = check_first(&bytes).unwrap().readable().unwrap();
            (matches!(readable, Readable::AsSent(_)), readable.to_vec())
        };
        assert_eq!(readable(&[0, 0, 0, 5]), (true, vec![2, 4, 0, 0, 0, 5]));
        assert_eq!(readable(&[0, 0x80, 0, 0, 0]), (true, vec![2, 5, 0, 0x80, 0, 0, 0]));
        assert_eq!(readable(&[0, 0, 0, 0, 5]), (false, vec![2, 1, 5]));
    }

    #[test]
    fn zero_padding_is_cut_off_where_it_is_allowed() {
        assert_eq!(check_padded(&[0x04, 0x00, 0x00, 0x00]).unwrap().value(), [0x04, 0x00]);
        let refusal = WireError::Der { offset: 3, reason: "padding that is not zero" };
        assert_eq!(check_padded(&[0x04, 0x00, 0x00, 0x01]).unwrap_err(), refusal);
    }

    #[test]
    fn sixty_four_kibibytes_are_the_limit() {
        let mut bytes = vec![0x04, 0x82, 0xff, 0xfc];
        bytes.resize(MAX_LENGTH, 0);
        assert_eq!(check(&bytes), Ok(()));
        bytes.push(0);
        assert_eq!(refused(&bytes), (MAX_LENGTH, "longer than 64 KiB"));
    }

    #[test]
    fn sixteen_levels_are_the_limit() {
        let nested = |levels: usize| (1..levels).fold(tlv(0x30, &[]), |inner, _| tlv(0x30, &inner));
        assert_eq!(check(&nested(MAX_DEPTH)), Ok(()));
        assert_eq!(refused(&nested(MAX_DEPTH + 1)), (32, "nested too deeply"));
    }

    #[test]
    fn tags_that_kerberos_does_not_use_are_refused() {
        // NULL, UTF8String, SET, ENUMERATED, a primitive context tag, a high tag number, private, constructed strings.
        for tag in [0x05, 0x0c, 0x31, 0x0a, 0x80, 0xbf, 0x7f, 0x1f, 0xe0, 0x24, 0x3b, 0x40, 0x10] {
            assert_eq!(refused(&[0x30, 0x02, tag, 0x00]), (2, "a tag that Kerberos does not use"), "{tag:02x}");
        }
    }

    #[test]
    fn an_explicit_tag_holds_exactly_one_value() {
        assert_eq!(refused(&[0xa0, 0x00]), (2, "a value is missing"));
        assert_eq!(refused(&[0xa0, 0x04, 0x04, 0x00, 0x04, 0x00]), (4, "a second value inside an explicit tag"));
    }

    #[test]
    fn integers_are_of_32_bits_in_at_most_eight_octets() {
        assert_eq!(refused(&tlv(0x02, &[])), (2, "an empty INTEGER"));
        assert_eq!(refused(&tlv(0x02, &[0; 9])), (2, "an INTEGER of more than eight octets"));
        assert_eq!(refused(&tlv(0x02, &[0x01, 0, 0, 0, 0])), (2, "an INTEGER beyond 32 bits"));
        assert_eq!(refused(&tlv(0x02, &[0x00, 0x80, 0, 0, 0, 0])), (2, "an INTEGER beyond 32 bits"));
        assert_eq!(refused(&tlv(0x02, &[0xff, 0x7f, 0xff, 0xff, 0xff])), (2, "an INTEGER beyond 32 bits"));
    }

    #[test]
    fn bit_strings_have_clean_ends() {
        assert_eq!(refused(&tlv(0x03, &[])), (2, "an empty BIT STRING"));
        assert_eq!(refused(&tlv(0x03, &[8, 0])), (2, "a BIT STRING with more than seven unused bits"));
        assert_eq!(refused(&tlv(0x03, &[1])), (2, "a BIT STRING with unused bits of nothing"));
        assert_eq!(refused(&tlv(0x03, &[1, 0x01])), (2, "a BIT STRING whose unused bits are not zero"));
    }

    #[test]
    fn booleans_are_one_octet_of_zeros_or_ones() {
        for contents in [&[][..], &[1], &[0, 0]] {
            assert_eq!(refused(&tlv(0x01, contents)), (2, "a BOOLEAN that is neither 00 nor FF"));
        }
    }

    #[test]
    fn times_have_one_form() {
        for text in
            ["", "20261123153100", "20261123153100.5Z", "20261123153100+0100", "+0261123153100Z", "2026112315310 Z"]
        {
            assert_eq!(refused(&tlv(0x18, text.as_bytes())), (2, "a time that is not YYYYMMDDHHMMSSZ"), "{text}");
        }
    }

    #[test]
    fn times_exist_in_the_calendar() {
        for text in [
            "20260001000000Z",
            "20261301000000Z",
            "20260100000000Z",
            "20260229000000Z",
            "20260431000000Z",
            "20260101240000Z",
            "20260101006000Z",
            "20260101000060Z",
        ] {
            assert_eq!(refused(&tlv(0x18, text.as_bytes())), (2, "a time that does not exist"), "{text}");
        }
    }
}
