//! What is printed where, and what the exit code says. A command of the command line is quiet about success and fails with 1; those of
//! a query, of standard input and of the shell say what they did, and the process ends with 0 whatever they met.

use crate::output::{self, OutputFormat};
use serde_json::Value;
use std::process::ExitCode;

/// Where commands come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The words of the command line.
    CommandLine,
    /// `-q`, standard input, or a person.
    Lines,
}

/// One run of the program.
#[derive(Debug)]
pub(crate) struct Session {
    /// Name of the program in its messages.
    pub(crate) program: String,
    /// Where commands come from.
    pub(crate) source: Source,
    format: OutputFormat,
    /// Whether each failure counts.
    strict: bool,
    /// Whether something failed, as MIT's program counts.
    failed: bool,
}

impl Session {
    pub(crate) fn new(program: &str, source: Source, format: OutputFormat, strict: bool) -> Session {
        Session { program: program.to_owned(), source, format, strict, failed: false }
    }

    /// Whether the command stands on the command line: it asks nothing, and says nothing about success.
    pub(crate) fn is_script(&self) -> bool {
        self.source == Source::CommandLine
    }

    /// Prints an answer: text for people, a value for programs.
    pub(crate) fn answer(&self, text: &str, value: &Value) -> anyhow::Result<()> {
        match self.format {
            OutputFormat::Text => Ok(output::print(text)?),
            format => output::print_value(value, format),
        }
    }

    /// Prints what was done. For programs it is a value always.
    pub(crate) fn done(&self, text: &str, value: &Value) -> anyhow::Result<()> {
        match (self.format, self.source) {
            (OutputFormat::Text, Source::CommandLine) => Ok(()),
            _ => self.answer(text, value),
        }
    }

    /// Prints text for people alone, where lines are read.
    pub(crate) fn info(&self, text: &str) -> anyhow::Result<()> {
        match (self.format, self.source) {
            (OutputFormat::Text, Source::Lines) => Ok(output::print(text)?),
            _ => Ok(()),
        }
    }

    /// Prints a remark on standard error. Nothing failed.
    pub(crate) fn remark(&self, text: &str) {
        if self.source == Source::Lines {
            eprintln!("{text}");
        }
    }

    /// Prints an error, which makes a command of the command line fail.
    pub(crate) fn fail(&mut self, text: &str) {
        self.failed |= self.is_script();
        self.complain(text);
    }

    /// Prints an error that MIT's program does not count: only `--strict` does.
    pub(crate) fn complain(&mut self, text: &str) {
        self.failed |= self.strict;
        match self.format {
            OutputFormat::Text => eprintln!("{text}"),
            _ => eprintln!("{}", serde_json::json!({ "error": text })),
        }
    }

    /// Prints an error that counts wherever the command came from: there is no such command.
    pub(crate) fn fail_always(&mut self, text: &str) {
        self.failed = true;
        self.complain(text);
    }

    /// Prints `WHO: WHY CONTEXT`.
    pub(crate) fn fail_while(&mut self, who: &str, why: &str, context: &str) {
        self.fail(&format!("{who}: {why} {context}"));
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(source: Source, strict: bool, fail: fn(&mut Session)) -> String {
        let mut session = Session::new("kadmin.local", source, OutputFormat::Text, strict);
        fail(&mut session);
        format!("{:?}", session.exit_code())
    }

    #[test]
    fn a_failure_counts_on_the_command_line_or_where_it_is_strict() {
        let code = |code: ExitCode| format!("{code:?}");
        let fail: fn(&mut Session) = |session| session.fail("x");
        assert_eq!(after(Source::CommandLine, false, fail), code(ExitCode::FAILURE));
        assert_eq!(after(Source::Lines, false, fail), code(ExitCode::SUCCESS));
        assert_eq!(after(Source::Lines, true, fail), code(ExitCode::FAILURE));
        let complain: fn(&mut Session) = |session| session.complain("x");
        assert_eq!(after(Source::CommandLine, false, complain), code(ExitCode::SUCCESS));
        assert_eq!(after(Source::CommandLine, true, complain), code(ExitCode::FAILURE));
        assert_eq!(after(Source::Lines, false, |session| session.fail_always("x")), code(ExitCode::FAILURE));
    }
}
