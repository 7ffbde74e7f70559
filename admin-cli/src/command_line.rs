//! The command line of `kennel` as clap knows it, with kadmin's commands among the others: for parsing, help, completion and manual.

use crate::commands::kadmin::table::{COMMANDS, Entry, Verb};
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command};
use std::io::Write;
use std::path::Path;

/// The argument that holds the words behind a command of kadmin.
const WORDS: &str = "words";
/// Section of manual pages for administrators.
const SECTION: &str = "8";

/// Adds kadmin's commands, whose words are passed on as they are.
pub(crate) fn with_kadmin(kennel: Command) -> Command {
    kennel.subcommands(kadmin_entries().map(|entry| {
        let words = Arg::new(WORDS).num_args(0..).trailing_var_arg(true).allow_hyphen_values(true);
        described(entry).arg(words.value_name(if entry.operands.is_empty() { "WORDS" } else { entry.operands }))
    }))
}

/// The same for completion: the words are kadmin's options.
pub(crate) fn with_kadmin_options(kennel: Command) -> Command {
    kennel.subcommands(kadmin_entries().map(|entry| {
        let words = Arg::new(WORDS).num_args(0..);
        described(entry).arg(words.value_parser(PossibleValuesParser::new(entry.options.iter().copied())))
    }))
}

/// The commands that are no part of a conversation.
fn kadmin_entries() -> impl Iterator<Item = &'static Entry> {
    COMMANDS.iter().filter(|entry| entry.verb != Verb::Quit)
}

fn described(entry: &'static Entry) -> Command {
    let (first, others) = entry.names.split_first().unwrap_or((&"", &[]));
    let others = others.iter().copied().filter(|name| *name != "?");
    let options = entry.options.join(" ");
    let about = if options.is_empty() { entry.about.to_owned() } else { format!("{}: {options}", entry.about) };
    Command::new(*first).visible_aliases(others).about(entry.about).long_about(about).disable_help_flag(true)
}

/// The words of a command of kadmin, its name first, where the command line asks for one.
pub(crate) fn kadmin_words(matches: &ArgMatches) -> Option<Vec<String>> {
    let (name, behind) = matches.subcommand()?;
    kadmin_entries().find(|entry| entry.names.first() == Some(&name))?;
    let words = behind.get_many::<String>(WORDS).unwrap_or_default().cloned();
    Some([name.to_owned()].into_iter().chain(words).collect())
}

/// Writes the manual: one page for the command, one for each of its commands.
///
/// # Errors
/// A page cannot be written.
pub(crate) fn write_manual(kennel: Command, folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut kennel = kennel.disable_help_subcommand(true);
    kennel.build();
    write_pages(&kennel, "kennel", folder)?;
    for (name, page) in LINKS {
        std::fs::write(folder.join(format!("{name}.{SECTION}")), format!(".so man{SECTION}/{page}.{SECTION}\n"))?;
    }
    Ok(())
}

/// Other names of the program, and the pages about them.
const LINKS: [(&str, &str); 2] = [("kubectl-kennel", "kennel"), ("kennel-kadmin.local", "kennel-shell")];

fn write_pages(command: &Command, name: &str, folder: &Path) -> std::io::Result<()> {
    let page = clap_mangen::Man::new(command.clone().name(name.to_owned())).section(SECTION);
    let mut file = std::fs::File::create(folder.join(format!("{name}.{SECTION}")))?;
    page.render(&mut file)?;
    file.flush()?;
    command.get_subcommands().try_for_each(|sub| write_pages(sub, &format!("{name}-{}", sub.get_name()), folder))
}

/// Prints the page of the whole command.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn print_manual(kennel: Command) -> std::io::Result<()> {
    clap_mangen::Man::new(kennel).section(SECTION).render(&mut std::io::stdout())
}
