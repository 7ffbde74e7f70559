//! Refuses bytes that are not strict DER, with the offset and the reason.
//!
//! The decoders behind the gate trust it: they may panic on bytes that it would have refused (a length past the end, a
//! time that does not exist, an empty BIT STRING), so nothing reaches them unchecked.

use crate::der::calendar::days_in_month;
use crate::der::header::{self, Header, der, tag};
use crate::error::WireError;
use std::ops::Range;

/// Longest message, in octets.
pub const MAX_LENGTH: usize = 64 * 1024;

/// Deepest nesting of values.
pub const MAX_DEPTH: usize = 16;

/// Checks one complete DER value that fills `bytes`: definite canonical lengths, no value past its parent, depth and
/// size limits, only universal tags that Kerberos uses, explicit tags around exactly one value, INTEGERs of the shortest
/// form that fit 32 bits (signed or unsigned), BIT STRINGs of at most 64 bits with zeros in the unused ones, and
/// GeneralizedTimes of the exact form `YYYYMMDDHHMMSSZ` that exist in the calendar, from 1970 on.
///
/// # Errors
/// [`WireError::Der`] with the offset of the first octet that breaks a rule.
pub fn check(bytes: &[u8]) -> Result<(), WireError> {
    let end = first_value(bytes)?;
    if end < bytes.len() {
        return Err(der(end, "octets after the end of the value"));
    }
    Ok(())
}

/// Checks a decrypted plaintext as [`check`] does. Block ciphers leave zero octets after the value, which are allowed and
/// cut off. Returns the value.
///
/// # Errors
/// As [`check`], and for octets after the value that are not zero.
pub fn check_padded(bytes: &[u8]) -> Result<&[u8], WireError> {
    let end = first_value(bytes)?;
    let (value, padding) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
    match padding.iter().position(|octet| *octet != 0) {
        Some(at) => Err(der(end + at, "padding that is not zero")),
        None => Ok(value),
    }
}

/// Checks the value at the start of `bytes` and returns its end.
fn first_value(bytes: &[u8]) -> Result<usize, WireError> {
    if bytes.len() > MAX_LENGTH {
        return Err(der(MAX_LENGTH, "longer than 64 KiB"));
    }
    value(bytes, 0..bytes.len(), 1)
}

/// Checks the value at the start of `within` and returns its end.
fn value(bytes: &[u8], within: Range<usize>, depth: usize) -> Result<usize, WireError> {
    let at = within.start;
    let value = header::read(bytes, at, within.end)?;
    let contents = bytes.get(value.start..value.end).unwrap_or_default();
    match value.tag {
        tag::SEQUENCE => sequence(bytes, value, depth)?,
        // Context and application tags, constructed, with a number below 31.
        0x60..=0x7e | 0xa0..=0xbe => explicit(bytes, value, depth)?,
        tag::INTEGER => integer(contents, value.start)?,
        tag::OCTET_STRING | tag::GENERAL_STRING => {}
        tag::GENERALIZED_TIME => generalized_time(contents, value.start)?,
        tag::BIT_STRING => bit_string(contents, value.start)?,
        tag::BOOLEAN => boolean(contents, value.start)?,
        _ => return Err(der(at, "a tag that Kerberos does not use")),
    }
    Ok(value.end)
}

fn sequence(bytes: &[u8], outer: Header, depth: usize) -> Result<(), WireError> {
    let mut at = outer.start;
    while at < outer.end {
        at = value(bytes, at..outer.end, deeper(depth, at)?)?;
    }
    Ok(())
}

fn explicit(bytes: &[u8], outer: Header, depth: usize) -> Result<(), WireError> {
    let end = value(bytes, outer.start..outer.end, deeper(depth, outer.start)?)?;
    if end != outer.end {
        return Err(der(end, "a second value inside an explicit tag"));
    }
    Ok(())
}

fn deeper(depth: usize, at: usize) -> Result<usize, WireError> {
    if depth == MAX_DEPTH { Err(der(at, "nested too deeply")) } else { Ok(depth + 1) }
}

fn integer(contents: &[u8], at: usize) -> Result<(), WireError> {
    match contents {
        [] => Err(der(at, "an empty INTEGER")),
        [0, next, ..] if next & 0x80 == 0 => Err(der(at, "an INTEGER that is not in its shortest form")),
        [0xff, next, ..] if next & 0x80 != 0 => Err(der(at, "an INTEGER that is not in its shortest form")),
        [_] | [_, _] | [_, _, _] | [_, _, _, _] | [0, _, _, _, _] => Ok(()),
        _ => Err(der(at, "an INTEGER beyond 32 bits")),
    }
}

fn bit_string(contents: &[u8], at: usize) -> Result<(), WireError> {
    let (unused, octets) = contents.split_first().ok_or_else(|| der(at, "an empty BIT STRING"))?;
    if *unused > 7 {
        return Err(der(at, "a BIT STRING with more than seven unused bits"));
    }
    if octets.len() > 8 {
        return Err(der(at, "a BIT STRING of more than 64 bits"));
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

/// KerberosTime allows nothing but this form (RFC 4120, section 5.2.3): no fractions, no offsets, no leap seconds.
fn generalized_time(contents: &[u8], at: usize) -> Result<(), WireError> {
    let [y1, y2, y3, y4, mo1, mo2, d1, d2, h1, h2, mi1, mi2, s1, s2, b'Z'] = contents else {
        return Err(der(at, "a time that is not YYYYMMDDHHMMSSZ"));
    };
    if !contents.iter().take(14).all(u8::is_ascii_digit) {
        return Err(der(at, "a time that is not YYYYMMDDHHMMSSZ"));
    }
    let two = |tens: &u8, ones: &u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
    let (year, month, day) = (two(y1, y2) * 100 + two(y3, y4), two(mo1, mo2), two(d1, d2));
    if year < 1970 {
        return Err(der(at, "a time before 1970"));
    }
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
            (0x03, &[0x00]),
            (0x03, &[0x00, 0x40, 0, 0, 0]),
            (0x03, &[0x07, 0x80]),
            (0x03, &[0x00, 1, 2, 3, 4, 5, 6, 7, 8]),
            (0x04, &[]),
            (0x18, b"20261123153100Z"),
            (0x18, b"19700101000000Z"),
            (0x18, b"99991231235959Z"),
            (0x18, b"20240229000000Z"),
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
    fn zero_padding_is_cut_off_where_it_is_allowed() {
        assert_eq!(check_padded(&[0x04, 0x00, 0x00, 0x00]), Ok(&[0x04, 0x00][..]));
        let refusal = WireError::Der { offset: 3, reason: "padding that is not zero" };
        assert_eq!(check_padded(&[0x04, 0x00, 0x00, 0x01]), Err(refusal));
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
    fn integers_are_canonical_and_of_32_bits() {
        let shortest = "an INTEGER that is not in its shortest form";
        assert_eq!(refused(&tlv(0x02, &[])), (2, "an empty INTEGER"));
        assert_eq!(refused(&tlv(0x02, &[0x00, 0x7f])), (2, shortest));
        assert_eq!(refused(&tlv(0x02, &[0xff, 0x80])), (2, shortest));
        assert_eq!(refused(&tlv(0x02, &[0x01, 0, 0, 0, 0])), (2, "an INTEGER beyond 32 bits"));
        assert_eq!(refused(&tlv(0x02, &[0x00, 0x80, 0, 0, 0, 0])), (2, "an INTEGER beyond 32 bits"));
        assert_eq!(refused(&tlv(0x02, &[0xff, 0x7f, 0xff, 0xff, 0xff])), (2, "an INTEGER beyond 32 bits"));
    }

    #[test]
    fn bit_strings_have_at_most_64_bits_and_clean_ends() {
        assert_eq!(refused(&tlv(0x03, &[])), (2, "an empty BIT STRING"));
        assert_eq!(refused(&tlv(0x03, &[8, 0])), (2, "a BIT STRING with more than seven unused bits"));
        assert_eq!(refused(&tlv(0x03, &[1])), (2, "a BIT STRING with unused bits of nothing"));
        assert_eq!(refused(&tlv(0x03, &[1, 0x01])), (2, "a BIT STRING whose unused bits are not zero"));
        assert_eq!(refused(&tlv(0x03, &[0; 10])), (2, "a BIT STRING of more than 64 bits"));
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
        assert_eq!(refused(&tlv(0x18, b"19691231235959Z")), (2, "a time before 1970"));
    }
}
