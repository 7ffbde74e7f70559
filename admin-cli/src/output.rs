//! What a command prints: text for people, with colors on a terminal; JSON and YAML for programs.

use clap::ValueEnum;
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For programs, and for kubectl apply where the answer holds objects.
    Yaml,
}

/// Prints a value for programs. `Text` is not for programs: the caller has printed it.
pub(crate) fn print_value(value: &impl Serialize, format: OutputFormat) -> anyhow::Result<()> {
    let text = match format {
        OutputFormat::Yaml => serde_saphyr::to_string(value)?,
        OutputFormat::Json | OutputFormat::Text => serde_json::to_string_pretty(value)?,
    };
    Ok(print(&end_line(text))?)
}

/// Prints text, and flushes it. The error of a reader that has gone ends the command without a message.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Whether an error only says that the reader of standard output has gone: `kennel audit tail | head`.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe))
}

fn end_line(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// The colors of words, or none: where standard output is no terminal, or `NO_COLOR` is set (no-color.org).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Colors(bool);

impl Colors {
    pub(crate) fn of_stdout() -> Colors {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Colors(io::stdout().is_terminal() && !set("NO_COLOR") && !is_dumb)
    }

    #[cfg(test)]
    pub(crate) fn none() -> Colors {
        Colors(false)
    }

    /// Green: allowed.
    pub(crate) fn good(self, text: &str) -> Cow<'_, str> {
        self.paint(text, "32")
    }

    /// Yellow: allowed for now.
    pub(crate) fn caution(self, text: &str) -> Cow<'_, str> {
        self.paint(text, "33")
    }

    /// Red: denied.
    pub(crate) fn bad(self, text: &str) -> Cow<'_, str> {
        self.paint(text, "31")
    }

    fn paint<'t>(self, text: &'t str, code: &str) -> Cow<'t, str> {
        if self.0 { Cow::Owned(format!("\x1b[{code}m{text}\x1b[0m")) } else { Cow::Borrowed(text) }
    }
}

/// Text from outside without characters that a terminal would obey: names in requests are chosen by strangers.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let is_unsafe = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) { safe.extend(c.escape_default()) } else { safe.push(c) }
    }
    Cow::Owned(safe)
}

/// The same for lines, which stay lines.
pub(crate) fn plain_lines(text: &str) -> String {
    text.lines().fold(String::new(), |all, line| all + &plain(line) + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_outside_commands_no_terminal() {
        assert_eq!(plain("HTTP/web.shop.svc@R"), "HTTP/web.shop.svc@R");
        assert_eq!(plain("a\x1b[2Jb\nc\u{202e}d"), "a\\u{1b}[2Jb\\nc\\u{202e}d");
    }

    #[test]
    fn colors_are_for_terminals() {
        assert_eq!(Colors(false).bad("x"), "x");
        assert_eq!(Colors(true).good("x"), "\x1b[32mx\x1b[0m");
    }
}
