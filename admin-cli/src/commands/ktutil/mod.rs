//! `kennel ktutil`, also under the name `ktutil`: a list of keys that is read from keytabs, changed, and written to one, by the commands
//! of MIT's program of that name.
//!
//! | module | what |
//! |---|---|
//! | [`entry`] | a new entry, from a password or a key in hexadecimal |
//! | [`text`] | the list as it is shown |

mod entry;
mod text;

use crate::commands::kadmin::time::date::Now;
use crate::console::lines::Lines;
use crate::console::requests::requests_text;
use crate::console::words::split_line;
use crate::keytab_file::KeytabFile;
use crate::output::print;
use kennel_wire::keytab::KeytabEntry;
use std::io;
use std::process::ExitCode;

/// The name in messages.
const PROGRAM: &str = "ktutil";
const PROMPT: &str = "ktutil:  ";

/// The commands: names, and one line about each.
const COMMANDS: &[(&[&str], &str)] = &[
    (&["clear_list", "clear"], "Clear the current keylist."),
    (&["read_kt", "rkt"], "Read a krb5 keytab into the current keylist."),
    (&["read_st", "rst"], "Deprecated and removed."),
    (&["write_kt", "wkt"], "Write the current keylist to a krb5 keytab."),
    (&["write_st", "wst"], "Deprecated and removed."),
    (&["add_entry", "addent"], "Add an entry to the current keylist."),
    (&["delete_entry", "delent"], "Delete an entry from the current keylist."),
    (&["list", "l"], "List the current keylist."),
    (&["list_requests", "lr", "?"], "List available requests."),
    (&["quit", "exit", "q"], "Exit program."),
];

/// Options of `kennel ktutil`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Reads commands from a terminal or from standard input: addent, rkt, wkt, list, delent, clear, quit. They are those of MIT's ktutil.

  printf 'rkt old.keytab\\nwkt new.keytab\\n' | kennel ktutil")]
pub(crate) struct KtutilArgs {
    /// Exit code 1 where a command failed.
    #[arg(long)]
    strict: bool,
}

/// Carries out commands until the end.
pub(crate) fn run(args: &KtutilArgs) -> anyhow::Result<ExitCode> {
    let failed = converse()?;
    Ok(if failed && args.strict { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The program `ktutil`: without options, and always with success.
pub(crate) fn run_as_program() -> anyhow::Result<ExitCode> {
    converse().map(|_| ExitCode::SUCCESS)
}

/// Whether a command failed.
fn converse() -> anyhow::Result<bool> {
    let mut lines = Lines::of_stdin(complete)?;
    let mut list = Vec::new();
    let mut failed = false;
    while let Some(line) = lines.next(PROMPT)? {
        let Ok(words) = split_line(&line) else {
            eprintln!("{PROGRAM}: Unbalanced quotes in command line");
            failed = true;
            continue;
        };
        let Some((name, options)) = words.split_first() else { continue };
        match command(name, options, &mut list)? {
            Next::Command => {}
            Next::Failed(message) => {
                eprintln!("{message}");
                failed = true;
            }
            Next::Quit => break,
        }
    }
    Ok(failed)
}

fn complete(words: &[&str], word: &str) -> Vec<String> {
    let names = COMMANDS.iter().flat_map(|(names, _)| names.iter()).filter(|_| words.is_empty());
    names.filter(|name| name.starts_with(word)).map(|name| (*name).to_owned()).collect()
}

/// What follows a command.
enum Next {
    Command,
    /// A line on standard error.
    Failed(String),
    Quit,
}

fn command(name: &str, options: &[String], list: &mut Vec<KeytabEntry>) -> anyhow::Result<Next> {
    let first = COMMANDS.iter().find(|(names, _)| names.contains(&name)).and_then(|(names, _)| names.first());
    let done = match first.copied() {
        Some("clear_list") if options.is_empty() => {
            list.clear();
            Ok(())
        }
        Some("clear_list") => Err(format!("{name}: invalid arguments")),
        Some("read_kt") => read(name, options, list),
        Some("write_kt") => write(name, options, list),
        Some("read_st") => Err(format!("{name}: reading srvtabs is no longer supported")),
        Some("write_st") => Err(format!("{name}: writing srvtabs is no longer supported")),
        Some("add_entry") => entry::add(name, options)?.map(|entry| list.push(entry)),
        Some("delete_entry") => delete(name, options, list),
        Some("list") => match text::list(name, options, list, &Now::of_system()) {
            Ok(text) => {
                print(&text)?;
                Ok(())
            }
            Err(usage) => Err(usage),
        },
        Some("list_requests") => {
            print(&requests_text(PROGRAM, COMMANDS.iter().map(|(names, about)| (*names, *about))))?;
            Ok(())
        }
        Some(_) => return Ok(Next::Quit),
        None => Err(format!("{PROGRAM}: Unknown request \"{name}\".  Type \"?\" for a request list.")),
    };
    Ok(match done {
        Ok(()) => Next::Command,
        Err(message) => Next::Failed(message),
    })
}

fn read(name: &str, options: &[String], list: &mut Vec<KeytabEntry>) -> Result<(), String> {
    let [file] = options else { return Err(format!("{name}: must specify keytab to read")) };
    let failed = |why: &str| format!("{name}: {why} while reading keytab \"{file}\"");
    let keytab = KeytabFile::named(Some(file)).map_err(|_| failed("Unknown Key table type"))?;
    list.extend(keytab.read().map_err(|error| failed(&system_text(&error)))?);
    Ok(())
}

fn write(name: &str, options: &[String], list: &[KeytabEntry]) -> Result<(), String> {
    let [file] = options else { return Err(format!("{name}: must specify keytab to write")) };
    let failed = |why: &str| format!("{name}: {why} while writing keytab \"{file}\"");
    let keytab = KeytabFile::named(Some(file)).map_err(|_| failed("Unknown Key table type"))?;
    if list.is_empty() {
        return Ok(());
    }
    keytab.append(list).map_err(|error| failed(&system_text(&error)))
}

fn delete(name: &str, options: &[String], list: &mut Vec<KeytabEntry>) -> Result<(), String> {
    let [number] = options else { return Err(format!("{name}: must specify entry to delete")) };
    let number: usize = number.parse().unwrap_or(0);
    match number.checked_sub(1).filter(|at| *at < list.len()) {
        Some(at) => {
            list.remove(at);
            Ok(())
        }
        None => Err(format!("{name}: Invalid argument while deleting entry {number}")),
    }
}

/// The system's own words for an error, as the C library has them.
fn system_text(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str, list: &mut Vec<KeytabEntry>) -> String {
        let words = split_line(line).unwrap();
        match command(&words[0], &words[1..], list).unwrap() {
            Next::Command => String::new(),
            Next::Failed(message) => message,
            Next::Quit => "quit".to_owned(),
        }
    }

    #[test]
    fn failures_have_the_texts_of_mit() {
        let mut list = Vec::new();
        for (line, expected) in [
            ("foo bar", "ktutil: Unknown request \"foo\".  Type \"?\" for a request list."),
            ("rkt", "rkt: must specify keytab to read"),
            ("wkt", "wkt: must specify keytab to write"),
            ("read_kt /none", "read_kt: No such file or directory while reading keytab \"/none\""),
            ("delent 7", "delent: Invalid argument while deleting entry 7"),
            ("delent", "delent: must specify entry to delete"),
            ("l -x", "l: usage: l [-t] [-k] [-e]"),
            ("clear x", "clear: invalid arguments"),
            ("rst x", "rst: reading srvtabs is no longer supported"),
            ("addent -p a", "usage: addent (-key | -password) -p principal -k kvno [-e enctype] [-f|-s salt]"),
            ("exit", "quit"),
        ] {
            assert_eq!(said(line, &mut list), expected, "{line}");
        }
    }
}
