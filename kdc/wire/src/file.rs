//! Reads and writes the elements of keytabs and credential caches: big-endian integers and counted octets.

use crate::error::WireError;
use crate::message::name::{NameType, Principal, PrincipalName};
use zeroize::Zeroizing;

/// Most components of a name in a file.
const MAX_COMPONENTS: usize = 32;

/// Reads from the front; every error carries the offset.
pub(crate) struct Reader<'a> {
    file: &'static str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(file: &'static str, bytes: &'a [u8]) -> Reader<'a> {
        Reader { file, bytes, at: 0 }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Returns an error at the current offset.
    pub(crate) fn wrong(&self, reason: &'static str) -> WireError {
        WireError::File { file: self.file, offset: self.at, reason }
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let end = self.at.checked_add(count).ok_or_else(|| self.wrong("torn"))?;
        let taken = self.bytes.get(self.at..end).ok_or_else(|| self.wrong("torn"))?;
        self.at = end;
        Ok(taken)
    }

    /// Splits off a reader of the next `count` octets; this reader continues behind them.
    pub(crate) fn part(&mut self, count: usize) -> Result<Reader<'a>, WireError> {
        let start = self.at;
        self.take(count)?;
        Ok(Reader { file: self.file, bytes: self.bytes.get(..self.at).unwrap_or_default(), at: start })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let taken = self.take(N)?;
        <[u8; N]>::try_from(taken).map_err(|_| self.wrong("torn"))
    }

    pub(crate) fn u8(&mut self) -> Result<u8, WireError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, WireError> {
        self.array().map(u16::from_be_bytes)
    }

    /// Reads a type number of 16 bits, which may be negative.
    pub(crate) fn type_number(&mut self) -> Result<i32, WireError> {
        self.array().map(|octets| i32::from(i16::from_be_bytes(octets)))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, WireError> {
        self.array().map(i32::from_be_bytes)
    }

    /// Reads octets behind a count of 16 bits.
    pub(crate) fn counted16(&mut self) -> Result<&'a [u8], WireError> {
        let count = self.u16()?;
        self.take(usize::from(count))
    }

    /// Reads octets behind a count of 32 bits.
    pub(crate) fn counted32(&mut self) -> Result<&'a [u8], WireError> {
        let count = self.u32()?;
        self.take(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Reads a name: a realm, then `count` components, each with `counted`. The caller supplies `name_type`.
    pub(crate) fn principal(
        &mut self,
        count: usize,
        counted: impl Fn(&mut Self) -> Result<&'a [u8], WireError>,
    ) -> Result<Principal, WireError> {
        if count > MAX_COMPONENTS {
            return Err(self.wrong("a name of more than 32 components"));
        }
        let text = |reader: &mut Self| {
            let octets = counted(reader)?;
            let text = std::str::from_utf8(octets).map_err(|_| reader.wrong("a name that is not UTF-8"))?;
            Ok(text.to_owned())
        };
        let realm = text(self)?;
        let components = (0..count).map(|_| text(self)).collect::<Result<_, _>>()?;
        Ok(Principal::new(PrincipalName { name_type: NameType::UNKNOWN, components }, realm))
    }
}

/// Writes at the end of a buffer. The buffer holds keys, so every allocation is zeroized, also an outgrown one.
#[derive(Default)]
pub(crate) struct Appender(Zeroizing<Vec<u8>>);

impl Appender {
    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        if self.0.capacity() - self.0.len() < bytes.len() {
            let mut larger = Zeroizing::new(Vec::with_capacity((self.0.len() + bytes.len()) * 2));
            larger.extend_from_slice(&self.0);
            // The outgrown buffer is zeroized here.
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    /// Writes a type number in 16 bits; a larger number loses its upper half, as in other programs that write these files.
    pub(crate) fn type_number(&mut self, value: i32) {
        self.u16(value as u16);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.bytes(&value.to_be_bytes());
    }

    /// Writes octets behind a count of 16 bits, cut at the highest count.
    pub(crate) fn counted16(&mut self, octets: &[u8]) {
        let count = u16::try_from(octets.len()).unwrap_or(u16::MAX);
        self.u16(count);
        self.bytes(octets.get(..usize::from(count)).unwrap_or_default());
    }

    /// Writes octets behind a count of 32 bits, cut at the highest count.
    pub(crate) fn counted32(&mut self, octets: &[u8]) {
        let count = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        self.u32(count);
        self.bytes(octets.get(..usize::try_from(count).unwrap_or(usize::MAX)).unwrap_or_default());
    }

    /// Writes seconds in 32 bits, unsigned (until 2106), clamped.
    pub(crate) fn time(&mut self, seconds: i64) {
        self.u32(u32::try_from(seconds.max(0)).unwrap_or(u32::MAX));
    }
}
