//! Reads the header (tag and length) of one DER value, for the gate and for decoders that need positions.

use crate::error::WireError;

/// Tag octets that Kerberos uses (X.690, section 8.1.2); context and application tags are always constructed.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const GENERAL_STRING: u8 = 0x1b;
    pub(crate) const SEQUENCE: u8 = 0x30;

    pub(crate) const fn application(number: u8) -> u8 {
        0x60 | number
    }

    pub(crate) const fn context(number: u8) -> u8 {
        0xa0 | number
    }
}

/// Where a value lies: the contents are `start..end` of the bytes that it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) tag: u8,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

pub(crate) fn der(offset: usize, reason: &'static str) -> WireError {
    WireError::Der { offset, reason }
}

/// Reads the header at `at`; the value must end at or before `limit`, which is at most `bytes.len()`.
///
/// # Errors
/// [`WireError::Der`]: torn, or a length that is not definite and the shortest form.
pub(crate) fn read(bytes: &[u8], at: usize, limit: usize) -> Result<Header, WireError> {
    let bytes = bytes.get(..limit).unwrap_or(bytes);
    let tag = *bytes.get(at).ok_or_else(|| der(at, "a value is missing"))?;
    let first = *bytes.get(at + 1).ok_or_else(|| der(at + 1, "the length is missing"))?;
    let (length, start) = if first < 0x80 { (usize::from(first), at + 2) } else { long_length(bytes, at + 1, first)? };
    let end = start.saturating_add(length);
    if end > bytes.len() {
        return Err(der(at + 1, "the value runs past the end of what holds it"));
    }
    Ok(Header { tag, start, end })
}

/// Reads a length in the long form: the low bits of `first` are the number of octets of length that follow at `at + 1`.
/// Returns the length and the start of the contents.
fn long_length(bytes: &[u8], at: usize, first: u8) -> Result<(usize, usize), WireError> {
    let count = usize::from(first & 0x7f);
    if count == 0 {
        return Err(der(at, "an indefinite length"));
    }
    if count > 4 {
        return Err(der(at, "a length of more than four octets"));
    }
    let start = at + 1 + count;
    let octets = bytes.get(at + 1..start).ok_or_else(|| der(at, "the length is torn"))?;
    // Four octets always fit into a usize of 32 bits or more.
    let length = octets.iter().fold(0usize, |length, octet| length << 8 | usize::from(*octet));
    if octets.first() == Some(&0) || length < 0x80 {
        return Err(der(at, "a length that is not in its shortest form"));
    }
    Ok((length, start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_lengths_are_read() {
        assert_eq!(read(&[0x04, 0x01, 0xff], 0, 3), Ok(Header { tag: 4, start: 2, end: 3 }));
        let mut long = vec![0x04, 0x82, 0x01, 0x00];
        long.resize(260, 7);
        assert_eq!(read(&long, 0, 260), Ok(Header { tag: 4, start: 4, end: 260 }));
    }

    #[test]
    fn lengths_that_are_not_the_shortest_form_are_refused() {
        for bytes in [&[0x04, 0x81, 0x01, 0xff][..], &[0x04, 0x82, 0x00, 0x80], &[0x04, 0x80, 0x00, 0x00]] {
            assert!(read(bytes, 0, bytes.len()).is_err());
        }
    }

    #[test]
    fn a_value_may_not_run_past_its_limit() {
        assert_eq!(read(&[0x04, 0x02, 0xff, 0xff], 0, 3), Err(der(1, "the value runs past the end of what holds it")));
        assert!(read(&[0x04, 0x84, 0xff, 0xff, 0xff, 0xff], 0, 6).is_err());
    }
}
