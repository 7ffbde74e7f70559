//! Strings: octets behind their count, NUL at the end included. A count of 0 is a string that is missing.

use crate::error::WireError;
use crate::message::Principal;
use crate::xdr::{XdrReader, XdrWriter};

/// Longest name of a principal as text, octets, NUL included: every octet of the longest name may be escaped.
const MAX_NAME: usize = 4_200;
/// Longest other string, octets, NUL included.
pub(super) const MAX_STRING: usize = 32_768;

/// Octets of the shortest string.
pub(super) const LEAST: usize = 4;

/// Reads a string without its NUL.
pub(super) fn octets<'a>(reader: &mut XdrReader<'a>, limit: usize) -> Result<Option<&'a [u8]>, WireError> {
    let Some((last, octets)) = reader.opaque(limit)?.split_last() else { return Ok(None) };
    // CVE-2015-8629: a string without its end.
    if *last != 0 || octets.contains(&0) {
        return Err(reader.wrong("a string that does not end in its one NUL"));
    }
    Ok(Some(octets))
}

/// Reads text.
pub(super) fn read(reader: &mut XdrReader<'_>) -> Result<Option<String>, WireError> {
    let Some(octets) = octets(reader, MAX_STRING)? else { return Ok(None) };
    let text = std::str::from_utf8(octets).map_err(|_| reader.wrong("text that is not UTF-8"))?;
    Ok(Some(text.to_owned()))
}

/// Reads text that must be there.
pub(super) fn required(reader: &mut XdrReader<'_>) -> Result<String, WireError> {
    read(reader)?.ok_or_else(|| reader.wrong("text is missing"))
}

/// Writes a string.
pub(super) fn write(writer: &mut XdrWriter, octets: Option<&[u8]>) {
    match octets {
        None => writer.u32(0),
        Some(octets) => {
            let mut terminated = zeroize::Zeroizing::new(Vec::with_capacity(octets.len() + 1));
            terminated.extend_from_slice(octets);
            terminated.push(0);
            writer.opaque(&terminated);
        }
    }
}

/// Reads a principal as text with its realm.
pub(super) fn optional_principal(reader: &mut XdrReader<'_>) -> Result<Option<Principal>, WireError> {
    let Some(octets) = octets(reader, MAX_NAME)? else { return Ok(None) };
    let text = std::str::from_utf8(octets).map_err(|_| reader.wrong("a name that is not UTF-8"))?;
    Ok(Some(Principal::parse(text, "")?))
}

/// Reads a principal that must be there.
pub(super) fn principal(reader: &mut XdrReader<'_>) -> Result<Principal, WireError> {
    optional_principal(reader)?.ok_or_else(|| reader.wrong("a principal is missing"))
}

/// Writes a principal as text.
pub(super) fn write_principal(writer: &mut XdrWriter, principal: Option<&Principal>) {
    write(writer, principal.map(ToString::to_string).as_deref().map(str::as_bytes));
}
