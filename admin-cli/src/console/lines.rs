//! Lines of commands: from a terminal with editing, history and completion, or from standard input, which is repeated behind the
//! prompt, as MIT's programs do.

use crate::console::input::read_line;
use crate::output::print;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, Helper};
use std::io::{self, IsTerminal};

/// Completes the words of a command. The first argument is the words before the cursor's, the second the beginning of that word.
pub(crate) type Complete = fn(&[&str], &str) -> Vec<String>;

/// A source of lines.
pub(crate) enum Lines {
    /// A person.
    Terminal(Box<Editor<Completion, MemHistory>>),
    /// A script.
    Stream,
}

impl Lines {
    /// Standard input. The history lasts as long as the process: commands may hold passwords.
    pub(crate) fn of_stdin(complete: Complete) -> anyhow::Result<Lines> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Ok(Lines::Stream);
        }
        let config = Config::builder().auto_add_history(true).build();
        let mut editor = Editor::with_history(config, MemHistory::new())?;
        editor.set_helper(Some(Completion(complete)));
        Ok(Lines::Terminal(Box::new(editor)))
    }

    /// The next line behind a prompt; `None` at the end. An interrupted line is empty.
    pub(crate) fn next(&mut self, prompt: &str) -> anyhow::Result<Option<String>> {
        match self {
            Lines::Terminal(editor) => match editor.readline(prompt) {
                Ok(line) => Ok(Some(line)),
                Err(ReadlineError::Interrupted) => Ok(Some(String::new())),
                Err(ReadlineError::Eof) => Ok(None),
                Err(error) => Err(error.into()),
            },
            Lines::Stream => {
                print(prompt)?;
                let line = read_line()?.map(|line| line.to_string());
                if let Some(line) = &line {
                    print(&format!("{line}\n"))?;
                }
                Ok(line)
            }
        }
    }
}

/// Completion for the editor, which wants no hints, colors or validation.
pub(crate) struct Completion(Complete);

impl Helper for Completion {}
impl Highlighter for Completion {}
impl Validator for Completion {}
impl Hinter for Completion {
    type Hint = String;
}

impl Completer for Completion {
    type Candidate = String;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let before = line.get(..cursor).unwrap_or(line);
        let begin = before.rfind([' ', '\t']).map_or(0, |blank| blank + 1);
        let (words, word) = before.split_at_checked(begin).unwrap_or((before, ""));
        let words: Vec<&str> = words.split_whitespace().collect();
        Ok((begin, (self.0)(&words, word).into_iter().map(|word| word + " ").collect()))
    }
}
