//! The primitives of XDR (RFC 4506): big-endian words of four octets, and octets behind their count, padded to whole words.
//!
//! The reader allocates nothing by a count that a peer sent: octets are borrowed from the message, and an array may only have as many
//! elements as the rest of the message can hold.

use crate::error::WireError;
use crate::file::Appender;
use zeroize::Zeroizing;

/// Octets of a word.
pub const WORD: usize = 4;

/// Reads from the front; every error carries the offset.
#[derive(Debug, Clone)]
pub struct XdrReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> XdrReader<'a> {
    /// A reader of a whole message.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> XdrReader<'a> {
        XdrReader { bytes, at: 0 }
    }

    /// Offset of the next octet.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Octets that are not read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Returns an error at the current offset.
    #[must_use]
    pub fn wrong(&self, reason: &'static str) -> WireError {
        WireError::Xdr { offset: self.at, reason }
    }

    /// Reads an unsigned integer.
    ///
    /// # Errors
    /// The message ends.
    pub fn u32(&mut self) -> Result<u32, WireError> {
        let word = self.rest().first_chunk().copied().ok_or_else(|| self.wrong("the message ends in a word"))?;
        self.at += WORD;
        Ok(u32::from_be_bytes(word))
    }

    /// Reads a signed integer.
    ///
    /// # Errors
    /// The message ends.
    pub fn i32(&mut self) -> Result<i32, WireError> {
        Ok(self.u32()?.cast_signed())
    }

    /// Reads a boolean: 0 or 1.
    ///
    /// # Errors
    /// The message ends, or another number.
    pub fn bool(&mut self) -> Result<bool, WireError> {
        match self.u32()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.wrong("a boolean that is neither 0 nor 1")),
        }
    }

    /// Reads octets behind their count, at most `limit` of them. The content of the padding does not matter.
    ///
    /// # Errors
    /// The count is above the limit, or above the rest of the message.
    pub fn opaque(&mut self, limit: usize) -> Result<&'a [u8], WireError> {
        let count = self.u32()? as usize;
        if count > limit {
            return Err(self.wrong("more octets than this field may have"));
        }
        let octets = self.rest().get(..count).ok_or_else(|| self.wrong("a count above the rest of the message"))?;
        let padded = count.next_multiple_of(WORD);
        if self.rest().len() < padded {
            return Err(self.wrong("the padding is missing"));
        }
        self.at += padded;
        Ok(octets)
    }

    /// Reads the number of elements of an array: at most `limit`, and no more than the rest of the message holds where each takes
    /// `least` octets.
    ///
    /// # Errors
    /// A higher count.
    pub fn count(&mut self, limit: usize, least: usize) -> Result<usize, WireError> {
        let count = self.u32()? as usize;
        if count > limit || count > self.rest().len() / least.max(1) {
            return Err(self.wrong("more elements than this array may have"));
        }
        Ok(count)
    }

    /// Reads an array, element by element.
    ///
    /// # Errors
    /// Those of [`XdrReader::count`] and of an element.
    pub fn array<T>(
        &mut self,
        limit: usize,
        least: usize,
        mut element: impl FnMut(&mut Self) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        let count = self.count(limit, least)?;
        (0..count).map(|_| element(self)).collect()
    }

    /// Ends the message.
    ///
    /// # Errors
    /// Octets are left.
    pub fn finish(self) -> Result<(), WireError> {
        if self.rest().is_empty() { Ok(()) } else { Err(self.wrong("octets behind the end")) }
    }
}

/// Writes at the end of a buffer, which is zeroized when dropped: arguments and results carry passwords and keys.
#[derive(Default)]
pub struct XdrWriter(Appender);

impl XdrWriter {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> XdrWriter {
        XdrWriter::default()
    }

    /// What was written.
    #[must_use]
    pub fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0.finish()
    }

    /// Writes an unsigned integer.
    pub fn u32(&mut self, value: u32) {
        self.0.u32(value);
    }

    /// Writes a signed integer.
    pub fn i32(&mut self, value: i32) {
        self.0.i32(value);
    }

    /// Writes a boolean.
    pub fn bool(&mut self, value: bool) {
        self.u32(value.into());
    }

    /// Writes octets behind their count, padded with zeroes. The count is that of [`XdrWriter::count`].
    pub fn opaque(&mut self, octets: &[u8]) {
        self.count(octets.len());
        self.0.bytes(octets);
        let padding = octets.len().next_multiple_of(WORD) - octets.len();
        self.0.bytes([0; WORD].get(..padding).unwrap_or_default());
    }

    /// Writes the number of elements that follow. No message of ours reaches 4 GiB, where the number would not fit.
    pub fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// Writes octets that are XDR already.
    pub fn raw(&mut self, octets: &[u8]) {
        self.0.bytes(octets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_in_whole_words() {
        let mut writer = XdrWriter::new();
        writer.u32(7);
        writer.i32(-1);
        writer.bool(true);
        writer.opaque(b"abcde");
        let written = writer.finish();
        assert_eq!(**written, *b"\0\0\0\x07\xff\xff\xff\xff\0\0\0\x01\0\0\0\x05abcde\0\0\0");
        let mut reader = XdrReader::new(&written);
        assert_eq!((reader.u32(), reader.i32(), reader.bool()), (Ok(7), Ok(-1), Ok(true)));
        assert_eq!(reader.opaque(5), Ok(&b"abcde"[..]));
        reader.finish().unwrap();
    }

    #[test]
    fn a_count_is_limited_by_its_field_and_by_the_message() {
        let octets = b"\0\0\0\x05abcde\0\0\0";
        assert!(XdrReader::new(octets).opaque(4).is_err(), "the field has a limit");
        assert!(XdrReader::new(&octets[..9]).opaque(5).is_err(), "the padding is missing");
        assert!(XdrReader::new(b"\xff\xff\xff\xffabcd").opaque(usize::MAX).is_err());
        assert!(XdrReader::new(b"\0\0").u32().is_err());
    }

    #[test]
    fn an_array_has_no_more_elements_than_the_message_can_hold() {
        // CVE-2023-36054: a count that has nothing to do with what follows.
        let huge = b"\x7f\xff\xff\xff\0\0\0\x01\0\0\0\x02";
        assert!(XdrReader::new(huge).array(usize::MAX, 4, XdrReader::u32).is_err());
        let two = b"\0\0\0\x02\0\0\0\x01\0\0\0\x02";
        assert_eq!(XdrReader::new(two).array(2, 4, XdrReader::u32), Ok(vec![1, 2]));
        assert!(XdrReader::new(two).array(1, 4, XdrReader::u32).is_err());
    }

    #[test]
    fn a_boolean_is_0_or_1_and_nothing_is_left_behind_the_end() {
        assert!(XdrReader::new(b"\0\0\0\x02").bool().is_err());
        let mut reader = XdrReader::new(b"\0\0\0\0x");
        assert_eq!(reader.bool(), Ok(false));
        assert!(reader.finish().is_err());
    }
}
