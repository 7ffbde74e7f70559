//! Writes DER into one buffer, back to front: contents first, then the header whose length is then known. Nothing is
//! moved or copied, and a sealed (encrypted) value is encrypted in place.
//!
//! The last write comes first in the message, so callers write the fields of a SEQUENCE from the last to the first.

use crate::der::calendar::{FIRST_SECOND, LAST_SECOND, civil_from_days};
use crate::der::header::tag;
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// A buffer that grows towards its front. It may hold plaintexts and keys, so every allocation is zeroized when dropped or
/// outgrown.
#[derive(Default)]
pub struct Writer {
    /// The written octets are `start..`; the octets before are free.
    buffer: Zeroizing<Vec<u8>>,
    start: usize,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer {{ {} octets }}", self.len())
    }
}

impl Writer {
    /// Creates an empty buffer with room for `capacity` octets.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Writer {
        Writer { buffer: Zeroizing::new(vec![0; capacity]), start: capacity }
    }

    /// Number of octets written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the written octets.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Returns the written octets as a plain vector, for messages that anybody may see. Secrets leave through
    /// [`Writer::into_secret`].
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        std::mem::take(&mut *self.into_secret())
    }

    /// Returns the written octets as a vector that is zeroized when dropped.
    #[must_use]
    pub fn into_secret(mut self) -> Zeroizing<Vec<u8>> {
        let length = self.len();
        self.buffer.copy_within(self.start.., 0);
        self.buffer.truncate(length);
        std::mem::take(&mut self.buffer)
    }

    /// Prepends octets as they are.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.claim(bytes.len()).copy_from_slice(bytes);
    }

    /// Prepends one octet.
    #[inline]
    pub fn octet(&mut self, octet: u8) {
        self.bytes(&[octet]);
    }

    /// Prepends the header of `tag` over the `length` octets that were written last.
    #[inline]
    pub fn header(&mut self, tag: u8, length: usize) {
        if length < 0x80 {
            // Below 0x80: no octet is lost.
            self.bytes(&[tag, length as u8]);
        } else {
            let octets = length.to_be_bytes();
            let skipped = octets.iter().take_while(|octet| **octet == 0).count();
            self.bytes(octets.get(skipped..).unwrap_or_default());
            self.bytes(&[tag, 0x80 | (octets.len() - skipped) as u8]);
        }
    }

    /// Runs `contents`, then prepends the header of `tag` (the identifier octet, such as 0x30 or 0xa0 | n) with the
    /// length of what `contents` wrote.
    #[inline]
    pub fn tagged(&mut self, tag: u8, contents: impl FnOnce(&mut Writer)) {
        let behind = self.len();
        contents(self);
        self.header(tag, self.len() - behind);
    }

    /// Like [`Writer::tagged`] for contents that can fail.
    ///
    /// # Errors
    /// Whatever `contents` returns; the buffer's content is then meaningless and must be dropped.
    #[inline]
    pub fn try_tagged<E>(&mut self, tag: u8, contents: impl FnOnce(&mut Writer) -> Result<(), E>) -> Result<(), E> {
        let behind = self.len();
        contents(self)?;
        self.header(tag, self.len() - behind);
        Ok(())
    }

    /// Prepends a SEQUENCE around `contents`.
    #[inline]
    pub fn sequence(&mut self, contents: impl FnOnce(&mut Writer)) {
        self.tagged(tag::SEQUENCE, contents);
    }

    /// Prepends an explicit context tag `[number]`, below 31, around `contents`.
    #[inline]
    pub fn context(&mut self, number: u8, contents: impl FnOnce(&mut Writer)) {
        self.tagged(tag::context(number), contents);
    }

    /// Prepends an INTEGER in its shortest form.
    pub fn integer(&mut self, value: i64) {
        let octets = value.to_be_bytes();
        let sign = if value < 0 { 0xff } else { 0x00 };
        // A leading octet of the sign is dropped if the next one shows the same sign; the last octet always stays.
        let redundant =
            octets.windows(2).take_while(|pair| matches!(pair, [a, b] if *a == sign && (a ^ b) & 0x80 == 0));
        let kept = octets.get(redundant.count()..).unwrap_or_default();
        self.bytes(kept);
        self.header(tag::INTEGER, kept.len());
    }

    /// Prepends an Int32.
    pub fn int32(&mut self, value: i32) {
        self.integer(i64::from(value));
    }

    /// Prepends a UInt32: never negative, so with five octets from 2^31 on.
    pub fn uint32(&mut self, value: u32) {
        self.integer(i64::from(value));
    }

    /// Prepends an OCTET STRING.
    pub fn octet_string(&mut self, octets: &[u8]) {
        self.bytes(octets);
        self.header(tag::OCTET_STRING, octets.len());
    }

    /// Prepends a GeneralString (KerberosString, Realm).
    pub fn general_string(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.header(tag::GENERAL_STRING, text.len());
    }

    /// Prepends a UTF8String.
    pub fn utf8_string(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.header(tag::UTF8_STRING, text.len());
    }

    /// Prepends a BIT STRING of 32 bits (KerberosFlags), the first bit the most significant.
    pub fn flags(&mut self, bits: u32) {
        self.bytes(&bits.to_be_bytes());
        self.bytes(&[tag::BIT_STRING, 5, 0]);
    }

    /// Prepends a GeneralizedTime of seconds since the epoch, clamped to the years 0 to 9999.
    pub fn generalized_time(&mut self, seconds: i64) {
        let seconds = seconds.clamp(FIRST_SECOND, LAST_SECOND);
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let time = seconds.rem_euclid(86_400);
        let [y1, y2] = two_digits(year / 100);
        let [y3, y4] = two_digits(year % 100);
        let [mo1, mo2] = two_digits(month);
        let [d1, d2] = two_digits(day);
        let [h1, h2] = two_digits(time / 3_600);
        let [mi1, mi2] = two_digits(time / 60 % 60);
        let [s1, s2] = two_digits(time % 60);
        self.bytes(&[tag::GENERALIZED_TIME, 15, y1, y2, y3, y4, mo1, mo2, d1, d2, h1, h2, mi1, mi2, s1, s2, b'Z']);
    }

    /// Prepends an EncryptedData and encrypts its cipher in place: reserves `trailer` octets, lets `plaintext` write,
    /// reserves `header` octets in front, hands the whole region (header, plaintext, trailer) to `seal`, then wraps the
    /// region as EncryptedData { etype, kvno, cipher }. Header and trailer are zeros when `seal` receives them.
    ///
    /// # Errors
    /// Whatever `seal` returns; the buffer's content is then meaningless and must be dropped.
    pub fn encrypted_data<E>(
        &mut self,
        etype: i32,
        kvno: Option<u32>,
        header: usize,
        trailer: usize,
        plaintext: impl FnOnce(&mut Writer),
        seal: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let behind = self.len();
        self.claim(trailer).fill(0);
        plaintext(self);
        self.claim(header).fill(0);
        let cipher = self.len() - behind;
        seal(self.front(cipher))?;
        self.header(tag::OCTET_STRING, cipher);
        self.header(tag::context(2), self.len() - behind);
        if let Some(kvno) = kvno {
            self.context(1, |w| w.uint32(kvno));
        }
        self.context(0, |w| w.int32(etype));
        self.header(tag::SEQUENCE, self.len() - behind);
        Ok(())
    }

    /// Prepends `count` octets and returns them for the caller to fill.
    #[inline]
    fn claim(&mut self, count: usize) -> &mut [u8] {
        if count > self.start {
            self.grow(count);
        }
        self.start -= count;
        self.front(count)
    }

    /// Returns the first `count` written octets.
    #[inline]
    fn front(&mut self, count: usize) -> &mut [u8] {
        self.buffer.get_mut(self.start..self.start + count).unwrap_or_default()
    }

    /// Moves everything to the end of a buffer of twice the size or more; the old one is zeroized.
    #[cold]
    fn grow(&mut self, count: usize) {
        let written = self.len();
        let size = (self.buffer.len() * 2).max(written + count).max(256);
        let mut larger = vec![0; size];
        if let Some(end) = larger.get_mut(size - written..) {
            end.copy_from_slice(self.as_slice());
        }
        self.buffer.zeroize();
        *self.buffer = larger;
        self.start = size - written;
    }
}

fn two_digits(value: i64) -> [u8; 2] {
    // Both digits are below ten for the values below 100 that come here.
    [b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::default();
        write(&mut writer);
        writer.into_vec()
    }

    #[test]
    fn integers_take_their_shortest_form() {
        for (value, expected) in [
            (0i64, &[0x00][..]),
            (127, &[0x7f]),
            (128, &[0x00, 0x80]),
            (256, &[0x01, 0x00]),
            (-1, &[0xff]),
            (-128, &[0x80]),
            (-129, &[0xff, 0x7f]),
            (i64::from(i32::MIN), &[0x80, 0, 0, 0]),
            (i64::from(u32::MAX), &[0x00, 0xff, 0xff, 0xff, 0xff]),
        ] {
            let der = written(|w| w.integer(value));
            assert_eq!(der.split_at(2), (&[0x02, expected.len() as u8][..], expected), "{value}");
        }
    }

    #[test]
    fn lengths_take_their_shortest_form() {
        for (length, expected) in [
            (0usize, &[0x04, 0x00][..]),
            (127, &[0x04, 0x7f]),
            (128, &[0x04, 0x81, 0x80]),
            (255, &[0x04, 0x81, 0xff]),
            (256, &[0x04, 0x82, 0x01, 0x00]),
            (65_536, &[0x04, 0x83, 0x01, 0x00, 0x00]),
        ] {
            let der = written(|w| w.octet_string(&vec![7; length]));
            assert_eq!(&der[..expected.len()], expected);
            assert_eq!(der.len(), expected.len() + length);
        }
    }

    #[test]
    fn times_are_written_in_the_one_form_of_kerberos() {
        for (seconds, expected) in [
            (0, "19700101000000Z"),
            (1_709_164_800, "20240229000000Z"),
            (1_795_447_860, "20261123153100Z"),
            (LAST_SECOND, "99991231235959Z"),
            (i64::MAX, "99991231235959Z"),
            (-1, "19691231235959Z"),
            (i64::MIN, "00000101000000Z"),
        ] {
            assert_eq!(&written(|w| w.generalized_time(seconds))[2..], expected.as_bytes());
        }
    }

    #[test]
    fn what_is_written_last_stands_first() {
        let der = written(|w| {
            w.sequence(|w| {
                w.context(1, |w| w.general_string("b"));
                w.context(0, |w| w.flags(0x4080_0010));
            });
        });
        let expected = [0x30, 0x0e, 0xa0, 0x07, 0x03, 0x05, 0x00, 0x40, 0x80, 0x00, 0x10, 0xa1, 0x03, 0x1b, 0x01, b'b'];
        assert_eq!(der, expected);
    }

    #[test]
    fn the_buffer_grows_and_keeps_what_it_holds() {
        let mut writer = Writer::with_capacity(3);
        for octet in (0..=255).rev() {
            writer.octet(octet);
        }
        writer.bytes(&[1; 1000]);
        assert_eq!(writer.len(), 1256);
        let all = writer.into_vec();
        assert_eq!(all[..1000], [1; 1000]);
        assert_eq!(all[1000..], (0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn encrypted_data_is_sealed_where_it_stands() {
        let mut writer = Writer::with_capacity(2);
        writer.octet(0x99);
        let sealed: Result<(), ()> = writer.encrypted_data(
            18,
            Some(3),
            2,
            1,
            |w| w.bytes(b"abc"),
            |region| {
                assert_eq!(region, b"\0\0abc\0");
                region.iter_mut().for_each(|octet| *octet ^= 0x20);
                Ok(())
            },
        );
        assert_eq!(sealed, Ok(()));
        let expected = b"\x30\x14\xa0\x03\x02\x01\x12\xa1\x03\x02\x01\x03\xa2\x08\x04\x06\x20\x20ABC\x20\x99";
        assert_eq!(writer.as_slice(), expected);
    }

    #[test]
    fn an_error_of_the_seal_is_passed_on() {
        let mut writer = Writer::default();
        assert_eq!(writer.encrypted_data(18, None, 0, 0, |_| (), |_| Err("no key")), Err("no key"));
    }

    #[test]
    fn debug_shows_no_content() {
        let mut writer = Writer::default();
        writer.bytes(b"secret");
        assert_eq!(format!("{writer:?}"), "Writer { 6 octets }");
    }
}
