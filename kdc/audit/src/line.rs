//! The form of a line: the same fields, in the same order, as JSON or as text. Names come from untrusted requests, so both forms
//! escape characters that could break a line or look like another field. Fields are written directly into the batch, so that a
//! line costs little compared with the request that it describes.

use bitflags::Flags;
use kennel_crypto::Enctype;
use std::fmt::{Display, Write};

/// Longest value from outside that a line holds whole, octets. No account, service or host of a cluster has a longer name.
const LONGEST_TEXT: usize = 512;
/// Longest list of our own that a line holds whole, octets.
const LONGEST_LIST: usize = 64 * 1024;

/// The form of audit lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LineFormat {
    /// One JSON object per line.
    #[default]
    Json,
    /// `name=value` pairs.
    Text,
}

/// An event that becomes a line.
pub(crate) trait Fields {
    /// Writes the fields of the event, in order.
    fn write(&self, line: &mut Line<'_>);
}

/// Appends the line of an event, with its newline, to a batch.
pub(crate) fn write(event: &impl Fields, format: LineFormat, batch: &mut String) {
    let mut line = Line { out: batch, format, first: true };
    line.begin();
    event.write(&mut line);
    line.end();
}

/// A line that is being written.
pub(crate) struct Line<'a> {
    out: &'a mut String,
    format: LineFormat,
    first: bool,
}

impl Line<'_> {
    fn begin(&mut self) {
        if self.format == LineFormat::Json {
            self.out.push('{');
        }
    }

    fn end(&mut self) {
        self.out.push_str(if self.format == LineFormat::Json { "}\n" } else { "\n" });
    }

    fn name(&mut self, name: &'static str) {
        let (between, before, after) = match self.format {
            LineFormat::Json => (",", "\"", "\":"),
            LineFormat::Text => (" ", "", "="),
        };
        if !std::mem::take(&mut self.first) {
            self.out.push_str(between);
        }
        for part in [before, name, after] {
            self.out.push_str(part);
        }
    }

    /// Writes a field with a number, `true` or `false`.
    pub(crate) fn bare(&mut self, name: &'static str, value: impl Display) {
        self.name(name);
        _ = write!(self.out, "{value}");
    }

    /// Writes a field with a value of Kennel's own, which needs no escaping.
    pub(crate) fn word(&mut self, name: &'static str, value: impl Display) {
        self.name(name);
        _ = match self.format {
            LineFormat::Json => write!(self.out, "\"{value}\""),
            LineFormat::Text => write!(self.out, "{value}"),
        };
    }

    /// Writes a field with a value from outside, escaped. A long value is cut, and the cut is marked with the number of octets
    /// that are missing.
    pub(crate) fn text(&mut self, name: &'static str, value: impl Display) {
        self.bounded_text(name, value, LONGEST_TEXT);
    }

    /// Writes a field with a list of names that belong to the cluster, escaped.
    pub(crate) fn names(&mut self, name: &'static str, value: impl Display) {
        self.bounded_text(name, value, LONGEST_LIST);
    }

    fn bounded_text(&mut self, name: &'static str, value: impl Display, longest: usize) {
        self.name(name);
        let mut value = value.to_string();
        cut(&mut value, longest);
        match self.format {
            // Serializing a string does not fail.
            LineFormat::Json => self.out.push_str(&serde_json::to_string(&value).unwrap_or_default()),
            LineFormat::Text => push_plain_or_quoted(self.out, &value),
        }
    }

    /// Writes a field with the names of flags, such as `forwardable` and `renewable-ok`.
    pub(crate) fn flags(&mut self, name: &'static str, flags: &impl Flags) {
        let small = |c: char| if c == '_' { '-' } else { c.to_ascii_lowercase() };
        self.list(name, flags.iter_names(), |out, (flag, _)| out.extend(flag.chars().map(small)));
    }

    pub(crate) fn enctypes(&mut self, name: &'static str, numbers: &[i32]) {
        self.list(name, numbers.iter(), |out, number| match Enctype::from_number(*number) {
            Some(enctype) => out.push_str(enctype.name()),
            None => _ = write!(out, "{number}"),
        });
    }

    /// Writes a field with a list of words. `push` writes one of them.
    fn list<T>(&mut self, name: &'static str, items: impl Iterator<Item = T>, push: impl Fn(&mut String, T)) {
        self.name(name);
        let (open, quote, close) = match self.format {
            LineFormat::Json => ("[", "\"", "]"),
            LineFormat::Text => ("", "", ""),
        };
        self.out.push_str(open);
        for (number, item) in items.enumerate() {
            if number > 0 {
                self.out.push(',');
            }
            self.out.push_str(quote);
            push(self.out, item);
            self.out.push_str(quote);
        }
        self.out.push_str(close);
    }
}

/// Cuts a long value, and marks the cut: `aaa...(+488)`.
fn cut(value: &mut String, longest: usize) {
    if value.len() > longest {
        let length = value.len();
        value.truncate(value.floor_char_boundary(longest));
        _ = write!(value, "...(+{})", length - value.len());
    }
}

/// Quotes and escapes a value that is not plain.
fn push_plain_or_quoted(line: &mut String, text: &str) {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@/._:+-[]".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        line.push_str(text);
        return;
    }
    line.push('"');
    for c in text.chars() {
        line.extend(c.escape_default());
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_cut_at_a_character_and_the_cut_is_marked() {
        let cut_to = |value: &str| {
            let mut value = value.to_owned();
            cut(&mut value, 8);
            value
        };
        assert_eq!(cut_to("12345678"), "12345678");
        assert_eq!(cut_to("1234567890"), "12345678...(+2)");
        assert_eq!(cut_to("1234567\u{e9}0"), "1234567...(+3)");
    }
}
