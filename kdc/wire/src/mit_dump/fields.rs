//! The fields of a dump: words and numbers between tabs, octets in hexadecimal digits, text of a given length.

use crate::error::WireError;

const FILE: &str = "MIT dump";

/// Reads from the front; every error carries the line.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Fields<'a> {
        Fields { bytes, at: 0, line: 1 }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Number of the present line, from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// Returns an error in the present line.
    pub(super) fn wrong(&self, reason: &'static str) -> WireError {
        WireError::Line { file: FILE, line: self.line, reason }
    }

    /// Returns an error in the line that has just ended.
    pub(super) fn wrong_before(&self, reason: &'static str) -> WireError {
        WireError::Line { file: FILE, line: self.line.saturating_sub(1).max(1), reason }
    }

    /// Skips empty lines, and says whether nothing follows.
    pub(super) fn is_at_end(&mut self) -> bool {
        while self.peek().is_some_and(|octet| octet.is_ascii_whitespace()) {
            self.step();
        }
        self.at == self.bytes.len()
    }

    /// Reads to the end of the line, and past it.
    pub(super) fn rest_of_line(&mut self) -> &'a [u8] {
        let rest = self.take_while(|octet| octet != b'\n');
        self.step();
        rest.strip_suffix(b"\r").unwrap_or(rest)
    }

    /// Reads a word, which ends before white space or `;`.
    pub(super) fn word(&mut self) -> Result<&'a [u8], WireError> {
        self.skip_blanks();
        let word = self.take_while(|octet| !octet.is_ascii_whitespace() && octet != b';');
        if word.is_empty() { Err(self.wrong("a field is missing")) } else { Ok(word) }
    }

    /// Reads a number of 32 bits, signed or not: a negative one as the unsigned one of the same bits, as programs have written both.
    pub(super) fn number(&mut self) -> Result<u32, WireError> {
        let number = self.signed()?;
        u32::try_from(number)
            .or_else(|_| i32::try_from(number).map(i32::cast_unsigned))
            .map_err(|_| self.wrong("a number of more than 32 bits"))
    }

    /// Reads a number of 16 bits, a count or a length.
    pub(super) fn count(&mut self) -> Result<u16, WireError> {
        u16::try_from(self.signed()?).map_err(|_| self.wrong("a count or length above 65535, or a negative one"))
    }

    /// Reads a type number.
    pub(super) fn type_number(&mut self) -> Result<i32, WireError> {
        i32::try_from(self.signed()?).map_err(|_| self.wrong("a number of more than 32 bits"))
    }

    fn signed(&mut self) -> Result<i64, WireError> {
        let word = self.word()?;
        let number = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
        number.ok_or_else(|| self.wrong("a field is no number"))
    }

    /// Reads so many octets as they are, after one tab.
    pub(super) fn text(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        if self.peek() == Some(b'\t') {
            self.step();
        }
        let text = self.at.checked_add(length).and_then(|end| self.bytes.get(self.at..end));
        let text = text.ok_or_else(|| self.wrong("the file ends inside a name"))?;
        self.at += length;
        self.line += text.iter().filter(|octet| **octet == b'\n').count();
        Ok(text)
    }

    /// Reads so many octets as hexadecimal digits. MIT writes none as `-1`, Heimdal as nothing.
    pub(super) fn octets(&mut self, length: u16) -> Result<Vec<u8>, WireError> {
        if length == 0 {
            self.skip_blanks();
            if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(b"-1")) {
                self.at += 2;
            }
            return Ok(Vec::new());
        }
        let word = self.word()?;
        let (digits, odd) = word.as_chunks::<2>();
        if digits.len() != usize::from(length) || !odd.is_empty() {
            return Err(self.wrong("octets do not have the length that the line gives"));
        }
        let octet = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
        let octets = digits.iter().map(octet).collect::<Option<_>>();
        octets.ok_or_else(|| self.wrong("octets that are not hexadecimal digits"))
    }

    /// Whether the line ends here.
    pub(super) fn is_at_line_end(&mut self) -> bool {
        self.skip_blanks();
        matches!(self.peek(), None | Some(b'\n' | b'\r'))
    }

    /// Reads the `;` and the line's end after it: what was torn off before has neither.
    pub(super) fn record_end(&mut self) -> Result<(), WireError> {
        self.skip_blanks();
        if self.peek() != Some(b';') {
            return Err(self.wrong("no ; ends the line"));
        }
        self.step();
        self.line_end()
    }

    /// Reads the line's end.
    pub(super) fn line_end(&mut self) -> Result<(), WireError> {
        self.skip_blanks();
        if !self.rest_of_line().is_empty() {
            return Err(self.wrong_before("something follows the last field"));
        }
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn step(&mut self) {
        match self.peek() {
            None => {}
            Some(octet) => {
                self.line += usize::from(octet == b'\n');
                self.at += 1;
            }
        }
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.step();
        }
    }

    /// Takes octets of one line.
    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|octet| !wanted(*octet)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
