//! A line of a query or of the shell as words, divided as kadmin divides it.

/// A quotation mark without its second one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnbalancedQuotes;

/// The words of a line. Blanks and tabs divide words; quotation marks keep blanks inside a word, and two of them inside a quotation
/// are one.
///
/// # Errors
/// A quotation that does not end.
pub(crate) fn split_line(line: &str) -> Result<Vec<String>, UnbalancedQuotes> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if is_quoted && rest.peek() == Some(&'"') => {
                rest.next();
                word.get_or_insert_default().push('"');
            }
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' | '\t' if !is_quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    if is_quoted {
        return Err(UnbalancedQuotes);
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        split_line(line).unwrap()
    }

    #[test]
    fn blanks_and_tabs_divide_words() {
        assert_eq!(words(" addprinc \t -randkey  HTTP/x "), ["addprinc", "-randkey", "HTTP/x"]);
        assert_eq!(words("  "), [""; 0]);
    }

    #[test]
    fn a_quotation_keeps_its_blanks_and_is_part_of_its_word() {
        assert_eq!(words(r#"-expire "2026-01-01 00:00:00" x"#), ["-expire", "2026-01-01 00:00:00", "x"]);
        assert_eq!(words(r#"a"b c"d "" e"#), ["ab cd", "", "e"]);
        assert_eq!(words(r#"-pw "say ""hi""" x"#), ["-pw", r#"say "hi""#, "x"]);
    }

    #[test]
    fn a_quotation_that_does_not_end_is_an_error() {
        assert_eq!(split_line(r#"addprinc "x"#), Err(UnbalancedQuotes));
    }
}
