//! Words that are no passwords, whatever else they have.

use std::fmt;

/// Longest dictionary, octets: some five million words.
pub const LONGEST_DICTIONARY: usize = 64 << 20;

/// A dictionary, in which capital letters do not count.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Dictionary {
    /// The words, in small letters, each on a line.
    text: Box<[u8]>,
    /// Where each word begins, in the order of the words.
    words: Box<[u32]>,
}

impl Dictionary {
    /// Reads a text of one word a line; `None` where it is longer than [`LONGEST_DICTIONARY`]. Empty lines are no words.
    #[must_use]
    pub fn new(mut text: Vec<u8>) -> Option<Dictionary> {
        if text.len() > LONGEST_DICTIONARY {
            return None;
        }
        text.make_ascii_lowercase();
        let mut words = Vec::new();
        let mut begin = 0_u32;
        for line in text.split_inclusive(|octet| *octet == b'\n') {
            if !without_end(line).is_empty() {
                words.push(begin);
            }
            begin = begin.saturating_add(u32::try_from(line.len()).ok()?);
        }
        words.sort_unstable_by(|a, b| word_at(&text, *a).cmp(word_at(&text, *b)));
        words.dedup_by(|a, b| word_at(&text, *a) == word_at(&text, *b));
        Some(Dictionary { text: text.into(), words: words.into() })
    }

    /// Whether a password is one of the words.
    #[must_use]
    pub fn contains(&self, password: &[u8]) -> bool {
        let password = password.to_ascii_lowercase();
        self.words.binary_search_by(|begin| word_at(&self.text, *begin).cmp(&password)).is_ok()
    }

    /// The number of words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is no word.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

fn word_at(text: &[u8], begin: u32) -> &[u8] {
    let rest = usize::try_from(begin).ok().and_then(|begin| text.get(begin..)).unwrap_or_default();
    rest.split_inclusive(|octet| *octet == b'\n').next().map_or(&[], without_end)
}

/// A line without what ends it.
fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary").field("words", &self.words.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_word_is_found_whatever_its_capital_letters_and_the_ends_of_lines() {
        let dictionary = Dictionary::new(b"zebra\nSecret\r\n\napple\napple\nlast".to_vec()).unwrap();
        assert_eq!(dictionary.len(), 4);
        for word in ["secret", "SECRET", "apple", "zebra", "last"] {
            assert!(dictionary.contains(word.as_bytes()), "{word}");
        }
        for other in ["", "secre", "secrets", "apple\n", "aardvark", "zzz"] {
            assert!(!dictionary.contains(other.as_bytes()), "{other}");
        }
        assert!(Dictionary::new(b"\n\r\n".to_vec()).unwrap().is_empty());
        assert!(!Dictionary::default().contains(b"x"));
    }
}
